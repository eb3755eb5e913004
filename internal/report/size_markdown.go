package report

import (
	"fmt"
	"io"
	"strings"
)

// WriteMarkdown writes the accounts for a pull request: the totals and the
// inputs, with the rest folded away.
func (s *Sizes) WriteMarkdown(w io.Writer) {
	for _, a := range s.Outputs {
		fmt.Fprintf(w, "### %s\n\n%s\n\n", markdown(a.Path), a.Size.SizeSentence())
		if len(a.Inputs) > 0 {
			fmt.Fprintf(w, "| input | file | in the output | retained | share |\n|---|--:|--:|--:|--:|\n")
			own := a.Size.Raw
			for _, in := range a.Inputs {
				own -= in.InOutput
				fmt.Fprintf(w, "| %s | %s | %s | %s | %s |\n", markdown(in.ID), Exact(in.Bytes), Exact(in.InOutput), Exact(in.Retained), share(in.InOutput, a.Size.Raw))
			}
			fmt.Fprintf(w, "| %s | | %s | | %s |\n| **total** | | **%s** | | |\n\n", bundleName, Exact(own), share(own, a.Size.Raw), Exact(a.Size.Raw))
		}
		markdownTable(w, a, "kind", kindLines(a), 0)
		fmt.Fprintf(w, "<details><summary>packages and functions</summary>\n\n")
		markdownTable(w, a, "package", packageLines(a), 15)
		if len(a.ByFile) > 0 {
			markdownTable(w, a, "file", fileLines(a), 15)
		}
		markdownTable(w, a, "function", itemLines(a, func(*Item) bool { return true }), 25)
		fmt.Fprintf(w, "</details>\n\n")
	}
}

func markdownTable(w io.Writer, a *Account, what string, lines []sizeLine, n int) {
	fmt.Fprintf(w, "| %s | bytes | share |\n|---|--:|--:|\n", what)
	total := 0
	for _, l := range top(lines, n) {
		total += l.bytes
		fmt.Fprintf(w, "| %s | %s | %s |\n", markdown(l.name), Exact(l.bytes), share(l.bytes, a.Size.Raw))
	}
	fmt.Fprintf(w, "| **total** | **%s** | |\n\n", Exact(total))
}

// markdown escapes a name for a cell of a table.
func markdown(s string) string {
	if s == "" {
		return ""
	}
	if strings.ContainsAny(s, "<>*_`|[]\\&#~") {
		s = strings.NewReplacer("|", "\\|", "\n", " ").Replace(s)
		fence := "`"
		for strings.Contains(s, fence) {
			fence += "`"
		}
		if len(fence) > 1 {
			return fence + " " + s + " " + fence
		}
		return fence + s + fence
	}
	return s
}
