package gen

import (
	"fmt"

	"github.com/wbundle/wbundle/internal/component"
)

// Source is where choices come from: a random number generator, or something
// that can shrink what it chose. Smaller choices make simpler things.
type Source interface {
	// IntN returns a number of [0, n).
	IntN(n int) int
}

// oneIn reports true once in n times, and never where the source shrinks.
func oneIn(s Source, n int) bool { return s.IntN(n) == n-1 }

// Who defines a resource type. Who imports it can hold handles of it; the
// provider gets borrows of its own resources as representations, and of
// others as handles that it must drop.
const (
	ByProvider = iota // of a Pair
	ByThird           // a component that both of a Pair import
	ByHost
	owners
)

// resources stand for the resource types in signatures; layout and identity
// are all that counts, so one each is enough.
var resources = [owners]*component.Resource{
	{ID: 0, Name: "provider"}, {ID: 1, Name: "third"}, {ID: 2, Name: "host"},
}

// ownerOf returns who defines the resource of an own or borrow type.
func ownerOf(t *component.ValType) int { return int(t.Resource.ID) }

// Limits of the signatures. Sizes are bounded because an image of the values
// has to fit the memory of a guest.
const (
	maxParams     = 20
	maxTypeNest   = 4
	maxTypeSize   = 512
	maxParamsSize = 1024
)

var prims = [...]*component.ValType{
	component.U32, component.Bool, component.U8, component.S8, component.U16, component.S16, component.S32,
	component.U64, component.S64, component.F32, component.F64, component.Char, component.String, component.String,
}

// typer draws types.
type typer struct {
	Source
	handles bool
	// seen are the types with parts drawn so far, of the signature: sharing
	// them makes graphs of types out of trees.
	seen []*component.ValType
}

// drawFunc draws the type of a function of up to maxParams parameters. Most
// have few, because a signature with many fails for the first of them.
func drawFunc(s Source) *component.FuncType {
	g := &typer{Source: s, handles: oneIn(s, 3)}
	n := s.IntN(4)
	if oneIn(s, 4) {
		n = s.IntN(maxParams + 1)
	}
	t := &component.FuncType{}
	size := uint32(0)
	for i := range n {
		p := g.draw(maxTypeNest, true)
		if size += p.Size(); size > maxParamsSize {
			break
		}
		t.Params = append(t.Params, component.Field{Name: fmt.Sprintf("p%d", i), Type: p})
	}
	if !oneIn(s, 5) {
		t.Result = g.draw(maxTypeNest, false)
	}
	return t
}

// draw draws a type that nests up to depth deep. Results have no borrows.
func (g *typer) draw(depth int, param bool) *component.ValType {
	if depth <= 1 || g.IntN(3) == 0 {
		if g.handles && oneIn(g, 3) {
			if r := resources[g.IntN(owners)]; !param || g.IntN(2) == 0 {
				return component.NewOwn(r)
			} else {
				return component.NewBorrow(r)
			}
		}
		return prims[g.IntN(len(prims))]
	}
	if len(g.seen) > 0 && oneIn(g, 6) {
		if t := g.seen[g.IntN(len(g.seen))]; t.Depth() <= depth && (param || !t.ContainsBorrow()) {
			return t
		}
	}
	t := g.compound(depth-1, param)
	if t.Overflow() || t.Size() > maxTypeSize {
		return component.String
	}
	g.seen = append(g.seen, t)
	return t
}

func (g *typer) compound(depth int, param bool) *component.ValType {
	part := func() *component.ValType { return g.draw(depth, param) }
	maybe := func() *component.ValType {
		if g.IntN(3) == 0 {
			return nil
		}
		return part()
	}
	switch g.IntN(11) {
	case 0, 1:
		return component.NewList(part())
	case 2:
		fields := make([]component.Field, 1+g.IntN(5))
		for i := range fields {
			fields[i] = component.Field{Name: fmt.Sprintf("f%d", i), Type: part()}
		}
		return component.NewRecord(fields)
	case 3:
		types := make([]*component.ValType, 1+g.IntN(5))
		for i := range types {
			types[i] = part()
		}
		return component.NewTuple(types...)
	case 4, 5:
		return component.NewVariant(g.cases(part))
	case 6:
		return component.NewOption(part())
	case 7:
		return component.NewResult(maybe(), maybe())
	case 8:
		return component.NewEnum(labels("e", g.labels(256+2)))
	case 9:
		return component.NewFlags(labels("b", g.labels(32)))
	}
	n := 1 + g.IntN(5)
	if oneIn(g, 4) {
		n = 1 + g.IntN(40)
	}
	return component.NewFixedList(part(), uint32(n))
}

// labels is how many labels an enum or flags type has, up to most: few, or a
// number where the size of the type in memory changes.
func (g *typer) labels(most int) int {
	if oneIn(g, 3) {
		edges := [...]int{8, 9, 16, 17, 31, 32, 256, 257}
		return min(most, edges[g.IntN(len(edges))])
	}
	return 1 + g.IntN(min(most, 12))
}

func (g *typer) cases(part func() *component.ValType) []component.Case {
	n, dense := 1+g.IntN(6), true
	if oneIn(g, 12) {
		n, dense = [...]int{255, 256, 257, 300}[g.IntN(4)], false
	}
	cases := make([]component.Case, n)
	for i, name := range labels("c", n) {
		cases[i].Name = name
		// With many cases it is the last ones whose discriminants are new.
		if (dense || i == 0 || i == n-1) && g.IntN(4) != 0 {
			cases[i].Type = part()
		}
	}
	return cases
}

func labels(prefix string, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprint(prefix, i)
	}
	return out
}

// parts calls f with the types that t is made of.
func parts(t *component.ValType, f func(*component.ValType)) {
	for _, fl := range t.Fields {
		f(fl.Type)
	}
	for _, c := range t.Cases {
		if c.Type != nil {
			f(c.Type)
		}
	}
	for _, p := range [...]*component.ValType{t.Elem, t.Ok, t.Err} {
		if p != nil {
			f(p)
		}
	}
}

// typesOf lists the types of a signature that are not primitive, each once and
// after its parts.
func typesOf(ft *component.FuncType) []*component.ValType {
	var out []*component.ValType
	done := map[*component.ValType]bool{}
	var walk func(t *component.ValType)
	walk = func(t *component.ValType) {
		if t.Kind.IsPrimitive() || done[t] {
			return
		}
		done[t] = true
		parts(t, walk)
		out = append(out, t)
	}
	for _, p := range ft.Params {
		walk(p.Type)
	}
	if ft.Result != nil {
		walk(ft.Result)
	}
	return out
}

// hasName reports whether types of a kind must have a name to be exported.
func hasName(k component.Kind) bool {
	switch k {
	case component.KindRecord, component.KindVariant, component.KindEnum, component.KindFlags:
		return true
	}
	return false
}
