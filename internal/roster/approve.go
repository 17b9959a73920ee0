package roster

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/joining"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/store"
)

// tryTimeout bounds how long a worker has to show whether a code is its own, and its
// turn to come.
const tryTimeout = 30 * time.Second

// Approve implements api.Roster.
func (r *Roster) Approve(ctx context.Context, who api.Caller, name, code string) (*api.PendingWorker, error) {
	if err := allow(who, "approve a worker"); err != nil {
		return nil, err
	}
	about(who, name)
	if code == "" {
		return r.readmit(ctx, who, name)
	}
	typed, err := joining.ParseCode(code)
	if err != nil {
		return nil, err
	}
	if after := r.hall.mayTry(name, time.Now()); after > 0 {
		return nil, &api.TooSoon{Why: fmt.Sprintf("cannot approve worker %.64s: too many codes were wrong; try again in %v, with the code that it shows then", name, after.Round(time.Second)), After: after}
	}
	waiting := r.hall.find(name)
	if len(waiting) == 0 {
		return nil, r.nobodyWaits(name)
	}
	return r.try(ctx, who, name, waiting, typed)
}

// try looks for the worker that shows the code.
func (r *Roster) try(ctx context.Context, who api.Caller, name string, waiting []*waiter, code joining.Code) (*api.PendingWorker, error) {
	ctx, cancel := context.WithTimeout(ctx, tryTimeout)
	defer cancel()
	var failed error
	for _, w := range waiting {
		err := r.tryOne(ctx, who, w, code)
		if err == nil {
			r.hall.right(name)
			r.log.Info("Worker is approved", "worker", w.Name, "id", w.ID, "address", w.Address, "by", who.Name)
			return new(w.describe("approved")), nil
		}
		if !errors.Is(err, joining.ErrWrongCode) {
			failed = err
		}
	}
	if failed != nil {
		return nil, fmt.Errorf("cannot approve worker %.64s: %w", name, meant(failed))
	}
	return nil, r.wrongCode(name, waiting)
}

func (r *Roster) tryOne(ctx context.Context, who api.Caller, w *waiter, code joining.Code) error {
	a := newApproval(who, w)
	r.hall.begin(w, a)
	defer r.hall.conclude(w)
	err := w.Try(ctx, code)
	if err == nil {
		a.settle(who)
	}
	return err
}

// meant makes errors of the network ones that the caller may hear.
func meant(err error) error {
	for _, known := range []error{octaskly.ErrDenied, octaskly.ErrFull, octaskly.ErrConflict, octaskly.ErrGone, octaskly.ErrUnavailable} {
		if errors.Is(err, known) {
			return err
		}
	}
	return fmt.Errorf("%w (it asks again by itself): %w", err, octaskly.ErrUnavailable)
}

func (r *Roster) wrongCode(name string, waiting []*waiter) error {
	left := r.hall.wrong(name, time.Now())
	r.log.Warn("A wrong code was typed for a worker", "worker", name, "left", left)
	if left > 0 {
		return fmt.Errorf("cannot approve worker %.64s: it shows another code; read the one that it shows now, on the machine itself (%s, then a pause): %w",
			name, map[bool]string{true: "1 more try", false: fmt.Sprintf("%d more tries", left)}[left == 1], octaskly.ErrConflict)
	}
	for _, w := range waiting {
		w.dismiss(fmt.Errorf("too many wrong codes were typed for it: %w", octaskly.ErrDenied))
	}
	after := r.hall.mayTry(name, time.Now())
	return &api.TooSoon{Why: fmt.Sprintf("cannot approve worker %.64s: it shows another code, and %d were wrong; try again in %v", name, maxTries, after.Round(time.Second)), After: after}
}

func (r *Roster) nobodyWaits(name string) error {
	if len(r.book.removalsOf(name)) > 0 {
		return fmt.Errorf("cannot approve worker %.64s: it was removed; let it in again without a code: octasklyctl worker approve %.64s: %w", name, name, octaskly.ErrConflict)
	}
	return fmt.Errorf("cannot approve worker %.64s: nobody of that name waits (octasklyctl worker pending lists who does): %w", name, octaskly.ErrNotFound)
}

// readmit lifts a removal. What was revoked stays so: the worker joins anew.
func (r *Roster) readmit(ctx context.Context, who api.Caller, name string) (page *api.PendingWorker, err error) {
	err = r.alter(ctx, who, func() (*change, error) {
		gone := r.book.removalsOf(name)
		switch {
		case len(gone) == 0 && len(r.hall.find(name)) > 0:
			return nil, badField("code", "type the code that worker %.64s shows: octasklyctl worker approve %.64s 483-112", name, name)
		case len(gone) == 0:
			return nil, fmt.Errorf("cannot approve worker %.64s: nobody of that name waits or was removed (see octasklyctl worker pending): %w", name, octaskly.ErrNotFound)
		case len(gone) > 1:
			return nil, fmt.Errorf("cannot approve worker %.64s: %d of that name were removed; type its id, as octasklyctl worker pending lists it: %w", name, len(gone), octaskly.ErrConflict)
		}
		page = new(describeRemoval(gone[0]))
		page.State = "readmitted"
		return &change{target: gone[0].Name, detail: "its removal is lifted; id " + page.ID, Roster: store.Roster{Readmitted: []octaskly.WorkerID{gone[0].Worker}}}, nil
	})
	if err != nil {
		return nil, err
	}
	r.log.Info("A removed worker may join again", "worker", page.Name, "id", page.ID, "by", who.Name)
	return page, nil
}

// about notes what a request is about, whatever becomes of it.
func about(who api.Caller, target string) {
	if who.Act != nil {
		who.Act.Target = target[:min(len(target), 256)]
	}
}
