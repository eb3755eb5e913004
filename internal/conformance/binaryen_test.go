package conformance

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/wbundle/wbundle/internal/wasm"
	"github.com/wbundle/wbundle/linker"
)

// Binaryen's own cases for removing what is not needed (metadce) and for linking
// modules by name (merge).

const (
	binaryenCases = "../../../shared/conformance/binaryen"
	shakePath     = "../../docs/shake.md"
	// binaryenTools names the directory with the tools of the npm package
	// binaryen, which the tables in docs/shake.md are made with.
	binaryenTools = "WBUNDLE_BINARYEN"
)

// binaryen runs a tool of binaryen; ok is false where there is none.
func binaryen(t *testing.T, tool string, args ...string) (out []byte, ok bool) {
	t.Helper()
	dir := os.Getenv(binaryenTools)
	if dir == "" {
		return nil, false
	}
	cmd := exec.Command("node", append([]string{filepath.Join(dir, tool)}, args...)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", tool, strings.Join(args, " "), err, stderr.String())
	}
	return out, true
}

// parseModule makes a module of text: by wasm-tools, else, for older spellings, by
// binaryen.
func parseModule(t *testing.T, path string) ([]byte, error) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("wasm-tools", "parse", "-")
	cmd.Stdin = strings.NewReader(strings.ReplaceAll(string(text), "anyfunc", "funcref"))
	if out, err := cmd.Output(); err == nil {
		return out, nil
	}
	out := filepath.Join(t.TempDir(), "parsed.wasm")
	if _, ok := binaryen(t, "wasm-as", "-all", "--disable-compact-imports", path, "-o", out); !ok {
		return nil, fmt.Errorf("wasm-tools does not read it, and %s does not say where binaryen's wasm-as is", binaryenTools)
	}
	b, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return b, nil
}

// reachNode is a node of the graph that says what lies outside of a module.
type reachNode struct {
	Name    string   `json:"name"`
	Root    bool     `json:"root"`
	Reaches []string `json:"reaches"`
	Export  string   `json:"export"`
	Import  []string `json:"import"`
}

// trailingComma is what the graphs have and JSON has not.
var trailingComma = regexp.MustCompile(`,(\s*[\]}])`)

func readGraph(t *testing.T, path string) []reachNode {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var nodes []reachNode
	if err := json.Unmarshal(trailingComma.ReplaceAll(b, []byte("$1")), &nodes); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return nodes
}

// withExports is a module with some of its exports. What ref.func names must be
// declared, which the other exports may have been there for, and which text of
// binaryen leaves out.
func withExports(t *testing.T, module []byte, keep map[string]bool) []byte {
	t.Helper()
	m := decodeModule(t, module)
	declare := wasm.Elem{Mode: wasm.SegmentDeclarative, Flags: 3}
	for i := range m.Count(wasm.SpaceFunc) {
		declare.Funcs = append(declare.Funcs, i)
	}
	m.Exports = slices.DeleteFunc(m.Exports, func(e wasm.Export) bool { return !keep[e.Name] })
	m.Elems = append(m.Elems, declare)
	m.Sections = nil
	return wasm.NewEncoder(m).Append(nil)
}

func decodeModule(t *testing.T, module []byte) *wasm.Module {
	t.Helper()
	m, err := wasm.Decode("module", module)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// shakeOutside links a module as its surroundings use it: an export is kept if a
// root reaches it, or an import that is left does.
func shakeOutside(t *testing.T, module []byte, nodes []reachNode) (before, after []byte) {
	t.Helper()
	byName := map[string]*reachNode{}
	for i := range nodes {
		byName[nodes[i].Name] = &nodes[i]
	}
	reached, exports := map[string]bool{}, map[string]bool{}
	var reach func(n *reachNode)
	reach = func(n *reachNode) {
		if n == nil || reached[n.Name] {
			return
		}
		reached[n.Name] = true
		if n.Export != "" {
			exports[n.Export] = true
		}
		for _, to := range n.Reaches {
			reach(byName[to])
		}
	}
	for i := range nodes {
		if nodes[i].Root {
			reach(&nodes[i])
		}
	}
	for {
		before = withExports(t, module, exports)
		r, err := linker.Link(context.Background(), []linker.Input{{ID: "module", Bytes: before}},
			linker.Options{Memory: linker.MemoryMulti, Unresolved: linker.UnresolvedImport, Check: true})
		if err != nil {
			t.Fatal(err)
		}
		n := len(reached)
		for _, imp := range decodeModule(t, r.Output).Imports {
			for i := range nodes {
				if p := nodes[i].Import; len(p) == 2 && p[0] == imp.Module && p[1] == imp.Name {
					reach(&nodes[i])
				}
			}
		}
		if len(reached) == n {
			return before, r.Output
		}
	}
}

// contents counts the items of a module, and names its imports and exports.
func contents(m *wasm.Module) (counts map[string]int, names []string) {
	counts = map[string]int{
		"functions": len(m.Funcs), "globals": len(m.Globals), "tables": len(m.Tables), "memories": len(m.Memories),
		"tags": len(m.Tags), "data": len(m.Datas), "elements": len(m.Elems), "types": len(m.Types), "imports": len(m.Imports), "exports": len(m.Exports),
	}
	for _, i := range m.Imports {
		names = append(names, "import "+i.Module+"."+i.Name)
	}
	for _, e := range m.Exports {
		names = append(names, "export "+e.Name)
	}
	sort.Strings(names)
	return counts, slices.Compact(names)
}

// observeNode runs modules in Node.js and returns what each does.
func observeNode(t *testing.T, modules ...[]byte) []string {
	t.Helper()
	dir := t.TempDir()
	args := []string{"testdata/observe.mjs"}
	for i, m := range modules {
		path := filepath.Join(dir, fmt.Sprintf("%d.wasm", i))
		if err := os.WriteFile(path, m, 0o666); err != nil {
			t.Fatal(err)
		}
		args = append(args, path)
	}
	cmd := exec.Command("node", args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("node: %v\n%s", err, stderr.String())
	}
	var texts []string
	if err := json.Unmarshal(out, &texts); err != nil {
		t.Fatal(err)
	}
	return texts
}

// bare drops custom sections, for sizes.
func bare(t *testing.T, module []byte) int {
	t.Helper()
	m := decodeModule(t, module)
	m.Customs, m.Sections = nil, nil
	return wasm.NewEncoder(m).Size()
}

func needNode(t *testing.T) {
	t.Helper()
	for _, tool := range []string{"node", "wasm-tools"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip("not run: ", err)
		}
	}
	if _, err := os.Stat(binaryenCases); err != nil {
		t.Skip("not run: ", err)
	}
}

// keptMore are the cases where we keep something that wasm-metadce removes.
var keptMore = map[string]string{}

// TestMetaDCE removes from modules what their surroundings do not need, and keeps
// nothing that wasm-metadce removes.
func TestMetaDCE(t *testing.T) {
	needNode(t)
	paths, err := filepath.Glob(filepath.Join(binaryenCases, "metadce", "*.wast"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	var table strings.Builder
	fmt.Fprintln(&table, "| case | wasm-metadce, bytes | wbundle, bytes | wbundle keeps less |\n|---|---|---|---|")
	complete := true
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".wast")
		t.Run(name, func(t *testing.T) {
			module, err := parseModule(t, path)
			if err != nil {
				complete = false
				t.Skip("not run: ", err)
			}
			graph := readGraph(t, path+".graph.txt")
			before, after := shakeOutside(t, module, graph)
			if texts := observeNode(t, before, after); texts[0] != texts[1] {
				t.Errorf("before:\n%s\nafter:\n%s", texts[0], texts[1])
			}
			dced, err := parseModule(t, path+".dced")
			if err != nil {
				complete = false
				t.Skip("not compared: ", err)
			}
			want, wantNames := contents(decodeModule(t, dced))
			got, gotNames := contents(decodeModule(t, after))
			var less []string
			for _, k := range slices.Sorted(maps.Keys(got)) {
				if got[k] > want[k] && keptMore[name] == "" {
					t.Errorf("%d %s, wasm-metadce keeps %d", got[k], k, want[k])
				}
				if got[k] < want[k] {
					less = append(less, fmt.Sprintf("%d of %d %s", got[k], want[k], k))
				}
			}
			for _, n := range gotNames {
				if !slices.Contains(wantNames, n) && keptMore[name] == "" {
					t.Errorf("%s is left, wasm-metadce removes it", n)
				}
			}
			strict, err := json.Marshal(withoutEmpty(graph))
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			in, out, spec := filepath.Join(dir, "in.wasm"), filepath.Join(dir, "out.wasm"), filepath.Join(dir, "graph.json")
			for path, b := range map[string][]byte{in: module, spec: strict} {
				if err := os.WriteFile(path, b, 0o666); err != nil {
					t.Fatal(err)
				}
			}
			if _, ok := binaryen(t, "wasm-metadce", "-all", "--disable-compact-imports", in, "-f", spec, "-o", out); !ok {
				complete = false
				return
			}
			theirs, err := os.ReadFile(out)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&table, "| %s | %d | %d | %s |\n", name, bare(t, theirs), bare(t, after), strings.Join(less, ", "))
			if bare(t, after) > bare(t, theirs) {
				t.Errorf("%d bytes, wasm-metadce makes %d", bare(t, after), bare(t, theirs))
			}
		})
	}
	if !complete {
		t.Logf("the table in docs/shake.md is not compared: %s does not name the tools of binaryen", binaryenTools)
		return
	}
	if !t.Failed() {
		sectionOf(t, shakePath, "metadce", table.String())
	}
}

// withoutEmpty writes a graph as wasm-metadce reads it: without the fields that a
// node has not.
func withoutEmpty(nodes []reachNode) []map[string]any {
	out := []map[string]any{}
	for _, n := range nodes {
		m := map[string]any{"name": n.Name}
		if n.Root {
			m["root"] = true
		}
		if n.Reaches != nil {
			m["reaches"] = n.Reaches
		}
		if n.Export != "" {
			m["export"] = n.Export
		}
		if n.Import != nil {
			m["import"] = n.Import
		}
		out = append(out, m)
	}
	return out
}

// mergeRun reads how a case of merge runs wasm-merge: file, name, file, name, …
var mergeRun = regexp.MustCompile(`RUN: wasm-merge (?:-g )?((?:%s(?:\.\w+)? \w+ ?)+)`)

// notMerged says why cases of merge are not linked.
var notMerged = map[string]string{
	"export_options_default":   "is about an option of wasm-merge",
	"manifest":                 "is about the manifest that wasm-merge writes",
	"manifest-explicit-name":   "is about the manifest that wasm-merge writes",
	"rename-internal-conflict": "is about the names that wasm-merge gives",
	"sourcemap":                "is about source maps",
}

// cycles are the cases of merge whose modules import each other. No order of
// instantiation makes that composition; the linker refuses it by name.
var cycles = []string{"cycle", "fusing", "import_cycle"}

// largerCode are the cases whose code wasm-merge writes in fewer bytes, because
// it reads and writes it as trees; the linker leaves bodies as they are.
var largerCode = map[string]string{
	"func_subtyping_return": "code behind `unreachable`, and a block around a call",
	"global_subtyping":      "a block around global.get",
	"renamings":             "a block around a call",
}

// TestMerge links modules by name, each of them as the root once, and compares
// what that does with what wasm-merge makes of them.
func TestMerge(t *testing.T) {
	needNode(t)
	paths, err := filepath.Glob(filepath.Join(binaryenCases, "merge", "*.wat"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	var table, skipped strings.Builder
	fmt.Fprintln(&table, "| case | root | wasm-merge, bytes | and wasm-metadce | wbundle | executed |\n|---|---|---|---|---|---|")
	complete := true
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".wat")
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			run := mergeRun.FindStringSubmatch(string(text))
			if why := notMerged[name]; why != "" || run == nil {
				if run == nil && why == "" {
					why = "has no command that links modules by name"
				}
				fmt.Fprintf(&skipped, "- `%s` %s.\n", name, why)
				t.Skip("not run: ", why)
			}
			words := strings.Fields(run[1])
			var inputs []linker.Input
			for i := 0; i < len(words); i += 2 {
				b, err := parseModule(t, strings.Replace(words[i], "%s", path, 1))
				if err != nil {
					complete = false
					t.Skip("not run: ", err)
				}
				inputs = append(inputs, linker.Input{ID: words[i+1], Bytes: b})
			}
			for k := range inputs {
				if !mergeRoot(t, name, inputs, k, &table) {
					complete = false
				}
			}
		})
	}
	if !complete {
		t.Logf("the table in docs/shake.md is not compared: %s does not name the tools of binaryen", binaryenTools)
		return
	}
	if !t.Failed() {
		sectionOf(t, shakePath, "merge", table.String()+"\nNot linked:\n\n"+skipped.String())
	}
}

// mergeRoot links modules with one of them as the root, and compares.
func mergeRoot(t *testing.T, name string, inputs []linker.Input, root int, table *strings.Builder) bool {
	t.Helper()
	id := inputs[root].ID
	r, err := linker.Link(context.Background(), inputs,
		linker.Options{Root: id, Memory: linker.MemoryMulti, Unresolved: linker.UnresolvedImport, Check: true})
	if slices.Contains(cycles, name) {
		if err == nil || !strings.Contains(err.Error(), "import each other in a cycle") {
			t.Errorf("root %s: %v, want an error that names the cycle", id, err)
		}
		fmt.Fprintf(table, "| %s | %s | | | refused: the modules import each other | |\n", name, id)
		return true
	}
	if err != nil {
		t.Errorf("root %s: %v", id, err)
		return true
	}
	// The exports of the module that comes first are those that stay.
	dir := t.TempDir()
	file := func(name string, b []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, b, 0o666); err != nil {
			t.Fatal(err)
		}
		return path
	}
	args := []string{"-all", "--disable-compact-imports", "--skip-export-conflicts", "-o", filepath.Join(dir, "merged.wasm"), file(id+".wasm", inputs[root].Bytes), id}
	for i, in := range inputs {
		if i != root {
			args = append(args, file(in.ID+".wasm", in.Bytes), in.ID)
		}
	}
	if _, ok := binaryen(t, "wasm-merge", args...); !ok {
		return false
	}
	merged, err := os.ReadFile(filepath.Join(dir, "merged.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	exports := map[string]bool{}
	graph := []map[string]any{}
	for _, e := range decodeModule(t, inputs[root].Bytes).Exports {
		exports[e.Name] = true
		graph = append(graph, map[string]any{"name": "export " + e.Name, "export": e.Name, "root": true})
	}
	spec, err := json.Marshal(graph)
	if err != nil {
		t.Fatal(err)
	}
	binaryen(t, "wasm-metadce", "-all", "--disable-compact-imports", filepath.Join(dir, "merged.wasm"), "-f", file("graph.json", spec), "-o", filepath.Join(dir, "dced.wasm"))
	dced, err := os.ReadFile(filepath.Join(dir, "dced.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	texts, ran := observeNode(t, withExports(t, merged, exports), r.Output), "yes"
	switch {
	case strings.Contains(texts[1], "CompileError"):
		ran = "no: Node.js does not compile it; valid"
		if err := validate(r.Output); err != nil {
			t.Errorf("root %s: %v", id, err)
		}
	case strings.Contains(texts[0], "CompileError"):
		ran = "yes; Node.js does not compile what wasm-merge makes"
	case texts[0] != texts[1]:
		t.Errorf("root %s: wasm-merge:\n%s\nwbundle:\n%s", id, texts[0], texts[1])
	}
	note := ""
	if why := largerCode[name]; why != "" && bare(t, r.Output) > bare(t, dced) {
		note = ": " + why
	}
	fmt.Fprintf(table, "| %s | %s | %d | %d | %d%s | %s |\n", name, id, bare(t, merged), bare(t, dced), bare(t, r.Output), note, ran)
	if bare(t, r.Output) > bare(t, dced) && note == "" {
		t.Errorf("root %s: %d bytes, wasm-merge and wasm-metadce make %d", id, bare(t, r.Output), bare(t, dced))
	}
	return true
}
