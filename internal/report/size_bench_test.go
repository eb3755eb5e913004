package report_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/wbundle/wbundle/internal/gen"
	"github.com/wbundle/wbundle/internal/report"
	"github.com/wbundle/wbundle/linker"
)

// BenchmarkAccount accounts for outputs of generated components; what it costs
// must stay in proportion to the output.
func BenchmarkAccount(b *testing.B) {
	for _, n := range []int{10, 100, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			f := gen.Family{N: n}
			var in []linker.Input
			for i := range n {
				in = append(in, linker.Input{ID: gen.ID(i), Bytes: f.Component(i)})
			}
			r, err := linker.Link(context.Background(), in, linker.Options{})
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(r.Output)))
			for b.Loop() {
				if _, err := report.NewAccount(r.Output, report.AccountOptions{Path: "output", Origins: r.Origins, Inputs: r.Summary.Inputs}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
