package linker_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"

	"github.com/wbundle/wbundle/linker"
)

// fdCaller calls preview 1 as a program would, one function at a time, with stock
// wazero behind it.
type fdCaller struct {
	t   *testing.T
	mod api.Module
}

// newCaller runs a bundle of testdata/embed/proxy, alone or behind front.
func newCaller(t *testing.T, wasm []byte, fs wazero.FSConfig) *fdCaller {
	t.Helper()
	ctx := context.Background()
	rt := wazero.NewRuntime(ctx)
	t.Cleanup(func() { rt.Close(ctx) })
	wasi_snapshot_preview1.MustInstantiate(ctx, rt)
	mod, err := rt.InstantiateWithConfig(ctx, wasm, wazero.NewModuleConfig().WithFSConfig(fs).WithStdin(strings.NewReader("input")))
	if err != nil {
		t.Fatal(err)
	}
	return &fdCaller{t, mod}
}

// call returns the errno.
func (c *fdCaller) call(name string, args ...uint64) uint32 {
	c.t.Helper()
	out, err := c.mod.ExportedFunction(name).Call(context.Background(), args...)
	if err != nil {
		c.t.Fatalf("%s%v: %v", name, args, err)
	}
	if len(out) == 0 {
		return 0
	}
	return uint32(out[0])
}

// errno wants an errno.
func (c *fdCaller) errno(want uint32, name string, args ...uint64) {
	c.t.Helper()
	if got := c.call(name, args...); got != want {
		c.t.Errorf("%s%v: errno %d, want %d", name, args, got, want)
	}
}

// The caller's memory: where paths, results and buffers lie.
const (
	pathAt   = 0x1000
	otherAt  = 0x2000
	resultAt = 0x3000
	vectorAt = 0x3100
	bufferAt = 0x4000
)

func (c *fdCaller) put(at uint64, b []byte) {
	for i, x := range b {
		c.call("store8", at+uint64(i), uint64(x))
	}
}

func (c *fdCaller) get(at uint64, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(c.call("load8", at+uint64(i)))
	}
	return b
}

func (c *fdCaller) u32(at uint64) uint32 { return binary.LittleEndian.Uint32(c.get(at, 4)) }
func (c *fdCaller) u64(at uint64) uint64 { return binary.LittleEndian.Uint64(c.get(at, 8)) }

// path puts a path and returns its address and length.
func (c *fdCaller) path(p string) (at, n uint64) {
	c.put(pathAt, []byte(p))
	return pathAt, uint64(len(p))
}

const rightRead = 1 << 1

// open opens a path to read.
func (c *fdCaller) open(dir uint64, p string, oflags, rights uint64) (fd uint64, errno uint32) {
	c.t.Helper()
	at, n := c.path(p)
	if errno = c.call("path_open", dir, 1, at, n, oflags, rights, rights, 0, resultAt); errno != 0 {
		return 0, errno
	}
	return uint64(c.u32(resultAt)), 0
}

func (c *fdCaller) mustOpen(dir uint64, p string, oflags uint64) uint64 {
	c.t.Helper()
	fd, errno := c.open(dir, p, oflags, rightRead)
	if errno != 0 {
		c.t.Fatalf("open %s: errno %d", p, errno)
	}
	return fd
}

// read reads into two buffers of some sizes.
func (c *fdCaller) read(fd uint64, sizes ...uint32) string {
	c.t.Helper()
	at, v := uint32(bufferAt), []byte{}
	for _, s := range sizes {
		v = binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(v, at), s)
		at += s
	}
	c.put(vectorAt, v)
	c.errno(0, "fd_read", fd, vectorAt, uint64(len(sizes)), resultAt)
	return string(c.get(bufferAt, int(c.u32(resultAt))))
}

// entries reads a directory through a buffer of some size, as a libc does.
func (c *fdCaller) entries(fd, size uint64) (names []string) {
	c.t.Helper()
	for cookie := uint64(0); ; {
		c.errno(0, "fd_readdir", fd, bufferAt, size, cookie, resultAt)
		used := uint64(c.u32(resultAt))
		b := c.get(bufferAt, int(used))
		whole := 0
		for len(b) >= 24 {
			n := int(binary.LittleEndian.Uint32(b[16:]))
			if len(b) < 24+n {
				break
			}
			kind := map[byte]string{3: "/", 4: ""}[b[20]]
			names = append(names, string(b[24:24+n])+kind)
			cookie = binary.LittleEndian.Uint64(b)
			b = b[24+n:]
			whole++
		}
		if used < size {
			return names
		}
		if whole == 0 {
			c.t.Fatalf("a buffer of %d bytes is too small", size)
		}
	}
}

// TestEmbedDescriptors calls preview 1 on files of the bundle and of the host
// beside them, in a memory of its own and in windows.
func TestEmbedDescriptors(t *testing.T) {
	t.Parallel()
	host := t.TempDir()
	writeTree(t, host, map[string][]byte{"host.txt": []byte("of the host"), "sub/x": nil})
	big := make([]byte, 100_000)
	for i := range big {
		big[i] = byte(i % 251)
	}
	mounts := []linker.Mount{
		{Path: "/data", Files: map[string][]byte{"a.txt": []byte("hello"), "ab.txt": []byte("other"), "big": big, "dir/deep/x": []byte("x"), "dir/y": nil, "hollow/": nil}},
		{Path: "/", Files: map[string][]byte{"etc/ünï": []byte("u")}},
	}
	alone := []linker.Input{input(t, "testdata/embed", "proxy")}
	behind := []linker.Input{input(t, "testdata/embed", "front"), input(t, "testdata/embed", "proxy")}
	for _, tt := range []struct {
		name   string
		inputs []linker.Input
		o      linker.Options
	}{
		{"alone", alone, linker.Options{}},
		{"alone, optimized", alone, linker.Options{Optimize: linker.OptimizeSize}},
		{"in a window", behind, linker.Options{}},
		{"in a window, optimized", behind, linker.Options{Optimize: linker.OptimizeSize}},
		{"in a window that traps", behind, linker.Options{Isolation: linker.IsolationTrap}},
		{"in a window with a mask", behind, linker.Options{Isolation: linker.IsolationMask}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o := tt.o
			o.WASI, o.Check = linker.WASI{Mounts: mounts}, true
			r := link(t, tt.inputs, o)
			if windows := len(r.Summary.Windows) > 1; windows != (len(tt.inputs) > 1) {
				t.Fatalf("windows %v", r.Summary.Windows)
			}
			c := newCaller(t, r.Output, wazero.NewFSConfig().WithDirMount(host, "/host"))
			descriptorProgram(c, big)
		})
	}
}

// descriptorProgram is the program: what is expected of each call.
func descriptorProgram(c *fdCaller, big []byte) {
	// The directories: those of the bundle, then the host's, then none.
	for i, want := range []string{"/data", "/", "/host"} {
		fd := uint64(3 + i)
		c.errno(0, "fd_prestat_get", fd, resultAt)
		if tag, n := c.u32(resultAt), c.u32(resultAt+4); tag != 0 || int(n) != len(want) {
			c.t.Errorf("directory %d: tag %d, a name of %d bytes", fd, tag, n)
		}
		c.errno(0, "fd_prestat_dir_name", fd, bufferAt, uint64(len(want)))
		if got := string(c.get(bufferAt, len(want))); got != want {
			c.t.Errorf("directory %d is %q, want %q", fd, got, want)
		}
	}
	c.errno(8, "fd_prestat_get", 6, resultAt)
	c.errno(37, "fd_prestat_dir_name", 3, bufferAt, 4)

	// Paths.
	const missing, notDir, perm, isDir, readOnly, exists, invalid = 44, 54, 63, 31, 69, 20, 28
	for _, tt := range []struct {
		path  string
		errno uint32
	}{
		{"a.txt", 0}, {"./a.txt", 0}, {"dir/../a.txt", 0}, {"dir/deep/../../a.txt", 0}, {"dir//deep/.//x", 0}, {"dir/", 0}, {".", 0}, {"dir/.", 0}, {"hollow/", 0},
		{"", missing}, {"a", missing}, {"a.tx", missing}, {"a.txt1", missing}, {"A.txt", missing}, {"dir/z", missing}, {"none/../a.txt", missing},
		{"a.txt/", notDir}, {"a.txt/.", notDir}, {"a.txt/..", notDir}, {"a.txt/x", notDir}, {"dir/deep/x/", notDir},
		{"..", perm}, {"../data/a.txt", perm}, {"dir/../..", perm}, {"/data/a.txt", perm}, {"/", perm},
	} {
		fd, errno := c.open(3, tt.path, 0, rightRead)
		if errno != tt.errno {
			c.t.Errorf("open %q: errno %d, want %d", tt.path, errno, tt.errno)
		} else if errno == 0 {
			c.errno(0, "fd_close", fd)
		}
	}
	for _, tt := range []struct {
		path           string
		oflags, rights uint64
		errno          uint32
	}{
		{"a.txt", 1, rightRead, 0}, {"new", 1, rightRead, readOnly}, {"a.txt", 5, rightRead, exists}, {"a.txt", 8, rightRead, readOnly}, {"a.txt", 2, rightRead, notDir},
		{"a.txt", 0, 1 << 6, readOnly}, {"dir", 0, 1 << 6, isDir}, {"dir", 8, rightRead, isDir}, {"dir", 2, rightRead, 0}, {"dir", 2, 1 << 6, 0}, {"none/new", 1, 0, readOnly},
	} {
		fd, errno := c.open(3, tt.path, tt.oflags, tt.rights)
		if errno != tt.errno {
			c.t.Errorf("open %q, flags %d, rights %d: errno %d, want %d", tt.path, tt.oflags, tt.rights, errno, tt.errno)
		} else if errno == 0 {
			c.errno(0, "fd_close", fd)
		}
	}
	// From a directory that was opened, too.
	dir := c.mustOpen(3, "dir", 2)
	if _, errno := c.open(dir, "..", 0, rightRead); errno != perm {
		c.t.Errorf("out of a directory: errno %d", errno)
	}
	if got := c.read(c.mustOpen(dir, "deep/x", 0), 10); got != "x" {
		c.t.Errorf("deep/x is %q", got)
	}
	if got := c.read(c.mustOpen(4, "etc/ünï", 0), 10); got != "u" {
		c.t.Errorf("etc/ünï is %q", got)
	}

	// Reading: several buffers, past the end, at an offset.
	fd := c.mustOpen(3, "a.txt", 0)
	if got := c.read(fd, 2, 0, 1); got != "hel" {
		c.t.Errorf("read %q", got)
	}
	if got := c.read(fd, 1, 5); got != "lo" {
		c.t.Errorf("read %q", got)
	}
	if got := c.read(fd, 5); got != "" {
		c.t.Errorf("read %q at the end", got)
	}
	c.put(vectorAt, binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(nil, bufferAt), 3))
	for off, want := range map[int64]string{0: "hel", 3: "lo", 5: "", 1 << 40: ""} {
		c.errno(0, "fd_pread", fd, vectorAt, 1, uint64(off), resultAt)
		if got := string(c.get(bufferAt, int(c.u32(resultAt)))); got != want {
			c.t.Errorf("at %d: %q, want %q", off, got, want)
		}
	}
	c.errno(invalid, "fd_pread", fd, vectorAt, 1, 1<<63, resultAt)
	negative := func(n int64) uint64 { return uint64(-n) }
	for _, s := range []struct {
		off, whence uint64
		errno       uint32
		at          uint64
	}{
		{1, 0, 0, 1}, {2, 1, 0, 3}, {negative(1), 2, 0, 4}, {negative(5), 1, invalid, 4}, {negative(1), 0, invalid, 4}, {negative(6), 2, invalid, 4}, {0, 3, invalid, 4},
		{1 << 30, 0, 0, 1 << 30}, {1 << 62, 1, 61, 1 << 30}, {1<<63 - 1, 2, 61, 1 << 30}, {1 << 63, 1, invalid, 1 << 30}, {1<<39 - 1, 0, 0, 1<<39 - 1}, {1, 1, 61, 1<<39 - 1}, {1 << 39, 0, 61, 1<<39 - 1}, {0, 0, 0, 0},
	} {
		c.errno(s.errno, "fd_seek", fd, s.off, s.whence, resultAt)
		c.errno(0, "fd_tell", fd, resultAt)
		if at := c.u64(resultAt); at != s.at {
			c.t.Errorf("seek %d from %d: at %d, want %d", int64(s.off), s.whence, at, s.at)
		}
	}
	if got := c.read(c.mustOpen(3, "big", 0), 60_000, 50_000); got != string(big) {
		c.t.Errorf("big differs: %d bytes", len(got))
	}

	// What is not for reading.
	c.errno(8, "fd_write", fd, vectorAt, 1, resultAt)
	c.errno(8, "fd_filestat_set_size", fd, 1)
	c.errno(8, "fd_allocate", fd, 0, 1)
	c.errno(readOnly, "fd_filestat_set_times", fd, 0, 0, 0)
	c.errno(58, "fd_fdstat_set_rights", fd, 0, 0)
	c.errno(0, "fd_advise", fd, 0, 0, 0)
	c.errno(isDir, "fd_advise", dir, 0, 0, 0)
	c.errno(isDir, "fd_read", dir, vectorAt, 1, resultAt)
	c.errno(isDir, "fd_seek", dir, 0, 0, resultAt)
	c.errno(isDir, "fd_tell", dir, resultAt)
	c.errno(notDir, "fd_readdir", fd, bufferAt, 100, 0, resultAt)
	c.errno(57, "sock_shutdown", fd, 0)
	c.errno(57, "sock_accept", fd, 0, resultAt)
	at, n := c.path("a.txt")
	c.errno(exists, "path_create_directory", 3, at, n)
	c.errno(readOnly, "path_create_directory", 3, at, n-1)
	c.errno(readOnly, "path_unlink_file", 3, at, n)
	c.errno(missing, "path_unlink_file", 3, at, n-1)
	c.errno(readOnly, "path_remove_directory", 3, at, n)
	c.errno(readOnly, "path_filestat_set_times", 3, 0, at, n, 0, 0, 0)
	c.errno(exists, "path_symlink", at, n, 3, at, n)
	c.errno(readOnly, "path_symlink", at, n, 3, at, n-1)
	c.errno(invalid, "path_readlink", 3, at, n, bufferAt, 100, resultAt)
	c.errno(missing, "path_readlink", 3, at, n-1, bufferAt, 100, resultAt)
	c.errno(readOnly, "path_rename", 3, at, n, 4, at, n)
	c.errno(readOnly, "path_link", 3, 0, at, n, dir, at, n)
	c.errno(75, "path_rename", 3, at, n, 5, at, n)
	c.errno(75, "path_link", 5, 0, at, n, 3, at, n)

	// What is known of files.
	stat := func(at uint64) string {
		b := c.get(at, 64)
		le := binary.LittleEndian
		return fmt.Sprintf("type %d links %d size %d times %d %d %d", b[16], le.Uint64(b[24:]), le.Uint64(b[32:]), le.Uint64(b[40:]), le.Uint64(b[48:]), le.Uint64(b[56:]))
	}
	c.put(bufferAt, make([]byte, 80))
	c.errno(0, "path_filestat_get", 3, 1, at, n, bufferAt)
	if got := stat(bufferAt); got != "type 4 links 1 size 5 times 0 0 0" {
		c.t.Errorf("a.txt: %s", got)
	}
	c.errno(0, "fd_filestat_get", fd, bufferAt+8)
	if got := stat(bufferAt + 8); got != "type 4 links 1 size 5 times 0 0 0" {
		c.t.Errorf("a.txt, open: %s", got)
	}
	c.errno(0, "fd_filestat_get", dir, bufferAt)
	if got := stat(bufferAt); got != "type 3 links 1 size 0 times 0 0 0" {
		c.t.Errorf("dir: %s", got)
	}
	inode := c.u64(bufferAt + 8)
	c.errno(0, "fd_filestat_get", fd, bufferAt)
	if c.u64(bufferAt+8) == inode {
		c.t.Error("two files have one inode")
	}
	c.errno(0, "fd_fdstat_get", fd, bufferAt)
	if b := c.get(bufferAt, 24); b[0] != 4 || b[8]&2 == 0 || b[8]&(1<<6) != 0 {
		c.t.Errorf("fdstat of a.txt: %x", b)
	}

	// Directories, through buffers that entries do not fit into.
	for fd, want := range map[uint64]string{3: "./ ../ a.txt ab.txt big dir/ hollow/", 4: "./ ../ etc/", dir: "./ ../ deep/ y", c.mustOpen(3, "hollow", 2): "./ ../"} {
		for _, size := range []uint64{31, 32, 57, 100, 4096} {
			if got := strings.Join(c.entries(fd, size), " "); got != want {
				c.t.Errorf("directory %d, buffer of %d: %s, want %s", fd, size, got, want)
			}
		}
	}
	c.errno(invalid, "fd_readdir", dir, bufferAt, 100, 1<<32, resultAt)

	// The host's files, whose descriptors have moved.
	hostFile := c.mustOpen(5, "host.txt", 0)
	if got := c.read(hostFile, 100); got != "of the host" {
		c.t.Errorf("host.txt is %q", got)
	}
	if got := strings.Join(c.entries(5, 4096), " "); got != "./ ../ host.txt sub/" {
		c.t.Errorf("/host has %s", got)
	}
	if got := c.read(0, 100); got != "input" {
		c.t.Errorf("standard input is %q", got)
	}

	// Polling: a file of the bundle is ready; one of the host is asked about
	// under its own descriptor, which stays what it was in the subscription.
	subscribe := func(i int, user uint64, tag byte, fd uint64) {
		s := make([]byte, 48)
		binary.LittleEndian.PutUint64(s, user)
		s[8] = tag
		binary.LittleEndian.PutUint64(s[16:], fd)
		c.put(bufferAt+48*uint64(i), s)
	}
	const events = bufferAt + 1024
	subscribe(0, 7, 1, fd)
	subscribe(1, 8, 2, fd)
	subscribe(2, 9, 1, hostFile)
	subscribe(3, 10, 1, 1<<30+60)
	c.errno(0, "poll_oneoff", bufferAt, events, 4, resultAt)
	if n := c.u32(resultAt); n != 3 {
		c.t.Errorf("%d files are ready", n)
	}
	for i, want := range []struct {
		user  uint64
		errno uint32
		tag   byte
		bytes uint64
	}{{7, 0, 1, 5}, {8, 8, 2, 0}, {10, 8, 1, 0}} {
		e := events + 32*uint64(i)
		if u, errno, tag, n := c.u64(e), c.u32(e+8)&0xffff, c.get(e+10, 1)[0], c.u64(e+16); u != want.user || errno != want.errno || tag != want.tag || n != want.bytes {
			c.t.Errorf("event %d: user %d, errno %d, tag %d, %d bytes; want %+v", i, u, errno, tag, n, want)
		}
	}
	subscribe(0, 7, 2, 1)
	subscribe(1, 9, 0, 0) // a clock
	c.errno(0, "poll_oneoff", bufferAt, events, 2, resultAt)
	if c.u32(resultAt) == 0 || c.u64(bufferAt+16) != 1 {
		c.t.Errorf("%d events, descriptor %d", c.u32(resultAt), c.u64(bufferAt+16))
	}
	subscribe(0, 7, 1, hostFile)
	c.call("poll_oneoff", bufferAt, events, 1, resultAt) // what is said of a file is the host's choice
	if c.u64(bufferAt+16) != hostFile {
		c.t.Errorf("the subscription is about %d now, not %d", c.u64(bufferAt+16), hostFile)
	}

	// Numbers: to itself, over another, not across.
	c.errno(0, "fd_renumber", fd, fd)
	again := c.mustOpen(3, "ab.txt", 0)
	c.errno(0, "fd_renumber", again, fd)
	if got := c.read(fd, 5); got != "other" {
		c.t.Errorf("renumbered: %q", got)
	}
	c.errno(8, "fd_close", again)
	c.errno(58, "fd_renumber", fd, hostFile)
	c.errno(58, "fd_renumber", hostFile, fd)
	c.errno(8, "fd_renumber", again, fd)
	c.errno(0, "fd_close", fd)
	c.errno(8, "fd_read", fd, vectorAt, 1, resultAt)
	c.errno(8, "fd_close", fd)
	c.errno(0, "fd_close", hostFile)
	c.errno(8, "fd_close", hostFile)
	c.errno(8, "fd_read", 0xffffffff, vectorAt, 1, resultAt)

	// As many as there is room for, and no more.
	open := 0
	for {
		if _, errno := c.open(3, "a.txt", 0, rightRead); errno == 33 {
			break
		} else if errno != 0 || open > 100 {
			c.t.Fatalf("file %d: errno %d", open, errno)
		}
		open++
	}
	if open < 32 {
		c.t.Errorf("%d files fit", open)
	}
	// A directory can be closed, as the host's can.
	c.errno(0, "fd_close", 4)
	c.errno(8, "fd_prestat_get", 4, resultAt)
}
