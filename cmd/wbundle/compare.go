package main

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/wbundle/wbundle/internal/component"
	"github.com/wbundle/wbundle/internal/config"
	"github.com/wbundle/wbundle/internal/report"
	"github.com/wbundle/wbundle/linker"
	"github.com/wbundle/wbundle/runtime"
)

// comparison says whether and how outputs are compared with the unbundled
// inputs.
type comparison struct {
	wanted *bool // verify.differential; nil: where that is quick
	seed   uint64
	calls  int           // of each function
	call   time.Duration // the time of one generated call
	budget time.Duration // the time of all
	again  string        // the command to repeat it with; "": there is none
}

// on says that there is to be a comparison.
func (c *comparison) on() bool { return c.calls > 0 && (c.wanted == nil || *c.wanted) }

// What the comparison may cost. A build that nobody told to compare does so in
// a second for each output, next to nothing beside what the people who read
// the output need; one that was told takes its time. Functions that loop as
// often as their argument says are given up after two calls that are late.
const (
	defaultSeed = 1

	quickCalls   = 8 // enough for the corners of a parameter or two
	quickBudget  = time.Second
	quickTimeout = 50 * time.Millisecond // of one call

	// quickInputs is up to where the comparison is quick: the engine compiles
	// both the output and the inputs, at some megabytes a second.
	quickInputs = 2 << 20

	fullCalls   = 32
	fullBudget  = time.Minute
	fullTimeout = 200 * time.Millisecond
)

// buildComparison is what `wbundle build` does.
func buildComparison(wanted *bool) comparison {
	c := comparison{wanted: wanted, seed: defaultSeed, calls: quickCalls, call: quickTimeout, budget: quickBudget}
	if wanted != nil && *wanted {
		c.calls, c.call, c.budget = fullCalls, fullTimeout, fullBudget
	}
	return c
}

// unbundled are the inputs of a job as the engine runs them without the
// linker: instances of each, wired to one another. It is compiled for the
// first output that is compared.
type unbundled struct {
	program    *runtime.Program
	components bool   // it is made of components
	reason     string // why there is none
}

// unbundled returns the unbundled program. The bounds of its memories are
// those of the windows of the first output: they follow from the inputs.
func (j *job) unbundled(ctx context.Context, inputs []linker.Input, s *linker.Summary) *unbundled {
	if j.plain == nil {
		j.plain = compileGraph(ctx, j, inputs, s)
	}
	return j.plain
}

// close frees what the job compiled.
func (j *job) close(ctx context.Context) error {
	if j.plain == nil || j.plain.program == nil {
		return nil
	}
	return j.plain.program.Close(context.WithoutCancel(ctx))
}

// compileGraph makes the unbundled program of inputs. From the link it takes
// nothing but names: who is the root, and who provides what to whom.
func compileGraph(ctx context.Context, j *job, inputs []linker.Input, s *linker.Summary) *unbundled {
	if wasiChanged(&j.wasi) {
		return &unbundled{reason: "the rules for WASI let the output ask its host for less than the inputs do"}
	}
	if w := &j.wasi; w.Env != nil || w.Args != nil || len(w.Mounts) > 0 {
		return &unbundled{reason: "wasi.env, wasi.args and wasi.fs answer in the output what the inputs ask their host"}
	}
	size := 0
	g := runtime.Graph{Rename: j.exports.Rename}
	index := map[string]int{}
	pages := windowPages(s)
	for i, in := range inputs {
		size += len(in.Bytes)
		index[in.ID] = i
		g.Nodes = append(g.Nodes, runtime.Node{ID: in.ID, Bytes: in.Bytes, Wires: map[string]runtime.Wire{}, MaxPages: pages[in.ID]})
	}
	if j.compare.wanted == nil && size > quickInputs {
		return &unbundled{reason: fmt.Sprintf("the inputs have %s, and more than %s takes long; `verify: { differential: true }` compares them all the same",
			report.Human(size), report.Human(quickInputs))}
	}
	for _, in := range s.Inputs {
		if in.Root {
			g.Root = in.ID
		}
	}
	for _, l := range s.Links {
		if l.Provider != "" {
			g.Nodes[index[l.Importer]].Wires[l.Import] = runtime.Wire{From: l.Provider, Export: l.Export}
		}
	}
	if len(j.exports.Keep) > 0 {
		g.Keep = func(name string) bool { return keeps(j.exports.Keep, name) }
	}
	if j.graph.Unresolved == string(linker.UnresolvedTrap) {
		g.Traps = func(name string) bool { return !strings.HasPrefix(name, "wasi:") && !strings.HasPrefix(name, "wasi_") }
	}
	p, err := runtime.CompileGraph(ctx, g)
	if err != nil {
		return &unbundled{reason: "the engine cannot run the inputs unbundled: " + err.Error()}
	}
	return &unbundled{program: p, components: component.IsComponent(inputs[index[g.Root]].Bytes)}
}

// wasiChanged says whether rules change what is asked of the host.
func wasiChanged(w *config.WASI) bool {
	changed := func(policy string) bool { return policy != "" && policy != "allow" }
	for _, p := range w.Rules {
		if changed(p) {
			return true
		}
	}
	return changed(w.Default)
}

// keeps says whether exports.keep has an export, by its name or without its
// version.
func keeps(keep []string, name string) bool {
	for _, k := range keep {
		if k == name || strings.HasPrefix(name, k+"@") {
			return true
		}
	}
	return false
}

const pageSize = 64 << 10

// lastPages is what the last window of a bundle, which has no bound of its
// own, may grow to while it is compared.
const lastPages = 1024

// windowPages says what the memories of each input may grow to in a bundle
// with the windows of s: an input that needs more than its window fails to
// grow there, and is to fail unbundled as well.
func windowPages(s *linker.Summary) map[string]uint64 {
	pages := map[string]uint64{}
	for i, w := range s.Windows {
		id, _, _ := strings.Cut(w.Owner, ":")
		most := w.MaxPages
		if i == lastWindow(s) {
			most = max(w.MinPages, min(most, lastPages))
		}
		if p, ok := pages[id]; !ok || most < p {
			pages[id] = most
		}
	}
	return pages
}

// lastWindow is the window with the highest base, -1 without windows.
func lastWindow(s *linker.Summary) int {
	last := -1
	for i, w := range s.Windows {
		if last < 0 || w.Base > s.Windows[last].Base {
			last = i
		}
	}
	return last
}

// memoryLimit is the size of the one memory in which its last window has the
// bound that windowPages gives it.
func memoryLimit(s *linker.Summary) uint64 {
	i := lastWindow(s)
	if i < 0 {
		return 0
	}
	w := s.Windows[i]
	return w.Base + max(w.MinPages, min(w.MaxPages, lastPages))*pageSize
}

// compareWith compares an output, or its twin, with the unbundled inputs.
func (j *job) compareWith(ctx context.Context, u *unbundled, output *runtime.Program, s *linker.Summary) *report.Compared {
	c := j.notCompared(u.reason)
	if u.program == nil {
		return c
	}
	for _, imp := range s.Imports {
		if strings.HasPrefix(imp, "wasi_snapshot_preview1#") && u.components {
			c.Reason = "the output asks WASI preview 1 for what the inputs ask of WASI 0.2: their calls of the host are different ones"
			return c
		}
	}
	o := runtime.CompareOptions{
		Seed: j.compare.seed, Calls: j.compare.calls, Timeout: j.compare.call, Budget: j.compare.budget,
		MemoryLimits: [2]uint64{0, memoryLimit(s)},
		Unchecked:    len(s.Windows) > 1 && j.link.Isolation != "trap", Cases: engineCases(j.cases), CaseTimeout: cmp.Or(j.timeout, defaultTimeout),
	}
	r, err := runtime.ComparePrograms(ctx, u.program, output, o)
	if err != nil {
		c.Reason = firstLines(err.Error())
		return c
	}
	c.Functions, c.Calls, c.Cases, c.Undecided, c.OutOfBounds = r.Functions, r.Calls, r.Cases, r.Undecided, r.OutOfBounds
	c.Seconds = r.Duration.Seconds()
	for _, s := range r.Skipped {
		c.Skipped = append(c.Skipped, report.Skip{Name: s.Name, Reason: s.Reason})
	}
	for _, d := range r.Differences {
		c.Differences = append(c.Differences, report.Difference{
			After: clipAll(d.Before), Call: clip(d.Call), Unbundled: clip(firstLines(d.A)), Output: clip(firstLines(d.B)),
		})
	}
	return c
}

// notCompared is a comparison of nothing, for a reason.
func (j *job) notCompared(reason string) *report.Compared {
	return &report.Compared{
		Engine: embedded, Seed: j.compare.seed, Budget: j.compare.budget.Seconds(), Reason: reason, Again: j.compare.again,
		Skipped: []report.Skip{}, Differences: []report.Difference{},
	}
}

// clip shortens what no screen has room for.
func clip(s string) string {
	const most = 2000
	if len(s) <= most {
		return s
	}
	return fmt.Sprintf("%s… (%d bytes more)", strings.ToValidUTF8(s[:most], ""), len(s)-most)
}

func clipAll(lines []string) []string {
	out := make([]string, len(lines))
	for i, l := range lines {
		out[i] = clip(l)
	}
	return out
}
