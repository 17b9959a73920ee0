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

func mustExec(t testing.TB, s *Store, statement string) {
	t.Helper()
	if _, err := s.writer.conn.ExecContext(ctx, statement); err != nil {
		t.Fatal(err)
	}
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
	put(t, s, &Changes{Seq: 1})
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
	put(t, s, &Changes{Jobs: []octaskly.Job{job}, Progress: []ProgressRow{{id, octaskly.Progress{Unclaimed: job.Elements}}}})
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
	put(t, s, &Changes{Jobs: []octaskly.Job{job}, Progress: []ProgressRow{{Job: id}}})
}
