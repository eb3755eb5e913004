package opt

import "testing"

// never makes a module of the first function and some that do not return.
func never(function string) string {
	return `(module (import "h" "f" (func $f (param i32))) ` + function + `
		(func $trap (export "trap") (param i32) local.get 0 call $f unreachable)
		(func $value (export "value") (param i32) (result i32) local.get 0 call $trap unreachable)
		(func $either (export "either") (param i32) local.get 0 if i32.const 1 call $trap else i32.const 2 call $trap end)
		(func $sometimes (export "sometimes") (param i32) local.get 0 if return end unreachable)
		(func $out (export "out") (param i32) block local.get 0 br_if 0 i32.const 2 call $trap end)
		(func $run (export "run") (param i32) local.get 0 if unreachable end i32.const 5 call $f)
	)`
}

func TestNoReturn(t *testing.T) {
	runGolden(t, []golden{
		{name: "statements",
			before: never(`(func (export "a") (param i32) local.get 0 if i32.const 3 call $trap i32.const 9 call $f end i32.const 4 call $f)`),
			after:  never(`(func (export "a") (param i32) local.get 0 if i32.const 3 call $trap unreachable end i32.const 4 call $f)`)},
		{name: "a result",
			before: never(`(func (export "a") (param i32) (result i32) (local i32) local.get 0 call $value local.set 1 local.get 1 i32.const 3 i32.add)`),
			after:  never(`(func (export "a") (param i32) (result i32) (local i32) local.get 0 call $value local.set 1 unreachable)`)},
		{name: "both arms",
			before: never(`(func (export "a") (param i32) local.get 0 call $either i32.const 3 call $f)`),
			after:  never(`(func (export "a") (param i32) local.get 0 call $either unreachable)`)},
		{name: "it may return", same: true,
			before: never(`(func (export "a") (param i32) local.get 0 call $sometimes i32.const 3 call $f local.get 0 call $out i32.const 3 call $f local.get 0 call $run i32.const 3 call $f)`)},
		{name: "nothing to gain", same: true,
			before: never(`(func (export "a") (param i32) local.get 0 if i32.const 3 call $trap return end i32.const 4 call $f)`)},
		{name: "a call of itself", same: true,
			before: never(`(func $a (export "a") (param i32) local.get 0 if i32.const 0 call $a i32.const 9 call $f end i32.const 4 call $f)`)},
	}, Size, "noreturn")
}
