package opt

import (
	"github.com/wbundle/wbundle/internal/ir"
)

// What a call of each function may do.
//
// In: the bodies as they are, and the call graph. Out: a set of effects for each
// function (ir.Context.Effects); a tree that calls one may then be moved, or
// left out, like any other with these effects:
//
//	(func $len (param i32) (result i32) (i32.load offset=4 (local.get 0)))
//	(drop (call $len (local.get $p)))   ;; may trap, and writes nothing
//
// A function has the effects of its instructions, which are found without a
// tree, and those of its callees, which are done before it. On a cycle of calls
// all functions have the effects of all, and may run without end. Imports and
// indirect calls may do anything.
//
// The sets are made anew before each pass, for what the passes before it left;
// what an unchanged body does itself is found once.

// bodyEffects are the effects of a body's own instructions.
type bodyEffects struct {
	body *byte // what they are of: the first byte of it
	fx   ir.Effect
}

// effects says of every function what a call may do; nil: not known.
func (s *state) effects() []ir.Effect {
	g, err := s.graph()
	if err != nil {
		return nil // the next pass that looks at the bodies says so
	}
	imported := s.imported()
	fx := make([]ir.Effect, len(g.live))
	for i := range fx {
		fx[i] = ir.AnyCall
	}
	if len(s.own) < len(s.m.Code) {
		s.own = append(s.own, make([]bodyEffects, len(s.m.Code)-len(s.own))...)
	}
	for lo := 0; lo < len(g.order); {
		hi := lo + 1
		for hi < len(g.order) && g.cycle[g.order[hi]] == g.cycle[g.order[lo]] {
			hi++
		}
		of := ir.Effect(0)
		for _, fn := range g.order[lo:hi] {
			if g.cyclic[fn] {
				of |= ir.Calls
			}
			b := &s.m.Code[fn-imported]
			own := &s.own[fn-imported]
			if own.body != &b.Bytes[0] {
				*own = bodyEffects{&b.Bytes[0], s.c.BodyEffects(b)}
			}
			of |= own.fx
			for _, to := range g.of(fn) {
				if to < imported || g.cycle[to] != g.cycle[fn] {
					of |= fx[to]
				}
			}
		}
		for _, fn := range g.order[lo:hi] {
			fx[fn] = of
		}
		lo = hi
	}
	return fx
}
