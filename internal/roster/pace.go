package roster

import "time"

// How fast workers that want an approval come. Each is a code of this side's: who stands between a
// worker and this dispatcher, and has made that worker give its code away, looks for the
// same one here, until somebody types it (package joining). So many millionths are his.
const (
	atOnce     = maxWaiting
	refill     = time.Second // for one more of all
	atOnceHost = maxOfHost
	refillHost = 15 * time.Second
)

// pace says who comes too fast, each host by itself and all together.
type pace struct {
	all   bucket
	hosts map[string]*bucket
}

// bucket is when what was taken from it will be back.
type bucket struct{ full time.Time }

// take takes one of the size that fit, each of which is back after refill.
func (b *bucket) take(now time.Time, size int, refill time.Duration) bool {
	full := b.full
	if full.Before(now) {
		full = now
	}
	if full = full.Add(refill); full.Sub(now) > time.Duration(size)*refill {
		return false
	}
	b.full = full
	return true
}

// enter reports whether one more of host may come now.
func (p *pace) enter(host string, now time.Time) bool {
	for h, b := range p.hosts {
		if !b.full.After(now) {
			delete(p.hosts, h)
		}
	}
	b := p.hosts[host]
	if b == nil {
		b = &bucket{}
	}
	before := *b
	if !b.take(now, atOnceHost, refillHost) {
		return false
	}
	if !p.all.take(now, atOnce, refill) {
		*b = before
		return false
	}
	if p.hosts == nil {
		p.hosts = map[string]*bucket{}
	}
	p.hosts[host] = b
	return true
}
