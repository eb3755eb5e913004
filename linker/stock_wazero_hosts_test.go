package linker_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
	"github.com/tetratelabs/wazero/sys"
)

// A host in Go that has wazero and its preview 1, and nothing of wbundle: this
// file imports neither the linker nor package runtime.

// coreCall is a call of an exported function by its core signature.
type coreCall struct {
	Func string    `json:"func"`
	Args []coreArg `json:"args"`
	// Held passes the handle that the call before returned, instead of Args.
	Held bool `json:"held,omitempty"`
	// Result is how the result reads: number, string, result (of a number, or
	// a string), or handle, which the host keeps.
	Result string `json:"result"`
}

// coreArg is a number, a text, or a list of points as their coordinates.
type coreArg struct {
	Number *int64    `json:"number,omitempty"`
	Text   *string   `json:"text,omitempty"`
	Points []float64 `json:"points,omitempty"`
}

// stockCommand runs a command: its streams and its exit code.
func stockCommand(ctx context.Context, wasm []byte, args []string, mode string) (stdout, stderr string, exit uint32, err error) {
	rt := wazero.NewRuntime(ctx)
	defer rt.Close(ctx)
	wasi_snapshot_preview1.MustInstantiate(ctx, rt)
	var out, errs bytes.Buffer
	config := wazero.NewModuleConfig().WithArgs(args...).WithStdout(&out).WithStderr(&errs)
	if mode != "" {
		config = config.WithEnv("MODE", mode)
	}
	_, err = rt.InstantiateWithConfig(ctx, wasm, config)
	var status *sys.ExitError
	if errors.As(err, &status) {
		exit, err = status.ExitCode(), nil
	}
	return out.String(), errs.String(), exit, err
}

// stockCalls makes calls on one instance, and writes their results in WAVE.
func stockCalls(ctx context.Context, wasm []byte, prefix string, calls []coreCall) ([]string, error) {
	rt := wazero.NewRuntime(ctx)
	defer rt.Close(ctx)
	wasi_snapshot_preview1.MustInstantiate(ctx, rt)
	code, err := rt.CompileModule(ctx, wasm)
	if err != nil {
		return nil, err
	}
	// The handle of a resource is its representation: there is one holder.
	intrinsics := map[string]wazero.HostModuleBuilder{}
	for _, f := range code.ImportedFunctions() {
		module, name, _ := f.Import()
		if !strings.HasPrefix(name, "[resource-") {
			continue
		}
		if intrinsics[module] == nil {
			intrinsics[module] = rt.NewHostModuleBuilder(module)
		}
		same := api.GoFunc(func(context.Context, []uint64) {}) // a result overwrites its parameter
		intrinsics[module].NewFunctionBuilder().WithGoFunction(same, f.ParamTypes(), f.ResultTypes()).Export(name)
	}
	for _, b := range intrinsics {
		if _, err := b.Instantiate(ctx); err != nil {
			return nil, err
		}
	}
	m, err := rt.InstantiateModule(ctx, code, wazero.NewModuleConfig().WithStartFunctions("_initialize").WithSysWalltime().WithSysNanotime())
	if err != nil {
		return nil, err
	}
	var out []string
	var last uint64
	for _, c := range calls {
		name := prefix + c.Func
		f := m.ExportedFunction(name)
		if f == nil {
			return nil, fmt.Errorf("there is no export %q", name)
		}
		args := []uint64{last}
		if !c.Held {
			args = nil
			for _, a := range c.Args {
				if args, err = stockLower(ctx, m, args, a); err != nil {
					return nil, err
				}
			}
		}
		ret, err := f.Call(ctx, args...)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if c.Result == "handle" {
			last = ret[0]
			out = append(out, "")
			continue
		}
		text, ok := stockLift(m.Memory(), c.Result, f.Definition().ResultTypes()[0], ret[0])
		if !ok {
			return nil, fmt.Errorf("%s: its result at %d is out of bounds", name, ret[0])
		}
		out = append(out, text)
		if post := m.ExportedFunction("cabi_post_" + name); post != nil {
			if _, err := post.Call(ctx, ret[0]); err != nil {
				return nil, fmt.Errorf("%s: post-return: %w", name, err)
			}
		}
	}
	return out, nil
}

// stockLower appends the core values of an argument.
func stockLower(ctx context.Context, m api.Module, args []uint64, a coreArg) ([]uint64, error) {
	if a.Number != nil {
		return append(args, uint64(*a.Number)), nil
	}
	var b []byte
	align, count := uint64(8), len(a.Points)/2
	if a.Text != nil {
		b, align, count = []byte(*a.Text), 1, len(*a.Text)
	}
	for _, x := range a.Points {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(x))
	}
	ptr, err := m.ExportedFunction("cabi_realloc").Call(ctx, 0, 0, align, uint64(len(b)))
	if err != nil {
		return nil, err
	}
	if !m.Memory().Write(uint32(ptr[0]), b) {
		return nil, fmt.Errorf("cabi_realloc gives %d for %d bytes", ptr[0], len(b))
	}
	return append(args, ptr[0], uint64(count)), nil
}

// stockLift reads a result.
func stockLift(memory api.Memory, kind string, t api.ValueType, v uint64) (string, bool) {
	text := func(at uint32) (string, bool) {
		ptr, ok := memory.ReadUint32Le(at)
		size, ok2 := memory.ReadUint32Le(at + 4)
		b, ok3 := memory.Read(ptr, size)
		return strconv.Quote(string(b)), ok && ok2 && ok3
	}
	switch kind {
	case "string":
		return text(uint32(v))
	case "result":
		tag, ok := memory.ReadByte(uint32(v))
		if !ok || tag == 0 {
			n, ok := memory.ReadUint32Le(uint32(v) + 4)
			return fmt.Sprintf("ok(%d)", int32(n)), ok
		}
		s, ok := text(uint32(v) + 4)
		return "err(" + s + ")", ok
	}
	switch t {
	case api.ValueTypeI32:
		return strconv.Itoa(int(int32(v))), true
	case api.ValueTypeI64:
		return strconv.FormatInt(int64(v), 10), true
	case api.ValueTypeF64:
		return strconv.FormatFloat(math.Float64frombits(v), 'f', -1, 64), true
	}
	return "", false
}
