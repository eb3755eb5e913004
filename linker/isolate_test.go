package linker_test

import (
	"bytes"
	"context"
	"fmt"
	"math/bits"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/wbundle/wbundle/internal/wasm"
	"github.com/wbundle/wbundle/linker"
	"github.com/wbundle/wbundle/runtime"
)

// accessTest is a module with a function (param i32) for each instruction
// that accesses memory, which uses its parameter as the address; and a root
// that passes them on, behind it in the one memory, and says whether its own
// memory is intact.
type accessTest struct {
	ops, root []byte
	funcs     []accessFunc
}

type accessFunc struct {
	name   string
	op     wasm.Opcode
	offset uint64
}

// newAccessTest makes the modules. The LEBs of memargs are padded, and on
// demand those of opcodes, which wazero does not read. far puts another memory
// of 40 MiB in front of the one that is accessed.
func newAccessTest(padOpcodes, far bool) *accessTest {
	flags, index, memories := uint32(0), byte(0), []byte{1, 1, 1, 2} // 1 to 2 pages
	if far {
		flags, index, memories = 0x40, 1, []byte{2, 1, 0x80, 5, 0x80, 5, 1, 1, 2}
	}
	a := &accessTest{}
	var bodies [][]byte
	for op := range wasm.PrefixAtomic + 0x100 {
		info := op.Info()
		if info == nil || info.Imms[0] != wasm.ImmMemArg || strings.Contains(info.Name, "wait") {
			continue // wait traps in a memory that is not shared
		}
		access := op.Access()
		for _, offset := range []uint64{0, 24, 1 << 16, 1 << 31, 1<<32 - 1} {
			b := []byte{1, 1, byte(wasm.KindF32), byte(wasm.OpLocalGet), 0}
			for _, kind := range access.Operands[:access.Count] {
				b = append(b, zeroOf(kind)...)
			}
			if op < wasm.PrefixGC {
				b = append(b, byte(op))
			} else if padOpcodes {
				b = padded(append(b, 0xfa+byte(op>>12)), uint32(op&0xfff))
			} else {
				b = wasm.AppendOpcode(b, op)
			}
			b = padded(b, uint32(bits.TrailingZeros32(access.Bytes))|flags)
			if far {
				b = padded(b, uint32(index))
			}
			b = padded(b, uint32(offset))
			if info.Imms[1] == wasm.ImmLane {
				b = append(b, 0)
			}
			if !strings.HasSuffix(info.Sig, ":") { // it has a result
				b = append(b, byte(wasm.OpDrop))
			}
			a.funcs = append(a.funcs, accessFunc{fmt.Sprintf("f%d", len(bodies)), op, offset})
			bodies = append(bodies, append(b, byte(wasm.OpEnd)))
		}
	}
	n := len(bodies)
	// The size keeps the memory in front alive.
	bodies = append(bodies, []byte{0, byte(wasm.OpMemorySize), 0, byte(wasm.OpDrop), byte(wasm.OpLocalGet), 0, byte(wasm.OpMemoryGrow), index, byte(wasm.OpEnd)})

	types := vec(2, func(i int) []byte {
		results := [][]byte{{0}, {1, 0x7f}}[i]
		return append([]byte{0x60, 1, 0x7f}, results...)
	})
	typeOf := func(i int) byte { return byte(i / n) } // all but grow return nothing
	nameOf := func(i int) string {
		if i == n {
			return "grow"
		}
		return a.funcs[i].name
	}
	export := func(i int) []byte { return wasm.AppendU32(append(text(nameOf(i)), 0), uint32(i)) }
	code := func(bodies [][]byte) []byte {
		return vec(len(bodies), func(i int) []byte { return append(wasm.AppendU32(nil, uint32(len(bodies[i]))), bodies[i]...) })
	}
	preamble := []byte("\x00asm\x01\x00\x00\x00")
	section := func(to *[]byte, id byte, content []byte) {
		*to = append(wasm.AppendU32(append(*to, id), uint32(len(content))), content...)
	}
	a.ops = slices.Clone(preamble)
	section(&a.ops, 1, types)
	section(&a.ops, 3, vec(n+1, func(i int) []byte { return []byte{typeOf(i)} }))
	section(&a.ops, 5, memories)
	section(&a.ops, 7, vec(n+1, export))
	section(&a.ops, 10, code(bodies))

	a.root = slices.Clone(preamble)
	section(&a.root, 1, types)
	section(&a.root, 2, vec(n+1, func(i int) []byte { return append(append(text("ops"), text(nameOf(i))...), 0, typeOf(i)) }))
	section(&a.root, 3, []byte{1, 1})
	section(&a.root, 5, []byte{1, 0, 1})
	section(&a.root, 7, vec(n+2, func(i int) []byte {
		if i > n {
			return wasm.AppendU32(append(text("intact"), 0), uint32(i))
		}
		return export(i)
	}))
	// (func (param i32) (result i32)
	//   (drop (memory.grow (i32.const 0)))  ;; what never grows would come first
	//   (loop
	//     (if (i32.ne (i32.load (local.get 0)) (i32.const -1)) (then (return (i32.const 0))))
	//     (br_if 0 (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 4))) (i32.const 65536))))
	//   (i32.const 1))
	section(&a.root, 10, code([][]byte{{0,
		0x41, 0, 0x40, 0, 0x1a,
		0x03, 0x40,
		0x20, 0, 0x28, 2, 0, 0x41, 0x7f, 0x47, 0x04, 0x40, 0x41, 0, 0x0f, 0x0b,
		0x20, 0, 0x41, 4, 0x6a, 0x22, 0, 0x41, 0x80, 0x80, 4, 0x49, 0x0d, 0, 0x0b,
		0x41, 1, 0x0b,
	}}))
	data := append([]byte{1, 0, 0x41, 0, 0x0b}, wasm.AppendU32(nil, 1<<16)...)
	section(&a.root, 11, append(data, bytes.Repeat([]byte{0xff}, 1<<16)...))
	return a
}

func vec(n int, item func(int) []byte) []byte {
	b := wasm.AppendU32(nil, uint32(n))
	for i := range n {
		b = append(b, item(i)...)
	}
	return b
}

func text(s string) []byte { return append(wasm.AppendU32(nil, uint32(len(s))), s...) }

// padded appends a LEB of five bytes.
func padded(b []byte, v uint32) []byte {
	for range 4 {
		b = append(b, byte(v)|0x80)
		v >>= 7
	}
	return append(b, byte(v))
}

// zeroOf is an instruction that pushes a zero.
func zeroOf(kind wasm.ValKind) []byte {
	switch kind {
	case wasm.KindI32:
		return []byte{byte(wasm.OpI32Const), 0}
	case wasm.KindI64:
		return []byte{byte(wasm.OpI64Const), 0}
	case wasm.KindF32:
		return append([]byte{byte(wasm.OpF32Const)}, make([]byte, 4)...)
	case wasm.KindF64:
		return append([]byte{byte(wasm.OpF64Const)}, make([]byte, 8)...)
	}
	return append(wasm.AppendOpcode(nil, wasm.OpV128Const), make([]byte, 16)...)
}

// accessCall is one call of one function, and whether it must trap.
type accessCall struct {
	access *accessFunc
	at     uint32
	trap   bool
}

// around are calls at and around the end of a memory of some pages.
func (a *accessTest) around(pages int64) []accessCall {
	var out []accessCall
	for i := range a.funcs {
		f := &a.funcs[i]
		n := int64(f.op.Access().Bytes)
		end := pages<<16 - n - int64(f.offset) // the last address in bounds
		for _, at := range []int64{0, end, end + 1, end + n, 2 << 16, 2<<16 + 8, 3 << 16, 3<<16 + 8, 1 << 20, 1<<32 - int64(f.offset), -1, -n, 1 << 31} {
			addr := uint32(at)
			unaligned := f.op >= wasm.PrefixAtomic && (int64(addr)+int64(f.offset))%n != 0
			out = append(out, accessCall{f, addr, int64(addr) > end || unaligned})
		}
	}
	return out
}

// TestAccesses tries every instruction that accesses memory, in a window with
// a neighbour. With traps it behaves as in a memory of its own; with masks, and
// whatever the address, the neighbour stays as it is.
func TestAccesses(t *testing.T) {
	t.Parallel()
	inputs := func(a *accessTest) []linker.Input {
		return []linker.Input{{ID: "root", Bytes: a.root}, {ID: "ops", Bytes: a.ops}}
	}
	for _, f := range []form{coreTrapping, coreMasked} {
		link(t, inputs(newAccessTest(true, false)), f.as(linker.Options{Check: true}))
	}
	for _, c := range []struct {
		form
		target linker.Target
		far    bool // the window begins past 32 MiB
	}{
		{coreSingle, linker.TargetAny, false},
		{coreTrapping, linker.TargetAny, false}, {coreTrapping, linker.TargetAny, true},
		{coreTrapping, linker.TargetWazero, false}, {coreTrapping, linker.TargetWazero, true},
		{coreMasked, linker.TargetAny, false}, {coreMasked, linker.TargetAny, true},
		{coreMasked, linker.TargetWazero, false}, {coreMasked, linker.TargetWazero, true},
	} {
		f := c.form
		a := newAccessTest(false, c.far)
		r := link(t, inputs(a), f.as(linker.Options{Check: true, Target: c.target}))
		if (len(r.Summary.Unprotected) > 0) != (f == coreSingle) {
			t.Errorf("%s: unprotected are %v", f, r.Summary.Unprotected)
		}
		ctx := context.Background()
		engine := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter().WithCoreFeatures(api.CoreFeaturesV2|experimental.CoreFeaturesThreads))
		inst, err := engine.Instantiate(ctx, r.Output)
		if err != nil {
			t.Fatal(err)
		}
		call := func(name string, arg uint32) (uint64, error) {
			results, err := inst.ExportedFunction(name).Call(ctx, uint64(arg))
			if len(results) > 0 {
				return results[0], err
			}
			return 0, err
		}
		for pages := int64(1); pages <= 2; pages++ {
			for _, a := range a.around(pages) {
				_, err := call(a.access.name, a.at)
				what := fmt.Sprintf("%s, target %q, far %t: %s offset=%d at %#x, %d pages", f, c.target, c.far, a.access.op.Info().Name, a.access.offset, a.at, pages)
				if f != coreMasked && !a.trap && err != nil || f == coreTrapping && a.trap && err == nil {
					t.Errorf("%s: error %v, want a trap: %v", what, err, a.trap)
				}
			}
			// The test would notice: without isolation the neighbour is hit.
			intact, err := call("intact", 0)
			if err != nil || (intact == 1) != (f != coreSingle) {
				t.Errorf("%s: after the accesses the neighbour is intact: %d, %v", f, intact, err)
			}
			if old, err := call("grow", 1); err != nil || pages == 1 && old != 1 || pages == 2 && int32(old) != -1 {
				t.Errorf("%s: grow beyond %d pages gives %d, %v", f, pages, int32(old), err)
			}
		}
		if err := engine.Close(ctx); err != nil {
			t.Error(err)
		}
	}
}

// TestIsolatedWindows is TestWindows with isolation: a window is a memory of
// its own, in single accesses as well.
func TestIsolatedWindows(t *testing.T) {
	t.Parallel()
	dir := filepath.Join("testdata", "windows")
	answers, isolated := readAnswers(t, filepath.Join(dir, "expected.tsv")), readAnswers(t, filepath.Join(dir, "isolated.tsv"))
	inputs := windowInputs(t)
	trapping := link(t, inputs, coreTrapping.as(linker.Options{Check: true})).Output
	all := append(slices.Clone(answers), isolated...)
	runWazero(t, coreTrapping.String(), trapping, all)
	w := newWasmtime(t)
	w.add(coreTrapping.String(), trapping, all)
	w.add(coreMulti.String(), link(t, inputs, coreMulti.as(linker.Options{})).Output, isolated)
	w.run()
}

// TestIsolationRequired checks who is named.
func TestIsolationRequired(t *testing.T) {
	t.Parallel()
	inputs := windowInputs(t)
	try := func(o linker.Options) error {
		o.IsolationRequired = true
		_, err := linker.Link(context.Background(), inputs, o)
		return err
	}
	wantError(t, try(linker.Options{}), "app, lib", "share one memory", "--isolation trap")
	for _, o := range []linker.Options{
		{Isolation: linker.IsolationTrap}, {Isolation: linker.IsolationMask}, {Memory: linker.MemoryMulti},
	} {
		if err := try(o); err != nil {
			t.Errorf("isolation %q, memory %q: %v", o.Isolation, o.Memory, err)
		}
	}
	_, err := linker.Link(context.Background(), inputs, linker.Options{Isolation: "walls"})
	wantError(t, err, "walls", "trap")
}

// BenchmarkIsolation runs two JavaScript engines that call each other, and
// reports the size of the bundle.
//
//	go test -run '^$' -bench Isolation -benchtime 200x -count 5 ./linker
func BenchmarkIsolation(b *testing.B) {
	var inputs []linker.Input
	for _, name := range []string{"qjs-consumer", "qjs-provider"} {
		bytes, err := os.ReadFile(filepath.Join(shared, name+".wasm"))
		if err != nil {
			b.Skip("a component is not here: ", err)
		}
		inputs = append(inputs, linker.Input{ID: name, Bytes: bytes})
	}
	for _, isolation := range []linker.Isolation{linker.IsolationNone, linker.IsolationMask, linker.IsolationTrap} {
		b.Run(string(isolation), func(b *testing.B) {
			ctx := context.Background()
			out := link(b, inputs, linker.Options{Memory: linker.MemorySingle, Target: linker.TargetWazero, Isolation: isolation}).Output
			inst, err := runtime.Open(ctx, out, runtime.Config{})
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if _, err := inst.Invoke(ctx, "demo:app/run#run(3)"); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(out)), "B")
			if err := inst.Close(ctx); err != nil {
				b.Fatal(err)
			}
		})
	}
}
