package main

import (
	"fmt"

	"github.com/wbundle/wbundle/internal/component"
	"github.com/wbundle/wbundle/internal/wasm"
	"github.com/wbundle/wbundle/internal/wit"
)

// A component says the types of its imports, but those of its exports often
// only by what it exports: an instance of a nested component, which gets its
// types as arguments. So the world of a component is found by interpreting its
// definitions, for types only: nothing here knows of core modules.

// world interprets the definitions of one component, or the declarations of
// one component or instance type; its slices are the index spaces.
type world struct {
	parent     *world
	types      []worldType
	funcs      []*component.FuncType
	instances  []*worldInstance
	components []worldComponent
}

// worldType is an entry of the type index space; one of the first five is set.
type worldType struct {
	val  *component.ValType
	fn   *component.FuncType
	res  *component.Resource
	inst *component.InstanceDef
	comp *component.ComponentDef
	in   *world // where inst and comp were defined
}

// worldComponent is a component with the scope of its outer aliases; c is nil
// for an imported component.
type worldComponent struct {
	c  *component.Component
	in *world
}

// worldInstance is the named items of an instance, in order.
type worldInstance struct {
	names []string
	items map[string]worldItem
}

// worldItem is what a name stands for; sort tells which field counts.
type worldItem struct {
	sort component.Sort
	typ  worldType
	fn   *component.FuncType
	inst *worldInstance
	comp worldComponent
}

func (i *worldInstance) add(name string, it worldItem) {
	if i.items == nil {
		i.items = map[string]worldItem{}
	}
	if _, dup := i.items[name]; !dup {
		i.names = append(i.names, name)
	}
	i.items[name] = it
}

// badWorld is the panic of a component whose definitions do not fit together;
// inspect then shows names without types.
type badWorld struct{ msg string }

// componentWIT is the world of a component as WIT, "" when it cannot be told.
func componentWIT(c *component.Component) (text string) {
	defer catchBadWorld(&text)
	imports, exports := (&world{}).component(c, nil)
	return wit.WorldText(wit.World{Name: "component", Imports: worldSide(imports), Exports: worldSide(exports)})
}

// moduleWIT is the world in the component-type section of a core module, "" if
// there is none. The section holds a component with one exported component
// type, which exports the world as a component type.
func moduleWIT(m *wasm.Module) (text string) {
	defer catchBadWorld(&text)
	for _, cs := range m.Customs {
		if !isComponentType(cs.Name) {
			continue
		}
		c, err := component.Decode(m.Input, cs.Data)
		if err != nil {
			panic(badWorld{err.Error()})
		}
		_, exports := (&world{}).component(c, nil)
		for _, name := range exports.names {
			wrapper := exports.items[name].typ
			if wrapper.comp == nil {
				continue
			}
			_, worlds := (&world{parent: wrapper.in}).declare(wrapper.comp.Decls)
			for _, name := range worlds.names {
				if t := worlds.items[name].typ; t.comp != nil {
					imports, exports := (&world{parent: t.in}).declare(t.comp.Decls)
					return wit.WorldText(wit.World{Name: name, Imports: worldSide(imports), Exports: worldSide(exports)})
				}
			}
		}
	}
	return ""
}

// catchBadWorld turns a badWorld into no text.
func catchBadWorld(text *string) {
	switch r := recover().(type) {
	case nil:
	case badWorld:
		*text = ""
	default:
		panic(r)
	}
}

// worldSide turns the imports or exports into what the WIT printer takes.
func worldSide(i *worldInstance) wit.WorldSide {
	var side wit.WorldSide
	for _, name := range i.names {
		it := i.items[name]
		if it.sort == component.SortInstance && it.inst != nil {
			inner := worldSide(it.inst)
			side.Interfaces = append(side.Interfaces, wit.Interface{Name: name, Types: inner.Types, Funcs: inner.Funcs})
			continue
		}
		switch {
		case it.sort == component.SortFunc:
			side.Funcs = append(side.Funcs, wit.NamedFunc{Name: name, Type: it.fn})
		case it.sort == component.SortType && (it.typ.val != nil || it.typ.res != nil):
			side.Types = append(side.Types, wit.NamedType{Name: name, Type: it.typ.val, Resource: it.typ.res})
		}
	}
	return side
}

// at is a bounds-checked index.
func at[T any](space []T, i uint32) T {
	if int(i) >= len(space) {
		panic(badWorld{fmt.Sprintf("index %d of %d", i, len(space))})
	}
	return space[i]
}

// push appends an item to the index space of its sort.
func (w *world) push(it worldItem) {
	switch it.sort {
	case component.SortFunc:
		w.funcs = append(w.funcs, it.fn)
	case component.SortType:
		w.types = append(w.types, it.typ)
	case component.SortInstance:
		w.instances = append(w.instances, it.inst)
	case component.SortComponent:
		w.components = append(w.components, it.comp)
	}
}

// item is the item at an index.
func (w *world) item(sort component.Sort, i uint32) worldItem {
	it := worldItem{sort: sort}
	switch sort {
	case component.SortFunc:
		it.fn = at(w.funcs, i)
	case component.SortType:
		it.typ = at(w.types, i)
	case component.SortInstance:
		it.inst = at(w.instances, i)
	case component.SortComponent:
		it.comp = at(w.components, i)
	}
	return it
}

// component interprets a component; what args has not is made up from the
// types of the imports.
func (w *world) component(c *component.Component, args map[string]worldItem) (imports, exports *worldInstance) {
	imports, exports = &worldInstance{}, &worldInstance{}
	for _, def := range c.Defs {
		switch def := def.(type) {
		case *component.NestedComponent:
			w.push(worldItem{sort: component.SortComponent, comp: worldComponent{def.Component, w}})
		case *component.Instance:
			w.instances = append(w.instances, w.instance(def))
		case *component.Alias:
			w.alias(def)
		case *component.TypeDef:
			w.types = append(w.types, w.typeDef(def.Type))
		case *component.Canon:
			if def.Op == component.CanonLift {
				w.funcs = append(w.funcs, at(w.types, def.Type).fn)
			}
		case *component.Import:
			it, ok := args[def.Name.Text]
			if !ok {
				it = w.declared(def.Desc, def.Name.Text)
			}
			w.push(it)
			imports.add(def.Name.Text, it)
		case *component.Export:
			it := w.item(def.Sort, def.Index)
			if def.Desc != nil && def.Desc.Sort == component.SortFunc {
				it = w.declared(*def.Desc, def.Name.Text)
			}
			if it.typ.res != nil && it.typ.res.Name == "" {
				it.typ.res.Name = def.Name.Text
			}
			w.push(it)
			exports.add(def.Name.Text, it)
		}
	}
	return imports, exports
}

// declare interprets the declarations of a component or instance type.
func (w *world) declare(decls []component.Decl) (imports, exports *worldInstance) {
	imports, exports = &worldInstance{}, &worldInstance{}
	for _, d := range decls {
		switch d := d.(type) {
		case *component.TypeDef:
			w.types = append(w.types, w.typeDef(d.Type))
		case *component.Alias:
			w.alias(d)
		case *component.Import:
			it := w.declared(d.Desc, d.Name.Text)
			w.push(it)
			imports.add(d.Name.Text, it)
		case *component.ExportDecl:
			it := w.declared(d.Desc, d.Name.Text)
			w.push(it)
			exports.add(d.Name.Text, it)
		}
	}
	return imports, exports
}

// declared makes up an item from its description.
func (w *world) declared(d component.ExternDesc, name string) worldItem {
	it := worldItem{sort: d.Sort}
	switch d.Sort {
	case component.SortFunc:
		if it.fn = at(w.types, d.TypeIndex).fn; it.fn == nil {
			panic(badWorld{name + " has no function type"})
		}
	case component.SortInstance:
		t := at(w.types, d.TypeIndex)
		if t.inst == nil {
			panic(badWorld{name + " has no instance type"})
		}
		_, it.inst = (&world{parent: t.in}).declare(t.inst.Decls)
	case component.SortComponent:
		it.typ = at(w.types, d.TypeIndex) // moduleWIT looks for its declarations
	case component.SortType:
		if d.Bound == component.BoundSubResource {
			it.typ.res = &component.Resource{Name: name}
		} else {
			it.typ = at(w.types, d.TypeIndex)
		}
	}
	return it
}

// typeDef resolves a type definition.
func (w *world) typeDef(t component.Type) worldType {
	values := func(i uint32) (*component.ValType, error) {
		if v := at(w.types, i).val; v != nil {
			return v, nil
		}
		return nil, fmt.Errorf("type %d is not a value type", i)
	}
	resources := func(i uint32) (*component.Resource, error) {
		if r := at(w.types, i).res; r != nil {
			return r, nil
		}
		return nil, fmt.Errorf("type %d is not a resource", i)
	}
	var resolved worldType
	var err error
	switch t := t.(type) {
	case *component.ValDef:
		resolved.val, err = component.ResolveValDef(t, values, resources)
	case *component.FuncDef:
		resolved.fn, err = component.ResolveFunc(t, values)
	case *component.ComponentDef:
		resolved.comp, resolved.in = t, w
	case *component.InstanceDef:
		resolved.inst, resolved.in = t, w
	case *component.ResourceDef:
		resolved.res = &component.Resource{}
	}
	if err != nil {
		panic(badWorld{err.Error()})
	}
	return resolved
}

// alias pushes what an alias names; aliases of core items have no place here.
func (w *world) alias(a *component.Alias) {
	switch {
	case a.Sort.IsCore() || a.Kind == component.AliasCoreExport:
	case a.Kind == component.AliasExport:
		inst := at(w.instances, a.Instance)
		if inst == nil {
			panic(badWorld{"an alias of an instance without a type"})
		}
		it, ok := inst.items[a.Name]
		if !ok || it.sort != a.Sort {
			panic(badWorld{"an alias of " + a.Name + ", which is not there"})
		}
		w.push(it)
	default:
		outer := w
		for range a.Count {
			if outer = outer.parent; outer == nil {
				panic(badWorld{"an outer alias that leads out of the file"})
			}
		}
		w.push(outer.item(a.Sort, a.Index))
	}
}

// instance makes an instance: a bag of exports, or an instantiation.
func (w *world) instance(def *component.Instance) *worldInstance {
	if !def.Instantiate {
		bag := &worldInstance{}
		for _, e := range def.Exports {
			bag.add(e.Name.Text, w.item(e.Sort, e.Index))
		}
		return bag
	}
	comp := at(w.components, def.Component)
	if comp.c == nil {
		panic(badWorld{"an instance of an imported component"})
	}
	args := map[string]worldItem{}
	for _, a := range def.Args {
		args[a.Name] = w.item(a.Sort, a.Index)
	}
	_, exports := (&world{parent: comp.in}).component(comp.c, args)
	return exports
}
