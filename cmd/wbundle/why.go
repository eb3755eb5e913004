package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/wbundle/wbundle/internal/config"
	"github.com/wbundle/wbundle/internal/report"
)

// whyData is what why --json prints.
type whyData struct {
	Items []*report.Why    `json:"items,omitempty"`
	Gone  []report.Gone    `json:"gone,omitempty"`
	Input *report.WhyInput `json:"input,omitempty"`
}

func (a *app) whyCommand() *cobra.Command {
	var flags linkFlags
	var input string
	cmd := &cobra.Command{
		Use:   "why [FILE] NAME",
		Short: "Show what keeps a function or an input in the output",
		Long: `why shows the shortest way by which something is reached from an export, through
adapters and table slots, and what only it keeps. Of what is not in the output it
says which step removed it.

Without FILE it links what wasm.bundle.yaml says, in memory: then it knows where
everything comes from. FILE is a module, a component or a size.json. NAME is a name
as size prints it, or a part of one that is unique; --input ID asks about a whole
input instead.`,
		Example: `  wbundle why 'core::fmt::write'
  wbundle why dist/shop.wasm dlmalloc
  wbundle why --input template`,
		Args: cobra.MaximumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			name, file := "", ""
			switch {
			case input != "" && len(args) == 2, input == "" && len(args) == 0:
				return usagef("want a NAME, or --input ID")
			case input == "":
				name = args[len(args)-1]
				args = args[:len(args)-1]
			}
			if len(args) == 1 {
				file = args[0]
			}
			sizes, err := a.sizesOf(cmd, file, &flags)
			if err != nil {
				return err
			}
			a.progress.clear()
			account := sizes.Outputs[0]
			if len(sizes.Outputs) > 1 {
				a.note("of %s; --format chooses among the outputs", account.Path)
			}
			d, err := explain(account, name, input)
			if err != nil {
				return err
			}
			if a.json {
				return a.printJSON(d)
			}
			d.text(a)
			return nil
		},
	}
	flags.register(cmd.Flags())
	cmd.Flags().Lookup("format").Usage = "of a configuration, the output of that format: `core|component`"
	cmd.Flags().StringVar(&input, "input", "", "ask about the input `ID`")
	return cmd
}

// sizesOf accounts for a file, or for what the configuration says.
func (a *app) sizesOf(cmd *cobra.Command, file string, flags *linkFlags) (*report.Sizes, error) {
	if file == "" {
		return a.linkedSizes(cmd.Context(), nil, flags, report.EffortNone)
	}
	if name := flags.given(); name != "" {
		return nil, usagef("--%s is about linking; %s is linked already", name, file)
	}
	sizes, err := a.readSizes(file, "", report.EffortNone)
	if err == nil && len(sizes.Outputs) == 0 {
		err = fmt.Errorf("%s has no outputs", file)
	}
	return sizes, err
}

// whyShown is how many items of one name are explained.
const whyShown = 5

// explain finds what a name stands for and says why it is there, or not.
func explain(account *report.Account, name, input string) (*whyData, error) {
	d := &whyData{}
	if input != "" {
		var err error
		if d.Input, err = account.WhyInput(input); err != nil {
			var ids []string
			for _, r := range account.ByInput {
				if r.Name != "" {
					ids = append(ids, r.Name)
				}
			}
			return nil, usagef("--input %s: %v%s", input, err, config.DidYouMean(input, ids))
		}
		return d, nil
	}
	items, exact := account.Find(name)
	d.Gone = account.Gone(name)
	if len(d.Gone) > 0 && !exact {
		return d, nil
	}
	switch {
	case len(items) == 0:
		var names []string
		for i := range account.Items {
			if account.Items[i].Index != nil {
				names = append(names, account.Items[i].Name)
			}
		}
		return nil, fmt.Errorf("nothing in %s is called %q%s", account.Path, name, near(name, names))
	case !exact && len(items) > 1:
		lines := []string{fmt.Sprintf("%s in %s have %q in their names:", plural(len(items), "item"), account.Path, name)}
		for i, k := range items {
			if i == 2*whyShown {
				lines = append(lines, "  ...")
				break
			}
			it := &account.Items[k]
			lines = append(lines, fmt.Sprintf("  %s (%s)", strings.TrimPrefix(it.Input+": "+it.Name, ": "), it.Kind))
		}
		return nil, &hinted{errors.New(strings.Join(lines, "\n")), "name one of them in full"}
	}
	for i, k := range items {
		if i == whyShown {
			break
		}
		d.Items = append(d.Items, account.Why(k))
	}
	return d, nil
}

// near is a hint at a name that was meant, "" where none is near: a list of
// all names would be of no use.
func near(name string, names []string) string {
	if hint := config.DidYouMean(name, names); strings.Contains(hint, "did you mean") {
		return hint
	}
	return ""
}

func (d *whyData) text(a *app) {
	style := a.stdoutStyle()
	if d.Input != nil {
		d.Input.Text(a.stdout, style)
	}
	for i, w := range d.Items {
		if i > 0 {
			fmt.Fprintln(a.stdout)
		}
		w.Text(a.stdout, style)
	}
	for i := range d.Gone {
		if i > 0 || len(d.Items) > 0 {
			fmt.Fprintln(a.stdout)
		}
		d.Gone[i].Text(a.stdout, style)
	}
}
