package adapter

import (
	"github.com/wbundle/wbundle/internal/component"
	"github.com/wbundle/wbundle/internal/ir"
	"github.com/wbundle/wbundle/internal/wasm"
)

// variant moves a variant, enum, option or result: the discriminant is
// checked and moved, then the payload of the case at hand. Flat slots that the
// case does not use are zero (lower_flat_variant).
func (f *fuser) variant(t *component.ValType, src, dst place) error {
	cases := t.CaseList()
	disc, a := f.discriminant(t, src)
	f.b.Get(disc)
	f.b.I32(uint32(len(cases)))
	f.b.Op(wasm.OpI32GeU)
	f.b.TrapIf()
	f.store(dst.field(0, 0, 1), a.store, a.align, wasm.I32, func() { f.b.Get(disc) })

	if !dst.mem {
		for _, l := range dst.slots[1:] {
			f.b.Zero(f.b.TypeOf(l))
			f.b.Set(l)
		}
	}
	var loaded []int
	for i, c := range cases {
		if c.Type != nil {
			loaded = append(loaded, i)
		}
	}
	defer f.b.Free(disc)
	return f.branch(disc, len(cases), loaded, func(i int) error {
		c := cases[i].Type
		n := c.FlatCount()
		return f.value(c, src.field(t.PayloadOffset(), 1, n), dst.field(t.PayloadOffset(), 1, n))
	})
}

// discriminant loads the discriminant of a variant, and tells how it lies in memory.
func (f *fuser) discriminant(t *component.ValType, at place) (ir.Local, access) {
	kind := component.KindU8
	switch t.DiscSize() {
	case 2:
		kind = component.KindU16
	case 4:
		kind = component.KindU32
	}
	a := accessOf(kind)
	disc := f.b.Local(wasm.I32)
	f.load(at.field(0, 0, 1), a.load, a.align, wasm.I32)
	f.b.Set(disc)
	return disc, a
}

// branch runs the code of the case at hand, one of n; cases that are not
// listed have none.
func (f *fuser) branch(disc ir.Local, n int, listed []int, code func(i int) error) error {
	if len(listed) <= 2 {
		for _, i := range listed {
			f.b.Get(disc)
			f.b.I32(uint32(i))
			f.b.Op(wasm.OpI32Eq)
			f.b.If()
			if err := code(i); err != nil {
				return err
			}
			f.b.End()
		}
		return nil
	}
	// One block per listed case, outermost last; the table jumps to the end of
	// the block in front of a case's code.
	f.b.Block()
	for range listed {
		f.b.Block()
	}
	depths := make([]uint32, n)
	for i := range depths {
		depths[i] = uint32(len(listed))
	}
	for k, i := range listed {
		depths[i] = uint32(k)
	}
	f.b.Get(disc)
	f.b.BrTable(depths, uint32(len(listed)))
	for k, i := range listed {
		f.b.End()
		if err := code(i); err != nil {
			return err
		}
		f.b.Br(uint32(len(listed) - 1 - k))
	}
	f.b.End()
	return nil
}
