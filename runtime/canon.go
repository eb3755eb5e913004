package runtime

import (
	"context"
	"fmt"
	"math"

	"github.com/tetratelabs/wazero/api"

	"github.com/wbundle/wbundle/internal/component"
	"github.com/wbundle/wbundle/internal/wit"
)

// This file is CanonicalABI.md's "Loading", "Storing", "Flat Lifting", "Flat
// Lowering" and "Lifting and Lowering Values", over wazero memories. Core
// values are wazero's: one uint64 each, i32 and f32 in the low half, zero
// above. Reading a core value therefore never needs to know whether it was
// declared with its own type or with the join of several cases: the low half
// is the value in either case.

// maxByteLength bounds strings and lists: MAX_STRING_BYTE_LENGTH and
// MAX_LIST_BYTE_LENGTH of CanonicalABI.md.
const maxByteLength = 1<<28 - 1

// canon is the LiftLowerContext of CanonicalABI.md: one side of one call.
type canon struct {
	ctx context.Context
	enc component.Encoding
	mem api.Memory // nil without the memory option
	// realloc calls the realloc option; nil without it.
	realloc func(old, oldSize, align, newSize uint32) uint32
	handles handleSpace
}

// handleSpace converts between handles and indices into the table of the
// component instance on this side of the call.
type handleSpace interface {
	liftHandle(t *component.ValType, i uint32) wit.Value
	lowerHandle(t *component.ValType, v wit.Value) uint32
}

func unsupported(format string, args ...any) {
	panic(&hostError{fmt.Errorf("%s: %w", fmt.Sprintf(format, args...), ErrUnsupported)})
}

// check traps unless [ptr, ptr+size) is inside memory and ptr is aligned.
func (c *canon) check(ptr, align uint32, size uint64, what string) {
	if ptr&(align-1) != 0 {
		trapf("%s at %#x is not aligned to %d", what, ptr, align)
	}
	if c.mem == nil || uint64(ptr)+size > uint64(c.mem.Size()) {
		trapf("%s at %#x (%d bytes) is out of bounds of memory", what, ptr, size)
	}
}

func (c *canon) read(ptr, size uint32) []byte {
	if c.mem != nil {
		if b, ok := c.mem.Read(ptr, size); ok {
			return b
		}
	}
	trapf("access of %d bytes at %#x is out of bounds of memory", size, ptr)
	return nil
}

// alloc calls realloc for a new block and checks what it returned.
func (c *canon) alloc(align, size uint32, what string) uint32 {
	if c.realloc == nil {
		trapf("%s needs realloc, which the component does not give", what)
	}
	ptr := c.realloc(0, 0, align, size)
	c.check(ptr, align, uint64(size), what+" from realloc")
	return ptr
}

func loadUint(b []byte) uint64 {
	var x uint64
	for i := len(b) - 1; i >= 0; i-- {
		x = x<<8 | uint64(b[i])
	}
	return x
}

func storeUint(b []byte, x uint64) {
	for i := range b {
		b[i] = byte(x)
		x >>= 8
	}
}

// load reads a value of type t at ptr, whose bounds the caller has checked
// together with those of the value it is part of.
func (c *canon) load(ptr uint32, t *component.ValType) wit.Value {
	switch t.Kind {
	case component.KindString:
		b := c.read(ptr, 8)
		return c.loadString(uint32(loadUint(b[:4])), uint32(loadUint(b[4:])))
	case component.KindList, component.KindMap:
		b := c.read(ptr, 8)
		return c.loadList(t, uint32(loadUint(b[:4])), uint32(loadUint(b[4:])))
	case component.KindFixedList:
		return c.loadElems(t, ptr, t.Len)
	case component.KindRecord, component.KindTuple:
		fields := make([]wit.Value, len(t.Fields))
		for i, f := range t.Fields {
			fields[i] = c.load(ptr+t.FieldOffset(i), f.Type)
		}
		return wit.Record(t, fields)
	case component.KindVariant, component.KindEnum, component.KindOption, component.KindResult:
		i := c.caseIndex(t, loadUint(c.read(ptr, t.DiscSize())))
		if pt := t.CaseList()[i].Type; pt != nil {
			return wit.Variant(t, i, c.load(ptr+t.PayloadOffset(), pt))
		}
		return wit.Variant(t, i, wit.Value{})
	}
	return c.scalar(t, loadUint(c.read(ptr, t.Size())))
}

func (c *canon) caseIndex(t *component.ValType, disc uint64) int {
	if disc >= uint64(len(t.CaseList())) {
		trapf("discriminant %d of %s is out of range", disc, wit.TypeString(t))
	}
	return int(disc)
}

// scalar makes a value of the one-word type t from its bits, from memory or
// from a core value; higher bits are ignored as lift_flat_unsigned does.
func (c *canon) scalar(t *component.ValType, x uint64) wit.Value {
	switch t.Kind {
	case component.KindBool:
		return wit.Bool(uint32(x) != 0)
	case component.KindS8:
		return wit.S8(int8(x))
	case component.KindU8:
		return wit.U8(uint8(x))
	case component.KindS16:
		return wit.S16(int16(x))
	case component.KindU16:
		return wit.U16(uint16(x))
	case component.KindS32:
		return wit.S32(int32(x))
	case component.KindU32:
		return wit.U32(uint32(x))
	case component.KindS64:
		return wit.S64(int64(x))
	case component.KindU64:
		return wit.U64(x)
	case component.KindF32:
		return wit.F32(math.Float32frombits(uint32(x)))
	case component.KindF64:
		return wit.F64(math.Float64frombits(x))
	case component.KindChar:
		i := uint32(x)
		if i >= 0x110000 || 0xd800 <= i && i <= 0xdfff {
			trapf("%#x is not a Unicode scalar value", i)
		}
		return wit.Char(rune(i))
	case component.KindFlags:
		return wit.Flags(t, x)
	case component.KindOwn, component.KindBorrow:
		return c.handles.liftHandle(t, uint32(x))
	}
	unsupported("values of type %s", wit.TypeString(t))
	return wit.Value{}
}

func (c *canon) loadList(t *component.ValType, ptr, n uint32) wit.Value {
	elem := t.ElemType()
	size := uint64(n) * uint64(elem.Size())
	if size > maxByteLength {
		trapf("a list of %d bytes is too long", size)
	}
	c.check(ptr, elem.Align(), size, "list")
	return c.loadElems(t, ptr, n)
}

func (c *canon) loadElems(t *component.ValType, ptr, n uint32) wit.Value {
	elem := t.ElemType()
	if elem.Kind == component.KindU8 {
		return wit.Bytes(t, c.read(ptr, n))
	}
	elems := make([]wit.Value, 0, n)
	for i := range n {
		v := c.load(ptr+i*elem.Size(), elem)
		if t.Kind == component.KindMap {
			elems = append(elems, v.Index(0), v.Index(1))
		} else {
			elems = append(elems, v)
		}
	}
	if t.Kind == component.KindMap {
		return wit.Map(t, elems)
	}
	return wit.List(t, elems)
}

// store writes v, a value of type t, at ptr.
func (c *canon) store(v wit.Value, t *component.ValType, ptr uint32) {
	switch t.Kind {
	case component.KindString:
		p, n := c.storeString(v)
		b := c.read(ptr, 8)
		storeUint(b[:4], uint64(p))
		storeUint(b[4:], uint64(n))
	case component.KindList, component.KindMap:
		p, n := c.storeList(v, t)
		b := c.read(ptr, 8)
		storeUint(b[:4], uint64(p))
		storeUint(b[4:], uint64(n))
	case component.KindFixedList:
		c.storeElems(v, t, ptr)
	case component.KindRecord, component.KindTuple:
		for i, f := range t.Fields {
			c.store(v.Index(i), f.Type, ptr+t.FieldOffset(i))
		}
	case component.KindVariant, component.KindEnum, component.KindOption, component.KindResult:
		storeUint(c.read(ptr, t.DiscSize()), uint64(v.Case()))
		if pt := t.CaseList()[v.Case()].Type; pt != nil {
			c.store(v.Payload(), pt, ptr+t.PayloadOffset())
		}
	default:
		storeUint(c.read(ptr, t.Size()), c.word(v, t))
	}
}

// word is the inverse of scalar: the value as one zero-extended core value.
func (c *canon) word(v wit.Value, t *component.ValType) uint64 {
	switch t.Kind {
	case component.KindS8, component.KindS16, component.KindS32:
		return uint64(uint32(v.Int()))
	case component.KindF32:
		if x := v.Float(); x != x {
			return 0x7fc00000
		}
		return v.Uint()
	case component.KindF64:
		if x := v.Float(); x != x {
			return 0x7ff8000000000000
		}
		return v.Uint()
	case component.KindOwn, component.KindBorrow:
		return uint64(c.handles.lowerHandle(t, v))
	case component.KindStream, component.KindFuture, component.KindErrorContext:
		unsupported("values of type %s", wit.TypeString(t))
	}
	return v.Uint()
}

func (c *canon) storeList(v wit.Value, t *component.ValType) (ptr, n uint32) {
	elem := t.ElemType()
	size := uint64(v.Len()) * uint64(elem.Size())
	if size > maxByteLength {
		trapf("a list of %d bytes is too long", size)
	}
	ptr = c.alloc(elem.Align(), uint32(size), "list")
	c.storeElems(v, t, ptr)
	return ptr, uint32(v.Len())
}

func (c *canon) storeElems(v wit.Value, t *component.ValType, ptr uint32) {
	elem := t.ElemType()
	if elem.Kind == component.KindU8 && t.Kind != component.KindMap {
		b := v.AsBytes()
		copy(c.read(ptr, uint32(len(b))), b)
		return
	}
	for i := range v.Len() {
		e := v
		if t.Kind == component.KindMap {
			e = wit.Record(elem, []wit.Value{v.Index(2 * i), v.Index(2*i + 1)})
		} else {
			e = v.Index(i)
		}
		c.store(e, elem, ptr+uint32(i)*elem.Size())
	}
}

// flat reads core values one after another.
type flat struct {
	vals []uint64
	pos  int
}

func (f *flat) next() uint64 {
	x := f.vals[f.pos]
	f.pos++
	return x
}

func (c *canon) liftFlat(f *flat, t *component.ValType) wit.Value {
	switch t.Kind {
	case component.KindString:
		ptr := uint32(f.next())
		return c.loadString(ptr, uint32(f.next()))
	case component.KindList, component.KindMap:
		ptr := uint32(f.next())
		return c.loadList(t, ptr, uint32(f.next()))
	case component.KindFixedList:
		elems := make([]wit.Value, t.Len)
		for i := range elems {
			elems[i] = c.liftFlat(f, t.Elem)
		}
		return wit.List(t, elems)
	case component.KindRecord, component.KindTuple:
		fields := make([]wit.Value, len(t.Fields))
		for i, field := range t.Fields {
			fields[i] = c.liftFlat(f, field.Type)
		}
		return wit.Record(t, fields)
	case component.KindVariant, component.KindEnum, component.KindOption, component.KindResult:
		end := f.pos + t.FlatCount()
		i := c.caseIndex(t, uint64(uint32(f.next())))
		var payload wit.Value
		if pt := t.CaseList()[i].Type; pt != nil {
			payload = c.liftFlat(f, pt)
		}
		f.pos = end // the slots that only other cases use
		return wit.Variant(t, i, payload)
	case component.KindFlags:
		// More than 32 labels, as older binaries have them, take a word each 32.
		var set uint64
		for i := range t.FlatCount() {
			set |= uint64(uint32(f.next())) << (32 * i)
		}
		return wit.Flags(t, set)
	}
	return c.scalar(t, f.next())
}

func (c *canon) lowerFlat(out []uint64, v wit.Value, t *component.ValType) []uint64 {
	switch t.Kind {
	case component.KindString:
		ptr, n := c.storeString(v)
		return append(out, uint64(ptr), uint64(n))
	case component.KindList, component.KindMap:
		ptr, n := c.storeList(v, t)
		return append(out, uint64(ptr), uint64(n))
	case component.KindFixedList:
		for i := range v.Len() {
			out = c.lowerFlat(out, v.Index(i), t.Elem)
		}
		return out
	case component.KindRecord, component.KindTuple:
		for i, f := range t.Fields {
			out = c.lowerFlat(out, v.Index(i), f.Type)
		}
		return out
	case component.KindVariant, component.KindEnum, component.KindOption, component.KindResult:
		end := len(out) + t.FlatCount()
		out = append(out, uint64(v.Case()))
		if pt := t.CaseList()[v.Case()].Type; pt != nil {
			out = c.lowerFlat(out, v.Payload(), pt)
		}
		for len(out) < end {
			out = append(out, 0)
		}
		return out
	case component.KindFlags:
		for i := range t.FlatCount() {
			out = append(out, uint64(uint32(v.Uint()>>(32*i))))
		}
		return out
	}
	return append(out, c.word(v, t))
}

// paramTypes returns the types of params, and how many core values they take,
// capped above MaxFlatParams.
func paramTypes(params []component.Field) (types []*component.ValType, flatCount int) {
	types = make([]*component.ValType, len(params))
	for i, p := range params {
		types[i] = p.Type
		flatCount += p.Type.FlatCount()
	}
	return types, flatCount
}

// liftValues is lift_flat_values: values that were passed as up to max core
// values, or through one pointer to a tuple of them in memory.
func (c *canon) liftValues(vals []uint64, max int, types []*component.ValType, flatCount int) []wit.Value {
	if flatCount > max {
		tuple := component.NewTuple(types...)
		ptr := uint32(vals[0])
		c.check(ptr, tuple.Align(), uint64(tuple.Size()), "spilled values")
		v := c.load(ptr, tuple)
		out := make([]wit.Value, len(types))
		for i := range out {
			out[i] = v.Index(i)
		}
		return out
	}
	f := &flat{vals: vals}
	out := make([]wit.Value, len(types))
	for i, t := range types {
		out[i] = c.liftFlat(f, t)
	}
	return out
}

// lowerValues is lower_flat_values. Values that do not fit max core values go
// to memory: to outPtr, when the caller gave one, else to a new block.
func (c *canon) lowerValues(vs []wit.Value, max int, types []*component.ValType, flatCount int, outPtr *uint32) []uint64 {
	if flatCount <= max {
		var out []uint64
		for i, t := range types {
			out = c.lowerFlat(out, vs[i], t)
		}
		return out
	}
	tuple := component.NewTuple(types...)
	var ptr uint32
	var out []uint64
	if outPtr != nil {
		ptr = *outPtr
		c.check(ptr, tuple.Align(), uint64(tuple.Size()), "result pointer")
	} else {
		ptr = c.alloc(tuple.Align(), tuple.Size(), "spilled values")
		out = []uint64{uint64(ptr)}
	}
	c.store(wit.Record(tuple, vs), tuple, ptr)
	return out
}

// resultTypes is paramTypes for a result, which may be nil.
func resultTypes(t *component.ValType) ([]*component.ValType, int) {
	if t == nil {
		return nil, 0
	}
	return []*component.ValType{t}, t.FlatCount()
}

// one returns the only element of vs, or the zero Value.
func one(vs []wit.Value) wit.Value {
	if len(vs) == 0 {
		return wit.Value{}
	}
	return vs[0]
}
