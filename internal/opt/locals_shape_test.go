package opt

import "testing"

// TestSimplifyLocalsShape runs the rules of simplify-locals for blocks and ifs.
func TestSimplifyLocalsShape(t *testing.T) {
	runGolden(t, []golden{
		{name: "both arms", before: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32)
				local.get 0
				if
					local.get 1
					i32.load
					local.set 2
				else
					i32.const 2
					local.set 2
				end
				i32.const 7
				call $f
				local.get 2
				local.get 2
				i32.add))`,
			after: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32)
				local.get 0
				if (result i32)
					local.get 1
					i32.load
				else
					i32.const 2
				end
				local.set 2
				i32.const 7
				call $f
				local.get 2
				local.get 2
				i32.add))`},
		{name: "an arm that reads it again", before: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32)
				local.get 0
				if
					call $g
					local.set 2
					local.get 2
					call $f
				else
					i32.const 2
					local.set 2
				end
				i32.const 7
				call $f
				local.get 2
				local.get 2
				i32.add))`,
			after: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32)
				local.get 0
				if
					call $g
					local.tee 2
					call $f
				else
					i32.const 2
					local.set 2
				end
				i32.const 7
				call $f
				local.get 2
				local.get 2
				i32.add))`},
		{name: "an if after a set", before: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32)
				i32.const 4
				local.set 2
				local.get 0
				if
					local.get 1
					call $f
					call $g
					local.set 2
				end
				local.get 2
				local.get 2
				i32.mul))`,
			after: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32)
				local.get 0
				if (result i32)
					local.get 1
					call $f
					call $g
				else
					i32.const 4
				end
				local.tee 2
				local.get 2
				i32.mul))`},
		{name: "an if that reads what was set before", same: true, before: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32)
				local.get 1
				i32.const 7
				i32.mul
				local.set 2
				local.get 0
				if
					local.get 2
					call $f
					call $g
					local.set 2
				end
				local.get 2
				local.get 2
				i32.mul))`},
		{name: "an if after a call", same: true, before: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32)
				call $g
				local.set 2
				local.get 0
				if
					call $g
					local.set 2
				end
				local.get 2
				local.get 2
				i32.mul))`},
		{name: "all branches to a block", before: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32)
				block
					local.get 0
					if
						local.get 1
						call $f
						i32.const 4
						local.set 2
						br 1
					end
					local.get 1
					if
						call $g
						local.set 2
						br 1
					end
					local.get 0
					call $f
					i32.const 9
					local.set 2
				end
				local.get 2
				local.get 2
				i32.add))`,
			after: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32)
				block (result i32)
					local.get 0
					if
						local.get 1
						call $f
						i32.const 4
						br 1
					end
					local.get 1
					if
						call $g
						br 1
					end
					local.get 0
					call $f
					i32.const 9
				end
				local.tee 2
				local.get 2
				i32.add))`},
		{name: "a branch on a condition", before: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32)
				block
					local.get 0
					if
						call $g
						local.set 2
						local.get 1
						br_if 1
						call $g
						call $f
					end
					i32.const 1
					local.set 2
				end
				local.get 2
				local.get 2
				i32.add))`,
			after: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32)
				block (result i32)
					local.get 0
					if
						call $g
						local.get 1
						br_if 1
						local.set 2
						call $g
						call $f
					end
					i32.const 1
				end
				local.tee 2
				local.get 2
				i32.add))`},
		{name: "a branch without a set", same: true, before: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32)
				block
					local.get 0
					if
						i32.const 4
						local.set 2
						br 1
					end
					local.get 1
					if
						i32.const 7
						call $f
						br 1
					end
					i32.const 9
					local.set 2
				end
				local.get 2
				local.get 2
				i32.add))`},
		{name: "br_table", same: true, before: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32)
				block
					block
						local.get 0
						br_table 0 1
					end
					i32.const 9
					local.set 2
				end
				local.get 2
				local.get 2
				i32.add))`},
	}, Size, "simplify-locals")
}
