package wasm_test

import (
	"testing"

	"github.com/wbundle/wbundle/internal/wasm"
)

// TestSiteSpaces checks that only the kinds without a target have no space.
func TestSiteSpaces(t *testing.T) {
	for k := wasm.SiteNone; k <= wasm.SiteMemBase; k++ {
		none := k == wasm.SiteNone || k == wasm.SiteMemOp || k == wasm.SiteConst
		if got := k.Space(); (got == wasm.SpaceNone) != none {
			t.Errorf("site kind %d is of space %v", k, got)
		}
	}
}

func TestTypeText(t *testing.T) {
	for want, typ := range map[string]wasm.ValType{
		"i32": wasm.I32, "i64": wasm.I64, "f32": wasm.F32, "f64": wasm.F64, "v128": wasm.V128,
		"i8":             {Kind: wasm.KindI8},
		"i16":            {Kind: wasm.KindI16},
		"funcref":        wasm.FuncRef,
		"externref":      wasm.ExternRef,
		"(ref 7)":        {Kind: wasm.KindRef, Heap: 7},
		"(ref func)":     {Kind: wasm.KindRef, Heap: wasm.HeapFunc},
		"(ref null i31)": {Kind: wasm.KindRef, Nullable: true, Heap: wasm.HeapI31},
	} {
		if got := typ.String(); got != want {
			t.Errorf("%+v is %q, want %q", typ, got, want)
		}
	}
	for want, got := range map[string]string{
		"function": wasm.ExternFunc.String(), "tag": wasm.SpaceTag.String(), "nothing": wasm.ExternKind(9).String(),
		"space 99": wasm.Space(99).String(), "tag section": wasm.SectionTag.String(), "section 77": wasm.SectionID(77).String(),
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
