package opt

import "testing"

// TestSplitLocals runs split-locals.
func TestSplitLocals(t *testing.T) {
	runGolden(t, []golden{
		{name: "two webs", before: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32)
				call $g
				local.set 2
				local.get 2
				call $f
				call $g
				local.set 2
				local.get 2
				local.get 2
				i32.add))`,
			after: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32 i32)
				call $g
				local.set 2
				local.get 2
				call $f
				call $g
				local.set 3
				local.get 3
				local.get 3
				i32.add))`},
		{name: "a parameter", before: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32)
				local.get 0
				call $f
				call $g
				local.set 0
				local.get 0
				local.get 0
				i32.add))`,
			after: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32 i32)
				local.get 0
				call $f
				call $g
				local.set 3
				local.get 3
				local.get 3
				i32.add))`},
		{name: "zero is a value", before: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32)
				local.get 1
				if
					call $g
					local.set 2
				end
				local.get 2
				call $f
				call $g
				local.set 2
				local.get 2))`,
			after: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32 i32)
				local.get 1
				if
					call $g
					local.set 2
				end
				local.get 2
				call $f
				call $g
				local.set 3
				local.get 3))`},
		{name: "around a loop", same: true, before: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32)
				loop
					local.get 2
					call $f
					call $g
					local.set 2
					local.get 0
					i32.const 1
					i32.shr_u
					local.tee 0
					br_if 0
				end
				local.get 2))`},
		{name: "a branch joins webs", same: true, before: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32)
				block
					call $g
					local.set 2
					local.get 0
					br_if 0
					local.get 2
					call $f
					call $g
					local.set 2
				end
				local.get 2))`},
	}, Size, "split-locals")
}
