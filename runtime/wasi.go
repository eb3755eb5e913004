package runtime

import (
	"context"
	"errors"
	"strings"

	"github.com/wbundle/wbundle/internal/wasi"
)

// wasiFunc implements an import of WASI 0.2; nil for other imports, and for
// functions that package wasi does not have.
func (st *store) wasiFunc(name string) HostFunc {
	iface, _, _ := strings.Cut(name, "#")
	if !wasi.Serves(iface) {
		return nil
	}
	h, err := st.wasiHost()
	if err != nil {
		panic(&hostError{err})
	}
	fn := h.Func(name)
	if fn == nil {
		return nil
	}
	return func(ctx context.Context, t *FuncType, args []Value) (Value, error) {
		v, err := fn(ctx, t, args)
		if exit, ok := errors.AsType[*wasi.Exit](err); ok {
			return Value{}, &ExitError{Code: exit.Code}
		}
		return v, err
	}
}

// wasiHost is the state of WASI 0.2, made when the first import asks for it.
func (st *store) wasiHost() (*wasi.Host, error) {
	if st.wasi != nil {
		return st.wasi, nil
	}
	cfg := st.cfg
	h, err := wasi.New(wasi.Config{
		Args: cfg.Args, Env: cfg.Env, Stdin: cfg.Stdin, Stdout: cfg.Stdout, Stderr: cfg.Stderr,
		Mounts: cfg.Mounts, HTTP: cfg.HTTP,
		NewHandle: NewHandle, Rep: Rep,
	})
	if err != nil {
		return nil, err
	}
	st.wasi = h
	return h, nil
}

// hostResource makes the implementation of a resource type of the host.
func (st *store) hostResource(name string) *resourceImpl {
	iface, _, _ := strings.Cut(name, "#")
	served := wasi.Serves(iface)
	return &resourceImpl{dtor: func(rep uint32) {
		if served && st.wasi != nil && st.wasi.Owns(rep) {
			if err := st.wasi.Drop(rep); err != nil {
				trapf("%s: %v", name, err)
			}
		} else if drop := st.cfg.DropResource; drop != nil {
			drop(name, rep)
		}
	}}
}

// closeHost closes what the host opened for the instances.
func (st *store) closeHost() error {
	var errs []error
	if st.wasi != nil {
		errs = append(errs, st.wasi.Close())
	}
	for _, c := range st.closers {
		errs = append(errs, c.Close())
	}
	st.closers = nil
	return errors.Join(errs...)
}
