// Command wbundle bundles and links WebAssembly components and core modules.
//
//	wbundle build app.wasm lib.wasm -o out.wasm
//	wbundle build                    # what wasm.bundle.yaml says
//
// Data (JSON, binaries, WIT, graphs) goes to standard output; progress,
// summaries and errors go to standard error. The exit code is 0 when all went
// well, 1 for an error in the inputs or the build, 2 for a mistake on the
// command line or in the configuration, and 3 when verification failed.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"github.com/wbundle/wbundle/internal/config"
	"github.com/wbundle/wbundle/internal/nearest"
	"github.com/wbundle/wbundle/internal/report"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// app is one run of the program: its streams and the global flags.
type app struct {
	stdin          io.Reader
	stdout, stderr io.Writer

	configFile string
	dir        string
	output     string
	json       bool
	color      string
	quiet      bool
	verbose    bool
	cpuProfile string
	memProfile string

	style report.Style // of standard error
	// started says that a verb got to run: errors before that are about the
	// command line.
	started  bool
	progress *progress
	closers  []func() error
}

// run is main with its surroundings as arguments; it returns the exit code.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	a := &app{stdin: stdin, stdout: stdout, stderr: stderr, color: "auto"}
	root := a.command()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	for _, c := range a.closers {
		err = errors.Join(err, c())
	}
	if err == nil {
		return exitOK
	}
	if !a.started {
		err = &usageError{err}
	}
	return a.fail(err)
}

// command builds the command tree.
func (a *app) command() *cobra.Command {
	root := &cobra.Command{
		Use:   "wbundle",
		Short: "Bundle and link WebAssembly components",
		Long:  "wbundle links WebAssembly components and core modules into one module or component.",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			var verbs []string
			for _, c := range cmd.Commands() {
				verbs = append(verbs, c.Name())
			}
			return fmt.Errorf("unknown command %q%s", args[0], config.DidYouMean(args[0], verbs))
		},
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return cmd.Help()
		},
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error { return a.setUp(cmd) },
	}
	f := root.PersistentFlags()
	f.StringVarP(&a.configFile, "config", "c", "", "read the configuration from `FILE` (default "+config.FileName+")")
	f.StringVarP(&a.dir, "directory", "C", "", "resolve relative paths in `DIR`")
	f.StringVarP(&a.output, "output", "o", "", "write to `OUT`; - is standard output")
	f.BoolVar(&a.json, "json", false, "print JSON on standard output")
	f.StringVar(&a.color, "color", "auto", "colour messages: `auto|always|never`")
	f.BoolVarP(&a.quiet, "quiet", "q", false, "print errors only")
	f.BoolVarP(&a.verbose, "verbose", "v", false, "print more")
	f.StringVar(&a.cpuProfile, "cpuprofile", "", "write a CPU profile to `FILE`")
	f.StringVar(&a.memProfile, "memprofile", "", "write a memory profile to `FILE`")
	for _, hidden := range []string{"cpuprofile", "memprofile"} {
		if err := f.MarkHidden(hidden); err != nil {
			panic(err)
		}
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		unknown, ok := errors.AsType[*pflag.NotExistError](err)
		if !ok {
			return err
		}
		var names []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if !f.Hidden {
				names = append(names, f.Name)
			}
		})
		if near := nearest.Name(unknown.GetSpecifiedName(), names); near != "" {
			return fmt.Errorf("%w; did you mean --%s?", err, near)
		}
		return fmt.Errorf("%w; wbundle %s --help lists the flags", err, cmd.Name())
	})
	root.AddCommand(
		a.buildCommand(), a.checkCommand(), a.inspectCommand(), a.graphCommand(),
		a.verifyCommand(), a.runCommand(), a.sizeCommand(), a.whyCommand(), a.diffCommand(), a.reportCommand(), a.versionCommand(),
	)
	return root
}

// writesFile marks the verbs for which -o means something.
const writesFile = "writes-file"

// setUp checks the global flags; it runs before every verb.
func (a *app) setUp(cmd *cobra.Command) error {
	switch a.color {
	case "always":
		a.style.Color = true
	case "never":
	case "auto":
		a.style.Color = a.terminal(a.stderr) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	default:
		return fmt.Errorf("--color: unknown value %q; there is auto, always, never", a.color)
	}
	if a.quiet && a.verbose {
		return errors.New("-q and -v exclude each other")
	}
	if a.output != "" && cmd.Annotations[writesFile] == "" {
		return fmt.Errorf("wbundle %s writes no file; -o has no meaning for it", cmd.Name())
	}
	if err := a.profiles(); err != nil {
		return err
	}
	a.progress = newProgress(a)
	a.started = true
	return nil
}

// profiles starts what --cpuprofile and --memprofile ask for.
func (a *app) profiles() error {
	if a.cpuProfile != "" {
		f, err := os.Create(a.cpuProfile)
		if err != nil {
			return err
		}
		if err := pprof.StartCPUProfile(f); err != nil {
			return errors.Join(err, f.Close())
		}
		a.closers = append(a.closers, func() error { pprof.StopCPUProfile(); return f.Close() })
	}
	if a.memProfile != "" {
		a.closers = append(a.closers, func() error {
			f, err := os.Create(a.memProfile)
			if err != nil {
				return err
			}
			runtime.GC()
			return errors.Join(pprof.WriteHeapProfile(f), f.Close())
		})
	}
	return nil
}

// terminal reports whether stream is a terminal.
func (a *app) terminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// path is a path of the command line, relative to -C.
func (a *app) path(p string) string {
	if a.dir == "" || p == "-" || filepath.IsAbs(p) {
		return p
	}
	return filepath.Join(a.dir, p)
}

// note prints a message that -q turns off.
func (a *app) note(format string, args ...any) {
	if !a.quiet {
		a.progress.clear()
		fmt.Fprintf(a.stderr, format+"\n", args...)
	}
}

// printJSON writes v to standard output.
func (a *app) printJSON(v any) error {
	return writeJSON(a.stdout, v)
}

// plural is "1 case", "2 cases".
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return report.Exact(n) + " " + noun + "s"
}

// list joins words for a sentence.
func list(words []string) string { return strings.Join(words, ", ") }
