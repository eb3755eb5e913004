//go:build !linux && !darwin

package runtime

import "github.com/tetratelabs/wazero/experimental"

// allocate makes a memory in the Go heap.
func allocate(cap, _ uint64) experimental.LinearMemory {
	return &sliceMemory{b: make([]byte, 0, cap)}
}
