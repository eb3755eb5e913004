package opt

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/wbundle/wbundle/internal/ir"
	"github.com/wbundle/wbundle/internal/wasm"
)

// sound reports what is wrong with a tree that should be final: branches to
// what does not enclose them, counts that are off, nodes that are there twice.
func sound(f *ir.Func) error {
	open := map[*ir.Node]int32{}
	seen := map[*ir.Node]bool{}
	var err error
	fail := func(format string, args ...any) {
		if err == nil {
			err = fmt.Errorf(format, args...)
		}
	}
	var walk func(n *ir.Node)
	walk = func(n *ir.Node) {
		if seen[n] {
			fail("%s is there twice", n.Op)
			return
		}
		seen[n] = true
		name := func(l *ir.Node) {
			if _, ok := open[l]; !ok {
				fail("%s to what does not enclose it", n.Op)
			}
			open[l]++
		}
		if n.Target != nil {
			name(n.Target)
		}
		for i := range n.Targets() {
			name(n.Targets()[i].Label)
		}
		label := n.Op == wasm.OpBlock || n.Op == wasm.OpLoop
		if label {
			open[n] = 0
		}
		for _, k := range n.Kids {
			walk(k)
		}
		if label {
			if n.Refs != open[n] {
				fail("%s counts %d branches, of %d", n.Op, n.Refs, open[n])
			}
			delete(open, n)
		}
	}
	walk(f.Body)
	return err
}

// TestSound looks at the trees of random functions after every pass, so that
// the pass is named that left a tree behind that is not sound: all passes after
// one another, and each alone.
func TestSound(t *testing.T) {
	lists := [][]functionPass{functionList}
	for _, p := range functionList {
		lists = append(lists, []functionPass{p})
	}
	for i, list := range lists {
		for _, level := range []Level{Size, Speed} {
			for seed := range uint64(60) {
				name := "all"
				if i > 0 {
					name = list[0].name
				}
				t.Run(fmt.Sprintf("%s/%d/%d", name, level, seed), func(t *testing.T) { soundAfter(t, list, level, seed) })
			}
		}
	}
}

func soundAfter(t *testing.T, list []functionPass, level Level, seed uint64) {
	m, err := wasm.Decode("random", randomModule(seed, 12))
	if err != nil {
		t.Fatal(err)
	}
	s := &state{ctx: context.Background(), m: m, o: Options{Level: level}, c: ir.NewContext(m), changes: &Changes{}}
	a := &ir.Arena{}
	for i := range m.Code {
		a.Reset()
		f, err := ir.Decode(s.c, a, s.imported()+uint32(i))
		if errors.Is(err, ir.ErrNoTree) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		for round := range functionRounds {
			for _, p := range list {
				p.run(f, s)
				if err := sound(f); err != nil {
					t.Fatalf("function %d, round %d: %s left: %v", i, round, p.name, err)
				}
			}
		}
	}
}
