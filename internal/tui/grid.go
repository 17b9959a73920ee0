package tui

import (
	"strings"

	"github.com/gdamore/tcell/v2"
)

// cell is one place of the screen. The one to the right of a wide character has no text.
type cell struct {
	text  string
	style tcell.Style
}

// grid is a picture of the screen.
type grid struct {
	width, height int
	cells         []cell
	cursorX       int // -1: there is none
	cursorY       int
}

func newGrid(width, height int) *grid {
	g := &grid{width: width, height: height, cells: make([]cell, width*height), cursorX: -1}
	for i := range g.cells {
		g.cells[i].text = " "
	}
	return g
}

// put writes text from x on, up to but not at the column end, and returns where it
// has come to. Nothing is written outside of the grid.
func (g *grid) put(x, y, end int, text string, style tcell.Style) int {
	end = min(end, g.width)
	if y < 0 || y >= g.height {
		return x
	}
	for text = defuse(text); text != ""; {
		var first string
		var width int
		if first, width, text = cluster(text); width == 0 {
			continue
		}
		if x < 0 || x+width > end {
			break
		}
		g.set(x, y, first, width, style)
		x += width
	}
	return x
}

// set overwrites one character; half of a wide one that remains becomes a space.
func (g *grid) set(x, y int, text string, width int, style tcell.Style) {
	at := y*g.width + x
	if g.cells[at].text == "" && x > 0 {
		g.cells[at-1].text = " "
	}
	if last := x + width; last < g.width && g.cells[y*g.width+last].text == "" {
		g.cells[y*g.width+last].text = " "
	}
	g.cells[at] = cell{text, style}
	if width == 2 {
		g.cells[at+1] = cell{"", style}
	}
}

// restyle changes the style of a row, such as the selected one.
func (g *grid) restyle(x, y, width int, change func(tcell.Style) tcell.Style) {
	if y < 0 || y >= g.height {
		return
	}
	for col := max(0, x); col < min(x+width, g.width); col++ {
		c := &g.cells[y*g.width+col]
		c.style = change(c.style)
	}
}

// String is the text alone.
func (g *grid) String() string {
	var text strings.Builder
	for y := range g.height {
		var line strings.Builder
		for x := range g.width {
			line.WriteString(g.cells[y*g.width+x].text)
		}
		text.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	return text.String()
}

// show brings the screen from one grid to the next, and touches nothing else: not
// even the terminal, where they are the same. It returns how many cells it touched.
func (g *grid) show(screen tcell.Screen, was *grid) (touched int) {
	all := was == nil || was.width != g.width || was.height != g.height
	for i, c := range g.cells {
		if !all && was.cells[i] == c {
			continue
		}
		touched++
		if c.text != "" {
			screen.Put(i%g.width, i/g.width, c.text, c.style)
		}
	}
	cursor := !all && was.cursorX == g.cursorX && was.cursorY == g.cursorY
	switch {
	case cursor:
	case g.cursorX < 0:
		screen.HideCursor()
	default:
		screen.ShowCursor(g.cursorX, g.cursorY)
	}
	if touched > 0 || !cursor {
		screen.Show()
	}
	return touched
}
