package opt

import (
	"math/bits"

	"github.com/wbundle/wbundle/internal/ir"
	"github.com/wbundle/wbundle/internal/wasm"
)

// The pass fold: what has constant operands is computed, and what depends on a
// constant condition is decided.
//
// Input and output are final trees. Afterwards no integer instruction has only
// constants as operands, unless it traps (a division by zero stays one), and no
// if, br_if, br_table or select has a constant for its condition. For example
//
//	i32.const 3                       i32.const 10
//	i32.const 4
//	i32.mul
//	i32.const 1           becomes
//	i32.shr_u
//	i32.const 4
//	i32.add
//
//	i32.const 0                       local.get 0
//	if (result i32)
//	  call $f             becomes
//	else
//	  local.get 0
//	end
//
// Floats are computed where the result is one number: a NaN that an instruction
// makes may have one of several bit patterns, and so it is left to the engine.
// At Size, a constant that takes more bytes than the instructions that make it
// (f64.convert_i32_s of a small number) is not made.
func fold(f *ir.Func, s *state) bool {
	fo := folder{f: f, level: s.o.Level}
	f.Body = fo.node(f.Body)
	if fo.branches {
		f.Finalize()
	}
	return fo.changed
}

type folder struct {
	f     *ir.Func
	level Level
	// changed says that there is something else, branches that labels, types or
	// what is reachable may not be right any more.
	changed, branches bool
}

// node folds a tree and returns what is there instead.
func (fo *folder) node(n *ir.Node) *ir.Node {
	for i, k := range n.Kids {
		n.Kids[i] = fo.node(k)
	}
	switch n.Op {
	case wasm.OpIf, wasm.OpBrIf, wasm.OpBrTable, wasm.OpSelect, wasm.OpSelectT:
		if r := decide(fo.f, n); r != nil {
			fo.changed, fo.branches = true, true
			return r
		}
	default:
		if len(n.Kids) <= 2 && foldConst(fo.f, fo.level, n) {
			fo.changed = true
		}
	}
	return n
}

// foldConst makes an instruction with constant operands a constant, in place.
func foldConst(f *ir.Func, level Level, n *ir.Node) bool {
	v, ok := uint64(0), false
	switch len(n.Kids) {
	case 1:
		if n.Kids[0].IsConst() {
			v, ok = evalUnary(n.Op, n.Kids[0].Imm)
		}
	case 2:
		if n.Kids[1].IsConst() && n.Kids[0].IsConst() {
			v, ok = evalBinary(n.Op, n.Kids[0].Imm, n.Kids[1].Imm)
		}
	}
	if !ok || level == Size && constSize(n.Type.Kind, v) > f.Size(n) {
		return false
	}
	setConst(n, v)
	return true
}

// setConst makes a node a constant of its type.
func setConst(n *ir.Node, v uint64) {
	n.Op, n.Imm, n.Aux, n.Kids = constOp(n.Type.Kind), v, 0, nil
}

func constOp(kind wasm.ValKind) wasm.Opcode {
	switch kind {
	case wasm.KindI32:
		return wasm.OpI32Const
	case wasm.KindI64:
		return wasm.OpI64Const
	case wasm.KindF32:
		return wasm.OpF32Const
	case wasm.KindF64:
		return wasm.OpF64Const
	}
	panic("opt: no constant of that type")
}

// constSize is how many bytes a constant takes.
func constSize(kind wasm.ValKind, v uint64) int {
	switch kind {
	case wasm.KindI32:
		return 1 + sizeSigned(int64(int32(v)))
	case wasm.KindI64:
		return 1 + sizeSigned(int64(v))
	case wasm.KindF32:
		return 5
	}
	return 9
}

// sizeSigned and sizeUnsigned are the sizes of numbers as LEB128.
func sizeSigned(v int64) int {
	if v < 0 {
		v = ^v
	}
	return bits.Len64(uint64(v))/7 + 1
}

func sizeUnsigned(v uint64) int { return (max(bits.Len64(v), 1) + 6) / 7 }

// decide returns what an instruction with a constant condition comes to, or
// nil. What is thrown away no longer counts as branches; the types of what is
// around it may be wrong until Finalize.
func decide(f *ir.Func, n *ir.Node) *ir.Node {
	if n.Op == wasm.OpIf {
		return decideIf(f, n)
	}
	last := len(n.Kids) - 1
	for _, k := range n.Kids[:last] {
		if k.IsUnreachable() {
			return nil
		}
	}
	c, before := constBehind(n.Kids[last])
	if c == nil {
		return nil
	}
	var r *ir.Node
	switch n.Op {
	case wasm.OpBrIf:
		switch {
		case c.Imm == 0:
			n.Target.Refs--
			if last == 0 {
				r = f.Nop()
			} else {
				r = n.Kids[0]
			}
		default:
			r = jump(f, n.Target, n.Kids[:last])
		}
	case wasm.OpBrTable:
		to := n.Targets()[min(c.Imm, uint64(len(n.Targets())-1))].Label
		for i := range n.Targets() {
			n.Targets()[i].Label.Refs--
		}
		to.Refs++
		r = jump(f, to, n.Kids[:last])
	default: // select
		yes, no := n.Kids[0], n.Kids[1]
		switch {
		case c.Imm != 0:
			r = keepFirst(f, yes, no)
		default:
			r = keepLast(f, yes, no)
		}
	}
	if before == nil {
		return r
	}
	// The statements of the condition come behind the other operands.
	switch {
	case r.Op == wasm.OpBr || r.Op == wasm.OpReturn:
		if len(r.Kids) == 0 {
			return f.Block(before, r)
		}
		r.Kids[0] = f.Node(ir.OpFirst, r.Kids[0].Type, r.Kids[0], before)
		return r
	case r.HasValue():
		return f.Node(ir.OpFirst, r.Type, r, before)
	}
	return before
}

// decideIf is decide for an if.
func decideIf(f *ir.Func, n *ir.Node) *ir.Node {
	c, before := constBehind(n.Kids[0])
	if c == nil {
		return nil
	}
	live, dead := n.Kids[1], (*ir.Node)(nil)
	if len(n.Kids) == 3 {
		dead = n.Kids[2]
	}
	if c.Imm == 0 {
		live, dead = dead, live
	}
	if dead != nil {
		ir.Discard(dead)
	}
	switch {
	case live == nil && before == nil:
		return f.Nop()
	case live == nil:
		return before
	case before == nil:
		return live
	}
	return f.Block(before, live)
}

// constBehind looks through "statements, then a constant" and "a constant, then
// statements", and returns the constant and the statements, if any.
func constBehind(n *ir.Node) (c, before *ir.Node) {
	switch {
	case n.IsConst():
		return n, nil
	case n.Op == wasm.OpBlock && n.Refs == 0 && len(n.Kids) > 1 && n.Kids[len(n.Kids)-1].IsConst() && n.HasValue():
		last := len(n.Kids) - 1
		c = n.Kids[last]
		n.Kids, n.Type = n.Kids[:last], ir.None
		return c, n
	case n.Op == ir.OpFirst && len(n.Kids) > 1 && n.Kids[0].IsConst() && n.HasValue():
		c = n.Kids[0]
		n.Op, n.Kids, n.Type = wasm.OpBlock, n.Kids[1:], ir.None
		return c, n
	}
	return nil, nil
}

// jump is an unconditional branch to a label that already counts it.
func jump(f *ir.Func, to *ir.Node, value []*ir.Node) *ir.Node {
	if to == f.Body {
		to.Refs--
		return f.Node(wasm.OpReturn, ir.Unreachable, value...)
	}
	n := f.Node(wasm.OpBr, ir.Unreachable, value...)
	n.Target = to
	return n
}

// keepFirst is the value a, with what else evaluating b behind it does.
func keepFirst(f *ir.Func, a, b *ir.Node) *ir.Node {
	if removable(f, b) {
		return a
	}
	return f.Node(ir.OpFirst, a.Type, a, f.Drop(b))
}

// keepLast is the value b, with what else evaluating a before it does.
func keepLast(f *ir.Func, a, b *ir.Node) *ir.Node {
	if removable(f, a) {
		return b
	}
	return f.Block(f.Drop(a), b)
}

// removableNodes bounds how much of a tree the questions below look at, so that
// asking at every node of a deep tree takes linear time. A larger tree is taken
// to do anything.
const removableNodes = 32

// removable reports whether a tree may be left out when nobody needs its value.
func removable(f *ir.Func, n *ir.Node) bool {
	fx, ok := boundedEffects(f, n)
	return ok && fx&ir.Side == 0
}

// boundedEffects are the effects of a small tree; ok is false for a large one.
func boundedEffects(f *ir.Func, n *ir.Node) (fx ir.Effect, ok bool) {
	left := removableNodes
	if n.IsUnreachable() || !countNodes(n, &left) {
		return 0, false
	}
	return f.Effects(n), true
}

func countNodes(n *ir.Node, left *int) bool {
	if *left--; *left < 0 {
		return false
	}
	for _, k := range n.Kids {
		if !countNodes(k, left) {
			return false
		}
	}
	return true
}
