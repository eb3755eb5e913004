package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/wbundle/wbundle/internal/config"
	"github.com/wbundle/wbundle/internal/report"
	"github.com/wbundle/wbundle/internal/wasm"
	"github.com/wbundle/wbundle/linker"
)

func (a *app) sizeCommand() *cobra.Command {
	var flags linkFlags
	var text report.SizeText
	var from string
	cmd := &cobra.Command{
		Use:   "size [FILE]",
		Short: "Show where the bytes of an output go",
		Long: `size accounts for every byte of a module or component: the rows of each table
sum to the size of the file.

Whose the bytes are is known best to the build. Without FILE, size links what
wasm.bundle.yaml says, in memory, and lists its outputs. FILE may be a size.json
(build --report json=size.json); next to FILE, FILE.size.json or size.json is used
if it is about that very file. Of any other file the names in it tell.`,
		Example: `  wbundle size
  wbundle size dist/shop.wasm --by package
  wbundle size dist/size.json --by function --top 50`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if text.By != "" && !slices.Contains(report.Views, text.By) {
				return usagef("--by: unknown value %q%s", text.By, config.DidYouMean(text.By, report.Views))
			}
			if text.By != "" && text.Tree {
				return usagef("--by and --tree exclude each other")
			}
			var sizes *report.Sizes
			var err error
			if len(args) == 0 {
				if from != "" {
					return usagef("--from is about a FILE; a configuration is linked")
				}
				sizes, err = a.linkedSizes(cmd.Context(), nil, &flags, report.EffortNormal)
			} else {
				if name := flags.given(); name != "" {
					return usagef("--%s is about linking; %s is linked already", name, args[0])
				}
				sizes, err = a.readSizes(args[0], from, report.EffortNormal)
			}
			if err != nil {
				return err
			}
			a.progress.clear()
			if a.json {
				return sizes.WriteJSON(a.stdout)
			}
			text.Style = a.stdoutStyle()
			text.Write(a.stdout, sizes)
			return nil
		},
	}
	f := cmd.Flags()
	flags.register(f)
	f.Lookup("format").Usage = "of a configuration, only the outputs of that format: `core|component`"
	f.StringVar(&text.By, "by", "", "one table: by `input|kind|package|file|function`")
	f.BoolVar(&text.Tree, "tree", false, "inputs, their packages, and what is in those")
	f.IntVar(&text.Top, "top", 30, "at most `N` rows of a table, or below a branch; 0: all")
	f.StringVar(&from, "from", "", "take the provenance of FILE from this `size.json`")
	return cmd
}

// given is the name of a link flag that was set, "" without.
func (l *linkFlags) given() string {
	for _, w := range wordFlags {
		if l.set.Changed(w.name) {
			return w.name
		}
	}
	for _, name := range []string{"root", "connect", "profile"} {
		if l.set.Changed(name) {
			return name
		}
	}
	return ""
}

// stdoutStyle colours data for a terminal.
func (a *app) stdoutStyle() report.Style {
	return report.Style{Color: a.style.Color && (a.color == "always" || a.terminal(a.stdout))}
}

// linkedSizes links what the configuration, or args, say and accounts for the
// outputs; nothing is written.
func (a *app) linkedSizes(ctx context.Context, args []string, flags *linkFlags, effort report.Effort) (*report.Sizes, error) {
	j, err := a.job(args, flags)
	if err != nil {
		return nil, err
	}
	outputs := j.outputs
	if len(outputs) == 0 {
		// Nothing says what to write; what is written when nobody says more
		// is a core module.
		outputs = []config.Output{{Format: "core", Path: "(output)"}}
		if v := *flags.words["format"]; v != "" {
			outputs[0].Format = v
		}
	} else if format := *flags.words["format"]; format != "" {
		outputs = slices.DeleteFunc(slices.Clone(outputs), func(o config.Output) bool { return o.Format != format })
		if len(outputs) == 0 {
			return nil, usagef("--format %s: %s has no output of that format", format, j.cfg.File)
		}
	}
	inputs, err := a.read(ctx, j.sources)
	if err != nil {
		return nil, err
	}
	sizes := newSizes()
	for _, o := range outputs {
		if o.Memory == "" {
			o.Memory = j.link.Memory
		}
		a.progress.start(o.Path)
		result, err := linker.Link(ctx, linkInputs(inputs), j.options(o, a.progress))
		if err != nil {
			return nil, err
		}
		data := result.Output
		if j.link.Metadata == "strip" {
			data = stripMetadata(data)
		}
		acc, err := report.NewAccount(data, report.AccountOptions{Path: o.Path, Origins: result.Origins, Inputs: result.Summary.Inputs, Effort: effort})
		if err != nil {
			return nil, err
		}
		sizes.Outputs = append(sizes.Outputs, acc)
	}
	return sizes, nil
}

// readSizes reads a size.json, or accounts for a module or component: with the
// size.json in from or beside the file, if that is about it, else from the
// file alone.
func (a *app) readSizes(name, from string, effort report.Effort) (*report.Sizes, error) {
	path := a.path(name)
	var b []byte
	var err error
	if name == "-" {
		path = "standard input"
		b, err = io.ReadAll(a.stdin)
	} else {
		b, err = os.ReadFile(path)
	}
	if err != nil {
		return nil, err
	}
	if first := bytes.TrimLeft(b, " \t\r\n"); len(first) > 0 && first[0] == '{' {
		sizes, err := report.ReadSizes(b)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		return sizes, nil
	}
	switch wasm.Sniff(b) {
	case wasm.FormatModule, wasm.FormatComponent:
	default:
		return nil, fmt.Errorf("%s: is neither a size.json, nor a module or component", path)
	}
	sum := sha256.Sum256(b)
	hash := hex.EncodeToString(sum[:])
	candidates := []string{a.path(from)}
	if from == "" {
		candidates = []string{strings.TrimSuffix(path, ".wasm") + ".size.json", path + ".size.json", filepath.Join(filepath.Dir(path), "size.json")}
	}
	for _, c := range candidates {
		text, err := os.ReadFile(c)
		if err != nil {
			if from != "" || !errors.Is(err, os.ErrNotExist) {
				return nil, err
			}
			continue
		}
		sizes, err := report.ReadSizes(text)
		if err != nil {
			if from != "" {
				return nil, fmt.Errorf("%s: %w", c, err)
			}
			continue // another tool's file of that name
		}
		sizes.Outputs = slices.DeleteFunc(sizes.Outputs, func(o *report.Account) bool { return o.SHA256 != hash })
		if len(sizes.Outputs) > 0 {
			sizes.Outputs = sizes.Outputs[:1]
			sizes.Outputs[0].Path = path
			return sizes, nil
		}
		if from != "" {
			return nil, fmt.Errorf("%s is about another file than %s: the hashes differ", c, path)
		}
	}
	acc, err := report.NewAccount(b, report.AccountOptions{Path: path, Effort: effort})
	if err != nil {
		return nil, err
	}
	sizes := newSizes()
	sizes.Outputs = append(sizes.Outputs, acc)
	return sizes, nil
}
