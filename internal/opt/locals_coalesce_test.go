package opt

import "testing"

// TestCoalesceLocals runs coalesce-locals.
func TestCoalesceLocals(t *testing.T) {
	runGolden(t, []golden{
		{name: "one after the other", before: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32 i32)
				call $g
				local.set 2
				local.get 2
				call $f
				local.get 2
				call $f
				call $g
				local.set 3
				local.get 3
				local.get 3
				i32.mul
				local.get 0
				i32.add))`,
			after: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32)
				call $g
				local.set 1
				local.get 1
				call $f
				local.get 1
				call $f
				call $g
				local.set 1
				local.get 1
				local.get 1
				i32.mul
				local.get 0
				i32.add))`},
		{name: "at the same time", before: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32 i32)
				call $g
				local.set 2
				call $g
				local.set 3
				local.get 2
				local.get 3
				i32.sub
				local.get 2
				i32.mul
				local.get 0
				i32.add
				local.get 1
				i32.add))`,
			after: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32 i32)
				call $g
				local.set 3
				call $g
				local.set 2
				local.get 3
				local.get 2
				i32.sub
				local.get 3
				i32.mul
				local.get 0
				i32.add
				local.get 1
				i32.add))`},
		{name: "a copy", before: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32 i32)
				call $g
				local.set 2
				loop
					local.get 2
					call $f
					local.get 2
					i32.const 1
					i32.shr_u
					local.tee 3
					local.set 2
					local.get 3
					br_if 0
				end
				local.get 1
				local.get 0
				i32.add))`,
			after: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32)
				call $g
				local.set 2
				loop
					local.get 2
					call $f
					local.get 2
					i32.const 1
					i32.shr_u
					local.set 2
					local.get 2
					br_if 0
				end
				local.get 1
				local.get 0
				i32.add))`},
		{name: "a copy that is needed", before: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32 i32)
				call $g
				local.tee 2
				local.set 3
				call $g
				local.set 2
				local.get 2
				local.get 3
				i32.sub
				local.get 0
				i32.add
				local.get 1
				i32.add))`,
			after: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32 i32)
				call $g
				local.set 3
				call $g
				local.set 2
				local.get 2
				local.get 3
				i32.sub
				local.get 0
				i32.add
				local.get 1
				i32.add))`},
		{name: "not with a parameter, as it is zero first", same: true, before: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32)
				local.get 0
				if
					call $g
					local.set 2
				end
				local.get 2
				local.get 1
				i32.add))`},
		{name: "with a parameter", before: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32)
				local.get 0
				local.get 1
				i32.add
				call $f
				call $g
				local.set 2
				local.get 2
				local.get 2
				i32.mul))`,
			after: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32)
				local.get 0
				local.get 1
				i32.add
				call $f
				call $g
				local.set 0
				local.get 0
				local.get 0
				i32.mul))`},
		{name: "zeros share an index", before: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32 i32)
				local.get 0
				if
					local.get 2
					call $f
					call $g
					local.set 2
					local.get 2
					local.get 2
					i32.mul
					return
				end
				local.get 1
				call $f
				local.get 3
				call $f
				call $g
				local.set 3
				local.get 3
				local.get 3
				i32.add
				local.get 0
				i32.add
				local.get 1
				i32.add))`,
			after: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32)
				local.get 0
				if
					local.get 2
					call $f
					call $g
					local.set 2
					local.get 2
					local.get 2
					i32.mul
					return
				end
				local.get 1
				call $f
				local.get 2
				call $f
				call $g
				local.set 2
				local.get 2
				local.get 2
				i32.add
				local.get 0
				i32.add
				local.get 1
				i32.add))`},
		{name: "a value that is not read", before: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i32)
				call $g
				local.set 2
				local.get 0
				local.set 2
				local.get 1
				if (result i32)
					i32.const 3
					local.tee 2
				else
					i32.const 4
					local.set 2
					local.get 2
				end))`,
			after: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32)
				call $g
				drop
				local.get 1
				if (result i32)
					i32.const 3
				else
					i32.const 4
					local.set 0
					local.get 0
				end))`},
		{name: "other types", before: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i64 i32)
				call $g
				i64.extend_i32_u
				local.set 2
				local.get 2
				local.get 2
				i64.mul
				i32.wrap_i64
				local.set 3
				local.get 3
				local.get 3
				i32.mul))`,
			after: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (memory 1) (global $g (mut i32) (i32.const 3))
			(func (export "a") (param i32 i32) (result i32) (local i64)
				call $g
				i64.extend_i32_u
				local.set 2
				local.get 2
				local.get 2
				i64.mul
				i32.wrap_i64
				local.set 0
				local.get 0
				local.get 0
				i32.mul))`},
		{name: "what is caught may read it", before: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (tag (param i32))
			(func (export "a") (param i32 i32) (result i32) (local i32 i32)
				call $g
				local.set 2
				block
					try_table (catch_all 0)
						call $g
						local.set 3
						local.get 3
						if
							i32.const 1
							throw 0
						end
						local.get 3
						call $f
						call $g
						local.set 2
					end
				end
				local.get 2
				local.get 0
				i32.add
				local.get 1
				i32.add))`,
			after: `(module (import "h" "f" (func $f (param i32))) (import "h" "g" (func $g (result i32))) (tag (param i32))
			(func (export "a") (param i32 i32) (result i32) (local i32 i32)
				call $g
				local.set 3
				block
					try_table (catch_all 0)
						call $g
						local.set 2
						local.get 2
						if
							i32.const 1
							throw 0
						end
						local.get 2
						call $f
						call $g
						local.set 3
					end
				end
				local.get 3
				local.get 0
				i32.add
				local.get 1
				i32.add))`},
	}, Size, "coalesce-locals")
}
