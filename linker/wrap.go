package linker

import (
	"fmt"
	"strings"

	"github.com/wbundle/wbundle/graph"
	"github.com/wbundle/wbundle/internal/component"
	"github.com/wbundle/wbundle/internal/wasm"
)

// wrapper builds the component around a core module: imports, lowers, the
// instance, lifts, exports.
//
// A lower that needs the module's memory can only be written once the module
// is instantiated, and the module can only be instantiated with its imports.
// The knot is cut as wit-component cuts it: a shim module offers functions
// that call through a table, and a fixup module fills the table afterwards.
type wrapper struct {
	f     *flattener
	l     *layout
	c     *component.Component
	world *worldTypes

	modules, coreInstances, coreFuncs, coreMemories uint32
	funcs, components                               uint32
	main                                            uint32 // core instance of the module
	memories                                        map[graph.MemoryID]uint32
	reallocs                                        map[graph.FuncID]uint32
	hostFuncs                                       map[string]uint32 // interface#name -> function index
	shimmed                                         []shimmed
	resources                                       map[*component.Resource]uint32
	exported                                        map[*wasm.Module]uint32 // core modules that the root exports
}

// shimmed is an import that goes through the shim's table.
type shimmed struct {
	typ   graph.TypeID
	lower *graph.Lower
	dtor  *graph.Resource
}

func (w *wrapper) def(d component.Def) { w.c.Defs = append(w.c.Defs, d) }

// wrap makes a component of the emitted module.
func (f *flattener) wrap(l *layout, module *wasm.Encoder) (*component.Component, error) {
	w := &wrapper{f: f, l: l, c: &component.Component{}, memories: map[graph.MemoryID]uint32{}, reallocs: map[graph.FuncID]uint32{},
		hostFuncs: map[string]uint32{}, resources: map[*component.Resource]uint32{}, exported: map[*wasm.Module]uint32{}}
	w.world = newWorldTypes(f.home, func(d component.Decl) { w.def(d.(component.Def)) })
	if err := w.world.imports(f.p); err != nil {
		return nil, err
	}
	for i := range f.p.WorldImports {
		if x := &f.p.WorldImports[i]; x.Func != nil {
			w.hostFuncs["#"+x.Name] = w.funcs
			w.funcs++
		}
	}
	w.def(&component.CoreModule{Made: module})
	w.modules++
	if err := w.instantiate(); err != nil {
		return nil, err
	}
	if err := w.exports(); err != nil {
		return nil, err
	}
	return w.c, nil
}

// coreAlias aliases a core export of an instance.
func (w *wrapper) coreAlias(sort component.Sort, instance uint32, name string) uint32 {
	w.def(&component.Alias{Sort: sort, Kind: component.AliasCoreExport, Instance: instance, Name: name})
	if sort == component.SortCoreMemory {
		w.coreMemories++
		return w.coreMemories - 1
	}
	w.coreFuncs++
	return w.coreFuncs - 1
}

// instantiate makes the core instance with everything it imports.
func (w *wrapper) instantiate() error {
	p := w.f.p
	imports := w.l.funcs[:w.l.imported[wasm.SpaceFunc]]
	// Which imports must go through the shim.
	slot := map[graph.FuncID]int{}
	for _, id := range imports {
		imp := p.Funcs[id].Import
		if imp.Lower != nil {
			mem, realloc := lowerNeeds(imp.Lower.Func.Type)
			if mem || realloc {
				slot[id] = len(w.shimmed)
				w.shimmed = append(w.shimmed, shimmed{typ: p.Funcs[id].Type, lower: imp.Lower})
			}
		}
	}
	// The root's own resources, which the host will own: their destructors are
	// functions of the module.
	dtors := map[*component.Resource]int{}
	for i := 1; i < len(p.Resources); i++ {
		r := &p.Resources[i]
		if r.Exported && r.Dtor != 0 {
			dtors[r.Type] = len(w.shimmed)
			w.shimmed = append(w.shimmed, shimmed{typ: p.Types.Func([]wasm.ValType{wasm.I32}, nil), dtor: r})
		}
	}
	initialize := false
	for _, e := range p.Exports {
		initialize = initialize || e.Name == initializeName
	}
	shim := uint32(0)
	if len(w.shimmed) > 0 || initialize {
		w.def(&component.CoreModule{Bytes: shimModule(w.f.p.Types, w.shimmed)})
		w.def(&component.CoreModule{Bytes: fixupModule(w.f.p.Types, w.shimmed, initialize)})
		w.modules += 2
		shim = w.coreInstances
		w.def(&component.CoreInstance{Instantiate: true, Module: 1})
		w.coreInstances++
	}
	for i := 1; i < len(p.Resources); i++ {
		r := &p.Resources[i]
		if !r.Exported {
			continue
		}
		def := &component.ResourceDef{Rep: wasm.I32}
		if k, ok := dtors[r.Type]; ok {
			def.HasDtor, def.Dtor = true, w.coreAlias(component.SortCoreFunc, shim, fmt.Sprint(k))
		}
		w.resources[r.Type] = w.world.scope.define(def)
		w.world.scope.res[r.Type] = w.resources[r.Type]
	}

	// One bag of exports per import module name.
	type bag struct {
		name    string
		exports []component.CoreInlineExport
	}
	var bags []*bag
	byName := map[string]*bag{}
	for _, id := range imports {
		imp := p.Funcs[id].Import
		var fn uint32
		var err error
		switch k, shimmed := slot[id]; {
		case shimmed:
			fn = w.coreAlias(component.SortCoreFunc, shim, fmt.Sprint(k))
		case imp.Lower != nil:
			fn, err = w.lower(imp.Lower)
		case imp.Resource != nil:
			fn, err = w.builtin(imp)
		default:
			err = fmt.Errorf("core import %q %q cannot stand in a component", imp.Module, imp.Name)
		}
		if err != nil {
			return err
		}
		b := byName[imp.Module]
		if b == nil {
			b = &bag{name: imp.Module}
			byName[imp.Module] = b
			bags = append(bags, b)
		}
		b.exports = append(b.exports, component.CoreInlineExport{Name: imp.Name, Sort: component.SortCoreFunc, Index: fn})
	}
	inst := &component.CoreInstance{Instantiate: true, Module: 0}
	for _, b := range bags {
		w.def(&component.CoreInstance{Exports: b.exports})
		inst.Args = append(inst.Args, component.CoreArg{Name: b.name, Instance: w.coreInstances})
		w.coreInstances++
	}
	w.def(inst)
	w.main = w.coreInstances
	w.coreInstances++
	for _, e := range p.Exports {
		switch {
		case e.Kind == wasm.ExternMemory:
			w.memories[graph.MemoryID(e.ID)] = w.coreAlias(component.SortCoreMemory, w.main, e.Name)
		case isRealloc(e.Name):
			w.reallocs[graph.FuncID(e.ID)] = w.coreAlias(component.SortCoreFunc, w.main, e.Name)
		}
	}
	if len(w.shimmed) == 0 && !initialize {
		return nil
	}
	// Fill the shim's table, and only then run what calls through it.
	w.def(&component.Alias{Sort: component.SortCoreTable, Kind: component.AliasCoreExport, Instance: shim, Name: "$imports"})
	fill := &component.CoreInstance{Exports: []component.CoreInlineExport{{Name: "$imports", Sort: component.SortCoreTable, Index: 0}}}
	for i, s := range w.shimmed {
		var fn uint32
		if s.dtor != nil {
			name := coreName(s.dtor.ExportIn, "[dtor]"+s.dtor.ExportAs)
			fn = w.coreAlias(component.SortCoreFunc, w.main, name)
		} else {
			var err error
			if fn, err = w.lower(s.lower); err != nil {
				return err
			}
		}
		fill.Exports = append(fill.Exports, component.CoreInlineExport{Name: fmt.Sprint(i), Sort: component.SortCoreFunc, Index: fn})
	}
	if initialize {
		fn := w.coreAlias(component.SortCoreFunc, w.main, initializeName)
		fill.Exports = append(fill.Exports, component.CoreInlineExport{Name: initializeName, Sort: component.SortCoreFunc, Index: fn})
	}
	w.def(fill)
	w.def(&component.CoreInstance{Instantiate: true, Module: 2, Args: []component.CoreArg{{Name: "", Instance: w.coreInstances}}})
	w.coreInstances += 2
	return nil
}

// isRealloc recognises the exports that exportHostFace named.
func isRealloc(name string) bool {
	const base = "cabi_realloc"
	return name == base || len(name) > len(base) && name[:len(base)+1] == base+"."
}

// options writes canonical options in terms of the wrapper's indices.
func (w *wrapper) options(o graph.Options, memory, realloc, strings bool) (component.CanonOpts, error) {
	var c component.CanonOpts
	if memory {
		idx, ok := w.memories[o.Memory]
		if !ok {
			return c, fmt.Errorf("memory of a lift or lower is not exported")
		}
		c.HasMemory, c.Memory = true, idx
	}
	if realloc {
		idx, ok := w.reallocs[o.Realloc]
		if !ok {
			return c, fmt.Errorf("realloc of a lift or lower is not exported")
		}
		c.HasRealloc, c.Realloc = true, idx
	}
	if strings {
		c.HasEncoding, c.Encoding = true, o.Encoding
	}
	return c, nil
}

// lower writes canon lower of a function of the host.
func (w *wrapper) lower(l *graph.Lower) (uint32, error) {
	fn, err := w.hostFunc(l.Func.Host)
	if err != nil {
		return 0, err
	}
	mem, realloc := lowerNeeds(l.Func.Type)
	opts, err := w.options(l.Opts, mem, realloc, mem)
	if err != nil {
		return 0, fmt.Errorf("import %q: %w", coreName(l.Func.Host.Interface, l.Func.Host.Name), err)
	}
	w.def(&component.Canon{Op: component.CanonLower, Func: fn, Opts: &opts})
	w.coreFuncs++
	return w.coreFuncs - 1, nil
}

// hostFunc returns the index of a function of the host: the world's own, or an
// alias of an interface's export, which may lie in an instance inside it.
func (w *wrapper) hostFunc(h *graph.HostFunc) (uint32, error) {
	key := h.Interface + "#" + h.Name
	if fn, ok := w.hostFuncs[key]; ok {
		return fn, nil
	}
	path := strings.Split(h.Interface, "#")
	inst, found := uint32(0), false
	for i := range w.f.p.WorldImports {
		x := &w.f.p.WorldImports[i]
		if x.Inst == nil {
			continue
		}
		if x.Name == path[0] {
			found = true
			break
		}
		inst++
	}
	if !found {
		return 0, fmt.Errorf("interface %q is not imported", h.Interface)
	}
	for _, name := range path[1:] {
		w.def(&component.Alias{Sort: component.SortInstance, Kind: component.AliasExport, Instance: inst, Name: name})
		inst = w.world.instances
		w.world.instances++
	}
	w.def(&component.Alias{Sort: component.SortFunc, Kind: component.AliasExport, Instance: inst, Name: h.Name})
	fn := w.funcs
	w.funcs++
	w.hostFuncs[key] = fn
	return fn, nil
}

// builtin writes a resource built-in of the host's table.
func (w *wrapper) builtin(imp *graph.Import) (uint32, error) {
	t, err := w.world.scope.resource(imp.Resource)
	if err != nil {
		return 0, err
	}
	w.def(&component.Canon{Op: imp.Op, Type: t})
	w.coreFuncs++
	return w.coreFuncs - 1, nil
}

// exports lifts and exports the world's exports.
func (w *wrapper) exports() error {
	for i := range w.f.p.WorldExports {
		x := &w.f.p.WorldExports[i]
		switch {
		case x.Func != nil:
			fn, err := w.lift("", x)
			if err != nil {
				return err
			}
			w.def(&component.Export{Name: component.Name{Text: x.Name}, Sort: component.SortFunc, Index: fn})
			w.funcs++
		case x.Module != nil:
			idx, ok := w.exported[x.Module]
			if !ok {
				idx = w.modules
				w.def(&component.CoreModule{Bytes: x.Module.Bytes})
				w.modules++
				w.exported[x.Module] = idx
			}
			w.def(&component.Export{Name: component.Name{Text: x.Name}, Sort: component.SortCoreModule, Index: idx})
			w.modules++
		case x.Inst != nil:
			if err := w.exportInterface(x); err != nil {
				return fmt.Errorf("export %q: %w", x.Name, err)
			}
		case x.Type != nil:
			var idx uint32
			var err error
			switch {
			case x.Type.Resource != nil:
				idx, err = w.world.scope.resource(x.Type.Resource)
			case x.Type.Def != nil:
				idx = w.world.scope.define(x.Type.Def)
			default:
				idx, err = w.typeIndex(x.Type.Val)
			}
			if err != nil {
				return fmt.Errorf("export %q: %w", x.Name, err)
			}
			w.def(&component.Export{Name: component.Name{Text: x.Name}, Sort: component.SortType, Index: idx})
			switch {
			case x.Type.Resource != nil:
				w.world.scope.res[x.Type.Resource] = w.world.scope.types
			case x.Type.Val != nil:
				w.world.scope.vals[x.Type.Val] = w.world.scope.types
			}
			w.world.scope.types++
		}
	}
	return nil
}

// exportInterface exports an instance. Its functions' types must be spelled in
// terms of the names that the instance itself exports, so the lifted functions
// go through a component that imports them and exports them again under those
// types, as wit-component does it.
func (w *wrapper) exportInterface(x *graph.Extern) error {
	idx, err := w.makeInterface(x.Name, x)
	if err != nil {
		return err
	}
	w.def(&component.Export{Name: component.Name{Text: x.Name}, Sort: component.SortInstance, Index: idx})
	w.world.own(x, w.world.instances)
	w.world.rename(x)
	w.world.instances++
	return nil
}

// makeInterface makes the instance at a path of the exports and returns its
// index. Instances inside it are made first, and handed in.
func (w *wrapper) makeInterface(path string, x *graph.Extern) (uint32, error) {
	nested := map[int]uint32{}
	for i := range x.Inst.Items {
		it := &x.Inst.Items[i]
		if it.Inst == nil {
			continue
		}
		var err error
		if nested[i], err = w.makeInterface(coreName(path, it.Name), it); err != nil {
			return 0, fmt.Errorf("%q: %w", it.Name, err)
		}
	}
	inner := &component.Component{}
	iw := newWorldTypes(w.f.home, func(d component.Decl) { inner.Defs = append(inner.Defs, d.(component.Def)) })
	inst := &component.Instance{Instantiate: true, Component: w.components}
	arg := func(name string, sort component.Sort, idx uint32) {
		inst.Args = append(inst.Args, component.Arg{Name: name, Sort: sort, Index: idx})
	}
	// What the interface's types and functions use from outside is imported
	// under invented names: first other interfaces' types and all resources.
	n := 0
	importType := func(key any) error {
		desc := component.ExternDesc{Sort: component.SortType, Bound: component.BoundSubResource}
		var outer uint32
		var err error
		switch key := key.(type) {
		case *component.Resource:
			if _, known := iw.scope.res[key]; known {
				return nil
			}
			outer, err = w.world.scope.resource(key)
		case *component.ValType:
			if _, known := iw.scope.vals[key]; known {
				return nil
			}
			var ok bool
			if outer, ok = w.world.scope.foreign(key); !ok {
				return nil
			}
			idx, err := iw.scope.defineVal(key)
			if err != nil {
				return err
			}
			desc.Bound, desc.TypeIndex = component.BoundEq, idx
		}
		if err != nil {
			return err
		}
		name := fmt.Sprintf("import-type-%d", n)
		n++
		inner.Defs = append(inner.Defs, &component.Import{Name: component.Name{Text: name}, Desc: desc})
		iw.scope.remember(key, iw.scope.types)
		iw.scope.types++
		arg(name, component.SortType, outer)
		return nil
	}
	var err error
	foreign := func(v *component.ValType) {
		postorder(v, func(key any) {
			_, resource := key.(*component.Resource)
			if _, owned := w.world.owner[key]; (owned || resource) && err == nil {
				err = importType(key)
			}
		})
	}
	for i := range x.Inst.Items {
		it := &x.Inst.Items[i]
		if it.Type != nil {
			foreign(it.Type.Val)
			if r := it.Type.Resource; r != nil && err == nil {
				err = importType(r)
			}
		}
		if it.Func != nil {
			for _, p := range it.Func.Type.Params {
				foreign(p.Type)
			}
			foreign(it.Func.Type.Result)
		}
	}
	if err != nil {
		return 0, err
	}
	// The interface's own named types, then the lifted functions. An import
	// may only mention types with a name, so those are imported too.
	outerNames := map[*component.ValType]uint32{}
	for i := range x.Inst.Items {
		it := &x.Inst.Items[i]
		if it.Type == nil || it.Type.Val == nil || it.Type.Val.Kind.IsPrimitive() {
			continue
		}
		v := it.Type.Val
		if _, known := iw.scope.vals[v]; known {
			continue
		}
		outer, err := w.typeIndex(v)
		if err != nil {
			return 0, err
		}
		outerNames[v] = outer
		idx, err := iw.scope.defineVal(v)
		if err != nil {
			return 0, err
		}
		name := fmt.Sprintf("import-type-%d", n)
		n++
		inner.Defs = append(inner.Defs, &component.Import{Name: component.Name{Text: name},
			Desc: component.ExternDesc{Sort: component.SortType, Bound: component.BoundEq, TypeIndex: idx}})
		iw.scope.vals[v] = iw.scope.types
		iw.scope.named = append(iw.scope.named, v)
		iw.scope.types++
		arg(name, component.SortType, outer)
	}
	funcs := map[int]uint32{}
	for i := range x.Inst.Items {
		it := &x.Inst.Items[i]
		if it.Func == nil {
			continue
		}
		lifted, err := w.lift(path, it)
		if err != nil {
			return 0, err
		}
		idx, err := iw.scope.funcDef(it.Func.Type)
		if err != nil {
			return 0, err
		}
		name := fmt.Sprintf("import-func-%d", len(funcs))
		inner.Defs = append(inner.Defs, &component.Import{Name: component.Name{Text: name},
			Desc: component.ExternDesc{Sort: component.SortFunc, TypeIndex: idx}})
		funcs[i] = uint32(len(funcs))
		arg(name, component.SortFunc, lifted)
	}
	instances := map[int]uint32{}
	for i := range x.Inst.Items {
		it := &x.Inst.Items[i]
		if it.Inst == nil {
			continue
		}
		def, err := iw.scope.instanceType(it)
		if err != nil {
			return 0, err
		}
		name := fmt.Sprintf("import-instance-%d", len(instances))
		inner.Defs = append(inner.Defs, &component.Import{Name: component.Name{Text: name},
			Desc: component.ExternDesc{Sort: component.SortInstance, TypeIndex: iw.scope.define(def)}})
		instances[i] = iw.instances
		iw.instances++
		arg(name, component.SortInstance, nested[i])
	}
	// The exports, each in terms of the exported types before it. Values named
	// here are defined anew, so that nothing refers to an import's name.
	for v := range outerNames {
		delete(iw.scope.vals, v)
	}
	iw.scope.named = nil
	iw.scope.forgetAnonymous()
	modules := uint32(0)
	for i := range x.Inst.Items {
		it := &x.Inst.Items[i]
		e := &component.Export{Name: component.Name{Text: it.Name}}
		switch {
		case it.Func != nil:
			idx, err := iw.scope.funcDef(it.Func.Type)
			if err != nil {
				return 0, err
			}
			e.Sort, e.Index = component.SortFunc, funcs[i]
			e.Desc = &component.ExternDesc{Sort: component.SortFunc, TypeIndex: idx}
			inner.Defs = append(inner.Defs, e)
		case it.Module != nil:
			// It needs nothing from outside, so it lies where it is exported.
			e.Sort, e.Index = component.SortCoreModule, modules
			inner.Defs = append(inner.Defs, &component.CoreModule{Bytes: it.Module.Bytes}, e)
			modules += 2
		case it.Inst != nil:
			e.Sort, e.Index = component.SortInstance, instances[i]
			inner.Defs = append(inner.Defs, e)
		case it.Type != nil && it.Type.Resource != nil:
			idx, err := iw.scope.resource(it.Type.Resource)
			if err != nil {
				return 0, err
			}
			e.Sort, e.Index = component.SortType, idx
			inner.Defs = append(inner.Defs, e)
			iw.scope.res[it.Type.Resource] = iw.scope.types
			iw.scope.types++
		case it.Type != nil && it.Type.Val != nil:
			v := it.Type.Val
			idx, ok := iw.scope.vals[v]
			if !ok {
				var err error
				if v.Kind.IsPrimitive() {
					idx = iw.scope.define(&component.ValDef{Kind: v.Kind})
				} else if idx, err = iw.scope.defineVal(v); err != nil {
					return 0, err
				}
			}
			e.Sort, e.Index = component.SortType, idx
			inner.Defs = append(inner.Defs, e)
			iw.scope.vals[v] = iw.scope.types
			iw.scope.named = append(iw.scope.named, v)
			iw.scope.types++
		}
	}
	w.def(&component.NestedComponent{Component: inner})
	w.components++
	w.def(inst)
	w.world.instances++
	return w.world.instances - 1, nil
}

// typeIndex is the index of a value type, which may be a primitive.
func (w *wrapper) typeIndex(v *component.ValType) (uint32, error) {
	if v.Kind.IsPrimitive() {
		return w.world.scope.define(&component.ValDef{Kind: v.Kind}), nil
	}
	s := w.world.scope
	idx, ok := s.vals[v]
	if !ok {
		idx, ok = s.foreign(v)
	}
	if !ok {
		var err error
		if idx, err = s.defineVal(v); err != nil {
			return 0, err
		}
		s.vals[v] = idx
	}
	s.named = append(s.named, v)
	return idx, nil
}

// lift writes canon lift of an exported function.
func (w *wrapper) lift(iface string, x *graph.Extern) (uint32, error) {
	if x.Func.Lift == nil {
		return w.hostFunc(x.Func.Host)
	}
	l := x.Func.Lift
	t, err := w.world.scope.funcDef(x.Func.Type)
	if err != nil {
		return 0, err
	}
	core := w.coreAlias(component.SortCoreFunc, w.main, coreName(iface, x.Name))
	mem, realloc := liftNeeds(l.Type)
	opts, err := w.options(l.Opts, mem, realloc, mem)
	if err != nil {
		return 0, fmt.Errorf("export %q: %w", coreName(iface, x.Name), err)
	}
	if l.Opts.PostReturn != 0 {
		opts.HasPost = true
		opts.PostReturn = w.coreAlias(component.SortCoreFunc, w.main, "cabi_post_"+coreName(iface, x.Name))
	}
	w.def(&component.Canon{Op: component.CanonLift, Func: core, Type: t, Opts: &opts})
	w.funcs++
	return w.funcs - 1, nil
}

// shimModule offers a function per slot that calls through the table $imports.
func shimModule(types *graph.TypeTable, slots []shimmed) []byte {
	m := &wasm.Module{Tables: []wasm.Table{{TableType: wasm.TableType{
		Elem: wasm.FuncRef, Limits: wasm.Limits{Min: uint64(len(slots)), Max: uint64(len(slots)), HasMax: true},
	}}}}
	for i, s := range slots {
		t := *types.At(s.typ)
		m.Types = append(m.Types, t)
		m.RecGroups = append(m.RecGroups, wasm.RecGroup{Start: uint32(i), Count: 1})
		m.Funcs = append(m.Funcs, uint32(i))
		body := []byte{0}
		for k := range t.Params {
			body = append(body, byte(wasm.OpLocalGet))
			body = wasm.AppendU32(body, uint32(k))
		}
		body = append(body, byte(wasm.OpI32Const))
		body = wasm.AppendS32(body, int32(i))
		body = append(body, byte(wasm.OpCallIndirect))
		body = wasm.AppendU32(body, uint32(i))
		body = append(body, 0, byte(wasm.OpEnd))
		m.Code = append(m.Code, wasm.Body{Bytes: body, Code: 1})
		m.Exports = append(m.Exports, wasm.Export{Name: fmt.Sprint(i), Kind: wasm.ExternFunc, Index: uint32(i)})
	}
	m.Exports = append(m.Exports, wasm.Export{Name: "$imports", Kind: wasm.ExternTable})
	return wasm.Encode(m)
}

// fixupModule fills the shim's table, then calls _initialize if there is one.
func fixupModule(types *graph.TypeTable, slots []shimmed, initialize bool) []byte {
	m := &wasm.Module{}
	elem := wasm.Elem{Mode: wasm.SegmentActive, Type: wasm.FuncRef,
		Offset: wasm.Expr{Bytes: []byte{byte(wasm.OpI32Const), 0, byte(wasm.OpEnd)}}}
	for i, s := range slots {
		m.Types = append(m.Types, *types.At(s.typ))
		m.RecGroups = append(m.RecGroups, wasm.RecGroup{Start: uint32(i), Count: 1})
		m.Imports = append(m.Imports, wasm.Import{Name: fmt.Sprint(i), Kind: wasm.ExternFunc, TypeIndex: uint32(i)})
		elem.Funcs = append(elem.Funcs, uint32(i))
	}
	n := uint64(len(slots))
	m.Imports = append(m.Imports, wasm.Import{Name: "$imports", Kind: wasm.ExternTable, Table: wasm.TableType{
		Elem: wasm.FuncRef, Limits: wasm.Limits{Min: n, Max: n, HasMax: true},
	}})
	m.NumImported[wasm.SpaceFunc] = uint32(n)
	m.NumImported[wasm.SpaceTable] = 1
	if initialize {
		m.Types = append(m.Types, wasm.SubType{Kind: wasm.CompFunc, Final: true, Short: true})
		m.RecGroups = append(m.RecGroups, wasm.RecGroup{Start: uint32(n), Count: 1})
		m.Imports = append(m.Imports, wasm.Import{Name: initializeName, Kind: wasm.ExternFunc, TypeIndex: uint32(n)})
		m.NumImported[wasm.SpaceFunc]++
		m.HasStart, m.Start = true, uint32(n)
	}
	m.Elems = []wasm.Elem{elem}
	return wasm.Encode(m)
}
