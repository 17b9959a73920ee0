package store

import (
	"context"
	"database/sql/driver"
	"errors"
)

// statement is a prepared statement of the driver, for one goroutine. Its values
// are those that a driver takes: int64, string, []byte, bool and nil.
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

// exec has no context: a transaction that has begun is finished.
func (s *statement) exec(values ...any) error {
	s.args = s.args[:0]
	for i, v := range values {
		s.args = append(s.args, driver.NamedValue{Ordinal: i + 1, Value: v})
	}
	_, err := s.run.ExecContext(context.Background(), s.args)
	return err
}

func (s *statement) close() error { return s.prepared.Close() }
