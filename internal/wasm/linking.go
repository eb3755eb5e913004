package wasm

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// What wasm-ld leaves with --emit-relocs in a module that it has finished: the
// symbols, and every place in code and data that holds the index or the address
// of one (https://github.com/WebAssembly/tool-conventions/blob/main/Linking.md).

// The names of the custom sections.
const (
	LinkingSection   = "linking"
	RelocCodeSection = "reloc.CODE"
	RelocDataSection = "reloc.DATA"
)

// SymbolKind is what a symbol of the linking section stands for.
type SymbolKind uint8

// The kinds of symbols.
const (
	SymbolFunc    SymbolKind = 0
	SymbolData    SymbolKind = 1
	SymbolGlobal  SymbolKind = 2
	SymbolSection SymbolKind = 3
	SymbolTag     SymbolKind = 4
	SymbolTable   SymbolKind = 5
)

// The flags of symbols that matter here.
const (
	SymbolUndefined    = 0x10
	SymbolExplicitName = 0x40
	SymbolAbsolute     = 0x200 // of data: Offset is an address
)

// Symbol is an entry of the symbol table.
type Symbol struct {
	Kind  SymbolKind
	Flags uint32
	Name  string // "" for sections, and for imports that are named as they are imported
	Index uint32 // of the function, global, tag, table or section
	// Data symbols that are defined: a segment, and a range of bytes in it. The
	// segments that have only zeros come last and are not in the module.
	Segment, Offset, Size uint32
}

// Undefined reports whether a symbol is an import, or a weak reference to
// nothing.
func (s *Symbol) Undefined() bool { return s.Flags&SymbolUndefined != 0 }

// SegmentInfo is what the linking section says of a data segment.
type SegmentInfo struct {
	Name  string // as that of a section: .rodata, .data, .bss
	Align uint32 // the exponent: the segment is aligned to 1<<Align bytes
	Flags uint32
}

// zeros reports whether a segment is one of those that begin as zeros.
func (s *SegmentInfo) zeros() bool {
	return strings.HasPrefix(s.Name, ".bss") || strings.HasPrefix(s.Name, ".tbss")
}

// Linking is the content of a linking section, as far as it is of use here.
type Linking struct {
	Symbols  []Symbol
	Segments []SegmentInfo // by segment, those included that are not in the module
}

// RelocType says what a relocation puts where.
type RelocType uint8

// The types of relocations of modules with 32-bit memory and tables that are
// linked to a place; those of position-independent code are not here.
const (
	RelocFunctionIndexLEB RelocType = 0
	RelocTableIndexSLEB   RelocType = 1
	RelocTableIndexI32    RelocType = 2
	RelocMemoryAddrLEB    RelocType = 3
	RelocMemoryAddrSLEB   RelocType = 4
	RelocMemoryAddrI32    RelocType = 5
	RelocTypeIndexLEB     RelocType = 6
	RelocGlobalIndexLEB   RelocType = 7
	RelocTagIndexLEB      RelocType = 10
	RelocGlobalIndexI32   RelocType = 13
	RelocTableNumberLEB   RelocType = 20
	RelocFunctionIndexI32 RelocType = 26
)

// Reloc is a relocation.
type Reloc struct {
	Type   RelocType
	Off    uint32 // in the content of the section that it applies to, bytes
	Index  uint32 // of the symbol; of the type for RelocTypeIndexLEB
	Addend int32  // RelocMemoryAddr*
}

// hasAddend reports whether an entry of this type has an addend.
func (t RelocType) hasAddend() bool {
	return t == RelocMemoryAddrLEB || t == RelocMemoryAddrSLEB || t == RelocMemoryAddrI32
}

// known reports whether this package can check relocations of a type.
func (t RelocType) known() bool {
	switch t {
	case RelocFunctionIndexLEB, RelocTableIndexSLEB, RelocTableIndexI32, RelocMemoryAddrLEB, RelocMemoryAddrSLEB, RelocMemoryAddrI32,
		RelocTypeIndexLEB, RelocGlobalIndexLEB, RelocTagIndexLEB, RelocGlobalIndexI32, RelocTableNumberLEB, RelocFunctionIndexI32:
		return true
	}
	return false
}

// The subsections of the linking section that are read.
const (
	linkingSegments = 5
	linkingSymbols  = 8
)

// linkingVersion is the version of the linking section that is known.
const linkingVersion = 2

// ParseLinking parses a linking section.
func ParseLinking(input string, c *Custom) (*Linking, error) {
	r := NewReader(input, "linking section", c.Data, int64(c.Off))
	r.text = string(c.Data)
	if v := r.U32(); r.Err() == nil && v != linkingVersion {
		r.Failf("version %d of the linking section is not known", v)
	}
	l := &Linking{}
	for r.Err() == nil && r.Len() > 0 {
		kind := r.Byte()
		body := r.sub(int(r.U32()))
		if r.Err() != nil {
			break
		}
		switch kind {
		case linkingSymbols:
			for range body.Vec(2) {
				l.Symbols = append(l.Symbols, body.symbol())
				if body.err != nil {
					break
				}
			}
		case linkingSegments:
			for range body.Vec(3) {
				l.Segments = append(l.Segments, SegmentInfo{Name: body.Name(), Align: body.U32(), Flags: body.U32()})
				if body.err != nil {
					break
				}
			}
		default:
			continue
		}
		if err := body.Done(); err != nil {
			return nil, err
		}
	}
	return l, r.Done()
}

func (r *Reader) symbol() Symbol {
	s := Symbol{Kind: SymbolKind(r.Byte())}
	s.Flags = r.U32()
	switch s.Kind {
	case SymbolFunc, SymbolGlobal, SymbolTag, SymbolTable:
		s.Index = r.U32()
		if !s.Undefined() || s.Flags&SymbolExplicitName != 0 {
			s.Name = r.Name()
		}
	case SymbolData:
		s.Name = r.Name()
		if !s.Undefined() {
			s.Segment, s.Offset, s.Size = r.U32(), r.U32(), r.U32()
		}
	case SymbolSection:
		s.Index = r.U32()
	default:
		r.Failf("malformed symbol kind %d", s.Kind)
	}
	return s
}

// ParseRelocs parses a relocation section. Types that are not known are an
// error: what they say cannot be left out.
func ParseRelocs(input string, c *Custom) ([]Reloc, error) {
	r := NewReader(input, c.Name+" section", c.Data, int64(c.Off))
	r.U32() // the index of the section, which moves when custom sections come and go
	n := r.Vec(3)
	out := make([]Reloc, 0, n)
	for range n {
		at := r.Offset()
		x := Reloc{Type: RelocType(r.Byte())}
		if r.Err() == nil && !x.Type.known() {
			r.FailAt(at, "relocation type %d is not known", x.Type)
		}
		x.Off, x.Index = r.U32(), r.U32()
		if x.Type.hasAddend() {
			x.Addend = r.S32()
		}
		if r.err != nil {
			break
		}
		if len(out) > 0 && x.Off < out[len(out)-1].Off {
			r.FailAt(at, "relocations out of order")
			break
		}
		out = append(out, x)
	}
	return out, r.Done()
}

// Relocations are the symbols of a module and its relocations, which have been
// found to be true of its code and data.
type Relocations struct {
	Symbols []Symbol
	// Code has the relocations of code with offsets in Body.Bytes: those of
	// body i are Code[Bodies[i]:Bodies[i+1]].
	Code   []Reloc
	Bodies []int
	// Data has those of data with offsets in Data.Init: those of segment i are
	// Data[Segments[i]:Segments[i+1]].
	Data     []Reloc
	Segments []int
	// Bases are the addresses of the segments of the module.
	Bases []uint32
	// Slots has, for each slot of table 0 that the module's segments fill, the
	// function index.
	Slots map[uint32]uint32
}

// Relocations reads the module's linking and relocation sections. It is nil
// without an error where there are none. The error says what does not fit:
// something has changed the module after the linker, or the relocations are of a
// kind that is not known. It looks at no sites.
//
// What fits: every relocation stands on bytes that have the value that it
// describes; every function has a symbol, so that no function came later that
// could know an address; and there is nothing but zeros in data that no symbol
// covers, and in what begins as zeros, so that nobody has run the module and kept
// what was in its memory then: pointers without relocations.
func (m *Module) Relocations() (*Relocations, error) {
	linking, code, data := m.Custom(LinkingSection), m.Custom(RelocCodeSection), m.Custom(RelocDataSection)
	if linking == nil || code == nil {
		return nil, nil
	}
	info, err := ParseLinking(m.Input, linking)
	if err != nil {
		return nil, err
	}
	l := &relocChecker{m: m, Relocations: Relocations{Symbols: info.Symbols, Slots: map[uint32]uint32{}}}
	if err := l.places(); err != nil {
		return nil, err
	}
	if err := l.contents(info.Segments); err != nil {
		return nil, err
	}
	if l.Code, err = ParseRelocs(m.Input, code); err != nil {
		return nil, err
	}
	bodies := func(i int) (int, []byte) { return m.Code[i].Off, m.Code[i].Bytes }
	if l.Bodies, err = l.check(code, l.Code, SectionCode, len(m.Code), bodies); err != nil {
		return nil, err
	}
	l.Segments = make([]int, len(m.Datas)+1)
	if data != nil {
		if l.Data, err = ParseRelocs(m.Input, data); err != nil {
			return nil, err
		}
		_, end := m.content(SectionData)
		segments := func(i int) (int, []byte) {
			init := m.Datas[i].Init
			if i+1 < len(m.Datas) {
				end := m.Datas[i+1].Off
				return end - len(init), init
			}
			return end - len(init), init
		}
		if l.Segments, err = l.check(data, l.Data, SectionData, len(m.Datas), segments); err != nil {
			return nil, err
		}
	}
	return &l.Relocations, nil
}

// relocChecker compares relocations with what they apply to.
type relocChecker struct {
	Relocations
	m *Module
}

func (l *relocChecker) fail(c *Custom, format string, args ...any) error {
	return &Error{Input: l.m.Input, Section: c.Name + " section", Offset: int64(c.Off), Msg: fmt.Sprintf(format, args...)}
}

// places finds where the segments lie, and that every function has a symbol.
func (l *relocChecker) places() error {
	m := l.m
	linking := m.Custom(LinkingSection)
	if n := m.Count(SpaceMemory); n != 1 || m.NumImported[SpaceMemory] != 0 || m.Memories[0].Is64 || m.Memories[0].Shared {
		return l.fail(linking, "the module has not one memory of its own, 32-bit and not shared")
	}
	for i := range m.Datas {
		at, ok := m.Datas[i].OffsetI32()
		if m.Datas[i].Mode != SegmentActive || !ok {
			return l.fail(linking, "data segment %d has no fixed place", i)
		}
		l.Bases = append(l.Bases, at)
	}
	for i := range m.Elems {
		e := &m.Elems[i]
		if e.Mode == SegmentDeclarative {
			continue
		}
		at, ok := e.Offset.ConstI32()
		if e.Mode != SegmentActive || e.UsesExprs || e.Table != 0 || !ok {
			return l.fail(linking, "element segment %d is not one of functions at a fixed place", i)
		}
		for k, f := range e.Funcs {
			l.Slots[at+uint32(k)] = f
		}
	}
	named := make([]bool, m.Count(SpaceFunc))
	for i := range l.Symbols {
		switch s := &l.Symbols[i]; {
		case s.Kind == SymbolFunc && s.Index < uint32(len(named)):
			named[s.Index] = true
		case s.Kind == SymbolFunc:
			return l.fail(linking, "symbol %d is of function %d, and there are %d", i, s.Index, len(named))
		case s.Kind == SymbolData && !s.Undefined() && s.Flags&SymbolAbsolute == 0 && s.Segment < uint32(len(m.Datas)):
			if n := len(m.Datas[s.Segment].Init); uint64(s.Offset)+uint64(s.Size) > uint64(n) {
				return l.fail(linking, "symbol %q ends at byte %d of data segment %d, which has %d", s.Name, uint64(s.Offset)+uint64(s.Size), s.Segment, n)
			}
		}
	}
	for f := m.NumImported[SpaceFunc]; f < uint32(len(named)); f++ {
		if !named[f] && !onlyCalls(&m.Code[f-m.NumImported[SpaceFunc]]) {
			return l.fail(linking, "function %d has no symbol: the module was changed after it was linked", f)
		}
	}
	return nil
}

// contents checks that the data is what the linker wrote.
func (l *relocChecker) contents(segments []SegmentInfo) error {
	m := l.m
	data := m.Custom(LinkingSection)
	if len(m.Datas) > len(segments) {
		return l.fail(data, "there are %d data segments, and the linker wrote %d: the module was changed after it was linked", len(m.Datas), len(segments))
	}
	for i := len(m.Datas); i < len(segments); i++ {
		if !segments[i].zeros() {
			return l.fail(data, "data segment %d (%s) is missing: the module was changed after it was linked", i, segments[i].Name)
		}
	}
	// What symbols cover, in order.
	covered := make([][][2]uint32, len(m.Datas))
	for i := range l.Symbols {
		if s := &l.Symbols[i]; s.Kind == SymbolData && s.Flags&(SymbolUndefined|SymbolAbsolute) == 0 && s.Segment < uint32(len(m.Datas)) && !segments[s.Segment].zeros() {
			covered[s.Segment] = append(covered[s.Segment], [2]uint32{s.Offset, s.Offset + s.Size})
		}
	}
	for i := range m.Datas {
		init := m.Datas[i].Init
		slices.SortFunc(covered[i], func(a, b [2]uint32) int { return cmp.Compare(a[0], b[0]) })
		from := uint32(0)
		for _, s := range append(covered[i], [2]uint32{uint32(len(init)), 0}) {
			for ; from < s[0]; from++ {
				if init[from] != 0 {
					return l.fail(data, "byte %d of data segment %d (%s) is not zero and belongs to no symbol: the module has run since it was linked", from, i, segments[i].Name)
				}
			}
			from = max(from, s[1])
		}
	}
	return nil
}

// onlyCalls reports whether a function only passes on what it is given, as those
// do that linkers make without a symbol: __wasm_call_ctors, and what commands
// export.
func onlyCalls(b *Body) bool {
	groups, off := ReadU32(b.Bytes)
	if off == 0 || groups != 0 {
		return false
	}
	for off < len(b.Bytes) {
		in, ok := NextInstr(b.Bytes, off)
		if !ok {
			return false
		}
		switch in.Op {
		case OpCall, OpLocalGet, OpDrop, OpReturn, OpNop, OpEnd:
		default:
			return false
		}
		off = int(in.Off + in.Len)
	}
	return true
}

// content finds the content of a section: where it begins and ends in m.Bytes.
func (m *Module) content(id SectionID) (start, end int) {
	for p := preambleLen; p < len(m.Bytes); {
		size, next := lebU32(m.Bytes, p+1)
		if SectionID(m.Bytes[p]) == id {
			return next, next + int(size)
		}
		p = next + int(size)
	}
	return len(m.Bytes), len(m.Bytes)
}

// check compares relocations of a section with its n parts, makes their offsets
// those in the parts, and says where those of each part begin.
func (l *relocChecker) check(c *Custom, relocs []Reloc, id SectionID, n int, part func(int) (off int, b []byte)) ([]int, error) {
	start, _ := l.m.content(id)
	first := make([]int, n+1)
	k := 0
	for i := range n {
		first[i] = k
		off, b := part(i)
		for ; k < len(relocs) && start+int(relocs[k].Off) < off+len(b); k++ {
			x := &relocs[k]
			at := start + int(x.Off) - off
			if at < 0 {
				return nil, l.fail(c, "relocation %d at byte %d of the %v is in no part of it", k, x.Off, id)
			}
			if !l.fits(x, b[at:]) {
				return nil, l.fail(c, "relocation %d at byte %d of the %v does not fit what is there: the module was changed after it was linked", k, x.Off, id)
			}
			x.Off = uint32(at)
		}
	}
	first[n] = k
	if k < len(relocs) {
		return nil, l.fail(c, "relocation %d at byte %d of the %v is in no part of it", k, relocs[k].Off, id)
	}
	return first, nil
}

// fits reports whether b begins with what a relocation says.
func (l *relocChecker) fits(x *Reloc, b []byte) bool {
	var (
		v  uint32
		ok bool
	)
	switch x.Type {
	case RelocFunctionIndexLEB, RelocMemoryAddrLEB, RelocTypeIndexLEB, RelocGlobalIndexLEB, RelocTagIndexLEB, RelocTableNumberLEB:
		var next int
		v, next = lebU32(b, 0)
		ok = next == 5
	case RelocTableIndexSLEB, RelocMemoryAddrSLEB:
		s, next := lebSigned(b, 0, 32)
		v, ok = uint32(s), next == 5
	default:
		if ok = len(b) >= 4; ok {
			v = uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24
		}
	}
	if !ok {
		return false
	}
	if x.Type == RelocTypeIndexLEB {
		return v < uint32(len(l.m.Types))
	}
	if x.Index >= uint32(len(l.Symbols)) {
		return false
	}
	s := &l.Symbols[x.Index]
	switch x.Type {
	case RelocFunctionIndexLEB, RelocFunctionIndexI32:
		return s.Kind == SymbolFunc && v == s.Index
	case RelocGlobalIndexLEB, RelocGlobalIndexI32:
		// Or a global that holds the address of the symbol.
		return s.Kind == SymbolGlobal && v == s.Index || (s.Kind == SymbolData || s.Kind == SymbolFunc) && v < l.m.Count(SpaceGlobal)
	case RelocTagIndexLEB:
		return s.Kind == SymbolTag && v == s.Index
	case RelocTableNumberLEB:
		return s.Kind == SymbolTable && v == s.Index
	case RelocTableIndexSLEB, RelocTableIndexI32:
		f, filled := l.Slots[v]
		return s.Kind == SymbolFunc && (filled && f == s.Index || !filled && v == 0) // a weak reference to nothing is null
	}
	if s.Kind != SymbolData {
		return false
	}
	switch {
	case s.Undefined():
		return v == uint32(x.Addend)
	case s.Flags&SymbolAbsolute != 0:
		return v == s.Offset+uint32(x.Addend)
	case s.Segment < uint32(len(l.Bases)):
		return v == l.Bases[s.Segment]+s.Offset+uint32(x.Addend)
	}
	return true // zeros, at a place that the module does not tell
}
