package adapter

import (
	"github.com/wbundle/wbundle/graph"
	"github.com/wbundle/wbundle/internal/component"
	"github.com/wbundle/wbundle/internal/ir"
	"github.com/wbundle/wbundle/internal/wasm"
)

// A handle is an index into the table of the component instance that holds
// it, which has one table for the handles of all resources. The host keeps
// such a table, too, but one for the whole bundle, because to the host the
// bundle is one instance. Where a single component has handles and all of
// them are of resources that the host knows, the two tables are the same one,
// and the host's is used as it is. Anywhere else every component has a table
// of our own (table.go), and boundary.go translates where a handle crosses
// between it and the host's.

// The lower bits of a tag say what kind of handle an entry is.
const (
	ownBit  = 1 // an own handle
	lentBit = 2 // a borrow from the host, whose own entry goes when it is dropped
	tagBits = 2
)

// tag is what the table stores of a handle's type.
func tag(r *component.Resource, kind uint32) uint32 { return r.ID<<tagBits | kind }

// ours reports whether handles of a resource live in tables of the bundle.
func (g *generator) ours(r *component.Resource) bool {
	return g.translates || !g.atBoundary(r)
}

// atBoundary reports whether the host knows a resource: it is the host's own,
// or exported to it.
func (g *generator) atBoundary(r *component.Resource) bool {
	res := &g.p.Resources[r.ID]
	return res.Component == 0 || res.Exported
}

// handle moves an own or borrow (lift_own, lift_borrow, lower_own, lower_borrow).
func (f *fuser) handle(t *component.ValType, src, dst place) error {
	if f.stages(memoryOf(f.from)) || f.stages(memoryOf(f.to)) {
		return f.stagedHandle(t, src, dst)
	}
	r := t.Resource
	res := &f.p.Resources[r.ID]
	if !f.ours(r) {
		panic("adapter: a handle of the host's table passes between components")
	}
	var err error
	push := func() {
		load := func() { f.load(src, wasm.OpI32Load, 2, wasm.I32) }
		if t.Kind == component.KindOwn {
			var take, add graph.FuncID
			if take, err = f.takeFunc(); err != nil {
				return
			}
			if add, err = f.addFunc(); err != nil {
				return
			}
			f.b.I32(f.handles(f.to.comp))
			f.b.I32(f.handles(f.from.comp))
			load()
			f.b.I32(tag(r, ownBit))
			f.b.Call(take)
			f.b.I32(tag(r, ownBit))
			f.b.Call(add)
			return
		}
		var lend, add graph.FuncID
		if lend, err = f.lendFunc(); err != nil {
			return
		}
		inside := res.Component == f.to.comp
		if !inside {
			f.b.I32(f.handles(f.to.comp))
		}
		f.b.I32(f.handles(f.from.comp))
		load()
		f.b.I32(r.ID)
		f.b.Call(lend)
		if inside {
			return // the component that defined the resource gets the representation
		}
		if add, err = f.addFunc(); err != nil {
			return
		}
		f.b.I32(tag(r, 0))
		f.b.Call(add)
		f.countBorrow(f.b, f.to.comp, wasm.OpI32Add)
	}
	f.store(dst, wasm.OpI32Store, 2, wasm.I32, push)
	return err
}

// handlesOf calls visit for each own and borrow in t. A type may be used many
// times in another; each is looked at once.
func handlesOf(t *component.ValType, visit func(*component.ValType)) {
	seen := map[*component.ValType]bool{}
	var walk func(t *component.ValType)
	walk = func(t *component.ValType) {
		if t == nil || !t.ContainsHandles() || seen[t] {
			return
		}
		seen[t] = true
		switch t.Kind {
		case component.KindOwn, component.KindBorrow:
			visit(t)
		case component.KindRecord, component.KindTuple:
			for _, fl := range t.Fields {
				walk(fl.Type)
			}
		case component.KindList, component.KindFixedList, component.KindMap:
			walk(t.ElemType())
		default:
			for _, c := range t.CaseList() {
				walk(c.Type)
			}
		}
	}
	walk(t)
}

// lends reports whether lifting t records lenders.
func (g *generator) lends(t *component.ValType) bool {
	found := false
	handlesOf(t, func(h *component.ValType) {
		found = found || h.Kind == component.KindBorrow && g.ours(h.Resource)
	})
	return found
}

// lowersBorrow reports whether lowering t into c makes borrow handles.
func (g *generator) lowersBorrow(t *component.ValType, c graph.ComponentID) bool {
	found := false
	handlesOf(t, func(h *component.ValType) {
		found = found || h.Kind == component.KindBorrow && g.ours(h.Resource) && g.p.Resources[h.Resource.ID].Component != c
	})
	return found
}

// borrowCount returns the global that counts the borrow handles which the
// running call of a component still has to drop. One global is enough: a
// component cannot be entered again before that call has returned.
func (g *generator) borrowCount(c graph.ComponentID) graph.GlobalID {
	comp := g.p.Components[c]
	if comp.Borrows == 0 {
		comp.Borrows = g.global(comp.Name+" borrows", 0)
	}
	return comp.Borrows
}

// countBorrow adds or subtracts one.
func (g *generator) countBorrow(b *ir.Builder, c graph.ComponentID, op wasm.Opcode) {
	count := g.borrowCount(c)
	b.GlobalGet(count)
	b.I32(1)
	b.Op(op)
	b.GlobalSet(count)
}

// resource generates resource.new, resource.rep and resource.drop.
func (g *generator) resource(id graph.FuncID, c *graph.Canon) error {
	r := c.Resource
	res := &g.p.Resources[r.ID]
	if !g.ours(r) && (c.Op == component.CanonResourceRep || !g.clears[c.Component]) {
		imported := g.intrinsic(r, c.Op) // first: it may move p.Funcs
		g.p.Funcs[id].Kind, g.p.Funcs[id].Alias = graph.FuncAlias, imported
		return nil
	}
	if !g.ours(r) {
		b := ir.New(i32s[:1])
		g.checkLeave(b, c.Component)
		b.Get(0)
		b.Call(g.intrinsic(r, c.Op))
		g.set(id, c.Op.String()+" "+r.Name, b)
		return nil
	}
	hdr := g.handles(c.Component)
	switch c.Op {
	case component.CanonResourceNew:
		add, err := g.addFunc()
		if err != nil {
			return err
		}
		b := ir.New([]wasm.ValType{wasm.I32})
		g.checkLeave(b, c.Component)
		b.I32(hdr)
		b.Get(0)
		b.I32(tag(r, ownBit))
		b.Call(add)
		g.set(id, "resource.new "+r.Name, b)
	case component.CanonResourceRep:
		rep, err := g.repFunc()
		if err != nil {
			return err
		}
		b := ir.New([]wasm.ValType{wasm.I32})
		b.I32(hdr)
		b.Get(0)
		b.I32(r.ID)
		b.Call(rep)
		g.set(id, "resource.rep "+r.Name, b)
	case component.CanonResourceDrop:
		drop, err := g.dropFunc()
		if err != nil {
			return err
		}
		b := ir.New([]wasm.ValType{wasm.I32})
		err = g.exceptions.guarded(b, func() ([]ir.Local, error) { dropBody(g, b, c, res, hdr, drop); return nil, nil }, res.Component)
		if err != nil {
			return err
		}
		g.set(id, "resource.drop "+r.Name, b)
	}
	return nil
}

// dropBody is resource.drop: an own handle runs the destructor, a borrow
// handle gives its borrow back.
func dropBody(g *generator, b *ir.Builder, c *graph.Canon, res *graph.Resource, hdr uint32, drop graph.FuncID) {
	g.checkLeave(b, c.Component)
	rep, kind := b.Local(wasm.I32), b.Local(wasm.I32)
	b.I32(hdr)
	b.Get(0)
	b.I32(res.Type.ID)
	b.Call(drop)
	b.Set(kind)
	b.Set(rep)
	if res.Component == 0 {
		// What the host gave the bundle goes back to the host; a borrow from
		// another component is only counted.
		b.Get(kind)
		b.If()
		b.Get(rep)
		b.Call(g.intrinsic(res.Type, component.CanonResourceDrop))
		b.End()
		b.Get(kind)
		b.I32(ownBit)
		b.Op(wasm.OpI32And, wasm.OpI32Eqz)
		b.If()
		g.countBorrow(b, c.Component, wasm.OpI32Sub)
		b.End()
		return
	}
	b.Get(kind)
	b.If()
	other := res.Component != c.Component
	switch {
	case other && (g.p.IsAncestor(res.Component, c.Component) || g.p.IsAncestor(c.Component, res.Component)):
		b.Op(wasm.OpUnreachable) // the destructor could re-enter (canon_resource_drop)
	case res.Dtor != 0:
		b.Get(rep)
		b.Call(res.Dtor)
	}
	b.Else()
	if other {
		g.countBorrow(b, c.Component, wasm.OpI32Sub)
	} else {
		b.Op(wasm.OpUnreachable) // the defining component never holds borrow handles
	}
	b.End()
}

// intrinsic returns the import of a resource intrinsic of the host's table.
func (g *generator) intrinsic(r *component.Resource, op component.CanonOp) graph.FuncID {
	k := helperKey{kind: helperIntrinsic, resource: r.ID, shape: uint8(op)}
	id, ok := g.helpers[k]
	if !ok {
		imp := &graph.Import{Resource: r, Op: op}
		imp.Module, imp.Name = hostResource(&g.p.Resources[r.ID], op)
		results := i32s[:1]
		if op == component.CanonResourceDrop {
			results = nil
		}
		id = g.p.AddFunc(graph.Func{Kind: graph.FuncImport, Type: g.p.Types.Func(i32s[:1], results), Import: imp})
		g.helpers[k] = id
	}
	return id
}

// hostResource names a resource intrinsic that the host provides, as
// wit-component mangles it.
func hostResource(res *graph.Resource, op component.CanonOp) (module, name string) {
	verb := map[component.CanonOp]string{
		component.CanonResourceNew:  "[resource-new]",
		component.CanonResourceRep:  "[resource-rep]",
		component.CanonResourceDrop: "[resource-drop]",
	}[op]
	if res.Exported {
		module = "[export]$root"
		if res.ExportIn != "" {
			module = "[export]" + res.ExportIn
		}
		return module, verb + res.ExportAs
	}
	module = "$root"
	if res.Interface != "" {
		module = res.Interface
	}
	return module, verb + res.Name
}
