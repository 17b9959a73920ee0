package main

import (
	"context"
	"errors"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/client"
	"github.com/octaskly/octaskly/internal/octaskly"
)

var errRefused = &client.Unreachable{Socket: "/s", Err: errors.New("connection refused")}

// Whoever is to quit waits for a dispatcher that is away, but not for long.
func TestEndure(t *testing.T) {
	away := func(o *outage) { o.notice(errRefused) }
	back := func(o *outage) { o.notice(nil) }
	for _, tt := range []struct {
		name    string
		before  time.Duration // how long it has been away when somebody is to quit; 0: it is there
		then    func(*outage) // after 3 s
		over    time.Duration // when the job is
		wantErr error
		took    time.Duration
	}{
		{"it is there", 0, back, time.Hour, nil, time.Hour},
		{"it is away", time.Millisecond, away, time.Hour, errAway, quitPatience - time.Millisecond},
		{"it has been away for long", time.Hour, away, time.Hour, errAway, 0},
		{"it comes back", time.Second, back, time.Minute, nil, time.Minute},
		{"it goes away later", 0, away, time.Minute, errAway, 3*time.Second + quitPatience},
		{"the job is over", time.Second, away, 2 * time.Second, nil, 2 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := &outage{note: func(string, ...any) {}}
				if tt.before > 0 {
					away(o)
					time.Sleep(tt.before)
				}
				over := make(chan struct{})
				time.AfterFunc(tt.over, func() { close(over) })
				later := time.AfterFunc(3*time.Second, func() { tt.then(o) })
				defer later.Stop()
				start := time.Now()
				if err := o.endure(t.Context(), over); !errors.Is(err, tt.wantErr) {
					t.Errorf("%v, want %v", err, tt.wantErr)
				}
				if took := time.Since(start); took != tt.took {
					t.Errorf("it took %v, want %v", took, tt.took)
				}
			})
		})
	}
}

func TestWithin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hard, leave := context.WithCancelCause(t.Context())
		soft, quit := context.WithCancelCause(hard)
		in := &interrupts{soft: soft, hard: hard}
		defer leave(nil)
		ctx, stop := in.within(time.Minute)
		defer stop()
		time.Sleep(time.Hour)
		quit(errInterrupted)
		time.Sleep(time.Minute - 1)
		synctest.Wait()
		if ctx.Err() != nil {
			t.Error("it ends too early")
		}
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		if !errors.Is(context.Cause(ctx), errAway) {
			t.Errorf("it ends by %v", context.Cause(ctx))
		}
		again, stop := in.within(time.Minute)
		defer stop()
		leave(errInterrupted)
		if !errors.Is(context.Cause(again), errInterrupted) {
			t.Errorf("after a second interrupt it ends by %v", context.Cause(again))
		}
	})
}

// What is said last of a job that goes on, and the exit code.
func TestLeave(t *testing.T) {
	interrupted, quit := context.WithCancelCause(t.Context())
	quit(errInterrupted)
	broken, quit := context.WithCancelCause(t.Context())
	quit(&exitStatus{err: syscall.EPIPE})
	full, quit := context.WithCancelCause(t.Context())
	quit(syscall.ENOSPC)
	for _, tt := range []struct {
		soft, hard context.Context
		err        error
		cancelled  bool
		says       string
		code       int
	}{
		{interrupted, t.Context(), errAway, false, "octasklyctl: error: cannot make sure that task 42 is cancelled: the dispatcher is away\noctasklyctl: hint: once it is back: octasklyctl cancel 42\n", 130},
		{interrupted, t.Context(), errAway, true, "octasklyctl: error: cannot see the end of task 42, which is being cancelled: the dispatcher is away\noctasklyctl: hint: once it is back: octasklyctl wait 42\n", 130},
		{broken, t.Context(), errAway, false, "octasklyctl: error: cannot make sure that task 42 is cancelled: the dispatcher is away\noctasklyctl: hint: once it is back: octasklyctl cancel 42\n", 141},
		{full, t.Context(), errAway, true, "octasklyctl: error: cannot see the end of task 42, which is being cancelled: the dispatcher is away\noctasklyctl: hint: once it is back: octasklyctl wait 42\n", 125},
		{interrupted, interrupted, errInterrupted, true, "octasklyctl: task 42 goes on being cancelled\n", 130},
		{interrupted, interrupted, errInterrupted, false, "octasklyctl: task 42 goes on: it could not be cancelled\n", 130},
		{t.Context(), t.Context(), octaskly.ErrDenied, false, "octasklyctl: error: not permitted\noctasklyctl: hint: task 42 goes on: octasklyctl wait 42\n", 125},
	} {
		var stderr buffer
		s := &session{stderr: &stderr, output: outputTable}
		r := &running{session: s, interrupts: &interrupts{soft: tt.soft, hard: tt.hard}, id: 42, cancelled: tt.cancelled}
		err := runFailure(r.leave(tt.err))
		s.fail(err)
		if stderr.String() != tt.says || exitCode(err) != tt.code {
			t.Errorf("%v, cancelled %v: %d %q, want %d %q", tt.err, tt.cancelled, exitCode(err), stderr.String(), tt.code, tt.says)
		}
	}
}

// An interrupt that ends a submission before its answer comes leaves in doubt
// whether there is a job, and says so.
func TestRunInterruptedTwiceWhileSubmitting(t *testing.T) {
	f := newFake()
	submitting, answer := make(chan struct{}), make(chan struct{})
	f.onSubmit = func(*api.Order) error {
		close(submitting)
		<-answer
		return nil
	}
	c := serve(t, f).begin(nil, "run", "true")
	defer close(answer)
	<-submitting
	interrupt(t, syscall.SIGINT)
	interrupt(t, syscall.SIGHUP) // a second INT might be taken for the first
	got := c.end()
	if got.code != 130 || !strings.HasPrefix(got.stderr, "octasklyctl: error: cannot tell whether the job was accepted: interrupted\noctasklyctl: hint: octasklyctl ls shows it") {
		t.Errorf("%+v", got)
	}
}

// Run says when its command begins anew, and by whose fault.
func TestRunTellsOfFurtherAttempts(t *testing.T) {
	f := newFake()
	f.job.Worker, f.job.StartedAt = "w1", ago(time.Hour)
	c := serve(t, f).begin(nil, "run", "true")
	<-f.began
	f.mu.Lock()
	f.detail.Attempts = []api.Attempt{{Number: 1, State: octaskly.Failed, Reason: "worker-lost", Worker: "w1"}, {Number: 2, State: octaskly.Running, Worker: "w2"}}
	f.job.Worker, f.job.StartedAt = "w2", ago(time.Minute)
	f.mu.Unlock()
	f.become(octaskly.Running, "")
	c.stderr.await(t, "octasklyctl: task 42 runs again, on w2: attempt 1 on w1 was lost with its worker\n")
	f.mu.Lock()
	f.detail.Attempts = append(f.detail.Attempts, api.Attempt{Number: 3, State: octaskly.Running, Worker: "w3"})
	f.detail.Attempts[1].Reason = "exit:3" // of --retries: that is no outage
	f.job.Worker, f.job.StartedAt = "w3", ago(time.Second)
	f.mu.Unlock()
	f.become(octaskly.Running, "")
	f.become(octaskly.Completed, "")
	if got := c.end(); got.code != 0 || strings.Count(got.stderr, "runs again") != 1 {
		t.Errorf("%+v", got)
	}
}

// What a job waits for is said once, and again when it has changed.
func TestRunTellsWhatItWaitsFor(t *testing.T) {
	f := newFake()
	f.job.State = octaskly.Queued
	f.detail.Waits = "no worker is connected"
	c := serve(t, f).begin(nil, "run", "true")
	c.stderr.await(t, "octasklyctl: task 42 waits: no worker is connected\n")
	f.mu.Lock()
	f.detail.Waits = "no connected worker offers level strict"
	f.mu.Unlock()
	c.stderr.await(t, "octasklyctl: task 42 waits: no connected worker offers level strict\n")
	f.become(octaskly.Completed, "")
	if got := c.end(); strings.Count(got.stderr, "waits:") != 2 {
		t.Errorf("%+v", got)
	}
}
