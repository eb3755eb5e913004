package runtime

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/tetratelabs/wazero/sys"
)

// Traps travel as panics with a *Trap, because they cross wazero: a panic in
// a host function unwinds the WebAssembly frames below it and comes back as
// an error that wraps the *Trap.

// trapf stops the running call with a trap.
func trapf(format string, args ...any) {
	panic(&Trap{Msg: fmt.Sprintf(format, args...)})
}

// hostError is an error that is not a trap but must cross WebAssembly frames:
// a missing feature, an exit.
type hostError struct{ err error }

func (h *hostError) Error() string { return h.err.Error() }
func (h *hostError) Unwrap() error { return h.err }

// catch turns a panic of trapf into an error. It is deferred at the edge of
// the package.
func catch(err *error) {
	switch r := recover().(type) {
	case nil:
	case *Trap:
		*err = r
	case *hostError:
		*err = r.err
	default:
		panic(r)
	}
}

// engineError sorts an error that wazero returned into what callers see.
func engineError(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	var trap *Trap
	if errors.As(err, &trap) {
		return trap
	}
	var host *hostError
	if errors.As(err, &host) {
		return host.err
	}
	var exit *sys.ExitError
	if errors.As(err, &exit) {
		switch exit.ExitCode() {
		case sys.ExitCodeContextCanceled, sys.ExitCodeDeadlineExceeded:
			if cerr := ctx.Err(); cerr != nil {
				return late(cerr)
			}
		}
		return &ExitError{Code: exit.ExitCode()}
	}
	msg, _, _ := strings.Cut(err.Error(), "\nwasm stack trace:")
	msg, _, _ = strings.Cut(msg, " (recovered by wazero)")
	return &Trap{Msg: strings.TrimPrefix(msg, "wasm error: "), Err: err}
}

// late is the error of a call that was stopped because its context was done.
func late(cause error) error { return fmt.Errorf("the call did not end in time: %w", cause) }

// raise continues an engine error as a panic, to cross the WebAssembly frames
// of the caller.
func raise(ctx context.Context, err error) {
	switch e := engineError(ctx, err).(type) {
	case nil:
	case *Trap:
		panic(e)
	default:
		panic(&hostError{e})
	}
}
