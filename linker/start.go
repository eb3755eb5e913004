package linker

import (
	"fmt"

	"github.com/wbundle/wbundle/graph"
	"github.com/wbundle/wbundle/internal/ir"
	"github.com/wbundle/wbundle/internal/wasm"
	"github.com/wbundle/wbundle/shake"
)

// startPass orders what happens at instantiation.
//
// Composed, each core instance initialises its tables, then its memories,
// then runs its start function, one instance after the other. One module does
// all elements and all data first and then one start function. The two differ
// only where code, or a trap, comes between; so a segment stays active when
// nobody can tell: its offset is known, it fits, and either nothing has run
// before it or what it fills belongs to its own instance, which nothing has
// seen yet. Any other segment is deferred: made passive, and initialised by
// the generated start function at its place in the order.
//
//	(module $a (start $f))              ;; f runs first
//	(module $b (import "a" "mem" …)     ;; then this may overwrite what f wrote
//	  (data (i32.const 8) "x"))         ;; deferred
//
// windows says that memories will share one, where an active segment cannot
// take its offset from a global of the host.
func startPass(p *graph.Program, windows bool) error {
	b := ir.New(nil)
	ran, needed := false, false
	var only graph.FuncID
	starts := 0
	for _, inst := range p.Instances[1:] {
		deferred := false // of this instance: what follows must stay behind it
		m := p.ModuleOf(inst).Code
		for _, id := range inst.Elems {
			e := &p.Elems[id]
			if !e.Active {
				continue
			}
			t := &p.Tables[e.Table]
			n := uint64(len(m.Elems[e.Index].Funcs) + len(m.Elems[e.Index].Exprs))
			fits := e.Offset.Known && e.Offset.Bits+n >= n && e.Offset.Bits+n <= t.Type.Min
			if (t.Inst == inst.ID && !deferred || !ran) && (fits || !e.Offset.Known && !ran) {
				continue
			}
			e.Deferred, needed, deferred = true, true, true
			if err := pushOffset(p, b, inst, e.Offset, &m.Elems[e.Index].Offset); err != nil {
				return err
			}
			b.I32(0)
			b.I32(uint32(n))
			b.TableInit(e.Table, id)
			b.ElemDrop(id)
			// A trap is something that happened, too.
			ran = ran || !fits
		}
		for _, id := range inst.Datas {
			d := &p.Datas[id]
			if !d.Active {
				continue
			}
			mem := &p.Memories[d.Memory]
			n := uint64(len(m.Datas[d.Index].Init))
			fits := d.Offset.Known && d.Offset.Bits+n >= n && d.Offset.Bits+n <= mem.Type.Min<<16
			if (mem.Inst == inst.ID && !deferred || !ran) && (fits || !d.Offset.Known && !ran && !windows) {
				continue
			}
			d.Deferred, needed, deferred = true, true, true
			if err := pushOffset(p, b, inst, d.Offset, &m.Datas[d.Index].Offset); err != nil {
				return err
			}
			b.I32(0)
			b.I32(uint32(n))
			b.MemoryInit(d.Memory, id)
			b.DataDrop(id)
			ran = ran || !fits
		}
		if m.HasStart {
			id := p.Resolve(inst.Funcs[m.Start])
			b.Call(id)
			only = id
			starts++
			ran = true
		}
	}
	switch {
	case starts == 0 && !needed:
	case starts == 1 && !needed && p.Funcs[only].Kind != graph.FuncImport:
		p.Start = only
	default:
		p.Start = p.AddFunc(graph.Func{
			Kind: graph.FuncGenerated, Type: p.Types.Func(nil, nil), Body: b.Finish(), Name: "start",
		})
	}
	return nil
}

// mayShare reports whether the output may come to have several memories: a
// table of handles, which the adapters may ask for, is one too.
func (f *flattener) mayShare() bool {
	for i := range f.p.Resources {
		if f.p.Resources[i].Component != 0 {
			return true
		}
	}
	return len(f.p.Memories)-1 > 1
}

// initializeName is the export by which a reactor's host runs what must come
// before its other exports (tool-conventions, BasicModuleABI).
const initializeName = "_initialize"

// initialize turns the start function of a bundle of components into the
// export _initialize when it may call the host: a host function that is given
// a pointer needs the instance's memory, which most hosts get hold of only
// after instantiation. Roots that are core modules keep what they had.
func (f *flattener) initialize(live *shake.Live) {
	p := f.p
	if p.Start == 0 || len(p.WorldExports) == 0 {
		return
	}
	for id := graph.FuncID(1); int(id) < len(p.Funcs); id++ {
		if p.Funcs[id].Kind == graph.FuncImport && live.Func(id) {
			p.Exports = append(p.Exports, graph.Export{Name: initializeName, Kind: wasm.ExternFunc, ID: uint32(p.Start)})
			p.Start = 0
			return
		}
	}
}

// pushOffset pushes the offset of an active segment.
func pushOffset(p *graph.Program, b *ir.Builder, inst *graph.Instance, c graph.Const, e *wasm.Expr) error {
	if c.Known {
		if c.Type == wasm.I64 {
			b.I64(c.Bits)
		} else {
			b.I32(uint32(c.Bits))
		}
		return nil
	}
	// A global of the host: the only offset link time does not know.
	if len(e.Sites) == 1 && e.Sites[0].Kind == wasm.SiteGlobal && int(e.Sites[0].Off+uint32(e.Sites[0].Len))+1 == len(e.Bytes) {
		b.GlobalGet(inst.Globals[e.Sites[0].Target])
		return nil
	}
	return fmt.Errorf("%s: offset %#x: segment offset is an expression that link time cannot evaluate", p.ModuleOf(inst).Code.Input, e.Off)
}
