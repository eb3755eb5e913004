package linker_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/wbundle/wbundle/internal/wasm"
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

// sized is a module with a memory of min to max pages, which it can grow, and a
// function NAME that gives its size; it calls next's, if there is one.
func sized(name, next string, min, max uint32) []byte {
	b := []byte("\x00asm\x01\x00\x00\x00")
	section := func(id byte, content []byte) {
		b = append(wasm.AppendU32(append(b, id), uint32(len(content))), content...)
	}
	section(1, []byte{1, 0x60, 0, 1, 0x7f})
	size := []byte{byte(wasm.OpI32Const), 0, byte(wasm.OpMemoryGrow), 0, byte(wasm.OpEnd)}
	index, body := byte(0), append([]byte{0}, size...)
	if next != "" {
		section(2, append(append(append([]byte{1}, text(next)...), text(next)...), 0, 0))
		index, body = 1, append([]byte{0, byte(wasm.OpCall), 0, byte(wasm.OpDrop)}, size...)
	}
	section(3, []byte{1, 0})
	section(5, wasm.AppendU32(wasm.AppendU32([]byte{1, 1}, min), max))
	section(7, append(append([]byte{1}, text(name)...), 0, index))
	section(10, append([]byte{1, byte(len(body))}, body...))
	return b
}

// TestBudget checks how windows share what a target has.
func TestBudget(t *testing.T) {
	t.Parallel()
	three := func(min, max uint32) []linker.Input {
		return []linker.Input{
			{ID: "a", Bytes: sized("a", "b", min, max)}, {ID: "b", Bytes: sized("b", "c", min, max)}, {ID: "c", Bytes: sized("c", "", min, max)},
		}
	}
	for _, isolation := range []linker.Isolation{linker.IsolationNone, linker.IsolationMask} {
		// More than there is room for at most, not at least: each grows by its share.
		r := link(t, three(10_000, 40_000), linker.Options{Isolation: isolation, Check: true, Target: linker.TargetWazero})
		for _, w := range r.Summary.Windows {
			if w.MinPages != 10_000 || w.MaxPages < 10_000+1<<10 {
				t.Errorf("isolation %s: %+v", isolation, w)
			}
		}
		_, err := linker.Link(context.Background(), three(30_000, 40_000), linker.Options{Isolation: isolation, Target: linker.TargetWazero})
		wantError(t, err, "a:", "b:", "c:", "pages to begin with", "target wazero has 65535", "memory-limit")
	}
	_, err := linker.Link(context.Background(), three(1, 10), linker.Options{MemoryLimit: map[string]uint64{"b": 4 << 30}})
	if err != nil {
		t.Errorf("a limit above the declared maximum: %v", err)
	}
	_, err = linker.Link(context.Background(), three(1, 60_000), linker.Options{MemoryLimit: map[string]uint64{"b": 3 << 30, "c": 2 << 30}})
	wantError(t, err, "b: 49152 pages by its memory-limit", "c: 32768 pages by its memory-limit", "a: 1 pages to begin with", "81921 pages", "one memory has 65535")
}

// TestWindowsSection checks that an output carries the map of its summary, and
// that nothing else is taken for one.
func TestWindowsSection(t *testing.T) {
	t.Parallel()
	r := link(t, windowInputs(t), coreTrapping.as(linker.Options{}))
	m, err := wasm.Decode("output", r.Output)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(m.Customs, func(c wasm.Custom) bool { return c.Name == linker.WindowsSection })
	if i < 0 {
		t.Fatal("there is no map of windows")
	}
	data := m.Customs[i].Data
	isolation, windows, err := linker.ReadWindows(data)
	if err != nil || isolation != linker.IsolationTrap || !slices.Equal(windows, r.Summary.Windows) {
		t.Errorf("the map is %s %+v, %v, want %+v", isolation, windows, err, r.Summary.Windows)
	}
	for n := range data {
		if _, _, err := linker.ReadWindows(data[:n]); err == nil {
			t.Errorf("%d of %d bytes are taken for a map", n, len(data))
		}
	}
	if _, _, err := linker.ReadWindows(append(slices.Clone(data), 0)); err == nil {
		t.Error("a map with a byte too many is taken for one")
	}
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
