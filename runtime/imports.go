package runtime

import (
	"context"
	"fmt"

	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"

	"github.com/wbundle/wbundle/internal/component"
	"github.com/wbundle/wbundle/internal/wasm"
)

const preview1 = wasi_snapshot_preview1.ModuleName

// imports instantiates the host modules that the core module m imports: WASI
// preview1, lowered functions and resource intrinsics of its world, and stubs.
func (b *bundle) imports(ctx context.Context, m *wasm.Module) error {
	type hostFunc struct {
		name            string
		fn              func(stack []uint64)
		params, results []api.ValueType
	}
	var order []string
	modules := map[string][]hostFunc{}
	seen := map[[2]string]bool{}
	for _, imp := range m.Imports {
		if imp.Module == preview1 {
			if !seen[[2]string{preview1}] {
				seen[[2]string{preview1}] = true
				if _, err := wasi_snapshot_preview1.Instantiate(ctx, b.rt); err != nil {
					return err
				}
			}
			continue
		}
		if imp.Kind != wasm.ExternFunc {
			return fmt.Errorf("%s: import %q %q: only functions can be given to a core module, not memories, tables, globals or tags", m.Input, imp.Module, imp.Name)
		}
		key := [2]string{imp.Module, imp.Name}
		if seen[key] {
			continue
		}
		seen[key] = true
		t := m.Types[imp.TypeIndex]
		fn, err := b.importedFunc(m, &imp, &t)
		if err != nil {
			return err
		}
		if _, ok := modules[imp.Module]; !ok {
			order = append(order, imp.Module)
		}
		modules[imp.Module] = append(modules[imp.Module], hostFunc{imp.Name, fn, wazeroTypes(t.Params), wazeroTypes(t.Results)})
	}
	for _, module := range order {
		builder := b.rt.NewHostModuleBuilder(module)
		for _, f := range modules[module] {
			fn := f.fn
			builder.NewFunctionBuilder().WithGoFunction(api.GoFunc(func(_ context.Context, stack []uint64) {
				fn(stack)
			}), f.params, f.results).Export(f.name)
		}
		if _, err := builder.Instantiate(ctx); err != nil {
			return fmt.Errorf("import module %q: %w", module, err)
		}
	}
	return nil
}

// importedFunc makes the function that a core import is given.
func (b *bundle) importedFunc(m *wasm.Module, imp *wasm.Import, t *wasm.SubType) (func([]uint64), error) {
	c := parseImport(imp.Module, imp.Name)
	match := func(iface, name string) bool {
		if c.short {
			iface = canonicalVersion(iface)
		}
		return iface == c.iface && name == c.name
	}
	if c.op != "" {
		resources := b.world.importResources
		if c.export {
			resources = b.world.exportResources
		}
		for _, r := range resources {
			if !match(r.iface, r.name) {
				continue
			}
			if err := b.signature(m, imp, t, intrinsicType(c.op)); err != nil {
				return nil, err
			}
			switch c.op {
			case "new":
				return b.store.resourceNew(b.inst, r.res), nil
			case "rep":
				return b.store.resourceRep(b.inst, r.res), nil
			}
			return b.store.resourceDrop(b.inst, r.res), nil
		}
	}
	for _, f := range b.world.imports {
		if !match(f.iface, f.name) {
			continue
		}
		params, results, _, _ := component.FlattenFunc(f.typ, component.Lower)
		if err := b.signature(m, imp, t, wasm.SubType{Params: params, Results: results}); err != nil {
			return nil, err
		}
		return b.store.lower(b.inst, b.store.hostFunction(qualify(f.iface, f.name), f.typ), b.options(m)), nil
	}
	return plainImport(b.store, b.inst, imp, t), nil
}

func intrinsicType(op string) wasm.SubType {
	t := wasm.SubType{Params: []wasm.ValType{wasm.I32}}
	if op != "drop" {
		t.Results = t.Params
	}
	return t
}

// signature compares the type that an import was written with to the one that
// its world implies: the bundle would be wrong, not merely trap.
func (b *bundle) signature(m *wasm.Module, imp *wasm.Import, got *wasm.SubType, want wasm.SubType) error {
	if string(wazeroTypes(got.Params)) == string(wazeroTypes(want.Params)) && string(wazeroTypes(got.Results)) == string(wazeroTypes(want.Results)) {
		return nil
	}
	return fmt.Errorf("%s: import %q %q has core type %v, but its component type lowers to %v", m.Input, imp.Module, imp.Name,
		signatureString(got), signatureString(&want))
}

func signatureString(t *wasm.SubType) string {
	s := "("
	for _, list := range [2][]wasm.ValType{t.Params, t.Results} {
		if s != "(" {
			s += ") -> ("
		}
		for i, v := range list {
			if i > 0 {
				s += " "
			}
			s += api.ValueTypeName(byte(v.Kind))
		}
		if s == "(" {
			s += " "
		}
	}
	return s + ")"
}

// plainImport gives an import outside any world: Config.Host's function by
// "module#name", typed by its core signature, or a stub.
func plainImport(st *store, inst *compInst, imp *wasm.Import, t *wasm.SubType) func([]uint64) {
	name := imp.Module + "#" + imp.Name
	params, results := wazeroTypes(t.Params), wazeroTypes(t.Results)
	ft, ok := plainType(params, results)
	if !ok {
		return func([]uint64) { trapf("the host does not provide the import %s", name) }
	}
	fn := st.hostFunction(name, ft)
	return func(stack []uint64) {
		args := make([]Value, len(params))
		for i, p := range ft.Params {
			args[i] = plainValue(p.Type, stack[i:i+1])
		}
		fn.call(&frame{inst: inst, parent: st.current}, args, func(v Value) {
			switch {
			case ft.Result == nil:
			case ft.Result.Kind == component.KindTuple:
				for i := range v.Len() {
					stack[i] = plainBits(v.Index(i))
				}
			default:
				stack[0] = plainBits(v)
			}
		})
	}
}
