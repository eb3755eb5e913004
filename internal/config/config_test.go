package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const full = `version: 1
name: acme:shop@1.4.0
inputs:
  app: build/app.wasm
  auth: { path: ../auth/auth.wasm, sha256: AABBCCDDEEFF00112233445566778899aabbccddeeff00112233445566778899, memory-limit: 64 MiB }
  plugins: { glob: "plugins/*.wasm" }
graph:
  root: app
  auto: false
  connect:
    app: { "acme:auth/session": auth, "acme:log/sink": { from: plugins/b, export: "acme:log/sink@2.1.0" } }
    "*": { "env.now_ms": { from: auth, export: now_ms } }
  unresolved: import
exports: { keep: ["wasi:http/incoming-handler@0.2", run], rename: { run: start } }
wasi: { default: stub, rules: { "wasi:cli/exit": allow, "wasi:random/random#get-random-u64": deny }, forbid: ["wasi:sockets"], env: { set: { MODE: prod, N: 5, E: "" }, pass: [LOG] }, args: [shop, --fast, 1], fs: { mount: { /data: ./assets, /: root } } }
link: { memory: single, isolation: none, dedupe: off, optimize: none, names: keep, metadata: strip, reproducible: true }
outputs:
  - { format: core, path: dist/shop.wasm, target: wazero }
  - { format: component, path: dist/shop.component.wasm, memory: multi }
verify:
  differential: false
  timeout: 10s
  cases:
    - { name: add, invoke: "acme:calc/ops#add(2, 3)", expect: 5 }
    - { name: div, invoke: "div(1, 0)", expect: { trap: true } }
    - { name: cli, run: [shop, --version, 5], expect: { exit: 3, stdout: "shop 1.4.0\n" } }
    - { run: [shop] }
profiles:
  dev: { link: { memory: multi }, inputs: { auth: dev.wasm }, outputs: [{ format: core, path: dev.out.wasm }] }
`

// place writes the configuration and the files that its glob matches.
func place(t *testing.T, text string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "plugins"), 0o777); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"plugins/b.wasm", "plugins/a.wasm", "plugins/readme.md", FileName} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, FileName)
}

func TestLoad(t *testing.T) {
	file := place(t, full)
	dir := filepath.Dir(file)
	got, err := Load(file, "")
	if err != nil {
		t.Fatal(err)
	}
	stdout := "shop 1.4.0\n"
	want := &Config{
		File: file,
		Dir:  dir,
		Name: "acme:shop@1.4.0",
		Inputs: []Input{
			{ID: "app", Path: dir + "/build/app.wasm", Pos: Pos{4, 8}},
			{
				ID: "auth", Path: filepath.Dir(dir) + "/auth/auth.wasm", MemoryLimit: 64 << 20, Pos: Pos{5, 9},
				SHA256: "aabbccddeeff00112233445566778899aabbccddeeff00112233445566778899",
			},
			{ID: "plugins/a", Path: dir + "/plugins/a.wasm", Pos: Pos{6, 12}},
			{ID: "plugins/b", Path: dir + "/plugins/b.wasm", Pos: Pos{6, 12}},
		},
		Graph: Graph{
			Root: "app",
			Connect: map[string]map[string]Provider{
				"app": {
					"acme:auth/session": {From: "auth", Pos: Pos{11, 33}},
					"acme:log/sink":     {From: "plugins/b", Export: "acme:log/sink@2.1.0", Pos: Pos{11, 56}},
				},
				"*": {"env.now_ms": {From: "auth", Export: "now_ms", Pos: Pos{12, 26}}},
			},
			Unresolved: "import",
		},
		Exports: Exports{Keep: []string{"wasi:http/incoming-handler@0.2", "run"}, Rename: map[string]string{"run": "start"}},
		WASI: WASI{
			Default: "stub", Rules: map[string]string{"wasi:cli/exit": "allow", "wasi:random/random#get-random-u64": "deny"}, Forbid: []string{"wasi:sockets"},
			Env: &Env{Set: map[string]string{"MODE": "prod", "N": "5", "E": ""}, Pass: []string{"LOG"}}, Args: []string{"shop", "--fast", "1"},
			Mounts: []Mount{{Guest: "/data", Dir: dir + "/assets", Pos: Pos{15, 231}}, {Guest: "/", Dir: dir + "/root", Pos: Pos{15, 244}}},
		},
		Link: Link{Memory: "single", Isolation: "none", Dedupe: "off", Optimize: "none", Names: "keep", Metadata: "strip"},
		Outputs: []Output{
			{Format: "core", Path: dir + "/dist/shop.wasm", Target: "wazero", Pos: Pos{18, 5}},
			{Format: "component", Path: dir + "/dist/shop.component.wasm", Memory: "multi", Pos: Pos{19, 5}},
		},
		Verify: Verify{Differential: new(bool), Timeout: 10 * time.Second, Cases: []Case{
			{Name: "add", Invoke: "acme:calc/ops#add(2, 3)", Expect: Expect{Value: "5"}, Pos: Pos{24, 7}},
			{Name: "div", Invoke: "div(1, 0)", Expect: Expect{Trap: true}, Pos: Pos{25, 7}},
			{Name: "cli", Run: []string{"shop", "--version", "5"}, Expect: Expect{Exit: 3, Stdout: &stdout}, Pos: Pos{26, 7}},
			{Name: "shop", Run: []string{"shop"}, Pos: Pos{27, 7}},
		}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}

	dev, err := Load(file, "dev")
	if err != nil {
		t.Fatal(err)
	}
	want.Link.Memory = "multi"
	want.Inputs[1] = Input{ID: "auth", Path: dir + "/dev.wasm", Pos: Pos{29, 51}}
	want.Outputs = []Output{{Format: "core", Path: dir + "/dev.out.wasm", Pos: Pos{29, 73}}}
	if diff := cmp.Diff(want, dev); diff != "" {
		t.Errorf("profile dev (-want +got)\n%s", diff)
	}
}

func TestDefaults(t *testing.T) {
	got, err := Load(place(t, "version: 1\ninputs: { a: a.wasm }\ngraph:\n"), "")
	if err != nil {
		t.Fatal(err)
	}
	if want := (Link{Memory: "auto", Isolation: "auto", Dedupe: "auto", Names: "strip", Metadata: "keep"}); got.Link != want {
		t.Errorf("link is %+v, want %+v", got.Link, want)
	}
	if got.Verify.Differential != nil {
		t.Errorf("verify is %+v", got.Verify)
	}
	if !got.Graph.Auto || got.Graph.Unresolved != "error" {
		t.Errorf("graph is %+v", got.Graph)
	}
}

func TestErrors(t *testing.T) {
	const head = "version: 1\ninputs: { app: a.wasm, lib: b.wasm }\n"
	tests := []struct {
		name, text, profile string
		want                []string // without the file's name
	}{
		{"empty", "", "", []string{": the file is empty; it needs `version: 1` and inputs"}},
		{"only comments", "# nothing\n", "", []string{": the file is empty; it needs `version: 1` and inputs"}},
		{"not yaml", "version: 1\ninputs: [\n", "", []string{":2: not valid YAML: did not find expected node content"}},
		{"not a mapping", "- 1\n", "", []string{":1:1: want a mapping, got a list", ":1:1: missing key \"version\"; write `version: 1`"}},
		{"two documents", head + "---\na: 1\n", "", []string{":3:1: a second document starts here; a configuration is one"}},
		{"version", "version: 2\ninputs: { a: a.wasm }\n", "", []string{":1:10: version: version 2 is not known to this wbundle; it reads version 1"}},
		{"all at once", `version: 1
inptus: { app: a.wasm }
inputs: { app: a.wasm, lib: { path: b.wasm, sha: 1 } }
graph: { rot: app, auto: yes }
link: { memory: singel, dedupe: text }
outputs: [{ format: cor, path: x.wasm }]
`, "", []string{
			`:2:1: unknown key "inptus"; did you mean "inputs"?`,
			`:3:45: inputs.lib: unknown key "sha"; did you mean "sha256"?`,
			`:4:10: graph: unknown key "rot"; did you mean "root"?`,
			`:4:26: graph.auto: want true or false, got "yes"`,
			`:5:17: link.memory: unknown value "singel"; did you mean "single"?`,
			`:5:33: link.dedupe: "text" is not available yet; there is off, auto`,
			`:6:21: outputs.0.format: unknown value "cor"; did you mean "core"?`,
		}},
		{"values of WASI", `version: 1
inputs: { a: a.wasm }
wasi:
  env:
    set: { "A=B": x, "": y, OK: "a\0b", NONE: , LIST: [] }
    pass: [OK, "C=D", TWICE, TWICE, 5]
    unset: [X]
  args: [a, {}, "b\0"]
  fs: { mount: { data: ., /a/../b: ., /c/: ., /d: 5, /e: "" }, mounts: {} }
`, "", []string{
			`:5:12: wasi.env.set.A=B: "A=B" cannot be the name of a variable: it is empty, or has a '=' or a zero byte in it`,
			`:5:22: wasi.env.set.: "" cannot be the name of a variable: it is empty, or has a '=' or a zero byte in it`,
			`:5:33: wasi.env.set.OK: "a\x00b" has a zero byte in it, where a value ends`,
			`:5:47: wasi.env.set.NONE: want a value, got nothing`,
			`:5:55: wasi.env.set.LIST: want a value, got a list`,
			`:6:16: wasi.env.pass.1: "C=D" cannot be the name of a variable: it is empty, or has a '=' or a zero byte in it`,
			`:6:30: wasi.env.pass.3: TWICE is there twice`,
			`:6:37: wasi.env.pass.4: want the name of a variable, got the number 5; put it in quotes`,
			`:7:5: wasi.env: unknown key "unset"; did you mean "set"?`,
			`:8:13: wasi.args.1: want an argument, got a mapping`,
			`:8:17: wasi.args.2: "b\x00" has a zero byte in it, where an argument ends`,
			`:9:18: wasi.fs.mount.data: "data" is not the absolute path of a directory; did you mean "/data"?`,
			`:9:27: wasi.fs.mount./a/../b: "/a/../b" is not the absolute path of a directory; did you mean "/b"?`,
			`:9:39: wasi.fs.mount./c/: "/c/" is not the absolute path of a directory; did you mean "/c"?`,
			`:9:51: wasi.fs.mount./d: want a directory, relative to this file, got the number 5; put it in quotes`,
			`:9:58: wasi.fs.mount./e: want a directory, relative to this file, got an empty string`,
			`:9:64: wasi.fs: unknown key "mounts"; did you mean "mount"?`,
		}},
		{"set and passed on", `version: 1
inputs: { a: a.wasm }
wasi: { env: { set: { A: x }, pass: [B, A] } }
`, "", []string{
			`:3:41: wasi.env.pass.1: A has a value under set; a variable is set or passed on`,
		}},
		{"not available yet", `version: 1
inputs:
  t: { package: "acme:t", version: "^2" }
  i: { oci: "example/i:1" }
  a: a.wasm
exports: { entry: main.ts }
wasi: { default: stub }
link: { memory: separate, isolation: trap, dedupe: text }
outputs: [{ format: esm, path: js, types: true }]
verify: { differential: maybe }
budgets: []
`, "", []string{
			`:3:8: inputs.t.package: not available yet`,
			`:3:27: inputs.t.version: not available yet`,
			`:4:8: inputs.i.oci: not available yet`,
			`:6:12: exports.entry: not available yet`,
			`:8:17: link.memory: "separate" is not available yet; there is auto, single, multi`,
			`:8:52: link.dedupe: "text" is not available yet; there is off, auto`,
			`:9:21: outputs.0.format: "esm" is not available yet; there is core, component`,
			`:9:36: outputs.0.types: not available yet`,
			`:10:25: verify.differential: want true or false, got "maybe"`,
			`:11:1: budgets: not available yet`,
		}},
		{"reports", head + `outputs: [{ format: core, path: o.wasm }]
report: { jsn: x.json, html: o.wasm, svg: m.svg, markdown: m.svg }
`, "", []string{
			`:4:11: report: unknown key "jsn"; did you mean "json"?`,
			`:4:30: report.html: DIR/o.wasm is an output already`,
			`:4:60: report.markdown: DIR/m.svg is the svg report already`,
		}},
		{"unknown ids", head + `graph:
  root: ap
  connect: { libs: { x: app }, app: { "a:b/c": lip, d: { from: zzz } } }
`, "", []string{
			`:4:9: graph.root: no input is called "ap"; did you mean "app"?`,
			`:5:14: graph.connect: no input is called "libs"; did you mean "lib"?`,
			`:5:48: graph.connect.app.a:b/c: no input is called "lip"; did you mean "lib"?`,
			`:5:56: graph.connect.app.d: no input is called "zzz"; there is app, lib`,
		}},
		{"no inputs", "version: 1\n", "", []string{": there are no inputs; list them as `inputs: { app: path/to/app.wasm }`"}},
		{"bad inputs", `version: 1
inputs:
  "a b": x.wasm
  c: { glob: "*.nothing" }
  d: { path: x, glob: y }
  e: {}
  f: { path: x, memory-limit: 64 mib }
  f: x.wasm
`, "", []string{
			`:3:3: inputs.a b: "a b" cannot name an input; use letters, digits and . _ - + /`,
			`:4:6: inputs.c: no file matches "*.nothing"`,
			`:5:6: inputs.d: has both path and glob; one of them it must be`,
			`:6:6: inputs.e: needs a path or a glob`,
			`:7:31: inputs.f.memory-limit: unknown unit "mib" in "64 mib"; did you mean "MiB"?`,
			`:8:3: inputs: key "f" is already on line 7`,
		}},
		{"outputs", head + `outputs:
  - { format: core, path: out.wasm }
  - { format: component, path: ./out.wasm }
  - { format: core, path: a.wasm }
  - { format: component, path: c.wasm, target: wazero }
  - { format: core, path: d.wasm, target: wazero, memory: multi }
  - { path: e.wasm }
`, "", []string{
			`:5:5: outputs: DIR/out.wasm is already the output on line 4`,
			`:6:5: outputs: DIR/a.wasm would overwrite the input "app"`,
			`:7:5: outputs: target wazero runs core modules, not components; use format core`,
			`:8:5: outputs: target wazero has one memory per module; use memory single`,
			`:9:5: outputs.5: needs a format: core or component`,
		}},
		{"cases", head + `verify:
  timeout: 10
  cases:
    - { name: a }
    - { invoke: f(), run: [x] }
    - { invoke: f() }
    - { invoke: f(), expect: { exit: 1 } }
    - { run: x }
    - { invoke: f(), expect: { trap: false } }
    - { name: g, invoke: g(), expect: 1 }
    - { name: g, invoke: g(), expect: 2 }
    - { invoke: g(), expct: 2 }
`, "", []string{
			`:4:12: verify.timeout: "10" is not a duration; write a number with a unit, such as 10s or 500ms`,
			`:6:7: verify.cases.0: needs invoke (a call) or run (arguments of a command)`,
			`:7:7: verify.cases.1: has both invoke and run; a case is one or the other`,
			`:8:7: verify.cases.2: needs expect: the result, or { trap: true }`,
			`:9:30: verify.cases.3.expect: want a value in WAVE, or { trap: true }; exit and stdout go with run`,
			`:10:14: verify.cases.4.run: want a list, got "x"`,
			`:11:38: verify.cases.5.expect.trap: want true; a call that must not trap has its result as expect`,
			`:13:7: verify.cases.7: the case on line 12 is called "g" too`,
			`:14:22: verify.cases.8: unknown key "expct"; did you mean "expect"?`,
		}},
		{"profile that is not there", head + "profiles: { dev: {}, release: {} }\n", "relaese", []string{
			`: there is no profile "relaese"; did you mean "release"?`,
		}},
		{"a bad profile nobody asked for", head + "profiles: { dev: { lnik: {}, version: 1 } }\n", "", []string{
			`:3:20: profiles.dev: unknown key "lnik"; did you mean "link"?`,
			`:3:30: profiles.dev: unknown key "version"; there is exports, graph, inputs, link, name, outputs, report, verify, wasi`,
		}},
		{"aliases", "version: 1\ninputs: &i { a: a.wasm, b: *i }\n", "", nil},
		{"merge key", "version: 1\ninputs: &i { a: a.wasm }\nprofiles: { p: { inputs: { <<: *i } } }\n", "", []string{
			`:3:28: profiles.p.inputs: merge keys (<<) are not supported; write a profile instead`,
		}},
		{"name", head + "name: Acme\n", "", []string{
			`:3:7: name: "Acme" is not a package name; write namespace:name or namespace:name@1.2.3, in lower case`,
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			file := place(t, test.text)
			_, err := Load(file, test.profile)
			var errs Errors
			if !errors.As(err, &errs) {
				t.Fatalf("error is %v (%T), want Errors", err, err)
			}
			if test.want == nil {
				return // whatever it says: it came to an end
			}
			got := strings.ReplaceAll(err.Error(), file, "")
			got = strings.ReplaceAll(got, filepath.Dir(file), "DIR")
			if diff := cmp.Diff(test.want, strings.Split(got, "\n")); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestParseSize(t *testing.T) {
	for s, want := range map[string]uint64{
		"0": 0, "4096": 4096, "64 MiB": 64 << 20, "900 kB": 900_000, "1.5MB": 1_500_000, "2GiB": 2 << 30, "1_000 B": 1000,
	} {
		if got, err := ParseSize(s); err != nil || got != want {
			t.Errorf("ParseSize(%q) = %d, %v, want %d", s, got, err, want)
		}
	}
	for _, s := range []string{"", "MiB", "64 M", "64 kib", "-1", "1.2.3 MB", "0.3 B", "99999999999999999999", "99999999999 GiB", "1 MB 2"} {
		if got, err := ParseSize(s); err == nil {
			t.Errorf("ParseSize(%q) = %d, want an error", s, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(full))
	f.Add([]byte("version: 1\ninputs: &i { a: a.wasm, b: *i }\n"))
	f.Add([]byte("profiles: { a: &a { link: *a } }"))
	f.Fuzz(func(t *testing.T, data []byte) {
		cfg, err := Parse("x.yaml", data, "dev")
		if (cfg == nil) == (err == nil) {
			t.Fatalf("cfg %v, err %v", cfg, err)
		}
	})
}
