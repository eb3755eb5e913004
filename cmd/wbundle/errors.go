package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/wbundle/wbundle/internal/config"
)

// The exit codes; scripts rely on them.
const (
	exitOK     = 0
	exitError  = 1 // in the inputs or the build
	exitUsage  = 2 // command line or configuration
	exitVerify = 3
)

// usageError is a mistake on the command line.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error {
	return &usageError{fmt.Errorf(format, args...)}
}

// verifyError says that an output did not do what it should; the details have
// been printed.
type verifyError struct{ msg string }

func (e *verifyError) Error() string { return e.msg }

// hinted adds what to do to an error.
type hinted struct {
	err  error
	hint string
}

func (e *hinted) Error() string { return e.err.Error() }
func (e *hinted) Unwrap() error { return e.err }

// fail prints err and returns its exit code.
func (a *app) fail(err error) int {
	if a.progress != nil {
		a.progress.clear()
	}
	if status, ok := errors.AsType[exitStatus](err); ok {
		return int(status)
	}
	if errors.Is(err, context.Canceled) {
		err = errors.New("interrupted")
	}
	label := a.style.Error("error:")
	for line := range strings.SplitSeq(strings.TrimRight(err.Error(), "\n"), "\n") {
		if strings.HasPrefix(line, " ") || line == "" {
			fmt.Fprintln(a.stderr, line)
			continue
		}
		fmt.Fprintf(a.stderr, "%s %s\n", label, line)
	}
	code := exitCode(err)
	if hint := hintFor(err); hint != "" {
		fmt.Fprintf(a.stderr, "%s %s\n", a.style.Bold("hint:"), hint)
	}
	return code
}

// exitCode classifies an error.
func exitCode(err error) int {
	if _, ok := errors.AsType[*usageError](err); ok {
		return exitUsage
	}
	if _, ok := errors.AsType[config.Errors](err); ok {
		return exitUsage
	}
	if _, ok := errors.AsType[*verifyError](err); ok {
		return exitVerify
	}
	return exitError
}

// hintFor says what to do about an error, when that can be told.
func hintFor(err error) string {
	if h, ok := errors.AsType[*hinted](err); ok {
		return h.hint
	}
	if _, ok := errors.AsType[*verifyError](err); ok {
		return "nothing was written; --no-verify writes the output all the same, to look into it"
	}
	if errors.Is(err, fs.ErrPermission) {
		return "check the permissions of the file and of its directory"
	}
	return ""
}
