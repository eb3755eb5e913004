// Package gen makes components: families of small ones that link into one
// bundle, as many as a benchmark asks for, and, for tests of the canonical ABI,
// pairs that share a function of a random signature (Pair).
//
// Components of a family are small, but they are what toolchains write: a core module with a
// memory, an allocator, a table, functions nobody calls and a string in a data
// segment; imports lowered through a shim module whose table a fixup module
// fills; an exported interface with a record, a list and strings, lifted with
// realloc and post-return and named by a nested component.
//
//	package gen:c4;
//	interface api {
//	  record item { key: u32, label: string }
//	  fold: func(items: list<item>, note: string) -> item;
//	  check: func() -> u32;
//	}
//
// fold mixes its arguments with what the fold of every import answers to the
// same arguments, so the answer of the root depends on all components. check
// calls fold with arguments of its own; Want says what it returns.
package gen

import (
	"fmt"

	"github.com/wbundle/wbundle/internal/component"
)

// Shape says who imports whom.
type Shape int

// The shapes. Component 0 is the root of both; every other component is
// imported by exactly one.
const (
	// Tree: components import one, two and three others in turn, so that the
	// depth grows with the logarithm of the number.
	Tree Shape = iota
	// Chain: each component imports the next.
	Chain
)

// Family is a set of components that import each other.
type Family struct {
	N     int
	Shape Shape
}

// ID is what a component is called: its package is gen:ID, its interface
// gen:ID/api.
func ID(i int) string { return fmt.Sprintf("c%d", i) }

// Interface is the name of a component's exported interface.
func Interface(i int) string { return "gen:" + ID(i) + "/api" }

// Imports lists the components that component i imports.
func (f Family) Imports(i int) []int {
	var first, n int
	switch f.Shape {
	case Tree:
		// Breadth first: what components before i import comes first, and
		// three of them import six.
		first, n = 1+i/3*6+[]int{0, 1, 3}[i%3], 1+i%3
	case Chain:
		first, n = i+1, 1
	}
	var imports []int
	for j := first; j < min(first+n, f.N); j++ {
		imports = append(imports, j)
	}
	return imports
}

// seed is the constant that tells component i's core module from others.
// Every fourth component has the same: those with the same number of imports
// carry the same bytes, as components built from one crate do.
func seed(i int) uint32 {
	if i%4 == 3 {
		return 0
	}
	return uint32(i)*2654435761 + 1
}

// Component encodes component i.
func (f Family) Component(i int) []byte {
	return component.Encode(build(i, f.Imports(i)))
}

// Want is what check of component 0 returns.
func (f Family) Want() uint32 {
	key, _ := f.fold(0)
	return key
}

// fold does in Go what the function fold of component i does with the
// arguments of check. It works backwards instead of calling itself, for the
// sake of long chains.
func (f Family) fold(root int) (uint32, string) {
	keys, labels := make([]uint32, f.N), make([]string, f.N)
	for i := f.N - 1; i >= root; i-- {
		s := seed(i)
		acc := s + uint32(len(note))
		for _, it := range items {
			acc = acc*31 + it.key + uint32(len(it.label)) + uint32(it.label[0])
		}
		label := ownLabel(s)
		for _, j := range f.Imports(i) {
			acc = acc*33 + keys[j] + uint32(len(labels[j]))
			label = labels[j]
		}
		keys[i], labels[i] = work(s, acc&7, acc), label
	}
	return keys[root], labels[root]
}
