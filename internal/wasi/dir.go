package wasi

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"syscall"
	"time"
)

// Mount makes a directory visible to the program. It is opened when the
// program is instantiated, with os.Root: neither ".." nor a symbolic link, of
// whoever's making, leads out of it.
type Mount struct {
	Guest    string // path the program sees, "/data"
	Host     string // directory on this machine; used when FS is nil
	FS       fs.FS  // any other file system, read-only
	ReadOnly bool   // Host only; an FS always is
}

// open opens the directory that a mount stands for.
func (m *Mount) open() (dir, error) {
	if m.FS != nil {
		return &fsDir{fsys: m.FS}, nil
	}
	root, err := os.OpenRoot(m.Host)
	if err != nil {
		return nil, err
	}
	return &rootDir{top: root, root: root, rel: ".", readOnly: m.ReadOnly, refs: 1}, nil
}

// file is an open file.
type file interface {
	io.ReaderAt
	io.WriterAt
	io.Writer
	io.Closer
	Stat() (fs.FileInfo, error)
	Truncate(size int64) error
	Sync() error
}

// dir is an open directory. Names are relative to it, and no operation gets
// out of it.
type dir interface {
	io.Closer
	// retain makes the directory take one more Close: files know the directory
	// they were opened in, and may outlive its handle.
	retain()
	openFile(name string, flag int) (file, error)
	openDir(name string) (dir, error)
	stat(name string, follow bool) (fs.FileInfo, error)
	list() ([]fs.DirEntry, error)
	mkdir(name string) error
	remove(name string, dir bool) error
	rename(from string, to dir, name string) error
	link(from string, to dir, name string) error
	symlink(target, name string) error
	readlink(name string) (string, error)
	chtimes(name string, atime, mtime time.Time) error
}

// errEscapes is an attempt to leave a directory.
var errEscapes = syscall.EPERM

// rootDir is a directory of the machine, held open by an os.Root.
type rootDir struct {
	root *os.Root
	// top is the root of the mount, which stays open as long as the host, for
	// operations on two directories of it; rel is the path from there.
	top      *os.Root
	rel      string
	readOnly bool
	refs     int
}

func (d *rootDir) retain() { d.refs++ }

func (d *rootDir) Close() error {
	if d.refs--; d.refs > 0 {
		return nil
	}
	return d.root.Close()
}

func (d *rootDir) openFile(name string, flag int) (file, error) {
	if d.readOnly && flag&(os.O_WRONLY|os.O_RDWR|os.O_CREATE|os.O_TRUNC|os.O_APPEND) != 0 {
		return nil, syscall.EROFS
	}
	f, err := d.root.OpenFile(name, flag, 0o666)
	if err != nil {
		return nil, err
	}
	return f, nil
}

func (d *rootDir) openDir(name string) (dir, error) {
	r, err := d.root.OpenRoot(name)
	if err != nil {
		return nil, err
	}
	return &rootDir{root: r, top: d.top, rel: d.rel + "/" + name, readOnly: d.readOnly, refs: 1}, nil
}

func (d *rootDir) stat(name string, follow bool) (fs.FileInfo, error) {
	if follow {
		return d.root.Stat(name)
	}
	return d.root.Lstat(name)
}

func (d *rootDir) list() ([]fs.DirEntry, error) {
	f, err := d.root.Open(".")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.ReadDir(-1)
}

// change guards what changes the directory.
func (d *rootDir) change() error {
	if d.readOnly {
		return syscall.EROFS
	}
	return nil
}

func (d *rootDir) mkdir(name string) error {
	if err := d.change(); err != nil {
		return err
	}
	return d.root.Mkdir(name, 0o777)
}

func (d *rootDir) remove(name string, dir bool) error {
	if err := d.change(); err != nil {
		return err
	}
	// Root.Remove removes either.
	info, err := d.root.Lstat(name)
	switch {
	case err != nil:
		return err
	case dir && !info.IsDir():
		return syscall.ENOTDIR
	case !dir && info.IsDir():
		return syscall.EISDIR
	}
	return d.root.Remove(name)
}

// pair gives the paths of names in two directories from a root that both are
// in; the directory's own root where they are the same.
//
// os.Root has no operation on two roots, so that those of different directories
// go through the root of the mount. The path from there is the one by which a
// directory was opened. It counts only while it still leads there: else, as
// for directories of two mounts, the answer is the one that makes programs copy.
func (d *rootDir) pair(from string, to dir, name string) (*os.Root, string, string, error) {
	t, ok := to.(*rootDir)
	switch {
	case !ok || t.top != d.top:
		return nil, "", "", syscall.EXDEV
	case d.readOnly || t.readOnly:
		return nil, "", "", syscall.EROFS
	case t == d:
		return d.root, from, name, nil
	}
	a, err := d.fromTop(from)
	if err != nil {
		return nil, "", "", err
	}
	b, err := t.fromTop(name)
	return d.top, a, b, err
}

// fromTop is the path of a name from the root of the mount. The directory that
// holds the name is found from here, which lets nothing out of d, and found
// again from the mount.
func (d *rootDir) fromTop(name string) (string, error) {
	parent, base := path.Split(strings.TrimRight(name, "/"))
	if base == "" || base == "." || base == ".." {
		return "", syscall.EINVAL
	}
	if parent == "" {
		parent = "."
	}
	here, err := d.root.Stat(parent)
	if err != nil {
		return "", err
	}
	full := d.rel + "/" + parent
	there, err := d.top.Stat(full)
	if err != nil || !os.SameFile(here, there) {
		return "", syscall.EXDEV
	}
	return full + "/" + base + name[len(strings.TrimRight(name, "/")):], nil
}

func (d *rootDir) rename(from string, to dir, name string) error {
	root, a, b, err := d.pair(from, to, name)
	if err != nil {
		return err
	}
	return root.Rename(a, b)
}

func (d *rootDir) link(from string, to dir, name string) error {
	root, a, b, err := d.pair(from, to, name)
	if err != nil {
		return err
	}
	return root.Link(a, b)
}

func (d *rootDir) symlink(target, name string) error {
	if err := d.change(); err != nil {
		return err
	}
	if path.IsAbs(target) {
		return errEscapes // it could never be followed
	}
	return d.root.Symlink(target, name)
}

func (d *rootDir) readlink(name string) (string, error) { return d.root.Readlink(name) }

func (d *rootDir) chtimes(name string, atime, mtime time.Time) error {
	if err := d.change(); err != nil {
		return err
	}
	return d.root.Chtimes(name, atime, mtime)
}

// fsDir is a directory of an fs.FS: nothing in it can be changed.
type fsDir struct{ fsys fs.FS }

func (d *fsDir) Close() error { return nil }
func (d *fsDir) retain()      {}

// escapes reports whether a path leads out of its directory by itself.
func escapes(name string) bool {
	c := path.Clean(name)
	return path.IsAbs(name) || c == ".." || strings.HasPrefix(c, "../")
}

// clean makes a path what fs.FS wants. "name/" is name if that is a directory.
func (d *fsDir) clean(name string) (string, error) {
	if escapes(name) {
		return "", errEscapes
	}
	clean := path.Clean(name)
	if strings.HasSuffix(name, "/") {
		if info, err := fs.Stat(d.fsys, clean); err != nil {
			return "", err
		} else if !info.IsDir() {
			return "", syscall.ENOTDIR
		}
	}
	return clean, nil
}

func (d *fsDir) openFile(name string, flag int) (file, error) {
	if flag&(os.O_WRONLY|os.O_RDWR|os.O_CREATE|os.O_TRUNC|os.O_APPEND) != 0 {
		return nil, syscall.EROFS
	}
	name, err := d.clean(name)
	if err != nil {
		return nil, err
	}
	f, err := d.fsys.Open(name)
	if err != nil {
		return nil, err
	}
	return &fsFile{f: f}, nil
}

func (d *fsDir) openDir(name string) (dir, error) {
	name, err := d.clean(name)
	if err != nil {
		return nil, err
	}
	info, err := fs.Stat(d.fsys, name)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, syscall.ENOTDIR
	}
	sub, err := fs.Sub(d.fsys, name)
	return &fsDir{sub}, err
}

func (d *fsDir) stat(name string, follow bool) (fs.FileInfo, error) {
	name, err := d.clean(name)
	if err != nil {
		return nil, err
	}
	if !follow {
		return fs.Lstat(d.fsys, name)
	}
	return fs.Stat(d.fsys, name)
}

func (d *fsDir) list() ([]fs.DirEntry, error) { return fs.ReadDir(d.fsys, ".") }

func (d *fsDir) readlink(name string) (string, error) {
	name, err := d.clean(name)
	if err != nil {
		return "", err
	}
	return fs.ReadLink(d.fsys, name)
}

func (d *fsDir) mkdir(string) error                         { return syscall.EROFS }
func (d *fsDir) remove(string, bool) error                  { return syscall.EROFS }
func (d *fsDir) rename(string, dir, string) error           { return syscall.EROFS }
func (d *fsDir) link(string, dir, string) error             { return syscall.EROFS }
func (d *fsDir) symlink(string, string) error               { return syscall.EROFS }
func (d *fsDir) chtimes(string, time.Time, time.Time) error { return syscall.EROFS }
func (f *fsFile) WriteAt([]byte, int64) (int, error)        { return 0, syscall.EBADF }
func (f *fsFile) Write([]byte) (int, error)                 { return 0, syscall.EBADF }
func (f *fsFile) Truncate(int64) error                      { return syscall.EBADF }
func (f *fsFile) Sync() error                               { return nil }
func (f *fsFile) Stat() (fs.FileInfo, error)                { return f.f.Stat() }
func (f *fsFile) Close() error                              { return f.f.Close() }

// fsFile is a file of an fs.FS, read at any offset: by ReadAt or Seek where it
// has them, else from a copy in memory.
type fsFile struct {
	f    fs.File
	data []byte
	read bool
}

func (f *fsFile) ReadAt(b []byte, off int64) (int, error) {
	switch r := f.f.(type) {
	case io.ReaderAt:
		n, err := r.ReadAt(b, off)
		return n, f.beyond(off, err)
	case io.ReadSeeker:
		if _, err := r.Seek(off, io.SeekStart); err != nil {
			return 0, f.beyond(off, err)
		}
		n, err := io.ReadFull(r, b)
		if errors.Is(err, io.ErrUnexpectedEOF) {
			err = io.EOF
		}
		return n, err
	}
	if !f.read {
		data, err := io.ReadAll(f.f)
		if err != nil {
			return 0, err
		}
		f.data, f.read = data, true
	}
	if off >= int64(len(f.data)) {
		return 0, io.EOF
	}
	n := copy(b, f.data[off:])
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

// beyond makes what embed.FS and its like say of an offset behind the end what
// files say.
func (f *fsFile) beyond(off int64, err error) error {
	if errors.Is(err, fs.ErrInvalid) {
		if info, serr := f.f.Stat(); serr == nil && off > info.Size() {
			return io.EOF
		}
	}
	return err
}
