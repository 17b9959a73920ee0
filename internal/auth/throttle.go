package auth

import (
	"net/netip"
	"sync"
	"time"
)

// How failed logins slow down.
const (
	firstDelay = time.Second // doubles with each further failure
	lastDelay  = time.Minute
	forgotten  = 15 * time.Minute // after the last failure of one user from one network

	// freeFailures of one user, wherever they come from, delay nobody. One is
	// forgotten every 45 s, so that it takes an attack to have more.
	freeFailures = 20
	forgetOne    = forgotten / freeFailures

	// maxTrying is how many logins of one user from one network may be under way
	// as long as none has failed; then it is one at a time.
	maxTrying = 4
	// maxFromOne is how many logins of one network may be under way, whoever they
	// are of: a quarter of those that wait for their passwords to be checked, so
	// that nobody alone keeps all others from it.
	maxFromOne = 16
)

// Throttle slows down whoever guesses passwords. A failure delays further logins of
// this user from this network. After many failures from anywhere, others are delayed,
// too: from the first time that they come on, each by his own clock, so that nobody
// is locked out by those who go on failing. It is safe for concurrent use, and pure:
// the time comes with the call.
type Throttle struct {
	mu    sync.Mutex
	pairs *recent[pair]
	users *recent[userFailures]
	from  map[string]int // logins that are under way, by network
}

// pair is one user from one network. Nothing is kept of those who have not failed.
type pair struct {
	failures int
	trying   int
	since    time.Time // when something last came of it
	due      time.Time // not before; zero: at once
	waits    bool      // until due, for the user's sake: then it is its turn
}

// userFailures is when all failures of a user will be forgotten.
type userFailures struct{ until time.Time }

// NewThrottle returns one that knows of no failures.
func NewThrottle() *Throttle {
	return &Throttle{pairs: newRecent[pair](maxRecent), users: newRecent[userFailures](maxRecent), from: map[string]int{}}
}

// Login is one that is under way. How it ended must be said; the first word counts.
type Login struct {
	throttle   *Throttle
	user, from string
	waited     bool
	ended      bool
}

// Begin lets a login of that user from that place go on, or says after how long it
// may be tried again. A place is an IP address, or whatever else names one.
func (t *Throttle) Begin(user, from string, now time.Time) (*Login, time.Duration) {
	login := &Login{throttle: t, user: user, from: shorten(network(from))}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.from[login.from] >= maxFromOne { // before anything is kept of them
		return nil, firstDelay
	}
	p := t.pair(login.key(), now)
	if after := p.due.Sub(now); after > 0 {
		return nil, min(after, lastDelay)
	}
	if p.trying > 0 && (p.failures > 0 || p.trying >= maxTrying) {
		return nil, firstDelay
	}
	p.since = now
	if after := t.users.peek(user).delay(now); after > 0 && !p.waits {
		p.waits, p.due = true, now.Add(after)
		return nil, after
	}
	login.waited, p.waits = p.waits, false
	p.trying++
	t.from[login.from]++
	return login, 0
}

func (l *Login) key() string { return shorten(l.user) + "\x00" + l.from }

// Failed says that it was the wrong password, or that there is no such user.
func (l *Login) Failed(now time.Time) {
	l.end(now, func(p *pair) {
		user := l.throttle.users.get(l.user)
		user.add(now)
		p.failures++
		p.waits = user.delay(now) > 0
		p.due = now.Add(max(doubled(p.failures), user.delay(now)))
	})
}

// Succeeded forgets the failures from this network.
func (l *Login) Succeeded(now time.Time) { l.end(now, func(p *pair) { p.failures = 0 }) }

// Dropped says that it came to nothing: nobody was told whether the password was right.
func (l *Login) Dropped(now time.Time) { l.end(now, func(p *pair) { p.waits = l.waited }) }

func (l *Login) end(now time.Time, how func(*pair)) {
	t := l.throttle
	t.mu.Lock()
	defer t.mu.Unlock()
	if l.ended {
		return
	}
	l.ended = true
	if t.from[l.from]--; t.from[l.from] <= 0 {
		delete(t.from, l.from)
	}
	p := t.pair(l.key(), now)
	p.since = now
	p.trying = max(p.trying-1, 0)
	if how(p); p.failures == 0 && p.trying == 0 && !p.waits {
		t.pairs.remove(l.key())
	}
}

// pair returns that of key, anew if it was long ago or the clock was set back.
func (t *Throttle) pair(key string, now time.Time) *pair {
	p := t.pairs.get(key)
	if idle := now.Sub(p.since); idle >= forgotten || idle < -lastDelay {
		*p = pair{}
	}
	return p
}

// mostPending is when the delay is longest; more do not count.
const mostPending = (freeFailures + 7) * forgetOne

func (u *userFailures) add(now time.Time) {
	u.until = now.Add(min(u.pending(now)+forgetOne, mostPending))
}

func (u *userFailures) delay(now time.Time) time.Duration {
	if u == nil {
		return 0
	}
	failures := int((u.pending(now) + forgetOne - 1) / forgetOne)
	return doubled(failures - freeFailures + 1)
}

// pending is how long it takes until all is forgotten, which is nothing if the clock
// was set back.
func (u *userFailures) pending(now time.Time) time.Duration {
	if pending := u.until.Sub(now); pending > 0 && pending <= mostPending {
		return pending
	}
	return 0
}

// doubled is the delay after so many failures.
func doubled(failures int) time.Duration {
	switch {
	case failures <= 0:
		return 0
	case failures > 6:
		return lastDelay
	}
	return min(firstDelay<<(failures-1), lastDelay)
}

// network is what one host can take its addresses from: one address of IPv4, 64
// bits of IPv6.
func network(from string) string {
	address, err := netip.ParseAddr(from)
	if err != nil {
		return from
	}
	address = address.Unmap().WithZone("")
	if address.Is4() {
		return address.String()
	}
	return netip.PrefixFrom(address, 64).Masked().String()
}
