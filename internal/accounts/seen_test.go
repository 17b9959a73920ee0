package accounts

import (
	"fmt"
	"testing"
	"time"

	"github.com/octaskly/octaskly/internal/auth"
)

func TestSeen(t *testing.T) {
	var s seen
	now := time.Unix(1_800_000_000, 0)
	c := &auth.Claims{Subject: "ann", NotBefore: now, ExpiresAt: now.Add(time.Minute)}
	s.put(sumOf("x"), c)
	for after, want := range map[time.Duration]*auth.Claims{-time.Second: nil, 0: c, time.Minute - 1: c, time.Minute: nil} {
		if got := s.get(sumOf("x"), now.Add(after)); got != want {
			t.Errorf("after %v it is %v", after, got)
		}
	}
	if s.get(sumOf("y"), now) != nil {
		t.Error("another token was seen")
	}
	for i := range 3 * maxSeen {
		s.put(sumOf(fmt.Sprint(i)), c)
		if len(s.of) > maxSeen || s.get(sumOf(fmt.Sprint(i)), now) != c {
			t.Fatalf("after %d there are %d", i, len(s.of))
		}
	}
}
