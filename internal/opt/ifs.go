package opt

import (
	"github.com/wbundle/wbundle/internal/ir"
	"github.com/wbundle/wbundle/internal/wasm"
)

// The part of branches that is about conditions.

// simplify returns what is shorter than an if whose arms are done.
func (b *brancher) simplify(n *ir.Node) *ir.Node {
	f := b.f
	if n.Kids[0].IsUnreachable() {
		return n
	}
	if v, ok := constant(n.Kids[0]); ok {
		b.changed = true
		keep, other := n.Kids[1], f.Nop()
		if len(n.Kids) == 3 {
			other = n.Kids[2]
		}
		if v == 0 {
			keep, other = other, keep
		}
		ir.Discard(other)
		return keep
	}
	if len(n.Kids) == 3 && !n.HasValue() && isEmpty(n.Kids[2]) {
		n.Kids = n.Kids[:2]
	}
	if !n.HasValue() && isEmpty(n.Kids[1]) {
		if len(n.Kids) == 2 {
			b.changed = true
			return b.drop(n.Kids[0])
		}
		if b.negation(n.Kids[0]) <= 0 {
			b.changed = true
			n.Kids[0], n.Kids[1] = b.negate(n.Kids[0]), n.Kids[2]
			n.Kids = n.Kids[:2]
			f.Retype(n)
		}
	}
	if len(n.Kids) == 3 && b.negation(n.Kids[0]) < 0 {
		b.changed = true
		n.Kids[0] = b.negate(n.Kids[0])
		n.Kids[1], n.Kids[2] = n.Kids[2], n.Kids[1]
		f.Retype(n)
	}
	if len(n.Kids) == 2 {
		b.both(n)
		if br := n.Kids[1]; isLeave(br) {
			return b.ifLeave(br, n.Kids[0])
		}
		return n
	}
	if n.HasValue() && b.selectable(n.Kids[0], n.Kids[1], n.Kids[2]) {
		b.changed = true
		return f.Node(wasm.OpSelect, n.Type, n.Kids[1], n.Kids[2], n.Kids[0])
	}
	return n
}

// ifLeave makes br_if of an if around a branch.
func (b *brancher) ifLeave(br, cond *ir.Node) *ir.Node {
	b.changed = true
	l := b.target(br)
	if br.Op == wasm.OpReturn {
		l.Refs++
	}
	return b.brIfTo(l, cond)
}

// split returns what is shorter than an if one of whose arms is never left at
// its end, so that the other one can as well follow the if. What it returns may
// be a block of several statements.
func (b *brancher) split(n *ir.Node) *ir.Node {
	f := b.f
	if n.Kids[0].IsUnreachable() {
		return n
	}
	if len(n.Kids) == 2 {
		return b.leaveWith(n)
	}
	yes, no := n.Kids[1], n.Kids[2]
	switch {
	case isLeave(yes):
		// if c br $l else B  ->  br_if $l c; B
		return f.Block(b.ifLeave(yes, n.Kids[0]), no)
	case isLeave(no) && b.negation(n.Kids[0]) <= 1:
		return f.Block(b.ifLeave(no, b.negate(n.Kids[0])), yes)
	case yes.IsUnreachable():
		b.changed = true
		return f.Block(f.If(n.Kids[0], yes, nil), no)
	case no.IsUnreachable() && b.negation(n.Kids[0]) <= 0:
		b.changed = true
		return f.Block(f.If(b.negate(n.Kids[0]), no, nil), yes)
	}
	return n
}

// leaveWith turns an if around a branch with a value into br_if, which leaves
// the value where it does not branch:
//
//	if (c) v br $l  ->  v c br_if $l drop
func (b *brancher) leaveWith(n *ir.Node) *ir.Node {
	f := b.f
	br := n.Kids[1]
	if br.Op != wasm.OpBr && br.Op != wasm.OpReturn || len(br.Kids) != 1 || isRef(br.Kids[0].Type) ||
		b.s.o.Level != Size || !b.before(n.Kids[0], br.Kids[0], 8) {
		return n
	}
	b.changed = true
	l := b.target(br)
	if br.Op == wasm.OpReturn {
		l.Refs++
	}
	v := f.Node(wasm.OpBrIf, br.Kids[0].Type, br.Kids[0], n.Kids[0])
	v.Target = l
	return f.Drop(v)
}

// both turns an if in an if into one.
func (b *brancher) both(n *ir.Node) {
	f := b.f
	in := n.Kids[1]
	if in.Op != wasm.OpIf || len(in.Kids) != 2 || !b.cheap(in.Kids[0], 8) {
		return
	}
	x, y := n.Kids[0], in.Kids[0]
	switch {
	case x.Op == wasm.OpI32Eqz && y.Op == wasm.OpI32Eqz:
		n.Kids[0] = f.Node(wasm.OpI32Eqz, wasm.I32, f.Node(wasm.OpI32Or, wasm.I32, x.Kids[0], y.Kids[0]))
	case isBool(x) && isBool(y):
		n.Kids[0] = f.Node(wasm.OpI32And, wasm.I32, x, y)
	default:
		return
	}
	b.changed = true
	n.Kids[1] = in.Kids[1]
	f.Retype(n)
}

// cheap reports whether a tree may be evaluated although its value may not be
// needed: it has no effect, and no more than that many nodes.
func (b *brancher) cheap(n *ir.Node, limit int) bool {
	if b.s.o.Level != Size {
		limit = min(limit, 3)
	}
	return nodes(n, limit) && b.f.Removable(n)
}

// nodes reports whether a tree has at most that many nodes.
func nodes(n *ir.Node, limit int) bool {
	left := limit
	return within(n, &left)
}

func within(n *ir.Node, left *int) bool {
	if *left--; *left < 0 {
		return false
	}
	for _, k := range n.Kids {
		if !within(k, left) {
			return false
		}
	}
	return true
}

// before reports whether v, which is evaluated after the condition and only
// sometimes, can as well be evaluated before it and always.
func (b *brancher) before(cond, v *ir.Node, limit int) bool {
	f := b.f
	if !b.cheap(v, limit) {
		return false
	}
	fv := f.Effects(v)
	if fv == 0 {
		return true
	}
	fc := f.Effects(cond)
	if ir.Conflict(fc, fv) {
		return false
	}
	if fc&ir.WritesLocal == 0 || fv&ir.ReadsLocal == 0 {
		return true
	}
	free := true
	none := func(uint32) {}
	ir.Locals(v, func(read uint32) {
		if free {
			ir.Locals(cond, none, func(written uint32) { free = free && written != read })
		}
	}, none)
	return free
}

// selectable reports whether an if with these values as its arms can be select.
func (b *brancher) selectable(cond, yes, no *ir.Node) bool {
	limit := 16
	if b.s.o.Level != Size {
		limit = 3
	}
	return yes.HasValue() && no.HasValue() && !isRef(yes.Type) && yes.Type == no.Type && !cond.IsUnreachable() &&
		b.before(cond, yes, limit) && b.before(cond, no, limit)
}

// inverse has the comparison that is true when another one is not.
var inverse = map[wasm.Opcode]wasm.Opcode{}

func init() {
	for _, p := range [][2]wasm.Opcode{
		{wasm.OpI32Eq, wasm.OpI32Ne}, {wasm.OpI32LtS, wasm.OpI32GeS}, {wasm.OpI32LtU, wasm.OpI32GeU}, {wasm.OpI32GtS, wasm.OpI32LeS}, {wasm.OpI32GtU, wasm.OpI32LeU},
		{wasm.OpI64Eq, wasm.OpI64Ne}, {wasm.OpI64LtS, wasm.OpI64GeS}, {wasm.OpI64LtU, wasm.OpI64GeU}, {wasm.OpI64GtS, wasm.OpI64LeS}, {wasm.OpI64GtU, wasm.OpI64LeU},
		{wasm.OpF32Eq, wasm.OpF32Ne}, {wasm.OpF64Eq, wasm.OpF64Ne},
	} {
		inverse[p[0]], inverse[p[1]] = p[1], p[0]
	}
}

// negation is how many bytes negate adds to a condition.
func (b *brancher) negation(n *ir.Node) int {
	if n.Op == wasm.OpI32Eqz {
		return -1
	}
	if _, ok := inverse[n.Op]; ok {
		return 0
	}
	return 1
}

// negate returns a condition that holds when n does not.
func (b *brancher) negate(n *ir.Node) *ir.Node {
	if n.Op == wasm.OpI32Eqz {
		return n.Kids[0]
	}
	if op, ok := inverse[n.Op]; ok {
		n.Op = op
		return n
	}
	return b.f.Node(wasm.OpI32Eqz, wasm.I32, n)
}

// isBool reports whether a tree is 0 or 1.
func isBool(n *ir.Node) bool {
	switch n.Op {
	case wasm.OpI32Eqz, wasm.OpI64Eqz, wasm.OpRefIsNull,
		wasm.OpF32Lt, wasm.OpF32Gt, wasm.OpF32Le, wasm.OpF32Ge, wasm.OpF64Lt, wasm.OpF64Gt, wasm.OpF64Le, wasm.OpF64Ge:
		return true
	case wasm.OpI32Const:
		return n.Imm < 2
	case wasm.OpI32And:
		return isBool(n.Kids[0]) || isBool(n.Kids[1])
	case wasm.OpI32Or, wasm.OpI32Xor:
		return isBool(n.Kids[0]) && isBool(n.Kids[1])
	}
	_, ok := inverse[n.Op]
	return ok
}
