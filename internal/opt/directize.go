package opt

import (
	"github.com/wbundle/wbundle/internal/ir"
	"github.com/wbundle/wbundle/internal/wasm"
)

// Indirect calls whose target is known.
//
// In: a table that nothing writes once the module is instantiated, with elements
// at known places. Out: no call_indirect on it with a constant index, or with a
// type that none of its functions has:
//
//	(table $t 2 funcref) (elem (table $t) (i32.const 0) $f $g)
//	(call_indirect $t (type $void) (i32.const 1))        (call $g)
//	(call_indirect $t (type $void) (i32.const 7))        unreachable
//	(call_indirect $t (type $void)                       (if (local.get $c)
//	  (select (i32.const 0) (i32.const 1)                  (then (call $f))
//	    (local.get $c)))                                   (else (call $g)))
//
// and the same of return_call_indirect, and of call_ref on ref.func.
//
// It is safe because active segments are written before any code runs, in their
// order, so that a slot holds what the last of them put there; and the host
// sees no table that is neither imported nor exported. Arguments are still
// evaluated before the trap. Where types may have subtypes, nothing is done.
//
// What it gives up: tables with segments at an offset that the host decides, or
// that any instruction but call_indirect, table.get and table.size names.
func (s *state) directize() error {
	g, err := s.graph()
	if err != nil {
		return err
	}
	s.bury(g)
	d := &director{s: s, types: newTypeClasses(s.m), tables: make([]*knownTable, len(s.c.Tables))}
	if !d.findTables() {
		return nil
	}
	return s.eachFunc(d.worth, func(i int, f *ir.Func) bool {
		if !d.rewrite(f, f.Body) {
			return false
		}
		f.Finalize()
		s.touched[i] = true
		return true
	})
}

type director struct {
	s      *state
	types  *typeClasses
	tables []*knownTable // nil: not known
}

// knownTable is what a table holds for good.
type knownTable struct {
	slots []uint32 // function and 1; 0 is null
	// has are the classes of the types of the functions in it.
	has map[uint32]bool
	// loose says that a function may be of a subtype of a type that is asked for.
	loose bool
}

// maxKnownTable bounds the tables that are looked at.
const maxKnownTable = 1 << 20

// findTables finds out about all tables, and reports whether one is known. It
// is true where there is none, too, if call_ref could be a call.
func (d *director) findTables() bool {
	m := d.s.m
	imported := m.NumImported[wasm.SpaceTable]
	for i := range m.Tables {
		t := &m.Tables[i]
		if t.Init == nil && t.Min <= maxKnownTable {
			d.tables[imported+uint32(i)] = &knownTable{slots: make([]uint32, t.Min)}
		}
	}
	for _, e := range m.Exports {
		if e.Kind == wasm.ExternTable {
			d.tables[e.Index] = nil
		}
	}
	refs := false
	for i := range m.Code {
		sites := m.Code[i].Sites
		for j := range sites {
			st := &sites[j]
			if st.Kind == wasm.SiteType && (st.Op == wasm.OpCallRef || st.Op == wasm.OpReturnCallRef) {
				refs = true
			}
			if st.Kind != wasm.SiteTable {
				continue
			}
			switch st.Op {
			case wasm.OpCallIndirect, wasm.OpReturnCallIndirect, wasm.OpTableGet, wasm.OpTableSize:
			case wasm.OpTableCopy:
				// The destination comes first; the source is only read.
				if j+1 < len(sites) && sites[j+1].Kind == wasm.SiteTable && sites[j+1].Off == st.Off+uint32(st.Len) {
					d.tables[st.Target] = nil
				}
			default:
				d.tables[st.Target] = nil
			}
		}
	}
	for i := range m.Elems {
		if e := &m.Elems[i]; e.Mode == wasm.SegmentActive && d.tables[e.Table] != nil && !d.fill(d.tables[e.Table], e) {
			d.tables[e.Table] = nil
		}
	}
	any := false
	for _, t := range d.tables {
		if t == nil {
			continue
		}
		any = true
		t.has = map[uint32]bool{}
		for _, fn := range t.slots {
			if fn == 0 {
				continue
			}
			ty := d.s.c.Types[fn-1]
			t.has[d.types.of[ty]] = true
			t.loose = t.loose || !d.types.plain[ty]
		}
	}
	return any || refs
}

// fill puts an active segment into its table.
func (d *director) fill(t *knownTable, e *wasm.Elem) bool {
	offset, ok := constantOf(&e.Offset)
	if !ok || offset.Op != wasm.OpI32Const {
		return false
	}
	at := uint64(uint32(offset.Arg))
	n := uint64(len(e.Funcs) + len(e.Exprs))
	if at+n > uint64(len(t.slots)) {
		return false // there will be no instance
	}
	for i, fn := range e.Funcs {
		t.slots[at+uint64(i)] = fn + 1
	}
	for i := range e.Exprs {
		in, ok := wasm.NextInstr(e.Exprs[i].Bytes, 0)
		switch {
		case !ok || int(in.Len)+1 != len(e.Exprs[i].Bytes):
			return false
		case in.Op == wasm.OpRefFunc:
			t.slots[at+uint64(i)] = uint32(in.Arg) + 1
		case in.Op == wasm.OpRefNull:
			t.slots[at+uint64(i)] = 0
		default:
			return false
		}
	}
	return true
}

// worth reports whether a function has a call that may be known.
func (d *director) worth(i int) bool {
	b := &d.s.m.Code[i]
	calls := false
	for j := range b.Sites {
		switch st := &b.Sites[j]; st.Op {
		case wasm.OpCallIndirect, wasm.OpReturnCallIndirect, wasm.OpCallRef, wasm.OpReturnCallRef:
			calls = true
		}
	}
	if !calls {
		return false
	}
	var last wasm.Opcode
	for off := b.Code; ; {
		in, ok := wasm.NextInstr(b.Bytes, off)
		if !ok {
			return false
		}
		off = int(in.Off + in.Len)
		switch in.Op {
		case wasm.OpCallIndirect, wasm.OpReturnCallIndirect:
			if last == wasm.OpI32Const || last == wasm.OpSelect {
				return true
			}
			_, size := wasm.ReadU32(b.Bytes[in.Imm:])
			table, _ := wasm.ReadU32(b.Bytes[int(in.Imm)+size:])
			if t := d.tables[table]; t != nil && d.never(t, uint32(in.Arg)) {
				return true
			}
		case wasm.OpCallRef, wasm.OpReturnCallRef:
			if last == wasm.OpRefFunc {
				return true
			}
		}
		last = in.Op
	}
}

// never reports whether a call of the type on the table traps, whatever the
// index.
func (d *director) never(t *knownTable, ty uint32) bool {
	return d.types.plain[ty] && !t.loose && !t.has[d.types.of[ty]]
}

// rewrite changes the calls in a tree.
func (d *director) rewrite(f *ir.Func, n *ir.Node) bool {
	changed := false
	for _, k := range n.Kids {
		changed = d.rewrite(f, k) || changed
	}
	if n.IsUnreachable() && len(n.Kids) > 0 && n.Kids[len(n.Kids)-1].IsUnreachable() {
		return changed
	}
	switch n.Op {
	case wasm.OpCallRef, wasm.OpReturnCallRef:
		if last := n.Kids[len(n.Kids)-1]; last.Op == wasm.OpRefFunc && !d.hasUnreachable(n) {
			*n = *d.direct(f, n, n.Kids[:len(n.Kids)-1], uint32(last.Imm))
			return true
		}
	case wasm.OpCallIndirect, wasm.OpReturnCallIndirect:
		t := d.tables[n.Aux]
		if t == nil || d.hasUnreachable(n) {
			return changed
		}
		if d.never(t, uint32(n.Imm)) {
			*n = *d.trap(f, n.Kids)
			return true
		}
		args, index := n.Kids[:len(n.Kids)-1], n.Kids[len(n.Kids)-1]
		switch {
		case index.Op == wasm.OpI32Const:
			if r := d.call(f, n, args, index); r != nil {
				*n = *r
				return true
			}
		case index.Op == wasm.OpSelect && index.Kids[0].Op == wasm.OpI32Const && index.Kids[1].Op == wasm.OpI32Const:
			if r := d.choose(f, n, args, index); r != nil {
				*n = *r
				return true
			}
		}
	}
	return changed
}

func (d *director) hasUnreachable(n *ir.Node) bool {
	for _, k := range n.Kids {
		if k.IsUnreachable() {
			return true
		}
	}
	return false
}

// trap evaluates operands and traps.
func (d *director) trap(f *ir.Func, operands []*ir.Node) *ir.Node {
	var list []*ir.Node
	for _, k := range operands {
		if !f.Removable(k) {
			list = append(list, f.Drop(k))
		}
	}
	return f.Block(append(list, f.Trap())...)
}

// direct is the call n as one of a function.
func (d *director) direct(f *ir.Func, n *ir.Node, args []*ir.Node, fn uint32) *ir.Node {
	op := wasm.OpCall
	switch n.Op {
	case wasm.OpReturnCall, wasm.OpReturnCallIndirect, wasm.OpReturnCallRef:
		op = wasm.OpReturnCall
	}
	t := n.Type
	if res := d.s.c.FuncType(fn).Results; len(res) == 1 && op == wasm.OpCall {
		t = res[0]
	}
	r := f.Node(op, t, args...)
	r.Imm = uint64(fn)
	return r
}

// call is the call n when its index is a constant; nil when that is not known.
func (d *director) call(f *ir.Func, n *ir.Node, args []*ir.Node, index *ir.Node) *ir.Node {
	t := d.tables[n.Aux]
	if index.Imm >= uint64(len(t.slots)) || t.slots[index.Imm] == 0 {
		return d.trap(f, args)
	}
	fn := t.slots[index.Imm] - 1
	have, want := d.s.c.Types[fn], uint32(n.Imm)
	switch {
	case d.types.of[have] == d.types.of[want]:
		return d.direct(f, n, args, fn)
	case d.types.plain[have] && d.types.plain[want]:
		return d.trap(f, args)
	}
	return nil
}

// choose is the call n when its index is one of two constants, and its arguments
// cost nothing to have twice.
func (d *director) choose(f *ir.Func, n *ir.Node, args []*ir.Node, index *ir.Node) *ir.Node {
	cond := index.Kids[2]
	written := map[uint32]bool{}
	ir.Locals(cond, func(uint32) {}, func(l uint32) { written[l] = true })
	again := make([]*ir.Node, len(args))
	for i, a := range args {
		if a.Op != wasm.OpLocalGet && !a.IsConst() || a.Op == wasm.OpLocalGet && written[uint32(a.Imm)] {
			return nil
		}
		again[i] = f.Copy(a)
	}
	if len(args) > 2 && d.s.o.Level == Size {
		return nil
	}
	yes := d.call(f, n, args, index.Kids[0])
	no := d.call(f, n, again, index.Kids[1])
	if yes == nil || no == nil {
		return nil
	}
	r := f.If(cond, yes, no)
	if r.HasValue() && r.Type.Kind == wasm.KindRef {
		r.Result = n.Type
		r.Type = n.Type
	}
	return r
}
