package wit

import (
	"math"
	"math/rand/v2"
	"strings"

	"github.com/wbundle/wbundle/internal/component"
)

// Generated values are what the two sides of a comparison are called with. A
// uniform choice would hardly ever find what goes wrong between two
// implementations of the canonical ABI: it goes wrong at the ends of ranges,
// where the length of an encoding changes, where a buffer is full. So half of
// all choices are made from a list of such corners. A list is gone through
// like a deck of cards, shuffled, every card once before any comes again;
// which choices draw a card is up to chance, because a fixed rhythm would
// give the first parameter corners alone and the second none.

// room bounds a generated value: beyond the size of its type (Size), lists
// and strings hold this many bytes of linear memory in all.
const room = 16 << 10

// Generator makes values of any type. Generators with the same seed and
// stream make the same values; streams of one seed have nothing in common.
type Generator struct {
	// Handle makes a value of an own or borrow type. Nil: see CanGenerate.
	Handle func(t *component.ValType) Value

	r     *rand.Rand
	decks map[any]*deck
	left  int // of room, for the value in the making
}

// NewGenerator returns a generator without Handle.
func NewGenerator(seed, stream uint64) *Generator {
	return &Generator{r: rand.New(rand.NewPCG(seed, stream)), decks: map[any]*deck{}}
}

// CanGenerate says why no value of t can be made up, or "". Handles can be
// where handles is set, by Generator.Handle.
func CanGenerate(t *component.ValType, handles bool) string {
	switch {
	case t == nil:
	case t.ContainsAsync():
		return "streams and futures cannot be made up"
	case !handles && t.ContainsHandles():
		return "handles come from calls"
	case t.Overflow() || t.Size() > 4*room:
		return "its values are too large"
	}
	return ""
}

// Value makes a value of t, for which CanGenerate is "".
func (g *Generator) Value(t *component.ValType) Value {
	g.left = room
	return g.value(t)
}

// IntN returns a number below n, drawn from the same source as the values.
func (g *Generator) IntN(n int) int { return g.r.IntN(n) }

// Uint64 returns a number drawn from the same source as the values.
func (g *Generator) Uint64() uint64 { return g.r.Uint64() }

func (g *Generator) value(t *component.ValType) Value {
	switch t.Kind {
	case component.KindBool:
		return Bool(g.r.IntN(2) == 1)
	case component.KindS8:
		return S8(int8(g.bits(t)))
	case component.KindU8:
		return U8(uint8(g.bits(t)))
	case component.KindS16:
		return S16(int16(g.bits(t)))
	case component.KindU16:
		return U16(uint16(g.bits(t)))
	case component.KindS32:
		return S32(int32(g.bits(t)))
	case component.KindU32:
		return U32(uint32(g.bits(t)))
	case component.KindS64:
		return S64(int64(g.bits(t)))
	case component.KindU64:
		return U64(g.bits(t))
	case component.KindF32:
		if i, ok := g.corner(t.Kind, len(cornersF32)); ok {
			return F32Bits(cornersF32[i])
		}
		return F32(float32(g.r.NormFloat64() * 1000))
	case component.KindF64:
		if i, ok := g.corner(t.Kind, len(cornersF64)); ok {
			return F64Bits(cornersF64[i])
		}
		return F64(g.r.NormFloat64() * 1000)
	case component.KindChar:
		return Char(g.char())
	case component.KindString:
		return String(g.text())
	case component.KindList:
		n := g.length(t.Elem)
		elems := make([]Value, n)
		for i := range elems {
			elems[i] = g.value(t.Elem)
		}
		return List(t, elems)
	case component.KindFixedList:
		elems := make([]Value, t.Len)
		for i := range elems {
			elems[i] = g.value(t.Elem)
		}
		return List(t, elems)
	case component.KindMap:
		var pairs []Value
		for range min(g.length(t.Key), g.length(t.Elem)) {
			pairs = append(pairs, g.value(t.Key), g.value(t.Elem))
		}
		return Map(t, pairs)
	case component.KindRecord, component.KindTuple:
		fields := make([]Value, len(t.Fields))
		for i, f := range t.Fields {
			fields[i] = g.value(f.Type)
		}
		return Record(t, fields)
	case component.KindFlags:
		return Flags(t, g.flags(t))
	case component.KindOwn, component.KindBorrow:
		return g.Handle(t)
	}
	i := g.caseOf(t)
	if _, pt := CaseOf(t, i); pt != nil {
		return Variant(t, i, g.value(pt))
	}
	return Variant(t, i, Value{})
}

// deck is a shuffled list of corners.
type deck struct {
	order []int
	next  int
}

// corner draws one of n corners of what key stands for, half of the time.
func (g *Generator) corner(key any, n int) (i int, ok bool) {
	if g.r.IntN(2) == 0 {
		return 0, false
	}
	d := g.decks[key]
	if d == nil {
		d = &deck{}
		g.decks[key] = d
	}
	if d.next == len(d.order) {
		d.order, d.next = g.r.Perm(n), 0
	}
	d.next++
	return d.order[d.next-1], true
}

// cornersInt are cut to the size of the type. Cut, the first five are 0, 1,
// -1 or the maximum, and their neighbours.
var cornersInt = [...]uint64{
	0, 1, math.MaxUint64, math.MaxUint64 - 1, 2,
	1<<7 - 1, 1 << 7, 1<<7 + 1, 1<<8 - 1, 1 << 8,
	1<<15 - 1, 1 << 15, 1<<15 + 1, 1<<16 - 1, 1 << 16,
	1<<31 - 1, 1 << 31, 1<<31 + 1, 1<<32 - 1, 1 << 32,
	1<<63 - 1, 1 << 63, 1<<63 + 1, 1<<53 + 1,
}

// intCorners is how many of cornersInt mean something new in each size.
var intCorners = map[uint32]int{1: 10, 2: 15, 4: 20, 8: len(cornersInt)}

func (g *Generator) bits(t *component.ValType) uint64 {
	if i, ok := g.corner(t.Kind, intCorners[t.Size()]); ok {
		return cornersInt[i]
	}
	switch g.r.IntN(4) {
	case 0:
		return g.r.Uint64()
	case 1:
		return 1 << g.r.IntN(64)
	}
	return g.r.Uint64N(100) // what programs expect
}

// The corners of floats: signed zeros and infinities; NaNs that are quiet,
// signalling, negative, and full of payload; the ends of the subnormal and
// normal numbers; the integers where conversions and precision end.
var (
	cornersF32 = [...]uint32{
		0, 1 << 31, 0x3f800000, 0xbfc00000, 0x7f800000, 0xff800000,
		canonicalNaN32, 0x7f800001, 0xffc00000, 0x7fffffff, 0xff800001,
		1, 0x007fffff, 0x00800000, 0x7f7fffff, 0xff7fffff,
		0x4b800000, 0x4f000000, 0xcf000000, 0x4f800000, 0x5f000000, 0x5f800000,
	}
	cornersF64 = [...]uint64{
		0, 1 << 63, 0x3ff0000000000000, 0xbff8000000000000, 0x7ff0000000000000, 0xfff0000000000000,
		canonicalNaN64, 0x7ff0000000000001, 0xfff8000000000000, 0x7fffffffffffffff, 0xfff0000000000001,
		1, 0x000fffffffffffff, 0x0010000000000000, 0x7fefffffffffffff, 0xffefffffffffffff,
		0x4340000000000000, 0x41e0000000000000, 0xc1e0000000000000, 0x41f0000000000000, 0x43e0000000000000, 0x43f0000000000000,
		0x47efffffe0000000, // the largest f32
	}
)

// cornersChar are where UTF-8, UTF-16 and Latin-1 change length or meaning,
// beside the surrogates, and what text formats escape.
var cornersChar = [...]rune{
	0, 1, '\t', '\n', '\r', ' ', '"', '\'', '\\', 0x7f, 0x80, 0x85, 0xa0, 0xad, 0xe9, 0xff, 0x100,
	0x300, 0x301, 0x7ff, 0x800, 0x200d, 0x2028, 0xd7ff, 0xe000, 0xfeff, 0xfffd, 0xfffe, 0xffff, 0x10000, 0x1f44b, 0x10ffff,
}

func (g *Generator) char() rune {
	if i, ok := g.corner(component.KindChar, len(cornersChar)); ok {
		return cornersChar[i]
	}
	return alphabets[g.r.IntN(len(alphabets))].draw(g.r)
}

// alphabet is a range of characters of one length in every encoding.
type alphabet struct{ low, high rune }

func (a alphabet) draw(r *rand.Rand) rune { return a.low + r.Int32N(a.high-a.low+1) }

// The alphabets, the plainest first: one byte of UTF-8; Latin-1 in two bytes;
// two and three bytes that Latin-1 has not; four bytes, a surrogate pair.
var alphabets = [...]alphabet{{' ', '~'}, {0x80, 0xff}, {0x100, 0x7ff}, {0x800, 0xd7ff}, {0xe000, 0xffff}, {0x10000, 0x10ffff}}

// cornerLengths are around the sizes of small buffers and of vectors, and of
// the blocks that transcoders work in; the last are long.
var cornerLengths = [...]int{0, 1, 2, 3, 7, 8, 15, 16, 17, 31, 32, 33, 63, 64, 65, 255, 256, 257, 1000, 4096}

// cornersText are strings that are corners as they are.
var cornersText = [...]string{
	"", "\x00", "a\x00b", "\x00\x00", "e\u0301", "\u0301", "\u00ff", "\u0080", "\u00ff\u0100", "\u0100\u00ff",
	"\ud7ff\ue000", "\ufffd", "\ufeffbom", "\uffff", "\U00010000", "\U0010ffff", "\U0010ffff\u007f",
	"\u200d", "\r\n", `\u{41}`, `"'\`, "// no comment", "👩\u200d👩\u200d👧", "%ok",
}

// text makes a string: a corner as it is; or of a length that is one, from one
// alphabet; or the same with one character of another one somewhere, which is
// where an encoder that had begun in a narrow encoding has to start again.
func (g *Generator) text() string {
	if i, ok := g.corner(component.KindString, len(cornersText)); ok && len(cornersText[i]) <= g.left {
		g.left -= len(cornersText[i])
		return cornersText[i]
	}
	const longestChar = 4
	n := g.count(longestChar)
	a := alphabets[g.r.IntN(len(alphabets))]
	odd := -1
	if n > 0 && g.r.IntN(2) == 0 {
		odd = [...]int{0, n / 2, n - 1, g.r.IntN(n)}[g.r.IntN(4)]
	}
	var b strings.Builder
	for i := range n {
		if i == odd {
			b.WriteRune(g.char())
			continue
		}
		b.WriteRune(a.draw(g.r))
	}
	return b.String()
}

// length is how many elements a list has.
func (g *Generator) length(elem *component.ValType) int {
	if elem.ContainsHandles() {
		return g.r.IntN(3) // each is made by a call
	}
	return g.count(int(elem.Size()))
}

// count is a length that leaves room for elements of the given size, and takes
// that room.
func (g *Generator) count(size int) int {
	n := g.r.IntN(6)
	if i, ok := g.corner("length", len(cornerLengths)); ok {
		n = cornerLengths[i]
	}
	n = min(n, max(g.left, 0)/max(size, 1))
	g.left -= n * size
	return n
}

func (g *Generator) flags(t *component.ValType) uint64 {
	corners := [...]uint64{0, math.MaxUint64, 1, 1 << max(len(t.Labels)-1, 0)}
	if i, ok := g.corner(t, len(corners)); ok {
		return corners[i]
	}
	return g.r.Uint64()
}

// caseOf chooses a case: every one in turn while they are few, and the ends of
// what a discriminant of each size can hold when they are many.
func (g *Generator) caseOf(t *component.ValType) int {
	n, _ := CaseOf(t, 0)
	const few = 32
	corners := []int{0, 1, n - 1, n / 2, 255, 256, 257}
	if n <= few {
		if i, ok := g.corner(t, n); ok {
			return i
		}
	} else if i, ok := g.corner(t, len(corners)); ok && corners[i] < n {
		return corners[i]
	}
	return g.r.IntN(n)
}
