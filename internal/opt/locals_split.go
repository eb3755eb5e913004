package opt

import (
	"math/bits"
	"sync"

	"github.com/wbundle/wbundle/internal/ir"
	"github.com/wbundle/wbundle/internal/wasm"
)

// The pass split-locals: a local that is used for several things becomes
// several locals, so that each is written at few places. It makes nothing
// smaller; the passes between it and coalesce-locals, which joins the locals
// again, find more.
//
// Input and output are final trees. A web is what is connected by "this get may
// read what that set writes". Each web of a local gets a local of its own; the
// one that has the value at the start, the parameter or zero, stays.
//
//	call $f                   call $f
//	local.set 0               local.set 0
//	local.get 0               local.get 0
//	call $g         becomes   call $g
//	call $f                   call $f
//	local.set 0               local.set 1
//	local.get 0               local.get 1
//	call $g                   call $g
//
// The walk goes from the end to the start, as that of liveness, and knows of
// each live local in which web it is. Gives up: on functions with try_table,
// and on those that would get more locals than coalesce-locals takes.
func splitLocals(f *ir.Func, s *state) bool {
	n := len(f.Locals)
	if n == 0 || n > coalesceLimit {
		return false
	}
	p := splitters.Get().(*splitter)
	defer splitters.Put(p)
	if !p.live.prepare(f) {
		return false
	}
	if !p.live.hasTry && len(p.live.labels)*n <= splitWork {
		p.split(f)
	}
	p.live.release()
	p.f = nil
	clear(p.uses)
	return false
}

// splitWork bounds the locals times the labels of a function.
const splitWork = 8 << 20

type splitter struct {
	f    *ir.Func
	live liveness // for the heads of loops and the numbers of the labels
	// cur is the web of each live local, 0 for the others; parent are the webs as
	// a forest, of which the roots stand for the others.
	cur    []int32
	parent []int32
	at     [][]int32 // as liveness.at
	free   [][]int32
	uses   []webUse
	local  []uint32 // of each root, plus one
}

type webUse struct {
	n   *ir.Node
	web int32
}

var splitters = sync.Pool{New: func() any { return new(splitter) }}

func (p *splitter) split(f *ir.Func) {
	n := len(f.Locals)
	p.f = f
	if len(p.cur) != n {
		p.cur, p.free = make([]int32, n), nil
	}
	clear(p.cur)
	p.parent, p.uses = append(p.parent[:0], 0), p.uses[:0]
	p.at = append(p.at[:0], make([][]int32, len(p.live.labels))...)
	p.walk(f.Body)

	p.local = append(p.local[:0], make([]uint32, len(p.parent))...)
	taken := make([]bool, n)
	for x, w := range p.cur {
		if w != 0 {
			p.local[p.root(w)] = uint32(x) + 1
			taken[x] = true
		}
	}
	fresh := 0
	for i := len(p.uses) - 1; i >= 0; i-- {
		u := &p.uses[i]
		u.web = p.root(u.web)
		if p.local[u.web] != 0 {
			continue
		}
		if x := u.n.Imm; !taken[x] {
			taken[x] = true
			p.local[u.web] = uint32(x) + 1
		} else {
			fresh++
			p.local[u.web] = uint32(n + fresh)
		}
	}
	if n+fresh > coalesceLimit {
		return
	}
	f.Locals = append(f.Locals, make([]wasm.ValType, fresh)...)
	for _, u := range p.uses {
		x := p.local[u.web] - 1
		f.Locals[x] = f.Locals[u.n.Imm]
		u.n.Imm = uint64(x)
	}
}

func (p *splitter) root(w int32) int32 {
	for p.parent[w] != w {
		p.parent[w] = p.parent[p.parent[w]]
		w = p.parent[w]
	}
	return w
}

func (p *splitter) web() int32 {
	p.parent = append(p.parent, int32(len(p.parent)))
	return int32(len(p.parent) - 1)
}

// join joins the webs of two states in the first one.
func (p *splitter) join(dst, src []int32) {
	for x, w := range src {
		switch {
		case w == 0 || w == dst[x]:
		case dst[x] == 0:
			dst[x] = w
		default:
			a, b := p.root(w), p.root(dst[x])
			if a < b {
				a, b = b, a
			}
			p.parent[a] = b
		}
	}
}

func (p *splitter) get() []int32 {
	if n := len(p.free); n > 0 {
		s := p.free[n-1]
		p.free = p.free[:n-1]
		return s
	}
	return make([]int32, len(p.cur))
}

func (p *splitter) target(n *ir.Node) []int32 {
	if n.Imm == 0 {
		return nil
	}
	return p.at[n.Imm-1]
}

func (p *splitter) walk(n *ir.Node) {
	switch n.Op {
	case wasm.OpBlock:
		if n.Refs == 0 || n == p.f.Body {
			break
		}
		s := p.get()
		copy(s, p.cur)
		id := n.Imm - 1
		p.at[id] = s
		p.kids(n)
		p.at[id] = nil
		p.free = append(p.free, s)
		return
	case wasm.OpLoop:
		if n.Refs == 0 {
			break
		}
		s := p.get()
		clear(s)
		for i, w := range p.live.at[n.Imm-1] {
			for ; w != 0; w &= w - 1 {
				s[i<<6+bits.TrailingZeros64(w)] = p.web()
			}
		}
		p.at[n.Imm-1] = s
		p.walk(n.Kids[0])
		p.join(p.cur, s)
		p.at[n.Imm-1] = nil
		p.free = append(p.free, s)
		return
	case wasm.OpIf:
		if n.Kids[0].IsUnreachable() {
			p.walk(n.Kids[0])
			return
		}
		end := p.get()
		copy(end, p.cur)
		p.walk(n.Kids[1])
		if len(n.Kids) == 3 {
			end, p.cur = p.cur, end
			p.walk(n.Kids[2])
		}
		p.join(p.cur, end)
		p.free = append(p.free, end)
		p.walk(n.Kids[0])
		return
	case wasm.OpBr:
		clear(p.cur)
		p.join(p.cur, p.target(n.Target))
	case wasm.OpBrIf:
		p.join(p.cur, p.target(n.Target))
	case wasm.OpBrTable:
		clear(p.cur)
		for i := range n.Targets() {
			p.join(p.cur, p.target(n.Targets()[i].Label))
		}
	case wasm.OpReturn, wasm.OpUnreachable, wasm.OpThrow, wasm.OpThrowRef, wasm.OpReturnCall, wasm.OpReturnCallIndirect, wasm.OpReturnCallRef:
		clear(p.cur)
	case wasm.OpLocalGet:
		if p.cur[n.Imm] == 0 {
			p.cur[n.Imm] = p.web()
		}
		p.uses = append(p.uses, webUse{n, p.cur[n.Imm]})
		return
	case wasm.OpLocalSet, wasm.OpLocalTee:
		w := p.cur[n.Imm]
		if w == 0 {
			w = p.web()
		}
		p.uses = append(p.uses, webUse{n, w})
		p.cur[n.Imm] = 0
	}
	p.kids(n)
}

func (p *splitter) kids(n *ir.Node) {
	for i := len(n.Kids) - 1; i >= 0; i-- {
		p.walk(n.Kids[i])
	}
}
