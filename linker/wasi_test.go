package linker_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/wbundle/wbundle/linker"
	"github.com/wbundle/wbundle/runtime"
)

// wasiOutcome is what one can see of a program that ran.
type wasiOutcome struct {
	stdout, stderr string
	exit           string
	files          string
}

// runWASI runs a program of fixtures/wasi on a fresh tree.
func runWASI(t *testing.T, p *runtime.Program, program string) wasiOutcome {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"hello.txt": "hello, world\n", "empty": "", "dir/a": "A", "dir/b": "BB"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var stdout, stderr bytes.Buffer
	code, err := p.Run(ctx, runtime.Config{
		Args: []string{"programs", program, "second argument", "dritte ä"}, Env: []string{"GREETING=hi"},
		Stdin: strings.NewReader("first\nsecond\nlast"), Stdout: &stdout, Stderr: &stderr,
		Mounts: []runtime.Mount{{Guest: "/data", Host: dir}},
	})
	out := wasiOutcome{stdout: stdout.String(), stderr: stderr.String(), exit: fmt.Sprint(code)}
	var trap *runtime.Trap
	switch {
	case errors.As(err, &trap):
		out.exit = "trap"
	case err != nil:
		t.Fatal(err)
	}
	var files []string
	err = filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		rel, _ := filepath.Rel(dir, path)
		files = append(files, fmt.Sprintf("%s=%q", filepath.ToSlash(rel), text))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	sort.Strings(files)
	out.files = strings.Join(files, " ")
	return out
}

// TestWASIPrograms runs the programs of fixtures/wasi in every form: as the
// preview 1 module that the compiler made, on wazero's preview 1; as a
// component, unbundled, on the WASI 0.2 of package runtime; from a bundle that
// keeps the adapter; and from one whose adapter was removed.
func TestWASIPrograms(t *testing.T) {
	t.Parallel()
	dir := filepath.Join("..", "fixtures", "wasi")
	component := readFile(t, filepath.Join(dir, "programs.wasm"))
	inputs := []linker.Input{{ID: "programs", Bytes: component}}
	compile := func(wasm []byte) *runtime.Program {
		p, err := runtime.Compile(context.Background(), wasm, "programs")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { p.Close(context.Background()) })
		return p
	}
	module := compile(readFile(t, filepath.Join(dir, "programs.core.wasm")))
	forms := []struct {
		name string
		p    *runtime.Program
		// coarse says that exit codes pass through wasi:cli/exit, which knows
		// success and failure only.
		coarse bool
	}{
		{"component", compile(component), true},
		{"bundle with adapter", compile(link(t, inputs, linker.Options{}).Output), true},
		{"bundle for wazero", compile(link(t, inputs, linker.Options{Target: linker.TargetWazero}).Output), false},
		{"bundle for preview 1", compile(link(t, inputs, linker.Options{Target: linker.TargetPreview1}).Output), false},
	}
	names := strings.Fields(runWASI(t, module, "").stdout)
	if len(names) < 30 {
		t.Fatalf("%d programs", len(names))
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			exact := runWASI(t, module, name)
			for _, f := range forms {
				want := exact
				if f.coarse && want.exit != "0" && want.exit != "trap" {
					want.exit = "1"
				}
				if got := runWASI(t, f.p, name); got != want {
					t.Errorf("%s:\n got %+v\nwant %+v", f.name, got, want)
				}
			}
		})
	}
}
