package config

import (
	"maps"
	"path/filepath"
	"slices"
)

// whole checks what one key alone cannot tell: that ids refer to inputs, and
// that outputs neither collide nor ask a target for what it does not have.
func (w *walker) whole(d *draft) {
	if len(d.Inputs) == 0 {
		// An input that was complained about is no reason to say that there
		// are none.
		if len(w.errs) == 0 {
			w.errorAt(Pos{}, "", "there are no inputs; list them as `inputs: { app: path/to/app.wasm }`")
		}
		return
	}
	ids := make([]string, len(d.Inputs))
	seen := map[string]Pos{}
	for i, in := range d.Inputs {
		ids[i] = in.ID
		if first, dup := seen[in.ID]; dup {
			w.errorAt(in.Pos, "inputs", "two inputs are called %q (the other is on line %d)", in.ID, first.Line)
		}
		seen[in.ID] = in.Pos
	}
	known := func(pos Pos, key, id string) {
		if _, ok := seen[id]; !ok && id != "" {
			w.errorAt(pos, key, "no input is called %q%s", id, DidYouMean(id, ids))
		}
	}
	known(d.rootPos, "graph.root", d.Graph.Root)
	for _, importer := range slices.Sorted(maps.Keys(d.Graph.Connect)) {
		if importer != "*" {
			known(d.importers[importer], "graph.connect", importer)
		}
		imports := d.Graph.Connect[importer]
		for _, name := range slices.Sorted(maps.Keys(imports)) {
			known(imports[name].Pos, "graph.connect."+importer+"."+name, imports[name].From)
		}
	}
	w.outputs(d)
	w.reports(d)
}

// outputs checks the list of outputs.
func (w *walker) outputs(d *draft) {
	written := map[string]Pos{}
	for i := range d.Outputs {
		o := &d.Outputs[i]
		if o.Path == "" {
			continue
		}
		if first, dup := written[o.Path]; dup {
			w.errorAt(o.Pos, "outputs", "%s is already the output on line %d", o.Path, first.Line)
		}
		written[o.Path] = o.Pos
		for _, in := range d.Inputs {
			if same(in.Path, o.Path) {
				w.errorAt(o.Pos, "outputs", "%s would overwrite the input %q", o.Path, in.ID)
			}
		}
		memory := o.Memory
		if memory == "" {
			memory = d.Link.Memory
		}
		if msg := CheckTarget(o.Target, o.Format, memory); msg != "" {
			w.errorAt(o.Pos, "outputs", "%s", msg)
		}
	}
}

// CheckTarget says what the target cannot run of an output, or "".
func CheckTarget(target, format, memory string) string {
	switch {
	case target == "":
	case format == "component":
		return "target " + target + " runs core modules, not components; use format core"
	case memory == "multi":
		return "target " + target + " has one memory per module; use memory single"
	}
	return ""
}

// same reports whether two paths are spelled differently at most.
func same(a, b string) bool {
	absA, errA := filepath.Abs(a)
	absB, errB := filepath.Abs(b)
	return errA == nil && errB == nil && absA == absB
}
