package opt

import (
	"sync"

	"github.com/wbundle/wbundle/internal/ir"
	"github.com/wbundle/wbundle/internal/wasm"
)

// The pass branches: a function goes where it went, with fewer branches.
//
// Input and output are final trees. It knows of every point of the function
// where it goes from there (flow), and under which names: the end of a block
// that is the last thing in another one, or that stands before a branch, has
// several. With that,
//
//   - a branch to where the function goes anyway is left out, and one to the end
//     of a block goes to the label that costs least: the function itself
//     (return), a loop, an if or try_table around it, the outermost block;
//   - an if around a branch is br_if, an if around constants is select, an else
//     behind an arm that leaves is what follows the if (ifs.go);
//   - what follows a branch over it is in the arm of an if, what only one branch
//     leads to is where the branch was (lists.go).
//
// For example
//
//	block $b                          local.get 0
//	  local.get 0                     if
//	  i32.eqz                           call $f
//	  br_if $b              becomes   end
//	  call $f
//	  br $b
//	end
//
// Invariant: every step is shorter, by the count of ir.Func.Size, or as long and
// closer to what another step makes shorter. Blocks that no branch names are
// lists and cost nothing.
//
// References are left where they are: the types of blocks would have to follow.
func branches(f *ir.Func, s *state) bool {
	b := branchers.Get().(*brancher)
	defer branchers.Put(b)
	b.f, b.s, b.changed = f, s, false
	for _, shape := range []bool{false, true} {
		b.shape, b.spare = shape, nil
		b.block(f.Body, flow{})
		for i := range b.labels {
			b.labels[i].node.Imm = 0
		}
		clear(b.labels)
		b.labels = b.labels[:0]
		f.Finalize()
	}
	b.f, b.s = nil, nil
	return b.changed
}

// flow says where the end of a statement goes.
type flow struct {
	// to is a label, a branch to which does the same; nil if there is none.
	to *ir.Node
	// typ is the type of the value that the statement brings along, ir.None
	// without.
	typ wasm.ValType
}

// label is what is known of a block or loop; its Imm is the index in
// brancher.labels, plus one, while the pass runs.
type label struct {
	node *ir.Node
	// to is the outermost label, a branch to which goes where one to node goes.
	// It is a block whose end goes nowhere else, a loop or the function's body.
	to *ir.Node
	// name is the label to use for such branches, for a node that is its own to.
	name *ir.Node
	// table says that a br_table or a clause named the node.
	table bool
}

type brancher struct {
	f       *ir.Func
	s       *state
	labels  []label
	shape   bool // the second walk, which trusts in the counts of branches
	changed bool
	spare   *ir.Node // a block that was made and is not used
}

var branchers = sync.Pool{New: func() any { return new(brancher) }}

// id enters a label and returns its index.
func (b *brancher) id(n *ir.Node) int {
	if n.Imm == 0 {
		b.labels = append(b.labels, label{node: n})
		n.Imm = uint64(len(b.labels))
	}
	return int(n.Imm - 1)
}

// to is where a branch to l goes.
func (b *brancher) to(l *ir.Node) *ir.Node {
	if l == b.f.Body || l.Op == wasm.OpLoop {
		return l
	}
	return b.labels[l.Imm-1].to
}

// name is the label to use for branches to where to is, nil if there is none.
func (b *brancher) name(to *ir.Node) *ir.Node {
	if to == b.f.Body || to.Op == wasm.OpLoop {
		return to
	}
	return b.labels[to.Imm-1].name
}

// retarget takes a branch from l to the label that is best.
func (b *brancher) retarget(l *ir.Node) *ir.Node {
	t := b.name(b.to(l))
	if t != l {
		l.Refs--
		t.Refs++
		b.changed = true
	}
	return t
}

// isRef reports whether values of the type are references.
func isRef(t wasm.ValType) bool { return t.Kind == wasm.KindRef }

// node works on a tree whose end goes to fl, and returns what stands for it.
func (b *brancher) node(n *ir.Node, fl flow) *ir.Node {
	n = b.statement(n, fl)
	if n.Op == wasm.OpIf {
		n = b.split(n)
	}
	return n
}

// statement is node without those rules for an if that keep it from being
// joined with what follows.
func (b *brancher) statement(n *ir.Node, fl flow) *ir.Node {
	f := b.f
	switch n.Op {
	case wasm.OpBlock:
		return b.block(n, fl)
	case wasm.OpLoop:
		b.labels[b.id(n)].to = n
		n.Kids[0] = b.node(n.Kids[0], fl)
		f.Retype(n)
		if n.Refs == 0 {
			b.changed = true
			return n.Kids[0]
		}
		return n
	case wasm.OpIf, wasm.OpTryTable:
		return b.construct(n, nil, fl)
	case wasm.OpBr, wasm.OpReturn:
		return b.leave(n, fl)
	case wasm.OpBrIf:
		return b.brIf(n, fl)
	case wasm.OpBrTable:
		return b.brTable(n, fl)
	}
	for i, k := range n.Kids {
		n.Kids[i] = b.node(k, flow{})
	}
	f.Retype(n)
	return n
}

// block works on a block.
func (b *brancher) block(n *ir.Node, fl flow) *ir.Node {
	f := b.f
	if n != f.Body && n.Refs > 0 && len(n.Kids) == 1 {
		if k := n.Kids[0]; (k.Op == wasm.OpIf || k.Op == wasm.OpTryTable) && !isRef(n.Result) && takes(k, n) {
			return b.construct(k, n, fl)
		}
	}
	in := fl
	id := b.id(n)
	switch {
	case n == f.Body:
		in = flow{n, f.Result}
		if isRef(f.Result) {
			in = flow{}
		}
		b.labels[id].to = n
	case n.Refs > 0:
		switch {
		case isRef(n.Result):
			in = flow{}
			b.labels[id].to = n
		case in.to == nil || in.typ != n.Result:
			in = flow{n, n.Result}
			b.labels[id].to = n
		default:
			b.labels[id].to = in.to
		}
	default:
		b.labels[id].to = n
		if in.to == nil && n.Type.Kind == ir.KindNone {
			in = flow{n, ir.None}
		}
	}
	named := -1
	if to := b.labels[id].to; n != f.Body && n.Refs > 0 && b.name(to) == nil {
		named = int(to.Imm - 1)
		b.labels[named].name = n
	}
	n.Kids = b.list(n.Kids, in)
	if named >= 0 {
		b.labels[named].name = nil
	}
	f.Retype(n)
	if n != f.Body && n.Refs == 0 && len(n.Kids) == 1 {
		return n.Kids[0]
	}
	return n
}

// takes reports whether an if or try_table that is all there is in the block l
// can be its label, so that l costs nothing.
func takes(n, l *ir.Node) bool {
	if n.Op == wasm.OpIf {
		return !n.Kids[0].IsUnreachable() && !names(n.Kids[0], l)
	}
	for i := range n.Targets() {
		if n.Targets()[i].Label == l {
			return false
		}
	}
	return true
}

// names reports whether a branch in n names l.
func names(n, l *ir.Node) bool {
	if n.Target == l {
		return true
	}
	for i := range n.Targets() {
		if n.Targets()[i].Label == l {
			return true
		}
	}
	for _, k := range n.Kids {
		if names(k, l) {
			return true
		}
	}
	return false
}

// construct works on an if or try_table, which is alone in the block l unless
// that is nil. Branches within it to where its end goes name a block around
// it, which costs nothing.
func (b *brancher) construct(n, l *ir.Node, fl flow) *ir.Node {
	f := b.f
	if n.Op == wasm.OpIf {
		n.Kids[0] = b.node(n.Kids[0], flow{})
		if n.Kids[0].IsUnreachable() {
			for _, k := range n.Kids[1:] {
				ir.Discard(k)
			}
			b.changed = true
			return n.Kids[0]
		}
	} else {
		for i := range n.Targets() {
			n.Targets()[i].Label = b.retarget(n.Targets()[i].Label)
			b.labels[b.id(n.Targets()[i].Label)].table = true
		}
	}
	t := n.Type
	if l != nil {
		t = l.Result
	} else if n.IsUnreachable() {
		t = fl.typ
	}
	in := fl
	if in.to != nil && in.typ != t || isRef(t) {
		in = flow{}
	}
	if l == nil && !isRef(t) && (in.to == nil && !n.IsUnreachable() || in.to != nil && in.to.Op == wasm.OpBlock && in.to != f.Body) {
		l = b.spare
		b.spare = nil
		if l == nil {
			l = f.Node(wasm.OpBlock, ir.None, n)
		} else {
			l.Kids[0] = n
		}
		l.Refs, l.Result = 0, t
	}
	var name *ir.Node
	if l != nil {
		id := b.id(l)
		if in.to == nil {
			in = flow{l, t}
		}
		b.labels[id].to = in.to
		if in.to.Op == wasm.OpBlock && in.to != f.Body {
			at := &b.labels[b.id(in.to)]
			name, at.name = at.name, l
		}
	}
	b.inside(n, in)
	f.Retype(n)
	if l != nil {
		if in.to.Op == wasm.OpBlock && in.to != f.Body {
			b.labels[in.to.Imm-1].name = name
		}
		if l.Refs > 0 {
			f.Retype(l)
			return l
		}
		b.spare = l
	}
	if n.Op == wasm.OpIf {
		n = b.simplify(n)
	}
	return n
}

// inside works on the arms of an if or the body of a try_table.
func (b *brancher) inside(n *ir.Node, in flow) {
	if n.Op == wasm.OpIf {
		for i := 1; i < len(n.Kids); i++ {
			n.Kids[i] = b.node(n.Kids[i], in)
		}
		return
	}
	n.Kids[0] = b.node(n.Kids[0], in)
}

// goesTo reports whether a branch with that many values to l goes to fl.
func (b *brancher) goesTo(l *ir.Node, values int, fl flow) bool {
	if fl.to == nil || b.to(l) != fl.to {
		return false
	}
	return (values == 1) == (fl.typ.Kind != ir.KindNone)
}

// target is the label of br and return.
func (b *brancher) target(n *ir.Node) *ir.Node {
	if n.Op == wasm.OpReturn {
		return b.f.Body
	}
	return n.Target
}

// leave works on br and return.
func (b *brancher) leave(n *ir.Node, fl flow) *ir.Node {
	l := b.target(n)
	for i, k := range n.Kids {
		var in flow
		if !isRef(k.Type) && l.Result == k.Type {
			in = flow{b.to(l), k.Type}
		}
		n.Kids[i] = b.node(k, in)
		if n.Kids[i].IsUnreachable() {
			b.changed = true
			if n.Op == wasm.OpBr {
				l.Refs--
			}
			return n.Kids[i]
		}
	}
	if b.goesTo(l, len(n.Kids), fl) {
		b.changed = true
		if n.Op == wasm.OpBr {
			l.Refs--
		}
		if len(n.Kids) == 0 {
			return b.f.Nop()
		}
		return n.Kids[0]
	}
	if n.Op == wasm.OpBr {
		n.Target = b.retarget(l)
		if n.Target == b.f.Body {
			n.Op, n.Target = wasm.OpReturn, nil
			b.f.Body.Refs--
			b.changed = true
		}
	}
	return n
}

// brIf works on br_if.
func (b *brancher) brIf(n *ir.Node, fl flow) *ir.Node {
	f := b.f
	for i, k := range n.Kids {
		n.Kids[i] = b.node(k, flow{})
	}
	f.Retype(n)
	if n.IsUnreachable() {
		return n
	}
	cond := n.Kids[len(n.Kids)-1]
	if v, ok := constant(cond); ok && len(n.Kids) == 1 {
		b.changed = true
		if v != 0 {
			n.Op, n.Kids, n.Type = wasm.OpBr, nil, ir.Unreachable
			return b.leave(n, fl)
		}
		n.Target.Refs--
		return f.Nop()
	}
	if b.goesTo(n.Target, len(n.Kids)-1, fl) {
		b.changed = true
		n.Target.Refs--
		if len(n.Kids) == 1 {
			return b.drop(cond)
		}
		return f.Node(ir.OpFirst, n.Kids[0].Type, n.Kids[0], b.drop(cond))
	}
	n.Target = b.retarget(n.Target)
	return n
}

// brTable works on br_table.
func (b *brancher) brTable(n *ir.Node, fl flow) *ir.Node {
	f := b.f
	for i, k := range n.Kids {
		n.Kids[i] = b.node(k, flow{})
	}
	f.Retype(n)
	for _, k := range n.Kids {
		if k.IsUnreachable() {
			return n
		}
	}
	last := len(n.Targets()) - 1
	for i := range n.Targets() {
		n.Targets()[i].Label = b.retarget(n.Targets()[i].Label)
	}
	for _, t := range n.Targets() {
		if t.Label != f.Body {
			b.labels[b.id(t.Label)].table = true
		}
	}
	other := n.Targets()[last].Label
	cut := last
	for cut > 0 && n.Targets()[cut-1].Label == other {
		cut--
	}
	if cut < last {
		b.changed = true
		other.Refs -= int32(last - cut)
		n.Targets()[cut].Label = other
		n.SetTargets(n.Targets()[:cut+1])
		last = cut
	}
	if len(n.Kids) == 2 {
		return n
	}
	index := n.Kids[0]
	if v, ok := constant(index); ok && last > 0 {
		b.changed = true
		to := n.Targets()[min(int(uint32(v)), last)].Label
		for i := range n.Targets() {
			n.Targets()[i].Label.Refs--
		}
		to.Refs++
		return b.leave(b.br(to), fl)
	}
	lead := 0
	for lead < last && n.Targets()[lead].Label == other {
		lead++
	}
	if by := f.I32(uint32(lead)); lead > 0 && lead < last && f.Size(by)+1 < lead {
		// What is below becomes a large number.
		b.changed = true
		other.Refs -= int32(lead)
		n.Kids[0] = f.Node(wasm.OpI32Sub, wasm.I32, index, by)
		n.SetTargets(n.Targets()[lead:])
		return n
	}
	switch {
	case last == 0:
		b.changed = true
		return f.Block(b.drop(index), b.leave(b.br(other), fl))
	case last == 1 && b.goesTo(n.Targets()[0].Label, 0, fl):
		// 0 goes on; what is not 0 leaves.
		b.changed = true
		n.Targets()[0].Label.Refs--
		return b.brIfTo(other, index)
	case last == 1 && b.goesTo(other, 0, fl):
		b.changed = true
		other.Refs--
		return b.brIfTo(n.Targets()[0].Label, b.negate(index))
	}
	return n
}

// br makes a branch to a label that has been counted already.
func (b *brancher) br(l *ir.Node) *ir.Node {
	n := b.f.Node(wasm.OpBr, ir.Unreachable)
	n.Target = l
	return n
}

// brIfTo makes br_if to a label that has been counted already.
func (b *brancher) brIfTo(l, cond *ir.Node) *ir.Node {
	n := b.f.Node(wasm.OpBrIf, ir.None, cond)
	n.Target = l
	return n
}

// drop evaluates a tree for what it does apart from its value.
func (b *brancher) drop(n *ir.Node) *ir.Node {
	if b.f.Removable(n) {
		ir.Discard(n)
		return b.f.Nop()
	}
	return b.f.Drop(n)
}

// constant is the value of i32.const.
func constant(n *ir.Node) (uint32, bool) {
	return uint32(n.Imm), n.Op == wasm.OpI32Const
}
