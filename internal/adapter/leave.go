package adapter

import (
	"slices"

	"github.com/wbundle/wbundle/graph"
	"github.com/wbundle/wbundle/internal/component"
	"github.com/wbundle/wbundle/internal/ir"
	"github.com/wbundle/wbundle/internal/wasm"
)

// While realloc or post-return of a component runs, the component may not call
// out (may_leave of CanonicalABI.md): its lowered functions and resource
// built-ins trap. A flag that they look at costs every call something, so it is
// kept only for a component that could be found out: whose realloc or
// post-return reaches anything lowered. Most allocators reach nothing.

// leaver finds what functions reach.
type leaver struct {
	p       *graph.Program
	visited map[graph.FuncID]bool // and did not reach anything lowered
	answers map[graph.FuncID]bool // of leaves
	tables  map[graph.TableID]*tableContent
}

// tableContent is what an indirect call may call.
type tableContent struct {
	funcs []graph.FuncID
	// unknown says that the table may hold other functions than those.
	unknown bool
}

// leaves reports whether a function may reach one that is lowered. It never
// errs on the other side.
func (g *generator) leaves(fn graph.FuncID) bool {
	if fn == 0 {
		return false
	}
	l := &g.leaver
	if l.visited == nil {
		*l = leaver{p: g.p, visited: map[graph.FuncID]bool{}, answers: map[graph.FuncID]bool{}, tables: map[graph.TableID]*tableContent{}}
	}
	answer, known := l.answers[fn]
	if !known {
		// A component's exports have few reallocs between them, and each may
		// reach most of a language runtime.
		answer = l.walk(fn)
		l.answers[fn] = answer
	}
	return answer
}

// walk answers leaves.
func (l *leaver) walk(fn graph.FuncID) bool {
	p := l.p
	seen := map[graph.FuncID]bool{}
	pushed := map[*tableContent]bool{}
	var work []graph.FuncID
	push := func(id graph.FuncID) {
		if id = p.Resolve(id); !seen[id] && !l.visited[id] {
			seen[id] = true
			work = append(work, id)
		}
	}
	push(fn)
	var scanner wasm.SiteScanner
	for len(work) > 0 {
		id := work[len(work)-1]
		work = work[:len(work)-1]
		f := &p.Funcs[id]
		if f.Kind == graph.FuncCanon || f.Kind == graph.FuncImport && (f.Import.Lower != nil || f.Import.Resource != nil) {
			return true
		}
		body, inst := p.Code(id)
		if body == nil {
			continue // an import of a core module, which is no component
		}
		sites := p.Sites(id, &scanner)
		for i := range sites {
			s := &sites[i]
			switch {
			case s.Op == wasm.OpCallRef || s.Op == wasm.OpReturnCallRef:
				return true
			case s.Kind == wasm.SiteFunc && inst == nil:
				push(graph.FuncID(s.Target))
			case s.Kind == wasm.SiteFunc:
				push(inst.Funcs[s.Target])
			case s.Kind == wasm.SiteTable && (s.Op == wasm.OpCallIndirect || s.Op == wasm.OpReturnCallIndirect):
				if inst == nil {
					return true
				}
				t := l.table(inst.Tables[s.Target])
				if t.unknown {
					return true
				}
				if pushed[t] {
					continue
				}
				pushed[t] = true
				for _, id := range t.funcs {
					push(id)
				}
			}
		}
	}
	for id := range seen {
		l.visited[id] = true
	}
	return false
}

// table lists what a table may hold: the element segments of every instance
// that has it. A table that code or the host writes may hold anything.
func (l *leaver) table(id graph.TableID) *tableContent {
	if t := l.tables[id]; t != nil {
		return t
	}
	p := l.p
	t := &tableContent{unknown: p.Tables[id].Import != nil}
	l.tables[id] = t
	for _, e := range p.Exports {
		t.unknown = t.unknown || e.Kind == wasm.ExternTable && graph.TableID(e.ID) == id
	}
	for _, inst := range p.Instances[1:] {
		if !slices.Contains(inst.Tables, id) {
			continue
		}
		code := p.ModuleOf(inst).Code
		var scanner wasm.SiteScanner
		for i := range code.Code {
			for _, s := range scanner.Sites(code, i) {
				if s.Kind != wasm.SiteTable {
					continue
				}
				switch s.Op {
				case wasm.OpTableSet, wasm.OpTableGrow, wasm.OpTableFill, wasm.OpTableCopy:
					t.unknown = true
				}
			}
		}
		for _, e := range inst.Elems {
			seg := &code.Elems[p.Elems[e].Index]
			for _, fn := range seg.Funcs {
				t.funcs = append(t.funcs, inst.Funcs[fn])
			}
			for i := range seg.Exprs {
				for _, s := range seg.Exprs[i].Sites {
					if s.Kind == wasm.SiteFunc {
						t.funcs = append(t.funcs, inst.Funcs[s.Target])
					} else {
						t.unknown = true // a global's value
					}
				}
			}
		}
	}
	if inst := p.Tables[id].Inst; inst != 0 {
		t.unknown = t.unknown || p.ModuleOf(p.Instances[inst]).Code.Tables[p.Tables[id].Index].Init != nil
	}
	return t
}

// planCall notes which components a call between two of them keeps from leaving.
func (g *generator) planCall(c *graph.Canon) {
	lift, t := c.Lower.Func.Lift, c.Lower.Func.Type
	_, _, spilled, _ := component.FlattenFunc(t, component.Lower)
	g.planRealloc(lift.Component, lift.Opts.Realloc, spilled || tupleOf(t.Params).ContainsPointers())
	g.planRealloc(c.Component, c.Lower.Opts.Realloc, t.Result != nil && t.Result.ContainsPointers())
	g.planRealloc(lift.Component, lift.Opts.PostReturn, true)
}

// planRealloc does so for a realloc or post-return that is used.
func (g *generator) planRealloc(c graph.ComponentID, fn graph.FuncID, used bool) {
	if used && g.leaves(fn) {
		g.clears[c] = true
	}
}

// planHost does so for what the host calls.
func (g *generator) planHost(live func(graph.FuncID) bool) {
	for id := graph.FuncID(1); int(id) < len(g.p.Funcs); id++ {
		if f := &g.p.Funcs[id]; f.Kind == graph.FuncImport && f.Import.Lower != nil && live(id) {
			l := f.Import.Lower
			g.planRealloc(l.Component, l.Opts.Realloc, resultAllocates(l.Func.Type))
		}
	}
	g.worldExports(func(_ string, x *graph.Extern) error {
		if l := x.Func.Lift; l != nil {
			g.planRealloc(l.Component, l.Opts.Realloc, paramsAllocate(l.Type))
			g.planRealloc(l.Component, l.Opts.PostReturn, true)
		}
		return nil
	})
}

// paramsAllocate reports whether passing parameters calls the callee's realloc.
func paramsAllocate(t *component.FuncType) bool {
	_, _, spilled, _ := component.FlattenFunc(t, component.Lift)
	return spilled || tupleOf(t.Params).ContainsPointers()
}

// resultAllocates reports whether passing the result calls the caller's realloc.
func resultAllocates(t *component.FuncType) bool {
	return t.Result != nil && t.Result.ContainsPointers()
}

// checkLeave traps unless the component may leave.
func (g *generator) checkLeave(b *ir.Builder, c graph.ComponentID) {
	if !g.clears[c] {
		return
	}
	b.GlobalGet(g.leaveFlag(c))
	b.Op(wasm.OpI32Eqz)
	b.TrapIf()
}

// setLeave sets or clears a component's may_leave.
func (g *generator) setLeave(b *ir.Builder, c graph.ComponentID, v uint32) {
	if !g.clears[c] {
		return
	}
	b.I32(v)
	b.GlobalSet(g.leaveFlag(c))
}
