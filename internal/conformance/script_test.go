package conformance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/wbundle/wbundle/internal/wit"
	"github.com/wbundle/wbundle/runtime"
)

// command is a command of a converted file.
type command struct {
	Type     string `json:"type"`
	Line     int    `json:"line"`
	Filename string `json:"filename,omitempty"`
	Name     string `json:"name,omitempty"`
	Instance string `json:"instance,omitempty"`
	Module   string `json:"module,omitempty"`
	Text     string `json:"text,omitempty"`
	Action   *struct {
		Type   string      `json:"type"`
		Field  string      `json:"field"`
		Module string      `json:"module,omitempty"`
		Args   []jsonValue `json:"args"`
	} `json:"action,omitempty"`
	Expected []jsonValue `json:"expected,omitempty"`
}

// runs says that a command is about running: the others are the decoder's, or
// about wasmtime's own test host (assert_unlinkable).
func (c *command) runs() bool {
	switch c.Type {
	case "module", "module_definition", "module_instance", "assert_return", "assert_trap", "action", "assert_uninstantiable":
		return true
	}
	return false
}

// readCommands reads a converted file.
func readCommands(t *testing.T, file string) []command {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var s struct{ Commands []command }
	if err := json.Unmarshal(data, &s); err != nil {
		t.Fatal(err)
	}
	return s.Commands
}

// notRun is why a command cannot be run, and with it every command that needs
// what it would have made.
type notRun struct{ why string }

func (n *notRun) Error() string { return n.why }

// made is what a command made, or why there is none.
type made[T any] struct {
	it  T
	why *notRun
}

// reader reads the components of one file, each composed with the earlier
// ones that it imports by name.
type reader struct {
	dir   string
	named map[string][]byte
}

func (r *reader) read(c *command) ([]byte, error) {
	bytes, err := os.ReadFile(filepath.Join(r.dir, c.Filename))
	if err != nil {
		return nil, err
	}
	bytes, err = compose(c.Filename, bytes, r.named)
	if err == nil && c.Type == "module" && c.Name != "" {
		r.named[c.Name] = bytes
	}
	return bytes, err
}

// script runs the commands of one file through package runtime.
type script struct {
	// prepare turns a component into what is compiled: itself, or a bundle.
	prepare func(name string, component []byte) ([]byte, error)
	reader
	programs  map[string]made[*runtime.Program]
	instances map[string]made[*runtime.Instance]
	last      made[*runtime.Instance]
	close     []func(context.Context) error
	drops     uint32
	lastDrop  uint32
}

func newScript(dir string, prepare func(string, []byte) ([]byte, error)) *script {
	return &script{reader: reader{dir: dir, named: map[string][]byte{}}, prepare: prepare, programs: map[string]made[*runtime.Program]{}, instances: map[string]made[*runtime.Instance]{}}
}

// finish frees what the commands made, instances before their programs.
func (s *script) finish(t *testing.T) {
	for i := len(s.close) - 1; i >= 0; i-- {
		if err := s.close[i](context.Background()); err != nil {
			t.Error(err)
		}
	}
}

// skipped recognises errors that mean "this cannot be run here".
func skipped(err error) *notRun {
	var n *notRun
	switch {
	case errors.As(err, &n):
		return n
	case errors.Is(err, runtime.ErrUnsupported), errors.Is(err, runtime.ErrNeedsMultiMemory):
		return &notRun{err.Error()}
	}
	return nil
}

func (s *script) compile(c *command) (*runtime.Program, error) {
	bytes, err := s.read(c)
	if err != nil {
		return nil, err
	}
	if bytes, err = s.prepare(c.Filename, bytes); err != nil {
		return nil, err
	}
	p, err := runtime.Compile(context.Background(), bytes, c.Filename)
	if err != nil {
		return nil, err
	}
	s.close = append(s.close, p.Close)
	return p, nil
}

func (s *script) instantiate(p *runtime.Program) (*runtime.Instance, error) {
	inst, err := p.Instantiate(context.Background(), runtime.Config{Host: s.host(), DropResource: func(_ string, rep uint32) {
		s.drops++
		s.lastDrop = rep
	}})
	var trap *runtime.Trap
	switch {
	case err == nil:
		s.close = append(s.close, inst.Close)
	case !errors.As(err, &trap) && skipped(err) == nil:
		// What is run has been validated: the engine lacks a feature.
		err = &notRun{"the engine refuses it: " + err.Error()}
	}
	return inst, err
}

// run runs one command. The error is a *notRun, or says what is wrong.
func (s *script) run(c *command) error {
	switch c.Type {
	case "module", "module_definition":
		p, err := s.compile(c)
		if c.Type == "module_definition" {
			s.programs[c.Name] = made[*runtime.Program]{p, skipped(err)}
			return err
		}
		if err == nil {
			s.last.it, err = s.instantiate(p)
		}
		return s.made(c.Name, err)
	case "module_instance":
		p, ok := s.programs[c.Module]
		if !ok {
			return fmt.Errorf("no definition %q", c.Module)
		}
		if p.why != nil {
			return s.made(c.Instance, p.why)
		}
		var err error
		s.last.it, err = s.instantiate(p.it)
		return s.made(c.Instance, err)
	case "assert_return", "action":
		got, err := s.act(c)
		if err != nil || len(c.Expected) == 0 {
			return err
		}
		want, err := c.Expected[0].value(got.Type())
		if err == nil && !wit.Equal(got, want) {
			err = fmt.Errorf("returned %s, want %s", got, want)
		}
		return err
	case "assert_trap":
		got, err := s.act(c)
		return trapped(err, "returned "+got.String(), c.Text)
	case "assert_uninstantiable":
		p, err := s.compile(c)
		if err != nil {
			return err
		}
		_, err = s.instantiate(p)
		return trapped(err, "was instantiated", c.Text)
	}
	return fmt.Errorf("unknown command %q", c.Type)
}

// made notes the outcome of an instantiation as the last instance.
func (s *script) made(name string, err error) error {
	s.last.why = skipped(err)
	if err != nil && s.last.why == nil {
		s.last.why = &notRun{"its component failed"}
	}
	s.instances[name] = s.last
	return err
}

// trapped wants err to be a trap.
func trapped(err error, instead, text string) error {
	var trap *runtime.Trap
	switch {
	case errors.As(err, &trap):
		return nil
	case err == nil:
		return fmt.Errorf("%s, want a trap (%s)", instead, text)
	}
	return err
}

// act calls the function of an action.
func (s *script) act(c *command) (wit.Value, error) {
	inst := s.last
	if m := c.Action.Module; m != "" {
		inst = s.instances[m]
	}
	if inst.why != nil {
		return wit.Value{}, inst.why
	}
	f, err := inst.it.Function(c.Action.Field)
	if err != nil {
		return wit.Value{}, err
	}
	args := make([]wit.Value, len(c.Action.Args))
	for i := range args {
		if args[i], err = c.Action.Args[i].value(f.Type.Params[i].Type); err != nil {
			return wit.Value{}, err
		}
	}
	return inst.it.Call(context.Background(), f.Name, args...)
}

// host is the test host that wasmtime's runner gives.
func (s *script) host() map[string]runtime.HostFunc {
	constant := func(v wit.Value) runtime.HostFunc {
		return func(context.Context, *runtime.FuncType, []wit.Value) (wit.Value, error) { return v, nil }
	}
	expectRep := func(h, want wit.Value) error {
		if runtime.Rep(h) != uint32(want.Uint()) {
			return fmt.Errorf("resource %d, want %d", runtime.Rep(h), want.Uint())
		}
		return nil
	}
	return map[string]runtime.HostFunc{
		"host-echo-u32":           func(_ context.Context, _ *runtime.FuncType, a []wit.Value) (wit.Value, error) { return a[0], nil },
		"host-return-two":         constant(wit.U32(2)),
		"host#return-three":       constant(wit.U32(3)),
		"host#return-hi":          constant(wit.String("hi")),
		"host#nested#return-four": constant(wit.U32(4)),
		"host#[constructor]resource1": func(_ context.Context, t *runtime.FuncType, a []wit.Value) (wit.Value, error) {
			return runtime.NewHandle(t.Result, uint32(a[0].Uint())), nil
		},
		"host#[static]resource1.assert": func(_ context.Context, _ *runtime.FuncType, a []wit.Value) (wit.Value, error) {
			return wit.Value{}, expectRep(a[0], a[1])
		},
		"host#[static]resource1.last-drop": func(context.Context, *runtime.FuncType, []wit.Value) (wit.Value, error) {
			return wit.U32(s.lastDrop), nil
		},
		"host#[static]resource1.drops": func(context.Context, *runtime.FuncType, []wit.Value) (wit.Value, error) {
			return wit.U32(s.drops), nil
		},
		"host#[method]resource1.simple": func(_ context.Context, _ *runtime.FuncType, a []wit.Value) (wit.Value, error) {
			return wit.Value{}, expectRep(a[0], a[1])
		},
		"host#[method]resource1.take-borrow": constant(wit.Value{}),
		"host#[method]resource1.take-own":    constant(wit.Value{}),
	}
}
