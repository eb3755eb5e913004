package component

import "fmt"

// ResolveVal turns a valtype of the binary into a type; lookup answers for the
// type index space at that place.
func ResolveVal(ref ValRef, lookup func(index uint32) (*ValType, error)) (*ValType, error) {
	if ref.Prim == KindNone {
		return lookup(ref.Index)
	}
	if t := Prim(ref.Prim); t != nil {
		return t, nil
	}
	return nil, fmt.Errorf("unknown primitive type 0x%02x", uint8(ref.Prim))
}

// ResolveValDef turns a value type definition into a type. Lookup in types and
// resources is by type index; the errors of both are returned as they are. It
// refuses types that nest deeper than MaxTypeDepth or do not fit a 32-bit
// address space.
func ResolveValDef(d *ValDef, types func(index uint32) (*ValType, error), resources func(index uint32) (*Resource, error)) (*ValType, error) {
	t, err := buildValType(d, types, resources)
	if err != nil {
		return nil, err
	}
	if t.Depth() > MaxTypeDepth {
		return nil, fmt.Errorf("type nests more than %d deep", MaxTypeDepth)
	}
	if t.Overflow() {
		return nil, fmt.Errorf("values of type `%s` take more than 4 GiB", t)
	}
	return t, nil
}

func buildValType(d *ValDef, types func(uint32) (*ValType, error), resources func(uint32) (*Resource, error)) (*ValType, error) {
	switch d.Kind {
	case KindRecord:
		fields, err := resolveFields(d.Fields, types)
		if err != nil {
			return nil, err
		}
		return NewRecord(fields), nil
	case KindTuple:
		elems := make([]*ValType, len(d.Fields))
		for i, f := range d.Fields {
			var err error
			if elems[i], err = ResolveVal(f.Type, types); err != nil {
				return nil, err
			}
		}
		return NewTuple(elems...), nil
	case KindVariant:
		cases := make([]Case, len(d.Cases))
		for i, c := range d.Cases {
			t, err := resolveOptional(c.Type, types)
			if err != nil {
				return nil, err
			}
			cases[i] = Case{Name: c.Name, Type: t}
		}
		return NewVariant(cases), nil
	case KindFlags:
		return NewFlags(d.Labels), nil
	case KindEnum:
		return NewEnum(d.Labels), nil
	case KindResult:
		ok, err := resolveOptional(d.Parts().Ok, types)
		if err != nil {
			return nil, err
		}
		fail, err := resolveOptional(d.Parts().Err, types)
		if err != nil {
			return nil, err
		}
		return NewResult(ok, fail), nil
	case KindStream, KindFuture:
		elem, err := resolveOptional(d.Elem, types)
		if err != nil {
			return nil, err
		}
		return newAsync(d.Kind, elem), nil
	case KindOwn, KindBorrow:
		r, err := resources(d.Index)
		if err != nil {
			return nil, err
		}
		if d.Kind == KindBorrow {
			return NewBorrow(r), nil
		}
		return NewOwn(r), nil
	case KindList, KindFixedList, KindOption, KindMap:
		elem, err := ResolveVal(*d.Elem, types)
		if err != nil {
			return nil, err
		}
		switch d.Kind {
		case KindList:
			return NewList(elem), nil
		case KindFixedList:
			return NewFixedList(elem, d.Len), nil
		case KindOption:
			return NewOption(elem), nil
		}
		key, err := ResolveVal(*d.Key, types)
		if err != nil {
			return nil, err
		}
		return NewMap(key, elem), nil
	}
	return ResolveVal(ValRef{Prim: d.Kind}, types)
}

func resolveOptional(ref *ValRef, types func(uint32) (*ValType, error)) (*ValType, error) {
	if ref == nil {
		return nil, nil
	}
	return ResolveVal(*ref, types)
}

func resolveFields(defs []FieldDef, types func(uint32) (*ValType, error)) ([]Field, error) {
	fields := make([]Field, len(defs))
	for i, f := range defs {
		t, err := ResolveVal(f.Type, types)
		if err != nil {
			return nil, err
		}
		fields[i] = Field{Name: f.Name, Type: t}
	}
	return fields, nil
}

// ResolveFunc turns a function type definition into a type; lookup answers for
// the type index space at that place. It refuses a borrow in the result, which
// no caller could give back.
func ResolveFunc(d *FuncDef, lookup func(index uint32) (*ValType, error)) (*FuncType, error) {
	params, err := resolveFields(d.Params, lookup)
	if err != nil {
		return nil, err
	}
	result, err := resolveOptional(d.Result, lookup)
	if err != nil {
		return nil, err
	}
	if result != nil && result.ContainsBorrow() {
		return nil, fmt.Errorf("function result `%s` contains a borrow", result)
	}
	return &FuncType{Async: d.Async, Params: params, Result: result}, nil
}
