package wasm

// Space is one of the index spaces of a core module.
type Space uint8

// The index spaces of a core module.
const (
	SpaceNone Space = iota
	SpaceType
	SpaceFunc
	SpaceTable
	SpaceMemory
	SpaceGlobal
	SpaceTag
	SpaceData
	SpaceElem
)

// ExternKind is the kind byte of a core import or export.
type ExternKind uint8

// The kinds of core externs, with their binary encoding.
const (
	ExternFunc   ExternKind = 0x00
	ExternTable  ExternKind = 0x01
	ExternMemory ExternKind = 0x02
	ExternGlobal ExternKind = 0x03
	ExternTag    ExternKind = 0x04
)

// SectionID is the id byte of a core section.
type SectionID uint8

// The core sections.
const (
	SectionCustom    SectionID = 0
	SectionType      SectionID = 1
	SectionImport    SectionID = 2
	SectionFunction  SectionID = 3
	SectionTable     SectionID = 4
	SectionMemory    SectionID = 5
	SectionGlobal    SectionID = 6
	SectionExport    SectionID = 7
	SectionStart     SectionID = 8
	SectionElement   SectionID = 9
	SectionCode      SectionID = 10
	SectionData      SectionID = 11
	SectionDataCount SectionID = 12
	SectionTag       SectionID = 13
)

// HeapType is the s33 of the binary format: a value >= 0 is a type index, a
// negative value one of the abstract heap types below. No module has as many
// types as would not fit; there are many values of this type.
type HeapType int32

// The abstract heap types (the sign-extended byte of the binary format).
const (
	HeapNoExn    HeapType = -0x0c // 0x74
	HeapNoFunc   HeapType = -0x0d // 0x73
	HeapNoExtern HeapType = -0x0e // 0x72
	HeapNone     HeapType = -0x0f // 0x71
	HeapFunc     HeapType = -0x10 // 0x70
	HeapExtern   HeapType = -0x11 // 0x6f
	HeapAny      HeapType = -0x12 // 0x6e
	HeapEq       HeapType = -0x13 // 0x6d
	HeapI31      HeapType = -0x14 // 0x6c
	HeapStruct   HeapType = -0x15 // 0x6b
	HeapArray    HeapType = -0x16 // 0x6a
	HeapExn      HeapType = -0x17 // 0x69
)

// ValKind tells number, vector, packed and reference types apart; its value is
// the byte of the binary format.
type ValKind uint8

// The kinds of value (and, for I8 and I16, storage) types.
const (
	KindI32  ValKind = 0x7f
	KindI64  ValKind = 0x7e
	KindF32  ValKind = 0x7d
	KindF64  ValKind = 0x7c
	KindV128 ValKind = 0x7b
	KindI8   ValKind = 0x78 // storage types of fields only
	KindI16  ValKind = 0x77
	KindRef  ValKind = 0x64 // see ValType.Nullable and ValType.Heap
)

// ValType is a value type (or the storage type of a field). It is comparable;
// Heap and Nullable mean something only when Kind is KindRef.
type ValType struct {
	Kind     ValKind
	Nullable bool
	Heap     HeapType
}

// The value types without a type index that come up most.
var (
	I32       = ValType{Kind: KindI32}
	I64       = ValType{Kind: KindI64}
	F32       = ValType{Kind: KindF32}
	F64       = ValType{Kind: KindF64}
	V128      = ValType{Kind: KindV128}
	FuncRef   = ValType{Kind: KindRef, Nullable: true, Heap: HeapFunc}
	ExternRef = ValType{Kind: KindRef, Nullable: true, Heap: HeapExtern}
)

// CompKind is the shape of a composite type.
type CompKind uint8

// The composite types.
const (
	CompFunc CompKind = iota
	CompStruct
	CompArray
)

// Field is a field of a struct, or the element of an array.
type Field struct {
	Type    ValType
	Mutable bool
}

// SubType is one entry of the type index space: a composite type with its
// place in the subtype hierarchy.
type SubType struct {
	Kind    CompKind
	Final   bool      // no further subtypes; the default of the short form
	Short   bool      // written without sub/sub final (implies Final and no Supers)
	Params  []ValType // CompFunc
	Results []ValType // CompFunc
	Fields  []Field   // CompStruct; CompArray has exactly one
	Supers  []uint32  // at most one, a type index
}

// RecGroup is a run of SubTypes that may refer to each other.
type RecGroup struct {
	Start, Count uint32
	Explicit     bool // written with the rec form (0x4e)
}

// Limits are the limits of a table or memory, in elements or pages.
type Limits struct {
	Min    uint64
	Max    uint64 // meaningful when HasMax
	HasMax bool
	Shared bool
	Is64   bool // indices are i64 (memory64, table64)
}

// MemType is the type of a memory.
type MemType struct {
	Limits
	// PageLog2 is the custom page size's exponent when HasPageSize.
	PageLog2    uint32
	HasPageSize bool
}

// TableType is the type of a table.
type TableType struct {
	Elem ValType
	Limits
}

// Table is a defined table; Init is nil unless written with an initialiser.
type Table struct {
	TableType
	Init *Expr
}

// GlobalType is the type of a global. Shared is for globals of a proposal that
// is not part of WebAssembly 3.0; Decode refuses them.
type GlobalType struct {
	Type    ValType
	Mutable bool
	Shared  bool
}

// Global is a defined global.
type Global struct {
	GlobalType
	Init Expr
}

// Import is one import; which of the fields holds its type follows from Kind.
type Import struct {
	Module, Name string
	Kind         ExternKind
	TypeIndex    uint32 // ExternFunc and ExternTag: an index into Module.Types
	Table        TableType
	Memory       MemType
	Global       GlobalType
	Off          int // byte offset in the input, for errors
}

// Export is one export: an index into the space of Kind.
type Export struct {
	Name  string
	Kind  ExternKind
	Index uint32
	Off   int
}

// Expr is a constant expression: its bytes with the final end, and its sites.
type Expr struct {
	Bytes []byte
	Sites []Site
	Off   int // offset of Bytes in the input
}

// ConstI32 is the value of an expression that is one i32.const; ok is false for
// any other.
func (e *Expr) ConstI32() (v uint32, ok bool) {
	if len(e.Bytes) < 3 || Opcode(e.Bytes[0]) != OpI32Const {
		return 0, false
	}
	s, n := ReadS32(e.Bytes[1:])
	return uint32(s), n > 0 && 1+n+1 == len(e.Bytes)
}

// SegmentMode tells active, passive and declarative segments apart.
type SegmentMode uint8

// The modes of element and data segments.
const (
	SegmentActive SegmentMode = iota
	SegmentPassive
	SegmentDeclarative // element segments only
)

// Elem is an element segment. Exactly one of Funcs and Exprs is used.
type Elem struct {
	Mode   SegmentMode
	Table  uint32 // active
	Offset Expr   // active
	// Type is the type of the elements, (ref func) with Funcs.
	Type  ValType
	Funcs []uint32 // function indices
	Exprs []Expr
	// UsesExprs says that the segment was written with expressions.
	UsesExprs bool
	// Flags is the leading flags field as it was read (0..7); it keeps
	// decode and encode byte-identical (flag 2 may name table 0).
	Flags uint32
	Off   int
}

// Data is a data segment. It is small because modules may have a great many: Go
// programs have one for every eighty bytes.
type Data struct {
	Init []byte
	// At is the offset of an active segment where it is written as a constant,
	// i64.const if Wide, and in as few bytes as it takes. Otherwise Offset has
	// its expression.
	At     int64
	Offset *Expr
	Off    int
	Memory uint32 // active
	Mode   SegmentMode
	Wide   bool
	Flags  uint8 // as read (0..2)
}

// Body is one function body: the locals declaration and the expression, as
// they were in the input, without the leading size.
type Body struct {
	Bytes []byte
	// Code is the offset in Bytes at which the locals declaration ends. Like
	// Sites it is filled in by the scan.
	Code int
	// Sites lists, in order of Off, every immediate that names something; nil in
	// a module that does not keep them (Module.Frugal).
	Sites []Site
	Off   int // offset of Bytes in the input
}

// Custom is a custom section.
type Custom struct {
	Name string
	Data []byte
	Off  int // offset of Data in the input
}

// SectionRef records that a section stood in the input, so that Encode can
// put custom sections back where they were and keep sections that are empty.
type SectionRef struct {
	ID     SectionID
	Custom int // index into Module.Customs when ID is SectionCustom
}

// Module is a decoded core module (WebAssembly 3.0, threads, legacy
// exceptions). Byte slices alias the input. Indices are those of the binary
// format: each space counts the imports of its kind first.
type Module struct {
	Input string // what the bytes are called in errors
	Bytes []byte // the whole module

	Types     []SubType
	RecGroups []RecGroup
	Imports   []Import
	Funcs     []uint32 // type index of each defined function
	Tables    []Table
	Memories  []MemType
	Globals   []Global
	Tags      []uint32 // type index of each defined tag
	Exports   []Export
	Start     uint32
	HasStart  bool
	Elems     []Elem
	// DataCount is the content of the data count section, when HasDataCount.
	DataCount    uint32
	HasDataCount bool
	Code         []Body
	Datas        []Data
	Customs      []Custom
	Sections     []SectionRef // in input order; nil: canonical order, no empty sections

	// Frugal says that the sites of bodies are not kept: they take more memory
	// than the bodies. A SiteScanner finds them again.
	Frugal bool

	// NumImported counts the imports of each space (func, table, memory,
	// global, tag).
	NumImported [SpaceElem + 1]uint32
}
