package adapter

import (
	"github.com/wbundle/wbundle/graph"
	"github.com/wbundle/wbundle/internal/ir"
	"github.com/wbundle/wbundle/internal/wasm"
)

// The UTF-8 validation below is that of Keiser and Lemire, "Validating UTF-8 In
// Less Than One Instruction Per Byte" (simdutf calls it lookup4): the high and
// low half of a byte and the high half of the next one look up what can be
// wrong with the two together, a bit for each error; it is wrong where all
// three agree. What remains are third and fourth bytes: there, and only there,
// two continuation bytes in a row are right.

// The errors of two bytes.
const (
	tooShort     = 1 << 0 // a lead or ASCII follows a lead
	tooLong      = 1 << 1 // a continuation byte follows ASCII
	overlong3    = 1 << 2
	tooLarge     = 1 << 3 // 0x110000 and up
	surrogate8   = 1 << 4
	overlong2    = 1 << 5
	tooLarge1000 = 1 << 6 // 0x140000 and up, which share a bit with
	overlong4    = 1 << 6 // those that no byte has in common with them
	twoConts     = 1 << 7
	anyLow       = tooShort | tooLong | twoConts // the errors that no low half rules out
)

var (
	// firstHigh is looked up by the high half of the first byte.
	firstHigh = [16]byte{
		tooLong, tooLong, tooLong, tooLong, tooLong, tooLong, tooLong, tooLong,
		twoConts, twoConts, twoConts, twoConts,
		tooShort | overlong2,
		tooShort,
		tooShort | overlong3 | surrogate8,
		tooShort | tooLarge | tooLarge1000 | overlong4,
	}
	// firstLow is looked up by its low half.
	firstLow = [16]byte{
		anyLow | overlong3 | overlong2 | overlong4,
		anyLow | overlong2,
		anyLow,
		anyLow,
		anyLow | tooLarge,
		anyLow | tooLarge | tooLarge1000,
		anyLow | tooLarge | tooLarge1000,
		anyLow | tooLarge | tooLarge1000,
		anyLow | tooLarge | tooLarge1000,
		anyLow | tooLarge | tooLarge1000,
		anyLow | tooLarge | tooLarge1000,
		anyLow | tooLarge | tooLarge1000,
		anyLow | tooLarge | tooLarge1000,
		anyLow | tooLarge | tooLarge1000 | surrogate8,
		anyLow | tooLarge | tooLarge1000,
		anyLow | tooLarge | tooLarge1000,
	}
	// secondHigh is looked up by the high half of the second byte.
	secondHigh = [16]byte{
		tooShort, tooShort, tooShort, tooShort, tooShort, tooShort, tooShort, tooShort,
		tooLong | overlong2 | twoConts | overlong3 | tooLarge1000 | overlong4,
		tooLong | overlong2 | twoConts | overlong3 | tooLarge,
		tooLong | overlong2 | twoConts | surrogate8 | tooLarge,
		tooLong | overlong2 | twoConts | surrogate8 | tooLarge,
		tooShort, tooShort, tooShort, tooShort,
	}
)

// behind returns the lanes of the bytes k in front of those of the second of
// two vectors.
func behind(k byte) (lanes [16]byte) {
	for i := range lanes {
		lanes[i] = 16 - k + byte(i)
	}
	return lanes
}

// iota16 has in each lane its number.
var iota16 = behind(16)

// vectorWalker goes over a string by vectors. Its locals at and n are the
// parameters, address and length, of the helper that it is the body of.
//
// The last block is loaded from where it ends with the string, because the
// memory may end there as well, and shifted down, so that zeros follow the
// string: with them, a character that is cut off is wrong as any other. What
// lies in front of a short string is loaded with it and shifted out, and where
// nothing can lie there, because the address is too low, what lies behind.
type vectorWalker struct {
	cursor
	n, end      ir.Local
	input, prev ir.Local // the block at hand, and the one in front of it
	errs        ir.Local
}

const vectorSize = 16

// vectorWalk begins a helper; it returns if the string is empty, because then
// there may be no memory to load from.
func vectorWalk(b *ir.Builder, m graph.MemoryID) *vectorWalker {
	const at, n = ir.Local(0), ir.Local(1)
	b.Get(n)
	b.Op(wasm.OpI32Eqz)
	b.If()
	b.Op(wasm.OpReturn)
	b.End()
	w := &vectorWalker{
		cursor: cursor{b, m, at}, n: n, end: b.Local(wasm.I32),
		input: b.Local(wasm.V128), prev: b.Local(wasm.V128), errs: b.Local(wasm.V128),
	}
	b.Get(at, n)
	b.Op(wasm.OpI32Add)
	b.Set(w.end)
	return w
}

func (w *vectorWalker) left() {
	w.b.Get(w.end, w.at)
	w.b.Op(wasm.OpI32Sub)
}

// skip passes over blocks of so many bytes as long as slow pushes zero.
func (w *vectorWalker) skip(size uint32, slow func()) {
	w.b.Block()
	w.b.Loop()
	w.left()
	w.b.I32(size)
	w.b.Op(wasm.OpI32LtU)
	w.b.BrIf(1)
	slow()
	w.b.BrIf(1)
	w.advance(size)
	w.b.Br(0)
	w.b.End()
	w.b.End()
}

// hoist puts a constant into a local in front of a loop: not every engine does
// that by itself.
func (w *vectorWalker) hoist(push func()) (get func()) {
	l := w.b.Local(wasm.V128)
	push()
	w.b.Set(l)
	return func() { w.b.Get(l) }
}

// each checks blocks up to one that has fewer than 16 bytes, or none, of the
// string: check looks at input behind prev. It leaves the loop early by Br(1),
// counted from its top level.
func (w *vectorWalker) each(check func()) {
	b := w.b
	b.I32(0)
	b.Op(wasm.OpI8x16Splat)
	b.Tee(w.prev)
	b.Set(w.errs)
	b.Block()
	b.Loop()
	w.left()
	b.Tee(w.n)
	b.I32(vectorSize)
	b.Op(wasm.OpI32GeU)
	b.If()
	w.load(wasm.OpV128Load, 0)
	b.Set(w.input)
	b.Else()
	// shift moves the bytes of input by as many as are missing, and zeros in.
	shift := func(op wasm.Opcode) {
		b.Get(w.input)
		b.V128(iota16)
		b.I32(vectorSize)
		b.Get(w.n)
		b.Op(wasm.OpI32Sub, wasm.OpI8x16Splat, op, wasm.OpI8x16Swizzle)
		b.Set(w.input)
	}
	b.Get(w.at)
	b.I32(vectorSize)
	b.Op(wasm.OpI32LtU)
	b.If()
	w.load(wasm.OpV128Load, 0)
	b.Set(w.input)
	shift(wasm.OpI8x16Sub)
	b.Else()
	b.Get(w.end)
	b.I32(vectorSize)
	b.Op(wasm.OpI32Sub)
	b.RawMem(wasm.OpV128Load, w.m, 0, 0)
	b.Set(w.input)
	b.End()
	shift(wasm.OpI8x16Add)
	b.End()
	check()
	b.Get(w.input)
	b.Set(w.prev)
	w.advance(vectorSize)
	b.Get(w.n)
	b.I32(vectorSize)
	b.Op(wasm.OpI32GeU)
	b.BrIf(0)
	b.End()
	b.End()
	b.Get(w.errs)
	b.Op(wasm.OpV128AnyTrue)
	b.TrapIf()
}

// wrong adds what is on the stack to the errors.
func (w *vectorWalker) wrong() {
	w.b.Get(w.errs)
	w.b.Op(wasm.OpV128Or)
	w.b.Set(w.errs)
}

// before pushes the bytes k in front of those of input.
func (w *vectorWalker) before(k byte) {
	w.b.Get(w.prev, w.input)
	w.b.Shuffle(behind(k))
}

// validateUTF8Vectors is the body of the helper that validates UTF-8.
func validateUTF8Vectors(b *ir.Builder, m graph.MemoryID) {
	w := vectorWalk(b, m)
	// ASCII, until it is no more. The last load comes first: an engine that
	// checks its bounds need not check those of the others.
	w.skip(4*vectorSize, func() {
		for i := range uint32(4) {
			w.load(wasm.OpV128Load, (3-i)*vectorSize)
			if i > 0 {
				b.Op(wasm.OpV128Or)
			}
		}
		b.Op(wasm.OpI8x16Bitmask)
	})
	// Any text, from a place on in front of which all is ASCII.
	table := func(t [16]byte) func() { return w.hoist(func() { b.V128(t) }) }
	splat := func(v uint32) func() { return w.hoist(func() { b.I32(v); b.Op(wasm.OpI8x16Splat) }) }
	high1, low1, high2 := table(firstHigh), table(firstLow), table(secondHigh)
	half, top, third, fourth := splat(0x0f), splat(0x80), splat(0xe0-0x80), splat(0xf0-0x80)
	first := b.Local(wasm.V128)
	w.each(func() {
		b.Get(w.input, w.prev)
		b.Op(wasm.OpV128Or, wasm.OpI8x16Bitmask)
		b.If()
		lookup := func(table, index func()) {
			table()
			index()
			half()
			b.Op(wasm.OpV128And, wasm.OpI8x16Swizzle)
		}
		high := func(v ir.Local) func() {
			return func() {
				b.Get(v)
				b.I32(4)
				b.Op(wasm.OpI16x8ShrU)
			}
		}
		w.before(1)
		b.Set(first)
		lookup(high1, high(first))
		lookup(low1, func() { b.Get(first) })
		b.Op(wasm.OpV128And)
		lookup(high2, high(w.input))
		b.Op(wasm.OpV128And)
		// Leads of three and four bytes become 0x80 and more, others less.
		w.before(2)
		third()
		b.Op(wasm.OpI8x16SubSatU)
		w.before(3)
		fourth()
		b.Op(wasm.OpI8x16SubSatU, wasm.OpV128Or)
		top()
		b.Op(wasm.OpV128And, wasm.OpV128Xor)
		w.wrong()
		b.Else()
		// Nothing is open: no block of zeros need follow.
		b.Get(w.n)
		b.I32(vectorSize)
		b.Op(wasm.OpI32LeU)
		b.BrIf(2)
		b.End()
	})
}

// validateUTF16Vectors is the body of the helper that validates UTF-16: a unit
// must be a low surrogate exactly where the one in front of it is a high one.
func validateUTF16Vectors(b *ir.Builder, m graph.MemoryID) {
	w := vectorWalk(b, m)
	splat := func(v uint32) func() { return w.hoist(func() { b.I32(v); b.Op(wasm.OpI16x8Splat) }) }
	either, high := splat(surrogateMask), splat(surrogate)
	// is pushes which units of a vector on the stack have of their bits in mask
	// those of unit.
	is := func(mask, unit func()) {
		mask()
		b.Op(wasm.OpV128And)
		unit()
		b.Op(wasm.OpI16x8Eq)
	}
	// Whatever is no surrogate, until there is one.
	w.skip(2*vectorSize, func() {
		w.load(wasm.OpV128Load, vectorSize)
		is(either, high)
		w.load(wasm.OpV128Load, 0)
		is(either, high)
		b.Op(wasm.OpV128Or, wasm.OpV128AnyTrue)
	})
	w.left()
	b.Op(wasm.OpI32Eqz)
	b.If()
	b.Op(wasm.OpReturn)
	b.End()
	half, low := splat(0xfc00), splat(0xdc00)
	w.each(func() {
		w.before(2)
		is(half, high)
		b.Get(w.input)
		is(half, low)
		b.Op(wasm.OpV128Xor)
		w.wrong()
	})
}

// widenVectors makes units of bytes from the end, in blocks of 32, and returns
// for 64 bytes and more; fewer are left to what follows. back moves the cursors
// in front of the last bytes of n.
//
// Blocks may overlap at the end: where that inflates in place, the first block
// lies beyond the bytes that the others read, because there are 64.
func widenVectors(b *ir.Builder, n ir.Local, s, d cursor, back func(k uint32)) {
	const block = 32
	b.Get(n)
	b.I32(2 * block)
	b.Op(wasm.OpI32GeU)
	b.If()
	b.Loop()
	back(block)
	var units [block / 8]ir.Local
	for i := range units {
		i = len(units) - 1 - i
		units[i] = b.Local(wasm.V128)
		s.load(wasm.OpV128Load8x8U, uint32(8*i))
		b.Set(units[i])
	}
	for i := range units {
		i = len(units) - 1 - i
		d.store(wasm.OpV128Store, uint32(16*i), func() { b.Get(units[i]) })
	}
	// To the next whole number of blocks below.
	b.Get(n)
	b.I32(1)
	b.Op(wasm.OpI32Sub)
	b.I32(^uint32(block - 1))
	b.Op(wasm.OpI32And)
	b.Tee(n)
	b.BrIf(0)
	b.End()
	b.Op(wasm.OpReturn)
	b.End()
}
