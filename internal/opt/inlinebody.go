package opt

import (
	"github.com/wbundle/wbundle/internal/ir"
	"github.com/wbundle/wbundle/internal/wasm"
)

// The part of inline that puts one body in the place of one call.
//
// Arguments that cost nothing to have again (constants, locals that nothing
// changes meanwhile) stand for the parameters. So do those that the body reads
// once, before anything else happens, unless their order would change:
//
//	(call $f (call $a) (call $b))      $f: (i32.sub (local.get 0) (local.get 1))
//	(i32.sub (call $a) (call $b))
//
// All others are stored in new locals, in their order. A branch out of the body
// is a branch out of a block around it.

// bodyUse is how a body uses its locals.
type bodyUse struct {
	gets, sets []int
	// early has for each parameter a number, from 1, in the order in which they
	// are read, if it is read once, and before anything happens that could be told
	// from nothing; else 0.
	early []int
	count int // of early
	// returns are the branches to the body, return included.
	returns int
	// refused says that the body cannot stand for a call.
	refused bool
}

// useOf finds out how a body uses its locals.
func useOf(f *ir.Func) *bodyUse {
	u := &bodyUse{gets: make([]int, len(f.Locals)), sets: make([]int, len(f.Locals)), early: make([]int, f.Params)}
	u.look(f, f.Body, false)
	for _, t := range f.Locals[:f.Params] {
		u.refused = u.refused || t.Kind == wasm.KindRef && !t.Nullable
	}
	u.order(f, f.Body)
	return u
}

func (u *bodyUse) look(f *ir.Func, n *ir.Node, guarded bool) {
	switch n.Op {
	case wasm.OpLocalGet:
		u.gets[n.Imm]++
	case wasm.OpLocalSet, wasm.OpLocalTee:
		u.sets[n.Imm]++
	case wasm.OpReturn:
		u.returns++
	case wasm.OpReturnCall, wasm.OpReturnCallIndirect, wasm.OpReturnCallRef:
		// Its exceptions do not reach a handler of the function that is left.
		u.refused = u.refused || guarded
		u.returns++
	case wasm.OpTryTable:
		guarded = true
	}
	if n.Target == f.Body {
		u.returns++
	}
	for i := range n.Targets() {
		if n.Targets()[i].Label == f.Body {
			u.returns++
		}
	}
	for _, k := range n.Kids {
		u.look(f, k, guarded)
	}
}

// order finds u.early, in the order of evaluation, and reports whether to go on.
func (u *bodyUse) order(f *ir.Func, n *ir.Node) bool {
	switch n.Op {
	case wasm.OpLoop, wasm.OpTryTable:
		return false
	case wasm.OpIf:
		u.order(f, n.Kids[0])
		return false
	}
	for _, k := range n.Kids {
		if !u.order(f, k) {
			return false
		}
	}
	switch n.Op {
	case wasm.OpLocalGet:
		if p := int(n.Imm); p < f.Params && u.gets[p] == 1 && u.sets[p] == 0 {
			u.count++
			u.early[p] = u.count
		}
		return true
	case wasm.OpLocalSet, wasm.OpLocalTee:
		return true
	}
	return f.NodeEffects(n) == 0
}

// inlining is one body on its way into a caller.
type inlining struct {
	f      *ir.Func // the caller
	callee *ir.Func
	use    *bodyUse
	// tail says that the call was a return_call: the body's returns are the
	// caller's.
	tail bool
	// local is the caller's local for each of the callee's, -1 for none yet;
	// with is what stands for a parameter instead.
	local []int
	with  []*ir.Node
	again []bool // with has to be copied
}

// inlineCall returns what stands for a call, whose arguments and body it takes
// apart. loop says that the call may happen more than once.
func inlineCall(f *ir.Func, call *ir.Node, callee *ir.Func, use *bodyUse, loop bool) *ir.Node {
	in := &inlining{
		f: f, callee: callee, use: use, tail: call.Op == wasm.OpReturnCall,
		local: make([]int, len(callee.Locals)), with: make([]*ir.Node, callee.Params), again: make([]bool, callee.Params),
	}
	for i := range in.local {
		in.local[i] = -1
	}
	list := in.bind(call.Kids)
	var zero []bool
	if loop {
		zero = readFirst(callee, use)
	}
	body := callee.Body
	if !in.tail {
		unreturn(in, body)
	}
	for i, k := range body.Kids {
		body.Kids[i] = in.node(k)
	}
	for l := callee.Params; l < len(callee.Locals); l++ {
		if zero != nil && zero[l] && in.local[l] >= 0 {
			list = append(list, f.Set(uint32(in.local[l]), zeroOf(f, callee.Locals[l])))
		}
	}
	if in.tail {
		// What is left at its end returns.
		if tailCall(body) {
			return f.Block(append(list, body)...)
		}
		if callee.Result.Kind == ir.KindNone {
			return f.Block(append(list, body, f.Node(wasm.OpReturn, ir.Unreachable))...)
		}
		return f.Block(append(list, f.Node(wasm.OpReturn, ir.Unreachable, body))...)
	}
	if len(list) == 0 {
		return body
	}
	return f.Block(append(list, body)...)
}

// zeroOf is the value that a local of a type begins with.
func zeroOf(f *ir.Func, t wasm.ValType) *ir.Node {
	op := wasm.OpRefNull
	switch t.Kind {
	case wasm.KindI32:
		op = wasm.OpI32Const
	case wasm.KindI64:
		op = wasm.OpI64Const
	case wasm.KindF32:
		op = wasm.OpF32Const
	case wasm.KindF64:
		op = wasm.OpF64Const
	case wasm.KindV128:
		op = wasm.OpV128Const
	}
	n := f.Node(op, t)
	if op == wasm.OpRefNull {
		n.Result = t
	}
	return n
}

// bind decides what becomes of the arguments, and returns the statements for
// those that are not put where the parameters are read.
func (in *inlining) bind(args []*ir.Node) []*ir.Node {
	f, u := in.f, in.use
	written := map[uint32]bool{}
	for _, a := range args {
		if a.Op != wasm.OpLocalGet && !a.IsConst() {
			ir.Locals(a, func(uint32) {}, func(l uint32) { written[l] = true })
		}
	}
	list := make([]*ir.Node, 0, len(args)+4)
	for i := len(args) - 1; i >= 0; i-- {
		a := args[i]
		switch {
		case u.sets[i] > 0:
		case u.gets[i] == 0:
			if !f.Removable(a) {
				list = append(list, f.Drop(a))
			}
			continue
		case a.IsConst() && (u.gets[i] == 1 || f.Size(a) <= 3), a.Op == wasm.OpLocalGet && !written[uint32(a.Imm)]:
			in.with[i], in.again[i] = a, true
			continue
		case u.early[i] > 0 && !in.passes(a, append(in.before(args, i), list...)):
			in.with[i] = a
			continue
		}
		list = append(list, f.Set(in.of(uint64(i)), a))
	}
	for i, j := 0, len(list)-1; i < j; i, j = i+1, j-1 {
		list[i], list[j] = list[j], list[i]
	}
	return list
}

// before are the arguments after the i-th that would be evaluated before it.
func (in *inlining) before(args []*ir.Node, i int) []*ir.Node {
	var first []*ir.Node
	for j := i + 1; j < len(args); j++ {
		if in.with[j] == args[j] && !in.again[j] && in.use.early[j] < in.use.early[i] {
			first = append(first, args[j])
		}
	}
	return first
}

// passes reports whether a tree would be evaluated after statements that have
// to come after it.
func (in *inlining) passes(a *ir.Node, list []*ir.Node) bool {
	if len(list) == 0 {
		return false
	}
	fx := in.f.Effects(a)
	reads, writes := map[uint32]bool{}, map[uint32]bool{}
	ir.Locals(a, func(l uint32) { reads[l] = true }, func(l uint32) { writes[l] = true })
	for _, s := range list {
		conflict := ir.Conflict(fx, in.f.Effects(s))
		ir.Locals(s, func(l uint32) { conflict = conflict || writes[l] }, func(l uint32) { conflict = conflict || reads[l] || writes[l] })
		if conflict {
			return true
		}
	}
	return false
}

// of is the caller's local for one of the callee's.
func (in *inlining) of(local uint64) uint32 {
	if in.local[local] < 0 {
		in.local[local] = int(in.f.NewLocal(in.callee.Locals[local]))
	}
	return uint32(in.local[local])
}

// unreturn turns a return at the very end into the value it returns.
func unreturn(in *inlining, n *ir.Node) {
	if len(n.Kids) == 0 {
		return
	}
	last := n.Kids[len(n.Kids)-1]
	switch {
	case last.Op == wasm.OpReturn && len(last.Kids) == 1:
		n.Kids[len(n.Kids)-1] = last.Kids[0]
	case last.Op == wasm.OpReturn:
		n.Kids[len(n.Kids)-1] = in.f.Nop()
	case isReturnCall(last.Op):
		in.plain(last)
	case last.Op == wasm.OpBlock && last.Refs == 0:
		unreturn(in, last)
	}
}

// node makes a tree of the callee one of the caller.
func (in *inlining) node(n *ir.Node) *ir.Node {
	f := in.f
	for i, k := range n.Kids {
		n.Kids[i] = in.node(k)
	}
	body := in.callee.Body
	if in.tail {
		if n.Target == body {
			n.Target = f.Body
		}
		for i := range n.Targets() {
			if n.Targets()[i].Label == body {
				n.Targets()[i].Label = f.Body
			}
		}
	}
	switch n.Op {
	case wasm.OpLocalGet:
		if l := n.Imm; l < uint64(in.callee.Params) && in.with[l] != nil {
			if in.again[l] {
				return f.Copy(in.with[l])
			}
			return in.with[l]
		}
		n.Imm = uint64(in.of(n.Imm))
	case wasm.OpLocalSet, wasm.OpLocalTee:
		n.Imm = uint64(in.of(n.Imm))
	case wasm.OpReturn:
		if !in.tail {
			n.Op, n.Target = wasm.OpBr, body
		}
	default:
		if isReturnCall(n.Op) && !in.tail {
			return in.leaveWith(n)
		}
	}
	return n
}

// leaveWith turns return_call into a call and a branch out of the body.
func (in *inlining) leaveWith(n *ir.Node) *ir.Node {
	f := in.f
	in.plain(n)
	br := f.Node(wasm.OpBr, ir.Unreachable)
	br.Target = in.callee.Body
	if !n.HasValue() {
		return f.Block(n, br)
	}
	br.Kids = append(br.Kids, n)
	return br
}

// isReturnCall reports whether an instruction is a tail call.
func isReturnCall(op wasm.Opcode) bool {
	return op == wasm.OpReturnCall || op == wasm.OpReturnCallIndirect || op == wasm.OpReturnCallRef
}

// plain turns a tail call into a call.
func (in *inlining) plain(n *ir.Node) {
	c := in.f.Ctx
	var results []wasm.ValType
	switch n.Op {
	case wasm.OpReturnCall:
		n.Op = wasm.OpCall
		results = c.FuncType(uint32(n.Imm)).Results
	case wasm.OpReturnCallIndirect:
		n.Op = wasm.OpCallIndirect
		results = c.M.Types[n.Imm].Results
	case wasm.OpReturnCallRef:
		n.Op = wasm.OpCallRef
		results = c.M.Types[n.Imm].Results
	}
	n.Type = ir.None
	if len(results) == 1 {
		n.Type = results[0]
	}
}

// tailCall turns a call at the very end into a tail call, and reports whether
// there is one.
func tailCall(n *ir.Node) bool {
	for n.Op == wasm.OpBlock && n.Refs == 0 && len(n.Kids) > 0 {
		n = n.Kids[len(n.Kids)-1]
	}
	switch n.Op {
	case wasm.OpCall:
		n.Op = wasm.OpReturnCall
	case wasm.OpCallIndirect:
		n.Op = wasm.OpReturnCallIndirect
	case wasm.OpCallRef:
		n.Op = wasm.OpReturnCallRef
	default:
		return false
	}
	n.Type = ir.Unreachable
	return true
}

// readFirst says which locals, other than parameters, may be read before they
// are written: those must be zero when the body begins.
func readFirst(f *ir.Func, u *bodyUse) []bool {
	r := &reading{found: make([]bool, len(f.Locals)), set: make([]bool, len(f.Locals))}
	any := false
	for l := f.Params; l < len(f.Locals); l++ {
		any = any || u.gets[l] > 0
	}
	if !any {
		return nil
	}
	r.walk(f.Body)
	return r.found
}

// reading walks a tree in the order of evaluation; set are the locals that are
// written whenever this point is reached.
type reading struct {
	found, set []bool
	undo       []uint32 // of set, in the order of writing
}

// back forgets what was written since.
func (r *reading) back(to int) {
	for _, l := range r.undo[to:] {
		r.set[l] = false
	}
	r.undo = r.undo[:to]
}

func (r *reading) walk(n *ir.Node) {
	switch n.Op {
	case wasm.OpLocalGet:
		r.found[n.Imm] = r.found[n.Imm] || !r.set[n.Imm]
		return
	case wasm.OpIf:
		r.walk(n.Kids[0])
		at := len(r.undo)
		for _, arm := range n.Kids[1:] {
			r.walk(arm)
			r.back(at) // what only one arm writes is forgotten, and more
		}
		return
	case wasm.OpTryTable:
		at := len(r.undo)
		r.walk(n.Kids[0])
		r.back(at)
		return
	case wasm.OpBlock:
		at := len(r.undo)
		for _, k := range n.Kids {
			r.walk(k)
		}
		if n.Refs > 0 {
			r.back(at) // a branch may have come here before it
		}
		return
	}
	for _, k := range n.Kids {
		r.walk(k)
	}
	if n.Op == wasm.OpLocalSet || n.Op == wasm.OpLocalTee {
		if l := uint32(n.Imm); !r.set[l] {
			r.set[l] = true
			r.undo = append(r.undo, l)
		}
	}
}
