package dispatcher

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/store"
)

// clerk is a store that keeps what each commit writes, or refuses to write.
type clerk struct {
	Store
	mu      sync.Mutex
	written []store.Changes
	full    bool
}

func (k *clerk) Commit(ctx context.Context, c *store.Changes) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.full {
		return octaskly.ErrUnavailable
	}
	if err := k.Store.Commit(ctx, c); err != nil {
		return err
	}
	k.written = append(k.written, *c)
	return nil
}

// acts are the commits with actions, since the last call.
func (k *clerk) acts() (found []store.Changes) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, c := range k.written {
		if len(c.Actions) > 0 {
			found = append(found, c)
		}
	}
	k.written = nil
	return found
}

func (k *clerk) refuse(full bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.full = full
}

// acting is a caller whose request is audited.
func acting(what string) api.Caller {
	return api.Caller{Name: "ann", Admin: true, Act: &api.Act{Action: octaskly.Action{Who: "ann", Role: octaskly.RoleClient, From: "unix uid=7", What: what}}}
}

func audited(t *testing.T) (*live, *clerk) {
	k := &clerk{}
	return goLive(t, octaskly.Policy{}, func(d *Dispatcher) {
		k.Store = d.store
		d.store = k
	}), k
}

// What is done is in the audit log by the commit that does it, once.
func TestActionsAreWritten(t *testing.T) {
	l, k := audited(t)
	ctx := t.Context()
	h := l.join("w", levelNone)
	one := func(id octaskly.JobID) api.Selection { return api.Selection{Jobs: octaskly.Span(int64(id), int64(id))} }
	order := &api.Order{Job: octaskly.Job{Elements: octaskly.Span(0, 2), Array: true}, Spec: octaskly.Spec{Argv: []string{"cat", "argument"}, Env: []string{"A=variable"}}}
	for _, step := range []struct {
		what, target, detail string
		do                   func(api.Caller) error
		changed              func(*store.Changes) bool
	}{
		{"task.submit", "1", "3 tasks", func(who api.Caller) error { _, _, err := l.d.Submit(ctx, who, order); return err },
			func(c *store.Changes) bool { return len(c.Jobs) == 1 }},
		{"task.signal", "last", "", nil, nil}, // not before it runs
		{"task.signal", "1.0-1", "1 task: signal 15", func(who api.Caller) error {
			_, err := l.d.Signal(ctx, who, api.Selection{Jobs: octaskly.Span(1, 1), Elements: octaskly.Span(0, 1)}, 15)
			return err
		}, func(*store.Changes) bool { return true }},
		{"task.cancel", "1", "3 tasks: too slow", func(who api.Caller) error { _, err := l.d.Cancel(ctx, who, one(1), "too slow"); return err },
			func(c *store.Changes) bool { return len(c.Progress) == 1 }},
		{"task.cancel", "1", "0 tasks", func(who api.Caller) error {
			_, err := l.d.Cancel(ctx, who, api.Selection{Last: true}, "")
			return err
		}, func(*store.Changes) bool { return true }},
		{"task.retry", "1", "2 tasks", func(who api.Caller) error { _, err := l.d.Retry(ctx, who, one(1)); return err },
			func(c *store.Changes) bool { return len(c.Progress) == 1 }},
		{"worker.drain", "w", "deadline in 1m0s: disk", func(who api.Caller) error {
			_, err := l.d.Drain(ctx, who, "w", api.DrainRequest{Reason: "disk", Deadline: new(api.Seconds(time.Minute))})
			return err
		}, func(c *store.Changes) bool { return len(c.Workers) == 1 && c.Workers[0].Drain != nil }},
		{"worker.resume", "w", "", func(who api.Caller) error { _, err := l.d.Resume(ctx, who, "w"); return err },
			func(c *store.Changes) bool { return len(c.Workers) == 1 && c.Workers[0].Drain == nil }},
		{"worker.remove", "w", "id w000000000000000", func(who api.Caller) error {
			h.leave(true)
			_, err := l.d.RemoveWorker(ctx, who, "w")
			return err
		}, func(c *store.Changes) bool { return len(c.Removed) == 1 }},
	} {
		if step.do == nil {
			h.task()
			continue
		}
		who := acting(step.what)
		l.check(step.do(who))
		commits := k.acts()
		if len(commits) != 1 || len(commits[0].Actions) != 1 || !step.changed(&commits[0]) {
			t.Errorf("%s: %d commits with actions: %+v", step.what, len(commits), commits)
			continue
		}
		a := commits[0].Actions[0]
		if a.What != step.what || a.Target != step.target || a.Outcome != octaskly.Done || a.Who != "ann" || a.From != "unix uid=7" || a.At.IsZero() {
			t.Errorf("%s is written as %+v", step.what, a)
		}
		if a.Detail != step.detail {
			t.Errorf("%s: detail %q, want %q", step.what, a.Detail, step.detail)
		}
		if !who.Act.Written || who.Act.Target != step.target || who.Act.Outcome != octaskly.Done || who.Act.Detail != step.detail {
			t.Errorf("%s: its caller has %+v", step.what, who.Act)
		}
		if step.what == "task.cancel" && a.Detail != "0 tasks" { // what runs ends
			h.end(octaskly.AttemptID{Job: 1, Index: 0, Number: 1}, octaskly.End{State: octaskly.Cancelled})
			h.end(octaskly.AttemptID{Job: 1, Index: 1, Number: 1}, octaskly.End{State: octaskly.Completed})
		}
	}
	rows, err := l.d.store.(*clerk).Store.(*store.Store).Actions(ctx, store.ActionQuery{Limit: 100})
	l.check(err)
	if len(rows) != 8 {
		t.Errorf("%d rows are in the log", len(rows))
	}
	for _, row := range rows {
		if text := row.Target + row.Detail; strings.Contains(text, "argument") || strings.Contains(text, "variable") {
			t.Errorf("it has what a command is given: %+v", row)
		}
	}
}

// Many jobs are cancelled by several events, and that is one action with the last.
func TestCancelOfManyIsOneAction(t *testing.T) {
	l, k := audited(t)
	const n = perEvent + 10
	var group sync.WaitGroup
	for range n {
		group.Go(func() {
			_, err := l.submitAs("ann", 2)
			if err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	who := acting("task.cancel")
	out, err := l.d.Cancel(t.Context(), who, api.Selection{All: true}, "")
	l.check(err)
	commits := k.acts()
	if out.Done != 2*n || len(commits) != 1 || len(commits[0].Actions) != 1 || len(commits[0].Progress) == 0 {
		t.Fatalf("%d are cancelled, %d commits have actions", out.Done, len(commits))
	}
	if a := commits[0].Actions[0]; a.Target != "all" || a.Detail != "520 tasks" || !who.Act.Written {
		t.Errorf("%+v, written %v", a, who.Act.Written)
	}
}

// What is refused, repeated or cannot be written is not written as done.
func TestActionsThatAreNotDone(t *testing.T) {
	l, k := audited(t)
	ctx := t.Context()
	keyed := &api.Order{Job: octaskly.Job{Elements: octaskly.Span(0, 0), Key: "k"}, Spec: octaskly.Spec{Argv: []string{"true"}}}
	again := *keyed
	_, _, err := l.d.Submit(ctx, api.Caller{Name: "ann"}, keyed)
	l.check(err)
	for what, test := range map[string]struct {
		target string
		want   error
		do     func(api.Caller) error
	}{
		"a repeated submission": {"1", nil, func(who api.Caller) error { _, _, err := l.d.Submit(ctx, who, &again); return err }},
		"a job that is not there": {"99", octaskly.ErrNotFound, func(who api.Caller) error {
			_, err := l.d.Cancel(ctx, who, api.Selection{Jobs: octaskly.Span(99, 99)}, "")
			return err
		}},
		"somebody else's job": {"1", octaskly.ErrDenied, func(who api.Caller) error {
			who.Name, who.Admin = "bob", false
			_, err := l.d.Retry(ctx, who, api.Selection{Jobs: octaskly.Span(1, 1)})
			return err
		}},
		"no job at all": {"all", nil, func(who api.Caller) error {
			who.Name = "eve"
			_, err := l.d.Cancel(ctx, who, api.Selection{All: true}, "")
			return err
		}},
		"no worker": {"x", octaskly.ErrNotFound, func(who api.Caller) error {
			_, err := l.d.Drain(ctx, who, "x", api.DrainRequest{})
			return err
		}},
	} {
		who := acting("x")
		if err := test.do(who); !errors.Is(err, test.want) {
			t.Errorf("%s: %v", what, err)
		}
		if who.Act.Written || who.Act.Target != test.target {
			t.Errorf("%s: %+v", what, who.Act)
		}
		if commits := k.acts(); len(commits) > 0 {
			t.Errorf("%s is written: %+v", what, commits)
		}
	}
	who := acting("x")
	k.refuse(true)
	_, err = l.d.Cancel(ctx, who, api.Selection{Jobs: octaskly.Span(1, 1)}, "")
	k.refuse(false)
	if commits := k.acts(); !errors.Is(err, octaskly.ErrUnavailable) || who.Act.Written || who.Act.Target != "1" || len(commits) > 0 {
		t.Errorf("a full disk: %v, %+v, %+v", err, who.Act, commits)
	}
}

func TestTarget(t *testing.T) {
	for _, text := range []string{"42", "42.3-7,9", "1-9:2,15", "last", "all"} {
		what, err := api.ParseSelection(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := target(what); got != text {
			t.Errorf("%s is told as %s", text, got)
		}
	}
	if got := target(api.Selection{All: true, Everyone: true}); got != "all of everyone" {
		t.Error(got)
	}
	who := acting("x")
	about(who, strings.Repeat("é", 1000))
	if n := len(who.Act.Target); n > maxTarget || !slices.Contains([]rune(who.Act.Target), '…') {
		t.Errorf("%d bytes: %s", n, who.Act.Target)
	}
}
