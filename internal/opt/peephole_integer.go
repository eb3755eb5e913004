package opt

import (
	"math"
	"math/bits"

	"github.com/wbundle/wbundle/internal/ir"
	"github.com/wbundle/wbundle/internal/wasm"
)

// Rules about integers. They are written for the 32-bit instructions (the kind)
// and hold for both widths.

const kinds = wasm.OpI32Rotr - wasm.OpI32Eqz + 1

// intMirror has the instruction that does the same with its operands turned; 0
// where there is none.
var intMirror = [kinds]wasm.Opcode{
	wasm.OpI32Eq - wasm.OpI32Eqz:  wasm.OpI32Eq,
	wasm.OpI32Ne - wasm.OpI32Eqz:  wasm.OpI32Ne,
	wasm.OpI32LtS - wasm.OpI32Eqz: wasm.OpI32GtS,
	wasm.OpI32LtU - wasm.OpI32Eqz: wasm.OpI32GtU,
	wasm.OpI32GtS - wasm.OpI32Eqz: wasm.OpI32LtS,
	wasm.OpI32GtU - wasm.OpI32Eqz: wasm.OpI32LtU,
	wasm.OpI32LeS - wasm.OpI32Eqz: wasm.OpI32GeS,
	wasm.OpI32LeU - wasm.OpI32Eqz: wasm.OpI32GeU,
	wasm.OpI32GeS - wasm.OpI32Eqz: wasm.OpI32LeS,
	wasm.OpI32GeU - wasm.OpI32Eqz: wasm.OpI32LeU,
	wasm.OpI32Add - wasm.OpI32Eqz: wasm.OpI32Add,
	wasm.OpI32Mul - wasm.OpI32Eqz: wasm.OpI32Mul,
	wasm.OpI32And - wasm.OpI32Eqz: wasm.OpI32And,
	wasm.OpI32Or - wasm.OpI32Eqz:  wasm.OpI32Or,
	wasm.OpI32Xor - wasm.OpI32Eqz: wasm.OpI32Xor,
}

// intInverse has the comparison that holds when the other one does not.
var intInverse = [kinds]wasm.Opcode{
	wasm.OpI32Eq - wasm.OpI32Eqz:  wasm.OpI32Ne,
	wasm.OpI32Ne - wasm.OpI32Eqz:  wasm.OpI32Eq,
	wasm.OpI32LtS - wasm.OpI32Eqz: wasm.OpI32GeS,
	wasm.OpI32LtU - wasm.OpI32Eqz: wasm.OpI32GeU,
	wasm.OpI32GtS - wasm.OpI32Eqz: wasm.OpI32LeS,
	wasm.OpI32GtU - wasm.OpI32Eqz: wasm.OpI32LeU,
	wasm.OpI32LeS - wasm.OpI32Eqz: wasm.OpI32GtS,
	wasm.OpI32LeU - wasm.OpI32Eqz: wasm.OpI32GtU,
	wasm.OpI32GeS - wasm.OpI32Eqz: wasm.OpI32LtS,
	wasm.OpI32GeU - wasm.OpI32Eqz: wasm.OpI32LtU,
}

// unsignedOf has the unsigned comparison that gives the same for numbers that
// are not negative.
var unsignedOf = [kinds]wasm.Opcode{
	wasm.OpI32Eq - wasm.OpI32Eqz:  wasm.OpI32Eq,
	wasm.OpI32Ne - wasm.OpI32Eqz:  wasm.OpI32Ne,
	wasm.OpI32LtS - wasm.OpI32Eqz: wasm.OpI32LtU,
	wasm.OpI32LtU - wasm.OpI32Eqz: wasm.OpI32LtU,
	wasm.OpI32GtS - wasm.OpI32Eqz: wasm.OpI32GtU,
	wasm.OpI32GtU - wasm.OpI32Eqz: wasm.OpI32GtU,
	wasm.OpI32LeS - wasm.OpI32Eqz: wasm.OpI32LeU,
	wasm.OpI32LeU - wasm.OpI32Eqz: wasm.OpI32LeU,
	wasm.OpI32GeS - wasm.OpI32Eqz: wasm.OpI32GeU,
	wasm.OpI32GeU - wasm.OpI32Eqz: wasm.OpI32GeU,
}

// The least and the greatest signed number, of whatever width, in rules.
const (
	lowest  = math.MinInt64
	highest = math.MaxInt64
)

// withConstant are the rules for x op c. The outcome is x, a number, or another
// instruction with another constant.
var withConstant = []struct {
	kind    wasm.Opcode
	c       int64
	outcome outcome
	number  int64
	other   wasm.Opcode
}{
	{wasm.OpI32Add, 0, theOperand, 0, 0},
	{wasm.OpI32Sub, 0, theOperand, 0, 0},
	{wasm.OpI32Mul, 1, theOperand, 0, 0},
	{wasm.OpI32DivS, 1, theOperand, 0, 0},
	{wasm.OpI32DivU, 1, theOperand, 0, 0},
	{wasm.OpI32And, -1, theOperand, 0, 0},
	{wasm.OpI32Or, 0, theOperand, 0, 0},
	{wasm.OpI32Xor, 0, theOperand, 0, 0},
	{wasm.OpI32Shl, 0, theOperand, 0, 0},
	{wasm.OpI32ShrS, 0, theOperand, 0, 0},
	{wasm.OpI32ShrU, 0, theOperand, 0, 0},
	{wasm.OpI32Rotl, 0, theOperand, 0, 0},
	{wasm.OpI32Rotr, 0, theOperand, 0, 0},

	{wasm.OpI32Mul, 0, theNumber, 0, 0},
	{wasm.OpI32And, 0, theNumber, 0, 0},
	{wasm.OpI32Or, -1, theNumber, -1, 0},
	{wasm.OpI32RemU, 1, theNumber, 0, 0},
	{wasm.OpI32RemS, 1, theNumber, 0, 0},
	{wasm.OpI32RemS, -1, theNumber, 0, 0},
	{wasm.OpI32LtU, 0, theNumber, 0, 0},
	{wasm.OpI32GeU, 0, theNumber, 1, 0},
	{wasm.OpI32GtU, -1, theNumber, 0, 0},
	{wasm.OpI32LeU, -1, theNumber, 1, 0},
	{wasm.OpI32LtS, lowest, theNumber, 0, 0},
	{wasm.OpI32GeS, lowest, theNumber, 1, 0},
	{wasm.OpI32GtS, highest, theNumber, 0, 0},
	{wasm.OpI32LeS, highest, theNumber, 1, 0},

	{wasm.OpI32GtU, 0, another, 0, wasm.OpI32Ne},
	{wasm.OpI32LeU, 0, another, 0, wasm.OpI32Eq},
	{wasm.OpI32LtU, 1, another, 0, wasm.OpI32Eq},
	{wasm.OpI32GeU, 1, another, 0, wasm.OpI32Ne},
	{wasm.OpI32LtU, -1, another, -1, wasm.OpI32Ne},
	{wasm.OpI32GeU, -1, another, -1, wasm.OpI32Eq},
	{wasm.OpI32LtS, 1, another, 0, wasm.OpI32LeS},
	{wasm.OpI32GeS, 1, another, 0, wasm.OpI32GtS},
	{wasm.OpI32LeS, -1, another, 0, wasm.OpI32LtS},
	{wasm.OpI32GtS, -1, another, 0, wasm.OpI32GeS},
}

type outcome byte

const (
	theOperand outcome = iota
	theNumber
	another
)

// withItself are the rules for x op x: the outcome is x or a number.
var withItself = [kinds]struct {
	there   bool
	outcome outcome
	number  uint64
}{
	wasm.OpI32Sub - wasm.OpI32Eqz: {true, theNumber, 0},
	wasm.OpI32Xor - wasm.OpI32Eqz: {true, theNumber, 0},
	wasm.OpI32And - wasm.OpI32Eqz: {true, theOperand, 0},
	wasm.OpI32Or - wasm.OpI32Eqz:  {true, theOperand, 0},
	wasm.OpI32Eq - wasm.OpI32Eqz:  {true, theNumber, 1},
	wasm.OpI32Ne - wasm.OpI32Eqz:  {true, theNumber, 0},
	wasm.OpI32LtS - wasm.OpI32Eqz: {true, theNumber, 0},
	wasm.OpI32LtU - wasm.OpI32Eqz: {true, theNumber, 0},
	wasm.OpI32GtS - wasm.OpI32Eqz: {true, theNumber, 0},
	wasm.OpI32GtU - wasm.OpI32Eqz: {true, theNumber, 0},
	wasm.OpI32LeS - wasm.OpI32Eqz: {true, theNumber, 1},
	wasm.OpI32LeU - wasm.OpI32Eqz: {true, theNumber, 1},
	wasm.OpI32GeS - wasm.OpI32Eqz: {true, theNumber, 1},
	wasm.OpI32GeU - wasm.OpI32Eqz: {true, theNumber, 1},
}

// intType is the type of a width.
func intType(w uint) wasm.ValType {
	if w == 32 {
		return wasm.I32
	}
	return wasm.I64
}

// extendConst is a constant of a width as a signed number; truncConst goes back.
func extendConst(v uint64, w uint) int64 { return int64(v<<(64-w)) >> (64 - w) }
func truncConst(v int64, w uint) uint64  { return uint64(v) << (64 - w) >> (64 - w) }

// rewrite makes n another instruction of a kind and width.
func rewrite(n *ir.Node, kind wasm.Opcode, w uint, a, b *ir.Node) *ir.Node {
	n.Op, n.Type = intOp(kind, w), intType(w)
	if kind <= wasm.OpI32GeU {
		n.Type = wasm.I32
	}
	n.Kids[0] = a
	if b == nil {
		n.Kids = n.Kids[:1]
	} else {
		n.Kids[1] = b
	}
	return n
}

// constOf is the constant x of "y op x"; ok is false if n is something else.
func constOf(n *ir.Node, kind wasm.Opcode, w uint) (y *ir.Node, c uint64, ok bool) {
	if n.Op != intOp(kind, w) || n.IsUnreachable() || !n.Kids[1].IsConst() {
		return nil, 0, false
	}
	return n.Kids[0], n.Kids[1].Imm, true
}

// addend takes apart x + c and x - c.
func addend(n *ir.Node, w uint) (x *ir.Node, c uint64, ok bool) {
	if x, c, ok = constOf(n, wasm.OpI32Add, w); ok {
		return x, c, true
	}
	if x, c, ok = constOf(n, wasm.OpI32Sub, w); ok {
		return x, truncConst(-int64(c), w), true
	}
	return nil, 0, false
}

// negated takes apart 0 - x.
func negated(n *ir.Node, w uint) (x *ir.Node, ok bool) {
	if n.Op == intOp(wasm.OpI32Sub, w) && !n.IsUnreachable() && n.Kids[0].IsConst() && n.Kids[0].Imm == 0 {
		return n.Kids[1], true
	}
	return nil, false
}

// plus makes n, which has two operands, x + c, in the shorter of two ways.
func (p *peephole) plus(n, x *ir.Node, c uint64, w uint) *ir.Node {
	if c == 0 {
		return x
	}
	kind, neg := wasm.OpI32Add, truncConst(-int64(c), w)
	if sizeSigned(extendConst(neg, w)) < sizeSigned(extendConst(c, w)) {
		kind, c = wasm.OpI32Sub, neg
	}
	return rewrite(n, kind, w, x, p.konst(intType(w).Kind, c))
}

func (p *peephole) ruleInteger(n *ir.Node, kind wasm.Opcode, w uint) *ir.Node {
	if kind == wasm.OpI32Eqz {
		return p.ruleEqz(n, w)
	}
	if len(n.Kids) != 2 {
		return nil
	}
	a, b := n.Kids[0], n.Kids[1]
	if a.IsConst() && !b.IsConst() && turn(n) {
		return n
	}
	if withItself[kind-wasm.OpI32Eqz].there && p.same(a, b) {
		if r := withItself[kind-wasm.OpI32Eqz]; r.outcome == theNumber {
			n.Kids = n.Kids[:1]
			return p.instead(n, r.number)
		}
		return a
	}
	if b.IsConst() {
		if r := p.ruleConstant(n, kind, w); r != nil {
			return r
		}
	}
	switch kind {
	case wasm.OpI32Add, wasm.OpI32Sub:
		return p.ruleSum(n, kind, w)
	case wasm.OpI32Shl, wasm.OpI32ShrS, wasm.OpI32ShrU, wasm.OpI32Rotl, wasm.OpI32Rotr:
		if !b.IsConst() {
			return p.demanded(n, 1, uint64(w-1))
		}
	case wasm.OpI32And, wasm.OpI32Or, wasm.OpI32Xor:
		// Two extensions become one of the result.
		if w == 64 && a.Op == b.Op && (a.Op == wasm.OpI64ExtendI32U || a.Op == wasm.OpI64ExtendI32S) {
			op, t := a.Op, n.Type
			return p.f.Node(op, t, p.simplify(rewrite(n, kind, 32, a.Kids[0], b.Kids[0])))
		}
	}
	if w == 64 && kind <= wasm.OpI32GeU {
		return p.ruleNarrowCompare(n, kind)
	}
	return nil
}

// demanded rewrites an operand of which only some bits are looked at.
func (p *peephole) demanded(n *ir.Node, operand int, mask uint64) *ir.Node {
	before := p.changed
	p.changed = false
	n.Kids[operand] = p.demand(n.Kids[operand], mask, demandDepth)
	if p.changed {
		return n
	}
	p.changed = before
	return nil
}

// ruleConstant is for x op c.
func (p *peephole) ruleConstant(n *ir.Node, kind wasm.Opcode, w uint) *ir.Node {
	a, b := n.Kids[0], n.Kids[1]
	c, t := b.Imm, intType(w)
	signed := extendConst(c, w)
	if kind >= wasm.OpI32Shl && c >= uint64(w) {
		n.Kids[1] = p.konst(t.Kind, c&uint64(w-1))
		return n
	}
	for i := range withConstant {
		r := &withConstant[i]
		if r.kind != kind || r.c != signed &&
			!(w == 32 && (r.c == lowest && signed == math.MinInt32 || r.c == highest && signed == math.MaxInt32)) {
			continue
		}
		switch r.outcome {
		case theOperand:
			return a
		case theNumber:
			n.Kids = n.Kids[:1]
			if n.Type.Kind == wasm.KindI32 {
				return p.instead(n, truncConst(r.number, 32))
			}
			return p.instead(n, uint64(r.number))
		}
		return rewrite(n, r.other, w, a, p.konst(t.Kind, truncConst(r.number, w)))
	}
	switch kind {
	case wasm.OpI32Mul:
		if bits.OnesCount64(c) == 1 {
			return rewrite(n, wasm.OpI32Shl, w, a, p.konst(t.Kind, uint64(bits.TrailingZeros64(c))))
		}
		if x, d, ok := constOf(a, wasm.OpI32Mul, w); ok {
			return p.smaller(n, kind, w, x, c*d, d)
		}
		if x, d, ok := constOf(a, wasm.OpI32Shl, w); ok {
			return p.smaller(n, kind, w, x, c<<(d&uint64(w-1)), d)
		}
	case wasm.OpI32DivU:
		if bits.OnesCount64(c) == 1 {
			return rewrite(n, wasm.OpI32ShrU, w, a, p.konst(t.Kind, uint64(bits.TrailingZeros64(c))))
		}
	case wasm.OpI32RemU:
		if bits.OnesCount64(c) == 1 {
			return rewrite(n, wasm.OpI32And, w, a, p.konst(t.Kind, c-1))
		}
	case wasm.OpI32And:
		return p.ruleMask(n, w)
	case wasm.OpI32Or, wasm.OpI32Xor:
		if x, d, ok := constOf(a, kind, w); ok {
			if v, _ := evalBinary(n.Op, c, d); p.smaller(n, kind, w, x, v, d) != nil {
				return n
			}
		}
		if kind == wasm.OpI32Xor && w == 32 && c == 1 && p.ones(a, onesDepth) <= 1 {
			return rewrite(n, wasm.OpI32Eqz, w, a, nil)
		}
	case wasm.OpI32Shl, wasm.OpI32ShrS, wasm.OpI32ShrU, wasm.OpI32Rotl, wasm.OpI32Rotr:
		return p.ruleShift(n, kind, w)
	}
	if kind <= wasm.OpI32GeU {
		return p.ruleCompare(n, kind, w)
	}
	return nil
}

// smaller makes n "x kind v" in the place of two such instructions, one of which
// has the constant was, if that takes no more bytes.
func (p *peephole) smaller(n *ir.Node, kind wasm.Opcode, w uint, x *ir.Node, v, was uint64) *ir.Node {
	t := intType(w)
	v = truncConst(int64(v), w)
	if p.level == Size && constSize(t.Kind, v) > constSize(t.Kind, n.Kids[1].Imm)+constSize(t.Kind, was)+1 {
		return nil
	}
	return rewrite(n, kind, w, x, p.konst(t.Kind, v))
}

// ruleMask is for x & c.
func (p *peephole) ruleMask(n *ir.Node, w uint) *ir.Node {
	a, c := n.Kids[0], n.Kids[1].Imm
	ones := p.ones(a, onesDepth)
	if ones&^c == 0 {
		return a
	}
	if ones&c == 0 {
		n.Kids = n.Kids[:1]
		return p.instead(n, 0)
	}
	if x, d, ok := constOf(a, wasm.OpI32And, w); ok {
		if r := p.smaller(n, wasm.OpI32And, w, x, c&d, d); r != nil {
			return r
		}
	}
	if r := p.demanded(n, 0, c); r != nil {
		return r
	}
	if w == 64 && ones&(1<<32-1)&^c == 0 && c>>32 == 0 {
		return p.f.Node(wasm.OpI64ExtendI32U, wasm.I64, p.unary(wasm.OpI32WrapI64, wasm.I32, a))
	}
	// What x cannot have needs not be taken off.
	if v := shortest(n.Type.Kind, c, ones); v != c {
		n.Kids[1] = p.konst(n.Type.Kind, v)
		return n
	}
	return nil
}

// masked is x & mask, if that takes at most so many bytes more than x.
func (p *peephole) masked(n, x *ir.Node, mask uint64, w uint, budget int) *ir.Node {
	t := intType(w)
	mask = truncConst(int64(mask), w)
	switch {
	case w == 64 && mask == 1<<32-1:
		return p.f.Node(wasm.OpI64ExtendI32U, wasm.I64, p.unary(wasm.OpI32WrapI64, wasm.I32, x))
	case 1+constSize(t.Kind, mask) > budget:
		return nil
	}
	return rewrite(n, wasm.OpI32And, w, x, p.konst(t.Kind, mask))
}

// ruleShift is for shifts and rotations by a constant.
func (p *peephole) ruleShift(n *ir.Node, kind wasm.Opcode, w uint) *ir.Node {
	a, by := n.Kids[0], n.Kids[1].Imm
	t := intType(w)
	if x, d, ok := constOf(a, kind, w); ok {
		sum := by + d&uint64(w-1)
		switch {
		case sum < uint64(w):
		case kind == wasm.OpI32ShrS:
			sum = uint64(w - 1)
		case kind == wasm.OpI32Rotl || kind == wasm.OpI32Rotr:
			sum -= uint64(w)
		default:
			n.Kids[0], n.Kids = x, n.Kids[:1]
			return p.instead(n, 0)
		}
		return rewrite(n, kind, w, x, p.konst(t.Kind, sum))
	}
	const both = 6 // bytes of two shifts
	full := fullMask(t.Kind)
	switch kind {
	case wasm.OpI32Shl:
		if x, d, ok := constOf(a, wasm.OpI32Mul, w); ok {
			return p.smaller(n, wasm.OpI32Mul, w, x, d<<by, d)
		}
		for _, right := range [...]wasm.Opcode{wasm.OpI32ShrU, wasm.OpI32ShrS} {
			if x, d, ok := constOf(a, right, w); ok && d == by {
				return p.masked(n, x, full<<by, w, both)
			}
		}
		return p.demanded(n, 0, full>>by)
	case wasm.OpI32ShrU:
		if x, d, ok := constOf(a, wasm.OpI32Shl, w); ok && d == by {
			return p.masked(n, x, full>>by, w, both)
		}
	case wasm.OpI32ShrS:
		if x, d, ok := constOf(a, wasm.OpI32Shl, w); ok && d == by {
			return p.extendFrom(n, x, w, w-uint(by))
		}
	}
	return nil
}

// extendFrom makes n the sign extension of x from some bits, if there is an
// instruction for it.
func (p *peephole) extendFrom(n, x *ir.Node, w, from uint) *ir.Node {
	if p.signed(x, onesDepth) <= from {
		return x
	}
	op := wasm.OpI32Extend8S
	switch {
	case w == 32 && from == 8:
	case w == 32 && from == 16:
		op = wasm.OpI32Extend16S
	case w == 64 && from == 8:
		op = wasm.OpI64Extend8S
	case w == 64 && from == 16:
		op = wasm.OpI64Extend16S
	case w == 64 && from == 32:
		op = wasm.OpI64Extend32S
	default:
		return nil
	}
	n.Op, n.Kids[0], n.Kids = op, x, n.Kids[:1]
	return n
}

// ruleSum is for sums: constants in it become one, and so do signs.
func (p *peephole) ruleSum(n *ir.Node, kind wasm.Opcode, w uint) *ir.Node {
	a, b := n.Kids[0], n.Kids[1]
	if x, c, ok := addend(n, w); ok {
		// What is shorter, x + c or x - -c?
		was := b.Imm
		if r := p.plus(n, x, c, w); r.Op != intOp(kind, w) || r.Kids[1].Imm != was {
			return r
		}
		if a.Op == intOp(wasm.OpI32Sub, w) && a.Kids[0].IsConst() { // (d - y) + c
			a.Kids[0] = p.konst(intType(w).Kind, truncConst(int64(a.Kids[0].Imm+c), w))
			return a
		}
	}
	if kind == wasm.OpI32Sub && a.IsConst() {
		if x, c, ok := addend(b, w); ok { // d - (x + c)
			n.Kids[0] = p.konst(intType(w).Kind, truncConst(int64(a.Imm-c), w))
			n.Kids[1] = x
			return n
		}
		if x, d, ok := subFrom(b, w); ok { // c - (d - x)
			return p.plus(n, x, truncConst(int64(a.Imm-d), w), w)
		}
		return nil
	}
	if x, ok := negated(b, w); ok {
		if kind == wasm.OpI32Add {
			return rewrite(n, wasm.OpI32Sub, w, a, x)
		}
		return rewrite(n, wasm.OpI32Add, w, a, x)
	}
	if x, ok := negated(a, w); ok && kind == wasm.OpI32Add && p.swappable(x, b) {
		return rewrite(n, wasm.OpI32Sub, w, b, x)
	}
	if count, sum := p.addends(n, w, sumDepth); count >= 2 {
		return p.plus(p.f.Node(n.Op, n.Type, n, n), p.strip(n, w, sumDepth), truncConst(int64(sum), w), w)
	}
	return nil
}

// subFrom takes apart d - x.
func subFrom(n *ir.Node, w uint) (x *ir.Node, d uint64, ok bool) {
	if n.Op != intOp(wasm.OpI32Sub, w) || n.IsUnreachable() || !n.Kids[0].IsConst() {
		return nil, 0, false
	}
	return n.Kids[1], n.Kids[0].Imm, true
}

// sumDepth is how deep in a sum constants are looked for.
const sumDepth = 4

// addends counts the constants that can be taken out of a sum, and adds them up.
// Those that something is subtracted from stay: 0 would have to be there.
func (p *peephole) addends(n *ir.Node, w uint, depth int) (count int, sum uint64) {
	if n.IsConst() {
		return 1, n.Imm
	}
	if depth--; depth < 0 || n.IsUnreachable() {
		return 0, 0
	}
	add := n.Op == intOp(wasm.OpI32Add, w)
	if !add && n.Op != intOp(wasm.OpI32Sub, w) || n.Kids[0].IsConst() {
		return 0, 0
	}
	ca, sa := p.addends(n.Kids[0], w, depth)
	cb, sb := p.addends(n.Kids[1], w, depth)
	if !add {
		sb = -sb
	}
	return ca + cb, sa + sb
}

// strip takes the constants out that addends counts.
func (p *peephole) strip(n *ir.Node, w uint, depth int) *ir.Node {
	if depth--; depth < 0 || n.IsConst() || n.IsUnreachable() {
		return n
	}
	if n.Op != intOp(wasm.OpI32Add, w) && n.Op != intOp(wasm.OpI32Sub, w) || n.Kids[0].IsConst() {
		return n
	}
	n.Kids[0] = p.strip(n.Kids[0], w, depth)
	if n.Kids[1].IsConst() {
		return n.Kids[0]
	}
	n.Kids[1] = p.strip(n.Kids[1], w, depth)
	return n
}

// ruleCompare is for comparisons with a constant.
func (p *peephole) ruleCompare(n *ir.Node, kind wasm.Opcode, w uint) *ir.Node {
	a, c := n.Kids[0], n.Kids[1].Imm
	t := intType(w)
	full := fullMask(t.Kind)
	equal := kind == wasm.OpI32Eq || kind == wasm.OpI32Ne
	if kind == wasm.OpI32Eq && c == 0 {
		return rewrite(n, wasm.OpI32Eqz, w, a, nil)
	}
	if equal {
		if x, d, ok := addend(a, w); ok {
			return rewrite(n, kind, w, x, p.konst(t.Kind, (c-d)&full))
		}
		if x, d, ok := subFrom(a, w); ok {
			return rewrite(n, kind, w, x, p.konst(t.Kind, (d-c)&full))
		}
		if x, d, ok := constOf(a, wasm.OpI32Xor, w); ok {
			return rewrite(n, kind, w, x, p.konst(t.Kind, c^d))
		}
	}
	if r := p.ruleRange(n, kind, w, p.ones(a, onesDepth)); r != nil {
		return r
	}
	// The constant next to it, where that is shorter.
	step, other := int64(0), kind
	switch kind {
	case wasm.OpI32LtS, wasm.OpI32LtU:
		step, other = -1, kind+(wasm.OpI32LeS-wasm.OpI32LtS)
	case wasm.OpI32GeS, wasm.OpI32GeU:
		step, other = -1, kind-(wasm.OpI32GeS-wasm.OpI32GtS)
	case wasm.OpI32LeS, wasm.OpI32LeU:
		step, other = 1, kind-(wasm.OpI32LeS-wasm.OpI32LtS)
	case wasm.OpI32GtS, wasm.OpI32GtU:
		step, other = 1, kind+(wasm.OpI32GeS-wasm.OpI32GtS)
	}
	// No step leads over an end of the range: the table had those constants.
	if next := truncConst(extendConst(c, w)+step, w); constSize(t.Kind, next) < constSize(t.Kind, c) {
		return rewrite(n, other, w, a, p.konst(t.Kind, next))
	}
	if w == 64 {
		return p.ruleNarrowCompare(n, kind)
	}
	return nil
}

// ruleRange decides comparisons with a constant by what the other operand can
// be.
func (p *peephole) ruleRange(n *ir.Node, kind wasm.Opcode, w uint, ones uint64) *ir.Node {
	a, c := n.Kids[0], n.Kids[1].Imm
	number := func(yes bool) *ir.Node {
		n.Kids = n.Kids[:1]
		return p.instead(n, truth(yes))
	}
	if kind == wasm.OpI32Eq || kind == wasm.OpI32Ne {
		switch {
		case c&^ones != 0:
			return number(kind == wasm.OpI32Ne)
		case ones == 1 && (c == 1) == (kind == wasm.OpI32Eq): // it is the boolean itself
			if w == 64 {
				return p.unary(wasm.OpI32WrapI64, wasm.I32, a)
			}
			return a
		case c != 0 && c == ones && bits.OnesCount64(c) == 1: // the one bit that it may have
			if kind == wasm.OpI32Ne {
				return rewrite(n, wasm.OpI32Eqz, w, a, nil)
			}
			return rewrite(n, wasm.OpI32Ne, w, a, p.konst(intType(w).Kind, 0))
		}
		return nil
	}
	unsigned := unsignedOf[kind-wasm.OpI32Eqz]
	if unsigned != kind {
		if ones>>(w-1) != 0 {
			return nil
		}
		if extendConst(c, w) < 0 {
			return number(kind == wasm.OpI32GtS || kind == wasm.OpI32GeS)
		}
	}
	switch {
	case (unsigned == wasm.OpI32LtU || unsigned == wasm.OpI32GeU) && ones < c:
		return number(unsigned == wasm.OpI32LtU)
	case (unsigned == wasm.OpI32LeU || unsigned == wasm.OpI32GtU) && ones <= c:
		return number(unsigned == wasm.OpI32LeU)
	}
	return nil
}

// ruleNarrowCompare compares 32-bit numbers as such, not their extensions.
func (p *peephole) ruleNarrowCompare(n *ir.Node, kind wasm.Opcode) *ir.Node {
	a, b := n.Kids[0], n.Kids[1]
	switch {
	case a.Op == wasm.OpI64ExtendI32U || b.Op == wasm.OpI64ExtendI32U:
		kind = unsignedOf[kind-wasm.OpI32Eqz]
		if a.Op == wasm.OpI64ExtendI32U && b.IsConst() && b.Imm>>32 == 0 {
			return rewrite(n, kind, 32, a.Kids[0], p.konst(wasm.KindI32, b.Imm))
		}
		if a.Op == b.Op {
			return rewrite(n, kind, 32, a.Kids[0], b.Kids[0])
		}
	case a.Op == wasm.OpI64ExtendI32S: // keeps the order, of unsigned numbers too
		if b.IsConst() && int64(b.Imm) == int64(int32(b.Imm)) {
			return rewrite(n, kind, 32, a.Kids[0], p.konst(wasm.KindI32, uint64(uint32(b.Imm))))
		}
		if a.Op == b.Op {
			return rewrite(n, kind, 32, a.Kids[0], b.Kids[0])
		}
	}
	return nil
}
