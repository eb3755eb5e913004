package runtime

import (
	"context"

	"github.com/tetratelabs/wazero/experimental"
)

// withMemory makes wazero reserve a memory's whole range of addresses at once,
// where the system can: a bundle's windows lie far apart, and a slice that
// grew by copying would touch every page of the gaps between them.
func withMemory(ctx context.Context) context.Context {
	return experimental.WithMemoryAllocator(ctx, experimental.MemoryAllocatorFunc(allocate))
}

// sliceMemory is a memory in the Go heap, for systems without reservation and
// for when a reservation fails. It grows by copying.
type sliceMemory struct{ b []byte }

// Reallocate implements experimental.LinearMemory.
func (m *sliceMemory) Reallocate(size uint64) []byte {
	if size > uint64(cap(m.b)) {
		m.b = append(m.b[:cap(m.b)], make([]byte, size-uint64(cap(m.b)))...)
	}
	m.b = m.b[:size]
	return m.b
}

// Free implements experimental.LinearMemory.
func (m *sliceMemory) Free() { m.b = nil }
