package discovery

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Heard is a dispatcher that was heard of, by however many ways.
type Heard struct {
	Announcement
	Preferred bool
	Until     time.Time // unless it is heard again
}

type identity struct {
	fleet, id, host, seal string
	port                  uint16
}

// merged has one item for each dispatcher, the preferred ones first. Addresses in
// the networks of this machine come before others.
func (c *cache) merged(near func(netip.Addr) bool) []Heard {
	all := map[identity]*Heard{}
	for _, e := range c.entries {
		key := identity{e.Fleet, e.ID, e.Host, "", e.Port}
		if e.preferred {
			key.seal = e.Seal // a forged one must not add to it
		}
		known := all[key]
		if known == nil {
			h := Heard{e.Announcement, e.preferred, e.until}
			h.Addresses, h.Transports = slices.Clone(e.Addresses), slices.Clone(e.Transports)
			all[key] = &h
			continue
		}
		known.Addresses = append(known.Addresses, e.Addresses...)
		known.Transports = append(known.Transports, e.Transports...)
		known.REST = cmp.Or(known.REST, e.REST)
		if e.until.After(known.Until) {
			known.Until = e.until
		}
	}
	var list []Heard
	for _, h := range all {
		slices.Sort(h.Transports)
		h.Transports = slices.Compact(h.Transports)
		h.Addresses = inOrder(h.Addresses, near)
		list = append(list, *h)
	}
	slices.SortFunc(list, compare)
	return list
}

func inOrder(addresses []netip.Addr, near func(netip.Addr) bool) []netip.Addr {
	rank := func(a netip.Addr) int {
		switch {
		case near(a):
			return 0
		case a.IsLinkLocalUnicast():
			return 2
		}
		return 1
	}
	slices.SortFunc(addresses, func(a, b netip.Addr) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), a.Compare(b))
	})
	addresses = slices.Compact(addresses)
	return addresses[:min(len(addresses), maxAddresses)]
}

func compare(a, b Heard) int {
	if a.Preferred != b.Preferred {
		if a.Preferred {
			return -1
		}
		return 1
	}
	return cmp.Or(
		strings.Compare(a.Fleet, b.Fleet), strings.Compare(a.Host, b.Host), cmp.Compare(a.Port, b.Port),
		strings.Compare(a.ID, b.ID), strings.Compare(a.Seal, b.Seal),
	)
}
