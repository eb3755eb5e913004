package adapter

import (
	"github.com/wbundle/wbundle/graph"
	"github.com/wbundle/wbundle/internal/ir"
	"github.com/wbundle/wbundle/internal/wasm"
)

// latin1OrUTF16 is store_string_to_latin1_or_utf16: bytes until a character
// does not fit; then the block grows, what is in it is inflated in place, and
// the rest follows as UTF-16.
//
//	dst = realloc(0, 0, 2, units)
//	consumed, size = copy the Latin-1 prefix
//	if consumed == units
//	    if size < units: dst = realloc(dst, units, 2, size)
//	    return dst, size
//	dst = realloc(dst, units, 2, 2 * units)
//	widen(dst, size)
//	size = 2 * size + decode or copy the rest
//	if size < 2 * units: dst = realloc(dst, 2 * units, 2, size)
//	return dst, size / 2 | tag
func (m *textMove) latin1OrUTF16() {
	b, from, to := m.b, memoryOf(m.from), memoryOf(m.to)
	consumed, size := b.Local(wasm.I32), b.Local(wasm.I32)
	m.allocate(2, textUnits)
	m.pushSrc()
	b.Get(textUnits)
	m.pushDst()
	if m.form == formUTF8 {
		b.Call(m.latin1PrefixFunc(from, to))
		b.Set(size)
		b.Set(consumed)
	} else {
		b.I64(lanesLatin16)
		b.Call(m.narrowFunc(from, to))
		b.Tee(size)
		b.Set(consumed)
	}
	b.Get(consumed, textUnits)
	b.Op(wasm.OpI32Eq)
	b.If()
	if m.form == formUTF8 {
		m.shrink(textUnits, 2, size)
	}
	b.Get(m.dst, size)
	b.Op(wasm.OpReturn)
	b.End()

	worst := m.double(textUnits)
	m.reallocate(textUnits, 2, worst)
	m.pushDst()
	b.Get(size)
	m.pushDst()
	b.Call(m.widenFunc(to, to))
	if m.form == formUTF8 {
		m.pushRest(consumed)
		m.pushDst()
		b.Get(size)
		b.I32(1)
		b.Op(wasm.OpI32Shl, wasm.OpI32Add)
		b.Call(m.decodeUTF8Func(from, to))
		m.pushDst()
		b.Op(wasm.OpI32Sub)
		b.Set(size)
		m.shrink(worst, 2, size)
		b.Get(m.dst, size)
		b.I32(1)
		b.Op(wasm.OpI32ShrU)
	} else {
		m.copyRest(consumed)
		b.Get(m.dst, textUnits)
	}
	b.I32(utf16Tag)
	b.Op(wasm.OpI32Or)
}

// probablyUTF16 is store_probably_utf16_to_latin1_or_utf16: a string that was
// tagged is expected to need its tag again. If it does not, the block shrinks
// to bytes; to an alignment of 2, because what the specification passes there,
// 1, would allow a block that no latin1+utf16 string may be in. Engines pass 2.
//
//	dst = realloc(0, 0, 2, 2 * units)
//	if all are Latin-1: return realloc(dst, 2 * units, 2, units), units
//	return dst, units | tag
func (m *textMove) probablyUTF16() {
	b := m.b
	consumed := b.Local(wasm.I32)
	m.allocate(2, m.bytes)
	m.pushSrc()
	b.Get(textUnits)
	m.pushDst()
	b.I64(lanesLatin16)
	b.Call(m.narrowFunc(memoryOf(m.from), memoryOf(m.to)))
	b.Tee(consumed)
	b.Get(textUnits)
	b.Op(wasm.OpI32Eq)
	b.If()
	m.reallocate(m.bytes, 2, textUnits)
	b.Get(m.dst, textUnits)
	b.Op(wasm.OpReturn)
	b.End()
	// Over the bytes that were tried. What was Latin-1 is valid.
	m.validateRest(consumed)
	m.copyBytes(m.bytes)
	b.Get(m.dst, textUnits)
	b.I32(utf16Tag)
	b.Op(wasm.OpI32Or)
}

// validateRest traps unless the UTF-16 after the first done units is valid.
func (m *textMove) validateRest(done ir.Local) {
	m.pushRest(done)
	m.b.Call(m.validateUTF16Func(memoryOf(m.from)))
}

// copyRest validates and copies the UTF-16 after the first done units, which
// are two bytes each at the destination as well.
func (m *textMove) copyRest(done ir.Local) {
	b := m.b
	m.validateRest(done)
	at, left := b.Local(wasm.I32), b.Local(wasm.I32)
	m.pushRest(done)
	b.Set(left)
	b.Set(at)
	m.pushDst()
	b.Get(m.bytes)
	b.Op(wasm.OpI32Add)
	b.Get(left)
	b.Op(wasm.OpI32Sub)
	b.Get(at, left)
	b.RawCopy(memoryOf(m.to), memoryOf(m.from))
}

// latin1PrefixFunc returns the helper (source, bytes, destination) ->
// (consumed, written) that writes UTF-8 as Latin-1 up to the first character,
// or malformed sequence, that is not one. It never traps: what it stops at is
// read again by the decoder of the rest, which does.
func (g *generator) latin1PrefixFunc(from, to graph.MemoryID) graph.FuncID {
	return g.loopPiece(partLatin, from, to, "latin1 prefix", triple, pair, func(b *ir.Builder) {
		srcStart, dstStart := b.Local(wasm.I32), b.Local(wasm.I32)
		b.Get(0)
		b.Set(srcStart)
		b.Get(2)
		b.Set(dstStart)
		d := cursor{b, to, 2}
		w := g.walk(b, from, 0, 1)
		w.each(func() { w.copyASCII(d) }, func() {
			w.load(wasm.OpI32Load8U, 0)
			b.Tee(w.unit)
			b.I32(0x80)
			b.Op(wasm.OpI32LtU)
			b.If()
			d.store(wasm.OpI32Store8, 0, func() { b.Get(w.unit) })
			w.advance(1)
			d.advance(1)
			b.Br(toBlocks + 1)
			b.End()
			// 0xc2 and 0xc3 lead to what is left of Latin-1.
			b.Get(w.unit)
			b.I32(0xfe)
			b.Op(wasm.OpI32And)
			b.I32(0xc2)
			b.Op(wasm.OpI32Ne)
			b.BrIf(toDone)
			w.fewer(2)
			b.BrIf(toDone)
			w.load(wasm.OpI32Load8U, 1)
			b.Tee(w.next)
			b.I32(0xc0)
			b.Op(wasm.OpI32And)
			b.I32(0x80)
			b.Op(wasm.OpI32Ne)
			b.BrIf(toDone)
			// The byte that is stored loses all but the lead's low bits.
			d.store(wasm.OpI32Store8, 0, func() {
				b.Get(w.unit)
				b.I32(6)
				b.Op(wasm.OpI32Shl)
				b.Get(w.next)
				b.I32(0x3f)
				b.Op(wasm.OpI32And, wasm.OpI32Or)
			})
			w.advance(2)
			d.advance(1)
		})
		b.Get(w.at, srcStart)
		b.Op(wasm.OpI32Sub)
		b.Get(d.at, dstStart)
		b.Op(wasm.OpI32Sub)
	})
}
