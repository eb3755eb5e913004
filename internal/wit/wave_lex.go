package wit

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// next reads the next token into p.tok.
func (p *parser) next() {
	for p.pos < len(p.text) {
		c := p.text[p.pos]
		if c == ' ' || c == '\t' || c == '\n' || c == '\r' {
			p.pos++
		} else if strings.HasPrefix(p.text[p.pos:], "//") {
			if i := strings.IndexByte(p.text[p.pos:], '\n'); i >= 0 {
				p.pos += i
			} else {
				p.pos = len(p.text)
			}
		} else {
			break
		}
	}
	start := p.pos
	if start == len(p.text) {
		p.tok = token{kind: tokEOF, off: start}
		return
	}
	switch c := p.text[start]; {
	case strings.IndexByte("{}()[]:,", c) >= 0:
		p.pos++
		p.tok = token{tokPunct, p.text[start:p.pos], start}
	case c == '-' || isDigit(c):
		p.number()
	case c == '%' || isLetter(c):
		p.labelToken()
	case c == '\'':
		p.charToken()
	case strings.HasPrefix(p.text[start:], `"""`):
		p.multiline()
	case c == '"':
		p.stringToken()
	default:
		r, _ := utf8.DecodeRuneInString(p.text[start:])
		p.fail(start, "unexpected character %q", r)
	}
}

func isDigit(c byte) bool  { return '0' <= c && c <= '9' }
func isLower(c byte) bool  { return 'a' <= c && c <= 'z' }
func isUpper(c byte) bool  { return 'A' <= c && c <= 'Z' }
func isLetter(c byte) bool { return isLower(c) || isUpper(c) }

// peek returns the byte at p.pos+i, or 0 behind the end.
func (p *parser) peek(i int) byte {
	if p.pos+i < len(p.text) {
		return p.text[p.pos+i]
	}
	return 0
}

// number reads -?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)? or -inf.
func (p *parser) number() {
	start := p.pos
	if strings.HasPrefix(p.text[start:], "-inf") {
		p.pos += len("-inf")
		p.tok = token{tokNumber, "-inf", start}
		return
	}
	if p.peek(0) == '-' {
		p.pos++
	}
	digits := func() {
		if !isDigit(p.peek(0)) {
			p.fail(start, "malformed number")
		}
		for isDigit(p.peek(0)) {
			p.pos++
		}
	}
	if p.peek(0) == '0' && isDigit(p.peek(1)) {
		p.fail(start, "a number does not begin with 0")
	}
	digits()
	if p.peek(0) == '.' {
		p.pos++
		digits()
	}
	if c := p.peek(0); c == 'e' || c == 'E' {
		p.pos++
		if c := p.peek(0); c == '-' || c == '+' {
			p.pos++
		}
		digits()
	}
	if isLetter(p.peek(0)) {
		p.fail(start, "malformed number")
	}
	p.tok = token{tokNumber, p.text[start:p.pos], start}
}

// labelToken reads %?word(-word)*; a word is in one case, and the first one
// begins with a letter.
func (p *parser) labelToken() {
	start := p.pos
	if p.peek(0) == '%' {
		p.pos++
	}
	for first := true; ; first = false {
		w := p.pos
		for isLetter(p.peek(0)) || isDigit(p.peek(0)) {
			p.pos++
		}
		word := p.text[w:p.pos]
		if word == "" || first && isDigit(word[0]) || word != strings.ToLower(word) && word != strings.ToUpper(word) {
			p.fail(start, "malformed label %q: words of lower case or of upper case, separated by hyphens", p.text[start:p.pos])
		}
		if p.peek(0) != '-' {
			break
		}
		p.pos++
	}
	p.tok = token{tokLabel, p.text[start:p.pos], start}
}

// escape reads one character of a literal: itself, or an escape.
func (p *parser) escape() rune {
	start := p.pos
	if p.peek(0) != '\\' {
		r, n := utf8.DecodeRuneInString(p.text[start:])
		if r == utf8.RuneError && n <= 1 {
			p.fail(start, "the text is not valid UTF-8")
		}
		p.pos += n
		return r
	}
	p.pos += 2
	switch p.peek(-1) {
	case '\'', '"', '\\':
		return rune(p.text[p.pos-1])
	case 't':
		return '\t'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 'u':
		if p.peek(0) == '{' {
			if n := strings.IndexByte(p.text[p.pos:], '}'); n >= 2 && n <= 7 {
				x, err := strconv.ParseUint(p.text[p.pos+1:p.pos+n], 16, 32)
				if err == nil && utf8.ValidRune(rune(x)) {
					p.pos += n + 1
					return rune(x)
				}
			}
		}
		p.fail(start, `\u{…} needs the hexadecimal number of a Unicode scalar value`)
	}
	p.fail(start, `unknown escape (known: \' \" \\ \t \n \r \u{…})`)
	panic("unreachable")
}

func (p *parser) charToken() {
	start := p.pos
	p.pos++
	if c := p.peek(0); c == '\'' || c == '\n' || c == 0 {
		p.fail(start, "malformed char")
	}
	r := p.escape()
	if p.peek(0) != '\'' {
		p.fail(start, "a char is one character between ' and '")
	}
	p.pos++
	p.tok = token{tokChar, string(r), start}
}

func (p *parser) stringToken() {
	start := p.pos
	var b strings.Builder
	p.pos++
	for p.peek(0) != '"' {
		if p.pos >= len(p.text) {
			p.fail(start, "the string has no end")
		}
		if p.peek(0) == '\n' {
			p.fail(p.pos, `line break in a string: write \n, or use """`)
		}
		b.WriteRune(p.escape())
	}
	p.pos++
	p.tok = token{tokString, b.String(), start}
}

// multiline reads """, a line break, lines, and a last line of spaces and
// """ whose indentation every line loses.
func (p *parser) multiline() {
	start := p.pos
	p.pos += 3
	end := strings.Index(p.text[p.pos:], `"""`)
	if end < 0 {
		p.fail(start, "the string has no end")
	}
	end += p.pos
	body := p.text[p.pos:end]
	switch {
	case strings.HasPrefix(body, "\r\n"):
		p.pos += 2
	case strings.HasPrefix(body, "\n"):
		p.pos++
	default:
		p.fail(start, `a line break must follow """`)
	}
	last := strings.LastIndexByte(p.text[:end], '\n') + 1
	indent := p.text[last:end]
	if strings.Trim(indent, " ") != "" {
		p.fail(end, `only spaces may stand before the closing """`)
	}
	var b strings.Builder
	for first := true; p.pos < last; first = false {
		if !first {
			b.WriteByte('\n')
		}
		stop := p.pos + strings.IndexByte(p.text[p.pos:], '\n')
		if !strings.HasPrefix(p.text[p.pos:stop], indent) {
			p.fail(p.pos, `the line is indented less than the closing """`)
		}
		line := &parser{text: strings.TrimSuffix(p.text[:stop], "\r"), pos: p.pos + len(indent)}
		for line.pos < len(line.text) {
			b.WriteRune(line.escape())
		}
		p.pos = stop + 1
	}
	p.pos = end + 3
	p.tok = token{tokString, b.String(), start}
}
