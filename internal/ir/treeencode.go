package ir

import (
	"bytes"
	"encoding/binary"

	"github.com/wbundle/wbundle/internal/wasm"
)

// Encode writes a tree back as a body. The types must be right (Finalize). The
// sites are not found again; wasm.Module.ScanRange does that.
//
// A block that no branch names costs nothing: its statements are written where
// it stands. An if alone in a labelled block takes the label.
func Encode(f *Func) []byte { return bytes.Clone(f.arena.encode(f)) }

// EncodedSize is how many bytes Encode would return.
func EncodedSize(f *Func) int { return len(f.arena.encode(f)) }

// encode encodes a tree of the arena, good until the next call: bodies are kept
// for long, and what appending leaves room for is a quarter of what it returns.
func (a *Arena) encode(f *Func) []byte {
	a.code = AppendBody(a.code[:0], f)
	return a.code
}

// AppendBody is Encode at the end of dst.
func AppendBody(dst []byte, f *Func) []byte {
	e := encoder{f: f, buf: dst}
	e.locals()
	e.labels = append(e.labels, f.Body)
	e.frame(f.Body, f.Result)
	e.buf = append(e.buf, byte(wasm.OpEnd))
	return e.buf
}

type encoder struct {
	f      *Func
	buf    []byte
	labels []*Node // of the open frames; nil for those that are no label
}

func (e *encoder) locals() {
	ls := e.f.Locals[e.f.Params:]
	runs := uint32(0)
	for i := range ls {
		if i == 0 || ls[i] != ls[i-1] {
			runs++
		}
	}
	e.buf = wasm.AppendU32(e.buf, runs)
	for i := 0; i < len(ls); {
		n := 1
		for i+n < len(ls) && ls[i+n] == ls[i] {
			n++
		}
		e.buf = wasm.AppendU32(e.buf, uint32(n))
		e.buf = wasm.AppendValType(e.buf, ls[i])
		i += n
	}
}

// frame writes the contents of a construct that has the given result. n is its
// body; a block there is only a list of statements.
func (e *encoder) frame(n *Node, want wasm.ValType) {
	if n.Op == wasm.OpBlock && (n.Refs == 0 || n == e.labels[len(e.labels)-1]) {
		e.list(n.Kids, want, true)
		return
	}
	e.node(n, want, true)
}

// list writes statements one after the other. tail says that the end of the
// last is the end of a frame whose result is want, with nothing else on the
// stack.
func (e *encoder) list(kids []*Node, want wasm.ValType, tail bool) {
	for i, k := range kids {
		e.node(k, want, tail && i == len(kids)-1)
		if k.IsUnreachable() {
			return
		}
	}
}

// depth is the depth of a label.
func (e *encoder) depth(l *Node) uint32 {
	for i := len(e.labels) - 1; i >= 0; i-- {
		if e.labels[i] == l {
			return uint32(len(e.labels) - 1 - i)
		}
	}
	panic("ir: a branch to what does not enclose it")
}

// blockType is what the construct n has to declare, and whether unreachable
// has to follow it: where it is never left at its end, the validator must know.
func blockType(n *Node, want wasm.ValType, tail bool) (t wasm.ValType, trap bool) {
	if !n.IsUnreachable() {
		return n.Type, false
	}
	if tail {
		return want, false
	}
	return None, true
}

func (e *encoder) open(op wasm.Opcode, t wasm.ValType, label *Node) {
	e.buf = append(e.buf, byte(op))
	if t.Kind == KindNone {
		e.buf = append(e.buf, 0x40)
	} else {
		e.buf = wasm.AppendValType(e.buf, t)
	}
	e.labels = append(e.labels, label)
}

func (e *encoder) end(trap bool) {
	e.buf = append(e.buf, byte(wasm.OpEnd))
	if trap {
		e.buf = append(e.buf, byte(wasm.OpUnreachable))
	}
	e.labels = e.labels[:len(e.labels)-1]
}

// names reports whether a branch within n names l.
func names(n, l *Node) bool {
	if n.Target == l {
		return true
	}
	for i := range n.Targets {
		if n.Targets[i].Label == l {
			return true
		}
	}
	for _, k := range n.Kids {
		if names(k, l) {
			return true
		}
	}
	return false
}

// takesLabel reports whether an if or try_table that is all there is in the
// block l can be the label itself.
func takesLabel(n, l *Node) bool {
	switch n.Op {
	case wasm.OpIf:
		return !n.Kids[0].IsUnreachable() && !names(n.Kids[0], l)
	case wasm.OpTryTable:
		for i := range n.Targets {
			if n.Targets[i].Label == l {
				return false
			}
		}
		return true
	}
	return false
}

// node writes n and what it encloses.
func (e *encoder) node(n *Node, want wasm.ValType, tail bool) {
	switch n.Op {
	case wasm.OpNop:
		return
	case wasm.OpBlock:
		if n.Refs == 0 {
			e.list(n.Kids, want, tail)
			return
		}
		if len(n.Kids) == 1 && takesLabel(n.Kids[0], n) {
			e.construct(n.Kids[0], n, n.Type, false)
			return
		}
		e.open(wasm.OpBlock, n.Type, n)
		e.frame(n, n.Type)
		e.end(false)
		return
	case wasm.OpLoop:
		t, trap := blockType(n, want, tail)
		e.open(wasm.OpLoop, t, n)
		e.frame(n.Kids[0], t)
		e.end(trap)
		return
	case wasm.OpIf, wasm.OpTryTable:
		if n.Op == wasm.OpIf && n.Kids[0].IsUnreachable() {
			e.node(n.Kids[0], want, tail)
			return
		}
		t, trap := blockType(n, want, tail)
		e.construct(n, nil, t, trap)
		return
	}
	for i, k := range n.Kids {
		e.node(k, want, false)
		if k.IsUnreachable() {
			_ = i
			return // n itself is never reached
		}
	}
	if n.Op != OpFirst {
		e.instr(n)
	}
}

// construct writes an if or try_table with its label.
func (e *encoder) construct(n, label *Node, t wasm.ValType, trap bool) {
	if n.Op == wasm.OpIf {
		e.node(n.Kids[0], None, false)
		e.open(wasm.OpIf, t, label)
		e.frame(n.Kids[1], t)
		if len(n.Kids) == 3 && (t.Kind != KindNone || !isEmpty(n.Kids[2])) {
			e.buf = append(e.buf, byte(wasm.OpElse))
			e.frame(n.Kids[2], t)
		}
		e.end(trap)
		return
	}
	e.open(wasm.OpTryTable, t, label)
	e.labels = e.labels[:len(e.labels)-1] // clauses count from outside
	e.buf = wasm.AppendU32(e.buf, uint32(len(n.Targets)))
	for i := range n.Targets {
		c := &n.Targets[i]
		e.buf = append(e.buf, c.Kind)
		if c.Kind < 2 {
			e.buf = wasm.AppendU32(e.buf, c.Tag)
		}
		e.buf = wasm.AppendU32(e.buf, e.depth(c.Label))
	}
	e.labels = append(e.labels, label)
	e.frame(n.Kids[0], t)
	e.end(trap)
}

// isEmpty reports whether a statement is written as nothing.
func isEmpty(n *Node) bool {
	switch n.Op {
	case wasm.OpNop:
		return true
	case wasm.OpBlock:
		for _, k := range n.Kids {
			if !isEmpty(k) {
				return false
			}
		}
		return true
	}
	return false
}

// instr writes the instruction itself, its operands being on the stack.
func (e *encoder) instr(n *Node) {
	u32 := func(v uint64) { e.buf = wasm.AppendU32(e.buf, uint32(v)) }
	switch n.Op {
	case wasm.OpBr, wasm.OpBrIf:
		if n.Op == wasm.OpBr && n.Target == e.f.Body {
			e.buf = append(e.buf, byte(wasm.OpReturn))
			return
		}
		e.buf = append(e.buf, byte(n.Op))
		u32(uint64(e.depth(n.Target)))
		return
	}
	e.buf = wasm.AppendOpcode(e.buf, n.Op)
	switch n.Op {
	case wasm.OpBrTable:
		u32(uint64(len(n.Targets) - 1))
		for i := range n.Targets {
			u32(uint64(e.depth(n.Targets[i].Label)))
		}
	case wasm.OpI32Const:
		e.buf = wasm.AppendS32(e.buf, int32(n.Imm))
	case wasm.OpI64Const:
		e.buf = wasm.AppendS64(e.buf, int64(n.Imm))
	case wasm.OpF32Const:
		e.buf = binary.LittleEndian.AppendUint32(e.buf, uint32(n.Imm))
	case wasm.OpF64Const:
		e.buf = binary.LittleEndian.AppendUint64(e.buf, n.Imm)
	case wasm.OpV128Const, wasm.OpI8x16Shuffle:
		e.buf = binary.LittleEndian.AppendUint64(e.buf, n.Imm)
		e.buf = binary.LittleEndian.AppendUint64(e.buf, n.Aux)
	case wasm.OpCallIndirect, wasm.OpReturnCallIndirect, wasm.OpTableCopy, wasm.OpTableInit, wasm.OpMemoryCopy, wasm.OpMemoryInit:
		u32(n.Imm)
		u32(n.Aux)
	case wasm.OpRefNull:
		e.buf = wasm.AppendHeapType(e.buf, n.Result.Heap)
	case wasm.OpSelectT:
		e.buf = wasm.AppendValTypes(e.buf, []wasm.ValType{n.Result})
	default:
		for _, imm := range n.Op.Info().Imms {
			switch imm {
			case wasm.ImmNone:
				return
			case wasm.ImmMemOp:
			case wasm.ImmMemArg:
				align, memory, lane := n.MemArg()
				e.buf = wasm.AppendMemArg(e.buf, wasm.MemArg{Align: align, Memory: memory, Offset: n.Imm})
				if n.Op.Info().Imms[1] == wasm.ImmLane {
					e.buf = append(e.buf, lane)
				}
				return
			case wasm.ImmLane, wasm.ImmZero:
				e.buf = append(e.buf, byte(n.Imm))
			default:
				u32(n.Imm)
			}
		}
	}
}
