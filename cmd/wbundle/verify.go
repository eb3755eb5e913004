package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/wbundle/wbundle/internal/config"
	"github.com/wbundle/wbundle/internal/report"
	"github.com/wbundle/wbundle/runtime"
)

// verified is what `wbundle verify --json` prints, one for each file.
type verified struct {
	Path string `json:"path"`
	*report.Verified
}

func (a *app) verifyCommand() *cobra.Command {
	var invoke, expect, profile string
	cmd := &cobra.Command{
		Use:   "verify [FILE]",
		Short: "Run the cases of the configuration against an output",
		Long: `verify runs the cases of wasm.bundle.yaml against FILE, or against its outputs
as they are on disk. A FILE without a configuration is instantiated. With
--invoke it makes one call instead, and needs no configuration.`,
		Example: `  wbundle verify
  wbundle verify dist/shop.wasm
  wbundle verify out.wasm --invoke 'add(2, 3)' --expect 5
  wbundle verify out.wasm --invoke 'div(1, 0)' --expect trap`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if (invoke == "") != (expect == "") {
				return usagef("--invoke and --expect go together")
			}
			j := &job{}
			var paths []string
			// A file alone needs no configuration: it is instantiated.
			alone := len(args) > 0 && (invoke != "" || a.configFile == "" && profile == "" && !exists(a.path(config.FileName)))
			if !alone {
				cfg, err := a.loadConfig(profile)
				if err != nil {
					return err
				}
				j.cases, j.timeout = cfg.Verify.Cases, cfg.Verify.Timeout
				for _, o := range cfg.Outputs {
					paths = append(paths, o.Path)
				}
				if len(paths) == 0 && len(args) == 0 {
					return usagef("%s has no outputs; name the file to verify", cfg.File)
				}
			}
			if len(args) > 0 {
				paths = []string{a.path(args[0])}
			}
			if invoke != "" {
				c := config.Case{Name: invoke, Invoke: invoke, Expect: config.Expect{Value: expect}}
				if expect == "trap" {
					c.Expect = config.Expect{Trap: true}
				}
				j.cases = []config.Case{c}
			}
			return a.verify(cmd.Context(), j, paths)
		},
	}
	cmd.Flags().StringVar(&invoke, "invoke", "", "make this `CALL`, in WAVE, instead of the cases of the configuration")
	cmd.Flags().StringVar(&expect, "expect", "", "what --invoke must give: a `VALUE` in WAVE, or trap")
	cmd.Flags().StringVar(&profile, "profile", "", "apply the profile `NAME` of the configuration")
	return cmd
}

// verify runs the cases against files; all of them, even when one fails.
func (a *app) verify(ctx context.Context, j *job, paths []string) error {
	var all []verified
	failed, skipped := 0, 0
	for _, path := range paths {
		in, err := a.readFile(path)
		if err != nil {
			return err
		}
		a.progress.start(in.path)
		a.progress.step("verify", 0, 0)
		v, err := runCases(ctx, in.path, in.bytes, j.cases, j.timeout)
		if errors.Is(err, runtime.ErrNeedsMultiMemory) {
			v, err = &report.Verified{Skipped: "the file needs multi-memory, which the engine does not have; wbundle build verifies its twin with a single memory"}, nil
			skipped++
		}
		if err != nil {
			return fmt.Errorf("%s: %w", in.path, err)
		}
		all = append(all, verified{in.path, v})
		failed += v.Failed()
		a.note("%s: %s", in.path, v.Text(a.style))
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
