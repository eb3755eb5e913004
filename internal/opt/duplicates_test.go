package opt

import "testing"

func TestDuplicates(t *testing.T) {
	const head = `(module (type $ii (func (param i32) (result i32))) (type $l (func (param i64) (result i64)))
		(import "h" "a" (func $a (param i32) (result i32))) (import "h" "b" (func $b (param i32) (result i32)))
		`
	runGolden(t, []golden{
		{name: "the same, by what they call",
			before: head + `
				(func $f (param i32) (result i32) (i32.add (call $h (local.get 0)) (i32.const 100)))
				(func $g (param i32) (result i32) (i32.add (call $k (local.get 0)) (i32.const 100)))
				(func $h (param i32) (result i32) (i32.mul (call $a (local.get 0)) (i32.const 3)))
				(func $k (param i32) (result i32) (i32.mul (call $a (local.get 0)) (i32.const 3)))
				(func (export "a") (param i32) (result i32) (i32.sub (call $f (local.get 0)) (call $g (i32.const 1)))))`,
			after: head + `
				(func $f (param i32) (result i32) (i32.add (call $h (local.get 0)) (i32.const 100)))
				(func $g (param i32) (result i32) unreachable)
				(func $h (param i32) (result i32) (i32.mul (call $a (local.get 0)) (i32.const 3)))
				(func $k (param i32) (result i32) unreachable)
				(func (export "a") (param i32) (result i32) (i32.sub (call $f (local.get 0)) (call $f (i32.const 1)))))`},
		{name: "calls of themselves and of each other",
			before: head + `
				(func $f (param i32) (result i32) (if (result i32) (local.get 0) (then (call $f (call $g (i32.const 0)))) (else (i32.const 1))))
				(func $g (param i32) (result i32) (if (result i32) (local.get 0) (then (call $g (call $f (i32.const 0)))) (else (i32.const 1))))
				(func (export "a") (param i32) (result i32) (call $g (i32.and (local.get 0) (i32.const 0)))))`,
			after: head + `
				(func $f (param i32) (result i32) (if (result i32) (local.get 0) (then (call $f (call $f (i32.const 0)))) (else (i32.const 1))))
				(func $g (param i32) (result i32) unreachable)
				(func (export "a") (param i32) (result i32) (call $f (i32.and (local.get 0) (i32.const 0)))))`},
		{name: "exports and tables",
			before: head + `(table 2 funcref) (elem (i32.const 0) func $f $g)
				(func $f (export "f") (param i32) (result i32) (i32.mul (local.get 0) (i32.const 100)))
				(func $g (export "g") (param i32) (result i32) (i32.mul (local.get 0) (i32.const 100)))
				(func (export "a") (param i32) (result i32) (call_indirect (type $ii) (i32.const 5) (i32.and (local.get 0) (i32.const 1)))))`,
			after: head + `(table 2 funcref) (elem (i32.const 0) func $f $f)
				(func $f (export "f") (export "g") (param i32) (result i32) (i32.mul (local.get 0) (i32.const 100)))
				(func $g (param i32) (result i32) unreachable)
				(func (export "a") (param i32) (result i32) (call_indirect (type $ii) (i32.const 5) (i32.and (local.get 0) (i32.const 1)))))`},
		{name: "not the same", same: true,
			before: head + `
				(func $f (param i32) (result i32) (i32.add (call $h (local.get 0)) (i32.const 100)))
				(func $g (param i32) (result i32) (i32.add (call $k (local.get 0)) (i32.const 100)))
				(func $h (param i32) (result i32) (i32.mul (call $a (local.get 0)) (i32.const 3)))
				(func $k (param i32) (result i32) (i32.mul (call $b (local.get 0)) (i32.const 3)))
				(func $x (param i32) (result i32) (unreachable))
				(func $y (param i64) (result i64) (unreachable))
				(func (export "a") (param i32) (result i32) (i32.sub (call $f (local.get 0)) (call $g (i32.const 1))))
				(func (export "b") (param i32) (result i32) (drop (call $y (i64.const 0))) (call $x (i32.const 0))))`},
	}, Size, "duplicates")
}
