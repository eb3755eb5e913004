package adapter

import (
	"github.com/wbundle/wbundle/graph"
	"github.com/wbundle/wbundle/internal/ir"
	"github.com/wbundle/wbundle/internal/wasm"
)

// An exception does not cross a component boundary: one that leaves a lifted
// function, a realloc, a post-return or a destructor is a trap. A component
// without tags cannot throw, and its callers need no guard.
//
//	callee: (tag $t) (func (export "f") (throw $t))
//	caller: (try_table (catch_all 0) (call $f))      ;; traps, catches nothing
type exceptions struct {
	throwing map[graph.ComponentID]bool
	// legacy says that the program uses the instructions of the older
	// exception-handling proposal.
	legacy bool
}

// findExceptions looks for components that may throw.
func findExceptions(p *graph.Program) exceptions {
	e := exceptions{throwing: map[graph.ComponentID]bool{}}
	seen := map[graph.ModuleID]bool{}
	var scanner wasm.SiteScanner
	for _, inst := range p.Instances[1:] {
		if len(inst.Tags) == 0 {
			continue
		}
		e.throwing[inst.Component] = true
		if seen[inst.Module] {
			continue
		}
		seen[inst.Module] = true
		code := p.ModuleOf(inst).Code
		for i := range code.Code {
			for _, s := range scanner.Sites(code, i) {
				e.legacy = e.legacy || s.Op == wasm.OpCatch && s.Kind == wasm.SiteTag
			}
		}
	}
	return e
}

// guarded wraps the body that build writes, and that leaves out on the stack,
// when any of the components may throw.
func (e *exceptions) guarded(b *ir.Builder, build func() ([]ir.Local, error), components ...graph.ComponentID) error {
	guard := false
	for _, c := range components {
		guard = guard || e.throwing[c]
	}
	if guard {
		b.Guard(e.legacy)
	}
	out, err := build()
	if err != nil {
		return err
	}
	b.Get(out...)
	if guard {
		b.Op(wasm.OpReturn)
		b.Unguard(e.legacy)
	}
	return nil
}
