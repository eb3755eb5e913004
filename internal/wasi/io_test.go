package wasi

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/wbundle/wbundle/internal/component"
	"github.com/wbundle/wbundle/internal/wit"
)

const ready = "wasi:io/poll#[method]pollable.ready"

// poll waits for pollables and returns the indices of those that are ready.
func (g *guest) poll(pollables ...wit.Value) string {
	g.t.Helper()
	t := g.funcs["wasi:io/poll#poll"].Params[0].Type
	return g.call("wasi:io/poll#poll", wit.List(t, pollables)).String()
}

func (g *guest) timer(d time.Duration) wit.Value {
	return g.call("wasi:clocks/monotonic-clock#subscribe-duration", uint64(d))
}

func TestPoll(t *testing.T) {
	r, w := io.Pipe()
	g := newGuest(t, Config{Stdin: r})
	stdin := g.call("wasi:cli/stdin#get-stdin")
	input := g.call(inputMethod+"subscribe", stdin)
	g.want("false", ready, input)
	g.want("ok([])", inputMethod+"read", stdin, 10)

	// A timer is ready first, then what is written to the input.
	if got := g.poll(input, g.timer(time.Millisecond), g.timer(time.Hour)); got != "[1]" {
		t.Errorf("with a short timer: %s", got)
	}
	go func() {
		time.Sleep(5 * time.Millisecond)
		io.WriteString(w, "hi")
		w.Close()
	}()
	if got := g.poll(input, g.timer(time.Hour)); got != "[0]" {
		t.Errorf("with input: %s", got)
	}
	g.want("true", ready, input)
	if got := g.read(stdin); got != "hi" {
		t.Errorf("read %q", got)
	}
	// The end of the input is something to read, too, and stays.
	if got := g.poll(input, g.timer(0), g.call(outputMethod+"subscribe", g.call("wasi:cli/stdout#get-stdout"))); got != "[0, 1, 2]" {
		t.Errorf("at the end: %s", got)
	}
	g.want("err(closed)", inputMethod+"read", stdin, 1)

	never := g.call("wasi:clocks/monotonic-clock#subscribe-duration", "18446744073709551615")
	g.want("false", ready, never)
	past := g.call("wasi:clocks/monotonic-clock#subscribe-instant", 1)
	g.want("true", ready, past)
	if _, err := g.try("wasi:io/poll#poll", "[]"); err == nil {
		t.Error("a poll of nothing does not trap")
	}

	// What waits ends with the call.
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Millisecond)
	defer cancel()
	g.ctx = ctx
	if _, err := g.try("wasi:io/poll#[method]pollable.block", never); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("block: %v", err)
	}
	if _, err := g.try("wasi:io/poll#poll", wit.List(component.NewList(never.Type()), []wit.Value{never})); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("poll: %v", err)
	}
}

func TestBlockedRead(t *testing.T) {
	r, w := io.Pipe()
	defer w.Close()
	g := newGuest(t, Config{Stdin: r})
	stdin := g.call("wasi:cli/stdin#get-stdin")
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Millisecond)
	defer cancel()
	before := g.ctx
	g.ctx = ctx
	if _, err := g.try(inputMethod+"blocking-read", stdin, 1); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	// The read that was given up is still under way: what it gets is not lost.
	g.ctx = before
	go io.WriteString(w, "x")
	g.want("ok([120])", inputMethod+"blocking-read", stdin, 10)
}

func TestStreams(t *testing.T) {
	var out strings.Builder
	g := newGuest(t, Config{Stdin: strings.NewReader("0123456789"), Stdout: &out})
	in, to := g.call("wasi:cli/stdin#get-stdin"), g.call("wasi:cli/stdout#get-stdout")
	g.want("ok([])", inputMethod+"read", in, 0)
	g.want("ok(2)", inputMethod+"blocking-skip", in, 2)
	g.want("ok(3)", outputMethod+"blocking-splice", to, in, 3)
	g.want("ok(5)", outputMethod+"blocking-splice", to, in, "18446744073709551615")
	g.want("err(closed)", outputMethod+"blocking-splice", to, in, 1)
	g.want("err(closed)", inputMethod+"blocking-skip", in, 1)
	g.want("ok(1048576)", outputMethod+"check-write", to)
	g.want("ok", outputMethod+"blocking-write-zeroes-and-flush", to, 1)
	if out.String() != "23456789\x00" {
		t.Errorf("%q", out.String())
	}
	for name, n := range map[string]string{"write-zeroes": "1048577", "blocking-write-zeroes-and-flush": "18446744073709551615"} {
		if _, err := g.try(outputMethod+name, to, n); err == nil {
			t.Errorf("%s(%s) does not trap", name, n)
		}
	}
	if _, err := g.try(outputMethod+"blocking-write-and-flush", to, octets(strings.Repeat("x", 4097))); err == nil {
		t.Error("a blocking write of 4097 bytes does not trap")
	}
}

// failing fails once.
type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errors.New("disk on fire") }
func (failing) Read([]byte) (int, error)  { return 0, errors.New("no line") }

// TestStreamErrors: an error is told once, and the stream is closed then.
func TestStreamErrors(t *testing.T) {
	g := newGuest(t, Config{Stdin: failing{}, Stdout: failing{}})
	out, in := g.call("wasi:cli/stdout#get-stdout"), g.call("wasi:cli/stdin#get-stdin")
	for _, c := range []struct {
		v    wit.Value
		text string
	}{
		{g.call(outputMethod+"write", out, octets("x")), "disk on fire"},
		{g.call(inputMethod+"blocking-read", in, 1), "no line"},
	} {
		if c.v.Case() != 1 || c.v.Payload().CaseName() != "last-operation-failed" {
			t.Fatalf("%s", c.v)
		}
		e := c.v.Payload().Payload()
		if got := g.call("wasi:io/error#[method]error.to-debug-string", e).Text(); got != c.text {
			t.Errorf("%q, want %q", got, c.text)
		}
		g.want("some(io)", "wasi:filesystem/types#filesystem-error-code", e)
		g.want("none", "wasi:http/types#http-error-code", e)
		g.drop(e)
	}
	g.want("err(closed)", outputMethod+"write", out, octets("x"))
	g.want("err(closed)", outputMethod+"check-write", out)
	g.want("err(closed)", outputMethod+"flush", out)
	g.want("err(closed)", inputMethod+"blocking-read", in, 1)
}
