package runtime

import (
	"context"
	"errors"
	"fmt"

	"github.com/tetratelabs/wazero"

	"github.com/wbundle/wbundle/internal/component"
	"github.com/wbundle/wbundle/internal/wasi"
)

// running is what an instantiated bundle and an instantiated component have in
// common: the engine, the state of the instances and the exported functions.
type running struct {
	rt    wazero.Runtime
	store *store
	funcs map[string]*function
}

func (r *running) function(name string) (*FuncType, bool) {
	f, ok := r.funcs[name]
	if !ok {
		return nil, false
	}
	return f.typ, true
}

func (r *running) functions() []Function {
	var out []Function
	for name, f := range r.funcs {
		out = append(out, Function{name, f.typ})
	}
	return out
}

func (r *running) call(ctx context.Context, name string, args []Value) (Value, error) {
	f, ok := r.funcs[name]
	if !ok {
		return Value{}, fmt.Errorf("no exported function %q", name)
	}
	return r.store.callFunction(ctx, f, args)
}

func (r *running) ofHost(res *component.Resource) bool {
	impl := r.store.resources[res]
	return impl != nil && impl.inst == nil
}

func (r *running) dropHandle(ctx context.Context, v Value) error { return r.store.drop(ctx, v) }

func (r *running) host() (*wasi.Host, error) { return r.store.wasiHost() }

func (r *running) close(ctx context.Context) error {
	return errors.Join(r.rt.Close(ctx), r.store.closeHost())
}
