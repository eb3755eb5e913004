package gen_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/wbundle/wbundle/internal/gen"
	"github.com/wbundle/wbundle/linker"
	"github.com/wbundle/wbundle/runtime"
)

// TestFamilies links and runs families of both shapes in every layout that
// one component and one module can have.
func TestFamilies(t *testing.T) {
	ctx := context.Background()
	for _, f := range []gen.Family{{N: 1}, {N: 2}, {N: 12}, {N: 100}, {N: 40, Shape: gen.Chain}} {
		t.Run(fmt.Sprintf("%d of shape %d", f.N, f.Shape), func(t *testing.T) {
			inputs := make([]linker.Input, f.N)
			for i := range inputs {
				inputs[i] = linker.Input{ID: gen.ID(i), Bytes: f.Component(i)}
			}
			r, err := linker.Link(ctx, inputs, linker.Options{Memory: linker.MemorySingle})
			if err != nil {
				t.Fatal(err)
			}
			if n := len(r.Summary.Windows); f.N > 1 && n != f.N {
				t.Errorf("%d windows for %d components", n, f.N)
			}
			inst, err := runtime.Open(ctx, r.Output, runtime.Config{})
			if err != nil {
				t.Fatal(err)
			}
			defer inst.Close(ctx)
			got, err := inst.Invoke(ctx, gen.Interface(0)+"#check()")
			if want := fmt.Sprint(f.Want()); err != nil || got != want {
				t.Errorf("check() = %s, %v; want %s", got, err, want)
			}
		})
	}
}

// TestEveryoneIsImported finds each component in one import list, but the root.
func TestEveryoneIsImported(t *testing.T) {
	for _, f := range []gen.Family{{N: 1000}, {N: 1000, Shape: gen.Chain}} {
		next := 1
		for i := range f.N {
			for _, j := range f.Imports(i) {
				if j != next {
					t.Fatalf("component %d imports %d, want %d", i, j, next)
				}
				next++
			}
		}
		if next != f.N {
			t.Errorf("%d of %d components are imported", next-1, f.N-1)
		}
	}
}

// TestValid asks an independent validator.
func TestValid(t *testing.T) {
	tools, err := exec.LookPath("wasm-tools")
	if err != nil {
		t.Skip("wasm-tools is not on PATH")
	}
	f := gen.Family{N: 12}
	for i := range f.N {
		path := filepath.Join(t.TempDir(), gen.ID(i)+".wasm")
		if err := os.WriteFile(path, f.Component(i), 0o666); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command(tools, "validate", "--features", "all", path).CombinedOutput(); err != nil {
			t.Errorf("component %d: %s", i, out)
		}
	}
}
