package opt

import "testing"

// TestReorderLocals runs reorder-locals.
func TestReorderLocals(t *testing.T) {
	runGolden(t, []golden{
		{name: "by use and type", before: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32 i64 i32 i64 i32 f32)
				call $g
				local.set 4
				call $g
				i64.extend_i32_u
				local.set 3
				local.get 3
				local.set 5
				call $g
				local.set 2
				local.get 2
				local.get 2
				i32.mul
				local.get 4
				i32.sub
				local.get 5
				i32.wrap_i64
				i32.add
				local.get 5
				i32.wrap_i64
				i32.add))`,
			after: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32 i32 i64 i64)
				call $g
				local.set 3
				call $g
				i64.extend_i32_u
				local.set 5
				local.get 5
				local.set 4
				call $g
				local.set 2
				local.get 2
				local.get 2
				i32.mul
				local.get 3
				i32.sub
				local.get 4
				i32.wrap_i64
				i32.add
				local.get 4
				i32.wrap_i64
				i32.add))`},
		{name: "parameters stay", same: true, before: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32)
				local.get 1
				local.get 1
				i32.mul))`},
	}, Size, "reorder-locals")
}
