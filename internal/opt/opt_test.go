package opt

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/wbundle/wbundle/internal/conformance/observe"
	"github.com/wbundle/wbundle/internal/wasm"
)

// wat assembles a module in the text format; the test is skipped, aloud,
// without wasm-tools.
func wat(t testing.TB, text string) []byte {
	t.Helper()
	return tool(t, strings.NewReader(text), "parse", "-")
}

// print disassembles a module, without the comments of offsets.
func print(t testing.TB, b []byte) string {
	t.Helper()
	return string(tool(t, bytes.NewReader(b), "print", "-"))
}

func tool(t testing.TB, in interface{ Read([]byte) (int, error) }, args ...string) []byte {
	t.Helper()
	path, err := exec.LookPath("wasm-tools")
	if err != nil {
		path = filepath.Join(os.Getenv("HOME"), ".cargo", "bin", "wasm-tools")
		if _, err := os.Stat(path); err != nil {
			t.Skip("needs wasm-tools")
		}
	}
	cmd := exec.Command(path, args...)
	cmd.Stdin = in
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("wasm-tools %s: %v\n%s", args[0], err, stderr.String())
	}
	return out
}

// optimize runs passes, or all without names, over a module and validates
// what comes out.
func optimize(t testing.TB, module []byte, level Level, passes ...string) []byte {
	t.Helper()
	m, err := wasm.Decode("test", module)
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Level: level, Check: true}
	if len(passes) > 0 {
		o.Only = map[string]bool{"functions": true}
		for _, p := range passes {
			o.Only[p] = true
		}
	}
	if _, err := Run(context.Background(), m, o); err != nil {
		t.Fatal(err)
	}
	return wasm.Encode(m)
}

// golden is a case of a pass: a module before, the first function after, both
// as text. Lines are compared without indentation and comments.
type golden struct {
	name          string
	before, after string
	// same says that the pass must leave the module alone.
	same bool
	// outside compares only what can be seen from outside.
	outside bool
}

// runGolden runs each case, compares the text, and executes what was there
// before and what is there after with the same arguments.
func runGolden(t *testing.T, cases []golden, level Level, passes ...string) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			before := wat(t, c.before)
			after := optimize(t, before, level, passes...)
			want := c.after
			if c.same {
				want = c.before
			}
			if got, want := tidy(print(t, after)), tidy(print(t, wat(t, want))); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
			if c.outside {
				if a, b := observe.Module(t, before), observe.Module(t, after); a != b {
					t.Errorf("the modules differ: before\n%s\nafter\n%s", a, b)
				}
				return
			}
			agree(t, before, after)
		})
	}
}

var comment = regexp.MustCompile(`\s*\(;.*?;\)`)

func tidy(s string) string {
	var out []string
	for _, l := range strings.Split(s, "\n") {
		if l = strings.TrimSpace(comment.ReplaceAllString(l, "")); l != "" {
			out = append(out, l)
		}
	}
	return strings.Join(out, "\n")
}

// agree executes both modules in wazero: each exported function with a number
// of arguments, results, traps, calls of imports, memory and globals compared.
func agree(t testing.TB, before, after []byte) {
	t.Helper()
	a, b := trace(t, before), trace(t, after)
	if a != b {
		t.Errorf("the modules differ: before\n%s\nafter\n%s", a, b)
	}
}

// trace runs the exports of a module and writes down what can be seen.
func trace(t testing.TB, module []byte) string {
	t.Helper()
	return observe.Inside(t, module)
}

// TestNothing makes sure that trees alone change nothing that can be seen.
func TestNothing(t *testing.T) {
	runGolden(t, []golden{
		{name: "labels", same: true, before: `(module (import "h" "f" (func $h (param i32)))
			(func (export "a") (param i32) (result i32)
				block
					block
						block
							local.get 0
							br_table 0 1 2
						end
						i32.const 1
						call $h
						i32.const 10
						return
					end
					i32.const 20
					return
				end
				i32.const 30))`},
		{name: "statements behind a value", same: true, before: `(module (global $g (mut i32) (i32.const 0))
			(func (export "a") (param i32) (result i32)
				global.get $g
				local.get 0
				global.set $g
				global.get $g
				i32.add))`},
		{name: "both arms leave", same: true, before: `(module
			(func (export "a") (param i32) (result i32)
				local.get 0
				if (result i32)
					i32.const 1
					return
				else
					i32.const 2
					return
				end))`},
	}, Size, "none")
}
