package component

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/wbundle/wbundle/internal/wasm"
)

// flatText writes core types as "i32 i64".
func flatText(ts []wasm.ValType) string {
	var words []string
	for _, t := range ts {
		switch t {
		case wasm.I32:
			words = append(words, "i32")
		case wasm.I64:
			words = append(words, "i64")
		case wasm.F32:
			words = append(words, "f32")
		case wasm.F64:
			words = append(words, "f64")
		}
	}
	return strings.Join(words, " ")
}

func record(types ...*ValType) *ValType {
	fields := make([]Field, len(types))
	for i, t := range types {
		fields[i] = Field{Name: fmt.Sprintf("f%d", i), Type: t}
	}
	return NewRecord(fields)
}

func variant(types ...*ValType) *ValType {
	cases := make([]Case, len(types))
	for i, t := range types {
		cases[i] = Case{Name: fmt.Sprintf("c%d", i), Type: t}
	}
	return NewVariant(cases)
}

func labels(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("l%d", i)
	}
	return out
}

func repeat(t *ValType, n int) []*ValType {
	out := make([]*ValType, n)
	for i := range out {
		out[i] = t
	}
	return out
}

// TestLayout has the values that definitions.py computes with elem_size,
// alignment and flatten_type (memory addresses of 32 bits).
func TestLayout(t *testing.T) {
	file := &Resource{Name: "file"}
	for _, tt := range []struct {
		t           *ValType
		size, align uint32
		flat        string
	}{
		{Bool, 1, 1, "i32"},
		{S8, 1, 1, "i32"},
		{U8, 1, 1, "i32"},
		{S16, 2, 2, "i32"},
		{U16, 2, 2, "i32"},
		{S32, 4, 4, "i32"},
		{U32, 4, 4, "i32"},
		{S64, 8, 8, "i64"},
		{U64, 8, 8, "i64"},
		{F32, 4, 4, "f32"},
		{F64, 8, 8, "f64"},
		{Char, 4, 4, "i32"},
		{String, 8, 4, "i32 i32"},
		{ErrorContext, 4, 4, "i32"},
		{NewList(U64), 8, 4, "i32 i32"},
		{NewMap(String, U64), 8, 4, "i32 i32"},
		{NewOwn(file), 4, 4, "i32"},
		{NewBorrow(file), 4, 4, "i32"},
		{NewStream(U64), 4, 4, "i32"},
		{NewFuture(nil), 4, 4, "i32"},
		{record(U8, U32, U16), 12, 4, "i32 i32 i32"},
		{record(U8), 1, 1, "i32"},
		{record(U8, U64), 16, 8, "i32 i64"},
		{record(U8, U16, U8, U32, U8), 16, 4, "i32 i32 i32 i32 i32"},
		{record(record(U8, U64), U8), 24, 8, "i32 i64 i32"},
		{NewTuple(U16, U8), 4, 2, "i32 i32"},
		{NewTuple(F32, F64, String), 24, 8, "f32 f64 i32 i32"},
		{NewOption(U8), 2, 1, "i32 i32"},
		{NewOption(U64), 16, 8, "i32 i64"},
		{NewOption(String), 12, 4, "i32 i32 i32"},
		{NewOption(NewOption(U8)), 3, 1, "i32 i32 i32"},
		{NewOption(NewOption(U16)), 6, 2, "i32 i32 i32"},
		{NewResult(nil, nil), 1, 1, "i32"},
		{NewResult(nil, String), 12, 4, "i32 i32 i32"},
		{NewResult(U8, nil), 2, 1, "i32 i32"},
		{NewResult(F32, U32), 8, 4, "i32 i32"},
		{NewResult(F32, F32), 8, 4, "i32 f32"},
		{NewResult(F64, U32), 16, 8, "i32 i64"},
		{NewResult(F32, U64), 16, 8, "i32 i64"},
		{NewResult(F64, F32), 16, 8, "i32 i64"},
		{NewResult(String, U64), 16, 8, "i32 i64 i32"},
		{variant(nil, nil), 1, 1, "i32"},
		{variant(U8, nil, U32), 8, 4, "i32 i32"},
		{variant(U8, U16), 4, 2, "i32 i32"},
		{variant(record(U8, U64), F32), 24, 8, "i32 i32 i64"},
		{variant(NewTuple(F32, F32), NewTuple(U32, F64)), 24, 8, "i32 i32 i64"},
		{variant(repeat(nil, 256)...), 1, 1, "i32"},
		{variant(repeat(nil, 257)...), 2, 2, "i32"},
		{variant(append(repeat(nil, 256), U8)...), 4, 2, "i32 i32"},
		{variant(repeat(nil, 65536)...), 2, 2, "i32"},
		{variant(repeat(nil, 65537)...), 4, 4, "i32"},
		{NewEnum(labels(1)), 1, 1, "i32"},
		{NewEnum(labels(256)), 1, 1, "i32"},
		{NewEnum(labels(257)), 2, 2, "i32"},
		{NewFlags(labels(1)), 1, 1, "i32"},
		{NewFlags(labels(8)), 1, 1, "i32"},
		{NewFlags(labels(9)), 2, 2, "i32"},
		{NewFlags(labels(16)), 2, 2, "i32"},
		{NewFlags(labels(17)), 4, 4, "i32"},
		{NewFlags(labels(32)), 4, 4, "i32"},
		{NewFlags(labels(33)), 8, 4, "i32 i32"},
		{NewFixedList(U16, 3), 6, 2, "i32 i32 i32"},
		{NewFixedList(NewTuple(U8, U32), 2), 16, 4, "i32 i32 i32 i32"},
		{NewFixedList(NewOption(U64), 3), 48, 8, "i32 i64 i32 i64 i32 i64"},
		{NewOption(NewFixedList(F32, 2)), 12, 4, "i32 f32 f32"},
	} {
		if tt.t.Size() != tt.size || tt.t.Align() != tt.align {
			t.Errorf("%s: size %d align %d, want %d, %d", tt.t, tt.t.Size(), tt.t.Align(), tt.size, tt.align)
		}
		if got := flatText(tt.t.Flat()); got != tt.flat || tt.t.FlatCount() != len(tt.t.Flat()) {
			t.Errorf("%s: flat %q (%d), want %q", tt.t, got, tt.t.FlatCount(), tt.flat)
		}
		if tt.t.Overflow() {
			t.Errorf("%s: overflows", tt.t)
		}
	}
}

func TestOffsets(t *testing.T) {
	r := record(U8, U32, U16, U64, NewOption(U16))
	for i, want := range []uint32{0, 4, 8, 16, 24} {
		if got := r.FieldOffset(i); got != want {
			t.Errorf("field %d at %d, want %d", i, got, want)
		}
	}
	for _, tt := range []struct {
		t             *ValType
		disc, payload uint32
		cases         string
	}{
		{NewOption(U8), 1, 1, "none some"},
		{NewOption(U64), 1, 8, "none some"},
		{NewResult(nil, U32), 1, 4, "ok error"},
		{NewEnum([]string{"a", "b"}), 1, 1, "a b"},
		{variant(U8, U16), 1, 2, "c0 c1"},
		{U8, 0, 0, ""},
	} {
		var names []string
		for _, c := range tt.t.CaseList() {
			names = append(names, c.Name)
		}
		if tt.t.DiscSize() != tt.disc || tt.t.PayloadOffset() != tt.payload || strings.Join(names, " ") != tt.cases {
			t.Errorf("%s: discriminant %d, payload at %d, cases %v", tt.t, tt.t.DiscSize(), tt.t.PayloadOffset(), names)
		}
	}
	m := NewMap(U8, U64)
	if e := m.ElemType(); e.Kind != KindTuple || e.Size() != 16 || e.FieldOffset(1) != 8 {
		t.Errorf("map holds %s of %d bytes", e, e.Size())
	}
	if NewList(U8).ElemType() != U8 || NewOption(U8).ElemType() != nil {
		t.Error("ElemType is for lists")
	}
}

func TestContains(t *testing.T) {
	file := &Resource{Name: "file"}
	for _, tt := range []struct {
		t    *ValType
		want string
	}{
		{U8, ""},
		{NewOption(record(U8, F64)), ""},
		{NewResult(nil, String), "pointers strings"},
		{NewList(U8), "pointers"},
		{NewList(NewOwn(file)), "pointers handles"},
		{NewTuple(U8, NewBorrow(file)), "handles borrow"},
		{NewFixedList(NewOwn(file), 2), "handles"},
		{NewOption(NewStream(String)), "handles async"},
		{NewList(NewTuple(U8, String)), "pointers strings"},
		{NewVariant([]Case{{Name: "a"}, {Name: "b", Type: ErrorContext}}), "handles async"},
		{NewMap(U8, U8), "pointers"},
	} {
		var got []string
		for _, f := range []struct {
			is   bool
			name string
		}{{tt.t.ContainsPointers(), "pointers"}, {tt.t.ContainsStrings(), "strings"}, {tt.t.ContainsHandles(), "handles"}, {tt.t.ContainsBorrow(), "borrow"}, {tt.t.ContainsAsync(), "async"}} {
			if f.is {
				got = append(got, f.name)
			}
		}
		if s := strings.Join(got, " "); s != tt.want {
			t.Errorf("%s: contains %q, want %q", tt.t, s, tt.want)
		}
	}
}

// TestExponential builds types whose flattening and size are out of reach, and
// uses every operation on them.
func TestExponential(t *testing.T) {
	build := func() *ValType {
		d := U8
		for range 90 {
			d = NewTuple(d, d)
		}
		return d
	}
	a, b := build(), build()
	if a.FlatCount() <= MaxFlatParams || a.Flat() != nil {
		t.Errorf("flattens to %d", a.FlatCount())
	}
	if !a.Overflow() || a.Size() != math.MaxUint32 {
		t.Errorf("size %d", a.Size())
	}
	if a.Depth() != 91 {
		t.Errorf("depth %d", a.Depth())
	}
	if !Equal(a, b) || Mismatch(a, b) != "" {
		t.Error("not equal to itself")
	}
	if m := Mismatch(a, NewTuple(b, U8)); m == "" {
		t.Error("equal to another")
	}
	if n := len(a.String()); n > 2*maxTypeText {
		t.Errorf("text of %d bytes", n)
	}
	o := U8
	for range 60 {
		o = NewVariant([]Case{{Name: "a", Type: o}, {Name: "b", Type: o}})
	}
	if o.Overflow() || o.Size() != 61 || o.FlatCount() <= MaxFlatParams {
		t.Errorf("variant: size %d", o.Size())
	}
	if s := NewFixedList(U64, 1<<30); !s.Overflow() || s.FlatCount() <= MaxFlatParams {
		t.Errorf("list of 8 GiB has size %d", s.Size())
	}
	if _, err := ResolveValDef(&ValDef{Kind: KindTuple, Fields: []FieldDef{{}, {}}}, func(uint32) (*ValType, error) { return a, nil }, nil); err == nil {
		t.Error("a type of 2^91 bytes resolves")
	}
}

func TestFlattenFunc(t *testing.T) {
	fn := func(result *ValType, params ...*ValType) *FuncType {
		f := &FuncType{Result: result}
		for i, p := range params {
			f.Params = append(f.Params, Field{Name: fmt.Sprintf("p%d", i), Type: p})
		}
		return f
	}
	for _, tt := range []struct {
		f    *FuncType
		dir  Direction
		want string
	}{
		{fn(nil), Lift, "() -> ()"},
		{fn(U64, U32, F32), Lift, "(i32 f32) -> (i64)"},
		{fn(U64, U32, F32), Lower, "(i32 f32) -> (i64)"},
		{fn(String, String), Lift, "(i32 i32) -> (i32) result"},
		{fn(String, String), Lower, "(i32 i32 i32) -> () result"},
		{fn(nil, repeat(U64, 16)...), Lift, "(" + strings.TrimSpace(strings.Repeat("i64 ", 16)) + ") -> ()"},
		{fn(nil, repeat(U64, 17)...), Lift, "(i32) -> () params"},
		{fn(nil, repeat(U64, 17)...), Lower, "(i32) -> () params"},
		{fn(String, repeat(String, 9)...), Lift, "(i32) -> (i32) params result"},
		{fn(String, repeat(String, 9)...), Lower, "(i32 i32) -> () params result"},
		{fn(NewResult(nil, nil)), Lower, "() -> (i32)"},
		{fn(NewOption(F32), NewResult(F32, U32)), Lower, "(i32 i32 i32) -> () result"},
		{fn(record(F64), NewFlags(labels(40))), Lift, "(i32 i32) -> (f64)"},
	} {
		params, results, spilledParams, spilledResult := FlattenFunc(tt.f, tt.dir)
		got := fmt.Sprintf("(%s) -> (%s)", flatText(params), flatText(results))
		if spilledParams {
			got += " params"
		}
		if spilledResult {
			got += " result"
		}
		if got != tt.want {
			t.Errorf("%s, direction %d: %s, want %s", tt.f, tt.dir, got, tt.want)
		}
	}
	// The result must not share memory with a type that others use.
	f := fn(String, String)
	params, _, _, _ := FlattenFunc(f, Lift)
	params[0] = wasm.F64
	if String.Flat()[0] != wasm.I32 {
		t.Error("parameters alias the flattening of a type")
	}
}
