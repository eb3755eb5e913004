package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/wbundle/wbundle/graph"
	"github.com/wbundle/wbundle/internal/symbol"
	"github.com/wbundle/wbundle/internal/wasm"
	"github.com/wbundle/wbundle/linker"
)

// Why says what keeps an item in a file.
type Why struct {
	WhyItem
	Kept bool `json:"kept"` // false: it is in the file although nothing reaches it
	// Path leads from the root to the item. The Via of a step says how the step
	// before it keeps it, of the first step what makes it a root.
	Path []WhyItem `json:"path"`
	// Keeps lists what only the item keeps, the largest first.
	Keeps []WhyItem `json:"keeps,omitempty"`
}

// WhyItem is an item on the way.
type WhyItem struct {
	Name     string `json:"name"`
	Kind     string `json:"kind"`
	Input    string `json:"input,omitempty"`
	Bytes    int    `json:"bytes"`
	Retained int    `json:"retained,omitempty"`
	Via      string `json:"via,omitempty"`
}

func (it *Item) why() WhyItem {
	return WhyItem{Name: it.Name, Kind: it.Kind, Input: it.Input, Bytes: it.Bytes, Retained: it.Retained, Via: it.Via}
}

func (w *WhyItem) title() string {
	it := Item{Name: w.Name, Kind: w.Kind, Input: w.Input}
	return it.title()
}

// Find returns the items that go by a name: as it is, as the compiler wrote
// it, or with the input in front (app: main); if there is none, those whose name
// contains it. The largest comes first. exact tells which of the two it was.
// Exports stand for what they export.
func (a *Account) Find(name string) (items []int, exact bool) {
	var partly []int
	for i := range a.Items {
		it := &a.Items[i]
		if it.Index == nil && it.Kind != KindData || it.Kind == KindExports {
			continue
		}
		switch {
		case it.Name == name, it.Symbol == name, it.title() == name, it.Input+": "+it.Name == name:
			items = append(items, i)
		case strings.Contains(it.Name, name):
			partly = append(partly, i)
		}
	}
	if len(items) == 0 {
		// An export may have another name than what it exports.
		for i := range a.Items {
			e := &a.Items[i]
			if e.Kind != KindExports || e.Name != name {
				continue
			}
			for k := range a.Items {
				if it := &a.Items[k]; it.Via == fmt.Sprintf("export %q", name) && it.Keeper == 0 {
					items = append(items, k)
				}
			}
		}
	}
	exact = len(items) > 0
	if !exact {
		items = partly
	}
	slices.SortStableFunc(items, func(x, y int) int { return a.Items[y].Bytes - a.Items[x].Bytes })
	return items, exact
}

// Why explains one item, by its place in Items.
func (a *Account) Why(i int) *Why {
	w := &Why{WhyItem: a.Items[i].why(), Kept: a.Items[i].Via != ""}
	if w.Kept {
		for k := i; ; k = a.Items[k].Keeper - 1 {
			w.Path = append(w.Path, a.Items[k].why())
			if a.Items[k].Keeper == 0 || len(w.Path) > len(a.Items) {
				break
			}
		}
		slices.Reverse(w.Path)
	}
	for k := range a.Items {
		if a.Items[k].Dominator == i+1 {
			w.Keeps = append(w.Keeps, a.Items[k].why())
		}
	}
	slices.SortStableFunc(w.Keeps, func(x, y WhyItem) int { return y.Retained - x.Retained })
	return w
}

// keepsShown is how many lines of a list why prints.
const keepsShown = 10

// Text writes the explanation.
func (w *Why) Text(out io.Writer, style Style) {
	p := &printer{w: out, style: style}
	head := fmt.Sprintf("%s  %s B", style.Bold(w.title()), Exact(w.Bytes))
	if w.Retained > w.Bytes {
		head += fmt.Sprintf(", with what only it needs %s B", Exact(w.Retained))
	}
	p.line("%s", head)
	if !w.Kept {
		p.line("  nothing reaches it; it is in the file all the same")
		return
	}
	p.line("%s", style.Dim("kept by"))
	p.path(w.Path)
	if len(w.Keeps) > 0 {
		p.line("%s", style.Dim("keeps"))
		p.keeps(w.Keeps)
	}
}

func (p *printer) path(path []WhyItem) {
	for i := range path {
		s := &path[i]
		p.line("  %s%s %s  %s", strings.Repeat("  ", i), s.Via, p.style.Bold(s.title()), p.style.Dim(Exact(s.Bytes)+" B"))
	}
}

func (p *printer) keeps(items []WhyItem) {
	rest := 0
	for i := range items {
		if i >= keepsShown {
			rest += max(items[i].Retained, items[i].Bytes)
			continue
		}
		p.line("%12s B  %s", Exact(max(items[i].Retained, items[i].Bytes)), items[i].title())
	}
	if n := len(items) - keepsShown; n > 0 {
		p.line("%12s B  (%s more)", Exact(rest), Exact(n))
	}
}

// WhyInput says what keeps an input in a file.
type WhyInput struct {
	Input string `json:"input"`
	Bytes int    `json:"bytes"` // attributed to it
	// Retained is what would go with it: its bytes and those of GoesToo.
	Retained int `json:"retained"`
	// Entries are the shortest ways to the items by which it is entered.
	Entries [][]WhyItem `json:"entries"`
	GoesToo []WhyItem   `json:"goes_too"`
}

// WhyInput explains an input. An account that was read from JSON has the
// shortest ways only: GoesToo is then what its figures tell.
func (a *Account) WhyInput(input string) (*WhyInput, error) {
	w := &WhyInput{Input: input, Entries: [][]WhyItem{}, GoesToo: []WhyItem{}}
	found := false
	for _, r := range a.ByInput {
		if r.Name == input {
			w.Bytes, found = r.Bytes, true
		}
	}
	for _, in := range a.Inputs {
		if in.ID == input {
			w.Retained, found = in.Retained, true
		}
	}
	if !found {
		return nil, fmt.Errorf("%s has no input %q", a.Path, input)
	}
	for i := range a.Items {
		it := &a.Items[i]
		if it.Input != input || it.Via == "" || it.Index == nil || it.Kind == KindExports || it.Keeper > 0 && a.Items[it.Keeper-1].Input == input {
			continue
		}
		w.Entries = append(w.Entries, a.Why(i).Path)
	}
	slices.SortStableFunc(w.Entries, func(x, y []WhyItem) int { return len(x) - len(y) })
	if a.reach != nil {
		w.Retained = a.retainedByInputs([]string{input})[0]
		for i, goes := range a.goesWith([]string{input}) {
			if goes.has(0) && a.Items[i].Input != input {
				it := a.Items[i].why()
				it.Retained = it.Bytes
				w.GoesToo = append(w.GoesToo, it)
			}
		}
		slices.SortStableFunc(w.GoesToo, func(x, y WhyItem) int { return y.Bytes - x.Bytes })
	}
	return w, nil
}

// Text writes the explanation.
func (w *WhyInput) Text(out io.Writer, style Style) {
	p := &printer{w: out, style: style}
	p.line("%s  %s B in the output; %s B would go with it", style.Bold(w.Input), Exact(w.Bytes), Exact(w.Retained))
	if len(w.Entries) == 0 {
		p.line("  nothing of it is in the output")
		return
	}
	p.line("%s", style.Dim("entered by"))
	for i, path := range w.Entries {
		if i == keepsShown {
			p.line("  and %s other ways", Exact(len(w.Entries)-i))
			break
		}
		p.path(path)
	}
	if len(w.GoesToo) > 0 {
		p.line("%s", style.Dim("would go, too"))
		p.keeps(w.GoesToo)
	}
}

// Gone is a function of an input that is not in the output.
type Gone struct {
	Name  string `json:"name"`
	Input string `json:"input"`
	// Step is what took it away: mark, forward, fold or optimize.
	Step string `json:"step"`
	// Why says it in words.
	Why string `json:"why"`
}

// Gone looks for functions of the inputs that go by a name and are not in the
// output as items of their own. Only an account with the linker's provenance
// knows them.
func (a *Account) Gone(name string) []Gone {
	if a.origins == nil {
		return nil
	}
	p := a.origins.Program()
	fates, at := a.origins.Fates()
	lookup := &accountant{a: a, sources: map[graph.ModuleID]*sourceModule{}}
	label := func(id graph.FuncID) (raw, shown, input string) {
		f := &p.Funcs[id]
		raw = a.origins.FuncName(id)
		if f.Inst != 0 {
			inst := p.Instances[f.Inst]
			input = p.Inputs[inst.Input].ID
			if raw == "" {
				index := p.Modules[inst.Module].Code.NumImported[wasm.SpaceFunc] + f.Index
				raw = lookup.source(inst.Module).exports[reachItem{0, wasm.SpaceFunc, index}]
			}
		}
		return raw, symbol.Parse(raw, symbol.Unknown).Name, input
	}
	var all []Gone
	for id := graph.FuncID(1); int(id) < len(p.Funcs); id++ {
		if p.Funcs[id].Inst == 0 || fates[id] == linker.FateKept {
			continue
		}
		raw, shown, input := label(id)
		if raw == "" || raw != name && shown != name && input+": "+shown != name {
			continue
		}
		g := Gone{Name: shown, Input: input}
		switch fates[id] {
		case linker.FateForwarded:
			_, to, in := label(p.Resolve(id))
			g.Step, g.Why = "forward", fmt.Sprintf("it only passed calls on: who called it calls %s directly", nameOfInput(in)+": "+to)
		case linker.FateFolded:
			owner := a.origins.At(wasm.SpaceFunc, at[id])
			_, to, in := label(graph.FuncID(owner.ID))
			g.Step, g.Why = "fold", fmt.Sprintf("it is equal to %s: %s, which stands for both", nameOfInput(in), to)
		case linker.FateOptimized:
			g.Step, g.Why = "optimize", "it was reached, but the optimiser inlined it wherever it was called, or found it to be of no use"
		default:
			g.Step, g.Why = "mark", "no export and no start function reaches it"
		}
		all = append(all, g)
	}
	return all
}

// Text writes what became of it.
func (g *Gone) Text(out io.Writer, style Style) {
	fmt.Fprintf(out, "%s  not in the output\n  %s: %s\n", style.Bold(g.Input+": "+g.Name), g.Step, g.Why)
}
