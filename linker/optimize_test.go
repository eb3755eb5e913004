package linker_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/wbundle/wbundle/internal/wasm"
	"github.com/wbundle/wbundle/linker"
)

// TestOptimizedFixtures makes every call of the fixtures on optimised bundles.
func TestOptimizedFixtures(t *testing.T) {
	for i := range fixtures {
		f := &fixtures[i]
		for _, level := range []linker.Optimize{linker.OptimizeSize, linker.OptimizeSpeed} {
			t.Run(f.name+"/"+string(level), func(t *testing.T) {
				t.Parallel()
				if f.name == "qjs" && (testing.Short() || level == linker.OptimizeSpeed) {
					t.Skip("qjs compiles for seconds: once, and not with -short")
				}
				answers := readAnswers(t, filepath.Join(f.dir(), "expected.tsv"))
				inputs := f.load(t)
				o := f.opts
				o.Optimize, o.Check = level, f.name != "qjs"
				plain := f.opts
				plain.Optimize = linker.OptimizeNone
				small := link(t, inputs, coreSingle.as(o)).Output
				if before := len(link(t, inputs, coreSingle.as(plain)).Output); len(small) >= before {
					t.Errorf("%d bytes, %d before", len(small), before)
				}
				runWazero(t, "core single", small, f.single(answers))
				if f.core {
					return
				}
				runWazero(t, "component single", link(t, inputs, componentSingle.as(o)).Output, answers)
				w := newWasmtime(t)
				w.add("component multi", link(t, inputs, componentMulti.as(o)).Output, answers)
				w.run()
			})
		}
	}
}

// TestLittleOfMuch links components of which a consumer uses little.
func TestLittleOfMuch(t *testing.T) {
	dir := filepath.Join("..", "fixtures", "kit")
	for _, c := range []struct {
		root, provider string
		most           int // bytes
	}{
		{"sum", "provider", 300},       // an addition behind an interface, of 121 kB
		{"words", "provider", 100_000}, // allocates, so that all data stays
		{"sum", "relocs", 300},
		{"words", "relocs", 35_000}, // which data, and which functions by address, is known
	} {
		inputs := []linker.Input{input(t, dir, c.root), input(t, dir, c.provider)}
		answers := readAnswers(t, filepath.Join(dir, c.root+".tsv"))
		o := linker.Options{Root: c.root, Optimize: linker.OptimizeSize, Check: true}
		res := link(t, inputs, coreSingle.as(o))
		if len(res.Output) > c.most {
			t.Errorf("%s, %s: %d bytes, want at most %d", c.root, c.provider, len(res.Output), c.most)
		}
		t.Logf("%s, %s: %d bytes", c.root, c.provider, len(res.Output))
		runWazero(t, c.root, res.Output, answers)
		runWazero(t, c.root+", component", link(t, inputs, componentSingle.as(o)).Output, answers)
		o.Optimize = linker.OptimizeNone
		runWazero(t, c.root+", not optimised", link(t, inputs, coreSingle.as(o)).Output, answers)
		w := newWasmtime(t)
		w.add(c.root, link(t, inputs, componentMulti.as(o)).Output, answers)
		w.run()
		if c.root != "sum" {
			continue
		}
		m := decodeModule(t, res.Output)
		if len(m.Memories)+len(m.Tables)+len(m.Datas)+len(m.Imports) > 0 || len(m.Code) != 1 {
			t.Errorf("%s: %d memories, %d tables, %d segments, %d imports, %d functions; want one function and nothing else",
				c.root, len(m.Memories), len(m.Tables), len(m.Datas), len(m.Imports), len(m.Code))
		}
	}
}

// TestAdaptersDissolve counts the adapters that are functions of their own after
// optimisation: large ones that are called in several places may stay.
func TestAdaptersDissolve(t *testing.T) {
	for _, c := range []struct {
		fixture string
		most    int
	}{{"calc", 3}, {"chain", 0}} {
		f := fixtureNamed(t, c.fixture)
		o := f.opts
		o.Optimize, o.Names = linker.OptimizeSize, linker.NamesKeep
		left := 0
		for _, n := range decodeModule(t, link(t, f.load(t), coreSingle.as(o)).Output).FuncNames() {
			if strings.HasPrefix(n, "adapter ") {
				t.Logf("%s: %s", c.fixture, n)
				left++
			}
		}
		if left > c.most {
			t.Errorf("%s: %d adapters are left, want at most %d", c.fixture, left, c.most)
		}
	}
}

// TestOptimizedImports makes sure that what the optimiser finds unneeded is not
// asked of the host, in the module and in the world of its component.
func TestOptimizedImports(t *testing.T) {
	in := []linker.Input{{ID: "m", Bytes: parse(t, `(module
		(import "wasi_snapshot_preview1" "sched_yield" (func $yield (result i32)))
		(import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
		(global $never (mut i32) (i32.const 0))
		(memory (export "memory") 1)
		(func (export "_start")
			(if (global.get $never) (then (drop (call $yield))))
			(call $exit (i32.const 0))))`)}}
	for level, want := range map[linker.Optimize]string{
		linker.OptimizeNone: "wasi_snapshot_preview1#proc_exit wasi_snapshot_preview1#sched_yield",
		linker.OptimizeSize: "wasi_snapshot_preview1#proc_exit",
	} {
		res := link(t, in, linker.Options{Optimize: level, Check: true})
		if got := strings.Join(res.Summary.Imports, " "); got != want {
			t.Errorf("optimize %s: imports %s, want %s", level, got, want)
		}
		if n := decodeModule(t, res.Output).NumImported[wasm.SpaceFunc]; int(n) != len(strings.Fields(want)) {
			t.Errorf("optimize %s: %d imports in the module", level, n)
		}
	}
}
