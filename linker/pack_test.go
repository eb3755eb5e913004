package linker_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/wbundle/wbundle/internal/wasm"
	"github.com/wbundle/wbundle/linker"
)

// packSeeds is how many random modules each of these tests makes.
const packSeeds = 40

// constI32 is i32.const n, end.
func constI32(n int) wasm.Expr {
	return wasm.Expr{Bytes: append(wasm.AppendS32([]byte{byte(wasm.OpI32Const)}, int32(n)), byte(wasm.OpEnd))}
}

// TestPackTables links modules with random segments, alone: overlapping, out of
// order, with functions of several types, with empty slots, as indices and as
// expressions, active and passive, and tables that are copied, read and exported.
// Every call through every table answers as the segments, applied one after the
// other, say.
func TestPackTables(t *testing.T) {
	t.Parallel()
	cut := 0
	for seed := range uint64(packSeeds) {
		r := rand.New(rand.NewPCG(seed, 1))
		m, answers := randomTables(r)
		b := wasm.NewEncoder(m).Append(nil)
		res := link(t, []linker.Input{{ID: "tables", Bytes: b}}, linker.Options{Check: true})
		runWazero(t, fmt.Sprintf("seed %d, before", seed), b, answers)
		runWazero(t, fmt.Sprintf("seed %d", seed), res.Output, answers)
		if s := res.Summary; s.Functions.Out < s.Functions.In {
			cut++
		}
		if t.Failed() {
			return
		}
	}
	if cut < packSeeds/4 {
		t.Errorf("only %d of %d modules have lost a function", cut, packSeeds)
	}
}

// randomTables makes a module with two tables, and what calls through them give.
func randomTables(r *rand.Rand) (*wasm.Module, []answer) {
	const size, funcs = 40, 16
	params := []wasm.ValType{{}, wasm.I32, wasm.I64, wasm.F32}
	m := &wasm.Module{}
	typ := func(s wasm.SubType) uint32 {
		s.Final, s.Short = true, true
		m.Types = append(m.Types, s)
		m.RecGroups = append(m.RecGroups, wasm.RecGroup{Start: uint32(len(m.Types) - 1), Count: 1})
		return uint32(len(m.Types) - 1)
	}
	for _, p := range params {
		s := wasm.SubType{Results: []wasm.ValType{wasm.I32}}
		if p.Kind != 0 {
			s.Params = []wasm.ValType{p}
		}
		typ(s)
	}
	fn := func(typ uint32, code []byte) uint32 {
		m.Funcs = append(m.Funcs, typ)
		m.Code = append(m.Code, wasm.Body{Bytes: append(append([]byte{0}, code...), byte(wasm.OpEnd)), Code: 1})
		return uint32(len(m.Funcs) - 1)
	}
	for i := range funcs {
		fn(uint32(i%len(params)), constI32(100 + i).Bytes[:3])
	}
	tables := [2][size]int{} // function+1, by slot
	for range tables {
		m.Tables = append(m.Tables, wasm.Table{TableType: wasm.TableType{Elem: wasm.FuncRef, Limits: wasm.Limits{Min: size}}})
	}
	var start []byte   // what code does after all active segments
	var later []func() // the same here
	push := func(values ...int) {
		for _, v := range values {
			c := constI32(v).Bytes
			start = append(start, c[:len(c)-1]...)
		}
	}
	for range 1 + r.IntN(5) {
		k, at := r.IntN(2), r.IntN(size)
		n := min(r.IntN(size/2), size-at)
		e := wasm.Elem{Table: uint32(k), Offset: constI32(at), UsesExprs: r.IntN(3) == 0, Type: wasm.ValType{Kind: wasm.KindRef, Heap: wasm.HeapFunc}, Flags: 2}
		if e.UsesExprs {
			e.Type = wasm.FuncRef
			e.Flags |= 4
		}
		slots := make([]int, n)
		for i := range slots {
			f := r.IntN(funcs)
			if r.IntN(3) > 0 {
				f = f &^ 3 // one type is more frequent
			}
			switch {
			case !e.UsesExprs:
				e.Funcs = append(e.Funcs, uint32(f))
			case r.IntN(4) == 0:
				f = -1
				e.Exprs = append(e.Exprs, wasm.Expr{Bytes: []byte{byte(wasm.OpRefNull), 0x70, byte(wasm.OpEnd)}})
			default:
				e.Exprs = append(e.Exprs, wasm.Expr{Bytes: []byte{byte(wasm.OpRefFunc), byte(f), byte(wasm.OpEnd)}})
			}
			slots[i] = f + 1
		}
		fill := func() { copy(tables[k][at:], slots) }
		if r.IntN(4) == 0 {
			e.Mode, e.Flags = wasm.SegmentPassive, e.Flags&4|1
			push(at, 0, n)
			start = append(start, 0xfc, 0x0c, byte(len(m.Elems)), byte(k)) // table.init
			start = append(start, 0xfc, 0x0d, byte(len(m.Elems)))          // elem.drop
			later = append(later, fill)
		} else {
			fill()
		}
		m.Elems = append(m.Elems, e)
	}
	if r.IntN(3) == 0 {
		to, n := r.IntN(2), r.IntN(size)
		push(0, size-n, n)
		start = append(start, 0xfc, 0x0e, byte(to), byte(1-to)) // table.copy
		later = append(later, func() { copy(tables[to][:], tables[1-to][size-n:]) })
	}
	for _, f := range later {
		f()
	}
	if len(start) > 0 {
		m.HasStart, m.Start = true, fn(typ(wasm.SubType{}), start)
	}
	if r.IntN(6) == 0 {
		m.Exports = append(m.Exports, wasm.Export{Name: "table", Kind: wasm.ExternTable, Index: uint32(r.IntN(2))})
	}
	index := typ(wasm.SubType{Params: []wasm.ValType{wasm.I32}, Results: []wasm.ValType{wasm.I32}})
	var answers []answer
	for k := range tables {
		if r.IntN(4) == 0 {
			// An empty slot must not become another: table.get, ref.is_null.
			name := fmt.Sprintf("null%d", k)
			m.Exports = append(m.Exports, wasm.Export{Name: name, Index: fn(index, []byte{byte(wasm.OpLocalGet), 0, byte(wasm.OpTableGet), byte(k), byte(wasm.OpRefIsNull)})})
			for i, f := range tables[k] {
				want := "0"
				if f == 0 {
					want = "1"
				}
				answers = append(answers, answer{fmt.Sprintf("%s(%d)", name, i), want})
			}
		}
		for p, v := range params {
			if r.IntN(3) > 0 {
				continue
			}
			var code []byte
			switch v {
			case wasm.I32:
				code = append(code, byte(wasm.OpI32Const), 0)
			case wasm.I64:
				code = append(code, byte(wasm.OpI64Const), 0)
			case wasm.F32:
				code = append(code, byte(wasm.OpF32Const), 0, 0, 0, 0)
			}
			code = append(code, byte(wasm.OpLocalGet), 0, byte(wasm.OpCallIndirect), byte(p), byte(k))
			name := fmt.Sprintf("call%d%d", k, p)
			m.Exports = append(m.Exports, wasm.Export{Name: name, Index: fn(index, code)})
			for i, f := range tables[k] {
				want := "trap"
				if f > 0 && (f-1)%len(params) == p {
					want = fmt.Sprint(100 + f - 1)
				}
				answers = append(answers, answer{fmt.Sprintf("%s(%d)", name, i), want})
			}
		}
	}
	return m, answers
}

// TestPackData does the same for data: segments with many zeros, that overlap,
// touch, or lie apart, in any order.
func TestPackData(t *testing.T) {
	t.Parallel()
	const size = 600
	for seed := range uint64(packSeeds) {
		r := rand.New(rand.NewPCG(seed, 2))
		m := &wasm.Module{Memories: []wasm.MemType{{Limits: wasm.Limits{Min: 1}}}}
		m.Types = []wasm.SubType{{Params: []wasm.ValType{wasm.I32}, Results: []wasm.ValType{wasm.I32}, Final: true, Short: true}}
		m.RecGroups = []wasm.RecGroup{{Count: 1}}
		m.Funcs = []uint32{0}
		m.Code = []wasm.Body{{Bytes: []byte{0, byte(wasm.OpLocalGet), 0, byte(wasm.OpI32Load16U), 0, 0, byte(wasm.OpEnd)}, Code: 1}}
		m.Exports = []wasm.Export{{Name: "load"}}
		var memory [size + 2]byte
		at := r.IntN(100)
		for range r.IntN(12) {
			if r.IntN(4) == 0 {
				at = r.IntN(size - 100) // somewhere else, maybe where something is
			}
			bytes := make([]byte, r.IntN(80))
			for i := 0; i < len(bytes); {
				for n := r.IntN(6); n > 0 && i < len(bytes); n-- {
					bytes[i] = byte(r.IntN(256))
					i++
				}
				i += r.IntN(5) * r.IntN(9)
			}
			m.Datas = append(m.Datas, wasm.Data{At: int64(at), Init: bytes})
			copy(memory[at:size], bytes[:min(len(bytes), size-at)])
			at = min(at+len(bytes)+r.IntN(20), size-100)
		}
		var answers []answer
		for i := 0; i < size; i += 2 {
			answers = append(answers, answer{fmt.Sprintf("load(%d)", i), fmt.Sprint(int(memory[i]) | int(memory[i+1])<<8)})
		}
		b := wasm.NewEncoder(m).Append(nil)
		res := link(t, []linker.Input{{ID: "data", Bytes: b}}, linker.Options{Check: true})
		runWazero(t, fmt.Sprintf("seed %d, before", seed), b, answers)
		runWazero(t, fmt.Sprintf("seed %d", seed), res.Output, answers)
		if t.Failed() {
			return
		}
	}
}

// TestAlikeDataTogether links two modules with the same data: each piece stands
// next to its copy, and lies where it did.
func TestAlikeDataTogether(t *testing.T) {
	t.Parallel()
	text := func(name string) []byte {
		return parse(t, `(module (memory (export "memory-`+name+`") 1)
			(data (i32.const 16) "first of all, a text") (data (i32.const 400) "another one, longer than the first")
			(func (export "`+name+`") (param i32) (result i32) (i32.load8_u (local.get 0))))`)
	}
	o := linker.Options{Root: "main", Memory: linker.MemorySingle, Check: true}
	main := parse(t, `(module (import "a" "a" (func $a (param i32) (result i32))) (import "b" "b" (func $b (param i32) (result i32)))
		(func (export "both") (param i32) (result i32) (i32.add (call $a (local.get 0)) (i32.shl (call $b (local.get 0)) (i32.const 8)))))`)
	res := link(t, []linker.Input{{ID: "main", Bytes: main}, {ID: "a", Bytes: text("a")}, {ID: "b", Bytes: text("b")}}, o)
	runWazero(t, "single", res.Output, []answer{{"both(16)", fmt.Sprint('f' | 'f'<<8)}, {"both(400)", fmt.Sprint('a' | 'a'<<8)}, {"both(40)", "0"}})
	var order []string
	for _, d := range decodeModule(t, res.Output).Datas {
		order = append(order, string(d.Init[:5]))
	}
	if got := fmt.Sprint(order); got != "[first first anoth anoth]" {
		t.Errorf("segments %s", got)
	}
}
