package main

import (
	"context"
	"fmt"
	"math"
	"strings"
	"sync"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/units"
)

const (
	redrawEvery = 100 * time.Millisecond
	rateOver    = 5 * time.Second  // the rate is measured over one to two of these
	plainEvery  = 5 * time.Second  // at most one plain line in this time
	plainAtRest = 60 * time.Second // and one after this even if little has changed
	plainShare  = 10               // percent that make a plain line worth while
	longest     = 100 * 24 * 3600  // seconds that are worth foretelling
)

// tally counts the tasks that somebody waits for.
type tally struct{ total, ended, failed, cancelled, running int64 }

func tallyOf(job *api.Job) tally {
	count := func(s octaskly.State) int64 { return job.Counts[s.String()] }
	bad := count(octaskly.Failed) + count(octaskly.TimedOut)
	return tally{
		total:     job.Tasks,
		ended:     count(octaskly.Completed) + bad + count(octaskly.Cancelled),
		failed:    bad,
		cancelled: count(octaskly.Cancelled),
		running:   count(octaskly.Running),
	}
}

func (t tally) plus(u tally) tally {
	return tally{t.total + u.total, t.ended + u.ended, t.failed + u.failed, t.cancelled + u.cancelled, t.running + u.running}
}

func (t tally) minus(u tally) tally {
	return t.plus(tally{-u.total, -u.ended, -u.failed, -u.cancelled, -u.running})
}

func (t tally) percent() int64 {
	if t.total == 0 {
		return 100
	}
	return t.ended * 100 / t.total
}

// pace measures how fast tasks end, over the last seconds.
type pace struct {
	from, next mark
}

type mark struct {
	at    time.Time
	ended int64
}

// observe returns the rate in tasks a second; 0: not known.
func (p *pace) observe(now time.Time, ended int64) float64 {
	switch here := (mark{now, ended}); {
	case p.from.at.IsZero():
		p.from, p.next = here, here
	case now.Sub(p.next.at) >= rateOver:
		p.from, p.next = p.next, here
	}
	elapsed := now.Sub(p.from.at)
	if elapsed < redrawEvery {
		return 0
	}
	return float64(ended-p.from.ended) / elapsed.Seconds()
}

// progressLine is "340/1000 34%, 3 failed, 12 running, 85/s, 8s left".
func progressLine(t tally, rate float64) string {
	parts := []string{fmt.Sprintf("%d/%d %d%%", t.ended, t.total, t.percent())}
	if t.failed > 0 {
		parts = append(parts, fmt.Sprintf("%d failed", t.failed))
	}
	if t.cancelled > 0 {
		parts = append(parts, fmt.Sprintf("%d cancelled", t.cancelled))
	}
	if t.running > 0 {
		parts = append(parts, fmt.Sprintf("%d running", t.running))
	}
	if rate > 0 {
		parts = append(parts, rateText(rate)+"/s")
		if left := math.Ceil(float64(t.total-t.ended) / rate); left < longest {
			parts = append(parts, (units.Duration(left)*units.Second).Human()+" left")
		}
	}
	return strings.Join(parts, ", ")
}

func rateText(rate float64) string {
	if rate < 10 {
		return fmt.Sprintf("%.1f", rate)
	}
	return fmt.Sprintf("%.0f", rate)
}

// progress shows how far the tasks are that somebody waits for: one redrawn line
// on a terminal, now and then a plain line elsewhere.
type progress struct {
	screen *screen // nil: plain lines by note
	note   func(format string, args ...any)

	mu   sync.Mutex
	now  tally
	pace pace
	told mark // the last plain line: when, and the percentage
}

func (p *progress) update(t tally) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now = t
}

// run shows progress until ctx ends, and leaves no line behind.
func (p *progress) run(ctx context.Context) {
	tick := time.NewTicker(redrawEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			if p.screen != nil {
				p.screen.draw("")
			}
			return
		case now := <-tick.C:
			p.show(now)
		}
	}
}

func (p *progress) show(now time.Time) {
	p.mu.Lock()
	t, rate := p.now, p.pace.observe(now, p.now.ended)
	p.mu.Unlock()
	switch {
	case t.total < 2:
	case p.screen != nil:
		p.screen.draw(progressLine(t, rate))
	case p.due(now, t):
		p.note("%s", progressLine(t, rate))
	}
}

// due decides on a plain line. The first one comes after plainEvery.
func (p *progress) due(now time.Time, t tally) bool {
	if p.told.at.IsZero() {
		p.told = mark{now, t.percent()}
	}
	since, done := now.Sub(p.told.at), t.percent()-p.told.ended
	if since < plainEvery || done < plainShare && since < plainAtRest {
		return false
	}
	p.told = mark{now, t.percent()}
	return true
}

// showProgress shows progress until the function that it returns is called.
func (s *session) showProgress(sc *screen, p *progress) (stop func()) {
	if s.output != outputTable {
		return func() {}
	}
	p.screen, p.note = sc, s.note
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		p.run(ctx)
	}()
	return func() {
		cancel()
		<-ended
	}
}
