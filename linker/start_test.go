package linker_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/wbundle/wbundle/internal/wasm"
	"github.com/wbundle/wbundle/linker"
)

// parse compiles the text format.
func parse(t *testing.T, wat string) []byte {
	t.Helper()
	if why := componentNewMissing(); why != "" {
		t.Skip(why)
	}
	cmd := exec.Command("wasm-tools", "parse", "-")
	cmd.Stdin = strings.NewReader(wat)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestSegmentsOthersSee links core modules whose only effect is an active
// segment: in what the host shares with others, or at an offset that may trap.
func TestSegmentsOthersSee(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, wat             string
		imports, datas, elems int
	}{
		{"memory of the host", `(module (memory (import "a" "mem") 1) (data (i32.const 8) "x"))`, 1, 1, 0},
		{"empty, in a memory of the host", `(module (memory (import "a" "mem") 0) (data (i32.const 0) ""))`, 1, 1, 0},
		{"table of the host", `(module (table (import "a" "tab") 4 funcref) (elem (i32.const 2) $f) (func $f))`, 1, 0, 1},
		{"data at an offset of the host", `(module (global (import "a" "g") i32) (memory 1) (data (global.get 0) "x"))`, 1, 1, 0},
		{"elements at an offset of the host", `(module (global (import "a" "g") i32) (table 1 funcref) (elem (global.get 0) $f) (func $f))`, 1, 0, 1},
		{"nobody sees it", `(module (memory 1) (data (i32.const 8) "x") (table 4 funcref) (elem (i32.const 2) $f) (func $f))`, 0, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := []linker.Input{{ID: "m", Bytes: parse(t, c.wat)}}
			out := link(t, in, linker.Options{Unresolved: linker.UnresolvedImport, Check: true}).Output
			m, err := wasm.Decode("output", out)
			if err != nil {
				t.Fatal(err)
			}
			if len(m.Imports) != c.imports || len(m.Datas) != c.datas || len(m.Elems) != c.elems {
				t.Errorf("%d imports, %d data and %d element segments are left, want %d, %d and %d",
					len(m.Imports), len(m.Datas), len(m.Elems), c.imports, c.datas, c.elems)
			}
		})
	}
}
