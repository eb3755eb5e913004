package component_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wbundle/wbundle/internal/component"
	"github.com/wbundle/wbundle/internal/wasm"
)

// sharedDir is the folder of real components and conformance texts that stands
// next to a checkout; tests that need it skip without it.
const sharedDir = "../../../shared"

// tally counts what happened to the files of a corpus.
type tally struct {
	identical, padded, modules, refused int
}

// roundTrip decodes and encodes b. The bytes must come back, or, where the
// input had padded integers, be stable and shorter from then on.
func roundTrip(t *testing.T, name string, b []byte, n *tally) {
	t.Helper()
	c, err := component.Decode(name, b)
	if err != nil {
		t.Errorf("decode: %v", err)
		return
	}
	out := component.Encode(c)
	if bytes.Equal(out, b) {
		n.identical++
		return
	}
	again, err := component.Decode(name, out)
	if err != nil {
		t.Errorf("decode of the encoding: %v", err)
		return
	}
	if len(out) >= len(b) || !bytes.Equal(component.Encode(again), out) {
		t.Errorf("%s: encoding is neither identical nor a stable shorter one (%d bytes, was %d)", name, len(out), len(b))
		return
	}
	n.padded++
}

func TestSharedComponents(t *testing.T) {
	root := filepath.Join(sharedDir, "components")
	if _, err := os.Stat(root); err != nil {
		t.Skipf("no real components: %v", err)
	}
	var n tally
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".wasm" {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if !component.IsComponent(b) {
			n.modules++
			return nil
		}
		roundTrip(t, path, b, &n)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d byte-identical, %d with padded integers, %d core modules passed over", n.identical, n.padded, n.modules)
}

// wasmTools finds the wasm-tools program, also where cargo puts it.
func wasmTools(t *testing.T) string {
	t.Helper()
	if path, err := exec.LookPath("wasm-tools"); err == nil {
		return path
	}
	if home, err := os.UserHomeDir(); err == nil {
		path := filepath.Join(home, ".cargo", "bin", "wasm-tools")
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	t.Skip("wasm-tools is not installed")
	return ""
}

// conformanceBinaries converts the conformance texts, once per version of them
// and of wasm-tools, and returns the folder with the results.
func conformanceBinaries(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs(filepath.Join(sharedDir, "conformance"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(root); err != nil {
		t.Skipf("no conformance texts: %v", err)
	}
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is not installed")
	}
	tools := wasmTools(t)
	out := filepath.Join(os.TempDir(), "wbundle-conformance")
	if cacheIsFresh(out, filepath.Join(root, "convert.py"), tools) {
		return out
	}
	tmp, err := os.MkdirTemp(os.TempDir(), "wbundle-conformance-*")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(tmp)
	env := append(os.Environ(), "PATH="+filepath.Dir(tools)+string(os.PathListSeparator)+os.Getenv("PATH"))
	convert := exec.Command(python, filepath.Join(root, "convert.py"), tmp)
	convert.Env = env
	if msg, err := convert.CombinedOutput(); err != nil {
		t.Fatalf("convert.py: %v\n%s", err, msg)
	}
	cases, err := filepath.Glob(filepath.Join(root, "wit-component", "*", "component.wat"))
	if err != nil {
		t.Fatal(err)
	}
	for _, wat := range cases {
		dir := filepath.Join(tmp, "wit-component", filepath.Base(filepath.Dir(wat)))
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		parse := exec.Command(tools, "parse", wat, "-o", filepath.Join(dir, "component.wasm"))
		parse.Env = append(env, "WAST_STRICT_COMPONENT_INDICES=0")
		if msg, err := parse.CombinedOutput(); err != nil {
			t.Errorf("parse %s: %v\n%s", wat, err, msg)
		}
	}
	// Another test process may have got there first; either result will do.
	if err := os.RemoveAll(out); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(tmp, out); err != nil && !cacheIsFresh(out, tools) {
		t.Fatal(err)
	}
	return out
}

// cacheIsFresh reports whether dir is newer than every source.
func cacheIsFresh(dir string, sources ...string) bool {
	cache, err := os.Stat(dir)
	if err != nil {
		return false
	}
	for _, s := range sources {
		if info, err := os.Stat(s); err != nil || info.ModTime().After(cache.ModTime()) {
			return false
		}
	}
	return true
}

// unsupported lists what well-formed files of the conformance data hold that
// Decode refuses on purpose; the key is part of the error.
var unsupported = map[string]string{
	"malformed type 0x65": "shared types (shared-everything-threads)",
}

func TestConformance(t *testing.T) {
	root := conformanceBinaries(t)
	type command struct {
		Type     string `json:"type"`
		Filename string `json:"filename"`
		Line     int    `json:"line"`
		Text     string `json:"text"`
	}
	// bad holds the files that must or may be refused.
	bad := map[string]command{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.Name() != "t.json" {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var script struct {
			Commands []command `json:"commands"`
		}
		if err := json.Unmarshal(b, &script); err != nil {
			return err
		}
		for _, c := range script.Commands {
			if c.Type == "assert_malformed" || c.Type == "assert_invalid" {
				bad[filepath.Join(filepath.Dir(path), c.Filename)] = c
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var good, malformed, invalid tally
	wants := map[string]int{}
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".wasm" {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		if cmd, isBad := bad[path]; isBad {
			n := &invalid
			if cmd.Type == "assert_malformed" {
				n = &malformed
			}
			if wasm.Sniff(b) == wasm.FormatModule {
				n.modules++
				return nil
			}
			c, err := component.Decode(name, b)
			if err != nil {
				n.refused++
				checkError(t, err)
				return nil
			}
			component.Encode(c)
			n.identical++
			if cmd.Type == "assert_malformed" {
				t.Logf("accepted though malformed: %s (line %d): %s", name, cmd.Line, cmd.Text)
			}
			return nil
		}
		if wasm.Sniff(b) == wasm.FormatModule {
			good.modules++
			return nil
		}
		if _, err := component.Decode(name, b); err != nil {
			for part, what := range unsupported {
				if strings.Contains(err.Error(), part) {
					wants[what]++
					good.refused++
					return nil
				}
			}
		}
		roundTrip(t, name, b, &good)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("good: %d byte-identical, %d with padded integers, %d refused as unsupported %v, %d core modules passed over",
		good.identical, good.padded, good.refused, wants, good.modules)
	t.Logf("malformed: %d refused, %d accepted, %d core modules passed over", malformed.refused, malformed.identical, malformed.modules)
	t.Logf("invalid: %d refused, %d accepted (left to the consumers of the types)", invalid.refused, invalid.identical)
}

// checkError requires the error of a decoder to say what and where.
func checkError(t *testing.T, err error) {
	t.Helper()
	var e *wasm.Error
	if !errors.As(err, &e) {
		t.Errorf("error is a %T, want *wasm.Error: %v", err, err)
		return
	}
	if e.Input == "" || e.Msg == "" || e.Offset < 0 {
		t.Errorf("error lacks a name, message or offset: %#v", e)
	}
}
