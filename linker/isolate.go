package linker

import (
	"fmt"
	"math/bits"
	"slices"

	"github.com/wbundle/wbundle/graph"
	"github.com/wbundle/wbundle/internal/wasm"
	"github.com/wbundle/wbundle/shake"
)

// Isolation in a single memory: every access of a guarded window is preceded
// by code that keeps it inside, put there while bodies are written out. In a
// window of base B, whose size in bytes is in the global $bound:
//
//	trap                                   mask
//	(i32.load offset=8 (local.get $p))     (i32.load offset=8 (local.get $p))
//	=>                                     =>
//	local.get $p                           local.get $p
//	local.tee $a                           i32.const 8
//	global.get $bound                      i32.add
//	i32.const 12  ;; 8 + 4 bytes           i32.const M  ;; 2^n - 1
//	i32.sub                                i32.and
//	i32.gt_u                               i32.load offset=B
//	if unreachable end
//	local.get $a
//	i32.load offset=8+B
//
// A branch for every access costs wazero more than arithmetic, so for that target the
// check is address | -(address > bound - 12): an address of -1 is out of bounds
// of the one memory, which never has its last page (maxPages).
//
// trap is exact: what traps is what would trap in a memory of the window's
// size. The subtraction cannot wrap around, because a window never shrinks and
// accesses that need more than its first size are compared in 64 bits. Where
// nothing grows the window, its bound is a constant.
//
// mask is not exact: a wild pointer reads and writes something else of its own
// component, wherever it points to. The offset takes part in the masking,
// because there are offsets of a gigabyte; the bytes of one access may reach
// past the window, where nobody's page lies (guardPages).
//
// For other targets than wazero a far base is added to the address, not folded
// into the offset (farBase): what passed the guard does not wrap around.
//
// Operands above the address (of stores and atomics) wait in locals that are
// added to the function. The tables of handles are not guarded: only adapters
// access them, by indices that they check.

// guardPages is the distance between masked windows: an access at the last
// address of one writes up to 15 bytes behind it.
const guardPages = 1

// farBase is where wasmtime's guard region ends: it checks accesses with larger
// offsets one by one, and adding is faster.
const farBase = 32 << 20

// isolation resolves IsolationAuto.
func (o *Options) isolation() Isolation {
	if o.memory() != MemorySingle || o.Isolation == "" || o.Isolation == IsolationAuto {
		return IsolationNone
	}
	return o.Isolation
}

// span is how many pages of the address space a window of some pages takes.
func (o *Options) span(pages uint64) uint64 {
	if o.isolation() != IsolationMask {
		return pages
	}
	return 1<<bits.Len64(max(pages, 1)-1) + guardPages
}

// slot is what a scratch local holds: the address of an access (position 0) or
// an operand above it.
type slot struct {
	kind     wasm.ValKind
	position int
}

// scratch are the locals that guarded accesses add to a function.
type scratch struct {
	first uint32 // index of the first
	slots []slot
}

// add makes sure that there is a local for a slot.
func (s *scratch) add(at slot) {
	if !slices.Contains(s.slots, at) {
		s.slots = append(s.slots, at)
	}
}

// access appends local.get, set or tee of a slot.
func (s *scratch) access(dst []byte, op wasm.Opcode, at slot) []byte {
	i := slices.Index(s.slots, at)
	if i < 0 {
		panic("linker: a guarded access has no local for an operand")
	}
	return wasm.AppendU32(append(dst, byte(op)), s.first+uint32(i))
}

var addressSlot = slot{wasm.KindI32, 0}

// operandSlot is the slot of an operand above the address.
func operandSlot(a *wasm.Access, i int) slot { return slot{a.Operands[i], i + 1} }

// body appends the rewritten body of a function to dst, with the locals that
// its guarded accesses need.
func (r *rewriter) body(dst []byte, id graph.FuncID) ([]byte, error) {
	body, inst := r.l.p.Code(id)
	r.inst = inst
	sites := r.l.p.Sites(id, &r.scanner)
	if !r.l.guarded || !r.plan(sites) {
		return r.rewrite(dst, body.Bytes, sites, 0), nil
	}
	r.scratch.first = uint32(len(r.l.p.Types.At(r.l.p.Funcs[id].Type).Params)) + body.Locals()
	if n := int(r.scratch.first) + len(r.scratch.slots); n > wasm.MaxLocals {
		return nil, fmt.Errorf("function %q has %d locals, and isolation needs %d more; engines allow %d",
			r.l.p.FuncName(id), r.scratch.first, len(r.scratch.slots), wasm.MaxLocals)
	}
	// The declarations, with more of them, then the code.
	code := slices.IndexFunc(sites, func(s wasm.Site) bool { return int(s.Off) >= body.Code })
	runs, size := wasm.ReadU32(body.Bytes)
	dst = wasm.AppendU32(dst, runs+uint32(len(r.scratch.slots)))
	dst = r.rewrite(dst, body.Bytes[:body.Code], sites[:code], uint32(size))
	for _, s := range r.scratch.slots {
		dst = append(dst, 1, byte(s.kind))
	}
	return r.rewrite(dst, body.Bytes, sites[code:], uint32(body.Code)), nil
}

// plan collects the scratch locals of a body with the given sites, and reports whether there are any.
func (r *rewriter) plan(sites []wasm.Site) bool {
	r.scratch.slots = r.scratch.slots[:0]
	for i := range sites {
		s := &sites[i]
		if s.Kind != wasm.SiteMemArg {
			continue
		}
		w := r.l.p.Memories[shake.MemoryAt(r.inst, s.Target)].Window
		if w == nil || !w.Guarded {
			continue
		}
		if w.Mask == 0 {
			r.scratch.add(addressSlot)
		}
		a := s.Op.Access()
		for k := range a.Count {
			r.scratch.add(operandSlot(&a, k))
		}
	}
	return len(r.scratch.slots) > 0
}

// guard replaces the opcode at the end of dst, that of the memarg at s, by a
// guarded access.
func (r *rewriter) guard(dst, body []byte, s *wasm.Site, w *graph.Window) []byte {
	arg, _ := wasm.ReadMemArg(body[s.Off : s.Off+uint32(s.Len)])
	op := opcodeBefore(body, s)
	dst = dst[:len(dst)-len(op)]
	a := s.Op.Access()
	for i := a.Count - 1; i >= 0; i-- {
		dst = r.scratch.access(dst, wasm.OpLocalSet, operandSlot(&a, i))
	}
	if w.Mask != 0 {
		dst = maskAddress(dst, uint32(arg.Offset), w.Mask)
		arg.Offset = 0
	} else {
		dst = r.checkAddress(dst, arg.Offset+uint64(a.Bytes), w)
	}
	if !r.l.wazero && w.Base >= farBase {
		dst = append(dst, byte(wasm.OpI32Const))
		dst = wasm.AppendS32(dst, int32(uint32(w.Base)))
		dst = append(dst, byte(wasm.OpI32Add))
	} else {
		arg.Offset = foldBase(arg.Offset, w.Base)
	}
	for i := range a.Count {
		dst = r.scratch.access(dst, wasm.OpLocalGet, operandSlot(&a, i))
	}
	arg.Memory, arg.HasMemory = 0, false
	return wasm.AppendMemArg(append(dst, op...), arg)
}

// checkAddress appends code that lets the address on the stack pass if the
// window has end bytes from it on; otherwise it traps, or makes it -1.
func (r *rewriter) checkAddress(dst []byte, end uint64, w *graph.Window) []byte {
	opcodes := func(ops ...wasm.Opcode) {
		for _, op := range ops {
			dst = append(dst, byte(op))
		}
	}
	bound := func() {
		opcodes(wasm.OpGlobalGet)
		dst = wasm.AppendU32(dst, r.l.index[wasm.SpaceGlobal][w.Bound])
	}
	dst = r.scratch.access(dst, wasm.OpLocalTee, addressSlot)
	if r.l.wazero {
		opcodes(wasm.OpI32Const)
		dst = wasm.AppendS32(dst, 0)
		dst = r.scratch.access(dst, wasm.OpLocalGet, addressSlot)
	}
	least := w.MinPages * pageSize
	switch {
	case end <= least && w.Bound == 0:
		opcodes(wasm.OpI32Const)
		dst = wasm.AppendS32(dst, int32(uint32(least-end)))
		opcodes(wasm.OpI32GtU)
	case end <= least:
		bound()
		opcodes(wasm.OpI32Const)
		dst = wasm.AppendS32(dst, int32(uint32(end)))
		opcodes(wasm.OpI32Sub, wasm.OpI32GtU)
	case w.Bound == 0:
		// Out of bounds at any address.
		opcodes(wasm.OpDrop, wasm.OpI32Const)
		dst = wasm.AppendS32(dst, 1)
	default:
		opcodes(wasm.OpI64ExtendI32U, wasm.OpI64Const)
		dst = wasm.AppendS64(dst, int64(end))
		opcodes(wasm.OpI64Add)
		bound()
		opcodes(wasm.OpI64ExtendI32U, wasm.OpI64GtU)
	}
	if r.l.wazero {
		opcodes(wasm.OpI32Sub, wasm.OpI32Or)
		return dst
	}
	dst = append(dst, byte(wasm.OpIf), blockEmpty)
	opcodes(wasm.OpUnreachable, wasm.OpEnd)
	return r.scratch.access(dst, wasm.OpLocalGet, addressSlot)
}

// blockEmpty is the block type of a block without parameters and results.
const blockEmpty = 0x40

// maskAddress appends code that adds an offset to the address on the stack and
// keeps the sum inside.
func maskAddress(dst []byte, offset, mask uint32) []byte {
	if offset != 0 {
		dst = append(dst, byte(wasm.OpI32Const))
		dst = wasm.AppendS32(dst, int32(offset))
		dst = append(dst, byte(wasm.OpI32Add))
	}
	dst = append(dst, byte(wasm.OpI32Const))
	dst = wasm.AppendS32(dst, int32(mask))
	return append(dst, byte(wasm.OpI32And))
}

// opcodeBefore returns the bytes of the opcode whose memarg is at s. A prefix
// is followed by the sub-opcode as a LEB that may be padded; no shorter tail of
// one is a prefix and the same number, so the first that fits is it.
func opcodeBefore(body []byte, s *wasm.Site) []byte {
	if s.Op < wasm.PrefixGC {
		return body[s.Off-1 : s.Off]
	}
	prefix := 0xfa + byte(s.Op>>12)
	for n := uint32(1); n <= 5; n++ {
		if body[s.Off-n-1] != prefix {
			continue
		}
		if sub, size := wasm.ReadU32(body[s.Off-n : s.Off]); uint32(size) == n && wasm.Opcode(sub) == s.Op&0xfff {
			return body[s.Off-n-1 : s.Off]
		}
	}
	panic("linker: no opcode before a memarg")
}
