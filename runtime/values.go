package runtime

import (
	"github.com/wbundle/wbundle/internal/component"
	"github.com/wbundle/wbundle/internal/wit"
)

// ValType is a value type; FuncType's parameters and result have one.
type ValType = component.ValType

// ParseValue reads a value of type t from WAVE text. It makes values of every
// type but handles; errors have a line and a column.
func ParseValue(text string, t *ValType) (Value, error) { return wit.Parse(text, t) }

// EqualValues says that a and b are the same value: any NaN equals any other,
// and -0 is not 0.
func EqualValues(a, b Value) bool { return wit.Equal(a, b) }

// Bool returns a bool value.
func Bool(b bool) Value { return wit.Bool(b) }

// U32 returns a u32 value.
func U32(x uint32) Value { return wit.U32(x) }

// U64 returns a u64 value.
func U64(x uint64) Value { return wit.U64(x) }

// S32 returns an s32 value.
func S32(x int32) Value { return wit.S32(x) }

// S64 returns an s64 value.
func S64(x int64) Value { return wit.S64(x) }

// F64 returns an f64 value.
func F64(x float64) Value { return wit.F64(x) }

// String returns a string value. It panics when s is not valid UTF-8.
func String(s string) Value { return wit.String(s) }

// Bytes returns a value of t, a list<u8>.
func Bytes(t *ValType, b []byte) Value { return wit.Bytes(t, b) }
