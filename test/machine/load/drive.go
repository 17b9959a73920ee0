package main

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/client"
	"github.com/octaskly/octaskly/internal/octaskly"
)

// pause is between a call that failed and the next one.
const pause = 100 * time.Millisecond

// task appends "ID ATTEMPT" to the ledger, which is durable before the command
// ends: an attempt that is seen to have completed has its line.
const task = `echo "$OCTASKLY_TASK_ID $OCTASKLY_ATTEMPT" | dd of=%s oflag=append conv=notrunc,fsync status=none`

// driver is the load: some jobs are watched to their end, others cancelled as
// soon as they are accepted.
type driver struct {
	client      *client.Client
	ledger      string
	runs, drops int
	mu          sync.Mutex // of standard output
	made        atomic.Int64
}

func newClient() *client.Client {
	return client.New(client.Options{Timeout: 30 * time.Second, Patience: time.Nanosecond})
}

// run ends with ctx.
func (d *driver) run(ctx context.Context) error {
	var group errgroup.Group
	for range d.runs {
		group.Go(func() error { return d.repeat(ctx, d.watched) })
	}
	for range d.drops {
		group.Go(func() error { return d.repeat(ctx, d.dropped) })
	}
	return group.Wait()
}

// repeat goes on whatever the dispatcher says.
func (d *driver) repeat(ctx context.Context, do func(context.Context) error) error {
	for ctx.Err() == nil {
		err := do(ctx)
		if err == nil || ctx.Err() != nil {
			continue
		}
		d.say("refused %v", err)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
	}
	return nil
}

func (d *driver) say(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	fmt.Printf(format+"\n", args...)
}

// submit has every fourth job be an array, and every fifth take a while.
func (d *driver) submit(ctx context.Context) (octaskly.TaskID, error) {
	n := d.made.Add(1)
	script := fmt.Sprintf(task, d.ledger)
	if n%5 == 0 {
		script = "sleep 1; " + script
	}
	s := &api.Submission{Argv: []api.Text{"sh", "-c", api.Text(script)}, Sandbox: "none"}
	if n%4 == 0 {
		s.Array = "0-2"
	}
	accepted, err := d.client.Submit(ctx, s)
	if err != nil {
		return octaskly.TaskID{}, err
	}
	d.say("submitted %s", accepted.ID)
	return octaskly.ParseTaskID(accepted.ID)
}

func (d *driver) watched(ctx context.Context) error {
	id, err := d.submit(ctx)
	if err != nil {
		return err
	}
	over := false
	err = d.client.Watch(ctx, id, func(job *api.Job) error {
		over = job.State.Terminal()
		return nil
	})
	if err != nil || !over {
		return err
	}
	return tasks(ctx, d.client, id, func(t string) { d.say("ended %s", t) })
}

// dropped may find the job over, or running.
func (d *driver) dropped(ctx context.Context) error {
	id, err := d.submit(ctx)
	if err != nil {
		return err
	}
	outcome, err := d.client.Cancel(ctx, client.Selector{Text: id.String()}, "dropped")
	if err == nil && outcome.Done > 0 && len(outcome.Already) == 0 {
		d.say("cancelled %s", id)
	}
	return err
}
