package accounts

import (
	"context"
	"errors"
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/store"
)

const (
	leastAudit  = 10_000           // rows that stay, however old the clock makes them
	dropBudget  = time.Millisecond // of a step during which the store takes no commit
	pauseFactor = 4                // how much longer than a step the pause after it is
)

// auditBounds is how much is kept of the audit log; 0 is no bound.
type auditBounds struct {
	age  time.Duration
	rows int64
}

func (b auditBounds) rule(now time.Time) store.CutRule {
	rule := store.CutRule{Rows: b.rows, Least: leastAudit}
	if b.age > 0 {
		rule.Before = now.Add(-b.age)
	}
	return rule
}

// keepTrimmed trims until the context ends. It may take long, and nothing waits for it.
func (a *Accounts) keepTrimmed(ctx context.Context) {
	beat := time.NewTicker(sweepEvery)
	defer beat.Stop()
	for {
		a.attempt("drop old rows of the audit log", a.trim(ctx))
		select {
		case <-beat.C:
		case <-ctx.Done():
			return
		}
	}
}

// trim drops rows from the front of the audit log that are more, or older, than are
// kept. What another process has begun it finishes.
func (a *Accounts) trim(ctx context.Context) error {
	if err := a.dropTrimmed(ctx); err != nil {
		return unlessOver(ctx, err)
	}
	for more := a.kept != (auditBounds{}); more; {
		now := clock()
		cut, err := a.store.FindCut(ctx, a.kept.rule(now))
		if err != nil || cut == nil {
			return unlessOver(ctx, err)
		}
		more = cut.More
		if cut.Fault != "" {
			a.log.Warn("what is dropped of the audit log was not intact", "rows", cut.Seq-cut.First+1, "faults", cut.Fault)
		}
		row := &store.Records{Actions: []octaskly.Action{cut.Action(now)}}
		if err := a.store.Record(context.WithoutCancel(ctx), row); err != nil {
			return err
		}
		if err := a.dropTrimmed(ctx); err != nil {
			return unlessOver(ctx, err)
		}
	}
	return nil
}

// dropTrimmed deletes what is said to be dropped, in steps with longer pauses.
func (a *Accounts) dropTrimmed(ctx context.Context) error {
	base, err := a.store.Dropped(ctx)
	if err != nil || base == nil {
		return err
	}
	for {
		began := time.Now()
		all, err := a.store.DropActions(ctx, base, dropBudget)
		if err != nil || all {
			return err
		}
		pause := time.NewTimer(pauseFactor * time.Since(began))
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return ctx.Err()
		}
	}
}

// unlessOver leaves out that the context has ended: what is left is dropped later.
func unlessOver(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return nil
	}
	return err
}
