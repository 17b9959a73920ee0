package auth

import (
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// TestMeter goes through the times at which one key asks.
func TestMeter(t *testing.T) {
	m := NewMeter(10, 3) // one each 100 ms
	for i, step := range []struct {
		at    time.Duration
		ok    bool
		after time.Duration
	}{
		{0, true, 0}, {0, true, 0}, {0, true, 0},
		{0, false, 100 * time.Millisecond},
		{30 * time.Millisecond, false, 70 * time.Millisecond},
		{99 * time.Millisecond, false, time.Millisecond},
		{100 * time.Millisecond, true, 0},
		{100 * time.Millisecond, false, 100 * time.Millisecond},
		{300 * time.Millisecond, true, 0}, {300 * time.Millisecond, true, 0},
		{300 * time.Millisecond, false, 100 * time.Millisecond},
		{time.Hour, true, 0}, {time.Hour, true, 0}, {time.Hour, true, 0}, // never more than the burst
		{time.Hour, false, 100 * time.Millisecond},
	} {
		ok, after := m.Take("a", start.Add(step.at))
		if ok != step.ok || after != step.after {
			t.Errorf("step %d: %v %v, want %v %v", i, ok, after, step.ok, step.after)
		}
	}
	if ok, _ := m.Take("b", start); !ok {
		t.Error("another key has the same bucket")
	}
}

// TestMeterSettings: after is always enough and never too long, whatever the rate.
func TestMeterSettings(t *testing.T) {
	for _, rate := range []float64{1e-9, 1.0 / 3600, 0.3, 1, 7, 100, 333.3, 1e6, 3e8} {
		for _, burst := range []int{-1, 0, 1, 2, 200} {
			m := NewMeter(rate, burst)
			for i := range max(burst, 1) {
				if ok, after := m.Take("a", start); !ok || after != 0 {
					t.Fatalf("rate %v, burst %d: number %d has to wait for %v", rate, burst, i, after)
				}
			}
			ok, after := m.Take("a", start)
			want := time.Duration(min(float64(time.Second)/rate, math.MaxInt64/4/float64(max(burst, 1)))) // 73 years in all
			if ok || after <= 0 || after > want+1 || after < want-1 {
				t.Errorf("rate %v, burst %d: %v %v, want about %v", rate, burst, ok, after, want)
			}
			if ok, _ := m.Take("a", start.Add(after-1)); ok && after > 1 {
				t.Errorf("rate %v, burst %d: it was too long", rate, burst)
			}
			if ok, more := m.Take("a", start.Add(after)); !ok {
				t.Errorf("rate %v, burst %d: %v was not enough, it is %v more", rate, burst, after, more)
			}
		}
	}
	for _, rate := range []float64{0, -1, math.Inf(-1), math.NaN(), math.Inf(1)} {
		m := NewMeter(rate, 1)
		for i := range 1000 {
			if ok, after := m.Take("a", start.Add(time.Duration(i))); !ok {
				t.Fatalf("rate %v: %v", rate, after)
			}
		}
	}
	m := NewMeter(math.SmallestNonzeroFloat64, math.MaxInt)
	for range 3 {
		if ok, after := m.Take("a", start); !ok && after <= 0 {
			t.Errorf("%v %v", ok, after)
		}
	}
}

func TestMeterClockSetBack(t *testing.T) {
	m := NewMeter(1, 2)
	for range 2 {
		m.Take("a", start)
	}
	if ok, after := m.Take("a", start.AddDate(0, 0, -1)); ok || after != time.Second {
		t.Errorf("%v %v: the wait is longer than for an empty bucket", ok, after)
	}
}

func TestMeterTakeAt(t *testing.T) {
	m := NewMeter(0, 0)
	for range 5 {
		if ok, _ := m.TakeAt("a", 1, 5, start); !ok {
			t.Fatal("the burst is not 5")
		}
	}
	if ok, after := m.TakeAt("a", 1, 5, start); ok || after != time.Second {
		t.Errorf("%v %v", ok, after)
	}
	if ok, after := m.TakeAt("a", 10, 5, start); ok || after != 100*time.Millisecond { // the user has got more
		t.Errorf("%v %v", ok, after)
	}
	if ok, _ := m.TakeAt("a", 0, 5, start); !ok {
		t.Error("no bound is one")
	}
}

func TestMeterIsBounded(t *testing.T) {
	m := NewMeter(1, 1)
	for i := range 10_001 {
		m.Take(fmt.Sprint(i), start)
	}
	if n := m.buckets.len(); n != 10_000 {
		t.Errorf("%d are kept", n)
	}
	if ok, _ := m.Take("1", start); ok {
		t.Error("the second was forgotten")
	}
	if ok, _ := m.Take("0", start); !ok {
		t.Error("the first was not forgotten")
	}
}

func TestMeterConcurrently(t *testing.T) {
	m := NewMeter(1, 50)
	var taken atomic.Int32
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 100 {
				if ok, _ := m.Take("a", start); ok {
					taken.Add(1)
				}
			}
		})
	}
	group.Wait()
	if taken.Load() != 50 {
		t.Errorf("%d of a burst of 50", taken.Load())
	}
}
