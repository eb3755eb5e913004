package linker_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"math/bits"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/wbundle/wbundle/internal/component"
	"github.com/wbundle/wbundle/internal/gen"
	"github.com/wbundle/wbundle/internal/wit"
	"github.com/wbundle/wbundle/linker"
	"github.com/wbundle/wbundle/runtime"
)

// Set before flags are parsed, this is a default.
func init() {
	if err := flag.Set("rapid.checks", "300"); err != nil {
		panic(err)
	}
}

// choices draws from rapid, which makes what fails smaller.
type choices struct{ t *rapid.T }

// IntN draws bit by bit, because the integers of rapid are small ones mostly.
func (c choices) IntN(n int) int {
	const spare = 4 // bits, so that all numbers are about as likely
	k := bits.Len(uint(n-1)) + spare
	x := 0
	for range k {
		x <<= 1
		if bit.Draw(c.t, "") {
			x |= 1
		}
	}
	return x * n >> k
}

var bit = rapid.Bool()

// contender is one of the programs of a comparison.
type contender struct {
	name string
	p    *runtime.Program
	inst *runtime.Instance
	// trace is what the host saw of its resources.
	trace []string
}

// fresh begins with a new instance.
func (p *contender) fresh(ctx context.Context) error {
	if p.inst != nil {
		p.inst.Close(ctx)
	}
	p.trace = nil
	cfg := runtime.Config{
		Interpret:    true,
		DropResource: func(_ string, rep uint32) { p.trace = append(p.trace, fmt.Sprint("drop ", rep)) },
		Host: map[string]runtime.HostFunc{
			gen.HostName + "#make": func(_ context.Context, t *runtime.FuncType, args []runtime.Value) (runtime.Value, error) {
				return runtime.NewHandle(t.Result, uint32(args[0].Uint())), nil
			},
			gen.HostName + "#value": func(_ context.Context, _ *runtime.FuncType, args []runtime.Value) (runtime.Value, error) {
				p.trace = append(p.trace, fmt.Sprint("value ", runtime.Rep(args[0])))
				return runtime.U32(runtime.Rep(args[0])), nil
			},
		},
	}
	var err error
	p.inst, err = p.p.Instantiate(ctx, cfg)
	return err
}

// call calls an export; a trap is a result.
func (p *contender) call(ctx context.Context, name string, args ...runtime.Value) (v runtime.Value, trap *runtime.Trap, err error) {
	v, err = p.inst.Call(ctx, name, args...)
	if errors.As(err, &trap) {
		err = nil
	}
	return v, trap, err
}

// stage sets up a guest.
func (p *contender) stage(ctx context.Context, name string, s gen.Stage) error {
	if _, err := p.inst.Call(ctx, name+"#stage", wit.U32(s.Fault)); err != nil {
		return err
	}
	for _, words := range s.Pokes() {
		args := []runtime.Value{wit.U32(uint32(words[0]))}
		for _, x := range words[1:] {
			args = append(args, wit.U64(x))
		}
		if _, err := p.inst.Call(ctx, name+"#poke", args...); err != nil {
			return err
		}
	}
	return nil
}

func (p *contender) report(ctx context.Context, name string) (*gen.Report, error) {
	v, err := p.inst.Call(ctx, name+"#report")
	if err != nil {
		return nil, err
	}
	return &gen.Report{Low: v.Index(0).AsBytes(), Heap: v.Index(1).AsBytes()}, nil
}

// observed is what a call did, as far as anybody can tell.
type observed struct {
	trap    *runtime.Trap
	result  runtime.Value
	trace   []string
	reports []*gen.Report
	whole   bool // the reports can be compared byte by byte
}

// drawValues draws arguments for a function, as one program has its types.
// Handles are made by who defines them.
func (p *contender) drawValues(ctx context.Context, pair *gen.Pair, ft *runtime.FuncType, seed uint64) ([]runtime.Value, []gen.Handle, error) {
	var passed []gen.Handle
	var err error
	g := wit.NewGenerator(seed, 0)
	owners := p.owners(pair, ft)
	reps := uint32(1000)
	g.Handle = func(t *component.ValType) wit.Value {
		owner := owners[t.Resource]
		passed = append(passed, gen.Handle{Owner: owner, Own: t.Kind == component.KindOwn})
		reps++
		own := wit.Value{}
		switch owner {
		case gen.ByHost:
			own = runtime.NewHandle(component.NewOwn(t.Resource), reps)
		case gen.ByThird, gen.ByProvider:
			name := gen.ProviderName
			if owner == gen.ByThird {
				name = gen.ThirdName
			}
			var e error
			if own, e = p.inst.Call(ctx, name+"#make", wit.U32(reps)); e != nil {
				err = e
				own = runtime.NewHandle(component.NewOwn(t.Resource), reps)
			}
		}
		if t.Kind == component.KindBorrow {
			return runtime.Borrow(t, own)
		}
		return own
	}
	var args []runtime.Value
	for _, prm := range ft.Params {
		args = append(args, g.Value(prm.Type))
	}
	return args, passed, err
}

// owners says who defines the resource types in a function's parameters.
func (p *contender) owners(pair *gen.Pair, ft *runtime.FuncType) map[*component.Resource]int {
	out := map[*component.Resource]int{}
	for owner, name := range map[int]string{gen.ByProvider: gen.ProviderName, gen.ByThird: gen.ThirdName} {
		if pair.Uses[owner] {
			if f, err := p.inst.Function(name + "#make"); err == nil {
				out[f.Type.Result.Resource] = owner
			}
		}
	}
	var walk func(t *component.ValType)
	walk = func(t *component.ValType) {
		if t.Resource != nil {
			if _, ok := out[t.Resource]; !ok {
				out[t.Resource] = gen.ByHost
			}
		}
		for _, fl := range t.Fields {
			walk(fl.Type)
		}
		for _, c := range t.CaseList() {
			if c.Type != nil {
				walk(c.Type)
			}
		}
		if t.Elem != nil {
			walk(t.Elem)
		}
	}
	for _, prm := range ft.Params {
		walk(prm.Type)
	}
	return out
}

// guests are the components of a composition that can be staged.
func guests(pair *gen.Pair) []string {
	names := []string{gen.ConsumerName, gen.ProviderName}
	if pair.Uses[gen.ByThird] {
		names = append(names, gen.ThirdName)
	}
	return names
}

// The functions that make the call of a trial: the consumer's, with the host's
// values or its own, or the provider's.
const (
	callFunc   = gen.ConsumerName + "#call"
	rawFunc    = gen.ConsumerName + "#raw"
	directFunc = gen.ProviderName + "#f"
)

// step makes the call of a trial.
func (p *contender) step(ctx context.Context, pair *gen.Pair, tr *gen.Trial, name string, args []runtime.Value) (*observed, error) {
	for i, name := range guests(pair) {
		if err := p.stage(ctx, name, []gen.Stage{tr.Consumer, tr.Provider, {}}[i]); err != nil {
			return nil, fmt.Errorf("%s: staging %s: %w", p.name, name, err)
		}
	}
	p.trace = nil
	o := &observed{}
	var err error
	o.result, o.trap, err = p.call(ctx, name, args...)
	o.trace = p.trace
	if err != nil || o.trap != nil {
		return o, err
	}
	for _, name := range guests(pair) {
		r, err := p.report(ctx, name)
		if err != nil {
			return nil, fmt.Errorf("%s: the report of %s: %w", p.name, name, err)
		}
		o.reports = append(o.reports, r)
	}
	o.whole = pair.Settle(tr, o.reports[0], o.reports[1])
	return o, nil
}

// difference says how b differs from a, or "".
func difference(pair *gen.Pair, a, b *observed) string {
	if (a.trap == nil) != (b.trap == nil) {
		return fmt.Sprintf("one traps: %v, %v", a.trap, b.trap)
	}
	if fmt.Sprint(a.trace) != fmt.Sprint(b.trace) {
		return fmt.Sprintf("the host saw %v, %v", a.trace, b.trace)
	}
	if !wit.EqualFunc(a.result, b.result, func(any, any) bool { return true }) {
		return fmt.Sprintf("results %v, %v", a.result, b.result)
	}
	for i := range a.reports {
		x, y := a.reports[i], b.reports[i]
		if x.Log() != y.Log() {
			return fmt.Sprintf("logs of %s:\n%s----\n%s", guests(pair)[i], x.Log(), y.Log())
		}
		if !a.whole || !b.whole {
			continue
		}
		for k, m := range [2][2][]byte{{x.Low, y.Low}, {x.Heap, y.Heap}} {
			if !bytes.Equal(m[0], m[1]) {
				at := 0
				for at < min(len(m[0]), len(m[1])) && m[0][at] == m[1][at] {
					at++
				}
				base := []int{gen.MemoryLow, gen.MemoryHeap}[k]
				return fmt.Sprintf("memory of %s at %#x: % x, % x (of %d, %d bytes)\n%s", guests(pair)[i], base+at,
					m[0][at:min(len(m[0]), at+16)], m[1][at:min(len(m[1]), at+16)], len(m[0]), len(m[1]), x.Log())
			}
		}
	}
	return ""
}

// propertyForms are the outputs that are compared with the composition.
var propertyForms = []form{coreSingle, coreSingle, coreSingle, componentSingle}

// tallied is what a run of the property came across.
type tallied struct{ calls, traps, raws, directs, valid, validTraps int }

// failer is what testing and rapid have in common.
type failer interface{ Fatalf(string, ...any) }

// agree draws a pair and calls of it, and compares what a composition of it
// does with what the bundle does.
func agree(t failer, src gen.Source, n *tallied) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	pair := gen.DrawPair(src)
	f := propertyForms[src.IntN(len(propertyForms))]
	composed := pair.Component()
	r, err := linker.Link(ctx, []linker.Input{{ID: "pair", Bytes: composed}}, f.as(linker.Options{
		Unresolved: linker.UnresolvedImport, Check: true, NoVectors: src.IntN(2) == 1, Optimize: linker.Optimize(os.Getenv(optimizeEnv)),
	}))
	if err != nil {
		t.Fatalf("%s\n%v", describe(pair), err)
	}
	programs := []*contender{{name: "executor"}, {name: f.String()}}
	for i, wasm := range [][]byte{composed, r.Output} {
		p, err := runtime.Compile(ctx, wasm, programs[i].name)
		if err != nil {
			t.Fatalf("%s\n%v", describe(pair), err)
		}
		defer p.Close(ctx)
		programs[i].p = p
		defer func() {
			if programs[i].inst != nil {
				programs[i].inst.Close(ctx)
			}
		}()
	}
	// What the host gets as it is, out of one memory for all, it cannot tell from
	// what lies outside the provider's.
	_, _, staged, _ := component.FlattenFunc(pair.Func, component.Lift)
	for _, p := range pair.Func.Params {
		staged = staged || p.Type.ContainsPointers()
	}
	staged = staged && f.format == linker.FormatCore
	var session *gen.Session
	for range 3 + src.IntN(8) {
		if session == nil {
			for _, p := range programs {
				if err := p.fresh(ctx); err != nil {
					t.Fatalf("%s\n%s: %v", describe(pair), p.name, err)
				}
			}
			session = pair.NewSession(src)
		}
		bad, name := src.IntN(3) == 2, rawFunc
		if src.IntN(3) == 0 {
			name = callFunc
		}
		if pair.Open && src.IntN(2) == 1 {
			name = directFunc
			bad = bad && staged
		}
		var tr *gen.Trial
		args := make([][]runtime.Value, len(programs))
		if name == rawFunc {
			tr = session.Raw(bad)
		} else {
			var passed []gen.Handle
			seed := uint64(src.IntN(1 << 16))
			for i, p := range programs {
				call, err := p.inst.Function(name)
				if err == nil {
					args[i], passed, err = p.drawValues(ctx, pair, call.Type, seed)
				}
				if err != nil {
					t.Fatalf("%s\n%s: %v", describe(pair), p.name, err)
				}
			}
			if name == callFunc {
				tr = session.Call(passed, bad)
			} else {
				tr = session.Direct(passed, bad)
			}
		}
		var outs [2]*observed
		for i, p := range programs {
			if outs[i], err = p.step(ctx, pair, tr, name, args[i]); err != nil {
				t.Fatalf("%s\n%+v\n%v", describe(pair), tr, err)
			}
		}
		n.calls++
		switch name {
		case rawFunc:
			n.raws++
		case directFunc:
			n.directs++
		}
		if !bad {
			n.valid++
		}
		if outs[0].trap != nil {
			n.traps++
			if !bad {
				n.validTraps++
			}
		}
		if d := difference(pair, outs[0], outs[1]); d != "" {
			t.Fatalf("%s\n%s\nconsumer %s\nprovider %s\n%s, %s: %s", describe(pair), wit.FormatCall(name, args[0]), stageText(tr.Consumer), stageText(tr.Provider),
				programs[0].name, programs[1].name, d)
		}
		if bad || outs[0].trap != nil {
			session = nil
		}
	}
}

// describe prints a pair, its signature in full.
func describe(p *gen.Pair) string { return wit.FuncString(p.Func) + "\n" + p.String() }

// stageText prints a stage with its image as words.
func stageText(s gen.Stage) string {
	text := fmt.Sprintf("flat %#x, before %d, after %d, fault %#x, image", s.Flat, s.Before, s.After, s.Fault)
	for b := s.Image; len(b) > 0; b = b[min(4, len(b)):] {
		if len(b) >= 4 {
			text += fmt.Sprintf(" %08x", binary.LittleEndian.Uint32(b))
		} else {
			text += fmt.Sprintf(" %x", b)
		}
	}
	return text
}

// TestPairsAgree checks that unbundled and bundled components cannot be told
// apart: for generated signatures, values and images of memory, valid or not,
// the executor and the bundle return the same or trap both, and the guests saw
// the same calls, with the same core values, of realloc, post-return and
// destructors, and the same bytes in memory.
//
//	go test ./linker -run TestPairsAgree -rapid.checks=5000
//
// It takes a minute or two; without the flag there are 300 pairs.
func TestPairsAgree(t *testing.T) {
	t.Parallel()
	var n tallied
	rapid.Check(t, func(t *rapid.T) { agree(t, choices{t}, &n) })
	t.Logf("%d calls, %d of them with made-up core values, %d of the provider; %d trapped, %d of %d that were meant to be valid",
		n.calls, n.raws, n.directs, n.traps, n.validTraps, n.valid)
}

// script draws from bytes: it is what fuzzing changes. Where it ends everything
// is as simple as can be.
type script struct{ bytes []byte }

// IntN takes two bytes where one would not reach all numbers.
func (s *script) IntN(n int) int {
	width := 1
	if n > 1<<8 {
		width = 2
	}
	x := 0
	for range width {
		x <<= 8
		if len(s.bytes) > 0 {
			x |= int(s.bytes[0])
			s.bytes = s.bytes[1:]
		}
	}
	return x % n
}

// FuzzLinkRun is TestPairsAgree on what fuzzing comes up with. To make an input
// smaller tells fuzzing little, and takes it long:
//
//	go test ./linker -run '^$' -fuzz FuzzLinkRun -fuzzminimizetime 10x
func FuzzLinkRun(f *testing.F) {
	rng := rand.New(rand.NewPCG(5, 5))
	for range 30 {
		b := make([]byte, 200+rng.IntN(800))
		for i := range b {
			b[i] = byte(rng.Uint32())
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) { agree(t, &script{b}, &tallied{}) })
}
