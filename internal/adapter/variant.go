package adapter

import (
	"github.com/wbundle/wbundle/internal/component"
	"github.com/wbundle/wbundle/internal/wasm"
)

// variant moves a variant, enum, option or result: the discriminant is
// checked and moved, then the payload of the case at hand. Flat slots that the
// case does not use are zero (lower_flat_variant).
func (f *fuser) variant(t *component.ValType, src, dst place) error {
	cases := t.CaseList()
	kind := component.KindU8
	switch t.DiscSize() {
	case 2:
		kind = component.KindU16
	case 4:
		kind = component.KindU32
	}
	a := accessOf(kind)
	disc := f.b.Local(wasm.I32)
	f.load(src.field(0, 0, 1), a.load, a.align, wasm.I32)
	f.b.Tee(disc)
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
	payload := func(i int) error {
		c := cases[i].Type
		n := c.FlatCount()
		return f.value(c, src.field(t.PayloadOffset(), 1, n), dst.field(t.PayloadOffset(), 1, n))
	}
	defer f.b.Free(disc)
	if len(loaded) <= 2 {
		for _, i := range loaded {
			f.b.Get(disc)
			f.b.I32(uint32(i))
			f.b.Op(wasm.OpI32Eq)
			f.b.If()
			if err := payload(i); err != nil {
				return err
			}
			f.b.End()
		}
		return nil
	}
	// One block per case with a payload, outermost last; the table jumps to
	// the end of the block in front of a case's code.
	f.b.Block()
	for range loaded {
		f.b.Block()
	}
	depths := make([]uint32, len(cases))
	for i := range depths {
		depths[i] = uint32(len(loaded))
	}
	for k, i := range loaded {
		depths[i] = uint32(k)
	}
	f.b.Get(disc)
	f.b.BrTable(depths, uint32(len(loaded)))
	for k, i := range loaded {
		f.b.End()
		if err := payload(i); err != nil {
			return err
		}
		f.b.Br(uint32(len(loaded) - 1 - k))
	}
	f.b.End()
	return nil
}
