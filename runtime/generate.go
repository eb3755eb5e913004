package runtime

import (
	"math"
	"math/rand/v2"

	"github.com/wbundle/wbundle/internal/component"
	"github.com/wbundle/wbundle/internal/wit"
)

// generator makes values of any type. The same seed gives the same values.
// It prefers the edges: empty and long strings, characters that are one, two,
// three and four bytes of UTF-8, extreme integers, special floats.
type generator struct {
	r *rand.Rand
	// reps numbers the handles that stand for resources of the host.
	reps uint32
}

func newGenerator(seed, stream uint64) *generator {
	return &generator{r: rand.New(rand.NewPCG(seed, stream))}
}

// can reports whether values of t can be made up. Handles can be made up only
// as results of the host (hostSide), of resources that it implements.
func canGenerate(t *component.ValType, hostSide bool) bool {
	return t == nil || !t.ContainsAsync() && !t.ContainsBorrow() && (hostSide || !t.ContainsHandles())
}

func (g *generator) value(t *component.ValType) wit.Value {
	switch t.Kind {
	case component.KindBool:
		return wit.Bool(g.r.IntN(2) == 1)
	case component.KindS8:
		return wit.S8(int8(g.bits()))
	case component.KindU8:
		return wit.U8(uint8(g.bits()))
	case component.KindS16:
		return wit.S16(int16(g.bits()))
	case component.KindU16:
		return wit.U16(uint16(g.bits()))
	case component.KindS32:
		return wit.S32(int32(g.bits()))
	case component.KindU32:
		return wit.U32(uint32(g.bits()))
	case component.KindS64:
		return wit.S64(int64(g.bits()))
	case component.KindU64:
		return wit.U64(g.bits())
	case component.KindF32:
		return wit.F32(float32(g.float()))
	case component.KindF64:
		return wit.F64(g.float())
	case component.KindChar:
		return wit.Char(g.char())
	case component.KindString:
		s := make([]rune, g.length())
		for i := range s {
			s[i] = g.char()
		}
		return wit.String(string(s))
	case component.KindList, component.KindFixedList:
		n := int(t.Len)
		if t.Kind == component.KindList {
			n = g.length()
		}
		elems := make([]wit.Value, n)
		for i := range elems {
			elems[i] = g.value(t.Elem)
		}
		return wit.List(t, elems)
	case component.KindMap:
		var pairs []wit.Value
		for range g.length() {
			pairs = append(pairs, g.value(t.Key), g.value(t.Elem))
		}
		return wit.Map(t, pairs)
	case component.KindRecord, component.KindTuple:
		fields := make([]wit.Value, len(t.Fields))
		for i, f := range t.Fields {
			fields[i] = g.value(f.Type)
		}
		return wit.Record(t, fields)
	case component.KindFlags:
		return wit.Flags(t, g.r.Uint64())
	case component.KindOwn:
		g.reps++
		return NewHandle(t, g.reps)
	}
	i := g.r.IntN(len(t.CaseList()))
	if pt := t.CaseList()[i].Type; pt != nil {
		return wit.Variant(t, i, g.value(pt))
	}
	return wit.Variant(t, i, wit.Value{})
}

// bits returns an integer that is often small, and often all ones or a power
// of two in the size it will be cut to.
func (g *generator) bits() uint64 {
	switch g.r.IntN(4) {
	case 0:
		return g.r.Uint64()
	case 1:
		return ^uint64(0)
	case 2:
		return 1 << g.r.IntN(64)
	}
	return g.r.Uint64N(100)
}

func (g *generator) float() float64 {
	special := [...]float64{0, math.Copysign(0, -1), 1, -1.5, math.Inf(1), math.Inf(-1), math.NaN(), math.SmallestNonzeroFloat64, math.MaxFloat32}
	if i := g.r.IntN(2 * len(special)); i < len(special) {
		return special[i]
	}
	return g.r.NormFloat64() * 1000
}

func (g *generator) char() rune {
	bounds := [...]rune{0x80, 0x100, 0x800, 0xd800, 0x110000}
	i := g.r.IntN(len(bounds) + 2)
	if i >= len(bounds) {
		return ' ' + g.r.Int32N(95) // what programs expect
	}
	low := rune(0)
	if i > 0 {
		low = bounds[i-1]
	}
	if i == 4 {
		low = 0xe000
	}
	return low + g.r.Int32N(bounds[i]-low)
}

func (g *generator) length() int {
	switch g.r.IntN(8) {
	case 0:
		return 0
	case 1:
		return 1
	case 2:
		return 20 + g.r.IntN(60)
	}
	return g.r.IntN(6)
}
