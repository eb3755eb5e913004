// Command bench times whole runs of wbundle: reading, linking, hashing,
// writing and syncing, in a process of its own, with its peak of memory.
//
//	go run ./bench                     # builds wbundle and measures it
//	go run ./bench -runs 9 generated   # the cases whose names contain "generated"
//	go run ./bench -wbundle ./old      # another binary
//	go run ./bench calls               # what calls between components cost
//	go run ./bench sizes               # how much code adapters are
//	go run ./bench optimize            # what the optimiser saves, beside wasm-opt
//
// Beside each case stands what `wasm-tools validate` takes for the same bytes
// in the same run, where it is on PATH: it has to read every instruction, as
// wbundle has, so the ratio means something on any machine.
package main

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/wbundle/wbundle/internal/gen"
	"github.com/wbundle/wbundle/linker"
)

func main() {
	runs := flag.Int("runs", 5, "how often each command runs")
	wbundle := flag.String("wbundle", "", "the `BINARY` to measure; built from this module when empty")
	components := flag.String("components", "../shared/components", "`DIR` with the large components")
	noVectors := flag.Bool("no-vectors", false, "calls: adapters without vector instructions")
	binaryen := flag.String("binaryen", "", "optimize: `DIR` with the programs of the npm package binaryen; wasm-opt on PATH when empty")
	flag.Parse()
	var err error
	switch args := flag.Args(); {
	case len(args) > 0 && args[0] == "calls":
		err = calls(*runs, linker.Options{NoVectors: *noVectors}, args[1:])
	case len(args) > 0 && args[0] == "sizes":
		err = helperSizes()
	case len(args) > 0 && args[0] == "optimize":
		err = optimize(*runs, *wbundle, *components, *binaryen, args[1:])
	default:
		err = bench(*runs, *wbundle, *components, args)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// benchCase is a build to measure.
type benchCase struct {
	name   string
	inputs []string // paths
	family gen.Family
	args   []string
}

func cases(components string) []benchCase {
	multi := []string{"--format", "component", "--memory", "multi"}
	single := []string{"--format", "core", "--memory", "single"}
	files := func(names ...string) []string {
		for i, n := range names {
			names[i] = filepath.Join(components, n+".wasm")
		}
		return names
	}
	quickjs := []string{"qjs-hub"}
	for i := range 10 {
		quickjs = append(quickjs, fmt.Sprintf("qjs-part%d", i))
	}
	list := []benchCase{
		{name: "starlingmonkey", inputs: files("sm-consumer", "sm-provider"), args: multi},
		{name: "quickjs", inputs: files(quickjs...), args: multi},
	}
	for _, n := range []int{10, 100, 200, 1000} {
		list = append(list, benchCase{name: fmt.Sprintf("generated-%d", n), family: gen.Family{N: n}, args: single})
	}
	return append(list, benchCase{name: "chain-1000", family: gen.Family{N: 1000, Shape: gen.Chain}, args: single})
}

func bench(runs int, wbundle, components string, want []string) error {
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
	tools, err := exec.LookPath("wasm-tools")
	if err != nil {
		fmt.Println("wasm-tools is not on PATH: nothing to compare with")
	}
	var rows []row
	for _, c := range cases(components) {
		if len(want) > 0 && !slices.ContainsFunc(want, func(w string) bool { return strings.Contains(c.name, w) }) {
			continue
		}
		r, err := measureCase(c, runs, wbundle, tools, dir)
		if errors.Is(err, os.ErrNotExist) {
			fmt.Printf("%s: skipped: %v\n", c.name, err)
			continue
		}
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		rows = append(rows, r)
	}
	return table(rows)
}

// row is the measurement of one case.
type row struct {
	name            string
	inputs          int
	in, out         int64 // bytes
	build, validate usage
}

// measureCase runs one case in dir. The two commands take turns, so that what
// else the machine does meets both.
func measureCase(c benchCase, runs int, wbundle, tools, dir string) (row, error) {
	dir = filepath.Join(dir, c.name)
	if err := os.Mkdir(dir, 0o777); err != nil {
		return row{}, err
	}
	for i := range c.family.N {
		path := filepath.Join(dir, gen.ID(i)+".wasm")
		if err := os.WriteFile(path, c.family.Component(i), 0o666); err != nil {
			return row{}, err
		}
		c.inputs = append(c.inputs, path)
	}
	r := row{name: c.name, inputs: len(c.inputs)}
	var nested []string
	for files := range slices.Chunk(c.inputs, nestAtMost) {
		path := filepath.Join(dir, fmt.Sprintf("nested-%d.wasm", len(nested)))
		n, err := nest(path, files)
		if err != nil {
			return r, err
		}
		r.in += n
		nested = append(nested, path)
	}
	out := filepath.Join(dir, "out.wasm")
	build := slices.Concat([]string{"build", "-q", "--no-verify", "--optimize", "none", "--dedupe", "off", "-o", out}, c.args, c.inputs)
	var builds, validations []usage
	for range runs {
		u, err := measure(wbundle, build...)
		if err != nil {
			return r, err
		}
		builds = append(builds, u)
		if tools == "" {
			continue
		}
		var sum usage
		for _, path := range nested {
			u, err := measure(tools, "validate", "--features", "all", path)
			if err != nil {
				return r, err
			}
			sum = usage{sum.wall + u.wall, sum.user + u.user, sum.system + u.system, max(sum.peak, u.peak)}
		}
		validations = append(validations, sum)
	}
	r.build, r.validate = least(builds), least(validations)
	info, err := os.Stat(out)
	if err != nil {
		return r, err
	}
	r.out = info.Size()
	if tools != "" {
		// Figures for output that is not valid would mean nothing.
		_, err = measure(tools, "validate", "--features", "all", out)
	}
	return r, err
}

// nestAtMost keeps a file below the thousand modules and components that
// wasm-tools allows; a generated component is five.
const nestAtMost = 150

// nest writes a component that has the files as nested components: the same
// bytes in one file, so that a validator starts once, as wbundle does. It
// returns how many bytes the files have. One file at a time is in memory,
// because a child inherits the peak of its parent.
func nest(path string, files []string) (int64, error) {
	f, err := os.Create(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	if _, err := io.WriteString(f, "\x00asm\x0d\x00\x01\x00"); err != nil {
		return 0, err
	}
	total := int64(0)
	for _, name := range files {
		in, err := os.Open(name)
		if err != nil {
			return 0, err
		}
		info, err := in.Stat()
		if err == nil {
			const componentSection = 4
			_, err = f.Write(binary.AppendUvarint([]byte{componentSection}, uint64(info.Size())))
		}
		if err == nil {
			_, err = io.Copy(f, in)
			total += info.Size()
		}
		if err = errors.Join(err, in.Close()); err != nil {
			return 0, err
		}
	}
	return total, f.Close()
}

// usage is what a process took.
type usage struct {
	wall, user, system time.Duration
	peak               int64 // bytes resident; 0: not known on this system
}

// measure runs a command.
func measure(name string, args ...string) (usage, error) {
	cmd := exec.Command(name, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	began := time.Now()
	err := cmd.Run()
	u := usage{wall: time.Since(began)}
	if err != nil {
		return u, fmt.Errorf("%s %s: %w\n%s", name, args[0], err, stderr.Bytes())
	}
	u.user, u.system, u.peak = cmd.ProcessState.UserTime(), cmd.ProcessState.SystemTime(), peak(cmd.ProcessState)
	return u, nil
}

// least takes each figure from the run that had least of it: whatever else
// runs on the machine only adds.
func least(us []usage) usage {
	if len(us) == 0 {
		return usage{}
	}
	return usage{
		wall:   slices.MinFunc(us, func(a, b usage) int { return cmp.Compare(a.wall, b.wall) }).wall,
		user:   slices.MinFunc(us, func(a, b usage) int { return cmp.Compare(a.user, b.user) }).user,
		system: slices.MinFunc(us, func(a, b usage) int { return cmp.Compare(a.system, b.system) }).system,
		peak:   slices.MinFunc(us, func(a, b usage) int { return cmp.Compare(a.peak, b.peak) }).peak,
	}
}

func table(rows []row) error {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "case\tinputs\tMB in\tMB out\twall s\tuser s\tsys s\tMB/s\tRSS MB\tRSS/in\tms/input\tvalidate wall\tvalidate CPU\twall ratio\tCPU ratio\t")
	for _, r := range rows {
		b, v := r.build, r.validate
		in := float64(r.in) / 1e6
		fmt.Fprintf(w, "%s\t%d\t%.2f\t%.2f\t%.3f\t%.3f\t%.3f\t%.1f\t%.0f\t%.1f\t%.2f\t",
			r.name, r.inputs, in, float64(r.out)/1e6, b.wall.Seconds(), b.user.Seconds(), b.system.Seconds(),
			in/b.wall.Seconds(), float64(b.peak)/1e6, float64(b.peak)/float64(r.in), b.wall.Seconds()*1e3/float64(r.inputs))
		if v.wall == 0 {
			fmt.Fprint(w, "\t\t\t\t\n")
			continue
		}
		cpu := func(u usage) float64 { return (u.user + u.system).Seconds() }
		ratio := "" // processor time comes in ticks; of few of them there is no ratio
		if cpu(v) >= 0.02 {
			ratio = fmt.Sprintf("%.1f", cpu(b)/cpu(v))
		}
		fmt.Fprintf(w, "%.3f\t%.3f\t%.1f\t%s\t\n", v.wall.Seconds(), cpu(v), b.wall.Seconds()/v.wall.Seconds(), ratio)
	}
	return w.Flush()
}
