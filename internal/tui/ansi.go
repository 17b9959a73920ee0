package tui

import (
	"unicode/utf8"

	"github.com/gdamore/tcell/v2"
)

// Bounds of what a command writes.
const (
	maxLineBytes = 4096
	maxLineSpans = 256
	maxParams    = 64 // bytes of one escape sequence
	tabStop      = 8
)

// span is text of one style.
type span struct {
	text  string
	style tcell.Style
}

// line is a line of output, fit to be drawn.
type line []span

// ansi makes lines of what a command writes: it keeps the colours (SGR), takes every
// other escape sequence out, and shows what no text is as U+FFFD. A line beyond the
// bounds is cut. After a carriage return a line begins anew, as progress bars do.
type ansi struct {
	state  ansiState
	params []byte
	style  tcell.Style

	part   []byte // of a character
	spans  line   // of the line so far
	text   []byte // of the present span
	size   int    // bytes of the line
	column int
	full   bool // the rest of the line is dropped
	anew   bool // a carriage return came
}

type ansiState uint8

const (
	inText     ansiState = iota
	inEscape             // after ESC
	inCharset            // after ESC and an intermediate: one more byte
	inSequence           // CSI, up to its final byte
	inString             // OSC, DCS, APC, PM, SOS: up to its terminator, or the line's end
)

const esc = 0x1b

// write takes data and gives each line that it completes.
func (a *ansi) write(data []byte, give func(line)) {
	for _, b := range data {
		a.byte(b, give)
	}
}

func (a *ansi) byte(b byte, give func(line)) {
	switch {
	case b == '\n': // whatever was not complete by then is none
		a.broken()
		a.state = inText
		give(a.take())
	case b == esc:
		a.broken()
		a.state, a.params = inEscape, a.params[:0]
	case b == 0x18 || b == 0x1a: // CAN, SUB
		a.broken()
		a.state = inText
	default:
		a.step(b)
	}
}

func (a *ansi) step(b byte) {
	switch a.state {
	case inText:
		a.plain(b)
	case inEscape:
		a.escape(b)
	case inCharset:
		if b < 0x20 || b > 0x2f {
			a.state = inText
		}
	case inSequence:
		a.sequence(b)
	case inString:
		if b == 0x07 {
			a.state = inText
		}
	}
}

func (a *ansi) escape(b byte) {
	switch {
	case b == '[':
		a.state = inSequence
	case b == ']' || b == 'P' || b == '_' || b == '^' || b == 'X':
		a.state = inString
	case b >= 0x20 && b <= 0x2f:
		a.state = inCharset
	default:
		a.state = inText
	}
}

func (a *ansi) sequence(b byte) {
	switch {
	case b >= 0x40 && b <= 0x7e:
		if a.state = inText; b == 'm' && len(a.params) < maxParams {
			if style := sgr(a.style, a.params); style != a.style {
				a.endSpan()
				a.style = style
			}
		}
	case b >= 0x20 && b <= 0x3f && len(a.params) < maxParams:
		a.params = append(a.params, b)
	}
}

// plain takes a byte of text, which is UTF-8 or is not.
func (a *ansi) plain(b byte) {
	if len(a.part) == 0 && b < utf8.RuneSelf {
		a.control(b)
		return
	}
	if utf8.RuneStart(b) {
		a.broken()
	}
	if b < utf8.RuneSelf {
		a.control(b)
		return
	}
	a.part = append(a.part, b)
	if utf8.FullRune(a.part) {
		r, size := utf8.DecodeRune(a.part)
		for range len(a.part) - size + 1 {
			a.character(r)
		}
		a.part = a.part[:0]
	}
}

// broken shows that a character was not complete.
func (a *ansi) broken() {
	if len(a.part) > 0 {
		a.part = a.part[:0]
		a.character(utf8.RuneError)
	}
}

func (a *ansi) control(b byte) {
	switch {
	case b == '\r':
		a.anew = true
	case b == '\t':
		for range tabStop - a.column%tabStop {
			a.character(' ')
		}
	case b >= 0x20 && b != 0x7f:
		a.character(rune(b))
	}
}
