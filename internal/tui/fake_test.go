package tui

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/client"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/spool"
)

func init() { time.Local = time.UTC } // what frames show

// then is when everything in these tests happens.
var then = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

func before(d time.Duration) *time.Time { return new(then.Add(-d)) }

func someWorkers() []api.Worker {
	seconds := func(d time.Duration) api.Seconds { return api.Seconds(d) }
	return []api.Worker{
		{ID: "a1", Name: "alpha", State: "connected", Address: "10.0.0.1:4711", Transport: "quic", Since: before(3 * time.Hour), RoundTrip: seconds(420 * time.Microsecond),
			Version: "1.0", Slots: 8, Running: 6, Assigned: 1, CPUs: 8, Memory: 32 << 30, CPUsUsed: 5.25, MemoryUsed: 12 << 30, CPUsReserved: 6, MemoryReserved: 16 << 30,
			Features: []string{"stdin", "level:strict"}, Contains: "cgroup", SeenAt: then, Levels: []string{"none", "basic", "strict"}, Limits: []string{"memory", "disk"}},
		{ID: "b2", Name: "beta", State: "connected", Drain: &api.Drain{By: "root", At: then.Add(-5 * time.Minute), Reason: "new disk", Deadline: new(then.Add(10 * time.Minute))},
			Address: "10.0.0.2:4711", Transport: "tcp", Since: before(time.Hour), Version: "1.0", Slots: 4, Running: 2, CPUs: 4, Memory: 8 << 30, CPUsUsed: 1.5, MemoryUsed: 700 << 20,
			Features: []string{"stdin"}, Contains: "group", SeenAt: then, Levels: []string{"none"}},
		{ID: "c3", Name: "日本-gpu\x1b[31m", State: "lost", Version: "0.9", Slots: 2, CPUs: 16, Memory: 64 << 30, Contains: "cgroup", SeenAt: then.Add(-7 * time.Minute),
			Levels: []string{"none", "basic", "strict", "very-strict"}},
	}
}

func someStats() *api.Stats {
	return &api.Stats{
		Tasks: map[string]int64{"queued": 99_321, "assigned": 3, "running": 8, "completed": 4077, "failed": 12, "timed_out": 1, "cancelled": 40},
		Jobs:  6, Version: "1.0", Fleet: "f", StartedAt: then.Add(-4 * time.Hour),
		FleetStats: &api.FleetStats{Workers: 2, Slots: 12, Busy: 9, Rate: 85.4},
	}
}

func text(words ...string) (all []api.Text) {
	for _, w := range words {
		all = append(all, api.Text(w))
	}
	return all
}

func someJobs() []api.Job {
	left := api.Seconds(63 * time.Second)
	return []api.Job{
		{ID: "46", Owner: "ann", Name: "日本語の仕事", State: octaskly.Queued, Command: text("python3", "train.py", "--epochs", "10"), Tasks: 1,
			Counts: map[string]int64{"queued": 1}, SubmittedAt: then.Add(-5 * time.Second)},
		{ID: "45", Owner: "ann", Name: "render", State: octaskly.Running, Command: text("blender", "-b", "scene one.blend"), Array: "0-9999", Tasks: 10_000,
			Counts:      map[string]int64{"queued": 5400, "assigned": 1, "running": 6, "completed": 4580, "failed": 10, "cancelled": 3},
			SubmittedAt: then.Add(-9 * time.Minute), Rate: 85.4, Left: &left},
		{ID: "44", Owner: "bob", State: octaskly.Running, Command: text("sh", "-c", "sleep 600\x1b[2J"), Tasks: 1, Counts: map[string]int64{"running": 1},
			SubmittedAt: then.Add(-2 * time.Hour), StartedAt: before(90 * time.Second), Worker: "alpha"},
		{ID: "9", Owner: "bob", Name: "broken", State: octaskly.Failed, Reason: "exit:3", Exit: new(3), Command: text("false"), Tasks: 1,
			Counts: map[string]int64{"failed": 1}, SubmittedAt: then.Add(-26 * time.Hour), StartedAt: before(25 * time.Hour), EndedAt: before(25*time.Hour - 1500*time.Millisecond), Worker: "beta"},
		{ID: "8", Owner: "ann", Name: "fine", State: octaskly.Completed, Exit: new(0), Command: text("true"), Tasks: 1,
			Counts: map[string]int64{"completed": 1}, SubmittedAt: then.Add(-50 * time.Hour), StartedAt: before(49 * time.Hour), EndedAt: before(49*time.Hour - 20*time.Millisecond), Worker: "alpha"},
	}
}

func someEvents() []api.Event {
	at := func(d time.Duration) time.Time { return then.Add(-d) }
	return []api.Event{
		{ID: "G.1", Seq: 1, At: at(50 * time.Second), Kind: "worker.joined", Worker: "alpha", WorkerID: "a1"},
		{ID: "G.2", Seq: 2, At: at(40 * time.Second), Kind: "job.submitted", Owner: "ann", Job: "45", Elements: "0-9999", Tasks: 10_000},
		{ID: "G.3", Seq: 3, At: at(30 * time.Second), Kind: "task.running", Job: "45", Task: "45.0", Attempt: 1, Worker: "alpha", WorkerID: "a1", State: octaskly.Running},
		{ID: "G.4", Seq: 4, At: at(20 * time.Second), Kind: "task.queued", Job: "45", Task: "45.1", Attempt: 1, Worker: "beta", State: octaskly.Queued, Why: "lost", Reason: "worker-lost"},
		{ID: "G.5", Seq: 5, At: at(10 * time.Second), Kind: "worker.lost", Worker: "日本-gpu", WorkerID: "c3"},
		{ID: "G.6", Seq: 6, At: at(time.Second), Kind: "task.ended", Job: "9", Task: "9", Attempt: 2, Worker: "beta", State: octaskly.Failed, Reason: "exit:3", Detail: "evil\x1b]0;title\x07"},
	}
}

func someElements() []api.Element {
	return []api.Element{
		{ID: "45.0", State: octaskly.Completed, Exit: new(0), Attempt: 1, Worker: "alpha"},
		{ID: "45.1", State: octaskly.Running, Attempt: 2, Worker: "alpha"},
		{ID: "45.2", State: octaskly.Failed, Reason: "oom", Detail: "it used 2 GiB", Attempt: 1, Worker: "beta"},
	}
}

func detailOf(j api.Job) *api.Detail {
	d := &api.Detail{Job: j, Submission: api.Submission{Sandbox: "strict", Retries: 2, Cwd: "/srv"}}
	if j.Worker != "" {
		d.Attempts = []api.Attempt{{Number: 2, State: j.State, Worker: j.Worker, StartedAt: j.StartedAt, EndedAt: j.EndedAt,
			Usage: &api.Usage{CPUTime: api.Seconds(83 * time.Second), Memory: 300 << 20, Processes: 2}}}
	} else if j.State == octaskly.Queued {
		d.Waits = "all 12 slots are busy"
	}
	return d
}

// frames is output as the dispatcher gives it.
func frames(t interface{ Fatal(...any) }, stream spool.Stream, text string) []byte {
	var out bytes.Buffer
	for data := []byte(text); len(data) > 0; {
		n := min(len(data), spool.MaxChunk)
		out.Write([]byte{byte(stream), byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
		out.Write(data[:n])
		data = data[n:]
	}
	c, err := spool.NewDecoder(bytes.NewReader(out.Bytes())).Next()
	if err != nil || c.Stream != stream {
		t.Fatal(c, err)
	}
	return out.Bytes()
}

// fake is a dispatcher.
type fake struct {
	mu      sync.Mutex
	err     error // of every question
	workers []api.Worker
	stats   *api.Stats
	jobs    []api.Job
	events  []api.Event
	output  []byte
	follow  io.Reader // after output; nil: it is over
	acts    []string
	asked   map[string]int
	queries []client.Query
	happens chan api.Event
}

func newFake() *fake {
	return &fake{workers: someWorkers(), stats: someStats(), jobs: someJobs(), events: someEvents(), asked: map[string]int{}}
}

// ask counts, and says what is wrong.
func (f *fake) ask(what string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked[what]++
	return f.err
}

func (f *fake) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

func (f *fake) Stats(context.Context) (stats *api.Stats, err error) {
	f.set(func() { stats = f.stats })
	return stats, f.ask("stats")
}

func (f *fake) Workers(context.Context) (workers []api.Worker, err error) {
	f.set(func() { workers = slices.Clone(f.workers) })
	return workers, f.ask("workers")
}

func (f *fake) Worker(_ context.Context, name string) (*api.Worker, error) {
	if err := f.ask("worker"); err != nil {
		return nil, err
	}
	for _, w := range f.workers {
		if w.ID == name {
			w.Checks = []api.Check{{Subject: "level:strict", Name: "mounts", Held: true}, {Subject: "limit:disk", Name: "quota", Why: "no quota here"}}
			return &w, nil
		}
	}
	return nil, octaskly.ErrNotFound
}

func (f *fake) Jobs(_ context.Context, q client.Query) ([]api.Job, error) {
	var jobs []api.Job
	f.set(func() { f.queries, jobs = append(f.queries, q), slices.Clone(f.jobs) })
	return slices.DeleteFunc(jobs, func(j api.Job) bool {
		return len(q.States) > 0 && !slices.Contains(q.States, j.State) || q.Owner != "" && j.Owner != q.Owner
	}), f.ask("jobs")
}

func (f *fake) Show(_ context.Context, id octaskly.TaskID) (*api.Detail, error) {
	if err := f.ask("show"); err != nil {
		return nil, err
	}
	for _, j := range f.jobs {
		if j.ID == id.String() {
			return detailOf(j), nil
		}
	}
	return nil, octaskly.ErrNotFound
}

func (f *fake) Elements(context.Context, octaskly.JobID, client.ElementQuery) ([]api.Element, error) {
	return someElements(), f.ask("elements")
}

func (f *fake) Output(ctx context.Context, _ octaskly.TaskID, o client.OutputOptions) (io.ReadCloser, error) {
	if err := f.ask(fmt.Sprint("output from ", o.From)); err != nil {
		return nil, err
	}
	r := io.Reader(bytes.NewReader(f.output[o.From:]))
	if f.follow != nil {
		r = io.MultiReader(r, f.follow)
	}
	return io.NopCloser(r), nil
}

func (f *fake) Events(context.Context, client.EventQuery) (*api.Events, error) {
	return &api.Events{Events: f.events, Next: "G.6"}, f.ask("events")
}

func (f *fake) FollowEvents(ctx context.Context, _ client.EventQuery, yield func(*api.Event) error) error {
	if err := f.ask("follow events"); err != nil {
		return err
	}
	for {
		select {
		case e := <-f.happens:
			if err := yield(&e); err != nil {
				return err
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (f *fake) act(verb, target string) error {
	err := f.ask(verb)
	f.set(func() { f.acts = append(f.acts, verb+" "+target) })
	return err
}

func (f *fake) Cancel(_ context.Context, s client.Selector, _ string) (*api.Outcome, error) {
	return &api.Outcome{Done: 1}, f.act("cancel", s.Text)
}

func (f *fake) Retry(_ context.Context, s client.Selector) (*api.Outcome, error) {
	return &api.Outcome{Done: 1}, f.act("retry", s.Text)
}

func (f *fake) Drain(_ context.Context, name string, _ api.DrainRequest) (*api.Worker, error) {
	return &api.Worker{}, f.act("drain", name)
}

func (f *fake) Resume(_ context.Context, name string) (*api.Worker, error) {
	return &api.Worker{}, f.act("resume", name)
}
