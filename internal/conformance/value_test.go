package conformance

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/wbundle/wbundle/internal/component"
	"github.com/wbundle/wbundle/internal/wit"
)

// jsonValue is a value as wasm-tools json-from-wast writes it.
type jsonValue struct {
	Type  string          `json:"type"`
	Value json.RawMessage `json:"value"`
}

// value reads the JSON form of wasm-tools json-from-wast.
func (x *jsonValue) value(t *component.ValType) (wit.Value, error) {
	if t == nil {
		return wit.Value{}, fmt.Errorf("a %s where the function has none", x.Type)
	}
	text := strings.Trim(string(x.Value), `"`)
	payload := func(raw json.RawMessage, t *component.ValType) (wit.Value, error) {
		if t == nil || string(raw) == "null" {
			return wit.Value{}, nil
		}
		var v jsonValue
		if err := json.Unmarshal(raw, &v); err != nil {
			return wit.Value{}, err
		}
		return v.value(t)
	}
	list := func(types func(int) *component.ValType) ([]wit.Value, error) {
		var raw []json.RawMessage
		if err := json.Unmarshal(x.Value, &raw); err != nil {
			return nil, err
		}
		out := make([]wit.Value, len(raw))
		for i := range raw {
			var err error
			if out[i], err = payload(raw[i], types(i)); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	switch t.Kind {
	case component.KindF32:
		if strings.HasPrefix(text, "nan:") {
			return wit.F32(float32(math.NaN())), nil
		}
		bits, err := strconv.ParseUint(text, 10, 32)
		return wit.F32Bits(uint32(bits)), err
	case component.KindF64:
		if strings.HasPrefix(text, "nan:") {
			return wit.F64(math.NaN()), nil
		}
		bits, err := strconv.ParseUint(text, 10, 64)
		return wit.F64Bits(bits), err
	case component.KindString:
		var s string
		err := json.Unmarshal(x.Value, &s)
		return wit.String(s), err
	case component.KindChar:
		var s string
		err := json.Unmarshal(x.Value, &s)
		return wit.Char([]rune(s)[0]), err
	case component.KindList, component.KindFixedList:
		vs, err := list(func(int) *component.ValType { return t.Elem })
		if err != nil {
			return wit.Value{}, err
		}
		return wit.List(t, vs), nil
	case component.KindTuple:
		vs, err := list(func(i int) *component.ValType { return t.Fields[i].Type })
		if err != nil {
			return wit.Value{}, err
		}
		return wit.Record(t, vs), nil
	case component.KindRecord:
		var raw [][2]json.RawMessage
		if err := json.Unmarshal(x.Value, &raw); err != nil {
			return wit.Value{}, err
		}
		vs := make([]wit.Value, len(raw))
		for i := range raw {
			var err error
			if vs[i], err = payload(raw[i][1], t.Fields[i].Type); err != nil {
				return wit.Value{}, err
			}
		}
		return wit.Record(t, vs), nil
	case component.KindFlags:
		var names []string
		if err := json.Unmarshal(x.Value, &names); err != nil {
			return wit.Value{}, err
		}
		return wit.Parse("{"+strings.Join(names, ",")+"}", t)
	case component.KindEnum:
		return wit.Parse("%"+text, t)
	case component.KindOption:
		if string(x.Value) == "null" {
			return wit.None(t), nil
		}
		v, err := payload(x.Value, t.Elem)
		if err != nil {
			return wit.Value{}, err
		}
		return wit.Some(t, v), nil
	case component.KindResult:
		var raw map[string]json.RawMessage
		if err := json.Unmarshal(x.Value, &raw); err != nil {
			return wit.Value{}, err
		}
		i, side := 0, t.Ok
		r, ok := raw["Ok"]
		if !ok {
			i, side, r = 1, t.Err, raw["Err"]
		}
		v, err := payload(r, side)
		if err != nil {
			return wit.Value{}, err
		}
		return wit.Variant(t, i, v), nil
	case component.KindVariant:
		var raw struct {
			Case    string
			Payload json.RawMessage
		}
		if err := json.Unmarshal(x.Value, &raw); err != nil {
			return wit.Value{}, err
		}
		for i, c := range t.Cases {
			if c.Name == raw.Case {
				v, err := payload(raw.Payload, c.Type)
				if err != nil {
					return wit.Value{}, err
				}
				return wit.Variant(t, i, v), nil
			}
		}
		return wit.Value{}, fmt.Errorf("no case %s", raw.Case)
	}
	return wit.Parse(text, t)
}
