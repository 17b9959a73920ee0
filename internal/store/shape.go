package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/octaskly/octaskly/internal/sqlitefile"
)

// shape is what the rows of a table look like on disk, by the present schema.
// Tables are STRICT, and a column that came with a later version has a default
// and stands at the end: that tells the rows of each table from those of others,
// be they as old as they may.
type shape struct {
	table   string
	index   bool     // WITHOUT ROWID: its rows lie in an index's tree
	columns []column // in the order of a row
	newer   string   // whether of two rows with one key another takes the place of the first; empty: never
	texts   map[int]string
}

type column struct {
	name    string
	kind    string // INTEGER, REAL, TEXT, BLOB
	null    bool   // may be NULL
	id      bool   // the row's id; NULL in the row
	key     int    // place in the primary key
	omitted bool   // rows from before it do not have it
}

// ownTables are SQLite's, which are not copied as they are.
const ownTables = "sqlite_%"

// shapes reads them from a database of the present schema.
func shapes(ctx context.Context, db *sql.DB) ([]shape, error) {
	all, err := list(ctx, db, func(s *shape) []any { return []any{&s.table, &s.index} },
		`SELECT name, wr FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT LIKE ?`, ownTables)
	for i := range all {
		s := &all[i]
		s.columns, err = list(ctx, db, func(c *column) []any {
			return []any{&c.name, &c.kind, &c.null, &c.key, &c.omitted}
		}, `SELECT name, type, NOT "notnull", pk, dflt_value IS NOT NULL FROM pragma_table_xinfo(?) WHERE hidden = 0 ORDER BY cid`, s.table)
		if err != nil {
			return nil, err
		}
		s.arrange()
	}
	return all, err
}

// arrange puts the columns into the order of a row.
func (s *shape) arrange() {
	for i := range s.columns {
		c := &s.columns[i]
		c.id = !s.index && c.key > 0 && c.kind == "INTEGER"
		c.null = c.null && c.key == 0
		if c.name == "seq" && c.key == 0 {
			s.newer = `excluded.seq >= seq`
		}
	}
	if s.newer == "" {
		s.newer = succession[s.table]
	}
	if s.index {
		slices.SortStableFunc(s.columns, func(a, b column) int {
			return place(a) - place(b)
		})
	}
}

// succession is for tables whose rows have no seq. What was revoked stays so.
var succession = map[string]string{
	"users":        `excluded.changed_at > changed_at`,
	"tokens":       `revoked_at = 0 AND (excluded.revoked_at > 0 OR excluded.used_at > used_at)`,
	"signing_keys": `excluded.retired_at > retired_at`,
	"identities":   `revoked_at = 0 AND excluded.revoked_at > 0`,
	"invites":      `revoked_at = 0 AND (excluded.revoked_at > 0 OR excluded.used_at > used_at)`,
}

func place(c column) int {
	if c.key == 0 {
		return 1 << 16
	}
	return c.key
}

// fits reports whether values can be a row of the table.
func (s *shape) fits(values []any) bool {
	if len(values) > len(s.columns) {
		return false
	}
	for i, c := range s.columns {
		switch {
		case i >= len(values):
			return c.omitted
		case !c.fits(values[i]):
			return false
		}
	}
	return true
}

func (c *column) fits(value any) bool {
	switch value.(type) {
	case nil:
		return c.null || c.id
	case int64:
		return c.kind == "INTEGER" && !c.id || c.kind == "REAL" // without a fraction
	case float64:
		return c.kind == "REAL"
	case string:
		return c.kind == "TEXT"
	case []byte:
		return c.kind == "BLOB"
	}
	return false
}

// statement inserts a row of n values. A row that is there stays, unless it is
// older.
func (s *shape) statement(n int) string {
	if s.texts == nil {
		s.texts = map[int]string{}
	}
	if s.texts[n] == "" {
		s.texts[n] = s.text(n)
	}
	return s.texts[n]
}

func (s *shape) text(n int) string {
	names := make([]string, n)
	key := ""
	var updates []string
	for i, c := range s.columns[:n] {
		names[i] = `"` + c.name + `"`
		if c.key > 0 {
			key = names[i]
			continue
		}
		updates = append(updates, names[i]+" = excluded."+names[i])
	}
	text := fmt.Sprintf("INTO %s (%s) VALUES %s", s.table, strings.Join(names, ", "), rowsOf(n, 1))
	if s.newer == "" {
		return "INSERT OR IGNORE " + text
	}
	return fmt.Sprintf("INSERT OR IGNORE %s ON CONFLICT (%s) DO UPDATE SET %s WHERE %s", text, key, strings.Join(updates, ", "), s.newer)
}

// args are those of statement.
func (s *shape) args(row sqlitefile.Row) []any {
	args := slices.Clone(row.Values)
	for i := range args {
		if s.columns[i].id {
			args[i] = row.ID
		}
	}
	return args
}
