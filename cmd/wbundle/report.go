package main

import (
	"bytes"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/wbundle/wbundle/internal/config"
	"github.com/wbundle/wbundle/internal/report"
	"github.com/wbundle/wbundle/linker"
)

// newSizes is size.json without its outputs.
func newSizes() *report.Sizes {
	return &report.Sizes{Version: report.SizesVersion, Generator: "wbundle " + linker.Version, Outputs: []*report.Account{}}
}

// chooseReports settles which reports to write: those of --report, else those
// of the configuration.
func (a *app) chooseReports(j *job, flags []string) error {
	if len(flags) > 0 {
		j.reports = nil
	}
	for _, s := range flags {
		r, complaint := config.ParseReport(s)
		if complaint != "" {
			return usagef("--report %s: %s", s, complaint)
		}
		r.Path = a.path(r.Path)
		j.reports = append(j.reports, r)
	}
	stdout := a.json
	for _, o := range j.outputs {
		stdout = stdout || o.Path == "-"
	}
	for i, r := range j.reports {
		if r.Path == "-" {
			if stdout {
				return usagef("report %s: more than one thing wants standard output", r.Kind)
			}
			stdout = true
			continue
		}
		if err := checkWritable(r.Path); err != nil {
			return err
		}
		for _, o := range j.outputs {
			if sameFile(o.Path, r.Path) {
				return usagef("report %s: %s is an output already", r.Kind, r.Path)
			}
		}
		for _, s := range j.sources {
			if sameFile(s.path, r.Path) {
				return usagef("report %s: %s would overwrite the input %q", r.Kind, r.Path, s.id)
			}
		}
		for _, other := range j.reports[:i] {
			if sameFile(other.Path, r.Path) {
				return usagef("report %s: %s is the %s report already", r.Kind, r.Path, other.Kind)
			}
		}
	}
	return nil
}

// addReports renders the reports.
func addReports(files []file, sizes *report.Sizes, reports []config.Report) ([]file, error) {
	for _, r := range reports {
		data, err := render(sizes, r.Kind)
		if err != nil {
			return nil, fmt.Errorf("report %s: %w", r.Path, err)
		}
		files = append(files, file{r.Path, data})
	}
	return files, nil
}

// render writes a report of a kind of config.ReportKinds.
func render(sizes *report.Sizes, kind string) ([]byte, error) {
	var b bytes.Buffer
	var err error
	switch kind {
	case "json":
		err = sizes.WriteJSON(&b)
	case "markdown":
		sizes.WriteMarkdown(&b)
	case "html":
		err = sizes.WriteHTML(&b)
	case "svg":
		err = sizes.WriteSVG(&b)
	default:
		err = fmt.Errorf("unknown kind %q", kind)
	}
	return b.Bytes(), err
}

func (a *app) reportCommand() *cobra.Command {
	paths := map[string]*string{}
	cmd := &cobra.Command{
		Use:   "report FILE",
		Short: "Render a size report: HTML, Markdown, SVG",
		Long: `report renders a size.json (build --report json=size.json) as a page with a
treemap, as Markdown for a pull request, or as a picture. FILE may also be a module
or component, of which then less is known. - is standard output.`,
		Example: `  wbundle report dist/size.json --html size.html --svg size.svg
  wbundle report dist/size.json --markdown - >> "$GITHUB_STEP_SUMMARY"`,
		Args: exactly(1, "one file: a size.json, a module or a component"),
		RunE: func(cmd *cobra.Command, args []string) error {
			var files []file
			sizes, err := a.readSizes(args[0], "", report.EffortNormal)
			if err != nil {
				return err
			}
			stdout := a.json
			for _, kind := range config.ReportKinds {
				path := *paths[kind]
				if path == "" {
					continue
				}
				if path == "-" && stdout {
					return usagef("more than one thing wants standard output")
				}
				stdout = stdout || path == "-"
				if sameFile(a.path(path), a.path(args[0])) {
					return usagef("--%s %s would overwrite what is read", kind, path)
				}
				data, err := render(sizes, kind)
				if err != nil {
					return err
				}
				files = append(files, file{a.path(path), data})
			}
			if a.json {
				data, err := render(sizes, "json")
				if err != nil {
					return err
				}
				files = append(files, file{"-", data})
			}
			if len(files) == 0 {
				return usagef("say what to write: --html FILE, --markdown FILE, --svg FILE or --json")
			}
			return a.writeAll(files)
		},
	}
	for _, kind := range config.ReportKinds {
		path := ""
		if paths[kind] = &path; kind == "json" {
			continue // the global --json
		}
		cmd.Flags().StringVar(paths[kind], kind, "", "write the report as "+kind+" to `FILE`")
	}
	return cmd
}

// exactly is a check of arguments that says what is wanted.
func exactly(n int, what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) != n {
			return fmt.Errorf("want %s; got %s", what, plural(len(args), "argument"))
		}
		return nil
	}
}
