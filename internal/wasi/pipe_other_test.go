//go:build !unix

package wasi

import "errors"

func mkfifo(string) error { return errors.ErrUnsupported }
