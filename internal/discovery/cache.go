package discovery

import (
	"net/netip"
	"time"
)

const (
	maxHeard   = 256
	maxPerHost = 16
)

// cache holds what was heard. An instance is that of the one address who has told
// of it, so that nobody changes or ends what is another's.
type cache struct {
	prefer  func(*Announcement) bool
	entries map[instanceOf]*entry
}

type instanceOf struct {
	from     netip.Addr
	instance string
}

type entry struct {
	Announcement
	until     time.Time
	preferred bool
}

func newCache(prefer func(*Announcement) bool) *cache {
	if prefer == nil {
		prefer = func(*Announcement) bool { return false }
	}
	return &cache{prefer, map[instanceOf]*entry{}}
}

// apply reports whether that has changed anything.
func (c *cache) apply(from netip.Addr, s *sighting, now time.Time) bool {
	key := instanceOf{from, s.instance}
	if s.gone {
		_, known := c.entries[key]
		delete(c.entries, key)
		return known
	}
	if len(s.Addresses) == 0 {
		s.Addresses = []netip.Addr{from}
	}
	e := &entry{s.Announcement, now.Add(s.life), c.prefer(&s.Announcement)}
	if known := c.entries[key]; known != nil {
		news := known.Text() != e.Text() || known.Seal != e.Seal
		c.entries[key] = e
		return news
	}
	c.expire(now)
	if !c.room(from) {
		return false
	}
	c.entries[key] = e
	return true
}

// room is there, or is made at the cost of somebody who is not preferred: the
// newest may be the one who is looked for.
func (c *cache) room(from netip.Addr) bool {
	var same int
	var victim, neighbour *instanceOf // maps go by chance
	for key, e := range c.entries {
		if key.from == from {
			same++
		}
		if !e.preferred {
			if victim = &key; key.from == from {
				neighbour = &key
			}
		}
	}
	if same >= maxPerHost {
		victim = neighbour
	} else if len(c.entries) < maxHeard {
		return true
	}
	if victim == nil {
		return false
	}
	delete(c.entries, *victim)
	return true
}

// expire forgets what nobody has told of for its lifetime.
func (c *cache) expire(now time.Time) {
	for key, e := range c.entries {
		if !now.Before(e.until) {
			delete(c.entries, key)
		}
	}
}
