package ir

import "github.com/wbundle/wbundle/internal/wasm"

// Effect is a set of things that evaluating a tree may do, or depend on.
type Effect uint32

// The effects. What a call may do is in the function's own set, when that is
// known; else it is everything that crosses functions.
const (
	// ReadsLocal and WritesLocal are about locals of the function; Locals tells
	// which.
	ReadsLocal Effect = 1 << iota
	WritesLocal
	ReadsGlobal
	WritesGlobal
	// Memory includes its size.
	ReadsMemory
	WritesMemory
	// Table includes its size and the element segments; dropped data segments
	// count as memory.
	ReadsTable
	WritesTable
	// Traps: it may trap. A trap may not pass a write or a call, which others
	// could see, and may pass everything else.
	Traps
	// Branches: it may leave the tree other than at its end, without trapping.
	Branches
	// Throws: it may throw an exception.
	Throws
	// Calls: it may call something outside of the module, or run without end.
	Calls

	// AnyCall is what a function may do of which nothing is known.
	AnyCall = ReadsGlobal | WritesGlobal | ReadsMemory | WritesMemory | ReadsTable | WritesTable | Traps | Throws | Calls

	// Writes are the effects that others could see.
	Writes = WritesGlobal | WritesMemory | WritesTable | Calls | Throws
	// Side are those that forbid to leave a tree out whose value nobody needs.
	Side = Writes | WritesLocal | Traps | Branches
)

// opEffects are the effects of an instruction itself, for those that do not
// depend on more than the opcode.
func opEffects(n *Node) Effect {
	op := n.Op
	switch op {
	case wasm.OpLocalGet:
		return ReadsLocal
	case wasm.OpLocalSet, wasm.OpLocalTee:
		return WritesLocal
	case wasm.OpGlobalGet:
		return ReadsGlobal
	case wasm.OpGlobalSet:
		return WritesGlobal
	case wasm.OpTableGet:
		return ReadsTable | Traps
	case wasm.OpTableSize:
		return ReadsTable
	case wasm.OpTableSet, wasm.OpTableInit, wasm.OpTableCopy, wasm.OpTableFill:
		return ReadsTable | WritesTable | Traps
	case wasm.OpTableGrow, wasm.OpElemDrop:
		return ReadsTable | WritesTable
	case wasm.OpMemorySize:
		return ReadsMemory
	case wasm.OpMemoryGrow, wasm.OpDataDrop:
		return ReadsMemory | WritesMemory
	case wasm.OpMemoryFill, wasm.OpMemoryCopy, wasm.OpMemoryInit:
		return ReadsMemory | WritesMemory | Traps
	case wasm.OpI32DivS, wasm.OpI32DivU, wasm.OpI32RemS, wasm.OpI32RemU,
		wasm.OpI64DivS, wasm.OpI64DivU, wasm.OpI64RemS, wasm.OpI64RemU:
		return divides(n)
	case wasm.OpI32TruncF32S, wasm.OpI32TruncF32U, wasm.OpI32TruncF64S, wasm.OpI32TruncF64U,
		wasm.OpI64TruncF32S, wasm.OpI64TruncF32U, wasm.OpI64TruncF64S, wasm.OpI64TruncF64U,
		wasm.OpUnreachable, wasm.OpRefAsNonNull:
		return Traps
	case wasm.OpBr, wasm.OpBrIf, wasm.OpBrTable, wasm.OpReturn:
		return Branches
	case wasm.OpThrow, wasm.OpThrowRef:
		return Throws | Branches | Traps
	case wasm.OpReturnCall, wasm.OpReturnCallIndirect, wasm.OpReturnCallRef:
		return AnyCall | Branches
	case wasm.OpCallIndirect, wasm.OpCallRef:
		return AnyCall
	case wasm.OpLoop:
		if n.Refs > 0 {
			return Calls // it may never end
		}
		return 0
	case wasm.OpTryTable:
		return Branches
	}
	info := op.Info()
	if info == nil || info.Imms[0] != wasm.ImmMemArg {
		if op&^0xfff == wasm.PrefixAtomic {
			return AnyCall
		}
		return 0
	}
	if op&^0xfff == wasm.PrefixAtomic {
		return ReadsMemory | WritesMemory | Traps | Calls
	}
	if _, out := signature(op); out == "" {
		return WritesMemory | Traps
	}
	return ReadsMemory | Traps
}

// divides is whether a division may trap: not by a constant that is neither 0
// nor, for signed ones, -1.
func divides(n *Node) Effect {
	d := n.Kids[1]
	switch {
	case d.Op == wasm.OpI32Const && d.Imm != 0 && uint32(d.Imm) != 0xffffffff,
		d.Op == wasm.OpI64Const && d.Imm != 0 && d.Imm != ^uint64(0):
		return 0
	}
	return Traps
}

// NodeEffects are the effects of an instruction without those of its operands
// and contents.
func (f *Func) NodeEffects(n *Node) Effect {
	if n.Op == wasm.OpCall {
		if fx := f.Ctx.Effects; fx != nil {
			return fx[n.Imm]
		}
		return AnyCall
	}
	if n.Op == wasm.OpGlobalGet && !f.Ctx.Globals[n.Imm].Mutable {
		return 0
	}
	return opEffects(n)
}

// Effects are the effects of a whole tree. A branch that stays within the tree
// is no effect of it.
func (f *Func) Effects(n *Node) Effect {
	fx, out := f.effects(n)
	if out == 0 {
		fx &^= Branches
	}
	return fx
}

// effects also counts the branches that leave the tree: those that go to the
// labels of n's own blocks are taken off again at their blocks.
func (f *Func) effects(n *Node) (fx Effect, out int32) {
	fx = f.NodeEffects(n)
	switch n.Op {
	case wasm.OpBr, wasm.OpBrIf:
		out = 1
	case wasm.OpBrTable, wasm.OpTryTable:
		out = int32(len(n.Targets()))
	case wasm.OpReturn, wasm.OpThrow, wasm.OpThrowRef, wasm.OpReturnCall, wasm.OpReturnCallIndirect, wasm.OpReturnCallRef:
		out = 1 << 20 // never within
	}
	for _, k := range n.Kids {
		kfx, kout := f.effects(k)
		fx |= kfx
		out += kout
	}
	if (n.Op == wasm.OpBlock || n.Op == wasm.OpLoop) && n != f.Body {
		out -= n.Refs
	}
	return fx, out
}

// Removable reports whether a tree may be left out when nobody needs its value.
func (f *Func) Removable(n *Node) bool { return f.Effects(n)&Side == 0 }

// Locals calls get and set with the locals that a tree reads and writes.
func Locals(n *Node, get, set func(local uint32)) {
	switch n.Op {
	case wasm.OpLocalGet:
		get(uint32(n.Imm))
	case wasm.OpLocalSet, wasm.OpLocalTee:
		set(uint32(n.Imm))
	}
	for _, k := range n.Kids {
		Locals(k, get, set)
	}
}

// Conflict reports whether trees with the effects a and b, not looking at
// locals, must stay in the order in which they are.
func Conflict(a, b Effect) bool {
	return conflict(a, b) || conflict(b, a)
}

func conflict(a, b Effect) bool {
	switch {
	case a&Branches != 0 && b&(Side|Branches) != 0, // what follows a branch may not happen
		a&(Throws|Calls) != 0 && b&(Side&^WritesLocal) != 0,
		a&Throws != 0 && b&WritesLocal != 0,
		a&WritesGlobal != 0 && b&(ReadsGlobal|WritesGlobal) != 0,
		a&WritesMemory != 0 && b&(ReadsMemory|WritesMemory) != 0,
		a&WritesTable != 0 && b&(ReadsTable|WritesTable) != 0,
		a&Traps != 0 && b&Writes != 0:
		return true
	}
	return false
}
