package report_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wbundle/wbundle/internal/report"
	"github.com/wbundle/wbundle/linker"
)

const appWAT = `(module
  (import "lib" "twice" (func $twice (param i32) (result i32)))
  (func $_ZN3app4main17h1111111111111111E (export "run") (param i32) (result i32) local.get 0 call $twice call $plain)
  (func $plain (param i32) (result i32) local.get 0 i32.const 7 i32.xor))`

// libWAT is a library: many functions before $twice, so that indices get longer
// when one is added, and what is added, and called by $sum.
func libWAT(added, call string) string {
	var many, calls strings.Builder
	for i := range 124 {
		fmt.Fprintf(&many, "(func $f%d (param i32) (result i32) local.get 0 i32.const %d i32.add)\n", i, i)
		fmt.Fprintf(&calls, "call $f%d ", i)
	}
	return fmt.Sprintf(`(module
  %s
  %s
  (func $sum (param i32) (result i32) local.get 0 %s %s)
  (func $other (param i32) (result i32) local.get 0 call $sum)
  (func $twice (export "twice") (param i32) (result i32) local.get 0 call $sum call $other))`, added, many.String(), calls.String(), call)
}

// TestDiffOfOneFunction adds one function to one input. It and its caller
// appear, and nothing else does: not what is renumbered, nor what has another hash.
func TestDiffOfOneFunction(t *testing.T) {
	before, after := libWAT("", ""), libWAT(`(func $fresh (param i32) (result i32) local.get 0 i32.const 12345 i32.mul)`, "call $fresh")
	newApp := strings.ReplaceAll(appWAT, "h1111111111111111E", "h2222222222222222E")
	nameless := func(s string) string {
		// Without names: the text format writes those of identifiers.
		for _, name := range []string{"$_ZN3app4main17h1111111111111111E ", "$_ZN3app4main17h2222222222222222E "} {
			s = strings.ReplaceAll(s, name, "")
		}
		return s
	}
	for _, tt := range []struct {
		name     string
		app, was string
		names    bool
		want     []string
	}{
		{"names", newApp, appWAT, true, []string{
			"lib: fresh added", "lib: sum grown", "lib: declarations: types of functions grown",
		}},
		{"unnamed app", nameless(newApp), nameless(appWAT), true, []string{
			"lib: fresh added", "lib: sum grown", "lib: declarations: types of functions grown",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			link := func(app, lib string) (*report.Account, []byte) {
				return account(t, "out.wasm", linker.Options{Root: "app"}, []linker.Input{{ID: "app", Bytes: wat(t, app)}, {ID: "lib", Bytes: wat(t, lib)}})
			}
			x, xb := link(tt.was, before)
			y, yb := link(tt.app, after)
			d := report.DiffSizes(sizes(x), sizes(y))
			if len(d.Outputs) != 1 {
				t.Fatalf("%d outputs", len(d.Outputs))
			}
			o := d.Outputs[0]
			var got []string
			delta := o.Renumbered.Delta()
			for _, r := range o.Items {
				delta += r.Delta()
				if r.Kind == report.KindHeaders {
					continue // a section's size may take another byte
				}
				kind := r.Kind + ": "
				if r.Kind == report.KindCode {
					kind = ""
				}
				got = append(got, fmt.Sprintf("%s: %s%s %s", r.Input, kind, r.Name, r.Change))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if delta != len(yb)-len(xb) {
				t.Errorf("the rows say %+d bytes, the files %+d", delta, len(yb)-len(xb))
			}
			if o.Renumbered.Items == 0 || o.Renumbered.Delta() <= 0 {
				t.Errorf("indices passed 127, and nothing got longer: %+v", o.Renumbered)
			}
			var text, md bytes.Buffer
			d.Text(&text, report.Style{}, 0)
			d.WriteMarkdown(&md, 0)
			for _, s := range []string{text.String(), md.String()} {
				if !strings.Contains(s, "lib: fresh (added)") {
					t.Errorf("no fresh in\n%s", s)
				}
			}
		})
	}
}

// TestDiffWithoutNames pairs functions that have no names by what they do and
// by their place.
func TestDiffWithoutNames(t *testing.T) {
	module := func(funcs ...string) []byte {
		return wat(t, "(module (func (export \"a\") "+strings.Join(funcs, ") (func ")+"))")
	}
	body := func(n int) string { return fmt.Sprintf("i32.const %d drop", n) }
	long := func(n int) string { return strings.Repeat(body(n)+" ", 12) }
	count := func(b []byte) *report.Sizes {
		a, err := report.NewAccount(b, report.AccountOptions{Path: "m.wasm"})
		if err != nil {
			t.Fatal(err)
		}
		return sizes(a)
	}
	// The second grows, a third is put in front of it.
	x := count(module(body(1), long(2), body(3), body(4)))
	y := count(module(body(1), body(9), long(2)+body(5), body(3), body(4)))
	var got []string
	for _, r := range report.DiffSizes(x, y).Outputs[0].Items {
		if r.Kind == report.KindCode {
			got = append(got, fmt.Sprintf("%s %+d", r.Change, r.Delta()))
		}
	}
	if diff := cmp.Diff([]string{"added +6", "grown +3"}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestDiffOfNothing: a file does not differ from itself.
func TestDiffOfNothing(t *testing.T) {
	in := inputs(t, "../../fixtures/qjs/consumer.wasm", "../../fixtures/qjs/provider.wasm")
	x, _ := account(t, "a.wasm", linker.Options{}, in)
	y, _ := account(t, "b.wasm", linker.Options{}, in)
	o := report.DiffSizes(sizes(x), sizes(y)).Outputs[0]
	if len(o.Items) != 0 || o.Renumbered.Items != 0 || len(o.Kinds) != 0 || len(o.Inputs) != 0 {
		t.Errorf("%+v", o)
	}
}

const keepWAT = `(module
  (type $t (func (param i32) (result i32)))
  (type $u (func (param i64)))
  (table 8 funcref)
  (elem (i32.const 3) $hit $missed)
  (memory (export "memory") 1)
  (data $text (i32.const 16) "0123456789")
  (func $hit (type $t) local.get 0 call $deep)
  (func $missed (type $u))
  (func $deep (param i32) (result i32) local.get 0 call $deeper)
  (func $deeper (param i32) (result i32) local.get 0 i32.const 1000 i32.mul)
  (func $gone (param i32) (result i32) local.get 0)
  (func $run (export "run") (param i32) (result i32) local.get 0 i32.const 1 i32.add i32.const 3 call_indirect (type $t)))`

// TestWhy goes through a table, by the type of the call.
func TestWhy(t *testing.T) {
	b := wat(t, keepWAT)
	alone, err := report.NewAccount(b, report.AccountOptions{Path: "m.wasm"})
	if err != nil {
		t.Fatal(err)
	}
	path := func(a *report.Account, name string) string {
		items, exact := a.Find(name)
		if len(items) != 1 || !exact {
			t.Fatalf("%s: %v, exact %v", name, items, exact)
		}
		var steps []string
		w := a.Why(items[0])
		for _, s := range w.Path {
			steps = append(steps, s.Via+" "+s.Name)
		}
		if len(w.Keeps) > 0 {
			steps = append(steps, "keeps "+w.Keeps[0].Name)
		}
		return strings.Join(steps, "; ")
	}
	for name, want := range map[string]string{
		"deep":   `export "run" run; call_indirect (i32) -> (i32), slot 3 of table 0 hit; calls deep; keeps deeper`,
		"run":    `export "run" run; keeps hit`,
		"missed": `export "run" run; call_indirect (i32) -> (i32), call_indirect of table 0; is filled by elem 0; holds, and no live call_indirect can hit, missed`,
		"text":   `export "memory" memory; is filled by text`,
		"gone":   "",
	} {
		if got := path(alone, name); got != want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, want)
		}
	}
	linked, _ := account(t, "m.wasm", linker.Options{}, []linker.Input{{ID: "app", Bytes: b}})
	if items, exact := linked.Find("gone"); exact {
		t.Errorf("$gone is in the output: %v", items)
	}
	gone := linked.Gone("gone")
	if len(gone) != 1 || gone[0].Step != "mark" || gone[0].Input != "app" {
		t.Errorf("what became of $gone: %+v", gone)
	}
	if got := path(linked, "deep"); !strings.Contains(got, "slot 3 of table 0 hit; calls deep") {
		t.Errorf("deep in the output: %s", got)
	}
}

// TestWhyInput: without calls into an input all of it goes, with the adapters.
func TestWhyInput(t *testing.T) {
	a, _ := account(t, "calc.wasm", linker.Options{}, inputs(t, "../../fixtures/calc/consumer.wasm", "../../fixtures/calc/provider.wasm"))
	w, err := a.WhyInput("provider")
	if err != nil {
		t.Fatal(err)
	}
	if w.Bytes == 0 || w.Retained <= w.Bytes || len(w.Entries) == 0 {
		t.Errorf("%d bytes, %d retained, %d entries", w.Bytes, w.Retained, len(w.Entries))
	}
	adapters := 0
	for _, it := range w.GoesToo {
		if it.Kind == report.KindGenerated {
			adapters++
		}
		if it.Input == "consumer" && it.Kind == report.KindExports {
			t.Errorf("the export %s would go with the provider", it.Name)
		}
	}
	if adapters < 30 {
		t.Errorf("%d adapters would go with the provider", adapters)
	}
	if _, err := a.WhyInput("provder"); err == nil {
		t.Error("no error for an input that is not there")
	}
	var text bytes.Buffer
	w.Text(&text, report.Style{})
	if !strings.Contains(text.String(), "would go with it") {
		t.Error(text.String())
	}
}
