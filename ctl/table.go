package main

import (
	"io"
	"slices"
	"strings"
	"unicode"
)

// table lines up columns for people. Every cell is defused.
type table struct {
	rows  [][]string // the first is the header
	give  int        // the column that is shortened when the width is too little
	width int        // of the terminal; 0: there is none
}

const (
	gap       = 2   // columns between columns
	minGiven  = 8   // columns that the shortened column keeps
	mostGiven = 160 // columns that it has at most: one long command is not every row's
)

func newTable(header ...string) *table { return &table{rows: [][]string{header}, give: -1} }

func (t *table) add(cells ...string) {
	for i, cell := range cells {
		cells[i] = defuse(cell)
		if cell == "" {
			cells[i] = "-"
		}
	}
	t.rows = append(t.rows, cells)
}

// dropEmpty takes columns away in which no row has anything.
func (t *table) dropEmpty(names ...string) {
	for _, name := range names {
		at := slices.Index(t.rows[0], name)
		if slices.ContainsFunc(t.rows[1:], func(row []string) bool { return row[at] != "-" }) {
			continue
		}
		for i, row := range t.rows {
			t.rows[i] = slices.Delete(row, at, at+1)
		}
	}
}

func (t *table) write(w io.Writer) error {
	widths := t.widths()
	var text strings.Builder
	for _, row := range t.rows {
		for i, cell := range row {
			cell = shorten(cell, widths[i])
			text.WriteString(cell)
			if i < len(row)-1 {
				text.WriteString(strings.Repeat(" ", widths[i]-columns(cell)+gap))
			}
		}
		text.WriteByte('\n')
	}
	_, err := io.WriteString(w, text.String())
	return err
}

func (t *table) widths() []int {
	widths := make([]int, len(t.rows[0]))
	for _, row := range t.rows {
		for i, cell := range row {
			widths[i] = max(widths[i], columns(cell))
		}
	}
	if t.give < 0 {
		return widths
	}
	widths[t.give] = min(widths[t.give], mostGiven)
	if t.width == 0 {
		return widths
	}
	total := gap * (len(widths) - 1)
	for _, w := range widths {
		total += w
	}
	if total > t.width {
		widths[t.give] = max(min(minGiven, widths[t.give]), widths[t.give]-(total-t.width))
	}
	return widths
}

// shorten cuts text to so many columns and says so with "…".
func shorten(text string, limit int) string {
	if columns(text) <= limit {
		return text
	}
	used := 0
	for i, r := range text {
		if used += runeColumns(r); used > limit-1 {
			return text[:i] + "…"
		}
	}
	return text
}

// columns is the width of text on a terminal.
func columns(text string) (n int) {
	for _, r := range text {
		n += runeColumns(r)
	}
	return n
}

// runeColumns knows marks that stand above others, and the scripts of East Asia
// and emoji, which take two columns (UAX #11, the wide blocks alone).
func runeColumns(r rune) int {
	switch {
	case r < 0x300:
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me):
		return 0
	case r >= 0x1100 && r <= 0x115f, r >= 0x2e80 && r <= 0xa4cf, r >= 0xac00 && r <= 0xd7a3,
		r >= 0xf900 && r <= 0xfaff, r >= 0xfe30 && r <= 0xfe6f, r >= 0xff00 && r <= 0xff60,
		r >= 0xffe0 && r <= 0xffe6, r >= 0x1f300 && r <= 0x1faff, r >= 0x20000 && r <= 0x3fffd:
		return 2
	}
	return 1
}
