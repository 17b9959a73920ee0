package manual

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// run is text in one font.
type run struct {
	font font
	text string
}

type font byte

const (
	roman  font = 'R'
	bold   font = 'B'
	italic font = 'I'
)

// roff is runs with their changes of font.
func roff(runs []run) string {
	var text strings.Builder
	for _, r := range runs {
		if r.font == roman {
			text.WriteString(escape(r.text))
		} else {
			text.WriteString(`\f` + string(r.font) + literal(r.text) + `\fR`)
		}
	}
	return text.String()
}

// marked reads *bold* and _italic_. A mark within a word is no mark, so that
// timed_out and OCTASKLY_* need no care.
func marked(text string) []run {
	var runs []run
	start := 0
	for i := 0; i < len(text); i++ {
		end := closing(text, start, i)
		if end < 0 {
			continue
		}
		font := bold
		if text[i] == '_' {
			font = italic
		}
		runs = append(runs, run{roman, text[start:i]}, run{font, text[i+1 : end]})
		start, i = end+1, end
	}
	return append(runs, run{roman, text[start:]})
}

// closing is where the mark at i ends, or -1 if none begins there. The text up to
// start has been read: *exit:*_N_ are two marks.
func closing(text string, start, i int) int {
	mark := text[i]
	if mark != '*' && mark != '_' || i+1 == len(text) || isSpace(text[i+1]) || inWord(utf8.DecodeLastRuneInString(text[start:i])) {
		return -1
	}
	for j := i + 2; j < len(text); j++ {
		if text[j] == mark && !isSpace(text[j-1]) && ends(text[j+1:], mark) {
			return j
		}
	}
	return -1
}

// ends reports whether a mark before after ends: a word, or before the other mark.
func ends(after string, mark byte) bool {
	other := after != "" && (after[0] == '*' || after[0] == '_') && after[0] != mark
	return other || !inWord(utf8.DecodeRuneInString(after))
}

func inWord(r rune, size int) bool {
	return size > 0 && (unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("*_/", r))
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' }

// quoted reads the `VALUE` of a usage, and finds it again where it is meant
// later: in "`RANGES[%N]`; at most N at a time" that is N.
func quoted(usage string) []run {
	before, rest, ok := strings.Cut(usage, "`")
	value, after, closed := strings.Cut(rest, "`")
	if !ok || !closed {
		return []run{{roman, usage}}
	}
	names := placeholder.FindAllString(value, -1)
	runs := append([]run{{roman, before}}, form(value)...)
	if len(names) == 0 {
		return append(runs, run{roman, after})
	}
	meant := regexp.MustCompile(`\b(` + strings.Join(names, "|") + `)\b`)
	return append(runs, split(after, meant, func(name string) []run { return []run{{italic, name}} })...)
}

var placeholder = regexp.MustCompile(`\b[A-Z][A-Z0-9_]*\b`)

// form is how something is typed: what stands for something else in capitals,
// words and flags as they are, and brackets, bars and dots.
func form(text string) []run {
	return split(text, formPart, func(part string) []run {
		if placeholder.FindString(part) == part {
			return []run{{italic, part}}
		}
		return []run{{bold, part}}
	})
}

var formPart = regexp.MustCompile(`\b[A-Z][A-Z0-9_]*\b|--?[\w-]*|[a-z][\w-]*`)

// split cuts text at what re matches, which becomes the runs of found.
func split(text string, re *regexp.Regexp, found func(string) []run) []run {
	var runs []run
	start := 0
	for _, at := range re.FindAllStringIndex(text, -1) {
		runs = append(runs, run{roman, text[start:at[0]]})
		runs = append(runs, found(text[at[0]:at[1]])...)
		start = at[1]
	}
	return append(runs, run{roman, text[start:]})
}
