package dispatcher

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/store"
)

// dying is a store that takes so many more steps of the collector.
type dying struct {
	Store
	steps int
}

var errDead = errors.New("the process is gone")

func (d *dying) step() error {
	if d.steps--; d.steps < 0 {
		return errDead
	}
	return nil
}

func (d *dying) Forget(ctx context.Context, ids []octaskly.JobID) ([]octaskly.JobID, error) {
	if err := d.step(); err != nil {
		return nil, err
	}
	return d.Store.Forget(ctx, ids)
}

func (d *dying) Remove(ctx context.Context, ids []octaskly.JobID, _ time.Duration) (int, error) {
	if err := d.step(); err != nil {
		return 0, err
	}
	return d.Store.Remove(ctx, ids, 0)
}

func (d *dying) Inputs(ctx context.Context, ids []octaskly.JobID) ([]store.Input, error) {
	if err := d.step(); err != nil {
		return nil, err
	}
	return d.Store.Inputs(ctx, ids)
}

func (d *dying) LastReader(ctx context.Context, blob octaskly.Blob) (octaskly.JobID, error) {
	if err := d.step(); err != nil {
		return 0, err
	}
	return d.Store.LastReader(ctx, blob)
}

// life is one process of a dispatcher, without workers and clients, until the store
// dies: its collector makes rounds.
func life(t *rapid.T, dir string, steps int, r Retention, before func(*live)) (dead bool) {
	log := slog.New(slog.DiscardHandler)
	s, err := store.Open(context.Background(), filepath.Join(dir, "octaskly.db"), log)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	d, err := New(Config{Dir: dir, MaxQueued: 1000, Lease: time.Hour, Retention: r, Log: log}, &dying{s, 1 << 30})
	if err != nil {
		t.Fatal(err)
	}
	c, err := d.load(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer close(d.gone)
		c.run(ctx)
	}()
	defer func() { stop(); <-ended }()
	before(&live{t: drawn{t: t}, d: d})
	d.store.(*dying).steps = steps
	for {
		removed := d.collector.removed.Load()
		if err := d.collector.round(ctx); errors.Is(err, errDead) {
			return true
		} else if err != nil {
			t.Fatal(err)
		}
		if d.collector.removed.Load() == removed {
			return false
		}
	}
}

// drawn is the testing.TB of one run of rapid's.
type drawn struct {
	testing.TB
	t *rapid.T
}

func (d drawn) Fatal(args ...any)        { d.t.Fatal(args...) }
func (d drawn) Helper()                  { d.t.Helper() }
func (d drawn) Context() context.Context { return context.Background() }

// Wherever a dispatcher dies while it collects, what it had begun with is gone and
// what it had not is whole; the ones after it leave nothing of what has to go.
func TestCollectorDies(t *testing.T) {
	tmp := t.TempDir()
	empty := emptyDatabase(t)
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp(tmp, "run")
		if err := errors.Join(err, os.WriteFile(filepath.Join(dir, "octaskly.db"), empty, 0o600)); err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		sizes := map[octaskly.JobID]int64{}
		life(t, dir, 0, Retention{}, func(l *live) { populate(t, l, sizes) })
		r := Retention{Age: day, Tasks: rapid.Int64Range(0, 200).Draw(t, "tasks")}
		for dead := true; dead; {
			steps := rapid.IntRange(0, 30).Draw(t, "steps")
			dead = life(t, dir, steps, r, func(l *live) { inspect(t, l, sizes) })
		}
		life(t, dir, 1000, r, func(l *live) { tidy(t, l) })
	})
}

// emptyDatabase has the present schema: bringing it there takes longer than a run.
func emptyDatabase(t *testing.T) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "octaskly.db")
	s, err := store.Open(t.Context(), path, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	err = s.Close()
	data, failed := os.ReadFile(path)
	if err := errors.Join(err, failed); err != nil {
		t.Fatal(err)
	}
	return data
}

func populate(t *rapid.T, l *live, sizes map[octaskly.JobID]int64) {
	for i := range rapid.IntRange(1, 6).Draw(t, "jobs") {
		p := past{ago: time.Duration(rapid.IntRange(1, 3).Draw(t, "days")) * day, tasks: rapid.Int64Range(1, 70).Draw(t, "tasks")}
		if rapid.Bool().Draw(t, "output") {
			p.files = map[octaskly.Index]int64{0: 10, p.tasks - 1: 20}
		}
		if rapid.Bool().Draw(t, "input") {
			blob := octaskly.Blob(fmt.Sprintf("%064d", i/2))
			l.check(os.WriteFile(l.blob(blob), nil, 0o600))
			l.age(l.blob(blob), 2*day)
			p.inputs = []octaskly.Blob{blob}
		}
		sizes[l.had(p)] = p.tasks
	}
}

// inspect wants every job to be there with all that belongs to it, or gone.
func inspect(t *rapid.T, l *live, sizes map[octaskly.JobID]int64) {
	for id, tasks := range sizes {
		_, err := l.d.Show(context.Background(), me, octaskly.TaskID{Job: id})
		if errors.Is(err, octaskly.ErrGone) {
			continue
		}
		rows, failed := l.d.store.Tasks(context.Background(), id, nil, 0, 1000)
		if err != nil || failed != nil || int64(len(rows)) != tasks {
			t.Fatalf("job %v has %d of %d tasks: %v, %v", id, len(rows), tasks, err, failed)
		}
		files, err := l.d.store.Files(context.Background(), id)
		l.check(err)
		for _, file := range files {
			if !exists(l.d.outputs.path(file)) {
				t.Fatalf("job %v has lost the output of %v", id, file)
			}
		}
		inputs, err := l.d.store.Inputs(context.Background(), []octaskly.JobID{id})
		l.check(err)
		for _, in := range inputs {
			if !exists(l.blob(in.Blob)) {
				t.Fatalf("job %v has lost its input", id)
			}
		}
	}
}

// tidy wants nothing to be there that belongs to no job.
func tidy(t *rapid.T, l *live) {
	left, err := l.d.store.Forgotten(context.Background())
	if len(left) > 0 || err != nil {
		t.Fatalf("half removed: %v, %v", left, err)
	}
	for _, dir := range []string{l.d.outputs.dir, l.d.blobs.dir} {
		l.check(each(dir, func(name string) error {
			job, ok := parseJob(name)
			if ok {
				_, err = l.d.store.Job(context.Background(), job)
			} else {
				var last octaskly.JobID
				if last, err = l.d.store.LastReader(context.Background(), octaskly.Blob(name)); last == 0 {
					err = octaskly.ErrNotFound
				}
			}
			if err != nil {
				t.Fatalf("%s/%s is left: %v", dir, name, err)
			}
			return nil
		}))
	}
}
