package linker_test

import (
	"bytes"
	"context"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wbundle/wbundle/linker"
)

// TestOutputOnly links the fixtures for their output alone, and hands the inputs
// over: output and summary are those of any link.
func TestOutputOnly(t *testing.T) {
	t.Parallel()
	for i := range fixtures {
		f := &fixtures[i]
		for _, level := range []linker.Optimize{linker.OptimizeNone, linker.OptimizeSize} {
			for _, form := range []form{coreSingle, componentMulti} {
				if f.core && form.format == linker.FormatComponent || f.name == "qjs" { // which takes long, and has nothing of its own here
					continue
				}
				o := form.as(f.opts)
				o.Optimize = level
				want := link(t, f.load(t), o)
				for _, consume := range []bool{false, true} {
					o.OutputOnly, o.Consume = true, consume
					inputs := f.load(t)
					for i := range inputs {
						inputs[i].Bytes = slices.Clone(inputs[i].Bytes)
					}
					got, err := linker.Link(context.Background(), inputs, o)
					if err != nil {
						t.Errorf("%s, %s, %v: %v", f.name, level, form, err)
						continue
					}
					if !bytes.Equal(got.Output, want.Output) {
						t.Errorf("%s, %s, %v, consume %v: another output", f.name, level, form, consume)
					}
					if d := cmp.Diff(want.Summary, got.Summary); d != "" {
						t.Errorf("%s, %s, %v, consume %v: another summary:\n%s", f.name, level, form, consume, d)
					}
				}
			}
		}
	}
}
