package tui

import (
	"github.com/gdamore/tcell/v2"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// palette has only the terminal's own colours, which are legible on its own
// ground, be that light or dark; and no meaning hangs on a colour alone.
type palette struct {
	plain, dim, strong       tcell.Style
	good, bad, warning, note tcell.Style
	bar                      tcell.Style // the line of tabs
	here                     tcell.Style // the tab that is shown
	colours                  bool        // of output are shown
}

func newPalette(plain bool) *palette {
	base := tcell.StyleDefault
	p := &palette{
		plain: base, dim: base.Dim(true), strong: base.Bold(true),
		good: base, bad: base.Bold(true), warning: base.Bold(true), note: base,
		bar: base, here: base.Reverse(true).Bold(true),
	}
	if plain {
		return p
	}
	p.colours = true
	p.good = base.Foreground(tcell.ColorGreen)
	p.bad = base.Foreground(tcell.ColorMaroon)
	p.warning = base.Foreground(tcell.ColorOlive)
	p.note = base.Foreground(tcell.ColorTeal)
	return p
}

// ofState says at a glance where a task stands.
func (p *palette) ofState(s octaskly.State) tcell.Style {
	switch s {
	case octaskly.Running:
		return p.note
	case octaskly.Completed:
		return p.good
	case octaskly.Failed, octaskly.TimedOut:
		return p.bad
	case octaskly.Cancelled:
		return p.warning
	}
	return p.plain
}

// selected is a row that the cursor is on: one bar, whatever the colours of its cells.
func selected(s tcell.Style) tcell.Style {
	return s.Foreground(tcell.ColorDefault).Dim(false).Reverse(true)
}
