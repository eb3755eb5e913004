package main

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/wbundle/wbundle/internal/wasm"
	"github.com/wbundle/wbundle/linker"
)

// helperSizes prints how many bytes of code the helpers of adapters are, in the
// program that calls measures, with and without vectors. A helper that is there
// several times, for other memories, counts once; its number is beside it.
func helperSizes() error {
	if _, err := exec.LookPath("wasm-tools"); err != nil {
		return fmt.Errorf("the program is in text format: %w", err)
	}
	type size struct{ bytes, count int }
	var names []string
	columns := []struct {
		title string
		o     linker.Options
		sizes map[string]size
	}{
		{title: "single", o: linker.Options{Memory: linker.MemorySingle}},
		{title: "multi", o: linker.Options{Memory: linker.MemoryMulti}},
		{title: "single, no vectors", o: linker.Options{Memory: linker.MemorySingle, NoVectors: true}},
		{title: "multi, no vectors", o: linker.Options{Memory: linker.MemoryMulti, NoVectors: true}},
	}
	component, err := callsComponent()
	if err != nil {
		return err
	}
	for i := range columns {
		c := &columns[i]
		c.sizes = map[string]size{}
		c.o.Names = linker.NamesKeep
		out, err := linkCalls(component, c.o)
		if err != nil {
			return err
		}
		m, err := wasm.Decode(c.title, out)
		if err != nil {
			return err
		}
		ns, err := m.Names()
		if err != nil {
			return err
		}
		for _, n := range ns.Funcs {
			name := n.Name
			if strings.HasPrefix(name, "adapter ") {
				name = "adapters"
			}
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
			s := c.sizes[name]
			size := len(m.Code[n.Index-m.NumImported[wasm.SpaceFunc]].Bytes)
			if name == "adapters" {
				s.bytes += size
			} else {
				s.bytes = max(s.bytes, size)
			}
			s.count++
			c.sizes[name] = s
		}
		total := c.sizes["the module"]
		total.bytes, total.count = len(out), 1
		c.sizes["the module"] = total
	}
	slices.Sort(names)
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(w, "bytes of code\t")
	for _, c := range columns {
		fmt.Fprint(w, c.title, "\t")
	}
	fmt.Fprintln(w)
	for _, name := range append(names, "the module") {
		fmt.Fprint(w, name, "\t")
		for _, c := range columns {
			switch s := c.sizes[name]; s.count {
			case 0:
				fmt.Fprint(w, "\t")
			case 1:
				fmt.Fprintf(w, "%d\t", s.bytes)
			default:
				fmt.Fprintf(w, "%d (%d)\t", s.bytes, s.count)
			}
		}
		fmt.Fprintln(w)
	}
	return w.Flush()
}
