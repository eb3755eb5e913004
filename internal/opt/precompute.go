package opt

import (
	"sync"

	"github.com/wbundle/wbundle/internal/ir"
	"github.com/wbundle/wbundle/internal/wasm"
)

// The pass precompute: where a local is known to hold a constant, that is taken
// instead, and what follows from it is computed.
//
// Input and output are final trees. The pass walks the function in the order of
// execution, with the constant that each local holds there, if it is known:
//
//   - locals that are no parameters start at zero;
//   - at an if, both arms start with what is known before, and what they agree
//     on is known after; the end of a block agrees likewise with the branches to
//     it;
//   - at the start of a loop, nothing is known of what is set in it;
//   - a catch may come from anywhere in the body of try_table: nothing is known
//     of what is set there.
//
// An immutable global with a constant initialiser holds that. For example
//
//	i32.const 2                       i32.const 2
//	local.set 0                       local.set 0
//	local.get 1                       local.get 1
//	if                                if
//	  local.get 0           becomes     i32.const 3
//	  i32.const 1                       call $f
//	  i32.add                         end
//	  call $f
//	end
//
// A constant is put down where it takes no more bytes than what it stands for;
// what is larger (a float, usually) is still computed with. Conditions that turn
// out to be constant are decided, so that what is not reached counts no more.
//
// The work is bounded by a multiple of the function's size; beyond it, the rest
// of the function stays as it is.
func precompute(f *ir.Func, s *state) bool {
	c := computers.Get().(*computer)
	defer computers.Put(c)
	c.f, c.s = f, s
	c.changed, c.branches, c.work = false, false, 0
	n := len(f.Locals)
	c.now = append(c.now[:0], make([]value, n)...)
	c.stamp = append(c.stamp[:0], make([]uint32, n)...)
	c.seen = append(c.seen[:0], make([]merged, n)...)
	c.log, c.frames, c.sets, c.turn = c.log[:0], c.frames[:0], c.sets[:0], 0
	clear(c.within)
	for i := f.Params; i < n; i++ {
		c.now[i].known = isNumber(f.Locals[i])
	}
	c.limit = c.prepare(f.Body)*workPerNode + 4096
	c.node(f.Body)
	if c.branches {
		f.Finalize()
	}
	c.f, c.s = nil, nil
	return c.changed
}

// workPerNode is how much the pass may do for each node of a function.
const workPerNode = 32

var computers = sync.Pool{New: func() any { return &computer{within: map[*ir.Node][2]int{}} }}

// value is a number, if it is known: the bits that ir.Node.Imm would have.
type value struct {
	bits  uint64
	known bool
}

// edit is a local that was changed, and what it was.
type edit struct {
	local uint32
	was   value
}

// delta is a local that is not what it was at the start of a frame, on as many
// paths as count says.
type delta struct {
	local, count uint32
	now          value
}

// frame is a construct whose end several paths lead to.
type frame struct {
	label *ir.Node
	// mark is where the log was at the start.
	mark int
	// deltas are the locals that the paths changed, paths their number. A local
	// has a delta of every path until they are joined; few is how many there were
	// then, added how many there would be without.
	deltas     []delta
	paths      int
	few, added int
}

// merged is what the paths that changed a local agree on.
type merged struct {
	turn  uint32 // of the merge that this is about
	count uint32
	now   value
}

type computer struct {
	f   *ir.Func
	s   *state
	now []value
	// log is what was changed, to go back to the start of a frame.
	log    []edit
	frames []frame
	// sets are the locals that are set, in the order of the tree; within has the
	// part of it that is in a loop or try_table.
	sets   []uint32
	within map[*ir.Node][2]int
	// stamp and seen mark locals; turn makes old marks void.
	stamp             []uint32
	seen              []merged
	turn              uint32
	work, limit       int
	changed, branches bool
}

func isNumber(t wasm.ValType) bool { return t.Kind >= wasm.KindF64 && t.Kind <= wasm.KindI32 }

// prepare finds what loops set, and counts nodes.
func (c *computer) prepare(n *ir.Node) int {
	start := len(c.sets)
	count := 1
	for _, k := range n.Kids {
		count += c.prepare(k)
	}
	switch n.Op {
	case wasm.OpLocalSet, wasm.OpLocalTee:
		c.sets = append(c.sets, uint32(n.Imm))
	case wasm.OpLoop, wasm.OpTryTable:
		c.within[n] = [2]int{start, len(c.sets)}
	}
	return count
}

// set notes what a local holds now.
func (c *computer) set(local uint32, v value) {
	if c.now[local] != v {
		c.log = append(c.log, edit{local, c.now[local]})
		c.now[local] = v
	}
}

// back undoes what was changed since a mark.
func (c *computer) back(mark int) {
	for i := len(c.log) - 1; i >= mark; i-- {
		c.now[c.log[i].local] = c.log[i].was
	}
	c.log = c.log[:mark]
}

// open starts a frame.
func (c *computer) open(label *ir.Node) int {
	if len(c.frames) < cap(c.frames) {
		c.frames = c.frames[:len(c.frames)+1] // with the slice that was there
	} else {
		c.frames = append(c.frames, frame{})
	}
	i := len(c.frames) - 1
	fr := &c.frames[i]
	*fr = frame{label: label, mark: len(c.log), deltas: fr.deltas[:0]}
	return i
}

// path adds the current state to those that lead to the end of a frame. Of the
// locals in unknown, nothing is known.
func (c *computer) path(frame int, unknown []uint32) {
	fr := &c.frames[frame]
	fr.paths++
	if len(fr.deltas) > 2*fr.few+manyDeltas {
		c.join(fr)
	}
	before := len(fr.deltas)
	c.turn++
	for _, l := range unknown {
		if c.stamp[l] != c.turn {
			c.stamp[l] = c.turn
			fr.deltas = append(fr.deltas, delta{l, 1, value{}})
		}
	}
	for _, e := range c.log[fr.mark:] {
		if c.stamp[e.local] != c.turn {
			c.stamp[e.local] = c.turn
			fr.deltas = append(fr.deltas, delta{e.local, 1, c.now[e.local]})
		}
	}
	fr.added += len(fr.deltas) - before
	c.work += len(unknown) + len(c.log) - fr.mark
}

// manyDeltas is how many deltas a frame may have before they are joined: the
// default of a large switch has thousands of paths that changed thousands of
// locals.
const manyDeltas = 1024

// join makes one delta of all those of a local.
func (c *computer) join(fr *frame) {
	c.agree(fr)
	n := 0
	for _, d := range fr.deltas {
		if m := &c.seen[d.local]; m.count > 0 {
			fr.deltas[n] = delta{d.local, m.count, m.now}
			m.count = 0
			n++
		}
	}
	fr.deltas = fr.deltas[:n]
	fr.few = n
}

// agree finds what the paths of a frame that changed a local agree on.
func (c *computer) agree(fr *frame) {
	c.turn++
	for _, d := range fr.deltas {
		m := &c.seen[d.local]
		if m.turn != c.turn {
			*m = merged{c.turn, d.count, d.now}
			continue
		}
		m.count += d.count
		if m.now != d.now {
			m.now = value{}
		}
	}
}

// close ends a frame: the state is what all paths agree on.
func (c *computer) close() {
	fr := &c.frames[len(c.frames)-1]
	c.frames = c.frames[:len(c.frames)-1]
	c.back(fr.mark)
	c.agree(fr)
	for _, d := range fr.deltas {
		m := &c.seen[d.local]
		if int(m.count) < fr.paths && m.now != c.now[d.local] {
			m.now = value{} // on another path it is what it was
		}
		c.set(d.local, m.now)
	}
	c.work += fr.added
}

// branch adds the current state to the paths of a label.
func (c *computer) branch(to *ir.Node, unknown []uint32) {
	for i := len(c.frames) - 1; i >= 0; i-- {
		if c.frames[i].label == to {
			c.path(i, unknown)
			return
		}
	}
	// A loop, or the function itself: nothing is asked there.
}

// node walks a tree and returns what is there instead, and its value if it is
// known and computing it does nothing else.
func (c *computer) node(n *ir.Node) (*ir.Node, value) {
	if c.work > c.limit {
		return n, value{}
	}
	switch n.Op {
	case wasm.OpI32Const, wasm.OpI64Const, wasm.OpF32Const, wasm.OpF64Const:
		return n, value{n.Imm, true}
	case wasm.OpLocalGet:
		return n, c.now[n.Imm]
	case wasm.OpGlobalGet:
		return n, c.global(uint32(n.Imm))
	case wasm.OpBlock:
		return c.block(n), value{}
	case wasm.OpLoop, wasm.OpTryTable:
		return c.construct(n), value{}
	case wasm.OpIf:
		return c.ifNode(n), value{}
	}
	switch n.Op {
	case wasm.OpBrIf, wasm.OpBrTable, wasm.OpSelect, wasm.OpSelectT:
		for i, k := range n.Kids {
			k, v := c.node(k)
			if i == len(n.Kids)-1 && v.known {
				n.Kids[i] = c.f.I32(uint32(v.bits)) // whatever its size: it goes
			} else {
				n.Kids[i] = c.done(k, v)
			}
		}
		if r := decide(c.f, n); r != nil {
			c.changed, c.branches = true, true
			n = r
		}
		c.leave(n)
		return n, value{}
	}
	if len(n.Kids) == 1 || len(n.Kids) == 2 {
		return n, c.operands(n)
	}
	for i, k := range n.Kids {
		n.Kids[i] = c.done(c.node(k))
	}
	c.leave(n)
	return n, value{}
}

// leave adds the current state to where a branch goes, which may be the last of
// a list.
func (c *computer) leave(n *ir.Node) {
	switch n.Op {
	case wasm.OpBr, wasm.OpBrIf:
		c.branch(n.Target, nil)
	case wasm.OpBrTable:
		for i := range n.Targets {
			c.branch(n.Targets[i].Label, nil)
		}
	case wasm.OpBlock:
		if len(n.Kids) > 0 {
			c.leave(n.Kids[len(n.Kids)-1])
		}
	}
}

// operands walks one or two operands and computes the instruction, if it can be.
// Where not, operands that are known become constants.
func (c *computer) operands(n *ir.Node) value {
	var v [2]value
	for i, k := range n.Kids {
		n.Kids[i], v[i] = c.node(k)
	}
	if v[0].known && (len(n.Kids) == 1 || v[1].known) && isNumber(n.Type) {
		bits, ok := uint64(0), false
		if len(n.Kids) == 1 {
			bits, ok = evalUnary(n.Op, v[0].bits)
		} else {
			bits, ok = evalBinary(n.Op, v[0].bits, v[1].bits)
		}
		if ok {
			return value{bits, true}
		}
	}
	// A set keeps what it knows of its operand, whether that is put down or not.
	if n.Op == wasm.OpLocalSet || n.Op == wasm.OpLocalTee {
		n.Kids[0] = c.done(n.Kids[0], v[0])
		c.set(uint32(n.Imm), v[0])
		return value{}
	}
	for i, k := range n.Kids {
		n.Kids[i] = c.done(k, v[i])
	}
	c.leave(n)
	return value{}
}

// done puts a constant in the place of a tree whose value is known, if that
// takes no more bytes.
func (c *computer) done(n *ir.Node, v value) *ir.Node {
	if !v.known || n.IsConst() {
		return n
	}
	kind := n.Type.Kind
	if size := constSize(kind, v.bits); size > c.f.Size(n) && (c.s.o.Level == Size || n.Op == wasm.OpLocalGet || n.Op == wasm.OpGlobalGet) {
		return n
	}
	c.changed = true
	k := c.f.Node(constOp(kind), n.Type)
	k.Imm = v.bits
	return k
}

// global is what an immutable global holds.
func (c *computer) global(i uint32) value {
	m := c.s.m
	first := m.NumImported[wasm.SpaceGlobal]
	if i < first {
		return value{}
	}
	g := &m.Globals[i-first]
	if g.Mutable || !isNumber(g.Type) {
		return value{}
	}
	return constInit(&g.Init)
}

// constInit is what an initialiser of one constant instruction gives.
func constInit(e *wasm.Expr) value {
	in, ok := wasm.NextInstr(e.Bytes, 0)
	if !ok {
		return value{}
	}
	end, ok := wasm.NextInstr(e.Bytes, int(in.Off+in.Len))
	if !ok || end.Op != wasm.OpEnd {
		return value{}
	}
	switch in.Op {
	case wasm.OpI32Const:
		return value{uint64(uint32(in.Arg)), true}
	case wasm.OpI64Const, wasm.OpF32Const, wasm.OpF64Const:
		return value{in.Arg, true}
	}
	return value{}
}

// block walks the statements of a block.
func (c *computer) block(n *ir.Node) *ir.Node {
	frame := -1
	if n.Refs > 0 && n != c.f.Body {
		frame = c.open(n)
	}
	for i, k := range n.Kids {
		n.Kids[i] = c.done(c.node(k))
		if n.Kids[i].IsUnreachable() {
			break // what is decided now may be followed by what never happens
		}
	}
	if frame >= 0 {
		if last := n.Kids[len(n.Kids)-1]; !ends(n, last) {
			c.path(frame, nil)
		}
		c.close()
	}
	return n
}

// ends reports whether a block never comes to its end.
func ends(n, last *ir.Node) bool {
	for _, k := range n.Kids {
		if k.IsUnreachable() {
			return true
		}
	}
	return last.IsUnreachable()
}

// construct walks a loop or try_table.
func (c *computer) construct(n *ir.Node) *ir.Node {
	in := c.within[n]
	sets := c.sets[in[0]:in[1]]
	if n.Op == wasm.OpLoop {
		for _, l := range sets {
			c.set(l, value{})
		}
		c.work += len(sets)
	}
	for i := range n.Targets {
		c.branch(n.Targets[i].Label, sets)
	}
	n.Kids[0] = c.done(c.node(n.Kids[0]))
	return n
}

// ifNode walks an if.
func (c *computer) ifNode(n *ir.Node) *ir.Node {
	k, v := c.node(n.Kids[0])
	n.Kids[0] = k
	if k.IsUnreachable() {
		return n
	}
	if v.known {
		n.Kids[0] = c.f.I32(uint32(v.bits))
		c.changed, c.branches = true, true
		return c.done(c.node(decide(c.f, n)))
	}
	frame := c.open(n)
	for i := 1; i < len(n.Kids); i++ {
		n.Kids[i] = c.done(c.node(n.Kids[i]))
		if !n.Kids[i].IsUnreachable() {
			c.path(frame, nil)
		}
		c.back(c.frames[frame].mark)
	}
	if len(n.Kids) == 2 {
		c.path(frame, nil)
	}
	c.close()
	return n
}
