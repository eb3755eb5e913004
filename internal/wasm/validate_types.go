package wasm

import (
	"encoding/binary"
	"fmt"
)

// Types as the validator sees them. The type section allows one type to be
// written many times: rec groups with the same content define the same types
// (spec: valid/conventions.html#rolling-and-unrolling). Every type index is
// therefore replaced, once, by that of the first type that is equal to it;
// after that two types are the same if and only if their words are, and the
// check that most instructions need is one comparison.

// vt is a value type in one word: the byte of the binary format for number,
// vector and packed types, and for references refBit, nullBit and the heap
// type as an s33, type indices being canonical.
type vt uint64

const (
	refBit  vt = 1 << 40
	nullBit vt = 1 << 41

	heapMask vt = 1<<33 - 1

	// bottom is the type of an operand that unreachable code makes up: it
	// matches every type (spec: appendix/algorithm.html).
	bottom vt = 0
	// bottomRef is a bottom that is known to be a reference which is not
	// null; it matches every reference type.
	bottomRef = refBit | heapMask
)

const (
	vtI32  = vt(KindI32)
	vtI64  = vt(KindI64)
	vtF32  = vt(KindF32)
	vtF64  = vt(KindF64)
	vtV128 = vt(KindV128)
	vtI8   = vt(KindI8)
	vtI16  = vt(KindI16)
)

// vtRef is the reference to an abstract heap type or a canonical type index.
func vtRef(nullable bool, h HeapType) vt {
	t := refBit | vt(h)&heapMask
	if nullable {
		t |= nullBit
	}
	return t
}

var (
	vtFuncRef   = vtRef(true, HeapFunc)
	vtExternRef = vtRef(true, HeapExtern)
	vtAnyRef    = vtRef(true, HeapAny)
	vtEqRef     = vtRef(true, HeapEq)
	vtI31Ref    = vtRef(true, HeapI31)
	vtArrayRef  = vtRef(true, HeapArray)
	vtExnRef    = vtRef(true, HeapExn)
	vtExn       = vtRef(false, HeapExn)
)

func (t vt) isRef() bool { return t&refBit != 0 }

// heap is the heap type of a reference.
func (t vt) heap() HeapType {
	return HeapType(uint32(t & heapMask)) // the bit above is the sign once more
}

// defaultable reports whether a local or field of type t has a default value
// (spec: valid/types.html#defaultability).
func (t vt) defaultable() bool { return t&(refBit|nullBit) != refBit }

// unpack is the type of the operand that holds a field of storage type t.
func (t vt) unpack() vt {
	if t == vtI8 || t == vtI16 {
		return vtI32
	}
	return t
}

// String is the type in the text format.
func (t vt) String() string {
	switch {
	case t == bottom:
		return "any type"
	case t == bottomRef:
		return "a reference"
	case t.isRef():
		return ValType{Kind: KindRef, Nullable: t&nullBit != 0, Heap: t.heap()}.String()
	}
	return ValType{Kind: ValKind(t)}.String()
}

// compType is one entry of the type index space.
type compType struct {
	kind            CompKind
	final           bool
	depth           uint8  // number of types above it
	super           uint32 // canonical index; noType without one
	params, results []vt
	fields          []fieldType
}

type fieldType struct {
	t       vt // storage type
	mutable bool
}

const noType = ^uint32(0)

// Limits that engines share (spec: the JavaScript interface's
// implementation-defined limits). They bound the work that an instruction of a
// few bytes can ask for.
const (
	maxSubtypeDepth = 63
	maxParams       = 1000
	maxResults      = 1000
	maxFields       = 10_000
)

// defineTypes validates the type section (spec: valid/types.html and
// valid/modules.html#types) and fills in types and canon.
func (v *Validation) defineTypes() {
	m := v.m
	v.types = make([]compType, len(m.Types))
	v.canon = make([]uint32, len(m.Types))
	var vals, fields int
	for i := range m.Types {
		vals += len(m.Types[i].Params) + len(m.Types[i].Results)
		fields += len(m.Types[i].Fields)
	}
	d := typeDefiner{
		Validation: v,
		vals:       make([]vt, 0, vals),
		fields:     make([]fieldType, 0, fields),
		seen:       make(map[string]uint32, len(m.RecGroups)),
	}
	next := uint32(0)
	for _, g := range m.RecGroups {
		if g.Start != next || uint64(g.Start)+uint64(g.Count) > uint64(len(m.Types)) {
			v.fail(SectionType, -1, "recursion group of types %d to %d is out of place", g.Start, uint64(g.Start)+uint64(g.Count))
			return
		}
		next += g.Count
		if d.group(g.Start, next); v.err != nil {
			return
		}
	}
	if int(next) != len(m.Types) {
		v.fail(SectionType, -1, "%d types, %d of them in recursion groups", len(m.Types), next)
	}
}

// typeDefiner is what defineTypes needs while it runs.
type typeDefiner struct {
	*Validation
	vals   []vt
	fields []fieldType
	key    []byte            // of the group at hand
	seen   map[string]uint32 // key of each distinct group, to its first type
}

// group defines the types [lo, hi), which form a rec group.
func (d *typeDefiner) group(lo, hi uint32) {
	if lo == hi {
		return
	}
	// Until it is known whether the group is new, its types stand for
	// themselves; the key does not depend on where the group is.
	d.key = d.key[:0]
	for i := lo; i < hi; i++ {
		d.canon[i] = i
	}
	for i := lo; i < hi; i++ {
		if d.addKey(&d.m.Types[i], lo, i, hi); d.err != nil {
			return
		}
	}
	first, known := d.seen[string(d.key)]
	if !known {
		first = lo
		d.seen[string(d.key)] = lo
	}
	for i := lo; i < hi; i++ {
		d.canon[i] = first + i - lo
	}
	for i := lo; i < hi; i++ {
		if known {
			d.types[i] = d.types[d.canon[i]]
		} else {
			d.define(i)
		}
	}
	if known {
		return // its first occurrence was checked
	}
	for i := lo; i < hi; i++ {
		if d.checkSuper(i); d.err != nil {
			return
		}
	}
}

// addKey appends type i of the group [lo, hi) to the key: all that it says,
// with references into the group counted from its start and others canonical.
// On the way it checks that what it refers to exists.
func (d *typeDefiner) addKey(t *SubType, lo, i, hi uint32) {
	val := func(x ValType) {
		d.key = append(d.key, byte(x.Kind))
		switch x.Kind {
		case KindI32, KindI64, KindF32, KindF64, KindV128, KindI8, KindI16:
		case KindRef:
			if !isAbstractHeap(int64(x.Heap)) && (x.Heap < 0 || x.Heap >= HeapType(hi)) {
				d.failType(i, "unknown type %d", int64(x.Heap))
				return
			}
			d.key = append(d.key, bit(x.Nullable))
			d.addIndex(int64(x.Heap), lo)
		default:
			d.failType(i, "malformed value type 0x%02x", uint8(x.Kind))
		}
	}
	switch {
	case len(t.Params) > maxParams:
		d.failType(i, "%d parameters (at most %d)", len(t.Params), maxParams)
	case len(t.Results) > maxResults:
		d.failType(i, "%d results (at most %d)", len(t.Results), maxResults)
	case len(t.Fields) > maxFields:
		d.failType(i, "%d fields (at most %d)", len(t.Fields), maxFields)
	case t.Kind > CompArray || t.Kind == CompArray && len(t.Fields) != 1 || len(t.Supers) > 1:
		d.failType(i, "malformed type")
	}
	d.key = append(d.key, byte(t.Kind), bit(t.Final), byte(len(t.Supers)))
	for _, s := range t.Supers {
		if s >= i {
			d.failType(i, "unknown type %d: a supertype must come before its subtypes", s)
			return
		}
		d.addIndex(int64(s), lo)
	}
	d.key = binary.AppendUvarint(d.key, uint64(len(t.Params)))
	for _, p := range t.Params {
		val(p)
	}
	d.key = binary.AppendUvarint(d.key, uint64(len(t.Results)))
	for _, r := range t.Results {
		val(r)
	}
	d.key = binary.AppendUvarint(d.key, uint64(len(t.Fields)))
	for _, f := range t.Fields {
		val(f.Type)
		d.key = append(d.key, bit(f.Mutable))
	}
}

// addIndex appends a heap type or type index to the key. The lowest bits tell
// the group's own types from earlier and from abstract ones.
func (d *typeDefiner) addIndex(h int64, lo uint32) {
	switch {
	case h < 0:
		h = -h<<2 | 2
	case h >= int64(lo):
		h = (h-int64(lo))<<2 | 1
	default:
		h = int64(d.canon[h]) << 2
	}
	d.key = binary.AppendUvarint(d.key, uint64(h))
}

func bit(b bool) byte {
	if b {
		return 1
	}
	return 0
}

// define fills in the first occurrence of type i.
func (d *typeDefiner) define(i uint32) {
	t := &d.m.Types[i]
	c := compType{kind: t.Kind, final: t.Final, super: noType}
	if len(t.Supers) > 0 {
		c.super = d.canon[t.Supers[0]]
	}
	vals := func(ts []ValType) []vt {
		for _, t := range ts {
			d.vals = append(d.vals, d.vt(t))
		}
		return cut(d.vals, len(ts))
	}
	c.params, c.results = vals(t.Params), vals(t.Results)
	for _, f := range t.Fields {
		d.fields = append(d.fields, fieldType{t: d.vt(f.Type), mutable: f.Mutable})
	}
	c.fields = cut(d.fields, len(t.Fields))
	d.types[i] = c
}

// checkSuper checks that type i may be declared a subtype of its supertype
// (spec: valid/matching.html#composite-types).
func (d *typeDefiner) checkSuper(i uint32) {
	c := &d.types[i]
	if c.super == noType {
		return
	}
	s := &d.types[c.super]
	switch {
	case s.final:
		d.failType(i, "has the super type %d, which is final", d.m.Types[i].Supers[0])
	case s.depth >= maxSubtypeDepth:
		d.failType(i, "sub type hierarchy too deep: more than %d types above", maxSubtypeDepth)
	case !d.matches(c, s):
		d.failType(i, "sub type does not match super type %d", d.m.Types[i].Supers[0])
	}
	c.depth = s.depth + 1
}

// matches is the structural half of subtyping.
func (v *Validation) matches(c, s *compType) bool {
	if c.kind != s.kind || len(c.params) != len(s.params) || len(c.results) != len(s.results) || len(c.fields) < len(s.fields) {
		return false
	}
	for i := range c.params {
		if !v.sub(s.params[i], c.params[i]) {
			return false
		}
	}
	for i := range c.results {
		if !v.sub(c.results[i], s.results[i]) {
			return false
		}
	}
	for i, f := range s.fields {
		g := c.fields[i]
		// What can be written must not change; what is only read may
		// become more precise.
		if f.mutable != g.mutable || f.t != g.t && (f.mutable || !v.sub(g.t, f.t)) {
			return false
		}
	}
	return true
}

// failType records a failure of type i.
func (v *Validation) failType(i uint32, format string, args ...any) {
	v.fail(SectionType, v.m.typeOffset(i), "type %d: %s", i, fmt.Sprintf(format, args...))
}

// typeOffset finds where type i stands in the input, -1 when it does not.
func (m *Module) typeOffset(i uint32) int64 {
	r := m.sectionReader(SectionType)
	if r == nil {
		return -1
	}
	var scratch typeArena
	seen := uint32(0)
	for range r.Vec(2) {
		n, _ := r.recHeader()
		for range n {
			if seen == i && r.err == nil {
				return r.Offset()
			}
			r.subType(&scratch)
			seen++
		}
	}
	return -1
}

// vt converts t, whose type index must be within the types.
func (v *Validation) vt(t ValType) vt {
	if t.Kind != KindRef {
		return vt(t.Kind)
	}
	return vtRef(t.Nullable, v.canonHeap(t.Heap))
}

func (v *Validation) canonHeap(h HeapType) HeapType {
	if h >= 0 {
		return HeapType(v.canon[h])
	}
	return h
}

// checkVT is vt for a type that may name a type that does not exist; what says
// whose type it is.
func (v *Validation) checkVT(t ValType, section SectionID, off int64, what string, index int) vt {
	switch t.Kind {
	case KindI32, KindI64, KindF32, KindF64, KindV128:
	case KindRef:
		if !isAbstractHeap(int64(t.Heap)) && (t.Heap < 0 || int64(t.Heap) >= int64(len(v.types))) {
			v.fail(section, off, "%s %d: unknown type %d (there are %d)", what, index, int64(t.Heap), len(v.types))
			return bottom
		}
	default:
		v.fail(section, off, "%s %d: malformed value type 0x%02x", what, index, uint8(t.Kind))
		return bottom
	}
	return v.vt(t)
}

// sub reports whether a matches b: an a may be used where a b is wanted (spec:
// valid/matching.html). Both may be bottom.
func (v *Validation) sub(a, b vt) bool {
	switch {
	case a == b || a == bottom:
		return true
	case !a.isRef() || !b.isRef():
		return false
	case a&nullBit != 0 && b&nullBit == 0:
		return false
	}
	return v.subHeap(a&heapMask, b&heapMask)
}

// subHeap is sub for heap types.
func (v *Validation) subHeap(a, b vt) bool {
	if a == b || a == bottomRef&heapMask {
		return true
	}
	sub, super := (refBit | a).heap(), (refBit | b).heap()
	if sub >= 0 {
		c := &v.types[sub]
		if super >= 0 {
			// The chain upwards is short: see maxSubtypeDepth.
			for c.super != noType {
				if HeapType(c.super) == super {
					return true
				}
				c = &v.types[c.super]
			}
			return false
		}
		switch c.kind {
		case CompFunc:
			return super == HeapFunc
		case CompStruct:
			return super == HeapStruct || super == HeapEq || super == HeapAny
		}
		return super == HeapArray || super == HeapEq || super == HeapAny
	}
	if super >= 0 {
		if v.types[super].kind == CompFunc {
			return sub == HeapNoFunc
		}
		return sub == HeapNone
	}
	switch sub {
	case HeapNone:
		return super == HeapI31 || super == HeapStruct || super == HeapArray || super == HeapEq || super == HeapAny
	case HeapI31, HeapStruct, HeapArray:
		return super == HeapEq || super == HeapAny
	case HeapEq:
		return super == HeapAny
	case HeapNoFunc:
		return super == HeapFunc
	case HeapNoExtern:
		return super == HeapExtern
	case HeapNoExn:
		return super == HeapExn
	}
	return false
}

// top is the heap type at the top of t's hierarchy.
func (v *Validation) top(h HeapType) HeapType {
	switch {
	case h >= 0 && v.types[h].kind == CompFunc, h == HeapFunc, h == HeapNoFunc:
		return HeapFunc
	case h == HeapExtern, h == HeapNoExtern:
		return HeapExtern
	case h == HeapExn, h == HeapNoExn:
		return HeapExn
	}
	return HeapAny
}
