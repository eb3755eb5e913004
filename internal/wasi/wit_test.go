package wasi

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/wbundle/wbundle/internal/component"
)

// witFuncs are the functions of testdata/wasi-0.2.12.wit, by the name that an
// import has less its version, and the names of those that are unstable.
var witFuncs = sync.OnceValues(func() (funcs map[string]*component.FuncType, unstable map[string]bool) {
	src, err := os.ReadFile("testdata/wasi-0.2.12.wit")
	if err != nil {
		panic(err)
	}
	text := regexp.MustCompile(`(?m)//.*$`).ReplaceAllString(string(src), "")
	p := &witParser{
		tokens: regexp.MustCompile(`->|[%\w][\w-]*(?:[:/.@][\w][\w-]*)*|\S`).FindAllString(text, -1),
		ifaces: map[string]map[string]any{},
		funcs:  map[string]*component.FuncType{}, unstable: map[string]bool{},
	}
	for len(p.tokens) > 0 {
		p.item()
	}
	return p.funcs, p.unstable
})

// witParser reads what of WIT those interfaces are written in.
type witParser struct {
	tokens   []string
	pkg      string // "wasi:io"
	iface    string
	types    map[string]any // of iface: *component.ValType or *component.Resource
	ifaces   map[string]map[string]any
	funcs    map[string]*component.FuncType
	unstable map[string]bool
	mark     bool // the next item is unstable
}

func (p *witParser) next() string {
	t := p.tokens[0]
	p.tokens = p.tokens[1:]
	return strings.TrimPrefix(t, "%")
}

func (p *witParser) accept(t string) bool {
	if p.tokens[0] != t {
		return false
	}
	p.next()
	return true
}

func (p *witParser) expect(t string) {
	if got := p.next(); got != t {
		panic(fmt.Sprintf("%q, want %q, before %q", got, t, p.tokens[:min(5, len(p.tokens))]))
	}
}

// list reads items that are separated by commas, up to end.
func (p *witParser) list(end string, item func()) {
	for !p.accept(end) {
		item()
		if !p.accept(",") && p.tokens[0] != end {
			panic("want , or " + end + ", got " + p.tokens[0])
		}
	}
}

func (p *witParser) item() {
	switch word := p.next(); word {
	case "@":
		p.mark = p.next() == "unstable"
		for !p.accept(")") {
			p.next()
		}
	case "package":
		p.pkg, _, _ = strings.Cut(p.next(), "@")
		for !p.accept(";") {
			p.next()
		}
	case "interface":
		p.iface = p.pkg + "/" + p.next()
		p.types = map[string]any{}
		p.ifaces[p.iface] = p.types
		p.expect("{")
		off := p.mark
		for i, depth := 0, 1; depth > 0; i++ { // resources may be used before they are there
			switch p.tokens[i] {
			case "{":
				depth++
			case "}":
				depth--
			case "resource":
				p.types[p.tokens[i+1]] = &component.Resource{Name: p.tokens[i+1]}
			}
		}
		for !p.accept("}") {
			p.declaration(off)
		}
		p.mark = false
	default:
		panic("unexpected " + word)
	}
}

func (p *witParser) declaration(off bool) {
	switch word := p.next(); word {
	case "@":
		p.tokens = append([]string{"@"}, p.tokens...)
		p.item()
		return
	case "use":
		from, _, _ := strings.Cut(p.next(), "@")
		if !strings.Contains(from, ":") {
			from = p.pkg + "/" + strings.TrimSuffix(from, ".")
		}
		for !p.accept("{") {
			p.next()
		}
		p.list("}", func() {
			name := p.next()
			as := name
			if p.accept("as") {
				as = p.next()
			}
			p.types[as] = p.ifaces[strings.TrimSuffix(from, ".")][name]
		})
		p.expect(";")
	case "type":
		name := p.next()
		p.expect("=")
		p.types[name] = p.valType()
		p.expect(";")
	case "record":
		name := p.next()
		p.expect("{")
		var fields []component.Field
		p.list("}", func() {
			f := p.next()
			p.expect(":")
			fields = append(fields, component.Field{Name: f, Type: p.valType()})
		})
		p.types[name] = component.NewRecord(fields)
	case "variant":
		name := p.next()
		p.expect("{")
		var cases []component.Case
		p.list("}", func() {
			c := component.Case{Name: p.next()}
			if p.accept("(") {
				c.Type = p.valType()
				p.expect(")")
			}
			cases = append(cases, c)
		})
		p.types[name] = component.NewVariant(cases)
	case "enum", "flags":
		name := p.next()
		p.expect("{")
		var labels []string
		p.list("}", func() { labels = append(labels, p.next()) })
		if word == "enum" {
			p.types[name] = component.NewEnum(labels)
		} else {
			p.types[name] = component.NewFlags(labels)
		}
	case "resource":
		name := p.next()
		res := p.types[name].(*component.Resource)
		if p.accept(";") {
			break
		}
		p.expect("{")
		for !p.accept("}") {
			if p.tokens[0] == "@" {
				p.item()
				continue
			}
			self := component.Field{Name: "self", Type: component.NewBorrow(res)}
			if p.accept("constructor") {
				f := p.params()
				f.Result = component.NewOwn(res)
				p.add("[constructor]"+name, f, off)
				continue
			}
			method := p.next()
			p.expect(":")
			if p.accept("static") {
				p.add("[static]"+name+"."+method, p.function(), off)
				continue
			}
			f := p.function()
			f.Params = append([]component.Field{self}, f.Params...)
			p.add("[method]"+name+"."+method, f, off)
		}
	default:
		p.expect(":")
		p.add(word, p.function(), off)
	}
	p.mark = false
}

func (p *witParser) function() *component.FuncType {
	p.expect("func")
	f := p.params()
	return f
}

func (p *witParser) params() *component.FuncType {
	f := &component.FuncType{}
	p.expect("(")
	p.list(")", func() {
		name := p.next()
		p.expect(":")
		f.Params = append(f.Params, component.Field{Name: name, Type: p.valType()})
	})
	if p.accept("->") {
		f.Result = p.valType()
	}
	p.expect(";")
	return f
}

func (p *witParser) add(name string, f *component.FuncType, off bool) {
	name = p.iface + "#" + name
	p.funcs[name] = f
	if off || p.mark {
		p.unstable[name] = true
	}
	p.mark = false
}

func (p *witParser) valType() *component.ValType {
	args := func(n int) []*component.ValType {
		var out []*component.ValType
		p.expect("<")
		p.list(">", func() {
			if p.accept("_") {
				out = append(out, nil)
			} else {
				out = append(out, p.valType())
			}
		})
		for len(out) < n {
			out = append(out, nil)
		}
		return out
	}
	prims := map[string]*component.ValType{
		"bool": component.Prim(component.KindBool), "string": component.Prim(component.KindString), "char": component.Prim(component.KindChar),
		"u8": component.Prim(component.KindU8), "u16": component.Prim(component.KindU16), "u32": component.Prim(component.KindU32),
		"u64": component.Prim(component.KindU64), "s32": component.Prim(component.KindS32),
	}
	switch word := p.next(); word {
	case "list":
		return component.NewList(args(1)[0])
	case "option":
		return component.NewOption(args(1)[0])
	case "tuple":
		return component.NewTuple(args(1)...)
	case "result":
		if p.tokens[0] != "<" {
			return component.NewResult(nil, nil)
		}
		a := args(2)
		return component.NewResult(a[0], a[1])
	case "borrow":
		p.expect("<")
		res := p.types[p.next()].(*component.Resource)
		p.expect(">")
		return component.NewBorrow(res)
	default:
		if t := prims[word]; t != nil {
			return t
		}
		switch t := p.types[word].(type) {
		case *component.Resource:
			return component.NewOwn(t)
		case *component.ValType:
			return t
		}
		panic("unknown type " + word)
	}
}

// TestFunctions compares what the host has with what WASI 0.2 has.
func TestFunctions(t *testing.T) {
	funcs, unstable := witFuncs()
	h, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	// Nothing is there that these could be called on.
	without := regexp.MustCompile(`^wasi:sockets/.*\[method\](tcp-socket|udp-socket|(incoming|outgoing)-datagram-stream|resolve-address-stream)\.`)
	for _, name := range slices.Sorted(maps.Keys(funcs)) {
		iface, fn, _ := strings.Cut(name, "#")
		has := h.Func(iface+"@0.2.12#"+fn) != nil
		want := !unstable[name] && !without.MatchString(name) && name != "wasi:cli/run#run" && name != "wasi:http/incoming-handler#handle"
		if has != want {
			t.Errorf("%s: the host has it: %v, want %v", name, has, want)
		}
	}
	for name := range h.funcs {
		if funcs[name] == nil {
			t.Errorf("the host has %s, which WASI 0.2 has not", name)
		}
	}
	for _, name := range []string{"wasi:io/poll@0.3.0#poll", "wasi:io/poll@0.20.0#poll", "poll", "acme:io/poll@0.2.0#poll"} {
		if h.Func(name) != nil {
			t.Errorf("the host has %s", name)
		}
	}
}
