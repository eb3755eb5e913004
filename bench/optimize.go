package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
)

// optimizeCase is a bundle to optimise.
type optimizeCase struct {
	name   string
	inputs []string
	args   []string
}

// optimizeCases are bundles of each toolchain, from the fixtures and from the
// folder of large components.
func optimizeCases(components string) []optimizeCase {
	fixture := func(dir string, names ...string) []string {
		var out []string
		for _, n := range names {
			out = append(out, filepath.Join("fixtures", dir, n+".wasm"))
		}
		return out
	}
	large := func(names ...string) []string {
		var out []string
		for _, n := range names {
			out = append(out, filepath.Join(components, n+".wasm"))
		}
		return out
	}
	wazero := []string{"--target", "wazero"}
	return []optimizeCase{
		{"core-link", fixture("core-link", "app", "math"), nil},
		{"kit: sum", fixture("kit", "sum", "provider"), []string{"--root", "sum"}},
		{"kit: words", fixture("kit", "words", "provider"), []string{"--root", "words"}},
		{"calc (Rust, C)", fixture("calc", "consumer", "provider"), nil},
		{"chain (Rust, C, Rust)", fixture("chain", "root", "middle", "leaf"), nil},
		{"AssemblyScript", []string{filepath.Join(components, "core", "as-incremental.core.wasm")}, []string{"--unresolved", "import"}},
		{"rustpure", large("rustpure-consumer", "rustpure-provider"), nil},
		{"zigc", large("zigc-consumer", "zigc-provider"), nil},
		{"Rust std, C", large("rust-consumer", "c-provider"), wazero},
		{"C, C++", large("c-consumer", "cpp-provider"), wazero},
		{"rust-cli", large("rust-cli"), wazero},
		{"qjs (JS)", fixture("qjs", "consumer", "provider"), []string{"--root", "consumer"}},
		{"Go, Go", large("go-consumer", "go-provider"), wazero},
		{"StarlingMonkey (JS)", large("sm-provider"), wazero},
		{"Python", large("py-provider"), wazero},
	}
}

// optimize prints what the optimiser makes of bundles, next to binaryen's
// wasm-opt on the bundle without it: bytes, time and memory. binaryen is the
// folder of the npm package's programs, or "" for wasm-opt on PATH.
func optimize(runs int, wbundle, components, binaryen string, want []string) error {
	dir, err := os.MkdirTemp("", "wbundle-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if wbundle == "" {
		wbundle = filepath.Join(dir, "wbundle")
		if out, err := exec.Command("go", "build", "-o", wbundle, "github.com/wbundle/wbundle/cmd/wbundle").CombinedOutput(); err != nil {
			return fmt.Errorf("go build: %w\n%s", err, out)
		}
	}
	other := []string{"wasm-opt"}
	if binaryen != "" {
		other = []string{"node", filepath.Join(binaryen, "wasm-opt")}
	}
	if _, err := exec.LookPath(other[0]); err != nil {
		fmt.Println("no wasm-opt: nothing to compare with")
		other = nil
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "bundle\tnone\tsize\tspeed\twasm-opt -Oz\tsize/Oz\tnone s\tsize s\t-Oz s\t-Oz/size\tRSS MB\t-Oz RSS MB\t")
	for _, c := range optimizeCases(components) {
		if len(want) > 0 && !slices.ContainsFunc(want, func(s string) bool { return strings.Contains(c.name, s) }) {
			continue
		}
		if err := optimizeOne(w, c, runs, wbundle, other, dir); errors.Is(err, os.ErrNotExist) {
			fmt.Printf("%s: skipped: %v\n", c.name, err)
		} else if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
	}
	return w.Flush()
}

func optimizeOne(w *tabwriter.Writer, c optimizeCase, runs int, wbundle string, other []string, dir string) error {
	for _, in := range c.inputs {
		if _, err := os.Stat(in); err != nil {
			return err
		}
	}
	path := func(level string) string { return filepath.Join(dir, level+".wasm") }
	size := func(level string) (int64, error) {
		info, err := os.Stat(path(level))
		if err != nil {
			return 0, err
		}
		return info.Size(), nil
	}
	used := map[string]usage{}
	sizes := map[string]int64{}
	for _, level := range []string{"none", "size", "speed"} {
		args := slices.Concat([]string{"build", "-q", "--no-verify", "--format", "core", "--optimize", level, "-o", path(level)}, c.args, c.inputs)
		var all []usage
		for range runs {
			u, err := measure(wbundle, args...)
			if err != nil {
				return err
			}
			all = append(all, u)
		}
		used[level] = least(all)
		var err error
		if sizes[level], err = size(level); err != nil {
			return err
		}
	}
	none, ours := used["none"], used["size"]
	fmt.Fprintf(w, "%s\t%d\t%d\t%d\t", c.name, sizes["none"], sizes["size"], sizes["speed"])
	if other == nil {
		fmt.Fprintf(w, "\t\t%.2f\t%.2f\t\t\t%.0f\t\t\n", none.wall.Seconds(), ours.wall.Seconds(), float64(ours.peak)/1e6)
		return nil
	}
	// Once is enough: it takes a minute where wbundle takes a second.
	u, err := measure(other[0], slices.Concat(other[1:], []string{"--all-features", "-Oz", path("none"), "-o", path("oz")})...)
	if err != nil {
		fmt.Fprintf(w, "fails\t\t%.2f\t%.2f\t\t\t%.0f\t\t\n", none.wall.Seconds(), ours.wall.Seconds(), float64(ours.peak)/1e6)
		return nil
	}
	oz, err := size("oz")
	if err != nil {
		return err
	}
	optimizer := max(ours.wall-none.wall, 1e6) // the optimiser without the link
	fmt.Fprintf(w, "%d\t%.3f\t%.2f\t%.2f\t%.2f\t%.1f\t%.0f\t%.0f\t\n", oz, float64(sizes["size"])/float64(oz),
		none.wall.Seconds(), ours.wall.Seconds(), u.wall.Seconds(), u.wall.Seconds()/optimizer.Seconds(),
		float64(ours.peak)/1e6, float64(u.peak)/1e6)
	return nil
}
