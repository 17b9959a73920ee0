package tui

import (
	"slices"
	"unicode/utf8"
)

// character adds one to the line.
func (a *ansi) character(r rune) {
	if a.anew {
		a.restart()
	}
	if a.full {
		return
	}
	if hostile(r) {
		r = utf8.RuneError
	}
	if a.size+utf8.RuneLen(r) > maxLineBytes {
		r, a.full = '…', true
	}
	before := len(a.text)
	a.text = utf8.AppendRune(a.text, r)
	a.size += len(a.text) - before
	a.column++
}

// restart forgets the line, but not the style.
func (a *ansi) restart() {
	a.spans, a.text = nil, a.text[:0]
	a.size, a.column, a.full, a.anew = 0, 0, false, false
}

func (a *ansi) endSpan() {
	if len(a.text) == 0 || len(a.spans) >= maxLineSpans {
		return // a line of too many colours goes on in its last one
	}
	a.spans = append(a.spans, span{string(a.text), a.style})
	a.text = a.text[:0]
}

// take ends the line and returns it.
func (a *ansi) take() line {
	done := a.rest()
	a.restart()
	return done
}

// rest is the line as far as it has come.
func (a *ansi) rest() line {
	if len(a.text) == 0 {
		return a.spans
	}
	return append(slices.Clip(a.spans), span{string(a.text), a.style})
}
