package main

import (
	"context"
	"fmt"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
)

// usher is a roster where w1 waits with the code 483-112, w9 was removed, and the
// invite i1 is open.
type usher struct{ *fake }

func (u usher) Invite(_ context.Context, _ api.Caller, how *api.NewInvite) (*api.CreatedInvite, error) {
	life := 24 * time.Hour
	if how.Expires != nil {
		life = time.Duration(*how.Expires)
	}
	u.ask("invite %q %v", how.Name, life)
	return &api.CreatedInvite{Invite: api.Invite{ID: "i1", Name: how.Name, State: "open", ExpiresAt: time.Now().Add(life)}, Token: "octi1.secret"}, nil
}

func (u usher) Invites(context.Context, api.Caller) ([]api.Invite, error) {
	u.ask("invites")
	at := time.Now().Add(-time.Minute)
	return []api.Invite{
		{ID: "i1", Name: "w1", State: "open", By: "root", CreatedAt: at, ExpiresAt: time.Now().Add(time.Hour)},
		{ID: "i2", State: "used", By: "root", CreatedAt: at, ExpiresAt: at, UsedBy: "b"},
	}, nil
}

func (u usher) RevokeInvite(_ context.Context, _ api.Caller, id string) (*api.Invite, error) {
	u.ask("revoke %s", id)
	if id != "i1" {
		return nil, fmt.Errorf("cannot revoke invite %q: there is none of that id: %w", id, octaskly.ErrNotFound)
	}
	return &api.Invite{ID: id, State: "revoked"}, nil
}

func (u usher) Pending(context.Context, api.Caller) ([]api.PendingWorker, error) {
	u.ask("pending")
	at := time.Now().Add(-time.Minute)
	return []api.PendingWorker{
		{ID: "id1", Name: "w1", State: "waits", Address: "192.0.2.7:1", Version: "1", Since: at},
		{ID: "id9", Name: "w9", State: "removed", Since: at, By: "root"},
	}, nil
}

func (u usher) Approve(_ context.Context, _ api.Caller, name, code string) (*api.PendingWorker, error) {
	u.ask("approve %s %q", name, code)
	switch {
	case name == "w9" && code == "":
		return &api.PendingWorker{Name: name, State: "readmitted"}, nil
	case name == "refused":
		return nil, fmt.Errorf("ann is no admin: %w", octaskly.ErrDenied)
	case name != "w1":
		return nil, fmt.Errorf("cannot approve worker %s: nobody of that name waits: %w", name, octaskly.ErrNotFound)
	case len(code) < 7:
		return nil, &octaskly.FieldError{Field: "code", Why: "want six digits"}
	case code != "483-112" && code != "483 112":
		return nil, fmt.Errorf("cannot approve worker w1: it shows another code: %w", octaskly.ErrConflict)
	}
	return &api.PendingWorker{Name: name, State: "approved", Address: "192.0.2.7:1"}, nil
}

func (u usher) Reject(_ context.Context, _ api.Caller, name string) ([]api.PendingWorker, error) {
	u.ask("reject %s", name)
	if name != "w1" {
		return nil, fmt.Errorf("cannot reject worker %s: nobody of that name waits: %w", name, octaskly.ErrNotFound)
	}
	return []api.PendingWorker{{Name: name, State: "rejected", Address: "192.0.2.7:1"}}, nil
}
