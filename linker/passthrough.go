package linker

import (
	"github.com/wbundle/wbundle/graph"
	"github.com/wbundle/wbundle/internal/component"
)

// passThrough prepares what the root exports of its own imports: a function of
// the host that the host gets back.
//
// Where all values are numbers, the core import is exported as it is and
// lifted like a function of the bundle, in every form of output:
//
//	(import "f" (func $f (param "x" u32)))    ;; component
//	(export "g" (func $f))
//	(func (import "$root" "f") (param i32))   ;; core
//	(export "g" (func 0))
//
// Anything else would need a memory that belongs to nobody. A component output
// exports the component-level import instead; a core output cannot, and
// exportFuncs says so.
func (f *flattener) passThrough(it *item, of graph.ComponentID) *item {
	switch {
	case it.inst != nil:
		in := newInstance(it.inst.label)
		changed := false
		for _, n := range it.inst.names {
			old := it.inst.items[n]
			now := f.passThrough(old, of)
			changed = changed || now != old
			in.add(n, now)
		}
		if changed {
			return &item{sort: it.sort, inst: in}
		}
	case it.fn != nil && it.fn.Host != nil && numeric(it.fn.Type):
		core := f.lowerHost(&graph.Lower{Func: it.fn, Component: of, Through: true})
		return &item{sort: it.sort, fn: &graph.CompFunc{
			Type: it.fn.Type, Lift: &graph.Lift{Type: it.fn.Type, Core: core, Component: of, Through: true},
		}}
	}
	return it
}

// rootComponent is the component instance that the root input became.
func (f *flattener) rootComponent() graph.ComponentID {
	for id, c := range f.p.Components[1:] {
		if c.Parent == 0 && f.p.Inputs[c.Input].Root {
			return graph.ComponentID(id + 1)
		}
	}
	return 0
}

// numeric reports whether lifting a lowered function needs no code in between:
// its values are flat numbers, and nobody has a handle to drop.
func numeric(t *component.FuncType) bool {
	_, _, spilled, retptr := component.FlattenFunc(t, component.Lower)
	if spilled || retptr || t.Async {
		return false
	}
	for _, p := range t.Params {
		if p.Type.ContainsPointers() || p.Type.ContainsBorrow() || p.Type.ContainsAsync() {
			return false
		}
	}
	return t.Result == nil || !t.Result.ContainsPointers() && !t.Result.ContainsAsync()
}

// lowerHost adds the core import for a lowered function of the host.
func (f *flattener) lowerHost(l *graph.Lower) graph.FuncID {
	h := l.Func.Host
	params, results, _, _ := component.FlattenFunc(l.Func.Type, component.Lower)
	t := f.p.Types.Func(params, results)
	if h.Trap {
		return f.trapFunc(t, "unresolved "+coreName(h.Interface, h.Name))
	}
	if fn := f.answer(l, t); fn != 0 {
		return fn
	}
	gf := graph.Func{Kind: graph.FuncImport, Type: t, Import: &graph.Import{Module: h.Interface, Name: h.Name, Lower: l}}
	if h.Interface == "" {
		gf.Import.Module = "$root"
	}
	return f.p.AddFunc(gf)
}
