package linker_test

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/wbundle/wbundle/linker"
)

// fixture is a folder of fixtures/: inputs with the answers that their
// unbundled composition gives.
type fixture struct {
	name   string
	inputs []string
	core   bool // core modules, which only core output can be made of
	// relaxed are the calls that must trap, and do not in a single memory
	// without isolation: they read past a window, into the next one.
	relaxed []string
	// wasi says that a component imports WASI: a core module that keeps several
	// memories cannot hand pointers of two components to the host.
	wasi bool
	opts linker.Options
}

var fixtures = []fixture{
	{name: "calc", inputs: []string{"consumer", "provider"}},
	{name: "chain", inputs: []string{"leaf", "middle", "root"}},
	{name: "core-link", inputs: []string{"app", "math"}, core: true},
	{name: "core-connect", inputs: []string{"app", "lib"}, core: true, relaxed: []string{"own-byte(65536)", "their-byte(65536)", "write-theirs(65536, 1)"}, opts: linker.Options{
		Root: "app",
		Connect: map[string]map[string]linker.Provider{"app": {
			"env.plus": {From: "lib", Export: "add"}, "env.read": {From: "lib", Export: "get"},
			"env.write": {From: "lib", Export: "put"}, "env.handlers": {From: "lib", Export: "callbacks"},
			"config.limit": {From: "lib", Export: "max_items"}, "config.plus": {From: "lib", Export: "add64"},
		}},
	}},
	{name: "core-languages", inputs: []string{"app", "lib"}, core: true, opts: linker.Options{
		Root: "app",
		Connect: map[string]map[string]linker.Provider{"app": {
			"env.memory": {From: "lib", Export: "memory"}, "env.abort": {From: "lib", Export: "abort"},
		}},
	}},
	{name: "words", inputs: []string{"consumer", "provider"}, wasi: true},
	{name: "qjs", inputs: []string{"consumer", "provider"}, opts: linker.Options{Keep: []string{"demo:script/app"}}},
}

func (f *fixture) dir() string { return filepath.Join("..", "fixtures", f.name) }

func (f *fixture) load(t testing.TB) []linker.Input {
	t.Helper()
	var out []linker.Input
	for _, id := range f.inputs {
		out = append(out, input(t, f.dir(), id))
	}
	return out
}

// single returns the answers that hold without isolation.
func (f *fixture) single(all []answer) []answer {
	return slices.DeleteFunc(slices.Clone(all), func(a answer) bool { return slices.Contains(f.relaxed, a.call) })
}

// fixtureNamed finds a fixture.
func fixtureNamed(t testing.TB, name string) *fixture {
	t.Helper()
	for i := range fixtures {
		if fixtures[i].name == name {
			return &fixtures[i]
		}
	}
	t.Fatalf("no fixture %q", name)
	return nil
}

// TestFixtures makes every call of every expected.tsv on every form that an
// engine at hand can run.
func TestFixtures(t *testing.T) {
	for i := range fixtures {
		f := &fixtures[i]
		answers := readAnswers(t, filepath.Join(f.dir(), "expected.tsv"))
		inputs := f.load(t)
		t.Run(f.name+"/wazero", func(t *testing.T) {
			t.Parallel()
			if f.name == "qjs" && testing.Short() {
				t.Skip("-short: qjs compiles for seconds")
			}
			runWazero(t, "core single", link(t, inputs, coreSingle.as(f.opts)).Output, f.single(answers))
			runWazero(t, coreTrapping.String(), link(t, inputs, coreTrapping.as(f.opts)).Output, answers)
			runWazero(t, coreMasked.String(), link(t, inputs, coreMasked.as(f.opts)).Output, f.single(answers))
			if !f.core {
				runWazero(t, "component single", link(t, inputs, componentSingle.as(f.opts)).Output, answers)
			}
		})
		t.Run(f.name+"/wasmtime", func(t *testing.T) {
			t.Parallel()
			if f.name == "qjs" && testing.Short() {
				t.Skip("-short: qjs compiles for seconds")
			}
			w := newWasmtime(t)
			if f.core {
				w.add("core single", link(t, inputs, coreSingle.as(f.opts)).Output, f.single(answers))
				w.add("core multi", link(t, inputs, coreMulti.as(f.opts)).Output, answers)
			} else {
				if f.wasi {
					w.addCore("core single", link(t, inputs, coreSingle.as(f.opts)).Output, answers)
				} else {
					w.addCore("core multi", link(t, inputs, coreMulti.as(f.opts)).Output, answers)
				}
				w.add("component multi", link(t, inputs, componentMulti.as(f.opts)).Output, answers)
				w.add("component single", link(t, inputs, componentSingle.as(f.opts)).Output, answers)
			}
			w.run()
		})
	}
}
