package adapter

import (
	"github.com/wbundle/wbundle/graph"
	"github.com/wbundle/wbundle/internal/ir"
	"github.com/wbundle/wbundle/internal/wasm"
)

// validateFunc returns the helper (ptr, bytes) that traps unless the bytes
// are well-formed UTF-8. The caller has checked the bounds.
func (g *generator) validateFunc(m graph.MemoryID) graph.FuncID {
	id, _ := g.helper(helperKey{kind: helperValidate, from: end{opts: graph.Options{Memory: m}}}, "validate utf8", pair, nil, func(b *ir.Builder) error {
		w := (&fuser{generator: g, b: b}).walk(m, 0, 1)
		w.each(func() {
			w.byteOrChar(func() {
				w.advance(1)
				w.skipASCII()
			}, func() {})
		})
		return nil
	})
	return id
}

// byteOrChar is a step over UTF-8: it reads the byte at the position into
// unit. ASCII is the first function's to handle, and to move behind; of
// anything else the second gets the character in cp.
func (w *walker) byteOrChar(ascii, char func()) {
	w.load(wasm.OpI32Load8U, 0)
	w.b.Tee(w.unit)
	w.b.I32(0x80)
	w.b.Op(wasm.OpI32LtU)
	w.b.If()
	ascii()
	w.b.Else()
	w.utf8Char()
	char()
	w.b.End()
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
		b.Get(textSrc, textUnits)
		b.Call(m.asciiPrefixFunc())
		b.Set(size)
		m.copyBytes(func() { b.Get(m.dst) }, func() { b.Get(textSrc) }, size)
	} else {
		b.Get(textSrc, textUnits, m.dst)
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
	b.Get(m.dst, size)
	b.Op(wasm.OpI32Add)
	b.Call(rest(from, to))
	b.Get(m.dst)
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
	b.Get(textSrc)
	scaled()
	b.Op(wasm.OpI32Add)
	b.Get(m.bytes)
	scaled()
	b.Op(wasm.OpI32Sub)
}

// asciiPrefixFunc returns the helper (ptr, bytes) -> bytes that counts the
// leading ASCII.
func (f *fuser) asciiPrefixFunc() graph.FuncID {
	m := memoryOf(f.from)
	return f.loopPiece(partASCII, m, 0, "ascii prefix", pair, pair[:1], func(f *fuser) {
		b := f.b
		start := b.Local(wasm.I32)
		b.Get(0)
		b.Set(start)
		w := f.walk(m, 0, 1)
		w.each(func() {
			w.load(wasm.OpI32Load8U, 0)
			b.I32(0x80)
			b.Op(wasm.OpI32GeU)
			b.BrIf(1)
			w.advance(1)
			w.skipASCII()
		})
		b.Get(w.at, start)
		b.Op(wasm.OpI32Sub)
	})
}

// narrowFunc returns the helper (src, units, dst, mask) -> units that copies
// 16-bit units to bytes up to the first that has a bit of mask, which holds the
// bits that are too high four times over.
func (f *fuser) narrowFunc(from, to graph.MemoryID) graph.FuncID {
	params := []wasm.ValType{wasm.I32, wasm.I32, wasm.I32, wasm.I64}
	return f.loopPiece(partNarrow, from, to, "narrow utf16", params, pair[:1], func(f *fuser) {
		const n, mask = ir.Local(1), ir.Local(3)
		b := f.b
		start := b.Local(wasm.I32)
		d := cursor{b, to, 2}
		b.Get(d.at)
		b.Set(start)
		b.Get(n)
		b.I32(1)
		b.Op(wasm.OpI32Shl)
		b.Set(n)
		w := f.walk(from, 0, n)
		w.each(func() {
			w.load(wasm.OpI32Load16U, 0)
			b.Tee(w.unit)
			b.Get(mask)
			b.Op(wasm.OpI32WrapI64, wasm.OpI32And)
			b.BrIf(1)
			d.store(wasm.OpI32Store8, 0, func() { b.Get(w.unit) })
			w.advance(2)
			d.advance(1)
			w.squeezeWords(d, func() { b.Get(mask) })
		})
		b.Get(d.at, start)
		b.Op(wasm.OpI32Sub)
	})
}

// encodeUTF16Func returns the helper (src, bytes, dst) -> end of dst that
// writes UTF-16 as UTF-8. It traps at a lone surrogate.
func (f *fuser) encodeUTF16Func(from, to graph.MemoryID) graph.FuncID {
	return f.loopPiece(partFrom16, from, to, "utf16 to utf8", triple, pair[:1], func(f *fuser) {
		b := f.b
		d := cursor{b, to, 2}
		w := f.walk(from, 0, 1)
		// lead and tail push bytes of the sequence: a marker, and the bits of
		// a local from shift on.
		lead := func(marker uint32, l ir.Local, shift uint32) {
			b.Get(l)
			b.I32(shift)
			b.Op(wasm.OpI32ShrU)
			b.I32(marker)
			b.Op(wasm.OpI32Or)
		}
		tail := func(l ir.Local, shift uint32) {
			b.Get(l)
			if shift > 0 {
				b.I32(shift)
				b.Op(wasm.OpI32ShrU)
			}
			b.I32(0x3f)
			b.Op(wasm.OpI32And)
			b.I32(0x80)
			b.Op(wasm.OpI32Or)
		}
		w.each(func() {
			w.load(wasm.OpI32Load16U, 0)
			b.Set(w.unit)
			w.advance(2)
			b.Get(w.unit)
			b.I32(0x80)
			b.Op(wasm.OpI32LtU)
			b.If()
			d.store(wasm.OpI32Store8, 0, func() { b.Get(w.unit) })
			d.advance(1)
			w.squeezeWords(d, func() { b.I64(lanesASCII16) })
			b.Else()
			b.Get(w.unit)
			b.I32(0x800)
			b.Op(wasm.OpI32LtU)
			b.If()
			d.store(wasm.OpI32Store8, 0, func() { lead(0xc0, w.unit, 6) })
			d.store(wasm.OpI32Store8, 1, func() { tail(w.unit, 0) })
			d.advance(2)
			b.Else()
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
			d.store(wasm.OpI32Store8, 0, func() { lead(0xf0, w.cp, 18) })
			d.store(wasm.OpI32Store8, 1, func() { tail(w.cp, 12) })
			d.store(wasm.OpI32Store8, 2, func() { tail(w.cp, 6) })
			d.store(wasm.OpI32Store8, 3, func() { tail(w.cp, 0) })
			d.advance(4)
			b.Else()
			d.store(wasm.OpI32Store8, 0, func() { lead(0xe0, w.unit, 12) })
			d.store(wasm.OpI32Store8, 1, func() { tail(w.unit, 6) })
			d.store(wasm.OpI32Store8, 2, func() { tail(w.unit, 0) })
			d.advance(3)
			b.End()
			b.End()
			b.End()
		})
		b.Get(d.at)
	})
}

// triple is the type of most loops: source, its length, destination.
var triple = []wasm.ValType{wasm.I32, wasm.I32, wasm.I32}

// encodeLatin1Func returns the helper (src, bytes, dst) -> end of dst that
// writes Latin-1 as UTF-8.
func (f *fuser) encodeLatin1Func(from, to graph.MemoryID) graph.FuncID {
	return f.loopPiece(partFromLatin, from, to, "latin1 to utf8", triple, pair[:1], func(f *fuser) {
		b := f.b
		d := cursor{b, to, 2}
		w := f.walk(from, 0, 1)
		w.each(func() {
			w.load(wasm.OpI32Load8U, 0)
			b.Set(w.unit)
			w.advance(1)
			b.Get(w.unit)
			b.I32(0x80)
			b.Op(wasm.OpI32LtU)
			b.If()
			d.store(wasm.OpI32Store8, 0, func() { b.Get(w.unit) })
			d.advance(1)
			w.copyASCII(d)
			b.Else()
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
			b.End()
		})
		b.Get(d.at)
	})
}

// copyASCII copies blocks of eight ASCII bytes as they are.
func (w *walker) copyASCII(d cursor) {
	w.words(w.hasBits(func() { w.b.I64(lanesASCII8) }), func(word ir.Local) {
		d.store(wasm.OpI64Store, 0, func() { w.b.Get(word) })
		d.advance(8)
	})
}

// squeezeWords copies blocks of four units without a bit of mask to bytes.
func (w *walker) squeezeWords(d cursor, mask func()) {
	w.words(w.hasBits(mask), func(word ir.Local) {
		d.store(wasm.OpI64Store32, 0, func() { squeeze(w.b, word) })
		d.advance(4)
	})
}
