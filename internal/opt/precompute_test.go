package opt

import "testing"

func TestPrecompute(t *testing.T) {
	runRewrites(t, Size, []rewriteCase{
		// In a line.
		{"i32", `(local.set $i (i32.const 2)) (i32.add (local.get $i) (i32.const 1))`, `(local.set $i (i32.const 2)) (i32.const 3)`},
		{"i32", `(i32.add (local.get $a) (local.get $i))`, `(i32.add (local.get $a) (i32.const 0))`}, // starts at zero
		{"i32", `(local.set $a (i32.const 2)) (local.set $a (call $ask (i32.const 1))) (local.get $a)`, ``},
		{"i32", `(i32.add (local.get $i) (local.tee $i (i32.const 5)))`, `(i32.add (i32.const 0) (local.tee $i (i32.const 5)))`},
		{"i32", `(i32.add (local.tee $i (i32.const 5)) (local.get $i))`, `(i32.add (local.tee $i (i32.const 5)) (i32.const 5))`},
		{"i32", `(local.set $i (i32.const 2)) (local.set $j (local.get $i)) (call $log (local.get $i)) (i32.mul (local.get $j) (i32.const 5))`,
			`(local.set $i (i32.const 2)) (local.set $j (i32.const 2)) (call $log (i32.const 2)) (i32.const 10)`},
		// What takes more bytes is computed with, but not put down.
		{"i32", `(local.set $i (i32.const 100000)) (local.get $i)`, ``},
		{"i32", `(local.set $i (i32.const 100000)) (i32.rem_u (local.get $i) (i32.const 11))`, `(local.set $i (i32.const 100000)) (i32.const 10)`},
		{"i32", `(local.set $e (f64.const 0.5)) (i32.trunc_f64_s (f64.mul (local.get $e) (f64.const 6)))`, `(local.set $e (f64.const 0.5)) (i32.const 3)`},
		{"f64", `(local.set $e (f64.const 0.5)) (f64.add (local.get $e) (local.get $d))`, ``},

		// Arms.
		{"i32", `(if (local.get $a) (then (local.set $i (i32.const 4))) (else (local.set $i (i32.const 4)))) (local.get $i)`,
			`(if (local.get $a) (then (local.set $i (i32.const 4))) (else (local.set $i (i32.const 4)))) (i32.const 4)`},
		{"i32", `(if (local.get $a) (then (local.set $i (i32.const 4))) (else (local.set $i (i32.const 5)))) (local.get $i)`, ``},
		{"i32", `(if (local.get $a) (then (local.set $i (i32.const 4)))) (local.get $i)`, ``},
		{"i32", `(local.set $i (i32.const 4)) (if (local.get $a) (then (local.set $i (i32.const 5)) (call $log (local.get $i)) (return (i32.const 7)))) (local.get $i)`,
			`(local.set $i (i32.const 4)) (if (local.get $a) (then (local.set $i (i32.const 5)) (call $log (i32.const 5)) (return (i32.const 7)))) (i32.const 4)`},
		{"", `(local.set $i (i32.const 4)) (if (local.get $i) (then (call $log (i32.const 1))) (else (call $log (i32.const 2))))`,
			`(local.set $i (i32.const 4)) (call $log (i32.const 1))`},
		{"", `(local.set $i (i32.const 100000)) (if (local.get $i) (then (call $log (i32.const 1))))`, `(local.set $i (i32.const 100000)) (call $log (i32.const 1))`},
		{"i32", `(select (local.get $a) (local.get $b) (local.get $i))`, `(local.get $b)`},

		// Blocks.
		{"i32", `(block (br_if 0 (local.get $a)) (local.set $i (i32.const 4))) (local.get $i)`, ``},
		{"i32", `(block (local.set $i (i32.const 4)) (br_if 0 (local.get $a)) (call $log (i32.const 4))) (local.get $i)`,
			`(block (local.set $i (i32.const 4)) (br_if 0 (local.get $a)) (call $log (i32.const 4))) (i32.const 4)`},
		{"i32", `(block (if (local.get $a) (then (local.set $i (i32.const 3)) (br 1))) (local.set $i (i32.const 3))) (local.get $i)`,
			`(block (if (local.get $a) (then (local.set $i (i32.const 3)) (br 1))) (local.set $i (i32.const 3))) (i32.const 3)`},
		{"i32", `(block (if (local.get $a) (then (local.set $i (i32.const 3)) (br 1))) (local.set $i (i32.const 9))) (local.get $i)`, ``},
		{"i32", `(block (block (block (br_table 0 1 2 (local.get $a))) (local.set $i (i32.const 3)) (br 1)) (local.set $i (i32.const 3))) (local.get $i)`, ``},
		{"i32", `(block (block (br_table 0 1 (local.get $a))) (local.set $i (i32.const 0))) (local.get $i)`,
			`(block (block (br_table 0 1 (local.get $a))) (local.set $i (i32.const 0))) (i32.const 0)`},
		{"i32", `(block (local.set $i (i32.const 1)) (br_if 0 (local.get $a)) (local.set $i (i32.const 2)) (br_if 0 (local.get $b)) (local.set $i (i32.const 1))) (local.get $i)`, ``},
		{"", `(block (br_if 0 (local.get $i)) (call $log (i32.const 1)))`, `(call $log (i32.const 1))`},

		// Loops.
		{"i32", `(loop (local.set $i (i32.add (local.get $i) (i32.const 1))) (br_if 0 (i32.lt_u (local.get $i) (i32.const 9)))) (local.get $i)`, ``},
		{"i32", `(local.set $j (i32.const 3)) (loop (local.set $i (i32.add (local.get $i) (local.get $j))) (br_if 0 (i32.lt_u (local.get $i) (i32.const 9)))) (local.get $j)`,
			`(local.set $j (i32.const 3)) (loop (local.set $i (i32.add (local.get $i) (i32.const 3))) (br_if 0 (i32.lt_u (local.get $i) (i32.const 9)))) (i32.const 3)`},

		// Globals.
		{"i32", `(global.get $k)`, ``}, // 127 takes a byte more
		{"i32", `(i32.add (global.get $k) (i32.const 1))`, `(i32.const 128)`},
		{"i64", `(global.get $wide)`, ``},
		{"i64", `(i64.shr_u (global.get $wide) (i64.const 40))`, `(i64.const 1)`},
		{"i32", `(global.get $var)`, ``},
		{"f64", `(f64.add (global.get $real) (f64.const 1))`, `(f64.const 2.5)`},
	}, "precompute")
}

// TestPrecomputeCatch: a catch may come from before or after what is set.
func TestPrecomputeCatch(t *testing.T) {
	runGolden(t, []golden{
		{name: "catch", before: `(module
			(import "h" "ask" (func $ask (param i32) (result i32)))
			(tag $t)
			(func $maybe (param i32) local.get 0 call $ask i32.const 1 i32.and if throw $t end)
			(func (export "a") (param i32) (result i32) (local i32)
				block
					try_table (catch_all 0)
						local.get 0
						call $maybe
						i32.const 5
						local.set 1
						local.get 0
						call $maybe
					end
					i32.const 3
					local.get 1
					i32.add
					return
				end
				local.get 1))`, after: `(module
			(import "h" "ask" (func $ask (param i32) (result i32)))
			(tag $t)
			(func $maybe (param i32) local.get 0 call $ask i32.const 1 i32.and if throw $t end)
			(func (export "a") (param i32) (result i32) (local i32)
				block
					try_table (catch_all 0)
						local.get 0
						call $maybe
						i32.const 5
						local.set 1
						local.get 0
						call $maybe
					end
					i32.const 8
					return
				end
				local.get 1))`},
	}, Size, "precompute")
}
