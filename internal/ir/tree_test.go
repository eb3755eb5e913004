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

// TestTree makes sure of the shapes that a tree has trouble with: they come
// back valid, and no longer than they were.
func TestTree(t *testing.T) {
	for _, c := range []struct {
		name string
		// body is the code of a function (param i32) (result i32) with locals
		// i32 and i64, function 0 being (param) (result) and global 0 a mutable
		// i32, without its final end.
		body []byte
		want string // the code that comes back; "" for the same
	}{
		{name: "a value below a statement", body: []byte{0x20, 0x00, 0x10, 0x00, 0x20, 0x00, 0x6a}},
		{name: "two values below statements", body: []byte{0x20, 0x00, 0x10, 0x00, 0x20, 0x00, 0x10, 0x00, 0x10, 0x00, 0x6a}},
		{name: "a block that no branch names", body: []byte{0x02, 0x7f, 0x20, 0x00, 0x0b}, want: "\x20\x00"},
		{name: "an empty block", body: []byte{0x02, 0x40, 0x0b, 0x20, 0x00}, want: "\x20\x00"},
		{name: "a branch with a value", body: []byte{0x02, 0x7f, 0x20, 0x00, 0x20, 0x00, 0x0d, 0x00, 0x41, 0x01, 0x6a, 0x0b}},
		{name: "code that is never reached", body: []byte{0x20, 0x00, 0x0f, 0x41, 0x01, 0x6a, 0x1a, 0x41, 0x05}, want: "\x20\x00\x0f"},
		{name: "a value that is never used", body: []byte{0x20, 0x00, 0x41, 0x07, 0x0f}, want: "\x20\x00\x1a\x41\x07\x0f"},
		{name: "both arms leave", body: []byte{0x20, 0x00, 0x04, 0x7f, 0x41, 0x01, 0x0f, 0x05, 0x41, 0x02, 0x0f, 0x0b}},
		{name: "an operand that leaves", body: []byte{0x20, 0x00, 0x00, 0x6a}, want: "\x20\x00\x1a\x00"},
		{name: "an if with a label", body: []byte{0x20, 0x00, 0x04, 0x40, 0x20, 0x00, 0x0d, 0x00, 0x10, 0x00, 0x0b, 0x20, 0x00}},
		{name: "an if in a loop", body: []byte{0x03, 0x7f, 0x20, 0x00, 0x04, 0x7f, 0x0c, 0x01, 0x05, 0x41, 0x03, 0x0b, 0x0b}},
		{name: "a loop without end", body: []byte{0x03, 0x40, 0x0c, 0x00, 0x0b, 0x00}, want: "\x03\x7f\x0c\x00\x0b"},
		{name: "a table of branches", body: []byte{0x02, 0x40, 0x02, 0x40, 0x20, 0x00, 0x0e, 0x02, 0x00, 0x01, 0x00, 0x0b, 0x41, 0x09, 0x0f, 0x0b, 0x41, 0x08}},
		{name: "a branch to the function", body: []byte{0x20, 0x00, 0x0c, 0x00}, want: "\x20\x00\x0f"},
		{name: "a conditional branch to the function", body: []byte{0x41, 0x01, 0x20, 0x00, 0x0d, 0x00}},
		{name: "select", body: []byte{0x20, 0x00, 0x23, 0x00, 0x20, 0x00, 0x1b}},
	} {
		t.Run(c.name, func(t *testing.T) {
			locals := []byte{0x02, 0x01, 0x7f, 0x01, 0x7e}
			m := &wasm.Module{
				Types: []wasm.SubType{
					{Kind: wasm.CompFunc, Final: true, Short: true},
					{Kind: wasm.CompFunc, Final: true, Short: true, Params: []wasm.ValType{wasm.I32}, Results: []wasm.ValType{wasm.I32}},
				},
				RecGroups: []wasm.RecGroup{{Start: 0, Count: 1}, {Start: 1, Count: 1}},
				Funcs:     []uint32{0, 1},
				Globals:   []wasm.Global{{GlobalType: wasm.GlobalType{Type: wasm.I32, Mutable: true}, Init: wasm.Expr{Bytes: []byte{0x41, 0, 0x0b}}}},
				Code:      []wasm.Body{{Bytes: []byte{0, 0x0b}}, {Bytes: append(append(locals, c.body...), 0x0b)}},
			}
			b := wasm.Encode(m)
			m, err := wasm.Decode("in", b)
			if err == nil {
				err = wasm.Validate(m)
			}
			if err != nil {
				t.Fatalf("the case is not valid: %v", err)
			}
			out, trees, _, _ := roundTrip(t, "in", b)
			if trees != 2 {
				t.Fatalf("%d trees", trees)
			}
			m, err = wasm.Decode("out", out)
			if err == nil {
				err = wasm.Validate(m)
			}
			if err != nil {
				t.Fatal(err)
			}
			want := c.want
			if want == "" {
				want = string(c.body)
			}
			if got := string(m.Code[1].Bytes[len(locals):]); got != want+"\x0b" {
				t.Errorf("got % x, want % x", got, want+"\x0b")
			}
		})
	}
}

// FuzzDecode decodes and encodes the functions of whatever is valid.
func FuzzDecode(f *testing.F) {
	paths, _ := filepath.Glob("../../fixtures/*/*.wasm")
	for _, path := range paths {
		if b, err := os.ReadFile(path); err == nil && len(b) < 20_000 {
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := wasm.Decode("fuzz", b)
		if err != nil || wasm.Validate(m) != nil {
			return
		}
		out, _, _, _ := roundTrip(t, "fuzz", b)
		m, err = wasm.Decode("fuzz", out)
		if err == nil {
			err = wasm.Validate(m)
		}
		if err != nil {
			t.Fatal(err)
		}
	})
}
