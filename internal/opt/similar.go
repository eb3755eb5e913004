package opt

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"
	"slices"

	"github.com/wbundle/wbundle/internal/wasm"
)

// Functions that differ in constants share one body.
//
// In: bodies that are done. Out: of functions of one type whose code is the same
// but for constants, one new function has the code, and what differs are its
// last parameters. Who called one of them passes its constants; those that a
// table, an export or a reference names are what is left of them: a call.
//
//	(func $f (param i32) (result i32)    (func $new (param i32 i32) (result i32)
//	  (call $log (i32.const 7))            (call $log (local.get 1))
//	  (i32.add (local.get 0)               (i32.add (local.get 0)
//	    (i32.const 7)))                      (local.get 1)))
//	(func $g (param i32) (result i32)    (func $g (param i32) (result i32)
//	  (call $log (i32.const 8))            (call $new (local.get 0) (i32.const 8)))
//	  (i32.add (local.get 0)
//	    (i32.const 8)))
//	(call $f (local.get $x))             (call $new (local.get $x) (i32.const 7))
//
// It is safe because a parameter that is never written is as good as the
// constant that it is. Constants that are the same in all of them stay where they
// are; those that go together are one parameter. Functions with tail calls are
// left out: what is left of a function is not gone while the new one runs, and a
// loop of tail calls must not need more stack the longer it runs.
//
// A group is divided as it pays: each function joins those with which it saves
// most. Sizes are exact but for the indices of functions, which are not known
// yet and taken to have two bytes.
//
// What it gives up: differences in anything else, as in callees, in offsets of
// accesses, in globals.
func (s *state) similar() error {
	if s.o.Level != Size {
		return nil
	}
	g, err := s.graph()
	if err != nil {
		return err
	}
	s.bury(g)
	p := &merging{s: s, g: g, types: newTypeClasses(s.m)}
	made := false
	for _, group := range p.alike() {
		for _, c := range p.clusters(group) {
			made = p.merge(c) || made
		}
	}
	if !made {
		return nil
	}
	if g, err = s.graph(); err != nil {
		return err
	}
	for i := range s.m.Code {
		s.patchBody(i, p.direct(i, g))
	}
	if g, err = s.graph(); err != nil {
		return err
	}
	s.bury(g)
	return nil
}

const (
	// similarLeast is the least size of a body that is looked at.
	similarLeast = 16
	// similarGain is what must be saved, in bytes, for a call to be worth it.
	similarGain = 8
	// similarParams is how many parameters may be added.
	similarParams = 8
	// similarClusters is how many parts of a group are tried.
	similarClusters = 16
)

// merging is the state of the pass.
type merging struct {
	s     *state
	g     *callGraph
	types *typeClasses
	// calls is what is left of functions, by function.
	calls map[uint32]*remainder
}

// remainder is the call that is left of a function.
type remainder struct {
	to     uint32
	consts []byte // the instructions for the parameters that were added
	direct bool   // callers pass them themselves
}

// constantSpan is a constant of a body: its immediate, right after the opcode.
type constantSpan struct {
	op       wasm.Opcode
	imm, end uint32
}

// constantSpans lists the constants of a body; ok is false if it has a tail call.
func constantSpans(b *wasm.Body) (spans []constantSpan, ok bool) {
	for off := b.Code; ; {
		in, more := wasm.NextInstr(b.Bytes, off)
		if !more {
			return spans, true
		}
		off = int(in.Off + in.Len)
		switch in.Op {
		case wasm.OpI32Const, wasm.OpI64Const, wasm.OpF32Const, wasm.OpF64Const:
			spans = append(spans, constantSpan{in.Op, in.Imm, in.Off + in.Len})
		case wasm.OpReturnCall, wasm.OpReturnCallIndirect, wasm.OpReturnCallRef:
			return nil, false
		}
	}
}

// shape is a function with its constants.
type shape struct {
	fn     uint32
	b      *wasm.Body
	consts []constantSpan
}

// value is a constant: its bytes after the opcode.
func (f *shape) value(k int) []byte { return f.b.Bytes[f.consts[k].imm:f.consts[k].end] }

// sameShape reports whether two functions differ in constants only.
func (f *shape) sameShape(o *shape) bool {
	if len(f.consts) != len(o.consts) {
		return false
	}
	a, b := uint32(0), uint32(0)
	for k := range f.consts {
		if !bytes.Equal(f.b.Bytes[a:f.consts[k].imm], o.b.Bytes[b:o.consts[k].imm]) {
			return false
		}
		a, b = f.consts[k].end, o.consts[k].end
	}
	return bytes.Equal(f.b.Bytes[a:], o.b.Bytes[b:])
}

// alike puts functions together that differ in constants only. Groups and their
// members are in the order of the functions.
func (p *merging) alike() [][]*shape {
	imported := p.s.imported()
	seed := maphash.MakeSeed()
	byHash := make(map[uint64][]int, len(p.s.m.Code)) // groups
	var groups [][]*shape
	for i := range p.s.m.Code {
		fn := imported + uint32(i)
		b := &p.s.m.Code[i]
		if !p.g.live[fn] || len(b.Bytes) < similarLeast {
			continue
		}
		spans, ok := constantSpans(b)
		if !ok || len(spans) == 0 {
			continue
		}
		typ := p.types.of[p.s.c.Types[fn]]
		var h maphash.Hash
		h.SetSeed(seed)
		var head [4]byte
		binary.LittleEndian.PutUint32(head[:], typ)
		h.Write(head[:])
		at := uint32(0)
		for _, c := range spans {
			h.Write(b.Bytes[at:c.imm])
			h.WriteByte(0)
			at = c.end
		}
		h.Write(b.Bytes[at:])
		key := h.Sum64()
		f := &shape{fn, b, spans}
		found := false
		for _, at := range byHash[key] {
			if first := groups[at][0]; p.types.of[p.s.c.Types[first.fn]] == typ && first.sameShape(f) {
				groups[at] = append(groups[at], f)
				found = true
				break
			}
		}
		if !found {
			byHash[key] = append(byHash[key], len(groups))
			groups = append(groups, []*shape{f})
		}
	}
	return slices.DeleteFunc(groups, func(g []*shape) bool { return len(g) < 2 })
}

// cluster is functions that are to share a body.
type cluster struct {
	members []*shape
	// class has, for each constant, which value it has: constants of one class
	// are the same in each member. varies says of a class that it is not the same
	// in all members; first has its first constant.
	class  []int
	varies []bool
	first  []int
	saves  int
}

// with is the cluster with one more member; the members are not copied.
func (c *cluster) with(f *shape, p *merging) *cluster {
	type key struct {
		class int
		value string
		op    wasm.Opcode
	}
	out := &cluster{members: append(c.members[:len(c.members):len(c.members)], f), class: make([]int, len(f.consts))}
	index := map[key]int{}
	for k := range f.consts {
		id := key{0, string(f.value(k)), f.consts[k].op}
		varies := false
		if len(c.members) > 0 {
			id.class = c.class[k]
			varies = c.varies[id.class] || !bytes.Equal(c.members[0].value(k), f.value(k))
		}
		at, ok := index[id]
		if !ok {
			at = len(out.varies)
			index[id] = at
			out.varies, out.first = append(out.varies, varies), append(out.first, k)
		}
		out.class[k] = at
	}
	out.saves = out.saving(p)
	return out
}

// params are the classes that become parameters.
func (c *cluster) params() []int {
	var out []int
	for class, varies := range c.varies {
		if varies {
			out = append(out, class)
		}
	}
	return out
}

// saving is about what it saves in bytes: bodies with their size fields and
// entries of the function section, before and after. It is negative for one member.
func (c *cluster) saving(p *merging) int {
	params := c.params()
	own := len(p.s.c.FuncType(c.members[0].fn).Params)
	if len(params) > similarParams {
		return -1 << 20
	}
	shared := len(c.members[0].b.Bytes)
	for k, class := range c.class {
		if c.varies[class] {
			shared += 2 - 1 - len(c.members[0].value(k))
		}
	}
	saves := -withSize(shared) - 1
	for _, f := range c.members {
		left, _ := p.left(f, c.constants(f, params), own)
		saves += withSize(len(f.b.Bytes)) - left
	}
	return saves
}

// constants are the instructions for the parameters.
func (c *cluster) constants(f *shape, params []int) []byte {
	var code []byte
	for _, class := range params {
		k := c.first[class]
		code = append(append(code, byte(f.consts[k].op)), f.value(k)...)
	}
	return code
}

// left is what is left of a function, in bytes: its calls, if callers pass the
// constants, which direct says, or itself.
func (p *merging) left(f *shape, consts []byte, params int) (size int, direct bool) {
	const call = 3 // the opcode and an index of two bytes
	size = withSize(1 + 2*params + len(consts) + call + 1)
	if !p.g.fixed[f.fn] {
		if all := int(p.g.calls[f.fn])*len(consts) - 1; all < size {
			return all, true
		}
	}
	return size, false
}

// withSize is the size of a body of n bytes with its size field.
func withSize(n int) int { return n + len(wasm.AppendU32(nil, uint32(n))) }

// clusters divides a group.
func (p *merging) clusters(group []*shape) []*cluster {
	all := &cluster{}
	for _, f := range group {
		all = all.with(f, p)
	}
	if all.saves >= similarGain && len(all.params()) <= 1 {
		return []*cluster{all} // nothing can be better
	}
	var list []*cluster
	for _, f := range group {
		best, at, gain := (*cluster)(nil), 0, 0
		for i, c := range list {
			if n := c.with(f, p); n.saves-c.saves > gain {
				best, at, gain = n, i, n.saves-c.saves
			}
		}
		switch {
		case best != nil:
			list[at] = best
		case len(list) < similarClusters:
			list = append(list, (&cluster{}).with(f, p))
		}
	}
	saves := 0
	list = slices.DeleteFunc(list, func(c *cluster) bool { return len(c.members) < 2 || c.saves < similarGain })
	for _, c := range list {
		saves += c.saves
	}
	if all.saves >= similarGain && all.saves > saves {
		return []*cluster{all}
	}
	return list
}

// merge makes the function that a cluster shares, and leaves calls of it, if
// that saves what it must.
func (p *merging) merge(c *cluster) bool {
	s := p.s
	params := c.params()
	f := c.members[0]
	typ := s.c.FuncType(f.fn)
	own := len(typ.Params)
	with := slices.Clip(slices.Clone(typ.Params))
	for _, class := range params {
		with = append(with, constantType(f.consts[c.first[class]].op))
	}
	body, ok := c.body(own, len(params))
	if !ok {
		return false
	}
	saves := -withSize(len(body)) - 1
	if _, ok := p.types.index[typeKey(with, typ.Results)]; !ok {
		saves -= 3 + len(with) + len(typ.Results)
	}
	for _, f := range c.members {
		left, _ := p.left(f, c.constants(f, params), own)
		saves += withSize(len(f.b.Bytes)) - left
	}
	if saves < similarGain {
		return false
	}
	to := s.imported() + uint32(len(s.m.Code))
	s.m.Funcs = append(s.m.Funcs, p.types.find(with, typ.Results))
	s.m.Code = append(s.m.Code, wasm.Body{Bytes: body, Off: f.b.Off})
	s.touched = append(s.touched, false)
	s.changes.Shared[to] = f.fn
	if p.calls == nil {
		p.calls = map[uint32]*remainder{}
	}
	imported := s.imported()
	for _, f := range c.members {
		consts := c.constants(f, params)
		_, direct := p.left(f, consts, own)
		p.calls[f.fn] = &remainder{to, consts, direct}
		code := []byte{0}
		for k := range own {
			code = wasm.AppendU32(append(code, byte(wasm.OpLocalGet)), uint32(k))
		}
		code = append(append(code, consts...), byte(wasm.OpCall))
		code = append(wasm.AppendU32(code, to), byte(wasm.OpEnd))
		at := &s.m.Code[f.fn-imported]
		*at = wasm.Body{Bytes: code, Off: at.Off}
	}
	return true
}

// constantType is the type of a constant.
func constantType(op wasm.Opcode) wasm.ValType {
	switch op {
	case wasm.OpI32Const:
		return wasm.I32
	case wasm.OpI64Const:
		return wasm.I64
	case wasm.OpF32Const:
		return wasm.F32
	}
	return wasm.F64
}

// body is the first member's with parameters for what varies, behind its own:
// all its other locals move. ok is false for what could not be read.
func (c *cluster) body(own, added int) (code []byte, ok bool) {
	f := c.members[0]
	param := make([]uint32, len(c.varies))
	n := uint32(own)
	for class, varies := range c.varies {
		if varies {
			param[class] = n
			n++
		}
	}
	b := f.b
	at, k := 0, 0
	for off := b.Code; off < len(b.Bytes); {
		in, more := wasm.NextInstr(b.Bytes, off)
		if !more {
			return nil, false
		}
		off = int(in.Off + in.Len)
		switch in.Op {
		case wasm.OpLocalGet, wasm.OpLocalSet, wasm.OpLocalTee:
			if in.Arg >= uint64(own) {
				code = append(code, b.Bytes[at:in.Imm]...)
				code = wasm.AppendU32(code, uint32(in.Arg)+uint32(added))
				at = off
			}
		case wasm.OpI32Const, wasm.OpI64Const, wasm.OpF32Const, wasm.OpF64Const:
			if class := c.class[k]; c.varies[class] {
				code = append(append(code, b.Bytes[at:in.Off]...), byte(wasm.OpLocalGet))
				code = wasm.AppendU32(code, param[class])
				at = off
			}
			k++
		}
	}
	return append(code, b.Bytes[at:]...), true
}

// direct are the changes to a body whose calls pass the constants themselves.
func (p *merging) direct(i int, g *callGraph) []patch {
	fn := p.s.imported() + uint32(i)
	if r := p.calls[fn]; r != nil && r.direct || !g.live[fn] {
		return nil // nobody calls it any more
	}
	b := &p.s.m.Code[i]
	var list []patch
	for j := range b.Sites {
		st := &b.Sites[j]
		if !isCallSite(st) {
			continue
		}
		if r := p.calls[st.Target]; r != nil && r.direct {
			list = append(list, patch{st.Off - 1, st.Off - 1, r.consts}, patch{st.Off, st.Off + uint32(st.Len), wasm.AppendU32(nil, r.to)})
		}
	}
	return list
}
