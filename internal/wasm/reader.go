package wasm

import (
	"fmt"
	"unicode/utf8"
)

// Reader is a bounds-checked cursor over part of an input.
//
// Errors are sticky: the first read that fails records an *Error with the
// position at which it failed; from then on Len is 0, every read returns a
// zero value, and the first error stays. So a caller reads a whole construct
// and looks at Err once; loops must be bounded by a count that Vec has
// checked (or stop when Len is 0). Values read after a failure mean nothing.
type Reader struct {
	input   string
	section string
	b       []byte
	pos     int
	base    int64 // offset of b[0] in the input
	err     *Error

	// typeLimit, when not negative, is the number of types that a type
	// index may name; the module decoder sets it, so that an index out of
	// bounds is reported where it stands.
	typeLimit int64
	// text, when set, is string(b): names are cut from it instead of being
	// allocated one by one.
	text string
}

// NewReader returns a Reader over b. Input and section name the bytes in
// errors; base is the offset of b[0] in the input.
func NewReader(input, section string, b []byte, base int64) *Reader {
	return &Reader{input: input, section: section, b: b, base: base, typeLimit: -1}
}

// Len is the number of bytes left; 0 after a failure.
func (r *Reader) Len() int { return len(r.b) - r.pos }

// Offset is the position of the next byte, counted from the start of the
// input.
func (r *Reader) Offset() int64 { return r.base + int64(r.pos) }

// Input is the name of the input that the reader was made with.
func (r *Reader) Input() string { return r.input }

// Section is the name of the section that the reader was made with.
func (r *Reader) Section() string { return r.section }

// Err is the first failure, an *Error, or nil.
func (r *Reader) Err() error {
	if r.err == nil {
		return nil
	}
	return r.err
}

// Errorf makes an error at the current position without recording it.
func (r *Reader) Errorf(format string, args ...any) *Error {
	return r.errorAt(r.Offset(), format, args...)
}

// Failf records an error at the current position, unless there is one.
func (r *Reader) Failf(format string, args ...any) { r.FailAt(r.Offset(), format, args...) }

// FailAt records an error at an offset of the input (as Offset counts),
// unless there is one.
func (r *Reader) FailAt(off int64, format string, args ...any) {
	if r.err != nil {
		return
	}
	r.err = r.errorAt(off, format, args...)
	r.b = r.b[:r.pos]
}

func (r *Reader) errorAt(off int64, format string, args ...any) *Error {
	return &Error{Input: r.input, Section: r.section, Offset: off, Msg: fmt.Sprintf(format, args...)}
}

// Done fails unless every byte has been read. It returns Err.
func (r *Reader) Done() error {
	if n := r.Len(); n > 0 {
		r.Failf("section size mismatch: %d bytes left over", n)
	}
	return r.Err()
}

// short records that n bytes were needed and are not there.
func (r *Reader) short(n int) {
	missing := n - r.Len()
	if missing == 1 {
		r.Failf("unexpected end of section (needs 1 more byte)")
		return
	}
	r.Failf("unexpected end of section (needs %d more bytes)", missing)
}

// Byte reads one byte.
func (r *Reader) Byte() byte {
	if r.pos >= len(r.b) {
		r.short(1)
		return 0
	}
	c := r.b[r.pos]
	r.pos++
	return c
}

// Peek returns the next byte without reading it, and false at the end (which
// is no failure).
func (r *Reader) Peek() (byte, bool) {
	if r.pos >= len(r.b) {
		return 0, false
	}
	return r.b[r.pos], true
}

// Bytes reads n bytes. The result aliases the input.
func (r *Reader) Bytes(n int) []byte {
	if n < 0 || n > r.Len() {
		r.short(n)
		return nil
	}
	b := r.b[r.pos : r.pos+n : r.pos+n]
	r.pos += n
	return b
}

// step moves to next, the position that a leb reader returned, or fails.
func (r *Reader) step(next int) bool {
	if next >= 0 {
		r.pos = next
		return true
	}
	if next == lebEnd {
		at := r.Offset()
		r.pos = len(r.b)
		if r.err == nil {
			r.FailAt(at, "unexpected end of section in an integer (needs 1 more byte)")
		}
		return false
	}
	r.Failf("%s", lebMessage(next))
	return false
}

// U32 reads a LEB128 u32.
func (r *Reader) U32() uint32 {
	v, next := lebU32(r.b, r.pos)
	r.step(next)
	return v
}

// U64 reads a LEB128 u64.
func (r *Reader) U64() uint64 {
	v, next := lebU64(r.b, r.pos)
	r.step(next)
	return v
}

// S32 reads a LEB128 s32.
func (r *Reader) S32() int32 {
	v, next := lebSigned(r.b, r.pos, 32)
	r.step(next)
	return int32(v)
}

// S33 reads a LEB128 s33.
func (r *Reader) S33() int64 {
	v, next := lebSigned(r.b, r.pos, 33)
	r.step(next)
	return v
}

// S64 reads a LEB128 s64.
func (r *Reader) S64() int64 {
	v, next := lebSigned(r.b, r.pos, 64)
	r.step(next)
	return v
}

// Vec reads the count of a vector whose elements take at least size bytes
// each, and fails when the bytes left cannot hold that many. What it returns
// is therefore safe to allocate by and to loop to.
func (r *Reader) Vec(size int) int {
	at := r.Offset()
	n := r.U32()
	if uint64(n)*uint64(size) > uint64(r.Len()) {
		if r.err == nil {
			r.FailAt(at, "count %d is more than the %d bytes left can hold", n, r.Len())
		}
		return 0
	}
	return int(n)
}

// Name reads a name: a length and that many bytes of UTF-8.
func (r *Reader) Name() string {
	at := r.Offset()
	n := r.U32()
	if uint64(n) > uint64(r.Len()) {
		if r.err == nil {
			r.FailAt(at, "name of %d bytes is longer than the %d bytes left (length out of bounds)", n, r.Len())
		}
		return ""
	}
	start := r.pos
	b := r.Bytes(int(n))
	if !utf8.Valid(b) {
		r.FailAt(at, "malformed UTF-8 encoding of a name")
		return ""
	}
	if r.text != "" {
		return r.text[start:r.pos]
	}
	return string(b)
}

// sub cuts the next n bytes out as a reader of their own, which shares the
// names used in errors. It fails (and returns an empty reader that has failed
// likewise) when they are not there.
func (r *Reader) sub(n int) *Reader {
	s := *r
	b := r.Bytes(n)
	s.b, s.base, s.pos, s.text = b, s.Offset(), 0, ""
	s.err = r.err
	return &s
}
