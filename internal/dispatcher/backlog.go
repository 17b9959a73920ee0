package dispatcher

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/store"
)

// backlog is what memory does not hold: jobs that rest, of which no task is
// beyond the queue, and that come later than those in memory. They are read page
// by page, oldest first, when those in memory become few or when a worker has a
// slot that none of these can use.
//
// A job in memory that is later than what has been read must wait for what comes
// before it.
type backlog struct {
	after   octaskly.JobID // what rests is in memory up to this one
	last    octaskly.JobID // the latest job that is on disk alone
	early   []*job         // in memory, and later than after; by id
	reading *reading       // the page that is on its way
}

// reading is one page: it has jobs later than after and up to upTo.
type reading struct {
	after, upTo octaskly.JobID
	limit       int
	over        map[octaskly.JobID]struct{} // closed since; the core's alone
}

// page is what was read. It knows of no change since.
type page struct {
	*reading
	jobs  []store.LiveJob
	specs []*octaskly.Spec // of these
	wrong []error          // why one cannot be read; nil: it can
	err   error
}

// window is how many jobs memory has in line at most when it reads no further.
const window = 8192

func (b *backlog) more() bool { return b.after < b.last }

// idle reports whether a worker has a slot that nothing in memory can use.
func (c *core) idle() bool { return len(c.present) > 0 && c.queue.Idle() }

// readOn asks for the next page if that is wanted. What the batch has must be
// written first: a page knows nothing of it.
func (c *core) readOn() {
	b := &c.backlog
	if b.reading != nil || !b.more() || c.batch.writes() {
		return
	}
	if c.queue.Ready() < c.window/2 || c.idle() {
		c.want(b.next(c.page()))
	}
}

func (b *backlog) next(limit int) *reading {
	b.reading = &reading{after: b.after, upTo: b.last, limit: limit, over: map[octaskly.JobID]struct{}{}}
	return b.reading
}

// page is how many jobs are read at once: the core takes them in a few
// milliseconds.
func (d *Dispatcher) page() int { return max(1, d.window/8) }

// want hands a wish to readPages; one that is still there is of a memory that was
// thrown away.
func (d *Dispatcher) want(r *reading) {
	select {
	case <-d.wanted:
	default:
	}
	d.wanted <- r
}

// readPages reads what the core wants until ctx is done.
func (d *Dispatcher) readPages(ctx context.Context) {
	for {
		select {
		case r := <-d.wanted:
			p := d.readPage(ctx, r)
			if ctx.Err() != nil {
				return
			}
			d.post(func(c *core) { c.take(p) })
		case <-ctx.Done():
			return
		}
	}
}

func (d *Dispatcher) readPage(ctx context.Context, r *reading) *page {
	p := &page{reading: r}
	if p.jobs, p.err = d.store.Resting(ctx, r.after, r.upTo, r.limit); p.err != nil {
		p.err = fmt.Errorf("cannot read on in the queue: %w", p.err)
	}
	for i := range p.jobs {
		spec, illegible := legible(&p.jobs[i].Job)
		p.specs, p.wrong = append(p.specs, spec), append(p.wrong, illegible)
	}
	return p
}

// take takes a page into memory, without what has changed since it was read.
func (c *core) take(p *page) {
	if p.reading != c.backlog.reading {
		return // it is for a memory that was thrown away
	}
	c.backlog.reading = nil
	if c.err = cmp.Or(c.err, p.err); c.err != nil {
		return
	}
	c.reach(p)
	for i := range p.jobs {
		l := &p.jobs[i]
		if _, over := p.over[l.Job.ID]; over || c.jobs[l.Job.ID] != nil {
			continue
		}
		j, err := c.open(l.Job, p.specs[i], l.Progress)
		switch {
		case err != nil:
			c.err = err
			return
		case p.wrong[i] != nil:
			c.condemn(j, p.wrong[i])
		default:
			j.rest()
		}
	}
}

// reach notes how far p goes, and lets take part what had to wait for it.
func (c *core) reach(p *page) {
	b := &c.backlog
	if b.after = p.upTo; len(p.jobs) == p.limit {
		b.after = p.jobs[p.limit-1].Job.ID
	}
	n, _ := slices.BinarySearchFunc(b.early, b.after+1, byID)
	if !b.more() {
		n = len(b.early)
	}
	for _, j := range b.early[:n] {
		c.queue.Admit(j.sched)
	}
	b.early = slices.Delete(b.early, 0, n)
}

// enter has a job in memory wait for those that are not, and come before it.
func (b *backlog) enter(j *job) {
	if b.more() && j.ID > b.after {
		j.sched.Later = true
		at, _ := slices.BinarySearchFunc(b.early, j.ID, byID)
		b.early = slices.Insert(b.early, at, j)
	}
}

// leave notes that a job has left memory.
func (b *backlog) leave(j *job) {
	if b.reading != nil && j.over() {
		b.reading.over[j.ID] = struct{}{}
	}
	if at, early := slices.BinarySearchFunc(b.early, j.ID, byID); early {
		b.early = slices.Delete(b.early, at, at+1)
	}
}

func byID(j *job, id octaskly.JobID) int { return cmp.Compare(j.ID, id) }

// accept takes a new job into memory, or leaves it on disk where it is in for a
// wait.
func (c *core) accept(accepted octaskly.Job, spec *octaskly.Spec) (*job, error) {
	p := octaskly.Progress{Unclaimed: accepted.Elements}
	if c.stays(accepted.ID) {
		return &job{Job: accepted, progress: p}, nil
	}
	return c.open(accepted, spec, p)
}

// stays reports whether a new job is left on disk. Some are taken though others
// before them are not: so the backlog comes to its end while there are submissions
// all the time.
func (c *core) stays(id octaskly.JobID) bool {
	b := &c.backlog
	switch {
	case !b.more():
		if c.queue.Ready() < c.window || c.idle() {
			return false
		}
		b.after = id - 1
	case len(b.early) < c.page():
		return false
	}
	b.last = id
	return true
}

// find looks for jobs that are not over: in memory, else in the store, from where
// they come into memory to be changed. nil stands for what is over or is not there.
func (c *core) find(ids []octaskly.JobID) ([]*job, error) {
	var missing []octaskly.JobID
	for _, id := range ids {
		if c.jobs[id] == nil {
			missing = append(missing, id)
		}
	}
	if err := c.wake(missing); err != nil {
		return nil, err
	}
	found := make([]*job, len(ids))
	for i, id := range ids {
		found[i] = c.jobs[id]
	}
	return found, nil
}

func (c *core) wake(ids []octaskly.JobID) error {
	if len(ids) == 0 {
		return nil
	}
	if c.err = c.commit(context.Background()); c.err != nil { // what it reads must be on disk
		return c.err
	}
	live, err := c.store.Live(context.Background(), ids)
	if err != nil {
		return err
	}
	for i := range live {
		j, err := c.open(live[i].Job, nil, live[i].Progress)
		if err != nil {
			return err
		}
		j.rest()
	}
	return nil
}
