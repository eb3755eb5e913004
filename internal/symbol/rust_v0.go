package symbol

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// rustV0 demangles a name of Rust's second mangling (RFC 2603). Disambiguators,
// the hashes of crates among them, are left out. crate is the crate
// of the code: for an implementation the one that it stands in, which is
// not always that of the type.
func rustV0(name string) (path, crate string, ok bool) {
	rest, ok := strings.CutPrefix(name, "_R")
	if !ok || rest == "" || rest[0] < 'A' || rest[0] > 'Z' {
		return "", "", false
	}
	if i := strings.IndexByte(rest, '.'); i >= 0 {
		rest = rest[:i] // a vendor's suffix
	}
	p := &v0{in: rest}
	defer func() {
		if r := recover(); r != nil {
			if _, bad := r.(badName); !bad {
				panic(r)
			}
			path, crate, ok = "", "", false
		}
	}()
	p.path(true)
	if p.pos < len(p.in) {
		// The crate that instantiated a generic function. Of the part so far
		// nothing changes.
		p.mute++
		p.path(false)
	}
	if p.pos != len(p.in) || p.out.Len() == 0 {
		return "", "", false
	}
	return p.out.String(), p.crate, true
}

// badName is the panic of a name that is not one.
type badName struct{}

// v0 is the state of one demangling.
type v0 struct {
	in        string
	pos       int
	out       strings.Builder
	mute      int // while positive, nothing is written
	depth     int
	lifetimes int
	crate     string // the first that was read outside of mute
}

const (
	maxDepth  = 200
	maxOutput = 1 << 16
)

func (p *v0) enter() {
	if p.depth++; p.depth > maxDepth || p.out.Len() > maxOutput {
		panic(badName{})
	}
}

func (p *v0) write(s string) {
	if p.mute == 0 {
		p.out.WriteString(s)
	}
}

func (p *v0) next() byte {
	if p.pos >= len(p.in) {
		panic(badName{})
	}
	p.pos++
	return p.in[p.pos-1]
}

func (p *v0) eat(c byte) bool {
	if p.pos < len(p.in) && p.in[p.pos] == c {
		p.pos++
		return true
	}
	return false
}

// base62 reads a number: _ is 0, 0_ is 1.
func (p *v0) base62() int {
	if p.eat('_') {
		return 0
	}
	n := 0
	for {
		c := p.next()
		switch {
		case c == '_':
			return n + 1
		case c >= '0' && c <= '9':
			n = n*62 + int(c-'0')
		case c >= 'a' && c <= 'z':
			n = n*62 + int(c-'a') + 10
		case c >= 'A' && c <= 'Z':
			n = n*62 + int(c-'A') + 36
		default:
			panic(badName{})
		}
		if n < 0 || n > 1<<56 {
			// Hashes of crates are 64 bits; their value does not matter.
			n = 1 << 56 / 62
		}
	}
}

// disambiguator reads "s" and a number, if there; 0 without.
func (p *v0) disambiguator() int {
	if p.eat('s') {
		return p.base62() + 1
	}
	return 0
}

// ident reads an identifier without its disambiguator.
func (p *v0) ident() string {
	puny := p.eat('u')
	n := 0
	c := p.next()
	if c < '0' || c > '9' {
		panic(badName{})
	}
	n = int(c - '0')
	for n > 0 && p.pos < len(p.in) && p.in[p.pos] >= '0' && p.in[p.pos] <= '9' && n < 1<<16 {
		n = n*10 + int(p.next()-'0')
	}
	p.eat('_')
	if p.pos+n > len(p.in) {
		panic(badName{})
	}
	id := p.in[p.pos : p.pos+n]
	p.pos += n
	if puny {
		return punycode(id)
	}
	return id
}

// backref calls read at an earlier place.
func (p *v0) backref(read func()) {
	at := p.pos - 1
	to := p.base62()
	if to >= at {
		panic(badName{})
	}
	if p.mute > 0 {
		return // it has been read before
	}
	back := p.pos
	p.pos = to
	read()
	p.pos = back
}

// path reads a path; inValue says that generic arguments are written ::<T>.
func (p *v0) path(inValue bool) {
	p.enter()
	defer func() { p.depth-- }()
	switch c := p.next(); c {
	case 'C':
		p.disambiguator()
		id := p.ident()
		if p.crate == "" {
			p.crate = id
		}
		p.write(id)
	case 'N':
		ns := p.next()
		p.path(inValue)
		dis := p.disambiguator()
		id := p.ident()
		switch {
		case ns >= 'A' && ns <= 'Z':
			kind := map[byte]string{'C': "closure", 'S': "shim"}[ns]
			if kind == "" {
				kind = string(ns)
			}
			if id != "" {
				id = ":" + id
			}
			p.write(fmt.Sprintf("::{%s%s#%d}", kind, id, dis))
		case ns >= 'a' && ns <= 'z':
			if id != "" {
				p.write("::" + id)
			}
		default:
			panic(badName{})
		}
	case 'M', 'X':
		// The path of the impl block tells where it stands, and is not part of
		// the name.
		p.disambiguator()
		p.mute++
		p.path(false)
		p.mute--
		p.write("<")
		p.typ()
		if c == 'X' {
			p.write(" as ")
			p.path(false)
		}
		p.write(">")
	case 'Y':
		p.write("<")
		p.typ()
		p.write(" as ")
		p.path(false)
		p.write(">")
	case 'I':
		p.path(inValue)
		if inValue {
			p.write("::")
		}
		p.write("<")
		p.list("E", p.genericArg)
		p.write(">")
	case 'B':
		p.backref(func() { p.path(inValue) })
	default:
		panic(badName{})
	}
}

// list reads items up to end, with commas between.
func (p *v0) list(end string, item func()) (n int) {
	for ; !p.eat(end[0]); n++ {
		if n > 0 {
			p.write(", ")
		}
		item()
	}
	return n
}

func (p *v0) genericArg() {
	switch {
	case p.eat('L'):
		p.lifetime()
	case p.eat('K'):
		p.constant()
	default:
		p.typ()
	}
}

func (p *v0) lifetime() {
	n := p.base62()
	switch depth := p.lifetimes - n; {
	case n == 0:
		p.write("'_")
	case depth < 0:
		panic(badName{})
	case depth < 26:
		p.write("'" + string(rune('a'+depth)))
	default:
		p.write("'_" + strconv.Itoa(depth))
	}
}

// binder reads for<'a, ...> and calls f inside of it.
func (p *v0) binder(f func()) {
	n := 0
	if p.eat('G') {
		n = p.base62() + 1
	}
	if n > 1000 {
		panic(badName{})
	}
	if n > 0 {
		p.write("for<")
		for i := range n {
			if i > 0 {
				p.write(", ")
			}
			p.lifetimes++
			depth := p.lifetimes - 1
			p.write("'" + string(rune('a'+depth%26)))
		}
		p.write("> ")
	}
	f()
	p.lifetimes -= n
}

// basic are the types of one letter.
var basic = map[byte]string{
	'a': "i8", 'b': "bool", 'c': "char", 'd': "f64", 'e': "str", 'f': "f32", 'h': "u8", 'i': "isize", 'j': "usize",
	'l': "i32", 'm': "u32", 'n': "i128", 'o': "u128", 's': "i16", 't': "u16", 'u': "()", 'v': "...", 'x': "i64",
	'y': "u64", 'z': "!", 'p': "_",
}

func (p *v0) typ() {
	p.enter()
	defer func() { p.depth-- }()
	c := p.next()
	if name, ok := basic[c]; ok {
		p.write(name)
		return
	}
	switch c {
	case 'R', 'Q':
		p.write("&")
		if p.eat('L') {
			if at := p.pos; p.base62() != 0 {
				p.pos = at
				p.lifetime()
				p.write(" ")
			}
		}
		if c == 'Q' {
			p.write("mut ")
		}
		p.typ()
	case 'P':
		p.write("*const ")
		p.typ()
	case 'O':
		p.write("*mut ")
		p.typ()
	case 'A':
		p.write("[")
		p.typ()
		p.write("; ")
		p.constant()
		p.write("]")
	case 'S':
		p.write("[")
		p.typ()
		p.write("]")
	case 'T':
		p.write("(")
		if p.list("E", p.typ) == 1 {
			p.write(",")
		}
		p.write(")")
	case 'F':
		p.binder(p.fn)
	case 'D':
		p.write("dyn ")
		p.binder(func() {
			for n := 0; !p.eat('E'); n++ {
				if n > 0 {
					p.write(" + ")
				}
				p.dynTrait()
			}
		})
		if !p.eat('L') {
			panic(badName{})
		}
		if at := p.pos; p.base62() != 0 {
			p.pos = at
			p.write(" + ")
			p.lifetime()
		}
	case 'B':
		p.backref(p.typ)
	default:
		p.pos--
		p.path(false)
	}
}

func (p *v0) fn() {
	if p.eat('U') {
		p.write("unsafe ")
	}
	if p.eat('K') {
		abi := "C"
		if !p.eat('C') {
			abi = strings.ReplaceAll(p.ident(), "_", "-")
		}
		p.write(`extern "` + abi + `" `)
	}
	p.write("fn(")
	p.list("E", p.typ)
	p.write(")")
	if p.eat('u') {
		return
	}
	p.write(" -> ")
	p.typ()
}

// dynTrait reads a trait with its associated types, which go among the generic
// arguments: dyn Iterator<Item = u8>.
func (p *v0) dynTrait() {
	open := p.openPath()
	for p.eat('p') {
		if open {
			p.write(", ")
		} else {
			p.write("<")
			open = true
		}
		p.write(p.ident() + " = ")
		p.typ()
	}
	if open {
		p.write(">")
	}
}

// openPath is path, but leaves the generic arguments open.
func (p *v0) openPath() bool {
	open := false
	switch {
	case p.eat('B'):
		p.backref(func() { open = p.openPath() })
	case p.eat('I'):
		p.path(false)
		p.write("<")
		p.list("E", p.genericArg)
		open = true
	default:
		p.path(false)
	}
	return open
}

func (p *v0) constant() {
	p.enter()
	defer func() { p.depth-- }()
	switch c := p.next(); c {
	case 'B':
		p.backref(p.constant)
	case 'p':
		p.write("_")
	case 'b':
		switch p.hex() {
		case "0":
			p.write("false")
		case "1":
			p.write("true")
		default:
			panic(badName{})
		}
	case 'c':
		n, err := strconv.ParseUint(p.hex(), 16, 32)
		if err != nil || !utf8.ValidRune(rune(n)) {
			panic(badName{})
		}
		p.write(strconv.QuoteRune(rune(n)))
	case 'a', 's', 'l', 'x', 'n', 'i', 'h', 't', 'm', 'y', 'o', 'j':
		if p.eat('n') {
			p.write("-")
		}
		digits := p.hex()
		if n, err := strconv.ParseUint(digits, 16, 64); err == nil {
			p.write(strconv.FormatUint(n, 10))
		} else {
			p.write("0x" + digits)
		}
	case 'e':
		// A str is the hex digits of its bytes.
		digits := p.hex()
		var b []byte
		for i := 0; i+1 < len(digits); i += 2 {
			n, _ := strconv.ParseUint(digits[i:i+2], 16, 8) // hex has seen to it
			b = append(b, byte(n))
		}
		p.write("*" + strconv.Quote(string(b)))
	case 'R', 'Q':
		p.write("&")
		if c == 'Q' {
			p.write("mut ")
		}
		p.constant()
	case 'A':
		p.write("[")
		p.list("E", p.constant)
		p.write("]")
	case 'T':
		p.write("(")
		if p.list("E", p.constant) == 1 {
			p.write(",")
		}
		p.write(")")
	case 'V':
		p.path(true)
		switch p.next() {
		case 'U':
		case 'T':
			p.write("(")
			p.list("E", p.constant)
			p.write(")")
		case 'S':
			p.write(" { ")
			p.list("E", func() {
				p.disambiguator()
				p.write(p.ident() + ": ")
				p.constant()
			})
			p.write(" }")
		default:
			panic(badName{})
		}
	default:
		panic(badName{})
	}
}

// hex reads digits up to _.
func (p *v0) hex() string {
	start := p.pos
	for {
		switch c := p.next(); {
		case c == '_':
			digits := strings.TrimLeft(p.in[start:p.pos-1], "0")
			if digits == "" && p.pos-1 > start {
				digits = "0"
			}
			return digits
		case c >= '0' && c <= '9' || c >= 'a' && c <= 'f':
		default:
			panic(badName{})
		}
	}
}

// punycode decodes an identifier with other characters than ASCII's (RFC 3492
// with _ for the delimiter); what cannot be decoded stays.
func punycode(id string) string {
	const base, tmin, tmax, skew, damp = 36, 1, 26, 38, 700
	var out []rune
	rest := id
	if i := strings.LastIndexByte(id, '_'); i >= 0 {
		out, rest = []rune(id[:i]), id[i+1:]
	}
	n, i, bias := 128, 0, 72
	for pos := 0; pos < len(rest); {
		old, w := i, 1
		for k := base; ; k += base {
			if pos >= len(rest) {
				return id
			}
			c := rest[pos]
			pos++
			var digit int
			switch {
			case c >= 'a' && c <= 'z':
				digit = int(c - 'a')
			case c >= '0' && c <= '9':
				digit = int(c-'0') + 26
			default:
				return id
			}
			i += digit * w
			t := min(max(k-bias, tmin), tmax)
			if digit < t {
				break
			}
			if w *= base - t; w > 1<<24 || i > 1<<30 {
				return id
			}
		}
		count := len(out) + 1
		delta := i - old
		if old == 0 {
			delta /= damp
		} else {
			delta /= 2
		}
		delta += delta / count
		k := 0
		for delta > (base-tmin)*tmax/2 {
			delta /= base - tmin
			k += base
		}
		bias = k + (base-tmin+1)*delta/(delta+skew)
		n += i / count
		i %= count
		if !utf8.ValidRune(rune(n)) {
			return id
		}
		out = append(out[:i], append([]rune{rune(n)}, out[i:]...)...)
		i++
	}
	return string(out)
}
