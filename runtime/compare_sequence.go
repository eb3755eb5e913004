package runtime

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/wbundle/wbundle/internal/component"
	"github.com/wbundle/wbundle/internal/wit"
)

// sequence is a run of steps on one instance of each program.
type sequence struct {
	c     *comparer
	steps []*step
	// held are the handles that the programs returned and that were not passed
	// on, in the order of their creation, with the resource in the first.
	held  []heldHandle
	found *finding
	trap  bool
	late  bool // the last step, or the instantiation, did not end in time
	wild  bool // it went out of bounds; see CompareOptions.Unchecked
}

type heldHandle struct {
	name handleName
	res  *component.Resource
}

// finding is a sequence whose last step was answered differently.
type finding struct {
	steps []*step
	outs  [2]outcome
}

// fresh instantiates both programs.
func (c *comparer) fresh(ctx context.Context) (outs [2]outcome, err error) {
	for i, s := range c.sides {
		if outs[i], err = s.fresh(ctx); err != nil {
			return outs, err
		}
	}
	return outs, nil
}

// begin starts a sequence on fresh instances.
func (c *comparer) begin(ctx context.Context) (*sequence, error) {
	outs, err := c.fresh(ctx)
	seq := &sequence{c: c}
	seq.judge(outs)
	return seq, err
}

// judge looks at two outcomes; it reports whether there can be more steps.
func (q *sequence) judge(outs [2]outcome) bool {
	q.late = outs[0].late || outs[1].late
	q.wild = !q.late && q.c.wild(outs)
	if !q.late && !q.wild && !outs[0].same(outs[1]) {
		q.found = &finding{slices.Clone(q.steps), outs}
	}
	q.trap = outs[0].trap != nil || outs[1].trap != nil
	return !q.over()
}

// over says that the instances are of no use any more.
func (q *sequence) over() bool { return q.late || q.trap || q.found != nil }

// do runs a step in both programs.
func (q *sequence) do(ctx context.Context, s *step) error {
	q.steps = append(q.steps, s)
	var outs [2]outcome
	var err error
	for i, side := range q.c.sides {
		if outs[i], err = side.do(ctx, s); err != nil {
			return err
		}
		if outs[i].late {
			break // nothing that the other does can be compared
		}
	}
	if !q.judge(outs) {
		return nil
	}
	// Handles that the step consumed are gone; those it returned are there.
	held := q.c.sides[0].held
	q.held = slices.DeleteFunc(q.held, func(h heldHandle) bool { _, ok := held[h.name]; return !ok })
	n := 0
	if s.typ != nil && s.typ.Result != nil {
		wit.MapHandles(outs[0].result, s.typ.Result, func(t *component.ValType, v Value) Value {
			name := handleName{s, n}
			if _, ok := held[name]; ok {
				q.held = append(q.held, heldHandle{name, t.Resource})
				n++
			}
			return v
		})
	}
	return nil
}

// dropAll drops the handles that are left: their destructors are compared too.
func (q *sequence) dropAll(ctx context.Context) error {
	for len(q.held) > 0 && !q.over() {
		name := q.held[0].name
		if err := q.do(ctx, &step{drop: &name}); err != nil {
			return err
		}
	}
	return nil
}

// replay runs steps on fresh instances up to the first that is answered
// differently. Steps that name handles which are not there end it, as traps do.
func (c *comparer) replay(ctx context.Context, steps []*step) (found *finding, late bool, err error) {
	seq, err := c.begin(ctx)
	if err != nil {
		return nil, false, err
	}
	for _, s := range steps {
		if seq.over() {
			break
		}
		if err := seq.do(ctx, s); errors.Is(err, errNoHandle) {
			return nil, false, nil
		} else if err != nil {
			return nil, false, err
		}
	}
	return seq.found, seq.late, nil
}

// makers says which function returns handles of which resource.
type makers struct {
	of map[*component.Resource][]Function
	// host says that the host implements a resource, and can make handles.
	host func(*component.Resource) bool
}

// makersOf finds, among functions, those that can be called with what there
// is and return handles. One that takes handles itself counts once those can
// be had, so this goes on until nothing changes.
func makersOf(functions []Function, host func(*component.Resource) bool) makers {
	m := makers{map[*component.Resource][]Function{}, host}
	known := map[string]bool{}
	for changed := true; changed; {
		changed = false
		for _, f := range functions {
			if known[f.Name] || f.Type.Async || f.Type.Result == nil || m.whyNot(f.Type) != "" {
				continue
			}
			for _, r := range resources(f.Type.Result) {
				if !host(r) {
					known[f.Name], changed = true, true
					m.of[r] = append(m.of[r], f)
				}
			}
		}
	}
	for _, fs := range m.of {
		// Constructors first: they are what the author meant for it.
		rank := func(f Function) int {
			switch {
			case strings.Contains(f.Name, "[constructor]"):
				return 0
			case len(f.Type.Params) == 0 || !strings.Contains(f.Name, "[method]"):
				return 1
			}
			return 2
		}
		slices.SortStableFunc(fs, func(a, b Function) int { return cmp.Compare(rank(a), rank(b)) })
	}
	return m
}

// whyNot says why a function of type t cannot be called, or "".
func (m *makers) whyNot(t *FuncType) string {
	for _, p := range t.Params {
		if why := wit.CanGenerate(p.Type, true); why != "" {
			return "it takes a " + wit.TypeString(p.Type) + ": " + why
		}
		for _, r := range resources(p.Type) {
			if !m.host(r) && m.of[r] == nil {
				return "it takes a " + wit.TypeString(p.Type) + ": no function that can be called returns a handle of " + resourceName(r)
			}
		}
	}
	return ""
}

// resources lists the resource types of the handles in t.
func resources(t *component.ValType) []*component.Resource {
	var out []*component.Resource
	seen := map[*component.ValType]bool{}
	var walk func(t *component.ValType)
	walk = func(t *component.ValType) {
		if t == nil || seen[t] || !t.ContainsHandles() {
			return
		}
		seen[t] = true
		if t.Resource != nil && !slices.Contains(out, t.Resource) {
			out = append(out, t.Resource)
		}
		for _, f := range t.Fields {
			walk(f.Type)
		}
		for _, c := range t.Cases {
			walk(c.Type)
		}
		for _, part := range [...]*component.ValType{t.Elem, t.Key, t.Ok, t.Err} {
			walk(part)
		}
	}
	walk(t)
	return out
}

// arguments makes calls.
type arguments struct {
	c *comparer
	g *wit.Generator
	// reps numbers the resources of the host that are passed in. They are far
	// from those that the host's answers hold.
	reps int
}

func newArguments(c *comparer, stream string) *arguments {
	return &arguments{c: c, g: wit.NewGenerator(c.o.Seed, streamOf("call "+stream, 0)), reps: 1 << 20}
}

// next returns a call of f with the calls before it that make the
// handles it takes; nil when those cannot be had.
func (a *arguments) next(f Function, q *sequence) []*step {
	free := slices.Clone(q.held)
	steps, _ := a.with(f, &free, 0)
	return steps
}

// maxMakers bounds how deep makers call makers for what they take.
const maxMakers = 4

// with returns steps that end with a call of f. Handles are taken from free,
// or made by calls whose results are handles through and through: whether a
// variant will hold one is not known before.
func (a *arguments) with(f Function, free *[]heldHandle, depth int) (steps []*step, ok bool) {
	if depth > maxMakers {
		return nil, false
	}
	ok = true
	take := func(t *component.ValType) Value {
		if a.c.makers.host(t.Resource) {
			a.reps++
			return wit.Handle(t, handleName{n: a.reps})
		}
		var have []int
		for i, h := range *free {
			if h.res == t.Resource {
				have = append(have, i)
			}
		}
		// Now and then a new one, though there is one.
		if len(have) == 0 || a.g.IntN(4) == 0 {
			if made, name, could := a.make(t.Resource, free, depth); could {
				steps = append(steps, made...)
				if t.Kind == component.KindBorrow {
					*free = append(*free, heldHandle{name, t.Resource})
				}
				return wit.Handle(t, name)
			}
			if len(have) == 0 {
				ok = false
				return wit.Handle(t, handleName{})
			}
		}
		i := have[a.g.IntN(len(have))]
		h := (*free)[i]
		if t.Kind == component.KindOwn {
			*free = slices.Delete(*free, i, i+1)
		}
		return wit.Handle(t, h.name)
	}
	s := a.call(f, take)
	if !ok {
		return nil, false
	}
	return append(steps, s), true
}

// make returns steps whose last one returns a handle of r.
func (a *arguments) make(r *component.Resource, free *[]heldHandle, depth int) ([]*step, handleName, bool) {
	for _, f := range a.c.makers.of[r] {
		if t := f.Type.Result; t.Kind != component.KindOwn && !(t.Kind == component.KindResult && t.Ok != nil && t.Ok.Kind == component.KindOwn) {
			continue
		}
		left := slices.Clone(*free)
		// The arguments of f are made in the middle of others.
		inner := &arguments{c: a.c, reps: a.reps, g: wit.NewGenerator(a.c.o.Seed, streamOf("make "+f.Name, a.g.Uint64()))}
		if steps, ok := inner.with(f, &left, depth+1); ok {
			*free, a.reps = left, inner.reps
			return steps, handleName{from: steps[len(steps)-1]}, true
		}
	}
	return nil, handleName{}, false
}

func (a *arguments) call(f Function, take func(t *component.ValType) Value) *step {
	s := &step{name: f.Name, typ: f.Type, args: make([]Value, len(f.Type.Params))}
	a.g.Handle = take
	for i, p := range f.Type.Params {
		s.args[i] = a.g.Value(p.Type)
	}
	return s
}
