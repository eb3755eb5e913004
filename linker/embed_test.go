package linker_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
	"github.com/tetratelabs/wazero/sys"

	"github.com/wbundle/wbundle/linker"
	"github.com/wbundle/wbundle/runtime"
)

// embedForm is one way in which a program asks for embedded values.
type embedForm struct {
	name  string
	input string // of fixtures/wasi
	opts  linker.Options
	stock bool // runs in wazero without package runtime
	// coarse says that exit codes pass through wasi:cli/exit.
	coarse bool
}

// embedForms are a core module, a component whose adapter goes and one whose
// adapter stays, with one memory and with the handle tables beside it.
var embedForms = []embedForm{
	{"core module", "programs.core.wasm", linker.Options{}, true, false},
	{"core module, isolated", "programs.core.wasm", linker.Options{Isolation: linker.IsolationTrap}, true, false},
	{"core module, optimized", "programs.core.wasm", linker.Options{Optimize: linker.OptimizeSize}, true, false},
	{"adapter", "programs.wasm", linker.Options{}, false, true},
	{"adapter, multi", "programs.wasm", linker.Options{Memory: linker.MemoryMulti}, false, true},
	{"adapter, component", "programs.wasm", linker.Options{Format: linker.FormatComponent}, false, true},
	{"no adapter, runtime", "programs.wasm", linker.Options{Target: linker.TargetWazero}, false, false},
	{"no adapter", "programs.wasm", linker.Options{Target: linker.TargetPreview1}, true, false},
	{"no adapter, optimized", "programs.wasm", linker.Options{Target: linker.TargetPreview1, Optimize: linker.OptimizeSize}, true, false},
}

func (f *embedForm) link(t *testing.T, w linker.WASI) *linker.Result {
	t.Helper()
	o := f.opts
	o.WASI, o.Check = w, true
	return link(t, []linker.Input{{ID: "programs", Bytes: readFile(t, filepath.Join("..", "fixtures", "wasi", f.input))}}, o)
}

// embedRun is what a program sees of its host, and the other way round.
type embedRun struct {
	args, env []string
	mounts    []runtime.Mount
}

// embedRunners are the engines: package runtime, and wazero by itself.
func embedRunners(t *testing.T, f *embedForm, wasm []byte) map[string]func(embedRun) wasiOutcome {
	t.Helper()
	ctx := context.Background()
	p, err := runtime.Compile(ctx, wasm, "programs")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close(ctx) })
	outcome := func(stdout, stderr *bytes.Buffer, code int) wasiOutcome {
		return wasiOutcome{stdout: stdout.String(), stderr: stderr.String(), exit: fmt.Sprint(code)}
	}
	runners := map[string]func(embedRun) wasiOutcome{"runtime": func(r embedRun) wasiOutcome {
		ctx, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		var stdout, stderr bytes.Buffer
		code, err := p.Run(ctx, runtime.Config{Args: r.args, Env: r.env, Stdout: &stdout, Stderr: &stderr, Stdin: strings.NewReader("a\n"), Mounts: r.mounts})
		out := outcome(&stdout, &stderr, code)
		var trap *runtime.Trap
		if errors.As(err, &trap) {
			out.exit = "trap"
		} else if err != nil {
			t.Fatal(err)
		}
		return out
	}}
	if !f.stock {
		return runners
	}
	rt := wazero.NewRuntime(ctx)
	t.Cleanup(func() { rt.Close(ctx) })
	wasi_snapshot_preview1.MustInstantiate(ctx, rt)
	code, err := rt.CompileModule(ctx, wasm)
	if err != nil {
		t.Fatal(err)
	}
	runners["wazero"] = func(r embedRun) wasiOutcome {
		var stdout, stderr bytes.Buffer
		c := wazero.NewModuleConfig().WithName("").WithArgs(r.args...).WithStdout(&stdout).WithStderr(&stderr).WithStdin(strings.NewReader("a\n")).
			WithSysWalltime().WithSysNanotime().WithSysNanosleep()
		for _, e := range r.env {
			k, v, _ := strings.Cut(e, "=")
			c = c.WithEnv(k, v)
		}
		fs := wazero.NewFSConfig()
		for _, m := range r.mounts {
			fs = fs.WithReadOnlyDirMount(m.Host, m.Guest)
		}
		m, err := rt.InstantiateModule(ctx, code, c.WithFSConfig(fs))
		if m != nil {
			m.Close(ctx)
		}
		var exit *sys.ExitError
		switch {
		case errors.As(err, &exit):
			return outcome(&stdout, &stderr, int(exit.ExitCode()))
		case err != nil:
			out := outcome(&stdout, &stderr, 0)
			out.exit = "trap"
			return out
		}
		return outcome(&stdout, &stderr, 0)
	}
	return runners
}

// TestEmbedEnvironment runs programs with an environment and arguments of the
// bundle, in every form: they see those, and the host is asked for none.
func TestEmbedEnvironment(t *testing.T) {
	t.Parallel()
	host := embedRun{args: []string{"programs", "input"}, env: []string{"HOST=1", "GREETING=from the host", "OTHER=äöü"}}
	asked := []string{"wasi_snapshot_preview1#environ_get", "wasi_snapshot_preview1#environ_sizes_get", "wasi:cli/environment@0.2.12#get-environment"}
	askedArgs := []string{"wasi_snapshot_preview1#args_get", "wasi_snapshot_preview1#args_sizes_get", "wasi:cli/environment@0.2.12#get-arguments"}
	args := func(program ...string) []string { return append([]string{"programs"}, program...) }
	for _, tt := range []struct {
		name   string
		w      linker.WASI
		stdout string
		gone   []string
		kept   bool // the host's environment is asked for
	}{
		{"environment", linker.WASI{Env: &linker.Environment{Set: map[string]string{"GREETING": "grüß dich", "A": ""}}, Args: args("env")}, "GREETING=grüß dich NONE=unset\n", slices.Concat(asked, askedArgs), false},
		{"empty environment", linker.WASI{Env: &linker.Environment{}, Args: args("env")}, "GREETING=(null) NONE=unset\n", slices.Concat(asked, askedArgs), false},
		{"passed on", linker.WASI{Env: &linker.Environment{Pass: []string{"NOT", "GREETING"}}, Args: args("env")}, "GREETING=from the host NONE=unset\n", askedArgs, true},
		{"set and passed on", linker.WASI{Env: &linker.Environment{Set: map[string]string{"GREETING": "set"}, Pass: []string{"NONE", "OTHER"}}, Args: args("env")}, "GREETING=set NONE=unset\n", askedArgs, true},
		{"none passed on", linker.WASI{Env: &linker.Environment{Pass: []string{"GREETIN", "GREETING1"}}, Args: args("env")}, "GREETING=(null) NONE=unset\n", askedArgs, true},
		{"arguments", linker.WASI{Args: args("args", "", "dritte ä", strings.Repeat("x", 300))}, "1: \n2: dritte ä\n3: " + strings.Repeat("x", 300) + "\n", askedArgs, true},
		{"no arguments", linker.WASI{Args: []string{}}, "", askedArgs, true},
		{"denied otherwise", linker.WASI{Args: args("env"), Env: &linker.Environment{Set: map[string]string{"GREETING": "x"}}, Rules: map[string]linker.Policy{"wasi:cli/environment": linker.PolicyDeny}},
			"GREETING=x NONE=unset\n", slices.Concat(asked, askedArgs), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for i, f := range embedForms {
				if i%2 > 0 && tt.name != "environment" && tt.name != "set and passed on" {
					continue // all forms for two, half of them for the others
				}
				r := f.link(t, tt.w)
				kept := false
				for _, imp := range r.Summary.Imports {
					if slices.Contains(tt.gone, imp) || len(tt.gone) == len(asked)+len(askedArgs) && strings.HasPrefix(imp, "wasi:cli/environment") {
						t.Errorf("%s: still imports %s", f.name, imp)
					}
					kept = kept || slices.Contains(asked, imp)
				}
				if kept != tt.kept {
					t.Errorf("%s: asks the host for its environment: %v, want %v", f.name, kept, tt.kept)
				}
				for engine, run := range embedRunners(t, &f, r.Output) {
					got := run(host)
					// Without arguments the program prints its list.
					if tt.stdout == "" && strings.HasPrefix(got.stdout, "args\nenv\n") {
						continue
					}
					if got.stdout != tt.stdout || got.exit != "0" {
						t.Errorf("%s in %s: %q, stderr %q, exit %s; want %q, exit 0", f.name, engine, got.stdout, got.stderr, got.exit, tt.stdout)
					}
				}
			}
		})
	}
}

// TestEmbedEnvironmentComponents asks wasi:cli/environment itself, with every
// encoding of strings.
func TestEmbedEnvironmentComponents(t *testing.T) {
	t.Parallel()
	host := []string{"ONE=1", "日本=語", "Ä=ö", "EMPTY=", "TWO=zwei €"}
	both := &linker.Environment{Set: map[string]string{"SET": "ä", "WIDE": "😀 €", "A": ""}, Pass: []string{"Ä", "日本", "NONE", "EMPTY"}}
	for _, tt := range []struct {
		name              string
		w                 linker.WASI
		env               []string
		call, want        string
		imports, noImport string
	}{
		{"set", linker.WASI{Env: &linker.Environment{Set: both.Set}}, host, "environment()", `[("A", ""), ("SET", "ä"), ("WIDE", "😀 €")]`, "#get-arguments", "#get-environment"},
		{"empty", linker.WASI{Env: &linker.Environment{}}, host, "environment()", `[]`, "#get-arguments", "#get-environment"},
		{"set and passed on", linker.WASI{Env: both}, host, "environment()", `[("日本", "語"), ("Ä", "ö"), ("EMPTY", ""), ("A", ""), ("SET", "ä"), ("WIDE", "😀 €")]`, "#get-environment", ""},
		{"set, none to pass on", linker.WASI{Env: both}, nil, "environment()", `[("A", ""), ("SET", "ä"), ("WIDE", "😀 €")]`, "#get-environment", ""},
		{"set, no such to pass on", linker.WASI{Env: both}, []string{"X=1"}, "environment()", `[("A", ""), ("SET", "ä"), ("WIDE", "😀 €")]`, "#get-environment", ""},
		{"passed on", linker.WASI{Env: &linker.Environment{Pass: []string{"TWO", "ONE"}}}, host, "environment()", `[("ONE", "1"), ("TWO", "zwei €")]`, "#get-environment", ""},
		{"all passed on", linker.WASI{Env: &linker.Environment{Pass: []string{"TWO", "ONE"}}}, []string{"TWO=2", "ONE="}, "environment()", `[("TWO", "2"), ("ONE", "")]`, "#get-environment", ""},
		{"no such passed on", linker.WASI{Env: &linker.Environment{Pass: []string{"TW", "TWO1"}}}, host, "environment()", `[]`, "#get-environment", ""},
		{"none to pass on", linker.WASI{Env: &linker.Environment{Pass: []string{"TWO"}}}, nil, "environment()", `[]`, "#get-environment", ""},
		{"arguments", linker.WASI{Args: []string{"shop", "", "ä", "€"}}, host, "arguments()", `["shop", "", "ä", "€"]`, "#get-environment", "#get-arguments"},
		{"no arguments", linker.WASI{Args: []string{}}, host, "arguments()", `[]`, "#get-environment", "#get-arguments"},
		{"directory", linker.WASI{Args: []string{}, Env: &linker.Environment{}}, host, "cwd()", `none`, "", "wasi:cli/environment"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, enc := range []string{"utf8", "utf16", "latin1"} {
				for _, f := range []form{coreSingle, coreTrapping, coreMulti, componentMulti} {
					o := f.as(linker.Options{WASI: tt.w, Check: true})
					r := link(t, []linker.Input{input(t, "testdata/embed", "environment-"+enc)}, o)
					imports := strings.Join(r.Summary.Imports, " ")
					if !strings.Contains(imports, tt.imports) || tt.noImport != "" && strings.Contains(imports, tt.noImport) {
						t.Errorf("%s %s: imports %s, want %q and not %q", enc, f, imports, tt.imports, tt.noImport)
					}
					inst, err := runtime.Open(context.Background(), r.Output, runtime.Config{Args: []string{"host"}, Env: tt.env})
					if err != nil {
						t.Fatal(err)
					}
					if got, err := inst.Invoke(context.Background(), tt.call); got != tt.want || err != nil {
						t.Errorf("%s %s: %s is %s, %v; want %s", enc, f, tt.call, got, err, tt.want)
					}
					if err := inst.Close(context.Background()); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
}

// TestEmbedWindow answers a core module whose memory is not the one that the
// host sees.
func TestEmbedWindow(t *testing.T) {
	t.Parallel()
	dir := filepath.Join("testdata", "host")
	inputs := []linker.Input{input(t, dir, "preview1-root"), input(t, dir, "preview1-lib")}
	ctx := context.Background()
	for name, w := range map[string]linker.WASI{
		"set":               {Args: []string{"x", "y", "z"}, Env: &linker.Environment{Set: map[string]string{"E": "1", "D": "2"}}},
		"set and passed on": {Args: []string{"x", "y", "z"}, Env: &linker.Environment{Set: map[string]string{"E": "1"}, Pass: []string{"D"}}},
	} {
		for _, isolation := range []linker.Isolation{linker.IsolationNone, linker.IsolationTrap, linker.IsolationMask} {
			r := link(t, inputs, linker.Options{Root: "preview1-root", WASI: w, Isolation: isolation, Check: true})
			if len(r.Summary.Windows) < 2 {
				t.Fatalf("windows %v", r.Summary.Windows)
			}
			inst, err := runtime.Open(ctx, r.Output, runtime.Config{Args: []string{"program"}, Env: []string{"A=1", "D=2", "F=3"}})
			if err != nil {
				t.Fatal(err)
			}
			for call, want := range map[string]string{"arguments()": fmt.Sprint('x'<<16 | 'y'<<8 | 'z'), "variables()": fmt.Sprint('D'<<8 | 'E')} {
				if got, err := inst.Invoke(ctx, call); err != nil || got != want {
					t.Errorf("%s, isolation %s: %s = %s, %v, want %s", name, isolation, call, got, err, want)
				}
			}
			if err := inst.Close(ctx); err != nil {
				t.Error(err)
			}
		}
	}
}

// TestEmbedTwice checks that names which an allocator has let be overwritten are
// not looked at.
func TestEmbedTwice(t *testing.T) {
	t.Parallel()
	r := link(t, []linker.Input{input(t, "testdata/embed", "environment-twice")}, linker.Options{WASI: linker.WASI{Env: &linker.Environment{Pass: []string{"ONE"}}}})
	inst, err := runtime.Open(context.Background(), r.Output, runtime.Config{Env: []string{"ONE=1", "TWO=2"}})
	if err != nil {
		t.Fatal(err)
	}
	defer inst.Close(context.Background())
	var trap *runtime.Trap
	if got, err := inst.Invoke(context.Background(), "environment()"); !errors.As(err, &trap) {
		t.Errorf("%s, %v; want a trap", got, err)
	}
}

// TestEmbedRefused checks what values cannot be, and who cannot be given any.
func TestEmbedRefused(t *testing.T) {
	t.Parallel()
	programs := []linker.Input{{ID: "programs", Bytes: readFile(t, filepath.Join("..", "fixtures", "wasi", "programs.wasm"))}}
	env := func(set map[string]string, pass ...string) linker.WASI {
		return linker.WASI{Env: &linker.Environment{Set: set, Pass: pass}}
	}
	mount := func(path string, files ...string) linker.WASI {
		m := linker.Mount{Path: path, Files: map[string][]byte{}}
		for _, f := range files {
			m.Files[f] = nil
		}
		return linker.WASI{Mounts: []linker.Mount{m}}
	}
	for _, tt := range []struct {
		inputs []linker.Input
		w      linker.WASI
		want   string
	}{
		{programs, env(map[string]string{"A=B": ""}), `"A=B" cannot be the name of a variable`},
		{programs, env(map[string]string{"": ""}), `"" cannot be the name of a variable`},
		{programs, env(map[string]string{"A": "\x00"}), "the value of A contains a zero byte"},
		{programs, env(map[string]string{"A": "\xff"}), "the value of A is not UTF-8"},
		{programs, env(nil, "A\x00"), "contains a zero byte"},
		{programs, env(nil, "A", "A"), "A is there already"},
		{programs, env(map[string]string{"A": ""}, "A"), "A is there already"},
		{programs, linker.WASI{Env: &linker.Environment{Pass: []string{"A"}}, Default: linker.PolicyStub}, "the rules do not allow wasi:cli/environment#get-environment"},
		{programs, linker.WASI{Args: []string{"a", "b\x00"}}, "argument 1 contains a zero byte"},
		{programs, mount("data"), `"data" is not an absolute path`},
		{programs, mount("/data/../x"), "is not an absolute path"},
		{programs, mount("/data", "../x"), `"../x" is not a path below it`},
		{programs, mount("/data", "/x"), `"/x" is not a path below it`},
		{programs, mount("/data", "a//b"), `"a//b" is not a path below it`},
		{programs, mount("/data", "a", "a/b"), `"a" is there twice`},
		{programs, linker.WASI{Mounts: []linker.Mount{{Path: "/a"}, {Path: "/a"}}}, "wasi mount /a is there twice"},
		{[]linker.Input{input(t, "testdata/embed", "preopens")}, mount("/data"), `"preopens" calls wasi:filesystem/preopens@0.2.3#get-directories, and files of the bundle`},
		{[]linker.Input{input(t, "testdata/embed", "core-environment")}, env(nil), `"core-environment" is a core module that calls wasi:cli/environment@0.2.3#get-environment`},
		{[]linker.Input{input(t, "testdata/embed", "no-memory")}, env(nil), `"no-memory" calls wasi_snapshot_preview1#environ_sizes_get without a memory`},
		{[]linker.Input{input(t, "testdata/embed", "fixed-memory")}, env(nil, "A"), `"fixed-memory" has a memory that cannot grow`},
	} {
		_, err := linker.Link(context.Background(), tt.inputs, linker.Options{WASI: tt.w})
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: error %v, want %q in it", tt.w, err, tt.want)
		}
	}
	// What nobody asks for is no error, and does no harm.
	r := link(t, []linker.Input{input(t, "testdata/embed", "fixed-memory")}, linker.Options{WASI: mount("/data", "x")})
	if len(r.Summary.Warnings) != 1 || !strings.Contains(r.Summary.Warnings[0], "no input opens files") {
		t.Errorf("warnings %q", r.Summary.Warnings)
	}
}

// embedFiles is the tree that programs of fixtures/wasi find under /data.
var embedFiles = map[string][]byte{"hello.txt": []byte("hello, world\n"), "empty": {}, "dir/a": []byte("A"), "dir/b": []byte("BB")}

// TestEmbedFiles runs the programs of fixtures/wasi on files of the bundle, in
// every form. What they do is what they do on a read-only directory of the host,
// but that opening a directory to write says what every operating system says.
func TestEmbedFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeTree(t, dir, embedFiles)
	whole := embedForm{input: "programs.core.wasm", stock: true}
	reference := embedRunners(t, &whole, readFile(t, filepath.Join("..", "fixtures", "wasi", "programs.core.wasm")))["runtime"]
	expected := map[string]wasiOutcome{}
	for _, name := range strings.Fields(reference(embedRun{args: []string{"programs"}}).stdout) {
		expected[name] = reference(embedRun{args: []string{"programs", name}, mounts: []runtime.Mount{{Guest: "/data", Host: dir, ReadOnly: true}}})
	}
	if len(expected) < 30 {
		t.Fatalf("%d programs", len(expected))
	}
	for _, f := range embedForms {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			r := f.link(t, linker.WASI{Mounts: []linker.Mount{{Path: "/data", Files: embedFiles}}})
			for engine, run := range embedRunners(t, &f, r.Output) {
				for name, want := range expected {
					args := []string{"programs", name}
					if name == "open-directory" {
						want.stdout = "open: Is a directory\n"
					}
					if f.coarse && want.exit != "0" && want.exit != "trap" {
						want.exit = "1"
					}
					if got := run(embedRun{args: args}); got != want {
						t.Errorf("%s in %s: %+v, want %+v", name, engine, got, want)
					}
				}
			}
		})
	}
}

func writeTree(t *testing.T, dir string, files map[string][]byte) {
	t.Helper()
	for name, content := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if strings.HasSuffix(name, "/") {
			if err := os.MkdirAll(path, 0o777); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o666); err != nil {
			t.Fatal(err)
		}
	}
}
