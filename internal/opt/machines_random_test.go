package opt

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/wbundle/wbundle/internal/wasm"
)

// TestRandomMachines is TestRandom for what looks at jumps, the ends of paths,
// globals and addresses: the functions are loops around a br_table, with little
// between the jumps, so that much of it is the same.
func TestRandomMachines(t *testing.T) {
	modules := 300
	if testing.Short() {
		modules = 60
	}
	try := func(name string, modules int, passes ...string) {
		for seed := range modules {
			t.Run(fmt.Sprintf("%s/%d", name, seed), func(t *testing.T) {
				before := machineModule(uint64(seed))
				agree(t, before, optimize(t, before, Size, passes...))
			})
		}
	}
	try("all", modules)
	try("threads", modules/2, "threads")
	try("tails", modules, "tails")
	try("threads and tails", modules/2, "threads", "branches", "tails")
	try("offsets", modules/2, "offsets")
	try("global-sets", modules/2, "global-sets")
}

// machineModule makes a module of functions that end, the same for the same
// seed.
func machineModule(seed uint64) []byte {
	r := rand.New(rand.NewPCG(seed, 99))
	sub := func(params, results []wasm.ValType) wasm.SubType {
		return wasm.SubType{Kind: wasm.CompFunc, Final: true, Short: true, Params: params, Results: results}
	}
	m := &wasm.Module{
		Types: []wasm.SubType{
			sub([]wasm.ValType{wasm.I32}, nil),
			sub([]wasm.ValType{wasm.I32, wasm.I32}, []wasm.ValType{wasm.I32}),
		},
		RecGroups: []wasm.RecGroup{{Start: 0, Count: 1}, {Start: 1, Count: 1}},
		Imports:   []wasm.Import{{Module: "h", Name: "log", Kind: wasm.ExternFunc}},
		Memories:  []wasm.MemType{{Limits: wasm.Limits{Min: 1, Max: 60000, HasMax: seed%2 == 0}}},
		Tags:      []uint32{0},
		Exports:   []wasm.Export{{Name: "memory", Kind: wasm.ExternMemory}},
	}
	m.NumImported[wasm.SpaceFunc] = 1
	for i := range uint32(2) {
		m.Globals = append(m.Globals, wasm.Global{GlobalType: wasm.GlobalType{Type: wasm.I32, Mutable: true}, Init: wasm.Expr{Bytes: []byte{0x41, 9, 0x0b}}})
		m.Exports = append(m.Exports, wasm.Export{Name: fmt.Sprintf("g%d", i), Kind: wasm.ExternGlobal, Index: i})
	}
	for i := range uint32(6) {
		g := &machineFunc{r: r, states: 1 + r.IntN(8), outer: r.IntN(4) == 0, wide: r.IntN(5) == 0}
		m.Funcs = append(m.Funcs, 1)
		m.Code = append(m.Code, wasm.Body{Bytes: g.body()})
		m.Exports = append(m.Exports, wasm.Export{Name: fmt.Sprintf("f%d", i), Kind: wasm.ExternFunc, Index: 1 + i})
	}
	return wasm.Encode(m)
}

// machineFunc writes one body. Its locals are the parameters, of which the first
// is the state, two addresses, and one that counts down.
type machineFunc struct {
	r      *rand.Rand
	buf    []byte
	states int
	depth  int  // of labels in the loop
	outer  bool // the loop is in another one
	wide   bool // a block of many labels around it
}

const (
	machineState = iota
	machineArg
	machineA
	machineB
	machineFuel
)

func (g *machineFunc) b(b ...byte) { g.buf = append(g.buf, b...) }

func (g *machineFunc) u32(op byte, v int) {
	g.b(op)
	g.buf = wasm.AppendU32(g.buf, uint32(v))
}

func (g *machineFunc) body() []byte {
	g.b(1, 3, 0x7f, 0x41, 40, 0x21, machineFuel)
	g.b(0x23, 0, 0x10, 0, 0x23, 1, 0x10, 0) // what the last function left
	around := 0
	if g.wide {
		around = 122
	}
	for range around {
		g.b(0x02, 0x40)
	}
	// block $value (result i32), loop $outer, block $exit, loop $l
	g.b(0x02, 0x7f, 0x03, 0x40, 0x02, 0x40, 0x03, 0x40)
	if g.r.IntN(6) == 0 {
		g.b(0x23, 0, 0x1a) // the br_table does not come first
	}
	for range g.states + 1 {
		g.b(0x02, 0x40)
	}
	g.b(0x20, machineState)
	g.u32(0x0e, 2*g.states)
	for i := range 2*g.states + 1 {
		g.buf = wasm.AppendU32(g.buf, uint32(i/2))
	}
	g.b(0x0b)
	for i := range g.states {
		g.depth = g.states - i
		g.fuel()
		for range g.r.IntN(4) {
			g.statement()
		}
		g.leave(i < g.states-1)
		g.b(0x0b)
	}
	g.depth = 0
	g.fuel()
	g.statement()
	g.leave(g.r.IntN(3) == 0)
	g.b(0x0b, 0x0b) // loop, $exit
	if g.outer {
		g.depth = -2
		g.fuel()
		g.b(0x0c, 0)
	}
	g.b(0x0b, 0x41, 7, 0x0b) // $outer, $value
	if g.wide {
		// The labels around have no value.
		g.b(0x21, machineA)
		for range around {
			g.b(0x0b)
		}
		g.b(0x20, machineA)
	}
	g.b(0x0b)
	return g.buf
}

// The labels, as seen from the loop; states before.
func (g *machineFunc) loop() int  { return g.depth }
func (g *machineFunc) exit() int  { return g.depth + 1 }
func (g *machineFunc) value() int { return g.depth + 3 }

// fuel returns when it is used up.
func (g *machineFunc) fuel() {
	g.b(0x20, machineFuel, 0x41, 1, 0x6b, 0x22, machineFuel, 0x45, 0x04, 0x40, 0x41, 77, 0x0f, 0x0b)
}

// statement is one of a few, often of those that were there before.
func (g *machineFunc) statement() {
	local := byte(machineA + g.r.IntN(2))
	small := byte(g.r.IntN(3))
	switch g.r.IntN(9) {
	case 0:
		g.b(0x41, small, 0x10, 0)
	case 1:
		g.b(0x41, 0xc8, 0x01, 0x10, 0) // 200
	case 2:
		g.b(0x20, local, 0x41, 8, 0x6a, 0x24, small%2)
	case 3:
		g.b(0x20, local, 0x41, 8, 0x6a, 0x41, small, 0x36, 2, 4*small)
	case 4:
		g.b(0x20, local, 0x41, small+1, 0x36, 2, 16)
	case 5:
		g.b(0x20, machineArg, 0x41, 0xff, 0x00, 0x71, 0x21, local)
	case 6:
		g.b(0x20, machineArg, 0x41, 0x70, 0x72, 0x21, local) // at the end of 2^32
	case 7:
		g.b(0x20, local, 0x41, 20, 0x6a, 0x28, 2, small, 0x10, 0)
	case 8:
		g.cond()
		g.b(0x04, 0x40)
		g.depth++
		g.statement()
		if g.r.IntN(2) == 0 {
			g.b(0x05)
			g.statement()
		}
		g.depth--
		g.b(0x0b)
	}
}

func (g *machineFunc) cond() {
	if g.r.IntN(8) == 0 {
		g.b(0x20, machineState)
		return
	}
	g.b(0x20, machineArg, 0x41, byte(g.r.IntN(5)), 0x76, 0x41, 1, 0x71)
}

// leave is how a state ends; it may go on to the next.
func (g *machineFunc) leave(next bool) {
	for g.r.IntN(3) > 0 {
		g.cond()
		g.b(0x04, 0x40)
		g.depth++
		for range g.r.IntN(3) {
			g.statement()
		}
		g.jump()
		g.depth--
		g.b(0x0b)
	}
	if next && g.r.IntN(3) == 0 {
		return
	}
	g.jump()
}

// jump leaves for good.
func (g *machineFunc) jump() {
	switch g.r.IntN(12) {
	case 0, 1:
		g.b(0x41, byte(g.r.IntN(2)), 0x0f)
	case 2:
		g.u32(0x0c, g.exit())
	case 3:
		g.b(0x41, 3)
		g.u32(0x0c, g.value())
	case 4:
		g.b(0x00)
	case 5:
		g.b(0x41, 5, 0x08, 0) // throw
	case 6:
		// Without a set.
		g.fuel()
		g.u32(0x0c, g.loop())
	case 7:
		g.b(0x41, byte(g.r.IntN(2*g.states+2)), 0x21, machineState)
		g.cond()
		g.u32(0x0d, g.loop())
		g.u32(0x0c, g.loop())
	case 8:
		g.b(0x41, byte(g.r.IntN(9)), 0x41, byte(g.r.IntN(9)))
		g.cond()
		g.b(0x1b, 0x21, machineState)
		g.u32(0x0c, g.loop())
	default:
		g.b(0x41, byte(g.r.IntN(2*g.states+2)), 0x21, machineState)
		g.u32(0x0c, g.loop())
	}
}
