package report

import (
	"context"
	"os"
	"testing"

	"github.com/wbundle/wbundle/linker"
)

// TestGoesWith compares with the definition: an item goes with an input if it
// cannot be reached without going through what belongs to the input.
func TestGoesWith(t *testing.T) {
	var in []linker.Input
	ids := []string{"root", "middle", "leaf"}
	for _, id := range ids {
		b, err := os.ReadFile("../../fixtures/chain/" + id + ".wasm")
		if err != nil {
			t.Fatal(err)
		}
		in = append(in, linker.Input{ID: id, Bytes: b})
	}
	r, err := linker.Link(context.Background(), in, linker.Options{})
	if err != nil {
		t.Fatal(err)
	}
	a, err := NewAccount(r.Output, AccountOptions{Path: "chain.wasm", Origins: r.Origins, Inputs: r.Summary.Inputs})
	if err != nil {
		t.Fatal(err)
	}
	goes := a.goesWith(ids)
	for k, id := range ids {
		belongs := func(v int) bool {
			i := a.itemOf[v]
			// The components have the names of their inputs.
			return i >= 0 && (a.Items[i].Input == id || a.Items[i].Callee == id)
		}
		reached := make([]bool, len(a.reach.items))
		reached[0] = true
		work := []int{0}
		for len(work) > 0 {
			v := work[len(work)-1]
			work = work[:len(work)-1]
			for _, e := range a.reach.edges[v] {
				if !reached[e.to] && !belongs(e.to) {
					reached[e.to] = true
					work = append(work, e.to)
				}
			}
		}
		want := make([]bool, len(a.Items))
		for v, i := range a.itemOf {
			if i >= 0 && !reached[v] && a.reach.keeper[v] >= 0 {
				want[i] = true
			}
		}
		n := 0
		for i := range a.Items {
			if want[i] {
				n++
			}
			if goes[i].has(k) != want[i] {
				t.Errorf("%s goes with %s: %v, want %v", a.Items[i].title(), id, goes[i].has(k), want[i])
			}
		}
		if n == 0 {
			t.Errorf("nothing goes with %s", id)
		}
	}
}
