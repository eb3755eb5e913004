package wasm

// Access is what an instruction with a memarg does to memory and the stack.
type Access struct {
	// Bytes is how many bytes of memory it reads or writes.
	Bytes uint32
	// Operands are the types of the operands above the address, the topmost
	// last; the first Count are valid: none of a load, one of a store, two of
	// a compare-and-exchange.
	Operands [2]ValKind
	Count    int
}

// Access describes op, which must be an instruction with a memarg.
func (op Opcode) Access() Access {
	sig := op.sig()
	a := Access{Bytes: 1 << sig.align}
	for _, kind := range sig.types[1:sig.in] {
		a.Operands[a.Count] = ValKind(kind)
		a.Count++
	}
	return a
}

// Locals is the number of locals that a scanned body declares, parameters not
// counted.
func (b *Body) Locals() uint32 {
	runs, p := lebU32(b.Bytes, 0)
	total := uint32(0)
	for range runs {
		var n uint32
		n, p = lebU32(b.Bytes, p)
		p = skipValType(b.Bytes, p)
		total += n
	}
	return total
}
