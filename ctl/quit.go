package main

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/octaskly/octaskly/internal/client"
)

// quitPatience bounds what run waits for a dispatcher that is away once it is to
// quit. It is less than the 10 s that docker stop and others leave a program
// between TERM and KILL.
const quitPatience = 8 * time.Second

// errAway is why run cannot do what is to be done before it quits.
var errAway = errors.New("the dispatcher is away")

// cancelWhenQuit cancels the job if soft ends before it is over. It fails if the
// dispatcher stays away, be it that the end of the job cannot be seen.
func (r *running) cancelWhenQuit(ctx context.Context, over <-chan struct{}) error {
	select {
	case <-over:
		return nil
	case <-r.soft.Done():
	}
	reason := "octasklyctl run could not write its output"
	if errors.Is(context.Cause(r.soft), errInterrupted) {
		reason = "octasklyctl run was interrupted"
		r.note("cancelling task %v; interrupt once more to leave without waiting for its end", r.id)
	}
	if err := r.cancel(ctx, reason); err != nil {
		return err
	}
	r.cancelled = true
	return r.outage.endure(ctx, over)
}

func (r *running) cancel(ctx context.Context, reason string) error {
	bounded, stop := context.WithTimeoutCause(ctx, quitPatience, errAway)
	defer stop()
	err := r.outage.persist(bounded, func() error {
		_, err := r.client.Cancel(bounded, client.Selector{Text: r.id.String()}, reason)
		return err
	})
	if err != nil && bounded.Err() != nil {
		return context.Cause(bounded)
	}
	return err
}

// endure returns when a job is over, or the dispatcher has been away for as long
// as somebody waits who is to quit.
func (o *outage) endure(ctx context.Context, over <-chan struct{}) error {
	for {
		left := quitPatience - o.lasts()
		if left <= 0 {
			return errAway
		}
		select {
		case <-over:
			return nil
		case <-ctx.Done():
			return nil
		case <-time.After(left):
		}
	}
}

// leave is for when the job goes on without us.
func (r *running) leave(err error) error {
	switch {
	case errors.Is(err, errAway) && r.cancelled:
		return &exitStatus{r.quitCode(), withHint(fmt.Errorf("cannot see the end of task %v, which is being cancelled: %w", r.id, errAway),
			"once it is back: octasklyctl wait %v", r.id)}
	case errors.Is(err, errAway):
		return &exitStatus{r.quitCode(), withHint(fmt.Errorf("cannot make sure that task %v is cancelled: %w", r.id, errAway),
			"once it is back: octasklyctl cancel %v", r.id)}
	case r.hard.Err() == nil:
		return withHint(err, "task %v goes on: octasklyctl wait %v", r.id, r.id)
	case r.cancelled:
		r.note("task %v goes on being cancelled", r.id)
	default:
		r.note("task %v goes on: it could not be cancelled", r.id)
	}
	return exits(exitInterrupted)
}

// quitCode is what run exits with when it was to quit.
func (r *running) quitCode() int {
	switch cause := context.Cause(r.soft); {
	case errors.Is(cause, errInterrupted):
		return exitInterrupted
	case errors.Is(cause, syscall.EPIPE):
		return exitPipe
	}
	return exitRunFailed
}

// within is hard, which ends so long after soft, too.
func (in *interrupts) within(patience time.Duration) (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(in.hard)
	forget := context.AfterFunc(in.soft, func() {
		time.AfterFunc(patience, func() { cancel(errAway) })
	})
	return ctx, func() {
		forget()
		cancel(nil)
	}
}
