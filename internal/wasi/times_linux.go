package wasi

import (
	"io/fs"
	"syscall"
	"time"
)

// times returns when a file was last read and when its status changed, zero
// where it is not known, and the number of its names.
func times(info fs.FileInfo) (access, status time.Time, links uint64) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return time.Time{}, time.Time{}, 1
	}
	return time.Unix(st.Atim.Unix()), time.Unix(st.Ctim.Unix()), uint64(st.Nlink)
}
