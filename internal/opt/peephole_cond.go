package opt

import (
	"math/bits"

	"github.com/wbundle/wbundle/internal/ir"
	"github.com/wbundle/wbundle/internal/wasm"
)

// Rules about what decides: conditions of if, br_if and select, and eqz.

// condDepth bounds how deep a condition is looked into.
const condDepth = 6

// cond rewrites a tree of which only matters whether it is 0. Like demand, it
// never changes what a local gets.
func (p *peephole) cond(n *ir.Node, depth int) *ir.Node {
	if depth--; depth < 0 || n.IsUnreachable() || n.Type.Kind != wasm.KindI32 {
		return n
	}
	inner := func(i int) *ir.Node {
		n.Kids[i] = p.cond(n.Kids[i], depth)
		return n
	}
	switch n.Op {
	case wasm.OpI32Ne:
		if c := n.Kids[1]; c.IsConst() && c.Imm == 0 {
			p.changed = true
			return p.cond(n.Kids[0], depth)
		}
	case wasm.OpI32Eqz:
		if a := n.Kids[0]; a.Op == wasm.OpI32Eqz {
			p.changed = true
			return p.cond(a.Kids[0], depth)
		}
	case wasm.OpI32Or:
		inner(0)
		return inner(1)
	case wasm.OpSelect:
		inner(0)
		return inner(1)
	case wasm.OpIf:
		inner(1)
		return inner(2)
	case wasm.OpBlock:
		if n.Refs == 0 && n != p.f.Body {
			return inner(len(n.Kids) - 1)
		}
	case ir.OpFirst:
		return inner(0)
	case wasm.OpI32RemS:
		// Where it is divisible does not depend on the sign.
		if c := n.Kids[1]; c.IsConst() && bits.OnesCount64(c.Imm) == 1 {
			p.changed = true
			return p.simplify(rewrite(n, wasm.OpI32And, 32, n.Kids[0], p.konst(wasm.KindI32, c.Imm-1)))
		}
	case wasm.OpI32Shl:
		// No bit is shifted out.
		if c := n.Kids[1]; c.IsConst() {
			ones, by := p.ones(n.Kids[0], onesDepth), c.Imm&31
			if ones<<by>>32 == 0 {
				p.changed = true
				return p.cond(n.Kids[0], depth)
			}
		}
	case wasm.OpI32And:
		// Bits of a shifted number are other bits of the number.
		x, by, ok := constOf(n.Kids[0], wasm.OpI32ShrU, 32)
		if !ok {
			x, by, ok = constOf(n.Kids[0], wasm.OpI32ShrS, 32)
		}
		if c := n.Kids[1]; ok && c.IsConst() && by < 32 && c.Imm<<by>>32 == 0 &&
			constSize(wasm.KindI32, c.Imm<<by) <= constSize(wasm.KindI32, c.Imm)+3 {
			p.changed = true
			return p.simplify(rewrite(n, wasm.OpI32And, 32, x, p.konst(wasm.KindI32, c.Imm<<by)))
		}
	}
	return n
}

// asCond applies cond to an operand.
func (p *peephole) asCond(n *ir.Node, operand int) *ir.Node {
	before := p.changed
	p.changed = false
	n.Kids[operand] = p.cond(n.Kids[operand], condDepth)
	if p.changed {
		return n
	}
	p.changed = before
	return nil
}

// ruleEqz is for i32.eqz and i64.eqz.
func (p *peephole) ruleEqz(n *ir.Node, w uint) *ir.Node {
	a := n.Kids[0]
	kind, aw := intKind(a.Op)
	switch {
	case aw != 0 && kind != wasm.OpI32Eqz && kind <= wasm.OpI32GeU:
		a.Op = intOp(intInverse[kind-wasm.OpI32Eqz], aw)
		return a
	case kind == wasm.OpI32Eqz && aw != 0 && p.ones(a.Kids[0], onesDepth) <= 1:
		if aw == 64 {
			return p.unary(wasm.OpI32WrapI64, wasm.I32, a.Kids[0])
		}
		return a.Kids[0]
	case a.Op == wasm.OpF32Eq || a.Op == wasm.OpF64Eq:
		a.Op++ // ne, which holds for a NaN
		return a
	case a.Op == wasm.OpF32Ne || a.Op == wasm.OpF64Ne:
		a.Op--
		return a
	case aw == w && (kind == wasm.OpI32Sub || kind == wasm.OpI32Xor) && len(a.Kids) == 2:
		x, y := a.Kids[0], a.Kids[1]
		return rewrite(a, wasm.OpI32Eq, w, x, y)
	case aw == w && kind == wasm.OpI32Add:
		if x, c, ok := addend(a, w); ok {
			return rewrite(a, wasm.OpI32Eq, w, x, p.konst(intType(w).Kind, truncConst(-int64(c), w)))
		}
	case w == 64 && (a.Op == wasm.OpI64ExtendI32U || a.Op == wasm.OpI64ExtendI32S):
		n.Op, n.Kids[0] = wasm.OpI32Eqz, a.Kids[0]
		return n
	case a.Op == wasm.OpI32WrapI64 && p.ones(a.Kids[0], onesDepth)>>32 == 0:
		n.Op, n.Kids[0] = wasm.OpI64Eqz, a.Kids[0]
		return n
	}
	if w == 32 {
		return p.asCond(n, 0)
	}
	return nil
}

// ruleBrIf is for br_if.
func (p *peephole) ruleBrIf(n *ir.Node) *ir.Node {
	last := len(n.Kids) - 1
	if n.IsUnreachable() {
		return nil
	}
	if r := p.decided(n); r != nil {
		return r
	}
	return p.asCond(n, last)
}

// ruleIf is for if.
func (p *peephole) ruleIf(n *ir.Node) *ir.Node {
	c := n.Kids[0]
	if c.IsUnreachable() {
		return nil
	}
	if r := p.decided(n); r != nil {
		return r
	}
	if len(n.Kids) == 3 {
		if c.Op == wasm.OpI32Eqz {
			n.Kids[0], n.Kids[1], n.Kids[2] = c.Kids[0], n.Kids[2], n.Kids[1]
			return n
		}
		if isInt(n) {
			if r := p.ruleChoice(n, c, n.Kids[1], n.Kids[2]); r != nil {
				return r
			}
		}
	}
	return p.asCond(n, 0)
}

// ruleSelect is for select.
func (p *peephole) ruleSelect(n *ir.Node) *ir.Node {
	if r := p.decided(n); r != nil {
		return r
	}
	yes, no, c := n.Kids[0], n.Kids[1], n.Kids[2]
	if c.Op == wasm.OpI32Eqz && p.swappable(yes, no) {
		n.Kids[0], n.Kids[1], n.Kids[2] = no, yes, c.Kids[0]
		return n
	}
	if p.same(yes, no) {
		return keepFirst(p.f, yes, c)
	}
	if isInt(n) {
		if r := p.ruleChoice(n, c, yes, no); r != nil {
			return r
		}
	}
	return p.asCond(n, 2)
}

// ruleChoice is for the choice between two constants, one of them 0.
func (p *peephole) ruleChoice(n, c, yes, no *ir.Node) *ir.Node {
	if !yes.IsConst() || !no.IsConst() || yes.Imm != 0 && no.Imm != 0 {
		return nil
	}
	v, t := yes.Imm|no.Imm, n.Type
	w := uint(32)
	if t.Kind == wasm.KindI64 {
		w = 64
	}
	if v == 0 {
		return keepLast(p.f, c, p.konst(t.Kind, 0))
	}
	if v != fullMask(t.Kind) && bits.OnesCount64(v) != 1 {
		return nil
	}
	one := p.boolean(c, yes.Imm != 0)
	if w == 64 {
		one = p.unary(wasm.OpI64ExtendI32U, wasm.I64, one)
	}
	switch v {
	case 1:
		return one
	case fullMask(t.Kind):
		return p.f.Node(intOp(wasm.OpI32Sub, w), t, p.konst(t.Kind, 0), one)
	}
	return p.f.Node(intOp(wasm.OpI32Shl, w), t, one, p.konst(t.Kind, uint64(bits.TrailingZeros64(v))))
}

// boolean is 1 or 0 for a condition that is or is not 0, or, if not yes, the
// other way round.
func (p *peephole) boolean(c *ir.Node, yes bool) *ir.Node {
	if yes && p.ones(c, onesDepth) <= 1 {
		return c
	}
	n := p.unary(wasm.OpI32Eqz, wasm.I32, c)
	if yes {
		return p.unary(wasm.OpI32Eqz, wasm.I32, n)
	}
	return n
}
