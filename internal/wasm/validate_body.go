package wasm

import (
	"fmt"
	"slices"
	"sync"
)

// The validator of instruction sequences: the algorithm of the specification's
// appendix (appendix/algorithm.html). A stack of operand types and a stack of
// control frames are enough for one pass over the bytes; after an
// unconditional branch the frame is unreachable and gives as many operands of
// the bottom type as are asked for.
//
// run does the frequent instructions in their frequent encoding, step every
// instruction: it has the scanner read it (which checks the encoding and that
// indices are within their spaces) and then types it. Whatever run does not
// recognise it leaves to step, so run is nowhere the only place that knows a
// rule. Nothing is allocated for an instruction: all stacks live in the
// checker, and checkers in a pool.

// frame is an entry of the control stack.
type frame struct {
	params, results []vt
	height          int    // operands below it
	inits           int    // length of checker.inits when it was entered
	op              Opcode // what opened this part of it: else and catch replace if and try
	unreachable     bool
}

// label are the types that a branch to the frame takes.
func (f *frame) label() []vt {
	if f.op == OpLoop {
		return f.params
	}
	return f.results
}

const (
	// directLocals is how many locals are looked up by index; the rest,
	// which a few bytes can declare by the thousands, by search.
	directLocals = 1 << 10
	// maxOperands bounds the operand stack. Only calls with many results
	// could get there.
	maxOperands = 1 << 22
)

// localGroup is a run of locals: those before end that no earlier group has.
type localGroup struct {
	end uint32
	t   vt
}

// checker validates one function body or constant expression at a time.
type checker struct {
	v *Validation
	// what and index say whose instructions these are: "function", 5.
	what  string
	index int
	// constant is set for a constant expression.
	constant bool

	scan scanner
	b    []byte
	at   int // where the instruction at hand starts
	err  *Error

	stack []vt
	ctrls []frame
	// height and unreachable are those of the last frame.
	height      int
	unreachable bool

	locals []vt         // the first ones
	groups []localGroup // all of them
	// The locals without a default value that have been set, as a set and
	// in the order of being set, so that the end of a block can forget
	// those that it set. Parameters are not in the list.
	set      []uint64
	inits    []uint32
	trackSet bool

	single []vt // backs the types of blocks with one result
}

var checkers = sync.Pool{New: func() any { return new(checker) }}

// newChecker returns a checker for function bodies of v's module.
func (v *Validation) newChecker() *checker {
	c := checkers.Get().(*checker)
	c.v, c.constant = v, false
	sites := c.scan.sites
	c.scan = v.scan
	c.scan.sites = sites
	c.scan.section = SectionCode.String()
	return c
}

func (c *checker) free() {
	// Keep the memory, not what it points to.
	clear(c.ctrls[:cap(c.ctrls)])
	c.v, c.b, c.err, c.scan = nil, nil, nil, scanner{sites: c.scan.sites[:0]}
	checkers.Put(c)
}

// start resets c for the instructions in b.
func (c *checker) start(b []byte, off int, what string, index int) {
	c.what, c.index = what, index
	c.b, c.at, c.err = b, 0, nil
	c.scan.b, c.scan.base = b, off
	c.scan.op, c.scan.opOff, c.scan.opEnd, c.scan.locals, c.scan.err = 0, 0, 0, 0, nil
	c.stack, c.ctrls = c.stack[:0], c.ctrls[:0]
	c.height, c.unreachable = 0, false
	c.locals, c.groups, c.inits = c.locals[:0], c.groups[:0], c.inits[:0]
	c.single = c.single[:0]
	c.trackSet = false
}

// fail records an error of the instruction at hand. What it returns ends every
// loop.
func (c *checker) fail(format string, args ...any) int {
	if c.err == nil {
		msg := fmt.Sprintf(format, args...)
		if op, next := readOpcode(c.b, c.at); next >= 0 && op.Info() != nil && c.scan.opEnd > 0 {
			msg = fmt.Sprintf("%s (%v in %s %d)", msg, op, c.what, c.index)
		} else {
			msg = fmt.Sprintf("%s (in %s %d)", msg, c.what, c.index)
		}
		c.err = &Error{Input: c.scan.input, Section: c.scan.section, Offset: int64(c.scan.base + c.at), Msg: msg}
	}
	return -1
}

// failScan takes over the error of the scanner.
func (c *checker) failScan() int {
	if c.err == nil {
		c.err = c.scan.err
		c.err.Msg = fmt.Sprintf("%s (in %s %d)", c.err.Msg, c.what, c.index)
	}
	return -1
}

// body validates the body of defined function i (spec:
// valid/modules.html#functions).
func (c *checker) body(i int) *Error {
	m := c.v.m
	body := &m.Code[i]
	index := int(m.NumImported[SpaceFunc]) + i
	c.start(body.Bytes, body.Off, "function", index)
	t := &c.v.types[c.v.funcs[index]]
	p := c.declareLocals(t.params)
	if p < 0 {
		c.failScan()
		return c.err
	}
	c.pushFrame(OpBlock, nil, t.results)
	p = c.run(p)
	if c.err == nil {
		c.at = max(p, 0)
		switch {
		case len(c.ctrls) > 0:
			c.at = len(c.b)
			c.fail("unexpected end of the function body: %d blocks are not closed (END opcode expected)", len(c.ctrls))
		case p != len(c.b):
			c.fail("%d bytes after the final end of the function body (END opcode expected at its end)", len(c.b)-p)
		}
	}
	return c.err
}

// declareLocals reads the locals declaration and returns where the code
// starts, negative after a failure.
func (c *checker) declareLocals(params []vt) int {
	end := c.scan.localDecls(len(params))
	if end < 0 {
		return end
	}
	for i, t := range params {
		c.groups = append(c.groups, localGroup{end: uint32(i) + 1, t: t})
	}
	c.locals = append(c.locals, params[:min(len(params), directLocals)]...)
	total := uint32(len(params))
	n, p := lebU32(c.b, 0)
	for ; n > 0; n-- {
		var count uint32
		var t vt
		count, p = lebU32(c.b, p)
		t, p = c.valType(p)
		if count == 0 {
			continue
		}
		total += count
		c.groups = append(c.groups, localGroup{end: total, t: t})
		for len(c.locals) < directLocals && uint32(len(c.locals)) < total {
			c.locals = append(c.locals, t)
		}
		if !t.defaultable() {
			c.trackSet = true
		}
	}
	if c.trackSet {
		words := int(total+63) / 64
		c.set = slices.Grow(c.set[:0], words)[:words]
		clear(c.set)
	}
	for i, t := range params {
		if c.trackSet && !t.defaultable() {
			c.set[i/64] |= 1 << (i % 64)
		}
	}
	return end
}

// local is the type of local i, which must exist.
func (c *checker) local(i uint32) vt {
	if int(i) < len(c.locals) {
		return c.locals[i]
	}
	g, _ := slices.BinarySearchFunc(c.groups, i, func(g localGroup, i uint32) int {
		if g.end <= i {
			return -1
		}
		return 1
	})
	return c.groups[g].t
}

// setLocal notes that local i of type t has a value.
func (c *checker) setLocal(i uint32, t vt) {
	if c.trackSet && !t.defaultable() && c.set[i/64]&(1<<(i%64)) == 0 {
		c.set[i/64] |= 1 << (i % 64)
		c.inits = append(c.inits, i)
	}
}

// pushFrame enters a block and pushes its parameters.
func (c *checker) pushFrame(op Opcode, params, results []vt) {
	if n := len(c.ctrls); n > 0 {
		c.ctrls[n-1].unreachable = c.unreachable
	}
	c.height, c.unreachable = len(c.stack), false
	c.ctrls = append(c.ctrls, frame{params: params, results: results, height: c.height, inits: len(c.inits), op: op})
	c.pushAll(params)
}

// popFrame leaves the last block: its results, and nothing else, must be on
// the stack. They are popped.
func (c *checker) popFrame() *frame {
	n := len(c.ctrls) - 1
	f := &c.ctrls[n]
	c.popAll(f.results)
	if len(c.stack) != c.height {
		c.fail("type mismatch: values remaining on stack at end of block")
	}
	for _, i := range c.inits[f.inits:] {
		c.set[i/64] &^= 1 << (i % 64)
	}
	c.inits = c.inits[:f.inits]
	c.ctrls = c.ctrls[:n]
	if n > 0 {
		c.height, c.unreachable = c.ctrls[n-1].height, c.ctrls[n-1].unreachable
	}
	return f
}

// setUnreachable is what an unconditional branch does.
func (c *checker) setUnreachable() {
	c.stack, c.unreachable = c.stack[:c.height], true
}

func (c *checker) push(t vt) { c.stack = append(c.stack, t) }

func (c *checker) pushAll(ts []vt) {
	if len(c.stack)+len(ts) > maxOperands {
		c.fail("too many operands on the stack (at most %d)", maxOperands)
		return
	}
	c.stack = append(c.stack, ts...)
}

// pop pops an operand that must match want and returns its type.
func (c *checker) pop(want vt) vt {
	n := len(c.stack) - 1
	if n < c.height {
		if !c.unreachable {
			c.fail("type mismatch: expected %v but nothing on stack", want)
		}
		return bottom
	}
	t := c.stack[n]
	c.stack = c.stack[:n]
	if t != want && !c.v.sub(t, want) {
		c.fail("type mismatch: expected %v, found %v", want, t)
	}
	return t
}

// popAny pops an operand of any type.
func (c *checker) popAny() vt {
	n := len(c.stack) - 1
	if n < c.height {
		if !c.unreachable {
			c.fail("type mismatch: expected a type but nothing on stack")
		}
		return bottom
	}
	t := c.stack[n]
	c.stack = c.stack[:n]
	return t
}

// popRef pops a reference of any type.
func (c *checker) popRef() vt {
	t := c.popAny()
	switch {
	case t == bottom:
		return bottomRef
	case !t.isRef():
		c.fail("type mismatch: expected a reference, found %v", t)
	}
	return t
}

// popAll pops operands that must match ts, the last of which is on top.
func (c *checker) popAll(ts []vt) {
	if base := len(c.stack) - len(ts); base >= c.height && slices.Equal(c.stack[base:], ts) {
		c.stack = c.stack[:base]
		return
	}
	for i := len(ts) - 1; i >= 0 && c.err == nil; i-- {
		if len(c.stack) == c.height && c.unreachable {
			return // all others are there, too
		}
		c.pop(ts[i])
	}
}

// popPush checks that operands match ts and gives them these types.
func (c *checker) popPush(ts []vt) {
	if base := len(c.stack) - len(ts); base >= c.height && slices.Equal(c.stack[base:], ts) {
		return
	}
	c.popAll(ts)
	c.pushAll(ts)
}

// peekAll checks that operands match ts and leaves them as they are.
func (c *checker) peekAll(ts []vt) {
	n := len(c.stack)
	for i := len(ts) - 1; i >= 0; i-- {
		n--
		if n < c.height {
			if !c.unreachable {
				c.fail("type mismatch: expected %v but nothing on stack", ts[i])
			}
			return
		}
		if t := c.stack[n]; t != ts[i] && !c.v.sub(t, ts[i]) {
			c.fail("type mismatch: expected %v, found %v", ts[i], t)
			return
		}
	}
}

// run validates the instructions from p on, up to the end that closes the last
// frame, and returns the position after it; negative after a failure, the
// length of the code when there is no such end.
func (c *checker) run(p int) int {
	b := c.b
	v := c.v
	// The operand stack and its height are in local variables as long as
	// no other method runs.
	stack, height := c.stack, c.height
	for uint(p) < uint(len(b)) {
		at := p
		sig := &opSigs[b[p]]
		p++
		// An immediate that is one byte; what has more, or none, goes
		// on with a byte that no case takes for one.
		imm := byte(0x80)
		if uint(p) < uint(len(b)) {
			imm = b[p]
		}
		n := len(stack) - 1
		switch sig.class {
		case sigUnary:
			if n >= height && stack[n] == vt(sig.types[0]) {
				stack[n] = vt(sig.types[1])
				continue
			}
		case sigBinary:
			if n > height && stack[n-1] == vt(sig.types[0]) && stack[n] == vt(sig.types[1]) {
				stack = stack[:n]
				stack[n-1] = vt(sig.types[2])
				continue
			}
		case sigLocalGet:
			if int(imm) < len(c.locals) && imm < 0x80 {
				if t := c.locals[imm]; t.defaultable() {
					stack = append(stack, t)
					p++
					continue
				}
			}
		case sigLocalSet:
			if int(imm) < len(c.locals) && imm < 0x80 && n >= height {
				if t := c.locals[imm]; stack[n] == t && t.defaultable() {
					stack = stack[:n]
					p++
					continue
				}
			}
		case sigLocalTee:
			if int(imm) < len(c.locals) && imm < 0x80 && n >= height {
				if t := c.locals[imm]; stack[n] == t && t.defaultable() {
					p++
					continue
				}
			}
		case sigConst:
			q := p
			for uint(q) < uint(len(b)) && b[q] >= 0x80 {
				q++
			}
			if q-p < 4 && q < len(b) { // too short to overflow
				stack = append(stack, vt(sig.types[0]))
				p = q + 1
				continue
			}
		case sigLoad, sigStore:
			// A memarg without a memory index, and an offset that is
			// too short to overflow.
			if imm > sig.align || v.memory0 == bottom {
				break
			}
			q := p + 1
			for uint(q) < uint(len(b)) && b[q] >= 0x80 {
				q++
			}
			if q-p > 4 || q >= len(b) {
				break
			}
			if sig.class == sigLoad {
				if n >= height && stack[n] == v.memory0 {
					stack[n] = vt(sig.types[1])
					p = q + 1
					continue
				}
			} else if n > height && stack[n-1] == v.memory0 && stack[n] == vt(sig.types[1]) {
				stack = stack[:n-1]
				p = q + 1
				continue
			}
		case sigDrop:
			if n >= height {
				stack = stack[:n]
				continue
			}
		case sigCall:
			f, next := lebU32(b, p)
			if next < 0 || int(f) >= len(v.funcs) {
				break
			}
			t := &v.types[v.funcs[f]]
			c.at, c.stack = at, stack
			c.scan.opEnd = p
			c.popAll(t.params)
			c.pushAll(t.results)
			if c.err != nil {
				return -1
			}
			stack = c.stack
			p = next
			continue
		case sigGlobalGet:
			g, next := lebU32(b, p)
			if next < 0 || int(g) >= len(v.globals) {
				break
			}
			stack = append(stack, v.globals[g].t)
			p = next
			continue
		case sigGlobalSet:
			g, next := lebU32(b, p)
			if next < 0 || int(g) >= len(v.globals) || n < height {
				break
			}
			if t := v.globals[g]; t.mutable && stack[n] == t.t {
				stack = stack[:n]
				p = next
				continue
			}
		case sigBrIf:
			if n < height || stack[n] != vtI32 || int(imm) >= len(c.ctrls) || imm >= 0x80 {
				break
			}
			if len(c.ctrls[len(c.ctrls)-1-int(imm)].label()) == 0 {
				stack = stack[:n]
				p++
				continue
			}
		case sigBr:
			if int(imm) >= len(c.ctrls) || imm >= 0x80 {
				break
			}
			if len(c.ctrls[len(c.ctrls)-1-int(imm)].label()) == 0 {
				stack, c.unreachable = stack[:height], true
				p++
				continue
			}
		case sigBlock:
			if imm != typeBlockEmpty {
				break
			}
			op := Opcode(b[at])
			if op == OpIf {
				if n < height || stack[n] != vtI32 {
					break
				}
				stack = stack[:n]
			}
			c.stack = stack
			c.pushFrame(op, nil, nil)
			height = c.height
			p++
			continue
		case sigEnd:
			c.at, c.stack = at, stack
			c.scan.opEnd = p
			c.end()
			if c.err != nil {
				return -1
			}
			if len(c.ctrls) == 0 {
				return p
			}
			stack, height = c.stack, c.height
			continue
		}
		c.stack = stack
		if p = c.step(at); p < 0 {
			return -1
		}
		if len(c.ctrls) == 0 {
			return p
		}
		stack, height = c.stack, c.height
	}
	return len(b)
}
