package linker_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/wbundle/wbundle/internal/conformance/observe"
	"github.com/wbundle/wbundle/internal/wasm"
	"github.com/wbundle/wbundle/linker"
)

// The variables of the tests with random modules.
const (
	// randomModules says how many modules each generator makes.
	randomModules = "WBUNDLE_RANDOM"
	// randomFirst is the number of the first.
	randomFirst = "WBUNDLE_RANDOM_FIRST"
	// binaryenDir names the folder with the programs of the npm package binaryen,
	// which node runs.
	binaryenDir = "WBUNDLE_BINARYEN"
)

// smithImports is what random modules may import: functions, because those are
// what the host of the test has.
const smithImports = `(module
	(import "h" "a" (func (param i32)))
	(import "h" "b" (func (param i64 i32) (result i32)))
	(import "h" "c" (func (result i64)))
	(import "h" "d" (func (param f64 f32) (result f64))))`

// seed is the randomness that module i is made of.
func seed(i int) []byte {
	r := rand.New(rand.NewPCG(uint64(i), 20))
	var b []byte
	for range 300 + r.IntN(600) {
		b = binary.LittleEndian.AppendUint64(b, r.Uint64())
	}
	return b
}

// smith makes a module with wasm-tools; nil for a seed of which nothing comes.
// Every second is without blocks that take parameters and functions of several
// results, because what has them is hardly optimised; every fourth throws
// exceptions.
func smith(tool, imports string, i int) []byte {
	exceptions, tags := i%4 == 2, "0"
	if exceptions {
		tags = "3"
	}
	cmd := exec.Command(tool, "smith", "--ensure-termination", "--fuel", "200", "--available-imports", imports,
		"--export-everything", "true", "--min-funcs", "3", "--max-memories", "1", "--max-memory32-bytes", "1048576",
		"--gc-enabled", "false", "--memory64-enabled", "false", "--threads-enabled", "false", "--relaxed-simd-enabled", "false",
		"--exceptions-enabled", strconv.FormatBool(exceptions), "--custom-page-sizes-enabled", "false", "--wide-arithmetic-enabled", "false",
		"--shared-everything-threads-enabled", "false", "--compact-imports-enabled", "false", "--custom-descriptors-enabled", "false",
		"--max-table-elements", "1000", "--max-tags", tags, "--generate-custom-sections", "false",
		"--multi-value-enabled", strconv.FormatBool(i%2 == 0), "--allow-start-export", strconv.FormatBool(i%4 == 0), "--max-instructions", "400")
	cmd.Stdin = bytes.NewReader(seed(i))
	module, err := cmd.Output()
	if err != nil {
		return nil
	}
	return module
}

// fuzzer makes a module with binaryen's generator; nil where it fails. Every
// second is without several results, every third has no NaN, and every fourth
// throws exceptions. There is nothing to be called before its exports: what bounds
// the loops of a module is a global, which starts anew when it traps.
func fuzzer(dir, tmp string, i int) []byte {
	in, out := filepath.Join(tmp, "seed"), filepath.Join(tmp, "module.wasm")
	if os.WriteFile(in, seed(i), 0o666) != nil {
		return nil
	}
	args := []string{filepath.Join(dir, "wasm-opt"), "-ttf", in, "-o", out, "--all-features",
		"--disable-gc", "--disable-strings", "--disable-threads", "--disable-relaxed-simd",
		"--disable-memory64", "--disable-multimemory", "--disable-shared-everything", "--disable-stack-switching",
		"--disable-custom-descriptors", "--disable-fp16", "--disable-relaxed-atomics", "--disable-compact-imports",
		"--disable-wide-arithmetic"}
	if i%2 == 1 {
		args = append(args, "--disable-multivalue")
	}
	if i%3 == 0 {
		args = append(args, "--denan")
	}
	if i%4 == 2 {
		args = append(args, "--emit-exnref", "--translate-to-exnref")
	} else {
		args = append(args, "--disable-exception-handling")
	}
	// What runs for half a second is not worth V8's better compiler.
	cmd := exec.Command("node", append([]string{"--liftoff-only"}, args...)...)
	if cmd.Run() != nil {
		return nil
	}
	module, err := os.ReadFile(out)
	if err != nil {
		return nil
	}
	return module
}

// number reads a variable.
func number(t *testing.T, name string, n int) int {
	t.Helper()
	if s := os.Getenv(name); s != "" {
		v, err := strconv.Atoi(s)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return v
	}
	return n
}

// TestRandomModules links random modules alone, at every level of optimisation,
// and compares what they do with what the modules do as they are. It proves
// nothing about components; it is where odd code comes from.
func TestRandomModules(t *testing.T) {
	tmp := t.TempDir()
	t.Run("smith", func(t *testing.T) {
		tool, err := exec.LookPath("wasm-tools")
		if err != nil {
			t.Skip("needs wasm-tools")
		}
		imports := filepath.Join(tmp, "imports.wat")
		if err := os.WriteFile(imports, []byte(smithImports), 0o666); err != nil {
			t.Fatal(err)
		}
		compareRandom(t, number(t, randomModules, 40), func(i int) []byte { return smith(tool, imports, i) })
	})
	t.Run("binaryen", func(t *testing.T) {
		dir := os.Getenv(binaryenDir)
		if dir == "" {
			t.Skipf("needs npm's binaryen; %s names the folder of its programs", binaryenDir)
		}
		compareRandom(t, number(t, randomModules, 10), func(i int) []byte { return fuzzer(dir, tmp, i) })
	})
}

// incomparable says why the engine cannot tell what a module does, "" where it
// can: it imports functions alone, no active element segment is out of bounds,
// which wazero lets pass, and wazero compiles it, which it does not where element
// segments or typed selects have exceptions.
func incomparable(module []byte) string {
	m, err := wasm.Decode("random", module)
	if err != nil {
		return err.Error()
	}
	if i := slices.IndexFunc(m.Imports, func(i wasm.Import) bool { return i.Kind != wasm.ExternFunc }); i >= 0 {
		return "imports a " + m.Imports[i].Kind.String()
	}
	if slices.ContainsFunc(m.Elems, func(e wasm.Elem) bool {
		if e.Mode != wasm.SegmentActive || wasm.Opcode(e.Offset.Bytes[0]) != wasm.OpI32Const {
			return false
		}
		at, _ := wasm.ReadS32(e.Offset.Bytes[1:])
		return uint64(uint32(at))+uint64(len(e.Funcs)+len(e.Exprs)) > m.Tables[e.Table].Min
	}) {
		return "an element segment is out of bounds"
	}
	if observe.Compile(module) != nil {
		return "wazero does not compile it"
	}
	return ""
}

// bounded gives the tables and memories of a module a maximum, so that what grows
// them does not fill the machine's memory, makes data segments passive that instructions
// name, because wazero keeps active ones for them, and makes the references and
// tags that it imports its own, because the host of the test has only functions;
// nil for what cannot be read.
func bounded(module []byte) []byte {
	const mostElements, mostPages = 1 << 16, 1 << 8
	m, err := wasm.Decode("random", module)
	if err != nil {
		return nil
	}
	limit := func(l *wasm.Limits, most uint64) {
		if most = max(most, l.Min); !l.HasMax || l.Max > most {
			l.HasMax, l.Max = true, most
		}
	}
	for i := range m.Tables {
		limit(&m.Tables[i].Limits, mostElements)
	}
	for i := range m.Memories {
		limit(&m.Memories[i].Limits, mostPages)
	}
	for i := range m.Code {
		for _, site := range m.Code[i].Sites {
			if site.Kind == wasm.SiteData {
				m.Datas[site.Target] = wasm.Data{Mode: wasm.SegmentPassive, Init: m.Datas[site.Target].Init}
			}
		}
	}
	var globals []wasm.Global
	var tags []uint32
	for _, imp := range m.Imports {
		switch {
		case imp.Kind == wasm.ExternGlobal && imp.Global.Type.Kind == wasm.KindRef:
			null := wasm.AppendHeapType([]byte{byte(wasm.OpRefNull)}, imp.Global.Type.Heap)
			globals = append(globals, wasm.Global{GlobalType: imp.Global, Init: wasm.Expr{Bytes: append(null, byte(wasm.OpEnd))}})
		case imp.Kind == wasm.ExternTag:
			tags = append(tags, imp.TypeIndex)
		}
	}
	if len(globals) != int(m.NumImported[wasm.SpaceGlobal]) {
		return wasm.Encode(m)
	}
	// They are all of their kind, so that indices stay. Constant expressions that
	// read one are what is in it: they may read only what is imported.
	own := func(e *wasm.Expr) {
		if wasm.Opcode(e.Bytes[0]) == wasm.OpGlobalGet {
			if index, _ := wasm.ReadU32(e.Bytes[1:]); int(index) < len(globals) {
				*e = globals[index].Init
			}
		}
	}
	for i := range m.Tables {
		if m.Tables[i].Init != nil {
			own(m.Tables[i].Init)
		}
	}
	for i := range m.Globals {
		own(&m.Globals[i].Init)
	}
	for _, e := range m.Elems {
		for i := range e.Exprs {
			own(&e.Exprs[i])
		}
	}
	m.Imports = slices.DeleteFunc(m.Imports, func(i wasm.Import) bool {
		return i.Kind == wasm.ExternGlobal || i.Kind == wasm.ExternTag
	})
	m.Globals, m.NumImported[wasm.SpaceGlobal] = append(globals, m.Globals...), 0
	m.Tags, m.NumImported[wasm.SpaceTag] = append(tags, m.Tags...), 0
	m.Sections = nil
	return wasm.Encode(m)
}

func compareRandom(t *testing.T, n int, generate func(i int) []byte) {
	made, wrong, before, after := 0, 0, 0, 0
	left := map[string]int{}
	first := number(t, randomFirst, 0)
	for i := first; i < first+n; i++ {
		module := bounded(generate(i))
		if module == nil {
			left["not made"]++
			continue
		}
		if why := incomparable(module); why != "" {
			left[why]++
			continue
		}
		made++
		want := observe.Module(t, module)
		for _, level := range []linker.Optimize{linker.OptimizeNone, linker.OptimizeSize, linker.OptimizeSpeed} {
			res, err := linker.Link(context.Background(), []linker.Input{{ID: "random", Bytes: module}},
				linker.Options{Unresolved: linker.UnresolvedImport, Optimize: level, Check: true})
			why := ""
			if err != nil {
				why = err.Error()
			} else if got := observe.Module(t, res.Output); got != want {
				why = firstDifference(got, want)
			}
			if why != "" {
				path := filepath.Join(os.TempDir(), fmt.Sprintf("wbundle-%s-%d.wasm", filepath.Base(t.Name()), i))
				if err := os.WriteFile(path, module, 0o666); err != nil {
					t.Error(err)
				}
				t.Errorf("module %d, optimize %s: %s\nthe module is in %s", i, level, why, path)
				if wrong++; wrong == 5 {
					return
				}
				break
			}
			if level == linker.OptimizeSize {
				after += len(res.Output)
				before += len(module)
			}
		}
	}
	if made == 0 {
		t.Fatal("no module was made")
	}
	t.Logf("%d modules, %d bytes, %d with --optimize size; left out: %v", made, before, after, left)
}

// firstDifference shows where two texts differ, with the lines before.
func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	i := 0
	for i < len(g) && i < len(w) && g[i] == w[i] {
		i++
	}
	part := func(lines []string) string { return strings.Join(lines[max(0, i-5):min(len(lines), i+3)], "\n") }
	return fmt.Sprintf("line %d differs, got\n%.2000s\nwant\n%.2000s", i+1, part(g), part(w))
}
