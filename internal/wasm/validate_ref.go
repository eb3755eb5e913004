package wasm

// refOrTable validates the reference and table instructions (spec:
// valid/instructions.html#reference-instructions and #table-instructions).
func (c *checker) refOrTable(op Opcode, p int) {
	v := c.v
	switch op {
	case OpRefNull:
		h, _ := c.heapType(p)
		c.push(vtRef(true, h))
	case OpRefIsNull:
		c.popRef()
		c.push(vtI32)
	case OpRefFunc:
		i := c.u32(&p)
		switch {
		case c.constant:
			v.declareRef(i)
		case !v.refDeclared(i):
			c.fail("undeclared function reference %d", i)
		}
		c.push(vtRef(false, HeapType(v.funcs[i])))
	case OpRefEq:
		c.pop(vtEqRef)
		c.pop(vtEqRef)
		c.push(vtI32)
	case OpRefAsNonNull:
		c.push(c.popRef() &^ nullBit)
	case OpBrOnNull:
		t := c.popRef() &^ nullBit
		c.popPush(c.frameAt(c.u32(&p)).label())
		c.push(t)
	case OpBrOnNonNull:
		label, last := c.refLabel(p)
		c.pop(last | nullBit)
		c.popPush(label)

	case OpTableGet:
		t := v.tables[c.u32(&p)]
		c.pop(t.address)
		c.push(t.elem)
	case OpTableSet:
		t := v.tables[c.u32(&p)]
		c.pop(t.elem)
		c.pop(t.address)
	case OpTableInit:
		elem := v.elems[c.u32(&p)]
		t := v.tables[c.u32(&p)]
		if !v.sub(elem, t.elem) {
			c.fail("type mismatch: a segment of %v for a table of %v", elem, t.elem)
		}
		c.pop(vtI32)
		c.pop(vtI32)
		c.pop(t.address)
	case OpTableCopy:
		dst, src := v.tables[c.u32(&p)], v.tables[c.u32(&p)]
		if !v.sub(src.elem, dst.elem) {
			c.fail("type mismatch: a table of %v for a table of %v", src.elem, dst.elem)
		}
		c.pop(narrower(dst.address, src.address))
		c.pop(src.address)
		c.pop(dst.address)
	case OpTableGrow:
		t := v.tables[c.u32(&p)]
		c.pop(t.address)
		c.pop(t.elem)
		c.push(t.address)
	case OpTableSize:
		c.push(v.tables[c.u32(&p)].address)
	case OpTableFill:
		t := v.tables[c.u32(&p)]
		c.pop(t.address)
		c.pop(t.elem)
		c.pop(t.address)
	default:
		// The instruction is in the opcode table without a signature
		// and without a rule here: a mistake of this package.
		panic("wasm: no typing rule for " + op.String())
	}
}

// refLabel reads a label whose last type must be a reference, and returns that
// type apart from the others.
func (c *checker) refLabel(p int) (others []vt, last vt) {
	l := c.u32(&p)
	types := c.frameAt(l).label()
	if n := len(types) - 1; n >= 0 && types[n].isRef() {
		return types[:n], types[n]
	}
	c.fail("type mismatch: label %d must take a reference last", l)
	return nil, bottomRef
}

// gc validates the instructions on structs, arrays, i31 and casts (spec:
// valid/instructions.html#aggregate-reference-instructions).
func (c *checker) gc(op Opcode, p int) {
	switch op {
	case OpStructNew, OpStructNewDefault, OpStructGet, OpStructGetS, OpStructGetU, OpStructSet:
		c.structOp(op, p)
	case OpRefTest, OpRefTestNull:
		h, _ := c.heapType(p)
		c.pop(vtRef(true, c.v.top(h)))
		c.push(vtI32)
	case OpRefCast, OpRefCastNull:
		h, _ := c.heapType(p)
		c.pop(vtRef(true, c.v.top(h)))
		c.push(vtRef(op == OpRefCastNull, h))
	case OpBrOnCast, OpBrOnCastFail:
		c.brOnCast(op, p)
	case OpAnyConvertExtern:
		c.convert(vtExternRef, HeapAny)
	case OpExternConvertAny:
		c.convert(vtAnyRef, HeapExtern)
	case OpRefI31:
		c.pop(vtI32)
		c.push(vtRef(false, HeapI31))
	case OpI31GetS, OpI31GetU:
		c.pop(vtI31Ref)
		c.push(vtI32)
	case OpArrayLen:
		c.pop(vtArrayRef)
		c.push(vtI32)
	default:
		c.arrayOp(op, p)
	}
}

// convert moves a reference to another hierarchy; it stays null or not.
func (c *checker) convert(from vt, to HeapType) {
	t := c.pop(from)
	c.push(vtRef(t&nullBit != 0, to))
}

func (c *checker) brOnCast(op Opcode, p int) {
	flags := c.b[p]
	p++
	others, last := c.refLabel(p)
	c.u32(&p)
	h1, p := c.heapType(p)
	h2, _ := c.heapType(p)
	from, to := vtRef(flags&1 != 0, h1), vtRef(flags&2 != 0, h2)
	if !c.v.sub(to, from) {
		c.fail("type mismatch: cast from %v to %v, which does not match it", from, to)
	}
	// What the value is known to be when the cast fails: null has gone the
	// way of the cast, if the cast takes it.
	rest := from
	if to&nullBit != 0 {
		rest &^= nullBit
	}
	taken, kept := to, rest
	if op == OpBrOnCastFail {
		taken, kept = rest, to
	}
	if !c.v.sub(taken, last) {
		c.fail("type mismatch: the branch takes %v, its label %v", taken, last)
	}
	c.pop(from)
	c.popPush(others)
	c.push(kept)
}

// composite is type i, which must be of the given kind.
func (c *checker) composite(i uint32, kind CompKind, what string) *compType {
	t := &c.v.types[i]
	if t.kind == kind {
		return t
	}
	c.fail("type mismatch: type %d is not %s type", i, what)
	return nil
}

func (c *checker) structOp(op Opcode, p int) {
	i := c.typeIndex(&p)
	t := c.composite(i, CompStruct, "a struct")
	if t == nil {
		return
	}
	ref := vtRef(false, HeapType(i))
	switch op {
	case OpStructNew:
		for j := len(t.fields) - 1; j >= 0 && c.err == nil; j-- {
			if len(c.stack) == c.height && c.unreachable {
				break
			}
			c.pop(t.fields[j].t.unpack())
		}
		c.push(ref)
		return
	case OpStructNewDefault:
		for j, f := range t.fields {
			if !f.t.defaultable() {
				c.fail("type mismatch: field %d of type %v is not defaultable", j, f.t)
				return
			}
		}
		c.push(ref)
		return
	}
	n := c.u32(&p)
	if uint64(n) >= uint64(len(t.fields)) {
		c.fail("unknown field %d of type %d (there are %d)", n, i, len(t.fields))
		return
	}
	f := t.fields[n]
	if op == OpStructSet {
		if !f.mutable {
			c.fail("immutable field %d of type %d", n, i)
		}
		c.pop(f.t.unpack())
		c.pop(ref | nullBit)
		return
	}
	c.checkPacked(f.t, op != OpStructGet)
	c.pop(ref | nullBit)
	c.push(f.t.unpack())
}

// checkPacked checks that a field is read by the right kind of get: with a
// sign or not if and only if it is packed.
func (c *checker) checkPacked(t vt, signed bool) {
	switch packed := t.unpack() != t; {
	case packed && !signed:
		c.fail("type mismatch: field is packed: %v", t)
	case !packed && signed:
		c.fail("type mismatch: field is unpacked: %v", t)
	}
}

func (c *checker) arrayOp(op Opcode, p int) {
	v := c.v
	i := c.typeIndex(&p)
	t := c.composite(i, CompArray, "an array")
	if t == nil {
		return
	}
	f := t.fields[0]
	ref := vtRef(false, HeapType(i))
	switch op {
	case OpArraySet, OpArrayFill, OpArrayCopy, OpArrayInitData, OpArrayInitElem:
		if !f.mutable {
			c.fail("immutable array: type %d", i)
		}
	}
	switch op {
	case OpArrayNew:
		c.pop(vtI32)
		c.pop(f.t.unpack())
		c.push(ref)
	case OpArrayNewDefault:
		if !f.t.defaultable() {
			c.fail("type mismatch: elements of type %v are not defaultable", f.t)
		}
		c.pop(vtI32)
		c.push(ref)
	case OpArrayNewFixed:
		for n := c.u32(&p); n > 0 && c.err == nil; n-- {
			if len(c.stack) == c.height && c.unreachable {
				break
			}
			c.pop(f.t.unpack())
		}
		c.push(ref)
	case OpArrayNewData, OpArrayInitData:
		if f.t.isRef() {
			c.fail("type mismatch: array type is not numeric or vector: %v", f.t)
		}
		c.arraySegment(op == OpArrayInitData, ref)
	case OpArrayNewElem, OpArrayInitElem:
		if elem := v.elems[c.u32(&p)]; !v.sub(elem, f.t) {
			c.fail("type mismatch: a segment of %v for an array of %v", elem, f.t)
		}
		c.arraySegment(op == OpArrayInitElem, ref)
	case OpArrayGet, OpArrayGetS, OpArrayGetU:
		c.checkPacked(f.t, op != OpArrayGet)
		c.pop(vtI32)
		c.pop(ref | nullBit)
		c.push(f.t.unpack())
	case OpArraySet:
		c.pop(f.t.unpack())
		c.pop(vtI32)
		c.pop(ref | nullBit)
	case OpArrayFill:
		c.pop(vtI32)
		c.pop(f.t.unpack())
		c.pop(vtI32)
		c.pop(ref | nullBit)
	case OpArrayCopy:
		j := c.typeIndex(&p)
		src := c.composite(j, CompArray, "an array")
		if src == nil {
			return
		}
		if !v.sub(src.fields[0].t, f.t) {
			c.fail("array types do not match: %v into %v", src.fields[0].t, f.t)
		}
		c.pop(vtI32)
		c.pop(vtI32)
		c.pop(vtRef(true, HeapType(j)))
		c.pop(vtI32)
		c.pop(ref | nullBit)
	default:
		panic("wasm: no typing rule for " + op.String())
	}
}

// arraySegment pops the offset and length in a segment; what is made of them
// is a new array, or with init a part of one.
func (c *checker) arraySegment(init bool, ref vt) {
	c.pop(vtI32)
	c.pop(vtI32)
	if !init {
		c.push(ref)
		return
	}
	c.pop(vtI32)
	c.pop(ref | nullBit)
}
