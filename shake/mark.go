// Package shake finds what a bundle needs: everything its roots reach.
package shake

import (
	"github.com/wbundle/wbundle/graph"
	"github.com/wbundle/wbundle/internal/component"
	"github.com/wbundle/wbundle/internal/wasm"
)

// Item is one item of the program: an index space and an id of it.
type Item struct {
	Space wasm.Space
	ID    uint32
}

// Live is the outcome of marking. For each space it holds, by id, the item
// that first reached it; Root for roots. The zero Item means not live.
type Live struct {
	p       *graph.Program
	parents [wasm.SpaceElem + 1][]Item
	// uses counts the mentions of each item in live code, types and segments.
	uses [wasm.SpaceElem + 1][]uint32
	// slots says, for a function whose parent is an element segment, which slot
	// of it.
	slots  map[graph.FuncID]slotUse
	tables []*tableUse // by TableID; nil for a table that is not live
	elems  []elemUse   // by ElemID
	datas  []bool      // by DataID: named by an instruction
	// symbols is what relocations tell of instances, see symbols.go; nil where no
	// module has any.
	symbols []*symbolUse
}

// Root is the parent of an item that is kept for its own sake.
var Root = Item{Space: 0xff}

// Has reports whether an item is live. An item that was added to the program
// after marking is not.
func (l *Live) Has(s wasm.Space, id uint32) bool {
	return int(id) < len(l.parents[s]) && l.parents[s][id].Space != wasm.SpaceNone
}

// Func reports whether a function is live.
func (l *Live) Func(id graph.FuncID) bool { return l.Has(wasm.SpaceFunc, uint32(id)) }

// Memory reports whether a memory is live.
func (l *Live) Memory(id graph.MemoryID) bool { return l.Has(wasm.SpaceMemory, uint32(id)) }

// Parent returns who kept an item, Root for a root. The parent of a function
// that is live because an indirect call may find it is the element segment with
// its slot; Slot tells the slot and the caller.
func (l *Live) Parent(it Item) Item { return l.parents[it.Space][it.ID] }

// Uses returns how often live code, types and initialisers mention an item;
// slots of element segments are not counted.
func (l *Live) Uses(s wasm.Space, id uint32) int {
	if int(id) < len(l.uses[s]) {
		return int(l.uses[s][id])
	}
	return 0
}

// Count returns how many items of a space are live.
func (l *Live) Count(s wasm.Space) int {
	n := 0
	for _, p := range l.parents[s] {
		if p.Space != wasm.SpaceNone {
			n++
		}
	}
	return n
}

// marker is the state of one run: a search over sites. Indirect calls are the
// part that is not a plain search, see table.go.
type marker struct {
	p    *graph.Program
	live *Live
	work []Item
	// coarse says that a live table keeps all that is in it, whatever its
	// calls look like.
	coarse bool
	// dataOf and elemsOf list the active segments by memory and table: a live
	// memory keeps its active data, a live table its active elements.
	dataOf  map[graph.MemoryID][]graph.DataID
	elemsOf map[graph.TableID][]graph.ElemID
	symbols []*symbolUse // by InstanceID, see symbols.go
	scanner wasm.SiteScanner
}

// Mark marks what the program's exports and start function reach: functions,
// globals, tables, memories, segments, types, tags. A slot of a table keeps its
// function only where an indirect call that is reached may find it (table.go).
// An active segment that others can tell from none is live in itself: it fills a
// memory or table of the host, or its offset, a global of the host, may be out
// of bounds. A segment that instructions only drop is not live, nor is an active
// one that they name: it is empty by then (Live.Void). A canonical built-in that
// has no body yet reaches what its body will use.
//
// Mark does not change the program; it may run before the adapters exist, to
// tell which of them are needed, and again after. Adapters call nothing
// indirectly, so what a later run finds live, an earlier one did.
//
// Before there is a start function, its roots may be given apart.
func Mark(p *graph.Program, roots ...graph.FuncID) *Live { return newMarker(p).from(roots) }

// Coarse marks as Mark does, except that it keeps everything in a live table. It
// is what the gain of looking at calls is measured by.
func Coarse(p *graph.Program) *Live {
	m := newMarker(p)
	m.coarse = true
	return m.from(nil)
}

// from marks from the exports, the start function and the roots that are given.
func (m *marker) from(roots []graph.FuncID) *Live {
	if !m.coarse {
		m.openSymbols()
	}
	for _, fn := range roots {
		m.mark(wasm.SpaceFunc, uint32(fn), Root)
	}
	m.exports()
	if m.p.Start != 0 {
		m.mark(wasm.SpaceFunc, uint32(m.p.Start), Root)
	}
	return m.run()
}

// All marks the whole program, reached or not: what there would be without
// marking, to measure by. Only built-ins without a body, which nothing reached
// when bodies were made, are left out; what calls one has to do without it.
func All(p *graph.Program) *Live {
	m := newMarker(p)
	m.coarse = true
	for id := 1; id < len(p.Funcs); id++ {
		if f := &p.Funcs[id]; f.Kind == graph.FuncDefined || f.Kind == graph.FuncGenerated && graph.FuncID(id) != p.Trap {
			m.mark(wasm.SpaceFunc, uint32(id), Root)
		}
	}
	for id := 1; id < len(p.Globals); id++ {
		m.mark(wasm.SpaceGlobal, uint32(id), Root)
	}
	for id := 1; id < len(p.Tables); id++ {
		m.mark(wasm.SpaceTable, uint32(id), Root)
	}
	for id := 1; id < len(p.Memories); id++ {
		m.mark(wasm.SpaceMemory, uint32(id), Root)
	}
	for id := 1; id < len(p.Datas); id++ {
		m.mark(wasm.SpaceData, uint32(id), Root)
	}
	for _, inst := range p.Instances[1:] {
		for i, id := range inst.Elems {
			if p.ModuleOf(inst).Code.Elems[i].Mode != wasm.SegmentDeclarative {
				m.mark(wasm.SpaceElem, uint32(id), Root)
			}
		}
		for _, t := range p.ModuleOf(inst).Types {
			m.mark(wasm.SpaceType, uint32(t), Root)
		}
	}
	m.exports()
	return m.run()
}

// Reach marks what a call of a function may reach, and nothing else. What other
// code has put into tables is not known here, so a table that is reached keeps
// all that its segments put there.
func Reach(p *graph.Program, fn graph.FuncID) *Live {
	m := newMarker(p)
	m.coarse = true
	m.mark(wasm.SpaceFunc, uint32(fn), Root)
	return m.run()
}

// exports marks the exports. The host may read, call and write what is in a
// table that it gets.
func (m *marker) exports() {
	for _, e := range m.p.Exports {
		m.mark(ExternSpace(e.Kind), e.ID, Root)
		if e.Kind == wasm.ExternTable {
			m.escape(graph.TableID(e.ID), 0)
		}
	}
}

func newMarker(p *graph.Program) *marker {
	m := &marker{
		p: p, dataOf: map[graph.MemoryID][]graph.DataID{}, elemsOf: map[graph.TableID][]graph.ElemID{},
		live: &Live{
			p: p, slots: map[graph.FuncID]slotUse{}, tables: make([]*tableUse, len(p.Tables)),
			elems: make([]elemUse, len(p.Elems)), datas: make([]bool, len(p.Datas)),
		},
	}
	for space, n := range map[wasm.Space]int{
		wasm.SpaceType: p.Types.Len(), wasm.SpaceFunc: len(p.Funcs), wasm.SpaceTable: len(p.Tables),
		wasm.SpaceMemory: len(p.Memories), wasm.SpaceGlobal: len(p.Globals), wasm.SpaceTag: len(p.Tags),
		wasm.SpaceData: len(p.Datas), wasm.SpaceElem: len(p.Elems),
	} {
		m.live.parents[space] = make([]Item, n)
		m.live.uses[space] = make([]uint32, n)
	}
	for id := 1; id < len(p.Datas); id++ {
		d := &p.Datas[id]
		if !d.Active || d.Deferred {
			continue
		}
		m.dataOf[d.Memory] = append(m.dataOf[d.Memory], graph.DataID(id))
		if !d.Offset.Known || p.Memories[d.Memory].Import != nil {
			m.mark(wasm.SpaceData, uint32(id), Root)
		}
	}
	for id := 1; id < len(p.Elems); id++ {
		e := &p.Elems[id]
		if !e.Active || e.Deferred {
			continue
		}
		m.elemsOf[e.Table] = append(m.elemsOf[e.Table], graph.ElemID(id))
		if !e.Offset.Known || p.Tables[e.Table].Import != nil {
			m.mark(wasm.SpaceElem, uint32(id), Root)
		}
	}
	return m
}

// run marks until nothing new is reached.
func (m *marker) run() *Live {
	for len(m.work) > 0 {
		it := m.work[len(m.work)-1]
		m.work = m.work[:len(m.work)-1]
		m.visit(it)
	}
	m.live.symbols = m.symbols
	return m.live
}

// ExternSpace is the index space of a kind of import or export.
func ExternSpace(k wasm.ExternKind) wasm.Space {
	switch k {
	case wasm.ExternFunc:
		return wasm.SpaceFunc
	case wasm.ExternTable:
		return wasm.SpaceTable
	case wasm.ExternMemory:
		return wasm.SpaceMemory
	case wasm.ExternGlobal:
		return wasm.SpaceGlobal
	case wasm.ExternTag:
		return wasm.SpaceTag
	}
	panic("shake: unknown extern kind")
}

// mark makes an item live, parent being the first to reach it.
func (m *marker) mark(s wasm.Space, id uint32, parent Item) {
	if s == wasm.SpaceFunc {
		id = uint32(m.p.Resolve(graph.FuncID(id)))
	}
	m.live.uses[s][id]++
	if slot := &m.live.parents[s][id]; slot.Space == wasm.SpaceNone {
		*slot = parent
		m.work = append(m.work, Item{s, id})
	}
}

// visit marks everything that a live item mentions.
func (m *marker) visit(it Item) {
	p := m.p
	switch it.Space {
	case wasm.SpaceFunc:
		f := &p.Funcs[it.ID]
		m.mark(wasm.SpaceType, uint32(f.Type), it)
		switch f.Kind {
		case graph.FuncDefined, graph.FuncGenerated:
			_, inst := p.Code(graph.FuncID(it.ID))
			m.sites(p.Sites(graph.FuncID(it.ID), &m.scanner), inst, it)
			if u := m.symbolsOf(f.Inst); u != nil && f.Kind == graph.FuncDefined {
				m.codeSymbols(u, f.Index)
			}
		case graph.FuncCanon:
			m.canon(f.Canon, it)
		case graph.FuncImport:
			// The host will call realloc for a result in memory.
			if l := f.Import.Lower; l != nil && l.Func.Type.Result != nil && l.Func.Type.Result.ContainsPointers() && l.Opts.Realloc != 0 {
				m.mark(wasm.SpaceFunc, uint32(l.Opts.Realloc), it)
			}
		}
	case wasm.SpaceType:
		start, count := p.Types.Group(graph.TypeID(it.ID))
		for id := start; id < start+count; id++ {
			m.mark(wasm.SpaceType, uint32(id), it)
		}
		p.Types.Refs(graph.TypeID(it.ID), func(r graph.TypeID) { m.mark(wasm.SpaceType, uint32(r), it) })
	case wasm.SpaceTable:
		t := &p.Tables[it.ID]
		if t.Inst != 0 {
			inst := p.Instances[t.Inst]
			code := p.ModuleOf(inst).Code
			m.val(t.Type.Elem, inst, it)
			if init := code.Tables[t.Index].Init; init != nil {
				m.sites(init.Sites, inst, it)
			}
		} else {
			m.val(t.Type.Elem, nil, it)
		}
		m.openTable(graph.TableID(it.ID))
		for _, e := range m.elemsOf[graph.TableID(it.ID)] {
			m.mark(wasm.SpaceElem, uint32(e), it)
		}
	case wasm.SpaceMemory:
		if w := p.Memories[it.ID].Window; w != nil && w.Bound != 0 {
			m.mark(wasm.SpaceGlobal, uint32(w.Bound), it) // every access reads it
		}
		for _, d := range m.dataOf[graph.MemoryID(it.ID)] {
			m.mark(wasm.SpaceData, uint32(d), it)
		}
	case wasm.SpaceGlobal:
		g := &p.Globals[it.ID]
		var inst *graph.Instance
		if g.Inst != 0 {
			inst = p.Instances[g.Inst]
		}
		m.val(g.Type.Type, inst, it)
		if u := m.symbolsOf(g.Inst); u != nil {
			m.globalSymbols(u, g)
		}
		switch {
		case g.Import != nil:
		case g.Init.Known:
			if g.Init.Func != 0 {
				m.mark(wasm.SpaceFunc, uint32(g.Init.Func), it)
			}
		default:
			m.sites(p.ModuleOf(inst).Code.Globals[g.Index].Init.Sites, inst, it)
		}
	case wasm.SpaceTag:
		m.mark(wasm.SpaceType, uint32(p.Tags[it.ID].Type), it)
	case wasm.SpaceData:
		d := &p.Datas[it.ID]
		if u := m.symbolsOf(d.Inst); u != nil && !u.data {
			m.allSymbols(u)
		}
		if d.Active && !d.Deferred {
			m.mark(wasm.SpaceMemory, uint32(d.Memory), it)
			if !d.Offset.Known {
				inst := p.Instances[d.Inst]
				m.sites(p.ModuleOf(inst).Code.Datas[d.Index].OffsetExpr().Sites, inst, it)
			}
		}
	case wasm.SpaceElem:
		m.elem(graph.ElemID(it.ID), it)
	}
}

// val marks the type that a reference type names. Types of program items
// without an instance are interned ids already.
func (m *marker) val(v wasm.ValType, inst *graph.Instance, it Item) {
	if v.Kind != wasm.KindRef || v.Heap < 0 {
		return
	}
	if inst != nil {
		m.mark(wasm.SpaceType, uint32(m.p.ModuleOf(inst).Types[v.Heap]), it)
		return
	}
	m.mark(wasm.SpaceType, uint32(v.Heap), it)
}

// canon marks what a canonical built-in will use.
func (m *marker) canon(c *graph.Canon, it Item) {
	fn := func(id graph.FuncID) {
		if id != 0 {
			m.mark(wasm.SpaceFunc, uint32(id), it)
		}
	}
	switch c.Op {
	case component.CanonLower:
		lift := c.Lower.Func.Lift
		for _, mem := range []graph.MemoryID{lift.Opts.Memory, c.Lower.Opts.Memory} {
			if mem != 0 {
				m.mark(wasm.SpaceMemory, uint32(mem), it)
			}
		}
		fn(lift.Core)
		fn(lift.Opts.Realloc)
		fn(lift.Opts.PostReturn)
		fn(c.Lower.Opts.Realloc)
	case component.CanonResourceDrop:
		fn(m.p.Resources[c.Resource.ID].Dtor)
	}
}

// sites marks what sites name: through inst for code of a module, directly
// for generated code.
func (m *marker) sites(sites []wasm.Site, inst *graph.Instance, it Item) {
	// Most sites are accesses, one after the other, to one memory.
	const none = ^uint32(0)
	memory := none
	for i := range sites {
		s := &sites[i]
		if s.Kind == wasm.SiteMemArg && s.Target == memory {
			continue
		}
		switch s.Kind {
		case wasm.SiteFunc:
			m.mark(wasm.SpaceFunc, uint32(FuncAt(inst, s.Target)), it)
		case wasm.SiteType, wasm.SiteHeapType, wasm.SiteBlockType:
			id := s.Target
			if inst != nil {
				id = uint32(m.p.ModuleOf(inst).Types[id])
			}
			m.mark(wasm.SpaceType, id, it)
		case wasm.SiteTable:
			id := s.Target
			if inst != nil {
				id = uint32(inst.Tables[id])
			}
			m.mark(wasm.SpaceTable, id, it)
			m.tableSite(sites[:i+1], inst, graph.TableID(id), it)
		case wasm.SiteGlobal:
			id := s.Target
			if inst != nil {
				id = uint32(inst.Globals[id])
			}
			m.mark(wasm.SpaceGlobal, id, it)
		case wasm.SiteTag:
			id := s.Target
			if inst != nil {
				id = uint32(inst.Tags[id])
			}
			m.mark(wasm.SpaceTag, id, it)
		case wasm.SiteData:
			m.dataSite(DataAt(inst, s.Target), s.Op, it)
		case wasm.SiteElem:
			id := s.Target
			if inst != nil {
				id = uint32(inst.Elems[id])
			}
			m.elemSite(graph.ElemID(id), s.Op, it)
		case wasm.SiteMemory, wasm.SiteMemArg, wasm.SiteMemBase, wasm.SiteRawArg:
			memory = s.Target
			m.mark(wasm.SpaceMemory, uint32(MemoryAt(inst, s.Target)), it)
		case wasm.SiteConst:
		case wasm.SiteMemOp:
			m.memOp(sites[i:], inst, it)
		default:
			panic("shake: site of a kind that nobody classified")
		}
	}
}

// memOp marks what stands in for a memory instruction in a window.
func (m *marker) memOp(sites []wasm.Site, inst *graph.Instance, it Item) {
	op := DecodeMemOp(sites, inst)
	w := m.p.Memories[op.Memory].Window
	if w == nil {
		return
	}
	switch op.Op {
	case wasm.OpMemorySize:
		m.mark(wasm.SpaceGlobal, uint32(w.Size), it)
	case wasm.OpMemoryGrow:
		m.mark(wasm.SpaceFunc, uint32(w.Grow), it)
	case wasm.OpMemoryFill:
		m.mark(wasm.SpaceFunc, uint32(w.Fill), it)
	case wasm.OpMemoryCopy:
		m.mark(wasm.SpaceFunc, uint32(w.Copy[op.Source]), it)
	case wasm.OpMemoryInit:
		m.mark(wasm.SpaceFunc, uint32(w.Init[op.Data]), it)
	}
}

// MemOp is a decoded memory.size, grow, fill, copy or init.
type MemOp struct {
	Op     wasm.Opcode
	Memory graph.MemoryID // the destination of copy and init
	Source graph.MemoryID // copy
	Data   graph.DataID   // init
	Sites  int            // how many sites follow the SiteMemOp
}

// DecodeMemOp reads the sites of a memory instruction, sites[0] being its
// SiteMemOp.
func DecodeMemOp(sites []wasm.Site, inst *graph.Instance) MemOp {
	op := MemOp{Op: sites[0].Op, Sites: 1}
	switch op.Op {
	case wasm.OpMemoryCopy:
		op.Memory, op.Source, op.Sites = MemoryAt(inst, sites[1].Target), MemoryAt(inst, sites[2].Target), 2
	case wasm.OpMemoryInit:
		op.Data, op.Memory, op.Sites = DataAt(inst, sites[1].Target), MemoryAt(inst, sites[2].Target), 2
	default:
		op.Memory = MemoryAt(inst, sites[1].Target)
	}
	return op
}

// FuncAt resolves a function site.
func FuncAt(inst *graph.Instance, target uint32) graph.FuncID {
	if inst == nil {
		return graph.FuncID(target)
	}
	return inst.Funcs[target]
}

// MemoryAt resolves a memory site.
func MemoryAt(inst *graph.Instance, target uint32) graph.MemoryID {
	if inst == nil {
		return graph.MemoryID(target)
	}
	return inst.Memories[target]
}

// DataAt resolves a data site.
func DataAt(inst *graph.Instance, target uint32) graph.DataID {
	if inst == nil {
		return graph.DataID(target)
	}
	return inst.Datas[target]
}

// dataSite notes that an instruction names a data segment. Of a segment that is
// dropped by the time code runs nothing is left to name: an active one is
// dropped at instantiation. Nor does data.drop need what it drops.
func (m *marker) dataSite(id graph.DataID, op wasm.Opcode, it Item) {
	m.live.datas[id] = true
	if d := &m.p.Datas[id]; op == wasm.OpDataDrop || d.Active && !d.Deferred {
		return
	}
	m.mark(wasm.SpaceData, uint32(id), it)
}
