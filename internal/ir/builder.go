// Package ir builds function bodies. Its Builder writes instructions straight
// to bytes and records a site for everything they name, so that a generated
// function looks to every later pass like one that was read from an input.
package ir

import (
	"encoding/binary"
	"math"

	"github.com/wbundle/wbundle/graph"
	"github.com/wbundle/wbundle/internal/wasm"
)

// Local is a parameter or local of the function under construction.
type Local uint32

// Builder assembles one function body. Ids of the program are the targets of
// its sites. The zero value is not usable; call New.
type Builder struct {
	buf    []byte
	sites  []wasm.Site
	params int
	types  []wasm.ValType
	free   map[wasm.ValType][]Local
}

// New starts a body with the given parameters, which are locals 0, 1, ...
func New(params []wasm.ValType) *Builder {
	return &Builder{
		params: len(params),
		types:  append([]wasm.ValType(nil), params...),
		free:   map[wasm.ValType][]Local{},
	}
}

// Local returns a local of type t that nobody else uses until Free. Its
// content is undefined: it may have been used before.
func (b *Builder) Local(t wasm.ValType) Local {
	if f := b.free[t]; len(f) > 0 {
		l := f[len(f)-1]
		b.free[t] = f[:len(f)-1]
		return l
	}
	b.types = append(b.types, t)
	return Local(len(b.types) - 1)
}

// Free gives locals back for reuse.
func (b *Builder) Free(ls ...Local) {
	for _, l := range ls {
		t := b.types[l]
		b.free[t] = append(b.free[t], l)
	}
}

// TypeOf returns the type of a local.
func (b *Builder) TypeOf(l Local) wasm.ValType { return b.types[l] }

// Op appends an instruction without immediates.
func (b *Builder) Op(ops ...wasm.Opcode) {
	for _, op := range ops {
		b.op(op)
	}
}

func (b *Builder) op(op wasm.Opcode) {
	if op < 0x100 {
		b.buf = append(b.buf, byte(op))
		return
	}
	b.buf = append(b.buf, 0xfa+byte(op>>12))
	b.buf = wasm.AppendU32(b.buf, uint32(op&0xfff))
}

// site appends a placeholder immediate that emission replaces.
func (b *Builder) site(kind wasm.SiteKind, target uint32, op wasm.Opcode) {
	b.sites = append(b.sites, wasm.Site{Off: uint32(len(b.buf)), Target: target, Kind: kind, Len: 1, Op: op})
	b.buf = append(b.buf, 0)
}

// I32 appends i32.const.
func (b *Builder) I32(v uint32) {
	b.op(wasm.OpI32Const)
	b.buf = wasm.AppendS32(b.buf, int32(v))
}

// I64 appends i64.const.
func (b *Builder) I64(v uint64) {
	b.op(wasm.OpI64Const)
	b.buf = wasm.AppendS64(b.buf, int64(v))
}

// V128 appends v128.const.
func (b *Builder) V128(v [16]byte) {
	b.op(wasm.OpV128Const)
	b.buf = append(b.buf, v[:]...)
}

// Lane appends an instruction that extracts or replaces a lane of a vector.
func (b *Builder) Lane(op wasm.Opcode, lane byte) {
	b.op(op)
	b.buf = append(b.buf, lane)
}

// Shuffle appends i8x16.shuffle.
func (b *Builder) Shuffle(lanes [16]byte) {
	b.op(wasm.OpI8x16Shuffle)
	b.buf = append(b.buf, lanes[:]...)
}

// Zero appends the zero of a number type.
func (b *Builder) Zero(t wasm.ValType) {
	switch t {
	case wasm.I32:
		b.I32(0)
	case wasm.I64:
		b.I64(0)
	case wasm.F32:
		b.op(wasm.OpF32Const)
		b.buf = binary.LittleEndian.AppendUint32(b.buf, math.Float32bits(0))
	case wasm.F64:
		b.op(wasm.OpF64Const)
		b.buf = binary.LittleEndian.AppendUint64(b.buf, math.Float64bits(0))
	default:
		panic("ir: no zero of this type")
	}
}

// Get appends local.get.
func (b *Builder) Get(ls ...Local) {
	for _, l := range ls {
		b.op(wasm.OpLocalGet)
		b.buf = wasm.AppendU32(b.buf, uint32(l))
	}
}

// Set appends local.set.
func (b *Builder) Set(l Local) { b.op(wasm.OpLocalSet); b.buf = wasm.AppendU32(b.buf, uint32(l)) }

// Tee appends local.tee.
func (b *Builder) Tee(l Local) { b.op(wasm.OpLocalTee); b.buf = wasm.AppendU32(b.buf, uint32(l)) }

// GlobalGet appends global.get.
func (b *Builder) GlobalGet(g graph.GlobalID) {
	b.op(wasm.OpGlobalGet)
	b.site(wasm.SiteGlobal, uint32(g), wasm.OpGlobalGet)
}

// GlobalSet appends global.set.
func (b *Builder) GlobalSet(g graph.GlobalID) {
	b.op(wasm.OpGlobalSet)
	b.site(wasm.SiteGlobal, uint32(g), wasm.OpGlobalSet)
}

// Call appends call.
func (b *Builder) Call(f graph.FuncID) {
	b.op(wasm.OpCall)
	b.site(wasm.SiteFunc, uint32(f), wasm.OpCall)
}

// RefFunc appends ref.func.
func (b *Builder) RefFunc(f graph.FuncID) {
	b.op(wasm.OpRefFunc)
	b.site(wasm.SiteFunc, uint32(f), wasm.OpRefFunc)
}

// Mem appends a load or store of memory m with the access's natural or lower
// alignment (log2) and a constant offset.
func (b *Builder) Mem(op wasm.Opcode, m graph.MemoryID, align, offset uint32) {
	b.op(op)
	start := len(b.buf)
	b.buf = wasm.AppendU32(b.buf, align)
	b.buf = wasm.AppendU64(b.buf, uint64(offset))
	b.sites = append(b.sites, wasm.Site{
		Off: uint32(start), Target: uint32(m), Kind: wasm.SiteMemArg, Len: uint8(len(b.buf) - start), Op: op,
	})
}

// RawMem is Mem for an address that Base was applied to.
func (b *Builder) RawMem(op wasm.Opcode, m graph.MemoryID, align, offset uint32) {
	b.Mem(op, m, align, offset)
	b.sites[len(b.sites)-1].Kind = wasm.SiteRawArg
}

func (b *Builder) memOp(op wasm.Opcode) {
	start := len(b.buf)
	b.op(op)
	b.sites = append(b.sites, wasm.Site{Off: uint32(start), Kind: wasm.SiteMemOp, Len: uint8(len(b.buf) - start), Op: op})
}

// MemorySize appends memory.size: the size, in pages, that m has for its owner.
func (b *Builder) MemorySize(m graph.MemoryID) {
	b.memOp(wasm.OpMemorySize)
	b.site(wasm.SiteMemory, uint32(m), wasm.OpMemorySize)
}

// MemoryGrow appends memory.grow.
func (b *Builder) MemoryGrow(m graph.MemoryID) {
	b.memOp(wasm.OpMemoryGrow)
	b.site(wasm.SiteMemory, uint32(m), wasm.OpMemoryGrow)
}

// MemoryInit appends memory.init.
func (b *Builder) MemoryInit(m graph.MemoryID, d graph.DataID) {
	b.memOp(wasm.OpMemoryInit)
	b.site(wasm.SiteData, uint32(d), wasm.OpMemoryInit)
	b.site(wasm.SiteMemory, uint32(m), wasm.OpMemoryInit)
}

// DataDrop appends data.drop.
func (b *Builder) DataDrop(d graph.DataID) {
	b.op(wasm.OpDataDrop)
	b.site(wasm.SiteData, uint32(d), wasm.OpDataDrop)
}

// TableInit appends table.init.
func (b *Builder) TableInit(t graph.TableID, e graph.ElemID) {
	b.op(wasm.OpTableInit)
	b.site(wasm.SiteElem, uint32(e), wasm.OpTableInit)
	b.site(wasm.SiteTable, uint32(t), wasm.OpTableInit)
}

// ElemDrop appends elem.drop.
func (b *Builder) ElemDrop(e graph.ElemID) {
	b.op(wasm.OpElemDrop)
	b.site(wasm.SiteElem, uint32(e), wasm.OpElemDrop)
}

// Base turns the address in m on the stack into an address of the memory
// that m's window lies in; nothing where m has a memory of its own.
func (b *Builder) Base(m graph.MemoryID) {
	start := len(b.buf)
	b.buf = append(b.buf, byte(wasm.OpI32Const), 0, byte(wasm.OpI32Add))
	b.sites = append(b.sites, wasm.Site{Off: uint32(start), Target: uint32(m), Kind: wasm.SiteMemBase, Len: 3})
}

// RawCopy appends memory.copy on addresses that Base was applied to.
func (b *Builder) RawCopy(dst, src graph.MemoryID) {
	b.op(wasm.OpMemoryCopy)
	b.site(wasm.SiteMemory, uint32(dst), wasm.OpMemoryCopy)
	b.site(wasm.SiteMemory, uint32(src), wasm.OpMemoryCopy)
}

// RawFill appends memory.fill on an address that Base was applied to.
func (b *Builder) RawFill(m graph.MemoryID) {
	b.op(wasm.OpMemoryFill)
	b.site(wasm.SiteMemory, uint32(m), wasm.OpMemoryFill)
}

// RawInit appends memory.init on an address that Base was applied to.
func (b *Builder) RawInit(m graph.MemoryID, d graph.DataID) {
	b.op(wasm.OpMemoryInit)
	b.site(wasm.SiteData, uint32(d), wasm.OpMemoryInit)
	b.site(wasm.SiteMemory, uint32(m), wasm.OpMemoryInit)
}

// RawGrow appends memory.grow of the memory that m's window lies in.
func (b *Builder) RawGrow(m graph.MemoryID) {
	b.op(wasm.OpMemoryGrow)
	b.site(wasm.SiteMemory, uint32(m), wasm.OpMemoryGrow)
}

// RawSize appends memory.size of the memory that m's window lies in.
func (b *Builder) RawSize(m graph.MemoryID) {
	b.op(wasm.OpMemorySize)
	b.site(wasm.SiteMemory, uint32(m), wasm.OpMemorySize)
}

// Block, Loop and If open a block without parameters or results.
func (b *Builder) Block() { b.buf = append(b.buf, byte(wasm.OpBlock), 0x40) }

// Loop opens a loop.
func (b *Builder) Loop() { b.buf = append(b.buf, byte(wasm.OpLoop), 0x40) }

// If opens an if without result.
func (b *Builder) If() { b.buf = append(b.buf, byte(wasm.OpIf), 0x40) }

// IfResult opens an if with one result of a number type.
func (b *Builder) IfResult(t wasm.ValType) { b.buf = append(b.buf, byte(wasm.OpIf), byte(t.Kind)) }

// Else appends else.
func (b *Builder) Else() { b.op(wasm.OpElse) }

// End appends end.
func (b *Builder) End() { b.op(wasm.OpEnd) }

// Br appends br.
func (b *Builder) Br(depth uint32) { b.op(wasm.OpBr); b.buf = wasm.AppendU32(b.buf, depth) }

// BrIf appends br_if.
func (b *Builder) BrIf(depth uint32) { b.op(wasm.OpBrIf); b.buf = wasm.AppendU32(b.buf, depth) }

// BrTable appends br_table.
func (b *Builder) BrTable(depths []uint32, def uint32) {
	b.op(wasm.OpBrTable)
	b.buf = wasm.AppendU32(b.buf, uint32(len(depths)))
	for _, d := range depths {
		b.buf = wasm.AppendU32(b.buf, d)
	}
	b.buf = wasm.AppendU32(b.buf, def)
}

// TrapIf traps when the i32 on the stack is not zero.
func (b *Builder) TrapIf() {
	b.If()
	b.op(wasm.OpUnreachable)
	b.End()
}

// Guard opens a block out of which no exception escapes; Unguard closes it.
// What is between must end with a return. legacy chooses the instructions of
// the older proposal, which engines do not accept beside the standard ones.
func (b *Builder) Guard(legacy bool) {
	if legacy {
		b.buf = append(b.buf, byte(wasm.OpTry), 0x40)
		return
	}
	const catchAll = 2
	b.Block()
	b.buf = append(b.buf, byte(wasm.OpTryTable), 0x40, 1, catchAll, 0)
}

// Unguard closes Guard: an exception is a trap.
func (b *Builder) Unguard(legacy bool) {
	if legacy {
		b.Op(wasm.OpCatchAll, wasm.OpUnreachable, wasm.OpEnd, wasm.OpUnreachable)
		return
	}
	b.Op(wasm.OpEnd, wasm.OpUnreachable, wasm.OpEnd, wasm.OpUnreachable)
}

// Finish closes the body and returns it.
func (b *Builder) Finish() *wasm.Body {
	b.op(wasm.OpEnd)
	var head []byte
	type run struct {
		n uint32
		t wasm.ValType
	}
	var runs []run
	for _, t := range b.types[b.params:] {
		if n := len(runs); n > 0 && runs[n-1].t == t {
			runs[n-1].n++
		} else {
			runs = append(runs, run{1, t})
		}
	}
	head = wasm.AppendU32(head, uint32(len(runs)))
	for _, r := range runs {
		head = wasm.AppendU32(head, r.n)
		head = wasm.AppendValType(head, r.t)
	}
	code := len(head)
	for i := range b.sites {
		b.sites[i].Off += uint32(code)
	}
	return &wasm.Body{Bytes: append(head, b.buf...), Code: code, Sites: b.sites}
}
