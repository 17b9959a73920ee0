package manual

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// escapes are the characters that roff takes for something else, see
// groff_char(7) and mandoc_char(7). A hyphen could be part of what somebody
// copies from the page, so all are minus signs. An ellipsis ends no sentence.
var escapes = map[rune]string{
	'\\': `\e`, '-': `\-`, '"': `\(dq`, '`': `\(ga`, '^': `\(ha`, '~': `\(ti`,
	'…': `...\&`, '×': `\(mu`, '–': `\(en`, '—': `\(em`, '“': `\(lq`, '”': `\(rq`, '‘': `\(oq`, '’': `\(cq`,
}

// escape writes text so that roff shows it as it stands. It keeps spaces and
// apostrophes: those begin a request where they begin a line, see guard.
func escape(text string) string {
	var safe strings.Builder
	for _, r := range text {
		sequence, special := escapes[r]
		switch {
		case special:
			safe.WriteString(sequence)
		case r == '\n' || r == '\t':
			safe.WriteByte(' ')
		case unicode.IsControl(r):
			fmt.Fprintf(&safe, `\[u%04X]`, utf8.RuneError)
		case r >= utf8.RuneSelf:
			fmt.Fprintf(&safe, `\[u%04X]`, r)
		default:
			safe.WriteRune(r)
		}
	}
	return safe.String()
}

// literal is escape for what is typed: its apostrophes stay upright.
func literal(text string) string { return strings.ReplaceAll(escape(text), "'", `\(aq`) }

// guard keeps an escaped line of text from being a request (a dot or an
// apostrophe begins one) and from a break that is nobody's wish (a space).
func guard(line string) string {
	if line != "" && strings.IndexByte(".' ", line[0]) >= 0 {
		return `\&` + line
	}
	return line
}

// quote makes one argument of an escaped text, which has no quotes of its own.
func quote(arg string) string {
	if arg == "" || strings.Contains(arg, " ") {
		return `"` + arg + `"`
	}
	return arg
}
