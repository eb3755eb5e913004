package component

import "fmt"

// Imports and exports (Explainer.md, "Import and Export Definitions").

// externKind tells imports and exports apart.
type externKind uint8

const (
	externImport externKind = iota
	externExport
)

func (k externKind) String() string {
	if k == externImport {
		return "import"
	}
	return "export"
}

// importDef validates an import of a component or component type.
func (v *validator) importDef(s *staticScope, d *Import) error {
	e, err := v.descEntity(s, &d.Desc, d.Name.Text)
	if err != nil {
		return err
	}
	return v.extern(s, externImport, &d.Name, e)
}

// exportDef validates an export of a component.
func (v *validator) exportDef(s *staticScope, d *Export) error {
	e, err := v.item(s, d.Sort, d.Index)
	if err != nil {
		return err
	}
	if d.Sort == SortType {
		e.created = v.renamed(e.referenced, d.Name.Text)
	}
	if d.Desc != nil {
		ascribed, err := v.descEntity(s, d.Desc, d.Name.Text)
		if err != nil {
			return err
		}
		if err := v.subtyping().entity(e, ascribed); err != nil {
			return fmt.Errorf("ascribed type of export is not compatible with the item's type: %w", err)
		}
		e = ascribed
	}
	return v.extern(s, externExport, &d.Name, e)
}

// extern adds an import or export to a scope: it gets an index, its resources
// are noted, and its name and the names of what it refers to are checked.
func (v *validator) extern(s *staticScope, kind externKind, name *Name, e entity) error {
	set := &s.imports
	if kind == externExport {
		set = &s.exports
	}
	if e.sort == SortInstance {
		if kind == externImport {
			e.inst = v.importInstance(s, e.inst, name.Text)
		} else {
			e.inst = v.exportInstance(s, e.inst, name.Text)
		}
	}
	if r, ok := e.created.(*Resource); ok {
		fresh := e.created == e.referenced
		switch {
		case kind == externExport:
			if fresh {
				s.defined = append(s.defined, r.ID)
			}
			s.explicit.set(r.ID, []string{name.Text})
		case fresh:
			s.imported.set(r.ID, []string{name.Text})
		}
		set.nameResource(r, name.Text)
	}
	if err := s.push(e); err != nil {
		return err
	}
	if e.sort == SortValue && kind == externExport {
		// To export a value is to use it; what the export defines is used, too.
		s.values[len(s.values)-1].used = true
	}
	if len(s.exports.items) > maxExports {
		return tooMany("exports", maxExports)
	}
	if !v.nameTypes(s, kind, e) {
		return fmt.Errorf("%s `%s`: %s not valid to be used as %s: it refers to a type that the component does not %s under a name",
			kind, name.Text, e.sort, kind, kind)
	}
	return v.externName(set, kind, name, e, &s.extent)
}

// importInstance is the type of an import of an instance of type t. The
// resources that t leaves abstract are new ones, imported by s: two imports of
// one type do not share resources.
func (v *validator) importInstance(s *staticScope, t *instanceType, name string) *instanceType {
	out, m := v.freshen(t)
	for _, id := range t.defined {
		s.imported.set(m.resourceID(id), below(name, t.explicit.paths[id]))
	}
	return out
}

// exportInstance is the type of an export of an instance of type t. In a type,
// the resources that t leaves abstract are new ones, defined by s. All that are
// exported in t are exported by s.
func (v *validator) exportInstance(s *staticScope, t *instanceType, name string) *instanceType {
	out, m := v.freshen(t)
	for _, id := range t.defined {
		s.defined = append(s.defined, m.resourceID(id))
	}
	for _, id := range out.explicit.ids {
		s.explicit.set(id, below(name, out.explicit.paths[id]))
	}
	return out
}

// freshen replaces the resources that t leaves abstract by new ones.
func (v *validator) freshen(t *instanceType) (*instanceType, *remapping) {
	m := v.newRemapping()
	if len(t.defined) == 0 {
		return t, m
	}
	for _, id := range t.defined {
		m.resources[id] = v.newResource("").ID
	}
	out := &instanceType{extent: t.extent}
	out.exports, _ = m.externs(&t.exports)
	out.explicit, _ = m.paths(&t.explicit)
	return out, m
}
