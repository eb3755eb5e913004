package linker_test

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/wbundle/wbundle/internal/component"
	"github.com/wbundle/wbundle/internal/wasm"
	"github.com/wbundle/wbundle/linker"
)

// stagedHost is a host of testdata/host/staged.wat that allocates as it likes.
type stagedHost struct {
	t *testing.T
	m api.Module
}

func newStagedHost(t *testing.T, o linker.Options) *stagedHost {
	t.Helper()
	ctx := context.Background()
	rt := wazero.NewRuntime(ctx)
	t.Cleanup(func() { rt.Close(ctx) })
	m, err := rt.Instantiate(ctx, link(t, []linker.Input{input(t, filepath.Join("testdata", "host"), "staged")}, coreSingle.as(o)).Output)
	if err != nil {
		t.Fatal(err)
	}
	return &stagedHost{t, m}
}

// try calls a function that has a result.
func (h *stagedHost) try(name string, args ...uint64) (uint32, error) {
	ret, err := h.m.ExportedFunction(name).Call(context.Background(), args...)
	if err != nil || len(ret) == 0 {
		return 0, err
	}
	return uint32(ret[0]), nil
}

func (h *stagedHost) call(name string, args ...uint64) uint64 {
	h.t.Helper()
	v, err := h.try(name, args...)
	if err != nil {
		h.t.Fatalf("%s: %v", name, err)
	}
	return uint64(v)
}

// put allocates a text.
func (h *stagedHost) put(text string) (ptr, n uint64) {
	h.t.Helper()
	ptr = h.call("cabi_realloc", 0, 0, 1, uint64(len(text)))
	if !h.m.Memory().Write(uint32(ptr), []byte(text)) {
		h.t.Fatalf("cabi_realloc gives %d for %d bytes", ptr, len(text))
	}
	return ptr, uint64(len(text))
}

// text reads the string that a result points to.
func (h *stagedHost) text(ret uint64) string {
	h.t.Helper()
	ptr, ok := h.m.Memory().ReadUint32Le(uint32(ret))
	n, ok2 := h.m.Memory().ReadUint32Le(uint32(ret) + 4)
	b, ok3 := h.m.Memory().Read(ptr, n)
	if !ok || !ok2 || !ok3 {
		h.t.Fatalf("the result at %d is out of bounds", ret)
	}
	return string(b)
}

// same calls a function that returns its text.
func (h *stagedHost) same(name, text string) {
	h.t.Helper()
	ret := h.call(name, slices.Collect(func(yield func(uint64) bool) {
		ptr, n := h.put(text)
		_ = yield(ptr) && yield(n)
	})...)
	if got := h.text(ret); got != text {
		h.t.Errorf("%s(%q) = %q", name, text, got)
	}
	h.call("cabi_post_"+name, ret)
}

// TestStagingRealloc is the host's side of the staging memory: what cabi_realloc
// does for hosts that allocate in pieces, ahead, too much, or for nothing.
func TestStagingRealloc(t *testing.T) {
	t.Parallel()
	for _, o := range []linker.Options{{Check: true}, {Isolation: linker.IsolationTrap, Check: true}, {Isolation: linker.IsolationMask, Check: true}, {Optimize: linker.OptimizeSize, Check: true}} {
		h := newStagedHost(t, o)
		const a, b = "t:t/a#same", "t:t/b#same"
		long := strings.Repeat("zwölf →", 40_000)
		for _, text := range []string{"", "x", "zwölf", "→ 𝄞", long} {
			h.same(a, text)
			h.same(b, text)
		}

		// The block grows where it is, or moves with what it holds.
		ptr, n := h.put("grow")
		if more := h.call("cabi_realloc", ptr, n, 1, 8); more != ptr {
			t.Errorf("the last block moves from %d to %d", ptr, more)
		}
		other, _ := h.put("other")
		moved := h.call("cabi_realloc", ptr, 8, 1, 12)
		if moved < other+5 {
			t.Errorf("a block of 12 bytes at %d, one of 5 at %d", moved, other)
		}
		h.m.Memory().Write(uint32(moved)+4, []byte("n enough"))
		ret := h.call(b, moved, 12)
		if got := h.text(ret); got != "grown enough" {
			t.Errorf("after growing %q", got)
		}
		h.call("cabi_post_"+b, ret)

		// Several parameters, aligned, and none with any pointer.
		ptr, n = h.put("odd")
		list := h.call("cabi_realloc", 0, 0, 8, 24)
		if list%8 != 0 {
			t.Errorf("a list of u64 at %d", list)
		}
		if got := h.call("t:t/b#sum", ptr, n, list, 3); got != 3003 {
			t.Errorf("sum = %d", got)
		}
		if got := h.call("t:t/a#sum", 1, 0, 8, 0); got != 0 {
			t.Errorf("sum of nothing = %d", got)
		}

		// A call without pointers in between leaves arguments alone; so does the
		// post-return of an earlier call.
		ptr, n = h.put("first")
		ret = h.call(a, ptr, n)
		ptr, n = h.put("second")
		h.call("t:t/a#seven")
		h.call("cabi_post_"+a, ret)
		ret = h.call(b, ptr, n)
		if got := h.text(ret); got != "second" {
			t.Errorf("allocated before post-return: %q", got)
		}
		h.call("cabi_post_"+b, ret)

		// Nothing is left of what nobody freed.
		before := h.m.Memory().Size()
		for range 300 {
			h.put(long)
			h.same(a, "x")
		}
		if now := h.m.Memory().Size(); now != before {
			t.Errorf("the memory grows from %d to %d", before, now)
		}
		h.same(b, long)

		// What went with an earlier call is out of bounds, like anything that was
		// not allocated.
		ptr, n = h.put("gone")
		h.same(a, "x")
		for _, at := range []uint64{ptr, 1024, 1<<32 - 4} {
			if _, err := h.try(a, at, n); err == nil {
				t.Errorf("a text at %d is accepted", at)
			}
		}
	}
	h := newStagedHost(t, linker.Options{})
	if _, err := h.try("cabi_realloc", 0, 0, 1, 1<<32-1); err == nil {
		t.Error("4 GiB are allocated")
	}
}

// TestStagedHosts calls the components behind the staging memory from hosts
// that know nothing of components.
func TestStagedHosts(t *testing.T) {
	t.Parallel()
	var calls []hostCall
	for _, text := range []string{"zwölf", "", "→ 𝄞", "plain"} {
		for _, c := range []string{"a", "b"} {
			calls = append(calls, hostCall{core: coreCall{Func: c + "#same", Args: textArg(text), Result: "string"}, want: `"` + text + `"`})
			calls = append(calls, hostCall{core: coreCall{Func: c + "#sum", Args: append(textArg("four"), coreArg{Points: []float64{1, 2}}), Result: "number"}, want: "1004"})
		}
	}
	coreHosts(t, link(t, []linker.Input{input(t, filepath.Join("testdata", "host"), "staged")}, coreSingle.as(linker.Options{Check: true})).Output, "t:t/", calls)
}

// TestStagedProviders puts providers of two toolchains side by side, each with
// its functions and its resource.
func TestStagedProviders(t *testing.T) {
	t.Parallel()
	sharedRows(t) // skips where they are absent
	outer := &component.Component{}
	var calls []hostCall
	for i, c := range []struct{ name, provider, language string }{{"left", "rustpure-provider", "rust"}, {"right", "zigc-provider", "C"}} {
		inner, err := component.Decode(c.provider, input(t, shared, c.provider).Bytes)
		if err != nil {
			t.Fatal(err)
		}
		made, ops := uint32(3*i), uint32(3*i+1) // each export is an instance of its own
		outer.Defs = append(outer.Defs,
			&component.NestedComponent{Component: inner},
			&component.Instance{Instantiate: true, Component: uint32(i)},
			&component.Alias{Sort: component.SortInstance, Kind: component.AliasExport, Instance: made, Name: "demo:calc/ops"},
			&component.Export{Name: component.Name{Text: c.name}, Sort: component.SortInstance, Index: ops})
		for _, call := range opsCalls(c.language) {
			call.wave, call.core.Func = c.name+"#"+call.wave, c.name+"#"+call.core.Func
			calls = append(calls, call)
		}
	}
	in := []linker.Input{{ID: "both", Bytes: component.Encode(outer)}}
	original(t, "both", in[0].Bytes, "", calls)
	for _, level := range []linker.Optimize{linker.OptimizeNone, linker.OptimizeSize} {
		o := linker.Options{Check: true, Optimize: level}
		r := link(t, in, coreSingle.as(o))
		preview1Only(t, r)
		t.Logf("optimize %s: %d bytes, %d of them for staging", level, len(r.Output), stagingCost(t, r.Output, link(t, in, componentSingle.as(o)).Output))
		runCalls(t, r.Output, "", calls)
		coreHosts(t, r.Output, "", calls)
	}
	if why := wasmtimeMissing(); why != "" {
		t.Skip(why)
	}
	w := newWasmtime(t)
	for _, f := range []form{coreSingle, coreMulti} {
		w.addCore(f.String(), link(t, in, f.as(linker.Options{Check: true})).Output, []answer{{strings.Join(waves("", calls), "; "), strings.Join(wants(calls), "; ")}})
	}
	w.run()
}

// stagingCost is how much longer a core module is than that of component output,
// in which nothing is staged, without the section that only the former has.
func stagingCost(t *testing.T, core, whole []byte) int {
	t.Helper()
	m, err := wasm.DecodeNoScan("core", core)
	if err != nil {
		t.Fatal(err)
	}
	cost := len(core)
	for _, c := range m.Customs {
		if c.Name == "component-type" {
			cost -= len(c.Name) + len(c.Data)
		}
	}
	c, err := component.Decode("component", whole)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range c.Defs {
		if m, ok := d.(*component.CoreModule); ok {
			return cost - len(m.Bytes)
		}
	}
	t.Fatal("the component has no module")
	return 0
}

// TestStagedMemory links what needs the staging memory to be the one that the
// host sees, and cannot have it: preview 1 is called with addresses of the caller's.
func TestStagedMemory(t *testing.T) {
	t.Parallel()
	inputs, o := rowNamed(t, sharedRows(t), "c-c").load(t)
	link(t, inputs, coreMulti.as(o))
	o.Target = linker.TargetPreview1
	_, err := linker.Link(context.Background(), inputs, coreMulti.as(o))
	wantError(t, err, "wasi_snapshot_preview1", "pointers of different components", "--memory single or --format component")
}
