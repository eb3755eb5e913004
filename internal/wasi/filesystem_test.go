package wasi

import (
	"os"
	"path/filepath"
	goruntime "runtime"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/wbundle/wbundle/internal/wit"
)

// tree makes a directory with files.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// mounted is a program with one directory.
func mounted(t *testing.T, m Mount) (*guest, wit.Value) {
	t.Helper()
	m.Guest = "/data"
	g := newGuest(t, Config{Mounts: []Mount{m}})
	return g, g.mounts()[0]
}

func (g *guest) content(dir wit.Value, path string) string {
	g.t.Helper()
	f := g.open(dir, path, "{}", "{read}")
	s := g.ok(descriptorMethod+"read-via-stream", f, 0)
	g.drop(f) // the stream goes on
	defer g.drop(s)
	return g.read(s)
}

// TestSandbox: nothing gets out of a mount, by no function.
func TestSandbox(t *testing.T) {
	outside := tree(t, map[string]string{"secret": "s", "dir/x": "x"})
	dir := tree(t, map[string]string{"in/side": "i"})
	for link, target := range map[string]string{
		"abs": filepath.Join(outside, "secret"), "absdir": outside, "up": "..", "in/out": "../../" + filepath.Base(outside) + "/secret",
		"fine": "in/side", "loop": "loop", "dangling": "nowhere",
	} {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Skip("no symbolic links here: ", err)
		}
	}
	g, d := mounted(t, Mount{Host: dir})
	sub := g.open(d, "in", "{directory}", "{read}")
	if got := g.content(d, "fine"); got != "i" {
		t.Errorf("a link inside the mount: %q", got)
	}
	refused := []struct {
		from wit.Value
		path string
		want string
	}{
		{d, "abs", "not-permitted"}, {d, "absdir/secret", "not-permitted"}, {d, "up/" + filepath.Base(outside) + "/secret", "not-permitted"},
		{d, "in/out", "not-permitted"}, {d, "..", "not-permitted"}, {d, "../" + filepath.Base(outside), "not-permitted"},
		{d, "in/../../x", "not-permitted"}, {d, "/", "not-permitted"}, {d, "/etc/passwd", "not-permitted"},
		{sub, "../in/side", "not-permitted"}, {sub, "..", "not-permitted"}, {sub, "out", "not-permitted"},
		{d, "", "no-entry"}, {d, "a\x00b", "invalid"}, {d, "missing/x", "no-entry"}, {d, "in/side/x", "not-directory"}, {d, "dangling", "no-entry"},
	}
	for _, c := range refused {
		want := "err(" + c.want + ")"
		for _, create := range []string{"{}", "{create}"} {
			if create == "{create}" && c.path == "dangling" {
				continue
			}
			g.want(want, descriptorMethod+"open-at", c.from, "{symlink-follow}", c.path, create, "{read}")
		}
		g.want(want, descriptorMethod+"stat-at", c.from, "{symlink-follow}", c.path)
		g.want(want, descriptorMethod+"metadata-hash-at", c.from, "{symlink-follow}", c.path)
		g.want(want, descriptorMethod+"set-times-at", c.from, "{symlink-follow}", c.path, "now", "no-change")
	}
	for _, path := range []string{"..", "../x", "/x", "absdir/x", "up/x", "in/../../x", "", "a\x00b"} {
		for _, v := range []wit.Value{
			g.call(descriptorMethod+"create-directory-at", d, path),
			g.call(descriptorMethod+"remove-directory-at", d, path),
			g.call(descriptorMethod+"unlink-file-at", d, path),
			g.call(descriptorMethod+"readlink-at", d, path),
			g.call(descriptorMethod+"symlink-at", d, "in/side", path),
			g.call(descriptorMethod+"rename-at", d, "in/side", d, path),
			g.call(descriptorMethod+"rename-at", d, path, sub, "x"),
			g.call(descriptorMethod+"link-at", d, "{}", "in/side", d, path),
			g.call(descriptorMethod+"link-at", d, "{}", path, sub, "y"),
		} {
			if v.Case() != 1 {
				t.Errorf("%q: %s", path, v)
			}
		}
	}
	g.want("err(loop)", descriptorMethod+"open-at", d, "{}", "fine", "{}", "{read}")
	g.want("err(loop)", descriptorMethod+"open-at", d, "{symlink-follow}", "loop", "{}", "{read}")
	g.want("err(not-permitted)", descriptorMethod+"symlink-at", d, "/etc/passwd", "evil")
	g.want(`ok("in/side")`, descriptorMethod+"readlink-at", d, "fine")
	// A link that the program makes leads nowhere either.
	g.ok(descriptorMethod+"symlink-at", d, "../"+filepath.Base(outside)+"/secret", "mine")
	g.want("err(not-permitted)", descriptorMethod+"open-at", d, "{symlink-follow}", "mine", "{}", "{read}")
	if b, err := os.ReadFile(filepath.Join(outside, "secret")); err != nil || string(b) != "s" {
		t.Errorf("%q, %v", b, err)
	}
}

func TestPaths(t *testing.T) {
	g, d := mounted(t, Mount{Host: tree(t, map[string]string{"file": "f", "dir/x": "x"})})
	for _, c := range []struct{ path, want string }{
		{".", "directory"}, {"./file", "regular-file"}, {"dir", "directory"}, {"dir/", "directory"}, {"dir/.", "directory"},
		{"dir/../file", "regular-file"}, {"dir//x", "regular-file"}, {"file/", ""}, {"file/.", ""},
	} {
		v := g.call(descriptorMethod+"stat-at", d, "{}", c.path)
		switch {
		case c.want == "":
			if v.String() != "err(not-directory)" {
				t.Errorf("%q: %s", c.path, v)
			}
		case v.Case() != 0:
			t.Errorf("%q: %s", c.path, v)
		default:
			if got, _ := v.Payload().Field("type"); got.String() != c.want {
				t.Errorf("%q: %s", c.path, got)
			}
		}
	}
	g.want("err(is-directory)", descriptorMethod+"open-at", d, "{}", "dir", "{}", "{write}")
	g.want("err(not-directory)", descriptorMethod+"open-at", d, "{}", "file", "{directory}", "{read}")
	g.want("err(exist)", descriptorMethod+"open-at", d, "{}", "file", "{create, exclusive}", "{write}")
	g.want("err(not-empty)", descriptorMethod+"remove-directory-at", d, "dir")
	g.want("err(not-directory)", descriptorMethod+"remove-directory-at", d, "file")
	g.want("err(is-directory)", descriptorMethod+"unlink-file-at", d, "dir")
	f := g.open(d, "file", "{}", "{read, write}")
	g.want("err(not-directory)", descriptorMethod+"stat-at", f, "{}", "x")
	g.want("err(not-directory)", descriptorMethod+"rename-at", d, "file", f, "x")
	g.want("err(is-directory)", descriptorMethod+"read", d, 1, 0)
	g.want("ok({read, mutate-directory})", descriptorMethod+"get-flags", d)
	g.want("ok({read, write})", descriptorMethod+"get-flags", f)
	// Names that are no Unicode cannot be asked for, but stand in lists.
	list := g.ok(descriptorMethod+"read-directory", d)
	const next = "wasi:filesystem/types#[method]directory-entry-stream.read-directory-entry"
	g.want(`ok(some({type: directory, name: "dir"}))`, next, list)
	g.want(`ok(some({type: regular-file, name: "file"}))`, next, list)
	g.want("ok(none)", next, list)
	g.drop(list, f, d)
}

// TestOffsets: what does not fit the operating system's integers is an error.
func TestOffsets(t *testing.T) {
	g, d := mounted(t, Mount{Host: tree(t, map[string]string{"f": "0123456789"})})
	f := g.open(d, "f", "{}", "{read, write}")
	for _, n := range []string{"9223372036854775808", "18446744073709551615"} {
		g.want("err(invalid)", descriptorMethod+"read", f, 1, n)
		g.want("err(invalid)", descriptorMethod+"write", f, octets("x"), n)
		g.want("err(invalid)", descriptorMethod+"set-size", f, n)
		g.want("err(invalid)", descriptorMethod+"read-via-stream", f, n)
		g.want("err(invalid)", descriptorMethod+"write-via-stream", f, n)
		g.want("err(invalid)", descriptorMethod+"set-times", f, "timestamp({seconds: "+n+", nanoseconds: 0})", "no-change")
	}
	g.want("err(invalid)", descriptorMethod+"set-times", f, "timestamp({seconds: 1, nanoseconds: 1000000000})", "no-change")
	const last = "9223372036854775807"
	g.call(descriptorMethod+"advise", f, last, last, "sequential")
	for _, v := range []wit.Value{
		g.call(descriptorMethod+"write", f, octets("xy"), last),
		g.call(outputMethod+"write", g.ok(descriptorMethod+"write-via-stream", f, last), octets("xy")),
		g.call(descriptorMethod+"set-size", f, last),
	} {
		if v.Case() != 1 {
			t.Errorf("at 2^63-1: %s", v)
		}
	}
	g.want("ok(([], true))", descriptorMethod+"read", f, 5, 10)
	g.want("ok(([57], true))", descriptorMethod+"read", f, "18446744073709551615", 9)
	g.want("ok(([48], false))", descriptorMethod+"read", f, 1, 0)
	if got := g.content(d, "f"); got != "0123456789" {
		t.Errorf("%q", got)
	}
}

func TestFiles(t *testing.T) {
	dir := tree(t, map[string]string{"f": "0123456789"})
	g, d := mounted(t, Mount{Host: dir})
	f := g.open(d, "f", "{}", "{read, write}")
	g.want("ok(2)", descriptorMethod+"write", f, octets("ab"), 4)
	g.ok(descriptorMethod+"set-size", f, 8)
	g.ok(descriptorMethod+"sync", f)
	g.ok(descriptorMethod+"sync-data", f)
	a, b := g.ok(descriptorMethod+"append-via-stream", f), g.ok(descriptorMethod+"write-via-stream", f, 1)
	g.ok(outputMethod+"write", b, octets("XY"))
	g.drop(d, f) // of which the streams are no children
	g.ok(outputMethod+"write", a, octets("end"))
	g.ok(outputMethod+"write", b, octets("Z"))
	g.drop(a, b)
	if got, err := os.ReadFile(filepath.Join(dir, "f")); err != nil || string(got) != "0XYZab67end" {
		t.Errorf("%q, %v", got, err)
	}
	if n := g.h.open(); n != 0 {
		t.Errorf("%d resources are left", n)
	}

	d = g.mounts()[0]
	for _, c := range []struct{ flags, read, write string }{
		{"{read}", "ok", "err(bad-descriptor)"}, {"{write}", "err(bad-descriptor)", "ok"}, {"{}", "ok", "err(bad-descriptor)"},
	} {
		f := g.open(d, "f", "{}", c.flags)
		if got := g.call(descriptorMethod+"read", f, 1, 0).String(); !strings.HasPrefix(got, c.read) {
			t.Errorf("%s: read: %s", c.flags, got)
		}
		for _, got := range []wit.Value{
			g.call(descriptorMethod+"write", f, octets("0"), 0), g.call(descriptorMethod+"set-size", f, 11),
			g.call(descriptorMethod+"append-via-stream", f), g.call(descriptorMethod+"write-via-stream", f, 0),
		} {
			if !strings.HasPrefix(got.String(), c.write) {
				t.Errorf("%s: write: %s", c.flags, got)
			}
		}
	}
}

// open counts the resources of the program.
func (h *Host) open() int { return len(h.objects) - 1 - len(h.free) }

func TestTimes(t *testing.T) {
	g, d := mounted(t, Mount{Host: tree(t, map[string]string{"f": "f"})})
	f := g.open(d, "f", "{}", "{read, write}")
	stamp := func(name string) string {
		v, _ := g.ok(descriptorMethod+"stat-at", d, "{}", "f").Field(name)
		return v.String()
	}
	g.ok(descriptorMethod+"set-times", f, "no-change", "timestamp({seconds: 1000, nanoseconds: 0})")
	g.ok(descriptorMethod+"set-times-at", d, "{}", "f", "timestamp({seconds: 2000, nanoseconds: 0})", "no-change")
	if got := stamp("data-modification-timestamp"); got != "some({seconds: 1000, nanoseconds: 0})" {
		t.Errorf("modification: %s", got)
	}
	if got := stamp("data-access-timestamp"); goruntime.GOOS == "linux" && got != "some({seconds: 2000, nanoseconds: 0})" {
		t.Errorf("access: %s", got)
	}
	before := g.call(descriptorMethod+"metadata-hash", f).String()
	if at := g.call(descriptorMethod+"metadata-hash-at", d, "{}", "./f").String(); at != before {
		t.Error("one file has two hashes")
	}
	g.ok(descriptorMethod+"set-times", f, "now", "now")
	if at := g.call(descriptorMethod+"metadata-hash", f).String(); at == before {
		t.Error("a change does not change the hash")
	}
	if got := stamp("data-modification-timestamp"); len(got) < len("some({seconds: 1700000000") {
		t.Errorf("now: %s", got)
	}
	// The file is another's name now: neither is touched.
	g.ok(descriptorMethod+"rename-at", d, "f", d, "g")
	g.drop(g.open(d, "f", "{create}", "{write}"))
	g.want("err(no-entry)", descriptorMethod+"set-times", f, "now", "now")
	g.want("err(no-entry)", descriptorMethod+"append-via-stream", f)
	if goruntime.GOOS != "windows" {
		g.ok(descriptorMethod+"symlink-at", d, "f", "l")
		g.want("err(unsupported)", descriptorMethod+"set-times-at", d, "{}", "l", "now", "now")
		g.ok(descriptorMethod+"set-times-at", d, "{symlink-follow}", "l", "now", "now")
	}
}

func TestRename(t *testing.T) {
	dir, other := tree(t, map[string]string{"a/x": "x", "a/deep/y": "y", "b/z": "z"}), tree(t, nil)
	g := newGuest(t, Config{Mounts: []Mount{{Guest: "/m", Host: dir}, {Guest: "/n", Host: other}, {Guest: "/ro", Host: dir, ReadOnly: true}}})
	ms := g.mounts()
	d, n, ro := ms[0], ms[1], ms[2]
	a, b := g.open(d, "a", "{directory}", "{read}"), g.open(d, "b", "{directory}", "{read}")
	deep := g.open(a, "deep", "{directory}", "{read}")

	g.ok(descriptorMethod+"rename-at", a, "x", b, "x2")
	g.ok(descriptorMethod+"link-at", b, "{}", "x2", deep, "x3")
	g.ok(descriptorMethod+"rename-at", deep, "./y", d, "b/y2")
	for path, want := range map[string]string{"b/x2": "x", "a/deep/x3": "x", "b/y2": "y"} {
		if got := g.content(d, path); got != want {
			t.Errorf("%s: %q", path, got)
		}
	}
	x2, x3 := g.open(b, "x2", "{}", "{read}"), g.open(deep, "x3", "{}", "{read}")
	g.want("true", descriptorMethod+"is-same-object", x2, x3)
	g.want("false", descriptorMethod+"is-same-object", x2, d)
	if h2, h3 := g.call(descriptorMethod+"metadata-hash", x2).String(), g.call(descriptorMethod+"metadata-hash", x3).String(); goruntime.GOOS != "windows" && h2 != h3 {
		t.Error("two names of one file have two hashes")
	}

	g.want("err(cross-device)", descriptorMethod+"rename-at", d, "b/z", n, "z")
	g.want("err(cross-device)", descriptorMethod+"link-at", d, "{}", "b/z", n, "z")
	g.want("err(cross-device)", descriptorMethod+"rename-at", d, "b/z", ro, "z")
	g.want("err(read-only)", descriptorMethod+"rename-at", ro, "b/z", ro, "z")
	g.want("err(invalid)", descriptorMethod+"link-at", d, "{symlink-follow}", "b/z", d, "zz")
	g.want("err(not-permitted)", descriptorMethod+"rename-at", deep, "../deep/x3", b, "out")
	g.want("err(invalid)", descriptorMethod+"rename-at", deep, "..", b, "out")

	// A directory that was moved is no longer where it was opened.
	g.ok(descriptorMethod+"rename-at", d, "a", d, "moved")
	g.ok(descriptorMethod+"create-directory-at", d, "a")
	g.ok(descriptorMethod+"create-directory-at", d, "a/deep")
	g.want("err(cross-device)", descriptorMethod+"rename-at", b, "z", deep, "z")
	g.want("err(no-entry)", descriptorMethod+"stat-at", d, "{}", "a/deep/z")
	g.ok(descriptorMethod+"rename-at", deep, "x3", deep, "x4")
	if got := g.content(d, "moved/deep/x4"); got != "x" {
		t.Errorf("%q", got)
	}
}

// TestReadOnly: nothing changes in a read-only mount, of either kind.
func TestReadOnly(t *testing.T) {
	dir := tree(t, map[string]string{"f": "f", "dir/x": "x"})
	for name, m := range map[string]Mount{
		"directory": {Host: dir, ReadOnly: true},
		"fs.FS":     {FS: fstest.MapFS{"f": {Data: []byte("f")}, "dir/x": {Data: []byte("x")}}},
		"os.DirFS":  {FS: os.DirFS(dir)},
	} {
		t.Run(name, func(t *testing.T) {
			g, d := mounted(t, m)
			if got := g.content(d, "f") + g.content(d, "dir/x") + g.content(d, "dir/../f"); got != "fxf" {
				t.Errorf("%q", got)
			}
			g.want("ok({read})", descriptorMethod+"get-flags", d)
			f, sub := g.open(d, "f", "{}", "{read}"), g.open(d, "dir", "{directory}", "{read}")
			const ro = "err(read-only)"
			for _, open := range [][2]string{{"{}", "{write}"}, {"{create}", "{read}"}, {"{truncate}", "{read}"}, {"{create, truncate}", "{read, write}"}} {
				g.want(ro, descriptorMethod+"open-at", d, "{}", "f", open[0], open[1])
			}
			g.want(ro, descriptorMethod+"open-at", d, "{}", "new", "{create}", "{write}")
			g.want(ro, descriptorMethod+"create-directory-at", sub, "new")
			g.want(ro, descriptorMethod+"remove-directory-at", d, "dir")
			g.want(ro, descriptorMethod+"unlink-file-at", d, "f")
			g.want(ro, descriptorMethod+"symlink-at", d, "f", "l")
			g.want(ro, descriptorMethod+"rename-at", d, "f", d, "g")
			g.want(ro, descriptorMethod+"link-at", d, "{}", "f", d, "g")
			g.want(ro, descriptorMethod+"set-times-at", d, "{}", "f", "now", "now")
			g.want(ro, descriptorMethod+"set-times", f, "now", "now")
			g.want(ro, descriptorMethod+"set-times", d, "now", "now")
			g.want("err(bad-descriptor)", descriptorMethod+"write", f, octets("x"), 0)
			g.want("err(bad-descriptor)", descriptorMethod+"set-size", f, 0)
			g.want("err(bad-descriptor)", descriptorMethod+"write-via-stream", f, 0)
			g.want("err(bad-descriptor)", descriptorMethod+"append-via-stream", f)
			g.ok(descriptorMethod+"sync", f)

			g.want("err(no-entry)", descriptorMethod+"stat-at", d, "{}", "missing")
			g.want("err(not-permitted)", descriptorMethod+"stat-at", d, "{}", "../f")
			g.want("err(not-permitted)", descriptorMethod+"stat-at", sub, "{}", "../f")
			g.want("err(not-directory)", descriptorMethod+"stat-at", d, "{}", "f/")
			g.want("err(invalid)", descriptorMethod+"stat-at", d, "{}", "f\x00")
			g.want("true", descriptorMethod+"is-same-object", f, f)
			g.want("err(invalid)", descriptorMethod+"read", f, 1, "9223372036854775808")
			g.want("ok(([102], false))", descriptorMethod+"read", f, 1, 0)
			g.want("ok(([], true))", descriptorMethod+"read", f, 1, 1000)
		})
	}
}

func TestPipe(t *testing.T) {
	dir := tree(t, nil)
	if err := mkfifo(filepath.Join(dir, "p")); err != nil {
		t.Skip("no named pipes here: ", err)
	}
	g, d := mounted(t, Mount{Host: dir})
	g.want("err(unsupported)", descriptorMethod+"open-at", d, "{}", "p", "{}", "{read}")
}
