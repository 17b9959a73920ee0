package main

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/octaskly/octaskly/internal/api"
)

const plainBytes = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-"

// quote writes a word as a shell reads it, and without a character that could
// move a terminal's cursor: such words become $'…' (POSIX.1-2024, 2.2.4).
func quote(word string) string {
	switch {
	case word == "":
		return "''"
	case strings.Trim(word, plainBytes) == "":
		return word
	case defuse(word) == word:
		return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
	}
	text := strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(word)
	return "$'" + defuse(text) + "'"
}

// commandText is a command as a shell reads it.
func commandText(argv []api.Text) string {
	words := make([]string, len(argv))
	for i, word := range argv {
		words[i] = quote(string(word))
	}
	return strings.Join(words, " ")
}

// defuse writes what a terminal might obey, and what no text is, as escapes:
// control characters, changes of direction, bytes that are not UTF-8.
func defuse(text string) string {
	if !strings.ContainsFunc(text, unsafe) {
		return text
	}
	var safe strings.Builder
	for len(text) > 0 {
		r, size := utf8.DecodeRuneInString(text)
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&safe, `\x%02x`, text[0])
		case unsafe(r):
			quoted := strconv.QuoteRune(r)
			safe.WriteString(quoted[1 : len(quoted)-1])
		default:
			safe.WriteString(text[:size])
		}
		text = text[size:]
	}
	return safe.String()
}

// unsafe is true of U+FFFD too, which stands for bytes that are not UTF-8.
func unsafe(r rune) bool { return !strconv.IsPrint(r) || r == utf8.RuneError }
