package linker_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/wbundle/wbundle/linker"
	"github.com/wbundle/wbundle/runtime"
)

// Each toolchain on each host: one component, or core module, alone, and a pair
// across two languages. What needs preview 1 only runs in stock wazero, node:wasi
// and wasmtime as a plain core module; what needs WASI 0.2 on package runtime.
// What to compare with is the original in wasmtime. Rows of the corpus are in
// toolchains_test.go and components_test.go.

// hostCall is one call in WAVE, for hosts of components, and by its core
// signature, for the others.
type hostCall struct {
	wave string
	core coreCall
	want string
}

func numbers(ns ...int64) []coreArg {
	var out []coreArg
	for _, n := range ns {
		out = append(out, coreArg{Number: &n})
	}
	return out
}

func textArg(s string) []coreArg { return []coreArg{{Text: &s}} }

// opsCalls are calls of demo:calc/ops, in order, on one instance of a provider
// in a language; its greeting names it.
func opsCalls(language string) []hostCall {
	return []hostCall{
		{`add(40, 2)`, coreCall{Func: "add", Args: numbers(40, 2)}, "42"},
		{`greet("wörld")`, coreCall{Func: "greet", Args: textArg("wörld"), Result: "string"}, `"` + language + ` greets wörld (#1)"`},
		{`greet("")`, coreCall{Func: "greet", Args: textArg(""), Result: "string"}, `"` + language + ` greets  (#2)"`},
		{`norm([{x: 3, y: 0}, {x: 0, y: -4}])`, coreCall{Func: "norm", Args: []coreArg{{Points: []float64{3, 0, 0, -4}}}}, "5"},
		{`divide(-84, 2)`, coreCall{Func: "divide", Args: numbers(-84, 2), Result: "result"}, "ok(-42)"},
		{`divide(84, 0)`, coreCall{Func: "divide", Args: numbers(84, 0), Result: "result"}, `err("84/0: division by zero")`},
		{`[constructor]counter(5)`, coreCall{Func: "[constructor]counter", Args: numbers(5), Result: "handle"}, ""},
		{`[method]counter.next(&it)`, coreCall{Func: "[method]counter.next", Held: true}, "5"},
		{`[method]counter.next(&it)`, coreCall{Func: "[method]counter.next", Held: true}, "6"},
	}
}

// waves are the calls in WAVE; what returns a handle keeps it as "it".
func waves(prefix string, calls []hostCall) []string {
	var out []string
	for _, c := range calls {
		w := prefix + c.wave
		if c.core.Result == "handle" {
			w = "it = " + w
		}
		out = append(out, w)
	}
	return out
}

func wants(calls []hostCall) []string {
	var out []string
	for _, c := range calls {
		out = append(out, c.want)
	}
	return out
}

// original checks the wants against what wasmtime answers unbundled.
func original(t *testing.T, name string, wasm []byte, prefix string, calls []hostCall) {
	t.Helper()
	if why := wasmtimeMissing(); why != "" {
		t.Log("the original is not run in wasmtime: ", why)
		return
	}
	w := newWasmtime(t)
	w.add(name+" unbundled", wasm, []answer{{strings.Join(waves(prefix, calls), "; "), strings.Join(wants(calls), "; ")}})
	w.run()
}

// runCalls makes the calls on package runtime.
func runCalls(t *testing.T, wasm []byte, prefix string, calls []hostCall) {
	t.Helper()
	ctx := context.Background()
	inst, err := runtime.Open(ctx, wasm, runtime.Config{})
	if err != nil {
		t.Error(err)
		return
	}
	defer inst.Close(ctx)
	c := caller{inst: inst, held: map[string]runtime.Value{}}
	for i, call := range waves(prefix, calls) {
		if got, err := c.call(call); err != nil || got != calls[i].want {
			t.Errorf("runtime: %s = %s, %v, want %s", call, got, err, calls[i].want)
		}
	}
}

// coreHosts makes the calls of a core module in the three hosts that know
// nothing of components.
func coreHosts(t *testing.T, wasm []byte, prefix string, calls []hostCall) {
	t.Helper()
	var core []coreCall
	for _, c := range calls {
		core = append(core, c.core)
	}
	got, err := stockCalls(context.Background(), wasm, prefix, core)
	if err != nil || !slices.Equal(got, wants(calls)) {
		t.Errorf("wazero: %q, %v\nwant %q", got, err, wants(calls))
	}
	path := filepath.Join(t.TempDir(), "bundle.wasm")
	if err := os.WriteFile(path, wasm, 0o666); err != nil {
		t.Fatal(err)
	}
	job := callJob{File: path, Prefix: prefix, Calls: core}
	job.run(t, "node", []string{"node", "--no-warnings", filepath.Join("testdata", "calls.mjs")}, wants(calls))
	job.wasmtime(t, "wasmtime", wants(calls))
}

// callJob is what testdata/calls.py and calls.mjs read.
type callJob struct {
	File   string            `json:"file"`
	With   map[string]string `json:"with,omitempty"` // modules to instantiate first, unlinked
	Prefix string            `json:"prefix"`
	Calls  []coreCall        `json:"calls"`
}

func (j *callJob) run(t *testing.T, host string, command, want []string) {
	t.Helper()
	if _, err := exec.LookPath(command[0]); err != nil {
		t.Logf("not run in %s: %v", host, err)
		return
	}
	stdin, err := json.Marshal(j)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(command[0], command[1:]...)
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(stdin), &stderr
	out, err := cmd.Output()
	var got []string
	if err == nil {
		err = json.Unmarshal(out, &got)
	}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%s: %q, %v\nwant %q\n%s", host, got, err, want, stderr.String())
	}
}

func (j *callJob) wasmtime(t *testing.T, host string, want []string) {
	t.Helper()
	if why := wasmtimeMissing(); why != "" {
		t.Logf("not run in %s: %s", host, why)
		return
	}
	j.run(t, host, []string{"python3", filepath.Join("testdata", "calls.py")}, want)
}

// preview1Only checks that a bundle imports nothing but preview 1, and what
// hosts of exported resources offer.
func preview1Only(t *testing.T, r *linker.Result) {
	t.Helper()
	for _, imp := range r.Summary.Imports {
		if !strings.HasPrefix(imp, "wasi_snapshot_preview1#") && !strings.HasPrefix(imp, "[export]") {
			t.Errorf("imports %s", imp)
		}
	}
	if n := r.Summary.Memories.Out; n != 1 {
		t.Errorf("%d memories", n)
	}
}

// heavy skips what compiles for long, unless WBUNDLE_BIG asks for it.
func heavy(t *testing.T, name string) {
	t.Helper()
	if wanted := os.Getenv(bigRows); testing.Short() || wanted != "1" && !strings.Contains(" "+wanted+" ", " "+name+" ") {
		t.Skipf("set %s=1, or to %s", bigRows, name)
	}
}

// TestAlone bundles one component of each toolchain and calls all that it
// exports on every host for it.
func TestAlone(t *testing.T) {
	sharedRows(t) // skips where they are absent
	const ops = "demo:calc/ops#"
	for _, c := range []struct {
		name, language string
		preview1, big  bool
	}{
		{"rust", "rust", true, false},
		{"rustpure", "rust", true, false},
		{"c", "C", true, false},
		{"cpp", "C++", true, false},
		{"zigc", "C", true, false},
		{"go", "go", true, true},
		{"qjs", "qjs", false, true},
		{"sm", "js", false, true},
		{"py", "python", false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.big {
				heavy(t, c.name)
			}
			t.Parallel()
			in := []linker.Input{input(t, shared, c.name+"-provider")}
			o := linker.Options{Keep: []string{"demo:calc/ops"}}
			calls := opsCalls(c.language)
			original(t, c.name, in[0].Bytes, ops, calls)
			if !c.preview1 {
				o.Target = linker.TargetWazero
				runCalls(t, link(t, in, o).Output, ops, calls)
				return
			}
			o.Target = linker.TargetPreview1
			r := link(t, in, o)
			preview1Only(t, r)
			unglued(t, in, o)
			coreHosts(t, r.Output, ops, calls)
		})
	}
}

// TestPairs bundles pairs across two languages that the corpus does not have:
// Zig with C++, AssemblyScript with Zig, Go with Zig.
func TestPairs(t *testing.T) {
	t.Parallel()
	t.Run("zig-cpp", func(t *testing.T) {
		t.Parallel()
		f := fixtureNamed(t, "words")
		in := f.load(t)
		const report = "demo:words/report#"
		calls := []hostCall{
			{`counts("the cat and the hat")`, coreCall{Func: "counts", Args: textArg("the cat and the hat"), Result: "string"}, `"the=2 and=1 cat=1 hat=1"`},
			{`counts("ä 𝄞 ä")`, coreCall{Func: "counts", Args: textArg("ä 𝄞 ä"), Result: "string"}, `"ä=2 𝄞=1"`},
			{`counts("")`, coreCall{Func: "counts", Args: textArg(""), Result: "string"}, `""`},
		}
		runCalls(t, link(t, in, linker.Options{Target: linker.TargetWazero}).Output, report, calls)
		r := link(t, in, linker.Options{Target: linker.TargetPreview1})
		preview1Only(t, r)
		unglued(t, in, linker.Options{Target: linker.TargetPreview1})
		coreHosts(t, r.Output, report, calls)
	})
	languages := fixtureNamed(t, "core-languages")
	lib := input(t, languages.dir(), "lib")
	t.Run("assemblyscript-zig", func(t *testing.T) {
		t.Parallel()
		calls := []hostCall{
			{"", coreCall{Func: "factorials", Args: numbers(20)}, "2432902008176640000"},
			{"", coreCall{Func: "factorials", Args: numbers(65)}, "-1"},
			{"", coreCall{Func: "churn", Args: numbers(40, 50000)}, "-1019816088"},
		}
		o := languages.opts
		o.Target = linker.TargetPreview1
		r := link(t, languages.load(t), o)
		preview1Only(t, r)
		coreHosts(t, r.Output, "", calls)
	})
	t.Run("go-zig", func(t *testing.T) {
		heavy(t, "go-zig")
		t.Parallel()
		app := built(t, "core-languages", "go")
		calls := []hostCall{
			{"", coreCall{Func: "churn", Args: numbers(200, 100000)}, "20000000"},
			{"", coreCall{Func: "factorials", Args: numbers(20)}, "2432902008176640000"},
			{"", coreCall{Func: "factorials", Args: numbers(65)}, "-1"},
		}
		alone := callJob{File: app, With: map[string]string{"lib": lib.Path}}
		for _, c := range calls {
			alone.Calls = append(alone.Calls, c.core)
		}
		alone.wasmtime(t, "wasmtime, unlinked", wants(calls))
		in := []linker.Input{{ID: "app", Bytes: readFile(t, app)}, lib}
		r := link(t, in, linker.Options{Root: "app", Target: linker.TargetPreview1})
		preview1Only(t, r)
		coreHosts(t, r.Output, "", calls)
	})
}

// built makes what a fixture does not carry, by its rebuild.sh.
func built(t *testing.T, fixture, what string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), what+".wasm")
	cmd := exec.Command("sh", filepath.Join("..", "fixtures", fixture, "rebuild.sh"), what, out)
	if b, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(cmd.Args, " "), err, b)
	}
	return out
}

// TestBuiltProviders gives the Zig consumer of fixtures/words providers in
// JavaScript and Python, made here where their tools are.
func TestBuiltProviders(t *testing.T) {
	f := fixtureNamed(t, "words")
	answers := readAnswers(t, filepath.Join(f.dir(), "expected.tsv"))
	for _, c := range []struct{ name, missing string }{
		{"starlingmonkey", "npm install in fixtures/words"},
		{"python", "pip install componentize-py"},
	} {
		t.Run(c.name, func(t *testing.T) {
			heavy(t, c.name)
			_, err := exec.LookPath("componentize-py")
			if c.name == "starlingmonkey" {
				_, err = os.Stat(filepath.Join(f.dir(), "node_modules"))
			}
			if err != nil {
				t.Skipf("not built (%s): %v", c.missing, err)
			}
			path := built(t, "words", c.name)
			in := []linker.Input{input(t, f.dir(), "consumer"), {ID: c.name, Path: path, Bytes: readFile(t, path)}}
			r := link(t, in, linker.Options{Target: linker.TargetWazero})
			t.Logf("%d bytes from %d", len(r.Output), len(in[0].Bytes)+len(in[1].Bytes))
			runWazero(t, "core single", r.Output, answers)
			w := newWasmtime(t)
			w.add("component multi", link(t, in, componentMulti.as(linker.Options{})).Output, answers)
			w.run()
		})
	}
}

// ran is what one sees of a command.
type ran struct {
	stdout, stderr string
	exit           int
}

// TestCommandHosts runs commands of each toolchain that makes any on every
// host: the same output and exit code as the original in wasmtime.
func TestCommandHosts(t *testing.T) {
	ctx := context.Background()
	words := filepath.Join("..", "fixtures", "words")
	counted := ran{"2 the\n1 and\n1 cat\n1 hat\nMODE is loud\n", "", 0}
	nothing := ran{"", "words: nothing to count\n", 3}
	for _, c := range []struct {
		name, dir     string
		with, without *ran // arguments; nil: the original's
		big           bool
	}{
		{"cpp", words, &counted, &nothing, false},
		{"zig", words, &counted, &nothing, false},
		{"go", "", &counted, &nothing, true},
		{"rust-cli", shared, nil, nil, false},
		{"c-cli", shared, nil, nil, false},
		{"zigcc-hello", shared, nil, nil, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.dir == shared {
				sharedRows(t)
			}
			if c.big {
				heavy(t, c.name)
			}
			t.Parallel()
			path := filepath.Join(c.dir, c.name+".wasm")
			if c.dir == "" {
				path = built(t, "words", c.name)
			}
			in := []linker.Input{{ID: c.name, Path: path, Bytes: readFile(t, path)}}
			o := linker.Options{Target: linker.TargetPreview1}
			r := link(t, in, o)
			preview1Only(t, r)
			unglued(t, in, o)
			out := filepath.Join(t.TempDir(), "bundle.wasm")
			if err := os.WriteFile(out, r.Output, 0o666); err != nil {
				t.Fatal(err)
			}
			for _, try := range []struct {
				args []string
				want *ran
			}{
				{[]string{"words", "the cat", "and the hat"}, c.with},
				{[]string{"words"}, c.without},
			} {
				const mode = "loud"
				if c.dir == shared && len(try.args) == 1 {
					continue // the corpus' commands do the same with fewer arguments
				}
				want := try.want
				if was := outside(t, "wasmtime, unbundled", mode, "python3", append([]string{filepath.Join("testdata", "command.py"), path}, try.args...)); was != nil {
					coarse := *was
					if want != nil {
						// wasi:cli/exit knows success and failure only.
						coarse.exit = want.exit
					}
					if want != nil && (coarse != *want || was.exit == 0 != (want.exit == 0)) {
						t.Errorf("%q: unbundled %+v, want %+v", try.args, *was, *want)
					}
					if want == nil {
						want = was
					}
				}
				if want == nil {
					t.Skip("there is nothing to compare with")
				}
				stdout, stderr, exit, err := stockCommand(ctx, r.Output, try.args, mode)
				if got := (ran{stdout, stderr, int(exit)}); err != nil || got != *want {
					t.Errorf("wazero: %q: %+v, %v, want %+v", try.args, got, err, *want)
				}
				for _, host := range [][]string{{"node", "--no-warnings", "command.mjs"}, {"python3", "command.py"}} {
					last := len(host) - 1
					args := append(slices.Clone(host[1:last]), filepath.Join("testdata", host[last]), out)
					if got := outside(t, host[last], mode, host[0], append(args, try.args...)); got != nil && *got != *want {
						t.Errorf("%s: %q: %+v, want %+v", host[last], try.args, *got, *want)
					}
				}
			}
		})
	}
}

// outside runs a host's program, nil where it is not here.
func outside(t *testing.T, what, mode, program string, args []string) *ran {
	t.Helper()
	_, err := exec.LookPath(program)
	if why := wasmtimeMissing(); program == "python3" && why != "" {
		err = errors.New(why)
	}
	if err != nil {
		t.Logf("%s: not run: %v", what, err)
		return nil
	}
	cmd := exec.Command(program, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.Env = append(os.Environ(), fmt.Sprint("MODE=", mode))
	err = cmd.Run()
	var status *exec.ExitError
	if err != nil && !errors.As(err, &status) {
		t.Errorf("%s: %v", what, err)
	}
	return &ran{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}
