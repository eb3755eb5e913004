package linker

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/wbundle/wbundle/graph"
	"github.com/wbundle/wbundle/internal/wasm"
)

// moduleID registers the code of a core module, once per distinct module.
func (f *flattener) moduleID(m *wasm.Module) (graph.ModuleID, error) {
	if id, ok := f.modules[m]; ok {
		return id, nil
	}
	types, err := f.p.Types.AddModule(m)
	if err != nil {
		return 0, err
	}
	id := graph.ModuleID(len(f.p.Modules))
	gm := &graph.Module{ID: id, Code: m, Types: types}
	if f.opts.Names == NamesKeep {
		gm.FuncNames = m.FuncNames()
	}
	if gm.Relocs, err = m.Relocations(); err != nil {
		f.warn = append(f.warn, fmt.Sprintf("relocations are not used: %v", err))
	}
	f.p.Modules = append(f.p.Modules, gm)
	f.modules[m] = id
	return id, nil
}

// instantiateModule adds a core instance whose imports resolve answers.
func (f *flattener) instantiateModule(m *wasm.Module, comp graph.ComponentID, input int, label string, resolve func(*wasm.Import) (coreExtern, error)) (*coreInstance, error) {
	mid, err := f.moduleID(m)
	if err != nil {
		return nil, err
	}
	p, types := f.p, f.p.Modules[mid].Types
	inst := &graph.Instance{
		ID: graph.InstanceID(len(p.Instances)), Module: mid, Component: comp, Input: input, Name: label,
		Funcs:  make([]graph.FuncID, 0, int(m.NumImported[wasm.SpaceFunc])+len(m.Funcs)),
		Datas:  make([]graph.DataID, 0, len(m.Datas)),
		Elems:  make([]graph.ElemID, 0, len(m.Elems)),
		Tables: make([]graph.TableID, 0, int(m.NumImported[wasm.SpaceTable])+len(m.Tables)),
	}
	for i := range m.Imports {
		imp := &m.Imports[i]
		e, err := resolve(imp)
		if err != nil {
			return nil, err
		}
		if e.kind != imp.Kind {
			return nil, fmt.Errorf("import %q %q is a %s, what it is wired to is a %s", imp.Module, imp.Name, imp.Kind, e.kind)
		}
		if err := f.bind(inst, imp, e, types); err != nil {
			return nil, fmt.Errorf("import %q %q: %w", imp.Module, imp.Name, err)
		}
	}
	p.Instances = append(p.Instances, inst)

	// A large module grows these once, not step by step.
	p.Funcs = slices.Grow(p.Funcs, len(m.Funcs))
	p.Datas = slices.Grow(p.Datas, len(m.Datas))
	p.Elems = slices.Grow(p.Elems, len(m.Elems))
	p.Globals = slices.Grow(p.Globals, len(m.Globals))
	for i, t := range m.Funcs {
		inst.Funcs = append(inst.Funcs, p.AddFunc(graph.Func{Kind: graph.FuncDefined, Type: types[t], Inst: inst.ID, Index: uint32(i)}))
	}
	for i := range m.Tables {
		p.Tables = append(p.Tables, graph.Table{Type: m.Tables[i].TableType, Inst: inst.ID, Index: uint32(i)})
		inst.Tables = append(inst.Tables, graph.TableID(len(p.Tables)-1))
	}
	for i := range m.Memories {
		inst.Memories = append(inst.Memories, p.AddMemory(graph.Memory{Type: m.Memories[i], Inst: inst.ID, Name: label}))
	}
	for _, t := range m.Tags {
		p.Tags = append(p.Tags, graph.Tag{Type: types[t], Inst: inst.ID})
		inst.Tags = append(inst.Tags, graph.TagID(len(p.Tags)-1))
	}
	for i := range m.Globals {
		g := &m.Globals[i]
		inst.Globals = append(inst.Globals, p.AddGlobal(graph.Global{
			Type: g.GlobalType, Inst: inst.ID, Index: uint32(i), Init: f.constant(inst, &g.Init),
		}))
	}
	for i := range m.Datas {
		d := &m.Datas[i]
		gd := graph.Data{Inst: inst.ID, Index: uint32(i)}
		if d.Mode == wasm.SegmentActive {
			gd.Active = true
			gd.Memory = inst.Memories[d.Memory]
			switch {
			case d.Offset != nil:
				gd.Offset = f.constant(inst, d.Offset)
			case d.Wide:
				gd.Offset = graph.Const{Known: true, Type: wasm.I64, Bits: uint64(d.At)}
			default:
				gd.Offset = graph.Const{Known: true, Type: wasm.I32, Bits: uint64(uint32(d.At))}
			}
		}
		p.Datas = append(p.Datas, gd)
		inst.Datas = append(inst.Datas, graph.DataID(len(p.Datas)-1))
	}
	for i := range m.Elems {
		e := &m.Elems[i]
		ge := graph.Elem{Inst: inst.ID, Index: uint32(i)}
		if e.Mode == wasm.SegmentActive {
			ge.Active = true
			ge.Table = inst.Tables[e.Table]
			ge.Offset = f.constant(inst, &e.Offset)
		}
		p.Elems = append(p.Elems, ge)
		inst.Elems = append(inst.Elems, graph.ElemID(len(p.Elems)-1))
	}

	ci := &coreInstance{items: make(map[string]coreExtern, len(m.Exports)), label: label}
	for _, e := range m.Exports {
		x := coreExtern{kind: e.Kind}
		switch e.Kind {
		case wasm.ExternFunc:
			x.id = uint32(inst.Funcs[e.Index])
		case wasm.ExternTable:
			x.id = uint32(inst.Tables[e.Index])
		case wasm.ExternMemory:
			x.id = uint32(inst.Memories[e.Index])
		case wasm.ExternGlobal:
			x.id = uint32(inst.Globals[e.Index])
		case wasm.ExternTag:
			x.id = uint32(inst.Tags[e.Index])
		}
		ci.add(e.Name, x)
	}
	return ci, nil
}

// bind wires one import to what it resolved to, checking that it matches
// (WebAssembly 3.0, "Matching").
func (f *flattener) bind(inst *graph.Instance, imp *wasm.Import, e coreExtern, types []graph.TypeID) error {
	p := f.p
	switch imp.Kind {
	case wasm.ExternFunc:
		id := graph.FuncID(e.id)
		if want, got := types[imp.TypeIndex], p.Funcs[id].Type; !p.Types.Subtype(got, want) {
			return fmt.Errorf("the function has type %s, the import needs %s", f.funcString(got), f.funcString(want))
		}
		inst.Funcs = append(inst.Funcs, id)
	case wasm.ExternTable:
		t := p.Tables[e.id]
		// A table is read and written, so the types must be the same.
		if got, want := f.valType(t.Type.Elem, t.Inst), p.MapVal(types, imp.Table.Elem); got != want {
			return fmt.Errorf("the table holds %s, the import needs %s", t.Type.Elem, imp.Table.Elem)
		}
		if err := limitsMatch(t.Type.Limits, imp.Table.Limits, "table"); err != nil {
			return err
		}
		inst.Tables = append(inst.Tables, graph.TableID(e.id))
	case wasm.ExternMemory:
		if err := limitsMatch(p.Memories[e.id].Type.Limits, imp.Memory.Limits, "memory"); err != nil {
			return err
		}
		inst.Memories = append(inst.Memories, graph.MemoryID(e.id))
	case wasm.ExternGlobal:
		g := p.Globals[e.id].Type
		got, want := f.valType(g.Type, p.Globals[e.id].Inst), p.MapVal(types, imp.Global.Type)
		if g.Mutable != imp.Global.Mutable || !p.Types.Matches(got, want) || g.Mutable && got != want {
			return fmt.Errorf("the global is %s, the import needs %s", globalString(g), globalString(imp.Global))
		}
		inst.Globals = append(inst.Globals, graph.GlobalID(e.id))
	case wasm.ExternTag:
		if want, got := types[imp.TypeIndex], p.Tags[e.id].Type; want != got {
			return fmt.Errorf("the tag has type %s, the import needs %s", f.funcString(got), f.funcString(want))
		}
		inst.Tags = append(inst.Tags, graph.TagID(e.id))
	}
	return nil
}

// valType maps a value type of an instance's module to interned ids; those of
// the host have them already.
func (f *flattener) valType(v wasm.ValType, inst graph.InstanceID) wasm.ValType {
	if inst == 0 {
		return v
	}
	return f.p.MapVal(f.p.ModuleOf(f.p.Instances[inst]).Types, v)
}

func globalString(g wasm.GlobalType) string {
	if g.Mutable {
		return "(mut " + g.Type.String() + ")"
	}
	return g.Type.String()
}

// limitsMatch implements import matching of limits.
func limitsMatch(got, want wasm.Limits, what string) error {
	switch {
	case got.Is64 != want.Is64:
		return fmt.Errorf("the %s's index type differs", what)
	case got.Shared != want.Shared:
		return fmt.Errorf("one %s is shared, the other is not", what)
	case got.Min < want.Min:
		return fmt.Errorf("the %s has a minimum of %d, the import needs %d", what, got.Min, want.Min)
	case want.HasMax && (!got.HasMax || got.Max > want.Max):
		return fmt.Errorf("the %s may grow past %d, which the import does not allow", what, want.Max)
	}
	return nil
}

// constant evaluates a constant expression as far as link time knows it.
// Immutable globals of other instances are known by then, as instantiation
// order guarantees; only imports from the host are not.
func (f *flattener) constant(inst *graph.Instance, e *wasm.Expr) graph.Const {
	stack := make([]graph.Const, 0, 4) // on the stack, too: nearly all expressions are one constant
	unknown := graph.Const{}
	site := 0
	for off := 0; off < len(e.Bytes); {
		op := e.Bytes[off]
		off++
		switch wasm.Opcode(op) {
		case wasm.OpEnd:
			if len(stack) == 1 && off == len(e.Bytes) {
				return stack[0]
			}
			return unknown
		case wasm.OpI32Const:
			v, n := wasm.ReadS32(e.Bytes[off:])
			off += n
			stack = append(stack, graph.Const{Known: true, Type: wasm.I32, Bits: uint64(uint32(v))})
		case wasm.OpI64Const:
			v, n := wasm.ReadS64(e.Bytes[off:])
			off += n
			stack = append(stack, graph.Const{Known: true, Type: wasm.I64, Bits: uint64(v)})
		case wasm.OpF32Const:
			stack = append(stack, graph.Const{Known: true, Type: wasm.F32, Bits: uint64(binary.LittleEndian.Uint32(e.Bytes[off:]))})
			off += 4
		case wasm.OpF64Const:
			stack = append(stack, graph.Const{Known: true, Type: wasm.F64, Bits: binary.LittleEndian.Uint64(e.Bytes[off:])})
			off += 8
		case 0xfd: // the vector prefix
			n, k := wasm.ReadU32(e.Bytes[off:])
			off += k
			if wasm.PrefixSIMD+wasm.Opcode(n) != wasm.OpV128Const {
				return unknown
			}
			stack = append(stack, graph.Const{Known: true, Type: wasm.V128,
				Bits: binary.LittleEndian.Uint64(e.Bytes[off:]), Hi: binary.LittleEndian.Uint64(e.Bytes[off+8:])})
			off += 16
		case wasm.OpRefFunc:
			s := e.Sites[site]
			site++
			off += int(s.Len)
			stack = append(stack, graph.Const{Known: true, Type: wasm.FuncRef, Func: inst.Funcs[s.Target]})
		case wasm.OpRefNull:
			v, n := wasm.ReadS33(e.Bytes[off:])
			if v >= 0 {
				return unknown
			}
			off += n
			stack = append(stack, graph.Const{Known: true, Type: wasm.ValType{Kind: wasm.KindRef, Nullable: true, Heap: wasm.HeapType(v)}, Null: true})
		case wasm.OpGlobalGet:
			s := e.Sites[site]
			site++
			off += int(s.Len)
			if int(s.Target) >= len(inst.Globals) {
				return unknown
			}
			g := &f.p.Globals[inst.Globals[s.Target]]
			if !g.Init.Known || g.Type.Mutable {
				return unknown
			}
			stack = append(stack, g.Init)
		case wasm.OpI32Add, wasm.OpI32Sub, wasm.OpI32Mul, wasm.OpI64Add, wasm.OpI64Sub, wasm.OpI64Mul:
			if len(stack) < 2 {
				return unknown
			}
			a, b := stack[len(stack)-2], stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			r := &stack[len(stack)-1]
			switch wasm.Opcode(op) {
			case wasm.OpI32Add, wasm.OpI64Add:
				r.Bits = a.Bits + b.Bits
			case wasm.OpI32Sub, wasm.OpI64Sub:
				r.Bits = a.Bits - b.Bits
			default:
				r.Bits = a.Bits * b.Bits
			}
			if r.Type == wasm.I32 {
				r.Bits = uint64(uint32(r.Bits))
			}
		default:
			return unknown
		}
	}
	return unknown
}
