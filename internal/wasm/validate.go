package wasm

import (
	"fmt"
	"math"
)

// Validation is a module whose declarations have been validated; what remains
// is its function bodies.
type Validation struct {
	m *Module
	// The first failure, and the checker of constant expressions, while
	// declarations are validated.
	err       *Error
	constants *checker

	types []compType
	canon []uint32 // for each type index, the first one of an equal type

	// The index spaces, imports first. Types are canonical.
	funcs    []uint32 // type index
	tables   []tableSpec
	memories []vt // address type
	memory0  vt   // that of the first memory, bottom if there is none
	globals  []globalSpec
	tags     []uint32 // type index
	elems    []vt     // element type

	refs []uint64 // the functions that ref.func may name in a body, a set
	scan scanner  // with the counts of all spaces; copied, not used
}

type tableSpec struct{ elem, address vt }

type globalSpec struct {
	t       vt
	mutable bool
}

// Validate checks that m is valid (spec: valid/modules.html): that types match
// everywhere, in declarations and in each instruction of each body. It covers
// what Decode accepts: WebAssembly 3.0, threads, wide arithmetic, custom page
// sizes and legacy exceptions. An atomic access does not need a shared memory.
//
// Decode has checked already that m is well-formed and that indices are within
// their spaces. Validate does not rely on it: m may come from DecodeNoScan or
// may have been built. Errors are *Error; for code, with the offset of the
// instruction and the index of its function.
//
// Where a message names a type by its index, it is the first of the types that
// are equal to it.
//
// Beyond the specification it has the limits that engines share: 1,000
// parameters and results, 10,000 fields, 63 levels of subtypes, MaxLocals.
func Validate(m *Module) error {
	v, err := ValidateDecls(m)
	if err != nil {
		return err
	}
	return v.ValidateBodies(0, len(m.Code))
}

// ValidateDecls is Validate without the function bodies, for validating these
// in parallel:
//
//	v, err := wasm.ValidateDecls(m)
//	// in any number of goroutines:
//	err = v.ValidateBodies(lo, hi)
//
// The module must not change until that is done.
func ValidateDecls(m *Module) (*Validation, error) {
	v := &Validation{m: m, scan: *m.newScanner("")}
	v.constants = v.newChecker()
	v.constants.constant = true
	defer func() {
		v.constants.free()
		v.constants = nil
	}()
	for _, step := range []func(){
		v.defineTypes, v.defineImports, v.defineFuncs, v.defineTables, v.defineMemories,
		v.defineTags, v.defineGlobals, v.checkExports, v.checkStart, v.defineElems, v.checkDatas,
	} {
		if step(); v.err != nil {
			return nil, v.err
		}
	}
	return v, nil
}

// ValidateBodies validates the bodies [lo, hi) of the module's code and
// returns the first failure. Calls may run at the same time.
func (v *Validation) ValidateBodies(lo, hi int) error {
	c := v.newChecker()
	defer c.free()
	for i := lo; i < hi; i++ {
		if err := c.body(i); err != nil {
			return err
		}
	}
	return nil
}

// fail records a failure of a declaration; off is negative when it is not
// known.
func (v *Validation) fail(section SectionID, off int64, format string, args ...any) {
	if v.err == nil {
		v.err = &Error{Input: v.m.Input, Section: section.String(), Offset: off, Msg: fmt.Sprintf(format, args...)}
	}
}

// funcTypeOf is the canonical index of t, which must be a function type.
func (v *Validation) funcTypeOf(t uint32, section SectionID, off int64, what string, index int) uint32 {
	switch {
	case uint64(t) >= uint64(len(v.types)):
		v.fail(section, off, "%s %d: unknown type %d (there are %d)", what, index, t, len(v.types))
		return 0
	case v.types[t].kind != CompFunc:
		v.fail(section, off, "%s %d: type %d is not a function type", what, index, t)
	}
	return v.canon[t]
}

// locate gives the error, unless it has a position, that of item i of the
// section in the input; skip reads an item. Declarations keep no positions of
// their own: only errors would use them.
func (v *Validation) locate(section SectionID, i int, skip func(r *Reader, i int)) {
	r := v.m.sectionReader(section)
	if r == nil || v.err.Offset >= 0 {
		return
	}
	for j := range r.Vec(1) {
		if j == i && r.err == nil {
			v.err.Offset = r.Offset()
		}
		skip(r, j)
	}
}

// sectionReader is a reader over the content of a section of the input, nil
// when there is none.
func (m *Module) sectionReader(id SectionID) *Reader {
	b := m.Bytes
	for p := preambleLen; p < len(b); {
		size, next := lebU32(b, p+1)
		if next < 0 || int64(size) > int64(len(b)-next) {
			return nil
		}
		if SectionID(b[p]) == id {
			return NewReader(m.Input, id.String(), b[next:next+int(size)], int64(next))
		}
		p = next + int(size)
	}
	return nil
}

func (v *Validation) defineImports() {
	m := v.m
	v.funcs = make([]uint32, 0, m.Count(SpaceFunc))
	v.tables = make([]tableSpec, 0, m.Count(SpaceTable))
	v.memories = make([]vt, 0, m.Count(SpaceMemory))
	v.globals = make([]globalSpec, 0, m.Count(SpaceGlobal))
	v.tags = make([]uint32, 0, m.Count(SpaceTag))
	var counts [SpaceElem + 1]uint32
	for i := range m.Imports {
		imp := &m.Imports[i]
		off := int64(imp.Off)
		space := imp.Kind.Space()
		counts[space]++
		switch imp.Kind {
		case ExternFunc:
			v.funcs = append(v.funcs, v.funcTypeOf(imp.TypeIndex, SectionImport, off, "import", i))
		case ExternTable:
			v.addTable(imp.Table, SectionImport, off, "import", i)
		case ExternMemory:
			v.addMemory(imp.Memory, SectionImport, off, "import", i)
		case ExternGlobal:
			v.addGlobal(imp.Global, SectionImport, off, "import", i)
		case ExternTag:
			v.addTag(imp.TypeIndex, SectionImport, off, "import", i)
		default:
			v.fail(SectionImport, off, "import %d: malformed import kind 0x%02x", i, uint8(imp.Kind))
		}
		if v.err != nil {
			return
		}
	}
	// Modules that were built count their imports themselves; every index
	// depends on it.
	for space, n := range counts {
		if n != m.NumImported[space] {
			v.fail(SectionImport, -1, "%d imports of the kind %v, counted as %d", n, Space(space), m.NumImported[space])
		}
	}
}

func (v *Validation) addTable(t TableType, section SectionID, off int64, what string, index int) {
	spec := tableSpec{elem: v.checkVT(t.Elem, section, off, what, index), address: addressType(t.Limits)}
	if v.err == nil && !spec.elem.isRef() {
		v.fail(section, off, "%s %d: a table of %v", what, index, spec.elem)
	}
	v.checkLimits(t.Limits, math.MaxUint32, math.MaxUint64, "entries", section, off, what, index)
	v.tables = append(v.tables, spec)
}

func (v *Validation) addMemory(t MemType, section SectionID, off int64, what string, index int) {
	switch {
	case t.Shared && !t.HasMax:
		v.fail(section, off, "%s %d: shared memory must have a maximum", what, index)
	case t.HasPageSize && t.PageLog2 != 0 && t.PageLog2 != 16:
		v.fail(section, off, "%s %d: invalid custom page size 2^%d (want 2^0 or 2^16)", what, index, t.PageLog2)
	default:
		most := t.maxPages()
		v.checkLimits(t.Limits, most, most, "pages", section, off, what, index)
	}
	v.memories = append(v.memories, addressType(t.Limits))
	v.memory0 = v.memories[0]
}

// checkLimits checks l against the most that 32-bit and 64-bit indices allow
// (spec: valid/types.html#limits).
func (v *Validation) checkLimits(l Limits, most32, most64 uint64, unit string, section SectionID, off int64, what string, index int) {
	most := most32
	if l.Is64 {
		most = most64
	}
	switch {
	case l.HasMax && l.Min > l.Max:
		v.fail(section, off, "%s %d: size minimum %d must not be greater than maximum %d", what, index, l.Min, l.Max)
	case l.Min > most || l.HasMax && l.Max > most:
		v.fail(section, off, "%s %d: size must be at most %d %s", what, index, most, unit)
	}
}

func addressType(l Limits) vt {
	if l.Is64 {
		return vtI64
	}
	return vtI32
}

func (v *Validation) addGlobal(t GlobalType, section SectionID, off int64, what string, index int) {
	if t.Shared {
		v.fail(section, off, "%s %d: shared globals are not supported", what, index)
	}
	v.globals = append(v.globals, globalSpec{t: v.checkVT(t.Type, section, off, what, index), mutable: t.Mutable})
}

// addTag adds a tag (spec: valid/types.html#tag-types).
func (v *Validation) addTag(t uint32, section SectionID, off int64, what string, index int) {
	t = v.funcTypeOf(t, section, off, what, index)
	if v.err == nil && len(v.types[t].results) > 0 {
		v.fail(section, off, "%s %d: non-empty tag result type: type %d", what, index, t)
	}
	v.tags = append(v.tags, t)
}

func (v *Validation) defineFuncs() {
	for i, t := range v.m.Funcs {
		v.funcs = append(v.funcs, v.funcTypeOf(t, SectionFunction, -1, "function", len(v.funcs)))
		if v.err != nil {
			v.locate(SectionFunction, i, func(r *Reader, _ int) { r.U32() })
			return
		}
	}
	if len(v.m.Code) != len(v.m.Funcs) {
		v.fail(SectionFunction, -1, "function and code section have inconsistent lengths: %d functions, %d bodies", len(v.m.Funcs), len(v.m.Code))
	}
	v.refs = make([]uint64, (len(v.funcs)+63)/64)
}

func (v *Validation) defineTables() {
	m := v.m
	imported := len(v.globals)
	for i := range m.Tables {
		t := &m.Tables[i]
		index := len(v.tables)
		v.addTable(t.TableType, SectionTable, -1, "table", index)
		switch elem := v.tables[index].elem; {
		case t.Init != nil:
			v.constant(t.Init, elem, imported, SectionTable, "table", index)
		case !elem.defaultable():
			v.fail(SectionTable, -1, "type mismatch: table %d needs an initialiser, %v has no default value", index, elem)
		}
		if v.err != nil {
			v.locate(SectionTable, i, m.skipTable)
			return
		}
	}
}

// skipTable reads table i as the table section has it.
func (m *Module) skipTable(r *Reader, i int) {
	init := m.Tables[i].Init
	if init != nil {
		r.Bytes(2)
	}
	r.TableType()
	if init != nil {
		r.Bytes(len(init.Bytes))
	}
}

func (v *Validation) defineMemories() {
	for i, t := range v.m.Memories {
		v.addMemory(t, SectionMemory, -1, "memory", len(v.memories))
		if v.err != nil {
			v.locate(SectionMemory, i, func(r *Reader, _ int) { r.MemType() })
			return
		}
	}
}

func (v *Validation) defineTags() {
	for i, t := range v.m.Tags {
		v.addTag(t, SectionTag, -1, "tag", len(v.tags))
		if v.err != nil {
			v.locate(SectionTag, i, func(r *Reader, _ int) { r.tagType() })
			return
		}
	}
}

func (v *Validation) defineGlobals() {
	for i := range v.m.Globals {
		g := &v.m.Globals[i]
		index := len(v.globals)
		off := int64(g.Init.Off)
		v.addGlobal(g.GlobalType, SectionGlobal, off, "global", index)
		if v.err != nil {
			return
		}
		// Each initialiser sees the globals before its own.
		v.constant(&g.Init, v.globals[index].t, index, SectionGlobal, "global", index)
		if v.err != nil {
			return
		}
	}
}

func (v *Validation) checkExports() {
	m := v.m
	seen := make(map[string]struct{}, len(m.Exports))
	for i := range m.Exports {
		e := &m.Exports[i]
		space := e.Kind.Space()
		if n := m.Count(space); e.Index >= n {
			v.fail(SectionExport, int64(e.Off), "unknown %v %d (there are %d), exported as %q", e.Kind, e.Index, n, e.Name)
			return
		}
		if _, dup := seen[e.Name]; dup {
			v.fail(SectionExport, int64(e.Off), "duplicate export name %q", e.Name)
			return
		}
		seen[e.Name] = struct{}{}
		if e.Kind == ExternFunc {
			v.declareRef(e.Index)
		}
	}
}

func (v *Validation) checkStart() {
	if !v.m.HasStart {
		return
	}
	off := int64(-1)
	if r := v.m.sectionReader(SectionStart); r != nil {
		off = r.Offset()
	}
	f := v.m.Start
	if uint64(f) >= uint64(len(v.funcs)) {
		v.fail(SectionStart, off, "unknown function %d (there are %d)", f, len(v.funcs))
		return
	}
	if t := &v.types[v.funcs[f]]; len(t.params) > 0 || len(t.results) > 0 {
		v.fail(SectionStart, off, "start function: function %d has parameters or results", f)
	}
}

// defineElems validates the element segments (spec:
// valid/modules.html#element-segments).
func (v *Validation) defineElems() {
	m := v.m
	v.elems = make([]vt, 0, len(m.Elems))
	globals := len(v.globals)
	for i := range m.Elems {
		e := &m.Elems[i]
		off := int64(e.Off)
		t := v.checkVT(e.Type, SectionElement, off, "element segment", i)
		if v.err == nil && !t.isRef() {
			v.fail(SectionElement, off, "element segment %d: elements of type %v", i, t)
		}
		for _, f := range e.Funcs {
			if uint64(f) >= uint64(len(v.funcs)) {
				v.fail(SectionElement, off, "element segment %d: unknown function %d (there are %d)", i, f, len(v.funcs))
				return
			}
			v.declareRef(f)
		}
		if len(e.Funcs) > 0 && v.err == nil && !v.sub(vtRef(false, HeapFunc), t) {
			v.fail(SectionElement, off, "type mismatch: element segment %d: functions for elements of type %v", i, t)
		}
		for j := range e.Exprs {
			if v.constant(&e.Exprs[j], t, globals, SectionElement, "element segment", i); v.err != nil {
				return
			}
		}
		if e.Mode == SegmentActive {
			if uint64(e.Table) >= uint64(len(v.tables)) {
				v.fail(SectionElement, off, "element segment %d: unknown table %d (there are %d)", i, e.Table, len(v.tables))
				return
			}
			table := v.tables[e.Table]
			if !v.sub(t, table.elem) {
				v.fail(SectionElement, off, "type mismatch: element segment %d: elements of type %v in a table of %v", i, t, table.elem)
			}
			v.constant(&e.Offset, table.address, globals, SectionElement, "element segment", i)
		}
		if v.err != nil {
			return
		}
		v.elems = append(v.elems, t)
	}
}

func (v *Validation) checkDatas() {
	m := v.m
	for i := range m.Datas {
		d := &m.Datas[i]
		if d.Mode != SegmentActive {
			continue
		}
		if uint64(d.Memory) >= uint64(len(v.memories)) {
			v.fail(SectionData, int64(d.Off), "data segment %d: unknown memory %d (there are %d)", i, d.Memory, len(v.memories))
			return
		}
		if v.constant(d.OffsetExpr(), v.memories[d.Memory], len(v.globals), SectionData, "data segment", i); v.err != nil {
			return
		}
	}
	if m.HasDataCount && uint64(m.DataCount) != uint64(len(m.Datas)) {
		v.fail(SectionDataCount, -1, "data count and data section have inconsistent lengths: %d declared, %d present", m.DataCount, len(m.Datas))
	}
}

// constant validates a constant expression that must give a value of type
// want and may name the first globals only (spec:
// valid/instructions.html#constant-expressions).
func (v *Validation) constant(x *Expr, want vt, globals int, section SectionID, what string, index int) {
	if v.err != nil {
		return
	}
	c := v.constants
	c.scan.section, c.scan.globals = section.String(), uint32(globals)
	c.start(x.Bytes, x.Off, what, index)
	c.single = append(c.single, want)
	c.pushFrame(OpBlock, nil, c.single[:1:1])
	p := 0
	for p >= 0 && len(c.ctrls) > 0 {
		p = c.step(p)
	}
	if c.err == nil && p != len(x.Bytes) {
		c.at = p
		c.fail("%d bytes after the end of the constant expression", len(x.Bytes)-p)
	}
	v.err = c.err
}

// declareRef adds f to the functions that bodies may refer to (C.refs of the
// specification: those that occur outside of bodies and the start section).
func (v *Validation) declareRef(f uint32) { v.refs[f/64] |= 1 << (f % 64) }

func (v *Validation) refDeclared(f uint32) bool { return v.refs[f/64]&(1<<(f%64)) != 0 }
