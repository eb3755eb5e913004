package opt

import "testing"

func TestDirectize(t *testing.T) {
	const table = `(module (type $v (func (result i32))) (type $u (func (param i32) (result i32))) (type $w (func (param i64)))
		(import "h" "f" (func $h (result i32)))
		(table $t 4 funcref) (elem (table $t) (i32.const 1) func $f $u)
		(func $f (result i32) (i32.const 10))
		(func $u (param i32) (result i32) (i32.add (local.get 0) (i32.const 10)))
		`
	runGolden(t, []golden{
		{name: "a constant index",
			before: table + `(func (export "a") (param i32) (result i32)
				(call_indirect $t (type $u) (call_indirect $t (type $v) (i32.const 1)) (i32.const 2))))`,
			after: table + `(func (export "a") (param i32) (result i32) (call $u (call $f))))`},
		{name: "null",
			before: table + `(func (export "a") (param i32) (result i32)
				(call_indirect $t (type $u) (local.get 0) (i32.const 3))))`,
			after: table + `(func (export "a") (param i32) (result i32) (unreachable)))`},
		{name: "beyond the end, arguments first",
			before: table + `(func (export "a") (param i32) (result i32)
				(call_indirect $t (type $u) (call $h) (i32.const 4))))`,
			after: table + `(func (export "a") (param i32) (result i32) (drop (call $h)) (unreachable)))`},
		{name: "another type",
			before: table + `(func (export "a") (param i32) (result i32)
				(call_indirect $t (type $u) (local.get 0) (i32.const 1))))`,
			after: table + `(func (export "a") (param i32) (result i32) (unreachable)))`},
		{name: "a type that no slot has",
			before: table + `(func (export "a") (param i32)
				(call_indirect $t (type $w) (i64.const 1) (local.get 0))))`,
			after: table + `(func (export "a") (param i32) (unreachable)))`},
		{name: "one of two",
			before: table + `(func (export "a") (param i32) (result i32)
				(call_indirect $t (type $u) (local.get 0) (select (i32.const 2) (i32.const 3) (local.get 0)))))`,
			after: table + `(func (export "a") (param i32) (result i32)
				(if (result i32) (local.get 0) (then (call $u (local.get 0))) (else (unreachable)))))`},
		{name: "one of two, after an argument changes", same: true,
			before: table + `(func (export "a") (param i32) (result i32)
				(call_indirect $t (type $u) (local.get 0) (select (i32.const 2) (i32.const 3) (local.tee 0 (i32.const 0))))))`},
		{name: "an unknown index", same: true,
			before: table + `(func (export "a") (param i32) (result i32)
				(call_indirect $t (type $u) (local.get 0) (local.get 0))))`},
		{name: "a tail call",
			before: table + `(func (export "a") (param i32) (result i32)
				(return_call_indirect $t (type $u) (local.get 0) (i32.const 2))))`,
			after: table + `(func (export "a") (param i32) (result i32) (return_call $u (local.get 0))))`},
		{name: "a table that is written", same: true,
			before: table + `(func (export "a") (param i32) (result i32)
				(call_indirect $t (type $u) (local.get 0) (i32.const 2)))
				(func (export "b") (table.set $t (i32.const 2) (ref.null func))))`},
		{name: "a table that is copied from",
			before: table + `(table $other 4 funcref) (func (export "a") (param i32) (result i32)
				(call_indirect $t (type $u) (local.get 0) (i32.const 2)))
				(func (export "b") (table.copy $other $t (i32.const 0) (i32.const 0) (i32.const 2))))`,
			after: table + `(table $other 4 funcref) (func (export "a") (param i32) (result i32)
				(call $u (local.get 0)))
				(func (export "b") (table.copy $other $t (i32.const 0) (i32.const 0) (i32.const 2))))`},
		{name: "a table that is copied to", same: true,
			before: table + `(table $other 4 funcref) (func (export "a") (param i32) (result i32)
				(call_indirect $t (type $u) (local.get 0) (i32.const 2)))
				(func (export "b") (table.copy $t $other (i32.const 0) (i32.const 0) (i32.const 2))))`},
		{name: "a table of the host", same: true,
			before: table + `(export "t" (table $t)) (func (export "a") (param i32) (result i32)
				(call_indirect $t (type $u) (local.get 0) (i32.const 2))))`},
		{name: "a later segment wins",
			before: table + `(elem (table $t) (i32.const 2) func $u2)
				(func $u2 (param i32) (result i32) (i32.const 99))
				(func (export "a") (param i32) (result i32)
				(call_indirect $t (type $u) (local.get 0) (i32.const 2))))`,
			after: table + `(elem (table $t) (i32.const 2) func $u2)
				(func $u2 (param i32) (result i32) (i32.const 99))
				(func (export "a") (param i32) (result i32) (call $u2 (local.get 0))))`},
		{name: "call_ref",
			before: table + `(func (export "a") (param i32) (result i32)
				(call_ref $u (local.get 0) (ref.func $u))))`,
			after: table + `(func (export "a") (param i32) (result i32) (call $u (local.get 0))))`},
	}, Size, "directize")
}
