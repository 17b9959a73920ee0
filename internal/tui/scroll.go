package tui

import "github.com/gdamore/tcell/v2"

// Bounds of the output that is kept: its end.
const (
	maxLines  = 2000
	maxScroll = 8 << 20 // bytes, about
	spanCost  = 96
)

// scroll is the end of a task's output.
type scroll struct {
	lines   []line
	open    []line // that are not complete, the latest of each stream
	dropped int    // lines before those
	size    int
}

// add appends complete lines.
func (s *scroll) add(more []line) {
	for _, l := range more {
		s.size += cost(l)
	}
	s.lines = append(s.lines, more...)
	drop := max(0, len(s.lines)-maxLines)
	for i := range drop {
		s.size -= cost(s.lines[i])
	}
	for s.size > maxScroll && drop < len(s.lines) {
		s.size -= cost(s.lines[drop])
		drop++
	}
	if drop > 0 {
		s.lines = append(s.lines[:0], s.lines[drop:]...)
		s.dropped += drop
	}
}

func cost(l line) (n int) {
	n = spanCost
	for _, s := range l {
		n += len(s.text) + spanCost
	}
	return n
}

// count is how many lines there are to see.
func (s *scroll) count() int { return len(s.lines) + len(s.open) }

func (s *scroll) line(i int) line {
	if i < len(s.lines) {
		return s.lines[i]
	}
	return s.open[i-len(s.lines)]
}

// drawLine draws a line whose first columns, so many, are to the left of the box.
func drawLine(g *grid, x, y, end, left int, l line, colours bool) {
	for _, s := range l {
		text := s.text
		for text != "" && left > 0 {
			var width int
			_, width, text = cluster(text)
			left -= width
		}
		if left < 0 { // half of a wide character
			x, left = x-left, 0
		}
		style := s.style
		if !colours {
			style = style.Foreground(tcell.ColorDefault).Background(tcell.ColorDefault)
		}
		x = g.put(x, y, end, text, style)
	}
}
