package linker_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/wbundle/wbundle/internal/component"
	"github.com/wbundle/wbundle/internal/wasm"
	"github.com/wbundle/wbundle/internal/wit"
	"github.com/wbundle/wbundle/linker"
	"github.com/wbundle/wbundle/runtime"
)

// decodeModule decodes core output.
func decodeModule(t testing.TB, b []byte) *wasm.Module {
	t.Helper()
	m, err := wasm.Decode("output", b)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// exportNames lists the exports of a module of one kind.
func exportNames(m *wasm.Module, kind wasm.ExternKind) []string {
	var out []string
	for _, e := range m.Exports {
		if e.Kind == kind {
			out = append(out, e.Name)
		}
	}
	return out
}

// TestKeep checks which exports survive, that the others' code is gone, and
// that what is kept still works.
func TestKeep(t *testing.T) {
	t.Parallel()
	inputs := fixtureNamed(t, "core-link").load(t)
	all := link(t, inputs, linker.Options{Root: "app"})
	one := link(t, inputs, linker.Options{Root: "app", Keep: []string{"divmod"}})
	if got := exportNames(decodeModule(t, one.Output), wasm.ExternFunc); !slices.Equal(got, []string{"divmod"}) {
		t.Errorf("exports %v", got)
	}
	if one.Summary.Functions.Out >= all.Summary.Functions.Out || len(one.Output) >= len(all.Output) {
		t.Errorf("%d functions in %d bytes with one export, %d in %d with all",
			one.Summary.Functions.Out, len(one.Output), all.Summary.Functions.Out, len(all.Output))
	}
	runWazero(t, "keep", one.Output, []answer{{"divmod(17, 5)", "3002"}, {"divmod(1, 0)", "trap"}})

	// A version may be left out.
	chain := fixtureNamed(t, "chain").load(t)
	for _, name := range []string{"demo:chain/report", "demo:chain/report@1.2.0"} {
		r := link(t, chain, linker.Options{Keep: []string{name}})
		if !slices.Contains(exportNames(decodeModule(t, r.Output), wasm.ExternFunc), "demo:chain/report@1.2.0#summarize") {
			t.Errorf("keep %s: exports %v", name, r.Summary.Exports)
		}
	}
	// A leftover export of a component goes, and all that only it needs.
	nested := []linker.Input{input(t, "testdata/run", "nested")}
	for _, f := range []form{coreSingle, componentMulti} {
		r := link(t, nested, f.as(linker.Options{Keep: []string{"made"}}))
		runWazero(t, f.String(), r.Output, []answer{{"made()", "7"}})
		if r.Summary.Functions.Out != 1 || r.Summary.Globals.Out != 0 {
			t.Errorf("%s: %d functions and %d globals for a constant", f, r.Summary.Functions.Out, r.Summary.Globals.Out)
		}
	}
}

// TestRename renames core exports.
func TestRename(t *testing.T) {
	t.Parallel()
	inputs := fixtureNamed(t, "core-link").load(t)
	r := link(t, inputs, linker.Options{Root: "app", Keep: []string{"sum", "divmod"}, Rename: map[string]string{"sum": "divmod", "divmod": "sum"}})
	runWazero(t, "swapped", r.Output, []answer{{"divmod(3, 4)", "7"}, {"sum(17, 5)", "3002"}})
}

// TestUnresolved leaves the provider's interface to the host.
func TestUnresolved(t *testing.T) {
	t.Parallel()
	consumer := fixtureNamed(t, "calc").load(t)[:1]
	for _, f := range []form{coreSingle, componentSingle} {
		r := link(t, consumer, f.as(linker.Options{Unresolved: linker.UnresolvedImport}))
		found := false
		for _, imp := range r.Summary.Imports {
			found = found || strings.HasPrefix(imp, "demo:calc/ops#")
		}
		if !found {
			t.Errorf("%s: the output asks the host for %v", f, r.Summary.Imports)
		}
		// Functions that the host does not implement trap when called.
		runWazero(t, f.String(), r.Output, []answer{{"demo:calc/api#negate(true)", "trap"}, {"demo:calc/api#turn([])", "trap"}})
	}
	// One import resolved, one left over.
	coreLink := fixtureNamed(t, "core-connect")
	o := coreLink.opts
	o.Unresolved = linker.UnresolvedImport
	o.Connect = map[string]map[string]linker.Provider{"app": {}}
	for k, v := range coreLink.opts.Connect["app"] {
		if k != "env.plus" {
			o.Connect["app"][k] = v
		}
	}
	r := link(t, coreLink.load(t), o)
	if !slices.Equal(r.Summary.Imports, []string{"env#plus"}) {
		t.Errorf("imports %v, want env#plus alone", r.Summary.Imports)
	}
	runWazero(t, "one left over", r.Output, []answer{{"sum(3, 4)", "trap"}, {"sum64(5000000000, 1)", "5000000001"}})
}

// TestHostCalls checks that both sides of a component call one host, in
// order, and that an import of several components is one import.
func TestHostCalls(t *testing.T) {
	t.Parallel()
	two := []linker.Input{input(t, "testdata/host", "host")}
	for _, f := range []form{coreSingle, coreMulti, componentSingle, componentMulti} {
		r := link(t, two, f.as(linker.Options{Unresolved: linker.UnresolvedImport}))
		if !slices.Equal(r.Summary.Imports, []string{"host:log/sink#put"}) {
			t.Errorf("%s: imports %v", f, r.Summary.Imports)
		}
		if f.memory == linker.MemoryMulti && r.Summary.Memories.Out > 1 {
			continue
		}
		var calls []string
		inst, err := runtime.Open(context.Background(), r.Output, runtime.Config{Host: map[string]runtime.HostFunc{
			"host:log/sink#put": func(_ context.Context, _ *runtime.FuncType, args []runtime.Value) (runtime.Value, error) {
				calls = append(calls, args[0].String())
				return wit.U32(uint32(len(calls))), nil
			},
		}})
		if err != nil {
			t.Errorf("%s: %v", f, err)
			continue
		}
		got, err := inst.Invoke(context.Background(), "run()")
		if err != nil || got != "6" || fmt.Sprint(calls) != "[1 2 3]" {
			t.Errorf("%s: run() = %s, %v, with the calls %v", f, got, err, calls)
		}
		if err := inst.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}
}

// TestHostStrings checks that strings of an inner component reach the host
// and come back, in front of a component with another memory, and that a start
// function may pass one.
func TestHostStrings(t *testing.T) {
	t.Parallel()
	in := input(t, "testdata/host", "strings")
	programs := map[string][]byte{"unbundled": in.Bytes}
	for _, f := range []form{coreSingle, componentSingle} {
		programs[f.String()] = link(t, []linker.Input{in}, f.as(linker.Options{Unresolved: linker.UnresolvedImport})).Output
	}
	for name, wasm := range programs {
		var puts []string
		inst, err := runtime.Open(context.Background(), wasm, runtime.Config{Host: map[string]runtime.HostFunc{
			"host:log/sink#put": func(_ context.Context, _ *runtime.FuncType, args []runtime.Value) (runtime.Value, error) {
				puts = append(puts, args[0].String())
				return runtime.Value{}, nil
			},
			"host:log/sink#get": func(_ context.Context, _ *runtime.FuncType, args []runtime.Value) (runtime.Value, error) {
				return wit.String(strings.Repeat("é", int(args[0].Uint()))), nil
			},
		}})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got, err := inst.Invoke(context.Background(), "run(3)")
		if want := `["start" "call" "ééé"]`; err != nil || got != "117" || fmt.Sprintf("%v", puts) != want {
			t.Errorf("%s: run(3) = %s, %v, with the calls %v, want %s", name, got, err, puts, want)
		}
		if err := inst.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}
}

// TestNames checks that names are kept on demand and go otherwise.
func TestNames(t *testing.T) {
	t.Parallel()
	in := []linker.Input{input(t, "testdata/run", "starts")}
	kept := decodeModule(t, link(t, in, linker.Options{Names: linker.NamesKeep}).Output)
	names := kept.FuncNames()
	for _, want := range []string{"a0", "b0", "c0", "start"} {
		if !slices.Contains(names, want) {
			t.Errorf("no function is called %q: %q", want, names)
		}
	}
	// Adapters have names that say who calls whom.
	abi := []linker.Input{input(t, "testdata/abi", "strings")}
	found := false
	for _, n := range decodeModule(t, link(t, abi, linker.Options{Names: linker.NamesKeep}).Output).FuncNames() {
		found = found || strings.HasPrefix(n, "adapter ")
	}
	if !found {
		t.Error("no adapter has a name")
	}
	for _, names := range []linker.Names{"", linker.NamesStrip} {
		for _, c := range decodeModule(t, link(t, in, linker.Options{Names: names}).Output).Customs {
			if c.Name == wasm.NamesSection {
				t.Errorf("names %q: there is a name section", names)
			}
		}
	}
}

// TestWorldName checks where the bundle's name goes.
func TestWorldName(t *testing.T) {
	t.Parallel()
	inputs := fixtureNamed(t, "calc").load(t)
	for name, want := range map[string]string{"": "root:component/bundle", "acme:shop@1.4.0": "acme:shop/bundle@1.4.0", "shop": "root:shop/bundle"} {
		m := decodeModule(t, link(t, inputs, linker.Options{Name: name}).Output)
		found := false
		for _, c := range m.Customs {
			if !strings.HasPrefix(c.Name, "component-type") {
				continue
			}
			if _, err := component.Decode("component-type", c.Data); err != nil {
				t.Error(err)
			}
			found = found || strings.Contains(string(c.Data), want)
		}
		if !found {
			t.Errorf("name %q: no component-type section has the world %s", name, want)
		}
	}
}
