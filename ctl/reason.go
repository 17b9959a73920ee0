package main

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/units"
)

// why says how a task ended where its exit code alone does not tell. It is ""
// for a command that exited by itself.
func why(d *api.Detail) string {
	task := "task " + d.ID
	switch kind := d.Reason.Kind(); {
	case d.State == octaskly.Completed || kind == "exit":
		return ""
	case d.State == octaskly.TimedOut:
		return timedOut(task, d)
	case d.State == octaskly.Cancelled:
		return withDetail(task+" was cancelled", d.Detail)
	case struck(lastAttempt(d)) != "":
		return task + " " + struck(lastAttempt(d))
	case lostTimes(d.Reason) != "":
		return fmt.Sprintf("%s was given up: its worker went away %s times while it ran; octasklyctl retry %s tries once more", task, lostTimes(d.Reason), d.ID)
	case kind == "unenforceable":
		return task + " " + refusal(d)
	case kind == "signal":
		return withDetail(task+" was ended by "+signalText(d.Reason.Value()), d.Detail)
	case kind == "spawn" && d.Detail == "":
		return fmt.Sprintf("%s could not be started: cannot execute %q: %s", task, string(d.Command[0]), errnoText(d.Reason.Value()))
	case kind == "spawn" || kind == "cwd":
		return withDetail(task+" could not be started", d.Detail)
	}
	return withDetail(fmt.Sprintf("%s failed (%s)", task, d.Reason), d.Detail)
}

// timedOut names the time where it is known, and then needs no more words.
func timedOut(task string, d *api.Detail) string {
	limit := units.Duration(lastAttempt(d).Limit * float64(time.Second))
	if own := d.Submission.Timeout; own != nil {
		limit = units.Duration(*own)
	}
	if limit == 0 {
		return withDetail(task+" timed out", d.Detail)
	}
	return fmt.Sprintf("%s timed out after %v; --timeout raises it", task, limit)
}

// lostTimes is the number of "worker-lost×5", or "".
func lostTimes(r octaskly.Reason) string {
	_, times, _ := strings.Cut(string(r), string(octaskly.ReasonWorkerLost)+"×")
	return times
}

// lossWords say what became of an attempt that failed by no fault of its own; ""
// of others.
func lossWords(r octaskly.Reason) string {
	switch r {
	case octaskly.ReasonWorkerLost:
		return "lost with its worker"
	case octaskly.ReasonLease:
		return "stopped because its worker could not reach the dispatcher, as --at-most-one wants"
	case octaskly.ReasonReleased:
		return "given back"
	}
	return ""
}

// withDetail appends the words that came with a reason. A cancel's begin with
// who did it.
func withDetail(what, detail string) string {
	switch {
	case detail == "":
		return what
	case strings.HasPrefix(detail, "by "):
		return what + " " + detail
	}
	return what + ": " + detail
}

func errnoText(name string) string {
	for errno := syscall.Errno(1); errno < 134; errno++ {
		if unix.ErrnoName(errno) == name {
			return cmp.Or(map[string]string{"ENOENT": "not found"}[name], errno.Error())
		}
	}
	return name
}

// signalText is "signal 9 (SIGKILL)".
func signalText(number string) string {
	n, _ := strconv.Atoi(number)
	if name := unix.SignalName(unix.Signal(n)); name != "" {
		return fmt.Sprintf("signal %d (%s)", n, name)
	}
	return "signal " + number
}

// summary says how many of several tasks did not complete, "" if all did.
func summary(t tally) string {
	if t.failed+t.cancelled == 0 {
		return ""
	}
	text := fmt.Sprintf("%d of %d tasks completed", t.ended-t.failed-t.cancelled, t.total)
	if t.failed > 0 {
		text += fmt.Sprintf(", %d failed", t.failed)
	}
	if t.cancelled > 0 {
		text += fmt.Sprintf(", %d cancelled", t.cancelled)
	}
	return text
}
