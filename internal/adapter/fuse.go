package adapter

import (
	"fmt"

	"github.com/wbundle/wbundle/graph"
	"github.com/wbundle/wbundle/internal/component"
	"github.com/wbundle/wbundle/internal/ir"
	"github.com/wbundle/wbundle/internal/wasm"
)

// fuser builds one function that moves values from one end to another.
type fuser struct {
	*generator
	b        *ir.Builder
	from, to end
}

// fuse generates canon lower of canon lift. The order of effects is that of
// CanonicalABI.md: the caller's may_leave, arguments lifted and lowered, the
// call, borrows of the callee returned, results lifted and lowered,
// post-return with the original flat results, lenders released.
func (g *generator) fuse(id graph.FuncID, l *graph.Lower) error {
	lift, t := l.Func.Lift, l.Func.Type
	caller, callee := end{l.Component, l.Opts}, end{lift.Component, lift.Opts}
	params, _, spilled, retptr := component.FlattenFunc(t, component.Lower)
	name := fmt.Sprintf("adapter %s -> %s", g.p.Components[l.Component].Name, g.p.Components[lift.Component].Name)

	// A component and the components inside it may not call each other
	// (CanonicalABI.md, call_might_be_recursive): the call can only trap.
	if g.recursive(l) {
		b := ir.New(params)
		b.Op(wasm.OpUnreachable)
		g.set(id, name, b)
		return nil
	}
	if g.transparent(t, l.Component, lift) {
		f := &g.p.Funcs[id]
		f.Kind, f.Alias = graph.FuncAlias, lift.Core
		return nil
	}
	if err := g.needs(t, caller, callee, spilled, retptr); err != nil {
		return err
	}

	b := ir.New(params)
	err := g.exceptions.guarded(b, func() ([]ir.Local, error) { return g.call(b, l) }, lift.Component, l.Component)
	if err == nil {
		g.set(id, name, b)
	}
	return err
}

// call writes the body of an adapter and returns the locals of its results.
func (g *generator) call(b *ir.Builder, l *graph.Lower) ([]ir.Local, error) {
	lift, t := l.Func.Lift, l.Func.Type
	caller, callee := end{l.Component, l.Opts}, end{lift.Component, lift.Opts}
	params, results, spilled, retptr := component.FlattenFunc(t, component.Lower)
	coreParams, coreResults, _, _ := component.FlattenFunc(t, component.Lift)
	f := &fuser{generator: g, b: b, from: caller, to: callee}
	g.checkLeave(b, l.Component)

	// Arguments.
	tuple := tupleOf(t.Params)
	var args []ir.Local
	borrows := false
	for _, p := range t.Params {
		borrows = borrows || p.Type.ContainsBorrow()
	}
	lends, borrowed := borrows && g.lends(tuple), borrows && g.lowersBorrow(tuple, lift.Component)
	var mark ir.Local
	if lends {
		mark = b.Local(wasm.I32)
		g.lenderMark(b)
		b.Set(mark)
	}
	clearsCallee := spilled || tuple.ContainsPointers()
	if clearsCallee {
		g.setLeave(b, lift.Component, 0)
	}
	if spilled {
		src := place{mem: true, ptr: 0}
		f.checkPtr(0, tuple, caller)
		dst := b.Local(wasm.I32)
		f.alloc(callee, tuple.Align(), func() { b.I32(tuple.Size()) })
		b.Set(dst)
		f.checkPtr(dst, tuple, callee)
		if err := f.value(tuple, src, place{mem: true, ptr: dst}); err != nil {
			return nil, err
		}
		args = []ir.Local{dst}
	} else {
		slot := ir.Local(0)
		var src []ir.Local
		for range tuple.Flat() {
			src = append(src, slot)
			slot++
		}
		for _, ct := range coreParams {
			args = append(args, b.Local(ct))
		}
		if err := f.value(tuple, place{slots: src}, place{slots: args}); err != nil {
			return nil, err
		}
	}
	if clearsCallee {
		g.setLeave(b, lift.Component, 1)
	}

	// The call.
	b.Get(args...)
	b.Call(lift.Core)
	var flat []ir.Local
	for _, ct := range coreResults {
		flat = append(flat, b.Local(ct))
	}
	for i := len(flat) - 1; i >= 0; i-- {
		b.Set(flat[i])
	}
	if borrowed {
		// All borrows that the callee was lent must be dropped by now.
		b.GlobalGet(g.borrowCount(lift.Component))
		b.TrapIf()
	}

	// The result.
	var out []ir.Local
	if r := t.Result; r != nil {
		back := &fuser{generator: g, b: b, from: callee, to: caller}
		var src, dst place
		if retptr {
			src = place{mem: true, ptr: flat[0]}
			back.checkPtr(flat[0], r, callee)
			ret := ir.Local(len(params) - 1)
			dst = place{mem: true, ptr: ret}
			back.checkPtr(ret, r, caller)
		} else {
			for _, ct := range results {
				out = append(out, b.Local(ct))
			}
			src, dst = place{slots: flat}, place{slots: out}
		}
		if r.ContainsPointers() {
			g.setLeave(b, l.Component, 0)
		}
		if err := back.value(r, src, dst); err != nil {
			return nil, err
		}
		if r.ContainsPointers() {
			g.setLeave(b, l.Component, 1)
		}
	}
	if post := lift.Opts.PostReturn; post != 0 {
		g.setLeave(b, lift.Component, 0)
		b.Get(flat...)
		b.Call(post)
		g.setLeave(b, lift.Component, 1)
	}
	if lends {
		release, err := g.releaseFunc()
		if err != nil {
			return nil, err
		}
		b.I32(g.handles(l.Component))
		b.Get(mark)
		b.Call(release)
	}
	return out, nil
}

// tupleOf makes the tuple type of a parameter list, as spilled parameters lie
// in memory.
func tupleOf(params []component.Field) *component.ValType {
	types := make([]*component.ValType, len(params))
	for i, p := range params {
		types[i] = p.Type
	}
	return component.NewTuple(types...)
}

// recursive reports whether a call is between a component and one inside it.
func (g *generator) recursive(l *graph.Lower) bool {
	callee := l.Func.Lift.Component
	return g.p.IsAncestor(l.Component, callee) || g.p.IsAncestor(callee, l.Component)
}

// transparent reports whether a call needs no adapter at all: every value is
// a number whose flat form has no invalid or redundant bits.
func (g *generator) transparent(t *component.FuncType, caller graph.ComponentID, lift *graph.Lift) bool {
	if g.clears[caller] || g.exceptions.throwing[lift.Component] || lift.Opts.PostReturn != 0 || len(t.Params) > component.MaxFlatParams {
		return false
	}
	plain := func(v *component.ValType) bool {
		switch v.Kind {
		case component.KindS32, component.KindU32, component.KindS64, component.KindU64, component.KindF32, component.KindF64:
			return true
		}
		return false
	}
	for _, p := range t.Params {
		if !plain(p.Type) {
			return false
		}
	}
	return t.Result == nil || plain(t.Result)
}

// needs checks that both ends have the options that the types ask for.
func (g *generator) needs(t *component.FuncType, caller, callee end, spilled, retptr bool) error {
	params, result := spilled, retptr
	pointers := false
	for _, p := range t.Params {
		pointers = pointers || p.Type.ContainsPointers()
	}
	params = params || pointers
	results := t.Result != nil && t.Result.ContainsPointers()
	result = result || results
	switch {
	case (params || result) && callee.opts.Memory == 0:
		return fmt.Errorf("function %s needs a memory, the lift has no memory option", t)
	case (params || result) && caller.opts.Memory == 0:
		return fmt.Errorf("function %s needs a memory, the lower has no memory option", t)
	case (spilled || pointers) && callee.opts.Realloc == 0:
		return fmt.Errorf("function %s passes its parameters in memory, the lift has no realloc option", t)
	case results && caller.opts.Realloc == 0:
		return fmt.Errorf("function %s returns its result in memory, the lower has no realloc option", t)
	}
	return nil
}

// alloc calls realloc(0, 0, align, size) of an end; the pointer is left on
// the stack, unchecked.
func (f *fuser) alloc(e end, align uint32, size func()) {
	f.b.I32(0)
	f.b.I32(0)
	f.b.I32(align)
	size()
	f.b.Call(e.opts.Realloc)
}

// checkPtr traps unless a value of type t at ptr is aligned and in bounds.
func (f *fuser) checkPtr(ptr ir.Local, t *component.ValType, e end) {
	f.checkAlign(ptr, t.Align())
	bounds := f.boundsFunc(e.opts.Memory)
	f.b.Get(ptr)
	f.b.I32(t.Size())
	f.b.Call(bounds)
}

// checkAlign traps unless ptr is a multiple of align.
func (f *fuser) checkAlign(ptr ir.Local, align uint32) {
	if align > 1 {
		f.b.Get(ptr)
		f.b.I32(align - 1)
		f.b.Op(wasm.OpI32And)
		f.b.TrapIf()
	}
}

// boundsFunc returns the helper (ptr, size) that traps unless size bytes at
// ptr lie in a memory; neither sum nor shift can overflow in 64 bits.
func (g *generator) boundsFunc(m graph.MemoryID) graph.FuncID {
	id, _ := g.helper(helperKey{kind: helperBounds, from: end{opts: graph.Options{Memory: m}}}, "bounds",
		[]wasm.ValType{wasm.I32, wasm.I32}, nil, func(b *ir.Builder) error {
			b.Get(0)
			b.Op(wasm.OpI64ExtendI32U)
			b.Get(1)
			b.Op(wasm.OpI64ExtendI32U, wasm.OpI64Add)
			b.MemorySize(m)
			b.Op(wasm.OpI64ExtendI32U)
			b.I64(16)
			b.Op(wasm.OpI64Shl, wasm.OpI64GtU)
			b.TrapIf()
			return nil
		})
	return id
}
