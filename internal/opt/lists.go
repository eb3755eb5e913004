package opt

import (
	"github.com/wbundle/wbundle/internal/ir"
	"github.com/wbundle/wbundle/internal/wasm"
)

// The part of branches that is about statements and what follows them.

// list works on statements, the last of which goes to fl, and returns what
// stands for them. It starts at the end: where a statement goes depends on what
// follows.
func (b *brancher) list(kids []*ir.Node, fl flow) []*ir.Node {
	for i := len(kids) - 1; i >= 0; i-- {
		here := fl
		if i < len(kids)-1 {
			here = b.follow(kids[i+1:], fl)
		}
		kids[i] = b.statement(kids[i], here)
		kids = b.join(b.cut(kids, i), i, fl)
		kids = b.cut(kids, i)
	}
	return splice(kids)
}

// cut takes off what follows kids[i], if that is never left at its end.
func (b *brancher) cut(kids []*ir.Node, i int) []*ir.Node {
	if i == len(kids)-1 || !kids[i].IsUnreachable() {
		return kids
	}
	for _, dead := range kids[i+1:] {
		ir.Discard(dead)
	}
	b.changed = true
	return kids[:i+1]
}

// followed bounds how far follow looks.
const followed = 8

// follow is where the point before some statements goes, if those are only a
// branch.
func (b *brancher) follow(kids []*ir.Node, fl flow) flow {
	if len(kids) > followed {
		kids, fl = kids[:followed], flow{}
	}
	for _, k := range kids {
		switch k.Op {
		case wasm.OpNop:
			continue
		case wasm.OpBlock:
			if len(k.Kids) == 0 {
				continue
			}
			if first := k.Kids[0]; first.Op == wasm.OpBlock || len(first.Kids) == 0 {
				return b.follow(k.Kids[:1], flow{})
			}
		case wasm.OpBr, wasm.OpReturn:
			if len(k.Kids) == 0 {
				return flow{b.to(b.target(k)), ir.None}
			}
		}
		return flow{}
	}
	return fl
}

// splice takes out what is written as nothing, and puts the statements of
// blocks that no branch names in their place.
func splice(kids []*ir.Node) []*ir.Node {
	size, blocks := 0, false
	for _, k := range kids {
		switch {
		case k.Op == wasm.OpNop:
		case k.Op == wasm.OpBlock && k.Refs == 0:
			blocks = true
			size += len(k.Kids)
		default:
			size++
		}
	}
	if blocks {
		return appendSpliced(make([]*ir.Node, 0, size), kids)
	}
	if size == len(kids) {
		return kids
	}
	return appendSpliced(kids[:0], kids)
}

func appendSpliced(out, kids []*ir.Node) []*ir.Node {
	for _, k := range kids {
		switch {
		case k.Op == wasm.OpNop:
		case k.Op == wasm.OpBlock && k.Refs == 0:
			out = appendSpliced(out, k.Kids)
		default:
			out = append(out, k)
		}
	}
	return out
}

// isEmpty reports whether statements are written as nothing.
func isEmpty(kids ...*ir.Node) bool {
	for _, k := range kids {
		if k.Op != wasm.OpNop && (k.Op != wasm.OpBlock || !isEmpty(k.Kids...)) {
			return false
		}
	}
	return true
}

// isLeave reports whether n is a branch without a value.
func isLeave(n *ir.Node) bool {
	return (n.Op == wasm.OpBr || n.Op == wasm.OpReturn) && len(n.Kids) == 0
}

// join looks at a statement together with those that follow, which are done.
func (b *brancher) join(kids []*ir.Node, i int, fl flow) []*ir.Node {
	switch n := kids[i]; n.Op {
	case wasm.OpBrIf:
		if len(n.Kids) == 1 && !n.IsUnreachable() {
			return b.joinBrIf(kids, i, fl)
		}
	case wasm.OpIf:
		var ok bool
		if kids, ok = b.moveIntoArm(kids, i, fl, false); !ok {
			kids, ok = b.moveIntoArm(kids, i, fl, true)
		}
		if ok {
			kids[i] = b.simplify(kids[i])
		}
		if kids[i].Op == wasm.OpIf {
			kids[i] = b.split(kids[i])
		}
	case wasm.OpBlock:
		if b.shape && n.Refs == 1 {
			return b.inline(kids, i, fl)
		}
	}
	return kids
}

// tail is what follows kids[i], with or without a branch at the very end, and
// where it goes.
func (b *brancher) tail(kids []*ir.Node, i int, fl flow, whole bool) (rest []*ir.Node, to flow) {
	last := len(kids) - 1
	if !whole && last > i && isLeave(kids[last]) {
		return kids[i+1 : last], flow{b.to(b.target(kids[last])), ir.None}
	}
	return kids[i+1:], fl
}

// costs reports whether the label l is there for the sake of branches to it
// only, so that it is gone, with three bytes, when they are.
func (b *brancher) costs(l *ir.Node) bool {
	if l == b.f.Body || l.Op != wasm.OpBlock {
		return false
	}
	if len(l.Kids) == 1 {
		k := l.Kids[0]
		return k.Op != wasm.OpIf && k.Op != wasm.OpTryTable
	}
	return true
}

// joinBrIf looks at br_if and what follows.
func (b *brancher) joinBrIf(kids []*ir.Node, i int, fl flow) []*ir.Node {
	n := kids[i]
	next := i + 1
	for next < len(kids) && next-i <= followed && kids[next].Op == wasm.OpNop {
		next++
	}
	if next >= len(kids) {
		return kids
	}
	switch k := kids[next]; {
	case k.Op == wasm.OpBrIf && len(k.Kids) == 1 && b.to(k.Target) == b.to(n.Target) && b.cheap(k.Kids[0], 8):
		// br_if $l a; br_if $l b  ->  br_if $l (a | b)
		b.changed = true
		k.Target.Refs--
		kids[next] = b.f.Nop()
		n.Kids[0] = b.f.Node(wasm.OpI32Or, wasm.I32, n.Kids[0], k.Kids[0])
		return kids
	case isLeave(k) && next == len(kids)-1 && b.goesTo(n.Target, 0, fl):
		// br_if $here c; br $l  ->  br_if $l !c
		l := b.target(k)
		if b.f.Size(k) > b.negation(n.Kids[0]) {
			b.changed = true
			n.Target.Refs--
			if k.Op == wasm.OpReturn {
				l.Refs++
			}
			n.Target, n.Kids[0] = l, b.negate(n.Kids[0])
			return kids[:i+1]
		}
	}
	if !b.shape {
		return kids
	}
	// br_if $here c; s  ->  if !c s
	if n.Target.Refs > 1 || !b.costs(n.Target) || b.negation(n.Kids[0]) > 1 {
		return kids
	}
	for _, whole := range []bool{false, true} {
		rest, to := b.tail(kids, i, fl, whole)
		if !b.goesTo(n.Target, 0, to) || isEmpty(rest...) {
			continue
		}
		b.changed = true
		n.Target.Refs--
		cut := kids[i+1+len(rest):]
		kids[i] = b.simplify(b.f.If(b.negate(n.Kids[0]), b.f.Block(rest...), nil))
		return append(kids[:i+1], cut...)
	}
	return kids
}

// moveIntoArm moves what follows an if into one of its arms, if the other one
// ends with a branch over it.
//
//	block $b
//	  if (c) A br $b end     becomes   if (c) A else B end
//	  B
//	end
func (b *brancher) moveIntoArm(kids []*ir.Node, i int, fl flow, whole bool) ([]*ir.Node, bool) {
	n := kids[i]
	rest, to := b.tail(kids, i, fl, whole)
	if to.to == nil || isRef(to.typ) || isEmpty(rest...) {
		return kids, false
	}
	for arm := 1; arm < len(n.Kids); arm++ {
		slot := lastOf(&n.Kids[arm])
		br := *slot
		if br.Op != wasm.OpBr && br.Op != wasm.OpReturn {
			continue
		}
		l := b.target(br)
		if !b.goesTo(l, len(br.Kids), to) {
			continue
		}
		gain := 2
		if br.Op == wasm.OpReturn {
			gain = 1
		}
		if arm == 1 && (len(n.Kids) == 2 || isEmpty(n.Kids[2])) {
			gain-- // else
		}
		freed := br.Op == wasm.OpBr && l.Refs == 1 && b.costs(l)
		if freed && b.shape {
			gain += 3
		}
		value := len(br.Kids) == 1
		alone := slot == &n.Kids[arm]
		if alone && !value {
			// The if is as good as br_if, which is shorter, unless a block goes.
			if !freed || !b.shape {
				continue
			}
			gain = 1
		}
		if alone && value && arm == 1 && len(n.Kids) == 2 && len(rest) == 1 && b.selectable(n.Kids[0], br.Kids[0], rest[0]) {
			gain = 3
		}
		if gain <= 0 {
			continue
		}
		b.changed = true
		if br.Op == wasm.OpBr {
			l.Refs--
		}
		if value {
			*slot = br.Kids[0]
		} else {
			*slot = b.f.Nop()
		}
		b.retypeTo(n.Kids[arm], *slot)
		cut := kids[i+1+len(rest):]
		tail := b.f.Block(rest...)
		if len(n.Kids) == 2 {
			n = b.f.If(n.Kids[0], n.Kids[1], tail)
		} else {
			n.Kids[3-arm] = b.f.Block(n.Kids[3-arm], tail)
			b.f.Retype(n)
		}
		kids[i] = n
		return append(kids[:i+1], cut...), true
	}
	return kids, false
}

// lastOf is where the last statement of an arm is.
func lastOf(slot **ir.Node) **ir.Node {
	for {
		n := *slot
		if n.Op != wasm.OpBlock || n.Refs > 0 || len(n.Kids) == 0 {
			return slot
		}
		slot = &n.Kids[len(n.Kids)-1]
	}
}

// retypeTo gives the blocks that end with last their types.
func (b *brancher) retypeTo(n, last *ir.Node) {
	if n != last {
		b.retypeTo(n.Kids[len(n.Kids)-1], last)
		b.f.Retype(n)
	}
}

// inline moves what follows a block to the only branch that leads there.
//
//	block $b                    if (c)
//	  if (c) A br $b end          A
//	  B                becomes    C
//	  return                    end
//	end                         B
//	C return                    return
func (b *brancher) inline(kids []*ir.Node, i int, fl flow) []*ir.Node {
	f := b.f
	l := kids[i]
	rest := kids[i+1:]
	if b.labels[b.id(l)].table || l.Result.Kind != ir.KindNone || len(l.Kids) == 0 || !l.Kids[len(l.Kids)-1].IsUnreachable() || isEmpty(rest...) || !b.costs(l) {
		return kids
	}
	site := onlyBranch(l, l) // no table, or nothing would be found, slowly
	if site == nil || site.Op == wasm.OpBrIf && len(site.Kids) != 1 {
		return kids
	}
	last := rest[len(rest)-1]
	tail := f.Block(rest...)
	if !last.IsUnreachable() {
		// What comes after has to be reached from there, too.
		if fl.to == nil || site.Op == wasm.OpBrIf || isRef(fl.typ) {
			return kids
		}
		name := b.name(fl.to)
		if name == nil {
			return kids
		}
		br := b.br(name)
		if fl.typ.Kind != ir.KindNone {
			if !last.HasValue() {
				return kids
			}
			tail.Kids = tail.Kids[:len(tail.Kids)-1]
			br.Kids = []*ir.Node{last}
		}
		if name == f.Body {
			br.Op, br.Target = wasm.OpReturn, nil
		} else {
			name.Refs++
		}
		tail = f.Block(append(tail.Kids[:len(tail.Kids):len(tail.Kids)], br)...)
	}
	b.changed = true
	l.Refs--
	if site.Op == wasm.OpBrIf {
		*site = *f.If(site.Kids[0], tail, nil)
	} else {
		*site = *tail
	}
	f.Retype(l)
	return kids[:i+1]
}

// onlyBranch finds the br or br_if that names l, outside of any try_table; nil
// if there is none.
func onlyBranch(n, l *ir.Node) *ir.Node {
	if n.Target == l {
		return n
	}
	if n.Op == wasm.OpTryTable {
		return nil
	}
	for _, k := range n.Kids {
		if s := onlyBranch(k, l); s != nil {
			return s
		}
	}
	return nil
}
