package runtime

import (
	"context"
	"slices"
	"time"

	"github.com/wbundle/wbundle/internal/component"
	"github.com/wbundle/wbundle/internal/wit"
)

// A difference that is found has the calls before it on the same instance,
// and arguments of kilobytes. Most of that has nothing to do with it. What is
// reported is the shortest sequence that the search below finds, and in it
// the smallest values: first calls are left out, then arguments shrink. Every
// attempt runs on fresh instances.

// The bounds of the search. An attempt instantiates both programs; of large
// ones there are few in the time.
const (
	shrinkAttempts = 500
	shrinkTime     = 10 * time.Second
)

type shrinker struct {
	c        *comparer
	best     *finding
	attempts int
	until    time.Time
}

// shrink returns a finding that is as small as found, or smaller.
func (c *comparer) shrink(ctx context.Context, found *finding) *finding {
	s := &shrinker{c: c, best: found, until: time.Now().Add(shrinkTime)}
	s.calls(ctx)
	for s.arguments(ctx) {
	}
	return s.best
}

// try replaces the best by steps if they still end with a difference.
func (s *shrinker) try(ctx context.Context, steps []*step) bool {
	if s.spent(ctx) {
		return false
	}
	s.attempts++
	// An error here is about an attempt, not about what was found.
	found, _, err := s.c.replay(ctx, steps)
	if err != nil || found == nil {
		return false
	}
	s.best = found
	return true
}

func (s *shrinker) spent(ctx context.Context) bool {
	return s.attempts >= shrinkAttempts || past(s.until) || ctx.Err() != nil
}

// calls leaves out calls: all but what the last one needs, else as many as
// can be spared, in halves and then one by one.
func (s *shrinker) calls(ctx context.Context) {
	n := len(s.best.steps)
	if n > 1 && s.try(ctx, needed(s.best.steps, s.best.steps[n-1])) {
		n = len(s.best.steps)
	}
	for size := (n - 1) / 2; size > 0; size /= 2 {
		for at := 0; at+size < len(s.best.steps); {
			rest := slices.Concat(s.best.steps[:at], s.best.steps[at+size:])
			if !s.try(ctx, consistent(rest)) {
				at += size
			}
			if s.spent(ctx) {
				return
			}
		}
	}
}

// needed are the steps that last takes handles from, and so on, and last.
func needed(steps []*step, last *step) []*step {
	want := map[*step]bool{last: true}
	var out []*step
	for _, s := range slices.Backward(steps) {
		if !want[s] {
			continue
		}
		for _, from := range s.sources() {
			want[from] = true
		}
		out = append(out, s)
	}
	slices.Reverse(out)
	return out
}

// consistent leaves out the steps that take handles of steps left out.
func consistent(steps []*step) []*step {
	there := map[*step]bool{}
	var out []*step
next:
	for _, s := range steps {
		for _, from := range s.sources() {
			if !there[from] {
				continue next
			}
		}
		there[s] = true
		out = append(out, s)
	}
	return out
}

// sources are the steps that returned the handles that s takes.
func (s *step) sources() []*step {
	if s.drop != nil {
		return []*step{s.drop.from}
	}
	var out []*step
	for i, p := range s.typ.Params {
		wit.MapHandles(s.args[i], p.Type, func(_ *component.ValType, v Value) Value {
			if name, ok := v.AsHandle().(handleName); ok && name.from != nil {
				out = append(out, name.from)
			}
			return v
		})
	}
	return out
}

// arguments makes one argument simpler, of the last call first; it reports
// whether it could.
func (s *shrinker) arguments(ctx context.Context) bool {
	steps := s.best.steps
	for i, st := range slices.Backward(steps) {
		for j := range st.args {
			for v := range wit.Shrink(st.args[j]) {
				if s.try(ctx, withArgument(steps, i, j, v)) {
					return true
				}
				if s.spent(ctx) {
					return false
				}
			}
		}
	}
	return false
}

// withArgument returns the steps with another value for argument j of step i.
// Handles name steps, so those that take what step i returns are copied too.
func withArgument(steps []*step, i, j int, v Value) []*step {
	copies := map[*step]*step{}
	renamed := func(name handleName) handleName {
		if c := copies[name.from]; c != nil {
			name.from = c
		}
		return name
	}
	out := slices.Clone(steps)
	for k := i; k < len(steps); k++ {
		c := *steps[k]
		c.args = slices.Clone(c.args)
		if k == i {
			c.args[j] = v
		}
		if c.drop != nil {
			name := renamed(*c.drop)
			c.drop = &name
		} else {
			for n, p := range c.typ.Params {
				c.args[n] = wit.MapHandles(c.args[n], p.Type, func(t *component.ValType, v Value) Value {
					if name, ok := v.AsHandle().(handleName); ok {
						return wit.Handle(t, renamed(name))
					}
					return v
				})
			}
		}
		copies[steps[k]] = &c
		out[k] = &c
	}
	return out
}
