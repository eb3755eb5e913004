package opt

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/wbundle/wbundle/internal/wasm"
)

// FuzzRun optimises what the validator accepts: it must come out valid, and the
// same twice.
func FuzzRun(f *testing.F) {
	paths, err := filepath.Glob("../../fixtures/*/*.wasm")
	if err != nil {
		f.Fatal(err)
	}
	more, err := filepath.Glob("../../linker/testdata/*.wasm")
	if err != nil {
		f.Fatal(err)
	}
	seeds := 0
	for _, path := range append(paths, more...) {
		b, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		if len(b) < 20_000 {
			f.Add(b)
			seeds++
		}
	}
	if seeds == 0 {
		f.Fatal("no seeds")
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		run := func(level Level) []byte {
			m, err := wasm.Decode("fuzz", b)
			if err != nil || wasm.Validate(m) != nil {
				return nil
			}
			if _, err := Run(context.Background(), m, Options{Level: level, Check: true}); err != nil {
				t.Fatal(err)
			}
			return wasm.Encode(m)
		}
		first := run(Size)
		if first == nil {
			return
		}
		if second := run(Size); string(first) != string(second) {
			t.Error("two runs differ")
		}
		run(Speed)
	})
}
