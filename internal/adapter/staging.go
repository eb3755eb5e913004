package adapter

import (
	"slices"

	"github.com/wbundle/wbundle/graph"
	"github.com/wbundle/wbundle/internal/component"
	"github.com/wbundle/wbundle/internal/ir"
	"github.com/wbundle/wbundle/internal/wasm"
)

// The host of a core module knows one cabi_realloc and one encoding of strings,
// and it allocates the parameters of an export before it says which. Where the
// components behind the exports do not agree on one realloc, or on one encoding,
// it is as if a component of our own stood between them and the host: its memory
// is the staging memory (a window of the one memory in single output), its realloc
// is cabi_realloc, its strings are encoded as the host's.
//
//	host -- staging memory --> adapter -- realloc of the callee --> component
//
// Values move through it by the adapters that move them between components.
// Towards the host its addresses are those of the memory that the host sees.
//
// What is staged lives as long as the host needs it, so nothing is freed one by
// one: a stack is enough. The arguments of an export, all that was allocated, go
// when the callee has its copy; its result goes at post-return; what an import
// was given, and returned, goes when it has returned. A pointer to what is gone
// is out of bounds.

// stagingStart is the first address that is allocated: 0 is no block.
const stagingStart = 16

// Staging tells what goes through the staging memory.
type Staging struct {
	// Memory is the staging memory; 0: nothing is staged.
	Memory graph.MemoryID
	// Params says that the parameters of exports are.
	Params bool
	// Results says that results of imports are.
	Results bool
	// All says that everything in memory is, because the host sees no other.
	All bool
}

// staging is the generator's state of it.
type staging struct {
	top     graph.GlobalID // first byte not allocated
	result  graph.GlobalID // top when the last export returned
	realloc graph.FuncID
}

// planStaging adds the realloc of the staging memory to those that the host calls.
func (g *generator) planStaging() {
	s := &g.o.Host.Staging
	if s.Memory == 0 {
		return
	}
	g.staging.top = g.global("staging top", stagingStart)
	g.stagingRealloc()
	r := HostRealloc{Func: g.staging.realloc, Memory: s.Memory}
	switch {
	case s.Params:
		g.o.Host.Reallocs = slices.Insert(slices.Clone(g.o.Host.Reallocs), 0, r)
	case s.Results:
		g.o.Host.Reallocs = append(slices.Clone(g.o.Host.Reallocs), r)
	}
}

// stages reports whether a memory is the staging memory.
func (g *generator) stages(m graph.MemoryID) bool { return m != 0 && m == g.o.Host.Staging.Memory }

// hostEnd is the host's side of a call that is staged.
func (g *generator) hostEnd() end {
	return end{opts: graph.Options{Encoding: g.o.Host.Encoding, Memory: g.o.Host.Staging.Memory, Realloc: g.staging.realloc}}
}

// Stages reports whether what crosses in calls of a function is staged, one
// that is exported or imported with strings in the given encoding.
func (h *Host) Stages(t *component.FuncType, enc component.Encoding, export bool) bool {
	s := &h.Staging
	switch {
	case s.Memory == 0:
		return false
	case t.ContainsStrings() && enc != h.Encoding, export && s.Params && paramsAllocate(t):
		return true
	}
	_, _, spilled, retptr := component.FlattenFunc(t, component.Lower)
	return s.All && (spilled || retptr || tupleOf(t.Params).ContainsPointers() || resultAllocates(t))
}

// stagingRealloc generates the realloc of the staging memory: the last block
// grows and shrinks where it is, any other moves to the top when it grows.
func (g *generator) stagingRealloc() {
	const old, oldSize, align, size = ir.Local(0), ir.Local(1), ir.Local(2), ir.Local(3)
	m, top := g.o.Host.Staging.Memory, g.staging.top
	b := ir.New(i32s)
	ptr, pages, end := b.Local(wasm.I32), b.Local(wasm.I32), b.Local(wasm.I64)
	// ptr = old, if that is the last block, else the top, aligned.
	b.Get(old)
	b.GlobalGet(top)
	b.Get(align)
	b.Op(wasm.OpI32Add)
	b.I32(1)
	b.Op(wasm.OpI32Sub)
	b.I32(0)
	b.Get(align)
	b.Op(wasm.OpI32Sub, wasm.OpI32And)
	b.Get(old)
	b.Op(wasm.OpI32Eqz, wasm.OpI32Eqz)
	b.Get(old, oldSize)
	b.Op(wasm.OpI32Add)
	b.GlobalGet(top)
	b.Op(wasm.OpI32Eq, wasm.OpI32And, wasm.OpSelect)
	b.Set(ptr)
	// Pages missing, in 64 bits; a memory never has its last page.
	b.Get(ptr)
	b.Op(wasm.OpI64ExtendI32U)
	b.Get(size)
	b.Op(wasm.OpI64ExtendI32U, wasm.OpI64Add)
	b.Tee(end)
	b.I64(0xffff)
	b.Op(wasm.OpI64Add)
	b.I64(16)
	b.Op(wasm.OpI64ShrU, wasm.OpI32WrapI64)
	b.Tee(pages)
	b.MemorySize(m)
	b.Op(wasm.OpI32GtU)
	b.If()
	b.Get(pages)
	b.MemorySize(m)
	b.Op(wasm.OpI32Sub)
	b.MemoryGrow(m)
	b.I32(0xffffffff)
	b.Op(wasm.OpI32Eq)
	b.TrapIf()
	b.End()
	b.Get(end)
	b.Op(wasm.OpI32WrapI64)
	b.GlobalSet(top)
	// What a block held moves with it.
	b.Get(ptr, old)
	b.Op(wasm.OpI32Ne)
	b.I32(0)
	b.Get(old)
	b.Op(wasm.OpSelect)
	b.If()
	b.Get(ptr)
	b.Base(m)
	b.Get(old)
	b.Base(m)
	b.Get(oldSize, size, oldSize, size)
	b.Op(wasm.OpI32LtU, wasm.OpSelect)
	b.RawCopy(m, m)
	b.End()
	b.Get(ptr)
	g.staging.realloc = g.p.AddFunc(graph.Func{
		Kind: graph.FuncGenerated, Type: g.p.Types.Func(i32s, i32s[:1]), Body: b.Finish(), Name: "staging realloc",
	})
}

// stagedAddress turns the host's address on the stack into one of the staging
// memory.
func (g *generator) stagedAddress(b *ir.Builder) {
	b.I32(0)
	b.Base(g.o.Host.Staging.Memory)
	b.Op(wasm.OpI32Sub)
}

// fromHost turns the host's pointer to so many elements into one of the staging
// memory. Hosts may pass any pointer to none.
func (f *fuser) fromHost(ptr, n ir.Local) {
	f.b.Get(ptr)
	f.stagedAddress(f.b)
	f.b.I32(0)
	f.b.Get(n)
	f.b.Op(wasm.OpSelect)
	f.b.Set(ptr)
}

// stagedHandle moves a handle between the host's table and a component's.
func (f *fuser) stagedHandle(t *component.ValType, src, dst place) error {
	var err error
	f.store(dst, wasm.OpI32Store, 2, wasm.I32, func() {
		load := func() { f.load(src, wasm.OpI32Load, 2, wasm.I32) }
		comp, out := f.to.comp, false
		if f.stages(memoryOf(f.to)) {
			comp, out = f.from.comp, true
		}
		if !f.changes(t, comp) {
			load()
			return
		}
		err = f.exchange(f.b, t, comp, out, load)
	})
	return err
}

// stageExport puts an adapter between the host and an exported function.
func (g *generator) stageExport(name string, x *graph.Extern) error {
	lift := x.Func.Lift
	t := lift.Type
	params, results, spilled, retptr := component.FlattenFunc(t, component.Lift)
	host, callee := g.hostEnd(), end{lift.Component, lift.Opts}
	if err := g.needs(t, host, callee, spilled, retptr); err != nil {
		return err
	}
	told := *lift
	told.Opts = graph.Options{Encoding: host.opts.Encoding, Memory: g.o.Host.Memory}
	if paramsAllocate(t) {
		told.Opts.Realloc = g.hostRealloc(host.opts)
	}
	b := ir.New(params)
	in, back := &fuser{generator: g, b: b, from: host, to: callee}, &fuser{generator: g, b: b, from: callee, to: host}
	if spilled {
		b.Get(0)
		g.stagedAddress(b)
		b.Set(0)
	}
	args, err := in.arguments(t)
	if err != nil {
		return err
	}
	if paramsAllocate(t) {
		b.I32(stagingStart)
		b.GlobalSet(g.staging.top)
	}
	b.Get(args...)
	b.Call(lift.Core)
	flat := in.results(results)
	if g.lowersBorrow(tupleOf(t.Params), lift.Component) {
		b.GlobalGet(g.borrowCount(lift.Component))
		b.TrapIf()
	}
	ret := g.stageResult(b, t, retptr)
	out, err := back.result(t, flat, ret)
	if err != nil {
		return err
	}
	back.returned(lift, flat)
	g.unexport("cabi_post_" + name)
	if retptr {
		out = []ir.Local{ret}
		told.Opts.PostReturn = g.stagedPost(b)
		g.export("cabi_post_"+name, told.Opts.PostReturn)
	}
	g.passStaged(b, out, retptr)
	told.Core = g.p.AddFunc(graph.Func{
		Kind: graph.FuncGenerated, Type: g.p.Types.Func(params, results), Body: b.Finish(), Name: "from the host: " + name,
	})
	g.export(name, told.Core)
	x.Func = &graph.CompFunc{Type: x.Func.Type, Lift: &told}
	return nil
}

// stageResult allocates what a result in memory takes, and returns its address.
func (g *generator) stageResult(b *ir.Builder, t *component.FuncType, retptr bool) ir.Local {
	if !retptr {
		return 0
	}
	ret := b.Local(wasm.I32)
	(&fuser{generator: g, b: b}).alloc(g.hostEnd(), t.Result.Align(), func() { b.I32(t.Result.Size()) })
	b.Set(ret)
	return ret
}

// passStaged pushes values for the host; where the only one is an address, as
// the host knows it.
func (g *generator) passStaged(b *ir.Builder, values []ir.Local, address bool) {
	b.Get(values...)
	if address {
		b.Base(g.o.Host.Staging.Memory)
	}
}

// stagedPost is the post-return of all exports that return in staging memory, b
// being one of them: the result goes, unless the host has allocated behind it
// meanwhile, for a call to come. Then both go with the arguments of that call.
func (g *generator) stagedPost(b *ir.Builder) graph.FuncID {
	result := g.kept(&g.staging.result, "staging top of the last export")
	b.GlobalGet(g.staging.top)
	b.GlobalSet(result)
	id, _ := g.helper(helperKey{kind: helperPost}, "staging post-return", i32s[:1], nil, func(b *ir.Builder) error {
		b.GlobalGet(g.staging.top)
		b.GlobalGet(result)
		b.Op(wasm.OpI32Eq)
		b.If()
		b.Get(0)
		g.stagedAddress(b)
		b.GlobalSet(g.staging.top)
		b.End()
		return nil
	})
	return id
}

// stageImport turns a core import into an adapter between a component and the
// host.
func (g *generator) stageImport(id graph.FuncID) error {
	l := g.p.Funcs[id].Import.Lower
	t := l.Func.Type
	params, results, spilled, retptr := component.FlattenFunc(t, component.Lower)
	caller, host := end{l.Component, l.Opts}, g.hostEnd()
	if err := g.needs(t, caller, host, spilled, retptr); err != nil {
		return err
	}
	told := *l
	told.Opts = graph.Options{Encoding: host.opts.Encoding, Memory: g.o.Host.Memory}
	current := 0
	if resultAllocates(t) {
		told.Opts.Realloc = g.hostRealloc(host.opts)
		current = g.reallocNumber(host.opts)
	}
	imported := g.p.Funcs[id]
	imp := *imported.Import
	imp.Lower = &told
	imported.Import = &imp
	name := g.p.FuncName(id)
	raw := g.p.AddFunc(imported)

	b := ir.New(params)
	out, in := &fuser{generator: g, b: b, from: caller, to: host}, &fuser{generator: g, b: b, from: host, to: caller}
	g.checkLeave(b, l.Component)
	lends := g.lends(tupleOf(t.Params))
	var mark ir.Local
	if lends {
		mark = b.Local(wasm.I32)
		g.lenderMark(b)
		b.Set(mark)
	}
	top := b.Local(wasm.I32)
	b.GlobalGet(g.staging.top)
	b.Set(top)
	args, err := out.arguments(t)
	if err != nil {
		return err
	}
	ret := g.stageResult(b, t, retptr)
	g.passStaged(b, args, spilled)
	if retptr {
		g.passStaged(b, []ir.Local{ret}, true)
	}
	if current != 0 {
		b.I32(uint32(current))
		b.GlobalSet(g.boundary.current)
	}
	b.Call(raw)
	if current != 0 {
		b.I32(0)
		b.GlobalSet(g.boundary.current)
	}
	flat := in.results(results)
	if retptr {
		flat = []ir.Local{ret}
	}
	values, err := in.result(t, flat, ir.Local(len(params)-1))
	if err != nil {
		return err
	}
	b.Get(top)
	b.GlobalSet(g.staging.top)
	if lends {
		release, err := g.releaseFunc()
		if err != nil {
			return err
		}
		b.I32(g.handles(l.Component))
		b.Get(mark)
		b.Call(release)
	}
	b.Get(values...)
	g.p.Funcs[id].Import = nil
	g.set(id, "to the host: "+name, b)
	return nil
}
