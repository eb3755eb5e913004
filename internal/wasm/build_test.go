package wasm_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/wbundle/wbundle/internal/wasm"
)

// module puts sections behind a preamble.
func module(sections ...[]byte) []byte {
	b := []byte("\x00asm\x01\x00\x00\x00")
	for _, s := range sections {
		b = append(b, s...)
	}
	return b
}

// section frames content, which is strings and bytes one after the other.
func section(id wasm.SectionID, content ...any) []byte {
	return wasm.AppendBytes([]byte{byte(id)}, cat(content...))
}

// cat joins strings, byte slices and ints (bytes).
func cat(content ...any) (b []byte) {
	for _, c := range content {
		switch c := c.(type) {
		case string:
			b = append(b, c...)
		case []byte:
			b = append(b, c...)
		case int:
			b = append(b, byte(c))
		}
	}
	return b
}

// body is a code section with one function body.
func body(code ...any) []byte {
	return section(wasm.SectionCode, 1, wasm.AppendBytes(nil, cat(code...)))
}

var (
	oneType = section(wasm.SectionType, "\x01\x60\x00\x00")
	oneFunc = section(wasm.SectionFunction, "\x01\x00")
	oneMem  = section(wasm.SectionMemory, "\x01\x00\x01")
)

// everything is a module with one member of each space, three for memories
// (the second one 64-bit), and the given function body.
func everything(code ...any) []byte {
	return module(
		section(wasm.SectionType, "\x02\x60\x00\x00\x5f\x01\x7f\x01"),
		section(wasm.SectionImport, "\x01\x01m\x01f\x00\x00"),
		oneFunc,
		section(wasm.SectionTable, "\x01\x70\x00\x01"),
		section(wasm.SectionMemory, "\x03\x00\x01\x04\x01\x03\x01\x02"),
		section(wasm.SectionTag, "\x01\x00\x00"),
		section(wasm.SectionGlobal, "\x01\x7f\x00\x41\x07\x0b"),
		section(wasm.SectionElement, "\x01\x01\x00\x01\x00"),
		section(wasm.SectionDataCount, "\x01"),
		body(code...),
		section(wasm.SectionData, "\x01\x01\x02hi"),
	)
}

func decode(t *testing.T, b []byte) *wasm.Module {
	t.Helper()
	m, err := wasm.Decode("t.wasm", b)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// diffModules compares what two modules say, not where it stood.
func diffModules(a, b *wasm.Module) string {
	return cmp.Diff(a, b,
		cmpopts.EquateEmpty(),
		cmpopts.IgnoreFields(wasm.Module{}, "Bytes", "Input"),
		cmpopts.IgnoreFields(wasm.Import{}, "Off"),
		cmpopts.IgnoreFields(wasm.Export{}, "Off"),
		cmpopts.IgnoreFields(wasm.Expr{}, "Off"),
		cmpopts.IgnoreFields(wasm.Elem{}, "Off"),
		cmpopts.IgnoreFields(wasm.Data{}, "Off"),
		cmpopts.IgnoreFields(wasm.Body{}, "Off"),
		cmpopts.IgnoreFields(wasm.Custom{}, "Off"),
	)
}
