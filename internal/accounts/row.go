package accounts

import (
	"strings"
	"unicode"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// Lengths in bytes of what a row of the audit log says in others' words.
const (
	maxWho    = 128
	maxTarget = 256
	maxDetail = 1000
)

// tidy bounds what strangers have written.
func tidy(row octaskly.Action) octaskly.Action {
	row.Who = clip(row.Who, maxWho)
	row.Token = clip(row.Token, maxWho)
	row.From = clip(row.From, maxWho)
	row.Target = clip(row.Target, maxTarget)
	row.Detail = clip(row.Detail, maxDetail)
	return row
}

// clip makes text that fits, in valid UTF-8 and without control characters.
func clip(text string, most int) string {
	cut := len(text) > most
	if cut {
		text = text[:most-len("…")]
	}
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return '?'
		}
		return r
	}, strings.ToValidUTF8(text, ""))
	if cut {
		text += "…"
	}
	return text
}
