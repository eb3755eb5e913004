package adapter

import (
	"fmt"
	"slices"

	"github.com/wbundle/wbundle/graph"
	"github.com/wbundle/wbundle/internal/ir"
	"github.com/wbundle/wbundle/internal/wasm"
)

// The host allocates through realloc, in its own addresses. In a component
// every lift and lower names a realloc, so that one of a memory that does not
// begin where the host's does needs only its addresses changed. The host of a
// core module knows one cabi_realloc, and calls it
//
//   - for the results of an import, while the component that called waits: the
//     wrapper of the import says whose realloc it is (boundary.current);
//   - for the parameters of an export, before it says of which: the first, which
//     is the staging memory's where those of the exports differ (staging.go).

// reallocate is the index of cabi_realloc's parameters: the old block, its
// size, the alignment and the new size.
const reallocOld = ir.Local(0)

// oneRealloc makes cabi_realloc a function that stands for all of them, where
// the host can be told of only one and the first is not enough.
func (g *generator) oneRealloc() error {
	rs := g.o.Host.Reallocs
	if !g.o.Host.OneRealloc || len(rs) == 0 {
		return nil
	}
	if len(rs) == 1 && !g.wrapsRealloc(rs[0]) {
		g.export("cabi_realloc", rs[0].Func)
		return nil
	}
	b := ir.New(i32s)
	g.kept(&g.boundary.current, "who asks the host")
	for i := len(rs) - 1; i > 0; i-- {
		b.GlobalGet(g.boundary.current)
		b.I32(uint32(i))
		b.Op(wasm.OpI32Eq)
		b.If()
		g.reallocCall(b, rs[i])
		b.Op(wasm.OpReturn)
		b.End()
	}
	g.reallocCall(b, rs[0])
	g.boundary.realloc = g.p.AddFunc(graph.Func{
		Kind: graph.FuncGenerated, Type: g.p.Types.Func(i32s, i32s[:1]), Body: b.Finish(), Name: "cabi_realloc",
	})
	g.export("cabi_realloc", g.boundary.realloc)
	return nil
}

// wrapsRealloc reports whether the host cannot call a realloc as it is.
func (g *generator) wrapsRealloc(r HostRealloc) bool {
	return g.rebases(r.Memory) || g.clears[r.Component] && g.leaves(r.Func)
}

// reallocCall calls a realloc with the function's parameters and leaves the
// block on the stack, both as the host's addresses.
func (g *generator) reallocCall(b *ir.Builder, r HostRealloc) {
	c := g.crosser(b, argsIn, r.Component, graph.Options{Memory: r.Memory})
	if c.rebases {
		b.Get(reallocOld)
		b.If()
		b.Get(reallocOld)
		c.ownAddress()
		b.Set(reallocOld)
		b.End()
	}
	leaves := g.leaves(r.Func)
	if leaves {
		g.setLeave(b, r.Component, 0)
	}
	b.Get(0, 1, 2, 3)
	b.Call(r.Func)
	c.hostAddress()
	if leaves {
		g.setLeave(b, r.Component, 1)
	}
}

// reallocNumber is what boundary.current has to be while the host allocates
// with the given options.
func (g *generator) reallocNumber(o graph.Options) int {
	if g.boundary.realloc == 0 {
		return 0
	}
	return g.reallocIndex(o)
}

// reallocIndex is the place of a realloc in Host.Reallocs.
func (g *generator) reallocIndex(o graph.Options) int {
	i := slices.IndexFunc(g.o.Host.Reallocs, func(r HostRealloc) bool { return r.Memory == o.Memory && r.Func == o.Realloc })
	if i < 0 {
		panic("adapter: a realloc that the host was not told of")
	}
	return i
}

// hostRealloc is the function that the host is given for the realloc of options.
func (g *generator) hostRealloc(o graph.Options) graph.FuncID {
	switch {
	case g.boundary.realloc != 0:
		return g.boundary.realloc
	case !g.wrapsRealloc(g.o.Host.Reallocs[g.reallocIndex(o)]):
		return o.Realloc
	}
	k := helperKey{kind: helperRealloc, from: end{opts: graph.Options{Memory: o.Memory, Realloc: o.Realloc}}}
	_, made := g.helpers[k]
	id, _ := g.helper(k, "realloc for the host", i32s, i32s[:1], func(b *ir.Builder) error {
		g.reallocCall(b, g.o.Host.Reallocs[g.reallocIndex(o)])
		return nil
	})
	if !made {
		// It takes the place of one that the host will not call.
		name := "cabi_realloc"
		if n := g.reallocIndex(o); n > 0 {
			name = fmt.Sprintf("%s.%d", name, n)
		}
		g.export(name, id)
	}
	return id
}
