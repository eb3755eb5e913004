package wasi

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/wbundle/wbundle/internal/wit"
)

// maxUnsent bounds what a program may write to a body before it says where the
// body goes: 64 MiB.
const maxUnsent = 64 << 20

// incomingBody is a wasi:http incoming-body.
type incomingBody struct {
	from    io.ReadCloser
	r       *reader
	trailer func() http.Header // known when the body has been read
	taken   bool               // its stream was asked for
	open    bool               // and is not dropped
}

func newIncomingBody(body io.ReadCloser, trailer func() http.Header) *incomingBody {
	if body == nil {
		body = http.NoBody
	}
	return &incomingBody{from: body, r: &reader{r: bodyReader{body}}, trailer: trailer}
}

// bodyReader marks the errors of a body as such.
type bodyReader struct{ r io.Reader }

func (b bodyReader) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if err != nil && err != io.EOF {
		if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
			err = &codedError{"HTTP-request-body-size", uint64(tooLarge.Limit)}
		}
		err = &bodyError{err}
	}
	return n, err
}

func (b *incomingBody) busy() bool { return b.open }

// Close implements io.Closer.
func (b *incomingBody) Close() error { return b.from.Close() }

// futureTrailers is a wasi:http future-trailers. What is left of the body is
// read when somebody asks for them.
type futureTrailers struct {
	body *incomingBody
	done chan struct{} // nil until then
	err  error         // why the body was not read; once done is closed
	told bool
}

func (f *futureTrailers) start(ctx context.Context) {
	if f.done != nil {
		return
	}
	f.done = make(chan struct{})
	go func() {
		defer close(f.done)
		for {
			if _, err := f.body.r.read(ctx, readAhead, true); errors.Is(err, io.EOF) {
				return
			} else if err != nil {
				f.err = err
				return
			}
		}
	}()
}

// Close implements io.Closer.
func (f *futureTrailers) Close() error { return f.body.Close() }

// signal is a pollable: the closing of a channel.
type signal <-chan struct{}

func (s signal) ready() bool {
	select {
	case <-s:
		return true
	default:
		return false
	}
}

func (s signal) wait(ctx context.Context) {
	select {
	case <-s:
	case <-ctx.Done():
	}
}

// outgoingBody is a wasi:http outgoing-body. What is written to it before it
// has somewhere to go is kept.
type outgoingBody struct {
	to      bodySink
	kept    bytes.Buffer
	size    int64 // content-length; -1: any
	tooMuch string
	written int64
	taken   bool // its stream was asked for
	open    bool // and is not dropped
	// ended is set when the program finished or dropped the body; complete and
	// trailers say how.
	ended    bool
	complete bool
	trailers *fields
}

// bodySink takes an outgoing body.
type bodySink interface {
	io.Writer
	flush() error
	// end is called once, when the program ended the body: complete, or by
	// dropping it.
	end(complete bool, trailers *fields)
}

// newOutgoingBody makes the body of a message with headers. tooMuch is the
// error-code for one whose size is not what the headers say.
func newOutgoingBody(headers *fields, tooMuch string) *outgoingBody {
	b := &outgoingBody{size: -1, tooMuch: tooMuch}
	for _, h := range headers.list {
		if strings.EqualFold(h.name, "content-length") {
			if n, err := strconv.ParseInt(string(h.value), 10, 64); err == nil && n >= 0 {
				b.size = n
			}
		}
	}
	return b
}

// connect says where the body goes.
func (b *outgoingBody) connect(to bodySink) {
	b.to = to
	if b.kept.Len() > 0 {
		// A failure comes back with the next write; a program that does not
		// write again could do nothing with it.
		_, _ = to.Write(b.kept.Bytes())
		b.kept = bytes.Buffer{}
	}
	if b.ended {
		to.end(b.complete, b.trailers)
	}
}

// Write implements io.Writer.
func (b *outgoingBody) Write(p []byte) (int, error) {
	n := b.written + int64(len(p))
	if b.size >= 0 && n > b.size {
		return 0, &bodyError{&codedError{b.tooMuch, uint64(n)}}
	}
	b.written = n
	if b.to != nil {
		n, err := b.to.Write(p)
		if err != nil {
			err = &bodyError{err}
		}
		return n, err
	}
	if b.kept.Len()+len(p) > maxUnsent {
		return 0, &bodyError{errors.New("the body is too large to be kept until it is sent")}
	}
	return b.kept.Write(p)
}

func (b *outgoingBody) flush() error {
	if b.to == nil {
		return nil
	}
	return b.to.flush()
}

func (b *outgoingBody) finish(complete bool, trailers *fields) {
	if b.ended {
		return
	}
	b.ended, b.complete, b.trailers = true, complete, trailers
	if b.to != nil {
		b.to.end(complete, trailers)
	}
}

func (b *outgoingBody) busy() bool { return b.open }

// Close implements io.Closer: a body that was not finished is broken off.
func (b *outgoingBody) Close() error {
	b.finish(false, nil)
	return nil
}

func (h *Host) bodyFuncs() {
	on(h, "incoming-body.stream", func(c *call, b *incomingBody) (wit.Value, error) {
		if b.taken {
			return wit.Err(c.t.Result, wit.Value{}), nil
		}
		b.taken, b.open = true, true
		return c.ok(c.handle(c.t.Result.Ok, &inputStream{r: b.r, close: func() error {
			b.open = false
			return nil
		}}))
	})
	h.funcs[httpTypes+"[static]incoming-body.finish"] = func(c *call) (wit.Value, error) {
		b, err := take[*incomingBody](c, 0)
		if err != nil {
			return wit.Value{}, err
		}
		if b.open {
			return wit.Value{}, errors.New("an incoming-body is finished before its stream is dropped")
		}
		return c.handle(c.t.Result, &futureTrailers{body: b}), nil
	}
	on(h, "future-trailers.subscribe", func(c *call, f *futureTrailers) (wit.Value, error) {
		f.start(c.ctx)
		return c.handle(c.t.Result, signal(f.done)), nil
	})
	on(h, "future-trailers.get", func(c *call, f *futureTrailers) (wit.Value, error) {
		f.start(c.ctx)
		opt := c.t.Result
		once := opt.Elem
		switch {
		case !signal(f.done).ready():
			return wit.None(opt), nil
		case f.told:
			return wit.Some(opt, wit.Err(once, wit.Value{})), nil
		}
		f.told = true
		if f.err != nil {
			return wit.Some(opt, wit.Ok(once, wit.Err(once.Ok, httpErrorCode(once.Ok.Err, f.err)))), nil
		}
		trailers := wit.None(once.Ok.Ok)
		if t := f.body.trailer(); len(t) > 0 {
			trailers = wit.Some(once.Ok.Ok, c.handle(once.Ok.Ok.Elem, incomingFields(t)))
		}
		return wit.Some(opt, wit.Ok(once, wit.Ok(once.Ok, trailers))), nil
	})

	on(h, "outgoing-body.write", func(c *call, b *outgoingBody) (wit.Value, error) {
		if b.taken {
			return wit.Err(c.t.Result, wit.Value{}), nil
		}
		b.taken, b.open = true, true
		return c.ok(c.handle(c.t.Result.Ok, &outputStream{w: b, flush: b.flush, close: func() error {
			b.open = false
			return nil
		}}))
	})
	h.funcs[httpTypes+"[static]outgoing-body.finish"] = func(c *call) (wit.Value, error) {
		b, err := take[*outgoingBody](c, 0)
		if err != nil {
			return wit.Value{}, err
		}
		if b.open {
			return wit.Value{}, errors.New("an outgoing-body is finished before its stream is dropped")
		}
		var trailers *fields
		if t := c.args[1]; t.Case() == 1 {
			if trailers, err = takeOf[*fields](c.Host, t.Payload()); err != nil {
				return wit.Value{}, err
			}
		}
		if b.size >= 0 && b.written != b.size {
			b.finish(false, nil)
			return c.httpError(&codedError{b.tooMuch, uint64(b.written)})
		}
		b.finish(true, trailers)
		return c.ok(wit.Value{})
	}
}
