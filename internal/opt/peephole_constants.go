package opt

import (
	"math"
	"math/bits"

	"github.com/wbundle/wbundle/internal/ir"
	"github.com/wbundle/wbundle/internal/wasm"
)

// The pass short-constants: a large constant is written as a small one and an
// instruction that makes it. It runs at Size only, and last, because the other
// passes know constants, and not these.
//
// Input and output are final trees. For example
//
//	f64.const 1                       i32.const 1
//	                      becomes     f64.convert_i32_s          3 bytes, not 9
//
//	i64.const 4294967295  becomes     i32.const -1
//	                                  i64.extend_i32_u           3 bytes, not 6
//
//	i64.const 9223372036854775807     i64.const -1
//	                      becomes     i64.const 1
//	                                  i64.shr_u                  5 bytes, not 11
//
// At least two bytes must be gained: there is one more instruction for it.
// Engines that optimise make a constant of it again. The bits are the same: an
// integer of 32 bits is exact as an f64, and is checked to be so as an f32; -0 is
// no integer.
func shortConstants(f *ir.Func, s *state) bool {
	if s.o.Level == Size {
		shorten(f, f.Body)
	}
	return false // nothing that another pass could use
}

const worth = 2

func shorten(f *ir.Func, n *ir.Node) {
	for i, k := range n.Kids {
		if len(k.Kids) > 0 {
			shorten(f, k)
		} else if k.IsConst() {
			n.Kids[i] = shorter(f, k)
		}
	}
}

// shorter is a constant, in the way that takes the fewest bytes.
func shorter(f *ir.Func, n *ir.Node) *ir.Node {
	size := constSize(n.Type.Kind, n.Imm)
	switch n.Op {
	case wasm.OpF32Const, wasm.OpF64Const:
		v, op := math.Float64frombits(n.Imm), wasm.OpF64ConvertI32S
		if n.Op == wasm.OpF32Const {
			v, op = float64(math.Float32frombits(uint32(n.Imm))), wasm.OpF32ConvertI32S
		}
		if !(v >= math.MinInt32 && v <= math.MaxInt32) {
			return n
		}
		i := uint64(uint32(int32(v)))
		if back, _ := evalUnary(op, i); back == n.Imm && constSize(wasm.KindI32, i)+1+worth <= size {
			return f.Node(op, n.Type, f.I32(uint32(i)))
		}
	case wasm.OpI64Const:
		v := n.Imm
		if v>>32 == 0 && constSize(wasm.KindI32, v)+1+worth <= size {
			return f.Node(wasm.OpI64ExtendI32U, wasm.I64, f.I32(uint32(v)))
		}
		const shift = 3 // bytes: the distance and the instruction
		by := bits.TrailingZeros64(v)
		small := uint64(int64(v) >> by)
		if v != 0 && constSize(wasm.KindI64, small)+shift+worth <= size {
			return f.Node(wasm.OpI64Shl, wasm.I64, f.I64(small), f.I64(uint64(by)))
		}
		if v&(v+1) == 0 && v != 0 && 2+shift+worth <= size { // only low bits
			return f.Node(wasm.OpI64ShrU, wasm.I64, f.I64(^uint64(0)), f.I64(uint64(bits.LeadingZeros64(v))))
		}
	}
	return n
}
