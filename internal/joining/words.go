package joining

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// isWord reports whether text may be shown to people as a name.
func isWord(text string) bool {
	return text != "" && len(text) <= maxWord && utf8.ValidString(text) && strings.IndexFunc(text, unprintable) < 0
}

// isID reports whether text is a worker's id, as security.IssueWorker and a hello want it.
func isID(id octaskly.WorkerID) bool {
	return len(id) >= 16 && len(id) <= maxWord && strings.IndexFunc(string(id), func(r rune) bool {
		return !strings.ContainsRune("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ._-", r)
	}) < 0
}

func unprintable(r rune) bool { return !unicode.IsPrint(r) }

// line makes one of what somebody else says, and bounds it by cutting it short.
func line(text string) string {
	text = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || unprintable(r) {
			return ' '
		}
		return r
	}, text[:min(len(text), 2*maxWhy)])
	for len(text) > maxWhy {
		_, size := utf8.DecodeLastRuneInString(text)
		text = text[:len(text)-size]
	}
	return text
}
