package wasm_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/wbundle/wbundle/internal/wasm"
)

// TestSections decodes one section (with what it needs before it), compares
// the fields it fills in, and encodes it back.
func TestSections(t *testing.T) {
	i32Const := func(v byte, off int) wasm.Expr {
		return wasm.Expr{Bytes: []byte{0x41, v, 0x0b}, Off: off}
	}
	nonNullFunc := wasm.ValType{Kind: wasm.KindRef, Heap: wasm.HeapFunc}
	for _, tc := range []struct {
		name string
		b    []byte
		got  func(m *wasm.Module) any
		want any
	}{
		{"types", module(section(wasm.SectionType, 3,
			"\x60\x02\x7f\x7e\x01\x6e",                         // func, short
			"\x4e\x02\x50\x00\x5f\x02\x78\x01\x64\x01\x00",     // rec: sub struct { i8 mut, ref 1 } ...
			"\x4f\x01\x01\x5f\x03\x78\x01\x64\x01\x00\x7b\x00", // ... sub final 1 struct
			"\x5e\x77\x01")), // array i16 mut
			func(m *wasm.Module) any { return m.Types },
			[]wasm.SubType{
				{Kind: wasm.CompFunc, Final: true, Short: true, Params: []wasm.ValType{wasm.I32, wasm.I64},
					Results: []wasm.ValType{{Kind: wasm.KindRef, Nullable: true, Heap: wasm.HeapAny}}},
				{Kind: wasm.CompStruct, Fields: []wasm.Field{
					{Type: wasm.ValType{Kind: wasm.KindI8}, Mutable: true},
					{Type: wasm.ValType{Kind: wasm.KindRef, Heap: 1}}}},
				{Kind: wasm.CompStruct, Final: true, Supers: []uint32{1}, Fields: []wasm.Field{
					{Type: wasm.ValType{Kind: wasm.KindI8}, Mutable: true},
					{Type: wasm.ValType{Kind: wasm.KindRef, Heap: 1}},
					{Type: wasm.V128}}},
				{Kind: wasm.CompArray, Final: true, Short: true, Fields: []wasm.Field{
					{Type: wasm.ValType{Kind: wasm.KindI16}, Mutable: true}}},
			}},
		{"rec groups", module(section(wasm.SectionType, 3, "\x60\x00\x00", "\x4e\x00", "\x4e\x02\x60\x00\x00\x60\x00\x00")),
			func(m *wasm.Module) any { return m.RecGroups },
			[]wasm.RecGroup{{Start: 0, Count: 1}, {Start: 1, Explicit: true}, {Start: 1, Count: 2, Explicit: true}}},
		{"imports of each kind", module(oneType, section(wasm.SectionImport, 5,
			"\x01a\x02\xc3\xa9\x00\x00", "\x00\x01t\x01\x6f\x05\x01\x02", "\x00\x01m\x02\x0b\x01\x02\x00", "\x00\x01g\x03\x7c\x01", "\x00\x01e\x04\x00\x00")),
			func(m *wasm.Module) any { return []any{m.Imports, m.NumImported} },
			[]any{[]wasm.Import{
				{Module: "a", Name: "é", Kind: wasm.ExternFunc, Off: 0x11},
				{Name: "t", Kind: wasm.ExternTable, Off: 0x18, Table: wasm.TableType{Elem: wasm.ExternRef, Limits: wasm.Limits{Min: 1, Max: 2, HasMax: true, Is64: true}}},
				{Name: "m", Kind: wasm.ExternMemory, Off: 0x20, Memory: wasm.MemType{Limits: wasm.Limits{Min: 1, Max: 2, HasMax: true, Shared: true}, HasPageSize: true}},
				{Name: "g", Kind: wasm.ExternGlobal, Off: 0x28, Global: wasm.GlobalType{Type: wasm.F64, Mutable: true}},
				{Name: "e", Kind: wasm.ExternTag, Off: 0x2e},
			}, [wasm.SpaceElem + 1]uint32{wasm.SpaceFunc: 1, wasm.SpaceTable: 1, wasm.SpaceMemory: 1, wasm.SpaceGlobal: 1, wasm.SpaceTag: 1}}},
		{"functions and code", module(oneType, section(wasm.SectionFunction, "\x02\x00\x00"), section(wasm.SectionCode, "\x02\x02\x00\x0b\x07\x01\x02\x7f\x41\x00\x1a\x0b")),
			func(m *wasm.Module) any { return []any{m.Funcs, m.Code} },
			[]any{[]uint32{0, 0}, []wasm.Body{
				{Bytes: []byte("\x00\x0b"), Code: 1, Off: 0x17},
				{Bytes: []byte("\x01\x02\x7f\x41\x00\x1a\x0b"), Code: 3, Off: 0x1a}}}},
		{"tables", module(section(wasm.SectionTable, 2, "\x70\x00\x03", "\x40\x00\x64\x6c\x01\x01\x02\x41\x05\xfb\x1c\x0b")),
			func(m *wasm.Module) any { return m.Tables },
			[]wasm.Table{
				{TableType: wasm.TableType{Elem: wasm.FuncRef, Limits: wasm.Limits{Min: 3}}},
				{TableType: wasm.TableType{Elem: wasm.ValType{Kind: wasm.KindRef, Heap: wasm.HeapI31}, Limits: wasm.Limits{Min: 1, Max: 2, HasMax: true}},
					Init: &wasm.Expr{Bytes: []byte("\x41\x05\xfb\x1c\x0b"), Off: 0x15}},
			}},
		{"memories", module(section(wasm.SectionMemory, 3, "\x00\x01", "\x05\x01\x80\x80\x80\x80\x80\x80\x40", "\x08\x00\x10")),
			func(m *wasm.Module) any { return m.Memories },
			[]wasm.MemType{
				{Limits: wasm.Limits{Min: 1}},
				{Limits: wasm.Limits{Min: 1, Max: 1 << 48, HasMax: true, Is64: true}},
				{HasPageSize: true, PageLog2: 16},
			}},
		{"tags", module(oneType, section(wasm.SectionTag, "\x01\x00\x00")),
			func(m *wasm.Module) any { return m.Tags }, []uint32{0}},
		{"globals", module(section(wasm.SectionGlobal, 2, "\x7f\x01\x41\x07\x0b", "\x7f\x00\x23\x00\x41\x01\x6a\x0b")),
			func(m *wasm.Module) any { return m.Globals },
			[]wasm.Global{
				{GlobalType: wasm.GlobalType{Type: wasm.I32, Mutable: true}, Init: i32Const(7, 0xd)},
				{GlobalType: wasm.GlobalType{Type: wasm.I32}, Init: wasm.Expr{Bytes: []byte("\x23\x00\x41\x01\x6a\x0b"), Off: 0x12,
					Sites: []wasm.Site{{Off: 1, Kind: wasm.SiteGlobal, Len: 1, Op: wasm.OpGlobalGet}}}},
			}},
		{"exports", module(oneMem, section(wasm.SectionExport, "\x02\x00\x02\x00\x01m\x02\x00")),
			func(m *wasm.Module) any { return m.Exports },
			[]wasm.Export{{Kind: wasm.ExternMemory, Off: 0x10}, {Name: "m", Kind: wasm.ExternMemory, Off: 0x13}}},
		{"start", module(oneType, section(wasm.SectionImport, "\x01\x00\x00\x00\x00"), section(wasm.SectionStart, "\x00")),
			func(m *wasm.Module) any { return []any{m.Start, m.HasStart} }, []any{uint32(0), true}},
		{"elements of every form", module(oneType, section(wasm.SectionImport, "\x01\x00\x00\x00\x00"),
			section(wasm.SectionTable, "\x02\x70\x00\x01\x70\x00\x01"), section(wasm.SectionElement, 8,
				"\x00\x41\x01\x0b\x01\x00", "\x01\x00\x01\x00", "\x02\x00\x41\x02\x0b\x00\x00", "\x03\x00\x00",
				"\x04\x41\x03\x0b\x00", "\x05\x70\x01\xd0\x70\x0b", "\x06\x01\x41\x04\x0b\x64\x00\x01\xd2\x00\x0b", "\x07\x6f\x00")),
			func(m *wasm.Module) any { return m.Elems },
			[]wasm.Elem{
				{Flags: 0, Off: 0x21, Type: nonNullFunc, Offset: i32Const(1, 0x22), Funcs: []uint32{0}},
				{Flags: 1, Off: 0x27, Type: nonNullFunc, Mode: wasm.SegmentPassive, Funcs: []uint32{0}},
				{Flags: 2, Off: 0x2b, Type: nonNullFunc, Offset: i32Const(2, 0x2d)},
				{Flags: 3, Off: 0x32, Type: nonNullFunc, Mode: wasm.SegmentDeclarative},
				{Flags: 4, Off: 0x35, Type: wasm.FuncRef, UsesExprs: true, Offset: i32Const(3, 0x36)},
				{Flags: 5, Off: 0x3a, Type: wasm.FuncRef, UsesExprs: true, Mode: wasm.SegmentPassive, Exprs: []wasm.Expr{{Bytes: []byte("\xd0\x70\x0b"), Off: 0x3d}}},
				{Flags: 6, Off: 0x40, Type: wasm.ValType{Kind: wasm.KindRef}, UsesExprs: true, Table: 1, Offset: i32Const(4, 0x42),
					Exprs: []wasm.Expr{{Bytes: []byte("\xd2\x00\x0b"), Off: 0x48, Sites: []wasm.Site{{Off: 1, Kind: wasm.SiteFunc, Len: 1, Op: wasm.OpRefFunc}}}}},
				{Flags: 7, Off: 0x4b, Type: wasm.ExternRef, UsesExprs: true, Mode: wasm.SegmentDeclarative},
			}},
		{"data of every form", module(section(wasm.SectionMemory, "\x02\x00\x01\x00\x01"), section(wasm.SectionDataCount, 4),
			section(wasm.SectionData, 4, "\x00\x41\x01\x0b\x01a", "\x01\x02bc", "\x02\x00\x41\x02\x0b\x00", "\x02\x01\x41\x03\x0b\x00")),
			func(m *wasm.Module) any { return []any{m.Datas, m.DataCount} },
			[]any{[]wasm.Data{
				{Flags: 0, Off: 0x15, At: 1, Init: []byte("a")},
				{Flags: 1, Off: 0x1b, Mode: wasm.SegmentPassive, Init: []byte("bc")},
				{Flags: 2, Off: 0x1f, At: 2},
				{Flags: 2, Off: 0x25, Memory: 1, At: 3},
			}, uint32(4)}},
		{"customs", module(section(wasm.SectionCustom, "\x01xyz"), oneType, section(wasm.SectionCustom, "\x00")),
			func(m *wasm.Module) any { return []any{m.Customs, m.Sections} },
			[]any{[]wasm.Custom{{Name: "x", Data: []byte("yz"), Off: 0xc}, {Off: 0x17}},
				[]wasm.SectionRef{{Custom: 0}, {ID: wasm.SectionType}, {Custom: 1}}}},
		{"empty sections", module(section(wasm.SectionType, 0), section(wasm.SectionImport, 0), section(wasm.SectionCode, 0), section(wasm.SectionData, 0)),
			func(m *wasm.Module) any { return len(m.Sections) }, 4},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := decode(t, tc.b)
			if d := cmp.Diff(tc.want, tc.got(m), cmpopts.EquateEmpty()); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
			if out := wasm.Encode(m); !bytes.Equal(out, tc.b) {
				t.Errorf("encoded\n% x, want\n% x", out, tc.b)
			}
		})
	}
}

// TestDecodeErrors checks message, section and offset of each kind of defect.
func TestDecodeErrors(t *testing.T) {
	const none = ""
	for _, tc := range []struct {
		b       []byte
		section string
		off     int64
		msg     string
	}{
		{nil, none, 0, "file is empty"},
		{[]byte("\x00as"), none, 3, "unexpected end of the preamble (needs 5 more bytes)"},
		{[]byte("\x00asm\x01"), none, 5, "needs 3 more bytes"},
		{[]byte("\x7fELF\x02\x01"), none, 0, "not WebAssembly: starts with 7f 45 4c 46"},
		{[]byte(" ;; hello\n (module $m)"), none, 0, "looks like WebAssembly text (starts with `(module`): assemble it with wasm-tools parse"},
		{[]byte("(component)"), none, 0, "starts with `(component`"},
		{[]byte("\x00asm\x0d\x00\x01\x00"), none, 4, "is a component (version 0xd, layer 1), not a core module"},
		{[]byte("\x00asm\x02\x00\x00\x00"), none, 4, "unknown binary version 2 (layer 0), want version 1"},

		{module([]byte{14, 0}), none, 8, "malformed section id 14"},
		{module([]byte{1, 5, 0}), "type section", 8, "section of 5 bytes, 1 left (length out of bounds)"},
		{module([]byte{1, 0x80, 0x80, 0x80, 0x80, 0x80, 0}), "type section", 9, "integer representation too long"},
		{module([]byte{1, 0x80, 0x80, 0x80, 0x80, 0x10}), "type section", 9, "integer too large"},
		{module(oneMem, oneType), "type section", 13, "section out of order: it comes after the memory section"},
		{module(oneType, oneType), "type section", 14, "duplicate section"},
		{module(section(wasm.SectionType, 0, 0)), "type section", 11, "section size mismatch: 1 bytes left over"},
		{module(section(wasm.SectionType, "\xff\x01")), "type section", 10, "count 255 is more than the 0 bytes left can hold"},
		{module(section(wasm.SectionType, "\x01\x61\x00")), "type section", 11, "malformed type 0x61"},
		{module(section(wasm.SectionType, "\x01\x60\x01\x60\x00")), "type section", 13, "malformed value type 0x60"},
		{module(section(wasm.SectionType, "\x01\x60\x01\x63")), "type section", 14, "unexpected end of section in an integer (needs 1 more byte)"},
		{module(section(wasm.SectionType, "\x01\x60\x01\x63\x40")), "type section", 14, "malformed heap type 0x40"},
		{module(section(wasm.SectionType, "\x01\x60\x01\x63\x01\x00")), "type section", 14, "unknown type 1 (there are 1)"},
		{module(section(wasm.SectionType, "\x01\x50\x02\x00\x00\x60\x00\x00")), "type section", 11, "subtype with 2 supertypes"},
		{module(section(wasm.SectionType, "\x01\x50\x01\x00\x60\x00\x00")), "type section", 11, "a supertype must come before"},
		{module(section(wasm.SectionType, "\x01\x5f\x01\x78\x02")), "type section", 14, "malformed mutability 0x02"},

		{module(section(wasm.SectionImport, "\x01\x02\xc3\x28\x00\x00\x00")), "import section", 11, "malformed UTF-8 encoding of a name"},
		{module(section(wasm.SectionImport, "\x01\x7f\x00\x00\x00")), "import section", 11, "name of 127 bytes is longer than the 3 bytes left (length out of bounds)"},
		{module(section(wasm.SectionImport, "\x01\x00\x00\x05\x00")), "import section", 13, "malformed import kind 0x05"},
		{module(section(wasm.SectionImport, "\x01\x00\x00\x00\x00")), "import section", 14, "unknown type 0 (there are 0)"},
		{module(section(wasm.SectionType, "\x01\x5f\x00"), section(wasm.SectionImport, "\x01\x00\x00\x00\x00")), "import section", 16, "type 0 is not a function type"},
		{module(section(wasm.SectionImport, "\x01\x00\x00\x03\x7f\x02")), "import section", 15, "malformed mutability 0x02"},
		{module(section(wasm.SectionImport, "\x01\x00\x00\x02\x02\x00")), "import section", 14, "shared memory must have a maximum"},
		{module(section(wasm.SectionFunction, "\x01\x00")), "function section", 11, "unknown type 0 (there are 0)"},
		{module(section(wasm.SectionTable, "\x01\x7f\x00\x00")), "table section", 11, "malformed reference type 0x7f"},
		{module(section(wasm.SectionTable, "\x01\x70\x02\x00\x00")), "table section", 12, "malformed limits flags 0x02 of a table"},
		{module(section(wasm.SectionTable, "\x01\x40\x01\x70\x00\x00")), "table section", 12, "malformed table"},
		{module(section(wasm.SectionMemory, "\x01\x10\x00")), "memory section", 11, "malformed limits flags 0x10"},
		{module(section(wasm.SectionMemory, "\x01\x01\x02\x01")), "memory section", 13, "size minimum 2 must not be greater than maximum 1"},
		{module(section(wasm.SectionMemory, "\x01\x00\x81\x80\x04")), "memory section", 11, "memory size must be at most 65536 pages"},
		{module(section(wasm.SectionMemory, "\x01\x08\x00\x03")), "memory section", 13, "invalid custom page size 2^3"},
		{module(oneType, section(wasm.SectionTag, "\x01\x01\x00")), "tag section", 17, "malformed tag attribute 0x01"},
		{module(section(wasm.SectionGlobal, "\x01\x7f\x00\x41\x00")), "global section", 15, "unexpected end: an opcode is missing"},
		{module(section(wasm.SectionGlobal, "\x01\x7f\x00\x41\x80")), "global section", 14, "unexpected end in i32.const"},
		{module(section(wasm.SectionGlobal, "\x01\x7f\x00\x45\x0b")), "global section", 13, "constant expression required: i32.eqz is not constant"},
		{module(section(wasm.SectionGlobal, "\x01\x7f\x00\x0b\x0b")), "global section", 13, "empty constant expression"},
		{module(section(wasm.SectionGlobal, "\x01\x7f\x00\x23\x00\x0b")), "global section", 14, "unknown global 0 (there are 0)"},
		{module(section(wasm.SectionExport, "\x01\x00\x00\x00")), "export section", 13, "unknown function 0 (there are 0)"},
		{module(section(wasm.SectionExport, "\x01\x00\x05\x00")), "export section", 12, "malformed export kind 0x05"},
		{module(oneMem, section(wasm.SectionExport, "\x02\x01m\x02\x00\x01m\x02\x00")), "export section", 20, `duplicate export name "m"`},
		{module(section(wasm.SectionStart, "\x00")), "start section", 10, "unknown function 0"},
		{module(section(wasm.SectionElement, "\x01\x08\x00\x00")), "element section", 11, "malformed elements segment kind 8"},
		{module(section(wasm.SectionElement, "\x01\x00\x41\x00\x0b\x00")), "element section", 12, "unknown table 0"},
		{module(section(wasm.SectionElement, "\x01\x01\x01\x00")), "element section", 12, "malformed element kind 0x01"},
		{module(section(wasm.SectionElement, "\x01\x01\x00\x01\x05")), "element section", 14, "unknown function 5"},
		{module(section(wasm.SectionDataCount, "\x01")), "data count section", 11, "inconsistent lengths: 1 declared, no data section"},
		{module(section(wasm.SectionDataCount, "\x01"), section(wasm.SectionData, "\x00")), "data section", 13, "inconsistent lengths: 1 declared, 0 present"},
		{module(section(wasm.SectionData, "\x01\x03\x00")), "data section", 11, "malformed data segment flags 3"},
		{module(section(wasm.SectionData, "\x01\x00\x41\x00\x0b\x00")), "data section", 12, "unknown memory 0"},
		{module(section(wasm.SectionData, "\x01\x01\x05a")), "data section", 13, "unexpected end of section (needs 4 more bytes)"},
		{module(oneType, oneFunc), "code section", 18, "function and code section have inconsistent lengths: 1 functions, no code section"},
		{module(section(wasm.SectionCode, "\x01\x02\x00\x0b")), "code section", 10, "inconsistent lengths: 0 functions, 1 bodies"},
		{module(oneType, oneFunc, section(wasm.SectionCode, "\x01\x05\x00\x0b")), "code section", 22, "needs 3 more bytes"},

		// The body's content starts at 22.
		{module(oneType, oneFunc, body("")), "code section", 22, "unexpected end in the locals declaration"},
		{module(oneType, oneFunc, body("\x00")), "code section", 23, "unexpected end of the function body: 1 blocks are not closed"},
		{module(oneType, oneFunc, body("\x00\x01\x0b\x0b")), "code section", 25, "1 bytes after the final end"},
		{module(oneType, oneFunc, body("\x01\x01\x40\x0b")), "code section", 24, "malformed value type 0x40"},
		{module(oneType, oneFunc, body("\x01\xd1\x86\x03\x7f\x0b")), "code section", 23, "too many locals: 50001 (at most 50000"},
		{module(oneType, oneFunc, body("\x01\x01\x63\x01\x0b")), "code section", 25, "unknown type 1 (there are 1)"},
		{module(oneType, oneFunc, body("\x00\xc5\x0b")), "code section", 23, "illegal opcode c5"},
		{module(oneType, oneFunc, body("\x00\xfd\xff\x7f\x0b")), "code section", 23, "illegal opcode fd ff 7f"},
		{module(oneType, oneFunc, body("\x00\xfc\x80\x80\x80\x80\x80\x00")), "code section", 23, "integer representation too long in an opcode"},
		{module(oneType, oneFunc, body("\x00\x20\x00\x0b")), "code section", 24, "unknown local 0 (there are 0)"},
		{module(oneType, oneFunc, body("\x00\x10\x01\x0b")), "code section", 24, "unknown function 1 (there are 1)"},
		{module(oneType, oneFunc, body("\x00\x11\x00\x00\x0b")), "code section", 25, "unknown table 0 (there are 0)"},
		{module(oneType, oneFunc, body("\x00\x24\x80\x01\x0b")), "code section", 24, "unknown global 128 (there are 0)"},
		{module(oneType, oneFunc, body("\x00\x0c\x01\x0b")), "code section", 24, "unknown label 1 (there are 1)"},
		{module(oneType, oneFunc, body("\x00\x02\x01\x0b\x0b")), "code section", 24, "unknown type 1 (there are 1)"},
		{module(oneType, oneFunc, body("\x00\x02\x41\x0b\x0b")), "code section", 24, "malformed value type 0x41"},
		{module(oneType, oneFunc, body("\x00\x05\x0b")), "code section", 23, "else outside of a block"},
		{module(oneType, oneFunc, body("\x00\x0e\x09\x00\x0b")), "code section", 24, "br_table with 9 labels in 2 bytes"},
		{module(oneType, oneFunc, body("\x00\x41\xff\xff\xff\xff\x4f\x0b")), "code section", 24, "integer too large in i32.const"},
		{module(oneType, oneFunc, body("\x00\x41\x80\x80\x80\x80\x80\x00\x0b")), "code section", 24, "integer representation too long in i32.const"},
		{module(oneType, oneFunc, body("\x00\x43\x00\x00\x0b")), "code section", 24, "unexpected end in f32.const"},
		{module(oneType, oneFunc, body("\x00\x28\x02\x00\x0b")), "code section", 24, "unknown memory 0 (there are 0)"},
		{module(oneType, oneFunc, oneMem, body("\x00\x28\x80\x01\x00\x0b")), "code section", 29, "malformed memop flags"},
		{module(oneType, oneFunc, oneMem, body("\x00\x28\x00\x80\x80\x80\x80\x10\x0b")), "code section", 29, "offset out of range: 0x100000000 in a 32-bit memory"},
		{module(oneType, oneFunc, oneMem, body("\x00\xfc\x08\x00\x00\x0b")), "code section", 28, "data count section required by memory.init"},
		{module(oneType, oneFunc, oneMem, body("\x00\xfe\x03\x01\x0b")), "code section", 30, "zero byte expected after atomic.fence"},
		{module(oneType, oneFunc, body("\x00\x1c\x02\x7f\x7f\x0b")), "code section", 24, "invalid result arity 2 of select"},
		{module(oneType, oneFunc, body("\x00\x1f\x40\x01\x04\x00\x0b\x0b")), "code section", 26, "malformed catch clause 0x04"},
		{module(oneType, oneFunc, body("\x00\xfb\x18\x04\x00\x6e\x6e\x0b")), "code section", 25, "malformed cast flags 0x04"},
		{module(oneType, oneFunc, body("\x00\x07\x00\x0b")), "code section", 23, "catch outside of a block"},
		{module(oneType, oneFunc, body("\x00\xd0\xf0\x7f\x0b")), "code section", 24, "malformed heap type 0x70"},
		{module(section(wasm.SectionType, "\x01\x60\x01\x63\xf0\x7f\x00")), "type section", 14, "malformed heap type 0x70"},
		{module(oneType, oneFunc, body("\x00\xd0\x01\x0b")), "code section", 24, "unknown type 1"},
	} {
		t.Run(tc.msg, func(t *testing.T) {
			_, err := wasm.Decode("t.wasm", tc.b)
			var e *wasm.Error
			if !errors.As(err, &e) {
				t.Fatalf("error is %v, want a *wasm.Error", err)
			}
			if e.Input != "t.wasm" || e.Section != tc.section || e.Offset != tc.off || !strings.Contains(e.Msg, tc.msg) {
				t.Errorf("got %q, offset %d\nwant %q, offset %d: ...%s", e, e.Offset, tc.section, tc.off, tc.msg)
			}
		})
	}
}

func TestErrorString(t *testing.T) {
	for want, e := range map[string]*wasm.Error{
		"a.wasm: type section: offset 0x2a: unexpected end of section (needs 3 more bytes)": {Input: "a.wasm", Section: "type section", Offset: 0x2a, Msg: "unexpected end of section (needs 3 more bytes)"},
		"a.wasm: broken": {Input: "a.wasm", Offset: -1, Msg: "broken"},
	} {
		if e.Error() != want {
			t.Errorf("got %q, want %q", e, want)
		}
	}
}

func TestSniff(t *testing.T) {
	for in, want := range map[string]wasm.Format{
		"\x00asm\x01\x00\x00\x00":        wasm.FormatModule,
		"\x00asm\x0d\x00\x01\x00":        wasm.FormatComponent,
		"\x00asm\x02\x00\x00\x00":        wasm.FormatUnknown,
		"\x00asm":                        wasm.FormatUnknown,
		"\n;; c\n(module":                wasm.FormatText,
		"(component $x)":                 wasm.FormatText,
		";; a comment that does not end": wasm.FormatUnknown,
		"":                               wasm.FormatUnknown,
	} {
		if got := wasm.Sniff([]byte(in)); got != want {
			t.Errorf("Sniff(%q) = %d, want %d", in, got, want)
		}
	}
}

// TestPaddedLEBs checks that an encoding with padded integers is the same
// module as the minimal one, which is what Encode writes.
func TestPaddedLEBs(t *testing.T) {
	padded := module(
		[]byte("\x01\x88\x80\x80\x80\x00\x81\x80\x00\x60\x80\x00\x80\x00"),
		oneFunc,
		section(wasm.SectionCode, "\x81\x00\x88\x80\x00\x00\x10\x80\x80\x80\x80\x00\x0b"),
	)
	minimal := module(oneType, oneFunc, section(wasm.SectionCode, "\x01\x08\x00\x10\x80\x80\x80\x80\x00\x0b"))
	m := decode(t, padded)
	if got := wasm.Encode(m); !bytes.Equal(got, minimal) {
		t.Errorf("encoded\n% x, want\n% x", got, minimal)
	}
	if d := diffModules(m, decode(t, minimal)); d != "" {
		t.Error(d)
	}
	want := []wasm.Site{{Off: 2, Kind: wasm.SiteFunc, Len: 5, Op: wasm.OpCall}}
	if d := cmp.Diff(want, m.Code[0].Sites); d != "" {
		t.Error(d)
	}
}
