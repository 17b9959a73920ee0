package main

import (
	"errors"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/octaskly/octaskly/internal/sandbox/plan"
)

// supervise reaps whoever ends until the command itself does, and says how it
// did. Our exit then kills what is left of the box.
func supervise(l link, pid int) (code int) {
	var status syscall.WaitStatus
	for {
		ended, err := syscall.Wait4(-1, &status, unix.WALL, nil)
		if ended == pid {
			break
		}
		if err != nil && !errors.Is(err, unix.EINTR) {
			return exitFailed
		}
	}
	end := &plan.Ended{Status: status, Leftover: leftover()}
	var usage unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_CHILDREN, &usage); err == nil {
		end.CPU = uint64(usage.Utime.Nano()+usage.Stime.Nano()) / 1000
		end.MaxRSS = uint64(usage.Maxrss) << 10
	}
	_ = l.send(end) // our exit code says nearly the same
	if status.Signaled() {
		return 128 + int(status.Signal())
	}
	return status.ExitStatus()
}

// leftover reaps the dead and reports whether anybody is alive: all of the box
// are our descendants.
func leftover() bool {
	for {
		pid, err := syscall.Wait4(-1, nil, unix.WALL|unix.WNOHANG, nil)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return false
		case pid == 0:
			return true
		}
	}
}

// obey sends on what signals the executor asks for. Stopping and continuing, too,
// are for the command, which no signal to us could be passed on as. When the
// executor is gone, so are we, and all of the box with us.
func obey(l link, pid int) {
	for {
		o, given, err := l.receive()
		sig, ok := o.(plan.Signal)
		if err != nil || !ok || len(given) > 0 {
			os.Exit(exitFailed)
		}
		tell(pid, syscall.Signal(sig))
	}
}

// shield keeps us alive when somebody who sees us from outside sends such signals
// to all that he sees; only KILL ends a box. The command has begun: it would
// inherit this.
func shield() {
	signal.Ignore(unix.SIGHUP, unix.SIGINT, unix.SIGQUIT, unix.SIGTERM, unix.SIGUSR1, unix.SIGUSR2)
}

// tell signals the command's process group, or itself where it has joined
// another one. It may be gone.
func tell(pid int, sig syscall.Signal) {
	if err := unix.Kill(-pid, sig); errors.Is(err, unix.ESRCH) {
		_ = unix.Kill(pid, sig)
	}
}
