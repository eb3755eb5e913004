package adapter

import (
	"fmt"

	"github.com/wbundle/wbundle/graph"
	"github.com/wbundle/wbundle/internal/component"
	"github.com/wbundle/wbundle/internal/ir"
	"github.com/wbundle/wbundle/internal/wasm"
)

// crossing is what crosses between a component and the host.
type crossing uint8

const (
	argsOut   crossing = iota // arguments of an import
	resultIn                  // its result
	argsIn                    // arguments of an export
	resultOut                 // its result
)

// out reports whether values leave the component.
func (x crossing) out() bool { return x == argsOut || x == resultOut }

// crosser replaces, in place, what of a value is different for the host. Its
// two ends are the same one.
type crosser struct {
	*fuser
	dir crossing
	// rebases says that the component's memory is not where the host's begins.
	rebases bool
}

func (g *generator) crosser(b *ir.Builder, dir crossing, comp graph.ComponentID, o graph.Options) *crosser {
	// What does not change the code is left out, so that helpers are shared.
	e := end{comp, graph.Options{Memory: o.Memory, Encoding: o.Encoding}}
	return &crosser{&fuser{generator: g, b: b, from: e, to: e}, dir, g.rebases(o.Memory)}
}

// rebases reports whether addresses of a memory are different for the host, or
// must be checked on the way as if they were.
func (g *generator) rebases(m graph.MemoryID) bool {
	return g.o.OneMemory && g.o.Host.Memory != 0 && m != 0 && (m != g.o.Host.Memory || g.o.Host.Check)
}

// concern is a question about a type in a memory that is rebased or not.
type concern struct {
	t       *component.ValType
	rebases bool
}

// concerns reports whether values of a type are different for the host.
func (c *crosser) concerns(t *component.ValType) bool {
	return c.translates && t.ContainsHandles() || c.rebases && t.ContainsPointers()
}

// buried reports whether flat values of a type point to memory whose content
// is different for the host.
func (c *crosser) buried(t *component.ValType) bool {
	if t == nil || !t.ContainsPointers() || !c.concerns(t) {
		return false
	}
	k := concern{t, c.rebases}
	if found, known := c.boundary.concerns[k]; known {
		return found
	}
	found := false
	switch t.Kind {
	case component.KindList, component.KindMap:
		found = c.concerns(t.ElemType())
	case component.KindRecord, component.KindTuple:
		for _, fl := range t.Fields {
			found = found || c.buried(fl.Type)
		}
	case component.KindFixedList:
		found = c.buried(t.Elem)
	default:
		for _, cs := range t.CaseList() {
			found = found || c.buried(cs.Type)
		}
	}
	if c.boundary.concerns == nil {
		c.boundary.concerns = map[concern]bool{}
	}
	c.boundary.concerns[k] = found
	return found
}

// value replaces what of a value is different for the host.
func (c *crosser) value(t *component.ValType, at place) error {
	switch {
	case !c.concerns(t):
		return nil
	case t.Kind == component.KindOwn, t.Kind == component.KindBorrow:
		return c.handle(t, at)
	case t.Kind == component.KindString:
		c.text(at)
		return nil
	case t.Kind == component.KindList, t.Kind == component.KindMap:
		return c.list(t.ElemType(), at)
	case c.cost(t) > outlineCost:
		return c.outlined(t, at)
	}
	return c.parts(t, at)
}

// parts does the parts of a composite value.
func (c *crosser) parts(t *component.ValType, at place) error {
	switch t.Kind {
	case component.KindRecord, component.KindTuple:
		first := 0
		for i, fl := range t.Fields {
			n := fl.Type.FlatCount()
			if err := c.value(fl.Type, at.field(t.FieldOffset(i), first, n)); err != nil {
				return err
			}
			first += n
		}
		return nil
	case component.KindFixedList:
		if at.mem {
			first := c.b.Local(wasm.I32)
			c.address(at)
			c.b.Set(first)
			err := c.elements(t.Elem, first, func() { c.b.I32(t.Size()) })
			c.b.Free(first)
			return err
		}
		n := t.Elem.FlatCount()
		for i := range int(t.Len) {
			if err := c.value(t.Elem, at.field(0, i*n, n)); err != nil {
				return err
			}
		}
		return nil
	case component.KindVariant, component.KindOption, component.KindResult:
		disc, _ := c.discriminant(t, at)
		var concerned []int
		for i, cs := range t.CaseList() {
			if cs.Type != nil && c.concerns(cs.Type) {
				concerned = append(concerned, i)
			}
		}
		defer c.b.Free(disc)
		// An invalid discriminant is none of these; the host will find it.
		return c.branch(disc, len(t.CaseList()), concerned, func(i int) error {
			cs := t.CaseList()[i].Type
			return c.value(cs, at.field(t.PayloadOffset(), 1, cs.FlatCount()))
		})
	}
	return fmt.Errorf("values of type %s are not supported yet", t)
}

// outlined does a composite value by a shared helper.
func (c *crosser) outlined(t *component.ValType, at place) error {
	shape := uint8(c.dir) << 1
	params, results := i32s[:1], []wasm.ValType(nil)
	if !at.mem {
		shape |= 1
		params, results = t.Flat(), t.Flat()
	}
	id, err := c.helper(helperKey{kind: helperCross, typ: t, from: c.from, shape: shape}, "cross "+t.Kind.String(), params, results,
		func(b *ir.Builder) error {
			h := c.in(b)
			if at.mem {
				return h.parts(t, place{mem: true, ptr: 0})
			}
			slots := slotsFrom(0, len(params))
			if err := h.parts(t, slots); err != nil {
				return err
			}
			b.Get(slots.slots...)
			return nil
		})
	if err != nil {
		return err
	}
	if at.mem {
		c.address(at)
		c.b.Call(id)
		return nil
	}
	for i, v := range params {
		c.getSlot(at.slots[i], v)
	}
	c.b.Call(id)
	for i := len(results) - 1; i >= 0; i-- {
		c.setSlot(at.slots[i], results[i])
	}
	return nil
}

// in is the crosser for another function.
func (c *crosser) in(b *ir.Builder) *crosser {
	return &crosser{&fuser{generator: c.generator, b: b, from: c.from, to: c.to}, c.dir, c.rebases}
}

// put replaces an i32 by what push leaves on the stack. What goes out of
// memory is only noted, for swap.
func (c *crosser) put(at place, push func()) {
	if at.mem && c.dir.out() {
		c.address(at)
		push()
		c.b.Call(c.saveFunc())
		return
	}
	c.store(at, wasm.OpI32Store, 2, wasm.I32, push)
}

// handle replaces an index into the component's table by one into the host's,
// or the other way round.
func (c *crosser) handle(t *component.ValType, at place) error {
	if !c.changes(t, c.from.comp) {
		return nil
	}
	var err error
	c.put(at, func() {
		err = c.exchange(c.b, t, c.from.comp, c.dir.out(), func() { c.load(at, wasm.OpI32Load, 2, wasm.I32) })
	})
	return err
}

// changes reports whether a handle's index is another one for the host than for
// a component.
func (g *generator) changes(t *component.ValType, comp graph.ComponentID) bool {
	if !g.translates {
		return false
	}
	// The component that defined the resource gets its representation.
	return t.Kind == component.KindOwn || g.p.Resources[t.Resource.ID].Component != comp
}

// exchange pushes the host's index in the place of a component's, which load
// pushes, or, where it does not go out, the other way round.
func (g *generator) exchange(b *ir.Builder, t *component.ValType, comp graph.ComponentID, out bool, load func()) error {
	r, own := t.Resource, t.Kind == component.KindOwn
	res := &g.p.Resources[r.ID]
	var move graph.FuncID
	var err error
	switch {
	case !out:
		move, err = g.addFunc()
	case own:
		move, err = g.takeFunc()
	default:
		move, err = g.lendFunc()
	}
	if err != nil {
		return err
	}
	b.I32(g.handles(comp))
	load()
	switch {
	case out && own:
		b.I32(tag(r, ownBit))
	case out:
		b.I32(r.ID)
	case own:
		if res.Component != 0 {
			b.Call(g.receiveFunc(r))
		}
		b.I32(tag(r, ownBit))
	case res.Component == 0:
		b.I32(tag(r, lentBit))
	default:
		b.I32(tag(r, 0)) // the host passes the representation
	}
	b.Call(move)
	if out && res.Component != 0 {
		b.Call(g.intrinsic(r, component.CanonResourceNew))
	}
	if !own && !out {
		g.countBorrow(b, comp, wasm.OpI32Add)
	}
	return nil
}

// receiveFunc is (host's index) -> representation: takes an exported resource
// out of the host's table without running its destructor.
func (g *generator) receiveFunc(r *component.Resource) graph.FuncID {
	id, _ := g.helper(helperKey{kind: helperReceive, resource: r.ID}, "receive "+r.Name, i32s[:1], i32s[:1], func(b *ir.Builder) error {
		noDtor := g.kept(&g.boundary.noDtor, "no destructor")
		b.Get(0)
		b.Call(g.intrinsic(r, component.CanonResourceRep))
		b.I32(1)
		b.GlobalSet(noDtor)
		b.Get(0)
		b.Call(g.intrinsic(r, component.CanonResourceDrop))
		b.I32(0)
		b.GlobalSet(noDtor)
		return nil
	})
	return id
}

// hostAddress turns the component's address on the stack into the host's.
func (c *crosser) hostAddress() {
	if c.rebases {
		c.b.Base(memoryOf(c.from))
	}
}

// ownAddress turns the host's address on the stack into the component's.
func (c *crosser) ownAddress() {
	if c.rebases {
		c.b.I32(0)
		c.b.Base(memoryOf(c.from))
		c.b.Op(wasm.OpI32Sub)
	}
}

// pointer loads the pointer and length at a place as the component's.
func (c *crosser) pointer(at place) (ptr, n ir.Local) {
	ptr, n = c.pointerPair(at)
	if c.rebases && !c.dir.out() {
		c.b.Get(ptr)
		c.ownAddress()
		c.b.Set(ptr)
	}
	return ptr, n
}

// putPointer replaces the pointer at a place.
func (c *crosser) putPointer(at place, ptr ir.Local) {
	if !c.rebases {
		return
	}
	c.put(at.field(0, 0, 1), func() {
		c.b.Get(ptr)
		if c.dir.out() {
			c.hostAddress()
		}
	})
}

// text does a string, of which only the pointer is different for the host. To
// the host all windows are one memory, so bounds are checked here.
func (c *crosser) text(at place) {
	ptr, n := c.pointer(at)
	if c.dir.out() {
		c.b.Get(ptr, n)
		switch c.from.opts.Encoding {
		case component.UTF16:
			c.b.I32(1)
			c.b.Op(wasm.OpI32Shl)
		case component.Latin1UTF16:
			// Tagged, it counts units of two bytes.
			c.b.Get(n)
			c.b.I32(31)
			c.b.Op(wasm.OpI32ShrU, wasm.OpI32Shl)
		}
		c.b.Call(c.boundsFunc(memoryOf(c.from)))
	}
	c.putPointer(at, ptr)
	c.b.Free(ptr, n)
}

// list does the elements of a list, and its pointer.
func (c *crosser) list(elem *component.ValType, at place) error {
	ptr, n := c.pointer(at)
	if c.concerns(elem) || c.dir.out() {
		id, err := c.helper(helperKey{kind: helperCrossList, typ: elem, from: c.from, shape: uint8(c.dir)}, "cross list", i32s[:2], nil,
			func(b *ir.Builder) error { return c.in(b).listBody(elem) })
		if err != nil {
			return err
		}
		c.b.Get(ptr, n)
		c.b.Call(id)
	}
	c.putPointer(at, ptr)
	c.b.Free(ptr, n)
	return nil
}

// listBody is the helper (pointer, length).
func (c *crosser) listBody(elem *component.ValType) error {
	const ptr, n = ir.Local(0), ir.Local(1)
	b := c.b
	bytes, wide := b.Local(wasm.I32), b.Local(wasm.I64)
	b.Get(n)
	b.Op(wasm.OpI64ExtendI32U)
	b.I64(uint64(elem.Size()))
	b.Op(wasm.OpI64Mul)
	b.Tee(wide)
	b.I64(maxByteLength)
	b.Op(wasm.OpI64GtU)
	b.TrapIf()
	b.Get(wide)
	b.Op(wasm.OpI32WrapI64)
	b.Set(bytes)
	c.checkAlign(ptr, elem.Align())
	b.Get(ptr, bytes)
	b.Call(c.boundsFunc(memoryOf(c.from)))
	if !c.concerns(elem) {
		return nil
	}
	return c.elements(elem, ptr, func() { b.Get(bytes) })
}

// elements does consecutive elements in memory; bytes pushes their size.
func (c *crosser) elements(elem *component.ValType, first ir.Local, bytes func()) error {
	b := c.b
	at, end := b.Local(wasm.I32), b.Local(wasm.I32)
	b.Get(first)
	b.Tee(at)
	bytes()
	b.Op(wasm.OpI32Add)
	b.Set(end)
	b.Block()
	b.Loop()
	b.Get(at, end)
	b.Op(wasm.OpI32Eq)
	b.BrIf(1)
	if err := c.value(elem, place{mem: true, ptr: at}); err != nil {
		return err
	}
	b.Get(at)
	b.I32(elem.Size())
	b.Op(wasm.OpI32Add)
	b.Set(at)
	b.Br(0)
	b.End()
	b.End()
	b.Free(at, end)
	return nil
}
