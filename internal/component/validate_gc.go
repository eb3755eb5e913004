package component

import (
	"fmt"

	"github.com/wbundle/wbundle/internal/wasm"
)

// The gc canonical option: values are passed as structs and arrays of the core
// language in place of linear memory. There is no one core type for a
// component type then; the definition names one, which must fit. The proposal
// is young, and the rules are those of wasm-tools.

// gcLowering checks that core types fit value types.
type gcLowering struct {
	core     *coreTypes
	encoding Encoding
	fits     map[gcPlace]struct{} // found so far; types are DAGs
}

// gcPlace is a value type and the core type of where it goes: a parameter or
// result, or a field of a struct or array, which can be packed.
type gcPlace struct {
	t     *ValType
	core  wasm.ValType
	field bool
}

// gcLowered returns an error unless core fits t.
func (v *validator) gcLowered(t *funcType, core *wasm.SubType, encoding Encoding) error {
	g := gcLowering{core: &v.core, encoding: encoding, fits: map[gcPlace]struct{}{}}
	if len(core.Params) != len(t.Params) {
		return fmt.Errorf("the core type has %s, but the function has %d", count(len(core.Params), "parameter"), len(t.Params))
	}
	for i, p := range t.Params {
		if err := g.check(gcPlace{p.Type, core.Params[i], false}); err != nil {
			return fmt.Errorf("parameter `%s`: %w", p.Name, err)
		}
	}
	results := 0
	if t.Result != nil {
		results = 1
	}
	if len(core.Results) != results {
		return fmt.Errorf("the core type has %s, but the function has %d", count(len(core.Results), "result"), results)
	}
	if t.Result != nil {
		if err := g.check(gcPlace{t.Result, core.Results[0], false}); err != nil {
			return fmt.Errorf("function result: %w", err)
		}
	}
	return nil
}

func (g *gcLowering) check(p gcPlace) error {
	if _, ok := g.fits[p]; ok {
		return nil
	}
	if err := g.checkParts(p); err != nil {
		return err
	}
	g.fits[p] = struct{}{}
	return nil
}

func (g *gcLowering) checkParts(p gcPlace) error {
	switch p.t.Kind {
	case KindBool, KindS8, KindU8:
		return p.scalar(wasm.ValType{Kind: wasm.KindI8})
	case KindS16, KindU16:
		return p.scalar(wasm.ValType{Kind: wasm.KindI16})
	case KindS32, KindU32, KindChar, KindFlags, KindEnum:
		return p.want("i32", p.core == wasm.I32)
	case KindS64, KindU64:
		return p.want("i64", p.core == wasm.I64)
	case KindF32:
		return p.want("f32", p.core == wasm.F32)
	case KindF64:
		return p.want("f64", p.core == wasm.F64)
	case KindOwn, KindBorrow, KindStream, KindFuture, KindErrorContext:
		return p.want("(ref null? extern)", p.core.Kind == wasm.KindRef && p.core.Heap == wasm.HeapExtern)
	case KindString:
		want, unit := "(ref null? (array (mut? i8)))", wasm.KindI8
		if g.encoding == UTF16 {
			want, unit = "(ref null? (array (mut? i16)))", wasm.KindI16
		}
		fields, ok := g.composite(p.core, wasm.CompArray)
		return p.want(want, ok && fields[0].Type.Kind == unit)
	case KindList, KindFixedList:
		fields, ok := g.composite(p.core, wasm.CompArray)
		if !ok {
			return p.want("(ref null? (array ...))", false)
		}
		return g.check(gcPlace{p.t.Elem, fields[0].Type, true})
	case KindRecord, KindTuple:
		fields, ok := g.composite(p.core, wasm.CompStruct)
		if !ok || len(fields) != len(p.t.Fields) {
			return p.want(fmt.Sprintf("(ref null? (struct ...)) of %s", count(len(p.t.Fields), "field")), false)
		}
		for i, f := range p.t.Fields {
			if err := g.check(gcPlace{f.Type, fields[i].Type, true}); err != nil {
				return err
			}
		}
		return nil
	case KindVariant, KindOption, KindResult:
		fields, ok := g.composite(p.core, wasm.CompStruct)
		return p.want("(ref null? (struct))", ok && len(fields) == 0)
	}
	return fmt.Errorf("`%s` has no lowering to gc types yet", p.t)
}

// scalar wants the packed type in a field and i32 elsewhere.
func (p gcPlace) scalar(packed wasm.ValType) error {
	if p.field {
		return p.want(packed.String(), p.core == packed)
	}
	return p.want("i32", p.core == wasm.I32)
}

func (p gcPlace) want(core string, ok bool) error {
	if ok {
		return nil
	}
	return fmt.Errorf("expected to lower component `%s` type to core `%s` type, found `%s`", p.t.Kind, core, p.core)
}

// composite is the fields of the struct or array that t refers to.
func (g *gcLowering) composite(t wasm.ValType, kind wasm.CompKind) ([]wasm.Field, bool) {
	if t.Kind != wasm.KindRef || t.Heap < 0 {
		return nil, false
	}
	sub := &g.core.types[t.Heap]
	return sub.Fields, sub.Kind == kind
}
