package wasm_test

import (
	"bytes"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/wbundle/wbundle/internal/wasm"
)

// TestEncodeBuilt encodes a module put together by hand: canonical order, no
// empty sections, customs last.
func TestEncodeBuilt(t *testing.T) {
	zero := wasm.Expr{Bytes: []byte("\x41\x00\x0b")}
	m := &wasm.Module{
		Types:    []wasm.SubType{{Kind: wasm.CompFunc, Final: true, Short: true}, {Kind: wasm.CompFunc, Short: true}},
		Funcs:    []uint32{0},
		Tables:   []wasm.Table{{TableType: wasm.TableType{Elem: wasm.FuncRef}}, {TableType: wasm.TableType{Elem: wasm.ExternRef}}},
		Memories: []wasm.MemType{{}, {}},
		Tags:     []uint32{0},
		Globals:  []wasm.Global{{GlobalType: wasm.GlobalType{Type: wasm.I32}, Init: zero}},
		HasStart: true,
		Elems: []wasm.Elem{
			{Offset: zero, Funcs: []uint32{0}},
			{Mode: wasm.SegmentPassive, Funcs: []uint32{0}},
			{Mode: wasm.SegmentDeclarative, UsesExprs: true, Type: wasm.FuncRef},
			{Table: 1, Offset: zero, UsesExprs: true, Type: wasm.ExternRef},
		},
		DataCount: 3, HasDataCount: true,
		Code: []wasm.Body{{Bytes: []byte("\x00\x0b")}},
		Datas: []wasm.Data{
			{Offset: &zero, Init: []byte("a")},
			{Memory: 1},
			{Mode: wasm.SegmentPassive, Init: []byte("bc")},
		},
		Customs: []wasm.Custom{{Name: "c", Data: []byte("d")}},
	}
	want := module(
		section(wasm.SectionType, "\x02\x60\x00\x00\x50\x00\x60\x00\x00"),
		section(wasm.SectionFunction, "\x01\x00"),
		section(wasm.SectionTable, "\x02\x70\x00\x00\x6f\x00\x00"),
		section(wasm.SectionMemory, "\x02\x00\x00\x00\x00"),
		section(wasm.SectionTag, "\x01\x00\x00"),
		section(wasm.SectionGlobal, "\x01\x7f\x00\x41\x00\x0b"),
		section(wasm.SectionStart, "\x00"),
		section(wasm.SectionElement, "\x04", "\x00\x41\x00\x0b\x01\x00", "\x01\x00\x01\x00", "\x07\x70\x00", "\x06\x01\x41\x00\x0b\x6f\x00"),
		section(wasm.SectionDataCount, "\x03"),
		section(wasm.SectionCode, "\x01\x02\x00\x0b"),
		section(wasm.SectionData, "\x03", "\x00\x41\x00\x0b\x01a", "\x02\x01\x41\x00\x0b\x00", "\x01\x02bc"),
		section(wasm.SectionCustom, "\x01cd"),
	)
	if got := wasm.Encode(m); !bytes.Equal(got, want) {
		t.Errorf("got\n% x, want\n% x", got, want)
	}
	decode(t, want)
	if got := wasm.Encode(&wasm.Module{}); !bytes.Equal(got, module()) {
		t.Errorf("empty module: % x", got)
	}
}

// TestEncodeEdited adds and removes content of a decoded module: the sections
// that were not there go where they belong.
func TestEncodeEdited(t *testing.T) {
	custom := func(name string) []byte { return section(wasm.SectionCustom, wasm.AppendName(nil, name)) }
	m := decode(t, module(custom("a"), oneType, custom("b"), oneFunc, section(wasm.SectionStart, 0), body("\x00\x0b"), custom("c")))
	m.HasStart = false
	m.Memories = append(m.Memories, wasm.MemType{Limits: wasm.Limits{Min: 1}})
	m.Datas = append(m.Datas, wasm.Data{Mode: wasm.SegmentPassive, Init: []byte("x")})
	m.Customs = append(m.Customs, wasm.Custom{Name: "d"})
	want := module(custom("a"), oneType, custom("b"), oneFunc, oneMem, body("\x00\x0b"), custom("c"),
		section(wasm.SectionData, "\x01\x01\x01x"), custom("d"))
	if got := wasm.Encode(m); !bytes.Equal(got, want) {
		t.Errorf("got\n% x, want\n% x", got, want)
	}
}

// TestScanRange scans in parallel and out of order, and compares with Decode.
func TestScanRange(t *testing.T) {
	const n = 500
	var code []byte
	for i := range n {
		b := bytes.Repeat([]byte("\x10\x01\x41\x00\x28\x02\x04\x1a"), i%70)
		code = append(code, wasm.AppendBytes(nil, cat("\x00", b, "\x0b"))...)
	}
	src := module(oneType,
		section(wasm.SectionFunction, wasm.AppendU32(nil, n), make([]byte, n)), oneMem,
		section(wasm.SectionCode, wasm.AppendU32(nil, n), code))
	want := decode(t, src)
	m, err := wasm.DecodeNoScan("t.wasm", src)
	if err != nil {
		t.Fatal(err)
	}
	for i := range m.Code {
		if m.Code[i].Sites != nil {
			t.Fatal("DecodeNoScan scanned")
		}
	}
	var wg sync.WaitGroup
	for lo := n - 100; lo >= 0; lo -= 100 {
		wg.Go(func() {
			if err := m.ScanRange(lo, lo+100); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if d := cmp.Diff(want.Code, m.Code); d != "" {
		t.Errorf("-decode +ranges:\n%s", d)
	}
	checkSites(t, m)
}

// TestScanAllocations checks that the scan's allocations do not grow with the
// number of functions or instructions.
func TestScanAllocations(t *testing.T) {
	const n = 20_000
	one := wasm.AppendBytes(nil, cat("\x00", bytes.Repeat([]byte("\x10\x01\x20\x00\x1a\x41\x00\x28\x02\x04\x1a"), 9), "\x0b"))
	one = bytes.ReplaceAll(one, []byte("\x20\x00\x1a"), []byte("\x01\x01\x01"))
	src := module(oneType,
		section(wasm.SectionFunction, wasm.AppendU32(nil, n), make([]byte, n)), oneMem,
		section(wasm.SectionCode, wasm.AppendU32(nil, n), bytes.Repeat(one, n)))
	m, err := wasm.DecodeNoScan("t.wasm", src)
	if err != nil {
		t.Fatal(err)
	}
	if got := testing.AllocsPerRun(2, func() {
		if err := m.ScanRange(0, n); err != nil {
			t.Fatal(err)
		}
	}); got > 8 {
		t.Errorf("%v allocations for %d functions", got, n)
	}
}

// TestTypesAlone reads types with a Reader, as the component decoder does.
func TestTypesAlone(t *testing.T) {
	const group = "\x4e\x02\x50\x00\x5f\x01\x78\x01\x60\x01\x64\x00\x01\x63\x70"
	r := wasm.NewReader("x", "core type section", []byte(group), 0)
	types, explicit := r.RecGroup()
	if err := r.Done(); err != nil || !explicit || len(types) != 2 {
		t.Fatalf("%v, %v, %v", types, explicit, err)
	}
	const short = "\x4e\x02\x50\x00\x5f\x01\x78\x01\x60\x01\x64\x00\x01\x70"
	if got := wasm.AppendRecGroup(nil, types, explicit); string(got) != short {
		t.Errorf("got % x", got)
	}
	for _, in := range []string{"\x00\x07", "\x01\x70\x01\x01\x02", "\x02\x04\x01", "\x03\x7e\x01", "\x04\x00\x03", "\x01\x64\x81\x02\x04\x05"} {
		r := wasm.NewReader("x", "", []byte(in), 0)
		var imp wasm.Import
		r.ExternType(&imp)
		if err := r.Done(); err != nil {
			t.Errorf("% x: %v", in, err)
		}
		if got := wasm.AppendExternType(nil, &imp); string(got) != in {
			t.Errorf("% x came back as % x", in, got)
		}
	}
	r = wasm.NewReader("x", "", []byte("\x64\x05"), 0)
	r.TypeLimit(5)
	if r.ValType(); r.Err() == nil {
		t.Error("type index beyond the limit")
	}
}
