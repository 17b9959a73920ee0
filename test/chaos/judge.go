package main

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
)

// violation is a promise that was not kept.
type violation struct {
	Rule string // its name, see the rules
	Task string // id or tag of whom it was given to; empty: everybody
	What string
}

func (v violation) String() string {
	return fmt.Sprintf("%s: task %s: %s", v.Rule, cmp.Or(v.Task, "-"), v.What)
}

// rules are what is promised of each task. Every one is a pure function of its
// history, and says what is wrong with that.
var rules = []struct {
	name  string
	check func(*history) []string
}{
	{"accepted is kept", kept},
	{"ended is ended", final},
	{"one execution for each attempt", once},
	{"what is over does not run again", over},
	{"at most one", overlapping},
	{"accepted cancels hold", cancelled},
	{"the end is the command's own", own},
	{"the store believes the command", proven},
	{"retries are counted", counted},
	{"output is kept", printed},
	{"who waits is told the end", told},
}

// judge holds a history against all rules.
func judge(h *history) (found []violation) {
	for _, rule := range rules {
		for _, what := range rule.check(h) {
			found = append(found, violation{rule.name, h.Task, what})
		}
		if h.Missing {
			break // the others would only say so again
		}
	}
	return found
}

// kept: what was accepted is there, and is over when everybody is well.
func kept(h *history) []string {
	switch {
	case h.Missing:
		return []string{"it was accepted, and the store does not know it"}
	case !h.Last.State.Terminal():
		return []string{fmt.Sprintf("it is %v still", h.Last.State)}
	}
	return nil
}

// final: an end that was seen once is the end.
func final(h *history) (wrong []string) {
	if h.First != nil && !h.Unsure && !h.First.same(&h.Last) {
		wrong = append(wrong, fmt.Sprintf("it was seen over as %+v, and is %+v now", *h.First, h.Last))
	}
	number := 0
	for _, a := range h.Stored {
		if a.Number <= number {
			wrong = append(wrong, fmt.Sprintf("attempt %d is recorded after attempt %d", a.Number, number))
		}
		if number = a.Number; !a.State.Terminal() {
			wrong = append(wrong, fmt.Sprintf("attempt %d is recorded as %v", a.Number, a.State))
		}
	}
	return wrong
}

// once: no attempt executes twice, and none that is not on record executes.
func once(h *history) (wrong []string) {
	all := h.executions()
	for _, e := range all {
		switch {
		case e.Starts != 1:
			wrong = append(wrong, fmt.Sprintf("attempt %d has begun %d times", e.Attempt, e.Starts))
		case h.stored(e.Attempt) == nil:
			wrong = append(wrong, fmt.Sprintf("attempt %d ran, and the store does not know it", e.Attempt))
		}
	}
	if len(all) > len(h.Stored) {
		wrong = append(wrong, fmt.Sprintf("it ran %d times in %d attempts", len(all), len(h.Stored)))
	}
	return wrong
}

// over: nothing is opened after a completion, and nothing starts that was opened
// after the end that a client saw. What had been given up before may still begin
// on a worker that nobody could reach; see late.
func over(h *history) (wrong []string) {
	for _, a := range h.Stored {
		if a.State == octaskly.Completed && a.Number != h.Stored[len(h.Stored)-1].Number {
			wrong = append(wrong, fmt.Sprintf("attempt %d has completed, and there is a later one", a.Number))
		}
	}
	if h.First == nil || h.Unsure {
		return wrong
	}
	for _, e := range h.executions() {
		if e.Start > h.First.Seen && e.Attempt >= h.First.Attempt {
			wrong = append(wrong, fmt.Sprintf("attempt %d began at %v, and it was seen over at %v", e.Attempt, e.Start, h.First.Seen))
		}
	}
	return wrong
}

// late counts executions that began when the task had been seen over: of attempts
// that had been given up, on workers that did not know.
func late(h *history) (n int) {
	for _, e := range h.executions() {
		if h.First != nil && e.Start > h.First.Seen && e.Attempt < h.First.Attempt {
			n++
		}
	}
	return n
}

// overlapping: executions of a task with --at-most-one do not overlap.
func overlapping(h *history) (wrong []string) {
	if !h.Want.AtMostOne {
		return nil
	}
	all := h.executions()
	slices.SortFunc(all, func(a, b execution) int { return cmp.Compare(a.Start, b.Start) })
	for i := 1; i < len(all); i++ {
		if before := all[i-1]; before.Last >= all[i].Start {
			wrong = append(wrong, fmt.Sprintf("attempt %d on %s lived at %v, attempt %d on %s began at %v",
				before.Attempt, before.Worker, before.Last, all[i].Attempt, all[i].Worker, all[i].Start))
		}
	}
	return wrong
}

// cancelled: after a cancel that was accepted no attempt is opened, and the end is
// that cancel, or what the command came to before it could be stopped.
func cancelled(h *history) (wrong []string) {
	switch {
	case h.Cancelled.IsZero() && !h.Perhaps && h.Last.State == octaskly.Cancelled:
		return []string{"it was cancelled, and nobody did that"}
	case h.Cancelled.IsZero():
		return nil
	}
	for _, a := range h.Stored {
		if a.AssignedAt.After(h.Cancelled) {
			wrong = append(wrong, fmt.Sprintf("attempt %d was opened at %v, and a cancel accepted at %v", a.Number, a.AssignedAt, h.Cancelled))
		}
	}
	last := h.stored(h.Last.Attempt)
	if h.Last.State != octaskly.Cancelled && (last == nil || given(last) || last.State != h.Last.State) {
		wrong = append(wrong, fmt.Sprintf("a cancel was accepted, and it is %v (%s)", h.Last.State, h.Last.Reason))
	}
	return wrong
}

// own: what is not cancelled ends as its command does, whatever happens to
// daemons and links.
func own(h *history) []string {
	if h.Last.State == octaskly.Cancelled || !h.Last.State.Terminal() {
		return nil
	}
	if h.Last.State != h.Want.State || h.Last.Reason != h.Want.Reason {
		return []string{fmt.Sprintf("it is %v (%s), want %v (%s)", h.Last.State, h.Last.Reason, h.Want.State, h.Want.Reason)}
	}
	return nil
}

// proven: an end of the command's own is one that the command has written down.
func proven(h *history) (wrong []string) {
	ran := map[int]execution{}
	for _, e := range h.executions() {
		ran[e.Attempt] = e
	}
	for _, a := range h.Stored {
		e, known := ran[a.Number]
		code, told := exitOf(&a)
		switch {
		case !told:
		case !known || !e.Ended:
			wrong = append(wrong, fmt.Sprintf("attempt %d is %v (%s), and its command has not come to an end", a.Number, a.State, a.Reason))
		case code != e.Code:
			wrong = append(wrong, fmt.Sprintf("attempt %d is %v (%s), and its command exits with %d", a.Number, a.State, a.Reason, e.Code))
		}
	}
	return wrong
}

// exitOf is the exit code that an attempt's record tells, if any.
func exitOf(a *api.Attempt) (code int, told bool) {
	if a.State == octaskly.Completed || a.State == octaskly.Failed && a.Reason.Kind() == "exit" {
		return octaskly.ExitCode(a.State, a.Reason), true
	}
	return 0, false
}

// counted: losses take no retry away, and restarts give none back.
func counted(h *history) []string {
	failures := 0
	for _, a := range h.Stored {
		if a.State != octaskly.Completed && a.State != octaskly.Cancelled && !given(&a) {
			failures++
		}
	}
	least, most := h.Want.Failures*(1+h.Retried), h.Want.Failures*(1+h.Retried)
	if h.Unsure {
		most += h.Want.Failures
	}
	if h.Last.State == octaskly.Completed || h.Last.State == octaskly.Cancelled {
		least = 0
	}
	if failures < least || failures > most {
		return []string{fmt.Sprintf("%d attempts failed by themselves, want %d to %d", failures, least, most)}
	}
	return nil
}

// printed: the output of an attempt that counts is all there.
func printed(h *history) (wrong []string) {
	for _, a := range h.Stored {
		if _, told := exitOf(&a); !told {
			continue
		}
		want := h.Want.Stdout + int64(len(fmt.Sprintf("%s %d\n", h.Task, a.Number)))
		if a.Stdout != want || a.Discarded > 0 {
			wrong = append(wrong, fmt.Sprintf("attempt %d has %d bytes of output and %d discarded, want %d", a.Number, a.Stdout, a.Discarded, want))
		}
	}
	return wrong
}

// told: octasklyctl wait exits as the task has ended, whatever happened meanwhile.
func told(h *history) []string {
	if want := octaskly.ExitCode(h.Last.State, h.Last.Reason); h.Told != nil && h.Told.Code != want {
		return []string{fmt.Sprintf("octasklyctl wait exited with %d, want %d, and said %q", h.Told.Code, want, h.Told.Stderr)}
	}
	return nil
}
