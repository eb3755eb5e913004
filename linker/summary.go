package linker

import (
	"maps"
	"slices"
	"sort"

	"github.com/wbundle/wbundle/graph"
	"github.com/wbundle/wbundle/internal/wasm"
)

// countInputs begins the summary with what went in.
func (f *flattener) countInputs() Summary {
	p := f.p
	s := Summary{Memory: f.opts.memory()}
	instances := make([]int, len(f.inputs))
	for _, inst := range p.Instances[1:] {
		instances[inst.Input]++
		m := p.ModuleOf(inst).Code
		s.Functions.In += len(m.Funcs)
		s.Globals.In += len(m.Globals)
		s.Tables.In += len(m.Tables)
		s.Memories.In += len(m.Memories)
		s.Data.In += len(m.Datas)
		s.Elements.In += len(m.Elems)
	}
	for _, m := range p.Modules[1:] {
		s.Types.In += len(m.Code.Types)
	}
	for i := range f.inputs {
		in := &f.inputs[i]
		kind := "core module"
		if f.dec.units[i].component != nil {
			kind = "component"
		}
		s.Inputs = append(s.Inputs, InputSummary{
			ID: in.ID, Path: in.name(), Kind: kind, Bytes: len(in.Bytes),
			Languages: languages(&f.dec.units[i], f.dec), Instances: instances[i], Root: p.Inputs[i].Root,
		})
	}
	return s
}

// summarize adds to the summary what came out.
func (f *flattener) summarize(s *Summary, l *layout, adapters int) {
	p := f.p
	s.Adapters, s.Warnings = adapters, f.warn
	s.Functions.Out = len(l.funcs) - l.imported[wasm.SpaceFunc]
	kinds := generatedKinds(p)
	for _, id := range l.funcs[l.imported[wasm.SpaceFunc]:] {
		if p.Funcs[id].Kind == graph.FuncGenerated && kinds[id] == OriginAdapter {
			s.AdaptersLeft++
		}
	}
	s.Globals.Out = len(l.globals) - l.imported[wasm.SpaceGlobal]
	s.Tables.Out = len(l.tables) - l.imported[wasm.SpaceTable]
	s.Memories.Out = len(l.memories) - l.imported[wasm.SpaceMemory]
	s.Data.Out, s.Elements.Out, s.Types.Out = len(l.datas), len(l.elems), len(l.types)
	seen := map[LinkSummary]bool{}
	for _, e := range p.Edges {
		ls := LinkSummary{Importer: p.Inputs[e.From].ID, Import: e.Import, Export: e.Export}
		if e.To >= 0 {
			ls.Provider = p.Inputs[e.To].ID
		}
		if !seen[ls] {
			seen[ls] = true
			s.Links = append(s.Links, ls)
		}
	}
	for _, id := range l.funcs[:l.imported[wasm.SpaceFunc]] {
		s.Imports = append(s.Imports, p.Funcs[id].Import.Module+"#"+p.Funcs[id].Import.Name)
	}
	for _, ids := range [][]*graph.Import{
		importsOf(l.tables[:l.imported[wasm.SpaceTable]], func(id graph.TableID) *graph.Import { return p.Tables[id].Import }),
		importsOf(l.memories[:l.imported[wasm.SpaceMemory]], func(id graph.MemoryID) *graph.Import { return p.Memories[id].Import }),
		importsOf(l.globals[:l.imported[wasm.SpaceGlobal]], func(id graph.GlobalID) *graph.Import { return p.Globals[id].Import }),
		importsOf(l.tags[:l.imported[wasm.SpaceTag]], func(id graph.TagID) *graph.Import { return p.Tags[id].Import }),
	} {
		for _, imp := range ids {
			s.Imports = append(s.Imports, imp.Module+"#"+imp.Name)
		}
	}
	sort.Strings(s.Imports)
	for _, e := range p.Exports {
		s.Exports = append(s.Exports, e.Name)
	}
	if l.windowed() {
		s.Memories.Out = 1
		s.Windows, s.Isolation = windows(p, l.memories), l.isolation
		s.Unprotected = unprotected(p, l.memories)
	}
}

func importsOf[ID any](ids []ID, of func(ID) *graph.Import) []*graph.Import {
	var out []*graph.Import
	for _, id := range ids {
		out = append(out, of(id))
	}
	return out
}

// unprotected names those who share a memory with nothing between them:
// inputs, or the components of the one input.
func unprotected(p *graph.Program, mems []graph.MemoryID) []string {
	inputs, components := map[string]bool{}, map[string]bool{}
	for _, id := range mems {
		m := &p.Memories[id]
		if m.Inst == 0 || m.Window == nil || m.Window.Guarded {
			continue
		}
		inst := p.Instances[m.Inst]
		inputs[p.Inputs[inst.Input].ID] = true
		if inst.Component != 0 {
			components[p.Components[inst.Component].Name] = true
		}
	}
	names := slices.Sorted(maps.Keys(inputs))
	if len(names) < 2 {
		names = slices.Sorted(maps.Keys(components))
	}
	if len(names) < 2 {
		return nil
	}
	return names
}
