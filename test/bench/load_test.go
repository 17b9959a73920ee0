package main

import (
	"testing"
	"time"
)

func TestParseLoad(t *testing.T) {
	got, err := parseLoad("cpu  10 1 20 300 40 2 3 4 99 99\ncpu0 1 1 1 1\n")
	want := load{all: 380 * tick, idle: 340 * tick}
	if got != want || err != nil {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
	for _, bad := range []string{"", "cpu 1 2 3\n", "cpu 1 2 3 4 5 6 x 8 9\n", "intr 1 2 3 4 5 6 7 8 9\n"} {
		if _, err := parseLoad(bad); err == nil {
			t.Errorf("%q is read", bad)
		}
	}
}

func TestOthers(t *testing.T) {
	before := load{all: time.Second, idle: time.Second}
	now := load{all: 3 * time.Second, idle: 1500 * time.Millisecond, ours: time.Second}
	if got := now.others(before); got != 25 {
		t.Errorf("others have %v %%, want 25", got)
	}
	if got := before.others(before); got != 0 {
		t.Errorf("others have %v %% of no time", got)
	}
}
