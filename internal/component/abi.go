package component

import (
	"math"

	"github.com/wbundle/wbundle/internal/wasm"
)

// This file holds the pure functions of CanonicalABI.md: alignment, element
// size and flattening. A type's layout is computed once, by the constructor
// that builds the type, from the layouts of its parts; every method below is
// O(1). That matters because types are DAGs: `tuple<t, t>` nested thirty times
// is thirty nodes, a gigabyte in memory and a billion core values when
// flattened. So flattening stops at the limit past which the ABI spills to
// memory anyway, and sizes saturate and say so.

// The limits of CanonicalABI.md ("Flattening"): a function with more flat
// values than this passes them through memory.
const (
	MaxFlatParams  = 16
	MaxFlatResults = 1
)

// MaxTypeDepth bounds how deep value types nest, so that recursion over a
// type needs no bound of its own. Engines refuse the same depth.
const MaxTypeDepth = 100

// flatOver is the FlatCount of a type with more than MaxFlatParams flat values.
const flatOver = MaxFlatParams + 1

// layout is what CanonicalABI.md computes about a type. The zero value is the
// layout of no type: a ValType must come from a constructor.
type layout struct {
	size       uint32 // bytes in memory; saturates when overflow
	align      uint32 // 1, 2, 4 or 8
	payload    uint32 // offset of a variant's payload
	depth      uint32
	disc       uint8 // bytes of the discriminant; 0 when there is none
	flatCount  uint8 // capped at flatOver
	overflow   bool  // the size does not fit 32 bits
	handles    bool
	borrows    bool
	async      bool
	pointers   bool
	strings    bool
	flat       []wasm.ValType // nil when flatCount is flatOver
	offsets    []uint32       // of the fields of a record or tuple
	cases      []Case         // variant, enum, option, result
	memoryElem *ValType       // what a list, fixed-length list or map holds in memory
}

// Size is the number of bytes the type takes in linear memory (elem_size in
// CanonicalABI.md). It is math.MaxUint32 when Overflow reports true.
func (t *ValType) Size() uint32 { return t.size }

// Align is the alignment of the type in linear memory, in bytes: 1, 2, 4 or 8.
func (t *ValType) Align() uint32 { return t.align }

// Overflow reports whether the type, or a part of it, is too large for a
// 32-bit address space. ResolveValDef refuses such types.
func (t *ValType) Overflow() bool { return t.overflow }

// FlatCount is the number of core values the type flattens to, capped: a
// result above MaxFlatParams only says that there are more than that.
func (t *ValType) FlatCount() int { return int(t.flatCount) }

// Flat lists the core value types the type flattens to (flatten_type in
// CanonicalABI.md), nil when there are more than MaxFlatParams; FlatCount tells
// that from none. The caller must not change it.
func (t *ValType) Flat() []wasm.ValType { return t.flat }

// FieldOffset is the offset in bytes of field i of a record or tuple.
func (t *ValType) FieldOffset(i int) uint32 { return t.offsets[i] }

// DiscSize is the size in bytes of the discriminant of a variant, enum, option
// or result (1, 2 or 4), and 0 for every other type.
func (t *ValType) DiscSize() uint32 { return uint32(t.disc) }

// PayloadOffset is the offset in bytes of the payload of a variant, option or
// result: the same for every case.
func (t *ValType) PayloadOffset() uint32 { return t.payload }

// CaseList lists the cases of a variant, and those an enum, option or result
// despecialises to (CanonicalABI.md, "Despecialization"); nil for other types.
// The caller must not change it.
func (t *ValType) CaseList() []Case { return t.cases }

// ElemType is the type a list, fixed-length list or map holds in memory one
// after another: for a map the tuple of key and value. It is nil for other types.
func (t *ValType) ElemType() *ValType { return t.memoryElem }

// ContainsPointers reports whether a value of the type refers to linear
// memory: a string, list or map anywhere in it.
func (t *ValType) ContainsPointers() bool { return t.pointers }

// ContainsStrings reports whether a string is anywhere in a value of the type.
func (t *ValType) ContainsStrings() bool { return t.strings }

// ContainsStrings reports whether a string is anywhere in the parameters or the
// result.
func (f *FuncType) ContainsStrings() bool {
	for _, p := range f.Params {
		if p.Type.ContainsStrings() {
			return true
		}
	}
	return f.Result != nil && f.Result.ContainsStrings()
}

// ContainsHandles reports whether a value of the type holds an index into a
// handle table: own, borrow, stream, future or error-context anywhere in it.
func (t *ValType) ContainsHandles() bool { return t.handles }

// ContainsBorrow reports whether a borrow is anywhere in the type.
func (t *ValType) ContainsBorrow() bool { return t.borrows }

// ContainsAsync reports whether a stream, future or error-context is anywhere
// in the type.
func (t *ValType) ContainsAsync() bool { return t.async }

// Depth is the nesting depth of the type: 1 for a primitive.
func (t *ValType) Depth() int { return int(t.depth) }

var (
	flatI32    = []wasm.ValType{wasm.I32}
	flatI64    = []wasm.ValType{wasm.I64}
	flatF32    = []wasm.ValType{wasm.F32}
	flatF64    = []wasm.ValType{wasm.F64}
	flatI32I32 = []wasm.ValType{wasm.I32, wasm.I32}
)

// The primitive types. They are never written after initialisation.
var (
	Bool         = newPrim(KindBool, 1, flatI32)
	S8           = newPrim(KindS8, 1, flatI32)
	U8           = newPrim(KindU8, 1, flatI32)
	S16          = newPrim(KindS16, 2, flatI32)
	U16          = newPrim(KindU16, 2, flatI32)
	S32          = newPrim(KindS32, 4, flatI32)
	U32          = newPrim(KindU32, 4, flatI32)
	S64          = newPrim(KindS64, 8, flatI64)
	U64          = newPrim(KindU64, 8, flatI64)
	F32          = newPrim(KindF32, 4, flatF32)
	F64          = newPrim(KindF64, 8, flatF64)
	Char         = newPrim(KindChar, 4, flatI32)
	String       = newPrim(KindString, 8, flatI32I32)
	ErrorContext = newPrim(KindErrorContext, 4, flatI32)
)

// Prim returns the one ValType of a primitive kind, nil when kind is not
// primitive.
func Prim(kind Kind) *ValType {
	switch kind {
	case KindBool:
		return Bool
	case KindS8:
		return S8
	case KindU8:
		return U8
	case KindS16:
		return S16
	case KindU16:
		return U16
	case KindS32:
		return S32
	case KindU32:
		return U32
	case KindS64:
		return S64
	case KindU64:
		return U64
	case KindF32:
		return F32
	case KindF64:
		return F64
	case KindChar:
		return Char
	case KindString:
		return String
	case KindErrorContext:
		return ErrorContext
	}
	return nil
}

// IsPrimitive reports whether kind needs no operands.
func (k Kind) IsPrimitive() bool {
	return k >= KindString && k <= KindBool || k == KindErrorContext
}

func newPrim(kind Kind, size uint32, flat []wasm.ValType) *ValType {
	t := &ValType{Kind: kind}
	t.size, t.align, t.depth = size, size, 1
	t.flat, t.flatCount = flat, uint8(len(flat))
	switch kind {
	case KindString:
		t.align, t.pointers, t.strings = 4, true, true
	case KindErrorContext:
		t.handles, t.async = true, true
	}
	return t
}

// NewRecord returns the record type with the given fields. It keeps the slice.
func NewRecord(fields []Field) *ValType {
	t := &ValType{Kind: KindRecord, Fields: fields}
	t.layoutFields()
	return t
}

// NewTuple returns the tuple type of the given types, as fields without names.
func NewTuple(types ...*ValType) *ValType {
	t := &ValType{Kind: KindTuple, Fields: make([]Field, len(types))}
	for i, ft := range types {
		t.Fields[i].Type = ft
	}
	t.layoutFields()
	return t
}

// NewVariant returns the variant type with the given cases. It keeps the slice.
func NewVariant(cases []Case) *ValType {
	t := &ValType{Kind: KindVariant, Cases: cases}
	t.layoutCases(cases)
	return t
}

// NewEnum returns the enum type with the given labels. It keeps the slice.
func NewEnum(labels []string) *ValType {
	t := &ValType{Kind: KindEnum, Labels: labels}
	cases := make([]Case, len(labels))
	for i, l := range labels {
		cases[i].Name = l
	}
	t.layoutCases(cases)
	return t
}

// NewOption returns option<elem>.
func NewOption(elem *ValType) *ValType {
	t := &ValType{Kind: KindOption, Elem: elem}
	t.layoutCases([]Case{{Name: "none"}, {Name: "some", Type: elem}})
	return t
}

// NewResult returns result<ok, err>; either may be nil.
func NewResult(ok, err *ValType) *ValType {
	t := &ValType{Kind: KindResult, Ok: ok, Err: err}
	t.layoutCases([]Case{{Name: "ok", Type: ok}, {Name: "error", Type: err}})
	return t
}

// NewFlags returns the flags type with the given labels. It keeps the slice.
// The specification allows 32 labels today; more follow its earlier rule of one
// i32 for each 32.
func NewFlags(labels []string) *ValType {
	t := &ValType{Kind: KindFlags, Labels: labels}
	words := (len(labels) + 31) / 32
	switch n := len(labels); {
	case n <= 8:
		t.size, t.align = 1, 1
	case n <= 16:
		t.size, t.align = 2, 2
	default:
		t.size, t.align = uint32(4*words), 4
	}
	t.depth = 1
	t.repeatFlat(flatI32, 1, uint32(max(words, 1)))
	return t
}

// NewList returns list<elem>.
func NewList(elem *ValType) *ValType {
	t := &ValType{Kind: KindList, Elem: elem}
	t.layoutList(elem)
	return t
}

// NewMap returns map<key, value>, which is list<tuple<key, value>> in memory.
func NewMap(key, value *ValType) *ValType {
	t := &ValType{Kind: KindMap, Key: key, Elem: value}
	t.layoutList(NewTuple(key, value))
	return t
}

// NewFixedList returns list<elem, n>: n elements in place, without a pointer.
func NewFixedList(elem *ValType, n uint32) *ValType {
	t := &ValType{Kind: KindFixedList, Elem: elem, Len: n}
	t.include(elem)
	t.depth++
	t.memoryElem = elem
	t.align = elem.align
	t.setSize(uint64(elem.size) * uint64(n))
	t.repeatFlat(elem.flat, elem.flatCount, n)
	return t
}

// NewOwn returns own<r>.
func NewOwn(r *Resource) *ValType {
	t := newHandle(KindOwn)
	t.Resource = r
	return t
}

// NewBorrow returns borrow<r>.
func NewBorrow(r *Resource) *ValType {
	t := newHandle(KindBorrow)
	t.Resource, t.borrows = r, true
	return t
}

// NewStream returns stream<elem>; elem is nil for a stream without payload.
func NewStream(elem *ValType) *ValType { return newAsync(KindStream, elem) }

// NewFuture returns future<elem>; elem is nil for a future without payload.
func NewFuture(elem *ValType) *ValType { return newAsync(KindFuture, elem) }

func newHandle(kind Kind) *ValType {
	t := &ValType{Kind: kind}
	t.size, t.align, t.depth = 4, 4, 1
	t.flat, t.flatCount = flatI32, 1
	t.handles = true
	return t
}

func newAsync(kind Kind, elem *ValType) *ValType {
	t := newHandle(kind)
	t.Elem, t.async = elem, true
	if elem != nil {
		// The value itself is only an index: the payload's pointers and size
		// are not part of it. Its depth is, because recursion visits it.
		t.depth = elem.depth + 1
		t.borrows = elem.borrows
		t.overflow = elem.overflow
	}
	return t
}

// include merges what is true of a type as soon as it is true of a part.
func (l *layout) include(part *ValType) {
	l.depth = max(l.depth, part.depth)
	l.overflow = l.overflow || part.overflow
	l.handles = l.handles || part.handles
	l.borrows = l.borrows || part.borrows
	l.async = l.async || part.async
	l.pointers = l.pointers || part.pointers
	l.strings = l.strings || part.strings
}

// setSize stores a size computed without overflow in 64 bits.
func (l *layout) setSize(size uint64) {
	if size > math.MaxUint32 {
		l.overflow = true
		size = math.MaxUint32
	}
	l.size = uint32(size)
}

func alignTo(n uint64, align uint32) uint64 {
	a := uint64(align)
	return (n + a - 1) &^ (a - 1)
}

func (t *ValType) layoutFields() {
	// Offsets saturate together with the size; with at most 2^32 fields of at
	// most 2^32 bytes the sum itself cannot wrap around.
	var off uint64
	t.align = 1
	t.offsets = make([]uint32, len(t.Fields))
	count := 0
	for i, f := range t.Fields {
		ft := f.Type
		t.include(ft)
		off = alignTo(off, ft.align)
		t.offsets[i] = uint32(min(off, math.MaxUint32))
		off += uint64(ft.size)
		t.align = max(t.align, ft.align)
		count = min(count+int(ft.flatCount), flatOver)
	}
	t.depth++
	t.setSize(alignTo(off, t.align))
	t.flatCount = uint8(count)
	if count == flatOver {
		return
	}
	if len(t.Fields) == 1 {
		t.flat = t.Fields[0].Type.flat
		return
	}
	t.flat = make([]wasm.ValType, 0, count)
	for _, f := range t.Fields {
		t.flat = append(t.flat, f.Type.flat...)
	}
}

func (t *ValType) layoutCases(cases []Case) {
	t.cases = cases
	switch n := len(cases); {
	case n <= 1<<8:
		t.disc = 1
	case n <= 1<<16:
		t.disc = 2
	default:
		t.disc = 4
	}
	var payload uint32        // largest payload
	payloadAlign := uint32(1) // strictest alignment of a payload
	count := 0
	for _, c := range cases {
		if c.Type == nil {
			continue
		}
		t.include(c.Type)
		payload = max(payload, c.Type.size)
		payloadAlign = max(payloadAlign, c.Type.align)
		count = max(count, int(c.Type.flatCount))
	}
	t.depth++
	t.align = max(uint32(t.disc), payloadAlign)
	t.payload = uint32(alignTo(uint64(t.disc), payloadAlign))
	t.setSize(alignTo(uint64(t.payload)+uint64(payload), t.align))
	count = min(count+1, flatOver)
	t.flatCount = uint8(count)
	if count == flatOver {
		return
	}
	// The payloads share their core values: value i has the join of the types
	// that the cases have there.
	flat := make([]wasm.ValType, 1, count)
	flat[0] = wasm.I32
	for _, c := range cases {
		if c.Type == nil {
			continue
		}
		for i, ft := range c.Type.flat {
			if i+1 < len(flat) {
				flat[i+1] = Join(flat[i+1], ft)
			} else {
				flat = append(flat, ft)
			}
		}
	}
	t.flat = flat
}

func (t *ValType) layoutList(elem *ValType) {
	t.include(elem)
	t.depth++
	t.memoryElem = elem
	t.size, t.align = 8, 4
	t.pointers = true
	t.flat, t.flatCount = flatI32I32, 2
}

// repeatFlat sets the flattening to n repetitions of flat.
func (l *layout) repeatFlat(flat []wasm.ValType, count uint8, n uint32) {
	total := uint64(count) * uint64(n)
	if total >= flatOver {
		l.flatCount = flatOver
		return
	}
	l.flatCount = uint8(total)
	if n == 1 {
		l.flat = flat
		return
	}
	for len(l.flat) < int(total) {
		l.flat = append(l.flat, flat...)
	}
}

// Join is the core value type that can carry both a and b (join in
// CanonicalABI.md): itself when they are equal, i32 for i32 and f32, else i64.
func Join(a, b wasm.ValType) wasm.ValType {
	switch {
	case a == b:
		return a
	case a == wasm.I32 && b == wasm.F32, a == wasm.F32 && b == wasm.I32:
		return wasm.I32
	default:
		return wasm.I64
	}
}

// Direction says on which side of a call a function type is flattened: by
// canon lift (the core function behind an export) or canon lower (the core
// function a caller imports).
type Direction uint8

// The directions.
const (
	Lift Direction = iota
	Lower
)

// FlattenFunc returns the core function type of a synchronous lift or lower of
// ft (flatten_functype in CanonicalABI.md), with memory addresses of 32 bits.
//
// With spilledParams the parameters are passed as one pointer to a tuple in
// memory. With spilledResult the result is in memory: a lifted function
// returns the pointer, a lowered one takes it as its last parameter. The caller
// may append to params but must not change results.
func FlattenFunc(ft *FuncType, dir Direction) (params, results []wasm.ValType, spilledParams, spilledResult bool) {
	count := 0
	for _, p := range ft.Params {
		count = min(count+p.Type.FlatCount(), flatOver)
	}
	if count > MaxFlatParams {
		spilledParams = true
		params = append(params, wasm.I32)
	} else {
		params = make([]wasm.ValType, 0, count+1)
		for _, p := range ft.Params {
			params = append(params, p.Type.flat...)
		}
	}
	if ft.Result == nil {
		return params, nil, spilledParams, false
	}
	if ft.Result.FlatCount() <= MaxFlatResults {
		return params, ft.Result.flat, spilledParams, false
	}
	if dir == Lift {
		return params, flatI32, spilledParams, true
	}
	return append(params, wasm.I32), nil, spilledParams, true
}
