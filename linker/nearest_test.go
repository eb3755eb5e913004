package linker

import (
	"strings"
	"testing"
)

func TestNearest(t *testing.T) {
	for _, c := range []struct {
		want  string
		names []string
		out   string
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
		if got := nearest(c.want, c.names); got != c.out {
			t.Errorf("nearest(%q, %q) = %s, want %s", c.want, c.names, got, c.out)
		}
	}
}

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"", "abc", 3}, {"abc", "", 3}, {"abc", "abc", 0}, {"abc", "abd", 1}, {"abc", "bc", 1},
		{"kitten", "sitting", 3}, {"flaw", "lawn", 2},
		// Names too long to compare count as different in every letter.
		{strings.Repeat("a", 201), strings.Repeat("a", 201), 402},
	} {
		if got := distance(c.a, c.b); got != c.want {
			t.Errorf("distance(%.10q, %.10q) = %d, want %d", c.a, c.b, got, c.want)
		}
		if got := distance(c.b, c.a); got != c.want {
			t.Errorf("distance(%.10q, %.10q) = %d, want %d", c.b, c.a, got, c.want)
		}
	}
}
