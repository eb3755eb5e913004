package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/wbundle/wbundle/internal/config"
	"github.com/wbundle/wbundle/internal/report"
	"github.com/wbundle/wbundle/linker"
)

func (a *app) buildCommand() *cobra.Command {
	var flags linkFlags
	var noVerify bool
	var reports []string
	cmd := &cobra.Command{
		Use:   "build [INPUT...]",
		Short: "Link inputs into one module or component",
		Long: `build links components and core modules, removes what nobody can reach, tries
the result out and writes it.

Without INPUT it builds every output of wasm.bundle.yaml. An INPUT is a path,
- for standard input, or id=path; its id is otherwise the file name without
.wasm.`,
		Example: `  wbundle build
  wbundle build app.wasm lib.wasm -o out.wasm
  wbundle build app.wasm log=vendor/logger.wasm --connect 'app:acme:log/sink=log' -o - | wasm-tools print`,
		Args:        cobra.ArbitraryArgs,
		Annotations: map[string]string{writesFile: "yes"},
		RunE: func(cmd *cobra.Command, args []string) error {
			j, err := a.job(args, &flags)
			if err != nil {
				return err
			}
			if err := a.chooseOutputs(j, &flags); err != nil {
				return err
			}
			if err := a.chooseReports(j, reports); err != nil {
				return err
			}
			return errors.Join(a.build(cmd.Context(), j, !noVerify), j.close(cmd.Context()))
		},
	}
	flags.register(cmd.Flags())
	cmd.Flags().BoolVar(&noVerify, "no-verify", false, "write the output without trying it out")
	cmd.Flags().StringArrayVar(&reports, "report", nil, "write where the bytes go: `KIND=FILE`, KIND is json, markdown, html or svg; repeatable")
	return cmd
}

// build reads, links, verifies, measures and, when all that went well, writes.
func (a *app) build(ctx context.Context, j *job, verify bool) error {
	began := time.Now()
	for _, o := range j.outputs {
		if o.Path != "-" {
			if err := checkWritable(o.Path); err != nil {
				return err
			}
		}
	}
	a.progress.step("read", 0, 0)
	inputs, err := a.read(ctx, j.sources)
	if err != nil {
		return err
	}
	b := &report.Build{Name: j.name}
	sizes := newSizes()
	files := make([]file, len(j.outputs))
	for i, o := range j.outputs {
		a.progress.start(o.Path)
		out, data, account, err := a.buildOne(ctx, j, o, inputs, verify)
		if err != nil {
			return err
		}
		if account != nil {
			sizes.Outputs = append(sizes.Outputs, account)
		}
		b.Outputs = append(b.Outputs, out)
		files[i] = file{o.Path, data}
	}
	if files, err = addReports(files, sizes, j.reports); err != nil {
		return err
	}
	a.progress.step("write", 0, 0)
	if err := a.writeAll(files); err != nil {
		return err
	}
	a.progress.clear()
	b.Inputs = describe(b.Outputs[0].Link.Inputs, inputs)
	b.Seconds = time.Since(began).Seconds()
	if !a.quiet {
		b.Text(a.stderr, a.style, a.verbose)
	}
	if a.json {
		return a.printJSON(b)
	}
	return nil
}

// describe adds the hashes to what the linker says of the inputs.
func describe(summaries []linker.InputSummary, inputs []input) []report.Input {
	hashes := map[string]string{}
	for _, in := range inputs {
		hashes[in.id] = in.hash
	}
	described := make([]report.Input, len(summaries))
	for i, s := range summaries {
		described[i] = report.Input{InputSummary: s, SHA256: hashes[s.ID]}
	}
	return described
}

// linkInputs is what the linker wants of inputs.
func linkInputs(inputs []input) []linker.Input {
	l := make([]linker.Input, len(inputs))
	for i, in := range inputs {
		l[i] = linker.Input{ID: in.id, Path: in.path, Bytes: in.bytes}
	}
	return l
}

// boundMemory asks the garbage collector to keep memory near six times the
// inputs, in place of twice what is in use, until the function it returns is
// called. It matters to the optimiser, where most of the heap is the tree of a
// function that is done. GOMEMLIMIT and GOGC say otherwise.
func boundMemory(inputs []input) (done func()) {
	if os.Getenv("GOMEMLIMIT") != "" || os.Getenv("GOGC") != "" {
		return func() {}
	}
	const least, factor = 28 << 20, 5
	size := int64(0)
	for _, in := range inputs {
		size += int64(len(in.bytes))
	}
	before := debug.SetMemoryLimit(max(least, factor*size))
	return func() { debug.SetMemoryLimit(before) }
}

// buildOne makes one output. It is measured while it is being verified: both
// take longer than the link does. The account is nil when no report is asked
// for.
func (a *app) buildOne(ctx context.Context, j *job, o config.Output, inputs []input, verify bool) (*report.Output, []byte, *report.Account, error) {
	opts := j.options(o, a.progress)
	opts.OutputOnly = len(j.reports) == 0
	bounded := boundMemory(inputs)
	// Nobody needs the inputs again where nothing is verified.
	opts.Consume = opts.OutputOnly && !verify && len(j.outputs) == 1
	mine := linkInputs(inputs)
	if opts.Consume {
		for i := range inputs {
			inputs[i].bytes = nil
		}
	}
	result, err := linker.Link(ctx, mine, opts)
	bounded()
	if err != nil {
		return nil, nil, nil, err
	}
	data := result.Output
	if j.link.Metadata == "strip" {
		data = stripMetadata(data)
	}
	out := &report.Output{Path: o.Path, Format: linker.Format(o.Format), Target: o.Target, Link: result.Summary}
	g, gctx := errgroup.WithContext(ctx)
	if a.json {
		g.Go(func() error {
			sum := sha256.Sum256(data)
			out.SHA256 = hex.EncodeToString(sum[:])
			return nil
		})
	}
	g.Go(func() error {
		effort := report.EffortNormal
		switch {
		case a.quiet && !a.json && len(j.reports) == 0:
			effort = report.EffortNone
		case a.verbose:
			effort = report.EffortAlways
		}
		out.Size = report.Measure(data, effort)
		return nil
	})
	var account *report.Account
	if len(j.reports) > 0 {
		g.Go(func() (err error) {
			account, err = report.NewAccount(data, report.AccountOptions{Path: o.Path, Origins: result.Origins, Inputs: result.Summary.Inputs})
			return err
		})
	}
	if verify {
		g.Go(func() error {
			// What runs is the output before its metadata was taken out:
			// calls need the types.
			v, err := a.verifySubject(gctx, j, subject{
				path: o.Path, binary: result.Output, summary: &result.Summary, inputs: linkInputs(inputs), opts: opts,
			})
			out.Verified = v
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, nil, nil, err
	}
	if v := out.Verified; v != nil && v.Failed() > 0 {
		if err := blame(ctx, v, inputs); err != nil {
			return nil, nil, nil, err
		}
		a.progress.clear()
		v.Failures(a.stderr, a.style)
		return nil, nil, nil, &verifyError{fmt.Sprintf("output %s does not do what it should: %s", o.Path, v.Outcome())}
	}
	if account != nil {
		account.Size = out.Size
	}
	return out, data, account, nil
}

// blame returns what is wrong with the inputs when the engine refused the
// types of the output: the linker does not check them, and what was ill-typed
// before stays so.
func blame(ctx context.Context, v *report.Verified, inputs []input) error {
	refused := slices.ContainsFunc(v.Cases, func(c report.Case) bool { return strings.Contains(c.Error, "invalid function[") })
	if !refused {
		return nil
	}
	var errs []error
	for _, in := range inputs {
		u, err := decode(in.path, in.bytes)
		if err == nil {
			err = validate(ctx, u)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
