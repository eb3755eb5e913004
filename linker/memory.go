package linker

import (
	"fmt"
	"math/bits"
	"slices"
	"sort"
	"strings"

	"github.com/wbundle/wbundle/graph"
	"github.com/wbundle/wbundle/internal/ir"
	"github.com/wbundle/wbundle/internal/wasm"
	"github.com/wbundle/wbundle/shake"
)

const (
	pageSize = 64 << 10
	// maxPages is one page less than a 32-bit memory may have, so that an
	// address of 0xffffffff is always out of bounds; folding a base into an
	// offset relies on it (emit.go, foldBase).
	maxPages = 1<<16 - 1
	// defaultWindow is how many pages an input without a declared maximum or a
	// memory-limit may grow by, unless its window is the last: 64 MiB. What lies
	// between its size and its end is address space that nobody touches.
	defaultWindow = 1 << 10
	// handleWindow is the window of the handle tables: 16 MiB, a million
	// handles.
	handleWindow = 1 << 8
)

// memory resolves MemoryAuto.
func (o *Options) memory() Memory {
	if o.Memory == MemoryAuto || o.Memory == "" {
		if o.Format == FormatComponent {
			return MemoryMulti
		}
		return MemorySingle
	}
	return o.Memory
}

// memoryPass cuts one memory into windows.
//
// In: live memories. Out: for single output with more than one live memory,
// each has a Window: a base, a size of its own in a global, and functions for
// the instructions that speak of sizes. With one memory nothing changes at
// all. Invariant: windows do not overlap, the bytes of a window past its size
// are zero and nobody's.
//
//	memory.grow  ->  call $grow     ;; -1 past the window's end, as any host may answer
//	i32.load offset=8  ->  i32.load offset=8+base
//
// What it gives up: without isolation (isolate.go), nothing stops a component
// from reading another's window with a wild pointer; build says so.
func memoryPass(p *graph.Program, live *shake.Live, opts *Options, host graph.MemoryID) error {
	if opts.memory() != MemorySingle {
		return nil
	}
	var mems []graph.MemoryID
	add := func(id graph.MemoryID) {
		if live.Memory(id) {
			mems = append(mems, id)
		}
	}
	// The memory that the host sees is at base 0, because the host's pointers
	// are what the component's are.
	if host != 0 {
		add(host)
	}
	for id := graph.MemoryID(1); int(id) < len(p.Memories); id++ {
		if id != host && id != p.HandleMemory && id != p.StagingMemory {
			add(id)
		}
	}
	var ours []graph.MemoryID // the bundle's own
	for _, id := range [...]graph.MemoryID{p.HandleMemory, p.StagingMemory} {
		if id != 0 && live.Memory(id) {
			ours = append(ours, id)
		}
	}
	if len(mems) < 2 && len(ours) == 0 || len(mems) == 0 {
		return nil // alone
	}
	// What never grows comes first: its window is as small as it is, and the
	// bases behind it are small numbers, which every access repeats. The memory
	// of the host stays where it is.
	grows := growing(p, live)
	movable := mems
	if mems[0] == host {
		movable = mems[1:]
	}
	slices.SortStableFunc(movable, func(a, b graph.MemoryID) int {
		switch {
		case grows[a] == grows[b]:
			return 0
		case grows[a]:
			return 1
		}
		return -1
	})
	// They come before the last window, which is open-ended.
	at := max(len(mems)-1, 0)
	if at == 0 && host != 0 {
		at = len(mems) // base 0 is the host's
	}
	mems = slices.Insert(mems, at, ours...)
	for _, id := range ours {
		grows[id] = true
	}
	for _, e := range p.Exports {
		if e.Kind == wasm.ExternMemory && graph.MemoryID(e.ID) != host {
			return fmt.Errorf("export %q is a second memory that the host sees; only one can be at the start of a single memory; use --memory multi", e.Name)
		}
	}
	for _, id := range mems {
		m := &p.Memories[id]
		var why string
		switch {
		case m.Import != nil:
			why = fmt.Sprintf("memory %q %q is imported from the host", m.Import.Module, m.Import.Name)
		case m.Type.Shared:
			why = "has a shared memory (threads)"
		case m.Type.Is64:
			why = "has a 64-bit memory"
		case m.Type.HasPageSize && m.Type.PageLog2 != 16:
			why = "has a memory with custom page size"
		default:
			continue
		}
		return fmt.Errorf("%s %s, which cannot share a single memory with others; use --memory multi", p.Memories[id].Name, why)
	}
	if err := placeWindows(p, mems, grows, opts); err != nil {
		return err
	}
	if names := unprotected(p, mems); names != nil && opts.IsolationRequired {
		return fmt.Errorf("%s share one memory and nothing keeps them apart, and isolation is required; use --isolation trap, --isolation mask or --memory multi",
			strings.Join(names, ", "))
	}
	windowFuncs(p, live, mems)
	return nil
}

// budgets are how many pages a memory may have in a target; more than any
// 32-bit memory where nothing is listed.
var budgets = map[Target]uint64{TargetWazero: 1 << 16, TargetPreview1: 1 << 16}

// budget is how many pages the windows of an output may take.
func (o *Options) budget() uint64 {
	if pages, ok := budgets[o.Target]; ok {
		return min(pages, maxPages)
	}
	return maxPages
}

// demand is what one memory asks of the address space, in pages.
type demand struct {
	least uint64 // what it begins with, or has been promised
	most  uint64 // what it should be able to grow to
	why   string // where least comes from
}

// growing are the memories that live code may grow.
func growing(p *graph.Program, live *shake.Live) map[graph.MemoryID]bool {
	out := map[graph.MemoryID]bool{}
	var scanner wasm.SiteScanner
	for fn := graph.FuncID(1); int(fn) < len(p.Funcs); fn++ {
		if !live.Func(fn) {
			continue
		}
		_, inst := p.Code(fn)
		sites := p.Sites(fn, &scanner)
		for i := range sites {
			if s := &sites[i]; s.Kind == wasm.SiteMemOp && s.Op == wasm.OpMemoryGrow {
				out[shake.DecodeMemOp(sites[i:], inst).Memory] = true
			}
		}
	}
	for _, e := range p.Exports {
		if e.Kind == wasm.ExternMemory {
			out[graph.MemoryID(e.ID)] = true // by the host
		}
	}
	return out
}

// placeWindows gives each memory its base and bounds.
func placeWindows(p *graph.Program, mems []graph.MemoryID, grows map[graph.MemoryID]bool, opts *Options) error {
	budget := opts.budget()
	demands := make([]demand, len(mems))
	for i, id := range mems {
		d, err := demandOf(p, id, budget/uint64(len(mems)), grows[id], opts)
		if err != nil {
			return err
		}
		demands[i] = d
	}
	// Where not everyone can have what they should, all may grow by equally
	// many pages.
	total := func(growth uint64) uint64 {
		sum := uint64(0)
		for _, d := range demands {
			sum += opts.span(min(d.most, d.least+growth))
		}
		return sum
	}
	if total(0) > budget {
		return overBudget(p, mems, demands, opts)
	}
	growth := uint64(sort.Search(maxPages, func(n int) bool { return total(uint64(n)+1) > budget }))
	base := uint64(0)
	for i, id := range mems {
		m, d := &p.Memories[id], demands[i]
		w := &graph.Window{
			Base: base * pageSize, MinPages: m.Type.Min, MaxPages: min(d.most, d.least+growth),
			Guarded: opts.isolation() != IsolationNone && id != p.HandleMemory && id != p.StagingMemory,
			Copy:    map[graph.MemoryID]graph.FuncID{}, Init: map[graph.DataID]graph.FuncID{},
		}
		if i == len(mems)-1 && grows[id] {
			// The last may have all that is left.
			w.MaxPages = budget - base
			if opts.isolation() == IsolationMask {
				w.MaxPages = 1 << (bits.Len64(w.MaxPages) - 1)
			}
			if m.Type.HasMax {
				w.MaxPages = min(w.MaxPages, m.Type.Max)
			}
		}
		span := opts.span(w.MaxPages)
		if w.Guarded && opts.isolation() == IsolationMask {
			w.Mask = uint32((span-guardPages)*pageSize - 1)
		}
		m.Window = w
		base += span
	}
	return nil
}

// demandOf says what a memory asks for, fair being its part of the budget.
func demandOf(p *graph.Program, id graph.MemoryID, fair uint64, grows bool, opts *Options) (demand, error) {
	m := &p.Memories[id]
	if !grows {
		return demand{least: m.Type.Min, most: m.Type.Min, why: "to begin with, and never more"}, nil
	}
	d := demand{least: m.Type.Min, most: m.Type.Min + defaultWindow, why: "to begin with"}
	if m.Type.HasMax {
		// A declared maximum of 4 GiB says nothing; one that leaves room for
		// the others does.
		d.most = min(d.most, m.Type.Max)
		if m.Type.Max <= fair {
			d.most = m.Type.Max
		}
	}
	if id == p.HandleMemory {
		d.least = max(handleWindow, m.Type.Min)
		d.most, d.why = d.least, "for handles"
	}
	if m.Inst == 0 {
		return d, nil
	}
	in := p.Inputs[p.Instances[m.Inst].Input].ID
	if limit := opts.MemoryLimit[in]; limit > 0 {
		pages := limit / pageSize
		if pages < m.Type.Min {
			return d, fmt.Errorf("memory-limit of %q is %d bytes, its memory begins with %d", in, limit, m.Type.Min*pageSize)
		}
		if m.Type.HasMax {
			pages = min(pages, m.Type.Max)
		}
		d = demand{least: pages, most: pages, why: "by its memory-limit"}
	}
	return d, nil
}

// overBudget is the error for memories that cannot share one.
func overBudget(p *graph.Program, mems []graph.MemoryID, demands []demand, opts *Options) error {
	target, advice := "one memory", "set memory-limit or use --memory multi"
	if opts.Target != TargetAny {
		target, advice = fmt.Sprintf("the one memory of target %s", opts.Target), "only less memory to begin with, or a lower memory-limit, helps"
	}
	sum := uint64(0)
	lines := ""
	for i, id := range mems {
		pages := opts.span(demands[i].least)
		sum += pages
		lines += fmt.Sprintf("\n  %s: %d pages %s", p.Memories[id].Name, pages, demands[i].why)
	}
	return fmt.Errorf("the memories take %d pages of 64 KiB, and %s has %d; %s:%s", sum, target, opts.budget(), advice, lines)
}

// windowFuncs generates the functions that stand for memory instructions,
// those that live code uses.
func windowFuncs(p *graph.Program, live *shake.Live, mems []graph.MemoryID) {
	last := mems[len(mems)-1]
	for _, id := range mems {
		w := p.Memories[id].Window
		if w.Guarded && w.Mask == 0 {
			w.Bound = p.AddGlobal(graph.Global{
				Type: wasm.GlobalType{Type: wasm.I32, Mutable: true},
				Init: graph.Const{Known: true, Type: wasm.I32, Bits: w.MinPages * pageSize},
				Name: p.Memories[id].Name + " memory bound",
			})
		}
		w.Size = p.AddGlobal(graph.Global{
			Type: wasm.GlobalType{Type: wasm.I32, Mutable: true},
			Init: graph.Const{Known: true, Type: wasm.I32, Bits: w.MinPages},
			Name: p.Memories[id].Name + " memory size",
		})
	}
	var scanner wasm.SiteScanner
	n := len(p.Funcs)
	for fn := graph.FuncID(1); int(fn) < n; fn++ {
		if !live.Func(fn) {
			continue
		}
		_, inst := p.Code(fn)
		sites := p.Sites(fn, &scanner)
		for i := range sites {
			if sites[i].Kind == wasm.SiteMemOp {
				windowFunc(p, shake.DecodeMemOp(sites[i:], inst), last)
			}
		}
	}
	for _, id := range mems {
		if w := p.Memories[id].Window; w.Grow == 0 {
			w.Bound = 0 // it is a constant
		}
	}
}

// windowFunc generates one function unless it exists.
func windowFunc(p *graph.Program, op shake.MemOp, last graph.MemoryID) {
	m := op.Memory
	mem := &p.Memories[m]
	w := mem.Window
	i := wasm.I32
	add := func(verb string, params, results []wasm.ValType, build func(b *ir.Builder)) graph.FuncID {
		b := ir.New(params)
		build(b)
		return p.AddFunc(graph.Func{
			Kind: graph.FuncGenerated, Type: p.Types.Func(params, results), Body: b.Finish(), Name: mem.Name + " memory." + verb,
		})
	}
	// check traps unless n bytes at addr lie in memory m.
	check := func(b *ir.Builder, m graph.MemoryID, addr, n ir.Local) {
		b.Get(addr)
		b.Op(wasm.OpI64ExtendI32U)
		b.Get(n)
		b.Op(wasm.OpI64ExtendI32U, wasm.OpI64Add)
		b.GlobalGet(p.Memories[m].Window.Size)
		b.Op(wasm.OpI64ExtendI32U)
		b.I64(16)
		b.Op(wasm.OpI64Shl, wasm.OpI64GtU)
		b.TrapIf()
	}
	switch op.Op {
	case wasm.OpMemoryGrow:
		if w.Grow == 0 {
			w.Grow = add("grow", []wasm.ValType{i}, []wasm.ValType{i}, func(b *ir.Builder) {
				const delta = ir.Local(0)
				old, next := b.Local(i), b.Local(i)
				b.GlobalGet(w.Size)
				b.Set(old)
				b.Get(delta)
				b.I32(uint32(w.MaxPages))
				b.Get(old)
				b.Op(wasm.OpI32Sub, wasm.OpI32GtU)
				b.If()
				b.I32(0xffffffff)
				b.Op(wasm.OpReturn)
				b.End()
				b.Get(old, delta)
				b.Op(wasm.OpI32Add)
				b.Set(next)
				if m == last {
					// The one memory ends with this window: make it longer.
					need := b.Local(i)
					b.Get(next)
					b.I32(uint32(w.Base / pageSize))
					b.Op(wasm.OpI32Add)
					b.RawSize(m)
					b.Op(wasm.OpI32Sub)
					b.Tee(need)
					b.I32(0)
					b.Op(wasm.OpI32GtS)
					b.If()
					b.Get(need)
					b.RawGrow(m)
					b.I32(0xffffffff)
					b.Op(wasm.OpI32Eq)
					b.If()
					b.I32(0xffffffff)
					b.Op(wasm.OpReturn)
					b.End()
					b.End()
				}
				b.Get(next)
				b.GlobalSet(w.Size)
				if w.Bound != 0 {
					b.Get(next)
					b.I32(16)
					b.Op(wasm.OpI32Shl)
					b.GlobalSet(w.Bound)
				}
				b.Get(old)
			})
		}
	case wasm.OpMemoryFill:
		if w.Fill == 0 {
			w.Fill = add("fill", []wasm.ValType{i, i, i}, nil, func(b *ir.Builder) {
				check(b, m, 0, 2)
				b.Get(0)
				b.Base(m)
				b.Get(1, 2)
				b.RawFill(m)
			})
		}
	case wasm.OpMemoryCopy:
		if w.Copy[op.Source] == 0 {
			w.Copy[op.Source] = add("copy", []wasm.ValType{i, i, i}, nil, func(b *ir.Builder) {
				check(b, m, 0, 2)
				check(b, op.Source, 1, 2)
				b.Get(0)
				b.Base(m)
				b.Get(1)
				b.Base(op.Source)
				b.Get(2)
				b.RawCopy(m, op.Source)
			})
		}
	case wasm.OpMemoryInit:
		if w.Init[op.Data] == 0 {
			w.Init[op.Data] = add("init", []wasm.ValType{i, i, i}, nil, func(b *ir.Builder) {
				check(b, m, 0, 2)
				b.Get(0)
				b.Base(m)
				b.Get(1, 2)
				b.RawInit(m, op.Data)
			})
		}
	}
}
