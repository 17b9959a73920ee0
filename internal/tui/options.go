package tui

import (
	"context"
	"os"
	"time"

	"github.com/gdamore/tcell/v2"
)

// Options are all optional.
type Options struct {
	// Where is shown in the corner: a socket, or the name of a context.
	Where string

	// Quit is asked before q ends it, such as "stop the dispatcher?". If empty,
	// nothing is asked.
	Quit string

	// Lines are further lines for the tab Logs: of a daemon that has given its
	// terminal away. Nil: none. It may be closed.
	Lines <-chan Line

	// KeepHangup leaves SIGHUP to somebody else, such as a daemon that reads its
	// configuration again. A terminal that is lost is noticed anyway.
	KeepHangup bool

	// Plain leaves colours out, as $NO_COLOR wants.
	Plain bool

	// Now is the clock. If nil, it is time.Now.
	Now func() time.Time
}

// Line is a line of a log.
type Line struct {
	At    time.Time
	Level string // debug, info, warning or error
	Text  string
}

// PlainWanted reads $NO_COLOR (no-color.org).
func PlainWanted() bool { return os.Getenv("NO_COLOR") != "" }

// Run shows the source on a screen that has not been begun (Screen.Init) until
// the user quits, which is nil, or ctx ends, which is its cause. When it returns
// or panics, the screen has been ended and the goroutines it started have, too.
func Run(ctx context.Context, screen tcell.Screen, source Source, options Options) error {
	return guarded(ctx, screen, options, func(ctx context.Context, t *terminal) error {
		return newLoop(t, source, options).run(ctx)
	})
}
