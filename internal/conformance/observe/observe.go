// Package observe writes down what a core module does: what its exports return
// for a number of arguments, whether they trap, what they ask of their imports,
// and what is in its memory and globals in the end. Two modules that do the
// same give the same text.
package observe

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/wbundle/wbundle/internal/wasm"
)

// Features are those that modules may use.
const Features = api.CoreFeaturesV2 |
	experimental.CoreFeaturesThreads |
	experimental.CoreFeaturesTailCall |
	experimental.CoreFeaturesExtendedConst |
	experimental.CoreFeaturesExceptionHandling |
	experimental.CoreFeaturesTypedFunctionReferences

// calls is how often a function with parameters is called.
const calls = 24

// corners are the numbers that arguments are made of.
var corners = []uint64{0, 1, 2, 3, 7, 8, 31, 32, 63, 64, 100, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x10000,
	0x7fffffff, 0x80000000, 0xffffffff, 0xfffffffe, 0x100000000, 0x7fffffffffffffff, 0x8000000000000000, 0xffffffffffffffff,
	0x3f800000, 0x7fc00000, 0x3ff0000000000000, 0x7ff8000000000000, 0x7ff0000000000000}

// Module runs the exports of a module in wazero's interpreter, in the order of
// their names. Its imports must be functions; what they return depends on their
// arguments alone. A module that wazero cannot compile fails the test.
func Module(t testing.TB, module []byte) string {
	t.Helper()
	return observe(t, module, false)
}

// Inside is Module, and looks into the first memory even where it is not
// exported: for passes that have no business there.
func Inside(t testing.TB, module []byte) string {
	t.Helper()
	return observe(t, module, true)
}

func observe(t testing.TB, module []byte, inside bool) string {
	t.Helper()
	ctx := context.Background()
	rt := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter().WithCoreFeatures(Features))
	defer rt.Close(ctx)
	code, err := rt.CompileModule(ctx, module)
	if err != nil {
		t.Fatalf("wazero: %v", err)
	}
	m, err := wasm.Decode("test", module)
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	provide(ctx, t, rt, code, &log)
	mod, err := rt.InstantiateModule(ctx, code, wazero.NewModuleConfig().WithStartFunctions())
	if err != nil {
		fmt.Fprintf(&log, "no instance%s\n", trap(err))
		return log.String()
	}
	r := rand.New(rand.NewPCG(1, 2))
	for _, e := range m.Exports {
		if e.Kind == wasm.ExternFunc {
			call(ctx, mod, e.Name, r, &log)
		}
	}
	visible := slices.ContainsFunc(m.Exports, func(e wasm.Export) bool { return e.Kind == wasm.ExternMemory && e.Index == 0 })
	if visible || inside && len(m.Memories) > 0 {
		mem := mod.Memory()
		b, _ := mem.Read(0, min(mem.Size(), 1<<18))
		fmt.Fprintf(&log, "memory %d: %x\n", mem.Size(), bytes.TrimRight(b, "\x00"))
	}
	for _, e := range m.Exports {
		if e.Kind == wasm.ExternGlobal {
			g := mod.ExportedGlobal(e.Name)
			if g.Type() == valueTypeFuncref || g.Type() == api.ValueTypeExternref {
				continue // an address of the engine
			}
			fmt.Fprintf(&log, "%s = %d\n", e.Name, nan(g.Get(), g.Type()))
		}
	}
	return log.String()
}

// provide makes the imports.
func provide(ctx context.Context, t testing.TB, rt wazero.Runtime, code wazero.CompiledModule, log *strings.Builder) {
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
			args := make([]uint64, len(params))
			for i, ty := range params {
				args[i] = nan(clamp(stack[i], ty), ty)
				if ty == valueTypeFuncref || ty == api.ValueTypeExternref {
					args[i] = min(args[i], 1) // null or not
				}
			}
			fmt.Fprintf(log, "  %s.%s%v\n", mod, name, args)
			sum := uint64(len(args))
			for _, v := range args {
				sum = sum*31 + v
			}
			for i, ty := range results {
				stack[i] = clamp(sum%1000, ty)
				if ty == valueTypeFuncref || ty == api.ValueTypeExternref {
					stack[i] = 0
				}
			}
		}), params, results).Export(name)
	}
	for _, h := range hosts {
		if _, err := h.Instantiate(ctx); err != nil {
			t.Fatal(err)
		}
	}
}

// call calls one export with a number of arguments.
func call(ctx context.Context, mod api.Module, name string, r *rand.Rand, log *strings.Builder) {
	fn := mod.ExportedFunction(name)
	params, results := fn.Definition().ParamTypes(), fn.Definition().ResultTypes()
	for range calls {
		args := make([]uint64, 0, len(params))
		for _, ty := range params {
			v := clamp(corners[r.IntN(len(corners))], ty)
			switch ty {
			case valueTypeFuncref, api.ValueTypeExternref:
				v = 0
			case valueTypeV128:
				args = append(args, v)
			}
			args = append(args, v)
		}
		shown := fmt.Sprint(args)
		res, err := fn.Call(ctx, args...)
		i := 0
		for _, ty := range results {
			if err != nil {
				break
			}
			res[i] = nan(clamp(res[i], ty), ty)
			switch ty {
			case valueTypeFuncref, api.ValueTypeExternref:
				res[i] = min(res[i], 1)
			case valueTypeV128:
				i++
			}
			i++
		}
		fmt.Fprintf(log, "%s%s = %v%s\n", name, shown, res, trap(err))
		if len(params) == 0 {
			break
		}
	}
}

// Value types that package api has no names for; a vector takes two places among
// the arguments.
const (
	valueTypeV128    api.ValueType = 0x7b
	valueTypeFuncref api.ValueType = 0x70
)

// clamp makes a number one of the type.
func clamp(v uint64, ty api.ValueType) uint64 {
	if ty == api.ValueTypeI32 || ty == api.ValueTypeF32 {
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

// trap says that something trapped; which trap it was does not count.
func trap(err error) string {
	if err != nil {
		return " trap"
	}
	return ""
}
