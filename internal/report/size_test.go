package report_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wbundle/wbundle/internal/report"
	"github.com/wbundle/wbundle/linker"
)

// inputs reads files; the ids are their base names.
func inputs(t testing.TB, paths ...string) []linker.Input {
	t.Helper()
	var all []linker.Input
	for _, p := range paths {
		b, err := os.ReadFile(p)
		if err != nil {
			t.Skip("an input is not here: ", err)
		}
		all = append(all, linker.Input{ID: strings.TrimSuffix(filepath.Base(p), ".wasm"), Path: p, Bytes: b})
	}
	return all
}

// account links and accounts for the output.
func account(t testing.TB, path string, o linker.Options, in []linker.Input) (*report.Account, []byte) {
	t.Helper()
	r, err := linker.Link(context.Background(), in, o)
	if err != nil {
		t.Fatal(err)
	}
	a, err := report.NewAccount(r.Output, report.AccountOptions{Path: path, Origins: r.Origins, Inputs: r.Summary.Inputs})
	if err != nil {
		t.Fatal(err)
	}
	return a, r.Output
}

// wat turns text into a module.
func wat(t testing.TB, text string) []byte {
	t.Helper()
	tool, err := exec.LookPath("wasm-tools")
	if err != nil {
		home, _ := os.UserHomeDir()
		tool = filepath.Join(home, ".cargo", "bin", "wasm-tools")
		if _, err := os.Stat(tool); err != nil {
			t.Skip("wasm-tools is not installed")
		}
	}
	cmd := exec.Command(tool, "parse", "-")
	cmd.Stdin = strings.NewReader(text)
	var out, complaints bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaints
	if err := cmd.Run(); err != nil {
		t.Fatalf("wasm-tools: %v\n%s", err, complaints.String())
	}
	return out.Bytes()
}

func sizes(a ...*report.Account) *report.Sizes {
	return &report.Sizes{Version: report.SizesVersion, Generator: "test", Outputs: a}
}

// adds fails unless every table of an account sums to the size of the file.
func adds(t *testing.T, a *report.Account, want int) {
	t.Helper()
	sum := func(what string, rows []report.SizeRow) {
		n := 0
		for _, r := range rows {
			n += r.Bytes
		}
		if n != want {
			t.Errorf("%s: %s has %d bytes, the file has %d", a.Path, what, n, want)
		}
	}
	sum("by_input", a.ByInput)
	sum("by_kind", a.ByKind)
	sum("by_package", a.ByPackage)
	if len(a.ByFile) > 0 {
		sum("by_file", a.ByFile)
	}
	n := 0
	for i := range a.Items {
		n += a.Items[i].Bytes
	}
	if n != want || a.Size.Raw != want {
		t.Errorf("%s: the items have %d bytes, size.raw is %d, the file has %d", a.Path, n, a.Size.Raw, want)
	}
}

// TestRowsAddUp accounts for outputs of all sorts of inputs, in both formats,
// with the linker's provenance and without it.
func TestRowsAddUp(t *testing.T) {
	const shared = "../../../shared/components"
	for _, tt := range []struct {
		name  string
		files []string
		opts  linker.Options
	}{
		{"calc", []string{"../../fixtures/calc/consumer.wasm", "../../fixtures/calc/provider.wasm"}, linker.Options{}},
		{"calc-mask", []string{"../../fixtures/calc/consumer.wasm", "../../fixtures/calc/provider.wasm"}, linker.Options{Isolation: linker.IsolationMask}},
		{"calc-size", []string{"../../fixtures/calc/consumer.wasm", "../../fixtures/calc/provider.wasm"}, linker.Options{Optimize: linker.OptimizeSize}},
		{"chain", []string{"../../fixtures/chain/root.wasm", "../../fixtures/chain/middle.wasm", "../../fixtures/chain/leaf.wasm"}, linker.Options{}},
		{"qjs", []string{"../../fixtures/qjs/consumer.wasm", "../../fixtures/qjs/provider.wasm"}, linker.Options{}},
		{"core-link", []string{"../../fixtures/core-link/app.wasm", "../../fixtures/core-link/math.wasm"}, linker.Options{}},
		{"debug", []string{"../../fixtures/debug/dwarf4.wasm"}, linker.Options{}},
		{"debug-size", []string{"../../fixtures/debug/dwarf5.wasm"}, linker.Options{Optimize: linker.OptimizeSize}},
		{"wasi", []string{"../../fixtures/wasi/programs.wasm"}, linker.Options{Target: linker.TargetWazero}},
		{"rust", []string{shared + "/rust-consumer.wasm", shared + "/rust-provider.wasm"}, linker.Options{}},
		{"go", []string{shared + "/go-consumer.wasm", shared + "/c-provider.wasm"}, linker.Options{}},
		{"diamond", []string{shared + "/rust-top.wasm", shared + "/rust-left.wasm", shared + "/rust-right.wasm", shared + "/rust-provider.wasm"}, linker.Options{Root: "rust-top"}},
		{"composed", []string{shared + "/composed/rust-c.wasm"}, linker.Options{}},
	} {
		for _, format := range []linker.Format{linker.FormatCore, linker.FormatComponent} {
			if format == linker.FormatComponent && (tt.opts.Target != "" || tt.opts.Isolation != "" || tt.name == "core-link" || strings.HasPrefix(tt.name, "debug")) {
				continue // for core modules only
			}
			for _, names := range []linker.Names{linker.NamesStrip, linker.NamesKeep} {
				t.Run(fmt.Sprintf("%s/%s/%s", tt.name, format, names), func(t *testing.T) {
					o := tt.opts
					o.Format, o.Names = format, names
					in := inputs(t, tt.files...)
					a, out := account(t, tt.name+".wasm", o, in)
					adds(t, a, len(out))
					var text bytes.Buffer
					if err := sizes(a).WriteJSON(&text); err != nil {
						t.Fatal(err)
					}
					back, err := report.ReadSizes(text.Bytes())
					if err != nil {
						t.Fatal(err)
					}
					adds(t, back.Outputs[0], len(out))
					alone, err := report.NewAccount(out, report.AccountOptions{Path: "alone"})
					if err != nil {
						t.Fatal(err)
					}
					adds(t, alone, len(out))
					for _, i := range a.Inputs {
						if i.Retained < i.InOutput && !i.Root {
							t.Errorf("%s has %d bytes in the output, and %d would go with it", i.ID, i.InOutput, i.Retained)
						}
					}
				})
			}
		}
	}
}
