package opt

import (
	"math/bits"

	"github.com/wbundle/wbundle/internal/ir"
	"github.com/wbundle/wbundle/internal/wasm"
)

// What is known of the bits of a number, and what is wanted of them.
//
// ones says which bits of a value may be 1; as no bit outside can be, it is also
// the largest value there can be. signed says from how many bits a value is
// sign-extended. demand goes the other way: of a value of which only some bits
// are looked at, it takes off what touches only others.
//
// All three look at most depth levels down, so that asking at every node takes
// linear time.

const (
	onesDepth   = 6
	demandDepth = 5
)

// fullMask is all bits of an integer type.
func fullMask(kind wasm.ValKind) uint64 {
	if kind == wasm.KindI32 {
		return 1<<32 - 1
	}
	return 1<<64 - 1
}

// below is a mask of all bits up to the highest of v.
func below(v uint64) uint64 { return 1<<bits.Len64(v) - 1 }

// learn finds, for every local, which bits the values may have that are written
// to it. Parameters may have any. It stays true while the pass rewrites values
// to equal ones.
func (p *peephole) learn() {
	p.local = append(p.local[:0], make([]uint64, len(p.f.Locals))...)
	for i := range p.f.Params {
		p.local[i] = 1<<64 - 1
	}
	p.learning = true
	p.learnFrom(p.f.Body)
	p.learning = false
}

func (p *peephole) learnFrom(n *ir.Node) {
	for _, k := range n.Kids {
		p.learnFrom(k)
	}
	if n.Op == wasm.OpLocalSet || n.Op == wasm.OpLocalTee {
		if k := n.Kids[0]; p.local[n.Imm] != 1<<64-1 && isInt(k) {
			p.local[n.Imm] |= p.ones(k, onesDepth)
		}
	}
}

func isInt(n *ir.Node) bool { return n.Type.Kind == wasm.KindI32 || n.Type.Kind == wasm.KindI64 }

// ones returns the bits that may be 1 in the value of n, an integer.
func (p *peephole) ones(n *ir.Node, depth int) uint64 {
	if n.IsUnreachable() {
		return 0
	}
	full := fullMask(n.Type.Kind)
	if depth--; depth < 0 {
		return full
	}
	switch n.Op {
	case wasm.OpI32Const, wasm.OpI64Const:
		return n.Imm
	case wasm.OpLocalGet:
		if p.learning {
			return full // what is written to it is not known yet
		}
		return p.local[n.Imm] & full
	case wasm.OpLocalTee, ir.OpFirst:
		return p.ones(n.Kids[0], depth)
	case wasm.OpSelect:
		return p.ones(n.Kids[0], depth) | p.ones(n.Kids[1], depth)
	case wasm.OpIf:
		return p.ones(n.Kids[1], depth) | p.ones(n.Kids[2], depth)
	case wasm.OpBlock:
		if n.Refs == 0 && n != p.f.Body {
			return p.ones(n.Kids[len(n.Kids)-1], depth)
		}
		return full
	case wasm.OpI32WrapI64, wasm.OpI64ExtendI32U:
		return p.ones(n.Kids[0], depth) & (1<<32 - 1)
	case wasm.OpI64ExtendI32S, wasm.OpI64Extend32S:
		return spread(p.ones(n.Kids[0], depth), 32) & full
	case wasm.OpI32Extend8S, wasm.OpI64Extend8S:
		return spread(p.ones(n.Kids[0], depth), 8) & full
	case wasm.OpI32Extend16S, wasm.OpI64Extend16S:
		return spread(p.ones(n.Kids[0], depth), 16) & full
	case wasm.OpI32Load8U, wasm.OpI64Load8U:
		return 0xff
	case wasm.OpI32Load16U, wasm.OpI64Load16U:
		return 0xffff
	case wasm.OpI64Load32U:
		return 1<<32 - 1
	case wasm.OpI32Clz, wasm.OpI32Ctz, wasm.OpI32Popcnt:
		return 0x3f
	case wasm.OpI64Clz, wasm.OpI64Ctz, wasm.OpI64Popcnt:
		return 0x7f
	case wasm.OpRefIsNull:
		return 1
	}
	if isCompare(n.Op) {
		return 1
	}
	kind, w := intKind(n.Op)
	if w == 0 || len(n.Kids) != 2 {
		return full
	}
	a := p.ones(n.Kids[0], depth)
	c := n.Kids[1]
	switch kind {
	case wasm.OpI32Shl, wasm.OpI32ShrU, wasm.OpI32ShrS:
		if !c.IsConst() {
			if kind == wasm.OpI32ShrU || kind == wasm.OpI32ShrS && a>>(w-1) == 0 {
				return below(a)
			}
			return full
		}
		by := uint(c.Imm) & (w - 1)
		switch {
		case kind == wasm.OpI32Shl:
			return a << by & full
		case kind == wasm.OpI32ShrS && a>>(w-1) != 0:
			return uint64(int64(a)<<(64-w)>>(64-w)>>by) & full
		}
		return a >> by
	}
	b := p.ones(c, depth)
	switch kind {
	case wasm.OpI32And:
		return a & b
	case wasm.OpI32Or, wasm.OpI32Xor:
		return a | b
	case wasm.OpI32Add:
		sum, carry := bits.Add64(a, b, 0)
		return upTo(sum, carry != 0 || sum > full, full) &^ trailing(min(zeros(a), zeros(b)))
	case wasm.OpI32Sub:
		return full &^ trailing(min(zeros(a), zeros(b)))
	case wasm.OpI32Mul:
		over, product := bits.Mul64(a, b)
		return upTo(product, over != 0 || product > full, full) &^ trailing(min(zeros(a)+zeros(b), 64))
	case wasm.OpI32DivU:
		if c.IsConst() && c.Imm != 0 {
			return below(a / c.Imm)
		}
		return below(a)
	case wasm.OpI32RemU:
		if b == 0 {
			return 0 // it traps
		}
		return below(a) & below(b)
	}
	return full
}

// upTo is the bits that a number up to limit may have.
func upTo(limit uint64, overflow bool, full uint64) uint64 {
	if overflow {
		return full
	}
	return below(limit)
}

// zeros is how many low bits are 0 in any number of these ones.
func zeros(ones uint64) int { return bits.TrailingZeros64(ones) }

// trailing is a mask of n low bits.
func trailing(n int) uint64 { return 1<<n - 1 }

// spread is the bits that may be 1 after sign extension from w bits.
func spread(ones uint64, w uint) uint64 {
	low := ones & (1<<w - 1)
	if low>>(w-1) == 0 {
		return low
	}
	return low | ^uint64(0)<<w
}

// isCompare reports whether an instruction gives 0 or 1.
func isCompare(op wasm.Opcode) bool { return op >= wasm.OpI32Eqz && op <= wasm.OpF64Ge }

// signed returns a number of bits that n, an integer, is the sign extension of:
// the value is between -2^(s-1) and 2^(s-1)-1.
func (p *peephole) signed(n *ir.Node, depth int) uint {
	if n.IsUnreachable() {
		return 1
	}
	w := uint(32)
	if n.Type.Kind == wasm.KindI64 {
		w = 64
	}
	if depth--; depth < 0 {
		return w
	}
	s := w
	switch n.Op {
	case wasm.OpI32Const:
		return signedBits(int64(int32(n.Imm)))
	case wasm.OpI64Const:
		return signedBits(int64(n.Imm))
	case wasm.OpI32Load8S, wasm.OpI64Load8S:
		return 8
	case wasm.OpI32Load16S, wasm.OpI64Load16S:
		return 16
	case wasm.OpI64Load32S:
		return 32
	case wasm.OpI32Extend8S, wasm.OpI64Extend8S:
		s = 8
	case wasm.OpI32Extend16S, wasm.OpI64Extend16S:
		s = 16
	case wasm.OpI64Extend32S:
		s = 32
	case wasm.OpI64ExtendI32S:
		return p.signed(n.Kids[0], depth)
	case wasm.OpLocalTee, ir.OpFirst:
		return p.signed(n.Kids[0], depth)
	case wasm.OpSelect:
		return max(p.signed(n.Kids[0], depth), p.signed(n.Kids[1], depth))
	case wasm.OpIf:
		return max(p.signed(n.Kids[1], depth), p.signed(n.Kids[2], depth))
	case wasm.OpI32And, wasm.OpI32Or, wasm.OpI32Xor, wasm.OpI64And, wasm.OpI64Or, wasm.OpI64Xor:
		s = max(p.signed(n.Kids[0], depth), p.signed(n.Kids[1], depth))
	case wasm.OpI32ShrS, wasm.OpI64ShrS:
		if c := n.Kids[1]; c.IsConst() {
			by := uint(c.Imm) & (w - 1)
			s = max(p.signed(n.Kids[0], depth), by+1) - by
		}
	}
	// A number whose high bits are 0 is the extension of one bit more.
	return min(s, uint(bits.Len64(p.ones(n, depth)))+1, w)
}

// signedBits is how many bits a number takes in two's complement.
func signedBits(v int64) uint {
	if v < 0 {
		v = ^v
	}
	return uint(bits.Len64(uint64(v))) + 1
}

// demand rewrites n, an integer of which only the bits in mask are looked at.
// It never changes what a local gets.
func (p *peephole) demand(n *ir.Node, mask uint64, depth int) *ir.Node {
	if depth--; depth < 0 || n.IsUnreachable() || mask == 0 {
		return n
	}
	switch n.Op {
	case wasm.OpI32Const, wasm.OpI64Const:
		if v := shortest(n.Type.Kind, n.Imm, mask); v != n.Imm {
			n.Imm = v
			p.changed = true
		}
		return n
	case wasm.OpI32WrapI64:
		n.Kids[0] = p.demand(n.Kids[0], mask, depth)
		return n
	case wasm.OpI64ExtendI32U, wasm.OpI64ExtendI32S:
		if mask>>32 == 0 {
			n.Kids[0] = p.demand(n.Kids[0], mask, depth)
		}
		return n
	case wasm.OpI32Extend8S, wasm.OpI64Extend8S:
		return p.demandExtended(n, mask, 8, depth)
	case wasm.OpI32Extend16S, wasm.OpI64Extend16S:
		return p.demandExtended(n, mask, 16, depth)
	case wasm.OpI64Extend32S:
		return p.demandExtended(n, mask, 32, depth)
	case wasm.OpI32Load8S, wasm.OpI64Load8S, wasm.OpI32Load16S, wasm.OpI64Load16S, wasm.OpI64Load32S:
		if w := loadBits(n.Op); mask>>w == 0 {
			n.Op++ // the unsigned one
			p.changed = true
		}
		return n
	case wasm.OpSelect:
		n.Kids[0] = p.demand(n.Kids[0], mask, depth)
		n.Kids[1] = p.demand(n.Kids[1], mask, depth)
		return n
	}
	kind, w := intKind(n.Op)
	if w == 0 || len(n.Kids) != 2 || isCompare(n.Op) {
		return n
	}
	full := fullMask(n.Type.Kind)
	a, b := n.Kids[0], n.Kids[1]
	switch kind {
	case wasm.OpI32And:
		if b.IsConst() {
			if mask&^b.Imm == 0 {
				p.changed = true
				return p.demand(a, mask, depth)
			}
			n.Kids[0] = p.demand(a, mask&b.Imm, depth)
			n.Kids[1] = p.demand(b, mask, depth)
			return n
		}
		n.Kids[0], n.Kids[1] = p.demand(a, mask, depth), p.demand(b, mask, depth)
	case wasm.OpI32Or, wasm.OpI32Xor:
		if b.IsConst() && mask&b.Imm == 0 {
			p.changed = true
			return p.demand(a, mask, depth)
		}
		n.Kids[0], n.Kids[1] = p.demand(a, mask, depth), p.demand(b, mask, depth)
	case wasm.OpI32Add, wasm.OpI32Sub, wasm.OpI32Mul:
		// A carry goes up only: the bits above the mask do not matter.
		low := below(mask)
		n.Kids[0], n.Kids[1] = p.demand(a, low, depth), p.demand(b, low, depth)
		if b := n.Kids[1]; b.IsConst() && b.Imm&low == 0 && kind != wasm.OpI32Mul {
			p.changed = true
			return n.Kids[0]
		}
	case wasm.OpI32Shl, wasm.OpI32ShrU, wasm.OpI32ShrS:
		if !b.IsConst() {
			return n
		}
		by := uint(b.Imm) & (w - 1)
		switch {
		case kind == wasm.OpI32Shl:
			n.Kids[0] = p.demand(a, mask>>by, depth)
		case kind == wasm.OpI32ShrU || mask>>(w-by) == 0:
			if inner := a.Op; (inner == intOp(wasm.OpI32Shl, w)) && a.Kids[1].IsConst() &&
				uint(a.Kids[1].Imm)&(w-1) == by && mask>>(w-by) == 0 {
				p.changed = true
				return p.demand(a.Kids[0], mask, depth)
			}
			n.Kids[0] = p.demand(a, mask<<by&full, depth)
		}
	}
	return n
}

// demandExtended is demand of a sign extension from w bits.
func (p *peephole) demandExtended(n *ir.Node, mask uint64, w uint, depth int) *ir.Node {
	if mask>>w == 0 {
		p.changed = true
		return p.demand(n.Kids[0], mask, depth)
	}
	return n
}

// loadBits is the width of what a load reads that extends it.
func loadBits(op wasm.Opcode) uint {
	switch op {
	case wasm.OpI32Load8S, wasm.OpI32Load8U, wasm.OpI64Load8S, wasm.OpI64Load8U:
		return 8
	case wasm.OpI32Load16S, wasm.OpI32Load16U, wasm.OpI64Load16S, wasm.OpI64Load16U:
		return 16
	}
	return 32
}

// shortest is the constant with the fewest bytes that has the bits of v in mask.
func shortest(kind wasm.ValKind, v, mask uint64) uint64 {
	full := fullMask(kind)
	best := v
	for _, o := range [...]uint64{v & mask, v | ^mask&full} {
		if constSize(kind, o) < constSize(kind, best) {
			best = o
		}
	}
	return best
}
