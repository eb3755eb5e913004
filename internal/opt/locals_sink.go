package opt

import (
	"math"
	"sync"

	"github.com/wbundle/wbundle/internal/ir"
	"github.com/wbundle/wbundle/internal/wasm"
)

// The pass simplify-locals: values go where they are used, without a local in
// between.
//
// Input and output are final trees. The tree is walked in the order in which it
// is evaluated. A local.set whose value could as well be evaluated at the point
// that the walk has come to is live (sinkable). It stops being so as soon as
// the walk meets what may not change places with it: ir.Conflict, an access of
// a local that the value reads or writes, a branch to where the local may be
// read. A local.get of a local with a live set takes its value, as it is if
// that is the only get of the local, else as local.tee:
//
//	local.get 0
//	i32.load
//	local.set 1                       local.get 0
//	call_nothing_written    becomes   i32.load
//	local.get 1                       call_nothing_written
//
// A set that is live at the end of a block was made within it if the block is
// named: what comes from elsewhere does not pass it. It goes on when it was
// made before the block: all branches to the end of the block come from inside.
// A value without effects and with one use may go into the arm of an if, and
// may pass branches: its only get is where the walk finds it. Nothing goes into
// a loop from outside, or into or out of try_table.
//
// In the same walk: sets that nobody reads are dropped, drop of local.tee is
// local.set; and with shape, both arms of an if, or all branches to a block,
// that end by setting the same local become its value (locals_shape.go).
//
// Invariant: the order of everything that conflicts, and that every get sees
// the value that it saw. Gives up: on all but the last 32 live sets.
func simplifyLocals(f *ir.Func, s *state) bool {
	if len(f.Locals) == 0 {
		return false
	}
	k := sinkers.Get().(*sinker)
	defer sinkers.Put(k)
	k.f = f
	any := false
	for cycle := range sinkCycles {
		k.tee, k.shape = cycle > 0, cycle > 0
		k.start()
		k.walk(&f.Body)
		if k.changed {
			f.Finalize()
			any = true
		} else if cycle > 0 {
			break
		}
	}
	k.f = nil
	return any
}

const (
	// sinkCycles bounds how often a function is walked. In the first walk, only
	// sets with one use move; a local.tee in their way would stop them.
	sinkCycles = 4
	// sinkLive bounds how many sets are live at a time.
	sinkLive = 32
	// sinkAccesses bounds how many accesses of locals of one value are looked at.
	sinkAccesses = 256
	// noBranch is later than any label.
	noBranch = math.MaxInt32
)

// sinkable is a local.set that could as well be where the walk is.
type sinkable struct {
	set   *ir.Node
	slot  **ir.Node // where it is
	local uint32
	// from and born are when its value and it were met, on the clock of the walk.
	from, born int32
	cond, loop int32 // how many ifs and loops were around it
	// lo and hi are the part of the log that has the value's accesses of locals;
	// reads and writes are what is in there, modulo 64. A wide value has too many.
	lo, hi        int32
	reads, writes uint64
	wide          bool
	// crossed says that the walk went past a branch that leaves: the set is gone
	// for whoever is there.
	crossed bool
	// inner is when the outermost label was opened that is still open and to the
	// end of which a branch after the set leads: whoever takes that does not come
	// by here. noBranch without.
	inner int32
	what  extent
}

// extent is what a tree does.
type extent struct {
	fx ir.Effect // without Branches
	// outer is when the outermost label that the tree branches to was opened.
	outer int32
	wide  bool
}

func (e *extent) add(o extent) {
	e.fx |= o.fx
	e.outer = min(e.outer, o.outer)
	e.wide = e.wide || o.wide
}

// openLabel is a block or loop that the walk is in; Node.Imm is its index, plus
// one.
type openLabel struct {
	serial int32 // when it was opened
	sites  int32 // the last branch to it, in sinker.sites, plus one
	count  int32 // of the branches there
}

type sinker struct {
	f          *ir.Func
	tee, shape bool
	try        bool // the function has try_table
	changed    bool
	gets       []int32 // of each local

	now        int32
	cond, loop int32
	live       []sinkable
	saved      []sinkable // the live sets before the ifs that the walk is in
	log        []uint32   // accesses of locals: local<<1, plus 1 for a write
	labels     []openLabel
	sites      []sinkSite
	siteSets   []sinkable

	// What there is in live, or was.
	fx                   ir.Effect
	reads, writes, local uint64
	wide                 bool
}

var sinkers = sync.Pool{New: func() any { return new(sinker) }}

// start prepares a walk.
func (k *sinker) start() {
	k.gets = append(k.gets[:0], make([]int32, len(k.f.Locals))...)
	k.try, k.changed = false, false
	k.count(k.f.Body)
	k.now, k.cond, k.loop = 0, 0, 0
	k.live, k.saved, k.log, k.labels = k.live[:0], k.saved[:0], k.log[:0], k.labels[:0]
	k.sites, k.siteSets = k.sites[:0], k.siteSets[:0]
	k.gather()
}

func (k *sinker) count(n *ir.Node) {
	switch n.Op {
	case wasm.OpLocalGet:
		k.gets[n.Imm]++
	case wasm.OpTryTable:
		k.try = true
	}
	for _, c := range n.Kids {
		k.count(c)
	}
}

// uncount takes note that a tree is thrown away.
func (k *sinker) uncount(n *ir.Node) {
	if n.Op == wasm.OpLocalGet {
		k.gets[n.Imm]--
	}
	for _, c := range n.Kids {
		k.uncount(c)
	}
}

func bit(local uint32) uint64 { return 1 << (local & 63) }

// gather finds out what there is in live.
func (k *sinker) gather() {
	k.fx, k.reads, k.writes, k.local, k.wide = 0, 0, 0, 0, false
	for i := range k.live {
		k.note(&k.live[i])
	}
}

func (k *sinker) note(s *sinkable) {
	k.fx |= s.effects(k)
	k.reads |= s.reads
	k.writes |= s.writes
	k.local |= bit(s.local)
	k.wide = k.wide || s.wide
}

// effects are those of the value, as seen from after the set.
func (s *sinkable) effects(k *sinker) ir.Effect {
	fx := s.what.fx
	if s.what.outer != noBranch {
		fx |= ir.Branches
	}
	if k.try {
		fx |= ir.WritesLocal
	}
	return fx
}

// pure reports whether the value need not be evaluated.
func (s *sinkable) pure() bool { return s.what.fx&ir.Side == 0 && s.what.outer == noBranch }

// touches reports whether the value accesses a local in the way of mask: 1 for
// writes only.
func (s *sinkable) touches(k *sinker, local uint32, writesOnly bool) bool {
	if s.wide {
		return true
	}
	m := s.writes
	if !writesOnly {
		m |= s.reads
	}
	if m&bit(local) == 0 {
		return false
	}
	for _, a := range k.log[s.lo:s.hi] {
		if a>>1 == local && (a&1 == 1 || !writesOnly) {
			return true
		}
	}
	return false
}

// remove takes sets out of live.
func (k *sinker) remove(gone func(s *sinkable) bool) {
	kept := k.live[:0]
	for i := range k.live {
		if !gone(&k.live[i]) {
			kept = append(kept, k.live[i])
		}
	}
	k.live = kept
	k.gather()
}

// conflicts is ir.Conflict, with writes of locals apart: what is thrown out of
// the function takes no local along.
func (k *sinker) conflicts(a, b ir.Effect) bool {
	const l = ir.WritesLocal
	out := ir.Branches
	if k.try {
		out |= ir.Throws
	}
	return ir.Conflict(a&^l, b&^l) || a&out != 0 && b&l != 0 || b&out != 0 && a&l != 0
}

// does takes note that the walk is at something with these effects.
func (k *sinker) does(fx ir.Effect) {
	if fx == 0 || len(k.live) == 0 || !k.conflicts(k.fx, fx) {
		return
	}
	k.remove(func(s *sinkable) bool { return k.conflicts(s.effects(k), fx) })
}

// leaves takes note that the walk is at a branch to a label that was opened at
// a time.
func (k *sinker) leaves(serial int32) {
	if len(k.live) == 0 {
		return
	}
	k.remove(func(s *sinkable) bool {
		if s.born < serial {
			s.inner = min(s.inner, serial)
			return false // the branch ends behind the set
		}
		s.crossed = true
		return !s.pure() || k.gets[s.local] != 1
	})
}

// accesses takes note of local.get, set or tee.
func (k *sinker) accesses(local uint32, write bool) {
	if len(k.live) == 0 {
		return
	}
	m := k.writes | k.local
	if write {
		m |= k.reads
	}
	if m&bit(local) == 0 && !k.wide {
		return
	}
	k.remove(func(s *sinkable) bool { return s.local == local || s.touches(k, local, !write) })
}

func (k *sinker) logAccess(local uint32, write bool) {
	a := local << 1
	if write {
		a |= 1
	}
	k.log = append(k.log, a)
}

// serial is when a label was opened; the body of the function was before all.
func (k *sinker) serial(l *ir.Node) int32 {
	if l == k.f.Body {
		return 0
	}
	return k.labels[l.Imm-1].serial
}

// open and close are the ends of a label.
func (k *sinker) open(n *ir.Node) int32 {
	k.now++
	k.labels = append(k.labels, openLabel{serial: k.now})
	n.Imm = uint64(len(k.labels))
	return k.now
}

func (k *sinker) close(n *ir.Node) {
	k.labels = k.labels[:n.Imm-1]
	n.Imm = 0
}

// walk goes through a tree in the order in which it is evaluated.
func (k *sinker) walk(slot **ir.Node) extent {
	n := *slot
	what := extent{outer: noBranch}
	switch n.Op {
	case wasm.OpBlock:
		if n.Refs == 0 || n == k.f.Body {
			for i := range n.Kids {
				what.add(k.walk(&n.Kids[i]))
			}
			return what
		}
		return k.block(slot)
	case wasm.OpLoop:
		if n.Refs == 0 {
			return k.walk(&n.Kids[0])
		}
		k.does(ir.Calls)
		what.fx = ir.Calls
		serial := k.open(n)
		k.loop++
		what.add(k.walk(&n.Kids[0]))
		k.loop--
		k.close(n)
		k.remove(func(s *sinkable) bool {
			s.loop = min(s.loop, k.loop)
			if s.inner >= serial {
				s.inner = noBranch
			}
			return s.born > serial && s.what.outer != noBranch
		})
		if what.outer >= serial {
			what.outer = noBranch
		}
		return what
	case wasm.OpIf:
		return k.branch(slot)
	case wasm.OpTryTable:
		k.live = k.live[:0]
		what.add(k.walk(&n.Kids[0]))
		k.live = k.live[:0]
		k.gather()
		what.outer = 0
		what.fx |= ir.AnyCall
		return what
	case wasm.OpDrop:
		if t := n.Kids[0]; t.Op == wasm.OpLocalTee && !t.IsUnreachable() {
			k.changed = true
			n.Op, n.Imm, n.Kids = wasm.OpLocalSet, t.Imm, t.Kids
			return k.set(slot)
		}
	case wasm.OpLocalGet:
		return k.get(slot)
	case wasm.OpLocalSet, wasm.OpLocalTee:
		return k.set(slot)
	}
	for i := range n.Kids {
		what.add(k.walk(&n.Kids[i]))
	}
	k.visit(slot, &what)
	return what
}

// visit is at an instruction whose operands are evaluated.
func (k *sinker) visit(slot **ir.Node, what *extent) {
	n := *slot
	serial := int32(noBranch)
	switch n.Op {
	case ir.OpFirst:
		for _, c := range n.Kids[1:] {
			if c.Op != wasm.OpNop {
				return
			}
		}
		*slot = n.Kids[0]
		return
	case wasm.OpDrop:
		if what.fx&ir.Side == 0 && what.outer == noBranch && !n.IsUnreachable() {
			k.changed = true
			k.uncount(n)
			*slot = k.f.Nop()
		}
		return
	case wasm.OpBr, wasm.OpBrIf:
		serial = k.serial(n.Target)
		k.site(slot)
	case wasm.OpBrTable:
		for i := range n.Targets() {
			serial = min(serial, k.serial(n.Targets()[i].Label))
		}
	case wasm.OpReturn, wasm.OpThrow, wasm.OpThrowRef, wasm.OpReturnCall, wasm.OpReturnCallIndirect, wasm.OpReturnCallRef:
		serial = 0
	}
	fx := k.f.NodeEffects(n)
	k.does(fx &^ ir.Branches)
	if fx&ir.Branches != 0 {
		k.leaves(serial)
		what.outer = min(what.outer, serial)
	}
	what.fx |= fx &^ ir.Branches
}

// get is at local.get.
func (k *sinker) get(slot **ir.Node) extent {
	n := *slot
	x := uint32(n.Imm)
	if k.local&bit(x) != 0 {
		for i := range k.live {
			if s := &k.live[i]; s.local == x {
				if what, ok := k.take(slot, s); ok {
					return what
				}
				break
			}
		}
	}
	k.accesses(x, false)
	k.logAccess(x, false)
	return extent{fx: ir.ReadsLocal, outer: noBranch}
}

// take puts the value of a live set where the local is read.
func (k *sinker) take(slot **ir.Node, s *sinkable) (extent, bool) {
	x := s.local
	here := s.cond == k.cond && s.loop == k.loop && s.inner == noBranch
	single := k.gets[x] == 1
	what := s.what
	what.wide = s.wide
	switch {
	case single && (here || s.pure() && s.loop == k.loop):
		*slot = s.set.Kids[0]
	case here && k.tee:
		s.set.Op, s.set.Type = wasm.OpLocalTee, k.f.Locals[x]
		*slot = s.set
		what.fx |= ir.WritesLocal
	default:
		return extent{}, false
	}
	k.changed = true
	*s.slot = k.f.Nop()
	k.gets[x]--
	born := s.born
	if !s.wide {
		k.log = append(k.log, k.log[s.lo:s.hi]...)
	}
	if !single {
		k.logAccess(x, true)
	}
	for i := range k.live {
		if &k.live[i] == s {
			k.live = append(k.live[:i], k.live[i+1:]...)
			break
		}
	}
	k.torn(born)
	return what, true
}

// torn takes note that a set was taken from where it was. The values that it
// was part of may not follow: it was not the first thing in them.
func (k *sinker) torn(born int32) {
	for i := range k.live {
		if s := &k.live[i]; s.from < born && born < s.born {
			k.remove(func(s *sinkable) bool { return s.from < born && born < s.born })
			return
		}
	}
}

// set is at local.set or tee.
func (k *sinker) set(slot **ir.Node) extent {
	n := *slot
	x := uint32(n.Imm)
	if t := n.Kids[0]; t.Op == wasm.OpLocalTee && t.Imm == n.Imm && !t.IsUnreachable() {
		k.changed = true
		n.Kids = t.Kids
	}
	lo, from := len(k.log), k.now
	what := k.walk(&n.Kids[0])
	v := n.Kids[0]
	if n.IsUnreachable() || v.IsUnreachable() {
		return what
	}
	if k.gets[x] == 0 {
		k.changed = true
		switch {
		case n.Op == wasm.OpLocalTee:
			*slot = v
		case what.fx&ir.Side == 0 && what.outer == noBranch:
			k.uncount(v)
			*slot = k.f.Nop()
		default:
			*slot = k.f.Drop(v)
		}
		return what
	}
	k.accesses(x, true)
	k.does(ir.WritesLocal)
	if n.Op == wasm.OpLocalSet {
		k.define(slot, lo, from, what)
	}
	k.logAccess(x, true)
	what.fx |= ir.WritesLocal
	return what
}

// define makes a set live, the accesses of whose value are in the log from lo,
// and which was met after from.
func (k *sinker) define(slot **ir.Node, lo int, from int32, what extent) {
	n := *slot
	v := n.Kids[0]
	x := uint32(n.Imm)
	if isRef(v.Type) && v.Type != k.f.Locals[x] {
		return
	}
	k.now++
	s := sinkable{set: n, slot: slot, local: x, from: from, born: k.now, cond: k.cond, loop: k.loop, lo: int32(lo), hi: int32(len(k.log)), inner: noBranch, what: what, wide: what.wide}
	if s.hi-s.lo > sinkAccesses {
		s.wide = true
	}
	if !s.wide {
		for _, a := range k.log[s.lo:s.hi] {
			if a&1 == 1 {
				s.writes |= bit(a >> 1)
			} else {
				s.reads |= bit(a >> 1)
			}
		}
	}
	if len(k.live) == sinkLive {
		k.live = k.live[:copy(k.live, k.live[1:])]
	}
	k.live = append(k.live, s)
	k.note(&s)
}
