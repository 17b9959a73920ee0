package client

import (
	"context"
	"net/http"
	"net/url"

	"github.com/octaskly/octaskly/internal/api"
)

// Invite makes an invite for a worker. Its token is a secret, which is said once.
func (c *Client) Invite(ctx context.Context, how api.NewInvite) (*api.CreatedInvite, error) {
	return fetch[api.CreatedInvite](ctx, c, call{method: http.MethodPost, path: root + "invites", body: how})
}

// Invites lists the invites that are kept, the latest first.
func (c *Client) Invites(ctx context.Context) ([]api.Invite, error) {
	list, err := fetch[api.Invites](ctx, c, call{path: root + "invites"})
	if err != nil {
		return nil, err
	}
	return list.Invites, nil
}

// RevokeInvite ends an invite that nobody has used.
func (c *Client) RevokeInvite(ctx context.Context, id string) (*api.Invite, error) {
	return fetch[api.Invite](ctx, c, call{method: http.MethodDelete, path: root + "invites/" + url.PathEscape(id)})
}

// Pending lists the workers that wait for an approval, and those that were removed.
func (c *Client) Pending(ctx context.Context) ([]api.PendingWorker, error) {
	list, err := fetch[api.PendingWorkers](ctx, c, call{path: root + "pending"})
	if err != nil {
		return nil, err
	}
	return list.Workers, nil
}

// Approve lets a worker join, which is named by its id or name, by the code that it
// shows; or without a code one join again that was removed.
func (c *Client) Approve(ctx context.Context, name, code string) (*api.PendingWorker, error) {
	return fetch[api.PendingWorker](ctx, c, call{method: http.MethodPost, path: workerPath(name) + "/approve", body: api.Approval{Code: code}})
}

// Reject sends those of an id or name away that wait.
func (c *Client) Reject(ctx context.Context, name string) ([]api.PendingWorker, error) {
	list, err := fetch[api.PendingWorkers](ctx, c, call{method: http.MethodPost, path: workerPath(name) + "/reject"})
	if err != nil {
		return nil, err
	}
	return list.Workers, nil
}
