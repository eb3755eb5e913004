package opt

import "testing"

func TestResults(t *testing.T) {
	const types = `(module (type $two (func (param i32) (result i32 i64))) (type $ii (func (param i32) (result i32)))
		`
	runGolden(t, []golden{
		{name: "two results",
			before: types + `(func $f (param i32) (result i32 i64)
					(if (i32.eqz (local.get 0)) (then (return (i32.const 1) (i64.const 2))))
					(if (i32.eq (local.get 0) (i32.const 1)) (then (br 1 (i32.const 3) (i64.const 4))))
					(local.get 0) (i64.extend_i32_s (local.get 0)))
				(func (export "a") (param i32) (result i32)
					(call $f (local.get 0))
					i32.wrap_i64
					i32.sub)
				(func (export "b") (param i32) (result i32) (local i64)
					(call $f (local.get 0))
					local.set 1
					(i32.wrap_i64 (local.get 1))
					i32.add))`,
			after: types + `(global (mut i64) (i64.const 0))
				(func $f (param i32) (result i32)
					(if (i32.eqz (local.get 0)) (then (i32.const 1) (i64.const 2) (global.set 0) return))
					(if (i32.eq (local.get 0) (i32.const 1)) (then (i32.const 3) (i64.const 4) (global.set 0) return))
					(local.get 0) (i64.extend_i32_s (local.get 0)) (global.set 0))
				(func (export "a") (param i32) (result i32)
					(call $f (local.get 0))
					global.get 0
					i32.wrap_i64
					i32.sub)
				(func (export "b") (param i32) (result i32) (local i64)
					(call $f (local.get 0))
					global.get 0
					local.set 1
					(i32.wrap_i64 (local.get 1))
					i32.add))`},
		{name: "of each other, and exported", same: true,
			before: types + `(func $f (export "f") (param i32) (result i32 i64)
					(i32.const 1) (i64.const 4))
				(func $g (param i32) (result i32 i64) (return_call $f (local.get 0)))
				(func $h (param i32) (result i32 i64) (i32.const 1) (i64.const 2) (br_if 0 (local.get 0)))
				(func (export "a") (param i32) (result i32) (call $g (local.get 0)) drop)
				(func (export "b") (param i32) (result i32) (call $h (local.get 0)) drop))`},
	}, Size, "results")
}

func TestResultLocals(t *testing.T) {
	const head = `(module (type $two (func (param i32) (result i32 i64))) (type $ii (func (param i32) (result i32)))
		(import "h" "a" (func $a (param i32) (result i32)))
		`
	runGolden(t, []golden{
		{name: "inlined, and beside a call that is not",
			before: head + `(func $f (param i32) (result i32 i64)
					(call $a (local.get 0)) (i64.extend_i32_s (call $a (i32.const 5))))
				(func $r (param i32) (result i32 i64)
					(if (local.get 0) (then (drop (drop (call $r (i32.sub (local.get 0) (i32.const 1)))))))
					(i32.const 1) (i64.const 2))
				(func (export "a") (param i32) (result i32)
					(call $f (local.get 0))
					i32.wrap_i64
					i32.sub)
				(func (export "b") (param i32) (result i32)
					(call $r (i32.and (local.get 0) (i32.const 7)))
					i32.wrap_i64
					i32.sub))`,
			after: head + `(global (mut i64) (i64.const 0))
				(func $f (param i32) (result i32) unreachable)
				(func $r (param i32) (result i32)
					(if (local.get 0) (then (drop (call $r (i32.sub (local.get 0) (i32.const 1))) (drop (global.get 0)))))
					(i32.const 1) (global.set 0 (i64.const 2)))
				(func (export "a") (param i32) (result i32) (local i64)
					(call $a (local.get 0)) (local.set 1 (i64.extend_i32_s (call $a (i32.const 5))))
					(i32.wrap_i64 (local.get 1))
					i32.sub)
				(func (export "b") (param i32) (result i32)
					(call $r (i32.and (local.get 0) (i32.const 7)))
					(i32.wrap_i64 (global.get 0))
					i32.sub))`},
	}, Size, "results", "inline", "result-locals")
}
