package gen

import (
	"fmt"

	"github.com/wbundle/wbundle/internal/component"
	"github.com/wbundle/wbundle/internal/wasm"
)

// Allocator is how the realloc of a guest behaves.
type Allocator struct {
	// Move gives a block that shrinks another address, too.
	Move bool
	// Sparse aligns blocks no more than was asked for.
	Sparse bool
}

// The memory of a guest. What a test needs to see of it is between MemoryLow
// and the end of the log, and from MemoryHeap to the end of the heap.
const (
	reportAt   = 0x10 // the result of report
	MemoryLow  = 0x40
	RetAt      = MemoryLow // where results are stored
	RetSize    = 0x7c0
	flatAt     = 0x1000 // staged core values
	beforeAt   = 0x1400 // staged operations: number of words, 4 bytes free, words
	afterAt    = 0x1800
	ImageAt    = 0x2000 // the staged image
	ImageSize  = 0x3000
	MemoryLog  = ImageAt + ImageSize
	logEnd     = 0x18000
	MemoryHeap = logEnd
	minPages   = 2
	maxPages   = 40
)

// What the guest fills memory with: fresh blocks, blocks given back, and the
// place of results before each call.
const (
	freshByte = 0xcc
	freedByte = 0xdd
)

// The entries of the log: a word with the kind in the high half and the number
// of words that follow in the low one.
const (
	LogRealloc = 1 + iota // old address, old size, alignment, new size, result
	LogPost               // core values that post-return was given
	LogParams             // core values that the function was given
	LogResult             // core values that the call returned
	LogDtor               // representation
	LogOp                 // operation, result
)

// What Fault makes of the block that a call of realloc returns.
const (
	FaultMisaligned = iota // by one byte, where that is possible
	FaultFar               // almost at 4 GiB
	FaultTrap
	FaultPast // reaches past the end of memory by its alignment
	FaultEnd  // ends with memory, or close
	faults
)

// Operations on resources that guests carry out before and after the call, by
// owner: 3*owner + one of these.
const (
	OpMake = iota // a new resource with the representation given, as a handle
	OpDrop        // of the handle given
	OpRep         // its representation
)

// The functions and globals of the base module.
const (
	basePush = iota
	baseRealloc
	baseDtor
	baseStage
	baseReport
	basePoke
)

// PokeWords is how many words of 64 bits poke stores: with the address as many
// parameters as are passed without memory.
const PokeWords = component.MaxFlatParams - 1

const (
	heapTop = iota
	logTop
	fault
	count // of calls of realloc
)

func (c *code) fill() { c.op(wasm.OpMemoryFill); *c = append(*c, 0) }
func (c *code) copy() { c.op(wasm.OpMemoryCopy); *c = append(*c, 0, 0) }

func (c *code) global(g uint32)    { c.with(wasm.OpGlobalGet, g) }
func (c *code) setGlobal(g uint32) { c.with(wasm.OpGlobalSet, g) }

func (c *code) end() { c.op(wasm.OpEnd) }

// memorySize leaves the size in bytes.
func (c *code) memorySize() {
	c.with(wasm.OpMemorySize, 0)
	c.i32(16)
	c.op(wasm.OpI32Shl)
}

// entry begins an entry of the log.
func (c *code) entry(push, kind uint32, words int) {
	c.i32(kind<<16 | uint32(words))
	c.call(push)
}

// pushLocals appends locals of the given types to the log.
func (c *code) pushLocals(push, kind uint32, first uint32, types []wasm.ValType) {
	words := 0
	for _, t := range types {
		words += wordsOf(t)
	}
	c.entry(push, kind, words)
	for i, t := range types {
		for w := range wordsOf(t) {
			c.get(first + uint32(i))
			switch t {
			case wasm.F32:
				c.op(wasm.OpI32ReinterpretF32)
			case wasm.F64:
				c.op(wasm.OpI64ReinterpretF64)
			}
			if t == wasm.I64 || t == wasm.F64 {
				c.op(wasm.OpI64Const)
				*c = wasm.AppendS64(*c, int64(32*w))
				c.op(wasm.OpI64ShrU, wasm.OpI32WrapI64)
			}
			c.call(push)
		}
	}
}

// wordsOf is how long a value of type t is in the log.
func wordsOf(t wasm.ValType) int {
	if t == wasm.I64 || t == wasm.F64 {
		return 2
	}
	return 1
}

// funcOf is a function type.
func funcOf(params, results []wasm.ValType) wasm.SubType {
	return wasm.SubType{Kind: wasm.CompFunc, Final: true, Short: true, Params: params, Results: results}
}

// base is the module that has the memory of a guest, its allocator and log. It
// imports nothing, so that lifts and lowers can use it.
func (a Allocator) base() *wasm.Module {
	mutable := func(v uint32) wasm.Global {
		return wasm.Global{GlobalType: wasm.GlobalType{Type: wasm.I32, Mutable: true}, Init: constant(v)}
	}
	return &wasm.Module{
		Types:    []wasm.SubType{funcType(1, 0), funcType(4, 1), funcOf(pokeParams(), nil), funcType(0, 1)},
		Memories: []wasm.MemType{{Limits: wasm.Limits{Min: minPages, Max: maxPages, HasMax: true}}},
		Globals:  []wasm.Global{heapTop: mutable(MemoryHeap), logTop: mutable(MemoryLog), fault: mutable(0), count: mutable(0)},
		Funcs:    []uint32{basePush: 0, baseRealloc: 1, baseDtor: 0, baseStage: 0, baseReport: 3, basePoke: 2},
		Code: []wasm.Body{
			basePush: pushBody(), baseRealloc: a.realloc(), baseDtor: dtorBody(), baseStage: stageBody(), baseReport: reportBody(), basePoke: pokeBody(),
		},
		Exports: []wasm.Export{
			{Name: "memory", Kind: wasm.ExternMemory},
			{Name: "push", Kind: wasm.ExternFunc, Index: basePush},
			{Name: "realloc", Kind: wasm.ExternFunc, Index: baseRealloc},
			{Name: "dtor", Kind: wasm.ExternFunc, Index: baseDtor},
			{Name: "stage", Kind: wasm.ExternFunc, Index: baseStage},
			{Name: "report", Kind: wasm.ExternFunc, Index: baseReport},
			{Name: "poke", Kind: wasm.ExternFunc, Index: basePoke},
		},
	}
}

func pokeParams() []wasm.ValType {
	types := []wasm.ValType{wasm.I32}
	for range PokeWords {
		types = append(types, wasm.I64)
	}
	return types
}

// pushBody appends a word to the log, which traps when it is full.
func pushBody() wasm.Body {
	var c code
	c.global(logTop)
	c.i32(logEnd)
	c.op(wasm.OpI32GeU)
	c.block(wasm.OpIf)
	c.op(wasm.OpUnreachable)
	c.end()
	c.global(logTop)
	c.get(0)
	c.mem(wasm.OpI32Store, 0)
	c.global(logTop)
	c.i32(4)
	c.op(wasm.OpI32Add)
	c.setGlobal(logTop)
	return c.body(0)
}

func dtorBody() wasm.Body {
	var c code
	c.pushLocals(basePush, LogDtor, 0, []wasm.ValType{wasm.I32})
	return c.body(0)
}

// realloc allocates from the end of the heap. Blocks that grow move. What a
// block does not keep is overwritten, so that who reads or writes memory that
// was given back is found out.
func (a Allocator) realloc() wasm.Body {
	const old, oldSize, align, size, p = 0, 1, 2, 3, 4
	var c code
	c.entry(basePush, LogRealloc, 5)
	for _, l := range []uint32{old, oldSize, align, size} {
		c.get(l)
		c.call(basePush)
	}
	c.global(count)
	c.i32(1)
	c.op(wasm.OpI32Add)
	c.setGlobal(count)

	// A block that shrinks stays where it is.
	c.get(old)
	c.op(wasm.OpI32Eqz)
	c.get(size, oldSize)
	c.op(wasm.OpI32GtU, wasm.OpI32Or)
	if a.Move {
		c.i32(1)
		c.op(wasm.OpI32Or)
	}
	c.block(wasm.OpIf)
	c.global(heapTop)
	c.get(align)
	c.op(wasm.OpI32Add)
	c.i32(1)
	c.op(wasm.OpI32Sub)
	c.i32(0)
	c.get(align)
	c.op(wasm.OpI32Sub, wasm.OpI32And)
	c.set(p)
	if a.Sparse {
		c.get(p, align)
		c.op(wasm.OpI32And, wasm.OpI32Eqz)
		c.block(wasm.OpIf)
		c.get(p, align)
		c.op(wasm.OpI32Add)
		c.set(p)
		c.end()
	}
	c.get(p, size)
	c.op(wasm.OpI32Add)
	c.setGlobal(heapTop)
	c.global(heapTop)
	c.memorySize()
	c.op(wasm.OpI32GtU)
	c.block(wasm.OpIf)
	c.get(size)
	c.i32(16)
	c.op(wasm.OpI32ShrU)
	c.i32(1)
	c.op(wasm.OpI32Add)
	c.with(wasm.OpMemoryGrow, 0)
	c.i32(0xffffffff)
	c.op(wasm.OpI32Eq)
	c.block(wasm.OpIf)
	c.op(wasm.OpUnreachable)
	c.end()
	c.end()
	c.get(p)
	c.i32(freshByte)
	c.get(size)
	c.fill()
	c.get(p, old, size, oldSize, size, oldSize)
	c.op(wasm.OpI32LtU, wasm.OpSelect)
	c.copy()
	c.get(old)
	c.i32(freedByte)
	c.get(oldSize)
	c.fill()
	c.op(wasm.OpElse)
	c.get(old)
	c.set(p)
	c.get(old, size)
	c.op(wasm.OpI32Add)
	c.i32(freedByte)
	c.get(oldSize, size)
	c.op(wasm.OpI32Sub)
	c.fill()
	c.end()

	c.global(fault)
	c.i32(0xffff)
	c.op(wasm.OpI32And)
	c.global(count)
	c.op(wasm.OpI32Eq)
	c.block(wasm.OpIf)
	for kind := range uint32(faults) {
		c.global(fault)
		c.i32(16)
		c.op(wasm.OpI32ShrU)
		c.i32(kind)
		c.op(wasm.OpI32Eq)
		c.block(wasm.OpIf)
		switch kind {
		case FaultMisaligned:
			c.get(p, align)
			c.i32(1)
			c.op(wasm.OpI32GtU, wasm.OpI32Add)
		case FaultFar:
			c.i32(0xfffffff0)
		case FaultTrap:
			c.op(wasm.OpUnreachable)
		case FaultPast, FaultEnd:
			c.memorySize()
			c.get(size)
			c.op(wasm.OpI32Sub)
			c.i32(0)
			c.get(align)
			c.op(wasm.OpI32Sub, wasm.OpI32And)
			if kind == FaultPast {
				c.get(align)
				c.op(wasm.OpI32Add)
			} else {
				// A block that was there before has its content elsewhere.
				c.get(p, old)
				c.op(wasm.OpI32Eqz, wasm.OpSelect)
			}
		}
		c.set(p)
		c.end()
	}
	c.end()
	c.get(p)
	c.call(basePush)
	c.get(p)
	return c.body(1)
}

// stageBody empties the heap, the log and what is staged. The parameter is the
// next fault.
func stageBody() wasm.Body {
	var c code
	c.i32(MemoryLow)
	c.i32(freshByte)
	c.i32(ImageAt - MemoryLow)
	c.fill()
	c.i32(MemoryHeap)
	c.i32(freedByte)
	c.global(heapTop)
	c.i32(MemoryHeap)
	c.op(wasm.OpI32Sub)
	c.fill()
	for _, at := range [2]uint32{beforeAt, afterAt} {
		c.i32(at)
		c.i32(0)
		c.mem(wasm.OpI32Store, 0)
	}
	c.get(0)
	c.setGlobal(fault)
	c.i32(0)
	c.setGlobal(count)
	c.i32(MemoryHeap)
	c.setGlobal(heapTop)
	c.i32(MemoryLog)
	c.setGlobal(logTop)
	return c.body(0)
}

// pokeBody stores words at an address.
func pokeBody() wasm.Body {
	var c code
	for i := range uint32(PokeWords) {
		c.get(0, 1+i)
		c.mem(wasm.OpI64Store, uint64(8*i))
	}
	return c.body(0)
}

// reportBody returns the memory in use as two lists of bytes.
func reportBody() wasm.Body {
	var c code
	for i, part := range [2]struct{ from, to uint32 }{{MemoryLow, logTop}, {MemoryHeap, heapTop}} {
		c.i32(reportAt)
		c.i32(part.from)
		c.mem(wasm.OpI32Store, uint64(8*i))
		c.i32(reportAt)
		c.global(part.to)
		c.i32(part.from)
		c.op(wasm.OpI32Sub)
		c.mem(wasm.OpI32Store, uint64(8*i+4))
	}
	c.i32(reportAt)
	return c.body(0)
}

// guest assembles the second module of a guest, around the memory and the log
// of the first.
type guest struct {
	m wasm.Module
	// ops are the imported functions of operations on resources.
	ops  map[int]uint32
	push uint32
}

func newGuest() *guest {
	g := &guest{ops: map[int]uint32{}}
	g.m.Imports = []wasm.Import{{
		Module: "base", Name: "memory", Kind: wasm.ExternMemory,
		Memory: wasm.MemType{Limits: wasm.Limits{Min: minPages, Max: maxPages, HasMax: true}},
	}}
	g.push = g.imported("base", "push", funcType(1, 0))
	return g
}

// imported adds an imported function; all come before those defined.
func (g *guest) imported(module, name string, t wasm.SubType) uint32 {
	g.m.Types = append(g.m.Types, t)
	g.m.Imports = append(g.m.Imports, wasm.Import{
		Module: module, Name: name, Kind: wasm.ExternFunc, TypeIndex: uint32(len(g.m.Types) - 1),
	})
	return uint32(len(g.m.Imports) - 2) // but for the memory
}

// importOp adds the function of an operation.
func (g *guest) importOp(op int) {
	t := funcType(1, 1)
	if op%3 == OpDrop {
		t = funcType(1, 0)
	}
	g.ops[op] = g.imported("ops", opName(op), t)
}

func opName(op int) string {
	return fmt.Sprint([...]string{OpMake: "make", OpDrop: "drop", OpRep: "rep"}[op%3], op/3)
}

// define adds a function and, with a name, exports it.
func (g *guest) define(name string, t wasm.SubType, b wasm.Body) uint32 {
	g.m.Types = append(g.m.Types, t)
	g.m.Funcs = append(g.m.Funcs, uint32(len(g.m.Types)-1))
	g.m.Code = append(g.m.Code, b)
	i := uint32(len(g.m.Imports) - 1 + len(g.m.Funcs) - 1)
	if name != "" {
		g.m.Exports = append(g.m.Exports, wasm.Export{Name: name, Kind: wasm.ExternFunc, Index: i})
	}
	return i
}

// runOps defines the function that carries out the operations at an address.
func (g *guest) runOps() uint32 {
	const at, end, result = 0, 1, 2
	var c code
	c.get(at)
	c.mem(wasm.OpI32Load, 0)
	c.i32(2)
	c.op(wasm.OpI32Shl)
	c.get(at)
	c.i32(8)
	c.op(wasm.OpI32Add)
	c.with(wasm.OpLocalTee, at)
	c.op(wasm.OpI32Add)
	c.set(end)
	c.block(wasm.OpBlock)
	c.block(wasm.OpLoop)
	c.get(at, end)
	c.op(wasm.OpI32GeU)
	c.with(wasm.OpBrIf, 1)
	for op := range 3 * owners {
		f, ok := g.ops[op]
		if !ok {
			continue
		}
		c.get(at)
		c.mem(wasm.OpI32Load, 0)
		c.i32(uint32(op))
		c.op(wasm.OpI32Eq)
		c.block(wasm.OpIf)
		c.get(at)
		c.mem(wasm.OpI32Load, 4)
		c.call(f)
		if op%3 == OpDrop {
			c.i32(0)
		}
		c.set(result)
		c.entry(g.push, LogOp, 2)
		c.i32(uint32(op))
		c.call(g.push)
		c.get(result)
		c.call(g.push)
		c.end()
	}
	c.get(at)
	c.i32(8)
	c.op(wasm.OpI32Add)
	c.set(at)
	c.with(wasm.OpBr, 0)
	c.end()
	c.end()
	return g.define("", funcType(1, 0), c.body(2))
}

// staged leaves the i-th staged core value on the stack.
func (c *code) staged(i int, t wasm.ValType) {
	c.i32(flatAt)
	switch t {
	case wasm.I32:
		c.mem(wasm.OpI32Load, uint64(8*i))
	case wasm.I64:
		c.mem(wasm.OpI64Load, uint64(8*i))
	case wasm.F32:
		c.mem(wasm.OpF32Load, uint64(8*i))
	case wasm.F64:
		c.mem(wasm.OpF64Load, uint64(8*i))
	}
}

func (c *code) runOps(f, at uint32) {
	c.i32(at)
	c.call(f)
}

// bodyWith finishes a function with locals of the given types.
func (c *code) bodyWith(types []wasm.ValType) wasm.Body {
	b := wasm.AppendU32(nil, uint32(len(types)))
	for _, t := range types {
		b = append(wasm.AppendU32(b, 1), byte(t.Kind))
	}
	b = append(b, *c...)
	return wasm.Body{Bytes: append(b, byte(wasm.OpEnd))}
}

// post defines a post-return function.
func (g *guest) post(name string, results []wasm.ValType) {
	var c code
	c.pushLocals(g.push, LogPost, 0, results)
	g.define(name, funcOf(results, nil), c.body(0))
}

// provider is the module whose function f the pair is about.
func (p *Pair) provider() *wasm.Module {
	g := newGuest()
	for _, op := range p.ops() {
		g.importOp(op)
	}
	ops := g.runOps()
	params, results, _, _ := component.FlattenFunc(p.Func, component.Lift)
	var c code
	c.pushLocals(g.push, LogParams, 0, params)
	c.runOps(ops, beforeAt)
	switch {
	case p.Echo && len(results) == len(params):
		if len(params) > 0 {
			c.get(0)
		}
	case p.Echo: // a pointer and a length
		for i := range uint32(2) {
			c.i32(RetAt)
			c.get(i)
			c.mem(wasm.OpI32Store, uint64(4*i))
		}
		c.i32(RetAt)
	default:
		for i, t := range results {
			c.staged(i, t)
		}
	}
	g.define("f", funcOf(params, results), c.body(0))
	g.post("post-f", results)
	if p.Uses[ByProvider] {
		g.resource(g.ops[3*ByProvider+OpMake])
	}
	return &g.m
}

// resource defines the functions that others use a resource through.
func (g *guest) resource(new uint32) {
	var c code
	c.get(0)
	c.call(new)
	g.define("make", funcType(1, 1), c.body(0))
	var v code
	v.get(0) // a borrow of an own resource is its representation
	g.define("value", funcType(1, 1), v.body(0))
}

// third is the module of the third component.
func third() *wasm.Module {
	g := newGuest()
	g.resource(g.imported("ops", opName(3*ByThird+OpMake), funcType(1, 1)))
	return &g.m
}

// consumer is the module that calls f, as raw with staged core values, as call
// with the arguments it is given.
func (p *Pair) consumer() *wasm.Module {
	g := newGuest()
	params, results, _, retptr := component.FlattenFunc(p.Func, component.Lower)
	f := g.imported("ops", "f", funcOf(params, results))
	for _, op := range p.ops() {
		g.importOp(op)
	}
	ops := g.runOps()

	var c code
	c.runOps(ops, beforeAt)
	for i, t := range params {
		c.staged(i, t)
	}
	c.call(f)
	if len(results) == 1 {
		c.set(0)
	}
	c.pushLocals(g.push, LogResult, 0, results)
	c.runOps(ops, afterAt)
	g.define("raw", funcOf(nil, nil), c.bodyWith(results))

	lifted, liftedResults, _, _ := component.FlattenFunc(p.Func, component.Lift)
	c = nil
	c.pushLocals(g.push, LogParams, 0, lifted)
	for i := range lifted {
		c.get(uint32(i))
	}
	if retptr {
		c.i32(RetAt)
	}
	c.call(f)
	if len(results) == 1 {
		c.set(uint32(len(lifted)))
	}
	c.runOps(ops, afterAt)
	switch {
	case retptr:
		c.i32(RetAt)
	case len(results) == 1:
		c.get(uint32(len(lifted)))
	}
	g.define("call", funcOf(lifted, liftedResults), c.bodyWith(results))
	g.post("post-call", liftedResults)
	return &g.m
}
