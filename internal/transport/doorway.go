package transport

import (
	"net"
	"slices"
)

// doorway is the connections that are being opened, so many at a time. When
// another one comes in, the host that has most of them loses its oldest: who
// crowds the doorway keeps himself out, and nobody else.
type doorway struct {
	max     int
	waiting []entrant // oldest first
}

type entrant struct {
	raw  entering
	host string
}

// entering is a connection that is being opened.
type entering interface {
	RemoteAddr() net.Addr
	Close() error
}

// enter takes raw in. It returns the connection that has lost its place to it, or
// nil.
func (d *doorway) enter(raw entering) (evicted entering) {
	if len(d.waiting) >= d.max {
		at := d.oldestOf(d.busiest())
		evicted = d.waiting[at].raw
		d.waiting = slices.Delete(d.waiting, at, at+1)
	}
	d.waiting = append(d.waiting, entrant{raw, hostOf(raw.RemoteAddr().String())})
	return evicted
}

// leave gives raw's place to others, if it still has one.
func (d *doorway) leave(raw entering) {
	d.waiting = slices.DeleteFunc(d.waiting, func(e entrant) bool { return e.raw == raw })
}

// busiest is the host that has most connections; of several, the one that has
// been here for longest.
func (d *doorway) busiest() (host string) {
	count := make(map[string]int, len(d.waiting))
	for _, e := range d.waiting {
		count[e.host]++
	}
	for _, e := range d.waiting {
		if count[e.host] > count[host] {
			host = e.host
		}
	}
	return host
}

func (d *doorway) oldestOf(host string) int {
	return slices.IndexFunc(d.waiting, func(e entrant) bool { return e.host == host })
}

func hostOf(addr string) string {
	if host, _, err := net.SplitHostPort(addr); err == nil {
		return host
	}
	return addr
}
