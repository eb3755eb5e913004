package runtime

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/wbundle/wbundle/internal/component"
	"github.com/wbundle/wbundle/internal/wit"
)

// maxTrace bounds the calls of imports that one instance makes: a loop around
// an import is not to fill the memory until its time is over.
const maxTrace = 1 << 14

// side is one of the two programs of a comparison.
type side struct {
	p       *Program
	seed    uint64
	limit   uint64        // of each memory
	timeout time.Duration // of each call
	inst    *Instance
	trace   []string
	seen    map[string]uint64 // calls of each import so far
	reps    uint32            // of the resources of the host that exist
	// held has the handles that calls returned and that were not passed on.
	held map[handleName]Value
}

func (s *side) close(ctx context.Context) {
	if s.inst != nil {
		_ = s.inst.Close(ctx) // nothing is left that could be wrong with it
		s.inst = nil
	}
}

// fresh instantiates the program again; what that did is an outcome.
func (s *side) fresh(ctx context.Context) (outcome, error) {
	s.close(context.WithoutCancel(ctx))
	s.trace, s.seen, s.reps, s.held = nil, map[string]uint64{}, 0, map[handleName]Value{}
	cfg := Config{
		fallback: func(name string) HostFunc {
			return func(_ context.Context, t *FuncType, args []Value) (Value, error) { return s.host(name, t, args) }
		},
		DropResource: func(name string, rep uint32) {
			s.trace = append(s.trace, fmt.Sprintf("drop %s %d", stableName(name), rep))
		},
		MemoryLimit: s.limit,
		repeatable:  true,
	}
	return s.observe(ctx, openTimeout, func(ctx context.Context) (v Value, err error) {
		s.inst, err = s.p.Instantiate(ctx, cfg)
		return Value{}, err
	})
}

// observe runs f, which makes one call, and says what it did. The error is
// about what is neither an answer nor a trap.
func (s *side) observe(ctx context.Context, timeout time.Duration, f func(ctx context.Context) (Value, error)) (outcome, error) {
	call := ctx
	if timeout > 0 {
		var cancel context.CancelFunc
		call, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	before := len(s.trace)
	v, err := f(call)
	out := outcome{trace: append([]string(nil), s.trace[before:]...), result: v}
	var trap *Trap
	var exit *ExitError
	switch {
	case ctx.Err() != nil:
		return out, ctx.Err()
	case call.Err() != nil:
		// Even with an answer: instances do not outlive the time of a call.
		out.late = true
	case err == nil:
	case errors.As(err, &trap), errors.As(err, &exit):
		out.trap = err
	default:
		return out, err
	}
	return out, nil
}

// stableName is the name of an import without the part of its version that
// compatible interfaces differ in: a linker may let inputs that ask for 0.2.1
// and 0.2.3 share one import.
func stableName(name string) string {
	iface, rest, ok := strings.Cut(name, "#")
	if !ok {
		return name
	}
	return qualify(canonicalVersion(iface), rest)
}

// host answers the call of an import.
func (s *side) host(name string, t *FuncType, args []Value) (Value, error) {
	name = stableName(name)
	if len(s.trace) >= maxTrace {
		return Value{}, fmt.Errorf("%d calls of imports are enough", maxTrace)
	}
	shown := make([]Value, len(args))
	for i, p := range t.Params {
		shown[i] = wit.MapHandles(args[i], p.Type, s.shown)
	}
	s.trace = append(s.trace, wit.FormatCall(name, shown))
	if t.Result == nil {
		return Value{}, nil
	}
	if why := wit.CanGenerate(t.Result, true); why != "" {
		return Value{}, fmt.Errorf("no answer for the import %s: %s", name, why)
	}
	g := wit.NewGenerator(s.seed, streamOf(name, s.seen[name]))
	g.Handle = func(t *component.ValType) Value {
		s.reps++
		return NewHandle(t, s.reps)
	}
	s.seen[name]++
	return g.Value(t.Result), nil
}

// shown is what stands for a handle that the program gave away: the number
// that the host gave its own resource, and nothing for one of the program,
// whose number is an address or an index.
func (s *side) shown(t *component.ValType, v Value) Value {
	name := label("handle")
	if h, ok := v.AsHandle().(*hostHandle); ok && s.inst != nil && s.inst.engine.ofHost(t.Resource) {
		name = label(fmt.Sprintf("host %d", h.rep))
	}
	return wit.Handle(t, name)
}

// label is a handle that is only printed and compared.
type label string

func (l label) String() string { return string(l) }

// step is one call of a sequence, or the drop of a handle.
type step struct {
	name string
	typ  *FuncType // of the first program
	// args have a handleName for each handle.
	args []Value
	drop *handleName // set instead of the others
	// number is the place in the sequence that is printed, from 1.
	number int
}

// handleName is a handle as a sequence of calls names it: by the step that
// returned it, and how many that returned before it. Without a step it is of
// a resource of the host, with its number.
type handleName struct {
	from *step
	n    int
}

// String returns r3 for the handle that call 3 returned, r3.2 for its second.
func (h handleName) String() string {
	switch {
	case h.from == nil:
		return fmt.Sprintf("host %d", h.n)
	case h.n == 0:
		return fmt.Sprintf("r%d", h.from.number)
	}
	return fmt.Sprintf("r%d.%d", h.from.number, h.n+1)
}

// String returns the step in WAVE: r1 = [constructor]counter(3).
func (s *step) String() string {
	if s.drop != nil {
		return "drop " + s.drop.String()
	}
	call := wit.FormatCall(s.name, s.args)
	if s.typ.Result != nil && s.typ.Result.ContainsHandles() {
		call = fmt.Sprintf("r%d = %s", s.number, call)
	}
	return call
}

// errNoHandle says that a step names a handle that no step before it returned:
// the sequence means nothing.
var errNoHandle = errors.New("no such handle")

// do runs a step.
func (s *side) do(ctx context.Context, st *step) (outcome, error) {
	if st.drop != nil {
		v, ok := s.held[*st.drop]
		if !ok {
			return outcome{}, errNoHandle
		}
		delete(s.held, *st.drop)
		return s.observe(ctx, s.timeout, func(ctx context.Context) (Value, error) { return Value{}, s.inst.Drop(ctx, v) })
	}
	f, _ := s.inst.engine.function(st.name)
	args := make([]Value, len(st.args))
	var missing bool
	for i, p := range f.Params {
		args[i] = wit.MapHandles(st.args[i], p.Type, func(t *component.ValType, v Value) Value {
			name := v.AsHandle().(handleName)
			if name.from == nil {
				return NewHandle(t, uint32(name.n))
			}
			h, ok := s.held[name]
			missing = missing || !ok
			if !ok {
				return v
			}
			if t.Kind == component.KindOwn {
				delete(s.held, name)
			}
			return wit.Handle(t, h.AsHandle())
		})
	}
	if missing {
		return outcome{}, errNoHandle
	}
	out, err := s.observe(ctx, s.timeout, func(ctx context.Context) (Value, error) { return s.inst.engine.call(ctx, st.name, args) })
	if err != nil || out.trap != nil || out.late || f.Result == nil {
		return out, err
	}
	n := 0
	out.result = wit.MapHandles(out.result, f.Result, func(t *component.ValType, v Value) Value {
		if s.inst.engine.ofHost(t.Resource) {
			return s.shown(t, v)
		}
		s.held[handleName{st, n}] = v
		n++
		return wit.Handle(t, label(fmt.Sprintf("handle %d", n)))
	})
	return out, nil
}
