package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"github.com/octaskly/octaskly/internal/config"
	"github.com/octaskly/octaskly/internal/discovery"
	"github.com/octaskly/octaskly/internal/security"
	"github.com/octaskly/octaskly/internal/transport"
)

const (
	hearTime = 3 * time.Second // that the network is listened to
	tryTime  = 3 * time.Second // for one address
	maxTries = 8               // of addresses that anybody may have made up, for each time of listening
)

// finder finds the dispatcher of a worker that was told no address: where it was
// last, on this machine, or where the network says. It trusts none of them, and
// shows them nothing that is worth anything to others (packages joining and
// security). It listens only while there is no session. It is for one goroutine.
type finder struct {
	log  *slog.Logger
	dial openFunc
	hear func(prefer func(*discovery.Announcement) bool) (ears, error) // nil: it does not listen
	last string                                                        // where a session was
	told told                                                          // what the log has
}

// ears are a discovery.Browser.
type ears interface {
	Heard() []discovery.Heard
	Changed() <-chan struct{}
	Near(netip.Addr) bool
	Close()
}

func listenToNetwork(prefer func(*discovery.Announcement) bool) (ears, error) {
	b, err := discovery.Listen(prefer)
	if err != nil {
		return nil, err
	}
	return b, nil
}

type openFunc = func(context.Context, place) (transport.Session, error)

// wanted says which dispatcher is looked for.
type wanted struct {
	fleet string       // its name; empty: any
	key   security.Key // by which its announcement is sealed; zero: that does not help
	blind bool         // whoever answers has nothing to show: only people can tell
}

// dispatcherFinder opens a session at the address that was given, and else looks
// for one.
func dispatcherFinder(c *config.Worker, log *slog.Logger, open openFunc) func(context.Context, wanted) (transport.Session, error) {
	if c.Dispatcher != "" {
		return func(ctx context.Context, _ wanted) (transport.Session, error) {
			return open(ctx, place{address: c.Dispatcher})
		}
	}
	f := &finder{log: log, dial: open}
	if c.Discover {
		f.hear = listenToNetwork
	}
	return f.find
}

const elsewhere = "where the dispatcher is elsewhere, say so with --dispatcher HOST:PORT"

func (f *finder) find(ctx context.Context, w wanted) (transport.Session, error) {
	if f.last != "" && f.last != localDispatcher {
		if link, err := f.try(ctx, place{address: f.last}); err == nil || isFinal(err) {
			return link, err
		}
	}
	link, here := f.try(ctx, place{address: localDispatcher})
	if here == nil || isFinal(here) {
		return link, here
	}
	if f.hear == nil {
		return nil, fmt.Errorf("%w; %s", here, elsewhere)
	}
	link, there := f.listen(ctx, w)
	if there != nil {
		return nil, fmt.Errorf("%w; and %w; %s", here, there, elsewhere)
	}
	return link, nil
}

// isFinal reports whether err is the word of the very dispatcher that is looked for.
func isFinal(err error) bool { return errors.Is(err, transport.ErrRemoved) }

func (f *finder) try(ctx context.Context, p place) (transport.Session, error) {
	p.within = tryTime
	link, err := f.dial(ctx, p)
	if err == nil {
		f.last = p.address
	}
	return link, err
}

// listen tries what is sealed with the key as soon as it is heard, and what is not
// when there was time enough for the former.
func (f *finder) listen(ctx context.Context, w wanted) (transport.Session, error) {
	network, err := f.hear(genuine(w.key))
	if err != nil {
		return nil, fmt.Errorf("the network cannot be asked: %w", err)
	}
	defer network.Close()
	h := &hearing{finder: f, network: network, wanted: w, tried: map[string]bool{}}
	over := time.NewTimer(hearTime)
	defer over.Stop()
	for {
		if link := h.trySealed(ctx); link != nil {
			return link, nil
		}
		select {
		case <-network.Changed():
		case <-over.C:
			return h.tryRest(ctx)
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// tell logs each thing once.
func (f *finder) tell(level slog.Level, text string, h *discovery.Heard, why ...any) {
	line := fmt.Sprint(text, h.Fleet, h.Host, h.Port, why)
	if !f.told.isNews(line) {
		return
	}
	f.log.Log(context.Background(), level, text, append([]any{"fleet", h.Fleet, "host", h.Host, "port", h.Port}, why...)...)
}
