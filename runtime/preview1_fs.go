package runtime

import (
	"cmp"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/tetratelabs/wazero/experimental/sys"
	wazerosys "github.com/tetratelabs/wazero/sys"
)

// rootFS is a directory for wazero's WASI preview 1, in an os.Root. wazero's
// own, DirFS, joins paths as text, and the operating system follows symbolic
// links out of the directory; a program that may write can make such a link.
// What WASI 0.2 refuses must not be allowed to the same program with its
// adapter removed.
type rootFS struct {
	root     *os.Root
	readOnly bool
}

// errno is the error number of an error of os.Root.
func errno(err error) sys.Errno {
	// The error of a path that leads out is not exported.
	if err != nil && strings.Contains(err.Error(), "path escapes from parent") {
		return sys.EPERM
	}
	return sys.UnwrapOSError(err)
}

// name is a path as os.Root takes it.
func (f *rootFS) name(path string) string { return cmp.Or(path, ".") }

// OpenFile implements sys.FS.
func (f *rootFS) OpenFile(path string, flag sys.Oflag, perm fs.FileMode) (sys.File, sys.Errno) {
	if f.readOnly && flag&(sys.O_RDWR|sys.O_WRONLY|sys.O_APPEND|sys.O_CREAT|sys.O_TRUNC) != 0 {
		return nil, sys.EROFS
	}
	path = f.name(path)
	stat := f.root.Stat
	if flag&sys.O_NOFOLLOW != 0 {
		stat = f.root.Lstat // os.Root follows whatever the flags say
	}
	info, err := stat(path)
	switch {
	case err != nil:
	case info.Mode()&fs.ModeSymlink != 0:
		return nil, sys.ELOOP
	case flag&sys.O_DIRECTORY != 0 && !info.IsDir():
		return nil, sys.ENOTDIR
	case info.Mode()&(fs.ModeNamedPipe|fs.ModeSocket) != 0:
		return nil, sys.ENOTSUP // opening a pipe waits for its other end, with nobody to stop it
	}
	file, err := f.root.OpenFile(path, osFlags(flag), perm)
	if err != nil {
		return nil, errno(err)
	}
	if info, err = file.Stat(); err != nil {
		file.Close()
		return nil, errno(err)
	}
	return &rootFile{fs: f, path: path, flag: flag, file: file, opened: info}, 0
}

func osFlags(flag sys.Oflag) int {
	out := os.O_RDONLY
	switch {
	case flag&sys.O_RDWR != 0:
		out = os.O_RDWR
	case flag&sys.O_WRONLY != 0:
		out = os.O_WRONLY
	}
	for _, f := range []struct {
		from sys.Oflag
		to   int
	}{
		{sys.O_APPEND, os.O_APPEND}, {sys.O_CREAT, os.O_CREATE}, {sys.O_EXCL, os.O_EXCL},
		{sys.O_SYNC | sys.O_DSYNC, os.O_SYNC}, {sys.O_TRUNC, os.O_TRUNC},
	} {
		if flag&f.from != 0 {
			out |= f.to
		}
	}
	return out
}

// Lstat implements sys.FS.
func (f *rootFS) Lstat(path string) (wazerosys.Stat_t, sys.Errno) {
	return statOf(f.root.Lstat(f.name(path)))
}

// Stat implements sys.FS.
func (f *rootFS) Stat(path string) (wazerosys.Stat_t, sys.Errno) {
	return statOf(f.root.Stat(f.name(path)))
}

func statOf(info fs.FileInfo, err error) (wazerosys.Stat_t, sys.Errno) {
	if err != nil {
		return wazerosys.Stat_t{}, errno(err)
	}
	return wazerosys.NewStat_t(info), 0
}

// change makes a change, unless the directory is read-only.
func (f *rootFS) change(c func() error) sys.Errno {
	if f.readOnly {
		return sys.EROFS
	}
	return errno(c())
}

// Mkdir implements sys.FS.
func (f *rootFS) Mkdir(path string, perm fs.FileMode) sys.Errno {
	return f.change(func() error { return f.root.Mkdir(path, perm) })
}

// Chmod implements sys.FS.
func (f *rootFS) Chmod(path string, perm fs.FileMode) sys.Errno {
	return f.change(func() error { return f.root.Chmod(f.name(path), perm) })
}

// Rename implements sys.FS.
func (f *rootFS) Rename(from, to string) sys.Errno {
	return f.change(func() error { return f.root.Rename(from, to) })
}

// Rmdir implements sys.FS.
func (f *rootFS) Rmdir(path string) sys.Errno { return f.remove(path, true) }

// Unlink implements sys.FS.
func (f *rootFS) Unlink(path string) sys.Errno { return f.remove(path, false) }

// remove removes a directory, or anything else: Root.Remove does either.
func (f *rootFS) remove(path string, dir bool) sys.Errno {
	info, err := f.root.Lstat(path)
	switch {
	case err != nil:
		return errno(err)
	case dir && !info.IsDir():
		return sys.ENOTDIR
	case !dir && info.IsDir():
		return sys.EISDIR
	}
	return f.change(func() error { return f.root.Remove(path) })
}

// Link implements sys.FS.
func (f *rootFS) Link(from, to string) sys.Errno {
	return f.change(func() error { return f.root.Link(from, to) })
}

// Symlink implements sys.FS.
func (f *rootFS) Symlink(target, link string) sys.Errno {
	if path.IsAbs(target) {
		return sys.EPERM // it could never be followed
	}
	return f.change(func() error { return f.root.Symlink(target, link) })
}

// Readlink implements sys.FS.
func (f *rootFS) Readlink(path string) (string, sys.Errno) {
	target, err := f.root.Readlink(path)
	return filepath.ToSlash(target), errno(err)
}

// Utimens implements sys.FS.
func (f *rootFS) Utimens(path string, atim, mtim int64) sys.Errno {
	at := func(nanos int64) time.Time {
		if nanos == sys.UTIME_OMIT {
			return time.Time{} // as os.Chtimes says it
		}
		return time.Unix(0, nanos)
	}
	return f.change(func() error { return f.root.Chtimes(f.name(path), at(atim), at(mtim)) })
}

// rootFile is an open file or directory of a rootFS.
type rootFile struct {
	fs       *rootFS
	path     string
	flag     sys.Oflag
	file     *os.File
	opened   fs.FileInfo // as it was when it was opened
	nonblock bool
	// entries are what is left of a directory; nil: to be read from its start.
	entries []fs.DirEntry
}

// Dev implements sys.File.
func (f *rootFile) Dev() (uint64, sys.Errno) { return wazerosys.NewStat_t(f.opened).Dev, 0 }

// Ino implements sys.File.
func (f *rootFile) Ino() (wazerosys.Inode, sys.Errno) { return wazerosys.NewStat_t(f.opened).Ino, 0 }

// IsDir implements sys.File.
func (f *rootFile) IsDir() (bool, sys.Errno) { return f.opened.IsDir(), 0 }

// IsAppend implements sys.File.
func (f *rootFile) IsAppend() bool { return f.flag&sys.O_APPEND != 0 }

// SetAppend implements sys.File. Only opening a file sets the mode.
func (f *rootFile) SetAppend(enable bool) sys.Errno {
	flag := f.flag &^ sys.O_APPEND
	if enable {
		flag |= sys.O_APPEND
	}
	if flag == f.flag || f.opened.IsDir() {
		f.flag = flag
		return 0
	}
	if e := f.moved(); e != 0 {
		return e
	}
	at, err := f.file.Seek(0, io.SeekCurrent)
	if err != nil {
		return errno(err)
	}
	again, err := f.fs.root.OpenFile(f.path, osFlags(flag&^(sys.O_CREAT|sys.O_EXCL|sys.O_TRUNC)), 0)
	if err != nil {
		return errno(err)
	}
	if _, err := again.Seek(at, io.SeekStart); err != nil {
		again.Close()
		return errno(err)
	}
	f.file.Close() // what was written to it is with the operating system
	f.file, f.flag = again, flag
	return 0
}

// moved is an error when the path that the file was opened by is another's now.
func (f *rootFile) moved() sys.Errno {
	now, err := f.fs.root.Stat(f.path)
	if err != nil {
		return errno(err)
	}
	if !os.SameFile(f.opened, now) {
		return sys.ENOENT
	}
	return 0
}

// Stat implements sys.File.
func (f *rootFile) Stat() (wazerosys.Stat_t, sys.Errno) { return statOf(f.file.Stat()) }

// Read implements sys.File.
func (f *rootFile) Read(b []byte) (int, sys.Errno) {
	if len(b) == 0 {
		return 0, 0
	}
	n, err := f.file.Read(b)
	return n, errno(err)
}

// Pread implements sys.File.
func (f *rootFile) Pread(b []byte, off int64) (int, sys.Errno) {
	if off < 0 {
		return 0, sys.EINVAL
	}
	n, err := f.file.ReadAt(b, off)
	return n, errno(err)
}

// position is an int64 that go vet does not take for io.Seeker's.
type position = int64

// Seek implements sys.File. A directory can be read from its start again.
func (f *rootFile) Seek(offset position, whence int) (position, sys.Errno) {
	switch {
	case whence < io.SeekStart || whence > io.SeekEnd:
		return 0, sys.EINVAL
	case !f.opened.IsDir():
		n, err := f.file.Seek(offset, whence)
		return n, errno(err)
	case offset == 0 && whence == io.SeekStart:
		f.entries = nil
		return 0, 0
	}
	return 0, sys.EISDIR
}

// Readdir implements sys.File. The directory is read when its first entry is
// asked for, so that what was made since it was opened is there.
func (f *rootFile) Readdir(n int) ([]sys.Dirent, sys.Errno) {
	if !f.opened.IsDir() {
		return nil, sys.ENOTDIR
	}
	if f.entries == nil {
		if e := f.moved(); e != 0 {
			return nil, e
		}
		d, err := f.fs.root.Open(f.path)
		if err != nil {
			return nil, errno(err)
		}
		entries, err := d.ReadDir(-1)
		d.Close() // only read
		if err != nil {
			return nil, errno(err)
		}
		slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
		f.entries = append([]fs.DirEntry{}, entries...)
	}
	var out []sys.Dirent
	for len(f.entries) > 0 && (n <= 0 || len(out) < n) {
		e := f.entries[0]
		f.entries = f.entries[1:]
		// Not e.Info, which goes by the path that the root was opened by.
		info, err := f.fs.root.Lstat(f.path + "/" + e.Name())
		if err != nil {
			continue // it is gone
		}
		out = append(out, sys.Dirent{Name: e.Name(), Ino: wazerosys.NewStat_t(info).Ino, Type: info.Mode().Type()})
	}
	return out, 0
}

// Write implements sys.File.
func (f *rootFile) Write(b []byte) (int, sys.Errno) {
	n, err := f.file.Write(b)
	return n, errno(err)
}

// Pwrite implements sys.File. In append mode the end is the offset, as Linux
// has it.
func (f *rootFile) Pwrite(b []byte, off int64) (int, sys.Errno) {
	switch {
	case off < 0:
		return 0, sys.EINVAL
	case f.IsAppend():
		return f.Write(b)
	}
	n, err := f.file.WriteAt(b, off)
	return n, errno(err)
}

// Truncate implements sys.File.
func (f *rootFile) Truncate(size int64) sys.Errno {
	if size < 0 {
		return sys.EINVAL
	}
	return errno(f.file.Truncate(size))
}

// Sync implements sys.File.
func (f *rootFile) Sync() sys.Errno { return errno(f.file.Sync()) }

// Datasync implements sys.File.
func (f *rootFile) Datasync() sys.Errno { return f.Sync() }

// Utimens implements sys.File. By path: package os sets the times of no open file.
func (f *rootFile) Utimens(atim, mtim int64) sys.Errno {
	if e := f.moved(); e != 0 {
		return e
	}
	return f.fs.Utimens(f.path, atim, mtim)
}

// Close implements sys.File.
func (f *rootFile) Close() sys.Errno {
	if err := f.file.Close(); err != nil && errno(err) != sys.EBADF {
		return errno(err)
	}
	return 0
}

// IsNonblock implements sys.PollableFile.
func (f *rootFile) IsNonblock() bool { return f.nonblock }

// SetNonblock implements sys.PollableFile. Files never block.
func (f *rootFile) SetNonblock(enable bool) sys.Errno {
	f.nonblock = enable
	return 0
}

// Poll implements sys.PollableFile.
func (f *rootFile) Poll(sys.Pflag, int32) (bool, sys.Errno) { return true, 0 }
