package component

import "github.com/wbundle/wbundle/internal/wasm"

// Sort names one of the index spaces of a component. The core sorts come
// first; IsCore tells them apart.
type Sort uint8

// The sorts of Binary.md ("Instance Definitions").
const (
	SortCoreFunc Sort = iota
	SortCoreTable
	SortCoreMemory
	SortCoreGlobal
	SortCoreTag
	SortCoreType
	SortCoreModule
	SortCoreInstance
	SortFunc
	SortValue
	SortType
	SortComponent
	SortInstance
	NumSorts
)

// SectionID is the id byte of a component section.
type SectionID uint8

// The component sections.
const (
	SectionCoreCustom   SectionID = 0
	SectionCoreModule   SectionID = 1
	SectionCoreInstance SectionID = 2
	SectionCoreType     SectionID = 3
	SectionComponent    SectionID = 4
	SectionInstance     SectionID = 5
	SectionAlias        SectionID = 6
	SectionType         SectionID = 7
	SectionCanon        SectionID = 8
	SectionStart        SectionID = 9
	SectionImport       SectionID = 10
	SectionExport       SectionID = 11
	SectionValue        SectionID = 12 // refused by name
)

// Component is one decoded component: its definitions in binary order. Index
// spaces are implied by that order, as in Binary.md: each definition appends
// to the space of its sort.
type Component struct {
	Input string // what the bytes are called in errors
	Bytes []byte // the component, preamble included
	Base  int64  // offset of Bytes in Input

	Defs     []Def
	Sections []Section // in input order; nil: Encode groups runs of Defs itself
}

// Section says which Defs one section of the input held.
type Section struct {
	ID     SectionID
	Lo, Hi int // Defs[Lo:Hi]
}

// Def is one definition: *CoreModule, *CoreInstance, *CoreTypeDef,
// *NestedComponent, *Instance, *Alias, *TypeDef, *Canon, *Start, *Import,
// *Export or *Custom.
type Def interface {
	// Offset is where the definition begins in the input.
	Offset() int64
}

// Pos is the place of a definition in its input; embedded by every Def.
type Pos int64

// Offset implements Def.
func (p Pos) Offset() int64 { return int64(p) }

// Custom is a custom section.
type Custom struct {
	Pos
	Name string
	Data []byte
}

// CoreModule is an embedded core module, not yet decoded.
type CoreModule struct {
	Pos          // of Bytes in the input
	Bytes []byte // from \0asm on
	// Made, for a module that was made and not read, is what Encode writes in
	// place of Bytes: right where it will stand, without a copy.
	Made *wasm.Encoder
}

// CoreInstance is a core:instance: an instantiation, or a bag of exports.
type CoreInstance struct {
	Pos
	Instantiate bool
	Module      uint32    // index of a core module
	Args        []CoreArg // Instantiate
	Exports     []CoreInlineExport
}

// CoreArg satisfies all imports with module name Name from a core instance.
type CoreArg struct {
	Name     string
	Instance uint32
}

// CoreInlineExport is one export of a bag of core exports.
type CoreInlineExport struct {
	Name  string
	Sort  Sort // a core sort
	Index uint32
}

// CoreTypeDef is one entry of the core type section: a recursion group (one
// or more entries of the index space) or a module type.
type CoreTypeDef struct {
	Pos
	Types    []wasm.SubType // nil when Module is set
	Explicit bool           // rec form
	// Disambiguated says a leading sub type was written as 0x00 0x50.
	Module *ModuleType
}

// ModuleType is a core module type: its declarations in order.
type ModuleType struct {
	Decls []ModuleDecl
}

// ModuleDecl is one declaration of a core module type; exactly one field is set.
type ModuleDecl struct {
	Import *wasm.Import
	Type   *CoreTypeDef
	Alias  *Alias
	Export *ModuleExport
}

// ModuleExport is an export declaration of a module type; Desc uses the
// descriptor fields of wasm.Import (Kind, TypeIndex, Table, Memory, Global).
type ModuleExport struct {
	Name string
	Desc wasm.Import
}

// NestedComponent is a component section.
type NestedComponent struct {
	Pos
	Component *Component
}

// Instance is a component-level instance: an instantiation, or a bag of exports.
type Instance struct {
	Pos
	Instantiate bool
	Component   uint32
	Args        []Arg
	Exports     []InlineExport
}

// Arg is one argument of a component instantiation.
type Arg struct {
	Name  string
	Sort  Sort
	Index uint32
}

// InlineExport is one export of a bag of component-level exports.
type InlineExport struct {
	Name  Name
	Sort  Sort
	Index uint32
}

// AliasKind tells the three alias targets apart.
type AliasKind uint8

// The alias targets.
const (
	AliasExport     AliasKind = 0x00
	AliasCoreExport AliasKind = 0x01
	AliasOuter      AliasKind = 0x02
)

// Alias brings an item of another index space into the one of Sort.
type Alias struct {
	Pos
	Sort     Sort
	Kind     AliasKind
	Instance uint32 // AliasExport, AliasCoreExport
	Name     string // AliasExport, AliasCoreExport
	Count    uint32 // AliasOuter: enclosing components to skip
	Index    uint32 // AliasOuter
}

// Start is the (value) start section.
type Start struct {
	Pos
	Func    uint32
	Args    []uint32
	Results uint32
}

// Name is an import or export name as written. Parse takes it apart.
type Name struct {
	Text string
	Form byte // the leading byte as read: 0x00, 0x01 or 0x02
	// Options of the 0x02 form, in the order read, the versionsuffix included.
	Options []NameOption
	// Version is the versionsuffix among Options, else "". Set by hand, it is
	// enough for Encode.
	Version string
}

// NameOption is an annotation of the newer name forms.
type NameOption struct {
	Kind byte // NameOptImplements, NameOptVersionSuffix or NameOptExternalID
	Text string
}

// Import is one import.
type Import struct {
	Pos
	Name Name
	Desc ExternDesc
}

// Export is one export; Desc is the optional type ascription.
type Export struct {
	Pos
	Name  Name
	Sort  Sort
	Index uint32
	Desc  *ExternDesc
}

// ExternDesc is an externdesc: the sort and type of an import or export.
type ExternDesc struct {
	// Sort is SortCoreModule, SortFunc, SortValue, SortType, SortComponent or SortInstance.
	Sort Sort
	// TypeIndex is a core type index (SortCoreModule), or a type index
	// (SortFunc, SortComponent, SortInstance, SortType with BoundEq).
	TypeIndex uint32
	Bound     TypeBound   // SortType
	Value     *ValueBound // SortValue
}

// TypeBound is the bound of a type import or export.
type TypeBound uint8

// The type bounds.
const (
	BoundEq          TypeBound = 0x00
	BoundSubResource TypeBound = 0x01
)

// ValueBound is the bound of a value import or export. Decode never sets Eq:
// the tools write the type alone.
type ValueBound struct {
	Eq    bool
	Index uint32
	Type  ValRef
}

// ValRef is a valtype in the binary: a primitive, or an index into the type space.
type ValRef struct {
	Prim  Kind // a primitive kind, or KindNone when Index counts
	Index uint32
}

// TypeDef is one entry of the type section; Type is *ValDef, *FuncDef,
// *ComponentDef, *InstanceDef or *ResourceDef.
type TypeDef struct {
	Pos
	Type Type
}

// Type is a type definition.
type Type interface{ isType() }

// ValDef is a defvaltype.
type ValDef struct {
	Kind   Kind
	Fields []FieldDef // record, and tuple with empty names
	*Members
	Elem  *ValRef // list, option, stream, future (nil: no payload), map's value
	Key   *ValRef // map
	Len   uint32  // fixed-length list
	Index uint32  // own, borrow: type index of the resource
}

// Members are the parts of variants, flags, enums and results. They stand apart because
// a definition of two bytes should not cost two hundred in memory. Only those
// kinds have them.
type Members struct {
	Cases  []CaseDef // variant
	Labels []string  // flags, enum
	Ok     *ValRef   // result; nil: no payload
	Err    *ValRef   // result; nil: no payload
}

// Parts is Members, never nil, and not to be changed.
func (d *ValDef) Parts() *Members {
	if d.Members == nil {
		return &noMembers
	}
	return d.Members
}

// FieldDef is a field of a record.
type FieldDef struct {
	Name string
	Type ValRef
}

// CaseDef is a case of a variant.
type CaseDef struct {
	Name string
	Type *ValRef
}

// FuncDef is a functype.
type FuncDef struct {
	Async  bool
	Params []FieldDef
	Result *ValRef
}

// Decl is one declaration of a component or instance type: *CoreTypeDef,
// *TypeDef, *Alias, *Import (component types only) or *ExportDecl.
type Decl interface{ Offset() int64 }

// ExportDecl is an exportdecl.
type ExportDecl struct {
	Pos
	Name Name
	Desc ExternDesc
}

// ComponentDef is a componenttype.
type ComponentDef struct{ Decls []Decl }

// InstanceDef is an instancetype.
type InstanceDef struct{ Decls []Decl }

// ResourceDef is a resourcetype; Dtor is a core function index when HasDtor.
type ResourceDef struct {
	Rep      wasm.ValType
	HasDtor  bool
	Dtor     uint32
	Async    bool // async destructor form
	Callback uint32
	HasCB    bool
}

func (*ValDef) isType()       {}
func (*FuncDef) isType()      {}
func (*ComponentDef) isType() {}
func (*InstanceDef) isType()  {}
func (*ResourceDef) isType()  {}

// Encoding is a string encoding option.
type Encoding uint8

// The string encodings of canonopt.
const (
	UTF8        Encoding = 0x00
	UTF16       Encoding = 0x01
	Latin1UTF16 Encoding = 0x02
)

// CanonOpts are the canonical options of a lift, lower or built-in.
type CanonOpts struct {
	Encoding    Encoding
	HasEncoding bool // written out; the default is utf8
	Memory      uint32
	HasMemory   bool
	Realloc     uint32
	HasRealloc  bool
	PostReturn  uint32
	HasPost     bool
	Async       bool
	Callback    uint32
	HasCallback bool
	CoreType    uint32
	HasCoreType bool
	GC          bool
	// Order keeps the option bytes in the order they were read, so that
	// encoding is byte-identical; nil: the order of the fields above.
	Order []byte
}

// CanonOp is the opcode of a canon definition (Binary.md, "Canonical Definitions").
type CanonOp uint8

// The canon definitions that have a meaning to the linker today; the rest
// (async built-ins, threads, error-context, streams, futures) are decoded and
// have names (CanonOp.String) so that errors can tell what they are.
const (
	CanonLift         CanonOp = 0x00
	CanonLower        CanonOp = 0x01
	CanonResourceNew  CanonOp = 0x02
	CanonResourceDrop CanonOp = 0x03
	CanonResourceRep  CanonOp = 0x04
)

// Canon is one canon definition. CanonLift adds to SortFunc, every other to
// SortCoreFunc.
type Canon struct {
	Pos
	Op   CanonOp
	Func uint32     // lift: core function; lower: component function
	Type uint32     // lift: function type; resource.*, stream.*, future.*: type index
	Opts *CanonOpts // nil: no options, or a built-in without; see Options
	// Immediates is nil for definitions that have nothing but the above, which
	// are nearly all: a built-in of one byte should not cost a hundred in memory.
	*Immediates
}

// Immediates are the rarer immediates of a canon definition.
type Immediates struct {
	// Imm holds numbers, in order, as read.
	Imm []uint32
	// Result is the optional result type of task.return (0x09).
	Result *ValRef
	// ValImm is a core value type (context.get/set in newer forms).
	ValImm *wasm.ValType
}

// What definitions without these parts are read as; nobody writes to them.
var (
	noMembers    Members
	noOpts       CanonOpts
	noImmediates Immediates
)

// Options are the canonical options; never nil, and not to be changed.
func (d *Canon) Options() *CanonOpts {
	if d.Opts == nil {
		return &noOpts
	}
	return d.Opts
}

// rest is Immediates, never nil, and not to be changed.
func (d *Canon) rest() *Immediates {
	if d.Immediates == nil {
		return &noImmediates
	}
	return d.Immediates
}
