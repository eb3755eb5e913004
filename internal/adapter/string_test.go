package adapter_test

import (
	"bytes"
	"encoding/binary"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"pgregory.net/rapid"

	"github.com/wbundle/wbundle/linker"
)

var both = []string{"send", "take"}

// alphabet has a character of each kind: ASCII, Latin-1, two and three bytes
// of UTF-8, a pair of UTF-16.
var alphabet = []rune{'a', 'é', 'ш', '€', '😀'}

func TestStrings(t *testing.T) {
	t.Parallel()
	all := allSides(t, smallWindows)
	n := 0
	t.Run("empty", func(t *testing.T) { n += check(t, all, both, "") })
	t.Run("all latin1", func(t *testing.T) {
		var s []rune
		for r := rune(0); r < 0x100; r++ {
			n += check(t, all, both[:1], string(r))
			s = append(s, r)
		}
		n += check(t, all, both, string(s[:0x80]))
		n += check(t, all, both, string(s))
	})
	t.Run("borders", func(t *testing.T) {
		for _, r := range []rune{0x7f, 0x80, 0xbf, 0xc0, 0xff, 0x100, 0x7ff, 0x800, 0xfff, 0x1000, 0xcfff, 0xd000, 0xd7ff, 0xe000, 0xfffd, 0xffff, 0x10000, 0x3ffff, 0x40000, 0xfffff, 0x100000, 0x10ffff} {
			n += check(t, all, both, string(r))
		}
	})
	// One character of another kind at each position of up to 8, of 15 to
	// 18 and of 40, where blocks of bytes and units begin and end.
	t.Run("positions", func(t *testing.T) {
		lengths := []int{1, 2, 3, 4, 5, 6, 7, 8, 15, 16, 17, 18, 40}
		if testing.Short() {
			lengths = []int{3, 9}
		}
		for _, length := range lengths {
			for _, base := range alphabet {
				for _, other := range alphabet {
					for at := range length {
						s := slices.Repeat([]rune{base}, length)
						s[at] = other
						n += check(t, all, both[:1], string(s))
						if base == other {
							break
						}
					}
				}
			}
		}
	})
	// All strings of up to 4 characters of the alphabet.
	t.Run("combinations", func(t *testing.T) {
		var walk func(prefix string, left int)
		walk = func(prefix string, left int) {
			if left == 0 {
				n += check(t, all, both[1:], prefix)
				return
			}
			for _, r := range alphabet {
				walk(prefix+string(r), left-1)
			}
		}
		for length := range 4 {
			walk("", length+1)
		}
	})
	t.Logf("%d transfers", n)
}

// TestStringsLong passes about a megabyte of each kind of text.
func TestStringsLong(t *testing.T) {
	if testing.Short() {
		t.Skip("-short")
	}
	t.Parallel()
	all := allSides(t, nil)
	n := 0
	for _, s := range all {
		s.must(t, "src-grow", 64)
	}
	for _, pattern := range []string{"plain ASCII text", "naïveté à 20°C ok", "широкая электрификация", "日本語テキスト。", "😀🎉a😀"} {
		s := strings.Repeat(pattern, 1<<20/len(pattern))
		for _, from := range encodings {
			for _, f := range forms(from, pattern) {
				for _, to := range encodings {
					x := &transfer{text: f, op: "send", to: to, ptr: 0x10000}
					x.repeat = uint32(len(f.bytes) * (len(s) / len(pattern)))
					o := differ(t, all, x)
					if w := want(to, pattern); o.Trap || o.Len&^utf16Tag != w.units&^utf16Tag*uint32(len(s)/len(pattern)) {
						t.Fatalf("%v: %+v", x, o)
					}
					n++
				}
			}
		}
	}
	t.Logf("%d transfers", n)
}

// TestStringsEnd puts strings at the very end of memory, where nothing behind
// them may be read. In the bundle, the memory of src is the last.
func TestStringsEnd(t *testing.T) {
	t.Parallel()
	all := allSides(t, smallWindows)
	for _, base := range alphabet {
		for _, length := range []int{0, 1, 2, 3, 4, 5, 7, 8, 9, 16, 17} {
			for _, from := range encodings {
				for _, f := range forms(from, strings.Repeat(string(base), length)) {
					for _, to := range encodings {
						x := &transfer{text: f, op: "send", to: to, ptr: memoryEnd - uint32(len(f.bytes))}
						if from == "compact" && len(f.bytes)%2 == 1 {
							continue // would not be aligned
						}
						// Written by words of eight bytes.
						at := memoryEnd - 8*uint32((len(f.bytes)+7)/8)
						pad := append(make([]byte, x.ptr-at), f.bytes...)
						for _, s := range all {
							s.put(t, "src", at, pad)
						}
						x.bytes = nil
						if o := differ(t, all, x); o.Trap {
							t.Fatalf("%v: trapped", x)
						}
						x.units = x.text.units + 1
						if o := differ(t, all, x); !o.Trap {
							t.Fatalf("%v: one unit more did not trap", x)
						}
					}
				}
			}
		}
	}
}

// TestStringsInvalid passes what is no string, behind and in front of text.
func TestStringsInvalid(t *testing.T) {
	t.Parallel()
	all := allSides(t, smallWindows)
	bad8 := []string{
		"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc3", "\xc3a", "\xc3\xc3", "\xe0\x80\x80", "\xe0\x9f\xbf", "\xe2\x82", "\xe2\x82a", "\xe2a\x82",
		"\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x80\x80\x80", "\xf0\x8f\xbf\xbf", "\xf0\x9f\x98", "\xf0\x9f\x98a", "\xf0a\x9f\x98",
		"\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xf8\x88\x80\x80\x80", "\xf9\x80\x80\x80", "\xfc\x80\x80\x80", "\xfe", "\xff",
	}
	bad16 := []string{"\x00\xd8", "\xff\xdb", "\x00\xdc", "\xff\xdf", "\x00\xd8a\x00", "\x00\xd8\x00\xd8", "\x00\xdc\x00\xd8", "\x00\xdc\x00\xdc", "\x00\xd8\xff\xff", "\x00\xd8\x00\xe0", "\x00\xd8\xff\xdb"}
	n := 0
	bad := func(f text, to string) {
		t.Helper()
		n++
		x := &transfer{text: f, op: both[n%2], to: to, ptr: 0x10000}
		if o := differ(t, all, x); !o.Trap {
			t.Fatalf("%v: did not trap", x)
		}
	}
	befores, afters := []string{"", "seven..", "é", "😀"}, []string{"", "eight..."}
	if testing.Short() {
		befores, afters = befores[1:3], afters[:1]
	}
	for _, before := range befores {
		for _, after := range afters {
			for _, to := range encodings {
				for _, s := range bad8 {
					if utf8.ValidString(before + s + after) {
						t.Fatalf("%q is valid", s)
					}
					s = before + s + after
					bad(text{"utf8", uint32(len(s)), []byte(s)}, to)
				}
				for _, s := range bad16 {
					s = string(encode16(before)) + s + string(encode16(after))
					bad(text{"utf16", uint32(len(s) / 2), []byte(s)}, to)
					bad(text{"compact", uint32(len(s)/2) | utf16Tag, []byte(s)}, to)
				}
			}
		}
	}
	t.Logf("%d strings", n)
}

// TestStringsCut passes strings that end before their last character does: the
// rest of it lies behind the string, where it must not be read.
func TestStringsCut(t *testing.T) {
	t.Parallel()
	all := allSides(t, smallWindows)
	for _, s := range []string{"é", "€", "😀", "aé", "eight...€", "éééé😀"} {
		last := []rune(s)[len([]rune(s))-1]
		for _, from := range encodings {
			f := forms(from, s)[0]
			char := forms(from, string(last))[0].units &^ utf16Tag
			for cut := range char {
				for _, to := range encodings {
					x := &transfer{text: f, op: "send", to: to, ptr: 0x10000, units: f.units - cut}
					if o := differ(t, all, x); o.Trap != (cut > 0) {
						t.Fatalf("%v: cut by %d: trap is %v", x, cut, o.Trap)
					}
				}
			}
		}
	}
}

// TestStringsPlaces passes strings at addresses, and with lengths, that cannot be.
func TestStringsPlaces(t *testing.T) {
	t.Parallel()
	all := allSides(t, smallWindows)
	for _, op := range both {
		for _, from := range encodings {
			for _, f := range forms(from, "abcd") {
				for _, to := range encodings {
					for _, c := range []struct {
						ptr, units uint32
						trap       bool
					}{
						{0x10001, 0, from != "utf8"},
						{memoryEnd - 2, 0, true},
						{memoryEnd, 0, true},
						{0xfffffffe, 0, true},
						{0xfffffff0, 0x20, true},
						{0x10000, 0x7fffffff, true},
						{0x10000, 0x0fffffff, true},
						{0x10000, 1 << 28, true},
						{0x10000, 0x80000000 | 0x7fffffff, true},
						{0x10000, 0xc0000001, true}, // twice that is 2
					} {
						x := &transfer{text: f, op: op, to: to, ptr: c.ptr, units: c.units}
						if c.units == 0 {
							x.units = x.text.units
						}
						if c.ptr >= memoryEnd-8 {
							x.bytes = nil
						}
						if o := differ(t, all, x); o.Trap != c.trap {
							t.Errorf("%v: %+v, want trap %v", x, o, c.trap)
						}
					}
					// An empty string may be at the end, but not behind it.
					x := &transfer{text: text{enc: from, units: f.units & utf16Tag}, op: op, to: to, ptr: memoryEnd}
					if o := differ(t, all, x); o.Trap {
						t.Errorf("%v: trapped", x)
					}
					x.ptr += 2
					if o := differ(t, all, x); !o.Trap {
						t.Errorf("%v: did not trap", x)
					}
				}
			}
		}
	}
}

// TestStringsRealloc has realloc return what it must not, at its first, second
// and third call.
func TestStringsRealloc(t *testing.T) {
	t.Parallel()
	all := allSides(t, smallWindows)
	n, trapped := 0, 0
	ops := both
	if testing.Short() {
		ops = both[:1]
	}
	for _, op := range ops {
		for _, s := range []string{"", "abcd", "abcé", "éabc", "ab€d", "aé😀", "日本語"} {
			for _, from := range encodings {
				for _, f := range forms(from, s) {
					for _, to := range encodings {
						for call := uint32(1); call <= 3; call++ {
							for _, ptr := range []uint32{0x30000, 0x30001, memoryEnd - 1, memoryEnd - 4, memoryEnd + 2, 0xfffffffe} {
								x := &transfer{text: f, op: op, to: to, ptr: 0x10000, evil: call, evilPtr: ptr}
								what := fmt.Sprintf("%v: realloc call %d returns %#x", x, call, ptr)
								n++
								if compare(t, all, what, func(s *side) outcome { return s.evil(t, x) }).Trap {
									trapped++
								}
							}
						}
					}
				}
			}
		}
	}
	t.Logf("%d transfers, %d of them trap", n, trapped)
}

func (s *side) evil(t testing.TB, x *transfer) outcome {
	t.Helper()
	if s.start(t, x) != nil {
		s.fresh(t)
		return outcome{Trap: true}
	}
	_, to := x.peers()
	o := outcome{Ptr: uint32(s.must(t, to+"-got-ptr")), Len: uint32(s.must(t, to+"-got-len"))}
	o.Calls = s.trace(t, to)
	if o.Ptr < memoryEnd-64 {
		// Nothing was kept there, and so there is what the transfer wrote, or
		// made of what it found.
		o.Data = s.data(t, to, o.Ptr, destinationBytes(x.to, o.Len))
	}
	return o
}

// TestStringsLimit looks at which lengths realloc is reached with: the limit
// is on the bytes at the source alone.
func TestStringsLimit(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: needs memories of 256 MiB")
	}
	t.Parallel()
	all := allSides(t, nil)
	const limit = 1<<28 - 1
	reaches := func(s *side, from, to string, units uint32) bool {
		s.fresh(t)
		if got := int32(s.must(t, "src-grow", 4096)); got != 4 {
			t.Fatalf("%s: grow returned %d", s.name, got)
		}
		// realloc divides by zero.
		x := &transfer{text: text{enc: from}, op: "send", to: to, units: units, evil: 1}
		err := s.start(t, x)
		if err == nil {
			t.Fatalf("%s: %v: did not trap", s.name, x)
		}
		return strings.Contains(err.Error(), "divide by zero")
	}
	for _, c := range []struct {
		from  string
		limit uint32 // in code units
		tag   uint32
	}{{"utf8", limit, 0}, {"utf16", limit / 2, 0}, {"compact", limit, 0}, {"compact", limit / 2, utf16Tag}} {
		for _, to := range encodings {
			for _, s := range all {
				if reaches(s, c.from, to, (c.limit+1)|c.tag) {
					t.Errorf("%s: %s -> %s: %d units reach realloc", s.name, c.from, to, c.limit+1)
				}
				if s == all[len(all)-1] && (c.from != "utf8" || to != "utf16") {
					continue // slow in Go; in this pair the worst case is beyond the limit
				}
				if !reaches(s, c.from, to, c.limit|c.tag) {
					t.Errorf("%s: %s -> %s: %d units do not reach realloc", s.name, c.from, to, c.limit)
				}
			}
		}
	}
}

// TestStringLists passes lists of strings, whose lengths go through memory.
func TestStringLists(t *testing.T) {
	t.Parallel()
	all := allSides(t, smallWindows)
	list := []string{"", "abc", "é", "日本語", "a😀", "naïve", "plain ASCII that is longer than eight"}
	for _, from := range encodings {
		for _, to := range encodings {
			traces := make([][][4]uint32, len(all))
			for k, s := range all {
				s.must(t, "dst-reset", heapAt, 0, 0)
				var head []byte
				at := uint32(0x11000)
				for _, text := range list {
					for _, f := range forms(from, text) {
						s.put(t, "src", at, f.bytes)
						head = binary.LittleEndian.AppendUint32(head, at)
						head = binary.LittleEndian.AppendUint32(head, f.units)
						at += uint32(len(f.bytes)+7) &^ 7
					}
				}
				s.put(t, "src", 0x10000, head)
				s.must(t, "list-"+from+"-"+to, 0x10000, uint32(len(head)/8))
				traces[k] = s.trace(t, "dst")
				ptr := uint32(s.must(t, "dst-got-ptr"))
				i := uint32(0)
				for _, text := range list {
					for range forms(from, text) {
						pair := s.must(t, "dst-peek", ptr+8*i)
						got, w := s.data(t, "dst", uint32(pair), destinationBytes(to, uint32(pair>>32))), want(to, text)
						if got != string(w.bytes) || uint32(pair>>32) != w.units {
							t.Errorf("%s: %s -> %s: element %d is %q, want %q", s.name, from, to, i, got, w.bytes)
						}
						i++
					}
				}
			}
			ref := len(all) - 1
			for k := range all[:ref] {
				if diff := cmp.Diff(traces[ref], traces[k]); diff != "" {
					t.Errorf("%s -> %s: unbundled (-), %s (+):\n%s", from, to, all[k].name, diff)
				}
			}
		}
	}
}

// TestStringsRandom passes random text, and random bytes, which trap more
// often than not. It is the same text each time unless -rapid.seed says so.
func TestStringsRandom(t *testing.T) {
	if f := flag.Lookup("rapid.seed"); f.Value.String() == f.DefValue {
		if err := flag.Set("rapid.seed", "1"); err != nil {
			t.Fatal(err)
		}
	}
	all := allSides(t, smallWindows)
	char := rapid.OneOf(
		rapid.Rune(), rapid.Int32Range(0, 0x7f), rapid.Int32Range(0x80, 0xff), rapid.Int32Range(0, 0xff),
		rapid.Int32Range(0x100, 0x7ff), rapid.Int32Range(0xe000, 0xffff), rapid.Int32Range(0x10000, 0x10ffff),
	)
	t.Run("text", func(t *testing.T) {
		rapid.Check(t, func(rt *rapid.T) {
			// Runs of one kind are what real text has, and what fast paths see.
			var s []rune
			for range rapid.IntRange(0, 6).Draw(rt, "runs") {
				s = append(s, slices.Repeat([]rune{char.Draw(rt, "char")}, rapid.IntRange(1, 20).Draw(rt, "length"))...)
			}
			check(t, all, both[rapid.IntRange(0, 1).Draw(rt, "op"):][:1], string(s))
		})
	})
	t.Run("bytes", func(t *testing.T) {
		rapid.Check(t, func(rt *rapid.T) {
			unit := rapid.OneOf(
				rapid.Uint16(), rapid.Uint16Range(0, 0x7f), rapid.Uint16Range(0xd800, 0xdbff), rapid.Uint16Range(0xdc00, 0xdfff),
				rapid.SampledFrom([]uint16{0x80c2, 0xbfc3, 0x82e2, 0x61ac, 0x9ff0, 0x8098}),
			)
			var raw []byte
			for _, u := range rapid.SliceOfN(unit, 0, 24).Draw(rt, "units") {
				raw = binary.LittleEndian.AppendUint16(raw, u)
			}
			for _, f := range []text{{"utf8", uint32(len(raw)), raw}, {"utf16", uint32(len(raw) / 2), raw}, {"compact", uint32(len(raw)/2) | utf16Tag, raw}, {"compact", uint32(len(raw)), raw}} {
				for _, to := range encodings {
					differ(t, all, &transfer{text: f, op: "send", to: to, ptr: 0x10000})
				}
			}
		})
	})
}

// TestStringsValidate has wasm-tools look at every form of output.
func TestStringsValidate(t *testing.T) {
	t.Parallel()
	tool, err := exec.LookPath("wasm-tools")
	if err != nil {
		t.Skip("needs wasm-tools: ", err)
	}
	for _, o := range []linker.Options{
		{Memory: linker.MemorySingle},
		{Memory: linker.MemoryMulti},
		{Format: linker.FormatComponent, Memory: linker.MemorySingle},
		{Format: linker.FormatComponent, Memory: linker.MemoryMulti},
		{Memory: linker.MemorySingle, NoVectors: true},
		{Memory: linker.MemoryMulti, NoVectors: true},
	} {
		path := filepath.Join(t.TempDir(), "out.wasm")
		if err := os.WriteFile(path, link(t, o), 0o600); err != nil {
			t.Fatal(err)
		}
		features := "all"
		if o.NoVectors {
			features = "all,-simd,-relaxed-simd"
		}
		if out, err := exec.Command(tool, "validate", "--features", features, path).CombinedOutput(); err != nil {
			t.Errorf("format %q, memory %q, vectors %v: %v\n%s", o.Format, o.Memory, !o.NoVectors, err, out)
		}
	}
}

// TestStringsBlocks looks at text around the places where blocks of 8, 16, 32
// and 64 bytes begin and end.
func TestStringsBlocks(t *testing.T) {
	t.Parallel()
	all := allSides(t, smallWindows)
	lengths, offsets := []uint32{15, 16, 17, 31, 32, 33, 34, 35, 47, 48, 63, 64, 65, 79, 80, 81, 96, 127, 128, 130}, []uint32{0, 1, 2, 3, 5, 8, 15, 16, 17, 33, 40}
	if testing.Short() {
		lengths, offsets = lengths[:6], offsets[:3]
	}
	n := 0
	pass := func(t *testing.T, x *transfer, trap bool) {
		t.Helper()
		n++
		if o := differ(t, all, x); o.Trap != trap {
			t.Fatalf("%v: trap is %v", x, o.Trap)
		}
	}
	// Plain text at every offset of a block, from which the string begins.
	t.Run("offsets", func(t *testing.T) {
		for _, length := range lengths {
			for _, s := range []string{strings.Repeat("a", int(length)), strings.Repeat("é", int(length)), strings.Repeat("日", int(length)/3)} {
				for _, from := range encodings {
					for _, f := range forms(from, s) {
						for _, off := range offsets {
							if from != "utf8" && off%2 == 1 {
								continue
							}
							to := encodings[n%len(encodings)]
							pass(t, &transfer{text: f, op: "send", to: to, ptr: 0x10000 + off}, false)
						}
					}
				}
			}
		}
	})
	// In the first bytes of a memory, in front of which there is nothing.
	t.Run("start", func(t *testing.T) {
		for ptr := range uint32(18) {
			for _, s := range []string{"a", "é", "seven..", "日本", "aé", "😀", "ab😀", "日本語テキ", "sixteen letters.", "nineteen letters: é"} {
				for _, from := range encodings {
					if from != "utf8" && ptr%2 == 1 {
						continue
					}
					f := forms(from, s)[0]
					pass(t, &transfer{text: f, op: both[n%2], to: encodings[n%3], ptr: ptr}, false)
					f.units--
					f.bytes = f.bytes[:len(f.bytes)-int(1+f.units>>31)]
					if from == "utf16" {
						f.bytes = f.bytes[:len(f.bytes)-1]
					}
					pass(t, &transfer{text: f, op: both[n%2], to: encodings[n%3], ptr: ptr}, malformed(from, f.bytes))
				}
			}
		}
	})
	// A character of each kind that begins at each position.
	t.Run("characters", func(t *testing.T) {
		for _, length := range lengths {
			if length > 81 {
				break
			}
			for at := range int(length) {
				for _, char := range alphabet[1:] {
					s := strings.Repeat("a", at) + string(char) + strings.Repeat("a", int(length)-at)
					for _, from := range encodings {
						f := forms(from, s)[0]
						pass(t, &transfer{text: f, op: "send", to: encodings[n%3], ptr: 0x10000}, false)
					}
				}
			}
		}
	})
	// Strings that end with the memory, and in the middle of a character.
	t.Run("end", func(t *testing.T) {
		for _, length := range lengths[:min(10, len(lengths))] {
			for _, base := range alphabet {
				for _, from := range encodings {
					f := forms(from, strings.Repeat(string(base), int(length)))[0]
					size := uint32(len(f.bytes))
					if size > 512 {
						continue
					}
					at := memoryEnd - (size+7)&^7
					unit := uint32(1)
					if from != "utf8" {
						unit = 2
					}
					for cut := range uint32(4) {
						// Without its first bytes, perhaps in a character. A trap
						// leaves nothing in memory.
						for _, s := range all {
							s.put(t, "src", at, append(make([]byte, memoryEnd-size-at), f.bytes...))
						}
						units := f.units&^utf16Tag - cut
						invalid := malformed(from, f.bytes[cut*unit:])
						x := &transfer{text: text{from, units | f.units&utf16Tag, nil}, op: "send", to: encodings[n%3], ptr: memoryEnd - size + cut*unit}
						pass(t, x, invalid)
					}
				}
			}
		}
	})
	t.Logf("%d transfers", n)
}

// TestStringsMalformed puts what is no string at each position of blocks. That
// is many traps, after each of which an instance is of no use; so it looks at
// the bundles alone, in wazero as it is, which makes instances fast.
func TestStringsMalformed(t *testing.T) {
	t.Parallel()
	bad8 := []string{"\x80", "\xc3", "\xe2\x82", "\xf0\x9f\x98", "\xff", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xc0\x80", "\xe0\x9f\xbf"}
	bad16 := []string{"\x00\xd8", "\x00\xdc", "\x00\xdc\x00\xd8"}
	fills := []string{"a", "é", "日"}
	lengths := []int{7, 16, 17, 31, 33, 34, 47, 64, 65, 80}
	if testing.Short() {
		lengths = lengths[1:4]
	}
	for _, o := range []linker.Options{{MemoryLimit: smallWindows}, {MemoryLimit: smallWindows, NoVectors: true}} {
		r := newRaw(t, link(t, o))
		n := 0
		pass := func(enc string, units uint32, b []byte) {
			t.Helper()
			to := encodings[n%3]
			if trap := r.send(t, enc, to, units, b); trap != malformed(enc, b) {
				t.Fatalf("without vectors %v: %s -> %s: %x: trap is %v", o.NoVectors, enc, to, b, trap)
			}
			n++
		}
		for _, length := range lengths {
			for at := range length {
				for k, bad := range bad8 {
					b := []byte(strings.Repeat(fills[(at+k)%3], length))[:length]
					copy(b[at:], bad)
					pass("utf8", uint32(length), b)
				}
				for k, bad := range bad16 {
					b := encode16(strings.Repeat(fills[(at+k)%3], length))
					copy(b[2*at:], bad)
					pass("utf16", uint32(length), b)
					pass("compact", uint32(length)|utf16Tag, b)
				}
			}
		}
		t.Logf("%d transfers, %d instances", n, r.made)
	}
}

// raw is a bundle in wazero as it is.
type raw struct {
	rt   wazero.Runtime
	code wazero.CompiledModule
	mod  api.Module
	made int
}

func newRaw(t testing.TB, wasm []byte) *raw {
	rt := wazero.NewRuntime(ctx)
	t.Cleanup(func() { rt.Close(ctx) })
	code, err := rt.CompileModule(ctx, wasm)
	if err != nil {
		t.Fatal(err)
	}
	return &raw{rt: rt, code: code}
}

// send passes a string and tells whether that traps.
func (r *raw) send(t testing.TB, from, to string, units uint32, b []byte) (trap bool) {
	t.Helper()
	if r.mod == nil {
		var err error
		if r.mod, err = r.rt.InstantiateModule(ctx, r.code, wazero.NewModuleConfig().WithName("")); err != nil {
			t.Fatal(err)
		}
		r.made++
	}
	must := func(name string, args ...uint64) {
		if _, err := r.mod.ExportedFunction(name).Call(ctx, args...); err != nil {
			t.Fatal(err)
		}
	}
	must("dst-reset", heapAt, 0, 0)
	b = append(bytes.Clone(b), make([]byte, -len(b)&7)...)
	for i := 0; i < len(b); i += 8 {
		must("src-put", uint64(0x10000+i), binary.LittleEndian.Uint64(b[i:]))
	}
	if _, err := r.mod.ExportedFunction("send-"+from+"-"+to).Call(ctx, 0x10000, uint64(units)); err == nil {
		return false
	}
	r.mod.Close(ctx)
	r.mod = nil
	return true
}

// malformed reports whether bytes are no string, in UTF-8 or UTF-16.
func malformed(enc string, b []byte) bool {
	if enc == "utf8" {
		return !utf8.Valid(b)
	}
	var units []uint16
	for i := 0; i < len(b); i += 2 {
		units = append(units, binary.LittleEndian.Uint16(b[i:]))
	}
	return !bytes.Equal(encode16(string(utf16.Decode(units))), b)
}

// BenchmarkStrings runs the bundle in wazero as it is: package runtime has it
// look at the context in every turn of a loop, so that calls can be cancelled.
func BenchmarkStrings(b *testing.B) {
	rt := wazero.NewRuntime(ctx)
	defer rt.Close(ctx)
	mod, err := rt.Instantiate(ctx, link(b, linker.Options{}))
	if err != nil {
		b.Fatal(err)
	}
	call := func(name string, args ...uint64) {
		if _, err := mod.ExportedFunction(name).Call(ctx, args...); err != nil {
			b.Fatal(err)
		}
	}
	call("src-grow", 64)
	call("dst-grow", 64)
	const ascii, latin1, cjk = "plain ASCII text", "naïveté, à 20°C ok..", "日本語テキスト。"
	for _, c := range []struct {
		kind, pattern, from, to string
		size                    uint32
	}{
		{"ascii", ascii, "utf8", "utf8", 1 << 10},
		{"ascii", ascii, "utf8", "utf8", 1 << 20},
		{"cjk", cjk, "utf8", "utf8", 1 << 20},
		{"ascii", ascii, "utf8", "utf16", 1 << 20},
		{"cjk", cjk, "utf8", "utf16", 1 << 20},
		{"ascii", ascii, "utf16", "utf16", 1 << 20},
		{"ascii", ascii, "utf16", "utf8", 1 << 20},
		{"cjk", cjk, "utf16", "utf8", 1 << 20},
		{"latin1", latin1, "utf8", "compact", 1 << 20},
		{"cjk", cjk, "utf8", "compact", 1 << 20},
	} {
		b.Run(fmt.Sprintf("%s-%s/%s/%d", c.from, c.to, c.kind, c.size), func(b *testing.B) {
			f := forms(c.from, c.pattern)[0]
			n := c.size / uint32(len(f.bytes)) * uint32(len(f.bytes))
			for i := 0; i+8 <= len(f.bytes); i += 8 {
				call("src-put", uint64(0x10000+i), binary.LittleEndian.Uint64(f.bytes[i:]))
			}
			call("src-repeat", 0x10000, uint64(len(f.bytes)), uint64(n))
			units := n
			if c.from == "utf16" {
				units /= 2
			}
			reset, send := mod.ExportedFunction("dst-reset"), mod.ExportedFunction("send-"+c.from+"-"+c.to)
			stack := make([]uint64, 3)
			b.SetBytes(int64(n))
			for b.Loop() {
				// The first block is always the same, and realloc does not
				// fill it with garbage.
				stack[0], stack[1], stack[2] = 0x400000, 1, heapAt
				if err := reset.CallWithStack(ctx, stack); err != nil {
					b.Fatal(err)
				}
				stack[0], stack[1] = 0x10000, uint64(units)
				if err := send.CallWithStack(ctx, stack); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
