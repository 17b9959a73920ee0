package api

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode"

	"github.com/octaskly/octaskly/internal/octaskly"
)

const (
	recordTime = 10 * time.Second // for a row to be on disk
	maxTarget  = 200              // runes that a row has of a request's own words
)

// prepare makes what the audit log will say of the request, if it is done.
func (r *request) prepare() *Act {
	targets := cmp.Or(r.PathValue("id"), r.PathValue("worker"), r.PathValue("user"), r.PathValue("token"), r.PathValue("hash"))
	return &Act{Action: octaskly.Action{
		At:      time.Now().UTC(),
		Who:     r.who.Name,
		Role:    r.who.Role,
		Token:   r.who.Token,
		From:    r.who.From,
		What:    r.route.action,
		Target:  printable(targets),
		Outcome: octaskly.Done,
	}}
}

// printable is a request's own words as they may stand in a row.
func printable(text string) string {
	text = strings.Map(func(c rune) rune {
		if unicode.IsPrint(c) && c != unicode.ReplacementChar {
			return c
		}
		return '?'
	}, text)
	return fmt.Sprintf("%.*s", maxTarget, text)
}

// act is for handlers that know better what is done to what. It may be thrown away.
func (r *request) act() *Act {
	if r.who.Act == nil {
		return &Act{}
	}
	return r.who.Act
}

// settle writes what was done and is not written yet. It comes before the answer.
func (r *request) settle() error {
	act := r.who.Act
	if act == nil || act.Written {
		return nil
	}
	if err := r.api.record(r.Context(), act); err != nil {
		return fmt.Errorf("%s has happened, but the audit log cannot be written: %w", r.route.action, octaskly.ErrUnavailable)
	}
	return nil
}

// refused writes that a request was refused, if that is for the audit log, and
// returns what it is answered with.
func (r *request) refused(err error) error {
	status, body := meaning(err)
	if r.api.gate != nil {
		r.complain(status, body.Kind)
	}
	if r.api.accounts == nil || !r.audited(status, err) {
		return err
	}
	act := cmp.Or(r.who.Act, r.prepare())
	if act.Written {
		return err
	}
	act.Outcome = body.Kind
	if act.Detail = printable(body.Message); body.Kind == badInput {
		act.Detail = printable(body.Field) // the message may repeat a secret
	}
	if r.api.record(r.Context(), act) != nil {
		return fmt.Errorf("cannot do anything while the audit log cannot be written: %w", octaskly.ErrUnavailable)
	}
	return err
}

// audited says which refusals have rows. Where the context has ended while the
// handler waited, whoever has the Act may still be about to write it.
func (r *request) audited(status int, err error) bool {
	switch {
	case r.route.action == "" || r.begun && (errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)):
		return false
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return true
	case status == http.StatusTooManyRequests:
		return strings.HasPrefix(r.route.action, "session.")
	}
	return r.route.changes() && status < 500 && status != http.StatusMisdirectedRequest
}

// record returns when the row is on disk. Whether the client is still there is
// no matter.
func (h *Handler) record(ctx context.Context, act *Act) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTime)
	defer cancel()
	err := h.accounts.Record(ctx, &act.Action)
	if err != nil {
		h.log.Error("Cannot write the audit log", "action", act.What, "who", act.Who, "err", err)
	}
	act.Written = err == nil
	return err
}
