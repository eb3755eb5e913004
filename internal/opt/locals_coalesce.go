package opt

import (
	"math/bits"
	"slices"
	"sync"

	"github.com/wbundle/wbundle/internal/ir"
	"github.com/wbundle/wbundle/internal/wasm"
)

// The pass coalesce-locals: locals of one type that are never live at the same
// time become one.
//
// Input and output are final trees. Two locals interfere if one is written
// while the other is live, unless what is written is the other one's value.
// Parameters interfere with each other and, as they are written before
// anything happens, with the locals that are read before they are written,
// which are zero then; those may share an index with each other. Sets whose
// value is never read go first.
//
// Then, copies first (the most frequent ones before others), locals are joined
// that do not interfere; what is left gets, in the order in which the function
// comes to it, the first index that is free:
//
//	(local i32 i32)           (local i32)
//	call $f                   call $f
//	local.set 0               local.set 0
//	loop                      loop
//	  local.get 0               local.get 0
//	  call $g         becomes   call $g
//	  local.tee 1               local.tee 0
//	  local.set 0               br_if 0
//	  local.get 1             end
//	  br_if 0
//	end
//
// Invariant: at every point, the live locals have indices of their own. Gives
// up: on functions with more than coalesceLimit locals.
func coalesceLocals(f *ir.Func, s *state) bool {
	if len(f.Locals) == 0 || len(f.Locals) > coalesceLimit {
		return false
	}
	c := coalescers.Get().(*coalescer)
	defer coalescers.Put(c)
	if !c.live.prepare(f) {
		return false
	}
	c.f, c.changed = f, false
	c.graph()
	c.live.release()
	c.join()
	c.color()
	c.rename(&f.Body)
	if c.changed {
		f.Finalize()
	}
	c.f = nil
	return c.changed
}

// coalesceLimit bounds the table of interferences to two megabytes.
const coalesceLimit = 4096

type coalescer struct {
	f       *ir.Func
	live    liveness
	changed bool
	words   int
	// rows has a row of bits for every local: those that it interferes with.
	rows []uint64
	// copies are pairs of locals, the lower one in the upper half.
	copies []uint64
	// order are the locals in the order in which the function comes to them, from
	// the end.
	order []uint32
	met   []bool
	// class is the local that stands for each one, members those that one stands
	// for.
	class   []uint32
	members [][]uint32
	index   []uint32 // of each class in the output, plus one
}

var coalescers = sync.Pool{New: func() any { return new(coalescer) }}

func (c *coalescer) row(x uint32) []uint64 { return c.rows[int(x)*c.words : int(x+1)*c.words] }

func (c *coalescer) interfere(x, y uint32) bool { return c.row(x)[y>>6]&bit(y) != 0 }

// graph finds the interferences, and removes the sets whose value is not read.
func (c *coalescer) graph() {
	f, l := c.f, &c.live
	n := len(f.Locals)
	c.words = l.words
	c.rows = slices.Grow(c.rows[:0], n*c.words)[:n*c.words]
	clear(c.rows)
	c.copies, c.order = c.copies[:0], c.order[:0]
	c.met = append(c.met[:0], make([]bool, n)...)
	l.access = func(slot **ir.Node) bool {
		n := *slot
		x := uint32(n.Imm)
		if n.Op == wasm.OpLocalGet {
			c.meet(x)
			return false
		}
		v := n.Kids[0]
		if !l.isLive(x) && !n.IsUnreachable() {
			c.changed = true
			switch {
			case n.Op == wasm.OpLocalTee:
				*slot = v
			case f.Removable(v):
				*slot = f.Nop()
			default:
				*slot = f.Drop(v)
			}
			return true
		}
		c.meet(x)
		row := c.row(x)
		own := row[x>>6]&bit(x) != 0
		if (v.Op == wasm.OpLocalGet || v.Op == wasm.OpLocalTee) && uint32(v.Imm) != x {
			y := uint32(v.Imm)
			if f.Locals[x] == f.Locals[y] {
				c.copies = append(c.copies, uint64(min(x, y))<<32|uint64(max(x, y)))
			}
			had := row[y>>6] & bit(y)
			or(row, l.cur)
			row[y>>6] = row[y>>6]&^bit(y) | had
		} else {
			or(row, l.cur)
		}
		if !own {
			row[x>>6] &^= bit(x)
		}
		return false
	}
	l.run()
	for p := range uint32(f.Params) {
		row := c.row(p)
		or(row, l.cur)
		for q := range uint32(f.Params) {
			row[q>>6] |= bit(q)
		}
		row[p>>6] &^= bit(p)
	}
	for x := range uint32(n) {
		row := c.row(x)
		for i, w := range row {
			for ; w != 0; w &= w - 1 {
				y := uint32(i<<6 + bits.TrailingZeros64(w))
				c.row(y)[x>>6] |= bit(x)
			}
		}
	}
}

func (c *coalescer) meet(x uint32) {
	if !c.met[x] {
		c.met[x] = true
		c.order = append(c.order, x)
	}
}

// join makes one class of locals that are copied and do not interfere.
func (c *coalescer) join() {
	n := len(c.f.Locals)
	c.class, c.members = c.class[:0], c.members[:0]
	for x := range uint32(n) {
		c.class = append(c.class, x)
		c.members = append(c.members, nil)
	}
	slices.Sort(c.copies)
	type pair struct {
		xy    uint64
		count int
	}
	var pairs []pair
	for i := 0; i < len(c.copies); {
		j := i
		for j < len(c.copies) && c.copies[j] == c.copies[i] {
			j++
		}
		pairs = append(pairs, pair{c.copies[i], j - i})
		i = j
	}
	slices.SortStableFunc(pairs, func(a, b pair) int { return b.count - a.count })
	for _, p := range pairs {
		x, y := c.class[p.xy>>32], c.class[uint32(p.xy)]
		if x == y {
			continue
		}
		if y < x {
			x, y = y, x // a parameter stands for its class
		}
		if int(y) < c.f.Params || c.interfere(x, y) || !c.apart(x, y) {
			continue
		}
		or(c.row(x), c.row(y))
		c.class[y] = x
		c.members[x] = append(c.members[x], y)
		for _, z := range c.members[y] {
			c.class[z] = x
			c.members[x] = append(c.members[x], z)
		}
		c.members[y] = nil
	}
}

// apart reports whether no local of the class y interferes with the row of x,
// y itself apart.
func (c *coalescer) apart(x, y uint32) bool {
	for _, z := range c.members[y] {
		if c.interfere(x, z) {
			return false
		}
	}
	return true
}

// color gives every class an index.
func (c *coalescer) color() {
	f := c.f
	types := f.Locals
	out := append(make([]wasm.ValType, 0, len(types)), types[:f.Params]...)
	// owner is the class whose row has the interferences of all that share an
	// index.
	owner := make([]uint32, f.Params, len(types))
	c.index = append(c.index[:0], make([]uint32, len(types))...)
	for p := range uint32(f.Params) {
		owner[p], c.index[p] = p, p+1
	}
	for i := len(c.order) - 1; i >= 0; i-- {
		x := c.class[c.order[i]] // which may not be met itself, if its set is gone
		if int(x) < f.Params || c.index[x] != 0 {
			continue
		}
		at := -1
		for k, o := range owner {
			if out[k] == types[x] && !c.interfere(o, x) && c.apart(o, x) {
				at = k
				break
			}
		}
		if at < 0 {
			out = append(out, types[x])
			c.index[x] = uint32(len(out))
			owner = append(owner, x)
			continue
		}
		c.index[x] = uint32(at) + 1
		or(c.row(owner[at]), c.row(x))
	}
	f.Locals = out
}

// at is where a local is in the output. One that is only accessed where the
// function never comes to has no index.
func (c *coalescer) at(local uint64) uint64 {
	return max(uint64(c.index[c.class[local]]), 1) - 1
}

// rename gives every access its index, and removes copies of a local to itself.
func (c *coalescer) rename(slot **ir.Node) {
	n := *slot
	for i := range n.Kids {
		c.rename(&n.Kids[i])
	}
	switch n.Op {
	case wasm.OpLocalGet:
		n.Imm = c.at(n.Imm)
	case wasm.OpLocalSet, wasm.OpLocalTee:
		n.Imm = c.at(n.Imm)
		v := n.Kids[0]
		if (v.Op != wasm.OpLocalGet && v.Op != wasm.OpLocalTee) || v.Imm != n.Imm || v.IsUnreachable() {
			return
		}
		c.changed = true
		switch {
		case n.Op == wasm.OpLocalTee:
			*slot = v
		case v.Op == wasm.OpLocalGet:
			*slot = c.f.Nop()
		default:
			v.Op, v.Type = wasm.OpLocalSet, ir.None
			*slot = v
		}
	}
}
