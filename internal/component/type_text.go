package component

import (
	"fmt"
	"strings"
)

// maxTypeText bounds the text of a type in bytes, more or less: types are for
// messages here, and a DAG can be exponentially long as text.
const maxTypeText = 160

// String names the kind as WIT does.
func (k Kind) String() string {
	switch k {
	case KindBool:
		return "bool"
	case KindS8:
		return "s8"
	case KindU8:
		return "u8"
	case KindS16:
		return "s16"
	case KindU16:
		return "u16"
	case KindS32:
		return "s32"
	case KindU32:
		return "u32"
	case KindS64:
		return "s64"
	case KindU64:
		return "u64"
	case KindF32:
		return "f32"
	case KindF64:
		return "f64"
	case KindChar:
		return "char"
	case KindString:
		return "string"
	case KindErrorContext:
		return "error-context"
	case KindRecord:
		return "record"
	case KindVariant:
		return "variant"
	case KindList, KindFixedList:
		return "list"
	case KindTuple:
		return "tuple"
	case KindFlags:
		return "flags"
	case KindEnum:
		return "enum"
	case KindOption:
		return "option"
	case KindResult:
		return "result"
	case KindOwn:
		return "own"
	case KindBorrow:
		return "borrow"
	case KindStream:
		return "stream"
	case KindFuture:
		return "future"
	case KindMap:
		return "map"
	}
	return fmt.Sprintf("kind 0x%02x", uint8(k))
}

// String writes the type as WIT would, without names of types: "list<u8>",
// "record { x: u32, y: own<file> }". Long types are cut with "…".
func (t *ValType) String() string {
	var w typeWriter
	w.valType(t)
	return w.text()
}

// String writes the function type as WIT would: "func(x: u32) -> string". Long
// types are cut with "…".
func (f *FuncType) String() string {
	var w typeWriter
	if f.Async {
		w.put("async ")
	}
	w.put("func(")
	for i, p := range f.Params {
		if w.comma(i); w.full() {
			break
		}
		w.put(p.Name + ": ")
		w.valType(p.Type)
	}
	w.put(")")
	if f.Result != nil {
		w.put(" -> ")
		w.valType(f.Result)
	}
	return w.text()
}

func (r *Resource) name() string {
	if r == nil || r.Name == "" {
		return "resource"
	}
	return r.Name
}

// typeWriter writes until it is full; what is put then is dropped.
type typeWriter struct{ b strings.Builder }

func (w *typeWriter) full() bool { return w.b.Len() > maxTypeText }

func (w *typeWriter) put(s string) {
	if !w.full() {
		w.b.WriteString(s)
	}
}

func (w *typeWriter) text() string {
	s := w.b.String()
	if len(s) <= maxTypeText {
		return s
	}
	return strings.ToValidUTF8(s[:maxTypeText], "") + "…"
}

func (w *typeWriter) comma(i int) {
	if i > 0 {
		w.put(", ")
	}
}

// valType stops descending once the writer is full, which bounds the work as
// well as the text.
func (w *typeWriter) valType(t *ValType) {
	if w.full() {
		return
	}
	if t == nil {
		w.put("_")
		return
	}
	switch t.Kind {
	case KindRecord:
		w.put("record { ")
		for i, f := range t.Fields {
			if w.comma(i); w.full() {
				return
			}
			w.put(f.Name + ": ")
			w.valType(f.Type)
		}
		w.put(" }")
	case KindVariant:
		w.put("variant { ")
		for i, c := range t.Cases {
			if w.comma(i); w.full() {
				return
			}
			w.put(c.Name)
			if c.Type != nil {
				w.put("(")
				w.valType(c.Type)
				w.put(")")
			}
		}
		w.put(" }")
	case KindFlags, KindEnum:
		w.put(t.Kind.String() + " { ")
		for i, l := range t.Labels {
			if w.comma(i); w.full() {
				return
			}
			w.put(l)
		}
		w.put(" }")
	case KindTuple:
		w.put("tuple<")
		for i, f := range t.Fields {
			if w.comma(i); w.full() {
				return
			}
			w.valType(f.Type)
		}
		w.put(">")
	case KindMap:
		w.generic(t.Kind, t.Key, t.Elem)
	case KindFixedList:
		w.put("list<")
		w.valType(t.Elem)
		w.put(fmt.Sprintf(", %d>", t.Len))
	case KindList, KindOption:
		w.generic(t.Kind, t.Elem)
	case KindStream, KindFuture:
		if t.Elem == nil {
			w.put(t.Kind.String())
			return
		}
		w.generic(t.Kind, t.Elem)
	case KindResult:
		switch {
		case t.Ok == nil && t.Err == nil:
			w.put("result")
		case t.Err == nil:
			w.generic(t.Kind, t.Ok)
		default:
			w.generic(t.Kind, t.Ok, t.Err)
		}
	case KindOwn, KindBorrow:
		w.put(t.Kind.String() + "<" + t.Resource.name() + ">")
	default:
		w.put(t.Kind.String())
	}
}

func (w *typeWriter) generic(kind Kind, args ...*ValType) {
	w.put(kind.String() + "<")
	for i, a := range args {
		w.comma(i)
		w.valType(a)
	}
	w.put(">")
}
