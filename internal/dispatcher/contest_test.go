package dispatcher

import (
	"testing"
	"time"
)

func TestContest(t *testing.T) {
	var c contest
	now := time.Now()
	for n := 1; n <= 10; n++ {
		if got, want := c.again(now), n > contestTimes; got != want {
			t.Errorf("session %d: too often %v, want %v", n, got, want)
		}
		now = now.Add(contestWindow / 2)
	}
	if c.again(now.Add(2 * contestWindow)) {
		t.Error("it is too often for good")
	}
}
