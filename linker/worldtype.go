package linker

import (
	"fmt"

	"github.com/wbundle/wbundle/graph"
	"github.com/wbundle/wbundle/internal/component"
	"github.com/wbundle/wbundle/internal/wasm"
)

// typeScope writes type definitions of one scope: a component, a component
// type or an instance type. A type or resource that the scope has defined or
// named already is referred to by index.
type typeScope struct {
	world *worldTypes
	outer *typeScope // the world, when this is an instance type
	emit  func(component.Decl)
	types uint32
	vals  map[*component.ValType]uint32
	named []*component.ValType // those that have a name in this scope
	res   map[*component.Resource]uint32
}

// worldTypes writes the imports and exports of a world.
type worldTypes struct {
	scope     *typeScope
	instances uint32
	// owner says which interface of the world names a type or resource.
	owner map[any]ownedType
	home  func(any) string // flattener.home
}

// ownedType is a type that an instance of the world exports.
type ownedType struct {
	instance uint32
	name     string
}

func newWorldTypes(home func(any) string, emit func(component.Decl)) *worldTypes {
	w := &worldTypes{owner: map[any]ownedType{}, home: home}
	w.scope = w.newScope(nil, emit)
	return w
}

func (w *worldTypes) newScope(outer *typeScope, emit func(component.Decl)) *typeScope {
	return &typeScope{world: w, outer: outer, emit: emit, vals: map[*component.ValType]uint32{}, res: map[*component.Resource]uint32{}}
}

// define appends a type definition and returns its index.
func (s *typeScope) define(t component.Type) uint32 {
	s.emit(&component.TypeDef{Type: t})
	s.types++
	return s.types - 1
}

// foreign brings a type that another interface of the world names into the
// scope: an alias of that instance's export, and from inside an instance type
// an outer alias of it.
func (s *typeScope) foreign(key any) (uint32, bool) {
	o, ok := s.world.owner[key]
	if !ok {
		return 0, false
	}
	w := s.world.scope
	var idx uint32
	found := false
	switch key := key.(type) {
	case *component.ValType:
		idx, found = w.vals[key]
	case *component.Resource:
		idx, found = w.res[key]
	}
	if !found {
		w.emit(&component.Alias{Sort: component.SortType, Kind: component.AliasExport, Instance: o.instance, Name: o.name})
		idx = w.types
		w.types++
		w.remember(key, idx)
	}
	// One alias for each level of nesting between the world and the scope.
	var alias func(s *typeScope) uint32
	alias = func(s *typeScope) uint32 {
		if s == w {
			return idx
		}
		i := alias(s.outer)
		s.emit(&component.Alias{Sort: component.SortType, Kind: component.AliasOuter, Count: 1, Index: i})
		s.types++
		s.remember(key, s.types-1)
		return s.types - 1
	}
	return alias(s), true
}

func (s *typeScope) remember(key any, idx uint32) {
	switch key := key.(type) {
	case *component.ValType:
		s.vals[key] = idx
	case *component.Resource:
		s.res[key] = idx
	}
}

// forgetAnonymous forgets structural types, whose definitions may mention names
// that are not to be used any more.
func (s *typeScope) forgetAnonymous() {
	for v := range s.vals {
		if !nominal(v) {
			delete(s.vals, v)
		}
	}
}

// ref returns a reference to a value type, defining it if need be.
func (s *typeScope) ref(v *component.ValType) (component.ValRef, error) {
	if v.Kind.IsPrimitive() {
		return component.ValRef{Prim: v.Kind}, nil
	}
	if idx, ok := s.vals[v]; ok {
		return component.ValRef{Index: idx}, nil
	}
	if nominal(v) {
		// These need a name. A lift may have been typed with another copy of
		// the definition than the one that the interface names.
		for _, n := range s.named {
			if component.Equal(n, v) {
				s.vals[v] = s.vals[n]
				return component.ValRef{Index: s.vals[n]}, nil
			}
		}
	}
	if idx, ok := s.foreign(v); ok {
		return component.ValRef{Index: idx}, nil
	}
	if nominal(v) {
		return component.ValRef{}, fmt.Errorf("type %s is used by the world, but no interface of it names it", v)
	}
	idx, err := s.defineVal(v)
	if err != nil {
		return component.ValRef{}, err
	}
	s.vals[v] = idx
	return component.ValRef{Index: idx}, nil
}

// defineVal appends the definition of a value type.
func (s *typeScope) defineVal(v *component.ValType) (uint32, error) {
	d := &component.ValDef{Kind: v.Kind, Len: v.Len}
	if v.Labels != nil || v.Cases != nil || v.Ok != nil || v.Err != nil {
		d.Members = &component.Members{Labels: v.Labels}
	}
	opt := func(t *component.ValType) (*component.ValRef, error) {
		if t == nil {
			return nil, nil
		}
		r, err := s.ref(t)
		return &r, err
	}
	var err error
	for _, f := range v.Fields {
		r, err := s.ref(f.Type)
		if err != nil {
			return 0, err
		}
		d.Fields = append(d.Fields, component.FieldDef{Name: f.Name, Type: r})
	}
	for _, c := range v.Cases {
		r, err := opt(c.Type)
		if err != nil {
			return 0, err
		}
		d.Cases = append(d.Cases, component.CaseDef{Name: c.Name, Type: r})
	}
	if d.Elem, err = opt(v.Elem); err != nil {
		return 0, err
	}
	if d.Key, err = opt(v.Key); err != nil {
		return 0, err
	}
	if v.Kind == component.KindResult && d.Members != nil {
		if d.Ok, err = opt(v.Ok); err != nil {
			return 0, err
		}
		if d.Err, err = opt(v.Err); err != nil {
			return 0, err
		}
	}
	if v.Resource != nil {
		if d.Index, err = s.resource(v.Resource); err != nil {
			return 0, err
		}
	}
	return s.define(d), nil
}

// resource returns the type index of a resource.
func (s *typeScope) resource(r *component.Resource) (uint32, error) {
	if idx, ok := s.res[r]; ok {
		return idx, nil
	}
	if idx, ok := s.foreign(r); ok {
		return idx, nil
	}
	return 0, fmt.Errorf("resource %q is used by the world, but no interface of it names it", r.Name)
}

// funcDef appends the definition of a function type.
func (s *typeScope) funcDef(t *component.FuncType) (uint32, error) {
	d := &component.FuncDef{Async: t.Async}
	for _, p := range t.Params {
		r, err := s.ref(p.Type)
		if err != nil {
			return 0, err
		}
		d.Params = append(d.Params, component.FieldDef{Name: p.Name, Type: r})
	}
	if t.Result != nil {
		r, err := s.ref(t.Result)
		if err != nil {
			return 0, err
		}
		d.Result = &r
	}
	return s.define(d), nil
}

// declare writes one import or export of the scope; put appends it.
func (s *typeScope) declare(x *graph.Extern, put func(component.ExternDesc)) error {
	switch {
	case x.Func != nil:
		idx, err := s.funcDef(x.Func.Type)
		if err != nil {
			return err
		}
		put(component.ExternDesc{Sort: component.SortFunc, TypeIndex: idx})
	case x.Type != nil && x.Type.Resource != nil:
		r := x.Type.Resource
		if idx, ok := s.res[r]; ok {
			put(component.ExternDesc{Sort: component.SortType, Bound: component.BoundEq, TypeIndex: idx})
		} else if idx, ok := s.foreign(r); ok {
			put(component.ExternDesc{Sort: component.SortType, Bound: component.BoundEq, TypeIndex: idx})
		} else {
			put(component.ExternDesc{Sort: component.SortType, Bound: component.BoundSubResource})
		}
		s.res[r] = s.types
		s.types++
	case x.Type != nil && x.Type.Val != nil:
		v := x.Type.Val
		idx, ok := s.vals[v]
		if !ok {
			idx, ok = s.foreign(v)
		}
		if !ok {
			if v.Kind.IsPrimitive() {
				idx = s.define(&component.ValDef{Kind: v.Kind})
			} else {
				var err error
				if idx, err = s.defineVal(v); err != nil {
					return err
				}
			}
		}
		put(component.ExternDesc{Sort: component.SortType, Bound: component.BoundEq, TypeIndex: idx})
		s.vals[v] = s.types
		s.named = append(s.named, v)
		s.types++
	case x.Inst != nil:
		def, err := s.instanceType(x)
		if err != nil {
			return fmt.Errorf("interface %q: %w", x.Name, err)
		}
		idx := s.define(def)
		put(component.ExternDesc{Sort: component.SortInstance, TypeIndex: idx})
		if s.outer == nil {
			s.world.own(x, s.world.instances)
			s.world.instances++
		}
	default:
		return fmt.Errorf("%q cannot be written as an import or export", x.Name)
	}
	return nil
}

// own notes the types that an instance of the world names.
func (w *worldTypes) own(x *graph.Extern, instance uint32) {
	for _, it := range x.Inst.Items {
		if it.Type == nil {
			continue
		}
		if h := w.home(it.Type.Val); it.Type.Val != nil && h != "" && h != x.Name {
			continue
		}
		if h := w.home(it.Type.Resource); h != "" && h != x.Name {
			continue
		}
		if v := it.Type.Val; v != nil && !v.Kind.IsPrimitive() {
			if _, known := w.owner[v]; !known {
				w.owner[v] = ownedType{instance, it.Name}
			}
		}
		if r := it.Type.Resource; r != nil {
			if _, known := w.owner[r]; !known {
				w.owner[r] = ownedType{instance, it.Name}
			}
		}
	}
}

// def is the type of a component or an instance, nil for any other type.
func (t *typeItem) def() component.Type {
	switch {
	case t.comp != nil:
		return t.comp
	case t.inst != nil:
		return t.inst
	}
	return nil
}

// closed reports whether a type, depth types deep in another, refers to nothing
// outside the outermost. Such a type can be written anywhere as it is: its
// index spaces begin empty, and outer aliases are all that reaches out of them.
func closed(t component.Type, depth uint32) bool {
	var decls []component.Decl
	switch t := t.(type) {
	case *component.ComponentDef:
		decls = t.Decls
	case *component.InstanceDef:
		decls = t.Decls
	}
	outside := func(a *component.Alias, depth uint32) bool { return a.Kind == component.AliasOuter && a.Count > depth }
	for _, d := range decls {
		switch d := d.(type) {
		case *component.Alias:
			if outside(d, depth) {
				return false
			}
		case *component.TypeDef:
			if !closed(d.Type, depth+1) {
				return false
			}
		case *component.CoreTypeDef:
			if d.Module == nil {
				continue
			}
			for _, m := range d.Module.Decls {
				if m.Alias != nil && outside(m.Alias, depth+1) {
					return false
				}
			}
		}
	}
	return true
}

// rename makes the world refer to the types of an exported instance by the
// names that it exports, and no longer by the definitions that it was made
// of: whatever is exported later may mention only types that have a name.
func (w *worldTypes) rename(x *graph.Extern) {
	for _, it := range x.Inst.Items {
		if it.Type == nil {
			continue
		}
		if v := it.Type.Val; v != nil && w.owner[v].name != "" {
			delete(w.scope.vals, v)
		}
		if r := it.Type.Resource; r != nil && w.owner[r].name != "" {
			delete(w.scope.res, r)
		}
	}
	w.scope.forgetAnonymous()
	w.scope.named = nil
}

// instanceType writes the type of an interface.
func (s *typeScope) instanceType(x *graph.Extern) (*component.InstanceDef, error) {
	def := &component.InstanceDef{}
	in := s.world.newScope(s, func(d component.Decl) { def.Decls = append(def.Decls, d) })
	for i := range x.Inst.Items {
		it := &x.Inst.Items[i]
		err := in.declare(it, func(d component.ExternDesc) {
			def.Decls = append(def.Decls, &component.ExportDecl{Name: component.Name{Text: it.Name}, Desc: d})
		})
		if err != nil {
			return nil, err
		}
	}
	return def, nil
}

// imports writes the world's imports.
func (w *worldTypes) imports(p *graph.Program) error {
	for i := range p.WorldImports {
		x := &p.WorldImports[i]
		err := w.scope.declare(x, func(d component.ExternDesc) {
			w.scope.emit(&component.Import{Name: component.Name{Text: x.Name}, Desc: d})
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// componentType makes the component-type custom section, from which
// wasm-tools component new turns a core module into a component again
// (wit-component's metadata encoding, version 4).
func (f *flattener) componentType(world string) (wasm.Custom, error) {
	p := f.p
	inner := &component.ComponentDef{}
	w := newWorldTypes(f.home, func(d component.Decl) { inner.Decls = append(inner.Decls, d) })
	if err := w.imports(p); err != nil {
		return wasm.Custom{}, err
	}
	for i := range p.WorldExports {
		x := &p.WorldExports[i]
		err := w.scope.declare(x, func(d component.ExternDesc) {
			inner.Decls = append(inner.Decls, &component.ExportDecl{Name: component.Name{Text: x.Name}, Desc: d})
		})
		if err != nil {
			return wasm.Custom{}, err
		}
	}
	outer := &component.ComponentDef{Decls: []component.Decl{
		&component.TypeDef{Type: inner},
		&component.ExportDecl{Name: component.Name{Text: world}, Desc: component.ExternDesc{Sort: component.SortComponent, TypeIndex: 0}},
	}}
	c := &component.Component{Defs: []component.Def{
		&component.Custom{Name: "wit-component-encoding", Data: []byte{0x04, byte(f.host.encoding)}},
		&component.TypeDef{Type: outer},
		&component.Export{Name: component.Name{Text: worldLabel(world)}, Sort: component.SortType, Index: 0},
	}}
	return wasm.Custom{Name: "component-type", Data: component.Encode(c)}, nil
}
