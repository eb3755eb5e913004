package component

import (
	"fmt"

	"github.com/wbundle/wbundle/internal/wasm"
)

// Check returns an error unless every index in c is within its index space at
// the place where it stands, outer aliases and the index spaces of types
// included, and every label and name is well-formed and unique. Decode calls
// it; components built by hand can be checked with it too. Errors are
// *wasm.Error with the offset of the definition.
func Check(c *Component) error { return checkComponent(c, nil) }

// scope is a component, component type, instance type or module type: what has
// index spaces of its own and what outer aliases count.
type scope struct {
	parent *scope
	SpaceCounts
	imports, exports labelSet
}

// outer is the scope that is count scopes further out, nil when there is none.
func (s *scope) outer(count uint32) *scope {
	for ; s != nil && count > 0; count-- {
		s = s.parent
	}
	return s
}

// checker checks one definition. It keeps the first error, so that a
// definition reads as the list of what it refers to.
type checker struct {
	input   string
	section SectionID
	offset  int64
	scope   *scope
	err     error
}

func checkComponent(c *Component, parent *scope) error {
	s := &scope{parent: parent}
	for _, d := range c.Defs {
		if nested, ok := d.(*NestedComponent); ok {
			if err := checkComponent(nested.Component, s); err != nil {
				return err
			}
		}
		k := checker{input: c.Input, section: sectionOf(d), offset: d.Offset(), scope: s}
		k.def(d)
		if k.err != nil {
			return k.err
		}
		s.Add(d)
	}
	return nil
}

func (k *checker) fail(format string, args ...any) {
	if k.err == nil {
		k.err = &wasm.Error{Input: k.input, Section: k.section.String(), Offset: k.offset, Msg: fmt.Sprintf(format, args...)}
	}
}

// index checks an index into the space of a sort.
func (k *checker) index(sort Sort, index uint32) {
	if n := k.scope.SpaceCounts[sort]; index >= n {
		k.fail("%s index %d out of range (%d defined)", sort, index, n)
	}
}

func (k *checker) def(d Def) {
	switch d := d.(type) {
	case *CoreInstance:
		names := make(map[string]bool, len(d.Args)+len(d.Exports))
		if d.Instantiate {
			k.index(SortCoreModule, d.Module)
		}
		for _, a := range d.Args {
			k.argName(names, "core instantiation argument", a.Name)
			k.index(SortCoreInstance, a.Instance)
		}
		for _, e := range d.Exports {
			k.argName(names, "core export", e.Name)
			k.index(e.Sort, e.Index)
		}
	case *CoreTypeDef:
		k.coreType(d)
	case *Instance:
		if d.Instantiate {
			k.index(SortComponent, d.Component)
		}
		names := make(map[string]bool, len(d.Args))
		for _, a := range d.Args {
			k.argName(names, "instantiation argument", a.Name)
			k.index(a.Sort, a.Index)
		}
		var exports labelSet
		for i := range d.Exports {
			e := &d.Exports[i]
			k.externName(&exports, "export", &e.Name)
			k.index(e.Sort, e.Index)
		}
	case *Alias:
		k.alias(d)
	case *TypeDef:
		k.typeDef(d.Type)
	case *Canon:
		k.canon(d)
	case *Start:
		k.index(SortFunc, d.Func)
		for _, a := range d.Args {
			k.index(SortValue, a)
		}
	case *Import:
		k.externName(&k.scope.imports, "import", &d.Name)
		k.desc(&d.Desc)
	case *Export:
		k.externName(&k.scope.exports, "export", &d.Name)
		k.index(d.Sort, d.Index)
		if d.Desc != nil {
			if d.Desc.Sort != d.Sort {
				k.fail("export of a %s is given the type of a %s", d.Sort, d.Desc.Sort)
			}
			k.desc(d.Desc)
		}
	}
}

func (k *checker) alias(a *Alias) {
	switch a.Kind {
	case AliasExport:
		k.index(SortInstance, a.Instance)
	case AliasCoreExport:
		k.index(SortCoreInstance, a.Instance)
	case AliasOuter:
		s := k.scope.outer(a.Count)
		if s == nil {
			k.fail("outer alias skips %d enclosing components, which are not there", a.Count)
			return
		}
		if n := s.SpaceCounts[a.Sort]; a.Index >= n {
			k.fail("outer alias: %s index %d out of range (%d defined in the component %d further out)", a.Sort, a.Index, n, a.Count)
		}
	}
}

func (k *checker) canon(d *Canon) {
	next := 0
	for _, imm := range []byte(canonFormOf(d.Op).imm) {
		switch imm {
		case 'f':
			k.index(SortCoreFunc, d.Func)
		case 'F':
			k.index(SortFunc, d.Func)
		case 't':
			k.index(SortType, d.Type)
		case 'o':
			k.opts(d.Options())
		case 'r':
			k.optional(d.rest().Result)
		case 'm', 'y', 'b', 'u', 'a':
			if next >= len(d.rest().Imm) {
				k.fail("canon %s lacks an immediate", d.Op)
				return
			}
			switch imm {
			case 'm':
				k.index(SortCoreMemory, d.Imm[next])
			case 'y':
				k.index(SortCoreType, d.Imm[next])
			case 'b':
				k.index(SortCoreTable, d.Imm[next])
			}
			next++
		}
	}
}

func (k *checker) opts(o *CanonOpts) {
	if o.HasMemory {
		k.index(SortCoreMemory, o.Memory)
	}
	if o.HasRealloc {
		k.index(SortCoreFunc, o.Realloc)
	}
	if o.HasPost {
		k.index(SortCoreFunc, o.PostReturn)
	}
	if o.HasCallback {
		k.index(SortCoreFunc, o.Callback)
	}
	if o.HasCoreType {
		k.index(SortCoreType, o.CoreType)
	}
}

func (k *checker) desc(d *ExternDesc) {
	switch d.Sort {
	case SortCoreModule:
		k.index(SortCoreType, d.TypeIndex)
	case SortValue:
		switch {
		case d.Value == nil:
			k.fail("value without a type")
		case d.Value.Eq:
			k.index(SortValue, d.Value.Index)
		default:
			k.ref(d.Value.Type)
		}
	case SortType:
		if d.Bound == BoundEq {
			k.index(SortType, d.TypeIndex)
		}
	default:
		k.index(SortType, d.TypeIndex)
	}
}

func (k *checker) ref(v ValRef) {
	if v.Prim == KindNone {
		k.index(SortType, v.Index)
	}
}

func (k *checker) optional(v *ValRef) {
	if v != nil {
		k.ref(*v)
	}
}

func (k *checker) typeDef(t Type) {
	k.labels(t)
	switch t := t.(type) {
	case *ValDef:
		for _, f := range t.Fields {
			k.ref(f.Type)
		}
		for _, c := range t.Parts().Cases {
			k.optional(c.Type)
		}
		k.optional(t.Elem)
		k.optional(t.Key)
		k.optional(t.Parts().Ok)
		k.optional(t.Parts().Err)
		if t.Kind == KindOwn || t.Kind == KindBorrow {
			k.index(SortType, t.Index)
		}
	case *FuncDef:
		for _, p := range t.Params {
			k.ref(p.Type)
		}
		k.optional(t.Result)
	case *ResourceDef:
		if t.HasDtor {
			k.index(SortCoreFunc, t.Dtor)
		}
		if t.HasCB {
			k.index(SortCoreFunc, t.Callback)
		}
	case *ComponentDef:
		k.decls(t.Decls)
	case *InstanceDef:
		k.decls(t.Decls)
	default:
		k.fail("type definition without a type")
	}
}

// decls checks the declarations of a component or instance type, which open a
// scope of their own.
func (k *checker) decls(decls []Decl) {
	if len(decls) == 0 {
		return
	}
	inner := checker{input: k.input, section: k.section, scope: &scope{parent: k.scope}}
	for _, d := range decls {
		inner.offset = d.Offset()
		switch d := d.(type) {
		case *CoreTypeDef:
			inner.coreType(d)
		case *TypeDef:
			if _, ok := d.Type.(*ResourceDef); ok {
				inner.fail("a resource type cannot be defined inside a component or instance type")
			}
			inner.typeDef(d.Type)
		case *Alias:
			inner.alias(d)
		case *Import:
			inner.externName(&inner.scope.imports, "import", &d.Name)
			inner.desc(&d.Desc)
		case *ExportDecl:
			inner.externName(&inner.scope.exports, "export", &d.Name)
			inner.desc(&d.Desc)
		}
		if inner.err != nil {
			k.err = inner.err
			return
		}
		inner.scope.Add(d)
	}
}

// coreType checks a core type definition. A recursion group may refer to its
// own members, so these count as defined.
func (k *checker) coreType(d *CoreTypeDef) {
	if d.Module != nil {
		k.moduleType(d.Module)
		return
	}
	limit := uint64(k.scope.SpaceCounts[SortCoreType]) + uint64(len(d.Types))
	heap := func(t wasm.ValType) {
		if t.Kind == wasm.KindRef && t.Heap >= 0 && uint64(t.Heap) >= limit {
			k.fail("core type index %d out of range (%d defined)", t.Heap, limit)
		}
	}
	for i := range d.Types {
		t := &d.Types[i]
		for _, super := range t.Supers {
			if uint64(super) >= limit {
				k.fail("core type index %d out of range (%d defined)", super, limit)
			}
		}
		for _, v := range t.Params {
			heap(v)
		}
		for _, v := range t.Results {
			heap(v)
		}
		for _, f := range t.Fields {
			heap(f.Type)
		}
	}
}

func (k *checker) moduleType(m *ModuleType) {
	if len(m.Decls) == 0 {
		return
	}
	inner := checker{input: k.input, section: k.section, offset: k.offset, scope: &scope{parent: k.scope}}
	for _, d := range m.Decls {
		switch {
		case d.Import != nil:
			inner.coreExtern(d.Import)
		case d.Export != nil:
			inner.coreExtern(&d.Export.Desc)
		case d.Type != nil:
			inner.offset = d.Type.Offset()
			inner.coreType(d.Type)
			inner.scope.Add(d.Type)
		case d.Alias != nil:
			inner.offset = d.Alias.Offset()
			inner.alias(d.Alias)
			inner.scope.Add(d.Alias)
		}
	}
	if inner.err != nil {
		k.err = inner.err
	}
}

func (k *checker) coreExtern(imp *wasm.Import) {
	k.offset = int64(imp.Off)
	var t wasm.ValType
	switch imp.Kind {
	case wasm.ExternFunc, wasm.ExternTag:
		k.index(SortCoreType, imp.TypeIndex)
	case wasm.ExternTable:
		t = imp.Table.Elem
	case wasm.ExternGlobal:
		t = imp.Global.Type
	}
	if t.Kind == wasm.KindRef && t.Heap >= 0 {
		k.index(SortCoreType, uint32(t.Heap))
	}
}
