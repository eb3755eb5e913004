package opt

import (
	"sync"

	"github.com/wbundle/wbundle/internal/ir"
	"github.com/wbundle/wbundle/internal/wasm"
)

// The pass peephole: an instruction and its operands become instructions that
// take fewer bytes, or as many and less work, and give the same value.
//
// Input and output are final trees. From the leaves up, rules are tried at every
// node until none fits. They are in
//
//	peephole_integer.go   arithmetic, comparisons, masks and shifts
//	peephole_convert.go   wrap, extend, sign extension, reinterpretation
//	peephole_memory.go    what is loaded and stored, and where
//	peephole_cond.go      conditions, select, if
//	peephole_bits.go      which bits are known, and which are wanted
//
// For example
//
//	local.get 0                       local.get 0
//	i32.load8_u                       i32.load8_u
//	i32.const 255         becomes     if
//	i32.and                             call $f
//	i32.const 0                       end
//	i32.ne
//	if
//	  call $f
//	end
//
// Canonical forms: a constant is the right operand; x - c is x + -c, unless -c
// takes more bytes; x == 0 is eqz; multiplication by a power of two is a shift.
// No rule undoes what another did: each makes the tree smaller, or moves it
// towards the canonical form.
//
// Operands only change places when neither can tell (ir.Conflict). A value that
// is not needed any more is dropped, not left out, where it may trap. The bits of
// a NaN are never changed: float arithmetic stays as it is.
func peepholes(f *ir.Func, s *state) bool {
	p := peepholers.Get().(*peephole)
	defer peepholers.Put(p)
	p.f, p.level, p.changed, p.branches = f, s.o.Level, false, false
	p.learn()
	f.Body = p.node(f.Body)
	if p.branches {
		f.Finalize()
	}
	p.f = nil
	return p.changed
}

var peepholers = sync.Pool{New: func() any { return new(peephole) }}

type peephole struct {
	f     *ir.Func
	level Level
	// local has, for every local, the bits that its values may have.
	local []uint64
	// learning says that local is not complete yet.
	learning bool
	// changed says that something is different, branches that types or labels may
	// have to be found again.
	changed, branches bool
}

// steps bounds how many rules are applied to one node in one visit.
const steps = 16

// node rewrites a tree and returns what is there instead.
func (p *peephole) node(n *ir.Node) *ir.Node {
	for i, k := range n.Kids {
		n.Kids[i] = p.node(k)
	}
	return p.simplify(n)
}

// simplify rewrites a node whose operands are as simple as they get.
func (p *peephole) simplify(n *ir.Node) *ir.Node {
	for range steps {
		r := p.rule(n)
		if r == nil {
			break
		}
		p.changed = true
		n = r
	}
	return n
}

// rule applies one rule to a node and returns what is there instead, or nil if
// none fits.
func (p *peephole) rule(n *ir.Node) *ir.Node {
	switch n.Op {
	case wasm.OpIf:
		return p.ruleIf(n)
	case wasm.OpBrIf:
		return p.ruleBrIf(n)
	case wasm.OpBrTable:
		return p.decided(n)
	case wasm.OpBlock:
		return p.ruleBlock(n)
	case wasm.OpLocalGet:
		// Nothing but zeros are ever in it.
		if p.local[n.Imm] == 0 && isInt(n) {
			setConst(n, 0)
			return n
		}
		return nil
	}
	if len(n.Kids) == 0 || n.IsUnreachable() || n.Op == ir.OpFirst {
		return nil
	}
	if n.Op == wasm.OpSelect || n.Op == wasm.OpSelectT {
		return p.ruleSelect(n)
	}
	if len(n.Kids) <= 2 && foldConst(p.f, p.level, n) {
		return n
	}
	if kind, w := intKind(n.Op); w != 0 {
		return p.ruleInteger(n, kind, w)
	}
	if n.Op >= wasm.OpF32Abs {
		if r := p.ruleConvert(n); r != nil {
			return r
		}
	}
	if n.Op >= wasm.OpI32Load && n.Op <= wasm.OpI64Store32 || n.Op >= wasm.PrefixSIMD {
		return p.ruleAccess(n)
	}
	return nil
}

// decided is what an instruction with a constant condition comes to.
func (p *peephole) decided(n *ir.Node) *ir.Node {
	r := decide(p.f, n)
	if r != nil {
		p.branches = true
	}
	return r
}

// ruleBlock brings together a local that has just been set and its use: where a
// statement starts with two locals that may change places, the one that the
// statement before sets comes first. It can then be the operand itself.
func (p *peephole) ruleBlock(n *ir.Node) *ir.Node {
	for i := 1; i < len(n.Kids); i++ {
		set := n.Kids[i-1]
		if set.Op != wasm.OpLocalSet {
			continue
		}
		k := n.Kids[i]
		for len(k.Kids) > 0 && k.Op != wasm.OpLoop && k.Op != wasm.OpBlock && k.Op != wasm.OpTryTable {
			if len(k.Kids) == 2 && k.Kids[0].Op == wasm.OpLocalGet && k.Kids[1].Op == wasm.OpLocalGet {
				if k.Kids[1].Imm == set.Imm && k.Kids[0].Imm != set.Imm && turn(k) {
					p.changed = true
				}
				break
			}
			k = k.Kids[0]
		}
	}
	return nil
}

// turn makes the operands of an integer instruction change places, if that gives
// the same.
func turn(n *ir.Node) bool {
	kind, w := intKind(n.Op)
	if w == 0 || len(n.Kids) != 2 {
		return false
	}
	other := intMirror[kind-wasm.OpI32Eqz]
	if other == 0 {
		return false
	}
	n.Op = intOp(other, w)
	n.Kids[0], n.Kids[1] = n.Kids[1], n.Kids[0]
	return true
}

// instead is a constant in the place of n, a value of which only its operands'
// effects matter.
func (p *peephole) instead(n *ir.Node, v uint64) *ir.Node {
	c := p.konst(n.Type.Kind, v)
	for i := len(n.Kids) - 1; i >= 0; i-- {
		c = keepLast(p.f, n.Kids[i], c)
	}
	return c
}

// konst is a constant of a type.
func (p *peephole) konst(kind wasm.ValKind, v uint64) *ir.Node {
	n := p.f.Node(constOp(kind), wasm.ValType{Kind: kind})
	n.Imm = v
	return n
}

// unary is an instruction with one operand, as simple as it gets.
func (p *peephole) unary(op wasm.Opcode, t wasm.ValType, a *ir.Node) *ir.Node {
	return p.simplify(p.f.Node(op, t, a))
}

// swappable reports whether it cannot be told in which order two trees are
// evaluated.
func (p *peephole) swappable(a, b *ir.Node) bool {
	if a.IsConst() || b.IsConst() {
		return true
	}
	fa, ok := boundedEffects(p.f, a)
	if !ok {
		return false
	}
	fb, ok := boundedEffects(p.f, b)
	if !ok || ir.Conflict(fa, fb) {
		return false
	}
	return (fa&ir.WritesLocal == 0 || !meets(a, b)) && (fb&ir.WritesLocal == 0 || !meets(b, a))
}

// meets reports whether a writes a local that b reads or writes. Both are small.
func meets(a, b *ir.Node) bool {
	found := false
	ir.Locals(a, func(uint32) {}, func(x uint32) {
		same := func(y uint32) { found = found || x == y }
		ir.Locals(b, same, same)
	})
	return found
}

// sameNodes bounds how large trees are compared.
const sameNodes = 12

// same reports whether two small trees, evaluated one right after the other,
// give the same value, and the second does nothing that the first has not done.
func (p *peephole) same(a, b *ir.Node) bool {
	left := sameNodes
	return p.sameTree(a, b, &left)
}

func (p *peephole) sameTree(a, b *ir.Node, left *int) bool {
	if *left--; *left < 0 || a.Op != b.Op || a.Imm != b.Imm || a.Aux != b.Aux || a.Type != b.Type || len(a.Kids) != len(b.Kids) {
		return false
	}
	switch a.Op {
	case wasm.OpBlock, wasm.OpLoop, wasm.OpIf, wasm.OpTryTable, wasm.OpLocalTee, ir.OpFirst, wasm.OpRefNull, wasm.OpSelectT:
		return false
	}
	if p.f.NodeEffects(a)&(ir.Side&^ir.Traps) != 0 {
		return false
	}
	for i := range a.Kids {
		if !p.sameTree(a.Kids[i], b.Kids[i], left) {
			return false
		}
	}
	return true
}
