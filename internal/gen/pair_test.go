package gen_test

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/wbundle/wbundle/internal/component"
	"github.com/wbundle/wbundle/internal/gen"
	"github.com/wbundle/wbundle/internal/wasm"
)

// TestPairsAreValid asks our validators, and wasm-tools where it is installed.
func TestPairsAreValid(t *testing.T) {
	tools, _ := exec.LookPath("wasm-tools")
	rng := rand.New(rand.NewPCG(1, 1))
	for i := range 200 {
		p := gen.DrawPair(rng)
		b := p.Component()
		c, err := component.Decode("pair", b)
		if err == nil {
			err = component.Validate(c, func(def *component.CoreModule) (*wasm.Module, error) {
				m, err := wasm.Decode("pair", def.Bytes)
				if err != nil {
					return nil, err
				}
				return m, wasm.Validate(m)
			})
		}
		if err != nil {
			t.Fatalf("%d: %v: %v", i, p, err)
		}
		if tools == "" || i >= 20 {
			continue
		}
		path := filepath.Join(t.TempDir(), "pair.wasm")
		if err := os.WriteFile(path, b, 0o666); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command(tools, "validate", "--features", "all", path).CombinedOutput(); err != nil {
			t.Fatalf("%d: %v: %s", i, p, out)
		}
	}
}
