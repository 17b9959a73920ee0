package roster

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
)

// Pending implements api.Roster. Codes are not listed: the one that counts is that
// which the worker itself shows.
func (r *Roster) Pending(_ context.Context, who api.Caller) ([]api.PendingWorker, error) {
	if err := allow(who, "list who waits"); err != nil {
		return nil, err
	}
	var list []api.PendingWorker
	for _, w := range r.hall.find("") {
		list = append(list, w.describe("waits"))
	}
	removed := r.book.allRemovals()
	slices.SortFunc(removed, func(x, y *octaskly.Removal) int { return cmp.Or(y.At.Compare(x.At), cmp.Compare(x.Worker, y.Worker)) })
	for _, gone := range removed[:min(len(removed), maxListed)] {
		list = append(list, describeRemoval(gone))
	}
	return list, nil
}

const maxListed = 1000 // removals, the latest

// Reject implements api.Roster.
func (r *Roster) Reject(_ context.Context, who api.Caller, name string) (list []api.PendingWorker, err error) {
	if err := allow(who, "reject a worker"); err != nil {
		return nil, err
	}
	about(who, name)
	for _, w := range r.hall.find(name) {
		w.dismiss(fmt.Errorf("an operator has rejected it: %w", octaskly.ErrDenied))
		r.log.Info("Worker is rejected", "worker", w.Name, "id", w.ID, "address", w.Address, "by", who.Name)
		list = append(list, w.describe("rejected"))
	}
	if len(list) == 0 || name == "" {
		return nil, fmt.Errorf("cannot reject worker %.64s: nobody of that name waits (octasklyctl worker pending lists who does): %w", name, octaskly.ErrNotFound)
	}
	return list, nil
}

func (w *waiter) describe(state string) api.PendingWorker {
	return api.PendingWorker{ID: string(w.ID), Name: w.Name, State: state, Address: w.Address, Version: w.Software, Since: w.since}
}

func describeRemoval(gone *octaskly.Removal) api.PendingWorker {
	return api.PendingWorker{ID: string(gone.Worker), Name: gone.Name, State: "removed", Since: gone.At, By: gone.By}
}
