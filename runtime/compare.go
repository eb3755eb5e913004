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
	// Timeout bounds each call; 0: none.
	// A call that takes longer decides nothing: what two programs do in a
	// given time is no part of what they mean.
	Timeout time.Duration
	// Budget bounds the generated calls together; 0: none. Functions share it,
	// and those that it does not suffice for are in Skipped.
	Budget time.Duration
	// Cases are calls to compare besides the generated ones, and before them.
	// What they expect is not looked at. CaseTimeout bounds each; 0: none.
	Cases       []Case
	CaseTimeout time.Duration
	// Skip, when set, says which functions not to call: those that run for
	// long when their arguments are large.
	Skip func(name string) bool
	// MemoryLimits bound each linear memory of the first program and of the
	// second, in bytes; 0: the engine's limit. A bundle with one memory has
	// room for less in each component than the components have on their own.
	MemoryLimits [2]uint64
	// Unchecked says that several memories of the first program are parts of
	// one in the second, and that loads and stores there are not held to their
	// part. What the second does where the first goes out of bounds of its
	// memory is then nobody's promise, and decides nothing.
	Unchecked bool
}

// Comparison is the outcome of Compare.
type Comparison struct {
	Functions int       // exported functions that were called with generated values
	Calls     int       // calls made of each program, shrinking aside
	Cases     int       // of CompareOptions.Cases, calls that were compared
	Skipped   []Skipped // what was not compared
	// Undecided counts calls that one program or both did not end in time.
	Undecided int
	// OutOfBounds counts calls that decided nothing by CompareOptions.Unchecked.
	OutOfBounds int
	Differences []Difference
	Duration    time.Duration
}

// Skipped is a function or a case that was not compared.
type Skipped struct{ Name, Reason string }

// String returns both.
func (s Skipped) String() string { return s.Name + ": " + s.Reason }

// Difference is a call that two programs answered differently.
type Difference struct {
	// Before are the calls, on the same instance, without which the programs
	// agree; a handle that a call returns is named after it, and what is
	// called "drop" is the drop of one.
	Before []string
	Call   string // in WAVE
	// A and B say what each program did: the result or trap, after the
	// calls of imports that led to it, one a line.
	A, B string
}

// Compare runs two programs side by side, usually a component and the bundle
// made of it, and reports where they differ; see ComparePrograms.
func Compare(ctx context.Context, a, b []byte, o CompareOptions) (c Comparison, err error) {
	var programs [2]*Program
	for i, bytes := range [2][]byte{a, b} {
		p, err := Compile(ctx, bytes, string(rune('A'+i)))
		if err != nil {
			return c, err
		}
		defer func() { err = errors.Join(err, p.Close(context.WithoutCancel(ctx))) }()
		programs[i] = p
	}
	return ComparePrograms(ctx, programs[0], programs[1], o)
}

// ComparePrograms calls every function that a exports, in both programs, with
// generated values, and with handles that earlier calls returned. Imports are
// answered with generated values as well, a function of the seed, the name
// and the number of the call, so that both see the same host. Compared are
// results by value, whether calls trap, and the calls of imports with their
// arguments, in order. A difference is reduced to a short sequence of calls
// with small arguments before it is reported, one for each function.
func ComparePrograms(ctx context.Context, a, b *Program, o CompareOptions) (Comparison, error) {
	if o.Calls == 0 {
		o.Calls = 8
	}
	c := &comparer{o: o, began: time.Now(), sides: [2]*side{
		{p: a, seed: o.Seed, limit: o.MemoryLimits[0]},
		{p: b, seed: o.Seed, limit: o.MemoryLimits[1]},
	}}
	defer func() {
		for _, s := range c.sides {
			s.close(context.WithoutCancel(ctx))
		}
	}()
	err := c.run(ctx)
	c.out.Duration = time.Since(c.began)
	return c.out, err
}

// openTimeout bounds each instantiation. The first makes the machine code,
// and none has to do with how long calls take.
const openTimeout = time.Minute

// comparer is one run of ComparePrograms.
type comparer struct {
	o     CompareOptions
	sides [2]*side
	began time.Time
	// calling is when the generated calls began.
	calling time.Time
	out     Comparison
	// functions are what the first program exports, by name.
	functions []Function
	makers    makers
}

func (c *comparer) run(ctx context.Context) error {
	outs, err := c.fresh(ctx)
	if err != nil {
		return err
	}
	if c.differ(nil, outs) {
		return nil
	}
	if outs[0].trap != nil {
		c.skip("every function", "both programs trap when they are instantiated: "+outs[0].trap.Error())
		return nil
	}
	if outs[0].late || outs[1].late {
		c.skip("every function", "the programs are not instantiated in time")
		return nil
	}
	c.functions = c.sides[0].inst.Functions()
	c.makers = makersOf(c.functions, c.sides[0].inst.engine.ofHost)
	for _, f := range c.functions {
		t, ok := c.sides[1].inst.engine.function(f.Name)
		switch {
		case !ok:
			c.out.Differences = append(c.out.Differences, Difference{Call: f.Name, A: wit.FuncString(f.Type), B: "not exported"})
		case !sameFunc(f.Type, t):
			c.out.Differences = append(c.out.Differences, Difference{Call: f.Name, A: wit.FuncString(f.Type), B: wit.FuncString(t)})
		}
	}
	if len(c.out.Differences) > 0 {
		return nil
	}
	c.timeout(c.o.CaseTimeout)
	for i := range c.o.Cases {
		if err := c.userCase(ctx, &c.o.Cases[i]); err != nil {
			return err
		}
	}
	c.timeout(c.o.Timeout)
	c.calling = time.Now()
	var fine []Function // to be called together
	for i, f := range c.functions {
		if why := c.whyNot(f); why != "" {
			c.skip(f.Name, why)
			continue
		}
		// One more part is for the mixed calls below.
		ok, err := c.function(ctx, f, c.share(len(c.functions)-i+1))
		if err != nil {
			return err
		}
		if ok {
			fine = append(fine, f)
		}
	}
	if len(fine) > 1 {
		return c.mixed(ctx, fine, c.share(1))
	}
	return nil
}

// sameFunc compares signatures by structure.
func sameFunc(a, b *FuncType) bool {
	if len(a.Params) != len(b.Params) || a.Async != b.Async || !sameShape(a.Result, b.Result) {
		return false
	}
	for i := range a.Params {
		if !sameShape(a.Params[i].Type, b.Params[i].Type) {
			return false
		}
	}
	return true
}

// timeout bounds what comes next.
func (c *comparer) timeout(d time.Duration) {
	for _, s := range c.sides {
		s.timeout = d
	}
}

func (c *comparer) skip(name, reason string) {
	c.out.Skipped = append(c.out.Skipped, Skipped{name, reason})
}

// share is when the next of n functions has had its part of the budget; the
// zero time without one. It may be twice the part that is its due, for most
// functions need much less.
func (c *comparer) share(n int) time.Time {
	if c.o.Budget == 0 {
		return time.Time{}
	}
	left := c.o.Budget - time.Since(c.calling)
	return time.Now().Add(min(left, 2*left/time.Duration(n)))
}

func past(t time.Time) bool { return !t.IsZero() && !time.Now().Before(t) }

// whyNot says why f cannot be called with generated values, or "".
func (c *comparer) whyNot(f Function) string {
	switch {
	case c.o.Skip != nil && c.o.Skip(f.Name):
		return "as asked"
	case f.Type.Async:
		return "it is asynchronous"
	}
	return c.makers.whyNot(f.Type)
}

// userCase compares one of CompareOptions.Cases.
func (c *comparer) userCase(ctx context.Context, uc *Case) error {
	if uc.Invoke == "" {
		c.skip("case "+uc.Name, "it runs a command, which is checked and not compared")
		return nil
	}
	s, err := c.parse(uc.Invoke)
	if err != nil {
		c.skip("case "+uc.Name, err.Error())
		return nil
	}
	found, late, err := c.replay(ctx, []*step{s})
	if err != nil {
		return err
	}
	c.out.Cases++
	if late {
		c.out.Undecided++
	}
	if found != nil {
		c.report(ctx, found)
	}
	return nil
}

func (c *comparer) parse(call string) (*step, error) {
	w, err := wit.ParseCall(call)
	if err != nil {
		return nil, err
	}
	f, ok := c.sides[0].inst.engine.function(w.Name)
	name := w.Name
	if !ok {
		found, err := findFunction(w.Name, c.functions)
		if err != nil {
			return nil, err
		}
		name, f = found.Name, found.Type
	}
	args, err := w.ParseArgs(f.Params)
	return &step{name: name, typ: f, args: args}, err
}

// function calls f with generated values, until a difference is found. State
// lasts from call to call; f, and each call after a trap, begins with new
// instances. It reports whether nothing was against calling it.
func (c *comparer) function(ctx context.Context, f Function, until time.Time) (ok bool, err error) {
	before := len(c.out.Differences)
	made, why, err := c.calls(ctx, f.Name, []Function{f}, c.o.Calls, until)
	if why != "" {
		c.skip(f.Name, why)
	}
	if made > 0 {
		c.out.Functions++
	}
	return err == nil && why == "" && len(c.out.Differences) == before, err
}

// mixed calls functions in turns on one instance: what one leaves behind,
// another may find.
func (c *comparer) mixed(ctx context.Context, fs []Function, until time.Time) error {
	_, _, err := c.calls(ctx, "", fs, 2*c.o.Calls, until)
	return err
}

// calls makes n calls of functions drawn from fs, and returns how many it made
// and, when they are not all, why. A difference is reason enough to stop, but
// it is reported in its own way.
func (c *comparer) calls(ctx context.Context, stream string, fs []Function, n int, until time.Time) (made int, why string, err error) {
	var seq *sequence
	a := newArguments(c, stream)
	late := 0
	for made < n {
		if past(until) {
			return made, fmt.Sprintf("there was time for %s", calls(made)), nil
		}
		if err := ctx.Err(); err != nil {
			return made, "", err
		}
		if seq == nil {
			if seq, err = c.begin(ctx); err != nil {
				return made, "", err
			}
			if seq.over() {
				return made, "the programs are not instantiated in time", nil
			}
		}
		steps := a.next(fs[a.g.IntN(len(fs))], seq)
		if n := len(seq.held); n > 0 && len(fs) > 1 && a.g.IntN(8) == 0 {
			// What destructors leave behind is for others to find as well.
			name := seq.held[a.g.IntN(n)].name
			steps = []*step{{drop: &name}}
		}
		if steps == nil {
			return made, "no call returned the handles that it takes", nil
		}
		for _, s := range steps {
			if err := seq.do(ctx, s); err != nil {
				return made, "", err
			}
			if seq.over() {
				break
			}
		}
		made++
		c.out.Calls++
		if seq.found != nil {
			c.report(ctx, seq.found)
			return made, "", nil
		}
		if seq.wild {
			c.out.OutOfBounds++
		}
		if seq.late {
			c.out.Undecided++
			// Arguments that take long come again, and each costs the timeout.
			if late++; late == 2 {
				return made, fmt.Sprintf("given up after %s, for two took longer than %v", calls(made), c.o.Timeout), nil
			}
		}
		if seq.over() {
			seq = nil
		}
	}
	if seq != nil {
		if err := seq.dropAll(ctx); err != nil {
			return made, "", err
		}
		if seq.found != nil {
			c.report(ctx, seq.found)
		}
	}
	return made, "", nil
}

func calls(n int) string {
	if n == 1 {
		return "1 call"
	}
	return fmt.Sprintf("%d calls", n)
}

// report shrinks a difference and adds it to the outcome.
func (c *comparer) report(ctx context.Context, found *finding) {
	found = c.shrink(ctx, found)
	c.differ(found.steps, found.outs)
}

// differ adds a difference if the last of steps, or the instantiation if
// there is none, had two outcomes; it reports whether.
func (c *comparer) differ(steps []*step, outs [2]outcome) bool {
	if outs[0].same(outs[1]) || outs[0].late || outs[1].late || c.wild(outs) {
		return false
	}
	d := Difference{Call: "instantiation", A: outs[0].String(), B: outs[1].String()}
	if len(steps) > 0 {
		for i, s := range steps {
			s.number = i + 1
		}
		last := len(steps) - 1
		for _, s := range steps[:last] {
			d.Before = append(d.Before, s.String())
		}
		d.Call = steps[last].String()
	}
	c.out.Differences = append(c.out.Differences, d)
	return true
}

// wild reports whether two outcomes are of a call that went out of bounds in
// the first program and was not stopped in the second; see Unchecked.
func (c *comparer) wild(outs [2]outcome) bool {
	return c.o.Unchecked && outs[0].trap != nil && strings.Contains(outs[0].trap.Error(), "out of bounds memory access") && !outs[0].same(outs[1])
}

// outcome is what a call did.
type outcome struct {
	trace []string
	// result has names in place of handles: each program numbers its own.
	result Value
	trap   error
	late   bool // it did not end in time
}

func (o outcome) same(p outcome) bool {
	if (o.trap == nil) != (p.trap == nil) || strings.Join(o.trace, "\n") != strings.Join(p.trace, "\n") {
		return false
	}
	var exitO, exitP *ExitError
	if errors.As(o.trap, &exitO) != errors.As(p.trap, &exitP) || exitO != nil && *exitO != *exitP {
		return false
	}
	return wit.Equal(o.result, p.result)
}

func (o outcome) String() string {
	last := o.result.String()
	switch {
	case o.late:
		last = "no answer in time"
	case o.trap != nil:
		last = o.trap.Error()
	}
	return strings.Join(append(append([]string(nil), o.trace...), last), "\n")
}

// streamOf numbers the stream of generated values of a name.
func streamOf(name string, n uint64) uint64 {
	h := fnv.New64a()
	fmt.Fprintf(h, "%d %s", n, name)
	return h.Sum64()
}
