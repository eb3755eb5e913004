package wasm

import (
	"fmt"
	"math"
)

// MaxLocals is the number of locals a function may have, its parameters
// included. It is the limit engines agree on; the format's own is 2^32-1.
const MaxLocals = 50_000

// scanner finds the sites of function bodies and constant expressions, and
// checks on the way that the bytes are instructions and that every index is
// within its space. It does not check types: that is a validator's work.
//
// The scan is where the time of decoding goes, so its loop does the common
// immediates itself and leaves the rest to imm, which allocates nothing
// either. The counts are those of the spaces at the time of the scan.
type scanner struct {
	input   string
	section string

	types, funcs, tables, globals, tags, datas, elems uint32
	hasDataCount                                      bool
	memories                                          []bool // of each memory: has 64-bit addresses

	b     []byte
	base  int // offset of b[0] in the input
	sites []Site

	depth  uint32 // labels in scope
	locals uint32
	op     Opcode // the instruction at hand and where its bytes stand,
	opOff  int    // for sites and errors
	opEnd  int
	err    *Error
}

// newScanner returns a scanner for the spaces of m as they are now.
func (m *Module) newScanner(section string) *scanner {
	s := &scanner{
		input:        m.Input,
		section:      section,
		types:        uint32(len(m.Types)),
		funcs:        m.NumImported[SpaceFunc] + uint32(len(m.Funcs)),
		tables:       m.NumImported[SpaceTable] + uint32(len(m.Tables)),
		globals:      m.NumImported[SpaceGlobal] + uint32(len(m.Globals)),
		tags:         m.NumImported[SpaceTag] + uint32(len(m.Tags)),
		datas:        m.DataCount,
		elems:        uint32(len(m.Elems)),
		hasDataCount: m.HasDataCount,
	}
	s.memories = make([]bool, 0, int(m.NumImported[SpaceMemory])+len(m.Memories))
	if m.NumImported[SpaceMemory] > 0 {
		for i := range m.Imports {
			if imp := &m.Imports[i]; imp.Kind == ExternMemory {
				s.memories = append(s.memories, imp.Memory.Is64)
			}
		}
	}
	for i := range m.Memories {
		s.memories = append(s.memories, m.Memories[i].Is64)
	}
	return s
}

// fail records an error at position p of b and returns a position that ends
// every loop.
func (s *scanner) fail(p int, format string, args ...any) int {
	if s.err == nil {
		s.err = &Error{Input: s.input, Section: s.section, Offset: int64(s.base + p), Msg: fmt.Sprintf(format, args...)}
	}
	return -1
}

// failLEB is fail for the code that a leb reader returned at p.
func (s *scanner) failLEB(p, code int) int {
	if code == lebEnd {
		return s.failEnd(p)
	}
	return s.fail(p, "%s in %s", lebMessage(code), s.construct())
}

func (s *scanner) failEnd(p int) int {
	return s.fail(p, "unexpected end in %s", s.construct())
}

// construct names what is being scanned.
func (s *scanner) construct() string {
	if s.opEnd == 0 {
		return "the locals declaration"
	}
	return s.op.String()
}

// classes maps each one-byte opcode to what the loop of body does with it.
// Instructions with one immediate of a common kind, or none, have the kind of
// the immediate; everything else is in imm's hands.
var classes = func() (t [256]uint8) {
	for i := range opsBase {
		info := &opsBase[i]
		op := Opcode(i)
		switch {
		case info.Name == "":
			t[i] = classSlow // prefixes and illegal opcodes
		case op == OpEnd:
			t[i] = classEnd
		case op == OpElse, op == OpCatch, op == OpCatchAll, op == OpDelegate, op == OpTry, op == OpTryTable:
			t[i] = classSlow
		case info.Imms[1] != ImmNone:
			t[i] = classSlow
		default:
			switch info.Imms[0] {
			case ImmNone:
				t[i] = classPlain
			case ImmLocal:
				t[i] = classLocal
			case ImmS32, ImmS64:
				t[i] = classConst
			case ImmMemArg:
				t[i] = classMemArg
			case ImmLabel:
				t[i] = classLabel
			case ImmBlockType:
				t[i] = classBlock
			case ImmFunc:
				t[i] = classFunc
			case ImmGlobal:
				t[i] = classGlobal
			case ImmF32:
				t[i] = classF32
			case ImmF64:
				t[i] = classF64
			default:
				t[i] = classSlow
			}
		}
	}
	return t
}()

// The classes. Those up to classConst are one test and one addition when the
// immediate is a single byte, whichever of them it is: most instructions of
// compiled code are among them, and in no order that a processor could predict
// branches by.
const (
	classPlain uint8 = iota
	classLocal
	classLabel
	classConst
	simpleClasses

	classMemArg uint8 = iota - 1
	classBlock
	classEnd
	classFunc
	classGlobal
	classF32
	classF64
	classSlow
)

// body scans one function body with the given number of parameters, appends
// its sites to s.sites and returns where the code starts.
func (s *scanner) body(b []byte, base int, params int) (code int) {
	s.b, s.base = b, base
	s.op, s.opEnd, s.depth = 0, 0, 1
	p := s.localDecls(params)
	code = p
	// The state of the loop is in local variables; slow needs the scanner's
	// copies of sites and depth.
	sites, depth := s.sites, s.depth
	funcs, globals, hasMemory := s.funcs, s.globals, len(s.memories) > 0
	// An immediate byte below the limit of its class is a whole and good
	// immediate. Plain instructions have none: any byte may follow.
	limit := [simpleClasses]uint32{
		classPlain: 0x100,
		classLocal: min(s.locals, 0x80),
		classLabel: min(depth, 0x80),
		classConst: 0x80,
	}
	for uint(p) < uint(len(b)) {
		at := p
		c := b[p]
		p++
		class := classes[c]
		if class < simpleClasses {
			if uint(p) < uint(len(b)) && uint32(b[p]) < limit[class] {
				p += int(min(class, 1))
				continue
			}
		}
		switch class {
		case classConst:
			// Only the length matters; values of up to four bytes cannot
			// overflow.
			q := p
			for uint(q) < uint(len(b)) && b[q] >= 0x80 {
				q++
			}
			if q-p < 4 && q < len(b) {
				p = q + 1
				continue
			}
			if _, next := lebSigned(b, p, constBits(c)); next >= 0 {
				if padded(b[next-2], b[next-1]) {
					sites = append(sites, Site{Off: uint32(p), Kind: SiteConst, Len: uint8(next - p), Op: Opcode(c)})
				}
				p = next
				continue
			}
		case classMemArg:
			if uint(p) < uint(len(b)) && b[p] < memArgHasMemory && hasMemory {
				q := p + 1
				for uint(q) < uint(len(b)) && b[q] >= 0x80 {
					q++
				}
				if q-p <= 4 && q < len(b) {
					sites = append(sites, Site{Off: uint32(p), Kind: SiteMemArg, Len: uint8(q + 1 - p), Op: Opcode(c)})
					p = q + 1
					continue
				}
			}
		case classBlock:
			// 0x40 and the number types.
			if uint(p) < uint(len(b)) && (b[p] == typeBlockEmpty || b[p]-byte(KindF64) < 4) {
				p++
				depth++
				limit[classLabel] = min(depth, 0x80)
				continue
			}
		case classEnd:
			depth--
			if depth > 0 {
				limit[classLabel] = min(depth, 0x80)
				continue
			}
			if p != len(b) {
				s.fail(p, "%d bytes after the final end of the function body (END opcode expected at its end)", len(b)-p)
			}
			s.sites = sites
			return code
		case classFunc:
			if v, next := lebU32(b, p); next >= 0 && v < funcs {
				sites = append(sites, Site{Off: uint32(p), Target: v, Kind: SiteFunc, Len: uint8(next - p), Op: Opcode(c)})
				p = next
				continue
			}
		case classGlobal:
			if v, next := lebU32(b, p); next >= 0 && v < globals {
				sites = append(sites, Site{Off: uint32(p), Target: v, Kind: SiteGlobal, Len: uint8(next - p), Op: Opcode(c)})
				p = next
				continue
			}
		case classF32:
			if len(b)-p >= 4 {
				p += 4
				continue
			}
		case classF64:
			if len(b)-p >= 8 {
				p += 8
				continue
			}
		}
		// What is rare, long or wrong.
		s.sites, s.depth = sites, depth
		p = s.slow(at)
		sites, depth = s.sites, s.depth
		limit[classLabel] = min(depth, 0x80)
	}
	if p >= 0 {
		s.fail(len(b), "unexpected end of the function body: %d blocks are not closed (END opcode expected)", depth)
	}
	return code
}

// constBits is the width of the constant of a one-byte opcode of classConst.
func constBits(c byte) uint {
	if Opcode(c) == OpI32Const {
		return 32
	}
	return 64
}

// padded reports whether the last byte of a signed LEB128 number says nothing
// that the byte before it does not.
func padded(before, last byte) bool {
	return last == 0 && before&0x40 == 0 || last == 0x7f && before&0x40 != 0
}

// localDecls scans the locals declaration at the start of b.
func (s *scanner) localDecls(params int) (p int) {
	total := uint64(params)
	groups, p := lebU32(s.b, 0)
	if p < 0 {
		return s.failLEB(0, p)
	}
	for range groups {
		at := p
		n, next := lebU32(s.b, p)
		if next < 0 {
			return s.failLEB(p, next)
		}
		total += uint64(n)
		if total > MaxLocals {
			return s.fail(at, "too many locals: %d (at most %d, parameters included)", total, MaxLocals)
		}
		if p = s.valType(next); p < 0 {
			return p
		}
	}
	s.locals = uint32(total)
	return p
}

// opcode reads the opcode at p into op, opOff and opEnd, and returns its entry
// in the table, nil after a failure.
func (s *scanner) opcode(p int) *OpInfo {
	s.opOff = p
	op, next := readOpcode(s.b, p)
	if next < 0 {
		if next == lebEnd {
			s.fail(p, "unexpected end: an opcode is missing")
		} else {
			s.fail(p, "%s in an opcode", lebMessage(next))
		}
		return nil
	}
	s.op, s.opEnd = op, next
	info := op.Info()
	if info == nil {
		s.fail(p, "illegal opcode % x", s.b[p:next])
	}
	return info
}

// badOpcode is what readOpcode returns for a sub-opcode that is not in the
// range of Opcode; Info knows nothing of it.
const badOpcode Opcode = 0xffff

// readOpcode reads the opcode at p; next is negative as with lebU32.
func readOpcode(b []byte, p int) (op Opcode, next int) {
	if uint(p) >= uint(len(b)) {
		return 0, lebEnd
	}
	c := b[p]
	if c < 0xfb || c == 0xff {
		return Opcode(c), p + 1
	}
	sub, next := lebU32(b, p+1)
	if sub > 0xfff {
		return badOpcode, next
	}
	return Opcode(c-0xfa)<<12 | Opcode(sub), next
}

// slow scans the whole instruction at p and returns the position after it,
// negative after a failure.
func (s *scanner) slow(p int) int {
	info := s.opcode(p)
	if info == nil {
		return -1
	}
	p = s.opEnd
	switch s.op {
	case OpElse, OpCatch, OpCatchAll:
		if s.depth == 1 {
			return s.fail(s.opOff, "%v outside of a block", s.op)
		}
	case OpDelegate:
		// Closes its try; the label counts from outside of it.
		if s.depth == 1 {
			return s.fail(s.opOff, "%v outside of a block", s.op)
		}
		s.depth--
	}
	for _, imm := range info.Imms {
		if imm == ImmNone {
			break
		}
		if p = s.imm(imm, p); p < 0 {
			return p
		}
	}
	switch s.op {
	case OpBlock, OpLoop, OpIf, OpTry, OpTryTable:
		s.depth++
	}
	return p
}

// site appends a site for the bytes [p, next).
func (s *scanner) site(kind SiteKind, target uint32, p, next int) {
	s.sites = append(s.sites, Site{Off: uint32(p), Target: target, Kind: kind, Len: uint8(next - p), Op: s.op})
}

// index scans a u32 index of a space with count members.
func (s *scanner) index(kind SiteKind, count uint32, what string, p int) int {
	v, next := lebU32(s.b, p)
	if next < 0 {
		return s.failLEB(p, next)
	}
	if v >= count {
		return s.fail(p, "unknown %s %d (there are %d)", what, v, count)
	}
	if kind != SiteNone {
		s.site(kind, v, p, next)
	}
	return next
}

// imm scans one immediate at p and returns the position after it, negative
// after a failure.
func (s *scanner) imm(imm Imm, p int) int {
	kind := imm.SiteKind()
	switch imm {
	case ImmMemOp:
		s.site(kind, 0, s.opOff, s.opEnd)
		return p
	case ImmFunc:
		return s.index(kind, s.funcs, "function", p)
	case ImmType:
		return s.index(kind, s.types, "type", p)
	case ImmTable:
		return s.index(kind, s.tables, "table", p)
	case ImmGlobal:
		return s.index(kind, s.globals, "global", p)
	case ImmTag:
		return s.index(kind, s.tags, "tag", p)
	case ImmElem:
		return s.index(kind, s.elems, "element segment", p)
	case ImmMemory:
		return s.index(kind, uint32(len(s.memories)), "memory", p)
	case ImmData:
		if !s.hasDataCount {
			return s.fail(s.opOff, "data count section required by %v", s.op)
		}
		return s.index(kind, s.datas, "data segment", p)
	case ImmLocal:
		return s.index(kind, s.locals, "local", p)
	case ImmLabel:
		return s.index(kind, s.depth, "label", p)
	case ImmField, ImmCount:
		return s.index(kind, math.MaxUint32, "field", p)
	case ImmLabelTable:
		n, next := lebU32(s.b, p)
		if next < 0 {
			return s.failLEB(p, next)
		}
		if int64(n) >= int64(len(s.b)-next) {
			return s.fail(p, "br_table with %d labels in %d bytes", n, len(s.b)-next)
		}
		p = next
		for i := uint32(0); i <= n && p >= 0; i++ {
			p = s.index(kind, s.depth, "label", p)
		}
		return p
	case ImmMemArg:
		return s.memArg(kind, p)
	case ImmBlockType:
		return s.blockType(kind, p)
	case ImmHeapType:
		return s.heapType(p)
	case ImmValTypes:
		n, next := lebU32(s.b, p)
		if next < 0 {
			return s.failLEB(p, next)
		}
		if n != 1 {
			return s.fail(p, "invalid result arity %d of select (want 1)", n)
		}
		return s.valType(next)
	case ImmCatches:
		return s.catches(kind, p)
	case ImmS32:
		return s.signed(p, 32)
	case ImmS64:
		return s.signed(p, 64)
	case ImmF32:
		return s.skip(p, 4)
	case ImmF64:
		return s.skip(p, 8)
	case ImmV128, ImmLanes:
		return s.skip(p, 16)
	case ImmLane:
		return s.skip(p, 1)
	case ImmCastFlags:
		if p < len(s.b) && s.b[p] > 3 {
			return s.fail(p, "malformed cast flags 0x%02x", s.b[p])
		}
		return s.skip(p, 1)
	case ImmZero:
		if p < len(s.b) && s.b[p] != 0 {
			return s.fail(p, "zero byte expected after %v", s.op)
		}
		return s.skip(p, 1)
	}
	panic(fmt.Sprintf("wasm: no scan for immediate kind %d of %v", imm, s.op))
}

func (s *scanner) skip(p, n int) int {
	if n > len(s.b)-p {
		return s.failEnd(p)
	}
	return p + n
}

func (s *scanner) signed(p int, bits uint) int {
	_, next := lebSigned(s.b, p, bits)
	if next < 0 {
		return s.failLEB(p, next)
	}
	return next
}

func (s *scanner) memArg(kind SiteKind, p int) int {
	m, next := readMemArg(s.b, p)
	if next < 0 {
		if next == memArgFlags {
			return s.fail(p, "malformed memop flags")
		}
		return s.failLEB(p, next)
	}
	if int64(m.Memory) >= int64(len(s.memories)) {
		return s.fail(p, "unknown memory %d (there are %d)", m.Memory, len(s.memories))
	}
	if m.Offset > math.MaxUint32 && !s.memories[m.Memory] {
		return s.fail(p, "offset out of range: 0x%x in a 32-bit memory", m.Offset)
	}
	s.site(kind, m.Memory, p, next)
	return next
}

// heapType scans an s33 heap type; a concrete one is a site.
func (s *scanner) heapType(p int) int {
	v, next := lebSigned(s.b, p, 33)
	switch {
	case next < 0:
		return s.failLEB(p, next)
	case v >= int64(s.types):
		return s.fail(p, "unknown type %d (there are %d)", v, s.types)
	case v >= 0:
		s.site(SiteHeapType, uint32(v), p, next)
	case !isAbstractHeap(v) || next != p+1: // a byte, not a number that may be padded
		return s.fail(p, "malformed heap type 0x%02x", uint8(v)&0x7f)
	}
	return next
}

func (s *scanner) valType(p int) int {
	if p >= len(s.b) {
		return s.failEnd(p)
	}
	c := s.b[p]
	switch {
	case c >= byte(KindV128) && c <= byte(KindI32):
		return p + 1
	case c == typeRef || c == typeRefNull:
		return s.heapType(p + 1)
	case c < 0x80 && isAbstractHeap(int64(c)-0x80):
		return p + 1
	}
	return s.fail(p, "malformed value type 0x%02x", c)
}

func (s *scanner) blockType(kind SiteKind, p int) int {
	if p >= len(s.b) {
		return s.failEnd(p)
	}
	c := s.b[p]
	if c == typeBlockEmpty {
		return p + 1
	}
	if c&0xc0 == 0x40 { // a negative s33 of one byte: a value type
		return s.valType(p)
	}
	v, next := lebSigned(s.b, p, 33)
	switch {
	case next < 0:
		return s.failLEB(p, next)
	case v < 0:
		return s.fail(p, "malformed block type %d", v)
	case v >= int64(s.types):
		return s.fail(p, "unknown type %d (there are %d)", v, s.types)
	}
	s.site(kind, uint32(v), p, next)
	return next
}

// The kinds of a catch clause of try_table.
const (
	catchTag    = 0x00
	catchRef    = 0x01
	catchAll    = 0x02
	catchAllRef = 0x03
)

func (s *scanner) catches(kind SiteKind, p int) int {
	n, next := lebU32(s.b, p)
	if next < 0 {
		return s.failLEB(p, next)
	}
	p = next
	for ; n > 0 && p >= 0; n-- {
		if p >= len(s.b) {
			return s.failEnd(p)
		}
		c := s.b[p]
		switch c {
		case catchTag, catchRef:
			if p = s.index(kind, s.tags, "tag", p+1); p < 0 {
				return p
			}
		case catchAll, catchAllRef:
			p++
		default:
			return s.fail(p, "malformed catch clause 0x%02x", c)
		}
		p = s.index(SiteNone, s.depth, "label", p)
	}
	return p
}

// constExpr scans the constant expression at the start of b, which may be
// followed by other bytes, appends its sites and returns its length with the
// final end; negative after a failure.
func (s *scanner) constExpr(b []byte, base int) int {
	s.b, s.base = b, base
	s.op, s.depth, s.locals = 0, 1, 0
	for p := 0; p >= 0; {
		at := p
		info := s.opcode(p)
		if info == nil {
			return -1
		}
		if !info.Const {
			return s.fail(p, "constant expression required: %v is not constant", s.op)
		}
		if s.op == OpEnd {
			if at == 0 {
				return s.fail(p, "empty constant expression")
			}
			return s.opEnd
		}
		p = s.slow(at)
	}
	return -1
}

// ScanRange scans the bodies [lo, hi) of m.Code after DecodeNoScan: it fills
// in Body.Code and, unless the module is frugal, Body.Sites. Calls for disjoint
// ranges may run at the same time. The sites of a call share a few allocations,
// so a range should be a good number of bodies. The first error stops it.
func (m *Module) ScanRange(lo, hi int) error {
	s := m.newScanner("code section")
	if m.Frugal {
		for i := lo; i < hi; i++ {
			b := &m.Code[i]
			s.sites = s.sites[:0]
			b.Code = s.body(b.Bytes, b.Off, len(m.Types[m.Funcs[i]].Params))
			if s.err != nil {
				return s.err
			}
			b.Sites = nil
		}
		return nil
	}
	left := 0
	for i := lo; i < hi; i++ {
		left += len(m.Code[i].Bytes)
	}
	a := arena{left: left}
	for i := lo; i < hi; i++ {
		b := &m.Code[i]
		s.sites = a.open(len(b.Bytes))
		params := len(m.Types[m.Funcs[i]].Params)
		code := s.body(b.Bytes, b.Off, params)
		if s.err != nil {
			return s.err
		}
		b.Code = code
		b.Sites = a.close(s.sites, len(b.Bytes))
	}
	return nil
}

// SiteScanner tells the sites of bodies, whether or not their module keeps them.
// One goroutine uses it at a time; the zero value is ready.
type SiteScanner struct {
	m *Module
	s *scanner
}

// Sites are the sites of the body at index i of m.Code, which has been scanned
// before. They are good until the next call.
func (x *SiteScanner) Sites(m *Module, i int) []Site {
	b := &m.Code[i]
	if !m.Frugal {
		return b.Sites
	}
	if x.m != m {
		s := m.newScanner("code section")
		if x.s != nil {
			s.sites = x.s.sites
		}
		x.m, x.s = m, s
	}
	x.s.sites = x.s.sites[:0]
	if x.s.body(b.Bytes, b.Off, len(m.Types[m.Funcs[i]].Params)); x.s.err != nil {
		panic("wasm: a body that was scanned cannot be scanned again: " + x.s.err.Error())
	}
	return x.s.sites
}

// ScanExprs fills in the sites of the constant expressions of a module that was
// not decoded but made.
func (m *Module) ScanExprs() error {
	s := m.newScanner("constant expressions")
	var a arena
	scan := func(e *Expr) {
		if e.Bytes == nil || s.err != nil {
			return
		}
		s.sites = a.open(0)
		s.constExpr(e.Bytes, e.Off)
		e.Sites = a.close(s.sites, len(e.Bytes))
	}
	for i := range m.Tables {
		if init := m.Tables[i].Init; init != nil {
			scan(init)
		}
	}
	for i := range m.Globals {
		scan(&m.Globals[i].Init)
	}
	for i := range m.Elems {
		scan(&m.Elems[i].Offset)
		for j := range m.Elems[i].Exprs {
			scan(&m.Elems[i].Exprs[j])
		}
	}
	for i := range m.Datas {
		if e := m.Datas[i].Offset; e != nil {
			scan(e)
		}
	}
	if s.err != nil {
		return s.err
	}
	return nil
}

// arena hands out the memory of sites. One body at a time appends to what open
// returns; when a body outgrows the chunk, append moves that body alone.
type arena struct {
	free []Site // length 0, capacity what is left of the chunk
	left int    // bytes of code not scanned yet
	// The density of sites seen so far sizes the chunks.
	bytes, sites int
}

// minSiteRoom is what is asked of a chunk for a body of n bytes: a site in
// three bytes is more than compilers write.
func minSiteRoom(n int) int { return n/3 + 4 }

func (a *arena) open(n int) []Site {
	if cap(a.free) < min(minSiteRoom(n), 1<<16) {
		est := a.left/6 + 64
		if a.bytes > 1<<12 {
			est = int(float64(a.left)*1.03*float64(a.sites)/float64(a.bytes)) + 64
		} else {
			// Too little seen to go by: a small chunk to learn from.
			est = min(est, 1<<13)
		}
		a.free = make([]Site, 0, max(est, minSiteRoom(n)))
	}
	return a.free
}

func (a *arena) close(sites []Site, n int) []Site {
	a.bytes += n
	a.left -= n
	a.sites += len(sites)
	a.free = sites[len(sites):]
	return sites[:len(sites):len(sites)]
}
