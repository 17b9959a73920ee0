package api

import (
	"fmt"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// Invites is GET /api/v1/invites, the latest first.
type Invites struct {
	Invites []Invite `json:"invites"`
}

// PendingWorkers is GET /api/v1/pending, the latest first.
type PendingWorkers struct {
	Workers []PendingWorker `json:"workers"`
}

// desk is the roster, where there is one.
func (r *request) desk() (Roster, error) {
	if r.bad != nil {
		return nil, r.bad
	}
	if r.api.roster == nil {
		return nil, fmt.Errorf("cannot do that here: this dispatcher gives no certificates to workers: %w", octaskly.ErrUnavailable)
	}
	return r.api.roster, nil
}

func (h *Handler) invite(r *request) (*CreatedInvite, error) {
	var how NewInvite
	r.decode(&how)
	r.blame("name", checkText(how.Name, octaskly.MaxName))
	roster, err := r.desk()
	if err != nil {
		return nil, err
	}
	return roster.Invite(r.Context(), r.who, &how)
}

func (h *Handler) invites(r *request) (*Invites, error) {
	roster, err := r.desk()
	if err != nil {
		return nil, err
	}
	invites, err := roster.Invites(r.Context(), r.who)
	return &Invites{listed(invites)}, err
}

func (h *Handler) revokeInvite(r *request) (*Invite, error) {
	roster, err := r.desk()
	if err != nil {
		return nil, err
	}
	return roster.RevokeInvite(r.Context(), r.who, r.PathValue("invite"))
}

func (h *Handler) pending(r *request) (*PendingWorkers, error) {
	roster, err := r.desk()
	if err != nil {
		return nil, err
	}
	workers, err := roster.Pending(r.Context(), r.who)
	return &PendingWorkers{listed(workers)}, err
}

func (h *Handler) approve(r *request) (*PendingWorker, error) {
	var how Approval
	r.decode(&how)
	roster, err := r.desk()
	if err != nil {
		return nil, err
	}
	return roster.Approve(r.Context(), r.who, r.PathValue("worker"), how.Code)
}

func (h *Handler) reject(r *request) (*PendingWorkers, error) {
	roster, err := r.desk()
	if err != nil {
		return nil, err
	}
	workers, err := roster.Reject(r.Context(), r.who, r.PathValue("worker"))
	return &PendingWorkers{listed(workers)}, err
}
