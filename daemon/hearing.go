package main

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"

	"github.com/octaskly/octaskly/internal/discovery"
	"github.com/octaskly/octaskly/internal/transport"
)

// hearing is one time that a finder listens.
type hearing struct {
	*finder
	wanted
	network ears
	tried   map[string]bool
	heard   int // dispatchers of the fleet
}

// trySealed tries those of the fleet that know its key.
func (h *hearing) trySealed(ctx context.Context) transport.Session {
	for _, d := range h.network.Heard() {
		switch {
		case !h.isOf(&d):
			h.tell(slog.LevelInfo, "A dispatcher of another fleet is heard on the network", &d, "want", h.fleet)
		case d.Preferred:
			if link := h.tryAll(ctx, &d, d.Addresses); link != nil {
				return link
			}
		}
	}
	return nil
}

// isOf reports whether d says that it is of the fleet that is looked for.
func (h *hearing) isOf(d *discovery.Heard) bool { return h.fleet == "" || d.Fleet == h.fleet }

// tryRest tries what is left when there was time enough to be heard.
func (h *hearing) tryRest(ctx context.Context) (transport.Session, error) {
	if h.blind {
		if err := h.tellApart(); err != nil {
			return nil, err
		}
	}
	if link := h.tryOthers(ctx); link != nil {
		return link, nil
	}
	return nil, h.failure()
}

const maxListed = 8

// tellApart fails where a worker that trusts anybody would have to choose.
func (h *hearing) tellApart() error {
	var all []string
	for _, d := range h.network.Heard() {
		if near := h.nearby(d.Addresses); h.isOf(&d) && len(near) > 0 {
			all = append(all, fmt.Sprintf("%q at %s", d.Host, netip.AddrPortFrom(near[0], d.Port)))
		}
	}
	if len(all) < 2 {
		return nil
	}
	slices.Sort(all)
	list := strings.Join(all[:min(len(all), maxListed)], ", ")
	return fmt.Errorf("%d dispatchers are heard on the network, and this worker has neither key nor invite to tell them apart by: %s", len(all), list)
}

// tryOthers tries some that only say that they are of the fleet: they may have
// another key by mistake, and that is worth telling.
func (h *hearing) tryOthers(ctx context.Context) transport.Session {
	list := h.network.Heard()
	rand.Shuffle(len(list), func(i, k int) { list[i], list[k] = list[k], list[i] })
	tries := maxTries
	for _, d := range list {
		if !h.isOf(&d) {
			continue
		}
		h.heard++
		addresses := h.nearby(d.Addresses)
		if addresses = addresses[:min(len(addresses), tries, 2)]; d.Preferred || len(addresses) == 0 {
			continue
		}
		tries -= len(addresses)
		if link := h.tryAll(ctx, &d, addresses); link != nil {
			return link
		}
	}
	return nil
}

// nearby are addresses that whoever is on this network may send workers to: not
// those of strangers elsewhere.
func (h *hearing) nearby(addresses []netip.Addr) (list []netip.Addr) {
	for _, a := range addresses {
		if h.network.Near(a) || a.IsPrivate() || a.IsLinkLocalUnicast() {
			list = append(list, a)
		}
	}
	return list
}

func (h *hearing) tryAll(ctx context.Context, d *discovery.Heard, addresses []netip.Addr) transport.Session {
	for _, a := range addresses {
		address := netip.AddrPortFrom(a, d.Port).String()
		if h.tried[address] || ctx.Err() != nil {
			continue
		}
		h.tried[address] = true
		link, err := h.try(ctx, place{address: address, hearsay: true})
		if err == nil {
			h.log.Info("A dispatcher of this fleet is found on the network", "fleet", d.Fleet, "host", d.Host, "address", address)
			return link
		}
		h.tell(slog.LevelWarn, "A dispatcher that is heard on the network does not take this worker", d, "address", a, "why", err)
	}
	return nil
}

// failure has the same text for the same state of things: it is logged once.
func (h *hearing) failure() error {
	of := ""
	if h.fleet != "" {
		of = fmt.Sprintf(" of fleet %q", h.fleet)
	}
	if h.heard == 0 {
		return fmt.Errorf("no dispatcher%s is heard on the network", of)
	}
	return fmt.Errorf("none that is heard%s takes this worker", of)
}
