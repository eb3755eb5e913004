package report_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wbundle/wbundle/internal/report"
	"github.com/wbundle/wbundle/internal/wasm"
	"github.com/wbundle/wbundle/linker"
)

// TestDebugInformation: names, packages and files of functions come from debug
// information where the name section does not tell, of DWARF 4 and 5, with the
// linker's provenance and of a file alone.
func TestDebugInformation(t *testing.T) {
	type row struct{ Name, Package, File string }
	want := []row{
		{"shop::Cart::add(int)", "shop", "cart.cc"},
		{"shop::Cart::total() const", "shop", "cart.cc"},
		{"void shop::walk<shop::Cart::total() const::$_0>(shop::Item*, shop::Cart::total() const::$_0)", "shop", "cart.cc"},
		{"shop::Cart::clear()", "shop", "cart.cc"},
		{"sum", "cart.cc", "cart.cc"},
		{"twice(int)", "cart.cc", "cart.cc"},
		{"pool_alloc", "pool.c", "pool.c"},
		{"more", "pool.c", "pool.c"},
		{"pool_free", "pool.c", "pool.c"},
	}
	functions := func(a *report.Account) []row {
		all := make([]row, len(want))
		for i := range a.Items {
			it := &a.Items[i]
			if it.Kind != report.KindCode {
				continue
			}
			at := it.Source // the linker sorts functions
			if at == nil {
				at = it.Index
			}
			if int(*at) < len(all) {
				all[*at] = row{it.Name, it.Package, it.File}
			}
		}
		return all
	}
	for _, version := range []string{"dwarf5", "dwarf4"} {
		t.Run(version, func(t *testing.T) {
			in := inputs(t, "../../fixtures/debug/"+version+".wasm")
			linked, out := account(t, "linked.wasm", linker.Options{}, in)
			adds(t, linked, len(out))
			alone, err := report.NewAccount(in[0].Bytes, report.AccountOptions{Path: "alone.wasm"})
			if err != nil {
				t.Fatal(err)
			}
			adds(t, alone, len(in[0].Bytes))
			for _, a := range []*report.Account{linked, alone} {
				if d := cmp.Diff(want, functions(a)); d != "" {
					t.Errorf("%s: -want +got\n%s", a.Path, d)
				}
			}
			custom := map[string]bool{}
			for i := range alone.Items {
				if it := &alone.Items[i]; it.Kind == report.KindCustom {
					custom[it.Name] = true
				}
			}
			if !custom[".debug_info"] || !custom[".debug_line"] {
				t.Errorf("debug sections have no rows of their own: %v", custom)
			}
			// What is written can be read again, and rendered.
			var text bytes.Buffer
			if err := sizes(linked).WriteJSON(&text); err != nil {
				t.Fatal(err)
			}
			back, err := report.ReadSizes(text.Bytes())
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(linked.ByFile, back.Outputs[0].ByFile); d != "" {
				t.Errorf("by_file: -before +after\n%s", d)
			}
			text.Reset()
			report.SizeText{By: "file"}.Write(&text, back)
			back.WriteMarkdown(&text)
			for _, line := range []string{version + ": pool.c", "| " + version + ": cart.cc |"} {
				if !strings.Contains(text.String(), line) {
					t.Errorf("%q is not in\n%s", line, text.String())
				}
			}
		})
	}
}

// TestBrokenDebugInformation cuts each debug section: functions that nothing
// tells about are counted all the same.
func TestBrokenDebugInformation(t *testing.T) {
	in := inputs(t, "../../fixtures/debug/dwarf5.wasm")
	whole := in[0].Bytes
	m, err := wasm.Decode("whole", whole)
	if err != nil {
		t.Fatal(err)
	}
	for i := range m.Customs {
		c := &m.Customs[i]
		if !strings.HasPrefix(c.Name, ".debug_") {
			continue
		}
		data := c.Data
		c.Data = data[:len(data)/2]
		in[0].Bytes = wasm.Encode(m)
		a, out := account(t, c.Name, linker.Options{}, in)
		adds(t, a, len(out))
		alone, err := report.NewAccount(in[0].Bytes, report.AccountOptions{Path: c.Name})
		if err != nil {
			t.Fatal(err)
		}
		adds(t, alone, len(in[0].Bytes))
		c.Data = data
	}
}
