package opt

import (
	"github.com/wbundle/wbundle/internal/wasm"
)

// callGraph says who calls whom, as far as that can be seen without trees: from
// the sites of the bodies. All slices are indexed by function, imports first.
type callGraph struct {
	// live are the functions that something which runs or is visible outside can
	// reach; the others have no callers, or callers of that kind only.
	live []bool
	// fixed are those whose type others know: exports, the start function, and
	// everything whose address is taken.
	fixed []bool
	// calls is how many direct calls live functions have of each.
	calls []uint32
	// first has, for each function and one more, where its callees are in
	// callees, once for every call.
	first   []uint32
	callees []uint32
	// order are the live defined functions, callees before callers except on a
	// cycle.
	order []uint32
	// cycle has a number for each function that is the same for all functions on
	// a cycle of calls; cyclic says that there is one.
	cycle  []uint32
	cyclic []bool
	// level is 0 for functions that call none of the module's own, and otherwise
	// one more than the highest of its callees that are not on a cycle with it.
	level []uint32
}

// graph makes the call graph of the module as it is.
func (s *state) graph() (*callGraph, error) {
	if err := s.scan(); err != nil {
		return nil, err
	}
	m := s.m
	imported := s.imported()
	n := int(imported) + len(m.Code)
	g := &callGraph{
		live: make([]bool, n), fixed: make([]bool, n), calls: make([]uint32, n),
		first: make([]uint32, n+1), cycle: make([]uint32, n), cyclic: make([]bool, n), level: make([]uint32, n),
	}
	total := 0
	for i := range m.Code {
		g.first[int(imported)+i] = uint32(total)
		for j := range m.Code[i].Sites {
			if st := &m.Code[i].Sites[j]; isCallSite(st) {
				total++
			}
		}
	}
	g.first[n] = uint32(total)
	g.callees = make([]uint32, 0, total)
	for i := range m.Code {
		for j := range m.Code[i].Sites {
			if st := &m.Code[i].Sites[j]; isCallSite(st) {
				g.callees = append(g.callees, st.Target)
			}
		}
	}
	g.mark(s)
	g.components(imported)
	return g, nil
}

func isCallSite(st *wasm.Site) bool { return st.Kind == wasm.SiteFunc && st.Op != wasm.OpRefFunc }

// of are the callees of a function, once for every call.
func (g *callGraph) of(fn uint32) []uint32 { return g.callees[g.first[fn]:g.first[fn+1]] }

// mark finds live, fixed and calls.
func (g *callGraph) mark(s *state) {
	m := s.m
	var work []uint32
	reach := func(fn uint32) {
		if !g.live[fn] {
			g.live[fn] = true
			work = append(work, fn)
		}
	}
	root := func(fn uint32) {
		g.fixed[fn] = true
		reach(fn)
	}
	expr := func(e *wasm.Expr) {
		for _, st := range e.Sites {
			if st.Kind == wasm.SiteFunc {
				root(st.Target)
			}
		}
	}
	for i := range m.Exports {
		if e := &m.Exports[i]; e.Kind == wasm.ExternFunc {
			root(e.Index)
		}
	}
	if m.HasStart {
		root(m.Start)
	}
	for i := range m.Globals {
		expr(&m.Globals[i].Init)
	}
	for i := range m.Tables {
		if e := m.Tables[i].Init; e != nil {
			expr(e)
		}
	}
	for i := range m.Elems {
		e := &m.Elems[i]
		if e.Mode == wasm.SegmentDeclarative {
			continue // it allows ref.func, which the code is searched for
		}
		for _, fn := range e.Funcs {
			root(fn)
		}
		for j := range e.Exprs {
			expr(&e.Exprs[j])
		}
	}
	imported := s.imported()
	for len(work) > 0 {
		fn := work[len(work)-1]
		work = work[:len(work)-1]
		if fn < imported {
			continue
		}
		for j := range m.Code[fn-imported].Sites {
			st := &m.Code[fn-imported].Sites[j]
			switch {
			case isCallSite(st):
				g.calls[st.Target]++
				reach(st.Target)
			case st.Kind == wasm.SiteFunc:
				root(st.Target)
			}
		}
	}
}

// components finds the strongly connected components (Tarjan's algorithm, with
// a stack of its own, since chains of calls can be long). They come out with
// callees before callers.
func (g *callGraph) components(imported uint32) {
	n := uint32(len(g.live))
	index := make([]uint32, n) // in the order of discovery, 0: not yet
	low := make([]uint32, n)
	onStack := make([]bool, n)
	type step struct{ fn, next uint32 }
	var stack []uint32
	var path []step
	count := uint32(0)
	enter := func(fn uint32) {
		count++
		index[fn], low[fn] = count, count
		stack = append(stack, fn)
		onStack[fn] = true
		path = append(path, step{fn, g.first[fn]})
	}
	for root := imported; root < n; root++ {
		if !g.live[root] || index[root] != 0 {
			continue
		}
		enter(root)
		for len(path) > 0 {
			top := &path[len(path)-1]
			fn := top.fn
			if top.next < g.first[fn+1] {
				to := g.callees[top.next]
				top.next++
				switch {
				case to < imported:
				case to == fn:
					g.cyclic[fn] = true
				case index[to] == 0:
					enter(to)
				case onStack[to]:
					low[fn] = min(low[fn], index[to])
				}
				continue
			}
			path = path[:len(path)-1]
			if len(path) > 0 {
				up := path[len(path)-1].fn
				low[up] = min(low[up], low[fn])
			}
			if low[fn] != index[fn] {
				continue
			}
			at := len(stack) - 1
			for stack[at] != fn {
				at--
			}
			g.component(stack[at:], imported)
			for _, member := range stack[at:] {
				onStack[member] = false
			}
			stack = stack[:at]
		}
	}
}

// component takes note of a component whose callees are all done.
func (g *callGraph) component(members []uint32, imported uint32) {
	id := members[0]
	level := uint32(0)
	for _, fn := range members {
		g.cycle[fn] = id
		if len(members) > 1 {
			g.cyclic[fn] = true
		}
	}
	for _, fn := range members {
		for _, to := range g.of(fn) {
			if to >= imported && g.cycle[to] != id {
				level = max(level, g.level[to]+1)
			}
		}
	}
	for _, fn := range members {
		g.level[fn] = level
		g.order = append(g.order, fn)
	}
}

// trapBody is the body of a function that nothing calls: no locals,
// unreachable.
var trapBody = []byte{0, byte(wasm.OpUnreachable), byte(wasm.OpEnd)}

// bury takes the bodies of the functions that nothing can reach, so that no
// pass looks at them, or counts what they name.
func (s *state) bury(g *callGraph) {
	imported := s.imported()
	for i := range s.m.Code {
		if b := &s.m.Code[i]; !g.live[imported+uint32(i)] && len(b.Bytes) > len(trapBody) {
			*b = wasm.Body{Bytes: trapBody, Code: 1, Off: b.Off}
			s.touched[i] = false
		}
	}
}
