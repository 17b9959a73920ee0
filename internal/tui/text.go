package tui

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/rivo/uniseg"
)

// maxCluster bounds what one cell holds, in bytes: marks can be heaped up without end.
const maxCluster = 32

// columns is the width of text on a terminal.
func columns(text string) (n int) {
	for text != "" {
		var width int
		_, width, text = cluster(text)
		n += width
	}
	return n
}

// cluster takes the first character with its marks off the text. What has no width
// has no cell.
func cluster(text string) (first string, width int, rest string) {
	if text[0] < utf8.RuneSelf && (len(text) == 1 || text[1] < utf8.RuneSelf) {
		return text[:1], 1, text[1:]
	}
	first, rest, width, _ = uniseg.FirstGraphemeClusterInString(text, -1)
	if len(first) > maxCluster {
		first, width = "\uFFFD", 1
	}
	return first, min(width, 2), rest
}

// shorten cuts text to so many columns and says so with "…".
func shorten(text string, limit int) string {
	if columns(text) <= limit {
		return text
	}
	if limit <= 0 {
		return ""
	}
	return cut(text, limit-1) + "…"
}

// cut is as much of text as fits into so many columns.
func cut(text string, limit int) string {
	used := 0
	for rest := text; rest != ""; {
		_, width, after := cluster(rest)
		if used += width; used > limit {
			return text[:len(text)-len(rest)]
		}
		rest = after
	}
	return text
}

// defuse makes text fit for a cell: what moves a cursor, changes the direction of
// writing, cannot be seen, or is not UTF-8, is shown as U+FFFD.
func defuse(text string) string {
	if !strings.ContainsFunc(text, hostile) {
		return text
	}
	return strings.Map(func(r rune) rune {
		if hostile(r) {
			return utf8.RuneError
		}
		return r
	}, text)
}

func hostile(r rune) bool { return !strconv.IsPrint(r) }

// pad makes text exactly so wide, to the left or to the right of the room.
func pad(text string, width int, right bool) string {
	text = shorten(text, width)
	room := strings.Repeat(" ", max(0, width-columns(text)))
	if right {
		return room + text
	}
	return text + room
}
