package opt

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/wbundle/wbundle/internal/wasm"
)

// exprModule is a module of functions that each evaluate one expression, with a
// page of memory.
type exprModule struct{ m *wasm.Module }

var expressionParams = []wasm.ValType{wasm.I32, wasm.I32, wasm.I64, wasm.I64}

// The locals of an expression: two parameters of each type, one local of each
// that it may set, and one that is only ever small.
const (
	exprI32, exprI64       = 4, 5
	exprSmall32, exprSmall = 6, 7
)

func newExprModule(params []wasm.ValType) *exprModule {
	m := &wasm.Module{}
	for i, t := range []wasm.ValType{wasm.I32, wasm.I64, wasm.F32, wasm.F64} {
		m.Types = append(m.Types, wasm.SubType{Kind: wasm.CompFunc, Final: true, Short: true, Params: params, Results: []wasm.ValType{t}})
		m.RecGroups = append(m.RecGroups, wasm.RecGroup{Start: uint32(i), Count: 1})
	}
	m.Memories = []wasm.MemType{{Limits: wasm.Limits{Min: 1, Max: 1, HasMax: true}}}
	for _, init := range [][]byte{{0x41, 0xff, 0x00, 0x0b}, {0x42, 0x80, 0x02, 0x0b}} { // 127 and 256
		t := wasm.I32
		if init[0] == 0x42 {
			t = wasm.I64
		}
		m.Globals = append(m.Globals, wasm.Global{GlobalType: wasm.GlobalType{Type: t}, Init: wasm.Expr{Bytes: init}})
	}
	return &exprModule{m}
}

// add adds a function that returns what the code leaves, of type t.
func (e *exprModule) add(t wasm.ValType, locals, code []byte) {
	types := map[wasm.ValKind]uint32{wasm.KindI32: 0, wasm.KindI64: 1, wasm.KindF32: 2, wasm.KindF64: 3}
	i := uint32(len(e.m.Funcs))
	e.m.Funcs = append(e.m.Funcs, types[t.Kind])
	e.m.Code = append(e.m.Code, wasm.Body{Bytes: append(append(locals, code...), byte(wasm.OpEnd))})
	e.m.Exports = append(e.m.Exports, wasm.Export{Name: fmt.Sprintf("f%05d", i), Kind: wasm.ExternFunc, Index: i})
}

// exprWriter writes a random expression.
type exprWriter struct {
	r    *rand.Rand
	buf  []byte
	left int
}

func (g *exprWriter) op(op wasm.Opcode, imms ...uint32) {
	g.buf = wasm.AppendOpcode(g.buf, op)
	for _, v := range imms {
		g.buf = wasm.AppendU32(g.buf, v)
	}
}

// exprConstants are numbers around which rules have their limits.
var exprConstants = []int64{0, 0, 1, 1, -1, 2, 3, 4, 7, 8, 15, 16, 24, 31, 32, 33, 48, 56, 63, 64, 65, -63, -64, -65,
	127, 128, 255, 255, 256, -128, -255, -256, 0x7fff, 0x8000, 0xffff, 0x10000, -0x8000, 0xffffff, 0x7fffffff, 0x80000000,
	0xffffffff, 0xffffffff, 0x100000000, -0x80000000, math.MaxInt64, math.MinInt64}

func (g *exprWriter) constant(t wasm.ValType) {
	v := exprConstants[g.r.IntN(len(exprConstants))]
	if t == wasm.I32 {
		g.op(wasm.OpI32Const)
		g.buf = wasm.AppendS32(g.buf, int32(v))
		return
	}
	g.op(wasm.OpI64Const)
	g.buf = wasm.AppendS64(g.buf, v)
}

// expr writes an expression of type t, i32 or i64.
func (g *exprWriter) expr(t wasm.ValType) {
	g.left--
	w, o := uint(32), wasm.I64
	if t == wasm.I64 {
		w, o = 64, wasm.I32
	}
	between := func(lo, hi wasm.Opcode) wasm.Opcode { return lo + wasm.Opcode(g.r.IntN(int(hi-lo)+1)) }
	pick := func(ops ...wasm.Opcode) wasm.Opcode { return ops[g.r.IntN(len(ops))] }
	base := uint32(0)
	if t == wasm.I64 {
		base = 2
	}
	if g.left <= 0 || g.r.IntN(8) == 0 {
		switch g.r.IntN(7) {
		case 0, 1, 2:
			g.op(wasm.OpLocalGet, base+uint32(g.r.IntN(2)))
		case 3:
			g.op(wasm.OpLocalGet, base/2+uint32(pickInt(g.r, exprI32, exprSmall32)))
		case 4:
			g.op(wasm.OpGlobalGet, base/2)
		default:
			g.constant(t)
		}
		return
	}
	switch g.r.IntN(26) {
	default:
		g.expr(t)
		if g.r.IntN(2) == 0 {
			g.constant(t)
		} else {
			g.expr(t)
		}
		g.op(intOp(between(wasm.OpI32Add, wasm.OpI32Rotr), w))
	case 0, 1, 2: // the arithmetic that rules are about most
		g.expr(t)
		if g.r.IntN(3) > 0 {
			g.constant(t)
		} else {
			g.expr(t)
		}
		g.op(intOp(pick(wasm.OpI32Add, wasm.OpI32Sub, wasm.OpI32And, wasm.OpI32Shl, wasm.OpI32ShrU, wasm.OpI32ShrS, wasm.OpI32Mul), w))
	case 3: // c op x
		g.constant(t)
		g.expr(t)
		g.op(intOp(between(wasm.OpI32Add, wasm.OpI32Rotr), w))
	case 4, 5, 6:
		if t == wasm.I32 { // a comparison of either type
			ct, cw := t, uint(32)
			if g.r.IntN(2) == 0 {
				ct, cw = o, 64
			}
			g.expr(ct)
			if g.r.IntN(2) == 0 {
				g.constant(ct)
			} else {
				g.expr(ct)
			}
			g.op(intOp(between(wasm.OpI32Eq, wasm.OpI32GeU), cw))
			return
		}
		g.expr(wasm.I32)
		g.op(pick(wasm.OpI64ExtendI32S, wasm.OpI64ExtendI32U))
	case 7, 8:
		g.expr(o)
		if t == wasm.I32 {
			g.op(pick(wasm.OpI32WrapI64, wasm.OpI32WrapI64, wasm.OpI64Eqz))
		} else {
			g.op(pick(wasm.OpI64ExtendI32S, wasm.OpI64ExtendI32U))
		}
	case 9:
		g.expr(t)
		if t == wasm.I32 {
			g.op(pick(wasm.OpI32Extend8S, wasm.OpI32Extend16S, wasm.OpI32Clz, wasm.OpI32Ctz, wasm.OpI32Popcnt))
		} else {
			g.op(pick(wasm.OpI64Extend8S, wasm.OpI64Extend16S, wasm.OpI64Extend32S, wasm.OpI64Clz, wasm.OpI64Ctz, wasm.OpI64Popcnt))
		}
	case 10, 11:
		g.expr(wasm.I32)
		g.op(wasm.OpI32Eqz)
		if t == wasm.I64 {
			g.op(wasm.OpI64ExtendI32U)
		}
	case 12, 13:
		if g.r.IntN(3) == 0 {
			g.constant(t)
			g.constant(t)
		} else {
			g.expr(t)
			g.expr(t)
		}
		g.expr(wasm.I32)
		g.op(wasm.OpSelect)
	case 14:
		g.expr(wasm.I32)
		g.op(wasm.OpIf)
		g.buf = append(g.buf, byte(t.Kind))
		g.expr(t)
		g.op(wasm.OpElse)
		g.expr(t)
		g.op(wasm.OpEnd)
	case 15, 16: // a load
		g.address()
		op := pick(wasm.OpI32Load, wasm.OpI32Load8S, wasm.OpI32Load8U, wasm.OpI32Load16S, wasm.OpI32Load16U)
		if t == wasm.I64 {
			op = between(wasm.OpI64Load8S, wasm.OpI64Load32U)
		}
		g.op(op, 0, uint32(g.r.IntN(3)*60))
	case 17, 18: // a store before it
		g.address()
		st := pick(wasm.OpI32Store, wasm.OpI32Store8, wasm.OpI32Store16)
		vt := wasm.I32
		if g.r.IntN(2) == 0 {
			st, vt = pick(wasm.OpI64Store, wasm.OpI64Store8, wasm.OpI64Store16, wasm.OpI64Store32), wasm.I64
		}
		g.expr(vt)
		g.op(st, 0, uint32(g.r.IntN(3)*60))
		g.expr(t)
	case 19:
		g.expr(t)
		g.op(wasm.OpLocalTee, base/2+exprI32)
	case 20: // only ever a byte
		g.expr(t)
		if t == wasm.I32 {
			g.op(wasm.OpI32Const)
		} else {
			g.op(wasm.OpI64Const)
		}
		g.buf = wasm.AppendS32(g.buf, 0x7f)
		g.op(intOp(wasm.OpI32And, w))
		g.op(wasm.OpLocalTee, base/2+exprSmall32)
	case 21: // dropped
		g.expr(o)
		g.op(wasm.OpDrop)
		g.expr(t)
	case 22: // out of a block, with a value
		g.op(wasm.OpBlock)
		g.buf = append(g.buf, byte(t.Kind))
		g.expr(t)
		g.expr(wasm.I32)
		g.op(wasm.OpBrIf, 0)
		g.op(wasm.OpDrop)
		g.expr(t)
		g.op(wasm.OpEnd)
		if g.r.IntN(3) == 0 {
			g.op(wasm.OpDrop)
			g.expr(t)
		}
	}
}

func pickInt(r *rand.Rand, v ...int) int { return v[r.IntN(len(v))] }

// address writes an address: mostly in bounds, and sometimes around the end of
// the address space, so that sums wrap.
func (g *exprWriter) address() {
	switch g.r.IntN(4) {
	case 0:
		g.constant(wasm.I32)
		return
	case 1:
		g.expr(wasm.I32)
	default:
		g.expr(wasm.I32)
		g.op(wasm.OpI32Const)
		g.buf = wasm.AppendS32(g.buf, 0xff8)
		g.op(wasm.OpI32And)
	}
	if g.r.IntN(2) == 0 {
		g.constant(wasm.I32)
		g.op(wasm.OpI32Add)
	}
}

// TestRandomExpressions rewrites random expressions with the passes over
// expressions, and compares results, traps and memory.
func TestRandomExpressions(t *testing.T) {
	modules, functions := 40, 250
	if testing.Short() {
		modules = 8
	}
	locals := []byte{4, 1, byte(wasm.KindI32), 1, byte(wasm.KindI64), 1, byte(wasm.KindI32), 1, byte(wasm.KindI64)}
	was, is := 0, 0
	for seed := range modules {
		r := rand.New(rand.NewPCG(uint64(seed), 5))
		e := newExprModule(expressionParams)
		for range functions {
			ty := wasm.I32
			if r.IntN(2) == 0 {
				ty = wasm.I64
			}
			g := &exprWriter{r: r, left: 3 + r.IntN(24)}
			g.expr(ty)
			e.add(ty, append([]byte(nil), locals...), g.buf)
		}
		before := wasm.Encode(e.m)
		level := Level(seed & 1)
		after := optimize(t, before, level, "precompute", "fold", "peephole", "vacuum")
		was, is = was+len(before), is+len(after)
		if a, b := trace(t, before), trace(t, after); a != b {
			t.Errorf("seed %d: %s", seed, firstDifference(a, b))
		}
	}
	t.Logf("%d expressions, %d bytes, %d after", modules*functions, was, is)
	if is > was*9/10 {
		t.Errorf("%d bytes became %d: the rules hardly ever fit", was, is)
	}
}

func firstDifference(a, b string) string {
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	from := i
	for from > 0 && a[from-1] != '\n' {
		from--
	}
	line := func(s string) string {
		end := min(from, len(s))
		for end < len(s) && s[end] != '\n' {
			end++
		}
		return s[min(from, len(s)):end]
	}
	return fmt.Sprintf("before %q, after %q", line(a), line(b))
}

// TestFoldEveryNumber computes every instruction with one or two operands for
// the numbers at the limits of their types, in the engine and here.
func TestFoldEveryNumber(t *testing.T) {
	// A second operand is one of the first so many.
	const limits = 13
	numbers := map[byte][]uint64{
		'i': {0, 1, 2, 31, 32, 0x7f, 0x80, 0x8000, 0x7fffffff, 0x80000000, 0x80000001, 0xffffffff, 0x12345678},
		'l': {0, 1, 2, 63, 64, 0x80, 0x8000, 0x7fffffff, 0x80000000, 0xffffffff, 0x7fffffffffffffff, 0x8000000000000000,
			0xffffffffffffffff, 0x123456789abcdef0, 0x20000000000001, 0x8000008000000001, 0x1000001},
	}
	for _, f := range []float64{0, math.Copysign(0, -1), 1, -0.5, 2.5, 0.1, -3e9, 1e40, math.Inf(1), math.Inf(-1), math.NaN(),
		math.MaxFloat64, math.SmallestNonzeroFloat64, -1, 0.5, 1.5, -2.5, 3e9, 1e19, 16777217, 9007199254740993,
		2147483647.5, -2147483648.5, -2147483649, 4294967295.5, 9223372036854775807, -9223372036854775808, 18446744073709549568,
		math.MaxFloat32, 1e-45} {
		numbers['d'] = append(numbers['d'], math.Float64bits(f))
		numbers['f'] = append(numbers['f'], uint64(math.Float32bits(float32(f))))
	}
	types := map[byte]wasm.ValType{'i': wasm.I32, 'l': wasm.I64, 'f': wasm.F32, 'd': wasm.F64}
	constant := func(buf []byte, ty byte, v uint64) []byte {
		buf = append(buf, byte(constOp(types[ty].Kind)))
		switch ty {
		case 'i':
			return wasm.AppendS32(buf, int32(uint32(v)))
		case 'l':
			return wasm.AppendS64(buf, int64(v))
		case 'f':
			return binary.LittleEndian.AppendUint32(buf, uint32(v))
		}
		return binary.LittleEndian.AppendUint64(buf, v)
	}
	var ops []wasm.Opcode
	for op := wasm.OpI32Eqz; op <= wasm.OpI64Extend32S; op++ {
		ops = append(ops, op)
	}
	for op := wasm.OpI32TruncSatF32S; op <= wasm.OpI64TruncSatF64U; op++ {
		ops = append(ops, op)
	}
	e := newExprModule(nil)
	operations := 0
	for _, op := range ops {
		sig := op.Info().Sig
		result := types[sig[len(sig)-1]]
		for _, a := range numbers[sig[0]] {
			code := constant(nil, sig[0], a)
			if sig[1] == ':' {
				e.add(result, []byte{0}, wasm.AppendOpcode(code, op))
				operations++
				continue
			}
			second := numbers[sig[1]]
			if len(second) > limits {
				second = second[:limits]
			}
			for _, b := range second {
				c := constant(append([]byte(nil), code...), sig[1], b)
				e.add(result, []byte{0}, wasm.AppendOpcode(c, op))
				operations++
			}
		}
	}
	before := wasm.Encode(e.m)
	// At Speed, all that can be is computed.
	after := optimize(t, before, Speed, "fold")
	if a, b := trace(t, before), trace(t, after); a != b {
		t.Errorf("%s", firstDifference(a, b))
	}
	m, err := wasm.Decode("test", after)
	if err != nil {
		t.Fatal(err)
	}
	left := 0
	for i := range m.Code {
		in, _ := wasm.NextInstr(m.Code[i].Bytes, 1)
		if next, _ := wasm.NextInstr(m.Code[i].Bytes, int(in.Off+in.Len)); next.Op != wasm.OpEnd {
			left++
		}
	}
	t.Logf("%d operations, %d of them not computed", operations, left)
	if left > operations/5 {
		t.Errorf("%d of %d operations were not computed", left, operations)
	}
}
