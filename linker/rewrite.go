package linker

import (
	"github.com/wbundle/wbundle/graph"
	"github.com/wbundle/wbundle/internal/wasm"
	"github.com/wbundle/wbundle/shake"
)

// rewriter copies a body, replacing what its sites name by indices of the
// output, and memory accesses by those of the window.
type rewriter struct {
	l    *layout
	inst *graph.Instance       // nil for generated code
	refs map[graph.FuncID]bool // functions that ref.func names
	// namesData says that some instruction names a data segment.
	namesData bool
	scratch   scratch // of the body at hand
	scanner   wasm.SiteScanner
}

// rewrite appends what follows pos in a body to dst, rewritten.
func (r *rewriter) rewrite(dst, body []byte, sites []wasm.Site, pos uint32) []byte {
	l, inst := r.l, r.inst
	var types []graph.TypeID
	if inst != nil {
		types = l.p.ModuleOf(inst).Types
	}
	typeIndex := func(i uint32) uint32 {
		if types != nil {
			i = uint32(types[i])
		}
		return l.index[wasm.SpaceType][i]
	}
	// same is a memory whose accesses stay as they are: most sites are
	// accesses, and most memories are the only one.
	const none = ^uint32(0)
	same := none
	for i := 0; i < len(sites); i++ {
		s := &sites[i]
		if s.Kind == wasm.SiteMemArg && s.Target == same && s.Len <= shortMemArg {
			continue // goes out with the bytes around it
		}
		dst = append(dst, body[pos:s.Off]...)
		pos = s.Off + uint32(s.Len)
		switch s.Kind {
		case wasm.SiteMemArg:
			mem := shake.MemoryAt(inst, s.Target)
			w := l.p.Memories[mem].Window
			if w != nil && w.Guarded {
				dst = r.guard(dst, body, s, w)
				continue
			}
			idx := l.memoryIndex(mem)
			if (w == nil || w.Base == 0) && idx == s.Target && inst != nil {
				same = s.Target
				if s.Len <= shortMemArg {
					dst = append(dst, body[s.Off:pos]...)
					continue
				}
			}
			arg, _ := wasm.ReadMemArg(body[s.Off:pos])
			arg.Memory, arg.HasMemory = idx, idx != 0
			if w != nil {
				arg.Offset = foldBase(arg.Offset, w.Base)
			}
			dst = wasm.AppendMemArg(dst, arg)
		case wasm.SiteRawArg:
			arg, _ := wasm.ReadMemArg(body[s.Off:pos])
			arg.Memory = l.memoryIndex(shake.MemoryAt(inst, s.Target))
			arg.HasMemory = arg.Memory != 0
			dst = wasm.AppendMemArg(dst, arg)
		case wasm.SiteFunc:
			id := l.p.Resolve(shake.FuncAt(inst, s.Target))
			if s.Op == wasm.OpRefFunc && r.refs != nil {
				r.refs[id] = true
			}
			dst = wasm.AppendU32(dst, l.index[wasm.SpaceFunc][id])
		case wasm.SiteGlobal:
			id := s.Target
			if inst != nil {
				id = uint32(inst.Globals[id])
			}
			dst = wasm.AppendU32(dst, l.index[wasm.SpaceGlobal][id])
		case wasm.SiteType:
			dst = wasm.AppendU32(dst, typeIndex(s.Target))
		case wasm.SiteHeapType, wasm.SiteBlockType:
			dst = wasm.AppendS33(dst, int64(typeIndex(s.Target)))
		case wasm.SiteTable:
			id := s.Target
			if inst != nil {
				id = uint32(inst.Tables[id])
			}
			dst = wasm.AppendU32(dst, l.index[wasm.SpaceTable][id])
		case wasm.SiteTag:
			id := s.Target
			if inst != nil {
				id = uint32(inst.Tags[id])
			}
			dst = wasm.AppendU32(dst, l.index[wasm.SpaceTag][id])
		case wasm.SiteData:
			r.namesData = true
			dst = wasm.AppendU32(dst, l.index[wasm.SpaceData][shake.DataAt(inst, s.Target)])
		case wasm.SiteElem:
			id := s.Target
			if inst != nil {
				id = uint32(inst.Elems[id])
			}
			dst = wasm.AppendU32(dst, l.index[wasm.SpaceElem][id])
		case wasm.SiteMemory:
			dst = wasm.AppendU32(dst, l.memoryIndex(shake.MemoryAt(inst, s.Target)))
		case wasm.SiteConst:
			// Compiled code has a byte or two too many for each address.
			v, _ := wasm.ReadS64(body[s.Off:pos])
			dst = wasm.AppendS64(dst, v)
		case wasm.SiteMemOp:
			op := shake.DecodeMemOp(sites[i:], inst)
			w := l.p.Memories[op.Memory].Window
			if w == nil {
				dst = append(dst, body[s.Off:pos]...)
				continue
			}
			dst = l.windowOp(dst, op, w)
			// The immediates belong to the replaced instruction.
			i += op.Sites
			last := &sites[i]
			pos = last.Off + uint32(last.Len)
		case wasm.SiteMemBase:
			if w := l.p.Memories[shake.MemoryAt(inst, s.Target)].Window; w != nil && w.Base != 0 {
				dst = append(dst, byte(wasm.OpI32Const))
				dst = wasm.AppendS32(dst, int32(uint32(w.Base)))
				dst = append(dst, byte(wasm.OpI32Add))
			}
		default:
			panic("linker: site of a kind that nobody classified")
		}
	}
	return append(dst, body[pos:]...)
}

// shortMemArg is the length of a memarg that is not worth a second look: a
// longer one may have an offset that a linker has padded to five bytes.
const shortMemArg = 5

// windowOp appends what stands for a memory instruction in a window.
func (l *layout) windowOp(dst []byte, op shake.MemOp, w *graph.Window) []byte {
	var fn graph.FuncID
	switch op.Op {
	case wasm.OpMemorySize:
		dst = append(dst, byte(wasm.OpGlobalGet))
		return wasm.AppendU32(dst, l.index[wasm.SpaceGlobal][w.Size])
	case wasm.OpMemoryGrow:
		fn = w.Grow
	case wasm.OpMemoryFill:
		fn = w.Fill
	case wasm.OpMemoryCopy:
		fn = w.Copy[op.Source]
	case wasm.OpMemoryInit:
		fn = w.Init[op.Data]
	}
	if fn == 0 {
		panic("linker: a memory instruction of live code has no function in its window")
	}
	dst = append(dst, byte(wasm.OpCall))
	return wasm.AppendU32(dst, l.funcIndex(fn))
}

// foldBase adds a window's base to the offset of an access. Effective
// addresses have 33 bits, so a wild pointer still leaves the memory instead of
// wrapping around. A sum that does not fit the field was out of bounds at any
// address, and stays so: the largest offset is, because the memory never has
// its last page (maxPages).
func foldBase(offset, base uint64) uint64 {
	return min(offset+base, 1<<32-1)
}
