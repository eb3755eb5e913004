package main

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"text/template"
	"time"
	"unicode/utf16"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/wbundle/wbundle/linker"
)

// What a call from one component to another costs. The program is
// calls/calls.wat.tmpl; it is run
//
//	wazero single     bundled, one module with one memory, in wazero
//	wasmtime single   the same module in wasmtime
//	wasmtime multi    bundled, one module with a memory for each component
//	component         the multi-memory bundle as a component
//	unfused           the components as they are, with wasmtime's own adapters
//
// and so, in each engine, is calls/best.wat: the least that the work takes.

//go:embed calls/calls.wat.tmpl
var callsSource string

//go:embed calls/best.wat
var bestSource []byte

//go:embed calls/run.py
var runPy string

// encoding is a string encoding, as the program's names and the text format
// call it.
type encoding struct{ Name, WAT string }

var encodings = []encoding{{"utf8", "utf8"}, {"utf16", "utf16"}, {"compact", "latin1+utf16"}}

// lists are the lists that are passed, by name.
var lists = []struct{ Name, Type string }{
	{"u32", "u32"},
	{"point", "(tuple f32 f32)"},
	{"padded", "(tuple u8 u32)"},
	{"bool", "bool"},
	{"char", "char"},
	{"item", "(tuple string u32 u32 f64)"},
}

// textAt is where what is passed lies; the start of a block in either program.
const textAt = 0x10000

// callRow is a loop to time, and its counterpart in best.wat.
type callRow struct {
	name        string
	setup       [][]any // calls that both programs need first
	items       [][]any // calls that only the components need
	call, least []any   // a name and arguments; the number of turns follows
}

func callRows() []callRow {
	rows := []callRow{
		{name: "a call inside the module", call: []any{"own"}, least: []any{"add"}},
		{name: "add(u32, u32) -> u32", call: []any{"add"}, least: []any{"add"}},
		{name: "the same, caller receives strings", call: []any{"receiver-add"}, least: []any{"add"}},
		{name: "-> string, 16 B", call: []any{"receiver-give"}},
	}
	const kilo, mega = 1 << 10, 1 << 20
	// text adds a row for a form of string and an encoding at its destination;
	// least is the function of best.wat, "" if there is none.
	text := func(kind, from, to, least string, size int) {
		raw, unit := textBytes(kind, from, min(size, 16<<10))
		n := uint32(size / len(raw) * len(raw))
		units, source := n/unit, from
		switch from {
		case "tagged":
			source, units = "compact", units|1<<31
		case "latin1":
			source = "compact"
		}
		r := callRow{
			name:  fmt.Sprintf("%s -> %s, %s, %s", from, to, kind, map[int]string{kilo: "1 kB", mega: "1 MB"}[size]),
			setup: fill(raw, n),
			call:  []any{"text-" + source + "-" + to, textAt, units},
		}
		if least != "" {
			r.least = []any{least, textAt, n / unit}
		}
		rows = append(rows, r)
	}
	for _, size := range []int{kilo, mega} {
		text("ascii", "utf8", "utf8", "text8", size)
		text("ascii", "utf16", "utf16", "text16", size)
		text("cjk", "utf16", "utf16", "text16", size)
		text("latin1", "latin1", "compact", "bytes", size)
		text("latin1", "utf8", "utf8", "", size)
		text("cjk", "utf8", "utf8", "", size)
		text("mixed", "utf8", "utf8", "", size)
		text("mixed", "utf16", "utf16", "", size)
	}
	for _, size := range []int{kilo, mega} {
		for _, from := range []string{"utf8", "utf16"} {
			to := map[string]string{"utf8": "utf16", "utf16": "utf8"}[from]
			for _, kind := range []string{"ascii", "cjk", "mixed"} {
				text(kind, from, to, "", size)
			}
			for _, kind := range []string{"ascii", "latin1", "cjk"} {
				text(kind, from, "compact", "", size)
			}
		}
		text("ascii", "latin1", "utf8", "", size)
		text("latin1", "latin1", "utf8", "", size)
		text("latin1", "latin1", "utf16", "", size)
		for _, e := range encodings {
			text("cjk", "tagged", e.Name, "", size)
		}
	}
	list := func(name, elem string, n, size int, pattern string) {
		rows = append(rows, callRow{
			name: name, setup: fill([]byte(pattern), uint32(n*size)),
			call: []any{"list-" + elem, textAt, uint32(n)}, least: []any{"bytes", textAt, uint32(n * size)},
		})
	}
	list("list<u32>, 1M", "u32", 1_000_000, 4, "numbers!")
	list("list<tuple<f32, f32>>, 500k", "point", 500_000, 8, "numbers!")
	list("list<tuple<u8, u32>>, 500k", "padded", 500_000, 8, "numbers!")
	list("list<bool>, 1M", "bool", 1_000_000, 1, "\x00\x01\x01\x00\x01\x00\x00\x01")
	list("list<char>, 1M", "char", 1_000_000, 4, "a\x00\x00\x00\x34\xf6\x01\x00")
	rows = append(rows, callRow{
		name: "list<(string, u32, u32, f64)>, 1000", items: [][]any{{"items", textAt, uint32(1000)}},
		call: []any{"list-item", textAt, uint32(1000)},
	})
	return rows
}

// vocabularies are words of each kind of text.
var vocabularies = map[string][]string{
	"ascii":  words("the quick brown fox jumps over a lazy dog and runs away from everyone who cannot tell (or will not) where it went;"),
	"latin1": words("naïveté à 20°C café déjà vu Größe über straße señor año façade the of and résumé élève où ça là coöperate más aquí"),
	"cjk":    strings.Fields("日本語 テキスト 漢字 かな 東京 大阪 文字列 符号化 検証 速度 構成要素 関数 呼び出し 記憶 領域"),
	"mixed":  words("Größe 20€ широкий электрификация 日本語 テキスト 😀 🎉🎉 ok naïve text and words ελληνικά שלום مرحبا 한국어 — …"),
}

// words are the words of a text, a space behind each.
func words(s string) []string { return strings.SplitAfter(s+" ", " ") }

// textBytes returns at most n bytes of a form of string, words of a vocabulary
// in an order that no processor can guess, and the size of its code units.
func textBytes(kind, form string, n int) (raw []byte, unit uint32) {
	unit = 1
	if form == "utf16" || form == "tagged" {
		unit = 2
	}
	vocabulary := vocabularies[kind]
	for state := uint32(1); ; {
		state = state*1664525 + 1013904223
		for _, r := range vocabulary[int(state>>16)%len(vocabulary)] {
			char := []byte(string(r))
			switch form {
			case "utf16", "tagged":
				char = nil
				for _, u := range utf16.Encode([]rune{r}) {
					char = binary.LittleEndian.AppendUint16(char, u)
				}
			case "latin1":
				char = []byte{byte(r)}
			}
			if len(raw)+len(char) > n {
				return raw, unit
			}
			raw = append(raw, char...)
		}
	}
}

// fill are the calls that repeat a pattern over n bytes.
func fill(pattern []byte, n uint32) [][]any {
	var calls [][]any
	padded := append(slices.Clone(pattern), make([]byte, -len(pattern)&7)...)
	for i := 0; i < len(padded); i += 8 {
		calls = append(calls, []any{"put", textAt + uint32(i), binary.LittleEndian.Uint64(padded[i:])})
	}
	return append(calls, []any{"repeat", textAt, uint32(len(pattern)), n})
}

// program is a way to run the calls.
type program struct {
	name  string
	bytes []byte
	least bool // best.wat
}

// loop is a row of one program.
type loop struct {
	Path  string  `json:"path"`
	Setup [][]any `json:"setup"`
	Call  []any   `json:"call"`
}

// loopOf returns the loop of a row in a program, if there is one.
func (p *program) loopOf(r *callRow, path string) (loop, bool) {
	if p.least {
		return loop{path, r.setup, r.least}, r.least != nil
	}
	return loop{path, slices.Concat(r.setup, r.items), r.call}, true
}

// assemble runs wasm-tools parse.
func assemble(wat []byte) ([]byte, error) {
	cmd := exec.Command("wasm-tools", "parse", "-")
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(wat), &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("wasm-tools parse: %w\n%s", err, stderr.Bytes())
	}
	return out, nil
}

// callsComponent assembles the program.
func callsComponent() ([]byte, error) {
	type pair struct{ From, To encoding }
	var pairs []pair
	var calls []string
	for _, from := range encodings {
		for _, to := range encodings {
			pairs = append(pairs, pair{from, to})
			calls = append(calls, "text-"+from.Name+"-"+to.Name)
		}
	}
	for _, l := range lists {
		calls = append(calls, "list-"+l.Name)
	}
	t, err := template.New("calls.wat").Parse(callsSource)
	if err != nil {
		return nil, err
	}
	var wat bytes.Buffer
	err = t.Execute(&wat, map[string]any{"Encodings": encodings, "Pairs": pairs, "Lists": lists, "Calls": calls})
	if err != nil {
		return nil, err
	}
	return assemble(wat.Bytes())
}

// callPrograms makes everything that is run. best is the first, the unbundled
// components are the last.
func callPrograms(o linker.Options) ([]program, error) {
	best, err := assemble(bestSource)
	if err != nil {
		return nil, err
	}
	unfused, err := callsComponent()
	if err != nil {
		return nil, err
	}
	out := []program{{name: "best", bytes: best, least: true}}
	for _, form := range []struct {
		name   string
		format linker.Format
		memory linker.Memory
	}{
		{"single", linker.FormatCore, linker.MemorySingle},
		{"multi", linker.FormatCore, linker.MemoryMulti},
		{"component", linker.FormatComponent, linker.MemoryMulti},
	} {
		o.Format, o.Memory, o.Check = form.format, form.memory, true
		bundle, err := linkCalls(unfused, o)
		if err != nil {
			return nil, err
		}
		out = append(out, program{name: form.name, bytes: bundle})
	}
	return append(out, program{name: "unfused", bytes: unfused}), nil
}

// linkCalls bundles the program.
func linkCalls(component []byte, o linker.Options) ([]byte, error) {
	r, err := linker.Link(context.Background(), []linker.Input{{ID: "calls", Bytes: component}}, o)
	if err != nil {
		return nil, err
	}
	return r.Output, nil
}

// calls measures the rows whose names contain one of want and prints a table.
func calls(runs int, o linker.Options, want []string) error {
	if _, err := exec.LookPath("wasm-tools"); err != nil {
		return fmt.Errorf("the programs are in text format: %w", err)
	}
	programs, err := callPrograms(o)
	if err != nil {
		return err
	}
	var rows []callRow
	for _, r := range callRows() {
		if len(want) == 0 || slices.ContainsFunc(want, func(w string) bool { return strings.Contains(r.name, w) }) {
			rows = append(rows, r)
		}
	}
	inWazero, err := timeWazero(runs, rows, programs[:2])
	if err != nil {
		return err
	}
	inWasmtime, err := timeWasmtime(runs, rows, programs)
	if err != nil {
		fmt.Println("wasmtime is left out:", err)
	}
	return callTable(rows, programs, inWazero, inWasmtime)
}

// timings are the nanoseconds of one turn, by row and program; 0: none.
type timings [][]float64

// timeWazero runs core modules in this process.
func timeWazero(runs int, rows []callRow, programs []program) (timings, error) {
	runtime.LockOSThread() // for threadTime
	defer runtime.UnlockOSThread()
	ctx := context.Background()
	rt := wazero.NewRuntime(ctx)
	defer rt.Close(ctx)
	modules := make([]api.Module, len(programs))
	for i, p := range programs {
		var err error
		if modules[i], err = rt.InstantiateWithConfig(ctx, p.bytes, wazero.NewModuleConfig().WithName(p.name)); err != nil {
			return nil, fmt.Errorf("%s: %w", p.name, err)
		}
	}
	out := make(timings, len(rows))
	for i := range rows {
		var turns []func() (float64, error)
		var at []int
		for k := range programs {
			l, ok := programs[k].loopOf(&rows[i], "")
			if !ok {
				continue
			}
			turn, err := wazeroLoop(ctx, modules[k], l)
			if err != nil {
				return nil, fmt.Errorf("%s: %s: %w", programs[k].name, rows[i].name, err)
			}
			turns, at = append(turns, turn), append(at, k)
		}
		out[i] = make([]float64, len(programs))
		for range runs {
			for k, turn := range turns {
				t, err := turn()
				if err != nil {
					return nil, err
				}
				if least := &out[i][at[k]]; *least == 0 || t < *least {
					*least = t
				}
			}
		}
	}
	return out, nil
}

// callWazero makes a call.
func callWazero(ctx context.Context, m api.Module, c []any) error {
	args := make([]uint64, 0, 4)
	for _, a := range c[1:] {
		switch a := a.(type) {
		case int:
			args = append(args, uint64(a))
		case uint32:
			args = append(args, uint64(a))
		case uint64:
			args = append(args, a)
		}
	}
	_, err := m.ExportedFunction(c[0].(string)).Call(ctx, args...)
	return err
}

// prepareWazero makes the calls that a loop needs first.
func prepareWazero(ctx context.Context, m api.Module, l loop) error {
	for _, c := range l.Setup {
		if err := callWazero(ctx, m, c); err != nil {
			return err
		}
	}
	return nil
}

// wazeroLoop prepares a loop and returns what times it once.
func wazeroLoop(ctx context.Context, m api.Module, l loop) (func() (float64, error), error) {
	if err := prepareWazero(ctx, m, l); err != nil {
		return nil, err
	}
	once := func(turns int) (time.Duration, error) {
		began := threadTime()
		err := callWazero(ctx, m, append(slices.Clone(l.Call), turns))
		return threadTime() - began, err
	}
	const target = 5 * time.Millisecond
	turns := 1
	for {
		took, err := once(turns)
		if err != nil {
			return nil, err
		}
		if took >= target {
			break
		}
		if took < target/10 {
			turns *= 2
		} else {
			turns = int(1.2*float64(turns)*float64(target)/float64(took)) + 1
		}
	}
	return func() (float64, error) {
		took, err := once(turns)
		return float64(took) / float64(turns), err
	}, nil
}

// timeWasmtime runs everything in a process of its own.
func timeWasmtime(runs int, rows []callRow, programs []program) (timings, error) {
	if _, err := exec.LookPath("python3"); err != nil {
		return nil, err
	}
	if out, err := exec.Command("python3", "-c", "import wasmtime.component").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("python3 has no package wasmtime; pip install wasmtime==50.0.1\n%s", out)
	}
	dir, err := os.MkdirTemp("", "wbundle-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	job := struct {
		Runs int      `json:"runs"`
		Rows [][]loop `json:"rows"`
	}{Runs: runs}
	places := make([][]int, len(rows))
	for _, p := range programs {
		if err := os.WriteFile(filepath.Join(dir, p.name+".wasm"), p.bytes, 0o666); err != nil {
			return nil, err
		}
	}
	for i := range rows {
		var ls []loop
		for k := range programs {
			if l, ok := programs[k].loopOf(&rows[i], filepath.Join(dir, programs[k].name+".wasm")); ok {
				ls, places[i] = append(ls, l), append(places[i], k)
			}
		}
		job.Rows = append(job.Rows, ls)
	}
	stdin, err := json.Marshal(job)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command("python3", "-c", runPy)
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(stdin), &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%w\n%s", err, stderr.Bytes())
	}
	var times timings
	if err := json.Unmarshal(stdout.Bytes(), &times); err != nil {
		return nil, err
	}
	out := make(timings, len(rows))
	for i, ts := range times {
		out[i] = make([]float64, len(programs))
		for k, t := range ts {
			out[i][places[i][k]] = t
		}
	}
	return out, nil
}

// callTable prints nanoseconds, and what they are of the least and of wasmtime
// on its own.
func callTable(rows []callRow, programs []program, inWazero, inWasmtime timings) error {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(w, "ns a call\twazero best\tsingle\tratio\t")
	if inWasmtime != nil {
		fmt.Fprint(w, "wasmtime ")
		for _, p := range programs {
			fmt.Fprint(w, p.name, "\t")
		}
		fmt.Fprint(w, "multi/best\tsingle/best\tunfused/multi\t")
	}
	fmt.Fprintln(w)
	cell := func(ns float64) {
		switch {
		case ns == 0:
			fmt.Fprint(w, "\t")
		case ns < 100:
			fmt.Fprintf(w, "%.2f\t", ns)
		default:
			fmt.Fprintf(w, "%.0f\t", ns)
		}
	}
	ratio := func(a, b float64) {
		if b == 0 {
			fmt.Fprint(w, "\t")
			return
		}
		fmt.Fprintf(w, "%.2f\t", a/b)
	}
	for i, r := range rows {
		fmt.Fprint(w, r.name, "\t")
		t := inWazero[i]
		cell(t[0])
		cell(t[1])
		ratio(t[1], t[0])
		if inWasmtime != nil {
			t := inWasmtime[i]
			for _, ns := range t {
				cell(ns)
			}
			ratio(t[2], t[0])
			ratio(t[1], t[0])
			ratio(t[4], t[2])
		}
		fmt.Fprintln(w)
	}
	return w.Flush()
}
