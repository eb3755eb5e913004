package report

import (
	"fmt"
	"strings"

	"github.com/wbundle/wbundle/graph"
	"github.com/wbundle/wbundle/internal/wasm"
)

// reach is the graph of what needs what in a file: functions call functions,
// tables hold them, memories are filled by segments. It is made of the file's
// bytes alone, so it is right whatever passes made them.
//
// A call_indirect needs what is in its table and has its type. So between it
// and the functions stands a node for the pair, which all such calls share. A
// table that is read in other ways, or that the host can see, needs everything
// in it. What is in a table and no live call can hit is reached last, through
// its segment: the module is not valid without it.
//
// Modules of a component are graphs side by side: each has its own exports,
// and which of them the component uses is not looked at.
type reach struct {
	modules  []*wasm.Module
	first    [][wasm.SpaceElem + 1]int // node of index 0, by module and space
	items    []reachItem               // what the nodes are; node 0 is the root
	edges    [][]reachEdge
	indirect map[indirectKey]int
	// weak are edges from segments to functions that are followed last.
	weak map[int][]reachEdge

	keeper    []int // the node that first reached each node, -1: none
	via       []string
	dominator []int
}

// reachItem is what a node stands for.
type reachItem struct {
	module int
	space  wasm.Space // SpaceNone: the root, or an indirect call
	index  uint32
}

// reachEdge leads to a node; how says why, in words that stand between the two
// names.
type reachEdge struct {
	to  int
	how string
}

// indirectKey is a table and a type of functions in it, by its text.
type indirectKey struct {
	module int
	table  uint32
	typ    string
}

// member is a function in a table.
type member struct {
	fn   uint32
	elem uint32
	slot int // -1: not known
}

func newReach(modules []*wasm.Module) *reach {
	r := &reach{modules: modules, indirect: map[indirectKey]int{}, weak: map[int][]reachEdge{}}
	r.node(reachItem{module: -1})
	for k, m := range modules {
		var first [wasm.SpaceElem + 1]int
		for space := wasm.SpaceFunc; space <= wasm.SpaceElem; space++ {
			first[space] = len(r.items)
			for i := range m.Count(space) {
				r.node(reachItem{k, space, i})
			}
		}
		r.first = append(r.first, first)
	}
	for k := range modules {
		r.module(k)
	}
	r.search()
	return r
}

func (r *reach) node(it reachItem) int {
	r.items = append(r.items, it)
	r.edges = append(r.edges, nil)
	return len(r.items) - 1
}

// at is the node of an item.
func (r *reach) at(module int, space wasm.Space, index uint32) int {
	return r.first[module][space] + int(index)
}

func (r *reach) edge(from, to int, how string) {
	r.edges[from] = append(r.edges[from], reachEdge{to, how})
}

// typeText is a type of functions, the same for equal ones; types with
// subtypes or of a group are told apart by their index.
func typeText(m *wasm.Module, index uint32) string {
	t := &m.Types[index]
	text := fmt.Sprintf("type %d", index)
	if t.Kind != wasm.CompFunc || !t.Final || len(t.Supers) > 0 {
		return text
	}
	list := func(vs []wasm.ValType) (string, bool) {
		parts := make([]string, len(vs))
		for i, v := range vs {
			if v.Kind == wasm.KindRef && v.Heap >= 0 {
				return "", false
			}
			parts[i] = v.String()
		}
		return "(" + strings.Join(parts, ", ") + ")", true
	}
	params, ok1 := list(t.Params)
	results, ok2 := list(t.Results)
	if !ok1 || !ok2 {
		return text
	}
	return params + " -> " + results
}

// funcTypes returns the type index of every function.
func funcTypes(m *wasm.Module) []uint32 {
	types := make([]uint32, 0, m.Count(wasm.SpaceFunc))
	for i := range m.Imports {
		if m.Imports[i].Kind == wasm.ExternFunc {
			types = append(types, m.Imports[i].TypeIndex)
		}
	}
	return append(types, m.Funcs...)
}

// module adds the edges of one module.
func (r *reach) module(k int) {
	m := r.modules[k]
	types := funcTypes(m)
	open := false // some type has subtypes: a call may hit another type
	for i := range m.Types {
		open = open || !m.Types[i].Final || len(m.Types[i].Supers) > 0
	}
	members := make([][]member, m.Count(wasm.SpaceTable))
	escapes := make([]bool, len(members))
	for i := range m.NumImported[wasm.SpaceTable] {
		escapes[i] = true
	}
	for i := range m.Exports {
		e := &m.Exports[i]
		how := fmt.Sprintf("export %q", e.Name)
		r.edge(0, r.at(k, e.Kind.Space(), e.Index), how)
		if e.Kind == wasm.ExternTable {
			escapes[e.Index] = true
		}
	}
	if m.HasStart {
		r.edge(0, r.at(k, wasm.SpaceFunc, m.Start), "start")
	}
	for i := range m.Elems {
		e := &m.Elems[i]
		node := r.at(k, wasm.SpaceElem, uint32(i))
		if e.Mode == wasm.SegmentDeclarative {
			// It keeps nothing; without it the module would not be valid.
			r.edge(0, node, "declares functions")
			continue
		}
		if e.Mode == wasm.SegmentActive {
			base, known := constI32(&e.Offset)
			r.sites(k, node, e.Offset.Sites, types, open)
			holder := r.at(k, wasm.SpaceTable, e.Table)
			r.edge(holder, node, "is filled by")
			if !known || e.Table < m.NumImported[wasm.SpaceTable] {
				r.edge(0, node, "active segment")
			}
			members[e.Table] = append(members[e.Table], elemMembers(e, uint32(i), base, known)...)
		}
		for _, f := range elemMembers(e, uint32(i), 0, e.Mode == wasm.SegmentActive) {
			r.weak[node] = append(r.weak[node], reachEdge{r.at(k, wasm.SpaceFunc, f.fn), "holds, and no live call_indirect can hit,"})
		}
		for j := range e.Exprs {
			for _, s := range e.Exprs[j].Sites {
				if s.Kind != wasm.SiteFunc { // a function is a member
					r.sites(k, node, []wasm.Site{s}, types, open)
				}
			}
		}
	}
	for i := range m.Datas {
		d := &m.Datas[i]
		if d.Mode != wasm.SegmentActive {
			continue
		}
		node := r.at(k, wasm.SpaceData, uint32(i))
		r.edge(r.at(k, wasm.SpaceMemory, d.Memory), node, "is filled by")
		if _, known := d.OffsetI32(); !known || d.Memory < m.NumImported[wasm.SpaceMemory] {
			r.edge(0, node, "active segment")
		}
		if d.Offset != nil {
			r.sites(k, node, d.Offset.Sites, types, open)
		}
	}
	for i := range m.Globals {
		r.sites(k, r.at(k, wasm.SpaceGlobal, m.NumImported[wasm.SpaceGlobal]+uint32(i)), m.Globals[i].Init.Sites, types, open)
	}
	for i := range m.Tables {
		if init := m.Tables[i].Init; init != nil {
			r.sites(k, r.at(k, wasm.SpaceTable, m.NumImported[wasm.SpaceTable]+uint32(i)), init.Sites, types, open)
		}
	}
	for i := range m.Code {
		node := r.at(k, wasm.SpaceFunc, m.NumImported[wasm.SpaceFunc]+uint32(i))
		sites := m.Code[i].Sites
		r.sites(k, node, sites, types, open)
		for j := range sites {
			switch s := &sites[j]; {
			case s.Kind == wasm.SiteTable && s.Op == wasm.OpTableInit && j > 0 && sites[j-1].Kind == wasm.SiteElem:
				// Its functions are in the table from then on.
				elem := sites[j-1].Target
				members[s.Target] = append(members[s.Target], elemMembers(&m.Elems[elem], elem, 0, false)...)
			case s.Kind == wasm.SiteTable && (s.Op == wasm.OpTableGet || s.Op == wasm.OpTableCopy):
				escapes[s.Target] = true
			case s.Kind == wasm.SiteElem && (s.Op == wasm.OpArrayNewElem || s.Op == wasm.OpArrayInitElem):
				for _, f := range elemMembers(&m.Elems[s.Target], s.Target, 0, false) {
					r.edge(r.at(k, wasm.SpaceElem, s.Target), r.at(k, wasm.SpaceFunc, f.fn), "holds")
				}
			}
		}
	}
	for t, all := range members {
		table := r.at(k, wasm.SpaceTable, uint32(t))
		for _, f := range all {
			to := r.at(k, wasm.SpaceFunc, f.fn)
			how := fmt.Sprintf("slot %d of table %d", f.slot, t)
			if f.slot < 0 {
				how = fmt.Sprintf("a slot of table %d", t)
			}
			if escapes[t] {
				r.edge(table, to, "holds in "+how)
			}
			text := anyType
			if !open {
				text = typeText(m, types[f.fn])
			}
			if node, ok := r.indirect[indirectKey{k, uint32(t), text}]; ok {
				r.edge(node, to, how)
			}
		}
	}
}

// anyType stands for the type where types have subtypes, so that a call may
// hit functions of others.
const anyType = "of some type"

// elemMembers lists the functions of an element segment. Slots are known when
// the segment's place is.
func elemMembers(e *wasm.Elem, index, base uint32, known bool) []member {
	slot := func(i int) int {
		if !known {
			return -1
		}
		return int(base) + i
	}
	var all []member
	for i, f := range e.Funcs {
		all = append(all, member{f, index, slot(i)})
	}
	for i := range e.Exprs {
		for _, s := range e.Exprs[i].Sites {
			if s.Kind == wasm.SiteFunc {
				all = append(all, member{s.Target, index, slot(i)})
			}
		}
	}
	return all
}

// constI32 is the value of an expression that is one i32.const.
func constI32(e *wasm.Expr) (uint32, bool) {
	r := wasm.NewReader("", "", e.Bytes, 0)
	if wasm.Opcode(r.Byte()) != wasm.OpI32Const {
		return 0, false
	}
	v := r.S32()
	return uint32(v), r.Len() == 1 && r.Err() == nil
}

// sites adds the edges of code: one for each item that it names.
func (r *reach) sites(k, from int, sites []wasm.Site, types []uint32, open bool) {
	m := r.modules[k]
	seen := map[int]bool{}
	lastMemory := ^uint32(0)
	for i := range sites {
		s := &sites[i]
		space := s.Kind.Space()
		if space == wasm.SpaceNone || space == wasm.SpaceType {
			continue
		}
		if space == wasm.SpaceMemory {
			if s.Target == lastMemory {
				continue
			}
			lastMemory = s.Target
		}
		to, how := r.at(k, space, s.Target), "uses"
		switch {
		case s.Kind == wasm.SiteFunc && s.Op == wasm.OpRefFunc:
			how = "takes the reference of"
		case s.Kind == wasm.SiteFunc:
			how = "calls"
		case s.Kind == wasm.SiteTable && i > 0 && (s.Op == wasm.OpCallIndirect || s.Op == wasm.OpReturnCallIndirect):
			text := typeText(m, sites[i-1].Target)
			if open {
				text = anyType
			}
			key := indirectKey{k, s.Target, text}
			node, ok := r.indirect[key]
			if !ok {
				node = r.node(reachItem{module: k})
				r.indirect[key] = node
				r.edge(node, to, "call_indirect of")
			}
			to, how = node, "call_indirect "+text
		}
		if !seen[to] {
			seen[to] = true
			r.edge(from, to, how)
		}
	}
}

// search finds the shortest way from the root to every node, and the
// dominators. What only a slot keeps that no call hits comes last.
func (r *reach) search() {
	n := len(r.items)
	r.keeper, r.via = make([]int, n), make([]string, n)
	for i := range r.keeper {
		r.keeper[i] = -1
	}
	queue := []int{0}
	reached := make([]bool, n)
	reached[0] = true
	visit := func(from int, e reachEdge) {
		if !reached[e.to] {
			reached[e.to] = true
			r.keeper[e.to], r.via[e.to] = from, e.how
			queue = append(queue, e.to)
		}
	}
	var segments []int // live ones, in the order in which they were reached
	for done, weak := 0, 0; ; {
		for ; done < len(queue); done++ {
			v := queue[done]
			for _, e := range r.edges[v] {
				visit(v, e)
			}
			if r.items[v].space == wasm.SpaceElem {
				segments = append(segments, v)
			}
		}
		if weak == len(segments) {
			break
		}
		v := segments[weak]
		weak++
		for _, e := range r.weak[v] {
			if !reached[e.to] {
				r.edges[v] = append(r.edges[v], e)
				visit(v, e)
			}
		}
	}
	r.dominator = graph.Dominators(n, 0, func(v int, visit func(int)) {
		for _, e := range r.edges[v] {
			visit(e.to)
		}
	})
}
