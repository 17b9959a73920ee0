package far

import (
	"testing"
	"time"
)

func TestTake(t *testing.T) {
	var d direction
	now := time.Now()
	q := Quality{Delay: 10 * time.Millisecond, Rate: 8_000_000, Queue: 2 * time.Millisecond} // 1 ms for 1000 bytes
	for i, want := range []time.Duration{11, 12, 13, -1, -1} {
		want *= time.Millisecond
		switch at := d.take(1000, now, &q); {
		case want < 0 && !at.IsZero():
			t.Errorf("packet %d arrives, though the queue is full", i)
		case want >= 0 && at.Sub(now) != want:
			t.Errorf("packet %d arrives after %v, want %v", i, at.Sub(now), want)
		}
	}
	if at := d.take(1000, now.Add(time.Second), &q); at.Sub(now) != time.Second+11*time.Millisecond {
		t.Errorf("a second later it takes %v", at.Sub(now)-time.Second)
	}
	if at := d.take(1000, now, &Quality{Delay: time.Millisecond}); at.Sub(now) != time.Millisecond {
		t.Errorf("without a rate it takes %v", at.Sub(now))
	}
}
