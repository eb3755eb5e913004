package component

import (
	"fmt"

	"github.com/wbundle/wbundle/internal/wasm"
)

// Encode returns the binary of c. It needs nothing but Defs: fields that only
// keep what was read (Sections, CanonOpts.Order, Name.Form) are followed where
// they agree with the rest and made up where they do not, so that components
// built by hand encode as well as decoded ones. A decoded component that has
// not been changed encodes to its own bytes, except that padded LEB128
// integers become minimal. Bytes is not looked at, in nested components neither.
//
// Encode panics on a tree that no component can be: a Def of an unknown type,
// an unknown canon definition, a value bound by equality. Check finds indices
// out of range and malformed names, which Encode writes as they are.
func Encode(c *Component) []byte {
	sections := c.Sections
	if !sectionsAgree(c) {
		sections = groupDefs(c.Defs)
	}
	// Core modules are nearly all of a component. What is between them is
	// encoded first; then the size is known, and there is one large buffer,
	// in which every module is written once.
	type place struct {
		at int // in rest
		m  *CoreModule
	}
	var modules []place
	rest := []byte(preamble)
	size := 0
	var payload []byte
	for _, s := range sections {
		if s.ID == SectionCoreModule {
			m := c.Defs[s.Lo].(*CoreModule)
			modules = append(modules, place{len(rest), m})
			size += 1 + maxSizeU32 + m.size()
			continue
		}
		payload = appendSection(payload[:0], s.ID, c.Defs[s.Lo:s.Hi])
		rest = wasm.AppendBytes(append(rest, byte(s.ID)), payload)
	}
	b := make([]byte, 0, size+len(rest))
	done := 0
	for _, p := range modules {
		b = append(append(b, rest[done:p.at]...), byte(SectionCoreModule))
		b = p.m.append(wasm.AppendU32(b, uint32(p.m.size())))
		done = p.at
	}
	return append(b, rest[done:]...)
}

// maxSizeU32 is the length of the longest LEB128 of 32 bits.
const maxSizeU32 = 5

// size is the length of the module.
func (m *CoreModule) size() int {
	if m.Made != nil {
		return m.Made.Size()
	}
	return len(m.Bytes)
}

func (m *CoreModule) append(b []byte) []byte {
	if m.Made != nil {
		return m.Made.Append(b)
	}
	return append(b, m.Bytes...)
}

// single reports whether a section holds one definition instead of a vector.
func (id SectionID) single() bool {
	switch id {
	case SectionCoreCustom, SectionCoreModule, SectionComponent, SectionStart:
		return true
	}
	return false
}

// sectionsAgree reports whether c.Sections covers c.Defs exactly. It does not
// once Defs has been added to or reordered after decoding.
func sectionsAgree(c *Component) bool {
	next := 0
	for _, s := range c.Sections {
		if s.Lo != next || s.Hi < s.Lo || s.Hi > len(c.Defs) || s.ID.single() && s.Hi != s.Lo+1 {
			return false
		}
		for _, d := range c.Defs[s.Lo:s.Hi] {
			if sectionOf(d) != s.ID {
				return false
			}
		}
		next = s.Hi
	}
	return next == len(c.Defs)
}

// groupDefs makes a section of each run of definitions of one kind.
func groupDefs(defs []Def) []Section {
	var sections []Section
	for i, d := range defs {
		id := sectionOf(d)
		if n := len(sections); n > 0 && sections[n-1].ID == id && !id.single() {
			sections[n-1].Hi++
			continue
		}
		sections = append(sections, Section{ID: id, Lo: i, Hi: i + 1})
	}
	return sections
}

func appendSection(b []byte, id SectionID, defs []Def) []byte {
	if !id.single() {
		b = wasm.AppendU32(b, uint32(len(defs)))
	}
	for _, d := range defs {
		b = appendDef(b, d)
	}
	return b
}

func appendDef(b []byte, d Def) []byte {
	switch d := d.(type) {
	case *Custom:
		return append(wasm.AppendName(b, d.Name), d.Data...)
	case *CoreModule:
		return d.append(b)
	case *CoreInstance:
		return appendCoreInstance(b, d)
	case *CoreTypeDef:
		return appendCoreType(b, d)
	case *NestedComponent:
		return append(b, Encode(d.Component)...)
	case *Instance:
		return appendInstance(b, d)
	case *Alias:
		return appendAlias(b, d)
	case *TypeDef:
		return appendTypeDef(b, d)
	case *Canon:
		return appendCanon(b, d)
	case *Start:
		b = wasm.AppendU32(b, d.Func)
		b = wasm.AppendU32(b, uint32(len(d.Args)))
		for _, a := range d.Args {
			b = wasm.AppendU32(b, a)
		}
		return wasm.AppendU32(b, d.Results)
	case *Import:
		return appendExternDesc(appendName(b, &d.Name), &d.Desc)
	case *Export:
		b = appendSort(appendName(b, &d.Name), d.Sort)
		b = wasm.AppendU32(b, d.Index)
		if d.Desc == nil {
			return append(b, 0)
		}
		return appendExternDesc(append(b, 1), d.Desc)
	}
	panic(fmt.Sprintf("component: %T is no definition", d))
}

func appendCoreInstance(b []byte, d *CoreInstance) []byte {
	if d.Instantiate {
		b = wasm.AppendU32(append(b, 0x00), d.Module)
		b = wasm.AppendU32(b, uint32(len(d.Args)))
		for _, a := range d.Args {
			b = append(wasm.AppendName(b, a.Name), sortByteCoreInstance)
			b = wasm.AppendU32(b, a.Instance)
		}
		return b
	}
	b = wasm.AppendU32(append(b, 0x01), uint32(len(d.Exports)))
	for _, e := range d.Exports {
		b = appendCoreSort(wasm.AppendName(b, e.Name), e.Sort)
		b = wasm.AppendU32(b, e.Index)
	}
	return b
}

func appendInstance(b []byte, d *Instance) []byte {
	if d.Instantiate {
		b = wasm.AppendU32(append(b, 0x00), d.Component)
		b = wasm.AppendU32(b, uint32(len(d.Args)))
		for _, a := range d.Args {
			b = appendSort(wasm.AppendName(b, a.Name), a.Sort)
			b = wasm.AppendU32(b, a.Index)
		}
		return b
	}
	b = wasm.AppendU32(append(b, 0x01), uint32(len(d.Exports)))
	for i := range d.Exports {
		e := &d.Exports[i]
		b = appendSort(appendName(b, &e.Name), e.Sort)
		b = wasm.AppendU32(b, e.Index)
	}
	return b
}

func appendAlias(b []byte, a *Alias) []byte {
	b = append(appendSort(b, a.Sort), byte(a.Kind))
	if a.Kind == AliasOuter {
		return wasm.AppendU32(wasm.AppendU32(b, a.Count), a.Index)
	}
	return wasm.AppendName(wasm.AppendU32(b, a.Instance), a.Name)
}

// appendName appends an import or export name. Options are written in their
// order; a Version that is not among them is added.
func appendName(b []byte, n *Name) []byte {
	addVersion := n.Version != ""
	for _, o := range n.Options {
		addVersion = addVersion && o.Kind != NameOptVersionSuffix
	}
	count := len(n.Options)
	if addVersion {
		count++
	}
	form := n.Form
	if count > 0 {
		form = nameFormOptions
	}
	b = wasm.AppendName(append(b, form), n.Text)
	if form != nameFormOptions {
		return b
	}
	b = wasm.AppendU32(b, uint32(count))
	for _, o := range n.Options {
		b = wasm.AppendName(append(b, o.Kind), o.Text)
	}
	if addVersion {
		b = wasm.AppendName(append(b, NameOptVersionSuffix), n.Version)
	}
	return b
}

func appendExternDesc(b []byte, d *ExternDesc) []byte {
	b = appendSort(b, d.Sort)
	switch d.Sort {
	case SortValue:
		if d.Value.Eq {
			panic("component: a value bound by equality has no encoding that tools read")
		}
		return appendValRef(b, d.Value.Type)
	case SortType:
		b = append(b, byte(d.Bound))
		if d.Bound == BoundSubResource {
			return b
		}
	}
	return wasm.AppendU32(b, d.TypeIndex)
}

func appendTypeDef(b []byte, d *TypeDef) []byte {
	switch t := d.Type.(type) {
	case *ValDef:
		return appendValDef(b, t)
	case *FuncDef:
		op := byte(typeFunc)
		if t.Async {
			op = typeFuncAsync
		}
		b = wasm.AppendU32(append(b, op), uint32(len(t.Params)))
		for _, p := range t.Params {
			b = appendValRef(wasm.AppendName(b, p.Name), p.Type)
		}
		return appendResult(b, t.Result)
	case *ComponentDef:
		return appendDecls(append(b, typeComponent), t.Decls)
	case *InstanceDef:
		return appendDecls(append(b, typeInstance), t.Decls)
	case *ResourceDef:
		if t.Async {
			b = wasm.AppendValType(append(b, typeResourceAsync), t.Rep)
			b = wasm.AppendU32(b, t.Dtor)
			return appendOptionalIndex(b, t.HasCB, t.Callback)
		}
		b = wasm.AppendValType(append(b, typeResource), t.Rep)
		return appendOptionalIndex(b, t.HasDtor, t.Dtor)
	}
	panic(fmt.Sprintf("component: %T is no type", d.Type))
}

func appendOptionalIndex(b []byte, has bool, index uint32) []byte {
	if !has {
		return append(b, 0)
	}
	return wasm.AppendU32(append(b, 1), index)
}

func appendDecls(b []byte, decls []Decl) []byte {
	b = wasm.AppendU32(b, uint32(len(decls)))
	for _, d := range decls {
		switch d := d.(type) {
		case *CoreTypeDef:
			b = appendCoreType(append(b, declCoreType), d)
		case *TypeDef:
			b = appendTypeDef(append(b, declType), d)
		case *Alias:
			b = appendAlias(append(b, declAlias), d)
		case *Import:
			b = appendExternDesc(appendName(append(b, declImport), &d.Name), &d.Desc)
		case *ExportDecl:
			b = appendExternDesc(appendName(append(b, declExport), &d.Name), &d.Desc)
		default:
			panic(fmt.Sprintf("component: %T is no declaration", d))
		}
	}
	return b
}

func appendValDef(b []byte, t *ValDef) []byte {
	b = append(b, byte(t.Kind))
	switch t.Kind {
	case KindRecord:
		b = wasm.AppendU32(b, uint32(len(t.Fields)))
		for _, f := range t.Fields {
			b = appendValRef(wasm.AppendName(b, f.Name), f.Type)
		}
	case KindTuple:
		b = wasm.AppendU32(b, uint32(len(t.Fields)))
		for _, f := range t.Fields {
			b = appendValRef(b, f.Type)
		}
	case KindVariant:
		b = wasm.AppendU32(b, uint32(len(t.Cases)))
		for _, c := range t.Cases {
			b = append(appendOptionalValRef(wasm.AppendName(b, c.Name), c.Type), 0)
		}
	case KindFlags, KindEnum:
		b = wasm.AppendU32(b, uint32(len(t.Labels)))
		for _, l := range t.Labels {
			b = wasm.AppendName(b, l)
		}
	case KindList, KindOption:
		b = appendValRef(b, *t.Elem)
	case KindFixedList:
		b = wasm.AppendU32(appendValRef(b, *t.Elem), t.Len)
	case KindMap:
		b = appendValRef(appendValRef(b, *t.Key), *t.Elem)
	case KindResult:
		b = appendOptionalValRef(appendOptionalValRef(b, t.Parts().Ok), t.Parts().Err)
	case KindStream, KindFuture:
		b = appendOptionalValRef(b, t.Elem)
	case KindOwn, KindBorrow:
		b = wasm.AppendU32(b, t.Index)
	}
	return b
}

func appendValRef(b []byte, v ValRef) []byte {
	if v.Prim != KindNone {
		return append(b, byte(v.Prim))
	}
	return wasm.AppendS33(b, int64(v.Index))
}

func appendOptionalValRef(b []byte, v *ValRef) []byte {
	if v == nil {
		return append(b, 0)
	}
	return appendValRef(append(b, 1), *v)
}

func appendResult(b []byte, v *ValRef) []byte {
	if v == nil {
		return append(b, 0x01, 0x00)
	}
	return appendValRef(append(b, 0x00), *v)
}

func appendCanon(b []byte, d *Canon) []byte {
	form := canonFormOf(d.Op)
	if form.name == "" {
		panic(fmt.Sprintf("component: unknown %s", d.Op))
	}
	b = append(b, byte(d.Op))
	next := 0 // of d.Imm
	for _, imm := range []byte(form.imm) {
		switch imm {
		case 's', 'z':
			b = append(b, 0)
		case 'f', 'F':
			b = wasm.AppendU32(b, d.Func)
		case 't':
			b = wasm.AppendU32(b, d.Type)
		case 'o':
			b = appendCanonOpts(b, d.Options())
		case 'r':
			b = appendResult(b, d.rest().Result)
		case 'v':
			b = wasm.AppendValType(b, *d.ValImm)
		default:
			b = wasm.AppendU32(b, d.Imm[next])
			next++
		}
	}
	return b
}

func appendCanonOpts(b []byte, o *CanonOpts) []byte {
	present := o.present()
	order := present
	if sameOptions(o.Order, present) {
		order = o.Order
	}
	b = wasm.AppendU32(b, uint32(len(order)))
	for _, opt := range order {
		b = append(b, opt)
		if index := o.index(opt); index != nil {
			b = wasm.AppendU32(b, *index)
		}
	}
	return b
}

// present lists the option bytes of o in the order of its fields.
func (o *CanonOpts) present() []byte {
	opts := make([]byte, 0, optGC)
	if o.HasEncoding {
		opts = append(opts, byte(o.Encoding))
	}
	for opt := byte(optMemory); opt <= optGC; opt++ {
		if *o.has(opt) {
			opts = append(opts, opt)
		}
	}
	return opts
}

// sameOptions reports whether order is a permutation of present, both short.
func sameOptions(order, present []byte) bool {
	var a, b uint32
	for _, opt := range order {
		a |= 1 << (opt & 31)
	}
	for _, opt := range present {
		b |= 1 << (opt & 31)
	}
	return a == b && len(order) == len(present)
}
