package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/spool"
)

// fake is a dispatcher of one plain job, 42, whose course a test decides.
type fake struct {
	mu     sync.Mutex
	asked  []string
	job    api.Job
	detail api.Detail
	blobs  map[octaskly.Blob][]byte
	checks []api.Check // of worker w2

	began     chan struct{} // closed when the job is watched for the first time
	cancelled chan struct{} // closed by Cancel
	changed   chan struct{} // closed and made anew with each change of job
	onSubmit  func(*api.Order) error
	onOutput  func(ctx context.Context, follow bool) (io.ReadCloser, error)
	onCancel  func(api.Selection) (api.Outcome, error)
	onJobs    func(api.Filter) []api.Job
	onEvents  func(api.EventQuery) *api.Events
	onFollow  func(yield func([]api.Event, api.Cursor) error) error
}

func newFake() *fake {
	return &fake{
		job:   api.Job{ID: "42", State: octaskly.Running, Command: []api.Text{"true"}, Tasks: 1, Counts: map[string]int64{"running": 1}},
		blobs: map[octaskly.Blob][]byte{}, began: make(chan struct{}), cancelled: make(chan struct{}), changed: make(chan struct{}),
	}
}

func (f *fake) ask(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, fmt.Sprintf(format, args...))
}

func (f *fake) questions() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.asked...)
}

// become changes the job and wakes whoever watches it.
func (f *fake) become(state octaskly.State, reason octaskly.Reason) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.job.State, f.job.Reason = state, reason
	f.job.Counts = map[string]int64{state.String(): f.job.Tasks}
	close(f.changed)
	f.changed = make(chan struct{})
}

func (f *fake) look() (api.Job, <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.job, f.changed
}

// over returns when the job is.
func (f *fake) over(ctx context.Context) error {
	for {
		job, changed := f.look()
		if job.State.Terminal() {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (f *fake) Submit(_ context.Context, _ api.Caller, order *api.Order) (octaskly.JobID, bool, error) {
	f.ask("submit %q", order.Spec.Argv)
	if f.onSubmit != nil {
		return 42, order.Job.Key != "", f.onSubmit(order)
	}
	return 42, order.Job.Key != "", nil
}

func (f *fake) Cancel(_ context.Context, _ api.Caller, what api.Selection, reason string) (api.Outcome, error) {
	f.ask("cancel %v%v %q", what.Jobs, what.Elements, reason)
	if f.onCancel != nil {
		return f.onCancel(what)
	}
	close(f.cancelled)
	return api.Outcome{Done: 1}, nil
}

func (f *fake) Signal(_ context.Context, _ api.Caller, what api.Selection, signal int) (api.Outcome, error) {
	f.ask("signal %v %d", what.Jobs, signal)
	return api.Outcome{Done: 2}, nil
}

func (f *fake) Retry(_ context.Context, _ api.Caller, what api.Selection) (api.Outcome, error) {
	f.ask("retry %v", what.Jobs)
	return api.Outcome{Already: []string{what.Jobs.String()}}, nil
}

func (f *fake) Jobs(_ context.Context, _ api.Caller, filter api.Filter) ([]api.Job, error) {
	f.ask("jobs %v %v %d %d", filter.All, filter.States, filter.Limit, filter.Before)
	if f.onJobs != nil {
		return f.onJobs(filter), nil
	}
	job, _ := f.look()
	return []api.Job{job}, nil
}

func (f *fake) Show(_ context.Context, _ api.Caller, id octaskly.TaskID) (*api.Detail, error) {
	f.ask("show %v", id)
	if id.Job != 42 {
		return nil, fmt.Errorf("cannot find task %v: %w", id, octaskly.ErrNotFound)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	d := f.detail
	d.Job = f.job
	return &d, nil
}

func (f *fake) Why(_ context.Context, _ api.Caller, id octaskly.TaskID) (*api.Why, error) {
	f.ask("why %v", id)
	if id.Job != 42 {
		return nil, fmt.Errorf("cannot find task %v: %w", id, octaskly.ErrNotFound)
	}
	return &api.Why{
		ID: id.String(), State: octaskly.Queued, Text: "Task " + id.String() + " is queued. Worker w1\x1b has no free slot (2 of 2 are taken). It starts as soon as there is room on worker w1.",
		Ahead: &api.WhyAhead{}, Try: []string{"octasklyctl worker ls"},
	}, nil
}

func (f *fake) Elements(context.Context, api.Caller, octaskly.JobID, []octaskly.State, octaskly.Index, int) ([]api.Element, error) {
	f.ask("elements")
	return []api.Element{{ID: "42.7", State: octaskly.Failed, Reason: "exit:3"}}, nil
}

func (f *fake) Watch(ctx context.Context, _ api.Caller, id octaskly.TaskID, yield func(*api.Job) error) error {
	if id.Job != 42 {
		return fmt.Errorf("cannot find task %v: %w", id, octaskly.ErrNotFound)
	}
	for {
		job, changed := f.look()
		if err := yield(&job); err != nil || job.State.Terminal() {
			return err
		}
		f.begin()
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (f *fake) begin() {
	f.mu.Lock()
	defer f.mu.Unlock()
	select {
	case <-f.began:
	default:
		close(f.began)
	}
}

func (f *fake) Output(ctx context.Context, _ api.Caller, id octaskly.TaskID, attempt int, follow bool) (io.ReadCloser, error) {
	f.ask("output %v %d %v", id, attempt, follow)
	if f.onOutput != nil {
		return f.onOutput(ctx, follow)
	}
	return output(func(io.Writer) error { return f.over(ctx) }), nil
}

// output is a reader of what write writes.
func output(write func(io.Writer) error) io.ReadCloser {
	r, w := io.Pipe()
	go func() { w.CloseWithError(write(w)) }()
	return r
}

func (f *fake) PutBlob(_ context.Context, _ api.Caller, hash octaskly.Blob, r io.Reader) error {
	data, err := io.ReadAll(r)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.blobs[hash] = data
	return err
}

func (f *fake) HasBlob(_ context.Context, _ api.Caller, hash octaskly.Blob) (bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, has := f.blobs[hash]
	return has, nil
}

func (f *fake) Events(_ context.Context, _ api.Caller, q api.EventQuery) (*api.Events, error) {
	f.ask("events %q %v %v %v %d", q.Worker, q.Kinds, q.Since, q.Before, q.Limit)
	if f.onEvents != nil {
		return f.onEvents(q), nil
	}
	return &api.Events{Next: "G.0"}, nil
}

func (f *fake) FollowEvents(ctx context.Context, _ api.Caller, q api.EventQuery, yield func([]api.Event, api.Cursor) error) error {
	f.ask("follow %q %v %v", q.Worker, q.Kinds, q.Since)
	if f.onFollow != nil {
		return f.onFollow(yield)
	}
	<-ctx.Done()
	return ctx.Err()
}

func (f *fake) Workers(context.Context, api.Caller) ([]api.Worker, error) {
	return []api.Worker{
		{ID: "b", Name: "w2", State: "lost"},
		{ID: "a", Name: "w1\x1b[H", State: "connected", Slots: 2, CPUs: 0.5, Memory: 1 << 30, Levels: []string{"none", "strict", "basic"}},
		{ID: "c", Name: "w3", State: "connected", Drain: &api.Drain{By: "ann"}},
	}, nil
}

func (f *fake) Worker(_ context.Context, _ api.Caller, name string) (*api.Worker, error) {
	f.ask("worker %s", name)
	if name != "w2" && name != "b" {
		return nil, fmt.Errorf("cannot find worker %q: %w", name, octaskly.ErrNotFound)
	}
	return &api.Worker{ID: "b", Name: "w2", State: "lost", Checks: f.checks}, nil
}

func (f *fake) Drain(_ context.Context, who api.Caller, name string, how api.DrainRequest) (*api.Worker, error) {
	deadline := "none"
	if how.Deadline != nil {
		deadline = time.Duration(*how.Deadline).String()
	}
	f.ask("drain %s %q %s", name, how.Reason, deadline)
	drain := &api.Drain{By: who.Name, At: time.Now(), Reason: how.Reason}
	if how.Deadline != nil {
		drain.Deadline = new(drain.At.Add(time.Duration(*how.Deadline)))
	}
	return f.manage(name, drain)
}

func (f *fake) Resume(_ context.Context, _ api.Caller, name string) (*api.Worker, error) {
	f.ask("resume %s", name)
	return f.manage(name, nil)
}

func (f *fake) RemoveWorker(_ context.Context, _ api.Caller, name string) (*api.Worker, error) {
	f.ask("remove %s", name)
	return f.manage(name, nil)
}

// manage is the worker after an admin has changed it: busy has two tasks, idle none, w2
// is not there; of others is known why not.
func (f *fake) manage(name string, drain *api.Drain) (*api.Worker, error) {
	w := &api.Worker{ID: "b", Name: name, State: "connected", Drain: drain}
	switch name {
	case "busy":
		w.Running, w.Assigned = 1, 1
	case "w2":
		w.State = "lost"
	case "refused":
		return nil, fmt.Errorf("ann is no admin: %w", octaskly.ErrDenied)
	case "there":
		return nil, fmt.Errorf("cannot remove worker there: another one of that name is connected: %w", octaskly.ErrConflict)
	case "unknown":
		return nil, fmt.Errorf("cannot find worker %q: %w", name, octaskly.ErrNotFound)
	}
	return w, nil
}

func (f *fake) Stats(_ context.Context, _ api.Caller, owner string) (*api.Stats, error) {
	stats := &api.Stats{Owner: owner, Tasks: map[string]int64{"queued": 3, "completed": 4}, Fleet: "default", FleetStats: &api.FleetStats{Slots: 4, Busy: 1}}
	if owner != "" {
		stats.CountedAt = ago(time.Minute)
		return stats, nil
	}
	stats.StoreStats = &api.StoreStats{Removed: 5, CheckedAt: ago(0),
		Damage: &api.Damage{At: noon, Lines: []string{"3 rows of tasks\x1b are lost", "job 7 is lost"}}}
	return stats, nil
}

// framed is output in its framed form, of which 100 bytes are kept of a stream;
// each piece begins with o: or e:.
func framed(t *testing.T, pieces ...string) []byte {
	t.Helper()
	log := spool.Create(spool.Options{Limit: 100})
	for _, piece := range pieces {
		stream := spool.Stdout
		if piece[0] == 'e' {
			stream = spool.Stderr
		}
		if err := log.Append(stream, []byte(piece[2:])); err != nil {
			t.Fatal(err)
		}
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(log.Reader(t.Context(), 0, false))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// daemon serves a fake on a socket, and can be stopped and started again.
type daemon struct {
	t      *testing.T
	fake   *fake
	socket string
	stop   func()
}

func serve(t *testing.T, f *fake) *daemon {
	d := &daemon{t: t, fake: f, socket: filepath.Join(t.TempDir(), "s")}
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

// result is how one call of the program ended.
type result struct {
	stdout, stderr string
	code           int
}

// call is the program, on its way.
type call struct {
	stdout, stderr *buffer
	code           chan int
}

// begin starts the program with a socket and arguments.
func (d *daemon) begin(stdin io.Reader, args ...string) *call {
	c := &call{new(buffer), new(buffer), make(chan int, 1)}
	argv := append([]string{"octasklyctl"}, args...)
	if d.socket != "" { // else by the current context
		argv = append([]string{"octasklyctl", "--socket", d.socket}, args...)
	}
	go func() { c.code <- run(context.Background(), argv, stdin, c.stdout, c.stderr) }()
	return c
}

func (c *call) end() result {
	code := <-c.code
	return result{c.stdout.String(), c.stderr.String(), code}
}

func (d *daemon) ctl(args ...string) result {
	return d.begin(bytes.NewReader(nil), args...).end()
}

// buffer is a bytes.Buffer for several goroutines, which can be waited for.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
	more chan struct{} // closed by the next write; nil: nobody waits
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.more != nil {
		close(b.more)
		b.more = nil
	}
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// await returns when text has been written.
func (b *buffer) await(t *testing.T, text string) {
	t.Helper()
	for {
		b.mu.Lock()
		if bytes.Contains(b.text.Bytes(), []byte(text)) {
			b.mu.Unlock()
			return
		}
		if b.more == nil {
			b.more = make(chan struct{})
		}
		more := b.more
		b.mu.Unlock()
		select {
		case <-more:
		case <-t.Context().Done():
			t.Fatalf("there is no %q in %q", text, b.String())
		}
	}
}
