package adapter

import (
	"github.com/wbundle/wbundle/graph"
	"github.com/wbundle/wbundle/internal/ir"
	"github.com/wbundle/wbundle/internal/wasm"
)

// Four lanes of 16 bits, or eight of 8, in one i64.
const (
	lanesASCII8   = 0x8080808080808080 // the bits that ASCII bytes do not have
	lanesASCII16  = 0xff80ff80ff80ff80 // the bits that ASCII units do not have
	lanesLatin16  = 0xff00ff00ff00ff00 // the bits that Latin-1 units do not have
	lanesLow16    = 0x0000ffff0000ffff
	lanesLow8     = 0x00ff00ff00ff00ff
	lanesTop5     = 0xf800f800f800f800
	lanesSurr     = 0xd800d800d800d800
	lanesOne      = 0x0001000100010001
	lanesTop      = 0x8000800080008000
	surrogateMask = 0xf800 // unit & surrogateMask == surrogate for both halves of a pair
	surrogate     = 0xd800
)

// cursor is a position in memory that moves forward.
type cursor struct {
	b  *ir.Builder
	m  graph.MemoryID
	at ir.Local
}

// load pushes what lies off bytes from the position.
func (c cursor) load(op wasm.Opcode, off uint32) {
	c.b.Get(c.at)
	c.b.Mem(op, c.m, 0, off)
}

// store stores what push leaves on the stack.
func (c cursor) store(op wasm.Opcode, off uint32, push func()) {
	c.b.Get(c.at)
	push()
	c.b.Mem(op, c.m, 0, off)
}

// advance moves the position by k bytes.
func (c cursor) advance(k uint32) {
	c.b.Get(c.at)
	c.b.I32(k)
	c.b.Op(wasm.OpI32Add)
	c.b.Set(c.at)
}

// walker is a cursor over the code units of a string that ends at end.
// Positions are only ever compared for equality and subtracted: a string may
// end where a memory of 4 GiB does, at 0.
type walker struct {
	cursor
	end  ir.Local
	unit ir.Local // the unit at hand
	next ir.Local // one of the units after it
	cp   ir.Local // the character that utf8Char and utf16Pair found
}

// walk makes a walker of a position and a length in bytes, both locals; the
// length becomes the end.
func (f *fuser) walk(m graph.MemoryID, at, bytes ir.Local) *walker {
	b := f.b
	b.Get(at, bytes)
	b.Op(wasm.OpI32Add)
	b.Set(bytes)
	return &walker{
		cursor: cursor{b, m, at}, end: bytes,
		unit: b.Local(wasm.I32), next: b.Local(wasm.I32), cp: b.Local(wasm.I32),
	}
}

// fewer pushes whether less than k bytes are left.
func (w *walker) fewer(k uint32) {
	w.b.Get(w.end, w.at)
	w.b.Op(wasm.OpI32Sub)
	w.b.I32(k)
	w.b.Op(wasm.OpI32LtU)
}

// each loops until the end, one step a turn. A step leaves the loop early by
// Br(1), counted from its top level. It handles a unit, and if that was plain,
// many more by words: where the units are not plain, trying costs too much.
func (w *walker) each(step func()) {
	w.b.Block()
	w.b.Loop()
	w.b.Get(w.at, w.end)
	w.b.Op(wasm.OpI32Eq)
	w.b.BrIf(1)
	step()
	w.b.Br(0)
	w.b.End()
	w.b.End()
}

// words loops over blocks of eight bytes as long as they are plain: slow
// pushes whether the block in word is not, plain handles one that is.
func (w *walker) words(slow, plain func(word ir.Local)) {
	word := w.b.Local(wasm.I64)
	w.b.Block()
	w.b.Loop()
	w.fewer(8)
	w.b.BrIf(1)
	w.load(wasm.OpI64Load, 0)
	w.b.Set(word)
	slow(word)
	w.b.BrIf(1)
	plain(word)
	w.advance(8)
	w.b.Br(0)
	w.b.End()
	w.b.End()
	w.b.Free(word)
}

// hasBits makes the slow of words that looks for bits of a mask.
func (w *walker) hasBits(mask func()) func(word ir.Local) {
	return func(word ir.Local) {
		w.b.Get(word)
		mask()
		w.b.Op(wasm.OpI64And, wasm.OpI64Eqz, wasm.OpI32Eqz)
	}
}

// skip is the plain of words that have nothing to do.
func skip(ir.Local) {}

// skipASCII skips ASCII bytes by 32 and then by 8.
func (w *walker) skipASCII() {
	b := w.b
	b.Block()
	b.Loop()
	w.fewer(32)
	b.BrIf(1)
	for off := uint32(0); off < 32; off += 8 {
		w.load(wasm.OpI64Load, off)
		if off > 0 {
			b.Op(wasm.OpI64Or)
		}
	}
	b.I64(lanesASCII8)
	b.Op(wasm.OpI64And, wasm.OpI64Eqz, wasm.OpI32Eqz)
	b.BrIf(1)
	w.advance(32)
	b.Br(0)
	b.End()
	b.End()
	w.words(w.hasBits(func() { b.I64(lanesASCII8) }), skip)
}

// utf8Char reads the character at the position, whose first byte is in unit
// and not ASCII, into cp and moves behind it. It traps unless the sequence is
// well-formed (Unicode, table 3-7).
func (w *walker) utf8Char() {
	b := w.b
	// below pushes whether unit is less than k.
	below := func(k uint32) {
		b.Get(w.unit)
		b.I32(k)
		b.Op(wasm.OpI32LtU)
	}
	// sequence reads k bytes, of which the first has its bits in mask.
	sequence := func(k, mask uint32) {
		w.fewer(k)
		b.TrapIf()
		b.Get(w.unit)
		b.I32(mask)
		b.Op(wasm.OpI32And)
		b.Set(w.cp)
		for off := uint32(1); off < k; off++ {
			w.load(wasm.OpI32Load8U, off)
			b.Tee(w.next)
			b.I32(0xc0)
			b.Op(wasm.OpI32And)
			b.I32(0x80)
			b.Op(wasm.OpI32Ne)
			b.TrapIf()
			b.Get(w.cp)
			b.I32(6)
			b.Op(wasm.OpI32Shl)
			b.Get(w.next)
			b.I32(0x3f)
			b.Op(wasm.OpI32And, wasm.OpI32Or)
			b.Set(w.cp)
		}
		w.advance(k)
	}
	below(0xc2) // a continuation byte, or two bytes for ASCII
	b.TrapIf()
	below(0xe0)
	b.If()
	sequence(2, 0x1f)
	b.Else()
	below(0xf0)
	b.If()
	sequence(3, 0x0f)
	b.Get(w.cp)
	b.I32(0x800)
	b.Op(wasm.OpI32LtU)
	isSurrogate(b, w.cp)
	b.Op(wasm.OpI32Or)
	b.TrapIf()
	b.Else()
	below(0xf5)
	b.Op(wasm.OpI32Eqz)
	b.TrapIf()
	sequence(4, 0x07)
	b.Get(w.cp) // 0x10000 to 0x10ffff
	b.I32(0x10000)
	b.Op(wasm.OpI32Sub)
	b.I32(0x100000)
	b.Op(wasm.OpI32GeU)
	b.TrapIf()
	b.End()
	b.End()
}

// isSurrogate pushes whether a unit or code point is half of a pair.
func isSurrogate(b *ir.Builder, l ir.Local) {
	b.Get(l)
	b.I32(surrogateMask)
	b.Op(wasm.OpI32And)
	b.I32(surrogate)
	b.Op(wasm.OpI32Eq)
}

// utf16Pair reads the second half of a pair, whose first is in unit, into next
// and moves behind it. It traps unless the first is a high surrogate and a low
// one follows.
func (w *walker) utf16Pair() {
	b := w.b
	b.Get(w.at, w.end)
	b.Op(wasm.OpI32Eq)
	b.TrapIf()
	w.load(wasm.OpI32Load16U, 0)
	b.Set(w.next)
	b.Get(w.unit)
	b.I32(0xdc00)
	b.Op(wasm.OpI32GeU)
	b.Get(w.next)
	b.I32(0xfc00)
	b.Op(wasm.OpI32And)
	b.I32(0xdc00)
	b.Op(wasm.OpI32Ne, wasm.OpI32Or)
	b.TrapIf()
	w.advance(2)
}

// spread pushes four bytes, the low half of an i64 on the stack, as four units
// of 16 bits.
func spread(b *ir.Builder, x ir.Local) {
	for _, s := range []struct{ shift, lanes uint64 }{{16, lanesLow16}, {8, lanesLow8}} {
		b.Tee(x)
		b.Get(x)
		b.I64(s.shift)
		b.Op(wasm.OpI64Shl, wasm.OpI64Or)
		b.I64(s.lanes)
		b.Op(wasm.OpI64And)
	}
}

// squeeze is the inverse of spread; the upper half of its result is garbage.
func squeeze(b *ir.Builder, x ir.Local) {
	b.Get(x)
	b.Get(x)
	b.I64(8)
	b.Op(wasm.OpI64ShrU, wasm.OpI64Or)
	b.I64(lanesLow16)
	b.Op(wasm.OpI64And)
	b.Tee(x)
	b.Get(x)
	b.I64(16)
	b.Op(wasm.OpI64ShrU, wasm.OpI64Or)
}
