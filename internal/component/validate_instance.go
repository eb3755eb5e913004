package component

import "fmt"

// Instances and aliases (Explainer.md, "Instance Definitions" and "Alias
// Definitions").

// instance is the type of an instance definition.
func (v *validator) instance(s *staticScope, d *Instance) (*instanceType, error) {
	if len(d.Args) > maxArgs || len(d.Exports) > maxArgs {
		return nil, tooMany("arguments or exports of an instance", maxArgs)
	}
	if !d.Instantiate {
		return v.bag(s, d.Exports)
	}
	comp := s.components[d.Component]
	var args externs
	for _, a := range d.Args {
		e, err := v.item(s, a.Sort, a.Index)
		if err != nil {
			return nil, err
		}
		if !args.add(a.Name, e) {
			return nil, fmt.Errorf("instantiation argument `%s` is given twice", a.Name)
		}
	}
	m, err := v.subtyping().open(&args, &comp.imports, &comp.imported, "import")
	if err != nil {
		return nil, err
	}
	// Every instance has resource types of its own. The imported resources
	// and these are disjoint, so that one substitution does for both.
	for _, id := range comp.defined.ids {
		fresh := v.newResource("").ID
		m.resources[id] = fresh
		s.defined = append(s.defined, fresh)
	}
	t := &instanceType{extent: oneExtent}
	for _, e := range comp.exports.items {
		if err := t.add(v.extentOf(e)); err != nil {
			return nil, err
		}
	}
	t.exports, _ = m.externs(&comp.exports)
	t.explicit, _ = m.paths(&comp.explicit)
	return t, nil
}

// bag is the type of an instance that is a bag of exports.
func (v *validator) bag(s *staticScope, exports []InlineExport) (*instanceType, error) {
	t := &instanceType{extent: oneExtent}
	// A bag has no index spaces: no resource gets a name in it for the names
	// of methods to refer to.
	set := newExternSet()
	for i := range exports {
		x := &exports[i]
		e, err := v.item(s, x.Sort, x.Index)
		if err != nil {
			return nil, err
		}
		if r, ok := e.created.(*Resource); ok {
			t.explicit.set(r.ID, []string{x.Name.Text})
		}
		if e.inst != nil {
			for _, id := range e.inst.explicit.ids {
				t.explicit.set(id, below(x.Name.Text, e.inst.explicit.paths[id]))
			}
		}
		if err := v.externName(&set, externExport, &x.Name, e, &t.extent); err != nil {
			return nil, err
		}
	}
	t.exports = set.externs
	return t, nil
}

// below is a path in what is called name.
func below(name string, path []string) []string {
	return append([]string{name}, path...)
}

// item is the type of an item of an index space. A value is used up by it.
func (v *validator) item(s *staticScope, sort Sort, i uint32) (entity, error) {
	e := entity{sort: sort}
	switch sort {
	case SortCoreModule:
		e.module = s.coreModules[i]
	case SortFunc:
		e.fn = s.funcs[i]
	case SortValue:
		t, err := s.useValue(i)
		if err != nil {
			return e, err
		}
		e.val = t
	case SortType:
		e.created, e.referenced = s.types[i], s.types[i]
	case SortComponent:
		e.comp = s.components[i]
	case SortInstance:
		e.inst = s.instances[i]
	}
	return e, nil
}

// alias brings an item of another instance or component into the index spaces of s.
func (v *validator) alias(s *staticScope, a *Alias) error {
	if s.kind != scopeComponent {
		ok := a.Sort == SortType || a.Kind == AliasExport && a.Sort == SortInstance ||
			a.Kind == AliasOuter && a.Sort == SortCoreType
		if !ok {
			return fmt.Errorf("aliases in a component or instance type may only refer to types or instances")
		}
	}
	switch a.Kind {
	case AliasExport:
		e, ok := s.instances[a.Instance].exports.get(a.Name)
		if !ok {
			return fmt.Errorf("instance %d has no export named `%s`", a.Instance, a.Name)
		}
		if e.sort != a.Sort {
			return fmt.Errorf("export `%s` of instance %d is a %s, not a %s", a.Name, a.Instance, e.sort, a.Sort)
		}
		return s.push(e)
	case AliasCoreExport:
		if err := s.aliasCoreExport(a); err != nil {
			return err
		}
		return s.limitFuncs()
	}
	return v.outerAlias(s, a)
}

func (v *validator) outerAlias(s *staticScope, a *Alias) error {
	from := s.outer(a.Count)
	switch a.Sort {
	case SortCoreModule:
		s.coreModules = append(s.coreModules, from.coreModules[a.Index])
		return s.limitModules()
	case SortComponent:
		s.components = append(s.components, from.components[a.Index])
		return s.limitComponents()
	case SortCoreType:
		s.coreTypes = append(s.coreTypes, from.coreTypes[a.Index])
		return s.limitTypes()
	case SortType:
		t := from.types[a.Index]
		// Components stand for themselves: a type from around one may not
		// refer to resources, which exist once per instance of what is around.
		// Types nest in components and not the other way, so the scope just
		// inside of from tells whether there is a boundary between.
		if a.Count > 0 && s.outer(a.Count-1).kind == scopeComponent {
			free := newFreeVars()
			free.any(t)
			if len(free.ids) > 0 {
				return fmt.Errorf("cannot alias an outer type that refers to resources not defined in the current component")
			}
		}
		s.types = append(s.types, t)
		return s.limitTypes()
	}
	return fmt.Errorf("an outer alias cannot name a %s", a.Sort)
}

// push appends an item to the index space of its sort.
func (s *staticScope) push(e entity) error {
	switch e.sort {
	case SortCoreModule:
		s.coreModules = append(s.coreModules, e.module)
		return s.limitModules()
	case SortFunc:
		s.funcs = append(s.funcs, e.fn)
		return s.limitFuncs()
	case SortValue:
		s.values = append(s.values, staticValue{typ: e.val})
		return s.limitValues()
	case SortType:
		s.types = append(s.types, e.created)
		return s.limitTypes()
	case SortComponent:
		s.components = append(s.components, e.comp)
		return s.limitComponents()
	case SortInstance:
		s.instances = append(s.instances, e.inst)
		return s.limitInstances()
	}
	return nil
}
