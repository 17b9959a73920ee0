package accounts

import (
	"context"
	"fmt"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/store"
)

// change is what is about to be written, and what the audit log says of it.
type change struct {
	store.Records
	target string
	detail string
}

// alter lets plan say what changes, and writes that. Nobody else changes anything meanwhile.
func (a *Accounts) alter(ctx context.Context, who api.Caller, plan func() (*change, error)) error {
	a.changing.Lock()
	defer a.changing.Unlock()
	if err := a.reload(ctx); err != nil {
		return err
	}
	c, err := plan()
	if err != nil {
		return err
	}
	c.audit(who)
	if err := a.write(ctx, &c.Records); err != nil {
		return err
	}
	if who.Act != nil {
		who.Act.Action, who.Act.Written = c.Actions[0], true
	}
	return nil
}

// audit adds the row that the caller's request is.
func (c *change) audit(who api.Caller) {
	if who.Act == nil {
		return
	}
	who.Act.Target = clip(c.target, maxTarget) // even if it fails
	row := who.Act.Action
	if row.At.IsZero() {
		row.At = clock()
	}
	row.Outcome, row.Detail = octaskly.Done, c.detail
	c.Actions = append([]octaskly.Action{tidy(row)}, c.Actions...)
}

// write puts rows on disk, then into memory. A caller who has gone changes nothing of
// that: half of the story would be true.
func (a *Accounts) write(ctx context.Context, rows *store.Records) error {
	if err := a.store.Record(context.WithoutCancel(ctx), rows); err != nil {
		a.stale = true
		return fmt.Errorf("cannot keep that: %w", err)
	}
	a.book.apply(rows)
	return a.adopt(rows)
}

// reload makes memory what the store has, after a write that failed.
func (a *Accounts) reload(ctx context.Context) error {
	if !a.stale {
		return nil
	}
	ctx = context.WithoutCancel(ctx)
	if err := a.load(ctx); err != nil {
		return fmt.Errorf("cannot load accounts again: %w", err)
	}
	if err := a.loadKeys(ctx); err != nil {
		return fmt.Errorf("cannot load signing keys again: %w", err)
	}
	a.stale = false
	return nil
}
