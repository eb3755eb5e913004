package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/wbundle/wbundle/internal/config"
	"github.com/wbundle/wbundle/internal/report"
	"github.com/wbundle/wbundle/runtime"
)

// A component with several memories runs in wasmtime and not in the embedded
// engine. Where somebody has the wasmtime command, the cases run there as
// well, on the very bytes that are written; it reads and prints WAVE.

// wasmtime is the command, nil when there is none.
type wasmtime struct{ path, version string }

// findWasmtime looks for the command on PATH.
func findWasmtime(ctx context.Context) *wasmtime {
	path, err := exec.LookPath("wasmtime")
	if err != nil {
		return nil
	}
	out, err := exec.CommandContext(ctx, path, "--version").Output()
	if err != nil {
		return nil // there, but not for use
	}
	name, _, _ := strings.Cut(strings.TrimSpace(string(out)), " (")
	return &wasmtime{path, name}
}

// runCases runs the cases on a component. twin is a program with the same
// exports that the embedded engine runs: it has the types, by which results
// are compared as values.
func (w *wasmtime) runCases(ctx context.Context, binary []byte, twin *runtime.Program, cases []config.Case, timeout time.Duration) (v *report.Verified, err error) {
	began := time.Now()
	dir, err := os.MkdirTemp("", "wbundle-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	file := filepath.Join(dir, "output.wasm")
	if err := os.WriteFile(file, binary, 0o666); err != nil {
		return nil, err
	}
	types, err := twin.Instantiate(ctx, runtime.Config{})
	if err != nil {
		return &report.Verified{Skipped: "in " + w.version + ", for the types of the exports are not to be had: " + err.Error()}, nil
	}
	defer func() { err = errors.Join(err, types.Close(context.WithoutCancel(ctx))) }()
	v = &report.Verified{Engine: w.version, How: "the output itself", Cases: []report.Case{}}
	for _, c := range cases {
		start := time.Now()
		rc := w.run(ctx, file, types, c, timeout)
		rc.Name, rc.Want = c.Name, wanted(c.Expect, c.Run != nil)
		rc.Seconds = time.Since(start).Seconds()
		v.Cases = append(v.Cases, rc)
	}
	v.Seconds = time.Since(began).Seconds()
	return v, ctx.Err()
}

// run runs one case.
func (w *wasmtime) run(ctx context.Context, file string, types *runtime.Instance, c config.Case, timeout time.Duration) report.Case {
	if c.Run != nil {
		return report.Case{OK: true, Skipped: "commands are run in the embedded engine alone"}
	}
	name, args, ok := strings.Cut(c.Invoke, "(")
	if !ok {
		return report.Case{Error: "invoke: a call needs arguments in parentheses"}
	}
	f, err := types.Function(strings.Trim(strings.TrimSpace(name), `"`))
	if err != nil {
		return report.Case{Error: err.Error()}
	}
	short, ok := wasmtimeName(f.Name, types.Functions())
	if !ok {
		return report.Case{OK: true, Skipped: "the command has no way to name the function " + f.Name}
	}
	if timeout == 0 {
		timeout = defaultTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, w.path, "run", "--invoke", short+"("+strings.TrimSuffix(args, `"`), file)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.WaitDelay = time.Second
	err = cmd.Run()
	got := strings.TrimSpace(stdout.String())
	switch {
	case ctx.Err() != nil:
		return report.Case{Error: fmt.Sprintf("no result within %v", timeout)}
	case err != nil && strings.Contains(stderr.String(), "wasm trap"):
		return report.Case{OK: c.Expect.Trap, Got: "trap: " + lastLine(stderr.String())}
	case err != nil:
		return report.Case{Error: firstLines(err.Error() + ": " + stderr.String())}
	case c.Expect.Trap:
		return report.Case{Got: got}
	case f.Type.Result == nil:
		return report.Case{OK: got == "" || got == "()", Got: got}
	}
	value, err := runtime.ParseValue(got, f.Type.Result)
	if err != nil {
		return report.Case{Error: fmt.Sprintf("%s printed what is no result: %v", w.version, err)}
	}
	want, err := runtime.ParseValue(c.Expect.Value, f.Type.Result)
	if err != nil {
		return report.Case{Error: "expect: " + err.Error()}
	}
	return report.Case{OK: runtime.EqualValues(value, want), Got: got}
}

// wasmtimeName is how the command names an export: by its plain name, as long
// as no two interfaces have it. Names of methods are more than it parses.
func wasmtimeName(full string, all []runtime.Function) (string, bool) {
	plain := func(name string) string { return name[strings.IndexByte(name, '#')+1:] }
	short, n := plain(full), 0
	for _, f := range all {
		if plain(f.Name) == short {
			n++
		}
	}
	return short, n == 1 && !strings.ContainsAny(short, "[]")
}

func lastLine(s string) string {
	s = strings.TrimSpace(s)
	return strings.TrimSpace(s[strings.LastIndexByte(s, '\n')+1:])
}
