package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/wbundle/wbundle/internal/config"
	"github.com/wbundle/wbundle/linker"
)

// linkFlags are the flags of the verbs that link.
type linkFlags struct {
	set     *pflag.FlagSet
	words   map[string]*string // --memory and the like, by name
	root    string
	connect []string
	profile string
}

// wordFlags are the flags whose values are words of the configuration.
var wordFlags = []struct{ name, usage string }{
	{"format", "write a `core|component`; with a configuration, only its outputs of that format"},
	{"memory", "memory layout: `auto|single|multi`"},
	{"isolation", "what keeps components in one memory apart: `auto|none|mask|trap|required`"},
	{"dedupe", "share equal code between inputs: `off|auto`"},
	{"optimize", "rewrite code to be small or fast: `none|size|speed`"},
	{"names", "the name section: `keep|strip`"},
	{"unresolved", "imports that nobody exports: `error|import|trap`"},
	{"target", "the engine the output must run in: `wazero|wasi-preview1`"},
}

func (l *linkFlags) register(f *pflag.FlagSet) {
	l.set, l.words = f, map[string]*string{}
	for _, w := range wordFlags {
		l.words[w.name] = f.String(w.name, "", w.usage)
	}
	f.StringVar(&l.root, "root", "", "the input `ID` whose exports the bundle has")
	f.StringArrayVar(&l.connect, "connect", nil, "wire an import by hand: `IMPORTER:IMPORT=PROVIDER[#EXPORT]`, repeatable")
	f.StringVar(&l.profile, "profile", "", "apply the profile `NAME` of the configuration")
}

// check complains about every bad value of a word flag.
func (l *linkFlags) check() error {
	var errs []error
	for _, w := range wordFlags {
		if l.set.Changed(w.name) {
			if err := config.CheckWord(w.name, *l.words[w.name]); err != nil {
				errs = append(errs, flagError(w.name, *l.words[w.name], err))
			}
		}
	}
	if err := errors.Join(errs...); err != nil {
		return &usageError{err}
	}
	return nil
}

// flagError words a bad value as one would say it: "--memory separate is not
// available yet".
func flagError(name, value string, err error) error {
	if rest, ok := strings.CutPrefix(err.Error(), fmt.Sprintf("%q is ", value)); ok {
		return fmt.Errorf("--%s %s is %s", name, value, rest)
	}
	return fmt.Errorf("--%s: %w", name, err)
}

// job is what one run links: from the command line, from a configuration, or
// from a configuration with flags on top.
type job struct {
	cfg     *config.Config // nil without a configuration
	name    string
	sources []source
	graph   config.Graph
	exports config.Exports
	wasi    config.WASI
	mounts  []linker.Mount
	link    config.Link
	outputs []config.Output
	reports []config.Report
	cases   []config.Case
	timeout time.Duration
	limits  map[string]uint64
	compare comparison
	// The unbundled program, once it is asked for: outputs that are built
	// one after the other share it. See unbundled.
	plain *unbundled
}

// job puts together what to do. Without args a configuration is needed.
func (a *app) job(args []string, flags *linkFlags) (*job, error) {
	if err := flags.check(); err != nil {
		return nil, err
	}
	var j *job
	var err error
	if len(args) > 0 {
		j, err = a.argumentJob(args, flags)
	} else {
		j, err = a.configJob(flags)
	}
	if err != nil {
		return nil, err
	}
	if err := j.override(flags); err != nil {
		return nil, err
	}
	return j, nil
}

func (a *app) argumentJob(args []string, flags *linkFlags) (*job, error) {
	if a.configFile != "" {
		return nil, usagef("inputs are named both on the command line and by %s; use one of them", a.configFile)
	}
	if flags.profile != "" {
		return nil, usagef("--profile is of a configuration; inputs on the command line have none")
	}
	sources, err := a.sources(args)
	if err != nil {
		return nil, err
	}
	return &job{
		sources: sources,
		graph:   config.Graph{Auto: true},
		link:    config.Link{Memory: "auto"},
		compare: buildComparison(nil),
	}, nil
}

// loadConfig reads the configuration that -c, -C or the current directory
// names.
func (a *app) loadConfig(profile string) (*config.Config, error) {
	name := a.configFile
	if name == "" {
		name = config.FileName
	}
	cfg, err := config.Load(a.path(name), profile)
	if errors.Is(err, fs.ErrNotExist) {
		if a.configFile != "" {
			return nil, &usageError{err}
		}
		where := "here"
		if a.dir != "" {
			where = "in " + a.dir
		}
		return nil, &usageError{&hinted{fmt.Errorf("there is no %s %s, and no input was named", config.FileName, where),
			"write one, or name the inputs: wbundle build app.wasm lib.wasm -o out.wasm"}}
	}
	if _, ok := errors.AsType[config.Errors](err); err != nil && !ok {
		return nil, &usageError{err}
	}
	return cfg, err
}

func (a *app) configJob(flags *linkFlags) (*job, error) {
	cfg, err := a.loadConfig(flags.profile)
	if err != nil {
		return nil, err
	}
	j := &job{
		cfg: cfg, name: cfg.Name, graph: cfg.Graph, exports: cfg.Exports, wasi: cfg.WASI, link: cfg.Link,
		outputs: cfg.Outputs, reports: cfg.Reports, cases: cfg.Verify.Cases, timeout: cfg.Verify.Timeout,
		limits: map[string]uint64{}, compare: buildComparison(cfg.Verify.Differential),
	}
	for _, in := range cfg.Inputs {
		j.sources = append(j.sources, source{id: in.ID, path: in.Path, sha256: in.SHA256, where: cfg.At(in.Pos)})
		if in.MemoryLimit > 0 {
			j.limits[in.ID] = in.MemoryLimit
		}
	}
	var errs []error
	for _, m := range cfg.WASI.Mounts {
		files, err := readMount(m.Dir)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: wasi.fs.mount.%s: %w", cfg.At(m.Pos), m.Guest, err))
		}
		j.mounts = append(j.mounts, linker.Mount{Path: m.Guest, Files: files})
	}
	return j, errors.Join(errs...)
}

// override lays the flags over the job.
func (j *job) override(flags *linkFlags) error {
	for name, field := range map[string]*string{
		"memory": &j.link.Memory, "isolation": &j.link.Isolation, "dedupe": &j.link.Dedupe,
		"optimize": &j.link.Optimize, "names": &j.link.Names, "unresolved": &j.graph.Unresolved,
	} {
		if v := *flags.words[name]; v != "" {
			*field = v
		}
	}
	j.outputs = slices.Clone(j.outputs)
	for i := range j.outputs {
		if v := *flags.words["memory"]; v != "" {
			j.outputs[i].Memory = v
		}
		if v := *flags.words["target"]; v != "" {
			j.outputs[i].Target = v
		}
	}
	if flags.root != "" {
		if err := j.known("--root", flags.root); err != nil {
			return err
		}
		j.graph.Root = flags.root
	}
	return j.connect(flags.connect)
}

// known complains unless id is an input.
func (j *job) known(what, id string) error {
	var ids []string
	for _, s := range j.sources {
		ids = append(ids, s.id)
	}
	if slices.Contains(ids, id) {
		return nil
	}
	return usagef("%s: no input is called %q%s", what, id, config.DidYouMean(id, ids))
}

// connect adds --connect flags to the wires of the configuration.
func (j *job) connect(wires []string) error {
	if len(wires) == 0 {
		return nil
	}
	all := map[string]map[string]config.Provider{}
	for importer, imports := range j.graph.Connect {
		all[importer] = maps.Clone(imports)
	}
	for _, wire := range wires {
		importer, rest, ok1 := strings.Cut(wire, ":")
		imp, provider, ok2 := strings.Cut(rest, "=")
		from, export, _ := strings.Cut(provider, "#")
		if !ok1 || !ok2 || importer == "" || imp == "" || from == "" {
			return usagef("--connect %s: want IMPORTER:IMPORT=PROVIDER or IMPORTER:IMPORT=PROVIDER#EXPORT", wire)
		}
		what := "--connect " + wire
		if importer != "*" {
			if err := j.known(what, importer); err != nil {
				return err
			}
		}
		if err := j.known(what, from); err != nil {
			return err
		}
		if all[importer] == nil {
			all[importer] = map[string]config.Provider{}
		}
		all[importer][imp] = config.Provider{From: from, Export: export}
	}
	j.graph.Connect = all
	return nil
}

// chooseOutputs settles what to write: the outputs of the configuration, those
// of one format with --format, or what -o says.
func (a *app) chooseOutputs(j *job, flags *linkFlags) error {
	format, target := *flags.words["format"], *flags.words["target"]
	if format != "" && len(j.outputs) > 0 {
		var chosen []config.Output
		for _, o := range j.outputs {
			if o.Format == format {
				chosen = append(chosen, o)
			}
		}
		if len(chosen) == 0 && a.output == "" {
			return usagef("--format %s: %s has no output of that format; say where to write it with -o", format, j.cfg.File)
		}
		j.outputs = chosen
	}
	if a.output != "" {
		path := a.path(a.output)
		switch {
		case len(j.outputs) > 1:
			return usagef("-o %s: %s has %d outputs; choose one with --format, or leave -o out", a.output, j.cfg.File, len(j.outputs))
		case len(j.outputs) == 1:
			j.outputs[0].Path = path
		default:
			if format == "" {
				format = "core"
			}
			j.outputs = []config.Output{{Format: format, Path: path, Target: target}}
		}
	}
	if len(j.outputs) == 0 {
		if j.cfg != nil {
			return usagef("%s has no outputs; say where to write with -o out.wasm", j.cfg.File)
		}
		return usagef("say where to write the bundle: -o out.wasm, or -o - for standard output")
	}
	for i := range j.outputs {
		o := &j.outputs[i]
		if o.Memory == "" {
			o.Memory = j.link.Memory
		}
		if msg := config.CheckTarget(o.Target, o.Format, o.Memory); msg != "" {
			return usagef("output %s: %s", o.Path, msg)
		}
		if o.Path == "-" {
			if a.json {
				return usagef("-o - and --json both want standard output")
			}
			if a.terminal(a.stdout) {
				return usagef("will not write a binary to the terminal; redirect standard output, or name a file with -o")
			}
			continue
		}
		for _, s := range j.sources {
			if s.path != "-" && sameFile(s.path, o.Path) {
				return usagef("output %s would overwrite the input %q", o.Path, s.id)
			}
		}
	}
	return nil
}

// sameFile reports whether two names are of one file.
func sameFile(a, b string) bool {
	absA, errA := filepath.Abs(a)
	absB, errB := filepath.Abs(b)
	return errA == nil && errB == nil && absA == absB
}

// options are the linker's options for one output.
func (j *job) options(o config.Output, p *progress) linker.Options {
	opts := linker.Options{
		Format:      linker.Format(o.Format),
		Memory:      linker.Memory(o.Memory),
		Isolation:   linker.Isolation(j.link.Isolation),
		Target:      linker.Target(o.Target),
		WASI:        linker.WASI{Default: linker.Policy(j.wasi.Default), Forbid: j.wasi.Forbid, Args: j.wasi.Args, Mounts: j.mounts},
		Name:        j.name,
		Root:        j.graph.Root,
		NoAuto:      !j.graph.Auto,
		Unresolved:  linker.Unresolved(j.graph.Unresolved),
		Keep:        j.exports.Keep,
		Rename:      j.exports.Rename,
		MemoryLimit: j.limits,
		Names:       linker.Names(j.link.Names),
		Optimize:    linker.Optimize(j.link.Optimize),
		Progress:    p.link,
		// For those who change the linker.
		Check: os.Getenv("WBUNDLE_CHECK") == "1",
	}
	if j.link.Isolation == "required" {
		opts.Isolation, opts.IsolationRequired = linker.IsolationAuto, true
	}
	if e := j.wasi.Env; e != nil {
		opts.WASI.Env = &linker.Environment{Set: e.Set, Pass: e.Pass}
	}
	if len(j.wasi.Rules) > 0 {
		opts.WASI.Rules = map[string]linker.Policy{}
		for name, p := range j.wasi.Rules {
			opts.WASI.Rules[name] = linker.Policy(p)
		}
	}
	if len(j.graph.Connect) > 0 {
		opts.Connect = map[string]map[string]linker.Provider{}
		for importer, imports := range j.graph.Connect {
			providers := map[string]linker.Provider{}
			for name, p := range imports {
				providers[name] = linker.Provider{From: p.From, Export: p.Export}
			}
			opts.Connect[importer] = providers
		}
	}
	return opts
}
