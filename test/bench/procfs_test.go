package main

import (
	"os"
	"testing"
	"time"
)

func TestParseProcessor(t *testing.T) {
	const stat = "7 (a) b) S 1 7 7 0 -1 4194560 1 2 3 4 150 25 900 50 20 0 1 0 5"
	got, err := parseProcessor([]byte(stat))
	if want := (processor{1750 * time.Millisecond, 9500 * time.Millisecond}); got != want || err != nil {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
	for _, bad := range []string{"", "7 (a) S 1", "7 (a) S 1 7 7 0 -1 4194560 1 2 3 4 x 25 0 0"} {
		if _, err := parseProcessor([]byte(bad)); err == nil {
			t.Errorf("%q is read", bad)
		}
	}
}

func TestParseMemory(t *testing.T) {
	got, err := parseMemory("Name:\tx\nVmRSS:\t   20000 kB\nRssAnon:\t    1000 kB\n")
	if want := (memory{rss: 20.48, anon: 1.024}); got != want || err != nil {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
	for _, bad := range []string{"", "VmRSS:\t1 kB\n", "VmRSS:\t1 kB\nRssAnon:\tx kB\n"} {
		if _, err := parseMemory(bad); err == nil {
			t.Errorf("%q is read", bad)
		}
	}
}

func TestOwnProcess(t *testing.T) {
	if m, err := readMemory(os.Getpid()); m.rss < m.anon || m.anon <= 0 || err != nil {
		t.Errorf("memory is %v, %v", m, err)
	}
	if _, err := readProcessor(os.Getpid()); err != nil {
		t.Error(err)
	}
}
