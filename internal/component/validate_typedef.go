package component

import (
	"fmt"

	"github.com/wbundle/wbundle/internal/wasm"
)

// Type definitions (Explainer.md, "Type Definitions"): the kinds of what they
// refer to, and the limits.

// typeDef appends the type that a type definition defines.
func (v *validator) typeDef(s *staticScope, def Type) error {
	var t anyType
	var err error
	switch def := def.(type) {
	case *ValDef:
		t, err = v.valDef(s, def)
	case *FuncDef:
		t, err = v.funcDef(s, def)
	case *ComponentDef:
		t, err = v.componentDef(s, def)
	case *InstanceDef:
		t, err = v.instanceDef(s, def)
	case *ResourceDef:
		t, err = v.resourceDef(s, def)
	}
	if err != nil {
		return err
	}
	s.types = append(s.types, t)
	return s.limitTypes()
}

// valType is the value type with an index.
func (s *staticScope) valType(i uint32) (*ValType, error) {
	t, ok := s.types[i].(*ValType)
	if !ok {
		return nil, fmt.Errorf("type %d is a %s, not a value type", i, s.types[i].sortOfType())
	}
	return t, nil
}

// resourceType is the resource type with an index.
func (s *staticScope) resourceType(i uint32) (*Resource, error) {
	r, ok := s.types[i].(*Resource)
	if !ok {
		return nil, fmt.Errorf("type %d is a %s, not a resource type", i, s.types[i].sortOfType())
	}
	return r, nil
}

func (v *validator) valDef(s *staticScope, def *ValDef) (*ValType, error) {
	for _, n := range [...]int{len(def.Fields), len(def.Parts().Cases), len(def.Parts().Labels)} {
		if n > maxParts {
			return nil, tooMany("parts of a "+def.Kind.String()+" type", maxParts)
		}
	}
	t, err := buildValType(def, s.valType, s.resourceType)
	if err != nil {
		return nil, err
	}
	switch t.Kind {
	case KindRecord:
		err = distinct("record field", t.Fields, func(f Field) string { return f.Name })
	case KindVariant:
		err = distinct("variant case", t.Cases, func(c Case) string { return c.Name })
	case KindEnum, KindFlags:
		if t.Kind == KindFlags && len(t.Labels) > maxFlags {
			return nil, fmt.Errorf("flags type with %d labels (the limit is %d)", len(t.Labels), maxFlags)
		}
		err = distinct(t.Kind.String()+" label", t.Labels, func(l string) string { return l })
	case KindFixedList:
		if t.Len > maxListLen {
			return nil, tooMany("elements of a fixed-length list", maxListLen)
		}
	case KindMap:
		switch t.Key.Kind {
		case KindBool, KindS8, KindU8, KindS16, KindU16, KindS32, KindU32, KindS64, KindU64, KindChar, KindString:
		default:
			return nil, fmt.Errorf("invalid map key type `%s`", t.Key)
		}
		if t.Elem.handles {
			// Bindings may drop the values of duplicate keys.
			return nil, fmt.Errorf("map value type `%s` contains a handle", t.Elem)
		}
	case KindStream:
		if t.Elem != nil && t.Elem.Kind == KindChar {
			return nil, fmt.Errorf("`stream<char>` is not valid at this time")
		}
	}
	if err != nil {
		return nil, err
	}
	return t, v.checkLayout(t)
}

// distinct returns an error if two labels are the same but for case and
// hyphens: bindings spell them in many ways, some of which drop both.
func distinct[T any](what string, items []T, label func(T) string) error {
	seen := make(map[string]string, len(items))
	for _, item := range items {
		l := label(item)
		key := canonicalLabel(l)
		if prev, dup := seen[key]; dup {
			return fmt.Errorf("%s name `%s` conflicts with `%s`", what, l, prev)
		}
		seen[key] = l
	}
	return nil
}

func (v *validator) funcDef(s *staticScope, def *FuncDef) (*funcType, error) {
	if len(def.Params) > maxParams {
		return nil, tooMany("parameters of a function", maxParams)
	}
	f, err := ResolveFunc(def, s.valType)
	if err != nil {
		return nil, err
	}
	if err := distinct("parameter", f.Params, func(p Field) string { return p.Name }); err != nil {
		return nil, err
	}
	t := &funcType{FuncType: *f, extent: oneExtent}
	for _, p := range f.Params {
		if err := t.add(v.layoutOf(p.Type).extent); err != nil {
			return nil, err
		}
	}
	if f.Result != nil {
		if err := t.add(v.layoutOf(f.Result).extent); err != nil {
			return nil, err
		}
	}
	return t, nil
}

func (v *validator) resourceDef(s *staticScope, def *ResourceDef) (*Resource, error) {
	if s.kind != scopeComponent {
		return nil, fmt.Errorf("a resource type can only be defined inside a component")
	}
	if def.Rep != wasm.I32 {
		return nil, fmt.Errorf("a resource can only be represented by an i32, not %s", def.Rep)
	}
	if def.Async {
		return nil, fmt.Errorf("async destructors are not supported by any engine yet")
	}
	if def.HasDtor {
		t := &v.core.types[s.coreFuncs[def.Dtor]]
		if err := v.signature("destructor", t, []wasm.ValType{def.Rep}, nil); err != nil {
			return nil, err
		}
	}
	r := v.newResource("")
	s.defined = append(s.defined, r.ID)
	s.reps[r.ID] = def.Rep
	return r, nil
}

// componentDef and instanceDef validate the declarations of a component or
// instance type in a scope of their own.
func (v *validator) componentDef(s *staticScope, def *ComponentDef) (*componentType, error) {
	inner := newScope(scopeComponentType, s)
	if err := v.decls(inner, def.Decls); err != nil {
		return nil, err
	}
	return v.componentTypeOf(inner)
}

func (v *validator) instanceDef(s *staticScope, def *InstanceDef) (*instanceType, error) {
	inner := newScope(scopeInstanceType, s)
	if err := v.decls(inner, def.Decls); err != nil {
		return nil, err
	}
	return &instanceType{extent: inner.extent, exports: inner.exports.externs, defined: inner.defined, explicit: inner.explicit}, nil
}

func (v *validator) decls(s *staticScope, decls []Decl) error {
	if len(decls) > maxDecls {
		return tooMany("declarations in a type", maxDecls)
	}
	for _, d := range decls {
		if err := v.wrap(v.decl(s, d), SectionType, d.Offset()); err != nil {
			return err
		}
	}
	return nil
}

func (v *validator) decl(s *staticScope, d Decl) error {
	switch d := d.(type) {
	case *CoreTypeDef:
		if err := v.coreTypeDefs(s, d); err != nil {
			return err
		}
		return s.limitTypes()
	case *TypeDef:
		return v.typeDef(s, d.Type)
	case *Alias:
		return v.alias(s, d)
	case *Import:
		return v.importDef(s, d)
	case *ExportDecl:
		e, err := v.descEntity(s, &d.Desc, d.Name.Text)
		if err != nil {
			return err
		}
		return v.extern(s, externExport, &d.Name, e)
	}
	return nil
}

// componentTypeOf closes a scope: it makes a type of it that binds the
// resources that come from it (Explainer.md, "Type Checking").
func (v *validator) componentTypeOf(s *staticScope) (*componentType, error) {
	t := &componentType{extent: s.extent, imports: s.imports.externs, exports: s.exports.externs,
		imported: s.imported, explicit: s.explicit}
	free := newFreeVars()
	free.externs(&t.imports)
	for _, id := range s.defined {
		if free.has(id) {
			return nil, fmt.Errorf("local resource type found in imports")
		}
	}
	free = newFreeVars()
	free.externs(&t.exports)
	for _, id := range s.defined {
		if !free.has(id) {
			continue // defined and used inside, but nothing outside can tell
		}
		path, ok := t.explicit.paths[id]
		if !ok {
			return nil, fmt.Errorf("local resource type found in export but not exported itself")
		}
		t.defined.set(id, path)
	}
	return t, nil
}

// descEntity is the type that an externdesc describes. Name is what it will be
// called.
func (v *validator) descEntity(s *staticScope, d *ExternDesc, name string) (entity, error) {
	e := entity{sort: d.Sort}
	wrong := func(want string) (entity, error) {
		return e, fmt.Errorf("type %d is a %s, not %s", d.TypeIndex, s.types[d.TypeIndex].sortOfType(), want)
	}
	var ok bool
	switch d.Sort {
	case SortCoreModule:
		if e.module = s.coreTypes[d.TypeIndex].module; e.module == nil {
			return e, fmt.Errorf("core type %d is not a module type", d.TypeIndex)
		}
	case SortFunc:
		if e.fn, ok = s.types[d.TypeIndex].(*funcType); !ok {
			return wrong("a function type")
		}
	case SortInstance:
		if e.inst, ok = s.types[d.TypeIndex].(*instanceType); !ok {
			return wrong("an instance type")
		}
	case SortComponent:
		if e.comp, ok = s.types[d.TypeIndex].(*componentType); !ok {
			return wrong("a component type")
		}
	case SortValue:
		if d.Value.Eq {
			e.val = s.values[d.Value.Index].typ
			return e, nil
		}
		t, err := ResolveVal(d.Value.Type, s.valType)
		e.val = t
		return e, err
	case SortType:
		if d.Bound == BoundSubResource {
			e.referenced = v.newResource(name)
			e.created = e.referenced
			return e, nil
		}
		e.referenced = s.types[d.TypeIndex]
		e.created = v.renamed(e.referenced, name)
	}
	return e, nil
}

// renamed is t under a new name. Names matter for value types and resources only.
func (v *validator) renamed(t anyType, name string) anyType {
	switch t := t.(type) {
	case *ValType:
		alias := *t
		return &alias
	case *Resource:
		return v.aliasResource(t, name)
	}
	return t
}
