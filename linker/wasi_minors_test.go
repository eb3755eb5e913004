package linker_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/wbundle/wbundle/linker"
	"github.com/wbundle/wbundle/runtime"
)

// asking makes a component ask for another minor version of a package of WASI
// 0.2 ("wasi:" for all), in its text form. Interfaces only gain from one to the
// next, and what these components use is in all of them.
func asking(t *testing.T, in linker.Input, packages, version string) linker.Input {
	t.Helper()
	if why := componentNewMissing(); why != "" {
		t.Skip(why)
	}
	cmd := exec.Command("wasm-tools", "print", "-")
	cmd.Stdin = bytes.NewReader(in.Bytes)
	text, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	name := regexp.MustCompile(`"(` + packages + `[^"]*)@0\.2\.12`)
	if !name.Match(text) {
		t.Fatalf("%s does not ask for %s at 0.2.12", in.ID, packages)
	}
	cmd = exec.Command("wasm-tools", "parse", "-")
	cmd.Stdin = bytes.NewReader(name.ReplaceAll(text, []byte(`"${1}@`+version)))
	if in.Bytes, err = cmd.Output(); err != nil {
		t.Fatal(err)
	}
	return in
}

// asks checks that an output imports one version of WASI, and something of it.
func asks(t *testing.T, r *linker.Result, want string) {
	t.Helper()
	n := 0
	for _, imp := range r.Summary.Imports {
		if !strings.HasPrefix(imp, "wasi:") {
			continue
		}
		n++
		if !strings.Contains(imp, want+"#") {
			t.Errorf("imports %s, want %s", imp, want)
		}
	}
	if n == 0 {
		t.Error("imports nothing of WASI")
	}
}

// TestWASIMinors bundles components of real toolchains that ask for different
// minor versions of WASI 0.2, and runs them on package runtime and in wasmtime: the
// output asks for the highest alone.
func TestWASIMinors(t *testing.T) {
	t.Parallel()
	rows := sharedRows(t)
	for _, c := range []struct {
		row   string
		minor map[string]string // by part
		want  string
	}{
		{"diamond-mixed", map[string]string{"rust-top": "0.2.6", "rust-right": "0.2.9"}, "@0.2.12"},
		{"py-c", nil, "@0.2.12"}, // as they are, 0.2.9 and 0.2.12
	} {
		t.Run(c.row, func(t *testing.T) {
			if c.minor == nil {
				heavy(t, c.row)
			}
			if testing.Short() {
				t.Skip("-short: compiles for seconds")
			}
			t.Parallel()
			r := rowNamed(t, rows, c.row)
			inputs, o := r.load(t)
			for i := range inputs {
				if minor := c.minor[inputs[i].ID]; minor != "" {
					inputs[i] = asking(t, inputs[i], "wasi:", minor)
				}
			}
			core := link(t, inputs, coreSingle.as(o))
			asks(t, core, c.want)
			runWazero(t, "core single", core.Output, r.answers)

			component := link(t, inputs, componentMulti.as(o))
			asks(t, component, c.want)
			w := newWasmtime(t)
			w.add("component multi", component.Output, r.answers)
			w.run()
			if r.preview1() {
				o.Target = linker.TargetPreview1
				preview1 := link(t, inputs, o)
				preview1Only(t, preview1)
				runWazero(t, "core single for preview 1", preview1.Output, r.answers)
			}
		})
	}
}

// TestWASIMinorsInOne asks for three minor versions in one component, whose
// programs call all of them.
func TestWASIMinorsInOne(t *testing.T) {
	t.Parallel()
	dir := filepath.Join("..", "fixtures", "wasi")
	plain := input(t, dir, "programs")
	mixed := asking(t, asking(t, plain, "wasi:cli/", "0.2.6"), "wasi:clocks/", "0.2.9")
	if bytes.Equal(mixed.Bytes, plain.Bytes) {
		t.Fatal("nothing is mixed")
	}
	compile := func(wasm []byte) *runtime.Program {
		p, err := runtime.Compile(context.Background(), wasm, "programs")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { p.Close(context.Background()) })
		return p
	}
	before := compile(plain.Bytes)
	core := link(t, []linker.Input{mixed}, linker.Options{})
	asks(t, core, "@0.2.12")
	component := link(t, []linker.Input{mixed}, componentMulti.as(linker.Options{}))
	asks(t, component, "@0.2.12")
	want := map[string]wasiOutcome{}
	for _, program := range []string{"output", "env", "read", "clock-real", "exit-3"} {
		want[program] = runWASI(t, before, program)
	}
	for _, form := range []struct {
		name string
		p    *runtime.Program
	}{{"unbundled", compile(mixed.Bytes)}, {"core", compile(core.Output)}, {"component", compile(component.Output)}} {
		for program, want := range want {
			if got := runWASI(t, form.p, program); got != want {
				t.Errorf("%s: %s: %+v, want %+v", form.name, program, got, want)
			}
		}
	}
	path := filepath.Join(t.TempDir(), "component.wasm")
	if err := os.WriteFile(path, component.Output, 0o666); err != nil {
		t.Fatal(err)
	}
	for _, program := range []string{"clock-real", "args"} {
		run := func(file string) *ran {
			return outside(t, "wasmtime", "loud", "python3", []string{filepath.Join("testdata", "command.py"), file, "programs", program, "ä"})
		}
		want, got := run(plain.Path), run(path)
		if want != nil && (*got != *want || want.exit != 0) {
			t.Errorf("wasmtime: %s: %+v, want %+v", program, *got, *want)
		}
	}
}
