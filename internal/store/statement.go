package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"strings"
)

// statement is a prepared statement of the driver, for one goroutine. Its values
// are those that a driver takes: int64, float64, string, []byte, bool and nil.
type statement struct {
	prepared driver.Stmt
	run      driver.StmtExecContext // the same
	args     []driver.NamedValue
}

var errDriver = errors.New("the driver of the database cannot prepare statements")

// prepare makes a statement on the connection that sql.Conn.Raw has given.
func prepare(conn any, text string) (*statement, error) {
	preparer, ok := conn.(driver.ConnPrepareContext)
	if !ok {
		return nil, errDriver
	}
	prepared, err := preparer.PrepareContext(context.Background(), text)
	if err != nil {
		return nil, err
	}
	run, ok := prepared.(driver.StmtExecContext)
	if !ok {
		return nil, errors.Join(errDriver, prepared.Close())
	}
	return &statement{prepared: prepared, run: run}, nil
}

// add appends values to those of the next exec.
func (s *statement) add(values ...any) {
	for _, v := range values {
		s.args = append(s.args, driver.NamedValue{Ordinal: len(s.args) + 1, Value: v})
	}
}

// exec has no context: a transaction that has begun is finished.
func (s *statement) exec(values ...any) error {
	_, err := s.result(values...)
	return err
}

// count is exec, and says how many rows it has changed.
func (s *statement) count(values ...any) (int64, error) {
	result, err := s.result(values...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

func (s *statement) result(values ...any) (driver.Result, error) {
	s.add(values...)
	defer s.forget()
	return s.run.ExecContext(context.Background(), s.args)
}

// forget drops the values that were added.
func (s *statement) forget() {
	clear(s.args)
	s.args = s.args[:0]
}

func (s *statement) close() error { return s.prepared.Close() }

// table inserts rows into one table. Many rows by one statement cost two thirds of
// what they cost one by one.
type table struct{ one, many *statement }

// chunk is how many rows one statement inserts.
const chunk = 16

// rowsOf is what follows INSERT INTO t VALUES for n rows.
func rowsOf(columns, n int) string {
	row := `(` + strings.TrimSuffix(strings.Repeat(`?,`, columns), `,`) + `)`
	return strings.TrimSuffix(strings.Repeat(row+`,`, n), `,`)
}

// insert adds each row's values to a statement, and executes it. It stops at the
// first error: SQLite may have rolled back by then, and what came after would be
// written all the same.
func insert[T any](into table, rows []T, add func(*statement, *T) error) error {
	for len(rows) > 0 {
		s, n := into.one, 1
		if len(rows) >= chunk {
			s, n = into.many, chunk
		}
		for i := range rows[:n] {
			if err := add(s, &rows[i]); err != nil {
				s.forget()
				return err
			}
		}
		if err := s.exec(); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}
