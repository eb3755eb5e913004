package linker

import (
	"fmt"
	"sort"
	"strings"

	"github.com/wbundle/wbundle/graph"
	"github.com/wbundle/wbundle/internal/component"
	"github.com/wbundle/wbundle/internal/wasm"
)

// extern turns an item into an import or export of the world.
func extern(name string, it *item) graph.Extern {
	x := graph.Extern{Name: name, Func: it.fn, Module: it.mod}
	switch {
	case it.typ != nil:
		x.Type = &graph.NamedType{Val: it.typ.val, Resource: it.typ.resource, Def: it.typ.def()}
	case it.inst != nil:
		x.Inst = &graph.ExternInstance{}
		for _, n := range it.inst.names {
			x.Inst.Items = append(x.Inst.Items, extern(n, it.inst.items[n]))
		}
	}
	return x
}

// writable refuses exports that the world of a bundle cannot express. Only a
// component has a place for a core module: at its root, or in an instance there.
func (o *Options) writable(name string, it *item, depth int) error {
	switch {
	case it.inst != nil:
		for _, n := range it.inst.names {
			if err := o.writable(name+"#"+n, it.inst.items[n], depth+1); err != nil {
				return err
			}
		}
	case it.mod != nil && o.Format != FormatComponent:
		return fmt.Errorf("export %q is a core module, which a core module cannot export; use --format component", name)
	case it.mod != nil && depth > 1:
		return fmt.Errorf("export %q is a core module in an instance inside an instance; only the root and its instances can export one", name)
	case it.comp != nil:
		return fmt.Errorf("export %q is a component; only functions, types, instances and core modules can be exported from a bundle", name)
	case it.typ == nil:
	case it.typ.def() != nil:
		what := "a component"
		if it.typ.inst != nil {
			what = "an instance"
		}
		switch {
		case o.Format != FormatComponent:
			return fmt.Errorf("export %q is the type of %s, which a core module cannot export; use --format component", name, what)
		case depth > 0:
			return fmt.Errorf("export %q is the type of %s in an instance; only the root can export one", name, what)
		case !closed(it.typ.def(), 0):
			return fmt.Errorf("export %q is the type of %s that refers to definitions outside it; only one that stands by itself can be exported from a bundle", name, what)
		}
	case it.typ.fn != nil:
		return fmt.Errorf("export %q is the type of a function; only value types and resources can be exported from a bundle", name)
	}
	return nil
}

// kept reports whether an export is to be kept: all are, unless the options
// name some. A name without version keeps any version.
func (o *Options) kept(name string) bool {
	if len(o.Keep) == 0 {
		return true
	}
	for _, k := range o.Keep {
		if k == name || strings.HasPrefix(name, k+"@") {
			return true
		}
	}
	return false
}

// checkKeep complains about kept or renamed exports that do not exist.
func (o *Options) checkKeep(names []string) error {
	for _, k := range o.Keep {
		found := false
		for _, n := range names {
			found = found || k == n || strings.HasPrefix(n, k+"@")
		}
		if !found {
			return fmt.Errorf("exports.keep: the root has no export %q; it has %s", k, nearest(k, names))
		}
	}
	var renames []string
	for from := range o.Rename {
		renames = append(renames, from)
	}
	sort.Strings(renames)
	for _, from := range renames {
		found := false
		for _, n := range names {
			found = found || from == n
		}
		if !found {
			return fmt.Errorf("exports.rename: the root has no export %q; it has %s", from, nearest(from, names))
		}
	}
	return nil
}

// coreExports makes the root core module's exports those of the output.
func (f *flattener) coreExports(ci *coreInstance) error {
	if f.opts.Format == FormatComponent {
		return fmt.Errorf("the root %q is a core module; only a component can become component output", ci.label)
	}
	if err := f.opts.checkKeep(ci.names); err != nil {
		return err
	}
	for _, n := range ci.names {
		if !f.opts.kept(n) {
			continue
		}
		e := ci.items[n]
		f.p.Exports = append(f.p.Exports, graph.Export{Name: f.opts.exportName(n), Kind: e.kind, ID: e.id})
		if e.kind == wasm.ExternMemory && f.hostMemory == 0 {
			f.hostMemory = graph.MemoryID(e.id)
		}
	}
	return uniqueExports(f.p.Exports)
}

// exportName applies a rename.
func (o *Options) exportName(n string) string {
	if to, ok := o.Rename[n]; ok {
		return to
	}
	return n
}

// uniqueExports refuses two exports of one name, which renames could make.
func uniqueExports(es []graph.Export) error {
	seen := map[string]bool{}
	for _, e := range es {
		if seen[e.Name] {
			return fmt.Errorf("two exports would be called %q", e.Name)
		}
		seen[e.Name] = true
	}
	return nil
}

// worldExports makes the root component's exports those of the bundle: the
// world's exports at component level, and core functions with the names that
// wit-component gives them.
func (f *flattener) worldExports(root *instance) error {
	if err := f.opts.checkKeep(root.names); err != nil {
		return err
	}
	if len(f.opts.Rename) > 0 {
		return fmt.Errorf("exports.rename: the root is a component; its exports are named by its world")
	}
	for i := range f.p.WorldImports {
		if x := &f.p.WorldImports[i]; f.hosts[x.Name] != nil {
			*x = extern(x.Name, &item{sort: component.SortInstance, inst: f.hosts[x.Name]})
		}
	}
	f.p.WorldImports = inDependencyOrder(f.p.WorldImports, f.home)
	for _, n := range root.names {
		if !f.opts.kept(n) {
			continue
		}
		it := root.items[n]
		if err := f.opts.writable(n, it, 0); err != nil {
			return fmt.Errorf("root %q: %w", root.label, err)
		}
		it = f.passThrough(it, f.rootComponent())
		x := extern(n, it)
		f.p.WorldExports = append(f.p.WorldExports, x)
		if err := f.exportFuncs("", n, it); err != nil {
			return err
		}
	}
	f.nameHiddenTypes()
	f.exportLifts()
	return uniqueExports(f.p.Exports)
}

// hiddenType is a value type that an interface between two components of the
// bundle names.
type hiddenType struct {
	iface string
	inst  *instance
}

// hide notes the types of an interface that one component hands to another.
func (f *flattener) hide(iface string, it *item) {
	if it.inst == nil {
		return
	}
	if f.hidden == nil {
		f.hidden = map[*component.ValType]hiddenType{}
	}
	for _, n := range it.inst.names {
		t := it.inst.items[n].typ
		if t != nil && t.val != nil && !t.val.Kind.IsPrimitive() {
			if _, known := f.hidden[t.val]; !known {
				f.hidden[t.val] = hiddenType{iface, it.inst}
			}
		}
	}
}

// nominal reports whether a type must have a name where a world uses it.
func nominal(v *component.ValType) bool {
	switch v.Kind {
	case component.KindRecord, component.KindVariant, component.KindEnum, component.KindFlags:
		return true
	}
	return false
}

// nameHiddenTypes gives a name to types that the world's functions use and
// that only an interface inside the bundle names: that interface is imported,
// its value types alone. Such an import asks nothing of the host, while
// leaving the type without a name would make the world invalid.
func (f *flattener) nameHiddenTypes() {
	named := map[any]bool{}
	var names func(x *graph.Extern)
	names = func(x *graph.Extern) {
		if x.Type != nil {
			named[x.Type.Val], named[x.Type.Resource] = true, true
		}
		if x.Inst != nil {
			for i := range x.Inst.Items {
				names(&x.Inst.Items[i])
			}
		}
	}
	for _, xs := range [][]graph.Extern{f.p.WorldImports, f.p.WorldExports} {
		for i := range xs {
			names(&xs[i])
		}
	}
	var add []graph.Extern
	use := func(v *component.ValType) {
		typeUses(v, func(key any) {
			t, ok := key.(*component.ValType)
			if !ok || named[key] || !nominal(t) {
				return
			}
			h, ok := f.hidden[t]
			if !ok {
				return // the interface itself may name an equal type; worldtype.go looks
			}
			for _, xs := range [][]graph.Extern{f.p.WorldImports, f.p.WorldExports, add} {
				for i := range xs {
					if xs[i].Name == h.iface {
						return
					}
				}
			}
			x := graph.Extern{Name: h.iface, Inst: &graph.ExternInstance{}}
			for _, n := range h.inst.names {
				if it := h.inst.items[n]; it.typ != nil && it.typ.val != nil && !it.typ.val.ContainsHandles() {
					x.Inst.Items = append(x.Inst.Items, extern(n, it))
					named[it.typ.val] = true
				}
			}
			add = append(add, x)
		})
	}
	var funcs func(x *graph.Extern)
	funcs = func(x *graph.Extern) {
		if x.Func != nil {
			for _, p := range x.Func.Type.Params {
				use(p.Type)
			}
			use(x.Func.Type.Result)
		}
		if x.Type != nil {
			use(x.Type.Val)
		}
		if x.Inst != nil {
			for i := range x.Inst.Items {
				funcs(&x.Inst.Items[i])
			}
		}
	}
	for i := range f.p.WorldExports {
		funcs(&f.p.WorldExports[i])
	}
	f.p.WorldImports = inDependencyOrder(append(add, f.p.WorldImports...), f.home)
}

// coreName is the core export name of a function (wit-component's legacy
// mangling, tool-conventions' BuildTargets).
func coreName(iface, name string) string {
	if iface == "" {
		return name
	}
	return iface + "#" + name
}

// exportFuncs adds the core exports of an exported item.
func (f *flattener) exportFuncs(iface, name string, it *item) error {
	switch it.sort {
	case component.SortInstance:
		for _, n := range it.inst.names {
			if err := f.exportFuncs(coreName(iface, name), n, it.inst.items[n]); err != nil {
				return err
			}
		}
	case component.SortFunc:
		if it.fn.Host != nil {
			if f.opts.Format == FormatComponent {
				return nil // the component exports what it imports
			}
			return fmt.Errorf("export %q is the host's function %q, whose values pass through memory, which no component of the bundle provides; "+
				"use --format component", coreName(iface, name), coreName(it.fn.Host.Interface, it.fn.Host.Name))
		}
		core := coreName(iface, name)
		f.p.Exports = append(f.p.Exports, graph.Export{Name: core, Kind: wasm.ExternFunc, ID: uint32(it.fn.Lift.Core)})
		if post := it.fn.Lift.Opts.PostReturn; post != 0 {
			f.p.Exports = append(f.p.Exports, graph.Export{Name: "cabi_post_" + core, Kind: wasm.ExternFunc, ID: uint32(post)})
		}
	case component.SortType:
		r := it.typ.resource
		if r == nil {
			return nil
		}
		res := &f.p.Resources[r.ID]
		if res.Component == 0 || res.Exported {
			return nil // the host's own, or exported under another name already
		}
		res.Exported, res.ExportIn, res.ExportAs = true, iface, name
		if res.Dtor != 0 {
			f.p.Exports = append(f.p.Exports, graph.Export{
				Name: coreName(iface, "[dtor]"+name), Kind: wasm.ExternFunc, ID: uint32(res.Dtor),
			})
		}
	}
	return nil
}

// home is the host interface that defines a type or resource, "" for types
// that are not the host's.
func (f *flattener) home(key any) string {
	switch key := key.(type) {
	case *component.Resource:
		if key != nil && f.p.Resources[key.ID].Component == 0 {
			return f.p.Resources[key.ID].Interface
		}
	case *component.ValType:
		return f.valHome[key]
	}
	return ""
}

// inDependencyOrder sorts imported interfaces so that each comes after those
// whose types it uses, keeping their order otherwise: a second importer may
// have added functions to an interface that mention types of a later one.
// home tells where a type was first defined.
func inDependencyOrder(xs []graph.Extern, home func(any) string) []graph.Extern {
	owner := map[any]int{}
	for i := range xs {
		if xs[i].Inst == nil {
			continue
		}
		for _, it := range xs[i].Inst.Items {
			if it.Type == nil {
				continue
			}
			var key any = it.Type.Resource
			if v := it.Type.Val; v != nil {
				if v.Kind.IsPrimitive() {
					continue // the same value everywhere, and nobody's
				}
				key = v
			}
			if h := home(key); h != "" && h != xs[i].Name {
				continue
			}
			if _, known := owner[key]; !known {
				owner[key] = i
			}
		}
	}
	var out []graph.Extern
	state := make([]bool, len(xs))
	var visit func(i int)
	visit = func(i int) {
		if state[i] {
			return
		}
		state[i] = true
		use := func(v *component.ValType) {
			typeUses(v, func(key any) {
				if j, ok := owner[key]; ok && j != i {
					visit(j)
				}
			})
		}
		uses := func(x *graph.Extern) {
			if x.Func != nil {
				for _, p := range x.Func.Type.Params {
					use(p.Type)
				}
				use(x.Func.Type.Result)
			}
			if x.Type != nil {
				use(x.Type.Val)
				if j, ok := owner[any(x.Type.Resource)]; ok && x.Type.Resource != nil && j != i {
					visit(j)
				}
			}
		}
		uses(&xs[i])
		if in := xs[i].Inst; in != nil {
			for k := range in.Items {
				uses(&in.Items[k])
			}
		}
		out = append(out, xs[i])
	}
	for i := range xs {
		visit(i)
	}
	return out
}

// typeUses visits every type and resource in v, v included and first.
func typeUses(v *component.ValType, visit func(any)) { walkType(v, visit, func(any) {}) }

// postorder visits every type and resource in v, each after what it uses.
func postorder(v *component.ValType, visit func(any)) { walkType(v, func(any) {}, visit) }

func walkType(v *component.ValType, before, after func(any)) {
	if v == nil {
		return
	}
	before(v)
	defer after(v)
	visit := func(key any) { before(key); after(key) }
	if v.Resource != nil {
		visit(v.Resource)
	}
	for _, fl := range v.Fields {
		walkType(fl.Type, before, after)
	}
	for _, c := range v.Cases {
		walkType(c.Type, before, after)
	}
	for _, e := range []*component.ValType{v.Elem, v.Key, v.Ok, v.Err} {
		walkType(e, before, after)
	}
}
