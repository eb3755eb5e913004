package runtime

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/wbundle/wbundle/internal/wit"
)

// Case is one check: a call, or a run of a command. Exactly one of Invoke and
// Run is set.
type Case struct {
	Name string

	// Invoke is a call in WAVE, "demo:calc/ops#add(2, 3)".
	Invoke string
	// Expect is the result in WAVE, read by the type of the function; "" and
	// "()" stand for no result. It is ignored when Trap is set, and when
	// AnyResult is.
	Expect string
	// Trap says that the call, or the instantiation, must trap.
	Trap bool
	// AnyResult accepts every result that is not a trap.
	AnyResult bool

	// Run is the arguments of a command, program name first. They replace
	// Config.Args.
	Run []string
	// Exit is the exit code that Run must end with.
	Exit int
	// Stdout, when not nil, is what Run must write to standard output.
	Stdout *string

	// SameInstance makes a call use the instance that the call before it left,
	// instead of a fresh one.
	SameInstance bool
}

// Options are the options of Verify.
type Options struct {
	Config Config
	// Timeout bounds each case, instantiation included; 0: none. Code that
	// runs longer is stopped and the case fails.
	Timeout time.Duration
}

// CaseResult is the outcome of one case.
type CaseResult struct {
	Case Case
	// Got is the result in WAVE, "trap: …", "exit status …", or "".
	Got string
	// Err is why the case failed, nil when it passed.
	Err error
	// Duration is the time the case took, instantiation included.
	Duration time.Duration
}

// Report is the outcome of Verify.
type Report struct {
	Cases  []CaseResult
	Failed int // number of cases with an error
}

// OK says that no case failed.
func (r *Report) OK() bool { return r.Failed == 0 }

// Verify runs cases against wasm, a core bundle or a component. Results are
// compared as values of the result type, not as text. Without cases it checks
// that wasm can be instantiated, with stubs that trap for imports it is not
// given; that check has the name "instantiate" in the report. The error is
// about wasm as a whole (it cannot be decoded); cases that fail are in the
// report.
func Verify(ctx context.Context, wasm []byte, cases []Case, o Options) (r Report, err error) {
	p, err := Compile(ctx, wasm, o.Config.Name)
	if err != nil {
		return Report{}, err
	}
	defer func() { err = errors.Join(err, p.Close(context.WithoutCancel(ctx))) }()
	return p.Verify(ctx, cases, o)
}

// Verify runs cases against the program; see the function Verify.
func (p *Program) Verify(ctx context.Context, cases []Case, o Options) (r Report, err error) {
	v := &verifier{p: p, o: o}
	defer func() { err = errors.Join(err, v.close(context.WithoutCancel(ctx))) }()
	if len(cases) == 0 {
		cases = []Case{{Name: "instantiate"}}
	}
	for _, c := range cases {
		if err := ctx.Err(); err != nil {
			return r, err
		}
		start := time.Now()
		got, err := v.run(ctx, c)
		if err != nil {
			r.Failed++
		}
		r.Cases = append(r.Cases, CaseResult{Case: c, Got: got, Err: err, Duration: time.Since(start)})
	}
	return r, nil
}

type verifier struct {
	p    *Program
	o    Options
	last *Instance // of the call before, for SameInstance
}

func (v *verifier) close(ctx context.Context) error {
	if v.last == nil {
		return nil
	}
	inst := v.last
	v.last = nil
	return inst.Close(ctx)
}

// run runs one case and returns what it gave and why that is wrong.
func (v *verifier) run(ctx context.Context, c Case) (string, error) {
	if v.o.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, v.o.Timeout)
		defer cancel()
	}
	if c.Run != nil {
		return v.runCommand(ctx, c)
	}
	if !c.SameInstance || v.last == nil {
		if err := v.close(context.WithoutCancel(ctx)); err != nil {
			return "", err
		}
		inst, err := v.p.Instantiate(ctx, v.o.Config)
		if err != nil {
			return v.outcome(ctx, c, Value{}, nil, err)
		}
		v.last = inst
	}
	if c.Invoke == "" {
		return v.outcome(ctx, Case{AnyResult: !c.Trap, Trap: c.Trap}, Value{}, nil, nil)
	}
	call, err := wit.ParseCall(c.Invoke)
	if err != nil {
		return "", fmt.Errorf("invoke: %w", err)
	}
	f, err := v.last.Function(call.Name)
	if err != nil {
		return "", err
	}
	args, err := call.ParseArgs(f.Type.Params)
	if err != nil {
		return "", fmt.Errorf("invoke: %w", err)
	}
	got, err := v.last.engine.call(ctx, f.Name, args)
	return v.outcome(ctx, c, got, f.Type, err)
}

// outcome judges the result of a call.
func (v *verifier) outcome(ctx context.Context, c Case, got Value, t *FuncType, err error) (string, error) {
	var trap *Trap
	switch {
	case errors.As(err, &trap):
		if c.Trap {
			return trap.Error(), nil
		}
		return trap.Error(), trap
	case err != nil && v.o.Timeout > 0 && errors.Is(ctx.Err(), context.DeadlineExceeded):
		return "", fmt.Errorf("no result within %v: %w", v.o.Timeout, ctx.Err())
	case err != nil:
		return "", err
	}
	text := got.String()
	switch {
	case c.Trap:
		return text, fmt.Errorf("returned %s, want a trap", text)
	case c.AnyResult:
		return text, nil
	case t == nil || t.Result == nil:
		if c.Expect != "" && c.Expect != "()" {
			return text, fmt.Errorf("the function has no result, want %s", c.Expect)
		}
		return text, nil
	}
	want, err := wit.Parse(c.Expect, t.Result)
	if err != nil {
		return text, fmt.Errorf("expect: %w", err)
	}
	if !wit.Equal(got, want) {
		return text, fmt.Errorf("returned %s, want %s", text, want)
	}
	return text, nil
}

func (v *verifier) runCommand(ctx context.Context, c Case) (string, error) {
	cfg := v.o.Config
	cfg.Args = c.Run
	var stdout bytes.Buffer
	if c.Stdout != nil {
		cfg.Stdout = &stdout
	}
	code, err := v.p.Run(ctx, cfg)
	var trap *Trap
	switch {
	case errors.As(err, &trap) && c.Trap:
		return trap.Error(), nil
	case err != nil && v.o.Timeout > 0 && errors.Is(ctx.Err(), context.DeadlineExceeded):
		return "", fmt.Errorf("did not end within %v: %w", v.o.Timeout, ctx.Err())
	case err != nil:
		return "", err
	}
	got := fmt.Sprintf("exit status %d", code)
	switch {
	case c.Trap:
		return got, fmt.Errorf("%s, want a trap", got)
	case code != c.Exit:
		return got, fmt.Errorf("%s, want %d", got, c.Exit)
	case c.Stdout != nil && stdout.String() != *c.Stdout:
		return got, fmt.Errorf("standard output is %q, want %q", stdout.String(), *c.Stdout)
	}
	return got, nil
}
