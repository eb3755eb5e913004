package opt

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/wbundle/wbundle/internal/wasm"
)

// TestRandomGraphs is TestRandom for the passes over the module: few of the
// functions are exported, so that most may be inlined, folded, and lose
// parameters. Each pass has its turn alone, too.
func TestRandomGraphs(t *testing.T) {
	modules := 80
	if testing.Short() {
		modules = 24
	}
	try := func(name string, modules int, passes ...string) {
		for _, level := range []Level{Size, Speed} {
			for seed := range modules {
				t.Run(fmt.Sprintf("%s/%d/%d", name, level, seed), func(t *testing.T) {
					before := fewExports(t, randomModule(uint64(seed), 24), uint64(seed))
					agree(t, before, optimize(t, before, level, passes...))
				})
			}
		}
	}
	try("all", modules)
	for _, p := range modulePasses {
		if p.name != "functions" {
			try(p.name, modules/4, p.name)
		}
	}
}

// fewExports takes away seven of eight exports of functions.
func fewExports(t *testing.T, module []byte, seed uint64) []byte {
	t.Helper()
	m, err := wasm.Decode("random", module)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(seed, 5))
	kept := m.Exports[:0]
	for i, e := range m.Exports {
		if e.Kind != wasm.ExternFunc || i == len(m.Exports)-1 || r.IntN(8) == 0 {
			kept = append(kept, e)
		}
	}
	m.Exports = kept
	return wasm.Encode(m)
}
