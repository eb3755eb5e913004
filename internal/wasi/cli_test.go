package wasi

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

func TestCLI(t *testing.T) {
	var stdout, stderr strings.Builder
	g := newGuest(t, Config{
		Args: []string{"prog", "-x", "a\xffb"}, Env: []string{"A=1", "B=x=y", "C"},
		Stdin: strings.NewReader("input"), Stdout: &stdout, Stderr: &stderr,
	})
	g.want("[\"prog\", \"-x\", \"a\uFFFDb\"]", "wasi:cli/environment#get-arguments")
	g.want(`[("A", "1"), ("B", "x=y"), ("C", "")]`, "wasi:cli/environment#get-environment")
	g.want("none", "wasi:cli/environment#initial-cwd")
	for _, s := range []string{"stdin", "stdout", "stderr"} {
		g.want("none", "wasi:cli/terminal-"+s+"#get-terminal-"+s)
	}
	out, err := g.call("wasi:cli/stdout#get-stdout"), g.call("wasi:cli/stderr#get-stderr")
	g.ok(outputMethod+"blocking-write-and-flush", out, octets("to out"))
	g.ok(outputMethod+"write", err, octets("to err"))
	g.ok(outputMethod+"write-zeroes", err, 2)
	g.ok(outputMethod+"blocking-flush", err)
	if stdout.String() != "to out" || stderr.String() != "to err\x00\x00" {
		t.Errorf("%q, %q", stdout.String(), stderr.String())
	}
	// Two handles of standard input read one input.
	in := g.call("wasi:cli/stdin#get-stdin")
	g.want("ok([105, 110])", inputMethod+"blocking-read", in, 2)
	if rest := g.read(g.call("wasi:cli/stdin#get-stdin")); rest != "put" {
		t.Errorf("the rest of the input is %q", rest)
	}

	for arg, want := range map[string]uint32{"ok": 0, "err": 1} {
		_, err := g.try("wasi:cli/exit#exit", arg)
		if exit, ok := errors.AsType[*Exit](err); !ok || exit.Code != want {
			t.Errorf("exit(%s): %v", arg, err)
		}
	}
	_, e := g.try("wasi:cli/exit#exit-with-code", 77)
	if exit, ok := errors.AsType[*Exit](e); !ok || exit.Code != 77 {
		t.Errorf("exit-with-code(77): %v", e)
	}
}

// TestNothing is a program that is given nothing.
func TestNothing(t *testing.T) {
	g := newGuest(t, Config{})
	g.want("[]", "wasi:cli/environment#get-arguments")
	g.want("[]", "wasi:cli/environment#get-environment")
	g.want("[]", "wasi:filesystem/preopens#get-directories")
	g.want("err(closed)", inputMethod+"blocking-read", g.call("wasi:cli/stdin#get-stdin"), 1)
	g.want("ok", outputMethod+"blocking-write-and-flush", g.call("wasi:cli/stdout#get-stdout"), octets("x"))
}

func TestSockets(t *testing.T) {
	g := newGuest(t, Config{})
	network := g.call("wasi:sockets/instance-network#instance-network")
	g.want("err(access-denied)", "wasi:sockets/ip-name-lookup#resolve-addresses", network, "localhost")
	for _, family := range []string{"ipv4", "ipv6"} {
		g.want("err(access-denied)", "wasi:sockets/tcp-create-socket#create-tcp-socket", family)
		g.want("err(access-denied)", "wasi:sockets/udp-create-socket#create-udp-socket", family)
	}
	g.drop(network)
}

func TestClocks(t *testing.T) {
	g := newGuest(t, Config{Now: func() time.Time { return time.Unix(1234567890, 12345) }})
	g.want("{seconds: 1234567890, nanoseconds: 12345}", "wasi:clocks/wall-clock#now")
	g.want("{seconds: 0, nanoseconds: 1}", "wasi:clocks/wall-clock#resolution")
	g.want("1", "wasi:clocks/monotonic-clock#resolution")
	a := g.call("wasi:clocks/monotonic-clock#now").Uint()
	g.call("wasi:io/poll#[method]pollable.block", g.call("wasi:clocks/monotonic-clock#subscribe-duration", 2000000))
	if b := g.call("wasi:clocks/monotonic-clock#now").Uint(); a == 0 || b < a+2e6 {
		t.Errorf("%d after 2 ms of %d", b, a)
	}
	old := newGuest(t, Config{Now: func() time.Time { return time.Unix(-5, 0) }})
	old.want("{seconds: 0, nanoseconds: 0}", "wasi:clocks/wall-clock#now")
}

func TestRandom(t *testing.T) {
	zeroes := newGuest(t, Config{Random: io.LimitReader(zero{}, 40)})
	zeroes.want("[0, 0, 0]", "wasi:random/random#get-random-bytes", 3)
	zeroes.want("0", "wasi:random/random#get-random-u64")
	zeroes.want("(0, 0)", "wasi:random/insecure-seed#insecure-seed")
	zeroes.want("0", "wasi:random/insecure#get-insecure-random-u64")
	if _, err := zeroes.try("wasi:random/random#get-random-bytes", 100); err == nil {
		t.Error("a source without enough is no error")
	}
	g := newGuest(t, Config{})
	if n := g.call("wasi:random/insecure#get-insecure-random-bytes", 1<<20).Len(); n != 1<<20 {
		t.Errorf("%d bytes", n)
	}
	g.want("[]", "wasi:random/random#get-random-bytes", 0)
	if a, b := g.call("wasi:random/random#get-random-u64"), g.call("wasi:random/random#get-random-u64"); a.Uint() == b.Uint() {
		t.Error("the same number twice")
	}
	for _, n := range []string{"67108865", "18446744073709551615"} {
		if _, err := g.try("wasi:random/random#get-random-bytes", n); err == nil || !strings.Contains(err.Error(), n) {
			t.Errorf("%s bytes: %v", n, err)
		}
	}
	failing := newGuest(t, Config{Random: iotest.ErrReader(errors.New("no dice"))})
	if _, err := failing.try("wasi:random/insecure-seed#insecure-seed"); err == nil {
		t.Error("no error")
	}
}

type zero struct{}

func (zero) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
