package opt

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/wbundle/wbundle/internal/wasm"
)

// wat assembles a module in the text format; the test is skipped, aloud,
// without wasm-tools.
func wat(t testing.TB, text string) []byte {
	t.Helper()
	return tool(t, strings.NewReader(text), "parse", "-")
}

// print disassembles a module, without the comments of offsets.
func print(t testing.TB, b []byte) string {
	t.Helper()
	return string(tool(t, bytes.NewReader(b), "print", "-"))
}

func tool(t testing.TB, in interface{ Read([]byte) (int, error) }, args ...string) []byte {
	t.Helper()
	path, err := exec.LookPath("wasm-tools")
	if err != nil {
		path = filepath.Join(os.Getenv("HOME"), ".cargo", "bin", "wasm-tools")
		if _, err := os.Stat(path); err != nil {
			t.Skip("needs wasm-tools")
		}
	}
	cmd := exec.Command(path, args...)
	cmd.Stdin = in
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("wasm-tools %s: %v\n%s", args[0], err, stderr.String())
	}
	return out
}

// optimize runs passes, or all without names, over a module and validates
// what comes out.
func optimize(t testing.TB, module []byte, level Level, passes ...string) []byte {
	t.Helper()
	m, err := wasm.Decode("test", module)
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Level: level, Check: true}
	if len(passes) > 0 {
		o.Only = map[string]bool{"functions": true}
		for _, p := range passes {
			o.Only[p] = true
		}
	}
	if _, err := Run(context.Background(), m, o); err != nil {
		t.Fatal(err)
	}
	return wasm.Encode(m)
}

// golden is a case of a pass: a module before, the first function after, both
// as text. Lines are compared without indentation and comments.
type golden struct {
	name          string
	before, after string
	// same says that the pass must leave the module alone.
	same bool
}

// runGolden runs each case, compares the text, and executes what was there
// before and what is there after with the same arguments.
func runGolden(t *testing.T, cases []golden, level Level, passes ...string) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			before := wat(t, c.before)
			after := optimize(t, before, level, passes...)
			want := c.after
			if c.same {
				want = c.before
			}
			if got, want := tidy(print(t, after)), tidy(print(t, wat(t, want))); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
			agree(t, before, after)
		})
	}
}

var comment = regexp.MustCompile(`\s*\(;.*?;\)`)

func tidy(s string) string {
	var out []string
	for _, l := range strings.Split(s, "\n") {
		if l = strings.TrimSpace(comment.ReplaceAllString(l, "")); l != "" {
			out = append(out, l)
		}
	}
	return strings.Join(out, "\n")
}

// agree executes both modules in wazero: each exported function with a number
// of arguments, results, traps, calls of imports, memory and globals compared.
func agree(t testing.TB, before, after []byte) {
	t.Helper()
	a, b := trace(t, before), trace(t, after)
	if a != b {
		t.Errorf("the modules differ: before\n%s\nafter\n%s", a, b)
	}
}

// corners are the numbers that arguments are made of.
var corners = []uint64{0, 1, 2, 3, 7, 8, 31, 32, 63, 64, 100, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x10000,
	0x7fffffff, 0x80000000, 0xffffffff, 0xfffffffe, 0x100000000, 0x7fffffffffffffff, 0x8000000000000000, 0xffffffffffffffff,
	0x3f800000, 0x7fc00000, 0x3ff0000000000000, 0x7ff8000000000000, 0x7ff0000000000000}

// trace runs the exports of a module and writes down what can be seen.
func trace(t testing.TB, module []byte) string {
	t.Helper()
	ctx := context.Background()
	rt := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter().
		WithCoreFeatures(api.CoreFeaturesV2|experimental.CoreFeaturesThreads|experimental.CoreFeaturesTailCall|experimental.CoreFeaturesExtendedConst))
	defer rt.Close(ctx)
	code, err := rt.CompileModule(ctx, module)
	if err != nil {
		t.Fatalf("wazero: %v", err)
	}
	var log strings.Builder
	hosts := map[string]wazero.HostModuleBuilder{}
	for _, imp := range code.ImportedFunctions() {
		mod, name, _ := imp.Import()
		h := hosts[mod]
		if h == nil {
			h = rt.NewHostModuleBuilder(mod)
			hosts[mod] = h
		}
		params, results := imp.ParamTypes(), imp.ResultTypes()
		h.NewFunctionBuilder().WithGoFunction(api.GoFunc(func(_ context.Context, stack []uint64) {
			args := fmt.Sprint(stack[:len(params)])
			fmt.Fprintf(&log, "  %s.%s%s\n", mod, name, args)
			sum := uint64(len(args))
			for _, v := range stack[:len(params)] {
				sum = sum*31 + v
			}
			for i := range results {
				stack[i] = clamp(sum%1000, results[i])
			}
		}), params, results).Export(name)
	}
	for _, h := range hosts {
		if _, err := h.Instantiate(ctx); err != nil {
			t.Fatal(err)
		}
	}
	mod, err := rt.InstantiateModule(ctx, code, wazero.NewModuleConfig().WithStartFunctions())
	if err != nil {
		fmt.Fprintf(&log, "no instance: %s\n", reason(err))
		return log.String()
	}
	m, _ := wasm.Decode("test", module)
	r := rand.New(rand.NewPCG(1, 2))
	for _, e := range m.Exports {
		if e.Kind != wasm.ExternFunc {
			continue
		}
		fn := mod.ExportedFunction(e.Name)
		types := fn.Definition().ParamTypes()
		for range 24 {
			args := make([]uint64, len(types))
			for i, ty := range types {
				args[i] = clamp(corners[r.IntN(len(corners))], ty)
			}
			res, err := fn.Call(ctx, args...)
			for i, ty := range fn.Definition().ResultTypes() {
				if err == nil {
					res[i] = nan(res[i], ty)
				}
			}
			fmt.Fprintf(&log, "%s%v = %v %s\n", e.Name, args, res, reason(err))
			if len(types) == 0 {
				break
			}
		}
	}
	if len(m.Memories)+int(m.NumImported[wasm.SpaceMemory]) > 0 {
		mem := mod.Memory()
		b, _ := mem.Read(0, min(mem.Size(), 1<<16))
		fmt.Fprintf(&log, "memory %d: %x\n", mem.Size(), bytes.TrimRight(b, "\x00"))
	}
	for _, e := range m.Exports {
		if e.Kind == wasm.ExternGlobal {
			fmt.Fprintf(&log, "%s = %d\n", e.Name, mod.ExportedGlobal(e.Name).Get())
		}
	}
	return log.String()
}

// clamp makes a number one of the type.
func clamp(v uint64, ty api.ValueType) uint64 {
	switch ty {
	case api.ValueTypeI32, api.ValueTypeF32:
		return v & 0xffffffff
	}
	return v
}

// nan makes all NaNs one: which of them comes out is not determined.
func nan(v uint64, ty api.ValueType) uint64 {
	switch {
	case ty == api.ValueTypeF32 && v&0x7f800000 == 0x7f800000 && v&0x7fffff != 0:
		return 0x7fc00000
	case ty == api.ValueTypeF64 && v&0x7ff0000000000000 == 0x7ff0000000000000 && v&0xfffffffffffff != 0:
		return 0x7ff8000000000000
	}
	return v
}

// reason is that a call trapped; which trap it was does not count.
func reason(err error) string {
	if err != nil {
		return "trap"
	}
	return ""
}

// TestNothing makes sure that trees alone change nothing that can be seen.
func TestNothing(t *testing.T) {
	runGolden(t, []golden{
		{name: "labels", same: true, before: `(module (import "h" "f" (func $h (param i32)))
			(func (export "a") (param i32) (result i32)
				block
					block
						block
							local.get 0
							br_table 0 1 2
						end
						i32.const 1
						call $h
						i32.const 10
						return
					end
					i32.const 20
					return
				end
				i32.const 30))`},
		{name: "statements behind a value", same: true, before: `(module (global $g (mut i32) (i32.const 0))
			(func (export "a") (param i32) (result i32)
				global.get $g
				local.get 0
				global.set $g
				global.get $g
				i32.add))`},
		{name: "both arms leave", same: true, before: `(module
			(func (export "a") (param i32) (result i32)
				local.get 0
				if (result i32)
					i32.const 1
					return
				else
					i32.const 2
					return
				end))`},
	}, Size, "none")
}
