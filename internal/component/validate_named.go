package component

// The rule that what an import or export refers to has a name (Explainer.md,
// "Type Checking", the last paragraphs): a record, variant, enum, flags or
// resource type in the type of an exported function must itself be exported or
// imported, because bindings have nothing else to call it:
//
//	(type $r (record (field "x" u32)))
//	(export $R "r" (type $r))
//	(export "f" (func $f))        ;; ok if its type says $R, not if it says $r
//
// A name makes a new pointer (see anyType), so a set of pointers is enough.
// An imported type is good for exports too, not the other way round.

// nameTypes reports whether all that e refers to has a name, and registers the
// types that e gives one. An instance type has no names of its own to go by: it
// is checked where it is used.
func (v *validator) nameTypes(s *staticScope, kind externKind, e entity) bool {
	if s.kind == scopeInstanceType {
		return true
	}
	set := &s.imports.types
	if kind == externExport {
		set = &s.exports.types
	}
	switch e.sort {
	case SortType:
		if !set.allNamed(e.referenced) {
			return false
		}
		s.exports.types.names[e.created] = struct{}{}
		if kind == externImport {
			s.imports.types.names[e.created] = struct{}{}
		}
	case SortInstance:
		if _, done := set.registered[e.inst]; done {
			return true
		}
		for _, x := range e.inst.exports.items {
			if !v.nameTypes(s, kind, x) {
				return false
			}
		}
		set.registered[e.inst] = struct{}{}
	case SortFunc:
		return set.funcNamed(e.fn)
	case SortValue:
		return set.named(e.val)
	}
	return true // modules and components stand for themselves
}

// typeNames is a set of types that have a name. It only grows, so what was once
// found to have only named parts needs no second look.
type typeNames struct {
	names      map[anyType]struct{}
	checked    map[anyType]struct{} // need no name, and all parts are named
	registered map[*instanceType]struct{}
}

func newTypeNames() typeNames {
	return typeNames{names: map[anyType]struct{}{}, checked: map[anyType]struct{}{}, registered: map[*instanceType]struct{}{}}
}

func (n *typeNames) has(t anyType) bool {
	_, ok := n.names[t]
	return ok
}

// once remembers that check reported true for t.
func (n *typeNames) once(t anyType, check func() bool) bool {
	if _, ok := n.checked[t]; ok {
		return true
	}
	if !check() {
		return false
	}
	n.checked[t] = struct{}{}
	return true
}

// allNamed reports whether all parts of t are named; t itself is about to be.
func (n *typeNames) allNamed(t anyType) bool {
	switch t := t.(type) {
	case *ValType:
		return n.partsNamed(t)
	case *funcType:
		return n.funcNamed(t)
	case *instanceType:
		return n.once(t, func() bool { return n.instanceNamed(t) })
	}
	return true
}

func (n *typeNames) instanceNamed(t *instanceType) bool {
	for _, e := range t.exports.items {
		ok := true
		switch e.sort {
		case SortFunc:
			ok = n.funcNamed(e.fn)
		case SortType:
			ok = n.allNamed(e.created)
		case SortValue:
			ok = n.allNamed(e.val)
		case SortInstance:
			ok = n.allNamed(e.inst)
		}
		if !ok {
			return false
		}
	}
	return true
}

func (n *typeNames) funcNamed(f *funcType) bool {
	for _, p := range f.Params {
		if !n.named(p.Type) {
			return false
		}
	}
	return f.Result == nil || n.named(f.Result)
}

// named reports whether t is named, or is of a kind that needs no name and has
// only parts that are named.
func (n *typeNames) named(t *ValType) bool {
	switch t.Kind {
	case KindRecord, KindVariant, KindEnum, KindFlags:
		return n.has(t)
	case KindOwn, KindBorrow:
		return n.has(t.Resource)
	}
	return t.Kind.IsPrimitive() || n.once(t, func() bool { return n.partsNamed(t) })
}

func (n *typeNames) partsNamed(t *ValType) bool {
	if t.Resource != nil {
		return n.has(t.Resource)
	}
	for p := range valParts(t) {
		if !n.named(p) {
			return false
		}
	}
	return true
}
