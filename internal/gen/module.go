package gen

import (
	"encoding/binary"
	"fmt"

	"github.com/wbundle/wbundle/internal/wasm"
)

const (
	tableName = "$imports"

	// The memory of a main module: its label, the arguments of check, then
	// the heap.
	labelAt = 16
	noteAt  = 64
	itemsAt = 128
	heapAt  = 1024

	itemSize = 12 // key, label pointer, label length

	// workers are in the table; each calls a helper. Nobody calls the dead.
	workers = 8
	dead    = 8
)

// importName is how the main module calls its k-th import: by number, so that
// components that import different interfaces can have the same core module.
func importName(k int) string { return fmt.Sprintf("import%d", k) }

// The arguments of check.
const note = "a note"

var items = []struct {
	key   uint32
	label string
}{{7, "seven"}, {1 << 20, "a larger one"}, {0xfffffff0, "almost all"}}

// ownLabel is the label that a component without imports answers with.
func ownLabel(seed uint32) string { return fmt.Sprintf("label %08x", seed) }

// work is what the k-th worker of a component computes.
func work(seed, k, x uint32) uint32 { return (x^(seed+k))*(2*k+3) + seed>>k }

// code assembles a function body, without its locals.
type code []byte

func (c *code) op(ops ...wasm.Opcode) {
	for _, op := range ops {
		*c = wasm.AppendOpcode(*c, op)
	}
}

// with appends an instruction with an index.
func (c *code) with(op wasm.Opcode, i uint32) {
	c.op(op)
	*c = wasm.AppendU32(*c, i)
}

func (c *code) get(locals ...uint32) {
	for _, l := range locals {
		c.with(wasm.OpLocalGet, l)
	}
}

func (c *code) set(l uint32)  { c.with(wasm.OpLocalSet, l) }
func (c *code) call(f uint32) { c.with(wasm.OpCall, f) }

func (c *code) i32(v uint32) {
	c.op(wasm.OpI32Const)
	*c = wasm.AppendS32(*c, int32(v))
}

// mem appends a load or store of natural alignment.
func (c *code) mem(op wasm.Opcode, offset uint64) {
	align := uint32(2)
	if op == wasm.OpI32Load8U {
		align = 0
	}
	c.op(op)
	*c = wasm.AppendMemArg(*c, wasm.MemArg{Align: align, Offset: offset})
}

// block opens a block, loop or if without a type.
func (c *code) block(op wasm.Opcode) {
	c.op(op)
	*c = append(*c, 0x40)
}

// body finishes a function with a number of i32 locals.
func (c *code) body(locals uint32) wasm.Body {
	b := []byte{0}
	if locals > 0 {
		b = append(wasm.AppendU32([]byte{1}, locals), byte(wasm.KindI32))
	}
	b = append(b, *c...)
	return wasm.Body{Bytes: append(b, byte(wasm.OpEnd))}
}

func (c *code) expr() wasm.Expr { return wasm.Expr{Bytes: append(*c, byte(wasm.OpEnd))} }

// funcType is the type of n i32 parameters and r i32 results.
func funcType(n, r int) wasm.SubType {
	t := wasm.SubType{Kind: wasm.CompFunc, Final: true, Short: true}
	for range n {
		t.Params = append(t.Params, wasm.I32)
	}
	for range r {
		t.Results = append(t.Results, wasm.I32)
	}
	return t
}

// The types of the main module.
const (
	typeLowered = iota // the lowered fold
	typeFold           // the lifted one, and realloc
	typeUnary
	typeCheck
	typePost
)

func mainModule(seed uint32, imports int) *wasm.Module {
	m := &wasm.Module{
		Types:    []wasm.SubType{funcType(5, 0), funcType(4, 1), funcType(1, 1), funcType(0, 1), funcType(1, 0)},
		Memories: []wasm.MemType{{Limits: wasm.Limits{Min: 2, Max: 16, HasMax: true}}},
		Globals:  []wasm.Global{{GlobalType: wasm.GlobalType{Type: wasm.I32, Mutable: true}, Init: constant(heapAt)}},
		Tables:   []wasm.Table{{TableType: wasm.TableType{Elem: wasm.FuncRef, Limits: wasm.Limits{Min: workers, Max: workers, HasMax: true}}}},
	}
	for k := range imports {
		m.Imports = append(m.Imports, wasm.Import{Module: importName(k), Name: "fold", Kind: wasm.ExternFunc, TypeIndex: typeLowered})
	}
	next := uint32(imports)
	add := func(typ uint32, b wasm.Body) uint32 {
		m.Funcs = append(m.Funcs, typ)
		m.Code = append(m.Code, b)
		next++
		return next - 1
	}
	realloc := add(typeFold, reallocBody())
	elems := wasm.Elem{Mode: wasm.SegmentActive, Offset: constant(0), Type: wasm.FuncRef}
	for k := range uint32(workers) {
		// Through memory and a helper, so that there is something to link.
		var h code
		h.get(0)
		h.i32(2*k + 3)
		h.op(wasm.OpI32Mul)
		helper := add(typeUnary, h.body(0))
		var w code
		w.i32(8)
		w.get(0)
		w.i32(seed + k)
		w.op(wasm.OpI32Xor)
		w.mem(wasm.OpI32Store, 0)
		w.i32(0)
		w.mem(wasm.OpI32Load, 8)
		w.call(helper)
		w.i32(seed >> k)
		w.op(wasm.OpI32Add)
		elems.Funcs = append(elems.Funcs, add(typeUnary, w.body(0)))
	}
	m.Elems = []wasm.Elem{elems}
	for k := range uint32(dead) {
		var d code
		d.get(0)
		d.mem(wasm.OpI32Load, uint64(4*k))
		d.i32(k)
		d.op(wasm.OpI32Add)
		d.call(elems.Funcs[k])
		add(typeUnary, d.body(0))
	}
	fold := add(typeFold, foldBody(seed, imports, realloc))
	check := add(typeCheck, checkBody(fold))
	post := add(typePost, postBody())
	m.Exports = []wasm.Export{
		{Name: "memory", Kind: wasm.ExternMemory},
		{Name: "cabi_realloc", Kind: wasm.ExternFunc, Index: realloc},
		{Name: "fold", Kind: wasm.ExternFunc, Index: fold},
		{Name: "check", Kind: wasm.ExternFunc, Index: check},
		{Name: "cabi_post_fold", Kind: wasm.ExternFunc, Index: post},
	}
	m.Datas = []wasm.Data{data(labelAt, ownLabel(seed)), data(noteAt, note), data(itemsAt, argument())}
	return m
}

func constant(v uint32) wasm.Expr {
	var c code
	c.i32(v)
	return c.expr()
}

func data(at uint32, content string) wasm.Data {
	return wasm.Data{Mode: wasm.SegmentActive, At: int64(at), Init: []byte(content)}
}

// argument lays the items out at itemsAt, their labels behind them.
func argument() string {
	var list, labels []byte
	for _, it := range items {
		list = binary.LittleEndian.AppendUint32(list, it.key)
		list = binary.LittleEndian.AppendUint32(list, uint32(itemsAt+itemSize*len(items)+len(labels)))
		list = binary.LittleEndian.AppendUint32(list, uint32(len(it.label)))
		labels = append(labels, it.label...)
	}
	return string(list) + string(labels)
}

// reallocBody moves the end of the heap and copies; nothing is freed before
// post-return.
func reallocBody() wasm.Body {
	const old, oldSize, align, size, p = 0, 1, 2, 3, 4
	var c code
	c.with(wasm.OpGlobalGet, 0)
	c.get(align)
	c.op(wasm.OpI32Add)
	c.i32(1)
	c.op(wasm.OpI32Sub)
	c.i32(0)
	c.get(align)
	c.op(wasm.OpI32Sub, wasm.OpI32And)
	c.with(wasm.OpLocalTee, p)
	c.get(size)
	c.op(wasm.OpI32Add)
	c.with(wasm.OpGlobalSet, 0)
	c.with(wasm.OpGlobalGet, 0)
	c.with(wasm.OpMemorySize, 0)
	c.i32(16)
	c.op(wasm.OpI32Shl, wasm.OpI32GtU)
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
	c.op(wasm.OpUnreachable, wasm.OpEnd, wasm.OpEnd)
	c.get(p, old, oldSize)
	c.op(wasm.OpMemoryCopy)
	c = append(c, 0, 0)
	c.get(p)
	return c.body(1)
}

// foldBody mixes the arguments, then the answers of the imports, which get the
// same arguments.
func foldBody(seed uint32, imports int, realloc uint32) wasm.Body {
	const list, count, noteLen = 0, 1, 3
	const acc, at, ret, answer = 4, 5, 6, 7
	var c code
	alloc := func(local uint32) {
		c.i32(0)
		c.i32(0)
		c.i32(4)
		c.i32(itemSize)
		c.call(realloc)
		c.set(local)
	}
	c.i32(seed)
	c.get(noteLen)
	c.op(wasm.OpI32Add)
	c.set(acc)
	c.get(list)
	c.set(at)
	c.block(wasm.OpBlock)
	c.block(wasm.OpLoop)
	c.get(at, list, count)
	c.i32(itemSize)
	c.op(wasm.OpI32Mul, wasm.OpI32Add, wasm.OpI32GeU)
	c.with(wasm.OpBrIf, 1)
	c.get(acc)
	c.i32(31)
	c.op(wasm.OpI32Mul)
	c.get(at)
	c.mem(wasm.OpI32Load, 0)
	c.op(wasm.OpI32Add)
	c.get(at)
	c.mem(wasm.OpI32Load, 8)
	c.op(wasm.OpI32Add)
	c.get(at)
	c.mem(wasm.OpI32Load, 4)
	c.mem(wasm.OpI32Load8U, 0)
	c.op(wasm.OpI32Add)
	c.set(acc)
	c.get(at)
	c.i32(itemSize)
	c.op(wasm.OpI32Add)
	c.set(at)
	c.with(wasm.OpBr, 0)
	c.op(wasm.OpEnd, wasm.OpEnd)
	alloc(ret)
	c.get(ret)
	c.i32(labelAt)
	c.mem(wasm.OpI32Store, 4)
	c.get(ret)
	c.i32(uint32(len(ownLabel(seed))))
	c.mem(wasm.OpI32Store, 8)
	for k := range uint32(imports) {
		alloc(answer)
		c.get(0, 1, 2, 3, answer)
		c.call(k)
		c.get(acc)
		c.i32(33)
		c.op(wasm.OpI32Mul)
		c.get(answer)
		c.mem(wasm.OpI32Load, 0)
		c.op(wasm.OpI32Add)
		c.get(answer)
		c.mem(wasm.OpI32Load, 8)
		c.op(wasm.OpI32Add)
		c.set(acc)
		for _, field := range []uint64{4, 8} {
			c.get(ret, answer)
			c.mem(wasm.OpI32Load, field)
			c.mem(wasm.OpI32Store, field)
		}
	}
	c.get(ret, acc, acc)
	c.i32(workers - 1)
	c.op(wasm.OpI32And)
	c.with(wasm.OpCallIndirect, typeUnary)
	c = append(c, 0)
	c.mem(wasm.OpI32Store, 0)
	c.get(ret)
	return c.body(4)
}

func checkBody(fold uint32) wasm.Body {
	var c code
	c.i32(itemsAt)
	c.i32(uint32(len(items)))
	c.i32(noteAt)
	c.i32(uint32(len(note)))
	c.call(fold)
	c.mem(wasm.OpI32Load, 0)
	return c.body(0)
}

func postBody() wasm.Body {
	var c code
	c.i32(heapAt)
	c.with(wasm.OpGlobalSet, 0)
	return c.body(0)
}

// shimModule exports functions that call through a table.
func shimModule(n int) *wasm.Module {
	m := &wasm.Module{
		Types:  []wasm.SubType{funcType(5, 0)},
		Tables: []wasm.Table{{TableType: shimTable(n)}},
	}
	for k := range n {
		var c code
		c.get(0, 1, 2, 3, 4)
		c.i32(uint32(k))
		c.with(wasm.OpCallIndirect, 0)
		c = append(c, 0)
		m.Funcs = append(m.Funcs, 0)
		m.Code = append(m.Code, c.body(0))
		m.Exports = append(m.Exports, wasm.Export{Name: fmt.Sprint(k), Kind: wasm.ExternFunc, Index: uint32(k)})
	}
	m.Exports = append(m.Exports, wasm.Export{Name: tableName, Kind: wasm.ExternTable})
	return m
}

// fixupModule fills the shim's table.
func fixupModule(n int) *wasm.Module {
	m := &wasm.Module{Types: []wasm.SubType{funcType(5, 0)}}
	m.Imports = append(m.Imports, wasm.Import{Name: tableName, Kind: wasm.ExternTable, Table: shimTable(n)})
	e := wasm.Elem{Mode: wasm.SegmentActive, Offset: constant(0), Type: wasm.FuncRef}
	for k := range n {
		m.Imports = append(m.Imports, wasm.Import{Name: fmt.Sprint(k), Kind: wasm.ExternFunc})
		e.Funcs = append(e.Funcs, uint32(k))
	}
	m.Elems = []wasm.Elem{e}
	return m
}

func shimTable(n int) wasm.TableType {
	return wasm.TableType{Elem: wasm.FuncRef, Limits: wasm.Limits{Min: uint64(n), Max: uint64(n), HasMax: true}}
}
