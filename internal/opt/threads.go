package opt

import (
	"sync"

	"github.com/wbundle/wbundle/internal/ir"
	"github.com/wbundle/wbundle/internal/wasm"
)

// The pass threads: a branch to where a br_table sends it on goes there at once.
// (Others call it jump threading.)
//
// Compilers whose control flow has no structure write a loop around a br_table
// that a local selects from: Go does for all functions, LLVM for loops with
// several entries. Most jumps are forward, to the end of a block that the jump
// is in:
//
//	loop $l                           loop $l
//	  block $b                          block $b
//	    block $a                          block $a
//	      local.get $p                      local.get $p
//	      br_table $a $b                    br_table $a $b
//	    end                               end
//	    ...                               ...
//	    if (c)                becomes     if (c)
//	      i32.const 1                       i32.const 1
//	      local.set $p                      local.set $p
//	      br $l                             br $b
//	    end                               end
//	    ...                               ...
//	  end                               end
//	  ...                               ...
//	end                               end
//
// If nothing else reads $p, and all that goes to $l sets it, it is not set for
// the jump either. The if around the branch becomes br_if then (branches).
//
// Input and output are final trees, but for blocks that have no branch left. It
// is the same path with one instruction less: the br_table has no other operand
// than the local, there is nothing between the label and it, and its target is
// open where the branch is, so it leaves the same.
//
// Gives up: on jumps back, on values that do not stand right before the branch,
// and on a br_table with operands for its labels.
func threads(f *ir.Func, _ *state) bool {
	t := threaders.Get().(*threader)
	defer threaders.Put(t)
	t.f, t.changed = f, false
	t.list(f.Body.Kids, nil)
	if len(t.jumps) > 0 {
		t.unset()
	}
	t.f = nil
	for i := range t.labels {
		t.labels[i].node.Imm = 0
	}
	clear(t.labels)
	clear(t.jumps)
	t.labels, t.jumps = t.labels[:0], t.jumps[:0]
	return t.changed
}

// threadLabel is a block or loop; its Imm is the index, plus one, while the pass
// runs.
type threadLabel struct {
	node *ir.Node
	open bool     // the walk is within it
	to   *ir.Node // the br_table that a branch to it comes to, if any
	// refs is how many branches there were, and sets how many of them stand behind
	// a set of the br_table's local.
	refs, sets int32
	again      bool // it is in a loop
}

// threadJump is a branch that goes another way now.
type threadJump struct {
	set  *ir.Node // of the local
	from int      // index of the label that it went to
}

type threader struct {
	f       *ir.Func
	labels  []threadLabel
	jumps   []threadJump
	loops   int // that the walk is in
	changed bool
}

var threaders = sync.Pool{New: func() any { return new(threader) }}

// list looks at statements that next follows, if it is not nil.
func (t *threader) list(kids []*ir.Node, next *ir.Node) {
	for i, k := range kids {
		after := next
		if i+1 < len(kids) {
			after = kids[i+1]
		}
		t.node(k, after)
		switch k.Op {
		case wasm.OpBr:
			if len(k.Kids) == 0 {
				t.jump(kids[:i], k)
			}
		case wasm.OpBrIf:
			if len(k.Kids) == 1 {
				t.jump(kids[:i], k)
			}
		}
	}
}

// node looks at a tree that next follows.
func (t *threader) node(n, next *ir.Node) {
	switch n.Op {
	case wasm.OpBlock:
		if n.Refs == 0 {
			t.list(n.Kids, next)
			return
		}
		id := t.open(n, next)
		t.list(n.Kids, next)
		t.labels[id].open = false
	case wasm.OpLoop:
		if n.Refs == 0 {
			t.node(n.Kids[0], next)
			return
		}
		id := t.open(n, n.Kids[0])
		t.loops++
		t.node(n.Kids[0], next)
		t.loops--
		t.labels[id].open = false
	case wasm.OpIf:
		t.node(n.Kids[0], nil)
		for _, k := range n.Kids[1:] {
			t.node(k, next)
		}
	case wasm.OpTryTable:
		t.node(n.Kids[0], next)
	default:
		for _, k := range n.Kids {
			t.node(k, nil)
		}
	}
}

// open enters a label, branches to which come to next.
func (t *threader) open(n, next *ir.Node) int {
	t.labels = append(t.labels, threadLabel{node: n, open: true, to: dispatch(next), refs: n.Refs, again: t.loops > 0})
	n.Imm = uint64(len(t.labels))
	return len(t.labels) - 1
}

// dispatch is the br_table that is all that is done first in n, with a local for
// an index.
func dispatch(n *ir.Node) *ir.Node {
	for n != nil {
		switch n.Op {
		case wasm.OpBlock, wasm.OpLoop:
			if len(n.Kids) == 0 {
				return nil
			}
			n = n.Kids[0]
		case wasm.OpBrTable:
			if len(n.Kids) == 1 && n.Kids[0].Op == wasm.OpLocalGet {
				return n
			}
			return nil
		default:
			return nil
		}
	}
	return nil
}

// jump looks at a br or br_if with the statements before it.
func (t *threader) jump(before []*ir.Node, n *ir.Node) {
	// Each step leads to the next br_table; they may go round.
	for step := range 4 {
		if n.Target == t.f.Body || n.Op == wasm.OpBrIf && n.IsUnreachable() {
			return
		}
		id := int(n.Target.Imm - 1)
		from := &t.labels[id]
		if from.to == nil {
			return
		}
		local := from.to.Kids[0].Imm
		if n.Op == wasm.OpBrIf && writesLocal(n.Kids[0], local) {
			return
		}
		set := setBefore(before, local)
		if set == nil {
			return
		}
		if step == 0 {
			from.sets++
		}
		v, ok := constant(set.Kids[0])
		if !ok {
			return
		}
		to := from.to.Targets()
		l := to[min(uint64(v), uint64(len(to)-1))].Label
		if l == n.Target || l == t.f.Body || l.Imm == 0 || !t.labels[l.Imm-1].open {
			return
		}
		n.Target.Refs--
		n.Target = l
		l.Refs++
		t.changed = true
		if step == 0 && n.Op == wasm.OpBr && int(l.Imm-1) > id {
			t.jumps = append(t.jumps, threadJump{set, id})
		}
	}
}

// unset takes out the sets of locals that are not read after a jump: nothing but
// the br_table reads them, which is only come to past another set. It is in a
// loop that is begun once, and the jump stays in that.
func (t *threader) unset() {
	gets := make([]int, len(t.f.Locals))
	countGets(t.f.Body, gets)
	open := map[*ir.Node]bool{} // there are other ways to the br_table
	for i := range t.labels {
		if l := &t.labels[i]; l.to != nil && (l.node.Op != wasm.OpLoop || l.again || l.sets != l.refs) {
			open[l.to] = true
		}
	}
	for _, j := range t.jumps {
		if !open[t.labels[j.from].to] && gets[j.set.Imm] == 1 {
			j.set.Op, j.set.Imm, j.set.Kids = wasm.OpNop, 0, nil
		}
	}
}

func countGets(n *ir.Node, gets []int) {
	if n.Op == wasm.OpLocalGet {
		gets[n.Imm]++
	}
	for _, k := range n.Kids {
		countGets(k, gets)
	}
}

// setBefore is the local.set of a local among the last of some statements, after
// which nothing writes it.
func setBefore(before []*ir.Node, local uint64) *ir.Node {
	for i := len(before) - 1; i >= max(0, len(before)-4); i-- {
		s := before[i]
		switch s.Op {
		case wasm.OpLocalSet:
			if s.Imm == local {
				return s
			}
		case wasm.OpBlock, wasm.OpLoop, wasm.OpIf, wasm.OpTryTable:
			return nil // it takes too long to look
		}
		if writesLocal(s, local) {
			return nil
		}
	}
	return nil
}

// writesLocal reports whether a tree writes a local.
func writesLocal(n *ir.Node, local uint64) bool {
	if (n.Op == wasm.OpLocalSet || n.Op == wasm.OpLocalTee) && n.Imm == local {
		return true
	}
	for _, k := range n.Kids {
		if writesLocal(k, local) {
			return true
		}
	}
	return false
}
