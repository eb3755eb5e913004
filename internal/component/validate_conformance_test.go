package component_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/wbundle/wbundle/internal/component"
	"github.com/wbundle/wbundle/internal/wasm"
)

// validate decodes and validates b the way inputs are.
func validate(name string, b []byte) error {
	c, err := component.Decode(name, b)
	if err != nil {
		return err
	}
	return component.Validate(c, func(m *component.CoreModule) (*wasm.Module, error) {
		return wasm.Decode(name, m.Bytes)
	})
}

func TestValidateSharedComponents(t *testing.T) {
	root := filepath.Join(sharedDir, "components")
	if _, err := os.Stat(root); err != nil {
		t.Skipf("no real components: %v", err)
	}
	n := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".wasm" {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil || !component.IsComponent(b) {
			return err
		}
		n++
		if err := validate(path, b); err != nil {
			t.Error(err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d components", n)
}

// verdict is what the conformance data says of a file.
type verdict struct {
	kind string // "valid", "assert_invalid" or "assert_malformed"
	line int
	text string // the error wanted
}

// verdicts lists the components of the conformance data that have one.
func verdicts(t *testing.T, root string) map[string]verdict {
	t.Helper()
	out := map[string]verdict{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.Name() == "component.wasm" {
			out[path] = verdict{kind: "valid"}
		}
		if d.Name() != "t.json" {
			return nil
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var script struct {
			Commands []struct {
				Type     string `json:"type"`
				Filename string `json:"filename"`
				Line     int    `json:"line"`
				Text     string `json:"text"`
			} `json:"commands"`
		}
		if err := json.Unmarshal(b, &script); err != nil {
			return err
		}
		for _, c := range script.Commands {
			if filepath.Ext(c.Filename) != ".wasm" {
				continue
			}
			v := verdict{c.Type, c.Line, c.Text}
			if c.Type != "assert_invalid" && c.Type != "assert_malformed" {
				v.kind = "valid"
			}
			out[filepath.Join(filepath.Dir(path), c.Filename)] = v
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// laterFolders hold the tests of proposals that are not part of the linker's
// input language yet; what becomes of them is reported, not required.
var laterFolders = []string{"async", "error-context", "gc", "memory64", "shared-everything-threads", "values"}

func isLater(name string) bool {
	for part := range strings.SplitSeq(filepath.ToSlash(name), "/") {
		if slices.Contains(laterFolders, part) {
			return true
		}
	}
	return false
}

// accepted lists the invalid components that Validate accepts, with the reason.
var accepted = map[string]string{
	"wasm-tools/import:173":          "names with several namespaces are on; the file is for when they are off",
	"wasm-tools/import:176":          "names with several projections are on; the file is for when they are off",
	"wasm-tools/nested-modules:30":   "the body of a function of a core module is not validated",
	"wasmtime/implements-disabled:4": "implements is on; the file is for when it is off",
	"wasmtime/import:2":              "valid; wasmtime does not implement it",
	"wasmtime/restrictions:2":        "valid; wasmtime does not implement it",
	"wasmtime/restrictions:6":        "valid; wasmtime does not implement it",
	"wasmtime/restrictions:10":       "valid; wasmtime does not implement it",
	"wasmtime/restrictions:17":       "valid; wasmtime does not implement it",
	"wasmtime/simple:25":             "valid; wasmtime does not implement it",
	"wasmtime/simple:31":             "valid; wasmtime does not implement it",
}

// refusedValid lists the valid components that Validate refuses, with the reason.
var refusedValid = map[string]string{
	"wasm-tools/legacy-indices:71": "Decode does not read shared types (shared-everything-threads)",
}

func TestValidateConformance(t *testing.T) {
	root := conformanceBinaries(t)
	type tally struct{ good, bad int }
	counts := map[string]*tally{}
	count := func(group string, ok bool) {
		if counts[group] == nil {
			counts[group] = &tally{}
		}
		if ok {
			counts[group].good++
		} else {
			counts[group].bad++
		}
	}
	for path, want := range verdicts(t, root) {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if wasm.Sniff(b) == wasm.FormatModule {
			continue
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			t.Fatal(err)
		}
		name = filepath.ToSlash(name)
		got := validate(name, b)
		if got != nil {
			checkError(t, got)
		}
		ok := (got == nil) == (want.kind == "valid")
		folder, _, _ := strings.Cut(name, "/")
		if isLater(name) {
			count("later "+folder+" "+want.kind, ok)
			if !ok {
				t.Logf("later: %s line %d %s (%s): %v", name, want.line, want.kind, want.text, got)
			}
			continue
		}
		count(folder+" "+want.kind, ok)
		list := accepted
		if want.kind == "valid" {
			list = refusedValid
		}
		key := filepath.ToSlash(filepath.Dir(name)) + ":" + strconv.Itoa(want.line)
		reason, listed := list[key]
		switch {
		case ok && listed:
			t.Errorf("%s is listed as %q, but the verdict is right now", key, reason)
		case !ok && !listed:
			t.Errorf("%s (%s): %s (%s), got %v", key, name, want.kind, want.text, got)
		}
	}
	var groups []string
	for g := range counts {
		groups = append(groups, g)
	}
	slices.Sort(groups)
	for _, g := range groups {
		t.Logf("%s: %d right, %d wrong", g, counts[g].good, counts[g].bad)
	}
}

// A validation error is a *wasm.Error that says which definition is meant.
func TestValidateErrorHasPlace(t *testing.T) {
	c := &component.Component{Input: "a.wasm", Defs: []component.Def{
		&component.TypeDef{Pos: 12, Type: &component.FuncDef{}},
		&component.Import{Pos: 34, Name: component.Name{Text: "i"}, Desc: component.ExternDesc{Sort: component.SortInstance}},
	}}
	err := component.Validate(c, nil)
	var e *wasm.Error
	if !errors.As(err, &e) || e.Offset != 34 || e.Section != "import section" || e.Input != "a.wasm" {
		t.Errorf("got %#v", err)
	}
}
