package linker_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/wbundle/wbundle/linker"
)

// corner is a function between two components at a limit of the canonical
// ABI. The consumer exports "g", whose core code calls it.
type corner struct {
	name string
	// def is the definition of a type that must have a name, $t below.
	def            string
	params, result string // of the function
	provider       string // core code: exports "f"
	consumer       string // core code: imports "f" as $f, exports "g"
	g              string // component-level parameters of g
	answers        []answer
}

// bump is a realloc that never frees.
const bump = `
  (global $at (mut i32) (i32.const 4096))
  (func (export "realloc") (param i32 i32 i32 i32) (result i32)
    (global.set $at (i32.and (i32.add (global.get $at) (i32.sub (local.get 2) (i32.const 1))) (i32.sub (i32.const 0) (local.get 2))))
    (global.get $at)
    (global.set $at (i32.add (global.get $at) (local.get 3))))`

// wat writes the two components.
func (c *corner) wat() string {
	export, imp, with := "", "", ""
	if c.def != "" {
		export = fmt.Sprintf(`(type $t0 %s) (export $t "t" (type $t0))`, c.def)
		imp = fmt.Sprintf(`(type $t0 %s) (import "t" (type $t (eq $t0)))`, c.def)
		with = `(with "t" (type $p "t"))`
	}
	post := ""
	if strings.Contains(c.provider, `(export "post")`) {
		post = `(post-return (core func $i "post"))`
	}
	return fmt.Sprintf(`(component
  (component $provider
    %[1]s
    (core module $m (memory (export "mem") 1) %[2]s %[3]s)
    (core instance $i (instantiate $m))
    (func (export "f") %[4]s %[5]s
      (canon lift (core func $i "f") (memory (core memory $i "mem")) (realloc (core func $i "realloc")) %[6]s)))
  (instance $p (instantiate $provider))
  (component $consumer
    %[7]s
    (import "f" (func $f %[4]s %[5]s))
    (core module $libc (memory (export "mem") 1) %[2]s)
    (core instance $libc (instantiate $libc))
    (core func $f (canon lower (func $f) (memory (core memory $libc "mem")) (realloc (core func $libc "realloc"))))
    (core module $m (import "libc" "mem" (memory 1)) %[8]s)
    (core instance $i (instantiate $m (with "libc" (instance $libc)) (with "" (instance (export "f" (func $f))))))
    (func (export "g") %[9]s (result u32) (canon lift (core func $i "g"))))
  (instance $c (instantiate $consumer (with "f" (func $p "f")) %[10]s))
  (export "g" (func $c "g")))`,
		export, bump, c.provider, c.params, c.result, post, imp, c.consumer, c.g, with)
}

// cases lists n names in quotes.
func cases(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, ` "c%d"`, i)
	}
	return b.String()
}

// elements is a corner whose parameter is a list of $t with elements of size
// bytes; load reads the number that the provider sums up.
func elements(name, def string, size int, load, data string, answers ...answer) corner {
	return corner{
		name: name, def: def, params: `(param "x" (list $t))`, result: "(result u32)",
		provider: fmt.Sprintf(`(func (export "f") (param $at i32) (param $n i32) (result i32) (local $sum i32)
      (block $done (loop $next
        (br_if $done (i32.eqz (local.get $n)))
        (local.set $sum (i32.add (local.get $sum) %s))
        (local.set $at (i32.add (local.get $at) (i32.const %d)))
        (local.set $n (i32.sub (local.get $n) (i32.const 1)))
        (br $next)))
      (local.get $sum))`, load, size),
		consumer: fmt.Sprintf(`(import "" "f" (func $f (param i32 i32) (result i32)))
      (data (i32.const 64) "%s")
      (func (export "g") (param i32 i32) (result i32) (call $f (local.get 0) (local.get 1)))`, data),
		g: `(param "at" u32) (param "n" u32)`, answers: answers,
	}
}

// repeated joins n copies of s.
func repeated(n int, s string) string { return strings.TrimSpace(strings.Repeat(s+" ", n)) }

// sumLocals adds up n parameters.
func sumLocals(n int) string {
	s := "(local.get 0)"
	for i := 1; i < n; i++ {
		s = fmt.Sprintf("(i32.add %s (local.get %d))", s, i)
	}
	return s
}

// sumLoads adds up n words at local 0.
func sumLoads(n int) string {
	s := "(i32.load (local.get 0))"
	for i := 1; i < n; i++ {
		s = fmt.Sprintf("(i32.add %s (i32.load offset=%d (local.get 0)))", s, 4*i)
	}
	return s
}

// numbered are n parameters of a component-level function.
func numbered(n int, t string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `(param "p%d" %s) `, i, t)
	}
	return b.String()
}

func corners() []corner {
	const (
		load8, load16, load32 = "(i32.load8_u (local.get $at))", "(i32.load16_u (local.get $at))", "(i32.load (local.get $at))"
	)
	return []corner{
		elements("enum of 256 cases", "(enum"+cases(256)+")", 1, load8, `\00\ff`, answer{"g(64, 2)", "255"}),
		elements("enum of 257 cases", "(enum"+cases(257)+")", 2, load16, `\00\01\01\01`,
			answer{"g(64, 1)", "256"}, answer{"g(64, 2)", "trap"}, answer{"g(65, 1)", "trap"}),
		elements("variant of 256 cases", "(variant"+variantCases(256)+")", 2,
			"(i32.add "+load8+" (i32.load8_u offset=1 (local.get $at)))", `\ff\07\fe\09`,
			answer{"g(64, 1)", "262"}),
		elements("variant of 257 cases", "(variant"+variantCases(257)+")", 4,
			"(i32.add "+load16+" (i32.load8_u offset=2 (local.get $at)))", `\00\01\07\00\01\01\00\00`,
			answer{"g(64, 1)", "263"}, answer{"g(64, 2)", "trap"}),
		elements("flags of 32 labels", "(flags"+cases(32)+")", 4, load32, `\ff\ff\ff\ff\01\00\00\80`,
			answer{"g(64, 1)", "4294967295"}, answer{"g(68, 1)", "2147483649"}),
		elements("flags of 9 labels", "(flags"+cases(9)+")", 2, load16, `\ff\ff`, answer{"g(64, 1)", "511"}),
		{
			name: "16 flat parameters", params: numbered(16, "u32"), result: "(result u32)",
			provider: `(func (export "f") (param ` + repeated(16, "i32") + `) (result i32) ` + sumLocals(16) + `)`,
			consumer: `(import "" "f" (func $f (param ` + repeated(16, "i32") + `) (result i32)))
        (func (export "g") (result i32) (call $f ` + repeated(16, "(i32.const 3)") + `))`,
			answers: []answer{{"g()", "48"}},
		},
		{
			name: "17 flat parameters", params: numbered(17, "u32"), result: "(result u32)",
			provider: `(func (export "f") (param i32) (result i32) ` + sumLoads(17) + `)`,
			consumer: `(import "" "f" (func $f (param i32) (result i32)))
        (data (i32.const 64) "` + strings.Repeat(`\03\00\00\00`, 17) + `")
        (func (export "g") (param i32) (result i32) (call $f (local.get 0)))`,
			g: `(param "at" u32)`, answers: []answer{{"g(64)", "51"}, {"g(66)", "trap"}, {"g(65472)", "trap"}, {"g(65468)", "0"}},
		},
		{
			name: "fixed-length list, flat", params: `(param "x" (list u16 3))`, result: "(result u32)",
			provider: `(func (export "f") (param i32 i32 i32) (result i32) ` + sumLocals(3) + `)`,
			consumer: `(import "" "f" (func $f (param i32 i32 i32) (result i32)))
        (func (export "g") (param i32 i32 i32) (result i32) (call $f (local.get 0) (local.get 1) (local.get 2)))`,
			g: numbered(3, "u32"), answers: []answer{{"g(1, 2, 3)", "6"}, {"g(65537, 2, 3)", "6"}},
		},
		{
			name: "fixed-length list, spilled", params: `(param "x" (list u32 17))`, result: "(result u32)",
			provider: `(func (export "f") (param i32) (result i32) ` + sumLoads(17) + `)`,
			consumer: `(import "" "f" (func $f (param i32) (result i32)))
        (data (i32.const 64) "` + strings.Repeat(`\02\00\00\00`, 17) + `")
        (func (export "g") (param i32) (result i32) (call $f (local.get 0)))`,
			g: `(param "at" u32)`, answers: []answer{{"g(64)", "34"}, {"g(65)", "trap"}, {"g(65472)", "trap"}},
		},
		{
			name: "fixed-length list in a variant", def: `(variant (case "a" (list u8 3)) (case "b" u64))`,
			params: `(param "x" $t)`, result: "(result u32)",
			provider: `(func (export "f") (param i32 i64 i32 i32) (result i32)
          (i32.add (i32.add (i32.wrap_i64 (local.get 1)) (local.get 2)) (local.get 3)))`,
			consumer: `(import "" "f" (func $f (param i32 i64 i32 i32) (result i32)))
        (func (export "g") (param i32 i32 i32 i32) (result i32)
          (call $f (local.get 0) (i64.extend_i32_u (local.get 1)) (local.get 2) (local.get 3)))`,
			g: numbered(4, "u32"), answers: []answer{{"g(0, 257, 2, 3)", "6"}, {"g(1, 257, 2, 3)", "257"}, {"g(2, 1, 2, 3)", "trap"}},
		},
		{
			name: "fixed-length list of strings in a list", params: `(param "x" (list (list string 2)))`, result: "(result u32)",
			provider: `(func (export "f") (param i32 i32) (result i32)
          (i32.add (i32.load8_u (i32.load offset=8 (local.get 0))) (i32.load offset=28 (local.get 0))))`,
			consumer: `(import "" "f" (func $f (param i32 i32) (result i32)))
        (data (i32.const 64) "\80\00\00\00\01\00\00\00\81\00\00\00\02\00\00\00\80\00\00\00\03\00\00\00\80\00\00\00\04\00\00\00")
        (data (i32.const 128) "abcd")
        (func (export "g") (result i32) (call $f (i32.const 64) (i32.const 2)))`,
			answers: []answer{{"g()", "102"}},
		},
		{
			name: "fixed-length list of 1 as the result", params: "", result: "(result (list u8 1))",
			provider: `(func (export "f") (result i32) (i32.const 263))`,
			consumer: `(import "" "f" (func $f (result i32))) (func (export "g") (result i32) (call $f))`,
			answers:  []answer{{"g()", "7"}},
		},
		{
			name: "fixed-length list of 4 as the result", params: "", result: "(result (list u32 4))",
			provider: `(data (i32.const 16) "` + strings.Repeat(`\05\00\00\00`, 4) + `") (func (export "f") (result i32) (i32.const 16))`,
			consumer: `(import "" "f" (func $f (param i32)))
        (func (export "g") (param i32) (result i32) (call $f (local.get 0)) ` + sumLoads(4) + `)`,
			g: `(param "at" u32)`, answers: []answer{{"g(64)", "20"}, {"g(62)", "trap"}, {"g(65524)", "trap"}},
		},
		{
			// The number that the core function returned, not the 1 that bool makes
			// of it: 1, 0, -1, and -2 in the end.
			name: "post-return gets the flat result", params: "", result: "(result bool)",
			provider: `(global $got (mut i32) (i32.const 1)) (func (export "f") (result i32) (global.get $got))
          (func (export "post") (param i32) (global.set $got (i32.add (local.get 0) (i32.const -1))))`,
			consumer: `(import "" "f" (func $f (result i32)))
        (func (export "g") (result i32) (i32.add (call $f) (i32.mul (call $f) (i32.const 10)))
          (i32.mul (call $f) (i32.const 100)) (i32.add) (i32.mul (call $f) (i32.const 1000)) (i32.add))`,
			answers: []answer{{"g()", "1101"}},
		},
	}
}

// variantCases lists n cases of which the last has a payload of one byte.
func variantCases(n int) string {
	var b strings.Builder
	for i := range n {
		payload := ""
		if i == n-1 {
			payload = " u8"
		}
		fmt.Fprintf(&b, ` (case "c%d"%s)`, i, payload)
	}
	return b.String()
}

// TestCorners runs functions at limits of the canonical ABI unbundled and in
// all forms. The wasmtime that is installed may not know fixed-length lists,
// so it runs what was linked only.
func TestCorners(t *testing.T) {
	t.Parallel()
	var w *wasmtimeRun
	if wasmtimeMissing() == "" {
		w = newWasmtime(t)
	}
	for _, c := range corners() {
		t.Run(c.name, func(t *testing.T) {
			wasm := parse(t, c.wat())
			in := []linker.Input{{ID: "corner", Bytes: wasm}}
			runWazero(t, "unbundled", wasm, c.answers)
			runWazero(t, "core single", link(t, in, coreSingle.as(linker.Options{Check: true})).Output, c.answers)
			runWazero(t, "component single", link(t, in, componentSingle.as(linker.Options{Check: true})).Output, c.answers)
			if w != nil {
				w.addCore(c.name+" core multi", link(t, in, coreMulti.as(linker.Options{Check: true})).Output, c.answers)
				w.add(c.name+" component multi", link(t, in, componentMulti.as(linker.Options{Check: true})).Output, c.answers)
			}
		})
	}
	if w != nil {
		w.run()
	}
}
