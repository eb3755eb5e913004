package opt

import "testing"

func TestInline(t *testing.T) {
	const imports = `(module (type $v (func)) (type $i (func (result i32))) (type $ii (func (param i32) (result i32))) (type $iii (func (param i32 i32) (result i32))) (type $d (func (param i32)))
		(import "h" "a" (func $a (result i32))) (import "h" "b" (func $b (param i32) (result i32))) (import "h" "c" (func $c (param i32 i32) (result i32)))
		`
	runGolden(t, []golden{
		{name: "a forwarder, everywhere",
			before: imports + `(func $f (param i32 i32) (result i32) (call $c (local.get 0) (local.get 1)))
				(func (export "a") (param i32) (result i32) (call $f (call $a) (call $f (local.get 0) (i32.const 1))))
				(func (export "b") (param i32) (result i32) (return_call $f (call $a) (i32.const 7))))`,
			after: imports + `(func $f (param i32 i32) (result i32) unreachable)
				(func (export "a") (param i32) (result i32) (call $c (call $a) (call $c (local.get 0) (i32.const 1))))
				(func (export "b") (param i32) (result i32) (return_call $c (call $a) (i32.const 7))))`},
		{name: "a forwarder that is exported",
			before: imports + `(func $f (export "f") (param i32 i32) (result i32) (return_call $c (local.get 0) (local.get 1)))
				(func (export "a") (param i32) (result i32) (call $f (call $a) (i32.const 1))))`,
			after: imports + `(func $f (export "f") (param i32 i32) (result i32) (return_call $c (local.get 0) (local.get 1)))
				(func (export "a") (param i32) (result i32)
					(call $c (call $a) (i32.const 1))))`},
		{name: "arguments keep their order",
			before: imports + `(func $f (param i32 i32) (result i32) (i32.sub (local.get 1) (local.get 0)))
				(func (export "a") (param i32) (result i32) (call $f (call $a) (call $b (local.get 0)))))`,
			after: imports + `(func $f (param i32 i32) (result i32) unreachable)
				(func (export "a") (param i32) (result i32) (local i32)
					(local.set 1 (call $a)) (i32.sub (call $b (local.get 0)) (local.get 1))))`},
		{name: "an argument that changes another",
			before: imports + `(func $f (param i32 i32) (result i32) (i32.sub (local.get 0) (local.get 1)))
				(func (export "a") (param i32) (result i32) (call $f (local.get 0) (local.tee 0 (i32.const 3)))))`,
			after: imports + `(func $f (param i32 i32) (result i32) unreachable)
				(func (export "a") (param i32) (result i32)
					(i32.sub (local.get 0) (local.tee 0 (i32.const 3)))))`},
		{name: "an argument that nobody reads",
			before: imports + `(func $f (param i32 i32) (result i32) (local.get 1))
				(func (export "a") (param i32) (result i32) (call $f (call $a) (local.get 0)))
				(func (export "b") (param i32) (result i32) (call $f (local.get 0) (call $b (local.get 0)))))`,
			after: imports + `(func $f (param i32 i32) (result i32) unreachable)
				(func (export "a") (param i32) (result i32) (drop (call $a)) (local.get 0))
				(func (export "b") (param i32) (result i32) (call $b (local.get 0))))`},
		{name: "returns, once",
			before: imports + `(func $f (param i32) (result i32)
					(if (i32.eqz (local.get 0)) (then (return (i32.const 9))))
					(if (i32.eq (local.get 0) (i32.const 1)) (then (return (call $a))))
					(local.set 0 (i32.mul (local.get 0) (local.get 0)))
					(return (i32.add (local.get 0) (local.get 0))))
				(func (export "a") (param i32) (result i32) (i32.add (local.get 0) (call $f (local.get 0)))))`,
			after: imports + `(func $f (param i32) (result i32) unreachable)
				(func (export "a") (param i32) (result i32) (local i32)
					local.get 0
					(local.set 1 (local.get 0))
					block (result i32)
						(if (i32.eqz (local.get 1)) (then (br 1 (i32.const 9))))
						(if (i32.eq (local.get 1) (i32.const 1)) (then (br 1 (call $a))))
						(local.set 1 (i32.mul (local.get 1) (local.get 1)))
						(i32.add (local.get 1) (local.get 1))
					end
					i32.add))`},
		{name: "a local that has to be zero again",
			before: imports + `(func $f (param i32) (result i32) (local i32 i64)
					(if (i32.and (local.get 0) (i32.const 1)) (then (local.set 1 (call $b (local.get 0)))))
					(local.set 2 (i64.extend_i32_u (local.get 1)))
					(i32.add (local.get 1) (i32.wrap_i64 (local.get 2))))
				(func (export "a") (param i32) (result i32) (local i32 i32)
					(loop
						(local.set 1 (i32.add (local.get 1) (call $f (local.get 2))))
						(br_if 0 (i32.lt_u (local.tee 2 (i32.add (local.get 2) (i32.const 1))) (i32.const 5))))
					(local.get 1)))`,
			after: imports + `(func $f (param i32) (result i32) unreachable)
				(func (export "a") (param i32) (result i32) (local i32 i32 i32 i64)
					loop
						local.get 1
						(local.set 3 (i32.const 0))
						(if (i32.and (local.get 2) (i32.const 1)) (then (local.set 3 (call $b (local.get 2)))))
						(local.set 4 (i64.extend_i32_u (local.get 3)))
						(i32.add (local.get 3) (i32.wrap_i64 (local.get 4)))
						i32.add
						local.set 1
						(br_if 0 (i32.lt_u (local.tee 2 (i32.add (local.get 2) (i32.const 1))) (i32.const 5)))
					end
					(local.get 1)))`},
		{name: "a tail call of what is called once",
			before: imports + `(func $f (param i32) (result i32)
					(block (br_if 0 (local.get 0)) (return_call $b (local.get 0)))
					(if (i32.eq (local.get 0) (i32.const 1)) (then (return (i32.const 5))))
					(i32.div_u (call $b (local.get 0)) (local.get 0)))
				(func (export "a") (param i32) (result i32) (return_call $f (local.get 0))))`,
			after: imports + `(func $f (param i32) (result i32) unreachable)
				(func (export "a") (param i32) (result i32)
					(block (br_if 0 (local.get 0)) (return_call $b (local.get 0)))
					(if (i32.eq (local.get 0) (i32.const 1)) (then (return (i32.const 5))))
					(return (i32.div_u (call $b (local.get 0)) (local.get 0)))))`},
		{name: "what is called once, in what is called once",
			before: imports + `(func $f (param i32) (result i32) (i32.mul (call $g (local.get 0)) (call $a)))
				(func $g (param i32) (result i32) (i32.mul (i32.load (local.get 0)) (local.get 0)))
				(memory 1)
				(func (export "a") (param i32) (result i32) (i32.xor (call $f (local.get 0)) (i32.const 1))))`,
			after: imports + `(func $f (param i32) (result i32) unreachable)
				(func $g (param i32) (result i32) unreachable)
				(memory 1)
				(func (export "a") (param i32) (result i32)
					(i32.xor (i32.mul (i32.mul (i32.load (local.get 0)) (local.get 0)) (call $a)) (i32.const 1))))`},
		{name: "recursion", same: true,
			before: imports + `(func $f (param i32) (result i32)
					(if (result i32) (local.get 0) (then (call $g (local.get 0))) (else (i32.const 0))))
				(func $g (param i32) (result i32) (i32.add (call $f (i32.shr_u (local.get 0) (i32.const 1))) (i32.const 1)))
				(func (export "a") (param i32) (result i32) (call $f (local.get 0))))`},
		{name: "in a table, and large", same: true,
			before: imports + `(table 1 funcref) (elem (i32.const 0) func $f)
				(func $f (param i32) (result i32) (i32.add (i32.mul (local.get 0) (i32.const 1000)) (i32.load (local.get 0))))
				(memory 1)
				(func (export "a") (param i32) (result i32) (call $f (local.get 0)))
				(func (export "b") (param i32) (result i32) (call_indirect (type $ii) (local.get 0) (i32.const 0))))`},
		{name: "too large for three calls", same: true,
			before: imports + `(memory 1) (func $f (param i32) (result i32) (i32.add (i32.mul (local.get 0) (i32.const 1000)) (i32.load (local.get 0))))
				(func (export "a") (param i32) (result i32) (call $f (local.get 0)))
				(func (export "b") (param i32) (result i32) (i32.add (call $f (local.get 0)) (call $f (i32.const 4)))))`},
		{name: "a callee that never returns",
			before: imports + `(func $f (param i32) (drop (call $b (local.get 0))) (unreachable))
				(func (export "a") (param i32) (result i32)
					(if (local.get 0) (then (call $f (call $a))))
					(i32.const 1)))`,
			after: imports + `(func $f (param i32) unreachable)
				(func (export "a") (param i32) (result i32)
					(if (local.get 0) (then (drop (call $b (call $a))) (unreachable)))
					(i32.const 1)))`},
	}, Size, "inline")
}

// TestInlineHandlers is about exceptions: what a tail call calls is outside of
// the handlers of its function.
func TestInlineHandlers(t *testing.T) {
	const head = `(module (type $v (func)) (type $i (func (result i32))) (type $ii (func (param i32) (result i32)))
		(tag $e)
		`
	runGolden(t, []golden{
		{name: "a call within a handler",
			before: head + `(func $f (param i32) (result i32) (if (local.get 0) (then (throw $e))) (i32.mul (local.get 0) (i32.const 8)))
				(func (export "a") (param i32) (result i32)
					(block (drop (try_table (result i32) (catch $e 0) (call $f (local.get 0)))) (return (i32.const 2)))
					(i32.const 1)))`,
			after: head + `(func $f (param i32) (result i32) unreachable)
				(func (export "a") (param i32) (result i32)
					block
						try_table (result i32) (catch $e 0)
							(if (local.get 0) (then (throw $e))) (i32.mul (local.get 0) (i32.const 8))
						end
						drop
						(return (i32.const 2))
					end
					(i32.const 1)))`},
		{name: "a tail call within a handler", same: true,
			before: head + `(func $f (param i32) (result i32) (if (local.get 0) (then (throw $e))) (i32.mul (local.get 0) (i32.const 8)))
				(func $g (param i32) (result i32)
					(block (try_table (catch $e 0) (return_call $f (local.get 0))))
					(i32.const 1))
				(func (export "a") (param i32) (result i32)
					(block (drop (try_table (result i32) (catch $e 0) (call $g (local.get 0)))) (return (i32.const 2)))
					(i32.const 3)))`},
	}, Size, "inline")
}
