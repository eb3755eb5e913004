package linker_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/wbundle/wbundle/internal/gen"
	"github.com/wbundle/wbundle/linker"
)

// BenchmarkLink measures the linker alone: no reading, hashing, writing.
// bench/ measures the whole program, and its memory.
//
//	go test -bench Link ./linker
func BenchmarkLink(b *testing.B) {
	multi := linker.Options{Format: linker.FormatComponent, Memory: linker.MemoryMulti}
	b.Run("starlingmonkey", func(b *testing.B) {
		benchmarkLink(b, benchFiles(b, "sm-consumer", "sm-provider"), multi)
	})
	b.Run("quickjs", func(b *testing.B) {
		parts := []string{"qjs-hub"}
		for i := range 10 {
			parts = append(parts, fmt.Sprintf("qjs-part%d", i))
		}
		benchmarkLink(b, benchFiles(b, parts...), multi)
	})
	// The time for a component must not grow with their number.
	for _, n := range []int{10, 100, 200, 1000} {
		b.Run(fmt.Sprintf("generated/%d", n), func(b *testing.B) {
			benchmarkGenerated(b, gen.Family{N: n})
		})
	}
	b.Run("chain/1000", func(b *testing.B) {
		benchmarkGenerated(b, gen.Family{N: 1000, Shape: gen.Chain})
	})
}

func benchmarkGenerated(b *testing.B, f gen.Family) {
	inputs := make([]linker.Input, f.N)
	for i := range inputs {
		inputs[i] = linker.Input{ID: gen.ID(i), Bytes: f.Component(i)}
	}
	benchmarkLink(b, inputs, linker.Options{Format: linker.FormatCore, Memory: linker.MemorySingle})
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*f.N), "µs/component")
}

func benchmarkLink(b *testing.B, inputs []linker.Input, opts linker.Options) {
	n := 0
	for _, in := range inputs {
		n += len(in.Bytes)
	}
	b.SetBytes(int64(n))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := linker.Link(context.Background(), inputs, opts); err != nil {
			b.Fatal(err)
		}
	}
}

// benchFiles reads components of the shared collection, or skips.
func benchFiles(b *testing.B, names ...string) []linker.Input {
	var inputs []linker.Input
	for _, name := range names {
		bytes, err := os.ReadFile(filepath.Join(shared, name+".wasm"))
		if err != nil {
			b.Skip("a component is not here: ", err)
		}
		inputs = append(inputs, linker.Input{ID: name, Bytes: bytes})
	}
	return inputs
}
