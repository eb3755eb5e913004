package linker_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wbundle/wbundle/linker"
)

// refuseMark begins the lines of testdata/refuse/*.wat that say what an error
// has to name: ";;< FORMS: TEXT | TEXT", where FORMS is any, core, single, or
// a form as it prints. A form that no line speaks of must link.
const refuseMark = ";;< "

// TestRefusals checks that each construct that cannot be linked is an error
// that names the construct and the input.
func TestRefusals(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob(filepath.Join("testdata", "refuse", "*.wat"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("nothing to refuse: %v", err)
	}
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".wat")
		t.Run(name, func(t *testing.T) {
			wants := map[form][]string{}
			for _, line := range strings.Split(string(readFile(t, path)), "\n") {
				text, ok := strings.CutPrefix(line, refuseMark)
				if !ok {
					continue
				}
				which, parts, _ := strings.Cut(text, ": ")
				for _, f := range []form{coreSingle, coreMulti, componentSingle, componentMulti} {
					if which == "any" || which == string(f.format) || which == string(f.memory) || which == f.String() {
						wants[f] = strings.Split(parts, " | ")
					}
				}
			}
			if len(wants) == 0 {
				t.Fatalf("no line starts with %q", refuseMark)
			}
			in := input(t, filepath.Join("testdata", "refuse"), name)
			for _, f := range []form{coreSingle, coreMulti, componentSingle, componentMulti} {
				r, err := linker.Link(context.Background(), []linker.Input{in}, f.as(linker.Options{Unresolved: linker.UnresolvedImport}))
				want, refused := wants[f]
				switch {
				case !refused && err != nil:
					t.Errorf("%s: %v", f, err)
				case refused && err == nil:
					t.Errorf("%s: linked, want an error about %v", f, want)
				case refused:
					wantError(t, err, append(want, name)...)
					if r != nil {
						t.Errorf("%s: a result with an error", f)
					}
				}
			}
		})
	}
}

// TestMismatches wires imports of core modules to exports of another type
// (WebAssembly, "Import matching"). The lines that start with refuseMark say
// what the error has to name.
func TestMismatches(t *testing.T) {
	t.Parallel()
	dir := filepath.Join("testdata", "mismatch")
	paths, err := filepath.Glob(filepath.Join(dir, "*.wat"))
	if err != nil || len(paths) < 2 {
		t.Fatalf("nothing to match: %v", err)
	}
	lib := input(t, dir, "lib")
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".wat")
		text, ok := strings.CutPrefix(string(readFile(t, path)), refuseMark)
		if !ok {
			continue
		}
		want, _, _ := strings.Cut(text, "\n")
		t.Run(name, func(t *testing.T) {
			for _, m := range []linker.Memory{linker.MemorySingle, linker.MemoryMulti} {
				_, err := linker.Link(context.Background(), []linker.Input{input(t, dir, name), lib}, linker.Options{Memory: m, Root: name})
				wantError(t, err, append(strings.Split(want, " | "), name)...)
			}
		})
	}
}

// TestBadInputs links fixtures/bad: each error names the input and the place.
func TestBadInputs(t *testing.T) {
	t.Parallel()
	dir := filepath.Join("..", "fixtures", "bad")
	for _, c := range []struct {
		inputs string // "id" or "id=file", as in the README
		want   []string
	}{
		{"empty", []string{"empty.wasm"}},
		{"header", []string{"header.wasm"}},
		{"version", []string{"version.wasm", "0x4"}},
		{"text", []string{"text.wasm"}},
		{"truncated", []string{"truncated.wasm", "0x"}},
		{"truncated-component", []string{"truncated-component.wasm", "0x"}},
		{"section-order", []string{"section-order.wasm", "0x"}},
		{"section-twice", []string{"section-twice.wasm", "0xe"}},
		{"section-unknown", []string{"section-unknown.wasm", "77", "0x8"}},
		{"huge-count", []string{"huge-count.wasm", "0xa"}},
		{"huge-section", []string{"huge-section.wasm", "0x"}},
		{"leb-too-long", []string{"leb-too-long.wasm", "0x"}},
		{"no-code", []string{"no-code.wasm"}},
		{"bad-opcode", []string{"bad-opcode.wasm", "0x17"}},
		{"bad-utf8", []string{"bad-utf8.wasm", "UTF-8"}},

		{"needs-missing", []string{"needs-missing", "demo:nowhere/iface"}},
		{"consumer provider-a provider-b", []string{"demo:shape/measure", `"provider-a"`, `"provider-b"`, "ambiguous"}},
		{"consumer provider-xz", []string{"consumer", "demo:shape/measure", "point", "`y`", "`z`"}},
		{"consumer provider-less", []string{"consumer", "demo:shape/measure", `"norm"`}},
		{"version-1 version-2", []string{"version-1", "demo:versioned/iface@1.4.0", "demo:versioned/iface@2.0.0"}},
		{"ping pong", []string{"cycle", "root"}},
		{"core-app core-lib=core-type", []string{"core-app", "add", "(i64 i64) -> (i64)", "(i32 i32) -> (i32)"}},
		{"core-app core-lib=core-name", []string{"core-app", `"add"`, `"addd"`}},
		{"async", []string{"async"}},
	} {
		var inputs []linker.Input
		for _, in := range strings.Fields(c.inputs) {
			id, file, renamed := strings.Cut(in, "=")
			if !renamed {
				file = id
			}
			loaded := input(t, dir, file)
			loaded.ID = id
			inputs = append(inputs, loaded)
		}
		t.Run(c.inputs, func(t *testing.T) {
			_, err := linker.Link(context.Background(), inputs, linker.Options{})
			wantError(t, err, c.want...)
		})
	}
	// With the root named, the cycle itself is the error.
	_, err := linker.Link(context.Background(), []linker.Input{input(t, dir, "ping"), input(t, dir, "pong")}, linker.Options{Root: "ping"})
	wantError(t, err, "cycle", "ping -> pong -> ping")
	// A rule resolves what is ambiguous.
	inputs := []linker.Input{input(t, dir, "consumer"), input(t, dir, "provider-a"), input(t, dir, "provider-b")}
	for from, want := range map[string]string{"provider-a": "5", "provider-b": "7"} {
		r := link(t, inputs, linker.Options{Root: "consumer", Connect: map[string]map[string]linker.Provider{"consumer": {"demo:shape/measure": {From: from}}}})
		runWazero(t, from, r.Output, []answer{{"run()", want}})
	}
}

// TestBadOptions checks the errors about wiring and options.
func TestBadOptions(t *testing.T) {
	t.Parallel()
	calc := fixtureNamed(t, "calc").load(t)
	coreLink := fixtureNamed(t, "core-link").load(t)
	connect := func(importer, name string, p linker.Provider) linker.Options {
		return linker.Options{Connect: map[string]map[string]linker.Provider{importer: {name: p}}}
	}
	const ops = "demo:calc/ops"
	for _, c := range []struct {
		name   string
		inputs []linker.Input
		opts   linker.Options
		want   []string
	}{
		{"no inputs", nil, linker.Options{}, []string{"no inputs"}},
		{"one id twice", append(calc[:1:1], calc[0]), linker.Options{}, []string{`"consumer"`, "same id"}},
		{"format", calc, linker.Options{Format: "elf"}, []string{`"elf"`, "core", "component"}},
		{"memory", calc, linker.Options{Memory: "none"}, []string{`"none"`, "single", "multi"}},
		{"unresolved", calc, linker.Options{Unresolved: "maybe"}, []string{`"maybe"`, "error", "import"}},
		{"root", calc, linker.Options{Root: "consumr"}, []string{`"consumr"`, `"consumer"`}},
		{"two roots", append(calc[:1:1], coreLink[1]), linker.Options{Unresolved: linker.UnresolvedImport}, []string{"root", "consumer", "math"}},
		{"keep", calc, linker.Options{Keep: []string{"demo:calc/apy"}}, []string{`"demo:calc/apy"`, `"demo:calc/api"`}},
		{"rename of nothing", coreLink, linker.Options{Root: "app", Rename: map[string]string{"summ": "x"}}, []string{`"summ"`, `"sum"`}},
		{"rename to a name in use", coreLink, linker.Options{Root: "app", Rename: map[string]string{"sum": "half"}}, []string{`"half"`}},
		{"rename in a component", calc, linker.Options{Rename: map[string]string{"demo:calc/api": "x"}}, []string{"rename", "component"}},
		{"connect, importer", calc, connect("consumr", ops, linker.Provider{From: "provider"}), []string{`"consumr"`, `"consumer"`}},
		{"connect, provider", calc, connect("consumer", ops, linker.Provider{From: "provder"}), []string{`"provder"`, `"provider"`}},
		{"connect, import", calc, connect("consumer", "demo:calc/opps", linker.Provider{From: "provider"}), []string{`"demo:calc/opps"`, "consumer"}},
		{"connect, export", calc, connect("consumer", ops, linker.Provider{From: "provider", Export: "demo:calc/nope"}), []string{`"demo:calc/nope"`, "provider"}},
		{"no auto", calc, linker.Options{NoAuto: true}, []string{ops, "consumer"}},
		{"component output of a core module", coreLink, linker.Options{Root: "app", Format: linker.FormatComponent}, []string{"core module", "app"}},
		{"core wired to a component", append(coreLink[:1:1], calc[1]), connect("app", "math", linker.Provider{From: "provider"}), []string{"provider", "component", "math"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := linker.Link(context.Background(), c.inputs, c.opts)
			wantError(t, err, c.want...)
		})
	}
}

// TestNoPanics links damaged programs: an error or a bundle, never a panic.
func TestNoPanics(t *testing.T) {
	t.Parallel()
	rounds := 300
	if testing.Short() {
		rounds = 30
	}
	paths, err := filepath.Glob(filepath.Join("testdata", "*", "*.wasm"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no programs: %v", err)
	}
	paths = append(paths, filepath.Join("..", "fixtures", "core-link", "app.wasm"), filepath.Join("..", "fixtures", "chain", "middle.wasm"))
	for _, path := range paths {
		wasm := readFile(t, path)
		rng := rand.New(rand.NewPCG(1, uint64(len(wasm))))
		for round := range rounds {
			damaged := append([]byte(nil), wasm...)
			how := fmt.Sprintf("%s, round %d", path, round)
			if round%10 == 0 {
				damaged = damaged[:rng.IntN(len(damaged))]
			} else {
				for range 1 + rng.IntN(3) {
					damaged[8+rng.IntN(len(damaged)-8)] = byte(rng.IntN(256))
				}
			}
			f := []form{coreSingle, coreMulti, componentSingle, componentMulti}[round%4]
			linkDamaged(t, how, damaged, f)
		}
	}
}

// linkDamaged reports a panic with its cause; set WBUNDLE_SAVE to a folder to
// get the program that caused it.
func linkDamaged(t *testing.T, how string, wasm []byte, f form) {
	defer func() {
		if p := recover(); p != nil {
			t.Errorf("%s: %s: panic: %v", how, f, p)
			if dir := os.Getenv("WBUNDLE_SAVE"); dir != "" {
				name := strings.NewReplacer("/", "-", ", ", "-", " ", "").Replace(strings.TrimLeft(how, "./"))
				if err := os.WriteFile(filepath.Join(dir, name+".wasm"), wasm, 0o666); err != nil {
					t.Log(err)
				}
			}
		}
	}()
	_, _ = linker.Link(context.Background(), []linker.Input{{ID: "damaged", Bytes: wasm}}, f.as(linker.Options{Unresolved: linker.UnresolvedImport}))
}
