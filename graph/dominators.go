package graph

// Dominators returns the immediate dominator of every node of a flow graph
// with n nodes, numbered from 0: the last node before it that every path from
// root goes through. That of root, and of nodes that root does not reach, is
// -1. If d is the immediate dominator of v, then without d there is no v; so
// what a node keeps alone is its subtree in the tree of dominators.
//
// succ calls visit with the successors of a node, always in the same order.
// The algorithm is Semi-NCA (L. Georgiadis, "Linear-Time Algorithms for
// Dominators and Related Problems", 2005): semidominators as Lengauer and
// Tarjan find them, with path compression, and then the nearest common
// ancestor in the tree made so far. O(n + e log n), without recursion: call
// graphs are as deep as programs are long.
func Dominators(n, root int, succ func(node int, visit func(to int))) []int {
	const none = -1
	idom := make([]int, n)
	for i := range idom {
		idom[i] = none
	}
	d := spanning(n, root, succ)
	count := len(d.order)

	// From here on nodes are numbers of the depth-first search, so that a
	// smaller number is never below a larger one.
	semi := make([]int, count)
	label := make([]int, count)
	ancestor := make([]int, count)
	dom := make([]int, count)
	for i := range count {
		semi[i], label[i], ancestor[i] = i, i, none
		dom[i] = d.parent[i]
	}
	var path []int
	// eval returns the node with the least semidominator between v and the
	// root of its tree in the forest of linked nodes.
	eval := func(v int) int {
		if ancestor[v] == none {
			return v
		}
		path = path[:0]
		for u := v; ancestor[ancestor[u]] != none; u = ancestor[u] {
			path = append(path, u)
		}
		for i := len(path) - 1; i >= 0; i-- {
			u, a := path[i], ancestor[path[i]]
			if semi[label[a]] < semi[label[u]] {
				label[u] = label[a]
			}
			ancestor[u] = ancestor[a]
		}
		return label[v]
	}
	for w := count - 1; w > 0; w-- {
		for _, v := range d.preds[d.predStart[w]:d.predStart[w+1]] {
			if s := semi[eval(v)]; s < semi[w] {
				semi[w] = s
			}
		}
		ancestor[w] = d.parent[w]
	}
	for w := 1; w < count; w++ {
		for dom[w] > semi[w] {
			dom[w] = dom[dom[w]]
		}
		idom[d.order[w]] = d.order[dom[w]]
	}
	return idom
}

// spanningTree is a depth-first search: nodes by number, the parents and
// predecessors of numbers.
type spanningTree struct {
	order     []int
	parent    []int
	preds     []int
	predStart []int // of number i: preds[predStart[i]:predStart[i+1]]
}

func spanning(n, root int, succ func(node int, visit func(to int))) *spanningTree {
	d := &spanningTree{}
	number := make([]int, n)
	for i := range number {
		number[i] = -1
	}
	type edge struct{ from, to int }
	var edges []edge // from: a number; to: a node
	// A frame is a node that was numbered, and its successors that are left:
	// todo[frame.lo:] up to the next frame's.
	type frame struct{ number, lo int }
	var stack []frame
	var todo []int
	enter := func(node, parent int) {
		number[node] = len(d.order)
		stack = append(stack, frame{number[node], len(todo)})
		d.order = append(d.order, node)
		d.parent = append(d.parent, parent)
		lo := len(todo)
		succ(node, func(to int) {
			edges = append(edges, edge{number[node], to})
			todo = append(todo, to)
		})
		// The first successor is visited first, so it comes last.
		for i, j := lo, len(todo)-1; i < j; i, j = i+1, j-1 {
			todo[i], todo[j] = todo[j], todo[i]
		}
	}
	enter(root, -1)
	for len(stack) > 0 {
		f := stack[len(stack)-1]
		if len(todo) == f.lo {
			stack = stack[:len(stack)-1]
			continue
		}
		to := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if number[to] < 0 {
			enter(to, f.number)
		}
	}
	d.predStart = make([]int, len(d.order)+2)
	for _, e := range edges {
		d.predStart[number[e.to]+2]++
	}
	for i := 2; i < len(d.predStart); i++ {
		d.predStart[i] += d.predStart[i-1]
	}
	d.preds = make([]int, len(edges))
	for _, e := range edges {
		at := &d.predStart[number[e.to]+1]
		d.preds[*at] = e.from
		*at++
	}
	return d
}
