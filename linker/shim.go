package linker

import (
	"github.com/wbundle/wbundle/graph"
	"github.com/wbundle/wbundle/internal/wasm"
	"github.com/wbundle/wbundle/shake"
)

// shimPass dissolves shims: functions that do nothing but pass their
// parameters to a table slot or a global which is written once, before
// anything runs. wit-component makes them because a component's main module
// must be instantiated before what it imports can be lowered through its
// memory:
//
//	(module $shim (table $t 1 1 funcref)
//	  (func (export "0") (param i32) local.get 0 i32.const 0 call_indirect $t (type 0)))
//	(module $fixup (import "shim" "$t" (table 1 1 funcref)) (import "" "0" (func $f (param i32)))
//	  (elem (i32.const 0) func $f))
//
// and, where tail calls are at hand, with (global (mut (ref $f))), return_call_ref
// and a start function that sets the globals.
//
// In: the program before start functions and adapters. Out: such a function is
// an alias of what it forwards to; a start function that only set proven
// globals is gone. Marking does the rest: nobody reaches the table any more.
//
// Names and positions prove nothing here. It is safe because
//   - the table (or global) is neither the host's nor seen by it, and no
//     instruction of any instance that can name it writes it;
//   - what is written is written at instantiation, and no start function that
//     runs between the table's birth and that moment reaches the table, so no
//     call can have found the slot empty;
//   - the slot's function has the very type that the call asks for.
//
// It gives up on call_indirect within larger bodies: those are the
// optimiser's.
func shimPass(p *graph.Program) {
	s := &shims{p: p, tables: map[graph.TableID]*constTable{}, globals: map[graph.GlobalID]*constGlobal{}, setters: map[graph.InstanceID][]setting{}}
	if !s.collect() {
		return
	}
	s.disqualify()
	s.instantiate()
	s.dissolve()
}

// forwarder is a function whose body passes all its parameters on.
type forwarder struct {
	fn     graph.FuncID
	typ    graph.TypeID // what the call asks for
	table  graph.TableID
	slot   uint32
	global graph.GlobalID // when table is 0
}

// constTable is a table that forwarders call through.
type constTable struct {
	written bool // some instruction may, or the host
	slots   map[uint32]graph.FuncID
}

// constGlobal is a mutable global that forwarders call.
type constGlobal struct {
	writes  int // global.set instructions in the program
	escapes bool
	value   graph.FuncID
	setter  graph.InstanceID // whose start function sets it
}

// setting is one global.set of a start function that does nothing else.
type setting struct {
	global graph.GlobalID
	fn     graph.FuncID
}

type shims struct {
	p          *graph.Program
	scanner    wasm.SiteScanner
	forwarders []forwarder
	tables     map[graph.TableID]*constTable
	globals    map[graph.GlobalID]*constGlobal
	// setters are the start functions that only set globals, by instance.
	setters map[graph.InstanceID][]setting
	// ran are the start functions that ran so far, in instantiation order.
	ran []startRun
}

// startRun is a start function and what it reaches.
type startRun struct {
	inst    graph.InstanceID
	fn      graph.FuncID
	reached *shake.Live // marked when it is asked for
}

// untouched reports whether no start function that ran since the instance
// owner came to life reaches an item.
func (s *shims) untouched(owner graph.InstanceID, space wasm.Space, id uint32) bool {
	for i := range s.ran {
		r := &s.ran[i]
		if r.inst < owner {
			continue
		}
		if r.reached == nil {
			r.reached = shake.Reach(s.p, r.fn)
		}
		if r.reached.Has(space, id) {
			return false
		}
	}
	return true
}

// collect finds the forwarders and what they call through.
func (s *shims) collect() bool {
	p := s.p
	for id := graph.FuncID(1); int(id) < len(p.Funcs); id++ {
		if p.Funcs[id].Kind != graph.FuncDefined {
			continue
		}
		f, ok := s.forwarder(id)
		if !ok {
			continue
		}
		s.forwarders = append(s.forwarders, f)
		if f.table != 0 {
			s.tables[f.table] = &constTable{slots: map[uint32]graph.FuncID{}}
		} else {
			s.globals[f.global] = &constGlobal{}
		}
	}
	return len(s.forwarders) > 0
}

// forwarder recognises
//
//	local.get 0 … local.get n-1  i32.const k  (return_)call_indirect t
//	local.get 0 … local.get n-1  global.get g  (return_)call_ref t
//
// for a function of n parameters and no further locals.
func (s *shims) forwarder(id graph.FuncID) (fw forwarder, ok bool) {
	p := s.p
	body, inst := p.Code(id)
	// The body of the longest forwarder, and no locals: one byte of count.
	params := len(p.Types.At(p.Funcs[id].Type).Params)
	if body.Code != 1 || len(body.Bytes) > 3*params+24 {
		return fw, false
	}
	sites := p.Sites(id, &s.scanner)
	if len(sites) != 2 {
		return fw, false
	}
	off := body.Code
	next := func() wasm.Instr {
		in, more := wasm.NextInstr(body.Bytes, off)
		if !more {
			return wasm.Instr{Op: wasm.OpUnreachable}
		}
		off = int(in.Off + in.Len)
		return in
	}
	for i := range params {
		if in := next(); in.Op != wasm.OpLocalGet || in.Arg != uint64(i) {
			return fw, false
		}
	}
	fw.fn = id
	from, call := next(), next()
	switch {
	case from.Op == wasm.OpI32Const && (call.Op == wasm.OpCallIndirect || call.Op == wasm.OpReturnCallIndirect):
		fw.slot = uint32(from.Arg)
		fw.table = inst.Tables[sites[1].Target]
		fw.typ = p.ModuleOf(inst).Types[sites[0].Target]
	case from.Op == wasm.OpGlobalGet && (call.Op == wasm.OpCallRef || call.Op == wasm.OpReturnCallRef):
		fw.global = inst.Globals[sites[0].Target]
		fw.typ = p.ModuleOf(inst).Types[sites[1].Target]
	default:
		return fw, false
	}
	end := next()
	return fw, end.Op == wasm.OpEnd && off == len(body.Bytes)
}

// disqualify looks for everything that writes or shows the tables and globals.
func (s *shims) disqualify() {
	p := s.p
	for _, e := range p.Exports {
		switch e.Kind {
		case wasm.ExternTable:
			if t := s.tables[graph.TableID(e.ID)]; t != nil {
				t.written = true
			}
		case wasm.ExternGlobal:
			if g := s.globals[graph.GlobalID(e.ID)]; g != nil {
				g.escapes = true
			}
		}
	}
	for id, t := range s.tables {
		t.written = t.written || p.Tables[id].Import != nil
	}
	for id, g := range s.globals {
		g.escapes = g.escapes || p.Globals[id].Import != nil
	}
	// Only instances that can name a table or global can write it.
	for _, inst := range p.Instances[1:] {
		named := false
		for _, id := range inst.Tables {
			named = named || s.tables[id] != nil
		}
		for _, id := range inst.Globals {
			named = named || s.globals[id] != nil
		}
		if !named {
			continue
		}
		code := p.ModuleOf(inst).Code
		for i := range code.Code {
			s.writes(s.scanner.Sites(code, i), inst)
		}
	}
}

// writes notes the writes among the sites of a body.
func (s *shims) writes(sites []wasm.Site, inst *graph.Instance) {
	for i := range sites {
		site := &sites[i]
		switch site.Kind {
		case wasm.SiteTable:
			switch site.Op {
			case wasm.OpTableSet, wasm.OpTableGrow, wasm.OpTableFill, wasm.OpTableInit, wasm.OpTableCopy:
				// table.copy names its source as well, which costs a little
				// precision and nothing else.
				if t := s.tables[inst.Tables[site.Target]]; t != nil {
					t.written = true
				}
			}
		case wasm.SiteGlobal:
			if site.Op == wasm.OpGlobalSet {
				if g := s.globals[inst.Globals[site.Target]]; g != nil {
					g.writes++
				}
			}
		}
	}
}

// instantiate follows the order of instantiation: which segments and start
// functions fill the tables and globals before anything could use them.
func (s *shims) instantiate() {
	p := s.p
	for _, inst := range p.Instances[1:] {
		code := p.ModuleOf(inst).Code
		for _, id := range inst.Elems {
			e := &p.Elems[id]
			if !e.Active {
				continue
			}
			seg := &code.Elems[e.Index]
			n := uint64(len(seg.Funcs) + len(seg.Exprs))
			t := &p.Tables[e.Table]
			c := s.tables[e.Table]
			switch {
			case c == nil:
			case !segmentFits(e.Offset, n, t.Type.Min) || !s.untouched(t.Inst, wasm.SpaceTable, uint32(e.Table)):
				c.written = true
			default:
				for i, fn := range seg.Funcs {
					c.slots[uint32(e.Offset.Bits)+uint32(i)] = inst.Funcs[fn]
				}
				for i := range seg.Exprs {
					c.slots[uint32(e.Offset.Bits)+uint32(i)] = refFunc(&seg.Exprs[i], inst)
				}
			}
		}
		if !code.HasStart {
			continue
		}
		start := p.Resolve(inst.Funcs[code.Start])
		set := s.settings(start)
		proven := len(set) > 0
		for _, x := range set {
			g := s.globals[x.global]
			proven = proven && g != nil && !g.escapes && g.writes == 1 && s.untouched(p.Globals[x.global].Inst, wasm.SpaceGlobal, uint32(x.global))
		}
		if !proven {
			s.ran = append(s.ran, startRun{inst: inst.ID, fn: start})
			continue
		}
		for _, x := range set {
			g := s.globals[x.global]
			g.value, g.setter = x.fn, inst.ID
		}
		s.setters[inst.ID] = set
	}
}

// refFunc returns the function that an element expression names; 0 for null
// and for what is not known here.
func refFunc(e *wasm.Expr, inst *graph.Instance) graph.FuncID {
	in, ok := wasm.NextInstr(e.Bytes, 0)
	if !ok || in.Op != wasm.OpRefFunc || int(in.Len)+1 != len(e.Bytes) {
		return 0
	}
	return inst.Funcs[in.Arg]
}

// settings reads a body that is nothing but (ref.func f, global.set g) pairs;
// nil for any other.
func (s *shims) settings(id graph.FuncID) []setting {
	if s.p.Funcs[id].Kind != graph.FuncDefined || len(s.globals) == 0 {
		return nil
	}
	body, inst := s.p.Code(id)
	if body.Code != 1 {
		return nil
	}
	var set []setting
	for off := body.Code; ; {
		value, ok := wasm.NextInstr(body.Bytes, off)
		if !ok {
			return nil
		}
		if value.Op == wasm.OpEnd {
			return set
		}
		store, ok := wasm.NextInstr(body.Bytes, int(value.Off+value.Len))
		if !ok || value.Op != wasm.OpRefFunc || store.Op != wasm.OpGlobalSet {
			return nil
		}
		set = append(set, setting{inst.Globals[store.Arg], inst.Funcs[value.Arg]})
		off = int(store.Off + store.Len)
	}
}

// dissolve makes aliases of the forwarders whose target is proven.
func (s *shims) dissolve() {
	p := s.p
	for id, set := range s.setters {
		// The globals are what the start function makes of them from the
		// beginning, for whoever else reads them.
		for _, x := range set {
			g := &p.Globals[x.global]
			g.Init = graph.Const{Known: true, Type: g.Type.Type, Func: x.fn}
		}
		p.Instances[id].NoStart = true
	}
	for id, t := range s.tables {
		p.Tables[id].Constant = !t.written
	}
	for _, f := range s.forwarders {
		var to graph.FuncID
		if f.table != 0 {
			if t := s.tables[f.table]; !t.written {
				to = t.slots[f.slot]
			}
		} else if g := s.globals[f.global]; g.setter != 0 {
			to = g.value
		}
		if to == 0 {
			continue
		}
		to = p.Resolve(to)
		// A forwarder that comes to itself runs forever, as before.
		if to == f.fn || p.Funcs[to].Type != f.typ || p.Funcs[f.fn].Type != f.typ {
			continue
		}
		fn := &p.Funcs[f.fn]
		*fn = graph.Func{Kind: graph.FuncAlias, Type: fn.Type, Alias: to}
	}
}
