package discovery

import (
	"errors"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"time"
)

// Browser asks for dispatchers and listens, from [Listen] to [Browser.Close].
type Browser struct {
	interfaces []Interface
	sockets    []socket
	done       chan struct{}
	running    sync.WaitGroup
	changed    chan struct{} // holds one

	mu     sync.Mutex
	cache  *cache
	intake intake
}

// Listen begins to listen on the interfaces that there are now. Whoever knows what
// is genuine says so by prefer, which may be nil.
func Listen(prefer func(*Announcement) bool) (*Browser, error) {
	list, err := Interfaces()
	if err == nil && len(list) == 0 {
		err = ErrNoNetwork
	}
	if err != nil {
		return nil, err
	}
	sockets, err := openSockets(list)
	if err != nil {
		return nil, err
	}
	b := &Browser{interfaces: list, sockets: sockets, done: make(chan struct{}), changed: make(chan struct{}, 1), cache: newCache(prefer)}
	for _, s := range sockets {
		b.running.Go(func() { b.listen(s) })
	}
	b.running.Go(b.ask)
	return b, nil
}

// Changed has an item when Heard may say something new.
func (b *Browser) Changed() <-chan struct{} { return b.changed }

// Heard lists the dispatchers that are heard of, the preferred ones first.
func (b *Browser) Heard() []Heard {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.cache.expire(time.Now())
	return b.cache.merged(b.Near)
}

// Close ends the listening and waits for its end.
func (b *Browser) Close() {
	close(b.done)
	for _, s := range b.sockets {
		s.Close()
	}
	b.running.Wait()
}

// ask sends the query at growing intervals. What cannot be sent now may be later.
func (b *Browser) ask() {
	packet := query()
	pause := time.Duration(rand.N(100 * time.Millisecond)) // all who lost the same dispatcher begin at the same time
	for next := time.Duration(0); b.sleep(pause); pause = next {
		for _, s := range b.sockets {
			for _, i := range b.interfaces {
				s.send(packet, i.Index)
			}
		}
		next = nextPause(next)
	}
}

// sleep reports whether to go on.
func (b *Browser) sleep(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-b.done:
		return false
	}
}

const errorPause = 100 * time.Millisecond

func (b *Browser) listen(s socket) {
	buf := make([]byte, maxPacket)
	for {
		n, index, from, err := s.receive(buf)
		switch {
		case err == nil:
			b.take(buf[:n], index, from, time.Now())
		case errors.Is(err, net.ErrClosed) || !b.sleep(errorPause):
			return
		}
	}
}

// take looks at a packet if it is worth that.
func (b *Browser) take(packet []byte, index int, from net.Addr, now time.Time) {
	name := b.nameOf(index)
	addr, ok := speaker(from)
	if !ok || name == "" {
		return
	}
	addr = zoned(addr, name)
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.intake.allows(addr, now) {
		return
	}
	seen, err := parsePacket(packet)
	if err != nil {
		return
	}
	for _, s := range seen {
		for i, a := range s.Addresses {
			s.Addresses[i] = zoned(a, name)
		}
		if b.cache.apply(addr, &s, now) {
			b.ring()
		}
	}
}

// nameOf is empty for an interface that is not listened to: who listens to a group
// on one gets what others on this machine have joined on theirs.
func (b *Browser) nameOf(index int) string {
	for _, i := range b.interfaces {
		if i.Index == index {
			return i.Name
		}
	}
	return ""
}

func (b *Browser) ring() {
	select {
	case b.changed <- struct{}{}:
	default:
	}
}

// Near reports whether an address is in a network of this machine.
func (b *Browser) Near(a netip.Addr) bool { return near(b.interfaces, a) }
