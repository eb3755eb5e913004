package report

import (
	"bytes"
	"compress/gzip"
	"io"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/google/go-cmp/cmp"

	"github.com/wbundle/wbundle/linker"
)

func TestHuman(t *testing.T) {
	for n, want := range map[int]string{
		0: "0 B", 999: "999 B", 1000: "1.00 kB", 1234: "1.23 kB", 9995: "10.0 kB", 55_497: "55.5 kB", 99_960: "100 kB",
		999_499: "999 kB", 999_500: "1.00 MB", 2_657_604: "2.66 MB", 24_000_000: "24.0 MB", 1_500_000_000: "1.50 GB",
		-12: "-12 B", -55_497: "-55.5 kB",
	} {
		if got := Human(n); got != want {
			t.Errorf("Human(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestExact(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -999: "-999", -1000: "-1,000"} {
		if got := Exact(n); got != want {
			t.Errorf("Exact(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestPercent(t *testing.T) {
	for _, test := range []struct {
		from, to int
		want     string
	}{
		{0, 5, ""}, {100, 100, "±0%"}, {100, 45, "-55%"}, {1000, 1021, "+2.1%"}, {100, 250, "+150%"}, {100_000, 1, "-99.9%"}, {100, 0, "-100%"},
	} {
		if got := Percent(test.from, test.to); got != test.want {
			t.Errorf("Percent(%d, %d) = %q, want %q", test.from, test.to, got, test.want)
		}
	}
}

func TestMeasure(t *testing.T) {
	small := bytes.Repeat([]byte("wasm component "), 1000)
	want := Size{Raw: len(small), GzipLevel: 9, BrotliQuality: 11}
	var b bytes.Buffer
	z, _ := gzip.NewWriterLevel(&b, 9)
	z.Write(small)
	z.Close()
	want.Gzip = b.Len()
	b.Reset()
	br := brotli.NewWriterLevel(&b, 11)
	br.Write(small)
	br.Close()
	want.Brotli = b.Len()
	if got := Measure(small, EffortNormal); got != want {
		t.Errorf("Measure is %+v, want %+v", got, want)
	}
	if got := Measure(small, EffortNone); got != (Size{Raw: len(small)}) {
		t.Errorf("Measure without effort is %+v", got)
	}
	large := make([]byte, measureBelow)
	if got := Measure(large, EffortNormal); got != (Size{Raw: len(large)}) {
		t.Errorf("Measure of a large file is %+v", got)
	}
	if got := Measure(large, EffortAlways); got.Brotli == 0 || got.BrotliQuality != 5 {
		t.Errorf("Measure of a large file, always, is %+v", got)
	}
}

func build() *Build {
	count := linker.Count{In: 812, Out: 301}
	return &Build{
		Inputs: []Input{
			{InputSummary: linker.InputSummary{ID: "app", Kind: "component", Bytes: 55497, Languages: []string{"Rust"}, Root: true}},
			{InputSummary: linker.InputSummary{ID: "library", Kind: "core module", Bytes: 406}},
		},
		Outputs: []*Output{{
			Path: "dist/app.wasm", Format: linker.FormatCore,
			Size: Size{Raw: 20123, Gzip: 9001, GzipLevel: 9, Brotli: 8000, BrotliQuality: 11},
			Link: linker.Summary{
				Links: []linker.LinkSummary{
					{Importer: "app", Import: "a:b/c@1.0.0", Provider: "library", Export: "a:b/c@1.2.0"},
					{Importer: "app", Import: "wasi:io/streams@0.2.0"},
					{Importer: "app", Import: "wasi:io/error@0.2.0"},
				},
				Memory:    linker.MemorySingle,
				Functions: count, Memories: linker.Count{In: 2, Out: 1}, Globals: linker.Count{In: 3, Out: 3}, Types: linker.Count{In: 9, Out: 12},
				Adapters: 7, AdaptersLeft: 2, Unprotected: []string{"app", "library"}, Warnings: []string{"something is odd"},
				Imports: []string{"wasi_snapshot_preview1 fd_write"}, Exports: []string{"run", "memory"},
				Windows: []linker.Window{{Owner: "app/0", Base: 0, MinPages: 17, MaxPages: 1024}},
			},
			Verified: &Verified{Seconds: 0.05, Cases: []Case{{Name: "one", OK: true}, {Name: "two", OK: true}}},
		}},
		Seconds: 1.234,
	}
}

func TestBuildText(t *testing.T) {
	var got strings.Builder
	build().Text(&got, Style{}, false)
	const want = `inputs
  app      55,497 B  component, Rust (root)
  library     406 B  core module
  total    55,903 B
links
  app <- library: a:b/c@1.0.0 (its a:b/c@1.2.0)
  app <- host: 2 imports
dist/app.wasm (core, single memory)
  size      20,123 B, gzip 9,001 B, brotli 8,000 B; -64% against the inputs
  kept      301 of 812 functions, 3 globals, 1 of 2 memories, 12 types (9 in the inputs)
  adapters  7 functions generated for the canonical ABI; 2 left, the others inlined or not needed
  verified  2 cases in 50 ms
  note: app and library share one memory and nothing keeps them apart
  warning: something is odd
done in 1.23 s
`
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}

	got.Reset()
	build().Text(&got, Style{}, true)
	for _, line := range []string{
		"  app <- host: wasi:io/error@0.2.0\n", "  imports   wasi_snapshot_preview1 fd_write\n",
		"  exports   run\n            memory\n", "  window    0x00000000 app/0: 17 to 1,024 pages\n",
	} {
		if !strings.Contains(got.String(), line) {
			t.Errorf("no %q in\n%s", line, got.String())
		}
	}

	got.Reset()
	build().Text(&got, Style{Color: true}, false)
	if !strings.Contains(got.String(), "\x1b[1minputs\x1b[0m") {
		t.Errorf("no colour in\n%s", got.String())
	}
}

func TestCompared(t *testing.T) {
	c := Compared{Seed: 7, Functions: 2, Calls: 64, Cases: 1, Budget: 1, Seconds: 0.25}
	const all = "64 generated calls of 2 functions and 1 case with the unbundled inputs (seed 7, at most 1.00 s) in 0.25 s"
	if got := c.Text(Style{}); got != all {
		t.Errorf("%q, want %q", got, all)
	}
	c.Undecided, c.OutOfBounds = 1, 2
	c.Skipped = []Skip{{"f", "it is asynchronous"}}
	c.Differences = []Difference{{After: []string{"a()", "b()"}, Call: "g(1)", Unbundled: "tell(1)\n2", Output: "3"}}
	c.Again = "wbundle verify"
	const more = all + ": 1 difference; 1 call not answered in time; 2 calls out of bounds, which isolation none does not check; 1 skipped"
	if got := c.Text(Style{}); got != more {
		t.Errorf("%q, want %q", got, more)
	}
	v := Verified{Cases: []Case{{Name: "a", OK: true}}, Compared: &c, Also: &Verified{Engine: "other 1.0", Cases: []Case{{Name: "b", Want: "5", Got: "6"}}}}
	if v.Failed() != 2 || v.Outcome() != "1 difference from the unbundled inputs, 1 case failed in other 1.0" {
		t.Errorf("%d failed: %s", v.Failed(), v.Outcome())
	}
	var b strings.Builder
	v.Failures(&b, Style{})
	c.Details(&b)
	const details = `differs: g(1)
  after     a()
            b()
  unbundled tell(1)
            2
  output    3
  again with wbundle verify
failed: b
  want 5
  got  6
  skipped f: it is asynchronous
`
	if diff := cmp.Diff(details, b.String()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if got := (&Compared{Reason: "there is nothing"}).Text(Style{}); got != "not: there is nothing" {
		t.Error(got)
	}
}

func TestVerified(t *testing.T) {
	cases := []Case{{Name: "a", OK: true}, {Name: "b", Want: "5", Got: "6", Error: "returned 6,\nwant 5"}}
	for _, test := range []struct {
		v    Verified
		want string
	}{
		{Verified{}, "it instantiates in 0 ms; there are no cases"},
		{Verified{Cases: cases[:1], Seconds: 2}, "1 case in 2.00 s"},
		{Verified{Cases: cases, How: "as its twin"}, "1 of 2 cases failed (as its twin) in 0 ms"},
		{Verified{Skipped: "no engine"}, "not run: no engine"},
	} {
		if got := test.v.Text(Style{}); got != test.want {
			t.Errorf("%+v: %q, want %q", test.v, got, test.want)
		}
	}
	var b strings.Builder
	v := Verified{Cases: cases}
	v.Failures(&b, Style{})
	if want := "failed: b\n  want 5\n  got  returned 6,\n       want 5\n"; b.String() != want {
		t.Errorf("failures are %q, want %q", b.String(), want)
	}
	v.Failures(io.Discard, Style{Color: true})
}
