package store

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// crashDir names the variable that makes the test program commit until it is
// killed.
const crashDir = "OCTASKLY_TEST_CRASH"

// commitUntilKilled says of each commit that it is done: its number.
func commitUntilKilled(path string) {
	s, err := Open(ctx, path, quiet)
	if err != nil {
		fmt.Println(err)
		return
	}
	for {
		id := newID(s)
		if err := s.Commit(ctx, crashChanges(id)); err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(id)
	}
}

// crashChanges touch every table that a job's life touches.
func crashChanges(id octaskly.JobID) *Changes {
	job := octaskly.Job{ID: id, Owner: "me", SpecVersion: 1, Spec: make([]byte, 500), Elements: octaskly.Span(0, 0)}
	task := octaskly.Task{Job: id, State: octaskly.Completed, Attempt: 1, Seq: int64(id)}
	c := &Changes{
		Seq: int64(id), Jobs: []octaskly.Job{job}, Progress: []ProgressRow{{Job: id}}, Tasks: []octaskly.Task{task},
		Attempts: []octaskly.Attempt{{ID: task.Current(), Seq: int64(id), Inline: make([]byte, 5000)}},
	}
	c.Ended[octaskly.Completed] = 1
	return c
}

// However a process dies, what it was told is on disk stays there, and half of
// a commit is never there.
func TestCrash(t *testing.T) {
	path := filepath.Join(t.TempDir(), "octaskly.db")
	var acknowledged int64
	for range 8 {
		acknowledged = max(acknowledged, killAfter(t, crashDir, path, 1+rand.IntN(40)))
		s := openAt(t, path)
		checkCrashed(t, s, acknowledged)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// killAfter kills a child that has committed n times, and is about to go on; it
// returns the last commit that the child spoke of.
func killAfter(t *testing.T, variable, path string, n int) (last int64) {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), variable+"="+path)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for i := 1; lines.Scan(); i++ {
		if last, err = strconv.ParseInt(lines.Text(), 10, 64); err != nil {
			t.Error(lines.Text())
		}
		if i == n {
			child.Process.Kill()
		}
	}
	if err := child.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Fatalf("the child ended by itself: %v", err)
	}
	return last
}

func checkCrashed(t *testing.T, s *Store, acknowledged int64) {
	t.Helper()
	snapshot, err := s.Load(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if snapshot.Seq < acknowledged {
		t.Fatalf("commit %d was acknowledged, %d is the last on disk", acknowledged, snapshot.Seq)
	}
	var check string
	if err := s.writer.conn.QueryRowContext(ctx, `PRAGMA integrity_check`).Scan(&check); err != nil || check != "ok" {
		t.Fatalf("%s, %v", check, err)
	}
	for _, table := range []string{"jobs", "progress", "tasks", "results"} {
		var rows int64
		if err := s.writer.conn.QueryRowContext(ctx, `SELECT count(*) FROM `+table).Scan(&rows); err != nil || rows != snapshot.Seq {
			t.Errorf("%s has %d rows after %d commits: %v", table, rows, snapshot.Seq, err)
		}
	}
	if got := snapshot.Totals[octaskly.Completed]; got != snapshot.Seq {
		t.Errorf("%d have completed in %d commits", got, snapshot.Seq)
	}
}
