package opt

import (
	"math"
	"math/bits"

	"github.com/wbundle/wbundle/internal/wasm"
)

// What the numeric instructions compute. Numbers are the bits that ir.Node.Imm
// holds: 32-bit ones are zero-extended.
//
// ok is false where the result is not one number: the instruction traps, or a
// NaN comes out whose bits the specification leaves open (core specification,
// 4.3.3 "NaN propagation").

// evalUnary computes an instruction with one operand.
func evalUnary(op wasm.Opcode, a uint64) (v uint64, ok bool) {
	x := uint32(a)
	switch op {
	case wasm.OpI32Eqz:
		return truth(x == 0), true
	case wasm.OpI64Eqz:
		return truth(a == 0), true
	case wasm.OpI32Clz:
		return uint64(bits.LeadingZeros32(x)), true
	case wasm.OpI32Ctz:
		return uint64(bits.TrailingZeros32(x)), true
	case wasm.OpI32Popcnt:
		return uint64(bits.OnesCount32(x)), true
	case wasm.OpI64Clz:
		return uint64(bits.LeadingZeros64(a)), true
	case wasm.OpI64Ctz:
		return uint64(bits.TrailingZeros64(a)), true
	case wasm.OpI64Popcnt:
		return uint64(bits.OnesCount64(a)), true
	case wasm.OpI32WrapI64, wasm.OpI64ExtendI32U, wasm.OpI32ReinterpretF32, wasm.OpF32ReinterpretI32:
		return uint64(x), true
	case wasm.OpI64ReinterpretF64, wasm.OpF64ReinterpretI64:
		return a, true
	case wasm.OpI64ExtendI32S, wasm.OpI64Extend32S:
		return uint64(int64(int32(x))), true
	case wasm.OpI32Extend8S:
		return uint64(uint32(int8(x))), true
	case wasm.OpI32Extend16S:
		return uint64(uint32(int16(x))), true
	case wasm.OpI64Extend8S:
		return uint64(int64(int8(a))), true
	case wasm.OpI64Extend16S:
		return uint64(int64(int16(a))), true
	case wasm.OpF32Abs:
		return uint64(x &^ (1 << 31)), true
	case wasm.OpF32Neg:
		return uint64(x ^ 1<<31), true
	case wasm.OpF64Abs:
		return a &^ (1 << 63), true
	case wasm.OpF64Neg:
		return a ^ 1<<63, true
	case wasm.OpF32ConvertI32S:
		return bits32(float32(int32(x)))
	case wasm.OpF32ConvertI32U:
		return bits32(float32(x))
	case wasm.OpF32ConvertI64S:
		return bits32(float32(int64(a)))
	case wasm.OpF32ConvertI64U:
		return bits32(float32(a))
	case wasm.OpF64ConvertI32S:
		return bits64(float64(int32(x)))
	case wasm.OpF64ConvertI32U:
		return bits64(float64(x))
	case wasm.OpF64ConvertI64S:
		return bits64(float64(int64(a)))
	case wasm.OpF64ConvertI64U:
		return bits64(float64(a))
	case wasm.OpF64PromoteF32:
		return bits64(float64(math.Float32frombits(x)))
	case wasm.OpF32DemoteF64:
		return bits32(float32(math.Float64frombits(a)))
	case wasm.OpF32Ceil, wasm.OpF32Floor, wasm.OpF32Trunc, wasm.OpF32Nearest, wasm.OpF32Sqrt:
		// A 64-bit root, rounded again, is the 32-bit root: it has more than twice
		// as many bits, and two.
		return bits32(float32(round(op-wasm.OpF32Ceil+wasm.OpF64Ceil, float64(math.Float32frombits(x)))))
	case wasm.OpF64Ceil, wasm.OpF64Floor, wasm.OpF64Trunc, wasm.OpF64Nearest, wasm.OpF64Sqrt:
		return bits64(round(op, math.Float64frombits(a)))
	}
	if t := truncOf(op); t.bits != 0 {
		f := math.Float64frombits(a)
		if t.from32 {
			f = float64(math.Float32frombits(x))
		}
		return t.eval(f)
	}
	return 0, false
}

// round is one of the instructions that round, or f64.sqrt.
func round(op wasm.Opcode, f float64) float64 {
	switch op {
	case wasm.OpF64Ceil:
		return math.Ceil(f)
	case wasm.OpF64Floor:
		return math.Floor(f)
	case wasm.OpF64Trunc:
		return math.Trunc(f)
	case wasm.OpF64Nearest:
		return math.RoundToEven(f)
	}
	return math.Sqrt(f)
}

// truncation says what an instruction that makes an integer of a float does.
type truncation struct {
	bits      int // of the integer; 0: it is another instruction
	unsigned  bool
	from32    bool
	saturates bool
}

// truncOf takes the opcode of a truncation apart: all four families list signed
// and unsigned by turns, first those from f32.
func truncOf(op wasm.Opcode) truncation {
	switch {
	case op >= wasm.OpI32TruncF32S && op <= wasm.OpI32TruncF64U:
		i := op - wasm.OpI32TruncF32S
		return truncation{bits: 32, unsigned: i&1 != 0, from32: i < 2}
	case op >= wasm.OpI64TruncF32S && op <= wasm.OpI64TruncF64U:
		i := op - wasm.OpI64TruncF32S
		return truncation{bits: 64, unsigned: i&1 != 0, from32: i < 2}
	case op >= wasm.OpI32TruncSatF32S && op <= wasm.OpI64TruncSatF64U:
		i := op - wasm.OpI32TruncSatF32S
		return truncation{bits: 32 << (i >> 2), unsigned: i&1 != 0, from32: i&2 == 0, saturates: true}
	}
	return truncation{}
}

func (t truncation) eval(f float64) (uint64, bool) {
	lo, hi := -math.Ldexp(1, t.bits-1), math.Ldexp(1, t.bits-1) // lo is in the range, hi is not
	if t.unsigned {
		lo, hi = 0, math.Ldexp(1, t.bits)
	}
	whole := math.Trunc(f)
	switch {
	case f != f:
		return 0, t.saturates
	case whole < lo:
		whole = lo
		if !t.saturates {
			return 0, false
		}
	case whole >= hi:
		if !t.saturates {
			return 0, false
		}
		if t.unsigned {
			return 1<<t.bits - 1, true // a shift by 64 gives 0, and that less one is right
		}
		return 1<<(t.bits-1) - 1, true
	}
	v := uint64(int64(whole))
	if t.unsigned {
		v = uint64(whole)
	}
	if t.bits == 32 {
		v = uint64(uint32(v))
	}
	return v, true
}

// evalBinary computes an instruction with two operands.
func evalBinary(op wasm.Opcode, a, b uint64) (v uint64, ok bool) {
	kind, w := intKind(op)
	switch w {
	case 32:
		return evalInt32(kind, uint32(a), uint32(b))
	case 64:
		return evalInt64(kind, a, b)
	}
	switch {
	case op >= wasm.OpF32Add && op <= wasm.OpF32Copysign:
		return evalFloat32(op, math.Float32frombits(uint32(a)), math.Float32frombits(uint32(b)))
	case op >= wasm.OpF64Add && op <= wasm.OpF64Copysign:
		return evalFloat64(op, math.Float64frombits(a), math.Float64frombits(b))
	case op >= wasm.OpF32Eq && op <= wasm.OpF32Ge:
		x, y := math.Float32frombits(uint32(a)), math.Float32frombits(uint32(b))
		return compareFloat(op-wasm.OpF32Eq+wasm.OpF64Eq, float64(x), float64(y))
	case op >= wasm.OpF64Eq && op <= wasm.OpF64Ge:
		return compareFloat(op, math.Float64frombits(a), math.Float64frombits(b))
	}
	return 0, false
}

// intKind tells integer instructions by the opcode of the 32-bit one and the
// width. Both are 0 for all others. Rules are written once for both widths.
func intKind(op wasm.Opcode) (kind wasm.Opcode, width uint) {
	switch {
	case op >= wasm.OpI32Eqz && op <= wasm.OpI32GeU, op >= wasm.OpI32Clz && op <= wasm.OpI32Rotr:
		return op, 32
	case op >= wasm.OpI64Eqz && op <= wasm.OpI64GeU:
		return op - wasm.OpI64Eqz + wasm.OpI32Eqz, 64
	case op >= wasm.OpI64Clz && op <= wasm.OpI64Rotr:
		return op - wasm.OpI64Clz + wasm.OpI32Clz, 64
	}
	return 0, 0
}

// intOp is the opcode of a kind and width.
func intOp(kind wasm.Opcode, width uint) wasm.Opcode {
	switch {
	case width == 32:
		return kind
	case kind <= wasm.OpI32GeU:
		return kind - wasm.OpI32Eqz + wasm.OpI64Eqz
	}
	return kind - wasm.OpI32Clz + wasm.OpI64Clz
}

func evalInt32(kind wasm.Opcode, x, y uint32) (uint64, bool) {
	v, ok := uint32(0), true
	switch kind {
	case wasm.OpI32Add:
		v = x + y
	case wasm.OpI32Sub:
		v = x - y
	case wasm.OpI32Mul:
		v = x * y
	case wasm.OpI32DivS:
		if ok = y != 0 && !(x == 1<<31 && int32(y) == -1); ok {
			v = uint32(int32(x) / int32(y))
		}
	case wasm.OpI32DivU:
		if ok = y != 0; ok {
			v = x / y
		}
	case wasm.OpI32RemS:
		if ok = y != 0; ok && int32(y) != -1 {
			v = uint32(int32(x) % int32(y))
		}
	case wasm.OpI32RemU:
		if ok = y != 0; ok {
			v = x % y
		}
	case wasm.OpI32And:
		v = x & y
	case wasm.OpI32Or:
		v = x | y
	case wasm.OpI32Xor:
		v = x ^ y
	case wasm.OpI32Shl:
		v = x << (y & 31)
	case wasm.OpI32ShrS:
		v = uint32(int32(x) >> (y & 31))
	case wasm.OpI32ShrU:
		v = x >> (y & 31)
	case wasm.OpI32Rotl:
		v = bits.RotateLeft32(x, int(y&31))
	case wasm.OpI32Rotr:
		v = bits.RotateLeft32(x, -int(y&31))
	default:
		return compareInt(kind, int64(int32(x)), int64(int32(y)), uint64(x), uint64(y))
	}
	return uint64(v), ok
}

func evalInt64(kind wasm.Opcode, x, y uint64) (v uint64, ok bool) {
	ok = true
	switch kind {
	case wasm.OpI32Add:
		v = x + y
	case wasm.OpI32Sub:
		v = x - y
	case wasm.OpI32Mul:
		v = x * y
	case wasm.OpI32DivS:
		if ok = y != 0 && !(x == 1<<63 && int64(y) == -1); ok {
			v = uint64(int64(x) / int64(y))
		}
	case wasm.OpI32DivU:
		if ok = y != 0; ok {
			v = x / y
		}
	case wasm.OpI32RemS:
		if ok = y != 0; ok && int64(y) != -1 {
			v = uint64(int64(x) % int64(y))
		}
	case wasm.OpI32RemU:
		if ok = y != 0; ok {
			v = x % y
		}
	case wasm.OpI32And:
		v = x & y
	case wasm.OpI32Or:
		v = x | y
	case wasm.OpI32Xor:
		v = x ^ y
	case wasm.OpI32Shl:
		v = x << (y & 63)
	case wasm.OpI32ShrS:
		v = uint64(int64(x) >> (y & 63))
	case wasm.OpI32ShrU:
		v = x >> (y & 63)
	case wasm.OpI32Rotl:
		v = bits.RotateLeft64(x, int(y&63))
	case wasm.OpI32Rotr:
		v = bits.RotateLeft64(x, -int(y&63))
	default:
		return compareInt(kind, int64(x), int64(y), x, y)
	}
	return v, ok
}

// compareInt compares: sx and sy are the operands as signed numbers.
func compareInt(kind wasm.Opcode, sx, sy int64, x, y uint64) (uint64, bool) {
	switch kind {
	case wasm.OpI32Eq:
		return truth(x == y), true
	case wasm.OpI32Ne:
		return truth(x != y), true
	case wasm.OpI32LtS:
		return truth(sx < sy), true
	case wasm.OpI32LtU:
		return truth(x < y), true
	case wasm.OpI32GtS:
		return truth(sx > sy), true
	case wasm.OpI32GtU:
		return truth(x > y), true
	case wasm.OpI32LeS:
		return truth(sx <= sy), true
	case wasm.OpI32LeU:
		return truth(x <= y), true
	case wasm.OpI32GeS:
		return truth(sx >= sy), true
	case wasm.OpI32GeU:
		return truth(x >= y), true
	}
	return 0, false
}

func compareFloat(op wasm.Opcode, x, y float64) (uint64, bool) {
	switch op {
	case wasm.OpF64Eq:
		return truth(x == y), true
	case wasm.OpF64Ne:
		return truth(x != y), true
	case wasm.OpF64Lt:
		return truth(x < y), true
	case wasm.OpF64Gt:
		return truth(x > y), true
	case wasm.OpF64Le:
		return truth(x <= y), true
	case wasm.OpF64Ge:
		return truth(x >= y), true
	}
	return 0, false
}

func evalFloat32(op wasm.Opcode, x, y float32) (uint64, bool) {
	if op == wasm.OpF32Copysign { // moves bits, of a NaN too
		const sign = 1 << 31
		return uint64(math.Float32bits(x)&^sign | math.Float32bits(y)&sign), true
	}
	if x != x || y != y {
		return 0, false
	}
	switch op {
	case wasm.OpF32Add:
		return bits32(x + y)
	case wasm.OpF32Sub:
		return bits32(x - y)
	case wasm.OpF32Mul:
		return bits32(x * y)
	case wasm.OpF32Div:
		return bits32(x / y)
	case wasm.OpF32Min:
		return bits32(float32(math.Min(float64(x), float64(y))))
	case wasm.OpF32Max:
		return bits32(float32(math.Max(float64(x), float64(y))))
	}
	return 0, false
}

func evalFloat64(op wasm.Opcode, x, y float64) (uint64, bool) {
	if op == wasm.OpF64Copysign {
		const sign = 1 << 63
		return math.Float64bits(x)&^sign | math.Float64bits(y)&sign, true
	}
	if x != x || y != y {
		return 0, false
	}
	switch op {
	case wasm.OpF64Add:
		return bits64(x + y)
	case wasm.OpF64Sub:
		return bits64(x - y)
	case wasm.OpF64Mul:
		return bits64(x * y)
	case wasm.OpF64Div:
		return bits64(x / y)
	case wasm.OpF64Min:
		return bits64(math.Min(x, y))
	case wasm.OpF64Max:
		return bits64(math.Max(x, y))
	}
	return 0, false
}

// bits32 and bits64 are the bits of a float, unless it is a NaN.
func bits32(f float32) (uint64, bool) { return uint64(math.Float32bits(f)), f == f }
func bits64(f float64) (uint64, bool) { return math.Float64bits(f), f == f }

func truth(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}
