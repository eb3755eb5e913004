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

// Generate gives a body to every live canonical built-in and adapter.
// live tells which functions of the program the roots reach; others are left
// alone. It returns how many functions it generated.
func Generate(p *graph.Program, live func(graph.FuncID) bool) (int, error) {
	g := &generator{p: p, helpers: map[helperKey]graph.FuncID{}, exceptions: findExceptions(p)}
	before := len(p.Funcs)
	var canons []graph.FuncID
	for id := graph.FuncID(1); int(id) < before; id++ {
		if p.Funcs[id].Kind == graph.FuncCanon && live(id) {
			canons = append(canons, id)
			g.plan(p.Funcs[id].Canon)
		}
	}
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
	g.finishTables()
	return generated + len(p.Funcs) - before, nil
}

// generator is the state of one run.
type generator struct {
	p       *graph.Program
	helpers map[helperKey]graph.FuncID
	// clears marks the components whose may_leave some adapter clears; the
	// flag of any other is always set, and checks of it are left out.
	clears     map[graph.ComponentID]bool
	tables     *tables
	exceptions exceptions
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
}

type helperKind uint8

const (
	helperValue helperKind = iota // one composite value
	helperList                    // a list
	helperString
	helperValidate // UTF-8 validation
	helperBounds   // bounds check
	helperHandleAdd
	helperHandleTake
	helperHandleLend
	helperHandleRelease
	helperHandleRep
	helperHandleDrop
	helperReserve
)

// plan notes which components an adapter will keep from leaving.
func (g *generator) plan(c *graph.Canon) {
	if g.clears == nil {
		g.clears = map[graph.ComponentID]bool{}
	}
	if c.Op != component.CanonLower {
		return
	}
	lift, t := c.Lower.Func.Lift, c.Lower.Func.Type
	_, _, spilled, _ := component.FlattenFunc(t, component.Lower)
	if spilled {
		g.clears[lift.Component] = true
	}
	for _, prm := range t.Params {
		if prm.Type.ContainsPointers() {
			g.clears[lift.Component] = true
		}
	}
	if t.Result != nil && t.Result.ContainsPointers() {
		g.clears[c.Component] = true
	}
	if lift.Opts.PostReturn != 0 {
		g.clears[lift.Component] = true
	}
}

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

// checkLeave traps unless the component may leave.
func (g *generator) checkLeave(b *ir.Builder, c graph.ComponentID) {
	if !g.clears[c] {
		return
	}
	b.GlobalGet(g.leaveFlag(c))
	b.Op(wasm.OpI32Eqz)
	b.TrapIf()
}

// setLeave sets or clears a component's may_leave.
func (g *generator) setLeave(b *ir.Builder, c graph.ComponentID, v uint32) {
	b.I32(v)
	b.GlobalSet(g.leaveFlag(c))
}
