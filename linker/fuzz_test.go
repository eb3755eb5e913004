package linker_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/wbundle/wbundle/linker"
)

// FuzzLink links arbitrary bytes, alone and with a partner that can satisfy
// their imports: whatever they are, Link answers with an error or an output.
func FuzzLink(f *testing.F) {
	seeds, err := filepath.Glob("../fixtures/*/*.wasm")
	if err != nil || len(seeds) == 0 {
		f.Fatal("no fixtures to begin with", err)
	}
	for _, s := range seeds {
		b, err := os.ReadFile(s)
		if err != nil {
			f.Fatal(err)
		}
		if len(b) < 100_000 {
			f.Add(b, uint8(0))
			f.Add(b, uint8(3))
		}
	}
	partner, err := os.ReadFile("../fixtures/bad/provider-a.wasm")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte, mode uint8) {
		opts := linker.Options{Unresolved: linker.UnresolvedImport, Memory: linker.MemorySingle, Format: linker.FormatCore}
		if mode&1 != 0 {
			opts.Memory = linker.MemoryMulti
		}
		if mode&2 != 0 {
			opts.Format = linker.FormatComponent
		}
		if mode&4 != 0 {
			opts.Names = linker.NamesKeep
		}
		inputs := []linker.Input{{ID: "a", Bytes: b}}
		if mode&8 != 0 {
			inputs = append(inputs, linker.Input{ID: "b", Bytes: partner})
			opts.Root = "a"
		}
		// An error is an answer; only a panic is a failure.
		_, _ = linker.Link(context.Background(), inputs, opts)
	})
}
