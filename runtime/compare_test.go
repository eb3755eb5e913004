package runtime

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"
)

// TestCompare runs one bundle through both engines: they are two
// implementations of the same functions.
func TestCompare(t *testing.T) {
	c, err := Compare(context.Background(), testdata(t, "calc.component.wasm"), testdata(t, "calc.wasm"), CompareOptions{Seed: 1, Calls: 20, Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range c.Differences {
		t.Errorf("%s:\nA: %s\nB: %s", d.Call, d.A, d.B)
	}
	if c.Calls != 20*11 || len(c.Skipped) != 2 {
		t.Errorf("%d calls, skipped %v", c.Calls, c.Skipped)
	}
}

// TestCompareFindsDifference changes one letter of a message that one function
// returns.
func TestCompareFindsDifference(t *testing.T) {
	a := testdata(t, "calc.wasm")
	b := bytes.Replace(a, []byte("division by zero"), []byte("division by nero"), 1)
	c, err := Compare(context.Background(), a, b, CompareOptions{Calls: 200})
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Differences) == 0 {
		t.Error("no difference found")
	}
	for _, d := range c.Differences {
		if d.A != `err("division by zero")` || d.B != `err("division by nero")` {
			t.Errorf("%+v", d)
		}
	}
}

func TestNeedsMultiMemory(t *testing.T) {
	two := []byte("\x00asm\x01\x00\x00\x00\x05\x05\x02\x00\x01\x00\x01")
	if _, err := Open(context.Background(), two, Config{Name: "two.wasm"}); !errors.Is(err, ErrNeedsMultiMemory) {
		t.Errorf("got %v", err)
	}
}

func TestHandleTable(t *testing.T) {
	var table handleTable
	h := &resourceHandle{}
	for want := uint32(1); want <= 3; want++ {
		if got := table.add(h); got != want {
			t.Errorf("handle %d, want %d", got, want)
		}
	}
	table.remove(1, nil)
	table.remove(3, nil)
	if a, b, c := table.add(h), table.add(h), table.add(h); a != 3 || b != 1 || c != 4 {
		t.Errorf("reused %d, %d, %d; want 3, 1, 4", a, b, c)
	}
	for _, i := range []uint32{0, 5} {
		var err error
		func() {
			defer catch(&err)
			table.get(i, nil)
		}()
		if err == nil {
			t.Errorf("index %d did not trap", i)
		}
	}
}

func TestCanonicalVersion(t *testing.T) {
	for in, want := range map[string]string{
		"a:b/c": "a:b/c", "a:b/c@1.2.3": "a:b/c@1", "a:b/c@0.2.12": "a:b/c@0.2", "a:b/c@0.0.3": "a:b/c@0.0.3",
		"a:b/c@1.0.0-rc.1": "a:b/c@1.0.0-rc.1", "a:b/c@2.1.0+build": "a:b/c@2",
	} {
		if got := canonicalVersion(in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}
