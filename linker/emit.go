package linker

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/wbundle/wbundle/graph"
	"github.com/wbundle/wbundle/internal/wasm"
	"github.com/wbundle/wbundle/shake"
)

// emit makes the output module. Its bodies are its own; apart says that each of
// them is to be on its own, too, so that none keeps others in memory.
func emit(ctx context.Context, l *layout, names, apart bool, customs []wasm.Custom, progress func(done, total int)) (*wasm.Module, error) {
	m := &wasm.Module{}
	l.emitTypes(m)
	l.emitImports(m)
	p := l.p
	for _, id := range l.funcs[l.imported[wasm.SpaceFunc]:] {
		m.Funcs = append(m.Funcs, l.index[wasm.SpaceType][p.Funcs[id].Type])
	}
	for _, id := range l.tables[l.imported[wasm.SpaceTable]:] {
		t := &p.Tables[id]
		inst := p.Instances[t.Inst]
		out := wasm.Table{TableType: t.Type}
		out.Elem = l.valOf(t.Type.Elem, t.Inst)
		if init := p.ModuleOf(inst).Code.Tables[t.Index].Init; init != nil {
			e := l.expr(init, inst)
			out.Init = &e
		}
		m.Tables = append(m.Tables, out)
	}
	if l.windowed() {
		// The windows lie end to end; only the last can grow for real.
		var last *graph.Window
		for _, id := range l.memories {
			w := p.Memories[id].Window
			if last == nil || w.Base >= last.Base {
				last = w
			}
		}
		m.Memories = []wasm.MemType{{Limits: wasm.Limits{
			Min: last.Base/pageSize + last.MinPages, Max: last.Base/pageSize + last.MaxPages, HasMax: true,
		}}}
	} else {
		for _, id := range l.memories[l.imported[wasm.SpaceMemory]:] {
			m.Memories = append(m.Memories, p.Memories[id].Type)
		}
	}
	for _, id := range l.globals[l.imported[wasm.SpaceGlobal]:] {
		g := &p.Globals[id]
		out := wasm.Global{GlobalType: g.Type}
		out.Type = l.valOf(g.Type.Type, g.Inst)
		if g.Init.Known {
			out.Init = wasm.Expr{Bytes: l.constExpr(g.Init, out.Type)}
		} else {
			inst := p.Instances[g.Inst]
			out.Init = l.expr(&p.ModuleOf(inst).Code.Globals[g.Index].Init, inst)
		}
		m.Globals = append(m.Globals, out)
	}
	for _, id := range l.tags[l.imported[wasm.SpaceTag]:] {
		m.Tags = append(m.Tags, l.index[wasm.SpaceType][p.Tags[id].Type])
	}
	l.emitExports(m)
	if p.Start != 0 {
		m.HasStart, m.Start = true, l.funcIndex(p.Start)
	}
	m.Datas = l.dataSegments
	refs, namesData, err := l.emitCode(ctx, m, apart, progress)
	if err != nil {
		return nil, err
	}
	if namesData {
		m.HasDataCount, m.DataCount = true, uint32(len(m.Datas))
	}
	l.emitElems(m, refs)
	// Sites are a good part of the memory of a link, and encoding needs as much
	// again; nothing looks at them from here on.
	for _, mod := range p.Modules[1:] {
		for i := range mod.Code.Code {
			mod.Code.Code[i].Sites = nil
		}
	}
	if names {
		m.Customs = append(m.Customs, l.nameSection())
	}
	if l.windowed() {
		m.Customs = append(m.Customs, l.windowsSection())
	}
	m.Customs = append(m.Customs, customs...)
	return m, nil
}

func (l *layout) emitTypes(m *wasm.Module) {
	for i := 0; i < len(l.types); {
		start, count := l.p.Types.Group(l.types[i])
		if start != l.types[i] {
			panic("linker: a recursion group is only partly live")
		}
		m.RecGroups = append(m.RecGroups, wasm.RecGroup{Start: uint32(i), Count: uint32(count), Explicit: count > 1})
		for k := range int(count) {
			s := *l.p.Types.At(l.types[i+k])
			s.Params, s.Results = l.vals(s.Params), l.vals(s.Results)
			fields := slices.Clone(s.Fields)
			for j := range fields {
				fields[j].Type = l.val(fields[j].Type)
			}
			s.Fields = fields
			supers := slices.Clone(s.Supers)
			for j, u := range supers {
				supers[j] = l.index[wasm.SpaceType][u]
			}
			s.Supers = supers
			m.Types = append(m.Types, s)
		}
		i += int(count)
	}
}

func (l *layout) vals(vs []wasm.ValType) []wasm.ValType {
	out := slices.Clone(vs)
	for i := range out {
		out[i] = l.val(out[i])
	}
	return out
}

func (l *layout) emitImports(m *wasm.Module) {
	p := l.p
	for _, id := range l.funcs[:l.imported[wasm.SpaceFunc]] {
		f := &p.Funcs[id]
		m.Imports = append(m.Imports, wasm.Import{Module: f.Import.Module, Name: f.Import.Name, Kind: wasm.ExternFunc,
			TypeIndex: l.index[wasm.SpaceType][f.Type]})
	}
	for _, id := range l.tables[:l.imported[wasm.SpaceTable]] {
		t := &p.Tables[id]
		imp := wasm.Import{Module: t.Import.Module, Name: t.Import.Name, Kind: wasm.ExternTable, Table: t.Type}
		imp.Table.Elem = l.val(t.Type.Elem)
		m.Imports = append(m.Imports, imp)
	}
	for _, id := range l.memories[:l.imported[wasm.SpaceMemory]] {
		mem := &p.Memories[id]
		m.Imports = append(m.Imports, wasm.Import{Module: mem.Import.Module, Name: mem.Import.Name, Kind: wasm.ExternMemory, Memory: mem.Type})
	}
	for _, id := range l.globals[:l.imported[wasm.SpaceGlobal]] {
		g := &p.Globals[id]
		imp := wasm.Import{Module: g.Import.Module, Name: g.Import.Name, Kind: wasm.ExternGlobal, Global: g.Type}
		imp.Global.Type = l.val(g.Type.Type)
		m.Imports = append(m.Imports, imp)
	}
	for _, id := range l.tags[:l.imported[wasm.SpaceTag]] {
		t := &p.Tags[id]
		m.Imports = append(m.Imports, wasm.Import{Module: t.Import.Module, Name: t.Import.Name, Kind: wasm.ExternTag,
			TypeIndex: l.index[wasm.SpaceType][t.Type]})
	}
	for s := range l.imported {
		m.NumImported[s] = uint32(l.imported[s])
	}
}

func (l *layout) emitExports(m *wasm.Module) {
	for _, e := range l.p.Exports {
		out := wasm.Export{Name: e.Name, Kind: e.Kind}
		switch e.Kind {
		case wasm.ExternFunc:
			out.Index = l.funcIndex(graph.FuncID(e.ID))
		case wasm.ExternMemory:
			out.Index = l.memoryIndex(graph.MemoryID(e.ID))
		default:
			out.Index = l.index[shake.ExternSpace(e.Kind)][e.ID]
		}
		m.Exports = append(m.Exports, out)
	}
}

// emitElems writes the element segments, and declares the functions that
// ref.func names in code and nothing else declares.
func (l *layout) emitElems(m *wasm.Module, refs map[graph.FuncID]bool) {
	p := l.p
	for _, e := range p.Exports {
		if e.Kind == wasm.ExternFunc {
			delete(refs, p.Resolve(graph.FuncID(e.ID)))
		}
	}
	for _, piece := range l.elemPieces {
		m.Elems = append(m.Elems, l.elemSegment(piece, refs))
	}
	if len(refs) > 0 {
		var fs []uint32
		for id := range refs {
			fs = append(fs, l.funcIndex(id))
		}
		slices.Sort(fs)
		decl := wasm.Elem{Mode: wasm.SegmentDeclarative, Type: wasm.ValType{Kind: wasm.KindRef, Heap: wasm.HeapFunc}, Funcs: fs}
		decl.Flags = elemFlags(&decl)
		m.Elems = append(m.Elems, decl)
	}
}

// elemFlags is the leading field of an element segment.
func elemFlags(e *wasm.Elem) uint32 {
	var f uint32
	switch e.Mode {
	case wasm.SegmentPassive:
		f = 1
	case wasm.SegmentDeclarative:
		f = 3
	default:
		// The short forms mean table 0 and funcref.
		if e.Table != 0 || e.UsesExprs && e.Type != wasm.FuncRef {
			f = 2
		}
	}
	if e.UsesExprs {
		f |= 4
	}
	return f
}

// constExpr encodes a known constant.
func (l *layout) constExpr(c graph.Const, t wasm.ValType) []byte {
	var b []byte
	switch {
	case c.Func != 0:
		b = append(b, byte(wasm.OpRefFunc))
		b = wasm.AppendU32(b, l.funcIndex(c.Func))
	case c.Null:
		b = append(b, byte(wasm.OpRefNull))
		b = wasm.AppendHeapType(b, t.Heap)
	case c.Type == wasm.I32:
		b = append(b, byte(wasm.OpI32Const))
		b = wasm.AppendS32(b, int32(c.Bits))
	case c.Type == wasm.I64:
		b = append(b, byte(wasm.OpI64Const))
		b = wasm.AppendS64(b, int64(c.Bits))
	case c.Type == wasm.F32:
		b = append(b, byte(wasm.OpF32Const))
		b = binary.LittleEndian.AppendUint32(b, uint32(c.Bits))
	case c.Type == wasm.F64:
		b = append(b, byte(wasm.OpF64Const))
		b = binary.LittleEndian.AppendUint64(b, c.Bits)
	case c.Type == wasm.V128:
		b = wasm.AppendOpcode(b, wasm.OpV128Const)
		b = binary.LittleEndian.AppendUint64(b, c.Bits)
		b = binary.LittleEndian.AppendUint64(b, c.Hi)
	default:
		panic("linker: constant of unknown type")
	}
	return append(b, byte(wasm.OpEnd))
}

// expr rewrites a constant expression of an instance's module. A global that
// was imported there and is defined now gives its value: before version 3.0,
// constant expressions may only read imported globals.
func (l *layout) expr(e *wasm.Expr, inst *graph.Instance) wasm.Expr {
	if len(e.Sites) == 1 && e.Sites[0].Kind == wasm.SiteGlobal && int(e.Sites[0].Off+uint32(e.Sites[0].Len))+1 == len(e.Bytes) {
		if g := &l.p.Globals[inst.Globals[e.Sites[0].Target]]; g.Init.Known {
			return wasm.Expr{Bytes: l.constExpr(g.Init, l.valOf(g.Type.Type, g.Inst))}
		}
	}
	r := rewriter{l: l, inst: inst}
	return wasm.Expr{Bytes: r.rewrite(nil, e.Bytes, e.Sites, 0)}
}

// emitCode rewrites the live bodies in parallel. It returns the functions
// that ref.func names, and whether any instruction names a data segment, which
// needs the data count section.
func (l *layout) emitCode(ctx context.Context, m *wasm.Module, apart bool, progress func(done, total int)) (map[graph.FuncID]bool, bool, error) {
	ids := l.funcs[l.imported[wasm.SpaceFunc]:]
	m.Code = make([]wasm.Body, len(ids))
	type chunk struct{ lo, hi, room int }
	var chunks []chunk
	lo, size, sites := 0, 0, 0
	for i, id := range ids {
		body, _ := l.p.Code(id)
		if body == nil {
			return nil, false, fmt.Errorf("function %q has no body", l.p.FuncName(id))
		}
		size += len(body.Bytes)
		sites += len(body.Sites)
		if size >= scanChunk || i == len(ids)-1 {
			// A site grows by a byte on average, if that: indices get longer,
			// and so do accesses to a memory that is not the first. Room that
			// is not needed is never touched.
			chunks = append(chunks, chunk{lo, i + 1, size + sites + 64})
			lo, size, sites = i+1, 0, 0
		}
	}
	refs := make([]map[graph.FuncID]bool, len(chunks))
	namesData := make([]bool, len(chunks))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	done := make(chan struct{}, len(chunks))
	for k, c := range chunks {
		g.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			var buf []byte
			if !apart {
				buf = make([]byte, 0, c.room)
			}
			r := rewriter{l: l, refs: map[graph.FuncID]bool{}}
			ends := make([]int, 0, c.hi-c.lo)
			for i, id := range ids[c.lo:c.hi] {
				var err error
				if buf, err = r.body(buf, id); err != nil {
					return err
				}
				if apart {
					m.Code[c.lo+i].Bytes = bytes.Clone(buf)
					buf = buf[:0]
					continue
				}
				ends = append(ends, len(buf))
			}
			start := 0
			for i, end := range ends {
				m.Code[c.lo+i].Bytes = buf[start:end:end]
				start = end
			}
			refs[k], namesData[k] = r.refs, r.namesData
			done <- struct{}{}
			progress(len(done), len(chunks))
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, false, err
	}
	all := map[graph.FuncID]bool{}
	for _, r := range refs {
		for id := range r {
			all[id] = true
		}
	}
	return all, slices.Contains(namesData, true), nil
}

// nameSection keeps the functions' names.
func (l *layout) nameSection() wasm.Custom {
	var n wasm.Names
	for i, id := range l.funcs {
		if name := l.p.FuncName(id); name != "" {
			n.Funcs = append(n.Funcs, wasm.NameAssoc{Index: uint32(i), Name: name})
		}
	}
	return wasm.Custom{Name: wasm.NamesSection, Data: wasm.AppendNames(nil, &n)}
}
