package store

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"modernc.org/sqlite"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// await waits until something is so that other goroutines are about to do.
func await(t *testing.T, is func() bool) {
	t.Helper()
	for !is() {
		if t.Context().Err() != nil {
			t.Fatal("it never is")
		}
		runtime.Gosched()
	}
}

func (g *gathering) count() int {
	g.guard.Lock()
	defer g.guard.Unlock()
	return len(g.waiting)
}

func (t *turns) waiting() (hasty, calm int) {
	t.guard.Lock()
	defer t.guard.Unlock()
	return len(t.hasty), len(t.calm)
}

// onCommit is asked before each commit whether it fails.
func onCommit(t *testing.T, s *Store, fails func() bool) {
	t.Helper()
	err := s.writer.conn.Raw(func(conn any) error {
		conn.(sqlite.HookRegisterer).RegisterCommitHook(func() int32 {
			if fails() {
				return 1
			}
			return 0
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func record(who string) *Records {
	return &Records{Actions: []octaskly.Action{{Who: who, What: "x", Outcome: octaskly.Done}}}
}

// gather has n Records wait for a turn that somebody else has, and calls meanwhile
// before that ends. It returns their errors.
func gather(t *testing.T, s *Store, n int, meanwhile func()) (errs []error) {
	t.Helper()
	s.writer.using.take(false)
	errs = make([]error, n)
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() { errs[i] = s.Record(ctx, record(fmt.Sprint(i))) })
	}
	await(t, func() bool { return s.records.count() == n })
	meanwhile()
	s.writer.using.give()
	group.Wait()
	return errs
}

// Whoever waits shares a commit, of a size.
func TestRecordsShareCommits(t *testing.T) {
	s := openTemp(t)
	for _, test := range []struct{ n, commits int64 }{{1, 1}, {maxGathered, 1}, {2*maxGathered + 1, 3}} {
		var commits atomic.Int64
		onCommit(t, s, func() bool { commits.Add(1); return false })
		if err := errors.Join(gather(t, s, int(test.n), func() {})...); err != nil {
			t.Fatal(err)
		}
		if commits.Load() != test.commits {
			t.Errorf("%d Records made %d commits", test.n, commits.Load())
		}
	}
	checkLog(t, s, 1+maxGathered+2*maxGathered+1)
}

// checkLog wants so many rows, whose chain is whole.
func checkLog(t *testing.T, s *Store, rows int64) {
	t.Helper()
	report, err := s.VerifyActions(ctx, nil)
	if err != nil || report.Rows != rows || len(report.Faults) > 0 {
		t.Errorf("%d rows, want %d; %+v, %v", report.Rows, rows, report.Faults, err)
	}
}

// A commit waits for the transaction that is in progress and for no other, however
// many Records and others wait.
func TestCommitGoesFirst(t *testing.T) {
	s := openTemp(t)
	var group sync.WaitGroup
	errs := gather(t, s, 9, func() {
		group.Go(func() { s.Forget(ctx, nil) })
		await(t, func() bool { _, calm := s.writer.using.waiting(); return calm == 2 })
		group.Go(func() {
			if err := s.Commit(ctx, &Changes{Actions: record("core").Actions}); err != nil {
				t.Error(err)
			}
		})
		await(t, func() bool { hasty, _ := s.writer.using.waiting(); return hasty == 1 })
	})
	group.Wait()
	first, err := s.Actions(ctx, ActionQuery{Before: 2, Limit: 1})
	if err := errors.Join(append(errs, err)...); err != nil || len(first) != 1 || first[0].Who != "core" {
		t.Errorf("the first was %v, %v", first, err)
	}
	checkLog(t, s, 10)
}

// What fails a transaction fails all who share it, and leaves no trace in the chain.
func TestRecordFails(t *testing.T) {
	s := openTemp(t)
	var broken atomic.Bool
	onCommit(t, s, broken.Load)
	broken.Store(true)
	for i, err := range gather(t, s, 5, func() {}) {
		if err == nil {
			t.Errorf("Record %d is acknowledged", i)
		}
	}
	if err := s.Commit(ctx, &Changes{Actions: record("core").Actions}); err == nil {
		t.Error("Commit is acknowledged")
	}
	broken.Store(false)
	r := record("ann")
	if err := s.Record(ctx, r); err != nil || r.Actions[0].Seq != 1 || len(r.Actions[0].Hash) != 32 {
		t.Errorf("%+v, %v", r.Actions, err)
	}
	checkLog(t, s, 1)
}

// Whoever knows what is wrong with his own is refused alone.
func TestRecordRefuses(t *testing.T) {
	s := openTemp(t)
	for _, rate := range []float64{math.NaN(), math.Inf(1)} {
		r := &Records{Users: []octaskly.User{{Name: "ann", Quota: octaskly.Quota{Rate: rate}}}}
		if err := s.Record(ctx, r); !errors.As(err, new(*octaskly.FieldError)) {
			t.Errorf("rate %v: %v", rate, err)
		}
	}
	if err := s.Record(ctx, &Records{Keys: []octaskly.SigningKey{{ID: "k"}}}); err == nil {
		t.Error("a key without content is kept")
	}
	onCommit(t, s, func() bool { t.Error("nothing is committed"); return false })
	if err := s.Record(ctx, &Records{}); err != nil {
		t.Error(err)
	}
}

// A full disk refuses, and passes.
func TestRecordDiskFull(t *testing.T) {
	s := openTemp(t)
	r := record("ann")
	for range 500 {
		r.Actions = append(r.Actions, r.Actions[0])
	}
	setMaxPages(t, s, ask(t, s, `page_count`)+2)
	if err := s.Record(ctx, r); !errors.Is(err, ErrDiskFull) {
		t.Errorf("got %v, want ErrDiskFull", err)
	}
	setMaxPages(t, s, 1<<30)
	if err := s.Record(ctx, r); err != nil {
		t.Error(err)
	}
	checkLog(t, s, 501)
}

// While a database is being saved nobody can write, and is told why.
func TestRecordInOutage(t *testing.T) {
	s := openTemp(t)
	s.accuse("a test says so")
	if err := s.shut(ctx, s.suspicion.Load()); err != nil {
		t.Fatal(err)
	}
	if err := s.Record(ctx, record("ann")); !errors.Is(err, octaskly.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
	if err := s.reopen(ctx); err != nil {
		t.Fatal(err)
	}
	if err := s.Record(ctx, record("ann")); err != nil {
		t.Error(err)
	}
	checkLog(t, s, 1)
}

// Commits and Records at once make one chain, and each knows its rows.
func TestRecordBesideCommit(t *testing.T) {
	s := openTemp(t)
	mustExec(t, s, `PRAGMA synchronous = OFF`)
	const each, callers = 20, 8
	var group sync.WaitGroup
	for i := range callers {
		group.Go(func() {
			for n := range each {
				var a *octaskly.Action
				var err error
				who := fmt.Sprint(i, " ", n)
				if i == 0 {
					c := &Changes{Actions: record(who).Actions}
					a, err = &c.Actions[0], s.Commit(ctx, c)
				} else {
					r := record(who)
					a, err = &r.Actions[0], s.Record(ctx, r)
				}
				if err != nil {
					t.Error(err)
					return
				}
				kept, err := s.Actions(ctx, ActionQuery{Who: who, Limit: 2})
				if err != nil || len(kept) != 1 || kept[0].Seq != a.Seq || string(kept[0].Hash) != string(a.Hash) {
					t.Errorf("%s: kept %+v, want %+v; %v", who, kept, a, err)
				}
			}
		})
	}
	group.Wait()
	checkLog(t, s, each*callers)
}
