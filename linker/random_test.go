package linker_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/wbundle/wbundle/internal/conformance/observe"
	"github.com/wbundle/wbundle/linker"
)

// randomModules names the variable that says how many modules TestRandomModules
// makes.
const randomModules = "WBUNDLE_RANDOM"

// smithImports is what random modules may import: functions, because those are
// what the host of the test has.
const smithImports = `(module
	(import "h" "a" (func (param i32)))
	(import "h" "b" (func (param i64 i32) (result i32)))
	(import "h" "c" (func (result i64)))
	(import "h" "d" (func (param f64 f32) (result f64))))`

// TestRandomModules links random modules alone, at every level of optimisation,
// and compares what they do with what the modules do as they are. It proves
// nothing about components; it is where odd code comes from.
func TestRandomModules(t *testing.T) {
	tool, err := exec.LookPath("wasm-tools")
	if err != nil {
		t.Skip("needs wasm-tools")
	}
	n := 40
	if s := os.Getenv(randomModules); s != "" {
		if n, err = strconv.Atoi(s); err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	imports := filepath.Join(dir, "imports.wat")
	if err := os.WriteFile(imports, []byte(smithImports), 0o666); err != nil {
		t.Fatal(err)
	}
	smaller, total := 0, 0
	for i := range n {
		r := rand.New(rand.NewPCG(uint64(i), 20))
		seed := make([]byte, 0, 8192)
		for range 300 + r.IntN(600) {
			seed = binary.LittleEndian.AppendUint64(seed, r.Uint64())
		}
		cmd := exec.Command(tool, "smith", "--ensure-termination", "--fuel", "200", "--available-imports", imports,
			"--export-everything", "true", "--min-funcs", "3", "--max-memories", "1", "--max-memory32-bytes", "1048576",
			"--gc-enabled", "false", "--memory64-enabled", "false", "--threads-enabled", "false", "--relaxed-simd-enabled", "false",
			"--exceptions-enabled", "false", "--custom-page-sizes-enabled", "false", "--wide-arithmetic-enabled", "false",
			"--shared-everything-threads-enabled", "false", "--max-table-elements", "1000", "--max-tags", "0",
			"--compact-imports-enabled", "false", "--custom-descriptors-enabled", "false", "--generate-custom-sections", "false", "--allow-start-export", strconv.FormatBool(i%4 == 0), "--max-instructions", "400")
		cmd.Stdin = bytes.NewReader(seed)
		module, err := cmd.Output()
		if err != nil {
			continue // a seed of which nothing comes
		}
		want := observe.Module(t, module)
		for _, level := range []linker.Optimize{linker.OptimizeNone, linker.OptimizeSize, linker.OptimizeSpeed} {
			res, err := linker.Link(context.Background(), []linker.Input{{ID: "random", Bytes: module}},
				linker.Options{Unresolved: linker.UnresolvedImport, Optimize: level, Check: true})
			if err == nil {
				if got := observe.Module(t, res.Output); got != want {
					t.Errorf("module %d, optimize %s: got\n%.2000s\nwant\n%.2000s", i, level, got, want)
				}
			} else {
				t.Errorf("module %d, optimize %s: %v", i, level, err)
			}
			if t.Failed() {
				path := filepath.Join(os.TempDir(), "wbundle-random.wasm")
				if err := os.WriteFile(path, module, 0o666); err == nil {
					t.Fatalf("the module is in %s", path)
				}
			}
			if level == linker.OptimizeSize {
				smaller += len(res.Output)
				total += len(module)
			}
		}
	}
	t.Logf("%d bytes, %d with --optimize size", total, smaller)
}
