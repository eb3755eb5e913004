package report_test

import (
	"testing"

	"github.com/wbundle/wbundle/internal/report"
	"github.com/wbundle/wbundle/linker"
)

// TestDataSymbols looks for the data of modules that have relocations: each
// symbol is an item with the bytes that it has in the output, in one memory, in
// several, and after the optimiser, and why finds it.
func TestDataSymbols(t *testing.T) {
	for _, o := range []linker.Options{{}, {Memory: linker.MemoryMulti}, {Optimize: linker.OptimizeSize}} {
		o.Unresolved = linker.UnresolvedImport
		a, b := account(t, "out.wasm", o, inputs(t, "../../fixtures/relocs/lib.wasm"))
		adds(t, a, len(b))
		got := map[string]int{}
		for i := range a.Items {
			if it := &a.Items[i]; it.Kind == report.KindData && it.Symbol != "" || it.Kind == report.KindData && it.Keeper != 0 {
				got[it.Name] += it.Bytes
			}
		}
		for name, want := range map[string]int{"digits": 29, "squares": 44, "shown": 11, "switch.table.table": 24} {
			if got[name] != want {
				t.Errorf("optimize %q: %s has %d bytes, want %d; all: %v", o.Optimize, name, got[name], want, got)
			}
			found, exact := a.Find(name)
			if name == "shown" { // the global with its address is, too
				continue
			}
			if len(found) != 1 || !exact {
				t.Errorf("optimize %q: %d items are called %q", o.Optimize, len(found), name)
				continue
			}
			if w := a.Why(found[0]); !w.Kept || len(w.Path) < 3 {
				t.Errorf("optimize %q: why %s: %+v", o.Optimize, name, w)
			}
		}
	}
}

// TestRustDataSymbols reads mangled names of data.
func TestRustDataSymbols(t *testing.T) {
	a, b := account(t, "out.wasm", linker.Options{Root: "words"}, inputs(t, "../../fixtures/kit/words.wasm", "../../fixtures/kit/relocs.wasm"))
	adds(t, a, len(b))
	packages := map[string]int{}
	for i := range a.Items {
		if it := &a.Items[i]; it.Kind == report.KindData && it.Input == "relocs" {
			packages[it.Package] += it.Bytes
		}
	}
	if packages["core"] == 0 || packages[""] == 0 || packages["core"]+packages[""] > 3000 {
		t.Errorf("data by package: %v", packages)
	}
}
