package config

import (
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// ReportKinds are the forms of the size report: json is what the others are
// rendered from.
var ReportKinds = []string{"json", "markdown", "html", "svg"}

// Report is one form of the size report to write.
type Report struct {
	Kind string // one of ReportKinds
	Path string
	Pos  Pos
}

var reportTable = func() object[[]Report] {
	t := object[[]Report]{}
	for _, kind := range ReportKinds {
		t[kind] = field[[]Report]{read: func(w *walker, n *yaml.Node, all *[]Report) {
			if s, ok := w.text(n, "a path"); ok {
				*all = append(*all, Report{Kind: kind, Path: w.resolvePath(s), Pos: Pos{n.Line, n.Column}})
			}
		}}
	}
	return t
}()

// ParseReport reads KIND=FILE, as a flag has it; the complaint is "" when it
// is well-formed.
func ParseReport(s string) (r Report, complaint string) {
	kind, path, ok := strings.Cut(s, "=")
	if !ok || path == "" {
		return r, "want KIND=FILE, such as json=size.json"
	}
	if !slices.Contains(ReportKinds, kind) {
		return r, "unknown report " + kind + DidYouMean(kind, ReportKinds)
	}
	return Report{Kind: kind, Path: path}, ""
}

// reports checks that no report overwrites something.
func (w *walker) reports(d *draft) {
	for i, r := range d.Reports {
		for _, o := range d.Outputs {
			if same(o.Path, r.Path) {
				w.errorAt(r.Pos, "report."+r.Kind, "%s is an output already", r.Path)
			}
		}
		for _, in := range d.Inputs {
			if same(in.Path, r.Path) {
				w.errorAt(r.Pos, "report."+r.Kind, "%s would overwrite the input %q", r.Path, in.ID)
			}
		}
		for _, other := range d.Reports[:i] {
			if same(other.Path, r.Path) {
				w.errorAt(r.Pos, "report."+r.Kind, "%s is the %s report already", r.Path, other.Kind)
			}
		}
	}
}
