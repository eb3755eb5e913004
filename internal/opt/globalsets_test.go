package opt

import "testing"

func TestGlobalSets(t *testing.T) {
	runGolden(t, []golden{
		{name: "written again",
			before: code("", `local.get 0 global.set $x local.get 0 i32.const 8 i32.add global.set $x`),
			after:  code("", `local.get 0 drop local.get 0 i32.const 8 i32.add global.set $x`)},
		{name: "in both arms",
			before: code("", `local.get 1 global.set $x local.get 0 if i32.const 1 global.set $x else i32.const 2 global.set $x end`),
			after:  code("", `local.get 1 drop local.get 0 if i32.const 1 global.set $x else i32.const 2 global.set $x end`)},
		{name: "in one arm", same: true,
			before: code("", `local.get 1 global.set $x local.get 0 if i32.const 1 global.set $x end`)},
		{name: "on the way of a branch",
			before: code("", `block local.get 1 global.set $x local.get 0 br_if 0 local.get 0 global.set $x end i32.const 3 global.set $x`),
			after:  code("", `block local.get 1 drop local.get 0 br_if 0 local.get 0 drop end i32.const 3 global.set $x`)},
		{name: "read", same: true,
			before: code("", `local.get 1 global.set $x global.get $x call $f local.get 0 global.set $x`)},
		{name: "read by its own value", same: true,
			before: code("", `local.get 1 global.set $x global.get $x i32.const 1 i32.add global.set $x`)},
		{name: "a call", same: true,
			before: code("", `local.get 1 global.set $x local.get 1 call $f local.get 0 global.set $x`)},
		{name: "a call of what reads it", same: true,
			before: in(`(func (export "a") (param i32) local.get 0 global.set $x call $read drop i32.const 4 global.set $x) (func $read (result i32) global.get $x)`)},
		{name: "a call of what does not read it",
			before: in(`(func (export "a") (param i32) local.get 0 global.set $x call $nine drop i32.const 4 global.set $x) (func $nine (result i32) i32.const 9)`),
			after:  in(`(func (export "a") (param i32) local.get 0 drop call $nine drop i32.const 4 global.set $x) (func $nine (result i32) i32.const 9)`)},
		{name: "a trap", same: true,
			before: code("", `local.get 1 global.set $x local.get 0 i32.load local.set 0 local.get 0 global.set $x`)},
		{name: "the function is left", same: true,
			before: code("", `local.get 1 global.set $x local.get 0 if return end local.get 0 global.set $x`)},
		{name: "round a loop", same: true,
			before: code("", `i32.const 3 local.set 2 loop global.get $x call $f local.get 0 global.set $x local.get 2 i32.const 1 i32.sub local.tee 2 br_if 0 local.get 1 global.set $x end`)},
	}, Size, "global-sets")
}
