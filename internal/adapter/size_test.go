package adapter

import (
	"fmt"
	"testing"

	"github.com/wbundle/wbundle/graph"
	"github.com/wbundle/wbundle/internal/component"
	"github.com/wbundle/wbundle/internal/wasm"
)

// A type that uses another twice, and so on, has as many definitions as
// levels; written out it has twice as many parts with each.

// nested makes such a type around a leaf.
func nested(leaf *component.ValType, levels int, shape string) *component.ValType {
	t := leaf
	for range levels {
		switch shape {
		case "tuple":
			t = component.NewTuple(t, component.U32, t)
		case "variant":
			t = component.NewVariant([]component.Case{{Name: "a", Type: t}, {Name: "b", Type: component.F64}, {Name: "c", Type: t}, {Name: "d"}})
		case "list":
			t = component.NewTuple(component.NewList(t), component.NewOption(component.NewList(t)))
		}
	}
	return t
}

// wide is a variant of many cases.
func wide(leaf *component.ValType, cases int) *component.ValType {
	var cs []component.Case
	for i := range cases {
		cs = append(cs, component.Case{Name: fmt.Sprintf("c%d", i), Type: component.NewTuple(leaf, leaf)})
	}
	return component.NewVariant(cs)
}

// generated links an empty program with one call of a function that takes and
// returns t, to another component or to the host, and counts the bytes.
func generated(t *testing.T, typ *component.ValType, r *component.Resource, host bool) int {
	t.Helper()
	p := graph.NewProgram()
	for range 2 {
		p.Components = append(p.Components, &graph.Component{ID: graph.ComponentID(len(p.Components)), Name: "c"})
		p.AddMemory(graph.Memory{Type: wasm.MemType{Limits: wasm.Limits{Min: 1}}})
	}
	p.Resources = append(p.Resources, graph.Resource{Type: r, Interface: "h", Name: "r"})
	core := func(params, results []wasm.ValType) graph.FuncID {
		return p.AddFunc(graph.Func{Kind: graph.FuncImport, Type: p.Types.Func(params, results), Import: &graph.Import{}})
	}
	ft := &component.FuncType{Params: []component.Field{{Name: "p", Type: typ}}, Result: typ}
	realloc := [3]graph.FuncID{}
	for i := 1; i <= 2; i++ {
		realloc[i] = core(i32s, i32s[:1])
	}
	lift := &graph.Lift{Type: ft, Component: 1, Opts: graph.Options{Memory: 1, Realloc: realloc[1]}}
	params, results, _, _ := component.FlattenFunc(ft, component.Lift)
	lift.Core = core(params, results)
	lower := &graph.Lower{Component: 2, Opts: graph.Options{Memory: 2, Realloc: realloc[2]}, Func: &graph.CompFunc{Type: ft, Lift: lift}}
	params, results, _, _ = component.FlattenFunc(ft, component.Lower)
	f := graph.Func{Kind: graph.FuncCanon, Type: p.Types.Func(params, results),
		Canon: &graph.Canon{Op: component.CanonLower, Lower: lower, Component: 2}}
	o := Options{OneMemory: true, Host: Host{Memory: 1, Reallocs: []HostRealloc{{realloc[1], 1, 1}, {realloc[2], 2, 2}}}}
	if host {
		lower.Func = &graph.CompFunc{Type: ft, Host: &graph.HostFunc{Type: ft}}
		f.Kind, f.Canon, f.Import = graph.FuncImport, nil, &graph.Import{Lower: lower}
		back := *lift
		back.Component, back.Opts = 2, lower.Opts
		p.WorldExports = []graph.Extern{{Name: "f", Func: &graph.CompFunc{Type: ft, Lift: &back}}}
		// Someone else who has handles makes them translated.
		p.WorldExports = append(p.WorldExports, graph.Extern{Name: "g", Func: &graph.CompFunc{Type: ft, Lift: lift}})
	}
	p.AddFunc(f)
	if _, err := Generate(p, func(graph.FuncID) bool { return true }, o); err != nil {
		t.Fatal(err)
	}
	bytes := 0
	for i := range p.Funcs {
		if b := p.Funcs[i].Body; b != nil {
			bytes += len(b.Bytes)
		}
	}
	return bytes
}

// TestSizeIsLinear bounds what is generated for types that are exponential
// when written out: each level costs the same.
func TestSizeIsLinear(t *testing.T) {
	r := &component.Resource{ID: 1, Name: "r"}
	leaves := map[string]*component.ValType{"string": component.String, "own": component.NewOwn(r)}
	for name, leaf := range leaves {
		for _, shape := range []string{"tuple", "variant", "list"} {
			for _, host := range []bool{false, true} {
				size := func(levels int) int { return generated(t, nested(leaf, levels, shape), r, host) }
				eight, twelve, sixty := size(8), size(12), size(60)
				level := (twelve - eight) / 4
				t.Logf("%s in %s, host %v: %d bytes for 12 levels, %d for each", name, shape, host, twelve, level)
				// Calls of functions with higher numbers take a byte more.
				if limit := 12*level + 48*(level+level/4); sixty > eight+limit || level > 4000 {
					t.Errorf("%s in %s, host %v: 8 levels take %d bytes, 12 take %d, 60 take %d", name, shape, host, eight, twelve, sixty)
				}
			}
		}
		for _, host := range []bool{false, true} {
			size := func(cases int) int { return generated(t, wide(leaf, cases), r, host) }
			hundred, more := size(100), size(300)
			t.Logf("%s in 300 cases, host %v: %d bytes", name, host, more)
			if more > 4*hundred {
				t.Errorf("%s, host %v: 100 cases take %d bytes, 300 take %d", name, host, hundred, more)
			}
		}
	}
}
