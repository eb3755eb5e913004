package opt

import "testing"

// TestLocalCSE runs local-cse.
func TestLocalCSE(t *testing.T) {
	runGolden(t, []golden{
		{name: "a load", before: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32)
				local.get 0
				i32.load offset=8
				local.get 0
				i32.load offset=8
				i32.mul))`,
			after: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32 i32)
				local.get 0
				i32.load offset=8
				local.tee 3
				local.get 3
				i32.mul))`},
		{name: "the largest", before: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32)
				local.get 0
				i32.const 40
				i32.add
				i32.load
				local.get 0
				i32.const 40
				i32.add
				i32.load
				i32.mul
				local.get 0
				i32.const 40
				i32.add
				i32.add))`,
			after: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32 i32 i32)
				local.get 0
				i32.const 40
				i32.add
				local.tee 3
				i32.load
				local.tee 4
				local.get 4
				i32.mul
				local.get 3
				i32.add))`},
		{name: "not past a store", same: true, before: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32)
				local.get 0
				i32.load offset=8
				local.get 1
				local.get 0
				i32.store
				local.get 0
				i32.load offset=8
				i32.mul))`},
		{name: "not past a set", same: true, before: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32)
				local.get 0
				i32.const 40
				i32.mul
				local.get 1
				local.set 0
				local.get 0
				i32.const 40
				i32.mul
				i32.sub))`},
		{name: "not from another arm", same: true, before: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32)
				local.get 1
				if
					local.get 0
					i32.const 400
					i32.mul
					call $f
				else
					local.get 0
					i32.const 400
					i32.mul
					i32.const 1
					i32.sub
					call $f
				end
				local.get 0
				i32.const 400
				i32.mul))`},
		{name: "into an arm", before: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32)
				local.get 0
				i32.const 400
				i32.mul
				call $f
				local.get 1
				if
					local.get 0
					i32.const 400
					i32.mul
					i32.const 1
					i32.sub
					call $f
				end
				i32.const 1))`,
			after: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32 i32)
				local.get 0
				i32.const 400
				i32.mul
				local.tee 3
				call $f
				local.get 1
				if
					local.get 3
					i32.const 1
					i32.sub
					call $f
				end
				i32.const 1))`},
		{name: "not into a loop that writes", same: true, before: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32)
				local.get 0
				i32.const 400
				i32.mul
				call $f
				loop
					local.get 0
					i32.const 400
					i32.mul
					call $f
					local.get 0
					i32.const 1
					i32.shr_u
					local.tee 0
					br_if 0
				end
				i32.const 1))`},
		{name: "too short", same: true, before: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32)
				local.get 0
				local.get 1
				i32.add
				call $f
				local.get 0
				local.get 1
				i32.add))`},
		{name: "long constants", before: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32)
				i32.const 1000000
				call $f
				i32.const 1000000
				call $f
				i32.const 1000000))`,
			after: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32 i32)
				i32.const 1000000
				local.tee 3
				call $f
				local.get 3
				call $f
				local.get 3))`},
		{name: "calls are made", same: true, before: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32)
				call $g
				i32.const 400
				i32.mul
				call $g
				i32.const 400
				i32.mul
				i32.sub))`},
	}, Size, "local-cse")
}
