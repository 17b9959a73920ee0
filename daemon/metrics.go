package main

import (
	"context"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/dirs"
	"github.com/octaskly/octaskly/internal/metrics"
	"github.com/octaskly/octaskly/internal/octaskly"
)

var processStarted = time.Now()

// processMeter tells of this process.
func processMeter(role dirs.Role) api.Meter {
	return func(_ context.Context, p *metrics.Page) error {
		metrics.Process{Version: version, Role: string(role), Started: processStarted}.Write(p)
		return nil
	}
}

// metrics is what a worker tells beyond that.
func (s *self) metrics(_ context.Context, p *metrics.Page) error {
	up := 0
	if s.joined() != nil {
		up = 1
	}
	p.Gauge("octaskly_worker_session_up", "Whether there is a session with the dispatcher: 1 or 0.", metrics.Of(up))
	p.Gauge("octaskly_worker_commands_running", "Commands that run.", metrics.Of(s.running()))
	hello := s.hello()
	slots := 0
	if hello != nil {
		slots = hello.Slots
	}
	p.Gauge("octaskly_worker_slots", "Commands that may run at the same time; 0 without an executor.", metrics.Of(slots))
	if hello != nil {
		p.Gauge("octaskly_worker_selftest_held", "Whether a check of the self-test held: 1 or 0.", outcomes(hello.Checks)...)
	}
	s.counts(p)
	return nil
}

// outcomes has a sample for each check. Of several by one name, all have to hold.
func outcomes(checks []octaskly.Check) (samples []metrics.Sample) {
	at := map[[2]string]int{}
	for _, c := range checks {
		i, known := at[[2]string{c.Subject, c.Name}]
		if !known {
			i = len(samples)
			at[[2]string{c.Subject, c.Name}] = i
			samples = append(samples, metrics.Of(1, "subject", c.Subject, "check", c.Name))
		}
		if !c.Held {
			samples[i].Value = 0
		}
	}
	return samples
}
