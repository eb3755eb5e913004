// Package spectest reads the core specification's test suite, for the tests
// that use it: internal/wasm decodes and validates its modules,
// internal/conformance runs its scripts before and after linking.
//
// The suite is the one that wazero carries in its module, as JSON and
// binaries: versions 1.0 and 2.0 of the specification and a folder for each
// later proposal that wazero implements.
package spectest

import (
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Script is one file of the suite.
type Script struct {
	// Name is FOLDER/FILE, for example v2/memory_init.
	Name string
	// Dir is where its modules lie.
	Dir      string
	Commands []Command
}

// Command is a command of a script, as wast2json writes it.
type Command struct {
	Type string
	Line int
	// Name, of a module or register command, is what actions call the module.
	Name string
	// As is the name that register gives the module for imports.
	As string
	// Filename is the module's, text or binary.
	Filename string
	// Text is the reason that an assertion expects.
	Text     string
	Action   Action
	Expected []Value
}

// Action calls a function or reads a global.
type Action struct {
	Type   string // invoke, get
	Module string // "": the module before
	Field  string
	Args   []Value
}

// Value is an argument or an expected result.
type Value struct {
	Type string
	Lane string `json:"lane_type"` // of a v128
	// Value is a number or pattern in a string, a list of them for a v128,
	// absent for a reference that may be any.
	Value json.RawMessage
}

// Binary reports whether the command has a module in the binary format.
func (c *Command) Binary() bool { return filepath.Ext(c.Filename) == ".wasm" }

// Sources is the directory of wazero's sources. A test without them is
// skipped.
func Sources(t testing.TB) string {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/tetratelabs/wazero").Output()
	dir := strings.TrimSpace(string(out))
	if err != nil || dir == "" {
		t.Skipf("wazero's sources are not in the module cache: %v", err)
	}
	return dir
}

// SpectestModule is the binary of the host module that scripts import as
// "spectest".
func SpectestModule(t testing.TB) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root(t), "testdata", "spectest.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func root(t testing.TB) string {
	t.Helper()
	return filepath.Join(Sources(t), "internal", "integration_test", "spectest")
}

// Scripts reads the suite in the order of its file names. A test whose suite
// is empty fails.
func Scripts(t testing.TB) []Script {
	t.Helper()
	dir := root(t)
	var out []Script
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".json" {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		s := Script{Dir: filepath.Dir(path)}
		if err := json.Unmarshal(text, &s); err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, strings.TrimSuffix(path, ".json"))
		s.Name = strings.Replace(filepath.ToSlash(rel), "/testdata/", "/", 1)
		out = append(out, s)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) == 0 {
		t.Fatal("the suite is empty")
	}
	return out
}

// EachModule calls do for each command that has a module in the binary format;
// name is FOLDER/FILE.wasm.
func EachModule(t testing.TB, do func(name string, c *Command, binary []byte)) {
	t.Helper()
	for _, s := range Scripts(t) {
		for i := range s.Commands {
			c := &s.Commands[i]
			if !c.Binary() {
				continue
			}
			b, err := os.ReadFile(filepath.Join(s.Dir, c.Filename))
			if err != nil {
				t.Fatal(err)
			}
			folder, _, _ := strings.Cut(s.Name, "/")
			do(folder+"/"+c.Filename, c, b)
		}
	}
}
