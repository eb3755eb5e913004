package linker_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wbundle/wbundle/linker"
)

// shakeMark begins the line of testdata/shake/*.wat that counts what is left
// of a program when each component keeps its memory: nothing that memory
// windows add. Without that line the program only has to run.
const shakeMark = ";;# "

// newerMark begins the line that says which instructions in what is left only
// wasmtime runs.
const newerMark = ";;~ "

// TestShake checks what marking leaves, and that it still runs.
func TestShake(t *testing.T) {
	t.Parallel()
	for _, p := range readPrograms(t, "shake") {
		t.Run(p.name, func(t *testing.T) {
			want, newer, hosted := "", false, false
			for _, line := range strings.Split(string(readFile(t, filepath.Join("testdata", "shake", p.name+".wat"))), "\n") {
				if text, ok := strings.CutPrefix(line, shakeMark); ok {
					want = text
				}
				hosted = hosted || strings.Contains(line, `(import "host:`) // wasmtime cannot instantiate it as it is
				newer = newer || strings.HasPrefix(line, newerMark)
			}
			o := linker.Options{Unresolved: linker.UnresolvedImport, Check: true}
			inputs := []linker.Input{{ID: p.name, Bytes: p.wasm}}
			marked := coreMulti.as(o)
			marked.Optimize = linker.OptimizeNone
			s := link(t, inputs, marked).Summary
			got := fmt.Sprintf("functions=%d globals=%d tables=%d memories=%d data=%d elements=%d types=%d imports=%s",
				s.Functions.Out, s.Globals.Out, s.Tables.Out, s.Memories.Out, s.Data.Out, s.Elements.Out, s.Types.Out, strings.Join(s.Imports, ","))
			if want != "" && got != want {
				t.Errorf("left:  %s\nwanted: %s", got, want)
			}
			core := p.wasm[4] == 1 && p.wasm[6] == 0
			if !newer {
				runWazero(t, "core single", link(t, inputs, coreSingle.as(o)).Output, p.answers)
			}
			if !newer && !core {
				runWazero(t, "component single", link(t, inputs, componentSingle.as(o)).Output, p.answers)
			}
			w := newWasmtime(t)
			if core {
				w.add("core multi", link(t, inputs, coreMulti.as(o)).Output, p.answers)
			} else {
				if !hosted {
					w.add("unbundled", p.wasm, p.answers)
				}
				w.addCore("core multi", link(t, inputs, coreMulti.as(o)).Output, p.answers)
				w.add("component multi", link(t, inputs, componentMulti.as(o)).Output, p.answers)
			}
			w.run()
		})
	}
}
