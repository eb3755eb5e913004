package wasm

import "fmt"

// String is the type in the text format.
func (t ValType) String() string {
	switch t.Kind {
	case KindI32:
		return "i32"
	case KindI64:
		return "i64"
	case KindF32:
		return "f32"
	case KindF64:
		return "f64"
	case KindV128:
		return "v128"
	case KindI8:
		return "i8"
	case KindI16:
		return "i16"
	case KindRef:
		switch {
		case t == FuncRef:
			return "funcref"
		case t == ExternRef:
			return "externref"
		case t.Nullable:
			return "(ref null " + t.Heap.String() + ")"
		}
		return "(ref " + t.Heap.String() + ")"
	}
	return fmt.Sprintf("valtype(%#x)", uint8(t.Kind))
}

// String is the heap type in the text format; a type index is a number.
func (h HeapType) String() string {
	switch h {
	case HeapNoExn:
		return "noexn"
	case HeapNoFunc:
		return "nofunc"
	case HeapNoExtern:
		return "noextern"
	case HeapNone:
		return "none"
	case HeapFunc:
		return "func"
	case HeapExtern:
		return "extern"
	case HeapAny:
		return "any"
	case HeapEq:
		return "eq"
	case HeapI31:
		return "i31"
	case HeapStruct:
		return "struct"
	case HeapArray:
		return "array"
	case HeapExn:
		return "exn"
	}
	return fmt.Sprint(int64(h))
}
