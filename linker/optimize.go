package linker

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/wbundle/wbundle/graph"
	"github.com/wbundle/wbundle/internal/opt"
	"github.com/wbundle/wbundle/internal/wasm"
	"github.com/wbundle/wbundle/shake"
)

const (
	// optimizeRounds bounds how often a module is optimised and linked again. A
	// round that gains less than one byte in 256 is the last.
	optimizeRounds = 3
	// optimizeAgain is how large a module may be to be optimised once more, in
	// bytes. A second round gains 0.03% of calc, 0.07% of chain, 0.05% of two
	// QuickJS components, and takes as long as the first. Where little is left of
	// much, it finds more.
	optimizeAgain = 256 << 10
)

// optimizePass optimises the emitted module.
//
// In: the layout of the module. Out: a module that does the same, and the layout
// of that: the same program, with the lists of ids in the order of the new
// indices.
//
// The optimiser works on one flat module, not on the program: windows, adapters
// and imports are plain code by then, and an instruction names what it means
// without an instance between. What the optimiser leaves unused is found by
// linking the flat module again, alone, with the passes that link anything:
// mark, layout, emit.
func (f *flattener) optimizePass(ctx context.Context, l *layout) (*wasm.Module, *layout, error) {
	m, err := emit(ctx, l, f.opts.Names == NamesKeep, true, nil, func(int, int) {})
	if err != nil {
		return nil, nil, err
	}
	if f.opts.OutputOnly {
		f.forget(l)
		if f.opts.Consume {
			f.consume(m)
		}
	}
	size := wasm.NewEncoder(m).Size()
	level := opt.Size
	if f.opts.Optimize == OptimizeSpeed {
		level = opt.Speed
	}
	for range optimizeRounds {
		// The optimiser changes the module itself. Of a small one there is a copy,
		// in case that what comes of it is larger: no function gets larger, but
		// indices may.
		var before []byte
		if size <= optimizeAgain {
			before = wasm.Encode(m)
		}
		if err := m.ScanExprs(); err != nil {
			return nil, nil, fmt.Errorf("pass emit made a module that cannot be read: %w", err)
		}
		changes, err := opt.Run(ctx, m, opt.Options{Level: level, Check: f.opts.Check})
		if err != nil {
			return nil, nil, err
		}
		again, next, err := relink(ctx, f.opts, m, changes, l)
		if err != nil {
			return nil, nil, err
		}
		sizeAgain := wasm.NewEncoder(again).Size()
		if sizeAgain > size && before != nil {
			m, err = wasm.DecodeNoScan("output", before)
			return m, l, err
		}
		gain := size - sizeAgain
		m, l, size = again, next, sizeAgain
		if gain < size>>8 || size > optimizeAgain {
			break
		}
	}
	return m, l, nil
}

// forgetDatas drops the data segments once they are laid out.
func (f *flattener) forgetDatas() {
	for _, m := range f.p.Modules[1:] {
		m.Code.Datas = nil
	}
	f.p.Datas = nil
}

// forget drops what of the program is in the emitted module now, and what only
// emission looks at: it is several times as large as the module.
func (f *flattener) forget(l *layout) {
	for _, m := range f.p.Modules[1:] {
		m.Code.Code, m.Code.Elems, m.Code.Globals = nil, nil, nil
	}
	f.p.Elems = nil
	l.dataSegments, l.elemPieces, l.index = nil, nil, [wasm.SpaceElem + 1][]uint32{}
}

// consume drops the inputs once m has been emitted.
func (f *flattener) consume(m *wasm.Module) {
	f.producers()
	exported := map[*wasm.Module]bool{}
	for i := range f.p.WorldExports {
		exported[f.p.WorldExports[i].Module] = true
	}
	for _, gm := range f.p.Modules[1:] {
		if exported[gm.Code] {
			continue // it goes out as it is
		}
		gm.Code.Bytes = nil
		var names []wasm.Custom // for errors
		if c := gm.Code.Custom(wasm.NamesSection); c != nil {
			names = append(names, wasm.Custom{Name: c.Name, Data: bytes.Clone(c.Data), Off: c.Off})
		}
		gm.Code.Customs, gm.Relocs = names, nil
	}
	f.dec, f.done, f.modules = nil, nil, nil
	for i := range f.inputs {
		f.inputs[i].Bytes = nil
	}
	size := 0
	for i := range m.Datas {
		size += len(m.Datas[i].Init)
	}
	content := make([]byte, 0, size)
	for i := range m.Datas {
		start := len(content)
		content = append(content, m.Datas[i].Init...)
		m.Datas[i].Init = content[start:len(content):len(content)]
	}
}

// relink links an optimised module alone. The layout that it returns is of the
// program that was linked first.
func relink(ctx context.Context, opts *Options, m *wasm.Module, changes *opt.Changes, from *layout) (*wasm.Module, *layout, error) {
	m.Frugal = true
	if err := scanAll(ctx, []scan{{m, 0}}, func(int, int) {}); err != nil {
		return nil, nil, fmt.Errorf("the optimiser made a module that cannot be read: %w", err)
	}
	p := graph.NewProgram()
	p.Inputs = []graph.Input{{ID: "output"}}
	alone := &Options{Memory: MemoryMulti, Names: opts.Names}
	f := &flattener{p: p, opts: alone, inputs: []Input{{ID: "output"}}, modules: map[*wasm.Module]graph.ModuleID{}}
	ci, err := f.instantiateModule(m, 0, 0, "", func(imp *wasm.Import) (coreExtern, error) { return f.coreHostImport(0, m, imp) })
	if err != nil {
		return nil, nil, fmt.Errorf("the optimiser made a module that cannot be linked: %w", err)
	}
	inst := p.Instances[1]
	for from, to := range changes.Alias {
		fn := &p.Funcs[inst.Funcs[from]]
		fn.Kind, fn.Alias = graph.FuncAlias, inst.Funcs[to]
	}
	for _, e := range m.Exports {
		x := ci.items[e.Name]
		p.Exports = append(p.Exports, graph.Export{Name: e.Name, Kind: x.kind, ID: x.id})
	}
	if m.HasStart {
		p.Start = inst.Funcs[m.Start]
	}
	p.Seal()
	live := shake.Mark(p)
	var host graph.MemoryID
	if len(inst.Memories) > 0 {
		host = inst.Memories[0]
	}
	l := layoutPass(p, live, alone, host)
	m.Datas, p.Datas = nil, nil // those that are left are in the layout
	out, err := emit(ctx, l, opts.Names == NamesKeep, true, keptCustoms(m, len(l.memories) > 0), func(int, int) {})
	if err != nil {
		return nil, nil, err
	}
	return out, l.inTermsOf(from, inst, changes), nil
}

// keptCustoms are the custom sections of an emitted module that are not made
// anew. Without a memory there is no map of its windows.
func keptCustoms(m *wasm.Module, memory bool) []wasm.Custom {
	return slices.DeleteFunc(m.Customs, func(c wasm.Custom) bool {
		return c.Name == wasm.NamesSection || c.Name == WindowsSection && !memory
	})
}

// inTermsOf turns the layout of a module that was linked alone into one of the
// program that the module came from, whose layout was from: the lists hold the
// ids of that program, in the order of the new module. What the optimiser
// added, and types, have the id 0.
func (l *layout) inTermsOf(from *layout, inst *graph.Instance, changes *opt.Changes) *layout {
	out := *from
	out.folded = maps.Clone(from.folded)
	if out.folded == nil {
		out.folded = map[graph.FuncID][]graph.FuncID{}
	}
	for _, gone := range slices.Sorted(maps.Keys(changes.Alias)) {
		stays := changes.Alias[gone]
		if int(gone) >= len(from.funcs) || int(stays) >= len(from.funcs) {
			continue // one that the optimiser made
		}
		a, b := from.funcs[gone], from.funcs[stays]
		out.folded[b] = append(append(out.folded[b], a), out.folded[a]...)
		delete(out.folded, a)
	}
	out.imported, out.index = l.imported, [wasm.SpaceElem + 1][]uint32{}
	// What several functions share counts as the first one's.
	funcs := from.funcs
	for i := range changes.Shared {
		if n := int(i) + 1; n > len(funcs) {
			funcs = append(funcs[:len(funcs):len(funcs)], make([]graph.FuncID, n-len(funcs))...)
		}
	}
	for i, first := range changes.Shared {
		funcs[i] = from.funcs[first]
	}
	out.funcs = translate(l.funcs, inst.Funcs, funcs)
	out.tables = translate(l.tables, inst.Tables, from.tables)
	if !from.windowed() || len(l.memories) == 0 {
		out.memories = translate(l.memories, inst.Memories, from.memories)
	}
	out.globals = translate(l.globals, inst.Globals, from.globals)
	out.tags = translate(l.tags, inst.Tags, from.tags)
	out.datas = translate(l.datas, inst.Datas, from.datas)
	out.elems = translate(l.elems, inst.Elems, from.elems)
	out.types = make([]graph.TypeID, len(l.types))
	return &out
}

// translate maps the ids that now are in a module to those of the program that
// the module came from: instance lists them by the index they had.
func translate[ID ~uint32](now, instance, from []ID) []ID {
	if len(now) == 0 {
		return nil
	}
	index := make([]uint32, slices.Max(now)+1) // plus one
	for i, id := range instance {
		if int(id) < len(index) {
			index[id] = uint32(i) + 1
		}
	}
	out := make([]ID, len(now))
	for i, id := range now {
		if k := int(index[id]); k > 0 && k <= len(from) {
			out[i] = from[k-1]
		}
	}
	return out
}

// asks reports whether the module imports a function of the program.
func (l *layout) asks(id graph.FuncID) bool {
	return slices.Contains(l.funcs[:l.imported[wasm.SpaceFunc]], id)
}

// optimize is the level, with the default in place.
func (o *Options) optimize() Optimize {
	if o.Optimize == "" {
		return OptimizeNone
	}
	return o.Optimize
}
