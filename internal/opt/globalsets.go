package opt

import (
	"sync"

	"github.com/wbundle/wbundle/internal/ir"
	"github.com/wbundle/wbundle/internal/wasm"
)

// The pass global-sets: a global is not written where it is written again before
// anybody could read it.
//
//	local.get 0               local.get 0
//	i32.const 40              i32.const 40
//	i32.add                   i32.add
//	local.tee 0     becomes   local.set 0
//	global.set $sp            local.get 0
//	local.get 0               i32.const 8
//	i32.const 8               i32.add
//	i32.add                   global.set $sp
//	global.set $sp
//
// Input and output are final trees. The walk is from the end of the function to
// its start, and knows at every point which globals are written before they are
// read, on all paths. What may read them is a global.get, a call of what is not
// known to leave them alone, and everybody once the function is left, by a trap
// or an exception as well. At the head of a loop nothing is known.
//
// What is no longer written is dropped, which the pass vacuum does the rest of.
// Gives up: on all but the first 64 globals.
func globalSets(f *ir.Func, _ *state) bool {
	if len(f.Ctx.Globals) == 0 {
		return false
	}
	g := globalSetters.Get().(*globalSetter)
	defer globalSetters.Put(g)
	g.f, g.changed, g.cur = f, false, 0
	g.walk(f.Body)
	for _, l := range g.labels {
		l.Imm = 0
	}
	clear(g.labels)
	g.labels, g.at = g.labels[:0], g.at[:0]
	g.f = nil
	return g.changed
}

// globalBits are globals, one bit for each.
type globalBits uint64

type globalSetter struct {
	f *ir.Func
	// cur are the globals that are written, and not read before, from where the
	// walk is; at is the same for branches to the labels, whose Imm is the index,
	// plus one.
	cur     globalBits
	labels  []*ir.Node
	at      []globalBits
	changed bool
}

var globalSetters = sync.Pool{New: func() any { return new(globalSetter) }}

// label enters a label, where branches find at.
func (g *globalSetter) label(n *ir.Node, at globalBits) {
	if n.Refs > 0 && n != g.f.Body {
		g.labels, g.at = append(g.labels, n), append(g.at, at)
		n.Imm = uint64(len(g.labels))
	}
}

// target is what is known where a branch to l goes.
func (g *globalSetter) target(l *ir.Node) globalBits {
	if l == g.f.Body {
		return 0
	}
	return g.at[l.Imm-1]
}

func (g *globalSetter) walk(n *ir.Node) {
	switch n.Op {
	case wasm.OpBlock:
		g.label(n, g.cur)
	case wasm.OpLoop:
		g.label(n, 0)
	case wasm.OpIf:
		if n.Kids[0].IsUnreachable() {
			break
		}
		after, before := g.cur, g.cur
		if len(n.Kids) == 3 {
			before = ^globalBits(0)
		}
		for _, k := range n.Kids[1:] {
			g.cur = after
			g.walk(k)
			before &= g.cur
		}
		g.cur = before
		g.walk(n.Kids[0])
		return
	case wasm.OpBr:
		g.cur = g.target(n.Target)
	case wasm.OpBrIf:
		g.cur &= g.target(n.Target)
	case wasm.OpBrTable:
		g.cur = ^globalBits(0)
		for i := range n.Targets() {
			g.cur &= g.target(n.Targets()[i].Label)
		}
	case wasm.OpGlobalGet:
		if n.Imm < 64 {
			g.cur &^= 1 << n.Imm
		}
	case wasm.OpGlobalSet:
		g.set(n)
	default:
		if g.f.NodeEffects(n)&(ir.ReadsGlobal|ir.Traps|ir.Throws|ir.Calls|ir.Branches) != 0 {
			g.cur = 0
		}
	}
	for i := len(n.Kids) - 1; i >= 0; i-- {
		g.walk(n.Kids[i])
	}
}

// set looks at global.set.
func (g *globalSetter) set(n *ir.Node) {
	if n.Imm >= 64 || n.IsUnreachable() {
		return
	}
	if g.cur&(1<<n.Imm) != 0 {
		n.Op, n.Imm = wasm.OpDrop, 0
		g.changed = true
		return
	}
	g.cur |= 1 << n.Imm
}
