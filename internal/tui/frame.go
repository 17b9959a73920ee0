package tui

import (
	"fmt"
	"strings"
)

// frame draws all of the screen.
func (m *model) frame() *grid {
	g := newGrid(m.width, m.height)
	if m.tooSmall() {
		g.put(0, 0, m.width, "terminal too small", m.palette.plain)
		g.put(0, 1, m.width, fmt.Sprintf("%d×%d, want %d×%d", m.width, m.height, leastWidth, leastHeight), m.palette.plain)
		return g
	}
	m.drawTabs(g)
	m.drawSummary(g)
	if box := m.body(); box.height > 1 {
		m.view().draw(g, box)
	}
	if d := m.detail(); d != nil {
		d.draw(g, m.detailBox())
	}
	m.drawFoot(g)
	switch {
	case m.dialog != nil:
		m.drawBox(g, m.dialog.lines, "y yes   n no")
	case m.help:
		m.drawBox(g, helpLines, "any key goes back")
	}
	return g
}

func (m *model) tooSmall() bool { return m.width < leastWidth || m.height < leastHeight }

const (
	headLines  = 2
	splitsFrom = 30 // lines: below, a detail takes the place of the list
)

// body is where the tab is drawn.
func (m *model) body() rect {
	box := rect{0, headLines, m.width, max(0, m.height-headLines-1)}
	if m.detail() != nil {
		box.height -= m.detailBox().height
	}
	return box
}

func (m *model) detailBox() rect {
	height := max(0, m.height-headLines-1)
	if m.height >= splitsFrom {
		height -= height / 3
	}
	return rect{0, m.height - 1 - height, m.width, height}
}

// tabAt is the tab whose name is in a column of the first line.
func (m *model) tabAt(x int) (tab, bool) {
	at := 1
	for i, name := range tabNames {
		if at += columns(name) + 4; x < at {
			return tab(i), true
		}
	}
	return 0, false
}

func (m *model) drawTabs(g *grid) {
	x := 1
	for i, name := range tabNames {
		style := m.palette.bar
		if tab(i) == m.tab {
			style = m.palette.here
		}
		x = g.put(x, 0, m.width, fmt.Sprintf(" %d %s ", i+1, name), style)
	}
	where := defuse(m.options.Where)
	if room := m.width - x - 3; room > 4 {
		where = shortenLeft(where, room)
		g.put(m.width-1-columns(where), 0, m.width, where, m.palette.dim)
	}
}

// shortenLeft keeps the end of a path.
func shortenLeft(text string, limit int) string {
	for columns(text) > limit {
		_, _, rest := cluster(strings.TrimPrefix(text, "…"))
		text = "…" + rest
	}
	return text
}

// drawFoot is the last line: what is typed, what was done, or the keys there are.
func (m *model) drawFoot(g *grid) {
	y := m.height - 1
	switch {
	case m.prompt != nil:
		text := "filter: " + m.prompt.text
		for columns(text) > m.width-2 {
			_, _, text = cluster(text)
		}
		g.cursorX, g.cursorY = g.put(0, y, m.width-1, text, m.palette.strong), y
	case m.notice.text != "":
		style := m.palette.strong
		if m.notice.bad {
			style = m.palette.bad
		}
		g.put(1, y, m.width, shorten(defuse(m.notice.text), m.width-2), style)
	default:
		hints := m.view().hints()
		if d := m.detail(); d != nil {
			hints = d.hints()
		}
		if text := m.view().filterText(); text != "" && m.detail() == nil {
			hints = "filter: " + text + "  Esc all  " + hints
		}
		const always = "  ? help  q quit"
		g.put(1, y, m.width, shorten(defuse(hints), m.width-2-columns(always))+always, m.palette.dim)
	}
}
