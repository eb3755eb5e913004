package conformance

import (
	"fmt"

	"github.com/wbundle/wbundle/internal/component"
)

// Wasmtime's runner makes every named component instance importable by its
// name. A component that imports one is given it by composition: both become
// instances of an outer component, which is what all engines are given.
//
//	(component $foo (core module (export "m")))
//	(component (import "foo" (instance (export "m" (core module)))) …)
//
// The composed component has an instance of $foo of its own. No file depends
// on sharing one.

// simpleModule is the provider of the one core module of the test host.
var simpleModule = &component.Component{Defs: []component.Def{
	&component.CoreModule{Bytes: []byte("\x00asm\x01\x00\x00\x00" +
		"\x01\x05\x01\x60\x00\x01\x7f" + // type: func () -> i32
		"\x03\x02\x01\x00" +
		"\x06\x07\x01\x7f\x00\x41\xe4\x00\x0b" + // global: i32.const 100
		"\x07\x09\x02\x01f\x00\x00\x01g\x03\x00" +
		"\x0a\x07\x01\x05\x00\x41\xe5\x00\x0b")}, // f: i32.const 101
	&component.Export{Name: component.Name{Text: "simple-module"}, Sort: component.SortCoreModule, Index: 0},
}}

// imports lists a component's imports by name.
func imports(c *component.Component) []string {
	var out []string
	for _, d := range c.Defs {
		if imp, ok := d.(*component.Import); ok {
			out = append(out, imp.Name.Text)
		}
	}
	return out
}

// compose gives a component the earlier components that it imports by name. A
// component that imports from no other comes back as it is.
func compose(name string, bytes []byte, earlier map[string][]byte) ([]byte, error) {
	c, err := component.Decode(name, bytes)
	if err != nil {
		return nil, &notRun{err.Error()}
	}
	var parts []string
	for _, imp := range imports(c) {
		switch {
		case earlier[imp] != nil, imp == "host" && wantsSimpleModule(c):
			parts = append(parts, imp)
		case len(parts) > 0:
			return nil, &notRun{fmt.Sprintf("the runner composes components that import from each other alone, not %q", imp)}
		}
	}
	if len(parts) == 0 {
		return bytes, nil
	}
	if len(parts) != len(imports(c)) {
		return nil, &notRun{"the runner composes components that import from each other alone"}
	}
	outer := &component.Component{}
	args := make([]component.Arg, len(parts))
	for i, imp := range parts {
		part := simpleModule
		if earlier[imp] != nil {
			if part, err = component.Decode(imp, earlier[imp]); err != nil {
				return nil, err
			}
		}
		outer.Defs = append(outer.Defs, &component.NestedComponent{Component: part},
			&component.Instance{Instantiate: true, Component: uint32(i)})
		args[i] = component.Arg{Name: imp, Sort: component.SortInstance, Index: uint32(i)}
	}
	n := uint32(len(parts))
	outer.Defs = append(outer.Defs, &component.NestedComponent{Component: c}, &component.Instance{Instantiate: true, Component: n, Args: args})
	index := map[component.Sort]uint32{component.SortInstance: n + 1}
	for _, d := range c.Defs {
		e, ok := d.(*component.Export)
		if !ok {
			continue
		}
		outer.Defs = append(outer.Defs,
			&component.Alias{Sort: e.Sort, Kind: component.AliasExport, Instance: n, Name: e.Name.Text},
			&component.Export{Name: e.Name, Sort: e.Sort, Index: index[e.Sort]})
		index[e.Sort] += 2 // the alias, and what the export adds
	}
	return component.Encode(outer), nil
}

// wantsSimpleModule reports whether a component imports a core module of the
// test host.
func wantsSimpleModule(c *component.Component) bool {
	for _, d := range c.Defs {
		t, ok := d.(*component.TypeDef)
		if !ok {
			continue
		}
		inst, ok := t.Type.(*component.InstanceDef)
		if !ok {
			continue
		}
		for _, d := range inst.Decls {
			if e, ok := d.(*component.ExportDecl); ok && e.Name.Text == "simple-module" {
				return true
			}
		}
	}
	return false
}
