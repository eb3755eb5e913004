package wasm_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wbundle/wbundle/internal/wasm"
)

// relocated are the fixtures that were linked with --emit-relocs.
func relocated(t testing.TB) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	for _, name := range []string{"lib", "classes"} {
		b, err := os.ReadFile(filepath.Join("..", "..", "fixtures", "relocs", name+".wasm"))
		if err != nil {
			t.Fatal(err)
		}
		out[name] = b
	}
	return out
}

// TestRelocations looks at what wasm-ld leaves, and checks with the scan that
// each relocation of code stands on the immediate of an instruction.
func TestRelocations(t *testing.T) {
	for name, b := range relocated(t) {
		m, err := wasm.Decode(name, b)
		if err != nil {
			t.Fatal(err)
		}
		r, err := m.Relocations()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if len(r.Symbols) < 10 || len(r.Code) < 20 || len(r.Data) < 5 || len(r.Slots) < 4 || len(r.Bases) != len(m.Datas) {
			t.Errorf("%s: %d symbols, %d and %d relocations, %d slots, %d bases", name, len(r.Symbols), len(r.Code), len(r.Data), len(r.Slots), len(r.Bases))
		}
		for i := range m.Code {
			relocs := r.Code[r.Bodies[i]:r.Bodies[i+1]]
			for off := m.Code[i].Code; ; {
				in, ok := wasm.NextInstr(m.Code[i].Bytes, off)
				if !ok {
					break
				}
				off = int(in.Off + in.Len)
				for len(relocs) > 0 && relocs[0].Off < uint32(off) {
					if relocs[0].Off <= in.Off {
						t.Errorf("%s: body %d: relocation %+v is not in an instruction", name, i, relocs[0])
					}
					relocs = relocs[1:]
				}
			}
			if len(relocs) > 0 {
				t.Errorf("%s: body %d: relocations behind the code: %+v", name, i, relocs)
			}
		}
	}
}

// TestNoRelocations is the common case.
func TestNoRelocations(t *testing.T) {
	m, err := wasm.Decode("empty", []byte("\x00asm\x01\x00\x00\x00"))
	if err != nil {
		t.Fatal(err)
	}
	if r, err := m.Relocations(); r != nil || err != nil {
		t.Errorf("got %+v, %v", r, err)
	}
}

func TestParseLinking(t *testing.T) {
	section := func(content string) *wasm.Custom {
		return &wasm.Custom{Name: wasm.LinkingSection, Data: []byte(content), Off: 0x10}
	}
	got, err := wasm.ParseLinking("in", section("\x02"+"\x05\x09\x01\x05.data\x02\x00"+"\x06\x01\x00"+"\x08\x1c\x06"+
		"\x00\x00\x07\x01f"+"\x00\x10\x01"+"\x00\x50\x02\x01g"+
		"\x01\x00\x01d\x01\x02\x03"+"\x01\x10\x01u"+"\x03\x00\x04"))
	if err != nil {
		t.Fatal(err)
	}
	want := []wasm.Symbol{
		{Kind: wasm.SymbolFunc, Index: 7, Name: "f"},
		{Kind: wasm.SymbolFunc, Flags: wasm.SymbolUndefined, Index: 1},
		{Kind: wasm.SymbolFunc, Flags: wasm.SymbolUndefined | wasm.SymbolExplicitName, Index: 2, Name: "g"},
		{Kind: wasm.SymbolData, Name: "d", Segment: 1, Offset: 2, Size: 3},
		{Kind: wasm.SymbolData, Flags: wasm.SymbolUndefined, Name: "u"},
		{Kind: wasm.SymbolSection, Index: 4},
	}
	if d := cmp.Diff(&wasm.Linking{Symbols: want, Segments: []wasm.SegmentInfo{{Name: ".data", Align: 2}}}, got); d != "" {
		t.Error(d)
	}
	for content, want := range map[string]string{
		"\x01":                         "linking section: offset 0x11: version 1 of the linking section is not known",
		"\x02\x08\x03\x01\x09\x00":     "malformed symbol kind 9",
		"\x02\x08\x04\x01\x00\x00":     "unexpected end",
		"\x02\x08\x02\x00\x00":         "1 byte",
		"\x02\x08\x03\x02\x03\x00":     "count 2 is more than the 2 bytes left",
		"\x02\x08\xff\xff\xff\xff\x0f": "unexpected end",
	} {
		if _, err := wasm.ParseLinking("in", section(content)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("% x: error %v, want %q", content, err, want)
		}
	}
}

func TestParseRelocs(t *testing.T) {
	section := func(content string) *wasm.Custom {
		return &wasm.Custom{Name: wasm.RelocCodeSection, Data: []byte(content), Off: 0x10}
	}
	got, err := wasm.ParseRelocs("in", section("\x03\x03"+"\x00\x05\x01"+"\x04\x10\x02\x7f"+"\x06\x20\x03"))
	if err != nil {
		t.Fatal(err)
	}
	want := []wasm.Reloc{
		{Type: wasm.RelocFunctionIndexLEB, Off: 5, Index: 1},
		{Type: wasm.RelocMemoryAddrSLEB, Off: 16, Index: 2, Addend: -1},
		{Type: wasm.RelocTypeIndexLEB, Off: 32, Index: 3},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	for content, want := range map[string]string{
		"\x03\x01\x0b\x05\x01\x00":         "reloc.CODE section: offset 0x12: relocation type 11 is not known",
		"\x03\x02\x00\x05\x01\x00\x04\x01": "relocations out of order",
		"\x03\x01\x03\x05\x01":             "unexpected end",
		"\x03\x00\x00":                     "1 byte",
	} {
		if _, err := wasm.ParseRelocs("in", section(content)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("% x: error %v, want %q", content, err, want)
		}
	}
}

// FuzzRelocations changes modules that have relocations: whatever is in the
// sections, what comes back is within the module.
func FuzzRelocations(f *testing.F) {
	for _, b := range relocated(f) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := wasm.DecodeNoScan("fuzz", b)
		if err != nil {
			return
		}
		r, err := m.Relocations()
		if err != nil || r == nil {
			return
		}
		for i := range m.Code {
			for _, x := range r.Code[r.Bodies[i]:r.Bodies[i+1]] {
				if int(x.Off)+4 > len(m.Code[i].Bytes) || x.Type != wasm.RelocTypeIndexLEB && int(x.Index) >= len(r.Symbols) {
					t.Errorf("body %d: %+v", i, x)
				}
			}
		}
		for i := range m.Datas {
			for _, x := range r.Data[r.Segments[i]:r.Segments[i+1]] {
				if int(x.Off)+4 > len(m.Datas[i].Init) || x.Type != wasm.RelocTypeIndexLEB && int(x.Index) >= len(r.Symbols) {
					t.Errorf("data %d: %+v", i, x)
				}
			}
		}
	})
}
