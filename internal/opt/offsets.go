package opt

import (
	"sync"

	"github.com/wbundle/wbundle/internal/ir"
	"github.com/wbundle/wbundle/internal/wasm"
)

// The pass offsets: an address that is a local plus a constant is the local, and
// the constant part of the offset, where an access before has shown that the sum
// does not wrap around.
//
//	local.get 0               local.get 0
//	i64.load offset=40        i64.load offset=40
//	drop                      drop
//	local.get 0     becomes   local.get 0
//	i32.const 8               i32.const 5
//	i32.add                   i32.store offset=8
//	i32.const 5
//	i32.store
//
// An address plus an offset is a number of 33 bits, so the two differ where the
// sum wraps around (ruleAddress). What was accessed lies within the memory: if
// its end is a local plus e, then the local is at most the largest size of the
// memory less e, and what may be added is known. Where the memory cannot have
// all of 2^32 bytes, that is 64 KiB more than e at least, which is as good as
// anything.
//
// Input and output are final trees. The walk is in the order of evaluation, and
// knows of each local what may be added to the value that it has (room). What it
// learns in an arm, or in a block that branches leave, it forgets at the end; at
// the head of a loop it knows nothing. A trap is no way to get past an access,
// and an exception leads to the end of a block.
//
// It makes nothing longer: the offset grows by no more bytes than the constant
// had, and the add goes.
func offsets(f *ir.Func, _ *state) bool {
	if len(f.Locals) == 0 || len(f.Ctx.Memories) == 0 {
		return false
	}
	o := offsetters.Get().(*offsetter)
	defer offsetters.Put(o)
	if n := len(f.Locals); cap(o.locals) < n {
		o.locals = make([]offsetLocal, n)
	} else {
		o.locals = o.locals[:n]
		clear(o.locals)
	}
	o.f, o.changed, o.now, o.floor, o.trail = f, false, 0, 0, o.trail[:0]
	o.walk(f.Body)
	o.f = nil
	return o.changed
}

// offsetLocal is what is known of a local.
type offsetLocal struct {
	// room may be added to the local's value, and does not wrap around.
	room uint64
	// learned and written are when that was learned, and when the local was
	// written, on the clock of the walk.
	learned, written int
}

// offsetChange is what was known of a local before it changed. A write may be
// one on a path that does not come to where the walk is, but to the end of some
// block around it.
type offsetChange struct {
	local   uint32
	write   bool
	room    uint64
	learned int
}

type offsetter struct {
	f      *ir.Func
	locals []offsetLocal
	trail  []offsetChange
	// written are the locals that the paths wrote which meet behind the
	// constructs that the walk is in.
	written []uint32
	now     int
	floor   int // what was learned before is not known here: a loop began
	changed bool
}

var offsetters = sync.Pool{New: func() any { return new(offsetter) }}

func (o *offsetter) walk(n *ir.Node) {
	mark, base := len(o.trail), len(o.written)
	switch n.Op {
	case wasm.OpBlock:
		for _, k := range n.Kids {
			o.walk(k)
		}
		if n.Refs > 0 && n != o.f.Body {
			o.back(mark, true)
			o.meet(base)
		}
		return
	case wasm.OpLoop:
		floor := o.floor
		if n.Refs > 0 {
			o.now++
			o.floor = o.now
		}
		o.walk(n.Kids[0])
		o.floor = floor
		return
	case wasm.OpIf:
		o.walk(n.Kids[0])
		mark = len(o.trail)
		for _, k := range n.Kids[1:] {
			o.walk(k)
			o.back(mark, !k.IsUnreachable())
			mark = len(o.trail)
		}
		o.meet(base)
		return
	}
	at := 0
	for i, k := range n.Kids {
		o.walk(k)
		if i == 0 {
			at = o.now
		}
	}
	switch n.Op {
	case wasm.OpLocalSet, wasm.OpLocalTee:
		o.now++
		o.locals[n.Imm].written = o.now
		o.write(uint32(n.Imm))
	default:
		if info := n.Op.Info(); info != nil && info.Imms[0] == wasm.ImmMemArg && !n.IsUnreachable() {
			o.access(n, at)
		}
	}
}

// change is for a local about to change.
func (o *offsetter) change(local uint32, write bool) {
	l := &o.locals[local]
	o.trail = append(o.trail, offsetChange{local, write, l.room, l.learned})
}

// write makes what is known of a local unknown.
func (o *offsetter) write(local uint32) {
	if o.locals[local].room > 0 {
		o.change(local, true)
		o.locals[local].room = 0
	}
}

// back goes back to what was known before. The writes on the way are in written
// if the path goes on; else they only matter further out.
func (o *offsetter) back(mark int, goesOn bool) {
	base := len(o.written)
	for i := len(o.trail) - 1; i >= mark; i-- {
		c := &o.trail[i]
		l := &o.locals[c.local]
		l.room, l.learned = c.room, c.learned
		if c.write {
			o.written = append(o.written, c.local)
		}
	}
	o.trail = o.trail[:mark]
	if goesOn {
		return
	}
	for _, x := range o.written[base:] {
		if o.locals[x].room > 0 {
			o.change(x, true)
		}
	}
	o.written = o.written[:base]
}

// meet forgets what the paths wrote that meet.
func (o *offsetter) meet(base int) {
	for _, x := range o.written[base:] {
		o.write(x)
	}
	o.written = o.written[:base]
}

// access looks at an access whose address was there at some time.
func (o *offsetter) access(n *ir.Node, at int) {
	const space = 1 << 32
	_, memory, _ := n.MemArg()
	m := &o.f.Ctx.Memories[memory]
	if m.Is64 {
		return
	}
	of := func(x *ir.Node) *offsetLocal {
		if x.Op != wasm.OpLocalGet && x.Op != wasm.OpLocalTee || o.locals[x.Imm].written > at {
			return nil
		}
		return &o.locals[x.Imm]
	}
	if x, c, ok := addend(n.Kids[0], 32); ok {
		l := of(x)
		if l == nil || l.learned < o.floor || c > l.room || n.Imm+c >= space {
			return
		}
		n.Kids[0] = x
		n.Imm += c
		o.changed = true
	}
	x := n.Kids[0]
	l := of(x)
	if l == nil {
		return
	}
	limit := uint64(space)
	if m.HasMax && !m.HasPageSize {
		limit = min(limit, m.Max<<16)
	}
	room := n.Imm + accessBytes(n.Op) + (space - limit) - 1
	if l.learned < o.floor || l.room < room {
		o.change(uint32(x.Imm), false)
		l.room, l.learned = room, o.now
	}
}

// accessBytes is how many bytes an access has at least.
func accessBytes(op wasm.Opcode) uint64 {
	switch op {
	case wasm.OpI64Load, wasm.OpF64Load, wasm.OpI64Store, wasm.OpF64Store:
		return 8
	case wasm.OpI32Load, wasm.OpF32Load, wasm.OpI32Store, wasm.OpF32Store, wasm.OpI64Load32S, wasm.OpI64Load32U, wasm.OpI64Store32:
		return 4
	}
	return 1
}
