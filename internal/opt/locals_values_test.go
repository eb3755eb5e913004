package opt

import "testing"

// TestLocalValues runs the rules of local-values.
func TestLocalValues(t *testing.T) {
	runGolden(t, []golden{
		{name: "a set of the same value", before: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32)
				local.get 0
				local.tee 2
				call $f
				local.get 0
				local.set 2
				local.get 2
				call $g
				local.set 2
				local.get 2
				i32.add))`,
			after: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32)
				local.get 0
				local.tee 2
				call $f
				local.get 2
				call $g
				local.set 2
				local.get 2
				i32.add))`},
		{name: "zero at the start", before: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32 i32)
				i32.const 0
				local.set 2
				local.get 0
				if
					call $g
					local.set 2
				end
				local.get 2
				local.get 3
				i32.add))`,
			after: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32 i32)
				local.get 0
				if
					call $g
					local.set 2
				end
				local.get 2
				i32.const 0
				i32.add))`},
		{name: "not zero any more", before: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32)
				loop
					i32.const 0
					local.set 2
					local.get 2
					call $f
					local.get 0
					local.set 2
					local.get 2
					call $f
					local.get 0
					i32.const 1
					i32.shr_u
					local.tee 0
					br_if 0
				end
				local.get 2))`,
			after: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32)
				loop
					i32.const 0
					local.set 2
					i32.const 0
					call $f
					local.get 0
					local.set 2
					local.get 2
					call $f
					local.get 0
					i32.const 1
					i32.shr_u
					local.tee 0
					br_if 0
				end
				local.get 2))`},
		{name: "short constants", before: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32 i32)
				i32.const 5
				local.set 2
				local.get 0
				call $f
				local.get 2
				local.get 2
				i32.add
				i32.const 100000
				local.set 3
				local.get 3
				local.get 3
				i32.mul
				i32.add))`,
			after: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32 i32)
				i32.const 5
				local.set 2
				local.get 0
				call $f
				i32.const 5
				i32.const 5
				i32.add
				i32.const 100000
				local.set 3
				local.get 3
				local.get 3
				i32.mul
				i32.add))`},
		{name: "a copy", before: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32)
				local.get 0
				local.set 2
				call $g
				local.get 2
				i32.add
				local.get 0
				i32.add
				local.get 2
				i32.add))`,
			after: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32)
				local.get 0
				local.set 2
				call $g
				local.get 0
				i32.add
				local.get 0
				i32.add
				local.get 0
				i32.add))`},
		{name: "a copy of what changes", same: true, before: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32)
				local.get 0
				local.set 2
				call $g
				local.set 0
				local.get 2
				local.get 0
				i32.add
				local.get 2
				i32.sub))`},
		{name: "a copy that changes", same: true, before: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32)
				local.get 0
				local.set 2
				local.get 2
				call $f
				local.get 1
				if
					call $g
					local.set 2
				end
				local.get 2
				local.get 0
				i32.add))`},
		{name: "the same in both arms", before: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32)
				local.get 0
				if
					local.get 1
					local.set 2
				else
					local.get 1
					local.set 2
					i32.const 1
					call $f
				end
				local.get 1
				local.set 2
				local.get 2))`,
			after: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32)
				local.get 0
				if
					local.get 1
					local.set 2
				else
					local.get 1
					local.set 2
					i32.const 1
					call $f
				end
				local.get 2))`},
		{name: "different arms", before: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32)
				i32.const 4
				local.set 2
				local.get 0
				if
					i32.const 5
					local.set 2
				else
					i32.const 6
					call $f
				end
				i32.const 4
				local.set 2
				local.get 2))`,
			after: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32)
				i32.const 4
				local.set 2
				local.get 0
				if
					i32.const 5
					local.set 2
				else
					i32.const 6
					call $f
				end
				i32.const 4
				local.set 2
				i32.const 4))`},
		{name: "an arm that is left does not count", before: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32)
				i32.const 4
				local.set 2
				local.get 0
				if
					i32.const 5
					local.set 2
					local.get 2
					call $f
					local.get 2
					return
				end
				local.get 2))`,
			after: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32)
				i32.const 4
				local.set 2
				local.get 0
				if
					i32.const 5
					local.set 2
					i32.const 5
					call $f
					i32.const 5
					return
				end
				i32.const 4))`},
		{name: "a branch to the end of a block", before: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32)
				i32.const 4
				local.set 2
				block
					local.get 0
					if
						i32.const 5
						local.set 2
						br 1
					end
				end
				local.get 2))`,
			after: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32)
				i32.const 4
				local.set 2
				local.get 0
				if
					i32.const 5
					local.set 2
					br 0
				end
				local.get 2))`},
	}, Size, "local-values")
}
