package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/wbundle/wbundle/internal/wasm"
)

// The decoder accepts what is well-formed and does not check types. The
// embedded engine does, so inputs are shown to it: a module that it finds an
// ill-typed function in is not valid. What it does not know (a second memory,
// garbage collection) it cannot judge, and that is no error.

// validate type-checks the core modules of a decoded file.
func validate(ctx context.Context, name string, u *unit) error {
	cfg := wazero.NewRuntimeConfigInterpreter().WithCoreFeatures(api.CoreFeaturesV2 |
		experimental.CoreFeaturesThreads | experimental.CoreFeaturesTailCall | experimental.CoreFeaturesExtendedConst |
		experimental.CoreFeaturesExceptionHandling | experimental.CoreFeaturesTypedFunctionReferences)
	rt := wazero.NewRuntimeWithConfig(ctx, cfg)
	defer rt.Close(context.WithoutCancel(ctx))
	modules := u.modules
	if u.module != nil {
		modules = []*unit{u}
	}
	var errs []error
	for i, m := range modules {
		if m.module.Count(wasm.SpaceMemory) > 1 {
			continue
		}
		compiled, err := rt.CompileModule(ctx, m.bytes)
		if err == nil {
			err = compiled.Close(ctx)
		}
		if err == nil || !illTyped(err) {
			continue
		}
		where := name
		if u.module == nil {
			where = fmt.Sprintf("%s: core module %d", name, i)
		}
		errs = append(errs, fmt.Errorf("%s: not valid: %w", where, err))
	}
	return errors.Join(errs...)
}

// notJudged is how the engine says that it does not know something, not that
// something is wrong.
var notJudged = regexp.MustCompile(`feature "|not supported|unsupported|invalid instruction|unknown|disabled`)

// illTyped reports whether an error of the engine is about the types in a
// function body.
func illTyped(err error) bool {
	return strings.Contains(err.Error(), "invalid function[") && !notJudged.MatchString(err.Error())
}
