package client

import (
	"context"

	"github.com/octaskly/octaskly/internal/api"
)

// usher is a roster that repeats what it was asked, as the fake does.
type usher struct{ *fake }

func (u usher) Invite(_ context.Context, _ api.Caller, how *api.NewInvite) (*api.CreatedInvite, error) {
	return &api.CreatedInvite{Invite: api.Invite{ID: "i1", Name: how.Name}, Token: "octi1.secret"}, u.ask("invite %q %v", how.Name, how.Expires != nil)
}

func (u usher) Invites(context.Context, api.Caller) ([]api.Invite, error) {
	return []api.Invite{{ID: "i1"}}, u.ask("invites")
}

func (u usher) RevokeInvite(_ context.Context, _ api.Caller, id string) (*api.Invite, error) {
	return &api.Invite{ID: id, State: "revoked"}, u.ask("revoke invite %q", id)
}

func (u usher) Pending(context.Context, api.Caller) ([]api.PendingWorker, error) {
	return []api.PendingWorker{{ID: "w0", State: "waits"}}, u.ask("pending")
}

func (u usher) Approve(_ context.Context, _ api.Caller, name, code string) (*api.PendingWorker, error) {
	return &api.PendingWorker{Name: name}, u.ask("approve %q %q", name, code)
}

func (u usher) Reject(_ context.Context, _ api.Caller, name string) ([]api.PendingWorker, error) {
	return []api.PendingWorker{{Name: name}}, u.ask("reject %q", name)
}
