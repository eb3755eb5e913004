package wasm

// exprReader reads the constant expressions of one section. They share a
// scanner and the memory of their sites.
type exprReader struct {
	r *Reader
	s *scanner
	a arena
}

func (m *Module) newExprReader(r *Reader) *exprReader {
	return &exprReader{r: r, s: m.newScanner(r.section), a: arena{left: r.Len()}}
}

// read reads one constant expression.
func (x *exprReader) read() Expr {
	r := x.r
	if r.err != nil {
		return Expr{}
	}
	off := r.Offset()
	x.s.sites = x.a.open(0)
	n := x.s.constExpr(r.b[r.pos:], int(off))
	if n < 0 {
		r.err = x.s.err
		r.b = r.b[:r.pos]
		return Expr{}
	}
	return Expr{Bytes: r.Bytes(n), Sites: x.a.close(x.s.sites, n), Off: int(off)}
}

// The bits of the flags of an element segment.
const (
	elemNotActive = 1 << 0
	// elemExplicit: of an active segment, the table index is written; of
	// another, it is declarative.
	elemExplicit = 1 << 1
	elemExprs    = 1 << 2
)

func (m *Module) decodeElems(r *Reader) {
	n := r.Vec(3)
	m.Elems = make([]Elem, 0, n)
	exprs := m.newExprReader(r)
	for range n {
		e := m.decodeElem(r, exprs)
		if r.err != nil {
			return
		}
		m.Elems = append(m.Elems, e)
	}
}

func (m *Module) decodeElem(r *Reader, exprs *exprReader) Elem {
	e := Elem{Off: int(r.Offset())}
	e.Flags = r.U32()
	if e.Flags > elemNotActive|elemExplicit|elemExprs {
		r.FailAt(int64(e.Off), "malformed elements segment kind %d", e.Flags)
	}
	e.UsesExprs = e.Flags&elemExprs != 0
	switch {
	case e.Flags&elemNotActive == 0:
		if e.Flags&elemExplicit != 0 {
			e.Table = m.index(r, SpaceTable, "table")
		} else if m.Count(SpaceTable) == 0 {
			r.Failf("unknown table 0 (there are 0)")
		}
		e.Offset = exprs.read()
	case e.Flags&elemExplicit != 0:
		e.Mode = SegmentDeclarative
	default:
		e.Mode = SegmentPassive
	}
	// Only the forms for passive, declarative and explicit-table segments
	// write the type.
	typed := e.Flags&(elemNotActive|elemExplicit) != 0
	if !e.UsesExprs {
		e.Type = ValType{Kind: KindRef, Heap: HeapFunc}
		if typed {
			off := r.Offset()
			if c := r.Byte(); c != 0 {
				r.FailAt(off, "malformed element kind 0x%02x", c)
			}
		}
		n := r.Vec(1)
		e.Funcs = make([]uint32, 0, n)
		funcs := m.Count(SpaceFunc)
		for range n {
			off := r.Offset()
			f := r.U32()
			if f >= funcs {
				r.FailAt(off, "unknown function %d (there are %d)", f, funcs)
				return e
			}
			e.Funcs = append(e.Funcs, f)
		}
		return e
	}
	e.Type = FuncRef
	if typed {
		e.Type = r.RefType()
	}
	n := r.Vec(2)
	e.Exprs = make([]Expr, 0, n)
	for range n {
		x := exprs.read()
		if r.err != nil {
			return e
		}
		e.Exprs = append(e.Exprs, x)
	}
	return e
}

func (m *Module) decodeDatas(r *Reader) {
	off := r.Offset()
	n := r.Vec(2)
	if r.err == nil && m.HasDataCount && int(m.DataCount) != n {
		r.FailAt(off, "data count and data section have inconsistent lengths: %d declared, %d present", m.DataCount, n)
		return
	}
	m.Datas = make([]Data, 0, n)
	exprs := m.newExprReader(r)
	for range n {
		d := m.decodeData(r, exprs)
		if r.err != nil {
			return
		}
		m.Datas = append(m.Datas, d)
	}
}

func (m *Module) decodeData(r *Reader, exprs *exprReader) Data {
	d := Data{Off: int(r.Offset())}
	flags := r.U32()
	switch flags {
	case 0:
		if m.Count(SpaceMemory) == 0 {
			r.Failf("unknown memory 0 (there are 0)")
		}
		d.setOffset(exprs.read())
	case 1:
		d.Mode = SegmentPassive
	case 2:
		d.Flags = 2
		d.Memory = m.index(r, SpaceMemory, "memory")
		d.setOffset(exprs.read())
	default:
		r.FailAt(int64(d.Off), "malformed data segment flags %d", flags)
	}
	d.Flags = uint8(flags)
	d.Init = r.Bytes(int(r.U32()))
	return d
}

// setOffset sets the offset of an active segment whose other fields are known.
func (d *Data) setOffset(e Expr) {
	if len(e.Bytes) > 2 {
		switch op := Opcode(e.Bytes[0]); op {
		case OpI32Const, OpI64Const:
			d.At, _ = ReadS64(e.Bytes[1:])
			if d.Wide = op == OpI64Const; d.sizeOffset() == len(e.Bytes) {
				return
			}
		}
	}
	d.At, d.Wide, d.Offset = 0, false, &e
}

// appendOffset appends the offset of an active segment.
func (d *Data) appendOffset(dst []byte) []byte {
	if d.Offset != nil {
		return append(dst, d.Offset.Bytes...)
	}
	op := OpI32Const
	if d.Wide {
		op = OpI64Const
	}
	return append(AppendS64(append(dst, byte(op)), d.At), byte(OpEnd))
}

// sizeOffset is the number of bytes that appendOffset appends.
func (d *Data) sizeOffset() int {
	if d.Offset != nil {
		return len(d.Offset.Bytes)
	}
	n := 3
	for v := d.At; v < -64 || v > 63; v >>= 7 {
		n++
	}
	return n
}

// OffsetExpr is the expression of the offset of an active segment. Where it is
// in the input is only known to within the padding of what comes before.
func (d *Data) OffsetExpr() *Expr {
	if d.Offset != nil {
		return d.Offset
	}
	off := d.Off + 1
	if d.Flags == 2 {
		off += sizeU32(d.Memory)
	}
	return &Expr{Bytes: d.appendOffset(nil), Off: off}
}

// OffsetI32 is the offset of an active segment, if that is one i32.const.
func (d *Data) OffsetI32() (at uint32, ok bool) {
	if d.Offset != nil {
		return d.Offset.ConstI32()
	}
	return uint32(d.At), !d.Wide
}
