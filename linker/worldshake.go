package linker

import (
	"slices"

	"github.com/wbundle/wbundle/graph"
	"github.com/wbundle/wbundle/internal/component"
)

// worldPass takes out of the world what nobody needs any more.
//
// In: what the output still imports. Out: the world imports the functions that are called or
// exported again, the types that those and the exports speak of, and the
// interfaces that either is in.
//
//	(import "wasi:cli/environment@0.2.12" (instance (export "get-environment" (func …))))  ;; nobody calls it
//
// It is safe because importing less is asking less: a host that satisfies the
// world from before satisfies this one.
func (f *flattener) worldPass(asked func(graph.FuncID) bool) {
	p := f.p
	w := &worldShaker{p: p, called: map[hostName]bool{}, used: map[any]bool{}}
	for id := graph.FuncID(1); int(id) < len(p.Funcs); id++ {
		fn := &p.Funcs[id]
		if fn.Kind != graph.FuncImport || !asked(id) {
			continue
		}
		switch {
		case fn.Import.Lower != nil:
			h := fn.Import.Lower.Func.Host
			w.called[hostName{h.Interface, h.Name}] = true
		case fn.Import.Resource != nil:
			w.used[fn.Import.Resource] = true
		}
	}
	for i := range p.WorldExports {
		w.export(&p.WorldExports[i])
	}
	for i := range p.WorldImports {
		w.calls(&p.WorldImports[i])
	}
	p.WorldImports = slices.DeleteFunc(p.WorldImports, func(x graph.Extern) bool { return !w.keep(&x) })
}

// hostName is a function of the host.
type hostName struct{ iface, name string }

// worldShaker finds what a world needs.
type worldShaker struct {
	p      *graph.Program
	called map[hostName]bool
	used   map[any]bool // types and resources
}

func (w *worldShaker) types(v *component.ValType) {
	typeUses(v, func(key any) { w.used[key] = true })
}

func (w *worldShaker) function(t *component.FuncType) {
	for _, p := range t.Params {
		w.types(p.Type)
	}
	w.types(t.Result)
}

// export notes what an export speaks of; a function of the host that is
// exported again is needed, too.
func (w *worldShaker) export(x *graph.Extern) {
	if x.Func != nil {
		w.function(x.Func.Type)
		if h := x.Func.Host; h != nil {
			w.called[hostName{h.Interface, h.Name}] = true
		}
	}
	if x.Type != nil {
		w.types(x.Type.Val)
		if x.Type.Resource != nil {
			w.used[x.Type.Resource] = true
		}
	}
	if x.Inst != nil {
		for i := range x.Inst.Items {
			w.export(&x.Inst.Items[i])
		}
	}
}

// calls notes what the functions that are needed speak of.
func (w *worldShaker) calls(x *graph.Extern) {
	if w.needed(x) {
		w.function(x.Func.Type)
	}
	if x.Inst != nil {
		for i := range x.Inst.Items {
			w.calls(&x.Inst.Items[i])
		}
	}
}

// needed reports whether an import is a function that is called.
func (w *worldShaker) needed(x *graph.Extern) bool {
	return x.Func != nil && x.Func.Host != nil && w.called[hostName{x.Func.Host.Interface, x.Func.Host.Name}]
}

// keep reports whether an import is needed, and leaves of an interface what is.
func (w *worldShaker) keep(x *graph.Extern) bool {
	switch {
	case x.Func != nil:
		return w.needed(x)
	case x.Type != nil:
		if x.Type.Resource != nil {
			return w.used[x.Type.Resource]
		}
		return x.Type.Val == nil || w.used[x.Type.Val]
	case x.Inst != nil:
		items := slices.DeleteFunc(slices.Clone(x.Inst.Items), func(it graph.Extern) bool { return !w.keep(&it) })
		x.Inst.Items = items
		return len(items) > 0
	}
	return true
}
