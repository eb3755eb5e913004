package opt

import (
	"github.com/wbundle/wbundle/internal/ir"
	"github.com/wbundle/wbundle/internal/wasm"
)

// Rules about conversions between number types.

// wrapped has, for loads that extend to 64 bits, the load that does it to 32.
func wrapped(op wasm.Opcode) wasm.Opcode {
	switch op {
	case wasm.OpI64Load8S, wasm.OpI64Load8U, wasm.OpI64Load16S, wasm.OpI64Load16U:
		return op - wasm.OpI64Load8S + wasm.OpI32Load8S
	case wasm.OpI64Load32S, wasm.OpI64Load32U:
		return wasm.OpI32Load
	}
	return 0
}

// extended has the load that extends to 64 bits what op loads.
func extended(op wasm.Opcode, signed bool) wasm.Opcode {
	switch op {
	case wasm.OpI32Load8U, wasm.OpI32Load16U:
		return op - wasm.OpI32Load8S + wasm.OpI64Load8S
	case wasm.OpI32Load8S, wasm.OpI32Load16S:
		if signed {
			return op - wasm.OpI32Load8S + wasm.OpI64Load8S
		}
	case wasm.OpI32Load:
		if signed {
			return wasm.OpI64Load32S
		}
		return wasm.OpI64Load32U
	}
	return 0
}

// retyped has the instruction that does the same to what is in memory, with a
// float as an integer or the other way: the bits are the same.
func retyped(op wasm.Opcode) wasm.Opcode {
	switch op {
	case wasm.OpI32Load:
		return wasm.OpF32Load
	case wasm.OpF32Load:
		return wasm.OpI32Load
	case wasm.OpI64Load:
		return wasm.OpF64Load
	case wasm.OpF64Load:
		return wasm.OpI64Load
	case wasm.OpI32Store:
		return wasm.OpF32Store
	case wasm.OpF32Store:
		return wasm.OpI32Store
	case wasm.OpI64Store:
		return wasm.OpF64Store
	case wasm.OpF64Store:
		return wasm.OpI64Store
	}
	return 0
}

// become makes a node the instruction op of type t, its operands as they are.
func become(n *ir.Node, op wasm.Opcode, t wasm.ValType) *ir.Node {
	n.Op, n.Type = op, t
	return n
}

// ruleConvert is for instructions with one operand that are neither integer
// arithmetic nor accesses to memory.
func (p *peephole) ruleConvert(n *ir.Node) *ir.Node {
	if len(n.Kids) != 1 {
		return nil
	}
	a := n.Kids[0]
	switch n.Op {
	case wasm.OpI32WrapI64:
		return p.ruleWrap(n)
	case wasm.OpI64ExtendI32U:
		return p.ruleExtendU(n)
	case wasm.OpI64ExtendI32S:
		return p.ruleExtendS(n)
	case wasm.OpI32Extend8S:
		return p.ruleExtendFrom(n, 8, wasm.OpI32Load8U)
	case wasm.OpI32Extend16S:
		return p.ruleExtendFrom(n, 16, wasm.OpI32Load16U)
	case wasm.OpI64Extend8S:
		return p.ruleExtendFrom(n, 8, wasm.OpI64Load8U)
	case wasm.OpI64Extend16S:
		return p.ruleExtendFrom(n, 16, wasm.OpI64Load16U)
	case wasm.OpI64Extend32S:
		if a.Op == wasm.OpI64ExtendI32U {
			return become(a, wasm.OpI64ExtendI32S, wasm.I64)
		}
		return p.ruleExtendFrom(n, 32, wasm.OpI64Load32U)
	case wasm.OpI32ReinterpretF32, wasm.OpI64ReinterpretF64, wasm.OpF32ReinterpretI32, wasm.OpF64ReinterpretI64:
		if a.Op >= wasm.OpI32ReinterpretF32 && a.Op <= wasm.OpF64ReinterpretI64 {
			return a.Kids[0] // there and back: the types fit in no other way
		}
		if a.Op >= wasm.OpI32Load && a.Op <= wasm.OpF64Load {
			return become(a, retyped(a.Op), n.Type)
		}
	case wasm.OpF32Neg, wasm.OpF64Neg:
		if a.Op == n.Op {
			return a.Kids[0]
		}
	case wasm.OpF32Abs, wasm.OpF64Abs:
		if a.Op == n.Op {
			return a
		}
		if a.Op == n.Op+1 { // the sign goes anyway
			n.Kids[0] = a.Kids[0]
			return n
		}
	case wasm.OpF32ConvertI64S, wasm.OpF64ConvertI64S, wasm.OpF32ConvertI64U, wasm.OpF64ConvertI64U:
		// Each list is i32 signed, i32 unsigned, i64 signed, i64 unsigned.
		first := wasm.OpF32ConvertI32S
		if n.Type.Kind == wasm.KindF64 {
			first = wasm.OpF64ConvertI32S
		}
		switch {
		case a.Op == wasm.OpI64ExtendI32U:
			n.Op, n.Kids[0] = first+1, a.Kids[0]
			return n
		case a.Op == wasm.OpI64ExtendI32S && n.Op == first+2:
			n.Op, n.Kids[0] = first, a.Kids[0]
			return n
		}
	}
	return nil
}

// ruleWrap is for i32.wrap_i64.
func (p *peephole) ruleWrap(n *ir.Node) *ir.Node {
	a := n.Kids[0]
	if a.Op == wasm.OpI64ExtendI32U || a.Op == wasm.OpI64ExtendI32S {
		return a.Kids[0]
	}
	if op := wrapped(a.Op); op != 0 {
		return become(a, op, wasm.I32)
	}
	if r := p.demanded(n, 0, 1<<32-1); r != nil {
		return r
	}
	kind, w := intKind(a.Op)
	if w != 64 || len(a.Kids) != 2 {
		return nil
	}
	x, y := a.Kids[0], a.Kids[1]
	switch kind {
	case wasm.OpI32Add, wasm.OpI32Sub, wasm.OpI32Mul, wasm.OpI32And, wasm.OpI32Or, wasm.OpI32Xor:
		// The wrap itself goes; what it costs to wrap the operands must not be more.
		if wrapCost(x)+wrapCost(y) < 1 {
			return p.simplify(rewrite(a, kind, 32, p.wrap(x), p.wrap(y)))
		}
	case wasm.OpI32Shl:
		if y.IsConst() && y.Imm&63 < 32 && wrapCost(x) < 1 {
			return p.simplify(rewrite(a, kind, 32, p.wrap(x), p.konst(wasm.KindI32, y.Imm&63)))
		}
	case wasm.OpI32ShrU:
		if y.IsConst() && y.Imm&63 < 32 && x.Op == wasm.OpI64ExtendI32U {
			return p.simplify(rewrite(a, kind, 32, x.Kids[0], p.konst(wasm.KindI32, y.Imm&63)))
		}
	case wasm.OpI32ShrS:
		if y.IsConst() && y.Imm&63 < 32 && x.Op == wasm.OpI64ExtendI32S {
			return p.simplify(rewrite(a, kind, 32, x.Kids[0], p.konst(wasm.KindI32, y.Imm&63)))
		}
	}
	return nil
}

// wrapCost is how many bytes it costs to wrap a 64-bit number, at most.
func wrapCost(n *ir.Node) int {
	switch {
	case n.Op == wasm.OpI64ExtendI32U || n.Op == wasm.OpI64ExtendI32S:
		return -1
	case n.Op == wasm.OpI64Const || wrapped(n.Op) != 0:
		return 0
	}
	return 1
}

// wrap is a 64-bit number, wrapped.
func (p *peephole) wrap(n *ir.Node) *ir.Node {
	if n.Op == wasm.OpI64Const {
		return p.konst(wasm.KindI32, uint64(uint32(n.Imm)))
	}
	return p.unary(wasm.OpI32WrapI64, wasm.I32, n)
}

// ruleExtendU is for i64.extend_i32_u.
func (p *peephole) ruleExtendU(n *ir.Node) *ir.Node {
	a := n.Kids[0]
	if op := extended(a.Op, false); op != 0 {
		return become(a, op, wasm.I64)
	}
	if a.Op == wasm.OpI32WrapI64 && p.ones(a.Kids[0], onesDepth)>>32 == 0 {
		return a.Kids[0]
	}
	if x, c, ok := constOf(a, wasm.OpI32And, 32); ok && x.Op == wasm.OpI32WrapI64 &&
		constSize(wasm.KindI64, c) <= constSize(wasm.KindI32, c)+2 {
		return p.simplify(rewrite(a, wasm.OpI32And, 64, x.Kids[0], p.konst(wasm.KindI64, c)))
	}
	return nil
}

// ruleExtendS is for i64.extend_i32_s.
func (p *peephole) ruleExtendS(n *ir.Node) *ir.Node {
	a := n.Kids[0]
	if op := extended(a.Op, true); op != 0 {
		return become(a, op, wasm.I64)
	}
	switch a.Op {
	case wasm.OpI32WrapI64:
		if p.signed(a.Kids[0], onesDepth) <= 32 {
			return a.Kids[0]
		}
		return become(a, wasm.OpI64Extend32S, wasm.I64)
	case wasm.OpI32Extend8S, wasm.OpI32Extend16S:
		if x := a.Kids[0]; x.Op == wasm.OpI32WrapI64 {
			n.Op, n.Kids[0] = a.Op-wasm.OpI32Extend8S+wasm.OpI64Extend8S, x.Kids[0]
			return n
		}
	}
	if p.ones(a, onesDepth)>>31 == 0 {
		n.Op = wasm.OpI64ExtendI32U // says that the high bits are 0
		return n
	}
	return nil
}

// ruleExtendFrom is for sign extension from w bits; load is the load that does
// not do it.
func (p *peephole) ruleExtendFrom(n *ir.Node, w uint, load wasm.Opcode) *ir.Node {
	a := n.Kids[0]
	if a.Op == load {
		return become(a, load-1, n.Type)
	}
	if p.signed(a, onesDepth) <= w {
		return a
	}
	return p.demanded(n, 0, 1<<w-1)
}
