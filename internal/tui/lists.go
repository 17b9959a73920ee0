package tui

// listKey are the keys that all lists have.
func (m *model) listKey(k keyPress, resort func() string, reverse func()) bool {
	switch {
	case k == "/":
		m.prompt = &prompt{text: m.view().filterText(), before: m.view().filterText()}
	case k == "s" && resort != nil:
		m.say("sorted by "+resort()+"; S turns it round", false)
	case k == "S" && reverse != nil:
		reverse()
	default:
		return false
	}
	return true
}

// arrow marks the column that a list is sorted by.
func (m *model) arrow(back bool) string {
	if back {
		return m.glyphs.up
	}
	return m.glyphs.down
}

func wheelKey(step int) string {
	if step < 0 {
		return "wheelup"
	}
	return "wheeldown"
}

// click is for who has a mouse.
func (m *model) click(c click) {
	if m.dialog != nil || m.tooSmall() {
		return
	}
	list, pane := m.body(), m.detailBox()
	switch d := m.detail(); {
	case m.help:
		m.help = false
	case c.y == 0 && c.wheel == 0:
		if t, ok := m.tabAt(c.x); ok {
			m.turn(t)
		}
	case d != nil && pane.holds(c.x, c.y) && c.wheel != 0:
		d.key(keyPress(wheelKey(c.wheel)))
	case d != nil && pane.holds(c.x, c.y):
	case !list.holds(c.x, c.y):
	case c.wheel != 0:
		m.view().wheel(c.wheel)
	default:
		m.details = nil
		m.view().click(c.y - list.y)
	}
}

// drawEmpty says why a list has no rows.
func (m *model) drawEmpty(g *grid, box rect, rows int, known bool, err error, f *filter, nothing string) {
	text, style := "", m.palette.dim
	switch {
	case rows > 0:
		return
	case err != nil && m.link.err == nil:
		text, style = err.Error(), m.palette.bad
	case !known:
		return
	case !f.empty():
		text = "nothing here matches " + f.text + "; Esc shows all"
	default:
		text = nothing
	}
	g.put(box.x+1, box.y+1, box.end(), shorten(defuse(text), box.width-2), style)
}

var helpLines = []string{
	"1 2 3  Tab     Workers, Tasks, Logs",
	"arrows  hjkl   move; PgUp PgDn; g G to the ends",
	"Enter          all of it; Esc goes back",
	"/              filter: words, or state:failed owner:ann",
	"               worker:w1 id:42 level:warning task:42",
	"s S            sort by the next column; turn round",
	"f              follow output, or the log",
	"c r x          cancel, retry a task; its elements",
	"d              drain or resume a worker",
	"a              also jobs that ended long ago",
	"v              level of the log",
}
