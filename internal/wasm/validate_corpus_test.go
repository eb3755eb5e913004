package wasm_test

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/wbundle/wbundle/internal/conformance/spectest"
	"github.com/wbundle/wbundle/internal/wasm"
)

// check decodes and validates b.
func check(name string, b []byte) error {
	m, err := wasm.Decode(name, b)
	if err != nil {
		return err
	}
	return wasm.Validate(m)
}

// checkPosition checks that a failure to validate says where.
func checkPosition(t *testing.T, m *wasm.Module, err error) {
	t.Helper()
	var e *wasm.Error
	if !errors.As(err, &e) {
		t.Errorf("%s: not a *wasm.Error: %v", m.Input, err)
	} else if e.Section == "" || e.Offset > int64(len(m.Bytes)) || e.Msg == "" {
		t.Errorf("%s: incomplete: %#v", m.Input, e)
	}
}

// validNow are the reasons for which an earlier version of the specification
// refuses a module that is valid in ours, for the modules of assert_invalid
// that are accepted. A key is the reason in the script, or a file where the
// reason alone would let too much pass.
var validNow = map[string]string{
	"invalid result arity": "functions and blocks may have several results (multi-value)",
	"multiple tables":      "a module may have several tables (reference types)",
	"multiple memories":    "a module may have several memories (multi-memory)",
	"unknown global":       "constant expressions may use globals of the module (garbage collection)",

	"v1/unreached-invalid.87.wasm":                      "labels of a br_table need no common type in unreachable code (multi-value)",
	"typed-function-references/type-equivalence.2.wasm": "a type may refer to itself: it is a group of one (garbage collection)",
}

func TestValidateSpec(t *testing.T) {
	var valid, malformed, malformedRefused, invalid, invalidRefused int
	accepted := map[string]int{}
	spectest.EachModule(t, func(name string, c *spectest.Command, b []byte) {
		m, err := wasm.Decode(name, b)
		if err == nil {
			if err = wasm.Validate(m); err != nil {
				checkPosition(t, m, err)
			}
		}
		switch c.Type {
		case "assert_malformed":
			malformed++
			if err != nil {
				malformedRefused++
			} else if allowedSince[c.Text] {
				accepted[c.Text+" (see allowedSince)"]++
			} else {
				t.Errorf("%s: malformed (%s) but accepted", name, c.Text)
			}
		case "assert_invalid":
			invalid++
			if err != nil {
				invalidRefused++
				break
			}
			if reason := cmp.Or(validNow[name], validNow[c.Text]); reason != "" {
				accepted[reason]++
			} else {
				t.Errorf("%s: invalid (%s) but accepted", name, c.Text)
			}
		default:
			valid++
			if err != nil {
				t.Errorf("%s:%d: %v", name, c.Line, err)
			}
		}
	})
	t.Logf("%d valid modules accepted; %d of %d malformed and %d of %d invalid modules refused",
		valid, malformedRefused, malformed, invalidRefused, invalid)
	for reason, n := range accepted {
		t.Logf("%d accepted: %s", n, reason)
	}
	if invalidRefused*100 < invalid*99 {
		t.Error("too few invalid modules are refused for the exceptions to be exceptions")
	}
	if valid == 0 || malformed == 0 || invalid == 0 {
		t.Error("the corpus is empty")
	}
}

func TestValidateComponents(t *testing.T) {
	if _, err := os.Stat(componentsDir); err != nil {
		t.Skipf("no components to try: %v", err)
	}
	var files, modules int
	err := filepath.WalkDir(componentsDir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".wasm" {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files++
		for _, mod := range coreModules(b) {
			modules++
			if err := check(d.Name(), mod); err != nil {
				t.Error(err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d core modules of %d files accepted", modules, files)
}
