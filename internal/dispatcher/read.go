package dispatcher

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/store"
)

// Output reads the framed output of a task, or of all elements of an array job
// in the order of their indices.
func (d *Dispatcher) Output(ctx context.Context, who api.Caller, id octaskly.TaskID, attempt int, follow bool) (io.ReadCloser, error) {
	record, err := d.record(ctx, who, id.Job)
	if err != nil {
		return nil, err
	}
	if record.Job.Array && !id.Array {
		if attempt != 0 {
			return nil, &octaskly.FieldError{Field: "attempt", Why: fmt.Sprintf("name one element, as in %v.0", id)}
		}
		return d.outputOfAll(ctx, record, follow), nil
	}
	if _, err := d.task(ctx, record, id); err != nil {
		return nil, err
	}
	if attempt != 0 {
		if err := d.wentAway(ctx, id, attempt); err != nil {
			return nil, err
		}
		return d.outputOf(ctx, octaskly.AttemptID{Job: id.Job, Index: id.Index, Number: attempt}, follow)
	}
	if !follow {
		return d.latest(ctx, record, id)
	}
	return d.follow(ctx, id), nil
}

// wentAway is an error if nobody has the output of an attempt: no end of it came.
func (d *Dispatcher) wentAway(ctx context.Context, id octaskly.TaskID, number int) error {
	ended, err := d.store.Attempts(ctx, id.Job, id.Index)
	if err != nil {
		return err
	}
	for i := range ended {
		if a := &ended[i]; a.ID.Number == number && a.End.Reason == octaskly.ReasonWorkerLost && a.Late.State == 0 {
			return &goneError{fmt.Sprintf("what attempt %d of task %v wrote went with its worker", number, id)}
		}
	}
	return nil
}

// latest reads what the latest attempt that has any output has given so far.
func (d *Dispatcher) latest(ctx context.Context, r *store.Record, id octaskly.TaskID) (io.ReadCloser, error) {
	t, err := d.task(ctx, r, id)
	if err != nil {
		return nil, err
	}
	if withWorker(t.State) {
		return d.outputOf(ctx, t.Current(), false)
	}
	ended, err := d.store.Attempts(ctx, id.Job, id.Index)
	if err != nil {
		return nil, err
	}
	if len(ended) == 0 {
		if err := d.mute(ctx, t, id); err != nil {
			return nil, err
		}
		_, err := d.jobOf(ctx, id.Job) // it has none, or has been removed meanwhile
		return empty, err
	}
	return d.outputOf(ctx, ended[len(ended)-1].ID, false)
}

var empty = io.NopCloser(bytes.NewReader(nil))

// outputOf reads one attempt's output: from its record, its file or, while it
// has not ended, from its worker.
func (d *Dispatcher) outputOf(ctx context.Context, id octaskly.AttemptID, follow bool) (io.ReadCloser, error) {
	for {
		inline, stored, err := d.store.Output(ctx, id)
		switch {
		case err == nil && stored > int64(len(inline)):
			return d.outputs.file(id)
		case err == nil:
			return io.NopCloser(bytes.NewReader(inline)), nil
		case !errors.Is(err, octaskly.ErrNotFound):
			return nil, err
		}
		m, err := d.mirror(ctx, id, follow)
		if errors.Is(err, errEnded) {
			continue // its record is there now
		} else if err != nil {
			return nil, err
		}
		return m.reader(ctx, follow)
	}
}

var errEnded = errors.New("the attempt has ended")

// mirror has a running attempt's output fetched, if that is not under way.
func (d *Dispatcher) mirror(ctx context.Context, id octaskly.AttemptID, follow bool) (*mirror, error) {
	return ask(ctx, d, func(c *core, reply func(*mirror, error)) {
		var t *task
		if j := c.jobs[id.Job]; j != nil {
			t = j.live[id.Index]
		}
		switch {
		case t != nil && t.Open(id.Number):
			w := c.known(t.Worker)
			if w.session == nil && !follow {
				reply(nil, fmt.Errorf("worker %s, which runs it, is out of touch: %w", w.Name, octaskly.ErrUnavailable))
				return
			}
			m := c.fetch(w, id)
			c.batch.after(func(err error) { reply(m, err) })
		case t == nil || t.Attempt >= id.Number:
			c.batch.after(func(err error) { // the record may be in this batch
				if _, _, missing := c.store.Output(context.Background(), id); missing != nil {
					err = fmt.Errorf("cannot find output of attempt %d: %w", id.Number, octaskly.ErrNotFound)
				} else if err == nil {
					err = errEnded
				}
				reply(nil, err)
			})
		default:
			reply(nil, fmt.Errorf("there is no attempt %d yet: %w", id.Number, octaskly.ErrNotFound))
		}
	})
}

// follow reads the outputs of a task's attempts one after the other, as they
// come, until the task is over.
func (d *Dispatcher) follow(ctx context.Context, id octaskly.TaskID) io.ReadCloser {
	return pipe(ctx, func(ctx context.Context, w io.Writer) error { return d.followTo(ctx, w, id) })
}

// shortTask is how long a task may have run before its follower goes to its
// worker: the output of most arrives with their end sooner than that.
const shortTask = 50 * time.Millisecond

func (d *Dispatcher) followTo(ctx context.Context, w io.Writer, id octaskly.TaskID) error {
	bell := d.bells.hang(id.Job)
	defer d.bells.take(id.Job, bell)
	for next := 1; ; {
		r, err := d.jobOf(ctx, id.Job) // anew each time: it may have been cancelled before it had a row
		if err != nil {
			return err
		}
		t, err := d.task(ctx, r, id)
		if err != nil {
			return err
		}
		for ; next <= readable(t); next++ {
			if err := d.copyAttempt(ctx, w, octaskly.AttemptID{Job: id.Job, Index: id.Index, Number: next}); err != nil {
				return err
			}
		}
		if t.State.Terminal() {
			return d.mute(ctx, t, id)
		}
		if err := bell.waitAtMost(ctx, shortTask, withWorker(t.State)); err != nil {
			return err
		}
	}
}

// readable is the latest attempt whose output a follower should read.
func readable(t *octaskly.Task) int {
	if age := time.Since(t.AssignedAt); withWorker(t.State) && 0 <= age && age < shortTask { // the clock may have been set back
		return t.Attempt - 1
	}
	return t.Attempt
}

// copyAttempt follows one attempt to its end. A number that was assigned and
// never executed has no output.
func (d *Dispatcher) copyAttempt(ctx context.Context, w io.Writer, id octaskly.AttemptID) error {
	r, err := d.outputOf(ctx, id, true)
	if errors.Is(err, octaskly.ErrNotFound) {
		_, err := d.jobOf(ctx, id.Job) // unless all of it has been removed meanwhile
		return err
	} else if err != nil {
		return err
	}
	defer r.Close()
	_, err = io.Copy(w, r)
	return err
}

// outputOfAll reads the outputs of an array's elements one after the other.
func (d *Dispatcher) outputOfAll(ctx context.Context, r *store.Record, follow bool) io.ReadCloser {
	return pipe(ctx, func(ctx context.Context, w io.Writer) (err error) {
		if !follow {
			return d.copyAll(ctx, w, r)
		}
		r.Job.Elements.Each(func(i octaskly.Index) bool {
			err = d.followTo(ctx, w, r.Job.Task(i))
			return err == nil
		})
		return err
	})
}

// copyAll copies what elements that have left the queue have written so far. It
// passes over what is no longer kept, and says so in the end.
func (d *Dispatcher) copyAll(ctx context.Context, w io.Writer, r *store.Record) (gone error) {
	const page = 1000
	for from := octaskly.Index(0); ; {
		rows, err := d.store.Tasks(ctx, r.Job.ID, nil, from, page)
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			_, err := d.jobOf(ctx, r.Job.ID) // all of it may have been removed meanwhile
			return cmp.Or(gone, err)
		}
		for i := range rows {
			err := d.copyLatest(ctx, w, r, r.Job.Task(rows[i].Index))
			if errors.Is(err, octaskly.ErrGone) {
				gone = cmp.Or(gone, err)
			} else if err != nil {
				return err
			}
		}
		from = rows[len(rows)-1].Index + 1
	}
}

func (d *Dispatcher) copyLatest(ctx context.Context, w io.Writer, r *store.Record, id octaskly.TaskID) error {
	out, err := d.latest(ctx, r, id)
	if errors.Is(err, octaskly.ErrNotFound) {
		return nil
	} else if err != nil {
		return err
	}
	defer out.Close()
	_, err = io.Copy(w, out)
	return err
}
