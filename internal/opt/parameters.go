package opt

import (
	"sync"

	"github.com/wbundle/wbundle/internal/ir"
	"github.com/wbundle/wbundle/internal/wasm"
)

// Parameters and results that make no difference.
//
// In: all bodies. Out: functions that are only called directly have no
// parameter that they do not read, none that is the same constant in every call,
// and no result that no call uses.
//
//	(func $f (param i32 i32) (result i32)      (func $f (param i32)
//	  (call $g (local.get 0) (i32.const 8))      (call $g (local.get 0))
//	  (i32.const 0))                             (drop (i32.const 0)))
//	(func $g (param i32 i32)                   (func $g (param i32)
//	  (i32.store (local.get 0) (local.get 1)))   (i32.store (local.get 0) (i32.const 8)))
//	(drop (call $f (call $h) (call $k)))       (call $f (call $h) (drop (call $k)))
//
// It is safe because all calls are known: the function is not exported, in no
// table, and no instruction makes a reference to it. An argument that does
// something is still evaluated, in its place.
//
// What it gives up: functions without a tree, and those that one without a tree
// calls; results of functions that are left by br_table or a handler with the
// result, or that make or end a tail call.
func (s *state) parameters() error {
	g, err := s.graph()
	if err != nil {
		return err
	}
	s.bury(g)
	p := &parameterPass{s: s, g: g, of: make([]*signature, len(g.live)), seen: make([]bool, len(s.m.Code))}
	imported := s.imported()
	for i := range s.m.Code {
		fn := imported + uint32(i)
		if t := s.c.FuncType(fn); g.live[fn] && !g.fixed[fn] && g.calls[fn] > 0 && len(t.Params)+len(t.Results) > 0 && len(t.Results) <= 1 {
			p.of[fn] = &signature{args: make([]argument, len(t.Params)), read: make([]bool, len(t.Params)), fixedResult: len(t.Results) == 0}
		}
	}
	s.forgetSites()
	live := func(i int) bool { return g.live[imported+uint32(i)] }
	err = s.eachFunc(live, func(i int, f *ir.Func) bool {
		p.seen[i] = true
		p.collect(f)
		return false
	})
	if err != nil {
		return err
	}
	return p.apply()
}

// signature is what is found out about the parameters and the result of a
// function.
type signature struct {
	mu   sync.Mutex
	args []argument
	read []bool
	// used says that some call uses the result; fixedResult that there is none,
	// or that it cannot be taken away.
	used, fixedResult bool

	// What is decided. drop says which parameters go, with what stands for them
	// in args; noResult that the result does.
	changed  bool
	drop     []bool
	noResult bool
}

// argument is what a parameter is in all calls that have been seen.
type argument struct {
	state argumentState
	op    wasm.Opcode
	imm   uint64
}

type argumentState uint8

const (
	argumentNone argumentState = iota // no call has been seen
	argumentSame
	argumentMany
)

type parameterPass struct {
	s    *state
	g    *callGraph
	of   []*signature // by function; nil: stays as it is
	seen []bool       // by body: it has a tree
}

// collect adds what a function does with its parameters, and passes to others.
func (p *parameterPass) collect(f *ir.Func) {
	gets, sets := make([]int, f.Params), make([]bool, f.Params)
	own := p.of[f.Index]
	fixed := false
	var look func(n *ir.Node)
	look = func(n *ir.Node) {
		switch n.Op {
		case wasm.OpLocalGet:
			if n.Imm < uint64(f.Params) {
				gets[n.Imm]++
			}
		case wasm.OpLocalSet, wasm.OpLocalTee:
			if n.Imm < uint64(f.Params) {
				sets[n.Imm] = true
			}
		case wasm.OpReturnCall, wasm.OpReturnCallIndirect, wasm.OpReturnCallRef:
			fixed = true
		}
		for i := range n.Targets {
			fixed = fixed || n.Targets[i].Label == f.Body && f.Result.Kind != ir.KindNone
		}
		for _, k := range n.Kids {
			look(k)
		}
	}
	look(f.Body)
	p.calls(f, f.Body, false, sets, gets)
	if own != nil {
		own.mu.Lock()
		for i := range own.read {
			own.read[i] = gets[i] > 0
		}
		own.fixedResult = own.fixedResult || fixed
		own.mu.Unlock()
	}
}

// calls adds the calls in a tree. A function that passes a parameter on to
// itself, in its place, says nothing new, and has not read it.
func (p *parameterPass) calls(f *ir.Func, n *ir.Node, dropped bool, sets []bool, gets []int) {
	if n.Op == wasm.OpCall || n.Op == wasm.OpReturnCall {
		if sig := p.of[n.Imm]; sig != nil {
			sig.mu.Lock()
			for i, a := range n.Kids {
				if a.Op == wasm.OpLocalGet && uint32(n.Imm) == f.Index && a.Imm == uint64(i) && !sets[i] {
					gets[i]--
					continue
				}
				sig.args[i].add(f, a)
			}
			sig.used = sig.used || !dropped || n.Op == wasm.OpReturnCall
			sig.mu.Unlock()
		}
	}
	for _, k := range n.Kids {
		p.calls(f, k, n.Op == wasm.OpDrop, sets, gets)
	}
}

// add takes note of one more call.
func (a *argument) add(f *ir.Func, n *ir.Node) {
	same := n.IsConst() || n.Op == wasm.OpGlobalGet && !f.Ctx.Globals[n.Imm].Mutable
	switch {
	case n.IsUnreachable(), a.state == argumentMany: // there is no such call, or nothing to learn
	case !same, a.state == argumentSame && (a.op != n.Op || a.imm != n.Imm):
		a.state = argumentMany
	default:
		*a = argument{argumentSame, n.Op, n.Imm}
	}
}

// apply decides, and changes the functions and their callers.
func (p *parameterPass) apply() error {
	s := p.s
	imported := s.imported()
	for i := range s.m.Code {
		fn := imported + uint32(i)
		if p.seen[i] || !p.g.live[fn] {
			continue
		}
		p.of[fn] = nil
		for _, to := range p.g.of(fn) {
			p.of[to] = nil
		}
	}
	any := false
	for _, sig := range p.of {
		if sig == nil {
			continue
		}
		sig.drop = make([]bool, len(sig.args))
		for i := range sig.args {
			sig.drop[i] = !sig.read[i] || sig.args[i].state == argumentSame
			sig.changed = sig.changed || sig.drop[i]
		}
		sig.noResult = !sig.used && !sig.fixedResult
		sig.changed = sig.changed || sig.noResult
		any = any || sig.changed
	}
	if !any {
		return nil
	}
	affected := func(i int) bool {
		fn := imported + uint32(i)
		if !p.g.live[fn] {
			return false
		}
		if sig := p.of[fn]; sig != nil && sig.changed {
			return true
		}
		for _, to := range p.g.of(fn) {
			if sig := p.of[to]; sig != nil && sig.changed {
				return true
			}
		}
		return false
	}
	// All of them are written back: a call that is never reached is in the bytes,
	// though not in the tree.
	err := s.eachFunc(affected, func(i int, f *ir.Func) bool {
		f.Body = p.rewrite(f, f.Body)
		if sig := p.of[f.Index]; sig != nil && sig.changed {
			sig.change(f)
		}
		f.Finalize()
		s.touched[i] = true
		return true
	})
	if err != nil {
		return err
	}
	types := newTypeClasses(s.m)
	for i := range s.m.Code {
		sig := p.of[imported+uint32(i)]
		if sig == nil || !sig.changed {
			continue
		}
		t := s.c.FuncType(imported + uint32(i))
		params, results := make([]wasm.ValType, 0, len(t.Params)), t.Results
		for k, ty := range t.Params {
			if !sig.drop[k] {
				params = append(params, ty)
			}
		}
		if sig.noResult {
			results = nil
		}
		s.m.Funcs[i] = types.find(params, results)
	}
	s.c = ir.NewContext(s.m)
	return nil
}

// rewrite changes the calls in a tree.
func (p *parameterPass) rewrite(f *ir.Func, n *ir.Node) *ir.Node {
	if n.Op == wasm.OpDrop && n.Kids[0].Op == wasm.OpCall {
		if sig := p.of[n.Kids[0].Imm]; sig != nil && sig.noResult {
			return p.rewrite(f, n.Kids[0])
		}
	}
	for i, k := range n.Kids {
		n.Kids[i] = p.rewrite(f, k)
	}
	if n.Op != wasm.OpCall && n.Op != wasm.OpReturnCall {
		return n
	}
	sig := p.of[n.Imm]
	if sig == nil || !sig.changed {
		return n
	}
	var first, args []*ir.Node
	for i, a := range n.Kids {
		switch {
		case !sig.drop[i]:
			args = append(args, a)
		case f.Removable(a):
		case len(args) == 0:
			first = append(first, f.Drop(a))
		default:
			last := args[len(args)-1]
			args[len(args)-1] = f.Node(ir.OpFirst, last.Type, last, f.Drop(a))
		}
	}
	t := ir.None
	switch {
	case n.Op == wasm.OpReturnCall:
		t = ir.Unreachable
	case !sig.noResult:
		if r := f.Ctx.FuncType(uint32(n.Imm)).Results; len(r) == 1 {
			t = r[0]
		}
	}
	call := f.Node(n.Op, t, args...)
	call.Imm = n.Imm
	if len(first) == 0 {
		return call
	}
	return f.Block(append(first, call)...)
}

// change takes the parameters and the result away from the function itself.
func (sig *signature) change(f *ir.Func) {
	c := &parameterChange{f: f, local: make([]uint32, len(f.Locals)), with: make([]*ir.Node, f.Params), dead: make([]bool, f.Params)}
	gets, sets := make([]int, len(f.Locals)), make([]int, len(f.Locals))
	ir.Locals(f.Body, func(l uint32) { gets[l]++ }, func(l uint32) { sets[l]++ })
	old := f.Locals
	f.Locals = make([]wasm.ValType, 0, len(old))
	for i := range sig.drop {
		if !sig.drop[i] {
			c.local[i] = uint32(len(f.Locals))
			f.Locals = append(f.Locals, old[i])
		}
	}
	params := len(f.Locals)
	for l := f.Params; l < len(old); l++ {
		c.local[l] = uint32(len(f.Locals))
		f.Locals = append(f.Locals, old[l])
	}
	var first []*ir.Node
	for i, a := range sig.args {
		switch {
		case !sig.drop[i]:
		case gets[i] == 0:
			c.dead[i] = true
		default:
			value := f.Node(a.op, old[i])
			value.Imm = a.imm
			size := f.Size(value)
			if sets[i] == 0 && gets[i]*(size-2) <= size+2 {
				c.with[i] = value
				continue
			}
			c.local[i] = uint32(len(f.Locals))
			f.Locals = append(f.Locals, old[i])
			first = append(first, f.Set(c.local[i], value))
		}
	}
	f.Params = params
	c.noResult = sig.noResult
	body := f.Body
	for i, k := range body.Kids {
		body.Kids[i] = c.node(k)
	}
	if sig.noResult {
		f.Result, body.Result = ir.None, ir.None
		if n := len(body.Kids); n > 0 && body.Kids[n-1].HasValue() {
			body.Kids[n-1] = f.Drop(body.Kids[n-1])
		}
	}
	if len(first) > 0 {
		body.Kids = append(first, body.Kids...)
	}
}

// parameterChange is the work on one function.
type parameterChange struct {
	f        *ir.Func
	local    []uint32   // new numbers
	with     []*ir.Node // what stands for reads of a parameter
	dead     []bool     // parameters that nothing reads
	noResult bool
}

func (c *parameterChange) node(n *ir.Node) *ir.Node {
	f := c.f
	for i, k := range n.Kids {
		n.Kids[i] = c.node(k)
	}
	switch n.Op {
	case wasm.OpLocalGet:
		if n.Imm < uint64(len(c.with)) && c.with[n.Imm] != nil {
			return f.Copy(c.with[n.Imm])
		}
		n.Imm = uint64(c.local[n.Imm])
	case wasm.OpLocalSet, wasm.OpLocalTee:
		if n.Imm < uint64(len(c.dead)) && c.dead[n.Imm] {
			if n.Op == wasm.OpLocalTee {
				return n.Kids[0]
			}
			return f.Drop(n.Kids[0])
		}
		n.Imm = uint64(c.local[n.Imm])
	case wasm.OpReturn, wasm.OpBr, wasm.OpBrIf:
		if c.noResult && (n.Op == wasm.OpReturn || n.Target == f.Body) {
			return c.withoutValue(n)
		}
	}
	return n
}

// withoutValue is a branch out of a function that no longer has a result.
func (c *parameterChange) withoutValue(n *ir.Node) *ir.Node {
	f := c.f
	value := n.Kids[0]
	leave := f.Node(n.Op, ir.Unreachable)
	leave.Target = n.Target
	if n.Op != wasm.OpBrIf {
		return f.Block(f.Drop(value), leave)
	}
	// The value stays where the branch is not taken; a branch drops it.
	leave = f.Node(n.Op, ir.None, n.Kids[1])
	leave.Target = n.Target
	return f.Node(ir.OpFirst, value.Type, value, leave)
}
