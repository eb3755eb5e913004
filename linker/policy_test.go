package linker_test

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/wbundle/wbundle/linker"
	"github.com/wbundle/wbundle/runtime"
)

// TestWASIVersions checks that the versions of WASI that inputs ask for become
// one.
func TestWASIVersions(t *testing.T) {
	t.Parallel()
	in := []linker.Input{input(t, "testdata/host", "wasi-versions")}
	want := []string{"wasi:clocks/monotonic-clock@0.2.12#now", "wasi:clocks/monotonic-clock@0.2.12#resolution", "wasi:random/random@0.2.12#get-random-u64"}
	for _, f := range []form{coreSingle, componentMulti} {
		r := link(t, in, f.as(linker.Options{}))
		got := slices.Sorted(slices.Values(r.Summary.Imports))
		if !slices.Equal(got, want) {
			t.Errorf("%s: imports %v, want %v", f, got, want)
		}
		runWazero(t, f.String(), r.Output, []answer{{"run()", "true"}})
	}
}

// TestWASIPolicies runs programs of fixtures/wasi with parts of WASI denied or
// stubbed, in the bundle that keeps the adapter and in the one that does not.
func TestWASIPolicies(t *testing.T) {
	t.Parallel()
	dir := filepath.Join("..", "fixtures", "wasi")
	inputs := []linker.Input{{ID: "programs", Bytes: readFile(t, filepath.Join(dir, "programs.wasm"))}}
	for _, tt := range []struct {
		name, program string
		wasi          linker.WASI
		stdout, exit  string
		gone          []string // of preview 1's functions
	}{
		{"allow", "env", linker.WASI{Default: linker.PolicyAllow}, "GREETING=hi NONE=unset\n", "0", nil},
		{"stub environment", "env", linker.WASI{Rules: map[string]linker.Policy{"wasi:cli/environment#get-environment": linker.PolicyStub}},
			"GREETING=(null) NONE=unset\n", "0", []string{"environ_get", "environ_sizes_get"}},
		{"stub by version", "env", linker.WASI{Rules: map[string]linker.Policy{"wasi:cli/environment@0.2.12#get-environment": linker.PolicyStub}},
			"GREETING=(null) NONE=unset\n", "0", nil},
		{"deny arguments", "args", linker.WASI{Rules: map[string]linker.Policy{"wasi:cli/environment#get-arguments": linker.PolicyDeny}}, "", "trap", []string{"args_get"}},
		{"function before interface", "args", linker.WASI{Rules: map[string]linker.Policy{
			"wasi:cli/environment#get-arguments": linker.PolicyAllow, "wasi:cli/environment": linker.PolicyDeny, "wasi:cli": linker.PolicyDeny,
			"wasi:cli/stdout": linker.PolicyAllow, "wasi:cli/stdin": linker.PolicyAllow, "wasi:cli/stderr": linker.PolicyAllow,
			"wasi:cli/terminal-stdout": linker.PolicyAllow, "wasi:cli/terminal-stdin": linker.PolicyAllow, "wasi:cli/terminal-stderr": linker.PolicyAllow,
		}}, "1: second argument\n2: dritte ä\n", "0", []string{"environ_get", "proc_exit"}},
		{"no directories", "read", linker.WASI{Rules: map[string]linker.Policy{"wasi:filesystem/preopens": linker.PolicyStub}},
			"/data/hello.txt: No such file or directory\n", "1", []string{"fd_prestat_get"}},
		{"no clock", "clock-real", linker.WASI{Rules: map[string]linker.Policy{"wasi:clocks": linker.PolicyDeny}}, "", "trap", []string{"clock_time_get"}},
		{"no randomness", "random", linker.WASI{Rules: map[string]linker.Policy{"wasi:random": linker.PolicyDeny}}, "", "trap", []string{"random_get"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, target := range []linker.Target{linker.TargetAny, linker.TargetWazero, linker.TargetPreview1} {
				r := link(t, inputs, linker.Options{Target: target, WASI: tt.wasi})
				for _, gone := range tt.gone {
					if slices.Contains(r.Summary.Imports, "wasi_snapshot_preview1#"+gone) {
						t.Errorf("target %q: still imports %s", target, gone)
					}
				}
				p, err := runtime.Compile(context.Background(), r.Output, "programs")
				if err != nil {
					t.Fatal(err)
				}
				got := runWASI(t, p, tt.program)
				if got.stdout != tt.stdout || got.exit != tt.exit {
					t.Errorf("target %q: %q, exit %s; want %q, exit %s", target, got.stdout, got.exit, tt.stdout, tt.exit)
				}
				if err := p.Close(context.Background()); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// TestWASIPoliciesCoreModule applies rules to a core module that calls preview 1
// itself.
func TestWASIPoliciesCoreModule(t *testing.T) {
	t.Parallel()
	inputs := []linker.Input{{ID: "programs", Bytes: readFile(t, filepath.Join("..", "fixtures", "wasi", "programs.core.wasm"))}}
	r := link(t, inputs, linker.Options{WASI: linker.WASI{Rules: map[string]linker.Policy{
		"wasi:cli/environment#get-environment": linker.PolicyStub, "wasi:random": linker.PolicyDeny,
	}}})
	for _, gone := range []string{"environ_get", "environ_sizes_get", "random_get"} {
		if slices.Contains(r.Summary.Imports, "wasi_snapshot_preview1#"+gone) {
			t.Errorf("still imports %s", gone)
		}
	}
	p, err := runtime.Compile(context.Background(), r.Output, "programs")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close(context.Background())
	if got := runWASI(t, p, "env"); got.stdout != "GREETING=(null) NONE=unset\n" || got.exit != "0" {
		t.Errorf("env: %q, exit %s", got.stdout, got.exit)
	}
	if got := runWASI(t, p, "random"); got.exit != "trap" {
		t.Errorf("random: %q, exit %s", got.stdout, got.exit)
	}
}

// TestForbiddenThroughTable: the path goes on with the caller that finds the
// function in a table.
func TestForbiddenThroughTable(t *testing.T) {
	t.Parallel()
	in := []linker.Input{{ID: "m", Bytes: parse(t, `(module
		(import "wasi_snapshot_preview1" "sched_yield" (func $yield (result i32)))
		(table 3 funcref)
		(elem (i32.const 1) $other $yields)
		(func $other)
		(func $yields (result i32) (call $yield))
		(func $dispatch (param i32) (result i32) (call_indirect (result i32) (local.get 0)))
		(func (export "run") (param i32) (result i32) (call $dispatch (local.get 0))))`)}}
	const want = `
  export "run" of m
    dispatch of m
      yields of m (through slot 1 of element segment 1)
        import "wasi_snapshot_preview1#sched_yield"`
	for _, o := range []linker.Options{{}, {Optimize: linker.OptimizeSize}, {Optimize: linker.OptimizeSize, OutputOnly: true}, {Optimize: linker.OptimizeSize, OutputOnly: true, Consume: true}} {
		o.WASI.Forbid = []string{"wasi_snapshot_preview1"}
		_, err := linker.Link(context.Background(), slices.Clone(in), o)
		if err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("error %v, want the path%s", err, want)
		}
	}
}

// TestWASIRefused checks what policies and targets do not allow.
func TestWASIRefused(t *testing.T) {
	t.Parallel()
	programs := []linker.Input{{ID: "programs", Bytes: readFile(t, filepath.Join("..", "fixtures", "wasi", "programs.wasm"))}}
	versions := []linker.Input{input(t, "testdata/host", "wasi-versions")}
	for _, tt := range []struct {
		inputs []linker.Input
		o      linker.Options
		want   []string
	}{
		{programs, linker.Options{Target: linker.TargetPreview1, WASI: linker.WASI{Forbid: []string{"wasi:cli/exit"}}},
			[]string{`imports wasi_snapshot_preview1#proc_exit, which wasi.forbid names ("wasi:cli/exit")`, `export "_start" of programs`, `import "wasi_snapshot_preview1#proc_exit"`}},
		{programs, linker.Options{WASI: linker.WASI{Forbid: []string{"wasi:filesystem"}}},
			[]string{"wasi:filesystem/", `export "wasi:cli/run@0.2.12#run"`}},
		{versions, linker.Options{Target: linker.TargetPreview1},
			[]string{"target wasi-preview1 offers WASI preview 1 only", "wasi:clocks/monotonic-clock@0.2.12#now"}},
		{[]linker.Input{input(t, "testdata/refuse", "memory64")}, linker.Options{Target: linker.TargetWazero}, []string{"64-bit memory", "memory64"}},
		{[]linker.Input{input(t, "testdata/refuse", "shared-memory")}, linker.Options{Target: linker.TargetWazero}, []string{"shared memory (threads)", "shared-memory"}},
		{versions, linker.Options{WASI: linker.WASI{Default: "refuse"}}, []string{`wasi default "refuse" is not available`}},
		{versions, linker.Options{WASI: linker.WASI{Rules: map[string]linker.Policy{"wasi:io": "maybe"}}}, []string{`wasi rule "wasi:io": "maybe" is not available`}},
		{versions, linker.Options{WASI: linker.WASI{Rules: map[string]linker.Policy{"acme:log": linker.PolicyDeny}}}, []string{`wasi rule "acme:log" is not about WASI`}},
	} {
		_, err := linker.Link(context.Background(), tt.inputs, tt.o)
		alone := tt.o
		alone.Optimize, alone.OutputOnly = linker.OptimizeSize, true
		if _, again := linker.Link(context.Background(), tt.inputs, alone); err != nil && (again == nil || again.Error() != err.Error()) {
			t.Errorf("%+v: error %v, and %v where nothing but the output is wanted", tt.o.WASI, err, again)
		}
		if err == nil {
			t.Errorf("%+v: no error, want %q", tt.o.WASI, tt.want)
			continue
		}
		for _, want := range tt.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("error %q, want %q in it", err, want)
			}
		}
	}
}
