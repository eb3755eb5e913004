package conformance

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wbundle/wbundle/internal/component"
	"github.com/wbundle/wbundle/linker"
)

// witCases are the finished components of wit-component's tests, but those
// that are asynchronous.
func witCases(t *testing.T) []string {
	suite(t)
	data, err := os.ReadFile(filepath.Join(suiteDir, "wit-component", "cases.json"))
	if err != nil {
		t.Skip("not run: ", err)
	}
	var cases []struct {
		Case  string
		Later bool
	}
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, c := range cases {
		if !c.Later {
			out = append(out, c.Case)
		}
	}
	return out
}

// parseWat compiles a component in the text format.
func parseWat(t *testing.T, path string) []byte {
	t.Helper()
	cmd := exec.Command("wasm-tools", "parse", path)
	cmd.Env = append(os.Environ(), "WAST_STRICT_COMPONENT_INDICES=0")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return out
}

// forms are the outputs that the finished components are linked to.
var forms = []struct {
	name string
	opts linker.Options
}{
	{"core, single", linker.Options{Format: linker.FormatCore, Memory: linker.MemorySingle}},
	{"core, multi", linker.Options{Format: linker.FormatCore, Memory: linker.MemoryMulti}},
	{"component, single", linker.Options{Format: linker.FormatComponent, Memory: linker.MemorySingle}},
	{"component, multi", linker.Options{Format: linker.FormatComponent, Memory: linker.MemoryMulti}},
}

// TestWitComponent links every finished component of wit-component's tests in
// every form and validates the output. A core output must also be what
// wasm-tools component new makes a component of.
func TestWitComponent(t *testing.T) {
	cases := witCases(t)
	var b strings.Builder
	fmt.Fprintf(&b, "%d components, each linked in %d forms:\n\n| form | valid | refused | wrong |\n|---|---|---|---|\n", len(cases), len(forms))
	type result struct{ valid, refused, wrong int }
	results := make([]result, len(forms))
	total := newTally()
	for _, name := range cases {
		wasm := parseWat(t, filepath.Join(suiteDir, "wit-component", name, "component.wat"))
		if err := validateAll(name, wasm); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for i, f := range forms {
			out, err := link(wasm, f.opts)
			if err == nil && f.opts.Format == linker.FormatCore {
				err = componentNew(out)
			}
			if n := skipped(err); n != nil {
				results[i].refused++
				total.skip(name, n.why)
				t.Logf("%s: %s: %v", name, f.name, err)
			} else if err != nil {
				results[i].wrong++
				t.Errorf("%s: %s: %v", name, f.name, err)
			} else {
				results[i].valid++
			}
		}
	}
	for i, f := range forms {
		fmt.Fprintf(&b, "| %s | %d | %d | %d |\n", f.name, results[i].valid, results[i].refused, results[i].wrong)
	}
	section(t, "wit-component", b.String()+"\n"+total.why())
}

// componentNew wraps a core bundle with wasm-tools, which reads its
// component-type section, and validates the component.
func componentNew(core []byte) error {
	cmd := exec.Command("wasm-tools", "component", "new", "-")
	cmd.Stdin = strings.NewReader(string(core))
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("wasm-tools component new: %s", strings.TrimSpace(stderr.String()))
	}
	return validate(out)
}

// laterProposals are commands that need a core proposal which internal/wasm
// does not read, by file and line.
var laterProposals = map[string]string{
	"legacy-indices:71": "a shared function type, for thread.spawn-indirect (shared-everything-threads)",
}

// TestWasmTools decodes the components of wasm-tools' suite: the valid ones
// must be accepted; how many of the others are refused is counted.
func TestWasmTools(t *testing.T) {
	dir := filepath.Join(suite(t), "wasm-tools")
	files, err := filepath.Glob(filepath.Join(dir, "*", "t.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no converted files: %v", err)
	}
	valid, invalid := newTally(), newTally()
	for _, file := range files {
		name := filepath.Base(filepath.Dir(file))
		commands := readCommands(t, file)
		for i := range commands {
			c := &commands[i]
			switch c.Type {
			case "module", "module_definition":
				bytes, err := os.ReadFile(filepath.Join(dir, name, c.Filename))
				if err != nil {
					t.Fatal(err)
				}
				if !component.IsComponent(bytes) {
					continue // core modules of a few files are not what is tested
				}
				if err := validateAll(c.Filename, bytes); err != nil {
					valid.skip(name, "refused: "+cmp.Or(laterProposals[fmt.Sprintf("%s:%d", name, c.Line)], generalise(err.Error())))
					t.Logf("%s: line %d: %v", name, c.Line, err)
				} else {
					valid.file(name).right++
				}
			case "assert_invalid", "assert_malformed":
				invalid.refusal(t, name, filepath.Join(dir, name), c, "nested namespaces and packages, which the specification has behind a feature gate")
			}
		}
	}
	section(t, "wasm-tools valid", valid.markdown("valid components"))
	section(t, "wasm-tools invalid", invalid.markdown("components that are not valid"))
}
