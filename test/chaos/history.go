package main

import (
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"

	"github.com/octaskly/octaskly/test/cluster"
)

// history is all that is known of one task when a run is over: what was wanted,
// what a client was told, what the task has written down, and what the store
// says.
type history struct {
	Task  string // "42" or "42.7"
	Tag   string
	Want  promise
	Marks []mark // in the order of the ledger

	First     *ending         // as a client first saw that it was over; nil: it has not
	Cancelled time.Time       // when the dispatcher had accepted a cancel; zero: it has not
	Perhaps   bool            // a cancel was sent, and no answer came
	Retried   int             // times that the dispatcher accepted a retry by hand
	Unsure    bool            // a retry was sent, and no answer came
	Told      *cluster.Result // what octasklyctl wait said and exited with; nil: nobody waited

	Missing bool // the store does not know it
	Last    ending
	Stored  []api.Attempt // in the store at the end
}

// ending is how a task is over.
type ending struct {
	State   octaskly.State
	Reason  octaskly.Reason
	Attempt int // number of the latest
	EndedAt time.Time
	Seen    boottime
}

// same reports whether two looks saw the same end. An element that has never left
// the queue has no time of its own: it shows its job's.
func (e *ending) same(other *ending) bool {
	return e.State == other.State && e.Reason == other.Reason && e.Attempt == other.Attempt &&
		(e.EndedAt.Equal(other.EndedAt) || e.Attempt == 0)
}

// execution is one attempt as its ledger shows it.
type execution struct {
	Attempt     int
	Start, Last boottime // the first and the last sign of life
	Ended       bool
	Code        int
	Starts      int
	Worker      string
}

// executions are in the order of their first marks.
func (h *history) executions() (all []execution) {
	at := map[int]int{}
	for _, m := range h.Marks {
		i, known := at[m.Attempt]
		if !known {
			i = len(all)
			at[m.Attempt] = i
			all = append(all, execution{Attempt: m.Attempt, Start: m.At, Worker: m.Worker})
		}
		e := &all[i]
		e.Last = max(e.Last, m.At)
		switch m.Word {
		case "start":
			e.Starts++
		case "end":
			e.Ended, e.Code = true, m.Code
		}
	}
	return all
}

func (h *history) stored(number int) *api.Attempt {
	for i := range h.Stored {
		if h.Stored[i].Number == number {
			return &h.Stored[i]
		}
	}
	return nil
}

// given reports whether an attempt was given up: what its worker may have said
// of it later does not count.
func given(a *api.Attempt) bool {
	return a.Reason == octaskly.ReasonWorkerLost || a.Reason == octaskly.ReasonReleased || a.Reason == octaskly.ReasonLease
}
