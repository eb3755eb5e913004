package component_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/wbundle/wbundle/internal/component"
	"github.com/wbundle/wbundle/internal/wasm"
)

// TestFlattenAgainstModules holds FlattenFunc against what toolchains emit: the
// core function behind every synchronous lift, and the import that every lower
// satisfies, must have the type it computes.
func TestFlattenAgainstModules(t *testing.T) {
	var roots []string
	if dir := filepath.Join(sharedDir, "components"); isDir(dir) {
		roots = append(roots, dir)
	}
	roots = append(roots, filepath.Join(conformanceBinaries(t), "wit-component"), filepath.Join(conformanceBinaries(t), "wasmtime"))
	n := &flattenTally{}
	for _, root := range roots {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || filepath.Ext(path) != ".wasm" {
				return err
			}
			if filepath.Base(filepath.Dir(path)) == "memory64" {
				return nil // FlattenFunc is for addresses of 32 bits
			}
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			if !component.IsComponent(b) {
				return nil
			}
			c, err := component.Decode(path, b)
			if err != nil {
				return nil // TestConformance says whether it may be refused
			}
			s := &flattenScope{t: t, n: n}
			s.component(c)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d lifts and %d lowers agree; %d could not be followed", n.lifts, n.lowers, n.unknown)
	if n.lifts < 100 || n.lowers < 100 {
		t.Error("too few were checked")
	}
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

type flattenTally struct{ lifts, lowers, unknown int }

// entry is an item of an index space: *component.ValType, *component.FuncType,
// *component.Resource, exports, *wasm.Module, coreInstance, coreFunc, or nil
// where this test cannot follow.
type entry any

type exports map[string]entry

type coreInstance struct {
	module *wasm.Module     // an instantiation
	bag    map[string]entry // or a bag of exports
}

// coreFunc is the export of an instance, or a lowered function.
type coreFunc struct {
	instance coreInstance
	name     string
	lowered  *component.FuncType
}

// flattenScope interprets just enough of a component to know the types of its
// functions.
type flattenScope struct {
	t      *testing.T
	n      *flattenTally
	parent *flattenScope
	spaces [component.NumSorts][]entry
}

func (s *flattenScope) add(sort component.Sort, e entry) { s.spaces[sort] = append(s.spaces[sort], e) }

func (s *flattenScope) valType(i uint32) (*component.ValType, error) {
	if t, ok := s.spaces[component.SortType][i].(*component.ValType); ok {
		return t, nil
	}
	return nil, fmt.Errorf("type %d is not known", i)
}

func (s *flattenScope) resource(i uint32) (*component.Resource, error) {
	if r, ok := s.spaces[component.SortType][i].(*component.Resource); ok {
		return r, nil
	}
	return &component.Resource{}, nil
}

func (s *flattenScope) typeDef(def component.Type) entry {
	switch def := def.(type) {
	case *component.ValDef:
		if t, err := component.ResolveValDef(def, s.valType, s.resource); err == nil {
			return t
		}
	case *component.FuncDef:
		if t, err := component.ResolveFunc(def, s.valType); err == nil {
			return t
		}
	case *component.ResourceDef:
		return &component.Resource{}
	case *component.InstanceDef:
		inner := &flattenScope{t: s.t, n: s.n, parent: s}
		out := exports{}
		for _, d := range def.Decls {
			switch d := d.(type) {
			case *component.TypeDef:
				inner.add(component.SortType, inner.typeDef(d.Type))
			case *component.Alias:
				inner.alias(d)
			case *component.ExportDecl:
				e := inner.desc(&d.Desc)
				inner.add(d.Desc.Sort, e)
				out[d.Name.Text] = e
			}
		}
		return out
	}
	return nil
}

func (s *flattenScope) desc(d *component.ExternDesc) entry {
	switch d.Sort {
	case component.SortType:
		if d.Bound == component.BoundSubResource {
			return &component.Resource{}
		}
		return s.spaces[component.SortType][d.TypeIndex]
	case component.SortFunc, component.SortInstance:
		return s.spaces[component.SortType][d.TypeIndex]
	}
	return nil
}

func (s *flattenScope) alias(a *component.Alias) {
	var e entry
	switch a.Kind {
	case component.AliasOuter:
		from := s
		for range a.Count {
			from = from.parent
		}
		e = from.spaces[a.Sort][a.Index]
	case component.AliasExport:
		if in, ok := s.spaces[component.SortInstance][a.Instance].(exports); ok {
			e = in[a.Name]
		}
	case component.AliasCoreExport:
		if in, ok := s.spaces[component.SortCoreInstance][a.Instance].(coreInstance); ok && a.Sort == component.SortCoreFunc {
			if e = in.bag[a.Name]; in.module != nil {
				e = coreFunc{instance: in, name: a.Name}
			}
		}
	}
	s.add(a.Sort, e)
}

func (s *flattenScope) component(c *component.Component) {
	for _, d := range c.Defs {
		switch d := d.(type) {
		case *component.CoreModule:
			m, err := wasm.DecodeNoScan(c.Input, d.Bytes)
			if err != nil {
				s.add(component.SortCoreModule, nil)
				continue
			}
			s.add(component.SortCoreModule, m)
		case *component.NestedComponent:
			inner := &flattenScope{t: s.t, n: s.n, parent: s}
			inner.component(d.Component)
			s.add(component.SortComponent, nil)
		case *component.CoreInstance:
			s.coreInstance(c, d)
		case *component.TypeDef:
			s.add(component.SortType, s.typeDef(d.Type))
		case *component.Alias:
			s.alias(d)
		case *component.Import:
			s.add(d.Desc.Sort, s.desc(&d.Desc))
		case *component.Export:
			s.add(d.Sort, s.spaces[d.Sort][d.Index])
		case *component.Canon:
			s.canon(c, d)
		default:
			sort, ok := component.DefSort(d)
			if ok {
				n := 1
				if types, is := d.(*component.CoreTypeDef); is && types.Module == nil {
					n = len(types.Types)
				}
				for range n {
					s.add(sort, nil)
				}
			}
		}
	}
}

func (s *flattenScope) coreInstance(c *component.Component, d *component.CoreInstance) {
	in := coreInstance{bag: map[string]entry{}}
	for _, e := range d.Exports {
		in.bag[e.Name] = s.spaces[e.Sort][e.Index]
	}
	if d.Instantiate {
		m, ok := s.spaces[component.SortCoreModule][d.Module].(*wasm.Module)
		if !ok {
			s.add(component.SortCoreInstance, nil)
			return
		}
		in.module = m
		for _, imp := range m.Imports {
			at := slices.IndexFunc(d.Args, func(a component.CoreArg) bool { return a.Name == imp.Module })
			if imp.Kind != wasm.ExternFunc || at < 0 {
				continue
			}
			arg, _ := s.spaces[component.SortCoreInstance][d.Args[at].Instance].(coreInstance)
			if f, ok := arg.bag[imp.Name].(coreFunc); ok && f.lowered != nil {
				s.compare(c, d.Offset(), "lower", f.lowered, component.Lower, m.Types[imp.TypeIndex])
				s.n.lowers++
			}
		}
	}
	s.add(component.SortCoreInstance, in)
}

func (s *flattenScope) canon(c *component.Component, d *component.Canon) {
	plain := !d.Options().Async && !d.Options().GC
	switch d.Op {
	case component.CanonLift:
		ft, _ := s.spaces[component.SortType][d.Type].(*component.FuncType)
		s.add(component.SortFunc, s.spaces[component.SortType][d.Type])
		f, ok := s.spaces[component.SortCoreFunc][d.Func].(coreFunc)
		if ft == nil || !ok || f.lowered != nil || !plain {
			s.n.unknown++
			return
		}
		m := f.instance.module
		for _, e := range m.Exports {
			if e.Kind != wasm.ExternFunc || e.Name != f.name || e.Index < m.NumImported[wasm.SpaceFunc] {
				continue
			}
			s.compare(c, d.Offset(), "lift", ft, component.Lift, m.Types[m.Funcs[e.Index-m.NumImported[wasm.SpaceFunc]]])
			s.n.lifts++
		}
	case component.CanonLower:
		ft, ok := s.spaces[component.SortFunc][d.Func].(*component.FuncType)
		if !ok || !plain {
			s.n.unknown++
			s.add(component.SortCoreFunc, nil)
			return
		}
		s.add(component.SortCoreFunc, coreFunc{lowered: ft})
	default:
		s.add(component.SortCoreFunc, nil)
	}
}

func (s *flattenScope) compare(c *component.Component, offset int64, what string, ft *component.FuncType, dir component.Direction, have wasm.SubType) {
	params, results, _, _ := component.FlattenFunc(ft, dir)
	if !slices.Equal(params, have.Params) || !slices.Equal(results, have.Results) {
		s.t.Errorf("%s: offset 0x%x: %s of %s: core type is %v -> %v, flattened %v -> %v",
			c.Input, offset, what, ft, have.Params, have.Results, params, results)
	}
}
