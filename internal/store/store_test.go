package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"modernc.org/sqlite"

	"github.com/octaskly/octaskly/internal/octaskly"
)

var (
	ctx   = context.Background()
	quiet = slog.New(slog.DiscardHandler)
)

func openTemp(t testing.TB) *Store {
	t.Helper()
	return openAt(t, filepath.Join(t.TempDir(), "octaskly.db"))
}

// newID is NextJobID where that cannot fail.
func newID(s interface {
	NextJobID() (octaskly.JobID, error)
}) octaskly.JobID {
	id, err := s.NextJobID()
	if err != nil {
		panic(err)
	}
	return id
}

func openAt(t testing.TB, path string) *Store {
	t.Helper()
	s, err := Open(ctx, path, quiet)
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

// TestSettings reads what durability and isolation rest on from the connections
// themselves: SQLite passes over what it does not understand.
func TestSettings(t *testing.T) {
	s := openTemp(t)
	ask := func(from source, setting string) (value string) {
		if err := from.QueryRowContext(ctx, `PRAGMA `+setting).Scan(&value); err != nil {
			t.Errorf("%s: %v", setting, err)
		}
		return value
	}
	for setting, want := range map[string]string{
		"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "busy_timeout": "5000",
		"cache_size": "-2048", "journal_size_limit": "67108864", "query_only": "0", "trusted_schema": "0",
	} {
		if got := ask(s.writer.conn, setting); got != want {
			t.Errorf("writer: %s is %s, want %s", setting, got, want)
		}
	}
	for setting, want := range map[string]string{"query_only": "1", "busy_timeout": "5000", "cache_size": "-512", "trusted_schema": "0"} {
		if got := ask(s.readers, setting); got != want {
			t.Errorf("reader: %s is %s, want %s", setting, got, want)
		}
	}
	if _, err := s.readers.ExecContext(ctx, `PRAGMA query_only = 0`); err != nil {
		t.Error(err)
	}
	if _, err := s.readers.ExecContext(ctx, `DELETE FROM jobs`); err == nil {
		t.Error("a reader can write")
	}
	if _, err := s.readers.QueryContext(ctx, `SELECT "no such column"`); err == nil {
		t.Error("a word in double quotes is taken for a string")
	}
	if !sqlite.FdatasyncEnabled() {
		t.Error("commits wait for time stamps")
	}
}

// What is closed lies in one file, whose size was known before.
func TestClose(t *testing.T) {
	s := openTemp(t)
	accept(t, s, newID(s))
	if _, err := s.Jobs(ctx, Query{Limit: 1}); err != nil {
		t.Fatal(err)
	}
	before := s.Size()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(filepath.Dir(s.path))
	if err != nil || len(files) != 2 || files[1].Name() != "octaskly.ids" || s.Size() == 0 || before <= s.Size() {
		t.Errorf("%v are left, with %d bytes of %d: %v", files, s.Size(), before, err)
	}
	if err := s.Commit(ctx, &Changes{}); err == nil {
		t.Error("a closed database can be written")
	}
	if _, err := s.Load(ctx); err == nil {
		t.Error("a closed database can be read")
	}
}

// moveAway is what to do about a file that is no database.
const moveAway = "; move it away, mv PATH PATH.old, and start anew or from a backup: octasklyd dispatcher restore FILE"

func TestOpenRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		prepare func(path string) error
		want    string
	}{
		"text": {
			func(path string) error { return os.WriteFile(path, []byte(strings.Repeat("no database ", 100)), 0o600) },
			"it is no database of octaskly: file is not a database (26)" + moveAway,
		},
		"another program's": {
			func(path string) error { return alter(path, `CREATE TABLE t (a)`) },
			"it is no database of octaskly" + moveAway,
		},
		"another program's with versions": {
			func(path string) error { return alter(path, `CREATE TABLE t (a); PRAGMA user_version = 1`) },
			"it is no database of octaskly" + moveAway,
		},
		"a newer one": {
			func(path string) error {
				s, err := Open(ctx, path, quiet)
				return errors.Join(err, s.Close(), alter(path, `PRAGMA user_version = 8`))
			},
			"its schema is version 8, this program knows up to 6; install a newer octaskly",
		},
		"a directory": {
			func(path string) error { return os.Mkdir(path, 0o700) },
			`"PATH" is a directory, no regular file; move it away: mv PATH PATH.old`,
		},
		"a directory that is missing": {
			func(path string) error { return os.Remove(filepath.Dir(path)) },
			"no such file or directory",
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "state", "octaskly.db")
			if err := errors.Join(os.Mkdir(filepath.Dir(path), 0o700), test.prepare(path)); err != nil {
				t.Fatal(err)
			}
			_, err := Open(ctx, path, quiet)
			want := fmt.Sprintf("cannot open database %q: %s", path, strings.ReplaceAll(test.want, "PATH", path))
			if err == nil || err.Error() != want {
				t.Errorf("got  %v\nwant %s", err, want)
			}
		})
	}
}

// alter does to a database what another program may do.
func alter(path, statements string) error {
	db := connect(path, 100, "")
	_, err := db.Exec(statements)
	return errors.Join(err, db.Close())
}

func TestFilesArePrivate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "octaskly.db")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	s := openAt(t, path)
	put(t, s, &Changes{Seq: 1})
	for _, suffix := range []string{"", "-wal", "-shm"} {
		info, err := os.Stat(s.path + suffix)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", suffix, info.Mode(), err)
		}
	}
}

// A path may have any bytes, those that mean something in an URI too.
func TestAnyPath(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a b?c#d%20&mode=memory", "x?.db")
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	s := openAt(t, path)
	accept(t, s, newID(s))
	if _, err := s.Job(ctx, 1); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path + "-wal"); err != nil {
		t.Error(err)
	}
}

func TestIDsAreNotReused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "octaskly.db")
	s := openAt(t, path)
	accept(t, s, newID(s))
	accept(t, s, newID(s))
	for _, table := range []string{"progress", "jobs"} {
		mustExec(t, s, `DELETE FROM `+table)
	}
	s.Close()
	if id := newID(openAt(t, path)); id != 3 {
		t.Errorf("the next id is %v, want 3", id)
	}
}

// accept commits a job of one task.
func accept(t testing.TB, s *Store, id octaskly.JobID) {
	t.Helper()
	put(t, s, plainJob(id))
}

// A full disk refuses the whole commit, keeps what was there and passes.
func TestDiskFull(t *testing.T) {
	s := openTemp(t)
	accept(t, s, newID(s))
	c := plainJob(newID(s))
	c.Seq = 9
	for i := range octaskly.Index(3000) {
		c.Tasks = append(c.Tasks, octaskly.Task{Job: 2, Index: i, State: octaskly.Queued})
	}
	setMaxPages(t, s, ask(t, s, `page_count`)+5)
	if err := s.Commit(ctx, c); !errors.Is(err, ErrDiskFull) {
		t.Fatalf("got %v, want ErrDiskFull", err)
	}
	if _, err := s.Job(ctx, 2); !errors.Is(err, octaskly.ErrNotFound) {
		t.Errorf("half of a commit is there: %v", err)
	}
	if some, err := s.Tasks(ctx, 2, nil, 0, 9); err != nil || len(some) > 0 {
		t.Errorf("half of a commit is there: %v, %v", some, err)
	}
	if snapshot, err := s.Load(ctx); err != nil || snapshot.Seq != 0 || snapshot.Last != 1 {
		t.Errorf("%+v, %v", snapshot, err)
	}
	setMaxPages(t, s, 1<<30)
	put(t, s, c)
	if some, err := s.Tasks(ctx, 2, nil, 0, 9999); err != nil || len(some) != len(c.Tasks) {
		t.Errorf("%d tasks are there: %v", len(some), err)
	}
}

// A transaction that fails in its very last step is an error too, and nothing of
// it is there.
func TestCommitFails(t *testing.T) {
	s := openTemp(t)
	answer := func(n int32) {
		err := s.writer.conn.Raw(func(conn any) error {
			conn.(sqlite.HookRegisterer).RegisterCommitHook(func() int32 { return n })
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	answer(1)
	if err := s.Commit(ctx, plainJob(1)); err == nil {
		t.Error("what was rolled back is acknowledged")
	}
	if _, err := s.Job(ctx, 1); !errors.Is(err, octaskly.ErrNotFound) {
		t.Errorf("what was rolled back is there: %v", err)
	}
	answer(0)
	accept(t, s, 1)
}

// setMaxPages is the end of the disk.
func setMaxPages(t *testing.T, s *Store, n int) {
	t.Helper()
	if ask(t, s, fmt.Sprintf(`max_page_count = %d`, n)) != n {
		t.Fatal("the database has as many pages already")
	}
}

func ask(t *testing.T, s *Store, pragma string) (n int) {
	t.Helper()
	if err := s.writer.conn.QueryRowContext(ctx, `PRAGMA `+pragma).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}
