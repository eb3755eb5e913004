package adapter_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"github.com/wbundle/wbundle/internal/wit"
	"github.com/wbundle/wbundle/linker"
	"github.com/wbundle/wbundle/runtime"
)

// The string adapters against the executor of unbundled components:
// testdata/strings.wat is run as it is and linked, with the same strings at
// the same addresses. Everything that the receiving component sees must be
// equal: the calls of realloc, the pointer, the length, the bytes around it.

const utf16Tag = 1 << 31

// encodings are the names in strings.wat.
var encodings = []string{"utf8", "utf16", "compact"}

// text is a string as it lies in a memory.
type text struct {
	enc   string
	units uint32 // with the tag
	bytes []byte
}

// forms returns s in every form that a string of the encoding can have.
func forms(enc, s string) []text {
	switch enc {
	case "utf8":
		return []text{{enc, uint32(len(s)), []byte(s)}}
	case "utf16":
		b := encode16(s)
		return []text{{enc, uint32(len(b) / 2), b}}
	}
	b := encode16(s)
	out := []text{{enc, uint32(len(b)/2) | utf16Tag, b}}
	if l, ok := encodeLatin1(s); ok {
		out = append(out, text{enc, uint32(len(l)), l})
	}
	return out
}

func encode16(s string) []byte {
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return b
}

func encodeLatin1(s string) ([]byte, bool) {
	var b []byte
	for _, r := range s {
		if r > 0xff {
			return nil, false
		}
		b = append(b, byte(r))
	}
	return b, true
}

// transfer is one string on its way.
type transfer struct {
	text
	op    string // send: from src to dst; take: from dst to src
	to    string // encoding at the destination
	ptr   uint32
	units uint32 // overrides those of text when set
	// evil is the call of realloc that returns evilPtr; 0: none.
	evil, evilPtr uint32
	// repeat makes the string longer: its bytes again and again, up to so many.
	repeat uint32
}

func (x *transfer) String() string {
	b := x.bytes
	if len(b) > 40 {
		b = b[:40]
	}
	return fmt.Sprintf("%s %s -> %s: %d units at %#x: %x", x.op, x.enc, x.to, x.text.units, x.ptr, b)
}

// outcome is what the destination saw.
type outcome struct {
	Trap     bool
	Ptr, Len uint32
	Calls    [][4]uint32 // of realloc; not recorded after a trap
	Data     string      // the string and what lies around it, or the hash of that
}

// side is one of the programs.
type side struct {
	name string
	p    *runtime.Program
	inst *runtime.Instance
}

var ctx = context.Background()

func readWasm(t testing.TB) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "strings.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func link(t testing.TB, o linker.Options) []byte {
	t.Helper()
	r, err := linker.Link(ctx, []linker.Input{{ID: "strings", Bytes: readWasm(t)}}, o)
	if err != nil {
		t.Fatal(err)
	}
	return r.Output
}

func newSide(t testing.TB, name string, wasm []byte) *side {
	t.Helper()
	p, err := runtime.Compile(ctx, wasm, name)
	if err != nil {
		t.Fatal(err)
	}
	s := &side{name: name, p: p}
	t.Cleanup(func() {
		s.fresh(t)
		if err := p.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return s
}

// smallWindows are enough for strings that are not long. A trap costs a new
// instance, and that costs as much as its windows are large.
var smallWindows = map[string]uint64{"strings": 1 << 20}

// allSides returns the bundle, the bundle without vectors, and the component
// that they were made of.
func allSides(t testing.TB, limit map[string]uint64) []*side {
	var all []*side
	for _, o := range []linker.Options{{}, {NoVectors: true}} {
		o.Names, o.MemoryLimit = linker.NamesKeep, limit
		name := "linked"
		if o.NoVectors {
			name = "linked without vectors"
		}
		all = append(all, newSide(t, name, link(t, o)))
	}
	return append(all, newSide(t, "unbundled", readWasm(t)))
}

// fresh closes the instance; the next call makes another.
func (s *side) fresh(t testing.TB) {
	if s.inst != nil {
		if err := s.inst.Close(ctx); err != nil {
			t.Error(err)
		}
		s.inst = nil
	}
}

// call calls an exported function; the error is a trap.
func (s *side) call(t testing.TB, name string, args ...runtime.Value) (runtime.Value, error) {
	t.Helper()
	if s.inst == nil {
		var err error
		if s.inst, err = s.p.Instantiate(ctx, runtime.Config{}); err != nil {
			t.Fatal(err)
		}
	}
	v, err := s.inst.Call(ctx, name, args...)
	var trap *runtime.Trap
	if err != nil && !errors.As(err, &trap) {
		t.Fatalf("%s: %s: %v", s.name, name, err)
	}
	return v, err
}

// must is call for functions that do not trap.
func (s *side) must(t testing.TB, name string, args ...uint32) uint64 {
	t.Helper()
	var vs []runtime.Value
	for _, a := range args {
		vs = append(vs, wit.U32(a))
	}
	v, err := s.call(t, name, vs...)
	if err != nil {
		t.Fatalf("%s: %s%v: %v", s.name, name, args, err)
	}
	if v.IsZero() {
		return 0
	}
	return v.Uint()
}

func (s *side) put(t testing.TB, peer string, at uint32, b []byte) {
	t.Helper()
	b = append(bytes.Clone(b), make([]byte, -len(b)&7)...)
	for i := 0; i < len(b); i += 8 {
		if _, err := s.call(t, peer+"-put", wit.U32(at+uint32(i)), wit.U64(binary.LittleEndian.Uint64(b[i:]))); err != nil {
			t.Fatalf("%s: put at %#x: %v", s.name, at, err)
		}
	}
}

// peers are the components that a string comes from and goes to.
func (x *transfer) peers() (from, to string) {
	if x.op == "take" {
		return "dst", "src"
	}
	return "src", "dst"
}

const (
	// heapAt is where realloc's blocks begin.
	heapAt = 0x20000
	// memoryEnd is where both memories end at first.
	memoryEnd = 4 << 16
	// resultAt is where the pointer and length of a result are.
	resultAt = 128
)

// start puts everything in its place and passes the string; the error is a trap.
func (s *side) start(t testing.TB, x *transfer) error {
	t.Helper()
	from, to := x.peers()
	s.must(t, to+"-reset", heapAt, x.evil, x.evilPtr)
	s.put(t, from, x.ptr, x.bytes)
	units := x.text.units
	if x.repeat > 0 {
		s.must(t, from+"-repeat", x.ptr, uint32(len(x.bytes)), x.repeat)
		units = x.repeat | units&utf16Tag
		if x.wide() {
			units = x.repeat/2 | units&utf16Tag
		}
	}
	if x.units != 0 {
		units = x.units
	}
	name := x.op + "-" + x.enc + "-" + x.to
	if x.op == "take" {
		s.put(t, from, resultAt, binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(nil, x.ptr), units))
		_, err := s.call(t, name)
		return err
	}
	_, err := s.call(t, name, wit.U32(x.ptr), wit.U32(units))
	return err
}

func (x *transfer) wide() bool { return x.enc == "utf16" || x.text.units&utf16Tag != 0 }

// run passes a string and looks at what came of it.
func (s *side) run(t testing.TB, x *transfer) outcome {
	t.Helper()
	if s.start(t, x) != nil {
		s.fresh(t)
		return outcome{Trap: true}
	}
	_, to := x.peers()
	o := outcome{Ptr: uint32(s.must(t, to+"-got-ptr")), Len: uint32(s.must(t, to+"-got-len"))}
	o.Calls = s.trace(t, to)
	o.Data = s.data(t, to, o.Ptr-8, destinationBytes(x.to, o.Len)+24)
	return o
}

// trace returns the calls of realloc.
func (s *side) trace(t testing.TB, peer string) [][4]uint32 {
	t.Helper()
	var calls [][4]uint32
	for i := range uint32(s.must(t, peer+"-calls")) {
		lo, hi := s.must(t, peer+"-peek", 256+16*i), s.must(t, peer+"-peek", 264+16*i)
		calls = append(calls, [4]uint32{uint32(lo), uint32(lo >> 32), uint32(hi), uint32(hi >> 32)})
	}
	return calls
}

// data returns n bytes of a memory, or their hash when they are many.
func (s *side) data(t testing.TB, peer string, at, n uint32) string {
	t.Helper()
	if n > 512 {
		return fmt.Sprintf("%d bytes, hash %x", n, s.must(t, peer+"-hash", at, n))
	}
	var b []byte
	for i := uint32(0); i < n; i += 8 {
		b = binary.LittleEndian.AppendUint64(b, s.must(t, peer+"-peek", at+i))
	}
	return string(b[:n])
}

// destinationBytes is the size of a string of tagged units.
func destinationBytes(enc string, units uint32) uint32 {
	switch {
	case enc == "utf16":
		return 2 * units
	case enc == "compact" && units&utf16Tag != 0:
		return 2 * (units &^ utf16Tag)
	}
	return units
}

// want is the form that a destination gives to s.
func want(enc string, s string) text {
	fs := forms(enc, s)
	return fs[len(fs)-1] // Latin-1 where it will do
}

// differ passes a string in all programs.
func differ(t testing.TB, all []*side, x *transfer) outcome {
	t.Helper()
	return compare(t, all, x, func(s *side) outcome { return s.run(t, x) })
}

// compare asks all programs; the last is right.
func compare(t testing.TB, all []*side, what any, ask func(s *side) outcome) (o outcome) {
	t.Helper()
	last := len(all) - 1
	ref := ask(all[last])
	for _, s := range all[:last] {
		o = ask(s)
		if diff := cmp.Diff(ref, o); diff != "" {
			t.Fatalf("%v: %s (-), %s (+):\n%s", what, all[last].name, s.name, diff)
		}
	}
	return o
}

// check passes s in all forms and pairs and compares with the string as well.
func check(t testing.TB, all []*side, ops []string, s string) (n int) {
	t.Helper()
	for _, op := range ops {
		for _, from := range encodings {
			for _, f := range forms(from, s) {
				for _, to := range encodings {
					x := &transfer{text: f, op: op, to: to, ptr: 0x10000}
					if from == "utf8" {
						x.ptr++ // needs no alignment
					}
					o := differ(t, all, x)
					w := want(to, s)
					if o.Trap {
						t.Fatalf("%v: trapped", x)
					}
					if o.Len != w.units || o.Data != "" && len(o.Data) == len(w.bytes)+24 && o.Data[8:8+len(w.bytes)] != string(w.bytes) {
						t.Fatalf("%v: got %d units %q, want %d units %q", x, o.Len, o.Data, w.units, w.bytes)
					}
					n++
				}
			}
		}
	}
	return n
}
