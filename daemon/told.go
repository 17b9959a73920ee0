package main

const maxTold = 64

// told is what a log has of somebody who tries again and again: each thing once, and no more
// than there is room for.
type told map[string]bool

// isNews reports whether line was not told yet, and notes that it is.
func (t *told) isNews(line string) bool {
	if (*t)[line] || len(*t) >= maxTold {
		return false
	}
	if *t == nil {
		*t = told{}
	}
	(*t)[line] = true
	return true
}
