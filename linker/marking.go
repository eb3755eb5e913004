package linker

import (
	"github.com/wbundle/wbundle/graph"
	"github.com/wbundle/wbundle/internal/wasm"
	"github.com/wbundle/wbundle/shake"
)

// marking says how the last marking goes. Builds mark precisely; the others are
// what docs/shake.md measures by.
type marking uint8

const (
	markPrecise marking = iota
	markTables          // everything in a live table is live
	markAll             // everything is live
)

// mark marks what is in the output.
func (m marking) mark(p *graph.Program) *shake.Live {
	if m == markPrecise {
		return shake.Mark(p)
	}
	// Adapters, and functions of windows, exist for what Mark reached before; the
	// others have no body to keep.
	for id := range p.Funcs {
		if f := &p.Funcs[id]; f.Kind == graph.FuncCanon || f.Kind == graph.FuncGenerated && f.Body == nil {
			f.Kind, f.Body = graph.FuncGenerated, &wasm.Body{Bytes: []byte{0, byte(wasm.OpUnreachable), byte(wasm.OpEnd)}, Code: 1}
		}
	}
	if m == markTables {
		return shake.Coarse(p)
	}
	return shake.All(p)
}
