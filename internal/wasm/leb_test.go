package wasm_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/wbundle/wbundle/internal/wasm"
	"pgregory.net/rapid"
)

func TestLEBRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		u32 := rapid.Uint32().Draw(t, "u32")
		if v, n := wasm.ReadU32(wasm.AppendU32(nil, u32)); v != u32 || n == 0 {
			t.Errorf("u32 %d: got %d (%d bytes)", u32, v, n)
		}
		u64 := rapid.Uint64().Draw(t, "u64")
		if v, n := wasm.ReadU64(wasm.AppendU64(nil, u64)); v != u64 || n == 0 {
			t.Errorf("u64 %d: got %d (%d bytes)", u64, v, n)
		}
		s32 := rapid.Int32().Draw(t, "s32")
		if v, n := wasm.ReadS32(wasm.AppendS32(nil, s32)); v != s32 || n == 0 {
			t.Errorf("s32 %d: got %d (%d bytes)", s32, v, n)
		}
		s33 := rapid.Int64Range(-1<<32, 1<<32-1).Draw(t, "s33")
		if v, n := wasm.ReadS33(wasm.AppendS33(nil, s33)); v != s33 || n == 0 {
			t.Errorf("s33 %d: got %d (%d bytes)", s33, v, n)
		}
		s64 := rapid.Int64().Draw(t, "s64")
		if v, n := wasm.ReadS64(wasm.AppendS64(nil, s64)); v != s64 || n == 0 {
			t.Errorf("s64 %d: got %d (%d bytes)", s64, v, n)
		}
	})
}

// TestReaderIntegers reads integers at the edge of what is well-formed.
func TestReaderIntegers(t *testing.T) {
	u32 := func(r *wasm.Reader) int64 { return int64(r.U32()) }
	u64 := func(r *wasm.Reader) int64 { return int64(r.U64()) }
	s32 := func(r *wasm.Reader) int64 { return int64(r.S32()) }
	s33 := func(r *wasm.Reader) int64 { return r.S33() }
	s64 := func(r *wasm.Reader) int64 { return r.S64() }
	const long, large, end = "integer representation too long", "integer too large", "unexpected end"
	for _, tc := range []struct {
		name string
		read func(*wasm.Reader) int64
		in   string
		want int64
		err  string
	}{
		{"u32", u32, "\x00", 0, ""},
		{"u32", u32, "\x80\x80\x80\x80\x00", 0, ""},
		{"u32", u32, "\xff\xff\xff\xff\x0f", math.MaxUint32, ""},
		{"u32", u32, "\xff\xff\xff\xff\x1f", 0, large},
		{"u32", u32, "\x80\x80\x80\x80\x80\x00", 0, long},
		{"u32", u32, "\x80\x80", 0, end},
		{"u64", u64, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", -1, ""},
		{"u64", u64, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 0, large},
		{"u64", u64, "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00", 0, long},
		{"s32", s32, "\x7f", -1, ""},
		{"s32", s32, "\xff\xff\xff\xff\x07", math.MaxInt32, ""},
		{"s32", s32, "\x80\x80\x80\x80\x78", math.MinInt32, ""},
		{"s32", s32, "\xff\xff\xff\xff\x0f", 0, large},
		{"s32", s32, "\xff\xff\xff\xff\x4f", 0, large},
		{"s32", s32, "\xff\xff\xff\xff\xff\x00", 0, long},
		{"s33", s33, "\xff\xff\xff\xff\x0f", math.MaxUint32, ""},
		{"s33", s33, "\x80\x80\x80\x80\x70", -1 << 32, ""},
		{"s33", s33, "\xff\xff\xff\xff\x1f", 0, large},
		{"s33", s33, "\x80\x80\x80\x80\xf0\x00", 0, long},
		{"s64", s64, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00", math.MaxInt64, ""},
		{"s64", s64, "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x7f", math.MinInt64, ""},
		{"s64", s64, "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 0, large},
		{"s64", s64, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x80\x00", 0, long},
	} {
		r := wasm.NewReader("x", "s", []byte(tc.in), 100)
		got := tc.read(r)
		if tc.err == "" {
			if err := r.Done(); err != nil || got != tc.want {
				t.Errorf("%s % x: got %d, %v, want %d", tc.name, tc.in, got, err, tc.want)
			}
			continue
		}
		if err := r.Err(); err == nil || !strings.Contains(err.Error(), tc.err) || !strings.Contains(err.Error(), "offset 0x64") {
			t.Errorf("%s % x: got %d, %v, want %q", tc.name, tc.in, got, err, tc.err)
		}
	}
}

// TestReaderSticky checks that the first error stays and that nothing can be
// read after it.
func TestReaderSticky(t *testing.T) {
	r := wasm.NewReader("in", "some section", []byte("\x02ab\x05c"), 0x10)
	if got := r.Name(); got != "ab" || r.Offset() != 0x13 || r.Len() != 2 {
		t.Fatalf("got %q at 0x%x, %d left", got, r.Offset(), r.Len())
	}
	if r.Bytes(3) != nil || r.Len() != 0 {
		t.Error("read more than there is")
	}
	first := r.Err()
	var e *wasm.Error
	if !errors.As(first, &e) || e.Error() != "in: some section: offset 0x13: unexpected end of section (needs 1 more byte)" {
		t.Fatalf("got %v", first)
	}
	if r.Byte() != 0 || r.U32() != 0 || r.S64() != 0 || r.Name() != "" || r.Vec(1) != 0 || r.Bytes(1) != nil {
		t.Error("read something after a failure")
	}
	r.Failf("another")
	if r.Err() != first || r.Done() != first {
		t.Errorf("error changed to %v", r.Err())
	}
	if got := r.Errorf("n is %d", 5).Msg; got != "n is 5" {
		t.Errorf("Errorf: %q", got)
	}
}

func TestMemArg(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := wasm.MemArg{
			Align:     rapid.Uint32Range(0, 63).Draw(t, "align"),
			Memory:    rapid.SampledFrom([]uint32{0, 0, 1, 200}).Draw(t, "memory"),
			HasMemory: rapid.Bool().Draw(t, "has"),
			Offset:    rapid.Uint64().Draw(t, "offset"),
		}
		m.HasMemory = m.HasMemory || m.Memory != 0
		b := wasm.AppendMemArg(nil, m)
		if got, n := wasm.ReadMemArg(b); got != m || n != len(b) {
			t.Errorf("wrote %+v, read %+v (%d of %d bytes)", m, got, n, len(b))
		}
		if _, n := wasm.ReadMemArg(b[:len(b)-1]); n != 0 {
			t.Errorf("read %d bytes of a memarg that was cut off", n)
		}
	})
}
