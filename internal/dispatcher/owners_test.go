package dispatcher

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/store"
)

// counter counts for figures and takes its time.
type counter struct {
	took time.Duration
	mu   sync.Mutex
	of   []string
	now  int
	most int // at once
}

func (c *counter) count(ctx context.Context, owner string) (store.Owned, error) {
	c.mu.Lock()
	c.of = append(c.of, owner)
	n := len(c.of)
	c.now++
	c.most = max(c.most, c.now)
	c.mu.Unlock()
	defer func() { c.mu.Lock(); c.now--; c.mu.Unlock() }()
	select {
	case <-time.After(c.took):
		return store.Owned{Live: int64(n)}, nil
	case <-ctx.Done():
		return store.Owned{}, ctx.Err()
	}
}

// What is counted quickly is counted each time; else the figures are good for a while.
func TestFiguresAge(t *testing.T) {
	for _, tt := range []struct {
		took, pause time.Duration
		counts      int
	}{
		{brief, 0, 3},
		{brief + 1, 0, 1},
		{time.Second, goodFor*time.Second - time.Nanosecond, 2},
		{time.Second, goodFor * time.Second, 3},
	} {
		synctest.Test(t, func(t *testing.T) {
			f, c := newFigures(), &counter{took: tt.took}
			for i := range 3 {
				found, err := f.of(t.Context(), "ann", c.count)
				if err != nil || found.Live != int64(len(c.of)) {
					t.Errorf("time %d: %+v, %v", i, found, err)
				}
				time.Sleep(tt.pause)
			}
			if len(c.of) != tt.counts {
				t.Errorf("%v and %v: counted %d times, want %d", tt.took, tt.pause, len(c.of), tt.counts)
			}
			if found, err := f.of(t.Context(), "bob", c.count); err != nil || c.of[len(c.of)-1] != "bob" || found.at.After(time.Now()) {
				t.Errorf("another has %+v, %v", found, err)
			}
		})
	}
}

// However many ask, the store counts for one at a time, and for all who ask the same
// once.
func TestFiguresTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, c := newFigures(), &counter{took: time.Second}
		var all sync.WaitGroup
		for i := range 20 {
			all.Go(func() {
				if _, err := f.of(t.Context(), []string{"ann", "bob"}[i%2], c.count); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if len(c.of) != 2 || c.most != 1 {
			t.Errorf("counted for %q, %d at once", c.of, c.most)
		}
	})
}

// A count that does not end ends for whoever waits for it, and for those behind.
func TestFiguresTakeTooLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, c := newFigures(), &counter{took: time.Hour}
		var all sync.WaitGroup
		for _, owner := range []string{"ann", "ann", "bob"} {
			all.Go(func() {
				begun := time.Now()
				_, err := f.of(t.Context(), owner, c.count)
				if !errors.Is(err, octaskly.ErrUnavailable) || time.Since(begun) != countTimeout {
					t.Errorf("%s: %v after %v", owner, err, time.Since(begun))
				}
			})
		}
		all.Wait()
		ctx, leave := context.WithCancel(t.Context())
		go func() { time.Sleep(time.Second); leave() }()
		if _, err := f.of(ctx, "ann", c.count); !errors.Is(err, context.Canceled) || errors.Is(err, octaskly.ErrUnavailable) {
			t.Errorf("who leaves is told %v", err)
		}
		if c.took = 0; len(f.byOwner) != 0 {
			t.Errorf("%d are remembered", len(f.byOwner))
		}
		if _, err := f.of(t.Context(), "ann", c.count); err != nil {
			t.Errorf("later: %v", err)
		}
	})
}

func TestFiguresAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, c := newFigures(), &counter{took: brief + 1}
		for i := range 3 * maxFigures {
			if _, err := f.of(t.Context(), fmt.Sprint(i), c.count); err != nil {
				t.Fatal(err)
			}
		}
		if len(f.byOwner) > maxFigures {
			t.Errorf("%d are remembered", len(f.byOwner))
		}
	})
}

// Who may not see all tasks is told of his own only.
func TestStatsOfOwners(t *testing.T) {
	l := goLive(t, octaskly.Policy{})
	submit := func(owner string, elements octaskly.Ranges) {
		t.Helper()
		o := &api.Order{Job: octaskly.Job{Name: "x", Elements: elements, Array: elements.Count() > 1}, Spec: octaskly.Spec{Argv: []string{"true"}}}
		_, _, err := l.d.Submit(t.Context(), api.Caller{Name: owner}, o)
		l.check(err)
	}
	submit("ann", octaskly.Span(0, 0))
	submit("ann", octaskly.Span(0, 9))
	submit("bob", octaskly.Span(0, 99))
	_, err := l.d.Cancel(t.Context(), api.Caller{Name: "ann"}, api.Selection{Jobs: octaskly.Span(1, 1)}, "")
	l.check(err)
	type figures struct {
		Owner             string
		Queued, Cancelled int64
		Jobs              int64
		Store, Counted    bool
	}
	for _, tt := range []struct {
		who   api.Caller
		owner string
		want  figures
	}{
		{api.Caller{Name: "root", Admin: true}, "", figures{Queued: 110, Cancelled: 1, Jobs: 2, Store: true}},
		{api.Caller{Name: "root", Admin: true}, "ann", figures{Owner: "ann", Queued: 10, Cancelled: 1, Jobs: 1, Counted: true}},
		{api.Caller{Name: "ann"}, "", figures{Owner: "ann", Queued: 10, Cancelled: 1, Jobs: 1, Counted: true}},
		{api.Caller{Name: "bob"}, "", figures{Owner: "bob", Queued: 100, Jobs: 1, Counted: true}},
		{api.Caller{Name: "bob"}, "ann", figures{Owner: "bob", Queued: 100, Jobs: 1, Counted: true}},
		{api.Caller{Name: "carol"}, "", figures{Owner: "carol", Counted: true}},
		{api.Caller{}, "", figures{Counted: true}},
	} {
		s, err := l.d.Stats(t.Context(), tt.who, tt.owner)
		l.check(err)
		got := figures{s.Owner, s.Tasks["queued"], s.Tasks["cancelled"], s.Jobs, s.StoreStats != nil, s.CountedAt != nil}
		if diff := cmp.Diff(tt.want, got); diff != "" || len(s.Tasks) != len(octaskly.States) {
			t.Errorf("%s about %q (-want +got):\n%s", tt.who.Name, tt.owner, diff)
		}
	}
}

// slowStore holds a commit of jobs back.
type slowStore struct {
	Store
	writing, goOn chan struct{}
}

func (s *slowStore) Commit(ctx context.Context, c *store.Changes) error {
	if len(c.Jobs) > 0 {
		s.writing <- struct{}{}
		<-s.goOn
	}
	return s.Store.Commit(ctx, c)
}

// A job that is not on disk yet is not there, and not gone either.
func TestNotBornYet(t *testing.T) {
	s := &slowStore{writing: make(chan struct{}), goOn: make(chan struct{})}
	l := goLive(t, octaskly.Policy{}, func(d *Dispatcher) { s.Store, d.store = d.store, s })
	answered := make(chan error, 1)
	go func() {
		_, err := l.submit(func(*api.Submission) {})
		answered <- err
	}()
	<-s.writing
	me := api.Caller{Name: "me", Admin: true}
	for name, look := range map[string]func() error{
		"show":   func() error { _, err := l.d.Show(t.Context(), me, octaskly.TaskID{Job: 1}); return err },
		"watch":  func() error { return l.d.Watch(t.Context(), me, octaskly.TaskID{Job: 1}, nil) },
		"output": func() error { _, err := l.d.Output(t.Context(), me, octaskly.TaskID{Job: 1}, 0, false); return err },
	} {
		if err := look(); !errors.Is(err, octaskly.ErrNotFound) || errors.Is(err, octaskly.ErrGone) || strings.Contains(fmt.Sprint(err), "retention") {
			t.Errorf("%s: %v", name, err)
		}
	}
	close(s.goOn)
	l.check(<-answered)
	if _, err := l.d.Show(t.Context(), me, octaskly.TaskID{Job: 1}); err != nil {
		t.Error(err)
	}
}

// A key stands for one submission to the last word, and for each owner by himself.
func TestKeyOfAnother(t *testing.T) {
	l := goLive(t, octaskly.Policy{})
	submit := func(owner string, change func(*api.Order)) (octaskly.JobID, bool, error) {
		o := &api.Order{Job: octaskly.Job{Name: "x", Elements: octaskly.Span(0, 9), Array: true, Key: "k"}, Spec: octaskly.Spec{Argv: []string{"true"}}}
		change(o)
		return l.d.Submit(t.Context(), api.Caller{Name: owner}, o)
	}
	same := func(*api.Order) {}
	first, repeated, err := submit("ann", same)
	if err != nil || repeated {
		t.Fatal(repeated, err)
	}
	if id, repeated, err := submit("ann", same); id != first || !repeated || err != nil {
		t.Errorf("the same again: %v, %v, %v", id, repeated, err)
	}
	if id, repeated, err := submit("bob", same); id == first || repeated || err != nil {
		t.Errorf("another's: %v, %v, %v", id, repeated, err)
	}
	for name, change := range map[string]func(*api.Order){
		"name":     func(o *api.Order) { o.Job.Name = "y" },
		"no name":  func(o *api.Order) { o.Job.Name = "" },
		"at once":  func(o *api.Order) { o.Job.AtOnce = 3 },
		"elements": func(o *api.Order) { o.Job.Elements = octaskly.Span(0, 8) },
		"command":  func(o *api.Order) { o.Spec.Argv = []string{"false"} },
		"retries":  func(o *api.Order) { o.Spec.Retries = 1 },
	} {
		if _, _, err := submit("ann", change); !errors.Is(err, octaskly.ErrConflict) || !strings.Contains(fmt.Sprint(err), "was submitted with it, and is another") {
			t.Errorf("another %s: %v", name, err)
		}
	}
}
