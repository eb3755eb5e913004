package opt

import (
	"github.com/wbundle/wbundle/internal/ir"
	"github.com/wbundle/wbundle/internal/wasm"
)

// The pass vacuum: what does nothing is left out.
//
// Input and output are final trees. Afterwards
//
//   - a value that nobody needs is not computed: of a tree that is dropped, only
//     the operands that do something are left;
//   - a construct that nobody needs the value of has none, and one that is empty
//     is gone; an if has no empty arm;
//   - a local that nobody reads is not written;
//   - a call of a function that is known to do nothing is gone, if its result is
//     dropped.
//
// For example
//
//	local.get 0                       call $f
//	call $f                           drop
//	i32.add                           local.get 1
//	drop                  becomes     i32.eqz
//	local.get 1                       if
//	if                                  call $g
//	else                              end
//	  call $g
//	end
//
// Invariant: what is left is evaluated in the order in which it was. What may
// trap stays, as a value that is dropped; so does a loop that may never end.
func vacuum(f *ir.Func, s *state) bool {
	v := vacuumer{f: f, read: make([]bool, len(f.Locals))}
	v.reads(f.Body)
	v.list(f.Body, f.Result.Kind != ir.KindNone)
	if v.changed {
		f.Finalize()
	}
	return v.changed
}

type vacuumer struct {
	f *ir.Func
	// read says of each local that something reads it.
	read    []bool
	changed bool
	// work counts the nodes that blocks whose value is dropped were searched for
	// branches; up to nodes*searches are.
	work, nodes int
	list0       []*ir.Node // scratch: the statements that are found
}

// searches bounds how often a node is looked at because it is in a block whose
// value is dropped.
const searches = 8

func (v *vacuumer) reads(n *ir.Node) {
	v.nodes++
	if n.Op == wasm.OpLocalGet {
		v.read[n.Imm] = true
	}
	for _, k := range n.Kids {
		v.reads(k)
	}
}

// list does the statements of a block. The last is its value, if that is needed.
func (v *vacuumer) list(n *ir.Node, value bool) {
	base := len(v.list0)
	for i, k := range n.Kids {
		var r *ir.Node
		if value && i == len(n.Kids)-1 && k.HasValue() {
			r = v.value(k)
		} else {
			r = v.effect(k)
		}
		switch {
		case r == nil:
			v.changed = v.changed || k.Op != wasm.OpNop
		case r.Op == wasm.OpBlock && r.Refs == 0:
			v.list0 = append(v.list0, r.Kids...)
		default:
			v.list0 = append(v.list0, r)
		}
	}
	found := v.list0[base:]
	if len(found) <= len(n.Kids) {
		n.Kids = n.Kids[:copy(n.Kids, found)]
	} else {
		n.Kids = v.f.Block(found...).Kids
	}
	v.list0 = v.list0[:base]
}

// value does a tree whose value is needed, or that has none because it is never
// left. It returns what is there instead, never nil.
func (v *vacuumer) value(n *ir.Node) *ir.Node {
	if !n.HasValue() {
		if r := v.effect(n); r != nil {
			return r
		}
		return v.f.Nop()
	}
	switch n.Op {
	case wasm.OpBlock:
		v.list(n, true)
		if n.Refs == 0 && len(n.Kids) == 1 {
			return n.Kids[0]
		}
		return n
	case wasm.OpLoop:
		n.Kids[0] = v.value(n.Kids[0])
		if n.Refs == 0 {
			v.changed = true
			return n.Kids[0]
		}
		return n
	case ir.OpFirst:
		kids := n.Kids[:1]
		kids[0] = v.value(n.Kids[0])
		for _, k := range n.Kids[1:] {
			if r := v.effect(k); r != nil {
				kids = append(kids, r)
			}
		}
		if len(kids) < len(n.Kids) {
			v.changed = true
		}
		n.Kids = kids
		if len(kids) == 1 {
			return kids[0]
		}
		return n
	case wasm.OpLocalTee:
		k := n.Kids[0]
		if !v.read[n.Imm] && n.Type.Kind != wasm.KindRef || k.Op == wasm.OpLocalGet && k.Imm == n.Imm {
			v.changed = true
			return v.value(k)
		}
	}
	for i, k := range n.Kids {
		n.Kids[i] = v.value(k)
	}
	return n
}

// effect does a tree whose value, if it has one, nobody needs. It returns a
// statement, or nil if nothing is left.
func (v *vacuumer) effect(n *ir.Node) *ir.Node {
	f := v.f
	switch n.Op {
	case wasm.OpNop:
		return nil
	case wasm.OpBlock:
		return v.block(n)
	case wasm.OpLoop:
		v.noResult(n)
		body := v.effect(n.Kids[0])
		if n.Refs == 0 || body == nil {
			v.changed = true
			return body
		}
		n.Kids[0] = body
		f.Retype(n)
		return n
	case wasm.OpTryTable:
		v.noResult(n)
		body := v.effect(n.Kids[0])
		if body == nil {
			v.changed = true
			for i := range n.Targets() {
				n.Targets()[i].Label.Refs--
			}
			return nil
		}
		n.Kids[0] = body
		f.Retype(n)
		return n
	case wasm.OpIf:
		return v.ifEffect(n)
	case wasm.OpDrop:
		k := n.Kids[0]
		r := v.effect(k)
		if r == nil || r.Op != wasm.OpDrop || r.Kids[0] != k {
			v.changed = true
		}
		return r
	case ir.OpFirst:
		if n.HasValue() {
			v.changed = true
		}
		return v.effects(n)
	case wasm.OpLocalTee, wasm.OpLocalSet:
		k := n.Kids[0]
		switch {
		case k.IsUnreachable():
			v.changed = true
			return v.effect(k)
		case !v.read[n.Imm] || k.Op == wasm.OpLocalGet && k.Imm == n.Imm:
			v.changed = true
			return v.effect(k)
		case n.Op == wasm.OpLocalTee:
			v.changed = true
			n.Op, n.Type = wasm.OpLocalSet, ir.None
		}
		n.Kids[0] = v.value(k)
		return n
	case wasm.OpGlobalSet:
		if k := n.Kids[0]; k.Op == wasm.OpGlobalGet && k.Imm == n.Imm {
			v.changed = true
			return nil
		}
	}
	for _, k := range n.Kids {
		if k.IsUnreachable() {
			v.changed = true
			return v.effects(n)
		}
	}
	if f.NodeEffects(n)&ir.Side == 0 {
		v.changed = true
		return v.effects(n)
	}
	value := n.HasValue()
	for i, k := range n.Kids {
		n.Kids[i] = v.value(k)
	}
	if value {
		return f.Drop(n)
	}
	return n
}

// effects is what the operands of a node do, one after the other.
func (v *vacuumer) effects(n *ir.Node) *ir.Node {
	base := len(v.list0)
	for _, k := range n.Kids {
		if r := v.effect(k); r != nil {
			v.list0 = append(v.list0, r)
		}
		if k.IsUnreachable() {
			break
		}
	}
	found := v.list0[base:]
	var r *ir.Node
	switch len(found) {
	case 0:
	case 1:
		r = found[0]
	default:
		r = v.f.Block(found...)
	}
	v.list0 = v.list0[:base]
	return r
}

// noResult notes that the value of a construct goes.
func (v *vacuumer) noResult(n *ir.Node) {
	if n.HasValue() {
		v.changed = true
	}
	n.Result = ir.None
}

// block is effect of a block.
func (v *vacuumer) block(n *ir.Node) *ir.Node {
	if n.Refs > 0 && n.Result.Kind != ir.KindNone {
		if !v.dropResult(n) {
			v.list(n, true)
			if n.HasValue() {
				return v.f.Drop(n)
			}
			return n
		}
		v.changed = true
	}
	v.list(n, false)
	if n.Refs == 0 {
		switch len(n.Kids) {
		case 0:
			return nil
		case 1:
			return n.Kids[0]
		}
	}
	v.f.Retype(n)
	return n
}

// ifEffect is effect of an if.
func (v *vacuumer) ifEffect(n *ir.Node) *ir.Node {
	f := v.f
	if n.Kids[0].IsUnreachable() {
		v.changed = true
		return v.effect(n.Kids[0])
	}
	v.noResult(n)
	yes, no := v.effect(n.Kids[1]), (*ir.Node)(nil)
	if len(n.Kids) == 3 {
		no = v.effect(n.Kids[2])
	}
	if yes == nil && no == nil {
		v.changed = true
		return v.effect(n.Kids[0])
	}
	c := v.value(n.Kids[0])
	switch {
	case yes == nil:
		v.changed = true
		if c.Op == wasm.OpI32Eqz {
			c = c.Kids[0]
		} else {
			c = f.Node(wasm.OpI32Eqz, wasm.I32, c)
		}
		n.Kids = append(n.Kids[:0], c, no)
	case no == nil:
		v.changed = v.changed || len(n.Kids) == 3
		n.Kids = append(n.Kids[:0], c, yes)
	default:
		n.Kids[0], n.Kids[1], n.Kids[2] = c, yes, no
	}
	f.Retype(n)
	return n
}

// dropResult makes a labelled block, whose value nobody needs, one without a
// value: branches to it drop theirs. It does not where more than one of those
// values would have to be dropped by an instruction of its own, or where a
// branch cannot do without (br_table, a br_if whose value goes on, a catch).
func (v *vacuumer) dropResult(n *ir.Node) bool {
	if v.work > v.nodes*searches {
		return false
	}
	found, drops := 0, 0
	kept := func(k *ir.Node) {
		if !removable(v.f, k) {
			drops++
		}
	}
	var search func(k *ir.Node)
	search = func(k *ir.Node) {
		v.work++
		switch {
		case k.Op == wasm.OpBr && k.Target == n:
			found++
			kept(k.Kids[0])
		case k.Op == wasm.OpDrop && k.Kids[0].Op == wasm.OpBrIf && k.Kids[0].Target == n:
			found++
			kept(k.Kids[0].Kids[0])
		}
		for _, k := range k.Kids {
			search(k)
		}
	}
	for _, k := range n.Kids {
		search(k)
	}
	last := len(n.Kids) - 1
	if k := n.Kids[last]; k.HasValue() {
		if k.Op == wasm.OpBrIf && k.Target == n {
			found++
			kept(k.Kids[0])
		} else {
			kept(k)
		}
	}
	if int32(found) != n.Refs || drops > 1 {
		return false
	}
	if k := n.Kids[last]; k.HasValue() {
		n.Kids[last] = v.f.Drop(k)
	}
	var change func(k *ir.Node)
	change = func(k *ir.Node) {
		br := k
		switch {
		case k.Op == wasm.OpBr && k.Target == n:
			br = v.f.Node(wasm.OpBr, ir.Unreachable)
		case k.Op == wasm.OpDrop && k.Kids[0].Op == wasm.OpBrIf && k.Kids[0].Target == n:
			br = v.f.Node(wasm.OpBrIf, ir.None, k.Kids[0].Kids[1])
			k.Kids = k.Kids[0].Kids[:1]
		default:
			for _, k := range k.Kids {
				change(k)
			}
			return
		}
		br.Target = n
		value := k.Kids[0]
		k.Op, k.Target, k.Type = wasm.OpBlock, nil, br.Type
		k.Kids = v.f.Block(v.f.Drop(value), br).Kids
		for _, k := range k.Kids {
			for _, k := range k.Kids {
				change(k)
			}
		}
	}
	for _, k := range n.Kids {
		change(k)
	}
	n.Result = ir.None
	return true
}
