package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Check reads all of the database and looks whether it is sound, while others
// read and write. Damage is told to whoever waits for Damaged. It takes as long
// as reading takes, and ends with ctx.
func (s *Store) Check(ctx context.Context) error {
	s.healing.Lock() // so that nobody takes the file away meanwhile
	began := time.Now()
	checking, stop := context.WithCancel(ctx)
	defer stop()
	s.checking.Store(&stop)
	found, err := check(checking, s.path)
	s.checking.Store(nil)
	s.healing.Unlock()
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case checking.Err() != nil:
		return nil // damage was found elsewhere
	}
	if err != nil && !isDamage(err) {
		return fmt.Errorf("cannot check the database: %w", explain(err))
	}
	if err != nil {
		found = err.Error()
	}
	if found != "" {
		s.accuse(found)
		return nil
	}
	now := time.Now()
	s.checked.Store(&now)
	s.log.Info("Database is sound", "took", now.Sub(began).Round(time.Millisecond))
	return nil
}

// checkCache is small: every page is read once.
const checkCache = 512 // KiB

// maxFound bounds what is said of damage, in bytes.
const maxFound = 200

// brief makes one line of what SQLite has found.
func brief(found string) string {
	if _, rest, headed := strings.Cut(found, " ***\n"); headed {
		found = rest
	}
	found = strings.ReplaceAll(found, "\n", "; ")
	if len(found) > maxFound {
		found = found[:maxFound] + "…"
	}
	return found
}

// check returns the first thing that is wrong with a database. It goes from
// table to table, so that the log can be copied back in between.
func check(ctx context.Context, path string) (found string, err error) {
	db := connect(path, checkCache, "mode=ro&_query_only=1")
	defer db.Close()
	db.SetMaxOpenConns(1)
	version, err := schemaVersion(ctx, db)
	if err != nil {
		return "", err
	}
	if version <= latest() {
		if found, err := strange(ctx, db, version); err != nil || found != "" {
			return found, err
		}
	}
	tables, err := list(ctx, db, func(name *string) []any { return []any{name} },
		`SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table'`)
	if err != nil {
		return "", err
	}
	for _, table := range tables {
		err := db.QueryRowContext(ctx, fmt.Sprintf(`PRAGMA integrity_check(%q)`, table)).Scan(&found)
		if err != nil || found != "ok" {
			return brief(found), err
		}
	}
	if version != latest() {
		return "", nil // it is looked at when it has been migrated
	}
	if found, err := checkValues(ctx, db); err != nil || found != "" {
		return found, err
	}
	return checkTexts(ctx, db)
}

// checkValues looks for rows that no program has written, though SQLite may find
// them sound.
func checkValues(ctx context.Context, db *sql.DB) (found string, err error) {
	for _, t := range impossible {
		var key int64
		err := db.QueryRowContext(ctx, fmt.Sprintf(`SELECT %s FROM %s WHERE %s LIMIT 1`, t.key, t.table, t.where)).Scan(&key)
		switch {
		case err == nil:
			return fmt.Sprintf("the row %d of %s makes no sense", key, t.table), nil
		case !errors.Is(err, sql.ErrNoRows):
			return "", err
		}
	}
	return "", nil
}

// checkTexts looks for texts that nobody can read, which SQLite does not know
// of: a row may reach over pages of its own, and nothing but their content tells
// what they are.
func checkTexts(ctx context.Context, db *sql.DB) (found string, err error) {
	for _, t := range texts {
		keys, err := t.unreadable(ctx, db)
		if err != nil {
			return "", err
		}
		if len(keys) > 0 {
			return fmt.Sprintf("%d rows of %s cannot be read, that of %v among them", len(keys), t.table, keys[0]), nil
		}
	}
	return "", nil
}
