package store

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"sync"

	"modernc.org/sqlite"
)

// object is a row of the schema, but for where its pages are.
type object struct{ kind, name, table, text string }

func (o *object) String() string { return fmt.Sprintf("%s %.80q", o.kind, o.name) }

func objectFields(o *object) []any { return []any{&o.kind, &o.name, &o.table, &o.text} }

// schemaRows has the table by the one name that no other can have.
const schemaRows = `SELECT type, name, tbl_name, ifnull(sql, '') FROM sqlite_master`

// layout is the schema of one version, by name.
type layout map[string]object

// layouts are those of all versions, from that of an empty database on.
var layouts = sync.OnceValues(func() (all []layout, err error) {
	c, err := sqlite.NewConnector("file::memory:?_dqs=0")
	if err != nil {
		return nil, err
	}
	db := sql.OpenDB(c)
	defer db.Close()
	db.SetMaxOpenConns(1) // each has a database of its own
	ctx := context.Background()
	for version := 0; ; version++ {
		l, err := readLayout(ctx, db)
		if err != nil {
			return nil, err
		}
		if all = append(all, l); version == latest() {
			return all, nil
		}
		if err := stepTo(ctx, db, version+1); err != nil {
			return nil, err
		}
	}
})

func readLayout(ctx context.Context, db *sql.DB) (layout, error) {
	rows, err := list(ctx, db, objectFields, schemaRows)
	l := layout{}
	for _, o := range rows {
		l[o.name] = o
	}
	return l, err
}

// strange says what in a database's schema is not as the migrations make it: a
// trigger would run with our statements, and an index that is missing lets in what
// it forbids.
func strange(ctx context.Context, db *sql.DB, version int) (found string, err error) {
	known, err := layouts()
	if err != nil {
		return "", err
	}
	if version < 0 || version >= len(known) {
		return fmt.Sprintf("its schema is of version %d, which there is not", version), nil
	}
	has, err := list(ctx, db, objectFields, schemaRows)
	if err != nil {
		return "", err
	}
	missing := maps.Clone(known[version])
	for _, o := range has {
		want, ours := missing[o.name]
		switch {
		case statistics[o.name] && o.kind == "table":
		case !ours:
			return fmt.Sprintf("it has the %v, which octaskly has not made", &o), nil
		case o != want:
			return fmt.Sprintf("its %v is not as octaskly has made it", &o), nil
		}
		delete(missing, o.name)
	}
	for _, name := range slices.Sorted(maps.Keys(missing)) {
		o := missing[name]
		return fmt.Sprintf("its %v is missing", &o), nil
	}
	return "", nil
}

// statistics are what ANALYZE makes, and octaskly does not.
var statistics = map[string]bool{"sqlite_stat1": true, "sqlite_stat4": true}
