package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/wbundle/wbundle/runtime"
)

func (a *app) runCommand() *cobra.Command {
	var invoke string
	var env, dirs []string
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:   "run FILE [-- ARG...]",
		Short: "Run a command, or call an export",
		Long: `run executes FILE, a core module or a component, in the embedded engine: as a
command (WASI preview1 _start, or wasi:cli/run) with the arguments behind --,
or with --invoke as a library of which it calls one export and prints the
result. The exit code is that of the command.`,
		Example: `  wbundle run tool.wasm -- --help
  wbundle run --dir data=./assets tool.wasm
  wbundle run out.wasm --invoke 'demo:calc/ops#add(2, 3)'`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if at := cmd.ArgsLenAtDash(); at == 0 || at < 0 && len(args) > 1 || at > 1 {
				return usagef("name one file, and put the arguments of the program behind --")
			}
			if invoke != "" && len(args) > 1 {
				return usagef("--invoke calls an export; arguments behind -- are for commands")
			}
			in, err := a.readFile(a.path(args[0]))
			if err != nil {
				return err
			}
			cfg := runtime.Config{
				Name: in.path, Env: env, Stdin: a.stdin, Stdout: a.stdout, Stderr: a.stderr,
				Args: append([]string{programName(in.path)}, args[1:]...),
			}
			for _, kv := range env {
				if !strings.Contains(kv, "=") {
					return usagef("--env %s: want NAME=VALUE", kv)
				}
			}
			for _, d := range dirs {
				guest, host, ok := strings.Cut(d, "=")
				if !ok || guest == "" || host == "" {
					return usagef("--dir %s: want GUEST=HOST", d)
				}
				cfg.Mounts = append(cfg.Mounts, runtime.Mount{Guest: guest, Host: a.path(host)})
			}
			ctx := cmd.Context()
			if timeout > 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, timeout)
				defer cancel()
			}
			if invoke != "" {
				return a.invoke(ctx, in, cfg, invoke)
			}
			code, err := runtime.Run(ctx, in.bytes, cfg)
			if err != nil {
				return runError(in.path, err)
			}
			if code != 0 {
				return exitStatus(code)
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&invoke, "invoke", "", "make this `CALL`, in WAVE, and print the result")
	f.StringArrayVar(&env, "env", nil, "set an environment variable: `NAME=VALUE`, repeatable")
	f.StringArrayVar(&dirs, "dir", nil, "show the program a directory: `GUEST=HOST`, repeatable")
	f.DurationVar(&timeout, "timeout", 0, "give up after this `TIME`, such as 10s")
	return cmd
}

// invoke calls one export and prints its result.
func (a *app) invoke(ctx context.Context, in input, cfg runtime.Config, call string) (err error) {
	inst, err := runtime.Open(ctx, in.bytes, cfg)
	if err != nil {
		return runError(in.path, err)
	}
	defer func() { err = errors.Join(err, inst.Close(context.WithoutCancel(ctx))) }()
	result, err := inst.Invoke(ctx, call)
	if err != nil {
		return runError(in.path, err)
	}
	if a.json {
		return a.printJSON(map[string]string{"call": call, "result": result})
	}
	fmt.Fprintln(a.stdout, result)
	return nil
}

// exitStatus is the exit code of a command that was run; it is not an error of
// wbundle's, so nothing is printed.
type exitStatus int

func (e exitStatus) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// runError words an error of the engine.
func runError(path string, err error) error {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%s: took too long: %w", path, err)
	case errors.Is(err, runtime.ErrNeedsMultiMemory):
		return &hinted{err, "build it with --memory single, or run it in an engine with multi-memory"}
	}
	if exit, ok := errors.AsType[*runtime.ExitError](err); ok {
		return exitStatus(exit.Code)
	}
	if strings.HasPrefix(err.Error(), path+":") {
		return err
	}
	return fmt.Errorf("%s: %w", path, err)
}

// programName is argv[0] of a program.
func programName(path string) string {
	if path == "-" {
		return "main"
	}
	return strings.TrimSuffix(filepath.Base(path), ".wasm")
}
