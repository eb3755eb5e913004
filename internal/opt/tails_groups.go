package opt

import (
	"cmp"
	"slices"

	"github.com/wbundle/wbundle/internal/ir"
	"github.com/wbundle/wbundle/internal/wasm"
)

// The part of tails for what some paths end with, and others do not: it takes a
// block, so that the others go past it.
//
//	block $b                  block $b
//	  ... X br $b               block $m
//	  ... X br $b                 ... br $m
//	  ... br $b       ->          ... br $m
//	  ...                         ... br $b
//	end                           ...
//	                              br $b
//	                            end
//	                            X
//	                          end
//
// The ends of the paths to one place make a trie, from the last statement to
// those before. A node of it becomes a block if the statements that it saves are
// worth more than the block and the branches that are new (group.gain). Blocks
// of one trie are within each other, the one of the longest statements inside:
// its end is where the next one's statements begin.
//
// There are three such places: the end of a block, the head of a loop, and where
// the function is left, where X ends with what leaves it.

// tailRoot is where paths meet.
type tailRoot struct {
	tailGroup
	node  *ir.Node // the block, the loop, or the function's body
	depth int      // of its frame
	// falls says that a path comes to the end of the block without a branch, and
	// no group has taken it.
	falls bool
	wide  bool // the block has had its label for nothing so far
	// crossing has how many branches of 127 labels' depth, and of less, would
	// have to count one label more. It is made when it is needed.
	crossing *[64]int
	groups   int
}

// tailGroup is a node of the trie that becomes a block.
type tailGroup struct {
	ends   []tailEnd
	count  int // statements, with those of the groups around it
	size   int // their bytes
	falls  bool
	label  *ir.Node
	x      []*ir.Node // its own statements
	groups []*tailGroup
}

// some merges what some paths to the end of a block end with.
func (t *tailer) some(n *ir.Node, id int, last uint64) {
	l := &t.labels[id]
	if l.last == 0 || isRef(n.Result) || len(n.Kids) == 0 {
		return
	}
	value := n.Result.Kind != ir.KindNone
	ends := t.sitesOf(l, value)
	r := tailRoot{node: n, depth: l.depth, falls: !n.Kids[len(n.Kids)-1].IsUnreachable()}
	if r.falls {
		ends = append(ends, tailEnd{list: n, hash: last, falls: true, depth: t.depth + 1})
		r.wide = len(n.Kids) == 1 && (n.Kids[0].Op == wasm.OpIf || n.Kids[0].Op == wasm.OpTryTable)
	}
	t.ends = ends
	if !t.plan(&r, ends) {
		return
	}
	inner := n.Kids
	if !r.falls && ends[len(ends)-1].falls {
		inner = t.toGroup(inner, &ends[len(ends)-1])
	} else if r.falls {
		inner = t.branch(inner, n, value)
	}
	n.Kids = t.emit(&r.tailGroup, inner, func(list []*ir.Node, last bool) []*ir.Node {
		if last {
			return list
		}
		return t.branch(list, n, value)
	})
	t.moved(n, r.innermost())
	t.f.Retype(n)
}

// repeats merges what some branches to a loop have before them.
func (t *tailer) repeats(n *ir.Node, id int) {
	l := &t.labels[id]
	if l.last == 0 || !n.Kids[0].IsUnreachable() {
		return
	}
	r := tailRoot{node: n, depth: l.depth}
	t.ends = t.sitesOf(l, false)
	if !t.plan(&r, t.ends) {
		return
	}
	body := n.Kids[0]
	inner := []*ir.Node{body}
	if body.Op == wasm.OpBlock && body.Refs == 0 {
		inner = body.Kids
		t.moved(body, r.innermost())
	}
	n.Kids[0] = t.f.Block(t.emit(&r.tailGroup, inner, func(list []*ir.Node, _ bool) []*ir.Node {
		return t.branch(list, n, false)
	})...)
	t.f.Retype(n)
}

// leave merges what some paths that leave the function end with.
func (t *tailer) leave() {
	f := t.f
	body := f.Body
	if len(body.Kids) == 0 {
		return
	}
	last := body.Kids[len(body.Kids)-1]
	falls := !last.IsUnreachable()
	if falls {
		if len(t.leaves) == 0 {
			return
		}
		// Only while the ends are looked at: all of them return.
		kids := slices.Clone(body.Kids)
		ret := f.Node(wasm.OpReturn, ir.Unreachable)
		if f.Result.Kind != ir.KindNone {
			ret.Kids = []*ir.Node{last}
			kids = kids[:len(kids)-1]
		}
		body.Kids = append(kids, ret)
	}
	ends := t.ends[:0]
	for _, i := range t.leaves {
		if s := &t.sites[i]; s.tries == 0 && s.list.Aux != tailDead {
			ends = append(ends, tailEnd{list: s.list, depth: s.depth, hash: treeHash(s.list.Kids[len(s.list.Kids)-1])})
		}
	}
	if falls {
		ends = append(ends, tailEnd{list: body, falls: true, hash: treeHash(body.Kids[len(body.Kids)-1])})
	}
	t.ends = ends
	r := tailRoot{node: body, falls: falls}
	planned := t.plan(&r, ends)
	if planned {
		inner := body.Kids
		if !r.falls && falls {
			inner = t.toGroup(inner, &ends[len(ends)-1])
		}
		body.Kids = t.emit(&r.tailGroup, inner, func(list []*ir.Node, _ bool) []*ir.Node { return list })
	}
	if ret := body.Kids[len(body.Kids)-1]; ret.Op == wasm.OpReturn && (falls || planned) {
		body.Kids = append(body.Kids[:len(body.Kids)-1], ret.Kids...)
	}
}

// sitesOf are the ends of the branches to a label.
func (t *tailer) sitesOf(l *tailLabel, value bool) []tailEnd {
	ends := t.ends[:0]
	for i := l.last; i > 0; i = t.sites[i-1].prev {
		if s := &t.sites[i-1]; s.tries == l.tries && s.list.Aux != tailDead {
			ends = append(ends, tailEnd{list: s.list, branch: true, value: value, depth: s.depth, hash: s.hash})
		}
	}
	slices.Reverse(ends)
	return ends
}

// plan finds the groups and takes their statements off the ends. It reports
// whether there are any.
func (t *tailer) plan(r *tailRoot, ends []tailEnd) bool {
	if len(ends) < 2 {
		return false
	}
	index := make([]int, len(ends))
	for i := range index {
		index[i] = i
	}
	t.classes(r, &r.tailGroup, ends, index, 0)
	if r.groups == 0 {
		return false
	}
	t.changed = true
	t.take(&r.tailGroup)
	for i := range ends {
		e := &ends[i]
		if e.group == nil {
			continue
		}
		br := (*ir.Node)(nil)
		if e.branch {
			br = e.list.Kids[len(e.list.Kids)-1]
			br.Target.Refs--
		}
		e.cut(e.group.count)
		switch {
		case e.branch:
			br.Target = e.group.label
			e.group.label.Refs++
		case !e.falls:
			e.list.Kids = t.branch(e.list.Kids, e.group.label, false)
		}
	}
	return true
}

// classes finds groups among ends, by index, that have count statements in
// common: by the statement before those.
func (t *tailer) classes(r *tailRoot, around *tailGroup, ends []tailEnd, index []int, count int) {
	slices.SortStableFunc(index, func(a, b int) int { return cmp.Compare(ends[a].hash, ends[b].hash) })
	for lo := 0; lo < len(index); {
		hi := lo + 1
		for hi < len(index) && ends[index[hi]].hash == ends[index[lo]].hash {
			hi++
		}
		class := index[lo:hi]
		lo = hi
		if len(class) < 2 {
			continue
		}
		var same []tailEnd
		var at []int
		var x *ir.Node
		for _, i := range class {
			y := ends[i].at(count)
			switch {
			case y == nil, y.IsUnreachable() && ends[i].branch:
				continue
			case x == nil:
				x = y
			case !sameTree(x, y):
				continue
			}
			same, at = append(same, ends[i]), append(at, i)
		}
		if len(same) < 2 {
			continue
		}
		if n := t.common(same, tailLength); n > count {
			t.class(r, around, ends, same, at, n)
		}
	}
}

// class looks at ends that have count statements in common and no more.
func (t *tailer) class(r *tailRoot, around *tailGroup, ends, same []tailEnd, at []int, count int) {
	g := &tailGroup{ends: same, count: count, falls: same[len(same)-1].falls}
	for i := range count {
		g.size += t.f.Size(same[0].at(i))
	}
	if t.gain(r, around, g) > 0 {
		g.label = t.f.Node(wasm.OpBlock, ir.None)
		for _, i := range at {
			ends[i].group = g
		}
		if g.falls {
			r.falls = false
			around.groups = slices.Insert(around.groups, 0, g)
		} else {
			around.groups = append(around.groups, g)
		}
		r.groups++
		around = g
	}
	if count == tailLength {
		return
	}
	next := at[:0:len(at)]
	for _, i := range at {
		if x := ends[i].at(count); x != nil {
			ends[i].hash = treeHash(x)
			next = append(next, i)
		}
	}
	if len(next) > 1 {
		t.classes(r, around, ends, next, count)
	}
}

// gain is how many bytes less there are with a group than without it.
func (t *tailer) gain(r *tailRoot, around, g *tailGroup) int {
	gain := (len(g.ends)-1)*(g.size-around.size) - 3
	if gain <= 0 {
		return gain
	}
	first := r.groups == 0
	if len(around.groups) > 0 && (around != &r.tailGroup || r.node.Op == wasm.OpBlock && r.node != t.f.Body) {
		gain -= 2 // past the statements of another group
	}
	if around == &r.tailGroup {
		switch {
		case r.node == t.f.Body:
			// A branch instead of what left the function; return is not needed at
			// the end.
			for i := range g.ends {
				if e := &g.ends[i]; !e.falls {
					gain -= 1 + sizeUnsigned(uint64(e.depth+r.groups))
				}
			}
			if first && g.ends[0].at(0).Op == wasm.OpReturn {
				gain++
			}
			if first && r.falls {
				gain--
			}
		case r.node.Op == wasm.OpLoop:
			gain -= 2
		default:
			if first && r.falls && !g.falls {
				gain -= 2
				if r.wide {
					gain -= 3
				}
			}
		}
	}
	if gain > 0 && t.deepest-r.depth >= 127-r.groups {
		if r.crossing == nil {
			r.crossing = new([64]int)
			for _, k := range r.node.Kids {
				t.cross(k, r.depth, r)
			}
		}
		gain -= r.crossing[min(r.groups, 63)]
	}
	return gain
}

// cross counts the branches of a tree, in a frame of some depth, that leave the
// root or lead to its end, and are nearly too deep for one byte.
func (t *tailer) cross(n *ir.Node, depth int, r *tailRoot) {
	to := func(l *ir.Node) {
		at := 0
		if l != t.f.Body {
			if l.Imm == 0 {
				return // it was made within
			}
			at = t.labels[l.Imm-1].depth
		}
		if d := depth - at; at <= r.depth && d > 63 && d < 128 {
			r.crossing[127-d]++
		}
	}
	if n.Target != nil {
		to(n.Target)
	}
	for i := range n.Targets() {
		to(n.Targets()[i].Label)
	}
	if n.Op == wasm.OpIf {
		t.cross(n.Kids[0], depth, r)
		for _, k := range n.Kids[1:] {
			t.cross(k, depth+1, r)
		}
		return
	}
	if n.Op == wasm.OpLoop || n.Op == wasm.OpTryTable || n.Op == wasm.OpBlock && n.Refs > 0 && (len(n.Kids) != 1 || n.Kids[0].Op != wasm.OpIf) {
		depth++
	}
	for _, k := range n.Kids {
		t.cross(k, depth, r)
	}
}

// take takes the statements of the groups within g from one of the ends each.
func (t *tailer) take(g *tailGroup) {
	for _, c := range g.groups {
		for i := c.count - 1; i >= g.count; i-- {
			c.x = append(c.x, c.ends[0].at(i))
			for _, e := range c.ends[1:] {
				t.discard(e.at(i))
			}
		}
		t.take(c)
	}
}

// emit puts the groups within g, the root or another one, behind inner, which is
// never left at its end. join puts behind a list, which may be the last, what
// leads from there to where g is.
func (t *tailer) emit(g *tailGroup, inner []*ir.Node, join func(list []*ir.Node, last bool) []*ir.Node) []*ir.Node {
	for i, c := range g.groups {
		inner = t.emit(c, inner, func(list []*ir.Node, last bool) []*ir.Node {
			if last {
				return list
			}
			return t.branch(list, c.label, false)
		})
		if end := inner[len(inner)-1]; end.Op == wasm.OpBr && end.Target == c.label {
			inner = inner[:len(inner)-1]
			c.label.Refs--
		}
		c.label.Kids = inner
		t.f.Retype(c.label)
		inner = join(append([]*ir.Node{c.label}, c.x...), i == len(g.groups)-1)
	}
	return inner
}

// branch puts a branch to l behind a list, the last of which may be its value.
func (t *tailer) branch(list []*ir.Node, l *ir.Node, value bool) []*ir.Node {
	br := t.f.Node(wasm.OpBr, ir.Unreachable)
	br.Target = l
	l.Refs++
	end := len(list)
	if value {
		end--
		br.Kids = []*ir.Node{list[end]}
	}
	return append(list[:end:end], br)
}

// toGroup puts the branch behind the list that had none.
func (t *tailer) toGroup(list []*ir.Node, e *tailEnd) []*ir.Node {
	return t.branch(list, e.group.label, false)
}

// innermost is the label that has what was there before.
func (r *tailRoot) innermost() *ir.Node {
	g := &r.tailGroup
	for len(g.groups) > 0 {
		g = g.groups[0]
	}
	return g.label
}

// moved takes note that the statements of a block are in another one now: if
// they are the end of a path, that is the site that was found last.
func (t *tailer) moved(from, to *ir.Node) {
	if len(t.sites) == 0 {
		return
	}
	if s := &t.sites[len(t.sites)-1]; s.list == from {
		s.list = to
		to.Aux, from.Aux = from.Aux, 0
	}
}

// treeHash is a hash of a tree; those that are the same have the same.
func treeHash(n *ir.Node) uint64 {
	h := mix(uint64(n.Op), n.Aux)
	if n.Op == wasm.OpBlock || n.Op == wasm.OpLoop {
		h = mix(0, uint64(n.Op))
	} else {
		h = mix(h, n.Imm)
	}
	for _, k := range n.Kids {
		h = mix(h, treeHash(k))
	}
	return h
}
