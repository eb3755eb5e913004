package wasi

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path"
	"sort"
	"strings"
	"syscall"
	"time"

	"github.com/wbundle/wbundle/internal/component"
	"github.com/wbundle/wbundle/internal/wit"
)

// descriptor is a wasi:filesystem descriptor: a file or a directory.
type descriptor struct {
	f     *openedFile // nil for directories
	d     dir         // nil for files
	flags []string    // descriptor-flags, as open-at was given them
	read  bool
	write bool
}

// Close implements io.Closer.
func (d *descriptor) Close() error {
	if d.f != nil {
		return d.f.Close()
	}
	return d.d.Close()
}

// openedFile is what a descriptor and the streams made from it share: streams
// are no children of their descriptor, and go on when that is dropped.
type openedFile struct {
	file
	in   dir // the directory it was opened in, and its name there
	name string
	refs int
	// appending is the file opened once more for append-via-stream.
	appending file
}

func (f *openedFile) retain() *openedFile {
	f.refs++
	return f
}

// Close implements io.Closer. The last of its owners closes the file.
func (f *openedFile) Close() error {
	if f.refs--; f.refs > 0 {
		return nil
	}
	if f.appending != nil {
		f.appending.Close() // like f, it was synced if that mattered to the program
	}
	f.in.Close()
	return f.file.Close()
}

// moved is an error when the name that the file was opened by is another's now.
func (f *openedFile) moved() error {
	if _, ok := f.in.(*rootDir); !ok {
		return nil // of an fs.FS, which is not changed
	}
	now, err := f.in.stat(f.name, true)
	if err != nil {
		return err
	}
	own, err := f.Stat()
	if err != nil {
		return err
	}
	if !os.SameFile(own, now) {
		return syscall.ENOENT
	}
	return nil
}

// appendTo returns the file to append to: in the operating system's append
// mode, so that what others append at the same time stays whole.
func (f *openedFile) appendTo() (file, error) {
	if f.appending == nil {
		if err := f.moved(); err != nil {
			return nil, err
		}
		a, err := f.in.openFile(f.name, os.O_WRONLY|os.O_APPEND)
		if err != nil {
			return nil, err
		}
		f.appending = a
	}
	return f.appending, nil
}

func (d *descriptor) stat() (fs.FileInfo, error) {
	if d.f != nil {
		return d.f.Stat()
	}
	return d.d.stat(".", true)
}

// entries is a directory-entry-stream.
type entries struct {
	list []fs.DirEntry
}

// Methods of descriptors, by what they need: any, a file, or a directory.
type (
	onDescriptor func(c *call, d *descriptor) (wit.Value, error)
	onFile       func(c *call, d *descriptor, f *openedFile) (wit.Value, error)
	onDir        func(c *call, d dir) (wit.Value, error)
)

// filesystemFuncs are those of wasi:filesystem. Errors of the operating system
// become error codes; an error that a method returns with a zero value is one.
func (h *Host) filesystemFuncs() {
	const types = "wasi:filesystem/types#"
	any := func(name string, m onDescriptor) {
		h.funcs[types+"[method]descriptor."+name] = func(c *call) (wit.Value, error) {
			d, err := object[*descriptor](c, 0)
			if err != nil {
				return wit.Value{}, err
			}
			v, err := m(c, d)
			if err != nil && c.t.Result.Kind != component.KindResult {
				return wit.Value{}, err
			}
			if err != nil {
				return c.fail(errorCode(err))
			}
			if v.IsZero() {
				return c.ok(v)
			}
			return v, nil
		}
	}
	file := func(name string, m onFile) {
		any(name, func(c *call, d *descriptor) (wit.Value, error) {
			if d.f == nil {
				return wit.Value{}, syscall.EISDIR
			}
			return m(c, d, d.f)
		})
	}
	directory := func(name string, m onDir) {
		any(name, func(c *call, d *descriptor) (wit.Value, error) {
			if d.d == nil {
				return wit.Value{}, syscall.ENOTDIR
			}
			return m(c, d.d)
		})
	}
	nothing := wit.Value{}

	h.funcs["wasi:filesystem/preopens#get-directories"] = func(c *call) (wit.Value, error) {
		var dirs []wit.Value
		pair := c.t.Result.Elem
		for i := range c.cfg.Mounts {
			m := &c.cfg.Mounts[i]
			d, err := c.roots[i].openDir(".")
			if err != nil {
				return wit.Value{}, fmt.Errorf("mount %s: %w", m.Guest, err)
			}
			flags := []string{"read"}
			if m.FS == nil && !m.ReadOnly {
				flags = append(flags, "mutate-directory")
			}
			handle := c.handle(pair.Fields[0].Type, &descriptor{d: d, flags: flags, read: true})
			dirs = append(dirs, wit.Record(pair, []wit.Value{handle, text(m.Guest)}))
		}
		return wit.List(c.t.Result, dirs), nil
	}
	h.funcs[types+"filesystem-error-code"] = func(c *call) (wit.Value, error) {
		e, err := object[*ioError](c, 0)
		if err != nil {
			return wit.Value{}, err
		}
		return wit.Some(c.t.Result, enum(c.t.Result.Elem, errorCode(e.err))), nil
	}
	h.funcs[types+"[method]directory-entry-stream.read-directory-entry"] = func(c *call) (wit.Value, error) {
		s, err := object[*entries](c, 0)
		if err != nil {
			return wit.Value{}, err
		}
		opt := c.t.Result.Ok
		if len(s.list) == 0 {
			return c.ok(wit.None(opt))
		}
		e := s.list[0]
		s.list = s.list[1:]
		return c.ok(wit.Some(opt, wit.Record(opt.Elem, []wit.Value{
			enum(field(opt.Elem, "type"), fileType(e.Type())), text(e.Name()),
		})))
	}

	// Files.
	file("read-via-stream", func(c *call, d *descriptor, f *openedFile) (wit.Value, error) {
		if !d.read {
			return nothing, syscall.EBADF
		}
		off, err := offset(c.args[1])
		if err != nil {
			return nothing, err
		}
		return c.ok(c.handle(c.t.Result.Ok, &inputStream{f: f.retain(), off: off, close: f.Close}))
	})
	file("write-via-stream", func(c *call, d *descriptor, f *openedFile) (wit.Value, error) {
		if !d.write {
			return nothing, syscall.EBADF
		}
		off, err := offset(c.args[1])
		if err != nil {
			return nothing, err
		}
		return c.ok(c.handle(c.t.Result.Ok, &outputStream{f: f.retain(), off: off, close: f.Close}))
	})
	file("append-via-stream", func(c *call, d *descriptor, f *openedFile) (wit.Value, error) {
		if !d.write {
			return nothing, syscall.EBADF
		}
		end, err := f.appendTo()
		if err != nil {
			return nothing, err
		}
		return c.ok(c.handle(c.t.Result.Ok, &outputStream{f: end, append: true, close: f.retain().Close}))
	})
	file("read", func(c *call, d *descriptor, f *openedFile) (wit.Value, error) {
		if !d.read {
			return nothing, syscall.EBADF
		}
		off, err := offset(c.args[2])
		if err != nil {
			return nothing, err
		}
		b := make([]byte, min(c.args[1].Uint(), maxRead))
		got, err := f.ReadAt(b, off)
		if err != nil && !errors.Is(err, io.EOF) {
			return nothing, err
		}
		t := c.t.Result.Ok
		end := errors.Is(err, io.EOF)
		return c.ok(wit.Record(t, []wit.Value{wit.Bytes(t.Fields[0].Type, b[:got]), wit.Bool(end)}))
	})
	file("write", func(c *call, d *descriptor, f *openedFile) (wit.Value, error) {
		if !d.write {
			return nothing, syscall.EBADF
		}
		off, err := offset(c.args[2])
		if err != nil {
			return nothing, err
		}
		n, err := f.WriteAt(c.args[1].AsBytes(), off)
		if err != nil && n == 0 {
			return nothing, err
		}
		return c.ok(wit.U64(uint64(n)))
	})
	file("set-size", func(c *call, d *descriptor, f *openedFile) (wit.Value, error) {
		if !d.write {
			return nothing, syscall.EBADF
		}
		size, err := offset(c.args[1])
		if err != nil {
			return nothing, err
		}
		return nothing, f.Truncate(size)
	})
	file("advise", func(c *call, _ *descriptor, _ *openedFile) (wit.Value, error) { return nothing, nil })
	sync := func(c *call, d *descriptor) (wit.Value, error) {
		if d.f == nil {
			return nothing, nil
		}
		return nothing, d.f.Sync()
	}
	any("sync", sync)
	any("sync-data", sync)

	// Either.
	any("get-flags", func(c *call, d *descriptor) (wit.Value, error) {
		return c.ok(flags(c.t.Result.Ok, d.flags))
	})
	any("get-type", func(c *call, d *descriptor) (wit.Value, error) {
		info, err := d.stat()
		if err != nil {
			return nothing, err
		}
		return c.ok(enum(c.t.Result.Ok, fileType(info.Mode())))
	})
	any("stat", func(c *call, d *descriptor) (wit.Value, error) {
		info, err := d.stat()
		if err != nil {
			return nothing, err
		}
		return c.ok(statRecord(c.t.Result.Ok, info))
	})
	any("set-times", func(c *call, d *descriptor) (wit.Value, error) {
		if d.d != nil {
			return nothing, setTimes(c, d.d, ".", c.args[1], c.args[2])
		}
		// By name: the standard library sets the times of no open file.
		if err := d.f.moved(); err != nil {
			return nothing, err
		}
		return nothing, setTimes(c, d.f.in, d.f.name, c.args[1], c.args[2])
	})
	any("metadata-hash", func(c *call, d *descriptor) (wit.Value, error) {
		info, err := d.stat()
		if err != nil {
			return nothing, err
		}
		return c.ok(metadataHash(c.t.Result.Ok, info))
	})
	any("is-same-object", func(c *call, d *descriptor) (wit.Value, error) {
		other, err := object[*descriptor](c, 1)
		if err != nil {
			return nothing, err
		}
		a, errA := d.stat()
		b, errB := other.stat()
		return wit.Bool(d == other || errA == nil && errB == nil && os.SameFile(a, b)), nil
	})

	// Directories.
	directory("read-directory", func(c *call, d dir) (wit.Value, error) {
		list, err := d.list()
		if err != nil {
			return nothing, err
		}
		sort.Slice(list, func(i, j int) bool { return list[i].Name() < list[j].Name() })
		return c.ok(c.handle(c.t.Result.Ok, &entries{list}))
	})
	directory("create-directory-at", func(c *call, d dir) (wit.Value, error) {
		name, err := pathName(c.args[1])
		if err != nil {
			return nothing, err
		}
		return nothing, d.mkdir(name)
	})
	directory("stat-at", func(c *call, d dir) (wit.Value, error) {
		info, err := statAt(c, d)
		if err != nil {
			return nothing, err
		}
		return c.ok(statRecord(c.t.Result.Ok, info))
	})
	directory("metadata-hash-at", func(c *call, d dir) (wit.Value, error) {
		info, err := statAt(c, d)
		if err != nil {
			return nothing, err
		}
		return c.ok(metadataHash(c.t.Result.Ok, info))
	})
	directory("set-times-at", func(c *call, d dir) (wit.Value, error) {
		info, err := statAt(c, d)
		if err != nil {
			return nothing, err
		}
		if info.Mode()&fs.ModeSymlink != 0 {
			return nothing, syscall.ENOTSUP // the standard library sets the times of no link
		}
		return nothing, setTimes(c, d, c.args[2].Text(), c.args[3], c.args[4])
	})
	directory("link-at", func(c *call, d dir) (wit.Value, error) {
		to, err := object[*descriptor](c, 3)
		if err != nil {
			return nothing, err
		}
		if to.d == nil {
			return nothing, syscall.ENOTDIR
		}
		if has(c.args[1], "symlink-follow") {
			return nothing, syscall.EINVAL
		}
		return nothing, twoPaths(c.args[2], c.args[4], func(from, name string) error { return d.link(from, to.d, name) })
	})
	directory("rename-at", func(c *call, d dir) (wit.Value, error) {
		to, err := object[*descriptor](c, 2)
		if err != nil {
			return nothing, err
		}
		if to.d == nil {
			return nothing, syscall.ENOTDIR
		}
		return nothing, twoPaths(c.args[1], c.args[3], func(from, name string) error { return d.rename(from, to.d, name) })
	})
	directory("readlink-at", func(c *call, d dir) (wit.Value, error) {
		name, err := pathName(c.args[1])
		if err != nil {
			return nothing, err
		}
		s, err := d.readlink(name)
		if err != nil {
			return nothing, err
		}
		return c.ok(text(s))
	})
	directory("symlink-at", func(c *call, d dir) (wit.Value, error) {
		return nothing, twoPaths(c.args[1], c.args[2], d.symlink)
	})
	directory("remove-directory-at", func(c *call, d dir) (wit.Value, error) {
		name, err := pathName(c.args[1])
		if err != nil {
			return nothing, err
		}
		return nothing, d.remove(name, true)
	})
	directory("unlink-file-at", func(c *call, d dir) (wit.Value, error) {
		name, err := pathName(c.args[1])
		if err != nil {
			return nothing, err
		}
		return nothing, d.remove(name, false)
	})
	directory("open-at", openAt)
}

// pathName is a path argument. What no file system can mean is refused here, so
// that all of them answer alike.
func pathName(v wit.Value) (string, error) {
	name := v.Text()
	switch {
	case name == "":
		return "", syscall.ENOENT
	case strings.IndexByte(name, 0) >= 0:
		return "", syscall.EINVAL
	}
	return name, nil
}

func twoPaths(a, b wit.Value, f func(a, b string) error) error {
	from, err := pathName(a)
	if err != nil {
		return err
	}
	to, err := pathName(b)
	if err != nil {
		return err
	}
	return f(from, to)
}

// statAt describes what path-flags and a path, arguments 1 and 2, lead to.
func statAt(c *call, d dir) (fs.FileInfo, error) {
	name, err := pathName(c.args[2])
	if err != nil {
		return nil, err
	}
	return d.stat(name, has(c.args[1], "symlink-follow"))
}

// offset is a filesize argument as the operating system takes it. Files end
// before 2^63.
func offset(v wit.Value) (int64, error) {
	if v.Uint() > math.MaxInt64 {
		return 0, syscall.EINVAL
	}
	return int64(v.Uint()), nil
}

// openAt opens a file or directory.
func openAt(c *call, d dir) (wit.Value, error) {
	open, want := c.args[3], c.args[4]
	name, err := pathName(c.args[2])
	if err != nil {
		return wit.Value{}, err
	}
	if path.IsAbs(name) {
		return wit.Value{}, errEscapes
	}
	follow := has(c.args[1], "symlink-follow")
	read, write := has(want, "read"), has(want, "write")
	create, exclusive, truncate := has(open, "create"), has(open, "exclusive"), has(open, "truncate")
	info, err := d.stat(name, follow)
	switch {
	case err == nil && !follow && info.Mode()&fs.ModeSymlink != 0:
		return wit.Value{}, syscall.ELOOP
	case err == nil && info.IsDir():
		if create && exclusive {
			return wit.Value{}, syscall.EEXIST
		}
		if write || truncate || create && !has(open, "directory") {
			return wit.Value{}, syscall.EISDIR
		}
		sub, err := d.openDir(name)
		if err != nil {
			return wit.Value{}, err
		}
		return c.ok(c.handle(c.t.Result.Ok, &descriptor{d: sub, flags: want.FlagNames(), read: true}))
	case err == nil && has(open, "directory"):
		return wit.Value{}, syscall.ENOTDIR
	case err != nil && has(open, "directory"):
		return wit.Value{}, err
	case err == nil && info.Mode()&(fs.ModeNamedPipe|fs.ModeSocket) != 0:
		// Opening a pipe waits for its other end, with nobody to stop it, and
		// what was opened could not be read at an offset.
		return wit.Value{}, syscall.ENOTSUP
	}
	flag := os.O_RDONLY
	switch {
	case read && write:
		flag = os.O_RDWR
	case write:
		flag = os.O_WRONLY
	}
	if create {
		flag |= os.O_CREATE
	}
	if exclusive {
		flag |= os.O_EXCL
	}
	if truncate {
		flag |= os.O_TRUNC
	}
	// Creating and truncating need no right to write what is in the file.
	f, err := d.openFile(name, flag)
	if err != nil {
		return wit.Value{}, err
	}
	d.retain()
	opened := &openedFile{file: f, in: d, name: name, refs: 1}
	return c.ok(c.handle(c.t.Result.Ok, &descriptor{f: opened, flags: want.FlagNames(), read: read || !write, write: write}))
}

// fileType names a file mode's type as wasi:filesystem does.
func fileType(m fs.FileMode) string {
	switch {
	case m.IsRegular():
		return "regular-file"
	case m.IsDir():
		return "directory"
	case m&fs.ModeSymlink != 0:
		return "symbolic-link"
	case m&fs.ModeNamedPipe != 0:
		return "fifo"
	case m&fs.ModeSocket != 0:
		return "socket"
	case m&fs.ModeCharDevice != 0:
		return "character-device"
	case m&fs.ModeDevice != 0:
		return "block-device"
	}
	return "unknown"
}

// statRecord is the descriptor-stat of a file.
func statRecord(t *component.ValType, info fs.FileInfo) wit.Value {
	fields := make([]wit.Value, len(t.Fields))
	size := uint64(0)
	if info.Mode().IsRegular() || info.Mode()&fs.ModeSymlink != 0 {
		size = uint64(info.Size())
	}
	access, status, links := times(info)
	stamp := func(t *component.ValType, at time.Time) wit.Value {
		if at.IsZero() {
			return wit.None(t)
		}
		return wit.Some(t, datetime(t.Elem, at))
	}
	for i, f := range t.Fields {
		switch f.Name {
		case "type":
			fields[i] = enum(f.Type, fileType(info.Mode()))
		case "link-count":
			fields[i] = wit.U64(links)
		case "size":
			fields[i] = wit.U64(size)
		case "data-access-timestamp":
			fields[i] = stamp(f.Type, access)
		case "data-modification-timestamp":
			fields[i] = stamp(f.Type, info.ModTime())
		default:
			fields[i] = stamp(f.Type, status)
		}
	}
	return wit.Record(t, fields)
}

// metadataHash tells files apart, and a file before a change from after it.
func metadataHash(t *component.ValType, info fs.FileInfo) wit.Value {
	id := identity(info)
	if id == "" {
		id = info.Name()
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d %d", id, info.Size(), info.ModTime().UnixNano()))
	return wit.Record(t, []wit.Value{wit.U64(binary.LittleEndian.Uint64(sum[:])), wit.U64(binary.LittleEndian.Uint64(sum[8:]))})
}

// setTimes sets the access and modification times of a file to new-timestamps.
func setTimes(c *call, d dir, name string, access, modification wit.Value) error {
	a, err := newTime(c, access)
	if err != nil {
		return err
	}
	m, err := newTime(c, modification)
	if err != nil {
		return err
	}
	return d.chtimes(name, a, m)
}

// newTime is a new-timestamp; the zero Time for no-change, as os.Chtimes wants.
func newTime(c *call, v wit.Value) (time.Time, error) {
	switch v.CaseName() {
	case "now":
		return c.now(), nil
	case "timestamp":
		sec, nsec := v.Payload().Index(0).Uint(), v.Payload().Index(1).Uint()
		// The standard library counts nanoseconds in 63 bits, until 2262.
		if sec >= math.MaxInt64/uint64(time.Second) || nsec >= 1e9 {
			return time.Time{}, syscall.EINVAL
		}
		return time.Unix(int64(sec), int64(nsec)), nil
	}
	return time.Time{}, nil
}
