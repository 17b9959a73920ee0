package tui

import (
	"os"
	"os/signal"
	"syscall"
	"time"
)

// Signalled is why Run ends after a signal.
type Signalled struct{ Signal syscall.Signal }

func (s Signalled) Error() string { return "ended by signal " + s.Signal.String() }

// echo is how soon after the first signal another means nothing: timeout(1) signals
// its command and then the command's group.
const echo = 250 * time.Millisecond

// catchSignals has signals that would end the process, or stop it, end or suspend
// the screen first. Those that were ignored when it started stay so, as after
// nohup(1). release waits for the goroutine that it takes.
func (t *terminal) catchSignals(keepHangup bool) (release func()) {
	signals, stops := make(chan os.Signal, 8), make(chan struct{}, 1)
	t.stops = stops
	for _, sig := range []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGTSTP} {
		if !signal.Ignored(sig) && (sig != syscall.SIGHUP || !keepHangup) {
			signal.Notify(signals, sig)
		}
	}
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		t.watchSignals(signals, stops, done)
	}()
	return func() {
		signal.Stop(signals)
		close(done)
		<-ended
	}
}

func (t *terminal) watchSignals(signals <-chan os.Signal, stops chan<- struct{}, done <-chan struct{}) {
	var first time.Time
	for {
		select {
		case sig := <-signals:
			switch {
			case sig == syscall.SIGTSTP:
				select {
				case stops <- struct{}{}:
				default: // it is asked already
				}
			case sig == syscall.SIGQUIT, !first.IsZero() && time.Since(first) > echo:
				t.die(sig.(syscall.Signal))
			case first.IsZero():
				first = time.Now()
				t.cancel(Signalled{sig.(syscall.Signal)})
			}
		case <-done:
			return
		}
	}
}

// die ends the process by a signal: QUIT, after which Go tells of all goroutines, or
// the second that somebody sends who does not want to wait.
func (t *terminal) die(sig syscall.Signal) {
	t.end()
	signal.Reset(sig)
	syscall.Kill(os.Getpid(), sig)
	select {} // it comes
}
