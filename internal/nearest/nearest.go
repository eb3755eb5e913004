// Package nearest finds the name that somebody probably meant.
//
// Every message about a name that does not exist ends with what does: the one
// candidate that is close (Hint), or the closest few (List). Command-line
// flags, configuration keys, imports and WAVE labels all come here, so that
// they agree on what close means.
package nearest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Name returns the candidate that word was probably meant to be, or "" when
// none is close: at most a third of the letters may be wrong, a swap of
// neighbours counting as one, and a candidate that contains the word (or the
// other way round) is close as well. Case does not matter.
func Name(word string, candidates []string) string {
	best, bestDistance := "", max(1, (len(word)+1)/3)+1
	lower := strings.ToLower(word)
	for _, c := range candidates {
		if d := Distance(lower, strings.ToLower(c)); d < bestDistance {
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

// Hint is the end of a sentence that suggests the nearest candidate,
// `; did you mean "x"?`, or "" when none is close.
func Hint(word string, candidates []string) string {
	if near := Name(word, candidates); near != "" {
		return fmt.Sprintf("; did you mean %q?", near)
	}
	return ""
}

// List quotes the candidates most like the word, up to most of them and the
// best first, and says how many more there are; "none" when there are none.
func List(word string, candidates []string, most int) string {
	if len(candidates) == 0 {
		return "none"
	}
	names := slices.Compact(slices.Sorted(slices.Values(candidates)))
	distance := make(map[string]int, len(names))
	for _, n := range names {
		distance[n] = Distance(word, n)
	}
	// Stable: names at one distance stay in alphabetical order.
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(distance[a], distance[b]) })
	var quoted []string
	for i, n := range names {
		if i == most {
			quoted = append(quoted, fmt.Sprintf("%d more", len(names)-most))
			break
		}
		quoted = append(quoted, fmt.Sprintf("%q", n))
	}
	return strings.Join(quoted, ", ")
}

// longest bounds the names whose distance is computed: the work is the
// product of the lengths, and names come from files.
const longest = 200

// Distance is the optimal string alignment distance of a and b in bytes: how
// many bytes to insert, delete, replace or swap with their neighbour. Names
// longer than any that people write have nothing in common.
func Distance(a, b string) int {
	if a == b {
		return 0
	}
	if len(a) > longest || len(b) > longest {
		return len(a) + len(b)
	}
	// Three rows suffice: a swap looks back two.
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
