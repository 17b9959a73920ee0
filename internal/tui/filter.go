package tui

import (
	"slices"
	"strings"
)

// filter is what somebody types to see less: words that must all be found, and
// pairs such as state:failed.
type filter struct {
	text  string
	words []string
	pairs []pair
}

type pair struct{ key, value string }

// parseFilter takes as pairs what has one of the keys. One that has no value yet is
// still being typed.
func parseFilter(text string, keys ...string) filter {
	f := filter{text: text}
	for _, word := range strings.Fields(strings.ToLower(text)) {
		key, value, ok := strings.Cut(word, ":")
		switch {
		case !ok || !slices.Contains(keys, key):
			f.words = append(f.words, word)
		case value != "":
			f.pairs = append(f.pairs, pair{key, value})
		}
	}
	return f
}

// value is that of the last pair with the key, or "".
func (f *filter) value(key string) (value string) {
	for _, p := range f.pairs {
		if p.key == key {
			value = p.value
		}
	}
	return value
}

func (f *filter) empty() bool { return len(f.words) == 0 && len(f.pairs) == 0 }

// matches asks of a row its text in lower case, and of each pair whether it holds.
func (f *filter) matches(text func() string, holds func(key, value string) bool) bool {
	for _, p := range f.pairs {
		if !holds(p.key, p.value) {
			return false
		}
	}
	if len(f.words) == 0 {
		return true
	}
	all := text()
	for _, word := range f.words {
		if !strings.Contains(all, word) {
			return false
		}
	}
	return true
}
