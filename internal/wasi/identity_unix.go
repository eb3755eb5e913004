//go:build unix

package wasi

import (
	"fmt"
	"io/fs"
	"syscall"
)

// identity tells a file from others of its name; "" where nothing does.
func identity(info fs.FileInfo) string {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return ""
	}
	return fmt.Sprint(st.Dev, " ", st.Ino)
}
