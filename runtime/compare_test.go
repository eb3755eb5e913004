package runtime

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
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
	// 13 functions, then as many calls again twice over in turns.
	if c.Functions != 13 || c.Calls != 20*15 || len(c.Skipped) != 0 || c.Undecided != 0 {
		t.Errorf("%d calls of %d functions, %d undecided, skipped %v", c.Calls, c.Functions, c.Undecided, c.Skipped)
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
		if d.A != `err("division by zero")` || d.B != `err("division by nero")` || d.Before != nil || d.Call != "demo:calc/ops@0.1.0#div(0, 0)" {
			t.Errorf("%+v", d)
		}
	}
}

// TestCompareShrinks finds differences that need calls before them, or numbers
// beyond some other, and reports no more than that.
func TestCompareShrinks(t *testing.T) {
	o := CompareOptions{Seed: 3, Calls: 40, Timeout: 100 * time.Millisecond}
	compare := func() Comparison {
		c, err := Compare(context.Background(), testdata(t, "state.wasm"), testdata(t, "state-wrong.wasm"), o)
		if err != nil {
			t.Fatal(err)
		}
		c.Duration = 0
		return c
	}
	c := compare()
	want := []Difference{
		{Call: "pick(43, 0)", A: "0", B: "1"},
		{Before: []string{"bump()", "bump()", "bump()", "bump()"}, Call: "read()", A: "0", B: "1"},
	}
	if diff := cmp.Diff(want, c.Differences); diff != "" {
		t.Errorf("differences (-want +got):\n%s", diff)
	}
	skipped := []Skipped{{"spin", "given up after 2 calls, for two took longer than 100ms"}}
	if diff := cmp.Diff(skipped, c.Skipped); diff != "" || c.Undecided != 2 {
		t.Errorf("%d undecided, skipped (-want +got):\n%s", c.Undecided, diff)
	}
	if diff := cmp.Diff(c, compare()); diff != "" {
		t.Errorf("the same seed gave (-first +second):\n%s", diff)
	}
}

// TestCompareHandles finds a wrong method, and a wrong destructor.
func TestCompareHandles(t *testing.T) {
	a := testdata(t, "calc.wasm")
	for _, c := range []struct {
		name, old, new string
		want           Difference
	}{
		{"method", "\x28\x02\x00\x41\x01\x6a\x36", "\x28\x02\x00\x41\x02\x6a\x36", Difference{
			Before: []string{"r1 = " + ops + "[constructor]counter(0)"},
			Call:   ops + "[method]counter.next(r1)", A: "1", B: "2",
		}},
		{"destructor", "\x23\x03\x41\x01\x6a\x24\x03", "\x23\x03\x41\x02\x6a\x24\x03", Difference{
			Before: []string{"r1 = " + ops + "[constructor]counter(0)", "drop r1"},
			Call:   ops + "drops()", A: "1", B: "2",
		}},
	} {
		b := bytes.Replace(a, []byte(c.old), []byte(c.new), 1)
		if bytes.Equal(a, b) {
			t.Fatalf("%s: nothing to replace", c.name)
		}
		got, err := Compare(context.Background(), a, b, CompareOptions{Seed: 1, Calls: 60, Timeout: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for _, d := range got.Differences {
			found = found || cmp.Equal(d, c.want)
		}
		if !found {
			t.Errorf("%s: not found, but %+v", c.name, got.Differences)
		}
	}
}

// TestCompareBudget leaves the functions that there is no time for.
func TestCompareBudget(t *testing.T) {
	c, err := Compare(context.Background(), testdata(t, "calc.wasm"), testdata(t, "calc.wasm"), CompareOptions{Calls: 1 << 40, Budget: 300 * time.Millisecond, Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	if c.Functions+len(c.Skipped) < 13 || len(c.Skipped) == 0 || c.Duration > 20*time.Second {
		t.Errorf("%+v", c)
	}
	for _, s := range c.Skipped {
		if !strings.HasPrefix(s.Reason, "there was time for ") {
			t.Error(s)
		}
	}
}

// TestCompareCases compares calls that somebody wrote down.
func TestCompareCases(t *testing.T) {
	a, b := testdata(t, "state.wasm"), testdata(t, "state-wrong.wasm")
	c, err := Compare(context.Background(), a, b, CompareOptions{
		Calls: 1, Timeout: time.Minute,
		Cases: []Case{
			{Name: "same", Invoke: "pick(40, 1)"}, {Name: "other", Invoke: "pick(77, 1)"},
			{Name: "command", Run: []string{"x"}}, {Name: "typo", Invoke: "pik(1)"},
		},
		Skip: func(string) bool { return true },
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []Difference{{Call: "pick(43, 0)", A: "0", B: "1"}}
	if diff := cmp.Diff(want, c.Differences); diff != "" || c.Cases != 2 || c.Calls != 0 {
		t.Errorf("%d cases, differences (-want +got):\n%s", c.Cases, diff)
	}
	var skipped []string
	for _, s := range c.Skipped[:2] {
		skipped = append(skipped, s.String())
	}
	if diff := cmp.Diff([]string{
		"case command: it runs a command, which is checked and not compared",
		`case typo: no exported function "pik"; did you mean "pick"?`,
	}, skipped); diff != "" {
		t.Error(diff)
	}
}

// TestCompareHost: the host's answers are a function of the seed, the name and
// the number of the call, and arguments are part of what is compared.
func TestCompareHost(t *testing.T) {
	a := testdata(t, "state.wasm")
	b := bytes.Replace(a, []byte("\x20\x00\x41\x01\x6a"), []byte("\x20\x00\x41\x02\x6a"), 1)
	c, err := Compare(context.Background(), a, b, CompareOptions{Seed: 1, Skip: func(name string) bool { return name != "ask" }})
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Differences) != 1 {
		t.Fatalf("%+v", c)
	}
	d := c.Differences[0]
	tellA, answerA, _ := strings.Cut(d.A, "\n")
	tellB, answerB, _ := strings.Cut(d.B, "\n")
	if d.Call != "ask(0)" || tellA != "env#tell(1)" || tellB != "env#tell(2)" || answerA != answerB {
		t.Errorf("%+v", d)
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
