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

// cursor is a position in memory that moves forward: an address that Base was
// applied to.
type cursor struct {
	b  *ir.Builder
	m  graph.MemoryID
	at ir.Local
}

// load pushes what lies off bytes from the position.
func (c cursor) load(op wasm.Opcode, off uint32) {
	c.b.Get(c.at)
	c.b.RawMem(op, c.m, 0, off)
}

// store stores what push leaves on the stack.
func (c cursor) store(op wasm.Opcode, off uint32, push func()) {
	c.b.Get(c.at)
	push()
	c.b.RawMem(op, c.m, 0, off)
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
	vectors bool // blocks may be vectors
	end     ir.Local
	unit    ir.Local // the unit at hand
	next    ir.Local // what follows it
	cp      ir.Local // the character that utf8Char and utf16Pair found
}

// walk makes a walker of a position and a length in bytes, both locals; the
// length becomes the end.
func (g *generator) walk(b *ir.Builder, m graph.MemoryID, at, bytes ir.Local) *walker {
	b.Get(at, bytes)
	b.Op(wasm.OpI32Add)
	b.Set(bytes)
	return &walker{
		cursor: cursor{b, m, at}, vectors: g.o.Vectors, end: bytes,
		unit: b.Local(wasm.I32), next: b.Local(wasm.I32), cp: b.Local(wasm.I32),
	}
}

// left pushes how many bytes are left.
func (w *walker) left() {
	w.b.Get(w.end, w.at)
	w.b.Op(wasm.OpI32Sub)
}

// fewer pushes whether less than k bytes are left.
func (w *walker) fewer(k uint32) {
	w.left()
	w.b.I32(k)
	w.b.Op(wasm.OpI32LtU)
}

// Where the top level of a step of each branches to.
const (
	toUnit   = 0 // the next step
	toBlocks = 1 // blocks, and then the next step
	toDone   = 2 // behind the loop
)

// each loops until the end, a unit a step. Plain text goes by in blocks; a step
// that finds a plain unit goes back there, one that does not stays with units,
// because where the text is not plain, trying costs too much.
func (w *walker) each(blocks, step func()) {
	w.b.Block()
	w.b.Loop()
	blocks()
	w.b.Loop()
	w.b.Get(w.at, w.end)
	w.b.Op(wasm.OpI32Eq)
	w.b.BrIf(toDone)
	step()
	w.b.Br(toUnit)
	w.b.End()
	w.b.End()
	w.b.End()
}

// while loops over blocks of a local's type until less than a block is left;
// body moves on, or leaves the loop by Br(1), counted from its top level.
func (w *walker) while(t wasm.ValType, body func(block ir.Local)) {
	op, size := wasm.OpI64Load, uint32(8)
	if t == wasm.V128 {
		op, size = wasm.OpV128Load, vectorSize
	}
	block := w.b.Local(t)
	w.b.Block()
	w.b.Loop()
	w.fewer(size)
	w.b.BrIf(1)
	w.load(op, 0)
	w.b.Set(block)
	body(block)
	w.b.Br(0)
	w.b.End()
	w.b.End()
	w.b.Free(block)
}

// plain is text of which whole blocks are moved by a few instructions.
type plain struct {
	mask func() // pushes the bits, of a word of units, that plain units do not have
	unit uint32 // log2 of the size of a unit
	// The destination, if there is one, and the log2 of the size of its units.
	d     *cursor
	dunit uint32
	// Functions that store a word, which they may change, or a vector.
	word, vector func(block ir.Local)
}

// blocks moves plain text. A word that has more than plain units is moved as
// well, as if it had not, and then the position is in front of the first of
// those: what was written behind it lies in the destination's block, because no
// unit of text takes more room there than allocated, and is written again.
// Vectors come in where a word was plain throughout; text of which only short
// runs are plain does not try them.
func (w *walker) blocks(p plain) {
	b := w.b
	rest, n := b.Local(wasm.I64), b.Local(wasm.I32)
	// move moves both positions by n units.
	move := func(c cursor, unit uint32) {
		b.Get(c.at, n)
		if unit > 0 {
			b.I32(unit)
			b.Op(wasm.OpI32Shl)
		}
		b.Op(wasm.OpI32Add)
		b.Set(c.at)
	}
	advance := func(bytes uint32) {
		w.advance(bytes)
		if p.d != nil {
			p.d.advance(bytes >> p.unit << p.dunit)
		}
	}
	w.while(wasm.I64, func(word ir.Local) {
		b.Get(word)
		p.mask()
		b.Op(wasm.OpI64And)
		b.Set(rest)
		if p.d != nil {
			p.word(word)
		}
		b.Get(rest)
		b.Op(wasm.OpI64Eqz, wasm.OpI32Eqz)
		b.If()
		// The lowest bit is in the first unit that is not plain.
		b.Get(rest)
		b.Op(wasm.OpI64Ctz, wasm.OpI32WrapI64)
		b.I32(3 + p.unit)
		b.Op(wasm.OpI32ShrU)
		b.Set(n)
		move(w.cursor, p.unit)
		if p.d != nil {
			move(*p.d, p.dunit)
		}
		b.Br(2)
		b.End()
		advance(8)
		switch {
		case w.vectors:
			w.while(wasm.V128, func(v ir.Local) {
				b.Get(v)
				if p.unit == 0 {
					b.Op(wasm.OpI8x16Bitmask) // the mask is that of ASCII
				} else {
					p.mask()
					b.Op(wasm.OpI64x2Splat, wasm.OpV128And, wasm.OpV128AnyTrue)
				}
				b.BrIf(1)
				if p.d != nil {
					p.vector(v)
				}
				advance(vectorSize)
			})
		case p.d == nil:
			// Nothing has to be done with plain words but to see many at once.
			w.while(wasm.I64, func(word ir.Local) {
				w.fewer(32)
				b.BrIf(1)
				b.Get(word)
				for off := uint32(8); off < 32; off += 8 {
					w.load(wasm.OpI64Load, off)
					b.Op(wasm.OpI64Or)
				}
				p.mask()
				b.Op(wasm.OpI64And, wasm.OpI64Eqz, wasm.OpI32Eqz)
				b.BrIf(1)
				advance(32)
			})
		}
	})
	b.Free(rest, n)
}

func (w *walker) maskASCII() { w.b.I64(lanesASCII8) }

// skipASCII skips blocks of ASCII bytes.
func (w *walker) skipASCII() { w.blocks(plain{mask: w.maskASCII}) }

// copyASCII copies blocks of ASCII bytes as they are.
func (w *walker) copyASCII(d cursor) {
	storeBy := func(op wasm.Opcode) func(ir.Local) {
		return func(block ir.Local) { d.store(op, 0, func() { w.b.Get(block) }) }
	}
	w.blocks(plain{mask: w.maskASCII, d: &d, word: storeBy(wasm.OpI64Store), vector: storeBy(wasm.OpV128Store)})
}

// widenASCII makes units of 16 bits of blocks of ASCII bytes.
func (w *walker) widenASCII(d cursor) {
	b := w.b
	x := b.Local(wasm.I64)
	w.blocks(plain{
		mask: w.maskASCII, d: &d, dunit: 1,
		word: func(word ir.Local) {
			if w.vectors {
				d.store(wasm.OpV128Store, 0, func() {
					b.Get(word)
					b.Op(wasm.OpI64x2Splat, wasm.OpI16x8ExtendLowI8x16U)
				})
				return
			}
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
		},
		vector: func(v ir.Local) {
			d.store(wasm.OpV128Store, 16, func() { b.Get(v); b.Op(wasm.OpI16x8ExtendHighI8x16U) })
			d.store(wasm.OpV128Store, 0, func() { b.Get(v); b.Op(wasm.OpI16x8ExtendLowI8x16U) })
		},
	})
	b.Free(x)
}

// narrow makes bytes of blocks of 16-bit units that have no bit of a mask,
// which holds the bits that are too high four times over.
func (w *walker) narrow(d cursor, mask func()) {
	b := w.b
	w.blocks(plain{
		mask: mask, unit: 1, d: &d,
		word: func(word ir.Local) {
			d.store(wasm.OpI64Store32, 0, func() { squeeze(b, word) })
		},
		vector: func(v ir.Local) {
			d.store(wasm.OpI64Store, 0, func() {
				b.Get(v, v)
				b.Op(wasm.OpI8x16NarrowI16x8U)
				b.Lane(wasm.OpI64x2ExtractLane, 0)
			})
		},
	})
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
	// begin sets cp to the bits in mask of the first of k bytes.
	begin := func(k, mask uint32) {
		w.fewer(k)
		b.TrapIf()
		b.Get(w.unit)
		b.I32(mask)
		b.Op(wasm.OpI32And)
		b.Set(w.cp)
	}
	// tail adds the continuation bytes, one or two, that op reads.
	tail := func(op wasm.Opcode, off, mask, marks uint32) {
		w.load(op, off)
		b.Tee(w.next)
		b.I32(mask)
		b.Op(wasm.OpI32And)
		b.I32(marks)
		b.Op(wasm.OpI32Ne)
		b.TrapIf()
		bits := func() {
			b.Get(w.next)
			b.I32(0x3f)
			b.Op(wasm.OpI32And)
		}
		b.Get(w.cp)
		if op == wasm.OpI32Load8U {
			b.I32(6)
			b.Op(wasm.OpI32Shl)
			bits()
		} else {
			b.I32(12)
			b.Op(wasm.OpI32Shl)
			bits()
			b.I32(6)
			b.Op(wasm.OpI32Shl, wasm.OpI32Or)
			b.Get(w.next)
			b.I32(8)
			b.Op(wasm.OpI32ShrU)
			b.I32(0x3f)
			b.Op(wasm.OpI32And)
		}
		b.Op(wasm.OpI32Or)
		b.Set(w.cp)
	}
	one := func(off uint32) { tail(wasm.OpI32Load8U, off, 0xc0, 0x80) }
	two := func(off uint32) { tail(wasm.OpI32Load16U, off, 0xc0c0, 0x8080) }

	below(0xc2) // a continuation byte, or two bytes for ASCII
	b.TrapIf()
	below(0xe0)
	b.If()
	begin(2, 0x1f)
	one(1)
	w.advance(2)
	b.Else()
	below(0xf0)
	b.If()
	begin(3, 0x0f)
	two(1)
	w.advance(3)
	// Neither below 0x800 nor a surrogate: cp >> 11 is not 0 or 27.
	b.I32(1<<0 | 1<<27)
	b.Get(w.cp)
	b.I32(11)
	b.Op(wasm.OpI32ShrU, wasm.OpI32ShrU)
	b.I32(1)
	b.Op(wasm.OpI32And)
	b.TrapIf()
	b.Else()
	below(0xf5)
	b.Op(wasm.OpI32Eqz)
	b.TrapIf()
	begin(4, 0x07)
	one(1)
	two(2)
	w.advance(4)
	b.Get(w.cp) // 0x10000 to 0x10ffff
	b.I32(0x10000)
	b.Op(wasm.OpI32Sub)
	b.I32(0x100000)
	b.Op(wasm.OpI32GeU)
	b.TrapIf()
	b.End()
	b.End()
}

// byteOrChar is a step over UTF-8: it reads the byte at the position into
// unit. ASCII is the first function's to handle and to move behind; of
// anything else the second gets the character in cp.
func (w *walker) byteOrChar(ascii, char func()) {
	w.load(wasm.OpI32Load8U, 0)
	w.b.Tee(w.unit)
	w.b.I32(0x80)
	w.b.Op(wasm.OpI32LtU)
	w.b.If()
	ascii()
	w.b.Br(toBlocks + 1)
	w.b.End()
	w.utf8Char()
	char()
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
