package systemd

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// A bucket does as one that counts what it holds.
func TestBucket(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		burst := rapid.IntRange(1, 20).Draw(t, "burst")
		rate := rapid.IntRange(1, 1000).Draw(t, "rate")
		b := newBucket(burst, rate)
		token := time.Second / time.Duration(rate)
		held, now := token*time.Duration(burst), time.Duration(0)
		for range rapid.IntRange(1, 100).Draw(t, "steps") {
			pause := time.Duration(rapid.Int64Range(0, int64(3*token)).Draw(t, "pause"))
			now += pause
			held = min(held+pause, token*time.Duration(burst))
			want := held >= token
			if got := b.ready(now); got != want {
				t.Fatalf("ready is %v at %v, with %v of %v held", got, now, held, token)
			}
			if got := b.take(now); got != want {
				t.Fatalf("take is %v at %v, with %v of %v held", got, now, held, token)
			}
			if want {
				held -= token
			}
		}
	})
}

func TestBucketForMany(t *testing.T) {
	b := newBucket(1000, 1)
	var taken atomic.Int64
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 500 {
				if b.take(0) {
					taken.Add(1)
				}
			}
		})
	}
	group.Wait()
	if n := taken.Load(); n != 1000 {
		t.Errorf("%d were taken", n)
	}
}
