package opt

import "testing"

func TestPeepholeIntegers(t *testing.T) {
	runRewrites(t, Size, []rewriteCase{
		// Operands that change nothing.
		{"i32", `(i32.add (local.get $a) (i32.const 0))`, `(local.get $a)`},
		{"i32", `(i32.add (i32.const 0) (local.get $a))`, `(local.get $a)`},
		{"i64", `(i64.mul (local.get $x) (i64.const 1))`, `(local.get $x)`},
		{"i32", `(i32.and (local.get $a) (i32.const -1))`, `(local.get $a)`},
		{"i32", `(i32.or (local.get $a) (i32.const 0))`, `(local.get $a)`},
		{"i64", `(i64.xor (local.get $x) (i64.const 0))`, `(local.get $x)`},
		{"i32", `(i32.shl (local.get $a) (i32.const 32))`, `(local.get $a)`},
		{"i64", `(i64.rotl (local.get $x) (i64.const 0))`, `(local.get $x)`},
		{"i32", `(i32.div_s (local.get $a) (i32.const 1))`, `(local.get $a)`},
		{"i32", `(i32.div_u (local.get $a) (i32.const 1))`, `(local.get $a)`},

		// Operands that decide; what else happens stays.
		{"i32", `(i32.mul (local.get $a) (i32.const 0))`, `(i32.const 0)`},
		{"i32", `(i32.and (call $ask (local.get $a)) (i32.const 0))`, `(drop (call $ask (local.get $a))) (i32.const 0)`},
		{"i32", `(i32.and (i32.load (local.get $a)) (i32.const 0))`, `(drop (i32.load (local.get $a))) (i32.const 0)`},
		{"i64", `(i64.or (local.get $x) (i64.const -1))`, `(i64.const -1)`},
		{"i32", `(i32.rem_s (local.get $a) (i32.const -1))`, `(i32.const 0)`},
		{"i32", `(i32.rem_u (local.get $a) (i32.const 1))`, `(i32.const 0)`},
		{"i32", `(i32.lt_u (local.get $a) (i32.const 0))`, `(i32.const 0)`},
		{"i32", `(i64.ge_u (local.get $x) (i64.const 0))`, `(i32.const 1)`},
		{"i32", `(i32.gt_s (local.get $a) (i32.const 0x7fffffff))`, `(i32.const 0)`},
		{"i32", `(i64.ge_s (local.get $x) (i64.const 0x8000000000000000))`, `(i32.const 1)`},
		{"i32", `(i64.gt_s (local.get $x) (i64.const 0x7fffffff))`, ``},

		// Both operands the same.
		{"i32", `(i32.sub (local.get $a) (local.get $a))`, `(i32.const 0)`},
		{"i64", `(i64.xor (local.get $x) (local.get $x))`, `(i64.const 0)`},
		{"i32", `(i32.and (i32.load (local.get $a)) (i32.load (local.get $a)))`, `(i32.load (local.get $a))`},
		{"i32", `(i32.le_u (local.get $a) (local.get $a))`, `(i32.const 1)`},
		{"i32", `(i32.sub (call $ask (local.get $a)) (call $ask (local.get $a)))`, ``},
		{"i32", `(i32.div_s (local.get $a) (local.get $a))`, ``}, // traps for 0

		// Canonical forms.
		{"i32", `(i32.add (i32.const 5) (local.get $a))`, `(i32.add (local.get $a) (i32.const 5))`},
		{"i32", `(i32.lt_s (i32.const 5) (local.get $a))`, `(i32.gt_s (local.get $a) (i32.const 5))`},
		{"i32", `(i32.sub (i32.const 5) (local.get $a))`, ``},
		{"i32", `(i32.sub (local.get $a) (i32.const 5))`, `(i32.add (local.get $a) (i32.const -5))`},
		{"i32", `(i32.sub (local.get $a) (i32.const -64))`, ``}, // 64 takes a byte more
		{"i32", `(i32.add (local.get $a) (i32.const 64))`, `(i32.sub (local.get $a) (i32.const -64))`},
		{"i64", `(i64.add (local.get $x) (i64.const 8192))`, `(i64.sub (local.get $x) (i64.const -8192))`},
		{"i32", `(i32.mul (local.get $a) (i32.const 8))`, `(i32.shl (local.get $a) (i32.const 3))`},
		{"i32", `(i32.mul (local.get $a) (i32.const 0x80000000))`, `(i32.shl (local.get $a) (i32.const 31))`},
		{"i64", `(i64.div_u (local.get $x) (i64.const 0x100000000))`, `(i64.shr_u (local.get $x) (i64.const 32))`},
		{"i32", `(i32.div_s (local.get $a) (i32.const 4))`, ``}, // rounds towards zero
		{"i32", `(i32.rem_u (local.get $a) (i32.const 64))`, `(i32.and (local.get $a) (i32.const 63))`},
		{"i32", `(i32.rem_s (local.get $a) (i32.const 64))`, ``},
		{"i32", `(i32.eq (local.get $a) (i32.const 0))`, `(i32.eqz (local.get $a))`},
		{"i32", `(i64.eq (i64.const 0) (local.get $x))`, `(i64.eqz (local.get $x))`},
		{"i32", `(i32.gt_u (local.get $a) (i32.const 0))`, `(i32.ne (local.get $a) (i32.const 0))`},
		{"i32", `(i32.lt_u (local.get $a) (i32.const 1))`, `(i32.eqz (local.get $a))`},
		{"i32", `(i32.gt_s (local.get $a) (i32.const -1))`, `(i32.ge_s (local.get $a) (i32.const 0))`},
		{"i32", `(i32.lt_s (local.get $a) (i32.const 64))`, `(i32.le_s (local.get $a) (i32.const 63))`},
		{"i32", `(i64.gt_s (local.get $x) (i64.const -65))`, `(i64.ge_s (local.get $x) (i64.const -64))`},
		{"i32", `(i32.ge_u (local.get $a) (i32.const 8192))`, `(i32.gt_u (local.get $a) (i32.const 8191))`},
		{"i32", `(i32.le_u (local.get $a) (i32.const 64))`, ``},

		// Constants that meet.
		{"i32", `(i32.add (i32.add (local.get $a) (i32.const 3)) (i32.const 4))`, `(i32.add (local.get $a) (i32.const 7))`},
		{"i32", `(i32.sub (i32.add (local.get $a) (i32.const 3)) (i32.const 3))`, `(local.get $a)`},
		{"i32", `(i32.add (i32.add (local.get $a) (i32.const 3)) (i32.sub (local.get $b) (i32.const 9)))`,
			`(i32.add (i32.add (local.get $a) (local.get $b)) (i32.const -6))`},
		{"i32", `(i32.sub (i32.add (local.get $a) (i32.const 3)) (i32.add (local.get $b) (i32.const 9)))`,
			`(i32.add (i32.sub (local.get $a) (local.get $b)) (i32.const -6))`},
		{"i32", `(i32.add (i32.add (local.get $a) (i32.const 3)) (local.get $b))`, ``},
		{"i64", `(i64.sub (i64.const 10) (i64.add (local.get $x) (i64.const 4)))`, `(i64.sub (i64.const 6) (local.get $x))`},
		{"i64", `(i64.sub (i64.const 10) (i64.sub (i64.const 4) (local.get $x)))`, `(i64.add (local.get $x) (i64.const 6))`},
		{"i64", `(i64.add (i64.sub (i64.const 10) (local.get $x)) (i64.const 4))`, `(i64.sub (i64.const 14) (local.get $x))`},
		{"i32", `(i32.mul (i32.mul (local.get $a) (i32.const 3)) (i32.const 5))`, `(i32.mul (local.get $a) (i32.const 15))`},
		{"i32", `(i32.shl (i32.mul (local.get $a) (i32.const 3)) (i32.const 2))`, `(i32.mul (local.get $a) (i32.const 12))`},
		{"i32", `(i32.mul (i32.shl (local.get $a) (i32.const 2)) (i32.const 3))`, `(i32.mul (local.get $a) (i32.const 12))`},
		{"i32", `(i32.xor (i32.xor (local.get $a) (i32.const 3)) (i32.const 5))`, `(i32.xor (local.get $a) (i32.const 6))`},
		{"i32", `(i32.and (i32.and (local.get $a) (i32.const 12)) (i32.const 10))`, `(i32.and (local.get $a) (i32.const 8))`},
		{"i32", `(i32.shl (i32.shl (local.get $a) (i32.const 3)) (i32.const 4))`, `(i32.shl (local.get $a) (i32.const 7))`},
		{"i32", `(i32.shr_u (i32.shr_u (local.get $a) (i32.const 30)) (i32.const 4))`, `(i32.const 0)`},
		{"i32", `(i32.shr_s (i32.shr_s (local.get $a) (i32.const 30)) (i32.const 4))`, `(i32.shr_s (local.get $a) (i32.const 31))`},
		{"i64", `(i64.rotl (i64.rotl (local.get $x) (i64.const 40)) (i64.const 40))`, `(i64.rotl (local.get $x) (i64.const 16))`},
		{"i32", `(i32.eq (i32.add (local.get $a) (i32.const 3)) (i32.const 10))`, `(i32.eq (local.get $a) (i32.const 7))`},
		{"i32", `(i32.ne (i32.xor (local.get $a) (i32.const 3)) (i32.const 10))`, `(i32.ne (local.get $a) (i32.const 9))`},
		{"i32", `(i32.eq (i32.sub (i32.const 3) (local.get $a)) (i32.const 10))`, `(i32.eq (local.get $a) (i32.const -7))`},
		{"i32", `(i32.lt_s (i32.add (local.get $a) (i32.const 3)) (i32.const 10))`, ``}, // may overflow

		// Signs that meet.
		{"i32", `(i32.add (local.get $a) (i32.sub (i32.const 0) (local.get $b)))`, `(i32.sub (local.get $a) (local.get $b))`},
		{"i32", `(i32.sub (local.get $a) (i32.sub (i32.const 0) (local.get $b)))`, `(i32.add (local.get $a) (local.get $b))`},
		{"i32", `(i32.add (i32.sub (i32.const 0) (local.get $a)) (local.get $b))`, `(i32.sub (local.get $b) (local.get $a))`},
		{"i32", `(i32.add (i32.sub (i32.const 0) (call $ask (i32.const 1))) (call $ask (i32.const 2)))`, ``},
		{"i32", `(i32.add (i32.sub (i32.const 0) (local.get $a)) (local.tee $a (local.get $b)))`, ``},
	}, "peephole")
}

func TestPeepholeBits(t *testing.T) {
	runRewrites(t, Size, []rewriteCase{
		// Masks of what is not there.
		{"i32", `(i32.and (i32.load8_u (local.get $a)) (i32.const 255))`, `(i32.load8_u (local.get $a))`},
		{"i32", `(i32.and (i32.load8_s (local.get $a)) (i32.const 255))`, `(i32.load8_u (local.get $a))`},
		{"i32", `(i32.and (i32.load16_u (local.get $a)) (i32.const 255))`, ``},
		{"i32", `(i32.and (i32.shr_u (local.get $a) (i32.const 24)) (i32.const 255))`, `(i32.shr_u (local.get $a) (i32.const 24))`},
		{"i32", `(i32.and (i32.shr_s (local.get $a) (i32.const 24)) (i32.const 255))`, ``},
		{"i32", `(i32.and (i32.shl (local.get $a) (i32.const 8)) (i32.const 255))`, `(i32.const 0)`},
		{"i32", `(i32.and (i32.lt_s (local.get $a) (local.get $b)) (i32.const 1))`, `(i32.lt_s (local.get $a) (local.get $b))`},
		{"i64", `(i64.and (i64.extend_i32_u (local.get $a)) (i64.const 0xffffffff))`, `(i64.extend_i32_u (local.get $a))`},
		{"i64", `(i64.and (local.get $x) (i64.const 0xffffffff))`, `(i64.extend_i32_u (i32.wrap_i64 (local.get $x)))`},
		{"i32", `(i32.and (i32.and (local.get $a) (i32.const 0xff00)) (i32.const 0xff))`, `(i32.const 0)`},
		{"i32", `(i32.and (i32.or (local.get $a) (i32.const 0x100)) (i32.const 0xff))`, `(i32.and (local.get $a) (i32.const 0xff))`},
		{"i32", `(i32.and (i32.add (local.get $a) (i32.const 0x100)) (i32.const 0xff))`, `(i32.and (local.get $a) (i32.const 0xff))`},
		{"i32", `(i32.and (i32.add (local.get $a) (i32.const 255)) (i32.const 0xff))`, `(i32.and (i32.add (local.get $a) (i32.const -1)) (i32.const 0xff))`},
		{"i32", `(i32.and (i32.shr_u (local.get $a) (i32.const 28)) (i32.const 0x7ff))`, `(i32.shr_u (local.get $a) (i32.const 28))`},
		{"i32", `(i32.and (i32.load8_u (local.get $a)) (i32.const 0x1fe))`, `(i32.and (i32.load8_u (local.get $a)) (i32.const -2))`},
		{"i32", `(i32.and (i32.extend8_s (local.get $a)) (i32.const 15))`, `(i32.and (local.get $a) (i32.const 15))`},
		{"i32", `(i32.and (i32.extend8_s (local.get $a)) (i32.const 0x1ff))`, ``},
		{"i32", `(i32.and (i32.shl (i32.or (local.get $a) (i32.const 0x10)) (i32.const 4)) (i32.const 0xff00))`, ``},
		{"i32", `(i32.and (i32.shl (i32.or (local.get $a) (i32.const 0x8)) (i32.const 4)) (i32.const 0xff00))`,
			`(i32.and (i32.shl (local.get $a) (i32.const 4)) (i32.const 0xff00))`},
		// A local that only ever holds small numbers, and one that does not.
		{"i32", `(local.set $i (i32.load8_u (local.get $a))) (i32.and (local.get $i) (i32.const 255))`,
			`(local.set $i (i32.load8_u (local.get $a))) (local.get $i)`},
		{"i32", `(local.set $i (i32.load8_u (local.get $a))) (local.set $i (i32.add (local.get $i) (i32.const 1))) (i32.and (local.get $i) (i32.const 255))`, ``},
		{"i32", `(local.get $i)`, `(i32.const 0)`}, // never set

		// Pairs of shifts.
		{"i32", `(i32.shr_u (i32.shl (local.get $a) (i32.const 24)) (i32.const 24))`, `(i32.and (local.get $a) (i32.const 255))`},
		{"i32", `(i32.shl (i32.shr_u (local.get $a) (i32.const 4)) (i32.const 4))`, `(i32.and (local.get $a) (i32.const -16))`},
		{"i32", `(i32.shl (i32.shr_s (local.get $a) (i32.const 4)) (i32.const 4))`, `(i32.and (local.get $a) (i32.const -16))`},
		{"i64", `(i64.shr_u (i64.shl (local.get $x) (i64.const 32)) (i64.const 32))`, `(i64.extend_i32_u (i32.wrap_i64 (local.get $x)))`},
		{"i64", `(i64.shr_u (i64.shl (local.get $x) (i64.const 8)) (i64.const 8))`, ``}, // the mask takes more bytes
		{"i32", `(i32.shr_s (i32.shl (local.get $a) (i32.const 24)) (i32.const 24))`, `(i32.extend8_s (local.get $a))`},
		{"i32", `(i32.shr_s (i32.shl (local.get $a) (i32.const 23)) (i32.const 23))`, ``},
		{"i64", `(i64.shr_s (i64.shl (local.get $x) (i64.const 32)) (i64.const 32))`, `(i64.extend32_s (local.get $x))`},
		{"i32", `(i32.shr_s (i32.shl (i32.load8_s (local.get $a)) (i32.const 16)) (i32.const 16))`, `(i32.load8_s (local.get $a))`},
		{"i32", `(i32.shl (i32.and (local.get $a) (i32.const 0xff)) (i32.const 24))`, `(i32.shl (local.get $a) (i32.const 24))`},
		{"i32", `(i32.shl (local.get $a) (i32.and (local.get $b) (i32.const 31)))`, `(i32.shl (local.get $a) (local.get $b))`},
		{"i64", `(i64.shl (local.get $x) (i64.and (local.get $y) (i64.const 31)))`, ``},

		// Sign extensions.
		{"i32", `(i32.extend8_s (i32.load8_u (local.get $a)))`, `(i32.load8_s (local.get $a))`},
		{"i32", `(i32.extend16_s (i32.load8_u (local.get $a)))`, `(i32.load8_u (local.get $a))`},
		{"i32", `(i32.extend16_s (i32.extend8_s (local.get $a)))`, `(i32.extend8_s (local.get $a))`},
		{"i32", `(i32.extend8_s (i32.extend16_s (local.get $a)))`, `(i32.extend8_s (local.get $a))`},
		{"i32", `(i32.extend8_s (i32.and (local.get $a) (i32.const 127)))`, `(i32.and (local.get $a) (i32.const 127))`},
		{"i32", `(i32.extend8_s (i32.and (local.get $a) (i32.const 255)))`, `(i32.extend8_s (local.get $a))`},

		// Comparisons that the bits decide.
		{"i32", `(i32.lt_u (i32.load8_u (local.get $a)) (i32.const 256))`, `(drop (i32.load8_u (local.get $a))) (i32.const 1)`},
		{"i32", `(i32.lt_u (i32.load8_u (local.get $a)) (i32.const 255))`, ``},
		{"i32", `(i32.gt_s (i32.load8_u (local.get $a)) (i32.const -3))`, `(drop (i32.load8_u (local.get $a))) (i32.const 1)`},
		{"i32", `(i32.eq (i32.and (local.get $a) (i32.const 6)) (i32.const 9))`, `(i32.const 0)`},
		{"i32", `(i32.eq (i32.and (local.get $a) (i32.const 1)) (i32.const 1))`, `(i32.and (local.get $a) (i32.const 1))`},
		{"i32", `(i32.ne (i32.and (local.get $a) (i32.const 8)) (i32.const 8))`, `(i32.eqz (i32.and (local.get $a) (i32.const 8)))`},
		{"i32", `(i64.ne (i64.and (local.get $x) (i64.const 1)) (i64.const 0))`, `(i32.wrap_i64 (i64.and (local.get $x) (i64.const 1)))`},
		{"i32", `(i32.xor (i32.lt_s (local.get $a) (local.get $b)) (i32.const 1))`, `(i32.ge_s (local.get $a) (local.get $b))`},
		{"i32", `(i32.xor (local.get $a) (i32.const 1))`, ``},
	}, "peephole")
}

func TestPeepholeConversions(t *testing.T) {
	runRewrites(t, Size, []rewriteCase{
		{"i32", `(i32.wrap_i64 (i64.extend_i32_s (local.get $a)))`, `(local.get $a)`},
		{"i32", `(i32.wrap_i64 (i64.load32_s (local.get $a)))`, `(i32.load (local.get $a))`},
		{"i32", `(i32.wrap_i64 (i64.load8_u (local.get $a)))`, `(i32.load8_u (local.get $a))`},
		{"i32", `(i32.wrap_i64 (i64.load (local.get $a)))`, ``}, // reads, and traps for, more
		{"i32", `(i32.wrap_i64 (i64.and (local.get $x) (i64.const 0xffffffff)))`, `(i32.wrap_i64 (local.get $x))`},
		{"i32", `(i32.wrap_i64 (i64.add (i64.extend_i32_u (local.get $a)) (i64.extend_i32_s (local.get $b))))`, `(i32.add (local.get $a) (local.get $b))`},
		{"i32", `(i32.wrap_i64 (i64.add (i64.extend_i32_u (local.get $a)) (local.get $x)))`, `(i32.add (local.get $a) (i32.wrap_i64 (local.get $x)))`},
		{"i32", `(i32.wrap_i64 (i64.add (local.get $y) (local.get $x)))`, ``},
		{"i32", `(i32.wrap_i64 (i64.shl (i64.extend_i32_u (local.get $a)) (i64.const 3)))`, `(i32.shl (local.get $a) (i32.const 3))`},
		{"i32", `(i32.wrap_i64 (i64.shr_u (i64.extend_i32_u (local.get $a)) (i64.const 3)))`, `(i32.shr_u (local.get $a) (i32.const 3))`},
		{"i32", `(i32.wrap_i64 (i64.shr_u (i64.extend_i32_s (local.get $a)) (i64.const 3)))`, ``},
		{"i64", `(i64.extend_i32_u (i32.wrap_i64 (i64.shr_u (local.get $x) (i64.const 32))))`, `(i64.shr_u (local.get $x) (i64.const 32))`},
		{"i64", `(i64.extend_i32_u (i32.wrap_i64 (local.get $x)))`, ``},
		{"i64", `(i64.extend_i32_u (i32.and (i32.wrap_i64 (local.get $x)) (i32.const 31)))`, `(i64.and (local.get $x) (i64.const 31))`},
		{"i64", `(i64.extend_i32_u (i32.and (i32.wrap_i64 (local.get $x)) (i32.const -2)))`, ``}, // 0xfffffffe takes more bytes
		{"i64", `(i64.extend_i32_s (i32.wrap_i64 (local.get $x)))`, `(i64.extend32_s (local.get $x))`},
		{"i64", `(i64.extend_i32_s (i32.wrap_i64 (i64.load16_s (local.get $a))))`, `(i64.load16_s (local.get $a))`},
		{"i64", `(i64.extend_i32_s (i32.extend8_s (i32.wrap_i64 (local.get $x))))`, `(i64.extend8_s (local.get $x))`},
		{"i64", `(i64.extend_i32_s (i32.load8_u (local.get $a)))`, `(i64.load8_u (local.get $a))`},
		{"i64", `(i64.extend_i32_u (i32.load8_s (local.get $a)))`, ``},
		{"i64", `(i64.extend_i32_u (i32.load (local.get $a)))`, `(i64.load32_u (local.get $a))`},
		{"i64", `(i64.extend_i32_s (i32.shr_u (local.get $a) (i32.const 1)))`, `(i64.extend_i32_u (i32.shr_u (local.get $a) (i32.const 1)))`},
		{"i64", `(i64.extend32_s (i64.extend_i32_u (local.get $a)))`, `(i64.extend_i32_s (local.get $a))`},
		{"i64", `(i64.or (i64.extend_i32_u (local.get $a)) (i64.extend_i32_u (local.get $b)))`, `(i64.extend_i32_u (i32.or (local.get $a) (local.get $b)))`},
		{"i64", `(i64.or (i64.extend_i32_u (local.get $a)) (i64.extend_i32_s (local.get $b)))`, ``},
		{"i32", `(i64.eq (i64.extend_i32_u (local.get $a)) (i64.extend_i32_u (local.get $b)))`, `(i32.eq (local.get $a) (local.get $b))`},
		{"i32", `(i64.lt_s (i64.extend_i32_u (local.get $a)) (i64.extend_i32_u (local.get $b)))`, `(i32.lt_u (local.get $a) (local.get $b))`},
		{"i32", `(i64.lt_u (i64.extend_i32_s (local.get $a)) (i64.extend_i32_s (local.get $b)))`, `(i32.lt_u (local.get $a) (local.get $b))`},
		{"i32", `(i64.lt_s (i64.extend_i32_s (local.get $a)) (i64.extend_i32_u (local.get $b)))`, ``},
		{"i32", `(i64.gt_s (i64.extend_i32_s (local.get $a)) (i64.const -9))`, `(i32.gt_s (local.get $a) (i32.const -9))`},
		{"i32", `(i64.gt_s (i64.extend_i32_s (local.get $a)) (i64.const 0x80000000))`, `(i64.gt_s (i64.extend_i32_s (local.get $a)) (i64.const 0x80000000))`},
		{"i32", `(i64.eqz (i64.extend_i32_s (local.get $a)))`, `(i32.eqz (local.get $a))`},
		{"i32", `(i32.eqz (i32.wrap_i64 (i64.shr_u (local.get $x) (i64.const 40))))`, `(i64.eqz (i64.shr_u (local.get $x) (i64.const 40)))`},
		{"i32", `(i32.eqz (i32.wrap_i64 (local.get $x)))`, ``},
		{"i32", `(i32.reinterpret_f32 (f32.reinterpret_i32 (local.get $a)))`, `(local.get $a)`},
		{"f32", `(f32.reinterpret_i32 (i32.extend8_s (local.get $a)))`, ``},
		{"i64", `(i64.reinterpret_f64 (f64.load (local.get $a)))`, `(i64.load (local.get $a))`},
		{"f64", `(f64.neg (f64.neg (local.get $d)))`, `(local.get $d)`},
		{"f64", `(f64.abs (f64.neg (local.get $d)))`, `(f64.abs (local.get $d))`},
		{"f64", `(f64.abs (f64.abs (local.get $d)))`, `(f64.abs (local.get $d))`},
		{"f64", `(f64.mul (local.get $d) (f64.const 1))`, ``}, // makes a NaN quiet
		{"f64", `(f64.add (local.get $d) (f64.const 0))`, ``},
		{"f64", `(f64.convert_i64_s (i64.extend_i32_s (local.get $a)))`, `(f64.convert_i32_s (local.get $a))`},
		{"f32", `(f32.convert_i64_s (i64.extend_i32_u (local.get $a)))`, `(f32.convert_i32_u (local.get $a))`},
		{"f32", `(f32.convert_i64_u (i64.extend_i32_s (local.get $a)))`, ``},
	}, "peephole")
}

func TestPeepholeMemory(t *testing.T) {
	runRewrites(t, Size, []rewriteCase{
		// Constant addresses: together with the offset, the shorter way.
		{"i32", `(i32.load offset=16 (i32.const 8))`, `(i32.load (i32.const 24))`},
		{"i32", `(i32.load (i32.const 100))`, `(i32.load offset=100 (i32.const 0))`}, // a signed 100 takes two bytes
		{"i32", `(i32.load offset=0x100000 (i32.const 0))`, ``},
		{"i32", `(i32.load offset=16 (i32.const -8))`, ``}, // does not wrap: it traps
		// x + c is an offset only where it does not wrap.
		{"i32", `(i32.load (i32.add (local.get $a) (i32.const 8)))`, ``},
		{"i32", `(i32.load (i32.add (i32.and (local.get $a) (i32.const 0xfff)) (i32.const 8)))`, `(i32.load offset=8 (i32.and (local.get $a) (i32.const 0xfff)))`},
		{"i32", `(i32.load offset=4 (i32.add (i32.shr_u (local.get $a) (i32.const 4)) (i32.const 64)))`, `(i32.load offset=68 (i32.shr_u (local.get $a) (i32.const 4)))`},
		{"i32", `(i32.load (i32.add (i32.and (local.get $a) (i32.const 0xfff)) (i32.const -8)))`, ``},
		{"", `(i32.store offset=4 (i32.add (i32.load8_u (local.get $a)) (i32.const 8)) (local.get $b))`,
			`(i32.store offset=12 (i32.load8_u (local.get $a)) (local.get $b))`},
		// What is stored.
		{"", `(i32.store8 (local.get $a) (i32.and (local.get $b) (i32.const 255)))`, `(i32.store8 (local.get $a) (local.get $b))`},
		{"", `(i32.store8 (local.get $a) (i32.and (local.get $b) (i32.const 127)))`, ``},
		{"", `(i32.store16 (local.get $a) (i32.and (local.get $b) (i32.const 0x1ffff)))`, `(i32.store16 (local.get $a) (local.get $b))`},
		{"", `(i32.store8 (local.get $a) (i32.const 255))`, `(i32.store8 (local.get $a) (i32.const -1))`},
		{"", `(i32.store8 (local.get $a) (i32.extend8_s (local.get $b)))`, `(i32.store8 (local.get $a) (local.get $b))`},
		{"", `(i32.store8 (local.get $a) (i32.shr_s (i32.shl (local.get $b) (i32.const 24)) (i32.const 24)))`, `(i32.store8 (local.get $a) (local.get $b))`},
		{"", `(i32.store8 (local.get $a) (local.tee $b (i32.and (local.get $b) (i32.const 255)))) (call $log (local.get $b))`, ``},
		{"", `(i32.store (local.get $a) (i32.wrap_i64 (local.get $x)))`, `(i64.store32 (local.get $a) (local.get $x))`},
		{"", `(i32.store8 (local.get $a) (i32.wrap_i64 (local.get $x)))`, `(i64.store8 (local.get $a) (local.get $x))`},
		{"", `(i64.store32 (local.get $a) (i64.extend_i32_u (local.get $b)))`, `(i32.store (local.get $a) (local.get $b))`},
		{"", `(i64.store16 (local.get $a) (i64.extend_i32_s (local.get $b)))`, `(i32.store16 (local.get $a) (local.get $b))`},
		{"", `(i64.store (local.get $a) (i64.extend_i32_u (local.get $b)))`, ``},
		{"", `(i64.store32 (local.get $a) (i64.and (local.get $x) (i64.const 0xffffffff)))`, `(i64.store32 (local.get $a) (local.get $x))`},
		{"", `(i32.store (local.get $a) (i32.reinterpret_f32 (local.get $f)))`, `(f32.store (local.get $a) (local.get $f))`},
		{"", `(f64.store (local.get $a) (f64.reinterpret_i64 (local.get $x)))`, `(i64.store (local.get $a) (local.get $x))`},
		{"", `(f64.store (local.get $a) (f64.const 0))`, `(i64.store (local.get $a) (i64.const 0))`},
		{"", `(f64.store (local.get $a) (f64.const 1.1))`, ``},
		{"", `(memory.fill (local.get $a) (i32.const 0) (i32.const 0))`, ``}, // may trap
		{"", `(memory.copy (local.get $a) (local.get $b) (i32.const 0))`, ``},
	}, "peephole")
}

func TestPeepholeConditions(t *testing.T) {
	runRewrites(t, Size, []rewriteCase{
		{"i32", `(i32.eqz (i32.lt_s (local.get $a) (local.get $b)))`, `(i32.ge_s (local.get $a) (local.get $b))`},
		{"i32", `(i32.eqz (i64.eq (local.get $x) (local.get $y)))`, `(i64.ne (local.get $x) (local.get $y))`},
		{"i32", `(i32.eqz (f64.eq (local.get $d) (local.get $d)))`, `(f64.ne (local.get $d) (local.get $d))`},
		{"i32", `(i32.eqz (f64.lt (local.get $d) (local.get $d)))`, ``}, // a NaN is neither
		{"i32", `(i32.eqz (i32.eqz (local.get $a)))`, ``},
		{"i32", `(i32.eqz (i32.eqz (i32.and (local.get $a) (i32.const 1))))`, `(i32.and (local.get $a) (i32.const 1))`},
		{"i32", `(i32.eqz (i32.eqz (i32.eqz (local.get $a))))`, `(i32.eqz (local.get $a))`},
		{"i32", `(i32.eqz (i32.sub (local.get $a) (local.get $b)))`, `(i32.eq (local.get $a) (local.get $b))`},
		{"i32", `(i32.eqz (i32.add (local.get $a) (i32.const 7)))`, `(i32.eq (local.get $a) (i32.const -7))`},
		{"i32", `(i32.eqz (i32.or (local.get $a) (i32.ne (local.get $b) (i32.const 0))))`, `(i32.eqz (i32.or (local.get $a) (local.get $b)))`},
		{"i32", `(i32.eqz (i32.and (i32.shr_u (local.get $a) (i32.const 3)) (i32.const 1)))`, `(i32.eqz (i32.and (local.get $a) (i32.const 8)))`},
		{"i32", `(i32.eqz (i32.and (i32.shr_s (local.get $a) (i32.const 28)) (i32.const 16)))`, ``}, // the sign, again
		{"i32", `(i32.eqz (i32.rem_s (local.get $a) (i32.const 8)))`, `(i32.eqz (i32.and (local.get $a) (i32.const 7)))`},
		{"i32", `(i32.eqz (i32.shl (i32.load8_u (local.get $a)) (i32.const 3)))`, `(i32.eqz (i32.load8_u (local.get $a)))`},
		{"i32", `(i32.eqz (i32.shl (local.get $a) (i32.const 3)))`, ``},

		{"", `(if (i32.ne (local.get $a) (i32.const 0)) (then (call $log (i32.const 1))))`, `(if (local.get $a) (then (call $log (i32.const 1))))`},
		{"", `(if (i32.eqz (i32.eqz (local.get $a))) (then (call $log (i32.const 1))))`, `(if (local.get $a) (then (call $log (i32.const 1))))`},
		{"", `(if (i32.eqz (local.get $a)) (then (call $log (i32.const 1))))`, ``},
		{"", `(if (i32.eqz (local.get $a)) (then (call $log (i32.const 1))) (else (call $log (i32.const 2))))`,
			`(if (local.get $a) (then (call $log (i32.const 2))) (else (call $log (i32.const 1))))`},
		{"", `(if (i64.ne (local.get $x) (i64.const 0)) (then (call $log (i32.const 1))))`, ``},
		{"", `(block (br_if 0 (i32.ne (local.get $a) (i32.const 0))) (call $log (i32.const 1)))`, `(block (br_if 0 (local.get $a)) (call $log (i32.const 1)))`},
		{"", `(block (br_if 0 (local.tee $a (i32.ne (local.get $a) (i32.const 0)))) (call $log (local.get $a)))`, ``},
		{"i32", `(select (local.get $a) (local.get $b) (i32.ne (local.get $b) (i32.const 0)))`, `(select (local.get $a) (local.get $b) (local.get $b))`},
		{"i32", `(select (local.get $a) (local.get $b) (i32.eqz (local.get $b)))`, `(select (local.get $b) (local.get $a) (local.get $b))`},
		{"i32", `(select (call $ask (i32.const 1)) (call $ask (i32.const 2)) (i32.eqz (local.get $b)))`, ``},
		{"i32", `(select (local.get $a) (local.get $a) (call $ask (local.get $b)))`, `(local.get $a) (drop (call $ask (local.get $b)))`},
		{"i32", `(select (i32.const 1) (i32.const 0) (local.get $a))`, `(i32.eqz (i32.eqz (local.get $a)))`},
		{"i32", `(select (i32.const 1) (i32.const 0) (i32.lt_s (local.get $a) (local.get $b)))`, `(i32.lt_s (local.get $a) (local.get $b))`},
		{"i32", `(select (i32.const 0) (i32.const 1) (local.get $a))`, `(i32.eqz (local.get $a))`},
		{"i64", `(select (i64.const 1) (i64.const 0) (i32.lt_s (local.get $a) (local.get $b)))`, `(i64.extend_i32_u (i32.lt_s (local.get $a) (local.get $b)))`},
		{"i32", `(select (i32.const 8) (i32.const 0) (i32.lt_s (local.get $a) (local.get $b)))`, `(i32.shl (i32.lt_s (local.get $a) (local.get $b)) (i32.const 3))`},
		{"i32", `(select (i32.const -1) (i32.const 0) (i32.lt_s (local.get $a) (local.get $b)))`, `(i32.sub (i32.const 0) (i32.lt_s (local.get $a) (local.get $b)))`},
		{"i32", `(select (i32.const 5) (i32.const 0) (local.get $a))`, ``},
		{"i32", `(if (result i32) (local.get $a) (then (i32.const 0)) (else (i32.const 1)))`, `(i32.eqz (local.get $a))`},

		// What has just been set comes first.
		{"i32", `(local.set $a (call $ask (i32.const 1))) (i32.add (local.get $b) (local.get $a))`, `(local.set $a (call $ask (i32.const 1))) (i32.add (local.get $a) (local.get $b))`},
		{"i32", `(local.set $a (call $ask (i32.const 1))) (i32.lt_u (local.get $b) (local.get $a))`, `(local.set $a (call $ask (i32.const 1))) (i32.gt_u (local.get $a) (local.get $b))`},
		{"i32", `(local.set $a (call $ask (i32.const 1))) (i32.sub (local.get $b) (local.get $a))`, ``},
	}, "peephole")
}

func TestShortConstants(t *testing.T) {
	cases := []rewriteCase{
		{"f64", `(f64.const 1)`, `(f64.convert_i32_s (i32.const 1))`},
		{"f64", `(f64.const 0)`, `(f64.convert_i32_s (i32.const 0))`},
		{"f64", `(f64.const -2147483648)`, `(f64.convert_i32_s (i32.const -2147483648))`},
		{"f64", `(f64.const -0)`, ``},
		{"f64", `(f64.const 0.5)`, ``},
		{"f64", `(f64.const nan)`, ``},
		{"f64", `(f64.const inf)`, ``},
		{"f64", `(f64.const 4294967296)`, ``},
		{"f32", `(f32.const -64)`, `(f32.convert_i32_s (i32.const -64))`},
		{"f32", `(f32.const 64)`, ``}, // one byte is not enough
		{"f32", `(f32.const 1e9)`, ``},
		{"i64", `(i64.const 0xffffffff)`, `(i64.extend_i32_u (i32.const -1))`},
		{"i64", `(i64.const 0x80000000)`, ``},
		{"i64", `(i64.const 0x7fffffffffffffff)`, `(i64.shr_u (i64.const -1) (i64.const 1))`},
		{"i64", `(i64.const 0xffffffffffff)`, `(i64.shr_u (i64.const -1) (i64.const 16))`},
		{"i64", `(i64.const 0x8000000000000000)`, `(i64.shl (i64.const -1) (i64.const 63))`},
		{"i64", `(i64.const 0x7ff0000000000000)`, `(i64.shl (i64.const 2047) (i64.const 52))`},
		{"i64", `(i64.const 0x100000000)`, ``},
		{"i64", `(i64.const 0)`, ``},
		{"i64", `(i64.const -1)`, ``},
	}
	runRewrites(t, Size, cases, "short-constants", "fold", "peephole", "precompute")
	for i := range cases {
		cases[i].after = ""
	}
	runRewrites(t, Speed, cases, "short-constants")
}
