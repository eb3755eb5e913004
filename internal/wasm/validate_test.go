package wasm_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/wbundle/wbundle/internal/wasm"
)

// opNames are the opcodes by name; select with a type is "select t".
var opNames = func() map[string]wasm.Opcode {
	names := map[string]wasm.Opcode{}
	for _, op := range allOps() {
		names[op.String()] = op
	}
	names["select"], names["select t"] = wasm.OpSelect, wasm.OpSelectT
	return names
}()

// code assembles instructions: names and their immediates, which are ints
// (LEB128), bytes or slices of bytes.
func code(parts ...any) (b []byte) {
	for _, p := range parts {
		switch p := p.(type) {
		case string:
			op, ok := opNames[p]
			if !ok {
				panic("no instruction " + p)
			}
			b = wasm.AppendOpcode(b, op)
		case int:
			if p < 0 {
				b = wasm.AppendS64(b, int64(p))
			} else {
				b = wasm.AppendU64(b, uint64(p))
			}
		case byte:
			b = append(b, p)
		case []byte:
			b = append(b, p...)
		}
	}
	return b
}

// Value types and the empty block type, as immediates of code. A block type or
// const that is an int is a negative number for a byte of the format.
const (
	i32 = byte(0x7f)
	i64 = byte(0x7e)
	f32 = byte(0x7d)

	empty     = byte(0x40)
	funcref   = byte(0x70)
	externref = byte(0x6f)
	anyref    = byte(0x6e)
	eqref     = byte(0x6d)
	i31ref    = byte(0x6c)
	exnref    = byte(0x69)
)

// ref and refNull are reference types to a type index or the byte of an
// abstract heap type.
func ref(heap byte) []byte     { return []byte{0x64, heap} }
func refNull(heap byte) []byte { return []byte{0x63, heap} }

// The types of world.
const (
	tNone   = iota // [] -> []
	tI32           // [i32] -> [i32]
	tBase          // struct, not final: mutable i32, immutable i8
	tDeriv         // struct below tBase, with a mutable i64
	tI16s          // array of mutable i16
	tRefs          // array of immutable (ref null tBase)
	tPair          // [i32 i64] -> []
	tStrict        // struct with a (ref tBase), which has no default
	tToBase        // [] -> [(ref tBase)]
	tFuncs         // array of mutable funcref
	tTwin          // equal to tBase
	tSwap          // [i32 i64] -> [i64 i32]
)

// world is a module with something of each kind around a function body of
// type [] -> [], whose index is 2. Function 0 is imported and may be
// referred to, function 1 is imported and may not; their types are tNone and
// tI32. Global 0 is an immutable i32, 1 a mutable i32, 2 an immutable
// funcref. Table 0 is of funcref, table 1 of externref with 64-bit indices.
// Memory 0 has 32-bit, memory 1 64-bit addresses. Tags 0 and 1 are of the
// types tNone and tPair.
func world(locals string, body []byte) []byte {
	return module(
		section(wasm.SectionType, "\x0c",
			"\x60\x00\x00",
			"\x60\x01\x7f\x01\x7f",
			"\x50\x00\x5f\x02\x7f\x01\x78\x00",
			"\x4f\x01\x02\x5f\x03\x7f\x01\x78\x00\x7e\x01",
			"\x5e\x77\x01",
			"\x5e\x63\x02\x00",
			"\x60\x02\x7f\x7e\x00",
			"\x5f\x01\x64\x02\x00",
			"\x60\x00\x01\x64\x02",
			"\x5e\x70\x01",
			"\x50\x00\x5f\x02\x7f\x01\x78\x00",
			"\x60\x02\x7f\x7e\x02\x7e\x7f"),
		section(wasm.SectionImport, "\x03\x01m\x01f\x00\x00\x01m\x01g\x00\x01\x01m\x01i\x03\x7f\x00"),
		section(wasm.SectionFunction, "\x01\x00"),
		section(wasm.SectionTable, "\x02\x70\x00\x01\x6f\x04\x01"),
		section(wasm.SectionMemory, "\x02\x00\x01\x04\x01"),
		section(wasm.SectionTag, "\x02\x00\x00\x00\x06"),
		section(wasm.SectionGlobal, "\x02\x7f\x01\x41\x07\x0b\x70\x00\xd2\x00\x0b"),
		section(wasm.SectionElement, "\x02\x01\x00\x01\x00\x05\x6f\x00"),
		section(wasm.SectionDataCount, "\x01"),
		section(wasm.SectionCode, 1, wasm.AppendBytes(nil, cat(locals, body, "\x0b"))),
		section(wasm.SectionData, "\x01\x01\x02hi"),
	)
}

const noLocals = "\x00"

// bodyCases are bodies of world's function, without the final end, and what is
// wrong with them; "" for nothing.
var bodyCases = []struct {
	name   string
	locals string
	code   []byte
	want   string
}{
	{"empty", noLocals, code(), ""},
	{"operand left", noLocals, code("i32.const", 1), "type mismatch: values remaining on stack"},
	{"operand missing", noLocals, code("drop"), "type mismatch: expected a type but nothing on stack"},
	{"wrong operand", noLocals, code("i32.const", 1, "i64.const", 1, "i32.add", "drop"), "type mismatch: expected i32, found i64 (i32.add in function 2)"},
	{"unreachable", noLocals, code("unreachable", "i32.add", "drop"), ""},
	{"unreachable, one operand", noLocals, code("unreachable", "i32.const", 1, "i32.add", "drop"), ""},
	{"unreachable, wrong operand", noLocals, code("unreachable", "i64.const", 1, "i32.add", "drop"), "type mismatch: expected i32, found i64"},
	{"unreachable, left", noLocals, code("unreachable", "i32.const", 1), "type mismatch: values remaining"},
	{"operands of the outer block", noLocals, code("i32.const", 1, "block", empty, "drop", "end"), "type mismatch: expected a type but nothing on stack"},

	{"block result", noLocals, code("block", i32, "i32.const", 1, "end", "drop"), ""},
	{"block result missing", noLocals, code("block", i32, "end", "drop"), "type mismatch: expected i32 but nothing on stack (end in function 2)"},
	{"block parameters", noLocals, code("i32.const", 1, "block", tI32, "i32.eqz", "end", "drop"), ""},
	{"block of a struct type", noLocals, code("block", tBase, "end"), "type mismatch: type 2 is not a function type"},
	{"block of references", noLocals, code("block", refNull(tBase), "ref.null", tDeriv, "end", "drop"), ""},
	{"loop label takes parameters", noLocals, code("i32.const", 1, "loop", tI32, "br", 0, "end", "drop"), ""},
	{"loop label takes no results", noLocals, code("loop", i32, "br", 0, "end", "drop"), ""},
	{"if", noLocals, code("i32.const", 1, "if", i32, "i32.const", 1, "else", "i32.const", 2, "end", "drop"), ""},
	{"if without else", noLocals, code("i32.const", 1, "if", i32, "i32.const", 1, "end", "drop"), "type mismatch: if without else"},
	{"if without else keeps parameters", noLocals, code("i32.const", 1, "i32.const", 1, "if", tI32, "end", "drop"), ""},
	{"if without else swaps", noLocals, code("i32.const", 1, "i64.const", 1, "i32.const", 1, "if", tSwap, "unreachable", "end", "drop", "drop"), "type mismatch: if without else: expected i64, found i32"},
	{"if of i64", noLocals, code("i64.const", 1, "if", empty, "end"), "type mismatch: expected i32, found i64"},
	{"else twice", noLocals, code("i32.const", 1, "if", empty, "else", "else", "end"), "else found outside of an if block"},
	{"else in a block", noLocals, code("block", empty, "else", "end"), "else found outside of an if block"},
	{"br", noLocals, code("block", i32, "i32.const", 1, "br", 0, "end", "drop"), ""},
	{"br without value", noLocals, code("block", i32, "br", 0, "end", "drop"), "type mismatch: expected i32 but nothing on stack"},
	{"br to nowhere", noLocals, code("br", 1), "unknown label 1"},
	{"br_if keeps", noLocals, code("block", i32, "i32.const", 1, "i32.const", 1, "br_if", 0, "end", "drop"), ""},
	{"br_if gives the type of the label", noLocals, code("block", anyref, "ref.null", byte(0x6c), "i32.const", 1, "br_if", 0, "i31.get_s", "drop", "unreachable", "end", "drop"), "type mismatch: expected (ref null i31), found (ref null any)"},
	{"br_table", noLocals, code("block", empty, "block", empty, "i32.const", 1, "br_table", 2, 0, 1, 0, "end", "end"), ""},
	{"br_table arity", noLocals, code("block", i32, "block", empty, "i32.const", 1, "i32.const", 1, "br_table", 1, 0, 1, "end", "i32.const", 1, "end", "drop"), "type mismatch: br_table label 0 takes 0 operands"},
	{"br_table to supertypes", noLocals, code("block", anyref, "block", eqref, "ref.null", byte(0x6c), "i32.const", 1, "br_table", 1, 1, 0, "end", "end", "drop"), ""},
	{"br_table wrong type", noLocals, code("block", i32, "block", i64, "i32.const", 1, "i32.const", 1, "br_table", 1, 0, 1, "end", "drop", "i32.const", 0, "end", "drop"), "type mismatch: expected i64, found i32"},
	{"br_table unreachable", noLocals, code("block", i32, "block", i64, "unreachable", "br_table", 1, 0, 1, "end", "drop", "i32.const", 0, "end", "drop"), ""},
	{"return", noLocals, code("i32.const", 1, "return"), ""},

	{"call", noLocals, code("i32.const", 1, "call", 1, "drop"), ""},
	{"call without argument", noLocals, code("call", 1, "drop"), "type mismatch: expected i32 but nothing on stack (call in function 2)"},
	{"call nothing", noLocals, code("call", 3), "unknown function 3"},
	{"call_indirect", noLocals, code("i32.const", 1, "i32.const", 0, "call_indirect", tI32, 0, "drop"), ""},
	{"call_indirect in a table of references", noLocals, code("i64.const", 0, "call_indirect", tNone, 1), "type mismatch: the table must hold functions"},
	{"call_indirect of a struct", noLocals, code("i32.const", 0, "call_indirect", tBase, 0), "type 2 is not a function type"},
	{"call_ref", noLocals, code("ref.func", 0, "call_ref", tNone), ""},
	{"call_ref of null", noLocals, code("i32.const", 1, "ref.null", tI32, "call_ref", tI32, "drop"), ""},
	{"call_ref of another type", noLocals, code("ref.func", 0, "call_ref", tI32), "type mismatch: expected (ref null 1), found (ref 0)"},
	{"return_call", noLocals, code("return_call", 0), ""},
	{"return_call with other results", noLocals, code("i32.const", 1, "return_call", 1), "type mismatch: a tail call must have the results of its function"},
	{"return_call_indirect", noLocals, code("i32.const", 1, "i64.const", 1, "i32.const", 0, "return_call_indirect", tPair, 0), ""},
	{"return_call_ref", noLocals, code("ref.func", 0, "return_call_ref", tNone, "i32.add", "drop"), ""},

	{"select", noLocals, code("i32.const", 1, "i32.const", 2, "i32.const", 3, "select", "drop"), ""},
	{"select of references", noLocals, code("ref.null", byte(0x70), "ref.null", byte(0x70), "i32.const", 3, "select", "drop"), "type mismatch: select without a type takes no references"},
	{"select of two types", noLocals, code("i32.const", 1, "i64.const", 2, "i32.const", 3, "select", "drop"), "type mismatch: select between i32 and i64"},
	{"select unreachable", noLocals, code("unreachable", "i64.const", 2, "i32.const", 3, "select", "i64.eqz", "drop"), ""},
	{"select unreachable, wrong", noLocals, code("unreachable", "i64.const", 2, "i32.const", 3, "select", "i32.eqz", "drop"), "type mismatch: expected i32, found i64"},
	{"select with a type", noLocals, code("ref.null", tDeriv, "ref.null", tTwin, "i32.const", 3, "select t", 1, refNull(tBase), "drop"), ""},
	{"select with two types", noLocals, code("i32.const", 1, "i32.const", 1, "i32.const", 1, "select t", 2, i32, i32, "drop"), "invalid result arity"},

	{"local", "\x01\x01\x7f", code("local.get", 0, "local.set", 0), ""},
	{"local of another type", "\x01\x01\x7e", code("i32.const", 0, "local.set", 0), "type mismatch: expected i64, found i32"},
	{"unknown local", "\x01\x01\x7f", code("local.get", 3), "unknown local 3"},
	{"local.tee", "\x01\x01\x7f", code("i32.const", 0, "local.tee", 0, "i32.eqz", "drop"), ""},
	{"many locals", "\x02\xe8\x07\x7f\xe8\x07\x7e", code("local.get", 999, "i32.eqz", "drop", "local.get", 1999, "local.set", 1500), ""},
	{"many locals, wrong type", "\x02\xe8\x07\x7f\xe8\x07\x7e", code("local.get", 1999, "local.set", 999), "type mismatch: expected i32, found i64"},
	{"too many locals", "\x01\xd1\x86\x03\x7f", code(), "too many locals"},
	{"local not set", "\x01\x01\x64\x02", code("local.get", 0, "drop"), "uninitialized local 0"},
	{"local set", "\x01\x01\x64\x02", code("struct.new_default", tBase, "local.set", 0, "local.get", 0, "drop"), ""},
	{"local teed", "\x01\x01\x64\x02", code("struct.new_default", tBase, "local.tee", 0, "drop", "block", empty, "local.get", 0, "drop", "end"), ""},
	{"local set in a block only", "\x01\x01\x64\x02", code("block", empty, "struct.new_default", tBase, "local.set", 0, "end", "local.get", 0, "drop"), "uninitialized local 0"},
	{"local set in one arm", "\x01\x01\x64\x02", code("i32.const", 1, "if", empty, "struct.new_default", tBase, "local.set", 0, "else", "local.get", 0, "drop", "end"), "uninitialized local 0"},

	{"global", noLocals, code("global.get", 0, "global.set", 1), ""},
	{"immutable global", noLocals, code("global.get", 1, "global.set", 0), "global is immutable"},
	{"global of another type", noLocals, code("global.get", 2, "global.set", 1), "type mismatch: expected i32, found funcref"},

	{"load", noLocals, code("i32.const", 0, "i32.load", 2, 0, "drop"), ""},
	{"load from a 64-bit memory", noLocals, code("i64.const", 0, "i32.load", 0x42, 1, 0, "drop"), ""},
	{"load from a 64-bit memory at an i32", noLocals, code("i32.const", 0, "i32.load", 0x42, 1, 0, "drop"), "type mismatch: expected i64, found i32"},
	{"unknown memory", noLocals, code("i32.const", 0, "i32.load", 0x42, 2, 0, "drop"), "unknown memory 2"},
	{"alignment", noLocals, code("i32.const", 0, "i32.load16_u", 2, 0, "drop"), "alignment must not be larger than natural"},
	{"atomic alignment", noLocals, code("i32.const", 0, "i32.atomic.load", 1, 0, "drop"), "alignment must be natural"},
	{"atomic", noLocals, code("i32.const", 0, "i32.atomic.load", 2, 0, "drop"), ""},
	{"store", noLocals, code("i32.const", 0, "i64.const", 0, "i64.store", 0, 8), ""},
	{"store of another type", noLocals, code("i32.const", 0, "i32.const", 0, "i64.store", 0, 8), "type mismatch: expected i64, found i32"},
	{"offset", noLocals, code("i32.const", 0, "i32.load", 0, 1<<32, "drop"), "offset out of range"},
	{"memory.grow of 64 bits", noLocals, code("i64.const", 1, "memory.grow", 1, "memory.size", 1, "i64.add", "drop"), ""},
	{"memory.copy between address types", noLocals, code("i32.const", 0, "i64.const", 0, "i32.const", 0, "memory.copy", 0, 1), ""},
	{"memory.copy with a long length", noLocals, code("i32.const", 0, "i64.const", 0, "i64.const", 0, "memory.copy", 0, 1), "type mismatch: expected i32, found i64"},
	{"memory.init", noLocals, code("i64.const", 0, "i32.const", 0, "i32.const", 0, "memory.init", 0, 1, "data.drop", 0), ""},
	{"unknown data segment", noLocals, code("data.drop", 1), "unknown data segment 1"},
	{"lane", noLocals, code("i32.const", 0, "i8x16.splat", "i16x8.extract_lane_s", byte(8), "drop"), "invalid lane index 8"},
	{"lane of a load", noLocals, code("i32.const", 0, "i32.const", 0, "i8x16.splat", "v128.load64_lane", 3, 0, byte(2), "drop"), "invalid lane index 2"},
	{"shuffle", noLocals, code("i32.const", 0, "i8x16.splat", "i32.const", 0, "i8x16.splat", "i8x16.shuffle", bytes.Repeat([]byte{32}, 16), "drop"), "invalid lane index 32"},

	{"table.get", noLocals, code("i64.const", 0, "table.get", 1, "drop"), ""},
	{"table.set", noLocals, code("i32.const", 0, "ref.func", 0, "table.set", 0), ""},
	{"table.set of another type", noLocals, code("i32.const", 0, "ref.null", byte(0x6f), "table.set", 0), "type mismatch: expected funcref, found externref"},
	{"table.init", noLocals, code("i32.const", 0, "i32.const", 0, "i32.const", 0, "table.init", 0, 0, "elem.drop", 0), ""},
	{"table.init of another type", noLocals, code("i32.const", 0, "i32.const", 0, "i32.const", 0, "table.init", 1, 0), "type mismatch: a segment of externref"},
	{"table.copy of another type", noLocals, code("i32.const", 0, "i64.const", 0, "i32.const", 0, "table.copy", 0, 1), "type mismatch: a table of externref"},
	{"table.copy", noLocals, code("i64.const", 0, "i64.const", 0, "i64.const", 0, "table.copy", 1, 1), ""},
	{"table.grow", noLocals, code("ref.null", byte(0x6f), "i64.const", 1, "table.grow", 1, "table.size", 1, "i64.add", "drop"), ""},
	{"table.fill", noLocals, code("i32.const", 0, "ref.null", byte(0x73), "i32.const", 1, "table.fill", 0), ""},

	{"ref.func undeclared", noLocals, code("ref.func", 1, "drop"), "undeclared function reference 1"},
	{"ref.is_null", noLocals, code("ref.null", tBase, "ref.is_null", "drop"), ""},
	{"ref.is_null of a number", noLocals, code("i32.const", 1, "ref.is_null", "drop"), "type mismatch: expected a reference, found i32"},
	{"ref.as_non_null", noLocals, code("ref.null", tNone, "ref.as_non_null", "call_ref", tNone), ""},
	{"ref.as_non_null of nothing", noLocals, code("unreachable", "ref.as_non_null", "i32.eqz", "drop"), "type mismatch: expected i32, found a reference"},
	{"ref.eq", noLocals, code("ref.null", tBase, "i32.const", 1, "ref.i31", "ref.eq", "drop"), ""},
	{"ref.eq of functions", noLocals, code("ref.func", 0, "ref.func", 0, "ref.eq", "drop"), "type mismatch: expected (ref null eq), found (ref 0)"},
	{"br_on_null", noLocals, code("block", empty, "ref.null", tNone, "br_on_null", 0, "call_ref", tNone, "end"), ""},
	{"br_on_non_null", noLocals, code("block", ref(tNone), "ref.null", tNone, "br_on_non_null", 0, "return", "end", "call_ref", tNone), ""},
	{"br_on_non_null without value", noLocals, code("block", empty, "ref.null", tNone, "br_on_non_null", 0, "end"), "type mismatch: label 0 must take a reference last"},

	{"struct.new", noLocals, code("i32.const", 1, "i32.const", 2, "struct.new", tBase, "struct.get_u", tBase, 1, "drop"), ""},
	{"struct.new without a field", noLocals, code("i32.const", 1, "struct.new", tBase, "drop"), "type mismatch: expected i32 but nothing on stack"},
	{"struct.new_default without default", noLocals, code("struct.new_default", tStrict, "drop"), "not defaultable"},
	{"struct.get of a subtype", noLocals, code("struct.new_default", tDeriv, "struct.get", tBase, 0, "drop"), ""},
	{"struct.get of a supertype", noLocals, code("struct.new_default", tBase, "struct.get", tDeriv, 2, "drop"), "type mismatch: expected (ref null 3), found (ref 2)"},
	{"struct.get of a packed field", noLocals, code("struct.new_default", tBase, "struct.get", tBase, 1, "drop"), "type mismatch: field is packed"},
	{"struct.get_s of an unpacked field", noLocals, code("struct.new_default", tBase, "struct.get_s", tBase, 0, "drop"), "type mismatch: field is unpacked"},
	{"struct.get of no field", noLocals, code("struct.new_default", tBase, "struct.get", tBase, 2, "drop"), "unknown field 2"},
	{"struct.get of an array", noLocals, code("unreachable", "struct.get", tI16s, 0, "drop"), "type 4 is not a struct type"},
	{"struct.set", noLocals, code("struct.new_default", tBase, "i32.const", 1, "struct.set", tBase, 0), ""},
	{"struct.set of an immutable field", noLocals, code("struct.new_default", tBase, "i32.const", 1, "struct.set", tBase, 1), "immutable field 1"},
	{"equal types are the same", noLocals, code("struct.new_default", tTwin, "struct.get", tBase, 0, "drop"), ""},

	{"array.new", noLocals, code("i32.const", 1, "i32.const", 1, "array.new", tI16s, "i32.const", 0, "array.get_s", tI16s, "drop"), ""},
	{"array.get of packed elements", noLocals, code("i32.const", 1, "array.new_default", tI16s, "i32.const", 0, "array.get", tI16s, "drop"), "type mismatch: field is packed"},
	{"array.new_fixed", noLocals, code("ref.null", tDeriv, "ref.null", tBase, "array.new_fixed", tRefs, 2, "array.len", "drop"), ""},
	{"array.new_fixed of too many", noLocals, code("ref.null", tDeriv, "array.new_fixed", tRefs, 2, "drop"), "type mismatch: expected (ref null 2) but nothing on stack"},
	{"array.new_fixed unreachable", noLocals, code("unreachable", "array.new_fixed", tRefs, 1<<32-2, "drop"), ""},
	{"array.new_data", noLocals, code("i32.const", 0, "i32.const", 0, "array.new_data", tI16s, 0, "drop"), ""},
	{"array.new_data of references", noLocals, code("i32.const", 0, "i32.const", 0, "array.new_data", tRefs, 0, "drop"), "type mismatch: array type is not numeric or vector"},
	{"array.new_elem", noLocals, code("i32.const", 0, "i32.const", 0, "array.new_elem", tFuncs, 0, "drop"), ""},
	{"array.new_elem of another type", noLocals, code("i32.const", 0, "i32.const", 0, "array.new_elem", tFuncs, 1, "drop"), "type mismatch: a segment of externref"},
	{"array.new_elem of numbers", noLocals, code("i32.const", 0, "i32.const", 0, "array.new_elem", tI16s, 0, "drop"), "type mismatch: a segment of"},
	{"array.set", noLocals, code("ref.null", tI16s, "i32.const", 0, "i32.const", 1, "array.set", tI16s), ""},
	{"array.set of an immutable array", noLocals, code("ref.null", tRefs, "i32.const", 0, "ref.null", tBase, "array.set", tRefs), "immutable array"},
	{"array.fill", noLocals, code("ref.null", tI16s, "i32.const", 0, "i32.const", 1, "i32.const", 1, "array.fill", tI16s), ""},
	{"array.copy", noLocals, code("ref.null", tI16s, "i32.const", 0, "ref.null", tI16s, "i32.const", 0, "i32.const", 1, "array.copy", tI16s, tI16s), ""},
	{"array.copy of other elements", noLocals, code("ref.null", tI16s, "i32.const", 0, "ref.null", tFuncs, "i32.const", 0, "i32.const", 1, "array.copy", tI16s, tFuncs), "array types do not match"},
	{"array.init_data", noLocals, code("ref.null", tI16s, "i32.const", 0, "i32.const", 0, "i32.const", 1, "array.init_data", tI16s, 0), ""},
	{"array.init_elem", noLocals, code("ref.null", tFuncs, "i32.const", 0, "i32.const", 0, "i32.const", 1, "array.init_elem", tFuncs, 0), ""},
	{"array.len of a struct", noLocals, code("ref.null", tBase, "array.len", "drop"), "type mismatch: expected (ref null array), found (ref null 2)"},

	{"ref.test", noLocals, code("ref.null", byte(0x6e), "ref.test", tBase, "drop"), ""},
	{"ref.test in another hierarchy", noLocals, code("ref.func", 0, "ref.test", tBase, "drop"), "type mismatch: expected (ref null any), found (ref 0)"},
	{"ref.cast", noLocals, code("ref.null", byte(0x6e), "ref.cast", tDeriv, "struct.get", tBase, 0, "drop"), ""},
	{"br_on_cast", noLocals, code("block", ref(tDeriv), "ref.null", tBase, "br_on_cast", byte(1), 0, tBase, tDeriv, "drop", "return", "end", "drop"), ""},
	{"br_on_cast to a supertype", noLocals, code("block", ref(tBase), "ref.null", tDeriv, "br_on_cast", byte(1), 0, tDeriv, tBase, "drop", "return", "end", "drop"), "type mismatch: cast from (ref null 3) to (ref 2)"},
	{"br_on_cast_fail takes null away", noLocals, code("block", ref(tBase), "ref.null", tBase, "br_on_cast_fail", byte(3), 0, tBase, tDeriv, "drop", "return", "end", "drop"), ""},
	{"br_on_cast_fail with null left", noLocals, code("block", ref(tBase), "ref.null", tBase, "br_on_cast_fail", byte(1), 0, tBase, tDeriv, "drop", "return", "end", "drop"), "type mismatch: the branch takes (ref null 2), its label (ref 2)"},
	{"conversions", noLocals, code("i32.const", 1, "ref.i31", "extern.convert_any", "any.convert_extern", "ref.as_non_null", "drop"), ""},
	{"conversion keeps null", "\x01\x01\x64\x6e", code("ref.null", byte(0x6f), "any.convert_extern", "local.set", 0), "type mismatch: expected (ref any), found (ref null any)"},
	{"conversion of nothing", "\x01\x01\x64\x6e", code("unreachable", "any.convert_extern", "local.set", 0), ""},
	{"i31", noLocals, code("ref.null", byte(0x71), "i31.get_u", "drop"), ""},

	{"throw", noLocals, code("i32.const", 1, "i64.const", 1, "throw", 1), ""},
	{"throw without values", noLocals, code("throw", 1), "type mismatch: expected i64 but nothing on stack"},
	{"throw_ref", noLocals, code("ref.null", byte(0x69), "throw_ref"), ""},
	{"try_table", noLocals, code("block", exnref, "try_table", empty, 4, byte(2), 1, byte(3), 0, byte(1), 0, 0, byte(0), 0, 1, "end", "return", "end", "drop"), ""},
	{"catch to a label of other types", noLocals, code("block", exnref, "try_table", empty, 1, byte(0), 0, 0, "end", "return", "end", "drop"), "type mismatch: the catch clause gives 0 operands"},
	{"catch_all_ref to a number", noLocals, code("block", i32, "try_table", empty, 1, byte(3), 0, "end", "return", "end", "drop"), "type mismatch: the catch clause gives (ref exn)"},
	{"legacy try", noLocals, code("try", i32, "i32.const", 1, "catch", 1, "drop", "catch_all", "rethrow", 0, "end", "drop"), ""},
	{"legacy catch leaves its values", noLocals, code("try", empty, "catch", 1, "end"), "type mismatch: values remaining"},
	{"legacy delegate", noLocals, code("try", empty, "try", empty, "call", 0, "delegate", 0, "catch_all", "end"), ""},
	{"legacy delegate of a block", noLocals, code("block", empty, "delegate", 0), "delegate found outside of a try block"},
	{"legacy rethrow outside of a catch", noLocals, code("try", empty, "rethrow", 0, "end"), "invalid rethrow label"},
	{"legacy catch after catch_all", noLocals, code("try", empty, "catch_all", "catch", 0, "end"), "catch found outside of a try block"},
	{"legacy catch in a block", noLocals, code("block", empty, "catch_all", "end"), "catch_all found outside of a try block"},
}

func TestValidateBody(t *testing.T) {
	for _, c := range bodyCases {
		t.Run(c.name, func(t *testing.T) {
			checkError(t, world(c.locals, c.code), c.want)
		})
	}
}

// checkError checks that b is refused with want in the error, or accepted when
// want is empty. The scan is left to the validator as well as done before it.
func checkError(t *testing.T, b []byte, want string) {
	t.Helper()
	errs := []error{check("t.wasm", b)}
	if m, err := wasm.DecodeNoScan("t.wasm", b); err != nil {
		errs = append(errs, err)
	} else {
		errs = append(errs, wasm.Validate(m))
	}
	for i, err := range errs {
		var e *wasm.Error
		switch {
		case err == nil && want != "":
			t.Errorf("%d: accepted, want %q", i, want)
		case err != nil && want == "":
			t.Errorf("%d: %v", i, err)
		case err != nil && (!errors.As(err, &e) || !strings.Contains(e.Msg, want)):
			t.Errorf("%d: %v\nwant %q", i, err, want)
		}
	}
}

// TestValidatePosition checks where an error in a body says it is.
func TestValidatePosition(t *testing.T) {
	b := world(noLocals, code("nop", "i32.const", 1, "i64.eqz", "drop"))
	var e *wasm.Error
	if err := check("t.wasm", b); !errors.As(err, &e) {
		t.Fatal(err)
	}
	want := &wasm.Error{Input: "t.wasm", Section: "code section", Offset: int64(bytes.Index(b, []byte{0x41, 1, 0x50}) + 2),
		Msg: "type mismatch: expected i64, found i32 (i64.eqz in function 2)"}
	if *e != *want {
		t.Errorf("got %v\nwant %v", e, want)
	}
}

// constants are values of the types that signatures use.
var constants = map[byte][]byte{
	'i': code("i32.const", 0), 'l': code("i64.const", 0), 'f': code("f32.const", make([]byte, 4)),
	'd': code("f64.const", make([]byte, 8)), 'v': code("v128.const", make([]byte, 16)),
}

// TestValidateSignatures tries every instruction that has a signature: with
// its operands, with one of another type, and with one too few.
func TestValidateSignatures(t *testing.T) {
	tried := 0
	for _, op := range allOps() {
		info := op.Info()
		operands, results, ok := strings.Cut(info.Sig, ":")
		if !ok {
			continue
		}
		tried++
		instr := wasm.AppendOpcode(nil, op)
		for _, imm := range info.Imms {
			switch imm {
			case wasm.ImmNone:
			case wasm.ImmMemArg:
				instr = append(instr, byte(naturalAlign(info.Name)), 0)
			default:
				s, _ := sampleImm(imm)
				instr = append(instr, s...)
			}
		}
		drops := bytes.Repeat(code("drop"), len(results))
		push := func(letters string) (b []byte) {
			for _, l := range []byte(strings.ReplaceAll(letters, "a", "i")) {
				b = append(b, constants[l]...)
			}
			return b
		}
		if err := check(info.Name, world(noLocals, cat(push(operands), instr, drops))); err != nil {
			t.Errorf("%s: %v", info.Name, err)
		}
		for i := range operands {
			wrong := "l"
			if operands[i] == 'l' {
				wrong = "f"
			}
			err := check(info.Name, world(noLocals, cat(push(operands[:i]+wrong+operands[i+1:]), instr, drops)))
			if err == nil || !strings.Contains(err.Error(), "type mismatch") {
				t.Errorf("%s with operand %d wrong: %v", info.Name, i, err)
			}
		}
		if operands != "" {
			if err := check(info.Name, world(noLocals, cat(push(operands[1:]), instr, drops))); err == nil {
				t.Errorf("%s with an operand missing: accepted", info.Name)
			}
		}
	}
	t.Logf("%d instructions", tried)
}

// naturalAlign is the log2 of the bytes that a memory instruction accesses,
// from the lists of the specification.
func naturalAlign(name string) int {
	for align, names := range [][]string{
		{"load8_", "store8", "rmw8."},
		{"load16_", "store16", "rmw16."},
		{"load32_", "store32", "rmw32.", "i32.load", "i32.store", "f32.", "i32.atomic", "notify", "wait32"},
		{"load64_", "store64", "i64.", "f64.", "wait64", "v128.load8x8", "v128.load16x4", "v128.load32x2"},
		{"v128."},
	} {
		for _, n := range names {
			if strings.Contains(name, n) {
				return align
			}
		}
	}
	return -1
}

// TestValidateAlignment tries all alignments of all memory instructions.
func TestValidateAlignment(t *testing.T) {
	tried := 0
	for _, op := range allOps() {
		info := op.Info()
		if info.Imms[0] != wasm.ImmMemArg {
			continue
		}
		tried++
		natural := naturalAlign(info.Name)
		for align := range 6 {
			instr := cat(wasm.AppendOpcode(nil, op), align, 0)
			if info.Imms[1] == wasm.ImmLane {
				instr = append(instr, 0)
			}
			err := check(info.Name, world(noLocals, cat(code("unreachable"), instr, code("unreachable"))))
			want := align <= natural
			if op >= wasm.PrefixAtomic {
				want = align == natural
			}
			if (err == nil) != want {
				t.Errorf("%s, alignment 2^%d: %v", info.Name, align, err)
			}
		}
	}
	t.Logf("%d instructions", tried)
}

// TestValidateBodies checks that ranges can be validated at the same time.
func TestValidateBodies(t *testing.T) {
	const n = 2000
	var bodies []byte
	for i := range n {
		bodies = append(bodies, wasm.AppendBytes(nil, cat(noLocals, bytes.Repeat(code("i32.const", i, "drop"), i%7), "\x0b"))...)
	}
	b := module(oneType, section(wasm.SectionFunction, wasm.AppendU32(nil, n), make([]byte, n)),
		section(wasm.SectionCode, wasm.AppendU32(nil, n), bodies))
	m := decode(t, b)
	v, err := wasm.ValidateDecls(m)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for lo := 0; lo < n; lo += 100 {
		wg.Go(func() {
			if err := v.ValidateBodies(lo, lo+100); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	m.Code[n-1].Bytes = append([]byte(noLocals), code("drop", "end")...)
	if err := v.ValidateBodies(n-1, n); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("(drop in function %d)", n-1)) {
		t.Errorf("%v", err)
	}
}

// TestValidateDepth nests blocks by the hundred thousands.
func TestValidateDepth(t *testing.T) {
	const n = 300_000
	for _, op := range []string{"block", "try"} {
		body := cat(bytes.Repeat(code(op, empty), n), bytes.Repeat(code("end"), n))
		if err := check(op, world(noLocals, body)); err != nil {
			t.Errorf("%s: %v", op, err)
		}
	}
}

// TestValidateAllocation checks that instructions allocate nothing.
func TestValidateAllocation(t *testing.T) {
	one := code("block", refNull(tBase), "i32.const", 1, "i32.const", 2, "struct.new", tBase, "br", 0, "end", "drop",
		"i32.const", 1, "if", i32, "i32.const", 1, "else", "local.get", 0, "end", "call", 1, "local.set", 0,
		"local.get", 0, "i64.const", 1, "try_table", tSwap, 1, byte(2), 0, "throw", 1, "end", "drop", "drop")
	m := decode(t, world("\x01\x01\x7f", bytes.Repeat(one, 2000)))
	v, err := wasm.ValidateDecls(m)
	if err != nil {
		t.Fatal(err)
	}
	if err := v.ValidateBodies(0, 1); err != nil {
		t.Fatal(err)
	}
	// The pool may be empty now and then.
	if n := testing.AllocsPerRun(20, func() { _ = v.ValidateBodies(0, 1) }); n > 30 {
		t.Errorf("%v allocations for %d instructions", n, 2000*24)
	}
}

// FuzzValidate checks that no bytes make the validator panic, and that what is
// valid stays so when it is written again.
func FuzzValidate(f *testing.F) {
	f.Add(everything("\x00\x0b"))
	for _, c := range bodyCases {
		f.Add(world(c.locals, c.code))
	}
	for _, c := range declCases {
		f.Add(c.module)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := wasm.DecodeNoScan("fuzz", b)
		if err != nil {
			return
		}
		unscanned := wasm.Validate(m)
		if unscanned != nil {
			checkPosition(t, m, unscanned)
		}
		if m, err = wasm.Decode("fuzz", b); err != nil {
			if unscanned == nil {
				t.Fatalf("valid, but refused by the scan: %v", err)
			}
			return
		}
		if err := wasm.Validate(m); (err == nil) != (unscanned == nil) {
			t.Fatalf("with the scan: %v\nwithout: %v", err, unscanned)
		}
		if unscanned != nil {
			return
		}
		if err := check("again", wasm.Encode(m)); err != nil {
			t.Fatalf("valid, but not when encoded again: %v", err)
		}
	})
}
