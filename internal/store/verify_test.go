package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// auditOf has rows of one user, some written by Commit and some by Record.
func auditOf(t testing.TB, n int) *Store {
	t.Helper()
	s := openTemp(t)
	mustExec(t, s, `PRAGMA synchronous = OFF`)
	for i := 1; i <= n; i++ {
		addRow(t, s, i)
	}
	return s
}

func addRow(t testing.TB, s *Store, i int) {
	t.Helper()
	actions := []octaskly.Action{{At: time.UnixMicro(int64(i)), Who: "ann", What: "task.submit", Target: fmt.Sprint("t", i), Outcome: octaskly.Done}}
	if i%2 == 0 {
		put(t, s, &Changes{Actions: actions})
		return
	}
	if err := s.Record(ctx, &Records{Actions: actions}); err != nil {
		t.Fatal(err)
	}
}

// rechain makes hashes of rows anew from one on, as whoever edits one may.
func rechain(from int64, upTo int64) func(t *testing.T, s *Store) {
	return func(t *testing.T, s *Store) {
		for seq := from; seq <= upTo; seq++ {
			before, now := rowAt(t, s, seq-1), rowAt(t, s, seq)
			row, err := encode(&now, seq)
			if err != nil {
				t.Fatal(err)
			}
			mustExec(t, s, fmt.Sprintf(`UPDATE audit_log SET hash = x'%x' WHERE seq = %d`, link(before.Hash, row), seq))
		}
	}
}

func rowAt(t *testing.T, s *Store, seq int64) octaskly.Action {
	t.Helper()
	rows, err := s.Actions(ctx, ActionQuery{Before: seq + 1, Limit: 1})
	if err != nil || len(rows) != 1 || rows[0].Seq != seq {
		t.Fatalf("row %d: %v, %v", seq, rows, err)
	}
	return rows[0]
}

// TestVerifyActions does everything to a log of twelve rows that can be done by who
// has the file.
func TestVerifyActions(t *testing.T) {
	const swap = `UPDATE audit_log SET seq = -1 WHERE seq = %[1]d; UPDATE audit_log SET seq = %[1]d WHERE seq = %[2]d; UPDATE audit_log SET seq = %[2]d WHERE seq = -1;`
	const copyRow = `INSERT INTO audit_log SELECT %d, at, who, role, token, "from", what, target, outcome, detail, hash FROM audit_log WHERE seq = %d;`
	for _, test := range []struct {
		name string
		do   string // SQL
		then func(t *testing.T, s *Store)
		want []string // "first[-last] why"
	}{
		{name: "nothing"},
		{name: "an edited row", do: `UPDATE audit_log SET who = 'bob' WHERE seq = 5`, want: []string{"5 edited"}},
		{name: "an edited time", do: `UPDATE audit_log SET at = at + 1 WHERE seq = 5`, want: []string{"5 edited"}},
		{name: "text that moves into the next field", do: `UPDATE audit_log SET what = 'task.submi', target = 'tt5' WHERE seq = 5`, want: []string{"5 edited"}},
		{name: "an edited first row", do: `UPDATE audit_log SET who = 'bob' WHERE seq = 1`, want: []string{"1 edited"}},
		{name: "an edited last row", do: `UPDATE audit_log SET who = 'bob' WHERE seq = 12`, want: []string{"12 edited"}},
		{name: "edited rows side by side", do: `UPDATE audit_log SET who = 'bob' WHERE seq IN (5, 6, 9)`, want: []string{"5 edited", "6 edited", "9 edited"}},
		{name: "an edited hash", do: `UPDATE audit_log SET hash = zeroblob(32) WHERE seq = 5`, want: []string{"5 edited: its hash"}},
		{name: "the last row's hash", do: `UPDATE audit_log SET hash = zeroblob(32) WHERE seq = 12`, want: []string{"12 edited"}},
		{name: "a short hash", do: `UPDATE audit_log SET hash = x'' WHERE seq = 5`, want: []string{"5 edited: its hash"}},
		{name: "an edited row with its hash", do: `UPDATE audit_log SET who = 'bob' WHERE seq = 5`, then: rechain(5, 5),
			want: []string{"6 edited: it does not go with its hash and row 5"}},
		{name: "all rows from an edited one on", do: `UPDATE audit_log SET who = 'bob' WHERE seq = 5`, then: rechain(5, 12),
			want: []string{"12 edited: it is not the row that was written last"}},
		{name: "a removed row", do: `DELETE FROM audit_log WHERE seq = 5`, want: []string{"5 missing; without it row 6"}},
		{name: "removed rows", do: `DELETE FROM audit_log WHERE seq IN (3, 5, 6, 7)`, want: []string{"3 missing", "5-7 missing"}},
		{name: "the first rows", do: `DELETE FROM audit_log WHERE seq < 4`, want: []string{"1-3 missing"}},
		{name: "a cut tail", do: `DELETE FROM audit_log WHERE seq > 9`, want: []string{"10-12 missing: row 12 was the last"}},
		{name: "all rows", do: `DELETE FROM audit_log`, want: []string{"1-12 missing"}},
		{name: "a row at the end", do: fmt.Sprintf(copyRow, 13, 12), then: rechain(13, 13), want: []string{"13 put there"}},
		{name: "a row below the first", do: fmt.Sprintf(copyRow, 0, 1), want: []string{"0 put there"}},
		{name: "two rows swapped", do: fmt.Sprintf(swap, 4, 8), want: []string{"4 reordered: it is the row that was number 8", "8 reordered: it is the row that was number 4"}},
		{name: "neighbours swapped", do: fmt.Sprintf(swap, 4, 5), want: []string{"4 reordered: it is the row that was number 5", "5 reordered: it is the row that was number 4"}},
		{name: "the first and the last swapped", do: fmt.Sprintf(swap, 1, 12), want: []string{"1 reordered: it is the row that was number 12", "12 reordered: it is the row that was number 1"}},
		{name: "a row removed and the rest moved up", do: `DELETE FROM audit_log WHERE seq = 9; UPDATE audit_log SET seq = seq - 1 WHERE seq > 9`,
			want: []string{"9 edited", "10 reordered: it is the row that was number 11", "11 reordered: it is the row that was number 12", "12 missing"}},
		{name: "a row moved into a gap", do: `DELETE FROM audit_log WHERE seq = 5; UPDATE audit_log SET seq = 5 WHERE seq = 9`,
			want: []string{"5 reordered: it is the row that was number 9", "6 edited", "9 missing"}},
		{name: "a forged row, its own at the end", do: fmt.Sprintf(copyRow, 13, 5) + `UPDATE audit_log SET who = 'bob' WHERE seq = 5`, then: rechain(5, 5),
			want: []string{"5 put there", "13 edited", "13 put there"}},
		{name: "a cut tail, and new rows", do: `DELETE FROM audit_log WHERE seq > 9`, then: func(t *testing.T, s *Store) {
			reload(s)
			addRow(t, s, 13)
			addRow(t, s, 14)
		}, want: []string{"10-12 missing; without it row 13"}},
		{name: "a row at the end, and new rows", do: fmt.Sprintf(copyRow, 13, 12), then: func(t *testing.T, s *Store) {
			rechain(13, 13)(t, s)
			reload(s)
			addRow(t, s, 14)
			addRow(t, s, 15)
		}, want: []string{"13 put there"}},
		{name: "nothing, and new rows", then: func(t *testing.T, s *Store) {
			reload(s)
			addRow(t, s, 13)
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := auditOf(t, 12)
			mustExec(t, s, test.do)
			if test.then != nil {
				test.then(t, s)
			}
			report, err := s.VerifyActions(ctx, nil)
			if err != nil {
				t.Fatal(err)
			}
			checkFaults(t, report, test.want)
		})
	}
}

// reload is what a start does.
func reload(s *Store) { s.writer.audit.known = false }

func checkFaults(t *testing.T, report *ActionReport, want []string) {
	t.Helper()
	var got []string
	for _, f := range report.Faults {
		span := fmt.Sprint(f.Seq)
		if f.Last != 0 {
			span += fmt.Sprint("-", f.Last)
		}
		got = append(got, span+" "+f.Why)
	}
	fits := len(got) == len(want)
	for i := range min(len(got), len(want)) {
		fits = fits && strings.HasPrefix(got[i], want[i])
	}
	if !fits {
		t.Errorf("found %q\nwant  %q", got, want)
	}
}

// An anchor finds what has been rewritten as a whole.
func TestAnchors(t *testing.T) {
	for _, test := range []struct {
		name   string
		do     string
		then   func(t *testing.T, s *Store)
		anchor int64
		want   []string
	}{
		{name: "nothing", anchor: 7},
		{name: "the last", anchor: 12},
		{name: "a row after it", do: `UPDATE audit_log SET who = 'bob' WHERE seq = 9`, then: rewrite(9), anchor: 8},
		{name: "the row itself", do: `UPDATE audit_log SET who = 'bob' WHERE seq = 9`, then: rewrite(9), anchor: 9, want: []string{"9 rewritten"}},
		{name: "a row before it", do: `UPDATE audit_log SET who = 'bob' WHERE seq = 3`, then: rewrite(3), anchor: 9, want: []string{"9 rewritten"}},
		{name: "it is cut off", do: `DELETE FROM audit_log WHERE seq > 8; UPDATE ledger SET audit_seq = 8, audit_hash = (SELECT hash FROM audit_log WHERE seq = 8)`,
			anchor: 12, want: []string{"9-12 missing: the anchor"}},
		{name: "all is", do: `DELETE FROM audit_log; UPDATE ledger SET audit_seq = 0, audit_hash = x''`, anchor: 1, want: []string{"1 missing: the anchor"}},
		{name: "one fault is one", do: `DELETE FROM audit_log WHERE seq = 9`, anchor: 9, want: []string{"9 missing"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := auditOf(t, 12)
			anchor := rowAt(t, s, test.anchor)
			mustExec(t, s, test.do)
			if test.then != nil {
				test.then(t, s)
				report, err := s.VerifyActions(ctx, nil)
				if err != nil || len(report.Faults) > 0 {
					t.Errorf("seen without an anchor: %+v, %v", report, err)
				}
			}
			report, err := s.VerifyActions(ctx, &octaskly.Action{Seq: anchor.Seq, Hash: anchor.Hash})
			if err != nil {
				t.Fatal(err)
			}
			checkFaults(t, report, test.want)
		})
	}
}

// rewrite leaves no trace in the database itself.
func rewrite(from int64) func(t *testing.T, s *Store) {
	return func(t *testing.T, s *Store) {
		rechain(from, 12)(t, s)
		mustExec(t, s, `UPDATE ledger SET audit_hash = (SELECT hash FROM audit_log WHERE seq = 12)`)
	}
}

// The log is read page by page, and what is found of it has a bound.
func TestVerifyManyActions(t *testing.T) {
	const rows = 2*pageRows + 17
	s := openTemp(t)
	c := &Changes{}
	for i := range rows {
		c.Actions = append(c.Actions, octaskly.Action{At: time.UnixMicro(int64(i)), What: "x"})
	}
	put(t, s, c)
	report, err := s.VerifyActions(ctx, &c.Actions[1234])
	want := &ActionReport{Rows: rows, First: 1, Last: &c.Actions[rows-1]}
	want.Last.At = want.Last.At.UTC()
	if diff := cmp.Diff(want, report); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	mustExec(t, s, `UPDATE audit_log SET who = 'bob'; DELETE FROM audit_log WHERE seq % 10 = 3`)
	report, err = s.VerifyActions(ctx, nil)
	if err != nil || len(report.Faults) != maxFaults || report.Rows != rows-202 || report.Last.Seq != rows {
		t.Errorf("%d faults in %d rows up to %d: %v", len(report.Faults), report.Rows, report.Last.Seq, err)
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := s.VerifyActions(ended, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("in a context that is over: %v", err)
	}
	if _, err := s.VerifyActions(ctx, &octaskly.Action{Seq: 1}); !errors.As(err, new(*octaskly.FieldError)) {
		t.Errorf("with half of an anchor: %v", err)
	}
}
