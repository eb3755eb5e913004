package component

import "fmt"

// Equal reports whether a and b are the same type: the same structure, names
// and order of fields, cases and labels, and the same resources by identity.
// Both may be nil, which stands for no type.
//
// Types are DAGs whose paths can be exponentially many, so a pair of nodes is
// compared once.
func Equal(a, b *ValType) bool {
	// Most comparisons end at the root; they should not allocate.
	if a == b {
		return true
	}
	if !sameShape(a, b) {
		return false
	}
	c := comparison{}
	return c.types(a, b)
}

// Mismatch describes the first difference between a and b, from the outside
// in: "record field 1 is named `y` in one, `z` in the other". It is "" exactly
// when Equal reports true.
func Mismatch(a, b *ValType) string {
	c := comparison{explain: true}
	if c.types(a, b) {
		return ""
	}
	return c.reason
}

// FuncMismatch describes the first difference between two function types that
// keeps a function of one from being used as the other, "" when there is none:
// "parameter `p`: list element: `u32` in one, `u64` in the other".
func FuncMismatch(a, b *FuncType) string {
	if a == b {
		return ""
	}
	if a.Async != b.Async {
		return "async in one, not in the other"
	}
	if len(a.Params) != len(b.Params) {
		return fmt.Sprintf("%s in one, %s in the other", count(len(a.Params), "parameter"), count(len(b.Params), "parameter"))
	}
	c := comparison{explain: true}
	for i, p := range a.Params {
		q := b.Params[i]
		if p.Name != q.Name {
			return fmt.Sprintf("parameter %d is named `%s` in one, `%s` in the other", i, p.Name, q.Name)
		}
		if !c.types(p.Type, q.Type) {
			return fmt.Sprintf("parameter `%s`: %s", p.Name, c.reason)
		}
	}
	if !c.types(a.Result, b.Result) {
		return "result: " + c.reason
	}
	return ""
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// sameShape compares all that is known of two types without looking at their
// parts.
func sameShape(a, b *ValType) bool {
	return a != nil && b != nil && a.Kind == b.Kind && a.size == b.size && a.depth == b.depth &&
		a.flatCount == b.flatCount && a.Len == b.Len && a.Resource == b.Resource &&
		len(a.Fields) == len(b.Fields) && len(a.Cases) == len(b.Cases) && len(a.Labels) == len(b.Labels)
}

// comparison is one run over two types.
type comparison struct {
	equal   map[[2]*ValType]bool // pairs found equal
	explain bool                 // find out where they differ
	reason  string
}

// differ records why two types differ, from the inside out.
func (c *comparison) differ(format string, args ...any) bool {
	if c.explain {
		c.reason = fmt.Sprintf(format, args...)
	}
	return false
}

// part compares two parts of a type. Where says which, in the way of
// fmt.Sprintf, and is only looked at when they differ.
func (c *comparison) part(a, b *ValType, where string, args ...any) bool {
	if c.types(a, b) {
		return true
	}
	if c.explain {
		c.reason = fmt.Sprintf(where, args...) + ": " + c.reason
	}
	return false
}

func (c *comparison) types(a, b *ValType) bool {
	if a == b {
		return true
	}
	if a == nil || b == nil {
		return c.differ("%s in one, %s in the other", quoted(a), quoted(b))
	}
	if a.Kind != b.Kind {
		return c.differ("%s in one, %s in the other", quoted(a), quoted(b))
	}
	if !c.explain && !sameShape(a, b) {
		return false
	}
	pair := [2]*ValType{a, b}
	if c.equal[pair] {
		return true
	}
	if !c.parts(a, b) {
		return false
	}
	if c.equal == nil {
		c.equal = make(map[[2]*ValType]bool)
	}
	c.equal[pair] = true
	return true
}

// parts compares two types of one kind.
func (c *comparison) parts(a, b *ValType) bool {
	switch a.Kind {
	case KindRecord, KindTuple:
		what := "record field"
		if a.Kind == KindTuple {
			what = "tuple element"
		}
		if len(a.Fields) != len(b.Fields) {
			return c.differ("%s in one, %s in the other", count(len(a.Fields), what), count(len(b.Fields), what))
		}
		for i, f := range a.Fields {
			g := b.Fields[i]
			if f.Name != g.Name {
				return c.differ("record field %d is named `%s` in one, `%s` in the other", i, f.Name, g.Name)
			}
			if a.Kind == KindTuple {
				if !c.part(f.Type, g.Type, "tuple element %d", i) {
					return false
				}
			} else if !c.part(f.Type, g.Type, "record field `%s`", f.Name) {
				return false
			}
		}
	case KindVariant:
		if len(a.Cases) != len(b.Cases) {
			return c.differ("%s in one, %s in the other", count(len(a.Cases), "variant case"), count(len(b.Cases), "variant case"))
		}
		for i, f := range a.Cases {
			g := b.Cases[i]
			if f.Name != g.Name {
				return c.differ("variant case %d is named `%s` in one, `%s` in the other", i, f.Name, g.Name)
			}
			if !c.part(f.Type, g.Type, "variant case `%s`", f.Name) {
				return false
			}
		}
	case KindFlags, KindEnum:
		what := "flag"
		if a.Kind == KindEnum {
			what = "enum case"
		}
		if len(a.Labels) != len(b.Labels) {
			return c.differ("%s in one, %s in the other", count(len(a.Labels), what), count(len(b.Labels), what))
		}
		for i, l := range a.Labels {
			if l != b.Labels[i] {
				return c.differ("%s %d is named `%s` in one, `%s` in the other", what, i, l, b.Labels[i])
			}
		}
	case KindFixedList:
		if a.Len != b.Len {
			return c.differ("list of %d elements in one, of %d in the other", a.Len, b.Len)
		}
		return c.part(a.Elem, b.Elem, "list element")
	case KindList:
		return c.part(a.Elem, b.Elem, "list element")
	case KindOption:
		return c.part(a.Elem, b.Elem, "option")
	case KindMap:
		return c.part(a.Key, b.Key, "map key") && c.part(a.Elem, b.Elem, "map value")
	case KindResult:
		return c.part(a.Ok, b.Ok, "result") && c.part(a.Err, b.Err, "result error")
	case KindStream:
		return c.part(a.Elem, b.Elem, "stream")
	case KindFuture:
		return c.part(a.Elem, b.Elem, "future")
	case KindOwn, KindBorrow:
		if a.Resource != b.Resource {
			if x, y := quoted(a), quoted(b); x != y {
				return c.differ("%s in one, %s in the other", x, y)
			}
			return c.differ("two different resource types that are both named `%s`", a.Resource.name())
		}
	}
	return true
}

func quoted(t *ValType) string {
	if t == nil {
		return "no type"
	}
	return "`" + t.String() + "`"
}
