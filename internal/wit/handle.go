package wit

import "github.com/wbundle/wbundle/internal/component"

// MapHandles returns v as a value of t with every handle in it replaced by
// what f makes of it, in the order of the canonical ABI. The type of v is t
// but for the resources: the same function has types of its own in every
// program it is in.
func MapHandles(v Value, t *component.ValType, f func(t *component.ValType, handle Value) Value) Value {
	if t == nil || !t.ContainsHandles() {
		return v
	}
	part := func(i int) *component.ValType {
		switch t.Kind {
		case component.KindRecord, component.KindTuple:
			return t.Fields[i].Type
		case component.KindMap:
			if i%2 == 0 {
				return t.Key
			}
			return t.Elem
		case component.KindList, component.KindFixedList:
			return t.Elem
		}
		_, payload := CaseOf(t, v.Case())
		return payload
	}
	if t.Kind == component.KindOwn || t.Kind == component.KindBorrow {
		return f(t, v)
	}
	out := v
	out.typ = t
	out.elems = make([]Value, len(v.elems))
	for i, e := range v.elems {
		out.elems[i] = MapHandles(e, part(i), f)
	}
	return out
}
