package store

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// collectDir names the variable that makes the test program submit, forget and
// remove until it is killed.
const collectDir = "OCTASKLY_TEST_COLLECT"

// collectUntilKilled says of each job that is over and kept, or is forgotten and
// may be half removed: its number.
func collectUntilKilled(path string) {
	s, err := Open(ctx, path, quiet)
	if last := s.nextJob.Load(); last > 0 { // the one before may have died before it forgot its last
		_, err = s.Forget(ctx, []octaskly.JobID{octaskly.JobID(last &^ 1)})
	}
	for err == nil {
		id := newID(s)
		if err = s.Commit(ctx, overJob(id, tasksOf(id), "blob")); err == nil && id%2 == 0 {
			_, err = s.Forget(ctx, []octaskly.JobID{id})
		}
		fmt.Println(id)
		for removed := 0; err == nil && removed == 0 && id%2 == 0 && rand.IntN(8) > 0; {
			removed, err = s.Remove(ctx, []octaskly.JobID{id}, 0)
		}
	}
	fmt.Println(err)
}

// tasksOf is how many tasks a job of this test has.
func tasksOf(id octaskly.JobID) int64 { return 1 + int64(id)%(3*removeRows) }

// However a process dies amid all this: what was not forgotten is there as a whole,
// what was is gone, and the next process finds what is left of it.
func TestCollectCrash(t *testing.T) {
	path := filepath.Join(t.TempDir(), "octaskly.db")
	found := 0
	for i := 0; i < 5 || found == 0 && i < 50; i++ { // whether one leaves something is chance
		last := killAfter(t, collectDir, path, 1+rand.IntN(25))
		s := openAt(t, path)
		left, err := s.Forgotten(ctx)
		if err != nil {
			t.Fatal(err)
		}
		found += len(left)
		checkHalves(t, s, last)
		removeAll(t, s, left)
		checkHalves(t, s, last)
		if newID(s) <= octaskly.JobID(last) {
			t.Error("an id is given out again")
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if found == 0 {
		t.Error("no process has left anything to remove")
	}
}

// checkHalves wants every odd job up to last as it was, and no even one.
func checkHalves(t *testing.T, s *Store, last int64) {
	t.Helper()
	for id := octaskly.JobID(1); int64(id) <= last; id++ {
		fate, _, err := s.Fate(ctx, id)
		tasks, failed := s.Tasks(ctx, id, nil, 0, 1000)
		inputs, broken := s.Inputs(ctx, []octaskly.JobID{id})
		switch {
		case err != nil || failed != nil || broken != nil:
			t.Fatal(err, failed, broken)
		case id%2 == 0 && fate != Removed:
			t.Fatalf("job %v is back: %v", id, fate)
		case id%2 == 1 && (fate != Over || int64(len(tasks)) != tasksOf(id) || len(inputs) != 1):
			t.Fatalf("job %v: %v, %d tasks, %d inputs", id, fate, len(tasks), len(inputs))
		}
	}
	var check string
	if err := s.writer.conn.QueryRowContext(ctx, `PRAGMA integrity_check`).Scan(&check); err != nil || check != "ok" {
		t.Fatalf("%s, %v", check, err)
	}
}
