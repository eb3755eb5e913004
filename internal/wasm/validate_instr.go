package wasm

// step validates the instruction at p, whichever it is, and returns the
// position after it, negative after a failure.
func (c *checker) step(p int) int {
	c.at = p
	s := &c.scan
	if c.constant {
		op, next := readOpcode(c.b, p)
		if info := op.Info(); next >= 0 && info != nil && !info.Const {
			s.opEnd = next
			return c.fail("constant expression required")
		}
	}
	s.depth, s.sites = uint32(len(c.ctrls)), s.sites[:0]
	next := s.slow(p)
	if next < 0 {
		return c.failScan()
	}
	op, imm := s.op, s.opEnd
	sig := op.sig()
	if sig.class == sigFixed || sig.in+sig.out > 0 {
		c.fixed(op, sig, imm)
	} else {
		c.special(op, imm)
	}
	if c.err != nil {
		return -1
	}
	return next
}

// fixed validates an instruction that has a signature (spec:
// valid/instructions.html, numeric, vector and memory instructions).
func (c *checker) fixed(op Opcode, sig *opSig, imm int) {
	address := vt(KindI32)
	for _, kind := range op.Info().Imms {
		if kind == ImmNone {
			break
		}
		switch kind {
		case ImmMemArg:
			m, next := readMemArg(c.b, imm)
			address, imm = c.v.memories[m.Memory], next
			switch {
			case m.Align > uint32(sig.align):
				c.fail("alignment must not be larger than natural: 2^%d, natural is 2^%d", m.Align, sig.align)
			case sig.atomic && m.Align != uint32(sig.align):
				c.fail("alignment must be natural: 2^%d, natural is 2^%d", m.Align, sig.align)
			}
		case ImmMemory:
			i, next := lebU32(c.b, imm)
			address, imm = c.v.memories[i], next
		case ImmLane:
			if lane := c.b[imm]; lane >= sig.lanes {
				c.fail("invalid lane index %d (there are %d)", lane, sig.lanes)
			}
			imm++
		case ImmLanes:
			for _, lane := range c.b[imm : imm+16] {
				if lane >= 32 {
					c.fail("invalid lane index %d (there are 32)", lane)
				}
			}
			imm += 16
		case ImmData, ImmElem:
			_, imm = lebU32(c.b, imm)
		}
	}
	typ := func(kind uint8) vt {
		if kind == sigAddress {
			return address
		}
		return vt(kind)
	}
	for i := int(sig.in) - 1; i >= 0 && c.err == nil; i-- {
		c.pop(typ(sig.types[i]))
	}
	for i := range sig.out {
		c.push(typ(sig.types[sig.in+i]))
	}
}

// valType reads a value type that the scanner has accepted.
func (c *checker) valType(p int) (vt, int) {
	switch b := c.b[p]; {
	case b == typeRef || b == typeRefNull:
		h, next := c.heapType(p + 1)
		return vtRef(b == typeRefNull, h), next
	case b >= byte(KindV128):
		return vt(b), p + 1
	default:
		return vtRef(true, HeapType(b)-0x80), p + 1
	}
}

// heapType reads a heap type that the scanner has accepted.
func (c *checker) heapType(p int) (HeapType, int) {
	h, next := lebSigned(c.b, p, 33)
	return c.v.canonHeap(HeapType(h)), next
}

// u32 reads an index that the scanner has accepted.
func (c *checker) u32(p *int) uint32 {
	v, next := lebU32(c.b, *p)
	*p = next
	return v
}

// typeIndex reads a type index and returns it as canonical.
func (c *checker) typeIndex(p *int) uint32 { return c.v.canon[c.u32(p)] }

// special validates an instruction whose effect depends on its immediates or
// on types. Its immediates start at p; the scanner has accepted them.
func (c *checker) special(op Opcode, p int) {
	v := c.v
	switch op {
	case OpUnreachable:
		c.setUnreachable()
	case OpNop:
	case OpBlock, OpLoop, OpTry, OpIf:
		if op == OpIf {
			c.pop(vtI32)
		}
		params, results, _ := c.blockType(p)
		c.popAll(params)
		c.pushFrame(op, params, results)
	case OpTryTable:
		params, results, next := c.blockType(p)
		c.popAll(params)
		c.catches(next)
		c.pushFrame(op, params, results)
	case OpElse:
		if c.ctrls[len(c.ctrls)-1].op != OpIf {
			c.fail("else found outside of an if block")
			return
		}
		f := c.popFrame()
		c.pushFrame(OpElse, f.params, f.results)
	case OpCatch, OpCatchAll:
		if f := &c.ctrls[len(c.ctrls)-1]; f.op != OpTry && f.op != OpCatch {
			c.fail("%v found outside of a try block", op)
			return
		}
		f := c.popFrame()
		c.pushFrame(op, nil, f.results)
		if op == OpCatch {
			c.pushAll(c.tagParams(c.u32(&p)))
		}
	case OpDelegate:
		if c.ctrls[len(c.ctrls)-1].op != OpTry {
			c.fail("delegate found outside of a try block")
			return
		}
		c.pushAll(c.popFrame().results)
	case OpEnd:
		c.end()

	case OpBr:
		c.popAll(c.frameAt(c.u32(&p)).label())
		c.setUnreachable()
	case OpBrIf:
		c.pop(vtI32)
		c.popPush(c.frameAt(c.u32(&p)).label())
	case OpBrTable:
		c.brTable(p)
	case OpReturn:
		c.popAll(c.ctrls[0].results)
		c.setUnreachable()
	case OpThrow:
		c.popAll(c.tagParams(c.u32(&p)))
		c.setUnreachable()
	case OpThrowRef:
		c.pop(vtExnRef)
		c.setUnreachable()
	case OpRethrow:
		if f := c.frameAt(c.u32(&p)); f.op != OpCatch && f.op != OpCatchAll {
			c.fail("invalid rethrow label: it is not a catch block")
		}
		c.setUnreachable()

	case OpCall, OpReturnCall:
		c.call(&v.types[v.funcs[c.u32(&p)]], op == OpReturnCall)
	case OpCallIndirect, OpReturnCallIndirect:
		t := c.funcType(c.typeIndex(&p))
		table := v.tables[c.u32(&p)]
		if !v.sub(table.elem, vtFuncRef) {
			c.fail("type mismatch: the table must hold functions, not %v", table.elem)
		}
		c.pop(table.address)
		c.call(t, op == OpReturnCallIndirect)
	case OpCallRef, OpReturnCallRef:
		i := c.typeIndex(&p)
		t := c.funcType(i)
		c.pop(vtRef(true, HeapType(i)))
		c.call(t, op == OpReturnCallRef)

	case OpDrop:
		c.popAny()
	case OpSelect:
		c.pop(vtI32)
		a, b := c.popAny(), c.popAny()
		switch {
		case a.isRef() || b.isRef():
			c.fail("type mismatch: select without a type takes no references")
		case a != b && a != bottom && b != bottom:
			c.fail("type mismatch: select between %v and %v", b, a)
		}
		c.push(max(a, b)) // the one that is not bottom
	case OpSelectT:
		c.u32(&p) // the scanner insists on one type
		t, _ := c.valType(p)
		c.pop(vtI32)
		c.pop(t)
		c.pop(t)
		c.push(t)

	case OpLocalGet:
		i := c.u32(&p)
		t := c.local(i)
		if !t.defaultable() && c.trackSet && c.set[i/64]&(1<<(i%64)) == 0 {
			c.fail("uninitialized local %d", i)
		}
		c.push(t)
	case OpLocalSet, OpLocalTee:
		i := c.u32(&p)
		t := c.local(i)
		c.pop(t)
		c.setLocal(i, t)
		if op == OpLocalTee {
			c.push(t)
		}
	case OpGlobalGet:
		i := c.u32(&p)
		if c.constant && v.globals[i].mutable {
			c.fail("constant expression required: global %d is mutable", i)
		}
		c.push(v.globals[i].t)
	case OpGlobalSet:
		i := c.u32(&p)
		if !v.globals[i].mutable {
			c.fail("global is immutable: %d", i)
		}
		c.pop(v.globals[i].t)

	case OpMemoryCopy:
		dst, src := v.memories[c.u32(&p)], v.memories[c.u32(&p)]
		c.pop(narrower(dst, src))
		c.pop(src)
		c.pop(dst)
	default:
		if op&^0xfff == PrefixGC {
			c.gc(op, p)
		} else {
			c.refOrTable(op, p)
		}
	}
}

// narrower is the type of a length that must fit both address types.
func narrower(a, b vt) vt {
	if a == vtI64 {
		return b
	}
	return a
}

// frameAt is the frame that label l, which is in scope, names.
func (c *checker) frameAt(l uint32) *frame { return &c.ctrls[len(c.ctrls)-1-int(l)] }

// tagParams are what an exception of the tag carries.
func (c *checker) tagParams(i uint32) []vt { return c.v.types[c.v.tags[i]].params }

// funcType is type i, which must be that of a function.
func (c *checker) funcType(i uint32) *compType {
	t := &c.v.types[i]
	if t.kind != CompFunc {
		c.fail("type mismatch: type %d is not a function type", i)
	}
	return t
}

// blockType reads a block type at p (spec: valid/instructions.html#block-types).
func (c *checker) blockType(p int) (params, results []vt, next int) {
	b := c.b[p]
	switch {
	case b == typeBlockEmpty:
		return nil, nil, p + 1
	case b&0xc0 == 0x40:
		t, next := c.valType(p)
		// Earlier frames keep what they have when this moves.
		c.single = append(c.single, t)
		n := len(c.single)
		return nil, c.single[n-1 : n : n], next
	}
	i, next := lebSigned(c.b, p, 33)
	t := c.funcType(c.v.canon[i])
	return t.params, t.results, next
}

// end closes the last frame.
func (c *checker) end() {
	f := c.popFrame()
	if f.op == OpIf && c.err == nil {
		// Without an else the parameters are the results.
		if len(f.params) != len(f.results) {
			c.fail("type mismatch: if without else has %d parameters and %d results", len(f.params), len(f.results))
		}
		for i, t := range f.results {
			if c.err == nil && !c.v.sub(f.params[i], t) {
				c.fail("type mismatch: if without else: expected %v, found %v", t, f.params[i])
			}
		}
	}
	if c.err == nil && len(c.ctrls) > 0 {
		c.pushAll(f.results)
	}
}

// brTable validates a br_table. Operands keep their own types from label to
// label: each label may want another supertype of them.
func (c *checker) brTable(p int) {
	c.pop(vtI32)
	n := c.u32(&p)
	last := p
	for range n {
		c.u32(&last)
	}
	fallback := c.frameAt(c.u32(&last)).label()
	previous := ^uint32(0)
	for range n {
		l := c.u32(&p)
		if l == previous || c.err != nil {
			continue
		}
		previous = l
		types := c.frameAt(l).label()
		if len(types) != len(fallback) {
			c.fail("type mismatch: br_table label %d takes %d operands, the default label %d", l, len(types), len(fallback))
			return
		}
		c.peekAll(types)
	}
	c.popAll(fallback)
	c.setUnreachable()
}

// catches validates the catch clauses of a try_table; their labels count from
// outside of it (spec: valid/instructions.html#catch-clauses).
func (c *checker) catches(p int) {
	for range c.u32(&p) {
		kind := c.b[p]
		p++
		var params []vt
		if kind == catchTag || kind == catchRef {
			params = c.tagParams(c.u32(&p))
		}
		label := c.frameAt(c.u32(&p)).label()
		n := len(params)
		if kind == catchRef || kind == catchAllRef {
			n++
		}
		if len(label) != n {
			c.fail("type mismatch: the catch clause gives %d operands, its label takes %d", n, len(label))
			return
		}
		for i, want := range label {
			t := vtExn
			if i < len(params) {
				t = params[i]
			}
			if !c.v.sub(t, want) {
				c.fail("type mismatch: the catch clause gives %v, its label takes %v", t, want)
				return
			}
		}
	}
}

// call validates a call or a tail call of a function of type t, once what
// names the function has been popped.
func (c *checker) call(t *compType, tail bool) {
	if !tail {
		c.popAll(t.params)
		c.pushAll(t.results)
		return
	}
	results := c.ctrls[0].results
	ok := len(t.results) == len(results)
	for i := 0; ok && i < len(results); i++ {
		ok = c.v.sub(t.results[i], results[i])
	}
	if !ok {
		c.fail("type mismatch: a tail call must have the results of its function")
	}
	c.popAll(t.params)
	c.setUnreachable()
}
