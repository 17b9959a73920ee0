package dispatcher

import (
	"testing"
	"time"
)

func TestPace(t *testing.T) {
	at := time.Unix(1000, 0)
	var p pace
	if p.rate(at) != 0 {
		t.Error("nothing has ended")
	}
	for range 600 { // ten a second, for a minute
		p.ended(1, at)
		at = at.Add(100 * time.Millisecond)
	}
	if got := p.rate(at); got < 9.9 || got > 10.1 {
		t.Errorf("%g a second, want 10", got)
	}
	if got := p.rate(at.Add(10 * time.Second)); got < 1 || got > 9 {
		t.Errorf("%g a second when none has ended of late", got)
	}
	if got := p.rate(at.Add(time.Hour)); got != 0 {
		t.Errorf("%g a second at rest", got)
	}
	at = at.Add(time.Hour)
	for range 20 {
		p.ended(5, at)
		at = at.Add(time.Second)
	}
	if got := p.rate(at); got < 4.5 || got > 5.5 {
		t.Errorf("%g a second after a rest, want 5", got)
	}
}

func TestForetold(t *testing.T) {
	if got := foretold(100, 0); got != nil {
		t.Errorf("nobody knows, and it is %v", *got)
	}
	if got := foretold(100, 1e-9); got != nil {
		t.Errorf("it takes for ever, and it is %v", *got)
	}
	if got := foretold(101, 10); got == nil || time.Duration(*got) != 11*time.Second {
		t.Errorf("%v, want 11 s", got)
	}
}

func TestRoundTrip(t *testing.T) {
	at := time.Unix(1000, 0)
	var r roundTrip
	r.back(1, at) // of no ping
	if r.smoothed != 0 {
		t.Errorf("a Pong without a ping took %v", r.smoothed)
	}
	r.sent(1, at)
	r.back(1, at.Add(8*time.Millisecond))
	if r.smoothed != 8*time.Millisecond {
		t.Errorf("the first takes %v", r.smoothed)
	}
	r.back(1, at.Add(time.Hour)) // it was answered already
	r.sent(2, at)
	r.sent(3, at.Add(time.Second))
	r.back(2, at.Add(time.Second)) // late
	r.back(3, at.Add(time.Second+16*time.Millisecond))
	if r.smoothed != 9*time.Millisecond {
		t.Errorf("smoothed are %v, want 9 ms", r.smoothed)
	}
	r.sent(4, at)
	r.back(4, at.Add(-time.Second)) // cannot be
	if r.smoothed <= 0 || r.smoothed > 9*time.Millisecond {
		t.Errorf("smoothed are %v", r.smoothed)
	}
}
