package adapter

import (
	"github.com/wbundle/wbundle/graph"
	"github.com/wbundle/wbundle/internal/ir"
	"github.com/wbundle/wbundle/internal/wasm"
)

// validateUTF16Func returns the helper (address, bytes) that traps at a lone
// surrogate. The caller has checked bounds and alignment.
func (g *generator) validateUTF16Func(m graph.MemoryID) graph.FuncID {
	return g.loopPiece(partValid16, m, 0, "validate utf16", pair, nil, func(b *ir.Builder) {
		if g.o.Vectors {
			validateUTF16Vectors(b, m)
			return
		}
		w := g.walk(b, m, 0, 1)
		// A lane with a surrogate is zero after the mask and the exclusive or;
		// zero lanes are those that a borrow reaches the top bit of.
		anySurrogate := func(word ir.Local) {
			b.Get(word)
			b.I64(lanesTop5)
			b.Op(wasm.OpI64And)
			b.I64(lanesSurr)
			b.Op(wasm.OpI64Xor)
			b.Tee(word)
			b.I64(lanesOne)
			b.Op(wasm.OpI64Sub)
			b.Get(word)
			b.I64(0xffffffffffffffff)
			b.Op(wasm.OpI64Xor, wasm.OpI64And)
			b.I64(lanesTop)
			b.Op(wasm.OpI64And, wasm.OpI64Eqz, wasm.OpI32Eqz)
		}
		skip := func() {
			w.while(wasm.I64, func(word ir.Local) {
				anySurrogate(word)
				b.BrIf(1)
				w.advance(8)
			})
		}
		w.each(skip, func() {
			w.load(wasm.OpI32Load16U, 0)
			b.Set(w.unit)
			w.advance(2)
			isSurrogate(b, w.unit)
			b.Op(wasm.OpI32Eqz)
			b.BrIf(toBlocks)
			w.utf16Pair()
		})
	})
}

// utf8ToUTF16 is store_utf8_to_utf16: a unit for each byte is the worst case.
//
//	dst = realloc(0, 0, 2, 2 * units)
//	size = decode
//	if size < 2 * units: dst = realloc(dst, 2 * units, 2, size)
func (m *textMove) utf8ToUTF16() {
	b := m.b
	worst, size := m.double(textUnits), b.Local(wasm.I32)
	m.allocate(2, worst)
	m.pushSrc()
	b.Get(textUnits)
	m.pushDst()
	b.Call(m.decodeUTF8Func(memoryOf(m.from), memoryOf(m.to)))
	m.pushDst()
	b.Op(wasm.OpI32Sub)
	b.Set(size)
	m.shrink(worst, 2, size)
	b.Get(m.dst, size)
	b.I32(1)
	b.Op(wasm.OpI32ShrU)
}

// latin1ToUTF16 is store_string_copy into units of two bytes.
func (m *textMove) latin1ToUTF16() {
	size := m.double(textUnits)
	m.allocate(2, size)
	m.pushSrc()
	m.b.Get(textUnits)
	m.pushDst()
	m.b.Call(m.widenFunc(memoryOf(m.from), memoryOf(m.to)))
	m.b.Get(m.dst, textUnits)
}

// decodeUTF8Func returns the helper (source, bytes, destination) -> end of
// destination that writes UTF-8 as UTF-16. It traps unless the source is
// well-formed.
func (g *generator) decodeUTF8Func(from, to graph.MemoryID) graph.FuncID {
	return g.loopPiece(partTo16, from, to, "utf8 to utf16", triple, pair[:1], func(b *ir.Builder) {
		d := cursor{b, to, 2}
		w := g.walk(b, from, 0, 1)
		w.each(func() { w.widenASCII(d) }, func() {
			w.byteOrChar(
				func() {
					d.store(wasm.OpI32Store16, 0, func() { b.Get(w.unit) })
					d.advance(2)
					w.advance(1)
				},
				func() {
					b.Get(w.cp)
					b.I32(0x10000)
					b.Op(wasm.OpI32LtU)
					b.If()
					d.store(wasm.OpI32Store16, 0, func() { b.Get(w.cp) })
					d.advance(2)
					b.Br(toUnit + 1)
					b.End()
					// 0xd800 + (cp - 0x10000) >> 10, 0xdc00 + cp & 0x3ff
					d.store(wasm.OpI32Store16, 0, func() {
						b.Get(w.cp)
						b.I32(10)
						b.Op(wasm.OpI32ShrU)
						b.I32(0xd800 - 0x10000>>10)
						b.Op(wasm.OpI32Add)
					})
					d.store(wasm.OpI32Store16, 2, func() {
						b.Get(w.cp)
						b.I32(0x3ff)
						b.Op(wasm.OpI32And)
						b.I32(0xdc00)
						b.Op(wasm.OpI32Or)
					})
					d.advance(4)
				},
			)
		})
		b.Get(d.at)
	})
}

// widenFunc returns the helper (source, bytes, destination) that makes a 16-bit
// unit of each byte. It works from the end, so that it also inflates in place,
// where the destination is the source.
func (g *generator) widenFunc(from, to graph.MemoryID) graph.FuncID {
	return g.loopPiece(partWiden, from, to, "widen latin1", triple, nil, func(b *ir.Builder) {
		const src, n, dst = ir.Local(0), ir.Local(1), ir.Local(2)
		s, d := cursor{b, from, b.Local(wasm.I32)}, cursor{b, to, b.Local(wasm.I32)}
		// back moves the ends of both in front of the last k of n bytes.
		back := func(k uint32) {
			b.Get(n)
			b.I32(k)
			b.Op(wasm.OpI32Sub)
			b.Tee(s.at)
			b.I32(1)
			b.Op(wasm.OpI32Shl)
			b.Get(dst)
			b.Op(wasm.OpI32Add)
			b.Set(d.at)
			b.Get(s.at, src)
			b.Op(wasm.OpI32Add)
			b.Set(s.at)
		}
		shorten := func(k uint32) {
			b.Get(n)
			b.I32(k)
			b.Op(wasm.OpI32Sub)
			b.Set(n)
		}
		size := uint32(4)
		block := func() {
			x := b.Local(wasm.I64)
			d.store(wasm.OpI64Store, 0, func() {
				s.load(wasm.OpI64Load32U, 0)
				spread(b, x)
			})
		}
		if g.o.Vectors {
			widenVectors(b, n, s, d, back)
			size = 8
			block = func() { d.store(wasm.OpV128Store, 0, func() { s.load(wasm.OpV128Load8x8U, 0) }) }
		}
		// What is left over of whole blocks comes first, at the end.
		b.Block()
		b.Loop()
		b.Get(n)
		b.I32(size - 1)
		b.Op(wasm.OpI32And, wasm.OpI32Eqz)
		b.BrIf(1)
		back(1)
		d.store(wasm.OpI32Store16, 0, func() { s.load(wasm.OpI32Load8U, 0) })
		shorten(1)
		b.Br(0)
		b.End()
		b.End()
		b.Block()
		b.Loop()
		b.Get(n)
		b.Op(wasm.OpI32Eqz)
		b.BrIf(1)
		back(size)
		block()
		shorten(size)
		b.Br(0)
		b.End()
		b.End()
	})
}
