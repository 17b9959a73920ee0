package main

import (
	"testing"

	"github.com/octaskly/octaskly/internal/octaskly"
)

func TestOutcome(t *testing.T) {
	for _, tt := range []struct {
		stdout string
		state  octaskly.State
		reason octaskly.Reason
		want   string
	}{
		{"", octaskly.Completed, "", "ok"},
		{"EPERM\nEPERM\nok\nEPERM\n", octaskly.Completed, "", "EPERM,ok,EPERM"},
		{"a b\n", octaskly.Failed, octaskly.ReasonExit(3), "a,b,exit:3"},
		{"", octaskly.Failed, octaskly.ReasonOOM, "oom"},
		{"up", octaskly.TimedOut, "", "up,timeout"},
	} {
		if got := outcome(tt.stdout, tt.state, tt.reason); got != tt.want {
			t.Errorf("%q, %v, %q: %q, want %q", tt.stdout, tt.state, tt.reason, got, tt.want)
		}
	}
}

// What is left is what has come, and no more of what may come and go than may.
func TestMissing(t *testing.T) {
	calm := traces{executor: 7, descriptors: 50, memory: 1 << 20, boxes: 2, found: map[string]bool{"mount /": true}}
	for name, change := range map[string]func(*traces){
		"a mount":       func(now *traces) { now.found["mount /x"] = true },
		"an executor":   func(now *traces) { now.executor = 8 },
		"descriptors":   func(now *traces) { now.descriptors = 51 + spare },
		"memory":        func(now *traces) { now.memory = 2<<20 + growth },
		"boxes":         func(now *traces) { now.boxes = maxAhead + 1 },
		"nothing":       func(*traces) {},
		"fewer of them": func(now *traces) { now.boxes, now.descriptors, now.memory = 0, 3, 0 },
	} {
		now := calm
		now.found = map[string]bool{"mount /": true}
		change(&now)
		want := 1
		if name == "nothing" || name == "fewer of them" {
			want = 0
		}
		if more := calm.missing(&now); len(more) != want {
			t.Errorf("%s: %q", name, more)
		}
	}
}
