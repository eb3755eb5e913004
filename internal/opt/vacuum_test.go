package opt

import "testing"

func TestVacuum(t *testing.T) {
	runRewrites(t, Size, []rewriteCase{
		// Dropped values.
		{"", `(drop (i32.add (local.get $a) (i32.const 1)))`, ` `},
		{"", `(drop (i32.add (local.get $a) (call $ask (i32.const 1))))`, `(drop (call $ask (i32.const 1)))`},
		{"", `(drop (i32.add (call $ask (i32.const 1)) (call $ask (i32.const 2))))`, `(drop (call $ask (i32.const 1))) (drop (call $ask (i32.const 2)))`},
		{"", `(drop (select (call $ask (i32.const 1)) (local.get $a) (i32.load (local.get $b))))`, `(drop (call $ask (i32.const 1))) (drop (i32.load (local.get $b)))`},
		{"", `(drop (i32.load (local.get $a)))`, ``},                                                                   // may trap
		{"", `(drop (i32.div_s (local.get $a) (local.get $b)))`, ``},                                                   // may trap
		{"", `(drop (i32.div_s (local.get $a) (i32.const 3)))`, ` `},                                                   // may not
		{"", `(drop (i32.trunc_f64_s (local.get $d)))`, ``},                                                            // may trap
		{"", `(drop (i32.trunc_sat_f64_s (local.get $d)))`, ` `},                                                       // may not
		{"", `(drop (memory.grow (i32.const 0)))`, ``},                                                                 // others can see it
		{"", `(drop (memory.size))`, ` `},                                                                              //
		{"i32", `(drop (local.tee $a (local.get $b))) (local.get $a)`, `(local.set $a (local.get $b)) (local.get $a)`}, //
		{"", `(drop (if (result i32) (local.get $a) (then (call $ask (i32.const 1))) (else (i32.const 2))))`,
			`(if (local.get $a) (then (drop (call $ask (i32.const 1)))))`},
		{"", `(drop (block (result i32) (call $log (i32.const 1)) (local.get $a)))`, `(call $log (i32.const 1))`},

		// Values of blocks that nobody needs.
		{"", `(drop (block (result i32) (if (local.get $a) (then (br 1 (i32.const 5)))) (call $log (i32.const 1)) (i32.const 6)))`,
			`(block (if (local.get $a) (then (br 1))) (call $log (i32.const 1)))`},
		{"", `(drop (block (result i32) (if (local.get $a) (then (br 1 (call $ask (i32.const 1))))) (call $log (i32.const 1)) (i32.const 6)))`,
			`(block (if (local.get $a) (then (drop (call $ask (i32.const 1))) (br 1))) (call $log (i32.const 1)))`},
		{"", `(drop (block (result i32) (drop (br_if 0 (i32.const 1) (local.get $a))) (call $log (i32.const 1)) (i32.const 6)))`,
			`(block (br_if 0 (local.get $a)) (call $log (i32.const 1)))`},
		{"", `(drop (block (result i32) (call $log (br_if 0 (i32.const 1) (local.get $a))) (i32.const 6)))`, ``}, // the value goes on
		{"", `(drop (block (result i32) (br_table 0 0 (i32.const 1) (local.get $a))))`, ``},
		// Two drops would stand for one.
		{"", `(drop (block (result i32) (if (local.get $a) (then (br 1 (call $ask (i32.const 1))))) (call $log (i32.const 1)) (call $ask (i32.const 2))))`, ``},

		// Empty constructs.
		{"", `(block (nop)) (block (block))`, ` `},
		{"", `(if (local.get $a) (then) (else))`, ` `},
		{"", `(if (call $ask (i32.const 1)) (then) (else))`, `(drop (call $ask (i32.const 1)))`},
		{"", `(if (local.get $a) (then) (else (call $log (i32.const 1))))`, `(if (i32.eqz (local.get $a)) (then (call $log (i32.const 1))))`},
		{"", `(if (i32.eqz (local.get $a)) (then (nop)) (else (call $log (i32.const 1))))`, `(if (local.get $a) (then (call $log (i32.const 1))))`},
		{"", `(if (local.get $a) (then (call $log (i32.const 1))) (else (drop (local.get $b))))`, `(if (local.get $a) (then (call $log (i32.const 1))))`},
		{"", `(if (local.get $a) (then (unreachable)))`, ``},
		{"", `(loop (drop (local.get $a)))`, ` `},
		{"", `(loop (call $log (i32.const 1)))`, `(call $log (i32.const 1))`},
		{"i32", `(loop (result i32) (call $log (i32.const 1)) (local.get $a))`, `(call $log (i32.const 1)) (local.get $a)`},
		{"", `(loop (br_if 0 (local.tee $a (i32.shr_u (local.get $a) (i32.const 1)))))`, ``},

		// Writes that nobody sees.
		{"", `(local.set $i (local.get $a))`, ` `},
		{"", `(local.set $i (call $ask (i32.const 1)))`, `(drop (call $ask (i32.const 1)))`},
		{"i32", `(local.tee $i (call $ask (i32.const 1)))`, `(call $ask (i32.const 1))`},
		{"i32", `(local.set $a (local.get $a)) (local.get $a)`, `(local.get $a)`},
		{"i32", `(local.tee $a (local.get $a))`, `(local.get $a)`},
		{"i32", `(local.set $i (local.get $a)) (local.get $i)`, ``},
		{"", `(global.set $var (global.get $var))`, ` `},
		{"", `(global.set $var (local.get $a))`, ``},

		// What is never reached.
		{"", `(call $log (i32.add (call $ask (i32.const 1)) (unreachable)))`, `(drop (call $ask (i32.const 1))) (unreachable)`},
	}, "vacuum")
}

// TestVacuumCalls is about calls of functions that are known to do nothing.
func TestVacuumCalls(t *testing.T) {
	runGolden(t, []golden{
		{name: "does nothing", before: `(module
			(import "h" "log" (func $log (param i32)))
			(func $pure (param i32) (result i32) local.get 0 i32.const 3 i32.mul)
			(func (export "a") (param i32)
				local.get 0 call $pure drop
				i32.const 7 call $log
				i32.const 1 call $log i32.const 2 call $pure drop))`,
			after: `(module
			(import "h" "log" (func $log (param i32)))
			(func $pure (param i32) (result i32) local.get 0 i32.const 3 i32.mul)
			(func (export "a") (param i32)
				i32.const 7 call $log
				i32.const 1 call $log))`},
		{name: "reads, and may trap", same: true, before: `(module
			(memory 1)
			(func $load (param i32) (result i32) local.get 0 i32.load)
			(func (export "a") (param i32)
				local.get 0 call $load drop))`},
	}, Size, "vacuum")
}
