package opt

import "testing"

func TestFold(t *testing.T) {
	cases := []rewriteCase{
		{"i32", `(i32.add (i32.shr_u (i32.mul (i32.const 3) (i32.const 4)) (i32.const 1)) (i32.const 4))`, `(i32.const 10)`},
		{"i64", `(i64.extend_i32_s (i32.sub (i32.const 3) (i32.const 4)))`, `(i64.const -1)`},
		{"i32", `(i32.eqz (i32.eqz (i32.const 7)))`, `(i32.const 1)`},
		{"i32", `(i64.lt_u (i64.const -1) (i64.const 1))`, `(i32.const 0)`},
		{"i32", `(i32.wrap_i64 (i64.const 0x1_0000_0007))`, `(i32.const 7)`},
		{"i32", `(i32.extend8_s (i32.const 0x180))`, `(i32.const -128)`},
		{"i32", `(i32.trunc_f64_s (f64.const -7.9))`, `(i32.const -7)`},
		{"i32", `(i32.trunc_sat_f64_u (f64.const nan))`, `(i32.const 0)`},
		{"f64", `(f64.add (f64.const 1.5) (f64.const 2))`, `(f64.const 3.5)`},
		{"f64", `(f64.neg (f64.const nan:0x4000000000001))`, `(f64.const -nan:0x4000000000001)`},
		{"i32", `(f64.lt (f64.const nan) (f64.const 2))`, `(i32.const 0)`},
		// What traps, and NaNs that the engine makes.
		{"i32", `(i32.div_s (i32.const 3) (i32.const 0))`, ``},
		{"i32", `(i32.div_s (i32.const 0x80000000) (i32.const -1))`, ``},
		{"i32", `(i32.rem_s (i32.const 0x80000000) (i32.const -1))`, `(i32.const 0)`},
		{"i32", `(i32.trunc_f64_s (f64.const 2147483648))`, ``},
		{"i32", `(i32.trunc_f64_s (f64.const nan))`, ``},
		{"f64", `(f64.div (f64.const 0) (f64.const 0))`, ``},
		{"f64", `(f64.add (f64.const nan) (f64.const 1))`, ``},
		{"f64", `(f64.sqrt (f64.const -1))`, ``},

		{"i32", `(select (local.get $a) (local.get $b) (i32.const 0))`, `(local.get $b)`},
		{"i32", `(select (local.get $a) (call $ask (local.get $b)) (i32.const 5))`, `(local.get $a) (drop (call $ask (local.get $b)))`},
		{"i32", `(select (call $ask (local.get $b)) (local.get $a) (i32.const 0))`, `(drop (call $ask (local.get $b))) (local.get $a)`},
		{"i32", `(if (result i32) (i32.const 0) (then (call $ask (i32.const 1))) (else (local.get $a)))`, `(local.get $a)`},
		{"", `(if (i32.const 0) (then (call $log (i32.const 1))))`, ` `},
		{"", `(if (i32.const 9) (then (call $log (i32.const 1))))`, `(call $log (i32.const 1))`},
		{"", `(if (i32.const 9) (then (call $log (i32.const 1)) (return))) (call $log (i32.const 2))`, `(call $log (i32.const 1)) (return)`},
		{"", `(if (block (result i32) (call $log (i32.const 3)) (i32.const 0)) (then (call $log (i32.const 1))))`, `(call $log (i32.const 3))`},
		{"", `(block (br_if 0 (i32.const 0)) (call $log (i32.const 1)))`, `(call $log (i32.const 1))`},
		{"", `(block (br_if 0 (i32.const 2)) (call $log (i32.const 1)))`, `(block (br 0))`},
		{"i32", `(block (result i32) (br_if 0 (local.get $a) (i32.const 0)))`, `(local.get $a)`},
		{"", `(br_if 0 (i32.const 1)) (call $log (i32.const 1))`, `(return)`},
		{"", `(block (block (br_table 0 1 0 (i32.const 1))) (call $log (i32.const 1)))`, `(block (br 0))`},
		{"", `(block (block (br_table 0 1 0 (i32.const 7))) (call $log (i32.const 1)))`, `(block (br 0)) (call $log (i32.const 1))`},
		{"i32", `(block (result i32) (br_if 0 (call $ask (i32.const 1)) (block (result i32) (call $log (i32.const 3)) (i32.const 0))))`,
			`(call $ask (i32.const 1)) (call $log (i32.const 3))`},
	}
	runRewrites(t, Size, cases, "fold")

	// What is not computed at Size, because the result takes more bytes.
	small := []rewriteCase{
		{"f64", `(f64.convert_i32_s (i32.const 3))`, ``},
		{"i64", `(i64.extend_i32_u (i32.const -1))`, ``},
		{"f64", `(f64.promote_f32 (f32.const 1.5))`, ``},
	}
	runRewrites(t, Size, small, "fold")
	small[0].after, small[1].after, small[2].after = `(f64.const 3)`, `(i64.const 0xffffffff)`, `(f64.const 1.5)`
	runRewrites(t, Speed, small, "fold")
}
