package runtime

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/tetratelabs/wazero/api"

	"github.com/wbundle/wbundle/internal/component"
	"github.com/wbundle/wbundle/internal/wasi"
	"github.com/wbundle/wbundle/internal/wit"
)

// store is the state that the component instances of one tree share: the
// Store of CanonicalABI.md.
type store struct {
	ctx context.Context // of the call in progress
	cfg *Config
	// trapped is set by the first trap. After it nothing is known about the
	// state of any instance, so that every later call traps.
	trapped bool
	// current is the innermost call in progress, nil between calls.
	current   *frame
	resources map[*component.Resource]*resourceImpl
	// wasi answers the imports of WASI 0.2; nil while nothing imports it.
	wasi *wasi.Host
	// closers are what the host opened for WASI preview 1.
	closers []io.Closer
}

// compInst is a component instance: ComponentInstance of CanonicalABI.md.
type compInst struct {
	parent  *compInst
	handles handleTable
	// noLeave is the negation of may_leave: while values are lowered into the
	// instance (its realloc runs) and during post-return, it must not call out.
	noLeave bool
}

// isReflexiveAncestorOf says that i is o or one of the instances o is in.
func (i *compInst) isReflexiveAncestorOf(o *compInst) bool {
	for ; o != nil; o = o.parent {
		if o == i {
			return true
		}
	}
	return false
}

// frame is a call in progress: a task of CanonicalABI.md. inst is nil for
// calls by the host.
type frame struct {
	inst   *compInst
	parent *frame
	scope  borrowScope
}

// mightBeRecursive is call_might_be_recursive of CanonicalABI.md.
func mightBeRecursive(caller *frame, callee *compInst) bool {
	if caller.inst != nil {
		return caller.inst.isReflexiveAncestorOf(callee) || callee.isReflexiveAncestorOf(caller.inst)
	}
	for f := caller; f != nil; f = f.parent {
		for a := f.inst; a != nil; a = a.parent {
			if a.isReflexiveAncestorOf(callee) {
				return true
			}
		}
	}
	return false
}

// resourceImpl is the implementation of a resource type: the component
// instance that defined it (nil: the host) and its destructor (nil: none).
type resourceImpl struct {
	inst *compInst
	dtor func(rep uint32)
}

// enter runs f as a call by the host and turns panics into errors.
func (st *store) enter(ctx context.Context, f func(host *frame)) (err error) {
	outer, outerCtx := st.current, st.ctx
	defer func() { st.current, st.ctx = outer, outerCtx }()
	defer func() {
		var exit *ExitError
		if trap := (*Trap)(nil); errors.As(err, &trap) || errors.As(err, &exit) || ctx.Err() != nil {
			st.trapped = true
		}
	}()
	defer catch(&err)
	if st.trapped {
		trapf("the instance trapped before and cannot be entered again")
	}
	st.ctx = ctx
	f(&frame{parent: st.current})
	return nil
}

// coreFunc is an export of a core instance. wazero's api.Function is not
// reentrant; calls in progress each hold one of their own.
type coreFunc struct {
	mod  api.Module
	name string
	idle []api.Function
}

func newCoreFunc(mod api.Module, name string) *coreFunc {
	return &coreFunc{mod: mod, name: name}
}

// call calls the function and panics when it does not return.
func (f *coreFunc) call(ctx context.Context, args ...uint64) []uint64 {
	var fn api.Function
	if n := len(f.idle); n > 0 {
		fn, f.idle = f.idle[n-1], f.idle[:n-1]
	} else if fn = f.mod.ExportedFunction(f.name); fn == nil {
		invalidf("no core function %q", f.name)
	}
	results, err := fn.Call(ctx, args...)
	if err != nil {
		raise(ctx, err)
	}
	f.idle = append(f.idle, fn)
	return results
}

// options are the canonical options of a lift or lower, resolved. The
// functions and the memory are looked up at the first call: shims let a
// component lower a function before the memory it uses exists.
type options struct {
	enc     component.Encoding
	mem     func() api.Memory // nil: none
	realloc func() *coreFunc  // nil: none
	post    func() *coreFunc  // nil: none
}

// canonFor returns the lifting and lowering context of one call.
func (st *store) canonFor(inst *compInst, o *options, scope *borrowScope) (*canon, *instHandles) {
	h := &instHandles{st: st, inst: inst, scope: scope}
	c := &canon{ctx: st.ctx, enc: o.enc, handles: h}
	if o.mem != nil {
		c.mem = o.mem()
	}
	if o.realloc != nil {
		realloc := o.realloc()
		c.realloc = func(old, oldSize, align, newSize uint32) uint32 {
			return uint32(realloc.call(st.ctx, uint64(old), uint64(oldSize), uint64(align), uint64(newSize))[0])
		}
	}
	return c, h
}

// lift is canon_lift of CanonicalABI.md for synchronous functions.
func (st *store) lift(name string, inst *compInst, ft *component.FuncType, o options, core func() *coreFunc) *function {
	fn := &function{name: name, typ: ft}
	params, nParams := paramTypes(ft.Params)
	results, nResults := resultTypes(ft.Result)
	fn.call = func(caller *frame, args []Value, resolve func(Value)) {
		if ft.Async {
			unsupported("the asynchronous function %s", name)
		}
		if mightBeRecursive(caller, inst) {
			trapf("cannot enter component instance: the call of %s is recursive", name)
		}
		f := &frame{inst: inst, parent: caller}
		outer := st.current
		st.current = f
		c, _ := st.canonFor(inst, &o, &f.scope)

		inst.noLeave = true
		flat := c.lowerValues(args, component.MaxFlatParams, params, nParams, nil)
		inst.noLeave = false

		flatResults := core().call(st.ctx, flat...)

		v := one(c.liftValues(flatResults, component.MaxFlatResults, results, nResults))
		if f.scope.borrows > 0 {
			trapf("%s returned without dropping %d borrowed handles", name, f.scope.borrows)
		}
		resolve(v)
		if o.post != nil {
			inst.noLeave = true
			o.post().call(st.ctx, flatResults...)
			inst.noLeave = false
		}
		st.current = outer
	}
	return fn
}

// lower is canon_lower of CanonicalABI.md: a core function, on wazero's
// stack, that calls fn from inside inst.
func (st *store) lower(inst *compInst, fn *function, o options) func(stack []uint64) {
	ft := fn.typ
	params, nParams := paramTypes(ft.Params)
	results, nResults := resultTypes(ft.Result)
	flatParams, flatResults, _, spilled := component.FlattenFunc(ft, component.Lower)
	return func(stack []uint64) {
		if inst.noLeave {
			trapf("cannot leave component instance: %s was called during realloc or post-return", fn.name)
		}
		if ft.Async {
			unsupported("the asynchronous function %s", fn.name)
		}
		caller := &frame{inst: inst, parent: st.current}
		c, handles := st.canonFor(inst, &o, nil)
		args := c.liftValues(stack[:len(flatParams)], component.MaxFlatParams, params, nParams)
		var outPtr *uint32
		if spilled {
			p := uint32(stack[len(flatParams)-1])
			outPtr = &p
		}
		fn.call(caller, args, func(v Value) {
			if ft.Result == nil {
				return
			}
			inst.noLeave = true
			out := c.lowerValues([]Value{v}, component.MaxFlatResults, results, nResults, outPtr)
			inst.noLeave = false
			copy(stack[:len(flatResults)], out)
		})
		for _, h := range handles.lenders {
			h.lends--
		}
	}
}

// hostFunction makes the function that an import without a definition inside
// the tree calls: Config.Host's, or a stub that traps.
func (st *store) hostFunction(name string, ft *component.FuncType) *function {
	impl := st.cfg.Host[name]
	if impl == nil && st.cfg.fallback != nil {
		impl = st.cfg.fallback(name)
	}
	if impl == nil {
		impl = st.wasiFunc(name)
	}
	fn := &function{name: name, typ: ft}
	fn.call = func(caller *frame, args []Value, resolve func(Value)) {
		outer := st.current
		st.current = caller
		var v Value
		var err error
		if impl == nil {
			err = fmt.Errorf("the host does not provide the import %s", name)
		} else {
			v, err = impl(st.ctx, ft, args)
			if err == nil && !fits(v, ft.Result) {
				err = fmt.Errorf("the host's %s returned %v, not a value of its result type", name, v)
			}
		}
		if st.cfg.OnImport != nil {
			st.cfg.OnImport(name, args, v, err)
		}
		if err != nil {
			var exit *ExitError
			if errors.As(err, &exit) {
				panic(&hostError{err})
			}
			if cerr := st.ctx.Err(); cerr != nil && errors.Is(err, cerr) {
				panic(&hostError{late(cerr)})
			}
			panic(&Trap{Msg: err.Error(), Err: err})
		}
		st.current = outer
		resolve(v)
	}
	return fn
}

func fits(v Value, t *component.ValType) bool {
	if t == nil || v.IsZero() {
		return t == nil && v.IsZero()
	}
	return sameShape(v.Type(), t)
}

// instHandles is the handleSpace of one side of one call.
type instHandles struct {
	st      *store
	inst    *compInst
	scope   *borrowScope      // receives lowered borrows; nil when lifting a caller's arguments
	lenders []*resourceHandle // whose handles the call borrowed
}

// liftHandle is lift_own and lift_borrow.
func (h *instHandles) liftHandle(t *component.ValType, i uint32) wit.Value {
	e := h.inst.handles.get(i, t.Resource)
	if t.Kind == component.KindBorrow {
		e.lends++
		h.lenders = append(h.lenders, e)
		return wit.Handle(t, &hostHandle{res: e.res, rep: e.rep})
	}
	if e.lends != 0 {
		trapf("cannot pass handle %d on: it is lent to a call in progress", i)
	}
	if !e.own {
		trapf("cannot pass handle %d on as own: it is borrowed", i)
	}
	h.inst.handles.remove(i, t.Resource)
	return wit.Handle(t, &hostHandle{res: e.res, rep: e.rep, own: true})
}

// lowerHandle is lower_own and lower_borrow.
func (h *instHandles) lowerHandle(t *component.ValType, v wit.Value) uint32 {
	hh, ok := v.AsHandle().(*hostHandle)
	switch {
	case !ok:
		trapf("not a handle of this engine")
	case hh.gone:
		trapf("the handle was passed on or dropped before")
	case hh.res != t.Resource:
		trapf("a handle of %s where one of %s is wanted", resourceName(hh.res), resourceName(t.Resource))
	}
	if t.Kind == component.KindOwn {
		if !hh.own {
			trapf("a borrowed handle cannot be passed on as own")
		}
		hh.gone = true
		return h.inst.handles.add(&resourceHandle{res: hh.res, rep: hh.rep, own: true})
	}
	if h.st.resources[t.Resource].inst == h.inst {
		return hh.rep
	}
	if h.scope == nil {
		trapf("a borrowed handle cannot be a result")
	}
	h.scope.borrows++
	return h.inst.handles.add(&resourceHandle{res: hh.res, rep: hh.rep, scope: h.scope})
}

// resourceNew is canon_resource_new.
func (st *store) resourceNew(inst *compInst, res *component.Resource) func(stack []uint64) {
	return func(stack []uint64) {
		if inst.noLeave {
			trapf("cannot leave component instance: resource.new during realloc or post-return")
		}
		stack[0] = uint64(inst.handles.add(&resourceHandle{res: res, rep: uint32(stack[0]), own: true}))
	}
}

// resourceRep is canon_resource_rep.
func (st *store) resourceRep(inst *compInst, res *component.Resource) func(stack []uint64) {
	return func(stack []uint64) {
		stack[0] = uint64(inst.handles.get(uint32(stack[0]), res).rep)
	}
}

// resourceDrop is canon_resource_drop for synchronous destructors.
func (st *store) resourceDrop(inst *compInst, res *component.Resource) func(stack []uint64) {
	return func(stack []uint64) {
		if inst.noLeave {
			trapf("cannot leave component instance: resource.drop during realloc or post-return")
		}
		i := uint32(stack[0])
		h := inst.handles.get(i, res)
		if h.lends != 0 {
			trapf("cannot drop handle %d: it is lent to a call in progress", i)
		}
		inst.handles.remove(i, res)
		if !h.own {
			h.scope.borrows--
			return
		}
		st.destroy(&frame{inst: inst, parent: st.current}, res, h.rep)
	}
}

// destroy runs the destructor of a resource that its last owner dropped.
func (st *store) destroy(caller *frame, res *component.Resource, rep uint32) {
	impl := st.resources[res]
	if impl.inst == caller.inst {
		if impl.dtor != nil {
			impl.dtor(rep)
		}
		return
	}
	if impl.inst != nil && mightBeRecursive(caller, impl.inst) {
		trapf("cannot enter component instance: the drop of a %s is recursive", resourceName(res))
	}
	if impl.dtor == nil {
		return
	}
	outer := st.current
	st.current = &frame{inst: impl.inst, parent: caller}
	impl.dtor(rep)
	st.current = outer
}

// drop drops a handle that the host holds.
func (st *store) drop(ctx context.Context, v Value) error {
	h, ok := v.AsHandle().(*hostHandle)
	if !ok || !h.own || h.gone {
		return errors.New("not an own handle that can be dropped")
	}
	return st.enter(ctx, func(host *frame) {
		h.gone = true
		st.destroy(host, h.res, h.rep)
	})
}

// callFunction calls fn for the host.
func (st *store) callFunction(ctx context.Context, fn *function, args []Value) (result Value, err error) {
	err = st.enter(ctx, func(host *frame) {
		fn.call(host, args, func(v Value) { result = v })
	})
	if err != nil {
		return Value{}, err
	}
	return result, nil
}
