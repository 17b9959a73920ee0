package dispatcher

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"golang.org/x/sync/errgroup"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/store"
)

// sick is what a dispatcher needs of a store whose database may be damaged.
type sick interface {
	Check(context.Context) error
	Damaged() <-chan struct{}
	Suspicion() error
	Health() store.Health
	Salvaged() bool
}

// guard has the database checked, and memory loaded anew when something finds it
// damaged: that salvages it.
func (d *Dispatcher) guard(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		if err := d.store.Check(ctx); err != nil && ctx.Err() == nil {
			d.Log.Error("Cannot check the database", "error", err)
		}
		return nil
	})
	group.Go(func() error {
		for {
			select {
			case <-d.store.Damaged():
				d.post(func(c *core) {
					if why := c.store.Suspicion(); why != nil && c.err == nil {
						c.err = why
					}
				})
			case <-ctx.Done():
				return nil
			}
		}
	})
	return group.Wait()
}

// loaded is a core that was loaded, or why it was not.
type loaded struct {
	core *core
	err  error
}

// loadAside loads a core while this one goes on to answer. The channel gets it.
func (c *core) loadAside(ctx context.Context) <-chan loaded {
	done := make(chan loaded, 1)
	go func() {
		fresh, err := c.load(ctx)
		done <- loaded{fresh, err}
	}()
	return done
}

// complain says in the log why nothing can be done, and returns what requests are
// answered.
func (c *core) complain(why error) error {
	if damage := c.store.Suspicion(); damage != nil {
		c.Log.Error("The database is damaged; nothing is accepted and nothing is sent until it is salvaged", "reason", damage)
		return damage
	}
	c.Log.Error("Cannot write to the store; accepted work is safe, new work is refused meanwhile", "error", why)
	return &storeError{why}
}

// prune deletes outputs of attempts of which a salvaged database knows nothing:
// others will have their names.
func (d *Dispatcher) prune(ctx context.Context) error {
	err := each(d.outputs.dir, func(name string) error {
		job, ok := parseJob(name)
		if !ok {
			return nil // not ours
		}
		return each(filepath.Join(d.outputs.dir, name), func(name string) error {
			id, ok := parseOutput(job, name)
			if !ok || ctx.Err() != nil {
				return ctx.Err()
			}
			return d.pruneOutput(ctx, id)
		})
	})
	if err != nil {
		return fmt.Errorf("cannot look through outputs: %w", err)
	}
	return nil
}

func (d *Dispatcher) pruneOutput(ctx context.Context, id octaskly.AttemptID) error {
	t, err := d.store.Task(ctx, id.Job, id.Index)
	switch {
	case err == nil && t.Attempt >= id.Number:
		return nil
	case err != nil && !errors.Is(err, octaskly.ErrNotFound):
		return err
	}
	d.outputs.end(id, nil, false)
	_, err = d.outputs.discard(id)
	return err
}

// addHealth says in stats what is known of the database.
func addHealth(to *api.Stats, h store.Health) {
	to.CheckedAt = moment(h.CheckedAt)
	if h.Salvage != nil {
		to.Damage = &api.Damage{At: h.Salvage.At, Lines: h.Salvage.Lines()}
	}
}
