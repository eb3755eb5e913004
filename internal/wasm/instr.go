package wasm

import "encoding/binary"

// Instr is one instruction of a body or constant expression.
type Instr struct {
	Op Opcode
	// Off and Len are where its bytes stand; Imm is the offset of its first
	// immediate (Off+Len when it has none).
	Off, Len, Imm uint32
	// Arg is the value of the first immediate: an index, label or count as
	// it is; i32.const and i64.const sign-extended; the bits of f32.const
	// and f64.const; a lane. For a memarg it is the offset, for a block
	// type or heap type the s33, sign-extended. 0 for what has several
	// parts (br_table, try_table, select with a type, v128.const, shuffle).
	Arg uint64
}

// NextInstr reads the instruction at off of b; ok is false at the end of b and
// for bytes that are no instruction (which a scanned body does not have).
// Start at Body.Code and go on at Off+Len:
//
//	for off := body.Code; ; {
//		in, ok := wasm.NextInstr(body.Bytes, off)
//		if !ok {
//			break
//		}
//		off = int(in.Off + in.Len)
//	}
func NextInstr(b []byte, off int) (in Instr, ok bool) {
	op, p := readOpcode(b, off)
	if p < 0 {
		return in, false
	}
	info := op.Info()
	if info == nil {
		return in, false
	}
	in = Instr{Op: op, Off: uint32(off), Imm: uint32(p)}
	first := true
	for _, imm := range info.Imms {
		if imm == ImmNone {
			break
		}
		if imm == ImmMemOp {
			continue
		}
		arg, next := readImm(b, p, imm)
		if next < 0 || next > len(b) {
			return in, false
		}
		if first {
			in.Arg, first = arg, false
		}
		p = next
	}
	in.Len = uint32(p - off)
	return in, true
}

// readImm reads one immediate at p; next is negative or past the end of b when
// it is malformed.
func readImm(b []byte, p int, imm Imm) (arg uint64, next int) {
	switch imm {
	case ImmLabel, ImmFunc, ImmType, ImmTable, ImmLocal, ImmGlobal, ImmTag, ImmData, ImmElem, ImmMemory, ImmField, ImmCount:
		v, next := lebU32(b, p)
		return uint64(v), next
	case ImmS32, ImmS64:
		v, next := lebSigned(b, p, 64)
		return uint64(v), next
	case ImmHeapType:
		v, next := lebSigned(b, p, 33)
		return uint64(v), next
	case ImmBlockType:
		v, next := lebSigned(b, p, 33)
		if next > 0 && (b[p] == typeRef || b[p] == typeRefNull) && next == p+1 {
			_, next = lebSigned(b, next, 33)
		}
		return uint64(v), next
	case ImmMemArg:
		m, next := readMemArg(b, p)
		return m.Offset, next
	case ImmF32:
		if p+4 > len(b) {
			return 0, lebEnd
		}
		return uint64(binary.LittleEndian.Uint32(b[p:])), p + 4
	case ImmF64:
		if p+8 > len(b) {
			return 0, lebEnd
		}
		return binary.LittleEndian.Uint64(b[p:]), p + 8
	case ImmV128, ImmLanes:
		return 0, p + 16
	case ImmLane, ImmZero, ImmCastFlags:
		if p >= len(b) {
			return 0, lebEnd
		}
		return uint64(b[p]), p + 1
	case ImmLabelTable:
		n, next := lebU32(b, p)
		for i := uint32(0); i <= n && next >= 0; i++ {
			_, next = lebU32(b, next)
		}
		return 0, next
	case ImmValTypes:
		n, next := lebU32(b, p)
		for ; n > 0 && next >= 0; n-- {
			next = skipValType(b, next)
		}
		return 0, next
	case ImmCatches:
		n, next := lebU32(b, p)
		for ; n > 0 && next >= 0; n-- {
			if next >= len(b) {
				return 0, lebEnd
			}
			indices := 1
			if b[next] == catchTag || b[next] == catchRef {
				indices = 2
			}
			next++
			for ; indices > 0 && next >= 0; indices-- {
				_, next = lebU32(b, next)
			}
		}
		return 0, next
	}
	panic("wasm: immediate kind without a reader")
}

func skipValType(b []byte, p int) int {
	if p >= len(b) {
		return lebEnd
	}
	if b[p] != typeRef && b[p] != typeRefNull {
		return p + 1
	}
	_, next := lebSigned(b, p+1, 33)
	return next
}
