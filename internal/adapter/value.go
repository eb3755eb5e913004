package adapter

import (
	"fmt"

	"github.com/wbundle/wbundle/graph"
	"github.com/wbundle/wbundle/internal/component"
	"github.com/wbundle/wbundle/internal/ir"
	"github.com/wbundle/wbundle/internal/wasm"
)

// place is where a value is: in memory at ptr+off, or flat in locals. The
// locals of a variant's payload may have wider (joined) types than the case
// at hand; load and store convert.
type place struct {
	mem   bool
	ptr   ir.Local
	off   uint32
	slots []ir.Local
}

// field is the place of a part: at a byte offset, or in n slots from first on.
func (p place) field(off uint32, first, n int) place {
	if p.mem {
		p.off += off
		return p
	}
	p.slots = p.slots[first : first+n]
	return p
}

// outlineCost is how many scalar moves a composite may cost before it gets a
// function of its own. Without that bound a type that uses another twice, 12
// levels deep, would cost 4096 copies of the innermost.
const outlineCost = 24

// value moves one value.
func (f *fuser) value(t *component.ValType, src, dst place) error {
	switch t.Kind {
	case component.KindBool, component.KindS8, component.KindU8, component.KindS16, component.KindU16,
		component.KindS32, component.KindU32, component.KindS64, component.KindU64,
		component.KindF32, component.KindF64, component.KindChar:
		f.scalar(t, src, dst)
		return nil
	case component.KindString:
		return f.string(src, dst)
	case component.KindList:
		return f.list(t, src, dst)
	case component.KindOwn, component.KindBorrow:
		return f.handle(t, src, dst)
	case component.KindFlags:
		f.flags(t, src, dst)
		return nil
	}
	if f.cost(t) > outlineCost {
		return f.outlined(t, src, dst)
	}
	return f.inline(t, src, dst)
}

// inline moves a composite value in place.
func (f *fuser) inline(t *component.ValType, src, dst place) error {
	switch t.Kind {
	case component.KindRecord, component.KindTuple:
		first := 0
		for i, fl := range t.Fields {
			// FlatCount is capped; a place with slots never reaches the cap.
			n := fl.Type.FlatCount()
			off := t.FieldOffset(i)
			if err := f.value(fl.Type, src.field(off, first, n), dst.field(off, first, n)); err != nil {
				return err
			}
			first += n
		}
		return nil
	case component.KindFixedList:
		return f.fixedList(t, src, dst)
	case component.KindVariant, component.KindEnum, component.KindOption, component.KindResult:
		return f.variant(t, src, dst)
	}
	return fmt.Errorf("values of type %s are not supported yet", t)
}

// cost estimates the scalar moves that a value takes when everything in it is
// inline; composites that cost more than outlineCost count as one call.
func (g *generator) cost(t *component.ValType) int {
	if c, known := g.costs[t]; known {
		return c
	}
	sum := 1
	add := func(c *component.ValType) {
		if c == nil {
			return
		}
		n := g.cost(c)
		if n > outlineCost {
			n = 2
		}
		sum += n
	}
	switch t.Kind {
	case component.KindRecord, component.KindTuple:
		for _, fl := range t.Fields {
			add(fl.Type)
		}
	case component.KindVariant, component.KindOption, component.KindResult:
		for _, c := range t.CaseList() {
			add(c.Type)
		}
	case component.KindFixedList:
		add(t.Elem)
	}
	if g.costs == nil {
		g.costs = map[*component.ValType]int{}
	}
	g.costs[t] = sum
	return sum
}

// outlined moves a composite value by a shared helper. Flat values are passed
// and returned in their own types.
func (f *fuser) outlined(t *component.ValType, src, dst place) error {
	var shape uint8
	var params, results []wasm.ValType
	if src.mem {
		shape |= 1
		params = []wasm.ValType{wasm.I32}
	} else {
		params = t.Flat()
	}
	if dst.mem {
		shape |= 2
		params = append(params[:len(params):len(params)], wasm.I32)
	} else {
		results = t.Flat()
	}
	id, err := f.helper(helperKey{kind: helperValue, typ: t, from: f.from, to: f.to, shape: shape}, "move "+t.Kind.String(), params, results,
		func(b *ir.Builder) error {
			h := &fuser{generator: f.generator, b: b, from: f.from, to: f.to}
			var s, d place
			next := ir.Local(0)
			if src.mem {
				s = place{mem: true, ptr: 0}
				next = 1
			} else {
				for range t.Flat() {
					s.slots = append(s.slots, next)
					next++
				}
			}
			if dst.mem {
				d = place{mem: true, ptr: next}
			} else {
				for _, v := range t.Flat() {
					d.slots = append(d.slots, b.Local(v))
				}
			}
			if err := h.inline(t, s, d); err != nil {
				return err
			}
			b.Get(d.slots...)
			return nil
		})
	if err != nil {
		return err
	}
	if src.mem {
		f.address(src)
	} else {
		for i, v := range t.Flat() {
			f.getSlot(src.slots[i], v)
		}
	}
	if dst.mem {
		f.address(dst)
	}
	f.b.Call(id)
	if !dst.mem {
		for i := len(dst.slots) - 1; i >= 0; i-- {
			f.setSlot(dst.slots[i], t.Flat()[i])
		}
	}
	return nil
}

// address pushes the address of a place in memory.
func (f *fuser) address(p place) {
	f.b.Get(p.ptr)
	if p.off != 0 {
		f.b.I32(p.off)
		f.b.Op(wasm.OpI32Add)
	}
}

// getSlot pushes a slot as a value of type want, undoing the conversion of a
// joined variant payload (CanonicalABI.md, lift_flat_variant).
func (f *fuser) getSlot(l ir.Local, want wasm.ValType) {
	f.b.Get(l)
	switch have := f.b.TypeOf(l); {
	case have == want:
	case have == wasm.I32 && want == wasm.F32:
		f.b.Op(wasm.OpF32ReinterpretI32)
	case have == wasm.I64 && want == wasm.I32:
		f.b.Op(wasm.OpI32WrapI64)
	case have == wasm.I64 && want == wasm.F32:
		f.b.Op(wasm.OpI32WrapI64, wasm.OpF32ReinterpretI32)
	case have == wasm.I64 && want == wasm.F64:
		f.b.Op(wasm.OpF64ReinterpretI64)
	default:
		panic(fmt.Sprintf("adapter: a slot of type %v cannot hold %v", have, want))
	}
}

// setSlot pops a value of type have into a slot (lower_flat_variant).
func (f *fuser) setSlot(l ir.Local, have wasm.ValType) {
	switch want := f.b.TypeOf(l); {
	case have == want:
	case have == wasm.F32 && want == wasm.I32:
		f.b.Op(wasm.OpI32ReinterpretF32)
	case have == wasm.I32 && want == wasm.I64:
		f.b.Op(wasm.OpI64ExtendI32U)
	case have == wasm.F32 && want == wasm.I64:
		f.b.Op(wasm.OpI32ReinterpretF32, wasm.OpI64ExtendI32U)
	case have == wasm.F64 && want == wasm.I64:
		f.b.Op(wasm.OpI64ReinterpretF64)
	default:
		panic(fmt.Sprintf("adapter: a value of type %v does not fit a slot of type %v", have, want))
	}
	f.b.Set(l)
}

// load pushes the scalar of a place, read with op from memory or from a slot
// of type v.
func (f *fuser) load(p place, op wasm.Opcode, align uint32, v wasm.ValType) {
	if p.mem {
		f.b.Get(p.ptr)
		f.b.Mem(op, f.from.opts.Memory, align, p.off)
		return
	}
	f.getSlot(p.slots[0], v)
}

// store puts the scalar that push leaves on the stack to a place.
func (f *fuser) store(p place, op wasm.Opcode, align uint32, v wasm.ValType, push func()) {
	if p.mem {
		f.b.Get(p.ptr)
		push()
		f.b.Mem(op, f.to.opts.Memory, align, p.off)
		return
	}
	push()
	f.setSlot(p.slots[0], v)
}

// memoryOf is short for an end's memory.
func memoryOf(e end) graph.MemoryID { return e.opts.Memory }
