package adapter

import (
	"github.com/wbundle/wbundle/internal/component"
	"github.com/wbundle/wbundle/internal/wasm"
)

// access is how a scalar type lies in memory and flat.
type access struct {
	load, store wasm.Opcode
	align       uint32 // log2
	flat        wasm.ValType
}

func accessOf(k component.Kind) access {
	switch k {
	case component.KindBool, component.KindU8:
		return access{wasm.OpI32Load8U, wasm.OpI32Store8, 0, wasm.I32}
	case component.KindS8:
		return access{wasm.OpI32Load8S, wasm.OpI32Store8, 0, wasm.I32}
	case component.KindU16:
		return access{wasm.OpI32Load16U, wasm.OpI32Store16, 1, wasm.I32}
	case component.KindS16:
		return access{wasm.OpI32Load16S, wasm.OpI32Store16, 1, wasm.I32}
	case component.KindS64, component.KindU64:
		return access{wasm.OpI64Load, wasm.OpI64Store, 3, wasm.I64}
	case component.KindF32:
		return access{wasm.OpF32Load, wasm.OpF32Store, 2, wasm.F32}
	case component.KindF64:
		return access{wasm.OpF64Load, wasm.OpF64Store, 3, wasm.F64}
	}
	return access{wasm.OpI32Load, wasm.OpI32Store, 2, wasm.I32} // s32, u32, char
}

// A char is neither above 0x10ffff nor a surrogate. The exclusive or with the
// first surrogate moves these to the front of all numbers, the subtraction of
// their count behind all others, and so one comparison finds both.
const (
	charBias  = 0xe000 - 0xd800
	charLimit = 0x110000 - charBias
)

// scalar moves a bool, integer, float or char. Lifting normalises: a flat
// value may have bits that its type has not (lift_flat_unsigned,
// lift_flat_signed, convert_int_to_bool, convert_i32_to_char).
func (f *fuser) scalar(t *component.ValType, src, dst place) {
	a := accessOf(t.Kind)
	if t.Kind == component.KindChar {
		v := f.b.Local(wasm.I32)
		f.load(src, a.load, a.align, a.flat)
		f.b.Set(v)
		f.b.Get(v)
		f.b.I32(surrogate)
		f.b.Op(wasm.OpI32Xor)
		f.b.I32(charBias)
		f.b.Op(wasm.OpI32Sub)
		f.b.I32(charLimit)
		f.b.Op(wasm.OpI32GeU)
		f.b.TrapIf()
		f.store(dst, a.store, a.align, a.flat, func() { f.b.Get(v) })
		f.b.Free(v)
		return
	}
	f.store(dst, a.store, a.align, a.flat, func() {
		f.load(src, a.load, a.align, a.flat)
		switch {
		case t.Kind == component.KindBool:
			f.b.I32(0)
			f.b.Op(wasm.OpI32Ne)
		case src.mem:
			// The load has extended it.
		case t.Kind == component.KindU8:
			f.b.I32(0xff)
			f.b.Op(wasm.OpI32And)
		case t.Kind == component.KindU16:
			f.b.I32(0xffff)
			f.b.Op(wasm.OpI32And)
		case t.Kind == component.KindS8:
			f.b.Op(wasm.OpI32Extend8S)
		case t.Kind == component.KindS16:
			f.b.Op(wasm.OpI32Extend16S)
		}
	})
}

// flags moves a flags value; bits without a label are dropped, as
// unpack_flags_from_int does.
func (f *fuser) flags(t *component.ValType, src, dst place) {
	n := len(t.Labels)
	if n == 0 {
		return
	}
	words := (n + 31) / 32
	kind := component.KindU32
	switch t.Size() {
	case 1:
		kind = component.KindU8
	case 2:
		kind = component.KindU16
	}
	a := accessOf(kind)
	for w := range words {
		s, d := src.field(uint32(4*w), w, 1), dst.field(uint32(4*w), w, 1)
		f.store(d, a.store, a.align, a.flat, func() {
			f.load(s, a.load, a.align, a.flat)
			if bits := min(n-32*w, 32); bits < 32 {
				f.b.I32(1<<bits - 1)
				f.b.Op(wasm.OpI32And)
			}
		})
	}
}
