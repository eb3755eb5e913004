package ir

import "github.com/wbundle/wbundle/internal/wasm"

// BodyEffects are the effects that a call of a function with this body has,
// apart from those of the functions that it calls directly, which are not
// counted. No tree is made; the body must have been scanned (Body.Code).
//
// A loop may run without end, which is in Calls. What has no place in a tree,
// but for control flow, may do anything.
func (c *Context) BodyEffects(b *wasm.Body) Effect {
	fx := Effect(0)
	divisor := Node{}
	n := Node{Refs: 1, Kids: []*Node{nil, &divisor}}
	for off := b.Code; fx != AnyCall; {
		in, ok := wasm.NextInstr(b.Bytes, off)
		if !ok {
			break
		}
		off = int(in.Off + in.Len)
		switch {
		case in.Op == wasm.OpCall || in.Op == wasm.OpReturnCall:
		case in.Op&^0xfff == wasm.PrefixGC, in.Op == wasm.OpTry, in.Op == wasm.OpRethrow:
			return AnyCall
		case in.Op == wasm.OpGlobalGet && !c.Globals[in.Arg].Mutable:
		default:
			n.Op = in.Op
			fx |= opEffects(&n) & AnyCall
		}
		// The instruction before a division is its divisor, when it is a constant.
		divisor.Op, divisor.Imm = in.Op, in.Arg
		if in.Op == wasm.OpI32Const {
			divisor.Imm = uint64(uint32(in.Arg))
		}
	}
	return fx
}
