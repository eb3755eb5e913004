// Package opt makes a core module smaller and faster without changing what it
// does.
//
// Run is an ordered list of passes. Those over the module (module.go and the
// files that its list names) look at all functions at once; those over a
// function (function.go) take its tree (internal/ir) and change it in place.
// Functions are worked on in parallel; the outcome does not depend on how.
//
// What may not change: results, traps (that there is one, not which), calls of
// imports with their arguments and order, what exports do, and what they show
// of memories, tables and globals. A trap may come before or after something
// that only the instance itself could see.
package opt

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/wbundle/wbundle/internal/ir"
	"github.com/wbundle/wbundle/internal/wasm"
)

// Level says what the passes aim at.
type Level int

// The levels.
const (
	Size  Level = iota // fewer bytes
	Speed              // less work, and fewer bytes where that costs none
)

// Options are the settings of one run.
type Options struct {
	Level Level
	// Check validates the module after every pass, so that an error names the
	// pass that made the mistake.
	Check bool
	// Only, when set, are the names of the passes to run; for tests.
	Only map[string]bool
}

// Changes is what a run did apart from the code it changed in place.
type Changes struct {
	// Alias says of functions that another one stands for them now: the index of
	// the function to the index of the other. The other is none of them.
	Alias map[uint32]uint32
	// Shared says of functions that were added whose code they have: that of the
	// function, and of others that are the same but for constants.
	Shared map[uint32]uint32
}

// state is what the passes of one run share.
type state struct {
	ctx     context.Context
	m       *wasm.Module
	o       Options
	c       *ir.Context
	changes *Changes
	// touched says of each defined function that it is worth another look by the
	// function passes: a pass over the module changed it.
	touched []bool
	own     []bodyEffects // see effects
	// noReturn says which functions never return; nil: not known.
	noReturn []bool
	// moreResults has, for each function whose results other than the first are
	// in globals, these globals; resultGlobal says which globals are such.
	moreResults  map[uint32][]uint32
	resultGlobal map[uint32]bool
}

// imported is how many functions the module imports.
func (s *state) imported() uint32 { return s.m.NumImported[wasm.SpaceFunc] }

// Run optimises a valid module in place: its code, and the declarations that go
// with it. Indices stay what they are; functions that were added are at the
// end. What nobody needs any more is still there: marking finds it.
func Run(ctx context.Context, m *wasm.Module, o Options) (*Changes, error) {
	s := &state{ctx: ctx, m: m, o: o, changes: &Changes{Alias: map[uint32]uint32{}, Shared: map[uint32]uint32{}}}
	s.touched = make([]bool, len(m.Code))
	for i := range s.touched {
		s.touched[i] = true
	}
	for _, p := range modulePasses {
		if o.Only != nil && !o.Only[p.name] {
			continue
		}
		s.c = ir.NewContext(m)
		s.c.Effects = s.effects()
		if err := p.run(s); err != nil {
			return nil, fmt.Errorf("pass %s: %w", p.name, err)
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if o.Check {
			if err := s.check(); err != nil {
				return nil, fmt.Errorf("pass %s made a module that is not valid: %w", p.name, err)
			}
		}
	}
	return s.changes, nil
}

// check validates the module.
func (s *state) check() error {
	b := wasm.Encode(s.m)
	m, err := wasm.Decode("optimised", b)
	if err == nil {
		err = wasm.Validate(m)
	}
	return err
}

// largeBody is the size of a body, in bytes, from which on it is worked on while
// no other is: its tree and what passes know of it take two hundred times as
// much.
const largeBody = 32 << 10

// arenas are reused between functions and passes.
var arenas = sync.Pool{New: func() any { return new(ir.Arena) }}

// eachFunc calls f with the tree of each defined function that want accepts, in
// parallel; nil accepts all. Where f returns true, the tree is written back.
// Functions without a tree form are left out.
func (s *state) eachFunc(want func(i int) bool, f func(i int, fn *ir.Func) bool) error {
	n := len(s.m.Code)
	workers := runtime.GOMAXPROCS(0)
	var mu sync.Mutex
	next := 0
	take := func() (lo, hi int) {
		mu.Lock()
		defer mu.Unlock()
		lo = next
		next = min(n, next+16)
		return lo, next
	}
	var alone sync.RWMutex
	work := func(i int, a *ir.Arena) error {
		if len(s.m.Code[i].Bytes) > largeBody {
			alone.Lock()
			defer alone.Unlock()
		} else {
			alone.RLock()
			defer alone.RUnlock()
		}
		a.Reset()
		fn, err := ir.Decode(s.c, a, s.imported()+uint32(i))
		if errors.Is(err, ir.ErrNoTree) {
			return nil
		}
		if err == nil && f(i, fn) {
			s.m.Code[i] = wasm.Body{Bytes: ir.Encode(fn), Off: s.m.Code[i].Off}
		}
		return err
	}
	g, ctx := errgroup.WithContext(s.ctx)
	for range workers {
		g.Go(func() error {
			a := arenas.Get().(*ir.Arena)
			defer arenas.Put(a)
			for {
				lo, hi := take()
				if lo == hi {
					return ctx.Err()
				}
				for i := lo; i < hi; i++ {
					if want != nil && !want(i) {
						continue
					}
					if err := work(i, a); err != nil {
						return err
					}
				}
			}
		})
	}
	return g.Wait()
}

// forgetSites makes room for trees. Whoever needs sites again scans for them, as
// most of the bodies that they are of will have changed by then.
func (s *state) forgetSites() {
	for i := range s.m.Code {
		s.m.Code[i].Code, s.m.Code[i].Sites = 0, nil
	}
}

// scan finds the sites of the bodies that have none.
func (s *state) scan() error {
	if s.m.HasDataCount {
		s.m.DataCount = uint32(len(s.m.Datas))
	}
	const chunk = 256
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for lo := 0; lo < len(s.m.Code); lo += chunk {
		hi := min(lo+chunk, len(s.m.Code))
		for i := lo; i < hi; i++ {
			if s.m.Code[i].Code == 0 {
				g.Go(func() error { return s.m.ScanRange(lo, hi) })
				break
			}
		}
	}
	return g.Wait()
}
