package opt

import "testing"

func TestParameters(t *testing.T) {
	const head = `(module (type $i (func (result i32))) (type $ii (func (param i32) (result i32))) (type $iii (func (param i32 i32) (result i32))) (type $v (func (param i32))) (type $n (func))
		(import "h" "a" (func $a (result i32))) (import "h" "b" (func $b (param i32) (result i32)))
		(memory 1)
		`
	runGolden(t, []golden{
		{name: "not read, effects stay in order",
			before: head + `(func $f (param i32 i32) (result i32) (i32.load (local.get 1)))
				(func (export "a") (param i32) (result i32) (call $f (call $a) (call $b (local.get 0))))
				(func (export "b") (param i32) (result i32) (call $f (local.get 0) (call $a))))`,
			after: head + `(func $f (param i32) (result i32) (i32.load (local.get 0)))
				(func (export "a") (param i32) (result i32) (drop (call $a)) (call $f (call $b (local.get 0))))
				(func (export "b") (param i32) (result i32) (call $f (call $a))))`},
		{name: "not read, after one that is",
			before: head + `(func $f (param i32 i32) (result i32) (local.set 1 (i32.const 3)) (i32.load (local.get 0)))
				(func (export "a") (param i32) (result i32) (call $f (call $a) (call $b (local.get 0)))))`,
			after: head + `(func $f (param i32) (result i32) (drop (i32.const 3)) (i32.load (local.get 0)))
				(func (export "a") (param i32) (result i32)
					call $a
					(drop (call $b (local.get 0)))
					call $f))`},
		{name: "always the same",
			before: head + `(func $f (param i32 i32) (result i32) (local i64) (local.set 2 (i64.const 1)) (i32.load (i32.add (local.get 1) (local.get 0))))
				(func (export "a") (param i32) (result i32) (call $f (i32.const 8) (local.get 0)))
				(func (export "b") (param i32) (result i32) (call $f (i32.const 8) (call $a))))`,
			after: head + `(func $f (param i32) (result i32) (local i64) (local.set 1 (i64.const 1)) (i32.load (i32.add (local.get 0) (i32.const 8))))
				(func (export "a") (param i32) (result i32) (call $f (local.get 0)))
				(func (export "b") (param i32) (result i32) (call $f (call $a))))`},
		{name: "the same at first",
			before: head + `(func $f (param i32 i32) (result i32) (local.set 1 (i32.add (local.get 1) (local.get 0))) (i32.load (local.get 1)))
				(func (export "a") (param i32) (result i32) (call $f (local.get 0) (i32.const 100000)))
				(func (export "b") (param i32) (result i32) (call $f (call $a) (i32.const 100000))))`,
			after: head + `(func $f (param i32) (result i32) (local i32)
					(local.set 1 (i32.const 100000))
					(local.set 1 (i32.add (local.get 1) (local.get 0))) (i32.load (local.get 1)))
				(func (export "a") (param i32) (result i32) (call $f (local.get 0)))
				(func (export "b") (param i32) (result i32) (call $f (call $a))))`},
		{name: "passed on to itself",
			before: head + `(func $f (param i32 i32) (result i32)
					(if (result i32) (local.get 0) (then (call $f (i32.shr_u (local.get 0) (i32.const 1)) (local.get 1))) (else (i32.const 1))))
				(func $g (param i32 i32) (result i32)
					(if (result i32) (local.get 0) (then (call $g (i32.shr_u (local.get 0) (i32.const 1)) (local.get 1))) (else (local.get 1))))
				(func (export "a") (param i32) (result i32) (call $f (local.get 0) (local.get 0)))
				(func (export "b") (param i32) (result i32) (call $g (local.get 0) (i32.const 9))))`,
			after: head + `(func $f (param i32) (result i32)
					(if (result i32) (local.get 0) (then (call $f (i32.shr_u (local.get 0) (i32.const 1)))) (else (i32.const 1))))
				(func $g (param i32) (result i32)
					(if (result i32) (local.get 0) (then (call $g (i32.shr_u (local.get 0) (i32.const 1)))) (else (i32.const 9))))
				(func (export "a") (param i32) (result i32) (call $f (local.get 0)))
				(func (export "b") (param i32) (result i32) (call $g (local.get 0))))`},
		{name: "no result",
			before: head + `(func $f (param i32) (result i32)
					(if (i32.eqz (local.get 0)) (then (return (call $a))))
					(drop (br_if 0 (call $a) (i32.eq (local.get 0) (i32.const 1))))
					(i32.store (i32.const 8) (local.get 0))
					(local.get 0))
				(func (export "a") (param i32) (result i32) (drop (call $f (local.get 0))) (local.get 0)))`,
			after: head + `(func $f (param i32)
					(if (i32.eqz (local.get 0)) (then (drop (call $a)) return))
					call $a
					(br_if 0 (i32.eq (local.get 0) (i32.const 1)))
					drop
					(i32.store (i32.const 8) (local.get 0))
					(drop (local.get 0)))
				(func (export "a") (param i32) (result i32) (call $f (local.get 0)) (local.get 0)))`},
		{name: "nothing to gain", same: true,
			before: head + `(table 1 funcref) (elem (i32.const 0) func $t)
				(func $t (param i32) (result i32) (i32.const 1))
				(func $f (export "f") (param i32) (result i32) (i32.const 1))
				(func $g (param i32) (result i32) (return_call $b (local.get 0)))
				(func $h (param i32 i32) (result i32) (i32.mul (local.get 0) (local.get 1)))
				(func (export "a") (param i32) (result i32) (drop (call $g (local.get 0))) (drop (call $t (local.get 0))) (call $f (local.get 0)))
				(func (export "b") (param i32) (result i32) (call $h (local.get 0) (i32.const 1)))
				(func (export "c") (param i32) (result i32) (i32.add (call $h (i32.const 1) (i32.const 2)) (call $h (i32.const 1) (i32.const 1)))))`},
	}, Size, "parameters")
}
