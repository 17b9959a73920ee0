package auth

import (
	"fmt"
	"strings"
	"testing"
)

func TestRecentForgetsTheOldest(t *testing.T) {
	r := newRecent[int](3)
	for i, key := range []string{"a", "b", "c"} {
		*r.get(key) = i + 1
	}
	*r.get("a") += 10 // used: b is the oldest now
	r.peek("b")       // and now it is c
	r.get("d")
	for key, want := range map[string]int{"a": 11, "b": 2, "d": 0} {
		if got := r.peek(key); got == nil || *got != want {
			t.Errorf("%s is %v, want %d", key, got, want)
		}
	}
	if r.peek("c") != nil || r.len() != 3 || len(r.byKey) != 3 {
		t.Errorf("c is still there, or %d are", r.len())
	}
	r.remove("a")
	r.remove("a")
	if r.peek("a") != nil || r.len() != 2 || len(r.byKey) != 2 {
		t.Error("a is still there")
	}
}

func TestRecentIsBounded(t *testing.T) {
	r := newRecent[int](100)
	for i := range 1000 {
		*r.get(fmt.Sprintf("%d-%s", i, strings.Repeat("x", 10*i))) = i
		if r.len() != min(i+1, 100) || len(r.byKey) != r.len() {
			t.Fatalf("%d are kept after %d", r.len(), i+1)
		}
	}
	for key := range r.byKey {
		if len(key) > maxKey {
			t.Errorf("a key of %d bytes is kept", len(key))
		}
	}
	long := strings.Repeat("x", 1000)
	if *r.get(long) = 7; *r.get(long) != 7 || r.peek(long+"x") != nil {
		t.Error("long keys are not told apart")
	}
	r.remove(long)
	if r.peek(long) != nil {
		t.Error("a long key stays")
	}
}
