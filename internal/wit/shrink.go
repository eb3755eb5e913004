package wit

import (
	"iter"
	"math"
	"unicode/utf8"

	"github.com/wbundle/wbundle/internal/component"
)

// Shrink yields values of v's type that are simpler than v, the simplest
// first. A search for a small example tries them, goes on from the first that
// still shows what it is after, and ends where none does; it does end,
// because every value yielded is shorter, nearer to zero, or has an earlier
// case than v. Handles stay as they are.
func Shrink(v Value) iter.Seq[Value] {
	return func(yield func(Value) bool) { shrink(v, yield) }
}

// shrink reports whether yield wanted all of it.
func shrink(v Value, yield func(Value) bool) bool {
	switch v.Kind() {
	case component.KindBool:
		return v.bits == 0 || yield(Bool(false))
	case component.KindS8, component.KindS16, component.KindS32, component.KindS64:
		return shrinkInt(v, v.Int(), yield)
	case component.KindU8, component.KindU16, component.KindU32, component.KindU64:
		return shrinkUint(v, yield)
	case component.KindF32, component.KindF64:
		return shrinkFloat(v, yield)
	case component.KindChar:
		for _, r := range [...]rune{'a', 0x80, 0x100, 0x800, 0x10000} {
			if (r < v.Rune() || r == 'a' && v.Rune() < ' ') && !yield(Char(r).WithType(v.typ)) {
				return false
			}
		}
		return true
	case component.KindString:
		return shrinkText(v, yield)
	case component.KindList, component.KindMap:
		return shrinkList(v, yield)
	case component.KindFixedList, component.KindRecord, component.KindTuple:
		return shrinkParts(v, yield)
	case component.KindFlags:
		if v.bits == 0 {
			return true
		}
		if !yield(Flags(v.typ, 0)) {
			return false
		}
		for i := range v.typ.Labels {
			if v.bits>>i&1 != 0 && v.bits != 1<<i && !yield(Flags(v.typ, v.bits&^(1<<i))) {
				return false
			}
		}
		return true
	case component.KindVariant, component.KindEnum, component.KindOption, component.KindResult:
		return shrinkCase(v, yield)
	}
	return true
}

// shrinkInt yields 0 and half of x, then what is nearer to x each time, so that
// a search bisects; and x less two, because parity often matters.
func shrinkInt(v Value, x int64, yield func(Value) bool) bool {
	emit := func(y int64) bool { return yield(Value{typ: v.typ, bits: uint64(y)}) }
	if x == 0 {
		return true
	}
	if !emit(0) || x/2 != 0 && !emit(x/2) {
		return false
	}
	for cut := x / 2; cut != 0; cut /= 2 {
		if !emit(x - cut) {
			return false
		}
	}
	two := int64(2)
	if x < 0 {
		two = -2
	}
	return x/2 == 0 || emit(x-two)
}

func shrinkUint(v Value, yield func(Value) bool) bool {
	x := v.bits
	emit := func(y uint64) bool { return yield(Value{typ: v.typ, bits: y}) }
	if x == 0 {
		return true
	}
	if !emit(0) || x/2 != 0 && !emit(x/2) {
		return false
	}
	for cut := x / 2; cut != 0; cut /= 2 {
		if !emit(x - cut) {
			return false
		}
	}
	return x/2 == 0 || emit(x-2)
}

// shrinkFloat yields numbers that people can read, each with fewer digits than
// the ones after it.
func shrinkFloat(v Value, yield func(Value) bool) bool {
	x := v.Float()
	rank := len(simpleFloats)
	for i, y := range simpleFloats {
		if x == y && math.Signbit(x) == math.Signbit(y) {
			rank = i
		}
	}
	for _, x := range simpleFloats[:rank] {
		y := F64(x)
		if v.Kind() == component.KindF32 {
			y = F32(float32(x))
		}
		if !yield(y.WithType(v.typ)) {
			return false
		}
	}
	return true
}

var simpleFloats = [...]float64{0, 1, -1, 0.5}

func shrinkText(v Value, yield func(Value) bool) bool {
	s := v.str
	emit := func(s string) bool { return yield(Value{typ: v.typ, str: s}) }
	if s == "" {
		return true
	}
	runes := []rune(s)
	for n := 0; n < len(runes); n = max(2*n, n+1) {
		// The beginning, then the end, each time more of it.
		if !emit(string(runes[:n])) || n > 0 && !emit(string(runes[len(runes)-n:])) {
			return false
		}
	}
	for i := 0; i < len(runes) && len(runes) <= 64; i++ {
		if !emit(string(runes[:i]) + string(runes[i+1:])) {
			return false
		}
	}
	// The same length in simpler characters: all of them, then each.
	plain := make([]rune, len(runes))
	for i := range plain {
		plain[i] = 'a'
	}
	if p := string(plain); p != s && !emit(p) {
		return false
	}
	for i, r := range runes {
		if i == 64 {
			break
		}
		if r != 'a' && utf8.RuneLen(r) >= 1 && !emit(string(runes[:i])+"a"+string(runes[i+1:])) {
			return false
		}
	}
	return true
}

func shrinkList(v Value, yield func(Value) bool) bool {
	n := v.Len()
	part := func(lo, hi int) Value {
		switch {
		case v.isBytes():
			return Value{typ: v.typ, str: v.str[lo:hi]}
		case v.Kind() == component.KindMap:
			return Value{typ: v.typ, elems: v.elems[2*lo : 2*hi : 2*hi]}
		}
		return Value{typ: v.typ, elems: v.elems[lo:hi:hi]}
	}
	join := func(a, b Value) Value {
		a.str += b.str
		a.elems = append(a.elems[:len(a.elems):len(a.elems)], b.elems...)
		return a
	}
	for k := 0; k < n; k = max(2*k, k+1) {
		if !yield(part(0, k)) || k > 0 && !yield(part(n-k, n)) {
			return false
		}
	}
	if n > 64 {
		return true // halves first; single elements when it is short
	}
	for i := range n {
		if !yield(join(part(0, i), part(i+1, n))) {
			return false
		}
	}
	if v.isBytes() {
		for i := range n {
			ok := shrink(U8(v.str[i]), func(e Value) bool {
				return yield(Value{typ: v.typ, str: v.str[:i] + string([]byte{byte(e.bits)}) + v.str[i+1:]})
			})
			if !ok {
				return false
			}
		}
		return true
	}
	return shrinkParts(v, yield)
}

// shrinkParts simplifies one element at a time.
func shrinkParts(v Value, yield func(Value) bool) bool {
	if v.isBytes() {
		for i := range v.Len() {
			if v.str[i] != 0 && !yield(Value{typ: v.typ, str: v.str[:i] + "\x00" + v.str[i+1:]}) {
				return false
			}
		}
		return true
	}
	for i := range v.elems {
		ok := shrink(v.elems[i], func(e Value) bool {
			elems := append([]Value(nil), v.elems...)
			elems[i] = e
			return yield(Value{typ: v.typ, elems: elems})
		})
		if !ok {
			return false
		}
	}
	return true
}

// shrinkCase yields the cases before v's that have no payload, then v's own
// case with a simpler payload.
func shrinkCase(v Value, yield func(Value) bool) bool {
	for i := range v.Case() {
		if _, pt := CaseOf(v.typ, i); pt == nil && !yield(Variant(v.typ, i, Value{})) {
			return false
		}
		if i == 8 {
			break // enough to see whether the case matters
		}
	}
	if len(v.elems) == 0 {
		return true
	}
	return shrink(v.elems[0], func(p Value) bool { return yield(Variant(v.typ, v.Case(), p)) })
}
