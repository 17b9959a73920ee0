package accounts

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/store"
)

// Record writes an action of the audit log and returns when it is on disk; or, of one
// of many refusals, when it is counted.
func (a *Accounts) Record(ctx context.Context, act *octaskly.Action) error {
	row := tidy(*act)
	if row.At.IsZero() {
		row.At = clock()
	}
	if row.Outcome != octaskly.Done {
		a.hideStranger(&row)
		if a.refusals.due(time.Now()) {
			a.attempt("write how much was refused", a.writeRefusals(ctx))
		}
		if !a.refusals.admit(row, time.Now()) {
			return nil
		}
	}
	if err := a.store.Record(context.WithoutCancel(ctx), &store.Records{Actions: []octaskly.Action{row}}); err != nil {
		return fmt.Errorf("cannot write the audit log: %w", err)
	}
	return nil
}

// unknownUser stands in the audit log for a name that nobody has.
const unknownUser = "(unknown user)"

// hideStranger leaves out whom a login that failed has named, if that is nobody: people
// type their password there, and the log keeps it for long.
func (a *Accounts) hideStranger(row *octaskly.Action) {
	if row.What == "session.login" && row.Target != "" && a.book.user(row.Target) == nil {
		row.Target = unknownUser
	}
}

// writeRefusals writes one row for each of what was only counted, and begins anew.
func (a *Accounts) writeRefusals(ctx context.Context) error {
	counted := a.refusals.take()
	var rows []octaskly.Action
	for _, c := range counted {
		rows = append(rows, c.row())
	}
	if len(rows) == 0 {
		return nil
	}
	slices.SortFunc(rows, func(x, y octaskly.Action) int {
		return cmp.Or(cmp.Compare(x.What, y.What), cmp.Compare(x.Who, y.Who), cmp.Compare(x.From, y.From))
	})
	if err := a.store.Record(context.WithoutCancel(ctx), &store.Records{Actions: rows}); err != nil {
		a.refusals.putBack(counted, time.Now())
		return err
	}
	return nil
}

func (c *count) row() octaskly.Action {
	row := c.like
	row.At = clock()
	row.Detail = fmt.Sprintf("%d more of these since %s", c.more, c.since.UTC().Format(time.RFC3339))
	return row
}
