package shake

import (
	"slices"
	"strings"

	"github.com/wbundle/wbundle/graph"
	"github.com/wbundle/wbundle/internal/wasm"
)

// Data symbols and address-taken functions.
//
// A module that was linked with --emit-relocs says of every address in its code
// and data what it is the address of. So what a linker knows of its object files
// is known of the finished module, and what it collected as garbage from the
// exports that it was given is collected again from those that are left:
//
//   - a data symbol is live when a live function, or a live part of data, has a
//     relocation to it; of the others the bytes need not be written
//     (Live.DeadData);
//   - a slot of the table keeps its function when, besides a call that may hit
//     it (table.go), a live relocation takes the function's address: without, no
//     number that means the slot comes from anywhere.
//
// For instance, of
//
//	(func $hex … (i32.load8_u (i32.add (local.get 0) (i32.const 1024))))  ;; reloc: digits
//	(func $run … (call_indirect (type $t) (i32.const 1)))                 ;; reloc: $cmp
//	(data (i32.const 1024) "0123456789abcdef" …)                          ;; symbols: digits, names, …
//
// a bundle that needs neither keeps no digits and no $cmp, however many other
// calls of the type of $cmp there are.
//
// This is safe because code has no way to an address but by a relocation, and
// does not leave the symbol that the relocation names: that is what wasm-ld
// itself relies on when it leaves sections out. Every relocation has been
// compared with what it stands on, so one that lies is found (Relocations in
// internal/wasm). The rest is for what has no symbol:
//
//   - bytes that no symbol covers are zero (Relocations);
//   - a symbol that is an address, as __data_end is, marks the end of something:
//     whoever asks for one may walk along all data, so all of it is live.
//     __start_NAME and __stop_NAME bound a segment, and that is live then; those
//     of the stack and the heap bound no data. A symbol without a size stands
//     for what is around it;
//   - a live global whose value might be an address, or a slot, makes live what
//     is there: exported addresses, and what position-independent code leaves.
//     Not the stack pointer, which is often where data begins;
//   - a table that is copied has its functions under other numbers: all their
//     addresses count as taken;
//   - other instances know nothing of the addresses unless they are made for the
//     module: they must neither fill the memory nor, outside of the component,
//     use it, and they must not know the table.

// symbolUse is what is known of one instance whose module has relocations.
type symbolUse struct {
	inst   *graph.Instance
	relocs *wasm.Relocations
	// bySegment lists the symbols that are of bytes of each data segment.
	bySegment [][]uint32
	// data says that data is live by symbols; otherwise all of it is.
	data bool
	live []bool // by symbol
	// table is the table whose slots need an address, 0 for none.
	table graph.TableID
	taken map[graph.FuncID]bool // the functions whose addresses live relocations take
	// slots are those that wait for that, in order; waiting finds them.
	slots   []waitingSlot
	waiting map[graph.FuncID][]int
}

// boundaries are symbols without a size that nobody reads data by: where stack
// and heap lie, and what tells one module from another.
var boundaries = map[string]bool{
	"__heap_base": true, "__heap_end": true, "__stack_low": true, "__stack_high": true, "__dso_handle": true,
}

// openSymbols finds the instances whose data symbols and address-taken functions
// are marked one by one.
func (m *marker) openSymbols() {
	p := m.p
	for _, inst := range p.Instances[1:] {
		relocs := p.ModuleOf(inst).Relocs
		if relocs == nil {
			continue
		}
		if m.symbols == nil {
			m.symbols = make([]*symbolUse, len(p.Instances))
		}
		u := &symbolUse{inst: inst, relocs: relocs, live: make([]bool, len(relocs.Symbols)),
			taken: map[graph.FuncID]bool{}, waiting: map[graph.FuncID][]int{}}
		m.symbols[inst.ID] = u
		u.bySegment = make([][]uint32, len(relocs.Bases))
		for i := range relocs.Symbols {
			if s := &relocs.Symbols[i]; u.inData(s) && s.Size > 0 {
				u.bySegment[s.Segment] = append(u.bySegment[s.Segment], uint32(i))
			}
		}
		u.data = m.ownMemory(inst)
		if len(inst.Tables) > 0 && m.ownTable(inst) {
			u.table = inst.Tables[0]
			m.table(u.table).taken = u
		}
	}
}

// ownMemory reports whether an instance alone knows what is where in its memory.
func (m *marker) ownMemory(inst *graph.Instance) bool {
	mem := inst.Memories[0]
	if p := &m.p.Memories[mem]; p.Inst != inst.ID || p.Import != nil {
		return false
	}
	for _, other := range m.p.Instances[1:] {
		if other != inst && slices.Contains(other.Memories, mem) && (inst.Component == 0 || other.Component != inst.Component) {
			return false
		}
	}
	for id := 1; id < len(m.p.Datas); id++ {
		if d := &m.p.Datas[id]; d.Active && d.Memory == mem && d.Inst != inst.ID {
			return false
		}
	}
	return true
}

// ownTable reports whether an instance alone has its first table.
func (m *marker) ownTable(inst *graph.Instance) bool {
	t := inst.Tables[0]
	if p := &m.p.Tables[t]; p.Inst != inst.ID || p.Import != nil {
		return false
	}
	for _, other := range m.p.Instances[1:] {
		if other != inst && slices.Contains(other.Tables, t) {
			return false
		}
	}
	return true
}

// symbolsOf returns what is known of an instance by its relocations, nil for
// nothing.
func (m *marker) symbolsOf(inst graph.InstanceID) *symbolUse {
	if m.symbols == nil || inst == 0 {
		return nil
	}
	return m.symbols[inst]
}

// codeSymbols follows the relocations of a live body.
func (m *marker) codeSymbols(u *symbolUse, body uint32) {
	for _, x := range u.relocs.Code[u.relocs.Bodies[body]:u.relocs.Bodies[body+1]] {
		m.follow(u, &x)
	}
}

// covered returns the ranges of a segment that symbols cover, joined and in
// order: all symbols, or those that are live.
func (u *symbolUse) covered(seg uint32, live []bool) [][2]int {
	var out [][2]int
	for _, i := range u.bySegment[seg] {
		if s := &u.relocs.Symbols[i]; live == nil || live[i] {
			out = append(out, [2]int{int(s.Offset), int(s.Offset + s.Size)})
		}
	}
	return joined(out)
}

// joined sorts ranges and joins those that touch.
func joined(all [][2]int) [][2]int {
	slices.SortFunc(all, func(a, b [2]int) int { return a[0] - b[0] })
	out := all[:0]
	for _, r := range all {
		if n := len(out); n > 0 && r[0] <= out[n-1][1] {
			out[n-1][1] = max(out[n-1][1], r[1])
			continue
		}
		out = append(out, r)
	}
	return out
}

// inData reports whether a symbol is of bytes of a data segment.
func (u *symbolUse) inData(s *wasm.Symbol) bool {
	return s.Kind == wasm.SymbolData && s.Flags&(wasm.SymbolUndefined|wasm.SymbolAbsolute) == 0 && s.Segment < uint32(len(u.relocs.Bases))
}

// dataRange follows the relocations in a live range of a segment. One that
// begins in the range belongs to it.
func (m *marker) dataRange(u *symbolUse, seg uint32, from, to int) {
	relocs := u.relocs.Data[u.relocs.Segments[seg]:u.relocs.Segments[seg+1]]
	i, _ := slices.BinarySearchFunc(relocs, from, func(x wasm.Reloc, at int) int { return int(x.Off) - at })
	for ; i < len(relocs) && int(relocs[i].Off) < to; i++ {
		m.follow(u, &relocs[i])
	}
}

// follow marks what a live relocation takes the address of.
func (m *marker) follow(u *symbolUse, x *wasm.Reloc) {
	switch x.Type {
	case wasm.RelocTableIndexSLEB, wasm.RelocTableIndexI32:
		if s := &u.relocs.Symbols[x.Index]; s.Index < uint32(len(u.inst.Funcs)) {
			m.take(u, m.p.Resolve(u.inst.Funcs[s.Index]))
		}
	case wasm.RelocMemoryAddrLEB, wasm.RelocMemoryAddrSLEB, wasm.RelocMemoryAddrI32:
		m.symbol(u, x.Index)
	}
}

// symbol makes a data symbol live.
func (m *marker) symbol(u *symbolUse, i uint32) {
	if u.live[i] {
		return
	}
	u.live[i] = true
	s := &u.relocs.Symbols[i]
	switch {
	case s.Undefined() || boundaries[s.Name]:
	case s.Flags&wasm.SymbolAbsolute != 0 && m.boundedSegment(u, s):
	case s.Flags&wasm.SymbolAbsolute != 0:
		m.allSymbols(u)
	case u.inData(s) && s.Size == 0:
		// A label: of what lies around it.
		for _, i := range u.bySegment[s.Segment] {
			if around := &u.relocs.Symbols[i]; around.Offset <= s.Offset && s.Offset <= around.Offset+around.Size {
				m.symbol(u, i)
			}
		}
	case u.inData(s):
		m.dataRange(u, s.Segment, int(s.Offset), int(s.Offset+s.Size))
	}
}

// allSymbols makes all data live.
func (m *marker) allSymbols(u *symbolUse) {
	for seg := range u.bySegment {
		m.segmentSymbols(u, seg)
	}
}

// boundedSegment makes live the segment of which a symbol is the start or the
// end, and reports whether there is one.
func (m *marker) boundedSegment(u *symbolUse, s *wasm.Symbol) (found bool) {
	start, stop := strings.HasPrefix(s.Name, "__start_"), strings.HasPrefix(s.Name, "__stop_")
	for seg, base := range u.relocs.Bases {
		end := base + uint32(len(m.p.ModuleOf(u.inst).Code.Datas[seg].Init))
		if start && s.Offset == base || stop && s.Offset == end {
			m.segmentSymbols(u, seg)
			found = true
		}
	}
	return found
}

// segmentSymbols makes all of a segment live.
func (m *marker) segmentSymbols(u *symbolUse, seg int) {
	for _, i := range u.bySegment[seg] {
		m.symbol(u, i)
	}
}

// globalSymbols makes live what the value of a global may be the address of.
func (m *marker) globalSymbols(u *symbolUse, g *graph.Global) {
	init := g.Init
	index := m.p.ModuleOf(u.inst).Code.NumImported[wasm.SpaceGlobal] + g.Index
	for i := range u.relocs.Symbols {
		if s := &u.relocs.Symbols[i]; s.Kind == wasm.SymbolGlobal && s.Index == index && s.Name == "__stack_pointer" {
			return
		}
	}
	if !init.Known {
		m.allSymbols(u)
		m.takeAll(u)
		return
	}
	if init.Type != wasm.I32 {
		return
	}
	v := uint32(init.Bits)
	for seg, all := range u.bySegment {
		for _, i := range all {
			if s := &u.relocs.Symbols[i]; v-u.relocs.Bases[seg]-s.Offset < s.Size {
				m.symbol(u, i)
			}
		}
	}
	if f, ok := u.relocs.Slots[v]; ok {
		m.take(u, m.p.Resolve(u.inst.Funcs[f]))
	}
}

// take notes that the address of a function is taken.
func (m *marker) take(u *symbolUse, fn graph.FuncID) {
	if u.taken[fn] {
		return
	}
	u.taken[fn] = true
	for _, i := range u.waiting[fn] {
		m.place(u.table, u.slots[i])
	}
	delete(u.waiting, fn)
}

// takeAll gives up on addresses: any slot may be asked for.
func (m *marker) takeAll(u *symbolUse) {
	if u.table == 0 || m.table(u.table).taken == nil {
		return
	}
	m.table(u.table).taken = nil
	for _, s := range u.slots {
		m.place(u.table, s)
	}
}

// DeadData returns the ranges of an active data segment whose bytes nothing that
// is live refers to, in order and apart: they may be zero.
func (l *Live) DeadData(id graph.DataID) [][2]int {
	d := &l.p.Datas[id]
	if l.symbols == nil || d.Inst == 0 || !d.Active || l.symbols[d.Inst] == nil {
		return nil
	}
	u := l.symbols[d.Inst]
	var dead [][2]int
	live := u.covered(d.Index, u.live)
	for _, s := range u.covered(d.Index, nil) {
		from := s[0]
		for len(live) > 0 && live[0][0] < s[1] {
			if live[0][0] > from {
				dead = append(dead, [2]int{from, live[0][0]})
			}
			from = live[0][1]
			live = live[1:]
		}
		if from < s[1] {
			dead = append(dead, [2]int{from, s[1]})
		}
	}
	return dead
}
