package ir

import "github.com/wbundle/wbundle/internal/wasm"

// Finalize counts the branches to every label, gives every node its type and
// removes what follows a statement that is never left. Passes call it after
// they changed what branches there are, or what is reachable.
func (f *Func) Finalize() {
	clearRefs(f.Body)
	countRefs(f.Body)
	f.finalize(f.Body)
}

func clearRefs(n *Node) {
	n.Refs = 0
	for _, k := range n.Kids {
		clearRefs(k)
	}
}

func countRefs(n *Node) {
	if n.Target != nil {
		n.Target.Refs++
	}
	for i := range n.Targets {
		n.Targets[i].Label.Refs++
	}
	for _, k := range n.Kids {
		countRefs(k)
	}
}

// uncount takes the branches of a tree that is thrown away off their labels.
func uncount(n *Node) {
	if n.Target != nil {
		n.Target.Refs--
	}
	for i := range n.Targets {
		n.Targets[i].Label.Refs--
	}
	for _, k := range n.Kids {
		uncount(k)
	}
}

// Discard takes note that a tree is thrown away: its branches no longer count.
// It needs not be called by a pass that ends with Finalize, unless the pass
// looks at Refs.
func Discard(n *Node) { uncount(n) }

func (f *Func) finalize(n *Node) {
	for _, k := range n.Kids {
		f.finalize(k)
	}
	f.retype(n)
}

// retype gives a node the type that follows from its kids.
func (f *Func) retype(n *Node) {
	switch n.Op {
	case wasm.OpBlock:
		for i, k := range n.Kids {
			if k.IsUnreachable() && i < len(n.Kids)-1 {
				for _, dead := range n.Kids[i+1:] {
					uncount(dead)
				}
				n.Kids = n.Kids[:i+1]
				break
			}
		}
		last := None
		if len(n.Kids) > 0 {
			last = n.Kids[len(n.Kids)-1].Type
		}
		switch {
		case n == f.Body:
			n.Type = f.Result
		case n.Refs > 0 && (last.Kind == KindUnreachable || n.Result.Kind == wasm.KindRef):
			n.Type = n.Result
		default:
			n.Type = last
		}
	case wasm.OpLoop:
		n.Type = n.Kids[0].Type
	case wasm.OpTryTable:
		n.Type = n.Kids[0].Type
		n.declared()
	case wasm.OpIf:
		switch {
		case n.Kids[0].IsUnreachable():
			n.Type = Unreachable
		case len(n.Kids) == 2:
			n.Type = None
		case n.Kids[1].IsUnreachable():
			n.Type = n.Kids[2].Type
		default:
			n.Type = n.Kids[1].Type
		}
		n.declared()
	case wasm.OpBr, wasm.OpBrTable, wasm.OpReturn, wasm.OpUnreachable, wasm.OpThrow, wasm.OpThrowRef,
		wasm.OpReturnCall, wasm.OpReturnCallIndirect, wasm.OpReturnCallRef:
		n.Type = Unreachable
	default:
		for _, k := range n.Kids {
			if k.IsUnreachable() {
				n.Type = Unreachable
				return
			}
		}
		if n.Type.Kind == KindUnreachable {
			// An operand was unreachable and no longer is.
			n.Type = f.typeOf(n)
		}
		if n.Op == OpFirst || n.Op == wasm.OpBrIf && len(n.Kids) == 2 {
			n.Type = n.Kids[0].Type
		}
	}
}

// declared makes the type of an if or try_table that gives a reference the one
// that it was declared with, of which those of its arms may be subtypes. One that
// was never left says nothing of what its arms have been given since.
func (n *Node) declared() {
	if n.Result.Kind == wasm.KindRef && n.Type.Kind == wasm.KindRef {
		n.Type = n.Result
	}
}

// typeOf is the type of the value that an instruction leaves when its operands
// have theirs.
func (f *Func) typeOf(n *Node) wasm.ValType {
	c := f.Ctx
	results := func(t *wasm.SubType) wasm.ValType {
		if len(t.Results) == 0 {
			return None
		}
		return t.Results[0]
	}
	switch n.Op {
	case wasm.OpLocalGet, wasm.OpLocalTee:
		return f.Locals[n.Imm]
	case wasm.OpGlobalGet:
		return c.Globals[n.Imm].Type
	case wasm.OpTableGet:
		return c.Tables[n.Imm].Elem
	case wasm.OpTableSize, wasm.OpTableGrow:
		if c.Tables[n.Imm].Is64 {
			return wasm.I64
		}
		return wasm.I32
	case wasm.OpCall:
		return results(c.FuncType(uint32(n.Imm)))
	case wasm.OpCallIndirect, wasm.OpCallRef:
		return results(&c.M.Types[n.Imm])
	case wasm.OpSelect:
		return n.Kids[0].Type
	case wasm.OpSelectT:
		return n.Result
	case wasm.OpRefIsNull:
		return wasm.I32
	case wasm.OpRefAsNonNull:
		t := n.Kids[0].Type
		t.Nullable = false
		return t
	case wasm.OpRefNull, wasm.OpRefFunc:
		return n.Result
	case wasm.OpBrIf, wasm.OpLocalSet, wasm.OpGlobalSet, wasm.OpTableSet, wasm.OpDrop, OpFirst,
		wasm.OpTableInit, wasm.OpTableCopy, wasm.OpTableFill, wasm.OpMemoryCopy:
		return None
	}
	in, out := signature(n.Op)
	if len(out) == 0 {
		return None
	}
	_ = in
	if out[0] == 'a' {
		_, mem, _ := n.MemArg()
		if n.Op == wasm.OpMemorySize || n.Op == wasm.OpMemoryGrow {
			mem = uint32(n.Imm)
		}
		return c.address(mem)
	}
	return letter(out[0])
}

// signature is the operands and results of an instruction with a fixed type,
// in the letters of wasm.OpInfo.
func signature(op wasm.Opcode) (in, out string) {
	sig := op.Info().Sig
	for i := range len(sig) {
		if sig[i] == ':' {
			return sig[:i], sig[i+1:]
		}
	}
	return "", ""
}

func letter(l byte) wasm.ValType {
	switch l {
	case 'i':
		return wasm.I32
	case 'l':
		return wasm.I64
	case 'f':
		return wasm.F32
	case 'd':
		return wasm.F64
	case 'v':
		return wasm.V128
	}
	panic("ir: signature letter without a type")
}
