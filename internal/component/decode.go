package component

import (
	"slices"

	"fmt"

	"github.com/wbundle/wbundle/internal/wasm"
)

// maxDepth bounds how deep components and component types nest in each other.
// Engines and wasm-tools have the same limit.
const maxDepth = 100

// preamble opens every component: magic, version 0x0d, layer 1.
const preamble = wasm.Magic + "\x0d\x00\x01\x00"

// IsComponent reports whether b opens with the preamble of a component, of
// whatever version.
func IsComponent(b []byte) bool { return wasm.Sniff(b) == wasm.FormatComponent }

// Decode reads a component: the whole grammar of Binary.md, with the built-ins
// of the proposals, except value definitions. Input is what the bytes are
// called in errors. Embedded core modules stay byte ranges.
//
// The result aliases b. Every index is within its index space, in the order of
// definition; whether what it names has the right type is for the consumer to
// say. Errors are *wasm.Error.
func Decode(input string, b []byte) (*Component, error) {
	c, err := decodeComponent(input, b, 0, 0)
	if err != nil {
		return nil, err
	}
	if err := Check(c); err != nil {
		return nil, err
	}
	return c, nil
}

func decodeComponent(input string, b []byte, base int64, depth int) (*Component, error) {
	if depth > maxDepth {
		return nil, &wasm.Error{Input: input, Section: SectionComponent.String(), Offset: base,
			Msg: fmt.Sprintf("components nest more than %d deep", maxDepth)}
	}
	if err := checkPreamble(input, b, base); err != nil {
		return nil, err
	}
	c := &Component{Input: input, Bytes: b, Base: base}
	pos := len(preamble)
	for pos < len(b) {
		id := SectionID(b[pos])
		head := wasm.NewReader(input, id.String(), b[pos+1:], base+int64(pos)+1)
		if id > SectionValue {
			return nil, &wasm.Error{Input: input, Offset: base + int64(pos),
				Msg: fmt.Sprintf("unknown component section id %d", uint8(id))}
		}
		payload := head.Bytes(int(head.U32()))
		if err := head.Err(); err != nil {
			return nil, err
		}
		end := len(b) - head.Len()
		r := wasm.NewReader(input, id.String(), payload, base+int64(end-len(payload)))
		lo := len(c.Defs)
		if err := decodeSection(c, id, r, payload, depth); err != nil {
			return nil, err
		}
		c.Sections = append(c.Sections, Section{ID: id, Lo: lo, Hi: len(c.Defs)})
		pos = end
	}
	return c, nil
}

// decodeSection appends the definitions of one section to c.
func decodeSection(c *Component, id SectionID, r *wasm.Reader, payload []byte, depth int) error {
	pos := Pos(r.Offset())
	switch id {
	case SectionCoreCustom:
		name := r.Name()
		c.Defs = append(c.Defs, &Custom{Pos: pos, Name: name, Data: r.Bytes(r.Len())})
	case SectionCoreModule:
		if wasm.Sniff(payload) != wasm.FormatModule {
			return r.Errorf("embedded core module does not start with the preamble of one")
		}
		c.Defs = append(c.Defs, &CoreModule{Pos: pos, Bytes: r.Bytes(r.Len())})
	case SectionComponent:
		nested, err := decodeComponent(c.Input, payload, r.Offset(), depth+1)
		if err != nil {
			return err
		}
		c.Defs = append(c.Defs, &NestedComponent{Pos: pos, Component: nested})
		return nil
	case SectionCoreInstance:
		c.Defs = appendDefs(c.Defs, r, readCoreInstance)
	case SectionCoreType:
		c.Defs = appendDefs(c.Defs, r, readCoreType)
	case SectionInstance:
		c.Defs = appendDefs(c.Defs, r, readInstance)
	case SectionAlias:
		c.Defs = appendDefs(c.Defs, r, readAlias)
	case SectionType:
		c.Defs = appendDefs(c.Defs, r, func(r *wasm.Reader) *TypeDef { return readTypeDef(r, depth) })
	case SectionCanon:
		c.Defs = appendDefs(c.Defs, r, readCanon)
	case SectionStart:
		c.Defs = append(c.Defs, readStart(r))
	case SectionImport:
		c.Defs = appendDefs(c.Defs, r, readImport)
	case SectionExport:
		c.Defs = appendDefs(c.Defs, r, readExport)
	case SectionValue:
		return r.Errorf("value definitions are not supported")
	}
	return r.Done()
}

// checkPreamble returns an error unless b opens with the preamble of a
// component; the error says what b is instead when that can be told.
func checkPreamble(input string, b []byte, base int64) error {
	fail := func(off int, format string, args ...any) error {
		return &wasm.Error{Input: input, Offset: base + int64(off), Msg: fmt.Sprintf(format, args...)}
	}
	switch wasm.Sniff(b) {
	case wasm.FormatModule:
		return fail(4, "is a core module, not a component")
	case wasm.FormatText:
		return fail(0, "looks like WebAssembly text, not a binary")
	}
	if n := min(len(b), len(wasm.Magic)); n < len(wasm.Magic) || string(b[:n]) != wasm.Magic {
		if len(b) == 0 {
			return fail(0, "is empty")
		}
		return fail(0, "not WebAssembly: starts with % x, want 00 61 73 6d", b[:n])
	}
	if len(b) < len(preamble) {
		return fail(len(b), "unexpected end of the preamble (needs %d more bytes)", len(preamble)-len(b))
	}
	if string(b[:len(preamble)]) == preamble {
		return nil
	}
	version := uint16(b[4]) | uint16(b[5])<<8
	layer := uint16(b[6]) | uint16(b[7])<<8
	switch {
	case layer != 1:
		return fail(6, "unknown binary layer %d (version 0x%02x), want 1 for a component", layer, version)
	case version < uint16(preamble[4]):
		return fail(4, "component version 0x%02x is older than 0x0d, the only version understood", version)
	default:
		return fail(4, "component version 0x%02x is newer than 0x0d, the only version understood", version)
	}
}

// maxPrealloc bounds what is allocated on the word of a count alone. A count
// is already checked against the bytes left, but an element takes more memory
// than bytes, and vectors nest.
const maxPrealloc = 256

// readVec reads a vector whose elements take at least size bytes each.
func readVec[T any](r *wasm.Reader, size int, read func(*wasm.Reader) T) []T {
	n := r.Vec(size)
	if n == 0 {
		return nil
	}
	out := make([]T, 0, min(n, maxPrealloc))
	for range n {
		v := read(r)
		if r.Err() != nil {
			return nil
		}
		out = append(out, v)
	}
	return out
}

// appendDefs reads the vector of definitions that makes up a section.
func appendDefs[T Def](defs []Def, r *wasm.Reader, read func(*wasm.Reader) T) []Def {
	n := r.Vec(1)
	defs = slices.Grow(defs, n) // no more than the bytes that are left
	for range n {
		d := read(r)
		if r.Err() != nil {
			break
		}
		defs = append(defs, d)
	}
	return defs
}

// readFlag reads a byte that is 0 or 1.
func readFlag(r *wasm.Reader, what string) bool {
	at := r.Offset()
	switch b := r.Byte(); b {
	case 0:
		return false
	case 1:
		return true
	default:
		r.FailAt(at, "invalid byte 0x%02x for %s, want 0 or 1", b, what)
		return false
	}
}

// readZero reads a byte that is reserved as 0.
func readZero(r *wasm.Reader, what string) {
	at := r.Offset()
	if b := r.Byte(); b != 0 {
		r.FailAt(at, "invalid byte 0x%02x for %s, want 0", b, what)
	}
}

func readCoreInstance(r *wasm.Reader) *CoreInstance {
	at := r.Offset()
	d := &CoreInstance{Pos: Pos(at)}
	switch b := r.Byte(); b {
	case 0x00:
		d.Instantiate = true
		d.Module = r.U32()
		d.Args = readVec(r, 3, func(r *wasm.Reader) CoreArg {
			a := CoreArg{Name: r.Name()}
			at := r.Offset()
			if b := r.Byte(); b != sortByteCoreInstance {
				r.FailAt(at, "invalid sort 0x%02x of a core instantiation argument, want an instance (0x12)", b)
			}
			a.Instance = r.U32()
			return a
		})
	case 0x01:
		d.Exports = readVec(r, 3, func(r *wasm.Reader) CoreInlineExport {
			e := CoreInlineExport{Name: r.Name()}
			at := r.Offset()
			e.Sort = readCoreSort(r)
			if e.Sort > SortCoreTag {
				r.FailAt(at, "a core instance cannot export a %s", e.Sort)
			}
			e.Index = r.U32()
			return e
		})
	default:
		r.FailAt(at, "unknown core instance form 0x%02x", b)
	}
	return d
}

func readInstance(r *wasm.Reader) *Instance {
	at := r.Offset()
	d := &Instance{Pos: Pos(at)}
	switch b := r.Byte(); b {
	case 0x00:
		d.Instantiate = true
		d.Component = r.U32()
		d.Args = readVec(r, 3, func(r *wasm.Reader) Arg {
			a := Arg{Name: r.Name()}
			a.Sort = readExternSort(r)
			a.Index = r.U32()
			return a
		})
	case 0x01:
		d.Exports = readVec(r, 4, func(r *wasm.Reader) InlineExport {
			e := InlineExport{Name: readName(r)}
			e.Sort = readExternSort(r)
			e.Index = r.U32()
			return e
		})
	default:
		r.FailAt(at, "unknown instance form 0x%02x", b)
	}
	return d
}

func readAlias(r *wasm.Reader) *Alias {
	at := r.Offset()
	a := &Alias{Pos: Pos(at)}
	a.Sort = readSort(r)
	kindAt := r.Offset()
	a.Kind = AliasKind(r.Byte())
	switch a.Kind {
	case AliasExport:
		if !a.Sort.isExtern() {
			r.FailAt(at, "an instance cannot export a %s", a.Sort)
		}
		a.Instance = r.U32()
		a.Name = r.Name()
	case AliasCoreExport:
		if a.Sort > SortCoreTag {
			r.FailAt(at, "a core instance cannot export a %s", a.Sort)
		}
		a.Instance = r.U32()
		a.Name = r.Name()
	case AliasOuter:
		switch a.Sort {
		case SortCoreModule, SortCoreType, SortType, SortComponent:
		default:
			r.FailAt(at, "an outer alias cannot name a %s", a.Sort)
		}
		a.Count = r.U32()
		a.Index = r.U32()
	default:
		r.FailAt(kindAt, "unknown alias target 0x%02x", uint8(a.Kind))
	}
	return a
}

func readStart(r *wasm.Reader) *Start {
	d := &Start{Pos: Pos(r.Offset())}
	d.Func = r.U32()
	d.Args = readVec(r, 1, (*wasm.Reader).U32)
	at := r.Offset()
	d.Results = r.U32()
	if d.Results > 1 {
		r.FailAt(at, "start function with %d results, want at most 1", d.Results)
	}
	return d
}

func readImport(r *wasm.Reader) *Import {
	d := &Import{Pos: Pos(r.Offset())}
	d.Name = readName(r)
	d.Desc = readExternDesc(r)
	return d
}

func readExport(r *wasm.Reader) *Export {
	d := &Export{Pos: Pos(r.Offset())}
	d.Name = readName(r)
	d.Sort = readExternSort(r)
	d.Index = r.U32()
	if readFlag(r, "the type of an export") {
		desc := readExternDesc(r)
		d.Desc = &desc
	}
	return d
}

// The leading bytes of importname' and exportname'.
const (
	nameFormPlain     = 0x00
	nameFormInterface = 0x01 // the same as 0x00 since the name says what it is; older encoders write it
	nameFormOptions   = 0x02
)

// The kinds of NameOption.
const (
	NameOptImplements    = 0x00 // the interface that the named import or export implements
	NameOptVersionSuffix = 0x01 // the rest of the version of a name with a canonical version
	NameOptExternalID    = 0x02
)

func readName(r *wasm.Reader) Name {
	at := r.Offset()
	n := Name{Form: r.Byte()}
	if n.Form > nameFormOptions {
		r.FailAt(at, "unknown form 0x%02x of an import or export name", n.Form)
	}
	n.Text = r.Name()
	if n.Form != nameFormOptions {
		return n
	}
	n.Options = readVec(r, 2, func(r *wasm.Reader) NameOption {
		at := r.Offset()
		o := NameOption{Kind: r.Byte()}
		if o.Kind > NameOptExternalID {
			r.FailAt(at, "unknown option 0x%02x of an import or export name", o.Kind)
		}
		o.Text = r.Name()
		return o
	})
	var seen [NameOptExternalID + 1]bool
	for _, o := range n.Options {
		if seen[o.Kind] {
			r.FailAt(at, "duplicate option 0x%02x of name `%s`", o.Kind, n.Text)
			break
		}
		seen[o.Kind] = true
		if o.Kind == NameOptVersionSuffix {
			n.Version = o.Text
		}
	}
	return n
}

func readExternDesc(r *wasm.Reader) ExternDesc {
	d := ExternDesc{Sort: readExternSort(r)}
	switch d.Sort {
	case SortValue:
		// Binary.md has a valuebound here; the tools write and read a bare
		// valtype, and only their binaries exist.
		d.Value = &ValueBound{Type: readValRef(r)}
	case SortType:
		at := r.Offset()
		d.Bound = TypeBound(r.Byte())
		switch d.Bound {
		case BoundEq:
			d.TypeIndex = r.U32()
		case BoundSubResource:
		default:
			r.FailAt(at, "unknown type bound 0x%02x", uint8(d.Bound))
		}
	default:
		d.TypeIndex = r.U32()
	}
	return d
}
