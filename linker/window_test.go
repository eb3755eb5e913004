package linker_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wbundle/wbundle/linker"
)

// windows are two core modules with three memories, and every instruction
// that speaks of memories.
func windowInputs(t testing.TB) []linker.Input {
	t.Helper()
	dir := filepath.Join("testdata", "windows")
	return []linker.Input{input(t, dir, "app"), input(t, dir, "lib")}
}

// TestWindows checks that a window behaves as a memory of its own, except for
// single accesses between its size and the end of the one memory, which
// nothing stops without isolation; expected.tsv has none of those.
func TestWindows(t *testing.T) {
	t.Parallel()
	answers := readAnswers(t, filepath.Join("testdata", "windows", "expected.tsv"))
	inputs := windowInputs(t)
	single := link(t, inputs, linker.Options{Memory: linker.MemorySingle})
	runWazero(t, "single", single.Output, answers)
	w := newWasmtime(t)
	w.add("single", single.Output, answers)
	w.add("multi", link(t, inputs, linker.Options{Memory: linker.MemoryMulti}).Output, answers)
	w.run()
}

// TestWindowsLieApart checks the summary's windows: in order, without
// overlap, the root's last.
func TestWindowsLieApart(t *testing.T) {
	t.Parallel()
	for _, f := range []struct {
		name   string
		inputs []linker.Input
		opts   linker.Options
	}{
		{"windows", windowInputs(t), linker.Options{}},
		{"calc", fixtureNamed(t, "calc").load(t), linker.Options{}},
		{"chain", fixtureNamed(t, "chain").load(t), linker.Options{}},
	} {
		s := link(t, f.inputs, coreSingle.as(f.opts)).Summary
		if len(s.Windows) < 2 {
			t.Errorf("%s: windows %+v", f.name, s.Windows)
		}
		end := uint64(0)
		for _, w := range s.Windows {
			if w.Base != end {
				t.Errorf("%s: the window of %s begins at %#x, the one before it ends at %#x", f.name, w.Owner, w.Base, end)
			}
			if w.MinPages > w.MaxPages {
				t.Errorf("%s: %+v begins larger than it may grow", f.name, w)
			}
			end = w.Base + w.MaxPages<<16
		}
		if end >= 1<<32 {
			t.Errorf("%s: the windows end at %#x; the last page must stay out of bounds", f.name, end)
		}
		if len(s.Unprotected) < 2 {
			t.Errorf("%s: unprotected inputs are %v", f.name, s.Unprotected)
		}
	}
}

// TestMemoryLimit checks that a limit bounds the window of an input, by what
// memory.grow answers and by the summary.
func TestMemoryLimit(t *testing.T) {
	t.Parallel()
	inputs := windowInputs(t)
	limited := func(pages uint64) linker.Options {
		return linker.Options{Memory: linker.MemorySingle, MemoryLimit: map[string]uint64{"lib": pages << 16}}
	}
	for _, pages := range []uint64{1, 2, 3} {
		r := link(t, inputs, limited(pages))
		var answers []answer
		if pages > 1 {
			answers = append(answers, answer{fmt.Sprintf("lib-grow(%d); lib-size()", pages-1), fmt.Sprintf("1; %d", pages)})
		}
		answers = append(answers,
			answer{fmt.Sprintf("lib-grow(%d); lib-size()", pages), "-1; 1"},
			answer{"grow(10); size()", "1; 11"}, // the limit is lib's alone
		)
		runWazero(t, fmt.Sprintf("%d pages", pages), r.Output, answers)
		for _, w := range r.Summary.Windows {
			if strings.HasPrefix(w.Owner, "lib") && w.MaxPages > pages {
				t.Errorf("%d pages: the window %+v may grow past them", pages, w)
			}
		}
	}
	// A limit above the declared maximum changes nothing.
	runWazero(t, "limit above the maximum", link(t, inputs, limited(100)).Output, []answer{{"lib-grow(3); lib-grow(1)", "1; -1"}})

	_, err := linker.Link(context.Background(), inputs, linker.Options{MemoryLimit: map[string]uint64{"lib": 1000}})
	wantError(t, err, "lib", "1000 bytes", "65536")
}

// wantError checks that an error says everything it should.
func wantError(t testing.TB, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("no error, want one about %v", parts)
		return
	}
	for _, p := range parts {
		if !strings.Contains(err.Error(), p) {
			t.Errorf("the error does not say %q: %v", p, err)
		}
	}
}
