package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/wbundle/wbundle/internal/report"
)

// checked is what `wbundle check --json` prints, one for each input.
type checked struct {
	ID      string `json:"id"`
	Path    string `json:"path"`
	OK      bool   `json:"ok"`
	Kind    string `json:"kind,omitempty"`
	Bytes   int    `json:"bytes"`
	Modules int    `json:"modules,omitempty"` // core modules in a component
	Error   string `json:"error,omitempty"`
}

func (a *app) checkCommand() *cobra.Command {
	var profile string
	cmd := &cobra.Command{
		Use:   "check [INPUT...]",
		Short: "Say whether inputs are valid, and what they are",
		Long: `check decodes every input, with all that is nested in it, type-checks its core
modules, and says what it is or what is wrong with it. Without INPUT it checks the configuration and its
inputs.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			var sources []source
			if len(args) > 0 {
				var err error
				if sources, err = a.sources(args); err != nil {
					return err
				}
			} else {
				cfg, err := a.loadConfig(profile)
				if err != nil {
					return err
				}
				for _, in := range cfg.Inputs {
					sources = append(sources, source{id: in.ID, path: in.Path, sha256: in.SHA256, where: cfg.At(in.Pos)})
				}
			}
			return a.check(cmd.Context(), sources)
		},
	}
	cmd.Flags().StringVar(&profile, "profile", "", "apply the profile `NAME` of the configuration")
	return cmd
}

// check looks at all inputs, in parallel, and reports in their order.
func (a *app) check(ctx context.Context, sources []source) error {
	results := make([]checked, len(sources))
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, s := range sources {
		g.Go(func() error {
			results[i] = a.checkOne(ctx, s)
			return nil
		})
	}
	g.Wait()
	bad := 0
	for _, r := range results {
		if !r.OK {
			bad++
		}
	}
	if a.json {
		if err := a.printJSON(results); err != nil {
			return err
		}
	}
	var errs []error
	for _, r := range results {
		switch {
		case !r.OK:
			errs = append(errs, errors.New(r.Error))
		case !a.json && !a.quiet:
			what := r.Kind
			if r.Modules > 0 {
				what += " of " + plural(r.Modules, "core module")
			}
			fmt.Fprintf(a.stdout, "%s: ok, %s, %s B\n", r.Path, what, report.Exact(r.Bytes))
		}
	}
	return errors.Join(errs...)
}

func (a *app) checkOne(ctx context.Context, s source) checked {
	r := checked{ID: s.id, Path: s.path}
	err := ctx.Err()
	if err == nil {
		var in input
		in, err = a.readOne(s)
		r.Path, r.Bytes = in.path, len(in.bytes)
		if err == nil {
			var u *unit
			if u, err = decode(in.path, in.bytes); err == nil {
				err = validate(ctx, u)
			}
			if err == nil {
				r.OK, r.Kind, r.Modules = true, u.kind(), len(u.modules)
			}
		}
	}
	if err != nil {
		r.Error = err.Error()
	}
	return r
}
