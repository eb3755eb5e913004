package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/wbundle/wbundle/internal/component"
	"github.com/wbundle/wbundle/internal/config"
	"github.com/wbundle/wbundle/internal/report"
	"github.com/wbundle/wbundle/linker"
)

// verified is what `wbundle verify --json` prints, one for each file.
type verified struct {
	Path string `json:"path"`
	*report.Verified
}

// verifyFlags are the flags of verify.
type verifyFlags struct {
	invoke, expect, profile string
	seed                    uint64
	calls                   int
	timeout                 time.Duration
}

func (a *app) verifyCommand() *cobra.Command {
	var f verifyFlags
	cmd := &cobra.Command{
		Use:   "verify [FILE]",
		Short: "Try out an output, and compare it with the unbundled inputs",
		Long: `verify runs the cases of wasm.bundle.yaml against FILE, or against its outputs
as they are on disk. Then it runs FILE and the unbundled inputs side by side, on
the cases and on generated calls of every export, and compares results, traps
and the calls of imports. A difference is reduced to a short sequence of calls.

A FILE without a configuration is instantiated. With --invoke verify makes one
call instead, and needs no configuration.`,
		Example: `  wbundle verify
  wbundle verify dist/shop.wasm --seed 7 --calls 500
  wbundle verify out.wasm --invoke 'add(2, 3)' --expect 5
  wbundle verify out.wasm --invoke 'div(1, 0)' --expect trap`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			j, paths, err := a.verifyJob(&f, args, cmd.Flags().Changed)
			if err != nil {
				return err
			}
			return errors.Join(a.verify(cmd.Context(), j, paths), j.close(cmd.Context()))
		},
	}
	fs := cmd.Flags()
	fs.StringVar(&f.invoke, "invoke", "", "make this `CALL`, in WAVE, instead of the cases of the configuration")
	fs.StringVar(&f.expect, "expect", "", "what --invoke must give: a `VALUE` in WAVE, or trap")
	fs.StringVar(&f.profile, "profile", "", "apply the profile `NAME` of the configuration")
	fs.Uint64Var(&f.seed, "seed", defaultSeed, "choose the generated calls: the same `N` gives the same")
	fs.IntVar(&f.calls, "calls", fullCalls, "generated calls of each export; 0 compares nothing")
	fs.DurationVar(&f.timeout, "timeout", 0, "the `TIME` that one case or call may take, such as 10s")
	return cmd
}

// verifyJob is what verify has to do, and the files to do it to.
func (a *app) verifyJob(f *verifyFlags, args []string, changed func(flag string) bool) (*job, []string, error) {
	switch {
	case (f.invoke == "") != (f.expect == ""):
		return nil, nil, usagef("--invoke and --expect go together")
	case f.calls < 0:
		return nil, nil, usagef("--calls %d: want a number of calls, or 0", f.calls)
	case changed("timeout") && f.timeout <= 0:
		return nil, nil, usagef("--timeout %v: want a time, such as 10s", f.timeout)
	}
	// A file alone needs no configuration: it is instantiated.
	if len(args) > 0 && (f.invoke != "" || a.configFile == "" && f.profile == "" && !exists(a.path(config.FileName))) {
		for _, flag := range []string{"seed", "calls"} {
			if changed(flag) {
				return nil, nil, usagef("--%s is about the comparison with the inputs of a configuration, and there is none to this", flag)
			}
		}
		j := &job{timeout: f.timeout}
		if f.invoke != "" {
			c := config.Case{Name: f.invoke, Invoke: f.invoke, Expect: config.Expect{Value: f.expect}}
			if f.expect == "trap" {
				c.Expect = config.Expect{Trap: true}
			}
			j.cases = []config.Case{c}
		}
		return j, []string{a.path(args[0])}, nil
	}
	j, err := a.configJob(&linkFlags{profile: f.profile})
	if err != nil {
		return nil, nil, err
	}
	j.compare.seed, j.compare.calls = f.seed, f.calls
	j.compare.call, j.compare.budget = fullTimeout, fullBudget
	if f.timeout > 0 {
		j.timeout, j.compare.call = f.timeout, f.timeout
	}
	var paths []string
	for _, o := range j.outputs {
		paths = append(paths, o.Path)
	}
	if len(args) > 0 {
		paths = []string{a.path(args[0])}
	}
	if len(paths) == 0 {
		return nil, nil, usagef("%s has no outputs; name the file to verify", j.cfg.File)
	}
	return j, paths, nil
}

// verify runs the cases against files; all of them, even when one fails.
func (a *app) verify(ctx context.Context, j *job, paths []string) error {
	var all []verified
	failed, skipped := 0, 0
	inputs, reason := a.inputsOf(ctx, j)
	for _, path := range paths {
		in, err := a.readFile(path)
		if err != nil {
			return err
		}
		a.progress.start(in.path)
		s := subject{path: in.path, binary: in.bytes, onDisk: true, inputs: inputs}
		if inputs != nil {
			s.opts = j.options(j.outputLike(in.path, in.bytes), a.progress)
		}
		j.compare.again = fmt.Sprintf("wbundle verify %s --seed %d --calls %d", in.path, j.compare.seed, j.compare.calls)
		v, err := a.verifySubject(ctx, j, s)
		if err != nil {
			return fmt.Errorf("%s: %w", in.path, err)
		}
		if reason != "" && j.compare.on() {
			v.Compared = j.notCompared(reason)
		}
		if v.Skipped != "" {
			skipped++
		}
		all = append(all, verified{in.path, v})
		failed += v.Failed()
		a.note("%s: %s", in.path, v.Text(a.style))
		if v.Compared != nil && !a.quiet {
			a.note("  compared %s", v.Compared.Text(a.style))
			v.Compared.Details(a.stderr)
		}
		a.progress.clear()
		v.Failures(a.stderr, a.style)
	}
	if a.json {
		if err := a.printJSON(all); err != nil {
			return err
		}
	}
	switch {
	case failed > 0:
		return &hinted{&verifyError{"verification failed"}, ""}
	case skipped == len(paths):
		return &hinted{&verifyError{"nothing could be verified"}, "verify the single-memory output, or let wbundle build do it"}
	}
	return nil
}

// inputsOf reads the inputs of the configuration, or says why that cannot be.
// Cases can do without them: a file may be verified where its inputs are not.
func (a *app) inputsOf(ctx context.Context, j *job) (inputs []linker.Input, reason string) {
	if j.cfg == nil {
		return nil, ""
	}
	a.progress.step("read", 0, 0)
	read, err := a.read(ctx, j.sources)
	if err != nil {
		return nil, "the inputs cannot be read: " + firstLines(err.Error())
	}
	return linkInputs(read), ""
}

// outputLike is the output of the configuration that a file is, or could be.
func (j *job) outputLike(path string, binary []byte) config.Output {
	format := string(linker.FormatCore)
	if component.IsComponent(binary) {
		format = string(linker.FormatComponent)
	}
	for _, o := range j.outputs {
		if sameFile(o.Path, path) && o.Format == format {
			return o
		}
	}
	return config.Output{Format: format, Path: path, Memory: j.link.Memory}
}

// plan links the inputs into one memory for the sake of what the linker says
// of it: the wires, and the windows of the memory. Inputs that do not fit into
// one memory have wires all the same.
func plan(ctx context.Context, inputs []linker.Input, opts linker.Options) (*linker.Summary, error) {
	var errs []error
	for _, memory := range []linker.Memory{linker.MemorySingle, linker.MemoryMulti} {
		opts.Memory = memory
		r, err := linker.Link(ctx, inputs, opts)
		if err == nil {
			return &r.Summary, nil
		}
		errs = append(errs, err)
	}
	return nil, errs[0]
}

// readFile reads one file that is named on the command line or by the
// configuration's outputs.
func (a *app) readFile(path string) (input, error) {
	if path == "-" && a.terminal(a.stdin) {
		return input{}, usagef("- is standard input, which is a terminal")
	}
	in, err := a.readOne(source{id: path, path: path})
	if errors.Is(err, os.ErrNotExist) {
		return in, fmt.Errorf("%s: no such file%s", path, nearestFile(path, os.ErrNotExist))
	}
	return in, err
}
