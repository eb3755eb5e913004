package opt

import (
	"sync/atomic"

	"github.com/wbundle/wbundle/internal/ir"
	"github.com/wbundle/wbundle/internal/wasm"
)

// Globals that are less than they are declared to be.
//
// In: all bodies. Out: the same instance, with fewer uses of globals:
//
//   - what is only written is not written:
//     global.set $w               drop
//   - what is only read to be written again is not read either:
//     (global.set $count (i32.add (global.get $count) (i32.const 1)))
//     (if (i32.eqz (global.get $done)) (then (global.set $done (i32.const 1))))
//   - where all sets store the constant that is there from the start, the sets go;
//   - what nothing writes is immutable, which lets reads of it move anywhere;
//   - the constant of an immutable global stands where it was read, unless that
//     takes more bytes than the global.
//
// It is safe because nobody else has these globals: the host has those that are
// imported and, unless they are immutable, exported; they stay. Functions that
// nothing can reach do not count, and lose their bodies.
//
// The order is this because each step makes more for the next; what the last
// leaves unused is found when the pass runs again.
func (s *state) globals() error {
	if len(s.m.Globals) == 0 {
		return nil
	}
	g, err := s.graph()
	if err != nil {
		return err
	}
	s.bury(g)
	u := &globalUses{s: s, first: s.m.NumImported[wasm.SpaceGlobal]}
	steps := []func() error{u.sameConstant, u.ownUpdates, u.onlyWritten, u.propagate}
	for _, step := range steps {
		if err := u.count(); err != nil {
			return err
		}
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// globalUses is how the globals are used. The slices are indexed by defined
// global.
type globalUses struct {
	s     *state
	first uint32 // imported globals
	gets  []uint32
	sets  []uint32
	// open are those that the host can write, or see the writes of.
	open []bool
	// inConst says that a constant expression reads it.
	inConst []bool
}

// count finds the uses of the globals in the bodies as they are.
func (u *globalUses) count() error {
	if err := u.s.scan(); err != nil {
		return err
	}
	m := u.s.m
	n := len(m.Globals)
	u.gets, u.sets = make([]uint32, n), make([]uint32, n)
	u.open, u.inConst = make([]bool, n), make([]bool, n)
	expr := func(e *wasm.Expr) {
		for _, st := range e.Sites {
			if st.Kind == wasm.SiteGlobal && st.Target >= u.first {
				u.inConst[st.Target-u.first] = true
			}
		}
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
		expr(&m.Elems[i].Offset)
		for j := range m.Elems[i].Exprs {
			expr(&m.Elems[i].Exprs[j])
		}
	}
	for i := range m.Datas {
		if e := m.Datas[i].Offset; e != nil {
			expr(e)
		}
	}
	for _, e := range m.Exports {
		if e.Kind == wasm.ExternGlobal && e.Index >= u.first {
			u.open[e.Index-u.first] = true
		}
	}
	for i := range m.Code {
		u.each(i, func(st *wasm.Site, g uint32) {
			if st.Op == wasm.OpGlobalSet {
				u.sets[g]++
			} else {
				u.gets[g]++
			}
		})
	}
	return nil
}

// each calls f with the uses of defined globals in a body.
func (u *globalUses) each(i int, f func(st *wasm.Site, g uint32)) {
	sites := u.s.m.Code[i].Sites
	for j := range sites {
		if st := &sites[j]; st.Kind == wasm.SiteGlobal && st.Target >= u.first {
			f(st, st.Target-u.first)
		}
	}
}

// constantOf is the instruction of a constant expression that is a number.
func constantOf(e *wasm.Expr) (in wasm.Instr, ok bool) {
	in, ok = wasm.NextInstr(e.Bytes, 0)
	switch in.Op {
	case wasm.OpI32Const, wasm.OpI64Const, wasm.OpF32Const, wasm.OpF64Const:
		return in, ok && int(in.Len)+1 == len(e.Bytes)
	}
	return in, false
}

// sameConstant takes out sets that store what is there from the start, if there
// are no others of that global.
func (u *globalUses) sameConstant() error {
	m := u.s.m
	maybe := make([]bool, len(m.Globals))
	value := make([]wasm.Instr, len(m.Globals))
	any := false
	for i := range m.Globals {
		value[i], maybe[i] = constantOf(&m.Globals[i].Init)
		maybe[i] = maybe[i] && u.sets[i] > 0 && !u.open[i]
		any = any || maybe[i]
	}
	if !any {
		return nil
	}
	found := make([][]patch, len(m.Code))
	target := make([][]uint32, len(m.Code))
	for i := range m.Code {
		wanted := false
		u.each(i, func(st *wasm.Site, g uint32) { wanted = wanted || st.Op == wasm.OpGlobalSet && maybe[g] })
		if !wanted {
			continue
		}
		b := &m.Code[i]
		var last wasm.Instr
		for off := b.Code; ; {
			in, ok := wasm.NextInstr(b.Bytes, off)
			if !ok {
				break
			}
			off = int(in.Off + in.Len)
			if g := uint32(in.Arg); in.Op == wasm.OpGlobalSet && g >= u.first && maybe[g-u.first] {
				g -= u.first
				if last.Op == value[g].Op && last.Arg == value[g].Arg {
					found[i] = append(found[i], patch{off: last.Off, end: in.Off + in.Len})
					target[i] = append(target[i], g)
				} else {
					maybe[g] = false
				}
			}
			last = in
		}
	}
	for i := range found {
		keep := found[i][:0]
		for j, p := range found[i] {
			if maybe[target[i][j]] {
				keep = append(keep, p)
			}
		}
		u.s.patchBody(i, keep)
	}
	return nil
}

// ownUpdates takes out the writes of globals whose value serves nothing but
// those.
func (u *globalUses) ownUpdates() error {
	s, m := u.s, u.s.m
	n := len(m.Globals)
	maybe := make([]bool, n)
	any := false
	for i := range maybe {
		maybe[i] = u.gets[i] > 0 && u.sets[i] > 0 && !u.open[i] && !u.inConst[i]
	}
	// A function that only reads one has another use for it.
	read, written := make([]int, n), make([]int, n)
	for i := range m.Code {
		u.each(i, func(st *wasm.Site, g uint32) {
			if st.Op == wasm.OpGlobalSet {
				written[g] = i + 1
			} else {
				read[g] = i + 1
			}
		})
		u.each(i, func(_ *wasm.Site, g uint32) {
			maybe[g] = maybe[g] && (read[g] != i+1 || written[g] == i+1)
		})
	}
	for _, is := range maybe {
		any = any || is
	}
	if !any {
		return nil
	}
	seen := make([]atomic.Uint32, n) // the reads that serve updates only
	names := make([]bool, len(m.Code))
	for i := range m.Code {
		u.each(i, func(_ *wasm.Site, g uint32) { names[i] = names[i] || maybe[g] })
	}
	want := func(i int) bool { return names[i] }
	err := s.eachFunc(want, func(_ int, f *ir.Func) bool {
		u.walk(f, f.Body, maybe, func(n *ir.Node, g uint32, reads uint32) { seen[g].Add(reads) })
		return false
	})
	if err != nil {
		return err
	}
	any = false
	for i := range maybe {
		maybe[i] = maybe[i] && seen[i].Load() == u.gets[i]
		any = any || maybe[i]
	}
	if !any {
		return nil
	}
	return s.eachFunc(want, func(i int, f *ir.Func) bool {
		changed := false
		u.walk(f, f.Body, maybe, func(n *ir.Node, g uint32, _ uint32) {
			changed = true
			*n = *f.Nop()
		})
		if changed {
			f.Finalize()
			s.touched[i] = true
		}
		return changed
	})
}

// walk calls update with the statements that write a global and do nothing else,
// and how often they read it themselves; from the innermost to the outermost.
func (u *globalUses) walk(f *ir.Func, n *ir.Node, maybe []bool, update func(n *ir.Node, g uint32, reads uint32)) {
	switch n.Op {
	case wasm.OpGlobalSet:
		if g, ok := u.candidate(n, maybe); ok && f.Removable(n.Kids[0]) {
			update(n, g, u.reads(n.Kids[0], g))
			return
		}
	case wasm.OpIf:
		// (if (cond of $g) (then (global.set $g value)))
		if then := n.Kids[1]; len(n.Kids) == 2 && then.Op == wasm.OpGlobalSet {
			if g, ok := u.candidate(then, maybe); ok && f.Removable(n.Kids[0]) && f.Removable(then.Kids[0]) {
				update(n, g, u.reads(n.Kids[0], g)+u.reads(then.Kids[0], g))
				return
			}
		}
	}
	for _, k := range n.Kids {
		u.walk(f, k, maybe, update)
	}
}

func (u *globalUses) candidate(n *ir.Node, maybe []bool) (g uint32, ok bool) {
	if n.Imm < uint64(u.first) {
		return 0, false
	}
	g = uint32(n.Imm) - u.first
	return g, maybe[g]
}

// reads counts the reads of a global in a tree.
func (u *globalUses) reads(n *ir.Node, g uint32) uint32 {
	count := uint32(0)
	if n.Op == wasm.OpGlobalGet && n.Imm == uint64(g+u.first) {
		count++
	}
	for _, k := range n.Kids {
		count += u.reads(k, g)
	}
	return count
}

// onlyWritten drops what is stored in globals that nothing reads.
func (u *globalUses) onlyWritten() error {
	for i := range u.s.m.Code {
		var patches []patch
		u.each(i, func(st *wasm.Site, g uint32) {
			if st.Op == wasm.OpGlobalSet && u.gets[g] == 0 && !u.open[g] && !u.inConst[g] {
				patches = append(patches, patch{st.Off - 1, st.Off + uint32(st.Len), []byte{byte(wasm.OpDrop)}})
			}
		})
		u.s.patchBody(i, patches)
	}
	return nil
}

// propagate makes what nothing writes immutable, and puts constants where they
// are read.
func (u *globalUses) propagate() error {
	m := u.s.m
	for i := range m.Globals {
		if g := &m.Globals[i]; g.Mutable && u.sets[i] == 0 && !u.open[i] {
			g.Mutable = false
		}
	}
	with := make([][]byte, len(m.Globals))
	for i := range m.Globals {
		with[i] = u.value(i)
	}
	for i := range m.Code {
		var patches []patch
		u.each(i, func(st *wasm.Site, g uint32) {
			if with[g] != nil {
				patches = append(patches, patch{st.Off - 1, st.Off + uint32(st.Len), with[g]})
			}
		})
		u.s.patchBody(i, patches)
	}
	u.s.c = ir.NewContext(m)
	return nil
}

// value is what may stand for reads of a global; nil for nothing.
func (u *globalUses) value(i int) []byte {
	m := u.s.m
	g := &m.Globals[i]
	if g.Mutable || u.gets[i] == 0 {
		return nil
	}
	in, ok := wasm.NextInstr(g.Init.Bytes, 0)
	if !ok || int(in.Len)+1 != len(g.Init.Bytes) {
		return nil
	}
	if in.Op == wasm.OpGlobalGet {
		// The other may be mutable in a later version of the format, not here.
		if to := uint32(in.Arg); u.s.c.Globals[to].Mutable {
			return nil
		}
		return wasm.AppendU32([]byte{byte(in.Op)}, uint32(in.Arg))
	}
	if _, ok := constantOf(&g.Init); !ok {
		return nil
	}
	if u.s.o.Level == Size && !u.pays(i, len(g.Init.Bytes)-1) {
		return nil
	}
	return g.Init.Bytes[:len(g.Init.Bytes)-1]
}

// pays reports whether a constant of so many bytes in place of all reads of a
// global costs no more than the reads and the global. One byte more is worth
// what can be folded with the constant then.
func (u *globalUses) pays(i, size int) bool {
	get := len(wasm.AppendU32(nil, u.first+uint32(i))) + 1
	if size <= get+1 {
		return true
	}
	saved := 0
	if !u.open[i] && !u.inConst[i] {
		saved = 3 + size
	}
	return int(u.gets[i])*(size-get) <= saved
}
