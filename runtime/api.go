package runtime

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sort"

	"github.com/wbundle/wbundle/internal/component"
	"github.com/wbundle/wbundle/internal/wasi"
	"github.com/wbundle/wbundle/internal/wit"
)

// Value is a component-level value; the zero Value is the absence of one.
// Its String method prints WAVE.
type Value = wit.Value

// FuncType is a function type with every type resolved.
type FuncType = component.FuncType

// HostFunc implements an imported function. Arguments have the types of
// t.Params; the result must have type t.Result, and be the zero Value when
// that is nil. A returned error becomes a trap in the caller.
type HostFunc func(ctx context.Context, t *FuncType, args []Value) (Value, error)

// Mount makes a directory visible to WASI programs, of 0.2 and of preview 1.
// Whichever way, the directory is opened with os.Root when the program is
// instantiated: neither ".." nor a symbolic link leads out of it.
type Mount = wasi.Mount

// Config is what an instance gets from its surroundings. The zero Config
// gives nothing: no arguments, empty standard input, output thrown away.
type Config struct {
	// Name is what the binary is called in errors.
	Name string

	Args   []string // program name first
	Env    []string // "KEY=VALUE"
	Stdin  io.Reader
	Stdout io.Writer
	Stderr io.Writer
	Mounts []Mount

	// HTTP answers the requests that a program makes through WASI 0.2's
	// wasi:http/outgoing-handler, http.DefaultTransport for instance; nil
	// denies them (HTTP-request-denied). Sockets are always denied.
	HTTP http.RoundTripper

	// Host implements imports, by "ns:pkg/iface@1.2.3#func", or plain
	// "func" for imports of the world itself; core imports of modules without
	// component types go by "module#name". WASI that is not here is answered
	// from the fields above, preview 1 and every 0.2.x; other imports become
	// functions that trap when they are called.
	Host map[string]HostFunc

	// DropResource, when set, is the destructor of the resource types that the
	// host implements: it is called with the name ("ns:pkg/iface#r") and the
	// representation of each such resource that its last owner drops.
	DropResource func(name string, rep uint32)

	// OnImport, when set, is told of every call of an imported function once
	// it has returned, stubs included. It must not keep args.
	OnImport func(name string, args []Value, result Value, err error)

	// MemoryLimit bounds each linear memory, in bytes, rounded down to whole
	// pages of 64 KiB; 0: the engine's limit of 4 GiB. memory.grow beyond it
	// returns -1, as when a machine has no more; a program that needs more
	// from the start cannot be instantiated. A bundle made with --memory single
	// has one memory, an unbundled component one for each of its modules.
	//
	// Time is bounded by the context of Open and of each call: code that is
	// still running when it is done is stopped, and the instance with it.
	MemoryLimit uint64

	// Interpret chooses wazero's interpreter over its compiler. The compiler
	// is used where the platform has it.
	Interpret bool

	// fallback answers the imports that Host does not have; nil: they trap.
	fallback func(name string) HostFunc
	// repeatable makes the clocks and random numbers of WASI preview1 the
	// same in every run.
	repeatable bool
}

// Function is an exported function.
type Function struct {
	// Name is what Call takes: "func", "ns:pkg/iface@1.2.3#func",
	// "ns:pkg/iface#[method]r.f".
	Name string
	Type *FuncType
}

// String returns the function as WIT text.
func (f Function) String() string { return f.Name + ": " + wit.FuncString(f.Type) }

// Trap is a trap: the call, and for components the whole instance, is over.
// Every later call of a component that trapped traps as well.
type Trap struct {
	Msg string
	Err error // the engine's error, when it is one; may be nil
}

// Error implements error.
func (t *Trap) Error() string {
	if t.Msg == "" && t.Err != nil {
		return "trap: " + t.Err.Error()
	}
	return "trap: " + t.Msg
}

// Unwrap returns the engine's error.
func (t *Trap) Unwrap() error { return t.Err }

// ExitError says that the program ended itself through WASI's exit.
type ExitError struct{ Code uint32 }

// Error implements error.
func (e *ExitError) Error() string { return fmt.Sprintf("exit status %d", e.Code) }

// ErrNeedsMultiMemory is wrapped by the error of Open for a core module with
// more than one memory: wazero has one memory per module. Bundle with
// --memory single, or run the file in an engine with the multi-memory feature.
var ErrNeedsMultiMemory = errors.New("the module needs the multi-memory feature, which wazero does not have")

// ErrUnsupported is wrapped by errors about component-model features that
// this package does not execute (asynchronous functions, streams, GC types).
var ErrUnsupported = errors.New("not supported by this engine")

// engine is what a core bundle and an executed component have in common.
type engine interface {
	// function returns the exported function of that very name.
	function(name string) (*FuncType, bool)
	functions() []Function
	call(ctx context.Context, name string, args []Value) (Value, error)
	dropHandle(ctx context.Context, v Value) error
	// ofHost says that the host implements a resource, not the program.
	ofHost(r *component.Resource) bool
	// host is the host of WASI 0.2.
	host() (*wasi.Host, error)
	close(ctx context.Context) error
}

// Instance is an instantiated bundle or component. It is for one goroutine at
// a time, as instances of the component model are.
type Instance struct{ engine engine }

// Open compiles and instantiates wasm, a core module or a component. Errors
// name the input (Config.Name) and, in broken binaries, section and offset. A
// trap during instantiation is a *Trap.
func Open(ctx context.Context, wasm []byte, cfg Config) (*Instance, error) {
	p, err := Compile(ctx, wasm, cfg.Name)
	if err != nil {
		return nil, err
	}
	inst, err := p.Instantiate(ctx, cfg)
	if err != nil {
		return nil, errors.Join(err, p.Close(ctx))
	}
	inst.engine = &owning{inst.engine, p}
	return inst, nil
}

// owning closes the program together with its only instance.
type owning struct {
	engine
	program *Program
}

func (o *owning) close(ctx context.Context) error {
	return errors.Join(o.engine.close(ctx), o.program.Close(ctx))
}

// Functions returns the exported functions, sorted by name.
func (i *Instance) Functions() []Function {
	fs := i.engine.functions()
	sort.Slice(fs, func(a, b int) bool { return fs[a].Name < fs[b].Name })
	return fs
}

// Function returns an exported function by name. A name without "#" also
// finds the one function of that name in the exported interfaces. Otherwise
// the error names the nearest export.
func (i *Instance) Function(name string) (Function, error) {
	if t, ok := i.engine.function(name); ok {
		return Function{name, t}, nil
	}
	return findFunction(name, i.Functions())
}

// Call calls an exported function. Arguments must have the types of its
// parameters. It returns the zero Value for a function without result, and a
// *Trap, an *ExitError, ctx.Err() wrapped, or an error about the call itself.
// Handles in the result belong to the caller: pass them on or Drop them.
func (i *Instance) Call(ctx context.Context, name string, args ...Value) (Value, error) {
	f, err := i.Function(name)
	if err != nil {
		return Value{}, err
	}
	if err := checkArgs(f, args); err != nil {
		return Value{}, err
	}
	return i.engine.call(ctx, f.Name, args)
}

// Invoke calls an exported function written as a call in WAVE, and returns
// its result in WAVE: "add(2, 3)" or "demo:calc/ops#add(2, 3)" gives "5". The
// result of a function without result is "()".
func (i *Instance) Invoke(ctx context.Context, call string) (string, error) {
	v, err := i.invoke(ctx, call)
	if err != nil {
		return "", err
	}
	return v.String(), nil
}

func (i *Instance) invoke(ctx context.Context, call string) (Value, error) {
	c, err := wit.ParseCall(call)
	if err != nil {
		return Value{}, err
	}
	f, err := i.Function(c.Name)
	if err != nil {
		return Value{}, err
	}
	args, err := c.ParseArgs(f.Type.Params)
	if err != nil {
		return Value{}, err
	}
	return i.engine.call(ctx, f.Name, args)
}

// Drop drops an own handle that a call returned; its destructor runs.
// Instances of a handle that was passed on cannot be dropped.
func (i *Instance) Drop(ctx context.Context, handle Value) error {
	return i.engine.dropHandle(ctx, handle)
}

// Close frees the instance. It does not run destructors.
func (i *Instance) Close(ctx context.Context) error { return i.engine.close(ctx) }

// NewHandle makes an own handle of a resource that the host implements, for a
// HostFunc to return: t is the own type in its signature, rep a number that
// means something to the host and comes back through Rep and DropResource.
func NewHandle(t *component.ValType, rep uint32) Value {
	return wit.Handle(t, &hostHandle{res: t.Resource, rep: rep, own: t.Kind == component.KindOwn})
}

// Borrow lends an own handle that the caller holds, for a parameter of the
// borrow type t. The loan lasts for the calls it is passed to.
func Borrow(t *component.ValType, own Value) Value {
	return wit.Handle(t, own.AsHandle())
}

// Rep returns the representation of a handle of a resource that the host
// implements, as NewHandle was given it. A HostFunc that takes an own handle
// owns it from then on.
func Rep(handle Value) uint32 {
	h, ok := handle.AsHandle().(*hostHandle)
	if !ok {
		panic("runtime: Rep of a value that is no handle")
	}
	return h.rep
}

// checkArgs compares arguments with parameters by structure.
func checkArgs(f Function, args []Value) error {
	if len(args) != len(f.Type.Params) {
		return fmt.Errorf("%s takes %d arguments, not %d", f.Name, len(f.Type.Params), len(args))
	}
	for n, p := range f.Type.Params {
		if t := args[n].Type(); t == nil || !sameShape(t, p.Type) {
			got := "no value"
			if t != nil {
				got = wit.TypeString(t)
			}
			return fmt.Errorf("argument %d of %s (%s): %s, want %s", n+1, f.Name, p.Name, got, wit.TypeString(p.Type))
		}
	}
	return nil
}
