package main

import (
	"cmp"
	"fmt"
	"io"
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

// The forms and levels of graphs.
var (
	graphFormats = []string{"text", "dot", "mermaid", "json", "html", "svg"}
	graphLevels  = []string{"component", "instance", "function"}
)

func (a *app) graphCommand() *cobra.Command {
	var flags linkFlags
	var filter report.Filter
	var level string
	cmd := &cobra.Command{
		Use:   "graph [INPUT...]",
		Short: "Show which input imports what from which",
		Long: `graph shows how the imports of the inputs are resolved: as a tree from the root,
or with --format as dot (Graphviz), mermaid, json, html or svg. Without INPUT it
shows the configuration's inputs. The host's part is shown with -v only.

--level instance shows which core instances call which others in the output, and
--level function its call graph.`,
		Example: `  wbundle graph --format mermaid
  wbundle graph --level function --from run --depth 3 --format html -o calls.html
  wbundle graph --level function --to 'wasi:sockets' --format dot | dot -Tsvg`,
		Annotations: map[string]string{writesFile: "yes"},
		RunE: func(cmd *cobra.Command, args []string) error {
			format := cmp.Or(*flags.words["format"], "text")
			if !slices.Contains(graphFormats, format) {
				return usagef("--format: unknown value %q%s", format, config.DidYouMean(format, graphFormats))
			}
			if !slices.Contains(graphLevels, level) {
				return usagef("--level: unknown value %q%s", level, config.DidYouMean(level, graphLevels))
			}
			if filter.Depth < 0 {
				return usagef("--depth: want a number of arrows; 0 is any")
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
			if a.json {
				format = "json"
			}
			var text string
			if level == "component" {
				text, err = a.componentGraph(result, filter, format)
			} else {
				text, err = codeGraph(result, filter, level, format)
			}
			if err != nil {
				return err
			}
			return a.emit([]byte(text))
		},
	}
	flags.register(cmd.Flags())
	cmd.Flags().Lookup("format").Usage = "print it as `text|dot|mermaid|json|html|svg`"
	f := cmd.Flags()
	f.StringVar(&level, "level", "component", "what the nodes are: `component|instance|function`")
	f.StringVar(&filter.From, "from", "", "only what `NAME` leads to")
	f.StringVar(&filter.To, "to", "", "only what leads to `NAME`")
	f.IntVar(&filter.Depth, "depth", 0, "at most `N` arrows from NAME, or from the roots; 0: any")
	f.BoolVar(&filter.OnlyImports, "only-imports", false, "only what leads to imports of the host")
	return cmd
}

// componentGraph renders the graph of inputs.
func (a *app) componentGraph(result *linker.Result, filter report.Filter, format string) (string, error) {
	d := graphData{result.Summary.Inputs, result.Summary.Links}
	if !a.verbose && !filter.OnlyImports {
		d.Links = slices.DeleteFunc(slices.Clone(d.Links), func(l linker.LinkSummary) bool { return l.Provider == "" })
	}
	if filter != (report.Filter{}) {
		kept, err := filter.Apply(d.graph())
		if err != nil {
			return "", err
		}
		d = d.only(kept)
	}
	var b strings.Builder
	switch format {
	case "text":
		return textGraph(d), nil
	case "dot":
		return dotGraph(d), nil
	case "mermaid":
		return mermaidGraph(d), nil
	case "json":
		err := writeJSON(&b, d)
		return b.String(), err
	}
	err := draw(&b, d.graph(), format)
	return b.String(), err
}

// codeGraph renders the graph of instances or functions of the output.
func codeGraph(result *linker.Result, filter report.Filter, level, format string) (string, error) {
	account, err := report.NewAccount(result.Output, report.AccountOptions{Path: "output", Origins: result.Origins})
	if err != nil {
		return "", err
	}
	g := account.FunctionGraph()
	if level == "instance" {
		g = account.InstanceGraph()
	}
	if g, err = filter.Apply(g); err != nil {
		return "", err
	}
	var b strings.Builder
	switch format {
	case "text":
		g.Text(&b)
	case "dot":
		g.Dot(&b)
	case "mermaid":
		g.Mermaid(&b)
	case "json":
		err = g.JSON(&b)
	default:
		err = draw(&b, g, format)
	}
	return b.String(), err
}

// draw writes a graph as a picture.
func draw(w io.Writer, g *report.Graph, format string) error {
	var err error
	if format == "svg" {
		err = g.SVG(w)
	} else {
		err = g.HTML(w, "bundle")
	}
	if err != nil {
		err = &hinted{err, "--from, --to and --depth narrow the graph down; --level instance shows less; dot and json take any number"}
	}
	return err
}

// graph is the graph of inputs in general form: the inputs in their order, and
// the host, if something is linked to it.
func (d graphData) graph() *report.Graph {
	g := &report.Graph{}
	index := map[string]int{}
	for i, in := range d.Inputs {
		index[in.ID] = i
		g.Nodes = append(g.Nodes, report.GraphNode{ID: in.ID, Label: in.ID, Kind: report.NodeInput, Bytes: in.Bytes, Root: in.Root})
	}
	if d.hasHost() {
		index[""] = len(g.Nodes)
		g.Nodes = append(g.Nodes, report.GraphNode{ID: "", Label: report.NodeHost, Kind: report.NodeHost})
	}
	for _, e := range d.edges() {
		g.Edges = append(g.Edges, report.GraphEdge{From: index[e.from], To: index[e.to], Label: strings.Join(e.imports, "\n")})
	}
	return g
}

// only is the part of d that is in g.
func (d graphData) only(g *report.Graph) graphData {
	kept := map[string]bool{}
	for _, n := range g.Nodes {
		kept[n.ID] = true
	}
	return graphData{
		slices.DeleteFunc(slices.Clone(d.Inputs), func(in linker.InputSummary) bool { return !kept[in.ID] }),
		slices.DeleteFunc(slices.Clone(d.Links), func(l linker.LinkSummary) bool { return !kept[l.Importer] || !kept[l.Provider] }),
	}
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
