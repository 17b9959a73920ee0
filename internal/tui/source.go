package tui

import (
	"context"
	"io"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/client"
	"github.com/octaskly/octaskly/internal/octaskly"
)

// Source is the dispatcher that is looked at. *client.Client is one.
type Source interface {
	Stats(context.Context) (*api.Stats, error)
	Workers(context.Context) ([]api.Worker, error)
	Worker(ctx context.Context, name string) (*api.Worker, error)
	Jobs(context.Context, client.Query) ([]api.Job, error)
	Show(context.Context, octaskly.TaskID) (*api.Detail, error)
	Elements(context.Context, octaskly.JobID, client.ElementQuery) ([]api.Element, error)
	Output(context.Context, octaskly.TaskID, client.OutputOptions) (io.ReadCloser, error)
	Events(context.Context, client.EventQuery) (*api.Events, error)
	FollowEvents(context.Context, client.EventQuery, func(*api.Event) error) error

	Cancel(ctx context.Context, what client.Selector, reason string) (*api.Outcome, error)
	Retry(context.Context, client.Selector) (*api.Outcome, error)
	Drain(ctx context.Context, worker string, how api.DrainRequest) (*api.Worker, error)
	Resume(ctx context.Context, worker string) (*api.Worker, error)
}

var _ Source = (*client.Client)(nil)
