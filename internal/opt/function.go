package opt

import "github.com/wbundle/wbundle/internal/ir"

// functionPass is a pass over one function. It changes the tree in place and
// reports whether it did; before it runs, and after, the tree is final
// (ir.Func.Finalize).
type functionPass struct {
	name string
	run  func(f *ir.Func, s *state) bool
}

// functionList is the order of the passes over a function. They run once in
// this order, and again as long as they find something, but at most
// functionRounds times.
var functionList = []functionPass{
	{"noreturn", afterNoReturn},
	{"threads", threads},
	{"global-sets", globalSets},
	{"branches", branches},
	{"split-locals", splitLocals},
	{"local-values", localValues},
	{"simplify-locals", simplifyLocals},
	{"precompute", precompute},
	{"fold", fold},
	{"peephole", peepholes},
	{"offsets", offsets},
	{"vacuum", vacuum},
	{"tails", tails},
	{"local-cse", localCSE},
	{"coalesce-locals", coalesceLocals},
	{"reorder-locals", reorderLocals},
	{"short-constants", shortConstants},
}

const functionRounds = 3

// functionPasses runs the passes over every function that is worth it, and
// keeps the result where it is not larger.
func (s *state) functionPasses() error {
	s.forgetSites()
	return s.eachFunc(func(i int) bool { return s.touched[i] }, func(i int, f *ir.Func) bool {
		s.optimizeFunc(f)
		s.touched[i] = false
		return s.o.Level != Size || ir.EncodedSize(f) <= len(s.m.Code[i].Bytes)
	})
}

// optimizeFunc runs the function passes over one tree.
func (s *state) optimizeFunc(f *ir.Func) {
	for range functionRounds {
		changed := false
		for _, p := range functionList {
			if s.o.Only != nil && !s.o.Only[p.name] {
				continue
			}
			changed = p.run(f, s) || changed
		}
		if !changed {
			return
		}
	}
}
