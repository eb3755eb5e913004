package wasi

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/wbundle/wbundle/internal/component"
	"github.com/wbundle/wbundle/internal/wit"
)

// outgoingResponse is a wasi:http outgoing-response.
type outgoingResponse struct {
	status  int
	headers *fields
	body    *outgoingBody // nil until it is asked for
}

// incomingResponse is a wasi:http incoming-response.
type incomingResponse struct {
	status  int
	headers *fields
	body    *incomingBody // nil when it was consumed
}

// Close implements io.Closer.
func (r *incomingResponse) Close() error {
	if r.body == nil {
		return nil
	}
	return r.body.Close()
}

// Exchange is an HTTP request that a program is to answer, through
// wasi:http/incoming-handler. It is the program's response-outparam.
type Exchange struct {
	w http.ResponseWriter
	// started says that the head of the response was written.
	started bool
	// err is the error-code that the program answered with.
	err error
	// body is that of the response, nil when it has none.
	body     *outgoingBody
	complete bool
}

// Exchange makes the arguments of incoming-handler's handle, of the types that
// the program gives it, from a request. The answer goes to w while the program
// runs. Call End afterwards.
func (h *Host) Exchange(w http.ResponseWriter, r *http.Request, request, outparam *component.ValType) (*Exchange, []wit.Value) {
	e := &Exchange{w: w}
	in := &incomingRequest{
		method: r.Method, scheme: "http", authority: r.Host, path: r.URL.RequestURI(),
		headers: incomingFields(r.Header),
		body:    newIncomingBody(r.Body, func() http.Header { return r.Trailer }),
	}
	if r.TLS != nil {
		in.scheme = "https"
	}
	return e, []wit.Value{h.handle(request, in), h.handle(outparam, e)}
}

// Started reports whether any part of a response was written.
func (e *Exchange) Started() bool { return e.started }

// End ends the exchange when the program has returned. The error says why the
// response is none, or is broken off.
func (e *Exchange) End() error {
	switch {
	case e.err != nil:
		return fmt.Errorf("the program answered with the error-code %w", e.err)
	case !e.started:
		return errors.New("the program returned without a response")
	case e.body != nil && !e.body.ended:
		e.body.to = gone{}
		return errors.New("the program returned before it finished the body of its response")
	case e.body != nil && !e.complete:
		return errors.New("the program broke the body of its response off")
	}
	return nil
}

// gone takes the body of an exchange that is over.
type gone struct{}

func (gone) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }
func (gone) flush() error              { return io.ErrClosedPipe }
func (gone) end(bool, *fields)         {}

// respond writes the response, or what there is of it.
func (e *Exchange) respond(r *outgoingResponse) {
	e.started = true
	head := e.w.Header()
	// net/http guesses the type of bodies without one.
	head["Content-Type"] = nil
	r.headers.addTo(head, "")
	e.w.WriteHeader(r.status)
	if r.body != nil {
		e.body = r.body
		r.body.connect(e)
	}
}

// Write implements io.Writer, for the body of the response.
func (e *Exchange) Write(p []byte) (int, error) { return e.w.Write(p) }

func (e *Exchange) flush() error {
	err := http.NewResponseController(e.w).Flush()
	if errors.Is(err, http.ErrNotSupported) {
		return nil
	}
	return err
}

func (e *Exchange) end(complete bool, trailers *fields) {
	e.complete = complete
	if trailers != nil {
		trailers.addTo(e.w.Header(), http.TrailerPrefix)
	}
}

func (h *Host) responseFuncs() {
	h.funcs[httpTypes+"[static]response-outparam.set"] = func(c *call) (wit.Value, error) {
		e, err := take[*Exchange](c, 0)
		if err != nil {
			return wit.Value{}, err
		}
		if c.args[1].Case() == 1 {
			e.err = errors.New(c.args[1].Payload().String())
			return wit.Value{}, nil
		}
		r, err := takeOf[*outgoingResponse](c.Host, c.args[1].Payload())
		if err != nil {
			return wit.Value{}, err
		}
		e.respond(r)
		return wit.Value{}, nil
	}

	h.funcs[httpTypes+"[constructor]outgoing-response"] = func(c *call) (wit.Value, error) {
		headers, err := take[*fields](c, 0)
		if err != nil {
			return wit.Value{}, err
		}
		headers.fixed = true
		return c.handle(c.t.Result, &outgoingResponse{status: http.StatusOK, headers: headers}), nil
	}
	on(h, "outgoing-response.status-code", func(c *call, r *outgoingResponse) (wit.Value, error) {
		return wit.U16(uint16(r.status)), nil
	})
	on(h, "outgoing-response.set-status-code", func(c *call, r *outgoingResponse) (wit.Value, error) {
		status := int(c.args[1].Uint())
		if status < 200 || status > 999 { // 1xx announce a response, they are none
			return wit.Err(c.t.Result, wit.Value{}), nil
		}
		r.status = status
		return c.ok(wit.Value{})
	})
	on(h, "outgoing-response.headers", func(c *call, r *outgoingResponse) (wit.Value, error) {
		return c.handle(c.t.Result, r.headers), nil
	})
	on(h, "outgoing-response.body", func(c *call, r *outgoingResponse) (wit.Value, error) {
		if r.body != nil {
			return wit.Err(c.t.Result, wit.Value{}), nil
		}
		r.body = newOutgoingBody(r.headers, "HTTP-response-body-size")
		return c.ok(c.handle(c.t.Result.Ok, r.body))
	})

	on(h, "incoming-response.status", func(c *call, r *incomingResponse) (wit.Value, error) {
		return wit.U16(uint16(r.status)), nil
	})
	on(h, "incoming-response.headers", func(c *call, r *incomingResponse) (wit.Value, error) {
		return c.handle(c.t.Result, r.headers), nil
	})
	on(h, "incoming-response.consume", func(c *call, r *incomingResponse) (wit.Value, error) {
		return c.consume(&r.body)
	})
}

// consume gives the body of a message away, once.
func (c *call) consume(body **incomingBody) (wit.Value, error) {
	if *body == nil {
		return wit.Err(c.t.Result, wit.Value{}), nil
	}
	b := *body
	*body = nil
	return c.ok(c.handle(c.t.Result.Ok, b))
}

// optional is a string that may be missing, of an option type.
func optional(t *component.ValType, s *string) wit.Value {
	if s == nil {
		return wit.None(t)
	}
	return wit.Some(t, text(strings.Clone(*s)))
}
