package linker_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wbundle/wbundle/internal/component"
	"github.com/wbundle/wbundle/internal/wasm"
	"github.com/wbundle/wbundle/linker"
)

var updateShake = flag.Bool("update-shake", false, "write the sizes in docs/shake.md")

// binaryenTools names the directory with the tools of the npm package binaryen.
const binaryenTools = "WBUNDLE_BINARYEN"

// linkedModule is the one module of a bundle, without custom sections.
func linkedModule(t testing.TB, r *linker.Result) *wasm.Module {
	t.Helper()
	b := r.Output
	if b[6] == 1 { // a component; with everything kept, not one that could be decoded
		for b = b[8:]; ; {
			id := component.SectionID(b[0])
			size, n := wasm.ReadU32(b[1:])
			b = b[1+n:]
			if id == component.SectionCoreModule {
				b = b[:size]
				break
			}
			b = b[size:]
		}
	}
	m, err := wasm.Decode("output", b)
	if err != nil {
		t.Fatal(err)
	}
	m.Customs, m.Sections = nil, nil
	return m
}

// metadce is the size of a module after wasm-metadce, which is told that all
// exports are needed. The file that it made is at out.
func metadce(t testing.TB, tools string, m *wasm.Module) (size int, out string) {
	t.Helper()
	dir := t.TempDir()
	graph := []map[string]any{}
	for _, e := range m.Exports {
		graph = append(graph, map[string]any{"name": "export " + e.Name, "export": e.Name, "root": true})
	}
	spec, err := json.Marshal(graph)
	if err != nil {
		t.Fatal(err)
	}
	in, file := filepath.Join(dir, "in.wasm"), filepath.Join(dir, "graph.json")
	out = filepath.Join(dir, "out.wasm")
	for path, b := range map[string][]byte{in: wasm.NewEncoder(m).Append(nil), file: spec} {
		if err := os.WriteFile(path, b, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("node", filepath.Join(tools, "wasm-metadce"), "-all", "--disable-compact-imports", in, "-f", file, "-o", out)
	if msg, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("wasm-metadce: %v\n%s", err, msg)
	}
	return len(withoutCustoms(t, out)), out
}

// withoutCustoms reads the module in a file and writes it without custom
// sections.
func withoutCustoms(t testing.TB, path string) []byte {
	t.Helper()
	m, err := wasm.Decode(path, readFile(t, path))
	if err != nil {
		t.Fatal(err)
	}
	m.Customs, m.Sections = nil, nil
	return wasm.NewEncoder(m).Append(nil)
}

// TestShakeSizes links real components in three ways: everything kept, tables
// kept whole, and as it is done. It writes the table of docs/shake.md.
func TestShakeSizes(t *testing.T) {
	t.Parallel()
	tools := os.Getenv(binaryenTools)
	type shakeCase struct {
		name   string
		inputs []linker.Input
		opts   linker.Options
	}
	var cases []shakeCase
	for i := range fixtures {
		f := &fixtures[i]
		cases = append(cases, shakeCase{"fixtures/" + f.name, f.load(t), f.opts})
	}
	for _, r := range sharedRows(t) {
		large := strings.Contains(r.name, "py") || strings.Contains(r.name, "sm") || strings.Contains(r.name, "ten-")
		if tools == "" && large {
			continue // the small ones show as well that nothing grows
		}
		missing := false
		for _, p := range r.parts {
			_, err := os.Stat(filepath.Join(shared, p+".wasm"))
			missing = missing || err != nil
		}
		if !missing {
			inputs, o := r.load(t)
			cases = append(cases, shakeCase{r.name, inputs, o})
		}
	}
	var table strings.Builder
	fmt.Fprintln(&table, "| | everything, bytes | functions | tables kept whole | functions | wbundle | functions | wasm-metadce | wbundle is |\n|---|---|---|---|---|---|---|---|---|")
	for _, c := range cases {
		form := componentMulti
		if c.inputs[0].Bytes[6] == 0 { // a core module
			form = coreMulti
		}
		o := form.as(c.opts)
		o.Optimize = linker.OptimizeNone
		var sizes, functions [3]int
		var all *wasm.Module
		for k, o := range []linker.Options{linker.Unshaken(o), linker.CoarselyShaken(o), o} {
			r := link(t, c.inputs, o)
			m := linkedModule(t, r)
			sizes[k], functions[k] = wasm.NewEncoder(m).Size(), len(m.Funcs)
			if k == 0 {
				all = m
			}
		}
		if sizes[2] > sizes[1] || sizes[1] > sizes[0] || functions[2] > functions[1]+1 || functions[1] > functions[0] {
			t.Errorf("%s: %d bytes, %d with whole tables, %d of everything; functions %v", c.name, sizes[2], sizes[1], sizes[0], functions)
		}
		fmt.Fprintf(&table, "| %s | %d | %d | %d | %d | %d | %d |", c.name, sizes[0], functions[0], sizes[1], functions[1], sizes[2], functions[2])
		if tools == "" {
			continue
		}
		theirs, _ := metadce(t, tools, all)
		fmt.Fprintf(&table, " %d | %+.2f%% |\n", theirs, 100*float64(sizes[2]-theirs)/float64(theirs))
	}
	if tools == "" {
		t.Logf("the table in docs/shake.md is not compared: %s does not name the tools of binaryen", binaryenTools)
		return
	}
	updateTable(t, "shake.md", "ShakeSizes", table.String())
}

// updateTable compares the table of sizes in a file of docs with the one that
// is right, or writes it.
func updateTable(t *testing.T, name, test, table string) {
	t.Helper()
	path := filepath.Join("..", "docs", name)
	doc := string(readFile(t, path))
	const begin, end = "<!-- begin sizes -->\n", "<!-- end sizes -->\n"
	i, j := strings.Index(doc, begin), strings.Index(doc, end)
	if i < 0 || j < i {
		t.Fatalf("%s has no section of sizes", path)
	}
	i += len(begin)
	text := "\n" + table + "\n"
	switch {
	case doc[i:j] == text:
	case !*updateShake:
		t.Errorf("the sizes in %s are out of date; run go test ./linker -run %s -update-shake\n%s", path, test, text)
	default:
		if err := os.WriteFile(path, []byte(doc[:i]+text+doc[j:]), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
