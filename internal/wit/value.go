package wit

import (
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

	"github.com/wbundle/wbundle/internal/component"
)

// Value is a value of a component-level type. The zero Value is the absence
// of a value: what a function without result returns.
//
// Values are immutable: accessors that return slices or maps return the
// caller's own copy or document that they alias. A Value is small (six words
// and a slice) and is passed by value.
type Value struct {
	typ *component.ValType
	// bits holds numbers (two's complement, or the bits of a float), bool,
	// char, the set of flags, the case index of variant, enum, option (1:
	// some) and result (1: err), and the source of a string.
	bits uint64
	// str holds a string, and the elements of a list<u8>: a list of bytes is
	// the one list that is routinely megabytes long.
	str string
	// elems holds the elements of lists, the fields of records and tuples,
	// the payload (none or one) of variants, options and results, and the
	// alternating keys and values of maps.
	elems  []Value
	handle any
}

// Type returns the type of v, or nil for the zero Value.
func (v Value) Type() *component.ValType { return v.typ }

// Kind returns the kind of v's type, or KindNone for the zero Value.
func (v Value) Kind() component.Kind {
	if v.typ == nil {
		return component.KindNone
	}
	return v.typ.Kind
}

// IsZero says that v is the zero Value: no value at all.
func (v Value) IsZero() bool { return v.typ == nil }

// Bool returns a bool.
func Bool(b bool) Value {
	v := Value{typ: component.Prim(component.KindBool)}
	if b {
		v.bits = 1
	}
	return v
}

// S8 returns an s8.
func S8(x int8) Value { return Value{typ: component.Prim(component.KindS8), bits: uint64(x)} }

// U8 returns a u8.
func U8(x uint8) Value { return Value{typ: component.Prim(component.KindU8), bits: uint64(x)} }

// S16 returns an s16.
func S16(x int16) Value { return Value{typ: component.Prim(component.KindS16), bits: uint64(x)} }

// U16 returns a u16.
func U16(x uint16) Value { return Value{typ: component.Prim(component.KindU16), bits: uint64(x)} }

// S32 returns an s32.
func S32(x int32) Value { return Value{typ: component.Prim(component.KindS32), bits: uint64(x)} }

// U32 returns a u32.
func U32(x uint32) Value { return Value{typ: component.Prim(component.KindU32), bits: uint64(x)} }

// S64 returns an s64.
func S64(x int64) Value { return Value{typ: component.Prim(component.KindS64), bits: uint64(x)} }

// U64 returns a u64.
func U64(x uint64) Value { return Value{typ: component.Prim(component.KindU64), bits: x} }

// F32 returns an f32. Every NaN becomes the canonical NaN: the component
// model has one (CanonicalABI.md, "Loading").
func F32(x float32) Value {
	if x != x {
		return F32Bits(canonicalNaN32)
	}
	return F32Bits(math.Float32bits(x))
}

// F64 returns an f64, with NaNs as F32 treats them.
func F64(x float64) Value {
	if x != x {
		return F64Bits(canonicalNaN64)
	}
	return F64Bits(math.Float64bits(x))
}

const (
	canonicalNaN32 = 0x7fc00000
	canonicalNaN64 = 0x7ff8000000000000
)

// F32Bits returns an f32 by its IEEE 754 bits, NaN payload included.
func F32Bits(b uint32) Value { return Value{typ: component.Prim(component.KindF32), bits: uint64(b)} }

// F64Bits returns an f64 by its IEEE 754 bits, NaN payload included.
func F64Bits(b uint64) Value { return Value{typ: component.Prim(component.KindF64), bits: b} }

// Char returns a char. It panics when r is not a Unicode scalar value.
func Char(r rune) Value {
	if !utf8.ValidRune(r) {
		panic(fmt.Sprintf("wit: %#x is not a Unicode scalar value", r))
	}
	return Value{typ: component.Prim(component.KindChar), bits: uint64(r)}
}

// String returns a string. It panics when s is not valid UTF-8: component
// strings are sequences of Unicode scalar values and are never repaired.
func String(s string) Value {
	if !utf8.ValidString(s) {
		panic("wit: string is not valid UTF-8")
	}
	return Value{typ: component.Prim(component.KindString), str: s}
}

// StringSource says how a string was encoded where it was lifted from. It is
// no part of the value, but it decides in which steps a string is allocated
// where it is lowered to (store_string_into_range in CanonicalABI.md).
type StringSource uint8

// The sources; SourceUTF8 also stands for strings that the host made.
const (
	SourceUTF8 StringSource = iota
	SourceUTF16
	SourceLatin1      // of latin1+utf16, untagged
	SourceTaggedUTF16 // of latin1+utf16, tagged
)

// StringFrom is String with a source.
func StringFrom(s string, src StringSource) Value {
	v := String(s)
	v.bits = uint64(src)
	return v
}

// Source returns the source of a string value.
func (v Value) Source() StringSource { return StringSource(v.bits) }

// Record returns a value of the record or tuple type t from its fields in the
// order of the type. It keeps fields.
func Record(t *component.ValType, fields []Value) Value {
	need(t, component.KindRecord, component.KindTuple)
	if len(fields) != len(t.Fields) {
		panic(fmt.Sprintf("wit: %d fields for %s", len(fields), TypeString(t)))
	}
	return Value{typ: t, elems: fields}
}

// List returns a value of the list or fixed-length list type t. It keeps elems.
func List(t *component.ValType, elems []Value) Value {
	need(t, component.KindList, component.KindFixedList)
	if t.Kind == component.KindFixedList && uint64(len(elems)) != uint64(t.Len) {
		panic(fmt.Sprintf("wit: %d elements for %s", len(elems), TypeString(t)))
	}
	if t.Elem.Kind == component.KindU8 {
		b := make([]byte, len(elems))
		for i, e := range elems {
			b[i] = byte(e.bits)
		}
		return Value{typ: t, str: string(b)}
	}
	return Value{typ: t, elems: elems}
}

// Bytes returns a value of the type t, a list (of either kind) of u8.
func Bytes(t *component.ValType, b []byte) Value {
	need(t, component.KindList, component.KindFixedList)
	need(t.Elem, component.KindU8)
	if t.Kind == component.KindFixedList && uint64(len(b)) != uint64(t.Len) {
		panic(fmt.Sprintf("wit: %d elements for %s", len(b), TypeString(t)))
	}
	return Value{typ: t, str: string(b)}
}

// Map returns a value of the map type t from alternating keys and values, in
// the order in which they are to be lowered. It keeps pairs.
func Map(t *component.ValType, pairs []Value) Value {
	need(t, component.KindMap)
	if len(pairs)%2 != 0 {
		panic("wit: a map needs as many values as keys")
	}
	return Value{typ: t, elems: pairs}
}

// Variant returns the case numbered i of the variant, enum, option (none is
// 0, some 1) or result (ok is 0, err 1) type t. payload is the zero Value
// exactly when the case has none.
func Variant(t *component.ValType, i int, payload Value) Value {
	need(t, component.KindVariant, component.KindEnum, component.KindOption, component.KindResult)
	n, pt := CaseOf(t, i)
	if i < 0 || i >= n {
		panic(fmt.Sprintf("wit: case %d of %s", i, TypeString(t)))
	}
	if (pt == nil) != payload.IsZero() {
		panic(fmt.Sprintf("wit: payload of case %d of %s", i, TypeString(t)))
	}
	v := Value{typ: t, bits: uint64(i)}
	if pt != nil {
		v.elems = []Value{payload}
	}
	return v
}

// Some returns some(x) of the option type t; None returns none.
func Some(t *component.ValType, x Value) Value { return Variant(t, 1, x) }

// None returns none of the option type t.
func None(t *component.ValType) Value { return Variant(t, 0, Value{}) }

// Ok returns ok(x) of the result type t; x is the zero Value for a result
// without ok payload.
func Ok(t *component.ValType, x Value) Value { return Variant(t, 0, x) }

// Err returns err(x) of the result type t, as Ok does.
func Err(t *component.ValType, x Value) Value { return Variant(t, 1, x) }

// Flags returns a value of the flags type t; bit i of set is label i.
func Flags(t *component.ValType, set uint64) Value {
	need(t, component.KindFlags)
	if n := len(t.Labels); n < 64 {
		set &= 1<<n - 1
	}
	return Value{typ: t, bits: set}
}

// Handle returns a value of the own or borrow type t. h is opaque to this
// package, must be comparable, and means something only to the engine that
// made it.
func Handle(t *component.ValType, h any) Value {
	need(t, component.KindOwn, component.KindBorrow)
	return Value{typ: t, handle: h}
}

func need(t *component.ValType, kinds ...component.Kind) {
	for _, k := range kinds {
		if t.Kind == k {
			return
		}
	}
	panic(fmt.Sprintf("wit: unexpected type %s", TypeString(t)))
}

// CaseOf returns the number of cases of the variant, enum, option or result
// type t, and the payload type of case i (nil: none, or no such case).
func CaseOf(t *component.ValType, i int) (n int, payload *component.ValType) {
	switch t.Kind {
	case component.KindVariant:
		if i >= 0 && i < len(t.Cases) {
			payload = t.Cases[i].Type
		}
		return len(t.Cases), payload
	case component.KindEnum:
		return len(t.Labels), nil
	case component.KindOption:
		if i == 1 {
			payload = t.Elem
		}
		return 2, payload
	case component.KindResult:
		switch i {
		case 0:
			payload = t.Ok
		case 1:
			payload = t.Err
		}
		return 2, payload
	}
	return 0, nil
}

// AsBool returns a bool value.
func (v Value) AsBool() bool { return v.bits != 0 }

// Int returns a signed integer value (s8 to s64).
func (v Value) Int() int64 { return int64(v.bits) }

// Uint returns an unsigned integer value (u8 to u64), the bits of a float,
// or the set of flags.
func (v Value) Uint() uint64 { return v.bits }

// Float returns an f32 or f64 value.
func (v Value) Float() float64 {
	if v.Kind() == component.KindF32 {
		return float64(math.Float32frombits(uint32(v.bits)))
	}
	return math.Float64frombits(v.bits)
}

// Rune returns a char value.
func (v Value) Rune() rune { return rune(v.bits) }

// Text returns a string value as it is; String is its WAVE form.
func (v Value) Text() string { return v.str }

// AsBytes returns the elements of a list<u8>.
func (v Value) AsBytes() []byte { return []byte(v.str) }

// isBytes says that the elements of v live in v.str.
func (v Value) isBytes() bool {
	return (v.Kind() == component.KindList || v.Kind() == component.KindFixedList) && v.typ.Elem.Kind == component.KindU8
}

// Len returns the number of elements of a list, of fields of a record or
// tuple, or of pairs of a map.
func (v Value) Len() int {
	switch {
	case v.isBytes():
		return len(v.str)
	case v.Kind() == component.KindMap:
		return len(v.elems) / 2
	}
	return len(v.elems)
}

// Index returns element i of a list, field i of a record or tuple. For maps,
// element 2*i is key i and 2*i+1 its value.
func (v Value) Index(i int) Value {
	if v.isBytes() {
		return U8(v.str[i])
	}
	return v.elems[i]
}

// Field returns the field of a record by name, or false.
func (v Value) Field(name string) (Value, bool) {
	if v.Kind() == component.KindRecord {
		for i, f := range v.typ.Fields {
			if f.Name == name {
				return v.elems[i], true
			}
		}
	}
	return Value{}, false
}

// Case returns the case index of a variant, enum, option or result.
func (v Value) Case() int { return int(v.bits) }

// Payload returns the payload of a variant, option or result; the zero Value
// when the case has none.
func (v Value) Payload() Value {
	if len(v.elems) == 0 {
		return Value{}
	}
	return v.elems[0]
}

// CaseName returns the name of the case of a variant, enum, option or result.
func (v Value) CaseName() string { return caseName(v.typ, int(v.bits)) }

func caseName(t *component.ValType, i int) string {
	switch t.Kind {
	case component.KindVariant:
		return t.Cases[i].Name
	case component.KindEnum:
		return t.Labels[i]
	case component.KindOption:
		return [...]string{"none", "some"}[i]
	case component.KindResult:
		return [...]string{"ok", "err"}[i]
	}
	return ""
}

// AsHandle returns what Handle was given.
func (v Value) AsHandle() any { return v.handle }

// Equal says that a and b are the same value: same shape of type, and every
// part equal, any NaN equal to any other, -0 different from 0. Cases, fields
// and flags are compared by name, so that values of two copies of one type
// compare equal. Handles are equal when they are the same handle.
func Equal(a, b Value) bool {
	return EqualFunc(a, b, func(x, y any) bool { return x == y })
}

// EqualFunc is Equal with handles compared by sameHandle. The two
// implementations of a graph number their handles on their own; a comparison
// across them pairs handles up instead.
func EqualFunc(a, b Value, sameHandle func(a, b any) bool) bool {
	if a.Kind() != b.Kind() {
		return false
	}
	switch a.Kind() {
	case component.KindNone:
		return true
	case component.KindF32:
		x, y := math.Float32frombits(uint32(a.bits)), math.Float32frombits(uint32(b.bits))
		return a.bits == b.bits || x != x && y != y
	case component.KindF64:
		x, y := math.Float64frombits(a.bits), math.Float64frombits(b.bits)
		return a.bits == b.bits || x != x && y != y
	case component.KindString:
		return a.str == b.str
	case component.KindOwn, component.KindBorrow:
		return sameHandle(a.handle, b.handle)
	case component.KindFlags:
		return strings.Join(a.FlagNames(), ",") == strings.Join(b.FlagNames(), ",")
	case component.KindVariant, component.KindEnum, component.KindOption, component.KindResult:
		if a.CaseName() != b.CaseName() {
			return false
		}
	case component.KindRecord, component.KindTuple:
		if a.typ != b.typ {
			if len(a.typ.Fields) != len(b.typ.Fields) {
				return false
			}
			for i := range a.typ.Fields {
				if a.typ.Fields[i].Name != b.typ.Fields[i].Name {
					return false
				}
			}
		}
	case component.KindList, component.KindFixedList:
		if a.isBytes() != b.isBytes() {
			return a.Len() == 0 && b.Len() == 0
		}
		if a.isBytes() {
			return a.str == b.str
		}
	case component.KindMap:
	default:
		if a.bits != b.bits {
			return false
		}
	}
	if len(a.elems) != len(b.elems) {
		return false
	}
	for i := range a.elems {
		if !EqualFunc(a.elems[i], b.elems[i], sameHandle) {
			return false
		}
	}
	return true
}

// FlagNames returns the labels that are set in a flags value, in the order of
// the type.
func (v Value) FlagNames() []string {
	var names []string
	for i, l := range v.typ.Labels {
		if v.bits>>i&1 != 0 {
			names = append(names, l)
		}
	}
	return names
}

// WithType returns v as a value of t, which must be the same type by
// structure. It serves values that cross between two copies of one type.
func (v Value) WithType(t *component.ValType) Value {
	v.typ = t
	return v
}
