package wit

import (
	"errors"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/wbundle/wbundle/internal/component"
)

func field(name string, t *component.ValType) component.Field {
	return component.Field{Name: name, Type: t}
}

var (
	tBytes    = component.NewList(component.U8)
	tStrings  = component.NewList(component.String)
	tPoint    = component.NewRecord([]component.Field{field("x", component.U32), field("y", component.NewOption(component.String))})
	tAllOpt   = component.NewRecord([]component.Field{field("only", component.NewOption(component.U8))})
	tResponse = component.NewVariant([]component.Case{{Name: "empty"}, {Name: "body", Type: tBytes}, {Name: "err", Type: component.String}})
	tStatus   = component.NewEnum([]string{"ok", "not-found", "none"})
	tPerms    = component.NewFlags([]string{"read", "write", "exec"})
	tOptU8    = component.NewOption(component.U8)
	tOptOpt   = component.NewOption(tOptU8)
	tResult   = component.NewResult(component.U8, component.String)
	tEmptyRes = component.NewResult(nil, nil)
	tResNoOk  = component.NewResult(nil, component.String)
	tTuple    = component.NewTuple(component.U8, component.String)
	tFixed    = component.NewFixedList(component.U16, 3)
	tMap      = component.NewMap(component.String, component.U32)
)

func TestParseAndPrint(t *testing.T) {
	for _, c := range []struct {
		t    *component.ValType
		text string
		want string // "": the same text
	}{
		{component.Bool, "true", ""},
		{component.Bool, " false // comment", "false"},
		{component.U8, "255", ""},
		{component.S8, "-128", ""},
		{component.U64, "18446744073709551615", ""},
		{component.S64, "-9223372036854775808", ""},
		{component.U32, "-0", "0"},
		{component.F64, "3.14", ""},
		{component.F64, "6.022e+23", ""},
		{component.F64, "-0", ""},
		{component.F64, "nan", ""},
		{component.F64, "-inf", ""},
		{component.F32, "inf", ""},
		{component.F32, "0.1", ""},
		{component.F32, "16777216", ""},
		{component.F64, "1e-7", "1e-07"},
		{component.Char, "'x'", ""},
		{component.Char, "'☃'", ""},
		{component.Char, `'\''`, ""},
		{component.Char, `'"'`, ""},
		{component.Char, `'\u{0}'`, ""},
		{component.Char, `'\u{1F44B}'`, "'👋'"},
		{component.String, `"abc\t123"`, ""},
		{component.String, `"say \"hi\" \\ it's"`, ""},
		{component.String, `"\u{48}\u{301}"`, `"H\u{301}"`},
		{component.String, "\"\"\"\nA single line\n\"\"\"", `"A single line"`},
		{component.String, "\"\"\"\n    Indentation determined\n      by ending delimiter\n  \"\"\"", `"  Indentation determined\n    by ending delimiter"`},
		{component.String, "\"\"\"\r\n  a\\r\r\n  \"\"\\\"\"\r\n  \"\"\"", `"a\r\n\"\"\"\""`},
		{component.String, "\"\"\"\n\"\"\"", `""`},
		{tTuple, `(123, "abc",)`, `(123, "abc")`},
		{tBytes, "[]", ""},
		{tBytes, "[1, 2, 3]", ""},
		{tStrings, `["a", "b"]`, ""},
		{tFixed, "[1, 2, 3]", ""},
		{tMap, `[("a", 1), ("b", 2)]`, ""},
		{tPoint, `{x: 1, y: some("two")}`, ""},
		{tPoint, `{y: "two", %x: 1}`, `{x: 1, y: some("two")}`},
		{tPoint, `{x: 1, y: none,}`, `{x: 1}`},
		{tAllOpt, "{:}", ""},
		{tAllOpt, "{only: 3}", "{only: some(3)}"},
		{tResponse, "empty", ""},
		{tResponse, "body([79, 75])", ""},
		{tResponse, `%err("oops")`, ""},
		{tStatus, "%ok", ""},
		{tStatus, "not-found", ""},
		{tStatus, "%not-found", "not-found"},
		{tPerms, "{write, read,}", "{read, write}"},
		{tPerms, "{}", ""},
		{tOptU8, "none", ""},
		{tOptU8, "7", "some(7)"},
		{tOptOpt, "some(none)", ""},
		{tOptOpt, "some(7)", "some(some(7))"},
		{component.NewOption(tStatus), "%none", "some(%none)"},
		{component.NewOption(tStatus), "none", ""},
		{tResult, "7", "ok(7)"},
		{tResult, `err("oops")`, ""},
		{tEmptyRes, "ok", ""},
		{tEmptyRes, "err", ""},
		{tResNoOk, "ok", ""},
	} {
		v, err := Parse(c.text, c.t)
		if err != nil {
			t.Errorf("%s as %s: %v", c.text, TypeString(c.t), err)
			continue
		}
		want := c.want
		if want == "" {
			want = c.text
		}
		if got := v.String(); got != want {
			t.Errorf("%s as %s: got %s, want %s", c.text, TypeString(c.t), got, want)
		}
	}
}

func TestParseErrors(t *testing.T) {
	for _, c := range []struct {
		t    *component.ValType
		text string
		want string
	}{
		{component.U8, "256", "1:1: 256 does not fit in u8"},
		{component.U8, "-1", "1:1: -1 does not fit in u8"},
		{component.U8, "1.5", "1:1: 1.5 is not an integer of type u8"},
		{component.U8, "007", "1:1: a number does not begin with 0"},
		{component.U8, "1 2", `1:3: expected the end of the text, found "2"`},
		{component.Bool, "yes", `1:1: expected true or false, found "yes"`},
		{component.F32, "1e60", "1:1: 1e60 does not fit in f32"},
		{component.F64, "1.", "1:1: malformed number"},
		{component.Char, "'ab'", "1:1: a char is one character between ' and '"},
		{component.Char, `'\u{d800}'`, `1:2: \u{…} needs the hexadecimal number of a Unicode scalar value`},
		{component.String, `"abc`, "1:1: the string has no end"},
		{component.String, "\"a\nb\"", `1:3: line break in a string: write \n, or use """`},
		{component.String, `"\q"`, `1:2: unknown escape (known: \' \" \\ \t \n \r \u{…})`},
		{component.String, "\"\"\"\n a\n  \"\"\"", `2:1: the line is indented less than the closing """`},
		{component.String, "\"\xff\"", "1:2: the text is not valid UTF-8"},
		{tBytes, "[1,\n 2, x]", `2:5: expected an integer of type u8, found "x"`},
		{tBytes, "[1 2]", `1:4: expected "," or "]", found "2"`},
		{tFixed, "[1]", "1:1: 1 elements for list<u16, 3>"},
		{tTuple, "(1)", "1:1: 1 elements for tuple<u8, string>"},
		{tPoint, "{x: 1, z: 2}", `1:8: no field "z" in record { x: u32, y: option<string> }; did you mean "x"?`},
		{tPoint, "{y: none}", `1:1: field "x" is missing`},
		{tPoint, "{x: 1, x: 2}", `1:8: field "x" given twice`},
		{tAllOpt, "{}", "1:1: an empty record is written {:}"},
		{tResponse, "body", `1:1: case "body" needs a payload: body(…)`},
		{tResponse, "empty(1)", `1:6: case "empty" has no payload`},
		{tResponse, `err("x")`, `1:1: expected a case of variant {…}, found the keyword err (a case of that name is written %err)`},
		{tStatus, "not-fund", `1:1: no case "not-fund" in enum { ok, not-found, none }; did you mean "not-found"?`},
		{tPerms, "{raed}", `1:2: no flag "raed" in flags { read, write, exec }; did you mean "read"?`},
		{tOptOpt, "7", `1:1: expected some or none, found "7"`},
		{tEmptyRes, "ok(1)", `1:3: case "ok" has no payload`},
		{component.NewOwn(&component.Resource{Name: "r"}), "1", "1:1: a value of type r cannot be written down: handles come from calls"},
		{component.String, "#", "1:1: unexpected character '#'"},
	} {
		_, err := Parse(c.text, c.t)
		var pe *ParseError
		if !errors.As(err, &pe) {
			t.Errorf("%s as %s: got %v, want a *ParseError", c.text, TypeString(c.t), err)
			continue
		}
		if got := strings.Replace(err.Error(), "variant { empty, body(list<u8>), err(string) }", "variant {…}", 1); got != c.want {
			t.Errorf("%s as %s:\n got %s\nwant %s", c.text, TypeString(c.t), got, c.want)
		}
	}
}

func TestParseCall(t *testing.T) {
	params := []component.Field{field("a", component.U32), field("b", component.String), field("c", tOptU8)}
	for _, c := range []struct{ text, name, args string }{
		{`add(2, "x")`, "add", `add(2, "x", none)`},
		{` add ( 2 , "x" , 3 , ) `, "add", `add(2, "x", some(3))`},
		{`demo:calc/ops#add(2, ")(")`, "demo:calc/ops#add", `demo:calc/ops#add(2, ")(", none)`},
		{`"demo:calc/ops@0.1.0#add"(2, "x")`, "demo:calc/ops@0.1.0#add", `demo:calc/ops@0.1.0#add(2, "x", none)`},
		{`demo:calc/ops#[constructor]counter(3, "")`, "demo:calc/ops#[constructor]counter", `demo:calc/ops#[constructor]counter(3, "", none)`},
		{`[method]counter.next(3, "")`, "[method]counter.next", `[method]counter.next(3, "", none)`},
	} {
		call, err := ParseCall(c.text)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		if call.Name != c.name {
			t.Errorf("%s: name %s, want %s", c.text, call.Name, c.name)
		}
		args, err := call.ParseArgs(params)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		if got := FormatCall(call.Name, args); got != c.args {
			t.Errorf("%s: got %s, want %s", c.text, got, c.args)
		}
	}
	whole, err := ParseCall(`"demo:calc/ops#add(2, 3)"`)
	if err != nil || whole.Name != "demo:calc/ops#add" {
		t.Errorf("quoted call: %v, %v", whole, err)
	}
	for text, want := range map[string]string{
		"add":           "1:4: a call needs arguments in parentheses: add()",
		"":              "1:1: a call needs arguments in parentheses: ()",
		"add(1":         "1:6: a call ends with )",
		"(1)":           "1:1: a call needs the name of a function",
		"a b(1)":        "1:2: ' ' is no part of a function name",
		"f(1)":          "1:4: argument 2 of f is missing: b: string",
		"f(1 2)":        `1:5: expected ",", found "2"`,
		`f(1,"",2,9)`:   "1:10: too many arguments: f takes 3 arguments",
		`f(1, "", 300)`: "1:10: 300 does not fit in u8",
	} {
		call, err := ParseCall(text)
		if err == nil {
			_, err = call.ParseArgs(params)
		}
		if err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
	}
}

func TestEqual(t *testing.T) {
	nan := F64(math.NaN())
	if !Equal(nan, F64Bits(0xfff8000000000001)) {
		t.Error("one NaN differs from another")
	}
	if Equal(F64(0), F64(math.Copysign(0, -1))) {
		t.Error("0 equals -0")
	}
	// Two copies of one type.
	other := component.NewEnum([]string{"not-found", "ok", "none"})
	if !Equal(Variant(tStatus, 1, Value{}), Variant(other, 0, Value{})) {
		t.Error("enum cases are not compared by name")
	}
	if Equal(U8(1), U16(1)) {
		t.Error("u8 equals u16")
	}
	if !Equal(Value{}, Value{}) || Equal(Value{}, U8(0)) {
		t.Error("the zero Value")
	}
}

// types is what FuzzParse and the property test parse as; the first byte of
// the fuzz input chooses.
var types = []*component.ValType{
	component.Bool, component.S8, component.U8, component.S32, component.U64, component.F32, component.F64, component.Char,
	component.String, tBytes, tStrings, tPoint, tAllOpt, tResponse, tStatus, tPerms, tOptU8, tOptOpt, tResult, tEmptyRes,
	tResNoOk, tTuple, tFixed, tMap, component.NewList(component.NewOption(tResponse)),
}

func FuzzParse(f *testing.F) {
	for i, s := range []string{
		"true", "-1", "7", "-0", "1e3", "nan", "-inf", "'\\u{1f44b}'", "\"\"\"\n  a\n  \"\"\"", "[1, 2]", `["a"]`, "{x: 1}", "{:}",
		"body([1])", "%ok", "{read, write}", "none", "some(some(1))", "err(\"x\")", "ok", "ok", "(1, \"a\")", "[1,2,3,]",
		`[("k", 1)]`, `[none, empty, some(%err("e"))]`,
	} {
		f.Add(byte(i), s)
	}
	f.Fuzz(func(t *testing.T, which byte, text string) {
		ty := types[int(which)%len(types)]
		v, err := Parse(text, ty)
		if err != nil {
			inside(t, err, text)
			return
		}
		roundTrip(t, v, ty)
	})
}

// inside checks that an error of the parser is about a place in the text: its
// end at most.
func inside(t interface{ Fatalf(string, ...any) }, err error, text string) {
	var pe *ParseError
	if !errors.As(err, &pe) {
		t.Fatalf("%q: %v is not a *ParseError", text, err)
	}
	if pe.Offset < 0 || pe.Offset > len(text) {
		t.Fatalf("%q: %v is at offset %d of %d", text, err, pe.Offset, len(text))
	}
	if line, col := position(text, pe.Offset); line != pe.Line || col != pe.Col || line < 1 || col < 1 {
		t.Fatalf("%q: %v is at offset %d, which is %d:%d", text, err, pe.Offset, line, col)
	}
}

// FuzzParseCall reads calls of a function whose parameters are of the types
// that the first byte chooses.
func FuzzParseCall(f *testing.F) {
	for i, s := range []string{"f()", "f(1)", `"a:b/c#f"(true, -1)`, "f(1, \"a\", none,)", "f(", "f(1))", "f(\")\")", "f(// x\n1)"} {
		f.Add(byte(i), s)
	}
	f.Fuzz(func(t *testing.T, which byte, text string) {
		c, err := ParseCall(text)
		if err != nil {
			inside(t, err, text)
			return
		}
		i := int(which) % len(types)
		params := []component.Field{field("a", types[i]), field("b", types[(i+7)%len(types)])}[:which%3]
		args, err := c.ParseArgs(params)
		if err != nil {
			inside(t, err, text)
			return
		}
		printed := FormatCall(c.Name, args)
		again, err := ParseCall(printed)
		if err != nil || again.Name != c.Name {
			t.Fatalf("%s, printed from %q: %v", printed, text, err)
		}
		back, err := again.ParseArgs(params)
		if err != nil {
			t.Fatalf("%s, printed from %q: %v", printed, text, err)
		}
		for i := range args {
			if !Equal(args[i], back[i]) {
				t.Fatalf("argument %d of %s became %s", i, printed, back[i])
			}
		}
	})
}

func roundTrip(t interface{ Fatalf(string, ...any) }, v Value, ty *component.ValType) {
	printed := v.String()
	again, err := Parse(printed, ty)
	if err != nil {
		t.Fatalf("%s, printed from a %s, does not parse: %v", printed, TypeString(ty), err)
	}
	if !Equal(v, again) || again.String() != printed {
		t.Fatalf("%s became %s", printed, again)
	}
}

// TestRoundTrip prints and parses generated values.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ty := rapid.SampledFrom(types).Draw(t, "type")
		roundTrip(t, generate(t, ty), ty)
	})
}

func generate(t *rapid.T, ty *component.ValType) Value {
	switch ty.Kind {
	case component.KindString:
		return String(strings.ToValidUTF8(rapid.String().Draw(t, "string"), ""))
	case component.KindChar:
		return Char(rapid.Rune().Filter(func(r rune) bool { return r < 0xd800 || r > 0xdfff }).Draw(t, "char"))
	case component.KindBool:
		return Bool(rapid.Bool().Draw(t, "bool"))
	case component.KindF32:
		return F32(rapid.Float32().Draw(t, "f32"))
	case component.KindF64:
		return F64(rapid.Float64().Draw(t, "f64"))
	case component.KindS8:
		return S8(rapid.Int8().Draw(t, "s8"))
	case component.KindS32:
		return S32(rapid.Int32().Draw(t, "s32"))
	case component.KindU8:
		return U8(rapid.Uint8().Draw(t, "u8"))
	case component.KindU16:
		return U16(rapid.Uint16().Draw(t, "u16"))
	case component.KindU32:
		return U32(rapid.Uint32().Draw(t, "u32"))
	case component.KindU64:
		return U64(rapid.Uint64().Draw(t, "u64"))
	case component.KindRecord, component.KindTuple:
		fields := make([]Value, len(ty.Fields))
		for i, f := range ty.Fields {
			fields[i] = generate(t, f.Type)
		}
		return Record(ty, fields)
	case component.KindList, component.KindFixedList:
		n := int(ty.Len)
		if ty.Kind == component.KindList {
			n = rapid.IntRange(0, 4).Draw(t, "len")
		}
		elems := make([]Value, n)
		for i := range elems {
			elems[i] = generate(t, ty.Elem)
		}
		return List(ty, elems)
	case component.KindMap:
		var pairs []Value
		for range rapid.IntRange(0, 3).Draw(t, "len") {
			pairs = append(pairs, generate(t, ty.Key), generate(t, ty.Elem))
		}
		return Map(ty, pairs)
	case component.KindFlags:
		return Flags(ty, rapid.Uint64().Draw(t, "flags"))
	}
	n, _ := CaseOf(ty, 0)
	i := rapid.IntRange(0, n-1).Draw(t, "case")
	_, pt := CaseOf(ty, i)
	if pt == nil {
		return Variant(ty, i, Value{})
	}
	return Variant(ty, i, generate(t, pt))
}
