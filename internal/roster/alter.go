package roster

import (
	"context"
	"fmt"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/auth"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/store"
)

// change is what is about to be written, and what the audit log says of it.
type change struct {
	store.Roster
	target  string
	detail  string
	actions []octaskly.Action // beside the caller's
}

// alter lets plan say what changes, and writes that. Nobody else changes anything meanwhile.
func (r *Roster) alter(ctx context.Context, who api.Caller, plan func() (*change, error)) error {
	r.changing.Lock()
	defer r.changing.Unlock()
	if err := r.reload(ctx); err != nil {
		return err
	}
	c, err := plan()
	if err != nil || c == nil {
		return err
	}
	rows := &store.Records{Roster: c.Roster, Actions: c.actions}
	if act := c.deed(who); act != nil {
		rows.Actions = append([]octaskly.Action{*act}, rows.Actions...)
	}
	if err := r.write(ctx, rows); err != nil {
		return err
	}
	if who.Act != nil {
		who.Act.Action, who.Act.Written = rows.Actions[0], true
	}
	return nil
}

// deed is the row that the caller's request is; nil: it is not audited.
func (c *change) deed(who api.Caller) *octaskly.Action {
	if who.Act == nil {
		return nil
	}
	who.Act.Target = c.target // even if it fails
	row := who.Act.Action
	if row.At.IsZero() {
		row.At = clock()
	}
	row.Outcome, row.Detail = octaskly.Done, c.detail
	return &row
}

// write puts rows on disk, then into memory. A caller who has gone changes nothing of
// that.
func (r *Roster) write(ctx context.Context, rows *store.Records) error {
	if err := r.store.Record(context.WithoutCancel(ctx), rows); err != nil {
		r.stale = true
		return fmt.Errorf("cannot keep that: %w: %w", err, octaskly.ErrUnavailable)
	}
	r.book.apply(&rows.Roster)
	return nil
}

// reload makes memory what the store has, after a write that failed.
func (r *Roster) reload(ctx context.Context) error {
	if !r.stale {
		return nil
	}
	if err := r.load(context.WithoutCancel(ctx)); err != nil {
		return fmt.Errorf("cannot load who may join again: %w: %w", err, octaskly.ErrUnavailable)
	}
	r.stale = false
	return nil
}

// allow refuses who may not do that. The routes of the API ask the same before.
func allow(who api.Caller, what string) error {
	if auth.Of(who.Role).Allows(auth.ChangeWorkers) {
		return nil
	}
	return fmt.Errorf("cannot %s: that takes an admin or a dispatcher: %w", what, octaskly.ErrDenied)
}

func badField(field, format string, args ...any) error {
	return &octaskly.FieldError{Field: field, Why: fmt.Sprintf(format, args...)}
}
