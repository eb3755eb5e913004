package opt

import "testing"

// TestSimplifyLocals runs the rules of simplify-locals that move a value, and those that must not.
func TestSimplifyLocals(t *testing.T) {
	runGolden(t, []golden{
		{name: "one use, past what does not matter", before: `(module  (memory 1) (func $f2 (param i32))
			(func (export "a") (param i32 i32) (result i32) (local i32)
				local.get 0
				i32.load
				local.set 2
				local.get 0
				drop
				i32.const 5
				local.set 1
				local.get 2
				local.get 1
				i32.add))`,
			after: `(module  (memory 1) (func $f2 (param i32))
			(func (export "a") (param i32 i32) (result i32) (local i32)
				local.get 0
				i32.load
				i32.const 5
				i32.add))`},
		{name: "several uses", before: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32)
				local.get 0
				i32.load
				local.set 2
				local.get 2
				local.get 2
				i32.mul))`,
			after: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32)
				local.get 0
				i32.load
				local.tee 2
				local.get 2
				i32.mul))`},
		{name: "not past a store", same: true, before: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32)
				local.get 0
				i32.load
				local.set 2
				local.get 0
				i32.const 1
				i32.store
				local.get 2))`},
		{name: "not past a call", same: true, before: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32)
				local.get 0
				i32.load
				local.set 2
				local.get 0
				call $f
				local.get 2))`},
		{name: "past a call, if nothing is read", before: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32)
				local.get 0
				i32.const 3
				i32.mul
				local.set 2
				local.get 1
				call $f
				local.get 2))`,
			after: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32)
				local.get 1
				call $f
				local.get 0
				i32.const 3
				i32.mul))`},
		{name: "not past a set of what is read", before: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32)
				local.get 0
				local.set 2
				local.get 1
				local.set 0
				local.get 2
				local.get 0
				i32.sub))`,
			after: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32)
				local.get 0
				local.get 1
				local.tee 0
				i32.sub))`},
		{name: "calls stay in order", same: true, before: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32)
				call $g
				local.set 2
				call $g
				local.get 2
				i32.sub))`},
		{name: "into the arm of an if", before: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32)
				local.get 0
				i32.const 3
				i32.mul
				local.set 2
				local.get 1
				if
					local.get 2
					call $f
				end
				i32.const 1))`,
			after: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32)
				local.get 1
				if
					local.get 0
					i32.const 3
					i32.mul
					call $f
				end
				i32.const 1))`},
		{name: "what may trap not into an arm", same: true, before: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32)
				local.get 0
				i32.load
				local.set 2
				local.get 1
				if
					local.get 2
					call $f
				end
				i32.const 1))`},
		{name: "past a branch out, with one use", before: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32)
				block
					local.get 0
					i32.const 3
					i32.mul
					local.set 2
					local.get 1
					br_if 0
					local.get 2
					call $f
				end
				i32.const 1))`,
			after: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32)
				block
					local.get 1
					br_if 0
					local.get 0
					i32.const 3
					i32.mul
					call $f
				end
				i32.const 1))`},
		{name: "not past a branch to where it is read", same: true, before: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32)
				block
					local.get 0
					i32.const 3
					i32.mul
					local.set 2
					local.get 1
					br_if 0
					local.get 2
					call $f
				end
				local.get 2))`},
		{name: "not behind a branch within a block", same: true, before: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32)
				local.get 0
				i32.const 3
				i32.mul
				local.set 2
				block
					local.get 1
					br_if 0
					local.get 2
					call $f
				end
				local.get 2))`},
		{name: "past a block that branches within", before: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32)
				local.get 0
				i32.const 3
				i32.mul
				local.set 2
				block
					local.get 1
					br_if 0
					i32.const 7
					call $f
				end
				local.get 2
				local.get 2
				i32.add))`,
			after: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32)
				block
					local.get 1
					br_if 0
					i32.const 7
					call $f
				end
				local.get 0
				i32.const 3
				i32.mul
				local.tee 2
				local.get 2
				i32.add))`},
		{name: "a call not behind a branch within a block", same: true, before: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32)
				call $g
				local.set 2
				block
					local.get 1
					br_if 0
					local.get 2
					call $f
				end
				i32.const 0))`},
		{name: "not into a loop", same: true, before: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32)
				local.get 0
				i32.const 3
				i32.mul
				local.set 2
				loop
					local.get 2
					call $f
					local.get 0
					i32.const 2
					i32.shr_u
					local.tee 0
					br_if 0
				end
				i32.const 1))`},
		{name: "out of a loop", before: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32)
				loop
					local.get 0
					i32.const 2
					i32.shr_u
					local.tee 0
					br_if 0
					local.get 1
					i32.const 5
					i32.add
					local.set 2
				end
				local.get 2))`,
			after: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32)
				loop
					local.get 0
					i32.const 2
					i32.shr_u
					local.tee 0
					br_if 0
				end
				local.get 1
				i32.const 5
				i32.add))`},
		{name: "not across the end of a named block", same: true, before: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32)
				block
					local.get 1
					br_if 0
					local.get 0
					i32.const 5
					i32.add
					local.set 2
				end
				local.get 2))`},
		{name: "not across try_table", same: true, before: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (tag (param i32))
			(func (export "a") (param i32 i32) (result i32) (local i32)
				block
					call $g
					local.set 2
					try_table (catch_all 0)
						local.get 0
						if
							i32.const 1
							throw 0
						end
						local.get 2
						call $f
					end
				end
				local.get 2))`},
		{name: "a set within a value that is moved", before: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32 i32)
				block (result i32)
					i32.const 9
					local.get 2
					i32.add
					global.get $g
					local.set 2
					local.get 0
					i32.add
				end
				local.set 3
				local.get 2
				local.get 3
				i32.mul))`,
			after: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32 i32)
				i32.const 9
				local.get 2
				i32.add
				local.get 0
				i32.add
				local.set 3
				global.get $g
				local.tee 2
				local.get 3
				i32.mul))`},
		{name: "dead sets", before: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32)
				local.get 0
				i32.const 3
				i32.mul
				local.set 2
				call $g
				local.set 2
				local.get 0
				local.tee 2
				call $f
				i32.const 1))`,
			after: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32)
				call $g
				drop
				local.get 0
				call $f
				i32.const 1))`},
		{name: "drop of a tee", before: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32)
				call $g
				local.tee 2
				drop
				local.get 2
				local.get 2
				i32.add))`,
			after: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32)
				call $g
				local.tee 2
				local.get 2
				i32.add))`},
		{name: "an arm that is left", before: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32)
				local.get 0
				if
					i32.const 9
					return
				else
					local.get 1
					i32.const 4
					i32.mul
					local.set 2
				end
				local.get 2))`,
			after: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32)
				local.get 0
				if
					i32.const 9
					return
				end
				local.get 1
				i32.const 4
				i32.mul))`},
	}, Size, "simplify-locals")
}
