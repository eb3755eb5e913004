package linker_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wbundle/wbundle/linker"
	"github.com/wbundle/wbundle/runtime"
)

// Tests of this package run what they link. Three engines answer: wazero runs
// core output, the executor of package runtime components, and wasmtime, where
// it is installed, both, multi-memory included.

// answer is a call and what it has to give: a result in WAVE, "trap", or "".
// Calls joined by "; " share an instance, and so do their results.
type answer struct{ call, want string }

// form is one way to write a bundle.
type form struct {
	format    linker.Format
	memory    linker.Memory
	isolation linker.Isolation
}

func (f form) String() string {
	name := fmt.Sprintf("%s %s", f.format, f.memory)
	if f.isolation != "" {
		name += ", isolation " + string(f.isolation)
	}
	return name
}

var (
	coreSingle      = form{linker.FormatCore, linker.MemorySingle, ""}
	coreMasked      = form{linker.FormatCore, linker.MemorySingle, linker.IsolationMask}
	coreTrapping    = form{linker.FormatCore, linker.MemorySingle, linker.IsolationTrap}
	coreMulti       = form{linker.FormatCore, linker.MemoryMulti, ""}
	componentSingle = form{linker.FormatComponent, linker.MemorySingle, ""}
	componentMulti  = form{linker.FormatComponent, linker.MemoryMulti, ""}
)

// readFile reads a file that must be there.
func readFile(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// input is the file DIR/ID.wasm.
func input(t testing.TB, dir, id string) linker.Input {
	t.Helper()
	path := filepath.Join(dir, id+".wasm")
	return linker.Input{ID: id, Path: path, Bytes: readFile(t, path)}
}

// optimizeEnv names the variable that sets the level of optimisation of all
// tests that do not set one themselves: the suite is run once more with it
// before a change of the optimiser.
const optimizeEnv = "WBUNDLE_OPTIMIZE"

// link links, which must not fail.
func link(t testing.TB, inputs []linker.Input, o linker.Options) *linker.Result {
	t.Helper()
	if o.Optimize == "" {
		o.Optimize = linker.Optimize(os.Getenv(optimizeEnv))
	}
	r, err := linker.Link(context.Background(), inputs, o)
	if err != nil {
		t.Fatalf("link %s %s: %v", o.Format, o.Memory, err)
	}
	return r
}

// as returns options for a form.
func (f form) as(o linker.Options) linker.Options {
	o.Format, o.Memory, o.Isolation = f.format, f.memory, f.isolation
	return o
}

// readAnswers reads an expected.tsv.
func readAnswers(t testing.TB, path string) []answer {
	t.Helper()
	var out []answer
	for _, line := range strings.Split(string(readFile(t, path)), "\n") {
		if call, want, ok := strings.Cut(line, "\t"); ok && !strings.HasPrefix(line, "#") {
			out = append(out, answer{call, want})
		}
	}
	if len(out) == 0 {
		t.Fatalf("%s: no calls", path)
	}
	return out
}

// steps splits an answer into its calls on one instance.
func (a answer) steps(t testing.TB) []answer {
	calls, wants := strings.Split(a.call, "; "), strings.Split(a.want, "; ")
	if len(calls) == 1 {
		return []answer{a}
	}
	if len(calls) != len(wants) {
		t.Fatalf("%s: %d calls, %d results", a.call, len(calls), len(wants))
	}
	out := make([]answer, len(calls))
	for i := range calls {
		out[i] = answer{calls[i], wants[i]}
	}
	return out
}

// runWazero checks answers in wazero: core modules with one memory, and
// components by the executor.
func runWazero(t testing.TB, name string, wasm []byte, answers []answer) {
	t.Helper()
	var cases []runtime.Case
	for _, a := range answers {
		for i, s := range a.steps(t) {
			cases = append(cases, runtime.Case{Name: a.call, Invoke: s.call, Expect: s.want, Trap: s.want == "trap", SameInstance: i > 0})
		}
	}
	r, err := runtime.Verify(context.Background(), wasm, cases, runtime.Options{Config: runtime.Config{Name: name}, Timeout: 5 * time.Minute})
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	for _, c := range r.Cases {
		if c.Err != nil {
			t.Errorf("%s: %s: %v", name, c.Case.Invoke, c.Err)
		}
	}
}

// wasmtimeMissing says why wasmtime cannot be used, "" when it can.
var wasmtimeMissing = sync.OnceValue(func() string {
	if _, err := exec.LookPath("python3"); err != nil {
		return "wasmtime runs by way of python3: " + err.Error()
	}
	if out, err := exec.Command("python3", "-c", "import wasmtime.component").CombinedOutput(); err != nil {
		return "python3 has no package wasmtime: " + lastLine(string(out))
	}
	return ""
})

// componentNewMissing says why wasm-tools cannot be used, "" when it can.
var componentNewMissing = sync.OnceValue(func() string {
	if _, err := exec.LookPath("wasm-tools"); err != nil {
		return err.Error()
	}
	return ""
})

func lastLine(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return lines[len(lines)-1]
}

// wasmtimeRun collects programs and their calls, to make them in one process.
type wasmtimeRun struct {
	t       testing.TB
	dir     string
	jobs    []wasmtimeJob
	names   []string
	answers [][]answer
}

type wasmtimeJob struct {
	Wasm  string   `json:"wasm"`
	Calls []string `json:"calls"`
}

// newWasmtime skips the test when wasmtime is not here.
func newWasmtime(t testing.TB) *wasmtimeRun {
	t.Helper()
	if why := wasmtimeMissing(); why != "" {
		t.Skip(why)
	}
	return &wasmtimeRun{t: t, dir: t.TempDir()}
}

// add adds a program under a name for messages.
func (w *wasmtimeRun) add(name string, wasm []byte, answers []answer) {
	w.t.Helper()
	path := filepath.Join(w.dir, fmt.Sprintf("%d.wasm", len(w.jobs)))
	if err := os.WriteFile(path, wasm, 0o666); err != nil {
		w.t.Fatal(err)
	}
	job := wasmtimeJob{Wasm: path}
	for _, a := range answers {
		job.Calls = append(job.Calls, a.call)
	}
	w.jobs, w.names, w.answers = append(w.jobs, job), append(w.names, name), append(w.answers, answers)
}

// addCore adds core output of components. Its component-type section makes a
// component of it again, by a tool that is not ours.
func (w *wasmtimeRun) addCore(name string, wasm []byte, answers []answer) {
	w.t.Helper()
	if why := componentNewMissing(); why != "" {
		w.t.Logf("%s is not run: %s", name, why)
		return
	}
	w.add(name, componentNew(w.t, wasm), answers)
}

// componentNew runs wasm-tools component new.
func componentNew(t testing.TB, wasm []byte) []byte {
	t.Helper()
	cmd := exec.Command("wasm-tools", "component", "new", "-")
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(wasm), &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("wasm-tools component new: %v\n%s", err, stderr.String())
	}
	return out
}

// results makes the calls and returns the text of each result, by program.
func (w *wasmtimeRun) results() [][]string {
	w.t.Helper()
	stdin, err := json.Marshal(w.jobs)
	if err != nil {
		w.t.Fatal(err)
	}
	cmd := exec.Command("python3", filepath.Join("testdata", "wasmtime_run.py"))
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(stdin), &stderr
	stdout, err := cmd.Output()
	if err != nil {
		w.t.Fatalf("wasmtime_run.py: %v\n%s", err, stderr.String())
	}
	var got []struct {
		Results []string
		Error   string
	}
	if err := json.Unmarshal(stdout, &got); err != nil {
		w.t.Fatal(err)
	}
	out := make([][]string, len(got))
	for i, g := range got {
		if g.Error != "" {
			w.t.Errorf("%s: wasmtime does not compile it: %s", w.names[i], g.Error)
			continue
		}
		out[i] = g.Results
	}
	return out
}

// run makes the calls and checks their answers. The expected values were
// written by the same code as these results (fixtures/record.py), so they are
// compared as text.
func (w *wasmtimeRun) run() {
	w.t.Helper()
	for i, results := range w.results() {
		for k, got := range results {
			a := w.answers[i][k]
			texts := strings.Split(got, "; ")
			if len(texts) != len(a.steps(w.t)) {
				texts = []string{got} // a string with a semicolon
			}
			for n, s := range a.steps(w.t) {
				if got := texts[n]; got != s.want && !(s.want == "trap" && strings.HasPrefix(got, "trap: ")) {
					w.t.Errorf("%s: %s: wasmtime gives %s, want %s", w.names[i], s.call, got, s.want)
				}
			}
		}
	}
}
