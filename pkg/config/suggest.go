package config

import (
	"slices"
	"strconv"
	"strings"
)

// Suggest says which of the known names an unknown one may have meant: the nearest, or all of them where none is near.
func Suggest(unknown string, known []string) string {
	slices.Sort(known)
	plain := func(s string) string { return strings.ToLower(strings.NewReplacer("-", "", "_", "").Replace(s)) }
	best, least := "", max(len(unknown)/2, 1)+1
	for _, name := range known {
		if len(unknown) > 2 && strings.HasPrefix(plain(name), plain(unknown)) { // users is usersSecret
			best, least = name, 0
		} else if d := distance(plain(unknown), plain(name)); d < least {
			best, least = name, d
		}
	}
	if best != "" {
		return "did you mean " + strconv.Quote(best) + "?"
	}
	return "use one of " + strings.Join(known, ", ")
}

// distance counts the letters to insert, delete or change to make b of a (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		last := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := last
			if a[i] != b[j] {
				cost++
			}
			last = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
