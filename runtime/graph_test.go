package runtime

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wbundle/wbundle/internal/wasm"
)

func fixture(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "fixtures", filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// chainGraph is three components, one behind the other.
func chainGraph(t *testing.T) Graph {
	wire := func(name, from string) map[string]Wire { return map[string]Wire{name: {from, name}} }
	return Graph{Root: "root", Nodes: []Node{
		{ID: "root", Bytes: fixture(t, "chain/root.wasm"), Wires: wire("demo:chain/table@1.2.0", "middle")},
		{ID: "middle", Bytes: fixture(t, "chain/middle.wasm"), Wires: wire("demo:chain/lexer@1.2.0", "leaf")},
		{ID: "leaf", Bytes: fixture(t, "chain/leaf.wasm")},
	}}
}

// coreGraph is two core modules, one with the memory and table of the other.
func coreGraph(t *testing.T) Graph {
	app, math := fixture(t, "core-link/app.wasm"), fixture(t, "core-link/math.wasm")
	wires := map[string]Wire{}
	m, err := wasm.DecodeNoScan("app", app)
	if err != nil {
		t.Fatal(err)
	}
	for _, imp := range m.Imports {
		wires[coreImportName(&imp)] = Wire{"math", imp.Name}
	}
	return Graph{Root: "app", Nodes: []Node{{ID: "math", Bytes: math}, {ID: "app", Bytes: app, Wires: wires}}}
}

// TestGraph runs the calls of which fixtures say what they must give.
func TestGraph(t *testing.T) {
	for _, c := range []struct {
		name  string
		graph Graph
	}{{"chain", chainGraph(t)}, {"core-link", coreGraph(t)}} {
		t.Run(c.name, func(t *testing.T) {
			var cases []Case
			for line := range strings.Lines(string(fixture(t, c.name+"/expected.tsv"))) {
				call, want, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
				if !ok || strings.HasPrefix(line, "#") || strings.Contains(call, "; ") {
					continue
				}
				cases = append(cases, Case{Name: call, Invoke: call, Expect: want, Trap: strings.HasPrefix(want, "trap")})
			}
			p, err := CompileGraph(context.Background(), c.graph)
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close(context.Background())
			r, err := p.Verify(context.Background(), cases, Options{Timeout: time.Minute})
			if err != nil {
				t.Fatal(err)
			}
			if len(r.Cases) < 5 {
				t.Errorf("only %d cases", len(r.Cases))
			}
			for _, c := range r.Cases {
				if c.Err != nil {
					t.Errorf("%s: %v", c.Case.Name, c.Err)
				}
			}
		})
	}
}

// TestGraphExports: what is kept, what is renamed.
func TestGraphExports(t *testing.T) {
	names := func(g Graph) string {
		p, err := CompileGraph(context.Background(), g)
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close(context.Background())
		inst, err := p.Instantiate(context.Background(), Config{})
		if err != nil {
			t.Fatal(err)
		}
		defer inst.Close(context.Background())
		var out []string
		for _, f := range inst.Functions() {
			out = append(out, f.Name)
		}
		return strings.Join(out, " ")
	}
	g := coreGraph(t)
	g.Keep = func(name string) bool { return name == "sum" || name == "started" }
	g.Rename = map[string]string{"sum": "plus"}
	if got := names(g); got != "plus started" {
		t.Error(got)
	}
	g = chainGraph(t)
	g.Keep = func(string) bool { return false }
	if got := names(g); got != "" {
		t.Error(got)
	}
}

func TestGraphErrors(t *testing.T) {
	two := []byte("\x00asm\x01\x00\x00\x00\x05\x05\x02\x00\x01\x00\x01")
	wired := func(from string) Graph {
		g := chainGraph(t)
		g.Nodes[2].Wires = map[string]Wire{"demo:chain/types@1.2.0": {from, "demo:chain/types@1.2.0"}}
		return g
	}
	for _, c := range []struct {
		name string
		g    Graph
		want string
		is   error
	}{
		{"no root", Graph{Root: "x"}, `the graph has no node "x"`, nil},
		{"no provider", wired("nobody"), `the graph has no node "nobody"`, nil},
		{"cycle", wired("root"), `the imports of "root" lead back to it`, nil},
		{"both kinds", Graph{Root: "a", Nodes: []Node{
			{ID: "a", Bytes: testdata(t, "state.wasm"), Wires: map[string]Wire{"env.tell": {"b", "x"}}}, {ID: "b", Bytes: fixture(t, "chain/leaf.wasm")},
		}}, "components and core modules in one graph", ErrUnsupported},
		{"two memories", Graph{Root: "a", Nodes: []Node{{ID: "a", Bytes: two}}}, "a has 2 memories", ErrNeedsMultiMemory},
	} {
		_, err := CompileGraph(context.Background(), c.g)
		if err == nil || !strings.Contains(err.Error(), c.want) || c.is != nil && !errors.Is(err, c.is) {
			t.Errorf("%s: %v, want %s", c.name, err, c.want)
		}
	}
}

// TestGraphMemory: a memory grows no further than the bound of its node.
func TestGraphMemory(t *testing.T) {
	// (memory 1) (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
	grow := []byte("\x00asm\x01\x00\x00\x00\x01\x06\x01\x60\x01\x7f\x01\x7f\x03\x02\x01\x00\x05\x03\x01\x00\x01" +
		"\x07\x08\x01\x04grow\x00\x00\x0a\x08\x01\x06\x00\x20\x00\x40\x00\x0b")
	for pages, want := range map[uint64]string{0: "1", 100: "1", 50: "-1"} {
		p, err := CompileGraph(context.Background(), Graph{Root: "a", Nodes: []Node{{ID: "a", Bytes: grow, MaxPages: pages}}})
		if err != nil {
			t.Fatal(err)
		}
		r, err := p.Verify(context.Background(), []Case{{Invoke: "grow(60)", Expect: want}}, Options{})
		if err != nil || !r.OK() {
			t.Errorf("at most %d pages: %v, %+v", pages, err, r.Cases)
		}
		if err := p.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}
}
