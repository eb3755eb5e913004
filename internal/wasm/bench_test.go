package wasm_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/wbundle/wbundle/internal/wasm"
)

// largest returns the largest core module of a component.
func largest(b *testing.B, file string) []byte {
	b.Helper()
	data, err := os.ReadFile(filepath.Join(componentsDir, file))
	if err != nil {
		b.Skipf("no component to measure: %v", err)
	}
	var best []byte
	for _, m := range coreModules(data) {
		if len(m) > len(best) {
			best = m
		}
	}
	return best
}

var benchFiles = []string{"sm-provider.wasm", "go-provider.wasm", "py-provider.wasm", "rust-provider.wasm"}

func BenchmarkScan(b *testing.B) {
	for _, file := range benchFiles {
		b.Run(file, func(b *testing.B) {
			m, err := wasm.DecodeNoScan(file, largest(b, file))
			if err != nil {
				b.Fatal(err)
			}
			code := 0
			for i := range m.Code {
				code += len(m.Code[i].Bytes)
			}
			b.SetBytes(int64(code))
			b.ReportAllocs()
			for b.Loop() {
				if err := m.ScanRange(0, len(m.Code)); err != nil {
					b.Fatal(err)
				}
			}
			sites := 0
			for i := range m.Code {
				sites += len(m.Code[i].Sites)
			}
			b.ReportMetric(float64(code)/float64(sites), "bytes/site")
		})
	}
}

func BenchmarkDecodeNoScan(b *testing.B) {
	for _, file := range benchFiles {
		b.Run(file, func(b *testing.B) {
			mod := largest(b, file)
			b.SetBytes(int64(len(mod)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := wasm.DecodeNoScan(file, mod); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkEncode(b *testing.B) {
	for _, file := range benchFiles {
		b.Run(file, func(b *testing.B) {
			mod := largest(b, file)
			m, err := wasm.DecodeNoScan(file, mod)
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(mod)))
			b.ReportAllocs()
			for b.Loop() {
				wasm.Encode(m)
			}
		})
	}
}

func BenchmarkValidate(b *testing.B) {
	for _, file := range benchFiles {
		b.Run(file, func(b *testing.B) {
			m, err := wasm.Decode(file, largest(b, file))
			if err != nil {
				b.Fatal(err)
			}
			code := 0
			for i := range m.Code {
				code += len(m.Code[i].Bytes)
			}
			b.SetBytes(int64(code))
			b.ReportAllocs()
			for b.Loop() {
				if err := wasm.Validate(m); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
