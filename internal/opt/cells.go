package opt

import (
	"encoding/binary"
	"errors"
	"slices"

	"github.com/wbundle/wbundle/internal/ir"
	"github.com/wbundle/wbundle/internal/wasm"
)

// cells turns a memory of which only fixed places are used into globals, one for
// each place. Then the memory and all its data are gone: a component of which
// little is used often has nothing left in memory but the flag that says whether
// its constructors have run.
//
// In: a memory that is defined here, not exported and not shared, whose every
// access is a load or store at a constant address inside its minimal size, no
// two of them overlapping other than exactly. Out: no access to it.
//
//	(data (i32.const 0) "\05")              (global $cell (mut i32) (i32.const 5))
//	i32.const 0                             global.get $cell
//	i32.load8_u offset=0
//
// It is safe because nobody else sees the memory: no other instruction names it,
// and the host cannot. Its size stays what it is (nothing grows it), so that no
// access can trap; its data is in bounds, so that instantiation could not trap
// either.
func (s *state) cells() error {
	first := int(s.m.NumImported[wasm.SpaceMemory])
	if len(s.m.Memories) == 0 {
		return nil
	}
	sets := make([]*cellSet, len(s.m.Memories))
	left := 0
	for i := range sets {
		if s.cellsPossible(uint32(first + i)) {
			sets[i] = &cellSet{limit: s.m.Memories[i].Min << 16}
			left++
		}
	}
	drop := func(memory uint32) {
		if i := int(memory) - first; i >= 0 && sets[i] != nil {
			sets[i] = nil
			left--
		}
	}
	a := arenas.Get().(*ir.Arena)
	defer arenas.Put(a)
	for i := range s.m.Code {
		if left == 0 {
			return nil
		}
		a.Reset()
		f, err := ir.Decode(s.c, a, s.imported()+uint32(i))
		if errors.Is(err, ir.ErrNoTree) {
			if err := s.namedMemories(i, drop); err != nil {
				return err
			}
			continue
		}
		if err != nil {
			return err
		}
		findCells(f.Body, func(memory uint32, n *ir.Node) {
			i := int(memory) - first
			if i < 0 || sets[i] == nil {
				return
			}
			if n == nil || !sets[i].add(n) {
				drop(memory)
			}
		})
	}
	any := false
	for i, set := range sets {
		if set == nil {
			continue
		}
		if !s.makeCells(uint32(first+i), set) {
			sets[i] = nil
			continue
		}
		any = any || len(set.cells) > 0
	}
	if !any {
		return nil
	}
	s.c = ir.NewContext(s.m)
	return s.eachFunc(nil, func(i int, f *ir.Func) bool {
		changed := false
		replaceCells(f, f.Body, func(memory uint32) *cellSet {
			if int(memory) < first {
				return nil
			}
			return sets[int(memory)-first]
		}, &changed)
		if changed {
			f.Finalize()
			s.touched[i] = true
		}
		return changed
	})
}

// maxCells is how many globals a memory may become.
const maxCells = 32

// cell is a place in memory.
type cell struct {
	addr   uint64
	size   uint32
	typ    wasm.ValType
	global uint32
	init   uint64
}

// cellSet are the places of one memory.
type cellSet struct {
	limit uint64 // bytes that are there from the start
	cells []cell // in order of addresses
}

// add takes an access and reports whether the memory can still become globals.
func (c *cellSet) add(n *ir.Node) bool {
	addr, ok := constAddress(n)
	acc := n.Op.Access()
	typ := cellType(n)
	if !ok || typ.Kind == ir.KindNone || addr+uint64(acc.Bytes) > c.limit {
		return false
	}
	i, found := slices.BinarySearchFunc(c.cells, addr, func(c cell, addr uint64) int {
		switch {
		case c.addr < addr:
			return -1
		case c.addr > addr:
			return 1
		}
		return 0
	})
	if found {
		return c.cells[i].size == acc.Bytes && c.cells[i].typ == typ
	}
	if i > 0 && c.cells[i-1].addr+uint64(c.cells[i-1].size) > addr ||
		i < len(c.cells) && addr+uint64(acc.Bytes) > c.cells[i].addr || len(c.cells) == maxCells {
		return false
	}
	c.cells = slices.Insert(c.cells, i, cell{addr: addr, size: acc.Bytes, typ: typ})
	return true
}

// find is the cell of an access that add has taken.
func (c *cellSet) find(addr uint64) *cell {
	for i := range c.cells {
		if c.cells[i].addr == addr {
			return &c.cells[i]
		}
	}
	panic("opt: an access that was not there before")
}

// constAddress is the effective address of an access, when it is known.
func constAddress(n *ir.Node) (uint64, bool) {
	if a := n.Kids[0]; a.Op == wasm.OpI32Const {
		return a.Imm + n.Imm, true
	}
	return 0, false
}

// cellType is the type of the global that stands for what an access touches;
// none for accesses that have no counterpart.
func cellType(n *ir.Node) wasm.ValType {
	switch n.Op {
	case wasm.OpI32Load, wasm.OpI32Load8S, wasm.OpI32Load8U, wasm.OpI32Load16S, wasm.OpI32Load16U,
		wasm.OpI32Store, wasm.OpI32Store8, wasm.OpI32Store16:
		return wasm.I32
	case wasm.OpI64Load, wasm.OpI64Store:
		return wasm.I64
	}
	return ir.None
}

// cellsPossible reports whether a memory's declarations and data allow it.
func (s *state) cellsPossible(memory uint32) bool {
	t := &s.c.Memories[memory]
	if t.Is64 || t.Shared || t.HasPageSize {
		return false
	}
	for _, e := range s.m.Exports {
		if e.Kind == wasm.ExternMemory && e.Index == memory {
			return false
		}
	}
	for i := range s.m.Datas {
		d := &s.m.Datas[i]
		if d.Mode != wasm.SegmentActive || d.Memory != memory {
			continue
		}
		if off, ok := d.OffsetI32(); !ok || uint64(off)+uint64(len(d.Init)) > t.Min<<16 {
			return false
		}
	}
	return true
}

// namedMemories calls f with every memory that a function without a tree names.
func (s *state) namedMemories(i int, f func(memory uint32)) error {
	if err := s.scan(); err != nil {
		return err
	}
	for _, site := range s.m.Code[i].Sites {
		switch site.Kind {
		case wasm.SiteMemArg, wasm.SiteMemory:
			f(site.Target)
		}
	}
	return nil
}

// findCells calls f with each access and its memory, and without a node for
// everything else that names a memory.
func findCells(n *ir.Node, f func(memory uint32, n *ir.Node)) {
	switch n.Op {
	case wasm.OpMemorySize, wasm.OpMemoryGrow, wasm.OpMemoryFill:
		f(uint32(n.Imm), nil)
	case wasm.OpMemoryCopy:
		f(uint32(n.Imm), nil)
		f(uint32(n.Aux), nil)
	case wasm.OpMemoryInit:
		f(uint32(n.Aux), nil)
	default:
		if info := n.Op.Info(); info != nil && info.Imms[0] == wasm.ImmMemArg {
			_, memory, _ := n.MemArg()
			if cellType(n).Kind == ir.KindNone {
				f(memory, nil)
			} else {
				f(memory, n)
			}
		}
	}
	for _, k := range n.Kids {
		findCells(k, f)
	}
}

// makeCells adds the globals, with what the data segments put there.
func (s *state) makeCells(memory uint32, set *cellSet) bool {
	for i := range set.cells {
		c := &set.cells[i]
		var b [8]byte
		for k := range s.m.Datas {
			d := &s.m.Datas[k]
			if d.Mode != wasm.SegmentActive || d.Memory != memory {
				continue
			}
			at, _ := d.OffsetI32()
			off := uint64(at)
			for j := range uint64(c.size) {
				if at := c.addr + j; at >= off && at < off+uint64(len(d.Init)) {
					b[j] = d.Init[at-off]
				}
			}
		}
		c.init = binary.LittleEndian.Uint64(b[:])
	}
	for i := range set.cells {
		c := &set.cells[i]
		c.global = uint32(len(s.c.Globals) + i)
		var init []byte
		if c.typ == wasm.I32 {
			init = wasm.AppendS32([]byte{byte(wasm.OpI32Const)}, int32(uint32(c.init)))
		} else {
			init = wasm.AppendS64([]byte{byte(wasm.OpI64Const)}, int64(c.init))
		}
		s.m.Globals = append(s.m.Globals, wasm.Global{
			GlobalType: wasm.GlobalType{Type: c.typ, Mutable: true},
			Init:       wasm.Expr{Bytes: append(init, byte(wasm.OpEnd))},
		})
	}
	s.c = ir.NewContext(s.m) // the next memory's globals come after these
	return true
}

// replaceCells turns accesses into uses of globals. A cell of one or two bytes
// holds them zero-extended.
func replaceCells(f *ir.Func, n *ir.Node, setOf func(memory uint32) *cellSet, changed *bool) {
	for _, k := range n.Kids {
		replaceCells(f, k, setOf, changed)
	}
	if info := n.Op.Info(); info == nil || info.Imms[0] != wasm.ImmMemArg {
		return
	}
	_, memory, _ := n.MemArg()
	set := setOf(memory)
	if set == nil {
		return
	}
	addr, _ := constAddress(n)
	c := set.find(addr)
	*changed = true
	get := func() *ir.Node {
		g := f.Node(wasm.OpGlobalGet, c.typ)
		g.Imm = uint64(c.global)
		return g
	}
	switch n.Op {
	case wasm.OpI32Load8S:
		*n = *f.Node(wasm.OpI32Extend8S, wasm.I32, get())
	case wasm.OpI32Load16S:
		*n = *f.Node(wasm.OpI32Extend16S, wasm.I32, get())
	case wasm.OpI32Store, wasm.OpI64Store, wasm.OpI32Store8, wasm.OpI32Store16:
		v := n.Kids[1]
		switch n.Op {
		case wasm.OpI32Store8:
			v = f.Node(wasm.OpI32And, wasm.I32, v, f.I32(0xff))
		case wasm.OpI32Store16:
			v = f.Node(wasm.OpI32And, wasm.I32, v, f.I32(0xffff))
		}
		*n = *f.Node(wasm.OpGlobalSet, ir.None, v)
		n.Imm = uint64(c.global)
	default:
		*n = *get()
	}
}
