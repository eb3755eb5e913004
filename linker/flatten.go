package linker

import (
	"fmt"

	"github.com/wbundle/wbundle/graph"
	"github.com/wbundle/wbundle/internal/component"
	"github.com/wbundle/wbundle/internal/wasm"
)

// flattener interprets instantiation at link time. What it leaves behind is
// flat: core instances in the order they come to life, their imports wired to
// ids of the program, lifts and lowers as functions still to be generated.
// Components, index spaces, aliases and bags of exports are gone after it.
type flattener struct {
	p       *graph.Program
	opts    *Options
	inputs  []Input
	dec     *decoded
	modules map[*wasm.Module]graph.ModuleID
	hosts   map[string]*instance // host interfaces by import name
	hostFns map[string]*item     // other host imports by name

	// unified maps import names of WASI to the version that is asked for
	// instead.
	unified map[string]string
	// answered are the functions that stand for denied and stubbed imports.
	answered map[graph.FuncID]bool
	// embed is what answers for the host with values of the bundle.
	embed embedder

	edges []graph.Edge
	// done holds the instantiated inputs, by index; busy finds cycles.
	done map[int]*instance
	busy []int
	// cores are the core module inputs' instances, by input index.
	cores map[int]*coreInstance
	warn  []string
	// valHome says which host interface was the first to name a value type.
	valHome map[*component.ValType]string
	// hidden says which interface inside the bundle names a value type.
	hidden map[*component.ValType]hiddenType
	// host is what the host reads and writes through.
	host hostFace
	// hostMemory is the memory that the host reads and writes; 0: none.
	hostMemory graph.MemoryID
	// made is the producers section, once it is.
	made []wasm.Custom
}

// item is one entry of a component-level index space, or of an instance.
type item struct {
	sort component.Sort
	fn   *graph.CompFunc
	typ  *typeItem
	inst *instance
	comp *closure
	mod  *wasm.Module
}

// typeItem is what a type index means: exactly one field is set.
type typeItem struct {
	val      *component.ValType
	fn       *component.FuncType
	resource *component.Resource
	inst     *component.InstanceDef
	comp     *component.ComponentDef
	scope    *scope // where inst and comp were defined
}

// instance is a component-level instance: its exports in order.
type instance struct {
	names []string
	items map[string]*item
	// label is how messages call it.
	label string
}

func newInstance(label string) *instance { return &instance{items: map[string]*item{}, label: label} }

func (i *instance) add(name string, it *item) {
	if _, dup := i.items[name]; !dup {
		i.names = append(i.names, name)
	}
	i.items[name] = it
}

// coreExtern is one export of a core instance.
type coreExtern struct {
	kind wasm.ExternKind
	id   uint32
}

// coreInstance is a core instance, or a bag of core exports.
type coreInstance struct {
	names []string
	items map[string]coreExtern
	label string
}

func (c *coreInstance) add(name string, e coreExtern) {
	if _, dup := c.items[name]; !dup {
		c.names = append(c.names, name)
	}
	c.items[name] = e
}

// closure is a component definition with the scope that its outer aliases see.
type closure struct {
	def   *component.Component
	outer *scope
}

// scope is the index spaces of a component instance under construction, or of
// a component or instance type being elaborated.
type scope struct {
	outer     *scope
	source    *component.Component // whose definitions these are; nil for types
	component graph.ComponentID
	input     int
	label     string
	cores     int // core instances made here, for their names

	coreFuncs     []graph.FuncID
	coreTables    []graph.TableID
	coreMemories  []graph.MemoryID
	coreGlobals   []graph.GlobalID
	coreTags      []graph.TagID
	coreModules   []*wasm.Module
	coreInstances []*coreInstance
	coreTypes     int
	funcs         []*graph.CompFunc
	types         []*typeItem
	components    []*closure
	instances     []*instance
}

// at returns s[i], or an error that names the space.
func at[T any](s []T, i uint32, space string) (T, error) {
	if uint64(i) >= uint64(len(s)) {
		var zero T
		return zero, fmt.Errorf("%s index %d out of range (%d defined)", space, i, len(s))
	}
	return s[i], nil
}

// instantiate runs the definitions of a component, its imports taken from
// args, and returns its exports.
func (f *flattener) instantiate(c *closure, input int, label string, parent graph.ComponentID, args func(*component.Import, *scope) (*item, error)) (*instance, error) {
	f.p.Components = append(f.p.Components, &graph.Component{
		ID: graph.ComponentID(len(f.p.Components)), Parent: parent, Input: input, Name: label,
	})
	s := &scope{outer: c.outer, source: c.def, component: graph.ComponentID(len(f.p.Components) - 1), input: input, label: label}
	exports := newInstance(label)
	for _, def := range c.def.Defs {
		if err := f.define(s, def, exports, args); err != nil {
			return nil, f.located(c.def, def, err)
		}
	}
	return exports, nil
}

// located adds the place of a definition to an error that has none.
func (f *flattener) located(c *component.Component, def component.Def, err error) error {
	if _, ok := err.(*placed); ok {
		return err
	}
	return &placed{input: c.Input, offset: def.Offset(), err: err}
}

// placed is an error with the place in the input it is about.
type placed struct {
	input  string
	offset int64
	err    error
}

// Error implements error.
func (p *placed) Error() string { return fmt.Sprintf("%s: offset %#x: %v", p.input, p.offset, p.err) }

// Unwrap implements errors.Unwrap.
func (p *placed) Unwrap() error { return p.err }

// define interprets one definition.
func (f *flattener) define(s *scope, def component.Def, exports *instance, args func(*component.Import, *scope) (*item, error)) error {
	switch def := def.(type) {
	case *component.Custom:
		return nil
	case *component.CoreModule:
		s.coreModules = append(s.coreModules, f.dec.modules[def])
		return nil
	case *component.NestedComponent:
		s.components = append(s.components, &closure{def: def.Component, outer: s})
		return nil
	case *component.CoreInstance:
		ci, err := f.coreInstance(s, def)
		if err != nil {
			return err
		}
		s.coreInstances = append(s.coreInstances, ci)
		return nil
	case *component.Instance:
		in, err := f.instance(s, def)
		if err != nil {
			return err
		}
		s.instances = append(s.instances, in)
		return nil
	case *component.Alias:
		return f.alias(s, def)
	case *component.CoreTypeDef:
		s.coreTypes++
		return nil
	case *component.TypeDef:
		t, err := f.typeDef(s, def.Type)
		if err != nil {
			return err
		}
		s.types = append(s.types, t)
		return nil
	case *component.Canon:
		return f.canon(s, def)
	case *component.Import:
		it, err := args(def, s)
		if err != nil {
			return err
		}
		return s.push(it)
	case *component.Export:
		it, err := s.get(def.Sort, def.Index)
		if err != nil {
			return err
		}
		if def.Desc != nil {
			if it, err = f.ascribe(s, it, def.Desc, def.Name.Text); err != nil {
				return err
			}
		}
		exports.add(def.Name.Text, it)
		return s.push(it)
	case *component.Start:
		return fmt.Errorf("start definitions are not supported: they need component-level values")
	}
	return fmt.Errorf("unexpected definition %T", def)
}

// push appends an item to the index space of its sort.
func (s *scope) push(it *item) error {
	switch it.sort {
	case component.SortFunc:
		s.funcs = append(s.funcs, it.fn)
	case component.SortType:
		s.types = append(s.types, it.typ)
	case component.SortInstance:
		s.instances = append(s.instances, it.inst)
	case component.SortComponent:
		s.components = append(s.components, it.comp)
	case component.SortCoreModule:
		s.coreModules = append(s.coreModules, it.mod)
	default:
		return fmt.Errorf("%s imports and exports are not supported", it.sort)
	}
	return nil
}

// get reads an item of a component-level index space.
func (s *scope) get(sort component.Sort, i uint32) (*item, error) {
	it := &item{sort: sort}
	var err error
	switch sort {
	case component.SortFunc:
		it.fn, err = at(s.funcs, i, "function")
	case component.SortType:
		it.typ, err = at(s.types, i, "type")
	case component.SortInstance:
		it.inst, err = at(s.instances, i, "instance")
	case component.SortComponent:
		it.comp, err = at(s.components, i, "component")
	case component.SortCoreModule:
		it.mod, err = at(s.coreModules, i, "core module")
	default:
		err = fmt.Errorf("%s cannot stand here", sort)
	}
	return it, err
}

// ascribe checks an exported item against its declared type and gives it that
// type, so that the names of the exporting interface stand in it.
func (f *flattener) ascribe(s *scope, it *item, d *component.ExternDesc, name string) (*item, error) {
	if d.Sort != it.sort {
		return nil, fmt.Errorf("export %q is a %s, its declared type is of a %s", name, it.sort, d.Sort)
	}
	if d.Sort == component.SortFunc {
		t, err := s.funcType(d.TypeIndex)
		if err != nil {
			return nil, err
		}
		if diff := component.FuncMismatch(t, it.fn.Type); diff != "" {
			return nil, fmt.Errorf("export %q does not have its declared type: %s", name, diff)
		}
		fn := *it.fn
		fn.Type = t
		return &item{sort: it.sort, fn: &fn}, nil
	}
	if d.Sort == component.SortType && d.Bound == component.BoundEq {
		t, err := at(s.types, d.TypeIndex, "type")
		if err != nil {
			return nil, err
		}
		if err := sameType(t, it.typ, fmt.Sprintf("export %q", name)); err != nil {
			return nil, err
		}
	}
	return it, nil
}

// instance interprets an instance definition.
func (f *flattener) instance(s *scope, def *component.Instance) (*instance, error) {
	if !def.Instantiate {
		in := newInstance(s.label)
		for _, e := range def.Exports {
			it, err := s.get(e.Sort, e.Index)
			if err != nil {
				return nil, err
			}
			in.add(e.Name.Text, it)
		}
		return in, nil
	}
	c, err := at(s.components, def.Component, "component")
	if err != nil {
		return nil, err
	}
	args := make(map[string]*item, len(def.Args))
	for _, a := range def.Args {
		if args[a.Name], err = s.get(a.Sort, a.Index); err != nil {
			return nil, fmt.Errorf("argument %q: %w", a.Name, err)
		}
	}
	label := fmt.Sprintf("%s/%d", s.label, len(s.instances))
	return f.instantiate(c, s.input, label, s.component, func(imp *component.Import, inner *scope) (*item, error) {
		it := args[imp.Name.Text]
		if it == nil {
			return nil, fmt.Errorf("instantiation without an argument for import %q", imp.Name.Text)
		}
		f.hide(imp.Name.Text, it)
		return f.match(inner, imp, it, fmt.Sprintf("argument %q", imp.Name.Text))
	})
}

// match checks that an item satisfies an import's type.
func (f *flattener) match(s *scope, imp *component.Import, it *item, what string) (*item, error) {
	if it.sort != imp.Desc.Sort {
		return nil, fmt.Errorf("%s is a %s, not a %s", what, it.sort, imp.Desc.Sort)
	}
	if err := f.matchDesc(s, &imp.Desc, it, what); err != nil {
		return nil, err
	}
	return it, nil
}

// alias interprets an alias.
func (f *flattener) alias(s *scope, def *component.Alias) error {
	switch def.Kind {
	case component.AliasExport:
		in, err := at(s.instances, def.Instance, "instance")
		if err != nil {
			return err
		}
		it := in.items[def.Name]
		if it == nil {
			return fmt.Errorf("instance %s has no export %q", in.label, def.Name)
		}
		if it.sort != def.Sort {
			return fmt.Errorf("export %q of %s is a %s, not a %s", def.Name, in.label, it.sort, def.Sort)
		}
		return s.push(it)
	case component.AliasCoreExport:
		ci, err := at(s.coreInstances, def.Instance, "core instance")
		if err != nil {
			return err
		}
		e, ok := ci.items[def.Name]
		if !ok {
			return fmt.Errorf("core instance %s has no export %q", ci.label, def.Name)
		}
		if want := coreSortKind(def.Sort); want != e.kind {
			return fmt.Errorf("core export %q of %s is not a %s", def.Name, ci.label, def.Sort)
		}
		s.pushCore(e)
		return nil
	case component.AliasOuter:
		o := s
		for range def.Count {
			if o = o.outer; o == nil {
				return fmt.Errorf("outer alias reaches past the outermost component")
			}
		}
		if def.Sort == component.SortCoreType {
			s.coreTypes++
			return nil
		}
		it, err := o.get(def.Sort, def.Index)
		if err != nil {
			return err
		}
		return s.push(it)
	}
	return fmt.Errorf("unknown alias target %d", def.Kind)
}

// coreSortKind maps the core sorts that are externs to their kind.
func coreSortKind(s component.Sort) wasm.ExternKind {
	switch s {
	case component.SortCoreFunc:
		return wasm.ExternFunc
	case component.SortCoreTable:
		return wasm.ExternTable
	case component.SortCoreMemory:
		return wasm.ExternMemory
	case component.SortCoreGlobal:
		return wasm.ExternGlobal
	case component.SortCoreTag:
		return wasm.ExternTag
	}
	return 0xff
}

func (s *scope) pushCore(e coreExtern) {
	switch e.kind {
	case wasm.ExternFunc:
		s.coreFuncs = append(s.coreFuncs, graph.FuncID(e.id))
	case wasm.ExternTable:
		s.coreTables = append(s.coreTables, graph.TableID(e.id))
	case wasm.ExternMemory:
		s.coreMemories = append(s.coreMemories, graph.MemoryID(e.id))
	case wasm.ExternGlobal:
		s.coreGlobals = append(s.coreGlobals, graph.GlobalID(e.id))
	case wasm.ExternTag:
		s.coreTags = append(s.coreTags, graph.TagID(e.id))
	}
}

// getCore reads an item of a core index space.
func (s *scope) getCore(sort component.Sort, i uint32) (coreExtern, error) {
	var id uint32
	var err error
	switch sort {
	case component.SortCoreFunc:
		var v graph.FuncID
		v, err = at(s.coreFuncs, i, "core function")
		id = uint32(v)
	case component.SortCoreTable:
		var v graph.TableID
		v, err = at(s.coreTables, i, "core table")
		id = uint32(v)
	case component.SortCoreMemory:
		var v graph.MemoryID
		v, err = at(s.coreMemories, i, "core memory")
		id = uint32(v)
	case component.SortCoreGlobal:
		var v graph.GlobalID
		v, err = at(s.coreGlobals, i, "core global")
		id = uint32(v)
	case component.SortCoreTag:
		var v graph.TagID
		v, err = at(s.coreTags, i, "core tag")
		id = uint32(v)
	default:
		err = fmt.Errorf("%s cannot stand here", sort)
	}
	return coreExtern{kind: coreSortKind(sort), id: id}, err
}

// coreInstance interprets a core instance definition.
func (f *flattener) coreInstance(s *scope, def *component.CoreInstance) (*coreInstance, error) {
	if !def.Instantiate {
		ci := &coreInstance{items: map[string]coreExtern{}, label: s.label}
		for _, e := range def.Exports {
			x, err := s.getCore(e.Sort, e.Index)
			if err != nil {
				return nil, err
			}
			ci.add(e.Name, x)
		}
		return ci, nil
	}
	m, err := at(s.coreModules, def.Module, "core module")
	if err != nil {
		return nil, err
	}
	args := make(map[string]*coreInstance, len(def.Args))
	for _, a := range def.Args {
		if args[a.Name], err = at(s.coreInstances, a.Instance, "core instance"); err != nil {
			return nil, fmt.Errorf("argument %q: %w", a.Name, err)
		}
	}
	label := s.label
	if s.cores > 0 {
		label = fmt.Sprintf("%s:%d", s.label, s.cores)
	}
	s.cores++
	return f.instantiateModule(m, s.component, s.input, label, func(imp *wasm.Import) (coreExtern, error) {
		arg := args[imp.Module]
		if arg == nil {
			return coreExtern{}, fmt.Errorf("core module instantiated without an argument for %q", imp.Module)
		}
		e, ok := arg.items[imp.Name]
		if !ok {
			return coreExtern{}, fmt.Errorf("core instance %s given for %q has no export %q", arg.label, imp.Module, imp.Name)
		}
		return e, nil
	})
}

// canon interprets a canonical definition.
func (f *flattener) canon(s *scope, def *component.Canon) error {
	opts, err := f.options(s, def)
	if err != nil {
		return fmt.Errorf("canon %s: %w", def.Op, err)
	}
	switch def.Op {
	case component.CanonLift:
		core, err := at(s.coreFuncs, def.Func, "core function")
		if err != nil {
			return err
		}
		t, err := s.funcType(def.Type)
		if err != nil {
			return err
		}
		if err := supported(t); err != nil {
			return fmt.Errorf("canon lift: %w", err)
		}
		params, results, _, _ := component.FlattenFunc(t, component.Lift)
		if want := f.p.Types.Func(params, results); f.p.Funcs[core].Type != want {
			return fmt.Errorf("canon lift: the core function has type %s, the lifted function needs %s",
				f.funcString(f.p.Funcs[core].Type), f.funcString(want))
		}
		s.funcs = append(s.funcs, &graph.CompFunc{Type: t, Lift: &graph.Lift{Type: t, Core: core, Opts: opts, Component: s.component}})
		return nil
	case component.CanonLower:
		fn, err := at(s.funcs, def.Func, "function")
		if err != nil {
			return err
		}
		if err := supported(fn.Type); err != nil {
			return fmt.Errorf("canon lower: %w", err)
		}
		lower := &graph.Lower{Func: fn, Opts: opts, Component: s.component}
		if fn.Host != nil {
			s.coreFuncs = append(s.coreFuncs, f.lowerHost(lower))
			return nil
		}
		params, results, _, _ := component.FlattenFunc(fn.Type, component.Lower)
		s.coreFuncs = append(s.coreFuncs, f.p.AddFunc(graph.Func{
			Kind: graph.FuncCanon, Type: f.p.Types.Func(params, results),
			Canon: &graph.Canon{Op: def.Op, Lower: lower, Component: s.component},
		}))
		return nil
	case component.CanonResourceNew, component.CanonResourceDrop, component.CanonResourceRep:
		t, err := at(s.types, def.Type, "type")
		if err != nil {
			return err
		}
		if t.resource == nil {
			return fmt.Errorf("canon %s: type %d is not a resource type", def.Op, def.Type)
		}
		params, results := []wasm.ValType{wasm.I32}, []wasm.ValType{wasm.I32}
		if def.Op == component.CanonResourceDrop {
			results = nil
		}
		r := &f.p.Resources[t.resource.ID]
		if r.Component == 0 && f.traps(r.Interface, r.Name) {
			s.coreFuncs = append(s.coreFuncs, f.trapFunc(f.p.Types.Func(params, results), "unresolved "+coreName(r.Interface, r.Name)))
			return nil
		}
		if r.Component == 0 {
			if fn := f.answerDrop(r, f.p.Types.Func(params, results)); fn != 0 {
				s.coreFuncs = append(s.coreFuncs, fn)
				return nil
			}
		}
		if def.Op != component.CanonResourceDrop && r.Component != s.component {
			return fmt.Errorf("canon %s: resource %s is not defined by this component", def.Op, t.resource.Name)
		}
		s.coreFuncs = append(s.coreFuncs, f.p.AddFunc(graph.Func{
			Kind:  graph.FuncCanon,
			Type:  f.p.Types.Func(params, results),
			Canon: &graph.Canon{Op: def.Op, Resource: t.resource, Component: s.component},
		}))
		return nil
	}
	return fmt.Errorf("canon %s is not supported yet", def.Op)
}

// options resolves canonical options.
func (f *flattener) options(s *scope, def *component.Canon) (graph.Options, error) {
	o := graph.Options{Encoding: def.Options().Encoding}
	var err error
	switch {
	case def.Options().Async || def.Options().HasCallback:
		return o, fmt.Errorf("async lifts and lowers are not supported yet")
	case def.Options().GC || def.Options().HasCoreType:
		return o, fmt.Errorf("the gc option is not supported yet")
	}
	if def.Options().HasMemory {
		if o.Memory, err = at(s.coreMemories, def.Options().Memory, "core memory"); err != nil {
			return o, err
		}
		if mem := &f.p.Memories[o.Memory]; mem.Type.Is64 {
			return o, fmt.Errorf("the memory option of component %s is the 64-bit memory of %s; values cross only through 32-bit memories", s.label, mem.Name)
		}
	}
	if def.Options().HasRealloc {
		if o.Realloc, err = at(s.coreFuncs, def.Options().Realloc, "core function"); err != nil {
			return o, err
		}
		i := wasm.I32
		if want := f.p.Types.Func([]wasm.ValType{i, i, i, i}, []wasm.ValType{i}); f.p.Funcs[o.Realloc].Type != want {
			return o, fmt.Errorf("realloc has type %s", f.funcString(f.p.Funcs[o.Realloc].Type))
		}
	}
	if def.Options().HasPost {
		if o.PostReturn, err = at(s.coreFuncs, def.Options().PostReturn, "core function"); err != nil {
			return o, err
		}
	}
	return o, nil
}

// supported refuses types whose values cannot cross yet, by name.
func supported(t *component.FuncType) error {
	if t.Async {
		return fmt.Errorf("async functions are not supported yet")
	}
	check := func(what string, v *component.ValType) error {
		if v.ContainsAsync() {
			return fmt.Errorf("%s has type %s: streams, futures and error contexts are not supported yet", what, v)
		}
		if v.Overflow() {
			return fmt.Errorf("%s has type %s, whose values do not fit into a 32-bit memory", what, v)
		}
		return nil
	}
	for _, p := range t.Params {
		if err := check(fmt.Sprintf("parameter %q", p.Name), p.Type); err != nil {
			return err
		}
	}
	if t.Result != nil {
		return check("the result", t.Result)
	}
	return nil
}

// funcString prints a core function type.
func (f *flattener) funcString(id graph.TypeID) string {
	t := f.p.Types.At(id)
	list := func(ts []wasm.ValType) string {
		s := "("
		for i, v := range ts {
			if i > 0 {
				s += " "
			}
			s += v.String()
		}
		return s + ")"
	}
	return list(t.Params) + " -> " + list(t.Results)
}
