package conformance

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"github.com/wbundle/wbundle/internal/component"
	"github.com/wbundle/wbundle/internal/wasm"
	"github.com/wbundle/wbundle/linker"
)

// noRoom is why commands of big-strings cannot run with one memory.
const noRoom = "two memories of 4 GiB do not fit into one of 32 bits: memory.grow answers -1, as a host may"

// cannotGrow recognises the command after which noRoom holds for its instance.
func cannotGrow(file string, c *command, err error) bool {
	return file == "big-strings" && c.Action != nil && c.Action.Field == "grow" && err != nil && err.Error() == "returned -1, want 1"
}

// wasmtimeFiles lists the synchronous files of wasmtime's suite.
func wasmtimeFiles(t *testing.T) map[string][]command {
	dir := filepath.Join(suite(t), "wasmtime")
	files := map[string][]command{}
	for _, pattern := range []string{"*/t.json", "gc/*/t.json"} {
		found, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range found {
			name, err := filepath.Rel(dir, filepath.Dir(f))
			if err != nil {
				t.Fatal(err)
			}
			files[filepath.ToSlash(name)] = readCommands(t, f)
		}
	}
	if len(files) == 0 {
		t.Fatal("no converted files")
	}
	return files
}

func sortedKeys[V any](m map[string]V) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}

// link links one component by itself, leaving what it imports to the host. A
// panic or an invalid output is the linker's mistake; an error is a refusal.
func link(bytes []byte, opts linker.Options) (out []byte, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the linker panicked: %v", r)
		}
	}()
	opts.Unresolved, opts.Optimize = linker.UnresolvedImport, linker.Optimize(os.Getenv("WBUNDLE_OPTIMIZE"))
	r, err := linker.Link(context.Background(), []linker.Input{{ID: inputID, Bytes: bytes}}, opts)
	if err != nil {
		return nil, &notRun{"linker: " + generalise(err.Error())}
	}
	if err := validate(r.Output); err != nil {
		return nil, fmt.Errorf("the output is not valid: %w", err)
	}
	return r.Output, nil
}

// runSuite runs wasmtime's suite through package runtime; oneMemory says that
// the memories of a component come to share one.
func runSuite(t *testing.T, oneMemory bool, prepare func(string, []byte) ([]byte, error)) *tally {
	files := wasmtimeFiles(t)
	total := newTally()
	for _, name := range sortedKeys(files) {
		t.Run(name, func(t *testing.T) {
			s := newScript(filepath.Join(suite(t), "wasmtime", name), prepare)
			defer s.finish(t)
			for i := range files[name] {
				c := &files[name][i]
				if !c.runs() {
					continue
				}
				err := s.run(c)
				if oneMemory && cannotGrow(name, c, err) {
					s.last.why = &notRun{noRoom}
					err = s.last.why
				}
				if n := skipped(err); n != nil {
					total.skip(name, n.why)
					t.Logf("line %d: %s: not run: %v", c.Line, c.Type, err)
				} else if err != nil {
					if total.wrong(name, c.Line) {
						continue
					}
					t.Errorf("line %d: %s %s: %v", c.Line, c.Type, c.Filename, err)
				} else {
					total.file(name).right++
				}
			}
		})
	}
	return total
}

// TestExecutor runs the suite unbundled.
func TestExecutor(t *testing.T) {
	total := runSuite(t, false, func(_ string, b []byte) ([]byte, error) { return b, nil })
	section(t, "executor", total.markdown("commands"))
}

// TestCore runs the suite linked to core modules with one memory each.
func TestCore(t *testing.T) {
	total := runSuite(t, true, func(_ string, b []byte) ([]byte, error) {
		return link(b, linker.Options{Format: linker.FormatCore, Memory: linker.MemorySingle})
	})
	section(t, "core", total.markdown("commands"))
}

// hosted is what testdata/run.py is told of a file: its commands, with
// the binary of each.
type hosted struct {
	Name     string          `json:"name"`
	Commands []hostedCommand `json:"commands"`
}

type hostedCommand struct {
	*command
	Path string `json:"path,omitempty"` // of the binary, when there is one to run
	Why  string `json:"why,omitempty"`  // why there is none
}

// outcome is what testdata/run.py says of a command.
type outcome struct {
	Line   int
	Status string // right, wrong, not run
	Why    string
}

// runWasmtime runs the suite in wasmtime, all files in one process.
func runWasmtime(t *testing.T, prepare func([]byte) ([]byte, error)) *tally {
	files := wasmtimeFiles(t)
	if out, err := exec.Command("python3", "-c", "import wasmtime.component").CombinedOutput(); err != nil {
		t.Skipf("not run: the Python package wasmtime is needed: %v\n%s", err, out)
	}
	dir := t.TempDir()
	total := newTally()
	var jobs []hosted
	for _, name := range sortedKeys(files) {
		job := hosted{Name: name}
		r := reader{dir: filepath.Join(suite(t), "wasmtime", name), named: map[string][]byte{}}
		for i := range files[name] {
			c := &files[name][i]
			if !c.runs() {
				continue
			}
			h := hostedCommand{command: c}
			if c.Filename != "" {
				out, err := r.read(c)
				if err == nil {
					out, err = prepare(out)
				}
				if n := skipped(err); n != nil {
					h.Why = n.why
				} else if err != nil {
					t.Errorf("%s: line %d: %s: %v", name, c.Line, c.Filename, err)
					h.Why = "its component failed"
				} else {
					h.Path = filepath.Join(dir, strings.ReplaceAll(name, "/", "-")+"-"+c.Filename)
					if err := os.WriteFile(h.Path, out, 0o644); err != nil {
						t.Fatal(err)
					}
				}
			}
			job.Commands = append(job.Commands, h)
		}
		jobs = append(jobs, job)
	}
	data, err := json.Marshal(jobs)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("python3", filepath.Join("testdata", "run.py"))
	cmd.Stdin = bytes.NewReader(data)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("run.py: %v\n%s", err, stderr.String())
	}
	var outcomes map[string][]outcome
	if err := json.Unmarshal(out, &outcomes); err != nil {
		t.Fatalf("run.py: %v\n%s", err, out)
	}
	for _, job := range jobs {
		if len(outcomes[job.Name]) != len(job.Commands) {
			t.Errorf("%s: %d outcomes of %d commands", job.Name, len(outcomes[job.Name]), len(job.Commands))
		}
		for i, o := range outcomes[job.Name] {
			switch o.Status {
			case "right":
				total.file(job.Name).right++
			case "wrong":
				if total.wrong(job.Name, o.Line) {
					continue
				}
				t.Errorf("%s: line %d: %s: %s", job.Name, o.Line, job.Commands[i].Type, o.Why)
			default:
				total.skip(job.Name, o.Why)
				t.Logf("%s: line %d: %s: not run: %s", job.Name, o.Line, job.Commands[i].Type, o.Why)
			}
		}
	}
	return total
}

// TestComponent runs the suite linked to components, in wasmtime.
func TestComponent(t *testing.T) {
	total := runWasmtime(t, func(b []byte) ([]byte, error) {
		return link(b, linker.Options{Format: linker.FormatComponent, Memory: linker.MemoryMulti})
	})
	section(t, "component", total.markdown("commands"))
}

// TestReference runs the suite unbundled, in wasmtime.
func TestReference(t *testing.T) {
	total := runWasmtime(t, func(b []byte) ([]byte, error) { return b, nil })
	section(t, "reference", total.markdown("commands"))
}

// TestRefusals checks the components of wasmtime's suite that are not valid.
func TestRefusals(t *testing.T) {
	files := wasmtimeFiles(t)
	total := newTally()
	for _, name := range sortedKeys(files) {
		for _, c := range files[name] {
			switch c.Type {
			case "assert_unlinkable":
				total.skip(name, "assert_unlinkable is about the imports of wasmtime's test host")
			case "assert_invalid", "assert_malformed":
				total.refusal(t, name, filepath.Join(suite(t), "wasmtime", name), &c, "a limit of wasmtime; the component is valid")
			}
		}
	}
	section(t, "refusals", total.markdown("assertions"))
}

// validateAll decodes a file and checks all that can be checked of it: the
// component, and every core module in it.
func validateAll(name string, b []byte) error {
	if !component.IsComponent(b) {
		m, err := wasm.Decode(name, b)
		if err != nil {
			return err
		}
		return wasm.Validate(m)
	}
	c, err := component.Decode(name, b)
	if err != nil {
		return err
	}
	return component.Validate(c, func(def *component.CoreModule) (*wasm.Module, error) {
		m, err := wasm.Decode(name, def.Bytes)
		if err != nil {
			return nil, err
		}
		return m, wasm.Validate(m)
	})
}

// refusal counts whether a component that is not valid is refused. accepted is
// why one that the suite wants refused may not be.
func (c *tally) refusal(t *testing.T, file, dir string, cmd *command, accepted string) {
	if filepath.Ext(cmd.Filename) != ".wasm" {
		c.skip(file, "malformed as text, which is not for a decoder of binaries")
		return
	}
	bytes, err := os.ReadFile(filepath.Join(dir, cmd.Filename))
	if err != nil {
		t.Fatal(err)
	}
	err = validateAll(cmd.Filename, bytes)
	if err == nil {
		c.skip(file, "accepted ("+accepted+"): "+backquoted.ReplaceAllString(cmd.Text, "…"))
		return
	}
	if errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	c.file(file).right++
}
