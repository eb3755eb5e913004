package adapter

import (
	"fmt"

	"github.com/wbundle/wbundle/graph"
	"github.com/wbundle/wbundle/internal/component"
	"github.com/wbundle/wbundle/internal/ir"
	"github.com/wbundle/wbundle/internal/wasm"
)

// Preview1Module is the import module of WASI preview1, whose functions are
// core functions: no types say which of their numbers are addresses.
const Preview1Module = "wasi_snapshot_preview1"

// preview1Params says it, a letter for each parameter:
//
//	p  an address of something without addresses in it
//	v  an array of iovec or ciovec; its length is the next parameter
//	a  an array that the host fills with addresses (argv, environ)
//	.  a number
//
// A subscription and an event have no addresses in them.
var preview1Params = map[string]string{
	"args_get":                "ap",
	"args_sizes_get":          "pp",
	"environ_get":             "ap",
	"environ_sizes_get":       "pp",
	"clock_res_get":           ".p",
	"clock_time_get":          "..p",
	"fd_advise":               "....",
	"fd_allocate":             "...",
	"fd_close":                ".",
	"fd_datasync":             ".",
	"fd_fdstat_get":           ".p",
	"fd_fdstat_set_flags":     "..",
	"fd_fdstat_set_rights":    "...",
	"fd_filestat_get":         ".p",
	"fd_filestat_set_size":    "..",
	"fd_filestat_set_times":   "....",
	"fd_pread":                ".v..p",
	"fd_prestat_get":          ".p",
	"fd_prestat_dir_name":     ".p.",
	"fd_pwrite":               ".v..p",
	"fd_read":                 ".v.p",
	"fd_readdir":              ".p..p",
	"fd_renumber":             "..",
	"fd_seek":                 "...p",
	"fd_sync":                 ".",
	"fd_tell":                 ".p",
	"fd_write":                ".v.p",
	"path_create_directory":   ".p.",
	"path_filestat_get":       "..p.p",
	"path_filestat_set_times": "..p....",
	"path_link":               "..p..p.",
	"path_open":               "..p.....p",
	"path_readlink":           ".p.p.p",
	"path_remove_directory":   ".p.",
	"path_rename":             ".p..p.",
	"path_symlink":            "p..p.",
	"path_unlink_file":        ".p.",
	"poll_oneoff":             "pp.p",
	"proc_exit":               ".",
	"proc_raise":              ".",
	"random_get":              "p.",
	"sched_yield":             "",
	"sock_accept":             "..p",
	"sock_recv":               ".v..pp",
	"sock_send":               ".v..p",
	"sock_shutdown":           "..",
}

// buffers is an array of iovec as a component-level type.
var buffers = component.NewList(component.NewList(component.U8))

// preview1 turns a core import into a wrapper around itself that translates
// addresses: an array of iovec is one of lists of bytes, and is put back as it
// was; the addresses in argv and environ are made the caller's.
func (g *generator) preview1(ci CoreImport) error {
	imported := g.p.Funcs[ci.Func]
	imp, params, results := imported.Import, g.p.Types.At(imported.Type).Params, g.p.Types.At(imported.Type).Results
	if len(params) == 0 {
		return nil
	}
	kinds, known := preview1Params[imp.Name]
	if !known || len(kinds) != len(params) {
		return fmt.Errorf("import %q %q: which of its %d parameters are addresses is not known", imp.Module, imp.Name, len(params))
	}
	changes := false
	for _, k := range kinds {
		changes = changes || k != '.'
	}
	if !changes {
		return nil
	}
	raw := g.p.AddFunc(imported)
	b := ir.New(params)
	out := g.crosser(b, argsOut, 0, graph.Options{Memory: ci.Memory})
	saved, filled := false, -1
	var mark ir.Local
	given := make([]ir.Local, len(params))
	for i, k := range kinds {
		given[i] = ir.Local(i)
		switch k {
		case 'v':
			if !saved {
				saved = true
				mark = b.Local(wasm.I32)
				g.saveMark(b)
				b.Set(mark)
			}
			given[i] = b.Local(wasm.I32)
			b.Get(ir.Local(i))
			b.Set(given[i])
			if err := out.value(buffers, place{slots: []ir.Local{given[i], ir.Local(i + 1)}}); err != nil {
				return err
			}
		case 'a':
			filled = i
		}
	}
	if saved {
		out.swap(mark)
	}
	for i, k := range kinds {
		b.Get(given[i])
		if k == 'p' || k == 'a' {
			out.hostAddress()
		}
	}
	b.Call(raw)
	var errno ir.Local
	if len(results) > 0 {
		errno = b.Local(wasm.I32)
		b.Set(errno)
	}
	if saved {
		out.restore(func() { b.Get(mark); b.I32(0); b.I32(0) })
	}
	if filled >= 0 {
		sizes := map[string]string{"args_get": "args_sizes_get", "environ_get": "environ_sizes_get"}[imp.Name]
		count, err := g.countFunc(imp, sizes)
		if err != nil {
			return err
		}
		b.Get(errno)
		b.Op(wasm.OpI32Eqz)
		b.If()
		in := g.crosser(b, resultIn, 0, graph.Options{Memory: ci.Memory})
		at, n := ir.Local(filled), b.Local(wasm.I32)
		b.Call(count)
		b.Set(n)
		b.Block()
		b.Loop()
		b.Get(n)
		b.Op(wasm.OpI32Eqz)
		b.BrIf(1)
		in.put(place{mem: true, ptr: at}, func() {
			b.Get(at)
			b.Mem(wasm.OpI32Load, ci.Memory, 2, 0)
			in.ownAddress()
		})
		b.Get(at)
		b.I32(4)
		b.Op(wasm.OpI32Add)
		b.Set(at)
		b.Get(n)
		b.I32(1)
		b.Op(wasm.OpI32Sub)
		b.Set(n)
		b.Br(0)
		b.End()
		b.End()
		b.End()
	}
	if len(results) > 0 {
		b.Get(errno)
	}
	g.p.Funcs[ci.Func].Import = nil
	g.set(ci.Func, "to the host: "+imp.Name, b)
	return nil
}

// countFunc is () -> how many arguments, or variables of the environment,
// there are. The host writes that to eight bytes of the handle memory.
func (g *generator) countFunc(like *graph.Import, sizes string) (graph.FuncID, error) {
	t := g.table()
	shape := uint8(sizes[0])
	return g.helper(helperKey{kind: helperSizes, shape: shape}, sizes, nil, i32s[:1], func(b *ir.Builder) error {
		at := t.end
		t.end += headerSize
		imp := *like
		imp.Name = sizes
		raw := g.p.AddFunc(graph.Func{Kind: graph.FuncImport, Type: g.p.Types.Func(i32s[:2], i32s[:1]), Import: &imp})
		for _, off := range []uint32{0, 4} {
			b.I32(at + off)
			b.Base(t.mem)
		}
		b.Call(raw)
		b.TrapIf()
		b.I32(at)
		b.Mem(wasm.OpI32Load, t.mem, 2, 0)
		return nil
	})
}
