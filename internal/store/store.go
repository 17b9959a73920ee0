package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"sync/atomic"

	"modernc.org/sqlite"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// Store is an open database.
type Store struct {
	path       string
	generation string
	nextJob    atomic.Int64

	writing *sql.DB
	writer  *writer
	readers *readers
}

const (
	writerCache = 2 << 10  // KiB; more is no faster, the kernel has the pages too
	maxIdleLog  = 64 << 20 // bytes of the write-ahead log that stay on disk when it has been copied back
)

// Open opens the database at path; it makes and migrates it if it must.
func Open(ctx context.Context, path string, log *slog.Logger) (*Store, error) {
	s := &Store{path: path}
	if err := s.open(ctx, log); err != nil {
		s.Close()
		return nil, fmt.Errorf("cannot open database %q: %w", path, explain(err))
	}
	return s, nil
}

func (s *Store) open(ctx context.Context, log *slog.Logger) (err error) {
	if err := createPrivate(s.path); err != nil {
		return err
	}
	// As durable as fsync(2), which SQLite calls by default, without the wait
	// for the log's time stamps.
	if _, err := sqlite.Fdatasync(true); err != nil {
		return err
	}
	s.writing = connect(s.path, writerCache, fmt.Sprintf(
		"_txlock=immediate&_journal_mode=WAL&_synchronous=FULL&_foreign_keys=1&_pragma=journal_size_limit(%d)", maxIdleLog))
	s.writing.SetMaxOpenConns(1)
	if err := migrate(ctx, s.writing, log); err != nil {
		return err
	}
	if s.generation, err = generation(ctx, s.writing); err != nil {
		return err
	}
	if err := s.readLastJob(ctx); err != nil {
		return err
	}
	if s.writer, err = newWriter(ctx, s.writing); err != nil {
		return err
	}
	s.readers, err = openReaders(ctx, s.path)
	return err
}

// createPrivate makes the file with a mode that SQLite copies to its others.
func createPrivate(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(f.Chmod(0o600), f.Close()) // it may have been copied here
}

func connect(path string, cacheKiB int, options string) *sql.DB {
	dsn := fmt.Sprintf("file:%s?%s&_busy_timeout=5000&_defensive=1&_dqs=0&_pragma=cache_size(-%d)",
		(&url.URL{Path: path}).EscapedPath(), options, cacheKiB)
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		panic(err) // only an unknown driver's name is an error here
	}
	return db
}

// readLastJob finds the id after which the next job's comes. The sequence keeps
// it, even when the jobs themselves are gone.
func (s *Store) readLastJob(ctx context.Context) error {
	var last sql.NullInt64
	err := s.writing.QueryRowContext(ctx, `SELECT max(seq) FROM sqlite_sequence WHERE name = 'jobs'`).Scan(&last)
	s.nextJob.Store(last.Int64)
	return err
}

// NextJobID gives out an id that no job has had. One that is not used is lost
// with the process, and given out again by the next.
func (s *Store) NextJobID() octaskly.JobID { return octaskly.JobID(s.nextJob.Add(1)) }

// Generation names this database: 26 letters and digits. A restored backup
// draws another one.
func (s *Store) Generation() string { return s.generation }

// Size is what the database takes up on disk, in bytes.
func (s *Store) Size() (n int64) {
	for _, suffix := range []string{"", "-wal"} {
		if info, err := os.Stat(s.path + suffix); err == nil {
			n += info.Size()
		}
	}
	return n
}

// Close copies the write-ahead log back into the database and lets it go.
func (s *Store) Close() error {
	var errs []error
	if s.readers != nil {
		errs = append(errs, s.readers.Close())
	}
	if s.writer != nil {
		errs = append(errs, s.writer.close())
	}
	if s.writing != nil {
		errs = append(errs, s.writing.Close())
	}
	return errors.Join(errs...)
}
