package ir

import (
	"github.com/wbundle/wbundle/internal/wasm"
)

// A function body as a tree: every instruction is a Node whose kids are its
// operands, in the order in which they are evaluated. Blocks, loops and ifs
// have their contents as kids. A branch names the node that it leaves (or, for
// a loop, repeats), not a depth, so a tree can be taken apart and put together
// without counting labels.
//
// The tree has no holes: a body that Decode turned into a tree and Encode wrote
// back does the same, and is not longer unless its bytes were padded.

// Pseudo-opcodes of nodes that are no instruction. They are above all real
// ones.
const (
	// OpFirst evaluates its kids in order; its value is that of the first. A
	// stack machine can do this for nothing: "value, then statements" is what it
	// stands for. The other kids have no value.
	OpFirst wasm.Opcode = 0xf000
)

// The kinds of Node.Type that are no value types.
const (
	// KindNone is the type of a node without a value.
	KindNone wasm.ValKind = 0
	// KindUnreachable is the type of a node that is never left at its end: a
	// branch, unreachable, and whatever evaluates one before it is done.
	KindUnreachable wasm.ValKind = 1
)

// None and Unreachable are types of nodes.
var (
	None        = wasm.ValType{Kind: KindNone}
	Unreachable = wasm.ValType{Kind: KindUnreachable}
)

// Node is an instruction with its operands.
//
// What Imm and Aux hold depends on the instruction:
//
//	local.get, set, tee      Imm: the local
//	global.get, set          Imm: the global
//	i32.const                Imm: the value, zero-extended
//	i64.const, f32, f64      Imm: the value, its bits
//	v128.const, i8x16.shuffle Imm: the low half, Aux: the high half
//	loads, stores, atomics   Imm: the offset, Aux: see MemAux
//	lanes                    Imm: the lane
//	call, ref.func           Imm: the function
//	call_ref                 Imm: the type
//	call_indirect            Imm: the type, Aux: the table
//	memory.size, grow, fill  Imm: the memory
//	memory.copy              Imm: the destination, Aux: the source memory
//	memory.init              Imm: the segment, Aux: the memory
//	data.drop, elem.drop     Imm: the segment
//	table.*                  Imm: the table; copy: Imm destination, Aux source; init: Imm segment, Aux table
//	throw                    Imm: the tag
//
// The kids:
//
//	block                    its statements; the last may be its value
//	loop, try_table          one: the body
//	if                       condition, then, and perhaps else
//	br                       perhaps a value
//	br_if                    perhaps a value, then the condition
//	br_table                 perhaps a value, then the index
//	return                   perhaps a value
//	select                   the value if true, the value if false, the condition
//
// Only blocks and loops are labels: branches to an if or try_table go to a
// block around it, which costs nothing when it is written.
type Node struct {
	Op wasm.Opcode
	// Refs is how many branches name this block or loop; Finalize counts.
	Refs int32
	Type wasm.ValType
	// Result is the type of the value that branches bring to a block, None
	// without. Of an if, try_table or select whose value is a reference, it is
	// the declared type.
	Result   wasm.ValType
	Imm, Aux uint64
	Kids     []*Node
	Target   *Node // br, br_if: the block or loop
	Targets  []Target
}

// Target is a label of br_table, the default being the last, or a clause of
// try_table.
type Target struct {
	Label *Node
	Kind  byte   // of a clause: 0 catch, 1 catch_ref, 2 catch_all, 3 catch_all_ref
	Tag   uint32 // of a clause
}

// MemAux packs what Node.Aux holds for a memory access: the alignment (log2),
// the memory, and the lane for those that have one.
func MemAux(align, memory uint32, lane byte) uint64 {
	return uint64(align) | uint64(memory)<<8 | uint64(lane)<<40
}

// MemArg takes Node.Aux of a memory access apart.
func (n *Node) MemArg() (align, memory uint32, lane byte) {
	return uint32(n.Aux & 0xff), uint32(n.Aux >> 8), byte(n.Aux >> 40)
}

// HasValue reports whether the node leaves a value.
func (n *Node) HasValue() bool { return n.Type.Kind > KindUnreachable }

// IsUnreachable reports whether the node is never left at its end.
func (n *Node) IsUnreachable() bool { return n.Type.Kind == KindUnreachable }

// IsConst reports whether the node is a constant number.
func (n *Node) IsConst() bool {
	switch n.Op {
	case wasm.OpI32Const, wasm.OpI64Const, wasm.OpF32Const, wasm.OpF64Const:
		return true
	}
	return false
}

// Labelled reports whether some branch names the node.
func (n *Node) Labelled() bool { return n.Refs > 0 }

// Func is a function body as a tree.
type Func struct {
	Ctx    *Context
	Index  uint32 // in the module's function index space
	Params int
	// Locals are the types of all locals, the parameters first.
	Locals []wasm.ValType
	// Result is the type of the function's result, None without.
	Result wasm.ValType
	// Body is a block: branches to it are returns.
	Body *Node

	arena *Arena
}

// Context is what the instructions of a module refer to. It does not change
// while functions are worked on, except that passes over the whole module may
// refine it between rounds.
type Context struct {
	M *wasm.Module
	// Types has the type index of every function, Globals, Memories and Tables
	// the types of those, imports first.
	Types    []uint32
	Globals  []wasm.GlobalType
	Memories []wasm.MemType
	Tables   []wasm.TableType
	Tags     []uint32
	// Effects says of every function what a call of it may do; nil: anything.
	Effects []Effect
}

// NewContext makes the tables for a module.
func NewContext(m *wasm.Module) *Context {
	c := &Context{M: m}
	for i := range m.Imports {
		imp := &m.Imports[i]
		switch imp.Kind {
		case wasm.ExternFunc:
			c.Types = append(c.Types, imp.TypeIndex)
		case wasm.ExternGlobal:
			c.Globals = append(c.Globals, imp.Global)
		case wasm.ExternMemory:
			c.Memories = append(c.Memories, imp.Memory)
		case wasm.ExternTable:
			c.Tables = append(c.Tables, imp.Table)
		case wasm.ExternTag:
			c.Tags = append(c.Tags, imp.TypeIndex)
		}
	}
	c.Types = append(c.Types, m.Funcs...)
	for i := range m.Globals {
		c.Globals = append(c.Globals, m.Globals[i].GlobalType)
	}
	c.Memories = append(c.Memories, m.Memories...)
	for i := range m.Tables {
		c.Tables = append(c.Tables, m.Tables[i].TableType)
	}
	c.Tags = append(c.Tags, m.Tags...)
	return c
}

// FuncType is the type of a function by its index.
func (c *Context) FuncType(fn uint32) *wasm.SubType { return &c.M.Types[c.Types[fn]] }

// address is the type of addresses of a memory.
func (c *Context) address(memory uint32) wasm.ValType {
	if int(memory) < len(c.Memories) && c.Memories[memory].Is64 {
		return wasm.I64
	}
	return wasm.I32
}

// Arena is the memory of trees. One goroutine uses it, for one function after
// the other.
type Arena struct {
	nodes []([]Node)
	kids  []([]*Node)
	n, k  int // chunks in use
	node  []Node
	kid   []*Node
	code  []byte // what was encoded last
}

const (
	nodeChunk = 4096
	kidChunk  = 8192
)

// arenaKeep is how many chunks of a kind an arena keeps between functions: what
// nearly all functions need, 2 MB, and not what the largest needed.
const arenaKeep = 4

// codeKeep is how many bytes of code an arena has room for between functions.
const codeKeep = 64 << 10

// Reset makes all trees of the arena invalid and their memory free.
func (a *Arena) Reset() {
	if a.n > arenaKeep {
		clear(a.nodes[arenaKeep:])
		a.nodes = a.nodes[:arenaKeep]
	}
	if a.k > arenaKeep {
		clear(a.kids[arenaKeep:])
		a.kids = a.kids[:arenaKeep]
	}
	if cap(a.code) > codeKeep {
		a.code = nil
	}
	a.n, a.k, a.node, a.kid = 0, 0, nil, nil
}

func (a *Arena) newNode() *Node {
	if len(a.node) == 0 {
		if a.n == len(a.nodes) {
			a.nodes = append(a.nodes, make([]Node, nodeChunk))
		}
		a.node = a.nodes[a.n]
		a.n++
	}
	n := &a.node[0]
	*n = Node{} // not the whole chunk: most functions are small
	a.node = a.node[1:]
	return n
}

// newKids returns a slice of n kids, with no room to grow in place.
func (a *Arena) newKids(n int) []*Node {
	if n > kidChunk/4 {
		return make([]*Node, n)
	}
	if len(a.kid) < n {
		if a.k == len(a.kids) {
			a.kids = append(a.kids, make([]*Node, kidChunk))
		}
		a.kid = a.kids[a.k]
		a.k++
	}
	k := a.kid[:n:n]
	clear(k)
	a.kid = a.kid[n:]
	return k
}

// Node makes a node. Its type is that of the value it leaves; Finalize makes
// it Unreachable where an operand is.
func (f *Func) Node(op wasm.Opcode, t wasm.ValType, kids ...*Node) *Node {
	n := f.arena.newNode()
	n.Op, n.Type = op, t
	if len(kids) > 0 {
		n.Kids = f.arena.newKids(len(kids))
		copy(n.Kids, kids)
		if t.Kind != KindUnreachable && op != wasm.OpBlock && op != wasm.OpIf && op != wasm.OpLoop {
			for _, k := range kids {
				if k.IsUnreachable() {
					n.Type = Unreachable
				}
			}
		}
	}
	return n
}

// I32 makes i32.const.
func (f *Func) I32(v uint32) *Node {
	n := f.Node(wasm.OpI32Const, wasm.I32)
	n.Imm = uint64(v)
	return n
}

// I64 makes i64.const.
func (f *Func) I64(v uint64) *Node {
	n := f.Node(wasm.OpI64Const, wasm.I64)
	n.Imm = v
	return n
}

// Get makes local.get.
func (f *Func) Get(local uint32) *Node {
	n := f.Node(wasm.OpLocalGet, f.Locals[local])
	n.Imm = uint64(local)
	return n
}

// Set makes local.set.
func (f *Func) Set(local uint32, value *Node) *Node {
	n := f.Node(wasm.OpLocalSet, None, value)
	n.Imm = uint64(local)
	return n
}

// Tee makes local.tee.
func (f *Func) Tee(local uint32, value *Node) *Node {
	n := f.Node(wasm.OpLocalTee, f.Locals[local], value)
	n.Imm = uint64(local)
	return n
}

// Drop makes drop.
func (f *Func) Drop(value *Node) *Node { return f.Node(wasm.OpDrop, None, value) }

// Nop makes nop, a statement that is written as nothing.
func (f *Func) Nop() *Node { return f.Node(wasm.OpNop, None) }

// Trap makes unreachable.
func (f *Func) Trap() *Node { return f.Node(wasm.OpUnreachable, Unreachable) }

// Block makes a block of statements, whose type is that of the last.
func (f *Func) Block(kids ...*Node) *Node {
	n := f.Node(wasm.OpBlock, None, kids...)
	f.retype(n)
	return n
}

// If makes an if; no is nil without else.
func (f *Func) If(cond, yes, no *Node) *Node {
	var n *Node
	if no == nil {
		n = f.Node(wasm.OpIf, None, cond, yes)
	} else {
		n = f.Node(wasm.OpIf, None, cond, yes, no)
	}
	f.retype(n)
	return n
}

// NewLocal adds a local of type t and returns its index.
func (f *Func) NewLocal(t wasm.ValType) uint32 {
	f.Locals = append(f.Locals, t)
	return uint32(len(f.Locals) - 1)
}

// Copy makes a copy of a tree. Branches within it go to the copies of their
// labels; those out of it stay.
func (f *Func) Copy(n *Node) *Node {
	labels := map[*Node]*Node{}
	return f.copyTree(n, labels)
}

func (f *Func) copyTree(n *Node, labels map[*Node]*Node) *Node {
	c := f.arena.newNode()
	*c = *n
	if n.Op == wasm.OpBlock || n.Op == wasm.OpLoop {
		labels[n] = c
	}
	if t := labels[n.Target]; t != nil {
		c.Target = t
	}
	if len(n.Targets) > 0 {
		c.Targets = append([]Target(nil), n.Targets...)
		for i := range c.Targets {
			if t := labels[c.Targets[i].Label]; t != nil {
				c.Targets[i].Label = t
			}
		}
	}
	if len(n.Kids) > 0 {
		c.Kids = f.arena.newKids(len(n.Kids))
		for i, k := range n.Kids {
			c.Kids[i] = f.copyTree(k, labels)
		}
	}
	return c
}
