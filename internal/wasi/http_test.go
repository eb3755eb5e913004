package wasi

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/wbundle/wbundle/internal/wit"
)

const (
	newFields     = httpTypes + "[constructor]fields"
	fieldsMethod  = httpTypes + "[method]fields."
	inRequest     = httpTypes + "[method]incoming-request."
	outRequest    = httpTypes + "[method]outgoing-request."
	outResponse   = httpTypes + "[method]outgoing-response."
	inResponse    = httpTypes + "[method]incoming-response."
	finishIn      = httpTypes + "[static]incoming-body.finish"
	finishOut     = httpTypes + "[static]outgoing-body.finish"
	bodyWrite     = httpTypes + "[method]outgoing-body.write"
	bodyStream    = httpTypes + "[method]incoming-body.stream"
	setResponse   = httpTypes + "[static]response-outparam.set"
	outgoing      = "wasi:http/outgoing-handler#handle"
	future        = httpTypes + "[method]future-incoming-response."
	trailersGet   = httpTypes + "[method]future-trailers.get"
	trailersReady = httpTypes + "[method]future-trailers.subscribe"
)

// someOf is some(v) of the option type of a parameter, okOf ok(v) of its result type.
func (g *guest) someOf(name string, i int, v wit.Value) wit.Value {
	return wit.Some(g.funcs[name].Params[i].Type, v)
}

func (g *guest) okOf(name string, i int, v wit.Value) wit.Value {
	return wit.Ok(g.funcs[name].Params[i].Type, v)
}

// values is a list<list<u8>>.
func (g *guest) values(vs ...string) wit.Value {
	t := g.funcs[fieldsMethod+"set"].Params[2].Type
	var out []wit.Value
	for _, v := range vs {
		out = append(out, octets(v))
	}
	return wit.List(t, out)
}

func TestFields(t *testing.T) {
	g := newGuest(t, Config{})
	f := g.call(newFields)
	g.want("ok", fieldsMethod+"append", f, "X-One", octets("1"))
	g.want("ok", fieldsMethod+"append", f, "x-one", octets("\xff"))
	g.want("ok", fieldsMethod+"set", f, "two", g.values("a", "b"))
	g.want("[[49], [255]]", fieldsMethod+"get", f, "X-ONE")
	g.want("true", fieldsMethod+"has", f, "TWO")
	g.want("false", fieldsMethod+"has", f, "no such\n")
	c := g.call(fieldsMethod+"clone", f)
	g.want("ok", fieldsMethod+"set", f, "x-ONE", g.values())
	g.want("ok", fieldsMethod+"delete", f, "Two")
	g.want("[]", fieldsMethod+"entries", f)
	g.want(`[("X-One", [49]), ("x-one", [255]), ("two", [97]), ("two", [98])]`, fieldsMethod+"entries", c)
	for _, bad := range []struct{ name, value, want string }{
		{"", "v", "invalid-syntax"}, {"a b", "v", "invalid-syntax"}, {"a:", "v", "invalid-syntax"}, {"ä", "v", "invalid-syntax"},
		{"a", "x\r\ny: z", "invalid-syntax"}, {"a", "x\x00", "invalid-syntax"},
		{"Connection", "close", "forbidden"}, {"transfer-encoding", "chunked", "forbidden"}, {"HOST", "h", "forbidden"},
	} {
		want := "err(" + bad.want + ")"
		g.want(want, fieldsMethod+"append", c, bad.name, octets(bad.value))
		g.want(want, fieldsMethod+"set", c, bad.name, g.values("fine", bad.value))
		t := g.funcs[httpTypes+"[static]fields.from-list"].Params[0].Type
		pair := wit.Record(t.Elem, []wit.Value{wit.String(bad.name), octets(bad.value)})
		g.want(want, httpTypes+"[static]fields.from-list", wit.List(t, []wit.Value{pair}))
	}
	r := g.call(httpTypes+"[constructor]outgoing-response", c)
	h := g.call(outResponse+"headers", r)
	g.want("err(immutable)", fieldsMethod+"append", h, "a", octets("b"))
	g.want("err(immutable)", fieldsMethod+"delete", h, "two")
	g.want("ok", fieldsMethod+"delete", g.call(fieldsMethod+"clone", h), "two")
	if _, err := g.try(fieldsMethod+"entries", c); err == nil {
		t.Error("fields that were passed on can be used")
	}
}

// serve gives a request to handle, which has the program's side of it.
func serve(t *testing.T, r *http.Request, handle func(g *guest, request, outparam wit.Value)) (*http.Response, error) {
	t.Helper()
	g := newGuest(t, Config{})
	w := httptest.NewRecorder()
	f := g.funcs["wasi:http/incoming-handler#handle"]
	e, args := g.h.Exchange(w, r, f.Params[0].Type, f.Params[1].Type)
	handle(g, args[0], args[1])
	err := e.End()
	return w.Result(), err
}

// response makes a response and its body.
func (g *guest) response(headers ...string) (response, body wit.Value) {
	g.t.Helper()
	f := g.call(newFields)
	for i := 0; i < len(headers); i += 2 {
		g.ok(fieldsMethod+"append", f, headers[i], octets(headers[i+1]))
	}
	response = g.call(httpTypes+"[constructor]outgoing-response", f)
	return response, g.ok(outResponse+"body", response)
}

// finish ends a body without trailers.
func (g *guest) finish(body wit.Value) wit.Value {
	g.t.Helper()
	return g.call(finishOut, body, wit.None(g.funcs[finishOut].Params[1].Type))
}

func (g *guest) write(stream wit.Value, text string) {
	g.t.Helper()
	g.ok(outputMethod+"blocking-write-and-flush", stream, octets(text))
}

func TestIncoming(t *testing.T) {
	r := httptest.NewRequest("PATCH", "https://example.com/a%20b?q=1", strings.NewReader("question"))
	r.Header.Set("X-Question", "why")
	r.Header.Set("Connection", "close")
	r.Trailer = http.Header{"X-Sum": {"8"}}
	resp, err := serve(t, r, func(g *guest, request, outparam wit.Value) {
		g.want("patch", inRequest+"method", request)
		g.want(`some("/a%20b?q=1")`, inRequest+"path-with-query", request)
		g.want("some(HTTPS)", inRequest+"scheme", request)
		g.want(`some("example.com")`, inRequest+"authority", request)
		h := g.call(inRequest+"headers", request)
		g.want(`[("x-question", [119, 104, 121])]`, fieldsMethod+"entries", h)
		g.want("err(immutable)", fieldsMethod+"append", h, "a", octets("b"))
		body := g.ok(inRequest+"consume", request)
		g.want("err", inRequest+"consume", request)
		in := g.ok(bodyStream, body)
		g.want("err", bodyStream, body)
		if err := g.h.Drop(0); err != nil {
			t.Error(err)
		}
		if got := g.read(in); got != "question" {
			t.Errorf("body %q", got)
		}
		g.drop(in)
		trailers := g.call(finishIn, body)
		g.poll(g.call(trailersReady, trailers))
		v := g.call(trailersGet, trailers)
		fields := v.Payload().Payload().Payload().Payload()
		g.want("[[56]]", fieldsMethod+"get", fields, "x-sum")
		g.want("some(err)", trailersGet, trailers)

		response, out := g.response("Content-Type", "text/x", "x-many", "1", "x-many", "2")
		g.want("200", outResponse+"status-code", response)
		g.want("err", outResponse+"set-status-code", response, 101)
		g.want("err", outResponse+"set-status-code", response, 1000)
		g.want("ok", outResponse+"set-status-code", response, 418)
		g.want("err", outResponse+"body", response)
		s := g.ok(bodyWrite, out)
		g.want("err", bodyWrite, out)
		g.write(s, "before ") // kept until the response is set
		g.call(setResponse, outparam, g.okOf(setResponse, 1, response))
		g.write(s, "and after")
		g.drop(s)
		f := g.call(newFields)
		g.ok(fieldsMethod+"append", f, "x-end", octets("!"))
		g.want("ok", finishOut, out, g.someOf(finishOut, 1, f))
	})
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != 418 || string(body) != "before and after" || resp.Header.Get("Content-Type") != "text/x" ||
		len(resp.Header["X-Many"]) != 2 || resp.Trailer.Get("x-end") != "!" {
		t.Errorf("%d %q %v %v", resp.StatusCode, body, resp.Header, resp.Trailer)
	}
}

// TestIncomingFaults: programs that do not answer as they should.
func TestIncomingFaults(t *testing.T) {
	request := func() *http.Request { return httptest.NewRequest("GET", "/", nil) }
	for _, c := range []struct {
		name, want string
		handle     func(g *guest, request, outparam wit.Value)
	}{
		{"no response", "without a response", func(g *guest, _, _ wit.Value) {}},
		{"outparam dropped", "without a response", func(g *guest, _, out wit.Value) { g.drop(out) }},
		{"error-code", "connection-limit-reached", func(g *guest, _, out wit.Value) { g.call(setResponse, out, "err(connection-limit-reached)") }},
		{"not finished", "before it finished", func(g *guest, _, out wit.Value) {
			r, body := g.response()
			g.call(setResponse, out, g.okOf(setResponse, 1, r))
			g.write(g.ok(bodyWrite, body), "half")
		}},
		{"dropped", "broke the body", func(g *guest, _, out wit.Value) {
			r, body := g.response()
			g.call(setResponse, out, g.okOf(setResponse, 1, r))
			g.drop(body)
		}},
		{"too short", "broke the body", func(g *guest, _, out wit.Value) {
			r, body := g.response("content-length", "10")
			g.call(setResponse, out, g.okOf(setResponse, 1, r))
			s := g.ok(bodyWrite, body)
			g.write(s, "short")
			g.drop(s)
			if got := g.finish(body).String(); got != "err(HTTP-response-body-size(some(5)))" {
				t.Error(got)
			}
		}},
		{"too long", "broke the body", func(g *guest, _, out wit.Value) {
			r, body := g.response("content-length", "1")
			g.call(setResponse, out, g.okOf(setResponse, 1, r))
			s := g.ok(bodyWrite, body)
			v := g.call(outputMethod+"write", s, octets("long"))
			g.want("some(HTTP-response-body-size(some(4)))", httpTypes+"http-error-code", v.Payload().Payload())
			g.drop(s, body)
		}},
		{"stream open", "before it finished", func(g *guest, _, out wit.Value) {
			r, body := g.response()
			g.ok(bodyWrite, body)
			g.call(setResponse, out, g.okOf(setResponse, 1, r))
			if _, err := g.try(finishOut, body, "none"); err == nil {
				t.Error("a body is finished before its stream is dropped")
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := serve(t, request(), c.handle); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v", err)
			}
		})
	}
	// A child that is still there makes a drop trap.
	serve(t, httptest.NewRequest("POST", "/", strings.NewReader("x")), func(g *guest, request, _ wit.Value) {
		body := g.ok(inRequest+"consume", request)
		g.ok(bodyStream, body)
		if err := g.h.Drop(g.h.cfg.Rep(body)); err == nil {
			t.Error("no error")
		}
	})
}

// TestTooLarge: the embedder's limit on a body reaches the program.
func TestTooLarge(t *testing.T) {
	r := httptest.NewRequest("POST", "/", strings.NewReader("longer than ten"))
	r.Body = http.MaxBytesReader(httptest.NewRecorder(), r.Body, 10)
	serve(t, r, func(g *guest, request, _ wit.Value) {
		in := g.ok(bodyStream, g.ok(inRequest+"consume", request))
		v := g.call(inputMethod+"blocking-read", in, 100)
		if v.Case() == 0 {
			v = g.call(inputMethod+"blocking-read", in, 100)
		}
		g.want("some(HTTP-request-body-size(some(10)))", httpTypes+"http-error-code", v.Payload().Payload())
	})
}

func (g *guest) request() wit.Value {
	return g.call(httpTypes+"[constructor]outgoing-request", g.call(newFields))
}

func TestOutgoingDenied(t *testing.T) {
	g := newGuest(t, Config{})
	r := g.request()
	body := g.ok(outRequest+"body", r)
	o := g.call(httpTypes + "[constructor]request-options")
	g.want("err(HTTP-request-denied)", outgoing, r, g.someOf(outgoing, 1, o))
	s := g.ok(bodyWrite, body)
	if v := g.call(outputMethod+"write", s, octets("x")); v.Case() != 1 {
		t.Errorf("the body of a request that was denied: %s", v)
	}
	g.drop(s, body)
	for _, name := range []string{outRequest + "method", httpTypes + "[method]request-options.first-byte-timeout"} {
		if _, err := g.try(name, map[bool]wit.Value{true: r, false: o}[name == outRequest+"method"]); err == nil {
			t.Errorf("%s: the handle was passed on", name)
		}
	}
}

func TestOutgoing(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			<-r.Context().Done()
			return
		}
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Length", r.Header.Get("x-ask"))
		w.WriteHeader(http.StatusAccepted)
		io.WriteString(w, r.Method+" "+r.URL.RequestURI()+" "+string(body))
	}))
	defer server.Close()
	g := newGuest(t, Config{HTTP: http.DefaultTransport})
	noOptions := wit.None(g.funcs[outgoing].Params[1].Type)
	headers := g.call(newFields)
	g.ok(fieldsMethod+"append", headers, "x-ask", octets("5"))
	r := g.call(httpTypes+"[constructor]outgoing-request", headers)
	g.want("get", outRequest+"method", r)
	g.want("none", outRequest+"scheme", r)
	for _, c := range []struct{ set, arg, want string }{
		{"set-method", `other("a b")`, "err"}, {"set-method", `other("")`, "err"}, {"set-method", "post", "ok"},
		{"set-scheme", `some(other("a b"))`, "err"}, {"set-scheme", "some(HTTP)", "ok"},
		{"set-authority", `some("a b")`, "err"}, {"set-authority", `some("u:p@h/x")`, "err"}, {"set-authority", `some("` + server.Listener.Addr().String() + `")`, "ok"},
		{"set-path-with-query", `some("no/slash")`, "err"}, {"set-path-with-query", `some("/bad path")`, "err"}, {"set-path-with-query", `some("/p?q=1")`, "ok"},
	} {
		g.want(c.want, outRequest+c.set, r, c.arg)
	}
	body := g.ok(outRequest+"body", r)
	s := g.ok(bodyWrite, body)
	g.write(s, "early ")
	f := g.ok(outgoing, r, noOptions)
	g.write(s, "late")
	g.drop(s)
	if v := g.finish(body); v.Case() != 0 {
		t.Error(v)
	}
	g.poll(g.call(future+"subscribe", f))
	v := g.call(future+"get", f)
	resp := v.Payload().Payload().Payload()
	g.want("some(err)", future+"get", f)
	g.want("202", inResponse+"status", resp)
	g.want("[[53]]", fieldsMethod+"get", g.call(inResponse+"headers", resp), "x-length")
	in := g.ok(inResponse+"consume", resp)
	stream := g.ok(bodyStream, in)
	if got := g.read(stream); got != "POST /p?q=1 early late" {
		t.Errorf("%q", got)
	}
	g.drop(stream, in, resp, f)

	// A request without authority, one that takes too long, one to nowhere.
	g.want("err(HTTP-request-URI-invalid)", outgoing, g.request(), noOptions)
	send := func(authority, path string, options wit.Value) string {
		r := g.request()
		g.ok(outRequest+"set-scheme", r, "some(HTTP)")
		g.ok(outRequest+"set-authority", r, `some("`+authority+`")`)
		g.ok(outRequest+"set-path-with-query", r, `some("`+path+`")`)
		f := g.ok(outgoing, r, options)
		g.poll(g.call(future+"subscribe", f))
		return g.call(future+"get", f).String()
	}
	const options = httpTypes + "[method]request-options."
	o := g.call(httpTypes + "[constructor]request-options")
	g.want("err", options+"set-connect-timeout", o, "some(1)")
	g.want("none", options+"connect-timeout", o)
	g.want("ok", options+"set-first-byte-timeout", o, "some(1000000)")
	g.want("some(1000000)", options+"first-byte-timeout", o)
	if got := send(server.Listener.Addr().String(), "/slow", g.someOf(outgoing, 1, o)); got != "some(ok(err(HTTP-response-timeout)))" {
		t.Error(got)
	}
	if got := send("127.0.0.1:1", "/", noOptions); got != "some(ok(err(connection-refused)))" {
		t.Log("a port that nobody listens on: ", got)
	}
	// A future that nobody waits for is cancelled.
	r = g.request()
	g.ok(outRequest+"set-scheme", r, "some(HTTP)")
	g.ok(outRequest+"set-authority", r, `some("`+server.Listener.Addr().String()+`")`)
	g.ok(outRequest+"set-path-with-query", r, `some("/slow")`)
	g.drop(g.ok(outgoing, r, noOptions))
}

// TestOutgoingEnds: a program does not wait for a request that is over.
func TestOutgoingEnds(t *testing.T) {
	g := newGuest(t, Config{HTTP: roundTripper(func(r *http.Request) (*http.Response, error) {
		<-r.Context().Done()
		return nil, r.Context().Err()
	})})
	ctx, cancel := context.WithCancel(g.ctx)
	g.ctx = ctx
	r := g.request()
	g.ok(outRequest+"set-authority", r, `some("h")`)
	body := g.ok(outRequest+"body", r)
	g.ok(outgoing, r, "none")
	s := g.ok(bodyWrite, body)
	g.ok(outputMethod+"write-zeroes", s, writeBudget)
	cancel()
	if v, err := g.try(outputMethod+"write-zeroes", s, 1); err == nil && v.Case() == 0 {
		t.Error("a write to a request that is over succeeds")
	} else if err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
