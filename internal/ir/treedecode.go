package ir

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/wbundle/wbundle/internal/wasm"
)

// ErrNoTree is returned by Decode for functions whose instructions have no
// place in a tree: blocks with parameters, several results, the legacy
// exception instructions, garbage collection. They stay the bytes they are.
var ErrNoTree = errors.New("ir: the function has no tree form")

// frame is a construct that is open while a body is decoded.
type frame struct {
	op    wasm.Opcode // block, loop, if, try_table; OpEnd for the body
	label *Node
	// inner is the if or try_table within the label.
	inner  *Node
	base   int // of the frame's part of the stack
	result wasm.ValType
	dead   bool // the end of what has been read is not reachable
}

type decoder struct {
	f      *Func
	b      []byte
	stack  []*Node
	frames []frame
	err    error
}

// Decode makes a tree of the body of a defined function. It returns ErrNoTree,
// perhaps wrapped, for a function that has none; the module must be valid. The
// tree lives in the arena, until that is reset.
func Decode(c *Context, a *Arena, fn uint32) (*Func, error) {
	body := &c.M.Code[fn-c.M.NumImported[wasm.SpaceFunc]]
	return DecodeBody(c, a, fn, body)
}

// DecodeBody is Decode of a body that need not be in the module yet.
func DecodeBody(c *Context, a *Arena, fn uint32, body *wasm.Body) (*Func, error) {
	t := c.FuncType(fn)
	if len(t.Results) > 1 {
		return nil, fmt.Errorf("%w: several results", ErrNoTree)
	}
	f := &Func{Ctx: c, Index: fn, Params: len(t.Params), Locals: append(make([]wasm.ValType, 0, len(t.Params)+16), t.Params...), arena: a}
	if len(t.Results) == 1 {
		f.Result = t.Results[0]
	}
	d := &decoder{f: f, b: body.Bytes}
	p := d.locals()
	if d.err != nil {
		return nil, d.err
	}
	f.Body = f.Node(wasm.OpBlock, f.Result)
	f.Body.Result = f.Result
	d.frames = append(d.frames, frame{op: wasm.OpEnd, label: f.Body, result: f.Result})
	for len(d.frames) > 0 {
		in, ok := wasm.NextInstr(d.b, p)
		if !ok {
			return nil, fmt.Errorf("ir: no instruction at %d of function %d", p, fn)
		}
		p = int(in.Off + in.Len)
		if d.frames[len(d.frames)-1].dead && in.Op != wasm.OpEnd && in.Op != wasm.OpElse {
			p = d.skip(in)
			continue
		}
		d.instr(&in)
		if d.err != nil {
			return nil, d.err
		}
	}
	f.Finalize()
	return f, nil
}

// locals reads the declarations and returns where the code starts.
func (d *decoder) locals() int {
	runs, p := wasm.ReadU32(d.b)
	for range runs {
		n, size := wasm.ReadU32(d.b[p:])
		p += size
		t := wasm.ValType{Kind: wasm.ValKind(d.b[p])}
		p++
		switch byte(t.Kind) {
		case 0x7f, 0x7e, 0x7d, 0x7c, 0x7b:
		case 0x70, 0x6f, 0x69, 0x6e, 0x6d, 0x6c, 0x6b, 0x6a, 0x71, 0x72, 0x73, 0x74:
			t = wasm.ValType{Kind: wasm.KindRef, Nullable: true, Heap: wasm.HeapType(int64(t.Kind) - 0x80)}
		case 0x63:
			h, size := wasm.ReadS33(d.b[p:])
			p += size
			t = wasm.ValType{Kind: wasm.KindRef, Nullable: true, Heap: wasm.HeapType(h)}
		default:
			d.err = fmt.Errorf("%w: a local that may not be null", ErrNoTree)
			return p
		}
		for range n {
			d.f.Locals = append(d.f.Locals, t)
		}
	}
	return p
}

// skip passes over an instruction that is never reached, with what it encloses,
// and returns where the next one is.
func (d *decoder) skip(in wasm.Instr) int {
	depth := 0
	for {
		switch in.Op {
		case wasm.OpBlock, wasm.OpLoop, wasm.OpIf, wasm.OpTryTable, wasm.OpTry:
			depth++
		case wasm.OpEnd, wasm.OpDelegate:
			depth--
		}
		p := int(in.Off + in.Len)
		if depth == 0 {
			return p
		}
		var ok bool
		if in, ok = wasm.NextInstr(d.b, p); !ok {
			d.err = fmt.Errorf("ir: no instruction at %d", p)
			return p
		}
	}
}

func (d *decoder) fail(format string, args ...any) {
	if d.err == nil {
		d.err = fmt.Errorf("ir: function %d: "+format, append([]any{d.f.Index}, args...)...)
	}
}

func (d *decoder) noTree(why string) {
	if d.err == nil {
		d.err = fmt.Errorf("%w: %s", ErrNoTree, why)
	}
}

func (d *decoder) top() *frame { return &d.frames[len(d.frames)-1] }

func (d *decoder) push(n *Node) { d.stack = append(d.stack, n) }

// pop takes the value on top. Statements above it come with it.
func (d *decoder) pop() *Node {
	base := d.top().base
	i := len(d.stack) - 1
	for i >= base && !d.stack[i].HasValue() {
		i--
	}
	if i < base {
		d.fail("an operand is missing")
		return d.f.Trap()
	}
	v := d.stack[i]
	if rest := d.stack[i+1:]; len(rest) > 0 {
		n := d.f.arena.newNode()
		n.Op, n.Type = OpFirst, v.Type
		n.Kids = d.f.arena.newKids(1 + len(rest))
		n.Kids[0] = v
		copy(n.Kids[1:], rest)
		v = n
	}
	d.stack = d.stack[:i]
	return v
}

// popN takes n values, the last of which is on top.
func (d *decoder) popN(n int) []*Node {
	if n == 0 {
		return nil
	}
	kids := d.f.arena.newKids(n)
	for i := n - 1; i >= 0; i-- {
		kids[i] = d.pop()
	}
	return kids
}

// op makes a node of an instruction that takes n values.
func (d *decoder) op(op wasm.Opcode, t wasm.ValType, n int) *Node {
	node := d.f.arena.newNode()
	node.Op, node.Type = op, t
	node.Kids = d.popN(n)
	d.push(node)
	return node
}

// leave is op for an instruction that is never left at its end.
func (d *decoder) leave(op wasm.Opcode, n int) *Node {
	node := d.op(op, Unreachable, n)
	d.top().dead = true
	return node
}

// label resolves a depth.
func (d *decoder) label(depth uint64) *Node {
	if depth >= uint64(len(d.frames)) {
		d.fail("label %d", depth)
		return d.f.Body
	}
	l := d.frames[uint64(len(d.frames))-1-depth].label
	l.Refs++
	return l
}

// arity is how many values a branch to a label takes.
func arity(l *Node) int {
	if l.Op == wasm.OpLoop || l.Result.Kind == KindNone {
		return 0
	}
	return 1
}

// blockType reads the type of a block.
func (d *decoder) blockType(in *wasm.Instr) wasm.ValType {
	v := int64(in.Arg)
	switch {
	case v == -0x40:
		return None
	case v >= 0:
		t := &d.f.Ctx.M.Types[v]
		if len(t.Params) > 0 || len(t.Results) > 1 {
			d.noTree("a block with parameters or several results")
			return None
		}
		if len(t.Results) == 0 {
			return None
		}
		return t.Results[0]
	}
	b := byte(v) & 0x7f
	if k := wasm.ValKind(b); k <= wasm.KindI32 && k >= wasm.KindV128 {
		return wasm.ValType{Kind: k}
	}
	if b == 0x63 || b == 0x64 { // (ref null? t)
		h, _ := wasm.ReadS33(d.b[in.Imm+1:])
		return wasm.ValType{Kind: wasm.KindRef, Nullable: b == 0x63, Heap: wasm.HeapType(h)}
	}
	return wasm.ValType{Kind: wasm.KindRef, Nullable: true, Heap: wasm.HeapType(v)}
}

func (d *decoder) open(op wasm.Opcode, in *wasm.Instr) {
	f := d.f
	result := d.blockType(in)
	fr := frame{op: op, result: result}
	if op == wasm.OpLoop {
		fr.label = f.Node(wasm.OpLoop, None)
	} else {
		fr.label = f.Node(wasm.OpBlock, None)
		fr.label.Result = result
	}
	switch op {
	case wasm.OpIf:
		fr.inner = f.Node(wasm.OpIf, None)
		fr.inner.Result = result
		fr.inner.Kids = f.arena.newKids(3)
		fr.inner.Kids[0] = d.pop()
	case wasm.OpTryTable:
		fr.inner = f.Node(wasm.OpTryTable, None)
		fr.inner.Result = result
		d.catches(in, fr.inner)
	}
	fr.base = len(d.stack)
	d.frames = append(d.frames, fr)
}

// catches reads the clauses of try_table, whose labels count from outside.
func (d *decoder) catches(in *wasm.Instr, n *Node) {
	p := int(in.Imm)
	switch d.b[p] {
	case 0x63, 0x64:
		p++
	}
	_, size := wasm.ReadS33(d.b[p:])
	p += size
	u32 := func() uint32 {
		v, size := wasm.ReadU32(d.b[p:])
		p += size
		return v
	}
	for range u32() {
		t := Target{Kind: d.b[p]}
		p++
		if t.Kind < 2 {
			t.Tag = u32()
			if len(d.f.Ctx.M.Types[d.f.Ctx.Tags[t.Tag]].Params)+int(t.Kind) > 1 {
				d.noTree("a catch of several values")
			}
		}
		t.Label = d.label(uint64(u32()))
		n.SetTargets(append(n.Targets(), t))
	}
}

// finish closes the part of the stack that belongs to the innermost frame and
// returns it as one node.
func (d *decoder) finish() *Node {
	fr := d.top()
	f := d.f
	if fr.result.Kind != KindNone && !fr.dead {
		d.push(d.pop()) // statements behind the value come to it
	}
	kids := d.stack[fr.base:]
	for i, k := range kids {
		if !k.HasValue() || !fr.dead && i == len(kids)-1 && fr.result.Kind != KindNone {
			continue
		}
		if !fr.dead {
			d.fail("a value is left over")
			return f.Nop()
		}
		kids[i] = f.Drop(k)
	}
	var n *Node
	if len(kids) == 1 {
		n = kids[0]
	} else {
		n = f.Block(kids...)
	}
	d.stack = d.stack[:fr.base]
	return n
}

// close ends the innermost frame.
func (d *decoder) close() {
	f := d.f
	fr := *d.top()
	n := d.finish()
	d.frames = d.frames[:len(d.frames)-1]
	l := fr.label
	switch fr.op {
	case wasm.OpEnd:
		if n.Op == wasm.OpBlock && n.Refs == 0 {
			l.Kids = n.Kids
		} else {
			l.Kids = append(f.arena.newKids(0), n)
		}
		return
	case wasm.OpLoop:
		l.Kids = append(f.arena.newKids(0), n)
		f.retype(l)
		n = l
	case wasm.OpIf:
		if fr.inner.Kids[1] == nil {
			fr.inner.Kids[1] = n
			fr.inner.Kids = fr.inner.Kids[:2]
		} else {
			fr.inner.Kids[2] = n
		}
		f.retype(fr.inner)
		n = fr.inner
	case wasm.OpTryTable:
		fr.inner.Kids = append(f.arena.newKids(0), n)
		f.retype(fr.inner)
		n = fr.inner
	}
	if fr.op != wasm.OpLoop && l.Refs > 0 {
		if n.Op == wasm.OpBlock && n.Refs == 0 {
			l.Kids = n.Kids
		} else {
			l.Kids = append(f.arena.newKids(0), n)
		}
		f.retype(l)
		n = l
	}
	// What no branch names is no block: its statements are those of the
	// construct around it.
	if n.Op == wasm.OpBlock && n.Refs == 0 {
		d.stack = append(d.stack, n.Kids...)
	} else {
		d.push(n)
	}
	if n.IsUnreachable() {
		d.top().dead = true
	}
}

// instr adds one instruction.
func (d *decoder) instr(in *wasm.Instr) {
	f, c := d.f, d.f.Ctx
	op := in.Op
	switch op {
	case wasm.OpNop:
	case wasm.OpBlock, wasm.OpLoop, wasm.OpIf, wasm.OpTryTable:
		d.open(op, in)
	case wasm.OpElse:
		fr := d.top()
		fr.inner.Kids[1] = d.finish()
		fr.dead = false
	case wasm.OpEnd:
		d.close()
	case wasm.OpUnreachable:
		d.leave(op, 0)
	case wasm.OpBr:
		l := d.label(in.Arg)
		if l == f.Body {
			l.Refs--
			d.leave(wasm.OpReturn, arity(l))
			return
		}
		d.leave(op, arity(l)).Target = l
	case wasm.OpBrIf:
		l := d.label(in.Arg)
		n := d.op(op, None, arity(l)+1)
		n.Target = l
		if len(n.Kids) == 2 {
			n.Type = n.Kids[0].Type
		}
	case wasm.OpBrTable:
		p := int(in.Imm)
		count, size := wasm.ReadU32(d.b[p:])
		p += size
		targets := make([]Target, 0, count+1)
		for range count + 1 {
			v, size := wasm.ReadU32(d.b[p:])
			p += size
			targets = append(targets, Target{Label: d.label(uint64(v))})
		}
		d.leave(op, arity(targets[count].Label)+1).SetTargets(targets)
	case wasm.OpReturn:
		d.leave(op, arity(f.Body))
	case wasm.OpCall, wasm.OpReturnCall:
		d.call(in, c.FuncType(uint32(in.Arg)), 0)
	case wasm.OpCallIndirect, wasm.OpReturnCallIndirect:
		n := d.call(in, &c.M.Types[in.Arg], 1)
		_, size := wasm.ReadU32(d.b[in.Imm:])
		table, _ := wasm.ReadU32(d.b[int(in.Imm)+size:])
		n.Aux = uint64(table)
	case wasm.OpCallRef, wasm.OpReturnCallRef:
		d.call(in, &c.M.Types[in.Arg], 1)
	case wasm.OpThrow:
		d.leave(op, len(c.M.Types[c.Tags[in.Arg]].Params)).Imm = in.Arg
	case wasm.OpThrowRef:
		d.leave(op, 1)
	case wasm.OpDrop:
		d.op(op, None, 1)
	case wasm.OpSelect:
		n := d.op(op, None, 3)
		n.Type = n.Kids[0].Type
	case wasm.OpSelectT:
		n := d.op(op, None, 3)
		t, ok := d.valType(int(in.Imm) + 1)
		if !ok {
			d.noTree("a select of an unknown type")
		}
		n.Type, n.Result = t, t
		if t.Kind != wasm.KindRef {
			n.Op, n.Result = wasm.OpSelect, None // the short form says the same
		}
	case wasm.OpLocalGet:
		d.op(op, f.Locals[in.Arg], 0).Imm = in.Arg
	case wasm.OpLocalSet:
		d.op(op, None, 1).Imm = in.Arg
	case wasm.OpLocalTee:
		d.op(op, f.Locals[in.Arg], 1).Imm = in.Arg
	case wasm.OpGlobalGet:
		d.op(op, c.Globals[in.Arg].Type, 0).Imm = in.Arg
	case wasm.OpGlobalSet:
		d.op(op, None, 1).Imm = in.Arg
	case wasm.OpI32Const:
		d.op(op, wasm.I32, 0).Imm = uint64(uint32(in.Arg))
	case wasm.OpI64Const:
		d.op(op, wasm.I64, 0).Imm = in.Arg
	case wasm.OpF32Const:
		d.op(op, wasm.F32, 0).Imm = in.Arg
	case wasm.OpF64Const:
		d.op(op, wasm.F64, 0).Imm = in.Arg
	case wasm.OpV128Const, wasm.OpI8x16Shuffle:
		n := 0
		if op == wasm.OpI8x16Shuffle {
			n = 2
		}
		node := d.op(op, wasm.V128, n)
		node.Imm = binary.LittleEndian.Uint64(d.b[in.Imm:])
		node.Aux = binary.LittleEndian.Uint64(d.b[in.Imm+8:])
	case wasm.OpTableGet:
		d.op(op, c.Tables[in.Arg].Elem, 1).Imm = in.Arg
	case wasm.OpTableSet:
		d.op(op, None, 2).Imm = in.Arg
	case wasm.OpTableSize, wasm.OpTableGrow:
		n := d.op(op, wasm.I32, map[wasm.Opcode]int{wasm.OpTableGrow: 2}[op])
		n.Imm = in.Arg
		n.Type = f.typeOf(n)
	case wasm.OpTableFill:
		d.op(op, None, 3).Imm = in.Arg
	case wasm.OpTableCopy, wasm.OpTableInit, wasm.OpMemoryCopy, wasm.OpMemoryInit:
		n := d.op(op, None, 3)
		n.Imm = in.Arg
		_, size := wasm.ReadU32(d.b[in.Imm:])
		second, _ := wasm.ReadU32(d.b[int(in.Imm)+size:])
		n.Aux = uint64(second)
	case wasm.OpRefNull:
		n := d.op(op, wasm.ValType{Kind: wasm.KindRef, Nullable: true, Heap: wasm.HeapType(int64(in.Arg))}, 0)
		n.Result = n.Type
	case wasm.OpRefFunc:
		n := d.op(op, wasm.ValType{Kind: wasm.KindRef, Heap: wasm.HeapType(c.Types[in.Arg])}, 0)
		n.Imm, n.Result = in.Arg, n.Type
	case wasm.OpRefIsNull:
		d.op(op, wasm.I32, 1)
	default:
		d.fixed(in)
	}
}

// call adds a call of a function of type t, with extra operands on top.
func (d *decoder) call(in *wasm.Instr, t *wasm.SubType, extra int) *Node {
	if len(t.Results) > 1 {
		d.noTree("a call with several results")
	}
	var n *Node
	switch in.Op {
	case wasm.OpReturnCall, wasm.OpReturnCallIndirect, wasm.OpReturnCallRef:
		n = d.leave(in.Op, len(t.Params)+extra)
	default:
		n = d.op(in.Op, None, len(t.Params)+extra)
		if len(t.Results) == 1 {
			n.Type = t.Results[0]
		}
	}
	n.Imm = in.Arg
	return n
}

// fixed adds an instruction whose type the opcode table has.
func (d *decoder) fixed(in *wasm.Instr) {
	info := in.Op.Info()
	if info.Sig == "*" || in.Op&^0xfff == wasm.PrefixGC {
		d.noTree(info.Name)
		return
	}
	operands, results := signature(in.Op)
	if len(results) > 1 {
		d.noTree(info.Name + " has several results")
		return
	}
	n := d.op(in.Op, None, len(operands))
	n.Imm = in.Arg
	if info.Imms[0] == wasm.ImmMemArg {
		arg, size := wasm.ReadMemArg(d.b[in.Imm:])
		lane := byte(0)
		if info.Imms[1] == wasm.ImmLane {
			lane = d.b[int(in.Imm)+size]
		}
		n.Aux = MemAux(arg.Align, arg.Memory, lane)
	}
	if len(results) == 1 {
		n.Type = d.f.typeOf(n)
	}
}

// valType reads a value type.
func (d *decoder) valType(p int) (wasm.ValType, bool) {
	b := d.b[p]
	switch {
	case b <= byte(wasm.KindI32) && b >= byte(wasm.KindV128):
		return wasm.ValType{Kind: wasm.ValKind(b)}, true
	case b == 0x63 || b == 0x64:
		h, _ := wasm.ReadS33(d.b[p+1:])
		return wasm.ValType{Kind: wasm.KindRef, Nullable: b == 0x63, Heap: wasm.HeapType(h)}, true
	case b >= 0x69 && b <= 0x74:
		return wasm.ValType{Kind: wasm.KindRef, Nullable: true, Heap: wasm.HeapType(int64(b) - 0x80)}, true
	}
	return None, false
}
