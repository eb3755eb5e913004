package wasi

import (
	"errors"
	"io/fs"
	"strings"
	"syscall"
)

// errorCodes names the operating system's errors as wasi:filesystem does.
var errorCodes = map[syscall.Errno]string{
	syscall.EACCES: "access", syscall.EAGAIN: "would-block", syscall.EALREADY: "already", syscall.EBADF: "bad-descriptor",
	syscall.EBUSY: "busy", syscall.EDEADLK: "deadlock", syscall.EDQUOT: "quota", syscall.EEXIST: "exist", syscall.EFBIG: "file-too-large",
	syscall.EILSEQ: "illegal-byte-sequence", syscall.EINPROGRESS: "in-progress", syscall.EINTR: "interrupted", syscall.EINVAL: "invalid",
	syscall.EIO: "io", syscall.EISDIR: "is-directory", syscall.ELOOP: "loop", syscall.EMLINK: "too-many-links",
	syscall.EMSGSIZE: "message-size", syscall.ENAMETOOLONG: "name-too-long", syscall.ENODEV: "no-device", syscall.ENOENT: "no-entry",
	syscall.ENOLCK: "no-lock", syscall.ENOMEM: "insufficient-memory", syscall.ENOSPC: "insufficient-space", syscall.ENOTDIR: "not-directory",
	syscall.ENOTEMPTY: "not-empty", syscall.ENOTSUP: "unsupported", syscall.ENOSYS: "unsupported", syscall.ENOTTY: "no-tty",
	syscall.ENXIO: "no-such-device", syscall.EOVERFLOW: "overflow", syscall.EPERM: "not-permitted", syscall.EPIPE: "pipe",
	syscall.EROFS: "read-only", syscall.ESPIPE: "invalid-seek", syscall.ETXTBSY: "text-file-busy", syscall.EXDEV: "cross-device",
}

// errorCode is the wasi:filesystem error-code of an error.
func errorCode(err error) string {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		if code, ok := errorCodes[errno]; ok {
			return code
		}
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "no-entry"
	case errors.Is(err, fs.ErrExist):
		return "exist"
	case errors.Is(err, fs.ErrPermission):
		return "not-permitted"
	case errors.Is(err, fs.ErrInvalid):
		return "invalid"
	case errors.Is(err, fs.ErrClosed):
		return "bad-descriptor"
	// os.Root does not export its error.
	case strings.Contains(err.Error(), "path escapes from parent"):
		return "not-permitted"
	case strings.Contains(err.Error(), "not a directory"):
		return "not-directory"
	}
	return "io"
}
