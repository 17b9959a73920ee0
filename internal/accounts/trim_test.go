package accounts

import (
	"context"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/security"
	"github.com/octaskly/octaskly/internal/store"
)

// Old rows go, the newest stay whatever their age, and verification says so.
func TestTrim(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	s, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "octaskly.db"), log)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	const old, young = 400, 11_000
	rows := &store.Records{}
	for i := range old + young {
		at := time.Now().Add(-400 * day)
		if i >= old {
			at = time.Now().Add(-10 * day)
		}
		rows.Actions = append(rows.Actions, octaskly.Action{At: at, Who: "ann", What: "task.submit", Outcome: octaskly.Done})
	}
	if err := s.Record(t.Context(), rows); err != nil {
		t.Fatal(err)
	}
	trimmed := func(age time.Duration, bound int64) *api.AuditReport {
		t.Helper()
		a, err := New(Config{Store: s, Keys: security.NewKeys(security.GenerateKey()), Log: log, AuditAge: age, AuditRows: bound})
		if err != nil {
			t.Fatal(err)
		}
		if err := a.trim(t.Context()); err != nil {
			t.Fatal(err)
		}
		report, err := a.VerifyAudit(t.Context(), root, nil)
		if err != nil || !report.Intact {
			t.Fatalf("the log is %+v (%v)", report, err)
		}
		return report
	}
	if r := trimmed(0, 0); r.First != 1 || r.Dropped != nil {
		t.Fatalf("without bounds: %+v", r)
	}
	if r := trimmed(365*day, 0); r.First != old+1 || r.Dropped == nil || r.Dropped.Seq != old {
		t.Fatalf("a year: %+v", r)
	}
	if r := trimmed(365*day, 0); r.First != old+1 {
		t.Fatalf("a year, again: %+v", r)
	}
	if r := trimmed(0, 10_500); r.Last.Seq-r.First != 10_500 { // and one row says so
		t.Fatalf("10,500 rows: %+v", r)
	}
	if r := trimmed(7*day, 0); r.Last.Seq-r.First != leastAudit {
		t.Fatalf("a week: %+v", r)
	}
}

// Whoever is told to stop leaves the rest for later, which is no error.
func TestTrimIsStopped(t *testing.T) {
	r := newRig(t)
	r.kept.rows = leastAudit
	ctx, stop := context.WithCancel(t.Context())
	stop()
	r.store.breaks(context.Canceled)
	r.must(r.trim(ctx))
	r.store.breaks(context.DeadlineExceeded)
	if err := r.trim(ctx); err == nil {
		t.Error("another error is none")
	}
}
