// Package wasi is a host for WASI 0.2: it answers the functions of wasi:cli,
// io, clocks, random, filesystem, sockets and http, in any 0.2.x version, with
// typed component values (https://github.com/WebAssembly/WASI/tree/main/proposals,
// version 0.2).
//
// A program gets what Config gives and nothing else: directories are opened
// with os.Root, so that neither ".." nor a symbolic link leads out of them,
// sockets are denied, and so are HTTP requests unless Config.HTTP answers them.
//
// All functions of the stable WIT are there but those of sockets, of which none
// comes into being. The unstable ones, wasi:clocks/timezone, network-error-code
// and response-outparam.send-informational, are not.
//
// The functions are looked up by name; types come from
// the program that imports them, so that one implementation serves all
// versions whose types differ in what they added.
//
// The package knows nothing of engines: a handle becomes a value through
// Config.NewHandle.
package wasi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/wbundle/wbundle/internal/component"
	"github.com/wbundle/wbundle/internal/wit"
)

// Func answers one imported function. Arguments and result have the types of
// t; an error is a trap, or an *Exit.
type Func func(ctx context.Context, t *component.FuncType, args []wit.Value) (wit.Value, error)

// Config is what a program gets from its surroundings.
type Config struct {
	Args           []string // program name first
	Env            []string // "KEY=VALUE"
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Mounts         []Mount

	// HTTP answers the requests that the program makes; nil denies them.
	HTTP http.RoundTripper

	// Now and Random stand for the clock and the source of randomness; nil for
	// the machine's own.
	Now    func() time.Time
	Random io.Reader

	// NewHandle and Rep make a handle of a number and get the number back.
	NewHandle func(t *component.ValType, rep uint32) wit.Value
	Rep       func(handle wit.Value) uint32
}

// Exit is the error of wasi:cli/exit: the program ended itself.
type Exit struct{ Code uint32 }

// Error implements error.
func (e *Exit) Error() string { return fmt.Sprintf("exit status %d", e.Code) }

// Host is the state of WASI for one program: its open descriptors, streams
// and pollables.
type Host struct {
	cfg   Config
	start time.Time
	stdin *reader

	// objects are what the handles of the program stand for, by
	// representation less ownRep; free ones are used again.
	objects []any
	free    []uint32

	// roots are the opened mounts, one for each of Config.Mounts.
	roots []dir

	funcs map[string]method
}

// ownRep is set in the representations of this package's resources, so that an
// embedder may implement some functions of WASI itself, with numbers of its own.
const ownRep = 1 << 31

// method implements a function.
type method func(c *call) (wit.Value, error)

// call is one call of a function.
type call struct {
	*Host
	ctx  context.Context
	t    *component.FuncType
	args []wit.Value
}

// New returns a host. Close it when the program is over.
func New(cfg Config) (*Host, error) {
	h := &Host{cfg: cfg, start: time.Now(), objects: make([]any, 1), funcs: map[string]method{}}
	if h.cfg.Stdin == nil {
		h.cfg.Stdin = strings.NewReader("")
	}
	for _, w := range []*io.Writer{&h.cfg.Stdout, &h.cfg.Stderr} {
		if *w == nil {
			*w = io.Discard
		}
	}
	h.stdin = &reader{r: h.cfg.Stdin}
	for i := range cfg.Mounts {
		m := &cfg.Mounts[i]
		if m.Guest == "" {
			h.Close()
			return nil, fmt.Errorf("a mount of %q needs the path that the program sees", m.Host)
		}
		d, err := m.open()
		if err != nil {
			h.Close()
			return nil, fmt.Errorf("mount %s: %w", m.Guest, err)
		}
		h.roots = append(h.roots, d)
	}
	h.cliFuncs()
	h.ioFuncs()
	h.clockFuncs()
	h.randomFuncs()
	h.filesystemFuncs()
	h.socketFuncs()
	h.httpFuncs()
	return h, nil
}

// Close closes what the program left open.
func (h *Host) Close() error {
	for _, d := range h.roots {
		d.Close()
	}
	h.roots = nil
	for _, o := range h.objects {
		if c, ok := o.(io.Closer); ok {
			c.Close() // of what was open for reading, or was synced by the program if it mattered
		}
	}
	h.objects = h.objects[:1]
	return nil
}

// Func returns the implementation of an import, written "wasi:io/poll@0.2.6#poll";
// nil for functions that are not WASI 0.2's, or not known.
func (h *Host) Func(name string) Func {
	iface, fn, ok := strings.Cut(name, "#")
	if !ok || !Serves(iface) {
		return nil
	}
	iface, _, _ = strings.Cut(iface, "@")
	m := h.funcs[iface+"#"+fn]
	if m == nil {
		return nil
	}
	return func(ctx context.Context, t *component.FuncType, args []wit.Value) (wit.Value, error) {
		return m(&call{Host: h, ctx: ctx, t: t, args: args})
	}
}

// Serves reports whether an interface, "wasi:io/poll@0.2.6", is one of WASI 0.2.
func Serves(iface string) bool {
	pkg, version, _ := strings.Cut(iface, "@")
	return strings.HasPrefix(pkg, "wasi:") && (version == "" || version == "0.2" || strings.HasPrefix(version, "0.2."))
}

// Drop is the destructor of the host's resources: the program's last handle
// of rep is gone. An error is a trap: a child is still there.
func (h *Host) Drop(rep uint32) error {
	if !h.Owns(rep) {
		return nil
	}
	o := h.remove(rep)
	if p, ok := o.(parent); ok && p.busy() {
		return errors.New("a resource is dropped before the stream that was made from it")
	}
	if c, ok := o.(io.Closer); ok {
		c.Close() // the program cannot be told
	}
	return nil
}

// parent is a resource whose children must be dropped before it.
type parent interface{ busy() bool }

// remove makes a representation of nothing, and returns what it was.
func (h *Host) remove(rep uint32) any {
	rep &^= ownRep
	o := h.objects[rep]
	h.objects[rep] = nil
	h.free = append(h.free, rep)
	return o
}

// Owns reports whether a representation is one that the host gave out.
func (h *Host) Owns(rep uint32) bool {
	i := rep &^ ownRep
	return rep&ownRep != 0 && int(i) < len(h.objects) && h.objects[i] != nil
}

// handle makes a handle of type t for an object.
func (h *Host) handle(t *component.ValType, o any) wit.Value {
	var rep uint32
	if n := len(h.free); n > 0 {
		rep = h.free[n-1]
		h.free = h.free[:n-1]
		h.objects[rep] = o
	} else {
		rep = uint32(len(h.objects))
		h.objects = append(h.objects, o)
	}
	return h.cfg.NewHandle(t, rep|ownRep)
}

// object returns what the handle in argument i stands for.
func object[T any](c *call, i int) (T, error) {
	return objectOf[T](c.Host, c.args[i])
}

// take returns what the own handle in argument i stands for, which is the
// function's from then on, and not closed.
func take[T any](c *call, i int) (T, error) { return takeOf[T](c.Host, c.args[i]) }

func takeOf[T any](h *Host, handle wit.Value) (T, error) {
	o, err := objectOf[T](h, handle)
	if err == nil {
		h.remove(h.cfg.Rep(handle))
	}
	return o, err
}

func objectOf[T any](h *Host, handle wit.Value) (T, error) {
	rep := h.cfg.Rep(handle)
	if !h.Owns(rep) {
		var none T
		return none, fmt.Errorf("resource %d is not WASI's: an embedder that implements some functions of a resource must implement all", rep)
	}
	o, ok := h.objects[rep&^ownRep].(T)
	if !ok {
		return o, fmt.Errorf("resource of the wrong kind: %T", h.objects[rep&^ownRep])
	}
	return o, nil
}

// ok returns the ok case of the function's result type.
func (c *call) ok(v wit.Value) (wit.Value, error) { return wit.Ok(c.t.Result, v), nil }

// fail returns the err case with the enum case of a name, or the last case of
// an enum that does not have it.
func (c *call) fail(code string) (wit.Value, error) {
	return wit.Err(c.t.Result, enum(c.t.Result.Err, code)), nil
}

// enum returns the case of an enum type by name; types of different minor
// versions may number them differently.
func enum(t *component.ValType, name string) wit.Value {
	for i, l := range t.Labels {
		if l == name {
			return wit.Variant(t, i, wit.Value{})
		}
	}
	return wit.Variant(t, len(t.Labels)-1, wit.Value{})
}

// variant returns the case of a variant type by name.
func variant(t *component.ValType, name string, payload wit.Value) (wit.Value, error) {
	for i, c := range t.Cases {
		if c.Name == name {
			return wit.Variant(t, i, payload), nil
		}
	}
	return wit.Value{}, fmt.Errorf("the variant has no case %q", name)
}

// has reports whether a flags value has a label set.
func has(v wit.Value, label string) bool {
	for _, l := range v.FlagNames() {
		if l == label {
			return true
		}
	}
	return false
}

// flags returns the value of a flags type with labels set, those it has.
func flags(t *component.ValType, labels []string) wit.Value {
	var set uint64
	for i, l := range t.Labels {
		if slices.Contains(labels, l) {
			set |= 1 << i
		}
	}
	return wit.Flags(t, set)
}

// field returns the type of a field of a record.
func field(t *component.ValType, name string) *component.ValType {
	for _, f := range t.Fields {
		if f.Name == name {
			return f.Type
		}
	}
	return nil
}

func (h *Host) now() time.Time {
	if h.cfg.Now != nil {
		return h.cfg.Now()
	}
	return time.Now()
}

// monotonic is nanoseconds since the program began, plus one: 0 is no instant.
func (h *Host) monotonic() uint64 { return uint64(time.Since(h.start)) + 1 }
