package test

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/client"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/test/cluster"
)

// Jobs of TestBacklog: more wait than a dispatcher has in memory, and the first of
// them can never be placed.
const (
	huge  = 19_000 // ask for more than any worker has, half of them in the end
	small = 1000
	total = huge + small
)

// TestBacklog has jobs wait that are only on disk. What can be placed runs in its
// order, however much stands before it that cannot, through a crash and a restart;
// what waits says why, and can be cancelled.
func TestBacklog(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	c := cluster.Open(t, cluster.Options{})
	b := &backlog{t: t, ctx: ctx, Cluster: c, Client: client.New(client.Options{Socket: c.Socket()})}
	defer b.Client.Close()
	b.check(c.Dispatcher.Start(ctx))
	b.submit(huge/2, 4096)
	b.submit(small, 0)
	b.submit(huge/2, 4096)
	b.counts(map[string]int64{"queued": total}, total)
	b.waits("no worker is connected")

	b.check(c.Dispatcher.Kill())
	b.check(c.Dispatcher.Start(ctx))
	b.counts(map[string]int64{"queued": total}, total)
	b.check(c.Worker("w1", "--slots", "1").Start(ctx))
	b.over(huge/2 + small/2)
	b.check(c.Dispatcher.Restart(ctx))
	b.over(huge/2 + small)
	b.counts(map[string]int64{"completed": small, "queued": huge}, huge)
	b.inOrder()
	b.waits("no connected worker has what it asks for")

	b.cancel(strconv.Itoa(total-7), 1)
	if job := b.show(total - 7); job.State != octaskly.Cancelled {
		t.Errorf("task %s was cancelled and is %v", job.ID, job.State)
	}
	b.cancel("all", huge-1)
	b.counts(map[string]int64{"completed": small, "cancelled": huge}, 0)
	b.check(c.Dispatcher.Kill())
	b.check(c.Dispatcher.Start(ctx))
	b.counts(map[string]int64{"completed": small, "cancelled": huge}, 0)
}

// backlog is a cluster with much to do.
type backlog struct {
	t   *testing.T
	ctx context.Context
	*cluster.Cluster
	*client.Client
}

func (b *backlog) check(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

// submit sends jobs that ask for some processors; 0: for none.
func (b *backlog) submit(n int, cpus float64) {
	b.t.Helper()
	group, ctx := errgroup.WithContext(b.ctx)
	group.SetLimit(32)
	for range n {
		group.Go(func() error {
			_, err := b.Submit(ctx, &api.Submission{Argv: []api.Text{"true"}, CPUs: cpus})
			return err
		})
	}
	b.check(group.Wait())
}

func (b *backlog) counts(want map[string]int64, live int64) {
	b.t.Helper()
	stats, err := b.Stats(b.ctx)
	b.check(err)
	for _, s := range octaskly.States {
		if got := stats.Tasks[s.String()]; got != want[s.String()] {
			b.t.Errorf("%d tasks are %v, want %d", got, s, want[s.String()])
		}
	}
	if stats.Jobs != live {
		b.t.Errorf("%d jobs are not over, want %d", stats.Jobs, live)
	}
}

// over waits for a job's end.
func (b *backlog) over(id octaskly.JobID) {
	b.t.Helper()
	b.check(b.Watch(b.ctx, octaskly.TaskID{Job: id}, func(*api.Job) error { return nil }))
}

func (b *backlog) show(id octaskly.JobID) *api.Detail {
	b.t.Helper()
	detail, err := b.Show(b.ctx, octaskly.TaskID{Job: id})
	b.check(err)
	return detail
}

// waits looks at the first job that waits, and at the last, which is on disk only.
func (b *backlog) waits(want string) {
	b.t.Helper()
	for _, id := range []octaskly.JobID{1, total} {
		if got := b.show(id).Waits; got != want {
			b.t.Errorf("task %v says %q, want %q", id, got, want)
		}
	}
}

// inOrder checks that small jobs have started in the order of their ids.
func (b *backlog) inOrder() {
	b.t.Helper()
	done, err := b.Jobs(b.ctx, client.Query{States: []octaskly.State{octaskly.Completed}, Limit: small})
	b.check(err)
	slices.Reverse(done)
	for i := range done {
		if want := fmt.Sprint(huge/2 + 1 + i); done[i].ID != want {
			b.t.Fatalf("task %s has run, want %s", done[i].ID, want)
		}
		if i > 0 && done[i].StartedAt.Before(*done[i-1].StartedAt) {
			b.t.Errorf("task %s has started before %s", done[i].ID, done[i-1].ID)
		}
	}
}

func (b *backlog) cancel(what string, want int64) {
	b.t.Helper()
	out, err := b.Cancel(b.ctx, client.Selector{Text: what}, "")
	b.check(err)
	if out.Done != want {
		b.t.Errorf("cancel %s reached %d tasks, want %d", what, out.Done, want)
	}
}
