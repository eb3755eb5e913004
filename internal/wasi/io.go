package wasi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/wbundle/wbundle/internal/component"
	"github.com/wbundle/wbundle/internal/wit"
)

// pollable is something to wait for.
type pollable interface {
	ready() bool
	// wait returns when it is ready or ctx is done.
	wait(ctx context.Context)
}

// always is ready.
type always struct{}

func (always) ready() bool          { return true }
func (always) wait(context.Context) {}

const (
	// maxRead bounds what one read returns, whatever was asked for: 1 MiB.
	maxRead = 1 << 20
	// writeBudget is what check-write permits: 1 MiB.
	writeBudget = 1 << 20
	// flushBudget bounds blocking-write-and-flush (wasi:io/streams).
	flushBudget = 4096
)

// inputStream is an input-stream: of what may block (r: the standard input,
// the body of a request), or of a file.
type inputStream struct {
	r   *reader
	f   file
	off int64
	// close, when set, is told that the stream is dropped.
	close func() error
}

// Close implements io.Closer.
func (s *inputStream) Close() error {
	if s.close != nil {
		return s.close()
	}
	return nil
}

// read returns up to n bytes; io.EOF at the end. Without block it returns what
// is there, which may be nothing.
func (s *inputStream) read(ctx context.Context, n uint64, block bool) ([]byte, error) {
	n = min(n, maxRead)
	if s.r != nil {
		return s.r.read(ctx, int(n), block)
	}
	if n == 0 {
		return nil, nil
	}
	b := make([]byte, n)
	got, err := s.f.ReadAt(b, s.off)
	s.off += int64(got)
	if got > 0 {
		err = nil
	}
	return b[:got], err
}

func (s *inputStream) pollable() pollable {
	if s.r != nil {
		return s.r
	}
	return always{}
}

// reader reads an io.Reader, which may block, on behalf of streams that must
// not. It reads ahead only when it was asked for bytes or for readiness, so
// that what the program does not want stays where it is.
type reader struct {
	r io.Reader

	mu      sync.Mutex
	buf     []byte
	err     error
	pending chan struct{} // closed when the read in progress is done; nil: none
}

const readAhead = 64 << 10

// fill starts a read unless something is there or under way, and returns a
// channel that is closed when it is done; nil when something is there.
func (r *reader) fill(n int) chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.buf) > 0 || r.err != nil {
		return nil
	}
	if r.pending == nil {
		done := make(chan struct{})
		r.pending = done
		go func() {
			b := make([]byte, n)
			got, err := r.r.Read(b)
			r.mu.Lock()
			r.buf, r.err, r.pending = b[:got], err, nil
			r.mu.Unlock()
			close(done)
		}()
	}
	return r.pending
}

func (r *reader) read(ctx context.Context, n int, block bool) ([]byte, error) {
	if n == 0 {
		return nil, nil
	}
	for {
		done := r.fill(min(n, readAhead))
		if done != nil && !block {
			return nil, nil
		}
		if done != nil {
			select {
			case <-done:
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
		r.mu.Lock()
		got := min(n, len(r.buf))
		b, err := r.buf[:got:got], r.err
		r.buf = r.buf[got:]
		r.mu.Unlock()
		if got > 0 {
			return b, nil
		}
		if err != nil {
			r.mu.Lock()
			r.err = io.EOF // the error is told once; the stream is closed since
			r.mu.Unlock()
			return nil, err
		}
	}
}

func (r *reader) ready() bool { return r.fill(1) == nil }

func (r *reader) wait(ctx context.Context) {
	if done := r.fill(1); done != nil {
		select {
		case <-done:
		case <-ctx.Done():
		}
	}
}

// outputStream is an output-stream: to a writer, or to a file.
type outputStream struct {
	w      io.Writer
	f      file
	off    int64
	append bool
	flush  func() error // nil: what was written is where it belongs
	close  func() error // nil, or told that the stream is dropped
	failed error
}

// Close implements io.Closer.
func (s *outputStream) Close() error {
	if s.close != nil {
		return s.close()
	}
	return nil
}

func (s *outputStream) write(b []byte) error {
	if s.failed != nil {
		return io.EOF // the error was told once; the stream is closed since
	}
	var err error
	switch {
	case s.w != nil:
		_, err = s.w.Write(b)
	case s.append:
		// O_APPEND files do not take WriteAt: the offset is the end's.
		_, err = s.f.Write(b)
	default:
		var n int
		n, err = s.f.WriteAt(b, s.off)
		s.off += int64(n)
	}
	s.failed = err
	return err
}

// ioError is a wasi:io/error.
type ioError struct{ err error }

// ioFuncs are those of wasi:io.
func (h *Host) ioFuncs() {
	h.funcs["wasi:io/error#[method]error.to-debug-string"] = func(c *call) (wit.Value, error) {
		e, err := object[*ioError](c, 0)
		if err != nil {
			return wit.Value{}, err
		}
		return text(e.err.Error()), nil
	}
	h.funcs["wasi:io/poll#[method]pollable.ready"] = func(c *call) (wit.Value, error) {
		p, err := object[pollable](c, 0)
		if err != nil {
			return wit.Value{}, err
		}
		return wit.Bool(p.ready()), nil
	}
	h.funcs["wasi:io/poll#[method]pollable.block"] = func(c *call) (wit.Value, error) {
		p, err := object[pollable](c, 0)
		if err != nil {
			return wit.Value{}, err
		}
		p.wait(c.ctx)
		return wit.Value{}, c.ctx.Err()
	}
	h.funcs["wasi:io/poll#poll"] = poll

	read := func(block, skip bool) method {
		return func(c *call) (wit.Value, error) {
			s, err := object[*inputStream](c, 0)
			if err != nil {
				return wit.Value{}, err
			}
			n := c.args[1].Uint()
			b, err := s.read(c.ctx, n, block)
			if err != nil {
				return c.streamError(err)
			}
			if skip {
				return c.ok(wit.U64(uint64(len(b))))
			}
			return c.ok(wit.Bytes(c.t.Result.Ok, b))
		}
	}
	const in, out = "wasi:io/streams#[method]input-stream.", "wasi:io/streams#[method]output-stream."
	h.funcs[in+"read"] = read(false, false)
	h.funcs[in+"blocking-read"] = read(true, false)
	h.funcs[in+"skip"] = read(false, true)
	h.funcs[in+"blocking-skip"] = read(true, true)
	h.funcs[in+"subscribe"] = func(c *call) (wit.Value, error) {
		s, err := object[*inputStream](c, 0)
		if err != nil {
			return wit.Value{}, err
		}
		return c.handle(c.t.Result, s.pollable()), nil
	}

	h.funcs[out+"check-write"] = func(c *call) (wit.Value, error) {
		s, err := object[*outputStream](c, 0)
		if err != nil {
			return wit.Value{}, err
		}
		if s.failed != nil {
			return c.streamError(io.EOF)
		}
		return c.ok(wit.U64(writeBudget))
	}
	// write and its kin: what was written is with the writer or the operating
	// system when they return.
	write := func(limit uint64, zeroes, flush bool) method {
		return func(c *call) (wit.Value, error) {
			s, err := object[*outputStream](c, 0)
			if err != nil {
				return wit.Value{}, err
			}
			var b []byte
			n := uint64(0)
			if zeroes {
				n = c.args[1].Uint()
			} else {
				b = c.args[1].AsBytes()
				n = uint64(len(b))
			}
			if n > limit {
				return wit.Value{}, fmt.Errorf("a write of %d bytes exceeds what is permitted, %d", n, limit)
			}
			if zeroes {
				b = make([]byte, n)
			}
			err = s.write(b)
			if err == nil && flush && s.flush != nil {
				err = s.flush()
				s.failed = err
			}
			if err != nil {
				return c.streamError(err)
			}
			return c.ok(wit.Value{})
		}
	}
	h.funcs[out+"write"] = write(writeBudget, false, false)
	h.funcs[out+"blocking-write-and-flush"] = write(flushBudget, false, true)
	h.funcs[out+"write-zeroes"] = write(writeBudget, true, false)
	h.funcs[out+"blocking-write-zeroes-and-flush"] = write(flushBudget, true, true)
	flush := func(c *call) (wit.Value, error) {
		s, err := object[*outputStream](c, 0)
		if err != nil {
			return wit.Value{}, err
		}
		if s.failed != nil {
			return c.streamError(io.EOF)
		}
		if s.flush != nil {
			if s.failed = s.flush(); s.failed != nil {
				return c.streamError(s.failed)
			}
		}
		return c.ok(wit.Value{})
	}
	h.funcs[out+"flush"] = flush
	h.funcs[out+"blocking-flush"] = flush
	h.funcs[out+"subscribe"] = func(c *call) (wit.Value, error) {
		if _, err := object[*outputStream](c, 0); err != nil {
			return wit.Value{}, err
		}
		return c.handle(c.t.Result, always{}), nil
	}
	splice := func(block bool) method {
		return func(c *call) (wit.Value, error) {
			dst, err := object[*outputStream](c, 0)
			if err != nil {
				return wit.Value{}, err
			}
			src, err := object[*inputStream](c, 1)
			if err != nil {
				return wit.Value{}, err
			}
			b, err := src.read(c.ctx, min(c.args[2].Uint(), writeBudget), block)
			if err == nil {
				err = dst.write(b)
			}
			if err != nil {
				return c.streamError(err)
			}
			return c.ok(wit.U64(uint64(len(b))))
		}
	}
	h.funcs[out+"splice"] = splice(false)
	h.funcs[out+"blocking-splice"] = splice(true)
}

// streamError is the stream-error of a result: closed at the end, and
// last-operation-failed with an error to ask about otherwise.
func (c *call) streamError(err error) (wit.Value, error) {
	t := c.t.Result.Err
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return wit.Value{}, err
	}
	var v wit.Value
	var verr error
	if errors.Is(err, io.EOF) {
		v, verr = variant(t, "closed", wit.Value{})
	} else {
		v, verr = variant(t, "last-operation-failed", c.handle(casePayload(t, "last-operation-failed"), &ioError{err}))
	}
	return wit.Err(c.t.Result, v), verr
}

func casePayload(t *component.ValType, name string) *component.ValType {
	for _, c := range t.Cases {
		if c.Name == name {
			return c.Type
		}
	}
	return nil
}

// poll waits until one of the pollables is ready, and returns the indices of
// those that are.
func poll(c *call) (wit.Value, error) {
	n := c.args[0].Len()
	if n == 0 {
		return wit.Value{}, errors.New("poll of no pollables never returns")
	}
	ps := make([]pollable, n)
	for i := range n {
		var err error
		if ps[i], err = objectOf[pollable](c.Host, c.args[0].Index(i)); err != nil {
			return wit.Value{}, err
		}
	}
	for {
		var ready []wit.Value
		for i, p := range ps {
			if p.ready() {
				ready = append(ready, wit.U32(uint32(i)))
			}
		}
		if len(ready) > 0 {
			return wit.List(c.t.Result, ready), nil
		}
		waitAny(c.ctx, ps)
		if err := c.ctx.Err(); err != nil {
			return wit.Value{}, err
		}
	}
}

// waitAny returns when one of the pollables is ready.
func waitAny(ctx context.Context, ps []pollable) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for _, p := range ps[1:] {
		go func() {
			p.wait(ctx)
			cancel()
		}()
	}
	ps[0].wait(ctx)
}
