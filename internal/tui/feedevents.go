package tui

import (
	"context"
	"sync"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/client"
)

// What comes fast is handed over in lumps.
const lumpEvery = 100 * time.Millisecond

// eventsAtFirst is how many there are of what has happened before.
const eventsAtFirst = 500

// events shows the latest, then what happens.
func (f *feed) events(w eventsWant) func(context.Context) {
	return func(ctx context.Context) {
		for pause := firstPause; ; pause = min(pause+time.Second, mostPause) {
			err := f.happening(ctx, w, func() { pause = 0 })
			if ctx.Err() != nil || !f.send(ctx, failed{aboutEvents, err, f.now().Add(pause)}) || !wait(ctx, max(pause, firstPause)) {
				return
			}
		}
	}
}

func (f *feed) happening(ctx context.Context, w eventsWant, begun func()) error {
	q := client.EventQuery{Task: w.task, Worker: w.worker, Limit: eventsAtFirst}
	message, err := within(ctx, func(ctx context.Context) (any, error) { return f.source.Events(ctx, q) })
	if err != nil {
		return err
	}
	page := message.(*api.Events)
	if !f.send(ctx, gotEvents{of: w, events: page.Events, anew: true}) {
		return ctx.Err()
	}
	begun()
	l := &lump{bell: make(chan struct{}, 1)}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	f.spawn(func() {
		l.deliver(ctx, func() bool { return f.send(ctx, gotEvents{of: w, events: l.take()}) })
	})
	return f.source.FollowEvents(ctx, client.EventQuery{Task: w.task, Worker: w.worker, Since: page.Next}, func(e *api.Event) error {
		l.add(*e)
		return nil
	})
}

// lump gathers what has not been handed over; of too much, the latest.
type lump struct {
	mu     sync.Mutex
	events []api.Event
	bell   chan struct{}
}

func (l *lump) add(e api.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = append(l.events, e)
	if over := len(l.events) - 2*maxEvents; over > 0 {
		l.events = append(l.events[:0], l.events[over+maxEvents:]...)
	}
	ring(l.bell)
}

func (l *lump) take() []api.Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	events := l.events
	l.events = nil
	return events
}

func (l *lump) deliver(ctx context.Context, give func() bool) { deliver(ctx, l.bell, give) }

func ring(bell chan struct{}) {
	select {
	case bell <- struct{}{}:
	default:
	}
}

// deliver gives after the bell has rung, and then not for a while.
func deliver(ctx context.Context, bell <-chan struct{}, give func() bool) {
	for {
		select {
		case <-bell:
		case <-ctx.Done():
			return
		}
		if !give() || !wait(ctx, lumpEvery) {
			return
		}
	}
}
