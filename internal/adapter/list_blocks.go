package adapter

import (
	"encoding/binary"
	"slices"

	"github.com/wbundle/wbundle/internal/component"
	"github.com/wbundle/wbundle/internal/ir"
	"github.com/wbundle/wbundle/internal/wasm"
)

// Lists whose elements are numbers need not be moved element by element:
//
//	asItIs    every bit pattern is a value: one memory.copy
//	maskOf    the same but for some bits, which are cleared: flags without a
//	          label, and padding
//	lanesOf   small elements that are masked, normalised or checked, many at once
//
// Padding is not copied: what lies between the fields is whatever the sender's
// memory held before, and no part of the value, so another component must not
// get to see it.

// asItIs reports whether every bit pattern in memory is a valid value of the
// type that needs no translation.
func asItIs(t *component.ValType) bool {
	switch t.Kind {
	case component.KindS8, component.KindU8, component.KindS16, component.KindU16,
		component.KindS32, component.KindU32, component.KindS64, component.KindU64,
		component.KindF32, component.KindF64:
		return true
	case component.KindFlags:
		return len(t.Labels) == 8*int(t.Size())
	case component.KindRecord, component.KindTuple:
		if len(t.Fields) > outlineCost {
			return false // bounds the walk over shared types
		}
		end := uint32(0)
		for i, fl := range t.Fields {
			if t.FieldOffset(i) != end || !asItIs(fl.Type) {
				return false
			}
			end += fl.Type.Size()
		}
		return end > 0 && end == t.Size()
	case component.KindFixedList:
		return asItIs(t.Elem)
	}
	return false
}

// maskLimit is the size of the largest type that maskOf answers for: eight
// loads and stores.
const maskLimit = 64

// maskOf returns the bits of a type's memory that belong to its value, where
// every pattern of those is valid; nil for other types, and for large ones.
func maskOf(t *component.ValType) []byte {
	if t.Size() == 0 || t.Size() > maskLimit {
		return nil
	}
	mask := make([]byte, t.Size())
	if !addMask(t, mask) {
		return nil
	}
	return mask
}

func addMask(t *component.ValType, mask []byte) bool {
	switch t.Kind {
	case component.KindFlags:
		for i := range t.Labels {
			mask[i/8] |= 1 << (i % 8)
		}
		return true
	case component.KindRecord, component.KindTuple:
		for i, fl := range t.Fields {
			if !addMask(fl.Type, mask[t.FieldOffset(i):]) {
				return false
			}
		}
		return true
	case component.KindFixedList:
		for i := range t.Len {
			if !addMask(t.Elem, mask[i*t.Elem.Size():]) {
				return false
			}
		}
		return true
	}
	if !asItIs(t) {
		return false
	}
	for i := range t.Size() {
		mask[i] = 0xff
	}
	return true
}

// copyMasked copies the bits in mask from one place in memory to another, by
// the largest words that fit, and clears the other bits of a word.
func (f *fuser) copyMasked(src, dst place, mask []byte) {
	b := f.b
	for off := uint32(0); len(mask) > 0; {
		load, store, t, size := wasm.OpI32Load8U, wasm.OpI32Store8, wasm.I32, uint32(1)
		switch {
		case len(mask) >= 8:
			load, store, t, size = wasm.OpI64Load, wasm.OpI64Store, wasm.I64, 8
		case len(mask) >= 4:
			load, store, size = wasm.OpI32Load, wasm.OpI32Store, 4
		case len(mask) >= 2:
			load, store, size = wasm.OpI32Load16U, wasm.OpI32Store16, 2
		}
		var bits [8]byte
		copy(bits[:], mask[:size])
		word := binary.LittleEndian.Uint64(bits[:])
		if word != 0 {
			f.store(dst.field(off, 0, 0), store, 0, t, func() {
				f.load(src.field(off, 0, 0), load, 0, t)
				switch {
				case word == ^uint64(0)>>(64-8*size):
				case t == wasm.I64:
					b.I64(word)
					b.Op(wasm.OpI64And)
				default:
					b.I32(uint32(word))
					b.Op(wasm.OpI32And)
				}
			})
		}
		mask, off = mask[size:], off+size
	}
}

// lanes moves blocks of small elements.
type lanes struct {
	*fuser
	// block pushes what becomes of a block; what is wrong with it, anything
	// that is not zero, is added to errs, if there is such a local.
	block func(x ir.Local)
	errs  ir.Local
	check bool
}

// shape is the type of blocks: words of eight bytes, or vectors.
func (l *lanes) shape() (t wasm.ValType, load, store, or wasm.Opcode, size uint32) {
	if l.o.Vectors {
		return wasm.V128, wasm.OpV128Load, wasm.OpV128Store, wasm.OpV128Or, 16
	}
	return wasm.I64, wasm.OpI64Load, wasm.OpI64Store, wasm.OpI64Or, 8
}

// lanesOf returns how to move blocks of elements; nil if they are moved one by
// one.
func (f *fuser) lanesOf(elem *component.ValType) *lanes {
	b, l := f.b, &lanes{fuser: f}
	vectors := f.o.Vectors
	// each pushes a block with a byte in each of its lanes.
	each := func(v byte) {
		if vectors {
			b.I32(uint32(v))
			b.Op(wasm.OpI8x16Splat)
			return
		}
		b.I64(0x0101010101010101 * uint64(v))
	}
	_, _, _, _, size := l.shape()
	if mask := maskOf(elem); mask != nil && int(size)%len(mask) == 0 {
		mask = slices.Repeat(mask, int(size)/len(mask))
		l.block = func(x ir.Local) {
			b.Get(x)
			if vectors {
				b.V128([16]byte(mask))
				b.Op(wasm.OpV128And)
			} else {
				b.I64(binary.LittleEndian.Uint64(mask))
				b.Op(wasm.OpI64And)
			}
		}
		return l
	}
	switch {
	case elem.Kind == component.KindBool:
		l.block = func(x ir.Local) {
			if vectors {
				// -1 where it is zero, and then 0; 1 elsewhere.
				b.Get(x)
				each(0)
				b.Op(wasm.OpI8x16Eq)
				each(1)
				b.Op(wasm.OpI8x16Add)
				return
			}
			// The top bit of a lane gets set if any of the others is.
			b.Get(x)
			each(0x7f)
			b.Op(wasm.OpI64And)
			each(0x7f)
			b.Op(wasm.OpI64Add)
			b.Get(x)
			b.Op(wasm.OpI64Or)
			b.I64(7)
			b.Op(wasm.OpI64ShrU)
			each(1)
			b.Op(wasm.OpI64And)
		}
	case elem.Kind == component.KindEnum && elem.Size() == 1 && (vectors || len(elem.Labels) <= 0x80):
		n := len(elem.Labels)
		l.checked(func(x ir.Local) {
			b.Get(x)
			if vectors {
				each(byte(n - 1))
				b.Op(wasm.OpI8x16SubSatU)
				return
			}
			// The top bit of a lane, or what carries into it.
			each(0x7f)
			b.Op(wasm.OpI64And)
			each(byte(0x80 - n))
			b.Op(wasm.OpI64Add)
			b.Get(x)
			b.Op(wasm.OpI64Or)
			each(0x80)
			b.Op(wasm.OpI64And)
		})
	case elem.Kind == component.KindChar && vectors:
		splat := func(v uint32) {
			b.I32(v)
			b.Op(wasm.OpI32x4Splat)
		}
		l.checked(func(x ir.Local) {
			b.Get(x)
			splat(surrogate)
			b.Op(wasm.OpV128Xor)
			splat(charBias)
			b.Op(wasm.OpI32x4Sub)
			splat(charLimit)
			b.Op(wasm.OpI32x4GeU)
		})
	default:
		return nil
	}
	return l
}

// checked makes lanes that are moved as they are, if bad pushes zero.
func (l *lanes) checked(bad func(x ir.Local)) {
	t, _, _, or, _ := l.shape()
	l.check, l.errs = true, l.b.Local(t)
	l.block = func(x ir.Local) {
		bad(x)
		l.b.Get(l.errs)
		l.b.Op(or)
		l.b.Set(l.errs)
		l.b.Get(x)
	}
}

// blocks moves as many whole blocks as there are in left bytes, and the three
// locals with them; it traps if something was wrong. The receiver cannot see
// that its memory has changed before that, because it does not run again.
func (l *lanes) blocks(src, dst, left ir.Local) {
	b := l.b
	t, load, store, _, size := l.shape()
	x, total := b.Local(t), b.Local(wasm.I32)
	s, d := cursor{b, memoryOf(l.from), b.Local(wasm.I32)}, cursor{b, memoryOf(l.to), b.Local(wasm.I32)}
	b.Get(src)
	b.Base(s.m)
	b.Set(s.at)
	b.Get(dst)
	b.Base(d.m)
	b.Set(d.at)
	b.Get(left)
	b.Set(total)
	if l.check {
		if l.o.Vectors {
			b.I32(0)
			b.Op(wasm.OpI8x16Splat)
		} else {
			b.I64(0)
		}
		b.Set(l.errs)
	}
	b.Block()
	b.Loop()
	b.Get(left)
	b.I32(size)
	b.Op(wasm.OpI32LtU)
	b.BrIf(1)
	s.load(load, 0)
	b.Set(x)
	d.store(store, 0, func() { l.block(x) })
	s.advance(size)
	d.advance(size)
	b.Get(left)
	b.I32(size)
	b.Op(wasm.OpI32Sub)
	b.Set(left)
	b.Br(0)
	b.End()
	b.End()
	if l.check {
		b.Get(l.errs)
		if l.o.Vectors {
			b.Op(wasm.OpV128AnyTrue)
		} else {
			b.Op(wasm.OpI64Eqz, wasm.OpI32Eqz)
		}
		b.TrapIf()
	}
	for _, at := range []ir.Local{src, dst} {
		b.Get(at, total)
		b.Op(wasm.OpI32Add)
		b.Get(left)
		b.Op(wasm.OpI32Sub)
		b.Set(at)
	}
	b.Free(x, total, s.at, d.at)
}
