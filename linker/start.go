package linker

import (
	"fmt"
	"slices"

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
// nobody can tell: its offset is known, it fits, and nothing has run
// since what it fills came to life. Any other segment is deferred: made
// passive, and initialised by the generated start function at its place in
// the order.
//
//	(module $a (start $f))              ;; f runs first
//	(module $b (import "a" "mem" …)     ;; then this may overwrite what f wrote
//	  (data (i32.const 8) "x"))         ;; deferred
//
// windows says that memories will share one, where an active segment cannot
// take its offset from a global of the host.
func startPass(p *graph.Program, windows bool) error {
	b := ir.New(nil)
	var order startOrder
	needed := false
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
			fits := segmentFits(e.Offset, n, t.Type.Min)
			if t.Constant {
				continue
			}
			if (!deferred || !order.started()) && order.quiet(t.Inst) && (fits || !e.Offset.Known && !order.started()) {
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
			if !fits {
				order.ran(inst.ID) // a trap is something that happened, too
			}
		}
		for _, id := range inst.Datas {
			d := &p.Datas[id]
			if !d.Active {
				continue
			}
			mem := &p.Memories[d.Memory]
			n := uint64(len(m.Datas[d.Index].Init))
			fits := segmentFits(d.Offset, n, mem.Type.Min<<16)
			if (!deferred || !order.started()) && order.quiet(mem.Inst) && (fits || !d.Offset.Known && !order.started() && !windows) {
				continue
			}
			d.Deferred, needed, deferred = true, true, true
			if err := pushOffset(p, b, inst, d.Offset, m.Datas[d.Index].OffsetExpr()); err != nil {
				return err
			}
			b.I32(0)
			b.I32(uint32(n))
			b.MemoryInit(d.Memory, id)
			b.DataDrop(id)
			if !fits {
				order.ran(inst.ID)
			}
		}
		if m.HasStart && !inst.NoStart && !shake.Pure(p, inst.Funcs[m.Start]) {
			id := p.Resolve(inst.Funcs[m.Start])
			b.Call(id)
			only = id
			starts++
			order.ran(inst.ID)
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

// startOrder follows instantiation: which instance was the last at which
// something happened that others could see.
type startOrder struct{ last graph.InstanceID }

// ran notes that code of an instance ran, or that its instantiation trapped.
func (o *startOrder) ran(id graph.InstanceID) { o.last = id }

// started reports whether anything has run.
func (o *startOrder) started() bool { return o.last != 0 }

// quiet reports whether nothing has run since the instance that owns a table,
// memory or global came to life, so that nothing can have seen it; 0 is the
// host, whose items are older than all instances.
func (o *startOrder) quiet(owner graph.InstanceID) bool { return o.last == 0 || owner > o.last }

// segmentFits reports whether n elements or bytes at a known offset lie within
// the size that a table or memory begins with.
func segmentFits(offset graph.Const, n, size uint64) bool {
	return offset.Known && offset.Bits+n >= n && offset.Bits+n <= size
}

// mayShare reports whether the output may come to have several memories: a
// table of handles, which the adapters may ask for, is one too.
func (f *flattener) mayShare() bool {
	return len(f.p.Resources) > 1 || len(f.p.Memories)-1 > 1
}

// initializeName is the export by which a reactor's host runs what must come
// before its other exports (tool-conventions, BasicModuleABI).
const initializeName = "_initialize"

// startName is the export by which a host runs a command, once.
const startName = "_start"

// initialize turns the start function of a bundle of components into the
// export _initialize when it may call the host: a host function that is given
// a pointer needs the instance's memory, which most hosts get hold of only
// after instantiation. Roots that are core modules keep what they had.
func (f *flattener) initialize(live *shake.Live) {
	p := f.p
	command := slices.IndexFunc(p.Exports, func(e graph.Export) bool { return e.Name == startName && e.Kind == wasm.ExternFunc })
	if p.Start == 0 || len(p.WorldExports) == 0 && (command < 0 || f.opts.Target != TargetPreview1) {
		return
	}
	for id := graph.FuncID(1); int(id) < len(p.Funcs); id++ {
		if p.Funcs[id].Kind == graph.FuncImport && live.Func(id) {
			if command >= 0 && f.opts.Target == TargetPreview1 {
				// A host calls _start and nothing before it.
				b := ir.New(nil)
				b.Call(p.Start)
				b.Call(graph.FuncID(p.Exports[command].ID))
				p.Exports[command].ID = uint32(p.AddFunc(graph.Func{Kind: graph.FuncGenerated, Type: p.Types.Func(nil, nil), Body: b.Finish(), Name: startName}))
				p.Start = 0
				return
			}
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
