package adapter

import (
	"fmt"
	"slices"

	"github.com/wbundle/wbundle/graph"
	"github.com/wbundle/wbundle/internal/component"
	"github.com/wbundle/wbundle/internal/ir"
	"github.com/wbundle/wbundle/internal/wasm"
)

// To the host a bundle is one component instance with one handle table and,
// in a core module, one memory. Its components have their own. Where the two
// differ, a function stands between a component and the host:
//
//	component -- index, address --> wrapper -- host's index, address --> host
//
// Arguments of an import and results of an export go out, the others come in.
// What is flat is replaced in the function's locals. What lies in memory is
// replaced there, and where that memory stays the component's (everything that
// goes out) it is as it was again when the import has returned, or before
// post-return runs. Two arguments may be the same list, and a list may lie
// where the result will: so nothing is written before everything was read, and
// what the host has written stays (save.go).
//
// cross.go walks the values.

// boundary is the generator's state of the wrappers.
type boundary struct {
	// noDtor is set while the bundle takes an exported resource back from the
	// host, whose handle goes without the resource.
	noDtor graph.GlobalID
	// mark and flat are kept from the return of an export to its post-return:
	// where its saves begin, and its flat result.
	mark, flat graph.GlobalID
	concerns   map[concern]bool
	// exports is where in Program.Exports a name is.
	exports map[string]int
	// realloc is the function that the host knows as cabi_realloc, when it
	// stands for several; current says for which, an index of Host.Reallocs.
	realloc graph.FuncID
	current graph.GlobalID
}

// needsTables decides who keeps the components' handle tables: the bundle,
// unless all handles are of one component and known to the host.
func (g *generator) needsTables(live func(graph.FuncID) bool) bool {
	users := map[graph.ComponentID]bool{}
	known, inner := false, false
	use := func(c graph.ComponentID, r *component.Resource) {
		users[c] = true
		at := g.atBoundary(r)
		known, inner = known || at, inner || !at
	}
	uses := func(c graph.ComponentID, t *component.FuncType) {
		each := func(v *component.ValType) {
			handlesOf(v, func(h *component.ValType) { use(c, h.Resource) })
		}
		for _, p := range t.Params {
			each(p.Type)
		}
		each(t.Result)
	}
	for id := graph.FuncID(1); int(id) < len(g.p.Funcs); id++ {
		switch f := &g.p.Funcs[id]; {
		case !live(id):
		case f.Kind == graph.FuncImport && f.Import.Lower != nil && !f.Import.Lower.Through:
			uses(f.Import.Lower.Component, f.Import.Lower.Func.Type)
		case f.Kind != graph.FuncCanon:
		case f.Canon.Op != component.CanonLower:
			use(f.Canon.Component, f.Canon.Resource)
		case !g.recursive(f.Canon.Lower):
			uses(f.Canon.Component, f.Canon.Lower.Func.Type)
			uses(f.Canon.Lower.Func.Lift.Component, f.Canon.Lower.Func.Type)
		}
	}
	g.worldExports(func(_ string, x *graph.Extern) error {
		if l := x.Func.Lift; l != nil && !l.Through {
			uses(l.Component, l.Type)
		}
		return nil
	})
	return known && (inner || len(users) > 1)
}

// worldExports visits the functions that the world exports by their core names.
func (g *generator) worldExports(visit func(name string, x *graph.Extern) error) error {
	var walk func(path string, xs []graph.Extern) error
	walk = func(path string, xs []graph.Extern) error {
		for i := range xs {
			x := &xs[i]
			name := x.Name
			if path != "" {
				name = path + "#" + name
			}
			var err error
			switch {
			case x.Inst != nil:
				err = walk(name, x.Inst.Items)
			case x.Func != nil:
				err = visit(name, x)
			}
			if err != nil {
				return err
			}
		}
		return nil
	}
	return walk("", g.p.WorldExports)
}

// hostFunctions wraps the imports and exports that need it, among the live
// functions below an id.
func (g *generator) hostFunctions(live func(graph.FuncID) bool, below graph.FuncID) error {
	g.boundary.exports = map[string]int{}
	for i, e := range g.p.Exports {
		g.boundary.exports[e.Name] = i
	}
	if err := g.oneRealloc(); err != nil {
		return err
	}
	for id := graph.FuncID(1); id < below; id++ {
		f := &g.p.Funcs[id]
		if f.Kind != graph.FuncImport || f.Import.Lower == nil || f.Import.Lower.Through || !live(id) {
			continue
		}
		imp := f.Import
		if err := g.hostImport(id); err != nil {
			return fmt.Errorf("import %q %q of %s: %w", imp.Module, imp.Name, g.p.Components[imp.Lower.Component].Name, err)
		}
	}
	err := g.worldExports(func(name string, x *graph.Extern) error {
		if err := g.hostExport(name, x); err != nil {
			return fmt.Errorf("export %q: %w", name, err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for id := 1; id < len(g.p.Resources) && g.boundary.noDtor != 0; id++ {
		if r := &g.p.Resources[id]; r.Exported && r.Dtor != 0 {
			g.hostDtor(r)
		}
	}
	return nil
}

// hostImport turns a core import into a wrapper around itself, if values that
// differ for the host pass through it.
func (g *generator) hostImport(id graph.FuncID) error {
	l := g.p.Funcs[id].Import.Lower
	t := l.Func.Type
	if g.o.Host.Stages(t, l.Opts.Encoding, false) {
		return g.stageImport(id)
	}
	params, results, spilled, retptr := component.FlattenFunc(t, component.Lower)
	tuple := tupleOf(t.Params)
	b := ir.New(params)
	out, in := g.crosser(b, argsOut, l.Component, l.Opts), g.crosser(b, resultIn, l.Component, l.Opts)
	args := out.concerns(tuple) || out.rebases && spilled
	result := t.Result != nil && (in.concerns(t.Result) || in.rebases && retptr)
	told := *l
	current := 0
	if resultAllocates(t) && l.Opts.Realloc != 0 {
		current = g.reallocNumber(l.Opts)
		told.Opts.Realloc = g.hostRealloc(l.Opts)
	}
	if out.rebases {
		told.Opts.Memory = g.o.Host.Memory
	}
	if g.o.Host.OneRealloc {
		told.Opts.Encoding = g.o.Host.Encoding // no strings, if they differ
	}
	imported := g.p.Funcs[id]
	imp := *imported.Import
	imp.Lower = &told
	imported.Import = &imp
	if !args && !result && current == 0 && !g.clears[l.Component] {
		g.p.Funcs[id] = imported
		return nil
	}
	name := g.p.FuncName(id)
	raw := g.p.AddFunc(imported)
	g.checkLeave(b, l.Component)

	lends, saved := g.lends(tuple), spilled && out.concerns(tuple) || out.buried(tuple)
	var lent, mark ir.Local
	if lends {
		lent = b.Local(wasm.I32)
		g.lenderMark(b)
		b.Set(lent)
	}
	if saved {
		mark = b.Local(wasm.I32)
		g.saveMark(b)
		b.Set(mark)
	}
	src := slotsFrom(0, len(tuple.Flat()))
	if spilled {
		src = place{mem: true, ptr: 0}
		if args {
			out.checkPtr(0, tuple, out.from)
		}
	}
	if err := out.value(tuple, src); err != nil {
		return err
	}
	ret := ir.Local(len(params) - 1)
	if retptr && result {
		in.checkPtr(ret, t.Result, in.from)
	}
	if saved {
		out.swap(mark)
	}
	for i := range params {
		b.Get(ir.Local(i))
		if spilled && i == 0 || retptr && ir.Local(i) == ret {
			out.hostAddress()
		}
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
	var flat []ir.Local
	for _, ct := range results {
		flat = append(flat, b.Local(ct))
		b.Set(flat[0])
	}
	if saved {
		if retptr {
			out.restore(func() { b.Get(mark, ret); b.I32(t.Result.Size()) })
		} else {
			out.restore(func() { b.Get(mark); b.I32(0); b.I32(0) })
		}
	}
	if lends {
		release, err := g.releaseFunc()
		if err != nil {
			return err
		}
		b.I32(g.handles(l.Component))
		b.Get(lent)
		b.Call(release)
	}
	if result {
		dst := place{slots: flat}
		if retptr {
			dst = place{mem: true, ptr: ret}
		}
		if err := in.value(t.Result, dst); err != nil {
			return err
		}
	}
	b.Get(flat...)
	g.p.Funcs[id].Import = nil
	g.set(id, "to the host: "+name, b)
	return nil
}

// hostExport puts a wrapper in the place of an exported function, if values
// that differ for the host pass through it. Callers inside the bundle keep the
// function itself.
func (g *generator) hostExport(name string, x *graph.Extern) error {
	lift := x.Func.Lift
	if lift == nil || lift.Through {
		return nil
	}
	t := lift.Type
	if g.o.Host.Stages(t, lift.Opts.Encoding, true) {
		return g.stageExport(name, x)
	}
	params, results, spilled, retptr := component.FlattenFunc(t, component.Lift)
	tuple := tupleOf(t.Params)
	b := ir.New(params)
	in, out := g.crosser(b, argsIn, lift.Component, lift.Opts), g.crosser(b, resultOut, lift.Component, lift.Opts)
	args := in.concerns(tuple) || in.rebases && spilled
	result := t.Result != nil && (out.concerns(t.Result) || out.rebases && retptr)
	told := *lift
	if paramsAllocate(t) && lift.Opts.Realloc != 0 {
		told.Opts.Realloc = g.hostRealloc(lift.Opts)
	}
	if in.rebases {
		told.Opts.Memory = g.o.Host.Memory
	}
	x.Func = &graph.CompFunc{Type: x.Func.Type, Lift: &told}
	if !args && !result {
		if told.Opts.PostReturn = g.postReturn(name, lift, nil); told.Opts.PostReturn != 0 {
			g.export("cabi_post_"+name, told.Opts.PostReturn)
		}
		return nil
	}
	if args {
		src := slotsFrom(0, len(params))
		if spilled {
			src = place{mem: true, ptr: 0}
			if in.rebases {
				b.Get(0)
				in.ownAddress()
				b.Set(0)
			}
			in.checkPtr(0, tuple, in.from)
		}
		if err := in.value(tuple, src); err != nil {
			return err
		}
	}
	for i := range params {
		b.Get(ir.Local(i))
	}
	b.Call(lift.Core)
	var flat []ir.Local
	for _, ct := range results {
		flat = append(flat, b.Local(ct))
		b.Set(flat[0])
	}
	if g.lowersBorrow(tuple, lift.Component) {
		b.GlobalGet(g.borrowCount(lift.Component))
		b.TrapIf()
	}
	post := graph.FuncID(0)
	if !result {
		post = g.postReturn(name, lift, nil)
	} else {
		var err error
		if post, err = g.resultOut(name, out, lift, flat[0], retptr); err != nil {
			return err
		}
	}
	b.Get(flat...)
	if result && retptr {
		out.hostAddress()
	}
	body := graph.Func{Kind: graph.FuncGenerated, Type: g.p.Types.Func(params, results), Body: b.Finish(), Name: "from the host: " + name}
	told.Core, told.Opts.PostReturn = g.p.AddFunc(body), post
	g.export(name, told.Core)
	if post != 0 {
		g.export("cabi_post_"+name, post)
	}
	return nil
}

// resultOut walks the result of an export, which has one flat value, and
// returns the post-return to use. There is one wherever memory was changed,
// because a component may return the same memory twice.
func (g *generator) resultOut(name string, out *crosser, lift *graph.Lift, flat ir.Local, retptr bool) (graph.FuncID, error) {
	b, r := out.b, lift.Type.Result
	saved := retptr && out.concerns(r)
	post := lift.Opts.PostReturn
	var mark ir.Local
	if saved {
		mark = b.Local(wasm.I32)
		g.saveMark(b)
		b.Set(mark)
	}
	if post != 0 {
		b.Get(flat)
		b.GlobalSet(g.kept(&g.boundary.flat, "result of the last export"))
	}
	at := place{slots: []ir.Local{flat}}
	if retptr {
		at = place{mem: true, ptr: flat}
		out.checkPtr(flat, r, out.from)
	}
	if err := out.value(r, at); err != nil {
		return 0, err
	}
	if saved {
		out.swap(mark)
		b.Get(mark)
		b.GlobalSet(g.kept(&g.boundary.mark, "saves of the last export"))
	}
	if post == 0 && !saved {
		return 0, nil
	}
	return g.postReturn(name, lift, func(b *ir.Builder) {
		if saved {
			out.in(b).restore(func() { b.GlobalGet(g.boundary.mark); b.I32(0); b.I32(0) })
		}
		if post != 0 {
			b.GlobalGet(g.boundary.flat)
		}
	}), nil
}

// postReturn is the post-return that the host is told of. before puts things
// back as they were and pushes the flat result that the component returned;
// without it, the host's is the same.
func (g *generator) postReturn(name string, lift *graph.Lift, before func(b *ir.Builder)) graph.FuncID {
	post := lift.Opts.PostReturn
	leaves := g.clears[lift.Component] && g.leaves(post)
	if before == nil && !leaves {
		return post
	}
	_, results, _, _ := component.FlattenFunc(lift.Type, component.Lift)
	b := ir.New(results)
	if before != nil {
		before(b)
	} else {
		for i := range results {
			b.Get(ir.Local(i))
		}
	}
	if post != 0 {
		if leaves {
			g.setLeave(b, lift.Component, 0)
		}
		b.Call(post)
		if leaves {
			g.setLeave(b, lift.Component, 1)
		}
	}
	return g.p.AddFunc(graph.Func{
		Kind: graph.FuncGenerated, Type: g.p.Types.Func(results, nil), Body: b.Finish(), Name: "post-return of " + name,
	})
}

// kept returns a global of the boundary, made at first use.
func (g *generator) kept(id *graph.GlobalID, name string) graph.GlobalID {
	if *id == 0 {
		*id = g.global(name, 0)
	}
	return *id
}

// export makes a core export name a function.
func (g *generator) export(name string, fn graph.FuncID) {
	if i, ok := g.boundary.exports[name]; ok {
		g.p.Exports[i].ID = uint32(fn)
		return
	}
	g.boundary.exports[name] = len(g.p.Exports)
	g.p.Exports = append(g.p.Exports, graph.Export{Name: name, Kind: wasm.ExternFunc, ID: uint32(fn)})
}

// unexport takes a core export back.
func (g *generator) unexport(name string) {
	i, ok := g.boundary.exports[name]
	if !ok {
		return
	}
	g.p.Exports = slices.Delete(g.p.Exports, i, i+1)
	delete(g.boundary.exports, name)
	for other, at := range g.boundary.exports {
		if at > i {
			g.boundary.exports[other] = at - 1
		}
	}
}

// hostDtor puts a wrapper in the place of the destructor that the host calls:
// it does nothing while the bundle takes the resource itself back.
func (g *generator) hostDtor(r *graph.Resource) {
	name := "[dtor]" + r.ExportAs
	if r.ExportIn != "" {
		name = r.ExportIn + "#" + name
	}
	b := ir.New(i32s[:1])
	b.GlobalGet(g.boundary.noDtor)
	b.Op(wasm.OpI32Eqz)
	b.If()
	b.Get(0)
	b.Call(r.Dtor)
	b.End()
	g.export(name, g.p.AddFunc(graph.Func{
		Kind: graph.FuncGenerated, Type: g.p.Types.Func(i32s[:1], nil), Body: b.Finish(), Name: "from the host: " + name,
	}))
}

// slotsFrom is the place of n flat values in consecutive locals.
func slotsFrom(first ir.Local, n int) place {
	p := place{slots: make([]ir.Local, n)}
	for i := range p.slots {
		p.slots[i] = first + ir.Local(i)
	}
	return p
}
