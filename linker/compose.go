package linker

import (
	"cmp"
	"errors"
	"fmt"
	"sort"
	"strings"

	"github.com/wbundle/wbundle/graph"
	"github.com/wbundle/wbundle/internal/component"
	"github.com/wbundle/wbundle/internal/wasm"
)

// flatten composes the inputs and interprets their instantiation. The
// composition is one more outer component: its instances are the inputs,
// providers before importers, and its exports are the root's.
func flatten(inputs []Input, dec *decoded, opts *Options) (*flattener, error) {
	f := &flattener{
		p: graph.NewProgram(), opts: opts, inputs: inputs, dec: dec,
		modules: map[*wasm.Module]graph.ModuleID{}, hosts: map[string]*instance{}, hostFns: map[string]*item{},
		valHome:  map[*component.ValType]string{},
		answered: map[graph.FuncID]bool{},
		done:     map[int]*instance{}, cores: map[int]*coreInstance{},
	}
	ids := map[string]int{}
	for i, in := range inputs {
		if j, dup := ids[in.ID]; dup {
			return nil, fmt.Errorf("inputs %s and %s have the same id %q; give one another id", inputs[j].name(), in.name(), in.ID)
		}
		ids[in.ID] = i
		f.p.Inputs = append(f.p.Inputs, graph.Input{ID: in.ID, Path: in.name(), Component: dec.units[i].component != nil, Bytes: len(in.Bytes)})
	}
	w := &wiring{f: f, ids: ids}
	if err := w.resolve(); err != nil {
		return nil, err
	}
	w.unifyHost()
	root, err := w.root()
	if err != nil {
		return nil, err
	}
	f.p.Inputs[root].Root = true
	if err := w.instantiate(root); err != nil {
		return nil, err
	}
	for i := range inputs {
		if f.done[i] == nil && f.cores[i] == nil {
			f.warn = append(f.warn, fmt.Sprintf("input %q is not reachable from the root %q and was left out", inputs[i].ID, inputs[root].ID))
		}
	}
	f.p.Edges = f.edges
	if dec.units[root].component != nil {
		return f, f.worldExports(f.done[root])
	}
	return f, f.coreExports(f.cores[root])
}

// wire is where one import of an input comes from.
type wire struct {
	to     int // input index; -1: the host
	export string
}

// wiring decides, before anything is instantiated, which input satisfies
// which import.
type wiring struct {
	f     *flattener
	ids   map[string]int
	wires []map[string]wire // per input, by import name ("module" + "\x00" + "name" for core modules)
	// order has the inputs by id, so that their order on the command line has
	// no meaning.
	order []int
	// What the components export, in that order: by name, and by what semver
	// compatible names have in common. Every import looks here, and with a
	// thousand inputs none can afford to look at all exports.
	named  map[string][]offer
	tracks map[track][]offer
}

// offer is one export of an input.
type offer struct {
	input int
	name  string
	sort  component.Sort
	ver   component.ParsedName
}

// track is equal for names that component.SemverCompatible holds compatible.
type track struct {
	kind      component.NameKind
	id, track string
	versioned bool
}

func trackOf(n *component.ParsedName) track {
	return track{n.Kind, n.ID(), n.Track(), n.Version != ""}
}

// index fills in order, named and tracks.
func (w *wiring) index() {
	w.named, w.tracks = map[string][]offer{}, map[track][]offer{}
	for _, id := range w.inputIDs() {
		i := w.ids[id]
		w.order = append(w.order, i)
		c := w.f.dec.units[i].component
		if c == nil {
			continue
		}
		for _, e := range exportsOf(c) {
			o := offer{input: i, name: e.Name.Text, sort: e.Sort}
			parsed, err := component.ParseName(o.name)
			if err == nil {
				o.ver = parsed
				t := trackOf(&parsed)
				w.tracks[t] = append(w.tracks[t], o)
			}
			w.named[o.name] = append(w.named[o.name], o)
		}
	}
}

// coreKey is the key of a core import in wires.
func coreKey(module, name string) string { return module + "\x00" + name }

// exportsOf lists the component-level exports of an input.
func exportsOf(c *component.Component) []*component.Export {
	var out []*component.Export
	for _, def := range c.Defs {
		if e, ok := def.(*component.Export); ok {
			out = append(out, e)
		}
	}
	return out
}

// resolve finds a provider for every import of every input, or collects an
// error for each import that has none.
func (w *wiring) resolve() error {
	w.wires = make([]map[string]wire, len(w.f.inputs))
	var errs []error
	for id, rules := range w.f.opts.Connect {
		if _, ok := w.ids[id]; !ok && id != "*" {
			errs = append(errs, fmt.Errorf("connect: no input has the id %q; there are %s", id, nearest(id, w.inputIDs())))
		}
		for imp, p := range rules {
			if _, ok := w.ids[p.From]; !ok {
				errs = append(errs, fmt.Errorf("connect: %s: %q: no input has the id %q; there are %s", id, imp, p.From, nearest(p.From, w.inputIDs())))
			}
		}
	}
	if len(errs) > 0 {
		sort.Slice(errs, func(i, j int) bool { return errs[i].Error() < errs[j].Error() })
		return errors.Join(errs...)
	}
	w.index()
	for _, i := range w.order {
		w.wires[i] = map[string]wire{}
		u := &w.f.dec.units[i]
		used := map[string]bool{}
		if u.component != nil {
			for _, def := range u.component.Defs {
				imp, ok := def.(*component.Import)
				if !ok {
					continue
				}
				wr, err := w.provider(i, imp, used)
				if err != nil {
					errs = append(errs, &placed{input: w.f.inputs[i].name(), offset: imp.Offset(), err: err})
				}
				w.wires[i][imp.Name.Text] = wr
			}
		} else {
			for k := range u.module.Imports {
				imp := &u.module.Imports[k]
				wr, err := w.coreProvider(i, imp, used)
				if err != nil {
					errs = append(errs, &placed{input: w.f.inputs[i].name(), offset: int64(imp.Off), err: err})
				}
				w.wires[i][coreKey(imp.Module, imp.Name)] = wr
			}
		}
		for key := range w.f.opts.Connect[w.f.inputs[i].ID] {
			if !used[key] {
				errs = append(errs, fmt.Errorf("connect: input %q has no import %q; it has %s", w.f.inputs[i].ID, key, nearest(key, w.importsOf(i))))
			}
		}
	}
	return errors.Join(errs...)
}

func (w *wiring) inputIDs() []string {
	var out []string
	for id := range w.ids {
		out = append(out, id)
	}
	sort.Strings(out)
	return out
}

// importsOf lists import names as a connect rule would spell them.
func (w *wiring) importsOf(i int) []string {
	var out []string
	if c := w.f.dec.units[i].component; c != nil {
		for _, def := range c.Defs {
			if imp, ok := def.(*component.Import); ok {
				out = append(out, imp.Name.Text)
			}
		}
		return out
	}
	for _, imp := range w.f.dec.units[i].module.Imports {
		out = append(out, imp.Module+"."+imp.Name)
	}
	return out
}

// rule finds a connect rule for one of the given spellings of an import.
func (w *wiring) rule(i int, used map[string]bool, keys ...string) (Provider, bool) {
	for _, id := range []string{w.f.inputs[i].ID, "*"} {
		for _, k := range keys {
			if p, ok := w.f.opts.Connect[id][k]; ok && !(id == "*" && w.ids[p.From] == i) {
				used[k] = true
				return p, true
			}
		}
	}
	return Provider{}, false
}

// provider finds what satisfies a component's import: a connect rule, the
// exact interface name, then a semver-compatible one.
func (w *wiring) provider(i int, imp *component.Import, used map[string]bool) (wire, error) {
	host := wire{to: -1}
	name := imp.Name.Text
	parsed, perr := component.ParseName(name)
	keys := []string{name}
	if at := strings.LastIndexByte(name, '@'); at > 0 {
		keys = append(keys, name[:at])
	}
	if p, ok := w.rule(i, used, keys...); ok {
		to := w.ids[p.From]
		c := w.f.dec.units[to].component
		if c == nil {
			return host, fmt.Errorf("connect: %q is a core module; it cannot satisfy the component import %q", p.From, name)
		}
		want := p.Export
		if want == "" {
			want = name
		}
		e, err := w.pickExport(to, want)
		if err != nil {
			return host, err
		}
		return wire{to, e}, nil
	}
	if w.f.opts.NoAuto {
		return w.unresolved(i, name)
	}
	var pick []offer
	for _, o := range w.named[name] {
		if o.input != i && o.sort == imp.Desc.Sort {
			pick = append(pick, o)
		}
	}
	if len(pick) == 0 && perr == nil {
		pick = w.compatible(i, imp.Desc.Sort, &parsed)
	}
	switch len(pick) {
	case 0:
		if typesOnly(w.f.dec.units[i].component, imp) {
			return host, nil
		}
		return w.unresolved(i, name)
	case 1:
		return wire{pick[0].input, pick[0].name}, nil
	}
	var who []string
	for _, c := range pick {
		who = append(who, fmt.Sprintf("%q", w.f.inputs[c.input].ID))
	}
	return host, fmt.Errorf("import %q of %q is ambiguous: %s all export it; choose one with graph.connect or --connect %s:%s=ID",
		name, w.f.inputs[i].ID, strings.Join(who, " and "), w.f.inputs[i].ID, name)
}

// compatible lists the offers of the best version compatible with a name.
func (w *wiring) compatible(i int, sort component.Sort, want *component.ParsedName) []offer {
	var pick []offer
	for _, o := range w.tracks[trackOf(want)] {
		switch {
		case o.input == i || o.sort != sort:
		case len(pick) > 0 && o.name == pick[0].name:
			pick = append(pick, o)
		case len(pick) == 0 || component.Better(o.ver, pick[0].ver):
			pick = []offer{o}
		}
	}
	return pick
}

// typesOnly reports whether an import is an interface of value types alone.
// It asks nothing of anybody: a types-only interface is where others find the
// definition of a record they share.
func typesOnly(c *component.Component, imp *component.Import) bool {
	if imp.Desc.Sort != component.SortInstance {
		return false
	}
	var n uint32
	for _, def := range c.Defs {
		sort, ok := component.DefSort(def)
		if !ok || sort != component.SortType {
			continue
		}
		if n == imp.Desc.TypeIndex {
			td, ok := def.(*component.TypeDef)
			if !ok {
				return false
			}
			inst, ok := td.Type.(*component.InstanceDef)
			if !ok {
				return false
			}
			for _, d := range inst.Decls {
				if e, ok := d.(*component.ExportDecl); ok && (e.Desc.Sort != component.SortType || e.Desc.Bound != component.BoundEq) {
					return false
				}
			}
			return true
		}
		n++
	}
	return false
}

// pickExport finds an export of an input by name, or by a compatible version.
func (w *wiring) pickExport(to int, want string) (string, error) {
	var names []string
	best := ""
	var bestName component.ParsedName
	wantName, werr := component.ParseName(want)
	for _, e := range exportsOf(w.f.dec.units[to].component) {
		n := e.Name.Text
		if n == want {
			return n, nil
		}
		names = append(names, n)
		p, err := component.ParseName(n)
		if err != nil || werr != nil {
			continue
		}
		if component.SemverCompatible(p, wantName) && (best == "" || component.Better(p, bestName)) {
			best, bestName = n, p
		}
	}
	if best == "" {
		return "", fmt.Errorf("input %q has no export %q; it has %s", w.f.inputs[to].ID, want, nearest(want, names))
	}
	return best, nil
}

// isWASI says whether an import is of the system interface, which the host
// provides unless an input does.
func isWASI(name string) bool {
	return strings.HasPrefix(name, "wasi:") || name == "wasi_snapshot_preview1" || name == "wasi_unstable"
}

// unresolved applies the policy for an import that no input satisfies.
func (w *wiring) unresolved(i int, name string) (wire, error) {
	if isWASI(name) || w.f.opts.Unresolved == UnresolvedImport || w.f.opts.Unresolved == UnresolvedTrap {
		return wire{to: -1}, nil
	}
	msg := fmt.Sprintf("import %q of %q: no input exports it", name, w.f.inputs[i].ID)
	var names []string
	if !w.f.opts.NoAuto {
		for _, j := range w.order {
			if c := w.f.dec.units[j].component; c != nil && j != i {
				for _, e := range exportsOf(c) {
					names = append(names, e.Name.Text)
				}
			}
		}
	}
	if len(names) > 0 {
		msg += "; the inputs export " + nearest(name, names)
	}
	return wire{to: -1}, errors.New(msg)
}

// coreProvider finds what satisfies a core module's import: a connect rule
// ("module.name" or "module"), then the core module input whose id is the
// module name.
func (w *wiring) coreProvider(i int, imp *wasm.Import, used map[string]bool) (wire, error) {
	host := wire{to: -1}
	full := imp.Module + "." + imp.Name
	p, ok := w.rule(i, used, full, imp.Module)
	if !ok {
		if to, auto := w.ids[imp.Module]; auto && !w.f.opts.NoAuto && to != i && w.f.dec.units[to].module != nil {
			p, ok = Provider{From: imp.Module}, true
		}
	}
	if !ok {
		if isWASI(imp.Module) || w.f.opts.Unresolved == UnresolvedImport || w.f.opts.Unresolved == UnresolvedTrap {
			return host, nil
		}
		return host, fmt.Errorf("import %q %q of %q: no input is wired to it; name one with graph.connect (%q) or leave it to the host with graph.unresolved: import",
			imp.Module, imp.Name, w.f.inputs[i].ID, full)
	}
	to := w.ids[p.From]
	m := w.f.dec.units[to].module
	if m == nil {
		return host, fmt.Errorf("connect: %q is a component; it cannot satisfy the core import %q", p.From, full)
	}
	name := p.Export
	if name == "" {
		name = imp.Name
	}
	var names []string
	for _, e := range m.Exports {
		if e.Name == name {
			if e.Kind != imp.Kind {
				return host, fmt.Errorf("import %q is a %s, the export %q of %q is a %s", full, imp.Kind, name, p.From, e.Kind)
			}
			return wire{to, name}, nil
		}
		names = append(names, e.Name)
	}
	return host, fmt.Errorf("import %q %q of %q: input %q has no export %q; it has %s",
		imp.Module, imp.Name, w.f.inputs[i].ID, p.From, name, nearest(name, names))
}

// root is the input that was named, or the one nobody imports from.
func (w *wiring) root() (int, error) {
	if id := w.f.opts.Root; id != "" {
		i, ok := w.ids[id]
		if !ok {
			return 0, fmt.Errorf("root: no input has the id %q; there are %s", id, nearest(id, w.inputIDs()))
		}
		return i, nil
	}
	imported := map[int]bool{}
	for _, ws := range w.wires {
		for _, wr := range ws {
			if wr.to >= 0 {
				imported[wr.to] = true
			}
		}
	}
	var roots []string
	for _, i := range w.order {
		if !imported[i] {
			roots = append(roots, w.f.inputs[i].ID)
		}
	}
	switch len(roots) {
	case 0:
		return 0, fmt.Errorf("every input is imported by another: the imports form a cycle; name the root with graph.root or --root")
	case 1:
		return w.ids[roots[0]], nil
	}
	return 0, fmt.Errorf("no input imports from %s, so each could be the root; name one with graph.root or --root", strings.Join(roots, " or from "))
}

// instantiate brings an input to life after everything it imports from.
func (w *wiring) instantiate(i int) error {
	f := w.f
	if f.done[i] != nil || f.cores[i] != nil {
		return nil
	}
	for k, j := range f.busy {
		if j == i {
			var path []string
			for _, j := range append(append([]int(nil), f.busy[k:]...), i) {
				path = append(path, f.inputs[j].ID)
			}
			return fmt.Errorf("the inputs import each other in a cycle: %s", strings.Join(path, " -> "))
		}
	}
	f.busy = append(f.busy, i)
	defer func() { f.busy = f.busy[:len(f.busy)-1] }()
	u := &f.dec.units[i]
	if u.component == nil {
		return w.instantiateCore(i)
	}
	for _, def := range u.component.Defs {
		if imp, ok := def.(*component.Import); ok {
			if wr := w.wires[i][imp.Name.Text]; wr.to >= 0 {
				if err := w.instantiate(wr.to); err != nil {
					return err
				}
			}
		}
	}
	in, err := f.instantiate(&closure{def: u.component}, i, f.inputs[i].ID, 0, func(imp *component.Import, s *scope) (*item, error) {
		name := imp.Name.Text
		wr := w.wires[i][name]
		f.edges = append(f.edges, graph.Edge{From: i, To: wr.to, Import: name, Export: wr.export})
		if wr.to < 0 {
			return f.hostImport(s, imp)
		}
		it := f.done[wr.to].items[wr.export]
		f.hide(name, it)
		return f.match(s, imp, it, fmt.Sprintf("import %q: export %q of %q", name, wr.export, f.inputs[wr.to].ID))
	})
	f.done[i] = in
	return err
}

// unifyHost makes one version of the compatible versions of WASI that the
// inputs ask the host for: the highest. WASI's packages are released together,
// and a release contains what earlier ones of its track do; so a host that has
// one has the others, and handles of one can go where another's are expected.
//
//	a: (import "wasi:io/poll@0.2.6")   b: (import "wasi:io/streams@0.2.12")
//	bundle: (import "wasi:io/poll@0.2.12") (import "wasi:io/streams@0.2.12")
func (w *wiring) unifyHost() {
	f := w.f
	best := map[string]component.ParsedName{} // by track
	each := func(visit func(component.ParsedName)) {
		for _, i := range w.order {
			c := f.dec.units[i].component
			if c == nil {
				continue
			}
			for _, def := range c.Defs {
				imp, ok := def.(*component.Import)
				if !ok || !strings.HasPrefix(imp.Name.Text, "wasi:") || w.wires[i][imp.Name.Text].to >= 0 {
					continue
				}
				if n, err := component.ParseName(imp.Name.Text); err == nil && n.Kind == component.InterfaceName && n.Version != "" {
					visit(n)
				}
			}
		}
	}
	each(func(n component.ParsedName) {
		if b, ok := best[n.Track()]; !ok || component.Better(n, b) {
			best[n.Track()] = n
		}
	})
	f.unified = map[string]string{}
	each(func(n component.ParsedName) {
		if v := best[n.Track()].Version; v != n.Version {
			f.unified[n.Text] = n.Package + "/" + n.Interface + "@" + v
		}
	})
}

// hostImport makes, or finds again, what the host provides for an import.
func (f *flattener) hostImport(s *scope, imp *component.Import) (*item, error) {
	name := cmp.Or(f.unified[imp.Name.Text], imp.Name.Text)
	if imp.Desc.Sort == component.SortInstance {
		t, err := at(s.types, imp.Desc.TypeIndex, "type")
		if err != nil {
			return nil, err
		}
		if t.inst == nil {
			return nil, fmt.Errorf("type %d is not an instance type", imp.Desc.TypeIndex)
		}
		in := f.hosts[name]
		if in == nil {
			in = newInstance(name)
			f.hosts[name] = in
			if !f.traps(name, "") || typesOnly(s.source, imp) {
				f.p.WorldImports = append(f.p.WorldImports, graph.Extern{Name: name})
			}
		}
		// A second importer adds what the first did not ask for.
		if err := f.matchInstance(t, in, fmt.Sprintf("import %q", name), &host{iface: name}); err != nil {
			return nil, err
		}
		return &item{sort: component.SortInstance, inst: in}, nil
	}
	if it := f.hostFns[name]; it != nil {
		return f.match(s, imp, it, fmt.Sprintf("import %q", name))
	}
	it, err := f.hostItem(s, &imp.Desc, "", name)
	if err != nil {
		return nil, err
	}
	f.hostFns[name] = it
	if it.fn == nil || !it.fn.Host.Trap {
		f.p.WorldImports = append(f.p.WorldImports, extern(name, it))
	}
	return it, nil
}

// instantiateCore brings a core module input to life.
func (w *wiring) instantiateCore(i int) error {
	f := w.f
	m := f.dec.units[i].module
	for k := range m.Imports {
		if wr := w.wires[i][coreKey(m.Imports[k].Module, m.Imports[k].Name)]; wr.to >= 0 {
			if err := w.instantiate(wr.to); err != nil {
				return err
			}
		}
	}
	ci, err := f.instantiateModule(m, 0, i, f.inputs[i].ID, func(imp *wasm.Import) (coreExtern, error) {
		wr := w.wires[i][coreKey(imp.Module, imp.Name)]
		f.edges = append(f.edges, graph.Edge{From: i, To: wr.to, Import: imp.Module + "." + imp.Name, Export: wr.export})
		if wr.to >= 0 {
			return f.cores[wr.to].items[wr.export], nil
		}
		return f.coreHostImport(i, m, imp)
	})
	if err != nil {
		return fmt.Errorf("%s: %w", f.inputs[i].name(), err)
	}
	f.cores[i] = ci
	return nil
}

// coreHostImport adds a core import that the host has to satisfy.
func (f *flattener) coreHostImport(input int, m *wasm.Module, imp *wasm.Import) (coreExtern, error) {
	p := f.p
	gi := &graph.Import{Module: imp.Module, Name: imp.Name, Input: input}
	mid, err := f.moduleID(m)
	if err != nil {
		return coreExtern{}, err
	}
	types := p.Modules[mid].Types
	if f.traps(imp.Module, "") {
		if imp.Kind != wasm.ExternFunc {
			return coreExtern{}, fmt.Errorf("import %q %q is a %s: only functions can be left to trap", imp.Module, imp.Name, imp.Kind)
		}
		return coreExtern{imp.Kind, uint32(f.trapFunc(types[imp.TypeIndex], "unresolved "+imp.Module+"."+imp.Name))}, nil
	}
	switch imp.Kind {
	case wasm.ExternFunc:
		return coreExtern{imp.Kind, uint32(p.AddFunc(graph.Func{Kind: graph.FuncImport, Type: types[imp.TypeIndex], Import: gi}))}, nil
	case wasm.ExternTable:
		t := imp.Table
		t.Elem = p.MapVal(types, t.Elem)
		p.Tables = append(p.Tables, graph.Table{Type: t, Import: gi})
		return coreExtern{imp.Kind, uint32(len(p.Tables) - 1)}, nil
	case wasm.ExternMemory:
		return coreExtern{imp.Kind, uint32(p.AddMemory(graph.Memory{Type: imp.Memory, Import: gi, Name: f.inputs[input].ID}))}, nil
	case wasm.ExternGlobal:
		g := imp.Global
		g.Type = p.MapVal(types, g.Type)
		return coreExtern{imp.Kind, uint32(p.AddGlobal(graph.Global{Type: g, Import: gi}))}, nil
	case wasm.ExternTag:
		p.Tags = append(p.Tags, graph.Tag{Type: types[imp.TypeIndex], Import: gi})
		return coreExtern{imp.Kind, uint32(len(p.Tags) - 1)}, nil
	}
	return coreExtern{}, fmt.Errorf("unknown import kind %d", imp.Kind)
}
