package adapter

import (
	"github.com/wbundle/wbundle/internal/component"
	"github.com/wbundle/wbundle/internal/ir"
	"github.com/wbundle/wbundle/internal/wasm"
)

// pointerPair loads pointer and length of a string or list into locals.
func (f *fuser) pointerPair(src place) (ptr, n ir.Local) {
	ptr, n = f.b.Local(wasm.I32), f.b.Local(wasm.I32)
	f.load(src.field(0, 0, 1), wasm.OpI32Load, 2, wasm.I32)
	f.b.Set(ptr)
	f.load(src.field(4, 1, 1), wasm.OpI32Load, 2, wasm.I32)
	f.b.Set(n)
	return ptr, n
}

// storePair stores pointer and length to a place.
func (f *fuser) storePair(dst place, ptr, n ir.Local) {
	f.store(dst.field(0, 0, 1), wasm.OpI32Store, 2, wasm.I32, func() { f.b.Get(ptr) })
	f.store(dst.field(4, 1, 1), wasm.OpI32Store, 2, wasm.I32, func() { f.b.Get(n) })
}

// list moves a list by the helper of its element type.
func (f *fuser) list(t *component.ValType, src, dst place) error {
	id, err := f.helper(helperKey{kind: helperList, typ: t.Elem, from: f.from, to: f.to}, "move list",
		[]wasm.ValType{wasm.I32, wasm.I32}, []wasm.ValType{wasm.I32}, func(b *ir.Builder) error {
			return (&fuser{generator: f.generator, b: b, from: f.from, to: f.to}).listBody(t.Elem)
		})
	if err != nil {
		return err
	}
	ptr, n := f.pointerPair(src)
	f.b.Get(ptr, n)
	f.b.Call(id)
	f.b.Set(ptr)
	f.storePair(dst, ptr, n)
	f.b.Free(ptr, n)
	return nil
}

// listBody is the helper (source pointer, length) -> destination pointer.
func (f *fuser) listBody(elem *component.ValType) error {
	const src, n = ir.Local(0), ir.Local(1)
	b := f.b
	size := elem.Size()
	bytes, dst := b.Local(wasm.I32), b.Local(wasm.I32)

	// length * size, in 64 bits.
	wide := b.Local(wasm.I64)
	b.Get(n)
	b.Op(wasm.OpI64ExtendI32U)
	b.I64(uint64(size))
	b.Op(wasm.OpI64Mul)
	b.Tee(wide)
	b.I64(maxByteLength)
	b.Op(wasm.OpI64GtU)
	b.TrapIf()
	b.Get(wide)
	b.Op(wasm.OpI32WrapI64)
	b.Set(bytes)

	f.checkAlign(src, elem.Align())
	b.Get(src, bytes)
	b.Call(f.boundsFunc(memoryOf(f.from)))
	f.alloc(f.to, elem.Align(), func() { b.Get(bytes) })
	b.Set(dst)
	f.checkAlign(dst, elem.Align())
	b.Get(dst, bytes)
	b.Call(f.boundsFunc(memoryOf(f.to)))

	if bitwise(elem) {
		b.Get(dst)
		b.Base(memoryOf(f.to))
		b.Get(src)
		b.Base(memoryOf(f.from))
		b.Get(bytes)
		b.RawCopy(memoryOf(f.to), memoryOf(f.from))
		b.Get(dst)
		return nil
	}
	if err := f.elements(elem, src, dst, func() { b.Get(bytes) }); err != nil {
		return err
	}
	b.Get(dst)
	return nil
}

// elements moves consecutive elements in memory; bytes pushes their size.
func (f *fuser) elements(elem *component.ValType, src, dst ir.Local, bytes func()) error {
	b := f.b
	s, d, end := b.Local(wasm.I32), b.Local(wasm.I32), b.Local(wasm.I32)
	b.Get(src)
	b.Tee(s)
	bytes()
	b.Op(wasm.OpI32Add)
	b.Set(end)
	b.Get(dst)
	b.Set(d)
	b.Block()
	b.Loop()
	b.Get(s, end)
	b.Op(wasm.OpI32Eq)
	b.BrIf(1)
	if err := f.value(elem, place{mem: true, ptr: s}, place{mem: true, ptr: d}); err != nil {
		return err
	}
	for _, l := range []ir.Local{s, d} {
		b.Get(l)
		b.I32(elem.Size())
		b.Op(wasm.OpI32Add)
		b.Set(l)
	}
	b.Br(0)
	b.End()
	b.End()
	b.Free(s, d, end)
	return nil
}

// fixedList moves a fixed-length list: in memory by a loop, flat by its
// elements, of which a flat value has at most 16.
func (f *fuser) fixedList(t *component.ValType, src, dst place) error {
	if src.mem && dst.mem {
		sp, dp := f.b.Local(wasm.I32), f.b.Local(wasm.I32)
		f.address(src)
		f.b.Set(sp)
		f.address(dst)
		f.b.Set(dp)
		err := f.elements(t.Elem, sp, dp, func() { f.b.I32(t.Size()) })
		f.b.Free(sp, dp)
		return err
	}
	n := t.Elem.FlatCount()
	for i := range int(t.Len) {
		off := uint32(i) * t.Elem.Size()
		if err := f.value(t.Elem, src.field(off, i*n, n), dst.field(off, i*n, n)); err != nil {
			return err
		}
	}
	return nil
}

// bitwise reports whether every bit pattern in memory is a valid value of the
// type that needs no translation, so that lists of it are one memory.copy.
func bitwise(t *component.ValType) bool {
	switch t.Kind {
	case component.KindS8, component.KindU8, component.KindS16, component.KindU16,
		component.KindS32, component.KindU32, component.KindS64, component.KindU64,
		component.KindF32, component.KindF64:
		return true
	case component.KindRecord, component.KindTuple:
		if len(t.Fields) > outlineCost {
			return false // bounds the walk over shared types
		}
		for _, fl := range t.Fields {
			if !bitwise(fl.Type) {
				return false
			}
		}
		return len(t.Fields) > 0
	case component.KindFixedList:
		return bitwise(t.Elem)
	}
	return false
}
