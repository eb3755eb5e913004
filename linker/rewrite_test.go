package linker_test

import (
	"testing"

	"github.com/wbundle/wbundle/internal/wasm"
	"github.com/wbundle/wbundle/linker"
)

// TestPadding links a module as a linker leaves it, with addresses of five bytes
// in constants and offsets: they are short in the output, and
// mean what they did.
func TestPadding(t *testing.T) {
	t.Parallel()
	m := &wasm.Module{
		Memories:  []wasm.MemType{{Limits: wasm.Limits{Min: 1}}},
		Types:     []wasm.SubType{{Results: []wasm.ValType{wasm.I32}, Final: true, Short: true}},
		RecGroups: []wasm.RecGroup{{Count: 1}},
		Funcs:     []uint32{0},
		Exports:   []wasm.Export{{Name: "load"}},
		Datas:     []wasm.Data{{Init: []byte("\x11\x22\x33\x44")}},
	}
	m.Code = []wasm.Body{{Code: 1, Bytes: []byte("\x00" +
		"\x41\x81\x80\x80\x80\x00" + "\x2d\x00\x82\x80\x80\x80\x00" + // mem[1 + 2]
		"\x41\x80\x7e\x41\xff\xfd\xff\xff\x7f\x73" + // -256 ^ -257
		"\x6a" +
		"\x42\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00\xa7" + // 2^63 - 1, wrapped
		"\x6a\x0b")}}
	b := wasm.NewEncoder(m).Append(nil)
	answers := []answer{{"load()", "578"}}
	for _, form := range []form{coreMulti, coreSingle} {
		res := link(t, []linker.Input{{ID: "padded", Bytes: b}}, form.as(linker.Options{Check: true}))
		runWazero(t, form.String(), res.Output, answers)
		out, err := wasm.Decode("output", res.Output)
		if err != nil {
			t.Fatal(err)
		}
		short := "\x00\x41\x01\x2d\x00\x02\x41\x80\x7e\x41\xff\x7d\x73\x6a" + "\x42\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00\xa7\x6a\x0b"
		if got := string(out.Code[0].Bytes); got != short {
			t.Errorf("%v: body % x, want % x", form, got, short)
		}
	}
}
