// Package linker links components and core modules into one module.
//
// Link is the table of contents: each pass is one line, in order, with what
// may no longer happen after it. The passes live in the files that bear their
// names; adapters come from internal/adapter, marking from shake.
package linker

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/wbundle/wbundle/internal/adapter"
	"github.com/wbundle/wbundle/internal/component"
	"github.com/wbundle/wbundle/internal/wasm"
	"github.com/wbundle/wbundle/shake"
)

// Link links the inputs. It does no input or output of its own. An error
// names the input and, where there is one, the offset it is about; the result
// is nil then.
func Link(ctx context.Context, inputs []Input, opts Options) (*Result, error) {
	if len(inputs) == 0 {
		return nil, errors.New("nothing to link: no inputs")
	}
	if err := opts.check(); err != nil {
		return nil, err
	}
	step := func(pass string) func(done, total int) {
		if opts.Progress == nil {
			return func(int, int) {}
		}
		opts.Progress(Progress{Pass: pass})
		return func(done, total int) { opts.Progress(Progress{Pass: pass, Done: done, Total: total}) }
	}

	// Bytes become modules and components; every distinct core module once.
	// The sites are found again and again where the optimiser needs the memory.
	dec, err := decode(ctx, inputs, opts.optimize() != OptimizeNone, step("decode"))
	if err != nil {
		return nil, err
	}

	// Instantiation happens here. No component structure past this line.
	step("flatten")
	f, err := flatten(inputs, dec, &opts)
	if err != nil {
		return nil, err
	}
	p := f.p

	// Shims become what they forward to.
	shimPass(p)

	// Preview 1 adapters go where the target has preview 1 itself.
	if opts.Format != FormatComponent && opts.Target.preview1() {
		f.preview1Pass()
	}

	// Environment, arguments and files that are part of the bundle.
	if err := f.embedPass(); err != nil {
		return nil, err
	}

	// Start functions and the segments that must wait for them. They call
	// across components like any export, so this is before the adapters.
	if err := startPass(p, opts.memory() == MemorySingle && f.mayShare()); err != nil {
		return nil, err
	}

	// What is live at this point decides which lowers become adapters, which
	// imports remain, and what the host sees of the bundle. A lower reaches
	// what its adapter will use; so nothing that comes later can make more of
	// the inputs live, only less.
	step("adapters")
	reached := shake.Mark(p)
	if err := f.checkEmbedded(reached); err != nil {
		return nil, err
	}
	if err := f.exportHostFace(reached); err != nil {
		return nil, err
	}
	adapters, err := adapter.Generate(p, reached.Func, adapter.Options{
		Vectors: !opts.NoVectors, OneMemory: opts.memory() == MemorySingle, Host: f.hostOptions(), CoreImports: f.preview1Imports(reached),
	})
	if err != nil {
		return nil, err
	}
	if err := f.checkCoreHost(reached); err != nil {
		return nil, err
	}

	// What several components import under one name becomes one import.
	reached = shake.Mark(p)
	importsPass(p, reached)
	f.initialize(reached)

	// Memories that are still alive get their windows.
	step("memory")
	reached = shake.Mark(p)
	if opts.marking == markAll {
		reached = opts.marking.mark(p) // what code asks of a window that nothing reaches
	}
	if err := memoryPass(p, reached, &opts, f.hostMemory); err != nil {
		return nil, err
	}

	// No new functions past this line.
	step("mark")
	p.Seal()
	live := opts.marking.mark(p)

	// Ids become indices here and nowhere else.
	l := layoutPass(p, live, &opts, f.hostMemory)
	laid := l.funcs

	summary := f.countInputs()
	if opts.OutputOnly {
		f.forgetDatas()
	}

	// The optimiser takes a module and gives back a smaller one.
	var module *wasm.Module
	if opts.optimize() != OptimizeNone {
		step("optimize")
		if module, l, err = f.optimizePass(ctx, l); err != nil {
			return nil, err
		}
	}

	// What is asked of the host is settled.
	f.worldPass(l.asks)
	if err := f.checkForbidden(live, l.asks); err != nil {
		return nil, err
	}
	if err := f.checkTarget(live); err != nil {
		return nil, err
	}
	out, err := f.output(ctx, l, module, step("emit"))
	if err != nil {
		return nil, err
	}
	f.summarize(&summary, l, adapters)
	r := &Result{Output: out, Summary: summary}
	if !opts.OutputOnly {
		r.Program, r.Origins = p, origins(l, laid)
	}
	return r, nil
}

// check refuses option values that do not exist.
func (o *Options) check() error {
	switch o.Format {
	case "", FormatCore, FormatComponent:
	default:
		return fmt.Errorf("format %q is not available; there are core and component", o.Format)
	}
	switch o.Memory {
	case "", MemoryAuto, MemorySingle, MemoryMulti:
	default:
		return fmt.Errorf("memory %q is not available; there are auto, single and multi", o.Memory)
	}
	switch o.Isolation {
	case "", IsolationAuto, IsolationNone, IsolationMask, IsolationTrap:
	default:
		return fmt.Errorf("isolation %q is not available; there are auto, none, mask and trap", o.Isolation)
	}
	switch o.Optimize {
	case "", OptimizeNone, OptimizeSize, OptimizeSpeed:
	default:
		return fmt.Errorf("optimize %q is not available; there are none, size and speed", o.Optimize)
	}
	switch o.Unresolved {
	case "", UnresolvedError, UnresolvedImport, UnresolvedTrap:
	default:
		return fmt.Errorf("unresolved %q is not available; there are error, import and trap", o.Unresolved)
	}
	return o.WASI.check()
}

// worldName is the name of the bundle's world, ns:pkg/world@version.
func (o *Options) worldName() string {
	name, version := o.Name, ""
	if name == "" {
		return "root:component/bundle"
	}
	if at := strings.IndexByte(name, '@'); at >= 0 {
		name, version = name[:at], name[at:]
	}
	if !strings.Contains(name, ":") {
		name = "root:" + name
	}
	return name + "/bundle" + version
}

// worldLabel is the plain name at the end of a world's name.
func worldLabel(world string) string {
	if i := strings.LastIndexByte(world, '/'); i >= 0 {
		world = world[i+1:]
	}
	if i := strings.IndexByte(world, '@'); i >= 0 {
		world = world[:i]
	}
	return world
}

// output writes the module, as it is or wrapped as a component. module is what
// the optimiser made of it; nil where it has not been emitted yet.
func (f *flattener) output(ctx context.Context, l *layout, module *wasm.Module, progress func(done, total int)) ([]byte, error) {
	emit := func(customs []wasm.Custom) (*wasm.Encoder, error) {
		m := module
		if m == nil {
			var err error
			if m, err = emit(ctx, l, f.opts.Names == NamesKeep, false, nil, progress); err != nil {
				return nil, err
			}
		}
		m.Customs = append(m.Customs, customs...)
		return wasm.NewEncoder(m), nil
	}
	isComponent := len(f.p.WorldExports) > 0 || len(f.p.WorldImports) > 0
	if f.opts.Format == FormatComponent {
		m, err := emit(f.producers())
		if err != nil {
			return nil, err
		}
		if f.opts.Check {
			if err := checkModule(m.Append(nil)); err != nil {
				return nil, err
			}
		}
		c, err := f.wrap(l, m)
		if err != nil {
			return nil, err
		}
		out := component.Encode(c)
		if f.opts.Check {
			if c, err = component.Decode("output", out); err == nil {
				err = component.Validate(c, nil)
			}
			if err != nil {
				return nil, fmt.Errorf("pass wrap made a component that is not valid: %w", err)
			}
		}
		return out, nil
	}
	var customs []wasm.Custom
	if isComponent {
		ct, err := f.componentType(f.opts.worldName())
		if err != nil {
			return nil, err
		}
		customs = append(customs, ct)
	}
	m, err := emit(append(customs, f.producers()...))
	if err != nil {
		return nil, err
	}
	out := m.Append(make([]byte, 0, m.Size()))
	if f.opts.Check {
		err = checkModule(out)
	}
	return out, err
}

// checkModule validates the emitted module, for those who ask for it. Emit is
// the first pass whose result is a module: those before it change the program.
func checkModule(b []byte) error {
	m, err := wasm.Decode("output", b)
	if err == nil {
		err = wasm.Validate(m)
	}
	if err != nil {
		return fmt.Errorf("pass emit made a module that is not valid: %w", err)
	}
	return nil
}

// Version is what the producers section of an output says of its linker.
const Version = "0.1.0"

// producers merges the producers sections of the modules that were linked.
// Where two name one tool in different versions, the first stays.
func (f *flattener) producers() []wasm.Custom {
	if f.made != nil {
		return f.made
	}
	var all wasm.Producers
	for _, m := range f.p.Modules[1:] {
		p, _ := m.Code.Producers() // an unreadable custom section is not an error of the module
		for _, field := range p.Fields {
			for _, v := range field.Values {
				all.Add(field.Name, v.Name, v.Version)
			}
		}
	}
	all.Add(wasm.ProducerProcessedBy, "wbundle", Version)
	f.made = []wasm.Custom{{Name: wasm.ProducersSection, Data: wasm.AppendProducers(nil, &all)}}
	return f.made
}
