package roster

import "time"

// How wrong codes slow down.
const (
	maxTries   = 3
	firstPause = time.Minute // doubles each time
	lastPause  = time.Hour
	triesKept  = 24 * time.Hour
	maxTried   = 1024 // names
)

// tries are the wrong codes that were typed for one name.
type tries struct {
	wrong int // since the last pause
	pause time.Duration
	until time.Time // no more before
	last  time.Time
}

// mayTry says after how long a code may be tried for a name; 0: now.
func (h *hall) mayTry(name string, now time.Time) time.Duration {
	h.lock.Lock()
	defer h.lock.Unlock()
	if t := h.tries[name]; t != nil {
		return max(t.until.Sub(now), 0)
	}
	return 0
}

// wrong notes a wrong code, and says how many are left before a pause.
func (h *hall) wrong(name string, now time.Time) (left int) {
	h.lock.Lock()
	defer h.lock.Unlock()
	t := h.tries[name]
	if t == nil {
		h.forgetTries(now)
		t = &tries{pause: firstPause}
		h.tries[name] = t
	}
	t.last = now
	if t.wrong++; t.wrong < maxTries {
		return maxTries - t.wrong
	}
	t.wrong, t.until = 0, now.Add(t.pause)
	t.pause = min(2*t.pause, lastPause)
	return 0
}

// right forgets the wrong ones.
func (h *hall) right(name string) {
	h.lock.Lock()
	defer h.lock.Unlock()
	delete(h.tries, name)
}

// forgetTries makes room for another name: those that were long ago go, or any.
func (h *hall) forgetTries(now time.Time) {
	for name, t := range h.tries {
		if now.Sub(t.last) > triesKept {
			delete(h.tries, name)
		}
	}
	for name := range h.tries {
		if len(h.tries) < maxTried {
			break
		}
		delete(h.tries, name)
	}
}
