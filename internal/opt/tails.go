package opt

import (
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
//	Y            ->     ... br $m          the block; the same for some paths
//	                    Y return           to the end of a block, or to the
//	                  end                  head of a loop (tails_groups.go)
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
		for i := range t.sites {
			t.sites[i].list.Aux = 0
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
	// tries and depth are how many try_tables and labels were around it.
	tries, depth int
	last         int // index in tailer.sites, plus one, of the last of its sites
}

// tailSite is the end of a path: a list that ends with a branch to a label, or
// with what leaves the function.
type tailSite struct {
	list  *ir.Node // its Aux is one of the constants below
	hash  uint64   // of the statement before the branch, or of the value it brings
	tries int
	depth int
	prev  int // the site before for the same label, plus one
	op    wasm.Opcode
}

// What Aux of a block says while the pass runs.
const (
	tailDead   = 1 + iota // it was thrown away
	tailLeaves            // it is the list of a site that leaves the function
)

type tailer struct {
	f       *ir.Func
	labels  []tailLabel
	sites   []tailSite
	leaves  []int // the sites that leave the function
	tries   int
	depth   int
	deepest int // the largest depth
	changed bool
	leaving bool // the walk is over
	value   uint64
	ends    []tailEnd // scratch
}

var tailers = sync.Pool{New: func() any { return new(tailer) }}

// function looks at the whole function once, and reports whether it changed.
func (t *tailer) function() bool {
	was := t.changed
	t.changed, t.leaving, t.tries, t.depth, t.deepest, t.leaves = false, false, 0, 0, 0, t.leaves[:0]
	t.kids(t.f.Body)
	t.leaving = true
	t.leave()
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
		id := t.open(n)
		k, h, _ := t.walk(n.Kids[0])
		n.Kids[0] = k
		t.close(id)
		t.repeats(n, id)
		h = mix(h, uint64(n.Op))
		return n, h, h
	case wasm.OpIf:
		return t.ifElse(n, 0)
	case wasm.OpTryTable:
		t.tries++
		t.enter()
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
		t.depth--
	}
	for i := range n.Kids {
		if n.Kids[i].IsUnreachable() {
			f.Retype(n)
		}
	}
	return n, h, h
}

// enter takes note of a frame that begins.
func (t *tailer) enter() {
	t.depth++
	t.deepest = max(t.deepest, t.depth)
}

// open enters a label.
func (t *tailer) open(n *ir.Node) int {
	t.enter()
	t.labels = append(t.labels, tailLabel{node: n, open: true, tries: t.tries, depth: t.depth})
	n.Imm = uint64(len(t.labels))
	return len(t.labels) - 1
}

func (t *tailer) close(id int) {
	t.labels[id].open = false
	t.depth--
}

// block looks at a block.
func (t *tailer) block(n *ir.Node) (out *ir.Node, hash, last uint64) {
	id := -1
	if n.Refs > 0 {
		id = t.open(n)
	}
	last = t.kids(n)
	hash = mix(t.value, uint64(n.Op))
	if id < 0 {
		return n, hash, last
	}
	t.close(id)
	if x, h := t.all(n, id, last); x != nil {
		return x, mix(hash, 1), h
	}
	t.some(n, id, last)
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
	}
	site := tailSite{list: n, hash: before, tries: t.tries, depth: t.depth, op: end.Op}
	switch end.Op {
	case wasm.OpReturn, wasm.OpUnreachable, wasm.OpThrow, wasm.OpReturnCall, wasm.OpReturnCallIndirect:
		if len(n.Kids) > 1 || len(end.Kids) > 0 {
			n.Aux = tailLeaves
			t.sites = append(t.sites, site)
			t.leaves = append(t.leaves, len(t.sites)-1)
		}
	case wasm.OpBr:
		if len(n.Kids) > 1 || len(end.Kids) > 0 {
			l := &t.labels[end.Target.Imm-1]
			site.prev = l.last
			t.sites = append(t.sites, site)
			l.last = len(t.sites)
		}
	}
	return last
}

// tailEnd is a list with the branch at its end, if there is one.
type tailEnd struct {
	list   *ir.Node
	branch bool
	value  bool // the branch brings a value
	falls  bool // it is the end of the block, or of the function
	depth  int
	hash   uint64
	group  *tailGroup
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
// open, so that it can be moved to where the walk is. At the end of the function
// it must not hold the end of a path, which may go elsewhere.
func (t *tailer) visible(n *ir.Node) bool {
	if n.Op == wasm.OpBlock || n.Op == wasm.OpLoop {
		if t.leaving && n.Aux != 0 {
			return false
		}
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
	for i := range n.Targets() {
		if !ok(n.Targets()[i].Label) {
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
	bury(n)
}

// bury marks the lists of a tree.
func bury(n *ir.Node) {
	if n.Op == wasm.OpBlock {
		n.Aux = tailDead
	}
	for _, k := range n.Kids {
		bury(k)
	}
}

// ifElse looks at an if. What is merged must have more bytes than least: it is
// not 0 if the if has the label of the block around it.
func (t *tailer) ifElse(n *ir.Node, least int) (out *ir.Node, hash, last uint64) {
	f := t.f
	var h, lasts [3]uint64
	for i, k := range n.Kids {
		if i > 0 && (k.Op == wasm.OpReturn || k.Op == wasm.OpBr) && len(k.Kids) == 1 {
			k = f.Block(k) // a list, so that it can be a site
		}
		if i == 1 && least == 0 {
			t.enter()
		}
		n.Kids[i], h[i], lasts[i] = t.walk(k)
	}
	if least == 0 {
		t.depth--
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

// all merges what all paths to the end of a block end with. It returns nil if
// there is nothing.
func (t *tailer) all(n *ir.Node, id int, last uint64) (out *ir.Node, hash uint64) {
	f := t.f
	l := &t.labels[id]
	if isRef(n.Result) || len(n.Kids) == 0 {
		return nil, 0
	}
	hash = last
	falls := !n.Kids[len(n.Kids)-1].IsUnreachable()
	sites := 0
	for i := l.last; i > 0; i = t.sites[i-1].prev {
		s := &t.sites[i-1]
		if s.list.Aux == tailDead {
			continue
		}
		if !falls && sites == 0 {
			hash = s.hash
		}
		if s.hash != hash || s.tries != l.tries {
			return nil, 0
		}
		sites++
	}
	if sites != int(n.Refs) {
		return nil, 0
	}
	var ends []tailEnd
	for i := l.last; i > 0; i = t.sites[i-1].prev {
		if s := &t.sites[i-1]; s.list.Aux != tailDead {
			ends = append(ends, tailEnd{list: s.list, branch: true, value: n.Result.Kind != ir.KindNone})
		}
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

// sameTree reports whether two trees do the same: the same instructions, with
// branches to the same labels, or to corresponding ones of their own.
func sameTree(a, b *ir.Node) bool {
	var own [][2]*ir.Node
	return sameIn(a, b, &own)
}

func sameIn(a, b *ir.Node, own *[][2]*ir.Node) bool {
	label := a.Op == wasm.OpBlock || a.Op == wasm.OpLoop
	if a.Op != b.Op || a.Type != b.Type || a.Result != b.Result || a.Aux != b.Aux || !label && a.Imm != b.Imm ||
		len(a.Kids) != len(b.Kids) || len(a.Targets()) != len(b.Targets()) {
		return false
	}
	if !sameLabel(a.Target, b.Target, *own) {
		return false
	}
	for i := range a.Targets() {
		x, y := &a.Targets()[i], &b.Targets()[i]
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
