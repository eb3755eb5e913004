package component

import (
	"bytes"
	"errors"
	"reflect"
	"runtime"
	"testing"

	"github.com/wbundle/wbundle/internal/wasm"
)

// The memory Decode may take, and what it may take however small the input is.
const (
	maxAllocPerByte = 64
	maxAllocConst   = 1 << 20
)

// FuzzDecode feeds Decode arbitrary bytes: no panic, no allocation on the word
// of a count, errors that say where, and what decodes must survive encoding.
func FuzzDecode(f *testing.F) {
	for _, tt := range constructs {
		f.Add(Encode(&Component{Defs: []Def{tt.want}}))
	}
	f.Add(Encode(&Component{Defs: []Def{
		&CoreModule{Bytes: []byte("\x00asm\x01\x00\x00\x00")},
		&CoreInstance{Instantiate: true},
		&Alias{Sort: SortCoreFunc, Kind: AliasCoreExport, Name: "run"},
		&TypeDef{Type: &FuncDef{Params: []FieldDef{{"s", u32Ref}}}},
		&Canon{Op: CanonLift},
		&Export{Name: Name{Text: "run"}, Sort: SortFunc},
		&NestedComponent{Component: &Component{Defs: []Def{
			&Alias{Sort: SortType, Kind: AliasOuter, Count: 1},
			&Import{Name: Name{Text: "f"}, Desc: ExternDesc{Sort: SortFunc}},
		}}},
	}}))
	// A padded section size and count.
	f.Add([]byte("\x00asm\x0d\x00\x01\x00\x07\x83\x00\x81\x00\x7d"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		c, err := Decode("fuzz", b)
		runtime.ReadMemStats(&after)
		if n := after.TotalAlloc - before.TotalAlloc; n > uint64(len(b))*maxAllocPerByte+maxAllocConst {
			t.Errorf("%d bytes allocated for an input of %d", n, len(b))
		}
		if err != nil {
			var e *wasm.Error
			if !errors.As(err, &e) || e.Offset < 0 || e.Offset > int64(len(b)) || e.Input != "fuzz" {
				t.Fatalf("error %#v", err)
			}
			return
		}
		once := Encode(c)
		if len(once) > len(b) {
			t.Fatalf("encoding grew from %d to %d bytes", len(b), len(once))
		}
		again, err := Decode("fuzz", once)
		if err != nil {
			t.Fatalf("decode of the encoding: %v", err)
		}
		if twice := Encode(again); !bytes.Equal(once, twice) {
			t.Fatalf("encoding is not stable:\n% x\n% x", once, twice)
		}
		if len(once) == len(b) {
			if !bytes.Equal(once, b) {
				t.Fatalf("encoding differs:\n% x\n% x", b, once)
			}
			if !reflect.DeepEqual(c, again) {
				t.Fatal("decoding is not deterministic")
			}
		}
	})
}

// TestAllocation decodes the densest form of each definition, many times over,
// and bounds the memory it takes by the bytes it was written in.
func TestAllocation(t *testing.T) {
	for name, section := range map[string]struct {
		id  SectionID
		def []byte
	}{
		"canon of one byte":     {SectionCanon, []byte{0x42}},
		"canon with a flag":     {SectionCanon, []byte{0x06, 0x01}},
		"canon without options": {SectionCanon, []byte{0x1e}},
		"canon with no options": {SectionCanon, []byte{0x09, 0x01, 0x00, 0x00}},
		"canon with one option": {SectionCanon, []byte{0x09, 0x01, 0x00, 0x01, 0x00}},
		"primitive":             {SectionType, []byte{0x7f}},
		"list":                  {SectionType, []byte{0x70, 0x7f}},
		"option":                {SectionType, []byte{0x6b, 0x7f}},
		"tuple of one":          {SectionType, []byte{0x6f, 0x01, 0x7f}},
		"result":                {SectionType, []byte{0x6a, 0x00, 0x00}},
		"stream":                {SectionType, []byte{0x66, 0x00}},
		"enum of one":           {SectionType, []byte{0x6d, 0x01, 0x01, 'a'}},
		"flags of one":          {SectionType, []byte{0x6e, 0x01, 0x01, 'a'}},
		"record of one":         {SectionType, []byte{0x72, 0x01, 0x01, 'a', 0x7f}},
		"variant of one":        {SectionType, []byte{0x71, 0x01, 0x01, 'a', 0x00, 0x00}},
		"function":              {SectionType, []byte{0x40, 0x00, 0x01, 0x00}},
		"component type":        {SectionType, []byte{0x41, 0x00}},
		"instance type":         {SectionType, []byte{0x42, 0x00}},
		"core function type":    {SectionCoreType, []byte{0x60, 0x00, 0x00}},
		"module type":           {SectionCoreType, []byte{0x50, 0x00}},
		"bag of exports":        {SectionInstance, []byte{0x01, 0x00}},
		"bag of core exports":   {SectionCoreInstance, []byte{0x01, 0x00}},
	} {
		const n = 100_000
		payload := wasm.AppendU32(nil, n)
		for range n {
			payload = append(payload, section.def...)
		}
		b := wasm.AppendBytes(append(append([]byte(nil), preamble...), byte(section.id)), payload)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, err := Decode("alloc", b); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		runtime.ReadMemStats(&after)
		per := float64(after.TotalAlloc-before.TotalAlloc) / float64(len(b))
		if t.Logf("%-24s %5.1f bytes per byte", name, per); per > maxAllocPerByte+0.5 {
			t.Errorf("%s: %.1f bytes allocated per byte of input, want at most %d", name, per, maxAllocPerByte)
		}
	}
}
