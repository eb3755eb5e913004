package report

import (
	"fmt"

	"github.com/wbundle/wbundle/internal/component"
	"github.com/wbundle/wbundle/internal/wasm"
)

// The kinds of bytes in a file: what they are, not whose.
const (
	KindCode         = "code"         // function bodies of the inputs
	KindGenerated    = "adapters"     // function bodies that the linker wrote
	KindData         = "data"         // data segments
	KindElements     = "elements"     // element segments: the functions in tables
	KindDeclarations = "declarations" // types of functions, tables, memories, globals, tags, the start function
	KindTypes        = "types"
	KindImports      = "imports"
	KindExports      = "exports"
	KindNames        = "names"     // the name section
	KindCustom       = "custom"    // other custom sections
	KindComponent    = "component" // what a component has around its core modules
	KindHeaders      = "headers"   // preambles, section ids, sizes and counts
)

// piece is a run of bytes of a file that are one thing. The pieces of a file
// lie end to end: each byte is in exactly one.
type piece struct {
	off, size int
	module    int // core module, in the order of the file; -1 outside of one
	kind      string
	// space and index say which item of the module it is, where it is one, or
	// belongs to one (a name, the type of a function).
	space wasm.Space
	index uint32
	text  string // what it is, where it is no item: "type section"
}

// splitter cuts a file into pieces.
type splitter struct {
	pieces  []piece
	modules []*wasm.Module
	end     int // of the last piece
}

// split cuts a module or component into pieces. The modules are those that
// pieces speak of.
func split(name string, b []byte) (*splitter, error) {
	s := &splitter{}
	var err error
	if component.IsComponent(b) {
		// Its grammar is checked by Decode; here only sections matter.
		if _, err = component.Decode(name, b); err == nil {
			err = s.component(name, b, 0)
		}
	} else {
		err = s.module(name, b, 0)
	}
	if err != nil {
		return nil, err
	}
	at := 0
	for _, p := range s.pieces {
		if p.off != at || p.size <= 0 {
			return nil, fmt.Errorf("%s: the bytes at offset 0x%x were accounted for twice or not at all", name, min(at, p.off))
		}
		at += p.size
	}
	if at != len(b) {
		return nil, fmt.Errorf("%s: %d of %d bytes were accounted for", name, at, len(b))
	}
	return s, nil
}

// to makes the bytes up to end a piece; none when there are none.
func (s *splitter) to(end int, p piece) {
	if end > s.end {
		p.off, p.size = s.end, end-s.end
		s.pieces = append(s.pieces, p)
		s.end = end
	}
}

// preambleLen is the length of the preamble of modules and components.
const preambleLen = 8

// rawSection is a section of a module or component.
type rawSection struct {
	id         byte
	start, end int // of the content
}

// rawSections lists the sections of a file that has been decoded.
func rawSections(b []byte) []rawSection {
	var all []rawSection
	for pos := preambleLen; pos < len(b); {
		size, n := wasm.ReadU32(b[pos+1:])
		start := pos + 1 + n
		all = append(all, rawSection{b[pos], start, start + int(size)})
		pos = start + int(size)
	}
	return all
}

func (s *splitter) component(name string, b []byte, base int) error {
	s.to(base+preambleLen, piece{module: -1, kind: KindHeaders, text: "preamble"})
	for _, sec := range rawSections(b) {
		id := component.SectionID(sec.id)
		s.to(base+sec.start, piece{module: -1, kind: KindHeaders, text: id.String()})
		content := b[sec.start:sec.end]
		var err error
		switch id {
		case component.SectionCoreModule:
			err = s.module(fmt.Sprintf("%s: core module %d", name, len(s.modules)), content, base+sec.start)
		case component.SectionComponent:
			err = s.component(name, content, base+sec.start)
		case component.SectionCoreCustom:
			r := wasm.NewReader(name, id.String(), content, 0)
			s.to(base+sec.end, piece{module: -1, kind: KindCustom, text: r.Name()})
			err = r.Err()
		default:
			s.to(base+sec.end, piece{module: -1, kind: KindComponent, text: id.String()})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// module cuts a core module, whose first byte is at base.
func (s *splitter) module(name string, b []byte, base int) error {
	m, err := wasm.Decode(name, b)
	if err != nil {
		return err
	}
	k := len(s.modules)
	s.modules = append(s.modules, m)
	s.to(base+preambleLen, piece{module: k, kind: KindHeaders, text: "preamble"})
	custom := 0
	for _, sec := range rawSections(b) {
		id := wasm.SectionID(sec.id)
		title := id.String()
		if id == wasm.SectionCustom {
			c := &m.Customs[custom]
			custom++
			s.to(base+sec.start, piece{module: k, kind: KindHeaders, text: title})
			if c.Name == wasm.NamesSection {
				s.names(k, b[:sec.end], c.Off, base)
			} else {
				s.to(base+sec.end, piece{module: k, kind: KindCustom, text: c.Name})
			}
			continue
		}
		content := b[sec.start:sec.end]
		if id == wasm.SectionStart || id == wasm.SectionDataCount {
			s.to(base+sec.start, piece{module: k, kind: KindHeaders, text: title})
			s.to(base+sec.end, piece{module: k, kind: KindDeclarations, text: title})
			continue
		}
		r := wasm.NewReader(name, title, content, int64(sec.start))
		n := r.U32()
		s.to(base+int(r.Offset()), piece{module: k, kind: KindHeaders, text: title})
		ends, p := itemEnds(m, id, r, int(n), sec.end)
		if err := r.Err(); err != nil {
			return err
		}
		for i, end := range ends {
			p := p(i)
			p.module = k
			s.to(base+end, p)
		}
		// A section may be empty; it has no bytes behind its items.
	}
	return nil
}

// itemEnds returns where each item of a section ends, in the module, and what
// the items are.
func itemEnds(m *wasm.Module, id wasm.SectionID, r *wasm.Reader, n, sectionEnd int) (ends []int, what func(i int) piece) {
	// starts is for sections whose items know where they begin.
	starts := func(off func(i int) int) []int {
		for i := 1; i < n; i++ {
			ends = append(ends, off(i))
		}
		if n > 0 {
			ends = append(ends, sectionEnd)
		}
		return ends
	}
	read := func(item func(i int)) []int {
		for i := range n {
			item(i)
			ends = append(ends, int(r.Offset()))
		}
		return ends
	}
	items := func(kind string, space wasm.Space) func(int) piece {
		first := m.NumImported[space]
		return func(i int) piece { return piece{kind: kind, space: space, index: first + uint32(i)} }
	}
	switch id {
	case wasm.SectionType:
		return read(func(int) { r.RecGroup() }), func(i int) piece {
			return piece{kind: KindTypes, space: wasm.SpaceType, index: m.RecGroups[i].Start}
		}
	case wasm.SectionImport:
		var seen [wasm.SpaceElem + 1]uint32
		index := make([]uint32, n)
		for i := range n {
			space := m.Imports[i].Kind.Space()
			index[i] = seen[space]
			seen[space]++
		}
		return starts(func(i int) int { return m.Imports[i].Off }), func(i int) piece {
			return piece{kind: KindImports, space: m.Imports[i].Kind.Space(), index: index[i]}
		}
	case wasm.SectionFunction:
		return read(func(int) { r.U32() }), items(KindDeclarations, wasm.SpaceFunc)
	case wasm.SectionTable:
		return read(func(i int) {
			if init := m.Tables[i].Init; init != nil {
				r.Bytes(init.Off + len(init.Bytes) - int(r.Offset()))
			} else {
				r.TableType()
			}
		}), items(KindDeclarations, wasm.SpaceTable)
	case wasm.SectionMemory:
		return read(func(int) { r.MemType() }), items(KindDeclarations, wasm.SpaceMemory)
	case wasm.SectionTag:
		return read(func(int) { r.Byte(); r.U32() }), items(KindDeclarations, wasm.SpaceTag)
	case wasm.SectionGlobal:
		return read(func(i int) {
			init := &m.Globals[i].Init
			r.Bytes(init.Off + len(init.Bytes) - int(r.Offset()))
		}), items(KindDeclarations, wasm.SpaceGlobal)
	case wasm.SectionExport:
		return starts(func(i int) int { return m.Exports[i].Off }), func(i int) piece {
			e := &m.Exports[i]
			return piece{kind: KindExports, space: e.Kind.Space(), index: e.Index, text: e.Name}
		}
	case wasm.SectionElement:
		return starts(func(i int) int { return m.Elems[i].Off }), items(KindElements, wasm.SpaceElem)
	case wasm.SectionCode:
		for i := range m.Code {
			ends = append(ends, m.Code[i].Off+len(m.Code[i].Bytes))
		}
		return ends, items(KindCode, wasm.SpaceFunc)
	case wasm.SectionData:
		return starts(func(i int) int { return m.Datas[i].Off }), items(KindData, wasm.SpaceData)
	}
	panic("report: section of a kind that nobody classified")
}

// nameSpaces are the spaces that the subsections of a name section are about.
var nameSpaces = [...]wasm.Space{
	1: wasm.SpaceFunc, 2: wasm.SpaceFunc, 3: wasm.SpaceFunc, 4: wasm.SpaceType, 5: wasm.SpaceTable, 6: wasm.SpaceMemory,
	7: wasm.SpaceGlobal, 8: wasm.SpaceElem, 9: wasm.SpaceData, 10: wasm.SpaceType, 11: wasm.SpaceTag,
}

// names cuts a name section, which may be broken: from the first defect on it
// is one piece. Its content is b[off:].
func (s *splitter) names(k int, b []byte, off, base int) {
	s.to(base+off, piece{module: k, kind: KindHeaders, text: "name section"})
	r := wasm.NewReader("", "name section", b[off:], int64(off))
	for r.Len() > 0 {
		id := r.Byte()
		size := int(r.U32())
		start := int(r.Offset())
		if r.Err() != nil || size > r.Len() {
			break
		}
		sub := wasm.NewReader("", "name section", r.Bytes(size), int64(start))
		s.to(base+start, piece{module: k, kind: KindHeaders, text: "name section"})
		if int(id) < len(nameSpaces) && nameSpaces[id] != wasm.SpaceNone {
			indirect := id == 2 || id == 3 || id == 10
			n := sub.Vec(2)
			s.to(base+int(sub.Offset()), piece{module: k, kind: KindHeaders, text: "name section"})
			for range n {
				index := sub.U32()
				if indirect {
					for range sub.Vec(2) {
						sub.U32()
						sub.Name()
					}
				} else {
					sub.Name()
				}
				if sub.Err() != nil {
					break
				}
				s.to(base+int(sub.Offset()), piece{module: k, kind: KindNames, space: nameSpaces[id], index: index})
			}
		}
		s.to(base+start+size, piece{module: k, kind: KindNames, text: "name section"})
	}
	s.to(base+len(b), piece{module: k, kind: KindNames, text: "name section"})
}
