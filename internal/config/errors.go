package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/wbundle/wbundle/internal/nearest"
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

// DidYouMean is the end of a sentence that suggests the nearest candidate, or
// lists them when none is near.
func DidYouMean(word string, candidates []string) string {
	if hint := nearest.Hint(word, candidates); hint != "" {
		return hint
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
