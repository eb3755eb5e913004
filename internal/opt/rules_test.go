package opt

import (
	"fmt"
	"strings"
	"testing"
)

// rewriteCase is one rule: a function's body before and after, in the text format
// with folded instructions. Without after, the body must stay as it is.
//
// The functions have the parameters $a and $b (i32), $x and $y (i64), $f (f32)
// and $d (f64), and the locals $i and $j (i32), $l (i64) and $e (f64); they may
// call $log (i32 to nothing) and $ask (i32 to i32), and there is a memory.
type rewriteCase struct {
	result        string // "" for none
	before, after string
}

// rewriteModule makes a module with a function for each body.
func rewriteModule(cases []rewriteCase, body func(c *rewriteCase) string) string {
	var b strings.Builder
	b.WriteString(`(module
	(import "h" "log" (func $log (param i32)))
	(import "h" "ask" (func $ask (param i32) (result i32)))
	(memory 1)
	(global $k i32 (i32.const 127))
	(global $wide i64 (i64.const 0x123456789ab))
	(global $real f64 (f64.const 1.5))
	(global $var (mut i32) (i32.const 5))
	(export "var" (global $var))`)
	for i := range cases {
		result := cases[i].result
		if result != "" {
			result = "(result " + result + ")"
		}
		fmt.Fprintf(&b, `
	(func (export "f%03d") (param $a i32) (param $b i32) (param $x i64) (param $y i64) (param $f f32) (param $d f64) %s
		(local $i i32) (local $j i32) (local $l i64) (local $e f64)
		%s)`, i, result, body(&cases[i]))
	}
	b.WriteString(")")
	return b.String()
}

// runRewrites runs passes over all the cases at once, compares each function with
// what it should be, and executes both modules.
func runRewrites(t *testing.T, level Level, cases []rewriteCase, passes ...string) {
	t.Helper()
	before := wat(t, rewriteModule(cases, func(c *rewriteCase) string { return c.before }))
	want := wat(t, rewriteModule(cases, func(c *rewriteCase) string {
		if c.after == "" {
			return c.before
		}
		return c.after
	}))
	after := optimize(t, before, level, passes...)
	got, wanted := functionsOf(print(t, after)), functionsOf(print(t, want))
	if len(got) != len(cases) || len(wanted) != len(cases) {
		t.Fatalf("%d and %d functions for %d cases", len(got), len(wanted), len(cases))
	}
	for i := range cases {
		if got[i] != wanted[i] {
			t.Errorf("%s\ngot\n%s\nwant\n%s", cases[i].before, got[i], wanted[i])
		}
	}
	if a, b := trace(t, before), trace(t, after); a != b {
		t.Error(firstDifference(a, b))
	}
}

// functionsOf is the code of each function of a printed module.
func functionsOf(text string) []string {
	var out []string
	in := false
	for _, l := range strings.Split(tidy(text), "\n") {
		switch {
		case strings.HasPrefix(l, "(func "):
			out, in = append(out, ""), true
		case strings.HasPrefix(l, "(memory") || strings.HasPrefix(l, "(global") || strings.HasPrefix(l, "(export"):
			in = false
		case strings.HasPrefix(l, "(local "):
		case in:
			out[len(out)-1] += strings.TrimSuffix(l, ")") + "\n"
		}
	}
	return out
}
