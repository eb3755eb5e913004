package gen

import (
	"fmt"

	"github.com/wbundle/wbundle/internal/component"
	"github.com/wbundle/wbundle/internal/wasm"
)

// builder keeps count of the index spaces while definitions are appended.
type builder struct {
	c *component.Component
	// How many there are of each sort.
	n [component.NumSorts]uint32
}

// def appends a definition and returns its index in the space of sort.
func (b *builder) def(sort component.Sort, d component.Def) uint32 {
	b.c.Defs = append(b.c.Defs, d)
	b.n[sort]++
	return b.n[sort] - 1
}

func (b *builder) typ(t component.Type) uint32 {
	return b.def(component.SortType, &component.TypeDef{Type: t})
}

// core aliases an export of a core instance.
func (b *builder) core(sort component.Sort, instance uint32, name string) uint32 {
	return b.def(sort, &component.Alias{Sort: sort, Kind: component.AliasCoreExport, Instance: instance, Name: name})
}

func (b *builder) instantiate(module uint32, args ...component.CoreArg) uint32 {
	return b.def(component.SortCoreInstance, &component.CoreInstance{Instantiate: true, Module: module, Args: args})
}

func (b *builder) bag(exports ...component.CoreInlineExport) uint32 {
	return b.def(component.SortCoreInstance, &component.CoreInstance{Exports: exports})
}

func (b *builder) export(name string, sort component.Sort, index uint32, desc *component.ExternDesc) uint32 {
	return b.def(sort, &component.Export{Name: component.Name{Text: name}, Sort: sort, Index: index, Desc: desc})
}

func prim(k component.Kind) component.ValRef { return component.ValRef{Prim: k} }

func index(i uint32) component.ValRef { return component.ValRef{Index: i} }

// The types of the interface, given the index of what they refer to.
func itemType() *component.ValDef {
	return &component.ValDef{Kind: component.KindRecord, Fields: []component.FieldDef{
		{Name: "key", Type: prim(component.KindU32)}, {Name: "label", Type: prim(component.KindString)},
	}}
}

func listType(item uint32) *component.ValDef {
	elem := index(item)
	return &component.ValDef{Kind: component.KindList, Elem: &elem}
}

func foldType(list, item uint32) *component.FuncDef {
	result := index(item)
	return &component.FuncDef{Result: &result, Params: []component.FieldDef{
		{Name: "items", Type: index(list)}, {Name: "note", Type: prim(component.KindString)},
	}}
}

func checkType() *component.FuncDef {
	result := prim(component.KindU32)
	return &component.FuncDef{Result: &result}
}

// importType is the type of an imported interface: what is used of it.
func importType() *component.InstanceDef {
	eq := func(t uint32) component.ExternDesc {
		return component.ExternDesc{Sort: component.SortType, TypeIndex: t, Bound: component.BoundEq}
	}
	return &component.InstanceDef{Decls: []component.Decl{
		&component.TypeDef{Type: itemType()},
		&component.ExportDecl{Name: component.Name{Text: "item"}, Desc: eq(0)},
		&component.TypeDef{Type: listType(1)},
		&component.TypeDef{Type: foldType(2, 1)},
		&component.ExportDecl{Name: component.Name{Text: "fold"}, Desc: component.ExternDesc{Sort: component.SortFunc, TypeIndex: 3}},
	}}
}

// build makes component i, which imports the interfaces of the components in
// imports.
func build(i int, imports []int) *component.Component {
	b := &builder{c: &component.Component{}}
	var instances []uint32
	for _, j := range imports {
		t := b.typ(importType())
		instances = append(instances, b.def(component.SortInstance, &component.Import{
			Name: component.Name{Text: Interface(j)},
			Desc: component.ExternDesc{Sort: component.SortInstance, TypeIndex: t},
		}))
	}
	module := func(m *wasm.Module) uint32 {
		return b.def(component.SortCoreModule, &component.CoreModule{Bytes: wasm.Encode(m)})
	}
	main := module(mainModule(seed(i), len(imports)))

	// The lowered imports need the memory of the main module, which needs
	// them: it is given functions of the shim instead.
	var args []component.CoreArg
	var fixup, shimInstance uint32
	if len(imports) > 0 {
		shim := module(shimModule(len(imports)))
		fixup = module(fixupModule(len(imports)))
		shimInstance = b.instantiate(shim)
		for k := range imports {
			fn := b.core(component.SortCoreFunc, shimInstance, fmt.Sprint(k))
			bag := b.bag(component.CoreInlineExport{Name: "fold", Sort: component.SortCoreFunc, Index: fn})
			args = append(args, component.CoreArg{Name: importName(k), Instance: bag})
		}
	}
	instance := b.instantiate(main, args...)
	opts := component.CanonOpts{
		Encoding: component.UTF8, HasEncoding: true,
		HasMemory: true, Memory: b.core(component.SortCoreMemory, instance, "memory"),
		HasRealloc: true, Realloc: b.core(component.SortCoreFunc, instance, "cabi_realloc"),
	}
	if len(imports) > 0 {
		lower := opts // without post-return, which only a lift has
		exports := []component.CoreInlineExport{{
			Name: tableName, Sort: component.SortCoreTable, Index: b.core(component.SortCoreTable, shimInstance, tableName),
		}}
		for k, in := range instances {
			fn := b.def(component.SortFunc, &component.Alias{Sort: component.SortFunc, Kind: component.AliasExport, Instance: in, Name: "fold"})
			low := b.def(component.SortCoreFunc, &component.Canon{Op: component.CanonLower, Func: fn, Opts: &lower})
			exports = append(exports, component.CoreInlineExport{Name: fmt.Sprint(k), Sort: component.SortCoreFunc, Index: low})
		}
		b.instantiate(fixup, component.CoreArg{Name: "", Instance: b.bag(exports...)})
	}

	item := b.typ(itemType())
	list := b.typ(listType(item))
	foldT, checkT := b.typ(foldType(list, item)), b.typ(checkType())
	lift := func(name string, t uint32, opts component.CanonOpts) uint32 {
		fn := b.core(component.SortCoreFunc, instance, name)
		return b.def(component.SortFunc, &component.Canon{Op: component.CanonLift, Func: fn, Type: t, Opts: &opts})
	}
	check := lift("check", checkT, component.CanonOpts{})
	opts.HasPost, opts.PostReturn = true, b.core(component.SortCoreFunc, instance, "cabi_post_fold")
	fold := lift("fold", foldT, opts)

	// The types of an exported interface have names, which they get on their
	// way out of a component of their own.
	names := b.def(component.SortComponent, &component.NestedComponent{Component: namesComponent()})
	api := b.def(component.SortInstance, &component.Instance{Instantiate: true, Component: names, Args: []component.Arg{
		{Name: "import-item", Sort: component.SortType, Index: item},
		{Name: "import-fold", Sort: component.SortFunc, Index: fold},
		{Name: "import-check", Sort: component.SortFunc, Index: check},
	}})
	b.export(Interface(i), component.SortInstance, api, nil)
	return b.c
}

// namesComponent exports what it imports as the interface has it.
func namesComponent() *component.Component {
	b := &builder{c: &component.Component{}}
	imported := func(sort component.Sort, name string, t uint32) uint32 {
		return b.def(sort, &component.Import{
			Name: component.Name{Text: "import-" + name}, Desc: component.ExternDesc{Sort: sort, TypeIndex: t},
		})
	}
	types := func(item uint32) (fold, check uint32) {
		list := b.typ(listType(item))
		return b.typ(foldType(list, item)), b.typ(checkType())
	}
	item := imported(component.SortType, "item", b.typ(itemType()))
	foldT, checkT := types(item)
	fold := imported(component.SortFunc, "fold", foldT)
	check := imported(component.SortFunc, "check", checkT)
	foldT, checkT = types(b.export("item", component.SortType, item, nil))
	b.export("fold", component.SortFunc, fold, &component.ExternDesc{Sort: component.SortFunc, TypeIndex: foldT})
	b.export("check", component.SortFunc, check, &component.ExternDesc{Sort: component.SortFunc, TypeIndex: checkT})
	return b.c
}
