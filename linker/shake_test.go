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

// TestShake checks what marking leaves, and that it still runs.
func TestShake(t *testing.T) {
	t.Parallel()
	for _, p := range readPrograms(t, "shake") {
		t.Run(p.name, func(t *testing.T) {
			want := ""
			for _, line := range strings.Split(string(readFile(t, filepath.Join("testdata", "shake", p.name+".wat"))), "\n") {
				if text, ok := strings.CutPrefix(line, shakeMark); ok {
					want = text
				}
			}
			o := linker.Options{Unresolved: linker.UnresolvedImport}
			inputs := []linker.Input{{ID: p.name, Bytes: p.wasm}}
			s := link(t, inputs, coreMulti.as(o)).Summary
			got := fmt.Sprintf("functions=%d globals=%d tables=%d memories=%d data=%d elements=%d types=%d imports=%s",
				s.Functions.Out, s.Globals.Out, s.Tables.Out, s.Memories.Out, s.Data.Out, s.Elements.Out, s.Types.Out, strings.Join(s.Imports, ","))
			if want != "" && got != want {
				t.Errorf("left:  %s\nwanted: %s", got, want)
			}
			runWazero(t, "core single", link(t, inputs, coreSingle.as(o)).Output, p.answers)
			runWazero(t, "component single", link(t, inputs, componentSingle.as(o)).Output, p.answers)
		})
	}
}
