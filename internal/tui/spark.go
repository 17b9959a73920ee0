package tui

import (
	"math"
	"strings"

	"github.com/rivo/uniseg"
)

// glyphs draw bars: in blocks, or in ASCII where the terminal lacks them or takes
// two columns for one.
type glyphs struct {
	steps      []string // from nothing to all
	full, none string
	rule, side string
	up, down   string
}

func newGlyphs(charset string) *glyphs {
	if charset != "UTF-8" || uniseg.StringWidth("█") != 1 {
		return &glyphs{steps: []string{" ", ".", ":", "-", "=", "+", "*", "#"}, full: "#", none: ".", rule: "-", side: "|", up: "^", down: "v"}
	}
	return &glyphs{steps: []string{" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"}, full: "█", none: "░", rule: "─", side: "│", up: "▲", down: "▼"}
}

// spark draws the last values as a line of so many columns, the latest to the right.
// Whatever is not nothing can be seen. Of most 0 it is the greatest of the values.
func (g *glyphs) spark(values []float64, width int, most float64) string {
	values = values[max(0, len(values)-width):]
	if most <= 0 {
		for _, v := range values {
			most = max(most, v)
		}
	}
	var line strings.Builder
	line.WriteString(strings.Repeat(" ", max(0, width-len(values))))
	for _, v := range values {
		step := 0
		if v > 0 && most > 0 {
			step = max(1, int(math.Round(min(1, v/most)*float64(len(g.steps)-1))))
		}
		line.WriteString(g.steps[step])
	}
	return line.String()
}

// progress is a bar of so many columns. It is full only when all is done.
func (g *glyphs) progress(done, all int64, width int) string {
	n := width
	if all > 0 && done < all {
		n = min(width-1, int(float64(done)/float64(all)*float64(width)))
	}
	n = max(0, n)
	return strings.Repeat(g.full, n) + strings.Repeat(g.none, max(0, width-n))
}
