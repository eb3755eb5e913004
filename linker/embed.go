package linker

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/wbundle/wbundle/graph"
	"github.com/wbundle/wbundle/internal/ir"
	"github.com/wbundle/wbundle/internal/wasm"
	"github.com/wbundle/wbundle/shake"
)

// Values of WASI that are part of the bundle.
//
// In: imports of preview 1, callers of preview 1 adapters, and lowers of
// wasi:cli/environment. Out: functions of the bundle that answer from the
// values of Options.WASI. This is decided before anything is marked, so the
// imports behind them die, and with them what only they reach.
//
//	main ──environ_get──▶ host                          before
//	main ──environ_get──▶ (memory.init buf $values)     after
//
// A program asks in one of two ways, and each has its functions:
//   - preview 1 (embedpreview1.go, and embedfiles.go for files), whoever serves
//     it: the host, or an adapter inside the bundle that asks for WASI 0.2;
//   - wasi:cli/environment of WASI 0.2 (embedenvironment.go), in memory that the
//     caller's realloc gives.
//
// What asks in a way that cannot be answered is refused by name (checkEmbedded):
// a value of the configuration is never ignored.

// Environment is the environment of the programs in the bundle.
type Environment struct {
	// Set are variables with their values.
	Set map[string]string
	// Pass names the variables of the host that the programs see besides; each
	// is asked of the host at run time. Without any, the host is not asked.
	Pass []string
}

// Mount is a directory of read-only files in the bundle.
type Mount struct {
	// Path is where programs find it: absolute and clean, such as /data.
	Path string
	// Files are the contents by path below the directory, with slashes. A path
	// that ends in a slash is a directory, which only an empty one needs. Link
	// borrows the contents until the Result is dropped.
	Files map[string][]byte
}

// checkValues refuses values that no program could be given.
func (w *WASI) checkValues() error {
	text := func(what, s string) error {
		switch {
		case strings.ContainsRune(s, 0):
			return fmt.Errorf("%s contains a zero byte", what)
		case !utf8.ValidString(s):
			return fmt.Errorf("%s is not UTF-8", what)
		}
		return nil
	}
	name := func(where, n string) error {
		if n == "" || strings.Contains(n, "=") {
			return fmt.Errorf("%s: %q cannot be the name of a variable: it is empty or has a '=' in it", where, n)
		}
		return text(fmt.Sprintf("%s: the name %q", where, n), n)
	}
	if e := w.Env; e != nil {
		for _, n := range slices.Sorted(maps.Keys(e.Set)) {
			if err := name("wasi env", n); err != nil {
				return err
			}
			if err := text(fmt.Sprintf("wasi env: the value of %s", n), e.Set[n]); err != nil {
				return err
			}
		}
		seen := map[string]bool{}
		for _, n := range e.Pass {
			if err := name("wasi env pass", n); err != nil {
				return err
			}
			_, set := e.Set[n]
			if set || seen[n] {
				return fmt.Errorf("wasi env pass: %s is there already", n)
			}
			seen[n] = true
		}
		if iface, fn := preview1Meaning("environ_get"); len(e.Pass) > 0 && w.policy(preview1Module, "environ_get") != PolicyAllow {
			return fmt.Errorf("wasi env pass: %s is asked of the host, and the rules do not allow %s", e.Pass[0], coreName(iface, fn))
		}
	}
	for i, a := range w.Args {
		if err := text(fmt.Sprintf("wasi args: argument %d", i), a); err != nil {
			return err
		}
	}
	mounts := map[string]bool{}
	for _, m := range w.Mounts {
		if err := text(fmt.Sprintf("wasi mount %q", m.Path), m.Path); err != nil {
			return err
		}
		if !path.IsAbs(m.Path) || path.Clean(m.Path) != m.Path {
			return fmt.Errorf("wasi mount %q is not an absolute path without . and .. in it, such as /data", m.Path)
		}
		if mounts[m.Path] {
			return fmt.Errorf("wasi mount %s is there twice", m.Path)
		}
		mounts[m.Path] = true
	}
	return nil
}

// embeds reports whether values of WASI are to be part of the bundle.
func (w *WASI) embeds() bool { return w.Env != nil || w.Args != nil || len(w.Mounts) > 0 }

// embedder is what answers for the host, made as it is needed.
type embedder struct {
	// image is the segment with the files; made, it may still be dead.
	image *fileImage
	// files are the descriptors, by who serves the others; environ are the
	// functions that read the host's environment.
	files   map[provider]*fileTable
	environ map[preview1Key]graph.FuncID
	// shared are the other generated functions, by what they do and in which memory.
	shared map[embedKey]graph.FuncID
	// adapters are those whose callers were answered.
	adapters map[graph.InstanceID]bool
	// whole are the host's functions behind those that pass some of the
	// environment on.
	whole map[graph.FuncID]graph.FuncID
	err   error // the first thing that cannot be embedded
}

// provider is who serves preview 1: an adapter inside the bundle, or 0, the host.
type provider = graph.InstanceID

// preview1Key names a function for the callers with one memory.
type preview1Key struct {
	by  provider
	mem graph.MemoryID
}

type embedKey struct {
	what string
	mem  graph.MemoryID
	fn   graph.FuncID
}

// refuse notes what cannot be embedded.
func (e *embedder) refuse(format string, args ...any) {
	if e.err == nil {
		e.err = fmt.Errorf(format, args...)
	}
}

// function returns a generated function, making it the first time.
func (f *flattener) function(key embedKey, params, results []wasm.ValType, build func(b *ir.Builder)) graph.FuncID {
	if id := f.embed.shared[key]; id != 0 {
		return id
	}
	b := ir.New(params)
	build(b)
	id := f.embedded(key.what, params, results, b)
	f.keep(key, id)
	return id
}

// keep notes what is there already.
func (f *flattener) keep(key embedKey, id graph.FuncID) {
	if f.embed.shared == nil {
		f.embed.shared = map[embedKey]graph.FuncID{}
	}
	f.embed.shared[key] = id
}

// embedded adds a generated function.
func (f *flattener) embedded(name string, params, results []wasm.ValType, b *ir.Builder) graph.FuncID {
	return f.p.AddFunc(graph.Func{Kind: graph.FuncGenerated, Type: f.p.Types.Func(params, results), Body: b.Finish(), Name: "embedded " + name})
}

// bytes adds a passive segment.
func (f *flattener) bytes(b []byte) graph.DataID {
	f.p.Datas = append(f.p.Datas, graph.Data{Bytes: &b})
	return graph.DataID(len(f.p.Datas) - 1)
}

// embedPass answers the calls of preview 1 of core module inputs, which policies
// are about as well, and of those whose adapter stays. Callers of adapters that
// went have been answered when they were bound to the host (preview1Import).
func (f *flattener) embedPass() error {
	p := f.p
	for _, inst := range p.Instances[1:] {
		if inst.Component != 0 {
			continue
		}
		n := 0
		imports := p.ModuleOf(inst).Code.Imports
		for i := range imports {
			if imports[i].Kind != wasm.ExternFunc {
				continue
			}
			id := inst.Funcs[n]
			n++
			fn := p.Funcs[id]
			if fn.Kind != graph.FuncImport || fn.Import.Module != preview1Module || imports[i].Module != preview1Module {
				continue
			}
			policy := f.opts.WASI.policy(preview1Module, fn.Import.Name)
			raw := f.raw(fn, policy, inst)
			if now := f.preview1Answer(fn.Import.Name, fn.Type, inst, 0, raw); now != 0 {
				p.Funcs[id] = graph.Func{Kind: graph.FuncAlias, Type: fn.Type, Alias: now}
			} else if policy == PolicyDeny || policy == PolicyStub {
				p.Funcs[id] = graph.Func{Kind: graph.FuncAlias, Type: fn.Type, Alias: raw()}
			}
		}
	}
	if f.opts.WASI.embeds() {
		f.embed.adapters = map[graph.InstanceID]bool{}
		for _, inst := range p.Instances[1:] {
			a := f.preview1Adapter(inst)
			if a == nil {
				continue
			}
			f.embed.adapters[inst.ID] = true
			for _, c := range a.calls {
				raw := func() graph.FuncID { return c.was }
				if now := f.preview1Answer(c.name, f.shortType(preview1Types[c.name]), c.inst, inst.ID, raw); now != 0 {
					c.inst.Funcs[c.fn] = now
				}
			}
			// What it is asked for is all of the host's.
			for i := range p.ModuleOf(inst).Code.NumImported[wasm.SpaceFunc] {
				if all := f.embed.whole[p.Resolve(inst.Funcs[i])]; all != 0 {
					inst.Funcs[i] = all
				}
			}
		}
	}
	return f.embed.err
}

// raw makes what is behind a core import: itself, or what the policy has
// instead.
func (f *flattener) raw(fn graph.Func, policy Policy, inst *graph.Instance) func() graph.FuncID {
	return func() graph.FuncID {
		switch policy {
		case PolicyDeny:
			return f.trapFunc(fn.Type, "denied "+coreName(preview1Module, fn.Import.Name))
		case PolicyStub:
			return f.preview1Stub(fn.Import.Name, fn.Type, inst)
		}
		return f.p.AddFunc(fn)
	}
}

// checkEmbedded refuses what asks for embedded values in a way that cannot be
// answered. live is what is reached before the adapters exist.
func (f *flattener) checkEmbedded(live *shake.Live) error {
	w := &f.opts.WASI
	if !w.embeds() {
		return nil
	}
	p := f.p
	for id := graph.FuncID(1); int(id) < len(p.Funcs); id++ {
		fn := &p.Funcs[id]
		if fn.Kind != graph.FuncImport || !live.Func(id) {
			continue
		}
		iface, name := fn.Import.Module, fn.Import.Name
		bare, _, _ := strings.Cut(iface, "@")
		if iface == "wasi_unstable" {
			bare, name = preview1Meaning(name)
		}
		typed := fn.Import.Lower != nil
		switch {
		case bare == "wasi:cli/environment" && name == "get-environment" && w.Env != nil && !typed,
			bare == "wasi:cli/environment" && name == "get-arguments" && w.Args != nil && !typed:
			return fmt.Errorf("%q is a core module that calls %s, whose caller's realloc is not known; wasi.env and wasi.args answer preview 1 there, and components",
				f.inputs[fn.Import.Input].ID, coreName(iface, name))
		case len(w.Mounts) > 0 && (bare == "wasi:filesystem/preopens" || iface == "wasi_unstable" && strings.HasPrefix(bare, "wasi:filesystem/")) && (!typed || f.asksItself(live, id)):
			who := f.inputs[fn.Import.Input].ID
			if typed {
				who = p.Components[fn.Import.Lower.Component].Name
			}
			return fmt.Errorf("%q calls %s, and files of the bundle (wasi.fs.mount) are there for programs that use WASI preview 1, or its adapter, only", who, coreName(iface, name))
		}
	}
	if img := f.embed.image; len(w.Mounts) > 0 && (img == nil || !live.Has(wasm.SpaceData, uint32(img.data))) {
		f.warn = append(f.warn, "no input opens files: what wasi.fs.mount names is not in the bundle")
	}
	return nil
}

// asksItself reports whether anything but adapters calls an import. Adapters ask
// for directories that they hand to the programs whose calls were answered
// before they reach them.
func (f *flattener) asksItself(live *shake.Live, id graph.FuncID) bool {
	if live.Parent(shake.Item{Space: wasm.SpaceFunc, ID: uint32(id)}).Space != wasm.SpaceFunc {
		return true // exported, or called through a table
	}
	var scanner wasm.SiteScanner
	for fn := graph.FuncID(1); int(fn) < len(f.p.Funcs); fn++ {
		body, inst := f.p.Code(fn)
		if body == nil || !live.Func(fn) || inst != nil && f.embed.adapters[inst.ID] {
			continue
		}
		sites := f.p.Sites(fn, &scanner)
		for i := range sites {
			if s := &sites[i]; s.Kind == wasm.SiteFunc && f.p.Resolve(shake.FuncAt(inst, s.Target)) == id {
				return true
			}
		}
	}
	return false
}
