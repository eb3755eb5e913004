package wasm

// LEB128 integers (spec: binary/values.html#integers). The readers take a
// slice and a position and return the value and the position after it, or one
// of the negative codes below; they never allocate, which is why the scan can
// use them directly and Reader wraps them.
const (
	lebEnd   = -1 // ran out of bytes
	lebLong  = -2 // more bytes than ceil(N/7)
	lebLarge = -3 // unused bits of the last byte are not zero or sign
)

// lebMessage is the specification's wording for a negative position.
func lebMessage(code int) string {
	switch code {
	case lebLong:
		return "integer representation too long"
	case lebLarge:
		return "integer too large"
	}
	return "unexpected end in an integer"
}

func lebU32(b []byte, p int) (uint32, int) {
	var v uint32
	for shift := uint(0); ; shift += 7 {
		if uint(p) >= uint(len(b)) {
			return 0, lebEnd
		}
		c := b[p]
		p++
		if shift == 28 {
			if c >= 0x80 {
				return 0, lebLong
			}
			if c > 0x0f {
				return 0, lebLarge
			}
			return v | uint32(c)<<28, p
		}
		v |= uint32(c&0x7f) << shift
		if c < 0x80 {
			return v, p
		}
	}
}

func lebU64(b []byte, p int) (uint64, int) {
	var v uint64
	for shift := uint(0); ; shift += 7 {
		if uint(p) >= uint(len(b)) {
			return 0, lebEnd
		}
		c := b[p]
		p++
		if shift == 63 {
			if c >= 0x80 {
				return 0, lebLong
			}
			if c > 1 {
				return 0, lebLarge
			}
			return v | uint64(c)<<63, p
		}
		v |= uint64(c&0x7f) << shift
		if c < 0x80 {
			return v, p
		}
	}
}

// lebSigned reads an sN; N is 32, 33 or 64.
func lebSigned(b []byte, p int, bits uint) (int64, int) {
	var v int64
	last := (bits - 1) / 7 * 7 // shift of the last byte allowed
	for shift := uint(0); ; shift += 7 {
		if uint(p) >= uint(len(b)) {
			return 0, lebEnd
		}
		c := b[p]
		p++
		if shift == last {
			if c >= 0x80 {
				return 0, lebLong
			}
			// The value's own top bit and the unused bits above it
			// must agree.
			used := bits - last
			if top := int8(c<<1) >> used; top != 0 && top != -1 {
				return 0, lebLarge
			}
		}
		v |= int64(c&0x7f) << shift
		if c < 0x80 {
			if c&0x40 != 0 && shift+7 < 64 {
				v |= -1 << (shift + 7)
			}
			return v, p
		}
	}
}

// ReadU32 reads a u32 at the start of b and returns it with the number of
// bytes it takes, 0 when it is malformed or cut off.
func ReadU32(b []byte) (v uint32, n int) {
	v, n = lebU32(b, 0)
	return v, max(n, 0)
}

// ReadU64 is ReadU32 for a u64.
func ReadU64(b []byte) (v uint64, n int) {
	v, n = lebU64(b, 0)
	return v, max(n, 0)
}

// ReadS32 is ReadU32 for an s32.
func ReadS32(b []byte) (v int32, n int) {
	w, n := lebSigned(b, 0, 32)
	return int32(w), max(n, 0)
}

// ReadS33 is ReadU32 for an s33.
func ReadS33(b []byte) (v int64, n int) {
	v, n = lebSigned(b, 0, 33)
	return v, max(n, 0)
}

// ReadS64 is ReadU32 for an s64.
func ReadS64(b []byte) (v int64, n int) {
	v, n = lebSigned(b, 0, 64)
	return v, max(n, 0)
}

// AppendU32 appends v as a LEB128 u32 of minimal length.
func AppendU32(dst []byte, v uint32) []byte {
	for v >= 0x80 {
		dst = append(dst, byte(v)|0x80)
		v >>= 7
	}
	return append(dst, byte(v))
}

// AppendU64 appends v as a LEB128 u64 of minimal length.
func AppendU64(dst []byte, v uint64) []byte {
	for v >= 0x80 {
		dst = append(dst, byte(v)|0x80)
		v >>= 7
	}
	return append(dst, byte(v))
}

// AppendS32 appends v as a LEB128 s32 of minimal length.
func AppendS32(dst []byte, v int32) []byte { return AppendS64(dst, int64(v)) }

// AppendS33 appends v, which must be in [-2^32, 2^32), as a LEB128 s33 of
// minimal length.
func AppendS33(dst []byte, v int64) []byte { return AppendS64(dst, v) }

// AppendS64 appends v as a LEB128 s64 of minimal length.
func AppendS64(dst []byte, v int64) []byte {
	for v < -0x40 || v >= 0x40 {
		dst = append(dst, byte(v)|0x80)
		v >>= 7
	}
	return append(dst, byte(v)&0x7f)
}

// AppendName appends s as a name: its length in bytes, then its bytes.
func AppendName(dst []byte, s string) []byte {
	return append(AppendU32(dst, uint32(len(s))), s...)
}

// AppendBytes appends b as a vector of bytes: its length, then its bytes.
func AppendBytes(dst, b []byte) []byte {
	return append(AppendU32(dst, uint32(len(b))), b...)
}

// sizeU32 is the number of bytes AppendU32 appends.
func sizeU32(v uint32) int {
	n := 1
	for v >= 0x80 {
		v >>= 7
		n++
	}
	return n
}
