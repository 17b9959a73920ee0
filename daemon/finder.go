package main

import (
	"context"
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
// shows them nothing but a proof that is worth nothing to others (package
// security). It listens only while there is no session. It is for one goroutine.
type finder struct {
	fleet string
	log   *slog.Logger
	dial  openFunc
	hear  func(prefer func(*discovery.Announcement) bool) (ears, error) // nil: it does not listen
	last  string                                                        // where a session was
	told  map[string]bool                                               // what the log has
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

type openFunc = func(ctx context.Context, address string, key security.Key) (transport.Session, error)

// dispatcherFinder opens a session at the address that was given, and else looks
// for one.
func dispatcherFinder(c *config.Worker, log *slog.Logger, open openFunc) func(context.Context, security.Key) (transport.Session, error) {
	if c.Dispatcher != "" {
		return func(ctx context.Context, key security.Key) (transport.Session, error) {
			return open(ctx, c.Dispatcher, key)
		}
	}
	f := &finder{fleet: c.Fleet, log: log, dial: open}
	if c.Discover {
		f.hear = listenToNetwork
	}
	return f.find
}

const elsewhere = "where the dispatcher is elsewhere, say so with --dispatcher HOST:PORT"

func (f *finder) find(ctx context.Context, key security.Key) (transport.Session, error) {
	if f.last != "" && f.last != localDispatcher {
		if link, err := f.try(ctx, f.last, key); err == nil {
			return link, nil
		}
	}
	link, here := f.try(ctx, localDispatcher, key)
	if here == nil {
		return link, nil
	}
	if f.hear == nil {
		return nil, fmt.Errorf("%w; %s", here, elsewhere)
	}
	link, there := f.listen(ctx, key)
	if there != nil {
		return nil, fmt.Errorf("%w; and %w; %s", here, there, elsewhere)
	}
	return link, nil
}

func (f *finder) try(ctx context.Context, address string, key security.Key) (transport.Session, error) {
	ctx, cancel := context.WithTimeout(ctx, tryTime)
	defer cancel()
	link, err := f.dial(ctx, address, key)
	if err == nil {
		f.last = address
	}
	return link, err
}

// listen tries what is sealed with the key as soon as it is heard, and what is not
// when there was time enough for the former.
func (f *finder) listen(ctx context.Context, key security.Key) (transport.Session, error) {
	network, err := f.hear(genuine(key))
	if err != nil {
		return nil, fmt.Errorf("the network cannot be asked: %w", err)
	}
	defer network.Close()
	h := &hearing{finder: f, network: network, key: key, tried: map[string]bool{}}
	over := time.NewTimer(hearTime)
	defer over.Stop()
	for {
		if link := h.trySealed(ctx); link != nil {
			return link, nil
		}
		select {
		case <-network.Changed():
		case <-over.C:
			if link := h.tryOthers(ctx); link != nil {
				return link, nil
			}
			return nil, h.failure()
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

const maxTold = 64

// tell logs each thing once.
func (f *finder) tell(level slog.Level, text string, h *discovery.Heard, why ...any) {
	line := fmt.Sprint(text, h.Fleet, h.Host, h.Port, why)
	if f.told[line] || len(f.told) >= maxTold {
		return
	}
	if f.told == nil {
		f.told = map[string]bool{}
	}
	f.told[line] = true
	f.log.Log(context.Background(), level, text, append([]any{"fleet", h.Fleet, "host", h.Host, "port", h.Port}, why...)...)
}
