package wasm_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/wbundle/wbundle/internal/conformance/spectest"
	"github.com/wbundle/wbundle/internal/wasm"
)

// roundTrip checks that b survives decode and encode: byte for byte, or for
// an encoding with padded LEBs, as the same module. It reports which.
func roundTrip(t *testing.T, name string, b []byte) (m *wasm.Module, identical bool) {
	t.Helper()
	m, err := wasm.Decode(name, b)
	if err != nil {
		t.Errorf("decode: %v", err)
		return nil, false
	}
	checkSites(t, m)
	checkNames(t, m)
	out := wasm.Encode(m)
	if cap(out) != len(out) {
		t.Errorf("%s: encode allocated %d bytes for %d", name, cap(out), len(out))
	}
	if bytes.Equal(out, b) {
		return m, true
	}
	again, err := wasm.Decode(name, out)
	if err != nil {
		t.Errorf("%s: decode of encoded: %v", name, err)
		return m, false
	}
	if len(out) > len(b) {
		t.Errorf("%s: encode grew %d bytes to %d", name, len(b), len(out))
	}
	if len(b) < 1<<20 {
		if d := diffModules(m, again); d != "" {
			t.Errorf("%s: encoded module differs (-read +written):\n%s", name, d)
		}
	}
	if !bytes.Equal(wasm.Encode(again), out) {
		t.Errorf("%s: second encode differs from the first", name)
	}
	return m, false
}

// checkNames checks that the name and producers sections survive parse and
// append, where they are well-formed.
func checkNames(t *testing.T, m *wasm.Module) {
	t.Helper()
	if names, err := m.Names(); err == nil {
		again, err := wasm.ParseNames(m.Input, &wasm.Custom{Data: wasm.AppendNames(nil, names)})
		if d := cmp.Diff(names, again, cmpopts.EquateEmpty()); d != "" || err != nil {
			t.Errorf("%s: names: %v\n%s", m.Input, err, d)
		}
		all := m.FuncNames()
		for _, a := range names.Funcs {
			if int(a.Index) < len(all) && all[a.Index] == "" && a.Name != "" {
				t.Errorf("%s: function %d lost its name %q", m.Input, a.Index, a.Name)
			}
		}
	} else if len(m.Code) > 0 {
		t.Logf("%v", err)
	}
	producers, err := m.Producers()
	if err != nil {
		t.Logf("%v", err)
	}
	again, err := wasm.ParseProducers(m.Input, &wasm.Custom{Data: wasm.AppendProducers(nil, producers)})
	if d := cmp.Diff(producers, again, cmpopts.EquateEmpty()); d != "" || err != nil {
		t.Errorf("%s: producers: %v\n%s", m.Input, err, d)
	}
}

// checkSites checks the invariants of sites against an independent walk of the
// instructions.
func checkSites(t *testing.T, m *wasm.Module) {
	t.Helper()
	for i := range m.Code {
		b := &m.Code[i]
		last := uint32(0)
		for j, s := range b.Sites {
			if j > 0 && s.Off < last || int(s.Off)+int(s.Len) > len(b.Bytes) || s.Len == 0 {
				t.Fatalf("%s: body %d: site %d out of order or bounds: %+v", m.Input, i, j, s)
			}
			last = s.Off + uint32(s.Len)
			if sp := s.Kind.Space(); sp != wasm.SpaceNone && s.Target >= m.Count(sp) {
				t.Fatalf("%s: body %d: site %+v names nothing", m.Input, i, s)
			}
		}
		off := b.Code
		n := 0
		for {
			in, ok := wasm.NextInstr(b.Bytes, off)
			if !ok {
				break
			}
			end := in.Off + in.Len
			for n < len(b.Sites) && b.Sites[n].Off < in.Off {
				if b.Sites[n].Op != 0 {
					t.Fatalf("%s: body %d: site %+v before the code", m.Input, i, b.Sites[n])
				}
				n++
			}
			for n < len(b.Sites) && b.Sites[n].Off < end {
				if b.Sites[n].Op != in.Op {
					t.Fatalf("%s: body %d: site %+v in %v", m.Input, i, b.Sites[n], in.Op)
				}
				n++
			}
			off = int(end)
		}
		if off != len(b.Bytes) || n != len(b.Sites) {
			t.Fatalf("%s: body %d: instructions end at %d of %d, sites at %d of %d", m.Input, i, off, len(b.Bytes), n, len(b.Sites))
		}
	}
}

// allowedSince are reasons for which WebAssembly 1.0 or 2.0 refuses a module
// and 3.0 does not: what was a zero byte is a memory or table index, the
// offset of a memarg is a u64, and its flags have a bit for the memory index.
var allowedSince = map[string]bool{
	"zero flag expected":              true,
	"zero byte expected":              true,
	"integer representation too long": true,
	"malformed memop flags":           true,
}

func TestCorpusSpec(t *testing.T) {
	var valid, identical, malformed, refused, invalid, invalidRefused int
	var accepted []string
	spectest.EachModule(t, func(name string, c *spectest.Command, b []byte) {
		switch c.Type {
		case "assert_malformed":
			malformed++
			if _, err := wasm.Decode(name, b); err != nil {
				refused++
			} else {
				accepted = append(accepted, name+": "+c.Text)
				if !allowedSince[c.Text] {
					t.Errorf("%s: malformed (%s) but accepted", name, c.Text)
				}
			}
		case "assert_invalid":
			invalid++
			if m, err := wasm.Decode(name, b); err != nil {
				invalidRefused++
			} else {
				checkSites(t, m)
			}
		default: // module, assert_unlinkable, assert_uninstantiable
			valid++
			if _, same := roundTrip(t, name, b); same {
				identical++
			}
		}
	})
	t.Logf("%d valid modules accepted, %d of them byte-identical after encode", valid, identical)
	t.Logf("%d of %d malformed and %d of %d invalid modules refused", refused, malformed, invalidRefused, invalid)
	t.Logf("malformed in their version of the specification, accepted by ours:\n\t%s", strings.Join(accepted, "\n\t"))
	if valid == 0 || malformed == 0 {
		t.Error("the corpus is empty")
	}
}

func TestCorpusFiles(t *testing.T) {
	root := spectest.Sources(t)
	var modules, identical int
	var odd []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".wasm" || strings.Contains(path, "spectest") {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(root, path)
		if _, err := wasm.Decode(name, b); err != nil {
			odd = append(odd, err.Error())
			return nil
		}
		modules++
		if _, same := roundTrip(t, name, b); same {
			identical++
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d modules, %d byte-identical after encode, the others stable", modules, identical)
	if len(odd) > 0 {
		t.Errorf("refused:\n\t%s", strings.Join(odd, "\n\t"))
	}
}

// coreModules cuts the core modules out of a component: sections of a
// component are framed like those of a module, and a core module is the
// content of section 1, a nested component that of section 4.
func coreModules(b []byte) (out [][]byte) {
	if wasm.Sniff(b) == wasm.FormatModule {
		return [][]byte{b}
	}
	for p := 8; p < len(b); {
		id := b[p]
		size, n := wasm.ReadU32(b[p+1:])
		p += 1 + n
		switch id {
		case 1:
			out = append(out, b[p:p+int(size)])
		case 4:
			out = append(out, coreModules(b[p:p+int(size)])...)
		}
		p += int(size)
	}
	return out
}

const componentsDir = "../../../shared/components"

func TestCorpusComponents(t *testing.T) {
	if _, err := os.Stat(componentsDir); err != nil {
		t.Skipf("no components to try: %v", err)
	}
	var files, modules, identical int
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
			if _, same := roundTrip(t, d.Name(), mod); same {
				identical++
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d files, %d core modules, %d byte-identical after encode, the others stable", files, modules, identical)
}
