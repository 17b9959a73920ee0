package store

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// overJob is a job of n tasks that have ended, an attempt each, with inputs.
func overJob(id octaskly.JobID, n int64, blobs ...octaskly.Blob) *Changes {
	at := time.UnixMicro(int64(id) * 1000).UTC()
	p := octaskly.Progress{EndedAt: at, Seq: int64(id) << 20}
	p.Rows[octaskly.Completed] = n
	c := &Changes{
		Jobs: []octaskly.Job{{ID: id, Owner: "me", Key: id.String(), SpecVersion: 1, Spec: make([]byte, 300),
			Elements: octaskly.Span(0, n-1), Array: n > 1, SubmittedAt: at}},
		Progress: []ProgressRow{{id, p}}, Seq: p.Seq,
	}
	for i := range n {
		c.Tasks = append(c.Tasks, octaskly.Task{Job: id, Index: i, State: octaskly.Completed, Attempt: 1, EndedAt: at})
		c.Attempts = append(c.Attempts, octaskly.Attempt{ID: c.Tasks[i].Current(), Seq: int64(id)<<20 + i, Inline: make([]byte, 3)})
		c.Attempts[i].End.Output.Stored = 3
	}
	for _, b := range blobs {
		c.Inputs = append(c.Inputs, Input{b, id})
	}
	c.Ended[octaskly.Completed] = n
	return c
}

// rows counts what is left of everything.
func rows(t testing.TB, s *Store) (n int) {
	t.Helper()
	for _, table := range []string{"jobs", "progress", "tasks", "results", "inputs"} {
		var some int
		if err := s.writer.conn.QueryRowContext(ctx, `SELECT count(*) FROM `+table).Scan(&some); err != nil {
			t.Fatal(err)
		}
		n += some
	}
	return n
}

// removeAll removes in steps of no time at all.
func removeAll(t testing.TB, s *Store, ids []octaskly.JobID) (steps int) {
	t.Helper()
	for len(ids) > 0 {
		n, err := s.Remove(ctx, ids, 0)
		if err != nil {
			t.Fatal(err)
		}
		ids, steps = ids[n:], steps+1
	}
	return steps
}

// What is forgotten is gone for every read from then on, and its rows by and by.
func TestForget(t *testing.T) {
	s := openTemp(t)
	put(t, s, overJob(newID(s), 1, "a"))
	put(t, s, overJob(newID(s), 100, "a", "b"))
	put(t, s, plainJob(newID(s)))
	gone, err := s.Forget(ctx, []octaskly.JobID{2, 3, 4})
	same(t, "Forget", []octaskly.JobID{2}, gone, err)
	gone, err = s.Forget(ctx, []octaskly.JobID{2})
	same(t, "Forget again", []octaskly.JobID(nil), gone, err)

	checkGone(t, s)
	if steps := removeAll(t, s, []octaskly.JobID{2}); steps < 6 {
		t.Errorf("200 rows and more were removed in %d steps", steps)
	}
	checkGone(t, s)
	left, err := s.Forgotten(ctx)
	same(t, "Forgotten", []octaskly.JobID(nil), left, err)
	if n := rows(t, s); n != 5+2 {
		t.Errorf("%d rows are left", n)
	}
	totals, err := s.Totals(ctx)
	same(t, "Totals", int64(101), totals[octaskly.Completed], err)
}

// checkGone looks for job 2 in all ways there are; 1 and 3 are there.
func checkGone(t *testing.T, s *Store) {
	t.Helper()
	if _, err := s.Job(ctx, 2); !errors.Is(err, octaskly.ErrNotFound) {
		t.Errorf("it is found: %v", err)
	}
	if _, err := s.JobByKey(ctx, "me", "2"); !errors.Is(err, octaskly.ErrNotFound) {
		t.Errorf("it is found by its key: %v", err)
	}
	for _, q := range []Query{{Limit: 9}, {Ended: true, Limit: 9}, {Owner: "me", Limit: 9}, {States: []octaskly.State{octaskly.Completed}, Limit: 9}, {IDs: octaskly.Span(2, 2), Limit: 9}} {
		ids, err := s.IDs(ctx, q)
		if slices.Contains(ids, 2) || err != nil {
			t.Errorf("%+v lists %v, %v", q, ids, err)
		}
	}
	kept, err := s.Kept(ctx, 0, 9)
	same(t, "Kept", []Kept{{Job: 1, SubmittedAt: fromMicros(1000), EndedAt: fromMicros(1000), Tasks: 1}}, kept, err)
	count, err := s.CountKept(ctx, 1<<40)
	same(t, "CountKept", int64(1), count, err)
	for id, want := range map[octaskly.JobID]Fate{0: Unborn, 1: Over, 2: Removed, 3: Live, 4: Unborn} {
		fate, _, err := s.Fate(ctx, id)
		same(t, "Fate", want, fate, err)
	}
}

// The latest job that is there is the last, though a later one is gone.
func TestForgetLast(t *testing.T) {
	s := openTemp(t)
	for range 3 {
		put(t, s, overJob(newID(s), 1))
	}
	if _, err := s.Forget(ctx, []octaskly.JobID{2, 3}); err != nil {
		t.Fatal(err)
	}
	for _, owner := range []string{"", "me"} {
		last, err := s.LastJob(ctx, owner)
		same(t, "LastJob", octaskly.JobID(1), last, err)
	}
}

// Nothing is removed that has not been forgotten.
func TestRemoveRefuses(t *testing.T) {
	s := openTemp(t)
	put(t, s, overJob(1, 2))
	put(t, s, plainJob(2))
	before := rows(t, s)
	for _, id := range []octaskly.JobID{1, 2} {
		if _, err := s.Remove(ctx, []octaskly.JobID{id}, time.Minute); err == nil {
			t.Errorf("job %v was removed", id)
		}
	}
	if n, err := s.Remove(ctx, []octaskly.JobID{0, 7, 1 << 60}, time.Minute); n != 3 || err != nil {
		t.Errorf("of what is not there %d are through: %v", n, err)
	}
	if after := rows(t, s); after != before {
		t.Errorf("%d rows of %d are left", after, before)
	}
}

// An id stays its job's for ever, and a key is free.
func TestForgottenIDs(t *testing.T) {
	s := openTemp(t)
	for range 3 {
		put(t, s, overJob(newID(s), 1))
	}
	again := overJob(4, 1)
	again.Jobs[0].Key = "3"
	if _, err := s.Forget(ctx, []octaskly.JobID{1, 2, 3}); err != nil {
		t.Fatal(err)
	}
	put(t, s, again) // though the rows of the first are there
	if gone, err := s.Forget(ctx, []octaskly.JobID{4}); len(gone) != 1 || err != nil {
		t.Fatal(gone, err)
	}
	removeAll(t, s, []octaskly.JobID{1, 2, 3, 4})
	if n := rows(t, s); n != 0 {
		t.Errorf("%d rows are left", n)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openAt(t, s.path)
	if !s.Given(4) || s.Given(5) {
		t.Error("it has forgotten which ids were given out")
	}
	if id := newID(s); id != 5 {
		t.Errorf("id %v comes after 4", id)
	}
}

// A step that waits for no disk leaves commits as durable as they were.
func TestForgetLeavesSync(t *testing.T) {
	s := openTemp(t)
	put(t, s, overJob(1, 1))
	for range 2 {
		if _, err := s.Forget(ctx, []octaskly.JobID{1}); err != nil {
			t.Fatal(err)
		}
		if got := ask(t, s, `synchronous`); got != 2 {
			t.Errorf("synchronous is %d", got)
		}
	}
	s.writer.loose = true // as if that had failed
	mustExec(t, s, `PRAGMA synchronous = NORMAL`)
	put(t, s, plainJob(2))
	if got := ask(t, s, `synchronous`); got != 2 || s.writer.loose {
		t.Errorf("synchronous is %d after the next commit", got)
	}
}

func TestFiles(t *testing.T) {
	s := openTemp(t)
	c := overJob(1, 3)
	c.Attempts[1].End.Output.Stored = 4
	c.Attempts[2].End.Output.Stored, c.Attempts[2].Inline = 1, nil
	put(t, s, c)
	put(t, s, overJob(2, 1))
	files, err := s.Files(ctx, 1)
	same(t, "Files", []octaskly.AttemptID{{Job: 1, Index: 1, Number: 1}, {Job: 1, Index: 2, Number: 1}}, files, err)
}

func TestInputs(t *testing.T) {
	s := openTemp(t)
	put(t, s, overJob(1, 1, "a", "a", "b"))
	put(t, s, overJob(2, 1, "b"))
	live := plainJob(3)
	live.Inputs = []Input{{"a", 3}}
	put(t, s, live)
	inputs, err := s.Inputs(ctx, []octaskly.JobID{1})
	same(t, "Inputs", []Input{{"a", 1}, {"b", 1}}, inputs, err)
	inputs, err = s.InputsAfter(ctx, 1, 1)
	same(t, "InputsAfter", []Input{{"b", 2}}, inputs, err)
	for blob, want := range map[octaskly.Blob]octaskly.JobID{"a": 3, "b": 2, "c": 0} {
		last, err := s.LastReader(ctx, blob)
		same(t, "LastReader", want, last, err)
		needed, err := s.Needed(ctx, blob)
		same(t, "Needed", blob == "a", needed, err)
		his, err := s.Reads(ctx, "me", blob)
		same(t, "Reads", blob != "c", his, err)
		his, err = s.Reads(ctx, "bob", blob)
		same(t, "Reads of another", false, his, err)
	}
}

// Jobs from before inputs were noted are known as such for as long as they are
// there.
func TestUnlisted(t *testing.T) {
	s := openTemp(t)
	put(t, s, overJob(1, 1))
	some, err := s.Unlisted(ctx)
	same(t, "Unlisted in a new database", false, some, err)

	path := filepath.Join(t.TempDir(), "octaskly.db")
	data, err := os.ReadFile("testdata/v2.db")
	if err := errors.Join(err, os.WriteFile(path, data, 0o600)); err != nil {
		t.Fatal(err)
	}
	s = openAt(t, path)
	put(t, s, overJob(3, 1))
	some, err = s.Unlisted(ctx)
	same(t, "Unlisted", true, some, err)
	mustExec(t, s, `DELETE FROM progress; DELETE FROM jobs WHERE id < 3`)
	some, err = s.Unlisted(ctx)
	same(t, "Unlisted when they are gone", false, some, err)
}

// However steps, commits and restarts follow on each other, a job is there as a
// whole or not at all, and in the end nothing is left of those that are gone.
func TestCollectModel(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		s := openTemp(t)
		defer func() { s.Close() }()
		there, marked := map[octaskly.JobID]int64{}, map[octaskly.JobID]bool{}
		for range rapid.IntRange(1, 15).Draw(r, "steps") {
			id := octaskly.JobID(rapid.IntRange(1, len(there)+len(marked)+1).Draw(r, "job"))
			switch rapid.IntRange(0, 4).Draw(r, "step") {
			case 0:
				n := rapid.Int64Range(1, 2*removeRows+1).Draw(r, "tasks")
				job := newID(s)
				put(t, s, overJob(job, n, "blob"))
				there[job] = n
			case 1:
				gone, err := s.Forget(ctx, []octaskly.JobID{id})
				if (len(gone) == 1) != (there[id] > 0) || err != nil {
					r.Fatalf("job %v of %d tasks: forgot %v, %v", id, there[id], gone, err)
				}
				if len(gone) == 1 {
					delete(there, id)
					marked[id] = true
				}
			case 2:
				if marked[id] {
					if _, err := s.Remove(ctx, []octaskly.JobID{id}, 0); err != nil {
						r.Fatal(err)
					}
				}
			case 3:
				s.Close()
				s = openAt(t, s.path)
			}
			switch tasks, err := s.Tasks(ctx, id, nil, 0, 1000); {
			case err != nil:
				r.Fatal(err)
			case there[id] > 0 && int64(len(tasks)) != there[id]:
				r.Fatalf("job %v has %d tasks of %d", id, len(tasks), there[id])
			}
			if _, err := s.Job(ctx, id); (err == nil) != (there[id] > 0) {
				r.Fatalf("job %v, forgotten %v: %v", id, marked[id], err)
			}
		}
		left, err := s.Forgotten(ctx)
		if err != nil {
			r.Fatal(err)
		}
		removeAll(t, s, left)
		want := 0
		for _, n := range there {
			want += 3 + 2*int(n)
		}
		if got := rows(t, s); got != want {
			r.Fatalf("%d rows are left, want %d", got, want)
		}
	})
}
