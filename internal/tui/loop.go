package tui

import (
	"context"
	"time"

	"github.com/gdamore/tcell/v2"
)

// frameEvery is the least time between two frames.
const frameEvery = 40 * time.Millisecond

// loop brings screen, model and feed together, in one goroutine.
type loop struct {
	terminal *terminal
	options  Options
	source   Source
	model    *model
	shown    *grid // nil: nothing
	pasting  bool  // what is pasted is not obeyed
}

// tick is a second that has passed.
type tick struct{}

func newLoop(t *terminal, source Source, options Options) *loop {
	if options.Now == nil {
		options.Now = time.Now
	}
	return &loop{terminal: t, options: options, source: source}
}

func (l *loop) run(ctx context.Context) error {
	screen := l.terminal.screen
	screen.EnableMouse(tcell.MouseButtonEvents)
	screen.EnablePaste()
	l.model = newModel(l.options, newGlyphs(screen.CharacterSet()))
	l.model.width, l.model.height = screen.Size()

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	events := make(chan tcell.Event, 64)
	l.terminal.spawn(func() { screen.ChannelEvents(events, ctx.Done()) })
	feed := newFeed(ctx, l.terminal.spawn, l.source, l.options.Now)
	return l.turn(ctx, feed, events)
}

// turn takes what comes, and draws when it is time to.
func (l *loop) turn(ctx context.Context, feed *feed, events <-chan tcell.Event) error {
	second := time.NewTicker(time.Second)
	defer second.Stop()
	frame := time.NewTimer(0)
	defer frame.Stop()
	due, lines := true, l.options.Lines
	feed.follow(l.model.wants())
	var drawn time.Time
	for {
		var message any
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case event, ok := <-events:
			if !ok {
				return nil
			}
			if _, lost := event.(*tcell.EventError); lost {
				return ErrLost
			}
			message = l.heard(event)
		case message = <-feed.out:
		case line, ok := <-lines:
			if !ok {
				lines = nil
				continue
			}
			message = gotLine{line}
		case <-second.C:
			message = tick{}
		case <-l.terminal.stops:
			l.model.suspend = true
		case <-frame.C:
			l.draw()
			due, drawn = false, time.Now()
			continue
		}
		l.model.update(l.options.Now(), message)
		if err := l.obey(feed); err != nil || l.model.quit {
			return err
		}
		if !due {
			due = true
			frame.Reset(max(0, frameEvery-time.Since(drawn)))
		}
	}
}

// heard makes a message of an event.
func (l *loop) heard(event tcell.Event) any {
	switch e := event.(type) {
	case *tcell.EventPaste:
		l.pasting = e.Start()
	case *tcell.EventResize:
		l.shown = nil
		l.terminal.screen.Sync()
	case *tcell.EventKey:
		if e.Key() == tcell.KeyCtrlL {
			l.shown = nil
			l.terminal.screen.Sync()
		}
		if l.pasting && (l.model.prompt == nil || e.Key() != tcell.KeyRune) {
			return nil
		}
	}
	return messageOf(event)
}

// obey does what the model wants.
func (l *loop) obey(feed *feed) error {
	for _, a := range l.model.acts {
		feed.do(a)
	}
	l.model.acts = nil
	feed.follow(l.model.wants())
	if !l.model.suspend {
		return nil
	}
	l.model.suspend = false
	if err := l.terminal.suspend(); err != nil {
		return err
	}
	l.shown = nil
	l.terminal.screen.Sync()
	return nil
}

func (l *loop) draw() {
	g := l.model.frame()
	g.show(l.terminal.screen, l.shown)
	l.shown = g
}
