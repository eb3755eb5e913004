package runtime

import (
	"context"
	"fmt"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/wbundle/wbundle/internal/component"
	"github.com/wbundle/wbundle/internal/wasm"
	"github.com/wbundle/wbundle/internal/wit"
)

// bundle is the engine for core modules. With component types, the module is
// one component instance whose exports are canonical lifts and whose imports
// are canonical lowers; without, its exports are called as they are.
type bundle struct {
	running
	inst  *compInst
	mod   api.Module
	world *world
}

// openBundle instantiates the core module of p.
func openBundle(ctx context.Context, rt wazero.Runtime, p *Program, cfg *Config) (e engine, err error) {
	b := &bundle{
		running: running{
			rt:    rt,
			funcs: map[string]*function{},
			store: &store{ctx: ctx, cfg: cfg, resources: map[*component.Resource]*resourceImpl{}},
		},
		inst:  &compInst{},
		world: p.world,
	}
	defer func() {
		if err != nil {
			_ = b.store.closeHost() // the reason counts, not what closing finds
		}
	}()
	defer catch(&err)
	if b.world == nil {
		b.world = &world{}
	}
	for _, r := range b.world.importResources {
		b.store.resources[r.res] = b.store.hostResource(qualify(r.iface, r.name))
	}
	// Exports come second: a resource that is both is exported again, and
	// still the host's, so an entry that exists stays.
	for _, r := range b.world.exportResources {
		if b.store.resources[r.res] == nil {
			b.store.resources[r.res] = &resourceImpl{inst: b.inst, dtor: b.dtor(p.module, r)}
		}
	}
	if err := b.imports(ctx, p.module); err != nil {
		return nil, err
	}
	mc, err := b.store.moduleConfig(p.module)
	if err != nil {
		return nil, err
	}
	compiled, err := rt.CompileModule(ctx, p.bytes)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.name, err)
	}
	if b.mod, err = rt.InstantiateModule(ctx, compiled, mc); err != nil {
		return nil, engineError(ctx, err)
	}
	if name, ok := exported(p.module, wasm.ExternFunc, initializeNames); ok {
		if _, err := b.mod.ExportedFunction(name).Call(ctx); err != nil {
			return nil, engineError(ctx, err)
		}
	}
	if p.world == nil {
		b.plainExports(func(string) bool { return true })
		return b, nil
	}
	b.plainExports(func(name string) bool { return name == "_start" })
	return b, b.exports(p.module)
}

// exported returns the first of names that m exports as kind.
func exported(m *wasm.Module, kind wasm.ExternKind, names [2]string) (string, bool) {
	for _, name := range names {
		for _, e := range m.Exports {
			if e.Kind == kind && e.Name == name {
				return name, true
			}
		}
	}
	return "", false
}

func (b *bundle) dtor(m *wasm.Module, r worldResource) func(uint32) {
	name, ok := exported(m, wasm.ExternFunc, dtorNames(r.iface, r.name))
	if !ok {
		return nil
	}
	var fn *coreFunc
	return func(rep uint32) {
		if fn == nil {
			fn = newCoreFunc(b.mod, name)
		}
		fn.call(b.store.ctx, uint64(rep))
	}
}

// options returns the canonical options of every lift and lower of the
// module: its memory, its allocator, the encoding of its world.
func (b *bundle) options(m *wasm.Module) options {
	o := options{enc: b.world.enc}
	if name, ok := exported(m, wasm.ExternMemory, memoryNames); ok {
		o.mem = func() api.Memory { return b.mod.ExportedMemory(name) }
	}
	if name, ok := exported(m, wasm.ExternFunc, reallocNames); ok {
		var fn *coreFunc
		o.realloc = func() *coreFunc {
			if fn == nil {
				fn = newCoreFunc(b.mod, name)
			}
			return fn
		}
	}
	return o
}

func (b *bundle) exports(m *wasm.Module) error {
	for _, f := range b.world.exports {
		names, posts := exportNames(f.iface, f.name)
		full := qualify(f.iface, f.name)
		name, ok := exported(m, wasm.ExternFunc, names)
		if !ok {
			return fmt.Errorf("%s: its world exports %s, but there is no core export %q", m.Input, full, names[0])
		}
		o := b.options(m)
		if post, ok := exported(m, wasm.ExternFunc, posts); ok {
			fn := newCoreFunc(b.mod, post)
			o.post = func() *coreFunc { return fn }
		}
		core := newCoreFunc(b.mod, name)
		b.funcs[full] = b.store.lift(full, b.inst, f.typ, o, func() *coreFunc { return core })
	}
	return nil
}

// plainExports gives the exported core functions that keep selects types by
// their signatures.
func (b *bundle) plainExports(keep func(name string) bool) {
	for name, def := range b.mod.ExportedFunctionDefinitions() {
		if !keep(name) {
			continue
		}
		if fn := plainFunction(b.store, name, def, b.mod); fn != nil {
			b.funcs[name] = fn
		}
	}
}

// plainFunction makes the exported core function def of mod callable by its
// signature; nil: vectors and references have no component-level type.
func plainFunction(st *store, name string, def api.FunctionDefinition, mod api.Module) *function {
	ft, ok := plainType(def.ParamTypes(), def.ResultTypes())
	if !ok {
		return nil
	}
	core := newCoreFunc(mod, def.ExportNames()[0])
	return &function{name: name, typ: ft, call: func(caller *frame, args []Value, resolve func(Value)) {
		flat := make([]uint64, len(args))
		for i, a := range args {
			flat[i] = plainBits(a)
		}
		resolve(plainValue(ft.Result, core.call(st.ctx, flat...)))
	}}
}

// plainType types a core signature: i32 is s32, i64 is s64, and several
// results are a tuple.
func plainType(params, results []api.ValueType) (*component.FuncType, bool) {
	one := func(t api.ValueType) *component.ValType {
		switch t {
		case api.ValueTypeI32:
			return component.S32
		case api.ValueTypeI64:
			return component.S64
		case api.ValueTypeF32:
			return component.F32
		case api.ValueTypeF64:
			return component.F64
		}
		return nil
	}
	ft := &component.FuncType{}
	for i, p := range params {
		t := one(p)
		if t == nil {
			return nil, false
		}
		ft.Params = append(ft.Params, component.Field{Name: fmt.Sprintf("p%d", i), Type: t})
	}
	var ts []*component.ValType
	for _, r := range results {
		t := one(r)
		if t == nil {
			return nil, false
		}
		ts = append(ts, t)
	}
	switch len(ts) {
	case 0:
	case 1:
		ft.Result = ts[0]
	default:
		ft.Result = component.NewTuple(ts...)
	}
	return ft, true
}

func plainBits(v Value) uint64 {
	if v.Kind() == component.KindS32 {
		return uint64(uint32(v.Int()))
	}
	return v.Uint()
}

func plainValue(t *component.ValType, bits []uint64) Value {
	if t == nil {
		return Value{}
	}
	one := func(t *component.ValType, x uint64) Value {
		switch t.Kind {
		case component.KindS32:
			return wit.S32(int32(x))
		case component.KindS64:
			return wit.S64(int64(x))
		case component.KindF32:
			return wit.F32Bits(uint32(x))
		}
		return wit.F64Bits(x)
	}
	if t.Kind != component.KindTuple {
		return one(t, bits[0])
	}
	fields := make([]Value, len(bits))
	for i, x := range bits {
		fields[i] = one(t.Fields[i].Type, x)
	}
	return wit.Record(t, fields)
}
