package adapter

import (
	"github.com/wbundle/wbundle/graph"
	"github.com/wbundle/wbundle/internal/ir"
	"github.com/wbundle/wbundle/internal/wasm"
)

// Handle tables lie in a memory of their own (a window of the one memory in
// single output), so that no guest address can reach them by accident of
// layout. Each component instance has a header of four words at a fixed
// address; the tables behind it grow by doubling and are bump-allocated:
//
//	header  base, capacity, count, head of the free list
//	entry   representation (or next free index), tag, lends, unused
//
// Indices are those of CanonicalABI.md ("Table"): they begin at 1, and a free
// index is reused last in, first out. Tag 0 is a free entry.
const (
	headerSize = 16
	entrySize  = 16
	offBase    = 0
	offCap     = 4
	offCount   = 8
	offFree    = 12

	entRep   = 0
	entTag   = 4
	entLends = 8

	// Two stacks have the first headers: base, capacity in bytes, and the stack
	// pointer, an offset from base. lenders holds the handles that calls in
	// progress have borrowed; saves what boundary.go changed in a component's
	// memory.
	lenders    = 0
	saves      = headerSize
	offLendCap = 4
	offLendTop = 8

	// tableMaxLength is Table.MAX_LENGTH.
	tableMaxLength = 1<<28 - 1
)

// tables is the generator's state of the handle memory.
type tables struct {
	mem graph.MemoryID
	top graph.GlobalID // first byte not yet allocated
	end uint32         // first byte behind the headers
}

func (g *generator) table() *tables {
	if g.tables == nil {
		g.p.HandleMemory = g.p.AddMemory(graph.Memory{
			Type: wasm.MemType{Limits: wasm.Limits{Min: 1}}, Name: "handle tables",
		})
		g.tables = &tables{mem: g.p.HandleMemory, top: g.global("handle memory top", 0), end: 2 * headerSize}
	}
	return g.tables
}

// finishTables fixes where the allocations of the handle memory begin.
func (g *generator) finishTables() {
	if t := g.tables; t != nil {
		g.p.Globals[t.top].Init.Bits = uint64(t.end)
		g.p.HandleTop = t.end
		if pages := (uint64(t.end) + 0xffff) >> 16; pages > g.p.Memories[t.mem].Type.Min {
			g.p.Memories[t.mem].Type.Min = pages
		}
	}
}

// handles returns the address of a component's header.
func (g *generator) handles(c graph.ComponentID) uint32 {
	t, comp := g.table(), g.p.Components[c]
	if !comp.HasHandles {
		comp.HasHandles, comp.Handles = true, t.end
		t.end += headerSize
	}
	return comp.Handles
}

// lenderMark pushes the lender stack's pointer.
func (g *generator) lenderMark(b *ir.Builder) {
	b.I32(lenders)
	b.Mem(wasm.OpI32Load, g.table().mem, 2, offLendTop)
}

var i32s = []wasm.ValType{wasm.I32, wasm.I32, wasm.I32, wasm.I32}

// reserveFunc is (bytes) -> address: allocates from the handle memory.
func (g *generator) reserveFunc() (graph.FuncID, error) {
	t := g.table()
	return g.helper(helperKey{kind: helperReserve}, "handle memory reserve", i32s[:1], i32s[:1], func(b *ir.Builder) error {
		const bytes = ir.Local(0)
		addr, need := b.Local(wasm.I32), b.Local(wasm.I32)
		b.GlobalGet(t.top)
		b.Tee(addr)
		b.Get(bytes)
		b.Op(wasm.OpI32Add)
		b.GlobalSet(t.top)
		// Pages missing, rounded up; the table limit keeps the sum far below 4 GiB.
		b.GlobalGet(t.top)
		b.I32(0xffff)
		b.Op(wasm.OpI32Add)
		b.I32(16)
		b.Op(wasm.OpI32ShrU)
		b.Set(need)
		b.Get(need)
		b.MemorySize(t.mem)
		b.Op(wasm.OpI32GtU)
		b.If()
		b.Get(need)
		b.MemorySize(t.mem)
		b.Op(wasm.OpI32Sub)
		b.MemoryGrow(t.mem)
		b.I32(0xffffffff)
		b.Op(wasm.OpI32Eq)
		b.TrapIf()
		b.End()
		b.Get(addr)
		return nil
	})
}

// enlarge doubles the allocation that base and capacity at hdr describe;
// capacity counts units of unit bytes.
func (g *generator) enlarge(b *ir.Builder, hdr ir.Local, reserve graph.FuncID, first, unit uint32) {
	m := g.table().mem
	newCap, newBase := b.Local(wasm.I32), b.Local(wasm.I32)
	b.Get(hdr)
	b.Mem(wasm.OpI32Load, m, 2, offCap)
	b.I32(1)
	b.Op(wasm.OpI32Shl)
	b.Tee(newCap)
	b.Op(wasm.OpI32Eqz)
	b.If()
	b.I32(first)
	b.Set(newCap)
	b.End()
	// The byte size must not overflow.
	b.Get(newCap)
	b.I32(tableMaxLength / 8)
	b.Op(wasm.OpI32GtU)
	b.TrapIf()
	b.Get(newCap)
	b.I32(unit)
	b.Op(wasm.OpI32Mul)
	b.Call(reserve)
	b.Set(newBase)
	b.Get(newBase)
	b.Base(m)
	b.Get(hdr)
	b.Mem(wasm.OpI32Load, m, 2, offBase)
	b.Base(m)
	b.Get(hdr)
	b.Mem(wasm.OpI32Load, m, 2, offCap)
	b.I32(unit)
	b.Op(wasm.OpI32Mul)
	b.RawCopy(m, m)
	b.Get(hdr, newBase)
	b.Mem(wasm.OpI32Store, m, 2, offBase)
	b.Get(hdr, newCap)
	b.Mem(wasm.OpI32Store, m, 2, offCap)
	b.Free(newCap, newBase)
}

// addFunc is (header, representation, tag) -> index (Table.add).
func (g *generator) addFunc() (graph.FuncID, error) {
	reserve, err := g.reserveFunc()
	if err != nil {
		return 0, err
	}
	m := g.table().mem
	return g.helper(helperKey{kind: helperHandleAdd}, "handle add", i32s[:3], i32s[:1], func(b *ir.Builder) error {
		const hdr, rep, tag = ir.Local(0), ir.Local(1), ir.Local(2)
		idx, e := b.Local(wasm.I32), b.Local(wasm.I32)
		b.Get(hdr)
		b.Mem(wasm.OpI32Load, m, 2, offFree)
		b.Tee(idx)
		b.If()
		g.entryAddr(b, hdr, idx, e)
		b.Get(hdr, e)
		b.Mem(wasm.OpI32Load, m, 2, entRep)
		b.Mem(wasm.OpI32Store, m, 2, offFree)
		b.Else()
		b.Get(hdr)
		b.Mem(wasm.OpI32Load, m, 2, offCount)
		b.I32(1)
		b.Op(wasm.OpI32Add)
		b.Set(idx)
		b.Get(idx)
		b.Get(hdr)
		b.Mem(wasm.OpI32Load, m, 2, offCap)
		b.Op(wasm.OpI32GeU)
		b.If()
		g.enlarge(b, hdr, reserve, 16, entrySize)
		b.End()
		b.Get(hdr, idx)
		b.Mem(wasm.OpI32Store, m, 2, offCount)
		g.entryAddr(b, hdr, idx, e)
		b.End()
		b.Get(e, rep)
		b.Mem(wasm.OpI32Store, m, 2, entRep)
		b.Get(e, tag)
		b.Mem(wasm.OpI32Store, m, 2, entTag)
		b.Get(e)
		b.I32(0)
		b.Mem(wasm.OpI32Store, m, 2, entLends)
		b.Get(idx)
		return nil
	})
}

// entryAddr sets e to the address of entry idx.
func (g *generator) entryAddr(b *ir.Builder, hdr, idx, e ir.Local) {
	b.Get(hdr)
	b.Mem(wasm.OpI32Load, g.table().mem, 2, offBase)
	b.Get(idx)
	b.I32(4)
	b.Op(wasm.OpI32Shl, wasm.OpI32Add)
	b.Set(e)
}

// checkIndex traps unless idx is within the table (0 is never a handle: its
// entry is never written, so its tag matches no resource).
func (g *generator) checkIndex(b *ir.Builder, hdr, idx ir.Local) {
	b.Get(idx)
	b.Get(hdr)
	b.Mem(wasm.OpI32Load, g.table().mem, 2, offCount)
	b.Op(wasm.OpI32GtU)
	b.Get(idx)
	b.Op(wasm.OpI32Eqz, wasm.OpI32Or)
	b.TrapIf()
}

// free puts an entry on the free list.
func (g *generator) free(b *ir.Builder, hdr, idx, e ir.Local) {
	m := g.table().mem
	b.Get(e)
	b.I32(0)
	b.Mem(wasm.OpI32Store, m, 2, entTag)
	b.Get(e)
	b.Get(hdr)
	b.Mem(wasm.OpI32Load, m, 2, offFree)
	b.Mem(wasm.OpI32Store, m, 2, entRep)
	b.Get(hdr, idx)
	b.Mem(wasm.OpI32Store, m, 2, offFree)
}

// takeFunc is (header, index, tag) -> representation: removes a handle of
// exactly that tag which is not lent (lift_own).
func (g *generator) takeFunc() (graph.FuncID, error) {
	m := g.table().mem
	return g.helper(helperKey{kind: helperHandleTake}, "handle take", i32s[:3], i32s[:1], func(b *ir.Builder) error {
		const hdr, idx, tag = ir.Local(0), ir.Local(1), ir.Local(2)
		e, rep := b.Local(wasm.I32), b.Local(wasm.I32)
		g.checkIndex(b, hdr, idx)
		g.entryAddr(b, hdr, idx, e)
		b.Get(e)
		b.Mem(wasm.OpI32Load, m, 2, entTag)
		b.Get(tag)
		b.Op(wasm.OpI32Ne)
		b.Get(e)
		b.Mem(wasm.OpI32Load, m, 2, entLends)
		b.Op(wasm.OpI32Or)
		b.TrapIf()
		b.Get(e)
		b.Mem(wasm.OpI32Load, m, 2, entRep)
		b.Set(rep)
		g.free(b, hdr, idx, e)
		b.Get(rep)
		return nil
	})
}

// checkResource traps unless the entry is a handle, own or borrow, of the
// resource with the given id.
func (g *generator) checkResource(b *ir.Builder, e, id ir.Local) {
	b.Get(e)
	b.Mem(wasm.OpI32Load, g.table().mem, 2, entTag)
	b.I32(tagBits)
	b.Op(wasm.OpI32ShrU)
	b.Get(id)
	b.Op(wasm.OpI32Ne)
	b.TrapIf()
}

// repFunc is (header, index, resource) -> representation.
func (g *generator) repFunc() (graph.FuncID, error) {
	m := g.table().mem
	return g.helper(helperKey{kind: helperHandleRep}, "handle rep", i32s[:3], i32s[:1], func(b *ir.Builder) error {
		const hdr, idx, id = ir.Local(0), ir.Local(1), ir.Local(2)
		e := b.Local(wasm.I32)
		g.checkIndex(b, hdr, idx)
		g.entryAddr(b, hdr, idx, e)
		g.checkResource(b, e, id)
		b.Get(e)
		b.Mem(wasm.OpI32Load, m, 2, entRep)
		return nil
	})
}

// lendFunc is (header, index, resource) -> representation: counts a lend and
// remembers the lender until the call returns (lift_borrow).
func (g *generator) lendFunc() (graph.FuncID, error) {
	reserve, err := g.reserveFunc()
	if err != nil {
		return 0, err
	}
	m := g.table().mem
	return g.helper(helperKey{kind: helperHandleLend}, "handle lend", i32s[:3], i32s[:1], func(b *ir.Builder) error {
		const hdr, idx, id = ir.Local(0), ir.Local(1), ir.Local(2)
		e, stack, top := b.Local(wasm.I32), b.Local(wasm.I32), b.Local(wasm.I32)
		g.checkIndex(b, hdr, idx)
		g.entryAddr(b, hdr, idx, e)
		g.checkResource(b, e, id)
		b.Get(e)
		b.Get(e)
		b.Mem(wasm.OpI32Load, m, 2, entLends)
		b.I32(1)
		b.Op(wasm.OpI32Add)
		b.Mem(wasm.OpI32Store, m, 2, entLends)
		b.I32(lenders)
		b.Set(stack)
		g.lenderMark(b)
		b.Tee(top)
		b.Get(stack)
		b.Mem(wasm.OpI32Load, m, 2, offLendCap)
		b.Op(wasm.OpI32Eq)
		b.If()
		g.enlarge(b, stack, reserve, 64, 1)
		b.End()
		b.Get(stack)
		b.Mem(wasm.OpI32Load, m, 2, offBase)
		b.Get(top)
		b.Op(wasm.OpI32Add)
		b.Get(idx)
		b.Mem(wasm.OpI32Store, m, 2, 0)
		b.Get(stack, top)
		b.I32(4)
		b.Op(wasm.OpI32Add)
		b.Mem(wasm.OpI32Store, m, 2, offLendTop)
		b.Get(e)
		b.Mem(wasm.OpI32Load, m, 2, entRep)
		return nil
	})
}

// releaseFunc is (header, mark): takes back the lends of a call that began
// when the lender stack stood at mark.
func (g *generator) releaseFunc() (graph.FuncID, error) {
	m := g.table().mem
	return g.helper(helperKey{kind: helperHandleRelease}, "handle release", i32s[:2], nil, func(b *ir.Builder) error {
		const hdr, mark = ir.Local(0), ir.Local(1)
		e, top, idx := b.Local(wasm.I32), b.Local(wasm.I32), b.Local(wasm.I32)
		g.lenderMark(b)
		b.Set(top)
		b.Block()
		b.Loop()
		b.Get(top, mark)
		b.Op(wasm.OpI32Eq)
		b.BrIf(1)
		b.Get(top)
		b.I32(4)
		b.Op(wasm.OpI32Sub)
		b.Tee(top)
		b.I32(lenders)
		b.Mem(wasm.OpI32Load, m, 2, offBase)
		b.Op(wasm.OpI32Add)
		b.Mem(wasm.OpI32Load, m, 2, 0)
		b.Set(idx)
		g.entryAddr(b, hdr, idx, e)
		b.Get(e)
		b.Get(e)
		b.Mem(wasm.OpI32Load, m, 2, entLends)
		b.I32(1)
		b.Op(wasm.OpI32Sub)
		b.Mem(wasm.OpI32Store, m, 2, entLends)
		b.Br(0)
		b.End()
		b.End()
		b.I32(lenders)
		b.Get(mark)
		b.Mem(wasm.OpI32Store, m, 2, offLendTop)
		return nil
	})
}

// dropFunc is (header, index, resource) -> (representation, kind): removes a
// handle that is not lent (canon_resource_drop). The kind is ownBit, lentBit or 0.
func (g *generator) dropFunc() (graph.FuncID, error) {
	m := g.table().mem
	return g.helper(helperKey{kind: helperHandleDrop}, "handle drop", i32s[:3], i32s[:2], func(b *ir.Builder) error {
		const hdr, idx, id = ir.Local(0), ir.Local(1), ir.Local(2)
		e, rep, kind := b.Local(wasm.I32), b.Local(wasm.I32), b.Local(wasm.I32)
		g.checkIndex(b, hdr, idx)
		g.entryAddr(b, hdr, idx, e)
		g.checkResource(b, e, id)
		b.Get(e)
		b.Mem(wasm.OpI32Load, m, 2, entLends)
		b.TrapIf()
		b.Get(e)
		b.Mem(wasm.OpI32Load, m, 2, entTag)
		b.I32(1<<tagBits - 1)
		b.Op(wasm.OpI32And)
		b.Set(kind)
		b.Get(e)
		b.Mem(wasm.OpI32Load, m, 2, entRep)
		b.Set(rep)
		g.free(b, hdr, idx, e)
		b.Get(rep, kind)
		return nil
	})
}
