package wasm_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/wbundle/wbundle/internal/wasm"
)

func TestNamesRoundTrip(t *testing.T) {
	list := func(names ...string) (l []wasm.NameAssoc) {
		for i, n := range names {
			l = append(l, wasm.NameAssoc{Index: uint32(i * 3), Name: n})
		}
		return l
	}
	in := &wasm.Names{
		Module: "mod", HasModule: true,
		Funcs:  list("f", "g"),
		Locals: []wasm.IndirectNames{{Index: 1, Names: list("x")}, {Index: 7, Names: list("y", "z")}},
		Labels: []wasm.IndirectNames{{Index: 2, Names: list("l")}},
		Types:  list("t"), Tables: list("tab"), Memories: list("mem"), Globals: list("é"),
		Elems: list("e"), Datas: list("d", ".rodata"), Tags: list("tag"),
		Fields: []wasm.IndirectNames{{Index: 0, Names: list("field")}},
	}
	c := &wasm.Custom{Name: wasm.NamesSection, Data: wasm.AppendNames(nil, in)}
	out, err := wasm.ParseNames("x", c)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(in, out); d != "" {
		t.Errorf("-in +out:\n%s", d)
	}
	unsorted := &wasm.Names{Funcs: []wasm.NameAssoc{{Index: 4, Name: "b"}, {Index: 1, Name: "a"}}}
	if got := wasm.AppendNames(nil, unsorted); string(got) != "\x01\x07\x02\x01\x01a\x04\x01b" {
		t.Errorf("unsorted names: % x", got)
	}
	if unsorted.Funcs[0].Index != 4 {
		t.Error("AppendNames sorted its argument")
	}
}

// TestNamesBroken checks that what is readable survives what is not.
func TestNamesBroken(t *testing.T) {
	funcs := []wasm.NameAssoc{{Index: 0, Name: "f"}}
	const good = "\x01\x04\x01\x00\x01f"
	for _, tc := range []struct {
		name, data string
		want       *wasm.Names
		err        string
	}{
		{"not UTF-8", "\x01\x05\x01\x00\x02f\xff", &wasm.Names{Funcs: []wasm.NameAssoc{{Name: "f\ufffd"}}}, ""},
		{"unknown subsection", "\x63\x02ab" + good, &wasm.Names{Funcs: funcs}, ""},
		{"duplicate subsection", good + good, &wasm.Names{Funcs: append(funcs, funcs...)}, ""},
		{"broken one before a good one", "\x00\x02\x05x" + good, &wasm.Names{Funcs: funcs}, "offset 0x103: unexpected end of section (needs 4 more bytes)"},
		{"bytes left over", "\x01\x06\x01\x00\x01f\x00\x00", &wasm.Names{Funcs: funcs}, "section size mismatch"},
		{"cut off in a name", "\x01\x04\x02\x00\x01f", &wasm.Names{}, "count 2 is more than the 3 bytes left can hold"},
		{"cut off in a subsection", good + "\x07\x09\x01\x00\x01g", &wasm.Names{Funcs: funcs, Globals: []wasm.NameAssoc{{Name: "g"}}}, "subsection 7 of 9 bytes, 4 left"},
		{"locals cut off", "\x02\x06\x02\x00\x01\x00\x01x", &wasm.Names{Locals: []wasm.IndirectNames{{Names: []wasm.NameAssoc{{Name: "x"}}}}}, "unexpected end"},
		{"cut off in the size", good + "\x01", &wasm.Names{Funcs: funcs}, "unexpected end"},
		{"empty", "", &wasm.Names{}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := wasm.ParseNames("x", &wasm.Custom{Data: []byte(tc.data), Off: 0x100})
			if d := cmp.Diff(tc.want, got); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
			if tc.err == "" && err != nil || tc.err != "" && (err == nil || !strings.Contains(err.Error(), tc.err)) {
				t.Errorf("error is %v, want %q", err, tc.err)
			}
		})
	}
}

func TestFuncNames(t *testing.T) {
	names := section(wasm.SectionCustom, "\x04name", "\x00\x02\x01m", "\x01\x0a\x03\x01\x01b\x00\x01a\x09\x01z", "\x02\x01\x55")
	m := decode(t, module(oneType, section(wasm.SectionImport, "\x01\x00\x00\x00\x00"), oneFunc, body("\x00\x0b"), names))
	if d := cmp.Diff([]string{"a", "b"}, m.FuncNames()); d != "" {
		t.Error(d)
	}
	if n, err := m.Names(); err == nil || n.Module != "m" || len(n.Funcs) != 3 {
		t.Errorf("%+v, %v", n, err)
	}
	if n := decode(t, module(oneType)).FuncNames(); n != nil {
		t.Errorf("without a name section: %q", n)
	}
	if n, err := decode(t, module()).Names(); err != nil || n == nil {
		t.Errorf("without a name section: %v, %v", n, err)
	}
}

func TestProducers(t *testing.T) {
	var p wasm.Producers
	p.Add(wasm.ProducerLanguage, "Rust", "")
	p.Add(wasm.ProducerProcessedBy, "rustc", "1.90.0")
	p.Add(wasm.ProducerProcessedBy, "wbundle", "0.1")
	p.Add(wasm.ProducerProcessedBy, "rustc", "again")
	data := wasm.AppendProducers(nil, &p)
	m := decode(t, module(section(wasm.SectionCustom, "\x09producers", data)))
	got, err := m.Producers()
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(&p, got); d != "" {
		t.Error(d)
	}
	want := []wasm.ProducerValue{{Name: "rustc", Version: "1.90.0"}, {Name: "wbundle", Version: "0.1"}}
	if d := cmp.Diff(want, got.Field(wasm.ProducerProcessedBy)); d != "" {
		t.Error(d)
	}
	if got.Field(wasm.ProducerSDK) != nil {
		t.Error("field out of nowhere")
	}
	cut, err := wasm.ParseProducers("x", &wasm.Custom{Data: data[:len(data)-3]})
	if err == nil || len(cut.Fields) != 2 || len(cut.Fields[1].Values) != 1 {
		t.Errorf("cut off: %+v, %v", cut, err)
	}
	if empty, err := decode(t, module()).Producers(); err != nil || empty == nil {
		t.Errorf("without the section: %v, %v", empty, err)
	}
}
