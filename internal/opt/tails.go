package opt

import (
	"cmp"
	"slices"
	"sync"

	"github.com/wbundle/wbundle/internal/ir"
	"github.com/wbundle/wbundle/internal/wasm"
)

// The pass tails: statements with which several paths end before they meet are
// there once, where they have met. (Others call it code folding, or tail
// merging.)
//
// Input and output are final trees. Paths meet behind an if, at the end of a
// block, and where the function is left, by a return or a trap:
//
//	if (c)            if (c)
//	  A                 A
//	  X      becomes  else
//	else                B
//	  B               end
//	  X               X
//	end
//
//	block $b          block $b
//	  ... X br $b       ... br $b          if every path to the end of $b ends
//	  ...          ->   ...                with X
//	  X               end
//	end               X
//
//	... X return      block $m
//	... X return        ... br $m          for what is long enough to pay for
//	Y            ->     ... br $m          the block
//	                    Y return
//	                  end
//	                  X
//
// Statements are the same if all their instructions are, and their branches go
// to the same labels, or to corresponding ones within. They may move out of
// blocks that their own branches do not name. They do not leave a try_table.
//
// It makes code smaller, and adds a branch here and there: it is for Size.
func tails(f *ir.Func, s *state) bool {
	if s.o.Level != Size {
		return false
	}
	t := tailers.Get().(*tailer)
	defer tailers.Put(t)
	t.f, t.changed = f, false
	for range tailWalks {
		again := t.function()
		for i := range t.labels {
			t.labels[i].node.Imm = 0
		}
		clear(t.labels)
		clear(t.sites)
		t.labels, t.sites = t.labels[:0], t.sites[:0]
		if again {
			f.Finalize()
		}
		if !again {
			break
		}
	}
	t.f = nil
	return t.changed
}

// tailWalks bounds how often a function is looked at: it is, again, when
// statements were merged that hold ends of paths themselves.
const tailWalks = 4

// tailLabel is what is known of a label; its Imm is the index of it, plus one,
// while the pass runs.
type tailLabel struct {
	node *ir.Node
	open bool // the walk is within it
	// spoiled says that branches to it were thrown away with a statement, so
	// that sites are not all true.
	spoiled bool
	tries   int
	sites   int // how many
	last    int // index in tailer.sites, plus one, of the last of them
}

// tailSite is the end of a path: a list that ends with a branch to a label.
type tailSite struct {
	list  *ir.Node
	hash  uint64 // of the statement before the branch, or of the value it brings
	tries int
	prev  int // the site before for the same label, plus one
	op    wasm.Opcode
}

type tailer struct {
	f       *ir.Func
	labels  []tailLabel
	sites   []tailSite
	leaves  []int // the sites that leave the function
	tries   int
	changed bool
	stale   bool // a statement was thrown away that held a site
	value   uint64
}

var tailers = sync.Pool{New: func() any { return new(tailer) }}

// function looks at the whole function once, and reports whether it changed.
func (t *tailer) function() bool {
	was := t.changed
	t.changed, t.stale, t.tries, t.leaves = false, false, 0, t.leaves[:0]
	last := t.kids(t.f.Body)
	if !t.stale {
		t.leave(last)
	}
	again := t.changed
	t.changed = t.changed || was
	return again
}

// mix adds to a hash.
func mix(h, v uint64) uint64 {
	h ^= v
	h *= 0x9e3779b97f4a7c15
	return h ^ h>>29
}

// walk looks at a tree and returns its hash, the hash of its last statement if
// it is a list, and what stands for it: itself, or a list of itself and of the
// statements that came out of it. The hash is that of what was there before;
// equal trees have equal hashes, before and after.
func (t *tailer) walk(n *ir.Node) (out *ir.Node, hash, last uint64) {
	f := t.f
	switch n.Op {
	case wasm.OpBlock:
		return t.block(n)
	case wasm.OpLoop:
		t.labels = append(t.labels, tailLabel{node: n, open: true, tries: t.tries})
		id := len(t.labels) - 1
		n.Imm = uint64(id + 1)
		k, h, _ := t.walk(n.Kids[0])
		n.Kids[0] = k
		t.labels[id].open = false
		h = mix(h, uint64(n.Op))
		return n, h, h
	case wasm.OpIf:
		return t.ifElse(n, 0)
	case wasm.OpTryTable:
		t.tries++
	}
	h := mix(uint64(n.Op), n.Imm)
	h = mix(h, n.Aux)
	for i, k := range n.Kids {
		k, kh, _ := t.walk(k)
		n.Kids[i] = k
		h = mix(h, kh)
		t.value = kh
	}
	if n.Op == wasm.OpTryTable {
		t.tries--
	}
	for i := range n.Kids {
		if n.Kids[i].IsUnreachable() {
			f.Retype(n)
		}
	}
	return n, h, h
}

// block looks at a block.
func (t *tailer) block(n *ir.Node) (out *ir.Node, hash, last uint64) {
	id := -1
	if n.Refs > 0 {
		t.labels = append(t.labels, tailLabel{node: n, open: true, tries: t.tries})
		id = len(t.labels) - 1
		n.Imm = uint64(id + 1)
	}
	last = t.kids(n)
	hash = mix(t.value, uint64(n.Op))
	if id < 0 {
		return n, hash, last
	}
	t.labels[id].open = false
	if x, h := t.ends(n, id, last); x != nil {
		return x, mix(hash, 1), h
	}
	return n, hash, hash
}

// kids looks at the statements of a block and returns the hash of the last.
// t.value is the hash of all.
func (t *tailer) kids(n *ir.Node) (last uint64) {
	all := uint64(len(n.Kids))
	// Statements that came out of a construct follow it in the list. Other lists
	// stay what they are: sites point to them.
	var longer []*ir.Node
	var value, before uint64
	for i, k := range n.Kids {
		out, h, l := k, uint64(0), uint64(0)
		before = last
		if k.Op == wasm.OpIf && len(n.Kids) == 1 && n.Refs > 0 && n != t.f.Body {
			out, h, l = t.ifElse(k, 3)
		} else {
			out, h, l = t.walk(k)
		}
		value = t.value
		if out != k && longer == nil {
			longer = append(make([]*ir.Node, 0, len(n.Kids)+8), n.Kids[:i]...)
		}
		switch {
		case out != k:
			longer = append(longer, out.Kids...)
		case longer != nil:
			longer = append(longer, k)
		}
		all = mix(all, h)
		last = l
	}
	t.value = all
	if longer != nil {
		n.Kids = longer
	}
	if len(n.Kids) == 0 {
		return 0
	}
	// A list that ends with a branch is the end of a path.
	end := n.Kids[len(n.Kids)-1]
	if len(end.Kids) == 1 {
		before = value
	} else if len(n.Kids) == 1 {
		return last
	}
	switch end.Op {
	case wasm.OpReturn, wasm.OpUnreachable:
		t.sites = append(t.sites, tailSite{list: n, hash: before, tries: t.tries, op: end.Op})
		t.leaves = append(t.leaves, len(t.sites)-1)
	case wasm.OpBr:
		l := &t.labels[end.Target.Imm-1]
		if l.node.Op == wasm.OpBlock {
			t.sites = append(t.sites, tailSite{list: n, hash: before, tries: t.tries, op: end.Op, prev: l.last})
			l.last = len(t.sites)
			l.sites++
		}
	}
	return last
}

// tailEnd is a list with the branch at its end, if there is one.
type tailEnd struct {
	list   *ir.Node
	branch bool
	value  bool // the branch brings a value
}

// at is the i-th statement from the end, nil before the first. The value that a
// branch brings is the statement before it.
func (e tailEnd) at(i int) *ir.Node {
	n := len(e.list.Kids) - 1
	if e.value {
		if i == 0 {
			return e.list.Kids[n].Kids[0]
		}
		i--
	}
	if e.branch {
		n--
	}
	if n-i < 0 {
		return nil
	}
	return e.list.Kids[n-i]
}

// cut takes off the last statements.
func (e tailEnd) cut(count int) {
	k := e.list.Kids
	if !e.branch {
		e.list.Kids = k[:len(k)-count]
		return
	}
	br := k[len(k)-1]
	if e.value {
		br.Kids = nil
		count--
	}
	k = k[:len(k)-count]
	k[len(k)-1] = br
	e.list.Kids = k
}

// common is how many statements all ends have in common, at most max.
func (t *tailer) common(ends []tailEnd, max int) int {
	for i := 0; i < max; i++ {
		x := ends[0].at(i)
		if x == nil || !t.visible(x) {
			return i
		}
		for _, e := range ends[1:] {
			y := e.at(i)
			if y == nil || !sameTree(x, y) {
				return i
			}
		}
	}
	return max
}

// tailLength bounds how many statements are merged at once.
const tailLength = 16

// visible reports whether the labels that a tree names, other than its own, are
// open, so that it can be moved to where the walk is.
func (t *tailer) visible(n *ir.Node) bool {
	if n.Op == wasm.OpBlock || n.Op == wasm.OpLoop {
		if n.Imm > 0 {
			l := &t.labels[n.Imm-1]
			was := l.open
			l.open = true
			defer func() { l.open = was }()
		}
	}
	ok := func(l *ir.Node) bool { return l == t.f.Body || l.Imm > 0 && t.labels[l.Imm-1].open }
	if n.Target != nil && !ok(n.Target) {
		return false
	}
	for i := range n.Targets {
		if !ok(n.Targets[i].Label) {
			return false
		}
	}
	for _, k := range n.Kids {
		if !t.visible(k) {
			return false
		}
	}
	return true
}

// merge takes the last statements off the ends and returns them.
func (t *tailer) merge(ends []tailEnd, count int) []*ir.Node {
	t.changed = true
	x := make([]*ir.Node, count)
	for i := range x {
		x[count-1-i] = ends[0].at(i)
	}
	for _, e := range ends[1:] {
		for i := range count {
			t.discard(e.at(i))
		}
	}
	for _, e := range ends {
		e.cut(count)
	}
	return x
}

// discard takes note that a tree is thrown away.
func (t *tailer) discard(n *ir.Node) {
	ir.Discard(n)
	t.spoil(n)
}

func (t *tailer) spoil(n *ir.Node) {
	if n.Target != nil && n.Target.Imm > 0 {
		t.labels[n.Target.Imm-1].spoiled = true
	}
	for i := range n.Targets {
		if l := n.Targets[i].Label; l.Imm > 0 {
			t.labels[l.Imm-1].spoiled = true
		}
	}
	if n.Op == wasm.OpReturn || n.Op == wasm.OpUnreachable {
		t.stale = true
	}
	for _, k := range n.Kids {
		t.spoil(k)
	}
}

// ifElse looks at an if. What is merged must have more bytes than least.
func (t *tailer) ifElse(n *ir.Node, least int) (out *ir.Node, hash, last uint64) {
	f := t.f
	var h, lasts [3]uint64
	for i, k := range n.Kids {
		if i > 0 && (k.Op == wasm.OpReturn || k.Op == wasm.OpBr) && len(k.Kids) == 1 {
			k = f.Block(k) // a list, so that it can be a site
		}
		n.Kids[i], h[i], lasts[i] = t.walk(k)
	}
	hash = mix(mix(mix(h[0], h[1]), h[2]), uint64(n.Op)<<8|uint64(len(n.Kids)))
	if len(n.Kids) < 3 || lasts[1] != lasts[2] || n.Kids[1].IsUnreachable() || n.Kids[2].IsUnreachable() || isRef(n.Type) {
		return n, hash, hash
	}
	for i := 1; i < 3; i++ {
		if k := n.Kids[i]; k.Op != wasm.OpBlock || k.Refs > 0 {
			n.Kids[i] = f.Node(wasm.OpBlock, k.Type, k)
		}
	}
	ends := [2]tailEnd{{list: n.Kids[1]}, {list: n.Kids[2]}}
	count := t.common(ends[:], tailLength)
	size := 0
	for i := range count {
		size += f.Size(ends[0].at(i))
	}
	if count == 0 || size <= least {
		return n, hash, hash
	}
	x := t.merge(ends[:], count)
	f.Retype(n.Kids[1])
	f.Retype(n.Kids[2])
	f.Retype(n)
	out = f.Block(append([]*ir.Node{n}, x...)...)
	return out, mix(hash, 1), lasts[1]
}

// ends merges what all paths to the end of a block end with. It returns nil if
// there is nothing.
func (t *tailer) ends(n *ir.Node, id int, last uint64) (out *ir.Node, hash uint64) {
	f := t.f
	l := &t.labels[id]
	if l.spoiled || l.sites != int(n.Refs) || isRef(n.Result) || len(n.Kids) == 0 {
		return nil, 0
	}
	hash = last
	falls := !n.Kids[len(n.Kids)-1].IsUnreachable()
	if !falls {
		hash = t.sites[l.last-1].hash
	}
	var ends []tailEnd
	for i := l.last; i > 0; i = t.sites[i-1].prev {
		s := &t.sites[i-1]
		if s.hash != hash || s.tries != l.tries {
			return nil, 0
		}
	}
	for i := l.last; i > 0; i = t.sites[i-1].prev {
		ends = append(ends, tailEnd{list: t.sites[i-1].list, branch: true, value: n.Result.Kind != ir.KindNone})
	}
	if falls {
		ends = append(ends, tailEnd{list: n})
	}
	if len(ends) < 2 {
		return nil, 0
	}
	slices.Reverse(ends)
	count := t.common(ends, tailLength)
	if count == 0 {
		return nil, 0
	}
	x := t.merge(ends, count)
	n.Result = ir.None
	f.Retype(n)
	return f.Block(append([]*ir.Node{n}, x...)...), hash
}

// leave merges what paths that leave the function end with. last is the hash of
// the function's last statement.
func (t *tailer) leave(last uint64) {
	f := t.f
	body := f.Body
	if len(body.Kids) == 0 {
		return
	}
	falls := !body.Kids[len(body.Kids)-1].IsUnreachable()
	slices.SortStableFunc(t.leaves, func(a, b int) int {
		x, y := &t.sites[a], &t.sites[b]
		return cmp.Or(cmp.Compare(x.op, y.op), cmp.Compare(x.hash, y.hash), cmp.Compare(a, b))
	})
	var best []tailEnd
	gain, count := 0, 0
	for i := 0; i < len(t.leaves); {
		first := &t.sites[t.leaves[i]]
		var ends []tailEnd
		for ; i < len(t.leaves); i++ {
			s := &t.sites[t.leaves[i]]
			if s.op != first.op || s.hash != first.hash {
				break
			}
			e := tailEnd{list: s.list, branch: true, value: s.op == wasm.OpReturn && f.Result.Kind != ir.KindNone}
			if s.tries == 0 && e.at(0) != nil && (len(ends) == 0 || sameTree(ends[0].at(0), e.at(0))) {
				ends = append(ends, e)
			}
		}
		sites := len(ends)
		if first.op == wasm.OpReturn && falls && last == first.hash && sites > 0 {
			if e := (tailEnd{list: body}); sameTree(ends[0].at(0), e.at(0)) {
				ends = append(ends, e)
			}
		}
		if len(ends) < 2 {
			continue
		}
		size := 0
		for n, all := 1, t.common(ends, tailLength); n <= all; n++ {
			size += f.Size(ends[0].at(n - 1))
			// A site is br $m instead of the statements and return. The block,
			// the statements and, for a trap, unreachable are new.
			g := sites*(size-1) - 3 - size
			if len(ends) > sites {
				g += size
			} else if falls {
				g-- // return
			}
			if first.op == wasm.OpUnreachable {
				g--
			}
			if g > gain {
				best, gain, count = ends, g, n
			}
		}
	}
	if best == nil {
		return
	}
	op := wasm.OpReturn
	value := body.Kids[len(body.Kids)-1]
	for _, e := range best {
		if e.branch {
			op = e.list.Kids[len(e.list.Kids)-1].Op
		}
	}
	merged := !best[len(best)-1].branch
	x := t.merge(best, count)
	m := f.Node(wasm.OpBlock, ir.None)
	for _, e := range best {
		if e.branch {
			br := e.list.Kids[len(e.list.Kids)-1]
			br.Op, br.Target, br.Type = wasm.OpBr, m, ir.Unreachable
			br.Kids = nil
			m.Refs++
		}
	}
	m.Kids = body.Kids
	if falls && !merged {
		// What comes to the end of the function must not run into x.
		ret := f.Node(wasm.OpReturn, ir.Unreachable)
		if f.Result.Kind != ir.KindNone {
			ret.Kids = []*ir.Node{value}
			m.Kids = append(m.Kids[:len(m.Kids)-1:len(m.Kids)-1], ret)
		} else {
			m.Kids = append(m.Kids[:len(m.Kids):len(m.Kids)], ret)
		}
	}
	body.Kids = append([]*ir.Node{m}, x...)
	if op == wasm.OpUnreachable {
		body.Kids = append(body.Kids, f.Trap())
	}
	t.changed = true
}

// sameTree reports whether two trees do the same: the same instructions, with
// branches to the same labels, or to corresponding ones of their own.
func sameTree(a, b *ir.Node) bool {
	var own [][2]*ir.Node
	return sameIn(a, b, &own)
}

func sameIn(a, b *ir.Node, own *[][2]*ir.Node) bool {
	label := a.Op == wasm.OpBlock || a.Op == wasm.OpLoop
	if a.Op != b.Op || a.Type != b.Type || a.Result != b.Result || a.Aux != b.Aux || !label && a.Imm != b.Imm ||
		len(a.Kids) != len(b.Kids) || len(a.Targets) != len(b.Targets) {
		return false
	}
	if !sameLabel(a.Target, b.Target, *own) {
		return false
	}
	for i := range a.Targets {
		x, y := &a.Targets[i], &b.Targets[i]
		if x.Kind != y.Kind || x.Tag != y.Tag || !sameLabel(x.Label, y.Label, *own) {
			return false
		}
	}
	if label {
		*own = append(*own, [2]*ir.Node{a, b})
		defer func() { *own = (*own)[:len(*own)-1] }()
	}
	for i := range a.Kids {
		if !sameIn(a.Kids[i], b.Kids[i], own) {
			return false
		}
	}
	return true
}

func sameLabel(a, b *ir.Node, own [][2]*ir.Node) bool {
	for i := len(own) - 1; i >= 0; i-- {
		if own[i][0] == a || own[i][1] == b {
			return own[i][0] == a && own[i][1] == b
		}
	}
	return a == b
}
