package linker_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"

	"github.com/wbundle/wbundle/linker"
	"github.com/wbundle/wbundle/runtime"
)

// Bundles for real hosts. A host of TestPreview1Hosts knows nothing of
// wbundle, of components or of WASI 0.2: it loads a plain core module and
// offers preview 1.

// preview1 says that all that the parts ask of the host comes down to preview 1.
func (r *row) preview1() bool {
	for _, p := range r.parts {
		lang, _, _ := strings.Cut(p, "-")
		switch lang {
		case "rust", "rustpure", "c", "cpp", "zigc", "go":
		default:
			return false
		}
	}
	return true
}

// numbers are the arguments n of the row's calls run(n), with what they return.
func (r *row) numbers(t testing.TB) (ns, want []string) {
	for _, a := range r.answers {
		n := strings.TrimSuffix(strings.TrimPrefix(a.call, "demo:app/run#run("), ")")
		text, err := strconv.Unquote(a.want)
		if err != nil {
			t.Fatal(err)
		}
		ns, want = append(ns, n), append(want, text)
	}
	return ns, want
}

// stockWazero calls run(n) on a fresh instance, with nothing but wazero and
// its preview 1.
func stockWazero(ctx context.Context, rt wazero.Runtime, code wazero.CompiledModule, n uint64) (string, error) {
	m, err := rt.InstantiateModule(ctx, code, wazero.NewModuleConfig().WithName("").WithStartFunctions("_initialize").
		WithSysWalltime().WithSysNanotime())
	if err != nil {
		return "", err
	}
	defer m.Close(ctx)
	for name := range code.ExportedFunctions() {
		if !strings.HasPrefix(name, "demo:app/run") || !strings.HasSuffix(name, "#run") {
			continue
		}
		ret, err := m.ExportedFunction(name).Call(ctx, n)
		if err != nil {
			return "", err
		}
		ptr, _ := m.Memory().ReadUint32Le(uint32(ret[0]))
		size, _ := m.Memory().ReadUint32Le(uint32(ret[0]) + 4)
		b, ok := m.Memory().Read(ptr, size)
		if !ok {
			return "", fmt.Errorf("a string at %d, %d bytes", ptr, size)
		}
		text := string(b)
		if post := m.ExportedFunction("cabi_post_" + name); post != nil {
			if _, err := post.Call(ctx, ret[0]); err != nil {
				return "", err
			}
		}
		return text, nil
	}
	return "", fmt.Errorf("no run function")
}

// TestPreview1Hosts builds the rows whose WASI comes down to preview 1 for
// that target, and runs them in wazero, node and wasmtime. One part alone is a
// consumer with the provider of the same toolchain.
func TestPreview1Hosts(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles for a minute")
	}
	ctx := context.Background()
	for _, r := range sharedRows(t) {
		if !r.preview1() {
			continue
		}
		t.Run(r.name, func(t *testing.T) {
			if r.name != "go-c" {
				r.wanted(t)
			}
			t.Parallel()
			inputs, o := r.load(t)
			o.Target = linker.TargetPreview1
			res := link(t, inputs, o)
			for _, imp := range res.Summary.Imports {
				if !strings.HasPrefix(imp, "wasi_snapshot_preview1#") {
					t.Errorf("imports %s", imp)
				}
			}
			if s := res.Summary; s.Memories.Out != 1 {
				t.Errorf("%d memories", s.Memories.Out)
			}
			unglued(t, inputs, o)
			ns, want := r.numbers(t)

			rt := wazero.NewRuntime(ctx)
			defer rt.Close(ctx)
			wasi_snapshot_preview1.MustInstantiate(ctx, rt)
			code, err := rt.CompileModule(ctx, res.Output)
			if err != nil {
				t.Fatalf("wazero: %v", err)
			}
			for i, n := range ns {
				x, _ := strconv.ParseUint(n, 10, 32)
				got, err := stockWazero(ctx, rt, code, x)
				if err != nil || got != want[i] {
					t.Errorf("wazero: run(%s) = %q, %v, want %q", n, got, err, want[i])
				}
			}

			// Each host takes seconds to compile Go.
			if !r.small() && os.Getenv(bigRows) == "" {
				t.Logf("set %s=1 for node and wasmtime", bigRows)
				return
			}
			path := filepath.Join(t.TempDir(), "bundle.wasm")
			if err := os.WriteFile(path, res.Output, 0o666); err != nil {
				t.Fatal(err)
			}
			elsewhere(t, "node", want, append([]string{"node", "--no-warnings", filepath.Join("testdata", "preview1.mjs"), path}, ns...))
			if why := wasmtimeMissing(); why != "" {
				t.Log("not run in wasmtime: ", why)
				return
			}
			elsewhere(t, "wasmtime", want, append([]string{"python3", filepath.Join("testdata", "preview1.py"), path}, ns...))
		})
	}
}

// unglued checks that nothing is left of what wit-component glued the parts
// with: shims, which it names after what they stand for, and the preview 1
// adapter, a crate of that name.
func unglued(t *testing.T, inputs []linker.Input, o linker.Options) {
	t.Helper()
	o.Names = linker.NamesKeep
	for _, name := range decodeModule(t, link(t, inputs, o).Output).FuncNames() {
		if strings.HasPrefix(name, "adapt-") || strings.HasPrefix(name, "indirect-") || strings.Contains(name, "wasi_snapshot_preview1") && strings.HasPrefix(name, "_R") {
			t.Errorf("function %q is left", name)
		}
	}
}

// elsewhere runs a host that prints a JSON string for each call.
func elsewhere(t *testing.T, name string, want []string, command []string) {
	t.Helper()
	if _, err := exec.LookPath(command[0]); err != nil {
		t.Logf("not run in %s: %v", name, err)
		return
	}
	cmd := exec.Command(command[0], command[1:]...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Errorf("%s: %v\n%s", name, err, stderr.String())
		return
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	for i := range want {
		got := ""
		if i < len(lines) {
			got, _ = strconv.Unquote(lines[i])
		}
		if got != want[i] {
			t.Errorf("%s: call %d gives %q, want %q", name, i, got, want[i])
		}
	}
}

// TestWASIComponents builds the rows that speak WASI 0.2, from their parts and
// from what wac composed of them, and runs them in one memory on package
// runtime.
func TestWASIComponents(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: compiles for a minute")
	}
	for _, r := range sharedRows(t) {
		t.Run(r.name, func(t *testing.T) {
			if r.name != "qjs-qjs" {
				r.wanted(t)
			}
			inputs, o := r.load(t)
			o.Target = linker.TargetWazero
			res := link(t, inputs, coreSingle.as(o))
			t.Logf("%d bytes, %d adapters", len(res.Output), res.Summary.Adapters)
			runWazero(t, "core single", res.Output, r.answers)
			if r.pure() || !r.small() && os.Getenv(bigRows) == "" {
				return // TestPureComponents runs what is composed of the pure ones
			}
			if whole := r.composed(t); whole != nil {
				runWazero(t, "core single, composed", link(t, whole, coreSingle.as(linker.Options{Target: linker.TargetWazero})).Output, r.answers)
			}
		})
	}
	// What wac composed goes to the other targets, too.
	for _, name := range []string{"rust-c", "diamond-rust", "diamond-mixed"} {
		r := rowNamed(t, sharedRows(t), name)
		t.Run("composed/"+name, func(t *testing.T) {
			in := r.composed(t)
			for _, target := range []linker.Target{linker.TargetAny, linker.TargetPreview1} {
				runWazero(t, "core single for "+string(target), link(t, in, linker.Options{Target: target}).Output, r.answers)
			}
		})
	}
}

// TestInterleavedCalls calls two language runtimes in one memory a thousand
// times on one instance: each run crosses from one to the other and back nine
// times, and both allocate and collect on the way. What a run computes is
// compared with a pair of C components. Then one run with a long list makes the
// windows of both grow, and a few more calls find all as it was.
func TestInterleavedCalls(t *testing.T) {
	wanted := os.Getenv(bigRows)
	if testing.Short() {
		t.Skip("compiles for a minute")
	}
	ctx := context.Background()
	rows := sharedRows(t)
	watched := os.Getenv(optimizeEnv) == "" // the functions that grow a window are inlined otherwise
	open := func(t *testing.T, r *row) (*runtime.Instance, []string) {
		inputs, o := r.load(t)
		o.Target, o.Names = linker.TargetWazero, linker.NamesKeep
		wasm := link(t, inputs, coreSingle.as(o)).Output
		var owners []string
		if watched {
			wasm, owners = watchWindows(t, wasm)
		}
		inst, err := runtime.Open(ctx, wasm, runtime.Config{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { inst.Close(ctx) })
		return inst, owners
	}
	fields := regexp.MustCompile(`add=(\S+) .*\(#(\d+)\) norm=(\S+) .*counter=\[?(\d+),\s*(\d+),\s*(\d+)`)
	for _, pair := range []struct{ name, consumer, provider string }{
		{"qjs-qjs", "qjs-consumer", "qjs-provider"},
		{"sm-sm", "sm-consumer", "sm-provider"},
		{"qjs-py", "qjs-consumer", "py-provider"},
	} {
		t.Run(pair.name, func(t *testing.T) {
			if pair.name != "qjs-qjs" && wanted != "1" && !strings.Contains(" "+wanted+" ", " "+pair.name+" ") {
				t.Skipf("set %s=1", bigRows)
			}
			model, _ := open(t, rowNamed(t, rows, "c-c"))
			inst, owners := open(t, &row{name: pair.name, parts: []string{pair.consumer, pair.provider}})
			begin := windowSizes(t, inst, owners)
			compare := func(n int) {
				t.Helper()
				call := fmt.Sprintf("run(%d)", n)
				want, err := model.Invoke(ctx, call)
				if err != nil {
					t.Fatal(err)
				}
				got, err := inst.Invoke(ctx, call)
				if err != nil {
					t.Fatalf("%s: %v", call, err)
				}
				w, g := fields.FindStringSubmatch(want), fields.FindStringSubmatch(got)
				if w == nil || g == nil || !slices.Equal(w[1:], g[1:]) {
					t.Fatalf("%s = %s, want what is in %s", call, got, want)
				}
			}
			for n := range 1000 {
				compare(n)
			}
			after := windowSizes(t, inst, owners)
			compare(manyPoints)
			end := windowSizes(t, inst, owners)
			for _, owner := range []string{pair.consumer, pair.provider} {
				grown := false
				for i, o := range owners {
					if strings.HasPrefix(o, owner) {
						t.Logf("%s: %d pages, %d after 1000 calls, %d after run(%d)", o, begin[i], after[i], end[i], manyPoints)
						grown = grown || end[i] > begin[i]
					}
				}
				if !grown && watched {
					t.Errorf("no window of %s grew: %v, %v before, %v after", owner, owners, begin, end)
				}
			}
			for n := range 20 {
				compare(n)
			}
		})
	}
}

// TestCommands bundles commands of three toolchains and runs them beside the
// components they are: the same output and exit code.
func TestCommands(t *testing.T) {
	t.Parallel()
	sharedRows(t) // skips where they are absent
	ctx := context.Background()
	for _, name := range []string{"rust-cli", "c-cli", "zigcc-hello"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := []linker.Input{input(t, shared, name)}
			run := func(wasm []byte) string {
				var out bytes.Buffer
				code, err := runtime.Run(ctx, wasm, runtime.Config{
					Args: []string{name, "one", "two words"}, Env: []string{"DEMO=yes"}, Stdin: strings.NewReader("a line\n"), Stdout: &out, Stderr: &out,
				})
				return fmt.Sprintf("%s(exit %d, %v)", out.String(), code, err)
			}
			want := run(in[0].Bytes)
			for _, target := range []linker.Target{linker.TargetAny, linker.TargetWazero, linker.TargetPreview1} {
				if got := run(link(t, in, linker.Options{Target: target}).Output); got != want {
					t.Errorf("target %q: %s\nwant %s", target, got, want)
				}
			}
		})
	}
}

// TestCoreToolchains links core modules of toolchains that make no components,
// and calls what they export before and after.
func TestCoreToolchains(t *testing.T) {
	t.Parallel()
	sharedRows(t)
	for _, name := range []string{"as-incremental", "as-minimal", "as-stub", "zig-free"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := []linker.Input{input(t, filepath.Join(shared, "core"), name+".core")}
			out := link(t, in, linker.Options{Unresolved: linker.UnresolvedImport}).Output
			c, err := runtime.Compare(context.Background(), in[0].Bytes, out, runtime.CompareOptions{Seed: 1, Calls: 8, Timeout: time.Second})
			if err != nil {
				t.Fatal(err)
			}
			if c.Calls == 0 || len(c.Differences) > 0 {
				t.Errorf("%d calls, differences %+v", c.Calls, c.Differences)
			}
			t.Logf("%d bytes, %d after, %d calls, skipped %v", len(in[0].Bytes), len(out), c.Calls, c.Skipped)
		})
	}
}
