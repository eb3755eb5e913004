package opt

import (
	"context"
	"testing"

	"github.com/wbundle/wbundle/internal/ir"
	"github.com/wbundle/wbundle/internal/wasm"
)

func TestEffects(t *testing.T) {
	m, err := wasm.Decode("test", wat(t, `(module
		(import "h" "h" (func $import))
		(memory 1) (table 1 funcref) (tag $e)
		(global $m (mut i32) (i32.const 0)) (global $c i32 (i32.const 0))
		(func $pure (param i32) (result i32) (i32.add (local.get 0) (global.get $c)))
		(func $load (param i32) (result i32) (i32.load (call $pure (local.get 0))))
		(func $store (param i32) (i32.store8 (i32.const 8) (call $load (local.get 0))))
		(func $get (result i32) (global.get $m))
		(func $set (global.set $m (call $get)))
		(func $divides (param i32) (result i32) (i32.div_u (local.get 0) (i32.const 10)))
		(func $traps (param i32) (result i32) (i32.div_s (local.get 0) (i32.const -1)))
		(func $loops (loop (br_if 0 (i32.const 0))))
		(func $ping (call $pong)) (func $pong (if (global.get $m) (then (call $ping))) (global.set $m (i32.const 1)))
		(func $asks (call $import))
		(func $indirect (call_indirect (i32.const 0)))
		(func $throws (throw $e))
		(func $grows (drop (memory.grow (i32.const 1))))
		(func $looks (drop (table.get 0 (i32.const 0))))
		(func (export "a") (param i32)
			(drop (call $pure (local.get 0))) (call $store (local.get 0)) (call $set) (drop (call $divides (local.get 0)))
			(drop (call $traps (local.get 0))) (call $loops) (call $ping) (call $asks) (call $indirect) (call $throws) (call $grows) (call $looks))
		(func $nobody (unreachable)))`))
	if err != nil {
		t.Fatal(err)
	}
	s := &state{ctx: context.Background(), m: m, c: ir.NewContext(m)}
	const cycle = ir.ReadsGlobal | ir.WritesGlobal | ir.Calls
	want := map[string]ir.Effect{
		"import": ir.AnyCall, "pure": 0, "load": ir.ReadsMemory | ir.Traps, "store": ir.ReadsMemory | ir.WritesMemory | ir.Traps,
		"get": ir.ReadsGlobal, "set": ir.ReadsGlobal | ir.WritesGlobal, "divides": 0, "traps": ir.Traps, "loops": ir.Calls,
		"ping": cycle, "pong": cycle, "asks": ir.AnyCall, "indirect": ir.AnyCall, "throws": ir.Throws | ir.Traps,
		"grows": ir.ReadsMemory | ir.WritesMemory, "looks": ir.ReadsTable | ir.Traps, "nobody": ir.AnyCall,
	}
	fx := s.effects()
	seen := 0
	for fn, name := range m.FuncNames() {
		if w, ok := want[name]; ok {
			seen++
			if fx[fn] != w {
				t.Errorf("%s: %b, want %b", name, fx[fn], w)
			}
		}
	}
	if seen != len(want) {
		t.Errorf("found %d of %d functions", seen, len(want))
	}
	// What a body does is looked up the second time, and is the same.
	for fn, again := range s.effects() {
		if again != fx[fn] {
			t.Errorf("function %d: %b, then %b", fn, fx[fn], again)
		}
	}
}
