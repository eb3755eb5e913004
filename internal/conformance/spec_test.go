package conformance

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/wbundle/wbundle/internal/conformance/spectest"
	"github.com/wbundle/wbundle/internal/wasm"
	"github.com/wbundle/wbundle/linker"
)

// The core specification's scripts run twice in lockstep, both times directly
// in wazero: once with the modules as they are, once with each module linked
// by itself. What a script wires, by register and by imported memories,
// tables and globals, is wired by wazero; the linker sees one module at a time.

// specFeatures is everything that wazero can do.
const specFeatures = api.CoreFeaturesV2 |
	experimental.CoreFeaturesThreads |
	experimental.CoreFeaturesTailCall |
	experimental.CoreFeaturesExtendedConst |
	experimental.CoreFeaturesExceptionHandling |
	experimental.CoreFeaturesTypedFunctionReferences

// specRun is a script that is being run in one way.
type specRun struct {
	ctx     context.Context
	rt      wazero.Runtime
	dir     string
	prepare func([]byte) ([]byte, error)
	// named are the modules by the name that actions use, registered those
	// that imports find.
	named      map[string]made[api.Module]
	registered map[string]made[api.Module]
	last       made[api.Module]
	// fewerImports says that linking removed imports of the last module.
	fewerImports bool
}

func newSpecRun(t *testing.T, dir string, host []byte, prepare func([]byte) ([]byte, error)) *specRun {
	t.Helper()
	ctx := context.Background()
	r := &specRun{
		ctx: ctx, dir: dir, prepare: prepare,
		rt:    wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfig().WithCoreFeatures(specFeatures)),
		named: map[string]made[api.Module]{}, registered: map[string]made[api.Module]{},
	}
	t.Cleanup(func() {
		if err := r.rt.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	mod, err := r.rt.InstantiateWithConfig(ctx, host, wazero.NewModuleConfig().WithName(""))
	if err != nil {
		t.Fatal(err)
	}
	r.registered["spectest"] = made[api.Module]{it: mod}
	return r
}

// instantiate makes an instance of the command's module. The instance is not
// nil where wazero keeps what an instantiation that failed has left behind.
func (r *specRun) instantiate(c *spectest.Command) (api.Module, error) {
	b, err := os.ReadFile(filepath.Join(r.dir, c.Filename))
	if err != nil {
		return nil, err
	}
	original := b
	if b, err = r.prepare(b); err != nil {
		return nil, err
	}
	r.fewerImports = countImports(b) < countImports(original)
	compiled, err := r.rt.CompileModule(r.ctx, b)
	if err != nil {
		return nil, fmt.Errorf("the engine does not compile it: %w", err)
	}
	var missing *notRun
	ctx := experimental.WithImportResolver(r.ctx, func(name string) api.Module {
		m := r.registered[name]
		if m.why != nil {
			missing = m.why
		}
		return m.it
	})
	mod, err := r.rt.InstantiateModule(ctx, compiled, wazero.NewModuleConfig().WithName("").WithStartFunctions())
	if missing != nil {
		return nil, missing
	}
	return mod, err
}

// countImports counts the imports of a module.
func countImports(b []byte) int {
	m, err := wasm.DecodeNoScan(inputID, b)
	if err != nil {
		return 0
	}
	return len(m.Imports)
}

// specResult is what a command gave: values, or why there are none.
type specResult struct {
	values []uint64
	types  []api.ValueType
	err    error
}

// do runs one command.
func (r *specRun) do(c *spectest.Command) specResult {
	switch c.Type {
	case "module":
		mod, err := r.instantiate(c)
		r.last = made[api.Module]{it: mod}
		if err != nil {
			r.last.why = &notRun{"its module is missing: " + err.Error()}
			if n := skipped(err); n != nil {
				r.last.why = n
			}
		}
		r.named[c.Name] = r.last
		return specResult{err: err}
	case "register":
		m := r.last
		if c.Name != "" {
			m = r.named[c.Name]
		}
		r.registered[c.As] = m
		return specResult{}
	case "assert_unlinkable", "assert_uninstantiable":
		_, err := r.instantiate(c)
		return specResult{err: err}
	}
	m := r.last
	if c.Action.Module != "" {
		m = r.named[c.Action.Module]
	}
	if m.why != nil {
		return specResult{err: m.why}
	}
	if c.Action.Type == "get" {
		g := m.it.ExportedGlobal(c.Action.Field)
		if g == nil {
			return specResult{err: fmt.Errorf("no global %q", c.Action.Field)}
		}
		return specResult{values: []uint64{g.Get()}, types: []api.ValueType{g.Type()}}
	}
	fn := m.it.ExportedFunction(c.Action.Field)
	if fn == nil {
		return specResult{err: fmt.Errorf("no function %q", c.Action.Field)}
	}
	var args []uint64
	for i := range c.Action.Args {
		bits, err := argument(&c.Action.Args[i])
		if err != nil {
			return specResult{err: err}
		}
		args = append(args, bits...)
	}
	values, err := fn.Call(r.ctx, args...)
	return specResult{values: values, types: fn.Definition().ResultTypes(), err: err}
}

// cause is the first line of an error: the trap, without its stack. A slot of a
// table with a function that no call accepts may be empty after linking, or hold
// a function that traps: all are one.
func cause(err error) string {
	if err == nil {
		return ""
	}
	s, _, _ := strings.Cut(err.Error(), "\n")
	if s == "wasm error: indirect call type mismatch" {
		return "wasm error: invalid table access"
	}
	return s
}

// judge compares a result with what the script expects.
func judge(c *spectest.Command, r specResult) error {
	switch c.Type {
	case "module", "register", "action":
		return r.err
	case "assert_return":
		if r.err != nil {
			return r.err
		}
		return equalResults(c.Expected, r.values)
	}
	// An assertion that something fails.
	switch n := skipped(r.err); {
	case n != nil:
		return n
	case r.err == nil:
		return fmt.Errorf("no failure, want %q", c.Text)
	}
	return nil
}

// linkModule links a core module by itself.
func linkModule(module []byte) ([]byte, error) {
	return linkSpec(linker.Options{}, linker.Input{ID: inputID, Bytes: module})
}

// linkOptimized is linkModule with the optimiser.
func linkOptimized(module []byte) ([]byte, error) {
	return linkSpec(linker.Options{Optimize: linker.OptimizeSize}, linker.Input{ID: inputID, Bytes: module})
}

func linkSpec(o linker.Options, inputs ...linker.Input) ([]byte, error) {
	o.Unresolved, o.Check = linker.UnresolvedImport, true
	if o.Optimize == "" {
		o.Optimize = linker.Optimize(os.Getenv("WBUNDLE_OPTIMIZE"))
	}
	r, err := linker.Link(context.Background(), inputs, o)
	if err != nil {
		return nil, &notRun{"linker: " + err.Error()}
	}
	return r.Output, nil
}

// inWindow counts the modules that linkInWindow put into a window.
var inWindow int

// windowPages is how far from address 0 linkInWindow puts a memory: not a
// power of two, and offsets take one byte more.
const windowPages = 17

// linkInWindow links a core module behind another, whose memory comes first:
// every access of the module gets a base, and every memory instruction is
// replaced by a function. The other module imports what the first exports, and
// exports it again. A module is linked by itself if it has no memory of its
// own, exports it, or exports nothing by which it could be reached.
func linkInWindow(module []byte) ([]byte, error) {
	m, err := wasm.Decode(inputID, module)
	if err != nil {
		return nil, err
	}
	exportsMemory := slices.ContainsFunc(m.Exports, func(e wasm.Export) bool { return e.Kind == wasm.ExternMemory })
	if len(m.Memories) == 0 || len(m.Exports) == 0 || exportsMemory {
		return linkModule(module)
	}
	inWindow++
	front := &wasm.Module{
		Types: m.Types, RecGroups: m.RecGroups,
		Memories: []wasm.MemType{{Limits: wasm.Limits{Min: windowPages, Max: windowPages, HasMax: true}}},
		Exports:  []wasm.Export{{Name: "the memory in front", Kind: wasm.ExternMemory}},
	}
	n := map[wasm.ExternKind]uint32{}
	items := itemsOf(m)
	for _, e := range m.Exports {
		imp := items[e.Kind][e.Index]
		imp.Module, imp.Name = inputID, e.Name
		front.Imports = append(front.Imports, imp)
		front.NumImported[spaces[e.Kind]]++
		front.Exports = append(front.Exports, wasm.Export{Name: e.Name, Kind: e.Kind, Index: n[e.Kind]})
		n[e.Kind]++
	}
	return linkSpec(linker.Options{Root: "front"},
		linker.Input{ID: inputID, Bytes: module}, linker.Input{ID: "front", Bytes: wasm.Encode(front)})
}

var spaces = map[wasm.ExternKind]wasm.Space{
	wasm.ExternFunc: wasm.SpaceFunc, wasm.ExternTable: wasm.SpaceTable, wasm.ExternGlobal: wasm.SpaceGlobal, wasm.ExternTag: wasm.SpaceTag,
}

// itemsOf returns the index spaces of a module as imports that its items match.
func itemsOf(m *wasm.Module) map[wasm.ExternKind][]wasm.Import {
	items := map[wasm.ExternKind][]wasm.Import{}
	add := func(imp wasm.Import) { items[imp.Kind] = append(items[imp.Kind], imp) }
	for _, imp := range m.Imports {
		add(imp)
	}
	for _, t := range m.Funcs {
		add(wasm.Import{Kind: wasm.ExternFunc, TypeIndex: t})
	}
	for i := range m.Tables {
		add(wasm.Import{Kind: wasm.ExternTable, Table: m.Tables[i].TableType})
	}
	for i := range m.Globals {
		add(wasm.Import{Kind: wasm.ExternGlobal, Global: m.Globals[i].GlobalType})
	}
	for _, t := range m.Tags {
		add(wasm.Import{Kind: wasm.ExternTag, TypeIndex: t})
	}
	return items
}

// changedSince1 is why four commands of version 1.0 fail before linking, too.
const changedSince1 = "the engine does the same with the module as it is: version 1.0 initialises nothing when one segment is out of bounds, later versions what comes before it"

// effects are commands that see what an instantiation has written that should
// have failed for an import that nothing uses.
var effects = map[string][]int{
	"v1/linking":                        {225, 332},
	"v2/linking":                        {262, 393},
	"typed-function-references/linking": {414, 567},
}

// TestSpec runs the core specification's suite before and after linking.
func TestSpec(t *testing.T) {
	if testing.Short() {
		t.Skip("-short")
	}
	forms := []struct {
		name string
		link func([]byte) ([]byte, error)
		// sameTraps says that traps keep their cause.
		sameTraps bool
		total     *tally
	}{
		{"core specification", linkModule, os.Getenv("WBUNDLE_OPTIMIZE") == "", newTally()},
		// The functions that stand for memory instructions trap as unreachable.
		{"core specification in a window", linkInWindow, false, newTally()},
		// Which trap it is may change, not that there is one.
		{"core specification, optimised for size", linkOptimized, false, newTally()},
	}
	host := spectest.SpectestModule(t)
	for _, s := range spectest.Scripts(t) {
		t.Run(s.Name, func(t *testing.T) {
			before := newSpecRun(t, s.Dir, host, func(b []byte) ([]byte, error) { return b, nil })
			var after []*specRun
			for _, f := range forms {
				after = append(after, newSpecRun(t, s.Dir, host, f.link))
			}
			for i := range s.Commands {
				c := &s.Commands[i]
				if c.Type == "assert_malformed" || c.Type == "assert_invalid" {
					continue // the decoder's and the validator's
				}
				want := before.do(c)
				for k, f := range forms {
					got := after[k].do(c)
					err := after[k].compare(c, s.Name, want, got)
					if err == nil && f.sameTraps && c.Type == "assert_trap" && cause(got.err) != cause(want.err) {
						err = fmt.Errorf("%q before, %q after", cause(want.err), cause(got.err))
					}
					if n := skipped(err); n != nil {
						f.total.skip(s.Name, n.why)
						t.Logf("%s: line %d: %s: not run: %v", f.name, c.Line, c.Type, err)
					} else if err != nil {
						t.Errorf("%s: line %d: %s %s %s: %v", f.name, c.Line, c.Type, c.Filename, c.Action.Field, err)
					} else {
						f.total.file(s.Name).right++
					}
				}
			}
		})
	}
	for _, f := range forms {
		text := f.total.markdown("commands")
		if f.name == "core specification in a window" {
			text = fmt.Sprintf("%d modules live in a window; the others have no memory, export it, or export nothing.\n\n%s", inWindow, text)
		}
		section(t, f.name, text)
	}
}

// TestSpecRoundTrip decodes and encodes every module of the suite that is valid.
func TestSpecRoundTrip(t *testing.T) {
	if testing.Short() {
		t.Skip("-short")
	}
	valid, identical := 0, 0
	spectest.EachModule(t, func(name string, c *spectest.Command, b []byte) {
		if c.Type == "assert_malformed" || c.Type == "assert_invalid" {
			return
		}
		valid++
		m, err := wasm.Decode(name, b)
		if err != nil {
			t.Error(err)
			return
		}
		if err := wasm.Validate(m); err != nil {
			t.Error(err)
		}
		out := wasm.Encode(m)
		if bytes.Equal(out, b) {
			identical++
			return
		}
		again, err := wasm.Decode(name, out)
		if err != nil {
			t.Error(err)
			return
		}
		if err := wasm.Validate(again); err != nil {
			t.Error(err)
		}
		if !bytes.Equal(wasm.Encode(again), out) {
			t.Errorf("%s: encoded a second time, it differs", name)
		}
	})
	section(t, "core specification round trip", fmt.Sprintf("%d valid modules: each decodes, validates and encodes, %d to the same bytes, "+
		"the others (padded LEB numbers) to a module that encodes to the same bytes again.", valid, identical))
}

// compare compares what a command gave with what the script expects. Where
// that differs, want, what the module gave before linking, tells whose fault
// it is.
func (r *specRun) compare(c *spectest.Command, script string, want, got specResult) error {
	err := judge(c, got)
	switch {
	case skipped(err) != nil:
		return err
	case err == nil:
		return nil
	case c.Type == "assert_unlinkable" && r.fewerImports:
		return &notRun{"instantiates: the import that does not match is one that nothing uses, and is not asked for any more"}
	case slices.Contains(effects[script], c.Line):
		return &notRun{"sees what such a module has written"}
	case judge(c, want) == nil:
		return err
	case strings.HasPrefix(script, "v1/"):
		return &notRun{changedSince1}
	}
	return fmt.Errorf("not what the script expects, nor was the module before: %w", err)
}
