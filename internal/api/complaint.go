package api

import (
	"net/http"
	"time"
)

// A worker has no audit log: whom it refuses it tells in its log, if not all of a
// flood, and its dispatcher writes down whoever came with a token.
const (
	complaintRate  = 0.1 // lines a second, of each address
	complaintBurst = 10
	floodRate      = 1 // of all together
	floodBurst     = 100
)

// complain tells the log of somebody who was refused at the door of a worker.
func (r *request) complain(status int, kind string) {
	if status != http.StatusUnauthorized && status != http.StatusForbidden {
		return
	}
	c, now := connectionOf(r.Context()), time.Now()
	ok, _ := r.api.complaints.Take(c.peer.network().String(), now)
	if ok {
		ok, _ = r.api.complaints.TakeAt("", floodRate, floodBurst, now)
	}
	if ok {
		r.api.log.Warn("Refused", "from", c.peer.String(), "who", r.who.Name, "token", r.who.Token, "action", r.route.action, "why", kind)
	}
}
