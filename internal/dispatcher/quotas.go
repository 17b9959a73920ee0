package dispatcher

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
)

// owners count what each owner of jobs has waiting, and how fast he submits. They
// begin to count when a quota is asked for first. The store then says what waited
// after one of the commits, and what has changed since is added to it: so a start
// does not depend on how much waits.
type owners struct {
	byName   map[string]*owner
	exact    bool // what waits is known
	counting bool // it is going to be: changes are noted
	noted    []noted
	fresh    map[string]int64 // noted, and in the batch
	pruneAt  int
}

// noted is by how much one commit has changed what waits.
type noted struct {
	seq     int64
	changes map[string]int64
}

type owner struct {
	waiting int64
	tokens  float64 // submissions that he may make at once
	at      time.Time
}

// await accounts for n more tasks of j that wait, or less.
func (c *core) await(j *job, n int64) {
	c.waiting += n
	c.owners.add(j.Owner, n)
}

func (o *owners) add(name string, n int64) {
	switch {
	case o.exact:
		o.of(name).waiting += n
	case o.counting:
		o.fresh[name] += n
	}
}

func (o *owners) of(name string) *owner {
	one := o.byName[name]
	if one == nil {
		if o.byName == nil {
			o.byName = map[string]*owner{}
		}
		o.prune()
		one = &owner{}
		o.byName[name] = one
	}
	return one
}

// prune forgets, now and then, of whom there is nothing to know.
func (o *owners) prune() {
	if len(o.byName) < o.pruneAt {
		return
	}
	for name, one := range o.byName {
		if one.waiting == 0 && time.Since(one.at) > burst {
			delete(o.byName, name)
		}
	}
	o.pruneAt = 2*len(o.byName) + 64
}

// committed notes what a commit has changed.
func (o *owners) committed(seq int64) {
	if o.counting && len(o.fresh) > 0 {
		o.noted = append(o.noted, noted{seq, o.fresh})
		o.fresh = map[string]int64{}
	}
}

// begin notes changes from now on. What the batch has must be written first.
func (o *owners) begin() { o.counting, o.noted, o.fresh = true, nil, map[string]int64{} }

// know takes what the store has found, after the commit with number seq.
func (o *owners) know(found map[string]int64, seq int64) {
	if !o.counting {
		return // it was asked for by another memory, or twice
	}
	o.exact, o.counting = true, false
	for name, n := range found {
		o.of(name).waiting += n
	}
	for _, n := range append(o.noted, noted{seq + 1, o.fresh}) {
		for name, change := range n.changes {
			if n.seq > seq {
				o.of(name).waiting += change
			}
		}
	}
	o.noted, o.fresh = nil, nil
}

// errUncounted says that what owners have waiting must be counted first.
var errUncounted = errors.New("what waits has not been counted yet")

// counted lets try work, and once more when what waits has been counted if it asks
// for that.
func (d *Dispatcher) counted(ctx context.Context, try func() error) error {
	for {
		err := try()
		if !errors.Is(err, errUncounted) {
			return err
		}
		if err := d.count(ctx); err != nil {
			return fmt.Errorf("cannot find out what of yours waits: %w", err)
		}
	}
}

func (d *Dispatcher) count(ctx context.Context) error {
	d.counters.Lock()
	defer d.counters.Unlock()
	exact, err := ask(ctx, d, func(c *core, reply func(bool, error)) { reply(c.owners.exact, nil) })
	if exact || err != nil {
		return err
	}
	found, seq, err := d.store.Waiting(ctx)
	if err != nil {
		return err
	}
	_, err = ask(ctx, d, func(c *core, reply func(struct{}, error)) {
		c.owners.know(found, seq)
		reply(struct{}{}, nil)
	})
	return err
}

// burst is how long one may have been idle and submit all of it at once.
const burst = 10 * time.Second

// admit refuses a job of n tasks that is beyond its owner's quota.
func (c *core) admit(name string, n int64) error {
	if err := c.admitTasks(name, n); err != nil {
		return err
	}
	return c.admitRequest(name)
}

// admitAll refuses n more tasks where all that wait, whosever they are, would be too many.
func (c *core) admitAll(n int64) error {
	if c.waiting+n > c.MaxQueued {
		return fmt.Errorf("cannot queue %d more tasks: %d wait, %d may: %w", n, c.waiting, c.MaxQueued, octaskly.ErrFull)
	}
	return nil
}

func (c *core) admitTasks(name string, n int64) error {
	if c.Quota == nil {
		return nil
	}
	if quota := c.Quota(name); quota.Queued > 0 {
		if !c.owners.exact {
			return c.beginCount()
		}
		if has := c.owners.of(name).waiting; has+n > quota.Queued {
			return fmt.Errorf("cannot queue %d more tasks: %d of yours wait, and %d may, the quota \"queued\" of user %s; wait until some have started, cancel some, or have an admin raise it: %w",
				n, has, quota.Queued, name, octaskly.ErrFull)
		}
	}
	return nil
}

func (c *core) admitRequest(name string) error {
	if c.Quota == nil {
		return nil
	}
	if quota := c.Quota(name); quota.Rate > 0 {
		if wait := c.owners.of(name).submit(quota.Rate, time.Now()); wait > 0 {
			return &api.TooSoon{After: wait, Why: fmt.Sprintf(
				"cannot accept another submission yet: user %s may make %v a second, the quota \"submits_per_second\"; try again in %v, or submit one array of many tasks",
				name, quota.Rate, wait.Round(time.Millisecond))}
		}
	}
	return nil
}

func (c *core) beginCount() error {
	if c.owners.counting {
		return errUncounted
	}
	if c.err = c.commit(context.Background()); c.err != nil { // what the store counts must be on disk
		return c.err
	}
	c.owners.begin()
	return errUncounted
}

// submit takes a token, or says when there will be one.
func (o *owner) submit(rate float64, at time.Time) (wait time.Duration) {
	most := max(1, rate*burst.Seconds())
	if o.at.IsZero() {
		o.tokens = most
	} else {
		o.tokens = min(most, o.tokens+rate*at.Sub(o.at).Seconds())
	}
	if o.at = at; o.tokens < 1 {
		return max(time.Millisecond, time.Duration((1-o.tokens)/rate*float64(time.Second)))
	}
	o.tokens--
	return 0
}

// limit tells the queue how many tasks of an owner may be with workers.
func (c *core) limit() {
	if c.Quota != nil {
		c.queue.Limit(func(name string) int64 { return c.Quota(name).Running })
	}
}
