package component

// Substitution in static types, and their free variables.
//
// Instantiating a component replaces, in the types of its exports, the
// resources it imports by those of the arguments, its own by new ones, and the
// types it imports under a name by those the arguments have under theirs:
//
//	(component $C (import "r" (type $r (sub resource)))
//	              (export "f" (func (param "x" (own $r)))))
//	(instance (instantiate $C (with "r" (type $file))))   ;; f: func(x: own<$file>)
//
// Types are DAGs, so a remapping remembers what became of each node. A part
// that nothing is replaced in stays the same pointer: its name is still its name.

// remapping is one simultaneous substitution.
type remapping struct {
	v         *validator
	resources map[uint32]uint32
	types     map[anyType]anyType
}

func (v *validator) newRemapping() *remapping {
	return &remapping{v: v, resources: map[uint32]uint32{}, types: map[anyType]anyType{}}
}

func (m *remapping) resourceID(id uint32) uint32 {
	if to, ok := m.resources[id]; ok {
		return to
	}
	return id
}

func (m *remapping) any(t anyType) anyType {
	switch t := t.(type) {
	case *Resource:
		return m.resource(t)
	case *ValType:
		return m.val(t)
	case *funcType:
		return m.fn(t)
	case *instanceType:
		return m.instance(t)
	case *componentType:
		return m.component(t)
	}
	return t
}

func (m *remapping) resource(r *Resource) *Resource {
	if to, ok := m.types[r].(*Resource); ok {
		return to
	}
	if id, ok := m.resources[r.ID]; ok {
		return m.v.resourceNamedLike(r, id)
	}
	return r
}

func (m *remapping) val(t *ValType) *ValType {
	if t == nil || t.Kind.IsPrimitive() && m.types[t] == nil {
		return t
	}
	if to, ok := m.types[t].(*ValType); ok {
		return to
	}
	to := m.valParts(t)
	m.types[t] = to
	return to
}

func (m *remapping) valParts(t *ValType) *ValType {
	switch t.Kind {
	case KindOwn, KindBorrow:
		r := m.resource(t.Resource)
		if r == t.Resource {
			return t
		}
		if t.Kind == KindOwn {
			return NewOwn(r)
		}
		return NewBorrow(r)
	}
	same := true
	for p := range valParts(t) {
		// Every part is visited here so that the look-ups below only recall.
		same = m.val(p) == p && same
	}
	if same {
		return t
	}
	switch t.Kind {
	case KindRecord:
		fields := make([]Field, len(t.Fields))
		for i, f := range t.Fields {
			fields[i] = Field{Name: f.Name, Type: m.val(f.Type)}
		}
		return NewRecord(fields)
	case KindTuple:
		elems := make([]*ValType, len(t.Fields))
		for i, f := range t.Fields {
			elems[i] = m.val(f.Type)
		}
		return NewTuple(elems...)
	case KindVariant:
		cases := make([]Case, len(t.Cases))
		for i, c := range t.Cases {
			cases[i] = Case{Name: c.Name, Type: m.val(c.Type)}
		}
		return NewVariant(cases)
	case KindOption:
		return NewOption(m.val(t.Elem))
	case KindResult:
		return NewResult(m.val(t.Ok), m.val(t.Err))
	case KindList:
		return NewList(m.val(t.Elem))
	case KindFixedList:
		return NewFixedList(m.val(t.Elem), t.Len)
	case KindMap:
		return NewMap(m.val(t.Key), m.val(t.Elem))
	case KindStream, KindFuture:
		return newAsync(t.Kind, m.val(t.Elem))
	}
	return t
}

func (m *remapping) fn(t *funcType) *funcType {
	if to, ok := m.types[t].(*funcType); ok {
		return to
	}
	same := true
	out := &funcType{extent: t.extent, FuncType: FuncType{Async: t.Async, Result: m.val(t.Result)}}
	same = out.Result == t.Result
	out.Params = make([]Field, len(t.Params))
	for i, p := range t.Params {
		out.Params[i] = Field{Name: p.Name, Type: m.val(p.Type)}
		same = same && out.Params[i].Type == p.Type
	}
	if same {
		out = t
	}
	m.types[t] = out
	return out
}

func (m *remapping) instance(t *instanceType) *instanceType {
	if to, ok := m.types[t].(*instanceType); ok {
		return to
	}
	out := &instanceType{extent: t.extent}
	exports, same := m.externs(&t.exports)
	out.exports = exports
	for _, id := range t.defined {
		to := m.resourceID(id)
		same = same && to == id
		out.defined = append(out.defined, to)
	}
	explicit, sameIDs := m.paths(&t.explicit)
	out.explicit = explicit
	if same && sameIDs {
		out = t
	}
	m.types[t] = out
	return out
}

func (m *remapping) component(t *componentType) *componentType {
	if to, ok := m.types[t].(*componentType); ok {
		return to
	}
	out := &componentType{extent: t.extent}
	var same [5]bool
	out.imports, same[0] = m.externs(&t.imports)
	out.exports, same[1] = m.externs(&t.exports)
	out.imported, same[2] = m.paths(&t.imported)
	out.defined, same[3] = m.paths(&t.defined)
	out.explicit, same[4] = m.paths(&t.explicit)
	if same == [5]bool{true, true, true, true, true} {
		out = t
	}
	m.types[t] = out
	return out
}

func (m *remapping) externs(x *externs) (out externs, same bool) {
	items := make([]entity, len(x.items))
	same = true
	for i, e := range x.items {
		items[i] = m.entity(e)
		same = same && items[i] == e
	}
	if same {
		return *x, true
	}
	return x.withItems(items), false
}

func (m *remapping) paths(p *resourcePaths) (out resourcePaths, same bool) {
	same = true
	for _, id := range p.ids {
		to := m.resourceID(id)
		same = same && to == id
		out.set(to, p.paths[id])
	}
	return out, same
}

func (m *remapping) entity(e entity) entity {
	switch e.sort {
	case SortFunc:
		e.fn = m.fn(e.fn)
	case SortValue:
		e.val = m.val(e.val)
	case SortInstance:
		e.inst = m.instance(e.inst)
	case SortComponent:
		e.comp = m.component(e.comp)
	case SortType:
		e.created, e.referenced = m.any(e.created), m.any(e.referenced)
	}
	return e
}

// freeVars collects the resources that types refer to and do not bind.
type freeVars struct {
	ids  map[uint32]struct{}
	seen map[anyType]struct{}
}

func newFreeVars() *freeVars {
	return &freeVars{ids: map[uint32]struct{}{}, seen: map[anyType]struct{}{}}
}

func (f *freeVars) has(id uint32) bool {
	_, ok := f.ids[id]
	return ok
}

// visit reports whether t has not been visited yet.
func (f *freeVars) visit(t anyType) bool {
	if _, ok := f.seen[t]; ok {
		return false
	}
	f.seen[t] = struct{}{}
	return true
}

func (f *freeVars) any(t anyType) {
	switch t := t.(type) {
	case *Resource:
		f.ids[t.ID] = struct{}{}
	case *ValType:
		f.val(t)
	case *funcType:
		f.fn(t)
	case *instanceType:
		f.instance(t)
	case *componentType:
		f.component(t)
	}
}

func (f *freeVars) val(t *ValType) {
	// Every type with a resource in it holds a handle, as far as memory goes;
	// what a stream or future carries is looked at too, because it counts as
	// a handle itself.
	if t == nil || !t.handles || !f.visit(t) {
		return
	}
	if t.Resource != nil {
		f.ids[t.Resource.ID] = struct{}{}
	}
	for p := range valParts(t) {
		f.val(p)
	}
}

func (f *freeVars) fn(t *funcType) {
	if !f.visit(t) {
		return
	}
	for _, p := range t.Params {
		f.val(p.Type)
	}
	f.val(t.Result)
}

// instance and component add what is free in the exports and imports, and
// remove what is bound. IDs are unique to their binder, so a binder cannot
// remove what something else refers to.
func (f *freeVars) instance(t *instanceType) {
	if !f.visit(t) {
		return
	}
	f.externs(&t.exports)
	for _, id := range t.defined {
		delete(f.ids, id)
	}
}

func (f *freeVars) component(t *componentType) {
	if !f.visit(t) {
		return
	}
	f.externs(&t.imports)
	f.externs(&t.exports)
	for _, id := range t.imported.ids {
		delete(f.ids, id)
	}
	for _, id := range t.defined.ids {
		delete(f.ids, id)
	}
}

func (f *freeVars) externs(x *externs) {
	for _, e := range x.items {
		f.entity(e)
	}
}

func (f *freeVars) entity(e entity) {
	switch e.sort {
	case SortFunc:
		f.fn(e.fn)
	case SortValue:
		f.val(e.val)
	case SortInstance:
		f.instance(e.inst)
	case SortComponent:
		f.component(e.comp)
	case SortType:
		f.any(e.created)
	}
}
