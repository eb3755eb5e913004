package opt

import (
	"sync"

	"github.com/wbundle/wbundle/internal/ir"
	"github.com/wbundle/wbundle/internal/wasm"
)

// The pass local-values: what is known of the values of locals is used.
//
// Input and output are final trees. The tree is walked in the order in which it
// is evaluated; every local has a number for the value that it has, the same
// number for the same value, and perhaps a constant. After an if, and at the end
// of a named block, a local has a new number if it may have come there with
// several; at the head of a loop, if it is written in the loop. Then
//
//   - a set of the value that the local has already is left out, so are those
//     of zero at the start;
//   - a get of a short constant is the constant;
//   - a local that is only written once, as a copy of another one, and only read
//     while that still has the value, is left out in favour of it.
//
// For example
//
//	local.get 0
//	local.set 1               local.get 0
//	local.get 1               local.get 0
//	local.get 0     becomes   i32.add
//	i32.add                   i32.const 0
//	local.get 2               i32.add
//	i32.add
//
// Invariant: every local has, at every point, the value that it had there, or
// is not read any more.
func localValues(f *ir.Func, s *state) bool {
	if len(f.Locals) == 0 {
		return false
	}
	v := valuers.Get().(*valuer)
	defer valuers.Put(v)
	v.start(f)
	v.walk(&f.Body)
	for _, c := range v.copies {
		if v.copied[c.copy] == v.gets[c.copy] {
			v.changed = true
			c.get.Imm = uint64(c.of)
		}
	}
	if v.changed {
		f.Finalize()
	}
	clear(v.copies)
	clear(v.vals)
	clear(v.undo)
	v.f = nil
	return v.changed
}

// localValue is what a local or an operand is; 0 is not known.
type localValue struct {
	num uint32
	con *ir.Node // the constant that it is, if any
}

func (a localValue) is(b localValue) bool {
	if a.num == 0 || b.num == 0 {
		return false
	}
	return a.num == b.num || a.con != nil && b.con != nil && a.con.Op == b.con.Op && a.con.Imm == b.con.Imm && a.con.Aux == b.con.Aux
}

type copyGet struct {
	get      *ir.Node
	copy, of uint32
}

type oldValue struct {
	local uint32
	v     localValue
}

type valuer struct {
	f       *ir.Func
	changed bool

	gets, sets []int32
	copied     []int32 // how many gets of each local could name another one
	copies     []copyGet

	vals []localValue // of the locals
	// holder is, for every number, a local that had it first.
	holder []uint32
	// floor is a number below which all are forgotten.
	floor uint32
	// undo has what locals were before the arm of the innermost if changed them,
	// once each if marked. ifs is how many ifs the walk is in, mark where the
	// innermost arm begins in undo, and few how many it had when they were last
	// made one each.
	undo  []oldValue
	ifs   int
	mark  int
	few   int
	arms  []oldValue // what locals are after first arms
	stamp []uint32
	clock uint32

	// written are the locals that sets write, in the order of the walk; loops and
	// blocks are, in the order in which they are met, what is theirs.
	written []uint32
	parts   [][2]int
	part    int
	work    int
}

var valuers = sync.Pool{New: func() any { return new(valuer) }}

// valuerWork bounds how often an access of a local is looked at again.
const valuerWork = 64

func (v *valuer) start(f *ir.Func) {
	n := len(f.Locals)
	v.f, v.changed = f, false
	v.gets = append(v.gets[:0], make([]int32, n)...)
	v.sets = append(v.sets[:0], make([]int32, n)...)
	v.copied = append(v.copied[:0], make([]int32, n)...)
	v.stamp = append(v.stamp[:0], make([]uint32, n)...)
	v.vals = v.vals[:0]
	v.copies, v.undo, v.arms, v.ifs = v.copies[:0], v.undo[:0], v.arms[:0], 0
	v.mark, v.few = 0, 0
	v.holder, v.floor, v.clock = append(v.holder[:0], 0), 1, 0
	v.written, v.parts, v.part, v.work = v.written[:0], v.parts[:0], 0, 0
	v.scan(f.Body)
	v.work = valuerWork * (len(v.written) + 100)
	for x, t := range f.Locals {
		val := v.fresh(uint32(x))
		if x >= f.Params {
			switch t.Kind {
			case wasm.KindI32:
				val.con = f.I32(0)
			case wasm.KindI64:
				val.con = f.I64(0)
			case wasm.KindF32:
				val.con = f.Node(wasm.OpF32Const, t)
			case wasm.KindF64:
				val.con = f.Node(wasm.OpF64Const, t)
			}
		}
		v.vals = append(v.vals, val)
	}
}

// scan finds out what sets there are in which loop and block.
func (v *valuer) scan(n *ir.Node) {
	part := -1
	if n.Op == wasm.OpLoop || n.Op == wasm.OpBlock && n.Refs > 0 {
		part = len(v.parts)
		v.parts = append(v.parts, [2]int{len(v.written), 0})
	}
	for _, k := range n.Kids {
		v.scan(k)
	}
	switch n.Op {
	case wasm.OpLocalGet:
		v.gets[n.Imm]++
	case wasm.OpLocalSet, wasm.OpLocalTee:
		v.sets[n.Imm]++
		v.written = append(v.written, uint32(n.Imm))
	}
	if part >= 0 {
		v.parts[part][1] = len(v.written)
	}
}

// fresh makes a number for what a local has now.
func (v *valuer) fresh(local uint32) localValue {
	v.holder = append(v.holder, local)
	return localValue{num: uint32(len(v.holder) - 1)}
}

// of is the value of a local.
func (v *valuer) of(x uint32) localValue {
	if v.vals[x].num < v.floor {
		v.vals[x] = v.fresh(x)
	}
	return v.vals[x]
}

// put gives a local a value.
func (v *valuer) put(x uint32, val localValue) {
	if v.ifs > 0 {
		v.undo = append(v.undo, oldValue{x, v.vals[x]})
	}
	v.vals[x] = val
}

// forget gives the locals that a loop or block writes new numbers.
func (v *valuer) forget(part int) {
	r := v.parts[part]
	if v.work -= r[1] - r[0]; v.work < 0 {
		v.forgetAll()
		return
	}
	for _, x := range v.written[r[0]:r[1]] {
		v.put(x, v.fresh(x))
	}
	if v.ifs > 0 && len(v.undo)-v.mark > 2*v.few+manyUndo {
		v.once(v.mark)
		v.few = len(v.undo) - v.mark
	}
}

// manyUndo is how many entries an arm may have before they are made one for each
// local: every block in a large switch forgets what the whole of it writes.
const manyUndo = 4096

func (v *valuer) forgetAll() {
	v.floor = uint32(len(v.holder))
	v.work = 0
}

// walk goes through a tree in the order in which it is evaluated, and returns
// its value.
func (v *valuer) walk(slot **ir.Node) localValue {
	n := *slot
	switch n.Op {
	case wasm.OpBlock, wasm.OpLoop:
		part := -1
		if n.Op == wasm.OpLoop || n.Refs > 0 {
			part = v.part
			v.part++
		}
		if n.Op == wasm.OpLoop && n.Refs > 0 {
			v.forget(part)
		}
		var last localValue
		for i := range n.Kids {
			last = v.walk(&n.Kids[i])
		}
		if n.Op == wasm.OpBlock && n.Refs > 0 {
			v.forget(part)
			return localValue{}
		}
		return last
	case wasm.OpIf:
		v.branch(n)
		return localValue{}
	case wasm.OpLocalGet:
		return v.get(slot)
	case wasm.OpLocalSet, wasm.OpLocalTee:
		return v.set(slot)
	case ir.OpFirst:
		val := v.walk(&n.Kids[0])
		for i := range n.Kids[1:] {
			v.walk(&n.Kids[1+i])
		}
		return val
	case wasm.OpI32Const, wasm.OpI64Const, wasm.OpF32Const, wasm.OpF64Const:
		return localValue{con: n}
	}
	for i := range n.Kids {
		v.walk(&n.Kids[i])
	}
	return localValue{}
}

// get is at local.get.
func (v *valuer) get(slot **ir.Node) localValue {
	n := *slot
	x := uint32(n.Imm)
	val := v.of(x)
	if c := val.con; c != nil && (c.Op == wasm.OpI32Const || c.Op == wasm.OpI64Const) && v.f.Size(c) <= v.f.Size(n) {
		k := v.f.Node(c.Op, c.Type)
		k.Imm = c.Imm
		*slot = k
		v.gets[x]--
		v.changed = true
		return val
	}
	if z := v.holder[val.num]; z != x {
		switch {
		case v.of(z).num != val.num:
			v.holder[val.num] = x
		case v.sets[x] == 1 && int(x) >= v.f.Params && v.f.Locals[x] == v.f.Locals[z]:
			v.copied[x]++
			v.copies = append(v.copies, copyGet{n, x, z})
		}
	}
	return val
}

// set is at local.set or tee.
func (v *valuer) set(slot **ir.Node) localValue {
	n := *slot
	x := uint32(n.Imm)
	val := v.walk(&n.Kids[0])
	if n.IsUnreachable() {
		return localValue{}
	}
	k := n.Kids[0]
	if val.num == 0 {
		con := val.con
		val = v.fresh(x)
		val.con = con
	}
	if val.is(v.of(x)) {
		v.changed = true
		v.sets[x]--
		switch {
		case n.Op == wasm.OpLocalTee:
			*slot = k
		case k.Op == wasm.OpLocalTee:
			k.Op, k.Type = wasm.OpLocalSet, ir.None
			*slot = k
		case v.f.Removable(k):
			ir.Locals(k, func(y uint32) { v.gets[y]-- }, func(uint32) {})
			*slot = v.f.Nop()
		default:
			*slot = v.f.Drop(k)
		}
		return val
	}
	v.put(x, val)
	return val
}

// branch walks through an if.
func (v *valuer) branch(n *ir.Node) {
	v.walk(&n.Kids[0])
	mark, outer := len(v.undo), v.mark
	v.ifs++
	v.mark, v.few = mark, 0
	defer func() {
		v.mark, v.few = outer, 0
		if v.ifs--; v.ifs == 0 {
			v.undo = v.undo[:0]
		}
	}()
	v.walk(&n.Kids[1])
	v.once(mark)
	if len(n.Kids) == 2 {
		if n.Kids[1].IsUnreachable() {
			v.back(mark)
			return
		}
		for i := mark; i < len(v.undo); i++ {
			v.either(v.undo[i].local, v.undo[i].v)
		}
		return
	}
	arm := len(v.arms)
	for _, u := range v.undo[mark:] {
		v.arms = append(v.arms, oldValue{u.local, v.vals[u.local]})
	}
	v.back(mark)
	v.walk(&n.Kids[2])
	v.once(mark)
	switch {
	case n.Kids[1].IsUnreachable():
	case n.Kids[2].IsUnreachable():
		v.back(mark)
		for _, a := range v.arms[arm:] {
			v.put(a.local, a.v)
		}
	default:
		// What only the second arm changed was as it was before after the first.
		v.clock++
		for _, a := range v.arms[arm:] {
			v.stamp[a.local] = v.clock
		}
		for i := mark; i < len(v.undo); i++ {
			if u := v.undo[i]; v.stamp[u.local] != v.clock {
				v.either(u.local, u.v)
			}
		}
		v.clock++
		for _, u := range v.undo[mark:] {
			v.stamp[u.local] = v.clock
		}
		for _, a := range v.arms[arm:] {
			if v.stamp[a.local] != v.clock {
				v.undo = append(v.undo, oldValue{a.local, v.vals[a.local]})
			}
			v.either(a.local, a.v)
		}
	}
	v.arms = v.arms[:arm]
}

// either gives a local what it is when it may be what it is or another value.
func (v *valuer) either(x uint32, other localValue) {
	if v.vals[x].num < v.floor || other.num < v.floor || !v.vals[x].is(other) {
		v.vals[x] = v.fresh(x)
	}
}

// once leaves the first entry of each local in undo, from mark.
func (v *valuer) once(mark int) {
	v.clock++
	kept := v.undo[:mark]
	for _, u := range v.undo[mark:] {
		if v.stamp[u.local] != v.clock {
			v.stamp[u.local] = v.clock
			kept = append(kept, u)
		}
	}
	v.undo = kept
}

// back makes the locals again what they were at mark.
func (v *valuer) back(mark int) {
	for i := len(v.undo) - 1; i >= mark; i-- {
		v.vals[v.undo[i].local] = v.undo[i].v
	}
	v.undo = v.undo[:mark]
}
