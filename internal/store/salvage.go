package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/sqlitefile"
)

// fresh is the name of a database that is being made of a damaged one, and ready
// what it is called once it is whole: from then on it counts, see settle.
func fresh(path string) string { return path + ".fresh" }
func ready(path string) string { return path + ".ready" }

// salvage makes a new database of what can be read of a damaged one, and puts it
// in its place. The damaged one is kept beside it. Nobody has it open meanwhile.
// Ids go on after floor.
func salvage(ctx context.Context, path, why string, floor octaskly.JobID, log *slog.Logger) (*Salvage, error) {
	report := &Salvage{At: time.Now().UTC().Truncate(time.Second), Why: why}
	say := sync.OnceFunc(func() {
		log.Error("The database is damaged; what can be read of it is saved now", "database", path, "reason", why)
	})
	if err := rescue(ctx, path, report, floor, say); err != nil {
		removeDatabase(fresh(path))
		return nil, err
	}
	if err := settle(path, log); err != nil {
		return nil, err
	}
	for _, line := range report.Lines() {
		log.Error("Database: " + line)
	}
	return report, nil
}

// rescue makes the new database, and says that it counts.
func rescue(ctx context.Context, path string, report *Salvage, floor octaskly.JobID, say func()) error {
	from, err := sqlitefile.Open(path)
	if err != nil {
		return err
	}
	defer from.Close()
	if from.Pages() == 0 && from.LogFrames() == 0 { // nothing is to be kept of it
		err = removeDatabase(path)
	} else {
		report.Aside = filepath.Base(aside(path, report.At))
	}
	if err := errors.Join(err, removeDatabase(fresh(path))); err != nil {
		return err
	}
	if err := createPrivate(fresh(path)); err != nil {
		return err
	}
	// Nothing of it counts before it is whole.
	db := connect(fresh(path), writerCache, "_journal_mode=MEMORY&_synchronous=OFF&_foreign_keys=0")
	defer db.Close()
	db.SetMaxOpenConns(1)
	if err := copyAndMend(ctx, db, from, report, floor, say); err != nil {
		return err
	}
	if err := db.Close(); err != nil {
		return err
	}
	if err := syncFile(fresh(path)); err != nil {
		return err
	}
	if err := os.Chtimes(fresh(path), report.At, report.At); err != nil { // names the damaged one, see settle
		return err
	}
	if err := os.Rename(fresh(path), ready(path)); err != nil {
		return err
	}
	return syncFile(filepath.Dir(path))
}

func copyAndMend(ctx context.Context, db *sql.DB, from *sqlitefile.File, report *Salvage, floor octaskly.JobID, say func()) error {
	if err := migrate(ctx, db, slog.New(slog.DiscardHandler)); err != nil {
		return err
	}
	c, err := newCopier(ctx, from, db)
	if err != nil {
		return err
	}
	if c.found = say; from.Header() || from.Pages() == 0 {
		say()
	}
	if err := c.run(ctx); err != nil {
		return err
	}
	if len(c.rows) == 0 && !from.Header() && from.Pages() > 0 {
		return errForeign // it never was a database
	}
	if from.Pages() == 0 {
		c.lost = sqlitefile.Lost{}
	}
	report.Saved, report.Pages, report.Rows = c.describe(), c.lost.Pages, c.lost.Rows
	m := &mender{db: db, now: report.At, report: report}
	if err := m.run(ctx, c); err != nil {
		return err
	}
	if err := setLastJob(ctx, db, c, floor); err != nil {
		return err
	}
	text, err := json.Marshal(report)
	if err != nil {
		return err
	}
	if _, err := db.ExecContext(ctx, `INSERT OR REPLACE INTO meta VALUES ('salvage', ?)`, string(text)); err != nil {
		return err
	}
	return divide(ctx, db)
}

// idGap is what ids skip where it is not known which were given out.
const idGap = 1_000_000

// setLastJob makes sure that no id is given out twice.
func setLastJob(ctx context.Context, db *sql.DB, c *copier, floor octaskly.JobID) error {
	last := max(c.ids, c.sequence)
	if c.from.Pages() == 0 {
		last = max(last, floor)
	}
	if c.sequence == 0 && (c.ids > 0 || c.from.Pages() == 0) || c.sequence < c.ids || c.from.Beyond() > 0 || c.from.Short() > 0 {
		last += idGap
	}
	return skipTo(ctx, db, min(max(last, floor), lastID))
}

// skipTo makes ids go on after last.
func skipTo(ctx context.Context, db interface {
	ExecContext(context.Context, string, ...any) (sql.Result, error)
}, last octaskly.JobID) error {
	if _, err := db.ExecContext(ctx, `DELETE FROM sqlite_sequence WHERE name = 'jobs'`); err != nil {
		return err
	}
	_, err := db.ExecContext(ctx, `INSERT INTO sqlite_sequence VALUES ('jobs', ?)`, int64(last))
	return err
}

// keptReport is for how long a salvage is spoken of.
const keptReport = 30 * 24 * time.Hour

// readReport finds the report of a salvage that was not long ago.
func readReport(ctx context.Context, db *sql.DB, now time.Time) (*Salvage, error) {
	var text string
	err := db.QueryRowContext(ctx, `SELECT ifnull((SELECT value FROM meta WHERE name = 'salvage'), '')`).Scan(&text)
	if err != nil || text == "" {
		return nil, err
	}
	report := new(Salvage)
	if json.Unmarshal([]byte(text), report) != nil || now.Sub(report.At) > keptReport {
		return nil, nil
	}
	return report, nil
}
