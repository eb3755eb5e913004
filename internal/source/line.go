package source

import (
	"encoding/binary"

	"github.com/wbundle/wbundle/internal/wasm"
)

// The forms of attributes in the header of a line table (DWARF 5, 7.5.6).
const (
	formBlock    = 0x09
	formData2    = 0x05
	formData4    = 0x06
	formData8    = 0x07
	formData1    = 0x0b
	formString   = 0x08
	formStrp     = 0x0e
	formUdata    = 0x0f
	formData16   = 0x1e
	formLineStrp = 0x1f
)

// fits reports whether the header of a line table has as many directories and
// files as it says. debug/dwarf makes room for that many before it reads them,
// which for a wrong number is all the memory there is.
func (r *reader) fits(off int64) bool {
	if off < 0 || off > int64(len(r.line)) {
		return false
	}
	h := wasm.NewReader("", ".debug_line", r.line[off:], off)
	offset := 4 // the size of offsets: 8 in 64-bit DWARF
	if b := h.Bytes(4); b != nil && binary.LittleEndian.Uint32(b) == 0xffffffff {
		h.Bytes(8)
		offset = 8
	}
	if b := h.Bytes(2); b == nil || binary.LittleEndian.Uint16(b) < 5 {
		return b != nil // before DWARF 5 the lists had an end and no count
	}
	h.Bytes(2 + offset + 5) // sizes, the length of the header, and what programs count in
	opcodes := int(h.Byte())
	h.Bytes(max(opcodes-1, 0))
	for range 2 { // directories, then files
		forms := make([]uint32, h.Byte())
		for i := range forms {
			h.U32() // what it is about
			forms[i] = h.U32()
		}
		n := int(h.U32())
		if h.Err() != nil || n > h.Len() {
			return false
		}
		for range n {
			before := h.Len()
			for _, form := range forms {
				if !skip(h, form, offset) {
					return false
				}
			}
			if h.Err() != nil || h.Len() == before {
				return false
			}
		}
	}
	return true
}

// skip skips an attribute. It does not know the forms that no compiler uses
// there.
func skip(h *wasm.Reader, form uint32, offset int) bool {
	switch form {
	case formString:
		for h.Err() == nil && h.Byte() != 0 {
		}
	case formStrp, formLineStrp:
		h.Bytes(offset)
	case formData1:
		h.Byte()
	case formData2:
		h.Bytes(2)
	case formData4:
		h.Bytes(4)
	case formData8:
		h.Bytes(8)
	case formData16:
		h.Bytes(16)
	case formUdata:
		h.U64()
	case formBlock:
		h.Bytes(int(h.U32()))
	default:
		return false
	}
	return true
}
