package component

import (
	"math"

	"github.com/wbundle/wbundle/internal/wasm"
)

// The opcodes of type definitions that are no value types.
const (
	typeResourceAsync = 0x3e // with an async destructor
	typeResource      = 0x3f
	typeFunc          = 0x40
	typeComponent     = 0x41
	typeInstance      = 0x42
	typeFuncAsync     = 0x43
)

// The opcodes of declarations in component and instance types.
const (
	declCoreType = 0x00
	declType     = 0x01
	declAlias    = 0x02
	declImport   = 0x03
	declExport   = 0x04
)

// The opcodes of declarations in core module types.
const (
	moduleDeclImport = 0x00
	moduleDeclType   = 0x01
	moduleDeclAlias  = 0x02
	moduleDeclExport = 0x03
)

// outerCoreAlias is the target byte of the alias declaration of a module type,
// where it means what 0x02 means elsewhere.
const outerCoreAlias = 0x01

func readTypeDef(r *wasm.Reader, depth int) *TypeDef {
	at := r.Offset()
	d := &TypeDef{Pos: Pos(at)}
	switch b := r.Byte(); b {
	case typeResource:
		t := &ResourceDef{Rep: r.ValType()}
		if t.HasDtor = readFlag(r, "the destructor of a resource"); t.HasDtor {
			t.Dtor = r.U32()
		}
		d.Type = t
	case typeResourceAsync:
		t := &ResourceDef{Rep: r.ValType(), Async: true, HasDtor: true, Dtor: r.U32()}
		if t.HasCB = readFlag(r, "the callback of a destructor"); t.HasCB {
			t.Callback = r.U32()
		}
		d.Type = t
	case typeFunc, typeFuncAsync:
		t := &FuncDef{Async: b == typeFuncAsync}
		t.Params = readVec(r, 2, readField)
		t.Result = readResult(r)
		d.Type = t
	case typeComponent:
		d.Type = &ComponentDef{Decls: readDecls(r, depth+1, true)}
	case typeInstance:
		d.Type = &InstanceDef{Decls: readDecls(r, depth+1, false)}
	default:
		d.Type = readValDef(r, at, Kind(b))
	}
	return d
}

func readDecls(r *wasm.Reader, depth int, imports bool) []Decl {
	if depth > maxDepth {
		r.Failf("types nest more than %d deep", maxDepth)
		return nil
	}
	return readVec(r, 2, func(r *wasm.Reader) Decl {
		at := r.Offset()
		switch b := r.Byte(); {
		case b == declCoreType:
			return readCoreType(r)
		case b == declType:
			return readTypeDef(r, depth)
		case b == declAlias:
			return readAlias(r)
		case b == declImport && imports:
			return readImport(r)
		case b == declExport:
			d := &ExportDecl{Pos: Pos(r.Offset())}
			d.Name = readName(r)
			d.Desc = readExternDesc(r)
			return d
		default:
			what := "instance"
			if imports {
				what = "component"
			}
			r.FailAt(at, "unknown declaration 0x%02x in a type of a %s", b, what)
			return nil
		}
	})
}

// primitiveDefs are the definitions of the primitive types, the same for every
// one of them: a definition of one byte is best not allocated at all.
var primitiveDefs = func() (defs [KindBool - KindErrorContext + 1]*ValDef) {
	for i := range defs {
		defs[i] = &ValDef{Kind: KindErrorContext + Kind(i)}
	}
	return defs
}()

// readValDef reads a defvaltype whose opcode, at offset at, has been read.
func readValDef(r *wasm.Reader, at int64, kind Kind) *ValDef {
	if kind.IsPrimitive() {
		return primitiveDefs[kind-KindErrorContext]
	}
	t := &ValDef{Kind: kind}
	switch kind {
	case KindRecord:
		t.Fields = readVec(r, 2, readField)
		nonEmpty(r, at, len(t.Fields), "record", "field")
	case KindTuple:
		t.Fields = readVec(r, 1, func(r *wasm.Reader) FieldDef { return FieldDef{Type: readValRef(r)} })
		nonEmpty(r, at, len(t.Fields), "tuple", "type")
	case KindVariant:
		t.Members = &Members{}
		t.Cases = readVec(r, 3, func(r *wasm.Reader) CaseDef {
			c := CaseDef{Name: r.Name(), Type: readOptionalValRef(r)}
			readZero(r, "the end of a variant case (refines is gone)")
			return c
		})
		nonEmpty(r, at, len(t.Cases), "variant", "case")
	case KindFlags:
		t.Members = &Members{}
		t.Labels = readVec(r, 1, (*wasm.Reader).Name)
		nonEmpty(r, at, len(t.Labels), "flags", "label")
	case KindEnum:
		t.Members = &Members{}
		t.Labels = readVec(r, 1, (*wasm.Reader).Name)
		nonEmpty(r, at, len(t.Labels), "enum", "label")
	case KindList, KindOption:
		t.Elem = valRef(r)
	case KindFixedList:
		t.Elem = valRef(r)
		t.Len = r.U32()
		nonEmpty(r, at, int(t.Len), "fixed-length list", "element")
	case KindMap:
		t.Key = valRef(r)
		t.Elem = valRef(r)
	case KindResult:
		if ok, fail := readOptionalValRef(r), readOptionalValRef(r); ok != nil || fail != nil {
			t.Members = &Members{Ok: ok, Err: fail}
		}
	case KindStream, KindFuture:
		t.Elem = readOptionalValRef(r)
	case KindOwn, KindBorrow:
		t.Index = r.U32()
	default:
		r.FailAt(at, "unknown type 0x%02x", uint8(kind))
	}
	return t
}

func nonEmpty(r *wasm.Reader, at int64, n int, kind, part string) {
	if n == 0 {
		r.FailAt(at, "%s type must have at least one %s", kind, part)
	}
}

func readField(r *wasm.Reader) FieldDef {
	return FieldDef{Name: r.Name(), Type: readValRef(r)}
}

// readValRef reads a valtype: the byte of a primitive, or a type index as an s33.
func readValRef(r *wasm.Reader) ValRef {
	if b, ok := r.Peek(); ok && Kind(b).IsPrimitive() {
		r.Byte()
		return ValRef{Prim: Kind(b)}
	}
	at := r.Offset()
	i := r.S33()
	if i < 0 || i > math.MaxUint32 {
		r.FailAt(at, "invalid value type: neither a primitive nor a type index")
		return ValRef{}
	}
	return ValRef{Index: uint32(i)}
}

func valRef(r *wasm.Reader) *ValRef {
	v := readValRef(r)
	return &v
}

func readOptionalValRef(r *wasm.Reader) *ValRef {
	if !readFlag(r, "an optional type") {
		return nil
	}
	return valRef(r)
}

// readResult reads a resultlist: one type or none.
func readResult(r *wasm.Reader) *ValRef {
	at := r.Offset()
	switch b := r.Byte(); b {
	case 0x00:
		return valRef(r)
	case 0x01:
		at := r.Offset()
		if n := r.U32(); n != 0 {
			r.FailAt(at, "function with %d named results; the component model no longer has them", n)
		}
	default:
		r.FailAt(at, "unknown form 0x%02x of a function result", b)
	}
	return nil
}
