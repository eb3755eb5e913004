package gen

import (
	"encoding/binary"
	"math"
	"unicode/utf16"

	"github.com/wbundle/wbundle/internal/component"
	"github.com/wbundle/wbundle/internal/wasm"
)

// image makes up what the memory of a guest holds when it passes values: each
// value in one of the forms the canonical ABI gives it, the odd ones included.
// A bool may be 2, a small integer have bits above it, padding anything. With
// bad set some of it is invalid.
type image struct {
	Source
	enc component.Encoding
	bad bool
	// spent says that the image has its fault already.
	spent bool
	buf   []byte
	// handle makes an index of a handle.
	handle func(t *component.ValType) uint32
}

// padding is what an image holds where no value is.
const padding = 0xa5

// wrong reports true where something invalid is due: once as a rule, because
// of several faults the first hides the others.
func (im *image) wrong() bool {
	if !im.bad || im.spent || !oneIn(im, 8) {
		return false
	}
	im.spent = im.IntN(4) != 0
	return true
}

// alloc returns the address of a new block, or false when the image is full.
func (im *image) alloc(size, align uint32) (uint32, bool) {
	at := (uint32(len(im.buf)) + align - 1) &^ (align - 1)
	if im.IntN(2) == 1 {
		at += align // aligned, and no more than that
	}
	if at+size > ImageSize {
		return ImageAt, false
	}
	for uint32(len(im.buf)) < at+size {
		im.buf = append(im.buf, padding)
	}
	return ImageAt + at, true
}

// put writes the low bytes of x.
func (im *image) put(at, size uint32, x uint64) {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], x)
	copy(im.buf[at-ImageAt:], b[:size])
}

// address returns ptr, or an address where nothing of the size can be.
func (im *image) address(ptr, size, align uint32) uint32 {
	if !im.wrong() {
		return ptr
	}
	const end = minPages << 16 // at least
	switch im.IntN(5) {
	case 0:
		return ptr + 1 // where align is 1 this is another place, no wrong one
	case 1:
		return ptr + align/2
	case 2:
		return -align
	case 3:
		return end*16 - size + align
	}
	return end - size
}

// length returns n, or a length that nothing can have.
func (im *image) length(n uint32) uint32 {
	if !im.wrong() {
		return n
	}
	lengths := [...]uint32{1 << 28, 1<<28 - 1, math.MaxInt32, math.MaxUint32, 1 << 31, 1 << 30, 1 << 29, n + 1}
	return lengths[im.IntN(len(lengths))]
}

// word is the bits of a scalar as a core value; what is above its size counts
// for nothing.
func (im *image) word(t *component.ValType) uint64 {
	switch t.Kind {
	case component.KindBool:
		return [...]uint64{0, 1, 1, 2, 0x80, 0x100, 0xff}[im.IntN(7)]
	case component.KindF32:
		x := uint32(im.bits())
		if f := math.Float32frombits(x); f != f || oneIn(im, 8) {
			x = 0x7fc00000 // others may become this one
		}
		return uint64(x)
	case component.KindF64:
		x := im.bits()
		if f := math.Float64frombits(x); f != f || oneIn(im, 8) {
			x = 0x7ff8000000000000
		}
		return x
	case component.KindChar:
		if im.bad && oneIn(im, 4) {
			return [...]uint64{0xd800, 0xdfff, 0xdc00, 0x110000, 0x11d800, 0x11dfff, math.MaxUint32, 0x80000000}[im.IntN(8)]
		}
		return [...]uint64{'a', 0, 0x7f, 0xff, 0xd7ff, 0xe000, 0xffff, 0x10000, 0x10ffff}[im.IntN(9)]
	case component.KindOwn, component.KindBorrow:
		i := im.handle(t)
		if im.wrong() {
			i = [...]uint32{0, i + 1, 100, math.MaxUint32, 1 << 28}[im.IntN(5)]
		}
		return uint64(i)
	}
	return im.bits()
}

func (im *image) bits() uint64 {
	edges := [...]uint64{0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, math.MaxInt32, 1 << 31, math.MaxUint32, 1 << 63, math.MaxUint64, 0x0123456789abcdef}
	if i := im.IntN(len(edges) + 4); i < len(edges) {
		return edges[i]
	}
	return uint64(im.IntN(1<<30)) * 0x9e3779b97f4a7c15
}

// caseOf draws a case of t, and its discriminant.
func (im *image) caseOf(t *component.ValType) (i int, disc uint64) {
	n := len(t.CaseList())
	i = im.IntN(n)
	if n > 6 && im.IntN(2) == 0 {
		i = [...]int{n - 1, 0, min(n-1, 255), min(n-1, 256)}[im.IntN(4)]
	}
	if im.wrong() {
		return i, [...]uint64{uint64(n), uint64(n) + 1, 0xff, 0xffff, math.MaxUint32}[im.IntN(5)]
	}
	return i, uint64(i)
}

// store writes a value of type t at an address of the image.
func (im *image) store(t *component.ValType, at uint32) {
	switch t.Kind {
	case component.KindString, component.KindList:
		ptr, n := im.pointer(t)
		im.put(at, 4, uint64(ptr))
		im.put(at+4, 4, uint64(n))
	case component.KindFixedList:
		for i := range t.Len {
			im.store(t.Elem, at+i*t.Elem.Size())
		}
	case component.KindRecord, component.KindTuple:
		for i, f := range t.Fields {
			im.store(f.Type, at+t.FieldOffset(i))
		}
	case component.KindVariant, component.KindEnum, component.KindOption, component.KindResult:
		i, disc := im.caseOf(t)
		im.put(at, t.DiscSize(), disc)
		if pt := t.CaseList()[i].Type; pt != nil {
			im.store(pt, at+t.PayloadOffset())
		}
	default:
		im.put(at, t.Size(), im.word(t))
	}
}

// flat appends the core values of a value of type t.
func (im *image) flat(out []uint64, t *component.ValType) []uint64 {
	switch t.Kind {
	case component.KindString, component.KindList:
		ptr, n := im.pointer(t)
		return append(out, uint64(ptr), uint64(n))
	case component.KindFixedList:
		for range t.Len {
			out = im.flat(out, t.Elem)
		}
		return out
	case component.KindRecord, component.KindTuple:
		for _, f := range t.Fields {
			out = im.flat(out, f.Type)
		}
		return out
	case component.KindVariant, component.KindEnum, component.KindOption, component.KindResult:
		i, disc := im.caseOf(t)
		first, types := len(out), t.Flat()
		out = append(out, disc)
		if pt := t.CaseList()[i].Type; pt != nil {
			out = im.flat(out, pt)
			for k, ft := range pt.Flat() {
				// Above a value in a slot that has room for a wider one there
				// may be anything.
				if join := types[1+k]; join == wasm.I64 && ft != wasm.I64 && ft != wasm.F64 {
					out[first+1+k] = out[first+1+k]&math.MaxUint32 | uint64(im.IntN(3))<<32
				}
			}
		}
		for len(out) < first+len(types) {
			ft := types[len(out)-first]
			x := uint64(padding * im.IntN(2))
			if ft == wasm.F32 || ft == wasm.F64 {
				x = 0
			}
			out = append(out, x)
		}
		return out
	}
	return append(out, im.word(t))
}

// values makes the core values that stand for values of the given types: one
// pointer to a tuple of them where there are more than most.
func (im *image) values(types []*component.ValType, most int) []uint64 {
	n := 0
	for _, t := range types {
		n += t.FlatCount()
	}
	if n > most {
		t := types[0]
		if most == component.MaxFlatParams {
			t = component.NewTuple(types...)
		}
		at, _ := im.alloc(t.Size(), t.Align())
		im.store(t, at)
		return []uint64{uint64(im.address(at, t.Size(), t.Align()))}
	}
	var out []uint64
	for _, t := range types {
		out = im.flat(out, t)
	}
	return out
}

// pointer makes a string or list, and returns its address and length.
func (im *image) pointer(t *component.ValType) (ptr, n uint32) {
	if t.Kind == component.KindString {
		return im.text()
	}
	elem := t.Elem
	n = uint32(im.IntN(4))
	if elem.Size() <= 16 && !elem.ContainsPointers() && !elem.ContainsHandles() && oneIn(im, 3) {
		n = uint32(im.IntN(70))
	}
	ptr, ok := im.alloc(n*elem.Size(), elem.Align())
	if !ok {
		return ptr, 0
	}
	for i := range n {
		im.store(elem, ptr+i*elem.Size())
	}
	return im.address(ptr, n*elem.Size(), elem.Align()), im.length(n)
}

// alphabets are ranges of characters that some encoding tells apart.
var alphabets = [...][2]rune{{' ', 0x7e}, {0xa0, 0xff}, {0x100, 0x7ff}, {0x800, 0xd7ff}, {0xe000, 0xffff}, {0x10000, 0x10ffff}, {0, 0x7f}}

// text makes a string in the encoding of the image.
func (im *image) text() (ptr, n uint32) {
	var runes []rune
	latin := true
	for range im.IntN(4) {
		a := alphabets[im.IntN(len(alphabets))]
		latin = latin && a[1] <= 0xff
		length := im.IntN(5)
		if oneIn(im, 3) {
			length = [...]int{7, 8, 15, 16, 17, 31, 33, 64, 130}[im.IntN(9)]
		}
		for i := range length {
			runes = append(runes, a[0]+rune(i*37)%(a[1]-a[0]+1))
		}
	}
	var b []byte
	align := uint32(2)
	switch {
	case im.enc == component.UTF8:
		b, align = []byte(string(runes)), 1
		n = uint32(len(b))
	case im.enc == component.Latin1UTF16 && latin && im.IntN(2) == 0:
		for _, r := range runes {
			b = append(b, byte(r))
		}
		n = uint32(len(b))
	default:
		for _, u := range utf16.Encode(runes) {
			b = binary.LittleEndian.AppendUint16(b, u)
		}
		n = uint32(len(b) / 2)
		if im.enc == component.Latin1UTF16 {
			n |= 1 << 31
		}
	}
	if len(b) > 0 && im.wrong() {
		im.spoil(b)
	}
	ptr, ok := im.alloc(uint32(len(b)), align)
	if !ok {
		return ptr, 0
	}
	copy(im.buf[ptr-ImageAt:], b)
	return im.address(ptr, uint32(len(b)), align), im.length(n)
}

// spoil writes into text what the encoding has not, mostly.
func (im *image) spoil(b []byte) {
	at := im.IntN(len(b))
	if im.enc == component.UTF8 {
		bad := [...]string{"\x80", "\xff", "\xc0\x80", "\xc3", "\xe0\x80\x80", "\xed\xa0\x80", "\xe2\x82", "\xf0\x80\x80\x80", "\xf4\x90\x80\x80", "\xf0\x9f\x98", "\xf8"}
		copy(b[at:], bad[im.IntN(len(bad))])
		return
	}
	if at &^= 1; at+2 <= len(b) {
		binary.LittleEndian.PutUint16(b[at:], [...]uint16{0xd800, 0xdc00, 0xdbff, 0xdfff}[im.IntN(4)])
	}
}
