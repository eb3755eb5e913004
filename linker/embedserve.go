package linker

import (
	"github.com/wbundle/wbundle/graph"
	"github.com/wbundle/wbundle/internal/ir"
	"github.com/wbundle/wbundle/internal/wasm"
)

// The longer ones of the functions that serve files of the bundle: see
// embedfiles.go.

// Rights of preview 1 that descriptors of the bundle have.
const (
	rightsFile = 1<<0 | 1<<1 | 1<<2 | 1<<3 | 1<<4 | 1<<5 | 1<<7 | 1<<21 | 1<<27 // datasync read seek fdstat_set_flags sync tell advise filestat_get poll
	rightsDir  = 1<<0 | 1<<3 | 1<<4 | 1<<13 | 1<<14 | 1<<15 | 1<<18 | 1<<21     // datasync fdstat_set_flags sync path_open readdir path_readlink path_filestat_get filestat_get
	rightWrite = 1 << 6
	// rightsOpen are those that opening a file may ask for. A libc asks for no
	// more than a directory has to give; without the rights to write here, one
	// that wants to write would get a descriptor that it cannot write to, and
	// not an error.
	rightsOpen = rightsDir | rightsFile | rightWrite | 1<<8 | 1<<22 // allocate, filestat_set_size
)

// fdstat writes fd_fdstat_get: type, flags, rights, rights of what is opened
// through it.
func (c *fileCall) fdstat() {
	b := c.b
	b.Get(1)
	b.Get(c.typ)
	b.Op(wasm.OpI64ExtendI32U)
	b.Mem(wasm.OpI64Store, c.mem, 3, 0)
	b.Get(1)
	b.I64(rightsDir)
	b.I64(rightsFile)
	c.isDirectory()
	b.Op(wasm.OpSelect)
	b.Mem(wasm.OpI64Store, c.mem, 3, 8)
	b.Get(1)
	b.I64(rightsOpen)
	b.I64(0)
	c.isDirectory()
	b.Op(wasm.OpSelect)
	b.Mem(wasm.OpI64Store, c.mem, 3, 16)
	b.I32(0)
}

// device is the device number of the bundle's files: none of a host's, one hopes.
const device = 0x7762756e646c65 // wbundle

// filestat returns the function that writes a filestat.
//
//	(func (param $buf $node i32))
func (c *fileCall) filestat() graph.FuncID {
	return c.f.function(embedKey{what: "image: filestat", mem: c.mem}, i32List(2), nil, func(b *ir.Builder) {
		typ := b.Local(wasm.I32)
		b.Get(0)
		b.I32(0)
		b.I32(64)
		b.MemoryFill(c.mem)
		b.Get(0)
		b.I64(device)
		b.Mem(wasm.OpI64Store, c.mem, 3, 0)
		b.Get(0, 1)
		b.Op(wasm.OpI64ExtendI32U)
		b.Mem(wasm.OpI64Store, c.mem, 3, 8)
		c.recordOf(b, 1, 12)
		b.Set(typ)
		b.Get(0, typ)
		b.Mem(wasm.OpI32Store8, c.mem, 0, 16)
		b.Get(0)
		b.I32(1)
		b.Mem(wasm.OpI32Store8, c.mem, 0, 24) // links
		b.Get(typ)
		b.I32(typeRegular)
		b.Op(wasm.OpI32Eq)
		b.If()
		b.Get(0)
		c.recordOf(b, 1, 0)
		b.Mem(wasm.OpI32Store, c.mem, 2, 32)
		b.End()
	})
}

// prestat writes fd_prestat_get, or fd_prestat_dir_name. Only the directories
// that programs begin with have a name.
func (c *fileCall) prestat(get bool) {
	b := c.b
	slot := b.Local(wasm.I32)
	b.Get(0)
	b.Call(c.t.slot)
	b.Set(slot)
	for i, m := range c.img.mounts {
		b.Get(slot)
		b.I32(uint32(i))
		b.Op(wasm.OpI32Eq)
		b.If()
		if get {
			b.Get(1)
			b.I64(uint64(m.length) << 32) // tag 0: a directory
			b.Mem(wasm.OpI64Store, c.mem, 2, 0)
		} else {
			b.Get(2)
			b.I32(m.length)
			b.Op(wasm.OpI32LtU)
			c.failIf(errnoNametoo)
			b.Get(1)
			b.I32(m.at)
			b.I32(m.length)
			b.MemoryInit(c.mem, c.img.data)
		}
		c.fail(0)
		b.End()
	}
	b.I32(errnoBadf)
}

// read writes fd_read (fd, vectors, count, result), or fd_pread, which has an
// offset before the result.
func (c *fileCall) read(positioned bool) {
	b := c.b
	vectors, count, result := ir.Local(1), ir.Local(2), ir.Local(3)
	at := b.Local(wasm.I64)
	c.isDirectory()
	c.failIf(errnoIsdir)
	if positioned {
		result = 4
		b.Get(3)
		b.I64(0)
		b.Op(wasm.OpI64LtS)
		c.failIf(errnoInval)
		b.Get(3)
		b.Set(at)
	} else {
		c.position()
		b.Set(at)
	}
	size, content, n, total := b.Local(wasm.I32), b.Local(wasm.I32), b.Local(wasm.I32), b.Local(wasm.I32)
	c.record(c.node, 0)
	b.Set(size)
	c.record(c.node, 4)
	b.Set(content)
	b.I32(0)
	b.Set(total)
	// The rest of the file: content, size.
	b.Get(at, size)
	b.Op(wasm.OpI64ExtendI32U, wasm.OpI64LtU)
	b.If()
	for _, l := range []struct {
		local ir.Local
		op    wasm.Opcode
	}{{content, wasm.OpI32Add}, {size, wasm.OpI32Sub}} {
		b.Get(l.local, at)
		b.Op(wasm.OpI32WrapI64, l.op)
		b.Set(l.local)
	}
	b.Block()
	b.Loop()
	b.Get(count)
	b.Op(wasm.OpI32Eqz)
	b.BrIf(1)
	b.Get(vectors)
	b.Mem(wasm.OpI32Load, c.mem, 2, 4)
	b.Tee(n)
	b.Get(size)
	b.Get(n, size)
	b.Op(wasm.OpI32LtU, wasm.OpSelect)
	b.Set(n)
	b.Get(vectors)
	b.Mem(wasm.OpI32Load, c.mem, 2, 0)
	b.Get(content, n)
	b.MemoryInit(c.mem, c.img.data)
	for _, l := range []struct {
		local ir.Local
		op    wasm.Opcode
	}{{content, wasm.OpI32Add}, {size, wasm.OpI32Sub}, {total, wasm.OpI32Add}} {
		b.Get(l.local, n)
		b.Op(l.op)
		b.Set(l.local)
	}
	b.Get(vectors)
	b.I32(8)
	b.Op(wasm.OpI32Add)
	b.Set(vectors)
	b.Get(count)
	b.I32(1)
	b.Op(wasm.OpI32Sub)
	b.Set(count)
	b.Br(0)
	b.End()
	b.End()
	b.End()
	if !positioned {
		b.Get(at, total)
		b.Op(wasm.OpI64ExtendI32U, wasm.OpI64Add)
		b.Set(at)
		c.moveTo(0, at)
	}
	b.Get(result, total)
	b.Mem(wasm.OpI32Store, c.mem, 2, 0)
	b.I32(0)
}

// maxPosition is the first position that does not fit a descriptor's state.
const maxPosition = 1 << (64 - nodeBits - 1)

// seek writes fd_seek (fd, offset, whence, result).
func (c *fileCall) seek() {
	b := c.b
	to := b.Local(wasm.I64)
	c.isDirectory()
	c.failIf(errnoIsdir)
	b.Get(2)
	b.I32(2)
	b.Op(wasm.OpI32GtU)
	c.failIf(errnoInval)
	b.I64(0)
	b.Set(to)
	for whence, push := range []func(){nil, c.position, func() { c.record(c.node, 0); b.Op(wasm.OpI64ExtendI32U) }} {
		if push == nil {
			continue
		}
		b.Get(2)
		b.I32(uint32(whence))
		b.Op(wasm.OpI32Eq)
		b.If()
		push()
		b.Set(to)
		b.End()
	}
	// Where the sum is, without wrapping around: from is at least 0 and small.
	b.Get(1)
	b.I64(maxPosition)
	b.Op(wasm.OpI64GeS)
	c.failIf(errnoOverflow)
	b.Get(to, 1)
	b.Op(wasm.OpI64Add)
	b.Tee(to)
	b.I64(0)
	b.Op(wasm.OpI64LtS)
	c.failIf(errnoInval)
	b.Get(to)
	b.I64(maxPosition)
	b.Op(wasm.OpI64GeS)
	c.failIf(errnoOverflow)
	c.moveTo(0, to)
	b.Get(3, to)
	b.Mem(wasm.OpI64Store, c.mem, 3, 0)
	b.I32(0)
}

// readdir writes fd_readdir (fd, buf, length, cookie, used).
func (c *fileCall) readdir() {
	b := c.b
	rest, at := b.Local(wasm.I32), b.Local(wasm.I32)
	c.isDirectory()
	b.Op(wasm.OpI32Eqz)
	c.failIf(errnoNotdir)
	c.record(c.node, 0)
	b.Set(rest)
	b.Get(3, rest)
	b.Op(wasm.OpI64ExtendI32U, wasm.OpI64GtU)
	c.failIf(errnoInval)
	b.Get(3)
	b.Op(wasm.OpI32WrapI64)
	b.Set(at)
	b.Get(rest, at)
	b.Op(wasm.OpI32Sub)
	b.Tee(rest)
	b.Get(2)
	b.Get(rest, 2)
	b.Op(wasm.OpI32LtU, wasm.OpSelect)
	b.Set(rest)
	b.Get(1)
	c.record(c.node, 4)
	b.Get(at)
	b.Op(wasm.OpI32Add)
	b.Get(rest)
	b.MemoryInit(c.mem, c.img.data)
	b.Get(4, rest)
	b.Mem(wasm.OpI32Store, c.mem, 2, 0)
	b.I32(0)
}

// The flags of path_open.
const (
	oflagCreat     = 1
	oflagDirectory = 2
	oflagExcl      = 4
	oflagTrunc     = 8
)

// open writes path_open (fd, dirflags, path, length, oflags, rights, inherited,
// fdflags, result).
func (c *fileCall) open() {
	b := c.b
	slot := b.Local(wasm.I32)
	flag := func(bits uint32) {
		b.Get(4)
		b.I32(bits)
		b.Op(wasm.OpI32And)
	}
	b.Get(4)
	b.I32(oflagCreat)
	b.Op(wasm.OpI32And)
	b.If()
	{
		c.resolve(2, 3)
		neg := int32(-errnoNoent)
		b.I32(uint32(neg))
		b.Op(wasm.OpI32Eq)
		c.failIf(errnoRofs)
	}
	b.End()
	c.lookup(2, 3)
	flag(oflagCreat | oflagExcl)
	b.I32(oflagCreat | oflagExcl)
	b.Op(wasm.OpI32Eq)
	c.failIf(errnoExist)
	c.isDirectory()
	b.If()
	flag(oflagTrunc)
	b.Op(wasm.OpI32Eqz)
	b.Get(5)
	b.I64(rightWrite)
	b.Op(wasm.OpI64And, wasm.OpI64Eqz)
	flag(oflagDirectory)
	b.I32(0)
	b.Op(wasm.OpI32Ne, wasm.OpI32Or, wasm.OpI32And, wasm.OpI32Eqz)
	c.failIf(errnoIsdir)
	b.Else()
	flag(oflagDirectory)
	c.failIf(errnoNotdir)
	flag(oflagTrunc)
	c.failIf(errnoRofs)
	b.Get(5)
	b.I64(rightWrite)
	b.Op(wasm.OpI64And, wasm.OpI64Eqz, wasm.OpI32Eqz)
	c.failIf(errnoRofs)
	b.End()
	b.I32(uint32(len(c.img.mounts)))
	b.Set(slot)
	b.Block()
	b.Loop()
	b.Get(slot)
	b.Call(c.t.load)
	b.Op(wasm.OpI64Eqz)
	b.BrIf(1)
	b.Get(slot)
	b.I32(1)
	b.Op(wasm.OpI32Add)
	b.Tee(slot)
	b.I32(uint32(len(c.img.mounts)) + openFiles)
	b.Op(wasm.OpI32LtU)
	b.BrIf(0)
	b.End()
	c.fail(errnoMfile)
	b.End()
	b.Get(slot, c.node)
	b.Op(wasm.OpI64ExtendI32U)
	b.Call(c.t.store)
	b.Get(8, slot)
	b.I32(openBase - uint32(len(c.img.mounts)))
	b.Op(wasm.OpI32Add)
	b.Mem(wasm.OpI32Store, c.mem, 2, 0)
	b.I32(0)
}

// walk returns the function that follows a path from a node.
//
//	(func (param $node $path $length i32) (result i32)) ;; a node, or -errno
func (c *fileCall) walk() graph.FuncID {
	return c.f.function(embedKey{what: "image: walk", mem: c.mem}, i32List(3), i32List(1), func(b *ir.Builder) {
		const (
			node   = ir.Local(0)
			p      = ir.Local(1)
			length = ir.Local(2)
		)
		mem := c.mem
		i32 := func() ir.Local { return b.Local(wasm.I32) }
		end, depth, q, n, at, stream, stop, i := i32(), i32(), i32(), i32(), i32(), i32(), i32(), i32()
		fail := func(errno int32) {
			b.I32(uint32(-errno))
			b.Op(wasm.OpReturn)
		}
		failIf := func(errno int32) {
			b.If()
			fail(errno)
			b.End()
		}
		add := func(l ir.Local, v uint32) {
			b.Get(l)
			b.I32(v)
			b.Op(wasm.OpI32Add)
		}
		byteIs := func(l ir.Local, off uint32, ch byte) {
			b.Get(l)
			b.Mem(wasm.OpI32Load8U, mem, 0, off)
			b.I32(uint32(ch))
			b.Op(wasm.OpI32Eq)
		}
		word := c.word()
		b.Get(length)
		b.Op(wasm.OpI32Eqz)
		failIf(errnoNoent)
		byteIs(p, 0, '/')
		failIf(errnoPerm)
		b.Get(p, length)
		b.Op(wasm.OpI32Add)
		b.Set(end)
		b.I32(0)
		b.Set(depth)
		b.Block()
		b.Loop() // over the parts of the path
		{
			b.Get(p, end)
			b.Op(wasm.OpI32Eq)
			b.BrIf(1)
			c.recordOf(b, node, 12)
			b.I32(typeDirectory)
			b.Op(wasm.OpI32Ne)
			failIf(errnoNotdir) // a slash behind a file, too
			byteIs(p, 0, '/')
			b.If()
			add(p, 1)
			b.Set(p)
			b.Br(1)
			b.End()
			b.Get(p)
			b.Set(q)
			b.Block()
			b.Loop()
			b.Get(q, end)
			b.Op(wasm.OpI32Eq)
			b.BrIf(1)
			byteIs(q, 0, '/')
			b.BrIf(1)
			add(q, 1)
			b.Set(q)
			b.Br(0)
			b.End()
			b.End()
			b.Get(q, p)
			b.Op(wasm.OpI32Sub)
			b.Set(n)
			// "." and ".."
			b.Block()
			{
				byteIs(p, 0, '.')
				b.Op(wasm.OpI32Eqz)
				b.BrIf(0)
				b.Get(n)
				b.I32(1)
				b.Op(wasm.OpI32Eq)
				b.If()
				b.Get(q)
				b.Set(p)
				b.Br(2)
				b.End()
				b.Get(n)
				b.I32(2)
				b.Op(wasm.OpI32Ne)
				b.BrIf(0)
				byteIs(p, 1, '.')
				b.Op(wasm.OpI32Eqz)
				b.BrIf(0)
				b.Get(depth)
				b.Op(wasm.OpI32Eqz)
				failIf(errnoPerm) // out of where the program was let in
				add(depth, 0xffffffff)
				b.Set(depth)
				c.recordOf(b, node, 8)
				b.Set(node)
				b.Get(q)
				b.Set(p)
				b.Br(1)
			}
			b.End()
			c.recordOf(b, node, 4)
			b.Tee(stream)
			b.Tee(at)
			c.recordOf(b, node, 0)
			b.Op(wasm.OpI32Add)
			b.Set(stop)
			b.Block() // left by what is found
			b.Loop()  // over the entries
			{
				b.Get(at, stop)
				b.Op(wasm.OpI32Eq)
				failIf(errnoNoent)
				b.Block()
				{
					add(at, 16)
					b.Call(word)
					b.Get(n)
					b.Op(wasm.OpI32Ne)
					b.BrIf(0)
					b.I32(0)
					b.Set(i)
					b.Loop()
					b.Get(p, i)
					b.Op(wasm.OpI32Add)
					b.Mem(wasm.OpI32Load8U, mem, 0, 0)
					b.Get(at, i)
					b.Op(wasm.OpI32Add)
					b.I32(entrySize)
					b.Op(wasm.OpI32Add)
					b.Call(word)
					b.I32(0xff)
					b.Op(wasm.OpI32And, wasm.OpI32Ne)
					b.BrIf(1)
					add(i, 1)
					b.Tee(i)
					b.Get(n)
					b.Op(wasm.OpI32Ne)
					b.BrIf(0)
					b.End()
					b.Br(2) // found
				}
				b.End()
				b.Get(stream, at)
				b.Call(word)
				b.Op(wasm.OpI32Add)
				b.Set(at)
				b.Br(0)
			}
			b.End()
			b.End()
			add(at, 8)
			b.Call(word)
			b.Set(node)
			add(depth, 1)
			b.Set(depth)
			b.Get(q)
			b.Set(p)
			b.Br(0)
		}
		b.End()
		b.End()
		b.Get(node)
	})
}

// Sizes of preview 1's structures for poll_oneoff.
const (
	subscriptionSize = 48
	eventSize        = 32
)

// poll writes poll_oneoff (subscriptions, events, count, result). Files of the
// bundle are ready at once: if there are any, they are the answer. Else the
// provider is asked about its own descriptors.
func (c *fileCall) poll() {
	b := c.b
	const (
		subs   = ir.Local(0)
		events = ir.Local(1)
		count  = ir.Local(2)
		result = ir.Local(3)
	)
	i32 := func() ir.Local { return b.Local(wasm.I32) }
	i, sub, event, ready, errno, tag := i32(), i32(), i32(), i32(), i32(), i32()
	c.state, c.node = b.Local(wasm.I64), i32()
	// each runs over the subscriptions that are about descriptors.
	each := func(body func()) {
		b.Get(count)
		b.Set(i)
		b.Get(subs)
		b.Set(sub)
		b.Block()
		b.Loop()
		b.Get(i)
		b.Op(wasm.OpI32Eqz)
		b.BrIf(1)
		b.Get(sub)
		b.Mem(wasm.OpI32Load8U, c.mem, 0, 8)
		b.Tee(tag)
		b.If()
		body()
		b.End()
		b.Get(sub)
		b.I32(subscriptionSize)
		b.Op(wasm.OpI32Add)
		b.Set(sub)
		b.Get(i)
		b.I32(1)
		b.Op(wasm.OpI32Sub)
		b.Set(i)
		b.Br(0)
		b.End()
		b.End()
	}
	fd := func() { b.Get(sub); b.Mem(wasm.OpI32Load, c.mem, 2, 16) }
	b.I32(0)
	b.Set(ready)
	b.Get(events)
	b.Set(event)
	each(func() {
		fd()
		b.Call(c.t.state)
		b.Tee(c.state)
		b.I64(provided)
		b.Op(wasm.OpI64Ne)
		b.If()
		b.Get(event)
		b.I32(0)
		b.I32(eventSize)
		b.MemoryFill(c.mem)
		b.Get(event)
		b.Get(sub)
		b.Mem(wasm.OpI64Load, c.mem, 3, 0)
		b.Mem(wasm.OpI64Store, c.mem, 3, 0)
		b.Get(event, tag)
		b.Mem(wasm.OpI32Store8, c.mem, 0, 10)
		b.Get(c.state)
		b.Op(wasm.OpI64Eqz)
		b.Get(tag)
		b.I32(1)
		b.Op(wasm.OpI32Ne, wasm.OpI32Or)
		b.If() // closed, or not open to write
		b.Get(event)
		b.I32(errnoBadf)
		b.Mem(wasm.OpI32Store16, c.mem, 1, 8)
		b.Else()
		b.Get(c.state)
		b.Op(wasm.OpI32WrapI64)
		b.I32(1<<nodeBits - 1)
		b.Op(wasm.OpI32And)
		b.Set(c.node)
		b.Get(event)
		c.record(c.node, 0)
		b.Op(wasm.OpI64ExtendI32U)
		c.position()
		b.Op(wasm.OpI64Sub)
		b.Mem(wasm.OpI64Store, c.mem, 3, 16)
		b.Get(event)
		b.Mem(wasm.OpI64Load, c.mem, 3, 16)
		b.I64(0)
		b.Op(wasm.OpI64LtS)
		b.If()
		b.Get(event)
		b.I64(0)
		b.Mem(wasm.OpI64Store, c.mem, 3, 16)
		b.End()
		b.End()
		b.Get(event)
		b.I32(eventSize)
		b.Op(wasm.OpI32Add)
		b.Set(event)
		b.Get(ready)
		b.I32(1)
		b.Op(wasm.OpI32Add)
		b.Set(ready)
		b.End()
	})
	b.Get(ready)
	b.If()
	b.Get(result, ready)
	b.Mem(wasm.OpI32Store, c.mem, 2, 0)
	c.fail(0)
	b.End()
	each(func() {
		b.Get(sub)
		fd()
		b.Call(c.t.foreign)
		b.Mem(wasm.OpI32Store, c.mem, 2, 16)
	})
	b.Get(subs, events, count, result)
	b.Call(c.raw)
	b.Set(errno)
	each(func() {
		fd()
		b.I32(firstPreopen)
		b.Op(wasm.OpI32GeU)
		b.If()
		b.Get(sub)
		fd()
		b.I32(uint32(len(c.img.mounts)))
		b.Op(wasm.OpI32Add)
		b.Mem(wasm.OpI32Store, c.mem, 2, 16)
		b.End()
	})
	b.Get(errno)
}
