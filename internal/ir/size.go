package ir

import (
	"math/bits"

	"github.com/wbundle/wbundle/internal/wasm"
)

// Retype gives a node the type that follows from those of its kids, and takes
// off the end of a block what is never reached. It is Finalize of one node, for
// a pass that works from the leaves up.
func (f *Func) Retype(n *Node) { f.retype(n) }

// Size is how many bytes Encode writes for a tree. It counts one byte for the
// depth of a label, which is right below 128.
func (f *Func) Size(n *Node) int {
	switch n.Op {
	case wasm.OpNop:
		return 0
	case wasm.OpBlock:
		size := 0
		if n.Refs > 0 && n != f.Body && !(len(n.Kids) == 1 && takesLabel(n.Kids[0], n)) {
			size = 3
		}
		return size + f.sizes(n.Kids)
	case wasm.OpLoop:
		return 3 + f.Size(n.Kids[0])
	case wasm.OpTryTable:
		size := 4 + f.Size(n.Kids[0])
		for i := range n.Targets() {
			size += 2
			if n.Targets()[i].Kind < 2 {
				size += sizeU(uint64(n.Targets()[i].Tag))
			}
		}
		return size
	case wasm.OpIf:
		if n.Kids[0].IsUnreachable() {
			return f.Size(n.Kids[0])
		}
		size := f.Size(n.Kids[0]) + 3 + f.Size(n.Kids[1])
		if len(n.Kids) == 3 {
			if no := f.Size(n.Kids[2]); no > 0 || n.HasValue() {
				size += 1 + no
			}
		}
		return size
	}
	size := f.sizes(n.Kids)
	for _, k := range n.Kids {
		if k.IsUnreachable() {
			return size
		}
	}
	return size + f.sizeInstr(n)
}

// sizes is the size of trees one after the other, up to the one that is never
// left.
func (f *Func) sizes(kids []*Node) int {
	size := 0
	for _, k := range kids {
		size += f.Size(k)
		if k.IsUnreachable() {
			break
		}
	}
	return size
}

// sizeU and sizeS are the sizes of a number as LEB128.
func sizeU(v uint64) int { return (max(bits.Len64(v), 1) + 6) / 7 }

func sizeS(v int64) int {
	if v < 0 {
		v = ^v
	}
	return bits.Len64(uint64(v))/7 + 1
}

// sizeInstr is the size of an instruction without its operands.
func (f *Func) sizeInstr(n *Node) int {
	u32 := func(v uint64) int { return sizeU(uint64(uint32(v))) }
	switch n.Op {
	case OpFirst:
		return 0
	case wasm.OpBr, wasm.OpBrIf:
		if n.Op == wasm.OpBr && n.Target == f.Body {
			return 1
		}
		return 2
	}
	size := 1
	if n.Op >= 0x100 {
		size = 1 + sizeU(uint64(n.Op&0xfff))
	}
	switch n.Op {
	case wasm.OpBrTable:
		return size + sizeU(uint64(len(n.Targets())-1)) + len(n.Targets())
	case wasm.OpI32Const:
		return size + sizeS(int64(int32(n.Imm)))
	case wasm.OpI64Const:
		return size + sizeS(int64(n.Imm))
	case wasm.OpF32Const:
		return size + 4
	case wasm.OpF64Const:
		return size + 8
	case wasm.OpV128Const, wasm.OpI8x16Shuffle:
		return size + 16
	case wasm.OpCallIndirect, wasm.OpReturnCallIndirect, wasm.OpTableCopy, wasm.OpTableInit, wasm.OpMemoryCopy, wasm.OpMemoryInit:
		return size + u32(n.Imm) + u32(n.Aux)
	case wasm.OpRefNull:
		return size + len(wasm.AppendHeapType(nil, n.Result.Heap))
	case wasm.OpSelectT:
		return size + len(wasm.AppendValTypes(nil, []wasm.ValType{n.Result}))
	}
	for _, imm := range n.Op.Info().Imms {
		switch imm {
		case wasm.ImmNone:
			return size
		case wasm.ImmMemOp:
		case wasm.ImmMemArg:
			_, memory, _ := n.MemArg()
			size += 1 + sizeU(n.Imm)
			if memory != 0 {
				size += sizeU(uint64(memory))
			}
			if n.Op.Info().Imms[1] == wasm.ImmLane {
				size++
			}
			return size
		case wasm.ImmLane, wasm.ImmZero:
			size++
		default:
			size += u32(n.Imm)
		}
	}
	return size
}
