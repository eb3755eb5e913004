package linker

import (
	"maps"
	"slices"
	"strings"

	"github.com/wbundle/wbundle/graph"
	"github.com/wbundle/wbundle/internal/ir"
	"github.com/wbundle/wbundle/internal/wasm"
)

// Preview 1: args_get and environ_get fill an array of addresses and a buffer,
// whose sizes args_sizes_get and environ_sizes_get tell beforehand.
//
// In: a call that a core instance makes, by name. Out: a function of the same
// type in the terms of the caller's memory. What is set is one segment, copied
// into the buffer:
//
//	(func $environ_get (param $array i32) (param $buf i32) (result i32)
//	  (memory.init $values (local.get $buf) (i32.const 0) (i32.const 22))
//	  (i32.store (local.get $array) (local.get $buf))
//	  (i32.store offset=4 (local.get $array) (i32.add (local.get $buf) (i32.const 11)))
//	  (i32.const 0))
//
// Variables of the host that are passed on have to be found among all that it
// has: they are read into pages that the caller's memory is grown by, which
// are zero again afterwards, as if nobody had touched them. They stay: memory
// does not shrink. The adapters that this is an alternative to find room for
// their state in the same way.

// preview1Answer makes the function that answers a call of preview 1 with
// values of the bundle; 0: nothing of it is embedded. raw makes the function of
// by, whoever serves what is not embedded.
func (f *flattener) preview1Answer(name string, t graph.TypeID, inst *graph.Instance, by provider, raw func() graph.FuncID) graph.FuncID {
	w := &f.opts.WASI
	if !w.embeds() || preview1Types[name] == "" || t != f.shortType(preview1Types[name]) {
		return 0
	}
	var answer func(mem graph.MemoryID) graph.FuncID
	switch name {
	case "args_get", "args_sizes_get":
		if w.Args != nil {
			answer = func(mem graph.MemoryID) graph.FuncID { return f.preview1Strings(name, mem, w.Args) }
		}
	case "environ_get", "environ_sizes_get":
		switch {
		case w.Env == nil:
		case len(w.Env.Pass) == 0:
			answer = func(mem graph.MemoryID) graph.FuncID { return f.preview1Strings(name, mem, w.Env.variables()) }
		default:
			answer = func(mem graph.MemoryID) graph.FuncID { return f.preview1Passed(name, mem, inst, by) }
		}
	default:
		if len(w.Mounts) > 0 && speaksOfFiles(name) {
			answer = func(mem graph.MemoryID) graph.FuncID { return f.fileAnswer(name, mem, by, raw) }
		}
	}
	if answer == nil {
		return 0
	}
	if len(inst.Memories) == 0 {
		f.embed.refuse("%q calls %s without a memory to put the answer in", inst.Name, coreName(preview1Module, name))
		return 0
	}
	mem := inst.Memories[0]
	if m := &f.p.Memories[mem]; m.Type.Is64 || m.Type.Shared {
		f.embed.refuse("%q has a shared or a 64-bit memory; values of the bundle (wasi.env, wasi.args, wasi.fs) are only for memories of one thread, with 32-bit addresses", inst.Name)
		return 0
	}
	return answer(mem)
}

// variables lists what is set as NAME=VALUE, in the order of the names.
func (e *Environment) variables() []string {
	var out []string
	for _, n := range slices.Sorted(maps.Keys(e.Set)) {
		out = append(out, n+"="+e.Set[n])
	}
	return out
}

// i32List is n times i32.
func i32List(n int) []wasm.ValType { return slices.Repeat([]wasm.ValType{wasm.I32}, n) }

// preview1Strings makes args_get, args_sizes_get, environ_get or
// environ_sizes_get of fixed strings.
func (f *flattener) preview1Strings(name string, mem graph.MemoryID, list []string) graph.FuncID {
	return f.function(embedKey{what: coreName(preview1Module, name), mem: mem}, i32List(2), i32List(1), func(b *ir.Builder) {
		image, at := zeroEnded(list)
		if strings.HasSuffix(name, "_sizes_get") {
			for i, v := range []int{len(list), len(image)} {
				b.Get(ir.Local(i))
				b.I32(uint32(v))
				b.Mem(wasm.OpI32Store, mem, 2, 0)
			}
			b.I32(0)
			return
		}
		f.fillStrings(b, mem, image, at, 0, 1)
		b.I32(0)
	})
}

// zeroEnded joins strings, a zero byte after each, and says where each begins.
func zeroEnded(list []string) (image []byte, at []uint32) {
	for _, s := range list {
		at = append(at, uint32(len(image)))
		image = append(append(image, s...), 0)
	}
	return image, at
}

// fillStrings copies an image to the address in buf, and writes the addresses
// of the strings from the address in array on.
func (f *flattener) fillStrings(b *ir.Builder, mem graph.MemoryID, image []byte, at []uint32, array, buf ir.Local) {
	if len(image) == 0 {
		return
	}
	b.Get(buf)
	b.I32(0)
	b.I32(uint32(len(image)))
	b.MemoryInit(mem, f.bytes(image))
	for i, off := range at {
		b.Get(array)
		b.Get(buf)
		if off > 0 {
			b.I32(off)
			b.Op(wasm.OpI32Add)
		}
		b.Mem(wasm.OpI32Store, mem, 2, uint32(4*i))
	}
}

// The errors of preview 1 that embedded functions answer with.
const (
	errnoExist    = 20
	errnoInval    = 28
	errnoIsdir    = 31
	errnoMfile    = 33
	errnoNametoo  = 37
	errnoNoent    = 44
	errnoNomem    = 48
	errnoNotdir   = 54
	errnoNotsock  = 57
	errnoOverflow = 61
	errnoPerm     = 63
	errnoRofs     = 69
	errnoXdev     = 75
)

// preview1Passed makes environ_get or environ_sizes_get of what is set and of
// the host's variables that are passed on, which come first.
func (f *flattener) preview1Passed(name string, mem graph.MemoryID, inst *graph.Instance, by provider) graph.FuncID {
	if t := f.p.Memories[mem].Type; t.HasMax && t.Max <= t.Min {
		f.embed.refuse("%q has a memory that cannot grow, and wasi.env.pass needs room in it to read the host's environment", inst.Name)
		return 0
	}
	// Both calls of the provider are needed, whichever this is.
	sizes, get := f.environCall("environ_sizes_get", mem, inst, by), f.environCall("environ_get", mem, inst, by)
	if sizes == 0 || get == 0 {
		f.embed.refuse("%q has the environment from an adapter without environ_sizes_get and environ_get, which wasi.env.pass needs both", inst.Name)
		return 0
	}
	read := f.readEnvironment(mem, by, sizes, get)
	return f.function(embedKey{what: coreName(preview1Module, name), mem: mem, fn: read}, i32List(2), i32List(1), func(b *ir.Builder) {
		write := uint32(0)
		if name == "environ_get" {
			write = 1
		}
		old, errno := b.Local(wasm.I32), b.Local(wasm.I32)
		b.I32(1)
		b.MemoryGrow(mem)
		b.Tee(old)
		b.I32(0xffffffff)
		b.Op(wasm.OpI32Eq)
		b.If()
		b.I32(errnoNomem)
		b.Op(wasm.OpReturn)
		b.End()
		b.Get(old)
		b.I32(16)
		b.Op(wasm.OpI32Shl)
		b.Tee(old)
		b.Get(0, 1)
		b.I32(write)
		b.Call(read)
		b.Set(errno)
		// As it was: zero.
		b.Get(old)
		b.I32(0)
		b.MemorySize(mem)
		b.I32(16)
		b.Op(wasm.OpI32Shl)
		b.Get(old)
		b.Op(wasm.OpI32Sub)
		b.MemoryFill(mem)
		b.Get(errno)
	})
}

// environCall returns the function of a provider by which an instance reads the
// host's environment.
func (f *flattener) environCall(name string, mem graph.MemoryID, inst *graph.Instance, by provider) graph.FuncID {
	t := f.shortType(preview1Types[name])
	if by == 0 {
		key := embedKey{what: name, mem: mem}
		if id := f.embed.shared[key]; id != 0 {
			return id
		}
		// The memory of a core module input is found by the input, of a
		// component by the caller.
		imp := &graph.Import{Module: preview1Module, Name: name, Input: inst.Input}
		if inst.Component != 0 {
			imp.Caller = inst.ID
		}
		id := f.p.AddFunc(graph.Func{Kind: graph.FuncImport, Type: t, Import: imp})
		f.keep(key, id)
		return id
	}
	a := f.p.Instances[by]
	for _, e := range f.p.ModuleOf(a).Code.Exports {
		if e.Kind == wasm.ExternFunc && e.Name == name && f.p.Funcs[a.Funcs[e.Index]].Type == t {
			return a.Funcs[e.Index]
		}
	}
	return 0
}

// maxEnvironment bounds the bytes and the variables of the host's environment,
// so that sums of them fit an address.
const maxEnvironment = 1 << 24

// readEnvironment makes the function that reads the host's environment to the
// end of the memory, from an address on that one page lies behind, and answers
// environ_sizes_get, or environ_get if write is set, from what is passed on.
//
//	(func (param $base $first $second $write i32) (result i32))
func (f *flattener) readEnvironment(mem graph.MemoryID, by provider, sizes, get graph.FuncID) graph.FuncID {
	key := preview1Key{by, mem}
	if id := f.embed.environ[key]; id != 0 {
		return id
	}
	env := f.opts.WASI.Env
	const (
		base   = ir.Local(0)
		first  = ir.Local(1)
		second = ir.Local(2)
		write  = ir.Local(3)
	)
	set, at := zeroEnded(env.variables())
	slack := uint32(16)
	for _, n := range env.Pass {
		slack = max(slack, uint32(len(n))+16) // comparing reads past the end
	}
	b := ir.New(i32List(4))
	i32 := func() ir.Local { return b.Local(wasm.I32) }
	n, size, pages, table, s, length := i32(), i32(), i32(), i32(), i32(), i32()
	count, total := i32(), i32()
	fail := func(errno uint32) {
		b.If()
		b.I32(errno)
		b.Op(wasm.OpReturn)
		b.End()
	}
	add := func(l ir.Local, v uint32) {
		b.Get(l)
		b.I32(v)
		b.Op(wasm.OpI32Add)
	}
	call := func(fn graph.FuncID) { // returns its errno
		b.Call(fn)
		b.Tee(pages)
		b.If()
		b.Get(pages)
		b.Op(wasm.OpReturn)
		b.End()
	}
	b.Get(base)
	add(base, 4)
	call(sizes)
	for i, l := range []ir.Local{n, size} {
		b.Get(base)
		b.Mem(wasm.OpI32Load, mem, 2, uint32(4*i))
		b.Tee(l)
		b.I32(maxEnvironment)
		b.Op(wasm.OpI32GtU)
		fail(errnoOverflow)
	}
	// Room for both, and some more, less the page that is there.
	b.Get(n)
	b.I32(4)
	b.Op(wasm.OpI32Mul)
	b.Get(size)
	b.Op(wasm.OpI32Add)
	b.I32(8 + slack)
	b.Op(wasm.OpI32Add)
	b.I32(16)
	b.Op(wasm.OpI32ShrU)
	b.Tee(pages)
	b.If()
	b.Get(pages)
	b.MemoryGrow(mem)
	b.I32(0xffffffff)
	b.Op(wasm.OpI32Eq)
	fail(errnoNomem)
	b.End()
	add(base, 8)
	b.Tee(table)
	b.Get(table)
	b.Get(n)
	b.I32(2)
	b.Op(wasm.OpI32Shl, wasm.OpI32Add)
	call(get)
	b.I32(0)
	b.Set(count)
	b.I32(0)
	b.Set(total)
	b.Block()
	b.Loop()
	b.Get(n)
	b.Op(wasm.OpI32Eqz)
	b.BrIf(1)
	b.Get(n)
	b.I32(1)
	b.Op(wasm.OpI32Sub)
	b.Set(n)
	b.Get(table)
	b.Mem(wasm.OpI32Load, mem, 2, 0)
	b.Set(s)
	add(table, 4)
	b.Set(table)
	b.I32(0)
	for _, name := range env.Pass {
		compareBytes(b, mem, s, append([]byte(name), '='))
		b.Op(wasm.OpI32Or)
	}
	b.If()
	{
		b.I32(0)
		b.Set(length)
		b.Loop()
		b.Get(s, length)
		b.Op(wasm.OpI32Add)
		b.Mem(wasm.OpI32Load8U, mem, 0, 0)
		add(length, 1)
		b.Set(length)
		b.BrIf(0)
		b.End()
		b.Get(write)
		b.If()
		b.Get(first, count)
		b.I32(2)
		b.Op(wasm.OpI32Shl, wasm.OpI32Add)
		b.Get(second, total)
		b.Op(wasm.OpI32Add)
		b.Mem(wasm.OpI32Store, mem, 2, 0)
		b.Get(second, total)
		b.Op(wasm.OpI32Add)
		b.Get(s, length)
		b.MemoryCopy(mem, mem)
		b.End()
		b.Get(total, length)
		b.Op(wasm.OpI32Add)
		b.Set(total)
		add(count, 1)
		b.Set(count)
	}
	b.End()
	b.Br(0)
	b.End()
	b.End()
	b.Get(write)
	b.If()
	b.Get(first, count)
	b.I32(2)
	b.Op(wasm.OpI32Shl, wasm.OpI32Add)
	b.Set(first)
	b.Get(second, total)
	b.Op(wasm.OpI32Add)
	b.Set(second)
	f.fillStrings(b, mem, set, at, first, second)
	b.Else()
	b.Get(first)
	add(count, uint32(len(at)))
	b.Mem(wasm.OpI32Store, mem, 2, 0)
	b.Get(second)
	add(total, uint32(len(set)))
	b.Mem(wasm.OpI32Store, mem, 2, 0)
	b.End()
	b.I32(0)
	id := f.embedded("the host's environment", i32List(4), i32List(1), b)
	if f.embed.environ == nil {
		f.embed.environ = map[preview1Key]graph.FuncID{}
	}
	f.embed.environ[key] = id
	return id
}

// compareBytes pushes whether the bytes at the address in l are these.
func compareBytes(b *ir.Builder, mem graph.MemoryID, l ir.Local, want []byte) {
	for i := 0; i < len(want); {
		load, size := wasm.OpI32Load8U, 1
		switch rest := len(want) - i; {
		case rest >= 4:
			load, size = wasm.OpI32Load, 4
		case rest >= 2:
			load, size = wasm.OpI32Load16U, 2
		}
		v := uint32(0)
		for k := size - 1; k >= 0; k-- {
			v = v<<8 | uint32(want[i+k])
		}
		b.Get(l)
		b.Mem(load, mem, 0, uint32(i))
		b.I32(v)
		b.Op(wasm.OpI32Eq)
		if i > 0 {
			b.Op(wasm.OpI32And)
		}
		i += size
	}
}
