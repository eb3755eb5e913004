package main

import (
	"context"
	"errors"
	"runtime"

	"golang.org/x/sync/errgroup"

	"github.com/wbundle/wbundle/internal/component"
	"github.com/wbundle/wbundle/internal/wasm"
)

// validateChunk is how many function bodies one task validates.
const validateChunk = 256

// validate checks the types of a decoded file: of its core modules, function
// bodies in parallel, and of the component around them.
func validate(ctx context.Context, u *unit) error {
	modules := u.modules
	if u.module != nil {
		modules = []*unit{u}
	}
	var errs []error
	for _, m := range modules {
		errs = append(errs, inFile(validateModule(ctx, m.module), m.base))
	}
	if u.component != nil && errors.Join(errs...) == nil {
		byDef := make(map[*component.CoreModule]*wasm.Module, len(modules))
		for _, m := range modules {
			byDef[m.def] = m.module
		}
		errs = append(errs, component.Validate(u.component, func(d *component.CoreModule) (*wasm.Module, error) { return byDef[d], nil }))
	}
	return errors.Join(errs...)
}

func validateModule(ctx context.Context, m *wasm.Module) error {
	v, err := wasm.ValidateDecls(m)
	if err != nil {
		return err
	}
	n := (len(m.Code) + validateChunk - 1) / validateChunk
	errs := make([]error, n)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i := range n {
		g.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			lo := i * validateChunk
			errs[i] = v.ValidateBodies(lo, min(lo+validateChunk, len(m.Code)))
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for _, err := range errs {
		if err != nil {
			return err // the first in the file, whichever was found first
		}
	}
	return nil
}

// inFile makes an offset in an embedded module one of the file that a reader
// looks into.
func inFile(err error, base int64) error {
	var e *wasm.Error
	if base == 0 || !errors.As(err, &e) || e.Offset < 0 {
		return err
	}
	moved := *e
	moved.Offset += base
	return &moved
}
