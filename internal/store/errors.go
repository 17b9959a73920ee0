package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// ErrDiskFull says that there was no room for what was to be written. Nothing
// of it is stored.
var ErrDiskFull = errors.New("the disk is full")

var errForeign = errors.New("it is no database of octaskly")

// explain puts what users should know of an error in front, and leaves out the
// path, which the message has already.
func explain(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return err
	}
	if e.Code() == sqlite3.SQLITE_IOERR_SHMSIZE { // the log's index cannot grow
		return fmt.Errorf("%w: %w", ErrDiskFull, err)
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_FULL:
		return fmt.Errorf("%w: %w", ErrDiskFull, err)
	case sqlite3.SQLITE_NOTADB:
		return fmt.Errorf("%w: %w", errForeign, err)
	case sqlite3.SQLITE_CORRUPT:
		return fmt.Errorf("it is damaged: %w", err)
	}
	return err
}

// remedy says what to do about a file that is no database.
func remedy(path string, err error) error {
	if !errors.Is(err, errForeign) {
		return err
	}
	return fmt.Errorf("%w; move it away, mv %s %s.old, and start anew or from a backup: octasklyd dispatcher restore FILE", err, path, path)
}

// unreadable is what the reading methods return for err: octaskly.ErrNotFound
// for a row that is not there, and the context's error when that is over, since
// database/sql may speak of what it has closed then.
func unreadable(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, sql.ErrNoRows):
		return octaskly.ErrNotFound
	case ctx.Err() != nil:
		err = ctx.Err()
	}
	return fmt.Errorf("cannot read the database: %w", explain(err))
}
