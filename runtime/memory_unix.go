//go:build linux || darwin

package runtime

import (
	"github.com/tetratelabs/wazero/experimental"
	"golang.org/x/sys/unix"
)

// allocate reserves max bytes of address space. The system gives pages as
// they are touched, all zero.
func allocate(cap, max uint64) experimental.LinearMemory {
	if max == 0 {
		return &sliceMemory{}
	}
	b, err := unix.Mmap(-1, 0, int(max), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON|unix.MAP_NORESERVE)
	if err != nil {
		return &sliceMemory{b: make([]byte, 0, cap)}
	}
	return &mappedMemory{b}
}

// mappedMemory is a reserved range of addresses.
type mappedMemory struct{ b []byte }

// Reallocate implements experimental.LinearMemory.
func (m *mappedMemory) Reallocate(size uint64) []byte {
	if size > uint64(len(m.b)) {
		return nil
	}
	return m.b[:size:size]
}

// Free implements experimental.LinearMemory.
func (m *mappedMemory) Free() {
	if m.b != nil {
		_ = unix.Munmap(m.b) // the range is ours; unmapping it whole cannot fail
		m.b = nil
	}
}
