package store

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/octaskly/octaskly/internal/octaskly"
)

var ctx = context.Background()

func openTemp(t testing.TB) *Store {
	t.Helper()
	return openAt(t, filepath.Join(t.TempDir(), "octaskly.db"))
}

func openAt(t testing.TB, path string) *Store {
	t.Helper()
	s, err := Open(ctx, path, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestNewerSchemaIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "octaskly.db")
	s := openAt(t, path)
	if _, err := s.writer.conn.ExecContext(ctx, `PRAGMA user_version = 7`); err != nil {
		t.Fatal(err)
	}
	s.Close()
	_, err := Open(ctx, path, slog.New(slog.DiscardHandler))
	want := "its schema is version 7, this program knows up to 1; install a newer octaskly"
	if err == nil || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("got %v, want …%s", err, want)
	}
}

func TestNoDatabase(t *testing.T) {
	path := filepath.Join(t.TempDir(), "octaskly.db")
	if err := os.WriteFile(path, []byte(strings.Repeat("this is no database ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Open(ctx, path, slog.New(slog.DiscardHandler))
	if err == nil || !strings.Contains(err.Error(), "it is no database of octaskly") {
		t.Errorf("got %v", err)
	}
}

func TestFilesArePrivate(t *testing.T) {
	s := openTemp(t)
	commit(t, s, &Changes{Seq: 1})
	for _, suffix := range []string{"", "-wal", "-shm"} {
		info, err := os.Stat(s.path + suffix)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", suffix, info.Mode(), err)
		}
	}
}

func TestGenerationStays(t *testing.T) {
	path := filepath.Join(t.TempDir(), "octaskly.db")
	s := openAt(t, path)
	first := s.Generation()
	s.Close()
	if again := openAt(t, path).Generation(); again != first || len(first) < 26 {
		t.Errorf("%q, then %q", first, again)
	}
	if other := openTemp(t).Generation(); other == first {
		t.Error("two databases have one name")
	}
}

func TestIDsAreNotReused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "octaskly.db")
	s := openAt(t, path)
	accept(t, s, s.NextJobID())
	accept(t, s, s.NextJobID())
	for _, table := range []string{"progress", "jobs"} {
		if _, err := s.writer.conn.ExecContext(ctx, `DELETE FROM `+table); err != nil {
			t.Fatal(err)
		}
	}
	s.Close()
	if id := openAt(t, path).NextJobID(); id != 3 {
		t.Errorf("the next id is %v, want 3", id)
	}
}

func accept(t testing.TB, s *Store, id octaskly.JobID) octaskly.Job {
	t.Helper()
	job := octaskly.Job{ID: id, Owner: "me", SpecVersion: 1, Spec: []byte{0xa0}, Elements: octaskly.Span(0, 0),
		SubmittedAt: time.UnixMicro(1e15).UTC()}
	commit(t, s, &Changes{Jobs: []octaskly.Job{job}, Progress: []ProgressRow{{id, octaskly.Progress{Unclaimed: job.Elements}}}})
	return job
}

// A full disk refuses the whole commit, keeps what was there and passes.
func TestDiskFull(t *testing.T) {
	s := openTemp(t)
	accept(t, s, s.NextJobID())
	var pages int
	if err := s.writer.conn.QueryRowContext(ctx, `PRAGMA page_count`).Scan(&pages); err != nil {
		t.Fatal(err)
	}
	setMax := func(n int) {
		if err := s.writer.conn.QueryRowContext(ctx, `PRAGMA max_page_count = `+octaskly.JobID(n).String()).Scan(new(int)); err != nil {
			t.Fatal(err)
		}
	}
	setMax(pages)
	id := s.NextJobID()
	job := octaskly.Job{ID: id, Owner: "me", SpecVersion: 1, Spec: make([]byte, 100_000), Elements: octaskly.Span(0, 0)}
	err := s.Commit(ctx, &Changes{Seq: 9, Jobs: []octaskly.Job{job}, Progress: []ProgressRow{{Job: id}}})
	if !errors.Is(err, ErrDiskFull) {
		t.Fatalf("got %v, want ErrDiskFull", err)
	}
	if _, err := s.Job(ctx, id); !errors.Is(err, octaskly.ErrNotFound) {
		t.Errorf("half of a commit is there: %v", err)
	}
	if snapshot, err := s.Load(ctx); err != nil || snapshot.Seq != 0 || len(snapshot.Live) != 1 {
		t.Errorf("%+v, %v", snapshot, err)
	}
	setMax(1 << 30)
	commit(t, s, &Changes{Jobs: []octaskly.Job{job}, Progress: []ProgressRow{{Job: id}}})
}

func TestRoundTrip(t *testing.T) {
	path := filepath.Join(t.TempDir(), "octaskly.db")
	s := openAt(t, path)
	at := time.UnixMicro(1_700_000_000_123_456).UTC()
	job := octaskly.Job{ID: s.NextJobID(), Owner: "alice", Name: "sum", SpecVersion: 1, Spec: []byte{1, 0, 255}, Elements: octaskly.Span(0, 999_999),
		Array: true, AtOnce: 4, Key: "k", SubmittedAt: at}
	progress := octaskly.Progress{Unclaimed: octaskly.Span(3, 899_999), Dropped: octaskly.Span(900_000, 999_999), CancelReason: "by alice", Seq: 11}
	progress.Rows[octaskly.Running], progress.Rows[octaskly.Failed], progress.Rows[octaskly.Queued] = 1, 1, 1
	tasks := []octaskly.Task{
		{Job: job.ID, Index: 0, State: octaskly.Running, Attempt: 2, Losses: 1, Worker: "w", Cancel: true, Detail: "by alice", AssignedAt: at, StartedAt: at, Seq: 8},
		{Job: job.ID, Index: 1, State: octaskly.Failed, Attempt: 1, Worker: "w", Reason: "exit:3", AssignedAt: at, StartedAt: at, EndedAt: at, Seq: 9},
		{Job: job.ID, Index: 2, State: octaskly.Queued, Attempt: 1, Failures: 1, Worker: "w", NotBefore: at, AssignedAt: at, StartedAt: at, Seq: 10},
	}
	attempt := octaskly.Attempt{ID: tasks[1].Current(), Worker: "w", AssignedAt: at, Seq: 9, Inline: []byte("\x01\x00\x00\x00\x01x"), End: octaskly.End{
		State: octaskly.Failed, Reason: "exit:3", Detail: "d", StartedAt: at, EndedAt: at, CPUTime: time.Second, MaxRSS: 1 << 20, Leftover: true,
		Output: octaskly.OutputSize{Stored: 6, Stdout: 1, Stderr: 2, Discarded: 3},
	}}
	worker := octaskly.Worker{ID: "w", Name: "w1", Version: "1", Slots: 4, Room: octaskly.Room{"cpu": 4000}, Features: []string{"kill:cgroup"}, Address: "a", SeenAt: at}
	var ended octaskly.Counts
	ended[octaskly.Failed], ended[octaskly.Cancelled] = 1, 100_000
	commit(t, s, &Changes{Jobs: []octaskly.Job{job}, Progress: []ProgressRow{{job.ID, progress}}, Tasks: tasks,
		Attempts: []octaskly.Attempt{attempt}, Workers: []octaskly.Worker{worker}, Seq: 11, Ended: ended})
	s.Close()

	s = openAt(t, path)
	snapshot, err := s.Load(ctx)
	want := &Snapshot{Seq: 11, Totals: ended, Workers: []octaskly.Worker{worker},
		Live: []LiveJob{{job, progress, []octaskly.Task{tasks[0], tasks[2]}}}}
	same(t, "Load", want, snapshot, err)
	record, err := s.Job(ctx, job.ID)
	same(t, "Job", &Record{Job: job, Progress: progress}, record, err)
	id, err := s.JobByKey(ctx, "alice", "k")
	same(t, "JobByKey", job.ID, id, err)
	if _, err := s.JobByKey(ctx, "bob", "k"); !errors.Is(err, octaskly.ErrNotFound) {
		t.Errorf("another owner's key: %v", err)
	}
	task, err := s.Task(ctx, job.ID, 1)
	same(t, "Task", &tasks[1], task, err)
	if _, err := s.Task(ctx, job.ID, 5); !errors.Is(err, octaskly.ErrNotFound) {
		t.Errorf("a task without a row: %v", err)
	}
	some, err := s.Tasks(ctx, job.ID, []octaskly.State{octaskly.Failed, octaskly.Queued}, 1, 10)
	same(t, "Tasks", tasks[1:], some, err)
	inline, stored, err := s.Output(ctx, attempt.ID)
	same(t, "Output", attempt.Inline, inline, err)
	if stored != 6 {
		t.Errorf("stored %d", stored)
	}
	attempt.Inline = nil
	attempts, err := s.Attempts(ctx, job.ID, 1)
	same(t, "Attempts", []octaskly.Attempt{attempt}, attempts, err)
}

func same(t *testing.T, what string, want, got any, err error) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%s: %v (-want +got):\n%s", what, err, diff)
	}
}

func TestJobs(t *testing.T) {
	s := openTemp(t)
	for id := range octaskly.JobID(10) {
		job := octaskly.Job{ID: id + 1, Owner: []string{"alice", "bob"}[id%2], SpecVersion: 1, Spec: []byte{0xa0}, Elements: octaskly.Span(0, 0)}
		p := octaskly.Progress{Unclaimed: job.Elements}
		if id < 5 {
			p = octaskly.Progress{EndedAt: time.UnixMicro(5)}
			p.Rows[octaskly.Completed] = 1
		}
		commit(t, s, &Changes{Jobs: []octaskly.Job{job}, Progress: []ProgressRow{{job.ID, p}},
			Tasks: []octaskly.Task{{Job: job.ID, State: octaskly.Completed}}})
	}
	for _, test := range []struct {
		name  string
		query Query
		want  []octaskly.JobID
	}{
		{"all", Query{Live: true, Ended: true, Limit: 100}, []octaskly.JobID{10, 9, 8, 7, 6, 5, 4, 3, 2, 1}},
		{"live", Query{Live: true, Limit: 2}, []octaskly.JobID{10, 9}},
		{"ended", Query{Ended: true, Limit: 100}, []octaskly.JobID{5, 4, 3, 2, 1}},
		{"owner", Query{Live: true, Ended: true, Owner: "bob", Limit: 100}, []octaskly.JobID{10, 8, 6, 4, 2}},
		{"ids", Query{Live: true, Ended: true, IDs: octaskly.Ranges{{Lo: 1, Hi: 5, Step: 2}, {Lo: 9, Hi: 9, Step: 1}}, Limit: 100}, []octaskly.JobID{9, 5, 3, 1}},
		{"states", Query{Live: true, Ended: true, States: []octaskly.State{octaskly.Completed}, Before: 3, Limit: 100}, []octaskly.JobID{2, 1}},
	} {
		records, err := s.Jobs(ctx, test.query)
		var got []octaskly.JobID
		for _, r := range records {
			got = append(got, r.Job.ID)
			if r.Task == nil {
				t.Errorf("%s: job %v comes without its task", test.name, r.Job.ID)
			}
		}
		same(t, test.name, test.want, got, err)
	}
	last, err := s.LastJob(ctx, "alice")
	same(t, "LastJob", octaskly.JobID(9), last, err)
}
