package linker

import (
	"fmt"
	"slices"

	"github.com/wbundle/wbundle/graph"
	"github.com/wbundle/wbundle/internal/adapter"
	"github.com/wbundle/wbundle/internal/component"
	"github.com/wbundle/wbundle/internal/wasm"
	"github.com/wbundle/wbundle/shake"
)

// The host's face: the memories and reallocs that the host reads, writes and
// allocates through. Component output names them for each lift and lower. A core
// module has one memory for the host, one cabi_realloc and one encoding of
// strings; what differs from that is staged (internal/adapter/staging.go).

// hostFace is the host's face of a bundle.
type hostFace struct {
	calls    []hostCall
	memories []hostMemory
	reallocs []hostRealloc
	// encoding is that of the strings that cross.
	encoding component.Encoding
	staging  adapter.Staging
	// direct is a memory whose addresses core code itself passes to the host.
	direct hostMemory
}

// hostCall is a function that the bundle exports to the host, a lift, or
// imports from it. who is its name for messages.
type hostCall struct {
	typ       *component.FuncType
	opts      graph.Options
	component graph.ComponentID
	lift      bool
	who       string
}

type hostMemory struct {
	id  graph.MemoryID
	who string
}

type hostRealloc struct {
	id     graph.FuncID
	memory graph.MemoryID // that it allocates from
	// component is the one whose calls it serves.
	component graph.ComponentID
}

// needs tells which options calls of a function use.
func (c *hostCall) needs() (memory, realloc bool) {
	if c.lift {
		return liftNeeds(c.typ)
	}
	return lowerNeeds(c.typ)
}

// add notes what a call needs.
func (h *hostFace) add(c hostCall) {
	h.calls = append(h.calls, c)
	memory, realloc := c.needs()
	if memory {
		h.addMemory(c.opts.Memory, c.who)
	}
	if realloc {
		h.addRealloc(c)
	}
}

func (h *hostFace) addMemory(id graph.MemoryID, who string) {
	known := func(m hostMemory) bool { return m.id == id }
	if id != 0 && !slices.ContainsFunc(h.memories, known) {
		h.memories = append(h.memories, hostMemory{id, who})
	}
}

func (h *hostFace) addRealloc(c hostCall) {
	known := func(r hostRealloc) bool { return r.id == c.opts.Realloc && r.memory == c.opts.Memory }
	if c.opts.Realloc != 0 && !slices.ContainsFunc(h.reallocs, known) {
		h.reallocs = append(h.reallocs, hostRealloc{c.opts.Realloc, c.opts.Memory, c.component})
	}
}

// liftNeeds tells which options calls of an exported function use.
func liftNeeds(t *component.FuncType) (memory, realloc bool) {
	_, _, spilled, ret := component.FlattenFunc(t, component.Lift)
	memory, realloc = spilled || ret, spilled
	for _, p := range t.Params {
		if p.Type.ContainsPointers() {
			memory, realloc = true, true
		}
	}
	if t.Result != nil && t.Result.ContainsPointers() {
		memory = true
	}
	return memory, realloc
}

// lowerNeeds tells which options calls of an imported function use.
func lowerNeeds(t *component.FuncType) (memory, realloc bool) {
	_, _, spilled, ret := component.FlattenFunc(t, component.Lower)
	memory = spilled || ret
	for _, p := range t.Params {
		memory = memory || p.Type.ContainsPointers()
	}
	if t.Result != nil && t.Result.ContainsPointers() {
		memory, realloc = true, true
	}
	return memory, realloc
}

// exportLifts exports the memory and realloc of the exported functions, which
// are known before anything is marked.
func (f *flattener) exportLifts() {
	h := &f.host
	var lifts func(x *graph.Extern, iface string)
	lifts = func(x *graph.Extern, iface string) {
		if x.Inst != nil {
			for i := range x.Inst.Items {
				lifts(&x.Inst.Items[i], coreName(iface, x.Name))
			}
		}
		if x.Func != nil && x.Func.Lift != nil {
			l := x.Func.Lift
			h.add(hostCall{l.Type, l.Opts, l.Component, true, fmt.Sprintf("export %q", coreName(iface, x.Name))})
		}
	}
	for i := range f.p.WorldExports {
		lifts(&f.p.WorldExports[i], "")
	}
	f.exportFace(0, 0, true)
}

// exportHostFace adds the memory and realloc of the imports that are still
// called, and refuses what the output cannot express.
func (f *flattener) exportHostFace(live *shake.Live) error {
	h := &f.host
	memories, reallocs := len(h.memories), len(h.reallocs)
	for id := 1; id < len(f.p.Funcs); id++ {
		if fn := &f.p.Funcs[id]; fn.Kind == graph.FuncImport && fn.Import.Lower != nil && live.Func(graph.FuncID(id)) {
			l := fn.Import.Lower
			who := fmt.Sprintf("import %q of %s", coreName(fn.Import.Module, fn.Import.Name), f.p.Components[l.Component].Name)
			h.add(hostCall{l.Func.Type, l.Opts, l.Component, false, who})
		} else if fn.Kind == graph.FuncImport && fn.Import.Caller != 0 && live.Func(graph.FuncID(id)) {
			if inst := f.p.Instances[fn.Import.Caller]; len(inst.Memories) > 0 {
				who := fmt.Sprintf("import %q of %s", coreName(fn.Import.Module, fn.Import.Name), inst.Name)
				h.addMemory(inst.Memories[0], who)
				if h.direct.id == 0 {
					h.direct = hostMemory{inst.Memories[0], who}
				}
			}
		}
	}
	f.exportFace(memories, reallocs, false)
	if f.opts.Format != FormatComponent {
		if err := f.stage(reallocs); err != nil {
			return err
		}
	}
	if len(h.memories) > 0 && !h.staging.All {
		f.hostMemory = h.memories[0].id
	}
	return uniqueExports(f.p.Exports)
}

// exportFace exports the host's memories and reallocs from the given ones on.
// A core module exports the first memory, of which all others are parts in
// single output, and one realloc: the adapters see to it that those are enough.
// The other reallocs of its lifts are exported until stage takes them back,
// because the adapters will call them.
func (f *flattener) exportFace(memory, realloc int, lifts bool) {
	isComponent := f.opts.Format == FormatComponent
	for i, m := range f.host.memories[memory:] {
		if memory+i == 0 || isComponent && f.opts.memory() == MemoryMulti {
			f.p.Exports = append(f.p.Exports, graph.Export{Name: numbered("memory", memory+i), Kind: wasm.ExternMemory, ID: uint32(m.id)})
		}
	}
	for i, r := range f.host.reallocs[realloc:] {
		if realloc+i == 0 || isComponent || lifts {
			f.p.Exports = append(f.p.Exports, graph.Export{Name: numbered("cabi_realloc", realloc+i), Kind: wasm.ExternFunc, ID: uint32(r.id)})
		}
	}
}

// stage decides what the host of a core module is told, and what has to be
// staged for that. The host asks for memory for parameters before it says which
// function it will call: if the exports have more than one realloc, none of them
// can be cabi_realloc. Where strings are encoded in different ways the host's
// are UTF-8, which every host can do. Of several memories that stay apart the
// host sees one, which is the staging memory then. lifts is how many reallocs the
// exports have.
func (f *flattener) stage(lifts int) error {
	h := &f.host
	s := &h.staging
	strings, differ := false, false
	for _, c := range h.calls {
		if !c.typ.ContainsStrings() {
			continue
		}
		if !strings {
			h.encoding, strings = c.opts.Encoding, true
		}
		differ = differ || c.opts.Encoding != h.encoding
	}
	if differ {
		h.encoding = component.UTF8
	}
	multi := f.opts.memory() == MemoryMulti
	if lifts < 2 && !differ && (!multi || len(h.memories) < 2) {
		return nil
	}
	s.All = multi
	if s.All && h.direct.id != 0 {
		return h.apart()
	}
	s.Memory = f.p.AddMemory(graph.Memory{
		Type: wasm.MemType{Limits: wasm.Limits{Min: 1, Max: maxPages, HasMax: true}}, Name: "staging",
	})
	f.p.StagingMemory = s.Memory
	s.Params = lifts > 1
	host := adapter.Host{Encoding: h.encoding, Staging: *s}
	for _, c := range h.calls {
		if _, realloc := c.needs(); realloc && host.Stages(c.typ, c.opts.Encoding, c.lift) {
			s.Params, s.Results = s.Params || c.lift, s.Results || !c.lift
		}
	}
	// What is left to allocate through is what is not staged.
	host.Staging = *s
	h.reallocs = nil
	for _, c := range h.calls {
		if _, realloc := c.needs(); realloc && !host.Stages(c.typ, c.opts.Encoding, c.lift) {
			h.addRealloc(c)
		}
	}
	f.p.Exports = slices.DeleteFunc(f.p.Exports, func(e graph.Export) bool {
		for i := 1; i < lifts; i++ {
			if e.Kind == wasm.ExternFunc && e.Name == numbered("cabi_realloc", i) {
				return true
			}
		}
		return false
	})
	if s.All {
		f.hostMemory = s.Memory
		for i := range f.p.Exports {
			if e := &f.p.Exports[i]; e.Kind == wasm.ExternMemory {
				e.ID = uint32(s.Memory)
			}
		}
	}
	return nil
}

// apart is the error for addresses of a memory that core code itself passes to
// the host, which sees another.
func (h *hostFace) apart() error {
	other := h.calls[0].who
	for _, m := range h.memories {
		if m.id != h.direct.id {
			other = m.who
			break
		}
	}
	return fmt.Errorf("%s and %s pass pointers of different components to the host, which a core module with one memory for the host cannot; "+
		"use --memory single or --format component", h.direct.who, other)
}

// hostOptions tells the adapters what the host reads and writes through.
func (f *flattener) hostOptions() adapter.Host {
	h := adapter.Host{Memory: f.hostMemory, OneRealloc: f.opts.Format != FormatComponent, Check: f.checksHost(),
		Encoding: f.host.encoding, Staging: f.host.staging}
	for _, r := range f.host.reallocs {
		h.Reallocs = append(h.Reallocs, adapter.HostRealloc{Func: r.id, Memory: r.memory, Component: r.component})
	}
	return h
}

// checksHost reports whether pointers that a component gives to the host are
// checked to be its own. Those of the host's memory need no other treatment.
func (f *flattener) checksHost() bool {
	return f.opts.isolation() != IsolationNone && f.mayShare()
}

// numbered names the second and later host-facing memories and reallocs,
// which only component output has.
func numbered(name string, i int) string {
	if i == 0 {
		return name
	}
	return fmt.Sprintf("%s.%d", name, i)
}

// checkCoreHost looks at what core module inputs ask of the host. A pointer in
// such a call is relative to the caller's memory, but the host reads the one
// that the bundle exports, and no types tell which numbers are pointers: a
// preview1 call through another memory is refused, any other is pointed out.
func (f *flattener) checkCoreHost(live *shake.Live) error {
	if live.Count(wasm.SpaceMemory) < 2 {
		return nil
	}
	for id := graph.FuncID(1); int(id) < len(f.p.Funcs); id++ {
		fn := &f.p.Funcs[id]
		if fn.Kind != graph.FuncImport || fn.Import.Lower != nil || fn.Import.Resource != nil || !live.Func(id) {
			continue
		}
		mem := f.memoryOf(fn.Import)
		if mem == 0 || mem == f.hostMemory || len(f.p.Types.At(fn.Type).Params) == 0 {
			continue
		}
		who := fmt.Sprintf("%q calls the host's %s.%s with numbers that may be pointers into its own memory", f.inputs[fn.Import.Input].ID, fn.Import.Module, fn.Import.Name)
		if f.translated(fn.Import) {
			continue
		}
		if isWASI(fn.Import.Module) {
			return fmt.Errorf("%s, but the host sees the root's; that is not supported yet", who)
		}
		f.warn = append(f.warn, who+"; the host sees the root's")
	}
	return nil
}

// translated reports whether the adapters translate the addresses in a core
// import's calls.
func (f *flattener) translated(imp *graph.Import) bool {
	return f.opts.memory() == MemorySingle && f.hostMemory != 0 && imp.Module == adapter.Preview1Module
}

// preview1Imports lists the core imports of preview1 whose callers' memory is
// not the host's, or is checked.
func (f *flattener) preview1Imports(live *shake.Live) []adapter.CoreImport {
	var out []adapter.CoreImport
	for id := graph.FuncID(1); int(id) < len(f.p.Funcs); id++ {
		fn := &f.p.Funcs[id]
		if fn.Kind != graph.FuncImport || fn.Import.Lower != nil || fn.Import.Resource != nil || !live.Func(id) || !f.translated(fn.Import) {
			continue
		}
		if mem := f.memoryOf(fn.Import); mem != 0 && (mem != f.hostMemory || f.checksHost()) {
			out = append(out, adapter.CoreImport{Func: id, Memory: mem})
		}
	}
	return out
}

// memoryOf is the memory that the pointers of a core import are about: the
// caller's, or the first of the core module input; 0 without one.
func (f *flattener) memoryOf(imp *graph.Import) graph.MemoryID {
	for _, inst := range f.p.Instances[1:] {
		if (imp.Caller == inst.ID || imp.Caller == 0 && inst.Input == imp.Input) && len(inst.Memories) > 0 {
			return inst.Memories[0]
		}
	}
	return 0
}
