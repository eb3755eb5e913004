package component

import "testing"

func TestMismatch(t *testing.T) {
	file, other := &Resource{Name: "file"}, &Resource{Name: "file"}
	dir := &Resource{Name: "dir"}
	xy := NewRecord([]Field{{"x", U32}, {"y", U32}})
	for _, tt := range []struct {
		a, b *ValType
		want string
	}{
		{U8, U8, ""},
		{nil, nil, ""},
		{U8, nil, "`u8` in one, no type in the other"},
		{U8, String, "`u8` in one, `string` in the other"},
		{NewList(U8), NewList(U8), ""},
		{NewList(U8), NewList(U16), "list element: `u8` in one, `u16` in the other"},
		{xy, NewRecord([]Field{{"x", U32}, {"y", U32}}), ""},
		{xy, NewRecord([]Field{{"x", U32}, {"z", U32}}), "record field 1 is named `y` in one, `z` in the other"},
		{xy, NewRecord([]Field{{"x", U32}}), "2 record fields in one, 1 record field in the other"},
		{xy, NewRecord([]Field{{"x", U32}, {"y", NewOption(U8)}}), "record field `y`: `u32` in one, `option<u8>` in the other"},
		{NewOption(NewTuple(U8, S8)), NewOption(NewTuple(U8, U8)), "option: tuple element 1: `s8` in one, `u8` in the other"},
		{NewResult(nil, U8), NewResult(U8, nil), "result: no type in one, `u8` in the other"},
		{NewResult(U8, U8), NewResult(U8, nil), "result error: `u8` in one, no type in the other"},
		{NewVariant([]Case{{"a", nil}}), NewVariant([]Case{{"a", U8}}), "variant case `a`: no type in one, `u8` in the other"},
		{NewVariant([]Case{{"a", nil}}), NewVariant([]Case{{"b", nil}}), "variant case 0 is named `a` in one, `b` in the other"},
		{NewEnum([]string{"a", "b"}), NewEnum([]string{"a", "c"}), "enum case 1 is named `b` in one, `c` in the other"},
		{NewFlags([]string{"a"}), NewFlags([]string{"a", "b"}), "1 flag in one, 2 flags in the other"},
		{NewFixedList(U8, 3), NewFixedList(U8, 4), "list of 3 elements in one, of 4 in the other"},
		{NewMap(U8, U8), NewMap(U8, S8), "map value: `u8` in one, `s8` in the other"},
		{NewStream(nil), NewStream(U8), "stream: no type in one, `u8` in the other"},
		{NewOwn(file), NewOwn(file), ""},
		{NewOwn(file), NewBorrow(file), "`own<file>` in one, `borrow<file>` in the other"},
		{NewOwn(file), NewOwn(dir), "`own<file>` in one, `own<dir>` in the other"},
		{NewOwn(file), NewOwn(other), "two different resource types that are both named `file`"},
		{NewTuple(U8), NewRecord([]Field{{"", U8}}), "`tuple<u8>` in one, `record { : u8 }` in the other"},
	} {
		if got := Mismatch(tt.a, tt.b); got != tt.want {
			t.Errorf("%v, %v: %q\nwant %q", tt.a, tt.b, got, tt.want)
		}
		if Equal(tt.a, tt.b) != (tt.want == "") {
			t.Errorf("%v, %v: Equal is %t", tt.a, tt.b, Equal(tt.a, tt.b))
		}
	}
}

func TestFuncMismatch(t *testing.T) {
	f := &FuncType{Params: []Field{{"p", NewList(U32)}}, Result: String}
	for _, tt := range []struct {
		g    *FuncType
		want string
	}{
		{&FuncType{Params: []Field{{"p", NewList(U32)}}, Result: String}, ""},
		{&FuncType{Async: true, Params: f.Params, Result: String}, "async in one, not in the other"},
		{&FuncType{Result: String}, "1 parameter in one, 0 parameters in the other"},
		{&FuncType{Params: []Field{{"q", NewList(U32)}}, Result: String}, "parameter 0 is named `p` in one, `q` in the other"},
		{&FuncType{Params: []Field{{"p", NewList(U64)}}, Result: String}, "parameter `p`: list element: `u32` in one, `u64` in the other"},
		{&FuncType{Params: f.Params}, "result: `string` in one, no type in the other"},
	} {
		if got := FuncMismatch(f, tt.g); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.g, got, tt.want)
		}
	}
}

func TestTypeText(t *testing.T) {
	file := &Resource{Name: "file"}
	for _, tt := range []struct {
		t    interface{ String() string }
		want string
	}{
		{NewRecord([]Field{{"a", U8}, {"b", NewList(String)}}), "record { a: u8, b: list<string> }"},
		{NewVariant([]Case{{"a", nil}, {"b", NewTuple(F32, Char)}}), "variant { a, b(tuple<f32, char>) }"},
		{NewFlags([]string{"r", "w"}), "flags { r, w }"},
		{NewEnum([]string{"r", "w"}), "enum { r, w }"},
		{NewFixedList(U8, 16), "list<u8, 16>"},
		{NewMap(String, Bool), "map<string, bool>"},
		{NewResult(nil, nil), "result"},
		{NewResult(U8, nil), "result<u8>"},
		{NewResult(nil, U8), "result<_, u8>"},
		{NewOption(NewBorrow(file)), "option<borrow<file>>"},
		{NewStream(nil), "stream"},
		{NewFuture(ErrorContext), "future<error-context>"},
		{&FuncType{Params: []Field{{"x", S64}}, Result: NewOwn(nil)}, "func(x: s64) -> own<resource>"},
		{&FuncType{Async: true}, "async func()"},
	} {
		if got := tt.t.String(); got != tt.want {
			t.Errorf("%q, want %q", got, tt.want)
		}
	}
}
