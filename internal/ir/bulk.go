package ir

import (
	"github.com/wbundle/wbundle/graph"
	"github.com/wbundle/wbundle/internal/wasm"
)

// MemoryCopy appends memory.copy: addresses, lengths and traps are those of the
// memories' owners.
func (b *Builder) MemoryCopy(dst, src graph.MemoryID) {
	b.memOp(wasm.OpMemoryCopy)
	b.site(wasm.SiteMemory, uint32(dst), wasm.OpMemoryCopy)
	b.site(wasm.SiteMemory, uint32(src), wasm.OpMemoryCopy)
}

// MemoryFill appends memory.fill, in the same terms.
func (b *Builder) MemoryFill(m graph.MemoryID) {
	b.memOp(wasm.OpMemoryFill)
	b.site(wasm.SiteMemory, uint32(m), wasm.OpMemoryFill)
}
