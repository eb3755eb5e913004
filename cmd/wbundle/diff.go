package main

import (
	"github.com/spf13/cobra"

	"github.com/wbundle/wbundle/internal/report"
)

func (a *app) diffCommand() *cobra.Command {
	var markdown bool
	var top int
	cmd := &cobra.Command{
		Use:   "diff BEFORE AFTER",
		Short: "Show what changed between two builds, and by how many bytes",
		Long: `diff compares two size.json, or two modules or components. Functions are the same
when their names are, hashes and counters of compilers left out; those without a
name, when their code is. What only got longer or shorter because indices did
is summed up in one row.`,
		Example: `  wbundle diff main/size.json dist/size.json
  wbundle diff old.wasm new.wasm --markdown`,
		Args: exactly(2, "two files: size.json, modules or components"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if markdown && a.json {
				return usagef("--markdown and --json exclude each other")
			}
			before, err := a.readSizes(args[0], "", report.EffortNormal)
			if err != nil {
				return err
			}
			after, err := a.readSizes(args[1], "", report.EffortNormal)
			if err != nil {
				return err
			}
			d := report.DiffSizes(before, after)
			switch {
			case a.json:
				return a.printJSON(d)
			case markdown:
				d.WriteMarkdown(a.stdout, top)
			default:
				d.Text(a.stdout, a.stdoutStyle(), top)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&markdown, "markdown", false, "write Markdown, for a pull request")
	cmd.Flags().IntVar(&top, "top", 50, "at most `N` functions and segments; 0: all")
	return cmd
}
