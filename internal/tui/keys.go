package tui

import (
	"github.com/gdamore/tcell/v2"
)

// keyPress is a key by its name: a character, or up, enter, ctrl-c, …
type keyPress string

// click is a mouse button, or the wheel, at a place.
type click struct {
	x, y  int
	wheel int // -1 up, 1 down, 0: a button
}

// size is that of the screen.
type size struct{ width, height int }

var keyNames = map[tcell.Key]keyPress{
	tcell.KeyUp: "up", tcell.KeyDown: "down", tcell.KeyLeft: "left", tcell.KeyRight: "right",
	tcell.KeyPgUp: "pgup", tcell.KeyPgDn: "pgdn", tcell.KeyHome: "home", tcell.KeyEnd: "end",
	tcell.KeyEnter: "enter", tcell.KeyEscape: "esc", tcell.KeyTab: "tab", tcell.KeyBacktab: "backtab",
	tcell.KeyBackspace: "backspace", tcell.KeyBackspace2: "backspace", tcell.KeyDelete: "backspace",
	tcell.KeyCtrlC: "ctrl-c", tcell.KeyCtrlZ: "ctrl-z", tcell.KeyCtrlU: "ctrl-u",
	tcell.KeyCtrlW: "ctrl-w", tcell.KeyCtrlB: "pgup", tcell.KeyCtrlF: "pgdn", tcell.KeyF1: "?",
}

// messageOf makes a message of an event of the screen; nil: it means nothing.
func messageOf(event tcell.Event) any {
	switch e := event.(type) {
	case *tcell.EventKey:
		if e.Key() == tcell.KeyRune && e.Modifiers()&tcell.ModAlt == 0 {
			return keyPress(e.Rune())
		}
		if name, ok := keyNames[e.Key()]; ok {
			return name
		}
	case *tcell.EventResize:
		width, height := e.Size()
		return size{width, height}
	case *tcell.EventMouse:
		x, y := e.Position()
		switch {
		case e.Buttons()&tcell.WheelUp != 0:
			return click{x, y, -1}
		case e.Buttons()&tcell.WheelDown != 0:
			return click{x, y, 1}
		case e.Buttons()&tcell.Button1 != 0:
			return click{x, y, 0}
		}
	}
	return nil
}
