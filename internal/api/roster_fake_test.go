package api

import (
	"context"
	"time"
)

// usher is a roster that says what it was asked, as the books do.
type usher struct{ *books }

func (u usher) Invite(_ context.Context, who Caller, how *NewInvite) (*CreatedInvite, error) {
	expires := "default"
	if how.Expires != nil {
		expires = time.Duration(*how.Expires).String()
	}
	return &CreatedInvite{Invite{ID: "i1", Name: how.Name, State: "open"}, "octi1.secret"}, u.ask(who, "invite %q for %s", how.Name, expires)
}

func (u usher) Invites(_ context.Context, who Caller) ([]Invite, error) {
	return []Invite{{ID: "i1", State: "open"}}, u.ask(who, "invites")
}

func (u usher) RevokeInvite(_ context.Context, who Caller, id string) (*Invite, error) {
	return &Invite{ID: id, State: "revoked"}, u.ask(who, "revoke invite %q", id)
}

func (u usher) Pending(_ context.Context, who Caller) ([]PendingWorker, error) {
	return []PendingWorker{{ID: "w0", Name: "w", State: "waits"}}, u.ask(who, "pending")
}

func (u usher) Approve(_ context.Context, who Caller, name, code string) (*PendingWorker, error) {
	return &PendingWorker{ID: "w0", Name: name, State: "approved"}, u.ask(who, "approve %q by %q", name, code)
}

func (u usher) Reject(_ context.Context, who Caller, name string) ([]PendingWorker, error) {
	return []PendingWorker{{ID: "w0", Name: name, State: "rejected"}}, u.ask(who, "reject %q", name)
}
