package client

import (
	"context"
	"errors"
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
)

const (
	patience = 15 * time.Minute

	firstPause = 50 * time.Millisecond
	maxPause   = 2 * time.Second
)

// lasting is an answer that goes on over further connections when the daemon has
// gone away and is back.
type lasting struct {
	client *Client
	once   func(context.Context) error // reads over one connection
	begun  bool                        // something has come: from then on the daemon is waited for
	away   bool                        // of the daemon: Notice is owed that it is back
	stop   error                       // of who reads
}

// run returns when the answer is over, or an error that will not pass.
func (l *lasting) run(ctx context.Context) error {
	err := l.once(ctx)
	for l.passing(err) && !l.away {
		l.client.Notice(err)
		err = l.again(ctx, err)
	}
	return err
}

// passing reports whether the error may pass when the daemon is back.
func (l *lasting) passing(err error) bool {
	var unreachable *Unreachable
	ours := errors.Is(err, ErrCut) || errors.Is(err, octaskly.ErrUnavailable) || errors.As(err, &unreachable)
	return ours && l.begun && l.stop == nil
}

// again tries until the daemon is back, and then reads until it goes away.
func (l *lasting) again(ctx context.Context, err error) error {
	l.away = true
	deadline := time.Now().Add(l.client.Patience)
	for pause := firstPause; l.passing(err) && l.away; pause = min(2*pause, maxPause) {
		if time.Until(deadline) <= 0 {
			return err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		err = l.once(ctx)
	}
	return err
}

// hears is to be called with each thing that comes.
func (l *lasting) hears() {
	if l.away {
		l.away = false
		l.client.Notice(nil)
	}
}
