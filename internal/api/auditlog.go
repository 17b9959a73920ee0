package api

import (
	"encoding/hex"
	"fmt"
	"time"
)

// Audit is GET /api/v1/audit, the newest row first.
type Audit struct {
	Actions []AuditRow `json:"actions"`
}

func (h *Handler) audit(r *request) (*Audit, error) {
	filter := AuditFilter{
		Who:     r.text("who", maxTarget),
		What:    r.word("what", h.whats()),
		Target:  r.text("target", maxTarget),
		Outcome: r.word("outcome", outcomes()),
		Since:   r.time("since"),
		Until:   r.time("until"),
		Before:  r.number("before", 1, maxNumber, 0),
		Limit:   int(r.number("limit", 1, MaxLimit, DefaultLimit)),
	}
	if err := r.usable(); err != nil {
		return nil, err
	}
	rows, err := h.accounts.Audit(r.Context(), r.who, filter)
	return &Audit{listed(rows)}, err
}

// verifyAudit takes an anchor, or an empty body.
func (h *Handler) verifyAudit(r *request) (*AuditReport, error) {
	var anchor *Anchor
	if r.ContentLength != 0 {
		r.decode(&anchor)
	}
	if anchor != nil {
		r.blame("seq", atLeastOne(anchor.Seq))
		r.blame("hash", checkHash(anchor.Hash))
	}
	if err := r.usable(); err != nil {
		return nil, err
	}
	report, err := h.accounts.VerifyAudit(r.Context(), r.who, anchor)
	if err == nil && !report.Intact {
		r.act().Detail = "it is not intact"
	}
	return report, err
}

func (h *Handler) anchor(r *request) (*Anchor, error) {
	if err := r.usable(); err != nil {
		return nil, err
	}
	return h.accounts.Anchor(r.Context(), r.who)
}

func atLeastOne(seq int64) error {
	if seq < 1 {
		return fmt.Errorf("%d is not the number of a row; they begin at 1", seq)
	}
	return nil
}

func checkHash(text string) error {
	if raw, err := hex.DecodeString(text); err != nil || len(raw) != 32 {
		return fmt.Errorf("%q is no SHA-256 in hex", shorten(text))
	}
	return nil
}

// time is a point in time as of RFC 3339; zero where it is not given.
func (p *params) time(name string) time.Time {
	if !p.values.Has(name) {
		return time.Time{}
	}
	text := p.values.Get(name)
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		p.blame(name, fmt.Errorf("%q is no time such as 2026-01-31T23:59:59Z", shorten(text)))
	}
	return at
}
