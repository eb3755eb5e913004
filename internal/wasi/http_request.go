package wasi

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/wbundle/wbundle/internal/wit"
)

// incomingRequest is a wasi:http incoming-request.
type incomingRequest struct {
	method, scheme, authority, path string
	headers                         *fields
	body                            *incomingBody // nil when it was consumed
}

// outgoingRequest is a wasi:http outgoing-request.
type outgoingRequest struct {
	method                  string
	scheme, authority, path *string
	headers                 *fields
	body                    *outgoingBody // nil until it is asked for
}

// requestOptions is a wasi:http request-options.
type requestOptions struct{ firstByte *uint64 }

// futureResponse is a wasi:http future-incoming-response.
type futureResponse struct {
	cancel context.CancelFunc
	done   chan struct{}
	// response or err is set when done is closed.
	response *http.Response
	err      error
	told     bool
}

// Close implements io.Closer: nobody waits for the response any more.
func (f *futureResponse) Close() error {
	if f.told {
		return nil // the response has it now
	}
	f.cancel()
	go func() {
		if <-f.done; f.response != nil {
			f.response.Body.Close()
		}
	}()
	return nil
}

func (h *Host) requestFuncs() {
	on(h, "incoming-request.method", func(c *call, r *incomingRequest) (wit.Value, error) {
		return methodValue(c.t.Result, r.method)
	})
	on(h, "incoming-request.path-with-query", func(c *call, r *incomingRequest) (wit.Value, error) {
		return wit.Some(c.t.Result, text(r.path)), nil
	})
	on(h, "incoming-request.scheme", func(c *call, r *incomingRequest) (wit.Value, error) {
		v, err := schemeValue(c.t.Result.Elem, r.scheme)
		return wit.Some(c.t.Result, v), err
	})
	on(h, "incoming-request.authority", func(c *call, r *incomingRequest) (wit.Value, error) {
		if r.authority == "" {
			return wit.None(c.t.Result), nil
		}
		return wit.Some(c.t.Result, text(r.authority)), nil
	})
	on(h, "incoming-request.headers", func(c *call, r *incomingRequest) (wit.Value, error) {
		return c.handle(c.t.Result, r.headers), nil
	})
	on(h, "incoming-request.consume", func(c *call, r *incomingRequest) (wit.Value, error) {
		return c.consume(&r.body)
	})

	h.funcs[httpTypes+"[constructor]outgoing-request"] = func(c *call) (wit.Value, error) {
		headers, err := take[*fields](c, 0)
		if err != nil {
			return wit.Value{}, err
		}
		headers.fixed = true
		return c.handle(c.t.Result, &outgoingRequest{method: http.MethodGet, headers: headers}), nil
	}
	on(h, "outgoing-request.body", func(c *call, r *outgoingRequest) (wit.Value, error) {
		if r.body != nil {
			return wit.Err(c.t.Result, wit.Value{}), nil
		}
		r.body = newOutgoingBody(r.headers, "HTTP-request-body-size")
		return c.ok(c.handle(c.t.Result.Ok, r.body))
	})
	on(h, "outgoing-request.method", func(c *call, r *outgoingRequest) (wit.Value, error) {
		return methodValue(c.t.Result, r.method)
	})
	on(h, "outgoing-request.path-with-query", func(c *call, r *outgoingRequest) (wit.Value, error) {
		return optional(c.t.Result, r.path), nil
	})
	on(h, "outgoing-request.authority", func(c *call, r *outgoingRequest) (wit.Value, error) {
		return optional(c.t.Result, r.authority), nil
	})
	on(h, "outgoing-request.scheme", func(c *call, r *outgoingRequest) (wit.Value, error) {
		if r.scheme == nil {
			return wit.None(c.t.Result), nil
		}
		v, err := schemeValue(c.t.Result.Elem, *r.scheme)
		return wit.Some(c.t.Result, v), err
	})
	on(h, "outgoing-request.headers", func(c *call, r *outgoingRequest) (wit.Value, error) {
		return c.handle(c.t.Result, r.headers), nil
	})
	on(h, "outgoing-request.set-method", func(c *call, r *outgoingRequest) (wit.Value, error) {
		m := methodName(c.args[1])
		return c.set(m != "", func() { r.method = m })
	})
	on(h, "outgoing-request.set-path-with-query", func(c *call, r *outgoingRequest) (wit.Value, error) {
		p := stringOf(c.args[1])
		return c.set(p == nil || validPath(*p), func() { r.path = p })
	})
	on(h, "outgoing-request.set-authority", func(c *call, r *outgoingRequest) (wit.Value, error) {
		a := stringOf(c.args[1])
		return c.set(a == nil || validAuthority(*a), func() { r.authority = a })
	})
	on(h, "outgoing-request.set-scheme", func(c *call, r *outgoingRequest) (wit.Value, error) {
		if c.args[1].Case() == 0 {
			return c.set(true, func() { r.scheme = nil })
		}
		s := schemeName(c.args[1].Payload())
		return c.set(validScheme(s), func() { r.scheme = &s })
	})

	// The implementation of a request connects, and reads, as it likes: only
	// the time until the head of the response is the host's to bound.
	h.funcs[httpTypes+"[constructor]request-options"] = func(c *call) (wit.Value, error) {
		return c.handle(c.t.Result, &requestOptions{}), nil
	}
	on(h, "request-options.first-byte-timeout", func(c *call, o *requestOptions) (wit.Value, error) {
		if o.firstByte == nil {
			return wit.None(c.t.Result), nil
		}
		return wit.Some(c.t.Result, wit.U64(*o.firstByte)), nil
	})
	on(h, "request-options.set-first-byte-timeout", func(c *call, o *requestOptions) (wit.Value, error) {
		o.firstByte = nil
		if v := c.args[1]; v.Case() == 1 {
			n := v.Payload().Uint()
			o.firstByte = &n
		}
		return c.ok(wit.Value{})
	})
	for _, name := range []string{"connect-timeout", "between-bytes-timeout"} {
		on(h, "request-options."+name, func(c *call, o *requestOptions) (wit.Value, error) { return wit.None(c.t.Result), nil })
		on(h, "request-options.set-"+name, func(c *call, o *requestOptions) (wit.Value, error) {
			return wit.Err(c.t.Result, wit.Value{}), nil
		})
	}

	h.funcs["wasi:http/outgoing-handler#handle"] = send
	on(h, "future-incoming-response.subscribe", func(c *call, f *futureResponse) (wit.Value, error) {
		return c.handle(c.t.Result, signal(f.done)), nil
	})
	on(h, "future-incoming-response.get", func(c *call, f *futureResponse) (wit.Value, error) {
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
			f.cancel()
			return wit.Some(opt, wit.Ok(once, wit.Err(once.Ok, httpErrorCode(once.Ok.Err, f.err)))), nil
		}
		r := f.response
		body := &cancelled{r.Body, f.cancel}
		in := &incomingResponse{status: r.StatusCode, headers: incomingFields(r.Header), body: newIncomingBody(body, func() http.Header { return r.Trailer })}
		return wit.Some(opt, wit.Ok(once, wit.Ok(once.Ok, c.handle(once.Ok.Ok, in)))), nil
	})
}

// cancelled is the body of a response, whose request is over with it.
type cancelled struct {
	io.ReadCloser
	cancel context.CancelFunc
}

// Close implements io.Closer.
func (b *cancelled) Close() error {
	defer b.cancel()
	return b.ReadCloser.Close()
}

// set makes a change, if it is a valid one.
func (c *call) set(valid bool, change func()) (wit.Value, error) {
	if !valid {
		return wit.Err(c.t.Result, wit.Value{}), nil
	}
	change()
	return c.ok(wit.Value{})
}

// stringOf is a value of option<string>.
func stringOf(v wit.Value) *string {
	if v.Case() == 0 {
		return nil
	}
	s := v.Payload().Text()
	return &s
}

func validPath(s string) bool {
	if strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return false // ParseRequestURI would escape them
	}
	_, err := url.ParseRequestURI(s)
	return s == "" || s[0] == '/' && err == nil
}

func validAuthority(s string) bool {
	u, err := url.Parse("http://" + s + "/")
	return s != "" && err == nil && u.Host == s
}

func validScheme(s string) bool {
	u, err := url.Parse(s + "://h/")
	return s != "" && err == nil && strings.EqualFold(u.Scheme, s)
}

// send is outgoing-handler's handle.
func send(c *call) (wit.Value, error) {
	r, err := take[*outgoingRequest](c, 0)
	if err != nil {
		return wit.Value{}, err
	}
	o := &requestOptions{}
	if c.args[1].Case() == 1 {
		if o, err = takeOf[*requestOptions](c.Host, c.args[1].Payload()); err != nil {
			return wit.Value{}, err
		}
	}
	fail := func(code string) (wit.Value, error) {
		if r.body != nil {
			r.body.connect(gone{})
		}
		return c.httpError(&codedError{code: code})
	}
	if c.cfg.HTTP == nil {
		return fail("HTTP-request-denied")
	}
	request, err := r.build()
	if err != nil {
		return fail("HTTP-request-URI-invalid")
	}
	ctx, cancel := context.WithCancel(c.ctx)
	f := &futureResponse{cancel: cancel, done: make(chan struct{})}
	timer := func() bool { return true }
	if o.firstByte != nil {
		timer = time.AfterFunc(time.Duration(min(*o.firstByte, 1<<62)), cancel).Stop
	}
	if r.body != nil {
		pipe := newBodyPipe()
		// A request that is over takes nothing any more, and the program must
		// not wait for it.
		context.AfterFunc(ctx, func() { pipe.Close() })
		request.Body = pipe
		r.body.connect(pipe)
	}
	transport := c.cfg.HTTP
	go func() {
		defer close(f.done)
		f.response, f.err = transport.RoundTrip(request.WithContext(ctx))
		if !timer() && f.err != nil {
			f.err = &codedError{code: "HTTP-response-timeout"}
		}
	}()
	return c.ok(c.handle(c.t.Result.Ok, f))
}

// build makes the request of net/http.
func (r *outgoingRequest) build() (*http.Request, error) {
	scheme, path := "https", "/"
	if r.scheme != nil {
		scheme = *r.scheme
	}
	if r.path != nil && *r.path != "" {
		path = *r.path
	}
	if r.authority == nil {
		return nil, errors.New("the request has no authority")
	}
	request, err := http.NewRequest(r.method, scheme+"://"+*r.authority+path, nil)
	if err != nil {
		return nil, err
	}
	r.headers.addTo(request.Header, "")
	request.Header.Del("Content-Length")
	if r.body != nil {
		request.ContentLength = r.body.size
	}
	return request, nil
}

// bodyPipe carries the body of a request from the program, which writes, to
// the one who sends it. Trailers do not go with it: net/http wants to know their
// names before the body.
type bodyPipe struct {
	mu      sync.Mutex
	changed *sync.Cond
	buf     bytes.Buffer
	last    error // what the reader gets after buf; nil: there is more to come
	closed  bool  // nobody reads
}

func newBodyPipe() *bodyPipe {
	p := &bodyPipe{}
	p.changed = sync.NewCond(&p.mu)
	return p
}

// Write implements io.Writer. It waits while much is not read yet.
func (p *bodyPipe) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.buf.Len() >= writeBudget && !p.closed {
		p.changed.Wait()
	}
	if p.closed {
		return 0, io.ErrClosedPipe
	}
	p.changed.Broadcast()
	return p.buf.Write(b)
}

func (p *bodyPipe) flush() error { return nil }

func (p *bodyPipe) end(complete bool, _ *fields) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last = io.EOF
	if !complete {
		p.last = io.ErrUnexpectedEOF
	}
	p.changed.Broadcast()
}

// Read implements io.Reader.
func (p *bodyPipe) Read(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.buf.Len() == 0 && p.last == nil && !p.closed {
		p.changed.Wait()
	}
	switch {
	case p.buf.Len() > 0:
		p.changed.Broadcast()
		return p.buf.Read(b)
	case p.last != nil:
		return 0, p.last
	}
	return 0, io.ErrClosedPipe
}

// Close implements io.Closer, for the reader.
func (p *bodyPipe) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	p.changed.Broadcast()
	return nil
}
