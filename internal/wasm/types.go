package wasm

import (
	"math"
	"slices"
)

// Reading and appending core types (spec: binary/types.html). The component
// format embeds these encodings (core:type section, core module types), which
// is why the methods are exported and know nothing of a Module.

// The bytes that open types and are not value kinds.
const (
	typeBlockEmpty = 0x40 // block type without a result
	typeRefNull    = 0x63 // ref null ht
	typeRef        = 0x64 // ref ht
	typeFunc       = 0x60
	typeStruct     = 0x5f
	typeArray      = 0x5e
	typeSub        = 0x50
	typeSubFinal   = 0x4f
	typeRec        = 0x4e
)

// isAbstractHeap reports whether h is one of the abstract heap types.
func isAbstractHeap(h int64) bool {
	return h >= int64(HeapExn) && h <= int64(HeapNoExn)
}

// TypeLimit makes type indices of n and above fail in the reads that follow,
// when they read one as part of a type. A reader has no limit at first.
func (r *Reader) TypeLimit(n uint32) { r.typeLimit = int64(n) }

// typeIndex checks v, read at off, against the limit.
func (r *Reader) typeIndex(v int64, off int64) {
	if r.typeLimit >= 0 && v >= r.typeLimit {
		r.FailAt(off, "unknown type %d (there are %d)", v, r.typeLimit)
	}
}

// HeapType reads a heap type.
func (r *Reader) HeapType() HeapType {
	off := r.Offset()
	v := r.S33()
	switch {
	case v >= 0:
		r.typeIndex(v, off)
		if v > math.MaxInt32 {
			r.FailAt(off, "unknown type %d: there cannot be as many", v)
		}
	case !isAbstractHeap(v) || r.Offset() != off+1: // a byte, not a number that may be padded
		r.FailAt(off, "malformed heap type 0x%02x", uint8(v)&0x7f)
	}
	return HeapType(v)
}

// ValType reads a value type.
func (r *Reader) ValType() ValType {
	off := r.Offset()
	c := r.Byte()
	switch {
	case c >= byte(KindV128) && c <= byte(KindI32):
		return ValType{Kind: ValKind(c)}
	case c == typeRef || c == typeRefNull:
		return ValType{Kind: KindRef, Nullable: c == typeRefNull, Heap: r.HeapType()}
	case c < 0x80 && isAbstractHeap(int64(c)-0x80):
		return ValType{Kind: KindRef, Nullable: true, Heap: HeapType(c) - 0x80}
	}
	r.FailAt(off, "malformed value type 0x%02x", c)
	return ValType{}
}

// RefType reads a reference type.
func (r *Reader) RefType() ValType {
	off := r.Offset()
	t := r.ValType()
	if t.Kind != KindRef {
		r.FailAt(off, "malformed reference type 0x%02x", uint8(t.Kind))
	}
	return t
}

// Field reads a field type: a storage type and its mutability.
func (r *Reader) Field() Field {
	var f Field
	if c, _ := r.Peek(); c == byte(KindI8) || c == byte(KindI16) {
		f.Type = ValType{Kind: ValKind(r.Byte())}
	} else {
		f.Type = r.ValType()
	}
	f.Mutable = r.mutability()
	return f
}

func (r *Reader) mutability() bool {
	off := r.Offset()
	c := r.Byte()
	if c > 1 {
		r.FailAt(off, "malformed mutability 0x%02x", c)
	}
	return c == 1
}

// typeArena allocates the parts of many subtypes together.
type typeArena struct {
	vals   []ValType
	fields []Field
	supers []uint32
}

// cut moves the last n elements of s, which have just been appended, out of
// reach of later appends; nil for none.
func cut[T any](s []T, n int) []T {
	if n == 0 {
		return nil
	}
	return s[len(s)-n : len(s) : len(s)]
}

// SubType reads one subtype, in its short or long form.
func (r *Reader) SubType() SubType {
	var a typeArena
	return r.subType(&a)
}

func (r *Reader) subType(a *typeArena) SubType {
	t := SubType{Final: true, Short: true}
	off := r.Offset()
	c := r.Byte()
	if c == typeSub || c == typeSubFinal {
		t.Final, t.Short = c == typeSubFinal, false
		n := r.Vec(1)
		if n > 1 {
			r.FailAt(off, "subtype with %d supertypes (at most 1)", n)
			return t
		}
		if n == 1 {
			at := r.Offset()
			super := r.U32()
			r.typeIndex(int64(super), at)
			a.supers = append(a.supers, super)
			t.Supers = cut(a.supers, 1)
		}
		off = r.Offset()
		c = r.Byte()
	}
	switch c {
	case typeFunc:
		t.Kind = CompFunc
		t.Params = r.valTypes(a)
		t.Results = r.valTypes(a)
	case typeStruct:
		t.Kind = CompStruct
		n := r.Vec(2)
		a.fields = slices.Grow(a.fields, n)
		for range n {
			a.fields = append(a.fields, r.Field())
		}
		t.Fields = cut(a.fields, n)
	case typeArray:
		t.Kind = CompArray
		a.fields = append(a.fields, r.Field())
		t.Fields = cut(a.fields, 1)
	default:
		r.FailAt(off, "malformed type 0x%02x (want func 0x60, struct 0x5f or array 0x5e)", c)
	}
	return t
}

func (r *Reader) valTypes(a *typeArena) []ValType {
	n := r.Vec(1)
	a.vals = slices.Grow(a.vals, n)
	for range n {
		a.vals = append(a.vals, r.ValType())
	}
	return cut(a.vals, n)
}

// RecGroup reads one entry of a type section: a single subtype, or with the
// rec form any number of them. Explicit says which form it was.
func (r *Reader) RecGroup() (types []SubType, explicit bool) {
	var a typeArena
	n, explicit := r.recHeader()
	types = make([]SubType, 0, n)
	for range n {
		types = append(types, r.subType(&a))
	}
	return types, explicit
}

func (r *Reader) recHeader() (n int, explicit bool) {
	if c, ok := r.Peek(); !ok || c != typeRec {
		return 1, false
	}
	r.Byte()
	return r.Vec(2), true
}

// The bits of the flags of limits.
const (
	limitMax      = 1 << 0
	limitShared   = 1 << 1
	limit64       = 1 << 2
	limitPageSize = 1 << 3
)

// limits reads what follows the flags.
func (r *Reader) limits(flags byte) Limits {
	l := Limits{HasMax: flags&limitMax != 0, Shared: flags&limitShared != 0, Is64: flags&limit64 != 0}
	bound := func() uint64 {
		if l.Is64 {
			return r.U64()
		}
		return uint64(r.U32())
	}
	l.Min = bound()
	if l.HasMax {
		off := r.Offset()
		l.Max = bound()
		if l.Max < l.Min {
			r.FailAt(off, "size minimum %d must not be greater than maximum %d", l.Min, l.Max)
		}
	}
	return l
}

// MemType reads a memory type.
func (r *Reader) MemType() MemType {
	off := r.Offset()
	flags := r.Byte()
	if flags&^(limitMax|limitShared|limit64|limitPageSize) != 0 {
		r.FailAt(off, "malformed limits flags 0x%02x", flags)
	}
	if flags&(limitMax|limitShared) == limitShared {
		r.FailAt(off, "shared memory must have a maximum")
	}
	m := MemType{Limits: r.limits(flags)}
	if flags&limitPageSize != 0 {
		at := r.Offset()
		m.HasPageSize = true
		m.PageLog2 = r.U32()
		if m.PageLog2 != 0 && m.PageLog2 != 16 {
			r.FailAt(at, "invalid custom page size 2^%d (want 2^0 or 2^16)", m.PageLog2)
		}
	}
	most := m.maxPages()
	if m.Min > most || m.HasMax && m.Max > most {
		r.FailAt(off, "memory size must be at most %d pages", most)
	}
	return m
}

// maxPages is how many pages fit the address space of m.
func (m *MemType) maxPages() uint64 {
	page := m.pageLog2()
	switch {
	case m.Is64 && page == 0:
		return math.MaxUint64
	case m.Is64:
		return 1 << (64 - page)
	case page == 0:
		return math.MaxUint32
	}
	return 1 << (32 - page)
}

// pageLog2 is the exponent of m's page size.
func (m *MemType) pageLog2() uint32 {
	if m.HasPageSize {
		return m.PageLog2
	}
	return 16
}

// PageSize is the size of a page of m in bytes: 65536 unless the memory has a
// custom page size.
func (m *MemType) PageSize() uint64 { return 1 << m.pageLog2() }

// TableType reads a table type.
func (r *Reader) TableType() TableType {
	t := TableType{Elem: r.RefType()}
	off := r.Offset()
	flags := r.Byte()
	if flags&^(limitMax|limit64) != 0 {
		r.FailAt(off, "malformed limits flags 0x%02x of a table", flags)
	}
	t.Limits = r.limits(flags)
	return t
}

// GlobalType reads a global type. Shared globals are not part of WebAssembly
// 3.0 and are refused.
func (r *Reader) GlobalType() GlobalType {
	return GlobalType{Type: r.ValType(), Mutable: r.mutability()}
}

// Import reads an import: two names, and what ExternType reads.
func (r *Reader) Import() Import {
	imp := Import{Off: int(r.Offset())}
	imp.Module = r.Name()
	imp.Name = r.Name()
	r.ExternType(&imp)
	return imp
}

// ExternType reads the kind byte and the type of an import (or of an export of
// a module type) into the fields of imp that hold them.
func (r *Reader) ExternType(imp *Import) {
	off := r.Offset()
	imp.Kind = ExternKind(r.Byte())
	switch imp.Kind {
	case ExternFunc:
		imp.TypeIndex = r.typeUse()
	case ExternTable:
		imp.Table = r.TableType()
	case ExternMemory:
		imp.Memory = r.MemType()
	case ExternGlobal:
		imp.Global = r.GlobalType()
	case ExternTag:
		imp.TypeIndex = r.tagType()
	default:
		r.FailAt(off, "malformed import kind 0x%02x", uint8(imp.Kind))
	}
}

func (r *Reader) typeUse() uint32 {
	off := r.Offset()
	v := r.U32()
	r.typeIndex(int64(v), off)
	return v
}

// tagType reads the type of a tag: an attribute that must be 0, then a type
// index.
func (r *Reader) tagType() uint32 {
	off := r.Offset()
	if c := r.Byte(); c != 0 {
		r.FailAt(off, "malformed tag attribute 0x%02x", c)
	}
	return r.typeUse()
}

// AppendHeapType appends h.
func AppendHeapType(dst []byte, h HeapType) []byte { return AppendS33(dst, int64(h)) }

// AppendValType appends t, which may also be a storage type, in its short form
// where it has one (so 0x70 for a nullable funcref).
func AppendValType(dst []byte, t ValType) []byte {
	switch {
	case t.Kind != KindRef:
		return append(dst, byte(t.Kind))
	case !t.Nullable:
		dst = append(dst, typeRef)
	case t.Heap >= 0:
		dst = append(dst, typeRefNull)
	}
	return AppendHeapType(dst, t.Heap)
}

func appendMutability(dst []byte, mutable, shared bool) []byte {
	var c byte
	if mutable {
		c |= 1
	}
	if shared {
		c |= 2
	}
	return append(dst, c)
}

// AppendSubType appends t, in the short form when t.Short says so.
func AppendSubType(dst []byte, t *SubType) []byte {
	if !t.Short || !t.Final || len(t.Supers) > 0 {
		if t.Final {
			dst = append(dst, typeSubFinal)
		} else {
			dst = append(dst, typeSub)
		}
		dst = AppendU32(dst, uint32(len(t.Supers)))
		for _, s := range t.Supers {
			dst = AppendU32(dst, s)
		}
	}
	switch t.Kind {
	case CompFunc:
		dst = append(dst, typeFunc)
		dst = AppendValTypes(dst, t.Params)
		dst = AppendValTypes(dst, t.Results)
	case CompStruct:
		dst = append(dst, typeStruct)
		dst = AppendU32(dst, uint32(len(t.Fields)))
		for _, f := range t.Fields {
			dst = appendMutability(AppendValType(dst, f.Type), f.Mutable, false)
		}
	case CompArray:
		f := t.Fields[0]
		dst = append(dst, typeArray)
		dst = appendMutability(AppendValType(dst, f.Type), f.Mutable, false)
	}
	return dst
}

// AppendValTypes appends the vector of ts.
func AppendValTypes(dst []byte, ts []ValType) []byte {
	dst = AppendU32(dst, uint32(len(ts)))
	for _, t := range ts {
		dst = AppendValType(dst, t)
	}
	return dst
}

// AppendRecGroup appends one entry of a type section. Explicit writes the rec
// form; without it types must have one element.
func AppendRecGroup(dst []byte, types []SubType, explicit bool) []byte {
	if explicit {
		dst = AppendU32(append(dst, typeRec), uint32(len(types)))
	}
	for i := range types {
		dst = AppendSubType(dst, &types[i])
	}
	return dst
}

// AppendLimits appends the flags and bounds of a table.
func AppendLimits(dst []byte, l Limits) []byte { return appendLimits(dst, l, 0) }

func appendLimits(dst []byte, l Limits, flags byte) []byte {
	if l.HasMax {
		flags |= limitMax
	}
	if l.Shared {
		flags |= limitShared
	}
	if l.Is64 {
		flags |= limit64
	}
	dst = AppendU64(append(dst, flags), l.Min)
	if l.HasMax {
		dst = AppendU64(dst, l.Max)
	}
	return dst
}

// AppendMemType appends m.
func AppendMemType(dst []byte, m MemType) []byte {
	if !m.HasPageSize {
		return appendLimits(dst, m.Limits, 0)
	}
	return AppendU32(appendLimits(dst, m.Limits, limitPageSize), m.PageLog2)
}

// AppendTableType appends t.
func AppendTableType(dst []byte, t TableType) []byte {
	return AppendLimits(AppendValType(dst, t.Elem), t.Limits)
}

// AppendGlobalType appends g.
func AppendGlobalType(dst []byte, g GlobalType) []byte {
	return appendMutability(AppendValType(dst, g.Type), g.Mutable, g.Shared)
}

// AppendImport appends the names and the type of imp.
func AppendImport(dst []byte, imp *Import) []byte {
	return AppendExternType(AppendName(AppendName(dst, imp.Module), imp.Name), imp)
}

// AppendExternType appends the kind byte and the type of imp.
func AppendExternType(dst []byte, imp *Import) []byte {
	dst = append(dst, byte(imp.Kind))
	switch imp.Kind {
	case ExternFunc:
		return AppendU32(dst, imp.TypeIndex)
	case ExternTable:
		return AppendTableType(dst, imp.Table)
	case ExternMemory:
		return AppendMemType(dst, imp.Memory)
	case ExternGlobal:
		return AppendGlobalType(dst, imp.Global)
	case ExternTag:
		return AppendU32(append(dst, 0), imp.TypeIndex)
	}
	return dst
}
