package wit

import (
	"fmt"
	"strings"

	"github.com/wbundle/wbundle/internal/component"
)

// Printer prints types as WIT text.
type Printer struct {
	// Names holds the names of the types that have one in the scope that is
	// printed. A type without a name is written in place; WIT itself has no
	// such form for records, variants, enums and flags, but people read it.
	Names map[*component.ValType]string
}

// TypeString returns t as WIT text with every part written in place.
func TypeString(t *component.ValType) string { return Printer{}.Type(t) }

// FuncString returns f as WIT text, "func(a: u32) -> string", with every
// type written in place.
func FuncString(f *component.FuncType) string { return Printer{}.FuncType(f) }

// typeName is TypeString for messages, where long types would hide the point.
func typeName(t *component.ValType) string {
	s := TypeString(t)
	if len(s) > 60 {
		i := strings.IndexByte(s, '{')
		if i < 0 || i > 57 {
			i = 57
		}
		return strings.TrimSpace(s[:i]) + " {…}"
	}
	return s
}

// Type returns t, by name where it has one.
func (p Printer) Type(t *component.ValType) string {
	if t == nil {
		return "_"
	}
	if name, ok := p.Names[t]; ok {
		return name
	}
	return p.inPlace(t)
}

func (p Printer) inPlace(t *component.ValType) string {
	switch t.Kind {
	case component.KindRecord:
		return "record { " + p.fields(t.Fields) + " }"
	case component.KindVariant:
		return "variant { " + strings.Join(p.cases(t), ", ") + " }"
	case component.KindEnum:
		return "enum { " + strings.Join(idents(t.Labels), ", ") + " }"
	case component.KindFlags:
		return "flags { " + strings.Join(idents(t.Labels), ", ") + " }"
	case component.KindTuple:
		parts := make([]string, len(t.Fields))
		for i, f := range t.Fields {
			parts[i] = p.Type(f.Type)
		}
		return "tuple<" + strings.Join(parts, ", ") + ">"
	case component.KindList:
		return "list<" + p.Type(t.Elem) + ">"
	case component.KindFixedList:
		return fmt.Sprintf("list<%s, %d>", p.Type(t.Elem), t.Len)
	case component.KindMap:
		return "map<" + p.Type(t.Key) + ", " + p.Type(t.Elem) + ">"
	case component.KindOption:
		return "option<" + p.Type(t.Elem) + ">"
	case component.KindResult:
		switch {
		case t.Ok == nil && t.Err == nil:
			return "result"
		case t.Err == nil:
			return "result<" + p.Type(t.Ok) + ">"
		}
		return "result<" + p.Type(t.Ok) + ", " + p.Type(t.Err) + ">"
	case component.KindOwn, component.KindBorrow:
		name := "resource"
		if t.Resource != nil && t.Resource.Name != "" {
			name = ident(t.Resource.Name)
		}
		if t.Kind == component.KindBorrow {
			return "borrow<" + name + ">"
		}
		return name // WIT writes own<r> as r
	case component.KindStream, component.KindFuture:
		name := "stream"
		if t.Kind == component.KindFuture {
			name = "future"
		}
		if t.Elem == nil {
			return name
		}
		return name + "<" + p.Type(t.Elem) + ">"
	}
	if name, ok := primNames[t.Kind]; ok {
		return name
	}
	return fmt.Sprintf("type-%#x", uint8(t.Kind))
}

var primNames = map[component.Kind]string{
	component.KindBool: "bool", component.KindS8: "s8", component.KindU8: "u8", component.KindS16: "s16",
	component.KindU16: "u16", component.KindS32: "s32", component.KindU32: "u32", component.KindS64: "s64",
	component.KindU64: "u64", component.KindF32: "f32", component.KindF64: "f64", component.KindChar: "char",
	component.KindString: "string", component.KindErrorContext: "error-context",
}

func (p Printer) fields(fields []component.Field) string {
	parts := make([]string, len(fields))
	for i, f := range fields {
		parts[i] = ident(f.Name) + ": " + p.Type(f.Type)
	}
	return strings.Join(parts, ", ")
}

func (p Printer) cases(t *component.ValType) []string {
	parts := make([]string, len(t.Cases))
	for i, c := range t.Cases {
		parts[i] = ident(c.Name)
		if c.Type != nil {
			parts[i] += "(" + p.Type(c.Type) + ")"
		}
	}
	return parts
}

// FuncType returns f as "func(a: u32) -> string".
func (p Printer) FuncType(f *component.FuncType) string {
	return p.signature(f, 0, true)
}

// signature prints f without its first skip parameters.
func (p Printer) signature(f *component.FuncType, skip int, result bool) string {
	var b strings.Builder
	if f.Async {
		b.WriteString("async ")
	}
	b.WriteString("func(" + p.fields(f.Params[skip:]) + ")")
	if result && f.Result != nil {
		b.WriteString(" -> " + p.Type(f.Result))
	}
	return b.String()
}

// keywords are the words of WIT.md that an identifier is not; between spaces.
const keywords = " as async bool borrow char constructor enum error-context export f32 f64 flags from func " +
	"future import include interface list map option own package record resource result s16 s32 s64 s8 static stream " +
	"string tuple type u16 u32 u64 u8 use variant with world "

func ident(s string) string {
	if strings.Contains(keywords, " "+s+" ") {
		return "%" + s
	}
	return s
}

func idents(s []string) []string {
	out := make([]string, len(s))
	for i := range s {
		out[i] = ident(s[i])
	}
	return out
}

// NamedFunc is a function of an interface or world. Name is as components
// spell it, "[method]counter.next" included.
type NamedFunc struct {
	Name string
	Type *component.FuncType
}

// NamedType is a type of an interface or world: a value type, or a resource.
type NamedType struct {
	Name     string
	Type     *component.ValType
	Resource *component.Resource
}

// Interface is what there is to print of an interface.
type Interface struct {
	Name  string // "ns:pkg/name@version", or a plain name
	Types []NamedType
	Funcs []NamedFunc
}

// World is what there is to print of a world: types, functions and
// interfaces on each side.
type World struct {
	Name             string
	Imports, Exports WorldSide
}

// WorldSide is one direction of a world.
type WorldSide struct {
	Interfaces []Interface
	Types      []NamedType
	Funcs      []NamedFunc
}

// InterfaceText returns i as WIT: "interface name { … }".
func InterfaceText(i Interface) string {
	var b strings.Builder
	writeInterface(&b, "", "interface "+i.Name, i)
	return b.String()
}

// WorldText returns w as WIT, with interfaces written inside the world: the
// reader sees at once what the component needs and gives.
func WorldText(w World) string {
	var b strings.Builder
	b.WriteString("world " + w.Name + " {\n")
	side := func(verb string, s WorldSide) {
		p := printerFor(s.Types)
		for _, i := range s.Interfaces {
			writeInterface(&b, "  ", verb+" "+i.Name, i)
		}
		writeTypes(&b, "  ", p, s.Types, nil)
		for _, f := range s.Funcs {
			fmt.Fprintf(&b, "  %s %s: %s;\n", verb, ident(f.Name), p.FuncType(f.Type))
		}
	}
	side("import", w.Imports)
	side("export", w.Exports)
	b.WriteString("}\n")
	return b.String()
}

func printerFor(types []NamedType) Printer {
	p := Printer{Names: map[*component.ValType]string{}}
	for _, t := range types {
		// Primitive types are shared by everyone: an alias of u32 must not
		// rename every u32.
		if t.Type != nil && primNames[t.Type.Kind] == "" {
			if _, ok := p.Names[t.Type]; !ok {
				p.Names[t.Type] = ident(t.Name)
			}
		}
	}
	return p
}

func writeInterface(b *strings.Builder, indent, head string, i Interface) {
	b.WriteString(indent + head + " {\n")
	p := printerFor(i.Types)
	inner := indent + "  "
	methods := map[string][]NamedFunc{}
	for _, f := range i.Funcs {
		if r := resourceOf(f.Name); r != "" {
			methods[r] = append(methods[r], f)
		}
	}
	writeTypes(b, inner, p, i.Types, methods)
	for _, f := range i.Funcs {
		if resourceOf(f.Name) == "" {
			fmt.Fprintf(b, "%s%s: %s;\n", inner, ident(f.Name), p.FuncType(f.Type))
		}
	}
	b.WriteString(indent + "}\n")
}

// resourceOf returns r for "[constructor]r", "[method]r.f" and "[static]r.f".
func resourceOf(name string) string {
	if r, ok := strings.CutPrefix(name, "[constructor]"); ok {
		return r
	}
	for _, prefix := range []string{"[method]", "[static]"} {
		if r, ok := strings.CutPrefix(name, prefix); ok {
			r, _, _ = strings.Cut(r, ".")
			return r
		}
	}
	return ""
}

func writeTypes(b *strings.Builder, indent string, p Printer, types []NamedType, methods map[string][]NamedFunc) {
	for _, t := range types {
		if t.Type == nil {
			writeResource(b, indent, p, t.Name, methods[t.Name])
			continue
		}
		if p.Names[t.Type] != ident(t.Name) { // another name of a type that has one
			fmt.Fprintf(b, "%stype %s = %s;\n", indent, ident(t.Name), p.Type(t.Type))
			continue
		}
		body := func(keyword string, lines []string) {
			fmt.Fprintf(b, "%s%s %s {\n", indent, keyword, ident(t.Name))
			for _, l := range lines {
				b.WriteString(indent + "  " + l + ",\n")
			}
			b.WriteString(indent + "}\n")
		}
		switch t.Type.Kind {
		case component.KindRecord:
			lines := make([]string, len(t.Type.Fields))
			for i, f := range t.Type.Fields {
				lines[i] = ident(f.Name) + ": " + p.Type(f.Type)
			}
			body("record", lines)
		case component.KindVariant:
			body("variant", p.cases(t.Type))
		case component.KindEnum:
			body("enum", idents(t.Type.Labels))
		case component.KindFlags:
			body("flags", idents(t.Type.Labels))
		default:
			fmt.Fprintf(b, "%stype %s = %s;\n", indent, ident(t.Name), p.inPlace(t.Type))
		}
	}
}

func writeResource(b *strings.Builder, indent string, p Printer, name string, funcs []NamedFunc) {
	if len(funcs) == 0 {
		fmt.Fprintf(b, "%sresource %s;\n", indent, ident(name))
		return
	}
	fmt.Fprintf(b, "%sresource %s {\n", indent, ident(name))
	for _, f := range funcs {
		b.WriteString(indent + "  ")
		_, short, _ := strings.Cut(f.Name, ".")
		switch {
		case strings.HasPrefix(f.Name, "[constructor]"):
			s := "constructor" + strings.TrimPrefix(p.signature(f.Type, 0, false), "func")
			// A constructor may also be fallible; only then is its result written.
			if r := f.Type.Result; r != nil && r.Kind == component.KindResult {
				s += " -> " + p.Type(r)
			}
			b.WriteString(s)
		case strings.HasPrefix(f.Name, "[method]") && len(f.Type.Params) > 0:
			b.WriteString(ident(short) + ": " + p.signature(f.Type, 1, true))
		case strings.HasPrefix(f.Name, "[static]"):
			b.WriteString(ident(short) + ": static " + p.FuncType(f.Type))
		default:
			b.WriteString(ident(f.Name) + ": " + p.FuncType(f.Type))
		}
		b.WriteString(";\n")
	}
	b.WriteString(indent + "}\n")
}
