package dispatcher

import (
	"fmt"
	"strings"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/units"
)

// words make a paragraph of an explanation.
type words struct {
	*api.Why
	detail *api.Detail
	now    time.Time
}

// paragraph says all of it, in sentences.
func (w words) paragraph() string {
	var say []string
	switch {
	case w.End != nil:
		say = w.ended()
	case w.With != nil:
		say = w.atWork()
	default:
		say = append(w.opening(), w.waiting()...)
	}
	return strings.Join(say, " ")
}

// opening says how far something is that waits.
func (w words) opening() []string {
	d := w.detail
	queued := d.Counts[octaskly.Queued.String()]
	switch {
	case d.Tasks > 1:
		ended := d.Tasks - queued - d.Counts[octaskly.Assigned.String()] - d.Counts[octaskly.Running.String()]
		text := fmt.Sprintf("Job %s is %v: of %d tasks %d have ended, %d are with workers and %d wait.", d.ID, d.State, d.Tasks, ended, d.Tasks-queued-ended, queued)
		return []string{text}
	case len(d.Attempts) == 0:
		return []string{fmt.Sprintf("Task %s is queued.", d.ID)}
	}
	last := d.Attempts[len(d.Attempts)-1]
	text := fmt.Sprintf("Task %s is queued once more, after attempt %d on worker %s", d.ID, last.Number, last.Worker)
	if why := reasonWords(last.Reason, last.Detail); why != "" {
		text += ": " + why
	}
	if d.Failures > 0 {
		text += fmt.Sprintf("; it has failed %d of %d times allowed", d.Failures, d.Submission.Retries+1)
	}
	return []string{text + "."}
}

// waiting says what keeps it in the queue.
func (w words) waiting() (say []string) {
	for _, h := range w.Holds {
		say = append(say, w.hold(h))
	}
	if a := w.Ahead; a != nil && (a.Tasks > 0 || a.Least) {
		least := ""
		if a.Least {
			least = "at least "
		}
		say = append(say, fmt.Sprintf("Before it in the queue %s %s%s.", plural(int(a.Tasks), "is", "are"), least, many(a.Tasks, "task")))
	} else if a != nil {
		say = append(say, "Nothing in the queue is before it.")
	}
	if w.Ahead == nil {
		return say // its time has not come
	}
	return append(say, w.fleet()...)
}

func (w words) hold(h api.WhyHold) string {
	switch h.Why {
	case "backoff":
		return fmt.Sprintf("Its next attempt is not before %s, as --backoff has it.", w.at(h.Until))
	case "at-once":
		return fmt.Sprintf("As many of its job's tasks are with workers as may be at the same time: %d of %d, by %%%d in --array. It waits for one of them to end.", h.Has, h.Most, h.Most)
	case "quota":
		return fmt.Sprintf("User %s has as many tasks with workers as may be: %d of %d, the quota \"running\". It waits for one of them to end.", w.detail.Owner, h.Has, h.Most)
	case "later":
		return "Jobs before it have yet to be read from disk."
	case "alone":
		return fmt.Sprintf("It was submitted with --at-most-one, and workers of an earlier database may yet run it until %s.", w.at(h.Until))
	case "missed":
		return fmt.Sprintf("Worker %s, which had it, is out of touch and may yet be back with it.", h.Worker)
	}
	return ""
}

// atWork tells of a task that a worker has.
func (w words) atWork() (say []string) {
	with, d := w.With, w.detail
	took := duration(w.now.Sub(with.Since))
	if w.State == octaskly.Assigned {
		say = append(say, fmt.Sprintf("Task %s was sent to worker %s %s ago, as attempt %d, and waits there: %d of %d slots run tasks.",
			d.ID, with.Worker, took, with.Attempt, with.Busy, with.Slots))
	} else {
		say = append(say, fmt.Sprintf("Task %s has been running on worker %s for %s, as attempt %d.", d.ID, with.Worker, took, with.Attempt))
	}
	if d.Cancelling {
		say = append(say, "It is being cancelled.")
	}
	if with.GivenUp != nil {
		say = append(say, w.silence())
	}
	if with.EndsBy != nil {
		say = append(say, fmt.Sprintf("Its wall time ends %s; --timeout sets it.", w.at(with.EndsBy)))
	}
	if u := with.Usage; u != nil {
		memory := "" // where it cannot be measured
		if u.Memory > 0 {
			memory = "uses " + size(float64(u.Memory)) + " memory, and "
		}
		say = append(say, "It "+memory+"has used "+duration(time.Duration(u.CPUTime))+" of processor time.")
	}
	return say
}

func (w words) silence() string {
	with := w.With
	text := fmt.Sprintf("Its worker has been out of touch for %s: if it is not back by %s, the task runs elsewhere", duration(w.now.Sub(with.SeenAt)), w.at(with.GivenUp))
	if w.detail.Submission.AtMostOne {
		text += ", and by then its worker has stopped it, as --at-most-one wants"
	}
	return text + "."
}

// at is a time and how far away it is.
func (w words) at(t *time.Time) string {
	if t == nil {
		return "some time"
	}
	text := t.UTC().Format("2006-01-02 15:04:05 MST")
	if left := t.Sub(w.now); left > 0 {
		text += " (in " + duration(left) + ")"
	}
	return text
}

func duration(d time.Duration) string { return units.Duration(max(0, d)).Human() }

func size(bytes float64) string { return units.Size(bytes).Human() }

func many(n int64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
