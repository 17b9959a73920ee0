package manual

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// width is that of the lines of text in a page's source.
const width = 78

// fill breaks escaped text into lines, after each sentence and before width. roff
// ends a sentence where a line ends in a full stop, so that no other line may.
func fill(text string) []string {
	var lines []string
	line := ""
	words := strings.Fields(text)
	for i, word := range words {
		if line != "" && len(line)+1+len(word) > width {
			lines = append(lines, unended(line))
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
		if i+1 < len(words) && endsSentence(word, words[i+1]) {
			lines = append(lines, guard(line))
			line = ""
		}
	}
	if line != "" {
		lines = append(lines, guard(line))
	}
	return lines
}

// unended is a line that ends within a sentence, though perhaps in a dot.
func unended(line string) string {
	if stops(line) {
		line += `\&`
	}
	return guard(line)
}

func endsSentence(word, next string) bool {
	next = strings.TrimPrefix(strings.TrimLeft(next, "(["), `\(dq`)
	if font, rest, ok := strings.Cut(next, `\f`); ok && font == "" {
		next = rest[1:]
	}
	first, _ := utf8.DecodeRuneInString(next)
	return stops(word) && unicode.IsUpper(first)
}

// stops reports whether text ends in what ends a sentence, brackets and quotes
// behind it left out.
func stops(text string) bool {
	text = strings.TrimSuffix(text, `\fR`)
	text = strings.TrimRight(strings.TrimSuffix(text, `\(dq`), ")]'*")
	return text != "" && strings.IndexByte(".?!", text[len(text)-1]) >= 0
}
