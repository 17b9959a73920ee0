package dispatcher

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/client"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/store"
)

// A job whose spec is not what was accepted is cancelled; it holds up neither
// the start, nor lists, nor other jobs.
func TestIllegibleSpec(t *testing.T) {
	const worker = "0123456789abcdef"
	bad := func(id octaskly.JobID, elements octaskly.Ranges) octaskly.Job {
		return octaskly.Job{ID: id, Owner: "me", SpecVersion: 1, Spec: []byte{0xff}, Elements: elements, Array: elements.Count() > 1}
	}
	running := octaskly.Progress{Rows: octaskly.Counts{octaskly.Running: 1}}
	l := goLive(t, octaskly.Policy{}, func(d *Dispatcher) {
		err := d.store.Commit(t.Context(), &store.Changes{
			Jobs: []octaskly.Job{bad(1, octaskly.Span(0, 0)), bad(2, octaskly.Span(0, 0)), bad(3, octaskly.Span(0, 99))},
			Progress: []store.ProgressRow{
				{Job: 1, Progress: octaskly.Progress{Unclaimed: octaskly.Span(0, 0)}}, {Job: 2, Progress: running},
				{Job: 3, Progress: octaskly.Progress{Unclaimed: octaskly.Span(0, 99)}},
			},
			Tasks:   []octaskly.Task{{Job: 2, State: octaskly.Running, Attempt: 1, Worker: worker}},
			Workers: []octaskly.Worker{{ID: worker, Name: "w", Slots: 1}},
			Queued:  101, Live: 3,
		})
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			d.store.NextJobID()
		}
	})
	l.inCore(func(c *core) {
		if got := c.jobs[2].live[0]; !got.Cancel || c.waiting != 0 || c.live != 1 {
			t.Errorf("%+v, %d wait, %d live", got, c.waiting, c.live)
		}
	})
	for id, want := range map[octaskly.JobID]octaskly.State{1: octaskly.Cancelled, 2: octaskly.Running, 3: octaskly.Cancelled} {
		if got := l.show(octaskly.TaskID{Job: id}); got.State != want || got.Command[0] != "(damaged)" {
			t.Errorf("job %d: %v %v", id, got.State, got.Command)
		}
	}
	if _, err := l.submit(func(*api.Submission) {}); err != nil {
		t.Error(err)
	}
	if jobs, err := l.Jobs(t.Context(), client.Query{All: true}); err != nil || len(jobs) != 4 {
		t.Errorf("%d jobs are listed, %v", len(jobs), err)
	}
}

// Outputs of attempts that a salvaged database does not know make way for those
// that will have their names.
func TestPrune(t *testing.T) {
	l := goLive(t, octaskly.Policy{}, func(d *Dispatcher) {
		err := d.store.Commit(t.Context(), &store.Changes{
			Tasks: []octaskly.Task{{Job: 1, State: octaskly.Completed, Attempt: 2}},
		})
		if err != nil {
			t.Fatal(err)
		}
	})
	var paths []string
	for _, id := range []octaskly.AttemptID{{Job: 1, Number: 2}, {Job: 1, Number: 3}, {Job: 1, Index: 1, Number: 1}, {Job: 7, Number: 1}} {
		path := l.d.outputs.path(id)
		l.check(os.MkdirAll(filepath.Dir(path), 0o700))
		l.check(os.WriteFile(path, []byte("x"), 0o600))
		paths = append(paths, path)
	}
	l.check(l.d.prune(t.Context()))
	for i, path := range paths {
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) != (i > 0) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// sickStore is damaged from when alarm is told until it has been loaded again,
// which takes until cured is closed.
type sickStore struct {
	Store
	alarm chan struct{}
	ill   atomic.Bool
	asked chan struct{} // closed when it is loaded again
	cured chan struct{}
}

func (s *sickStore) Damaged() <-chan struct{} { return s.alarm }

func (s *sickStore) Suspicion() error {
	if s.ill.Load() {
		return &store.Outage{Why: "a test says so"}
	}
	return nil
}

func (s *sickStore) Load(ctx context.Context) (*store.Snapshot, error) {
	if s.ill.Load() {
		close(s.asked)
		<-s.cured
		s.ill.Store(false)
	}
	return s.Store.Load(ctx)
}

// While a damaged database is salvaged, the dispatcher is alive and answers why
// it can do nothing. Then it goes on.
func TestSalvageMeanwhile(t *testing.T) {
	s := &sickStore{alarm: make(chan struct{}), asked: make(chan struct{}), cured: make(chan struct{})}
	l := goLive(t, octaskly.Policy{}, func(d *Dispatcher) { s.Store, d.store = d.store, s })
	before, err := l.submit(func(*api.Submission) {})
	l.check(err)
	s.ill.Store(true)
	s.alarm <- struct{}{}
	<-s.asked
	l.check(l.d.Check(t.Context()))
	_, err = ask(t.Context(), l.d, func(c *core, reply func(any, error)) {
		c.batch.after(func(err error) { reply(nil, err) })
	})
	if !errors.Is(err, octaskly.ErrUnavailable) || !strings.Contains(err.Error(), "the database is damaged (a test says so)") {
		t.Errorf("a request is answered %v", err)
	}
	close(s.cured)
	for err != nil {
		_, err = l.submit(func(*api.Submission) {})
	}
	l.show(before)
}
