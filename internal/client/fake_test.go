package client

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
)

// fake is a dispatcher that repeats what it was asked, and fails with err.
type fake struct {
	mu     sync.Mutex
	asked  string
	err    error
	blobs  map[octaskly.Blob][]byte
	watch  func(context.Context, func(*api.Job) error) error
	output func(context.Context) (io.ReadCloser, error)
	submit func(context.Context) error
	follow func(api.EventQuery, func([]api.Event, api.Cursor) error) error
}

func (f *fake) ask(format string, args ...any) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = fmt.Sprintf(format, args...)
	return f.err
}

func (f *fake) Submit(ctx context.Context, _ api.Caller, o *api.Order) (octaskly.JobID, bool, error) {
	err := f.ask("submit %q %v", o.Spec.Argv, o.Job.Elements)
	if f.submit != nil {
		err = f.submit(ctx)
	}
	return 42, o.Job.Key != "", err
}

func (f *fake) Cancel(_ context.Context, _ api.Caller, what api.Selection, reason string) (api.Outcome, error) {
	return api.Outcome{Done: 2}, f.ask("cancel %+v %q", what, reason)
}

func (f *fake) Signal(_ context.Context, _ api.Caller, what api.Selection, signal int) (api.Outcome, error) {
	return api.Outcome{Done: 2}, f.ask("signal %+v %d", what, signal)
}

func (f *fake) Retry(_ context.Context, _ api.Caller, what api.Selection) (api.Outcome, error) {
	return api.Outcome{Already: []string{"1"}}, f.ask("retry %+v", what)
}

func (f *fake) Jobs(_ context.Context, _ api.Caller, filter api.Filter) ([]api.Job, error) {
	var selected api.Selection
	if filter.Select != nil {
		selected = *filter.Select
	}
	filter.Select = nil
	return []api.Job{{ID: "42", State: octaskly.Running}}, f.ask("jobs %+v %+v", selected, filter)
}

func (f *fake) Show(_ context.Context, _ api.Caller, id octaskly.TaskID) (*api.Detail, error) {
	return &api.Detail{Job: api.Job{ID: id.String(), State: octaskly.Failed}}, f.ask("show %v", id)
}

func (f *fake) Why(_ context.Context, _ api.Caller, id octaskly.TaskID) (*api.Why, error) {
	return &api.Why{ID: id.String(), State: octaskly.Failed}, f.ask("why %v", id)
}

func (f *fake) Elements(_ context.Context, _ api.Caller, id octaskly.JobID, states []octaskly.State, from octaskly.Index, limit int) ([]api.Element, error) {
	return []api.Element{{ID: "42.7", State: octaskly.Failed}}, f.ask("elements %v %v %d %d", id, states, from, limit)
}

func (f *fake) Watch(ctx context.Context, _ api.Caller, id octaskly.TaskID, yield func(*api.Job) error) error {
	if err := f.ask("watch %v", id); err != nil {
		return err
	}
	return f.watch(ctx, yield)
}

func (f *fake) Output(ctx context.Context, _ api.Caller, id octaskly.TaskID, attempt int, follow bool) (io.ReadCloser, error) {
	if err := f.ask("output %v %d %v", id, attempt, follow); err != nil {
		return nil, err
	}
	return f.output(ctx)
}

func (f *fake) PutBlob(_ context.Context, _ api.Caller, hash octaskly.Blob, r io.Reader) error {
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.blobs[hash] = bytes.Clone(data)
	return f.err
}

func (f *fake) HasBlob(_ context.Context, _ api.Caller, hash octaskly.Blob) (bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, has := f.blobs[hash]
	return has, nil
}

func (f *fake) Events(_ context.Context, _ api.Caller, q api.EventQuery) (*api.Events, error) {
	f.ask("events %v %q %v %v %v %d", q.Select, q.Worker, q.Kinds, q.Since, q.Before, q.Limit)
	return &api.Events{Events: []api.Event{{ID: "G.7", Seq: 7, Kind: "task.ended"}}, Next: "G.7", More: true}, nil
}

func (f *fake) FollowEvents(_ context.Context, _ api.Caller, q api.EventQuery, yield func([]api.Event, api.Cursor) error) error {
	return f.follow(q, yield)
}

func (f *fake) Workers(context.Context, api.Caller) ([]api.Worker, error) {
	return []api.Worker{{Name: "w"}}, f.ask("workers")
}

func (f *fake) Worker(_ context.Context, _ api.Caller, name string) (*api.Worker, error) {
	return &api.Worker{Name: name, Checks: []api.Check{{Subject: "level:basic", Name: "n", Why: "w"}}}, f.ask("worker %q", name)
}

func (f *fake) Drain(_ context.Context, _ api.Caller, name string, how api.DrainRequest) (*api.Worker, error) {
	return &api.Worker{Name: name, Drain: &api.Drain{Reason: how.Reason}}, f.ask("drain %q %q %v", name, how.Reason, how.Deadline != nil)
}

func (f *fake) Resume(_ context.Context, _ api.Caller, name string) (*api.Worker, error) {
	return &api.Worker{Name: name}, f.ask("resume %q", name)
}

func (f *fake) RemoveWorker(_ context.Context, _ api.Caller, name string) (*api.Worker, error) {
	return &api.Worker{Name: name, State: "lost"}, f.ask("remove %q", name)
}

func (f *fake) Stats(_ context.Context, _ api.Caller, owner string) (*api.Stats, error) {
	return &api.Stats{Fleet: "f"}, f.ask("stats%s", owner)
}

// daemon serves a fake on a socket, and can be stopped and started.
type daemon struct {
	t      *testing.T
	fake   *fake
	socket string
	stop   func()
}

func newDaemon(t *testing.T, f *fake) *daemon {
	d := &daemon{t: t, fake: f, socket: filepath.Join(t.TempDir(), "s")}
	f.blobs = map[octaskly.Blob][]byte{}
	d.start()
	t.Cleanup(func() { d.stop() })
	return d
}

func (d *daemon) start() {
	d.t.Helper()
	ln, err := api.Listen(d.socket)
	if err != nil {
		d.t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- api.Serve(ctx, ln, api.New(d.fake, nil, api.Config{Version: "1.2.3", Access: api.DefaultAccess(), Roster: usher{d.fake}, Log: log}), log)
	}()
	d.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			d.t.Error(err)
		}
	})
}

// client of the daemon; its connections are closed before the daemon stops.
func (d *daemon) client(options Options) *Client {
	options.Socket = d.socket
	c := New(options)
	d.t.Cleanup(c.Close)
	return c
}
