package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// Views are the ways to list an account.
var Views = []string{"input", "kind", "package", "file", "function"}

// SizeText says how to write accounts as text.
type SizeText struct {
	By    string // one of Views; "": the inputs and the kinds
	Tree  bool   // inputs, their packages, and what is in those
	Top   int    // rows of a table, or below a branch; 0: all
	Style Style
}

// sizeLine is a row of a table that is being written.
type sizeLine struct {
	bytes int
	name  string
}

// Write writes the accounts of all outputs.
func (t SizeText) Write(w io.Writer, s *Sizes) {
	for i, a := range s.Outputs {
		if i > 0 {
			fmt.Fprintln(w)
		}
		t.account(&printer{w: w, style: t.Style}, a)
	}
}

// SizeSentence says how large something is, raw and compressed.
func (s Size) SizeSentence() string {
	text := Exact(s.Raw) + " B"
	if s.Gzip > 0 {
		text += fmt.Sprintf(", gzip %s B, brotli %s B", Exact(s.Gzip), Exact(s.Brotli))
		if s.BrotliQuality != brotliBest {
			text += fmt.Sprintf(" (quality %d)", s.BrotliQuality)
		}
	}
	return text
}

func (t SizeText) account(p *printer, a *Account) {
	p.line("%s  %s", p.style.Bold(a.Path), a.Size.SizeSentence())
	if t.Tree {
		p.line("")
		t.tree(p, a)
		return
	}
	switch t.By {
	case "":
		if len(a.ByInput) > 1 {
			t.table(p, a, "input", inputLines(a))
		}
		t.table(p, a, "kind", kindLines(a))
	case "input":
		t.table(p, a, "input", inputLines(a))
	case "kind":
		t.table(p, a, "kind", kindLines(a))
	case "package":
		t.table(p, a, "package", packageLines(a))
	case "file":
		t.table(p, a, "file", fileLines(a))
	case "function":
		t.table(p, a, "function", itemLines(a, func(*Item) bool { return true }))
	}
}

// bundleName is what the bytes of no input are called.
const bundleName = "(bundle)"

func nameOfInput(id string) string {
	if id == "" {
		return bundleName
	}
	return id
}

// nameOfRow names a row of ByPackage or ByFile; what is the word for the one or
// the other.
func nameOfRow(r SizeRow, what string) string {
	switch {
	case r.Input == "" && r.Name == "":
		return bundleName
	case r.Name == "":
		return fmt.Sprintf("%s: (no %s)", r.Input, what)
	case r.Input == "":
		return r.Name
	}
	return r.Input + ": " + r.Name
}

func inputLines(a *Account) []sizeLine {
	var lines []sizeLine
	for _, r := range a.ByInput {
		lines = append(lines, sizeLine{bytes: r.Bytes, name: nameOfInput(r.Name)})
	}
	return lines
}

func kindLines(a *Account) []sizeLine {
	var lines []sizeLine
	for _, r := range a.ByKind {
		lines = append(lines, sizeLine{bytes: r.Bytes, name: r.Name})
	}
	return lines
}

func packageLines(a *Account) []sizeLine {
	var lines []sizeLine
	for _, r := range a.ByPackage {
		lines = append(lines, sizeLine{bytes: r.Bytes, name: nameOfRow(r, "package")})
	}
	return lines
}

// fileLines lists files; without debug information all is of no file.
func fileLines(a *Account) []sizeLine {
	rows := a.ByFile
	if len(rows) == 0 {
		rows = a.ByInput
	}
	var lines []sizeLine
	for _, r := range rows {
		if len(a.ByFile) == 0 {
			r.Input, r.Name = r.Name, ""
		}
		lines = append(lines, sizeLine{bytes: r.Bytes, name: nameOfRow(r, "file")})
	}
	return lines
}

// itemLines lists the items that keep accepts, the largest first.
func itemLines(a *Account, keep func(*Item) bool) []sizeLine {
	var lines []sizeLine
	for i := range a.Items {
		it := &a.Items[i]
		if !keep(it) {
			continue
		}
		name := it.title()
		if it.Retained > it.Bytes {
			name += fmt.Sprintf("  (with what only it needs %s)", Exact(it.Retained))
		}
		lines = append(lines, sizeLine{bytes: it.Bytes, name: name})
	}
	slices.SortStableFunc(lines, func(x, y sizeLine) int { return y.bytes - x.bytes })
	return lines
}

// title is an item in one line: its name, its kind unless it is code, and
// whose it is.
func (it *Item) title() string {
	text := it.Name
	if it.Kind != KindCode {
		text = it.Kind + ": " + text
	}
	if it.Input != "" {
		text = it.Input + ": " + text
	}
	return text
}

// table writes lines and their sum, which is the size of the file.
func (t SizeText) table(p *printer, a *Account, what string, lines []sizeLine) {
	p.line("")
	p.line("%s", p.style.Dim(fmt.Sprintf("%12s  %6s  %s", "bytes", "share", "by "+what)))
	lines = top(lines, t.Top)
	total := 0
	for _, l := range lines {
		total += l.bytes
		p.line("%12s  %6s  %s", Exact(l.bytes), share(l.bytes, a.Size.Raw), l.name)
	}
	p.line("%12s  %6s  %s", Exact(total), share(total, a.Size.Raw), "total")
}

// top keeps the first n lines and sums up the others.
func top(lines []sizeLine, n int) []sizeLine {
	if n <= 0 || len(lines) <= n+1 {
		return lines
	}
	rest := 0
	for _, l := range lines[n:] {
		rest += l.bytes
	}
	return append(slices.Clone(lines[:n]), sizeLine{bytes: rest, name: fmt.Sprintf("(%s more)", Exact(len(lines)-n))})
}

func share(n, of int) string {
	if of == 0 {
		return ""
	}
	return fmt.Sprintf("%.1f%%", 100*float64(n)/float64(of))
}

// tree writes inputs, packages and items, each with its bytes.
func (t SizeText) tree(p *printer, a *Account) {
	line := func(depth, bytes int, name string) {
		p.line("%12s  %6s  %s%s", Exact(bytes), share(bytes, a.Size.Raw), strings.Repeat("  ", depth), name)
	}
	line(0, a.Size.Raw, "total")
	for _, in := range a.ByInput {
		line(1, in.Bytes, nameOfInput(in.Name))
		var packages []sizeLine
		named := map[string]string{}
		for _, r := range a.ByPackage {
			if r.Input != in.Name {
				continue
			}
			name := r.Name
			if name == "" {
				name = "(no package)"
			}
			if in.Name == "" {
				name = "(of no input)"
			}
			named[name] = r.Name
			packages = append(packages, sizeLine{bytes: r.Bytes, name: name})
		}
		for _, l := range top(packages, t.Top) {
			depth := 3
			pkg, ok := named[l.name]
			line(2, l.bytes, l.name)
			if !ok {
				continue // the sum of the others
			}
			items := itemLines(a, func(it *Item) bool { return it.Input == in.Name && it.Package == pkg })
			for _, l := range top(items, t.Top) {
				line(depth, l.bytes, strings.TrimPrefix(l.name, in.Name+": "))
			}
		}
	}
}
