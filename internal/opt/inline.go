package opt

import (
	"errors"
	"runtime"
	"slices"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/wbundle/wbundle/internal/ir"
	"github.com/wbundle/wbundle/internal/wasm"
)

// Calls replaced by what they call.
//
// In: all bodies and the call graph. Out: the same, without calls of
//
//   - functions that are called once: the body moves;
//   - functions whose body takes no more bytes than the call, as those that only
//     pass their parameters on, read a field, or return a constant;
//   - functions with few enough calls that all of their bodies together take no
//     more bytes than calls and function.
//
// For Speed, the last is true of every small function.
//
//	(func $f (param i32) (result i32) (call $g (local.get 0) (i32.const 1)))
//	(call $f (local.get $x))       (call $g (local.get $x) (i32.const 1))
//
// A fused component is full of these: an adapter is called from the one place
// that imports it, and a small one only turns a call of one component into a
// call of another. None of them is to be left.
//
// Functions are worked on from the leaves of the call graph upwards, all of one
// level at the same time: a body is final before it is put anywhere. Nothing is
// inlined along a cycle of calls. What was inlined is optimised together with
// its caller, and for Size the caller stays what it was if it has become larger
// than what it saves.
//
// It is safe because a body evaluates what the call evaluated, in the same
// order, and then what the callee did (inlineCall); locals that a callee expects
// to be zero are, because they are new, and set again where the call may happen
// twice. A stack overflow may come later than before.
//
// What it gives up: functions without a tree, bodies of more than maxInlined
// bytes, callers of more than maxCaller, because engines compile, and give
// registers out, by function.
func (s *state) inline() error {
	g, err := s.graph()
	if err != nil {
		return err
	}
	s.bury(g)
	p := &inlinePass{s: s, g: g, body: make([]inlinable, len(g.live))}
	byLevel := map[uint32][]uint32{}
	top := uint32(0)
	for _, fn := range g.order {
		byLevel[g.level[fn]] = append(byLevel[g.level[fn]], fn)
		top = max(top, g.level[fn])
	}
	s.forgetSites()
	for level := range top + 1 {
		if err := p.level(byLevel[level]); err != nil {
			return err
		}
	}
	if g, err = s.graph(); err != nil {
		return err
	}
	s.bury(g)
	return nil
}

const (
	maxInlined = 4 << 10  // bytes of a body that is put into a caller
	maxCaller  = 64 << 10 // bytes of a caller that is to grow
	maxTiny    = 64       // bytes of a caller that may take any body
	maxSmall   = 128      // bytes of a body that may be put into several callers
	maxLocals  = 4000     // of a caller
	// onceBytes is how many bytes more a body may take in the place of its only
	// call than it took alone. It had a length and a type; the rest is for what
	// later passes find.
	onceBytes = 16
	// speedBytes is how many bytes a call may grow by for Speed.
	speedBytes = 24
)

// inlinable says what is known of a function as a callee.
type inlinable struct {
	// small says that it goes wherever it is called; a call grows by grows bytes,
	// arguments aside.
	small bool
	grows int
}

type inlinePass struct {
	s    *state
	g    *callGraph
	body []inlinable // by function
}

// level works on functions that do not call each other, but for cycles.
func (p *inlinePass) level(fns []uint32) error {
	var next atomic.Int64
	grp, ctx := errgroup.WithContext(p.s.ctx)
	for range min(runtime.GOMAXPROCS(0), len(fns)) {
		grp.Go(func() error {
			a := arenas.Get().(*ir.Arena)
			defer arenas.Put(a)
			for ctx.Err() == nil {
				at := int(next.Add(1)) - 1
				if at >= len(fns) {
					break
				}
				if err := p.function(a, fns[at]); err != nil {
					return err
				}
			}
			return ctx.Err()
		})
	}
	return grp.Wait()
}

// code is the body of a defined function.
func (p *inlinePass) code(fn uint32) *wasm.Body { return &p.s.m.Code[fn-p.s.imported()] }

// wanted reports whether calls of a function from another are to be replaced.
func (p *inlinePass) wanted(fn, caller uint32) bool {
	g := p.g
	if fn < p.s.imported() || g.cyclic[fn] || g.cycle[fn] == g.cycle[caller] {
		return false
	}
	return p.body[fn].small || p.once(fn)
}

// once reports whether a function is called from one place, and nowhere else.
func (p *inlinePass) once(fn uint32) bool { return p.g.calls[fn] == 1 && !p.g.fixed[fn] }

// function inlines into one function, and finds out whether it is to be inlined
// itself.
func (p *inlinePass) function(a *ir.Arena, fn uint32) error {
	b := p.code(fn)
	if slices.ContainsFunc(p.g.of(fn), func(to uint32) bool { return p.wanted(to, fn) }) {
		a.Reset()
		f, err := ir.Decode(p.s.c, a, fn)
		if errors.Is(err, ir.ErrNoTree) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := p.into(a, f, b); err != nil {
			return err
		}
	}
	if len(b.Bytes) > maxSmall || p.g.cyclic[fn] || p.g.calls[fn] == 0 || p.once(fn) {
		return nil
	}
	a.Reset()
	f, err := ir.Decode(p.s.c, a, fn)
	if errors.Is(err, ir.ErrNoTree) {
		return nil
	}
	if err != nil {
		return err
	}
	p.body[fn] = p.judge(f, len(b.Bytes))
	return nil
}

// judge decides whether a function is to be inlined wherever it is called.
func (p *inlinePass) judge(f *ir.Func, size int) inlinable {
	u := useOf(f)
	if u.refused {
		return inlinable{}
	}
	grows := f.Size(f.Body) - 1 - len(wasm.AppendU32(nil, f.Index))
	for i := range f.Params {
		switch {
		case u.sets[i] > 0:
			grows += 2
		case u.gets[i] == 0:
			grows++ // a drop, if anything
		case u.early[i] > 0:
			grows -= 2
		default:
			grows += 2
		}
	}
	last := f.Body
	for last.Op == wasm.OpBlock && last.Refs == 0 && len(last.Kids) > 0 {
		last = last.Kids[len(last.Kids)-1]
	}
	if last.Op == wasm.OpReturn || isReturnCall(last.Op) {
		u.returns--
		grows--
	}
	if u.returns > 0 {
		grows += 3 + u.returns
	}
	n := int(p.g.calls[f.Index])
	small := grows <= 0 || p.s.o.Level == Speed && grows <= speedBytes
	if !small && !p.g.fixed[f.Index] {
		// The function takes its body, its length and its type.
		small = n*grows <= size+2
	}
	return inlinable{small: small, grows: grows}
}

// into inlines into the tree of a function and writes it back.
func (p *inlinePass) into(a *ir.Arena, f *ir.Func, b *wasm.Body) error {
	w := &inlineWork{p: p, a: a, f: f, size: len(b.Bytes), tiny: len(b.Bytes) <= maxTiny}
	f.Body = w.node(f.Body, false)
	if w.err != nil || w.count == 0 {
		return w.err
	}
	f.Finalize()
	p.s.optimizeFunc(f)
	code := ir.Encode(f)
	if p.s.o.Level == Size && len(code) > len(b.Bytes)+w.saves {
		return nil
	}
	*b = wasm.Body{Bytes: code, Off: b.Off}
	p.s.touched[f.Index-p.s.imported()] = false
	return nil
}

// inlineWork is the work on one caller.
type inlineWork struct {
	p     *inlinePass
	a     *ir.Arena
	f     *ir.Func
	size  int // bytes of the caller, about
	tiny  bool
	count int
	// saves is by how many bytes the caller may grow, because that much is saved
	// elsewhere, or was agreed upon.
	saves   int
	guarded int // 1: a try_table is in the caller; 2: there is none; 0: not known
	err     error
}

// node replaces the calls in a tree, operands first. Bodies that were put in
// are not looked at: their calls were, when they were worked on.
func (w *inlineWork) node(n *ir.Node, loop bool) *ir.Node {
	loop = loop || n.Op == wasm.OpLoop
	for i, k := range n.Kids {
		n.Kids[i] = w.node(k, loop)
	}
	if n.Op != wasm.OpCall && n.Op != wasm.OpReturnCall || w.err != nil || !w.p.wanted(uint32(n.Imm), w.f.Index) {
		return n
	}
	fn := uint32(n.Imm)
	b := w.p.code(fn)
	once := w.p.once(fn)
	if len(b.Bytes) > maxInlined && !w.tiny || w.size+len(b.Bytes) > maxCaller {
		return n
	}
	if slices.ContainsFunc(n.Kids, (*ir.Node).IsUnreachable) || n.Op == wasm.OpReturnCall && w.hasHandlers() {
		return n
	}
	callee, err := ir.DecodeBody(w.p.s.c, w.a, fn, b)
	if errors.Is(err, ir.ErrNoTree) {
		return n
	}
	if err != nil {
		w.err = err
		return n
	}
	use := useOf(callee)
	if use.refused || len(w.f.Locals)+len(callee.Locals) > maxLocals {
		return n
	}
	w.count++
	w.size += len(b.Bytes)
	if once {
		w.saves += len(b.Bytes) + onceBytes
	} else {
		w.saves += max(w.p.body[fn].grows, 0)
	}
	return inlineCall(w.f, n, callee, use, loop)
}

// hasHandlers reports whether the caller has a try_table: what return_call
// calls is outside of it, and a body in its place would be inside.
func (w *inlineWork) hasHandlers() bool {
	if w.guarded == 0 {
		w.guarded = 2
		if hasHandler(w.f.Body) {
			w.guarded = 1
		}
	}
	return w.guarded == 1
}

func hasHandler(n *ir.Node) bool {
	return n.Op == wasm.OpTryTable || slices.ContainsFunc(n.Kids, hasHandler)
}
