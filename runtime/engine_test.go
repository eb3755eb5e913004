package runtime

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wbundle/wbundle/internal/wit"
)

func testdata(t testing.TB, name string) []byte {
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// calcFiles are one bundle as a core module and wrapped as a component: the
// two engines must agree.
var calcFiles = []string{"calc.wasm", "calc.component.wasm"}

const ops = "demo:calc/ops@0.1.0#"

func TestVerifyCalc(t *testing.T) {
	cases := []Case{
		{Name: "add", Invoke: ops + "add(2, 4294967295)", Expect: "1"},
		{Name: "short name", Invoke: "add(2, 3)", Expect: "5"},
		{Name: "string", Invoke: `shout("grün über alles")`, Expect: `"GRüN üBER ALLES"`},
		{Name: "post-return", Invoke: "frees()", Expect: "1", SameInstance: true},
		{Name: "fresh", Invoke: "frees()", Expect: "0"},
		{Name: "list", Invoke: "total([1, 2, 18446744073709551615])", Expect: "2"},
		{Name: "empty list", Invoke: "total([])", Expect: "0"},
		{Name: "joined floats", Invoke: "mirror(circle({x: 1.5, y: -0}), {read, exec}, 'x')", Expect: "(circle({x: 1.5, y: -0}), {read, exec}, some('x'))"},
		{Name: "joined string", Invoke: `mirror(text("hé"), {}, none)`, Expect: `(text("hé"), {}, none)`},
		{Name: "no payload", Invoke: `mirror(%none, {write}, '☃')`, Expect: `(%none, {write}, some('☃'))`},
		{Name: "nan", Invoke: "mirror(circle({x: nan, y: -inf}), {}, none)", Expect: "(circle({x: nan, y: -inf}), {}, none)"},
		{Name: "spilled", Invoke: "spread(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17)", Expect: "153"},
		{Name: "ok", Invoke: "div(7, 2)", Expect: "3"},
		{Name: "err", Invoke: "div(7, 0)", Expect: `err("division by zero")`},
		{Name: "missing import", Invoke: "later(1)", Trap: true},
		{Name: "locked", Invoke: "add(1, 1)", Trap: true, SameInstance: true},
		{Name: "no result", Invoke: `tell("x")`, Trap: true},
	}
	for _, file := range calcFiles {
		t.Run(file, func(t *testing.T) {
			report, err := Verify(context.Background(), testdata(t, file), cases, Options{Timeout: time.Minute})
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range report.Cases {
				if c.Err != nil {
					t.Errorf("%s: %v", c.Case.Name, c.Err)
				}
			}
		})
	}
}

func TestVerifyFailures(t *testing.T) {
	for _, c := range []struct {
		c    Case
		want string
	}{
		{Case{Invoke: "add(2, 3)", Expect: "6"}, "returned 5, want 6"},
		{Case{Invoke: "add(2, 3)", Trap: true}, "returned 5, want a trap"},
		{Case{Invoke: "add(2, 3)", Expect: "x"}, `expect: 1:1: expected an integer of type u32, found "x"`},
		{Case{Invoke: "ad(2, 3)"}, `no exported function "ad"`},
		{Case{Invoke: "demo:calc/ops@0.1.0#ad(2, 3)"}, `no exported function "demo:calc/ops@0.1.0#ad"; did you mean "demo:calc/ops@0.1.0#add"?`},
		{Case{Invoke: "add(2)"}, "invoke: 1:6: argument 2 of add is missing: b: u32"},
		{Case{Invoke: "later(1)"}, "trap: the host does not provide the import now"},
		{Case{Run: []string{"x"}}, "calc is not a command: it exports neither _start nor wasi:cli/run"},
	} {
		report, err := Verify(context.Background(), testdata(t, "calc.wasm"), []Case{c.c}, Options{Config: Config{Name: "calc"}})
		if err != nil {
			t.Fatal(err)
		}
		if got := report.Cases[0].Err; got == nil || got.Error() != c.want || report.OK() {
			t.Errorf("%+v: got %v, want %s", c.c, got, c.want)
		}
	}
}

func TestVerifyWithoutCases(t *testing.T) {
	for _, file := range append(calcFiles, "hello.wasm") {
		report, err := Verify(context.Background(), testdata(t, file), nil, Options{})
		if err != nil || !report.OK() || len(report.Cases) != 1 {
			t.Errorf("%s: %v, %+v", file, err, report)
		}
	}
}

func TestHostFunctionsAndResources(t *testing.T) {
	ctx := context.Background()
	for _, file := range calcFiles {
		t.Run(file, func(t *testing.T) {
			var trace []string
			note := func(format string, args ...any) { trace = append(trace, fmt.Sprintf(format, args...)) }
			cfg := Config{
				Host: map[string]HostFunc{
					"now": func(context.Context, *FuncType, []Value) (Value, error) { return wit.U64(41), nil },
					"demo:calc/log@0.1.0#open": func(_ context.Context, ft *FuncType, args []Value) (Value, error) {
						note("open %s", args[0])
						return NewHandle(ft.Result, 7), nil
					},
					"demo:calc/log@0.1.0#[method]sink.write": func(_ context.Context, _ *FuncType, args []Value) (Value, error) {
						note("write %d %s", Rep(args[0]), args[1])
						return Value{}, nil
					},
				},
				DropResource: func(name string, rep uint32) { note("drop %s %d", name, rep) },
			}
			inst, err := Open(ctx, testdata(t, file), cfg)
			if err != nil {
				t.Fatal(err)
			}
			defer inst.Close(ctx)
			if got, err := inst.Invoke(ctx, "later(1)"); err != nil || got != "42" {
				t.Errorf("later: %s, %v", got, err)
			}
			if got, err := inst.Invoke(ctx, `tell("hi")`); err != nil || got != "()" {
				t.Errorf("tell: %s, %v", got, err)
			}
			const want = `open "calc"; write 7 "hi"; drop demo:calc/log@0.1.0#sink 7`
			if got := strings.Join(trace, "; "); got != want {
				t.Errorf("host calls:\n got %s\nwant %s", got, want)
			}

			// A resource of the bundle in the hands of the host.
			c, err := inst.Call(ctx, ops+"[constructor]counter", wit.U32(10))
			if err != nil {
				t.Fatal(err)
			}
			peek, err := inst.Function("peek")
			if err != nil {
				t.Fatal(err)
			}
			lent := Borrow(peek.Type.Params[0].Type, c)
			for want := uint32(11); want < 13; want++ {
				got, err := inst.Call(ctx, "[method]counter.next", lent)
				if err != nil || !wit.Equal(got, wit.U32(want)) {
					t.Errorf("next: %v, %v, want %d", got, err, want)
				}
			}
			if got, err := inst.Call(ctx, "peek", lent); err != nil || !wit.Equal(got, wit.U32(12)) {
				t.Errorf("peek: %v, %v", got, err)
			}
			if err := inst.Drop(ctx, c); err != nil {
				t.Errorf("drop: %v", err)
			}
			if got, err := inst.Invoke(ctx, "drops()"); err != nil || got != "1" {
				t.Errorf("drops: %s, %v", got, err)
			}
			if err := inst.Drop(ctx, c); err == nil {
				t.Error("a handle was dropped twice")
			}
			if _, err := inst.Call(ctx, "peek", lent); err == nil {
				t.Error("a dropped handle was lent")
			}
		})
	}
}

func TestPlainModule(t *testing.T) {
	ctx := context.Background()
	inst, err := Open(ctx, testdata(t, "hello.wasm"), Config{Host: map[string]HostFunc{
		"env#now_ms": func(context.Context, *FuncType, []Value) (Value, error) { return wit.S64(-5), nil },
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer inst.Close(ctx)
	for call, want := range map[string]string{"swap(-1, 0.5)": "(0.5, -1)", "now()": "-5"} {
		if got, err := inst.Invoke(ctx, call); err != nil || got != want {
			t.Errorf("%s: %s, %v, want %s", call, got, err, want)
		}
	}
	var trap *Trap
	if _, err := inst.Invoke(ctx, "boom()"); !errors.As(err, &trap) || trap.Msg != "unreachable" {
		t.Errorf("boom: %v", err)
	}
}

func TestRunCommand(t *testing.T) {
	out := "hi there"
	cases := []Case{
		{Name: "good", Run: []string{"hello", "hi there"}, Exit: 3, Stdout: &out},
		{Name: "exit", Run: []string{"hello", "hi there"}, Exit: 0},
		{Name: "stdout", Run: []string{"hello", "other"}, Exit: 3, Stdout: &out},
		{Name: "endless", Invoke: "spin()"},
	}
	report, err := Verify(context.Background(), testdata(t, "hello.wasm"), cases, Options{Timeout: 300 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{
		"<nil>", "exit status 3, want 0", `standard output is "other", want "hi there"`,
		"no result within 300ms: context deadline exceeded",
	} {
		if got := fmt.Sprint(report.Cases[i].Err); got != want {
			t.Errorf("%s: got %s, want %s", cases[i].Name, got, want)
		}
	}
}

func TestInterpreter(t *testing.T) {
	ctx := context.Background()
	for _, file := range calcFiles {
		inst, err := Open(ctx, testdata(t, file), Config{Interpret: true})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := inst.Invoke(ctx, "div(7, 0)"); err != nil || got != `err("division by zero")` {
			t.Errorf("%s: %s, %v", file, got, err)
		}
		inst.Close(ctx)
	}
}

func ExampleOpen() {
	ctx := context.Background()
	wasm, err := os.ReadFile("testdata/calc.wasm")
	if err != nil {
		panic(err)
	}
	inst, err := Open(ctx, wasm, Config{Name: "calc.wasm"})
	if err != nil {
		panic(err)
	}
	defer inst.Close(ctx)
	fmt.Println(inst.Invoke(ctx, `demo:calc/ops@0.1.0#div(42, 2)`))
	fmt.Println(inst.Invoke(ctx, `shout("quiet")`))
	// Output:
	// ok(21) <nil>
	// "QUIET" <nil>
}
