package opt

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/wbundle/wbundle/internal/wasm"
)

// TestRandom optimises modules of random functions with all passes, and
// compares what they do before and after. The seeds are fixed, and each is a
// subtest: -run TestRandom/all/0/17 repeats one for the first level. Each pass
// over functions also has its turn alone, on what no other pass has tidied.
func TestRandom(t *testing.T) {
	modules := 400
	if testing.Short() {
		modules = 60
	}
	try := func(name string, modules int, passes ...string) {
		for _, level := range []Level{Size, Speed} {
			for seed := range modules {
				t.Run(fmt.Sprintf("%s/%d/%d", name, level, seed), func(t *testing.T) {
					before := randomModule(uint64(seed), 12)
					after := optimize(t, before, level, passes...)
					agree(t, before, after)
				})
			}
		}
	}
	try("all", modules)
	for _, p := range functionList {
		try(p.name, modules/10, p.name)
	}
}

// randomModule makes a module of functions whose control flow, above all, is
// random. They end: loops count down a local that nothing else writes, and
// functions call only those before them. The module is the same for the same
// seed. Functions log numbers by calling an import, use a memory, globals,
// exceptions and a table; addresses are mostly in bounds.
func randomModule(seed uint64, funcs int) []byte {
	r := rand.New(rand.NewPCG(seed, 77))
	nums := []wasm.ValType{wasm.I32, wasm.I32, wasm.I32, wasm.I64, wasm.F64}
	m := &wasm.Module{}
	typ := func(params, results []wasm.ValType) uint32 {
		m.Types = append(m.Types, wasm.SubType{Kind: wasm.CompFunc, Final: true, Short: true, Params: params, Results: results})
		m.RecGroups = append(m.RecGroups, wasm.RecGroup{Start: uint32(len(m.Types) - 1), Count: 1})
		return uint32(len(m.Types) - 1)
	}
	one := typ([]wasm.ValType{wasm.I32}, nil)
	m.Imports = []wasm.Import{
		{Module: "h", Name: "log", Kind: wasm.ExternFunc, TypeIndex: one},
		{Module: "h", Name: "ask", Kind: wasm.ExternFunc, TypeIndex: typ([]wasm.ValType{wasm.I32, wasm.I64}, []wasm.ValType{wasm.I32})},
	}
	m.NumImported[wasm.SpaceFunc] = 2
	m.Tags = []uint32{one}
	m.Memories = []wasm.MemType{{Limits: wasm.Limits{Min: 1, Max: 1, HasMax: true}}}
	m.Exports = append(m.Exports, wasm.Export{Name: "memory", Kind: wasm.ExternMemory})
	for i, t := range []wasm.ValType{wasm.I32, wasm.I32, wasm.I64} {
		init := []byte{0x41, byte(i * 5), 0x0b}
		if t == wasm.I64 {
			init[0] = 0x42
		}
		m.Globals = append(m.Globals, wasm.Global{GlobalType: wasm.GlobalType{Type: t, Mutable: i != 1}, Init: wasm.Expr{Bytes: init}})
	}
	m.Exports = append(m.Exports, wasm.Export{Name: "global", Kind: wasm.ExternGlobal, Index: 0})
	// The first function throws, sometimes.
	m.Funcs = append(m.Funcs, one)
	m.Code = append(m.Code, wasm.Body{Bytes: []byte{0, 0x20, 0, 0x41, 3, 0x71, 0x04, 0x40, 0x20, 0, 0x08, 0, 0x0b, 0x0b}})
	for i := 1; i <= funcs; i++ {
		var params, results []wasm.ValType
		for range r.IntN(4) {
			params = append(params, nums[r.IntN(len(nums))])
		}
		if r.IntN(4) > 0 {
			results = append(results, nums[r.IntN(len(nums))])
		}
		m.Funcs = append(m.Funcs, typ(params, results))
		g := &randomFunc{r: r, m: m, left: 10 + r.IntN(150), params: params, callees: i, budget: 3}
		m.Code = append(m.Code, wasm.Body{Bytes: g.body(results)})
		m.Exports = append(m.Exports, wasm.Export{Name: fmt.Sprintf("f%d", i), Kind: wasm.ExternFunc, Index: uint32(2 + i)})
	}
	return wasm.Encode(m)
}

// randomFunc writes one body.
type randomFunc struct {
	r       *rand.Rand
	m       *wasm.Module
	buf     []byte
	left    int // how much is still to be written
	params  []wasm.ValType
	locals  []wasm.ValType
	fuel    uint32
	result  []wasm.ValType
	labels  []randomLabel // innermost last
	callees int
	budget  int // calls of other functions
	seen    [][]byte
}

// randomLabel is a label of the body, with the values that branches bring.
type randomLabel struct{ values []wasm.ValType }

func (g *randomFunc) op(ops ...wasm.Opcode) {
	for _, op := range ops {
		g.buf = wasm.AppendOpcode(g.buf, op)
	}
}

func (g *randomFunc) u32(op wasm.Opcode, v uint32) {
	g.op(op)
	g.buf = wasm.AppendU32(g.buf, v)
}

func (g *randomFunc) i32(v int32) {
	g.op(wasm.OpI32Const)
	g.buf = wasm.AppendS32(g.buf, v)
}

// chance is true once in n times.
func (g *randomFunc) chance(n int) bool { return g.r.IntN(n) == 0 }

func (g *randomFunc) body(results []wasm.ValType) []byte {
	g.locals = append(g.locals, g.params...)
	for _, t := range []wasm.ValType{wasm.I32, wasm.I64, wasm.F64} {
		for range 1 + g.r.IntN(3) {
			g.locals = append(g.locals, t)
		}
	}
	g.fuel = uint32(len(g.locals))
	g.result = results
	g.i32(12)
	g.u32(wasm.OpLocalSet, g.fuel)
	g.labels = []randomLabel{{results}}
	g.contents(results, 0)
	g.op(wasm.OpEnd)
	code := g.buf
	g.buf = nil
	extra := append(g.locals[len(g.params):len(g.locals):len(g.locals)], wasm.I32)
	g.buf = wasm.AppendU32(g.buf, uint32(len(extra)))
	for _, t := range extra {
		g.buf = wasm.AppendValType(wasm.AppendU32(g.buf, 1), t)
	}
	return append(g.buf, code...)
}

// contents writes statements, and values of the given types.
func (g *randomFunc) contents(values []wasm.ValType, depth int) {
	for range g.r.IntN(5) {
		if g.left > 0 {
			g.statement(depth)
		}
	}
	if depth == 0 {
		for g.left > 0 {
			g.statement(depth)
		}
	}
	if len(g.seen) > 0 && g.chance(3) {
		for range 1 + g.r.IntN(2) {
			g.buf = append(g.buf, g.seen[max(0, len(g.seen)-1-g.r.IntN(3))]...) // the same end as elsewhere
		}
	}
	if depth > 0 && g.chance(4) {
		g.leave(depth)
		if !g.chance(4) {
			return // the rest is unreachable, and nothing is needed
		}
	}
	for _, t := range values {
		g.expr(t, depth+1)
		if g.chance(12) {
			g.statement(depth + 1)
		}
	}
}

// block writes a construct with a label.
func (g *randomFunc) block(op wasm.Opcode, values, branch []wasm.ValType, f func()) {
	g.op(op)
	if len(values) == 0 {
		g.buf = append(g.buf, 0x40)
	} else {
		g.buf = wasm.AppendValType(g.buf, values[0])
	}
	if op == wasm.OpTryTable {
		clauses := g.labelsFor([]wasm.ValType{wasm.I32})
		all := g.labelsFor(nil)
		switch {
		case len(clauses) > 0 && g.chance(2):
			g.buf = append(g.buf, 1, 0, 0, byte(clauses[g.r.IntN(len(clauses))]))
		case len(all) > 0:
			g.buf = append(g.buf, 1, 2, byte(all[g.r.IntN(len(all))]))
		default:
			g.buf = append(g.buf, 0)
		}
	}
	g.labels = append(g.labels, randomLabel{branch})
	f()
	g.labels = g.labels[:len(g.labels)-1]
	g.op(wasm.OpEnd)
}

// labelsFor are the depths of the labels that take such values.
func (g *randomFunc) labelsFor(values []wasm.ValType) []uint32 {
	var out []uint32
	for i := range g.labels {
		l := g.labels[len(g.labels)-1-i]
		if len(l.values) == len(values) && (len(values) == 0 || l.values[0] == values[0]) {
			out = append(out, uint32(i))
		}
	}
	return out
}

// label is a random label, near ones being more likely.
func (g *randomFunc) label() (uint32, []wasm.ValType) {
	i := min(g.r.IntN(len(g.labels)), g.r.IntN(len(g.labels)))
	return uint32(i), g.labels[len(g.labels)-1-i].values
}

// leave writes something that is never left at its end.
func (g *randomFunc) leave(depth int) {
	switch g.r.IntN(16) {
	case 0, 1:
		for _, t := range g.result {
			g.expr(t, depth+1)
		}
		g.op(wasm.OpReturn)
	case 2:
		g.i32(int32(g.r.IntN(3)))
		g.u32(wasm.OpThrow, 0)
	case 3:
		g.op(wasm.OpUnreachable)
	case 4, 5:
		_, values := g.label()
		ls := g.labelsFor(values)
		for _, t := range values {
			g.expr(t, depth+1)
		}
		g.expr(wasm.I32, depth+1)
		if g.chance(2) {
			g.i32(3)
			g.op(wasm.OpI32And)
		}
		n := g.r.IntN(5)
		g.u32(wasm.OpBrTable, uint32(n))
		for range n + 1 {
			g.buf = wasm.AppendU32(g.buf, ls[g.r.IntN(len(ls))])
		}
	default:
		l, values := g.label()
		for _, t := range values {
			g.expr(t, depth+1)
		}
		g.u32(wasm.OpBr, l)
	}
}

// local is a random local of a type.
func (g *randomFunc) local(t wasm.ValType) uint32 {
	for {
		i := g.r.IntN(len(g.locals))
		if g.locals[i] == t {
			return uint32(i)
		}
	}
}

// statement writes one statement.
func (g *randomFunc) statement(depth int) {
	g.left--
	if depth > 9 {
		g.op(wasm.OpNop)
		return
	}
	if len(g.seen) > 0 && g.chance(5) {
		g.buf = append(g.buf, g.seen[g.r.IntN(len(g.seen))]...)
		return
	}
	start := len(g.buf)
	switch g.r.IntN(26) {
	case 0, 1, 2:
		t := []wasm.ValType{wasm.I32, wasm.I32, wasm.I64, wasm.F64}[g.r.IntN(4)]
		g.expr(t, depth+1)
		g.u32(wasm.OpLocalSet, g.local(t))
	case 3:
		g.expr(wasm.I32, depth+1)
		g.u32(wasm.OpGlobalSet, 0)
	case 4:
		g.address(depth)
		g.expr(wasm.I32, depth+1)
		g.op([]wasm.Opcode{wasm.OpI32Store, wasm.OpI32Store8, wasm.OpI32Store16}[g.r.IntN(3)])
		g.memArg()
	case 5, 6:
		g.expr(wasm.I32, depth+1)
		g.u32(wasm.OpCall, 0)
	case 7, 8:
		g.block(wasm.OpBlock, nil, nil, func() { g.contents(nil, depth+1) })
	case 9:
		g.loop(nil, depth)
	case 10, 11:
		g.ifElse(nil, depth)
	case 12, 13:
		l, values := g.label()
		for _, t := range values {
			g.expr(t, depth+1)
		}
		g.expr(wasm.I32, depth+1)
		g.u32(wasm.OpBrIf, l)
		for range values {
			g.op(wasm.OpDrop)
		}
	case 14:
		g.expr([]wasm.ValType{wasm.I32, wasm.I64, wasm.F64}[g.r.IntN(3)], depth+1)
		g.op(wasm.OpDrop)
	case 15:
		g.block(wasm.OpBlock, nil, nil, func() {
			g.block(wasm.OpTryTable, nil, nil, func() { g.contents(nil, depth+2) })
		})
	case 16:
		// if (c) { ...; leave }
		g.expr(wasm.I32, depth+1)
		g.block(wasm.OpIf, nil, nil, func() {
			g.contents(nil, depth+1)
			g.leave(depth + 1)
		})
	case 17:
		g.call(depth)
	case 18, 19, 20:
		g.i32(int32(100 + g.r.IntN(50))) // which way it went
		g.u32(wasm.OpCall, 0)
	case 21:
		// if (c) { if (d) ... }
		g.expr(wasm.I32, depth+1)
		g.block(wasm.OpIf, nil, nil, func() {
			g.expr(wasm.I32, depth+2)
			g.block(wasm.OpIf, nil, nil, func() { g.contents(nil, depth+2) })
		})
	case 22:
		// Two branches one after the other, or only one in a block of its own.
		l := g.labelsFor(nil)
		if len(l) == 0 {
			return
		}
		to := l[g.r.IntN(len(l))]
		g.expr(wasm.I32, depth+1)
		g.u32(wasm.OpBrIf, to)
		if g.chance(2) {
			to = l[g.r.IntN(len(l))]
		}
		g.expr(wasm.I32, depth+1)
		g.u32(wasm.OpBrIf, to)
	case 23:
		// What only one branch leads to.
		g.block(wasm.OpBlock, nil, nil, func() {
			in := func() {
				g.expr(wasm.I32, depth+1)
				g.block(wasm.OpIf, nil, nil, func() {
					g.contents(nil, depth+2)
					l := g.labelsFor(nil) // the first is the if itself
					g.u32(wasm.OpBr, l[min(len(l)-1, 1+g.r.IntN(2))])
				})
			}
			if g.chance(4) {
				g.block(wasm.OpTryTable, nil, nil, in)
			} else {
				in()
			}
			g.leave(depth + 1)
		})
	case 24, 25:
		g.sameEnds(depth)
	}
	// What is short and has no branch can be repeated anywhere.
	if code := g.buf[start:]; len(code) < 24 && straight(code) {
		g.seen = append(g.seen, append([]byte(nil), code...))
	}
}

// sameEnds writes paths that end with the same statements before they meet, or
// before they leave the function; and perhaps one that does not.
func (g *randomFunc) sameEnds(depth int) {
	at := len(g.buf)
	for range 1 + g.r.IntN(2) {
		g.i32(int32(100 + g.r.IntN(50)))
		g.u32(wasm.OpCall, 0)
	}
	if g.chance(2) {
		g.u32(wasm.OpLocalGet, g.local(wasm.I32))
		g.u32(wasm.OpCall, 2) // throws
	}
	end := append([]byte(nil), g.buf[at:]...)
	g.buf = g.buf[:at]
	out := g.chance(2)
	path := func(l uint32) {
		g.expr(wasm.I32, depth+2)
		g.block(wasm.OpIf, nil, nil, func() {
			g.contents(nil, depth+2)
			g.buf = append(g.buf, end...)
			if out {
				for _, t := range g.result {
					g.buf = append(g.buf, map[wasm.ValType][]byte{wasm.I32: {0x41, 7}, wasm.I64: {0x42, 7}, wasm.F64: {0x44, 0, 0, 0, 0, 0, 0, 0, 0}}[t]...)
				}
				g.op(wasm.OpReturn)
			} else {
				g.u32(wasm.OpBr, l)
			}
		})
	}
	g.block(wasm.OpBlock, nil, nil, func() {
		for range 1 + g.r.IntN(3) {
			switch g.r.IntN(6) {
			case 0:
				g.block(wasm.OpTryTable, nil, nil, func() { path(2) })
			case 1:
				g.expr(wasm.I32, depth+2)
				g.u32(wasm.OpBrIf, 0)
			case 2:
				g.statement(depth + 2)
			default:
				path(1)
			}
		}
		g.buf = append(g.buf, end...)
	})
}

// straight reports whether code has no label and no branch.
func straight(code []byte) bool {
	for p := 0; p < len(code); {
		in, ok := wasm.NextInstr(code, p)
		if !ok {
			return false
		}
		switch in.Op {
		case wasm.OpBr, wasm.OpBrIf, wasm.OpBrTable, wasm.OpReturn, wasm.OpBlock, wasm.OpLoop, wasm.OpIf, wasm.OpElse, wasm.OpEnd, wasm.OpTryTable:
			return false
		}
		p = int(in.Off + in.Len)
	}
	return true
}

// loop writes a loop that is left when the fuel is used up.
func (g *randomFunc) loop(values []wasm.ValType, depth int) {
	g.block(wasm.OpLoop, values, nil, func() {
		g.u32(wasm.OpLocalGet, g.fuel)
		g.i32(1)
		g.op(wasm.OpI32Sub)
		g.u32(wasm.OpLocalTee, g.fuel)
		g.i32(0)
		g.op(wasm.OpI32LtS)
		g.block(wasm.OpIf, nil, nil, func() {
			for _, t := range g.result {
				g.constant(t)
			}
			g.op(wasm.OpReturn)
		})
		g.contents(values, depth+1)
	})
}

// ifElse writes an if.
func (g *randomFunc) ifElse(values []wasm.ValType, depth int) {
	g.expr(wasm.I32, depth+1)
	g.block(wasm.OpIf, values, values, func() {
		g.contents(values, depth+1)
		if len(values) > 0 || g.chance(2) {
			g.op(wasm.OpElse)
			g.contents(values, depth+1)
		}
	})
}

// call writes a call of a function that was made before, as a statement.
func (g *randomFunc) call(depth int) {
	if g.callees == 0 || g.budget == 0 {
		g.op(wasm.OpNop)
		return
	}
	g.budget--
	fn := g.r.IntN(g.callees)
	t := &g.m.Types[g.m.Funcs[fn]]
	for _, p := range t.Params {
		g.expr(p, depth+1)
	}
	g.u32(wasm.OpCall, uint32(2+fn))
	for range t.Results {
		g.op(wasm.OpDrop)
	}
}

// address writes an address that is mostly in bounds.
func (g *randomFunc) address(depth int) {
	g.expr(wasm.I32, depth+1)
	if !g.chance(8) {
		g.i32(60)
		g.op(wasm.OpI32And)
	}
}

func (g *randomFunc) memArg() { g.buf = append(g.buf, 0, byte(g.r.IntN(3)*4)) }

func (g *randomFunc) constant(t wasm.ValType) {
	small := int64(g.r.IntN(5) - 1)
	if g.chance(4) {
		small = int64(g.r.Uint64())
	}
	switch t {
	case wasm.I32:
		g.i32(int32(small))
	case wasm.I64:
		g.op(wasm.OpI64Const)
		g.buf = wasm.AppendS64(g.buf, small)
	default:
		g.op(wasm.OpF64Const)
		g.buf = binary.LittleEndian.AppendUint64(g.buf, math.Float64bits(float64(small%100)/4))
	}
}

// The instructions that expressions are made of, by their result.
var (
	randomI32 = []wasm.Opcode{wasm.OpI32Add, wasm.OpI32Sub, wasm.OpI32Mul, wasm.OpI32And, wasm.OpI32Or, wasm.OpI32Xor, wasm.OpI32Shl, wasm.OpI32ShrS,
		wasm.OpI32ShrU, wasm.OpI32Rotl, wasm.OpI32Rotr, wasm.OpI32Eq, wasm.OpI32Ne, wasm.OpI32LtS, wasm.OpI32LtU, wasm.OpI32GtS, wasm.OpI32GtU, wasm.OpI32LeS,
		wasm.OpI32LeU, wasm.OpI32GeS, wasm.OpI32GeU, wasm.OpI32DivS, wasm.OpI32DivU, wasm.OpI32RemS, wasm.OpI32RemU}
	randomI64 = []wasm.Opcode{wasm.OpI64Add, wasm.OpI64Sub, wasm.OpI64Mul, wasm.OpI64And, wasm.OpI64Or, wasm.OpI64Xor, wasm.OpI64Shl, wasm.OpI64ShrS,
		wasm.OpI64ShrU, wasm.OpI64Rotl, wasm.OpI64Rotr, wasm.OpI64DivS, wasm.OpI64RemU}
	randomI64Cmp = []wasm.Opcode{wasm.OpI64Eq, wasm.OpI64Ne, wasm.OpI64LtS, wasm.OpI64LtU, wasm.OpI64GeS, wasm.OpI64GeU}
	randomF64    = []wasm.Opcode{wasm.OpF64Add, wasm.OpF64Sub, wasm.OpF64Mul, wasm.OpF64Div, wasm.OpF64Min, wasm.OpF64Max}
	randomF64Cmp = []wasm.Opcode{wasm.OpF64Eq, wasm.OpF64Ne, wasm.OpF64Lt, wasm.OpF64Gt, wasm.OpF64Le, wasm.OpF64Ge}
	randomUnary  = []wasm.Opcode{wasm.OpI32Eqz, wasm.OpI32Eqz, wasm.OpI32Eqz, wasm.OpI32Clz, wasm.OpI32Ctz, wasm.OpI32Popcnt, wasm.OpI32Extend8S, wasm.OpI32Extend16S}
	randomF64One = []wasm.Opcode{wasm.OpF64Neg, wasm.OpF64Abs, wasm.OpF64Floor, wasm.OpF64Sqrt, wasm.OpF64Nearest}
)

// pick is one of some instructions.
func (g *randomFunc) pick(ops []wasm.Opcode) wasm.Opcode { return ops[g.r.IntN(len(ops))] }

// two writes an instruction with two operands of a type.
func (g *randomFunc) two(t wasm.ValType, ops []wasm.Opcode, depth int) {
	g.expr(t, depth+1)
	g.expr(t, depth+1)
	op := g.pick(ops)
	if (op >= wasm.OpI32DivS && op <= wasm.OpI32RemU || op >= wasm.OpI64DivS && op <= wasm.OpI64RemU) && !g.chance(4) {
		g.constant(t) // not 0: fewer traps
		g.op(map[wasm.ValType]wasm.Opcode{wasm.I32: wasm.OpI32Or, wasm.I64: wasm.OpI64Or}[t])
	}
	g.op(op)
}

// expr writes an expression.
func (g *randomFunc) expr(t wasm.ValType, depth int) {
	g.left--
	if depth > 10 || g.left < 0 || g.chance(4) {
		if g.chance(3) {
			g.constant(t)
		} else {
			g.u32(wasm.OpLocalGet, g.local(t))
		}
		return
	}
	values := []wasm.ValType{t}
	switch g.r.IntN(24) {
	case 0:
		g.ifElse(values, depth)
		return
	case 1:
		g.block(wasm.OpBlock, values, values, func() { g.contents(values, depth+1) })
		return
	case 2:
		g.expr(t, depth+1)
		g.expr(t, depth+1)
		g.expr(wasm.I32, depth+1)
		g.op(wasm.OpSelect)
		return
	case 3:
		g.expr(t, depth+1)
		g.u32(wasm.OpLocalTee, g.local(t))
		return
	case 4:
		if ls := g.labelsFor(values); len(ls) > 0 {
			g.expr(t, depth+1)
			g.expr(wasm.I32, depth+1)
			g.u32(wasm.OpBrIf, ls[g.r.IntN(len(ls))])
			return
		}
	case 5:
		if g.chance(3) {
			g.loop(values, depth)
			return
		}
	case 6, 7, 8:
		g.u32(wasm.OpLocalGet, g.local(t))
		return
	case 9:
		if g.chance(3) {
			g.block(wasm.OpTryTable, values, values, func() { g.contents(values, depth+1) })
			return
		}
	}
	switch t {
	case wasm.I32:
		switch g.r.IntN(12) {
		case 0:
			g.address(depth)
			g.op([]wasm.Opcode{wasm.OpI32Load, wasm.OpI32Load8S, wasm.OpI32Load8U, wasm.OpI32Load16U}[g.r.IntN(4)])
			g.memArg()
		case 1:
			g.expr(wasm.I32, depth+1)
			g.expr(wasm.I64, depth+1)
			g.u32(wasm.OpCall, 1)
		case 2:
			g.u32(wasm.OpGlobalGet, uint32(g.r.IntN(2)))
		case 3:
			g.two(wasm.I64, randomI64Cmp, depth)
		case 4:
			g.two(wasm.F64, randomF64Cmp, depth)
		case 5:
			g.expr(wasm.I64, depth+1)
			g.op([]wasm.Opcode{wasm.OpI64Eqz, wasm.OpI32WrapI64}[g.r.IntN(2)])
		case 6, 7:
			g.expr(wasm.I32, depth+1)
			g.op(g.pick(randomUnary))
		default:
			g.two(wasm.I32, randomI32, depth)
		}
	case wasm.I64:
		switch g.r.IntN(6) {
		case 0:
			g.expr(wasm.I32, depth+1)
			g.op([]wasm.Opcode{wasm.OpI64ExtendI32S, wasm.OpI64ExtendI32U}[g.r.IntN(2)])
		case 1:
			g.address(depth)
			g.op(wasm.OpI64Load)
			g.memArg()
		case 2:
			g.u32(wasm.OpGlobalGet, 2)
		default:
			g.two(wasm.I64, randomI64, depth)
		}
	default:
		switch g.r.IntN(5) {
		case 0:
			g.expr(wasm.I32, depth+1)
			g.op(wasm.OpF64ConvertI32S)
		case 1:
			g.expr(wasm.F64, depth+1)
			g.op(g.pick(randomF64One))
		default:
			g.two(wasm.F64, randomF64, depth)
		}
	}
}

// TestRandomModules makes sure that the random modules are worth something:
// they are valid, all of them run, and they do something.
func TestRandomModules(t *testing.T) {
	for seed := range uint64(20) {
		b := randomModule(seed, 12)
		m, err := wasm.Decode("random", b)
		if err == nil {
			err = wasm.Validate(m)
		}
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if log := trace(t, b); len(log) < 1000 {
			t.Errorf("seed %d: the module does next to nothing: %s", seed, log)
		}
	}
}
