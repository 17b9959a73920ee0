package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// errInterrupted is the cause of a context that INT, TERM or HUP has ended.
var errInterrupted = errors.New("interrupted")

// interrupts tells of INT, TERM and HUP: soft ends with the first of them and
// hard with the second, but not with a TERM that comes at once: timeout(1) signals
// its command and then the command's group. One that was ignored when the program started, as after
// nohup(1), stays so.
type interrupts struct {
	soft, hard context.Context
	quit       context.CancelCauseFunc // ends soft for another cause
	stop       func()                  // signals do again what they did before
}

// echo is how soon after the first signal a TERM means nothing.
const echo = 250 * time.Millisecond

func catchInterrupts(ctx context.Context) *interrupts {
	signals := make(chan os.Signal, 2)
	for _, sig := range []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		if !signal.Ignored(sig) {
			signal.Notify(signals, sig)
		}
	}
	hard, leave := context.WithCancelCause(ctx)
	soft, quit := context.WithCancelCause(hard)
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		var first time.Time
		for {
			var sig os.Signal
			select {
			case sig = <-signals:
			case <-done:
				return
			}
			switch {
			case first.IsZero():
				first = time.Now()
				quit(errInterrupted)
			case sig != syscall.SIGTERM || time.Since(first) > echo:
				leave(errInterrupted)
				return
			}
		}
	}()
	stop := func() {
		signal.Stop(signals)
		close(done)
		<-ended
		leave(context.Canceled)
	}
	return &interrupts{soft: soft, hard: hard, quit: quit, stop: stop}
}
