package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/protocol"
	"github.com/octaskly/octaskly/internal/store"
)

const million = 1_000_000

// fill makes the jobs of a store.
type fill struct {
	jobs int
	add  func(*filler) error
}

// fillJobs makes plain jobs that have completed, and some that wait.
func fillJobs(completed, waiting int) fill {
	return fill{completed + waiting, func(f *filler) error {
		for range completed {
			if err := f.add(f.completed()); err != nil {
				return err
			}
		}
		for range waiting {
			if err := f.add(f.waiting(octaskly.Span(0, 0))); err != nil {
				return err
			}
		}
		return nil
	}}
}

// fillArray makes an array of a million tasks that wait.
var fillArray = fill{1, func(f *filler) error { return f.add(f.waiting(octaskly.Span(0, million-1))) }}

// filler writes jobs into a store as a dispatcher would.
type filler struct {
	ctx     context.Context
	store   *store.Store
	spec    []byte
	at      time.Time
	changes store.Changes
}

func (what fill) write(ctx context.Context, path string) error {
	s, err := store.Open(ctx, path, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	spec, err := protocol.EncodeSpec(&octaskly.Spec{
		Argv: []string{"true"}, Backoff: time.Second, Level: octaskly.LevelNone, HostNetwork: true, Needs: []string{octaskly.LevelNone.Feature()},
	})
	f := &filler{ctx: ctx, store: s, spec: spec, at: time.Now().UTC().Truncate(time.Microsecond)}
	if err == nil {
		err = what.add(f)
	}
	return errors.Join(err, f.flush(), s.Close())
}

// job adds one that has not begun.
func (f *filler) job(elements octaskly.Ranges) octaskly.JobID {
	id, err := f.store.NextJobID()
	if err != nil {
		panic(err) // of a database that is made for this
	}
	f.changes.Jobs = append(f.changes.Jobs, octaskly.Job{
		ID: id, Owner: "root", SpecVersion: octaskly.SpecVersion, Spec: f.spec, Elements: elements, Array: elements.Count() > 1, SubmittedAt: f.at,
	})
	f.changes.Seq++
	return id
}

func (f *filler) waiting(elements octaskly.Ranges) octaskly.Progress {
	f.job(elements)
	f.changes.Queued += elements.Count()
	f.changes.Live++
	return octaskly.Progress{Unclaimed: elements}
}

const fillWorker = "0123456789abcdef0123456789abcdef"

func (f *filler) completed() octaskly.Progress {
	id := octaskly.AttemptID{Job: f.job(octaskly.Span(0, 0)), Number: 1}
	f.changes.Tasks = append(f.changes.Tasks, octaskly.Task{
		Job: id.Job, State: octaskly.Completed, Attempt: 1, Worker: fillWorker, AssignedAt: f.at, StartedAt: f.at, EndedAt: f.at, Seq: f.changes.Seq,
	})
	f.changes.Attempts = append(f.changes.Attempts, octaskly.Attempt{
		ID: id, Worker: fillWorker, AssignedAt: f.at, Seq: f.changes.Seq,
		End: octaskly.End{State: octaskly.Completed, StartedAt: f.at, EndedAt: f.at, CPUTime: time.Millisecond, MaxRSS: 1 << 20},
	})
	f.changes.Ended[octaskly.Completed]++
	p := octaskly.Progress{EndedAt: f.at}
	p.Rows[octaskly.Completed] = 1
	return p
}

// add takes the progress of the latest job, and writes once there is enough.
func (f *filler) add(p octaskly.Progress) error {
	p.Seq = f.changes.Seq
	f.changes.Progress = append(f.changes.Progress, store.ProgressRow{Job: f.changes.Jobs[len(f.changes.Jobs)-1].ID, Progress: p})
	if len(f.changes.Jobs) < 10_000 {
		return nil
	}
	return errors.Join(f.flush(), f.ctx.Err())
}

func (f *filler) flush() error {
	c := &f.changes
	err := f.store.Commit(f.ctx, c)
	*c = store.Changes{Seq: c.Seq, Queued: c.Queued, Live: c.Live}
	return err
}
