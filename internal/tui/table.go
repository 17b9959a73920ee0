package tui

import (
	"github.com/gdamore/tcell/v2"
)

// column is one of a listing.
type column[T any] struct {
	title string
	width int  // of one that has anything to show; 0: as its cells need
	most  int  // that it needs; 0: any
	right bool // its cells stand to the right
	rank  int  // the higher, the sooner it is left out; 0: never
	flex  bool // it takes the room that is left, and gives where there is too little
	cell  func(row T, width int) (string, tcell.Style)
	order func(a, b T) int // nil: one cannot sort by it
}

const (
	columnGap = 2
	flexLeast = 10
)

// placed is a column on the screen.
type placed struct{ column, x, width int }

// place chooses the columns for so much room, by what the visible rows need.
func (l *listing[T]) place(rows []T, room int) []placed {
	needs := make([]int, len(l.columns))
	for i := range l.columns {
		needs[i] = l.columns[i].need(rows, i == l.sort)
	}
	out := make([]bool, len(l.columns))
	for l.total(needs, out) > room && l.leaveOut(out) {
	}
	return l.line(needs, out, room)
}

func (c *column[T]) need(rows []T, sorted bool) int {
	n := columns(c.title)
	if sorted {
		n += 2
	}
	for _, row := range rows {
		text, _ := c.cell(row, 0)
		if c.width > 0 && text != "" {
			return max(n, c.width)
		}
		n = max(n, columns(defuse(text)))
	}
	if c.most > 0 {
		n = min(n, max(c.most, columns(c.title)))
	}
	return n
}

// total is the least room that the columns need which are not out.
func (l *listing[T]) total(needs []int, out []bool) int {
	n := -columnGap
	for i, need := range needs {
		switch {
		case out[i]:
			continue
		case l.columns[i].flex:
			need = min(need, flexLeast)
		}
		n += need + columnGap
	}
	return n
}

func (l *listing[T]) leaveOut(out []bool) bool {
	worst := -1
	for i := range l.columns {
		if !out[i] && l.columns[i].rank > 0 && (worst < 0 || l.columns[i].rank >= l.columns[worst].rank) {
			worst = i
		}
	}
	if worst >= 0 {
		out[worst] = true
	}
	return worst >= 0
}

func (l *listing[T]) line(needs []int, out []bool, room int) (line []placed) {
	spare := room - l.total(needs, out)
	x := 0
	for i, need := range needs {
		if out[i] {
			continue
		}
		if l.columns[i].flex {
			need = min(need, flexLeast) + max(0, spare)
		}
		line = append(line, placed{i, x, max(0, min(need, room-x))})
		x += need + columnGap
	}
	return line
}

// draw shows the listing in a box: a header, and rows.
func (l *listing[T]) draw(m *model, g *grid, box rect, focused bool) {
	page := box.height - 1
	top, rows := l.visible(page)
	line := l.place(rows, box.width-2)
	for _, p := range line {
		title := l.columns[p.column].title
		if p.column == l.sort {
			title += " " + m.arrow(l.back)
		}
		g.put(box.x+1+p.x, box.y, box.end(), pad(title, p.width, l.columns[p.column].right), m.palette.strong)
	}
	for i, row := range rows {
		y := box.y + 1 + i
		for _, p := range line {
			text, style := l.columns[p.column].cell(row, p.width)
			g.put(box.x+1+p.x, y, box.end(), pad(defuse(text), p.width, l.columns[p.column].right), style)
		}
		if top+i == l.cursor && focused {
			g.restyle(box.x, y, box.width, selected)
		}
	}
}

// rect is a part of the screen.
type rect struct{ x, y, width, height int }

func (r rect) end() int { return r.x + r.width }

func (r rect) holds(x, y int) bool {
	return x >= r.x && x < r.end() && y >= r.y && y < r.y+r.height
}
