package linker

import (
	"fmt"

	"github.com/wbundle/wbundle/graph"
	"github.com/wbundle/wbundle/internal/component"
	"github.com/wbundle/wbundle/internal/ir"
	"github.com/wbundle/wbundle/internal/wasm"
)

// typeDef evaluates a type definition in a scope.
func (f *flattener) typeDef(s *scope, t component.Type) (*typeItem, error) {
	switch t := t.(type) {
	case *component.ValDef:
		v, err := component.ResolveValDef(t, s.valType, s.resource)
		if err != nil {
			return nil, err
		}
		return &typeItem{val: v}, nil
	case *component.FuncDef:
		ft, err := component.ResolveFunc(t, s.valType)
		if err != nil {
			return nil, err
		}
		return &typeItem{fn: ft}, nil
	case *component.InstanceDef:
		return &typeItem{inst: t, scope: s}, nil
	case *component.ComponentDef:
		return &typeItem{comp: t, scope: s}, nil
	case *component.ResourceDef:
		if t.Async {
			return nil, fmt.Errorf("resource with an async destructor is not supported yet")
		}
		r := graph.Resource{Component: s.component}
		if t.HasDtor {
			var err error
			if r.Dtor, err = at(s.coreFuncs, t.Dtor, "core function"); err != nil {
				return nil, err
			}
		}
		return &typeItem{resource: f.addResource(r, fmt.Sprintf("%s.resource%d", s.label, len(s.types)))}, nil
	}
	return nil, fmt.Errorf("unexpected type definition %T", t)
}

// addResource gives a resource type its identity.
func (f *flattener) addResource(r graph.Resource, name string) *component.Resource {
	r.Type = &component.Resource{ID: uint32(len(f.p.Resources)), Name: name}
	f.p.Resources = append(f.p.Resources, r)
	return r.Type
}

// valType looks a value type up by index.
func (s *scope) valType(i uint32) (*component.ValType, error) {
	t, err := at(s.types, i, "type")
	if err != nil {
		return nil, err
	}
	if t.val == nil {
		return nil, fmt.Errorf("type %d is not a value type", i)
	}
	return t.val, nil
}

// resource looks a resource type up by index.
func (s *scope) resource(i uint32) (*component.Resource, error) {
	t, err := at(s.types, i, "type")
	if err != nil {
		return nil, err
	}
	if t.resource == nil {
		return nil, fmt.Errorf("type %d is not a resource type", i)
	}
	return t.resource, nil
}

// funcType looks a function type up by index.
func (s *scope) funcType(i uint32) (*component.FuncType, error) {
	t, err := at(s.types, i, "type")
	if err != nil {
		return nil, err
	}
	if t.fn == nil {
		return nil, fmt.Errorf("type %d is not a function type", i)
	}
	return t.fn, nil
}

// sameType checks that two named types are the same, for eq bounds; what is
// how the error calls the type.
func sameType(want, got *typeItem, what string) error {
	switch {
	case want.val != nil && got.val != nil:
		if diff := component.Mismatch(want.val, got.val); diff != "" {
			return fmt.Errorf("%s differs: %s", what, diff)
		}
		return nil
	case want.resource != nil && got.resource != nil:
		if want.resource != got.resource {
			return fmt.Errorf("%s is another resource type (%s, not %s)", what, got.resource.Name, want.resource.Name)
		}
		return nil
	case want.fn != nil && got.fn != nil:
		if diff := component.FuncMismatch(want.fn, got.fn); diff != "" {
			return fmt.Errorf("%s differs: %s", what, diff)
		}
		return nil
	case want.inst != nil && got.inst != nil, want.comp != nil && got.comp != nil:
		return nil
	}
	return fmt.Errorf("%s is a type of another sort", what)
}

// matchDesc checks an item against an extern descriptor of scope s.
func (f *flattener) matchDesc(s *scope, d *component.ExternDesc, it *item, what string) error {
	switch d.Sort {
	case component.SortFunc:
		t, err := s.funcType(d.TypeIndex)
		if err != nil {
			return err
		}
		if diff := component.FuncMismatch(t, it.fn.Type); diff != "" {
			return fmt.Errorf("%s has another type: %s", what, diff)
		}
	case component.SortType:
		if d.Bound == component.BoundSubResource {
			if it.typ.resource == nil {
				return fmt.Errorf("%s is not a resource type", what)
			}
			return nil
		}
		t, err := at(s.types, d.TypeIndex, "type")
		if err != nil {
			return err
		}
		return sameType(t, it.typ, what)
	case component.SortInstance:
		t, err := at(s.types, d.TypeIndex, "type")
		if err != nil {
			return err
		}
		if t.inst == nil {
			return fmt.Errorf("type %d is not an instance type", d.TypeIndex)
		}
		return f.matchInstance(t, it.inst, what, nil)
	case component.SortComponent, component.SortCoreModule:
		// Instantiation checks every import and export that is really used.
	default:
		return fmt.Errorf("%s imports are not supported", d.Sort)
	}
	return nil
}

// host says where functions and resources of a host interface come from: its
// name, or the path to an instance inside one (host#nested).
type host struct{ iface string }

// matchInstance elaborates an instance type with the resources and types of
// an actual instance, checking each export. With h set, exports that the
// instance lacks are created as the host's.
func (f *flattener) matchInstance(t *typeItem, in *instance, what string, h *host) error {
	s := &scope{outer: t.scope, label: what, component: t.scope.component, input: t.scope.input}
	for _, d := range t.inst.Decls {
		switch d := d.(type) {
		case *component.CoreTypeDef:
			s.coreTypes++
		case *component.TypeDef:
			ti, err := f.typeDef(s, d.Type)
			if err != nil {
				return err
			}
			s.types = append(s.types, ti)
		case *component.Alias:
			if err := f.alias(s, d); err != nil {
				return err
			}
		case *component.ExportDecl:
			name := d.Name.Text
			it := in.items[name]
			if it == nil && h != nil {
				var err error
				if it, err = f.hostItem(s, &d.Desc, h.iface, name); err != nil {
					return err
				}
				in.add(name, it)
			}
			if it == nil {
				return fmt.Errorf("%s has no %s %q; it has %s", what, d.Desc.Sort, name, nearest(name, in.names))
			}
			if it.sort != d.Desc.Sort {
				return fmt.Errorf("%s: %q is a %s, not a %s", what, name, it.sort, d.Desc.Sort)
			}
			if err := f.matchDesc(s, &d.Desc, it, fmt.Sprintf("%s: %s %q", what, it.sort, name)); err != nil {
				return err
			}
			if err := s.push(it); err != nil {
				return err
			}
		default:
			return fmt.Errorf("%s: unexpected declaration %T", what, d)
		}
	}
	return nil
}

// traps reports whether calls of a host function become traps of the bundle:
// graph.unresolved: trap, which does not extend to the system interface.
func (f *flattener) traps(iface, name string) bool {
	return f.opts.Unresolved == UnresolvedTrap && !isWASI(iface) && !isWASI(name)
}

// trapFunc adds a function of the given type that traps.
func (f *flattener) trapFunc(t graph.TypeID, name string) graph.FuncID {
	b := ir.New(f.p.Types.At(t).Params)
	b.Op(wasm.OpUnreachable)
	return f.p.AddFunc(graph.Func{Kind: graph.FuncGenerated, Type: t, Body: b.Finish(), Name: name})
}

// hostItem makes the item that the host provides for a declaration.
func (f *flattener) hostItem(s *scope, d *component.ExternDesc, iface, name string) (*item, error) {
	it := &item{sort: d.Sort}
	switch d.Sort {
	case component.SortFunc:
		t, err := s.funcType(d.TypeIndex)
		if err != nil {
			return nil, err
		}
		it.fn = &graph.CompFunc{Type: t, Host: &graph.HostFunc{Interface: iface, Name: name, Type: t, Trap: f.traps(iface, name)}}
	case component.SortType:
		if d.Bound == component.BoundSubResource {
			it.typ = &typeItem{resource: f.addResource(graph.Resource{Interface: iface, Name: name}, name)}
			return it, nil
		}
		t, err := at(s.types, d.TypeIndex, "type")
		if err != nil {
			return nil, err
		}
		it.typ = t
		if _, known := f.valHome[t.val]; !known && t.val != nil {
			f.valHome[t.val] = iface
		}
	case component.SortInstance:
		t, err := at(s.types, d.TypeIndex, "type")
		if err != nil {
			return nil, err
		}
		if t.inst == nil {
			return nil, fmt.Errorf("type %d is not an instance type", d.TypeIndex)
		}
		path := coreName(iface, name)
		it.inst = newInstance(path)
		if err := f.matchInstance(t, it.inst, path, &host{iface: path}); err != nil {
			return nil, err
		}
	default:
		return nil, fmt.Errorf("import %q of a %s cannot be left to the host", name, d.Sort)
	}
	return it, nil
}
