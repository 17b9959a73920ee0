package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// A database that has been copied is not the one that workers know: what was
// done since it was copied is not in it. It draws another generation, so that no
// attempt of one is taken for that of the other, and skips the ids that may have
// been given out meanwhile. It is known by its file, which it remembers.

// backedUp is the file that a backup remembers: none is called that.
const backedUp = "backup"

// identity names a file for as long as it lives: by its number and when it was
// made, where the file system keeps that. Devices have other numbers after a
// start of the machine.
func identity(path string) (string, error) {
	var info unix.Statx_t
	if err := unix.Statx(unix.AT_FDCWD, path, 0, unix.STATX_INO|unix.STATX_BTIME, &info); err != nil {
		return "", err
	}
	name := fmt.Sprint(info.Ino)
	if info.Mask&unix.STATX_BTIME != 0 {
		name += fmt.Sprintf("@%d.%09d", info.Btime.Sec, info.Btime.Nsec)
	}
	return name, nil
}

// recognize gives a database another generation unless it lies in the file that
// it remembers.
func recognize(ctx context.Context, db *sql.DB, path string, floor octaskly.JobID, log *slog.Logger) error {
	var before string
	err := db.QueryRowContext(ctx, `SELECT value FROM meta WHERE name = 'file'`).Scan(&before)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	now, err := identity(path)
	if err != nil || now == before {
		return err
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if before != "" {
		log.Warn("The database is a copy: what its workers run for another is stopped and runs again", "database", path)
		if err := errors.Join(diverge(ctx, tx, floor), markCopied(ctx, tx)); err != nil {
			return err
		}
	}
	if _, err := tx.ExecContext(ctx, `INSERT OR REPLACE INTO meta VALUES ('file', ?)`, now); err != nil {
		return err
	}
	return tx.Commit()
}

// divide draws another generation, and notes when.
func divide(ctx context.Context, db interface {
	ExecContext(context.Context, string, ...any) (sql.Result, error)
}) error {
	_, err := db.ExecContext(ctx, `INSERT OR REPLACE INTO meta VALUES ('generation', ?), ('divided', ?)`,
		rand.Text(), strconv.FormatInt(time.Now().UnixMicro(), 10))
	return err
}

// readDivided finds when divide was called last.
func readDivided(ctx context.Context, db *sql.DB) (at time.Time, err error) {
	var micros int64
	err = db.QueryRowContext(ctx, `SELECT ifnull((SELECT CAST(value AS INTEGER) FROM meta WHERE name = 'divided'), 0)`).Scan(&micros)
	return fromMicros(micros), err
}

// diverge draws a generation, and skips ids, those up to floor among them.
func diverge(ctx context.Context, tx *sql.Tx, floor octaskly.JobID) error {
	if err := divide(ctx, tx); err != nil {
		return err
	}
	var last octaskly.JobID
	err := tx.QueryRowContext(ctx, `SELECT ifnull(max(seq), 0) FROM sqlite_sequence WHERE name = 'jobs'`).Scan(&last)
	if err != nil || last > lastID { // see readLastJob
		return err
	}
	if last > 0 {
		last += idGap
	}
	if last = max(last, floor); last <= 0 {
		return nil
	}
	return skipTo(ctx, tx, min(last, lastID))
}
