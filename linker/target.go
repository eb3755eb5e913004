package linker

import (
	"fmt"
	"strings"

	"github.com/wbundle/wbundle/graph"
	"github.com/wbundle/wbundle/shake"
)

// checkTarget refuses what the target does not have: by name, with the input
// that needs it.
func (f *flattener) checkTarget(live *shake.Live) error {
	t := f.opts.Target
	if t == TargetAny {
		return nil
	}
	p := f.p
	var missing []string
	for id := graph.FuncID(1); int(id) < len(p.Funcs); id++ {
		fn := &p.Funcs[id]
		if fn.Kind != graph.FuncImport || !live.Func(id) || t != TargetPreview1 || fn.Import.Module == preview1Module {
			continue
		}
		if isWASI(fn.Import.Module) {
			missing = append(missing, coreName(fn.Import.Module, fn.Import.Name))
		}
	}
	if len(missing) > 0 {
		const most = 5
		more := ""
		if len(missing) > most {
			more = fmt.Sprintf(" and %d more", len(missing)-most)
			missing = missing[:most]
		}
		return fmt.Errorf("target %s offers WASI preview 1 only, but the bundle calls %s%s; use target wazero, or deny or stub them (wasi.rules)",
			t, strings.Join(missing, ", "), more)
	}
	for id := graph.MemoryID(1); int(id) < len(p.Memories); id++ {
		m := &p.Memories[id]
		if !live.Memory(id) {
			continue
		}
		switch {
		case m.Type.Is64:
			return fmt.Errorf("%s has a 64-bit memory, which target %s does not run", m.Name, t)
		case m.Type.Shared:
			return fmt.Errorf("%s has a shared memory (threads), which target %s does not run", m.Name, t)
		}
	}
	return nil
}
