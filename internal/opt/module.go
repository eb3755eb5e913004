package opt

import "github.com/wbundle/wbundle/internal/ir"

// modulePass is a pass over the whole module.
type modulePass struct {
	name string
	run  func(s *state) error
}

// modulePasses is the order of the optimiser.
var modulePasses = []modulePass{
	{"functions", (*state).functionPasses},
}

// effects says of every function what a call may do; nil: not known.
func (s *state) effects() []ir.Effect { return nil }
