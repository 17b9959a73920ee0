package config

import "strings"

// nearest returns the name that was probably meant by key, or "".
func nearest(key string, names []string) string {
	folded := fold(key)
	best, least := "", (len(key)+2)/3+1
	for _, name := range names {
		last := name[strings.LastIndexByte(name, '.')+1:]
		// The right word in the wrong table is as near as a slip of the finger.
		if folded == last || strings.HasSuffix(folded, "."+last) {
			return name
		}
		if max(len(name), len(key))-min(len(name), len(key)) >= least {
			continue
		}
		if d := distance(folded, fold(name)); d < least {
			best, least = name, d
		}
	}
	return best
}

// fold takes away what people mix up without misspelling anything.
func fold(key string) string { return strings.ReplaceAll(strings.ToLower(key), "-", "_") }

// distance counts the letters to put in, leave out, replace or swap with their
// neighbour to make b of a (optimal string alignment).
func distance(a, b string) int {
	before, above := make([]int, len(b)+1), make([]int, len(b)+1)
	row := make([]int, len(b)+1)
	for j := range row {
		above[j] = j
	}
	for i := range len(a) {
		row[0] = i + 1
		for j := range len(b) {
			replace := above[j]
			if a[i] != b[j] {
				replace++
			}
			row[j+1] = min(replace, above[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, above, row = above, row, before
	}
	return above[len(b)]
}
