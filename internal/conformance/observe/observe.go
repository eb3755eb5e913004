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

// trapsInRow is how many calls one after the other may trap until the rest goes
// to a new instance: a module that counts down what it may still do, as those
// of generators do, traps from then on whatever is called.
const trapsInRow = 3

// Imports call exports: one call of every callBack, and at most callBacks times
// in an instance, so that what ends without it ends with it.
const (
	callBack  = 4
	callBacks = 40
)

// corners are the numbers that arguments are made of.
var corners = []uint64{0, 1, 2, 3, 7, 8, 31, 32, 63, 64, 100, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x10000,
	0x7fffffff, 0x80000000, 0xffffffff, 0xfffffffe, 0x100000000, 0x7fffffffffffffff, 0x8000000000000000, 0xffffffffffffffff,
	0x3f800000, 0x7fc00000, 0x3ff0000000000000, 0x7ff8000000000000, 0x7ff0000000000000}

// Module runs the exports of a module in wazero's interpreter, in the order of
// their names. Its imports must be functions; what they return depends on their
// arguments alone, and some of their calls call an export before they return. A
// module that wazero cannot compile fails the test.
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

// Compile says why wazero cannot compile a module, nil where it can.
func Compile(module []byte) error {
	ctx := context.Background()
	rt := runtime(ctx)
	defer rt.Close(ctx)
	_, err := rt.CompileModule(ctx, module)
	return err
}

func runtime(ctx context.Context) wazero.Runtime {
	return wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter().WithCoreFeatures(Features))
}

// observer runs one module.
type observer struct {
	ctx    context.Context
	rt     wazero.Runtime
	code   wazero.CompiledModule
	log    strings.Builder
	random *rand.Rand
	// functions, memory and globals are what can be seen.
	functions []string
	memory    bool
	globals   []string
	// mod is the present instance, nil while it starts.
	mod api.Module
	// imported counts the calls of imports, calledBack those of exports that they
	// made; inside says that such a call is under way.
	imported, calledBack int
	inside               bool
}

func observe(t testing.TB, module []byte, inside bool) string {
	t.Helper()
	ctx := context.Background()
	rt := runtime(ctx)
	defer rt.Close(ctx)
	code, err := rt.CompileModule(ctx, module)
	if err != nil {
		t.Fatalf("wazero: %v", err)
	}
	m, err := wasm.Decode("test", module)
	if err != nil {
		t.Fatal(err)
	}
	o := &observer{ctx: ctx, rt: rt, code: code, random: rand.New(rand.NewPCG(1, 2)), memory: inside && len(m.Memories) > 0}
	for _, e := range m.Exports {
		switch {
		case e.Kind == wasm.ExternFunc:
			o.functions = append(o.functions, e.Name)
		case e.Kind == wasm.ExternMemory && e.Index == 0:
			o.memory = true
		case e.Kind == wasm.ExternGlobal:
			o.globals = append(o.globals, e.Name)
		}
	}
	slices.Sort(o.functions)
	slices.Sort(o.globals)
	o.provide(t)
	o.run()
	return o.log.String()
}

// run calls every export a number of times.
func (o *observer) run() {
	if !o.instantiate() {
		return
	}
	row := 0
	for _, name := range o.functions {
		for range calls {
			if row == trapsInRow {
				o.state()
				if !o.instantiate() {
					return
				}
				row = 0
			}
			params, trapped := o.call(name)
			if row++; !trapped {
				row = 0
			}
			if params == 0 {
				break
			}
		}
	}
	o.state()
}

// instantiate puts a new instance in the place of the present one; ok is false
// where that traps.
func (o *observer) instantiate() (ok bool) {
	if o.mod != nil {
		o.mod.Close(o.ctx)
	}
	o.mod, o.calledBack = nil, 0
	mod, err := o.rt.InstantiateModule(o.ctx, o.code, wazero.NewModuleConfig().WithStartFunctions())
	if err != nil {
		fmt.Fprintf(&o.log, "no instance%s\n", trap(err))
		return false
	}
	o.mod = mod
	return true
}

// state writes down the memory and the globals.
func (o *observer) state() {
	if o.memory {
		mem := o.mod.Memory()
		b, _ := mem.Read(0, min(mem.Size(), 1<<18))
		fmt.Fprintf(&o.log, "memory %d: %x\n", mem.Size(), bytes.TrimRight(b, "\x00"))
	}
	for _, name := range o.globals {
		g := o.mod.ExportedGlobal(name)
		if isRef(g.Type()) {
			continue // an address of the engine
		}
		fmt.Fprintf(&o.log, "%s = %d\n", name, nan(g.Get(), g.Type()))
	}
}

// provide makes the imports.
func (o *observer) provide(t testing.TB) {
	hosts := map[string]wazero.HostModuleBuilder{}
	for _, imp := range o.code.ImportedFunctions() {
		mod, name, _ := imp.Import()
		h := hosts[mod]
		if h == nil {
			h = o.rt.NewHostModuleBuilder(mod)
			hosts[mod] = h
		}
		params, results := imp.ParamTypes(), imp.ResultTypes()
		h.NewFunctionBuilder().WithGoFunction(api.GoFunc(func(_ context.Context, stack []uint64) {
			args := plain(slices.Clone(stack[:width(params)]), params)
			fmt.Fprintf(&o.log, "  %s.%s%v\n", mod, name, args)
			sum := uint64(len(args))
			for _, v := range args {
				sum = sum*31 + v
			}
			if o.imported++; o.imported%callBack == 0 {
				o.callBack(int(sum % 1000))
			}
			i := 0
			for _, ty := range results {
				stack[i] = clamp(sum%1000, ty)
				if isRef(ty) {
					stack[i] = 0
				}
				if i++; ty == valueTypeV128 {
					stack[i] = sum % 999
					i++
				}
			}
		}), params, results).Export(name)
	}
	for _, h := range hosts {
		if _, err := h.Instantiate(o.ctx); err != nil {
			t.Fatal(err)
		}
	}
}

// callBack calls an export while an import is being called.
func (o *observer) callBack(n int) {
	if o.mod == nil || o.inside || o.calledBack == callBacks || len(o.functions) == 0 {
		return
	}
	o.inside = true
	o.calledBack++
	o.log.WriteString("  ")
	o.call(o.functions[n%len(o.functions)])
	o.inside = false
}

// call calls one export once; params is how many parameters it has.
func (o *observer) call(name string) (params int, trapped bool) {
	fn := o.mod.ExportedFunction(name)
	types := fn.Definition().ParamTypes()
	args := make([]uint64, 0, len(types))
	for _, ty := range types {
		v := clamp(corners[o.random.IntN(len(corners))], ty)
		switch {
		case isRef(ty):
			v = 0
		case ty == valueTypeV128:
			args = append(args, v)
		}
		args = append(args, v)
	}
	shown := fmt.Sprint(args)
	res, err := fn.Call(o.ctx, args...)
	if err == nil {
		plain(res, fn.Definition().ResultTypes())
	}
	fmt.Fprintf(&o.log, "%s%s = %v%s\n", name, shown, res, trap(err))
	return len(types), err != nil
}

// plain makes values such that those that count as the same are the same. A
// vector takes two places.
func plain(values []uint64, types []api.ValueType) []uint64 {
	i := 0
	for _, ty := range types {
		values[i] = nan(clamp(values[i], ty), ty)
		if isRef(ty) {
			values[i] = min(values[i], 1) // null or not
		}
		if i++; ty == valueTypeV128 {
			i++
		}
	}
	return values
}

// width is how many places values of the types take.
func width(types []api.ValueType) int {
	n := len(types)
	for _, ty := range types {
		if ty == valueTypeV128 {
			n++
		}
	}
	return n
}

// isRef says that values of the type are references.
func isRef(ty api.ValueType) bool {
	switch ty {
	case api.ValueTypeI32, api.ValueTypeI64, api.ValueTypeF32, api.ValueTypeF64, valueTypeV128:
		return false
	}
	return true
}

// valueTypeV128 is a vector, which package api has no name for.
const valueTypeV128 api.ValueType = 0x7b

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
