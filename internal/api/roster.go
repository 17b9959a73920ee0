package api

import (
	"context"
	"time"
)

// Roster is what the API needs of who may join a fleet. Its errors are like those of
// [Dispatcher].
type Roster interface {
	// Invite makes an invite, whose token nobody can say again.
	Invite(context.Context, Caller, *NewInvite) (*CreatedInvite, error)
	// Invites are those that are kept, the latest first.
	Invites(context.Context, Caller) ([]Invite, error)
	RevokeInvite(ctx context.Context, who Caller, id string) (*Invite, error)

	// Pending are the workers that wait for an approval, and those that were removed,
	// the latest first.
	Pending(context.Context, Caller) ([]PendingWorker, error)
	// Approve lets a worker join that waits, by the code that it shows, and returns
	// when it has its certificate. Without a code it lifts the removal of one. Names
	// are names or ids.
	Approve(ctx context.Context, who Caller, name, code string) (*PendingWorker, error)
	// Reject sends those of a name away that wait.
	Reject(ctx context.Context, who Caller, name string) ([]PendingWorker, error)
}

// NewInvite is the body of POST /api/v1/invites.
type NewInvite struct {
	Name    string   `json:"name,omitempty"`       // of the only worker that it lets in; default any
	Expires *Seconds `json:"expires_in,omitempty"` // default a day, at most 30
}

// Invite is one line of GET /api/v1/invites.
type Invite struct {
	ID        string     `json:"id"`
	Name      string     `json:"name,omitempty"`
	State     string     `json:"state"` // "open", "used", "expired" or "revoked"
	By        string     `json:"by,omitempty"`
	CreatedAt time.Time  `json:"created_at"`
	ExpiresAt time.Time  `json:"expires_at"`
	UsedBy    string     `json:"used_by,omitempty"` // a worker's id
	UsedAt    *time.Time `json:"used_at,omitempty"`
	RevokedAt *time.Time `json:"revoked_at,omitempty"`
}

// CreatedInvite answers NewInvite. The token is a secret, and is not kept.
type CreatedInvite struct {
	Invite
	Token string `json:"token"`
}

// PendingWorker is one line of GET /api/v1/pending.
type PendingWorker struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	State   string    `json:"state"`             // "waits", "approved", "rejected", "removed" or "readmitted"
	Address string    `json:"address,omitempty"` // that it comes from
	Version string    `json:"version,omitempty"`
	Since   time.Time `json:"since"`
	By      string    `json:"by,omitempty"` // who has removed it
}

// Approval is the body of POST /api/v1/workers/{worker}/approve.
type Approval struct {
	Code string `json:"code,omitempty"` // six digits, as the worker shows them; default none
}
