package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// names lists a directory.
func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}

func content(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func write(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

func TestWriteAll(t *testing.T) {
	dir := t.TempDir()
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "new", "b")
	write(t, a, "old", 0o640)
	link := filepath.Join(dir, "link")
	if err := os.Symlink("a", link); err != nil {
		t.Fatal(err)
	}
	var stdout strings.Builder
	app := &app{stdout: &stdout, stderr: io.Discard}
	if err := app.writeAll([]file{{link, []byte("new")}, {b, []byte("b")}, {"-", []byte("out")}, {os.DevNull, []byte("gone")}}); err != nil {
		t.Fatal(err)
	}
	if content(t, a) != "new" || content(t, b) != "b" || stdout.String() != "out" {
		t.Errorf("a is %q, b is %q, standard output %q", content(t, a), content(t, b), stdout.String())
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is %v, %v", info.Mode(), err)
	}
	if info, err := os.Stat(a); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("a has mode %v, %v; want 0640", info.Mode(), err)
	}
	if info, err := os.Stat(os.DevNull); err != nil || info.Mode().IsRegular() {
		t.Fatalf("%s is %v, %v", os.DevNull, info.Mode(), err)
	}
	if diff := cmp.Diff([]string{"a", "link", "new"}, names(t, dir)); diff != "" {
		t.Errorf("left behind:\n%s", diff)
	}
}

// TestWriteAllFails checks that one output that cannot be written keeps the
// others from being replaced.
func TestWriteAllFails(t *testing.T) {
	dir := t.TempDir()
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	write(t, a, "old", 0o666)
	if err := os.Mkdir(b, 0o777); err != nil {
		t.Fatal(err)
	}
	app := &app{stdout: io.Discard, stderr: io.Discard}
	err := app.writeAll([]file{{a, []byte("new")}, {b, []byte("new")}})
	if err == nil || !strings.Contains(err.Error(), "is a directory") {
		t.Errorf("error is %v", err)
	}
	if got := content(t, a); got != "old" {
		t.Errorf("a is %q, want it as it was", got)
	}
	if diff := cmp.Diff([]string{"a", "b"}, names(t, dir)); diff != "" {
		t.Errorf("left behind:\n%s", diff)
	}
}

func TestSources(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a=b.wasm"), "", 0o666)
	app := &app{dir: dir}
	in := func(name string) string { return filepath.Join(dir, name) }
	for _, test := range []struct {
		args []string
		want []source
		err  string
	}{
		{[]string{"x/app.wasm", "log=lib/logger.wasm"}, []source{{id: "app", path: in("x/app.wasm")}, {id: "log", path: in("lib/logger.wasm")}}, ""},
		{[]string{"m.wasm", "m.wasm", "x/m.wasm", "m-2=n.wasm"}, []source{
			{id: "m", path: in("m.wasm")}, {id: "m-3", path: in("m.wasm")}, {id: "m-4", path: in("x/m.wasm")}, {id: "m-2", path: in("n.wasm")},
		}, ""},
		{[]string{"-"}, []source{{id: "stdin", path: "-"}}, ""},
		{[]string{"x=-"}, []source{{id: "x", path: "-"}}, ""},
		{[]string{"a=b.wasm"}, nil, `the file name cannot serve as an id`},
		{[]string{"x=a=b.wasm"}, []source{{id: "x", path: in("a=b.wasm")}}, ""},
		{[]string{"/abs/x.wasm"}, []source{{id: "x", path: "/abs/x.wasm"}}, ""},
		{[]string{"x=a", "x=b"}, nil, `two inputs are called "x"`},
		{[]string{"x="}, nil, "want id=path"},
		{[]string{"-", "x=-"}, nil, "standard input, which can be read only once"},
	} {
		got, err := app.sources(test.args)
		if test.err != "" {
			if err == nil || !strings.Contains(err.Error(), test.err) {
				t.Errorf("%q: error %v, want %q", test.args, err, test.err)
			}
			continue
		}
		if err != nil || !slices.Equal(got, test.want) {
			t.Errorf("%q: %+v, %v, want %+v", test.args, got, err, test.want)
		}
	}
}

func TestReadChecksHash(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.wasm")
	write(t, path, "abc", 0o666)
	const hash = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
	app := &app{}
	in, err := app.read(context.Background(), []source{{id: "a", path: path, sha256: hash}})
	if err != nil || in[0].hash != hash {
		t.Errorf("%+v, %v", in, err)
	}
	_, err = app.read(context.Background(), []source{{id: "a", path: path, sha256: strings.Repeat("0", 64), where: "c.yaml:3:4"}})
	if err == nil || !strings.HasPrefix(err.Error(), "c.yaml:3:4: input \"a\": ") {
		t.Errorf("error is %v", err)
	}
}
