package linker

import (
	"fmt"
	"sort"
	"strings"
)

// nearest lists up to three names for an error message, those most like the
// wanted one first.
func nearest(want string, names []string) string {
	if len(names) == 0 {
		return "none"
	}
	type scored struct {
		name string
		d    int
	}
	seen := map[string]bool{}
	var s []scored
	for _, n := range names {
		if !seen[n] {
			seen[n] = true
			s = append(s, scored{n, distance(want, n)})
		}
	}
	sort.SliceStable(s, func(i, j int) bool {
		if s[i].d != s[j].d {
			return s[i].d < s[j].d
		}
		return s[i].name < s[j].name
	})
	var out []string
	for i, x := range s {
		if i == 3 {
			out = append(out, fmt.Sprintf("%d more", len(s)-3))
			break
		}
		out = append(out, fmt.Sprintf("%q", x.name))
	}
	return strings.Join(out, ", ")
}

// distance is the Levenshtein distance in bytes, of names that are at most a
// few hundred bytes long.
func distance(a, b string) int {
	if len(a) > 200 || len(b) > 200 {
		return len(a) + len(b)
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		prev := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := prev
			if a[i] != b[j] {
				cost++
			}
			prev = row[j+1]
			row[j+1] = min(cost, row[j]+1, prev+1)
		}
	}
	return row[len(b)]
}
