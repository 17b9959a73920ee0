package store_test

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	_ "modernc.org/sqlite"

	"github.com/octaskly/octaskly/internal/sqlitefile"
)

// database makes one with a table t and an index tree w of n rows each.
func database(t testing.TB, options string, n int) (path string, db *sql.DB) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "a.db")
	db, err := sql.Open("sqlite", "file:"+path+"?"+options)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { db.Close() })
	exec(t, db, `CREATE TABLE t (id INTEGER PRIMARY KEY, a, b); CREATE TABLE w (k PRIMARY KEY, v) WITHOUT ROWID`)
	insert(t, db, 1, n)
	return path, db
}

func insert(t testing.TB, db *sql.DB, from, to int) {
	t.Helper()
	exec(t, db, fmt.Sprintf(`WITH n(i) AS (SELECT %d UNION ALL SELECT i + 1 FROM n WHERE i < %d)
		INSERT INTO t SELECT i, printf('%%*c', i %% 90, 'x'), CASE i %% 4 WHEN 0 THEN NULL WHEN 1 THEN i * 1000003 WHEN 2 THEN i / 3.0
			ELSE zeroblob(i * 7 %% 9000) END FROM n`, from, to))
	exec(t, db, `INSERT OR IGNORE INTO w SELECT a || id, b FROM t`)
}

func exec(t testing.TB, db *sql.DB, text string) {
	t.Helper()
	if _, err := db.Exec(text); err != nil {
		t.Fatal(err)
	}
}

// asked is what SQLite reads.
func asked(t testing.TB, db *sql.DB, query string) (rows [][]any) {
	t.Helper()
	found, err := db.Query(query)
	if err != nil {
		t.Fatal(err)
	}
	defer found.Close()
	for found.Next() {
		row := make([]any, 2)
		if err := found.Scan(&row[0], &row[1]); err != nil {
			t.Fatal(err)
		}
		rows = append(rows, row)
	}
	return rows
}

// walked is what this package reads: the last two columns of each row.
func walked(t testing.TB, f *sqlitefile.File, table string) (rows [][]any, lost sqlitefile.Lost) {
	t.Helper()
	roots := map[string]int64{}
	if _, err := f.Walk(1, false, func(r sqlitefile.Row) error { roots[r.Values[1].(string)] = r.Values[3].(int64); return nil }); err != nil {
		t.Fatal(err)
	}
	lost, err := f.Walk(uint32(roots[table]), table == "w", func(r sqlitefile.Row) error {
		rows = append(rows, r.Values[len(r.Values)-2:])
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return rows, lost
}

func open(t testing.TB, path string) *sqlitefile.File {
	t.Helper()
	f, err := sqlitefile.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// A sound database reads as SQLite reads it, whatever its pages are, and with a
// log that has not been copied back.
func TestPagesAreWalked(t *testing.T) {
	for _, size := range []int{512, 4096, 65536} {
		for _, mode := range []string{"DELETE", "WAL"} {
			t.Run(fmt.Sprint(size, mode), func(t *testing.T) {
				path, db := database(t, fmt.Sprintf("_pragma=page_size(%d)&_journal_mode=%s", size, mode), 2000)
				exec(t, db, `DELETE FROM t WHERE id % 3 = 0; UPDATE t SET a = 'changed' WHERE id % 7 = 0`)
				for table, query := range map[string]string{"t": `SELECT a, b FROM t ORDER BY id`, "w": `SELECT k, v FROM w ORDER BY k`} {
					f := open(t, path)
					rows, lost := walked(t, f, table)
					if want := asked(t, db, query); lost != (sqlitefile.Lost{}) || !reflect.DeepEqual(want, rows) {
						t.Errorf("%s: lost %+v, %d rows, want %d", table, lost, len(rows), len(want))
					}
				}
			})
		}
	}
}

// What a tree no longer leads to is found: every row of every page but of the
// one that is gone, and none that was deleted.
func TestOrphanPages(t *testing.T) {
	path, db := database(t, "", 3000)
	exec(t, db, `DELETE FROM t WHERE id > 2000`)
	want := len(asked(t, db, `SELECT id, a FROM t`))
	var root int
	if err := db.QueryRow(`SELECT rootpage FROM sqlite_schema WHERE name = 't'`).Scan(&root); err != nil {
		t.Fatal(err)
	}
	db.Close()
	damage(t, path, int64(root-1)*4096, make([]byte, 4096))
	f := open(t, path)
	if !f.Free() {
		t.Fatal("the list of free pages cannot be followed")
	}
	rows, lost := walked(t, f, "t")
	if len(rows) > 0 || lost.Pages != 1 {
		t.Errorf("%d rows below a page that is gone, lost %+v", len(rows), lost)
	}
	walked(t, f, "w")
	ids := map[int64]bool{}
	err := f.Orphans(func(r sqlitefile.Row, index bool) error {
		if !index && len(r.Values) == 3 {
			ids[r.ID] = true
		}
		return nil
	})
	if err != nil || len(ids) != want {
		t.Errorf("%d of %d rows are found: %v", len(ids), want, err)
	}
}

func damage(t testing.TB, path string, at int64, with []byte) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt(with, at); err != nil {
		t.Fatal(err)
	}
}

// Past a torn frame of the log lie commits that SQLite no longer sees; their
// rows are there.
func TestPagesOfTornLog(t *testing.T) {
	for name, test := range map[string]struct {
		tear    func(t *testing.T, wal string)
		commits int // out of reach
		late    int // seen
	}{
		"whole":        {func(*testing.T, string) {}, 0, 5},
		"in the midst": {func(t *testing.T, wal string) { damage(t, wal, frameAt(2)+100, []byte("torn")) }, 4, 1},
		"its head":     {func(t *testing.T, wal string) { damage(t, wal, 0, make([]byte, 32)) }, 5, 0},
		"its end":      {func(t *testing.T, wal string) { cut(t, wal, 1) }, 0, 4},
	} {
		t.Run(name, func(t *testing.T) {
			path, db := database(t, "_journal_mode=WAL&_pragma=wal_autocheckpoint(0)", 10)
			exec(t, db, `PRAGMA wal_checkpoint(TRUNCATE)`)
			for i := range 5 {
				exec(t, db, fmt.Sprintf(`UPDATE t SET a = 'late' WHERE id = %d`, i+1))
			}
			copied := filepath.Join(t.TempDir(), "b.db")
			for _, suffix := range []string{"", "-wal"} {
				data, err := os.ReadFile(path + suffix)
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(copied+suffix, data, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			test.tear(t, copied+"-wal")
			f := open(t, copied)
			rows, _ := walked(t, f, "t")
			late := 0
			for _, r := range rows {
				if r[0] == "late" {
					late++
				}
			}
			if torn := f.Torn(2); torn != test.commits || late != test.late { // 2 is the root of t
				t.Errorf("%d commits are seen, want %d; %d out of reach, want %d", late, test.late, torn, test.commits)
			}
			if err := f.Orphans(func(r sqlitefile.Row, _ bool) error { late += strings.Count(fmt.Sprint(r.Values), "late"); return nil }); err != nil {
				t.Fatal(err)
			}
			if torn := test.commits > 0; torn && late < 5 {
				t.Errorf("%d of 5 commits are found", late)
			}
		})
	}
}

// cut takes n bytes off the end of a file.
func cut(t *testing.T, path string, n int64) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, info.Size()-n); err != nil {
		t.Fatal(err)
	}
}

// frameAt is where the content of the n-th frame of a log lies.
func frameAt(n int) int64 {
	return 32 + int64(n-1)*(24+4096) + 24
}
