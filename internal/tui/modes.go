package tui

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// leavePatience is how long tcell may take to give the terminal back. It waits for
// goroutines of its own, which may be stuck where nobody takes what was typed.
const leavePatience = 2 * time.Second

// leaveSequence undoes all that was asked of the terminal: a frame in one piece,
// autowrap, keypad, mouse, focus, paste, keys as CSI u, colours, the other screen, the
// cursor.
const leaveSequence = "\x1b[?2026l\x1b[?7h\x1b[?1l\x1b>\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?1004l\x1b[?2004l\x1b[<u\x1b[0m\x1b[?1049l\x1b[?25h"

// modes are those of the controlling terminal before it was ours (termios(3)).
type modes struct{ unix.Termios }

// readModes returns nil where there is no terminal.
func readModes() *modes {
	tty, err := openTerminal()
	if err != nil {
		return nil
	}
	defer tty.Close()
	found, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS)
	if err != nil {
		return nil
	}
	return &modes{*found}
}

// leave has f, of tcell, give the terminal back, and does so itself where that fails.
func leave(f func(), before *modes) (clean bool) {
	left := make(chan struct{})
	go func() {
		defer close(left)
		f()
	}()
	patience := time.NewTimer(leavePatience)
	defer patience.Stop()
	select {
	case <-left:
		return before == nil || !before.restore(false)
	case <-patience.C:
		before.restore(true)
		return false
	}
}

// restore puts the terminal back, if it is not, or anyway. It reports whether there
// was anything to do.
func (m *modes) restore(anyway bool) bool {
	if m == nil {
		return false
	}
	tty, err := openTerminal()
	if err != nil {
		return false // it is gone
	}
	defer tty.Close()
	return m.restoreOn(tty, anyway)
}

func (m *modes) restoreOn(tty *os.File, anyway bool) bool {
	now, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS)
	if err != nil || !anyway && !raw(now) {
		return false
	}
	unix.IoctlSetTermios(int(tty.Fd()), unix.TCSETS, &m.Termios)
	tty.WriteString(leaveSequence)
	return true
}

// raw reports whether these are modes that a full screen sets and no shell: not
// even Ctrl-C is a signal.
func raw(t *unix.Termios) bool { return t.Lflag&(unix.ICANON|unix.ISIG|unix.ECHO) == 0 }

func openTerminal() (*os.File, error) {
	return os.OpenFile("/dev/tty", os.O_RDWR|unix.O_NOCTTY, 0)
}
