package linker_test

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/wbundle/wbundle/internal/wasm"
	"github.com/wbundle/wbundle/linker"
)

// relocProgram is a program of data symbols and functions that refer to each
// other, from which a module is written as wasm-ld --emit-relocs would.
type relocProgram struct {
	symbols []relocSymbol
	funcs   []relocFunc
	slots   []int // the functions in the table, from slot 1 on
}

// relocSymbol is a data symbol: words of four bytes, the first of them a number
// that no other symbol has.
type relocSymbol struct {
	segment int
	offset  uint32
	words   []relocWord
}

// relocWord is a number, the address of a word of a symbol, or a slot.
type relocWord struct {
	number uint32
	symbol int // -1: none
	word   int
	slot   int // of slots, -1: none
}

// relocFunc is a function from i32 to i32 that adds up what its steps give.
type relocFunc struct{ steps []relocStep }

// relocStep is what a function adds: a word, what a word points to, or what a
// function gives that is called directly, by its address, or by one in a word.
type relocStep struct {
	symbol, word int // -1: none
	call         int // -1: none
	byAddress    bool
}

const (
	relocBase  = 1024 // of the first segment
	relocMagic = 0x5eed0000
)

func randomRelocProgram(r *rand.Rand) *relocProgram {
	p := &relocProgram{}
	funcs := 3 + r.IntN(8)
	for i := range funcs {
		if r.IntN(2) == 0 {
			p.slots = append(p.slots, i)
		}
	}
	for i := range 3 + r.IntN(15) {
		s := relocSymbol{segment: r.IntN(2), words: []relocWord{{relocMagic + uint32(i), -1, 0, -1}}}
		for range r.IntN(5) {
			w := relocWord{r.Uint32N(1000), -1, 0, -1}
			switch {
			case r.IntN(3) == 0 && i > 0:
				// To an earlier symbol: its first word, which is a number.
				w.symbol = r.IntN(i)
			case r.IntN(4) == 0 && len(p.slots) > 0:
				w.slot = r.IntN(len(p.slots))
			}
			s.words = append(s.words, w)
		}
		p.symbols = append(p.symbols, s)
	}
	for i := range funcs {
		var f relocFunc
		for range r.IntN(4) {
			s := relocStep{symbol: -1, call: -1}
			switch r.IntN(3) {
			case 0:
				s.symbol = r.IntN(len(p.symbols))
				s.word = r.IntN(len(p.symbols[s.symbol].words))
				// Only later functions are called, so that every call ends.
				if slot := p.symbols[s.symbol].words[s.word].slot; slot >= 0 && p.slots[slot] <= i {
					continue
				}
			case 1:
				if i+1 < funcs {
					s.call = i + 1 + r.IntN(funcs-i-1)
				}
			case 2:
				if k := r.IntN(len(p.slots) + 1); k < len(p.slots) && p.slots[k] > i {
					s.call, s.byAddress = p.slots[k], true
				}
			}
			if s.symbol >= 0 || s.call >= 0 {
				f.steps = append(f.steps, s)
			}
		}
		p.funcs = append(p.funcs, f)
	}
	// Where everything lies, with padding here and there.
	var end [2]uint32
	for i := range p.symbols {
		s := &p.symbols[i]
		s.offset = end[s.segment] + uint32(4*r.IntN(3))
		end[s.segment] = s.offset + uint32(4*len(s.words))
	}
	return p
}

// bases are where the two segments lie, sizes how long they are.
func (p *relocProgram) segments() (bases, sizes [2]uint32) {
	for i := range p.symbols {
		s := &p.symbols[i]
		sizes[s.segment] = max(sizes[s.segment], s.offset+uint32(4*len(s.words)))
	}
	return [2]uint32{relocBase, relocBase + sizes[0] + 8}, sizes
}

// live are the symbols and functions that a function needs. A function whose
// address is taken is needed once there is a call by address.
func (p *relocProgram) live(root int) (symbols, funcs map[int]bool) {
	symbols, funcs = map[int]bool{}, map[int]bool{}
	taken, calls := map[int]bool{}, false
	var fn, sym func(i int)
	take := func(i int) {
		taken[i] = true
		if calls {
			fn(i)
		}
	}
	sym = func(i int) {
		if symbols[i] {
			return
		}
		symbols[i] = true
		for _, w := range p.symbols[i].words {
			if w.symbol >= 0 {
				sym(w.symbol)
			}
			if w.slot >= 0 {
				take(p.slots[w.slot])
			}
		}
	}
	call := func() {
		if calls {
			return
		}
		calls = true
		for i := range p.funcs {
			if taken[i] {
				fn(i)
			}
		}
	}
	fn = func(i int) {
		if funcs[i] {
			return
		}
		funcs[i] = true
		for _, s := range p.funcs[i].steps {
			switch {
			case s.symbol >= 0:
				sym(s.symbol)
				if p.symbols[s.symbol].words[s.word].slot >= 0 {
					call()
				}
			case s.byAddress:
				take(s.call)
				call()
			default:
				fn(s.call)
			}
		}
	}
	fn(root)
	return symbols, funcs
}

// value is what a function returns.
func (p *relocProgram) value(i int, arg uint32) uint32 {
	sum := arg
	for _, s := range p.funcs[i].steps {
		switch {
		case s.symbol < 0:
			sum += p.value(s.call, 1)
		default:
			switch w := p.symbols[s.symbol].words[s.word]; {
			case w.symbol >= 0:
				sum += p.symbols[w.symbol].words[w.word].number
			case w.slot >= 0:
				sum += p.value(p.slots[w.slot], 2)
			default:
				sum += w.number
			}
		}
	}
	return sum
}

// padded5 appends v in the five bytes that linkers reserve.
func padded5(dst []byte, v uint32) []byte {
	return append(dst, byte(v)|0x80, byte(v>>7)|0x80, byte(v>>14)|0x80, byte(v>>21)|0x80, byte(v>>28))
}

// module writes the program, with its symbols and relocations.
func (p *relocProgram) module() []byte {
	bases, sizes := p.segments()
	i32 := []wasm.ValType{wasm.I32}
	m := &wasm.Module{
		Types:     []wasm.SubType{{Params: i32, Results: i32, Final: true, Short: true}},
		RecGroups: []wasm.RecGroup{{Count: 1}},
		Tables:    []wasm.Table{{TableType: wasm.TableType{Elem: wasm.FuncRef, Limits: wasm.Limits{Min: uint64(len(p.slots) + 1)}}}},
		Memories:  []wasm.MemType{{Limits: wasm.Limits{Min: 1}}},
		Elems:     []wasm.Elem{{Offset: constI32(1), Type: wasm.ValType{Kind: wasm.KindRef, Heap: wasm.HeapFunc}}},
	}
	for _, f := range p.slots {
		m.Elems[0].Funcs = append(m.Elems[0].Funcs, uint32(f))
	}
	slotOf := map[int]uint32{}
	for k, f := range p.slots {
		slotOf[f] = uint32(k + 1)
	}
	// Symbols: the functions, then the data.
	linking := []byte{2, 8}
	table := wasm.AppendU32(nil, uint32(len(p.funcs)+len(p.symbols)))
	name := func(dst []byte, s string) []byte { return append(wasm.AppendU32(dst, uint32(len(s))), s...) }
	for i := range p.funcs {
		table = name(append(table, 0, 0, byte(i)), fmt.Sprintf("f%d", i))
	}
	for i := range p.symbols {
		s := &p.symbols[i]
		table = name(append(table, 1, 0), fmt.Sprintf("d%d", i))
		table = wasm.AppendU32(wasm.AppendU32(append(table, byte(s.segment)), s.offset), uint32(4*len(s.words)))
	}
	linking = append(wasm.AppendU32(linking, uint32(len(table))), table...)
	info := name([]byte{2}, ".rodata")
	info = name(append(info, 2, 0), ".data")
	info = append(info, 2, 0)
	linking = append(append(linking, 5, byte(len(info))), info...)

	type reloc struct {
		typ    wasm.RelocType
		part   int
		off    int // in the part
		symbol int
		addend int
	}
	var code, data []reloc
	// Data.
	for seg := range bases {
		d := wasm.Data{At: int64(bases[seg]), Init: make([]byte, sizes[seg])}
		for i := range p.symbols {
			s := &p.symbols[i]
			if s.segment != seg {
				continue
			}
			for k, w := range s.words {
				at, v := s.offset+uint32(4*k), w.number
				switch {
				case w.symbol >= 0:
					to := &p.symbols[w.symbol]
					v = bases[to.segment] + to.offset + uint32(4*w.word)
					data = append(data, reloc{wasm.RelocMemoryAddrI32, seg, int(at), len(p.funcs) + w.symbol, 4 * w.word})
				case w.slot >= 0:
					v = uint32(w.slot + 1)
					data = append(data, reloc{wasm.RelocTableIndexI32, seg, int(at), p.slots[w.slot], 0})
				}
				binary.LittleEndian.PutUint32(d.Init[at:], v)
			}
		}
		m.Datas = append(m.Datas, d)
	}
	// Code.
	for i := range p.funcs {
		b := []byte{0, byte(wasm.OpLocalGet), 0}
		note := func(t wasm.RelocType, symbol, addend int, v uint32) {
			code = append(code, reloc{t, i, len(b), symbol, addend})
			b = padded5(b, v)
		}
		for n, s := range p.funcs[i].steps {
			if s.symbol >= 0 {
				sym := &p.symbols[s.symbol]
				w := sym.words[s.word]
				at := bases[sym.segment] + sym.offset + uint32(4*s.word)
				if w.slot >= 0 {
					b = append(b, byte(wasm.OpI32Const), 2) // the argument of the call
				}
				if n%2 == 0 { // the address in the offset, or as a constant
					b = append(b, byte(wasm.OpI32Const), 0, byte(wasm.OpI32Load), 2)
					note(wasm.RelocMemoryAddrLEB, len(p.funcs)+s.symbol, 4*s.word, at)
				} else {
					b = append(b, byte(wasm.OpI32Const))
					note(wasm.RelocMemoryAddrSLEB, len(p.funcs)+s.symbol, 4*s.word, at)
					b = append(b, byte(wasm.OpI32Load), 2, 0)
				}
				switch {
				case w.symbol >= 0:
					b = append(b, byte(wasm.OpI32Load), 2, 0)
				case w.slot >= 0:
					b = append(b, byte(wasm.OpCallIndirect), 0, 0)
				}
			} else {
				b = append(b, byte(wasm.OpI32Const), 1)
				if s.byAddress {
					b = append(b, byte(wasm.OpI32Const))
					note(wasm.RelocTableIndexSLEB, s.call, 0, slotOf[s.call])
					b = append(b, byte(wasm.OpCallIndirect), 0, 0)
				} else {
					b = append(b, byte(wasm.OpCall))
					note(wasm.RelocFunctionIndexLEB, s.call, 0, uint32(s.call))
				}
			}
			b = append(b, byte(wasm.OpI32Add))
		}
		m.Code = append(m.Code, wasm.Body{Bytes: append(b, byte(wasm.OpEnd)), Code: 1})
		m.Funcs = append(m.Funcs, 0)
		m.Exports = append(m.Exports, wasm.Export{Name: fmt.Sprintf("f%d", i), Index: uint32(i)})
	}
	// The relocations have offsets in their sections: where the parts lie there
	// is known once the module has been written.
	plain := wasm.NewEncoder(m).Append(nil)
	read, err := wasm.Decode("plain", plain)
	if err != nil {
		panic(err)
	}
	section := func(id wasm.SectionID) int {
		for at := 8; ; {
			size, n := wasm.ReadU32(plain[at+1:])
			if wasm.SectionID(plain[at]) == id {
				return at + 1 + n
			}
			at += 1 + n + int(size)
		}
	}
	relocs := func(all []reloc, id wasm.SectionID, part func(i int) int) []byte {
		out := wasm.AppendU32([]byte{0}, uint32(len(all)))
		for part0, last := 0, 0; part0 < max(len(p.funcs), 2); part0++ {
			last = -1
			for {
				best := -1
				for k, x := range all {
					if x.part == part0 && x.off > last && (best < 0 || x.off < all[best].off) {
						best = k
					}
				}
				if best < 0 {
					break
				}
				x := all[best]
				last = x.off
				out = append(out, byte(x.typ))
				out = wasm.AppendU32(out, uint32(part(x.part)+x.off-section(id)))
				out = wasm.AppendU32(out, uint32(x.symbol))
				if x.typ == wasm.RelocMemoryAddrLEB || x.typ == wasm.RelocMemoryAddrSLEB || x.typ == wasm.RelocMemoryAddrI32 {
					out = wasm.AppendS32(out, int32(x.addend))
				}
			}
		}
		return out
	}
	m.Customs = []wasm.Custom{
		{Name: wasm.LinkingSection, Data: linking},
		{Name: wasm.RelocCodeSection, Data: relocs(code, wasm.SectionCode, func(i int) int { return read.Code[i].Off })},
		{Name: wasm.RelocDataSection, Data: relocs(data, wasm.SectionData, func(i int) int {
			// A segment's bytes end where the next one begins, or the module.
			end := len(plain)
			if i+1 < len(read.Datas) {
				end = read.Datas[i+1].Off
			}
			return end - len(read.Datas[i].Init)
		})},
	}
	return wasm.NewEncoder(m).Append(nil)
}

// TestRandomRelocations bundles each function of random programs alone. It gives
// what the program gives, and of the data there are exactly the symbols, and of
// the functions those, that it needs.
func TestRandomRelocations(t *testing.T) {
	t.Parallel()
	dropped := 0
	for seed := range uint64(number(t, randomModules, 40)) {
		r := rand.New(rand.NewPCG(seed, 7))
		p := randomRelocProgram(r)
		b := p.module()
		m := decodeModule(t, b)
		for i := range p.funcs {
			name := fmt.Sprintf("f%d", i)
			answers := []answer{{name + "(7)", fmt.Sprint(int32(p.value(i, 7)))}}
			what := fmt.Sprintf("seed %d, %s", seed, name)
			inputs := []linker.Input{{ID: "main", Bytes: forward(t, m, "lib", name)}, {ID: "lib", Bytes: b}}
			o := linker.Options{Root: "main", Check: true, Memory: linker.MemoryMulti}
			res := link(t, inputs, o)
			if len(res.Summary.Warnings) > 0 {
				t.Fatalf("%s: warnings %q", what, res.Summary.Warnings)
			}
			if i == 0 {
				runWazero(t, what+", the module", b, answers)
			}
			runWazero(t, what, res.Output, answers)
			symbols, funcs := p.live(i)
			out := decodeModule(t, res.Output)
			var memory [1 << 16]byte
			for _, d := range out.Datas {
				at, _ := d.OffsetI32()
				copy(memory[at:], d.Init)
			}
			bases, _ := p.segments()
			for k := range p.symbols {
				s := &p.symbols[k]
				there := binary.LittleEndian.Uint32(memory[bases[s.segment]+s.offset:]) != 0
				// Without a memory there is no data: nothing is read.
				if there != symbols[k] && !(len(out.Memories) == 0 && !there) {
					t.Errorf("%s: symbol d%d is there: %v, needed: %v", what, k, there, symbols[k])
				}
				if !there {
					dropped++
				}
			}
			got := 0
			for k := range out.Code {
				if string(out.Code[k].Bytes) != "\x00\x00\x0b" { // not what stands in empty slots, and traps
					got++
				}
			}
			if got != len(funcs) {
				t.Errorf("%s: %d functions, %d needed", what, got, len(funcs))
			}
			o.Optimize, o.Memory = linker.OptimizeSize, linker.MemorySingle
			runWazero(t, what+", optimised", link(t, inputs, o).Output, answers)
			if t.Failed() {
				return
			}
		}
	}
	if dropped < 500 {
		t.Errorf("only %d symbols were not needed", dropped)
	}
}
