package adapter

import (
	"github.com/wbundle/wbundle/graph"
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
	if f.stages(memoryOf(f.from)) {
		f.fromHost(ptr, n)
	}
	return ptr, n
}

// storePair stores pointer and length to a place.
func (f *fuser) storePair(dst place, ptr, n ir.Local) {
	f.store(dst.field(0, 0, 1), wasm.OpI32Store, 2, wasm.I32, func() {
		f.b.Get(ptr)
		if f.stages(memoryOf(f.to)) {
			f.b.Base(memoryOf(f.to))
		}
	})
	f.store(dst.field(4, 1, 1), wasm.OpI32Store, 2, wasm.I32, func() { f.b.Get(n) })
}

// checkBounds traps unless n bytes at ptr lie in a memory; the sum cannot
// overflow in 64 bits. It is written in place, because it stands in helpers
// that are shared, and a call costs as much as passing a short string.
func (f *fuser) checkBounds(ptr, n ir.Local, m graph.MemoryID) {
	b := f.b
	b.Get(ptr)
	b.Op(wasm.OpI64ExtendI32U)
	b.Get(n)
	b.Op(wasm.OpI64ExtendI32U, wasm.OpI64Add)
	f.pushEnd(b, m)
	b.Op(wasm.OpI64GtU)
	b.TrapIf()
}

// list moves a list by a helper: that of its element type or, where elements
// are moved as they are, one for all types of the same alignment, which gets
// the size of an element as well.
func (f *fuser) list(t *component.ValType, src, dst place) error {
	bulk := asItIs(t.Elem)
	key, name, params := helperKey{kind: helperList, typ: t.Elem, from: f.from, to: f.to}, "move list", pair
	if bulk {
		key = helperKey{
			kind: helperList, shape: uint8(t.Elem.Align()),
			from: end{opts: graph.Options{Memory: memoryOf(f.from)}},
			to:   end{opts: graph.Options{Memory: memoryOf(f.to), Realloc: f.to.opts.Realloc}},
		}
		name, params = "copy list", triple
	}
	id, err := f.helper(key, name, params, pair[:1], func(b *ir.Builder) error {
		h := &listMove{fuser: &fuser{generator: f.generator, b: b, from: key.from, to: key.to}}
		if bulk {
			h.begin(t.Elem.Align(), h.product(listLen, func() { b.Get(2); b.Op(wasm.OpI64ExtendI32U) }))
			h.copyAll()
			return nil
		}
		h.begin(t.Elem.Align(), h.listBytes(listLen, t.Elem.Size()))
		return h.elementsOf(t.Elem)
	})
	if err != nil {
		return err
	}
	ptr, n := f.pointerPair(src)
	f.b.Get(ptr, n)
	if bulk {
		f.b.I32(t.Elem.Size())
	}
	f.b.Call(id)
	f.b.Set(ptr)
	f.storePair(dst, ptr, n)
	f.b.Free(ptr, n)
	return nil
}

// listMove builds a helper (source pointer, length) -> destination pointer.
type listMove struct {
	*fuser
	bytes, dst ir.Local
}

// The parameters of every such helper.
const (
	listSrc = ir.Local(0)
	listLen = ir.Local(1)
)

// listBytes returns the size, in bytes, of a list of n elements of a size; it
// traps if that is more than a list may have.
func (f *fuser) listBytes(n ir.Local, size uint32) ir.Local {
	return f.product(n, func() { f.b.I64(uint64(size)) })
}

// product is listBytes for a size that is pushed as an i64, in which the
// product cannot overflow.
func (f *fuser) product(n ir.Local, size func()) ir.Local {
	b := f.b
	bytes, wide := b.Local(wasm.I32), b.Local(wasm.I64)
	b.Get(n)
	b.Op(wasm.OpI64ExtendI32U)
	size()
	b.Op(wasm.OpI64Mul)
	b.Tee(wide)
	b.I64(maxByteLength)
	b.Op(wasm.OpI64GtU)
	b.TrapIf()
	b.Get(wide)
	b.Op(wasm.OpI32WrapI64)
	b.Set(bytes)
	b.Free(wide)
	return bytes
}

// begin checks the source, which has so many bytes, and allocates as many.
func (m *listMove) begin(align uint32, bytes ir.Local) {
	b := m.b
	m.bytes, m.dst = bytes, b.Local(wasm.I32)
	m.checkAlign(listSrc, align)
	m.checkBounds(listSrc, m.bytes, memoryOf(m.from))
	m.alloc(m.to, align, func() { b.Get(m.bytes) })
	b.Set(m.dst)
	m.checkAlign(m.dst, align)
	m.checkBounds(m.dst, m.bytes, memoryOf(m.to))
}

// copyAll copies the list as it is, and ends the helper.
func (m *listMove) copyAll() {
	b := m.b
	b.Get(m.dst)
	b.Base(memoryOf(m.to))
	b.Get(listSrc)
	b.Base(memoryOf(m.from))
	b.Get(m.bytes)
	b.RawCopy(memoryOf(m.to), memoryOf(m.from))
	b.Get(m.dst)
}

// elementsOf moves the elements, by blocks as far as that goes and the others
// by themselves, and ends the helper.
func (m *listMove) elementsOf(elem *component.ValType) error {
	b := m.b
	at := b.Local(wasm.I32)
	b.Get(m.dst)
	b.Set(at)
	if l := m.lanesOf(elem); l != nil {
		l.blocks(listSrc, at, m.bytes)
	}
	if err := m.elements(elem, listSrc, at, func() { b.Get(m.bytes) }); err != nil {
		return err
	}
	b.Get(m.dst)
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
	if mask := maskOf(elem); mask != nil {
		f.copyMasked(place{mem: true, ptr: s}, place{mem: true, ptr: d}, mask)
	} else if err := f.value(elem, place{mem: true, ptr: s}, place{mem: true, ptr: d}); err != nil {
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

// fixedList moves a fixed-length list: in memory as a whole or by a loop, flat
// by its elements, of which a flat value has at most 16.
func (f *fuser) fixedList(t *component.ValType, src, dst place) error {
	if src.mem && dst.mem {
		if mask := maskOf(t); mask != nil {
			f.copyMasked(src, dst, mask)
			return nil
		}
		sp, dp := f.b.Local(wasm.I32), f.b.Local(wasm.I32)
		f.address(src)
		f.b.Set(sp)
		f.address(dst)
		f.b.Set(dp)
		if asItIs(t) {
			f.b.Get(dp)
			f.b.Base(memoryOf(f.to))
			f.b.Get(sp)
			f.b.Base(memoryOf(f.from))
			f.b.I32(t.Size())
			f.b.RawCopy(memoryOf(f.to), memoryOf(f.from))
			f.b.Free(sp, dp)
			return nil
		}
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
