package accounts

import (
	"context"
	"encoding/hex"
	"fmt"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/auth"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/store"
)

// defaultAudit is how many rows there are where nobody says how many.
const defaultAudit = 100

// Audit lists rows of the audit log, the latest first.
func (a *Accounts) Audit(ctx context.Context, who api.Caller, f api.AuditFilter) ([]api.AuditRow, error) {
	if err := allow(who, auth.ReadAudit, "read the audit log"); err != nil {
		return nil, err
	}
	q := store.ActionQuery{Who: f.Who, What: f.What, Target: f.Target, Outcome: f.Outcome, Since: f.Since, Until: f.Until, Before: f.Before, Limit: f.Limit}
	if q.Limit <= 0 {
		q.Limit = defaultAudit
	}
	rows, err := a.store.Actions(ctx, q)
	if err != nil {
		return nil, err
	}
	list := make([]api.AuditRow, 0, len(rows))
	for _, r := range rows {
		list = append(list, api.AuditRow{
			Seq: r.Seq, At: r.At, Who: r.Who, Role: r.Role, Token: r.Token, From: r.From, What: r.What, Target: r.Target,
			Outcome: r.Outcome, Detail: r.Detail, Hash: hex.EncodeToString(r.Hash),
		})
	}
	return list, nil
}

// VerifyAudit goes through all of the log.
func (a *Accounts) VerifyAudit(ctx context.Context, who api.Caller, anchor *api.Anchor) (*api.AuditReport, error) {
	if err := allow(who, auth.ReadAudit, "verify the audit log"); err != nil {
		return nil, err
	}
	known, err := parseAnchor(anchor)
	if err != nil {
		return nil, err
	}
	report, err := a.store.VerifyActions(ctx, known)
	if err != nil {
		return nil, err
	}
	said := &api.AuditReport{Rows: report.Rows, First: report.First, Last: describeAnchor(report.Last), Intact: len(report.Faults) == 0}
	if report.Base != nil {
		said.Dropped = &api.AuditDrop{Seq: report.Base.Seq, At: report.Base.At}
	}
	said.Incomparable = report.Incomparable
	for _, f := range report.Faults[:min(len(report.Faults), 100)] {
		said.Faults = append(said.Faults, api.AuditFault{Seq: f.Seq, Last: f.Last, Why: f.Why})
	}
	return said, nil
}

func parseAnchor(anchor *api.Anchor) (*octaskly.Action, error) {
	if anchor == nil {
		return nil, nil
	}
	if anchor.Seq < 1 {
		return nil, badField("seq", "is %d, want the number of a row", anchor.Seq)
	}
	hash, err := hex.DecodeString(anchor.Hash)
	if err != nil || len(hash) != 32 {
		return nil, badField("hash", "is not a SHA-256 of 64 hex digits")
	}
	return &octaskly.Action{Seq: anchor.Seq, At: anchor.At, Hash: hash}, nil
}

// Anchor names the last row of the log.
func (a *Accounts) Anchor(ctx context.Context, who api.Caller) (*api.Anchor, error) {
	if err := allow(who, auth.ReadAudit, "export an anchor of the audit log"); err != nil {
		return nil, err
	}
	last, err := a.store.LastAction(ctx)
	if err != nil {
		return nil, err
	}
	if last == nil {
		return nil, fmt.Errorf("cannot export an anchor: the audit log is empty: %w", octaskly.ErrNotFound)
	}
	return describeAnchor(last), nil
}

func describeAnchor(row *octaskly.Action) *api.Anchor {
	if row == nil {
		return nil
	}
	return &api.Anchor{Seq: row.Seq, At: row.At, Hash: hex.EncodeToString(row.Hash)}
}
