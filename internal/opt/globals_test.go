package opt

import "testing"

func TestGlobals(t *testing.T) {
	runGolden(t, []golden{
		{name: "only written", before: `(module (import "h" "f" (func $h (result i32)))
			(global $w (mut i32) (i32.const 0))
			(func (export "a") (global.set $w (call $h))))`,
			after: `(module (import "h" "f" (func $h (result i32)))
			(global $w i32 (i32.const 0))
			(func (export "a") (drop (call $h))))`},
		{name: "the host sees it", same: true, before: `(module
			(global $w (export "g") (mut i32) (i32.const 0))
			(func (export "a") (global.set $w (i32.const 1))))`},
		{name: "never written", before: `(module
			(global $c (mut i32) (i32.const 7))
			(global $d (mut f64) (f64.const 1.5))
			(func (export "a") (result i32) (global.get $c))
			(func (export "b") (result f64) (f64.add (f64.add (global.get $d) (global.get $d)) (global.get $d))))`,
			after: `(module
			(global $c i32 (i32.const 7))
			(global $d f64 (f64.const 1.5))
			(func (export "a") (result i32) (i32.const 7))
			(func (export "b") (result f64) (f64.add (f64.add (global.get $d) (global.get $d)) (global.get $d))))`},
		{name: "the same constant", before: `(module
			(global $c (mut i64) (i64.const -3))
			(func (export "a") (param i32) (result i64)
				(if (local.get 0) (then (global.set $c (i64.const -3))))
				(global.get $c)))`,
			after: `(module
			(global $c i64 (i64.const -3))
			(func (export "a") (param i32) (result i64)
				(if (local.get 0) (then))
				(i64.const -3)))`},
		{name: "another constant", same: true, before: `(module
			(global $c (mut i64) (i64.const -3))
			(func (export "a") (param i32) (result i64)
				(global.set $c (i64.const -3))
				(if (local.get 0) (then (global.set $c (i64.const 3))))
				(global.get $c)))`},
		{name: "a counter", before: `(module
			(global $n (mut i32) (i32.const 0))
			(func (export "a") (param i32) (result i32)
				(global.set $n (i32.add (global.get $n) (local.get 0)))
				(local.get 0)))`,
			after: `(module
			(global $n i32 (i32.const 0))
			(func (export "a") (param i32) (result i32) (local.get 0)))`},
		{name: "a flag", before: `(module
			(global $n (mut i32) (i32.const 0))
			(func (export "a")
				(if (i32.eqz (global.get $n)) (then (global.set $n (i32.const 1))))))`,
			after: `(module
			(global $n i32 (i32.const 0))
			(func (export "a")))`},
		{name: "a flag that guards something", same: true, before: `(module (import "h" "f" (func $h))
			(global $n (mut i32) (i32.const 0))
			(func (export "a")
				(if (i32.eqz (global.get $n)) (then (global.set $n (i32.const 1)) (call $h)))))`},
		{name: "an update that may trap", same: true, before: `(module
			(global $n (mut i32) (i32.const 100))
			(func (export "a") (param i32) (result i32)
				(global.set $n (i32.div_u (global.get $n) (local.get 0)))
				(local.get 0)))`},
		{name: "an update whose value goes elsewhere, too", same: true, before: `(module
			(global $n (mut i32) (i32.const 1))
			(func (export "a") (param i32) (result i32)
				(global.set $n (local.tee 0 (i32.add (global.get $n) (i32.const 3))))
				(local.get 0)))`},
		{name: "read by a function that nothing calls", before: `(module
			(global $w (mut i32) (i32.const 0))
			(func (export "a") (global.set $w (i32.const 1)))
			(func (result i32) (global.get $w)))`,
			after: `(module
			(type (func)) (type (func (result i32)))
			(global $w i32 (i32.const 0))
			(func (export "a") (drop (i32.const 1)))
			(func (result i32) unreachable))`},
	}, Size, "globals")
}

// TestGlobalsInConstants is about globals that constant expressions read, which
// wazero has no instances of.
func TestGlobalsInConstants(t *testing.T) {
	for _, c := range []golden{
		{name: "the global of another", before: `(module
			(global $c i32 (i32.const 1000000))
			(global $d i32 (global.get $c))
			(func (export "a") (result i32) (i32.add (global.get $d) (i32.mul (global.get $d) (i32.add (global.get $c) (global.get $c))))))`,
			after: `(module
			(global $c i32 (i32.const 1000000))
			(global $d i32 (global.get $c))
			(func (export "a") (result i32) (i32.add (global.get $c) (i32.mul (global.get $c) (i32.add (global.get $c) (global.get $c))))))`},
		{name: "read by a segment", before: `(module (memory 1)
			(global $at i32 (i32.const 16))
			(data (offset (global.get $at)) "abc")
			(func (export "a") (result i32) (i32.load8_u (global.get $at))))`,
			after: `(module (memory 1)
			(global $at i32 (i32.const 16))
			(data (offset (global.get $at)) "abc")
			(func (export "a") (result i32) (i32.load8_u (i32.const 16))))`},
	} {
		after := tidy(print(t, optimize(t, wat(t, c.before), Size, "globals")))
		if want := tidy(print(t, wat(t, c.after))); after != want {
			t.Errorf("%s: got\n%s\nwant\n%s", c.name, after, want)
		}
	}
}
