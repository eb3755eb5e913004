package report

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"slices"
	"strings"

	"github.com/wbundle/wbundle/internal/wasm"
)

// Graph is something to be drawn: what uses what.
type Graph struct {
	Nodes []GraphNode `json:"nodes"`
	Edges []GraphEdge `json:"edges"`
}

// GraphNode is a box.
type GraphNode struct {
	ID    string `json:"id"`
	Label string `json:"label"`
	Kind  string `json:"kind"` // code, adapters, imports, call_indirect, input, instance, host
	Bytes int    `json:"bytes,omitempty"`
	Root  bool   `json:"root,omitempty"`
}

// GraphEdge is an arrow between places in Nodes.
type GraphEdge struct {
	From  int    `json:"from"`
	To    int    `json:"to"`
	Label string `json:"label,omitempty"`
}

// The kinds of nodes that are no items.
const (
	NodeIndirect = "call_indirect"
	NodeInput    = "input"
	NodeInstance = "instance"
	NodeHost     = "host"
)

// FunctionGraph is the call graph of the file. All calls of one type through
// one table meet in a node, from which arrows lead to what they can hit. It
// must not be asked of an account that was read from JSON.
func (a *Account) FunctionGraph() *Graph {
	r := a.reach
	g := &Graph{Nodes: []GraphNode{}, Edges: []GraphEdge{}}
	place := make([]int, len(r.items))
	for v := range r.items {
		place[v] = -1
		switch it := &r.items[v]; {
		case v == 0 || r.keeper[v] < 0:
		case it.space == wasm.SpaceFunc && a.itemOf[v] >= 0:
			x := &a.Items[a.itemOf[v]]
			label := x.Name
			if x.Input != "" {
				label = x.Input + ": " + x.Name
			}
			place[v] = len(g.Nodes)
			g.Nodes = append(g.Nodes, GraphNode{ID: fmt.Sprintf("f%d_%d", it.module, it.index), Label: label, Kind: x.Kind, Bytes: x.Bytes, Root: r.keeper[v] == 0})
		case it.space == wasm.SpaceNone:
			place[v] = len(g.Nodes)
			g.Nodes = append(g.Nodes, GraphNode{ID: fmt.Sprintf("i%d", v), Label: a.indirectLabel(v), Kind: NodeIndirect})
		}
	}
	for v := range r.items {
		if place[v] < 0 {
			continue
		}
		for _, e := range r.edges[v] {
			if to := place[e.to]; to >= 0 {
				label := e.how
				if label == "calls" || strings.HasPrefix(label, "call_indirect ") {
					label = ""
				}
				g.Edges = append(g.Edges, GraphEdge{place[v], to, label})
			}
		}
	}
	return g
}

// indirectLabel names the calls of one type through one table.
func (a *Account) indirectLabel(v int) string {
	for key, node := range a.reach.indirect {
		if node == v {
			return fmt.Sprintf("call_indirect %s, table %d", key.typ, key.table)
		}
	}
	return NodeIndirect
}

// InstanceGraph says which core instances still call which others, through
// adapters or directly, and which call the host. The label of an arrow is how many
// functions there are that do.
func (a *Account) InstanceGraph() *Graph {
	r := a.reach
	g := &Graph{Nodes: []GraphNode{}, Edges: []GraphEdge{}}
	index := map[string]int{}
	node := func(name, kind string) int {
		i, ok := index[name]
		if !ok {
			i = len(g.Nodes)
			index[name] = i
			g.Nodes = append(g.Nodes, GraphNode{ID: fmt.Sprintf("n%d", i), Label: name, Kind: kind})
		}
		return i
	}
	// owner is the place of a node's instance, -1 for adapters, indirect calls
	// and all that is no function.
	owner := make([]int, len(r.items))
	for v := range r.items {
		owner[v] = -1
		i := a.itemOf[v]
		if r.items[v].space != wasm.SpaceFunc || i < 0 || r.keeper[v] < 0 {
			continue
		}
		switch it := &a.Items[i]; {
		case it.Kind == KindImports:
			owner[v] = node(NodeHost, NodeHost)
		case it.Instance != "" || it.Origin == "":
			name := it.Instance
			if name == "" {
				name = nameOfInput(it.Input)
			}
			owner[v] = node(name, NodeInstance)
			g.Nodes[owner[v]].Bytes += it.Bytes
			g.Nodes[owner[v]].Root = g.Nodes[owner[v]].Root || r.keeper[v] == 0
		}
	}
	// leads are the instances that code of no instance leads to.
	leads := make([]map[int]bool, len(r.items))
	through := func(v int) bool {
		return v > 0 && owner[v] < 0 && (r.items[v].space == wasm.SpaceFunc || r.items[v].space == wasm.SpaceNone)
	}
	for changed := true; changed; {
		changed = false
		for v := range r.items {
			if !through(v) {
				continue
			}
			if leads[v] == nil {
				leads[v] = map[int]bool{}
			}
			before := len(leads[v])
			for _, e := range r.edges[v] {
				if owner[e.to] >= 0 {
					leads[v][owner[e.to]] = true
				} else if through(e.to) {
					for k := range leads[e.to] {
						leads[v][k] = true
					}
				}
			}
			changed = changed || len(leads[v]) > before
		}
	}
	callers := map[[2]int]int{}
	for v := range r.items {
		if owner[v] < 0 {
			continue
		}
		to := map[int]bool{}
		for _, e := range r.edges[v] {
			if owner[e.to] >= 0 {
				to[owner[e.to]] = true
			} else if through(e.to) {
				for k := range leads[e.to] {
					to[k] = true
				}
			}
		}
		for k := range to {
			if k != owner[v] {
				callers[[2]int{owner[v], k}]++
			}
		}
	}
	for pair, n := range callers {
		label := fmt.Sprintf("%d functions", n)
		if n == 1 {
			label = "1 function"
		}
		g.Edges = append(g.Edges, GraphEdge{pair[0], pair[1], label})
	}
	slices.SortFunc(g.Edges, func(x, y GraphEdge) int {
		if x.From != y.From {
			return x.From - y.From
		}
		return x.To - y.To
	})
	return g
}

// Filter says which part of a graph is meant.
type Filter struct {
	From, To string // names, or parts of names; "": any
	Depth    int    // arrows from From, or to To, or from the roots; 0: any
	// OnlyImports keeps what leads to the host.
	OnlyImports bool
}

// Apply returns the part of g that the filter lets through: nodes that lie on a
// way from From to To. It is an error when a name names nothing.
func (f Filter) Apply(g *Graph) (*Graph, error) {
	n := len(g.Nodes)
	forth, back := make([][]int, n), make([][]int, n)
	for _, e := range g.Edges {
		forth[e.From] = append(forth[e.From], e.To)
		back[e.To] = append(back[e.To], e.From)
	}
	named := func(name string) ([]int, error) {
		var exact, partly []int
		for i, node := range g.Nodes {
			_, short, _ := strings.Cut(node.Label, ": ")
			switch {
			case node.Label == name || short == name:
				exact = append(exact, i)
			case strings.Contains(node.Label, name):
				partly = append(partly, i)
			}
		}
		if len(exact) > 0 {
			return exact, nil
		}
		if len(partly) == 0 {
			return nil, fmt.Errorf("nothing in the graph is called %q", name)
		}
		return partly, nil
	}
	keep := make([]bool, n)
	for i := range keep {
		keep[i] = true
	}
	// only keeps what is at most depth arrows from the starts.
	only := func(starts []int, next [][]int, depth int) {
		distance := make([]int, n)
		for i := range distance {
			distance[i] = -1
		}
		queue := []int{}
		for _, s := range starts {
			distance[s] = 0
			queue = append(queue, s)
		}
		for len(queue) > 0 {
			v := queue[0]
			queue = queue[1:]
			if depth > 0 && distance[v] == depth {
				continue
			}
			for _, to := range next[v] {
				if distance[to] < 0 {
					distance[to] = distance[v] + 1
					queue = append(queue, to)
				}
			}
		}
		for i := range keep {
			keep[i] = keep[i] && distance[i] >= 0
		}
	}
	if f.From != "" {
		starts, err := named(f.From)
		if err != nil {
			return nil, err
		}
		only(starts, forth, f.Depth)
	}
	if f.To != "" {
		starts, err := named(f.To)
		if err != nil {
			return nil, err
		}
		only(starts, back, f.Depth)
	}
	if f.From == "" && f.To == "" && f.Depth > 0 {
		var roots []int
		for i, node := range g.Nodes {
			if node.Root {
				roots = append(roots, i)
			}
		}
		only(roots, forth, f.Depth)
	}
	if f.OnlyImports {
		var host []int
		for i, node := range g.Nodes {
			if node.Kind == KindImports || node.Kind == NodeHost {
				host = append(host, i)
			}
		}
		only(host, back, 0)
	}
	out := &Graph{Nodes: []GraphNode{}, Edges: []GraphEdge{}}
	place := make([]int, n)
	for i := range g.Nodes {
		place[i] = -1
		if keep[i] {
			place[i] = len(out.Nodes)
			out.Nodes = append(out.Nodes, g.Nodes[i])
		}
	}
	for _, e := range g.Edges {
		if keep[e.From] && keep[e.To] {
			out.Edges = append(out.Edges, GraphEdge{place[e.From], place[e.To], e.Label})
		}
	}
	return out, nil
}

// Text writes a line for each node, and below it what it leads to.
func (g *Graph) Text(w io.Writer) {
	below := make([][]GraphEdge, len(g.Nodes))
	for _, e := range g.Edges {
		below[e.From] = append(below[e.From], e)
	}
	for i := range g.Nodes {
		fmt.Fprintln(w, g.Nodes[i].text())
		for _, e := range below[i] {
			label := ""
			if e.Label != "" {
				label = " (" + e.Label + ")"
			}
			fmt.Fprintf(w, "  -> %s%s\n", g.Nodes[e.To].Label, label)
		}
	}
}

// text is a node in one line.
func (n *GraphNode) text() string {
	if n.Bytes > 0 {
		return fmt.Sprintf("%s (%s)", n.Label, Human(n.Bytes))
	}
	return n.Label
}

// Dot writes the graph for Graphviz.
func (g *Graph) Dot(w io.Writer) {
	quote := func(s string) string {
		return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(s) + `"`
	}
	fmt.Fprint(w, "digraph bundle {\n  rankdir=LR;\n  node [shape=box];\n")
	for i := range g.Nodes {
		n := &g.Nodes[i]
		style := ""
		switch {
		case n.Root:
			style = ", style=bold"
		case n.Kind == NodeHost || n.Kind == KindImports || n.Kind == NodeIndirect:
			style = ", shape=ellipse"
		}
		fmt.Fprintf(w, "  %s [label=%s%s];\n", n.ID, quote(n.text()), style)
	}
	for _, e := range g.Edges {
		label := ""
		if e.Label != "" {
			label = " [label=" + quote(e.Label) + "]"
		}
		fmt.Fprintf(w, "  %s -> %s%s;\n", g.Nodes[e.From].ID, g.Nodes[e.To].ID, label)
	}
	fmt.Fprint(w, "}\n")
}

// Mermaid writes the graph for Mermaid.
func (g *Graph) Mermaid(w io.Writer) {
	escape := strings.NewReplacer(`"`, "#quot;", "\n", "<br/>", "#", "#35;", "<", "#lt;", ">", "#gt;").Replace
	fmt.Fprint(w, "graph LR\n")
	for i := range g.Nodes {
		fmt.Fprintf(w, "  %s[\"%s\"]\n", g.Nodes[i].ID, escape(g.Nodes[i].text()))
	}
	for _, e := range g.Edges {
		label := ""
		if e.Label != "" {
			label = "|\"" + escape(e.Label) + "\"|"
		}
		fmt.Fprintf(w, "  %s -->%s %s\n", g.Nodes[e.From].ID, label, g.Nodes[e.To].ID)
	}
}

// MaxDrawn is how many nodes SVG and HTML draw at most: more cannot be read.
const MaxDrawn = 400

// The measures of the drawing, in pixels.
const (
	nodeWidth, nodeHeight = 240, 30
	columnGap, rowGap     = 90, 12
)

// SVG draws the graph in columns: each node stands right of what leads to it,
// as far as there are no cycles. It refuses graphs of more than MaxDrawn nodes.
func (g *Graph) SVG(w io.Writer) error {
	if len(g.Nodes) > MaxDrawn {
		return fmt.Errorf("a drawing of %s nodes cannot be read; narrow it down to %d", Exact(len(g.Nodes)), MaxDrawn)
	}
	column := g.columns()
	rows := map[int]int{}
	x, y := make([]int, len(g.Nodes)), make([]int, len(g.Nodes))
	width, height := 0, 0
	for i := range g.Nodes {
		x[i] = 10 + column[i]*(nodeWidth+columnGap)
		y[i] = 10 + rows[column[i]]*(nodeHeight+rowGap)
		rows[column[i]]++
		width, height = max(width, x[i]+nodeWidth+10), max(height, y[i]+nodeHeight+10)
	}
	out := &stickyWriter{w: w}
	out.printf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" font-family="sans-serif" font-size="11">`+"\n", width, height, width, height)
	out.printf(`<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0 8 4 0 8z" fill="#888"/></marker></defs>` + "\n")
	for _, e := range g.Edges {
		x1, y1 := x[e.From]+nodeWidth, y[e.From]+nodeHeight/2
		x2, y2 := x[e.To], y[e.To]+nodeHeight/2
		bend := columnGap / 2
		if x2 <= x1 {
			bend = columnGap
		}
		out.printf(`<path data-from="%d" data-to="%d" d="M%d %d C%d %d %d %d %d %d" fill="none" stroke="#888" marker-end="url(#tip)"><title>%s</title></path>`+"\n",
			e.From, e.To, x1, y1, x1+bend, y1, x2-bend, y2, x2, y2, html.EscapeString(e.Label))
	}
	fill := map[string]string{KindGenerated: "#ffe4b5", KindImports: "#d8ecd8", NodeHost: "#d8ecd8", NodeIndirect: "#eee"}
	for i := range g.Nodes {
		n := &g.Nodes[i]
		color, bold := fill[n.Kind], ""
		if color == "" {
			color = "#d6e4f5"
		}
		if n.Root {
			bold = ` stroke-width="2"`
		}
		const letters = 38
		out.printf(`<g data-node="%d"><title>%s</title><rect x="%d" y="%d" width="%d" height="%d" rx="3" fill="%s" stroke="#567"%s/><text x="%d" y="%d" fill="#111">%s</text></g>`+"\n",
			i, html.EscapeString(n.text()), x[i], y[i], nodeWidth, nodeHeight, color, bold, x[i]+6, y[i]+19, html.EscapeString(clip(n.text(), letters)))
	}
	out.printf("</svg>\n")
	return out.err
}

// columns places nodes by their distance from the roots, or from what nothing
// leads to.
func (g *Graph) columns() []int {
	column := make([]int, len(g.Nodes))
	entered := make([]bool, len(g.Nodes))
	next := make([][]int, len(g.Nodes))
	for i := range column {
		column[i] = -1
	}
	for _, e := range g.Edges {
		next[e.From] = append(next[e.From], e.To)
		entered[e.To] = entered[e.To] || e.From != e.To
	}
	var queue []int
	start := func(i int) {
		if column[i] < 0 {
			column[i] = 0
			queue = append(queue, i)
		}
	}
	spread := func() {
		for len(queue) > 0 {
			v := queue[0]
			queue = queue[1:]
			for _, to := range next[v] {
				if column[to] < 0 {
					column[to] = column[v] + 1
					queue = append(queue, to)
				}
			}
		}
	}
	for i := range g.Nodes {
		if g.Nodes[i].Root || !entered[i] {
			start(i)
		}
	}
	spread()
	for i := range g.Nodes { // cycles that nothing leads to
		start(i)
		spread()
	}
	return column
}

//go:embed assets/graph.html
var graphHTML string

// HTML writes the drawing as a page: pointing at a node shows its arrows, and
// names can be searched.
func (g *Graph) HTML(w io.Writer, title string) error {
	var svg strings.Builder
	if err := g.SVG(&svg); err != nil {
		return err
	}
	_, err := strings.NewReplacer("{{title}}", html.EscapeString(title), "{{svg}}", svg.String()).WriteString(w, graphHTML)
	return err
}

// JSON writes the graph as JSON.
func (g *Graph) JSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(g)
}
