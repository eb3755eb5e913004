package linker

import (
	"fmt"
	"slices"
	"strings"

	"github.com/wbundle/wbundle/graph"
	"github.com/wbundle/wbundle/internal/component"
	"github.com/wbundle/wbundle/internal/ir"
	"github.com/wbundle/wbundle/internal/wasm"
	"github.com/wbundle/wbundle/shake"
)

// preview1Module is the module name of WASI preview 1.
const preview1Module = "wasi_snapshot_preview1"

// preview1Types are the functions of WASI preview 1 with their core types,
// parameters before the colon: i for i32, l for i64 (WASI/phases/snapshot/
// witx/wasi_snapshot_preview1.witx, lowered as wasi-libc declares it).
var preview1Types = map[string]string{
	"args_get": "ii:i", "args_sizes_get": "ii:i", "environ_get": "ii:i", "environ_sizes_get": "ii:i",
	"clock_res_get": "ii:i", "clock_time_get": "ili:i",
	"fd_advise": "illi:i", "fd_allocate": "ill:i", "fd_close": "i:i", "fd_datasync": "i:i",
	"fd_fdstat_get": "ii:i", "fd_fdstat_set_flags": "ii:i", "fd_fdstat_set_rights": "ill:i",
	"fd_filestat_get": "ii:i", "fd_filestat_set_size": "il:i", "fd_filestat_set_times": "illi:i",
	"fd_pread": "iiili:i", "fd_prestat_get": "ii:i", "fd_prestat_dir_name": "iii:i", "fd_pwrite": "iiili:i",
	"fd_read": "iiii:i", "fd_readdir": "iiili:i", "fd_renumber": "ii:i", "fd_seek": "ilii:i",
	"fd_sync": "i:i", "fd_tell": "ii:i", "fd_write": "iiii:i",
	"path_create_directory": "iii:i", "path_filestat_get": "iiiii:i", "path_filestat_set_times": "iiiilli:i",
	"path_link": "iiiiiii:i", "path_open": "iiiiillii:i", "path_readlink": "iiiiii:i",
	"path_remove_directory": "iii:i", "path_rename": "iiiiii:i", "path_symlink": "iiiii:i", "path_unlink_file": "iii:i",
	"poll_oneoff": "iiii:i", "proc_exit": "i:", "proc_raise": "i:i", "sched_yield": ":i", "random_get": "ii:i",
	"sock_accept": "iii:i", "sock_recv": "iiiiii:i", "sock_send": "iiiii:i", "sock_shutdown": "ii:i",
	resetAdapterState: ":",
}

// resetAdapterState is a function that adapters add to preview 1: a language
// runtime that is snapshotted after initialisation calls it so that the
// adapter forgets what it knew. The host's preview 1 knows nothing to forget.
const resetAdapterState = "reset_adapter_state"

// preview1Interfaces are the interfaces of WASI 0.2 that functions of preview
// 1, by the first part of their names, have become.
var preview1Interfaces = map[string]string{
	"args": "wasi:cli/environment", "environ": "wasi:cli/environment", "proc": "wasi:cli/exit",
	"fd": "wasi:filesystem/types", "path": "wasi:filesystem/types", "poll": "wasi:io/poll", "sched": "wasi:io/poll",
	"random": "wasi:random/random", "sock": "wasi:sockets/tcp",
}

// preview1Meaning is the interface and function of WASI 0.2 by which rules
// speak of a function of preview 1. Descriptors 0 to 2 are files to preview 1:
// rules for wasi:cli's streams do not reach its fd_ functions.
func preview1Meaning(fn string) (iface, name string) {
	first, _, _ := strings.Cut(fn, "_")
	switch fn {
	case "args_get", "args_sizes_get":
		return "wasi:cli/environment", "get-arguments"
	case "environ_get", "environ_sizes_get":
		return "wasi:cli/environment", "get-environment"
	case "clock_time_get", "clock_res_get":
		return "wasi:clocks/wall-clock", fn
	case "fd_prestat_get", "fd_prestat_dir_name":
		return "wasi:filesystem/preopens", "get-directories"
	case "random_get":
		return "wasi:random/random", "get-random-bytes"
	}
	return preview1Interfaces[first], fn
}

// The errors of preview 1 that stubs answer with.
const (
	errnoBadf   = 8
	errnoNotsup = 58
)

// preview1Import adds a function of preview 1 for an instance: answered from
// values of the bundle, or as the policy has it.
func (f *flattener) preview1Import(name string, t graph.TypeID, inst *graph.Instance) graph.FuncID {
	raw := f.raw(graph.Func{
		Kind: graph.FuncImport, Type: t,
		Import: &graph.Import{Module: preview1Module, Name: name, Input: inst.Input, Caller: inst.ID},
	}, f.opts.WASI.policy(preview1Module, name), inst)
	if fn := f.preview1Answer(name, t, inst, 0, raw); fn != 0 {
		return fn
	}
	return raw()
}

// preview1Stub generates a function that answers by itself: nothing where the
// answer is a list, an error otherwise.
func (f *flattener) preview1Stub(name string, t graph.TypeID, inst *graph.Instance) graph.FuncID {
	st := f.p.Types.At(t)
	b := ir.New(st.Params)
	switch {
	case len(st.Results) == 0: // proc_exit
		b.Op(wasm.OpUnreachable)
	case strings.HasSuffix(name, "_sizes_get") && len(inst.Memories) > 0:
		for i := range st.Params {
			b.Get(ir.Local(i))
			b.I32(0)
			b.Mem(wasm.OpI32Store, inst.Memories[0], 2, 0)
		}
		b.I32(0)
	case name == "args_get", name == "environ_get", name == "sched_yield":
		b.I32(0)
	case strings.HasPrefix(name, "fd_prestat_"):
		b.I32(errnoBadf) // the end of the list of directories
	default:
		b.I32(errnoNotsup)
	}
	return f.p.AddFunc(graph.Func{Kind: graph.FuncGenerated, Type: t, Body: b.Finish(), Name: "stub " + coreName(preview1Module, name)})
}

// preview1Pass removes preview 1 adapters: core instances that serve WASI
// preview 1 to others by calling WASI 0.2. Where the target offers preview 1
// itself, their callers are bound to the host's functions; what the adapter
// brought along (its stack, its state, its WASI 0.2 imports) is then reached
// by nobody.
//
//	main ──fd_write──▶ adapter ──wasi:io/streams──▶ host      before
//	main ──wasi_snapshot_preview1.fd_write──────────▶ host     after
//
// An adapter is told by what it does: it exports functions under preview 1's
// names and with its types, owns no memory, and calls nothing but the host's
// wasi:* functions and the module it serves. An instance whose WASI another
// component provides is not one, so what virtualises WASI keeps doing so.
//
// It is safe because nothing of a removed adapter is left: marking has to find
// none of its functions reached, or it stays. There is no state of it, no
// table of descriptors, that some calls would see and others not. Its start
// function, which finds room for its stack, goes with it, provided that it
// asks nothing of the host.
func (f *flattener) preview1Pass() {
	var adapters []*preview1Adapter
	for _, inst := range f.p.Instances[1:] {
		if a := f.preview1Adapter(inst); a != nil {
			a.remove()
			adapters = append(adapters, a)
		}
	}
	for len(adapters) > 0 {
		live := shake.Mark(f.p, startFuncs(f.p)...)
		var gone []*preview1Adapter
		for _, a := range adapters {
			if by := a.reached(live); by == "" {
				gone = append(gone, a)
			} else {
				a.restore()
				f.warn = append(f.warn, fmt.Sprintf("the preview 1 adapter of %q stays: its %s is called", f.inputs[a.inst.Input].ID, by))
			}
		}
		if len(gone) == len(adapters) {
			break
		}
		adapters = gone // without those that stay: they may be what keeps another
	}
	if f.opts.Target == TargetPreview1 {
		for _, a := range adapters {
			a.command()
		}
	}
}

// preview1Adapter is an instance that serves preview 1, and how others reach it.
type preview1Adapter struct {
	f    *flattener
	inst *graph.Instance
	// calls are the function imports of other instances that it serves.
	calls []preview1Call
	// run is its wasi:cli/run, which calls start, the command's _start; 0
	// without. was is the function itself, for restoring it.
	run, start graph.FuncID
	was        graph.Func
}

// preview1Call is a function import of an instance, by index into its Funcs.
type preview1Call struct {
	inst *graph.Instance
	fn   int
	name string
	was  graph.FuncID
}

// preview1Adapter recognises an adapter; nil when the instance is none.
func (f *flattener) preview1Adapter(inst *graph.Instance) *preview1Adapter {
	p := f.p
	a := &preview1Adapter{f: f, inst: inst}
	code := p.ModuleOf(inst).Code
	serves := map[graph.FuncID]string{}
	for _, e := range code.Exports {
		if e.Kind != wasm.ExternFunc {
			continue
		}
		id := inst.Funcs[e.Index]
		if t := preview1Types[e.Name]; t != "" && p.Funcs[id].Inst == inst.ID && p.Funcs[id].Type == f.shortType(t) {
			serves[id] = e.Name
		}
		if strings.HasPrefix(e.Name, "wasi:cli/run@0.2.") && strings.HasSuffix(e.Name, "#run") {
			a.run = id
		}
	}
	if len(serves) == 0 || !a.onlyWASI(code) {
		return nil
	}
	for _, other := range p.Instances[1:] {
		n := 0
		for i := range p.ModuleOf(other).Code.Imports {
			imp := &p.ModuleOf(other).Code.Imports[i]
			if imp.Kind != wasm.ExternFunc {
				continue
			}
			id := other.Funcs[n]
			if name := serves[p.Resolve(id)]; name != "" && imp.Module == preview1Module {
				a.calls = append(a.calls, preview1Call{other, n, name, id})
			}
			n++
		}
	}
	if len(a.calls) == 0 && a.run == 0 {
		return nil
	}
	return a
}

// onlyWASI reports whether the instance has no memory of its own and calls
// only the host's WASI and the module that it serves.
func (a *preview1Adapter) onlyWASI(code *wasm.Module) bool {
	p := a.f.p
	for _, m := range a.inst.Memories {
		if p.Memories[m].Inst == a.inst.ID {
			return false
		}
	}
	n := 0
	for i := range code.Imports {
		imp := &code.Imports[i]
		if imp.Kind != wasm.ExternFunc {
			continue
		}
		id := p.Resolve(a.inst.Funcs[n])
		n++
		fn := &p.Funcs[id]
		switch {
		case imp.Module == "__main_module__" || imp.Module == "env":
			if imp.Name == "_start" {
				a.start = id
			}
		case a.f.answered[id]:
		case fn.Kind == graph.FuncImport && fn.Import.Lower != nil && isWASI(fn.Import.Module):
		case fn.Kind == graph.FuncCanon && fn.Canon.Op == component.CanonResourceDrop && p.Resources[fn.Canon.Resource.ID].Component == 0 &&
			isWASI(p.Resources[fn.Canon.Resource.ID].Interface):
		default:
			return false
		}
	}
	if code.HasStart {
		reached := shake.Reach(p, a.inst.Funcs[code.Start])
		for id := graph.FuncID(1); int(id) < len(p.Funcs); id++ {
			if p.Funcs[id].Kind == graph.FuncImport && reached.Func(id) {
				return false
			}
		}
	}
	return true
}

// startFuncs lists the start functions that instantiation runs.
func startFuncs(p *graph.Program) (starts []graph.FuncID) {
	for _, inst := range p.Instances[1:] {
		if code := p.ModuleOf(inst).Code; code.HasStart && !inst.NoStart {
			starts = append(starts, inst.Funcs[code.Start])
		}
	}
	return starts
}

// shortType interns a type written as in preview1Types.
func (f *flattener) shortType(short string) graph.TypeID {
	vals := func(s string) (out []wasm.ValType) {
		for _, c := range s {
			if c == 'l' {
				out = append(out, wasm.I64)
			} else {
				out = append(out, wasm.I32)
			}
		}
		return out
	}
	params, results, _ := strings.Cut(short, ":")
	return f.p.Types.Func(vals(params), vals(results))
}

// remove binds the callers to the host.
func (a *preview1Adapter) remove() {
	p := a.f.p
	a.inst.NoStart = true
	for i := range a.calls {
		c := &a.calls[i]
		if c.name == resetAdapterState {
			c.inst.Funcs[c.fn] = p.AddFunc(graph.Func{Kind: graph.FuncGenerated, Type: p.Types.Func(nil, nil), Body: ir.New(nil).Finish(), Name: c.name})
			continue
		}
		c.inst.Funcs[c.fn] = a.f.preview1Import(c.name, a.f.shortType(preview1Types[c.name]), c.inst)
	}
	if a.run != 0 && a.start != 0 {
		// The adapter's run is: call _start, and the command has succeeded
		// unless it exits or traps.
		a.was = p.Funcs[a.run]
		b := ir.New(nil)
		b.Call(a.start)
		b.I32(0)
		p.Funcs[a.run] = graph.Func{Kind: graph.FuncGenerated, Type: a.was.Type, Body: b.Finish(), Name: "run"}
	}
}

// command makes of an exported wasi:cli/run what preview 1 has instead: the
// export _start (WASI/legacy/application-abi.md, "Commands").
func (a *preview1Adapter) command() {
	p := a.f.p
	at := slices.IndexFunc(p.Exports, func(e graph.Export) bool { return e.Kind == wasm.ExternFunc && graph.FuncID(e.ID) == a.run })
	if a.run == 0 || a.start == 0 || at < 0 {
		return
	}
	name, _, _ := strings.Cut(p.Exports[at].Name, "#")
	p.Exports[at] = graph.Export{Name: startName, Kind: wasm.ExternFunc, ID: uint32(a.start)}
	p.WorldExports = slices.DeleteFunc(p.WorldExports, func(x graph.Extern) bool { return x.Name == name })
}

// restore undoes remove.
func (a *preview1Adapter) restore() {
	a.inst.NoStart = false
	for _, c := range a.calls {
		c.inst.Funcs[c.fn] = c.was
	}
	if a.was.Type != 0 {
		a.f.p.Funcs[a.run] = a.was
	}
}

// reached names a live function of the adapter, "" when there is none.
func (a *preview1Adapter) reached(live *shake.Live) string {
	p := a.f.p
	for id := graph.FuncID(1); int(id) < len(p.Funcs); id++ {
		if fn := &p.Funcs[id]; fn.Kind == graph.FuncDefined && fn.Inst == a.inst.ID && live.Func(id) {
			if name := p.FuncName(id); name != "" {
				return name
			}
			return fmt.Sprintf("function %d", fn.Index)
		}
	}
	return ""
}
