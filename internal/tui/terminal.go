package tui

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"sync"

	"github.com/gdamore/tcell/v2"
	"golang.org/x/term"
)

// terminal is the screen while it is ours.
type terminal struct {
	screen tcell.Screen
	// stops asks the loop to call suspend: SIGTSTP came.
	stops <-chan struct{}

	before  *modes // of the terminal; nil: there is none
	keeper  *keeper
	cancel  context.CancelCauseFunc
	ending  sync.Once
	wg      sync.WaitGroup
	crashes chan *crash // of what was spawned; the first counts
}

// crash is a panic of a goroutine, on its way to the one that has the screen.
type crash struct {
	value any
	stack []byte
}

// ErrLost is why Run ends when its terminal is gone.
var ErrLost = errors.New("the terminal is gone")

// OpenScreen finds the terminal of this process, for Run.
func OpenScreen() (tcell.Screen, error) {
	tty, err := openTerminal()
	if err != nil {
		return nil, errors.New("this is no terminal")
	}
	defer tty.Close()
	if !term.IsTerminal(int(os.Stdout.Fd())) {
		return nil, errors.New("standard output is no terminal")
	}
	screen, err := tcell.NewTerminfoScreen()
	if err != nil {
		return nil, fmt.Errorf("the terminal is of a kind that nobody knows here, TERM=%q: %w", os.Getenv("TERM"), err)
	}
	return screen, nil
}

// guarded begins the screen, runs f, waits for what f spawned, and ends the screen,
// whatever happens: an error, a panic here or in what was spawned, a signal. Where the
// whole process dies at once, its keeper ends the screen.
func guarded(ctx context.Context, screen tcell.Screen, o Options, f func(context.Context, *terminal) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(context.Canceled)
	t := &terminal{screen: screen, before: readModes(), cancel: cancel, crashes: make(chan *crash, 1)}
	release := t.catchSignals(o.KeepHangup)
	defer release() // last: until then, no signal ends the process as it likes
	t.keeper = startKeeper(t.before)
	defer t.keeper.dismiss()
	if err := screen.Init(); err != nil {
		t.before.restore(false)
		return fmt.Errorf("cannot use this terminal: %w", err)
	}
	defer t.raise()
	defer t.wg.Wait()
	defer t.end()
	defer cancel(context.Canceled)
	return f(ctx, t)
}

// spawn runs f in a goroutine that guarded waits for. A panic of f ends Run, and is
// raised there once the screen has ended.
func (t *terminal) spawn(f func()) {
	t.wg.Go(func() {
		defer func() {
			if value := recover(); value != nil {
				t.crashed(&crash{value, debug.Stack()})
			}
		}()
		f()
	})
}

func (t *terminal) crashed(c *crash) {
	select {
	case t.crashes <- c:
	default: // one is told of
	}
	t.cancel(fmt.Errorf("internal error: %v", c.value))
}

// raise panics for a goroutine that did.
func (t *terminal) raise() {
	select {
	case c := <-t.crashes:
		panic(fmt.Sprintf("%v\n\nit was in\n%s", c.value, c.stack))
	default:
	}
}

// end gives the terminal back for good.
func (t *terminal) end() {
	t.ending.Do(func() {
		leave(t.screen.Fini, t.before)
		t.keeper.tell(keeperIdle)
	})
}
