package opt

import (
	"github.com/wbundle/wbundle/internal/ir"
	"github.com/wbundle/wbundle/internal/wasm"
)

// Rules about loads and stores.

// ruleAccess is for instructions that access memory.
func (p *peephole) ruleAccess(n *ir.Node) *ir.Node {
	if n.Op.Info().Imms[0] != wasm.ImmMemArg {
		return nil
	}
	_, memory, _ := n.MemArg()
	if !p.f.Ctx.Memories[memory].Is64 {
		if r := p.ruleAddress(n); r != nil {
			return r
		}
	}
	if n.Op >= wasm.OpI32Store && n.Op <= wasm.OpI64Store32 {
		return p.ruleStore(n)
	}
	return nil
}

// ruleAddress moves constants between the address and the offset.
//
// An address wraps around at 2^32, and an address plus an offset does not: it
// traps. So x + c is x with an offset only if x is known to be small enough that
// x + c does not wrap. A constant address and its offset are one number, which
// stands where it is shorter: as an unsigned offset, or as a signed constant.
func (p *peephole) ruleAddress(n *ir.Node) *ir.Node {
	const space = 1 << 32
	a := n.Kids[0]
	if a.Op == wasm.OpI32Const {
		total := a.Imm + n.Imm
		if total >= space {
			return nil
		}
		addr, offset := total, uint64(0)
		if constSize(wasm.KindI32, addr)+1 > constSize(wasm.KindI32, 0)+sizeUnsigned(total) {
			addr, offset = 0, total
		}
		if addr == a.Imm ||
			constSize(wasm.KindI32, addr)+sizeUnsigned(offset) > constSize(wasm.KindI32, a.Imm)+sizeUnsigned(n.Imm) {
			return nil
		}
		n.Kids[0], n.Imm = p.konst(wasm.KindI32, addr), offset
		return n
	}
	x, c, ok := addend(a, 32)
	if !ok || n.Imm+c >= space || p.ones(x, onesDepth)+c >= space {
		return nil
	}
	n.Kids[0] = x
	n.Imm += c
	return n
}

// ruleStore is for stores of numbers.
func (p *peephole) ruleStore(n *ir.Node) *ir.Node {
	v := n.Kids[1]
	become := func(op wasm.Opcode) *ir.Node {
		n.Op, n.Kids[1] = op, v.Kids[0]
		return n
	}
	switch v.Op {
	case wasm.OpI32WrapI64:
		switch n.Op {
		case wasm.OpI32Store8, wasm.OpI32Store16:
			return become(n.Op - wasm.OpI32Store8 + wasm.OpI64Store8)
		case wasm.OpI32Store:
			return become(wasm.OpI64Store32)
		}
	case wasm.OpI64ExtendI32U, wasm.OpI64ExtendI32S:
		switch n.Op {
		case wasm.OpI64Store8, wasm.OpI64Store16:
			return become(n.Op - wasm.OpI64Store8 + wasm.OpI32Store8)
		case wasm.OpI64Store32:
			return become(wasm.OpI32Store)
		}
	case wasm.OpI32ReinterpretF32, wasm.OpI64ReinterpretF64, wasm.OpF32ReinterpretI32, wasm.OpF64ReinterpretI64:
		if op := retyped(n.Op); op != 0 {
			return become(op)
		}
	case wasm.OpF32Const, wasm.OpF64Const:
		return p.storeBits(n, v.Imm)
	case wasm.OpF32ConvertI32S, wasm.OpF64ConvertI32S: // a constant that was made short
		if c := v.Kids[0]; c.IsConst() {
			x, _ := evalUnary(v.Op, c.Imm)
			return p.storeBits(n, x)
		}
	}
	switch n.Op {
	case wasm.OpI32Store8, wasm.OpI64Store8:
		return p.demanded(n, 1, 0xff)
	case wasm.OpI32Store16, wasm.OpI64Store16:
		return p.demanded(n, 1, 0xffff)
	case wasm.OpI64Store32:
		return p.demanded(n, 1, 1<<32-1)
	}
	return nil
}

// storeBits stores a constant float as an integer, if that takes fewer bytes.
func (p *peephole) storeBits(n *ir.Node, v uint64) *ir.Node {
	kind := wasm.KindI64
	if n.Op == wasm.OpF32Store {
		kind = wasm.KindI32
	}
	if constSize(kind, v) >= p.f.Size(n.Kids[1]) {
		return nil
	}
	n.Op, n.Kids[1] = retyped(n.Op), p.konst(kind, v)
	return n
}
