package main

import (
	"context"
	"os/exec"
	"testing"

	"github.com/tetratelabs/wazero"

	"github.com/wbundle/wbundle/linker"
)

// TestCalls makes every call that is measured: it must arrive.
func TestCalls(t *testing.T) {
	if _, err := exec.LookPath("wasm-tools"); err != nil {
		t.Skip("the programs are in text format: ", err)
	}
	ctx := context.Background()
	for _, o := range []linker.Options{{}, {NoVectors: true}} {
		programs, err := callPrograms(o)
		if err != nil {
			t.Fatal(err)
		}
		rt := wazero.NewRuntime(ctx)
		defer rt.Close(ctx)
		for _, p := range programs[:2] {
			m, err := rt.InstantiateWithConfig(ctx, p.bytes, wazero.NewModuleConfig().WithName(""))
			if err != nil {
				t.Fatal(err)
			}
			sum := func() uint32 {
				v, err := m.ExportedFunction("sum").Call(ctx)
				if err != nil {
					t.Fatal(err)
				}
				return uint32(v[0])
			}
			for _, r := range callRows() {
				l, ok := p.loopOf(&r, "")
				if !ok {
					continue
				}
				before := sum()
				if err := prepareWazero(ctx, m, l); err != nil {
					t.Fatalf("%s: %s: %v", p.name, r.name, err)
				}
				if err := callWazero(ctx, m, append(l.Call[:len(l.Call):len(l.Call)], 1)); err != nil {
					t.Errorf("%s: %s: %v", p.name, r.name, err)
				}
				if len(l.Call) > 1 && sum() == before {
					t.Errorf("%s: %s: nothing arrived", p.name, r.name)
				}
			}
		}
	}
}
