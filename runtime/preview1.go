package runtime

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/tetratelabs/wazero"
)

// moduleConfig gives a WASI preview1 module its arguments, environment,
// streams, clocks, randomness and directories.
func moduleConfig(cfg *Config) (wazero.ModuleConfig, error) {
	discard := func(w io.Writer) io.Writer {
		if w == nil {
			return io.Discard
		}
		return w
	}
	// No start functions: _start is Run's business, _initialize the engine's.
	mc := wazero.NewModuleConfig().WithName("").WithStartFunctions().
		WithStdout(discard(cfg.Stdout)).WithStderr(discard(cfg.Stderr)).
		WithSysWalltime().WithSysNanotime().WithSysNanosleep().
		WithRandSource(rand.Reader).
		WithArgs(cfg.Args...)
	if cfg.Stdin != nil {
		mc = mc.WithStdin(cfg.Stdin)
	}
	for _, e := range cfg.Env {
		k, v, _ := strings.Cut(e, "=")
		mc = mc.WithEnv(k, v)
	}
	if len(cfg.Mounts) > 0 {
		fc := wazero.NewFSConfig()
		for _, m := range cfg.Mounts {
			switch {
			case m.Guest == "":
				return nil, fmt.Errorf("a mount of %q needs the path that the program sees", m.Host)
			case m.FS != nil:
				fc = fc.WithFSMount(m.FS, m.Guest)
			case m.ReadOnly:
				fc = fc.WithReadOnlyDirMount(m.Host, m.Guest)
			default:
				fc = fc.WithDirMount(m.Host, m.Guest)
			}
		}
		mc = mc.WithFSConfig(fc)
	}
	return mc, nil
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
