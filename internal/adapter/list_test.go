package adapter_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/wbundle/wbundle/internal/wit"
	"github.com/wbundle/wbundle/linker"
)

// Lists whose elements are moved in blocks, against the executor of unbundled
// components and against what the memory has to look like. testdata/lists.wat
// is what runs.

// listCase is a type of elements.
type listCase struct {
	name string
	size int
	// mask has the bits that arrive as they are; the others, padding included,
	// arrive as zero.
	mask []byte
	// bools are the offsets of bools in an element.
	bools []int
	// invalid are elements that trap.
	invalid [][]byte
	// limit is what the bytes of a valid element are less than; 0: 256.
	limit byte
	// chars is the offset of a char; -1: none.
	chars int
	// padded says that elements have padding, of which the bundle knows what
	// becomes; left that nobody does.
	padded, left bool
}

var listCases = []listCase{
	{name: "u16s", size: 2, mask: []byte{0xff, 0xff}, chars: -1},
	{name: "bools", size: 1, mask: []byte{1}, bools: []int{0}, chars: -1},
	{name: "chars", size: 4, mask: []byte{0xff, 0xff, 0xff, 0xff}, invalid: [][]byte{
		{0, 0, 0x11, 0}, {0, 0xd8, 0, 0}, {0xff, 0xdf, 0, 0}, {0, 0, 0, 0x80}, {0xff, 0xff, 0xff, 0xff}, {'a', 0, 0, 1},
	}},
	{name: "pairs", size: 8, mask: bytes.Repeat([]byte{0xff}, 8), chars: -1},
	{name: "padded8", size: 8, mask: []byte{0xff, 0, 0, 0, 0xff, 0xff, 0xff, 0xff}, chars: -1, padded: true},
	{name: "padded12", size: 12, mask: []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0, 0xff, 0xff, 0xff, 0, 0, 0}, chars: -1, padded: true},
	{name: "padded16", size: 16, mask: []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0}, chars: -1, padded: true},
	{name: "mixed", size: 8, mask: []byte{1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff}, bools: []int{0}, chars: 4, left: true, invalid: [][]byte{
		{1, 0, 0, 0, 0, 0, 0x11, 0}, {0, 0, 0, 0, 0, 0xdc, 0, 0},
	}},
	{name: "enums", size: 1, mask: []byte{0xff}, limit: 5, chars: -1, invalid: [][]byte{{5}, {0x7f}, {0x80}, {0x85}, {0xff}}},
	{name: "flags3s", size: 1, mask: []byte{7}, chars: -1},
	{name: "flags8s", size: 1, mask: []byte{0xff}, chars: -1},
	{name: "flags12s", size: 2, mask: []byte{0xff, 0x0f}, chars: -1},
	{name: "flags20s", size: 4, mask: []byte{0xff, 0xff, 0x0f, 0}, chars: -1},
}

// element returns a valid element.
func (c *listCase) element(r *rand.Rand) []byte {
	b := make([]byte, c.size)
	for i := range b {
		b[i] = byte(r.Uint32())
		if c.limit > 0 {
			b[i] %= c.limit
		}
	}
	for _, i := range c.bools {
		if r.Uint32()&1 == 0 {
			b[i] = 0
		}
	}
	if c.chars >= 0 {
		chars := []rune{0, 'a', 0xd7ff, 0xe000, 0xffff, 0x10000, 0x10ffff}
		binary.LittleEndian.PutUint32(b[c.chars:], uint32(chars[r.IntN(len(chars))]))
	}
	return b
}

// arrives returns what becomes of elements in memory.
func (c *listCase) arrives(b []byte) []byte {
	out := bytes.Clone(b)
	for i := range out {
		out[i] &= c.mask[i%c.size]
	}
	for _, k := range c.bools {
		for i := k; i < len(b); i += c.size {
			out[i] = 0
			if b[i] != 0 {
				out[i] = 1
			}
		}
	}
	return out
}

// pass passes a list and returns what lies in the receiver's memory.
func (c *listCase) pass(t *testing.T, s *side, b []byte) (got []byte, trap bool) {
	t.Helper()
	const at = 0x8010
	padded := append(bytes.Clone(b), make([]byte, 32)...)
	for i := 0; i+8 <= len(padded); i += 8 {
		if _, err := s.call(t, "put", wit.U32(at+uint32(i)), wit.U64(binary.LittleEndian.Uint64(padded[i:]))); err != nil {
			t.Fatal(err)
		}
	}
	n := uint32(len(b) / c.size)
	if _, err := s.call(t, c.name, wit.U32(at), wit.U32(n)); err != nil {
		s.fresh(t)
		return nil, true
	}
	if got := uint32(s.must(t, "len")); got != n {
		t.Fatalf("%s: %s: length %d, want %d", s.name, c.name, got, n)
	}
	ptr := uint32(s.must(t, "ptr"))
	for i := 0; i < len(b)+8; i += 8 {
		got = binary.LittleEndian.AppendUint64(got, s.must(t, "peek", ptr+uint32(i)))
	}
	for _, g := range got[len(b):] {
		if g != 0xee {
			t.Fatalf("%s: %s: written behind the list: %x", s.name, c.name, got)
		}
	}
	return got[:len(b)], false
}

func TestLists(t *testing.T) {
	t.Parallel()
	wasm, err := os.ReadFile(filepath.Join("testdata", "lists.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	var all []*side
	for _, o := range []linker.Options{{}, {NoVectors: true}} {
		o.MemoryLimit = map[string]uint64{"lists": 1 << 20}
		r, err := linker.Link(ctx, []linker.Input{{ID: "lists", Bytes: wasm}}, o)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, newSide(t, fmt.Sprintf("linked, without vectors: %v", o.NoVectors), r.Output))
	}
	all = append(all, newSide(t, "unbundled", wasm))
	r := rand.New(rand.NewPCG(1, 2))
	for _, c := range listCases {
		for _, n := range []int{0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33} {
			var b []byte
			for range n {
				b = append(b, c.element(r)...)
			}
			want := c.arrives(b)
			for _, s := range all {
				got, trap := c.pass(t, s, b)
				if s == all[2] && c.padded || c.left {
					got = c.arrives(got)
				}
				if trap || !bytes.Equal(got, want) {
					t.Fatalf("%s: %s: %x arrives as %x, trap %v, want %x", s.name, c.name, b, got, trap, want)
				}
			}
			for at := range n {
				bad := bytes.Clone(b)
				if len(c.invalid) == 0 {
					break
				}
				copy(bad[at*c.size:], c.invalid[(at+n)%len(c.invalid)])
				for _, s := range all {
					if _, trap := c.pass(t, s, bad); !trap {
						t.Fatalf("%s: %s: %x does not trap", s.name, c.name, bad)
					}
				}
			}
		}
	}
}
