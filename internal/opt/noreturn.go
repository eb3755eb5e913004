package opt

import (
	"errors"

	"github.com/wbundle/wbundle/internal/ir"
	"github.com/wbundle/wbundle/internal/wasm"
)

// Functions that never return: those that always trap, throw, or run for ever.
//
// In: the bodies as they are. Out: state.noReturn, for each function of the
// index space. The pass afterNoReturn over functions takes off what follows
// calls of them:
//
//	call $panic            call $panic
//	local.get 0   becomes  unreachable
//	call $f
//
// where that is shorter. Callees are looked at before callers; on a cycle of
// calls a function is taken to return. Imports always may.
//
// Only bodies that end with unreachable, or that call a function which does not
// return, can be one: nearly all others are told by their last byte.
func (s *state) findNoReturn() error {
	g, err := s.graph()
	if err != nil {
		return err
	}
	imported := s.imported()
	s.noReturn = make([]bool, len(g.live))
	a := arenas.Get().(*ir.Arena)
	defer arenas.Put(a)
	for _, fn := range g.order {
		b := s.m.Code[fn-imported].Bytes
		maybe := len(b) > 1 && b[len(b)-2] == byte(wasm.OpUnreachable)
		for _, to := range g.of(fn) {
			maybe = maybe || s.noReturn[to]
		}
		if !maybe {
			continue
		}
		a.Reset()
		f, err := ir.Decode(s.c, a, fn)
		if errors.Is(err, ir.ErrNoTree) {
			continue
		}
		if err != nil {
			return err
		}
		s.noReturn[fn] = f.Body.Refs == 0 && s.never(f.Body) && !returns(f.Body)
	}
	return nil
}

// returns reports whether a tree has an instruction that returns, or that may
// do so in a call.
func returns(n *ir.Node) bool {
	switch n.Op {
	case wasm.OpReturn, wasm.OpReturnCall, wasm.OpReturnCallIndirect, wasm.OpReturnCallRef:
		return true
	}
	for _, k := range n.Kids {
		if returns(k) {
			return true
		}
	}
	return false
}

// isNoReturn reports whether n calls a function that never returns. Functions
// that were added since they were looked at may return.
func (s *state) isNoReturn(n *ir.Node) bool {
	return n.Op == wasm.OpCall && n.Imm < uint64(len(s.noReturn)) && s.noReturn[n.Imm]
}

// never reports whether the end of a tree is never reached.
func (s *state) never(n *ir.Node) bool {
	if n.IsUnreachable() || s.isNoReturn(n) {
		return true
	}
	switch n.Op {
	case wasm.OpIf:
		return s.never(n.Kids[0]) || len(n.Kids) == 3 && s.never(n.Kids[1]) && s.never(n.Kids[2])
	case wasm.OpBlock:
		if n.Refs > 0 {
			return false // a branch may come to the end
		}
	}
	for _, k := range n.Kids {
		if s.never(k) {
			return true
		}
	}
	return false
}

// afterNoReturn takes off what follows calls that never return.
func afterNoReturn(f *ir.Func, s *state) bool {
	if s.noReturn == nil {
		return false
	}
	if !s.cutAfter(f, f.Body) {
		return false
	}
	f.Finalize()
	return true
}

func (s *state) cutAfter(f *ir.Func, n *ir.Node) bool {
	changed := false
	for _, k := range n.Kids {
		changed = s.cutAfter(f, k) || changed
	}
	if n.Op != wasm.OpBlock {
		return changed
	}
	for i, k := range n.Kids {
		if i == len(n.Kids)-1 || k.IsUnreachable() || !s.callsNoReturn(k) {
			continue
		}
		size := 0
		for _, dead := range n.Kids[i+1:] {
			size += f.Size(dead)
		}
		if size > 1 { // unreachable
			n.Kids = append(n.Kids[:i+1:i+1], f.Trap())
			changed = true
		}
		break
	}
	return changed
}

// callsNoReturn reports whether a statement begins with a call that never
// returns; its result may be used by the statement.
func (s *state) callsNoReturn(n *ir.Node) bool {
	for {
		if s.isNoReturn(n) {
			return true
		}
		switch n.Op {
		case wasm.OpBlock, wasm.OpLoop, wasm.OpTryTable, wasm.OpIf:
			return false
		}
		if len(n.Kids) == 0 {
			return false
		}
		n = n.Kids[0]
	}
}
