package linker_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/wbundle/wbundle/linker"
)

// shared holds components of many toolchains and what their compositions
// answer (its README.md). It is not part of the repository.
const shared = "../../shared/components"

// row is what the composition of some components answers.
type row struct {
	name    string
	parts   []string // root first
	answers []answer
}

// sharedRows reads expected.tsv, one row per composition.
func sharedRows(t testing.TB) []*row {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(shared, "expected.tsv"))
	if err != nil {
		t.Skip("the shared components are not here: ", err)
	}
	var rows []*row
	for _, line := range strings.Split(strings.TrimSpace(string(data)), "\n") {
		f := strings.SplitN(line, "\t", 4)
		if len(f) != 4 {
			t.Fatalf("expected.tsv: %q", line)
		}
		if len(rows) == 0 || rows[len(rows)-1].name != f[0] {
			rows = append(rows, &row{name: f[0], parts: strings.Fields(f[1])})
		}
		r := rows[len(rows)-1]
		// Go and WAVE quote these texts, which are ASCII, in the same way.
		r.answers = append(r.answers, answer{fmt.Sprintf("demo:app/run#run(%s)", f[2]), strconv.Quote(f[3])})
	}
	return rows
}

func (r *row) chain() bool { return strings.HasPrefix(r.name, "chain-") }

// load reads the parts. In a chain every link imports and exports the same
// interface, so it says who imports from whom.
func (r *row) load(t testing.TB) ([]linker.Input, linker.Options) {
	t.Helper()
	var o linker.Options
	var inputs []linker.Input
	for i, p := range r.parts {
		path := filepath.Join(shared, p+".wasm")
		b, err := os.ReadFile(path)
		if err != nil {
			t.Skip("a part is not here: ", err)
		}
		id := p
		if r.chain() {
			id = fmt.Sprintf("link%d", i)
			if i > 0 {
				if o.Connect == nil {
					o.Connect = map[string]map[string]linker.Provider{}
					o.Root = "link0"
				}
				o.Connect[fmt.Sprintf("link%d", i-1)] = map[string]linker.Provider{"demo:calc/ops": {From: id}}
			}
		}
		inputs = append(inputs, linker.Input{ID: id, Path: path, Bytes: b})
	}
	return inputs, o
}

// pure says that all parts do without WASI, so that wazero alone can run them.
func (r *row) pure() bool {
	for _, p := range r.parts {
		if !strings.HasPrefix(p, "rustpure-") && !strings.HasPrefix(p, "zigc-") {
			return false
		}
	}
	return true
}

// rowNamed finds a row.
func rowNamed(t testing.TB, rows []*row, name string) *row {
	t.Helper()
	for _, r := range rows {
		if r.name == name {
			return r
		}
	}
	t.Fatalf("expected.tsv has no row %q", name)
	return nil
}

// everywhere runs a bundle in all its forms.
func everywhere(t *testing.T, inputs []linker.Input, o linker.Options, answers []answer) {
	t.Helper()
	runWazero(t, "core single", link(t, inputs, coreSingle.as(o)).Output, answers)
	runWazero(t, "component single", link(t, inputs, componentSingle.as(o)).Output, answers)
	w := newWasmtime(t)
	w.addCore("core single", link(t, inputs, coreSingle.as(o)).Output, answers)
	w.addCore("core multi", link(t, inputs, coreMulti.as(o)).Output, answers)
	w.add("component single", link(t, inputs, componentSingle.as(o)).Output, answers)
	w.add("component multi", link(t, inputs, componentMulti.as(o)).Output, answers)
	w.run()
}

// TestPureComponents links the components that need no host.
func TestPureComponents(t *testing.T) {
	rows := sharedRows(t)
	for _, r := range rows {
		if !r.pure() {
			continue
		}
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			inputs, o := r.load(t)
			everywhere(t, inputs, o, r.answers)
		})
	}
	// A component of one toolchain with one of another answers with the
	// other's words.
	zig, rust := rowNamed(t, rows, "zigc-zigc"), rowNamed(t, rows, "rustpure-rustpure")
	for _, m := range []struct {
		row      *row
		provider string
		old, new string
	}{
		{rust, "zigc-provider", "rust greets", "C greets"},
		{zig, "rustpure-provider", "C greets", "rust greets"},
	} {
		r := &row{name: m.row.parts[0] + "+" + m.provider, parts: []string{m.row.parts[0], m.provider}}
		for _, a := range m.row.answers {
			// The two also differ in the sign of their zero.
			want := strings.Replace(a.want, m.old, m.new, 1)
			if m.provider == "zigc-provider" {
				want = strings.Replace(want, "norm=-0.0000", "norm=0.0000", 1)
			} else {
				want = strings.Replace(want, "norm=0.0000", "norm=-0.0000", 1)
			}
			r.answers = append(r.answers, answer{a.call, want})
		}
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			inputs, o := r.load(t)
			everywhere(t, inputs, o, r.answers)
		})
	}
	// Graphs that wac composed take the same path as those from a config.
	for _, name := range []string{"chain-rustpure", "diamond-rustpure", "rustpure-rustpure"} {
		r := rowNamed(t, rows, name)
		t.Run("composed/"+name, func(t *testing.T) {
			t.Parallel()
			everywhere(t, []linker.Input{input(t, filepath.Join(shared, "composed"), name)}, linker.Options{}, r.answers)
		})
	}
}

// bigRows is the environment variable that turns on the rows with large
// language runtimes, which compile for minutes: "1", or the names of rows.
const bigRows = "WBUNDLE_BIG"

// small says that a row compiles in seconds.
func (r *row) small() bool { return r.preview1() && !strings.Contains(r.name, "go") }

// wanted skips rows that compile for minutes, unless WBUNDLE_BIG asks for them.
func (r *row) wanted(t *testing.T) {
	t.Helper()
	if !r.small() {
		heavy(t, r.name)
	}
}

// composed is what wac makes of the row's parts: the file of the corpus, or
// else made here by plugging from the leaf to the root. Nil, with the reason in
// the log, where neither can be had.
func (r *row) composed(t *testing.T) []linker.Input {
	t.Helper()
	path := filepath.Join(shared, "composed", r.name+".wasm")
	if b, err := os.ReadFile(path); err == nil {
		return []linker.Input{{ID: "composed", Path: path, Bytes: b}}
	}
	if len(r.parts) != 2 && !r.chain() {
		t.Log("not composed: it takes more than plugging one into the other")
		return nil
	}
	if _, err := exec.LookPath("wac"); err != nil {
		t.Log("not composed: ", err)
		return nil
	}
	inner := filepath.Join(shared, r.parts[len(r.parts)-1]+".wasm")
	for i := len(r.parts) - 2; i >= 0; i-- {
		path = filepath.Join(t.TempDir(), fmt.Sprintf("%d.wasm", i))
		cmd := exec.Command("wac", "plug", filepath.Join(shared, r.parts[i]+".wasm"), "--plug", inner, "-o", path)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("wac plug: %v\n%s", err, out)
		}
		inner = path
	}
	return []linker.Input{{ID: "composed", Path: inner, Bytes: readFile(t, inner)}}
}

// TestRows links every row whose parts import WASI, from its parts and from
// what wac composed of them, into components, and runs them in wasmtime. The
// rows without WASI are TestPureComponents'; the core form is TestWASIComponents'.
func TestRows(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: compiles for a minute")
	}
	var lack []string
	for _, r := range sharedRows(t) {
		if missing := r.missing(); len(missing) > 0 {
			lack = append(lack, fmt.Sprintf("%s (%s)", r.name, strings.Join(missing, ", ")))
			continue
		}
		if r.pure() {
			continue
		}
		t.Run(r.name, func(t *testing.T) {
			r.wanted(t)
			if r.small() {
				t.Parallel()
			}
			w := newWasmtime(t)
			inputs, o := r.load(t)
			for _, f := range []form{componentMulti, componentSingle} {
				res := link(t, inputs, f.as(o))
				t.Logf("%s: %d bytes, %d adapters, %d memories", f, len(res.Output), res.Summary.Adapters, res.Summary.Memories.Out)
				w.add(f.String(), res.Output, r.answers)
				if f == componentSingle && os.Getenv(bigRows) == "" {
					continue // of the composed ones, the other form will do
				}
				if whole := r.composed(t); whole != nil {
					w.add(f.String()+", composed", link(t, whole, f.as(linker.Options{})).Output, r.answers)
				}
			}
			w.run()
		})
	}
	if len(lack) > 0 {
		t.Logf("%d rows lack inputs: %s", len(lack), strings.Join(lack, "; "))
	}
}

// missing are the parts whose files are not there.
func (r *row) missing() []string {
	var out []string
	for _, p := range r.parts {
		if _, err := os.Stat(filepath.Join(shared, p+".wasm")); err != nil {
			out = append(out, p)
		}
	}
	return out
}
