package wit

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"

	"github.com/wbundle/wbundle/internal/component"
)

// String returns v in WAVE. The zero Value prints as "()", the form of a
// function result that is absent. Options and results are always written out
// (some(x), ok(x)), record fields that are none are left out, and handles
// print as what their String method says, or else as the name of their
// resource; Parse refuses both.
func (v Value) String() string {
	var p printer
	p.value(v)
	return p.b.String()
}

type printer struct{ b strings.Builder }

func (p *printer) value(v Value) {
	switch v.Kind() {
	case component.KindNone:
		p.b.WriteString("()")
	case component.KindBool:
		p.b.WriteString(strconv.FormatBool(v.AsBool()))
	case component.KindS8, component.KindS16, component.KindS32, component.KindS64:
		p.b.WriteString(strconv.FormatInt(v.Int(), 10))
	case component.KindU8, component.KindU16, component.KindU32, component.KindU64:
		p.b.WriteString(strconv.FormatUint(v.Uint(), 10))
	case component.KindF32:
		p.b.WriteString(formatFloat(v.Float(), 32))
	case component.KindF64:
		p.b.WriteString(formatFloat(v.Float(), 64))
	case component.KindChar:
		p.b.WriteByte('\'')
		p.char(v.Rune(), '\'')
		p.b.WriteByte('\'')
	case component.KindString:
		p.b.WriteByte('"')
		for _, r := range v.str {
			p.char(r, '"')
		}
		p.b.WriteByte('"')
	case component.KindList, component.KindFixedList:
		p.sequence('[', v, ']')
	case component.KindTuple:
		p.sequence('(', v, ')')
	case component.KindRecord:
		p.record(v)
	case component.KindFlags:
		p.b.WriteByte('{')
		p.b.WriteString(strings.Join(v.FlagNames(), ", "))
		p.b.WriteByte('}')
	case component.KindVariant, component.KindEnum:
		name := v.CaseName()
		if isKeyword(name) {
			p.b.WriteByte('%')
		}
		p.payload(name, v)
	case component.KindOption, component.KindResult:
		p.payload(v.CaseName(), v)
	case component.KindMap:
		// WAVE has no form for maps yet: a list of pairs.
		p.b.WriteByte('[')
		for i := range v.Len() {
			if i > 0 {
				p.b.WriteString(", ")
			}
			p.b.WriteByte('(')
			p.value(v.elems[2*i])
			p.b.WriteString(", ")
			p.value(v.elems[2*i+1])
			p.b.WriteByte(')')
		}
		p.b.WriteByte(']')
	default:
		if named, ok := v.handle.(fmt.Stringer); ok {
			p.b.WriteString(named.String())
			return
		}
		p.b.WriteString(TypeString(v.typ))
	}
}

func (p *printer) payload(name string, v Value) {
	p.b.WriteString(name)
	if len(v.elems) > 0 {
		p.b.WriteByte('(')
		p.value(v.elems[0])
		p.b.WriteByte(')')
	}
}

func (p *printer) sequence(open byte, v Value, end byte) {
	p.b.WriteByte(open)
	for i := range v.Len() {
		if i > 0 {
			p.b.WriteString(", ")
		}
		p.value(v.Index(i))
	}
	p.b.WriteByte(end)
}

func (p *printer) record(v Value) {
	p.b.WriteByte('{')
	first := true
	for i, f := range v.typ.Fields {
		x := v.elems[i]
		if x.Kind() == component.KindOption && x.Case() == 0 {
			continue
		}
		if !first {
			p.b.WriteString(", ")
		}
		first = false
		p.b.WriteString(f.Name)
		p.b.WriteString(": ")
		p.value(x)
	}
	if first {
		p.b.WriteByte(':')
	}
	p.b.WriteByte('}')
}

// char writes one character of a char or string literal. Characters that do
// not show (controls, unassigned, combining) are written by number, so that
// the text survives a copy and paste.
func (p *printer) char(r rune, quote rune) {
	switch r {
	case quote, '\\':
		p.b.WriteByte('\\')
		p.b.WriteRune(r)
	case '\t':
		p.b.WriteString(`\t`)
	case '\n':
		p.b.WriteString(`\n`)
	case '\r':
		p.b.WriteString(`\r`)
	default:
		if unicode.IsPrint(r) && !unicode.Is(unicode.Mn, r) {
			p.b.WriteRune(r)
			return
		}
		fmt.Fprintf(&p.b, `\u{%x}`, r)
	}
}

// formatFloat prints the shortest decimal that reads back as x in the given
// size; WAVE takes JSON numbers and nan, inf, -inf.
func formatFloat(x float64, bitSize int) string {
	switch {
	case math.IsNaN(x):
		return "nan"
	case math.IsInf(x, 1):
		return "inf"
	case math.IsInf(x, -1):
		return "-inf"
	}
	// Like JavaScript and JSON encoders: digits while they stay readable.
	format := byte('f')
	if a := math.Abs(x); a != 0 && (a < 1e-6 || a >= 1e21) {
		format = 'e'
	}
	return strconv.FormatFloat(x, format, -1, bitSize)
}
