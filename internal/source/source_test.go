package source

import (
	"bytes"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wbundle/wbundle/internal/wasm"
)

func decode(t testing.TB, path string) *wasm.Module {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	m, err := wasm.Decode(path, b)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

var versions = []string{"../../fixtures/debug/dwarf5.wasm", "../../fixtures/debug/dwarf4.wasm"}

// TestFuncs reads the names and files of one program in two versions of DWARF.
func TestFuncs(t *testing.T) {
	cart := func(name string) Func { return Func{Name: name, File: "cart.cc"} }
	pool := func(name string) Func { return Func{Name: name, File: "pool.c"} }
	want := []Func{
		cart("_ZN4shop4Cart3addEi"), cart("_ZNK4shop4Cart5totalEv"),
		cart("_ZN4shop4walkIZNKS_4Cart5totalEvE3$_0EEvPNS_4ItemET_"),
		cart("_ZN4shop4Cart5clearEv"), cart("sum"), cart("_ZL5twicei"),
		pool("pool_alloc"), pool("more"), pool("pool_free"),
	}
	for _, path := range versions {
		if d := cmp.Diff(want, Funcs(decode(t, path))); d != "" {
			t.Errorf("%s: -want +got\n%s", path, d)
		}
	}
}

// TestBroken: what is cut off or changed is read as far as it goes, or not at all.
func TestBroken(t *testing.T) {
	for _, path := range versions {
		whole := Funcs(decode(t, path))
		m := decode(t, path)
		for i := range m.Customs {
			c := &m.Customs[i]
			data := c.Data
			for n := 0; n < len(data); n += 3 {
				c.Data = data[:n]
				read(t, m)
				c.Data = slices.Clone(data)
				for _, flip := range []byte{0xff, 0x80, 0x01} {
					c.Data[n] = data[n] ^ flip
					read(t, m)
				}
			}
			c.Data = data
		}
		if d := cmp.Diff(whole, Funcs(m)); d != "" {
			t.Errorf("%s: -before +after\n%s", path, d)
		}
	}
}

// read fails unless there is an entry for each function, or none at all.
func read(t *testing.T, m *wasm.Module) {
	t.Helper()
	if got := Funcs(m); got != nil && len(got) != len(m.Code) {
		t.Errorf("%d functions of %d", len(got), len(m.Code))
	}
}

// TestHugeCounts: a line table of DWARF 5 that claims more files than there is
// memory for.
func TestHugeCounts(t *testing.T) {
	m := decode(t, versions[0])
	c := m.Custom(".debug_line")
	at := bytes.Index(c.Data, []byte{1, 1, 0x1f, 2}) // one form, two directories
	if at < 0 {
		t.Fatal("no list of directories")
	}
	at += 3
	c.Data = slices.Concat(c.Data[:at], []byte{0xff, 0xff, 0xff, 0xff, 0x0f}, c.Data[at+1:])
	funcs := Funcs(m)
	if len(funcs) != len(m.Code) || funcs[0].Name == "" || funcs[0].File != "cart.cc" {
		t.Errorf("got %+v, want names, and the units' own files", funcs)
	}
}

func FuzzFuncs(f *testing.F) {
	for _, path := range versions {
		b, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if m, err := wasm.Decode("fuzz", b); err == nil {
			read(t, m)
		}
	})
}
