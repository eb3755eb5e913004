package adapter

import (
	"github.com/wbundle/wbundle/graph"
	"github.com/wbundle/wbundle/internal/ir"
	"github.com/wbundle/wbundle/internal/wasm"
)

// validateUTF8Func returns the helper (address, bytes) that traps unless the
// bytes are well-formed UTF-8. The caller has checked the bounds.
func (g *generator) validateUTF8Func(m graph.MemoryID) graph.FuncID {
	return g.loopPiece(partValid8, m, 0, "validate utf8", pair, nil, func(b *ir.Builder) {
		if g.o.Vectors {
			validateUTF8Vectors(b, m)
			return
		}
		w := g.walk(b, m, 0, 1)
		w.each(w.skipASCII, func() {
			w.byteOrChar(func() { w.advance(1) }, func() {})
		})
	})
}

// growToUTF8 is store_string_to_utf8. One byte for each unit is enough for
// ASCII; at the first character that is not, the block grows to the worst case
// (two bytes for a Latin-1 character, three for a UTF-16 unit), and in the end
// it shrinks to what was used.
//
//	dst = realloc(0, 0, 1, units)
//	done = copy the ASCII prefix
//	if done < units
//	    dst = realloc(dst, units, 1, worst)
//	    size = done + encode the rest
//	    if size < worst: dst = realloc(dst, worst, 1, size)
func (m *textMove) growToUTF8() {
	b, from, to := m.b, memoryOf(m.from), memoryOf(m.to)
	m.allocate(1, textUnits)
	size := b.Local(wasm.I32) // the bytes written
	worst, factor, rest := b.Local(wasm.I32), uint32(3), m.encodeUTF16Func
	if m.form == formLatin1 {
		factor, rest = 2, m.encodeLatin1Func
		m.pushSrc()
		b.Get(textUnits)
		b.Call(m.asciiPrefixFunc(from))
		b.Set(size)
		m.copyBytes(size)
	} else {
		m.pushSrc()
		b.Get(textUnits)
		m.pushDst()
		b.I64(lanesASCII16)
		b.Call(m.narrowFunc(from, to))
		b.Set(size)
	}
	b.Get(size, textUnits)
	b.Op(wasm.OpI32Ne)
	b.If()
	b.Get(textUnits)
	b.I32(factor)
	b.Op(wasm.OpI32Mul)
	b.Set(worst)
	m.reallocate(textUnits, 1, worst)
	m.pushRest(size)
	m.pushDst()
	b.Get(size)
	b.Op(wasm.OpI32Add)
	b.Call(rest(from, to))
	m.pushDst()
	b.Op(wasm.OpI32Sub)
	b.Set(size)
	m.shrink(worst, 1, size)
	b.End()
	b.Get(m.dst, size)
}

// pushRest pushes the address and the length in bytes of what follows the
// first done units of the source.
func (m *textMove) pushRest(done ir.Local) {
	b := m.b
	scaled := func() {
		b.Get(done)
		if m.form.unit() == 1 {
			b.I32(1)
			b.Op(wasm.OpI32Shl)
		}
	}
	m.pushSrc()
	scaled()
	b.Op(wasm.OpI32Add)
	b.Get(m.bytes)
	scaled()
	b.Op(wasm.OpI32Sub)
}

// asciiPrefixFunc returns the helper (address, bytes) -> bytes that counts the
// leading ASCII.
func (g *generator) asciiPrefixFunc(m graph.MemoryID) graph.FuncID {
	return g.loopPiece(partASCII, m, 0, "ascii prefix", pair, pair[:1], func(b *ir.Builder) {
		start := b.Local(wasm.I32)
		b.Get(0)
		b.Set(start)
		w := g.walk(b, m, 0, 1)
		w.each(w.skipASCII, func() {
			w.load(wasm.OpI32Load8U, 0)
			b.I32(0x80)
			b.Op(wasm.OpI32GeU)
			b.BrIf(toDone)
			w.advance(1)
		})
		b.Get(w.at, start)
		b.Op(wasm.OpI32Sub)
	})
}

// narrowFunc returns the helper (source, units, destination, mask) -> units
// that copies 16-bit units to bytes up to the first that has a bit of mask,
// which holds the bits that are too high four times over.
func (g *generator) narrowFunc(from, to graph.MemoryID) graph.FuncID {
	params := []wasm.ValType{wasm.I32, wasm.I32, wasm.I32, wasm.I64}
	return g.loopPiece(partNarrow, from, to, "narrow utf16", params, pair[:1], func(b *ir.Builder) {
		const n, mask = ir.Local(1), ir.Local(3)
		start := b.Local(wasm.I32)
		d := cursor{b, to, 2}
		b.Get(d.at)
		b.Set(start)
		b.Get(n)
		b.I32(1)
		b.Op(wasm.OpI32Shl)
		b.Set(n)
		w := g.walk(b, from, 0, n)
		w.each(func() { w.narrow(d, func() { b.Get(mask) }) }, func() {
			w.load(wasm.OpI32Load16U, 0)
			b.Tee(w.unit)
			b.Get(mask)
			b.Op(wasm.OpI32WrapI64, wasm.OpI32And)
			// The mask is there twice over: the unit has no upper half.
			b.BrIf(toDone)
			d.store(wasm.OpI32Store8, 0, func() { b.Get(w.unit) })
			w.advance(2)
			d.advance(1)
		})
		b.Get(d.at, start)
		b.Op(wasm.OpI32Sub)
	})
}

// encodeUTF16Func returns the helper (source, bytes, destination) -> end of
// destination that writes UTF-16 as UTF-8. It traps at a lone surrogate.
func (g *generator) encodeUTF16Func(from, to graph.MemoryID) graph.FuncID {
	return g.loopPiece(partFrom16, from, to, "utf16 to utf8", triple, pair[:1], func(b *ir.Builder) {
		d := cursor{b, to, 2}
		w := g.walk(b, from, 0, 1)
		// put stores the bytes of a sequence: the bits of l, six at a time,
		// behind the marker of the first byte.
		put := func(l ir.Local, bytes, marker uint32) {
			for i := range bytes {
				d.store(wasm.OpI32Store8, i, func() {
					b.Get(l)
					if shift := 6 * (bytes - 1 - i); shift > 0 {
						b.I32(shift)
						b.Op(wasm.OpI32ShrU)
					}
					if i > 0 {
						b.I32(0x3f)
						b.Op(wasm.OpI32And)
						marker = 0x80
					}
					b.I32(marker)
					b.Op(wasm.OpI32Or)
				})
			}
			d.advance(bytes)
		}
		w.each(func() { w.narrow(d, func() { b.I64(lanesASCII16) }) }, func() {
			w.load(wasm.OpI32Load16U, 0)
			b.Set(w.unit)
			w.advance(2)
			b.Get(w.unit)
			b.I32(0x80)
			b.Op(wasm.OpI32LtU)
			b.If()
			d.store(wasm.OpI32Store8, 0, func() { b.Get(w.unit) })
			d.advance(1)
			b.Br(toBlocks + 1)
			b.End()
			b.Get(w.unit)
			b.I32(0x800)
			b.Op(wasm.OpI32LtU)
			b.If()
			put(w.unit, 2, 0xc0)
			b.Br(toUnit + 1)
			b.End()
			isSurrogate(b, w.unit)
			b.If()
			w.utf16Pair()
			// 0x10000 + (unit - 0xd800) << 10 + (next - 0xdc00)
			b.Get(w.unit)
			b.I32(10)
			b.Op(wasm.OpI32Shl)
			b.Get(w.next)
			b.Op(wasm.OpI32Add)
			b.I32(0xd800<<10 + 0xdc00 - 0x10000)
			b.Op(wasm.OpI32Sub)
			b.Set(w.cp)
			put(w.cp, 4, 0xf0)
			b.Br(toUnit + 1)
			b.End()
			put(w.unit, 3, 0xe0)
		})
		b.Get(d.at)
	})
}

// triple is the type of most loops: source, its length, destination.
var triple = []wasm.ValType{wasm.I32, wasm.I32, wasm.I32}

// encodeLatin1Func returns the helper (source, bytes, destination) -> end of
// destination that writes Latin-1 as UTF-8.
func (g *generator) encodeLatin1Func(from, to graph.MemoryID) graph.FuncID {
	return g.loopPiece(partFromLatin, from, to, "latin1 to utf8", triple, pair[:1], func(b *ir.Builder) {
		d := cursor{b, to, 2}
		w := g.walk(b, from, 0, 1)
		w.each(func() { w.copyASCII(d) }, func() {
			w.load(wasm.OpI32Load8U, 0)
			b.Set(w.unit)
			w.advance(1)
			b.Get(w.unit)
			b.I32(0x80)
			b.Op(wasm.OpI32LtU)
			b.If()
			d.store(wasm.OpI32Store8, 0, func() { b.Get(w.unit) })
			d.advance(1)
			b.Br(toBlocks + 1)
			b.End()
			// 0xc2 or 0xc3, and the low six bits.
			d.store(wasm.OpI32Store8, 0, func() {
				b.Get(w.unit)
				b.I32(6)
				b.Op(wasm.OpI32ShrU)
				b.I32(0xc0)
				b.Op(wasm.OpI32Or)
			})
			d.store(wasm.OpI32Store8, 1, func() {
				b.Get(w.unit)
				b.I32(0xbf)
				b.Op(wasm.OpI32And)
			})
			d.advance(2)
		})
		b.Get(d.at)
	})
}
