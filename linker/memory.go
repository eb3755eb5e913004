package linker

import (
	"fmt"

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
// What it gives up: nothing stops a component from reading another's window
// with a wild pointer (isolation none); build says so.
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
		if id != host && id != p.HandleMemory {
			add(id)
		}
	}
	// The handle tables come before the last window, which is open-ended.
	if p.HandleMemory != 0 && live.Memory(p.HandleMemory) {
		at := max(len(mems)-1, 0)
		if at == 0 && host != 0 {
			at = len(mems) // base 0 is the host's
		}
		mems = append(mems[:at], append([]graph.MemoryID{p.HandleMemory}, mems[at:]...)...)
	}
	if len(mems) < 2 {
		return nil
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
	if err := placeWindows(p, mems, opts); err != nil {
		return err
	}
	return windowFuncs(p, live, mems)
}

// placeWindows gives each memory its base and bounds.
func placeWindows(p *graph.Program, mems []graph.MemoryID, opts *Options) error {
	// The most pages of each window; 0 where nothing says how many.
	want := make([]uint64, len(mems))
	fixed, open := uint64(0), uint64(0)
	for i, id := range mems {
		m := &p.Memories[id]
		// A declared maximum of 4 GiB says nothing; one that leaves room for
		// the others does.
		if m.Type.HasMax && m.Type.Max <= maxPages/uint64(len(mems)) {
			want[i] = m.Type.Max
		}
		if id == p.HandleMemory {
			want[i] = max(handleWindow, m.Type.Min)
		}
		if m.Inst != 0 {
			in := p.Inputs[p.Instances[m.Inst].Input].ID
			if limit := opts.MemoryLimit[in]; limit > 0 {
				pages := limit / pageSize
				if pages < m.Type.Min {
					return fmt.Errorf("memory-limit of %q is %d bytes, its memory begins with %d", in, limit, m.Type.Min*pageSize)
				}
				if m.Type.HasMax {
					pages = min(pages, m.Type.Max)
				}
				want[i] = pages
			}
		}
		if want[i] == 0 {
			open++
			fixed += m.Type.Min
		} else {
			fixed += want[i]
		}
	}
	if fixed > maxPages {
		msg := "the memories do not fit into one of 4 GiB; set memory-limit or use --memory multi:"
		for i, id := range mems {
			msg += fmt.Sprintf("\n  %s: %d pages", p.Memories[id].Name, max(want[i], p.Memories[id].Type.Min))
		}
		return fmt.Errorf("%s", msg)
	}
	share := uint64(0)
	if open > 0 {
		share = min((maxPages-fixed)/open, defaultWindow)
	}
	base := uint64(0)
	for i, id := range mems {
		m := &p.Memories[id]
		w := &graph.Window{Base: base * pageSize, MinPages: m.Type.Min, MaxPages: want[i], Copy: map[graph.MemoryID]graph.FuncID{}, Init: map[graph.DataID]graph.FuncID{}}
		if want[i] == 0 {
			w.MaxPages = m.Type.Min + share
			if m.Type.HasMax {
				w.MaxPages = min(w.MaxPages, m.Type.Max)
			}
		}
		if i == len(mems)-1 {
			w.MaxPages = maxPages - base
			if m.Type.HasMax {
				w.MaxPages = min(w.MaxPages, m.Type.Max)
			}
		}
		m.Window = w
		base += w.MaxPages
	}
	return nil
}

// windowFuncs generates the functions that stand for memory instructions,
// those that live code uses.
func windowFuncs(p *graph.Program, live *shake.Live, mems []graph.MemoryID) error {
	last := mems[len(mems)-1]
	for _, id := range mems {
		w := p.Memories[id].Window
		w.Size = p.AddGlobal(graph.Global{
			Type: wasm.GlobalType{Type: wasm.I32, Mutable: true},
			Init: graph.Const{Known: true, Type: wasm.I32, Bits: w.MinPages},
			Name: p.Memories[id].Name + " memory size",
		})
	}
	n := len(p.Funcs)
	for fn := graph.FuncID(1); int(fn) < n; fn++ {
		if !live.Func(fn) {
			continue
		}
		body, inst := p.Code(fn)
		if body == nil {
			continue
		}
		for i := range body.Sites {
			if body.Sites[i].Kind == wasm.SiteMemOp {
				windowFunc(p, shake.DecodeMemOp(body.Sites[i:], inst), last)
			}
		}
	}
	return nil
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
