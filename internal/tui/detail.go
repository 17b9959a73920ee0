package tui

import (
	"strings"

	"github.com/gdamore/tcell/v2"
)

// detail is the pane with all of one thing.
type detail interface {
	take(message any)
	want(*wants)
	key(keyPress)
	draw(*grid, rect)
	hints() string
}

// fact is a line of a detail.
type fact struct {
	key, value string
	style      tcell.Style
}

const factKeys = 10 // columns

// facts gathers lines; those without a value are left out.
type facts []fact

func (f *facts) add(key, value string, style tcell.Style) {
	if value != "" {
		*f = append(*f, fact{key, value, style})
	}
}

// draw shows as many facts as fit, and returns the lines that took. Where there is
// room for two columns, short ones stand side by side.
func (f facts) draw(m *model, g *grid, box rect) int {
	half := box.width
	if box.width >= 100 {
		half = box.width / 2
	}
	x, y := box.x, box.y
	for _, fact := range f {
		wide := columns(defuse(fact.value)) > half-factKeys-3
		if wide && x > box.x {
			x, y = box.x, y+1
		}
		if y >= box.y+box.height {
			return box.height
		}
		end := x + half
		if wide {
			end = box.end()
		}
		g.put(x+1, y, end, pad(fact.key, factKeys, false), m.palette.dim)
		g.put(x+1+factKeys, y, end-1, shorten(defuse(fact.value), end-x-factKeys-2), fact.style)
		if x+2*half > box.end() || wide {
			x, y = box.x, y+1
		} else {
			x += half
		}
	}
	if x > box.x {
		y++
	}
	return min(y-box.y, box.height)
}

// lines is how many lines the facts take.
func (f facts) lines(m *model, width, most int) int {
	return f.draw(m, newGrid(width, most), rect{0, 0, width, most})
}

// rule is a line with a title.
func (m *model) rule(g *grid, y int, title string) {
	g.put(0, y, m.width, strings.Repeat(m.glyphs.rule, m.width), m.palette.dim)
	g.put(2, y, m.width, shorten(" "+defuse(title)+" ", m.width-4), m.palette.strong)
}
