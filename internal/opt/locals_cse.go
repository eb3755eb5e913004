package opt

import (
	"sync"

	"github.com/wbundle/wbundle/internal/ir"
	"github.com/wbundle/wbundle/internal/wasm"
)

// The pass local-cse: what was computed before and not changed since is kept in
// a local, where that is shorter.
//
// Input and output are final trees. The tree is walked in the order in which it
// is evaluated. Every computation without effects that the walk comes to is
// looked up among those that have certainly been evaluated, with the same
// outcome: not in another arm, not before the loop that the walk is in, and
// nothing that it reads was written since. The largest ones win. Then
//
//	local.get 0               local.get 0
//	i32.load offset=8         i32.load offset=8
//	local.get 0     becomes   local.tee 1
//	i32.load offset=8         local.get 1
//	i32.mul                   i32.mul
//
// which takes two bytes for local.tee, and two for every repeat. Numbers of
// four bytes and more count as computations when the aim is size. A load that
// repeats does not trap if the first one did not: memories do not shrink.
//
// Gives up: on computations with more than cseNodes instructions, and on those
// that others with the same place in the table have pushed out.
func localCSE(f *ir.Func, s *state) bool {
	c := csers.Get().(*cser)
	defer csers.Put(c)
	c.start(f, s)
	c.walk(&f.Body)
	changed := c.apply()
	clear(c.all)
	clear(c.matches)
	c.f = nil
	return changed
}

const (
	cseNodes = 32
	cseTable = 1 << 10
)

// computed is a computation that was met.
type computed struct {
	slot    **ir.Node
	hash    uint64
	born    int32
	reads   bool // something that may change
	dead    bool // it is not known any more to have been evaluated
	repeats int32
	local   uint32
}

// repeat is a place where a computation is met again.
type repeat struct {
	slot **ir.Node
	of   int32
}

type cser struct {
	f         *ir.Func
	constants bool
	now       int32
	barrier   int32   // what was met before may have changed since
	written   []int32 // when each local was written
	memory    int32   // when any memory was
	global    int32
	table     int32

	all     []computed
	open    []int32 // those that are not dead
	matches []repeat
	// slots is a table by hash of indices in all, plus one.
	slots [cseTable]int32
}

var csers = sync.Pool{New: func() any { return new(cser) }}

func (c *cser) start(f *ir.Func, s *state) {
	c.f, c.constants = f, s.o.Level == Size
	c.now, c.barrier, c.memory, c.global, c.table = 1, 0, 0, 0, 0
	c.written = append(c.written[:0], make([]int32, len(f.Locals))...)
	c.all, c.open, c.matches = c.all[:0], c.open[:0], c.matches[:0]
	clear(c.slots[:])
}

// tree is what the walk found out about a tree.
type tree struct {
	hash  uint64
	nodes int32 // 0: it is no computation
	reads bool
}

func cseHash(h, v uint64) uint64 {
	h = (h ^ v) * 0x9e3779b97f4a7c15
	return h ^ h>>29
}

// scope walks through what may not be evaluated, or is not all there is before
// what follows.
func (c *cser) scope(n []*ir.Node) {
	open := len(c.open)
	for i := range n {
		c.walk(&n[i])
	}
	c.close(open)
}

func (c *cser) close(open int) {
	for _, i := range c.open[open:] {
		c.all[i].dead = true
	}
	c.open = c.open[:open]
}

func (c *cser) walk(slot **ir.Node) tree {
	n := *slot
	switch n.Op {
	case wasm.OpBlock:
		if n.Refs > 0 {
			c.scope(n.Kids)
			return tree{}
		}
		for i := range n.Kids {
			c.walk(&n.Kids[i])
		}
		return tree{}
	case wasm.OpLoop:
		if n.Refs > 0 {
			barrier := c.barrier
			c.barrier = c.now
			c.walk(&n.Kids[0])
			c.barrier = barrier
			return tree{}
		}
	case wasm.OpIf:
		c.walk(&n.Kids[0])
		c.scope(n.Kids[1:2])
		c.scope(n.Kids[2:])
		return tree{}
	case wasm.OpTryTable:
		c.scope(n.Kids)
		return tree{}
	}
	matches, open := len(c.matches), len(c.open)
	t := tree{nodes: 1, hash: cseHash(cseHash(cseHash(uint64(n.Op), n.Imm), n.Aux), uint64(len(n.Kids)))}
	for i := range n.Kids {
		k := c.walk(&n.Kids[i])
		t.hash = cseHash(t.hash, k.hash)
		t.reads = t.reads || k.reads
		if t.nodes += k.nodes; k.nodes == 0 {
			t.nodes = cseNodes + 1
		}
	}
	c.now++
	fx := c.f.NodeEffects(n)
	c.effects(n, fx)
	if fx&(ir.Side&^ir.Traps) != 0 || t.nodes > cseNodes || !n.HasValue() || isRef(n.Type) || n.Op == ir.OpFirst {
		return tree{}
	}
	if fx&(ir.ReadsLocal|ir.ReadsGlobal|ir.ReadsMemory|ir.ReadsTable) != 0 {
		t.reads = true
	}
	if n.Op == wasm.OpLocalGet || n.IsConst() && (!c.constants || c.f.Size(n) < 4) {
		return t
	}
	at := &c.slots[t.hash%cseTable]
	if *at != 0 {
		e := &c.all[*at-1]
		if e.hash == t.hash && !e.dead && (!e.reads || e.born > c.barrier) && equal(*e.slot, n) && (!e.reads || c.same(n, e.born)) {
			for _, m := range c.matches[matches:] {
				c.all[m.of].repeats--
			}
			c.matches = append(c.matches[:matches], repeat{slot, *at - 1})
			c.close(open)
			e.repeats++
			return t
		}
	}
	c.all = append(c.all, computed{slot: slot, hash: t.hash, born: c.now, reads: t.reads})
	*at = int32(len(c.all))
	c.open = append(c.open, *at-1)
	return t
}

// effects takes note of what an instruction writes.
func (c *cser) effects(n *ir.Node, fx ir.Effect) {
	if fx&(ir.Writes|ir.WritesLocal) == 0 {
		return
	}
	if n.Op == wasm.OpLocalSet || n.Op == wasm.OpLocalTee {
		c.written[n.Imm] = c.now
	}
	if fx&ir.WritesMemory != 0 {
		c.memory = c.now
	}
	if fx&ir.WritesGlobal != 0 {
		c.global = c.now
	}
	if fx&ir.WritesTable != 0 {
		c.table = c.now
	}
}

// same reports whether nothing that a computation reads was written since it
// was done.
func (c *cser) same(n *ir.Node, since int32) bool {
	fx := c.f.NodeEffects(n)
	switch {
	case fx&ir.ReadsLocal != 0 && c.written[n.Imm] > since,
		fx&ir.ReadsMemory != 0 && c.memory > since,
		fx&ir.ReadsGlobal != 0 && c.global > since,
		fx&ir.ReadsTable != 0 && c.table > since:
		return false
	}
	for _, k := range n.Kids {
		if !c.same(k, since) {
			return false
		}
	}
	return true
}

// equal reports whether two computations are the same.
func equal(a, b *ir.Node) bool {
	if a.Op != b.Op || a.Imm != b.Imm || a.Aux != b.Aux || a.Type != b.Type || len(a.Kids) != len(b.Kids) {
		return false
	}
	for i := range a.Kids {
		if !equal(a.Kids[i], b.Kids[i]) {
			return false
		}
	}
	return true
}

// apply uses locals where that is shorter.
func (c *cser) apply() bool {
	f := c.f
	var declared [256]bool // the kinds of number that there are locals of
	for _, t := range f.Locals[f.Params:] {
		declared[byte(t.Kind)] = true
	}
	changed := false
	for i := range c.all {
		e := &c.all[i]
		if e.repeats == 0 || len(f.Locals) >= coalesceLimit {
			continue
		}
		n := *e.slot
		gain := int(e.repeats)*(f.Size(n)-2) - 2
		if !declared[byte(n.Type.Kind)] {
			gain -= 2
		}
		if gain <= 0 {
			continue
		}
		changed = true
		declared[byte(n.Type.Kind)] = true
		e.local = f.NewLocal(n.Type) + 1
		*e.slot = f.Tee(e.local-1, n)
	}
	for _, m := range c.matches {
		if e := &c.all[m.of]; e.local != 0 {
			*m.slot = f.Get(e.local - 1)
		}
	}
	return changed
}
