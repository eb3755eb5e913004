package adapter

import (
	"github.com/wbundle/wbundle/graph"
	"github.com/wbundle/wbundle/internal/component"
	"github.com/wbundle/wbundle/internal/ir"
	"github.com/wbundle/wbundle/internal/wasm"
)

// Strings move by shared helper functions, one for each pair of encodings,
// pair of memories and destination realloc. Each follows
// store_string_into_range of CanonicalABI.md call of realloc by call of
// realloc, because realloc belongs to the component, which can tell. The loops
// inside are helpers of their own that several pairs share; they know memories
// only, and of the windows of one memory not even that, because their addresses
// are those of the memory (ir.Builder.Base):
//
//	string.go         the way from a pair of encodings to its helper, what all
//	                  helpers check, copies between equal encodings
//	string_walk.go    loops over code units, one character of UTF-8 or UTF-16
//	string_vector.go  validation and widening by vectors
//	string_utf8.go    validation of UTF-8, and strings that become UTF-8
//	string_utf16.go   the same for UTF-16
//	string_latin1.go  strings that become Latin-1 or else tagged UTF-16
//
// A string that is not well-formed traps; nothing is repaired.

// utf16Tag in the length of a latin1+utf16 string says that its code units
// are UTF-16; without it they are Latin-1 (CanonicalABI.md, "Loading").
const utf16Tag = 1 << 31

// textForm is how the code units of a string at its source lie in memory.
type textForm uint8

const (
	formUTF8 textForm = iota
	formUTF16
	formLatin1 // latin1+utf16 without the tag
	formTagged // latin1+utf16 with it: UTF-16 that was chosen over Latin-1
)

// unit is the log2 of the size of a code unit.
func (t textForm) unit() uint32 {
	if t == formUTF16 || t == formTagged {
		return 1
	}
	return 0
}

// align is the alignment that the source must have. Either form of
// latin1+utf16 is aligned for the wider one.
func (t textForm) align() uint32 {
	if t == formUTF8 {
		return 1
	}
	return 2
}

func (t textForm) String() string {
	return [...]string{"utf8", "utf16", "latin1", "tagged utf16"}[t]
}

// stringPart tells the helpers of strings apart (helperKey.shape). Moves come
// first, one for each textForm.
type stringPart uint8

const (
	partMove   = stringPart(formTagged) + 1 + iota // latin1+utf16: moves Latin-1, calls another move for what is tagged
	partValid8                                     // the rest are the loops
	partASCII
	partNarrow
	partFrom16
	partFromLatin
	partValid16
	partTo16
	partWiden
	partLatin
)

// string moves a string by a shared helper.
func (f *fuser) string(src, dst place) error {
	ptr, n := f.pointerPair(src)
	f.b.Get(ptr, n)
	f.b.Call(f.stringMove())
	f.b.Set(n)
	f.b.Set(ptr)
	f.storePair(dst, ptr, n)
	f.b.Free(ptr, n)
	return nil
}

// pair is the type of moves: pointer and length in, pointer and length out.
var pair = []wasm.ValType{wasm.I32, wasm.I32}

// stringPiece returns a helper of strings. It is shared by everything that
// has the same memories and, where it allocates, realloc and encoding.
func (g *generator) stringPiece(part stringPart, from, to graph.Options, name string, params, results []wasm.ValType, build func(f *fuser)) graph.FuncID {
	key := helperKey{kind: helperString, shape: uint8(part), from: end{opts: from}, to: end{opts: to}}
	id, _ := g.helper(key, name, params, results, func(b *ir.Builder) error {
		build(&fuser{generator: g, b: b, from: key.from, to: key.to})
		return nil
	})
	return id
}

// loopPiece returns a loop from one memory into another. Windows of one memory
// share it; the memories of the first to ask stand for all of them.
func (g *generator) loopPiece(part stringPart, from, to graph.MemoryID, name string, params, results []wasm.ValType, build func(b *ir.Builder)) graph.FuncID {
	key := helperKey{kind: helperString, shape: uint8(part)}
	if !g.o.OneMemory {
		key.from.opts.Memory, key.to.opts.Memory = from, to
	}
	id, _ := g.helper(key, name, params, results, func(b *ir.Builder) error {
		build(b)
		return nil
	})
	return id
}

// stringMove returns the helper (pointer, tagged length) -> (pointer, tagged
// length) for strings between the ends of f.
func (f *fuser) stringMove() graph.FuncID {
	switch f.from.opts.Encoding {
	case component.UTF8:
		return f.formMove(formUTF8)
	case component.UTF16:
		return f.formMove(formUTF16)
	}
	from := graph.Options{Memory: memoryOf(f.from), Encoding: component.Latin1UTF16}
	return f.stringPiece(partMove, from, f.destination(), "move string latin1+utf16 -> "+f.to.opts.Encoding.String(), pair, pair, func(f *fuser) {
		b := f.b
		b.Get(textUnits)
		b.I32(utf16Tag)
		b.Op(wasm.OpI32And)
		b.If()
		b.Get(textSrc, textUnits)
		b.I32(utf16Tag)
		b.Op(wasm.OpI32Xor)
		b.Call(f.formMove(formTagged))
		b.Op(wasm.OpReturn)
		b.End()
		f.moveBody(formLatin1)
	})
}

// destination is what helpers need to know of the destination.
func (f *fuser) destination() graph.Options {
	o := f.to.opts
	return graph.Options{Memory: o.Memory, Realloc: o.Realloc, Encoding: o.Encoding}
}

// formMove returns the helper (pointer, code units) -> (pointer, tagged
// length) for strings of one form.
func (f *fuser) formMove(form textForm) graph.FuncID {
	to := f.destination()
	if form == formTagged && to.Encoding != component.Latin1UTF16 {
		form = formUTF16 // only there it matters that Latin-1 was not chosen
	}
	name := "move string " + form.String() + " -> " + to.Encoding.String()
	return f.stringPiece(stringPart(form), graph.Options{Memory: memoryOf(f.from)}, to, name, pair, pair, func(f *fuser) {
		f.moveBody(form)
	})
}

// moveBody moves a string of one form.
func (f *fuser) moveBody(form textForm) {
	m := &textMove{fuser: f, form: form}
	m.checkSource()
	switch to := f.to.opts.Encoding; {
	case to == component.UTF8 && form == formUTF8:
		m.copyText(1, f.validateUTF8Func(memoryOf(f.from)))
	case to == component.UTF8:
		m.growToUTF8()
	case to == component.UTF16 && form == formUTF8:
		m.utf8ToUTF16()
	case to == component.UTF16 && form == formUTF16:
		m.copyText(2, f.validateUTF16Func(memoryOf(f.from)))
	case to == component.UTF16:
		m.latin1ToUTF16()
	case form == formLatin1:
		m.copyText(2, 0) // every byte is a character
	case form == formTagged:
		m.probablyUTF16()
	default:
		m.latin1OrUTF16()
	}
}

// textMove builds the body of a move of one form of strings. Its locals are
// what the functions of CanonicalABI.md call src, src_code_units, the byte
// length of the source, and ptr.
type textMove struct {
	*fuser
	form  textForm
	bytes ir.Local // size of the source; the same local as units for one-byte units
	dst   ir.Local
}

// The parameters of a move.
const (
	textSrc   = ir.Local(0)
	textUnits = ir.Local(1)
)

// checkSource traps unless the source is short enough, aligned and in bounds.
// After it no size overflows: the worst case of any encoding is less than
// three times the limit.
func (m *textMove) checkSource() {
	b := m.b
	b.Get(textUnits)
	b.I32(maxByteLength >> m.form.unit())
	b.Op(wasm.OpI32GtU)
	b.TrapIf()
	m.checkAlign(textSrc, m.form.align())
	m.bytes = textUnits
	if m.form.unit() == 1 {
		m.bytes = m.double(textUnits)
	}
	m.checkBounds(textSrc, m.bytes, memoryOf(m.from))
}

// pushSrc pushes the address of the source in its memory.
func (m *textMove) pushSrc() {
	m.b.Get(textSrc)
	m.b.Base(memoryOf(m.from))
}

// pushDst pushes the address of the block in its memory.
func (m *textMove) pushDst() {
	m.b.Get(m.dst)
	m.b.Base(memoryOf(m.to))
}

// double returns a new local with twice l.
func (m *textMove) double(l ir.Local) ir.Local {
	d := m.b.Local(wasm.I32)
	m.b.Get(l)
	m.b.I32(1)
	m.b.Op(wasm.OpI32Shl)
	m.b.Set(d)
	return d
}

// allocate sets dst to a new block.
func (m *textMove) allocate(align uint32, size ir.Local) {
	m.dst = m.b.Local(wasm.I32)
	m.alloc(m.to, align, func() { m.b.Get(size) })
	m.placed(align, size)
}

// reallocate resizes the block at dst.
func (m *textMove) reallocate(old ir.Local, align uint32, size ir.Local) {
	m.b.Get(m.dst, old)
	m.b.I32(align)
	m.b.Get(size)
	m.b.Call(m.to.opts.Realloc)
	m.placed(align, size)
}

// placed takes what realloc returned for dst and traps unless a block of that
// size can be there.
func (m *textMove) placed(align uint32, size ir.Local) {
	m.b.Set(m.dst)
	m.checkAlign(m.dst, align)
	m.checkBounds(m.dst, size, memoryOf(m.to))
}

// shrink gives back what of the block at dst is not used.
func (m *textMove) shrink(old ir.Local, align uint32, size ir.Local) {
	m.b.Get(size, old)
	m.b.Op(wasm.OpI32LtU)
	m.b.If()
	m.reallocate(old, align, size)
	m.b.End()
}

// copyBytes copies the first n bytes.
func (m *textMove) copyBytes(n ir.Local) {
	m.pushDst()
	m.pushSrc()
	m.b.Get(n)
	m.b.RawCopy(memoryOf(m.to), memoryOf(m.from))
}

// copyText is store_string_copy for equal encodings: once the source is known
// to be well-formed it is one block of the same size. validate is the helper
// (ptr, bytes) that traps if it is not; 0: there is nothing to validate.
func (m *textMove) copyText(align uint32, validate graph.FuncID) {
	b := m.b
	if validate != 0 {
		m.pushSrc()
		b.Get(m.bytes)
		b.Call(validate)
	}
	m.allocate(align, m.bytes)
	m.copyBytes(m.bytes)
	b.Get(m.dst, textUnits)
}
