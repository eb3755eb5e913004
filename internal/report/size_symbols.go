package report

import (
	"cmp"
	"slices"
	"strings"

	"github.com/wbundle/wbundle/internal/wasm"
	"github.com/wbundle/wbundle/linker"
)

// Data by symbols: where the module of an input has relocations, its symbols say
// what the bytes of its data are.

// symbolSpan is a run of bytes of a memory that belongs to a symbol.
type symbolSpan struct {
	from, to uint32
	name     string // as the compiler wrote it
}

// unnamed is what the constants are called that compilers number.
const unnamed = "constants without a name"

// symbolName is what a data symbol is called in reports: without the prefix of
// local symbols. Those that only have a number are one.
func symbolName(name string) string {
	local, ok := strings.CutPrefix(name, ".L")
	if !ok {
		return name
	}
	for _, numbered := range []string{".str", "anon.", "__unnamed_"} {
		if strings.HasPrefix(local, numbered) {
			return unnamed
		}
	}
	return strings.TrimPrefix(local, "__const.")
}

// symbolSpans lists the symbols of a module's data by address, in order and
// apart: bytes that several symbols cover belong to the first and longest.
func symbolSpans(r *wasm.Relocations) []symbolSpan {
	var all, out []symbolSpan
	for i := range r.Symbols {
		s := &r.Symbols[i]
		if s.Kind == wasm.SymbolData && s.Flags&(wasm.SymbolUndefined|wasm.SymbolAbsolute) == 0 && s.Segment < uint32(len(r.Bases)) && s.Size > 0 {
			at := r.Bases[s.Segment] + s.Offset
			all = append(all, symbolSpan{at, at + s.Size, s.Name})
		}
	}
	slices.SortStableFunc(all, func(a, b symbolSpan) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(b.to, a.to)) })
	end := uint32(0)
	for _, s := range all {
		if s.from = max(s.from, end); s.from < s.to {
			out = append(out, s)
			end = s.to
		}
	}
	return out
}

// dataSymbols calls f with the symbols whose bytes are in a data segment of the
// output, and how many of each.
func (acc *accountant) dataSymbols(p piece, f func(symbol string, size int)) {
	names := &acc.modules[p.module]
	if acc.a.origins == nil || names.helper || names.foreign {
		return
	}
	or := acc.a.origins.At(wasm.SpaceData, p.index)
	program := acc.a.origins.Program()
	if or.Kind != linker.OriginInput || program.Modules[or.Module].Relocs == nil {
		return
	}
	d := &acc.s.modules[p.module].Datas[p.index]
	at, ok := d.OffsetI32()
	if !ok {
		return
	}
	if w := program.Memories[program.Datas[or.ID].Memory].Window; w != nil {
		at -= uint32(w.Base)
	}
	spans, ok := acc.spans[or.Module]
	if !ok {
		spans = symbolSpans(program.Modules[or.Module].Relocs)
		acc.spans[or.Module] = spans
	}
	i, _ := slices.BinarySearchFunc(spans, at, func(s symbolSpan, at uint32) int { return cmp.Compare(s.to, at+1) })
	for end := at + uint32(len(d.Init)); i < len(spans) && spans[i].from < end; i++ {
		f(spans[i].name, int(min(end, spans[i].to)-max(at, spans[i].from)))
	}
}

// addData counts the bytes of a data segment that belong to symbols, each to an
// item of its own, and returns what is left for the segment: it has been counted
// as item.
func (acc *accountant) addData(p piece, segment Item) (left int) {
	left = p.size
	acc.dataSymbols(p, func(symbol string, size int) {
		sym := acc.parse(symbolName(symbol), acc.modules[p.module].lang)
		it := Item{Kind: KindData, Name: sym.Name, Package: sym.Package, Input: segment.Input, Component: segment.Component, Instance: segment.Instance, Module: p.module}
		if sym.Name != symbol && sym.Name != unnamed {
			it.Symbol = symbol
		}
		if sym.Key != sym.Name {
			it.Key = sym.Key
		}
		key := itemKey{module: p.module, kind: KindData, space: wasm.SpaceData, index: -1, input: it.Input, text: "symbol\x00" + it.Instance + "\x00" + sym.Key}
		i, ok := acc.items[key]
		if !ok {
			i = len(acc.a.Items)
			acc.items[key] = i
			acc.a.Items = append(acc.a.Items, it)
			acc.symbols = append(acc.symbols, symbolItem{i, reachItem{p.module, p.space, p.index}})
		}
		acc.a.Items[i].Bytes += size
		left -= size
	})
	return left
}

// symbolItem is an item that is a part of a data segment.
type symbolItem struct {
	item    int
	segment reachItem
}

// keepSymbols says of the symbols in data that their segments keep them.
func (acc *accountant) keepSymbols() {
	for _, s := range acc.symbols {
		if i, ok := acc.byNode[s.segment]; ok {
			it := &acc.a.Items[s.item]
			it.Keeper, it.Dominator, it.Via, it.Retained = i+1, i+1, "holds", it.Bytes
		}
	}
}
