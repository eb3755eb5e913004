package wasi

import (
	"context"
	"errors"
	"net"
	"net/http"
	"slices"
	"sort"
	"strings"
	"syscall"

	"github.com/wbundle/wbundle/internal/component"
	"github.com/wbundle/wbundle/internal/wit"
)

const httpTypes = "wasi:http/types#"

// httpFuncs are those of wasi:http. Requests and responses that come in are
// net/http's; those that go out are collected until somebody takes them, the
// http.ResponseWriter of an Exchange or Config.HTTP.
func (h *Host) httpFuncs() {
	h.fieldsFuncs()
	h.requestFuncs()
	h.responseFuncs()
	h.bodyFuncs()
	h.funcs[httpTypes+"http-error-code"] = func(c *call) (wit.Value, error) {
		e, err := object[*ioError](c, 0)
		if err != nil {
			return wit.Value{}, err
		}
		if _, ok := errors.AsType[*bodyError](e.err); !ok {
			return wit.None(c.t.Result), nil
		}
		return wit.Some(c.t.Result, httpErrorCode(c.t.Result.Elem, e.err)), nil
	}
}

// on adds a method of resources that T stands for.
func on[T any](h *Host, name string, m func(c *call, self T) (wit.Value, error)) {
	h.funcs[httpTypes+"[method]"+name] = func(c *call) (wit.Value, error) {
		self, err := object[T](c, 0)
		if err != nil {
			return wit.Value{}, err
		}
		return m(c, self)
	}
}

// header is one field of fields.
type header struct {
	name  string
	value []byte
}

// fields is a wasi:http fields: headers or trailers, in order, names in the
// case that they were written in.
type fields struct {
	list []header
	// fixed says that they belong to a request or response.
	fixed bool
}

// hopByHop are the fields of one connection, which is the host's business; the
// host header is the authority of a request.
var hopByHop = map[string]bool{
	"connection": true, "keep-alive": true, "proxy-authenticate": true, "proxy-authorization": true, "proxy-connection": true,
	"transfer-encoding": true, "upgrade": true, "host": true, "http2-settings": true,
}

// incomingFields are the fields of a message that net/http read, sorted: it
// does not keep their order.
func incomingFields(from http.Header) *fields {
	f := &fields{fixed: true}
	for name, values := range from {
		name = strings.ToLower(name)
		for _, v := range values {
			if !hopByHop[name] {
				f.list = append(f.list, header{name, []byte(v)})
			}
		}
	}
	sort.SliceStable(f.list, func(i, j int) bool { return f.list[i].name < f.list[j].name })
	return f
}

// addTo adds the fields to a message of net/http.
func (f *fields) addTo(to http.Header, prefix string) {
	for _, h := range f.list {
		to.Add(prefix+h.name, string(h.value))
	}
}

func (f *fields) clone() *fields { return &fields{list: slices.Clone(f.list)} }

func (f *fields) remove(name string) {
	f.list = slices.DeleteFunc(f.list, func(h header) bool { return strings.EqualFold(h.name, name) })
}

// refused names the header-error of a change; "" when it may be made.
func (f *fields) refused(name string, values ...[]byte) string {
	switch {
	case f.fixed:
		return "immutable"
	case !isToken(name):
		return "invalid-syntax"
	case hopByHop[strings.ToLower(name)]:
		return "forbidden"
	}
	for _, v := range values {
		for _, b := range v {
			if b < ' ' && b != '\t' || b == 0x7f {
				return "invalid-syntax"
			}
		}
	}
	return ""
}

// isToken reports whether s is a token of RFC 9110: the name of a field, a method.
func isToken(s string) bool {
	for _, c := range []byte(s) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0:
		default:
			return false
		}
	}
	return s != ""
}

func (h *Host) fieldsFuncs() {
	outcome := func(c *call, refused string) (wit.Value, error) {
		if refused != "" {
			v, err := variant(c.t.Result.Err, refused, wit.Value{})
			return wit.Err(c.t.Result, v), err
		}
		return c.ok(wit.Value{})
	}
	h.funcs[httpTypes+"[constructor]fields"] = func(c *call) (wit.Value, error) {
		return c.handle(c.t.Result, &fields{}), nil
	}
	h.funcs[httpTypes+"[static]fields.from-list"] = func(c *call) (wit.Value, error) {
		f := &fields{}
		for i := range c.args[0].Len() {
			name, value := c.args[0].Index(i).Index(0).Text(), c.args[0].Index(i).Index(1).AsBytes()
			if refused := f.refused(name, value); refused != "" {
				return outcome(c, refused)
			}
			f.list = append(f.list, header{name, value})
		}
		return c.ok(c.handle(c.t.Result.Ok, f))
	}
	on(h, "fields.get", func(c *call, f *fields) (wit.Value, error) {
		var values []wit.Value
		for _, h := range f.list {
			if strings.EqualFold(h.name, c.args[1].Text()) {
				values = append(values, wit.Bytes(c.t.Result.Elem, h.value))
			}
		}
		return wit.List(c.t.Result, values), nil
	})
	on(h, "fields.has", func(c *call, f *fields) (wit.Value, error) {
		return wit.Bool(slices.ContainsFunc(f.list, func(h header) bool { return strings.EqualFold(h.name, c.args[1].Text()) })), nil
	})
	on(h, "fields.set", func(c *call, f *fields) (wit.Value, error) {
		name := c.args[1].Text()
		var values [][]byte
		for i := range c.args[2].Len() {
			values = append(values, c.args[2].Index(i).AsBytes())
		}
		refused := f.refused(name, values...)
		if refused == "" {
			f.remove(name)
			for _, v := range values {
				f.list = append(f.list, header{name, v})
			}
		}
		return outcome(c, refused)
	})
	on(h, "fields.delete", func(c *call, f *fields) (wit.Value, error) {
		refused := f.refused(c.args[1].Text())
		if refused == "" {
			f.remove(c.args[1].Text())
		}
		return outcome(c, refused)
	})
	on(h, "fields.append", func(c *call, f *fields) (wit.Value, error) {
		name, value := c.args[1].Text(), c.args[2].AsBytes()
		refused := f.refused(name, value)
		if refused == "" {
			f.list = append(f.list, header{name, value})
		}
		return outcome(c, refused)
	})
	on(h, "fields.entries", func(c *call, f *fields) (wit.Value, error) {
		pair := c.t.Result.Elem
		var entries []wit.Value
		for _, h := range f.list {
			entries = append(entries, wit.Record(pair, []wit.Value{text(h.name), wit.Bytes(pair.Fields[1].Type, h.value)}))
		}
		return wit.List(c.t.Result, entries), nil
	})
	on(h, "fields.clone", func(c *call, f *fields) (wit.Value, error) {
		return c.handle(c.t.Result, f.clone()), nil
	})
}

// methods are the cases of method, but for other.
var methods = []string{"get", "head", "post", "put", "delete", "connect", "options", "trace", "patch"}

// methodValue is a method as wasi:http writes it.
func methodValue(t *component.ValType, name string) (wit.Value, error) {
	for _, m := range methods {
		if strings.ToUpper(m) == name {
			return variant(t, m, wit.Value{})
		}
	}
	return variant(t, "other", text(name))
}

// methodName is a method as HTTP writes it; "" where it is none.
func methodName(v wit.Value) string {
	name := strings.ToUpper(v.CaseName())
	if v.CaseName() == "other" {
		name = v.Payload().Text()
	}
	if !isToken(name) {
		return ""
	}
	return name
}

// schemeValue and schemeName do the same for schemes.
func schemeValue(t *component.ValType, name string) (wit.Value, error) {
	if s := strings.ToUpper(name); s == "HTTP" || s == "HTTPS" {
		return variant(t, s, wit.Value{})
	}
	return variant(t, "other", text(name))
}

func schemeName(v wit.Value) string {
	if v.CaseName() == "other" {
		return v.Payload().Text()
	}
	return strings.ToLower(v.CaseName())
}

// bodyError is an error of a body on its way.
type bodyError struct{ err error }

func (e *bodyError) Error() string { return e.err.Error() }
func (e *bodyError) Unwrap() error { return e.err }

// httpError returns the err case of the function's result, with an error-code.
func (c *call) httpError(err error) (wit.Value, error) {
	return wit.Err(c.t.Result, httpErrorCode(c.t.Result.Err, err)), nil
}

// codedError is an error that has a case of error-code without payload, or with
// an optional size.
type codedError struct {
	code string
	size uint64
}

func (e *codedError) Error() string { return e.code }

// httpErrorCode is the wasi:http error-code of an error.
func httpErrorCode(t *component.ValType, err error) wit.Value {
	code := ""
	var payload wit.Value
	coded, isCoded := errors.AsType[*codedError](err)
	dns, isDNS := errors.AsType[*net.DNSError](err)
	netErr, isNet := errors.AsType[net.Error](err)
	switch {
	case isCoded:
		code = coded.code
		if p := casePayload(t, code); p != nil {
			payload = wit.Some(p, wit.U64(coded.size))
		}
	case isDNS && dns.IsTimeout:
		code = "DNS-timeout"
	case isDNS:
		code = "DNS-error"
		p := casePayload(t, code)
		payload = wit.Record(p, []wit.Value{wit.None(p.Fields[0].Type), wit.None(p.Fields[1].Type)})
	case errors.Is(err, context.DeadlineExceeded), isNet && netErr.Timeout():
		code = "connection-timeout"
	case errors.Is(err, syscall.ECONNREFUSED):
		code = "connection-refused"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, net.ErrClosed):
		code = "connection-terminated"
	}
	if v, err := variant(t, code, payload); err == nil && code != "" {
		return v
	}
	p := casePayload(t, "internal-error")
	v, _ := variant(t, "internal-error", wit.Some(p, text(err.Error()))) // every version has it
	return v
}
