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
	params, _, _, _ := component.FlattenFunc(t, component.Lower)
	_, coreResults, _, _ := component.FlattenFunc(t, component.Lift)
	f := &fuser{generator: g, b: b, from: caller, to: callee}
	g.checkLeave(b, l.Component)

	// Arguments.
	tuple := tupleOf(t.Params)
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
	args, err := f.arguments(t)
	if err != nil {
		return nil, err
	}

	// The call.
	b.Get(args...)
	b.Call(lift.Core)
	flat := f.results(coreResults)
	if borrowed {
		// All borrows that the callee was lent must be dropped by now.
		b.GlobalGet(g.borrowCount(lift.Component))
		b.TrapIf()
	}

	back := &fuser{generator: g, b: b, from: callee, to: caller}
	out, err := back.result(t, flat, ir.Local(len(params)-1))
	if err != nil {
		return nil, err
	}
	back.returned(lift, flat)
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

// arguments moves the arguments of a call, the function's first parameters, and
// returns the locals that are the callee's.
func (f *fuser) arguments(t *component.FuncType) ([]ir.Local, error) {
	b, tuple := f.b, tupleOf(t.Params)
	params, _, spilled, _ := component.FlattenFunc(t, component.Lift)
	var args []ir.Local
	clears := spilled || tuple.ContainsPointers()
	if clears {
		f.setLeave(b, f.to.comp, 0)
	}
	if spilled {
		f.checkPtr(0, tuple, f.from)
		dst := b.Local(wasm.I32)
		f.alloc(f.to, tuple.Align(), func() { b.I32(tuple.Size()) })
		b.Set(dst)
		f.checkPtr(dst, tuple, f.to)
		if err := f.value(tuple, place{mem: true, ptr: 0}, place{mem: true, ptr: dst}); err != nil {
			return nil, err
		}
		args = []ir.Local{dst}
	} else {
		for _, ct := range params {
			args = append(args, b.Local(ct))
		}
		if err := f.value(tuple, slotsFrom(0, len(tuple.Flat())), place{slots: args}); err != nil {
			return nil, err
		}
	}
	if clears {
		f.setLeave(b, f.to.comp, 1)
	}
	return args, nil
}

// results takes what a call left on the stack.
func (f *fuser) results(types []wasm.ValType) []ir.Local {
	var flat []ir.Local
	for _, ct := range types {
		flat = append(flat, f.b.Local(ct))
	}
	for i := len(flat) - 1; i >= 0; i-- {
		f.b.Set(flat[i])
	}
	return flat
}

// result moves the result of a call: out of flat, or the memory that it points
// to, into new locals, or the memory that ret points to.
func (f *fuser) result(t *component.FuncType, flat []ir.Local, ret ir.Local) ([]ir.Local, error) {
	r, b := t.Result, f.b
	if r == nil {
		return nil, nil
	}
	_, results, _, retptr := component.FlattenFunc(t, component.Lower)
	var out []ir.Local
	var src, dst place
	if retptr {
		src, dst = place{mem: true, ptr: flat[0]}, place{mem: true, ptr: ret}
		f.checkPtr(flat[0], r, f.from)
		f.checkPtr(ret, r, f.to)
	} else {
		for _, ct := range results {
			out = append(out, b.Local(ct))
		}
		src, dst = place{slots: flat}, place{slots: out}
	}
	if r.ContainsPointers() {
		f.setLeave(b, f.to.comp, 0)
	}
	if err := f.value(r, src, dst); err != nil {
		return nil, err
	}
	if r.ContainsPointers() {
		f.setLeave(b, f.to.comp, 1)
	}
	return out, nil
}

// returned calls the post-return of a lift with what it returned.
func (f *fuser) returned(lift *graph.Lift, flat []ir.Local) {
	if post := lift.Opts.PostReturn; post != 0 {
		f.setLeave(f.b, lift.Component, 0)
		f.b.Get(flat...)
		f.b.Call(post)
		f.setLeave(f.b, lift.Component, 1)
	}
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
			g.pushEnd(b, m)
			b.Op(wasm.OpI64GtU)
			b.TrapIf()
			return nil
		})
	return id
}

// pushEnd pushes, as an i64, the first address that is out of a memory's bounds.
// In the staging memory that is what has been allocated.
func (g *generator) pushEnd(b *ir.Builder, m graph.MemoryID) {
	if g.stages(m) {
		b.GlobalGet(g.staging.top)
		b.Op(wasm.OpI64ExtendI32U)
		return
	}
	b.MemorySize(m)
	b.Op(wasm.OpI64ExtendI32U)
	b.I64(16)
	b.Op(wasm.OpI64Shl)
}
