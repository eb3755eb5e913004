package runtime

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"strings"
	"time"

	"github.com/wbundle/wbundle/internal/wit"
)

// CompareOptions are the options of Compare.
type CompareOptions struct {
	// Seed chooses the generated values; the same seed gives the same calls.
	Seed uint64
	// Calls is how often each exported function is called; 0 stands for 8.
	Calls int
	// Timeout bounds each call, the instantiation before it included; 0: none.
	Timeout time.Duration
	// Skip, when set, says which functions not to call: those that run for
	// long when their arguments are large.
	Skip func(name string) bool
}

// Difference is a call that two programs answered differently.
type Difference struct {
	Call string // in WAVE
	// A and B say what each program did: the result or trap, after the
	// calls of imports that led to it, one a line.
	A, B string
}

// Comparison is the outcome of Compare.
type Comparison struct {
	Calls       int      // calls made of each program
	Skipped     []string // functions that were not called, with the reason
	Differences []Difference
}

// Compare runs two programs side by side, usually a component and the bundle
// made of it, and reports where they differ. It calls every function that
// both export with generated values. Imports are answered with generated
// values as well, a function of the name and of the number of the call, so
// that both see the same host. Compared are results by value, whether calls
// trap, and the calls of imports with their arguments, in order.
func Compare(ctx context.Context, a, b []byte, o CompareOptions) (c Comparison, err error) {
	if o.Calls == 0 {
		o.Calls = 8
	}
	var sides [2]*side
	for i, bytes := range [2][]byte{a, b} {
		p, err := Compile(ctx, bytes, string(rune('A'+i)))
		if err != nil {
			return c, err
		}
		defer p.Close(context.WithoutCancel(ctx))
		sides[i] = &side{p: p, o: o}
		if err := sides[i].fresh(ctx); err != nil {
			return c, err
		}
		defer func() { sides[i].close(context.WithoutCancel(ctx)) }()
	}
	if err := sameExports(sides[0].inst.Functions(), sides[1].inst.Functions()); err != nil {
		return c, err
	}
	for _, f := range sides[0].inst.Functions() {
		if o.Skip != nil && o.Skip(f.Name) {
			c.Skipped = append(c.Skipped, f.Name+": as asked")
			continue
		}
		if why := notComparable(f.Type); why != "" {
			c.Skipped = append(c.Skipped, f.Name+": "+why)
			continue
		}
		// State lasts from call to call of one function; each function, and
		// each call after a trap, begins with new instances.
		fresh := true
		g := newGenerator(o.Seed, streamOf(f.Name))
		for range o.Calls {
			args := make([]Value, len(f.Type.Params))
			for i, p := range f.Type.Params {
				args[i] = g.value(p.Type)
			}
			var outs [2]outcome
			for i, s := range sides {
				if outs[i], err = s.call(ctx, f.Name, args, fresh); err != nil {
					return c, fmt.Errorf("%s: %w", wit.FormatCall(f.Name, args), err)
				}
			}
			c.Calls++
			if !outs[0].same(outs[1]) {
				c.Differences = append(c.Differences, Difference{wit.FormatCall(f.Name, args), outs[0].String(), outs[1].String()})
			}
			fresh = outs[0].trap != nil || outs[1].trap != nil
		}
	}
	return c, nil
}

func streamOf(name string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(name))
	return h.Sum64()
}

func sameExports(a, b []Function) error {
	in := func(f Function, list []Function) bool {
		for _, g := range list {
			if g.Name == f.Name {
				return true
			}
		}
		return false
	}
	var missing []string
	for _, f := range a {
		if !in(f, b) {
			missing = append(missing, f.Name)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("the second program does not export %s", strings.Join(missing, ", "))
	}
	return nil
}

func notComparable(t *FuncType) string {
	if t.Async {
		return "asynchronous"
	}
	for _, p := range t.Params {
		if !canGenerate(p.Type, false) {
			return "takes a " + wit.TypeString(p.Type) + ", which cannot be made up"
		}
	}
	return ""
}

// side is one of the two programs.
type side struct {
	p     *Program
	o     CompareOptions
	inst  *Instance
	trace []string
	seen  map[string]uint64 // calls of each import so far
	reps  uint32
}

func (s *side) close(ctx context.Context) {
	if s.inst != nil {
		s.inst.Close(ctx)
		s.inst = nil
	}
}

func (s *side) fresh(ctx context.Context) error {
	s.close(ctx)
	s.trace, s.seen, s.reps = nil, map[string]uint64{}, 0
	cfg := Config{
		fallback: func(name string) HostFunc {
			return func(_ context.Context, t *FuncType, args []Value) (Value, error) { return s.host(name, t, args) }
		},
		DropResource: func(name string, rep uint32) { s.trace = append(s.trace, fmt.Sprintf("drop %s %d", name, rep)) },
	}
	var err error
	s.inst, err = s.p.Instantiate(ctx, cfg)
	return err
}

// host answers the call of an import.
func (s *side) host(name string, t *FuncType, args []Value) (Value, error) {
	s.trace = append(s.trace, wit.FormatCall(name, args))
	if t.Result == nil {
		return Value{}, nil
	}
	if !canGenerate(t.Result, true) {
		return Value{}, fmt.Errorf("the import %s returns what cannot be made up", name)
	}
	g := newGenerator(s.o.Seed+s.seen[name], streamOf(name))
	s.seen[name]++
	g.reps = s.reps
	v := g.value(t.Result)
	s.reps = g.reps
	return v, nil
}

// outcome is what a call did.
type outcome struct {
	trace  []string
	result Value
	trap   error
}

func (o outcome) same(p outcome) bool {
	if (o.trap == nil) != (p.trap == nil) || strings.Join(o.trace, "\n") != strings.Join(p.trace, "\n") {
		return false
	}
	// Each program numbers its handles in its own way.
	return wit.EqualFunc(o.result, p.result, func(any, any) bool { return true })
}

func (o outcome) String() string {
	last := o.result.String()
	if o.trap != nil {
		last = o.trap.Error()
	}
	return strings.Join(append(o.trace, last), "\n")
}

func (s *side) call(ctx context.Context, name string, args []Value, fresh bool) (outcome, error) {
	if s.o.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, s.o.Timeout)
		defer cancel()
	}
	if fresh {
		if err := s.fresh(ctx); err != nil {
			return outcome{}, err
		}
	}
	before := len(s.trace)
	v, err := s.inst.engine.call(ctx, name, args)
	out := outcome{trace: append([]string(nil), s.trace[before:]...), result: v}
	var trap *Trap
	var exit *ExitError
	if errors.As(err, &trap) || errors.As(err, &exit) {
		out.trap, err = err, nil
	}
	return out, err
}
