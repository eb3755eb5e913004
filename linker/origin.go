package linker

import (
	"slices"
	"strings"
	"sync"

	"github.com/wbundle/wbundle/graph"
	"github.com/wbundle/wbundle/internal/source"
	"github.com/wbundle/wbundle/internal/wasm"
)

// OriginKind says who wrote an item of the output.
type OriginKind uint8

// The kinds of origins.
const (
	// OriginInput is an item of a core module of an input.
	OriginInput OriginKind = iota
	// OriginImport is asked of the host.
	OriginImport
	// OriginAdapter is generated for the canonical ABI.
	OriginAdapter
	// OriginWindow stands for memory instructions in a window of the one memory.
	OriginWindow
	// OriginStart runs start functions and deferred segments in their order.
	OriginStart
	// OriginStub answers, or traps, in place of the host.
	OriginStub
	// OriginOptimizer is made by the optimiser of no item in particular.
	OriginOptimizer
	// OriginDeclared is the element segment that declares what ref.func names.
	OriginDeclared
)

var originNames = [...]string{"input", "import", "adapter", "window", "start", "stub", "optimiser", "declared"}

func (k OriginKind) String() string { return originNames[k] }

// Generated reports whether the item has no counterpart in an input.
func (k OriginKind) Generated() bool { return k != OriginInput && k != OriginImport }

// Origin is where one item of the output module comes from: which input, which
// component instance, which core instance, and which item of its module.
type Origin struct {
	Kind OriginKind
	// Input is an index into Program.Inputs, -1 where there is none.
	Input     int
	Component graph.ComponentID // the caller's, for an adapter between two
	// Callee is the component that an adapter calls; 0 for all else.
	Callee   graph.ComponentID
	Instance graph.InstanceID // of OriginInput
	Module   graph.ModuleID   // of OriginInput
	// Index is the item's index in the module it comes from, imports counted,
	// as the text format counts; of OriginInput.
	Index uint32
	// ID is the item's id in the program, in the space that was asked for; 0
	// for what is only in the output.
	ID uint32
	// Also lists the other items of which this one is the only copy: equal
	// functions that were folded, equal types, imports that became one. The bytes
	// are attributed to the Origin itself, and to none of these.
	Also []Origin
}

// Origins is the provenance of an output module: for each index space, where
// the item at each index comes from. Of a component output it is about the
// module that was linked, which is core module 0.
//
// It is made where ids become indices. What changes the module afterwards
// says so with Remap.
type Origins struct {
	p      *graph.Program
	spaces [wasm.SpaceElem + 1][]Origin
	// laid are the functions that marking found live, by id: what is not in the
	// output although it is here, a later pass took away.
	laid []bool

	mu sync.Mutex
	// funcNames, sources and names are of the modules of inputs, read when
	// somebody asks.
	funcNames map[graph.ModuleID][]string
	sources   map[graph.ModuleID][]source.Func
	names     map[graph.ModuleID]map[wasm.Space]map[uint32]string
}

// origins says where the items of the output come from: l is its layout, laid
// are the functions that were laid out before the optimiser took some away.
func origins(l *layout, laid []graph.FuncID) *Origins {
	p := l.p
	o := &Origins{p: p, laid: make([]bool, len(p.Funcs)), funcNames: map[graph.ModuleID][]string{}, sources: map[graph.ModuleID][]source.Func{}, names: map[graph.ModuleID]map[wasm.Space]map[uint32]string{}}
	generated := generatedKinds(p)
	callers := importers(p)
	for _, id := range laid {
		o.laid[id] = true
	}
	funcs := make([]Origin, len(l.funcs))
	for i, id := range l.funcs {
		funcs[i] = o.function(id, generated[id], callers[id])
		for _, copied := range l.folded[id] {
			if copied != 0 {
				funcs[i].Also = append(funcs[i].Also, o.function(copied, generated[copied], callers[copied]))
			}
		}
	}
	o.spaces[wasm.SpaceFunc] = funcs
	item := func(inst graph.InstanceID, s wasm.Space, index, id uint32, imp *graph.Import) Origin {
		if id == 0 {
			return Origin{Kind: OriginOptimizer, Input: -1}
		}
		if imp != nil {
			return Origin{Kind: OriginImport, Input: imp.Input, ID: id}
		}
		if inst == 0 {
			return Origin{Kind: OriginAdapter, Input: -1, ID: id}
		}
		in := p.Instances[inst]
		if s != wasm.SpaceData && s != wasm.SpaceElem {
			index += p.ModuleOf(in).Code.NumImported[s]
		}
		return Origin{Kind: OriginInput, Input: in.Input, Component: in.Component, Instance: inst, Module: in.Module, Index: index, ID: id}
	}
	for _, id := range l.tables {
		t := &p.Tables[id]
		o.add(wasm.SpaceTable, item(t.Inst, wasm.SpaceTable, t.Index, uint32(id), t.Import))
	}
	windows := map[graph.GlobalID]bool{}
	for i, id := range l.memories {
		m := &p.Memories[id]
		if m.Window != nil {
			windows[m.Window.Size], windows[m.Window.Bound] = true, true
		}
		or := item(m.Inst, wasm.SpaceMemory, 0, uint32(id), m.Import)
		if m.Inst != 0 {
			// The id of a memory is not its index, but a module has it in this list.
			or.Index = uint32(max(0, slices.Index(p.Instances[m.Inst].Memories, id)))
		}
		if m.Window != nil && i > 0 {
			// The windows share one memory.
			first := &o.spaces[wasm.SpaceMemory][0]
			first.Also = append(first.Also, or)
			continue
		}
		o.add(wasm.SpaceMemory, or)
	}
	for _, id := range l.globals {
		g := &p.Globals[id]
		or := item(g.Inst, wasm.SpaceGlobal, g.Index, uint32(id), g.Import)
		if windows[id] {
			or.Kind = OriginWindow
		}
		o.add(wasm.SpaceGlobal, or)
	}
	for _, id := range l.tags {
		t := &p.Tags[id]
		or := item(t.Inst, wasm.SpaceTag, 0, uint32(id), t.Import)
		if t.Inst != 0 {
			or.Index = uint32(max(0, slices.Index(p.Instances[t.Inst].Tags, id)))
		}
		o.add(wasm.SpaceTag, or)
	}
	for _, id := range l.datas {
		d := &p.Datas[id]
		o.add(wasm.SpaceData, item(d.Inst, wasm.SpaceData, d.Index, uint32(id), nil))
	}
	for _, id := range l.elems {
		e := &p.Elems[id]
		o.add(wasm.SpaceElem, item(e.Inst, wasm.SpaceElem, e.Index, uint32(id), nil))
	}
	users := typeUsers(p)
	for _, id := range l.types {
		or := item(0, wasm.SpaceType, 0, uint32(id), nil)
		if all := users[id]; id != 0 && len(all) > 0 {
			or = all[0]
			or.Also = all[1:]
		}
		o.add(wasm.SpaceType, or)
	}
	return o
}

func (o *Origins) add(s wasm.Space, or Origin) { o.spaces[s] = append(o.spaces[s], or) }

// function is the origin of one function. Callers are the components that
// import it, when it is an import.
func (o *Origins) function(id graph.FuncID, generated OriginKind, callers []graph.ComponentID) Origin {
	if id == 0 {
		return Origin{Kind: OriginOptimizer, Input: -1}
	}
	p := o.p
	f := &p.Funcs[id]
	switch f.Kind {
	case graph.FuncDefined:
		inst := p.Instances[f.Inst]
		index := p.ModuleOf(inst).Code.NumImported[wasm.SpaceFunc] + f.Index
		return Origin{Kind: OriginInput, Input: inst.Input, Component: inst.Component, Instance: f.Inst, Module: inst.Module, Index: index, ID: uint32(id)}
	case graph.FuncImport:
		or := Origin{Kind: OriginImport, Input: f.Import.Input, ID: uint32(id)}
		for i, c := range callers {
			one := Origin{Kind: OriginImport, Input: p.Components[c].Input, Component: c, ID: uint32(id)}
			if i == 0 {
				or = one
			} else {
				or.Also = append(or.Also, one)
			}
		}
		return or
	}
	or := Origin{Kind: generated, Input: -1, ID: uint32(id)}
	if f.Canon != nil {
		or.Component = f.Canon.Component
		if l := f.Canon.Lower; l != nil {
			or.Component = l.Component
			if l.Func.Lift != nil {
				or.Callee = l.Func.Lift.Component
			}
		}
	}
	return or
}

// generatedKinds tells what the generated functions are for.
func generatedKinds(p *graph.Program) []OriginKind {
	kinds := make([]OriginKind, len(p.Funcs))
	for id := 1; id < len(p.Funcs); id++ {
		kinds[id] = OriginAdapter
		name := p.Funcs[id].Name
		for _, prefix := range []string{"stub ", "denied ", "not stubbed", "unresolved ", "embedded "} {
			if strings.HasPrefix(name, prefix) {
				kinds[id] = OriginStub
			}
		}
	}
	kinds[p.Trap] = OriginStub
	if p.Start != 0 {
		kinds[p.Start] = OriginStart
	}
	for _, m := range p.Memories[1:] {
		w := m.Window
		if w == nil {
			continue
		}
		kinds[w.Grow], kinds[w.Fill] = OriginWindow, OriginWindow
		for _, id := range w.Copy {
			kinds[id] = OriginWindow
		}
		for _, id := range w.Init {
			kinds[id] = OriginWindow
		}
	}
	return kinds
}

// importers lists, for each import of the host that stands for lowers, the
// components that lower it, in the order of their ids.
func importers(p *graph.Program) map[graph.FuncID][]graph.ComponentID {
	all := map[graph.FuncID][]graph.ComponentID{}
	for id := graph.FuncID(1); int(id) < len(p.Funcs); id++ {
		f := &p.Funcs[id]
		var c graph.ComponentID
		switch {
		case f.Import != nil && f.Import.Lower != nil:
			c = f.Import.Lower.Component
		case f.Canon != nil:
			c = f.Canon.Component
		case f.Import != nil && f.Import.Caller != 0:
			c = p.Instances[f.Import.Caller].Component
		}
		to := p.Resolve(id)
		if c != 0 && p.Funcs[to].Kind == graph.FuncImport && !slices.Contains(all[to], c) {
			all[to] = append(all[to], c)
		}
	}
	return all
}

// typeUsers lists, for each type, one module of each input that has it.
func typeUsers(p *graph.Program) map[graph.TypeID][]Origin {
	users := map[graph.TypeID][]Origin{}
	for _, inst := range p.Instances[1:] {
		for i, t := range p.ModuleOf(inst).Types {
			if slices.ContainsFunc(users[t], func(o Origin) bool { return o.Input == inst.Input }) {
				continue
			}
			users[t] = append(users[t], Origin{Kind: OriginInput, Input: inst.Input, Component: inst.Component,
				Instance: inst.ID, Module: inst.Module, Index: uint32(i), ID: uint32(t)})
		}
	}
	return users
}

// Program is the linked program, whose ids the origins hold.
func (o *Origins) Program() *graph.Program { return o.p }

// Len is the number of items of a space.
func (o *Origins) Len(s wasm.Space) int { return len(o.spaces[s]) }

// At is the origin of the item at an index of the output module. An item that
// is beyond what was laid out is declared by emission (OriginDeclared).
func (o *Origins) At(s wasm.Space, index uint32) Origin {
	if int(index) < len(o.spaces[s]) {
		return o.spaces[s][index]
	}
	return Origin{Kind: OriginDeclared, Input: -1}
}

// Remap says that a pass has renumbered a space: the item that is at index i
// now is made of what was at newToOld[i]. Several old items of a new one are
// copies of each other: the first has the bytes, the rest are listed (Also). An
// item of none is the optimiser's own. Old items in no list are gone; code that was
// inlined belongs to the function that it is in.
func (o *Origins) Remap(s wasm.Space, newToOld [][]uint32) {
	old := o.spaces[s]
	at := func(i uint32) Origin {
		if int(i) < len(old) {
			return old[i]
		}
		return Origin{Kind: OriginDeclared, Input: -1}
	}
	items := make([]Origin, len(newToOld))
	for i, from := range newToOld {
		if len(from) == 0 {
			items[i] = Origin{Kind: OriginOptimizer, Input: -1}
			continue
		}
		items[i] = at(from[0])
		if len(from) > 1 {
			items[i].Also = slices.Clone(items[i].Also)
		}
		for _, k := range from[1:] {
			other := at(k)
			also := other.Also
			other.Also = nil
			items[i].Also = append(append(items[i].Also, other), also...)
		}
	}
	o.spaces[s] = items
}

// Name is what the source calls an item of a space: by the name section or the
// debug information of its module, or as it was generated or imported. "" when nobody named it. A name
// is as it was found, not demangled.
func (o *Origins) Name(s wasm.Space, or Origin) string {
	if or.ID == 0 {
		return ""
	}
	switch {
	case s == wasm.SpaceFunc:
		return o.FuncName(graph.FuncID(or.ID))
	case or.Kind == OriginImport:
		var imp *graph.Import
		switch s {
		case wasm.SpaceTable:
			imp = o.p.Tables[or.ID].Import
		case wasm.SpaceMemory:
			imp = o.p.Memories[or.ID].Import
		case wasm.SpaceGlobal:
			imp = o.p.Globals[or.ID].Import
		case wasm.SpaceTag:
			imp = o.p.Tags[or.ID].Import
		}
		if imp != nil {
			return imp.Module + "#" + imp.Name
		}
		return ""
	case or.Module == 0:
		switch s {
		case wasm.SpaceGlobal:
			return o.p.Globals[or.ID].Name
		case wasm.SpaceMemory:
			return o.p.Memories[or.ID].Name
		}
		return ""
	}
	return o.sourceNames(or.Module, s)[or.Index]
}

// FuncName is what the source calls a function of the program, whether or not
// the output keeps names, and what a pass has made of the function since.
func (o *Origins) FuncName(id graph.FuncID) string {
	f := &o.p.Funcs[id]
	if f.Inst == 0 {
		return o.p.FuncName(id)
	}
	m := o.p.Instances[f.Inst].Module
	names := o.FuncNames(m)
	if i := o.p.Modules[m].Code.NumImported[wasm.SpaceFunc] + f.Index; int(i) < len(names) {
		return names[i]
	}
	return ""
}

// FuncNames returns the names that a module gives to its functions, by index,
// imports counted: those of its name section, of its debug information what the
// former leaves out, and of its symbols (wasm.Relocations) what is left then. It
// is nil when there are none.
func (o *Origins) FuncNames(id graph.ModuleID) []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	names, ok := o.funcNames[id]
	if !ok {
		m := o.p.Modules[id]
		if names = m.FuncNames; names == nil {
			names = m.Code.FuncNames()
		}
		first := int(m.Code.NumImported[wasm.SpaceFunc])
		if names == nil || slices.Contains(names[first:], "") {
			names = source.Names(names, first, o.funcSources(id))
			names = symbolNames(names, m)
		}
		o.funcNames[id] = names
	}
	return names
}

// symbolNames fills in what the symbols of a module are called.
func symbolNames(names []string, m *graph.Module) []string {
	if m.Relocs == nil {
		return names
	}
	if names == nil {
		names = make([]string, m.Code.Count(wasm.SpaceFunc))
	}
	for i := range m.Relocs.Symbols {
		if s := &m.Relocs.Symbols[i]; s.Kind == wasm.SymbolFunc && s.Index < uint32(len(names)) && names[s.Index] == "" {
			names[s.Index] = s.Name
		}
	}
	return names
}

// FuncSources returns what the debug information of a module says of the
// functions that it defines, imports not counted; nil when it has none.
func (o *Origins) FuncSources(id graph.ModuleID) []source.Func {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.funcSources(id)
}

// funcSources is FuncSources for those who hold the lock.
func (o *Origins) funcSources(id graph.ModuleID) []source.Func {
	all, ok := o.sources[id]
	if !ok {
		all = source.Funcs(o.p.Modules[id].Code)
		o.sources[id] = all
	}
	return all
}

// sourceNames reads the names that a module gives to the items of a space.
func (o *Origins) sourceNames(id graph.ModuleID, s wasm.Space) map[uint32]string {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.names[id] == nil {
		n, _ := o.p.Modules[id].Code.Names() // what can be read of a broken section will do
		by := map[wasm.Space]map[uint32]string{}
		for space, list := range map[wasm.Space][]wasm.NameAssoc{
			wasm.SpaceType: n.Types, wasm.SpaceTable: n.Tables, wasm.SpaceMemory: n.Memories, wasm.SpaceGlobal: n.Globals,
			wasm.SpaceTag: n.Tags, wasm.SpaceData: n.Datas, wasm.SpaceElem: n.Elems,
		} {
			by[space] = make(map[uint32]string, len(list))
			for _, a := range list {
				by[space][a.Index] = a.Name
			}
		}
		o.names[id] = by
	}
	return o.names[id][s]
}

// Fate is what became of a function of an input.
type Fate uint8

// The fates.
const (
	// FateUnreachable is gone: marking did not reach it.
	FateUnreachable Fate = iota
	// FateKept is in the output.
	FateKept
	// FateFolded is in the output, as the copy of an equal function.
	FateFolded
	// FateForwarded is gone: it only passed calls on, so its callers call what
	// it called.
	FateForwarded
	// FateOptimized was reached, and the optimiser inlined it everywhere or
	// found that nothing needs it.
	FateOptimized
)

// Fates tells what became of every function of the program, by id, and at
// which index of the output it is, where it is.
func (o *Origins) Fates() (fates []Fate, at []uint32) {
	n := len(o.p.Funcs)
	fates, at = make([]Fate, n), make([]uint32, n)
	for i, or := range o.spaces[wasm.SpaceFunc] {
		if or.ID != 0 {
			fates[or.ID], at[or.ID] = FateKept, uint32(i)
		}
		for _, other := range or.Also {
			if other.ID != 0 && fates[other.ID] != FateKept {
				fates[other.ID], at[other.ID] = FateFolded, uint32(i)
			}
		}
	}
	for id := range fates {
		switch {
		case id == 0 || fates[id] != FateUnreachable:
		case o.p.Funcs[id].Kind == graph.FuncAlias:
			fates[id] = FateForwarded
		case o.laid[id]:
			fates[id] = FateOptimized
		}
	}
	return fates, at
}
