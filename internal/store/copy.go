package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/sqlitefile"
)

// copier copies what can be read of a damaged database into a fresh one.
type copier struct {
	from   *sqlitefile.File
	shapes []shape
	into   *inserter

	roots map[string]uint32 // of all trees, by name
	free  bool              // it is known which pages hold nothing
	lost  sqlitefile.Lost

	rows     map[string]int64 // that were copied, by table
	ids      octaskly.JobID   // the highest that was seen
	sequence octaskly.JobID   // the highest that was given out; 0: not known
	doubtful map[octaskly.JobID]bool
	ledger   bool   // it was there
	disabled int64  // users
	found    func() // is called where there is a row
}

func newCopier(ctx context.Context, from *sqlitefile.File, into *sql.DB) (*copier, error) {
	all, err := shapes(ctx, into)
	c := &copier{
		from: from, shapes: all, into: &inserter{db: into, statements: map[string]*sql.Stmt{}},
		roots: map[string]uint32{}, rows: map[string]int64{}, doubtful: map[octaskly.JobID]bool{}, found: func() {},
	}
	return c, err
}

// run copies the rows that trees lead to, then those on pages that no tree leads
// to any more. Where it is not known which pages are free, the latter may have
// been deleted before.
func (c *copier) run(ctx context.Context) (err error) {
	defer func() { err = c.into.end(err) }()
	whole, err := c.findRoots(ctx)
	if err != nil {
		return err
	}
	c.free = c.from.Free()
	found := map[string]bool{}
	for i := range c.shapes {
		s := &c.shapes[i]
		root, ok := c.roots[s.table]
		found[s.table] = ok
		switch {
		case !ok && whole:
			continue // an older schema does not have it
		case !ok:
			c.lost.Pages++
			continue
		}
		if err := c.walk(ctx, root, s); err != nil {
			return err
		}
	}
	if err := c.walkOthers(ctx, found); err != nil {
		return err
	}
	if c.lost == (sqlitefile.Lost{}) && !c.free && c.from.Beyond() == 0 {
		return nil // all is there: the rest is free
	}
	return c.from.Orphans(func(row sqlitefile.Row, index bool) error {
		s := c.shapeOf(row, index)
		if s == nil {
			return ctx.Err()
		}
		if c.free {
			return c.put(ctx, s, row)
		}
		return c.doubt(ctx, s, row)
	})
}

// doubt copies a row that may have been deleted before, or be from before what is
// known of it now: nobody shall do by it what was forbidden him since.
func (c *copier) doubt(ctx context.Context, s *shape, row sqlitefile.Row) error {
	switch s.table {
	case "jobs":
		c.doubtful[octaskly.JobID(row.ID)] = true
	case "tokens", "identities", "invites":
		c.lost.Rows++
		return ctx.Err()
	case "users":
		row.Values[slices.IndexFunc(s.columns, func(c column) bool { return c.name == "disabled" })] = int64(1)
		before := c.rows[s.table]
		defer func() { c.disabled += c.rows[s.table] - before }()
	}
	return c.put(ctx, s, row)
}

// findRoots reads the schema. Where its tree is damaged, its rows are looked for
// everywhere.
func (c *copier) findRoots(ctx context.Context) (whole bool, err error) {
	lost, err := c.from.Walk(1, false, c.root)
	if err != nil || lost == (sqlitefile.Lost{}) {
		return true, err
	}
	c.lost.Add(lost)
	return false, c.from.Orphans(func(row sqlitefile.Row, index bool) error {
		if index {
			return ctx.Err()
		}
		return c.root(row)
	})
}

// root takes a row of the schema: type, name, table, root page and text.
func (c *copier) root(row sqlitefile.Row) error {
	if len(row.Values) != 5 {
		return nil
	}
	kind, _ := row.Values[0].(string)
	name, _ := row.Values[1].(string)
	page, _ := row.Values[3].(int64)
	if (kind == "table" || kind == "index") && name != "" && page > 1 && page <= int64(c.from.Pages()) {
		if _, twice := c.roots[name]; !twice {
			c.roots[name] = uint32(page)
		}
	}
	return nil
}

func (c *copier) walk(ctx context.Context, root uint32, s *shape) error {
	lost, err := c.from.Walk(root, s.index, func(row sqlitefile.Row) error {
		if s.fits(row.Values) {
			return c.put(ctx, s, row)
		}
		return c.stray(ctx, row, s.index)
	})
	c.lost.Add(lost)
	return err
}

// stray takes a row that is in the tree of another table, as where a page has
// been written over another.
func (c *copier) stray(ctx context.Context, row sqlitefile.Row, index bool) error {
	if s := c.shapeOf(row, index); s != nil {
		return c.put(ctx, s, row)
	}
	c.lost.Rows++
	return nil
}

// walkOthers marks the pages of what is not copied: indices, and SQLite's own
// tables. What is lost of the former can be made anew.
func (c *copier) walkOthers(ctx context.Context, found map[string]bool) error {
	for name, root := range c.roots {
		if found[name] {
			continue
		}
		sequence := name == "sqlite_sequence"
		lost, err := c.from.Walk(root, !sequence, func(row sqlitefile.Row) error {
			if !sequence {
				return ctx.Err()
			}
			if len(row.Values) != 2 || row.Values[0] != "jobs" {
				return c.stray(ctx, row, false)
			}
			if last, _ := row.Values[1].(int64); last > 0 && last <= int64(lastID) {
				c.sequence = octaskly.JobID(last)
			}
			return nil
		})
		if err != nil {
			return err
		}
		if sequence {
			c.lost.Add(lost)
		}
	}
	return nil
}

// shapeOf finds the table that a row is of. Of indices only such rows count as
// no index has: an entry of one may look like a row.
func (c *copier) shapeOf(row sqlitefile.Row, index bool) *shape {
	for i := range c.shapes {
		s := &c.shapes[i]
		if s.index == index && s.fits(row.Values) && (!index || len(row.Values) > maxIndexed) {
			return s
		}
	}
	return nil
}

// maxIndexed is how many columns an index has at most, with the row's id.
const maxIndexed = 3

// put copies a row.
func (c *copier) put(ctx context.Context, s *shape, row sqlitefile.Row) error {
	if s.table == "meta" && row.Values[0] != "fleet_id" && row.Values[0] != copied {
		return nil // is drawn anew
	}
	c.found()
	c.note(s.table, row)
	n, err := c.into.insert(ctx, s.statement(len(row.Values)), s.args(row))
	c.rows[s.table] += n
	return err
}

// note keeps the highest id of a job in sight.
func (c *copier) note(table string, row sqlitefile.Row) {
	id := octaskly.JobID(row.ID)
	switch table {
	case "jobs", "progress":
	case "tasks":
		id >>= indexBits
	case "results":
		task, _ := row.Values[1].(int64)
		id = octaskly.JobID(task >> indexBits)
	case "ledger":
		c.ledger = true
		return
	default:
		return
	}
	if id <= lastID {
		c.ids = max(c.ids, id)
	}
}

// inserter inserts many rows, some thousands in each transaction.
type inserter struct {
	db         *sql.DB
	tx         *sql.Tx
	pending    int
	statements map[string]*sql.Stmt
}

const maxPending = 10_000

func (i *inserter) insert(ctx context.Context, text string, args []any) (rows int64, err error) {
	if i.tx == nil {
		if i.tx, err = i.db.BeginTx(ctx, nil); err != nil {
			return 0, err
		}
	}
	s := i.statements[text]
	if s == nil {
		if s, err = i.tx.PrepareContext(ctx, text); err != nil {
			return 0, err
		}
		i.statements[text] = s
	}
	result, err := s.ExecContext(ctx, args...)
	if err != nil {
		return 0, fmt.Errorf("cannot copy a row: %w", err)
	}
	if i.pending++; i.pending >= maxPending {
		err = i.end(nil)
	}
	rows, _ = result.RowsAffected()
	return rows, err
}

// end commits, unless why is an error.
func (i *inserter) end(why error) error {
	clear(i.statements)
	tx := i.tx
	i.tx, i.pending = nil, 0
	switch {
	case tx == nil:
		return why
	case why != nil:
		tx.Rollback()
		return why
	}
	return tx.Commit()
}

// describe says for people what was copied.
func (c *copier) describe() string {
	var parts []string
	for _, s := range c.shapes {
		if n := c.rows[s.table]; n > 0 && s.table != "ledger" && s.table != "meta" {
			parts = append(parts, fmt.Sprintf("%d %s", n, s.table))
		}
	}
	return strings.Join(parts, ", ")
}
