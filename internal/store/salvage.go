package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/sqlitefile"
)

// Salvage tells what a damaged database was saved from, and what was not saved.
type Salvage struct {
	At      time.Time        `json:"at"`
	Why     string           `json:"why"`
	Aside   string           `json:"aside"`   // where the damaged file is, beside the database
	Saved   string           `json:"saved"`   // rows, for people
	Pages   int              `json:"pages"`   // that could not be read
	Rows    int              `json:"rows"`    // likewise, on pages that could
	Again   int64            `json:"again"`   // tasks that run again, since nothing is known of their end
	Rebuilt int64            `json:"rebuilt"` // tasks whose state was lost, and is that of their latest result
	Guessed int64            `json:"guessed"` // tasks that are over and of which little else is known
	Lost    int64            `json:"lost"`    // jobs that are gone
	Gone    []octaskly.JobID `json:"gone"`    // the first of these
	Touched int64            `json:"touched"` // jobs of which something was lost
	Jobs    []octaskly.JobID `json:"jobs"`    // the first of these

	Actions  int64 `json:"actions,omitempty"`  // rows of the audit log that are gone
	Disabled int64 `json:"disabled,omitempty"` // users who may have been removed, disabled or changed before
}

// maxNamed is how many jobs a report names.
const maxNamed = 20

func (r *Salvage) lose(id octaskly.JobID) {
	if r.Lost++; len(r.Gone) < maxNamed {
		r.Gone = append(r.Gone, id)
	}
}

func (r *Salvage) touch(id octaskly.JobID) {
	if r.Touched++; len(r.Jobs) < maxNamed {
		r.Jobs = append(r.Jobs, id)
	}
}

// Lines tell people of it, one thing each.
func (r *Salvage) Lines() []string {
	lines := []string{
		fmt.Sprintf("the database was damaged (%s); it is kept as %s", r.Why, r.Aside),
		fmt.Sprintf("saved: %s; not readable: %d pages, and %d rows on others", r.Saved, r.Pages, r.Rows),
	}
	add := func(n int64, format string, args ...any) {
		if n > 0 {
			lines = append(lines, fmt.Sprintf(format, args...))
		}
	}
	add(r.Lost, "%d jobs are lost: %s", r.Lost, naming(r.Gone, r.Lost))
	add(r.Touched, "something was lost of %d jobs that go on or are kept: %s", r.Touched, naming(r.Jobs, r.Touched))
	add(r.Rebuilt, "%d tasks have the state that their latest result tells", r.Rebuilt)
	add(r.Again, "%d tasks run again: nothing is known of their end", r.Again)
	add(r.Guessed, "%d tasks are over, but how they ended is partly lost", r.Guessed)
	add(r.Actions, "%d rows of the audit log are lost; octasklyctl audit verify says which", r.Actions)
	add(r.Disabled, "%d users are disabled: they may have been so before, or removed", r.Disabled)
	return lines
}

func naming(ids []octaskly.JobID, n int64) string {
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = id.String()
	}
	text := strings.Join(names, ", ")
	if n > int64(len(ids)) {
		text += ", …"
	}
	return text
}

// fresh is the name of a database that is being made of a damaged one, and ready
// what it is called once it is whole: from then on it counts, see settle.
func fresh(path string) string { return path + ".fresh" }
func ready(path string) string { return path + ".ready" }

// salvage makes a new database of what can be read of a damaged one, and puts it
// in its place. The damaged one is kept beside it. Nobody has it open meanwhile.
func salvage(ctx context.Context, path, why string, log *slog.Logger) (*Salvage, error) {
	log.Error("The database is damaged; what can be read of it is saved now", "database", path, "reason", why)
	report := &Salvage{At: time.Now().UTC().Truncate(time.Second), Why: why}
	report.Aside = filepath.Base(aside(path, report.At))
	if err := rescue(ctx, path, report, log); err != nil {
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
func rescue(ctx context.Context, path string, report *Salvage, log *slog.Logger) error {
	from, err := sqlitefile.Open(path)
	if err != nil {
		return err
	}
	defer from.Close()
	if err := removeDatabase(fresh(path)); err != nil {
		return err
	}
	if err := createPrivate(fresh(path)); err != nil {
		return err
	}
	// Nothing of it counts before it is whole.
	db := connect(fresh(path), writerCache, "_journal_mode=MEMORY&_synchronous=OFF&_foreign_keys=0")
	defer db.Close()
	db.SetMaxOpenConns(1)
	if err := copyAndMend(ctx, db, from, report); err != nil {
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

func copyAndMend(ctx context.Context, db *sql.DB, from *sqlitefile.File, report *Salvage) error {
	if err := migrate(ctx, db, slog.New(slog.DiscardHandler)); err != nil {
		return err
	}
	c, err := newCopier(ctx, from, db)
	if err != nil {
		return err
	}
	if err := c.run(ctx); err != nil {
		return err
	}
	if len(c.rows) == 0 && !from.Header() {
		return errForeign // it never was a database
	}
	report.Saved, report.Pages, report.Rows = c.describe(), c.lost.Pages, c.lost.Rows
	m := &mender{db: db, now: report.At, report: report}
	if err := m.run(ctx, c); err != nil {
		return err
	}
	if err := setLastJob(ctx, db, c); err != nil {
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
func setLastJob(ctx context.Context, db *sql.DB, c *copier) error {
	last := max(c.ids, c.sequence)
	if c.sequence == 0 && c.ids > 0 || c.sequence < c.ids || c.from.Beyond() > 0 || c.from.Short() > 0 {
		last += idGap
	}
	return skipTo(ctx, db, last)
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
