package dispatcher

import "time"

// roundTrip measures how long a ping takes to a worker and back, smoothed as TCP
// smooths it (RFC 6298): each new one counts for an eighth.
type roundTrip struct {
	ping     uint64 // the latest
	sentAt   time.Time
	smoothed time.Duration // 0: not known yet
}

// sent notes that a ping is about to leave.
func (r *roundTrip) sent(ping uint64, at time.Time) { r.ping, r.sentAt = ping, at }

// back notes that its Pong has come. One of an earlier ping says nothing: when that
// was sent has been forgotten.
func (r *roundTrip) back(pong uint64, at time.Time) {
	if pong != r.ping || r.sentAt.IsZero() {
		return
	}
	took := max(at.Sub(r.sentAt), time.Microsecond)
	if r.sentAt = (time.Time{}); r.smoothed == 0 {
		r.smoothed = took
	}
	r.smoothed += (took - r.smoothed) / 8
}

// sending notes when a frame with a ping leaves.
func (s *session) sending(ping uint64) {
	if ping == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trip.sent(ping, time.Now())
}

// roundTrip is 0 while it is not known.
func (s *session) roundTrip() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.trip.smoothed
}
