package opt

// modulePass is a pass over the whole module.
type modulePass struct {
	name string
	run  func(s *state) error
}

// modulePasses is the order of the optimiser.
var modulePasses = []modulePass{
	{"results", (*state).results},
	{"cells", (*state).cells},
	{"globals", (*state).globals},
	{"directize", (*state).directize},
	{"noreturn", (*state).findNoReturn},
	{"functions", (*state).functionPasses},
	{"parameters", (*state).parameters},
	{"inline", (*state).inline},
	{"result-locals", (*state).resultLocals},
	{"functions", (*state).functionPasses},
	{"duplicates", (*state).duplicates},
	{"similar", (*state).similar},
}
