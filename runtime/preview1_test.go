package runtime

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/tetratelabs/wazero/experimental/sys"
)

// wasiPrograms are the programs of fixtures/wasi as a preview 1 module and as a component.
var wasiPrograms = []string{"programs.core.wasm", "programs.wasm"}

func wasiProgram(t *testing.T, file string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "fixtures", "wasi", file))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func symlink(t *testing.T, target, link string) {
	t.Helper()
	if err := os.Symlink(target, link); err != nil {
		t.Skip("no symbolic links here: ", err)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

// TestMountSandbox: a mount is as tight for preview 1 as it is for WASI 0.2.
func TestMountSandbox(t *testing.T) {
	outside := t.TempDir()
	write(t, filepath.Join(outside, "secret"), "secret")
	inside := t.TempDir()
	write(t, filepath.Join(inside, "file"), "fine")
	symlink(t, filepath.Join(outside, "secret"), filepath.Join(inside, "hello.txt"))
	other := t.TempDir()
	write(t, filepath.Join(other, "file"), "fine")
	symlink(t, "file", filepath.Join(other, "hello.txt"))
	for _, file := range wasiPrograms {
		t.Run(file, func(t *testing.T) {
			p, err := Compile(context.Background(), wasiProgram(t, file), file)
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close(context.Background())
			for _, c := range []struct {
				m    Mount
				args string
				want string
			}{
				{Mount{Host: inside}, "read", "/data/hello.txt: Operation not permitted\n"},
				{Mount{Host: inside}, "truncate", "/data/hello.txt: Operation not permitted\n"},
				{Mount{Host: inside, ReadOnly: true}, "read", "/data/hello.txt: Operation not permitted\n"},
				{Mount{Host: other}, "read", "/data/hello.txt: 4 bytes: fine\n"},
				{Mount{Host: other, ReadOnly: true}, "read", "/data/hello.txt: 4 bytes: fine\n"},
				{Mount{Host: other, ReadOnly: true}, "create", "/data/new: Read-only file system\n"},
				{Mount{FS: fstest.MapFS{"hello.txt": {Data: []byte("map")}}}, "read", "/data/hello.txt: 3 bytes: map\n"},
			} {
				c.m.Guest = "/data"
				var stdout bytes.Buffer
				if _, err := p.Run(context.Background(), Config{Args: []string{"programs", c.args}, Stdout: &stdout, Mounts: []Mount{c.m}}); err != nil {
					t.Fatal(err)
				}
				if got := stdout.String(); got != c.want {
					t.Errorf("%s in %+v: %q, want %q", c.args, c.m, got, c.want)
				}
			}
			for _, m := range []Mount{{Guest: "/data", Host: filepath.Join(inside, "missing")}, {Host: inside}} {
				if _, err := p.Run(context.Background(), Config{Args: []string{"programs", "read"}, Mounts: []Mount{m}}); err == nil {
					t.Errorf("%+v: no error", m)
				}
			}
		})
	}
	if b, err := os.ReadFile(filepath.Join(outside, "secret")); err != nil || string(b) != "secret" {
		t.Errorf("%q, %v", b, err)
	}
}

// TestWaitDeadline: a program that waits in the host ends with its context.
func TestWaitDeadline(t *testing.T) {
	r, w := io.Pipe()
	defer w.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	_, err := Run(ctx, wasiProgram(t, "programs.wasm"), Config{Args: []string{"programs", "input"}, Stdin: r})
	var trap *Trap
	if !errors.Is(err, context.DeadlineExceeded) || errors.As(err, &trap) {
		t.Errorf("%v", err)
	}
}

func TestRootFS(t *testing.T) {
	dir := t.TempDir()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	f := &rootFS{root: root}
	is := func(what string, got, want sys.Errno) {
		t.Helper()
		if got != want {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	open := func(path string, flag sys.Oflag) sys.File {
		t.Helper()
		file, e := f.OpenFile(path, flag, 0o666)
		is("open "+path, e, 0)
		t.Cleanup(func() { is("close "+path, file.Close(), 0) })
		return file
	}
	is("mkdir", f.Mkdir("d", 0o777), 0)
	is("mkdir again", f.Mkdir("d", 0o777), sys.EEXIST)
	is("mkdir outside", f.Mkdir("../d", 0o777), sys.EPERM)
	a := open("d/a", sys.O_RDWR|sys.O_CREAT)
	n, e := a.Write([]byte("hello"))
	is("write", e, 0)
	if n != 5 {
		t.Error(n)
	}
	_, e = a.Pwrite([]byte("J"), 0)
	is("pwrite", e, 0)
	_, e = a.Pwrite([]byte("J"), -1)
	is("pwrite", e, sys.EINVAL)
	_, e = a.Pread(make([]byte, 1), -1)
	is("pread", e, sys.EINVAL)
	is("append", a.SetAppend(true), 0)
	_, e = a.Pwrite([]byte("!"), 0)
	is("append", e, 0)
	is("no append", a.SetAppend(false), 0)
	_, e = a.Seek(0, io.SeekStart)
	is("seek", e, 0)
	b := make([]byte, 10)
	if n, e := a.Read(b); e != 0 || string(b[:n]) != "Jello!" {
		t.Errorf("%q, %v", b[:n], e)
	}
	if n, e := a.Read(b); e != 0 || n != 0 {
		t.Errorf("at the end: %d, %v", n, e)
	}
	_, e = a.Seek(0, 7)
	is("seek", e, sys.EINVAL)
	is("truncate", a.Truncate(2), 0)
	is("truncate", a.Truncate(-1), sys.EINVAL)
	is("utimens", a.Utimens(1e9, sys.UTIME_OMIT), 0)
	is("utimens", a.Utimens(sys.UTIME_OMIT, 2e9), 0)
	if st, e := a.Stat(); e != 0 || st.Size != 2 || st.Mtim != 2e9 {
		t.Errorf("%+v, %v", st, e)
	}
	is("sync", a.Sync(), 0)

	d := open("d", sys.O_RDONLY|sys.O_DIRECTORY)
	open("d/b", sys.O_WRONLY|sys.O_CREAT|sys.O_EXCL)
	for range 2 {
		var names []string
		for {
			entries, e := d.Readdir(1)
			is("readdir", e, 0)
			if len(entries) == 0 {
				break
			}
			names = append(names, entries[0].Name)
		}
		if got := strings.Join(names, " "); got != "a b" {
			t.Errorf("entries %q", got)
		}
		_, e = d.Seek(0, io.SeekStart)
		is("rewind", e, 0)
	}
	_, e = d.Seek(1, io.SeekStart)
	is("seek", e, sys.EISDIR)
	_, e = a.Readdir(-1)
	is("readdir of a file", e, sys.ENOTDIR)

	_, e = f.OpenFile("d/a", sys.O_DIRECTORY, 0)
	is("a file as a directory", e, sys.ENOTDIR)
	_, e = f.OpenFile("d", sys.O_WRONLY, 0)
	is("a directory to write", e, sys.EISDIR)
	_, e = f.OpenFile("d/a", sys.O_CREAT|sys.O_EXCL, 0)
	is("exclusive", e, sys.EEXIST)
	is("rmdir of a file", f.Rmdir("d/a"), sys.ENOTDIR)
	is("unlink of a directory", f.Unlink("d"), sys.EISDIR)
	is("rmdir", f.Rmdir("d"), sys.ENOTEMPTY)
	is("link", f.Link("d/b", "c"), 0)
	is("rename", f.Rename("c", "d/c"), 0)
	is("rename outside", f.Rename("d/c", "../c"), sys.EPERM)
	is("absolute link", f.Symlink("/etc", "l"), sys.EPERM)
	symlink(t, "d/a", filepath.Join(dir, "l"))
	symlink(t, filepath.Dir(dir), filepath.Join(dir, "up"))
	if got, e := f.Readlink("l"); e != 0 || got != "d/a" {
		t.Errorf("%q, %v", got, e)
	}
	if st, e := f.Lstat("l"); e != 0 || st.Mode&fs.ModeSymlink == 0 {
		t.Errorf("%+v, %v", st, e)
	}
	if st, e := f.Stat("l"); e != 0 || st.Size != 2 {
		t.Errorf("%+v, %v", st, e)
	}
	_, e = f.OpenFile("l", sys.O_NOFOLLOW, 0)
	is("nofollow", e, sys.ELOOP)
	for _, path := range []string{"up", "up/x", "..", "../x", "d/../../x"} {
		_, e = f.OpenFile(path, sys.O_RDONLY, 0)
		is(path, e, sys.EPERM)
		_, e = f.Stat(path)
		is(path, e, sys.EPERM)
		is(path, f.Chmod(path, 0o777), sys.EPERM)
		is(path, f.Utimens(path, 1, 1), sys.EPERM)
	}
	ro := &rootFS{root: root, readOnly: true}
	for _, flag := range []sys.Oflag{sys.O_WRONLY, sys.O_RDWR, sys.O_CREAT, sys.O_TRUNC, sys.O_APPEND} {
		_, e = ro.OpenFile("d/a", flag, 0o666)
		is("open read-only", e, sys.EROFS)
	}
	for what, e := range map[string]sys.Errno{
		"mkdir": ro.Mkdir("x", 0o777), "chmod": ro.Chmod("d", 0o777), "rename": ro.Rename("d/a", "x"), "rmdir": ro.Rmdir("d"),
		"unlink": ro.Unlink("d/a"), "link": ro.Link("d/a", "x"), "symlink": ro.Symlink("d/a", "x"), "utimens": ro.Utimens("d/a", 1, 1),
	} {
		is(what+" read-only", e, sys.EROFS)
	}
	// The name is another file's now.
	is("rename", f.Rename("d/b", "d/a"), 0)
	is("moved", a.SetAppend(true), sys.ENOENT)
	is("moved", a.Utimens(1, 1), sys.ENOENT)
}
