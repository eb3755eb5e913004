package wit

import (
	"fmt"
	"strings"

	"github.com/wbundle/wbundle/internal/component"
)

// Call is a function call in text form: a name, and arguments whose types
// are not known yet.
type Call struct {
	// Name is the function as exports spell it: "add", "demo:calc/ops#add",
	// "demo:calc/ops@0.1.0#[method]counter.next".
	Name string

	text     string
	from, to int // the arguments in text, without the parentheses
}

// ParseCall takes text of the form name(arguments) apart. The name is what
// stands before the first parenthesis; it, or the whole call, may be in
// double quotes. Errors are *ParseError.
func ParseCall(text string) (*Call, error) {
	return run(text, len(text), len(text), func(p *parser) *Call {
		from, to := trim(text, 0, len(text))
		if to-from >= 2 && text[from] == '"' && text[to-1] == '"' && strings.HasSuffix(text[from:to], `)"`) && !strings.ContainsAny(text[from+1:to-1], `"\`) {
			from, to = trim(text, from+1, to-1)
		}
		open := strings.IndexByte(text[from:to], '(')
		if open < 0 {
			p.fail(to, "a call needs arguments in parentheses: %s()", text[from:to])
		}
		open += from
		if text[to-1] != ')' {
			p.fail(to, "a call ends with )")
		}
		lo, hi := trim(text, from, open)
		if hi-lo >= 2 && text[lo] == '"' && text[hi-1] == '"' {
			lo, hi = trim(text, lo+1, hi-1)
		}
		name := text[lo:hi]
		if name == "" {
			p.fail(open, "a call needs the name of a function")
		}
		if i := strings.IndexAny(name, " \t\r\n\"'{},"); i >= 0 {
			p.fail(lo+i, "%q is no part of a function name", name[i])
		}
		return &Call{Name: name, text: text, from: open + 1, to: to - 1}
	})
}

func trim(text string, lo, hi int) (int, int) {
	const space = " \t\r\n"
	lo += len(text[lo:hi]) - len(strings.TrimLeft(text[lo:hi], space))
	return lo, lo + len(strings.TrimRight(text[lo:hi], space))
}

// ParseArgs reads the arguments of c as values of the given parameters.
// Trailing options may be left out and are none then. Errors are *ParseError
// with positions in the text of the whole call.
func (c *Call) ParseArgs(params []component.Field) ([]Value, error) {
	return run(c.text, c.from, c.to, func(p *parser) []Value {
		args := make([]Value, 0, len(params))
		for p.tok.kind != tokEOF {
			i := len(args)
			if i > 0 {
				p.expect(",")
				if p.tok.kind == tokEOF {
					break // a trailing comma
				}
			}
			if i == len(params) {
				p.fail(p.tok.off, "too many arguments: %s takes %s", c.Name, count(len(params), "argument"))
			}
			args = append(args, p.value(params[i].Type))
		}
		for i := len(args); i < len(params); i++ {
			if params[i].Type.Kind != component.KindOption {
				p.fail(p.tok.off, "argument %d of %s is missing: %s: %s", i+1, c.Name, params[i].Name, TypeString(params[i].Type))
			}
			args = append(args, None(params[i].Type))
		}
		return args
	})
}

func count(n int, what string) string {
	switch n {
	case 0:
		return "no " + what + "s"
	case 1:
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// FormatCall prints a call with arguments in the form that ParseCall reads.
func FormatCall(name string, args []Value) string {
	var p printer
	p.b.WriteString(name)
	p.b.WriteByte('(')
	for i, a := range args {
		if i > 0 {
			p.b.WriteString(", ")
		}
		p.value(a)
	}
	p.b.WriteByte(')')
	return p.b.String()
}
