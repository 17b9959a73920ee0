package dispatcher

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/protocol"
)

// accepted answers a submission.
type accepted struct {
	id       octaskly.JobID
	repeated bool
}

// Submit accepts a job, isolated and bounded as its wish and the policy say in
// the fleet of this moment. It returns once the job is on disk, and leaves in o's
// job what was accepted, or what had been before with the same key.
func (d *Dispatcher) Submit(ctx context.Context, who api.Caller, o *api.Order) (octaskly.JobID, bool, error) {
	o.Job.Owner = who.Name
	act := deed(who, "")
	id, repeated, err := d.enlist(ctx, o, act)
	if id != 0 {
		about(who, id.String())
	}
	if err == nil && !repeated {
		wrote(who, act)
	}
	return id, repeated, err
}

func (d *Dispatcher) enlist(ctx context.Context, o *api.Order, act *octaskly.Action) (octaskly.JobID, bool, error) {
	defer d.blobs.claim(o.Spec.Stdin, o.Spec.Items)()
	if err := d.checkInputs(ctx, o); err != nil {
		return 0, false, err
	}
	spec := o.Spec
	if err := d.Policy.Resolve(&spec, &o.Wish, d.autoLevel()); err != nil {
		return d.submittedBefore(ctx, o, err)
	}
	if err := cmp.Or(spec.Check(), d.seal(&spec, o)); err != nil {
		return 0, false, err
	}
	encoded, err := protocol.EncodeSpec(&spec)
	if err != nil {
		return 0, false, err
	}
	job := o.Job
	job.Spec, job.SpecVersion, job.SubmittedAt = encoded, octaskly.SpecVersion, now()
	var answer accepted
	err = d.counted(ctx, func() (err error) {
		answer, err = ask(ctx, d, func(c *core, reply func(accepted, error)) { c.submit(job, &spec, act, reply) })
		return err
	})
	if answer.repeated && err == nil {
		err = d.recognise(ctx, o, answer.id)
	}
	return answer.id, answer.repeated, err
}

// submittedBefore finds the job of o's key: what the policy refuses now, it may
// have granted when this was submitted first.
func (d *Dispatcher) submittedBefore(ctx context.Context, o *api.Order, refusal error) (octaskly.JobID, bool, error) {
	if o.Job.Key == "" {
		return 0, false, refusal
	}
	id, err := d.store.JobByKey(ctx, o.Job.Owner, o.Job.Key)
	if errors.Is(err, octaskly.ErrNotFound) {
		return 0, false, refusal
	}
	if err == nil {
		err = d.recognise(ctx, o, id)
	}
	return id, err == nil, err
}

// recognise makes of o's job the one that was submitted with its key, if that is
// the same. What o does not say is no difference: fleet and policy may have
// changed.
func (d *Dispatcher) recognise(ctx context.Context, o *api.Order, id octaskly.JobID) error {
	record, err := d.store.Job(ctx, id)
	if err != nil {
		return err
	}
	earlier, err := protocol.DecodeSpec(record.Job.SpecVersion, record.Job.Spec)
	if err != nil {
		return err
	}
	again := o.Spec
	o.Wish.Repeat(&again, earlier)
	if err := d.sameSecrets(&again, o, earlier); err != nil {
		return err
	}
	encoded, err := protocol.EncodeSpec(&again)
	if err != nil {
		return err
	}
	if !bytes.Equal(record.Job.Spec, encoded) || !sameJob(&record.Job, &o.Job) {
		return fmt.Errorf("cannot use idempotency key %q: task %v was submitted with it, and is another: %w", o.Job.Key, id, octaskly.ErrConflict)
	}
	o.Job = record.Job
	return nil
}

// sameJob compares what of a submission is not in its spec.
func sameJob(a, b *octaskly.Job) bool {
	return a.Name == b.Name && a.AtOnce == b.AtOnce && a.Elements.String() == b.Elements.String()
}

// checkInputs makes sure that what the spec reads is here.
func (d *Dispatcher) checkInputs(ctx context.Context, o *api.Order) error {
	for field, blob := range map[string]octaskly.Blob{"stdin": o.Spec.Stdin, "items": o.Spec.Items} {
		if blob == "" {
			continue
		}
		has, err := d.HasBlob(ctx, api.Caller{Name: o.Job.Owner}, blob)
		if err != nil {
			return fmt.Errorf("cannot find out whose input that is: %w", err)
		}
		if !has {
			return &octaskly.FieldError{Field: field, Why: "its bytes have not been uploaded"}
		}
	}
	if o.Spec.Items == "" {
		return nil
	}
	return d.countItems(o)
}

// countItems makes an element of each line.
func (d *Dispatcher) countItems(o *api.Order) error {
	it := d.blobs.items(o.Spec.Items)
	defer it.close()
	switch {
	case it.err != nil:
		return it.err
	case it.count == 0:
		return &octaskly.FieldError{Field: "items", Why: "there is no line in them"}
	case it.count > octaskly.MaxElements:
		return &octaskly.FieldError{Field: "items", Why: fmt.Sprintf("%d lines are more than the %d tasks of one job", it.count, octaskly.MaxElements)}
	}
	o.Job.Elements, o.Job.Array = octaskly.Span(0, it.count-1), true
	return nil
}

func (c *core) submit(job octaskly.Job, spec *octaskly.Spec, act *octaskly.Action, reply func(accepted, error)) {
	if job.Key != "" {
		earlier, err := c.byKey(job.Owner, job.Key)
		if err == nil {
			c.batch.after(func(err error) { reply(accepted{earlier, true}, err) }) // it may be in this batch
			return
		}
		if !errors.Is(err, octaskly.ErrNotFound) {
			reply(accepted{}, err)
			return
		}
	}
	n := job.Elements.Count()
	err := c.admitAll(n)
	if err == nil {
		err = c.admit(job.Owner, n)
	}
	if err != nil {
		reply(accepted{}, err)
		return
	}
	if job.ID, err = c.store.NextJobID(); err != nil {
		reply(accepted{}, err)
		return
	}
	j, err := c.accept(job, spec)
	if err != nil {
		reply(accepted{}, err)
		return
	}
	c.happenTo(j, job.Elements, octaskly.Event{Kind: octaskly.JobSubmitted, State: octaskly.Queued, Detail: job.Name})
	c.live++
	c.await(j, job.Elements.Count())
	if act != nil {
		act.Target, act.Detail = job.ID.String(), reached(job.Elements.Count(), "")
	}
	c.write(act)
	c.batch.accepted = append(c.batch.accepted, job)
	c.batch.reads(job.ID, spec.Stdin, spec.Items)
	c.touchJob(j)
	c.batch.after(func(err error) {
		if j.sched != nil && j.sched.Active == 0 {
			j.rest() // it may wait for long
		}
		reply(accepted{id: job.ID}, err)
	})
}

// byKey finds the job of an idempotency key, on disk or about to be.
func (c *core) byKey(owner, key string) (octaskly.JobID, error) {
	for _, j := range c.batch.accepted {
		if j.Owner == owner && j.Key == key {
			return j.ID, nil
		}
	}
	return c.store.JobByKey(context.Background(), owner, key)
}
