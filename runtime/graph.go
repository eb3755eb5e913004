package runtime

import (
	"context"
	"fmt"
	"strings"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"

	"github.com/wbundle/wbundle/internal/component"
	"github.com/wbundle/wbundle/internal/wasm"
)

// Graph is a composition that exists only as a plan: binaries, and which
// export of one satisfies which import of another. It runs as the outer
// component would that instantiates each with the exports of the others:
//
//	(component
//	  (component $lib …) (component $app …)
//	  (instance $lib (instantiate $lib))
//	  (instance $app (instantiate $app (with "acme:log/sink" (instance $lib "acme:log/sink"))))
//	  (export … (instance $app …)))
//
// but that component is never written: its imports would need types merged
// from those of all nodes, which is linking, and what checks a linker should
// have no part in that. The executor is handed the instances instead.
//
// All nodes are components, or all are core modules.
type Graph struct {
	Nodes []Node
	// Root is the node whose exports the graph has.
	Root string
	// Keep, when set, says which exports of the root there are.
	Keep func(name string) bool
	// Rename has new names for exports of a root that is a core module.
	Rename map[string]string
	// Traps, when set, says which imports that no node satisfies trap when
	// they are called, instead of being the host's. It is given the name of
	// the interface, or of the function.
	Traps func(name string) bool
}

// Node is one component or core module of a Graph.
type Node struct {
	ID    string
	Bytes []byte
	// Wires has what satisfies the imports, by the name of the import; that of
	// a core module is "module.name". The host satisfies the others.
	Wires map[string]Wire
	// MaxPages bounds what each memory of the node may grow to, in pages of
	// 64 KiB, as a window of a bundle bounds it; 0: no bound.
	MaxPages uint64
}

// Wire is an export of another node.
type Wire struct{ From, Export string }

// graphNode is a decoded Node.
type graphNode struct {
	Node
	component *component.Component
	module    *wasm.Module
}

// graphPlan is a Graph with its nodes decoded and in the order in which they
// are instantiated; the root is the last.
type graphPlan struct {
	Graph
	order []*graphNode
}

// CompileGraph decodes the nodes that the root needs.
func CompileGraph(_ context.Context, g Graph) (p *Program, err error) {
	defer catch(&err)
	plan := &graphPlan{Graph: g}
	nodes := map[string]*Node{}
	for i := range g.Nodes {
		nodes[g.Nodes[i].ID] = &g.Nodes[i]
	}
	const busy, done = 1, 2
	state := map[string]int{}
	// A node comes after what its imports are wired to, in the order of its
	// imports: the order of start functions that a composition tool writes.
	var visit func(id string) error
	visit = func(id string) error {
		n := nodes[id]
		switch {
		case n == nil:
			return fmt.Errorf("the graph has no node %q", id)
		case state[id] == busy:
			return fmt.Errorf("the imports of %q lead back to it", id)
		case state[id] == done:
			return nil
		}
		state[id] = busy
		d := &graphNode{Node: *n}
		var imports []string
		if component.IsComponent(n.Bytes) {
			if d.component, err = component.Decode(id, n.Bytes); err != nil {
				return err
			}
			for _, def := range d.component.Defs {
				if imp, ok := def.(*component.Import); ok {
					imports = append(imports, imp.Name.Text)
				}
			}
		} else {
			if d.module, err = wasm.DecodeNoScan(id, n.Bytes); err != nil {
				return err
			}
			for _, imp := range d.module.Imports {
				imports = append(imports, coreImportName(&imp))
			}
		}
		for _, name := range imports {
			if w, ok := n.Wires[name]; ok {
				if err := visit(w.From); err != nil {
					return err
				}
			}
		}
		state[id] = done
		plan.order = append(plan.order, d)
		return nil
	}
	if err := visit(g.Root); err != nil {
		return nil, err
	}
	if err := plan.check(); err != nil {
		return nil, err
	}
	return &Program{name: g.Root, graph: plan, cache: wazero.NewCompilationCache()}, nil
}

func coreImportName(imp *wasm.Import) string { return imp.Module + "." + imp.Name }

// check refuses graphs that the executor cannot run faithfully.
func (g *graphPlan) check() error {
	components, clocks := 0, 0
	for _, n := range g.order {
		if n.component != nil {
			components++
			continue
		}
		if err := oneMemory(n.module); err != nil {
			return err
		}
		for _, imp := range n.module.Imports {
			if imp.Module == preview1 {
				clocks++
				break
			}
		}
	}
	if components != 0 && components != len(g.order) {
		return fmt.Errorf("components and core modules in one graph: %w", ErrUnsupported)
	}
	if clocks > 1 {
		return fmt.Errorf("several core modules import %s, and unbundled each would have files and clocks of its own: %w", preview1, ErrUnsupported)
	}
	return nil
}

// openGraph instantiates the nodes of p.
func openGraph(ctx context.Context, rt wazero.Runtime, p *Program, cfg *Config) (engine, error) {
	g := p.graph
	if g.Traps != nil && cfg.fallback != nil {
		inner, own := cfg.fallback, *cfg
		own.fallback = func(name string) HostFunc {
			if iface, _, _ := strings.Cut(name, "#"); g.Traps(iface) {
				return nil
			}
			return inner(name)
		}
		cfg = &own
	}
	x := newExecutor(rt, p, cfg)
	// What instantiates the nodes is a component too, their common parent.
	x.outer = &compInst{}
	var err error
	if g.order[0].component != nil {
		err = x.store.enter(ctx, func(*frame) { x.components(g) })
	} else {
		err = x.store.enter(ctx, func(*frame) { x.coreModules(ctx, g) })
	}
	if err != nil {
		return nil, err
	}
	return x, nil
}

// components instantiates a graph of components.
func (x *executor) components(g *graphPlan) {
	made := map[string]*instance{}
	for _, n := range g.order {
		args := map[string]item{}
		for name, w := range n.Wires {
			it, ok := made[w.From].exports[w.Export]
			if !ok {
				invalidf("%q has no export %q", w.From, w.Export)
			}
			args[name] = it
		}
		x.maxPages = n.MaxPages
		made[n.ID] = x.instantiate(&closure{c: n.component}, args, x.outer)
	}
	root, kept := made[g.Root], newInstance()
	for _, name := range root.names {
		if g.Keep == nil || g.Keep(name) {
			kept.add(name, root.exports[name])
		}
	}
	x.export("", kept)
}

// coreModules instantiates a graph of core modules.
func (x *executor) coreModules(ctx context.Context, g *graphPlan) {
	made := map[string]coreExports{}
	for _, n := range g.order {
		args := map[string]coreExports{}
		for i := range n.module.Imports {
			imp := &n.module.Imports[i]
			if args[imp.Module] == nil {
				args[imp.Module] = coreExports{}
			}
			if w, ok := n.Wires[coreImportName(imp)]; ok {
				it, ok := made[w.From][w.Export]
				if !ok {
					invalidf("%q has no export %q", w.From, w.Export)
				}
				args[imp.Module][imp.Name] = it
				continue
			}
			args[imp.Module][imp.Name] = x.coreHost(ctx, n.module, imp)
		}
		x.maxPages = n.MaxPages
		made[n.ID] = x.instantiateCore(&coreModule{m: n.module, bytes: n.Bytes}, args)
		if init, ok := made[n.ID][initializeNames[0]]; ok && n.ID == g.Root {
			newCoreFunc(init.mod, init.name).call(ctx)
		}
	}
	for name, it := range made[g.Root] {
		if it.kind != wasm.ExternFunc || g.Keep != nil && !g.Keep(name) {
			continue
		}
		if to, ok := g.Rename[name]; ok {
			name = to
		}
		if fn := plainFunction(x.store, name, it.mod.ExportedFunctionDefinitions()[it.name], it.mod); fn != nil {
			x.funcs[name] = fn
		}
	}
}

// coreHost makes what the host gives to a core module.
func (x *executor) coreHost(ctx context.Context, m *wasm.Module, imp *wasm.Import) coreItem {
	if imp.Kind != wasm.ExternFunc {
		panic(&hostError{fmt.Errorf("%s: the import %s is a %s, and the host has functions alone: %w", m.Input, coreImportName(imp), imp.Kind, ErrUnsupported)})
	}
	if imp.Module == preview1 {
		if x.rt.Module(preview1) == nil {
			if _, err := wasi_snapshot_preview1.Instantiate(ctx, x.rt); err != nil {
				panic(&hostError{err})
			}
		}
		return coreItem{x.rt.Module(preview1), imp.Name, wasm.ExternFunc}
	}
	t := m.Types[imp.TypeIndex]
	return x.hostItem(plainImport(x.store, x.outer, imp, &t), wazeroTypes(t.Params), wazeroTypes(t.Results))
}
