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
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// ErrDiskFull says that there was no room for what was to be written. Nothing
// of it is stored.
var ErrDiskFull = errors.New("the disk is full")

// Store is an open database.
type Store struct {
	path       string
	generation string
	nextJob    atomic.Int64

	writing *sql.DB
	writer  *writer
	readers *sql.DB
}

const (
	maxReaders  = 4
	writerCache = 8 << 10 // KiB
	readerCache = 512     // KiB, each
)

// Open opens the database at path; it makes and migrates it if it must.
func Open(ctx context.Context, path string, log *slog.Logger) (*Store, error) {
	s, err := open(ctx, path, log)
	if err != nil {
		if s != nil {
			s.Close()
		}
		return nil, fmt.Errorf("cannot open database %q: %w", path, explain(err))
	}
	return s, nil
}

func open(ctx context.Context, path string, log *slog.Logger) (s *Store, err error) {
	if err := createPrivate(path); err != nil {
		return nil, err
	}
	s = &Store{path: path}
	s.writing = connect(path, writerCache, "_txlock=immediate&_journal_mode=WAL&_synchronous=FULL")
	s.writing.SetMaxOpenConns(1)
	if err := migrate(ctx, s.writing, log); err != nil {
		return s, err
	}
	if s.generation, err = generation(ctx, s.writing); err != nil {
		return s, err
	}
	if err := s.readLastJob(ctx); err != nil {
		return s, err
	}
	if s.writer, err = newWriter(ctx, s.writing); err != nil {
		return s, err
	}
	s.readers = connect(path, readerCache, "mode=ro&_query_only=1")
	s.readers.SetMaxOpenConns(maxReaders)
	return s, nil
}

// createPrivate makes the file with a mode that SQLite copies to its others.
func createPrivate(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

func connect(path string, cacheKiB int, options string) *sql.DB {
	dsn := fmt.Sprintf("file:%s?%s&_busy_timeout=5000&_foreign_keys=1&_defensive=1&_dqs=0&_pragma=cache_size(-%d)",
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

// Generation names this database. A restored backup draws another one.
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

// Close writes the log back into the database and lets it go.
func (s *Store) Close() error {
	var errs []error
	if s.readers != nil {
		errs = append(errs, s.readers.Close())
	}
	if s.writer != nil {
		errs = append(errs, s.writer.close())
	}
	return errors.Join(append(errs, s.writing.Close())...)
}

// explain puts what users should know of an SQLite error in front.
func explain(err error) error {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return err
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_FULL:
		return fmt.Errorf("%w: %w", ErrDiskFull, err)
	case sqlite3.SQLITE_NOTADB:
		return fmt.Errorf("it is no database of octaskly: %w", err)
	case sqlite3.SQLITE_CORRUPT:
		return fmt.Errorf("it is damaged: %w", err)
	}
	return err
}
