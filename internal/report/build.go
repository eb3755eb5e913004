package report

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/wbundle/wbundle/linker"
)

// Build is what one run of `wbundle build` did.
type Build struct {
	Name    string    `json:"name,omitempty"`
	Inputs  []Input   `json:"inputs"`
	Outputs []*Output `json:"outputs"`
	// Seconds is the time from reading the inputs to the last rename.
	Seconds float64 `json:"seconds"`
}

// Input is one input file.
type Input struct {
	linker.InputSummary
	SHA256 string `json:"sha256"`
}

// Output is one file that was written, and the link that made it.
type Output struct {
	Path     string         `json:"path"` // "-" is standard output
	Format   linker.Format  `json:"format"`
	Target   string         `json:"target,omitempty"`
	Size     Size           `json:"size"`
	SHA256   string         `json:"sha256"`
	Link     linker.Summary `json:"link"`
	Verified *Verified      `json:"verified,omitempty"` // nil: --no-verify
}

// Text writes the end-of-build summary. Verbose adds the links to the host,
// the list of exports and the memory windows.
func (b *Build) Text(w io.Writer, style Style, verbose bool) {
	p := &printer{w: w, style: style}
	b.inputs(p)
	if len(b.Outputs) > 0 {
		links(p, &b.Outputs[0].Link, verbose)
	}
	total := 0
	for _, in := range b.Inputs {
		total += in.Bytes
	}
	for _, o := range b.Outputs {
		o.text(p, total, verbose)
	}
	p.line("%s", style.Dim("done in "+Seconds(time.Duration(b.Seconds*float64(time.Second)))))
}

// Seconds formats a duration for people: 0.42 s.
func Seconds(d time.Duration) string {
	switch {
	case d < 100*time.Millisecond:
		return fmt.Sprintf("%.0f ms", float64(d)/float64(time.Millisecond))
	case d < 10*time.Second:
		return fmt.Sprintf("%.2f s", d.Seconds())
	}
	return fmt.Sprintf("%.0f s", d.Seconds())
}

func (b *Build) inputs(p *printer) {
	p.heading("inputs")
	var t table
	total := 0
	for _, in := range b.Inputs {
		total += in.Bytes
		what := in.Kind
		if len(in.Languages) > 0 {
			what += ", " + strings.Join(in.Languages, ", ")
		}
		if in.Root {
			what += " (root)"
		}
		t.row(in.ID, Exact(in.Bytes)+" B", what)
	}
	if len(b.Inputs) > 1 {
		t.row("total", Exact(total)+" B", "")
	}
	t.write(p, 1)
}

// links prints importer <- provider: interface. Links to the host are many
// and alike (WASI), so without verbose there is one line for all.
func links(p *printer, s *linker.Summary, verbose bool) {
	if len(s.Links) == 0 {
		return
	}
	p.heading("links")
	host := map[string]int{}
	var importers []string
	for _, l := range s.Links {
		if l.Provider == "" && !verbose {
			if host[l.Importer] == 0 {
				importers = append(importers, l.Importer)
			}
			host[l.Importer]++
			continue
		}
		p.line("  %s", LinkText(l, "<-"))
	}
	for _, importer := range importers {
		noun := "imports"
		if host[importer] == 1 {
			noun = "import"
		}
		p.line("  %s <- host: %d %s", importer, host[importer], noun)
	}
}

// WindowText formats one window of a single memory.
func WindowText(w linker.Window) string {
	return fmt.Sprintf("0x%08x %s: %s to %s pages", w.Base, w.Owner, Exact(int(w.MinPages)), Exact(int(w.MaxPages)))
}

// LinkText formats one link: app <- lib: acme:lib/api (as acme:lib/api@1.0.1).
func LinkText(l linker.LinkSummary, arrow string) string {
	provider := l.Provider
	if provider == "" {
		provider = "host"
	}
	text := fmt.Sprintf("%s %s %s: %s", l.Importer, arrow, provider, l.Import)
	if l.Export != "" && l.Export != l.Import {
		text += " (its " + l.Export + ")"
	}
	return text
}

func (o *Output) text(p *printer, inputs int, verbose bool) {
	s := &o.Link
	path := o.Path
	if path == "-" {
		path = "standard output"
	}
	kind := string(o.Format)
	if s.Memories.Out > 0 || s.Memory != "" {
		kind += ", " + string(s.Memory) + " memory"
	}
	p.line("%s %s", p.style.Bold(path), p.style.Dim("("+kind+")"))
	size := fmt.Sprintf("%s B", Exact(o.Size.Raw))
	if o.Size.Gzip > 0 {
		size += fmt.Sprintf(", gzip %s B, brotli %s B", Exact(o.Size.Gzip), Exact(o.Size.Brotli))
		if o.Size.BrotliQuality != brotliBest {
			size += fmt.Sprintf(" (quality %d)", o.Size.BrotliQuality)
		}
	}
	if change := Percent(inputs, o.Size.Raw); change != "" {
		size += fmt.Sprintf("; %s against the inputs", change)
	}
	p.line("  size      %s", size)
	p.line("  kept      %s", kept(s))
	if s.Adapters > 0 {
		noun := "functions"
		if s.Adapters == 1 {
			noun = "function"
		}
		left := ""
		if s.AdaptersLeft < s.Adapters {
			left = fmt.Sprintf("; %s left, the others inlined or not needed", Exact(s.AdaptersLeft))
			if s.AdaptersLeft == 0 {
				left = "; none left, all inlined or not needed"
			}
		}
		p.line("  adapters  %s %s generated for the canonical ABI%s", Exact(s.Adapters), noun, left)
	}
	if verbose {
		p.list("imports   ", s.Imports)
		p.list("exports   ", s.Exports)
		for _, win := range s.Windows {
			p.line("  window    %s", WindowText(win))
		}
	}
	if o.Verified != nil {
		p.line("  verified  %s", o.Verified.Text(p.style))
		if c := o.Verified.Compared; c != nil {
			p.line("  compared  %s", c.Text(p.style))
			if verbose {
				p.list("skipped   ", c.skipped())
			}
		}
	}
	if len(s.Unprotected) > 1 {
		p.line("  %s %s share one memory and nothing keeps them apart", p.style.Warn("note:"), and(s.Unprotected))
	}
	for _, warning := range s.Warnings {
		p.line("  %s %s", p.style.Warn("warning:"), warning)
	}
}

// kept says what is left of what went in.
func kept(s *linker.Summary) string {
	counts := []struct {
		one, many string
		linker.Count
	}{
		{"function", "functions", s.Functions}, {"global", "globals", s.Globals}, {"table", "tables", s.Tables},
		{"memory", "memories", s.Memories}, {"data segment", "data segments", s.Data},
		{"element segment", "element segments", s.Elements}, {"type", "types", s.Types},
	}
	var parts []string
	for _, c := range counts {
		noun := c.many
		if max(c.In, c.Out) == 1 {
			noun = c.one
		}
		switch {
		case c.In == 0 && c.Out == 0:
		case c.In == c.Out:
			parts = append(parts, Exact(c.Out)+" "+noun)
		case c.Out > c.In: // the linker adds adapters, their types and state
			parts = append(parts, fmt.Sprintf("%s %s (%s in the inputs)", Exact(c.Out), noun, Exact(c.In)))
		default:
			parts = append(parts, fmt.Sprintf("%s of %s %s", Exact(c.Out), Exact(c.In), noun))
		}
	}
	if len(parts) == 0 {
		return "nothing"
	}
	return strings.Join(parts, ", ")
}

// and joins names as a sentence does.
func and(names []string) string {
	switch len(names) {
	case 0:
		return ""
	case 1:
		return names[0]
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}

// printer writes lines. Write errors are dropped: the summary goes to standard
// error, and there is nowhere to complain about that.
type printer struct {
	w     io.Writer
	style Style
}

func (p *printer) line(format string, args ...any) {
	fmt.Fprintf(p.w, format+"\n", args...)
}

func (p *printer) heading(text string) { p.line("%s", p.style.Bold(text)) }

// list prints a label and names, one a line.
func (p *printer) list(label string, names []string) {
	for i, name := range names {
		if i > 0 {
			label = strings.Repeat(" ", len(label))
		}
		p.line("  %s%s", label, name)
	}
}

// table aligns columns.
type table struct{ rows [][]string }

func (t *table) row(cells ...string) { t.rows = append(t.rows, cells) }

// write prints the rows; column number right is aligned to the right.
func (t *table) write(p *printer, right int) {
	var widths []int
	for _, row := range t.rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, row := range t.rows {
		var b strings.Builder
		for i, cell := range row {
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if i == right {
				cell = pad + cell
			} else {
				cell += pad
			}
			b.WriteString("  " + cell)
		}
		p.line("%s", strings.TrimRight(b.String(), " "))
	}
}
