package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/wbundle/wbundle/runtime"
)

func (a *app) runCommand() *cobra.Command {
	var invoke string
	var env, dirs []string
	var timeout time.Duration
	var memory byteSize
	var allowHTTP bool
	cmd := &cobra.Command{
		Use:   "run FILE [-- ARG...]",
		Short: "Run a command, or call an export",
		Long: `run executes FILE, a core module or a component, in the embedded engine: as a
command (WASI preview 1 _start, or wasi:cli/run) with the arguments behind --,
or with --invoke as a library of which it calls one export and prints the
result. The exit code is that of the command; a trap is 1.

The program gets the standard streams, its arguments, clocks and random
numbers, and nothing else that is not named: no environment variables, no
directories, no network. No path leads out of a directory of --dir, symbolic
links included. Sockets are denied always, HTTP requests without --allow-http.`,
		Example: `  wbundle run tool.wasm -- --help
  wbundle run --dir /data=./assets --env LOG=debug tool.wasm -- /data/in.txt
  wbundle run --memory-limit 64MiB --timeout 10s tool.wasm < in.txt
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
				Args:        append([]string{programName(in.path)}, args[1:]...),
				MemoryLimit: uint64(memory),
			}
			if allowHTTP {
				cfg.HTTP = http.DefaultTransport
			}
			for _, kv := range env {
				if strings.Index(kv, "=") < 1 {
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
	f.Var(&memory, "memory-limit", "let each memory grow to `SIZE` at most, such as 64MiB")
	f.BoolVar(&allowHTTP, "allow-http", false, "let the program make HTTP requests (WASI 0.2)")
	f.DurationVar(&timeout, "timeout", 0, "give up after this `TIME`, such as 10s")
	return cmd
}

// byteSize is a flag: a number of bytes with or without a unit, at least a page
// of memory.
type byteSize uint64

// sizeUnits are the units of a byteSize.
var sizeUnits = []struct {
	name string
	size uint64
}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"kB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"B", 1}, {"", 1}}

// Set implements pflag.Value.
func (b *byteSize) Set(text string) error {
	const page = 64 << 10
	for _, u := range sizeUnits {
		number, ok := strings.CutSuffix(text, u.name)
		if !ok {
			continue
		}
		n, err := strconv.ParseUint(strings.TrimSpace(number), 10, 32)
		if err != nil {
			break
		}
		if n*u.size < page {
			return errors.New("a memory has pages of 64 KiB; want one at least")
		}
		*b = byteSize(n * u.size)
		return nil
	}
	return errors.New("want a size such as 64MiB")
}

// String implements pflag.Value.
func (b *byteSize) String() string {
	if *b == 0 {
		return ""
	}
	return fmt.Sprint(uint64(*b))
}

// Type implements pflag.Value.
func (b *byteSize) Type() string { return "size" }

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
