package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
)

// Both accepts the sessions of several listeners, and closes them with itself. Its
// address is that of the first; when that one ends, so does Both.
func Both(first Listener, others ...Listener) Listener {
	b := &both{listeners: append([]Listener{first}, others...), accepted: make(chan Session), done: make(chan struct{})}
	for i, l := range b.listeners {
		b.tasks.Go(func() { b.collect(l, i == 0) })
	}
	return b
}

type both struct {
	listeners []Listener
	accepted  chan Session // to Accept
	once      sync.Once
	done      chan struct{}
	tasks     sync.WaitGroup
}

func (b *both) Addr() net.Addr { return b.listeners[0].Addr() }

func (b *both) collect(l Listener, isFirst bool) {
	for {
		s, err := l.Accept(context.Background())
		if err != nil { // it is closed
			if isFirst {
				b.stop()
			}
			return
		}
		select {
		case b.accepted <- s:
		case <-b.done: // Close ends it
		}
	}
}

func (b *both) Accept(ctx context.Context) (Session, error) {
	select {
	case s := <-b.accepted:
		return s, nil
	case <-b.done:
		return nil, fmt.Errorf("cannot accept a session: %w", net.ErrClosed)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (b *both) stop() { b.once.Do(func() { close(b.done) }) }

func (b *both) Close() error {
	b.stop()
	errs := make([]error, len(b.listeners))
	var closing sync.WaitGroup
	for i, l := range b.listeners {
		closing.Go(func() { errs[i] = l.Close() })
	}
	closing.Wait()
	b.tasks.Wait()
	return errors.Join(errs...)
}
