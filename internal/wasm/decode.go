package wasm

import "fmt"

// sectionNames are how errors call the sections.
var sectionNames = [...]string{
	SectionCustom:    "custom section",
	SectionType:      "type section",
	SectionImport:    "import section",
	SectionFunction:  "function section",
	SectionTable:     "table section",
	SectionMemory:    "memory section",
	SectionGlobal:    "global section",
	SectionExport:    "export section",
	SectionStart:     "start section",
	SectionElement:   "element section",
	SectionCode:      "code section",
	SectionData:      "data section",
	SectionDataCount: "data count section",
	SectionTag:       "tag section",
}

// canonicalOrder is the order sections must come in (spec:
// binary/modules.html#binary-module); custom sections may stand anywhere.
var canonicalOrder = [...]SectionID{
	SectionType, SectionImport, SectionFunction, SectionTable, SectionMemory,
	SectionTag, SectionGlobal, SectionExport, SectionStart, SectionElement,
	SectionDataCount, SectionCode, SectionData,
}

// sectionRank is the place of each section in canonicalOrder, from 1.
var sectionRank = func() (rank [len(sectionNames)]int) {
	for i, id := range canonicalOrder {
		rank[id] = i + 1
	}
	return rank
}()

// String is the name of the section as errors have it.
func (id SectionID) String() string {
	if int(id) < len(sectionNames) {
		return sectionNames[id]
	}
	return fmt.Sprintf("section %d", uint8(id))
}

// Decode decodes the core module b: all sections, and the sites of all
// function bodies. Input names b in errors, which are of type *Error. The
// module's byte slices alias b, which must not change as long as it is used.
//
// What is accepted is well-formed (spec: binary/modules.html) and every index
// in it is within its space; types are not checked.
func Decode(input string, b []byte) (*Module, error) {
	m, err := DecodeNoScan(input, b)
	if err != nil {
		return nil, err
	}
	if err := m.ScanRange(0, len(m.Code)); err != nil {
		return nil, err
	}
	return m, nil
}

// DecodeNoScan is Decode without the scan of function bodies: Body.Sites is
// nil and Body.Code is 0 until ScanRange has covered the body.
func DecodeNoScan(input string, b []byte) (*Module, error) {
	if err := checkPreamble(input, b); err != nil {
		return nil, err
	}
	m := &Module{Input: input, Bytes: b}
	sections, customs := countSections(b)
	m.Sections = make([]SectionRef, 0, sections)
	if customs > 0 {
		m.Customs = make([]Custom, 0, customs)
	}

	r := NewReader(input, "", b[preambleLen:], preambleLen)
	last := SectionCustom
	for r.Len() > 0 {
		start := r.Offset()
		id := SectionID(r.Byte())
		if int(id) >= len(sectionNames) {
			return nil, &Error{Input: input, Offset: start, Msg: fmt.Sprintf("malformed section id %d", id)}
		}
		r.section = id.String()
		size := r.U32()
		if uint64(size) > uint64(r.Len()) {
			r.FailAt(start, "unexpected end: section of %d bytes, %d left (length out of bounds)", size, r.Len())
		}
		if id != SectionCustom {
			switch {
			case id == last:
				r.FailAt(start, "duplicate section")
			case sectionRank[id] < sectionRank[last]:
				r.FailAt(start, "section out of order: it comes after the %v", last)
			}
			last = id
		}
		body := r.sub(int(size))
		if err := r.Err(); err != nil {
			return nil, err
		}
		if err := m.decodeSection(id, body); err != nil {
			return nil, err
		}
		r.section = ""
	}
	return m, m.checkCounts(int64(len(b)))
}

// countSections counts the sections of b as far as they go, so that there is
// one allocation for each kind of list.
func countSections(b []byte) (sections, customs int) {
	for p := preambleLen; p < len(b); {
		id := b[p]
		size, next := lebU32(b, p+1)
		if next < 0 || int64(size) > int64(len(b)-next) {
			break
		}
		sections++
		if SectionID(id) == SectionCustom {
			customs++
		}
		p = next + int(size)
	}
	return sections, customs
}

// decodeSection decodes the content of one section.
func (m *Module) decodeSection(id SectionID, r *Reader) error {
	ref := SectionRef{ID: id}
	r.TypeLimit(uint32(len(m.Types)))
	switch id {
	case SectionCustom:
		ref.Custom = len(m.Customs)
		m.decodeCustom(r)
	case SectionType:
		m.decodeTypes(r)
	case SectionImport:
		m.decodeImports(r)
	case SectionFunction:
		m.decodeFuncs(r)
	case SectionTable:
		m.decodeTables(r)
	case SectionMemory:
		m.decodeMemories(r)
	case SectionTag:
		m.decodeTags(r)
	case SectionGlobal:
		m.decodeGlobals(r)
	case SectionExport:
		m.decodeExports(r)
	case SectionStart:
		m.decodeStart(r)
	case SectionElement:
		m.decodeElems(r)
	case SectionDataCount:
		m.DataCount, m.HasDataCount = r.U32(), true
	case SectionCode:
		m.decodeCode(r)
	case SectionData:
		m.decodeDatas(r)
	}
	m.Sections = append(m.Sections, ref)
	return r.Done()
}

// checkCounts checks the counts that must agree between sections, once all of
// them have been read.
func (m *Module) checkCounts(end int64) error {
	if len(m.Funcs) != len(m.Code) {
		return &Error{Input: m.Input, Section: SectionCode.String(), Offset: end,
			Msg: fmt.Sprintf("function and code section have inconsistent lengths: %d functions, no code section", len(m.Funcs))}
	}
	if m.HasDataCount && int64(m.DataCount) != int64(len(m.Datas)) {
		return &Error{Input: m.Input, Section: SectionDataCount.String(), Offset: end,
			Msg: fmt.Sprintf("data count and data section have inconsistent lengths: %d declared, no data section", m.DataCount)}
	}
	return nil
}

func (m *Module) decodeCustom(r *Reader) {
	name := r.Name()
	off := int(r.Offset())
	m.Customs = append(m.Customs, Custom{Name: name, Data: r.Bytes(r.Len()), Off: off})
}

func (m *Module) decodeTypes(r *Reader) {
	groups := r.Vec(2)
	arena, types, ok := countTypes(*r, groups)
	if !ok {
		// Read on to the failure, which is then reported as such.
		types = 0
	}
	m.Types = make([]SubType, 0, types)
	m.RecGroups = make([]RecGroup, 0, groups)
	for range groups {
		n, explicit := r.recHeader()
		g := RecGroup{Start: uint32(len(m.Types)), Count: uint32(n), Explicit: explicit}
		r.TypeLimit(g.Start + g.Count)
		for i := range n {
			off := r.Offset()
			t := r.subType(&arena)
			if len(t.Supers) > 0 && t.Supers[0] >= g.Start+uint32(i) {
				r.FailAt(off, "unknown type %d: a supertype must come before its subtypes", t.Supers[0])
			}
			if r.err != nil {
				return
			}
			m.Types = append(m.Types, t)
		}
		m.RecGroups = append(m.RecGroups, g)
	}
}

// countTypes reads a type section ahead of time to size what its types need;
// ok is false when the section is malformed.
func countTypes(r Reader, groups int) (a typeArena, types int, ok bool) {
	r.typeLimit = -1
	var scratch typeArena
	var vals, fields, supers int
	for range groups {
		n, _ := r.recHeader()
		for range n {
			scratch.vals, scratch.fields, scratch.supers = scratch.vals[:0], scratch.fields[:0], scratch.supers[:0]
			r.subType(&scratch)
			if r.err != nil {
				return a, 0, false
			}
			vals += len(scratch.vals)
			fields += len(scratch.fields)
			supers += len(scratch.supers)
			types++
		}
	}
	a.vals = make([]ValType, 0, vals)
	a.fields = make([]Field, 0, fields)
	a.supers = make([]uint32, 0, supers)
	return a, types, true
}

// funcType reads the index of a function type.
func (m *Module) funcType(r *Reader) uint32 {
	off := r.Offset()
	t := r.typeUse()
	m.checkFuncType(r, off, t)
	return t
}

func (m *Module) checkFuncType(r *Reader, off int64, t uint32) {
	if int(t) < len(m.Types) && m.Types[t].Kind != CompFunc {
		r.FailAt(off, "type %d is not a function type", t)
	}
}

func (m *Module) decodeImports(r *Reader) {
	n := r.Vec(4)
	m.Imports = make([]Import, 0, n)
	r.text = string(r.b)
	for range n {
		imp := r.Import()
		if r.err != nil {
			return
		}
		space := imp.Kind.Space()
		if space == SpaceFunc || space == SpaceTag {
			m.checkFuncType(r, int64(imp.Off), imp.TypeIndex)
		}
		m.NumImported[space]++
		m.Imports = append(m.Imports, imp)
	}
}

func (m *Module) decodeFuncs(r *Reader) {
	n := r.Vec(1)
	m.Funcs = make([]uint32, 0, n)
	for range n {
		m.Funcs = append(m.Funcs, m.funcType(r))
	}
}

func (m *Module) decodeTables(r *Reader) {
	n := r.Vec(3)
	m.Tables = make([]Table, 0, n)
	var exprs *exprReader
	for range n {
		var t Table
		if c, _ := r.Peek(); c != typeBlockEmpty {
			t.TableType = r.TableType()
		} else {
			r.Byte()
			off := r.Offset()
			if c := r.Byte(); c != 0 {
				r.FailAt(off, "malformed table: 0x%02x after 0x40, want 0x00", c)
			}
			t.TableType = r.TableType()
			if exprs == nil {
				exprs = m.newExprReader(r)
			}
			init := exprs.read()
			t.Init = &init
		}
		if r.err != nil {
			return
		}
		m.Tables = append(m.Tables, t)
	}
}

func (m *Module) decodeMemories(r *Reader) {
	n := r.Vec(2)
	m.Memories = make([]MemType, 0, n)
	for range n {
		m.Memories = append(m.Memories, r.MemType())
	}
}

func (m *Module) decodeTags(r *Reader) {
	n := r.Vec(2)
	m.Tags = make([]uint32, 0, n)
	for range n {
		off := r.Offset()
		t := r.tagType()
		m.checkFuncType(r, off, t)
		m.Tags = append(m.Tags, t)
	}
}

func (m *Module) decodeGlobals(r *Reader) {
	n := r.Vec(4)
	m.Globals = make([]Global, 0, n)
	exprs := m.newExprReader(r)
	for range n {
		g := Global{GlobalType: r.GlobalType()}
		g.Init = exprs.read()
		if r.err != nil {
			return
		}
		m.Globals = append(m.Globals, g)
		exprs.s.globals++ // the next one may refer to this one
	}
}

func (m *Module) decodeStart(r *Reader) {
	m.Start, m.HasStart = m.index(r, SpaceFunc, "function"), true
}

func (m *Module) decodeExports(r *Reader) {
	n := r.Vec(3)
	m.Exports = make([]Export, 0, n)
	r.text = string(r.b)
	seen := make(map[string]struct{}, n)
	for range n {
		e := Export{Off: int(r.Offset())}
		e.Name = r.Name()
		off := r.Offset()
		e.Kind = ExternKind(r.Byte())
		if e.Kind > ExternTag {
			r.FailAt(off, "malformed export kind 0x%02x", uint8(e.Kind))
		}
		e.Index = m.index(r, e.Kind.Space(), e.Kind.String())
		if r.err != nil {
			return
		}
		if _, dup := seen[e.Name]; dup {
			r.FailAt(int64(e.Off), "duplicate export name %q", e.Name)
			return
		}
		seen[e.Name] = struct{}{}
		m.Exports = append(m.Exports, e)
	}
}

func (m *Module) decodeCode(r *Reader) {
	off := r.Offset()
	n := r.Vec(1)
	if r.err == nil && n != len(m.Funcs) {
		r.FailAt(off, "function and code section have inconsistent lengths: %d functions, %d bodies", len(m.Funcs), n)
		return
	}
	m.Code = make([]Body, 0, n)
	for range n {
		size := r.U32()
		at := r.Offset()
		b := r.Bytes(int(size))
		if r.err != nil {
			return
		}
		m.Code = append(m.Code, Body{Bytes: b, Off: int(at)})
	}
}

// index reads an index of a space.
func (m *Module) index(r *Reader, space Space, what string) uint32 {
	off := r.Offset()
	v := r.U32()
	if n := m.Count(space); v >= n {
		r.FailAt(off, "unknown %s %d (there are %d)", what, v, n)
	}
	return v
}
