package wasm

// Encode writes m in the binary format. With m.Sections set, the sections
// follow it: customs stand where they stood and empty sections stay. Without
// it the order is canonical, empty sections are left out and customs come
// last. Sections and customs that m.Sections does not mention, because they
// have been added since, are put in their canonical place.
//
// Sizes and indices outside of function bodies, constant expressions, data and
// custom sections are written with LEBs of minimal length. The body sections
// are assembled once in a buffer of exactly the right size.
func Encode(m *Module) []byte {
	e := NewEncoder(m)
	return e.Append(make([]byte, 0, e.Size()))
}

// Encoder is a module that is ready to be written. It writes where it is told
// to, so that a module which will stand inside something larger does not have
// to exist twice: it can be most of the memory there is.
//
// The small sections are encoded already; the large ones (code, data, customs)
// are only measured, and must not change between NewEncoder and Append.
type Encoder struct {
	m       *Module
	scratch []byte
	parts   []part
}

// part is a section to write.
type part struct {
	id          SectionID
	custom      int
	start, size int // start: in scratch
}

// NewEncoder prepares to encode m, as Encode does.
func NewEncoder(m *Module) *Encoder {
	e := &Encoder{m: m}
	for _, ref := range sectionPlan(m) {
		e.section(ref)
	}
	return e
}

// Size is the number of bytes that Append appends.
func (e *Encoder) Size() int {
	size := preambleLen
	for _, p := range e.parts {
		size += 1 + sizeU32(uint32(p.size)) + p.size
	}
	return size
}

// Append appends the module to dst.
func (e *Encoder) Append(dst []byte) []byte {
	m := e.m
	dst = append(append(dst, Magic...), coreVersion, 0, 0, 0)
	for _, p := range e.parts {
		dst = append(dst, byte(p.id))
		dst = AppendU32(dst, uint32(p.size))
		switch p.id {
		case SectionCode:
			dst = AppendU32(dst, uint32(len(m.Code)))
			for i := range m.Code {
				dst = AppendBytes(dst, m.Code[i].Bytes)
			}
		case SectionData:
			dst = appendDatas(dst, m.Datas)
		case SectionCustom:
			c := &m.Customs[p.custom]
			dst = append(AppendName(dst, c.Name), c.Data...)
		default:
			dst = append(dst, e.scratch[p.start:p.start+p.size]...)
		}
	}
	return dst
}

// sectionPlan lists the sections to write.
func sectionPlan(m *Module) []SectionRef {
	var plan []SectionRef
	var known [len(sectionNames)]bool
	customs := make([]bool, len(m.Customs))
	for _, ref := range m.Sections {
		if ref.ID == SectionCustom {
			customs[ref.Custom] = true
		} else {
			known[ref.ID] = true
		}
	}
	next := 0 // in canonicalOrder
	upTo := func(rank int) {
		for ; next < rank; next++ {
			if id := canonicalOrder[next]; !known[id] && m.hasContent(id) {
				plan = append(plan, SectionRef{ID: id})
			}
		}
	}
	for _, ref := range m.Sections {
		upTo(sectionRank[ref.ID])
		// The start and data count sections cannot be empty: when their
		// content has been taken away, so are they.
		if (ref.ID != SectionStart || m.HasStart) && (ref.ID != SectionDataCount || m.HasDataCount) {
			plan = append(plan, ref)
		}
	}
	upTo(len(canonicalOrder))
	for i, done := range customs {
		if !done {
			plan = append(plan, SectionRef{ID: SectionCustom, Custom: i})
		}
	}
	return plan
}

// hasContent reports whether the section would not be empty.
func (m *Module) hasContent(id SectionID) bool {
	switch id {
	case SectionType:
		return len(m.RecGroups) > 0 || len(m.Types) > 0
	case SectionImport:
		return len(m.Imports) > 0
	case SectionFunction:
		return len(m.Funcs) > 0
	case SectionTable:
		return len(m.Tables) > 0
	case SectionMemory:
		return len(m.Memories) > 0
	case SectionTag:
		return len(m.Tags) > 0
	case SectionGlobal:
		return len(m.Globals) > 0
	case SectionExport:
		return len(m.Exports) > 0
	case SectionStart:
		return m.HasStart
	case SectionElement:
		return len(m.Elems) > 0
	case SectionDataCount:
		return m.HasDataCount
	case SectionCode:
		return len(m.Code) > 0
	case SectionData:
		return len(m.Datas) > 0
	}
	return false
}

// section adds a section.
func (e *Encoder) section(ref SectionRef) {
	m := e.m
	p := part{id: ref.ID, custom: ref.Custom, start: len(e.scratch)}
	switch ref.ID {
	case SectionCode:
		p.size = sizeU32(uint32(len(m.Code)))
		for i := range m.Code {
			n := len(m.Code[i].Bytes)
			p.size += sizeU32(uint32(n)) + n
		}
	case SectionData:
		p.size = sizeDatas(m.Datas)
	case SectionCustom:
		c := &m.Customs[ref.Custom]
		p.size = sizeU32(uint32(len(c.Name))) + len(c.Name) + len(c.Data)
	default:
		e.scratch = appendSection(e.scratch, m, ref.ID)
		p.size = len(e.scratch) - p.start
	}
	e.parts = append(e.parts, p)
}

// appendSection appends the content of a small section.
func appendSection(dst []byte, m *Module, id SectionID) []byte {
	switch id {
	case SectionType:
		return appendTypes(dst, m)
	case SectionImport:
		dst = AppendU32(dst, uint32(len(m.Imports)))
		for i := range m.Imports {
			dst = AppendImport(dst, &m.Imports[i])
		}
	case SectionFunction:
		dst = AppendU32(dst, uint32(len(m.Funcs)))
		for _, t := range m.Funcs {
			dst = AppendU32(dst, t)
		}
	case SectionTable:
		dst = AppendU32(dst, uint32(len(m.Tables)))
		for i := range m.Tables {
			t := &m.Tables[i]
			if t.Init == nil {
				dst = AppendTableType(dst, t.TableType)
				continue
			}
			dst = AppendTableType(append(dst, typeBlockEmpty, 0), t.TableType)
			dst = append(dst, t.Init.Bytes...)
		}
	case SectionMemory:
		dst = AppendU32(dst, uint32(len(m.Memories)))
		for _, mem := range m.Memories {
			dst = AppendMemType(dst, mem)
		}
	case SectionTag:
		dst = AppendU32(dst, uint32(len(m.Tags)))
		for _, t := range m.Tags {
			dst = AppendU32(append(dst, 0), t)
		}
	case SectionGlobal:
		dst = AppendU32(dst, uint32(len(m.Globals)))
		for i := range m.Globals {
			g := &m.Globals[i]
			dst = append(AppendGlobalType(dst, g.GlobalType), g.Init.Bytes...)
		}
	case SectionExport:
		dst = AppendU32(dst, uint32(len(m.Exports)))
		for i := range m.Exports {
			x := &m.Exports[i]
			dst = AppendU32(append(AppendName(dst, x.Name), byte(x.Kind)), x.Index)
		}
	case SectionStart:
		dst = AppendU32(dst, m.Start)
	case SectionElement:
		dst = AppendU32(dst, uint32(len(m.Elems)))
		for i := range m.Elems {
			dst = appendElem(dst, &m.Elems[i])
		}
	case SectionDataCount:
		dst = AppendU32(dst, m.DataCount)
	}
	return dst
}

// appendTypes writes the type section. A module built without RecGroups has
// each of its types in a group of its own.
func appendTypes(dst []byte, m *Module) []byte {
	if m.RecGroups == nil {
		dst = AppendU32(dst, uint32(len(m.Types)))
		for i := range m.Types {
			dst = AppendSubType(dst, &m.Types[i])
		}
		return dst
	}
	dst = AppendU32(dst, uint32(len(m.RecGroups)))
	for _, g := range m.RecGroups {
		dst = AppendRecGroup(dst, m.Types[g.Start:g.Start+g.Count], g.Explicit)
	}
	return dst
}

// elemFlags picks the form of an element segment. The fields decide; what was
// read (e.Flags) only says whether table 0 was named without need.
func elemFlags(e *Elem) uint32 {
	var flags uint32
	if e.UsesExprs {
		flags |= elemExprs
	}
	switch e.Mode {
	case SegmentPassive:
		flags |= elemNotActive
	case SegmentDeclarative:
		flags |= elemNotActive | elemExplicit
	default:
		wasExplicit := e.Flags&(elemNotActive|elemExplicit) == elemExplicit
		if e.Table != 0 || wasExplicit || e.UsesExprs && e.Type != FuncRef {
			flags |= elemExplicit
		}
	}
	return flags
}

func appendElem(dst []byte, e *Elem) []byte {
	flags := elemFlags(e)
	dst = AppendU32(dst, flags)
	if e.Mode == SegmentActive {
		if flags&elemExplicit != 0 {
			dst = AppendU32(dst, e.Table)
		}
		dst = append(dst, e.Offset.Bytes...)
	}
	typed := flags&(elemNotActive|elemExplicit) != 0
	if !e.UsesExprs {
		if typed {
			dst = append(dst, 0)
		}
		dst = AppendU32(dst, uint32(len(e.Funcs)))
		for _, f := range e.Funcs {
			dst = AppendU32(dst, f)
		}
		return dst
	}
	if typed {
		dst = AppendValType(dst, e.Type)
	}
	dst = AppendU32(dst, uint32(len(e.Exprs)))
	for i := range e.Exprs {
		dst = append(dst, e.Exprs[i].Bytes...)
	}
	return dst
}

// dataFlags is elemFlags for data segments.
func dataFlags(d *Data) uint8 {
	switch {
	case d.Mode != SegmentActive:
		return 1
	case d.Memory != 0 || d.Flags == 2:
		return 2
	}
	return 0
}

func appendDatas(dst []byte, datas []Data) []byte {
	dst = AppendU32(dst, uint32(len(datas)))
	for i := range datas {
		d := &datas[i]
		flags := dataFlags(d)
		dst = append(dst, flags)
		if flags == 2 {
			dst = AppendU32(dst, d.Memory)
		}
		if flags != 1 {
			dst = d.appendOffset(dst)
		}
		dst = AppendBytes(dst, d.Init)
	}
	return dst
}

// sizeDatas is the number of bytes appendDatas appends.
func sizeDatas(datas []Data) int {
	n := sizeU32(uint32(len(datas)))
	for i := range datas {
		d := &datas[i]
		flags := dataFlags(d)
		n++
		if flags == 2 {
			n += sizeU32(d.Memory)
		}
		if flags != 1 {
			n += d.sizeOffset()
		}
		n += sizeU32(uint32(len(d.Init))) + len(d.Init)
	}
	return n
}

// RewriteSites appends b to dst with the immediate of each site replaced by
// what f appends for it. Sites must be in order of Off and not overlap, as
// they come out of the scan; a subset of them may be passed, the immediates of
// the others are copied. To keep an immediate, f appends
// b[s.Off : s.Off+uint32(s.Len)].
func RewriteSites(dst []byte, b []byte, sites []Site, f func(dst []byte, s Site) []byte) []byte {
	done := 0
	for _, s := range sites {
		dst = append(dst, b[done:s.Off]...)
		dst = f(dst, s)
		done = int(s.Off) + int(s.Len)
	}
	return append(dst, b[done:]...)
}
