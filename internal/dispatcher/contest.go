package dispatcher

import (
	"fmt"
	"time"
)

// contest is of two machines with the identity of one, a cloned disk or a theft: each
// ends the other's session as it opens its own, and what runs on either is lost time
// and again.
type contest struct {
	began time.Time
	times int
}

// A session may end another that is alive, as when a machine changes its address and
// nobody could say so, but not time and again.
const (
	contestTimes  = 3
	contestWindow = time.Minute
)

// again notes that one more session is to take the place of one that is alive, and
// reports whether that is too often. Who goes on trying goes on being too often.
func (c *contest) again(now time.Time) bool {
	if now.Sub(c.began) > contestWindow {
		c.times = 0
	}
	c.began = now
	c.times++
	return c.times > contestTimes
}

// contested says why the worker of a session is not let in, or nothing.
func (c *core) contested(w *worker) string {
	if w == nil || w.session == nil || !w.contest.again(time.Now()) {
		return ""
	}
	return fmt.Sprintf("another machine with this worker's id is connected, from %s, and they end each other's sessions; if this one is a copy of that, stop it, remove its state directory and start it: it joins as a new worker", w.session.link.Peer())
}
