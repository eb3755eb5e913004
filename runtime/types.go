package runtime

import (
	"fmt"

	"github.com/wbundle/wbundle/internal/component"
	"github.com/wbundle/wbundle/internal/wasm"
)

// scope holds the index spaces of one component instance, or of one component
// or instance type that is being elaborated. Definitions append to them in
// binary order, as in Binary.md.
type scope struct {
	parent *scope

	types      []typeItem
	funcs      []*function
	instances  []*instance
	components []*closure

	coreModules   []*coreModule
	coreInstances []coreExports
	coreTypes     []*component.CoreTypeDef
	coreItems     [component.SortCoreTag + 1][]coreItem
}

// typeItem is one entry of a type index space; one field is set.
type typeItem struct {
	val  *component.ValType
	fn   *component.FuncType
	res  *component.Resource
	comp *component.ComponentDef
	inst *component.InstanceDef
	// in is the scope that comp and inst were defined in.
	in *scope
}

// closure is a component with the scope that its outer aliases refer to, and
// what was bound to it: nothing.
type closure struct {
	c  *component.Component
	in *scope
}

// function is a component-level function: a lift, a host function, or a
// declaration in a type, whose call is nil.
type function struct {
	name string // for errors and traces
	typ  *component.FuncType
	// call runs the function. It hands the result to resolve before it cleans
	// up (post-return), as task.return does in CanonicalABI.md: the caller's
	// realloc runs before the callee frees what it returned.
	call func(caller *frame, args []Value, resolve func(Value))
}

// item is something that a component-level name stands for; sort says which
// field is set.
type item struct {
	sort   component.Sort
	fn     *function
	inst   *instance
	comp   *closure
	typ    typeItem
	module *coreModule
}

// instance is a component-level instance: named items in order.
type instance struct {
	names   []string
	exports map[string]item
}

func newInstance() *instance { return &instance{exports: map[string]item{}} }

func (i *instance) add(name string, it item) {
	if _, ok := i.exports[name]; !ok {
		i.names = append(i.names, name)
	}
	i.exports[name] = it
}

// push appends it to the index space of its sort.
func (s *scope) push(it item) {
	switch it.sort {
	case component.SortFunc:
		s.funcs = append(s.funcs, it.fn)
	case component.SortInstance:
		s.instances = append(s.instances, it.inst)
	case component.SortComponent:
		s.components = append(s.components, it.comp)
	case component.SortType:
		s.types = append(s.types, it.typ)
	case component.SortCoreModule:
		s.coreModules = append(s.coreModules, it.module)
	default:
		unsupported("an item of sort %s", it.sort)
	}
}

// at returns item i of the index space of sort.
func (s *scope) at(sort component.Sort, i uint32) item {
	it := item{sort: sort}
	switch sort {
	case component.SortFunc:
		it.fn = index(s.funcs, i, sort)
	case component.SortInstance:
		it.inst = index(s.instances, i, sort)
	case component.SortComponent:
		it.comp = index(s.components, i, sort)
	case component.SortType:
		it.typ = index(s.types, i, sort)
	case component.SortCoreModule:
		it.module = index(s.coreModules, i, sort)
	default:
		unsupported("an item of sort %s", sort)
	}
	return it
}

// invalidf reports a binary that the decoder took but that breaks a
// validation rule this package depends on.
func invalidf(format string, args ...any) {
	panic(&hostError{fmt.Errorf("invalid component: "+format, args...)})
}

func index[T any](space []T, i uint32, sort component.Sort) T {
	if uint64(i) >= uint64(len(space)) {
		invalidf("%s index %d out of range (%d)", sort, i, len(space))
	}
	return space[i]
}

// outer returns the scope count levels out.
func (s *scope) outer(count uint32) *scope {
	for range count {
		if s.parent == nil {
			invalidf("an outer alias leaves the outermost component")
		}
		s = s.parent
	}
	return s
}

// val resolves a reference to a value type.
func (s *scope) val(r *component.ValRef) *component.ValType {
	if r == nil {
		return nil
	}
	if r.Prim != component.KindNone {
		return component.Prim(r.Prim)
	}
	t := index(s.types, r.Index, component.SortType).val
	if t == nil {
		invalidf("type %d is not a value type", r.Index)
	}
	return t
}

func (s *scope) resource(i uint32) *component.Resource {
	r := index(s.types, i, component.SortType).res
	if r == nil {
		invalidf("type %d is not a resource type", i)
	}
	return r
}

// valType resolves a definition of a value type.
func (s *scope) valType(d *component.ValDef) *component.ValType {
	fields := func() []component.Field {
		out := make([]component.Field, len(d.Fields))
		for i, f := range d.Fields {
			out[i] = component.Field{Name: f.Name, Type: s.val(&f.Type)}
		}
		return out
	}
	switch d.Kind {
	case component.KindRecord:
		return component.NewRecord(fields())
	case component.KindTuple:
		var types []*component.ValType
		for _, f := range fields() {
			types = append(types, f.Type)
		}
		return component.NewTuple(types...)
	case component.KindVariant:
		cases := make([]component.Case, len(d.Cases))
		for i, c := range d.Cases {
			cases[i] = component.Case{Name: c.Name, Type: s.val(c.Type)}
		}
		return component.NewVariant(cases)
	case component.KindEnum:
		return component.NewEnum(d.Labels)
	case component.KindFlags:
		if len(d.Labels) > 64 {
			unsupported("flags with more than 64 labels")
		}
		return component.NewFlags(d.Labels)
	case component.KindOption:
		return component.NewOption(s.val(d.Elem))
	case component.KindResult:
		return component.NewResult(s.val(d.Parts().Ok), s.val(d.Parts().Err))
	case component.KindList:
		return component.NewList(s.val(d.Elem))
	case component.KindFixedList:
		return component.NewFixedList(s.val(d.Elem), d.Len)
	case component.KindMap:
		return component.NewMap(s.val(d.Key), s.val(d.Elem))
	case component.KindOwn:
		return component.NewOwn(s.resource(d.Index))
	case component.KindBorrow:
		return component.NewBorrow(s.resource(d.Index))
	case component.KindStream:
		return component.NewStream(s.val(d.Elem))
	case component.KindFuture:
		return component.NewFuture(s.val(d.Elem))
	}
	if t := component.Prim(d.Kind); t != nil {
		return t
	}
	unsupported("value type %#x", uint8(d.Kind))
	return nil
}

func (s *scope) funcType(d *component.FuncDef) *component.FuncType {
	ft := &component.FuncType{Async: d.Async, Result: s.val(d.Result)}
	for _, p := range d.Params {
		ft.Params = append(ft.Params, component.Field{Name: p.Name, Type: s.val(&p.Type)})
	}
	return ft
}

// typeDef resolves an entry of a type section. resource makes the resource
// type of a definition; it is nil in types, where none can be defined.
func (s *scope) typeDef(t component.Type, resource func(*component.ResourceDef) *component.Resource) typeItem {
	switch d := t.(type) {
	case *component.ValDef:
		return typeItem{val: s.valType(d)}
	case *component.FuncDef:
		return typeItem{fn: s.funcType(d)}
	case *component.ComponentDef:
		return typeItem{comp: d, in: s}
	case *component.InstanceDef:
		return typeItem{inst: d, in: s}
	case *component.ResourceDef:
		if resource == nil {
			invalidf("a resource type defined in a type")
		}
		return typeItem{res: resource(d)}
	}
	invalidf("unknown type definition %T", t)
	return typeItem{}
}

// maker makes the items that a type declares and nobody has given: the
// functions and resource types of the host.
type maker struct {
	fn       func(name string, t *component.FuncType) *function
	resource func(name string) *component.Resource
}

// qualify joins the name of an instance and of an item in it.
func qualify(iface, name string) string {
	if iface == "" {
		return name
	}
	return iface + "#" + name
}

// elaborate makes an item that fits desc. iface is the instance it is in.
func (s *scope) elaborate(iface, name string, desc *component.ExternDesc, m *maker) item {
	it := item{sort: desc.Sort}
	switch desc.Sort {
	case component.SortFunc:
		ft := index(s.types, desc.TypeIndex, component.SortType).fn
		if ft == nil {
			invalidf("type %d is not a function type", desc.TypeIndex)
		}
		it.fn = m.fn(qualify(iface, name), ft)
	case component.SortInstance:
		t := index(s.types, desc.TypeIndex, component.SortType)
		if t.inst == nil {
			invalidf("type %d is not an instance type", desc.TypeIndex)
		}
		it.inst = t.in.elaborateInstance(qualify(iface, name), t.inst, m)
	case component.SortType:
		if desc.Bound == component.BoundEq {
			it.typ = index(s.types, desc.TypeIndex, component.SortType)
		} else {
			it.typ = typeItem{res: m.resource(qualify(iface, name))}
		}
	case component.SortComponent:
		it.comp = &closure{}
	case component.SortCoreModule:
		it.module = &coreModule{}
	default:
		unsupported("an item of sort %s", desc.Sort)
	}
	return it
}

func (s *scope) elaborateInstance(name string, d *component.InstanceDef, m *maker) *instance {
	inner := &scope{parent: s}
	_, exports := inner.declare(name, d.Decls, m)
	return exports
}

// declare runs the declarations of a component or instance type and returns
// what it imports and exports.
func (s *scope) declare(name string, decls []component.Decl, m *maker) (imports, exports *instance) {
	imports, exports = newInstance(), newInstance()
	for _, d := range decls {
		switch d := d.(type) {
		case *component.CoreTypeDef:
			s.pushCoreType(d)
		case *component.TypeDef:
			s.types = append(s.types, s.typeDef(d.Type, nil))
		case *component.Alias:
			s.alias(d)
		case *component.Import:
			it := s.elaborate("", d.Name.Text, &d.Desc, m)
			s.push(it)
			imports.add(d.Name.Text, it)
		case *component.ExportDecl:
			it := s.elaborate(name, d.Name.Text, &d.Desc, m)
			s.push(it)
			exports.add(d.Name.Text, it)
		default:
			invalidf("unknown declaration %T", d)
		}
	}
	return imports, exports
}

// pushCoreType appends the entries of d, so that indices stay right; nothing
// here looks inside.
func (s *scope) pushCoreType(d *component.CoreTypeDef) {
	n := len(d.Types)
	if d.Module != nil {
		n = 1
	}
	for range n {
		s.coreTypes = append(s.coreTypes, d)
	}
}

// alias runs an alias of any kind but those of core exports.
func (s *scope) alias(d *component.Alias) {
	switch d.Kind {
	case component.AliasExport:
		inst := index(s.instances, d.Instance, component.SortInstance)
		it, ok := inst.exports[d.Name]
		if !ok {
			invalidf("instance %d has no export %q", d.Instance, d.Name)
		}
		if it.sort != d.Sort {
			invalidf("export %q of instance %d is a %s, not a %s", d.Name, d.Instance, it.sort, d.Sort)
		}
		s.push(it)
	case component.AliasOuter:
		o := s.outer(d.Count)
		if d.Sort == component.SortCoreType {
			s.coreTypes = append(s.coreTypes, index(o.coreTypes, d.Index, d.Sort))
			return
		}
		s.push(o.at(d.Sort, d.Index))
	default:
		invalidf("an alias of a core export in a type")
	}
}

// sameShape compares types by structure without looking at which resource a
// handle is of: that is checked when the handle is used.
func sameShape(a, b *component.ValType) bool {
	if a == b {
		return true
	}
	if a == nil || b == nil || a.Kind != b.Kind || a.Len != b.Len || len(a.Fields) != len(b.Fields) ||
		len(a.Cases) != len(b.Cases) || len(a.Labels) != len(b.Labels) {
		return false
	}
	for i := range a.Fields {
		if a.Fields[i].Name != b.Fields[i].Name || !sameShape(a.Fields[i].Type, b.Fields[i].Type) {
			return false
		}
	}
	for i := range a.Cases {
		if a.Cases[i].Name != b.Cases[i].Name || !sameShape(a.Cases[i].Type, b.Cases[i].Type) {
			return false
		}
	}
	for i := range a.Labels {
		if a.Labels[i] != b.Labels[i] {
			return false
		}
	}
	return sameShape(a.Elem, b.Elem) && sameShape(a.Key, b.Key) && sameShape(a.Ok, b.Ok) && sameShape(a.Err, b.Err)
}

// wazeroTypes returns wazero's view of a flattened core type list.
func wazeroTypes(ts []wasm.ValType) []byte {
	out := make([]byte, len(ts))
	for i, t := range ts {
		out[i] = byte(t.Kind)
	}
	return out
}
