package linker_test

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wbundle/wbundle/internal/component"
	"github.com/wbundle/wbundle/internal/wit"
	"github.com/wbundle/wbundle/linker"
	"github.com/wbundle/wbundle/runtime"
)

// The programs of testdata/boundary import the test host: host:res/things,
// which has things with a number each, and host:res/texts.
// testdata/wasmtime_run.py has the same.

// testHost is the test host of one instance.
func testHost() runtime.Config {
	drops := uint32(0)
	host := map[string]runtime.HostFunc{}
	def := func(name string, f func(t *component.ValType, args []runtime.Value) runtime.Value) {
		host["host:res/things#"+name] = func(_ context.Context, t *runtime.FuncType, args []runtime.Value) (runtime.Value, error) {
			return f(t.Result, args), nil
		}
	}
	sum := func(ts runtime.Value) uint32 {
		n := uint32(0)
		for i := range ts.Len() {
			n += runtime.Rep(ts.Index(i))
		}
		return n
	}
	number := func(f func(args []runtime.Value) uint32) func(*component.ValType, []runtime.Value) runtime.Value {
		return func(_ *component.ValType, args []runtime.Value) runtime.Value { return wit.U32(f(args)) }
	}
	def("make", func(t *component.ValType, args []runtime.Value) runtime.Value {
		return runtime.NewHandle(t, uint32(args[0].Uint()))
	})
	def("value", number(func(args []runtime.Value) uint32 { return runtime.Rep(args[0]) }))
	def("take", number(func(args []runtime.Value) uint32 { return runtime.Rep(args[0]) }))
	def("sum", number(func(args []runtime.Value) uint32 { return sum(args[0]) }))
	def("both", number(func(args []runtime.Value) uint32 { return 100*sum(args[0]) + sum(args[1]) }))
	def("eat", number(func(args []runtime.Value) uint32 { return sum(args[0]) }))
	def("many", func(t *component.ValType, args []runtime.Value) runtime.Value {
		var things []runtime.Value
		for i := range args[0].Uint() {
			things = append(things, runtime.NewHandle(t.Elem, uint32(i+1)))
		}
		return wit.List(t, things)
	})
	def("try", func(t *component.ValType, args []runtime.Value) runtime.Value {
		if n := uint32(args[0].Uint()); n%2 == 1 {
			return wit.Err(t, wit.U32(n))
		}
		return wit.Ok(t, runtime.NewHandle(t.Ok, uint32(args[0].Uint())))
	})
	def("pick", number(func(args []runtime.Value) uint32 {
		switch c := args[0]; c.CaseName() {
		case "number":
			return uint32(c.Payload().Uint())
		case "lent":
			return runtime.Rep(c.Payload())
		case "given":
			return runtime.Rep(c.Payload().Index(1))
		}
		return 0
	}))
	def("spill", func(t *component.ValType, args []runtime.Value) runtime.Value {
		lent, _ := args[0].Field("lent")
		given, _ := args[0].Field("given")
		both := runtime.Rep(lent) + runtime.Rep(given)
		n := both
		for i := range 16 {
			n += uint32(args[0].Index(i).Uint())
		}
		return wit.Record(t, []runtime.Value{runtime.NewHandle(t.Fields[0].Type, both), wit.U32(n)})
	})
	def("drops", number(func([]runtime.Value) uint32 { return drops }))
	text := func(name string, f func(t *component.ValType, v runtime.Value) runtime.Value) {
		host["host:res/texts#"+name] = func(_ context.Context, t *runtime.FuncType, args []runtime.Value) (runtime.Value, error) {
			return f(t.Result, args[0]), nil
		}
	}
	text("join", func(_ *component.ValType, v runtime.Value) runtime.Value {
		var parts []string
		for i := range v.Len() {
			parts = append(parts, v.Index(i).Text())
		}
		return wit.String(strings.Join(parts, ","))
	})
	text("twice", func(t *component.ValType, v runtime.Value) runtime.Value {
		return wit.List(t, []runtime.Value{v.WithType(t.Elem), v.WithType(t.Elem)})
	})
	text("wide", func(t *component.ValType, v runtime.Value) runtime.Value {
		s, _ := v.Field("s")
		l, _ := v.Field("l")
		n := uint64(0)
		for i := range 15 {
			n += v.Index(i).Uint()
		}
		return wit.List(t, []runtime.Value{s, l.Index(0), l.Index(1), wit.String(fmt.Sprint(n))})
	})
	return runtime.Config{Host: host, DropResource: func(string, uint32) { drops++ }}
}

// runHosted checks answers in package runtime, on the test host.
func runHosted(t *testing.T, name string, program []byte, answers []answer) {
	t.Helper()
	ctx := context.Background()
	p, err := runtime.Compile(ctx, program, name)
	if err != nil {
		t.Error(err)
		return
	}
	defer p.Close(ctx)
	for _, a := range answers {
		inst, err := p.Instantiate(ctx, testHost())
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return
		}
		c := caller{inst: inst, held: map[string]runtime.Value{}}
		for _, s := range a.steps(t) {
			got, err := c.call(s.call)
			if err != nil {
				if s.want == "trap" {
					continue
				}
				got = err.Error()
			}
			if got == "()" {
				got = ""
			}
			if got != s.want {
				t.Errorf("%s: %s: %s gives %s, want %s", name, a.call, s.call, got, s.want)
			}
		}
		if err := inst.Close(ctx); err != nil {
			t.Error(err)
		}
	}
}

// caller makes calls that handles pass through: "a = f(1)" keeps the result,
// "f(@a)" gives it away and "f(&a)" lends it, "@a.1" is an element of it; "f(*7)"
// makes a handle of the host's thing 7.
type caller struct {
	inst *runtime.Instance
	held map[string]runtime.Value
}

func (c *caller) call(text string) (string, error) {
	ctx := context.Background()
	keep := ""
	if name, rest, ok := strings.Cut(text, " = "); ok {
		keep, text = name, rest
	}
	name, list, _ := strings.Cut(strings.TrimSuffix(text, ")"), "(")
	if keep == "" && !strings.ContainsAny(list, "@&*") {
		return c.inst.Invoke(ctx, text)
	}
	if name == "drop" {
		v, err := c.value(nil, list)
		if err != nil {
			return "", err
		}
		return "", c.inst.Drop(ctx, v)
	}
	f, err := c.inst.Function(name)
	if err != nil {
		return "", err
	}
	var args []runtime.Value
	if len(f.Type.Params) == 1 { // its argument may be a list
		v, err := c.value(f.Type.Params[0].Type, list)
		if err != nil {
			return "", err
		}
		args = append(args, v)
	} else if list != "" {
		for i, text := range strings.Split(list, ", ") {
			v, err := c.value(f.Type.Params[i].Type, text)
			if err != nil {
				return "", err
			}
			args = append(args, v)
		}
	}
	v, err := c.inst.Call(ctx, name, args...)
	if err != nil || keep == "" {
		return v.String(), err
	}
	if v.Kind() == component.KindResult {
		v = v.Payload()
	}
	c.held[keep] = v
	return "", nil
}

// value is an argument of type t; nil: any handle.
func (c *caller) value(t *component.ValType, text string) (runtime.Value, error) {
	if list, ok := strings.CutPrefix(text, "["); ok {
		var elems []runtime.Value
		for _, text := range strings.Split(strings.TrimSuffix(list, "]"), ", ") {
			v, err := c.value(t.Elem, text)
			if err != nil {
				return v, err
			}
			elems = append(elems, v)
		}
		return wit.List(t, elems), nil
	}
	switch text[0] {
	case '*':
		n, err := strconv.Atoi(text[1:])
		return runtime.NewHandle(t, uint32(n)), err
	case '@', '&':
		name, index, of := strings.Cut(text[1:], ".")
		v, ok := c.held[name]
		if !ok {
			return v, fmt.Errorf("no handle is called %q", name)
		}
		if of {
			i, err := strconv.Atoi(index)
			if err != nil {
				return v, err
			}
			v = v.Index(i)
		}
		if t != nil && t.Kind == component.KindBorrow {
			v = runtime.Borrow(t, v)
		} else if t != nil {
			v = v.WithType(t)
		}
		return v, nil
	}
	if t != nil && t.Kind == component.KindString {
		s, err := strconv.Unquote(text)
		return wit.String(s), err
	}
	n, err := strconv.Atoi(text)
	return wit.U32(uint32(n)), err
}

// TestBoundary runs the programs that exchange handles and memory with the
// host, before and after linking.
func TestBoundary(t *testing.T) {
	programs := readPrograms(t, "boundary")
	unresolved := linker.Options{Unresolved: linker.UnresolvedImport, Check: true}
	for _, p := range programs {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			in := []linker.Input{input(t, filepath.Join("testdata", "boundary"), p.name)}
			runHosted(t, "unbundled", p.wasm, p.answers)
			runHosted(t, "core single", link(t, in, coreSingle.as(unresolved)).Output, p.single())
			for _, iso := range []linker.Isolation{linker.IsolationMask, linker.IsolationTrap} {
				for _, f := range []form{{linker.FormatCore, linker.MemorySingle, iso}, {linker.FormatComponent, linker.MemorySingle, iso}} {
					runHosted(t, f.String(), link(t, in, f.as(unresolved)).Output, p.answers)
				}
			}
			runHosted(t, "component single", link(t, in, componentSingle.as(unresolved)).Output, p.single())

			// The same with values and a host that are made up. Without
			// isolation, what lies outside a component's memory is not its own.
			outside := func(name string) bool { return strings.HasSuffix(name, "#outside") }
			for _, f := range []form{coreSingle, componentSingle} {
				c, err := runtime.Compare(context.Background(), p.wasm, link(t, in, f.as(unresolved)).Output,
					runtime.CompareOptions{Seed: 6, Calls: 6, Timeout: time.Minute, Skip: outside})
				if err != nil {
					t.Errorf("%s: %v", f, err)
				}
				for _, d := range c.Differences {
					t.Errorf("%s: %s\nunbundled: %s\nbundle: %s", f, d.Call, d.A, d.B)
				}
			}
		})
	}
	t.Run("wasmtime", func(t *testing.T) {
		t.Parallel()
		w := newWasmtime(t)
		for _, p := range programs {
			in := []linker.Input{input(t, filepath.Join("testdata", "boundary"), p.name)}
			single := without(without(p.answers, p.special), p.isolated)
			w.add(p.name+" unbundled", p.wasm, without(p.answers, p.special))
			w.addCore(p.name+" core single", link(t, in, coreSingle.as(unresolved)).Output, single)
			w.addCore(p.name+" core multi", link(t, in, coreMulti.as(unresolved)).Output, without(p.answers, p.special))
			w.add(p.name+" component single", link(t, in, componentSingle.as(unresolved)).Output, single)
			w.add(p.name+" component multi", link(t, in, componentMulti.as(unresolved)).Output, without(p.answers, p.special))
		}
		w.run()
	})
}

// TestPreview1 runs a core module that calls WASI preview1 out of a memory
// that is not the one the host sees.
func TestPreview1(t *testing.T) {
	t.Parallel()
	dir := filepath.Join("testdata", "host")
	inputs := []linker.Input{input(t, dir, "preview1-root"), input(t, dir, "preview1-lib")}
	var out bytes.Buffer
	ctx := context.Background()
	inst, err := runtime.Open(ctx, link(t, inputs, linker.Options{Root: "preview1-root", Check: true}).Output, runtime.Config{
		Args: []string{"program", "first", "second"}, Env: []string{"A=1", "B=2"}, Stdout: &out,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer inst.Close(ctx)
	for _, c := range []struct {
		call, want string
	}{
		{"say()", "8"},
		{"arguments()", fmt.Sprint('p'<<16 | 'f'<<8 | 's')},
		{"variables()", fmt.Sprint('A'<<8 | 'B')},
	} {
		if got, err := inst.Invoke(ctx, c.call); err != nil || got != c.want {
			t.Errorf("%s = %s, %v, want %s", c.call, got, err, c.want)
		}
	}
	if out.String() != "hello, l" {
		t.Errorf("it said %q", out.String())
	}
	_, err = linker.Link(ctx, inputs, linker.Options{Root: "preview1-root", Memory: linker.MemoryMulti})
	wantError(t, err, "preview1-lib", "fd_write", "the host sees the root's")
}
