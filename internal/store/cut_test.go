package store

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// trim announces a cut of all but so many rows.
func trim(t *testing.T, s *Store, rows int64) *Cut {
	t.Helper()
	cut, err := s.FindCut(ctx, CutRule{Rows: rows})
	if err != nil || cut == nil {
		t.Fatalf("the cut is %+v (%v)", cut, err)
	}
	if err := s.Record(ctx, &Records{Actions: []octaskly.Action{cut.Action(time.UnixMicro(1000))}}); err != nil {
		t.Fatal(err)
	}
	return cut
}

// drop deletes what was announced.
func drop(t *testing.T, s *Store) {
	t.Helper()
	base, err := s.Dropped(ctx)
	if err != nil || base == nil {
		t.Fatalf("dropped is %+v (%v)", base, err)
	}
	for all := false; !all; {
		if all, err = s.DropActions(ctx, base, time.Millisecond); err != nil {
			t.Fatal(err)
		}
	}
}

func verified(t *testing.T, s *Store, anchor *octaskly.Action) *ActionReport {
	t.Helper()
	report, err := s.VerifyActions(ctx, anchor)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// TestTrim trims a log of twelve rows to five, and later to three.
func TestTrim(t *testing.T) {
	s := auditOf(t, 12)
	anchors := map[int64]octaskly.Action{}
	for seq := int64(1); seq <= 12; seq++ {
		anchors[seq] = rowAt(t, s, seq)
	}
	intact := func(when string, rows, first int64) {
		t.Helper()
		r := verified(t, s, nil)
		if len(r.Faults) > 0 || r.Rows != rows || r.First != first || r.Base == nil || r.Base.Seq != first-1 || !r.Base.At.Equal(time.UnixMicro(1000)) {
			t.Fatalf("%s: %+v", when, r)
		}
	}
	if cut := trim(t, s, 5); cut.First != 1 || cut.Seq != 7 || cut.Fault != "" || !cut.At.Equal(time.UnixMicro(7)) {
		t.Fatalf("the cut is %+v", cut)
	}
	intact("announced", 6, 8)
	mustExec(t, s, `DELETE FROM audit_log WHERE seq < 3`)
	intact("half dropped", 6, 8)
	if cut := trim(t, s, 5); cut.First != 8 || cut.Seq != 8 {
		t.Fatalf("the next cut is %+v", cut)
	}
	drop(t, s)
	intact("dropped", 6, 9)
	if rows, err := s.Actions(ctx, ActionQuery{Limit: 100}); err != nil || len(rows) != 6 || rows[5].Seq != 9 || rows[0].What != Trim {
		t.Fatalf("there are %v (%v)", rows, err)
	}
	if cut, err := s.FindCut(ctx, CutRule{Rows: 6}); cut != nil || err != nil {
		t.Errorf("one more is %+v (%v)", cut, err)
	}
	addRow(t, s, 15)
	intact("goes on", 7, 9)
	for seq, a := range anchors {
		r := verified(t, s, &a)
		if len(r.Faults) > 0 || r.Incomparable != (seq < 8) {
			t.Errorf("by the anchor of row %d: %+v", seq, r)
		}
		a.Hash = append([]byte{a.Hash[0] + 1}, a.Hash[1:]...)
		if r := verified(t, s, &a); (len(r.Faults) > 0) != (seq >= 8) {
			t.Errorf("by a wrong anchor of row %d: %+v", seq, r)
		}
	}
}

// TestTrimRule says what goes: never what is within the bound and young enough, nor the
// newest rows.
func TestTrimRule(t *testing.T) {
	s := auditOf(t, 12) // row n is of the nth microsecond
	for _, test := range []struct {
		rule CutRule
		want int64
	}{
		{CutRule{}, 0},
		{CutRule{Rows: 12}, 0},
		{CutRule{Rows: 11}, 1},
		{CutRule{Rows: 1}, 11},
		{CutRule{Rows: 1, Least: 4}, 8},
		{CutRule{Rows: 1, Least: 100}, 0},
		{CutRule{Before: time.UnixMicro(1)}, 0},
		{CutRule{Before: time.UnixMicro(5)}, 4},
		{CutRule{Before: time.UnixMicro(5), Rows: 4}, 8},
		{CutRule{Before: time.UnixMicro(5), Rows: 100}, 4},
		{CutRule{Before: time.UnixMicro(1000)}, 12},
		{CutRule{Before: time.UnixMicro(1000), Least: 3}, 9},
	} {
		cut, err := s.FindCut(ctx, test.rule)
		if err != nil || (cut == nil) != (test.want == 0) || cut != nil && cut.Seq != test.want {
			t.Errorf("%+v: %+v (%v), want %d", test.rule, cut, err, test.want)
		}
	}
	mustExec(t, s, `UPDATE audit_log SET at = 1000 WHERE seq = 3`) // a clock that was wrong
	if cut, err := s.FindCut(ctx, CutRule{Before: time.UnixMicro(5)}); err != nil || cut.Seq != 2 {
		t.Errorf("before a row of later: %+v (%v)", cut, err)
	}
}

// TestTrimTampered does to a log of which seven rows of twelve are dropped what can be done
// by who has the file.
func TestTrimTampered(t *testing.T) {
	for _, test := range []struct {
		name, do string
		want     []string
	}{
		{"nothing", ``, nil},
		{"the front is cut further", `DELETE FROM audit_log WHERE seq < 10`, []string{"8-9 missing"}},
		{"all but what says so", `DELETE FROM audit_log WHERE seq < 13`, []string{"8-12 missing"}},
		{"what says so is edited", `UPDATE audit_log SET target = '9' WHERE seq = 13; DELETE FROM audit_log WHERE seq < 10`, []string{"10 edited", "13 edited"}},
		{"and its hash", `UPDATE audit_log SET target = '9', detail = (SELECT replace(detail, substr(detail, -64), lower(hex((SELECT hash FROM audit_log WHERE seq = 9))))
			FROM audit_log WHERE seq = 13) WHERE seq = 13; DELETE FROM audit_log WHERE seq < 10`, []string{"13 edited"}},
		{"what says so is away", `DELETE FROM audit_log WHERE seq = 13`, []string{"1-7 missing", "13 missing"}},
		{"what says so is another", `UPDATE audit_log SET what = 'task.submit' WHERE seq = 13`, []string{"1-7 missing", "13 edited"}},
		{"nonsense", `UPDATE audit_log SET target = '99' WHERE seq = 13`, []string{"1-7 missing", "13 edited"}},
		{"no text", `UPDATE audit_log SET detail = '' WHERE seq = 13`, []string{"1-7 missing", "13 edited"}},
		{"another says so, too", `INSERT INTO audit_log SELECT 14, at, who, role, token, "from", what, '10', outcome, detail, hash FROM audit_log WHERE seq = 13;
			DELETE FROM audit_log WHERE seq < 11`, []string{"11 edited", "14 edited", "14 put there"}},
		{"the first row is edited", `UPDATE audit_log SET who = 'bob' WHERE seq = 8`, []string{"8 edited"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := auditOf(t, 12)
			trim(t, s, 5)
			drop(t, s)
			mustExec(t, s, test.do)
			var got []string
			for _, f := range verified(t, s, nil).Faults {
				at := fmt.Sprint(f.Seq)
				if f.Last > 0 {
					at = fmt.Sprintf("%d-%d", f.Seq, f.Last)
				}
				got = append(got, at+" "+f.Why)
			}
			for i := range max(len(got), len(test.want)) {
				if i >= len(got) || i >= len(test.want) || !strings.HasPrefix(got[i], test.want[i]) {
					t.Fatalf("faults are %q, want %q", got, test.want)
				}
			}
		})
	}
}

// TestTrimOfTampered: what is dropped is looked at before, and what is wrong with it
// stays known.
func TestTrimOfTampered(t *testing.T) {
	s := auditOf(t, 12)
	mustExec(t, s, `UPDATE audit_log SET who = 'bob' WHERE seq = 3; DELETE FROM audit_log WHERE seq = 5`)
	cut := trim(t, s, 5)
	if !strings.HasPrefix(cut.Fault, "2 faults, the first at row 3: edited") {
		t.Errorf("it says %q", cut.Fault)
	}
	drop(t, s)
	if r := verified(t, s, nil); len(r.Faults) > 0 || !strings.Contains(rowAt(t, s, 13).Detail, "not intact (2 faults") {
		t.Errorf("the log is %+v, and says %q", r, rowAt(t, s, 13).Detail)
	}
}

// TestTrimLong has more rows than one cut, and than one step.
func TestTrimLong(t *testing.T) {
	if thinning > 1 {
		t.Skip("100,000 rows, one after the other: nothing for the race detector")
	}
	s := openTemp(t)
	mustExec(t, s, `PRAGMA synchronous = OFF`)
	actions := make([]octaskly.Action, 2*maxCut)
	for i := range actions {
		actions[i] = octaskly.Action{At: time.UnixMicro(int64(i)), Who: "ann", What: "task.submit", Outcome: octaskly.Done}
	}
	if err := s.Record(ctx, &Records{Actions: actions}); err != nil {
		t.Fatal(err)
	}
	if cut := trim(t, s, 100); cut.Seq != maxCut || cut.Fault != "" {
		t.Fatalf("the cut is %+v", cut)
	}
	if cut := trim(t, s, 100); cut.Seq != 2*maxCut-99 { // with the row that the first one has made
		t.Fatalf("the next cut is %+v", cut)
	}
	drop(t, s)
	if r := verified(t, s, nil); len(r.Faults) > 0 || r.Rows != 101 {
		t.Errorf("the log is %+v", r)
	}
}

// TestSalvageAfterTrim: what was dropped is not lost.
func TestSalvageAfterTrim(t *testing.T) {
	path := audited(t)
	s := openAt(t, path)
	trim(t, s, 1000)
	drop(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	damagePage(t, path, rootOf(t, path, "signing_keys"))
	s = openAt(t, path)
	if err := s.Check(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Load(ctx); err != nil {
		t.Fatal(err)
	}
	salvage := s.report.Load()
	if salvage == nil || salvage.Actions != 0 {
		t.Errorf("the salvage is %+v", salvage)
	}
	if r := verified(t, s, nil); len(r.Faults) > 0 || r.Rows != 1001 {
		t.Errorf("the log is %+v", r)
	}
}
