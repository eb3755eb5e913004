package linker

import (
	"slices"

	"github.com/wbundle/wbundle/graph"
	"github.com/wbundle/wbundle/internal/wasm"
)

// Element segments; pack.go says what is done to segments and why it is safe.
// Here is what is written for a slot that no call can hit. In a segment of
// function indices, where null has no place, it is the index of one function that
// traps, which is short because that function comes early; in a segment of
// expressions, null. The trap function takes a few bytes itself, so it is there
// only when it saves more.

// elemPiece is an element segment of the output: a part of one of the program.
type elemPiece struct {
	id       graph.ElemID
	from, to int // slots of the segment
	// indices says that it is written as function indices.
	indices bool
	// void says that it is empty and stands for what instructions name.
	void bool
}

// slotKind says what an output has to have in a slot.
type slotKind uint8

const (
	slotFunc  slotKind = iota // the function
	slotOther                 // another expression
	slotFree                  // anything that traps when it is called: null
)

// elemSource is a live segment on its way into pieces.
type elemSource struct {
	id    graph.ElemID
	slots []slotKind
	// loose says that the segment may be cut: a slot that is not written is
	// null.
	loose bool
	// indices says that the segment can be written as function indices.
	indices bool
}

// trapCost is what the trap function takes: its type index, and its body with
// the length.
const trapCost = 5

// packElems decides which slots are written, in which segments, and whether the
// output has a trap function. It runs before functions have indices.
func (l *layout) packElems() {
	sources := l.elemSources()
	imports := 0
	for id := range l.p.Funcs {
		if l.p.Funcs[id].Kind == graph.FuncImport && l.live.Func(graph.FuncID(id)) {
			imports++
		}
	}
	trapIndex := 1 // bytes of its index, which comes early
	if imports >= 1<<7 {
		trapIndex = 2
	}
	// Both ways are tried: with a trap function and without.
	with, cost := l.cutElems(sources, trapIndex)
	without, costWithout := l.cutElems(sources, 0)
	l.elemPieces = without
	if l.p.Trap != 0 && cost+trapCost < costWithout {
		l.elemPieces, l.trap = with, true
		// Any type will do: one that is there.
		trap := &l.p.Funcs[l.p.Trap]
		for id := graph.TypeID(1); int(id) < l.p.Types.Len() && !l.live.Has(wasm.SpaceType, uint32(trap.Type)); id++ {
			if l.live.Has(wasm.SpaceType, uint32(id)) && l.p.Types.At(id).Kind == wasm.CompFunc {
				trap.Type = id
			}
		}
	}
	index := make([]uint32, len(l.p.Elems))
	for i, piece := range slices.Backward(l.elemPieces) {
		index[piece.id] = uint32(i)
	}
	l.index[wasm.SpaceElem] = index
	l.voidElems()
	l.elems = make([]graph.ElemID, len(l.elemPieces))
	for i, piece := range l.elemPieces {
		l.elems[i] = piece.id
	}
}

// voidElems finds segments that are empty when instructions name them: an active
// one is, so a piece of the segment itself will do, or any for one that is only
// dropped. Otherwise it adds a passive one, one for each type.
func (l *layout) voidElems() {
	type form struct {
		typ     wasm.ValType
		indices bool
	}
	voids := map[form]uint32{}
	active := -1
	written := map[graph.ElemID]bool{}
	for i, piece := range l.elemPieces {
		if e := &l.p.Elems[piece.id]; e.Active && !e.Deferred {
			active = i
			written[piece.id] = true
		}
	}
	for id := graph.ElemID(1); int(id) < len(l.p.Elems); id++ {
		if !l.live.Void(wasm.SpaceElem, uint32(id)) {
			continue
		}
		e := &l.p.Elems[id]
		if written[id] {
			continue
		}
		if active >= 0 && !e.Active {
			l.index[wasm.SpaceElem][id] = uint32(active)
			continue
		}
		inst := l.p.Instances[e.Inst]
		seg := &l.p.ModuleOf(inst).Code.Elems[e.Index]
		f := form{l.p.MapVal(l.p.ModuleOf(inst).Types, seg.Type), !seg.UsesExprs}
		if h := f.typ.Heap; h >= 0 && !l.live.Has(wasm.SpaceType, uint32(h)) {
			f = form{wasm.FuncRef, true} // it is only dropped
		}
		at, ok := voids[f]
		if !ok {
			at = uint32(len(l.elemPieces))
			voids[f] = at
			l.elemPieces = append(l.elemPieces, elemPiece{id: id, void: true, indices: f.indices})
		}
		l.index[wasm.SpaceElem][id] = at
	}
}

// elemSources looks at the live segments in the order in which they are
// initialised.
func (l *layout) elemSources() []elemSource {
	p := l.p
	var out []elemSource
	// written is the end of what earlier segments may have written, by table.
	written := map[graph.TableID]uint64{}
	const anywhere = ^uint64(0)
	for id := graph.ElemID(1); int(id) < len(p.Elems); id++ {
		if !l.live.Has(wasm.SpaceElem, uint32(id)) {
			continue
		}
		e := &p.Elems[id]
		inst := p.Instances[e.Inst]
		seg := &p.ModuleOf(inst).Code.Elems[e.Index]
		s := elemSource{id: id, indices: seg.Type.Heap == wasm.HeapFunc}
		s.slots = make([]slotKind, len(seg.Funcs)+len(seg.Exprs)) // one of the two
		for i := range s.slots {
			_, s.slots[i] = l.slot(id, seg, inst, i)
		}
		if e.Active && !e.Deferred {
			t := &p.Tables[e.Table]
			n := uint64(len(s.slots))
			fits := segmentFits(e.Offset, n, t.Type.Min)
			initial := t.Inst != 0 && p.ModuleOf(p.Instances[t.Inst]).Code.Tables[t.Index].Init != nil
			s.loose = fits && t.Import == nil && !initial && !l.live.Escapes(e.Table) && written[e.Table] <= e.Offset.Bits
			switch {
			case !e.Offset.Known:
				written[e.Table] = anywhere
			case e.Offset.Bits+n > written[e.Table]:
				written[e.Table] = e.Offset.Bits + n
			}
		}
		s.indices = s.indices && !slices.Contains(s.slots, slotOther)
		out = append(out, s)
	}
	return out
}

// cutElems makes pieces of segments, and says how many bytes they take beyond
// the slots that must be there. trapIndex is the length of the trap function's
// index, 0 where there is none.
func (l *layout) cutElems(sources []elemSource, trapIndex int) (pieces []elemPiece, cost int) {
	for _, s := range sources {
		indices := s.indices
		free := slices.Contains(s.slots, slotFree)
		if indices && free && !s.loose && trapIndex == 0 {
			indices = false // null has no place among function indices
		}
		fill := trapIndex // bytes of a free slot
		if !indices {
			fill = 3
			for _, k := range s.slots {
				if k == slotFunc {
					cost += 2 // the rest of an expression
				}
			}
		}
		if !s.loose || !free {
			cost += l.elemHeader(s.id, 0, indices)
			if free {
				for _, k := range s.slots {
					if k == slotFree {
						cost += fill
					}
				}
			}
			pieces = append(pieces, elemPiece{id: s.id, to: len(s.slots), indices: indices})
			continue
		}
		from, to := -1, 0
		put := func() {
			if from >= 0 {
				cost += l.elemHeader(s.id, from, indices)
				pieces = append(pieces, elemPiece{id: s.id, from: from, to: to, indices: indices})
			}
		}
		for i, k := range s.slots {
			if k == slotFree {
				continue
			}
			if gap := i - to; from < 0 || gap > 0 && (fill == 0 || gap*fill > l.elemHeader(s.id, i, indices)) {
				put()
				from = i
			} else {
				cost += gap * fill
			}
			to = i + 1
		}
		put()
	}
	return pieces, cost
}

// elemHeader is how many bytes a short segment at a slot takes: flags, table,
// offset, type, length.
func (l *layout) elemHeader(id graph.ElemID, slot int, indices bool) int {
	e := &l.p.Elems[id]
	if !e.Active || e.Deferred {
		return 3
	}
	n := 5
	for at := e.Offset.Bits + uint64(slot); at > 63; at >>= 7 {
		n++
	}
	if t := l.index[wasm.SpaceTable][e.Table]; t != 0 {
		n += 1 + len(wasm.AppendU32(nil, t))
	}
	return n
}

// eachSlot calls f with the functions of a piece, the trap function included.
func (l *layout) eachSlot(piece *elemPiece, f func(graph.FuncID)) {
	if piece.void {
		return
	}
	e := &l.p.Elems[piece.id]
	inst := l.p.Instances[e.Inst]
	seg := &l.p.ModuleOf(inst).Code.Elems[e.Index]
	for i := piece.from; i < piece.to; i++ {
		if fn, kind := l.slot(piece.id, seg, inst, i); kind == slotFunc {
			f(l.p.Resolve(fn))
		} else if kind == slotFree && piece.indices {
			f(l.p.Trap)
		}
	}
}

// slot is what a slot of a segment is written as.
func (l *layout) slot(id graph.ElemID, seg *wasm.Elem, inst *graph.Instance, i int) (graph.FuncID, slotKind) {
	var fn graph.FuncID
	if seg.UsesExprs {
		fn = refFunc(&seg.Exprs[i], inst)
	} else {
		fn = inst.Funcs[seg.Funcs[i]]
	}
	switch {
	case fn == 0 && isNull(&seg.Exprs[i]) && !l.live.ElemEscapes(id):
		return 0, slotFree
	case fn == 0:
		return 0, slotOther
	case !l.live.Hit(id, fn):
		return 0, slotFree
	}
	return fn, slotFunc
}

// isNull recognises an element expression that is ref.null.
func isNull(e *wasm.Expr) bool {
	in, ok := wasm.NextInstr(e.Bytes, 0)
	return ok && in.Op == wasm.OpRefNull && int(in.Len)+1 == len(e.Bytes)
}

// elemSegment writes a piece. It takes the functions that it declares out of refs.
func (l *layout) elemSegment(piece elemPiece, refs map[graph.FuncID]bool) wasm.Elem {
	p := l.p
	e := &p.Elems[piece.id]
	inst := p.Instances[e.Inst]
	seg := &p.ModuleOf(inst).Code.Elems[e.Index]
	out := wasm.Elem{Mode: seg.Mode, UsesExprs: !piece.indices, Type: wasm.ValType{Kind: wasm.KindRef, Heap: wasm.HeapFunc}}
	if e.Deferred || piece.void {
		out.Mode = wasm.SegmentPassive
	}
	if !piece.indices {
		out.Type = l.valOf(seg.Type, e.Inst)
		if !seg.UsesExprs {
			out.Type = wasm.FuncRef
		}
	}
	if out.Mode == wasm.SegmentActive {
		out.Table = l.index[wasm.SpaceTable][e.Table]
		if e.Offset.Known {
			at := e.Offset
			at.Bits += uint64(piece.from)
			out.Offset = wasm.Expr{Bytes: l.constExpr(at, at.Type)}
		} else {
			out.Offset = l.expr(&seg.Offset, inst)
		}
	}
	for i := piece.from; i < piece.to; i++ {
		fn, kind := l.slot(piece.id, seg, inst, i)
		if kind == slotFunc {
			fn = p.Resolve(fn)
			delete(refs, fn)
		} else if kind == slotFree && piece.indices {
			fn = p.Trap
		}
		switch {
		case piece.indices:
			out.Funcs = append(out.Funcs, l.funcIndex(fn))
		case kind == slotOther:
			out.Exprs = append(out.Exprs, l.expr(&seg.Exprs[i], inst))
		case kind == slotFree:
			out.Exprs = append(out.Exprs, wasm.Expr{Bytes: l.constExpr(graph.Const{Null: true}, out.Type)})
		default:
			out.Exprs = append(out.Exprs, wasm.Expr{Bytes: l.constExpr(graph.Const{Func: fn}, out.Type)})
		}
	}
	out.Flags = elemFlags(&out)
	return out
}
