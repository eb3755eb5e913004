package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/wbundle/wbundle/internal/config"
	"github.com/wbundle/wbundle/internal/report"
	"github.com/wbundle/wbundle/linker"
)

// graphData is the graph of inputs: what `wbundle graph --format json` prints.
type graphData struct {
	Inputs []linker.InputSummary `json:"inputs"`
	Links  []linker.LinkSummary  `json:"links"`
}

func (a *app) graphCommand() *cobra.Command {
	var flags linkFlags
	cmd := &cobra.Command{
		Use:   "graph [INPUT...]",
		Short: "Show which input imports what from which",
		Long: `graph shows how the imports of the inputs are resolved: as a tree from the root,
or with --format as dot (Graphviz), mermaid or json. Without INPUT it shows the
configuration's inputs. The host's part is shown with -v only.`,
		Annotations: map[string]string{writesFile: "yes"},
		RunE: func(cmd *cobra.Command, args []string) error {
			format := cmp.Or(*flags.words["format"], "text")
			formats := map[string]func(graphData) string{"text": textGraph, "dot": dotGraph, "mermaid": mermaidGraph, "json": nil}
			render, ok := formats[format]
			if !ok {
				names := []string{"text", "dot", "mermaid", "json"}
				return usagef("--format: unknown value %q%s", format, config.DidYouMean(format, names))
			}
			// --format of build is another thing: the linker's default will do.
			*flags.words["format"] = ""
			flags.set.Lookup("format").Changed = false
			j, err := a.job(args, &flags)
			if err != nil {
				return err
			}
			inputs, err := a.read(cmd.Context(), j.sources)
			if err != nil {
				return err
			}
			result, err := linker.Link(cmd.Context(), linkInputs(inputs), j.options(config.Output{Format: "core", Memory: "auto"}, a.progress))
			if err != nil {
				// A graph that does not fit into one memory can be
				// looked at all the same.
				var multiErr error
				if result, multiErr = linker.Link(cmd.Context(), linkInputs(inputs), j.options(config.Output{Format: "component", Memory: "multi"}, a.progress)); multiErr != nil {
					return err
				}
			}
			a.progress.clear()
			d := graphData{result.Summary.Inputs, result.Summary.Links}
			if !a.verbose {
				d.Links = slices.DeleteFunc(slices.Clone(d.Links), func(l linker.LinkSummary) bool { return l.Provider == "" })
			}
			if a.json || render == nil {
				return a.emitJSON(d)
			}
			return a.emit([]byte(render(d)))
		},
	}
	flags.register(cmd.Flags())
	f := cmd.Flags().Lookup("format")
	f.Usage = "print it as `text|dot|mermaid|json`"
	return cmd
}

// emitJSON is emit for v as JSON.
func (a *app) emitJSON(v any) error {
	var b strings.Builder
	if err := writeJSON(&b, v); err != nil {
		return err
	}
	return a.emit([]byte(b.String()))
}

// root returns the id of the root.
func (d graphData) root() string {
	for _, in := range d.Inputs {
		if in.Root {
			return in.ID
		}
	}
	return ""
}

// node is how an input is labelled.
func node(in linker.InputSummary) string {
	label := fmt.Sprintf("%s (%s, %s", in.ID, in.Kind, report.Human(in.Bytes))
	if len(in.Languages) > 0 {
		label += ", " + list(in.Languages)
	}
	return label + ")"
}

// provided is the imports that one importer has from one provider.
type provided struct {
	from, to string
	imports  []string
}

// edges groups the links by importer and provider, in their order.
func (d graphData) edges() []provided {
	var edges []provided
	index := map[[2]string]int{}
	for _, l := range d.Links {
		key := [2]string{l.Importer, l.Provider}
		i, ok := index[key]
		if !ok {
			i = len(edges)
			index[key] = i
			edges = append(edges, provided{from: l.Importer, to: l.Provider})
		}
		edges[i].imports = append(edges[i].imports, l.Import)
	}
	return edges
}

// textGraph draws a tree from the root. An input that several import from is
// drawn in full once.
func textGraph(d graphData) string {
	inputs := map[string]linker.InputSummary{}
	for _, in := range d.Inputs {
		inputs[in.ID] = in
	}
	edges := d.edges()
	var b strings.Builder
	seen := map[string]bool{}
	var draw func(id, indent string)
	draw = func(id, indent string) {
		seen[id] = true
		var below []provided
		for _, e := range edges {
			if e.from == id {
				below = append(below, e)
			}
		}
		for i, e := range below {
			branch, trunk := "├── ", "│   "
			if i == len(below)-1 {
				branch, trunk = "└── ", "    "
			}
			label := "host"
			if e.to != "" {
				label = node(inputs[e.to])
			}
			again := e.to != "" && seen[e.to]
			if again {
				label = e.to + " (above)"
			}
			b.WriteString(indent + branch + label + "\n")
			for _, imp := range e.imports {
				b.WriteString(indent + trunk + "  " + imp + "\n")
			}
			if e.to != "" && !again {
				draw(e.to, indent+trunk)
			}
		}
	}
	if root := d.root(); root != "" {
		b.WriteString(node(inputs[root]) + "\n")
		draw(root, "")
	}
	for _, in := range d.Inputs {
		if !seen[in.ID] {
			b.WriteString(node(in) + ": not reachable from the root\n")
		}
	}
	return b.String()
}

// nodeNames gives every input, and the host, a name that dot and mermaid can
// read: ids may contain anything.
func (d graphData) nodeNames() map[string]string {
	names := map[string]string{"": "host"}
	for i, in := range d.Inputs {
		names[in.ID] = fmt.Sprintf("n%d", i)
	}
	return names
}

// hasHost reports whether a link goes to the host.
func (d graphData) hasHost() bool {
	return slices.ContainsFunc(d.Links, func(l linker.LinkSummary) bool { return l.Provider == "" })
}

func dotGraph(d graphData) string {
	names := d.nodeNames()
	var b strings.Builder
	b.WriteString("digraph bundle {\n  rankdir=LR;\n  node [shape=box];\n")
	for _, in := range d.Inputs {
		style := ""
		if in.Root {
			style = ", style=bold"
		}
		fmt.Fprintf(&b, "  %s [label=%s%s];\n", names[in.ID], dotQuote(node(in)), style)
	}
	if d.hasHost() {
		b.WriteString("  host [shape=ellipse];\n")
	}
	for _, e := range d.edges() {
		fmt.Fprintf(&b, "  %s -> %s [label=%s];\n", names[e.from], names[e.to], dotQuote(strings.Join(e.imports, "\n")))
	}
	b.WriteString("}\n")
	return b.String()
}

// dotQuote quotes a label for Graphviz.
func dotQuote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(s) + `"`
}

func mermaidGraph(d graphData) string {
	names := d.nodeNames()
	escape := strings.NewReplacer(`"`, "#quot;", "\n", "<br/>", "#", "#35;").Replace
	var b strings.Builder
	b.WriteString("graph LR\n")
	for _, in := range d.Inputs {
		fmt.Fprintf(&b, "  %s[\"%s\"]\n", names[in.ID], escape(node(in)))
	}
	if d.hasHost() {
		b.WriteString("  host([host])\n")
	}
	for _, e := range d.edges() {
		fmt.Fprintf(&b, "  %s -->|\"%s\"| %s\n", names[e.from], escape(strings.Join(e.imports, "\n")), names[e.to])
	}
	return b.String()
}
