package report

import (
	"cmp"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
)

// SizeDiff says how the outputs of two builds differ.
type SizeDiff struct {
	Outputs []*OutputDiff `json:"outputs"`
}

// OutputDiff says how two files differ. The deltas of Items and Renumbered sum
// to the change of the file's size, and so do those of Kinds and of Inputs.
type OutputDiff struct {
	Before string    `json:"before"` // paths; "" when the file is new
	After  string    `json:"after"`  // "" when the file is gone
	Size   SizeDelta `json:"size"`
	Kinds  []DiffRow `json:"kinds"`
	Inputs []DiffRow `json:"inputs"`
	Items  []DiffRow `json:"items"`
	// Renumbered sums up what did not change but for the length of indices and
	// offsets, because other items came or went.
	Renumbered DiffRow `json:"renumbered"`
}

// SizeDelta is the sizes of both files.
type SizeDelta struct {
	Before Size `json:"before"`
	After  Size `json:"after"`
}

// DiffRow is what has another size, or is in one file only.
type DiffRow struct {
	Name   string `json:"name"`
	Kind   string `json:"kind,omitempty"`
	Input  string `json:"input,omitempty"`
	Change string `json:"change,omitempty"` // added, removed, grown, shrunk, changed
	Before int    `json:"before"`
	After  int    `json:"after"`
	// Items counts what the row sums up.
	Items int `json:"items,omitempty"`
}

// Delta is by how many bytes it grew.
func (r DiffRow) Delta() int { return r.After - r.Before }

// DiffSizes compares builds. Outputs belong together when they have one path,
// or base name, or when each build has just one.
func DiffSizes(before, after *Sizes) *SizeDiff {
	d := &SizeDiff{Outputs: []*OutputDiff{}}
	taken := map[*Account]bool{}
	match := func(b *Account, same func(a *Account) bool) *Account {
		for _, a := range before.Outputs {
			if !taken[a] && same(a) {
				taken[a] = true
				return a
			}
		}
		return nil
	}
	for _, b := range after.Outputs {
		a := match(b, func(a *Account) bool { return a.Path == b.Path })
		if a == nil {
			a = match(b, func(a *Account) bool { return filepath.Base(a.Path) == filepath.Base(b.Path) })
		}
		if a == nil && len(before.Outputs) == 1 && len(after.Outputs) == 1 {
			a = match(b, func(*Account) bool { return true })
		}
		if a == nil {
			a = &Account{}
		}
		d.Outputs = append(d.Outputs, diffAccounts(a, b))
	}
	for _, a := range before.Outputs {
		if !taken[a] {
			d.Outputs = append(d.Outputs, diffAccounts(a, &Account{}))
		}
	}
	return d
}

// diffKey is the identity of an item from build to build.
type diffKey struct{ kind, input, key string }

func (it *Item) diffKey() diffKey {
	return diffKey{it.Kind, it.Input, cmp.Or(it.Key, it.Name) + "\x00" + it.Package}
}

// group is the items of one identity in one file.
type group struct {
	name         string
	bytes, index int
	items        int
}

func diffAccounts(a, b *Account) *OutputDiff {
	d := &OutputDiff{Before: a.Path, After: b.Path, Size: SizeDelta{a.Size, b.Size}}
	d.Kinds = diffRows(a.ByKind, b.ByKind)
	d.Inputs = diffRows(a.ByInput, b.ByInput)
	alias := pairUnnamed(a, b)
	var order []diffKey
	groups := func(x *Account, second bool) map[diffKey]*group {
		all := map[diffKey]*group{}
		for i := range x.Items {
			it := &x.Items[i]
			k := it.diffKey()
			if second {
				if to, ok := alias[i]; ok {
					k = to
				}
			}
			g := all[k]
			if g == nil {
				g = &group{name: it.Name}
				all[k] = g
				order = append(order, k)
			}
			g.bytes += it.Bytes
			g.index += it.IndexBytes
			g.items++
		}
		return all
	}
	before, after := groups(a, false), groups(b, true)
	seen := map[diffKey]bool{}
	for _, k := range order {
		if seen[k] {
			continue
		}
		seen[k] = true
		x, y := before[k], after[k]
		row := DiffRow{Kind: k.kind, Input: k.input}
		switch {
		case x == nil:
			row.Name, row.After, row.Change, row.Items = y.name, y.bytes, "added", y.items
		case y == nil:
			row.Name, row.Before, row.Change, row.Items = x.name, x.bytes, "removed", x.items
		default:
			row.Name, row.Before, row.After, row.Items = y.name, x.bytes, y.bytes, y.items
			if x.bytes == y.bytes {
				continue
			}
			if x.bytes-x.index == y.bytes-y.index && x.items == y.items {
				d.Renumbered.Before += x.bytes
				d.Renumbered.After += y.bytes
				d.Renumbered.Items += y.items
				continue
			}
			row.Change = "grown"
			if row.Delta() < 0 {
				row.Change = "shrunk"
			}
		}
		d.Items = append(d.Items, row)
	}
	d.Renumbered.Name = "longer or shorter indices"
	if d.Items == nil {
		d.Items = []DiffRow{}
	}
	sortRows(d.Items)
	return d
}

// diffRows compares sums.
func diffRows(a, b []SizeRow) []DiffRow {
	rows := []DiffRow{}
	index := map[string]int{}
	at := func(name string) *DiffRow {
		i, ok := index[name]
		if !ok {
			i = len(rows)
			index[name] = i
			rows = append(rows, DiffRow{Name: name})
		}
		return &rows[i]
	}
	for _, r := range a {
		at(r.Name).Before += r.Bytes
	}
	for _, r := range b {
		at(r.Name).After += r.Bytes
	}
	rows = slices.DeleteFunc(rows, func(r DiffRow) bool { return r.Before == r.After })
	sortRows(rows)
	return rows
}

// sortRows puts the largest changes first.
func sortRows(rows []DiffRow) {
	abs := func(n int) int { return max(n, -n) }
	slices.SortStableFunc(rows, func(x, y DiffRow) int {
		return cmp.Or(abs(y.Delta())-abs(x.Delta()), strings.Compare(x.Input, y.Input), strings.Compare(x.Kind, y.Kind), strings.Compare(x.Name, y.Name))
	})
}

// pairUnnamed pairs functions and segments without names that changed. Those that did not
// have the same hash in both files and divide the others into gaps; in a gap the
// order stays, and of the ways to pair what is in it, the one with the
// smallest changes is taken. The result says under which identity items of b go.
func pairUnnamed(a, b *Account) map[int]diffKey {
	list := func(x *Account) map[[2]string][]int {
		by := map[[2]string][]int{}
		for i := range x.Items {
			it := &x.Items[i]
			if strings.HasPrefix(it.Key, "code ") || strings.HasPrefix(it.Key, "data ") {
				key := [2]string{it.Input, it.Kind}
				by[key] = append(by[key], i)
			}
		}
		return by
	}
	alias := map[int]diffKey{}
	before, after := list(a), list(b)
	for input, ys := range after {
		xs := before[input]
		i, j := 0, 0
		for _, m := range anchors(a, b, xs, ys) {
			pairGap(a, b, xs[i:m[0]], ys[j:m[1]], alias)
			i, j = m[0]+1, m[1]+1
		}
		pairGap(a, b, xs[i:], ys[j:], alias)
	}
	return alias
}

// anchors matches functions whose hash occurs once in each list, and keeps a
// longest run of them that is in the same order in both.
func anchors(a, b *Account, xs, ys []int) [][2]int {
	once := func(x *Account, list []int) map[string]int {
		at := map[string]int{}
		for i, k := range list {
			key := x.Items[k].Key
			if _, dup := at[key]; dup {
				at[key] = -1
			} else {
				at[key] = i
			}
		}
		return at
	}
	inB := once(b, ys)
	var pairs [][2]int
	for key, i := range once(a, xs) {
		if j, ok := inB[key]; ok && i >= 0 && j >= 0 {
			pairs = append(pairs, [2]int{i, j})
		}
	}
	slices.SortFunc(pairs, func(x, y [2]int) int { return x[0] - y[0] })
	// The longest increasing subsequence of the second numbers.
	var tails, prev []int
	prev = make([]int, len(pairs))
	for k, p := range pairs {
		at, _ := slices.BinarySearchFunc(tails, p[1], func(t, v int) int { return pairs[t][1] - v })
		prev[k] = -1
		if at > 0 {
			prev[k] = tails[at-1]
		}
		if at == len(tails) {
			tails = append(tails, k)
		} else {
			tails[at] = k
		}
	}
	var run [][2]int
	if len(tails) > 0 {
		for k := tails[len(tails)-1]; k >= 0; k = prev[k] {
			run = append(run, pairs[k])
		}
	}
	slices.Reverse(run)
	return run
}

// maxGap bounds the work of pairing; larger gaps are not changes but another
// program.
const maxGap = 500

func pairGap(a, b *Account, xs, ys []int, alias map[int]diffKey) {
	n, m := len(xs), len(ys)
	if n == 0 || m == 0 || n > maxGap || m > maxGap {
		return
	}
	// cost[i][j] is the least change of xs[i:] to ys[j:].
	cost := make([][]int, n+1)
	for i := range cost {
		cost[i] = make([]int, m+1)
	}
	size := func(x *Account, k int) int { return x.Items[k].Bytes }
	pair := func(i, j int) int {
		c := max(size(a, xs[i])-size(b, ys[j]), size(b, ys[j])-size(a, xs[i]))
		if a.Items[xs[i]].Key != b.Items[ys[j]].Key {
			c++
		}
		return c
	}
	for i := n; i >= 0; i-- {
		for j := m; j >= 0; j-- {
			switch {
			case i == n && j == m:
			case i == n:
				cost[i][j] = cost[i][j+1] + size(b, ys[j])
			case j == m:
				cost[i][j] = cost[i+1][j] + size(a, xs[i])
			default:
				cost[i][j] = min(cost[i+1][j+1]+pair(i, j), cost[i+1][j]+size(a, xs[i]), cost[i][j+1]+size(b, ys[j]))
			}
		}
	}
	for i, j := 0, 0; i < n && j < m; {
		switch cost[i][j] {
		case cost[i+1][j+1] + pair(i, j):
			alias[ys[j]] = a.Items[xs[i]].diffKey()
			i, j = i+1, j+1
		case cost[i+1][j] + size(a, xs[i]):
			i++
		default:
			j++
		}
	}
}

// change is a size before and after: 1,024 B -> 1,100 B (+76, +7.4%).
func change(before, after int) string {
	if before == after {
		return Exact(after) + " B (±0)"
	}
	text := fmt.Sprintf("%s B -> %s B (%s", Exact(before), Exact(after), signed(after-before))
	if p := Percent(before, after); p != "" {
		text += ", " + p
	}
	return text + ")"
}

func signed(n int) string {
	if n > 0 {
		return "+" + Exact(n)
	}
	return Exact(n)
}

// sizes lists what was measured of both files.
func (d *OutputDiff) sizes() [][3]any {
	rows := [][3]any{{"raw", d.Size.Before.Raw, d.Size.After.Raw}}
	x, y := d.Size.Before, d.Size.After
	if x.Gzip > 0 && y.Gzip > 0 {
		rows = append(rows, [3]any{"gzip", x.Gzip, y.Gzip})
	}
	// Compressed with different efforts they cannot be compared.
	if x.Brotli > 0 && y.Brotli > 0 && x.BrotliQuality == y.BrotliQuality {
		rows = append(rows, [3]any{"brotli", x.Brotli, y.Brotli})
	}
	return rows
}

func (d *OutputDiff) title() string {
	switch {
	case d.Before == "":
		return d.After + " (new)"
	case d.After == "":
		return d.Before + " (gone)"
	case d.Before == d.After:
		return d.After
	}
	return d.Before + " -> " + d.After
}

// rows are the changed items and the renumbering, top ones only; what is cut
// off has a row of its own.
func (d *OutputDiff) rows(n int) []DiffRow {
	rows := d.Items
	if n > 0 && len(rows) > n+1 {
		rest := DiffRow{Name: fmt.Sprintf("(%s more)", Exact(len(rows)-n))}
		for _, r := range rows[n:] {
			rest.Before += r.Before
			rest.After += r.After
		}
		rows = append(slices.Clone(rows[:n]), rest)
	}
	if d.Renumbered.Items > 0 {
		r := d.Renumbered
		r.Name = fmt.Sprintf("(indices of %s unchanged items)", Exact(r.Items))
		rows = append(slices.Clone(rows), r)
	}
	return rows
}

func (r DiffRow) title() string {
	text := r.Name
	if r.Kind != "" && r.Kind != KindCode {
		text = r.Kind + ": " + text
	}
	if r.Input != "" {
		text = r.Input + ": " + text
	}
	switch r.Change {
	case "added", "removed":
		text += " (" + r.Change + ")"
	}
	return text
}

// Text writes the differences, n rows of items at most; 0: all.
func (d *SizeDiff) Text(w io.Writer, style Style, n int) {
	p := &printer{w: w, style: style}
	for i, o := range d.Outputs {
		if i > 0 {
			p.line("")
		}
		p.heading(o.title())
		for _, s := range o.sizes() {
			p.line("  %-7s %s", s[0], change(s[1].(int), s[2].(int)))
		}
		if len(o.Inputs) > 1 || len(o.Inputs) == 1 && o.Inputs[0].Name != "" {
			p.diffTable("by input", o.Inputs, func(r DiffRow) string { return nameOfInput(r.Name) })
		}
		p.diffTable("by kind", o.Kinds, func(r DiffRow) string { return r.Name })
		p.diffTable("by function", o.rows(n), DiffRow.title)
	}
}

func (p *printer) diffTable(what string, rows []DiffRow, title func(DiffRow) string) {
	if len(rows) == 0 {
		return
	}
	p.line("")
	p.line("%s", p.style.Dim(fmt.Sprintf("%12s  %12s  %10s  %s", "before", "after", "change", what)))
	total := 0
	for _, r := range rows {
		total += r.Delta()
		p.line("%12s  %12s  %10s  %s", Exact(r.Before), Exact(r.After), signed(r.Delta()), title(r))
	}
	p.line("%12s  %12s  %10s  %s", "", "", signed(total), "total")
}

// WriteMarkdown writes the differences for a pull request.
func (d *SizeDiff) WriteMarkdown(w io.Writer, n int) {
	for _, o := range d.Outputs {
		fmt.Fprintf(w, "### %s\n\n| | before | after | change |\n|---|--:|--:|--:|\n", markdown(o.title()))
		for _, s := range o.sizes() {
			x, y := s[1].(int), s[2].(int)
			fmt.Fprintf(w, "| %s | %s | %s | %s |\n", s[0], Exact(x), Exact(y), strings.TrimSpace(signed(y-x)+" "+Percent(x, y)))
		}
		fmt.Fprintln(w)
		for _, t := range []struct {
			what  string
			rows  []DiffRow
			title func(DiffRow) string
		}{
			{"input", o.Inputs, func(r DiffRow) string { return nameOfInput(r.Name) }},
			{"kind", o.Kinds, func(r DiffRow) string { return r.Name }},
			{"function", o.rows(n), DiffRow.title},
		} {
			if len(t.rows) == 0 {
				continue
			}
			fold := t.what == "function" && len(t.rows) > 10
			if fold {
				fmt.Fprintf(w, "<details><summary>%d functions and segments</summary>\n\n", len(t.rows))
			}
			fmt.Fprintf(w, "| %s | before | after | change |\n|---|--:|--:|--:|\n", t.what)
			for _, r := range t.rows {
				fmt.Fprintf(w, "| %s | %s | %s | %s |\n", markdown(t.title(r)), Exact(r.Before), Exact(r.After), signed(r.Delta()))
			}
			fmt.Fprintln(w)
			if fold {
				fmt.Fprintf(w, "</details>\n\n")
			}
		}
	}
}
