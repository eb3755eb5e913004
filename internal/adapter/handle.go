package adapter

import (
	"fmt"

	"github.com/wbundle/wbundle/graph"
	"github.com/wbundle/wbundle/internal/component"
	"github.com/wbundle/wbundle/internal/ir"
	"github.com/wbundle/wbundle/internal/wasm"
)

// A handle is an index into the table of the component instance that holds
// it. Resources that a component of the bundle defines live in tables of our
// own (table.go). Resources of the host keep the host's handles, which mean
// the same to every component of the bundle because to the host the bundle is
// one; what that cannot express (a borrow that one component lends another
// must be droppable apart from the owner's handle) is refused by name.

// tag is what the table stores of a handle's type: own handles are odd.
func tag(r *component.Resource, own bool) uint32 {
	t := r.ID << 1
	if own {
		t |= 1
	}
	return t
}

// ours reports whether handles of a resource live in tables of the bundle.
func (g *generator) ours(r *component.Resource) bool {
	res := &g.p.Resources[r.ID]
	return res.Component != 0 && !res.Exported
}

// handle moves an own or borrow (lift_own, lift_borrow, lower_own, lower_borrow).
func (f *fuser) handle(t *component.ValType, src, dst place) error {
	r := t.Resource
	res := &f.p.Resources[r.ID]
	if res.Exported {
		return fmt.Errorf("resource %q is exported to the host and handed to another component of the bundle; that is not supported yet", r.Name)
	}
	if res.Component == 0 {
		if t.Kind == component.KindBorrow {
			return fmt.Errorf("a borrow of the host's resource %q passes between components; that is not supported yet", r.Name)
		}
		f.store(dst, wasm.OpI32Store, 2, wasm.I32, func() { f.load(src, wasm.OpI32Load, 2, wasm.I32) })
		return nil
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
			f.b.I32(tag(r, true))
			f.b.Call(take)
			f.b.I32(tag(r, true))
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
		f.b.I32(tag(r, false))
		f.b.Call(add)
		count := f.borrowCount(f.to.comp)
		f.b.GlobalGet(count)
		f.b.I32(1)
		f.b.Op(wasm.OpI32Add)
		f.b.GlobalSet(count)
	}
	f.store(dst, wasm.OpI32Store, 2, wasm.I32, push)
	return err
}

// borrowsOf calls visit for each resource that t borrows, at least once.
func borrowsOf(t *component.ValType, visit func(*component.Resource)) {
	if t == nil || !t.ContainsBorrow() {
		return
	}
	switch t.Kind {
	case component.KindBorrow:
		visit(t.Resource)
	case component.KindRecord, component.KindTuple:
		for _, fl := range t.Fields {
			borrowsOf(fl.Type, visit)
		}
	case component.KindList, component.KindFixedList:
		borrowsOf(t.Elem, visit)
	default:
		for _, c := range t.CaseList() {
			borrowsOf(c.Type, visit)
		}
	}
}

// lends reports whether lifting t records lenders.
func (g *generator) lends(t *component.ValType) bool {
	found := false
	borrowsOf(t, func(r *component.Resource) { found = found || g.ours(r) })
	return found
}

// lowersBorrow reports whether lowering t into c makes borrow handles.
func (g *generator) lowersBorrow(t *component.ValType, c graph.ComponentID) bool {
	found := false
	borrowsOf(t, func(r *component.Resource) { found = found || g.ours(r) && g.p.Resources[r.ID].Component != c })
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

// resource generates resource.new, resource.rep and resource.drop.
func (g *generator) resource(id graph.FuncID, c *graph.Canon) error {
	r := c.Resource
	res := &g.p.Resources[r.ID]
	f := &g.p.Funcs[id]
	if res.Component == 0 || res.Exported {
		// The host keeps the table; names as wit-component mangles them.
		if res.Exported && res.Component != c.Component {
			return fmt.Errorf("resource %q is exported to the host and used by another component of the bundle; that is not supported yet", r.Name)
		}
		f.Kind = graph.FuncImport
		f.Import = &graph.Import{Resource: r, Op: c.Op}
		f.Import.Module, f.Import.Name = hostResource(res, c.Op)
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
		b.I32(tag(r, true))
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
	rep, own := b.Local(wasm.I32), b.Local(wasm.I32)
	b.I32(hdr)
	b.Get(0)
	b.I32(res.Type.ID)
	b.Call(drop)
	b.Set(own)
	b.Set(rep)
	b.Get(own)
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
		count := g.borrowCount(c.Component)
		b.GlobalGet(count)
		b.I32(1)
		b.Op(wasm.OpI32Sub)
		b.GlobalSet(count)
	} else {
		b.Op(wasm.OpUnreachable) // the defining component never holds borrow handles
	}
	b.End()
}

// hostResource names a resource intrinsic that the host provides.
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
