package runtime

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/wbundle/wbundle/internal/component"
	"github.com/wbundle/wbundle/internal/wit"
)

// conformance holds wasmtime's component-model test suite and a script that
// turns it into JSON and binaries.
const conformance = "../../shared/conformance"

type wastCommand struct {
	Type, Filename, Name, Instance, Module, Text string
	Line                                         int
	Action                                       *wastAction
	Expected                                     []wastValue
}

type wastAction struct {
	Type, Field, Module string
	Args                []wastValue
}

type wastValue struct {
	Type  string
	Value json.RawMessage
}

// TestConformance runs the synchronous part of wasmtime's suite through the
// executor. Commands that need what this engine does not have are not
// run, and the log says which.
func TestConformance(t *testing.T) {
	if testing.Short() {
		t.Skip("-short")
	}
	script, err := filepath.Abs(filepath.Join(conformance, "convert.py"))
	if err == nil {
		_, err = os.Stat(script)
	}
	if err != nil {
		t.Skip("the conformance suite is not here: ", err)
	}
	if _, err := exec.LookPath("wasm-tools"); err != nil {
		t.Skip("the conformance suite needs wasm-tools: ", err)
	}
	dir := t.TempDir()
	out, err := exec.Command(script, dir, filepath.Join(filepath.Dir(script), "wasmtime")).CombinedOutput()
	if err != nil {
		t.Skipf("the conformance suite does not convert: %v\n%s", err, out)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*", "t.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no converted files: %v", err)
	}
	var total, passed int
	for _, file := range files {
		name := filepath.Base(filepath.Dir(file))
		t.Run(name, func(t *testing.T) {
			if why := notRunFiles[name]; why != "" {
				t.Skip(why)
			}
			w := &wast{t: t, dir: filepath.Dir(file), programs: map[string]*Program{}, instances: map[string]*Instance{}}
			defer w.close()
			w.run(file)
			total += w.total
			passed += w.passed
			for _, f := range w.failures {
				t.Error(f)
			}
			for _, s := range w.skipped {
				t.Log("not run: ", s)
			}
		})
	}
	t.Logf("%d of %d commands as expected", passed, total)
}

// notRunFiles are the files that wazero, or a test machine, cannot run.
var notRunFiles = map[string]string{
	"alias-region-known-imported-adapter-memory":          "needs GC types in core tables",
	"alias-region-known-imported-canonical-abi-memory":    "needs GC types in core tables",
	"alias-region-known-imported-entities":                "needs GC types in core tables",
	"alias-region-multiple-instantiations":                "needs GC types in core tables",
	"alias-region-reexported-ambiguous-entities":          "needs GC types in core tables",
	"alias-region-reexported-entities-to-imported-module": "needs GC types in core tables",
	"alias-region-reexported-known-entities":              "needs GC types in core tables",
	"memory64":                                            "needs 64-bit memories",
	"big-strings":                                         "fills memories of 4 GiB",
}

// wast runs the commands of one file.
type wast struct {
	t         *testing.T
	dir       string
	programs  map[string]*Program
	instances map[string]*Instance
	last      *Instance
	all       []*Instance
	drops     uint32
	lastDrop  uint32

	total, passed     int
	failures, skipped []string
}

func (w *wast) run(file string) {
	data, err := os.ReadFile(file)
	if err != nil {
		w.t.Fatal(err)
	}
	var script struct{ Commands []wastCommand }
	if err := json.Unmarshal(data, &script); err != nil {
		w.t.Fatal(err)
	}
	for _, c := range script.Commands {
		w.total++
		err := w.command(&c)
		switch {
		case err == nil:
			w.passed++
		case errors.Is(err, ErrUnsupported), errors.Is(err, ErrNeedsMultiMemory), errors.Is(err, errNotRun):
			w.skipped = append(w.skipped, fmt.Sprintf("line %d: %s: %v", c.Line, c.Type, err))
		default:
			w.failures = append(w.failures, fmt.Sprintf("line %d: %s: %v", c.Line, c.Type, err))
		}
	}
}

func (w *wast) close() {
	for _, i := range w.all {
		if err := i.Close(context.Background()); err != nil {
			w.t.Error(err)
		}
	}
}

var errNotRun = errors.New("not run")

func (w *wast) compile(c *wastCommand) (*Program, error) {
	bytes, err := os.ReadFile(filepath.Join(w.dir, c.Filename))
	if err != nil {
		return nil, err
	}
	return Compile(context.Background(), bytes, c.Filename)
}

func (w *wast) instantiate(p *Program) (*Instance, error) {
	inst, err := p.Instantiate(context.Background(), Config{Host: w.host(), DropResource: func(name string, rep uint32) {
		w.drops++
		w.lastDrop = rep
	}})
	if err == nil {
		w.all = append(w.all, inst)
	}
	return inst, err
}

func (w *wast) command(c *wastCommand) error {
	switch c.Type {
	case "module", "module_definition":
		if c.Type == "module" {
			w.last = nil
		}
		p, err := w.compile(c)
		if err != nil {
			return err
		}
		w.programs[c.Name] = p
		if c.Type == "module_definition" {
			return nil
		}
		if w.last, err = w.instantiate(p); err != nil {
			return err
		}
		w.instances[c.Name] = w.last
		return nil
	case "module_instance":
		w.last = nil
		p := w.programs[c.Module]
		if p == nil {
			return errNotRun
		}
		inst, err := w.instantiate(p)
		if err != nil {
			return err
		}
		w.last = inst
		w.instances[c.Instance] = inst
		return nil
	case "assert_return", "assert_trap", "action":
		got, err := w.act(c.Action)
		var trap *Trap
		if c.Type == "assert_trap" {
			if errors.As(err, &trap) {
				return nil
			}
			if err == nil {
				return fmt.Errorf("returned %s, want a trap (%s)", got, c.Text)
			}
			return err
		}
		if err != nil {
			return err
		}
		if len(c.Expected) == 0 {
			return nil
		}
		want, err := c.Expected[0].value(got.Type())
		if err != nil {
			return err
		}
		if !wit.Equal(got, want) {
			return fmt.Errorf("returned %s, want %s", got, want)
		}
		return nil
	case "assert_uninstantiable":
		p, err := w.compile(c)
		if err != nil {
			return err
		}
		_, err = w.instantiate(p)
		var trap *Trap
		if errors.As(err, &trap) {
			return nil
		}
		return fmt.Errorf("got %v, want a trap (%s): %w", err, c.Text, cmpErr(err))
	}
	// assert_invalid and assert_malformed are the decoder's; assert_unlinkable
	// is about wasmtime's test host.
	return errNotRun
}

// cmpErr keeps the kind of an error that says why a command did not run.
func cmpErr(err error) error {
	if err == nil {
		return errors.New("no error")
	}
	return err
}

func (w *wast) act(a *wastAction) (Value, error) {
	inst := w.last
	if a.Module != "" {
		inst = w.instances[a.Module]
	}
	if inst == nil {
		return Value{}, errNotRun
	}
	f, err := inst.Function(a.Field)
	if err != nil {
		return Value{}, err
	}
	args := make([]Value, len(a.Args))
	for i, x := range a.Args {
		if args[i], err = x.value(f.Type.Params[i].Type); err != nil {
			return Value{}, err
		}
	}
	return inst.Call(context.Background(), f.Name, args...)
}

// value reads the JSON form of wasm-tools json-from-wast.
func (x *wastValue) value(t *component.ValType) (Value, error) {
	if t == nil {
		return Value{}, fmt.Errorf("a %s where the function has none", x.Type)
	}
	text := strings.Trim(string(x.Value), `"`)
	payload := func(raw json.RawMessage, t *component.ValType) (Value, error) {
		if t == nil || string(raw) == "null" {
			return Value{}, nil
		}
		var v wastValue
		if err := json.Unmarshal(raw, &v); err != nil {
			return Value{}, err
		}
		return v.value(t)
	}
	list := func(types func(int) *component.ValType) ([]Value, error) {
		var raw []json.RawMessage
		if err := json.Unmarshal(x.Value, &raw); err != nil {
			return nil, err
		}
		out := make([]Value, len(raw))
		for i := range raw {
			var err error
			if out[i], err = payload(raw[i], types(i)); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	switch t.Kind {
	case component.KindF32:
		if strings.HasPrefix(text, "nan:") {
			return wit.F32(float32(math.NaN())), nil
		}
		bits, err := strconv.ParseUint(text, 10, 32)
		return wit.F32Bits(uint32(bits)), err
	case component.KindF64:
		if strings.HasPrefix(text, "nan:") {
			return wit.F64(math.NaN()), nil
		}
		bits, err := strconv.ParseUint(text, 10, 64)
		return wit.F64Bits(bits), err
	case component.KindString:
		var s string
		err := json.Unmarshal(x.Value, &s)
		return wit.String(s), err
	case component.KindChar:
		var s string
		err := json.Unmarshal(x.Value, &s)
		return wit.Char([]rune(s)[0]), err
	case component.KindList, component.KindFixedList:
		vs, err := list(func(int) *component.ValType { return t.Elem })
		if err != nil {
			return Value{}, err
		}
		return wit.List(t, vs), nil
	case component.KindTuple:
		vs, err := list(func(i int) *component.ValType { return t.Fields[i].Type })
		if err != nil {
			return Value{}, err
		}
		return wit.Record(t, vs), nil
	case component.KindRecord:
		var raw [][2]json.RawMessage
		if err := json.Unmarshal(x.Value, &raw); err != nil {
			return Value{}, err
		}
		vs := make([]Value, len(raw))
		for i := range raw {
			var err error
			if vs[i], err = payload(raw[i][1], t.Fields[i].Type); err != nil {
				return Value{}, err
			}
		}
		return wit.Record(t, vs), nil
	case component.KindFlags:
		var names []string
		if err := json.Unmarshal(x.Value, &names); err != nil {
			return Value{}, err
		}
		return wit.Parse("{"+strings.Join(names, ",")+"}", t)
	case component.KindEnum:
		return wit.Parse("%"+text, t)
	case component.KindOption:
		if string(x.Value) == "null" {
			return wit.None(t), nil
		}
		v, err := payload(x.Value, t.Elem)
		if err != nil {
			return Value{}, err
		}
		return wit.Some(t, v), nil
	case component.KindResult:
		var raw map[string]json.RawMessage
		if err := json.Unmarshal(x.Value, &raw); err != nil {
			return Value{}, err
		}
		i, side := 0, t.Ok
		r, ok := raw["Ok"]
		if !ok {
			i, side, r = 1, t.Err, raw["Err"]
		}
		v, err := payload(r, side)
		if err != nil {
			return Value{}, err
		}
		return wit.Variant(t, i, v), nil
	case component.KindVariant:
		var raw struct {
			Case    string
			Payload json.RawMessage
		}
		if err := json.Unmarshal(x.Value, &raw); err != nil {
			return Value{}, err
		}
		for i, c := range t.Cases {
			if c.Name == raw.Case {
				v, err := payload(raw.Payload, c.Type)
				if err != nil {
					return Value{}, err
				}
				return wit.Variant(t, i, v), nil
			}
		}
		return Value{}, fmt.Errorf("no case %s", raw.Case)
	}
	return wit.Parse(text, t)
}

// host is the test host that wasmtime's runner gives.
func (w *wast) host() map[string]HostFunc {
	constant := func(v Value) HostFunc {
		return func(context.Context, *FuncType, []Value) (Value, error) { return v, nil }
	}
	expectRep := func(h, want Value) error {
		if Rep(h) != uint32(want.Uint()) {
			return fmt.Errorf("resource %d, want %d", Rep(h), want.Uint())
		}
		return nil
	}
	return map[string]HostFunc{
		"host-echo-u32":           func(_ context.Context, _ *FuncType, a []Value) (Value, error) { return a[0], nil },
		"host-return-two":         constant(wit.U32(2)),
		"host#return-three":       constant(wit.U32(3)),
		"host#return-hi":          constant(wit.String("hi")),
		"host#nested#return-four": constant(wit.U32(4)),
		"host#[constructor]resource1": func(_ context.Context, t *FuncType, a []Value) (Value, error) {
			return NewHandle(t.Result, uint32(a[0].Uint())), nil
		},
		"host#[static]resource1.assert": func(_ context.Context, _ *FuncType, a []Value) (Value, error) {
			return Value{}, expectRep(a[0], a[1])
		},
		"host#[static]resource1.last-drop": func(context.Context, *FuncType, []Value) (Value, error) {
			return wit.U32(w.lastDrop), nil
		},
		"host#[static]resource1.drops": func(context.Context, *FuncType, []Value) (Value, error) {
			return wit.U32(w.drops), nil
		},
		"host#[method]resource1.simple": func(_ context.Context, _ *FuncType, a []Value) (Value, error) {
			return Value{}, expectRep(a[0], a[1])
		},
		"host#[method]resource1.take-borrow": constant(Value{}),
		"host#[method]resource1.take-own":    constant(Value{}),
	}
}
