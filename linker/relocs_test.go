package linker_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/wbundle/wbundle/internal/wasm"
	"github.com/wbundle/wbundle/linker"
)

// forward makes a core module that imports one function of another and exports
// it.
func forward(t *testing.T, from *wasm.Module, module, name string) []byte {
	t.Helper()
	i := slices.IndexFunc(from.Exports, func(e wasm.Export) bool { return e.Name == name && e.Kind == wasm.ExternFunc })
	if i < 0 {
		t.Fatalf("%s exports no function %q", module, name)
	}
	m := &wasm.Module{
		Types:     []wasm.SubType{from.Types[from.Funcs[from.Exports[i].Index-from.NumImported[wasm.SpaceFunc]]]},
		RecGroups: []wasm.RecGroup{{Count: 1}},
		Imports:   []wasm.Import{{Module: module, Name: name, Kind: wasm.ExternFunc}},
		Exports:   []wasm.Export{{Name: name}},
	}
	m.NumImported[wasm.SpaceFunc] = 1
	return wasm.NewEncoder(m).Append(nil)
}

// TestRelocations bundles the functions of modules that were linked with
// --emit-relocs, one at a time. Each answers as it does in the module itself, and
// of the data and of the functions with an address there is what it needs.
func TestRelocations(t *testing.T) {
	t.Parallel()
	const all = "*"
	for _, tc := range []struct {
		module, export string
		calls          []answer // in WAVE, as in the module
		marks          string   // what is left
		functions      int      // the export, what it calls, what may be called by its address
	}{
		{"lib", "hex", []answer{{"hex(0)", "48"}, {"hex(15)", "102"}}, "digits", 1},
		{"lib", "square", []answer{{"square(103)", "1"}, {"square(110)", "64"}}, "squares", 1},
		{"lib", "sum", []answer{{"sum()", "204"}}, "squares", 1},
		{"lib", "chain", []answer{{"chain(0)", "102"}, {"chain(1)", "115"}, {"chain(2)", "116"}, {"chain(3)", "-1"}}, "first second third", 1},
		{"lib", "set", []answer{{"set(1)", "1"}, {"set(0)", "0"}}, "first second third", 1},
		{"lib", "apply", []answer{{"apply(0, 5, 1)", "98"}, {"apply(1, 5, 1)", "114"}}, "add sub", 3},
		{"lib", "later", []answer{{"later(5, 2)", "218"}}, "mul", 1},
		{"lib", "unused", []answer{{"unused(9)", "1"}}, "", 1},
		{"lib", "weak", []answer{{"weak(1)", "3"}}, "", 2},
		{"lib", "count", []answer{{"count(7); count(7)", "1; 2"}}, "", 1},
		{"lib", "table", []answer{{"table(0)", "1802658157"}, {"table(4)", "12345"}, {"table(6)", "0"}}, "tab", 1},
		{"lib", "tail", []answer{{"tail(1)", "116"}, {"tail(2)", "105"}}, "whole", 1},
		{"lib", "walk", []answer{{"walk()", "-549440754"}}, "listed", 1},
		{"lib", "scan", []answer{{"scan()", "-1533468002"}}, all, 1},
		{"lib", "heap", []answer{{"heap()", "66208"}}, "", 1},
		{"lib", "show", []answer{{"show()", "115"}}, "shown", 1},
		{"classes", "shape", []answer{{"shape(0)", "224"}, {"shape(1)", "101"}, {"shape(3)", "325"}}, "square disc", 8},
		{"classes", "animal", []answer{{"animal(0)", "111"}, {"animal(1)", "101"}}, "cat bird", 6},
		{"classes", "early", []answer{{"early()", "103"}}, "", 4},
	} {
		t.Run(tc.export, func(t *testing.T) {
			b := readFile(t, "../fixtures/relocs/"+tc.module+".wasm")
			m, err := wasm.Decode(tc.module, b)
			if err != nil {
				t.Fatal(err)
			}
			inputs := []linker.Input{{ID: "main", Bytes: forward(t, m, tc.module, tc.export)}, {ID: tc.module, Bytes: b}}
			runWazero(t, "the module", b, tc.calls)
			for _, f := range []form{coreSingle, coreMulti} {
				o := linker.Options{Root: "main", Check: true, Optimize: linker.OptimizeSize}
				runWazero(t, f.String()+", optimised", link(t, inputs, f.as(o)).Output, tc.calls)
				o.Optimize = linker.OptimizeNone
				res := link(t, inputs, f.as(o))
				runWazero(t, f.String(), res.Output, tc.calls)
				if got := marks(res.Output); tc.marks != all && got != sorted(tc.marks) || tc.marks == all && !strings.Contains(got, "digits") {
					t.Errorf("%v: left: %q, wanted %q", f, got, tc.marks)
				}
				if n := res.Summary.Functions.Out; n != tc.functions {
					t.Errorf("%v: %d functions, wanted %d", f, n, tc.functions)
				}
				if w := res.Summary.Warnings; len(w) > 0 {
					t.Errorf("%v: warnings %q", f, w)
				}
			}
		})
	}
}

// TestRelocationsShared lets another module read what the linker exports the
// address of: nobody knows what else it reads, so all data stays.
func TestRelocationsShared(t *testing.T) {
	t.Parallel()
	b := readFile(t, "../fixtures/relocs/lib.wasm")
	reader := parse(t, `(module
		(import "lib" "memory" (memory 1))
		(import "lib" "shown" (global $at i32))
		(func (export "read") (param i32) (result i32) (i32.load8_u (i32.add (global.get $at) (local.get 0)))))`)
	res := link(t, []linker.Input{{ID: "main", Bytes: reader}, {ID: "lib", Bytes: b}}, linker.Options{Root: "main", Check: true})
	runWazero(t, "shared", res.Output, []answer{{"read(5)", "115"}})
	if got := marks(res.Output); !strings.Contains(got, "shown") || !strings.Contains(got, "digits") {
		t.Errorf("left: %q", got)
	}
}

// TestRelocationsOfChangedModules changes a module after it was linked: its
// relocations are not used, with a warning, and all data stays.
func TestRelocationsOfChangedModules(t *testing.T) {
	t.Parallel()
	b := readFile(t, "../fixtures/relocs/lib.wasm")
	m := decodeModule(t, b)
	relocs, err := m.Relocations()
	if err != nil {
		t.Fatal(err)
	}
	address := slices.IndexFunc(relocs.Code, func(x wasm.Reloc) bool { return x.Type == wasm.RelocMemoryAddrLEB })
	body := 0
	for relocs.Bodies[body+1] <= address {
		body++
	}
	list := bytes.Index(b, []byte("mark-tab")) - 12 // one of the nodes in front of the table
	zeros := len(b) - len(b[bytes.Index(b, m.Datas[3].Init):])
	for _, tc := range []struct {
		what string
		at   int
		want string
	}{
		{"an address in code", m.Code[body].Off + int(relocs.Code[address].Off), "reloc.CODE section: offset 0x"},
		{"an address in data", list, "reloc.DATA section: offset 0x"},
		{"a byte that begins as zero", zeros + 5, "byte 5 of data segment 3 (.bss) is not zero and belongs to no symbol: the module has run since it was linked"},
		{"padding", bytes.Index(b, []byte("mark-shown")) + 12, "is not zero and belongs to no symbol"},
	} {
		changed := slices.Clone(b)
		changed[tc.at] ^= 4
		inputs := []linker.Input{{ID: "main", Bytes: forward(t, m, "lib", "hex")}, {ID: "lib", Bytes: changed}}
		res := link(t, inputs, linker.Options{Root: "main", Check: true})
		if w := strings.Join(res.Summary.Warnings, "\n"); !strings.Contains(w, "relocations are not used: lib: ") || !strings.Contains(w, tc.want) {
			t.Errorf("%s: warnings %q, want %q", tc.what, w, tc.want)
		}
		if got := marks(res.Output); !strings.Contains(got, "digits") || !strings.Contains(got, "squares") {
			t.Errorf("%s: left: %q", tc.what, got)
		}
	}
}

// TestRelocationNames looks up names of functions of modules without a name
// section.
func TestRelocationNames(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{"lib": "mul", "classes": "_ZNK4Bird4legsEi"} {
		res := link(t, []linker.Input{{ID: name, Bytes: readFile(t, "../fixtures/relocs/"+name+".wasm")}}, linker.Options{})
		if got := res.Origins.FuncNames(1); !slices.Contains(got, want) {
			t.Errorf("%s: names %q, want %q among them", name, got, want)
		}
	}
}

// marks finds the texts "mark-NAME" in a module.
func marks(b []byte) string {
	var out []string
	for _, s := range bytes.Split(b, []byte("mark-"))[1:] {
		n := 0
		for n < len(s) && 'a' <= s[n] && s[n] <= 'z' {
			n++
		}
		out = append(out, string(s[:n]))
	}
	return sorted(strings.Join(out, " "))
}

func sorted(words string) string {
	all := strings.Fields(words)
	slices.Sort(all)
	return strings.Join(all, " ")
}
