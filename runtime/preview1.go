package runtime

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/experimental/sysfs"

	"github.com/wbundle/wbundle/internal/wasm"
)

// moduleConfig gives a WASI preview1 module its arguments, environment,
// streams, clocks, randomness and directories.
func (st *store) moduleConfig(m *wasm.Module) (wazero.ModuleConfig, error) {
	cfg := st.cfg
	discard := func(w io.Writer) io.Writer {
		if w == nil {
			return io.Discard
		}
		return w
	}
	// No start functions: _start is Run's business, _initialize the engine's.
	mc := wazero.NewModuleConfig().WithName("").WithStartFunctions().
		WithStdout(discard(cfg.Stdout)).WithStderr(discard(cfg.Stderr)).
		WithArgs(cfg.Args...)
	if !cfg.repeatable { // else what wazero makes up
		mc = mc.WithSysWalltime().WithSysNanotime().WithSysNanosleep().WithRandSource(rand.Reader)
	}
	if cfg.Stdin != nil {
		mc = mc.WithStdin(cfg.Stdin)
	}
	for _, e := range cfg.Env {
		k, v, _ := strings.Cut(e, "=")
		mc = mc.WithEnv(k, v)
	}
	asks := slices.ContainsFunc(m.Imports, func(imp wasm.Import) bool { return imp.Module == preview1 })
	if len(cfg.Mounts) == 0 || !asks {
		return mc, nil
	}
	fc := wazero.NewFSConfig()
	for _, m := range cfg.Mounts {
		if m.Guest == "" {
			return nil, fmt.Errorf("a mount of %q needs the path that the program sees", m.Host)
		}
		if m.FS != nil {
			fc = fc.WithFSMount(m.FS, m.Guest)
			continue
		}
		root, err := os.OpenRoot(m.Host)
		if err != nil {
			return nil, fmt.Errorf("mount %s: %w", m.Guest, err)
		}
		st.closers = append(st.closers, root)
		fc = fc.(sysfs.FSConfig).WithSysFSMount(&rootFS{root: root, readOnly: m.ReadOnly}, m.Guest)
	}
	return mc.WithFSConfig(fc), nil
}

// Run runs a command: a program that exports _start (WASI preview1) or
// wasi:cli/run. It returns the exit code: what the program gave to exit, else
// 0, or 1 when wasi:cli/run returned an error. A trap is a *Trap; what the
// program wrote until then has been written.
func Run(ctx context.Context, wasm []byte, cfg Config) (exitCode int, err error) {
	p, err := Compile(ctx, wasm, cfg.Name)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, p.Close(context.WithoutCancel(ctx))) }()
	return p.Run(ctx, cfg)
}

// Run runs a fresh instance of the program as a command; see the function Run.
func (p *Program) Run(ctx context.Context, cfg Config) (exitCode int, err error) {
	inst, err := p.Instantiate(ctx, cfg)
	if err == nil {
		defer func() { err = errors.Join(err, inst.Close(context.WithoutCancel(ctx))) }()
		var v Value
		if v, err = inst.runCommand(ctx, p.name); err == nil {
			return v.Case(), nil // of the result, and 0 without one
		}
	}
	var exit *ExitError
	if errors.As(err, &exit) {
		return int(exit.Code), nil
	}
	return 0, err
}

func (i *Instance) runCommand(ctx context.Context, program string) (Value, error) {
	for _, f := range i.Functions() {
		if len(f.Type.Params) == 0 && (f.Name == "_start" || strings.HasPrefix(f.Name, "wasi:cli/run@") && strings.HasSuffix(f.Name, "#run")) {
			return i.engine.call(ctx, f.Name, nil)
		}
	}
	return Value{}, fmt.Errorf("%s is not a command: it exports neither _start nor wasi:cli/run", program)
}
