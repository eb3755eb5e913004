package wit

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/wbundle/wbundle/internal/component"
	"github.com/wbundle/wbundle/internal/nearest"
)

// ParseError is an error in WAVE text.
type ParseError struct {
	Offset int // byte offset in the text, from 0
	Line   int // from 1
	Col    int // from 1, in bytes
	Msg    string
}

// Error implements error.
func (e *ParseError) Error() string {
	return fmt.Sprintf("%d:%d: %s", e.Line, e.Col, e.Msg)
}

func isKeyword(s string) bool {
	switch s {
	case "true", "false", "some", "none", "ok", "err", "inf", "nan":
		return true
	}
	return false
}

// Parse reads text as a WAVE value of type t. All of the text must be the
// value, white space and // comments aside. Errors are *ParseError.
func Parse(text string, t *component.ValType) (Value, error) {
	return run(text, 0, len(text), func(p *parser) Value {
		v := p.value(t)
		p.eof()
		return v
	})
}

// run parses text[from:to] and turns the parser's panics into errors.
func run[T any](text string, from, to int, f func(*parser) T) (result T, err error) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case *ParseError:
			err = r
		default:
			panic(r)
		}
	}()
	p := &parser{text: text[:to], pos: from}
	p.next()
	return f(p), nil
}

type tokenKind uint8

const (
	tokEOF   tokenKind = iota
	tokPunct           // one of {}()[]:,
	tokNumber
	tokLabel // or keyword; % kept
	tokChar
	tokString
)

type token struct {
	kind tokenKind
	text string // as written; for tokChar and tokString the decoded value
	off  int
}

func (t token) String() string {
	switch t.kind {
	case tokEOF:
		return "the end of the text"
	case tokChar:
		return "a char"
	case tokString:
		return "a string"
	}
	return strconv.Quote(t.text)
}

type parser struct {
	text string
	pos  int // behind tok
	tok  token
}

func (p *parser) fail(off int, format string, args ...any) {
	line, col := position(p.text, off)
	panic(&ParseError{Offset: off, Line: line, Col: col, Msg: fmt.Sprintf(format, args...)})
}

func position(text string, off int) (line, col int) {
	before := text[:off]
	return 1 + strings.Count(before, "\n"), off - strings.LastIndexByte(before, '\n')
}

func (p *parser) unexpected(want string) {
	p.fail(p.tok.off, "expected %s, found %s", want, p.tok)
}

func (p *parser) is(s string) bool {
	return (p.tok.kind == tokPunct || p.tok.kind == tokLabel) && p.tok.text == s
}

func (p *parser) accept(s string) bool {
	if p.is(s) {
		p.next()
		return true
	}
	return false
}

func (p *parser) expect(s string) {
	if !p.accept(s) {
		p.unexpected(strconv.Quote(s))
	}
}

func (p *parser) eof() {
	if p.tok.kind != tokEOF {
		p.unexpected("the end of the text")
	}
}

func (p *parser) value(t *component.ValType) Value {
	switch t.Kind {
	case component.KindBool:
		switch {
		case p.accept("true"):
			return Bool(true)
		case p.accept("false"):
			return Bool(false)
		}
		p.unexpected("true or false")
	case component.KindS8, component.KindS16, component.KindS32, component.KindS64,
		component.KindU8, component.KindU16, component.KindU32, component.KindU64:
		return p.integer(t)
	case component.KindF32, component.KindF64:
		return p.float(t)
	case component.KindChar:
		if p.tok.kind != tokChar {
			p.unexpected("a char")
		}
		r, _ := utf8.DecodeRuneInString(p.tok.text)
		p.next()
		return Char(r)
	case component.KindString:
		if p.tok.kind != tokString {
			p.unexpected("a string")
		}
		s := p.tok.text
		p.next()
		return String(s)
	case component.KindList, component.KindFixedList:
		return p.list(t)
	case component.KindTuple:
		return p.tuple(t)
	case component.KindRecord:
		return p.record(t)
	case component.KindFlags:
		return p.flags(t)
	case component.KindVariant, component.KindEnum:
		return p.variant(t)
	case component.KindOption, component.KindResult:
		return p.flattenable(t)
	case component.KindMap:
		return p.mapValue(t)
	case component.KindOwn, component.KindBorrow:
		p.fail(p.tok.off, "a value of type %s cannot be written down: handles come from calls", TypeString(t))
	default:
		p.fail(p.tok.off, "values of type %s are not supported", TypeString(t))
	}
	panic("unreachable")
}

func (p *parser) integer(t *component.ValType) Value {
	name := TypeString(t)
	if p.tok.kind != tokNumber {
		p.unexpected("an integer of type " + name)
	}
	s, off := p.tok.text, p.tok.off
	if strings.ContainsAny(s, ".eE") || s == "-inf" {
		p.fail(off, "%s is not an integer of type %s", s, name)
	}
	size, _ := strconv.Atoi(name[1:])
	var bits uint64
	var err error
	if name[0] == 's' {
		var x int64
		x, err = strconv.ParseInt(s, 10, size)
		bits = uint64(x)
	} else if s == "-0" {
		bits = 0
	} else {
		bits, err = strconv.ParseUint(s, 10, size)
	}
	if err != nil {
		p.fail(off, "%s does not fit in %s", s, name)
	}
	p.next()
	return Value{typ: t, bits: bits}
}

func (p *parser) float(t *component.ValType) Value {
	name := TypeString(t)
	var x float64
	switch {
	case p.is("nan"):
		x = math.NaN()
	case p.is("inf"):
		x = math.Inf(1)
	case p.tok.kind == tokNumber && p.tok.text == "-inf":
		x = math.Inf(-1)
	case p.tok.kind == tokNumber:
		size := 64
		if t.Kind == component.KindF32 {
			size = 32
		}
		var err error
		if x, err = strconv.ParseFloat(p.tok.text, size); err != nil {
			p.fail(p.tok.off, "%s does not fit in %s", p.tok.text, name)
		}
	default:
		p.unexpected("a number of type " + name)
	}
	p.next()
	if t.Kind == component.KindF32 {
		return F32(float32(x)).WithType(t)
	}
	return F64(x).WithType(t)
}

// items calls item for each of the comma-separated items up to end; a
// trailing comma is allowed. It returns how many there were.
func (p *parser) items(end string, item func(i int)) int {
	n := 0
	for !p.accept(end) {
		if n > 0 {
			if !p.accept(",") {
				p.unexpected(`"," or "` + end + `"`)
			}
			if p.accept(end) {
				break
			}
		}
		item(n)
		n++
	}
	return n
}

func (p *parser) list(t *component.ValType) Value {
	off := p.tok.off
	if !p.accept("[") {
		p.unexpected("a list")
	}
	var elems []Value
	n := p.items("]", func(int) { elems = append(elems, p.value(t.Elem)) })
	if t.Kind == component.KindFixedList && uint64(n) != uint64(t.Len) {
		p.fail(off, "%d elements for %s", n, TypeString(t))
	}
	return List(t, elems)
}

func (p *parser) tuple(t *component.ValType) Value {
	off := p.tok.off
	if !p.accept("(") {
		p.unexpected("a tuple")
	}
	fields := make([]Value, 0, len(t.Fields))
	n := p.items(")", func(i int) {
		if i >= len(t.Fields) {
			p.fail(p.tok.off, "%s has %d elements", TypeString(t), len(t.Fields))
		}
		fields = append(fields, p.value(t.Fields[i].Type))
	})
	if n != len(t.Fields) {
		p.fail(off, "%d elements for %s", n, TypeString(t))
	}
	return Record(t, fields)
}

func (p *parser) mapValue(t *component.ValType) Value {
	if !p.accept("[") {
		p.unexpected("a map, written as a list of (key, value)")
	}
	var pairs []Value
	p.items("]", func(int) {
		p.expect("(")
		k := p.value(t.Key)
		p.expect(",")
		v := p.value(t.Elem)
		p.accept(",")
		p.expect(")")
		pairs = append(pairs, k, v)
	})
	return Map(t, pairs)
}

// label reads a label of the given role and returns it without its %.
func (p *parser) label(role string) (name string, off int) {
	if p.tok.kind != tokLabel {
		p.unexpected(role)
	}
	name, off = strings.TrimPrefix(p.tok.text, "%"), p.tok.off
	p.next()
	return name, off
}

func (p *parser) record(t *component.ValType) Value {
	off := p.tok.off
	if !p.accept("{") {
		p.unexpected("a record")
	}
	fields := make([]Value, len(t.Fields))
	if p.accept(":") {
		p.expect("}")
	} else {
		n := p.items("}", func(int) {
			name, off := p.label("a field name")
			i := 0
			for i < len(t.Fields) && t.Fields[i].Name != name {
				i++
			}
			if i == len(t.Fields) {
				p.fail(off, "no field %q in %s%s", name, typeName(t), nearest.Hint(name, fieldNames(t)))
			}
			if !fields[i].IsZero() {
				p.fail(off, "field %q given twice", name)
			}
			p.expect(":")
			fields[i] = p.value(t.Fields[i].Type)
		})
		if n == 0 {
			p.fail(off, "an empty record is written {:}")
		}
	}
	for i, f := range t.Fields {
		if !fields[i].IsZero() {
			continue
		}
		if f.Type.Kind != component.KindOption {
			p.fail(off, "field %q is missing", f.Name)
		}
		fields[i] = None(f.Type)
	}
	return Record(t, fields)
}

func (p *parser) flags(t *component.ValType) Value {
	if !p.accept("{") {
		p.unexpected("flags")
	}
	var set uint64
	p.items("}", func(int) {
		name, off := p.label("a flag")
		for i, l := range t.Labels {
			if l == name {
				if set>>i&1 != 0 {
					p.fail(off, "flag %q given twice", name)
				}
				set |= 1 << i
				return
			}
		}
		p.fail(off, "no flag %q in %s%s", name, typeName(t), nearest.Hint(name, t.Labels))
	})
	return Flags(t, set)
}

func (p *parser) variant(t *component.ValType) Value {
	n, _ := CaseOf(t, 0)
	role := "a case of " + typeName(t)
	if p.tok.kind == tokLabel && isKeyword(p.tok.text) {
		p.fail(p.tok.off, "expected %s, found the keyword %s (a case of that name is written %%%[2]s)", role, p.tok.text)
	}
	name, off := p.label(role)
	for i := range n {
		if caseName(t, i) == name {
			_, pt := CaseOf(t, i)
			return p.payload(t, i, pt, off)
		}
	}
	var names []string
	for i := range n {
		names = append(names, caseName(t, i))
	}
	p.fail(off, "no case %q in %s%s", name, typeName(t), nearest.Hint(name, names))
	panic("unreachable")
}

// payload reads the parenthesised payload of case i, whose label was read.
func (p *parser) payload(t *component.ValType, i int, pt *component.ValType, off int) Value {
	if pt == nil {
		if p.is("(") {
			p.fail(p.tok.off, "case %q has no payload", caseName(t, i))
		}
		return Variant(t, i, Value{})
	}
	if !p.accept("(") {
		p.fail(off, "case %q needs a payload: %[1]s(…)", caseName(t, i))
	}
	v := p.value(pt)
	p.accept(",")
	p.expect(")")
	return Variant(t, i, v)
}

// flattenable reads an option or a result: written out, or "flat", the bare
// payload of some or ok, which is allowed when that is neither an option nor
// a result itself.
func (p *parser) flattenable(t *component.ValType) Value {
	if p.tok.kind == tokLabel {
		for i := range 2 {
			if p.tok.text == caseName(t, i) {
				off := p.tok.off
				p.next()
				_, pt := CaseOf(t, i)
				return p.payload(t, i, pt, off)
			}
		}
	}
	i, want := 0, "ok or err"
	if t.Kind == component.KindOption {
		i, want = 1, "some or none"
	}
	_, pt := CaseOf(t, i)
	if pt == nil || pt.Kind == component.KindOption || pt.Kind == component.KindResult {
		p.unexpected(want)
	}
	return Variant(t, i, p.value(pt))
}

func fieldNames(t *component.ValType) []string {
	names := make([]string, len(t.Fields))
	for i, f := range t.Fields {
		names[i] = f.Name
	}
	return names
}
