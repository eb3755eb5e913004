// Package graph holds the linked program: every core instance, what its
// imports are wired to, and the functions, globals, tables, memories and
// segments that result, under ids that are dense over the whole program.
//
// Code and instance are different things here. A Module is code, decoded and
// scanned once for all its instances; an Instance is a Module with its
// bindings. A site of a function body (internal/wasm) names something by an
// index of its module; Instance turns that index into an id of the program.
// Ids become indices of the output in the linker's emit pass and nowhere else.
package graph

import (
	"github.com/wbundle/wbundle/internal/component"
	"github.com/wbundle/wbundle/internal/wasm"
)

// The ids of a program. 0 is no item.
type (
	// ModuleID names a distinct core module (code).
	ModuleID uint32
	// InstanceID names a core instance.
	InstanceID uint32
	// ComponentID names a component instance.
	ComponentID uint32
	// TypeID names an interned core type; equal types have equal ids.
	TypeID uint32
	// FuncID names a function.
	FuncID uint32
	// TableID names a table.
	TableID uint32
	// MemoryID names a linear memory.
	MemoryID uint32
	// GlobalID names a global.
	GlobalID uint32
	// TagID names an exception tag.
	TagID uint32
	// DataID names a data segment.
	DataID uint32
	// ElemID names an element segment.
	ElemID uint32
)

// Module is the code of one or more instances.
type Module struct {
	ID   ModuleID
	Code *wasm.Module
	// Types maps the module's type indices to interned types.
	Types []TypeID
	// FuncNames has the name section's names by function index; nil without.
	FuncNames []string
	// Relocs are the relocations that the linker left in the module; nil where
	// there are none that can be relied on.
	Relocs *wasm.Relocations
}

// Instance is a core instance: a module and what its indices mean.
type Instance struct {
	ID        InstanceID
	Module    ModuleID
	Component ComponentID // the component instance it belongs to; 0 for a core module input
	Input     int         // index into Program.Inputs
	Name      string      // for people: input id and module number
	// NoStart says that the start function need not run: what it would do is
	// in the initial state already.
	NoStart bool

	Funcs    []FuncID
	Tables   []TableID
	Memories []MemoryID
	Globals  []GlobalID
	Tags     []TagID
	Datas    []DataID
	Elems    []ElemID
}

// Component is a component instance: the unit that owns a handle table and
// the may_leave flag (CanonicalABI.md, "Component Instance State").
type Component struct {
	ID     ComponentID
	Parent ComponentID // lexically enclosing instance; 0 for inputs
	Input  int
	Name   string
	// LeaveFlag is the global that holds may_leave; 0 while no adapter clears it.
	LeaveFlag GlobalID
	// Borrows is the global that counts live borrow handles of the running
	// call; 0 while no adapter needs it.
	Borrows GlobalID
	// Handles is the address of the handle table's header in the handle
	// memory; meaningful when HasHandles.
	Handles    uint32
	HasHandles bool
}

// FuncKind tells where a function's body comes from.
type FuncKind uint8

// The kinds of functions.
const (
	// FuncDefined is a function of an instance's module.
	FuncDefined FuncKind = iota
	// FuncImport is asked of the host.
	FuncImport
	// FuncCanon is a canonical built-in or adapter whose body the adapter
	// pass generates; it turns into FuncGenerated or FuncAlias there.
	FuncCanon
	// FuncGenerated has a body of our own; its sites name program ids.
	FuncGenerated
	// FuncAlias is another function: there was nothing to adapt, or it only
	// passed calls on.
	FuncAlias
)

// Func is a function of the program.
type Func struct {
	Kind   FuncKind
	Type   TypeID
	Inst   InstanceID // FuncDefined
	Index  uint32     // FuncDefined: index into Code.Code
	Import *Import    // FuncImport
	Canon  *Canon     // FuncCanon
	Body   *wasm.Body // FuncGenerated
	Alias  FuncID     // FuncAlias
	Name   string     // generated functions; others are named by their module
}

// Import is a core import of the output.
type Import struct {
	Module, Name string
	Input        int // index into Program.Inputs, for imports of core modules
	// Caller is the core instance that calls, for imports of core modules:
	// pointers it passes are into its memory. 0 for component-level imports.
	Caller InstanceID
	// Lower is the component-level function behind a function import, when
	// there is one: what a component output has to lower.
	Lower *Lower
	// Resource is set for resource intrinsics of the host's own resources.
	Resource *component.Resource
	Op       component.CanonOp
}

// Lift is a lifted core function: a component-level function defined inside.
type Lift struct {
	Type      *component.FuncType
	Core      FuncID
	Opts      Options
	Component ComponentID // the instance that lifts
	// Through says that Core is an import of the host and the lift gives it
	// back: handles stay the host's on both sides.
	Through bool
}

// HostFunc is a component-level function that the host provides.
type HostFunc struct {
	Interface string // "" for a function imported by the world itself
	Name      string
	Type      *component.FuncType
	// Trap says that the host is not asked: every call traps.
	Trap bool
}

// Options are resolved canonical options.
type Options struct {
	Encoding   component.Encoding
	Memory     MemoryID
	Realloc    FuncID
	PostReturn FuncID
}

// CompFunc is a component-level function: exactly one of Lift and Host is set.
type CompFunc struct {
	Type *component.FuncType
	Lift *Lift
	Host *HostFunc
}

// Lower is canon lower of a component-level function.
type Lower struct {
	Func      *CompFunc
	Opts      Options
	Component ComponentID // the instance that lowers
	Through   bool        // as in Lift
}

// Canon is what a FuncCanon function has to do.
type Canon struct {
	Op        component.CanonOp // lower, resource.new, resource.rep, resource.drop
	Lower     *Lower
	Resource  *component.Resource
	Component ComponentID // the instance that defined the built-in
}

// Resource is what the program knows of a resource type.
type Resource struct {
	Type *component.Resource
	// Component is the instance that defined it; 0: the host's.
	Component ComponentID
	Dtor      FuncID
	// Interface and Name say where the host's own resource was imported.
	Interface, Name string
	// Exported says that the root exports the type: the host has handles of
	// it, and calls its destructor.
	Exported bool
	ExportIn string // interface it is exported from
	ExportAs string
}

// Memory is a linear memory.
type Memory struct {
	Type   wasm.MemType
	Inst   InstanceID // defining instance; 0: host import or generated
	Import *Import
	Name   string
	// Window is set by the memory pass for single-memory output.
	Window *Window
}

// Window is a memory's share of the one memory of single output.
type Window struct {
	Base     uint64 // bytes
	MinPages uint64
	MaxPages uint64 // it never grows past this
	// Size is the global that holds the window's current size in pages.
	Size GlobalID
	// Bound is the global that holds it in bytes, for the checks of isolation
	// trap; 0 where there are none, and where the size never changes.
	Bound GlobalID
	// Mask is what isolation mask leaves of an address, one less than a power
	// of two; 0 without.
	Mask uint32
	// Guarded says that accesses are checked or masked.
	Guarded bool
	// Grow, Fill, Copy and Init stand for the memory instructions.
	Grow, Fill FuncID
	Copy       map[MemoryID]FuncID // by source memory
	Init       map[DataID]FuncID
}

// Table is a table.
type Table struct {
	Type   wasm.TableType // Elem may name a type of Module(Inst)
	Inst   InstanceID
	Index  uint32 // index into Code.Tables
	Import *Import
	// Constant says that no instruction and no host writes the table, and that
	// nothing reads it before its active segments have filled it.
	Constant bool
}

// Const is a constant initial value.
type Const struct {
	Type  wasm.ValType
	Bits  uint64 // i32, i64, f32, f64
	Hi    uint64 // the upper half of a v128
	Func  FuncID // ref.func
	Known bool
	Null  bool // ref.null
}

// Global is a global.
type Global struct {
	Type   wasm.GlobalType
	Inst   InstanceID
	Index  uint32 // index into Code.Globals
	Import *Import
	Init   Const // when Known, the initial value; else the module's expression
	Name   string
}

// Tag is an exception tag.
type Tag struct {
	Type   TypeID
	Inst   InstanceID
	Import *Import
}

// Data is a data segment.
type Data struct {
	Inst   InstanceID
	Index  uint32   // index into Code.Datas
	Memory MemoryID // of an active segment
	// Active segments keep their memory; Offset is its constant offset when
	// Known. Deferred ones are emitted passive and initialised by the start
	// function at their place in the instantiation order.
	Active   bool
	Deferred bool
	Offset   Const
	// Bytes is the content of a generated segment, whose Inst is 0: few are.
	Bytes *[]byte
}

// Elem is an element segment.
type Elem struct {
	Inst     InstanceID
	Index    uint32
	Active   bool
	Table    TableID
	Offset   Const
	Deferred bool
}

// Export is a core export of the output.
type Export struct {
	Name string
	Kind wasm.ExternKind
	ID   uint32 // of the space that Kind implies
}

// Input describes one input of the link.
type Input struct {
	ID, Path  string
	Component bool
	Bytes     int
	Root      bool
}

// Edge is a resolved import between inputs, or to the host (To < 0).
type Edge struct {
	From, To       int // indices into Program.Inputs
	Import, Export string
}

// Extern is a named import or export of the bundle's world.
type Extern struct {
	Name string
	Func *CompFunc
	Inst *ExternInstance
	Type *NamedType
	// Module is a core module that the root exports, not instantiated.
	Module *wasm.Module
}

// ExternInstance is an interface: its named types and functions in order.
type ExternInstance struct {
	Items []Extern
}

// NamedType is a named type of an interface or world: a value type, a resource,
// or the type of a component or an instance.
type NamedType struct {
	Val      *component.ValType
	Resource *component.Resource
	// Def is the type of a component or an instance, which refers to nothing
	// outside itself.
	Def component.Type
	// Eq says the name is an alias of a type named elsewhere.
	Eq bool
}

// Program is the linked program. Index 0 of every slice is unused.
type Program struct {
	Inputs     []Input
	Edges      []Edge
	Modules    []*Module
	Instances  []*Instance // in order of instantiation
	Components []*Component
	Types      *TypeTable
	Funcs      []Func
	Tables     []Table
	Memories   []Memory
	Globals    []Global
	Tags       []Tag
	Datas      []Data
	Elems      []Elem
	Resources  []Resource // by Resource.ID

	// WorldImports and WorldExports are the component-level face of the bundle.
	WorldImports []Extern
	WorldExports []Extern
	// Exports are the core exports of the output; roots of marking.
	Exports []Export
	// Start is the generated function that runs the start functions and
	// deferred segments in instantiation order; 0: none.
	Start FuncID

	// HandleMemory holds the handle tables; 0 while no adapter needs it.
	// HandleTop is the first byte behind the headers.
	HandleMemory MemoryID
	HandleTop    uint32
	// StagingMemory holds what passes between the host and components that
	// differ in what a core module can tell its host only once; 0: nothing does.
	StagingMemory MemoryID

	// Trap is a function that does nothing but trap; Seal adds it. It stands
	// in the slots of tables that nobody can call, where that is shorter than
	// an empty slot, and is in the output only then.
	Trap FuncID

	sealed bool
}

// NewProgram returns an empty program.
func NewProgram() *Program {
	return &Program{
		Modules:    make([]*Module, 1),
		Instances:  make([]*Instance, 1),
		Components: make([]*Component, 1),
		Types:      NewTypeTable(),
		Funcs:      make([]Func, 1),
		Tables:     make([]Table, 1),
		Memories:   make([]Memory, 1),
		Globals:    make([]Global, 1),
		Tags:       make([]Tag, 1),
		Datas:      make([]Data, 1),
		Elems:      make([]Elem, 1),
		Resources:  make([]Resource, 1),
	}
}

// Seal is the barrier after which no function may be added: marking has
// begun, and a function nobody marked would be lost.
func (p *Program) Seal() {
	if p.Trap == 0 {
		// No locals, unreachable, end: of any type.
		p.Trap = p.AddFunc(Func{Kind: FuncGenerated, Type: p.Types.Func(nil, nil), Body: &wasm.Body{Bytes: []byte{0, byte(wasm.OpUnreachable), byte(wasm.OpEnd)}, Code: 1}, Name: "trap"})
	}
	p.sealed = true
}

// AddFunc adds a function. It panics after Seal.
func (p *Program) AddFunc(f Func) FuncID {
	if p.sealed {
		panic("graph: function added after marking began")
	}
	p.Funcs = append(p.Funcs, f)
	return FuncID(len(p.Funcs) - 1)
}

// AddMemory adds a memory.
func (p *Program) AddMemory(m Memory) MemoryID {
	p.Memories = append(p.Memories, m)
	return MemoryID(len(p.Memories) - 1)
}

// AddGlobal adds a global.
func (p *Program) AddGlobal(g Global) GlobalID {
	p.Globals = append(p.Globals, g)
	return GlobalID(len(p.Globals) - 1)
}

// Resolve follows aliases to the function that is really called.
func (p *Program) Resolve(id FuncID) FuncID {
	for p.Funcs[id].Kind == FuncAlias {
		id = p.Funcs[id].Alias
	}
	return id
}

// Code returns the body of a defined or generated function, and the instance
// whose indices its sites use; the instance is nil for generated functions,
// whose sites hold program ids.
func (p *Program) Code(id FuncID) (*wasm.Body, *Instance) {
	f := &p.Funcs[id]
	switch f.Kind {
	case FuncDefined:
		inst := p.Instances[f.Inst]
		return &p.Modules[inst.Module].Code.Code[f.Index], inst
	case FuncGenerated:
		return f.Body, nil
	}
	return nil, nil
}

// Sites returns the sites of the body of a defined or generated function, good
// until the next call with the same scanner.
func (p *Program) Sites(id FuncID, x *wasm.SiteScanner) []wasm.Site {
	f := &p.Funcs[id]
	switch f.Kind {
	case FuncDefined:
		return x.Sites(p.ModuleOf(p.Instances[f.Inst]).Code, int(f.Index))
	case FuncGenerated:
		return f.Body.Sites
	}
	return nil
}

// FuncName returns a name for people and for the name section, or "".
func (p *Program) FuncName(id FuncID) string {
	f := &p.Funcs[id]
	switch f.Kind {
	case FuncDefined:
		inst := p.Instances[f.Inst]
		m := p.Modules[inst.Module]
		idx := int(m.Code.NumImported[wasm.SpaceFunc] + f.Index)
		if idx < len(m.FuncNames) {
			return m.FuncNames[idx]
		}
		return ""
	case FuncImport:
		return f.Import.Module + "#" + f.Import.Name
	}
	return f.Name
}

// DataBytes is the content of a data segment.
func (p *Program) DataBytes(id DataID) []byte {
	d := &p.Datas[id]
	if d.Inst == 0 {
		return *d.Bytes
	}
	return p.ModuleOf(p.Instances[d.Inst]).Code.Datas[d.Index].Init
}

// Size is how many bytes the memory begins with, 0 when that does not fit 64
// bits.
func (m *Memory) Size() uint64 {
	log := uint32(16)
	if m.Type.HasPageSize {
		log = m.Type.PageLog2
	}
	return m.Type.Min << log
}

// ModuleOf returns the code module of an instance.
func (p *Program) ModuleOf(inst *Instance) *Module { return p.Modules[inst.Module] }

// IsAncestor reports whether a is b or one of b's enclosing component instances.
func (p *Program) IsAncestor(a, b ComponentID) bool {
	for b != 0 {
		if a == b {
			return true
		}
		b = p.Components[b].Parent
	}
	return false
}

// MapVal replaces a module's type index in a reference type by the interned type.
func (p *Program) MapVal(types []TypeID, v wasm.ValType) wasm.ValType {
	if v.Kind == wasm.KindRef && v.Heap >= 0 {
		v.Heap = wasm.HeapType(types[v.Heap])
	}
	return v
}
