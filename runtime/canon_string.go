package runtime

import (
	"encoding/binary"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/wbundle/wbundle/internal/component"
	"github.com/wbundle/wbundle/internal/wit"
)

// utf16Tag in the length of a latin1+utf16 string says that the units are
// UTF-16; without it they are Latin-1 (CanonicalABI.md, "Loading").
const utf16Tag = 1 << 31

// loadString reads the string of n tagged code units at ptr.
func (c *canon) loadString(ptr, n uint32) wit.Value {
	wide, units := false, n
	align, size := uint32(1), uint64(n)
	switch c.enc {
	case component.UTF16:
		wide, align = true, 2
	case component.Latin1UTF16:
		align = 2
		if n&utf16Tag != 0 {
			wide, units = true, n&^utf16Tag
		}
		size = uint64(units)
	}
	if wide {
		size *= 2
	}
	if size > maxByteLength {
		trapf("a string of %d bytes is too long", size)
	}
	c.check(ptr, align, size, "string")
	b := c.read(ptr, uint32(size))
	switch {
	case wide:
		src := wit.SourceUTF16
		if c.enc == component.Latin1UTF16 {
			src = wit.SourceTaggedUTF16
		}
		return wit.StringFrom(decodeUTF16(b), src)
	case c.enc == component.Latin1UTF16:
		out := make([]byte, 0, len(b))
		for _, x := range b {
			out = utf8.AppendRune(out, rune(x))
		}
		return wit.StringFrom(string(out), wit.SourceLatin1)
	}
	if !utf8.Valid(b) {
		trapf("a string is not valid UTF-8")
	}
	return wit.String(string(b))
}

func decodeUTF16(b []byte) string {
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); i += 2 {
		r := rune(binary.LittleEndian.Uint16(b[i:]))
		if utf16.IsSurrogate(r) {
			low := rune(0)
			if i+4 <= len(b) {
				low = rune(binary.LittleEndian.Uint16(b[i+2:]))
			}
			pair := utf16.DecodeRune(r, low)
			// DecodeRune answers U+FFFD for what is no pair; no pair means U+FFFD.
			if pair == utf8.RuneError {
				trapf("a string is not valid UTF-16")
			}
			r, i = pair, i+2
		}
		out = utf8.AppendRune(out, r)
	}
	return string(out)
}

func encodeUTF16(s string) []byte {
	b := make([]byte, 0, 2*len(s))
	for _, r := range s {
		if r >= 0x10000 {
			hi, lo := utf16.EncodeRune(r)
			b = binary.LittleEndian.AppendUint16(b, uint16(hi))
			r = lo
		}
		b = binary.LittleEndian.AppendUint16(b, uint16(r))
	}
	return b
}

// encodeLatin1 stops at the first character that is not in Latin-1.
func encodeLatin1(s string) (b []byte, all bool) {
	b = make([]byte, 0, len(s))
	for _, r := range s {
		if r > 0xff {
			return b, false
		}
		b = append(b, byte(r))
	}
	return b, true
}

// sourceUnits is the number of code units the string had where it was lifted.
func sourceUnits(v wit.Value) int {
	switch v.Source() {
	case wit.SourceUTF16, wit.SourceTaggedUTF16:
		n := 0
		for _, r := range v.Text() {
			n += utf16.RuneLen(r)
		}
		return n
	case wit.SourceLatin1:
		return utf8.RuneCountInString(v.Text())
	}
	return len(v.Text())
}

// storeString is store_string_into_range of CanonicalABI.md: it allocates and
// writes the string in the encoding of c and returns its address and tagged
// length. The specification allocates in steps that depend on how the string
// was encoded at its source; realloc belongs to the component, which can tell.
//
// The limit is on the source, and no size that follows from one within it
// overflows: the worst case is three times as much.
func (c *canon) storeString(v wit.Value) (ptr, tagged uint32) {
	s, src := v.Text(), v.Source()
	units := sourceUnits(v)
	if units > maxByteLength {
		trapf("a string of %d code units is too long", units)
	}
	switch c.enc {
	case component.UTF8:
		switch src {
		case wit.SourceUTF8:
			return c.copyString([]byte(s), 1), uint32(len(s))
		case wit.SourceLatin1:
			return c.growToUTF8(s, units, 2*units)
		}
		return c.growToUTF8(s, units, 3*units)
	case component.UTF16:
		if src != wit.SourceUTF8 {
			b := encodeUTF16(s)
			return c.copyString(b, 2), uint32(len(b) / 2)
		}
		ptr = c.alloc(2, uint32(2*units), "string")
		b := encodeUTF16(s)
		ptr = c.shrink(ptr, 2*units, b, 2)
		return ptr, uint32(len(b) / 2)
	}
	switch src {
	case wit.SourceLatin1:
		b, _ := encodeLatin1(s)
		return c.copyString(b, 2), uint32(len(b))
	case wit.SourceTaggedUTF16:
		return c.probablyUTF16(s, units)
	}
	return c.latin1OrUTF16(s, units)
}

// copyString is store_string_copy.
func (c *canon) copyString(b []byte, align uint32) uint32 {
	ptr := c.alloc(align, uint32(len(b)), "string")
	copy(c.read(ptr, uint32(len(b))), b)
	return ptr
}

// resize calls realloc for an existing block and checks what it returned.
func (c *canon) resize(ptr uint32, old int, align uint32, size int) uint32 {
	ptr = c.realloc(ptr, uint32(old), align, uint32(size))
	c.check(ptr, align, uint64(size), "string from realloc")
	return ptr
}

// shrink writes b into the block of size bytes at ptr and gives back the rest.
func (c *canon) shrink(ptr uint32, size int, b []byte, align uint32) uint32 {
	copy(c.read(ptr, uint32(len(b))), b)
	if len(b) < size {
		ptr = c.resize(ptr, size, align, len(b))
	}
	return ptr
}

// growToUTF8 is store_string_to_utf8: one byte for each unit may do. After it
// grew, the block has the ASCII prefix because realloc keeps what it had.
func (c *canon) growToUTF8(s string, units, worst int) (ptr, n uint32) {
	ptr = c.alloc(1, uint32(units), "string")
	ascii := 0
	for ascii < len(s) && s[ascii] < utf8.RuneSelf {
		ascii++
	}
	copy(c.read(ptr, uint32(ascii)), s[:ascii])
	if ascii < len(s) {
		ptr = c.resize(ptr, units, 1, worst)
		copy(c.read(ptr+uint32(ascii), uint32(len(s)-ascii)), s[ascii:])
		if worst > len(s) {
			ptr = c.resize(ptr, worst, 1, len(s))
		}
	}
	return ptr, uint32(len(s))
}

// latin1OrUTF16 is store_string_to_latin1_or_utf16: Latin-1 until a character
// does not fit.
func (c *canon) latin1OrUTF16(s string, units int) (ptr, tagged uint32) {
	ptr = c.alloc(2, uint32(units), "string")
	narrow, all := encodeLatin1(s)
	if all {
		ptr = c.shrink(ptr, units, narrow, 2)
		return ptr, uint32(len(narrow))
	}
	copy(c.read(ptr, uint32(len(narrow))), narrow)
	ptr = c.resize(ptr, units, 2, 2*units)
	b := encodeUTF16(s)
	// The prefix is inflated from what is in the block, as realloc kept it.
	for i, x := range c.read(ptr, uint32(len(narrow))) {
		b[2*i], b[2*i+1] = x, 0
	}
	ptr = c.shrink(ptr, 2*units, b, 2)
	return ptr, uint32(len(b)/2) | utf16Tag
}

// probablyUTF16 is store_probably_utf16_to_latin1_or_utf16: a tagged string
// is expected to need its tag again. Where it does not, the specification
// passes an alignment of 1 to realloc; wasmtime passes 2, and the block of a
// latin1+utf16 string must have it.
func (c *canon) probablyUTF16(s string, units int) (ptr, tagged uint32) {
	b := encodeUTF16(s)
	ptr = c.copyString(b, 2)
	narrow, all := encodeLatin1(s)
	if !all {
		return ptr, uint32(units) | utf16Tag
	}
	copy(c.read(ptr, uint32(len(narrow))), narrow)
	ptr = c.resize(ptr, len(b), 2, len(narrow))
	return ptr, uint32(len(narrow))
}
