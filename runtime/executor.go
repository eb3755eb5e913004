package runtime

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/wbundle/wbundle/internal/component"
)

// executor is the engine for components: it interprets instantiation and
// every canonical definition in Go.
type executor struct {
	running
	p *Program
	// compiled holds the modules compiled so far, by content and by what
	// their imports were renamed to.
	compiled map[compiledKey]wazero.CompiledModule
	// decoded holds the core modules decoded so far, by their first byte.
	decoded map[*byte]*coreModule
	// outer is the parent of the nodes of a graph, nil without one.
	outer *compInst
	// maxPages bounds the memories of the node being instantiated; 0: no bound.
	maxPages uint64
	// hostResources are the resource types of the host, by name: the nodes of
	// a graph that import one import the same.
	hostResources map[string]*component.Resource
}

func newExecutor(rt wazero.Runtime, p *Program, cfg *Config) *executor {
	return &executor{
		running: running{
			rt:    rt,
			funcs: map[string]*function{},
			store: &store{cfg: cfg, resources: map[*component.Resource]*resourceImpl{}},
		},
		p:             p,
		compiled:      map[compiledKey]wazero.CompiledModule{},
		decoded:       map[*byte]*coreModule{},
		hostResources: map[string]*component.Resource{},
	}
}

// openComponent instantiates the component of p.
func openComponent(ctx context.Context, rt wazero.Runtime, p *Program, cfg *Config) (engine, error) {
	x := newExecutor(rt, p, cfg)
	var root *instance
	err := x.store.enter(ctx, func(*frame) {
		root = x.instantiate(&closure{c: p.component}, nil, nil)
	})
	if err != nil {
		return nil, err
	}
	x.export("", root)
	return x, nil
}

// export lists the functions of i, and of the instances in it, for callers.
func (x *executor) export(prefix string, i *instance) {
	for _, name := range i.names {
		switch it := i.exports[name]; {
		case it.fn != nil:
			x.funcs[qualify(prefix, name)] = it.fn
		case it.inst != nil:
			x.export(qualify(prefix, name), it.inst)
		}
	}
}

// hosts makes what a component imports that no other component gives it.
func (x *executor) hosts() *maker {
	return &maker{
		fn: x.store.hostFunction,
		resource: func(name string) *component.Resource {
			key := stableName(name)
			r := x.hostResources[key]
			if r == nil {
				_, short, _ := strings.Cut(name, "#")
				r = &component.Resource{Name: cmp.Or(short, name)}
				x.store.resources[r] = x.store.hostResource(name)
				x.hostResources[key] = r
			}
			return r
		},
	}
}

// instantiate interprets the definitions of a component in order. The host
// makes the imports of the root, and those of a graph's nodes that args lacks.
func (x *executor) instantiate(cl *closure, args map[string]item, parent *compInst) *instance {
	if cl.c == nil {
		unsupported("a component given by the host")
	}
	in := &instantiation{
		x:       x,
		scope:   &scope{parent: cl.in},
		inst:    &compInst{parent: parent},
		args:    args,
		exports: newInstance(),
	}
	for _, d := range cl.c.Defs {
		in.define(d)
	}
	return in.exports
}

// instantiation is a component that is being instantiated.
type instantiation struct {
	x       *executor
	scope   *scope
	inst    *compInst
	args    map[string]item
	exports *instance
}

func (in *instantiation) define(d component.Def) {
	s := in.scope
	switch d := d.(type) {
	case *component.Custom:
	case *component.CoreModule:
		s.coreModules = append(s.coreModules, in.x.coreModule(d))
	case *component.CoreInstance:
		s.coreInstances = append(s.coreInstances, in.coreInstance(d))
	case *component.CoreTypeDef:
		s.pushCoreType(d)
	case *component.NestedComponent:
		s.components = append(s.components, &closure{d.Component, s})
	case *component.Instance:
		s.instances = append(s.instances, in.instance(d))
	case *component.Alias:
		if d.Kind == component.AliasCoreExport {
			in.coreAlias(d)
		} else {
			s.alias(d)
		}
	case *component.TypeDef:
		s.types = append(s.types, s.typeDef(d.Type, in.resourceType))
	case *component.Canon:
		in.canon(d)
	case *component.Import:
		s.push(in.importItem(d))
	case *component.Export:
		it := s.at(d.Sort, d.Index)
		if it.typ.res != nil && it.typ.res.Name == "" {
			it.typ.res.Name = d.Name.Text // for messages
		}
		s.push(it)
		in.exports.add(d.Name.Text, it)
	case *component.Start:
		unsupported("a start definition with values")
	default:
		invalidf("unknown definition %T", d)
	}
}

func (in *instantiation) importItem(d *component.Import) item {
	name := d.Name.Text
	it, ok := in.args[name]
	if !ok {
		if in.inst.parent == in.x.outer {
			return in.scope.elaborate("", name, &d.Desc, in.x.hosts())
		}
		invalidf("the import %q is not given", name)
	}
	if it.sort != d.Desc.Sort {
		invalidf("the import %q is given a %s, not a %s", name, it.sort, d.Desc.Sort)
	}
	return it
}

// resourceType makes the resource type of a definition: a new one for each
// instance of the component.
func (in *instantiation) resourceType(d *component.ResourceDef) *component.Resource {
	if d.Async || d.HasCB {
		unsupported("an asynchronous destructor")
	}
	r := &component.Resource{ID: uint32(len(in.x.store.resources))}
	impl := &resourceImpl{inst: in.inst}
	if d.HasDtor {
		dtor := in.coreFunc(d.Dtor)
		impl.dtor = func(rep uint32) { dtor().call(in.x.store.ctx, uint64(rep)) }
	}
	in.x.store.resources[r] = impl
	return r
}

func (in *instantiation) instance(d *component.Instance) *instance {
	if d.Instantiate {
		args := map[string]item{}
		for _, a := range d.Args {
			args[a.Name] = in.scope.at(a.Sort, a.Index)
		}
		return in.x.instantiate(index(in.scope.components, d.Component, component.SortComponent), args, in.inst)
	}
	bag := newInstance()
	for _, e := range d.Exports {
		bag.add(e.Name.Text, in.scope.at(e.Sort, e.Index))
	}
	return bag
}

// canon interprets a canonical definition.
func (in *instantiation) canon(d *component.Canon) {
	s, st := in.scope, in.x.store
	if d.Op == component.CanonLift {
		ft := index(s.types, d.Type, component.SortType).fn
		if ft == nil {
			invalidf("type %d is not a function type", d.Type)
		}
		name := fmt.Sprintf("function %d", len(s.funcs))
		s.funcs = append(s.funcs, st.lift(name, in.inst, ft, in.options(d.Options()), in.coreFunc(d.Func)))
		return
	}
	var fn func(stack []uint64)
	var params, results []byte
	i32 := []byte{api.ValueTypeI32}
	switch d.Op {
	case component.CanonLower:
		f := index(s.funcs, d.Func, component.SortFunc)
		if f.call == nil {
			unsupported("a function that exists only as a type")
		}
		fn = st.lower(in.inst, f, in.options(d.Options()))
		p, r, _, _ := component.FlattenFunc(f.typ, component.Lower)
		params, results = wazeroTypes(p), wazeroTypes(r)
	case component.CanonResourceNew:
		fn, params, results = st.resourceNew(in.inst, s.resource(d.Type)), i32, i32
	case component.CanonResourceRep:
		fn, params, results = st.resourceRep(in.inst, s.resource(d.Type)), i32, i32
	case component.CanonResourceDrop:
		fn, params = st.resourceDrop(in.inst, s.resource(d.Type)), i32
	default:
		// Components of today list built-ins that their code may never call.
		name := d.Op.String()
		unsupported("the canonical built-in %s", name)
	}
	s.coreItems[component.SortCoreFunc] = append(s.coreItems[component.SortCoreFunc], in.x.hostItem(fn, params, results))
}

// options resolves canonical options; see the type options for why late.
func (in *instantiation) options(o *component.CanonOpts) options {
	if o.Async || o.HasCallback {
		unsupported("an asynchronous lift or lower")
	}
	if o.GC {
		unsupported("a lift or lower with GC types")
	}
	out := options{enc: o.Encoding}
	if o.HasMemory {
		it := index(in.scope.coreItems[component.SortCoreMemory], o.Memory, component.SortCoreMemory)
		out.mem = func() api.Memory {
			m := it.mod.ExportedMemory(it.name)
			if m == nil {
				invalidf("no core memory %q", it.name)
			}
			return m
		}
	}
	if o.HasRealloc {
		out.realloc = in.coreFunc(o.Realloc)
	}
	if o.HasPost {
		out.post = in.coreFunc(o.PostReturn)
	}
	return out
}

// coreFunc returns core function i, looked up at its first use.
func (in *instantiation) coreFunc(i uint32) func() *coreFunc {
	it := index(in.scope.coreItems[component.SortCoreFunc], i, component.SortCoreFunc)
	var fn *coreFunc
	return func() *coreFunc {
		if fn == nil {
			fn = newCoreFunc(it.mod, it.name)
		}
		return fn
	}
}
