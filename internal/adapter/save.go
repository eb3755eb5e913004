package adapter

import (
	"github.com/wbundle/wbundle/graph"
	"github.com/wbundle/wbundle/internal/ir"
	"github.com/wbundle/wbundle/internal/wasm"
)

// A component's memory that the host is about to read is changed in three
// steps, on a stack of pairs in the handle memory:
//
//	save     (address, new word)   while the value is walked, nothing written
//	swap     exchanges each pair's word with the one in memory
//	restore  puts the old words back, last first
//
// So a list that is passed twice is read twice before it is changed, and a
// word that was changed twice gets its first content back. The window of the
// handle memory holds about a million pairs; a value with more words to change
// is a trap.
const saveSize = 8

// saveMark pushes the pointer of the stack.
func (g *generator) saveMark(b *ir.Builder) {
	b.I32(saves)
	b.Mem(wasm.OpI32Load, g.table().mem, 2, offLendTop)
}

// saveFunc is (address, word).
func (g *generator) saveFunc() graph.FuncID {
	reserve, _ := g.reserveFunc()
	m := g.table().mem
	id, _ := g.helper(helperKey{kind: helperSave}, "save", i32s[:2], nil, func(b *ir.Builder) error {
		const addr, word = ir.Local(0), ir.Local(1)
		stack, top, pair := b.Local(wasm.I32), b.Local(wasm.I32), b.Local(wasm.I32)
		b.I32(saves)
		b.Set(stack)
		g.saveMark(b)
		b.Tee(top)
		b.Get(stack)
		b.Mem(wasm.OpI32Load, m, 2, offLendCap)
		b.Op(wasm.OpI32Eq)
		b.If()
		g.enlarge(b, stack, reserve, 64, 1)
		b.End()
		b.Get(stack)
		b.Mem(wasm.OpI32Load, m, 2, offBase)
		b.Get(top)
		b.Op(wasm.OpI32Add)
		b.Tee(pair)
		b.Get(addr)
		b.Mem(wasm.OpI32Store, m, 2, 0)
		b.Get(pair, word)
		b.Mem(wasm.OpI32Store, m, 2, 4)
		b.Get(stack, top)
		b.I32(saveSize)
		b.Op(wasm.OpI32Add)
		b.Mem(wasm.OpI32Store, m, 2, offLendTop)
		return nil
	})
	return id
}

// pairAt pushes the address of the pair at an offset that off pushes.
func (g *generator) pairAt(b *ir.Builder, off func()) {
	b.I32(saves)
	b.Mem(wasm.OpI32Load, g.table().mem, 2, offBase)
	off()
	b.Op(wasm.OpI32Add)
}

// swap exchanges the words of the pairs from mark on with those in memory.
func (c *crosser) swap(mark ir.Local) {
	m, mem := c.table().mem, memoryOf(c.from)
	id, _ := c.helper(helperKey{kind: helperSwap, from: end{opts: graph.Options{Memory: mem}}}, "swap", i32s[:1], nil, func(b *ir.Builder) error {
		pair, last, old := b.Local(wasm.I32), b.Local(wasm.I32), b.Local(wasm.I32)
		c.pairAt(b, func() { b.Get(0) })
		b.Set(pair)
		c.pairAt(b, func() { c.saveMark(b) })
		b.Set(last)
		b.Block()
		b.Loop()
		b.Get(pair, last)
		b.Op(wasm.OpI32Eq)
		b.BrIf(1)
		b.Get(pair)
		b.Mem(wasm.OpI32Load, m, 2, 0)
		b.Mem(wasm.OpI32Load, mem, 2, 0)
		b.Set(old)
		b.Get(pair)
		b.Mem(wasm.OpI32Load, m, 2, 0)
		b.Get(pair)
		b.Mem(wasm.OpI32Load, m, 2, 4)
		b.Mem(wasm.OpI32Store, mem, 2, 0)
		b.Get(pair, old)
		b.Mem(wasm.OpI32Store, m, 2, 4)
		b.Get(pair)
		b.I32(saveSize)
		b.Op(wasm.OpI32Add)
		b.Set(pair)
		b.Br(0)
		b.End()
		b.End()
		return nil
	})
	c.b.Get(mark)
	c.b.Call(id)
}

// restore puts the old words back. push pushes the mark and the place that the
// host has written a result to, address and size: what is there stays.
func (c *crosser) restore(push func()) {
	m, mem := c.table().mem, memoryOf(c.from)
	id, _ := c.helper(helperKey{kind: helperRestore, from: end{opts: graph.Options{Memory: mem}}}, "restore", i32s[:3], nil, func(b *ir.Builder) error {
		const mark, result, size = ir.Local(0), ir.Local(1), ir.Local(2)
		pair, first, addr := b.Local(wasm.I32), b.Local(wasm.I32), b.Local(wasm.I32)
		c.pairAt(b, func() { b.Get(mark) })
		b.Set(first)
		c.pairAt(b, func() { c.saveMark(b) })
		b.Set(pair)
		b.Block()
		b.Loop()
		b.Get(pair, first)
		b.Op(wasm.OpI32Eq)
		b.BrIf(1)
		b.Get(pair)
		b.I32(saveSize)
		b.Op(wasm.OpI32Sub)
		b.Tee(pair)
		b.Mem(wasm.OpI32Load, m, 2, 0)
		b.Tee(addr)
		// Any byte of the word: result-3 <= addr < result+size.
		b.Get(result)
		b.Op(wasm.OpI32Sub)
		b.I32(3)
		b.Op(wasm.OpI32Add)
		b.Get(size)
		b.I32(3)
		b.Op(wasm.OpI32Add, wasm.OpI32LtU)
		b.Get(size)
		b.Op(wasm.OpI32Eqz, wasm.OpI32Eqz, wasm.OpI32And)
		b.BrIf(0)
		b.Get(addr, pair)
		b.Mem(wasm.OpI32Load, m, 2, 4)
		b.Mem(wasm.OpI32Store, mem, 2, 0)
		b.Br(0)
		b.End()
		b.End()
		b.I32(saves)
		b.Get(mark)
		b.Mem(wasm.OpI32Store, m, 2, offLendTop)
		return nil
	})
	push()
	c.b.Call(id)
}
