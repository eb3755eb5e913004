package opt

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

func TestSimilar(t *testing.T) {
	const head = `(module
		(import "h" "a" (func $a (param i32) (result i32))) (import "h" "b" (func $b (param i32) (result i32)))
		`
	// The start of a body that is worth sharing.
	body := func(at string) string {
		return `(i32.add (call $a (call $a (call $a (call $a (call $a (call $a (call $a ` + at + `))))))) `
	}
	sum := func(values ...string) string {
		code := "(i32.const 0)"
		for _, v := range values {
			code = "(i32.add " + code + " (call $a (i32.wrap_i64 (" + v + "))))"
		}
		return code
	}
	runGolden(t, []golden{
		{name: "callers pass the constant",
			before: head + `
				(func $f (param i32) (result i32) ` + body("(i32.const 7)") + `(local.get 0)))
				(func $g (param i32) (result i32) ` + body("(i32.const 8)") + `(local.get 0)))
				(func (export "a") (param i32) (result i32) (i32.sub (call $f (local.get 0)) (call $g (i32.const 1)))))`,
			after: head + `
				(func $f (param i32) (result i32) unreachable)
				(func $g (param i32) (result i32) unreachable)
				(func (export "a") (param i32) (result i32) (i32.sub (call 5 (local.get 0) (i32.const 7)) (call 5 (i32.const 1) (i32.const 8))))
				(func (param i32 i32) (result i32) ` + body("(local.get 1)") + `(local.get 0))))`},
		{name: "exports keep a call, locals move, equal constants stay, pairs are one parameter",
			before: head + `
				(func $f (export "f") (param i32) (result i32) (local i32) (local.set 1 (i32.const 5)) (call $b (i32.const 1000)) (local.set 1) ` + body("(i32.add (i32.const 1000) (i32.const 77))") + `(local.get 1)))
				(func $g (export "g") (param i32) (result i32) (local i32) (local.set 1 (i32.const 5)) (call $b (i32.const 2000)) (local.set 1) ` + body("(i32.add (i32.const 2000) (i32.const 77))") + `(local.get 1))))`,
			after: head + `
				(func $f (export "f") (param i32) (result i32) (call 4 (local.get 0) (i32.const 1000)))
				(func $g (export "g") (param i32) (result i32) (call 4 (local.get 0) (i32.const 2000)))
				(func (param i32 i32) (result i32) (local i32) (local.set 2 (i32.const 5)) (call $b (local.get 1)) (local.set 2) ` + body("(i32.add (local.get 1) (i32.const 77))") + `(local.get 2))))`},
		{name: "constants of all types",
			before: `(module (memory 1) (export "m" (memory 0))
				(func (export "f") (param i32) (f32.store (local.get 0) (f32.const 1)) (f64.store offset=8 (local.get 0) (f64.const 2)) (i64.store offset=16 (local.get 0) (i64.const 3)) (i32.store offset=24 (i32.and (local.get 0) (i32.const 65535)) (i32.const 64000)))
				(func (export "g") (param i32) (f32.store (local.get 0) (f32.const 5)) (f64.store offset=8 (local.get 0) (f64.const 6)) (i64.store offset=16 (local.get 0) (i64.const 7)) (i32.store offset=24 (i32.and (local.get 0) (i32.const 65535)) (i32.const 65000)))
				(func (export "h") (param i32) (f32.store (local.get 0) (f32.const 5)) (f64.store offset=8 (local.get 0) (f64.const 2)) (i64.store offset=16 (local.get 0) (i64.const 3)) (i32.store offset=24 (i32.and (local.get 0) (i32.const 65535)) (i32.const 64000))))`,
			after: `(module (memory 1) (export "m" (memory 0))
				(func (export "f") (param i32) (call 3 (local.get 0) (f32.const 1) (f64.const 2) (i64.const 3) (i32.const 64000)))
				(func (export "g") (param i32) (call 3 (local.get 0) (f32.const 5) (f64.const 6) (i64.const 7) (i32.const 65000)))
				(func (export "h") (param i32) (call 3 (local.get 0) (f32.const 5) (f64.const 2) (i64.const 3) (i32.const 64000)))
				(func (param i32 f32 f64 i64 i32) (f32.store (local.get 0) (local.get 1)) (f64.store offset=8 (local.get 0) (local.get 2)) (i64.store offset=16 (local.get 0) (local.get 3)) (i32.store offset=24 (i32.and (local.get 0) (i32.const 65535)) (local.get 4))))`},
		{name: "divided as it pays",
			before: head + `
				(func (export "f") (param i32) (result i32) ` + sum("i64.const 100", "i64.const 100", "i64.const 100", "i64.const 7") + `)
				(func (export "g") (param i32) (result i32) ` + sum("i64.const 100", "i64.const 100", "i64.const 100", "i64.const 8") + `)
				(func (export "h") (param i32) (result i32) ` + sum("i64.const 0x1111111111111111", "i64.const 0x2222222222222222", "i64.const 0x3333333333333333", "i64.const 4") + `)
				(func (export "i") (param i32) (result i32) ` + sum("i64.const 0x1111111111111111", "i64.const 0x2222222222222222", "i64.const 0x3333333333333333", "i64.const 5") + `))`,
			after: head + `
				(func (export "f") (param i32) (result i32) ` + sum("i64.const 100", "i64.const 100", "i64.const 100", "i64.const 7") + `)
				(func (export "g") (param i32) (result i32) ` + sum("i64.const 100", "i64.const 100", "i64.const 100", "i64.const 8") + `)
				(func (export "h") (param i32) (result i32) (call 6 (local.get 0) (i64.const 4)))
				(func (export "i") (param i32) (result i32) (call 6 (local.get 0) (i64.const 5)))
				(func (param i32 i64) (result i32) ` + sum("i64.const 0x1111111111111111", "i64.const 0x2222222222222222", "i64.const 0x3333333333333333", "local.get 1") + `))`},
		{name: "too small, other callees, tail calls", same: true,
			before: head + `
				(func (export "f") (param i32) (result i32) (call $a (i32.const 7)))
				(func (export "g") (param i32) (result i32) (call $a (i32.const 8)))
				(func (export "h") (param i32) (result i32) ` + body("(i32.const 8)") + `(call $a (local.get 0))))
				(func (export "i") (param i32) (result i32) ` + body("(i32.const 9)") + `(call $b (local.get 0))))
				(func (export "j") (param i32) (result i32) (return_call $a ` + body("(i32.const 7)") + `(local.get 0))))
				(func (export "k") (param i32) (result i32) (return_call $a ` + body("(i32.const 8)") + `(local.get 0)))))`},
	}, Size, "similar")
	runGolden(t, []golden{{name: "speed", same: true, before: head + `
		(func (export "f") (param i32) (result i32) ` + body("(i32.const 7)") + `(local.get 0)))
		(func (export "g") (param i32) (result i32) ` + body("(i32.const 8)") + `(local.get 0))))`}}, Speed, "similar")
}

// TestRandomSimilar makes modules of functions that are near copies of few, and
// runs them before and after.
func TestRandomSimilar(t *testing.T) {
	modules := 60
	if testing.Short() {
		modules = 15
	}
	smaller := 0
	for i := range modules {
		r := rand.New(rand.NewPCG(uint64(i), 33))
		var w strings.Builder
		w.WriteString(`(module (import "h" "a" (func $a (param i32) (result i32))) (memory (export "m") 1) (table 6 funcref) (elem (i32.const 0) func $f0 $f3 $f5)
			(type $t (func (param i32) (result i32)))` + "\n")
		shapes := make([]string, 1+r.IntN(3))
		for k := range shapes {
			shapes[k] = similarBody(r)
		}
		for n := range 6 + r.IntN(8) {
			shape := shapes[r.IntN(len(shapes))]
			few := r.IntN(3) > 0
			for strings.Contains(shape, "#") {
				c := []int{7, 1 << 12, -5, 1 << 20}[r.IntN(4)]
				if few && r.IntN(4) > 0 {
					c = 7
				}
				shape = strings.Replace(shape, "#", fmt.Sprint(c), 1)
			}
			for strings.Contains(shape, "@") {
				call := "call $a"
				if n > 2 && r.IntN(2) == 0 {
					call = fmt.Sprintf("call $f%d", r.IntN(2))
				}
				shape = strings.Replace(shape, "@", call, 1)
			}
			export := ""
			if r.IntN(2) == 0 {
				export = fmt.Sprintf(`(export "f%d")`, n)
			}
			fmt.Fprintf(&w, "(func $f%d %s (param i32) (result i32) (local i32 i64) %s)\n", n, export, shape)
		}
		w.WriteString(`(func (export "all") (param i32) (result i32) (i32.add (call $f1 (local.get 0)) (i32.add (call $f2 (i32.const 3)) (call_indirect (type $t) (call $f4 (i32.const 1)) (i32.and (local.get 0) (i32.const 3)))))))`)
		before := wat(t, w.String())
		after := optimize(t, before, Size, "similar")
		if len(after) > len(before) {
			t.Errorf("module %d: %d bytes before, %d after", i, len(before), len(after))
		}
		if len(after) < len(before) {
			smaller++
		}
		agree(t, before, after)
	}
	if smaller < modules/3 {
		t.Errorf("only %d of %d modules became smaller", smaller, modules)
	}
}

// similarBody is the text of a body, with # for constants and @ for calls.
func similarBody(r *rand.Rand) string {
	var s strings.Builder
	for range 2 + r.IntN(6) {
		switch r.IntN(5) {
		case 0:
			s.WriteString("(local.set 1 (i32.add (local.get 0) (i32.const #)))")
		case 1:
			s.WriteString("(local.set 2 (i64.mul (i64.extend_i32_s (local.get 1)) (i64.const #)))")
		case 2:
			s.WriteString("(i32.store (i32.and (local.get 1) (i32.const 65528)) (i32.const #))")
		case 3:
			s.WriteString("(local.set 1 (@ (i32.xor (i32.const #) (local.get 0))))")
		case 4:
			s.WriteString("(if (i32.eq (local.get 0) (i32.const #)) (then (return (i32.const #))))")
		}
	}
	s.WriteString("(f64.store (i32.const 16) (f64.add (f64.const #) (f64.load (i32.const 16))))")
	s.WriteString("(i32.add (local.get 1) (i32.wrap_i64 (local.get 2)))")
	return s.String()
}
