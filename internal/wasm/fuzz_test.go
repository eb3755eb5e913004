package wasm_test

import (
	"bytes"
	"runtime"
	"testing"

	"github.com/wbundle/wbundle/internal/wasm"
)

// Decode may allocate so many bytes for one byte of input, and so many more
// whatever the input.
const (
	allocFactor = 64
	allocSlack  = 64 << 10
)

// allocated is the number of bytes that f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// FuzzDecode checks that any bytes are either refused or survive decode,
// encode and decode, without a panic and without much memory.
func FuzzDecode(f *testing.F) {
	f.Add(module())
	f.Add(everything("\x00\x0b"))
	f.Add(everything("\x01\x02\x64\x00\x02\x40\x20\x00\x41\x7f\xfc\x0a\x00\x01\x1f\x40\x01\x00\x00\x00\x0b\x0b\x0b"))
	for _, op := range allOps() {
		code := wasm.AppendOpcode(nil, op)
		for _, imm := range op.Info().Imms {
			b, _ := sampleImm(imm)
			if imm != wasm.ImmNone {
				code = append(code, b...)
			}
		}
		if op&0xff%8 == 0 { // some of each prefix
			f.Add(everything("\x01\x01\x7f\x06\x40", code, "\x0b\x0b"))
		}
	}
	f.Add(module(section(wasm.SectionType, "\x02\x4e\x02\x50\x00\x5f\x01\x78\x01\x4f\x01\x00\x5f\x00\x5e\x77\x01"),
		section(wasm.SectionCustom, "\x04name", "\x00\x02\x01m", "\x01\x04\x01\x00\x01b", "\x02\x05\x01\x00\x01\x00\x00"),
		section(wasm.SectionCustom, "\x09producers", "\x01\x03sdk\x01\x01a\x01b")))
	f.Fuzz(func(t *testing.T, b []byte) {
		var m *wasm.Module
		var err error
		if n := allocated(func() { m, err = wasm.Decode("fuzz", b) }); n > allocFactor*uint64(len(b))+allocSlack {
			t.Errorf("decode allocated %d bytes for %d", n, len(b))
		}
		if err != nil {
			return
		}
		checkSites(t, m)
		_, _ = m.Names()
		_, _ = m.Producers()
		m.FuncNames()
		out := wasm.Encode(m)
		again, err := wasm.Decode("fuzz", out)
		if err != nil {
			t.Fatalf("encoded module is refused: %v", err)
		}
		if !bytes.Equal(out, b) {
			if d := diffModules(m, again); d != "" {
				t.Errorf("-read +written:\n%s", d)
			}
		}
		if !bytes.Equal(wasm.Encode(again), out) {
			t.Error("second encode differs from the first")
		}
	})
}

// TestDecodeAllocation tries the densest input of each list.
func TestDecodeAllocation(t *testing.T) {
	const n = 100_000
	list := func(id wasm.SectionID, before []byte, element string) []byte {
		return module(before, section(id, wasm.AppendU32(nil, n), bytes.Repeat([]byte(element), n)))
	}
	for name, b := range map[string][]byte{
		"types":      list(wasm.SectionType, nil, "\x5f\x00"),
		"rec groups": list(wasm.SectionType, nil, "\x4e\x00"),
		"rec types":  module(section(wasm.SectionType, "\x01\x4e", wasm.AppendU32(nil, n), bytes.Repeat([]byte("\x5f\x00"), n))),
		"params":     module(section(wasm.SectionType, "\x01\x60", wasm.AppendU32(nil, n), bytes.Repeat([]byte("\x7f"), n), 0)),
		"imports":    list(wasm.SectionImport, oneType, "\x00\x00\x00\x00"),
		"functions":  list(wasm.SectionFunction, oneType, "\x00"),
		"tables":     list(wasm.SectionTable, nil, "\x70\x00\x00"),
		"memories":   list(wasm.SectionMemory, nil, "\x00\x00"),
		"tags":       list(wasm.SectionTag, oneType, "\x00\x00"),
		"globals":    list(wasm.SectionGlobal, nil, "\x7f\x00\x41\x00\x0b"),
		"elements":   list(wasm.SectionElement, nil, "\x01\x00\x00"),
		"data":       list(wasm.SectionData, nil, "\x01\x00"),
		"customs":    append(module(), bytes.Repeat([]byte("\x00\x01\x00"), n)...),
		"code": module(oneType, section(wasm.SectionFunction, wasm.AppendU32(nil, n), make([]byte, n)),
			section(wasm.SectionCode, wasm.AppendU32(nil, n), bytes.Repeat([]byte("\x02\x00\x0b"), n))),
		"sites": module(oneType, oneFunc, oneMem, body("\x00", bytes.Repeat([]byte("\x3f\x00"), n), "\x0b")),
		"count": module(section(wasm.SectionType, "\xff\xff\xff\xff\x0f")),
	} {
		var err error
		got := allocated(func() { _, err = wasm.Decode(name, b) })
		if got > uint64(len(b))*allocFactor+allocSlack {
			t.Errorf("%s: %d bytes for %d (%.1f for one), %v", name, got, len(b), float64(got)/float64(len(b)), err)
		}
	}
}
