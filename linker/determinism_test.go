package linker_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"github.com/wbundle/wbundle/linker"
)

// TestDeterminism links the same inputs again and again, in other orders and
// with other numbers of threads: the bytes must be the same. It changes
// GOMAXPROCS, so it does not run in parallel with others.
func TestDeterminism(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	type job struct {
		name   string
		inputs []linker.Input
		opts   linker.Options
		core   bool
	}
	var jobs []job
	for _, name := range []string{"calc", "chain", "core-link", "core-connect"} {
		f := fixtureNamed(t, name)
		o := f.opts
		o.Names = linker.NamesKeep
		jobs = append(jobs, job{name, f.load(t), o, f.core})
	}
	jobs = append(jobs, job{"windows", windowInputs(t), linker.Options{}, true})
	for _, p := range []string{"abi/resources", "abi/values", "run/nested", "run/tables"} {
		jobs = append(jobs, job{p, []linker.Input{input(t, "testdata", p)}, linker.Options{}, false})
	}
	for _, j := range jobs {
		for _, f := range []form{coreSingle, coreMulti, componentSingle, componentMulti} {
			if j.core && f.format == linker.FormatComponent {
				continue
			}
			t.Run(fmt.Sprintf("%s/%s", j.name, f), func(t *testing.T) {
				rng := rand.New(rand.NewPCG(1, 2))
				var first *linker.Result
				for round := range 10 {
					runtime.GOMAXPROCS([]int{1, 8}[round%2])
					inputs := slices.Clone(j.inputs)
					rng.Shuffle(len(inputs), func(a, b int) { inputs[a], inputs[b] = inputs[b], inputs[a] })
					r := link(t, inputs, f.as(j.opts))
					if first == nil {
						first = r
						continue
					}
					if !bytes.Equal(first.Output, r.Output) {
						at := 0
						for at < min(len(first.Output), len(r.Output)) && first.Output[at] == r.Output[at] {
							at++
						}
						t.Fatalf("round %d, inputs %v: %d bytes, not %d; the first difference is at %#x",
							round, ids(inputs), len(r.Output), len(first.Output), at)
					}
					if !slices.Equal(first.Summary.Imports, r.Summary.Imports) || !slices.Equal(first.Summary.Exports, r.Summary.Exports) {
						t.Fatalf("round %d, inputs %v: another summary", round, ids(inputs))
					}
				}
			})
		}
	}
}

func ids(inputs []linker.Input) []string {
	var out []string
	for _, in := range inputs {
		out = append(out, in.ID)
	}
	return out
}

// TestInputsAreBorrowed checks that a link leaves its inputs as they were.
func TestInputsAreBorrowed(t *testing.T) {
	t.Parallel()
	inputs := fixtureNamed(t, "calc").load(t)
	var before [][]byte
	for _, in := range inputs {
		before = append(before, bytes.Clone(in.Bytes))
	}
	for _, f := range []form{coreSingle, coreMulti, componentSingle, componentMulti} {
		out := link(t, inputs, f.as(linker.Options{})).Output
		for i := range out {
			out[i] = 0xff // the output shares nothing with them, either
		}
	}
	for i := range inputs {
		if !bytes.Equal(inputs[i].Bytes, before[i]) {
			t.Errorf("%s was changed", inputs[i].ID)
		}
	}
}
