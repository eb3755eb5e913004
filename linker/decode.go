package linker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"runtime"
	"sort"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/wbundle/wbundle/internal/component"
	"github.com/wbundle/wbundle/internal/wasm"
)

// unit is a decoded input: a component, or a core module.
type unit struct {
	input     int
	component *component.Component
	module    *wasm.Module
}

// store holds every distinct core module of the link, decoded once whatever
// number of components carry it.
//
// The hash only says where to look: it is cheap, seeded anew in every run, and
// equal modules are told by their bytes.
type store struct {
	seed   maphash.Seed
	mu     sync.Mutex
	byHash map[uint64][]*moduleSlot
}

// moduleSlot is a distinct core module.
type moduleSlot struct {
	bytes  []byte
	module *wasm.Module
	err    error
	base   int64 // offset in the input where it was first seen
}

// slot is the place of the core module b, the same for equal bytes.
func (s *store) slot(b []byte) *moduleSlot {
	h := maphash.Bytes(s.seed, b)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.byHash[h] {
		if bytes.Equal(m.bytes, b) {
			return m
		}
	}
	m := &moduleSlot{bytes: b}
	s.byHash[h] = append(s.byHash[h], m)
	return m
}

// decoded is the outcome of the decode pass.
type decoded struct {
	units []unit
	// modules maps an embedded core module definition to its decoded module.
	modules map[*component.CoreModule]*wasm.Module
}

// decode reads all inputs in parallel: first the components' structure, then
// every distinct core module inside them, function bodies in chunks. The modules
// keep no sites if they are to be frugal.
func decode(ctx context.Context, inputs []Input, frugal bool, progress func(done, total int)) (*decoded, error) {
	d := &decoded{units: make([]unit, len(inputs)), modules: map[*component.CoreModule]*wasm.Module{}}
	errs := make([]error, len(inputs))
	g, _ := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i := range inputs {
		g.Go(func() error {
			d.units[i].input = i
			in := &inputs[i]
			if component.IsComponent(in.Bytes) {
				d.units[i].component, errs[i] = component.Decode(in.name(), in.Bytes)
			} else {
				d.units[i].module, errs[i] = wasm.DecodeNoScan(in.name(), in.Bytes)
			}
			return nil
		})
	}
	g.Wait() //nolint:errcheck // errors are collected per input, so that the first input's is reported
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}

	// Every embedded module, in order of appearance; equal bytes share a slot.
	st := &store{seed: maphash.MakeSeed(), byHash: map[uint64][]*moduleSlot{}}
	type job struct {
		def   *component.CoreModule
		input string
		slot  *moduleSlot
	}
	var jobs []job
	var walk func(c *component.Component, input string)
	walk = func(c *component.Component, input string) {
		for _, def := range c.Defs {
			switch def := def.(type) {
			case *component.CoreModule:
				jobs = append(jobs, job{def: def, input: input})
			case *component.NestedComponent:
				walk(def.Component, input)
			}
		}
	}
	for i := range d.units {
		if c := d.units[i].component; c != nil {
			walk(c, inputs[i].name())
		}
	}
	// Hashing reads every byte, as scanning will: in parallel.
	g, _ = errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i := range jobs {
		g.Go(func() error {
			jobs[i].slot = st.slot(jobs[i].def.Bytes)
			return nil
		})
	}
	g.Wait() //nolint:errcheck // the jobs return nil
	var scans []scan
	seen := map[*moduleSlot]bool{}
	var first []job
	for _, j := range jobs {
		if !seen[j.slot] {
			seen[j.slot] = true
			first = append(first, j)
		}
	}
	g, _ = errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for _, j := range first {
		g.Go(func() error {
			j.slot.module, j.slot.err = wasm.DecodeNoScan(j.input, j.def.Bytes)
			j.slot.err = inComponent(j.slot.err, j.def.Offset())
			j.slot.base = j.def.Offset()
			return nil
		})
	}
	g.Wait() //nolint:errcheck // errors are kept per slot
	for _, j := range first {
		if j.slot.err != nil {
			return nil, j.slot.err
		}
		scans = append(scans, scan{j.slot.module, j.slot.base})
	}
	for _, j := range jobs {
		d.modules[j.def] = j.slot.module
	}
	for i := range d.units {
		if m := d.units[i].module; m != nil {
			scans = append(scans, scan{m, 0})
		}
	}
	for _, s := range scans {
		s.m.Frugal = frugal
	}
	return d, scanAll(ctx, scans, progress)
}

// scanChunk is how many bytes of code one scanning task takes; large enough
// to amortise its arena, small enough to keep all cores busy to the end.
const scanChunk = 256 << 10

// scan is a module to scan, and where it lies in its input.
type scan struct {
	m    *wasm.Module
	base int64
}

// inComponent turns an offset in an embedded core module into one of the
// input that carries it.
func inComponent(err error, base int64) error {
	var e *wasm.Error
	if base == 0 || !errors.As(err, &e) {
		return err
	}
	moved := *e
	moved.Offset += base
	moved.Section = strings.TrimSuffix("core module: "+e.Section, ": ")
	return &moved
}

// scanAll finds the sites of every function body.
func scanAll(ctx context.Context, modules []scan, progress func(done, total int)) error {
	type chunk struct {
		scan
		lo, hi int
	}
	var chunks []chunk
	for _, s := range modules {
		m := s.m
		lo, size := 0, 0
		for i := range m.Code {
			size += len(m.Code[i].Bytes)
			if size >= scanChunk || i == len(m.Code)-1 {
				chunks = append(chunks, chunk{s, lo, i + 1})
				lo, size = i+1, 0
			}
		}
	}
	errs := make([]error, len(chunks))
	var mu sync.Mutex
	done := 0
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, c := range chunks {
		g.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			errs[i] = inComponent(c.m.ScanRange(c.lo, c.hi), c.base)
			mu.Lock()
			done++
			progress(done, len(chunks))
			mu.Unlock()
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// name is what errors call the input.
func (in *Input) name() string {
	if in.Path != "" {
		return in.Path
	}
	return in.ID
}

// languages reads the producers sections of an input.
func languages(u *unit, d *decoded) []string {
	seen := map[string]bool{}
	add := func(m *wasm.Module) {
		p, _ := m.Producers() // an unreadable custom section is not an error of the module
		for _, v := range p.Field(wasm.ProducerLanguage) {
			name := v.Name
			if v.Version != "" {
				name = fmt.Sprintf("%s %s", v.Name, v.Version)
			}
			seen[name] = true
		}
	}
	if u.module != nil {
		add(u.module)
	} else {
		var walk func(c *component.Component)
		walk = func(c *component.Component) {
			for _, def := range c.Defs {
				switch def := def.(type) {
				case *component.CoreModule:
					add(d.modules[def])
				case *component.NestedComponent:
					walk(def.Component)
				}
			}
		}
		walk(u.component)
	}
	var out []string
	for name := range seen {
		out = append(out, name)
	}
	sort.Strings(out)
	return out
}
