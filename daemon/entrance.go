package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/octaskly/octaskly/internal/joining"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/security"
	"github.com/octaskly/octaskly/internal/transport"
)

// entrance is how a worker gets in at a dispatcher: with its certificate, which it has
// after it has joined (package joining). It is for one goroutine, but for waits.
type entrance struct {
	id       octaskly.WorkerID
	name     string
	papers   *papers
	secrets  func() (secrets, error)
	protocol transport.Protocol
	log      *slog.Logger
	status   func(string)
	slow     func(error)
	waits    atomic.Pointer[string] // what an operator is asked to type; nil: nothing
	pause    pause
	renewing sync.WaitGroup
	said     told // warnings since the last session: it tries again and again
}

// secrets are what lets a worker join without anybody who approves it.
type secrets struct {
	key    security.Key // zero: there is none
	invite *joining.Invite
}

func (s secrets) none() bool { return s.key.IsZero() && s.invite == nil }

// place is where a dispatcher may be.
type place struct {
	address string
	within  time.Duration // that machines take for it; 0: what package transport allows
	hearsay bool          // anybody may have said so: who is there must show it
}

func (p place) limit(ctx context.Context) (context.Context, context.CancelFunc) {
	if p.within == 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, p.within)
}

// open has a session at p, after joining there if need be.
func (e *entrance) open(ctx context.Context, p place) (transport.Session, error) {
	link, err := e.getIn(ctx, p)
	switch {
	case err == nil:
		e.said = nil
	case isForeign(err) && !p.hearsay && e.papers.held.Load().Joined():
		err = fmt.Errorf("%w; should the fleet have another authority by now, which nobody but you can tell: stop this worker, move %s away and start it, to join anew", err, e.papers.path)
	}
	return link, err
}

// isForeign reports whether err means that somebody is there, and not who is looked for.
func isForeign(err error) bool {
	return errors.Is(err, transport.ErrNotDispatcher) || errors.Is(err, joining.ErrImpostor)
}

func (e *entrance) getIn(ctx context.Context, p place) (transport.Session, error) {
	has, noSecret := e.secrets() // of which it needs none as long as its certificate counts
	if e.papers.good(e.id, e.name, time.Now()) {
		link, err := e.enter(ctx, p)
		if err == nil || !e.isStale(err, has) {
			return link, err
		}
		e.warn("The worker's certificate is not taken there; it tries to join anew", "address", p.address, "why", err)
	}
	if noSecret != nil {
		return nil, noSecret
	}
	if err := e.join(ctx, p, has); err != nil {
		if errors.Is(err, transport.ErrTooOld) && !has.key.IsZero() && has.invite == nil && !e.papers.held.Load().Joined() {
			return e.session(ctx, p, transport.Config{Key: has.key})
		}
		return nil, err
	}
	return e.enter(ctx, p)
}

// warn logs each thing once between two sessions.
func (e *entrance) warn(text string, why ...any) {
	if e.said.isNews(fmt.Sprint(text, why)) {
		e.log.Warn(text, why...)
	}
}

// isStale reports whether err means that the certificate is of no use: a dispatcher of
// another fleet is worth a try only with a secret of that fleet.
func (e *entrance) isStale(err error, has secrets) bool {
	return errors.Is(err, transport.ErrRevoked) || errors.Is(err, transport.ErrNotDispatcher) && !has.none()
}

// enter has a session by the worker's certificate, which is renewed as long as that
// lasts.
func (e *entrance) enter(ctx context.Context, p place) (transport.Session, error) {
	link, err := e.session(ctx, p, transport.Config{Credentials: e.papers.credentials()})
	if err == nil {
		e.renewing.Go(func() { e.renewDuring(link) })
	}
	return link, err
}

func (e *entrance) session(ctx context.Context, p place, cfg transport.Config) (transport.Session, error) {
	ctx, cancel := p.limit(ctx)
	defer cancel()
	cfg.Slow = e.slow
	link, err := transport.Dial(ctx, e.protocol, p.address, cfg)
	if errors.Is(err, transport.ErrRemoved) {
		err = fmt.Errorf("%w; let it in again with: octasklyctl worker approve %s", err, e.name)
	}
	return link, err
}
