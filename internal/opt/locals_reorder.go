package opt

import (
	"cmp"
	"slices"

	"github.com/wbundle/wbundle/internal/ir"
	"github.com/wbundle/wbundle/internal/wasm"
)

// The pass reorder-locals: declarations of locals are few and indices short.
//
// Input and output are final trees. Locals that nothing accesses are gone. The
// others are declared by type, as every run of one type costs two bytes or
// more, the types and the locals of a type that are accessed most often first:
//
//	(local i64 i32 i64)   becomes   (local i64 i64 i32)
//
// Where there are more than 128 locals, so that some indices take two bytes,
// types may have two runs, one for the locals that are accessed often. The
// shorter one of both orders is taken. Parameters stay.
func reorderLocals(f *ir.Func, s *state) bool {
	n := len(f.Locals)
	if n == f.Params {
		return false
	}
	uses := make([]int, n)
	countUses(f.Body, uses)
	var types []localType
	var used []uint32
	for x := uint32(f.Params); x < uint32(n); x++ {
		if uses[x] == 0 {
			continue
		}
		used = append(used, x)
		t := f.Locals[x]
		i := slices.IndexFunc(types, func(g localType) bool { return g.t == t })
		if i < 0 {
			i = len(types)
			types = append(types, localType{t: t})
		}
		types[i].uses += uses[x]
		types[i].count++
	}
	// The types whose locals are accessed most often on average are first.
	slices.SortStableFunc(types, func(a, b localType) int { return cmp.Compare(b.uses*a.count, a.uses*b.count) })
	rank := make([]int, n)
	for _, x := range used {
		rank[x] = slices.IndexFunc(types, func(g localType) bool { return g.t == f.Locals[x] })
	}
	byUse := func(a, b uint32) int { return cmp.Or(uses[b]-uses[a], cmp.Compare(a, b)) }
	byType := func(a, b uint32) int { return cmp.Or(rank[a]-rank[b], byUse(a, b)) }
	order := slices.Clone(used)
	slices.SortFunc(order, byType)
	if short := 128 - f.Params; len(order) > short && short > 0 {
		two := slices.Clone(used)
		slices.SortFunc(two, byUse)
		slices.SortFunc(two[:short], byType)
		slices.SortFunc(two[short:], byType)
		if localBytes(f, two, uses) < localBytes(f, order, uses) {
			order = two
		}
	}
	index := make([]uint32, n)
	for p := range uint32(f.Params) {
		index[p] = p
	}
	out := append(make([]wasm.ValType, 0, f.Params+len(order)), f.Locals[:f.Params]...)
	for _, x := range order {
		index[x] = uint32(len(out))
		out = append(out, f.Locals[x])
	}
	f.Locals = out
	renumber(f.Body, index)
	return false // no other pass is better off
}

type localType struct {
	t           wasm.ValType
	uses, count int
}

// countUses counts the accesses of each local.
func countUses(n *ir.Node, uses []int) {
	switch n.Op {
	case wasm.OpLocalGet, wasm.OpLocalSet, wasm.OpLocalTee:
		uses[n.Imm]++
	}
	for _, k := range n.Kids {
		countUses(k, uses)
	}
}

// renumber gives every access of a local its index.
func renumber(n *ir.Node, index []uint32) {
	switch n.Op {
	case wasm.OpLocalGet, wasm.OpLocalSet, wasm.OpLocalTee:
		n.Imm = uint64(index[n.Imm])
	}
	for _, k := range n.Kids {
		renumber(k, index)
	}
}

// localBytes is how many bytes an order of the locals takes, in the
// declarations and the instructions.
func localBytes(f *ir.Func, order []uint32, uses []int) int {
	size := 0
	for i, x := range order {
		index := f.Params + i
		size += uses[x] * len(wasm.AppendU32(nil, uint32(index)))
		if i == 0 || f.Locals[order[i-1]] != f.Locals[x] {
			size += 1 + len(wasm.AppendValType(nil, f.Locals[x]))
		}
	}
	return size
}
