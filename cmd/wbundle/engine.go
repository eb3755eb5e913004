package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/wbundle/wbundle/internal/component"
	"github.com/wbundle/wbundle/internal/config"
	"github.com/wbundle/wbundle/internal/report"
	"github.com/wbundle/wbundle/linker"
	"github.com/wbundle/wbundle/runtime"
)

// defaultTimeout bounds a case when the configuration does not: a bundle that
// loops must not hang the build.
const defaultTimeout = time.Minute

// embedded is what reports call the engine that is part of wbundle.
const embedded = "wazero"

// subject is something to try out: an output, and what it was made of.
type subject struct {
	path    string
	binary  []byte
	onDisk  bool            // it was read, not made: nothing may stand in for it
	summary *linker.Summary // of the link that made it; nil: there is none
	inputs  []linker.Input  // none: there is nothing to compare with
	opts    linker.Options  // the output was made with them, or would be
}

// verifySubject tries out an output: its cases, and, where the job wants it, a
// comparison with the unbundled inputs. The embedded engine has no
// multi-memory, so the same link with one memory stands in for such an output
// of a build; that is said in the report. The output itself runs in wasmtime
// where that is installed.
func (a *app) verifySubject(ctx context.Context, j *job, s subject) (v *report.Verified, err error) {
	a.progress.step("verify", 0, 0)
	p, v, err := tryOut(ctx, j, s.path, s.binary)
	multi := errors.Is(err, runtime.ErrNeedsMultiMemory)
	if multi {
		if s.inputs == nil {
			return &report.Verified{Skipped: "the file needs multi-memory, which the engine does not have; wbundle build verifies its twin with a single memory"}, nil
		}
		opts := s.opts
		opts.Memory = linker.MemorySingle
		twin, err := linker.Link(ctx, s.inputs, opts)
		if err != nil {
			return &report.Verified{Skipped: fmt.Sprintf("the engine has no multi-memory, and the inputs do not link into one memory: %v", err)}, nil
		}
		s.summary = &twin.Summary
		if p, v, err = tryOut(ctx, j, s.path, twin.Output); err != nil {
			return nil, err
		}
		v.How = "as its twin with a single memory, for the engine has no multi-memory"
	} else if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.Close(context.WithoutCancel(ctx))) }()
	if multi {
		var also *report.Verified
		if w := findWasmtime(ctx); w != nil && len(j.cases) > 0 && component.IsComponent(s.binary) {
			if also, err = w.runCases(ctx, s.binary, p, j.cases, j.timeout); err != nil {
				return nil, err
			}
		}
		switch {
		case !s.onDisk:
			v.Also = also
		case also != nil:
			return also, nil
		default:
			return &report.Verified{Skipped: "the file needs multi-memory, which the engine does not have; wbundle build verifies its twin with a single memory"}, nil
		}
	}
	if s.inputs != nil && j.compare.on() {
		a.progress.step("compare", 0, 0)
		if s.summary == nil {
			if s.summary, err = plan(ctx, s.inputs, s.opts); err != nil {
				v.Compared = j.notCompared("the inputs do not link: " + err.Error())
				return v, nil
			}
		}
		v.Compared = j.compareWith(ctx, j.unbundled(ctx, s.inputs, s.summary), p, s.summary)
	}
	return v, nil
}

// tryOut compiles a binary and runs the cases in it. The program is nil when
// there is an error.
func tryOut(ctx context.Context, j *job, path string, binary []byte) (*runtime.Program, *report.Verified, error) {
	p, err := runtime.Compile(ctx, binary, path)
	if err != nil {
		return nil, nil, err
	}
	v, err := runCases(ctx, path, p, j.cases, j.timeout)
	if err != nil {
		return nil, nil, errors.Join(err, p.Close(context.WithoutCancel(ctx)))
	}
	return p, v, nil
}

// runCases runs cases in a program. Without cases it is instantiated, which is
// a case only if it fails.
func runCases(ctx context.Context, name string, p *runtime.Program, cases []config.Case, timeout time.Duration) (*report.Verified, error) {
	if timeout == 0 {
		timeout = defaultTimeout
	}
	began := time.Now()
	r, err := p.Verify(ctx, engineCases(cases), runtime.Options{
		Config:  runtime.Config{Name: name, Stderr: io.Discard},
		Timeout: timeout,
	})
	if err != nil {
		return nil, err
	}
	v := &report.Verified{Engine: embedded, Cases: []report.Case{}}
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
