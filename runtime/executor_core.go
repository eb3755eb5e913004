package runtime

import (
	"context"
	"fmt"
	"strings"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/wbundle/wbundle/internal/component"
	"github.com/wbundle/wbundle/internal/wasm"
)

// Core instances. wazero links a module by the names its imports are written
// with, one module per name; a component gives every import name any core
// instance, and a bag of exports gives the fields of one name from several
// instances. So each import is renamed before the module is compiled: import
// number i asks module "i" for the very name under which the module that has
// the item exports it, and a resolver that lives for that one instantiation
// says which module "i" is.

// coreModule is a core module; m is nil for one that only a type declares.
type coreModule struct {
	m     *wasm.Module
	bytes []byte
}

// coreItem is something that a core instance exports: the export name of
// mod, a wazero module.
type coreItem struct {
	mod  api.Module
	name string
	kind wasm.ExternKind
}

// coreExports are the exports of a core instance, by name.
type coreExports map[string]coreItem

type compiledKey struct {
	module *byte
	names  string
	max    uint64
}

func (x *executor) coreModule(d *component.CoreModule) *coreModule {
	key := &d.Bytes[0]
	if m, ok := x.decoded[key]; ok {
		return m
	}
	m, err := wasm.DecodeNoScan(x.p.name, d.Bytes)
	if err != nil {
		panic(&hostError{err})
	}
	if err := oneMemory(m); err != nil {
		panic(&hostError{err})
	}
	cm := &coreModule{m: m, bytes: d.Bytes}
	x.decoded[key] = cm
	return cm
}

// hostItem wraps a Go function as a core function in a wazero module of its own.
func (x *executor) hostItem(fn func(stack []uint64), params, results []byte) coreItem {
	const name = "f"
	ctx := x.store.ctx
	compiled, err := x.rt.NewHostModuleBuilder("host").NewFunctionBuilder().
		WithGoFunction(api.GoFunc(func(_ context.Context, stack []uint64) { fn(stack) }), params, results).
		Export(name).Compile(ctx)
	if err == nil {
		var mod api.Module
		if mod, err = x.rt.InstantiateModule(ctx, compiled, wazero.NewModuleConfig().WithName("")); err == nil {
			return coreItem{mod, name, wasm.ExternFunc}
		}
	}
	panic(&hostError{err})
}

func kindOf(s component.Sort) wasm.ExternKind {
	switch s {
	case component.SortCoreFunc:
		return wasm.ExternFunc
	case component.SortCoreTable:
		return wasm.ExternTable
	case component.SortCoreMemory:
		return wasm.ExternMemory
	case component.SortCoreGlobal:
		return wasm.ExternGlobal
	}
	return wasm.ExternTag
}

// coreAlias adds an export of a core instance to the index space of its sort.
func (in *instantiation) coreAlias(d *component.Alias) {
	exports := index(in.scope.coreInstances, d.Instance, component.SortCoreInstance)
	it, ok := exports[d.Name]
	if !ok || d.Sort > component.SortCoreTag || it.kind != kindOf(d.Sort) {
		invalidf("core instance %d has no %s %q", d.Instance, d.Sort, d.Name)
	}
	in.scope.coreItems[d.Sort] = append(in.scope.coreItems[d.Sort], it)
}

func (in *instantiation) coreInstance(d *component.CoreInstance) coreExports {
	if d.Instantiate {
		args := map[string]coreExports{}
		for _, a := range d.Args {
			args[a.Name] = index(in.scope.coreInstances, a.Instance, component.SortCoreInstance)
		}
		return in.x.instantiateCore(index(in.scope.coreModules, d.Module, component.SortCoreModule), args)
	}
	bag := coreExports{}
	for _, e := range d.Exports {
		if e.Sort > component.SortCoreTag {
			invalidf("a %s in a bag of core exports", e.Sort)
		}
		bag[e.Name] = index(in.scope.coreItems[e.Sort], e.Index, e.Sort)
	}
	return bag
}

// instantiateCore instantiates a core module with its imports taken from args.
func (x *executor) instantiateCore(cm *coreModule, args map[string]coreExports) coreExports {
	if cm.m == nil {
		unsupported("a core module given by the host")
	}
	ctx := x.store.ctx
	m := *cm.m
	m.Imports = append([]wasm.Import(nil), m.Imports...)
	mods := map[string]api.Module{}
	var names strings.Builder
	for i := range m.Imports {
		imp := &m.Imports[i]
		it, ok := args[imp.Module][imp.Name]
		if !ok {
			invalidf("core import %q %q is not given", imp.Module, imp.Name)
		}
		if it.kind != imp.Kind {
			invalidf("core import %q %q is given an item of another kind", imp.Module, imp.Name)
		}
		imp.Module, imp.Name = fmt.Sprint("#", i), it.name
		mods[imp.Module] = it.mod
		fmt.Fprintf(&names, "%d:%s", len(it.name), it.name)
	}
	if x.maxPages > 0 {
		m.Memories = append([]wasm.MemType(nil), m.Memories...)
		for i := range m.Memories {
			mem := &m.Memories[i]
			if !mem.HasMax || mem.Max > x.maxPages {
				mem.HasMax, mem.Max = true, max(mem.Min, x.maxPages)
			}
		}
	}
	key := compiledKey{&cm.bytes[0], names.String(), x.maxPages}
	compiled, ok := x.compiled[key]
	if !ok {
		var err error
		if compiled, err = x.rt.CompileModule(ctx, wasm.Encode(&m)); err != nil {
			panic(&hostError{fmt.Errorf("%s: core module: %w", x.p.name, err)})
		}
		x.compiled[key] = compiled
	}
	ctx = experimental.WithImportResolver(ctx, func(name string) api.Module { return mods[name] })
	mod, err := x.rt.InstantiateModule(ctx, compiled, wazero.NewModuleConfig().WithName("").WithStartFunctions())
	if err != nil {
		raise(ctx, err)
	}
	exports := coreExports{}
	for _, e := range m.Exports {
		exports[e.Name] = coreItem{mod, e.Name, e.Kind}
	}
	return exports
}
