package linker

import (
	"context"
	"os"
	"slices"
	"testing"

	"github.com/wbundle/wbundle/internal/wasm"
)

// linkCalc links the fixture calc, whose parts are components of Rust and C.
func linkCalc(t *testing.T, o Options) *Result {
	t.Helper()
	var inputs []Input
	for _, id := range []string{"consumer", "provider"} {
		b, err := os.ReadFile("../fixtures/calc/" + id + ".wasm")
		if err != nil {
			t.Fatal(err)
		}
		inputs = append(inputs, Input{ID: id, Bytes: b})
	}
	r, err := Link(context.Background(), inputs, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestOriginsNameWhatIsThere follows every function of the output to its
// source: an input's function has the number of parameters that the output's has,
// and an adapter knows whom it calls.
func TestOriginsNameWhatIsThere(t *testing.T) {
	for _, o := range []Options{{}, {Memory: MemoryMulti}, {Optimize: OptimizeSize}} {
		r := linkCalc(t, o)
		m, err := wasm.Decode("output", r.Output)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range []wasm.Space{wasm.SpaceFunc, wasm.SpaceData, wasm.SpaceGlobal, wasm.SpaceTable, wasm.SpaceMemory, wasm.SpaceTag, wasm.SpaceType} {
			if got, want := r.Origins.Len(s), int(m.Count(s)); s != wasm.SpaceType && got != want {
				t.Errorf("%s, %s: %d origins of %d items", o.Memory, s, got, want)
			}
		}
		adapters, callees := 0, 0
		inputs := map[int]int{}
		for i := range m.Count(wasm.SpaceFunc) {
			or := r.Origins.At(wasm.SpaceFunc, i)
			inputs[or.Input]++
			switch or.Kind {
			case OriginInput:
				src := r.Program.Modules[or.Module].Code
				params := func(m *wasm.Module, i uint32) int {
					return len(m.Types[m.Funcs[i-m.NumImported[wasm.SpaceFunc]]].Params)
				}
				// The optimiser may drop parameters.
				if o.Optimize == "" && params(src, or.Index) != params(m, i) {
					t.Errorf("function %d has %d parameters, function %d of %s has %d", i, params(m, i), or.Index, r.Program.Instances[or.Instance].Name, params(src, or.Index))
				}
			case OriginAdapter:
				adapters++
				if or.Callee != 0 {
					callees++
					if r.Program.Components[or.Callee].Name != "provider" {
						t.Errorf("an adapter calls %s", r.Program.Components[or.Callee].Name)
					}
				}
			}
		}
		if inputs[0] == 0 || inputs[1] == 0 || adapters == 0 || callees == 0 {
			t.Errorf("functions by input %v, %d adapters, %d of them between components", inputs, adapters, callees)
		}
	}
}

// TestRemap renumbers, folds and drops, as an optimiser does.
func TestRemap(t *testing.T) {
	r := linkCalc(t, Options{})
	o := r.Origins
	n := uint32(o.Len(wasm.SpaceFunc))
	a, b, c := o.At(wasm.SpaceFunc, n-1), o.At(wasm.SpaceFunc, 3), o.At(wasm.SpaceFunc, 4)
	// Index 0 is the last function; 3 and 4 became one; one is new; the rest went.
	o.Remap(wasm.SpaceFunc, [][]uint32{{n - 1}, {3, 4}, {}})
	if got := o.At(wasm.SpaceFunc, 0); got.ID != a.ID {
		t.Errorf("index 0 is %+v", got)
	}
	if got := o.At(wasm.SpaceFunc, 1); got.ID != b.ID || len(got.Also) != 1 || got.Also[0].ID != c.ID {
		t.Errorf("index 1 is %+v", got)
	}
	if got := o.At(wasm.SpaceFunc, 2); got.Kind != OriginOptimizer || got.Input != -1 {
		t.Errorf("index 2 is %+v", got)
	}
	if got := o.At(wasm.SpaceFunc, 3); got.Kind != OriginDeclared {
		t.Errorf("index 3 is %+v", got)
	}
	// Folding what was folded keeps all owners.
	o.Remap(wasm.SpaceFunc, [][]uint32{{0, 1}})
	var also []uint32
	for _, x := range o.At(wasm.SpaceFunc, 0).Also {
		also = append(also, x.ID)
	}
	if !slices.Equal(also, []uint32{b.ID, c.ID}) {
		t.Errorf("folded with %v, want %v", also, []uint32{b.ID, c.ID})
	}
	fates, at := o.Fates()
	if fates[a.ID] != FateKept || fates[b.ID] != FateFolded || at[c.ID] != 0 {
		t.Errorf("fates %v %v %v", fates[a.ID], fates[b.ID], at[c.ID])
	}
	gone := 0
	for _, f := range fates {
		if f == FateOptimized {
			gone++
		}
	}
	if gone < 100 {
		t.Errorf("%d functions were laid out and taken away later", gone)
	}
}
