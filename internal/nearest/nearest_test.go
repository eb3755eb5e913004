package nearest

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestName(t *testing.T) {
	for _, c := range []struct {
		word       string
		candidates string
		want       string
	}{
		{"memroy", "memory path", "memory"},
		{"buidl", "build check", "build"},
		{"z", "x y", "x"},
		{"verbose", "root graph", ""},
		{"Memory", "memory", "memory"},
		{"ops", "demo:calc/ops root", "demo:calc/ops"},
		{"memory-layout", "memory root", "memory"},
		{"", "a", "a"},
		{"abc", "", ""},
	} {
		if got := Name(c.word, strings.Fields(c.candidates)); got != c.want {
			t.Errorf("%q among %s: %q, want %q", c.word, c.candidates, got, c.want)
		}
	}
	if got := Hint("memroy", []string{"memory"}); got != `; did you mean "memory"?` {
		t.Error(got)
	}
	if got := Hint("memroy", []string{"graph"}); got != "" {
		t.Error(got)
	}
}

func TestList(t *testing.T) {
	for _, c := range []struct {
		word  string
		names []string
		want  string
	}{
		{"add", nil, "none"},
		{"add", []string{"sub"}, `"sub"`},
		{"add", []string{"sub", "addd", "and"}, `"addd", "and", "sub"`},
		{"add", []string{"bbb", "aaa"}, `"aaa", "bbb"`}, // aaa is one letter closer
		{"add", []string{"c", "b", "a"}, `"a", "b", "c"`},
		{"add", []string{"add", "add", "add"}, `"add"`},
		{"add", []string{"d", "c", "b", "a"}, `"a", "d", "b", 1 more`},
		{"add", []string{"e", "d", "c", "b", "a"}, `"a", "d", "b", 2 more`},
		{"", []string{"long", "a"}, `"a", "long"`},
		{"demo:calc/opps", []string{"demo:calc/types", "demo:calc/ops@1.0.0", "demo:calc/ops"}, `"demo:calc/ops", "demo:calc/types", "demo:calc/ops@1.0.0"`},
	} {
		if got := List(c.word, c.names, 3); got != c.want {
			t.Errorf("List(%q, %q) = %s, want %s", c.word, c.names, got, c.want)
		}
	}
}

// TestDistance checks what makes it a distance, and the single edits.
func TestDistance(t *testing.T) {
	name := rapid.StringMatching(`[a-c:/#-]{0,12}`)
	rapid.Check(t, func(t *rapid.T) {
		a, b := name.Draw(t, "a"), name.Draw(t, "b")
		d := Distance(a, b)
		if d != Distance(b, a) {
			t.Fatalf("not symmetric: %d", d)
		}
		if (d == 0) != (a == b) {
			t.Fatalf("distance %d", d)
		}
		if low, high := max(len(a)-len(b), len(b)-len(a)), max(len(a), len(b)); d < low || d > high {
			t.Fatalf("distance %d, want %d to %d", d, low, high)
		}
		if len(a) >= 2 && a[0] != a[1] {
			if swapped := a[1:2] + a[:1] + a[2:]; Distance(a, swapped) != 1 {
				t.Fatalf("swapping two letters is %d", Distance(a, swapped))
			}
		}
	})
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"", "abc", 3}, {"abc", "abd", 1}, {"abc", "bc", 1}, {"abc", "acb", 1}, {"kitten", "sitting", 3}, {"flaw", "lawn", 2},
	} {
		if got := Distance(c.a, c.b); got != c.want {
			t.Errorf("Distance(%q, %q) = %d, want %d", c.a, c.b, got, c.want)
		}
	}
	if long := strings.Repeat("a", 1<<20); Distance(long, long[1:]) != 2<<20-1 || Distance(long, long) != 0 {
		t.Error("long names are compared")
	}
}
