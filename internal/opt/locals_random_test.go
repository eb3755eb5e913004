package opt

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/wbundle/wbundle/internal/wasm"
)

// localPasses are the passes on locals, in their order.
var localPasses = []string{"split-locals", "local-values", "simplify-locals", "local-cse", "coalesce-locals", "reorder-locals"}

// TestRandomLocals is TestRandom for the passes on locals: in the functions
// here, few locals are written and read all over, between branches that the
// arguments decide on.
func TestRandomLocals(t *testing.T) {
	modules := 120
	if testing.Short() {
		modules = 40
	}
	try := func(name string, modules int, passes ...string) {
		for seed := range modules {
			t.Run(fmt.Sprintf("%s/%d", name, seed), func(t *testing.T) {
				before := localsModule(uint64(seed))
				agree(t, before, optimize(t, before, Size, passes...))
			})
		}
	}
	for _, p := range localPasses {
		try(p, modules/3, p)
	}
	try("split and simplify", modules, "split-locals", "simplify-locals")
	try("locals", modules, localPasses...)
	try("all", modules)
}

// localsModule makes a module of functions that end, the same for the same
// seed.
func localsModule(seed uint64) []byte {
	r := rand.New(rand.NewPCG(seed, 4242))
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
		Memories:  []wasm.MemType{{Limits: wasm.Limits{Min: 1, Max: 1, HasMax: true}}},
		Globals:   []wasm.Global{{GlobalType: wasm.GlobalType{Type: wasm.I32, Mutable: true}, Init: wasm.Expr{Bytes: []byte{0x41, 9, 0x0b}}}},
		Tags:      []uint32{0},
	}
	m.NumImported[wasm.SpaceFunc] = 1
	m.Exports = []wasm.Export{{Name: "memory", Kind: wasm.ExternMemory}, {Name: "global", Kind: wasm.ExternGlobal}}
	for i := range 8 {
		g := &localsFunc{r: r, left: 15 + r.IntN(50), locals: 4 + r.IntN(4), try: r.IntN(6) == 0}
		m.Funcs = append(m.Funcs, 1)
		m.Code = append(m.Code, wasm.Body{Bytes: g.body()})
		m.Exports = append(m.Exports, wasm.Export{Name: fmt.Sprintf("f%d", i), Kind: wasm.ExternFunc, Index: uint32(1 + i)})
	}
	return wasm.Encode(m)
}

// localsFunc writes one body: two parameters, locals of i32 up to the number
// locals, and one that counts down.
type localsFunc struct {
	r      *rand.Rand
	buf    []byte
	left   int
	locals int
	labels []bool // whether each open label is a loop
	try    bool
}

func (g *localsFunc) b(b ...byte) { g.buf = append(g.buf, b...) }

func (g *localsFunc) local() byte { return byte(g.r.IntN(g.locals)) }

func (g *localsFunc) body() []byte {
	g.b(1, byte(g.locals-2+1), 0x7f)
	g.b(0x41, 10, 0x21, byte(g.locals)) // the counter
	for g.left > 0 {
		g.statement(0)
	}
	if g.r.IntN(2) == 0 {
		for x := range g.locals {
			g.b(0x20, byte(x), 0x10, 0)
		}
	}
	g.expr(0)
	g.b(0x0b)
	return g.buf
}

func (g *localsFunc) statements(depth int) {
	for range 1 + g.r.IntN(4) {
		if g.left > 0 {
			g.statement(depth)
		}
	}
}

func (g *localsFunc) inside(loop bool, depth int) {
	g.labels = append(g.labels, loop)
	g.statements(depth + 1)
	g.labels = g.labels[:len(g.labels)-1]
}

// target is a label that is no loop, if there is one.
func (g *localsFunc) target() (byte, bool) {
	for range 4 {
		if n := len(g.labels); n > 0 {
			if i := g.r.IntN(n); !g.labels[n-1-i] {
				return byte(i), true
			}
		}
	}
	return 0, false
}

// cond depends on the arguments.
func (g *localsFunc) cond() {
	if g.r.IntN(4) == 0 {
		g.expr(2)
		return
	}
	g.b(0x20, byte(g.r.IntN(2)), 0x41, byte(g.r.IntN(9)), 0x76, 0x41, 1, 0x71)
}

func (g *localsFunc) statement(depth int) {
	g.left--
	kind := g.r.IntN(20)
	if depth > 6 && kind > 8 {
		kind = 0
	}
	switch kind {
	case 0, 1, 2, 3, 4, 5:
		g.expr(0)
		g.b(0x21, g.local())
	case 6, 7:
		g.expr(1)
		g.b(0x10, 0)
	case 8:
		g.expr(1)
		g.b(0x24, 0)
	case 9, 10, 11:
		g.b(0x02, 0x40)
		g.inside(false, depth)
		g.b(0x0b)
	case 12:
		// A loop that ends.
		g.b(0x03, 0x40)
		g.inside(true, depth)
		g.b(0x20, byte(g.locals), 0x41, 1, 0x6b, 0x22, byte(g.locals), 0x41, 0, 0x4a, 0x0d, 0, 0x0b)
	case 13, 14:
		g.cond()
		g.b(0x04, 0x40)
		g.inside(false, depth)
		if g.r.IntN(2) == 0 {
			g.b(0x05)
			g.inside(false, depth)
		}
		g.b(0x0b)
	case 15, 16:
		if l, ok := g.target(); ok {
			g.cond()
			g.b(0x0d, l)
		}
	case 17:
		// An arm that leaves.
		g.cond()
		g.b(0x04, 0x40)
		g.labels = append(g.labels, false)
		g.statements(depth + 1)
		if l, ok := g.target(); ok {
			g.b(0x0c, l)
		} else {
			g.expr(0)
			g.b(0x0f)
		}
		g.labels = g.labels[:len(g.labels)-1]
		g.b(0x0b)
	case 18:
		g.b(0x41, byte(g.r.IntN(4)*4))
		g.expr(1)
		g.b(0x36, 2, 0)
	case 19:
		if !g.try {
			g.expr(0)
			g.b(0x1a)
			return
		}
		// block try_table (catch_all 0) ... throw ... end end
		g.b(0x02, 0x40, 0x1f, 0x40, 1, 2, 0)
		g.labels = append(g.labels, false, false)
		g.statements(depth + 1)
		g.cond()
		g.b(0x04, 0x40, 0x41, 1, 0x08, 0, 0x0b)
		g.statements(depth + 1)
		g.labels = g.labels[:len(g.labels)-2]
		g.b(0x0b, 0x0b)
	}
}

// expr writes a number.
func (g *localsFunc) expr(depth int) {
	kind := g.r.IntN(14)
	if depth > 3 {
		kind %= 6
	}
	switch kind {
	case 0, 1, 2, 3:
		g.b(0x20, g.local())
	case 4:
		g.b(0x41)
		g.buf = wasm.AppendS32(g.buf, []int32{0, 0, 1, 7, 40000, 1 << 20}[g.r.IntN(6)])
	case 5:
		g.b(0x23, 0)
	case 6, 7, 8:
		g.expr(depth + 1)
		g.expr(depth + 1)
		g.b([]byte{0x6a, 0x6b, 0x6c, 0x71, 0x73}[g.r.IntN(5)])
	case 9:
		g.b(0x41, byte(g.r.IntN(4)*4), 0x28, 2, 0)
	case 10, 11:
		g.expr(depth + 1)
		g.b(0x22, g.local())
	case 12:
		g.cond()
		g.b(0x04, 0x7f)
		g.labels = append(g.labels, true) // takes a value: no target
		g.expr(depth + 1)
		g.b(0x05)
		g.expr(depth + 1)
		g.labels = g.labels[:len(g.labels)-1]
		g.b(0x0b)
	case 13:
		g.b(0x02, 0x7f)
		g.labels = append(g.labels, true)
		if g.left > 0 {
			g.statements(depth + 3)
		}
		g.expr(depth + 1)
		g.labels = g.labels[:len(g.labels)-1]
		g.b(0x0b)
	}
}
