package shake

import (
	"slices"

	"github.com/wbundle/wbundle/graph"
	"github.com/wbundle/wbundle/internal/wasm"
)

// Functions in tables.
//
// What an indirect call may call is known from two things: the table, and the
// type that the call asks for. A function that is referenced from slots only is
// live when a reached call_indirect or return_call_indirect names its table and
// a type that it matches:
//
//	(table $t funcref (elem $f $g))      ;; $f: [] -> [], $g: [i32] -> []
//	(call_indirect $t (type $void) …)    ;; keeps $f, not $g
//
// This is safe because of what the call does otherwise: it traps, on an empty
// slot as on a function of another type, and traps are not told apart. So a slot
// that no reached call can get anything but a trap from may as well be empty
// (Live.Hit); linker/pack.go writes it.
//
// It holds for tables whose slots nothing else looks at. Everything that is in a
// table is live, whatever calls there are, when
//   - the host has the table, or it is exported: the host sees what is in it;
//   - table.get reads it: the reference may be compared with null, called,
//     stored, or given away;
//   - its type has no place for null, or is not of functions.
//
// So is a function of the host in a slot, where its type may have subtypes: the
// host's function may be of one, and a call may ask for that.
//
// table.copy makes the calls on the destination calls on the source. What
// table.init writes comes from a passive segment, which is a source of slots like
// an active one, and array.new_elem and array.init_elem make values of all of a
// segment. What table.set, table.fill and table.grow write was a value before:
// the ref.func that made it is in live code, and keeps the function.
//
// It ends because a table learns each type of call once, and each slot is looked
// at once when its segment becomes live and once when its type is first called.
// It gives up on which slot a call means, and on what overwrites what.

// tableUse is what reached code does with a table.
type tableUse struct {
	// escaped says that everything in the table is live; by is the function
	// that reads it, 0 for the host.
	escaped bool
	by      graph.FuncID
	// calls are the types of the calls, with the first to make each.
	calls map[graph.TypeID]graph.FuncID
	types []graph.TypeID // of calls, in the order of their coming
	// waiting are the slots that no call has hit, by the types of their
	// functions.
	waiting []waitingSlots
	byType  map[graph.TypeID]int
	// from are the tables that are copied into this one.
	from []graph.TableID
	// taken, where it is not nil, knows the functions whose addresses are taken
	// (symbols.go): the others are in no slot that a call can ask for.
	taken *symbolUse
}

type waitingSlots struct {
	typ   graph.TypeID
	slots []waitingSlot
}

type waitingSlot struct {
	elem  graph.ElemID
	index uint32
	fn    graph.FuncID
}

// elemUse is what reached code does with an element segment.
type elemUse struct {
	named   bool            // by an instruction
	escaped bool            // its elements become values
	tables  []graph.TableID // that it fills
}

// slotUse is a slot that keeps its function.
type slotUse struct {
	index  uint32
	caller graph.FuncID
}

// Slot tells which slot keeps a function that is live because of an indirect
// call: the element segment, the index in it, and the function whose
// call_indirect (or table.get) reaches the slot; caller is 0 where the host
// does. ok is false for a function that something else reached first.
func (l *Live) Slot(fn graph.FuncID) (elem graph.ElemID, index uint32, caller graph.FuncID, ok bool) {
	s, ok := l.slots[l.p.Resolve(fn)]
	if !ok {
		return 0, 0, 0, false
	}
	return graph.ElemID(l.parents[wasm.SpaceFunc][l.p.Resolve(fn)].ID), s.index, s.caller, true
}

// Hit reports whether reached code may get a function from a slot of a live
// element segment: by a call of its type on a table that the segment fills, or
// as a value. Any other slot may be empty or hold something else that no such
// call accepts.
func (l *Live) Hit(e graph.ElemID, fn graph.FuncID) bool {
	u := &l.elems[e]
	fn = l.p.Resolve(fn)
	if u.escaped {
		return true
	}
	typ := l.p.Funcs[fn].Type
	for _, t := range u.tables {
		if use := l.tables[t]; use.taken != nil && !use.escaped && !use.taken.taken[fn] {
			continue
		}
		if anyType(l.p, fn) {
			return true
		}
		if _, ok := l.tables[t].caller(l.p, typ); ok {
			return true
		}
	}
	return false
}

// ElemEscapes reports whether others than calls see what is in a segment, so
// that a function in it must not turn into null, nor null into a function.
func (l *Live) ElemEscapes(e graph.ElemID) bool {
	u := &l.elems[e]
	return u.escaped || slices.ContainsFunc(u.tables, l.Escapes)
}

// Escapes reports whether everything in a table is live, null included: its
// slots are seen by others than calls.
func (l *Live) Escapes(t graph.TableID) bool { return l.tables[t] != nil && l.tables[t].escaped }

// Caller returns the function that first reaches, through a table, a function
// of a type; ok is false when nothing does. It is 0 for the host.
func (l *Live) Caller(t graph.TableID, typ graph.TypeID) (caller graph.FuncID, ok bool) {
	if l.tables[t] == nil {
		return 0, false
	}
	return l.tables[t].caller(l.p, typ)
}

// Void reports whether an instruction names a data or element segment that is
// empty by the time code runs, or of which nothing but its end is asked: an
// empty passive segment does in its place.
func (l *Live) Void(s wasm.Space, id uint32) bool {
	switch s {
	case wasm.SpaceData:
		d := &l.p.Datas[id]
		return l.datas[id] && (!l.Has(s, id) || d.Active && !d.Deferred)
	case wasm.SpaceElem:
		e := &l.p.Elems[id]
		return l.elems[id].named && (!l.Has(s, id) || e.Active && !e.Deferred)
	}
	return false
}

func (t *tableUse) caller(p *graph.Program, typ graph.TypeID) (graph.FuncID, bool) {
	if t.escaped {
		return t.by, true
	}
	for {
		if fn, ok := t.calls[typ]; ok {
			return fn, true
		}
		supers := p.Types.At(typ).Supers
		if len(supers) == 0 {
			return 0, false
		}
		typ = graph.TypeID(supers[0])
	}
}

// anyType reports whether a function may have more types than the program says.
func anyType(p *graph.Program, fn graph.FuncID) bool {
	f := &p.Funcs[fn]
	return f.Kind == graph.FuncImport && !p.Types.At(f.Type).Final
}

// table returns the state of a table that is live or about to be.
func (m *marker) table(id graph.TableID) *tableUse {
	t := m.live.tables[id]
	if t == nil {
		t = &tableUse{calls: map[graph.TypeID]graph.FuncID{}, byType: map[graph.TypeID]int{}}
		m.live.tables[id] = t
	}
	return t
}

// openTable decides, when a table becomes live, whether its slots are more than
// what calls make of them.
func (m *marker) openTable(id graph.TableID) {
	t := &m.p.Tables[id]
	function := t.Type.Elem.Heap == wasm.HeapFunc
	if h := t.Type.Elem.Heap; h >= 0 {
		typ := graph.TypeID(h)
		if t.Inst != 0 {
			typ = m.p.ModuleOf(m.p.Instances[t.Inst]).Types[h]
		}
		function = m.p.Types.At(typ).Kind == wasm.CompFunc
	}
	if m.coarse || t.Import != nil || !t.Type.Elem.Nullable || !function {
		m.escape(id, 0)
	}
}

// escape makes everything in a table live.
func (m *marker) escape(id graph.TableID, by graph.FuncID) {
	t := m.table(id)
	if t.escaped {
		return
	}
	t.escaped, t.by = true, by
	for _, w := range t.waiting {
		m.hit(w.slots, by)
	}
	t.waiting = nil
	if t.taken != nil {
		m.hit(t.taken.slots, by)
	}
	for _, from := range t.from {
		m.escape(from, by)
	}
}

// call notes a call of a type.
func (m *marker) call(id graph.TableID, typ graph.TypeID, by graph.FuncID) {
	t := m.table(id)
	if _, known := t.calls[typ]; t.escaped || known {
		return
	}
	t.calls[typ] = by
	t.types = append(t.types, typ)
	for i := range t.waiting {
		if w := &t.waiting[i]; len(w.slots) > 0 && m.p.Types.Subtype(w.typ, typ) {
			m.hit(w.slots, by)
			w.slots = nil
		}
	}
	for _, from := range t.from {
		m.call(from, typ, by)
	}
}

// hit marks the functions of slots.
func (m *marker) hit(slots []waitingSlot, by graph.FuncID) {
	for _, s := range slots {
		if !m.live.Func(s.fn) {
			m.live.slots[s.fn] = slotUse{s.index, by}
			m.mark(wasm.SpaceFunc, uint32(s.fn), Item{wasm.SpaceElem, uint32(s.elem)})
		}
	}
}

// tableSite notes what the instruction does whose last site, of a table, ends
// sites.
func (m *marker) tableSite(sites []wasm.Site, inst *graph.Instance, id graph.TableID, it Item) {
	last := len(sites) - 1
	by := graph.FuncID(it.ID)
	switch sites[last].Op {
	case wasm.OpCallIndirect, wasm.OpReturnCallIndirect:
		typ := graph.TypeID(sites[last-1].Target)
		if inst != nil {
			typ = m.p.ModuleOf(inst).Types[sites[last-1].Target]
		}
		m.call(id, typ, by)
	case wasm.OpTableGet:
		m.escape(id, by)
	case wasm.OpTableCopy:
		// Two sites: the destination, then the source, which is where the
		// instruction is understood.
		if last == 0 || sites[last-1].Op != wasm.OpTableCopy || sites[last].Off != sites[last-1].Off+uint32(sites[last-1].Len) {
			return
		}
		to := graph.TableID(sites[last-1].Target)
		if inst != nil {
			to = inst.Tables[sites[last-1].Target]
		}
		m.copied(to, id)
	case wasm.OpTableInit:
		elem := graph.ElemID(sites[last-1].Target)
		if inst != nil {
			elem = inst.Elems[sites[last-1].Target]
		}
		if e := &m.p.Elems[elem]; !e.Active || e.Deferred {
			m.fill(id, elem)
		}
	case wasm.OpTableSet, wasm.OpTableGrow, wasm.OpTableSize, wasm.OpTableFill:
	default:
		panic("shake: an instruction on a table that nobody classified")
	}
}

// copied notes that a table is copied into another.
func (m *marker) copied(to, from graph.TableID) {
	if taken := m.table(from).taken; taken != nil {
		m.takeAll(taken)
	}
	t := m.table(to)
	if to == from || slices.Contains(t.from, from) {
		return
	}
	t.from = append(t.from, from)
	if t.escaped {
		m.escape(from, t.by)
	}
	for _, typ := range t.types {
		m.call(from, typ, t.calls[typ])
	}
}

// elemSite notes that an instruction names an element segment, as dataSite does
// for data.
func (m *marker) elemSite(id graph.ElemID, op wasm.Opcode, it Item) {
	m.live.elems[id].named = true
	if e := &m.p.Elems[id]; op == wasm.OpElemDrop || e.Active && !e.Deferred {
		if op != wasm.OpElemDrop {
			// The empty segment in its place has its type.
			inst := m.p.Instances[e.Inst]
			m.val(m.p.ModuleOf(inst).Code.Elems[e.Index].Type, inst, it)
		}
		return
	}
	m.mark(wasm.SpaceElem, uint32(id), it)
	if op == wasm.OpArrayNewElem || op == wasm.OpArrayInitElem {
		m.elemEscape(id, graph.FuncID(it.ID))
	}
}

// elem marks what a live segment needs; its slots are the tables' affair.
func (m *marker) elem(id graph.ElemID, it Item) {
	e := &m.p.Elems[id]
	inst := m.p.Instances[e.Inst]
	seg := &m.p.ModuleOf(inst).Code.Elems[e.Index]
	m.val(seg.Type, inst, it)
	for i := range seg.Exprs {
		if x := &seg.Exprs[i]; !isRefFunc(x) {
			m.sites(x.Sites, inst, it)
		}
	}
	if e.Active && !e.Deferred {
		m.mark(wasm.SpaceTable, uint32(e.Table), it)
		if !e.Offset.Known {
			m.sites(seg.Offset.Sites, inst, it)
		}
		m.fill(e.Table, id)
	}
	if m.coarse || !seg.Type.Nullable && seg.UsesExprs {
		// Null has no place in it.
		m.elemEscape(id, 0)
	}
}

// fill notes that a segment fills a table.
func (m *marker) fill(id graph.TableID, elem graph.ElemID) {
	u := &m.live.elems[elem]
	if slices.Contains(u.tables, id) {
		return
	}
	u.tables = append(u.tables, id)
	t := m.table(id)
	m.eachSlot(elem, func(s waitingSlot) {
		if taken := t.taken; taken != nil && !t.escaped && !taken.taken[s.fn] {
			taken.waiting[s.fn] = append(taken.waiting[s.fn], len(taken.slots))
			taken.slots = append(taken.slots, s)
			return
		}
		m.place(id, s)
	})
}

// place notes that a table has a slot that a call can ask for.
func (m *marker) place(id graph.TableID, s waitingSlot) {
	if m.live.Func(s.fn) {
		return
	}
	t := m.table(id)
	typ := m.p.Funcs[s.fn].Type
	if by, ok := t.caller(m.p, typ); ok || anyType(m.p, s.fn) {
		m.hit([]waitingSlot{s}, by)
		return
	}
	i, ok := t.byType[typ]
	if !ok {
		i = len(t.waiting)
		t.byType[typ] = i
		t.waiting = append(t.waiting, waitingSlots{typ: typ})
	}
	t.waiting[i].slots = append(t.waiting[i].slots, s)
}

// elemEscape makes all of a segment live.
func (m *marker) elemEscape(id graph.ElemID, by graph.FuncID) {
	u := &m.live.elems[id]
	if u.escaped {
		return
	}
	u.escaped = true
	m.eachSlot(id, func(s waitingSlot) { m.hit([]waitingSlot{s}, by) })
}

// eachSlot calls f with the slots of a segment that name functions.
func (m *marker) eachSlot(id graph.ElemID, f func(waitingSlot)) {
	e := &m.p.Elems[id]
	inst := m.p.Instances[e.Inst]
	seg := &m.p.ModuleOf(inst).Code.Elems[e.Index]
	for i, fn := range seg.Funcs {
		f(waitingSlot{id, uint32(i), m.p.Resolve(inst.Funcs[fn])})
	}
	for i := range seg.Exprs {
		if x := &seg.Exprs[i]; isRefFunc(x) {
			f(waitingSlot{id, uint32(i), m.p.Resolve(inst.Funcs[x.Sites[0].Target])})
		}
	}
}

// isRefFunc recognises a constant expression that is one ref.func.
func isRefFunc(x *wasm.Expr) bool {
	return len(x.Sites) == 1 && x.Sites[0].Op == wasm.OpRefFunc && x.Sites[0].Off == 1 && int(1+x.Sites[0].Len)+1 == len(x.Bytes)
}
