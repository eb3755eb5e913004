package adapter

import (
	"github.com/wbundle/wbundle/graph"
	"github.com/wbundle/wbundle/internal/ir"
	"github.com/wbundle/wbundle/internal/wasm"
)

// validateUTF16Func returns the helper (ptr, bytes) that traps at a lone
// surrogate. The caller has checked bounds and alignment.
func (f *fuser) validateUTF16Func() graph.FuncID {
	m := memoryOf(f.from)
	return f.loopPiece(partValid16, m, 0, "validate utf16", pair, nil, func(f *fuser) {
		b := f.b
		w := f.walk(m, 0, 1)
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
		w.each(func() {
			w.load(wasm.OpI32Load16U, 0)
			b.Set(w.unit)
			w.advance(2)
			isSurrogate(b, w.unit)
			b.If()
			w.utf16Pair()
			b.Else()
			w.words(anySurrogate, skip)
			b.End()
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
	b.Get(textSrc, textUnits, m.dst)
	b.Call(m.decodeUTF8Func())
	b.Get(m.dst)
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
	m.b.Get(textSrc, textUnits, m.dst)
	m.b.Call(m.widenFunc(memoryOf(m.from), memoryOf(m.to)))
	m.b.Get(m.dst, textUnits)
}

// decodeUTF8Func returns the helper (src, bytes, dst) -> end of dst that
// writes UTF-8 as UTF-16. It traps unless the source is well-formed.
func (f *fuser) decodeUTF8Func() graph.FuncID {
	from, to := memoryOf(f.from), memoryOf(f.to)
	return f.loopPiece(partTo16, from, to, "utf8 to utf16", triple, pair[:1], func(f *fuser) {
		b := f.b
		d := cursor{b, to, 2}
		w := f.walk(from, 0, 1)
		x := b.Local(wasm.I64)
		// Eight bytes become two words of four units.
		widenWords := func() {
			w.words(w.hasBits(func() { b.I64(lanesASCII8) }), func(word ir.Local) {
				d.store(wasm.OpI64Store, 0, func() {
					b.Get(word)
					b.I64(0xffffffff)
					b.Op(wasm.OpI64And)
					spread(b, x)
				})
				d.store(wasm.OpI64Store, 8, func() {
					b.Get(word)
					b.I64(32)
					b.Op(wasm.OpI64ShrU)
					spread(b, x)
				})
				d.advance(16)
			})
		}
		w.each(func() {
			w.byteOrChar(
				func() {
					d.store(wasm.OpI32Store16, 0, func() { b.Get(w.unit) })
					d.advance(2)
					w.advance(1)
					widenWords()
				},
				func() {
					b.Get(w.cp)
					b.I32(0x10000)
					b.Op(wasm.OpI32LtU)
					b.If()
					d.store(wasm.OpI32Store16, 0, func() { b.Get(w.cp) })
					d.advance(2)
					b.Else()
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
					b.End()
				},
			)
		})
		b.Get(d.at)
	})
}

// widenFunc returns the helper (src, bytes, dst) that makes a 16-bit unit of
// each byte. It works from the end, so that it also inflates in place, where
// dst is src.
func (f *fuser) widenFunc(from, to graph.MemoryID) graph.FuncID {
	return f.loopPiece(partWiden, from, to, "widen latin1", triple, nil, func(f *fuser) {
		const src, n, dst = ir.Local(0), ir.Local(1), ir.Local(2)
		b := f.b
		s, d := cursor{b, from, b.Local(wasm.I32)}, cursor{b, to, b.Local(wasm.I32)}
		x := b.Local(wasm.I64)
		// step moves the ends of both in front of the last k bytes.
		step := func(k uint32) {
			b.Get(n)
			b.I32(k)
			b.Op(wasm.OpI32Sub)
			b.Tee(n)
			b.Get(src)
			b.Op(wasm.OpI32Add)
			b.Set(s.at)
			b.Get(n)
			b.I32(1)
			b.Op(wasm.OpI32Shl)
			b.Get(dst)
			b.Op(wasm.OpI32Add)
			b.Set(d.at)
		}
		// What is left over of blocks of four comes first, at the end.
		b.Block()
		b.Loop()
		b.Get(n)
		b.I32(3)
		b.Op(wasm.OpI32And, wasm.OpI32Eqz)
		b.BrIf(1)
		step(1)
		d.store(wasm.OpI32Store16, 0, func() { s.load(wasm.OpI32Load8U, 0) })
		b.Br(0)
		b.End()
		b.End()
		b.Block()
		b.Loop()
		b.Get(n)
		b.Op(wasm.OpI32Eqz)
		b.BrIf(1)
		step(4)
		d.store(wasm.OpI64Store, 0, func() {
			s.load(wasm.OpI64Load32U, 0)
			spread(b, x)
		})
		b.Br(0)
		b.End()
		b.End()
	})
}
