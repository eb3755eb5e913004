package linker

import (
	"strings"

	"github.com/wbundle/wbundle/graph"
	"github.com/wbundle/wbundle/internal/ir"
	"github.com/wbundle/wbundle/internal/wasm"
)

// Files of the bundle behind preview 1's descriptors.
//
// In: a call of fd_*, path_*, poll_oneoff or sock_* that a core instance makes,
// and who serves it. Out: a function that serves descriptors of the bundle's
// files itself and hands on everything else. There is no memory behind it: the
// files are a passive segment (embedimage.go), from which memory.init copies to
// where the caller wants them, and an open descriptor is a global.
//
// A program finds its directories by asking for descriptor 3, 4, ... until one
// is none. So the bundle's come first, and those of the host after them:
//
//	0, 1, 2               the host's
//	3 .. 3+mounts         directories of the bundle
//	3+mounts .. 2^30      the host's from 3 on
//	2^30 .. 2^30+64       open files and directories of the bundle
//
// A descriptor's state is node | position << 24; 0 is closed. Files are never
// written: opening one to write, creating and removing answer "read-only file
// system". Symbolic links are none, times are 0.
//
// The word function reads the image 4 bytes at a time, by way of a word of the
// caller's memory that it puts back: nothing runs in between that could see it.
// Where a host answers a bad address with an error, these functions trap.

const (
	// firstPreopen is the first descriptor that is not a standard stream.
	firstPreopen = 3
	// openBase is the first descriptor of open files; hosts count from 0.
	openBase = 1 << 30
	// openFiles is how many files of the bundle may be open at a time.
	openFiles = 64
)

// fileTable is the descriptors of the bundle's files, beside those of one
// provider: an adapter has a table of its own, as a component has.
type fileTable struct {
	slots []graph.GlobalID // mounts first
	// functions that know no memory: the slot of a descriptor, -1 for the
	// provider's; reading and writing a slot; the provider's descriptor; the
	// state of a descriptor, -1 for the provider's
	slot, load, store, foreign, state graph.FuncID
}

// speaksOfFiles reports whether a function of preview 1 has descriptors in it.
func speaksOfFiles(name string) bool {
	for _, prefix := range []string{"fd_", "path_", "sock_"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return name == "poll_oneoff"
}

// closed and provided are states of descriptors; -1 is no state, as positions
// have 40 bits and nodes are below 2^24-1.
const provided = ^uint64(0)

// i64List is one i64.
var i64List = []wasm.ValType{wasm.I64}

// fileTableOf returns the descriptors beside those of a provider.
func (f *flattener) fileTableOf(by provider) *fileTable {
	if t := f.embed.files[by]; t != nil {
		return t
	}
	t := &fileTable{}
	roots := f.files().roots
	for i := range len(roots) + openFiles {
		g := graph.Global{Type: wasm.GlobalType{Type: wasm.I64, Mutable: true}, Init: graph.Const{Known: true, Type: wasm.I64}, Name: "descriptor"}
		if i < len(roots) {
			g.Init.Bits = uint64(roots[i])
		}
		t.slots = append(t.slots, f.p.AddGlobal(g))
	}
	mounts := uint32(len(roots))

	b := ir.New(i32List(1))
	b.Get(0)
	b.I32(firstPreopen)
	b.Op(wasm.OpI32Sub)
	b.Get(0)
	b.I32(openBase - mounts)
	b.Op(wasm.OpI32Sub)
	b.I32(0xffffffff)
	// fd-3 below mounts, else fd-openBase+mounts from mounts on below the end, else -1
	b.Get(0)
	b.I32(openBase)
	b.Op(wasm.OpI32Sub)
	b.I32(openFiles)
	b.Op(wasm.OpI32LtU, wasm.OpSelect)
	b.Get(0)
	b.I32(firstPreopen)
	b.Op(wasm.OpI32Sub)
	b.I32(mounts)
	b.Op(wasm.OpI32LtU, wasm.OpSelect)
	t.slot = f.embedded("descriptor: slot", i32List(1), i32List(1), b)

	// each writes a branch for each slot, out of which act returns.
	each := func(b *ir.Builder, act func(g graph.GlobalID)) {
		depths := make([]uint32, len(t.slots))
		for i := range depths {
			depths[i] = uint32(i)
			b.Block()
		}
		b.Block()
		b.Get(0)
		b.BrTable(depths[:len(depths)-1], uint32(len(depths)-1))
		b.End()
		for i := range depths {
			act(t.slots[i])
			b.Op(wasm.OpReturn)
			b.End()
		}
		b.Op(wasm.OpUnreachable)
	}
	b = ir.New(i32List(1))
	each(b, func(g graph.GlobalID) { b.GlobalGet(g) })
	t.load = f.embedded("descriptor: load", i32List(1), i64List, b)

	b = ir.New([]wasm.ValType{wasm.I32, wasm.I64})
	each(b, func(g graph.GlobalID) { b.Get(1); b.GlobalSet(g) })
	t.store = f.embedded("descriptor: store", []wasm.ValType{wasm.I32, wasm.I64}, nil, b)

	b = ir.New(i32List(1))
	b.Get(0)
	b.Get(0)
	b.I32(mounts)
	b.Op(wasm.OpI32Sub)
	b.Get(0)
	b.I32(firstPreopen)
	b.Op(wasm.OpI32LtU, wasm.OpSelect)
	t.foreign = f.embedded("descriptor: the provider's", i32List(1), i32List(1), b)

	b = ir.New(i32List(1))
	b.Get(0)
	b.Call(t.slot)
	b.Tee(0)
	b.I32(0)
	b.Op(wasm.OpI32LtS)
	b.If()
	b.I64(provided)
	b.Op(wasm.OpReturn)
	b.End()
	b.Get(0)
	b.Call(t.load)
	t.state = f.embedded("descriptor: state", i32List(1), i64List, b)

	if f.embed.files == nil {
		f.embed.files = map[provider]*fileTable{}
	}
	f.embed.files[by] = t
	return t
}

// fileCall is one function under construction.
type fileCall struct {
	f   *flattener
	b   *ir.Builder
	t   *fileTable
	img *fileImage
	mem graph.MemoryID
	// raw is the provider's function; params are those of both.
	raw    graph.FuncID
	params int
	state  ir.Local // of the descriptor, i64
	node   ir.Local
	typ    ir.Local // of the node
}

// fileAnswer makes the function that serves one call.
func (f *flattener) fileAnswer(name string, mem graph.MemoryID, by provider, raw func() graph.FuncID) graph.FuncID {
	st := f.p.Types.At(f.shortType(preview1Types[name]))
	t, img := f.fileTableOf(by), f.files()
	if f.embed.err != nil {
		return 0
	}
	b := ir.New(st.Params)
	c := &fileCall{f: f, b: b, t: t, img: img, mem: mem, raw: raw(), params: len(st.Params)}
	switch name {
	case "poll_oneoff":
		c.poll()
	case "path_link", "path_rename":
		c.two(map[string]ir.Local{"path_link": 4, "path_rename": 3}[name])
	case "fd_renumber":
		c.renumber()
	default:
		fd := ir.Local(0)
		if name == "path_symlink" {
			fd = 2
		}
		c.provided(name, fd)
		c.serve(name)
	}
	return f.embedded(coreName(preview1Module, name), st.Params, st.Results, b)
}

// fail returns an error number.
func (c *fileCall) fail(errno uint32) {
	c.b.I32(errno)
	c.b.Op(wasm.OpReturn)
}

// failIf returns an error number where the i32 on the stack is not 0.
func (c *fileCall) failIf(errno uint32) {
	c.b.If()
	c.fail(errno)
	c.b.End()
}

// handOn calls the provider's function with the descriptors in fds translated.
func (c *fileCall) handOn(fds ...ir.Local) {
	for i := range c.params {
		c.b.Get(ir.Local(i))
		for _, fd := range fds {
			if fd == ir.Local(i) {
				c.b.Call(c.t.foreign)
			}
		}
	}
	c.b.Call(c.raw)
}

// provided answers where the descriptor in fd is the provider's, or closed; what
// follows has its state and node.
func (c *fileCall) provided(name string, fd ir.Local) {
	b := c.b
	c.state, c.node, c.typ = b.Local(wasm.I64), b.Local(wasm.I32), b.Local(wasm.I32)
	b.Get(fd)
	b.Call(c.t.state)
	b.Tee(c.state)
	b.I64(provided)
	b.Op(wasm.OpI64Eq)
	b.If()
	c.handOn(fd)
	switch name {
	case "path_open":
		c.opened(8)
	case "sock_accept":
		c.opened(2)
	}
	b.Op(wasm.OpReturn)
	b.End()
	b.Get(c.state)
	b.Op(wasm.OpI64Eqz)
	c.failIf(errnoBadf)
	b.Get(c.state)
	b.Op(wasm.OpI32WrapI64)
	b.I32(1<<nodeBits - 1)
	b.Op(wasm.OpI32And)
	b.Set(c.node)
	c.record(c.node, 12)
	b.Set(c.typ)
}

// opened makes a descriptor that the provider opened one of the program's, if
// the errno on the stack is 0; it is there again afterwards.
func (c *fileCall) opened(out ir.Local) {
	b := c.b
	errno, fd := b.Local(wasm.I32), b.Local(wasm.I32)
	b.Tee(errno)
	b.Op(wasm.OpI32Eqz)
	b.If()
	b.Get(out)
	b.Mem(wasm.OpI32Load, c.mem, 2, 0)
	b.Tee(fd)
	b.I32(firstPreopen)
	b.Op(wasm.OpI32GeU)
	b.If()
	b.Get(fd)
	b.I32(openBase - uint32(len(c.img.mounts)))
	b.Op(wasm.OpI32GeU)
	b.TrapIf() // no host counts that far
	b.Get(out, fd)
	b.I32(uint32(len(c.img.mounts)))
	b.Op(wasm.OpI32Add)
	b.Mem(wasm.OpI32Store, c.mem, 2, 0)
	b.End()
	b.End()
	b.Get(errno)
	b.Free(errno, fd)
}

// word returns the function that reads 4 bytes of the image.
//
//	(func (param $at i32) (result i32))
func (c *fileCall) word() graph.FuncID {
	return c.f.function(embedKey{what: "image: word", mem: c.mem}, i32List(1), i32List(1), func(b *ir.Builder) {
		old, v := b.Local(wasm.I32), b.Local(wasm.I32)
		b.I32(0)
		b.Mem(wasm.OpI32Load, c.mem, 2, 0)
		b.Set(old)
		b.I32(0)
		b.Get(0)
		b.I32(4)
		b.MemoryInit(c.mem, c.img.data)
		b.I32(0)
		b.Mem(wasm.OpI32Load, c.mem, 2, 0)
		b.Set(v)
		b.I32(0)
		b.Get(old)
		b.Mem(wasm.OpI32Store, c.mem, 2, 0)
		b.Get(v)
	})
}

// record pushes a field of a node's record.
func (c *fileCall) record(node ir.Local, field uint32) { c.recordOf(c.b, node, field) }

func (c *fileCall) recordOf(b *ir.Builder, node ir.Local, field uint32) {
	b.Get(node)
	b.I32(4)
	b.Op(wasm.OpI32Shl)
	b.I32(recordSize - field)
	b.Op(wasm.OpI32Sub)
	b.Call(c.word())
}

// position pushes the position of the descriptor.
func (c *fileCall) position() {
	c.b.Get(c.state)
	c.b.I64(nodeBits)
	c.b.Op(wasm.OpI64ShrU)
}

// moveTo sets the position of the descriptor in fd to the i64 in to.
func (c *fileCall) moveTo(fd, to ir.Local) {
	c.b.Get(fd)
	c.b.Call(c.t.slot)
	c.b.Get(to)
	c.b.I64(nodeBits)
	c.b.Op(wasm.OpI64Shl)
	c.b.Get(c.node)
	c.b.Op(wasm.OpI64ExtendI32U, wasm.OpI64Or)
	c.b.Call(c.t.store)
}

// isDirectory pushes whether the node is a directory.
func (c *fileCall) isDirectory() {
	c.b.Get(c.typ)
	c.b.I32(typeDirectory)
	c.b.Op(wasm.OpI32Eq)
}

// serve writes what a function does with a descriptor of the bundle.
func (c *fileCall) serve(name string) {
	b := c.b
	switch name {
	case "fd_close":
		b.Get(0)
		b.Call(c.t.slot)
		b.I64(0)
		b.Call(c.t.store)
		b.I32(0)
	case "fd_sync", "fd_datasync", "fd_fdstat_set_flags":
		b.I32(0) // nothing is written, and nothing waits
	case "fd_advise":
		c.isDirectory()
		c.failIf(errnoIsdir)
		b.I32(0)
	case "fd_write", "fd_pwrite", "fd_allocate", "fd_filestat_set_size":
		b.I32(errnoBadf) // not open to write
	case "fd_filestat_set_times":
		b.I32(errnoRofs)
	case "fd_fdstat_get":
		c.fdstat()
	case "fd_filestat_get":
		b.Get(1, c.node)
		b.Call(c.filestat())
		b.I32(0)
	case "fd_prestat_get", "fd_prestat_dir_name":
		c.prestat(name == "fd_prestat_get")
	case "fd_read", "fd_pread":
		c.read(name == "fd_pread")
	case "fd_readdir":
		c.readdir()
	case "fd_seek":
		c.seek()
	case "fd_tell":
		c.isDirectory()
		c.failIf(errnoIsdir)
		b.Get(1)
		c.position()
		b.Mem(wasm.OpI64Store, c.mem, 3, 0)
		b.I32(0)
	case "path_open":
		c.open()
	case "path_filestat_get":
		c.lookup(2, 3)
		b.Get(4, c.node)
		b.Call(c.filestat())
		b.I32(0)
	case "path_readlink":
		c.lookup(1, 2)
		b.I32(errnoInval) // no symbolic link
	case "path_filestat_set_times":
		c.lookup(2, 3)
		b.I32(errnoRofs)
	case "path_unlink_file", "path_remove_directory":
		c.lookup(1, 2)
		b.I32(errnoRofs)
	case "path_create_directory":
		c.create(1, 2)
	case "path_symlink":
		c.create(3, 4)
	case "sock_accept", "sock_recv", "sock_send", "sock_shutdown":
		b.I32(errnoNotsock)
	default: // fd_fdstat_set_rights
		b.I32(errnoNotsup)
	}
}

// create answers a call that would make something: it is there, or its place is
// read-only.
func (c *fileCall) create(path, length ir.Local) {
	b := c.b
	c.resolve(path, length)
	b.Tee(c.node)
	b.I32(0)
	b.Op(wasm.OpI32GtS)
	c.failIf(errnoExist)
	b.Get(c.node)
	neg := int32(-errnoNoent)
	b.I32(uint32(neg))
	b.Op(wasm.OpI32Eq)
	c.failIf(errnoRofs)
	b.I32(0)
	b.Get(c.node)
	b.Op(wasm.OpI32Sub)
}

// resolve pushes what a path from the node leads to: a node, or an error number
// below 0.
func (c *fileCall) resolve(path, length ir.Local) {
	c.b.Get(c.node, path, length)
	c.b.Call(c.walk())
}

// lookup makes the node what a path from it leads to, or returns the error.
func (c *fileCall) lookup(path, length ir.Local) {
	b := c.b
	c.resolve(path, length)
	b.Tee(c.node)
	b.I32(0)
	b.Op(wasm.OpI32LtS)
	b.If()
	b.I32(0)
	b.Get(c.node)
	b.Op(wasm.OpI32Sub, wasm.OpReturn)
	b.End()
	c.record(c.node, 12)
	b.Set(c.typ)
}

// two writes path_link and path_rename, which have two descriptors: the first
// and the one in second.
func (c *fileCall) two(second ir.Local) {
	b := c.b
	one, other := b.Local(wasm.I32), b.Local(wasm.I32)
	for i, fd := range []ir.Local{0, second} {
		b.Get(fd)
		b.Call(c.t.state)
		b.I64(provided)
		b.Op(wasm.OpI64Eq)
		b.Set([]ir.Local{one, other}[i])
	}
	b.Get(one, other)
	b.Op(wasm.OpI32And)
	b.If()
	c.handOn(0, second)
	b.Op(wasm.OpReturn)
	b.End()
	b.Get(one, other)
	b.Op(wasm.OpI32Or)
	c.failIf(errnoXdev)
	b.I32(errnoRofs)
}

// renumber writes fd_renumber: between two of the bundle, or two of the
// provider.
func (c *fileCall) renumber() {
	b := c.b
	from, to := b.Local(wasm.I64), b.Local(wasm.I64)
	for i, s := range []ir.Local{from, to} {
		b.Get(ir.Local(i))
		b.Call(c.t.state)
		b.Set(s)
	}
	other := func(s ir.Local) {
		b.Get(s)
		b.I64(provided)
		b.Op(wasm.OpI64Eq)
	}
	other(from)
	other(to)
	b.Op(wasm.OpI32And)
	b.If()
	c.handOn(0, 1)
	b.Op(wasm.OpReturn)
	b.End()
	other(from)
	other(to)
	b.Op(wasm.OpI32Or)
	c.failIf(errnoNotsup)
	for _, s := range []ir.Local{from, to} {
		b.Get(s)
		b.Op(wasm.OpI64Eqz)
		c.failIf(errnoBadf)
	}
	// In this order, so that a descriptor renumbered to itself stays.
	b.Get(0)
	b.Call(c.t.slot)
	b.I64(0)
	b.Call(c.t.store)
	b.Get(1)
	b.Call(c.t.slot)
	b.Get(from)
	b.Call(c.t.store)
	b.I32(0)
}
