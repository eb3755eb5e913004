//go:build !unix

package wasi

import "io/fs"

// identity is what only some systems tell: see identity_unix.go.
func identity(fs.FileInfo) string { return "" }
