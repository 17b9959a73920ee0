package client

import (
	"context"
	"net/http"
	"net/url"

	"github.com/octaskly/octaskly/internal/api"
)

// Workers lists the workers that the dispatcher knows.
func (c *Client) Workers(ctx context.Context) ([]api.Worker, error) {
	list, err := fetch[api.Workers](ctx, c, call{path: root + "workers"})
	if err != nil {
		return nil, err
	}
	return list.Workers, nil
}

// Worker tells all of one worker, by its id or name.
func (c *Client) Worker(ctx context.Context, name string) (*api.Worker, error) {
	return fetch[api.Worker](ctx, c, call{path: workerPath(name)})
}

// Drain keeps new tasks from a worker, which is named by its id or name. It
// returns once that is on the dispatcher's disk, and tells of the worker.
func (c *Client) Drain(ctx context.Context, name string, how api.DrainRequest) (*api.Worker, error) {
	return fetch[api.Worker](ctx, c, call{method: http.MethodPost, path: workerPath(name) + "/drain", body: how})
}

// Resume lets a drained worker have tasks again.
func (c *Client) Resume(ctx context.Context, name string) (*api.Worker, error) {
	return fetch[api.Worker](ctx, c, call{method: http.MethodPost, path: workerPath(name) + "/resume"})
}

// RemoveWorker makes the dispatcher forget a worker and keep it out. What that worker
// had runs elsewhere.
func (c *Client) RemoveWorker(ctx context.Context, name string) (*api.Worker, error) {
	return fetch[api.Worker](ctx, c, call{method: http.MethodDelete, path: workerPath(name)})
}

func workerPath(name string) string { return root + "workers/" + url.PathEscape(name) }

// Stats sums up the whole fleet.
func (c *Client) Stats(ctx context.Context) (*api.Stats, error) {
	return c.StatsOf(ctx, "")
}

// StatsOf sums up what an owner has; empty: what the caller may see.
func (c *Client) StatsOf(ctx context.Context, owner string) (*api.Stats, error) {
	query := url.Values{}
	if owner != "" {
		query.Set("owner", owner)
	}
	return fetch[api.Stats](ctx, c, call{path: root + "stats", query: query})
}

// Version is the daemon's.
func (c *Client) Version(ctx context.Context) (string, error) {
	v, err := fetch[api.Version](ctx, c, call{path: root + "version"})
	if err != nil {
		return "", err
	}
	return v.Version, nil
}

// Health returns nil if the daemon answers.
func (c *Client) Health(ctx context.Context) error {
	_, err := fetch[api.Health](ctx, c, call{path: "/health"})
	return err
}
