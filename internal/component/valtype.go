package component

// Kind is the constructor of a value type; its value is the byte of Binary.md.
type Kind uint8

// The value type constructors.
const (
	KindNone         Kind = 0
	KindBool         Kind = 0x7f
	KindS8           Kind = 0x7e
	KindU8           Kind = 0x7d
	KindS16          Kind = 0x7c
	KindU16          Kind = 0x7b
	KindS32          Kind = 0x7a
	KindU32          Kind = 0x79
	KindS64          Kind = 0x78
	KindU64          Kind = 0x77
	KindF32          Kind = 0x76
	KindF64          Kind = 0x75
	KindChar         Kind = 0x74
	KindString       Kind = 0x73
	KindRecord       Kind = 0x72
	KindVariant      Kind = 0x71
	KindList         Kind = 0x70
	KindTuple        Kind = 0x6f
	KindFlags        Kind = 0x6e
	KindEnum         Kind = 0x6d
	KindOption       Kind = 0x6b
	KindResult       Kind = 0x6a
	KindOwn          Kind = 0x69
	KindBorrow       Kind = 0x68
	KindFixedList    Kind = 0x67
	KindStream       Kind = 0x66
	KindFuture       Kind = 0x65
	KindErrorContext Kind = 0x64
	KindMap          Kind = 0x63
)

// ValType is a value type with every index resolved. Values are immutable
// once built; the pointer is the identity of a named type, so that two
// aliases of one definition are the same pointer. Use Equal for structure.
type ValType struct {
	Kind   Kind
	Fields []Field  // record; tuple with empty names
	Cases  []Case   // variant
	Labels []string // flags, enum
	Elem   *ValType // list, fixed-length list, option, map's value; stream and future (nil: no payload)
	Key    *ValType // map
	Ok     *ValType // result; nil: no payload
	Err    *ValType // result; nil: no payload
	Len    uint32   // fixed-length list
	// Resource is the resource type of own and borrow.
	Resource *Resource

	layout // size, alignment, flattening; see abi.go
}

// Field is a field of a record or tuple.
type Field struct {
	Name string
	Type *ValType
}

// Case is a case of a variant; Type is nil without payload.
type Case struct {
	Name string
	Type *ValType
}

// Resource is a resource type. The pointer is its identity.
type Resource struct {
	// ID is dense per program and gives diagnostics and tables an order.
	ID   uint32
	Name string
}

// FuncType is a function type with every index resolved.
type FuncType struct {
	Async  bool
	Params []Field
	Result *ValType // nil: none
}
