// Package adapter generates the functions that stand between components: the
// canonical ABI (CanonicalABI.md) compiled to plain core wasm.
//
// A lower of a lifted function becomes one adapter that moves each argument
// from the caller's representation straight into the callee's, calls, moves
// the result back, and runs post-return. Nothing is materialised in between,
// which the specification allows because realloc, the only code of a guest
// that runs meanwhile, may not leave its instance.
//
// Files: fuse.go is the call itself; value.go moves a value of any type and
// decides what is outlined; scalar.go, variant.go, list.go, string.go and
// handle.go each know one family of types; table.go has the handle tables.
// boundary.go wraps imports and exports where a handle or an address means
// something else to the host; cross.go walks their values, save.go puts back
// what that changed. staging.go stands between the host of a core module and
// components that differ in what it can be told only once.
package adapter

import (
	"fmt"

	"github.com/wbundle/wbundle/graph"
	"github.com/wbundle/wbundle/internal/component"
	"github.com/wbundle/wbundle/internal/ir"
	"github.com/wbundle/wbundle/internal/wasm"
)

// maxByteLength is the largest size, in bytes, of a string or list that may
// cross (CanonicalABI.md, MAX_LIST_BYTE_LENGTH and MAX_STRING_BYTE_LENGTH).
const maxByteLength = 1<<28 - 1

// Options are what adapters need to know of the output.
type Options struct {
	// Vectors allows the vector instructions of WebAssembly 2.0.
	Vectors bool
	// OneMemory says that all memories will be windows of one, so that a loop
	// over text can be shared by all of them.
	OneMemory bool
	Host      Host
	// CoreImports are functions of wasi_snapshot_preview1 that core modules
	// call directly, with addresses of another memory than the host's.
	CoreImports []CoreImport
}

// CoreImport is a core import and the memory that its pointers are about.
type CoreImport struct {
	Func   graph.FuncID
	Memory graph.MemoryID
}

// Host is what the host reads and writes through.
type Host struct {
	// Memory is the memory whose addresses mean the same to the host.
	Memory graph.MemoryID
	// Check says that what crosses in that memory is checked to lie in it, as
	// the host would if nobody else's memory followed.
	Check bool
	// Reallocs are the functions that allocate for the host, each with the
	// memory that it allocates from. The first is for parameters of exports.
	Reallocs []HostRealloc
	// OneRealloc says that the host knows a single one, cabi_realloc, and one
	// encoding of strings, Encoding: that of a core module.
	OneRealloc bool
	Encoding   component.Encoding
	// Staging is where what does not fit that passes through.
	Staging Staging
}

// HostRealloc is a realloc that the host calls.
type HostRealloc struct {
	Func      graph.FuncID
	Memory    graph.MemoryID
	Component graph.ComponentID
}

// Generate gives a body to every live canonical built-in and adapter.
// live tells which functions of the program the roots reach; others are left
// alone. It returns how many functions it generated.
func Generate(p *graph.Program, live func(graph.FuncID) bool, o Options) (int, error) {
	g := &generator{p: p, o: o, helpers: map[helperKey]graph.FuncID{}, clears: map[graph.ComponentID]bool{}, exceptions: findExceptions(p)}
	before := len(p.Funcs)
	var canons []graph.FuncID
	for id := graph.FuncID(1); int(id) < before; id++ {
		if p.Funcs[id].Kind == graph.FuncCanon && live(id) {
			canons = append(canons, id)
			if c := p.Funcs[id].Canon; c.Op == component.CanonLower {
				g.planCall(c)
			}
		}
	}
	g.planHost(live)
	g.planStaging()
	g.translates = g.needsTables(live)
	generated := 0
	for _, id := range canons {
		if err := g.canon(id); err != nil {
			c := p.Funcs[id].Canon
			return 0, fmt.Errorf("component %s: canon %s: %w", p.Components[c.Component].Name, c.Op, err)
		}
		if p.Funcs[id].Kind == graph.FuncGenerated {
			generated++
		}
	}
	if err := g.hostFunctions(live, graph.FuncID(before)); err != nil {
		return 0, err
	}
	for _, c := range o.CoreImports {
		if err := g.preview1(c); err != nil {
			return 0, err
		}
	}
	g.finishTables()
	for _, f := range p.Funcs[before:] {
		if f.Kind == graph.FuncGenerated {
			generated++
		}
	}
	return generated, nil
}

// generator is the state of one run.
type generator struct {
	p       *graph.Program
	o       Options
	helpers map[helperKey]graph.FuncID
	// clears marks the components whose may_leave some adapter clears; the
	// flag of any other is always set, and checks of it are left out.
	clears     map[graph.ComponentID]bool
	leaver     leaver
	tables     *tables
	exceptions exceptions
	costs      map[*component.ValType]int
	// translates says that handles cross between our tables and the host's.
	translates bool
	boundary   boundary
	staging    staging
}

// end is one side of a call: a component instance and its canonical options.
type end struct {
	comp graph.ComponentID
	opts graph.Options
}

// helperKey identifies a shared helper function. Which fields count depends
// on kind.
type helperKey struct {
	kind     helperKind
	typ      *component.ValType
	from, to end
	shape    uint8
	resource uint32
}

type helperKind uint8

const (
	helperValue helperKind = iota // one composite value
	helperList                    // a list
	helperString
	helperBounds // bounds check
	helperHandleAdd
	helperHandleTake
	helperHandleLend
	helperHandleRelease
	helperHandleRep
	helperHandleDrop
	helperReserve
	helperIntrinsic // of the host's table
	helperReceive   // an exported resource that the host gives back
	helperSave
	helperSwap
	helperRestore
	helperCross // one value at the boundary to the host
	helperCrossList
	helperRealloc // for the host
	helperPost    // of what is staged
	helperSizes   // of preview1's arguments or environment
)

// canon generates one function.
func (g *generator) canon(id graph.FuncID) error {
	c := g.p.Funcs[id].Canon
	switch c.Op {
	case component.CanonLower:
		return g.fuse(id, c.Lower)
	case component.CanonResourceNew, component.CanonResourceRep, component.CanonResourceDrop:
		return g.resource(id, c)
	}
	return fmt.Errorf("not supported")
}

// set turns a FuncCanon into a generated function.
func (g *generator) set(id graph.FuncID, name string, b *ir.Builder) {
	f := &g.p.Funcs[id]
	f.Kind, f.Body, f.Name = graph.FuncGenerated, b.Finish(), name
}

// helper returns the function for a key, generating it at first use. The id
// is reserved before build runs, so that helpers may be recursive.
func (g *generator) helper(k helperKey, name string, params, results []wasm.ValType, build func(b *ir.Builder) error) (graph.FuncID, error) {
	if id, ok := g.helpers[k]; ok {
		return id, nil
	}
	id := g.p.AddFunc(graph.Func{Kind: graph.FuncGenerated, Type: g.p.Types.Func(params, results), Name: name})
	g.helpers[k] = id
	b := ir.New(params)
	if err := build(b); err != nil {
		return 0, err
	}
	g.p.Funcs[id].Body = b.Finish()
	return id, nil
}

// leaveFlag returns the global that holds a component's may_leave.
func (g *generator) leaveFlag(c graph.ComponentID) graph.GlobalID {
	comp := g.p.Components[c]
	if comp.LeaveFlag == 0 {
		comp.LeaveFlag = g.global(comp.Name+" may_leave", 1)
	}
	return comp.LeaveFlag
}

// global adds a mutable i32 global.
func (g *generator) global(name string, init uint32) graph.GlobalID {
	return g.p.AddGlobal(graph.Global{
		Type: wasm.GlobalType{Type: wasm.I32, Mutable: true},
		Init: graph.Const{Known: true, Type: wasm.I32, Bits: uint64(init)},
		Name: name,
	})
}
