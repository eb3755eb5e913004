package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Error is one complaint about a configuration.
type Error struct {
	File string
	Pos  Pos
	Key  string // dotted path of the key, such as link.memory; may be empty
	Msg  string
}

// Error formats e as "wasm.bundle.yaml:4:3: link.memory: unknown value".
func (e *Error) Error() string {
	var s strings.Builder
	s.WriteString(e.File)
	if e.Pos.Line > 0 {
		fmt.Fprintf(&s, ":%d", e.Pos.Line)
	}
	if e.Pos.Col > 0 {
		fmt.Fprintf(&s, ":%d", e.Pos.Col)
	}
	s.WriteString(": ")
	if e.Key != "" {
		s.WriteString(e.Key)
		s.WriteString(": ")
	}
	s.WriteString(e.Msg)
	return s.String()
}

// Errors is every complaint about a configuration, in the order of the file.
type Errors []*Error

// Error lists the complaints, one a line.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, err := range e {
		lines[i] = err.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives errors.As and errors.Is the complaints.
func (e Errors) Unwrap() []error {
	errs := make([]error, len(e))
	for i, err := range e {
		errs[i] = err
	}
	return errs
}

// err returns what the walk complained about, sorted and without repetitions
// (the selected profile is walked on its own and as part of the whole).
func (w *walker) err() error {
	if len(w.errs) == 0 {
		return nil
	}
	slices.SortStableFunc(w.errs, func(a, b *Error) int {
		return cmp.Or(cmp.Compare(a.Pos.Line, b.Pos.Line), cmp.Compare(a.Pos.Col, b.Pos.Col))
	})
	w.errs = slices.CompactFunc(w.errs, func(a, b *Error) bool {
		return a.Pos == b.Pos && a.Msg == b.Msg
	})
	return w.errs
}

// Nearest returns the candidate that word was probably meant to be, or "" when
// none is close: at most a third of the letters may be wrong, a swap of
// neighbours counting as one, and a candidate that contains the word (or the
// other way round) is close as well.
func Nearest(word string, candidates []string) string {
	best, bestDistance := "", max(1, (len(word)+1)/3)+1
	lower := strings.ToLower(word)
	for _, c := range candidates {
		d := distance(lower, strings.ToLower(c))
		if d < bestDistance {
			best, bestDistance = c, d
		}
	}
	if best != "" || len(word) < 3 {
		return best
	}
	for _, c := range candidates {
		l := strings.ToLower(c)
		if strings.Contains(l, lower) || len(l) >= 3 && strings.Contains(lower, l) {
			return c
		}
	}
	return ""
}

// distance is the optimal string alignment distance of a and b.
func distance(a, b string) int {
	// Three rows suffice: a transposition looks back two.
	two, one, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range one {
		one[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(one[j]+1, row[j-1]+1, one[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], two[j-2]+1)
			}
		}
		two, one, row = one, row, two
	}
	return one[len(b)]
}

// DidYouMean is the end of a sentence that suggests the nearest candidate, or
// lists them when none is near.
func DidYouMean(word string, candidates []string) string {
	if near := Nearest(word, candidates); near != "" {
		return fmt.Sprintf("; did you mean %q?", near)
	}
	if len(candidates) == 0 {
		return ""
	}
	const most = 16
	sorted := slices.Sorted(slices.Values(candidates))
	more := ""
	if len(sorted) > most {
		more = fmt.Sprintf(" and %d more", len(sorted)-most)
		sorted = sorted[:most]
	}
	return "; there is " + strings.Join(sorted, ", ") + more
}
