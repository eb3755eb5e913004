package graph_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/wbundle/wbundle/graph"
)

func successors(g [][]int) func(int, func(int)) {
	return func(v int, visit func(int)) {
		for _, to := range g[v] {
			visit(to)
		}
	}
}

func TestDominators(t *testing.T) {
	for _, tt := range []struct {
		name string
		g    [][]int
		want []int
	}{
		{"one", [][]int{{}}, []int{-1}},
		{"loop on itself", [][]int{{0}}, []int{-1}},
		{"chain", [][]int{{1}, {2}, {}}, []int{-1, 0, 1}},
		{"diamond", [][]int{{1, 2}, {3}, {3}, {}}, []int{-1, 0, 0, 0}},
		{"not reached", [][]int{{1}, {}, {1}}, []int{-1, 0, -1}},
		{"irreducible", [][]int{{1, 2}, {2}, {1, 3}, {}}, []int{-1, 0, 0, 2}},
		{"back edge", [][]int{{1}, {2}, {1, 3}, {0}}, []int{-1, 0, 1, 2}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := graph.Dominators(len(tt.g), 0, successors(tt.g)); !slices.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

// reach is what root reaches without going through a node.
func reach(g [][]int, without int) []bool {
	seen := make([]bool, len(g))
	if without == 0 {
		return seen
	}
	work := []int{0}
	seen[0] = true
	for len(work) > 0 {
		v := work[len(work)-1]
		work = work[:len(work)-1]
		for _, to := range g[v] {
			if to != without && !seen[to] {
				seen[to] = true
				work = append(work, to)
			}
		}
	}
	return seen
}

// TestDominatorsProperty compares with the definition: d dominates v if v is
// not reached without d, and the immediate dominator is the one that all
// others dominate.
func TestDominatorsProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 12).Draw(t, "n")
		g := make([][]int, n)
		for v := range g {
			g[v] = rapid.SliceOfN(rapid.IntRange(0, n-1), 0, 4).Draw(t, "successors")
		}
		all := reach(g, -1)
		without := make([][]bool, n)
		for d := range n {
			without[d] = reach(g, d)
		}
		got := graph.Dominators(n, 0, successors(g))
		for v := range n {
			want := -1
			for d := range n {
				if v == 0 || d == v || !all[v] || without[d][v] {
					continue // d does not strictly dominate v
				}
				if want < 0 || !without[want][d] {
					want = d // every other dominator found so far dominates d
				}
			}
			if got[v] != want {
				t.Fatalf("the immediate dominator of %d is %d, want %d in %v", v, got[v], want, g)
			}
		}
	})
}
