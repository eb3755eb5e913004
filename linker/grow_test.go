package linker_test

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"testing"

	"github.com/wbundle/wbundle/internal/wasm"
	"github.com/wbundle/wbundle/linker"
	"github.com/wbundle/wbundle/runtime"
)

// manyPoints is an n for which run(n) passes a list of some megabytes.
const manyPoints = 40_000

// watchWindows adds to a bundle, linked with names, a function that tells the
// sizes of its windows: _start(i) is the size of window i in pages. Package
// runtime calls a function of this name by its core signature even where the
// module has component types. The windows' owners come in the same order.
func watchWindows(t *testing.T, bundle []byte) ([]byte, []string) {
	t.Helper()
	m := decodeModule(t, bundle)
	i := slices.IndexFunc(m.Customs, func(c wasm.Custom) bool { return c.Name == linker.WindowsSection })
	if i < 0 {
		t.Fatal("there is no map of windows")
	}
	_, windows, err := linker.ReadWindows(m.Customs[i].Data)
	if err != nil {
		t.Fatal(err)
	}
	var owners []string
	var body []byte
	var signature uint32
	op := func(o wasm.Opcode) { body = wasm.AppendOpcode(body, o) }
	names := m.FuncNames()
	for _, w := range windows {
		// The function that stands for memory.grow of a window names one
		// global, which is the window's size.
		f := slices.Index(names, w.Owner+" memory.grow")
		if f < 0 {
			continue // nothing grows it
		}
		f -= int(m.NumImported[wasm.SpaceFunc])
		var globals []uint32
		for _, s := range m.Code[f].Sites {
			if s.Kind == wasm.SiteGlobal {
				globals = append(globals, s.Target)
			}
		}
		slices.Sort(globals)
		if globals = slices.Compact(globals); len(globals) != 1 {
			t.Fatalf("memory.grow of %s names the globals %v", w.Owner, globals)
		}
		signature = m.Funcs[f] // (i32) -> i32
		op(wasm.OpGlobalGet)
		body = wasm.AppendU32(body, globals[0])
		op(wasm.OpI32Const)
		body = wasm.AppendS32(body, 0)
		op(wasm.OpLocalGet)
		body = wasm.AppendU32(body, 0)
		op(wasm.OpI32Const)
		body = wasm.AppendS32(body, int32(len(owners)))
		op(wasm.OpI32Eq)
		op(wasm.OpSelect)
		if len(owners) > 0 {
			op(wasm.OpI32Add)
		}
		owners = append(owners, w.Owner)
	}
	if len(owners) == 0 {
		t.Fatalf("none of the windows grows: %+v", windows)
	}
	op(wasm.OpEnd)
	m.Exports = append(m.Exports, wasm.Export{Name: "_start", Kind: wasm.ExternFunc, Index: m.NumImported[wasm.SpaceFunc] + uint32(len(m.Funcs))})
	m.Funcs = append(m.Funcs, signature)
	m.Code = append(m.Code, wasm.Body{Bytes: append([]byte{0}, body...)})
	watched := wasm.Encode(m)
	if err := wasm.Validate(decodeModule(t, watched)); err != nil {
		t.Fatal(err)
	}
	return watched, owners
}

// windowSizes asks what watchWindows added.
func windowSizes(t *testing.T, inst *runtime.Instance, owners []string) []int {
	t.Helper()
	var sizes []int
	for i := range owners {
		text, err := inst.Invoke(context.Background(), fmt.Sprintf("_start(%d)", i))
		if err != nil {
			t.Fatal(err)
		}
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		sizes = append(sizes, n)
	}
	return sizes
}
