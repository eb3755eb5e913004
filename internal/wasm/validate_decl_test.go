package wasm_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/wbundle/wbundle/internal/wasm"
)

// types is a type section.
func types(n int, content ...any) []byte {
	return section(wasm.SectionType, n, cat(content...))
}

// initExpr is a global section with one i32 global, after an imported
// immutable and an imported mutable one, with the given initialiser.
func initExpr(typ string, code []byte) []byte {
	return module(types(4, "\x60\x00\x00", "\x5f\x01\x7f\x00", "\x5e\x7f\x00", "\x5f\x00"),
		section(wasm.SectionImport, "\x03\x01m\x01f\x00\x00\x01m\x01g\x03\x7f\x00\x01m\x01h\x03\x7f\x01"),
		section(wasm.SectionGlobal, 1, typ, code, "\x0b"))
}

// subtype is a module with a type that can be extended and one that extends
// it.
func subtype(super, sub string) []byte {
	return module(types(3, "\x50\x00\x5f\x00", "\x50\x00"+super, "\x50\x01\x01"+sub))
}

// declCases are modules and what is wrong with their declarations; "" for
// nothing.
var declCases = []struct {
	name   string
	module []byte
	want   string
}{
	{"empty", module(), ""},

	{"final supertype", module(types(2, "\x60\x00\x00", "\x50\x01\x00\x60\x00\x00")), "type 1: has the super type 0, which is final"},
	{"same fields", subtype("\x5f\x01\x7f\x00", "\x5f\x01\x7f\x00"), ""},
	{"more fields", subtype("\x5f\x01\x7f\x00", "\x5f\x02\x7f\x00\x7e\x00"), ""},
	{"fewer fields", subtype("\x5f\x01\x7f\x00", "\x5f\x00"), "type 2: sub type does not match super type 1"},
	{"other kind", subtype("\x5f\x00", "\x60\x00\x00"), "type 2: sub type does not match super type 1"},
	{"immutable field gets precise", subtype("\x5f\x01\x6e\x00", "\x5f\x01\x64\x6c\x00"), ""},
	{"mutable field gets precise", subtype("\x5f\x01\x6e\x01", "\x5f\x01\x64\x6c\x01"), "does not match"},
	{"field changes mutability", subtype("\x5f\x01\x7f\x00", "\x5f\x01\x7f\x01"), "does not match"},
	{"packed field changes", subtype("\x5e\x78\x00", "\x5e\x77\x00"), "does not match"},
	{"array", subtype("\x5e\x63\x00\x00", "\x5e\x64\x00\x00"), ""},
	{"parameters get wider", subtype("\x60\x01\x6c\x01\x6e", "\x60\x01\x6e\x01\x6c"), ""},
	{"parameters get narrower", subtype("\x60\x01\x6e\x00", "\x60\x01\x6c\x00"), "does not match"},
	{"results get wider", subtype("\x60\x00\x01\x6c", "\x60\x00\x01\x6e"), "does not match"},
	{"recursive group", module(types(1, "\x4e\x02\x50\x00\x5f\x01\x63\x01\x00\x50\x01\x00\x5f\x01\x63\x01\x00")), ""},
	{"type of a later group", module(types(2, "\x5f\x01\x63\x01\x00", "\x5f\x00")), "unknown type 1"},
	{"sub type hierarchy", module(types(64, "\x50\x00\x5f\x00", chain(63))), ""},
	{"deep sub type hierarchy", module(types(65, "\x50\x00\x5f\x00", chain(64))), "sub type hierarchy too deep"},
	{"many parameters", module(types(1, "\x60\xe9\x07", strings.Repeat("\x7f", 1001), "\x00")), "1001 parameters"},
	// Two equal groups, and a function that is used at both types.
	{"equal groups", module(types(2, "\x4e\x02\x5f\x01\x63\x01\x00\x60\x00\x01\x63\x00", "\x4e\x02\x5f\x01\x63\x03\x00\x60\x00\x01\x63\x02"),
		section(wasm.SectionFunction, "\x01\x01"),
		section(wasm.SectionGlobal, "\x01\x64\x03\x00\xd2\x00\x0b"), body("\x00\xd0\x02\x0b")), ""},
	// The same types in another order are others.
	{"different groups", module(types(2, "\x4e\x02\x5f\x00\x60\x00\x00", "\x4e\x02\x60\x00\x00\x5f\x00"),
		section(wasm.SectionFunction, "\x01\x01"),
		section(wasm.SectionGlobal, "\x01\x64\x02\x00\xd2\x00\x0b"), body("\x00\x0b")), "type mismatch: expected (ref 2), found (ref 1)"},

	{"tag with results", module(types(1, "\x60\x00\x01\x7f"), section(wasm.SectionTag, "\x01\x00\x00")), "non-empty tag result type"},
	{"imported tag with results", module(types(1, "\x60\x00\x01\x7f"), section(wasm.SectionImport, "\x01\x01m\x01t\x04\x00\x00")), "non-empty tag result type"},
	{"table without initialiser", module(section(wasm.SectionTable, "\x01\x64\x70\x00\x01")), "type mismatch: table 0 needs an initialiser"},
	{"imported table without default", module(section(wasm.SectionImport, "\x01\x01m\x01t\x01\x64\x70\x00\x01")), ""},
	{"table initialiser", module(oneType, section(wasm.SectionImport, "\x01\x01m\x01f\x00\x00"), section(wasm.SectionTable, "\x01\x40\x00\x64\x70\x00\x01\xd2\x00\x0b")), ""},
	{"table initialiser of another type", module(section(wasm.SectionTable, "\x01\x40\x00\x70\x00\x01\xd0\x6f\x0b")), "type mismatch: expected funcref, found externref (end in table 0)"},
	{"start", module(oneType, oneFunc, section(wasm.SectionStart, "\x00"), body("\x00\x0b")), ""},
	{"start with a result", module(types(1, "\x60\x00\x01\x7f"), oneFunc, section(wasm.SectionStart, "\x00"), body("\x00\x00\x0b")), "start function: function 0 has parameters or results"},

	{"constant", initExpr("\x7f\x00", code("i32.const", 1)), ""},
	{"constant of another type", initExpr("\x7f\x00", code("i64.const", 1)), "type mismatch: expected i32, found i64 (end in global 2)"},
	{"two constants", initExpr("\x7f\x00", code("i32.const", 1, "i32.const", 1)), "type mismatch: values remaining"},
	{"no constant", module(section(wasm.SectionGlobal, "\x01\x7f\x00\x0b\x00")), "empty constant expression"},
	{"extended constant", initExpr("\x7f\x00", code("i32.const", 1, "global.get", 0, "i32.add", "i32.const", 2, "i32.mul")), ""},
	{"not constant", initExpr("\x7f\x00", code("i32.const", 1, "i32.eqz")), "constant expression required"},
	{"mutable global", initExpr("\x7f\x00", code("global.get", 1)), "constant expression required: global 1 is mutable"},
	{"global itself", initExpr("\x7f\x00", code("global.get", 2)), "unknown global 2"},
	{"earlier global", module(section(wasm.SectionGlobal, "\x02\x7f\x00\x41\x00\x0b\x7f\x00\x23\x00\x0b")), ""},
	{"reference", initExpr("\x64\x00\x00", code("ref.func", 0)), ""},
	{"null for what is not null", initExpr("\x64\x70\x00", code("ref.null", byte(0x70))), "type mismatch: expected (ref func), found funcref"},
	{"struct", initExpr("\x64\x01\x00", code("i32.const", 1, "struct.new", 1)), ""},
	{"array", initExpr("\x64\x6a\x00", code("i32.const", 1, "i32.const", 2, "array.new_fixed", 2, 2)), ""},
	{"i31", initExpr("\x6e\x00", code("i32.const", 1, "ref.i31", "extern.convert_any", "any.convert_extern")), ""},

	{"active elements", module(oneType, section(wasm.SectionImport, "\x01\x01m\x01f\x00\x00"), section(wasm.SectionTable, "\x01\x70\x00\x01"),
		section(wasm.SectionElement, "\x01\x00\x41\x00\x0b\x01\x00")), ""},
	{"active elements at an i64", module(section(wasm.SectionTable, "\x01\x70\x00\x01"), section(wasm.SectionElement, "\x01\x00\x42\x00\x0b\x00")), "type mismatch: expected i32, found i64 (end in element segment 0)"},
	{"active elements of a 64-bit table", module(section(wasm.SectionTable, "\x01\x70\x04\x01"), section(wasm.SectionElement, "\x01\x00\x42\x00\x0b\x00")), ""},
	{"active elements of another type", module(section(wasm.SectionTable, "\x01\x6f\x00\x01"), section(wasm.SectionElement, "\x01\x00\x41\x00\x0b\x00")), "type mismatch: element segment 0: elements of type (ref func) in a table of externref"},
	{"element of another type", module(section(wasm.SectionElement, "\x01\x05\x70\x01\xd0\x6f\x0b")), "type mismatch: expected funcref, found externref"},
	{"active data", module(oneMem, section(wasm.SectionData, "\x01\x00\x41\x00\x0b\x00")), ""},
	{"active data of a 64-bit memory", module(section(wasm.SectionMemory, "\x01\x04\x01"), section(wasm.SectionData, "\x01\x00\x41\x00\x0b\x00")), "type mismatch: expected i64, found i32 (end in data segment 0)"},
	{"function declared by an element", refs(section(wasm.SectionElement, "\x01\x03\x00\x01\x00")), ""},
	{"function declared by an export", refs(section(wasm.SectionExport, "\x01\x01f\x00\x00")), ""},
	{"function declared by a global", refs(section(wasm.SectionGlobal, "\x01\x70\x00\xd2\x00\x0b")), ""},
	{"function declared by the start only", refs(section(wasm.SectionStart, "\x00")), "undeclared function reference 0"},
}

// chain is n struct types, each below the one before.
func chain(n int) (b []byte) {
	for i := range n {
		b = append(b, 0x50, 1, byte(i), 0x5f, 0)
	}
	return b
}

// refs is a module whose function 0 refers to itself.
func refs(declaration []byte) []byte {
	return module(oneType, oneFunc, declaration, body("\x00\xd2\x00\x1a\x0b"))
}

func TestValidateDecls(t *testing.T) {
	for _, c := range declCases {
		t.Run(c.name, func(t *testing.T) {
			checkError(t, c.module, c.want)
		})
	}
}

// TestValidateBuilt checks modules that Decode would not let through: built
// ones may have any mistake.
func TestValidateBuilt(t *testing.T) {
	for i, c := range []struct {
		change func(m *wasm.Module)
		want   string
	}{
		{func(*wasm.Module) {}, ""},
		{func(m *wasm.Module) { m.Types[1].Fields[0].Type = wasm.ValType{Kind: wasm.KindRef, Heap: 99} }, "type 1: unknown type 99"},
		{func(m *wasm.Module) { m.Types[1].Fields[0].Type.Kind = 3 }, "malformed value type 0x03"},
		{func(m *wasm.Module) { m.Types[1].Supers = []uint32{1} }, "unknown type 1"},
		{func(m *wasm.Module) { m.RecGroups = m.RecGroups[:1] }, "2 types, 1 of them in recursion groups"},
		{func(m *wasm.Module) { m.RecGroups[1].Start = 7 }, "out of place"},
		{func(m *wasm.Module) { m.Imports[0].TypeIndex = 7 }, "unknown type 7"},
		{func(m *wasm.Module) { m.Imports[0].TypeIndex = 1 }, "type 1 is not a function type"},
		{func(m *wasm.Module) { m.Imports[0].Kind = 9 }, "malformed import kind"},
		{func(m *wasm.Module) { m.NumImported[wasm.SpaceFunc] = 2 }, "counted as 2"},
		{func(m *wasm.Module) { m.Funcs[0] = 2 }, "unknown type 2"},
		{func(m *wasm.Module) { m.Tags[0] = 2 }, "unknown type 2"},
		{func(m *wasm.Module) { m.Tables[0].Elem = wasm.I32 }, "a table of i32"},
		{func(m *wasm.Module) { m.Tables[0].Min = 1 << 32 }, "size must be at most 4294967295 entries"},
		{func(m *wasm.Module) { m.Memories[0].Min, m.Memories[0].Max, m.Memories[0].HasMax = 2, 1, true }, "size minimum 2 must not be greater than maximum 1"},
		{func(m *wasm.Module) { m.Memories[0].Min = 65537 }, "size must be at most 65536 pages"},
		{func(m *wasm.Module) { m.Memories[0].Shared = true }, "shared memory must have a maximum"},
		{func(m *wasm.Module) { m.Memories[0].HasPageSize, m.Memories[0].PageLog2 = true, 3 }, "invalid custom page size"},
		{func(m *wasm.Module) { m.Globals[0].Shared = true }, "shared globals"},
		{func(m *wasm.Module) { m.Globals[0].Init.Bytes = nil }, "unexpected end"},
		{func(m *wasm.Module) { m.Globals[0].Init.Bytes = []byte{0x0b} }, "type mismatch"},
		{func(m *wasm.Module) { m.Globals[0].Init.Bytes = []byte{0x41, 0, 0x0b, 0x0b} }, "1 bytes after the end"},
		{func(m *wasm.Module) { m.Globals[0].Init.Bytes = []byte{0x23, 0, 0x0b} }, "unknown global 0"},
		{func(m *wasm.Module) { m.Exports = []wasm.Export{{Name: "a"}, {Name: "a"}} }, "duplicate export name"},
		{func(m *wasm.Module) { m.Exports = []wasm.Export{{Index: 2}} }, "unknown function 2"},
		{func(m *wasm.Module) { m.Exports = []wasm.Export{{Kind: 7}} }, "unknown"},
		{func(m *wasm.Module) { m.HasStart, m.Start = true, 2 }, "unknown function 2"},
		{func(m *wasm.Module) { m.Elems[0].Funcs[0] = 2 }, "unknown function 2"},
		{func(m *wasm.Module) { m.Elems[0].Mode, m.Elems[0].Table = wasm.SegmentActive, 1 }, "unknown table 1"},
		{func(m *wasm.Module) { m.Elems[0].Type = wasm.ExternRef }, "functions for elements of type externref"},
		{func(m *wasm.Module) { m.Datas[0].Mode, m.Datas[0].Memory = wasm.SegmentActive, 3 }, "unknown memory 3"},
		{func(m *wasm.Module) { m.DataCount = 4 }, "inconsistent lengths"},
		{func(m *wasm.Module) { m.Code = nil }, "inconsistent lengths"},
		{func(m *wasm.Module) { m.Code[0].Bytes = nil }, "unexpected end"},
		{func(m *wasm.Module) { m.Code[0].Bytes = []byte{0} }, "END opcode expected"},
		{func(m *wasm.Module) { m.Code[0].Bytes = []byte{0, 0xff} }, "illegal opcode"},
		{func(m *wasm.Module) { m.Code[0].Bytes = []byte{0, 0x0b, 0x01} }, "1 bytes after the final end"},
		{func(m *wasm.Module) { m.Code[0].Bytes = []byte{0, 0x41} }, "unexpected end in i32.const"},
		{func(m *wasm.Module) { m.HasDataCount = false; m.Code[0].Bytes = []byte{0, 0xfc, 9, 0, 0x0b} }, "data count section required"},
	} {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			m := decode(t, everything("\x00\x0b"))
			c.change(m)
			err := wasm.Validate(m)
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v\nwant %q", err, c.want)
			}
		})
	}
}

// TestValidateDeclPosition checks where errors of declarations, which have no
// position of their own, say they are.
func TestValidateDeclPosition(t *testing.T) {
	for _, c := range []struct {
		module []byte
		at     string // the bytes that the error is at
	}{
		{module(types(3, "\x60\x00\x01\x7f", "\x50\x00\x5f\x00", "\x50\x01\x01\x5e\x7f\x00")), "\x50\x01\x01\x5e"},
		{module(types(1, "\x4e\x02\x50\x00\x5f\x00\x50\x01\x00\x5e\x7f\x00")), "\x50\x01\x00\x5e"},
		{module(types(2, "\x60\x00\x00", "\x60\x00\x01\x7f"), section(wasm.SectionTag, "\x02\x00\x00\x00\x01")), "\x00\x01"},
		{module(section(wasm.SectionTable, "\x03\x70\x00\x01\x40\x00\x64\x6a\x00\x00\xd0\x6a\xd4\x0b\x64\x70\x00\x01")), "\xd4\x0b"},
		{module(section(wasm.SectionTable, "\x02\x40\x00\x70\x00\x01\xd0\x70\x0b\x64\x70\x00\x01")), "\x64\x70\x00\x01"},
	} {
		m, err := wasm.Decode("t.wasm", c.module)
		if err == nil {
			err = wasm.Validate(m)
		}
		var e *wasm.Error
		if !errors.As(err, &e) {
			t.Errorf("% x: %v", c.module, err)
		} else if want := bytes.LastIndex(c.module, []byte(c.at)); e.Offset != int64(want) {
			t.Errorf("at 0x%x: %v", want, err)
		}
	}
}
