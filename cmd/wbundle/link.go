package main

import (
	"context"
	"math"
	"runtime/debug"

	"github.com/wbundle/wbundle/linker"
)

// link links, and keeps the heap near what a link really holds: the inputs,
// their sites, and twice the output. By default the collector lets garbage
// grow to the size of what lives, which for inputs of tens of megabytes would
// be most of the memory. The limit is soft and ends with the link:
// verification compiles, and needs what it needs.
func link(ctx context.Context, inputs []linker.Input, opts linker.Options) (*linker.Result, error) {
	total := int64(0)
	for _, in := range inputs {
		total += int64(len(in.Bytes))
	}
	debug.SetMemoryLimit(max(64<<20, 9*total/2))
	defer debug.SetMemoryLimit(math.MaxInt64)
	return linker.Link(ctx, inputs, opts)
}
