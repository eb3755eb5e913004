package linker_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/wbundle/wbundle/linker"
	"github.com/wbundle/wbundle/runtime"
)

// compare runs a composition and bundles of it side by side on generated
// values.
func compare(t *testing.T, composed []byte, inputs []linker.Input, o runtime.CompareOptions) {
	t.Helper()
	for _, f := range []form{coreSingle, componentSingle} {
		bundle := link(t, inputs, f.as(linker.Options{})).Output
		c, err := runtime.Compare(context.Background(), composed, bundle, o)
		if err != nil {
			t.Errorf("%s: %v", f, err)
			continue
		}
		if c.Calls == 0 {
			t.Errorf("%s: no calls; skipped %v", f, c.Skipped)
		}
		for i, d := range c.Differences {
			if i == 5 {
				t.Errorf("%s: %d more differences", f, len(c.Differences)-i)
				break
			}
			t.Errorf("%s: %s\nunbundled: %s\nbundle: %s", f, d.Call, d.A, d.B)
		}
		t.Logf("%s: %d calls, %d functions skipped", f, c.Calls, len(c.Skipped))
	}
}

// TestComparePlugged compares fixtures with what wac makes of them.
func TestComparePlugged(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("wac"); err != nil {
		t.Skip("the unbundled composition needs wac: ", err)
	}
	plug := func(t *testing.T, socket, provider string) string {
		t.Helper()
		out := filepath.Join(t.TempDir(), "composed.wasm")
		if text, err := exec.Command("wac", "plug", socket, "--plug", provider, "-o", out).CombinedOutput(); err != nil {
			t.Fatalf("wac plug: %v\n%s", err, text)
		}
		return out
	}
	t.Run("calc", func(t *testing.T) {
		t.Parallel()
		f := fixtureNamed(t, "calc")
		composed := plug(t, filepath.Join(f.dir(), "consumer.wasm"), filepath.Join(f.dir(), "provider.wasm"))
		// These loop as often as their argument says.
		long := regexp.MustCompile(`#(neighbours|rotate|stack-live|sum-to)$`)
		compare(t, readFile(t, composed), f.load(t), runtime.CompareOptions{Seed: 1, Calls: 12, Timeout: time.Minute, Skip: long.MatchString})
	})
	t.Run("chain", func(t *testing.T) {
		t.Parallel()
		f := fixtureNamed(t, "chain")
		half := plug(t, filepath.Join(f.dir(), "middle.wasm"), filepath.Join(f.dir(), "leaf.wasm"))
		composed := plug(t, filepath.Join(f.dir(), "root.wasm"), half)
		compare(t, readFile(t, composed), f.load(t), runtime.CompareOptions{Seed: 2, Calls: 12, Timeout: time.Minute})
	})
}

// TestCompareComposed compares compositions with their own bundles.
func TestCompareComposed(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"rustpure-rustpure", "chain-rustpure", "diamond-rustpure"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(shared, "composed", name+".wasm")
			composed, err := os.ReadFile(path)
			if err != nil {
				t.Skip("the composition is not here: ", err)
			}
			inputs := []linker.Input{{ID: name, Path: path, Bytes: composed}}
			compare(t, composed, inputs, runtime.CompareOptions{Seed: 3, Calls: 8, Timeout: time.Minute})
		})
	}
	// These trap in every way that the canonical ABI knows; most generated
	// pointers do.
	for _, name := range []string{"strings", "values", "results", "leave", "resources", "borrows"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wasm := readFile(t, filepath.Join("testdata", "abi", name+".wasm"))
			compare(t, wasm, []linker.Input{{ID: name, Bytes: wasm}}, runtime.CompareOptions{Seed: 4, Calls: 10, Timeout: time.Minute})
		})
	}
}
