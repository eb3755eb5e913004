package linker_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wbundle/wbundle/internal/wasm"
	"github.com/wbundle/wbundle/linker"
)

// TestOptimizedSizes sets what the linker makes beside what binaryen's tools make
// of the same: wasm-metadce of the module with everything in it, which is what
// wasm-merge hands on, and wasm-opt -Oz of that, without the instructions of the
// garbage collection proposal: with it binaryen makes similar functions one that calls
// by reference (call_ref), which wazero and others do not run. It writes the table of
// docs/optimize.md; the last rows take minutes.
func TestOptimizedSizes(t *testing.T) {
	tools := os.Getenv(binaryenTools)
	if tools == "" {
		t.Skipf("%s does not name the tools of binaryen", binaryenTools)
	}
	type sizeCase struct {
		name   string
		inputs []linker.Input
		opts   linker.Options
	}
	var cases []sizeCase
	for i := range fixtures {
		f := &fixtures[i]
		cases = append(cases, sizeCase{"fixtures/" + f.name, f.load(t), f.opts})
	}
	kit := filepath.Join("..", "fixtures", "kit")
	for _, root := range []string{"sum", "words"} {
		for _, provider := range []string{"provider", "relocs"} {
			cases = append(cases, sizeCase{"fixtures/kit, " + root + " of " + provider, []linker.Input{input(t, kit, root), input(t, kit, provider)}, linker.Options{Root: root}})
		}
	}
	path := filepath.Join(shared, "core", "as-incremental.core.wasm")
	if _, err := os.Stat(path); err == nil {
		in := []linker.Input{{ID: "as", Path: path, Bytes: readFile(t, path)}}
		cases = append(cases, sizeCase{"AssemblyScript", in, linker.Options{Unresolved: linker.UnresolvedImport}})
	}
	rows := sharedRows(t)
	for _, name := range []string{"zigc-zigc", "rustpure-rustpure", "c-c", "c-cpp", "rust-c", "rust-rust", "diamond-mixed", "qjs-c", "go-c", "go-go", "sm-rust", "rust-py"} {
		r := rowNamed(t, rows, name)
		inputs, o := r.load(t)
		o.Target = linker.TargetWazero
		cases = append(cases, sizeCase{name, inputs, o})
	}
	var table strings.Builder
	fmt.Fprintln(&table, "| | everything | wasm-metadce | wbundle none | is | wasm-opt -Oz | wbundle size | is | -Oz, gzip | size, gzip | is |\n|---|---|---|---|---|---|---|---|---|---|---|")
	for _, c := range cases {
		o := coreSingle.as(c.opts)
		made := func(o linker.Options, level linker.Optimize) *wasm.Module {
			o.Optimize = level
			return linkedModule(t, link(t, c.inputs, o))
		}
		size := func(m *wasm.Module) int { return wasm.NewEncoder(m).Size() }
		all := made(linker.Unshaken(o), linker.OptimizeNone)
		none, best := size(made(o, linker.OptimizeNone)), made(o, linker.OptimizeSize)
		shaken, file := metadce(t, tools, all)
		oz := filepath.Join(filepath.Dir(file), "oz.wasm")
		cmd := exec.Command("node", filepath.Join(tools, "wasm-opt"), "-all", "--disable-compact-imports", "--disable-gc", "-Oz", file, "-o", oz)
		if msg, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("wasm-opt: %v\n%s", err, msg)
		}
		theirs, ours := withoutCustoms(t, oz), wasm.NewEncoder(best).Append(nil)
		optimized, small := len(theirs), len(ours)
		theirZip, ourZip := zipped(t, theirs), zipped(t, ours)
		fmt.Fprintf(&table, "| %s | %d | %d | %d | %.3f | %d | %d | %.3f | %d | %d | %.3f |\n", c.name, size(all), shaken,
			none, float64(none)/float64(shaken), optimized, small, float64(small)/float64(optimized), theirZip, ourZip, float64(ourZip)/float64(theirZip))
		t.Logf("%s: %d, %d after wasm-metadce, ours %d; %d after -Oz, ours %d", c.name, size(all), shaken, none, optimized, small)
	}
	updateTable(t, "optimize.md", "OptimizedSizes", table.String())
}

// zipped is the size of b after gzip -9.
func zipped(t testing.TB, b []byte) int {
	t.Helper()
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Len()
}
