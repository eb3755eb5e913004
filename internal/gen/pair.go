package gen

import (
	"fmt"
	"slices"

	"github.com/wbundle/wbundle/internal/component"
)

// The names that a composition of a Pair exports; the host's is imported.
const (
	ProviderName = "gen:provider/api"
	ConsumerName = "gen:consumer/api"
	ThirdName    = "gen:third/api"
	HostName     = "gen:host/api"
)

// Pair is a provider of one function f and a consumer that calls it, composed:
//
//	package gen:provider;
//	interface api {
//	  resource r;                      // where the signature uses it
//	  make: func(rep: u32) -> r;
//	  value: func(r: borrow<r>) -> u32;
//	  f: func(p0: …, …) -> …;          // the host's, too, if the pair is open
//	  stage, poke, report
//	}
//	package gen:consumer;
//	interface api {
//	  use gen:provider/api.{…};
//	  call: func(p0: …, …) -> …;       // the same as f, which it calls
//	  raw: func();                     // calls f with staged core values
//	  stage, poke, report
//	}
//
// stage, poke and report, which all components have, are how a test gets at
// the core of a guest: stage empties its memory, poke stores to it what a Stage
// says, report returns it.
type Pair struct {
	Func               *component.FuncType
	Consumer, Provider Side
	// Echo says that f returns its only parameter, instead of what was staged.
	Echo bool
	// Open says that the provider exports f to the host as well.
	Open bool
	// Uses says whose resources the signature uses.
	Uses [owners]bool

	types []*component.ValType // of Func, parts first
}

// Side is what can differ between the two guests.
type Side struct {
	Encoding component.Encoding
	// Post says that the lift of f, or call, has a post-return function.
	Post      bool
	Allocator Allocator
}

// DrawPair draws a pair.
func DrawPair(s Source) *Pair {
	p := &Pair{Func: drawFunc(s)}
	for _, side := range []*Side{&p.Consumer, &p.Provider} {
		side.Encoding = component.Encoding(s.IntN(3))
		side.Post = s.IntN(2) == 1
		side.Allocator = Allocator{Move: s.IntN(2) == 1, Sparse: s.IntN(2) == 1}
	}
	if n := len(p.Func.Params); n > 0 && oneIn(s, 4) {
		if t := p.Func.Params[s.IntN(n)].Type; canEcho(t) {
			p.Func.Params = []component.Field{{Name: "p0", Type: t}}
			p.Func.Result, p.Echo = t, true
		}
	}
	p.types = typesOf(p.Func)
	for _, t := range p.types {
		if t.Resource != nil {
			p.Uses[ownerOf(t)] = true
		}
	}
	// A host that passes text in UTF-16 allocates in other steps than one that
	// begins with UTF-8: where what it passes is staged, that can be told.
	if p.Consumer.Encoding != p.Provider.Encoding || p.Consumer.Encoding == component.UTF8 {
		p.Open = s.IntN(2) == 1
	}
	return p
}

// canEcho reports whether the core values of a parameter are also those of a
// result of the type, or a pointer and a length.
func canEcho(t *component.ValType) bool {
	if t.ContainsBorrow() {
		return false
	}
	n := t.FlatCount()
	return n <= 1 || n > component.MaxFlatParams || t.Kind == component.KindString || t.Kind == component.KindList
}

// String describes the pair in a line.
func (p *Pair) String() string {
	s := fmt.Sprintf("%v; consumer %+v, provider %+v", p.Func, p.Consumer, p.Provider)
	if p.Echo {
		s += ", echo"
	}
	if p.Open {
		s += ", open"
	}
	return s
}

// Has reports whether a type of the kind is in the signature.
func (p *Pair) Has(k component.Kind) bool {
	return slices.ContainsFunc(p.types, func(t *component.ValType) bool { return t.Kind == k })
}

// ops lists the operations that both guests can carry out.
func (p *Pair) ops() []int {
	var out []int
	for owner, used := range p.Uses {
		if used {
			out = append(out, 3*owner+OpMake, 3*owner+OpDrop, 3*owner+OpRep)
		}
	}
	return out
}

// Component encodes the composition.
func (p *Pair) Component() []byte { return component.Encode(p.compose()) }
