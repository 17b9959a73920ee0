package auth

import (
	"strconv"
	"testing"
	"time"
)

func TestKnown(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	k := NewKnown(time.Minute)
	if k.Has("ann", start) {
		t.Error("a stranger is known")
	}
	k.Add("ann", start)
	if !k.Has("ann", start.Add(time.Minute-1)) || k.Has("ann", start.Add(time.Minute)) || k.Has("bob", start) {
		t.Error("she is not known for a minute, or he is")
	}
	for i := range 2 * maxRecent {
		k.Add(strconv.Itoa(i), start)
	}
	if k.Has("ann", start) || k.until.len() > maxRecent {
		t.Errorf("%d are remembered", k.until.len())
	}
}

func TestShare(t *testing.T) {
	s := NewShare(2)
	enter := func(key string, want bool) {
		t.Helper()
		if got := s.Enter(key); got != want {
			t.Errorf("%s enters: %v", key, got)
		}
	}
	enter("ann", true)
	enter("ann", true)
	enter("ann", false)
	enter("bob", true)
	s.Leave("ann")
	enter("ann", true)
	enter("ann", false)
	s.Leave("ann")
	s.Leave("ann")
	s.Leave("bob")
	if len(s.taken) != 0 {
		t.Errorf("left are %v", s.taken)
	}
}
