package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/octaskly/octaskly/internal/joining"
)

// askForApproval shows a code until somebody has typed it at the dispatcher's.
func (e *entrance) askForApproval(ctx context.Context, door joining.Door, who joining.Applicant) (*joining.Identity, error) {
	identity, err := joining.AskForApproval(ctx, door, who, e.show)
	switch {
	case err == nil:
		e.pause.end()
	case errors.Is(err, joining.ErrSpent):
		e.pause.grow()
		e.log.Warn("Whoever answered for the dispatcher had other codes than this worker has shown; it waits before it asks again", "pause", e.pause.length)
	}
	return identity, err
}

// show tells people what to type; "" takes that back.
func (e *entrance) show(code joining.Code) {
	if code == "" {
		e.waits.Store(nil)
		e.status("no code of this worker is good at the moment")
		return
	}
	text := fmt.Sprintf("for approval: on the dispatcher's machine type: octasklyctl worker approve %s %s", e.name, code)
	e.waits.Store(&text)
	e.log.Info("Waiting " + text)
	e.status("Waiting " + text)
}

// waiting is what it waits for, and what an operator is to type, or empty.
func (e *entrance) waiting() string {
	if text := e.waits.Load(); text != nil {
		return *text
	}
	return ""
}

const (
	firstSilence = time.Minute
	lastSilence  = time.Hour
)

// pause keeps a worker from asking again after wrong codes, so that nobody gets to
// guess many of them.
type pause struct {
	until  time.Time
	length time.Duration
}

func (p *pause) grow() {
	p.length = min(max(2*p.length, firstSilence), lastSilence)
	p.until = time.Now().Add(p.length)
}

func (p *pause) end() { *p = pause{} }

// over is an error until it is.
func (p *pause) over(now time.Time) error {
	if now.Before(p.until) {
		return fmt.Errorf("the codes shown here are used up, by wrong ones or lost answers; this worker asks again at %s", p.until.Format(time.TimeOnly))
	}
	return nil
}
