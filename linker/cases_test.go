package linker_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wbundle/wbundle/internal/wit"
	"github.com/wbundle/wbundle/linker"
	"github.com/wbundle/wbundle/runtime"
)

// TestCases links each testdata/cases/*.wat, one component, in all forms, and
// validates what comes out. The core form with one memory also runs; the
// comment lines at the head of a file say what to expect:
//
//	;; call f() = 5        a call in WAVE and its result, in order
//	;; call f() = trap
//	;; trap                instantiation traps
//	;; not run             wazero lacks a feature that the case is about
//	;; refused FORM: text  FORM (core, component) is refused with that text
func TestCases(t *testing.T) {
	if _, err := exec.LookPath("wasm-tools"); err != nil {
		t.Skip("not run: ", err)
	}
	files, err := filepath.Glob(filepath.Join("testdata", "cases", "*.wat"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".wat"), func(t *testing.T) {
			t.Parallel()
			runCase(t, file)
		})
	}
}

func runCase(t *testing.T, file string) {
	text := readFile(t, file)
	var calls [][2]string
	trap, run := false, true
	refused := map[string]string{}
	for _, line := range strings.Split(string(text), "\n") {
		directive, ok := strings.CutPrefix(line, ";; ")
		switch {
		case !ok:
		case directive == "trap":
			trap = true
		case directive == "not run":
			run = false
		case strings.HasPrefix(directive, "call "):
			call, want, ok := strings.Cut(directive[len("call "):], " = ")
			if !ok {
				t.Fatalf("%s: %q has no result", file, line)
			}
			calls = append(calls, [2]string{call, want})
		case strings.HasPrefix(directive, "refused "):
			form, why, _ := strings.Cut(directive[len("refused "):], ": ")
			refused[form] = why
		}
	}
	wasm, err := exec.Command("wasm-tools", "parse", file).Output()
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	for _, f := range []struct {
		name string
		opts linker.Options
	}{
		{"core", linker.Options{Format: linker.FormatCore, Memory: linker.MemorySingle}},
		{"core", linker.Options{Format: linker.FormatCore, Memory: linker.MemoryMulti}},
		{"component", linker.Options{Format: linker.FormatComponent, Memory: linker.MemorySingle}},
		{"component", linker.Options{Format: linker.FormatComponent, Memory: linker.MemoryMulti}},
	} {
		f.opts.Unresolved = linker.UnresolvedImport
		what := fmt.Sprintf("%s, memory %s", f.name, f.opts.Memory)
		r, err := linker.Link(context.Background(), []linker.Input{{ID: "case", Bytes: wasm}}, f.opts)
		if why := refused[f.name]; why != "" {
			if err == nil || !strings.Contains(err.Error(), why) {
				t.Errorf("%s: error %v, want one that contains %q", what, err, why)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		cmd := exec.Command("wasm-tools", "validate", "--features", "all", "-")
		cmd.Stdin = strings.NewReader(string(r.Output))
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: not valid: %s", what, out)
			if dir := os.Getenv("WBUNDLE_KEEP"); dir != "" {
				if err := os.WriteFile(filepath.Join(dir, "case.wasm"), r.Output, 0o644); err != nil {
					t.Error(err)
				}
			}
			continue
		}
		if run && f.name == "core" && f.opts.Memory == linker.MemorySingle {
			callCase(t, r.Output, trap, calls)
		}
	}
}

// callCase runs the calls of a case.
func callCase(t *testing.T, wasm []byte, trap bool, calls [][2]string) {
	ctx := context.Background()
	four := func(context.Context, *runtime.FuncType, []runtime.Value) (runtime.Value, error) {
		return wit.U32(4), nil
	}
	inst, err := runtime.Open(ctx, wasm, runtime.Config{Host: map[string]runtime.HostFunc{"four": four, "host#nested#four": four}})
	var stopped *runtime.Trap
	if trap {
		if !errors.As(err, &stopped) {
			t.Errorf("instantiation: %v, want a trap", err)
		}
		return
	}
	if err != nil {
		t.Error(err)
		return
	}
	defer func() {
		if err := inst.Close(ctx); err != nil {
			t.Error(err)
		}
	}()
	for _, c := range calls {
		got, err := inst.Invoke(ctx, c[0])
		if errors.As(err, &stopped) {
			got = "trap"
		} else if err != nil {
			got = err.Error()
		}
		if got != c[1] {
			t.Errorf("%s = %s, want %s", c[0], got, c[1])
		}
	}
}
