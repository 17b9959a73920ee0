package worker

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// Bounds of the texts in a check, in bytes.
const (
	maxCheckName = 64
	maxCheckText = 512
)

// bounded is a self-test's report that fits into a hello and onto a terminal.
func bounded(checks []octaskly.Check) []octaskly.Check {
	checks = checks[:min(len(checks), octaskly.MaxChecks)]
	list := make([]octaskly.Check, 0, len(checks))
	for _, c := range checks {
		list = append(list, octaskly.Check{
			Subject: line(c.Subject, maxCheckName), Name: line(c.Name, maxCheckName),
			What: line(c.What, maxCheckText), Held: c.Held, Why: line(c.Why, maxCheckText),
		})
	}
	return list
}

// line makes at most limit bytes of a text that is one line.
func line(text string, limit int) string {
	if len(text) > limit {
		at := limit
		for at > 0 && !utf8.RuneStart(text[at]) {
			at--
		}
		text = text[:at]
	}
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
}
