package ir

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/wbundle/wbundle/internal/wasm"
)

// roundTrip decodes and encodes every function of a module and returns the
// module that results, with how many functions have no tree.
func roundTrip(t testing.TB, name string, b []byte) (out []byte, trees, none, longer int) {
	t.Helper()
	m, err := wasm.Decode(name, b)
	if err != nil {
		t.Fatal(err)
	}
	c := NewContext(m)
	a := &Arena{}
	for i := range m.Code {
		a.Reset()
		f, err := Decode(c, a, m.NumImported[wasm.SpaceFunc]+uint32(i))
		if errors.Is(err, ErrNoTree) {
			none++
			continue
		}
		if err != nil {
			t.Fatalf("%s: function %d: %v", name, i, err)
		}
		body := Encode(f)
		if len(body) > len(m.Code[i].Bytes) {
			longer++
			if testing.Verbose() && longer < 5 {
				t.Logf("%s: function %d: %d bytes, were %d", name, i, len(body), len(m.Code[i].Bytes))
			}
		}
		m.Code[i] = wasm.Body{Bytes: body}
		trees++
	}
	return wasm.Encode(m), trees, none, longer
}

func TestRoundTrip(t *testing.T) {
	var files []string
	for _, p := range []string{"../../fixtures/*/*.wasm", "../../../shared/components/core/*.wasm"} {
		m, _ := filepath.Glob(p)
		files = append(files, m...)
	}
	for _, path := range files {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if len(b) < 8 || b[4] != 1 || b[6] != 0 {
			continue // a component
		}
		m, err := wasm.Decode(path, b)
		if err != nil || wasm.Validate(m) != nil {
			continue // what is not valid has no tree
		}
		out, trees, none, longer := roundTrip(t, path, b)
		m, err = wasm.Decode(path, out)
		if err == nil {
			err = wasm.Validate(m)
		}
		if err != nil {
			t.Errorf("%s: %v", path, err)
		}
		t.Logf("%s: %d -> %d bytes, %d trees, %d without, %d longer", filepath.Base(path), len(b), len(out), trees, none, longer)
	}
}
