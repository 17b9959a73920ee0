package roster

import (
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/joining"
	"github.com/octaskly/octaskly/internal/octaskly"
)

// approval is what is written with a certificate that somebody approves of. It works
// with a copy of the action: who has asked may be gone by then.
type approval struct {
	how     string
	deed    *octaskly.Action     // nil: not audited
	written chan octaskly.Action // has room for one
}

func newApproval(who api.Caller, w *waiter) *approval {
	a := &approval{how: "approved by " + who.Name, written: make(chan octaskly.Action, 1)}
	if who.Act != nil {
		row := who.Act.Action
		row.Target, row.Outcome, row.Detail = w.Name, octaskly.Done, "id "+string(w.ID)+" from "+w.Address
		a.deed = &row
	}
	return a
}

// deeds is the row to write, if any.
func (a *approval) deeds(now time.Time) []octaskly.Action {
	if a == nil || a.deed == nil {
		return nil
	}
	if a.deed.At.IsZero() {
		a.deed.At = now
	}
	return []octaskly.Action{*a.deed}
}

// issued says that the rows are on disk, of which the first is the deed.
func (a *approval) issued(rows []octaskly.Action) {
	if a == nil || a.deed == nil {
		return
	}
	select {
	case a.written <- rows[0]:
	default:
	}
}

// settle tells the caller's request that its row is written.
func (a *approval) settle(who api.Caller) {
	select {
	case row := <-a.written:
		who.Act.Action, who.Act.Written = row, true
	default:
	}
}

// approval is the one that an application has just now.
func (h *hall) approval(a *joining.Application) *approval {
	h.lock.Lock()
	defer h.lock.Unlock()
	return h.approvals[a.KeyHash()]
}

func (h *hall) begin(w *waiter, a *approval) {
	h.lock.Lock()
	defer h.lock.Unlock()
	h.approvals[w.KeyHash()] = a
}

func (h *hall) conclude(w *waiter) {
	h.lock.Lock()
	defer h.lock.Unlock()
	delete(h.approvals, w.KeyHash())
}
