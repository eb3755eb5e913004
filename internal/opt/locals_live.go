package opt

import (
	"github.com/wbundle/wbundle/internal/ir"
	"github.com/wbundle/wbundle/internal/wasm"
)

// liveness walks through a function from its end to its start and knows at
// every point which locals are live: whose value may still be read. Structured
// control flow makes that one walk, but for what is live at the head of a loop:
// walks are repeated until that no longer grows, at most once for every loop
// that is in another, and then once more.
//
// A local that is not a parameter and live at the start is read before it is
// written, as zero.
type liveness struct {
	f     *ir.Func
	words int
	// cur are the live locals where the walk is.
	cur []uint64
	// labels are the named blocks and loops; Imm of one is its index, plus one,
	// until release. at is what is live where a branch to it goes; nil for a block
	// that the walk is not in.
	labels []*ir.Node
	at     [][]uint64
	free   [][]uint64
	// caught is what is live at the catches around, nil outside of try_table.
	caught  []uint64
	hasTry  bool
	depth   int // of loops
	changed bool
	// access, when set, is called at every access of a local with what is live
	// after it, and returns whether what stands there now has to be walked
	// through, in place of what was there.
	access func(slot **ir.Node) (again bool)
}

// livenessWords bounds the work of one walk: the labels, times the words of a
// set of locals.
const livenessWords = 4 << 20

// prepare numbers the labels and finds what is live at the heads of loops. It
// reports false, and leaves no numbers, if that is too much work.
func (l *liveness) prepare(f *ir.Func) bool {
	l.f = f
	words := (len(f.Locals) + 63) / 64
	if words != l.words {
		l.words, l.free = words, nil
	}
	l.labels, l.at, l.depth, l.hasTry, l.caught, l.access = l.labels[:0], l.at[:0], 0, false, nil, nil
	l.number(f.Body, 0)
	if len(l.labels)*words > livenessWords || l.depth > 40 {
		l.release()
		return false
	}
	loops := false
	for i, n := range l.labels {
		if n.Op == wasm.OpLoop {
			l.at[i] = l.get()
			clear(l.at[i])
			loops = true
		}
	}
	for loops {
		l.changed = false
		l.run()
		if !l.changed {
			break
		}
	}
	return true
}

func (l *liveness) number(n *ir.Node, depth int) {
	switch n.Op {
	case wasm.OpLoop, wasm.OpBlock:
		if n.Refs > 0 && n != l.f.Body {
			l.labels = append(l.labels, n)
			l.at = append(l.at, nil)
			n.Imm = uint64(len(l.labels))
			if n.Op == wasm.OpLoop {
				depth++
				l.depth = max(l.depth, depth)
			}
		}
	case wasm.OpTryTable:
		l.hasTry = true
	}
	for _, k := range n.Kids {
		l.number(k, depth)
	}
}

// release takes the numbers off the labels.
func (l *liveness) release() {
	for i, n := range l.labels {
		n.Imm = 0
		if l.at[i] != nil {
			l.put(l.at[i])
			l.at[i] = nil
		}
	}
	clear(l.labels)
	l.f, l.access = nil, nil
}

func (l *liveness) get() []uint64 {
	if n := len(l.free); n > 0 {
		s := l.free[n-1]
		l.free = l.free[:n-1]
		return s
	}
	return make([]uint64, l.words)
}

func (l *liveness) put(s []uint64) { l.free = append(l.free, s) }

// run walks through the function. Afterwards, cur is what is live at its start.
func (l *liveness) run() {
	if len(l.cur) != l.words {
		l.cur = make([]uint64, l.words)
	}
	clear(l.cur)
	l.walk(&l.f.Body)
}

func (l *liveness) isLive(local uint32) bool { return l.cur[local>>6]&bit(local) != 0 }

func or(dst, src []uint64) {
	for i, w := range src {
		dst[i] |= w
	}
}

// nowhere is the state where control never comes to the end.
func (l *liveness) nowhere() {
	clear(l.cur)
	or(l.cur, l.caught)
}

func (l *liveness) target(n *ir.Node) []uint64 {
	if n.Imm == 0 {
		return nil // the function itself
	}
	return l.at[n.Imm-1]
}

func (l *liveness) kids(n *ir.Node) {
	for i := len(n.Kids) - 1; i >= 0; i-- {
		l.walk(&n.Kids[i])
	}
}

func (l *liveness) walk(slot **ir.Node) {
	n := *slot
	switch n.Op {
	case wasm.OpBlock:
		if n.Refs == 0 || n == l.f.Body {
			break
		}
		s := l.get()
		copy(s, l.cur)
		id := n.Imm - 1
		l.at[id] = s
		l.kids(n)
		l.at[id] = nil
		l.put(s)
		return
	case wasm.OpLoop:
		l.walk(&n.Kids[0])
		if n.Refs > 0 {
			head := l.at[n.Imm-1]
			for i, w := range l.cur {
				if w&^head[i] != 0 {
					head[i] |= w
					l.changed = true
				}
			}
			copy(l.cur, head)
		}
		return
	case wasm.OpIf:
		if n.Kids[0].IsUnreachable() {
			l.walk(&n.Kids[0])
			return
		}
		end := l.get()
		copy(end, l.cur)
		l.walk(&n.Kids[1])
		if len(n.Kids) == 3 {
			end, l.cur = l.cur, end
			l.walk(&n.Kids[2])
		}
		or(l.cur, end)
		l.put(end)
		l.walk(&n.Kids[0])
		return
	case wasm.OpTryTable:
		out := l.caught
		l.caught = l.get()
		clear(l.caught)
		or(l.caught, out)
		for i := range n.Targets() {
			or(l.caught, l.target(n.Targets()[i].Label))
		}
		or(l.cur, l.caught)
		l.walk(&n.Kids[0])
		or(l.cur, l.caught)
		l.put(l.caught)
		l.caught = out
		return
	case wasm.OpBr:
		l.nowhere()
		or(l.cur, l.target(n.Target))
	case wasm.OpBrIf:
		or(l.cur, l.target(n.Target))
	case wasm.OpBrTable:
		l.nowhere()
		for i := range n.Targets() {
			or(l.cur, l.target(n.Targets()[i].Label))
		}
	case wasm.OpReturn, wasm.OpUnreachable, wasm.OpThrow, wasm.OpThrowRef, wasm.OpReturnCall, wasm.OpReturnCallIndirect, wasm.OpReturnCallRef:
		l.nowhere()
	case wasm.OpLocalGet:
		if l.access != nil {
			l.access(slot)
		}
		l.cur[n.Imm>>6] |= bit(uint32(n.Imm))
		return
	case wasm.OpLocalSet, wasm.OpLocalTee:
		if l.access != nil && l.access(slot) {
			l.walk(slot)
			return
		}
		if l.caught == nil || l.caught[n.Imm>>6]&bit(uint32(n.Imm)) == 0 {
			l.cur[n.Imm>>6] &^= bit(uint32(n.Imm))
		}
	}
	l.kids(n)
}
