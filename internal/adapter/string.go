package adapter

import (
	"github.com/wbundle/wbundle/internal/ir"
	"github.com/wbundle/wbundle/internal/wasm"

	"github.com/wbundle/wbundle/graph"
)

// string moves a string by a shared helper.
func (f *fuser) string(src, dst place) error {
	id, err := f.helper(helperKey{kind: helperString, from: f.from, to: f.to}, "move string",
		[]wasm.ValType{wasm.I32, wasm.I32}, []wasm.ValType{wasm.I32}, func(b *ir.Builder) error {
			return (&fuser{generator: f.generator, b: b, from: f.from, to: f.to}).utf8Body()
		})
	if err != nil {
		return err
	}
	ptr, n := f.pointerPair(src)
	f.b.Get(ptr, n)
	f.b.Call(id)
	f.b.Set(ptr)
	f.storePair(dst, ptr, n)
	f.b.Free(ptr, n)
	return nil
}

// utf8Body is the helper (source pointer, length) -> destination pointer for
// two utf8 ends: bounds, validation (a bad encoding traps, nothing is
// repaired), one realloc of the exact size, one copy.
func (f *fuser) utf8Body() error {
	const src, n = ir.Local(0), ir.Local(1)
	b := f.b
	b.Get(n)
	b.I32(maxByteLength)
	b.Op(wasm.OpI32GtU)
	b.TrapIf()
	b.Get(src, n)
	b.Call(f.boundsFunc(memoryOf(f.from)))
	b.Get(src, n)
	b.Call(f.validateFunc(memoryOf(f.from)))
	dst := b.Local(wasm.I32)
	f.alloc(f.to, 1, func() { b.Get(n) })
	b.Set(dst)
	b.Get(dst, n)
	b.Call(f.boundsFunc(memoryOf(f.to)))
	b.Get(dst)
	b.Base(memoryOf(f.to))
	b.Get(src)
	b.Base(memoryOf(f.from))
	b.Get(n)
	b.RawCopy(memoryOf(f.to), memoryOf(f.from))
	b.Get(dst)
	return nil
}

// validateFunc returns the helper (ptr, length) that traps unless the bytes
// are well-formed UTF-8 (Unicode 15, table 3-7). Eight ASCII bytes are skipped
// at a time; the caller has checked the bounds.
func (g *generator) validateFunc(m graph.MemoryID) graph.FuncID {
	id, _ := g.helper(helperKey{kind: helperValidate, from: end{opts: graph.Options{Memory: m}}}, "validate utf8",
		[]wasm.ValType{wasm.I32, wasm.I32}, nil, func(b *ir.Builder) error {
			const i, last = ir.Local(0), ir.Local(1) // last: end of the string
			c, cp := b.Local(wasm.I32), b.Local(wasm.I32)
			load := func(off uint32) {
				b.Get(i)
				b.Mem(wasm.OpI32Load8U, m, 0, off)
			}
			advance := func(k uint32) {
				b.Get(i)
				b.I32(k)
				b.Op(wasm.OpI32Add)
				b.Set(i)
			}
			// tail reads continuation byte off, traps unless it is one, and
			// appends its six bits to cp.
			tail := func(off uint32) {
				load(off)
				b.Tee(c)
				b.I32(0xc0)
				b.Op(wasm.OpI32And)
				b.I32(0x80)
				b.Op(wasm.OpI32Ne)
				b.TrapIf()
				b.Get(cp)
				b.I32(6)
				b.Op(wasm.OpI32Shl)
				b.Get(c)
				b.I32(0x3f)
				b.Op(wasm.OpI32And, wasm.OpI32Or)
				b.Set(cp)
			}
			// sequence handles a lead byte of a k byte sequence.
			sequence := func(k, mask uint32) {
				b.Get(last, i)
				b.Op(wasm.OpI32Sub)
				b.I32(k)
				b.Op(wasm.OpI32LtU)
				b.TrapIf()
				b.Get(c)
				b.I32(mask)
				b.Op(wasm.OpI32And)
				b.Set(cp)
				for off := uint32(1); off < k; off++ {
					tail(off)
				}
				advance(k)
			}
			b.Get(i, last)
			b.Op(wasm.OpI32Add)
			b.Set(last)
			b.Block()
			b.Loop()
			{
				b.Block()
				b.Loop() // eight ASCII bytes a turn
				b.Get(last, i)
				b.Op(wasm.OpI32Sub)
				b.I32(8)
				b.Op(wasm.OpI32LtU)
				b.BrIf(1)
				b.Get(i)
				b.Mem(wasm.OpI64Load, m, 0, 0)
				b.I64(0x8080808080808080)
				b.Op(wasm.OpI64And, wasm.OpI64Eqz, wasm.OpI32Eqz)
				b.BrIf(1)
				advance(8)
				b.Br(0)
				b.End()
				b.End()

				b.Get(i, last)
				b.Op(wasm.OpI32Eq)
				b.BrIf(1)
				load(0)
				b.Tee(c)
				b.I32(0x80)
				b.Op(wasm.OpI32LtU)
				b.If()
				advance(1)
				b.Br(1)
				b.End()
				b.Get(c)
				b.I32(0xc2)
				b.Op(wasm.OpI32LtU)
				b.TrapIf()
				b.Get(c)
				b.I32(0xe0)
				b.Op(wasm.OpI32LtU)
				b.If()
				sequence(2, 0x1f)
				b.Br(1)
				b.End()
				b.Get(c)
				b.I32(0xf0)
				b.Op(wasm.OpI32LtU)
				b.If()
				sequence(3, 0x0f)
				b.Get(cp)
				b.I32(0x800)
				b.Op(wasm.OpI32LtU)
				b.Get(cp)
				b.I32(0xf800)
				b.Op(wasm.OpI32And)
				b.I32(0xd800)
				b.Op(wasm.OpI32Eq, wasm.OpI32Or)
				b.TrapIf()
				b.Br(1)
				b.End()
				b.Get(c)
				b.I32(0xf5)
				b.Op(wasm.OpI32GeU)
				b.TrapIf()
				sequence(4, 0x07)
				b.Get(cp)
				b.I32(0x10000)
				b.Op(wasm.OpI32Sub)
				b.I32(0x100000)
				b.Op(wasm.OpI32GeU)
				b.TrapIf()
				b.Br(0)
			}
			b.End()
			b.End()
			return nil
		})
	return id
}
