package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/wbundle/wbundle/internal/config"
	"github.com/wbundle/wbundle/internal/report"
	"github.com/wbundle/wbundle/linker"
	"github.com/wbundle/wbundle/runtime"
)

// defaultTimeout bounds a case when the configuration does not: a bundle that
// loops must not hang the build.
const defaultTimeout = time.Minute

// verifyResult tries out what a link made. The embedded engine has no
// multi-memory, so the same link with one memory stands in for such an
// output; that is said in the report.
func (a *app) verifyResult(ctx context.Context, j *job, path string, result *linker.Result, inputs []linker.Input, opts linker.Options) (*report.Verified, error) {
	a.progress.step("verify", 0, 0)
	v, err := runCases(ctx, path, result.Output, j.cases, j.timeout)
	if !errors.Is(err, runtime.ErrNeedsMultiMemory) {
		return v, err
	}
	opts.Memory = linker.MemorySingle
	twin, err := linker.Link(ctx, inputs, opts)
	if err != nil {
		return &report.Verified{Skipped: fmt.Sprintf("the engine has no multi-memory, and the inputs do not link into one memory: %v", err)}, nil
	}
	if v, err = runCases(ctx, path, twin.Output, j.cases, j.timeout); v != nil {
		v.How = "as its twin with a single memory, for the engine has no multi-memory"
	}
	return v, err
}

// runCases runs cases against a binary. Without cases it is instantiated,
// which is a case only if it fails.
func runCases(ctx context.Context, name string, binary []byte, cases []config.Case, timeout time.Duration) (*report.Verified, error) {
	if timeout == 0 {
		timeout = defaultTimeout
	}
	began := time.Now()
	r, err := runtime.Verify(ctx, binary, engineCases(cases), runtime.Options{
		Config:  runtime.Config{Name: name, Stderr: io.Discard},
		Timeout: timeout,
	})
	if err != nil {
		return nil, err
	}
	v := &report.Verified{Cases: []report.Case{}}
	for i, c := range r.Cases {
		if errors.Is(c.Err, runtime.ErrNeedsMultiMemory) {
			return nil, c.Err
		}
		if len(cases) == 0 && c.Err == nil {
			continue
		}
		rc := report.Case{Name: c.Case.Name, OK: c.Err == nil, Got: c.Got, Seconds: c.Duration.Seconds()}
		if c.Err != nil {
			rc.Error = firstLines(c.Err.Error())
		}
		if i < len(cases) {
			rc.Want = wanted(cases[i].Expect, cases[i].Run != nil)
		}
		v.Cases = append(v.Cases, rc)
	}
	v.Seconds = time.Since(began).Seconds()
	return v, nil
}

// engineCases turns the cases of a configuration into those of the engine.
func engineCases(cases []config.Case) []runtime.Case {
	engine := make([]runtime.Case, len(cases))
	for i, c := range cases {
		engine[i] = runtime.Case{
			Name: c.Name, Invoke: c.Invoke, Expect: c.Expect.Value, Trap: c.Expect.Trap,
			Run: c.Run, Exit: c.Expect.Exit, Stdout: c.Expect.Stdout,
		}
	}
	return engine
}

// wanted is the expectation of a case as text.
func wanted(e config.Expect, command bool) string {
	switch {
	case !command && e.Trap:
		return "a trap"
	case !command:
		return e.Value
	case e.Stdout != nil:
		return fmt.Sprintf("exit %d, %q on standard output", e.Exit, *e.Stdout)
	}
	return fmt.Sprintf("exit %d", e.Exit)
}

// firstLines cuts the engine's stack traces short.
func firstLines(s string) string {
	const most = 8
	lines := strings.SplitN(strings.TrimRight(s, "\n"), "\n", most+1)
	if len(lines) > most {
		lines[most] = "..."
	}
	return strings.Join(lines, "\n")
}
