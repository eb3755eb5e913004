package wit

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/wbundle/wbundle/internal/component"
)

// drawType draws any type that has a text form, nested up to depth.
func drawType(t *rapid.T, depth int) *component.ValType {
	prims := []*component.ValType{
		component.Bool, component.S8, component.U8, component.S16, component.U16, component.S32, component.U32,
		component.S64, component.U64, component.F32, component.F64, component.Char, component.String,
	}
	labels := func(most int) []string {
		n := rapid.IntRange(1, most).Draw(t, "labels")
		out := make([]string, n)
		for i := range out {
			out[i] = fmt.Sprintf("l%d", i)
		}
		copy(out, []string{"none", "ok", "err", "true", "inf"}) // keywords of WAVE
		return out
	}
	if depth == 0 {
		return rapid.SampledFrom(prims).Draw(t, "primitive")
	}
	sub := func() *component.ValType { return drawType(t, depth-1) }
	maybe := func() *component.ValType {
		if rapid.Bool().Draw(t, "payload") {
			return sub()
		}
		return nil
	}
	switch rapid.IntRange(0, 10).Draw(t, "kind") {
	case 0:
		return component.NewList(sub())
	case 1:
		return component.NewFixedList(sub(), uint32(rapid.IntRange(1, 20).Draw(t, "len")))
	case 2:
		var fields []component.Field
		for _, l := range labels(5) {
			fields = append(fields, field(l, sub()))
		}
		return component.NewRecord(fields)
	case 3:
		var cases []component.Case
		for _, l := range labels(5) {
			cases = append(cases, component.Case{Name: l, Type: maybe()})
		}
		return component.NewVariant(cases)
	case 4:
		return component.NewEnum(labels(300))
	case 5:
		return component.NewFlags(labels(32))
	case 6:
		return component.NewOption(sub())
	case 7:
		return component.NewResult(maybe(), maybe())
	case 8:
		return component.NewTuple(sub(), sub())
	case 9:
		return component.NewMap(component.String, sub())
	}
	return drawType(t, 0)
}

// TestGenerateRoundTrip: what is generated of any type prints as WAVE and
// parses back, the same seed gives the same value, and none is too large.
func TestGenerateRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ty := drawType(t, 3)
		seed := rapid.Uint64().Draw(t, "seed")
		if why := CanGenerate(ty, false); why != "" {
			t.Skip(why)
		}
		g, again := NewGenerator(seed, 1), NewGenerator(seed, 1)
		for range 3 {
			v := g.Value(ty)
			roundTrip(t, v, ty)
			if w := again.Value(ty); v.String() != w.String() {
				t.Fatalf("the same seed gave %s and %s", v, w)
			}
			if got, most := footprint(v), int(ty.Size())+room; got > most {
				t.Fatalf("a %s holds %d bytes, more than %d", TypeString(ty), got, most)
			}
		}
	})
}

// footprint is how much linear memory a value takes, alignment in lists aside.
func footprint(v Value) int {
	n := int(v.Type().Size())
	switch v.Kind() {
	case component.KindString:
		n += len(v.str)
	case component.KindList:
		for i := range v.Len() {
			n += footprint(v.Index(i))
		}
	case component.KindMap:
		for _, e := range v.elems {
			n += footprint(e)
		}
	default:
		for _, e := range v.elems {
			n += footprint(e) - int(e.Type().Size())
		}
	}
	return n
}

// TestGenerateCorners draws until every corner must have appeared.
func TestGenerateCorners(t *testing.T) {
	big := component.NewEnum(strings.Fields(strings.Repeat("x ", 300)))
	for i := range big.Labels {
		big.Labels[i] = fmt.Sprintf("c%d", i)
	}
	flags := component.NewFlags([]string{"a", "b", "c"})
	floats := func(bits ...uint64) func(Value) string {
		return func(v Value) string {
			for _, b := range bits {
				if v.Uint() == b {
					return fmt.Sprintf("%#x", b)
				}
			}
			return ""
		}
	}
	ints := func(v Value) string { return v.String() }
	has := func(parts ...string) func(Value) string {
		return func(v Value) string {
			for _, p := range parts {
				if strings.Contains(v.Text(), p) {
					return p
				}
			}
			return ""
		}
	}
	lengths := func(v Value) string { return fmt.Sprint(v.Len()) }
	textLengths := func(v Value) string { return fmt.Sprint(len([]rune(v.Text()))) }
	// switching strings are Latin-1 but for one character, at some place.
	switching := func(v Value) string {
		wide, at := 0, 0
		runes := []rune(v.Text())
		for i, r := range runes {
			if r > 0xff {
				wide, at = wide+1, i
			}
		}
		switch {
		case wide != 1 || len(runes) < 8:
			return ""
		case at == 0:
			return "first"
		case at == len(runes)-1:
			return "last"
		}
		return "inside"
	}
	const draws = 4000
	for _, c := range []struct {
		name string
		t    *component.ValType
		what func(Value) string
		want []string
	}{
		{"s8", component.S8, ints, []string{"0", "1", "-1", "127", "-128"}},
		{"u8", component.U8, ints, []string{"0", "1", "127", "128", "255"}},
		{"s16", component.S16, ints, []string{"-32768", "32767", "-1"}},
		{"u32", component.U32, ints, []string{"0", "2147483648", "4294967295", "65536"}},
		{"s64", component.S64, ints, []string{"-9223372036854775808", "9223372036854775807"}},
		{"u64", component.U64, ints, []string{"18446744073709551615", "4294967296"}},
		{"f32", component.F32, floats(canonicalNaN32, 0x7f800001, 0xffc00000, 0x7fffffff, 1<<31, 1), []string{"0x7fc00000", "0x7f800001", "0xffc00000", "0x7fffffff", "0x80000000", "0x1"}},
		{"f64", component.F64, floats(canonicalNaN64, 0x7ff0000000000001, 1<<63), []string{"0x7ff8000000000000", "0x7ff0000000000001", "0x8000000000000000"}},
		{"char", component.Char, func(v Value) string { return fmt.Sprintf("%x", v.Rune()) }, []string{"0", "7f", "80", "ff", "100", "7ff", "800", "d7ff", "e000", "fffd", "ffff", "10000", "10ffff"}},
		{"string", component.String, has("\x00", "\u0301", "\ud7ff\ue000", "\u00ff\u0100", "\ufffd", "\U0010ffff"), []string{"\x00", "\u0301", "\ud7ff\ue000", "\u00ff\u0100", "\ufffd", "\U0010ffff"}},
		{"string lengths", component.String, textLengths, []string{"0", "1", "15", "16", "17", "256", "4096"}},
		{"switch to UTF-16", component.String, switching, []string{"first", "last", "inside"}},
		{"list", component.NewList(component.U8), lengths, []string{"0", "1", "15", "16", "17", "1000", "4096"}},
		{"enum", big, ints, []string{"c0", "c255", "c256", "c299"}},
		{"flags", flags, ints, []string{"{}", "{a, b, c}", "{a}", "{c}"}},
		{"option", component.NewOption(component.Bool), ints, []string{"none", "some(true)"}},
	} {
		for seed := range uint64(5) {
			g := NewGenerator(seed, 0)
			seen := map[string]bool{}
			for range draws {
				seen[c.what(g.Value(c.t))] = true
			}
			for _, w := range c.want {
				if !seen[w] {
					t.Errorf("%s, seed %d: no %q in %d draws", c.name, seed, w, draws)
				}
			}
		}
	}
}

// TestStreams: two streams of one seed, and two seeds, differ.
func TestStreams(t *testing.T) {
	first := func(seed, stream uint64) string {
		g := NewGenerator(seed, stream)
		return g.Value(tBytes).String() + g.Value(component.U64).String() + g.Value(component.String).String()
	}
	if a := first(1, 1); a == first(1, 2) || a == first(2, 1) {
		t.Error("streams agree")
	}
}

func TestCanGenerate(t *testing.T) {
	own := component.NewOwn(&component.Resource{Name: "r"})
	for _, c := range []struct {
		t       *component.ValType
		handles bool
		want    string
	}{
		{nil, false, ""},
		{own, true, ""},
		{component.NewList(own), false, "handles come from calls"},
		{component.NewFuture(nil), true, "streams and futures cannot be made up"},
		{component.NewFixedList(component.U64, 1<<20), false, "its values are too large"},
	} {
		if got := CanGenerate(c.t, c.handles); got != c.want {
			t.Errorf("%v: %q, want %q", c.t, got, c.want)
		}
	}
}

// TestShrink looks for the smallest value that still has a property.
func TestShrink(t *testing.T) {
	find := func(v Value, still func(Value) bool) Value {
		for steps := 0; ; steps++ {
			if steps > 10000 {
				t.Fatalf("no end at %s", v)
			}
			next, ok := v, false
			for c := range Shrink(v) {
				if still(c) {
					next, ok = c, true
					break
				}
			}
			if !ok {
				return v
			}
			v = next
		}
	}
	for _, c := range []struct {
		t     *component.ValType
		from  string
		still func(Value) bool
		want  string
	}{
		{component.U32, "4294967295", func(v Value) bool { return v.Uint() >= 1000 }, "1000"},
		{component.S32, "-2147483648", func(v Value) bool { return v.Int() < -7 }, "-8"},
		{component.F64, "nan", func(v Value) bool { return v.Float() != 0 }, "1"},
		{component.F64, "-0", func(v Value) bool { return math.Signbit(v.Float()) }, "-1"},
		{component.String, `"some text with é in it"`, func(v Value) bool { return strings.Contains(v.Text(), "é") }, `"é"`},
		{component.String, `"some text"`, func(v Value) bool { return len(v.Text()) >= 3 }, `"aaa"`},
		{component.NewList(component.U16), "[9, 300, 4, 7]", func(v Value) bool {
			for i := range v.Len() {
				if v.Index(i).Uint() > 255 {
					return true
				}
			}
			return false
		}, "[256]"},
		{tBytes, "[1, 2, 3, 4, 5]", func(v Value) bool { return v.Len() >= 2 }, "[0, 0]"},
		{tPoint, `{x: 77, y: some("hello")}`, func(v Value) bool { return v.Index(0).Uint() > 9 }, "{x: 10}"},
		{tResponse, "body([1, 2, 3])", func(v Value) bool { return v.Case() == 1 }, "body([])"},
		{tResponse, "body([1, 2, 3])", func(Value) bool { return true }, "empty"},
		{tPerms, "{read, write, exec}", func(v Value) bool { return v.Uint()&2 != 0 }, "{write}"},
		{tMap, `[("a", 1), ("b", 2)]`, func(v Value) bool { return v.Len() > 0 }, `[("", 0)]`},
	} {
		v, err := Parse(c.from, c.t)
		if err != nil {
			t.Fatal(err)
		}
		if got := find(v, c.still).String(); got != c.want {
			t.Errorf("%s became %s, want %s", c.from, got, c.want)
		}
	}
}

// TestShrinkEnds: going on from any value with one of its first candidates
// ends, and candidates are values of the type.
func TestShrinkEnds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ty := drawType(t, 2)
		v := NewGenerator(rapid.Uint64().Draw(t, "seed"), 0).Value(ty)
		pick := rapid.IntRange(1, 5).Draw(t, "pick")
		for steps := 0; ; steps++ {
			if steps > 20000 {
				t.Fatalf("no end at %s", v)
			}
			n, next, ok := 0, v, false
			for c := range Shrink(v) {
				if steps < 3 && n < 3 {
					roundTrip(t, c, ty)
				}
				next, ok = c, true
				if n++; n == pick {
					break
				}
			}
			if !ok {
				return
			}
			v = next
		}
	})
}
