package wasi

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/wbundle/wbundle/internal/component"
	"github.com/wbundle/wbundle/internal/wit"
)

// guest calls the functions of a host as a program would.
type guest struct {
	t     *testing.T
	ctx   context.Context
	h     *Host
	funcs map[string]*component.FuncType
}

func newGuest(t *testing.T, cfg Config) *guest {
	t.Helper()
	cfg.NewHandle = func(t *component.ValType, rep uint32) wit.Value { return wit.Handle(t, rep) }
	cfg.Rep = func(v wit.Value) uint32 { return v.AsHandle().(uint32) }
	h, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	funcs, _ := witFuncs()
	return &guest{t, ctx, h, funcs}
}

// try calls a function. Arguments are values, the text of strings, and WAVE for
// everything else.
func (g *guest) try(name string, args ...any) (wit.Value, error) {
	g.t.Helper()
	iface, fn, _ := strings.Cut(name, "#")
	f, typ := g.h.Func(iface+"@0.2.12#"+fn), g.funcs[name]
	if f == nil || typ == nil || len(typ.Params) != len(args) {
		g.t.Fatalf("%s: no such function, or %d arguments are wrong", name, len(args))
	}
	var vs []wit.Value
	for i, a := range args {
		t := typ.Params[i].Type
		v, ok := a.(wit.Value)
		switch {
		case ok:
		case t.Kind == component.KindString:
			v = wit.String(a.(string))
		default:
			var err error
			if v, err = wit.Parse(fmt.Sprint(a), t); err != nil {
				g.t.Fatalf("%s, argument %d: %v", name, i, err)
			}
		}
		vs = append(vs, v)
	}
	return f(g.ctx, typ, vs)
}

// call calls a function that must not trap.
func (g *guest) call(name string, args ...any) wit.Value {
	g.t.Helper()
	v, err := g.try(name, args...)
	if err != nil {
		g.t.Fatalf("%s: %v", name, err)
	}
	return v
}

// ok calls a function whose result must be ok.
func (g *guest) ok(name string, args ...any) wit.Value {
	g.t.Helper()
	v := g.call(name, args...)
	if v.Case() != 0 {
		g.t.Fatalf("%s: %s", name, v)
	}
	return v.Payload()
}

// want calls a function with a result that has a text, handles aside.
func (g *guest) want(want, name string, args ...any) {
	g.t.Helper()
	if got := g.call(name, args...).String(); got != want {
		g.t.Errorf("%s(%.100v) = %s, want %s", name, args, got, want)
	}
}

// drop drops handles.
func (g *guest) drop(handles ...wit.Value) {
	g.t.Helper()
	for _, h := range handles {
		if err := g.h.Drop(g.h.cfg.Rep(h)); err != nil {
			g.t.Error(err)
		}
	}
}

const (
	descriptorMethod = "wasi:filesystem/types#[method]descriptor."
	inputMethod      = "wasi:io/streams#[method]input-stream."
	outputMethod     = "wasi:io/streams#[method]output-stream."
)

// mounts returns the directories that the program finds.
func (g *guest) mounts() []wit.Value {
	list := g.call("wasi:filesystem/preopens#get-directories")
	var out []wit.Value
	for i := range list.Len() {
		out = append(out, list.Index(i).Index(0))
	}
	return out
}

// open opens a file, or a directory.
func (g *guest) open(dir wit.Value, path, openFlags, flags string) wit.Value {
	g.t.Helper()
	return g.ok(descriptorMethod+"open-at", dir, "{symlink-follow}", path, openFlags, flags)
}

// read reads all of a stream.
func (g *guest) read(stream wit.Value) string {
	g.t.Helper()
	var out strings.Builder
	for {
		v := g.call(inputMethod+"blocking-read", stream, 4096)
		if v.Case() == 1 {
			if v.Payload().CaseName() != "closed" {
				g.t.Fatalf("read: %s", v)
			}
			return out.String()
		}
		out.Write(v.Payload().AsBytes())
	}
}

// octets is a list<u8>.
func octets(s string) wit.Value {
	return wit.Bytes(component.NewList(component.Prim(component.KindU8)), []byte(s))
}

func TestHandles(t *testing.T) {
	g := newGuest(t, Config{})
	timer := g.call("wasi:clocks/monotonic-clock#subscribe-duration", 0)
	if _, err := g.try(inputMethod+"subscribe", timer); err == nil || !strings.Contains(err.Error(), "wrong kind") {
		t.Errorf("a pollable where a stream belongs: %v", err)
	}
	g.drop(timer)
	if _, err := g.try("wasi:io/poll#[method]pollable.ready", timer); err == nil {
		t.Error("a dropped handle is used")
	}
	if err := g.h.Drop(7); err != nil || g.h.Owns(7) {
		t.Error("7 is a number of the embedder's:", err)
	}
	again := g.call("wasi:clocks/monotonic-clock#subscribe-duration", 0)
	if g.h.cfg.Rep(again) != g.h.cfg.Rep(timer) {
		t.Error("representations are not used again")
	}
}

func TestMountErrors(t *testing.T) {
	for _, m := range []Mount{{Host: t.TempDir()}, {Guest: "/x", Host: t.TempDir() + "/missing"}} {
		if _, err := New(Config{Mounts: []Mount{{Guest: "/ok", Host: t.TempDir()}, m}}); err == nil {
			t.Errorf("%+v: no error", m)
		}
	}
}
