package component

import (
	"bytes"
	"errors"
	"reflect"
	"runtime"
	"testing"

	"github.com/wbundle/wbundle/internal/wasm"
)

// The memory Decode may take: a definition of one byte (canon
// thread.available-parallelism) becomes a Canon of a hundred and some.
const (
	maxAllocPerByte = 256
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
